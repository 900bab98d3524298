/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Backoff, circuit breakers and explain: what supervisors have beyond OTP. */
#include "tests/family.h"

#include <math.h>

#include "supervisor/backoff.h"
#include "supervisor/supervisor.h"

/* ---- Delays as numbers ------------------------------------------------------------------------ */

#define MS COP__NS_PER_MS

static const cop_breaker no_breaker;
static const cop_backoff no_backoff;

static uint64_t delay_ms(const cop_backoff *backoff, uint32_t n, uint64_t chance)
{
        return cop__backoff_delay_ns(backoff, n, chance) / MS;
}

TEST(each_delay_is_the_factor_times_the_one_before_up_to_the_longest)
{
        const cop_backoff backoff = { .first_ms = 10, .max_ms = 100, .factor = 2 };
        const uint64_t wanted[] = { 10, 20, 40, 80, 100, 100 };
        for (uint32_t i = 0; i < 6; i++)
                ck_assert_uint_eq(delay_ms(&backoff, i, 0), wanted[i]);
        ck_assert_uint_eq(delay_ms(&backoff, UINT32_MAX, 0), 100);
        const cop_backoff even = { .first_ms = 10, .max_ms = 100, .factor = 1 };
        ck_assert_uint_eq(delay_ms(&even, UINT32_MAX, 0), 10);
        const cop_backoff long_one = { .first_ms = INT64_MAX, .max_ms = INT64_MAX, .factor = 2 };
        ck_assert_uint_eq(cop__backoff_delay_ns(&long_one, 9, 0), UINT64_C(9000000000000000000));
}

TEST(jitter_takes_off_at_most_its_part)
{
        const cop_backoff backoff = { .first_ms = 1000, .max_ms = 1000, .factor = 1, .jitter = 0.25 };
        ck_assert_uint_eq(delay_ms(&backoff, 0, 0), 1000);
        ck_assert_uint_eq(delay_ms(&backoff, 0, UINT64_MAX), 750);
        ck_assert_uint_eq(delay_ms(&backoff, 0, UINT64_MAX / 2), 875);
}

TEST(without_backoff_and_breaker_a_failure_has_no_delay)
{
        struct cop__past past = { 0 };
        for (int i = 0; i < 100; i++) {
                struct cop__respite respite =
                        cop__past_fails(&past, &no_backoff, &no_breaker, 1000, 0);
                ck_assert(respite.delay_ns == 0 && !respite.opens && !respite.gives_up);
        }
}

TEST(OPT_06_a_stable_life_makes_the_delay_begin_again)
{
        const cop_backoff backoff = { .first_ms = 10, .max_ms = 100, .factor = 2, .stable_ms = 50 };
        struct cop__past past = { 0 };
        uint64_t now_ns = 1000 * MS;
        for (uint64_t wanted = 10; wanted <= 40; wanted *= 2) {
                past.born_ns = now_ns;
                now_ns += 49 * MS;
                ck_assert_uint_eq(
                        cop__past_fails(&past, &backoff, &no_breaker, now_ns, 0).delay_ns / MS,
                        wanted);
        }
        past.born_ns = now_ns;
        now_ns += 50 * MS;
        ck_assert_uint_eq(cop__past_fails(&past, &backoff, &no_breaker, now_ns, 0).delay_ns / MS, 10);
}

TEST(OPT_07_tries_in_a_row_are_counted)
{
        const cop_backoff backoff = { .first_ms = 1, .max_ms = 1, .factor = 1, .stable_ms = 5,
                                      .tries = 3 };
        struct cop__past past = { 0 };
        for (int i = 0; i < 3; i++)
                ck_assert(!cop__past_fails(&past, &backoff, &no_breaker, MS, 0).gives_up);
        ck_assert(cop__past_fails(&past, &backoff, &no_breaker, MS, 0).gives_up);
}

