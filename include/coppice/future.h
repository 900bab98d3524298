/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Futures: a function that runs elsewhere, and its result when it is there.
 *
 *      COP_FUTURE(total);                      after COP_MESSAGE(total, ...): declares the type total_future
 *
 *      static void add_up(const range *r)
 *      {
 *              ...
 *              cop_resolve(total, .value = sum);
 *      }
 *
 *      total_future f = cop_async_with(total, add_up, range, .from = 1, .to = 100);
 *      cop_auto message = NULL;
 *      if (cop_join(&message, f, 5000, total) == COP_OK)
 *              printf("%d\n", (int)cop_read(total, message)->value);
 *
 * The function runs as an actor of its own, whose parent is the future, and may block, send and receive. Its result stays with the future, which is an
 * actor too, until the future is dropped; so a result that nobody asks for is in no mailbox, and any number of
 * actors may await it, before and after it is there. Nothing is lost when the function crashes: whoever awaits it gets
 * COP_E_DIED, and cop_failure() is the reason.
 *
 * Ownership: who makes a future owns it, and ends it with cop_join or cop_future_drop. When its owner ends, it ends
 *      too, with the actor that runs the function. A handle is a value: copy it, send it (COP_NESTED(total_future, f)).
 * Threads: actors and visiting threads.
 * Time-outs: each is kept, also for a pid that is no future and does not answer: then the wait lasts a tenth of a second longer,
 *      a look half a second, and cop_future_cancel five seconds, to COP_E_TIMEOUT.
 * Cost: two actors and a few messages, some microseconds: for work that takes longer than that.
 *
 * What people get wrong:
 * - cop_await leaves the future as it is; a server that makes futures all day long must drop them. cop_join does both.
 * - cop_resolve does not end the function, and its first call counts.
 * - A future that is awaited inside a handler holds up that server. Await it elsewhere, or let the function send.
 * - The function is killed by a cancel, a drop and the owner's end: what it holds must end with its actor (cop_alloc).
 *
 * See also: select.h, wait_group.h, actor.h.
 */
#ifndef COPPICE_FUTURE_H
#define COPPICE_FUTURE_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* What runs: one of run and run_with, or neither for a future that is completed by cop_complete. */
typedef struct cop_async_options {
        void (*run)(void);
        void (*run_with)(const void *argument);
        const cop_kind *kind; /* of `argument`, which is copied; NULL: none */
        const void *argument;
        const cop_kind *result;
} cop_async_options;

/*
 * Starts a future, which the calling actor owns. A function that cannot be started is a future that has failed.
 * Errors: COP_E_BAD_ARGUMENT, those of cop_spawn_opt, and those of cop_send_value.
 */
COP_API cop_status cop_async_opt(const cop_async_options *options, cop_pid *future);

/* The same; on failure, whatever it is, the calling actor exits with {system_limit, async}, a visitor gets nobody. */
COP_API cop_pid cop_async_or_exit(const cop_async_options *options);

/*
 * In the function that a future runs: its result, copied. A second one is dropped.
 * A value of another kind than the future's makes the future fail, with the reason {badarg, {resolve, ...}}.
 * Errors: COP_E_NO_CALLER (no future runs this actor), and those of cop_send_value, but for COP_E_OVERLOAD.
 */
COP_API cop_status cop_resolve_value(const cop_kind *kind, const void *value);

/*
 * From anywhere, for a future without a function; one with a function takes no result but that one's. A value of another kind
 * makes it fail as with cop_resolve, and so does any other message that is sent to it. Errors: COP_E_BAD_ARGUMENT (nobody, no
 * kind), and those of cop_send_value, but for COP_E_OVERLOAD.
 */
COP_API cop_status cop_complete_value(cop_pid future, const cop_kind *kind, const void *value);

/*
 * Waits for the result. The caller owns *result and ends it with cop_message_free. A time-out of 0 is a look.
 * Errors: COP_E_TIMEOUT, COP_E_DIED (it crashed, exited or was cancelled; cop_failure() is the reason),
 * COP_E_NO_REPLY (it ended without a result), COP_E_NO_ACTOR (dropped, its owner has ended, or no future),
 * COP_E_BAD_ARGUMENT (nobody), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_await_message(cop_message **result, cop_pid future, int64_t timeout_ms);

/* The same, and unless the time-out came first, or it was not awaited for want of memory, drops the future. */
COP_API cop_status cop_join_message(cop_message **result, cop_pid future, int64_t timeout_ms);

