/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Generated loads with oracles, on simulated nodes under many seeds and on real ones; and each oracle sees what it is for. */
#include "tests/workload.h"

#include "tests/node_fixture.h"

/* Of each load; the soak has more time. */
#define SEEDS (suite_is_slow() ? 20u : 150u)
#define ROUNDS (suite_is_slow() ? 3u : 15u)

static void complain(const struct workload *workload, uint64_t seed, const char *where, const char *wrong, const char *again)
{
        ck_abort_msg("%s, seed %llu, %s: %s\n    %s", workload->name, (unsigned long long)seed, where, wrong, again);
}

/* In one seed of ten the runtime looks at all of itself before each turn. */
static cop_node *begin_simulated(uint64_t seed, cop_simulation order)
{
        order.seed = seed;
        order.checks = seed % 10 == 0 ? 1 : 8;
        return node_begin((cop_node_options){ .simulation = &order, .max_actors = 4096 });
}

static const char *run_simulated(const struct workload *workload, uint64_t seed, cop_simulation order,
                                 enum plant plant, uint64_t *signature)
{
        cop_simulation_state state;
        cop_node *node = begin_simulated(seed, order);
        const char *wrong = workload_run(workload, node, seed, plant);
        cop_simulation_look(node, &state);
        if (signature != NULL)
                *signature = state.signature;
        node_end(node);
        return wrong;
}

/* COP_TEST_SIMULATE=SEED is that seed alone. */
static void try_simulated(const struct workload *workload)
{
        uint64_t first = suite_seed() < 0 ? 1 : (uint64_t)suite_seed();
        uint64_t last = suite_seed() < 0 ? SEEDS : first;
        for (uint64_t seed = first; seed <= last; seed++) {
                const char *wrong = run_simulated(workload, seed, (cop_simulation){ 0 }, NO_PLANT, NULL);
                if (wrong != NULL)
                        complain(workload, seed, "simulated", wrong, suite_again(seed));
                wrong = run_simulated(workload, seed, workload->rough, NO_PLANT, NULL);
                if (wrong != NULL)
                        complain(workload, seed, "simulated, with crashes", wrong, suite_again(seed));
        }
}

