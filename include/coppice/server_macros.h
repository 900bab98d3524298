/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How COP_SERVER is made, of entries that are parenthesised triples (tag, kind, function): first a thunk with the
 * right types for each, which is where a wrong function is refused, then the table. A tag is no word that a program may have made a
 * macro of.
 */
#ifndef COPPICE_SERVER_MACROS_H
#define COPPICE_SERVER_MACROS_H

#include <coppice/actor.h>

#ifndef __cplusplus

#define COP__OPEN(...) __VA_ARGS__
/* Three of the same: a macro is not expanded again inside its own expansion. */
#define COP__APPLY(macro, ...) macro(__VA_ARGS__)
#define COP__APPLY_EACH(macro, ...) macro(__VA_ARGS__)
#define COP__APPLY_TIMES(macro, ...) macro(__VA_ARGS__)

/* The words that a compiler shows for a function of another type. */
#define COP__OF_TYPE(entry, function, ...)                                                 \
        _Static_assert(__builtin_types_compatible_p(__typeof__(function), __VA_ARGS__),    \
                       #entry ": the type of " #function " is not " #__VA_ARGS__);

#define COP__THUNK(state, entry) COP__APPLY(COP__THUNK_OF, state, COP__OPEN entry)
#define COP__THUNK_OF(state, tag, kind, function) COP__THUNK_##tag(state, kind, function)
#define COP__THUNK_cop__MESSAGE(state, kind, function)                            \
        COP__OF_TYPE(COP_ON, function, void(state *, const kind *)) \
        static void cop__##state##_on_##kind(void *cop__self, const void *cop__body) \
        {                                                                    \
                function((state *)cop__self, (const kind *)cop__body);       \
        }
#define COP__THUNK_cop__INIT(state, kind, function)                               \
        COP__OF_TYPE(COP_INIT, function, void(state *)) \
        static void cop__##state##_init(void *cop__self, const void *cop__argument) \
        {                                                                    \
                (void)cop__argument;                                         \
                function((state *)cop__self);                                \
        }
#define COP__THUNK_cop__INIT_WITH(state, kind, function)                          \
        COP__OF_TYPE(COP_INIT_WITH, function, void(state *, const kind *)) \
        static void cop__##state##_init(void *cop__self, const void *cop__argument) \
        {                                                                    \
                function((state *)cop__self, (const kind *)cop__argument);   \
        }
#define COP__THUNK_cop__OTHERWISE(state, kind, function)                          \
        COP__OF_TYPE(COP_OTHERWISE, function, void(state *, cop_message *)) \
        static void cop__##state##_otherwise(void *cop__self, cop_message *cop__message) \
        {                                                                    \
                function((state *)cop__self, cop__message);                  \
        }
#define COP__THUNK_cop__TERMINATE(state, kind, function)                          \
        COP__OF_TYPE(COP_TERMINATE, function, void(state *, cop_term)) \
        static void cop__##state##_terminate(void *cop__self, cop_term cop__reason) \
        {                                                                    \
                function((state *)cop__self, cop__reason);                   \
        }

#define COP__THUNK_cop__CONTINUE(state, kind, function)                           \
        COP__OF_TYPE(COP_CONTINUE, function, void(state *)) \
        static void cop__##state##_continue(void *cop__self, const void *cop__body) \
        {                                                                    \
                (void)cop__body;                                             \
                function((state *)cop__self);                                \
        }
#define COP__THUNK_cop__CONTINUE_WITH(state, kind, function)                      \
        COP__OF_TYPE(COP_CONTINUE_WITH, function, void(state *, const kind *)) \
        static void cop__##state##_continue_##kind(void *cop__self, const void *cop__body) \
        {                                                                    \
                function((state *)cop__self, (const kind *)cop__body);       \
        }
#define COP__THUNK_cop__IDLE(state, kind, function)                               \
        COP__OF_TYPE(COP_IDLE, function, void(state *)) \
        static void cop__##state##_idle(void *cop__self)                     \
        {                                                                    \
                function((state *)cop__self);                                \
        }
#define COP__THUNK_cop__STATE(state, kind, function)                              \
        _Static_assert(__builtin_types_compatible_p(state, kind),            \
                       "COP_STATE(" #kind "): the state of this server is a " #state);
#define COP__THUNK_cop__FORMAT(state, kind, function)                             \
        COP__OF_TYPE(COP_FORMAT_STATUS, function, void(const state *, state *)) \
        static void cop__##state##_format(const void *cop__self, void *cop__shown) \
        {                                                                    \
                function((const state *)cop__self, (state *)cop__shown);     \
        }
#define COP__THUNK_cop__UPGRADE(state, kind, function)                            \
        COP__OF_TYPE(COP_UPGRADE, function, bool(state *, const kind *)) \
        static bool cop__##state##_upgrade_##kind(void *cop__self, const void *cop__old) \
        {                                                                    \
                return function((state *)cop__self, (const kind *)cop__old); \
        }

#define COP__ENTRY(state, entry) COP__APPLY(COP__ENTRY_OF, state, COP__OPEN entry)
#define COP__ENTRY_OF(state, tag, type, function) COP__ENTRY_##tag(state, type),
#define COP__ENTRY_cop__MESSAGE(state, type)                          \
        { .event = COP_EVENT_MESSAGE, .kind = COP_KIND_OF(type), \
          .run.message = cop__##state##_on_##type }
#define COP__ENTRY_cop__INIT(state, type) \
        { .event = COP_EVENT_INIT, .kind = NULL, .run.init = cop__##state##_init }
#define COP__ENTRY_cop__INIT_WITH(state, type) \
        { .event = COP_EVENT_INIT, .kind = COP_KIND_OF(type), .run.init = cop__##state##_init }
#define COP__ENTRY_cop__OTHERWISE(state, type)             \
        { .event = COP_EVENT_OTHERWISE, .kind = NULL, \
          .run.otherwise = cop__##state##_otherwise }
#define COP__ENTRY_cop__TERMINATE(state, type)             \
        { .event = COP_EVENT_TERMINATE, .kind = NULL, \
          .run.terminate = cop__##state##_terminate }

#define COP__ENTRY_cop__CONTINUE(state, type)             \
        { .event = COP_EVENT_CONTINUE, .kind = NULL, \
          .run.message = cop__##state##_continue }
#define COP__ENTRY_cop__CONTINUE_WITH(state, type)                     \
        { .event = COP_EVENT_CONTINUE, .kind = COP_KIND_OF(type), \
          .run.message = cop__##state##_continue_##type }
#define COP__ENTRY_cop__IDLE(state, type) \
        { .event = COP_EVENT_IDLE, .kind = NULL, .run.idle = cop__##state##_idle }
#define COP__ENTRY_cop__STATE(state, type) \
        { .event = COP_EVENT_STATE, .kind = COP_KIND_OF(type), .run.message = NULL }
#define COP__ENTRY_cop__FORMAT(state, type) \
        { .event = COP_EVENT_FORMAT, .kind = NULL, .run.format = cop__##state##_format }
#define COP__ENTRY_cop__UPGRADE(state, type)                          \
        { .event = COP_EVENT_UPGRADE, .kind = COP_KIND_OF(type), \
          .run.upgrade = cop__##state##_upgrade_##type }

#define COP__EACH(macro, state, ...) \
        COP__APPLY_EACH(COP__EACH_OF, COP__TIMES(__VA_ARGS__), macro, state, __VA_ARGS__)
#define COP__EACH_OF(times, ...) COP__EACH_N(times, __VA_ARGS__)
#define COP__EACH_N(times, ...) COP__EACH_##times(__VA_ARGS__)
#define COP__TIMES(...) COP__APPLY_TIMES(COP__TIMES_OF, __VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, \
                   18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define COP__TIMES_OF(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, times, ...) times
#define COP__EACH_1(macro, state, entry) macro(state, entry)
#define COP__EACH_2(macro, state, entry, ...) macro(state, entry) COP__EACH_1(macro, state, __VA_ARGS__)
#define COP__EACH_3(macro, state, entry, ...) macro(state, entry) COP__EACH_2(macro, state, __VA_ARGS__)
#define COP__EACH_4(macro, state, entry, ...) macro(state, entry) COP__EACH_3(macro, state, __VA_ARGS__)
#define COP__EACH_5(macro, state, entry, ...) macro(state, entry) COP__EACH_4(macro, state, __VA_ARGS__)
#define COP__EACH_6(macro, state, entry, ...) macro(state, entry) COP__EACH_5(macro, state, __VA_ARGS__)
#define COP__EACH_7(macro, state, entry, ...) macro(state, entry) COP__EACH_6(macro, state, __VA_ARGS__)
#define COP__EACH_8(macro, state, entry, ...) macro(state, entry) COP__EACH_7(macro, state, __VA_ARGS__)
#define COP__EACH_9(macro, state, entry, ...) macro(state, entry) COP__EACH_8(macro, state, __VA_ARGS__)
#define COP__EACH_10(macro, state, entry, ...) macro(state, entry) COP__EACH_9(macro, state, __VA_ARGS__)
#define COP__EACH_11(macro, state, entry, ...) macro(state, entry) COP__EACH_10(macro, state, __VA_ARGS__)
#define COP__EACH_12(macro, state, entry, ...) macro(state, entry) COP__EACH_11(macro, state, __VA_ARGS__)
#define COP__EACH_13(macro, state, entry, ...) macro(state, entry) COP__EACH_12(macro, state, __VA_ARGS__)
#define COP__EACH_14(macro, state, entry, ...) macro(state, entry) COP__EACH_13(macro, state, __VA_ARGS__)
#define COP__EACH_15(macro, state, entry, ...) macro(state, entry) COP__EACH_14(macro, state, __VA_ARGS__)
#define COP__EACH_16(macro, state, entry, ...) macro(state, entry) COP__EACH_15(macro, state, __VA_ARGS__)
#define COP__EACH_17(macro, state, entry, ...) macro(state, entry) COP__EACH_16(macro, state, __VA_ARGS__)
#define COP__EACH_18(macro, state, entry, ...) macro(state, entry) COP__EACH_17(macro, state, __VA_ARGS__)
#define COP__EACH_19(macro, state, entry, ...) macro(state, entry) COP__EACH_18(macro, state, __VA_ARGS__)
#define COP__EACH_20(macro, state, entry, ...) macro(state, entry) COP__EACH_19(macro, state, __VA_ARGS__)
#define COP__EACH_21(macro, state, entry, ...) macro(state, entry) COP__EACH_20(macro, state, __VA_ARGS__)
#define COP__EACH_22(macro, state, entry, ...) macro(state, entry) COP__EACH_21(macro, state, __VA_ARGS__)
#define COP__EACH_23(macro, state, entry, ...) macro(state, entry) COP__EACH_22(macro, state, __VA_ARGS__)
#define COP__EACH_24(macro, state, entry, ...) macro(state, entry) COP__EACH_23(macro, state, __VA_ARGS__)
#define COP__EACH_25(macro, state, entry, ...) macro(state, entry) COP__EACH_24(macro, state, __VA_ARGS__)
#define COP__EACH_26(macro, state, entry, ...) macro(state, entry) COP__EACH_25(macro, state, __VA_ARGS__)
#define COP__EACH_27(macro, state, entry, ...) macro(state, entry) COP__EACH_26(macro, state, __VA_ARGS__)
#define COP__EACH_28(macro, state, entry, ...) macro(state, entry) COP__EACH_27(macro, state, __VA_ARGS__)
#define COP__EACH_29(macro, state, entry, ...) macro(state, entry) COP__EACH_28(macro, state, __VA_ARGS__)
#define COP__EACH_30(macro, state, entry, ...) macro(state, entry) COP__EACH_29(macro, state, __VA_ARGS__)
#define COP__EACH_31(macro, state, entry, ...) macro(state, entry) COP__EACH_30(macro, state, __VA_ARGS__)
#define COP__EACH_32(macro, state, entry, ...) macro(state, entry) COP__EACH_31(macro, state, __VA_ARGS__)

#endif

#endif
