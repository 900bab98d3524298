/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Task groups: whatever happens, what was started in one has ended when it has. */
#include "tests/node_fixture.h"

enum how {
        END,
        EXIT,  /* with {boom, number} */
        FAULT,
        HANG,
        TRAP,  /* traps exits, and hangs */
        CANCEL, /* cancels its own group, and hangs */
        MORE,  /* starts another in its own group when told to, and tells how that went */
        NEST,  /* opens a group with one that hangs, and closes it */
        DESERT, /* the same, and ends without closing it */
};

typedef struct {
        int64_t how, number;
        cop_pid teller;
        cop_task_group group;
} work;
COP_MESSAGE(work, how, number, teller, COP_NESTED(cop_task_group, group));

typedef struct {
        cop_pid pid;
        int64_t number;
} began;
COP_MESSAGE(began, pid, number);

typedef struct {
        int64_t status;
} outcome;
COP_MESSAGE(outcome, status);

typedef struct {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

static void works(const work *w);

static void nests(const work *w)
{
        cop_task_group inner;
        if (cop_task_group_open(NULL, &inner) != COP_OK)
                cop_exit(cop_atom("not_open"));
        cop_group_task(inner, works, work, .how = w->number, .number = w->number,
                       .teller = w->teller);
        if (w->how == NEST)
                cop_task_group_close(inner);
}

static void works(const work *w)
{
        if (w->how == TRAP)
                cop_trap_exit(true);
        if (w->teller.bits != 0)
                cop_send(w->teller, began, .pid = cop_self(), .number = w->how);
        switch (w->how) {
        case EXIT:
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(w->number)));
        case FAULT:
                *(volatile int *)NULL = 1;
                return;
        case CANCEL:
                cop_task_group_cancel(w->group);
                cop_sleep(COP_FOREVER);
                return;
        case MORE:
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
                cop_send(w->teller, outcome,
                         .status = cop_group_task(w->group, works, work, .teller = w->teller));
                return;
        case HANG:
        case TRAP:
                cop_sleep(COP_FOREVER);
                return;
        case NEST:
        case DESERT:
                nests(w);
                return;
        default:
                return;
        }
}

static cop_task_group opened(int64_t deadline_ms, int64_t grace_ms)
{
        cop_task_group group;
        cop_task_group_options options = { deadline_ms, grace_ms };
        ck_assert_int_eq(cop_task_group_open(&options, &group), COP_OK);
        return group;
}

static void add(cop_task_group group, int64_t how, int64_t number)
{
        ck_assert_int_eq(cop_group_task(group, works, work, .how = how, .number = number,
                                        .teller = cop_self(), .group = group),
                         COP_OK);
}

static cop_pid await_began(int64_t how)
{
        cop_auto message = await(COP_FIELD(began, number, how));
        return cop_read(began, message)->pid;
}

/* All that has begun, and told the test so. */
static void all_that_began_are_dead(int expected)
{
        cop_message *message;
        int count = 0;
        while ((message = cop_receive(0, COP_KIND(began))) != NULL) {
                ck_assert(!cop_is_alive(cop_read(began, message)->pid));
                cop_message_free(message);
                count++;
        }
        ck_assert_int_ge(count, expected);
        nothing_has_come();
}

static void closes(cop_task_group group, cop_status status, const char *reason)
{
        ck_assert_int_eq(cop_task_group_close(group), status);
        if (status == COP_E_DIED)
                ck_assert_str_eq(text_of(cop_failure()), reason);
        ck_assert(!cop_is_alive(group.pid));
}

/* ---- One group ------------------------------------------------------------------------ */

IN_NODE(a_group_is_closed_when_all_its_tasks_have_ended)
{
        cop_task_group group = opened(0, 0);
        for (int i = 0; i < 100; i++)
                add(group, END, i);
        ck_assert_int_eq(cop_task_group_close(group), COP_OK);
        all_that_began_are_dead(100);
        ck_assert_int_eq(cop_task_group_close(group), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_group_task(group, works, work, .how = END), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_task_group_cancel(group), COP_OK);
}

IN_NODE(who_starts_a_task_may_learn_its_pid)
{
        cop_task_group group = opened(0, 0);
        cop_task_options options = { COP__TASK(works, work, .how = HANG, .teller = cop_self()) };
        cop_pid pid;
        ck_assert_int_eq(cop_task_group_start(group, &options, &pid), COP_OK);
        ck_assert(cop_pid_equal(await_began(HANG), pid));
        ck_assert_int_eq(cop_task_group_cancel(group), COP_OK);
        closes(group, COP_E_DIED, "cancelled");
        ck_assert(!cop_is_alive(pid));
}

IN_NODE(an_empty_group_is_closed_at_once)
{
        cop_task_group group;
        ck_assert_int_eq(cop_task_group_open(NULL, &group), COP_OK);
        ck_assert_int_eq(cop_task_group_close(group), COP_OK);
}

