/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Wait groups: who is waited for, what is counted, and that nothing stays behind. */
#include "tests/node_fixture.h"

typedef struct {
        int64_t number;
} job;
COP_MESSAGE(job, number);

static void ends_at_once(void)
{
}

static void waits_for_a_job(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(job)));
}

/* 0: well; else it says why not. */
static void ends_as_told(const job *j)
{
        if (j->number != 0)
                cop_exit(COP_TUPLE(cop_atom("bad"), cop_int(j->number)));
}

typedef struct {
        int64_t jobs;
} clerk;

static void clerk_on_job(clerk *self, const job *j)
{
        self->jobs += j->number;
        cop_exit(cop_atom("shutdown"));
}
COP_SERVER(clerk, COP_ON(job, clerk_on_job));

IN_NODE(all_that_were_spawned_are_waited_for)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_ends ends;
        for (int64_t i = 0; i < 1000; i++)
                if (i % 2)
                        cop_wait_spawn(group, ends_at_once);
                else
                        cop_wait_spawn_with(group, ends_as_told, job, .number = 0);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, &ends), COP_OK);
        ck_assert_uint_eq(ends.well, 1000);
        ck_assert_uint_eq(ends.running, 0);
        ck_assert_uint_eq(ends.failed, 0);
        ck_assert_uint_eq(ends.first.bits, 0);
        ck_assert_str_eq(text_of(ends.reason), "[]");
        cop_wait_group_close(group);
        nothing_has_come();
}

IN_NODE(an_empty_group_has_nobody_to_wait_for)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_end end;
        ck_assert_int_eq(cop_wait_all(group, COP_FOREVER, NULL), COP_OK);
        ck_assert_int_eq(cop_wait_any(group, COP_FOREVER, &end), COP_E_NOT_FOUND);
        cop_wait_group_close(group);
        cop_wait_group_close(NULL);
}

IN_NODE(a_failure_is_counted_and_the_first_one_told_with_its_reason)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_ends ends;
        cop_pid bad = cop_wait_spawn_with(group, ends_as_told, job, .number = 7);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, NULL), COP_E_DIED);
        cop_wait_spawn(group, ends_at_once);
        cop_wait_spawn_with(group, ends_as_told, job, .number = 8);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, &ends), COP_E_DIED);
        ck_assert_uint_eq(ends.well, 1);
        ck_assert_uint_eq(ends.failed, 2);
        ck_assert(cop_pid_equal(ends.first, bad));
        ck_assert_str_eq(text_of(ends.reason), "{bad, 7}");
        cop_wait_group_close(group);
}

IN_NODE(a_server_that_shuts_down_has_ended_well)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_pid pid = cop_wait_spawn_server(group, &clerk_server);
        cop_send(pid, job, .number = 1);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, NULL), COP_OK);
        cop_wait_group_close(group);
}

IN_NODE(a_wait_ends_in_time_and_can_be_taken_up_again)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_ends ends;
        cop_pid slow = cop_wait_spawn(group, waits_for_a_job);
        ck_assert_int_eq(cop_wait_all(group, 0, &ends), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_wait_all(group, 1, &ends), COP_E_TIMEOUT);
        ck_assert_uint_eq(ends.running, 1);
        cop_send(slow, job, .number = 1);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, &ends), COP_OK);
        ck_assert_uint_eq(ends.well, 1);
        cop_wait_group_close(group);
}

IN_NODE(wait_any_tells_each_end_once_and_members_may_be_added_between)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_end end;
        cop_ends ends;
        cop_pid slow = cop_wait_spawn(group, waits_for_a_job);
        for (int64_t i = 1; i <= 5; i++) {
                cop_pid pid = cop_wait_spawn_with(group, ends_as_told, job, .number = i);
                ck_assert_int_eq(cop_wait_any(group, PATIENCE_MS, &end), COP_OK);
                ck_assert(cop_pid_equal(end.pid, pid));
                ck_assert(end.failed);
                ck_assert_str_eq(text_of(end.reason),
                                 text_of(COP_TUPLE(cop_atom("bad"), cop_int(i))));
        }
        ck_assert_int_eq(cop_wait_any(group, 0, &end), COP_E_TIMEOUT);
        cop_send(slow, job, .number = 1);
        ck_assert_int_eq(cop_wait_any(group, PATIENCE_MS, &end), COP_OK);
        ck_assert(!end.failed);
        ck_assert_str_eq(text_of(end.reason), "normal");
        ck_assert_int_eq(cop_wait_any(group, 0, &end), COP_E_NOT_FOUND);
        cop_wait_all(group, 0, &ends);
        ck_assert_str_eq(text_of(ends.reason), "{bad, 1}");
        cop_wait_group_close(group);
        nothing_has_come();
}

