/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Children that wait behind a sibling which is tried again later, while others fail, come, go, and are put in another order. That sibling
 * is a, first of all and under rest_for_one unless a claim says otherwise; who was started meanwhile runs, and has its failures by itself.
 */
#include "tests/family.h"

#define COMES_LATE .backoff = { .first_ms = HOUR_MS, .max_ms = HOUR_MS }

static void await_state(cop_pid root, const char *id, const char *state)
{
        await_true(strcmp(ask_child(root, id, "state"), state) == 0);
}

static void start(cop_pid root, const cop_child *child)
{
        char text[16];
        ck_assert_int_eq(cop_start_child(root, child, NULL), COP_OK);
        snprintf(text, sizeof(text), "start %s", child->id);
        expect(text);
}

#define START(root, ...) start((root), &(const cop_child)WORKER(__VA_ARGS__))

static void terminate(cop_pid root, const char *id)
{
        ck_assert_int_eq(cop_terminate_child(root, id), COP_OK);
}

/* It crashes, and its siblings behind it are stopped. */
static void crash_with(const char *id, const char *siblings)
{
        char text[16];
        crash(id);
        snprintf(text, sizeof(text), "end %s boom", id);
        expect(text);
        expect_end(siblings);
}

/* ... and it is to be tried again later. */
static void crash_for_long(cop_pid root, const char *id, const char *siblings)
{
        crash_with(id, siblings);
        await_state(root, id, "restarting");
}

/* ... and the start that follows is held: the group is under way. Whom to let go on. */
static cop_pid crash_and_hold(const char *id, const char *siblings)
{
        char text[16];
        let(id, HANGS);
        crash_with(id, siblings);
        snprintf(text, sizeof(text), "hang %s", id);
        cop_pid held = expect(text);
        let(id, STARTS);
        return held;
}

static void let_go(cop_pid held)
{
        ck_assert_int_eq(cop_send(held, go, .unused = 0), COP_OK);
}

/* ---- The sibling is given up ------------------------------------------------------------------ */

static cop_pid grow_with_a_late_one(void)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE, .children = COP_CHILDREN(WORKER("a", COMES_LATE)));
        cop_pid root = grow_and_expect(&shop, "a");
        crash_for_long(root, "a", "");
        return root;
}

/* It waits for its turn, and not for the sibling: to call that off is no reason to start it as if nothing had happened. */
IN_FAMILY(a_failure_that_is_still_to_be_dealt_with_counts_also_if_the_sibling_before_it_is_given_up)
{
        cop_pid root = grow_with_a_late_one();
        START(root, "b");
        START(root, "c");
        cop_pid c = crash_and_hold("c", "");
        crash_with("b", "");
        await_state(root, "b", "waiting");
        terminate(root, "a");
        let_go(c);
        expect("start c");
        expect_end("c"); /* for the failure of b */
        expect_start("bc");
        expect_silence(root);
        ck_assert_int_eq(restarts_of(root), 3);
        fell(root);
        expect_end("cb");
}

IN_FAMILY(who_waits_behind_two_waits_for_the_second_when_the_first_is_given_up)
{
        cop_pid root = grow_with_a_late_one();
        START(root, "b", COMES_LATE);
        START(root, "c");
        crash_for_long(root, "b", "c");
        terminate(root, "a");
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        terminate(root, "b");
        expect("start c");
        expect_silence(root);
        fell(root);
        expect_end("c");
}

/* It waits for its group, whoever else there was to wait for: the failure of d, before them all, is dealt with when that is over. */
IN_FAMILY(a_group_goes_on_to_its_end_also_if_a_sibling_before_it_is_given_up)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE, .children = COP_CHILDREN(WORKER("d"), WORKER("a", COMES_LATE)));
        cop_pid root = grow_and_expect(&shop, "da");
        crash_for_long(root, "a", "");
        START(root, "b");
        START(root, "c");
        cop_pid b = crash_and_hold("b", "c");
        crash_with("d", "");
        await_state(root, "d", "waiting");
        terminate(root, "a");
        let_go(b);
        expect_start("bc");
        expect_end("cb");
        expect_start("dabc");
        expect_silence(root);
        fell(root);
        expect_end("cbad");
}

/* a has its next attempt behind it as far as time goes, and c, which was started meanwhile, is in its restart: b waits behind a. */
static cop_pid grow_until_its_time_has_come(cop_node *node, cop_pid *c)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE, .children = COP_CHILDREN(WORKER("a", COMES_LATE), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        crash_for_long(root, "a", "b");
        START(root, "c");
        *c = crash_and_hold("c", "");
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        await_state(root, "a", "waiting");
        ck_assert_str_eq(ask_child(root, "b", "state"), "waiting");
        return root;
}

