/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Tasks. Owners that may end are actors of their own, which tell the test how it went; a task that must still run when
 * something is done to it waits for a word from the test.
 */
#include <string.h>

#include "tests/node_fixture.h"

enum how {
        ANSWER,   /* with the number */
        NOTHING,  /* ends without a result */
        TWICE,    /* answers number, and number + 1 */
        EXIT,     /* with {boom, number} */
        FAULT,
        HANG,     /* until it is told to end */
        GO_ON,    /* answers when it is told to */
        FAIL_ON,  /* exits with {boom, number} when it is told to */
        TRAP,     /* traps exits, and hangs */
};

typedef struct {
        int64_t how, number;
        cop_pid teller; /* hears how it begins: nobody does if there is none */
} work;
COP_MESSAGE(work, how, number, teller);

typedef struct {
        int64_t number;
} result;
COP_MESSAGE(result, number);

typedef struct {
        cop_pid pid;
} began;
COP_MESSAGE(began, pid);

typedef struct {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct {
        cop_pid parent;
} family;
COP_MESSAGE(family, parent);

typedef struct {
        int64_t status, number; /* number: of the result, -1: there is none */
        cop_term reason;
} outcome;
COP_MESSAGE(outcome, status, number, reason);

static void works(const work *w)
{
        if (w->how == TRAP)
                cop_trap_exit(true);
        if (w->teller.bits != 0)
                cop_send(w->teller, began, .pid = cop_self());
        switch (w->how) {
        case TWICE:
                cop_reply(result, w->number);
                cop_reply(result, w->number + 1);
                return;
        case EXIT:
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(w->number)));
        case FAULT:
                *(volatile int *)NULL = 1;
                return;
        case GO_ON:
        case FAIL_ON:
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
                if (w->how == FAIL_ON)
                        cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(w->number)));
                break;
        case HANG:
        case TRAP:
                cop_sleep(COP_FOREVER);
                return;
        case NOTHING:
                return;
        default:
                break;
        }
        cop_reply(result, w->number);
}

static cop_pid await_began(void)
{
        cop_auto message = await(COP_KIND(began));
        return cop_read(began, message)->pid;
}

static int64_t number_of(cop_message *message)
{
        const result *r = cop_read(result, message);
        int64_t number = r != NULL ? r->number : -1;
        cop_message_free(message);
        return number;
}

/* A task is over without a trace: no message, nothing that could still bring one. */
static void nothing_is_left(cop_node *node, int64_t blocks_before)
{
        nothing_has_come();
        await_true(blocks_in_use(node) <= blocks_before);
        nothing_has_come();
}

/* ---- Await ---------------------------------------------------------------------------- */

IN_NODE(TSK_01_an_awaited_task_gives_its_value_and_leaves_no_message)
{
        cop_message *message;
        cop_trap_exit(true);
        int64_t blocks = blocks_in_use(node);
        cop_task task = cop_task_async(works, work, .how = ANSWER, .number = 7);
        cop_ref down = watch(task.pid);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        await_and_drop(COP_REF(cop_down, down)); /* normal, or noproc */
        nothing_is_left(node, blocks);
}

IN_NODE(TSK_01_a_result_that_has_waited_long_is_taken_as_well)
{
        cop_message *message;
        cop_trap_exit(true);
        cop_task task = cop_task_async(works, work, .how = ANSWER, .number = 7);
        await_true(!cop_is_alive(task.pid));
        ck_assert_int_eq(cop_task_await(&message, task, 0), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        nothing_has_come();
}

IN_NODE(the_first_of_two_results_counts_and_the_second_is_dropped)
{
        cop_message *message;
        cop_task task = cop_task_async(works, work, .how = TWICE, .number = 7);
        cop_ref down = watch(task.pid);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        await_and_drop(COP_REF(cop_down, down));
        nothing_has_come();
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_E_NOT_FOUND);
}

