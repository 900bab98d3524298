/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Channels: a bounded queue between actors, as in Go.
 *
 *      COP_CHANNEL(job);                       after COP_MESSAGE(job, ...): declares the type job_channel
 *
 *      job_channel jobs;
 *      cop_channel_open(&jobs, job, 16);
 *      cop_put(jobs, COP_FOREVER, job, .number = 1);           waits while it is full
 *      cop_auto message = NULL;
 *      if (cop_take(&message, jobs, 1000, job) == COP_OK)      waits while it is empty
 *              work(cop_read(job, message));
 *      cop_channel_close(jobs);
 *
 * A mailbox belongs to one actor and takes whatever comes. A channel stands between many actors, and holds up who puts
 * faster than others take. Use one to share out work among several takers, or to bound how much waits; to
 * talk to one actor, send to it.
 *
 * A channel is an actor, and its handle is a value: copy it, send it on in a message (COP_NESTED(job_channel, jobs)).
 *
 * Order: items come out in the order in which they went in, and who waits is served in the order of coming. Capacity 0: a
 *      put waits until there is a taker to give the item to.
 * Ownership: who opens a channel owns it. When the owner ends, the channel ends at once, with what is still in it.
 *      A closed channel ends when the last item has been taken.
 * Threads: actors and visiting threads; several at once may put and take.
 * Cost: a put or a take is a call to another actor; a put and a take of an item in a channel that is neither full nor empty
 *      are about five messages. Where throughput is all, send an array of items as one message.
 * Time-outs: each is kept, also if the channel does not answer, because its OS process is stopped or because it is none: then
 *      the wait lasts a tenth of a second longer, a try half a second, and closing and counting, which have no time-out, five
 *      seconds, to COP_E_TIMEOUT.
 * Failure: an item is in the channel, or with who took it, or still with who could not put it, whatever times out or
 *      dies in the middle. An item on its way to a taker that dies or has chosen another case of a select comes back, and is
 *      the next to be taken. Who dies while waiting to put takes its item with it.
 *
 * What people get wrong:
 * - Go's channel lives as long as somebody knows of it; this one as long as its owner. Let the one open it that outlives
 *   both sides, often who spawns them; a producer that opens, fills, closes and ends takes the rest with it.
 * - Closing is for who puts, to say that no more comes. A take goes on until nothing is left, and then gets COP_E_CLOSED.
 * - Putting in a closed channel is a status, no panic.
 * - A ring of actors that put in each other's full channels waits for ever, here as in Go. Give time-outs.
 *
 * See also: select.h, actor.h.
 */
#ifndef COPPICE_CHANNEL_H
#define COPPICE_CHANNEL_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/*
 * Opens a channel for items of one kind, which the calling actor owns.
 * Errors: COP_E_BAD_ARGUMENT (cop_exited and cop_down are the runtime's own), COP_E_NO_NODE, and those of cop_spawn_opt.
 */
COP_API cop_status cop_channel_open_kind(const cop_kind *kind, uint32_t capacity, cop_pid *channel);

/*
 * Puts a copy of an item in. A time-out of 0 is a try.
 * Errors: COP_E_TIMEOUT (it was full all the time, or has not answered: the item is not in it, nor will
 * be), COP_E_CLOSED (or no channel),
 * COP_E_NO_KIND (the channel is for another kind), COP_E_BAD_ARGUMENT (nobody), COP_E_OVERLOAD (the node is over its mark: an
 * item is new work, and to take one is not), and those of cop_send_value.
 */
COP_API cop_status cop_put_value(cop_pid channel, int64_t timeout_ms, const cop_kind *kind,
                                 const void *value);

/*
 * Takes the first item. The caller owns *item and ends it with cop_message_free. A time-out of 0 is a try.
 * Errors: COP_E_TIMEOUT (it was empty all the time, or has not answered), COP_E_CLOSED (and nothing is left, or no channel),
 * COP_E_BAD_ARGUMENT (nobody), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_take_message(cop_message **item, cop_pid channel, int64_t timeout_ms);

/*
 * Nothing more goes in; those who wait to put get COP_E_CLOSED. Any actor may close. When it returns, it is closed; also if
 * it was before. Errors: COP_E_CLOSED (no channel), COP_E_TIMEOUT (it has not answered within five seconds, and is closed when it
 * comes to that), COP_E_BAD_ARGUMENT (nobody), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_channel_close_pid(cop_pid channel);

/* How many items lie in it, for looking: it may have changed when you read it. Errors: those of cop_take_message. */
COP_API cop_status cop_channel_count_pid(cop_pid channel, size_t *count);

#ifndef __cplusplus

/* After COP_MESSAGE(kind, ...): the type kind_channel, a handle that is also a message. */
#define COP_CHANNEL(kind)                    \
        typedef struct kind##_channel {      \
                cop_pid pid;                 \
        } kind##_channel;                    \
        COP_MESSAGE(kind##_channel, pid)

/* The pid in a handle, which does not compile with the handle of another kind. */
#define COP__CHANNEL(channel, kind) \
        COP__HANDLE_PID(channel, kind##_channel, "this channel is for another kind")

/* cop_channel_open(&jobs, job, 16) */
#define cop_channel_open(channel, kind, capacity)                                     \
        cop_channel_open_kind(COP_KIND_OF(kind), (capacity),                          \
                              &(1 ? (channel) : (kind##_channel *)0)->pid)
/* cop_put(jobs, 1000, job, .number = 1) */
#define cop_put(channel, timeout_ms, kind, ...)                                         \
        cop_put_value(COP__CHANNEL(channel, kind), (timeout_ms), COP_KIND_OF(kind), \
                      &(kind){ __VA_ARGS__ })
/* cop_take(&message, jobs, 1000, job) */
#define cop_take(item, channel, timeout_ms, kind) \
        cop_take_message((item), COP__CHANNEL(channel, kind), (timeout_ms))
#define cop_channel_close(channel) cop_channel_close_pid((channel).pid)
#define cop_channel_count(channel, count) cop_channel_count_pid((channel).pid, (count))

#else

#define COP_CHANNEL(...) COP__DECLARED_IN_C(COP_CHANNEL, "use cop_channel_open_kind and pids")

#endif

COP_END_DECLS

#endif
