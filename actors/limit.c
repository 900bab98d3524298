/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Limits of mailboxes. See limit.h. */
#include "actors/limit.h"

#include "actors/porch.h"
#include "actors/take.h"
#include "actors/watermark.h"

static struct cop__limit *limit_of(struct cop__thread *thread, const struct cop__actor *actor)
{
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        return &slots->limits[actor - slots->base];
}

void cop__limit_set(struct cop__thread *thread, struct cop__actor *actor,
                    const struct cop_spawn_options *options)
{
        struct cop__limit *limit = limit_of(thread, actor);
        cop__store_relaxed(&limit->most, options->mailbox_limit);
        cop__store_relaxed(&limit->most_bytes, options->mailbox_bytes);
        cop__store_relaxed(&limit->policy, (uint32_t)options->mailbox_policy);
        if (options->mailbox_policy == COP_MAILBOX_COALESCE)
                cop__porch_open(limit, cop__actor_pid(actor), &options->mailbox_key);
        if (options->mailbox_high != 0)
                cop__watermark_begin(limit, cop__actor_pid(actor), options->mailbox_high,
                                     options->mailbox_low);
        cop__store_relaxed(&actor->pressed, COP__PRESSURE_LIMITED);
}

void cop__limit_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__limit *limit = limit_of(thread, actor);
        cop__watermark_end(thread, limit, pid);
        if (cop__load_relaxed(&limit->policy) == COP_MAILBOX_COALESCE)
                cop__porch_close(thread, limit, pid);
        cop__store_relaxed(&limit->dropped, 0);
        cop__store_relaxed(&limit->most, 0);
        cop__store_relaxed(&limit->most_bytes, 0);
        cop__store_relaxed(&limit->policy, COP_MAILBOX_SLOW);
        cop__store_relaxed(&limit->stopped, (uint64_t)0);
}

uint64_t cop__limit_bytes_of(const struct cop__signal *signal)
{
        if (COP__LIKELY(signal->kind == NULL || !signal->kind->counted))
                return signal->size;
        return signal->size + cop__flat_shared(signal->kind, cop__signal_body(signal));
}

/* ---- At the door ---------------------------------------------------------------------- */

/* Release and acquire: whoever is given marks meanwhile sees the count, or is seen to have marks (count_mail). MARKED */
static uint64_t count_on(struct cop__limit *limit, uint64_t bytes)
{
        cop__add_relaxed(&limit->bytes, bytes);
        return cop__add_acq_rel(&limit->count, 1) + 1;
}

static bool is_at_high(const struct cop__limit *limit, uint64_t count)
{
        uint32_t high = cop__load_relaxed(&limit->high);
        return COP__UNLIKELY(high != 0 && count >= high);
}

static void count_off(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid, uint64_t bytes)
{
        uint64_t count = cop__sub_relaxed(&limit->count, 1) - 1;
        cop__sub_relaxed(&limit->bytes, bytes);
        if (cop__load_relaxed(&limit->high) != 0 && count <= cop__load_relaxed(&limit->low))
                cop__watermark_look(thread, limit, pid);
        if (COP__UNLIKELY(cop__load_relaxed(&limit->policy) == COP_MAILBOX_COALESCE))
                cop__porch_let_in(thread, limit);
}

/* Are there no more than the limit, times so many? */
static bool is_within(const struct cop__limit *limit, uint64_t count, uint64_t bytes, uint64_t times)
{
        uint64_t most = cop__load_relaxed(&limit->most) * times;
        uint64_t most_bytes = cop__load_relaxed(&limit->most_bytes) * times;
        return (most == 0 || count <= most) && (most_bytes == 0 || bytes <= most_bytes);
}

/* Tells the receiver that it is at its end. Without memory for that the next one too many does it. */
static void stop(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid)
{
        /* One who told an earlier one may do so just now. */
        if (cop__exchange_relaxed(&limit->stopped, pid.bits) == pid.bits)
                return;
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_OVERFLOW, 0);
        if (signal != NULL)
                cop__send_signal(thread, pid, signal);
        else
                cop__store_relaxed(&limit->stopped, (uint64_t)0);
}

/* Nobody overtakes who waits on the porch. */
static bool fits_in(const struct cop__limit *limit, uint32_t policy, uint64_t count)
{
        if (policy == COP_MAILBOX_COALESCE && cop__load_relaxed(&limit->porch.waiting) != 0)
                return false;
        return is_within(limit, count, cop__load_relaxed(&limit->bytes),
                         policy == COP_MAILBOX_DROP_OLD ? 2 : 1);
}

