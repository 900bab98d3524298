/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trials: a tree under many seeds, the seed that fails, and having it again. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "tests/failing_malloc.h"
#include "tests/last_words.h"
#include "tests/pair.h"

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

static const char *says_another_word(cop_node *node, void *times)
{
        (void)node;
        return ++*(int *)times == 1 ? "it is wrong" : "it is bad";
}

TEST(a_failure_that_has_other_words_the_second_time_is_not_repeated)
{
        cop_trial_outcome outcome;
        int times = 0;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .check = says_another_word, .context = &times }, &outcome), COP_OK);
        ck_assert(outcome.failed);
        ck_assert(!outcome.repeatable);
        ck_assert_str_eq(outcome.what, "it is wrong");
}

static const char *asks_for_a_refusal(cop_node *node, void *unused)
{
        (void)unused;
        cop_simulation_refuse(node, 1);
        return NULL;
}

TEST(a_refusal_that_the_check_has_asked_for_does_not_come_behind_it)
{
        cop_trial_outcome outcome;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .tree = &house, .check = asks_for_a_refusal, .seeds = 3 }, &outcome), COP_OK);
        ck_assert(!outcome.failed);
        ck_assert_uint_eq(outcome.seeds, 3);
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
        trial.simulation.with = node;
        node_end(node);
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_E_BAD_ARGUMENT);
        trial.simulation.with = NULL;
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
}

/* ---- What fails a seed, besides what the check says -------------------------------------------------- */

/* Tries it under the seed 41, and one more if that does not fail. */
static cop_trial_outcome try_it(cop_trial trial)
{
        cop_trial_outcome outcome;
        trial.first_seed = 41;
        trial.seeds = 2;
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        return outcome;
}

static void expect_failure(cop_trial trial, const char *what)
{
        cop_trial_outcome outcome = try_it(trial);
        ck_assert_msg(outcome.failed && outcome.seed == 41 && strstr(outcome.what, what) != NULL, "failed: %d, by: %s",
                      outcome.failed, outcome.what);
        ck_assert(outcome.repeatable);
}

static const char *exits(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_send(cop_self(), step, .number = 1);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(step));
        cop_exit(cop_atom("oops"));
        return NULL;
}

static const char *ignores(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_ignore();
        return NULL;
}

TEST(a_check_that_exits_fails_its_seed_and_the_trial_comes_back)
{
        expect_failure((cop_trial){ .check = exits }, "the check ended with oops");
        expect_failure((cop_trial){ .tree = &house, .check = exits }, "the check ended with oops");
        expect_failure((cop_trial){ .check = ignores }, "the check ended with {badarg, ");
        ck_assert_ptr_null(cop_node_here());
}

static const char *leaves(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_node_leave();
        return NULL;
}

TEST(a_check_that_leaves_its_node_fails_its_seed)
{
        expect_failure((cop_trial){ .tree = &house, .check = leaves }, "the check has left its node");
        expect_failure((cop_trial){ .check = leaves }, "the check has left its node");
}

static const char *says_nothing(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        return "";
}

TEST(a_check_that_fails_without_a_word_fails)
{
        expect_failure((cop_trial){ .check = says_nothing }, "the check fails, and does not say why");
}

/* A tree whose one child dies of each message, by a fault of its own. */
typedef porter clumsy;

static void clumsy_on_step(clumsy *self, const step *s)
{
        (void)self;
        (void)s;
        abort();
}

COP_SERVER(clumsy, COP_ON(step, clumsy_on_step));

static const cop_supervisor fragile = {
        .name = "fragile", .intensity = 1000, .period_ms = 1000, .children = COP_CHILDREN({ "clumsy", .server = &clumsy_server }),
};

static const char *touches(cop_node *node, void *unused)
{
        (void)unused;
        cop_send("clumsy", step, .number = 1);
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        return NULL;
}

