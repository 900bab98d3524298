/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Ways to have things done elsewhere: a task whose result one waits for, one that may run on alone, the first of several that is ready, a
 * group that is called off, members whose ends come one by one, and a value that an agent keeps.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t first, last; } range;
COP_MESSAGE(range, first, last);

typedef struct { int64_t value; } sum;
COP_MESSAGE(sum, value);
COP_FUTURE(sum);
COP_CHANNEL(sum);

static int64_t add(const range *r)
{
        int64_t total = 0;
        for (int64_t i = r->first; i <= r->last; i++)
                total += i;
        return total;
}

static void adds(const range *r)
{
        cop_reply(sum, .value = add(r));
}

static void resolves(const range *r)
{
        if (r->last > 1000)
                cop_sleep(COP_FOREVER); /* too much to add: it never ends */
        cop_resolve(sum, .value = add(r));
}

static void waits_for_ever(const range *r)
{
        (void)r;
        cop_sleep(COP_FOREVER);
}

static void by_tasks(void)
{
        cop_task task, other;
        cop_message *result = NULL, *nothing = NULL;
        const range small = { 1, 10 };
        const cop_task_options options = { .run_with = COP_RUN_WITH(adds, range), .kind = COP_KIND_OF(range), .argument = &small };
        if (cop_task_start(&options, &task) == COP_OK && cop_task_await(&result, task, COP_FOREVER) == COP_OK)
                printf("a task: %d\n", (int)cop_read(sum, result)->value);
        cop_message_free(result);
        if (cop_task_async_under("jobs", &other, waits_for_ever, range, .first = 1) == COP_OK)
                printf("left alone, under a supervisor: %s\n", cop_task_ignore(&nothing, other) == COP_E_TIMEOUT ? "it runs" : "it has ended");
}

static void by_futures(void)
{
        sum_future futures[2] = {
                cop_async_with(sum, resolves, range, .first = 1, .last = 1001),
                cop_async_with(sum, resolves, range, .first = 1, .last = 100),
        };
        cop_message *result = NULL;
        cop_pid promise;
        size_t index;
        if (cop_await_any(&result, futures, 2, COP_FOREVER, sum, &index) == COP_OK)
                printf("the first future that is ready: number %d, %d\n", (int)index + 1, (int)cop_read(sum, result)->value);
        cop_message_free(result);
        cop_future_drop(futures[0]);
        cop_future_drop(futures[1]);
        result = NULL;
        if (cop_async_opt(&(cop_async_options){ .result = COP_KIND_OF(sum) }, &promise) == COP_OK &&
            cop_complete_value(promise, COP_KIND_OF(sum), &(sum){ 7 }) == COP_OK &&
            cop_join_message(&result, promise, COP_FOREVER) == COP_OK)
                printf("one without a function: %d\n", (int)cop_read(sum, result)->value);
        cop_message_free(result);
}

static void by_groups(void)
{
        cop_task_group group;
        if (cop_task_group_open(NULL, &group) == COP_OK) {
                cop_group_task(group, waits_for_ever, range, .first = 1);
                cop_task_group_cancel(group);
                printf("called off: %s\n", cop_status_text(cop_task_group_close(group)));
        }
        cop_wait_group *members = cop_wait_group_open();
        const range small = { 1, 10 };
        cop_pid pid;
        cop_end end;
        cop_wait_spawn_opt(members, &(cop_spawn_options){ .run_with = COP_RUN_WITH(adds, range), .kind = COP_KIND_OF(range),
                                                          .argument = &small }, &pid);
        pid = cop_spawn_with(waits_for_ever, range, .first = 1);
        cop_wait_add(members, pid); /* it ran already */
        cop_send_exit(pid, cop_atom("enough"));
        int ends = 0, failed = 0;
        for (; cop_wait_any(members, COP_FOREVER, &end) == COP_OK; ends++)
                failed += end.failed;
        printf("%d members have ended, %d of them failed\n", ends, failed);
        cop_wait_group_close(members);
}

static void doubles(sum *kept, const range *r)
{
        (void)r;
        kept->value *= 2;
        cop_reply(sum, .value = kept->value);
}

static void by_an_agent(void)
{
        cop_pid agent;
        cop_message *reply = NULL;
        if (cop_agent_start("till", COP_KIND_OF(sum), &(sum){ 21 }, &agent) == COP_OK &&
            cop_agent_update(&reply, "till", COP_FOREVER, sum, doubles, range, .first = 1) == COP_OK)
                printf("an agent with a name: %d\n", (int)cop_read(sum, reply)->value);
        cop_message_free(reply);
}

static void with_a_queue(void)
{
        sum_channel queue;
        size_t count = 0;
        if (cop_channel_open(&queue, sum, 4) != COP_OK)
                return;
        cop_put(queue, COP_FOREVER, sum, .value = 1);
        cop_put(queue, COP_FOREVER, sum, .value = 2);
        cop_channel_count(queue, &count);
        printf("in the queue: %d\n", (int)count);
        cop_channel_close(queue);
}

int main(void)
{
        cop_node *node;
        cop_pid jobs;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&(cop_supervisor){ .name = "jobs", .strategy = COP_DYNAMIC }, &jobs) == COP_OK) {
                by_tasks();
                by_futures();
                by_groups();
                by_an_agent();
                with_a_queue();
                cop_shutdown(jobs, COP_FOREVER);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
