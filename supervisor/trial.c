/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trials: a tree in one simulated node after another. See coppice/trial.h. */
#include <coppice/trial.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/preempt.h"
#include "actors/simulation.h"

#define SEEDS_DEFAULT 1000u
#define ACTORS_DEFAULT 65536u

/* A trial that is on. */
struct trial {
        const cop_trial *what;
        const cop_kind *const *kinds_first, *const *kinds_last;
        cop_simulation_state last;   /* of the seed before */
        char wrong[COP_TRIAL_TEXT_MAX]; /* about it; empty: nothing */
        char again[64];              /* how to have the seed again */
};

static void log_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

static void say_wrong(struct trial *trial, const char *what)
{
        snprintf(trial->wrong, sizeof(trial->wrong), "%s", what);
}

/* ---- One seed ------------------------------------------------------------------------------ */

/* From here on things go wrong, or no longer do. */
static void disturb(cop_node *node, const cop_simulation *how)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        uint64_t seed = simulation->options.seed;
        simulation->options = *how;
        simulation->options.seed = seed;
}

static void check(struct trial *trial, cop_node *node)
{
        const cop_trial *what = trial->what;
        const cop_simulation calm = { .checks = what->simulation.checks };
        disturb(node, &what->simulation);
        const char *wrong = what->check(node, what->context);
        disturb(node, &calm);
        if (wrong != NULL)
                say_wrong(trial, wrong);
}

static void check_tree(struct trial *trial, cop_node *node)
{
        cop_pid root = cop_no_pid();
        cop_status status = cop_supervise(trial->what->tree, &root);
        if (status != COP_OK) {
                snprintf(trial->wrong, sizeof(trial->wrong), "the tree did not start: %s",
                         cop_status_text(status));
                return;
        }
        check(trial, node);
        cop_shutdown(root, COP_SHUTDOWN_INFINITY);
}

static cop_status begin(struct trial *trial, uint64_t seed, cop_node **node)
{
        const cop_trial *what = trial->what;
        const cop_simulation calm = { .seed = seed, .checks = what->simulation.checks };
        const cop_node_options options = {
                .max_actors = what->max_actors > 0 ? what->max_actors : ACTORS_DEFAULT,
                .log = what->log != NULL ? what->log : log_nothing,
                .log_context = what->log_context,
                .simulation = &calm,
        };
        cop_status status = cop_node_start_with(&options, trial->kinds_first, trial->kinds_last, node);
        if (status != COP_OK)
                return status;
        snprintf(trial->again, sizeof(trial->again), "repeat it with COP_SEED=%" PRIu64, seed);
        cop__simulation_of(*node)->again = trial->again;
        status = cop_node_enter(*node);
        if (status != COP_OK)
                cop_node_stop(*node);
        return status;
}

static cop_status try_seed(struct trial *trial, uint64_t seed)
{
        cop_node *node;
        cop_status status = begin(trial, seed, &node);
        if (status != COP_OK)
                return status;
        trial->wrong[0] = '\0';
        if (trial->what->tree != NULL)
                check_tree(trial, node);
        else
                check(trial, node);
        cop_simulation_look(node, &trial->last);
        cop_node_leave();
        cop_node_stop(node);
        return COP_OK;
}

/* ---- Many seeds ------------------------------------------------------------------------------ */

static void add_up(const struct trial *trial, cop_trial_outcome *outcome)
{
        outcome->seeds++;
        outcome->turns += trial->last.turns;
        outcome->passed_ms += trial->last.passed_ms;
        outcome->crashes += trial->last.crashes;
}

static void tell(const cop_trial_outcome *outcome, const cop_simulation_state *state, const char *again)
{
        fprintf(stderr,
                "seed %" PRIu64 ": %s (turns: %" PRIu64 ", crashes: %" PRIu64 ", refusals: %" PRIu64
                ", simulated: %" PRId64 " ms)\n",
                outcome->seed, outcome->what, state->turns, state->crashes, state->refusals,
                state->passed_ms);
        if (outcome->repeatable)
                fprintf(stderr, "%s\n", again);
        else
                fprintf(stderr, "its second run was another one: something in the program is not the node's "
                                "(time, random numbers, addresses, threads)\n");
}

/* The seed before has failed: once more, to see whether it is the same. */
static cop_status fail(struct trial *trial, uint64_t seed, cop_trial_outcome *outcome)
{
        const cop_simulation_state first = trial->last;
        outcome->failed = true;
        outcome->seed = seed;
        memcpy(outcome->what, trial->wrong, sizeof(outcome->what));
        cop_status status = try_seed(trial, seed);
        if (status != COP_OK)
                return status;
        outcome->repeatable = trial->last.signature == first.signature &&
                              strcmp(trial->wrong, outcome->what) == 0;
        tell(outcome, &first, trial->again);
        return COP_OK;
}

static cop_status try_all(struct trial *trial, uint64_t first, uint64_t count,
                          cop_trial_outcome *outcome)
{
        for (uint64_t i = 0; i < count; i++) {
                cop_status status = try_seed(trial, first + i);
                if (status != COP_OK)
                        return status;
                add_up(trial, outcome);
                if (trial->wrong[0] != '\0')
                        return fail(trial, first + i, outcome);
        }
        return COP_OK;
}

/* What the environment says instead of the trial. */
static cop_status choose_seeds(const cop_trial *what, uint64_t *first, uint64_t *count)
{
        const char *wanted = getenv("COP_SEED");
        char *end;
        *first = what->first_seed;
        *count = what->seeds > 0 ? what->seeds : SEEDS_DEFAULT;
        if (wanted == NULL || *wanted == '\0')
                return COP_OK;
        errno = 0;
        *first = strtoull(wanted, &end, 10);
        *count = 1;
        return *end == '\0' && errno == 0 && *wanted != '-' ? COP_OK : COP_E_BAD_ARGUMENT;
}

cop_status cop_trial_run_with(const cop_trial *what, const cop_kind *const *kinds_first,
                              const cop_kind *const *kinds_last, cop_trial_outcome *outcome)
{
        struct trial trial = { .what = what, .kinds_first = kinds_first, .kinds_last = kinds_last };
        uint64_t first, count;
        if (what == NULL || what->check == NULL || outcome == NULL || cop_node_here() != NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = choose_seeds(what, &first, &count);
        if (status != COP_OK)
                return status;
        memset(outcome, 0, sizeof(*outcome));
        /* Held over all nodes: handlers that are installed for each anew would cost more than the nodes do. */
        status = cop__fault_install();
        if (status != COP_OK)
                return status;
        status = cop__preempt_install();
        if (status == COP_OK) {
                status = try_all(&trial, first, count, outcome);
                cop__preempt_uninstall();
        }
        cop__fault_uninstall();
        return status;
}