static void has_no_argument(void)
{
        cop_reply(family, .parent = cop_parent());
}

IN_NODE(a_task_needs_no_argument_and_its_parent_is_its_owner)
{
        cop_message *message;
        cop_task task = cop_task_start_or_exit(&(cop_task_options){ .run = has_no_argument });
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert(cop_pid_equal(cop_read(family, message)->parent, cop_self()));
        cop_message_free(message);
}

static void never_ends(void)
{
        cop_sleep(COP_FOREVER);
}

static void needs_ever_more_tasks(void)
{
        for (;;)
                cop_task_start_or_exit(&(cop_task_options){ .run = never_ends });
}

IN_NODE_WITH(who_cannot_go_on_without_a_task_ends_when_there_is_no_room_for_one, .max_actors = 32)
{
        cop_ref ref = spawn_watched(.run = needs_ever_more_tasks);
        await_down(ref, "{system_limit, task}");
}

IN_NODE(a_task_without_a_result_is_finished_when_its_function_is)
{
        cop_message *message = (cop_message *)&message;
        cop_task task = cop_task_async(works, work, .how = NOTHING);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_ptr_null(message);
}

static void leaves_in_peace(const work *w)
{
        cop_send(w->teller, began, .pid = cop_self());
        cop_exit(cop_atom("normal"));
}

static void awaits_one_that_leaves_in_peace(const work *w)
{
        cop_message *message = (cop_message *)&message;
        cop_trap_exit(w->how == TRAP);
        cop_task task = w->number != 0 ? cop_task_async_nolink(leaves_in_peace, work, .teller = w->teller)
                                       : cop_task_async(leaves_in_peace, work, .teller = w->teller);
        cop_status status = cop_task_await(&message, task, PATIENCE_MS);
        cop_send(w->teller, outcome, .status = status, .number = message == NULL ? -1 : 0);
        if (cop_receive(0, COP_ANY) != NULL)
                cop_exit(cop_atom("mail"));
        cop_exit(cop_atom("over"));
}

