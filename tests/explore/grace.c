/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A grace (scheduler/grace.h), over one word: it shows something that workers look up in their turns, and visitors while they are awake,
 * and use. A thread hides it, and takes it away when the grace is over. Under every schedule nobody uses it from then on, and whatever
 * they have written there is seen. The workers here do no more than count their turns, and sleep, look out and rest, as loop.c, sleep.c and spare.c
 * have them.
 */
#include <string.h>

#include "scheduler/grace.h"
#include "scheduler/scheduler.h"
#include "tests/explore/explore.h"

#define WORKERS 2
#define USERS (WORKERS + 1) /* and a visitor */
#define TURNS 3

static struct cop__scheduler scheduler;
static struct cop__worker workers[WORKERS];
static struct user {
        unsigned used;
        uint32_t written; /* atomic: the same, as who takes it away reads it */
} users[USERS];
static uint32_t shown; /* atomic */
static bool gone;

static void look_and_use(struct user *user)
{
        if (!cop__load_relaxed(&shown))
                return;
        user->used++;
        cop__store_relaxed(&user->written, user->used);
        EXPLORE_ASSERT(!gone);
}

/* It acts while its bit says that it sleeps. */
static void look_out(struct cop__worker *worker)
{
        uint32_t nobody = 0;
        if (!cop__cas_seq(&scheduler.lookout, &nobody, worker->index + 1))
                return;
        look_and_use(&users[worker->index]);
        cop__store_seq(&scheduler.lookout, 0);
}

static void take_turns(struct cop__worker *worker)
{
        for (unsigned i = 0; i < TURNS; i++) {
                cop__count_up(&worker->turns);
                look_and_use(&users[worker->index]);
        }
}

/* A spare: at rest it fires timers. */
static void stand_in(void *argument)
{
        struct cop__worker *worker = argument;
        take_turns(worker);
        cop__or_seq(&scheduler.spares.resting, UINT64_C(1) << worker->index);
        for (unsigned i = 0; i < TURNS; i++) {
                cop__add_seq(&scheduler.spares.firing, 1);
                look_and_use(&users[worker->index]);
                cop__sub_seq(&scheduler.spares.firing, 1);
        }
}

static void work(void *argument)
{
        struct cop__worker *worker = argument;
        uint64_t bit = UINT64_C(1) << worker->index;
        take_turns(worker);
        cop__or_seq(&scheduler.idle, bit);
        look_out(worker);
        cop__and_seq(&scheduler.idle, ~bit);
        look_and_use(&users[worker->index]);
        cop__or_seq(&scheduler.idle, bit);
}

static void visit(void *unused)
{
        (void)unused;
        for (unsigned i = 0; i < TURNS; i++) {
                cop__company_join_visiting(&scheduler.company);
                look_and_use(&users[WORKERS]);
                cop__company_leave_visiting(&scheduler.company);
        }
}

static void take_away(void)
{
        struct cop__grace grace;
        cop__store_relaxed(&shown, 0);
        EXPLORE_ASSERT(cop__grace_begin(&scheduler, &grace));
        while (!cop__grace_is_over(&scheduler, &grace))
                explore_yield();
        gone = true;
        for (unsigned i = 0; i < USERS; i++)
                EXPLORE_ASSERT(cop__load_relaxed(&users[i].written) == users[i].used);
}

static void begin(void)
{
        memset(&scheduler, 0, sizeof(scheduler));
        memset(workers, 0, sizeof(workers));
        memset(users, 0, sizeof(users));
        scheduler.workers = workers;
        shown = 1;
        gone = false;
        cop__company_init(&scheduler.company, false, 0);
}

static void run(unsigned worker_count, unsigned spare_count, bool visited)
{
        unsigned threads[USERS], count = 0;
        begin();
        scheduler.worker_count = worker_count;
        scheduler.reach = worker_count + spare_count;
        for (; count < scheduler.reach; count++) {
                workers[count].index = count;
                threads[count] = explore_thread(count < worker_count ? work : stand_in, &workers[count]);
        }
        if (visited)
                threads[count++] = explore_thread(visit, NULL);
        take_away();
        while (count > 0)
                explore_join(threads[--count]);
}

SCENARIO(what_a_worker_may_have_found_stays_until_its_turn_is_over)
{
        run(1, 0, false);
}

SCENARIO(what_workers_and_a_visitor_may_have_found_stays_until_all_have_been_elsewhere)
{
        run(WORKERS, 0, true);
}

SCENARIO(what_a_spare_may_have_found_stays_until_it_rests_and_fires_nothing)
{
        run(0, 1, false);
}