TEST(a_breaker_opens_closes_and_opens_at_once_when_its_try_fails)
{
        const cop_breaker breaker = { .failures = 3, .open_ms = 100, .stable_ms = 50 };
        struct cop__past past = { 0 };
        uint64_t now_ns = 1000 * MS;
        ck_assert(!cop__past_fails(&past, &no_backoff, &breaker, now_ns, 0).opens);
        ck_assert(!cop__past_fails(&past, &no_backoff, &breaker, now_ns, 0).opens);
        struct cop__respite third = cop__past_fails(&past, &no_backoff, &breaker, now_ns, 0);
        ck_assert(third.opens && third.delay_ns == 100 * MS);
        past.born_ns = now_ns; /* half open */
        ck_assert(cop__past_fails(&past, &no_backoff, &breaker, now_ns + 49 * MS, 0).opens);
        past.born_ns = now_ns; /* half open, and stable */
        ck_assert(!cop__past_fails(&past, &no_backoff, &breaker, now_ns + 50 * MS, 0).opens);
}

TEST(the_shorter_time_of_being_stable_counts)
{
        const cop_backoff backoff = { .first_ms = 10, .max_ms = 1000, .factor = 2, .stable_ms = 200 };
        const cop_breaker breaker = { .failures = 5, .open_ms = 100, .stable_ms = 50 };
        struct cop__past past = { 0 };
        ck_assert_uint_eq(cop__past_fails(&past, &backoff, &breaker, 1000 * MS, 0).delay_ns, 10 * MS);
        past.born_ns = 1000 * MS;
        ck_assert_uint_eq(cop__past_fails(&past, &backoff, &breaker, 1049 * MS, 0).delay_ns, 20 * MS);
        past.born_ns = 1100 * MS;
        ck_assert_uint_eq(cop__past_fails(&past, &backoff, &breaker, 1150 * MS, 0).delay_ns, 10 * MS);
}

typedef struct {
        cop_pid supervisor;
} errand;
COP_MESSAGE(errand, supervisor);

static void asks_to_restart(const errand *e)
{
        cop_restart_child(e->supervisor, "a", NULL);
}

static void expect_late(const char *text, int64_t within_ms)
{
        cop_auto message = cop_receive(within_ms, COP_KIND(word));
        ck_assert_ptr_nonnull(message);
        ck_assert_str_eq(cop_read(word, message)->text.data, text);
}

/* ---- Backoff ---------------------------------------------------------------------------------- */

/* The delays of three restarts in a row, in minutes, each of which is anything below an hour. */
static void draw_delays(uint64_t seed, int64_t minutes[3])
{
        cop_simulation order = { .seed = seed };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = HOUR_MS, .max_ms = HOUR_MS, .jitter = 1 })));
        attend();
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 0; i < 3; i++) {
                int64_t before_ms = simulation_of(node).passed_ms;
                crash("a");
                expect("end a boom");
                expect_late("start a", 2 * HOUR_MS);
                minutes[i] = (simulation_of(node).passed_ms - before_ms) / 60000;
        }
        fell(root);
        node_end(node);
}

TEST(jitter_is_drawn_from_the_seed_of_a_simulation)
{
        int64_t one[3], again[3], other[3];
        draw_delays(1, one);
        draw_delays(1, again);
        draw_delays(2, other);
        ck_assert_msg(one[0] < 60 && (one[0] != one[1] || one[1] != one[2]), "%lld, %lld and %lld minutes",
                      (long long)one[0], (long long)one[1], (long long)one[2]);
        ck_assert_mem_eq(one, again, sizeof(one));
        ck_assert_mem_ne(one, other, sizeof(one));
}

/* Many hosts that run the same program and lose the same thing are not to come back in step. */
TEST(what_jitter_is_drawn_from_is_another_number_in_each_node)
{
        uint64_t drawn[2];
        bool simulated = suite_seed() >= 0;
        for (int i = 0; i < 2; i++) {
                cop_node *node = node_begin((cop_node_options){ 0 });
                drawn[i] = cop__supervisor_chance(node, cop_self());
                node_end(node);
        }
        ck_assert_msg((drawn[0] == drawn[1]) == simulated, "%llx and %llx", (unsigned long long)drawn[0],
                      (unsigned long long)drawn[1]);
}

