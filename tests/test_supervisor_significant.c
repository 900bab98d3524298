/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Significant children, and supervisors that end with them. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

#define SIGNIFICANT(id_, restart_) WORKER(id_, .restart = restart_, .significant = true)
#define ANY .auto_shutdown = COP_ANY_SIGNIFICANT
#define ALL .auto_shutdown = COP_ALL_SIGNIFICANT

IN_FAMILY(SUP_auto_01_the_end_of_any_significant_temporary_child_ends_the_supervisor)
{
        const char *reasons[] = { "normal", "boom" };
        for (int i = 0; i < 2; i++) {
                TREE(shop, ANY, .children = COP_CHILDREN(WORKER("a"),
                                                         SIGNIFICANT("b", COP_TEMPORARY)));
                cop_pid root = grow_and_expect(&shop, "ab");
                quit_with("b", cop_atom(reasons[i]));
                expect(i == 0 ? "end b normal" : "end b boom");
                expect_end("a");
                await_exited(root, "shutdown");
        }
}

IN_FAMILY(SUP_auto_01_also_if_it_is_killed)
{
        TREE(shop, ANY, .children = COP_CHILDREN(WORKER("a"), SIGNIFICANT("b", COP_TEMPORARY)));
        cop_pid root = grow_and_expect(&shop, "ab");
        put_down(cop_whereis("b"));
        expect_end("a");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_02_a_significant_transient_child_ends_it_only_by_ending_well)
{
        TREE(shop, PATIENT, ANY,
             .children = COP_CHILDREN(WORKER("a"), SIGNIFICANT("b", COP_TRANSIENT)));
        cop_pid root = grow_and_expect(&shop, "ab");
        crash("b");
        expect("end b boom");
        expect("start b");
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        expect_end("a");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_04_with_all_significant_only_the_last_one_ends_it)
{
        TREE(shop, ALL, .children = COP_CHILDREN(WORKER("a"), SIGNIFICANT("b", COP_TEMPORARY),
                                                 SIGNIFICANT("c", COP_TRANSIENT)));
        cop_pid root = grow_and_expect(&shop, "abc");
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        expect_silence(root);
        quit_with("c", cop_atom("normal"));
        expect("end c normal");
        expect_end("a");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_05_a_significant_child_that_is_terminated_ends_nothing)
{
        TREE(shop, ANY, .children = COP_CHILDREN(WORKER("a"), SIGNIFICANT("b", COP_TRANSIENT),
                                                 SIGNIFICANT("c", COP_TEMPORARY)));
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        ck_assert_int_eq(cop_terminate_child(root, "c"), COP_OK);
        expect_end("bc");
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
}

static void end_two_that_are_not_significant(cop_auto_shutdown mode, bool with_one_that_is)
{
        const cop_child last[] = { WORKER("c"), SIGNIFICANT("c", COP_TEMPORARY) };
        TREE(shop, .auto_shutdown = mode, .children = COP_CHILDREN(WORKER("a", .restart = COP_TEMPORARY),
                                                                   WORKER("b", .restart = COP_TRANSIENT),
                                                                   last[with_one_that_is]));
        cop_pid root = grow_and_expect(&shop, "abc");
        quit_with("a", cop_atom("boom"));
        quit_with("b", cop_atom("normal"));
        expect("end a boom");
        expect("end b normal");
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
        expect_end("c");
}

IN_FAMILY(SUP_auto_08_children_that_are_not_significant_end_nothing)
{
        end_two_that_are_not_significant(COP_ANY_SIGNIFICANT, true);
        end_two_that_are_not_significant(COP_ANY_SIGNIFICANT, false);
        end_two_that_are_not_significant(COP_ALL_SIGNIFICANT, true);
        end_two_that_are_not_significant(COP_ALL_SIGNIFICANT, false);
        end_two_that_are_not_significant(COP_NEVER, false);
}

