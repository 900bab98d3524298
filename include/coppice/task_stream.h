/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Task streams: one function over a sequence of items, some of them at a time, and the results as they come.
 *
 *      static bool next_page(int64_t *at, page *item)          the sequence: false at its end
 *      {
 *              item->number = ++*at;
 *              return *at <= 1000;
 *      }
 *
 *      static void fetch(const page *p) { ... cop_reply(text, ...); }
 *
 *      cop_task_stream *stream;
 *      int64_t at = 0;
 *      cop_task_stream_open(&(cop_task_stream_options){ COP_STREAM(fetch, page, next_page, &at), .most = 8 }, &stream);
 *      cop_streamed one;
 *      while (cop_task_stream_next(stream, &one) == COP_OK) {
 *              if (one.status == COP_OK)
 *                      ... cop_read(text, one.result) ...
 *              cop_message_free(one.result);
 *      }
 *      cop_task_stream_close(stream);
 *
 * Lazy. An item is asked for when a task can be started for it, and tasks are started in cop_task_stream_next alone. So a
 * sequence without an end is good, and nothing is begun that nobody has asked for. Those that run and those whose results wait to
 * be taken are never more than `most`; one that has answered may still be on its way to its end.
 *
 * In order, unless `unordered`: results come in the order of their items. One slow task then holds up the results behind it, and with `most` of
 * them, the start of others.
 *
 * A task is one as in task.h: linked to its owner, who ends with a task that fails unless it traps exits, or asks for `nolink`.
 * Then a task that fails is an outcome: COP_E_DIED, with the reason in cop_failure() until the next is taken.
 *
 * No task outlives its stream. Closing it, which may be done early, kills those that run and waits until they are dead. If the owner ends,
 * whatever the reason, they get the exit signal {shutdown, stream}.
 *
 * Threads: actors, and threads that have entered a node; only the owner, who opened it. Cost: that of the tasks, an actor, and a block of
 * 72 bytes for each of `most`.
 * See also: task.h, task_group.h, samples/stream.c.
 */
#ifndef COPPICE_TASK_STREAM_H
#define COPPICE_TASK_STREAM_H

#include <coppice/task.h>

COP_BEGIN_DECLS

typedef struct cop_task_stream cop_task_stream;

/* The most tasks that a stream may run at a time. */
#define COP_TASK_STREAM_MOST 4096

typedef struct cop_task_stream_options {
        void (*run_with)(const void *item);
        const cop_kind *kind; /* of the items */
        bool (*next)(
                void *context,
                void *item); /* fills in the next item, which is zeroed; false: there is none */
        void *context;       /* borrowed until the stream is closed */
        uint32_t most;       /* tasks at a time; 0: as many as the node has workers */
        int64_t timeout_ms;  /* of each task; 0: 5,000; COP_FOREVER: none */
        bool kill_slow;      /* a task whose time is over is killed, and the stream goes on */
        bool unordered;
        bool nolink;
        bool zip; /* each result comes with its item */
        cop_address
                supervisor; /* set: tasks are children of this one; see cop_task_start_under_address; a name is copied */
} cop_task_stream_options;

/* What has become of one item. */
typedef struct cop_streamed {
        int64_t index; /* from 0, in the order of the items */
        cop_status
                status; /* COP_OK; COP_E_DIED, cop_failure() is the reason; COP_E_TIMEOUT, it was killed */
        cop_message *result; /* the caller's; NULL: it gave none */
        cop_message *item;   /* with `zip`: a copy, the caller's; else NULL */
} cop_streamed;

/*
 * Opens a stream; nothing runs yet. Errors: COP_E_BAD_ARGUMENT (no function, kind or sequence, more than COP_TASK_STREAM_MOST, a time
 * below 0, a name longer than COP_NAME_MAX), COP_E_NO_MEMORY, COP_E_NO_NODE, those of cop_spawn_opt.
 */
COP_API cop_status cop_task_stream_open(const cop_task_stream_options *options,
                                        cop_task_stream **stream);

/*
 * Waits for the outcome of the next item, or of any with `unordered`. COP_E_NOT_FOUND: there are no more. Else the stream is over, its tasks
 * are dead, and it is left to be closed: COP_E_TIMEOUT, a task took too long, without `kill_slow`; COP_E_NO_MEMORY, also to kill one
 * that did, which may then run until it is closed; or an error of cop_task_start or cop_task_start_under_address, which found no room for a task. COP_E_NOT_OWNER,
 * COP_E_BAD_ARGUMENT (NULL, or from the sequence's own function).
 */
COP_API cop_status cop_task_stream_next(cop_task_stream *stream, cop_streamed *streamed);

/*
 * Ends a stream, also before its end. NULL is allowed. Another's: COP_E_NOT_OWNER; from its sequence's function: COP_E_BAD_ARGUMENT.
 * COP_E_NO_MEMORY: there is none to end a task with, and the stream is still to be closed.
 */
COP_API cop_status cop_task_stream_close(cop_task_stream *stream);

#ifndef __cplusplus
/* COP_STREAM(fetch, page, next_page, &at): `void fetch(const page *)`, `bool next_page(int64_t *at, page *)`; &at may be any pointer. */
#define COP_STREAM(function, type, source, data) \
        .run_with = COP_RUN_WITH(function, type), .kind = COP_KIND_OF(type), .context = (data), \
        .next = (bool (*)(void *, void *))(void (*)(void))_Generic( \
                (source), bool (*)(__typeof__(data), type *): (source))
#endif

COP_END_DECLS

#endif
