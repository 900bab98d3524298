/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what would many cores do to each other?
 *
 *      coppice-crowd [--quick]         1, 2, 8 and 64 workers; a line of JSON for each workload
 *
 * The scheduler's own source with up to 64 workers, simulated (crowd.h), under six workloads. A turn takes 200 ns.
 *
 *      tree        a task spawns four, each of these four, and so on: work that spreads from one worker to all
 *      burst       one task makes thousands runnable at once
 *      pairs       four pairs for each worker, each with one ball: work that has spread, and should stay
 *      ring        one token among a thousand tasks: nothing to share
 *      fans        a receiver with seven senders for each worker, which need long turns: each fan should be on one worker, and each
 *                  worker have a fan. A sender's turn takes 800 ns more if its receiver is elsewhere: eight messages travel
 *      trickle     from outside, one task every 50 us: each needs one worker, and no more
 *
 * For each: `turns`, and how long they took (`us`); how often a sleeping worker was woken, and how often in vain, that is, slept
 * again without having run a task; looks into others' rings that found nothing, for each turn; atomic changes, and
 * cache lines that came from another core, for each turn; turns of senders whose receiver was elsewhere, of each turn.
 * Checked: each turn that was to be was, and no task ran on two workers at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crowd/crowd.h"
#include "scheduler/follow.h"
#include "scheduler/runnable.h"
#include "scheduler/scheduler.h"

#define TURN_NS 200u
#define WORKERS_MAX 64u
#define SENDERS 7u
#define MESSAGES 8u /* of a sender in a turn */

struct unit {
        struct cop__task task;
        struct unit *partner; /* made runnable at the end of a turn; NULL: none */
        struct unit *fan;     /* its receiver, or itself; NULL: it is in no fan */
        uint32_t children;    /* spawned in a turn: of depth less one */
        uint32_t depth;
        bool running;
};

/* What all tasks of a run share. The driver is one thread: plain variables do. */
static struct {
        struct cop__scheduler scheduler;
        struct unit *units;
        uint64_t used, room, turns, wanted, abroad;
} crowd;

static void fail(const char *what)
{
        fprintf(stderr, "coppice-crowd: %s\n", what);
        exit(2);
}

static struct unit *new_unit(void)
{
        if (crowd.used == crowd.room)
                fail("more tasks than there is room for");
        struct unit *unit = &crowd.units[crowd.used++];
        unit->task.priority = COP_PRIORITY_NORMAL;
        return unit;
}

static void make_runnable(struct unit *unit)
{
        cop__schedule(&crowd.scheduler, cop__thread_here(), &unit->task);
}

static void spawn_children(const struct unit *unit)
{
        for (uint32_t i = 0; i < unit->children; i++) {
                struct unit *child = new_unit();
                child->depth = unit->depth - 1;
                child->children = child->depth > 0 ? unit->children : 0;
                make_runnable(child);
        }
}

/* What it takes more. */
static uint64_t be_in_fan(struct unit *unit)
{
        struct cop__worker *worker = cop__worker_here();
        bool is_abroad = unit->fan != unit && cop__load_relaxed(&unit->fan->task.at) != worker->index + 1;
        if (unit->fan == unit)
                cop__follow_show(&unit->task, worker->index);
        else
                cop__follow_note(worker, &unit->fan->task, MESSAGES);
        crowd.abroad += is_abroad;
        if (crowd.turns < crowd.wanted)
                cop__schedule_later(&crowd.scheduler, cop__thread_here(), &unit->task);
        return is_abroad ? MESSAGES * CROWD_MOVE_NS : 0;
}

static void run(struct cop__task *task)
{
        struct unit *unit = (struct unit *)task;
        if (unit->running)
                fail("a task runs on two workers");
        unit->running = true;
        crowd.turns++;
        spawn_children(unit);
        unit->running = false;
        uint64_t spent_ns = TURN_NS;
        if (unit->fan != NULL)
                spent_ns += be_in_fan(unit);
        if (unit->partner != NULL && crowd.turns < crowd.wanted)
                make_runnable(unit->partner);
        crowd_spend(spent_ns);
}

/* ---- The workloads -------------------------------------------------------------------------- */

static void tree(uint64_t scale, unsigned workers)
{
        struct unit *root = new_unit();
        (void)workers;
        root->children = 4;
        for (crowd.wanted = 1; crowd.wanted < scale; root->depth++)
                crowd.wanted = 4 * crowd.wanted + 1;
        make_runnable(root);
}

static void burst(uint64_t scale, unsigned workers)
{
        struct unit *root = new_unit();
        (void)workers;
        root->depth = 1;
        root->children = (uint32_t)scale;
        crowd.wanted = scale + 1;
        make_runnable(root);
}