TEST(SUP_auto_09_what_does_not_go_together_is_refused)
{
        char text[200];
        const cop_supervisor never = { .children = COP_CHILDREN(SIGNIFICANT("a", COP_TEMPORARY)) };
        const cop_supervisor permanent = { ANY, .children = COP_CHILDREN(SIGNIFICANT(
                                                        "a", COP_PERMANENT)) };
        const cop_supervisor unknown = { .auto_shutdown = 7 };
        ck_assert_int_eq(cop_supervisor_check(&never, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "supervisor: child a: significant is set, but auto_shutdown of its "
                               "supervisor is COP_NEVER");
        ck_assert_int_eq(cop_supervisor_check(&permanent, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "supervisor: child a: significant is set, but a permanent child is "
                               "always restarted");
        ck_assert_int_eq(cop_supervisor_check(&unknown, text, sizeof(text)), COP_E_BAD_ARGUMENT);
}

static void nest(bool significant, const char *words)
{
        const cop_supervisor desk = { ANY, .children = COP_CHILDREN(SIGNIFICANT("b",
                                                                                COP_TEMPORARY)) };
        TREE(shop, ANY, .children = COP_CHILDREN(WORKER("a"),
                                                 { .id = "desk", .supervisor = &desk,
                                                   .restart = COP_TRANSIENT,
                                                   .significant = significant }));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_ref ref = watch(cop_whereis("desk"));
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        await_down(ref, "shutdown");
        if (significant) {
                expect(words);
                await_exited(root, "shutdown");
                return;
        }
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "desk", "state"), "stopped");
        fell(root);
        expect(words);
}

IN_FAMILY(SUP_auto_10_it_goes_up_only_through_supervisors_that_are_significant)
{
        nest(true, "end a shutdown");
        nest(false, "end a shutdown");
}

IN_FAMILY(SUP_auto_11_the_same_rules_hold_for_dynamic_children)
{
        const cop_child each = SIGNIFICANT("x", COP_TEMPORARY);
        const cop_supervisor shop = { .strategy = COP_DYNAMIC, ALL, .each = &each };
        cop_pid root = grow(&shop), one = cop_no_pid(), two = cop_no_pid();
        ck_assert_int_eq(cop_start_each(root, &one, job, .id = "a", .traps = true), COP_OK);
        ck_assert_int_eq(cop_start_each(root, &two, job, .id = "b", .traps = true), COP_OK);
        expect_start("ab");
        dismiss(one, cop_atom("normal"));
        expect("end a normal");
        expect_silence(root);
        dismiss(two, cop_atom("boom"));
        expect("end b boom");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_11_any_dynamic_child_that_ends_by_itself_ends_the_others)
{
        const cop_child each = SIGNIFICANT("x", COP_TRANSIENT);
        const cop_supervisor shop = { .strategy = COP_DYNAMIC, PATIENT, ANY, .each = &each };
        cop_pid root = grow(&shop), one = cop_no_pid(), three = cop_no_pid();
        ck_assert_int_eq(cop_start_each(root, &one, job, .id = "a", .traps = true), COP_OK);
        ck_assert_int_eq(cop_start_each(root, NULL, job, .id = "b", .traps = true), COP_OK);
        ck_assert_int_eq(cop_start_each(root, &three, job, .id = "c", .traps = true), COP_OK);
        expect_start("abc");
        ck_assert_int_eq(cop_terminate_child(root, three), COP_OK); /* asked for: it ends nothing */
        expect_end("c");
        dismiss(one, cop_atom("boom")); /* restarted: so does that */
        expect("end a boom");
        one = expect("start a");
        expect_silence(root);
        dismiss(one, cop_atom("normal"));
        expect("end a normal");
        expect_end("b");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_12_a_mode_that_is_changed_holds_for_later_ends)
{
        const cop_supervisor all = { ALL, .children = COP_CHILDREN(SIGNIFICANT("a", COP_TEMPORARY),
                                                                   SIGNIFICANT("b", COP_TEMPORARY),
                                                                   SIGNIFICANT("c", COP_TEMPORARY)) };
        const cop_supervisor any = { ANY };
        cop_pid root = grow_and_expect(&all, "abc");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        expect_silence(root);
        ck_assert_int_eq(cop_replace_specs(root, &any), COP_OK);
        expect_silence(root); /* the change itself ends nothing */
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        expect_end("c");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_auto_12_a_mode_that_is_taken_away_or_comes_too_late_ends_nothing)
{
        const cop_supervisor all = { ALL, .children = COP_CHILDREN(WORKER("a"), SIGNIFICANT("b", COP_TRANSIENT),
                                                                   SIGNIFICANT("c", COP_TEMPORARY)) };
        const cop_supervisor never = { .auto_shutdown = COP_NEVER }, all_again = { ALL }, any = { ANY };
        cop_pid root = grow_and_expect(&all, "abc");
        ck_assert_int_eq(cop_replace_specs(root, &never), COP_OK);
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        quit_with("c", cop_atom("normal"));
        expect("end c normal");
        expect_silence(root);
        /* All that are significant have ended, but not under this mode. */
        ck_assert_int_eq(cop_replace_specs(root, &all_again), COP_OK);
        expect_silence(root);
        ck_assert_int_eq(cop_replace_specs(root, &any), COP_OK);
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        fell(root);
        expect_end("a");
}