TEST(an_actor_that_dies_of_a_fault_of_its_own_fails_the_seed)
{
        expect_failure((cop_trial){ .tree = &fragile, .check = touches }, "clumsy <0.");
        expect_failure((cop_trial){ .tree = &fragile, .check = touches }, "crashed: abort() called");
        cop_trial_outcome outcome = try_it((cop_trial){ .tree = &fragile, .check = touches, .may_fault = true });
        ck_assert(!outcome.failed);
        ck_assert_uint_eq(outcome.faults, 2);
        ck_assert_uint_eq(outcome.crashes, 0);
}

TEST(simulated_crashes_are_no_faults)
{
        cop_trial trial = careless;
        cop_trial_outcome outcome;
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert_uint_gt(outcome.crashes, 0);
        ck_assert_uint_eq(outcome.faults, 0);
}

static void touch_in_vain(void *text)
{
        cop_trial_outcome outcome;
        (void)text;
        cop_trial_run(&(cop_trial){ .tree = &fragile, .check = touches, .first_seed = 41 }, &outcome);
        abort();
}

TEST(the_first_report_of_a_fault_is_printed_with_the_seed)
{
        char text[LAST_WORDS];
        last_words(touch_in_vain, NULL, text);
        ck_assert_msg(strstr(text, "   in clumsy_on_step") != NULL &&
                              strstr(text, "handling #step{number = 1} from") != NULL &&
                              strstr(text, "seed 41: clumsy <0.") != NULL,
                      "said: %s", text);
}

static const cop_supervisor brittle = {
        .name = "brittle", .children = COP_CHILDREN({ "porter", .server = &porter_server }),
};

static const char *stops_it(cop_node *node, void *unused)
{
        (void)unused;
        cop_send_exit(cop_whereis("brittle"), cop_atom("kill"));
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        return NULL;
}

/* As it is by default: one restart in five seconds. */
static const char *wears_it_out(cop_node *node, void *unused)
{
        (void)unused;
        for (int i = 0; i < 4; i++) {
                cop_send_exit(cop_whereis("porter"), cop_atom("kill"));
                ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        }
        return NULL;
}

static const char *reads_of_it(cop_node *node, void *unused)
{
        (void)unused;
        stops_it(node, NULL);
        cop_message_free(cop_receive(0, COP_KIND(cop_exited)));
        return NULL;
}

TEST(a_tree_that_has_ended_before_the_check_has_fails_the_seed)
{
        expect_failure((cop_trial){ .tree = &brittle, .check = stops_it }, "the tree has ended: killed");
        expect_failure((cop_trial){ .tree = &brittle, .check = wears_it_out }, "the tree has ended: shutdown");
        expect_failure((cop_trial){ .tree = &brittle, .check = reads_of_it }, "the tree has ended");
        ck_assert(!try_it((cop_trial){ .tree = &brittle, .check = stops_it, .may_end = true }).failed);
        ck_assert(!try_it((cop_trial){ .tree = &brittle, .check = wears_it_out, .may_end = true }).failed);
}

/* It has given up, and waits for a child that takes its time to stop. */
typedef porter slow;

static void slow_init(slow *self)
{
        (void)self;
        cop_trap_exit(true);
}

static void slow_on_step(slow *self, const step *s)
{
        (void)self;
        (void)s;
}

static void slow_terminate(slow *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop_sleep(100);
}

COP_SERVER(slow, COP_INIT(slow_init), COP_ON(step, slow_on_step), COP_TERMINATE(slow_terminate));

static const cop_supervisor worn_out = {
        .name = "worn_out",
        .children = COP_CHILDREN({ "slow", .server = &slow_server }, { "porter", .server = &porter_server }),
};

static const char *wears_it_out_and_goes(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        for (int i = 0; i < 2; i++) {
                cop_send_exit(cop_whereis("porter"), cop_atom("kill"));
                cop_sleep(5);
        }
        return cop_is_alive(cop_whereis("worn_out")) ? NULL : "it has ended already";
}

TEST(a_tree_that_has_given_up_and_is_ending_fails_the_seed)
{
        expect_failure((cop_trial){ .tree = &worn_out, .check = wears_it_out_and_goes }, "the tree has ended: shutdown");
        ck_assert(!try_it((cop_trial){ .tree = &worn_out, .check = wears_it_out_and_goes, .may_end = true }).failed);
}