static enum cop__admission admit(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid,
                                 struct cop__signal *signal, bool may_wait)
{
        uint32_t policy = cop__load_relaxed(&limit->policy);
        uint64_t count = count_on(limit, cop__limit_bytes_of(signal));
        bool fits = fits_in(limit, policy, count);
        if (fits || policy == COP_MAILBOX_SLOW) {
                signal->flags |= COP__SIGNAL_COUNTED;
                if (is_at_high(limit, count))
                        cop__watermark_look(thread, limit, pid);
                return fits ? COP__ADMIT : COP__ADMIT_SLOWED;
        }
        count_off(thread, limit, pid, cop__limit_bytes_of(signal));
        if (policy == COP_MAILBOX_COALESCE && may_wait && cop__porch_take(thread, limit, pid, signal))
                return COP__ADMIT_LATER;
        cop__add_relaxed(&limit->dropped, 1);
        if (policy == COP_MAILBOX_STOP)
                stop(thread, limit, pid);
        return policy == COP_MAILBOX_REJECT ? COP__REFUSE_ALOUD : COP__REFUSE_SILENTLY;
}

enum cop__admission cop__limit_admit(struct cop__thread *thread, struct cop__actor *actor,
                                     cop_pid pid, struct cop__signal *signal)
{
        return admit(thread, limit_of(thread, actor), pid, signal, true);
}

/* A call does not wait at the door: its caller is told at once. */
cop_status cop__limit_knock_slowly(struct cop__thread *thread, cop_pid to, struct cop__signal *request)
{
        struct cop__actor *callee = cop__slot_of(cop__node_of(thread), to);
        if (request->type != COP__SIGNAL_MESSAGE || callee == NULL || !cop__slot_is(callee, to) ||
            cop__load_relaxed(&callee->pressed) < COP__PRESSURE_LIMITED ||
            admit(thread, limit_of(thread, callee), to, request, false) <= COP__ADMIT_SLOWED)
                return COP_OK;
        cop__signal_free(&thread->pool, request);
        return COP_E_FULL;
}

/* ---- The owner --------------------------------------------------------------------------- */

void cop__limit_leave(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        signal->flags &= (uint16_t)~COP__SIGNAL_COUNTED;
        count_off(thread, limit_of(thread, actor), cop__actor_pid(actor), cop__limit_bytes_of(signal));
}

bool cop__limit_slows(struct cop__thread *thread, const struct cop__actor *actor)
{
        const struct cop__limit *limit = limit_of(thread, actor);
        return cop__load_relaxed(&limit->policy) == COP_MAILBOX_SLOW &&
               !is_within(limit, cop__load_relaxed(&limit->count), cop__load_relaxed(&limit->bytes), 1);
}

/* Its mail came before it was counted at the door. */
static void count_mail(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__limit *limit = limit_of(thread, actor);
        struct cop__signal *signal = NULL;
        while ((signal = cop__mailbox_after(&actor->mailbox, signal)) != NULL)
                if (!(signal->flags & COP__SIGNAL_COUNTED) && signal->type != COP__SIGNAL_SYS) {
                        signal->flags |= COP__SIGNAL_COUNTED;
                        count_on(limit, cop__limit_bytes_of(signal));
                }
}

/* From now on its mail is counted at the door. */
static void begin_to_count(struct cop__actor *actor)
{
        uint32_t pressed = cop__load_relaxed(&actor->pressed);
        if (pressed >= COP__PRESSURE_LIMITED)
                return;
        cop__store_relaxed(&actor->pressed, (uint8_t)(pressed | COP__PRESSURE_LIMITED));
        cop__take_in_all(actor);
        count_mail(cop__thread_here(), actor);
}

void cop__limit_begin(struct cop__actor *actor, uint32_t most, uint64_t most_bytes)
{
        struct cop__limit *limit = limit_of(cop__thread_here(), actor);
        cop__store_relaxed(&limit->policy, (uint32_t)COP_MAILBOX_REJECT);
        cop__store_relaxed(&limit->most, most);
        cop__store_relaxed(&limit->most_bytes, most_bytes);
        begin_to_count(actor);
}

void cop__limit_mark(struct cop__actor *actor, uint32_t high, uint32_t low)
{
        cop_pid self = cop__actor_pid(actor);
        if (cop__load_relaxed(&actor->pressed) < COP__PRESSURE_LIMITED && high == 0)
                return;
        begin_to_count(actor);
        struct cop__thread *thread = cop__thread_here();
        struct cop__limit *limit = limit_of(thread, actor);
        cop__watermark_end(thread, limit, self);
        if (high == 0)
                return;
        cop__watermark_begin(limit, self, high, low);
        cop__add_acq_rel(&limit->count, 0); /* MARKED */
        cop__watermark_look(thread, limit, self);
}

struct cop__marking cop__limit_marking(const struct cop_node *node, const struct cop__actor *actor)
{
        const struct cop__limit *limit = &node->slots.limits[actor - node->slots.base];
        if (cop__load_relaxed(&actor->pressed) < COP__PRESSURE_LIMITED)
                return (struct cop__marking){ 0, 0, false };
        return (struct cop__marking){
                .high = cop__load_relaxed(&limit->high),
                .low = cop__load_relaxed(&limit->low),
                .over = cop__watermark_is_over(limit),
        };
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
