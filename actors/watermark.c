/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Telling that a mailbox fills and empties. See watermark.h. */
#include "actors/watermark.h"

#include <string.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "base/cue.h"

COP_MESSAGE_DEFINE(cop_mailbox_alarm, over, pid, messages, high, low);

enum { NONE, BELOW, RISING, ABOVE, FALLING };

static uint64_t word_of(cop_pid pid, unsigned state)
{
        return (uint64_t)(uint32_t)cop__pid_generation(pid) << 32 | state;
}

bool cop__marks_are_good(uint32_t high, uint32_t low)
{
        return low < high || (high == 0 && low == 0);
}

/* ---- Telling ------------------------------------------------------------------------------ */

/* As the alarms of memory: what is to relieve a node is not new work. */
static void send_alarm(struct cop__thread *thread, cop_pid to, const cop_mailbox_alarm *alarm)
{
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_REPLY, sizeof(*alarm));
        if (signal == NULL)
                return;
        memcpy(cop__signal_body(signal), alarm, sizeof(*alarm));
        signal->type = COP__SIGNAL_MESSAGE;
        cop__signal_set_kind(signal, COP_KIND_OF(cop_mailbox_alarm));
        cop__send_signal(thread, to, signal);
}

static void tell(struct cop__thread *thread, const struct cop__limit *limit, cop_pid pid, bool over)
{
        struct cop_node *node = cop__node_of(thread);
        cop_pid each[COP__AUDIENCE_MAX];
        cop_mailbox_alarm alarm = {
                .over = over,
                .pid = pid,
                .messages = cop__load_relaxed(&limit->count),
                .high = cop__load_relaxed(&limit->high),
                .low = cop__load_relaxed(&limit->low),
        };
        uint32_t count = cop__audience_copy(node, &node->mailbox_audience, each);
        for (uint32_t i = 0; i < count; i++)
                send_alarm(thread, each[i], &alarm);
}

/* What the state must become by this count; the same: nothing. */
static unsigned next_of(unsigned state, const struct cop__limit *limit)
{
        uint64_t count = cop__load_relaxed(&limit->count);
        if (state == BELOW && count >= cop__load_relaxed(&limit->high))
                return RISING;
        if (state == ABOVE && count <= cop__load_relaxed(&limit->low))
                return FALLING;
        return state;
}

COP__COLD void cop__watermark_look(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid)
{
        for (;;) {
                uint64_t word = cop__add_acq_rel(&limit->mark, 0); /* a look that is a write: LOOK */
                unsigned state = (unsigned)(word & UINT32_MAX);
                if (word != word_of(pid, BELOW) && word != word_of(pid, ABOVE))
                        return; /* none, another's, or somebody tells and will look after that */
                unsigned next = next_of(state, limit);
                if (next == state)
                        return;
                COP__CUE("watermark.is_crossed");
                if (!cop__cas_acq_rel(&limit->mark, &word, word_of(pid, next)))
                        continue;
                COP__CUE("watermark.tells");
                tell(thread, limit, pid, next == RISING);
                cop__exchange_acq_rel(&limit->mark, word_of(pid, next == RISING ? ABOVE : BELOW)); /* LOOK */
        }
}

/* ---- The owner ---------------------------------------------------------------------------- */

void cop__watermark_begin(struct cop__limit *limit, cop_pid pid, uint32_t high, uint32_t low)
{
        cop__store_relaxed(&limit->low, low != 0 ? low : high / 2);
        cop__store_relaxed(&limit->high, high);
        cop__exchange_acq_rel(&limit->mark, word_of(pid, BELOW));
}

bool cop__watermark_is_over(const struct cop__limit *limit)
{
        uint64_t state = cop__load_relaxed(&limit->mark) & UINT32_MAX;
        return state == ABOVE || state == RISING;
}

void cop__watermark_end(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid)
{
        uint64_t word = cop__load_acquire(&limit->mark);
        for (unsigned looks = 0;; looks++) {
                unsigned state = (unsigned)(word & UINT32_MAX);
                if (state == RISING || state == FALLING) {
                        COP__CUE("watermark.awaits_teller");
                        cop__spin_wait(looks); /* its teller is in the middle of a few sends */
                        word = cop__load_acquire(&limit->mark);
                } else if (cop__cas_acq_rel(&limit->mark, &word, 0)) {
                        if (state == ABOVE)
                                tell(thread, limit, pid, false);
                        cop__store_relaxed(&limit->high, 0);
                        cop__store_relaxed(&limit->low, 0);
                        return;
                }
        }
}

/* ---- The public operations ------------------------------------------------------------------ */

cop_status cop_mailbox_marks(uint32_t high, uint32_t low)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (!cop__marks_are_good(high, low))
                return COP_E_BAD_ARGUMENT;
        if (cop__inside_here() != NULL)
                return COP_E_ISOLATED;
        cop__limit_mark(actor, high, low);
        return COP_OK;
}

cop_status cop_mailbox_subscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        bool is_new;
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (cop__inside_here() != NULL)
                return COP_E_ISOLATED;
        struct cop_node *node = cop__node_of(cop__thread_here());
        return cop__audience_add(node, &node->mailbox_audience, cop__actor_pid(actor), &is_new);
}

void cop_mailbox_unsubscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL)
                cop__audience_remove(&cop__node_of(cop__thread_here())->mailbox_audience,
                                        cop__actor_pid(actor));
}