static const char *stops_it_and_says_so(cop_node *node, void *unused)
{
        stops_it(node, unused);
        return "it was stopped";
}

TEST(what_is_wrong_first_is_what_a_seed_has_failed_of)
{
        expect_failure((cop_trial){ .tree = &brittle, .check = stops_it_and_says_so }, "it was stopped");
}

/* Refuses as many requests. */
static bool refuses_some(void *count)
{
        return *(int *)count > 0 && (*(int *)count)--;
}

/* A refusal that is asked of the simulation is over with the check. So the node's pool has one of ours, which it asks when it has
 * nothing at hand: as it is after a monitor in vain. */
static const char *leaves_no_memory(cop_node *node, void *refusals)
{
        struct cop__pool_options *options = &node->scheduler.pool.options;
        cop_pid root = cop_whereis("house");
        cop_ref ref;
        options->refuses = refuses_some;
        options->context = refusals;
        do
                *(int *)refusals = 2;
        while (cop_monitor(root, &ref) == COP_OK);
        *(int *)refusals = 1;
        return NULL;
}

TEST(a_tree_that_cannot_be_stopped_fails_the_seed)
{
        int refusals = 0;
        expect_failure((cop_trial){ .tree = &house, .check = leaves_no_memory, .context = &refusals },
                       "the tree cannot be stopped: the system has no memory left for it");
        ck_assert_int_eq(refusals, 0);
}

/* ---- What does not end -------------------------------------------------------------------------------- */

static void ticks(void)
{
        for (;;)
                cop_sleep(10);
}

static bool never(void *unused)
{
        (void)unused;
        return false;
}

static const char *receives_for_ever(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_spawn(ticks);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(step)));
        return NULL;
}

static const char *looks_again_and_again(cop_node *node, void *unused)
{
        (void)unused;
        cop_spawn(ticks);
        while (cop_node_await_quiet(node, 1000) != COP_OK)
                ;
        return NULL;
}

static const char *awaits_for_ever(cop_node *node, void *unused)
{
        (void)unused;
        cop_spawn(ticks);
        cop_simulation_await(node, never, NULL, COP_FOREVER);
        return NULL;
}

static const char *sleeps_again_and_again(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        while (!never(NULL))
                cop_sleep(10);
        return NULL;
}

static const char *yields_for_ever(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_spawn(ticks);
        while (!never(NULL))
                cop_yield();
        return NULL;
}

static const char *has_ticks(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_send_every(NULL, 10, cop_self(), step, .number = 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_down)));
        return NULL;
}

TEST(a_seed_that_goes_on_and_on_fails)
{
        static const char *(*const checks[])(cop_node *, void *) = {
                receives_for_ever, looks_again_and_again, awaits_for_ever, sleeps_again_and_again, yields_for_ever, has_ticks,
        };
        for (size_t i = 0; i < COP__COUNT(checks); i++) {
                expect_failure((cop_trial){ .check = checks[i], .max_turns = 1000 }, "the turns of a seed are used up");
                expect_failure((cop_trial){ .check = checks[i], .max_ms = 1000 }, "the time of a seed is used up");
                expect_failure((cop_trial){ .tree = &house, .check = checks[i], .max_turns = 1000 },
                               "the turns of a seed are used up");
        }
        expect_failure((cop_trial){ .check = receives_for_ever }, "it goes on and on");
        cop_trial_outcome outcome;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .check = says_nothing, .max_ms = -1 }, &outcome), COP_E_BAD_ARGUMENT);
}

static const char *leaves_and_awaits(cop_node *node, void *unused)
{
        (void)unused;
        cop_spawn(ticks);
        cop_node_leave();
        cop_simulation_await(node, never, NULL, COP_FOREVER);
        return NULL;
}

