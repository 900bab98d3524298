/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trials: a tree in one simulated node after another. See coppice/trial.h. */
#include <coppice/trial.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/preempt.h"
#include "actors/simulation.h"
#include "base/clock.h"
#include "supervisor/tried.h"

#define SEEDS_DEFAULT 1000u
#define ACTORS_DEFAULT 65536u

/* A second or so of a real one: a tree that ticks is a matter of a thousand turns, and one that spins gets there. */
#define TURNS_DEFAULT 1000000u
#define DAYS_DEFAULT 365u

/* A trial that is on. */
struct trial {
        const cop_trial *what;
        const cop_kind *const *kinds_first, *const *kinds_last;
        cop_simulation_state last;   /* of the seed before */
        bool failed;                 /* that one */
        bool by_fault;               /* of an actor: its words may have an address in them */
        char wrong[COP_TRIAL_TEXT_MAX]; /* about it */
        char again[64];              /* how to have the seed again */
        struct cop__way_out way_out; /* of the visit */
        struct cop__tried tried;
};

static void log_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

/* What is wrong first counts. */
static void say_wrong(struct trial *trial, const char *format, ...) COP_PRINTF(2, 3);

static void say_wrong(struct trial *trial, const char *format, ...)
{
        va_list arguments;
        if (trial->failed)
                return;
        trial->failed = true;
        va_start(arguments, format);
        vsnprintf(trial->wrong, sizeof(trial->wrong), format, arguments);
        va_end(arguments);
}

/* ---- One seed ------------------------------------------------------------------------------ */

/* From here on things go wrong, or no longer do: then a refusal that was asked for does not come either. */
static void disturb(cop_node *node, const cop_simulation *how)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        uint64_t seed = simulation->options.seed;
        simulation->options = *how;
        simulation->options.seed = seed;
        simulation->refuse_at = 0;
}

/* In the words of the report's first line, which begins with two stars. */
static void look_for_faults(struct trial *trial, const cop_node *node)
{
        const char *report = trial->way_out.fault;
        if (trial->failed || trial->what->may_fault || cop__simulation_of(node)->faults == 0)
                return;
        trial->by_fault = true;
        report += strspn(report, "* ");
        say_wrong(trial, "%.*s", (int)strcspn(report, "\n"), report);
}

/* False: the thread is not inside any more. */
static bool check(struct trial *trial, cop_node *node)
{
        const cop_trial *what = trial->what;
        const cop_simulation calm = { .checks = what->simulation.checks };
        disturb(node, &what->simulation);
        const char *wrong = what->check(node, what->context);
        disturb(node, &calm);
        if (wrong != NULL)
                say_wrong(trial, "%s", wrong[0] != '\0' ? wrong : "the check fails, and does not say why");
        if (cop_node_here() != node)
                say_wrong(trial, "the check has left its node"); /* for none, or for another one */
        look_for_faults(trial, node);
        return cop_node_here() == node;
}

/* It may take its time to stop its children; nobody else runs here, so its own can be looked at. */
static bool is_ending(cop_node *node, cop_pid root)
{
        const struct cop__actor *actor = cop__slot_of(node, root);
        return actor != NULL && cop__slot_is(actor, root) && actor->leaving;
}

/* The word of its end, which is awaited if it is near; NULL: it has been read, or there is no memory to wait. */
static cop_message *word_of_end(cop_node *node, cop_pid root)
{
        cop_ref ref;
        if (is_ending(node, root) && cop_monitor(root, &ref) == COP_OK)
                return cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        return cop_receive(0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = root });
}

static void say_ended(struct trial *trial, cop_node *node, cop_pid root)
{
        char text[128] = "";
        cop_message *message = word_of_end(node, root);
        const cop_exited *exited = cop_read(cop_exited, message);
        const cop_down *down = cop_read(cop_down, message);
        if (message != NULL)
                cop_term_print(down != NULL ? down->reason : exited->reason, node->kinds, text, sizeof(text));
        cop_message_free(message);
        say_wrong(trial, "the tree has ended%s%s", text[0] != '\0' ? ": " : "", text);
}

static void check_tree(struct trial *trial, cop_node *node)
{
        cop_pid root = cop_no_pid();
        cop_status status = cop_supervise(trial->what->tree, &root);
        if (status != COP_OK) {
                look_for_faults(trial, node);
                say_wrong(trial, "the tree did not start: %s", cop_status_text(status));
                return;
        }
        if (!check(trial, node))
                return;
        if (!trial->what->may_end && (!cop_is_alive(root) || is_ending(node, root)))
                say_ended(trial, node, root);
        status = cop_shutdown(root, COP_SHUTDOWN_INFINITY);
        if (status != COP_OK)
                say_wrong(trial, "the tree cannot be stopped: %s", cop_status_text(status));
        look_for_faults(trial, node);
}