IN_NODE(a_task_that_exits_with_normal_is_finished_without_a_result_and_ends_nobody)
{
        for (int64_t i = 0; i < 4; i++) {
                cop_ref down = spawn_watched(RUN_WITH(awaits_one_that_leaves_in_peace, work, .teller = cop_self(),
                                                      .how = i < 2 ? TRAP : ANSWER, .number = i % 2));
                await_began();
                cop_auto message = await(COP_KIND(outcome));
                ck_assert_int_eq(cop_read(outcome, message)->status, COP_OK);
                ck_assert_int_eq(cop_read(outcome, message)->number, -1);
                await_down(down, "over");
        }
        cop_message *message = (cop_message *)&message;
        cop_task task = cop_task_async_nolink(leaves_in_peace, work, .teller = cop_self());
        await_began();
        ck_assert_int_eq(cop_task_yield(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_ptr_null(message);
        nothing_has_come();
}

typedef struct {
        int64_t how;
        bool nolink, traps, yields;
        int64_t timeout_ms; /* 0: none */
        cop_pid teller;
} plan;
COP_MESSAGE(plan, how, nolink, traps, yields, timeout_ms, teller);

/* An owner that takes the outcome of one task, and tells if it is still there then. */
static void owner(const plan *p)
{
        cop_message *message = NULL;
        int64_t timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : COP_FOREVER;
        cop_trap_exit(p->traps);
        cop_task task = cop_task_start_or_exit(&(cop_task_options){
                RUN_WITH(works, work, .how = p->how, .number = 7, .teller = p->teller), .nolink = p->nolink });
        cop_status status = p->yields ? cop_task_yield(&message, task, timeout_ms)
                                      : cop_task_await(&message, task, timeout_ms);
        cop_send(p->teller, outcome, .status = status, .number = number_of(message),
                 .reason = cop_failure());
        cop_message_free(cop_receive(p->traps ? 0 : COP_FOREVER, COP_ANY));
}

#define spawn_owner(...) \
        spawn_watched(RUN_WITH(owner, plan, .teller = cop_self(), __VA_ARGS__))

static void no_outcome_was_told(void)
{
        ck_assert_ptr_null(cop_receive(0, COP_KIND(outcome)));
}

static void await_outcome(cop_status status, int64_t number, const char *reason)
{
        cop_auto message = await(COP_KIND(outcome));
        const outcome *o = cop_read(outcome, message);
        ck_assert_int_eq(o->status, status);
        ck_assert_int_eq(o->number, number);
        ck_assert_str_eq(text_of(o->reason), reason);
}

IN_NODE(TSK_03_a_task_that_exits_ends_its_awaiting_owner_with_its_reason)
{
        await_down(spawn_owner(.how = EXIT), "{boom, 7}");
        await_down(spawn_owner(.how = EXIT, .nolink = true), "{boom, 7}");
        await_down(spawn_owner(.how = EXIT, .traps = true), "{boom, 7}");
        no_outcome_was_told();
}

IN_NODE(TSK_03_a_task_that_faults_ends_its_awaiting_owner_and_the_report_says_where)
{
        cop_auto message = await(COP_REF(cop_down, spawn_owner(.how = FAULT, .nolink = true)));
        cop_term reason = cop_read(cop_down, message)->reason;
        ck_assert(cop_is_tuple(reason, "fault", 5));
        ck_assert_ptr_nonnull(strstr(text_of(reason), "works"));
        no_outcome_was_told();
}

static void owner_that_only_waits(const plan *p)
{
        cop_task_start_or_exit(&(cop_task_options){ RUN_WITH(works, work, .how = p->how, .number = 7, .teller = p->teller),
                                                    .nolink = p->nolink });
        cop_sleep(COP_FOREVER);
}

IN_NODE(TSK_03_a_linked_task_ends_its_owner_unasked_and_one_without_a_link_does_not)
{
        await_down(spawn_watched(RUN_WITH(owner_that_only_waits, plan, .how = EXIT)), "{boom, 7}");
        cop_pid alone;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(owner_that_only_waits, plan,
                                                                     .how = EXIT, .nolink = true,
                                                                     .teller = cop_self()) },
                                       &alone),
                         COP_OK);
        cop_pid task = await_began();
        await_true(!cop_is_alive(task));
        settle_with(alone);
        ck_assert(cop_is_alive(alone));
        put_down(alone);
}

IN_NODE(a_linked_task_ends_with_its_owner_and_one_without_a_link_does_not)
{
        for (int nolink = 0; nolink < 2; nolink++) {
                cop_pid pid = cop_spawn_with(owner_that_only_waits, plan, .how = HANG,
                                             .nolink = nolink, .teller = cop_self());
                cop_pid task = await_began();
                cop_ref down = watch(task);
                put_down(pid);
                if (nolink) {
                        settle_with(task);
                        ck_assert(cop_demonitor(down));
                        put_down(task);
                } else {
                        await_down(down, "killed");
                }
        }
}

IN_NODE(an_await_that_takes_too_long_ends_the_owner_and_its_linked_task)
{
        cop_ref down = spawn_owner(.how = HANG, .timeout_ms = 1);
        cop_ref task = watch(await_began());
        cop_auto message = await(COP_REF(cop_down, down));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, message)->reason),
                                     "{timeout, {task_await, <"));
        await_and_drop(COP_REF(cop_down, task));
        no_outcome_was_told();
}

IN_NODE(a_thread_of_the_program_is_told_what_would_end_an_actor)
{
        cop_message *message = NULL;
        cop_task task = cop_task_async_nolink(works, work, .how = EXIT, .number = 7);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{boom, 7}");
        task = cop_task_async_nolink(works, work, .how = HANG);
        ck_assert_int_eq(cop_task_await(&message, task, 0), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_task_await(&message, task, 0), COP_E_NOT_FOUND);
        put_down(task.pid);
}

