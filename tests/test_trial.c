/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trials: a tree under many seeds, the seed that fails, and having it again. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/failing_malloc.h"
#include "tests/last_words.h"
#include "tests/node_fixture.h"

typedef struct step {
        int64_t number;
} step;
COP_MESSAGE(step, number);

/* Puts something down and takes it up again, with a word between: it has it in hand for a moment. */
static uint32_t in_hand; /* atomic */

typedef struct {
        int64_t done;
} porter;

static void porter_on_step(porter *self, const step *s)
{
        cop__add_relaxed(&in_hand, 1);
        cop_call(NULL, "friend", COP_FOREVER, step, .number = s->number);
        cop__sub_relaxed(&in_hand, 1);
        self->done++;
}

COP_SERVER(porter, COP_ON(step, porter_on_step));

typedef struct {
        int64_t unused;
} pal;

static void pal_on_step(pal *self, const step *s)
{
        (void)self;
        cop_reply(step, .number = s->number);
}

COP_SERVER(pal, COP_ON(step, pal_on_step));

static const cop_supervisor house = {
        .name = "house", .intensity = 1000, .period_ms = 1000,
        .children = COP_CHILDREN({ "friend", .server = &pal_server },
                                 { "porter", .server = &porter_server }),
};

static const char *nothing_is_dropped(cop_node *node, void *unused)
{
        (void)unused;
        cop__store_relaxed(&in_hand, 0);
        for (int i = 0; i < 5; i++) {
                cop_send("porter", step, .number = i);
                cop_sleep(1);
        }
        ck_assert_int_eq(cop_node_await_quiet(node, 60000), COP_OK);
        return cop__load_relaxed(&in_hand) == 0 ? NULL : "something was dropped";
}

static bool is_porter(void *context, cop_pid pid, const char *server)
{
        (void)context;
        (void)pid;
        return server == porter_server.name;
}

static const cop_trial careless = {
        .tree = &house, .check = nothing_is_dropped, .seeds = 200,
        .simulation = { .crashes = 10, .may_crash = is_porter },
};

TEST(a_check_that_holds_is_tried_under_each_seed)
{
        cop_trial_outcome outcome;
        cop_trial calm = careless;
        calm.simulation.crashes = 0;
        ck_assert_int_eq(cop_trial_run(&calm, &outcome), COP_OK);
        ck_assert(!outcome.failed);
        ck_assert_uint_eq(outcome.seeds, 200);
        ck_assert_uint_eq(outcome.crashes, 0);
        ck_assert_uint_gt(outcome.turns, 200 * 10);
        ck_assert_int_gt(outcome.passed_ms, 200 * 5);
}

TEST(the_first_seed_that_fails_ends_the_trial_and_can_be_had_again)
{
        cop_trial_outcome outcome, again;
        char seed[32];
        ck_assert_int_eq(cop_trial_run(&careless, &outcome), COP_OK);
        ck_assert(outcome.failed);
        ck_assert(outcome.repeatable);
        ck_assert_uint_eq(outcome.seeds, outcome.seed + 1);
        ck_assert_str_eq(outcome.what, "something was dropped");
        snprintf(seed, sizeof(seed), "%llu", (unsigned long long)outcome.seed);
        setenv("COP_SEED", seed, 1);
        ck_assert_int_eq(cop_trial_run(&careless, &again), COP_OK);
        ck_assert(again.failed);
        ck_assert_uint_eq(again.seeds, 1);
        ck_assert_uint_eq(again.seed, outcome.seed);
        unsetenv("COP_SEED");
}

static const char *changes_its_mind(cop_node *node, void *times)
{
        (void)node;
        return ++*(int *)times == 1 ? "it is wrong" : NULL;
}

