/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations (see operations.h) with work that somebody waits for: channels, futures, tasks, groups of them, select. */
#ifndef TESTS_OPERATIONS_TASKS_H
#define TESTS_OPERATIONS_TASKS_H

#include "tests/operations_ground.h"

static cop_status uses_channel(void)
{
        item_channel channel;
        cop_message *message = NULL;
        cop_status status = cop_channel_open(&channel, item, 2);
        if (status != COP_OK)
                return status;
        status = cop_put(channel, MS, item, .number = 1);
        if (status == COP_OK)
                status = cop_take(&message, channel, MS, item);
        DID(status != COP_OK || is_item(message, 1));
        cop_message_free(message);
        cop_channel_close(channel);
        return status;
}

static cop_status uses_future(void)
{
        cop_pid future;
        cop_message *message = NULL;
        cop_status status = cop_async_opt(&(cop_async_options){ .run = gives_item, .result = COP_KIND_OF(item) },
                                          &future);
        if (status != COP_OK)
                return status;
        status = cop_await_message(&message, future, MS);
        DID(status != COP_OK || is_item(message, 7));
        cop_message_free(message);
        cop_future_drop_pid(future);
        return status;
}

static cop_status selects(void)
{
        item_channel channel;
        cop_status status = cop_channel_open(&channel, item, 1);
        if (status != COP_OK)
                return status;
        cop_case cases[] = { COP_CASE_TAKE(channel, item), COP_CASE_RECEIVE(COP_KIND(note)) };
        status = cop_put(channel, MS, item, .number = 1);
        if (status == COP_OK && cop_select(MS, cases) == 0) {
                status = cases[0].status;
                DID(status != COP_OK || is_item(cases[0].message, 1));
                cop_message_free(cases[0].message);
        }
        cop_channel_close(channel);
        return status;
}

static cop_status uses_task(void)
{
        cop_task task;
        cop_message *message = NULL;
        cop_task_options options = { .run_with = COP_RUN_WITH(replies_item, item), .kind = COP_KIND_OF(item),
                                     .argument = &(item){ 1 }, .nolink = true };
        cop_status status = cop_task_start(&options, &task);
        if (status != COP_OK)
                return status;
        status = cop_task_await(&message, task, MS);
        DID(status != COP_OK || is_item(message, 2));
        cop_message_free(message);
        return status;
}

static cop_status uses_task_group(void)
{
        cop_task_group group;
        cop_status status = cop_task_group_open(NULL, &group), closed;
        if (status != COP_OK)
                return status;
        status = cop_task_group_start(group, &(cop_task_options){ .run = does_nothing }, NULL);
        closed = cop_task_group_close(group);
        return status != COP_OK ? status : closed;
}

static cop_status uses_wait_group(void)
{
        cop_pid pid;
        cop_ends ends;
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = does_nothing }, &pid);
        if (status == COP_OK)
                status = cop_wait_all(group, MS, &ends);
        cop_wait_group_close(group);
        return status;
}

static bool next_item(int64_t *last, item *i)
{
        i->number = ++*last;
        return *last <= 3;
}

static cop_status streams(void)
{
        cop_task_stream *stream;
        cop_streamed one;
        int64_t last = 0;
        unsigned count = 0;
        cop_status status = cop_task_stream_open(
                &(cop_task_stream_options){ COP_STREAM(replies_item, item, next_item, &last), .most = 2, .zip = true,
                                            .nolink = true },
                &stream);
        if (status != COP_OK)
                return status;
        while ((status = cop_task_stream_next(stream, &one)) == COP_OK) {
                count++;
                DID(one.status != COP_OK || is_item(one.result, one.index + 2));
                cop_message_free(one.item);
                cop_message_free(one.result);
        }
        DID(status != COP_E_NOT_FOUND || count == 3);
        cop_status closed = cop_task_stream_close(stream);
        return status != COP_E_NOT_FOUND ? status : closed;
}

static void puts_in(const item_channel *channel)
{
        if (cop_put(*channel, MS, item, .number = 1) != COP_OK || cop_put(*channel, MS, item, .number = 2) != COP_OK)
                cop_exit(cop_atom("no_memory")); /* else who takes would wait for it */
}

/* Somebody waits to put, and then somebody to take. */
static cop_status waits_at_channel(void)
{
        item_channel channel;
        cop_pid pid;
        size_t count;
        TRY(cop_channel_open(&channel, item, 0));
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(puts_in, item_channel),
                                                .kind = COP_KIND_OF(item_channel), .argument = &channel, .link = true },
                          &pid));
        TRY_NUMBER(1, cop_take(&message, channel, MS, item));
        TRY_NUMBER(2, cop_take(&message, channel, MS, item));
        TRY(cop_channel_count(channel, &count));
        return cop_channel_close(channel);
}