/* ---- Who may ------------------------------------------------------------------------------- */

/* Tries all that may be done with a task of another actor's. */
static void thief(void)
{
        cop_message *message = NULL;
        cop_auto theirs = cop_receive(COP_FOREVER, COP_KIND(cop_task));
        cop_task task = *cop_read(cop_task, theirs);
        cop_pid teller = cop_message_from(theirs);
        cop_send(teller, outcome, .status = cop_task_await(&message, task, COP_FOREVER));
        cop_send(teller, outcome, .status = cop_task_yield(&message, task, COP_FOREVER));
        cop_send(teller, outcome, .status = cop_task_shutdown(&message, task, COP_BRUTAL_KILL));
        cop_send(teller, outcome, .status = cop_task_ignore(&message, task));
        cop_send(teller, outcome,
                 .status = cop_task_await_many(&message, &task, 1, COP_FOREVER));
}

IN_NODE(TSK_04_who_does_not_own_a_task_gets_an_error_at_once)
{
        cop_message *message;
        cop_task task = cop_task_async(works, work, .how = GO_ON, .number = 7);
        cop_send_value(cop_to_pid(cop_spawn(thief)), COP_KIND_OF(cop_task), &task);
        for (int i = 0; i < 5; i++)
                await_outcome(COP_E_NOT_OWNER, 0, "[]");
        cop_send(task.pid, go);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
}

/* ---- Many ------------------------------------------------------------------------------------ */

IN_NODE(TSK_06_results_of_many_come_in_the_order_of_the_tasks)
{
        enum { COUNT = 20 };
        cop_task tasks[COUNT];
        cop_message *results[COUNT];
        for (int i = 0; i < COUNT; i++)
                tasks[i] = cop_task_async(works, work, .how = GO_ON, .number = i);
        for (int i = COUNT - 1; i >= 0; i--) { /* each is finished before the next may go on */
                cop_send(tasks[i].pid, go);
                await_true(!cop_is_alive(tasks[i].pid));
        }
        ck_assert_int_eq(cop_task_await_many(results, tasks, COUNT, PATIENCE_MS), COP_OK);
        for (int i = 0; i < COUNT; i++)
                ck_assert_int_eq(number_of(results[i]), i);
        nothing_has_come();
}