static void pairs(uint64_t scale, unsigned workers)
{
        crowd.wanted = scale * workers;
        for (unsigned i = 0; i < 4 * workers; i++) {
                struct unit *one = new_unit(), *other = new_unit();
                one->partner = other;
                other->partner = one;
                make_runnable(one);
        }
}

static void ring(uint64_t scale, unsigned workers)
{
        struct unit *first = new_unit(), *last = first;
        (void)workers;
        crowd.wanted = scale;
        for (int i = 1; i < 1000; i++) {
                struct unit *next = new_unit();
                last->partner = next;
                last = next;
        }
        last->partner = first;
        make_runnable(first);
}

static void fans(uint64_t scale, unsigned workers)
{
        crowd.wanted = scale * workers;
        for (unsigned i = 0; i < workers; i++) {
                struct unit *receiver = new_unit();
                for (unsigned k = 0; k <= SENDERS; k++) {
                        struct unit *unit = k == 0 ? receiver : new_unit();
                        unit->fan = receiver;
                        make_runnable(unit);
                }
        }
}

static bool are_done(const void *turns)
{
        return crowd.turns >= *(const uint64_t *)turns;
}

static bool never(const void *unused)
{
        (void)unused;
        return false;
}

/* Each when the one before has run and all workers sleep again. */
static void trickle(uint64_t scale, unsigned workers)
{
        (void)workers;
        crowd.wanted = scale / 16 + 1;
        for (uint64_t i = 1; i < crowd.wanted; i++) {
                make_runnable(new_unit());
                if (crowd_run_until(never, NULL) || !are_done(&i))
                        fail("a task from outside was not run");
        }
        make_runnable(new_unit());
}

static const struct workload {
        const char *name;
        void (*begin)(uint64_t scale, unsigned workers);
} workloads[] = {
        { "tree", tree }, { "burst", burst }, { "pairs", pairs }, { "ring", ring }, { "fans", fans },
        { "trickle", trickle },
};

/* ---- A run ---------------------------------------------------------------------------------- */

static void nothing(struct cop__thread *thread)
{
        (void)thread;
}

static cop_status nothing_fails(struct cop__thread *thread)
{
        (void)thread;
        return COP_OK;
}

static void no_timer(struct cop__timer *timer, void *owner)
{
        (void)timer, (void)owner;
}

static const struct cop__scheduler_hooks hooks = {
        .run = run, .leave = no_timer, .fire = no_timer, .thread_init = nothing_fails,
        .thread_fini = nothing, .thread_enter = nothing, .thread_leave = nothing,
};

static void print(const char *name, unsigned workers, uint64_t began_ns)
{
        const struct crowd_counts *counts = &crowd_counts;
        double turns = (double)crowd.turns;
        printf("{\"crowd\":\"%s\",\"workers\":%u,\"turns\":%llu,\"us\":%.1f,\"speed_up\":%.1f,\"wakes\":%llu,"
               "\"futile_wakes\":%llu,\"failed_steals_per_turn\":%.3f,\"locked_per_turn\":%.2f,"
               "\"moved_per_turn\":%.3f,\"abroad_per_turn\":%.3f}\n",
               name, workers, (unsigned long long)crowd.turns, (double)(crowd_clock_ns() - began_ns) / 1000,
               turns * TURN_NS / (double)(crowd_clock_ns() - began_ns), (unsigned long long)counts->wakes,
               (unsigned long long)counts->futile_wakes, (double)counts->failed_steals / turns,
               (double)counts->locked / turns, (double)counts->moved / turns,
               (double)crowd.abroad / turns);
}

static void measure(const struct workload *workload, uint64_t scale, unsigned workers)
{
        crowd.used = crowd.turns = crowd.abroad = 0;
        crowd.room = 8 * scale + 2000;
        crowd.units = calloc(crowd.room, sizeof(crowd.units[0]));
        if (crowd.units == NULL || cop__scheduler_start(&crowd.scheduler, workers, 0, 0, &hooks, NULL) != COP_OK)
                fail("no memory for a scheduler");
        crowd_run_until(never, NULL); /* until all sleep */
        memset(&crowd_counts, 0, sizeof(crowd_counts));
        uint64_t began_ns = crowd_clock_ns();
        workload->begin(scale, workers);
        if (!crowd_run_until(are_done, &crowd.wanted))
                fail("all workers sleep, and there are tasks left");
        print(workload->name, workers, began_ns);
        crowd_run_until(never, NULL);
        cop__scheduler_stop(&crowd.scheduler);
        free(crowd.units);
}

int main(int argc, char **argv)
{
        bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
        const unsigned counts[] = { 1, 2, 8, WORKERS_MAX };
        if (argc > 1 && !quick) {
                fprintf(stderr, "usage: coppice-crowd [--quick]\n");
                return 64;
        }
        for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
                for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
                        measure(&workloads[i], quick ? 2000 : 20000, counts[k]);
        return 0;
}
