/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A worker's desk and its company by themselves: nothing that lies on a desk is lost or doubled when a raider comes, and who is alone
 * is so. What is touched at the desk is not atomic; that the two sides exclude each other is one of the claims.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "scheduler/barrier.h"
#include "scheduler/company.h"
#include "scheduler/desk.h"
#include "scheduler/scheduler.h"
#include "tests/suite.h"

#define TASKS 64u

/* ---- One thread ---------------------------------------------------------------------- */

TEST(what_was_woken_last_is_next_and_displaces_what_was_before)
{
        struct cop__desk desk = { 0 };
        struct cop__task first = { 0 }, second = { 0 };
        ck_assert(cop__desk_is_empty(&desk));
        ck_assert_ptr_null(cop__desk_swap(&desk, &first));
        ck_assert(!cop__desk_is_empty(&desk));
        ck_assert_ptr_eq(cop__desk_swap(&desk, &second), &first);
        ck_assert_ptr_eq(cop__desk_swap(&desk, NULL), &second);
        ck_assert(cop__desk_is_empty(&desk));
}

static void a_raid_takes_all(enum cop__desk_guard guard)
{
        struct cop__desk desk = { .guard = (uint8_t)guard };
        struct cop__task tasks[1 + COP__DESK_FEW], *raided[1 + COP__DESK_FEW], fresh[2];
        struct cop__task_list pile;
        ck_assert_uint_eq(cop__desk_raid(&desk, raided, &pile), 0);
        for (uint32_t i = 0; i < COP__DESK_FEW; i++)
                desk.few[i] = &tasks[i];
        desk.few_count = COP__DESK_FEW;
        ck_assert_ptr_null(cop__desk_swap(&desk, &tasks[COP__DESK_FEW]));
        ck_assert_ptr_eq(cop__desk_take(&desk), &tasks[0]);
        cop__desk_pile(&desk, &fresh[0]);
        cop__desk_pile(&desk, &fresh[1]);
        ck_assert_uint_eq(cop__desk_raid(&desk, raided, &pile), COP__DESK_FEW);
        for (uint32_t i = 0; i < COP__DESK_FEW; i++)
                ck_assert_ptr_eq(raided[i], &tasks[i + 1]);
        ck_assert_uint_eq(pile.count, 2);
        ck_assert_ptr_eq(pile.first, &fresh[0]);
        ck_assert_ptr_eq(pile.last, &fresh[1]);
        ck_assert(cop__desk_is_empty(&desk));
        ck_assert_ptr_null(cop__desk_take(&desk));
        ck_assert_ptr_null(cop__desk_begin(&desk));
}

TEST(a_raid_takes_all_that_lies_there_the_oldest_first)
{
        a_raid_takes_all(cop__desk_guard_for(2));
        a_raid_takes_all(COP__DESK_LOCK);
}