static cop_status selects_of_all_sorts(void)
{
        item_channel full, empty;
        cop_pid promise;
        TRY(cop_channel_open(&full, item, 1));
        TRY(cop_channel_open(&empty, item, 1));
        TRY(cop_async_opt(&(cop_async_options){ .result = COP_KIND_OF(item) }, &promise));
        item_future future = { promise };
        TRY(cop_put(full, MS, item, .number = 1));
        cop_case cases[] = { COP_CASE_PUT(full, item, .number = 2), COP_CASE_TAKE(empty, item),
                             COP_CASE_AWAIT(future, item), COP_CASE_RECEIVE(COP_KIND(note)) };
        if (cop_select(1, cases) != COP_SELECT_TIMEOUT)
                return COP_E_NO_MEMORY;
        TRY(cop_complete(future, item, .number = 3));
        int which = cop_select(MS, cases);
        if (which < 0)
                return COP_E_NO_MEMORY;
        cop_message_free(cases[which].message);
        return cases[which].status;
}

static cop_status uses_futures(void)
{
        cop_pid pids[2];
        cop_message *results[2];
        size_t index;
        const cop_async_options options = { .run = gives_item, .result = COP_KIND_OF(item) };
        TRY(cop_async_opt(&options, &pids[0]));
        TRY(cop_async_opt(&(cop_async_options){ .run_with = COP_RUN_WITH(gives_number, item), .kind = COP_KIND_OF(item),
                                                .argument = &(item){ 1 }, .result = COP_KIND_OF(item) },
                          &pids[1]));
        TRY(cop_await_all_messages(results, pids, 2, MS));
        DID(is_item(results[0], 7) && is_item(results[1], 1));
        cop_message_free(results[0]);
        cop_message_free(results[1]);
        TRY_MESSAGE(cop_await_any_message(&message, pids, 2, MS, &index));
        TRY_MESSAGE(cop_join_message(&message, pids[0], MS));
        TRY(cop_future_cancel_pid(pids[1]));
        return cop_future_drop_pid(pids[1]);
}

static cop_status ends_tasks(void)
{
        cop_task tasks[2], third;
        cop_message *results[2];
        cop_task_options options = { COP__TASK(replies_item, item, .number = 1) };
        const cop_task_options endless = { .run = waits_for_an_end };
        TRY(cop_task_start(&options, &tasks[0]));
        TRY(cop_task_start(&options, &tasks[1]));
        TRY(cop_task_await_many(results, tasks, 2, MS));
        DID(is_item(results[0], 2) && is_item(results[1], 2));
        cop_message_free(results[0]);
        cop_message_free(results[1]);
        TRY(cop_task_start(&endless, &third));
        TRY_MESSAGE(cop_task_shutdown(&message, third, MS));
        TRY(cop_task_start(&options, &third));
        TRY_MESSAGE(cop_task_yield(&message, third, MS));
        return COP_OK;
}

static cop_status starts_tasks_under(void)
{
        static const cop_supervisor jobs = { .strategy = COP_DYNAMIC };
        cop_pid pid;
        cop_task task;
        cop_task_stream *stream;
        cop_streamed one;
        int64_t last = 0;
        TRY(cop_supervise(&jobs, &pid));
        TRY(cop_task_async_under(pid, &task, replies_item, item, .number = 1));
        TRY_NUMBER(2, cop_task_await(&message, task, MS));
        TRY(cop_task_stream_open(&(cop_task_stream_options){ COP_STREAM(replies_item, item, next_item, &last), .most = 2,
                                                             .unordered = true, .kill_slow = true,
                                                             .supervisor = cop_to_pid(pid) },
                                 &stream));
        cop_status status;
        while ((status = cop_task_stream_next(stream, &one)) == COP_OK)
                cop_message_free(one.result);
        cop_status closed = cop_task_stream_close(stream);
        TRY(status == COP_E_NOT_FOUND ? COP_OK : status);
        return closed;
}

static cop_status cancels_task_group(void)
{
        cop_task_group group;
        TRY(cop_task_group_open(&(cop_task_group_options){ .deadline_ms = 100000, .grace_ms = 1 }, &group));
        TRY(cop_task_group_start(group, &(cop_task_options){ .run = waits_for_an_end }, NULL));
        TRY(cop_group_task(group, replies_item, item, .number = 1));
        TRY(cop_task_group_cancel(group));
        cop_task_group_close(group); /* it was cancelled */
        return COP_OK;
}

static cop_status waits_for_any(void)
{
        cop_pid pid;
        cop_end end;
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = does_nothing }, &pid);
        if (status == COP_OK)
                status = cop_wait_any(group, MS, &end);
        cop_wait_group_close(group);
        return status;
}

/* Whatever has become of it: from then on it is over for this actor. */
static cop_status ignores_task(void)
{
        cop_task task;
        cop_message *message = NULL;
        TRY(cop_task_start(&(cop_task_options){ COP__TASK(replies_item, item, .number = 1) }, &task));
        cop_status status = cop_task_ignore(&message, task);
        cop_message_free(message);
        return status == COP_E_TIMEOUT ? COP_OK : status;
}

#endif