IN_NODE(none_of_many_is_awaited_when_one_cannot_be)
{
        cop_message *results[3];
        cop_task one = cop_task_async(works, work, .how = ANSWER, .number = 1);
        cop_task other = cop_task_async(works, work, .how = ANSWER, .number = 2);
        cop_task twice[] = { one, other, one };
        ck_assert_int_eq(cop_task_await_many(results, twice, 3, PATIENCE_MS), COP_E_TAKEN);
        ck_assert_int_eq(cop_task_await_many(results, twice, 2, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(results[0]), 1);
        ck_assert_int_eq(number_of(results[1]), 2);
        ck_assert_int_eq(cop_task_await_many(results, twice, 2, PATIENCE_MS), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_task_await_many(results, twice, 0, PATIENCE_MS), COP_OK);
}

static void awaits_many(const plan *p)
{
        cop_message *results[3];
        cop_trap_exit(p->traps);
        cop_task tasks[3];
        const int64_t hows[3] = { HANG, p->how, HANG };
        for (int i = 0; i < 3; i++)
                tasks[i] = cop_task_start_or_exit(&(cop_task_options){
                        RUN_WITH(works, work, .how = hows[i], .number = 7, .teller = p->teller), .nolink = p->nolink });
        cop_task_await_many(results, tasks, 3, p->timeout_ms);
        cop_send(p->teller, outcome, .number = -1);
}

IN_NODE(TSK_05_one_failure_of_many_ends_the_owner_while_the_others_run)
{
        cop_pid began_as[3];
        cop_ref down = spawn_watched(RUN_WITH(awaits_many, plan, .how = EXIT, .nolink = true,
                                              .timeout_ms = COP_FOREVER, .teller = cop_self()));
        await_down(down, "{boom, 7}");
        for (int i = 0; i < 3; i++)
                began_as[i] = await_began();
        int alive = 0;
        for (int i = 0; i < 3; i++)
                alive += cop_is_alive(began_as[i]);
        ck_assert_int_eq(alive, 2);
        no_outcome_was_told();
        for (int i = 0; i < 3; i++)
                put_down(began_as[i]);
}

IN_NODE(many_that_take_too_long_end_their_owner)
{
        cop_ref down = spawn_watched(
                RUN_WITH(awaits_many, plan, .how = HANG, .timeout_ms = 1, .teller = cop_self()));
        await_down(down, "{timeout, {task_await_many, 3}}");
}

IN_NODE(a_thread_of_the_program_that_fails_with_many_has_none)
{
        cop_message *results[2];
        cop_task tasks[] = { cop_task_async_nolink(works, work, .how = ANSWER, .number = 1),
                             cop_task_async_nolink(works, work, .how = HANG) };
        await_true(!cop_is_alive(tasks[0].pid));
        ck_assert_int_eq(cop_task_await_many(results, tasks, 2, 0), COP_E_TIMEOUT);
        ck_assert_ptr_null(results[0]);
        ck_assert_int_eq(cop_task_await_many(results, tasks, 2, 0), COP_E_NOT_FOUND);
        put_down(tasks[1].pid);
}

/* ---- Yield ------------------------------------------------------------------------------------- */

IN_NODE(TSK_07_a_look_at_a_task_finds_nothing_its_value_or_why_it_ended)
{
        cop_message *message = NULL;
        cop_task task = cop_task_async(works, work, .how = GO_ON, .number = 7);
        ck_assert_int_eq(cop_task_yield(&message, task, 0), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_task_yield(&message, task, 1), COP_E_TIMEOUT);
        cop_send(task.pid, go);
        ck_assert_int_eq(cop_task_yield(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        ck_assert_int_eq(cop_task_yield(&message, task, PATIENCE_MS), COP_E_NOT_FOUND);

        await_down(spawn_owner(.how = EXIT, .nolink = true, .yields = true, .traps = true),
                   "normal");
        await_outcome(COP_E_DIED, -1, "{boom, 7}");
        await_down(spawn_owner(.how = EXIT, .yields = true, .traps = true),
                   "normal");
        await_outcome(COP_E_DIED, -1, "{boom, 7}");
}

/* Its result is what its owner has to say. */
static void asks_its_owner(const work *w)
{
        cop_auto reply = NULL;
        cop_send(w->teller, began, .pid = cop_self());
        cop_status status = cop_call(&reply, w->teller, COP_FOREVER, go, .unused = w->number);
        cop_reply(result, status == COP_OK ? cop_read(result, reply)->number : -status);
}

static cop_task started_and_asking(cop_node *node)
{
        cop_task task = cop_task_async(asks_its_owner, work, .teller = cop_self());
        cop_pid pid = await_began();
        ck_assert(cop_pid_equal(pid, task.pid));
        await_true(is_waiting(node, pid));
        return task;
}

static void answer_it(cop_task task)
{
        cop_message *message = NULL;
        cop_auto asked = await(COP_KIND(go));
        ck_assert_int_eq(cop_answer(asked, result, 7), COP_OK);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
}

IN_NODE(a_look_at_a_task_that_calls_its_owner_ends_with_its_time_and_both_go_on)
{
        cop_message *message = NULL;
        cop_task task = started_and_asking(node);
        ck_assert_int_eq(cop_task_yield(&message, task, 1), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_task_yield(&message, task, 0), COP_E_TIMEOUT);
        answer_it(task);
}

/* The call is there while its owner looks, and none of the two fails. */
static void looks_and_answers(const work *w)
{
        cop_message *message = NULL;
        cop_task task = cop_task_async(asks_its_owner, work, .teller = cop_self());
        cop_status status;
        cop_send(w->teller, began, .pid = task.pid);
        while ((status = cop_task_yield(&message, task, 1)) == COP_E_TIMEOUT) {
                cop_auto asked = cop_receive(0, COP_KIND(go));
                if (asked != NULL)
                        cop_answer(asked, result, 7);
        }
        cop_send(w->teller, result, status == COP_OK ? cop_read(result, message)->number : -status);
}

IN_NODE(a_task_that_calls_its_owner_while_that_looks_is_answered_after_the_look)
{
        for (int round = 0; round < 20; round++) {
                cop_spawn_with(looks_and_answers, work, .teller = cop_self());
                await_began();
                cop_auto message = await(COP_KIND(result));
                ck_assert_int_eq(cop_read(result, message)->number, 7);
        }
}

IN_NODE(a_look_without_end_at_a_task_that_calls_its_owner_says_so_and_the_task_goes_on)
{
        cop_message *message = NULL;
        cop_task task = started_and_asking(node);
        ck_assert_int_eq(cop_task_yield(&message, task, COP_FOREVER), COP_E_CYCLE);
        ck_assert(cop_is_tuple(cop_failure(), "calling_cycle", 2));
        ck_assert_int_eq(cop_task_yield(&message, task, COP_FOREVER), COP_E_CYCLE);
        answer_it(task);
}

IN_NODE(a_task_that_is_killed_before_its_first_instruction_has_ended_all_the_same)
{
        cop_message *message = NULL;
        for (int i = 0; i < 50; i++) {
                cop_task task = cop_task_async_nolink(works, work, .how = HANG);
                cop_send_exit(task.pid, cop_atom("kill"));
                ck_assert_int_eq(cop_task_yield(&message, task, PATIENCE_MS), COP_E_DIED);
                ck_assert_str_eq(text_of(cop_failure()), "killed");
        }
}

/* ---- Shutdown, ignore ----------------------------------------------------------------------------- */

IN_NODE(TSK_09_a_running_task_is_shut_down_and_nothing_is_left_of_it)
{
        const int64_t times[] = { 0, PATIENCE_MS, COP_FOREVER, COP_SHUTDOWN_INFINITY,
                                  COP_SHUTDOWN_AT_ONCE, COP_BRUTAL_KILL };
        cop_trap_exit(true);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                cop_message *message = (cop_message *)&message;
                cop_task task = cop_task_async(works, work, .how = HANG, .number = 0, .teller = cop_self());
                cop_ref down = watch(await_began());
                ck_assert_int_eq(cop_task_shutdown(&message, task, times[i]), COP_OK);
                ck_assert_ptr_null(message);
                ck_assert(!cop_is_alive(task.pid));
                await_and_drop(COP_REF(cop_down, down));
                nothing_has_come();
                ck_assert_int_eq(cop_task_shutdown(&message, task, times[i]), COP_E_NOT_FOUND);
        }
}

IN_NODE(TSK_09_a_task_that_traps_exits_is_killed_brutally_or_when_its_time_is_over)
{
        const int64_t times[] = { COP_BRUTAL_KILL, COP_SHUTDOWN_AT_ONCE, 1 };
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                cop_message *message = (cop_message *)&message;
                cop_task task = cop_task_async(works, work, .how = TRAP, .number = 0, .teller = cop_self());
                cop_ref down = watch(await_began());
                /* Who gave it time counted on its coming to an end by itself. */
                ck_assert_int_eq(cop_task_shutdown(&message, task, times[i]), times[i] < 0 ? COP_OK : COP_E_DIED);
                if (times[i] >= 0)
                        ck_assert_str_eq(text_of(cop_failure()), "killed");
                else
                        ck_assert_ptr_null(message);
                await_down(down, "killed");
                nothing_has_come();
        }
}

IN_NODE(TSK_09_what_a_task_ends_with_is_its_outcome_unless_it_is_what_was_asked)
{
        static const struct {
                const char *reason;
                int64_t time;
                cop_status status;
        } ends[] = {
                { "shutdown", COP_FOREVER, COP_OK }, { "shutdown", COP_BRUTAL_KILL, COP_E_DIED },
                { "killed", COP_FOREVER, COP_E_DIED }, { "killed", COP_BRUTAL_KILL, COP_OK },
                { "killed", COP_SHUTDOWN_AT_ONCE, COP_OK }, { "shutdown", COP_SHUTDOWN_AT_ONCE, COP_OK },
        };
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
                cop_message *message = NULL;
                cop_task task = cop_task_async_nolink(works, work, .how = HANG, .number = 0, .teller = cop_self());
                cop_ref down = watch(await_began());
                cop_send_exit(task.pid, cop_atom(ends[i].reason)); /* by itself, before it is asked */
                await_down(down, ends[i].reason);
                ck_assert_int_eq(cop_task_shutdown(&message, task, ends[i].time), ends[i].status);
                if (ends[i].status == COP_E_DIED)
                        ck_assert_str_eq(text_of(cop_failure()), ends[i].reason);
                nothing_has_come();
        }
}