IN_FAMILY(a_restart_with_backoff_comes_after_its_delay_and_not_before)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 40 }), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        uint64_t before_ns = cop__clock_ns();
        crash("a");
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "restarting") == 0 ||
                   tries_of("a") == 2);
        crash("b");
        expect("end b boom");
        expect_both("start a", "start b");
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 40 * MS);
        expect_silence(root);
        fell(root);
}

IN_FAMILY(OPT_08_failures_inside_the_restart_are_tried_again_with_longer_delays)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1 })));
        cop_pid root = grow_and_expect(&shop, "a");
        let("a", FAILS);
        uint64_t before_ns = cop__clock_ns();
        crash("a");
        expect("end a boom");
        await_true(tries_of("a") >= 5); /* after 1 + 2 + 4 + 8 ms */
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 15 * MS);
        let("a", STARTS);
        expect("start a");
        expect_silence(root);
        ck_assert_int_ge(restarts_of(root), 4); /* its first start was a try, too */
        fell(root);
}

IN_FAMILY(OPT_07_after_its_tries_the_supervisor_gives_up)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("b"),
                                      WORKER("a", .backoff = { .first_ms = 1, .tries = 2 })));
        cop_pid root = grow_and_expect(&shop, "ba");
        let("a", FAILS);
        crash("a");
        expect("end a boom");
        expect_end("b");
        await_exited(root, "shutdown");
        ck_assert_uint_eq(tries_of("a"), 1 + 2);
}

IN_FAMILY(what_became_of_a_crash_that_was_one_too_many_in_a_row_is_told)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1, .stable_ms = HOUR_MS, .tries = 1 })));
        cop_pid root = grow_and_expect(&shop, "a");
        crash("a");
        expect("end a boom");
        expect("start a");
        cop_pid last = crash("a");
        expect("end a boom");
        await_exited(root, "shutdown");
        ck_assert_str_eq(outcome_of(last), "shop gave up: a has failed 2 times in a row, and is worth 1 tries");
}

IN_FAMILY(what_became_of_a_crash_is_told_once_whatever_becomes_of_who_came_after_it)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a", .restart = COP_TRANSIENT)));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_pid last = crash("a");
        expect("end a boom");
        expect("start a");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        await_true(strcmp(ask_child(root, "a", "state"), "stopped") == 0);
        ck_assert_ptr_eq(strstr(outcome_of(last), "shop restarted it as "), outcome_of(last));
        fell(root);
}

IN_FAMILY(a_child_that_waits_for_its_delay_can_be_terminated)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1000000 })));
        cop_pid root = grow_and_expect(&shop, "a");
        crash("a");
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "restarting") == 0);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_E_RESTARTING);
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK);
        expect("start a");
        fell(root);
}

IN_FAMILY(what_became_of_a_crash_is_told_also_if_there_is_no_restart_after_all)
{
        const cop_child later = WORKER("a", .backoff = { .first_ms = 1000000 });
        TREE(shop, PATIENT, .children = COP_CHILDREN(later));
        for (int i = 0; i < 2; i++) {
                cop_pid root = grow_and_expect(&shop, "a");
                cop_pid last = crash("a");
                expect("end a boom");
                await_true(strcmp(ask_child(root, "a", "state"), "restarting") == 0);
                if (i == 0)
                        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
                fell(root);
                ck_assert_str_eq(outcome_of(last), i == 0 ? "shop was told not to restart it" : "shop was stopping");
        }
}

typedef struct {
        int64_t unused;
} whim;

static uint32_t whims;

/* It runs once. */
static void whim_init(whim *self)
{
        (void)self;
        if (cop__add_relaxed(&whims, 1u) > 0)
                cop_ignore();
}

static void whim_on_quit(whim *self, const quit *q)
{
        (void)self;
        cop_exit(q->reason);
}
COP_SERVER(whim, COP_INIT(whim_init), COP_ON(quit, whim_on_quit));

IN_FAMILY(what_became_of_a_crash_is_told_also_if_the_next_init_chose_not_to_run)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN({ .id = "a", .server = &whim_server }));
        cop__store_seq(&whims, 0u);
        cop_pid root = grow(&shop), last = crash("a");
        ck_assert_str_eq(outcome_of(last), "shop started it again, and it chose not to run");
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        fell(root);
}

