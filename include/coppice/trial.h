/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Trials: one's own tree, tried under many seeds, with all that may go wrong.
 *
 *      static const char *no_money_is_lost(cop_node *node, void *unused)
 *      {
 *              cop_send("teller", transfer, .pence = 20);
 *              cop_node_await_quiet(node, 10000);
 *              return total() == 200 ? NULL : "money was lost";
 *      }
 *
 *      cop_trial_outcome outcome;
 *      cop_trial trial = { .tree = &bank, .check = no_money_is_lost, .seeds = 1000, .simulation = { .crashes = 10 } };
 *      return cop_trial_run(&trial, &outcome) != COP_OK || outcome.failed;
 *
 * Each seed has a simulated node of its own (see simulation.h): the tree is started in it, undisturbed; the check, which is a
 * visitor of the node, does what it wants to with it, and says what is wrong, or NULL; the tree is stopped. The first seed
 * whose check says something ends the trial. It is run a second time, to see that it can be had again, and told on standard error:
 *
 *      seed 41: money was lost (turns: 37, crashes: 2, refusals: 0, simulated: 12 ms)
 *      repeat it with COP_SEED=41
 *
 * A seed also fails when
 * - an actor dies by a fault of its own: an invalid access, a division by zero, a failed assertion. Its report is printed;
 * - the tree has ended at the end of the check, or is ending (more restarts than its intensity allows, say), does not start, or
 *   cannot be stopped;
 * - the check ends by cop_exit(), or is not in its node at its end;
 * - it goes on and on: more turns or more simulated time than a seed may have, or a wait for what can never happen. The check is
 *   left in its middle then, and what it has of its own stays as it is: threads, memory, files.
 *
 * A check may start other nodes beside its own, `with` it (simulation.h), and visit them: they are of the same seed and have the same
 * bounds, what goes wrong does so in all of them, `cuts` included, and one that names no log has the trial's. At its end it is back in its
 * own node. Those that it has not stopped the trial stops.
 *
 * What ends the program itself, such as a failed assertion in the check, or a fault in the middle of malloc, says the seed, too. So
 * does a signal that ends it from outside (SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGXCPU), which is all that ends a turn that never does:
 * try it under timeout(1), or call alarm() before. exit() in a trial says the seed as well, and exit(0) ends the program with 1: else
 * a trial that was never finished would count as one that went well. _exit() does what it does.
 *
 * With COP_SEED=N in the environment a trial runs that seed only: the same check, under a debugger, with more printed, mended.
 *
 * Threads: one that is in no node. See also: simulation.h, supervisor.h; docs/simulation.md; samples/trial.c, samples/turnstile.c.
 */
#ifndef COPPICE_TRIAL_H
#define COPPICE_TRIAL_H

#include <coppice/supervisor.h>

COP_BEGIN_DECLS

/* What is tried. Zero stands for each default; borrowed until the trial is over. */
typedef struct cop_trial {
        const cop_supervisor *tree; /* NULL: none, the check starts what it needs */
        /* What is wrong, as a sentence that lives on when the node has gone, or NULL: nothing is. */
        const char *(*check)(cop_node *node, void *context);
        void *context;
        uint64_t first_seed;
        uint64_t seeds;             /* how many: 1,000 */
        cop_simulation simulation;  /* what goes wrong, from the start of the check to its end; its seed is not looked at */
        uint32_t max_actors;        /* alive at once: 65,536 */
        uint64_t max_turns;         /* of actors in a seed, and jumps to the next timer: 1,000,000 */
        int64_t max_ms;             /* of simulated time in a seed: those of 365 days; COP_FOREVER: no bound */
        bool may_fault;             /* actors may die by faults of their own: they are counted, and that is all */
        bool may_end;               /* the tree may have ended, or be ending, when the check is over */
        cop_log_fn *log;            /* where the nodes' logs go: nowhere, for crashes are meant */
        void *log_context;
} cop_trial;

#define COP_TRIAL_TEXT_MAX 256

typedef struct cop_trial_outcome {
        uint64_t seeds;     /* that were tried */
        uint64_t turns;     /* of actors, in all of them */
        int64_t passed_ms;  /* of simulated time, likewise */
        uint64_t crashes;   /* that were simulated */
        uint64_t faults;    /* of actors, that were not */
        bool failed;
        uint64_t seed;      /* that failed; like the rest only then */
        char what[COP_TRIAL_TEXT_MAX]; /* was wrong */
        bool repeatable;    /* its second run did the same */
} cop_trial_outcome;

COP_API cop_status cop_trial_run_with(const cop_trial *trial, const cop_kind *const *kinds_first,
                                      const cop_kind *const *kinds_last,
                                      cop_trial_outcome *outcome);

/*
 * Tries the seeds until one fails. Errors: COP_E_BAD_ARGUMENT (no check, no outcome, a negative max_ms, a thread that is in a node,
 * a COP_SEED that is no number), and what cop_node_start and cop_node_enter say; a tree that does not start is a seed that fails.
 */
static inline cop_status cop_trial_run(const cop_trial *trial, cop_trial_outcome *outcome)
{
        return cop_trial_run_with(trial, COP__KINDS_FIRST, COP__KINDS_LAST, outcome);
}

COP_END_DECLS

#endif
