/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The raider's side of a desk, and what its owner does when they meet. See desk.h. */
#include "scheduler/desk.h"

#include "scheduler/barrier.h"

enum cop__desk_guard cop__desk_guard_for(unsigned worker_count)
{
        if (worker_count == 1)
                return COP__DESK_ALONE;
        return cop__barrier_is_there() ? COP__DESK_BARRIER : COP__DESK_LOCK;
}

static void begin_guard(struct cop__desk *desk)
{
        cop__store_relaxed(&desk->shut, true);
        cop__store_release(&desk->guard, (uint8_t)cop__desk_guard_for(2)); /* GUARD */
        cop__barrier_all(); /* where there is none, the signal or the call by which the owner is seen elsewhere is one */
}

bool cop__desk_guard_on(struct cop__desk *desk, bool is_elsewhere)
{
        if (cop__load_relaxed(&desk->guard) == COP__DESK_ALONE) {
                begin_guard(desk);
                return true;
        }
        if (is_elsewhere)
                cop__store_release(&desk->shut, false); /* GUARD */
        return false;
}

void cop__desk_lock(struct cop__desk *desk)
{
        for (unsigned looks = 0; cop__exchange_acquire(&desk->at_work, true); looks++) /* DESK */
                cop__spin_wait(looks);
}

void cop__desk_step_back(struct cop__desk *desk)
{
        do {
                cop__store_release(&desk->at_work, false);
                for (unsigned looks = 0; cop__load_acquire(&desk->raided); looks++) /* DESK */
                        cop__spin_wait(looks);
                cop__store_relaxed(&desk->at_work, true);
                __atomic_signal_fence(__ATOMIC_SEQ_CST);
        } while (cop__load_acquire(&desk->raided));
}

static uint32_t clear(struct cop__desk *desk, struct cop__task **tasks, struct cop__task_list *pile)
{
        uint32_t count = desk->few_count;
        struct cop__task *next = cop__load_relaxed(&desk->next);
        for (uint32_t i = 0; i < count; i++)
                tasks[i] = desk->few[desk->few_at + i];
        cop__store_relaxed(&desk->few_count, 0);
        if (next != NULL)
                tasks[count++] = next;
        cop__store_relaxed(&desk->next, (struct cop__task *)NULL);
        *pile = cop__pile_cut(&desk->pile, UINT32_MAX);
        return count;
}

uint32_t cop__desk_raid(struct cop__desk *desk, struct cop__task **tasks, struct cop__task_list *pile)
{
        uint32_t count = 0;
        *pile = (struct cop__task_list){ NULL, NULL, 0 };
        if (cop__load_relaxed(&desk->guard) == COP__DESK_LOCK) {
                if (cop__exchange_acquire(&desk->at_work, true)) /* DESK */
                        return 0;
                count = clear(desk, tasks, pile);
                cop__store_release(&desk->at_work, false); /* DESK */
                return count;
        }
        cop__store_relaxed(&desk->raided, true);
        if (cop__barrier_all() && !cop__load_acquire(&desk->at_work)) /* DESK */
                count = clear(desk, tasks, pile);
        cop__store_release(&desk->raided, false); /* DESK */
        return count;
}