/* ---- What is asked for meanwhile ------------------------------------------------------------------------ */

typedef struct {
        cop_pid supervisor;
} errand;
COP_MESSAGE(errand, supervisor);

static void terminates_a(const errand *e)
{
        say("answer", cop_status_text(cop_terminate_child(e->supervisor, "a")), "");
}

static void restarts_a(const errand *e)
{
        say("answer", cop_status_text(cop_restart_child(e->supervisor, "a", NULL)), "");
}

/* It counted as one that is there, and nobody looked again when it was not. */
IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_another_is_being_terminated)
{
        TREE(shop, ALL, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = HOUR_MS }),
                                                             .shutdown_ms = COP_SHUTDOWN_INFINITY,
                                                             .restart = COP_TRANSIENT, .significant = true),
                                                 SIGNIFICANT("b", COP_TRANSIENT)));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_spawn_with(terminates_a, errand, .supervisor = root);
        expect("end a shutdown");
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        cop_auto message = cop_receive(2 * HOUR_MS, COP_KIND(word));
        ck_assert_str_eq(cop_read(word, message)->text.data, "done a");
        expect("answer success");
        await_exited(root, "shutdown");
}

/* a is being started on request, and b, the only other one, has ended and is known to. */
static cop_pid grow_with_one_that_may_start(cop_pid *root)
{
        TREE(shop, ALL, .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), SIGNIFICANT("b", COP_TRANSIENT)));
        *root = grow_and_expect(&shop, "ab");
        ck_assert_int_eq(cop_terminate_child(*root, "a"), COP_OK);
        expect_end("a");
        let("a", HANGS);
        cop_spawn_with(restarts_a, errand, .supervisor = *root);
        cop_pid a = expect("hang a");
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        await_true(strcmp(ask_child(*root, "b", "state"), "stopped") == 0);
        return a;
}

IN_FAMILY(the_last_significant_child_ends_it_when_the_start_of_another_fails)
{
        cop_pid root, a = grow_with_one_that_may_start(&root);
        put_down(a);
        expect("answer the other actor ended before it answered");
        await_exited(root, "shutdown");
}

IN_FAMILY(a_significant_child_that_starts_in_time_is_the_last_one)
{
        cop_pid root, a = grow_with_one_that_may_start(&root);
        cop_send(a, go, .unused = 0);
        expect_both("start a", "answer success");
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        await_exited(root, "shutdown");
}