IN_NODE(a_task_may_start_others_while_the_group_is_being_closed)
{
        cop_task_group group = opened(0, 0);
        add(group, MORE, 0);
        cop_send(await_began(MORE), go);
        ck_assert_int_eq(cop_task_group_close(group), COP_OK);
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_OK);
        all_that_began_are_dead(1);
}

IN_NODE(a_failure_cancels_the_others_and_is_what_the_group_answers)
{
        const int64_t hows[] = { EXIT, FAULT };
        for (int i = 0; i < 2; i++) {
                cop_task_group group = opened(0, 0);
                add(group, HANG, 0);
                add(group, HANG, 0);
                add(group, hows[i], 7);
                ck_assert_int_eq(cop_task_group_close(group), COP_E_DIED);
                if (hows[i] == EXIT)
                        ck_assert_str_eq(text_of(cop_failure()), "{boom, 7}");
                else
                        ck_assert(cop_is_tuple(cop_failure(), "fault", 5));
                all_that_began_are_dead(1);
        }
}

IN_NODE(a_group_that_has_failed_starts_nothing_more)
{
        cop_task_group group = opened(0, 0);
        add(group, TRAP, 0);
        add(group, EXIT, 7);
        cop_pid trapping = await_began(TRAP);
        await_true(cop_group_task(group, works, work, .how = END) == COP_E_STOPPING);
        ck_assert(cop_is_alive(trapping));
        put_down(trapping);
        closes(group, COP_E_DIED, "{boom, 7}");
}

IN_NODE(a_deadline_cancels_what_still_runs)
{
        cop_task_group group = opened(1, 0);
        cop_group_task(group, works, work, .how = HANG, .teller = cop_self());
        closes(group, COP_E_TIMEOUT, "");
        all_that_began_are_dead(0);
        group = opened(PATIENCE_MS, 0);
        add(group, END, 0);
        closes(group, COP_OK, "");
}

IN_NODE(a_group_is_cancelled_from_inside_and_from_outside)
{
        cop_task_group group = opened(0, 0);
        add(group, HANG, 0);
        add(group, CANCEL, 0);
        closes(group, COP_E_DIED, "cancelled");
        all_that_began_are_dead(2);

        group = opened(0, 0);
        add(group, HANG, 0);
        ck_assert_int_eq(cop_task_group_cancel(group), COP_OK);
        closes(group, COP_E_DIED, "cancelled");
        all_that_began_are_dead(1);
}

IN_NODE(a_task_that_traps_exits_is_killed_after_the_grace)
{
        cop_task_group group = opened(0, 1);
        add(group, TRAP, 0);
        cop_ref down = watch(await_began(TRAP));
        cop_task_group_cancel(group);
        closes(group, COP_E_DIED, "cancelled");
        await_down(down, "killed");
}

/* ---- The owner ---------------------------------------------------------------------------- */

/* Opens a group as number says, and ends as it is told. */
static void owns(const work *w)
{
        cop_task_group group = { { 0 } };
        cop_task_group_open(NULL, &group);
        cop_group_task(group, works, work, .how = HANG, .teller = w->teller);
        cop_send_value(cop_to_pid(w->teller), COP_KIND_OF(cop_task_group), &group);
        if (w->how == HANG)
                cop_task_group_close(group);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* It traps the exit that it is shut down by, and opens another group then. */
static void opens_when_shut_down(const work *w)
{
        cop_task_group inner;
        cop_trap_exit(true);
        cop_send(w->teller, began, .pid = cop_self(), .number = w->number);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        cop_status status = cop_task_group_open(NULL, &inner);
        cop_send(w->teller, outcome, .status = status);
}

IN_NODE(a_task_of_a_group_that_is_being_cancelled_opens_no_group)
{
        cop_task_group group = opened(0, PATIENCE_MS);
        ck_assert_int_eq(cop_group_task(group, opens_when_shut_down, work, .teller = cop_self()), COP_OK);
        await_and_drop(COP_KIND(began));
        ck_assert_int_eq(cop_task_group_cancel(group), COP_OK);
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_E_STOPPING);
        closes(group, COP_E_DIED, "cancelled");
}

IN_NODE(the_end_of_the_owner_ends_the_group_even_a_normal_one)
{
        const int64_t hows[] = { END, HANG };
        for (int i = 0; i < 2; i++) {
                cop_pid owner = cop_spawn_with(owns, work, .how = hows[i], .teller = cop_self());
                cop_ref task = watch(await_began(HANG));
                cop_auto message = await(COP_KIND(cop_task_group));
                cop_ref group = watch(cop_read(cop_task_group, message)->pid);
                if (hows[i] == END)
                        cop_send(owner, go);
                else
                        put_down(owner);
                await_down(task, "{shutdown, cancelled}");
                await_down(group, "normal");
        }
}