static const char *leaves_and_looks(cop_node *node, void *unused)
{
        (void)unused;
        cop_spawn(ticks);
        cop_node_leave();
        cop_node_await_quiet(node, COP_FOREVER);
        return NULL;
}

/* It has no visit that could be ended: what it calls comes back. */
TEST(a_check_that_has_left_its_node_does_not_drive_it_for_ever)
{
        expect_failure((cop_trial){ .check = leaves_and_awaits, .max_turns = 1000 }, "the check has left its node");
        expect_failure((cop_trial){ .check = leaves_and_looks, .max_turns = 1000 }, "the check has left its node");
}

/* Its terminate does not end, and its supervisor waits for it. */
typedef porter clinging;

static void clinging_init(clinging *self)
{
        (void)self;
        cop_trap_exit(true);
}

static void clinging_on_step(clinging *self, const step *s)
{
        (void)self;
        (void)s;
}

static void clinging_terminate(clinging *self, cop_term reason)
{
        (void)self;
        (void)reason;
        ticks();
}

COP_SERVER(clinging, COP_INIT(clinging_init), COP_ON(step, clinging_on_step), COP_TERMINATE(clinging_terminate));

static const cop_supervisor sticky = {
        .name = "sticky",
        .children = COP_CHILDREN({ "clinging", .server = &clinging_server, .shutdown_ms = COP_SHUTDOWN_INFINITY }),
};

TEST(a_tree_that_does_not_stop_fails_the_seed)
{
        cop_trial trial = { .tree = &sticky, .check = changes_its_mind, .context = &(int){ 1 }, .max_turns = 1000 };
        expect_failure(trial, "the turns of a seed are used up");
}

static const char *waits_for_ever(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        cop_receive(COP_FOREVER, COP_ANY);
        return NULL;
}

TEST(a_check_that_would_wait_for_ever_fails_its_seed)
{
        expect_failure((cop_trial){ .check = waits_for_ever }, "it would wait for ever");
        expect_failure((cop_trial){ .tree = &house, .check = waits_for_ever }, "it would wait for ever");
}

/* ---- What ends the program ------------------------------------------------------------------------------ */

static const char *aborts(cop_node *node, void *unused)
{
        (void)node;
        (void)unused;
        abort();
}

static const char *aborts_later(cop_node *node, void *unused)
{
        touches(node, unused);
        abort();
}

static const cop_supervisor bare = {
        .name = "bare", .children = COP_CHILDREN({ "clumsy", .server = &clumsy_server, .isolation = COP_ISOLATION_INLINE }),
};

static void run_it(void *trial)
{
        cop_trial_outcome outcome;
        cop_trial_run(trial, &outcome);
}

TEST(what_ends_the_program_in_a_trial_says_how_to_repeat_it)
{
        cop_trial trials[] = {
                { .check = aborts }, { .tree = &fragile, .check = aborts_later }, { .tree = &bare, .check = touches },
        };
        char text[LAST_WORDS];
        for (size_t i = 0; i < COP__COUNT(trials); i++) {
                trials[i].first_seed = 41;
                last_words(run_it, &trials[i], text);
                ck_assert_msg(strstr(text, "a fault in your program cannot be contained") != NULL &&
                                      strstr(text, "in a simulation with seed 41, after ") != NULL &&
                                      strstr(text, ": repeat it with COP_SEED=41\n") != NULL,
                              "%zu said: %s", i, text);
        }
}

static const char *is_ended(cop_node *node, void *number)
{
        (void)node;
        raise(*(const int *)number);
        return NULL;
}

/* As a program has it that libcheck has not started. */
static void run_it_as_told(void *trial)
{
        signal(*(const int *)((const cop_trial *)trial)->context, SIG_DFL);
        run_it(trial);
}

TEST(a_signal_that_ends_a_trial_tells_its_seed)
{
        static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGXCPU };
        char text[LAST_WORDS];
        for (size_t i = 0; i < COP__COUNT(numbers); i++) {
                int number = numbers[i];
                cop_trial trial = { .check = is_ended, .context = &number, .first_seed = UINT64_MAX };
                last_words_by(number, run_it_as_told, &trial, text);
                ck_assert_str_eq(text, "seed 18446744073709551615 was being tried: "
                                       "repeat it with COP_SEED=18446744073709551615\n");
        }
}