TEST(a_failure_that_is_not_the_nodes_doing_is_told_to_be_so)
{
        cop_trial_outcome outcome;
        int times = 0;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .check = changes_its_mind, .context = &times },
                                       &outcome), COP_OK);
        ck_assert(outcome.failed);
        ck_assert(!outcome.repeatable);
        ck_assert_str_eq(outcome.what, "it is wrong");
}

static const char *never_called(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        ck_abort_msg("nothing was started, and yet it is checked");
        return NULL;
}

static void will_not(porter *self)
{
        (void)self;
        cop_exit(cop_atom("no"));
}
typedef porter stubborn;
COP_SERVER(stubborn, COP_INIT(will_not));

static const cop_supervisor bad = {
        .name = "bad", .children = COP_CHILDREN({ "stubborn", .server = &stubborn_server }),
};

TEST(a_tree_that_does_not_start_fails_its_seed)
{
        cop_trial_outcome outcome;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .tree = &bad, .check = never_called }, &outcome),
                         COP_OK);
        ck_assert(outcome.failed);
        ck_assert_ptr_nonnull(strstr(outcome.what, "the tree did not start"));
}

/* Nothing goes wrong before the check has begun, nor after it. */
TEST(only_the_check_is_disturbed)
{
        cop_trial_outcome outcome;
        cop_trial trial = careless;
        trial.check = changes_its_mind;
        trial.context = &(int){ 1 };
        trial.simulation = (cop_simulation){ .crashes = 1, .refusals = 1 };
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert(!outcome.failed);
        ck_assert_uint_eq(outcome.crashes, 0);
}

TEST(a_trial_that_cannot_be_held_is_refused)
{
        cop_trial_outcome outcome;
        cop_trial trial = { .check = changes_its_mind, .context = &(int){ 1 }, .seeds = 1 };
        ck_assert_int_eq(cop_trial_run(NULL, &outcome), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_trial_run(&trial, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .tree = &house }, &outcome), COP_E_BAD_ARGUMENT);
        static const char *const wrong[] = { "x", "1x", "-1", "99999999999999999999" };
        for (size_t i = 0; i < COP__COUNT(wrong); i++) {
                setenv("COP_SEED", wrong[i], 1);
                ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_E_BAD_ARGUMENT);
        }
        unsetenv("COP_SEED");
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_E_BAD_ARGUMENT);
        node_end(node);
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
}

static const char *waits_for_ever(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_receive(COP_FOREVER, COP_ANY);
        return NULL;
}

static void try_for_ever(void *unused)
{
        cop_trial_outcome outcome;
        (void)unused;
        cop_trial_run(&(cop_trial){ .check = waits_for_ever, .first_seed = 41 }, &outcome);
}

TEST(what_ends_the_program_in_a_trial_says_how_to_repeat_it)
{
        char text[LAST_WORDS];
        last_words(try_for_ever, NULL, text);
        ck_assert_msg(strstr(text, "it would wait for ever\nrepeat it with COP_SEED=41\n") != NULL, "said: %s", text);
}

TEST(a_trial_whose_node_cannot_start_is_refused)
{
        cop_trial_outcome outcome;
        cop_trial trial = { .check = changes_its_mind, .context = &(int){ 1 }, .seeds = 1, .max_actors = UINT32_MAX };
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_E_BAD_ARGUMENT);
}

static const char *always_wrong(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        return "wrong";
}

/* It is held twice, since it fails; at each place of either. */
TEST(a_trial_without_memory_says_so_or_is_held)
{
        cop_trial trial = { .check = always_wrong, .seeds = 1, .max_actors = 10 };
        for (long n = 1; failing_malloc_can(); n++) {
                cop_trial_outcome outcome = { .failed = false };
                fail_malloc_after(n);
                cop_status status = cop_trial_run(&trial, &outcome);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        ck_assert(outcome.failed && outcome.repeatable);
                        break;
                }
                ck_assert_msg(status == COP_OK || status == COP_E_NO_MEMORY || status == COP_E_SYSTEM, "%s",
                              cop_status_text(status));
        }
}