/*
 * Waits for all of them, within one time-out, and one time more for those that do not answer. results[i] is a message of the caller's, or NULL where there is none.
 * Returns: COP_OK if all have a result; else the status of the first, in the order of the array, that has none.
 */
COP_API cop_status cop_await_all_messages(cop_message **results, const cop_pid *futures, size_t count,
                                          int64_t timeout_ms);

/*
 * Waits for the first that is finished, well or not; *index says which, the rest is as for cop_await_message.
 * At most COP_SELECT_MAX (select.h) at once: COP_E_BAD_ARGUMENT; none at all, and nobody among them, too.
 */
COP_API cop_status cop_await_any_message(cop_message **result, const cop_pid *futures, size_t count,
                                         int64_t timeout_ms, size_t *index);

/*
 * Kills the function; who awaits the future gets COP_E_DIED, and the reason cancelled. One that is finished stays as it is.
 * Errors: COP_E_NO_ACTOR (or no future), COP_E_TIMEOUT (no answer within five seconds), COP_E_BAD_ARGUMENT (nobody),
 * COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_future_cancel_pid(cop_pid future);

/* Ends the future, and the function if it still runs. Dropping twice is harmless. Errors: COP_E_NO_MEMORY, COP_E_NO_NODE. */
COP_API cop_status cop_future_drop_pid(cop_pid future);

#ifndef __cplusplus

/* After COP_MESSAGE(kind, ...): the type kind_future, a handle that is also a message. */
#define COP_FUTURE(kind)                    \
        typedef struct kind##_future {      \
                cop_pid pid;                \
        } kind##_future;                    \
        COP_MESSAGE(kind##_future, pid)

/* The pid in a handle, which does not compile with the handle of another kind; and of an array of them. */
#define COP__FUTURE(future, kind) \
        COP__HANDLE_PID(future, kind##_future, "this future is for another kind")
#define COP__FUTURES(futures, kind) (&(1 ? (futures) : (const kind##_future *)0)->pid)

/* cop_async(total, measure): runs `void measure(void)`, which resolves with a total. Returns a total_future. */
#define cop_async(kind_, function)                                      \
        ((kind_##_future){ cop_async_or_exit(&(cop_async_options){ \
                .run = (function), .result = COP_KIND_OF(kind_) }) })
/* cop_async_with(total, add_up, range, .from = 1, .to = 100): runs `void add_up(const range *)`. */
#define cop_async_with(kind_, function, type, ...)                      \
        ((kind_##_future){ cop_async_or_exit(&(cop_async_options){ \
                .run_with = COP_RUN_WITH(function, type),               \
                .kind = COP_KIND_OF(type),                              \
                .argument = &(type){ __VA_ARGS__ },                     \
                .result = COP_KIND_OF(kind_) }) })
/* total_future f = cop_promise(total): no function; somebody completes it: cop_complete(f, total, .value = 3) */
#define cop_promise(kind_) \
        ((kind_##_future){ cop_async_or_exit(&(cop_async_options){ .result = COP_KIND_OF(kind_) }) })
#define cop_complete(future, kind, ...) \
        cop_complete_value(COP__FUTURE(future, kind), COP_KIND_OF(kind), &(kind){ __VA_ARGS__ })
#define cop_resolve(kind, ...) cop_resolve_value(COP_KIND_OF(kind), &(kind){ __VA_ARGS__ })

/* cop_await(&message, f, 1000, total) */
#define cop_await(result, future, timeout_ms, kind) \
        cop_await_message((result), COP__FUTURE(future, kind), (timeout_ms))
#define cop_join(result, future, timeout_ms, kind) \
        cop_join_message((result), COP__FUTURE(future, kind), (timeout_ms))
#define cop_await_all(results, futures, count, timeout_ms, kind) \
        cop_await_all_messages((results), COP__FUTURES(futures, kind), (count), (timeout_ms))
#define cop_await_any(result, futures, count, timeout_ms, kind, index) \
        cop_await_any_message((result), COP__FUTURES(futures, kind), (count), (timeout_ms), (index))
#define cop_future_cancel(future) cop_future_cancel_pid((future).pid)
#define cop_future_drop(future) cop_future_drop_pid((future).pid)

#else

#define COP_FUTURE(...) COP__DECLARED_IN_C(COP_FUTURE, "use cop_async_opt and pids")

#endif

COP_END_DECLS

#endif
