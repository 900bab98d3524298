/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How COP_MESSAGE is made. message.h includes it; nothing in here is for programs.
 *
 * A kind is a constant table of fields. What a field is, _Generic tells from the type of its
 * address, which keeps arrays and pointers apart. What must not compile is refused by an
 * assertion whose sentence names the kind and the field.
 */
#ifndef COPPICE_FIELDS_H
#define COPPICE_FIELDS_H

#include <stddef.h>

/* ---- The kind ---------------------------------------------------------------------- */

/*
 * `declare` and `define` stand before the two declarations of the kind, which is declared first, so
 * that it may nest itself. The pointer in the section cop_kinds is how a program's kinds are found
 * without code that runs before main.
 */
#define COP__MESSAGE(declare, define, ...) \
        COP__MESSAGE_2(declare, define, COP__FIRST_OF(__VA_ARGS__, 0), (__VA_ARGS__))
#define COP__MESSAGE_2(declare, define, kind, list) COP__MESSAGE_3(declare, define, kind, list)
#define COP__MESSAGE_3(declare, define, name_of, list)                                       \
        declare const cop_kind cop_kind_of_##name_of;                                        \
        extern const char cop__traits_of_##name_of[];                                        \
        COP__EACH_FIELD(COP__CHECK, COP__UNWRAP list)                                        \
        _Static_assert(sizeof(name_of) == 0 COP__EACH_FIELD(COP__OR_LAST, COP__UNWRAP list), \
                       "COP_MESSAGE(" #name_of "): list every field, in the order of the "   \
                       "struct; the last ones are missing");                                 \
        _Static_assert(_Alignof(name_of) <= 8, "COP_MESSAGE(" #name_of "): a message is "    \
                       "aligned to 8 bytes at most");                                        \
        enum {                                                                               \
                cop__plain_of_##name_of =                                                    \
                        1 COP__EACH_FIELD(COP__AND_PLAIN, COP__UNWRAP list),                 \
                cop__counted_of_##name_of =                                                  \
                        0 COP__EACH_FIELD(COP__OR_COUNTED, COP__UNWRAP list),                \
        };                                                                                   \
        extern const char cop__traits_of_##name_of[                                          \
                cop__plain_of_##name_of ? 3 : cop__counted_of_##name_of ? 1 : 2];            \
        static const cop_field cop__fields_of_##name_of[] = {                                \
                COP__EACH_FIELD(COP__ROW, COP__UNWRAP list) { .name = NULL },                \
        };                                                                                   \
        define const cop_kind cop_kind_of_##name_of = {                                      \
                .name = #name_of,                                                            \
                .size = sizeof(name_of),                                                     \
                .field_count = sizeof(cop__fields_of_##name_of) / sizeof(cop_field) - 1,     \
                .plain = cop__plain_of_##name_of ? COP__PLAIN_SIZE(sizeof(name_of)) : 0,     \
                .counted = cop__counted_of_##name_of,                                        \
                .fields = cop__fields_of_##name_of,                                          \
        };                                                                                   \
        static const cop_kind *const cop__entry_of_##name_of                                 \
                __attribute__((used, COP__RETAIN section("cop_kinds"))) = &cop_kind_of_##name_of

/* `plain` of a struct of this size: a few whole words are sent by a shorter way. */
#define COP__PLAIN_SIZE(size) ((size) % 8 == 0 && (size) <= 64 ? (uint8_t)(2 + (size) / 8) : 1)

#define COP__FIRST_OF(first, ...) first

/* Keeps the entry with linkers that collect garbage and do not count __start_cop_kinds as a use. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define COP__RETAIN retain,
#endif
#endif
#ifndef COP__RETAIN
#define COP__RETAIN
#endif

/*
 * What is known of a kind while compiling is the length of an array that is declared, never made:
 * 3 for a plain one, 2 for one that points but shares no bytes, 1 for the others. A kind that is
 * only declared (here, or because it nests itself) has an array of no length, which is
 * compatible with [1]: then nothing is assumed.
 */
