/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* When supervisors give up. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

IN_FAMILY(SUP_intensity_01_as_many_restarts_as_are_borne_are_borne)
{
        TREE(shop, .intensity = 3, .period_ms = 1000000, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        for (int i = 0; i < 3; i++) {
                crash("b");
                expect("end b boom");
                expect("start b");
        }
        ck_assert_int_eq(restarts_of(root), 3);
        fell(root);
}

IN_FAMILY(SUP_intensity_02_one_more_and_all_children_stop_in_reverse)
{
        TREE(shop, .intensity = 3, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc"), b;
        char wanted[128], pid[COP_ID_TEXT_MAX];
        for (int i = 1; i <= 3; i++) {
                b = crash("b");
                expect("end b boom");
                snprintf(wanted, sizeof(wanted),
                         "shop restarted it as %s, restart %d of 3 within 5 s",
                         cop_pid_print(expect("start b"), pid), i);
                ck_assert_str_eq(outcome_of(b), wanted);
        }
        b = crash("b");
        expect("end b boom");
        ck_assert_str_eq(outcome_of(b), "shop gave up: 4 restarts within 5 s are more than 3");
        expect_end("ca");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_intensity_03_with_intensity_0_the_first_crash_ends_it)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .period_ms = 250, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        cop_pid a = crash("a");
        expect("end a boom");
        ck_assert_str_eq(outcome_of(a), "shop gave up: 1 restart within 250 ms is more than 0");
        expect_end("cb");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_intensity_04_the_crashes_of_different_children_count_together)
{
        TREE(shop, .intensity = 2, .period_ms = 1000000, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("a");
        expect("end a boom");
        expect("start a");
        crash("b");
        expect("end b boom");
        expect("start b");
        crash("c");
        expect("end c boom");
        expect_end("ba");
        await_exited(root, "shutdown");
}

IN_FAMILY(SUP_intensity_05_a_crash_under_one_for_all_counts_once)
{
        TREE(shop, .intensity = 1, .period_ms = 1000000, .strategy = COP_ONE_FOR_ALL,
             .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("b");
        expect("end b boom");
        expect_end("ca");
        expect_start("abc");
        ck_assert_int_eq(restarts_of(root), 1);
        fell(root);
}

IN_FAMILY(SUP_intensity_06_a_permanent_child_that_exits_normally_counts)
{
        TREE(shop, .intensity = 1, .period_ms = 1000000, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        expect("start a");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        await_exited(root, "shutdown");
}

IN_SIMULATED_FAMILY(SUP_intensity_09_crashes_further_apart_than_the_period_never_add_up)
{
        TREE(shop, .intensity = 1, .period_ms = 1000, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 0; i < 20; i++) {
                crash("a");
                expect("end a boom");
                expect("start a");
                ck_assert_int_eq(cop_simulation_advance(node, 2100), COP_OK);
                ck_assert_int_eq(restarts_of(root), 0);
        }
        for (int i = 0; i < 2; i++) { /* and two that are close do */
                crash("a");
                expect("end a boom");
                if (i == 0)
                        expect("start a");
        }
        await_exited(root, "shutdown");
}

/* No turn takes time here, so a restart is at the very time at which its child crashes: time goes on when nothing is runnable. */
static void crash_at(cop_node *node, uint64_t at_ns)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        simulation->step_ns = 0;
        simulation->now_ns = at_ns;
        ck_assert_int_eq(cop_simulation_crash(node, cop_whereis("a")), COP_OK);
}

IN_SIMULATED_FAMILY(SUP_intensity_10_a_restart_exactly_one_period_old_still_counts)
{
        TREE(shop, .intensity = 1, .period_ms = 1000, .children = COP_CHILDREN(WORKER("a")));
        for (uint64_t more_ns = 0; more_ns < 2; more_ns++) {
                cop_pid root = grow_and_expect(&shop, "a");
                uint64_t first_ns = cop__clock_ns(), second_ns = first_ns + COP__NS_PER_S + more_ns;
                crash_at(node, first_ns);
                expect("start a");
                crash_at(node, second_ns);
                if (more_ns == 0) {
                        await_exited(root, "shutdown");
                } else {
                        expect("start a");
                        fell(root);
                        expect_end("a");
                }
        }
}

IN_FAMILY(a_failed_restart_counts_too)
{
        TREE(shop, .intensity = 4, .period_ms = 1500, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", FAILS);
        cop_pid b = crash("b");
        expect("end b boom");
        expect_end("ca");
        await_exited(root, "shutdown");
        ck_assert_uint_eq(tries_of("b"), 1 + 4);
        ck_assert_str_eq(outcome_of(b), "shop could not start it again: {no_start, b}");
        /* Each attempt has a report of its own, and each report an end. */
        struct cop__report report;
        ck_assert(cop__report_get(node, 0, &report));
        ck_assert_str_eq(report.outcome, "shop gave up: 5 restarts within 1.5 s are more than 4");
        for (uint64_t number = 2; number < report.number; number++) {
                struct cop__report earlier;
                ck_assert(cop__report_get(node, number, &earlier));
                ck_assert_str_eq(earlier.outcome, "shop could not start it again: {no_start, b}");
        }
}

IN_FAMILY(a_supervisor_that_gives_up_is_a_failure_to_the_one_above)
{
        const cop_supervisor desk = { .intensity = 1, .period_ms = 1000000, .children = ABC(0) };
        TREE(shop, .intensity = 1, .period_ms = 1000000,
             .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "abc");
        for (int life = 0; life < 2; life++) {
                crash("b");
                expect("end b boom");
                expect("start b");
                crash("b");
                expect("end b boom");
                expect_end("ca");
                if (life == 0)
                        expect_start("abc"); /* the desk is back, with a clean slate */
        }
        await_exited(root, "shutdown");
}

IN_FAMILY(a_transient_supervisor_that_gives_up_has_ended_well)
{
        const cop_supervisor desk = { .intensity = COP_NO_RESTARTS, .children = ABC(0) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk,
                                              .restart = COP_TRANSIENT }));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("a");
        expect("end a boom");
        expect_end("cb");
        await_true(strcmp(ask_child(root, "desk", "state"), "stopped") == 0);
        fell(root);
}

/* ---- The log ----------------------------------------------------------------------------------- */

struct family_log {
        uint64_t crashes, restarts, siblings; /* atomic; lines */
};

static void count_lines(void *context, cop_log_level level, const char *text)
{
        struct family_log *log = context;
        (void)level;
        if (strstr(text, " crashed: boom") != NULL)
                cop__add_relaxed(&log->crashes, 1);
        else if (strstr(text, "shop restarted it as ") != NULL)
                cop__add_relaxed(&log->restarts, 1);
        else if (strstr(text, "shop started ") != NULL)
                cop__add_relaxed(&log->siblings, 1);
}

/* Otherwise a group of a thousand would write a thousand lines at each of ten thousand crashes. */
TEST(of_a_crash_that_is_not_in_the_log_no_restart_of_a_sibling_is_there_either)
{
        struct family_log log = { 0 };
        cop_node *node = node_begin((cop_node_options){ .workers = 2, .log = count_lines,
                                                        .log_context = &log });
        attend();
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc"), b = cop_no_pid();
        for (unsigned i = 0; i < 3 * COP__REPORTS_LOGGED; i++) {
                b = crash("b");
                expect("end b boom");
                expect_end("ca");
                expect_start("abc");
        }
        ck_assert_ptr_nonnull(strstr(outcome_of(b), "shop restarted it as <")); /* the report has it all the same */
        fell(root);
        node_end(node);
        ck_assert_uint_ge(log.crashes, COP__REPORTS_LOGGED);
        ck_assert_uint_eq(log.restarts, log.crashes);
        ck_assert_uint_eq(log.siblings, 2 * log.crashes);
}