IN_NODE(one_that_runs_already_can_be_added)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_ends ends;
        cop_pid pid = cop_spawn(waits_for_a_job);
        ck_assert_int_eq(cop_wait_add(group, pid), COP_OK);
        cop_send(pid, job, .number = 1);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, NULL), COP_OK);
        ck_assert_int_eq(cop_wait_add(group, pid), COP_OK);
        ck_assert_int_eq(cop_wait_all(group, PATIENCE_MS, &ends), COP_E_DIED);
        ck_assert_str_eq(text_of(ends.reason), "noproc");
        cop_wait_group_close(group);
}

IN_NODE(two_groups_and_monitors_of_ones_own_do_not_mix)
{
        cop_wait_group *left = cop_wait_group_open(), *right = cop_wait_group_open();
        cop_ref own = spawn_watched(.run = ends_at_once);
        cop_ends ends;
        cop_wait_spawn(left, ends_at_once);
        cop_wait_spawn_with(right, ends_as_told, job, .number = 3);
        cop_wait_spawn(right, ends_at_once);
        ck_assert_int_eq(cop_wait_all(right, PATIENCE_MS, &ends), COP_E_DIED);
        ck_assert_uint_eq(ends.well + ends.failed, 2);
        ck_assert_int_eq(cop_wait_all(left, PATIENCE_MS, &ends), COP_OK);
        ck_assert_uint_eq(ends.well, 1);
        await_down(own, "normal");
        cop_wait_group_close(left);
        cop_wait_group_close(right);
}

IN_NODE(a_group_that_is_closed_leaves_no_message_behind)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_pid slow = cop_wait_spawn(group, waits_for_a_job);
        cop_pid quick = cop_wait_spawn(group, ends_at_once);
        await_true(!cop_is_alive(quick));
        cop_wait_group_close(group);
        put_down(slow);
        nothing_has_come();
}

static void opens_and_leaves(const job *j)
{
        cop_wait_group *group = cop_wait_group_open();
        for (int64_t i = 0; i < j->number; i++)
                cop_wait_spawn(group, waits_for_a_job);
        cop_wait_all(group, COP_FOREVER, NULL);
}

IN_NODE(the_death_of_who_waits_leaves_its_members_alone_and_nothing_behind)
{
        cop_pid pid = cop_spawn_with(opens_and_leaves, job, .number = 20);
        await_true(strlen(info_of(pid, "monitors")) > 5 * 20);
        put_down(pid);
        settle_with(cop_wait_spawn(cop_wait_group_open(), waits_for_a_job));
}

IN_NODE(each_mistake_has_its_own_answer)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_pid pid;
        cop_ref ref;
        cop_end end;
        cop_spawn_options options = { .run = ends_at_once, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_wait_spawn_opt(group, &options, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_spawn_opt(NULL, &options, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_spawn_opt(group, &(cop_spawn_options){ 0 }, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_add(NULL, cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_add(group, cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_all(group, -1, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_all(NULL, 0, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_any(group, 0, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_wait_any(NULL, 0, &end), COP_E_BAD_ARGUMENT);
        cop_wait_group_close(group);
}

IN_NODE_WITH(a_member_that_cannot_be_spawned_is_none, .max_actors = 16)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_pid pid;
        cop_status status;
        size_t spawned = 0;
        cop_ends ends;
        while ((status = cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = waits_for_a_job },
                                            &pid)) == COP_OK)
                spawned++;
        ck_assert_int_eq(status, COP_E_LIMIT);
        ck_assert_uint_eq(cop_wait_spawn(group, waits_for_a_job).bits, 0);
        cop_wait_all(group, 0, &ends);
        ck_assert_uint_eq(ends.running, spawned);
        cop_wait_group_close(group);
}

TEST(outside_a_node_there_is_no_group)
{
        ck_assert_ptr_null(cop_wait_group_open());
}