/* It had ended while another was on its way, which then came: that one is terminated on request, which ends nothing. */
IN_FAMILY(a_significant_child_that_has_started_and_is_terminated_ends_nothing)
{
        cop_pid root, a = grow_with_one_that_may_start(&root);
        cop_send(a, go, .unused = 0);
        expect_both("start a", "answer success");
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        expect_end("a");
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
}

IN_FAMILY(a_mode_that_is_taken_away_while_another_is_started_ends_nothing)
{
        const cop_supervisor never = { .auto_shutdown = COP_NEVER };
        cop_pid root, a = grow_with_one_that_may_start(&root);
        ck_assert_int_eq(cop_replace_specs(root, &never), COP_OK);
        put_down(a);
        expect("answer the other actor ended before it answered");
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
}

/* ---- What the supervisor does meanwhile ----------------------------------------------------------------- */

#define SLOW(id_, ...) \
        WORKER_WITH(id_, ((job){ .id = id_, .stop_ms = HOUR_MS }), .shutdown_ms = COP_SHUTDOWN_INFINITY, __VA_ARGS__)

static void expect_done(const char *words)
{
        cop_auto message = cop_receive(2 * HOUR_MS, COP_KIND(word));
        ck_assert_ptr_nonnull(message);
        ck_assert_str_eq(cop_read(word, message)->text.data, words);
}

/* A temporary one that is stopped with its group will not be back: OTP, which waits for that stop, shuts down. */
IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_another_is_stopped_with_its_group)
{
        TREE(shop, PATIENT, ALL, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TEMPORARY), WORKER("p"),
                                      SLOW("b", .restart = COP_TEMPORARY, .significant = true)));
        cop_pid root = grow_and_expect(&shop, "apb");
        crash("p");
        expect("end p boom");
        expect("end b shutdown");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        expect_done("done b");
        await_exited(root, "shutdown");
}

/* Starts once; after that it hangs until it may go on, and does what the test has said. */
typedef struct {
        int64_t unused;
} shy;

static uint32_t shy_births;
static bool shy_ignores;

static void shy_init(shy *self)
{
        (void)self;
        if (cop__add_relaxed(&shy_births, 1u) == 0)
                return;
        say("hang", "s", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        if (shy_ignores)
                cop_ignore();
        cop_exit(cop_atom("no_start"));
}

static void shy_on_quit(shy *self, const quit *q)
{
        (void)self;
        cop_exit(q->reason);
}

COP_SERVER(shy, COP_INIT(shy_init), COP_ON(quit, shy_on_quit));

/* s is in its restart, and a, the only other one, has ended and is known to. */
static cop_pid grow_with_a_shy_one(bool ignores, cop_pid *root)
{
        TREE(shop, PATIENT, ALL,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT),
                                      { "s", .server = &shy_server, .restart = COP_TRANSIENT, .significant = true }));
        shy_births = 0;
        shy_ignores = ignores;
        *root = grow_and_expect(&shop, "a");
        crash("s");
        cop_pid s = expect("hang s");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        await_true(strcmp(ask_child(*root, "a", "state"), "stopped") == 0);
        return s;
}

IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_when_the_restart_of_another_is_ignored)
{
        cop_pid root, s = grow_with_a_shy_one(true, &root);
        cop_send(s, go, .unused = 0);
        await_exited(root, "shutdown");
}

/* Who will be tried again is there, as in OTP: only what would have been the last end, had it been heard of later, ends it. */
IN_SIMULATED_FAMILY(a_significant_child_whose_restart_has_failed_is_there)
{
        cop_pid root, s = grow_with_a_shy_one(false, &root);
        cop_send(s, go, .unused = 0);
        s = expect("hang s");
        shy_ignores = true;
        cop_send(s, go, .unused = 0);
        await_true(strcmp(ask_child(root, "s", "state"), "stopped") == 0);
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
}

typedef struct {
        int64_t unused;
} squatter;