IN_NODE(who_does_not_own_a_group_cannot_close_it_and_a_killed_one_takes_its_tasks_along)
{
        cop_pid owner = cop_spawn_with(owns, work, .how = END, .teller = cop_self());
        cop_ref task = watch(await_began(HANG));
        cop_auto message = await(COP_KIND(cop_task_group));
        cop_task_group group = *cop_read(cop_task_group, message);
        ck_assert_int_eq(cop_task_group_close(group), COP_E_NOT_OWNER);
        put_down(group.pid);
        await_down(task, "killed");
        put_down(owner);
}

/* ---- At work for somebody ------------------------------------------------------------------ */

typedef struct {
        int64_t unused;
} host;

/* Opens a group, says so, waits until its caller has gone (END), and closes it. How that went is told. */
static void host_on_work(host *self, const work *w)
{
        cop_task_group group;
        (void)self;
        if (w->how == CANCEL) {
                cop_reply(outcome, .status = COP_OK);
                return;
        }
        cop_task_group_open(NULL, &group);
        cop_send(w->teller, began, .pid = cop_self(), .number = CANCEL);
        while (w->how == END && cop_time_left() > 0)
                cop_yield();
        cop_status status = cop_group_task(group, works, work, .how = w->how, .teller = w->teller, .group = group);
        cop_send(w->teller, outcome, .status = status);
        cop_send(w->teller, outcome, .status = cop_task_group_close(group));
}
COP_SERVER(host, COP_ON(work, host_on_work));

typedef struct {
        cop_pid host, teller;
} asking;
COP_MESSAGE(asking, host, teller);

static void asks(const asking *a)
{
        cop_call(NULL, a->host, COP_FOREVER, work, .how = END, .teller = a->teller);
}

static void expect_outcome(cop_status status)
{
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, status);
}

IN_NODE(who_is_at_work_for_one_that_has_gone_starts_and_closes_as_ever)
{
        cop_pid pid = cop_spawn_server(&host_server, NULL);
        cop_pid caller = cop_spawn_with(asks, asking, .host = pid, .teller = cop_self());
        await_began(CANCEL);
        put_down(caller);
        expect_outcome(COP_OK);
        await_began(END);
        expect_outcome(COP_OK);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, work, .how = CANCEL), COP_OK);
        nothing_has_come();
        put_down(pid);
}

/* Of the milliseconds only those count that the call has: none may be left when the task ends. */
IN_NODE(a_group_that_outlasts_the_patience_of_who_it_is_for_has_not_met_its_own_deadline)
{
        cop_pid pid = cop_spawn_server(&host_server, NULL);
        cop_message *said = NULL;
        while (said == NULL) { /* the call may be over before it is taken up */
                ck_assert_int_eq(cop_call(NULL, pid, 20, work, .how = MORE, .teller = cop_self()), COP_E_TIMEOUT);
                said = cop_receive(0, COP_FIELD(began, number, CANCEL));
        }
        cop_message_free(said);
        cop_pid task = await_began(MORE);
        expect_outcome(COP_OK); /* of the start */
        await_true(is_waiting(node, pid));
        cop_send(task, go);
        expect_outcome(COP_OK); /* the task's own start of another */
        expect_outcome(COP_OK); /* the close */
        put_down(pid);
}

/* ---- Nested ---------------------------------------------------------------------------------- */