static void fells(const errand *e)
{
        cop_shutdown(e->supervisor, COP_SHUTDOWN_INFINITY);
        say("felled", "it", "");
}

IN_SIMULATED_FAMILY(OPT_06_who_has_run_for_long_enough_is_back_as_soon_as_at_first)
{
        const int64_t wanted_ms[] = { 1000, 10000, 1000 };
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1000, .max_ms = 100000, .factor = 10,
                                                                              .stable_ms = 60000 })));
        cop_pid root = grow_and_expect(&shop, "a");
        for (size_t i = 0; i < COP__COUNT(wanted_ms); i++) {
                if (i == 2)
                        ck_assert_int_eq(cop_simulation_advance(node, 60001), COP_OK);
                int64_t before_ms = simulation_of(node).passed_ms;
                crash("a");
                expect("end a boom");
                expect("start a");
                ck_assert_int_ge(simulation_of(node).passed_ms - before_ms, wanted_ms[i]);
                ck_assert_int_le(simulation_of(node).passed_ms - before_ms, wanted_ms[i] + wanted_ms[i] / 50);
        }
        fell(root);
}

IN_SIMULATED_FAMILY(what_became_of_a_crash_is_told_also_if_its_supervisor_was_stopping_others)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a"), WORKER_WITH("b", ((job){ .id = "b", .stop_ms = HOUR_MS }),
                                                               .shutdown_ms = COP_SHUTDOWN_INFINITY)));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_spawn_with(fells, errand, .supervisor = root);
        expect("end b shutdown");
        cop_pid last = crash("a");
        expect("end a boom");
        expect_late("done b", 2 * HOUR_MS);
        expect("felled it");
        ck_assert_str_eq(outcome_of(last), "shop was stopping");
}

IN_FAMILY(siblings_that_depend_on_it_stand_still_while_a_child_waits_for_its_delay)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b", .backoff = { .first_ms = 30 }),
                                      WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("b");
        expect("end b boom");
        expect_end("c");
        expect_start("bc");
        expect_silence(root);
        fell(root);
}

/* Its life was stable, and ended since its sibling failed: that was forgotten. */
IN_SIMULATED_FAMILY(a_stable_life_counts_also_if_a_sibling_has_ended_it)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1, .stable_ms = HOUR_MS, .tries = 1 }), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        crash("a");
        expect("end a boom");
        expect_end("b");
        expect_start("ab");
        cop_sleep(2 * HOUR_MS);
        crash("b");
        expect("end b boom");
        expect_end("a");
        expect_start("ab");
        crash("a"); /* the first one in a row */
        expect("end a boom");
        expect_end("b");
        expect_start("ab");
        expect_silence(root);
        fell(root);
}

IN_SIMULATED_FAMILY(the_failure_of_a_sibling_does_not_cut_a_delay_short)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b", .backoff = { .first_ms = 2 * HOUR_MS, .max_ms = 2 * HOUR_MS })));
        cop_pid root = grow_and_expect(&shop, "ab");
        uint64_t before_ns = cop__clock_ns();
        crash("b");
        expect("end b boom");
        expect_end("a");
        expect("start a");
        cop_sleep(HOUR_MS);
        crash("a");
        expect("end a boom");
        expect("start a");
        expect_late("start b", 2 * HOUR_MS);
        uint64_t waited_ns = cop__clock_ns() - before_ns;
        ck_assert_uint_ge(waited_ns, 2 * (uint64_t)HOUR_MS * MS);
        ck_assert_uint_lt(waited_ns, 2 * (uint64_t)HOUR_MS * MS + 60000 * MS);
        expect_silence(root);
        fell(root);
}

/* ---- Breakers ----------------------------------------------------------------------------------- */