static const char *exits_with(cop_node *node, void *code)
{
        (void)node;
        exit(*(const int *)code);
}

/* What a child of the check ends with is none of the trial's. */
static const char *forks_who_exits(cop_node *node, void *code)
{
        int status = -1;
        pid_t child = fork();
        (void)node;
        if (child == 0) {
                suite_is_forked();
                exit(*(const int *)code);
        }
        waitpid(child, &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == *(const int *)code ? NULL : "the child did not end so";
}

static void run_and_exit(void *trial)
{
        cop_trial_outcome outcome;
        exit(cop_trial_run(trial, &outcome) != COP_OK || outcome.failed);
}

TEST(a_program_that_exits_with_0_in_a_trial_ends_with_1_and_tells_the_seed)
{
        char text[LAST_WORDS];
        for (int code = 0; code < 3; code++) {
                cop_trial trial = { .check = exits_with, .context = &code, .first_seed = 41 };
                int status = last_words_of(run_and_exit, &trial, text);
                ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == (code == 0 ? 1 : code), "it ends with %d", status);
                ck_assert_str_eq(text, "seed 41 was being tried when exit() was called: repeat it with COP_SEED=41\n");
        }
}

TEST(who_exits_after_a_trial_or_in_another_process_ends_as_it_says)
{
        char text[LAST_WORDS];
        int code = 0;
        cop_trial trial = { .check = forks_who_exits, .context = &code, .seeds = 1 };
        int status = last_words_of(run_and_exit, &trial, text);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ends with %d: %s", status, text);
        ck_assert_str_eq(text, "");
}

/* What is sent on does not end it, as with process 1 of a container, which the kernel spares: it waits until the handler is over. */
static const char *is_spared(cop_node *node, void *number)
{
        struct sigaction handler;
        sigaction(*(const int *)number, NULL, &handler);
        handler.sa_flags &= ~(SA_RESETHAND | SA_NODEFER);
        sigaction(*(const int *)number, &handler, NULL);
        return is_ended(node, number);
}

TEST(a_signal_that_does_not_end_the_process_when_it_is_sent_on_ends_the_trial)
{
        int number = SIGTERM, status;
        cop_trial trial = { .check = is_spared, .context = &number, .seeds = 1 };
        if (COP__TSAN) /* there the handler lets its own signal in (tried.c) */
                return;
        pid_t child = fork();
        if (child == 0) {
                suite_is_forked();
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                run_it_as_told(&trial);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "it ends with %d", status);
}

/* Two at once, on two threads: the first waits in its check until the second is in its own, which lasts longer. */
struct two_trials {
        sem_t second_is_on, first_is_over;
        pthread_t second;
};

static const char *outlasts_the_first(cop_node *node, void *two)
{
        struct two_trials *both = two;
        (void)node;
        sem_post(&both->second_is_on);
        sem_wait(&both->first_is_over);
        raise(SIGTERM);
        return NULL;
}

static void *hold_the_second(void *two)
{
        cop_trial trial = { .check = outlasts_the_first, .context = two, .first_seed = 52, .seeds = 1 };
        run_it(&trial);
        return NULL;
}

static const char *begins_the_second(cop_node *node, void *two)
{
        struct two_trials *both = two;
        (void)node;
        if (pthread_create(&both->second, NULL, hold_the_second, both) != 0)
                return "there is no second thread";
        sem_wait(&both->second_is_on);
        return NULL;
}

static void hold_two(void *two)
{
        struct two_trials *both = two;
        cop_trial trial = { .check = begins_the_second, .context = two, .first_seed = 41, .seeds = 1 };
        signal(SIGTERM, SIG_DFL);
        run_it(&trial);
        sem_post(&both->first_is_over);
        pthread_join(both->second, NULL);
}