/* What an environment variable says; 0: nothing. */
static uint64_t wanted(const char *name)
{
        const char *text = getenv(name);
        return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* On a real node: what is wrong, and under which seed; NULL: nothing. COP_TEST_SEED is that seed alone, as often as there were seeds. */
static const char *run_parallel(const struct workload *workload, unsigned workers, enum plant plant, uint64_t *seed)
{
        const char *wrong = NULL;
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        for (uint64_t round = 1; round <= ROUNDS && wrong == NULL; round++) {
                *seed = wanted("COP_TEST_SEED") != 0 ? wanted("COP_TEST_SEED") : round;
                wrong = workload_run(workload, node, *seed, plant);
        }
        node_end(node);
        return wrong;
}

/* COP_TEST_SEED=SEED COP_TEST_WORKERS=NUMBER is that number alone. */
static void try_parallel(const struct workload *workload, unsigned workers)
{
        uint64_t seed;
        if (wanted("COP_TEST_SEED") != 0 && wanted("COP_TEST_WORKERS") != workers)
                return;
        const char *wrong = run_parallel(workload, workers, NO_PLANT, &seed);
        if (wrong != NULL)
                complain(workload, seed, workers == 2 ? "two workers" : "eight workers", wrong, suite_again_on(workers, seed));
}

/* A hundred times in all. */
static void expect_same_signatures(const struct workload *workload)
{
        const unsigned seeds = 5, times = suite_is_slow() ? 4 : 20;
        for (uint64_t seed = 1; seed <= seeds; seed++) {
                uint64_t first, again;
                run_simulated(workload, seed, workload->rough, NO_PLANT, &first);
                for (unsigned i = 0; i < times; i++) {
                        run_simulated(workload, seed, workload->rough, NO_PLANT, &again);
                        ck_assert_msg(again == first, "%s, seed %llu: another signature in run %u", workload->name,
                                      (unsigned long long)seed, i + 1);
                }
        }
}

/* ---- Nothing is wrong ------------------------------------------------------------------------------ */

#define LOAD(noun, number)                                                  \
        TEST_WITHIN(noun##_holds_under_many_seeds, 60)                      \
        {                                                                   \
                try_simulated(&workloads[number]);                          \
        }                                                                   \
        TEST_WITHIN(noun##_leaves_the_same_signature_a_hundred_times, 60)   \
        {                                                                   \
                expect_same_signatures(&workloads[number]);                 \
        }                                                                   \
        TEST_WITHIN(noun##_holds_on_two_workers_and_on_eight, 60)           \
        {                                                                   \
                NEEDS_THREADS();                                            \
                try_parallel(&workloads[number], 2);                        \
                try_parallel(&workloads[number], 8);                        \
        }

LOAD(a_mesh_of_letters, 0)
LOAD(a_ring_of_tokens, 1)
LOAD(a_flood, 2)
LOAD(the_churn_of_a_supervisor, 3)
LOAD(the_coming_and_going_of_names_and_groups, 4)

/* ---- Each oracle sees something ------------------------------------------------------------------------- */

/* A bug is in one of the loads, and one of some seeds finds it. */
static void expect_found(enum plant plant, size_t number, const char *word)
{
        for (uint64_t seed = 1; seed <= 20; seed++) {
                const char *wrong = run_simulated(&workloads[number], seed, (cop_simulation){ 0 }, plant, NULL);
                if (wrong == NULL)
                        continue;
                ck_assert_msg(strstr(wrong, word) != NULL, "found, but as: %s", wrong);
                return;
        }
        ck_abort_msg("nobody sees it");
}

/* The line is taken at its word: what it sets is set, and the same is asked for. */
TEST(a_load_that_fails_on_a_real_node_says_how_to_have_it_again)
{
        NEEDS_THREADS();
        uint64_t seed, again;
        unsigned workers;
        unsigned long long drawn;
        setenv("COP_TEST_SEED", "9", 1);
        ck_assert_ptr_nonnull(run_parallel(&workloads[0], 2, LOSES, &seed));
        ck_assert_uint_eq(seed, 9);
        const char *line = suite_again_on(2, seed);
        ck_assert_int_eq(sscanf(line, "repeat it with: COP_TEST_SEED=%llu COP_TEST_WORKERS=%u ", &drawn, &workers), 2);
        ck_assert_ptr_null(strstr(line, "COP_TEST_SIMULATE"));
        ck_assert_ptr_nonnull(strstr(line, "a_load_that_fails_on_a_real_node"));
        ck_assert_uint_eq(workers, 2);
        ck_assert_uint_eq(drawn, 9);
        ck_assert_ptr_nonnull(run_parallel(&workloads[0], workers, LOSES, &again));
        ck_assert_uint_eq(again, seed);
        unsetenv("COP_TEST_SEED");
}

TEST(a_letter_that_is_lost_is_missed)
{
        expect_found(LOSES, 0, "letters were sent");
        expect_found(LOSES, 2, "letters were sent");
}

TEST(a_letter_that_comes_twice_is_seen)
{
        expect_found(DOUBLES, 0, "came after");
}

TEST(letters_that_change_places_are_seen)
{
        expect_found(SWAPS, 0, "came after");
}

TEST(a_letter_that_is_not_what_was_sent_is_seen)
{
        expect_found(CORRUPTS, 0, "seal");
        expect_found(CORRUPTS, 2, "seal");
}

TEST(a_token_that_stays_where_it_is_is_missed)
{
        expect_found(STALLS, 1, "came home");
}

TEST(a_token_that_skips_one_is_seen)
{
        expect_found(MISCOUNTS, 1, "passed on");
}

TEST(a_monitor_that_does_not_tell_is_missed)
{
        expect_found(FORGETS_DOWN, 3, "a monitor of a dead actor does not tell");
}

TEST(a_monitor_that_tells_twice_is_seen)
{
        expect_found(DOUBLES_DOWN, 3, "late or twice");
}

TEST(a_link_that_does_not_tell_is_missed)
{
        expect_found(FORGETS_EXIT, 3, "a link of a dead actor does not tell");
}

TEST(a_link_that_tells_twice_is_seen)
{
        expect_found(DOUBLES_EXIT, 3, "cop_exited came late or twice");
}

TEST(a_killed_actor_that_lives_on_is_seen)
{
        expect_found(SPARES, 0, "does not end");
        expect_found(SPARES, 1, "does not end");
}

TEST(a_node_that_does_not_come_to_rest_is_seen)
{
        for (size_t i = 0; i < COP__COUNT(workloads); i++)
                if (!COP__TSAN || workloads[i].run != run_churn) /* which rests for the look at memory only */
                        expect_found(GOES_ON, i, "come to rest");
}

TEST(a_cancelled_timer_that_fires_is_seen)
{
        expect_found(FIRES_ANYWAY, 1, "was cancelled and fires");
}

TEST(a_name_with_two_bearers_is_seen)
{
        expect_found(SHARES_NAME, 4, "two bearers");
}

TEST(a_group_that_keeps_the_dead_is_seen)
{
        expect_found(KEEPS_DEAD, 4, "members");
}

TEST(a_name_that_the_dead_keep_is_seen)
{
        expect_found(KEEPS_NAME, 4, "still somebody's");
}

TEST(a_child_that_is_not_back_is_missed)
{
        expect_found(STAYS_DOWN, 3, "of 5 children");
}

TEST(memory_that_is_not_given_back_is_seen)
{
        if (!COP__TSAN)
                expect_found(LEAKS, 0, "not given back");
}