static void squatter_on_go(squatter *self, const go *g)
{
        (void)self;
        (void)g;
}

COP_SERVER(squatter, COP_ON(go, squatter_on_go));

/* Leaves one behind that bears the name, as a supervisor that is killed does for a moment. */
static void leaves_one_with_the_name_of_s(void)
{
        cop_spawn_or_exit(&(cop_spawn_options){ .server = &squatter_server, .name = "s", .link = true, .supervised = true });
}

#define SHY(...) { "s", .server = &shy_server, .restart = COP_TRANSIENT, .significant = true, __VA_ARGS__ }

static cop_pid grow_with_shy(const cop_supervisor *tree, const char *ids)
{
        shy_births = 0;
        shy_ignores = true;
        return grow_and_expect(tree, ids);
}

/* a ends well, and is known to have; then s, whose turn has come, chooses not to run. */
static void end_with_s_behind(cop_pid root)
{
        cop_send(expect("hang s"), go, .unused = 0);
        await_exited(root, "shutdown");
}

static void let_a_end(cop_pid root)
{
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        await_true(strcmp(ask_child(root, "a", "state"), "stopped") == 0);
}

IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_another_waits_for_its_name)
{
        TREE(shop, PATIENT, ALL, .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT),
                                                          SHY(.backoff = { .first_ms = HOUR_MS, .max_ms = HOUR_MS },
                                                              .shutdown_ms = 10 * HOUR_MS)));
        cop_pid root = grow_with_shy(&shop, "a");
        crash("s");
        await_true(strcmp(ask_child(root, "s", "state"), "restarting") == 0);
        await_down(spawn_watched(.run = leaves_one_with_the_name_of_s), "normal");
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        ck_assert_str_eq(ask_child(root, "s", "state"), "naming");
        let_a_end(root);
        put_down(cop_whereis("s"));
        end_with_s_behind(root);
}

/* p has failed, and h behind it hangs in its restart. */
static cop_pid fail_until_h_hangs(void)
{
        let("h", HANGS);
        crash("p");
        expect("end p boom");
        expect_end("h");
        expect("start p");
        return expect("hang h");
}

IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_another_is_to_be_tried_again_with_its_group)
{
        TREE(shop, PATIENT, ALL, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), WORKER("p"), WORKER("h"), SHY()));
        cop_pid root = grow_with_shy(&shop, "aph");
        ck_assert_int_eq(cop_terminate_child(root, "s"), COP_OK);
        cop_pid h = fail_until_h_hangs();
        ck_assert_str_eq(ask_child(root, "s", "state"), "waiting");
        let_a_end(root);
        cop_send(h, go, .unused = 0);
        expect("start h");
        end_with_s_behind(root);
}

/* What ends meanwhile and is not significant changes nothing. */
IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_if_another_that_is_none_has_ended_since)
{
        TREE(shop, PATIENT, ALL,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), WORKER("t", .restart = COP_TRANSIENT), SHY()));
        cop_pid root = grow_with_shy(&shop, "at");
        crash("s");
        cop_pid s = expect("hang s");
        let_a_end(root);
        quit_with("t", cop_atom("normal"));
        expect("end t normal");
        await_true(strcmp(ask_child(root, "t", "state"), "stopped") == 0);
        cop_send(s, go, .unused = 0);
        await_exited(root, "shutdown");
}

/* The failure came first. It counted as one that is there, and nobody looked again when it was not. */
IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_the_failure_of_another_waits_for_a_group)
{
        TREE(shop, PATIENT, ALL, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), SHY(), WORKER("p"), WORKER("h")));
        cop_pid root = grow_with_shy(&shop, "aph");
        cop_pid h = fail_until_h_hangs();
        crash("s");
        await_true(strcmp(ask_child(root, "s", "state"), "waiting") == 0);
        let_a_end(root);
        let("h", STARTS);
        cop_send(h, go, .unused = 0);
        expect("start h");
        expect_end("hp"); /* for the failure of s */
        end_with_s_behind(root);
}