TEST(a_signal_tells_the_seed_of_the_trial_that_is_left_of_two_whichever_began_first)
{
        struct two_trials both;
        char text[LAST_WORDS];
        ck_assert_int_eq(sem_init(&both.second_is_on, 0, 0), 0);
        ck_assert_int_eq(sem_init(&both.first_is_over, 0, 0), 0);
        last_words_by(SIGTERM, hold_two, &both, text);
        ck_assert_str_eq(text, "seed 52 was being tried: repeat it with COP_SEED=52\n");
}

static void heard(int number)
{
        (void)number;
}

/* And after the trial all is as it was. */
TEST(a_signal_that_the_program_hears_is_left_to_it)
{
        struct sigaction now, before;
        int number = SIGTERM;
        signal(SIGHUP, SIG_DFL);
        ck_assert_int_eq(sigaction(SIGTERM, &(struct sigaction){ .sa_handler = heard }, &before), 0);
        ck_assert(!try_it((cop_trial){ .check = is_ended, .context = &number }).failed);
        ck_assert_int_eq(sigaction(SIGTERM, &before, &now), 0);
        ck_assert_ptr_eq((void *)(uintptr_t)now.sa_handler, (void *)(uintptr_t)heard);
        ck_assert_int_eq(sigaction(SIGHUP, NULL, &now), 0);
        ck_assert(now.sa_handler == SIG_DFL);
}

/* ---- Several nodes --------------------------------------------------------------------------------- */

#define HERE "here@127.0.0.1"
#define THERE "there@127.0.0.1"

static cop_node *begin_beside(cop_node *first)
{
        cop_node *node = NULL;
        const cop_simulation joined = { .with = first };
        return cop_node_start(&(cop_node_options){ .name = "there", .simulation = &joined }, &node) == COP_OK ? node : NULL;
}

/* Another node, with a friend and a clumsy one there, and the way to it; visited is this one, or none if it cannot be. */
static cop_node *befriend(cop_node *here)
{
        uint16_t port = 0;
        cop_node *there = begin_beside(here);
        if (there == NULL || distribute_with(HERE, (cop_distribution){ .port = 0 }, &port) != COP_OK)
                return NULL;
        ck_assert_int_eq(cop_node_enter(there), COP_OK);
        if (distribute_with(THERE, (cop_distribution){ .port = 0 }, &port) != COP_OK)
                return NULL;
        cop_spawn_server(&pal_server, "far_friend");
        cop_spawn_server(&clumsy_server, "clumsy");
        cop_node_leave();
        return cop_node_is_at(THERE, NULL, port) == COP_OK ? there : NULL;
}

static const char *calls_over_there(cop_node *node, void *failures)
{
        cop_node *there = befriend(node);
        if (there == NULL)
                return "there is no other node";
        for (int i = 0; i < 10; i++)
                *(int *)failures += cop_call(NULL, cop_at("far_friend", THERE), COP_FOREVER, step, .number = i) != COP_OK;
        return NULL;
}

/* Nothing is said of those that it has left: the suite looks for what they have, and the next seed has a node of their name. */
TEST(a_check_may_have_other_nodes_whose_connections_are_cut_and_which_the_trial_stops)
{
        cop_trial_outcome outcome;
        int failures = 0;
        cop_trial trial = { .check = calls_over_there, .context = &failures, .seeds = 20 };
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert_msg(!outcome.failed, "%s", outcome.what);
        ck_assert_int_eq(failures, 0);
        trial.simulation.cuts = 10;
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert_msg(!outcome.failed, "%s", outcome.what);
        ck_assert_int_gt(failures, 0);
        ck_assert_ptr_null(cop_node_here());
}

static const char *is_cut_off(cop_node *node, void *failures)
{
        *(int *)failures = 0;
        const char *wrong = calls_over_there(node, failures);
        return wrong != NULL ? wrong : *(int *)failures > 0 ? "a call failed" : NULL;
}

