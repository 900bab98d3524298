/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Limits of mailboxes. See limit.h. */
#include "actors/limit.h"

#include "actors/take.h"

static struct cop__limit *limit_of(struct cop__thread *thread, const struct cop__actor *actor)
{
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        return &slots->limits[actor - slots->base];
}

void cop__limit_set(struct cop__thread *thread, struct cop__actor *actor,
                    const struct cop_spawn_options *options)
{
        struct cop__limit *limit = limit_of(thread, actor);
        cop__store_relaxed(&limit->dropped, 0);
        cop__store_relaxed(&limit->most, options->mailbox_limit);
        cop__store_relaxed(&limit->most_bytes, options->mailbox_bytes);
        cop__store_relaxed(&limit->policy, (uint32_t)options->mailbox_policy);
        cop__store_relaxed(&limit->stopped, 0);
        cop__store_relaxed(&actor->pressed, COP__PRESSURE_LIMITED);
}

/* ---- At the door ---------------------------------------------------------------------- */

static void count_off(struct cop__limit *limit, uint64_t bytes)
{
        cop__sub_relaxed(&limit->count, 1);
        cop__sub_relaxed(&limit->bytes, bytes);
}

/* Counts it. True: with it there are no more than the limit, times so many. */
static bool count_on(struct cop__limit *limit, uint64_t bytes, uint64_t times)
{
        uint64_t count = cop__add_relaxed(&limit->count, 1) + 1;
        uint64_t sum = cop__add_relaxed(&limit->bytes, bytes) + bytes;
        uint64_t most = cop__load_relaxed(&limit->most) * times;
        uint64_t most_bytes = cop__load_relaxed(&limit->most_bytes) * times;
        return (most == 0 || count <= most) && (most_bytes == 0 || sum <= most_bytes);
}

/* Tells the receiver that it is at its end. Without memory for that the next one too many does it. */
static void stop(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid)
{
        if (cop__exchange_relaxed(&limit->stopped, 1) != 0)
                return;
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_OVERFLOW, 0);
        if (signal != NULL)
                cop__send_signal(thread, pid, signal);
        else
                cop__store_relaxed(&limit->stopped, 0);
}

enum cop__admission cop__limit_admit(struct cop__thread *thread, struct cop__actor *actor,
                                     cop_pid pid, struct cop__signal *signal)
{
        struct cop__limit *limit = limit_of(thread, actor);
        uint32_t policy = cop__load_relaxed(&limit->policy);
        bool fits = count_on(limit, signal->size, policy == COP_MAILBOX_DROP_OLD ? 2 : 1);
        if (fits || policy == COP_MAILBOX_SLOW) {
                signal->flags |= COP__SIGNAL_COUNTED;
                return fits ? COP__ADMIT : COP__ADMIT_SLOWED;
        }
        count_off(limit, signal->size);
        cop__add_relaxed(&limit->dropped, 1);
        if (policy == COP_MAILBOX_STOP)
                stop(thread, limit, pid);
        return policy == COP_MAILBOX_REJECT ? COP__REFUSE_ALOUD : COP__REFUSE_SILENTLY;
}

cop_status cop__limit_knock_slowly(struct cop__thread *thread, cop_pid to, struct cop__signal *request)
{
        struct cop__actor *callee = cop__slot_of(cop__node_of(thread), to);
        if (request->type != COP__SIGNAL_MESSAGE || callee == NULL || !cop__slot_is(callee, to) ||
            cop__load_relaxed(&callee->pressed) < COP__PRESSURE_LIMITED ||
            cop__limit_admit(thread, callee, to, request) <= COP__ADMIT_SLOWED)
                return COP_OK;
        cop__signal_free(&thread->pool, request);
        return COP_E_FULL;
}

/* ---- The owner --------------------------------------------------------------------------- */

void cop__limit_leave(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        signal->flags &= (uint16_t)~COP__SIGNAL_COUNTED;
        count_off(limit_of(thread, actor), signal->size);
}

static bool is_over(const struct cop__limit *limit)
{
        uint32_t most = cop__load_relaxed(&limit->most);
        uint64_t most_bytes = cop__load_relaxed(&limit->most_bytes);
        return (most != 0 && cop__load_relaxed(&limit->count) > most) ||
               (most_bytes != 0 && cop__load_relaxed(&limit->bytes) > most_bytes);
}

static void drop(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal)
{
        cop_pid self = cop__actor_pid(actor);
        cop__add_relaxed(&limit_of(thread, actor)->dropped, 1);
        cop__limit_leave(thread, actor, signal);
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        if (signal->ref.bits != 0)
                cop__fail_call(thread, self, signal, COP__FAILED_FULL, NULL);
        else
                cop__letter_die(thread, self, signal, COP__DEATH_FULL);
}

bool cop__limit_take(struct cop__thread *thread, struct cop__actor *actor,
                     struct cop__signal *signal)
{
        if (actor->drops_old && is_over(limit_of(thread, actor))) {
                drop(thread, actor, signal);
                return false;
        }
        cop__limit_leave(thread, actor, signal);
        return true;
}

void cop__limit_trim(struct cop__actor *actor)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *before = NULL, *signal;
        if (!is_over(limit_of(thread, actor)))
                return;
        cop__take_in_all(actor); /* so that the oldest are all in the mailbox */
        while (is_over(limit_of(thread, actor)) &&
               (signal = cop__mailbox_after(&actor->mailbox, before)) != NULL) {
                if (!(signal->flags & COP__SIGNAL_COUNTED)) {
                        before = signal; /* the runtime's: it stays */
                        continue;
                }
                cop__mailbox_remove(&actor->mailbox, before, signal);
                drop(thread, actor, signal);
        }
}

uint64_t cop__limit_dropped(struct cop__thread *thread, const struct cop__actor *actor)
{
        bool limited = cop__load_relaxed(&actor->pressed) >= COP__PRESSURE_LIMITED;
        return limited ? cop__load_relaxed(&limit_of(thread, actor)->dropped) : 0;
}