IN_FAMILY(after_its_failures_a_breaker_leaves_the_child_alone_and_calls_fail_at_once)
{
        TREE(shop, .intensity = 2, .period_ms = 1000000,
             .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 3, .open_ms = 1000000 }),
                                      WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab"), last = cop_no_pid();
        for (int i = 0; i < 3; i++) {
                last = crash("a");
                expect("end a boom");
                if (i < 2)
                        expect("start a");
        }
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        ck_assert_str_eq(outcome_of(last), "shop opened the breaker of a after 3 failures in a row: "
                                           "it is left alone for 1000 s");
        ck_assert_int_eq(cop_call(NULL, "a", COP_FOREVER, ping, .number = 1), COP_E_NO_NAME);
        ck_assert_int_eq(restarts_of(root), 2); /* what opens it is no restart */
        ck_assert_int_eq(cop_delete_child(root, "a"), COP_E_RESTARTING);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK); /* but anyone may close it */
        expect("start a");
        fell(root);
        expect_end("ba");
}

IN_FAMILY(an_open_breaker_lets_one_try_through)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 1, .open_ms = 20,
                                                               .stable_ms = 1000000 })));
        cop_pid root = grow_and_expect(&shop, "a");
        for (uint32_t i = 2; i < 4; i++) {
                uint64_t before_ns = cop__clock_ns();
                crash("a");
                expect("end a boom");
                expect("start a");
                ck_assert_uint_eq(tries_of("a"), i);
                ck_assert_uint_ge(cop__clock_ns() - before_ns, 20 * MS);
        }
        ck_assert_int_eq(restarts_of(root), 0);
        fell(root);
}

/* The breaker of a opens, for an hour, with its second failure in a row; it has had one. */
static cop_pid grow_with_one_failure_of_two(void)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 2, .open_ms = HOUR_MS, .stable_ms = HOUR_MS })));
        cop_pid root = grow_and_expect(&shop, "a");
        crash("a");
        expect("end a boom");
        expect("start a");
        return root;
}

IN_SIMULATED_FAMILY(a_stable_life_is_no_failure_in_a_row_for_a_breaker_without_backoff)
{
        cop_pid root = grow_with_one_failure_of_two();
        ck_assert_int_eq(cop_simulation_advance(node, 2 * HOUR_MS), COP_OK);
        int64_t before_ms = simulation_of(node).passed_ms;
        crash("a");
        expect("end a boom");
        expect("start a");
        ck_assert_int_lt(simulation_of(node).passed_ms - before_ms, HOUR_MS);
        fell(root);
}

IN_FAMILY(a_child_behind_an_open_breaker_can_be_terminated)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 1,
                                                               .open_ms = 1000000 })));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_pid last = crash("a");
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        ck_assert_str_eq(outcome_of(last), "shop opened the breaker of a after 1 failures in a row: it is left alone for 1000 s");
        let("a", FAILS);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_E_DIED);
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped"); /* the breaker is a matter of the past */
        ck_assert_int_eq(cop_delete_child(root, "a"), COP_OK);
        fell(root);
}

/* On a simulated node: its breaker is not closed by time before the test has asked. */
IN_SIMULATED_FAMILY(a_child_that_is_tried_in_vain_stays_behind_its_open_breaker_and_starts_in_its_time)
{
        cop_pid root = grow_with_one_failure_of_two();
        uint64_t before_ns = cop__clock_ns();
        crash("a");
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        let("a", FAILS);
        for (uint32_t i = 3; i < 5; i++) {
                ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_E_DIED);
                ck_assert_str_eq(ask_child(root, "a", "state"), "open");
                ck_assert_uint_eq(tries_of("a"), i);
        }
        let("a", STARTS);
        expect_late("start a", 2 * HOUR_MS);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, (uint64_t)HOUR_MS * MS);
        await_true(strcmp(ask_child(root, "a", "restarts"), "2") == 0); /* as if nobody had tried */
        crash("a"); /* what was in vain has closed nothing: it is half open, and opens at once */
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK); /* which closes it */
        expect("start a");
        crash("a");
        expect("end a boom");
        expect("start a");
        fell(root);
}