TEST(a_raid_takes_nothing_while_the_owner_is_there)
{
        struct cop__desk desk = { .guard = (uint8_t)cop__desk_guard_for(2) };
        struct cop__task task = { 0 }, *raided[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        ck_assert_ptr_null(cop__desk_swap(&desk, &task));
        bool guarded = cop__desk_come(&desk);
        ck_assert_uint_eq(cop__desk_raid(&desk, raided, &pile), 0);
        cop__desk_leave(&desk, guarded);
        ck_assert_uint_eq(cop__desk_raid(&desk, raided, &pile), 1);
        ck_assert_ptr_eq(raided[0], &task);
}

TEST(a_worker_without_others_guards_its_desk_against_nobody)
{
        ck_assert_int_eq(cop__desk_guard_for(1), COP__DESK_ALONE);
        ck_assert_int_ne(cop__desk_guard_for(2), COP__DESK_ALONE);
}

/* ---- Two threads ----------------------------------------------------------------------- */

/* Tasks go from the owner to the desk, and come back from there or by a raid; none is in two places. */
struct raided {
        struct cop__desk desk;
        struct cop__task tasks[TASKS];
        uint8_t out[TASKS];     /* atomic; 1: it lies on the desk */
        uint64_t by_raid;       /* atomic */
        bool over;              /* atomic */
};

static void comes_back(struct raided *all, struct cop__task *task)
{
        uint8_t *out = &all->out[task - all->tasks];
        ck_assert_uint_eq(cop__exchange_acq_rel(out, 0), 1);
}

static void *raids(void *argument)
{
        struct raided *all = argument;
        while (!cop__load_acquire(&all->over)) {
                struct cop__task *tasks[1 + COP__DESK_FEW], *next;
                struct cop__task_list pile;
                uint32_t count = cop__desk_raid(&all->desk, tasks, &pile);
                for (uint32_t i = 0; i < count; i++)
                        comes_back(all, tasks[i]);
                for (struct cop__task *task = pile.first; task != NULL; task = next) {
                        next = task->next; /* from its coming back on it is its owner's */
                        comes_back(all, task);
                }
                cop__add_acq_rel(&all->by_raid, count + pile.count);
        }
        return NULL;
}

static void put_few(struct cop__desk *desk, struct cop__task *task)
{
        bool guarded = cop__desk_come(desk);
        if (desk->few_count == 0) {
                desk->few_at = 0;
                desk->few[0] = task;
                cop__store_relaxed(&desk->few_count, 1);
                task = NULL;
        }
        cop__desk_leave(desk, guarded);
        ck_assert_ptr_null(task);
}

static void none_is_lost(enum cop__desk_guard guard)
{
        struct raided *all = calloc(1, sizeof(*all));
        pthread_t raider;
        ck_assert_ptr_nonnull(all);
        all->desk.guard = (uint8_t)guard;
        ck_assert_int_eq(pthread_create(&raider, NULL, raids, all), 0);
        /* Each raid may take as long as the fence, which is slow on a busy machine. At least one is to find something. */
        const uint32_t count = suite_is_slow() ? 2000 : 10000;
        for (uint32_t i = 0; i < count || cop__load_acquire(&all->by_raid) == 0; i++) {
                struct cop__task *task = &all->tasks[i % TASKS];
                while (cop__load_acquire(&all->out[i % TASKS]) != 0)
                        cop__spin_wait(i);
                cop__store_release(&all->out[i % TASKS], 1);
                struct cop__task *displaced = NULL;
                if (i % 3 == 0 && cop__load_relaxed(&all->desk.few_count) == 0)
                        put_few(&all->desk, task);
                else if (i % 3 == 1)
                        cop__desk_pile(&all->desk, task);
                else
                        displaced = cop__desk_swap(&all->desk, task);
                if (displaced != NULL)
                        comes_back(all, displaced);
                struct cop__task *few = i % 2 == 0 ? cop__desk_take(&all->desk) : NULL;
                if (few != NULL)
                        comes_back(all, few);
                struct cop__task *fresh = i % 4 != 0 ? cop__desk_begin(&all->desk) : NULL;
                if (fresh != NULL)
                        comes_back(all, fresh);
        }
        cop__store_release(&all->over, true);
        pthread_join(raider, NULL);
        struct cop__task *left;
        while ((left = cop__desk_take(&all->desk)) != NULL ||
               (left = cop__desk_begin(&all->desk)) != NULL ||
               (left = cop__desk_swap(&all->desk, NULL)) != NULL)
                comes_back(all, left);
        for (uint32_t i = 0; i < TASKS; i++)
                ck_assert_uint_eq(all->out[i], 0);
        free(all);
}

TEST(no_task_is_lost_or_doubled_between_owner_and_raider)
{
        none_is_lost(cop__desk_guard_for(2));
}

TEST(none_is_where_there_is_no_such_fence_either)
{
        none_is_lost(COP__DESK_LOCK);
}

/* ---- Company ------------------------------------------------------------------------------ */

struct meeting {
        struct cop__company company;
        struct cop__solitude solitude;
        struct cop__membership membership;
        uint64_t count;         /* plainly by who is alone, else by exchanges */
        uint64_t added;         /* by the worker */
        bool over;              /* atomic */
};

static void *works(void *argument)
{
        struct meeting *meeting = argument;
        cop__company_join_working(&meeting->company, &meeting->membership, &meeting->solitude);
        while (!cop__load_acquire(&meeting->over)) {
                cop__company_claim(&meeting->company, &meeting->membership, &meeting->solitude);
                if (cop__alone_begin(&meeting->solitude)) {
                        uint64_t before = cop__load_relaxed(&meeting->count);
                        cop__store_relaxed(&meeting->count, before + 1);
                        cop__alone_end(&meeting->solitude);
                } else {
                        cop__add_relaxed(&meeting->count, 1);
                }
                meeting->added++;
        }
        return NULL;
}

struct guest {
        struct meeting *meeting;
        pthread_t thread;
        uint64_t added;
};

static void *visits(void *argument)
{
        struct guest *guest = argument;
        for (int i = 0; i < (suite_is_slow() ? 100 : 1000); i++) {
                cop__company_join(&guest->meeting->company);
                for (int j = 0; j < 50; j++)
                        cop__add_relaxed(&guest->meeting->count, 1);
                guest->added += 50;
                cop__company_leave(&guest->meeting->company);
        }
        return NULL;
}

TEST(who_is_alone_may_do_without_exchanges_and_who_joins_is_waited_for)
{
        struct meeting meeting = { 0 };
        struct guest guests[2] = { { .meeting = &meeting }, { .meeting = &meeting } };
        pthread_t worker;
        cop__company_init(&meeting.company, true, 0);
        ck_assert_int_eq(pthread_create(&worker, NULL, works, &meeting), 0);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(pthread_create(&guests[i].thread, NULL, visits, &guests[i]), 0);
        for (int i = 0; i < 2; i++)
                pthread_join(guests[i].thread, NULL);
        cop__store_release(&meeting.over, true);
        pthread_join(worker, NULL);
        ck_assert_uint_eq(meeting.company.awake, cop__barrier_is_there()); /* the worker, which has not left */
        ck_assert_uint_eq(meeting.count, guests[0].added + guests[1].added + meeting.added);
        cop__company_claim(&meeting.company, &meeting.membership, &meeting.solitude);
        ck_assert_int_eq(meeting.solitude.alone, cop__barrier_is_there());
}

struct member {
        struct cop__solitude solitude;
        struct cop__membership membership;
};

static void join(struct cop__company *company, struct member *member)
{
        cop__company_join_working(company, &member->membership, &member->solitude);
        cop__company_claim(company, &member->membership, &member->solitude);
}

TEST(a_worker_is_alone_while_the_others_sleep_and_keeps_that_in_its_sleep)
{
        struct cop__company company;
        struct member first = { 0 }, second = { 0 };
        bool possible = cop__barrier_is_there();
        cop__company_init(&company, true, 0);
        join(&company, &first);
        ck_assert_int_eq(first.solitude.alone, possible);
        cop__company_leave_working(&company, &first.membership);
        join(&company, &first);
        ck_assert_int_eq(first.solitude.alone, possible);
        join(&company, &second);
        ck_assert(!first.solitude.alone && !second.solitude.alone);
        cop__company_leave_working(&company, &first.membership);
        join(&company, &second); /* which has not left: it claims */
        ck_assert_int_eq(second.solitude.alone, possible);
        cop__company_join(&company);
        ck_assert(!second.solitude.alone);
        cop__company_leave(&company);
}

TEST(a_worker_that_is_disturbed_again_and_again_never_claims)
{
        struct cop__company company;
        struct member member = { 0 };
        cop__company_init(&company, true, UINT64_C(3600000000000));
        for (int i = 0; i < 100; i++) {
                join(&company, &member);
                ck_assert(!cop__alone_begin(&member.solitude));
                cop__company_join(&company);
                cop__company_leave(&company);
        }
}

TEST(nobody_is_alone_where_that_is_not_possible)
{
        struct cop__company company;
        struct member member = { 0 };
        cop__company_init(&company, false, 0);
        join(&company, &member);
        ck_assert(!cop__alone_begin(&member.solitude));
        cop__company_join(&company);
        cop__company_leave(&company);
        cop__company_leave_working(&company, &member.membership);
        join(&company, &member);
        ck_assert(!member.solitude.alone);
}