IN_NODE(a_task_that_is_shut_down_too_late_says_what_it_had_to_say)
{
        cop_message *message = NULL;
        cop_task task = cop_task_async(works, work, .how = ANSWER, .number = 7);
        await_true(!cop_is_alive(task.pid));
        ck_assert_int_eq(cop_task_shutdown(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        task = cop_task_async_nolink(works, work, .how = EXIT, .number = 7);
        await_true(!cop_is_alive(task.pid));
        ck_assert_int_eq(cop_task_shutdown(&message, task, COP_BRUTAL_KILL), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{boom, 7}");
        nothing_has_come();
}

IN_NODE(TSK_10_what_an_ignored_task_says_late_is_discarded)
{
        const int64_t hows[] = { GO_ON, FAIL_ON };
        cop_trap_exit(true);
        int64_t blocks = blocks_in_use(node);
        for (int i = 0; i < 2; i++) {
                cop_message *message = NULL;
                cop_task task = cop_task_async(works, work, .how = hows[i], .number = 7, .teller = cop_self());
                cop_ref down = watch(await_began());
                ck_assert_int_eq(cop_task_ignore(&message, task), COP_E_TIMEOUT);
                cop_send(task.pid, go);
                await_down(down, hows[i] == GO_ON ? "normal" : "{boom, 7}");
                nothing_has_come();
                ck_assert_int_eq(cop_task_yield(&message, task, 0), COP_E_NOT_FOUND);
        }
        nothing_is_left(node, blocks);
}

static void ignores(const plan *p)
{
        cop_message *message;
        cop_task task = cop_task_async(works, work, FAIL_ON, 7, p->teller);
        cop_send(p->teller, outcome, .status = cop_task_ignore(&message, task));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(TSK_10_an_owner_that_does_not_trap_exits_survives_the_failure_of_a_task_it_ignores)
{
        cop_pid pid = cop_spawn_with(ignores, plan, .teller = cop_self());
        cop_ref mine = watch(pid);
        await_outcome(COP_E_TIMEOUT, 0, "[]");
        cop_pid task = await_began();
        cop_ref down = watch(task);
        cop_send(task, go);
        await_down(down, "{boom, 7}");
        settle_with(pid);
        cop_send(pid, go);
        await_down(mine, "normal");
}

IN_NODE(a_finished_task_that_is_ignored_gives_its_result_once)
{
        cop_message *message = NULL;
        cop_task task = cop_task_async(works, work, .how = ANSWER, .number = 7);
        await_true(!cop_is_alive(task.pid));
        ck_assert_int_eq(cop_task_ignore(&message, task), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        ck_assert_int_eq(cop_task_ignore(&message, task), COP_E_NOT_FOUND);
}

/* ---- Under a supervisor ------------------------------------------------------------------------------ */

static const cop_supervisor jobs = { .name = "jobs", .strategy = COP_DYNAMIC };

static int64_t children(void)
{
        cop_child_count count;
        ck_assert_int_eq(cop_count_children("jobs", &count), COP_OK);
        return count.active;
}

IN_NODE(TSK_03_a_task_under_a_supervisor_fails_alone_and_is_not_restarted)
{
        cop_pid supervisor;
        cop_task task;
        cop_message *message = NULL;
        ck_assert_int_eq(cop_supervise(&jobs, &supervisor), COP_OK);
        ck_assert_int_eq(cop_task_async_under("jobs", &task, works, work, .how = ANSWER, .number = 7), COP_OK);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(number_of(message), 7);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(cop_task_async_under("jobs", &task, works, work, .how = EXIT, .number = 7), COP_OK);
                ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_E_DIED);
                ck_assert_str_eq(text_of(cop_failure()), "{boom, 7}");
        }
        await_true(children() == 0);
        ck_assert_int_eq(cop_shutdown(supervisor, PATIENCE_MS), COP_OK);
}

IN_NODE(a_supervisor_that_stops_ends_its_tasks)
{
        cop_pid supervisor;
        cop_task task;
        cop_message *message = NULL;
        ck_assert_int_eq(cop_task_async_under("jobs", &task, works, work, .how = HANG), COP_E_NO_NAME);
        ck_assert_int_eq(cop_supervise(&jobs, &supervisor), COP_OK);
        ck_assert_int_eq(cop_task_async_under("jobs", &task, works, work, .how = HANG), COP_OK);
        ck_assert_int_eq(children(), 1);
        ck_assert_int_eq(cop_shutdown(supervisor, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_task_yield(&message, task, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "shutdown");
}

/* ---- What is refused --------------------------------------------------------------------------------- */

IN_NODE(bad_options_start_nothing)
{
        cop_task task;
        cop_message *message;
        work w = { ANSWER, 7, cop_no_pid() };
        void (*run_with)(const void *) = COP_RUN_WITH(works, work);
        ck_assert_int_eq(cop_task_start(NULL, &task), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = NULL }, &task), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = has_no_argument }, NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run_with = run_with }, &task),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = has_no_argument,
                                                             .kind = COP_KIND_OF(work),
                                                             .argument = &w },
                                        &task),
                         COP_E_BAD_ARGUMENT);
        task = cop_task_async(works, work, .how = ANSWER);
        ck_assert_int_eq(cop_task_await(NULL, task, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_shutdown(&message, task, -4), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_await(&message, task, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_await(&message, task, PATIENCE_MS), COP_OK);
        cop_message_free(message);
}

static void awaits_a_negative_time(void)
{
        cop_message *message;
        cop_task_await(&message, (cop_task){ 0 }, -1);
}

IN_NODE(a_negative_time_out_is_a_bug_of_the_owner)
{
        cop_auto message = await(COP_REF(cop_down, spawn_watched(.run = awaits_a_negative_time)));
        ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "badarg", 2));
}

TEST(outside_a_node_there_are_no_tasks)
{
        cop_task task = { 0 };
        cop_message *message;
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = has_no_argument }, &task),
                         COP_E_NO_NODE);
        ck_assert_int_eq(cop_task_await(&message, task, 0), COP_E_NO_NODE);
        ck_assert_int_eq(cop_task_shutdown(&message, task, 0), COP_E_NO_NODE);
        ck_assert_int_eq(cop_task_ignore(&message, task), COP_E_NO_NODE);
        ck_assert_int_eq(cop_task_await_many(&message, &task, 1, 0), COP_E_NO_NODE);
}