IN_FAMILY(a_child_behind_an_open_breaker_that_is_terminated_in_a_start_that_was_asked_for_is_stopped)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 1, .open_ms = 1000000 })));
        cop_pid root = grow_and_expect(&shop, "a");
        crash("a");
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        let("a", HANGS);
        cop_pid asker = cop_spawn_with(asks_to_restart, errand, .supervisor = root);
        expect("hang a");
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        await_true(!cop_is_alive(asker));
        fell(root);
}

IN_FAMILY(a_breaker_from_earlier_specs_stays_closed_where_siblings_wait)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b", .breaker = { .failures = 2, .open_ms = COP_FOREVER })));
        const cop_supervisor other = { .intensity = COP_RESTARTS_FOR_EVER, .strategy = COP_REST_FOR_ONE,
                                       .children = COP_CHILDREN(WORKER("a")) };
        cop_pid root = grow_and_expect(&shop, "ab");
        ck_assert_int_eq(cop_replace_specs(root, &other), COP_OK);
        ck_assert_int_eq(cop_start_child(root, &(const cop_child)WORKER("c"), NULL), COP_OK);
        expect("start c");
        let("b", FAILS);
        crash("b");
        expect("end b boom");
        expect_end("c");
        await_true(tries_of("b") > 4);
        let("b", STARTS);
        expect_start("bc");
        expect_silence(root);
        fell(root);
        expect_end("cba");
}

TEST(what_a_backoff_or_breaker_cannot_be_is_refused)
{
        char text[200];
        static const cop_child wrong[] = {
                { .id = "a", .run = waits, .backoff = { .first_ms = -1 } },
                { .id = "a", .run = waits, .backoff = { .max_ms = 1 } },
                { .id = "a", .run = waits, .backoff = { .factor = 3 } },
                { .id = "a", .run = waits, .backoff = { .jitter = 0.5 } },
                { .id = "a", .run = waits, .backoff = { .stable_ms = 1 } },
                { .id = "a", .run = waits, .backoff = { .tries = 1 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 1, .factor = 1001 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 1, .factor = NAN } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 1, .jitter = NAN } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 1, .jitter = -0.1 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 1 }, .restart = COP_TEMPORARY },
                { .id = "a", .run = waits, .breaker = { .failures = 1 }, .restart = COP_TEMPORARY },
                { .id = "a", .run = waits, .breaker = { .stable_ms = 1 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 2, .max_ms = 1 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 2, .factor = 0.5 } },
                { .id = "a", .run = waits, .backoff = { .first_ms = 2, .jitter = 1.5 } },
                { .id = "a", .run = waits, .breaker = { .open_ms = 1 } },
                { .id = "a", .run = waits, .breaker = { .failures = 1, .open_ms = -1 } },
        };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                ck_assert_int_eq(cop_child_check(&wrong[i], text, sizeof(text)),
                                 COP_E_BAD_ARGUMENT);
        cop_child_check(&wrong[10], text, sizeof(text));
        ck_assert_str_eq(text, "a supervisor: child a: backoff is set, but a temporary child is never "
                               "restarted");
        const cop_supervisor all = { .strategy = COP_ONE_FOR_ALL,
                                     .children = COP_CHILDREN({ .id = "a", .run = waits,
                                                                .breaker = { .failures = 1 } }) };
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "supervisor: child a: breaker is set, but its supervisor restarts "
                               "others with it");
}

/* ---- Without limits ------------------------------------------------------------------------------- */

IN_SIMULATED_FAMILY(SUP_intensity_14_restarts_without_limit_or_in_one_endless_window)
{
        TREE(shop, .intensity = COP_RESTARTS_FOR_EVER, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 0; i < 20; i++) {
                crash("a");
                expect("end a boom");
                expect("start a");
        }
        fell(root);
        expect_end("a");
        const cop_supervisor endless = { .name = "shop", .intensity = 1, .period_ms = COP_FOREVER,
                                         .children = COP_CHILDREN(WORKER("a")) };
        root = grow_and_expect(&endless, "a");
        crash("a");
        expect("end a boom");
        expect("start a");
        ck_assert_int_eq(cop_simulation_advance(node, HOUR_MS), COP_OK);
        ck_assert_int_eq(restarts_of(root), 1);
        cop_pid a = crash("a");
        expect("end a boom");
        ck_assert_str_eq(outcome_of(a), "shop gave up: 2 restarts are more than 1");
        await_exited(root, "shutdown");
}

