/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Streams of tasks: places for as many as may run, and what becomes of each.
 *
 *      FREE ──an item, its task──► RUNS ──outcome, or its time is over──► DONE ──told──► FREE
 *
 * In order, item n has the place n modulo their number: so the next to be told is known, and no item is asked for that would have
 * none. Without order any free place is good, and any that is done is told.
 *
 * The outcomes come in through a set of requests (request.h), labelled by place. The stream itself is a belonging of its owner: the
 * reasons that it keeps end with that one. So do its tasks: each is linked to a warden, an actor that watches the owner, and ends with it,
 * since an owner that ends in peace would leave them behind.
 */
#include <coppice/task_stream.h>

#include <stdlib.h>
#include <string.h>

#include <coppice/request.h>

#include "actors/actor.h"
#include "actors/request.h"
#include "actors/task.h"
#include "base/clock.h"
#include "base/memory.h"

enum state {
        FREE = 0,
        RUNS,
        DONE,
};

struct place {
        enum state state;
        cop_status status;
        int64_t index;
        uint64_t deadline_ns;
        cop_task task;
        cop_message *result, *item;
        struct cop__shared_term *reason; /* of COP_E_DIED; counted */
};

struct cop_task_stream {
        struct cop__belonging belonging;
        cop_pid owner, warden;
        cop_task_stream_options options;
        char supervisor[COP_NAME_MAX + 1]; /* what options.supervisor.name points at, if it is a name */
        cop_requests *set;
        void *scratch; /* the item that is being asked for */
        int64_t begun, told;
        uint32_t running;
        bool drained;    /* there are no more items */
        bool asking;     /* the sequence is being asked: its function may not use the stream */
        bool asked_at_end; /* by a terminate */
        cop_status over; /* why; COP_OK: it is not */
        struct place places[];
};

/* ---- The warden ---------------------------------------------------------------------------- */

typedef struct {
        cop_pid owner;
} cop__warden_start;
COP__KIND_DECLARE(cop__warden_start);
COP__KIND_DEFINE(cop__warden_start, owner);

/* The tasks come and go; their ends are no concern of its. */
static void warden(const cop__warden_start *start)
{
        cop_ref ended;
        cop_trap_exit(true);
        if (cop_monitor(start->owner, &ended) != COP_OK)
                cop_exit(cop_atom("no_memory"));
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                if (cop_read(cop_down, message) != NULL)
                        cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("stream")));
        }
}