IN_SIMULATED_FAMILY(who_waits_for_one_whose_time_has_come_goes_on_when_that_one_is_given_up)
{
        cop_pid c, root = grow_until_its_time_has_come(node, &c);
        terminate(root, "a");
        ck_assert_str_eq(ask_child(root, "b", "state"), "waiting"); /* for the end of the group now */
        let_go(c);
        expect_start("cb");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        ck_assert_int_eq(restarts_of(root), 0); /* of its period: those before are over */
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK);
        expect("start a");
        crash_for_long(root, "a", "cb"); /* a failure as any: that of before is over */
        ck_assert_int_eq(restarts_of(root), 1);
        fell(root);
}

/* What a child was about to be is over with it: its next start is one that was asked for. */
IN_FAMILY(who_waits_and_is_terminated_and_then_started_is_no_restart)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE, .children = COP_CHILDREN(WORKER("a", COMES_LATE), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        crash_for_long(root, "a", "b");
        terminate(root, "b");
        ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
        expect("start b");
        ck_assert_str_eq(ask_child(root, "b", "restarts"), "0");
        fell(root);
        expect_end("b");
}

IN_FAMILY(a_delay_that_was_called_off_holds_up_no_later_start)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("d"), WORKER("a", COMES_LATE), WORKER("b", COMES_LATE)));
        cop_pid root = grow_and_expect(&shop, "dab");
        crash_for_long(root, "b", "");
        crash_for_long(root, "a", "");
        ck_assert_str_eq(ask_child(root, "b", "state"), "waiting"); /* its delay goes on behind a */
        terminate(root, "b");
        crash_with("d", ""); /* with which b is to be tried again */
        expect("start d");
        await_state(root, "a", "restarting");
        terminate(root, "a");
        expect("start b");
        fell(root);
        expect_end("bd");
}

/* Each tick that was set for it is called off: else the node would not come to rest for as long. */
IN_FAMILY(no_timer_is_left_of_a_group_that_is_over_or_of_a_delay_that_was_called_off)
{
        NEEDS_THREADS();
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("b", .shutdown_ms = HOUR_MS), WORKER("c", COMES_LATE, .shutdown_ms = HOUR_MS)));
        cop_pid root = grow_and_expect(&shop, "bc");
        crash_with("b", "c");
        expect_start("bc");
        crash_with("c", "b");
        expect("start b");
        await_state(root, "c", "restarting");
        ck_assert_int_eq(cop_node_await_quiet(node, 0), COP_E_TIMEOUT);
        terminate(root, "c");
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        fell(root);
        expect_end("b");
}

/* ---- In a group -------------------------------------------------------------------------------- */

typedef struct {
        cop_pid supervisor;
} errand;
COP_MESSAGE(errand, supervisor);

static void terminates_b(const errand *e)
{
        say("answer", cop_status_text(cop_terminate_child(e->supervisor, "b")), "");
}

/* It is asked to stop in the middle of its restart, and does so when its init is over. */
IN_FAMILY(a_group_goes_on_behind_one_that_is_terminated_in_its_start_when_that_one_has_stopped)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("b", .shutdown_ms = COP_SHUTDOWN_INFINITY), WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "bc"), b = crash_and_hold("b", "c");
        cop_spawn_with(terminates_b, errand, .supervisor = root);
        await_state(root, "b", "stopping");
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        let_go(b);
        expect("start b");
        expect_end("b");
        expect_both("answer success", "start c");
        expect_silence(root);
        fell(root);
        expect_end("c");
}

/* As in OTP, where the stop is over first, and the group starts all that it has. */
IN_SIMULATED_FAMILY(who_is_terminated_while_a_sibling_fails_stops_for_who_asked_and_comes_back_with_its_group)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER_WITH("b", ((job){ .id = "b", .stop_ms = HOUR_MS }), .shutdown_ms = COP_SHUTDOWN_INFINITY),
                                      WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "bc");
        cop_spawn_with(terminates_b, errand, .supervisor = root);
        expect_end("b");
        let("b", HANGS);
        crash_with("c", "");
        cop_auto done = cop_receive(2 * HOUR_MS, COP_KIND(word));
        ck_assert_str_eq(cop_read(word, done)->text.data, "done b");
        expect_both("answer success", "hang b");
        let_go(cop_whereis("b"));
        expect_start("bc");
        expect_silence(root);
        fell(root);
}