/* ---- Explain ---------------------------------------------------------------------------------------- */

TEST(explain_says_level_by_level_what_a_tree_bears)
{
        const cop_supervisor desk = { .intensity = 1, .period_ms = 1000,
                                      .children = COP_CHILDREN(
                                              { .id = "clerk", .run = waits },
                                              { .id = "guest", .run = waits,
                                                .restart = COP_TEMPORARY }) };
        const cop_supervisor shop = {
                .name = "shop", .intensity = 3,
                .children = COP_CHILDREN({ .id = "till", .run = waits,
                                           .backoff = { .first_ms = 100 } },
                                         { .id = "desk", .supervisor = &desk },
                                         { .id = "club", .supervisor = &desk,
                                           .restart = COP_TRANSIENT }),
        };
        const char *wanted =
                "shop bears 3 restarts within 5 s and gives up at the 4th, which ends all\n"
                "  till: each end is a restart of shop; restarts come after 100 ms at first and 60 s "
                "at most\n"
                "  desk bears 1 restart within 1 s and gives up at the 2nd; that is a restart of shop\n"
                "    clerk: each end is a restart of desk; 8 in quick succession end all\n"
                "    guest: its end is never a restart of desk\n"
                "  club bears 1 restart within 1 s and gives up at the 2nd; that ends it for good, and "
                "is not a restart of shop\n"
                "    clerk: each end is a restart of club\n"
                "    guest: its end is never a restart of club\n";
        char text[2000];
        ck_assert_uint_eq(cop_supervisor_explain(&shop, text, sizeof(text)), strlen(wanted));
        ck_assert_str_eq(text, wanted);
        char little[10];
        ck_assert_uint_eq(cop_supervisor_explain(&shop, little, sizeof(little)), strlen(wanted));
        ck_assert_str_eq(little, "shop bear");
        ck_assert_uint_eq(cop_supervisor_explain(NULL, text, sizeof(text)), 0);
        const cop_supervisor patient = { .name = "patient", .intensity = COP_RESTARTS_FOR_EVER };
        cop_supervisor_explain(&patient, text, sizeof(text));
        ck_assert_str_eq(text, "patient restarts its children for ever, and never gives up\n");
}

/* What explain says of one child, in the second line. */
static const char *line_of(const cop_supervisor *tree)
{
        static char text[1000];
        ck_assert_uint_gt(cop_supervisor_explain(tree, text, sizeof(text)), 0);
        char *line = strchr(text, '\n') + 1;
        *strchr(line, '\n') = '\0';
        return line;
}

#define EXPLAINED(child_, ...) \
        line_of(&(const cop_supervisor){ .name = "shop", .children = COP_CHILDREN(child_), __VA_ARGS__ })

#define COMMA ,