/* s runs still, and is about to be stopped with its group. */
IN_SIMULATED_FAMILY(the_last_significant_child_ends_it_also_while_another_is_about_to_be_stopped)
{
        TREE(shop, PATIENT, ALL, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), WORKER("p"), SHY(), SLOW("h", .restart = COP_PERMANENT)));
        cop_pid root = grow_with_shy(&shop, "aph");
        crash("p");
        expect("end p boom");
        expect("end h shutdown");
        ck_assert_str_eq(ask_child(root, "s", "state"), "running");
        let_a_end(root);
        expect_done("done h");
        expect("start p");
        end_with_s_behind(root);
}

/* Who is tried again later is there, whatever becomes of it then: the end before that was not the last. */
static void end_while_s_is_late(cop_node *node, const cop_supervisor *tree, const char *state)
{
        cop_pid root = grow_with_shy(tree, "a");
        crash("s");
        await_true(strcmp(ask_child(root, "s", "state"), state) == 0);
        let_a_end(root);
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        cop_send(expect("hang s"), go, .unused = 0);
        await_true(strcmp(ask_child(root, "s", "state"), "stopped") == 0);
        expect_silence(root);
        ck_assert(cop_is_alive(root));
        fell(root);
}

IN_SIMULATED_FAMILY(a_significant_child_that_is_tried_again_later_is_there)
{
        TREE(late, PATIENT, ALL, .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), SHY(.backoff = { .first_ms = HOUR_MS })));
        TREE(open, PATIENT, ALL,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), SHY(.breaker = { .failures = 1, .open_ms = HOUR_MS })));
        end_while_s_is_late(node, &late, "restarting");
        end_while_s_is_late(node, &open, "open");
}

/* Who waits behind one that is tried again later may wait for long, and is there when it runs: that was no last end. */
IN_SIMULATED_FAMILY(a_significant_child_that_waits_for_a_sibling_and_then_runs_is_the_last_one)
{
        TREE(shop, PATIENT, ALL, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(SIGNIFICANT("a", COP_TRANSIENT), WORKER("p", .backoff = { .first_ms = HOUR_MS }),
                                      SIGNIFICANT("b", COP_TRANSIENT)));
        cop_pid root = grow_and_expect(&shop, "apb");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_end("b");
        crash("p");
        expect("end p boom");
        await_true(strcmp(ask_child(root, "p", "state"), "restarting") == 0);
        ck_assert_str_eq(ask_child(root, "b", "state"), "waiting");
        let_a_end(root);
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        expect_start("pb");
        expect_silence(root);
        quit_with("b", cop_atom("normal"));
        expect("end b normal");
        expect_end("p");
        await_exited(root, "shutdown");
}

/* It is swept up by the group, as if it had been stopped: that is no end by itself. */
IN_SIMULATED_FAMILY(a_significant_temporary_child_that_was_about_to_be_stopped_ends_nothing)
{
        const cop_auto_shutdown modes[] = { COP_ANY_SIGNIFICANT, COP_ALL_SIGNIFICANT };
        for (int i = 0; i < 2; i++) {
                TREE(shop, PATIENT, .auto_shutdown = modes[i], .strategy = COP_ONE_FOR_ALL,
                     .children = COP_CHILDREN(WORKER("p"), SIGNIFICANT("a", COP_TEMPORARY), SLOW("b", .restart = COP_PERMANENT)));
                cop_pid root = grow_and_expect(&shop, "pab");
                crash("p");
                expect("end p boom");
                expect("end b shutdown");
                quit_with("a", cop_atom("normal"));
                expect("end a normal");
                expect_done("done b");
                expect_start("pb");
                expect_silence(root);
                ck_assert_str_eq(ask_child(root, "a", "state"), "no such child");
                fell(root);
                expect("end b shutdown");
                expect_done("done b");
                expect_end("p");
        }
}