/* c has an hour to stop and needs none, b has a second and needs hours: each is waited for as long as is its own. */
IN_SIMULATED_FAMILY(who_has_less_time_to_stop_than_the_one_before_is_killed_when_that_is_over)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("a"), WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 9 * HOUR_MS }), .shutdown_ms = 1000),
                                      WORKER("c", .shutdown_ms = HOUR_MS)));
        cop_pid root = grow_and_expect(&shop, "abc");
        int64_t before_ms = simulation_of(node).passed_ms;
        crash_with("a", "cb");
        expect_start("abc");
        ck_assert_int_ge(simulation_of(node).passed_ms - before_ms, 1000);
        ck_assert_int_lt(simulation_of(node).passed_ms - before_ms, HOUR_MS);
        fell(root);
}

/* s takes its time, and b, which is to be stopped after it, does not wait for that: it comes back with them, as a restart. */
IN_SIMULATED_FAMILY(who_crashes_as_it_is_about_to_be_stopped_with_its_group_is_restarted_and_its_report_says_so)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b"),
                                      WORKER_WITH("s", ((job){ .id = "s", .stop_ms = HOUR_MS }), .shutdown_ms = COP_SHUTDOWN_INFINITY)));
        cop_pid root = grow_and_expect(&shop, "abs");
        crash_with("a", "s");
        cop_pid b = crash("b");
        expect("end b boom");
        cop_auto done = cop_receive(2 * HOUR_MS, COP_KIND(word));
        ck_assert_str_eq(cop_read(word, done)->text.data, "done s");
        expect_start("abs");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "b", "restarts"), "1");
        ck_assert_ptr_eq(strstr(outcome_of(b), "shop restarted it as "), outcome_of(b));
        ck_assert_int_eq(restarts_of(root), 0); /* the failure of a was an hour ago, and that of b is no other */
        fell(root);
}

static void restarts_f(const errand *e)
{
        say("answer", cop_status_text(cop_restart_child(e->supervisor, "f", NULL)), "");
}

/* f has failed, and s behind it takes its time: whoever is before them does not wait for that, and f does, though it was asked for. */
IN_SIMULATED_FAMILY(while_siblings_are_stopped_who_is_asked_for_waits_if_it_is_one_of_them_and_else_does_not)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("b"), WORKER("f"),
                                      WORKER_WITH("s", ((job){ .id = "s", .stop_ms = HOUR_MS }), .shutdown_ms = COP_SHUTDOWN_INFINITY)));
        cop_pid root = grow_and_expect(&shop, "bfs");
        terminate(root, "b");
        expect_end("b");
        crash_with("f", "s");
        ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
        expect("start b");
        terminate(root, "f");
        cop_spawn_with(restarts_f, errand, .supervisor = root);
        await_state(root, "f", "waiting");
        ck_assert_str_eq(ask_child(root, "s", "state"), "stopping");
        cop_auto done = cop_receive(2 * HOUR_MS, COP_KIND(word));
        ck_assert_str_eq(cop_read(word, done)->text.data, "done s");
        expect("start f");
        expect_both("answer success", "start s");
        expect_silence(root);
        fell(root);
}

typedef struct {
        int64_t unused;
} absent;

static void absent_init(absent *self)
{
        (void)self;
        cop_ignore();
}

COP_SERVER(absent, COP_INIT(absent_init));

/* It is forgotten in its turn, and the turn is that of the next one. */
IN_FAMILY(behind_a_first_child_that_chooses_not_to_run_and_is_not_kept_the_others_start)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .server = &absent_server, .restart = COP_TEMPORARY }, WORKER("a"), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        ck_assert_int_eq(count_of(root).specs, 2);
        fell(root);
        expect_end("ba");
}

/* ---- Who has not run yet ------------------------------------------------------------------------ */

static void starts_f(const errand *e)
{
        const cop_child f = WORKER("f");
        say("answer", cop_status_text(cop_start_child(e->supervisor, &f, NULL)), "");
}

/* It is in its first start when it is stopped with its siblings. */
IN_SIMULATED_FAMILY(a_first_start_that_begins_anew_with_a_group_is_no_restart)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = COP_CHILDREN(WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "b");
        let("f", HANGS);
        cop_spawn_with(starts_f, errand, .supervisor = root);
        expect("hang f");
        let("f", STARTS);
        crash_with("b", "");
        expect("start b");
        expect_both("start f", "answer success");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "f", "restarts"), "0");
        fell(root);
        expect_end("fb");
}