/* Says something to its group, as any actor may, and goes on until it is told to end. */
static void signals(const work *w)
{
        cop_trap_exit(true);
        cop_send_exit(cop_parent(), w->number == 0 ? cop_atom("normal") : cop_atom("boom"));
        cop_send(w->teller, began, .pid = cop_self(), .number = w->how);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static void start_signaller(cop_task_group group, int64_t number)
{
        ck_assert_int_eq(cop_group_task(group, signals, work, .how = END, .number = number, .teller = cop_self()),
                         COP_OK);
}

IN_NODE(a_task_that_sends_its_group_an_exit_signal_is_waited_for_all_the_same)
{
        cop_task_group group = opened(0, 0);
        start_signaller(group, 1);
        cop_pid pid = await_began(END);
        settle_with(group.pid);
        cop_ref down = watch(pid);
        cop_send_after(NULL, 1, pid, go, 1); /* it is waited for, as a rule */
        ck_assert_int_eq(cop_task_group_close(group), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "boom");
        ck_assert(!cop_is_alive(pid));
        await_down(down, "normal");

        group = opened(0, 0);
        start_signaller(group, 0);
        pid = await_began(END);
        settle_with(group.pid);
        cop_send_after(NULL, 1, pid, go, 1);
        ck_assert_int_eq(cop_task_group_close(group), COP_OK); /* normal, and no end */
        ck_assert(!cop_is_alive(pid));
}

/* When what it has said is heard, it is dead. */
static void says_normal_and_fails(const go *g)
{
        (void)g;
        cop_send_exit(cop_parent(), cop_atom("normal"));
        cop_exit(cop_atom("boom"));
}

IN_NODE_WITH(a_task_that_says_normal_to_its_group_and_fails_has_failed, .workers = 1)
{
        for (int i = 0; i < 20; i++) {
                cop_task_group group = opened(0, 0);
                ck_assert_int_eq(cop_group_task(group, says_normal_and_fails, go, 1), COP_OK);
                ck_assert_int_eq(cop_task_group_close(group), COP_E_DIED);
                ck_assert_str_eq(text_of(cop_failure()), "boom");
        }
}

IN_NODE(an_inner_group_is_waited_for_with_the_outer_one)
{
        cop_task_group group = opened(0, 0);
        add(group, NEST, END);
        add(group, DESERT, HANG); /* ends before its group has */
        closes(group, COP_OK, "");
        all_that_began_are_dead(2);
}

IN_NODE(cancelling_a_group_cancels_the_inner_ones_and_waits_for_their_tasks)
{
        const int64_t hows[] = { HANG, TRAP };
        for (int i = 0; i < 2; i++) {
                cop_task_group group = opened(0, 1);
                add(group, NEST, hows[i]);
                cop_pid innermost = await_began(hows[i]);
                cop_ref nest = watch(await_began(NEST));
                if (hows[i] == TRAP) { /* its own group's grace is long: the test ends it */
                        add(group, TRAP, 0);
                        cop_ref killed = watch(await_began(TRAP));
                        cop_process process;
                        cop_task_group_cancel(group);
                        await_down(nest, "{shutdown, cancelled}");
                        await_down(killed, "killed");
                        settle_with(group.pid);
                        ck_assert_int_eq(cop_process_info(innermost, &process), COP_OK);
                        settle_with(process.parent);
                        ck_assert(cop_is_alive(innermost));
                        ck_assert(cop_is_alive(group.pid));
                        put_down(innermost);
                } else {
                        cop_task_group_cancel(group);
                        await_down(nest, "{shutdown, cancelled}");
                }
                closes(group, COP_E_DIED, "cancelled");
                ck_assert(!cop_is_alive(innermost));
        }
}

/* Hears its own cancellation, and does not obey. */
static void outlasts(const work *w)
{
        cop_task_group inner;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_task_group_open(NULL, &inner), COP_OK);
        cop_group_task(inner, works, work, .how = HANG, .teller = w->teller);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(an_inner_group_is_cancelled_though_its_owner_goes_on)
{
        cop_task_group group = opened(0, COP_TIMER_MS_MAX);
        cop_pid owner;
        cop_task_options task = { COP__TASK(outlasts, work, .teller = cop_self()) };
        ck_assert_int_eq(cop_task_group_start(group, &task, &owner), COP_OK);
        cop_pid innermost = await_began(HANG);
        cop_ref ref = watch(innermost);
        cop_task_group_cancel(group);
        await_down(ref, "{shutdown, cancelled}");
        ck_assert(cop_is_alive(owner));
        cop_send(owner, go);
        closes(group, COP_E_DIED, "cancelled");
}

IN_NODE(a_failure_in_an_inner_group_is_its_owners_to_handle)
{
        cop_task_group group = opened(0, 0);
        add(group, NEST, EXIT);
        closes(group, COP_OK, "");
}

/* ---- What is refused ------------------------------------------------------------------------- */

IN_NODE(bad_groups_and_tasks_are_refused)
{
        cop_task_group group = opened(0, 0);
        cop_task_options options = { COP__TASK(works, work, .how = END), .nolink = true };
        ck_assert_int_eq(cop_task_group_open(NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_open(&(cop_task_group_options){ -1, 0 }, &group),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_open(&(cop_task_group_options){ 0, -1 }, &group),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_start(group, NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_start(group, &options, NULL), COP_E_BAD_ARGUMENT);
        options.nolink = false;
        options.link_to = cop_self();
        ck_assert_int_eq(cop_task_group_start(group, &options, NULL), COP_E_BAD_ARGUMENT);
        options.link_to = cop_no_pid();
        ck_assert_int_eq(cop_task_group_start((cop_task_group){ { 0 } }, &options, NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_close((cop_task_group){ { 0 } }), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_close((cop_task_group){ cop_self() }), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_group_close(group), COP_OK);
}

TEST(outside_a_node_there_are_no_groups)
{
        cop_task_group group = { { 0 } };
        ck_assert_int_eq(cop_task_group_open(NULL, &group), COP_E_NO_NODE);
        ck_assert_int_eq(cop_group_task(group, works, work, .how = END), COP_E_NO_NODE);
        ck_assert_int_eq(cop_task_group_close(group), COP_E_NO_NODE);
}