#define COP__IS_PLAIN(kind)                                                    \
        _Generic(&cop__traits_of_##kind, const char(*)[1]: 0,                  \
                 default: _Generic(&cop__traits_of_##kind, const char(*)[2]: 0, default: 1))
#define COP__IS_COUNTED(kind) _Generic(&cop__traits_of_##kind, const char(*)[1]: 1, default: 0)

/* ---- The types ----------------------------------------------------------------------- */

#define COP__TYPES(row)                                                            \
        row(signed char, COP_FIELD_INT8) row(unsigned char, COP_FIELD_UINT8)       \
        row(short, COP_FIELD_INT16) row(unsigned short, COP_FIELD_UINT16)          \
        row(int, COP_FIELD_INT32) row(unsigned, COP_FIELD_UINT32)                  \
        row(long, COP_FIELD_INT64) row(unsigned long, COP_FIELD_UINT64)            \
        row(long long, COP_FIELD_INT64) row(unsigned long long, COP_FIELD_UINT64)  \
        row(float, COP_FIELD_FLOAT) row(double, COP_FIELD_DOUBLE)                  \
        row(_Bool, COP_FIELD_BOOL) row(cop_pid, COP_FIELD_PID)                     \
        row(cop_ref, COP_FIELD_REF) row(cop_symbol, COP_FIELD_SYMBOL)              \
        row(cop_text, COP_FIELD_TEXT) row(cop_bytes, COP_FIELD_BYTES)              \
        row(cop_term, COP_FIELD_TERM)

/* A field's type and shape in one number; 0 is what does not compile. */
#define COP__CODE(kind, field)                                                     \
        _Generic(&((kind *)0)->field, COP__TYPES(COP__CODE_ROW)                    \
                 char *: (char)-1 < 0 ? COP_FIELD_INT8 : COP_FIELD_UINT8,          \
                 char(*)[]: COP_FIELD_CHARS,                                       \
                 cop_int64s *: COP_FIELD_INT64 | COP_FIELD_ITEMS << 8,             \
                 cop_doubles *: COP_FIELD_DOUBLE | COP_FIELD_ITEMS << 8,           \
                 cop_pids *: COP_FIELD_PID | COP_FIELD_ITEMS << 8,                 \
                 cop_texts *: COP_FIELD_TEXT | COP_FIELD_ITEMS << 8,               \
                 cop_terms *: COP_FIELD_TERM | COP_FIELD_ITEMS << 8, default: 0)
#define COP__CODE_ROW(type, code) type *: code, type(*)[]: code | COP_FIELD_ARRAY << 8,

/* The bytes of one item of an array, or of what is no array. */
#define COP__ITEM_SIZE(kind, field)                             \
        _Generic(&((kind *)0)->field, COP__TYPES(COP__SIZE_ROW) \
                 char(*)[]: 1, default: sizeof(((kind *)0)->field))
#define COP__SIZE_ROW(type, code) type *: sizeof(type), type(*)[]: sizeof(type),

/* 0 for what is neither the nested kind nor an array of it. */
#define COP__NESTED_CODE(kind, field, nested)               \
        _Generic(&((kind *)0)->field, nested *: COP_FIELD_NESTED, \
                 nested(*)[]: COP_FIELD_NESTED | COP_FIELD_ARRAY << 8, default: 0)

/* ---- One field ------------------------------------------------------------------------ */

#define COP__OR_LAST(kind, before, entry) \
        || sizeof(kind) - COP__AS(COP__END, kind, entry) < _Alignof(kind)
#define COP__AND_PLAIN(kind, before, entry) &&COP__AS(COP__PLAIN, kind, entry)
#define COP__OR_COUNTED(kind, before, entry) || COP__AS(COP__COUNTED, kind, entry)
#define COP__ROW(kind, before, entry) COP__AS(COP__ROW, kind, entry),

/* With no alignment over 8, a gap that passes here is too small for a pointer to hide in. */
#define COP__CHECK(kind, before, entry)                                                      \
        COP__AS(COP__CHECK, kind, entry)                                                          \
        _Static_assert(COP__AS(COP__OFFSET, kind, entry) >= COP__AS(COP__END, kind, before) &&         \
                               COP__AS(COP__OFFSET, kind, entry) - COP__AS(COP__END, kind, before) <   \
                                       COP__AS(COP__ALIGN, kind, entry),                          \
                       "COP_MESSAGE(" #kind "): list every field, in the order of the "      \
                       "struct; one is missing before " COP__AS(COP__NAME, kind, entry)); \
        _Static_assert(COP__AS(COP__OFFSET, kind, entry) % COP__AS(COP__ALIGN, kind, entry) == 0 &&    \
                               COP__AS(COP__ALIGN, kind, entry) <= _Alignof(kind),                \
                       "COP_MESSAGE(" #kind "): a message cannot be packed");

#define COP__CHECK_BARE(kind, field)                                                         \
        _Static_assert(COP__CODE(kind, field) != 0 && sizeof(((kind *)0)->field) > 0,        \
                       "COP_MESSAGE(" #kind "): " #field " is a raw pointer, a union, an "   \
                       "undeclared struct or of another type that no message holds; messages " \
                       "hold values: use cop_text, cop_bytes, COP_NESTED, ...");
#define COP__CHECK_cop__NESTED(kind, field, nested)                                   \
        _Static_assert(COP__NESTED_CODE(kind, field, nested) != 0,               \
                       "COP_MESSAGE(" #kind "): " #field " is no " #nested " and no array of them");
#define COP__CHECK_cop__ITEMS(kind, field, nested)                                                \
        _Static_assert(_Generic(((kind *)0)->field.items, nested *: 1, const nested *: 1,    \
                                default: 0) &&                                               \
                               _Generic(&((kind *)0)->field.count, size_t *: 1, default: 0) && \
                               sizeof(((kind *)0)->field) == sizeof(cop_int64s) &&           \
                               offsetof(kind, field.items) == offsetof(kind, field),         \
                       "COP_MESSAGE(" #kind "): " #field " is no struct { const " #nested    \
                       " *items; size_t count; }");

#define COP__NAME_BARE(kind, field) #field
#define COP__NAME_cop__NESTED(kind, field, nested) #field
#define COP__NAME_cop__ITEMS(kind, field, nested) #field

#define COP__OFFSET_BARE(kind, field) offsetof(kind, field)
#define COP__OFFSET_cop__NESTED(kind, field, nested) offsetof(kind, field)
#define COP__OFFSET_cop__ITEMS(kind, field, nested) offsetof(kind, field)

#define COP__END_BARE(kind, field) (offsetof(kind, field) + sizeof(((kind *)0)->field))
#define COP__END_cop__NESTED(kind, field, nested) COP__END_BARE(kind, field)
#define COP__END_cop__ITEMS(kind, field, nested) COP__END_BARE(kind, field)
#define COP__END_cop__FIRST(kind, field, nested) ((size_t)0)

#define COP__ALIGN_BARE(kind, field) _Alignof(__typeof__(((kind *)0)->field))
#define COP__ALIGN_cop__NESTED(kind, field, nested) COP__ALIGN_BARE(kind, field)
#define COP__ALIGN_cop__ITEMS(kind, field, nested) COP__ALIGN_BARE(kind, field)

#define COP__PLAIN_BARE(kind, field) \
        ((COP__CODE(kind, field) & 0xff) < COP_FIELD_SYMBOL && \
         COP__CODE(kind, field) >> 8 != COP_FIELD_ITEMS)
#define COP__PLAIN_cop__NESTED(kind, field, nested) COP__IS_PLAIN(nested)
#define COP__PLAIN_cop__ITEMS(kind, field, nested) 0

#define COP__COUNTED_BARE(kind, field) ((COP__CODE(kind, field) & 0xff) == COP_FIELD_BYTES)
#define COP__COUNTED_cop__NESTED(kind, field, nested) COP__IS_COUNTED(nested)
#define COP__COUNTED_cop__ITEMS(kind, field, nested) COP__IS_COUNTED(nested)

#define COP__ROW_BARE(kind, field)                                                   \
        { .name = #field, .offset = offsetof(kind, field),                           \
          .count = sizeof(((kind *)0)->field) / (COP__ITEM_SIZE(kind, field)),       \
          .type = COP__CODE(kind, field) & 0xff, .shape = COP__CODE(kind, field) >> 8 }
#define COP__ROW_cop__NESTED(owner, field, nested)                                         \
        { .name = #field, .kind = &cop_kind_of_##nested, .offset = offsetof(owner, field), \
          .count = COP__NESTED_CODE(owner, field, nested) == COP_FIELD_NESTED         \
                           ? 1                                                       \
                           : sizeof(((owner *)0)->field) / (sizeof(nested) + !sizeof(nested)), \
          .type = COP_FIELD_NESTED,                                                  \
          .shape = COP__NESTED_CODE(owner, field, nested) >> 8 }
#define COP__ROW_cop__ITEMS(owner, field, nested)                                          \
        { .name = #field, .kind = &cop_kind_of_##nested, .offset = offsetof(owner, field), \
          .count = 1, .type = COP_FIELD_NESTED, .shape = COP_FIELD_ITEMS }

/* ---- The preprocessor's part ----------------------------------------------------------- */

/*
 * An entry is the bare name of a field, or the tuple (name, nested kind, shape) that COP_NESTED and
 * COP_NESTED_ITEMS give. COP__AS(WHAT, kind, entry) tells them apart and writes
 * COP__WHAT_BARE(kind, name) or COP__WHAT_shape(kind, name, nested kind).
 */
#define COP__AS(what, kind, entry) COP__AS_2(COP__IS_TUPLE(entry), what, kind, entry)
#define COP__AS_2(is_tuple, ...) COP__AS_3(is_tuple, __VA_ARGS__)
#define COP__AS_3(is_tuple, ...) COP__AS_##is_tuple(__VA_ARGS__)
#define COP__AS_0(what, kind, name) what##_BARE(kind, name)
#define COP__AS_1(what, kind, tuple) COP__AS_4(what, kind, COP__UNWRAP tuple)
#define COP__AS_4(...) COP__AS_5(__VA_ARGS__)
#define COP__AS_5(what, kind, name, nested, shape) what##_##shape(kind, name, nested)
#define COP__UNWRAP(...) __VA_ARGS__

/* 1 for (...), 0 for a name: only before a parenthesis does the probe become two arguments. */
#define COP__IS_TUPLE(entry) COP__IS_TUPLE_2(COP__IS_TUPLE_PROBE entry, 0, 0)
#define COP__IS_TUPLE_PROBE(...) 0, 1
#define COP__IS_TUPLE_2(...) COP__IS_TUPLE_3(__VA_ARGS__)
#define COP__IS_TUPLE_3(first, second, ...) second

/*
 * COP__EACH_FIELD(each, kind, entry, entry, ...) writes each(kind, before, entry) for each entry,
 * where `before` is the entry before it, or the tuple (, , cop__FIRST).
 */
#define COP__EACH_FIELD(each, ...) \
        COP__EACH_FIELD_2(COP__FIELD_COUNT(__VA_ARGS__), each, __VA_ARGS__)
#define COP__EACH_FIELD_2(count, ...) COP__EACH_FIELD_3(count, __VA_ARGS__)
#define COP__EACH_FIELD_3(count, each, ...) \
        COP__FIELDS_##count(each, (, , cop__FIRST), __VA_ARGS__)
#define COP__FIELDS_TOO_MANY(...) _Static_assert(0, "COP_MESSAGE: a message has at most 40 fields");
#define COP__FIELDS_0(each, before, kind)
#define COP__FIELDS_1(each, before, kind, a) each(kind, before, a)
#define COP__FIELDS_2(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_1(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_3(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_2(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_4(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_3(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_5(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_4(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_6(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_5(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_7(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_6(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_8(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_7(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_9(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_8(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_10(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_9(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_11(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_10(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_12(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_11(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_13(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_12(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_14(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_13(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_15(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_14(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_16(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_15(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_17(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_16(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_18(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_17(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_19(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_18(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_20(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_19(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_21(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_20(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_22(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_21(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_23(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_22(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_24(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_23(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_25(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_24(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_26(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_25(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_27(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_26(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_28(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_27(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_29(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_28(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_30(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_29(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_31(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_30(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_32(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_31(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_33(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_32(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_34(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_33(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_35(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_34(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_36(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_35(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_37(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_36(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_38(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_37(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_39(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_38(each, a, kind, __VA_ARGS__)
#define COP__FIELDS_40(each, before, kind, a, ...) \
        each(kind, before, a) COP__FIELDS_39(each, a, kind, __VA_ARGS__)

/* How many fields follow the kind. One more than can be written down gives TOO_MANY. */
#define COP__FIELD_COUNT(...) \
        COP__FIELD_COUNT_2(__VA_ARGS__, TOO_MANY, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, \
        29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, \
        6, 5, 4, 3, 2, 1, 0, 0)
#define COP__FIELD_COUNT_2(...) \
        COP__FIELD_COUNT_3(__VA_ARGS__)
#define COP__FIELD_COUNT_3( \
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, \
        a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, \
        a36, a37, a38, a39, a40, a41, count, ...) count

#endif