static cop_status start_warden(cop_pid *pid)
{
        cop__warden_start start = { cop_self() };
        return cop_spawn_opt(
                &(cop_spawn_options){ .run_with = COP_RUN_WITH(warden, cop__warden_start),
                                      .kind = COP_KIND_OF(cop__warden_start),
                                      .argument = &start },
                pid);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void forget_reasons(struct cop__belonging *belonging)
{
        cop_task_stream *stream = COP__CONTAINER(belonging, cop_task_stream, belonging);
        for (uint32_t i = 0; i < stream->options.most; i++)
                cop__shared_term_drop(stream->places[i].reason);
        free(stream);
}

/* Of the supervisor; NULL is one, too, that no start accepts. */
static bool is_name(cop_address to)
{
        return to.pid.bits == 0 && to.name != NULL && !cop__is_null_name(to);
}

static bool is_good(const cop_task_stream_options *options)
{
        return options != NULL && options->run_with != NULL && options->kind != NULL &&
               options->next != NULL && options->most <= COP_TASK_STREAM_MOST &&
               options->timeout_ms >= 0 &&
               !(is_name(options->supervisor) && strlen(options->supervisor.name) > COP_NAME_MAX);
}

static cop_task_stream *stream_new(struct cop__actor *self, const cop_task_stream_options *options,
                                   uint32_t most)
{
        cop_task_stream *stream = cop__calloc(1, sizeof(*stream) + most * sizeof(stream->places[0]));
        if (stream == NULL)
                return NULL;
        stream->belonging.end = forget_reasons;
        stream->owner = cop__actor_pid(self);
        stream->options = *options;
        stream->options.most = most;
        if (is_name(options->supervisor)) {
                memcpy(stream->supervisor, options->supervisor.name, strlen(options->supervisor.name) + 1);
                stream->options.supervisor.name = stream->supervisor;
        }
        if (options->timeout_ms == 0)
                stream->options.timeout_ms = 5000;
        if (cop__own(self, &stream->belonging))
                return stream;
        free(stream);
        return NULL;
}

static void stream_free(cop_task_stream *stream)
{
        cop_requests_free(stream->set);
        cop_release(stream->scratch);
        cop__belonging_end(&stream->belonging);
}

cop_status cop_task_stream_open(const cop_task_stream_options *options, cop_task_stream **result)
{
        struct cop__actor *self = cop__actor_here();
        if (self == NULL)
                return COP_E_NO_NODE;
        if (!is_good(options) || result == NULL)
                return COP_E_BAD_ARGUMENT;
        uint32_t workers = cop__node_of(cop__thread_here())->scheduler.worker_count;
        cop_task_stream *stream =
                stream_new(self, options, options->most != 0 ? options->most : workers);
        if (stream == NULL)
                return COP_E_NO_MEMORY;
        stream->set = cop_requests_new();
        stream->scratch = cop_alloc(options->kind->size);
        cop_status status =
                stream->set != NULL && stream->scratch != NULL ? COP_OK : COP_E_NO_MEMORY;
        if (status == COP_OK)
                status = start_warden(&stream->warden);
        if (status != COP_OK) {
                stream_free(stream);
                return status;
        }
        *result = stream;
        return COP_OK;
}

static cop_status look_at(const struct cop__actor *self, const cop_task_stream *stream)
{
        if (self == NULL)
                return COP_E_NO_NODE;
        if (!cop_pid_equal(stream->owner, cop__actor_pid(self)))
                return COP_E_NOT_OWNER;
        return stream->asking && stream->asked_at_end == self->terminating ? COP_E_BAD_ARGUMENT : COP_OK;
}

/* ---- The tasks --------------------------------------------------------------------------------- */

static cop_status start_task(const cop_task_stream *stream, cop_task *task)
{
        const cop_task_stream_options *options = &stream->options;
        cop_task_options started = { .run_with = options->run_with,
                                     .kind = options->kind,
                                     .argument = stream->scratch,
                                     .nolink = options->nolink,
                                     .link_to = stream->warden };
        if (options->supervisor.name != NULL || options->supervisor.pid.bits != 0)
                return cop_task_start_under_address(options->supervisor, &started, task);
        return cop_task_start(&started, task);
}

/* A place for the next item; NULL: there is none now. */
static struct place *free_place(cop_task_stream *stream)
{
        const uint32_t most = stream->options.most;
        if (!stream->options.unordered) {
                struct place *place = &stream->places[stream->begun % most];
                return place->state == FREE ? place : NULL;
        }
        for (uint32_t i = 0; i < most; i++)
                if (stream->places[i].state == FREE)
                        return &stream->places[i];
        return NULL;
}

static cop_status begin(cop_task_stream *stream, struct cop__actor *self, struct place *place)
{
        cop_status status = start_task(stream, &place->task);
        if (status != COP_OK)
                return status;
        place->state = RUNS;
        place->index = stream->begun++;
        place->deadline_ns = cop__deadline_ns(stream->options.timeout_ms);
        stream->running++;
        if (stream->options.zip)
                place->item = cop__message_hold(self, stream->options.kind, stream->scratch);
        if (stream->options.zip && place->item == NULL)
                return COP_E_NO_MEMORY;
        return cop_requests_add(stream->set, (cop_request){ place->task.ref },
                                place - stream->places);
}

static cop_status fill(cop_task_stream *stream, struct cop__actor *self)
{
        struct place *place;
        cop_status status = COP_OK;
        while (status == COP_OK && !stream->drained && (place = free_place(stream)) != NULL) {
                memset(stream->scratch, 0, stream->options.kind->size);
                stream->asking = true;
                stream->asked_at_end = self->terminating;
                bool more = stream->options.next(stream->options.context, stream->scratch);
                stream->asking = false;
                if (more)
                        status = begin(stream, self, place);
                else
                        stream->drained = true;
        }
        return status;
}

static void settle(cop_task_stream *stream, struct cop__actor *self, struct place *place,
                   cop_status status, cop_message *result)
{
        place->state = DONE;
        place->status = status;
        place->result = result;
        stream->running--;
        if (status == COP_E_DIED && self->rare != NULL && self->rare->failure != NULL)
                place->reason = cop__shared_term_take(self->rare->failure);
}

/*
 * Dead when this returns, if it was not before. What it has answered in time counts. Without memory for that it runs on, and keeps
 * its place: its answer would else be taken for that of the next one there.
 */
static cop_status put_down(cop_task_stream *stream, struct cop__actor *self, struct place *place)
{
        cop_message *result = NULL;
        cop_status status = cop_task_shutdown(&result, place->task, COP_BRUTAL_KILL);
        if (status == COP_E_NO_MEMORY)
                return status;
        settle(stream, self, place, status == COP_OK && result == NULL ? COP_E_TIMEOUT : status,
               result);
        return COP_OK;
}

/*
 * All are untied before the first is waited for: the end of another would else be that of an owner who traps no exits. One that
 * cannot be told to end keeps no other from it.
 */
static cop_status put_all_down(cop_task_stream *stream, struct cop__actor *self)
{
        cop_status status = COP_OK;
        for (uint32_t i = 0; i < stream->options.most; i++)
                if (stream->places[i].state == RUNS)
                        cop__task_ask_and_part(self, stream->places[i].task.pid, "kill");
        for (uint32_t i = 0; i < stream->options.most; i++)
                if (stream->places[i].state == RUNS && put_down(stream, self, &stream->places[i]) != COP_OK)
                        status = COP_E_NO_MEMORY;
        return status;
}

static uint64_t first_deadline(const cop_task_stream *stream)
{
        uint64_t first_ns = UINT64_MAX;
        for (uint32_t i = 0; i < stream->options.most; i++)
                if (stream->places[i].state == RUNS && stream->places[i].deadline_ns < first_ns)
                        first_ns = stream->places[i].deadline_ns;
        return first_ns;
}

static cop_status put_slow_down(cop_task_stream *stream, struct cop__actor *self)
{
        const uint64_t now_ns = cop__clock_ns();
        cop_status status = COP_OK;
        if (!stream->options.kill_slow)
                return COP_E_TIMEOUT;
        for (uint32_t i = 0; i < stream->options.most && status == COP_OK; i++)
                if (stream->places[i].state == RUNS && stream->places[i].deadline_ns <= now_ns)
                        status = put_down(stream, self, &stream->places[i]);
        return status;
}

/* Until one more is done. */
static cop_status wait_for_one(cop_task_stream *stream, struct cop__actor *self)
{
        cop_response response;
        cop_message *result = NULL;
        cop_deadline deadline = { first_deadline(stream) };
        cop_status status = cop__requests_await_kept(stream->set, deadline, &response,
                                                     __builtin_return_address(0));
        if (status == COP_E_TIMEOUT)
                return put_slow_down(stream, self);
        if (status != COP_OK)
                return status;
        struct place *place = &stream->places[response.label];
        status = cop__task_conclude(self, place->task.pid, response.status, response.message,
                                    &result);
        settle(stream, self, place, status, result);
        return COP_OK;
}

/* ---- Telling ------------------------------------------------------------------------------------- */

/* What can be told now; NULL: nothing. */
static struct place *done_place(cop_task_stream *stream)
{
        const uint32_t most = stream->options.most;
        if (!stream->options.unordered) {
                struct place *place = &stream->places[stream->told % most];
                return place->state == DONE ? place : NULL;
        }
        for (uint32_t i = 0; i < most; i++)
                if (stream->places[i].state == DONE)
                        return &stream->places[i];
        return NULL;
}

static void tell(cop_task_stream *stream, struct cop__actor *self, struct place *place,
                 cop_streamed *streamed)
{
        *streamed = (cop_streamed){ place->index, place->status, place->result, place->item };
        cop__failure_keep(self, place->reason);
        *place = (struct place){ .state = FREE };
        stream->told++;
}

static cop_status end(cop_task_stream *stream, struct cop__actor *self, cop_status why)
{
        put_all_down(stream, self);
        stream->over = why;
        return why;
}

cop_status cop_task_stream_next(cop_task_stream *stream, cop_streamed *streamed)
{
        struct cop__actor *self = cop__actor_here();
        struct place *place;
        if (stream == NULL || streamed == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = look_at(self, stream);
        if (status != COP_OK || stream->over != COP_OK)
                return status != COP_OK ? status : stream->over;
        if ((status = fill(stream, self)) != COP_OK)
                return end(stream, self, status);
        while ((place = done_place(stream)) == NULL) {
                if (stream->running == 0)
                        return COP_E_NOT_FOUND;
                if ((status = wait_for_one(stream, self)) != COP_OK)
                        return end(stream, self, status);
        }
        tell(stream, self, place, streamed);
        return COP_OK;
}

cop_status cop_task_stream_close(cop_task_stream *stream)
{
        struct cop__actor *self = cop__actor_here();
        if (stream == NULL)
                return COP_OK;
        cop_status status = look_at(self, stream);
        if (status == COP_OK)
                status = put_all_down(stream, self);
        if (status != COP_OK)
                return status;
        for (uint32_t i = 0; i < stream->options.most; i++) {
                cop_message_free(stream->places[i].result);
                cop_message_free(stream->places[i].item);
        }
        cop_send_exit(stream->warden, cop_atom("kill"));
        stream_free(stream);
        return COP_OK;
}
