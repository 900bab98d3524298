/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where workers sleep (scheduler/park.h, poll.h): one of them in the epoll, the others on their futexes, and all that they are woken for,
 * with the parking places that there are. The epoll is the kernel's, and so is the descriptor that things happen at. Under every schedule
 * each task is run and each event told, without anybody's coming to look by chance. The watch has
 * no thread here: who is to look in its place does.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "scheduler/due.h"
#include "scheduler/shared.h"
#include "tests/explore/bare.h"
#include "tests/explore/explore.h"

#define MARK 7
#define ROUNDS 3

struct job {
        struct cop__task task;
        const unsigned *awaits; /* it holds its worker until there have been that many ends */
};

static struct cop__scheduler scheduler;
static struct job jobs[2], telling;
static unsigned ended, told; /* atomic */
static int outside;          /* an eventfd */

__attribute__((constructor)) static void keep_park(void)
{
        explore_keeps_park = true;
}

static void await(unsigned number)
{
        while (cop__load_seq(&ended) < number)
                explore_sleep(&ended, UINT64_MAX);
}

static void run_job(struct cop__task *task)
{
        struct job *job = COP__CONTAINER(task, struct job, task);
        if (job->awaits != NULL)
                await(*job->awaits);
        cop__add_seq(&ended, 1);
        explore_wake(&ended);
}

/* One task for each event, and one event at a time. */
static void tell(struct cop__thread *thread, uint64_t mark)
{
        EXPLORE_ASSERT(mark == MARK);
        cop__add_seq(&told, 1);
        cop__schedule(&scheduler, thread, &telling.task);
}

static const struct cop__scheduler_hooks hooks = { .run = run_job, .ready = tell, BARE_HOOKS };

static void happen(void)
{
        const uint64_t one = 1;
        EXPLORE_ASSERT(write(outside, &one, sizeof(one)) == sizeof(one));
}

/* Each worker has had something to do since there is an epoll, and may sleep there next. */
static void begin(unsigned workers)
{
        memset(jobs, 0, sizeof(jobs));
        memset(&telling, 0, sizeof(telling));
        ended = told = 0;
        jobs[0].task.priority = jobs[1].task.priority = telling.task.priority = COP_PRIORITY_NORMAL;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, workers, 0, 0, &hooks, NULL) == COP_OK);
        outside = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        EXPLORE_ASSERT(cop__poll_add(&scheduler.poll, outside, EPOLLIN, MARK) == COP_OK);
        scheduler.poll.alone = true; /* whatever machine this is: nobody lingers, unless it is told to */
        for (unsigned i = 0; i < workers; i++)
                cop__park_wake(&scheduler.workers[i].park);
        explore_focus(true);
}

static void end(void)
{
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
        close(outside);
}

static void put(struct job *job)
{
        cop__shared_put(&scheduler, COP_PRIORITY_NORMAL, &job->task, &job->task, 1);
}

static void puts_the_second(void *unused)
{
        (void)unused;
        put(&jobs[1]);
}

SCENARIO(who_sleeps_in_the_epoll_is_woken_for_a_task)
{
        begin(1);
        for (unsigned round = 1; round <= ROUNDS; round++) {
                put(&jobs[0]);
                await(round);
        }
        end();
}

SCENARIO(who_sleeps_in_the_epoll_is_told_what_happens)
{
        begin(1);
        for (unsigned round = 1; round <= ROUNDS; round++) {
                happen();
                await(round);
                EXPLORE_ASSERT(cop__load_seq(&told) == round);
        }
        end();
}

/* The first holds its worker until the second has been run: one sleeps in the epoll and one on its futex, and both are woken. */
SCENARIO(of_two_workers_each_is_woken_wherever_it_sleeps)
{
        unsigned others;
        begin(2);
        jobs[0].awaits = &others;
        for (unsigned round = 1; round <= ROUNDS; round++) {
                others = 2 * round - 1;
                unsigned second = explore_thread(puts_the_second, NULL);
                put(&jobs[0]);
                await(2 * round);
                explore_join(second);
        }
        end();
}

/* The task holds its worker, which may have sat in the epoll, until the event has been told. */
SCENARIO(what_happens_while_a_worker_is_busy_is_told_by_the_other)
{
        static const unsigned one = 1;
        begin(2);
        jobs[0].awaits = &one;
        put(&jobs[0]);
        happen();
        await(2);
        EXPLORE_ASSERT(cop__load_seq(&told) == 1);
        end();
}

static void looks_as_the_watch(void *unused)
{
        (void)unused;
        for (unsigned i = 0; i < ROUNDS; i++)
                cop__look_outside_for_workers(&scheduler);
}

/* The seat is the watch's while the only worker has a turn, which may end meanwhile: it falls asleep where no event wakes it. */
SCENARIO(who_falls_asleep_while_the_watch_looks_is_told_what_happens)
{
        begin(1);
        unsigned watch = explore_thread(looks_as_the_watch, NULL);
        for (unsigned round = 1; round <= ROUNDS; round++) {
                put(&jobs[0]);
                happen();
                await(2 * round);
                EXPLORE_ASSERT(cop__load_seq(&told) == round);
        }
        explore_join(watch);
        end();
}

/* Whoever lingers in the seat has no bit in `idle`, and does not search. */
SCENARIO(who_lingers_finds_what_comes)
{
        begin(2);
        scheduler.poll.alone = false;
        for (unsigned round = 1; round <= ROUNDS; round++) {
                cop__poll_set_lively(&scheduler.poll, true);
                put(&jobs[0]);
                happen();
                await(2 * round);
                EXPLORE_ASSERT(cop__load_seq(&told) == round);
        }
        end();
}