TEST(explain_knows_tries_breakers_and_significance)
{
        const cop_supervisor desk = { .intensity = 5, .children = COP_CHILDREN(
                { .id = "clerk", .run = waits, .backoff = { .first_ms = 10, .max_ms = COP_FOREVER, .tries = 2 } },
                { .id = "guest", .run = waits, .breaker = { .failures = 6 } },
                { .id = "night", .run = waits, .breaker = { .failures = 7, .open_ms = COP_FOREVER } }) };
        const cop_supervisor shop = { .name = "shop", .intensity = 1,
                                      .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }) };
        char text[1000];
        cop_supervisor_explain(&shop, text, sizeof(text));
        ck_assert_str_eq(text,
                "shop bears 1 restart within 5 s and gives up at the 2nd, which ends all\n"
                "  desk bears 5 restarts within 5 s and gives up at the 6th; that is a restart of shop\n"
                "    clerk: each end is a restart of desk; 6 in quick succession end all; restarts come "
                "after 10 ms at first, and desk gives up at the 3rd in a row\n"
                "    guest: each end is a restart of desk; the 6th in a row is none, and it is left alone "
                "for 30 s: alone it never ends desk\n"
                "    night: each end is a restart of desk; 12 in quick succession end all; the 7th in a row "
                "is none, and it is left alone for ever\n");
        const cop_supervisor patient = { .name = "shop", .intensity = COP_RESTARTS_FOR_EVER,
                                         .children = COP_CHILDREN({ .id = "a", .run = waits,
                                                 .backoff = { .first_ms = 10, .tries = 3 } }) };
        cop_supervisor_explain(&patient, text, sizeof(text));
        ck_assert_str_eq(text,
                "shop restarts its children for ever, and gives up on one that has used up its tries, "
                "which ends all\n"
                "  a: each end is a restart of shop; restarts come after 10 ms at first and 60 s at most, "
                "and shop gives up at the 4th in a row\n");
        ck_assert_str_eq(EXPLAINED({ .id = "a" COMMA .run = waits COMMA .restart = COP_TRANSIENT }),
                "  a: a crash is a restart of shop");
        cop_supervisor_explain(&(cop_supervisor){ .name = "shop", .period_ms = COP_FOREVER }, text, sizeof(text));
        ck_assert_str_eq(text, "shop bears 1 restart in all its life and gives up at the 2nd, which ends all\n");
        cop_supervisor_explain(&(cop_supervisor){ .name = "shop", .period_ms = 1234 }, text, sizeof(text));
        ck_assert_str_eq(text, "shop bears 1 restart within 1.234 s and gives up at the 2nd, which ends all\n");
#define GUEST { .id = "a", .run = waits, .restart = COP_TEMPORARY, .significant = true }
        ck_assert_str_eq(EXPLAINED(GUEST, .auto_shutdown = COP_ANY_SIGNIFICANT),
                "  a: its end is never a restart of shop; an end without a restart ends shop");
        ck_assert_str_eq(EXPLAINED(GUEST, .auto_shutdown = COP_ALL_SIGNIFICANT),
                "  a: its end is never a restart of shop; an end without a restart ends shop, if it is "
                "the last significant one");
}

/* The oracle is the tree itself: so many crashes as explain says, and not one less, end it. */
IN_FAMILY(what_explain_says_is_what_happens)
{
        const cop_supervisor desk = { .intensity = 1, .period_ms = 1000000,
                                      .children = COP_CHILDREN(WORKER("a")) };
        TREE(shop, .intensity = 2, .period_ms = 1000000,
             .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        char text[500];
        cop_supervisor_explain(&shop, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "; 6 in quick succession end all"));
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 1; i <= 6; i++) {
                crash("a");
                expect("end a boom");
                if (i < 6)
                        expect("start a");
        }
        await_exited(root, "shutdown");
}

IN_FAMILY(a_child_that_explain_calls_harmless_never_ends_its_supervisor)
{
        TREE(shop, .intensity = 3, .period_ms = 1000000,
             .children = COP_CHILDREN(WORKER("a", .breaker = { .failures = 4, .open_ms = COP_FOREVER })));
        cop_pid root = grow_and_expect(&shop, "a"), last = cop_no_pid();
        ck_assert_ptr_nonnull(strstr(line_of(&shop), ": alone it never ends shop"));
        for (int i = 1; i <= 4; i++) {
                last = crash("a");
                expect("end a boom");
                if (i < 4)
                        expect("start a");
        }
        ck_assert_str_eq(outcome_of(last), "shop opened the breaker of a after 4 failures in a row: it is "
                                           "left alone for ever");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "a", "state"), "open");
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK);
        expect("start a");
        fell(root);
}

IN_FAMILY(what_explain_says_of_tries_is_what_happens)
{
        const cop_supervisor desk = { .intensity = 5, .period_ms = 1000000,
                                      .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1, .tries = 1 })) };
        TREE(shop, .intensity = 1, .period_ms = 1000000,
             .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        char text[500];
        cop_supervisor_explain(&shop, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "; 4 in quick succession end all"));
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 1; i <= 4; i++) {
                crash("a");
                expect("end a boom");
                if (i < 4)
                        expect("start a");
        }
        await_exited(root, "shutdown");
}