/* What goes on too long, and what exits, comes back here, with the visit over. */
static COP__NOINLINE void visit(struct trial *trial, cop_node *node)
{
        if (_setjmp(trial->way_out.point) != 0)
                say_wrong(trial, "%s", trial->way_out.why);
        else if (trial->what->tree != NULL)
                check_tree(trial, node);
        else
                check(trial, node);
}

static void visit_in_bounds(struct trial *trial, cop_node *node)
{
        const cop_trial *what = trial->what;
        struct cop__simulation *simulation = cop__simulation_of(node);
        const cop_simulation calm = { .checks = what->simulation.checks };
        int64_t ms = what->max_ms > 0 ? what->max_ms : DAYS_DEFAULT * INT64_C(86400000);
        simulation->steps_max = what->max_turns > 0 ? what->max_turns : TURNS_DEFAULT;
        simulation->end_ns = cop__deadline_ns(ms);
        simulation->way_out = &trial->way_out;
        visit(trial, node);
        simulation->way_out = NULL;
        simulation->steps_max = simulation->end_ns = UINT64_MAX;
        simulation->over = NULL;
        disturb(node, &calm);
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
        cop__store_relaxed(&trial->tried.seed, seed);
        cop__simulation_of(*node)->again = trial->again;
        status = cop_node_enter(*node);
        if (status != COP_OK)
                cop_node_stop(*node);
        return status;
}

/* Those that the check has started and not stopped. */
static void stop_others(cop_node *node)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        for (uint32_t i = simulation->node_count; i-- > 0;) {
                cop_node *other = simulation->nodes[i].scheduler->owner;
                if (other != node)
                        cop_node_stop(other);
        }
}

static cop_status try_seed(struct trial *trial, uint64_t seed)
{
        cop_node *node;
        cop_status status = begin(trial, seed, &node);
        if (status != COP_OK)
                return status;
        trial->failed = trial->by_fault = false;
        trial->way_out.fault[0] = '\0';
        visit_in_bounds(trial, node);
        cop_simulation_look(node, &trial->last);
        while (cop_node_here() != NULL)
                cop_node_leave();
        stop_others(node);
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
        outcome->faults += trial->last.faults;
}

/* As the log has it, but for what has been said. */
static void tell_fault(const struct trial *trial)
{
        const char *report = trial->way_out.fault;
        if (trial->by_fault)
                report += strcspn(report, "\n") + (strchr(report, '\n') != NULL);
        if (report[0] != '\0')
                fprintf(stderr, "%s\n", report);
}

static void tell(const struct trial *trial, const cop_trial_outcome *outcome, const cop_simulation_state *state)
{
        fprintf(stderr,
                "seed %" PRIu64 ": %s (turns: %" PRIu64 ", crashes: %" PRIu64 ", refusals: %" PRIu64
                ", simulated: %" PRId64 " ms)\n",
                outcome->seed, outcome->what, state->turns, state->crashes, state->refusals,
                state->passed_ms);
        if (!trial->what->may_fault)
                tell_fault(trial);
        if (outcome->repeatable)
                fprintf(stderr, "%s\n", trial->again);
        else
                fprintf(stderr, "its second run was another one: something in the program is not the node's "
                                "(time, random numbers, addresses, threads)\n");
}

/* The seed before has failed: once more, to see whether it is the same. */
static cop_status fail(struct trial *trial, uint64_t seed, cop_trial_outcome *outcome)
{
        const cop_simulation_state first = trial->last;
        const bool by_fault = trial->by_fault;
        outcome->failed = true;
        outcome->seed = seed;
        memcpy(outcome->what, trial->wrong, sizeof(outcome->what));
        cop_status status = try_seed(trial, seed);
        if (status != COP_OK)
                return status;
        outcome->repeatable = trial->failed && trial->by_fault == by_fault &&
                              trial->last.signature == first.signature &&
                              (by_fault || strcmp(trial->wrong, outcome->what) == 0);
        tell(trial, outcome, &first);
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
                if (trial->failed)
                        return fail(trial, first + i, outcome);
        }
        return COP_OK;
}

/* Who ends the program meanwhile hears which seed it is at. */
static cop_status try_and_tell(struct trial *trial, uint64_t first, uint64_t count, cop_trial_outcome *outcome)
{
        cop_status status = cop__tried_begin(&trial->tried);
        if (status == COP_OK) {
                status = try_all(trial, first, count, outcome);
                cop__tried_end(&trial->tried);
        }
        return status;
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
        if (what == NULL || what->check == NULL || what->max_ms < 0 || what->simulation.with != NULL || outcome == NULL ||
            cop_node_here() != NULL)
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
                status = try_and_tell(&trial, first, count, outcome);
                cop__preempt_uninstall();
        }
        cop__fault_uninstall();
        return status;
}