TEST(a_seed_of_several_nodes_that_fails_can_be_had_again)
{
        cop_trial_outcome outcome;
        int failures = 0;
        cop_trial trial = { .check = is_cut_off, .context = &failures, .seeds = 200, .simulation = { .cuts = 50 } };
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert(outcome.failed && outcome.repeatable);
        ck_assert_str_eq(outcome.what, "a call failed");
}

/* In the middle of whatever it is at: a start, a handshake, a call, a visit there, a stop. */
static const char *has_another_and_stops_it(cop_node *node, void *unused)
{
        int failures = 0;
        (void)unused;
        const char *wrong = calls_over_there(node, &failures);
        if (wrong != NULL)
                return wrong;
        cop_node *there = begin_beside(node);
        ck_assert_int_eq(cop_node_enter(there), COP_OK);
        for (int i = 0; i < 5; i++)
                cop_yield();
        cop_node_leave();
        cop_node_stop(there);
        return NULL;
}

TEST(a_check_of_several_nodes_may_be_left_anywhere_and_nothing_of_them_stays)
{
        unsigned left = 0;
        cop_trial_outcome outcome = { .failed = true };
        for (uint64_t turns = 1; outcome.failed; turns++, left++) {
                const cop_trial trial = { .check = has_another_and_stops_it, .seeds = 1, .first_seed = turns % 7, .max_turns = turns };
                ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
                ck_assert_msg(!outcome.failed || strstr(outcome.what, "it goes on and on") != NULL, "%s", outcome.what);
                ck_assert(!outcome.failed || outcome.repeatable);
                ck_assert_ptr_null(cop_node_here());
        }
        ck_assert_uint_gt(left, 100);
}

static const char *touches_over_there(cop_node *node, void *unused)
{
        (void)unused;
        if (befriend(node) == NULL)
                return "there is no other node";
        cop_call(NULL, cop_at("clumsy", THERE), 1000, step, .number = 1);
        return NULL;
}

static const char *exits_over_there(cop_node *node, void *unused)
{
        cop_node *there = befriend(node);
        if (there == NULL)
                return "there is no other node";
        ck_assert_int_eq(cop_node_enter(there), COP_OK);
        return exits(there, unused);
}

static const char *stays_over_there(cop_node *node, void *unused)
{
        cop_node *there = befriend(node);
        (void)unused;
        if (there == NULL)
                return "there is no other node";
        ck_assert_int_eq(cop_node_enter(there), COP_OK);
        return NULL;
}

static const char *calls_beside_its_tree(cop_node *node, void *failures)
{
        const char *wrong = calls_over_there(node, failures);
        return wrong == NULL && cop_call(NULL, "friend", COP_FOREVER, step, .number = 1) != COP_OK ? "its own is gone" : wrong;
}

TEST(the_tree_of_a_trial_lives_while_its_check_visits_another_node)
{
        int failures = 0;
        ck_assert(!try_it((cop_trial){ .tree = &house, .check = calls_beside_its_tree, .context = &failures }).failed);
        ck_assert_int_eq(failures, 0);
}

TEST(what_fails_a_seed_fails_it_in_each_of_its_nodes)
{
        expect_failure((cop_trial){ .check = touches_over_there }, "clumsy <0.");
        expect_failure((cop_trial){ .check = exits_over_there }, "the check ended with oops");
        expect_failure((cop_trial){ .tree = &house, .check = exits_over_there }, "the check ended with oops");
        expect_failure((cop_trial){ .tree = &house, .check = stays_over_there }, "the check has left its node");
}

static void count_entries(void *count, cop_log_level level, const char *text)
{
        (void)level;
        *(int *)count += strstr(text, "clumsy") != NULL;
}

TEST(the_log_of_a_trial_is_that_of_all_its_nodes)
{
        cop_trial_outcome outcome;
        int entries = 0;
        const cop_trial trial = { .check = touches_over_there, .seeds = 1, .may_fault = true, .log = count_entries, .log_context = &entries };
        ck_assert_int_eq(cop_trial_run(&trial, &outcome), COP_OK);
        ck_assert_msg(!outcome.failed, "%s", outcome.what);
        ck_assert_int_gt(entries, 0);
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