/* f waits for a, as all do that are started while the group is under way; and the failure of b sweeps it up before it has run. */
static cop_pid grow_with_one_who_has_not_run(void)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = COP_CHILDREN(WORKER("b"), WORKER("a", COMES_LATE)));
        cop_pid root = grow_and_expect(&shop, "ba");
        let("b", HANGS);
        crash_with("a", "b");
        cop_pid b = expect("hang b");
        let("b", STARTS);
        cop_spawn_with(starts_f, errand, .supervisor = root);
        await_state(root, "f", "waiting");
        let_go(b);
        expect("start b");
        await_state(root, "a", "restarting");
        crash_with("b", "");
        expect("start b");
        await_state(root, "a", "restarting");
        ck_assert_str_eq(ask_child(root, "f", "state"), "waiting");
        return root;
}

IN_FAMILY(who_waits_for_its_first_start_is_no_restart_when_a_sibling_fails_meanwhile)
{
        cop_pid root = grow_with_one_who_has_not_run();
        terminate(root, "a");
        expect_both("start f", "answer success");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "f", "restarts"), "0");
        ck_assert_str_eq(ask_child(root, "b", "restarts"), "2");
        fell(root);
        expect_end("fb");
}

IN_FAMILY(who_waits_for_its_first_start_and_fails_is_an_answer_also_if_a_sibling_has_failed_meanwhile)
{
        cop_pid root = grow_with_one_who_has_not_run();
        let("f", FAILS);
        terminate(root, "a");
        char wanted[128];
        snprintf(wanted, sizeof(wanted), "answer %s", cop_status_text(COP_E_DIED));
        expect(wanted);
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "f", "state"), "no such child");
        ck_assert_uint_eq(tries_of("f"), 1);
        ck_assert_int_eq(restarts_of(root), 2);
        fell(root);
        expect_end("b");
}

/* ---- Other specs -------------------------------------------------------------------------------- */

/* Nobody waits behind another for less than before, however many stand between them, and whatever those do. */
IN_FAMILY(new_specs_in_the_same_order_start_nobody_who_waits)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a", COMES_LATE), WORKER("b"), WORKER("c"), WORKER("d")));
        cop_pid root = grow_and_expect(&shop, "abcd");
        crash_for_long(root, "a", "dcb");
        terminate(root, "b");
        ck_assert_int_eq(cop_replace_specs(root, &shop), COP_OK);
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        ck_assert_str_eq(ask_child(root, "d", "state"), "waiting");
        terminate(root, "a");
        expect_start("cd");
        expect_silence(root);
        fell(root);
        expect_end("dc");
}

/* The specs come while a has its time behind it and not its turn. */
IN_SIMULATED_FAMILY(who_waits_for_one_whose_time_has_come_waits_on_under_new_specs_if_that_one_fails)
{
        cop_pid c, root = grow_until_its_time_has_come(node, &c);
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a", COMES_LATE), WORKER("b"), WORKER("c")));
        ck_assert_int_eq(cop_replace_specs(root, &shop), COP_OK);
        let("a", FAILS);
        let_go(c);
        expect("start c");
        expect_end("c"); /* the start of a has failed, and c is behind it */
        await_state(root, "a", "restarting");
        ck_assert_str_eq(ask_child(root, "b", "state"), "waiting");
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        let("a", STARTS);
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        expect_start("abc");
        expect_silence(root);
        fell(root);
        expect_end("cba");
}

/* The order of new specs waits for the end of a group. If it is that of the supervisor it does not come any more. */
IN_FAMILY(a_supervisor_that_ends_in_a_group_stops_all_in_the_order_that_they_were_started_in)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b"), WORKER("c"),
                                      WORKER_WITH("d", ((job){ .id = "d", .stop_ms = 1000000 }), .shutdown_ms = COP_SHUTDOWN_INFINITY)));
        const cop_supervisor backwards = { PATIENT, .strategy = COP_REST_FOR_ONE,
                                           .children = COP_CHILDREN(WORKER("d"), WORKER("c"), WORKER("b"), WORKER("a")) };
        cop_pid root = grow_and_expect(&shop, "abcd"), d = cop_whereis("d");
        crash_with("c", "d");
        ck_assert_int_eq(cop_replace_specs(root, &backwards), COP_OK);
        cop_send_exit(root, cop_atom("shutdown")); /* before it can hear of d */
        put_down(d);
        expect_end("ba");
        await_exited(root, "shutdown");
}
