/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Calls and edges of an outpost's process, and who waits for it. See outpost_wait.h. */
#include "actors/outpost_wait.h"

#include <coppice/timer.h>

#include <stdlib.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/outpost_hear.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/memory.h"

/* A request of the process whose answer has not come. */
struct asked {
        struct cop__table_node node; /* key: the reference */
        cop_pid callee;
};

static struct asked *find_asked(const struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&crossing->asked, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct asked, node) : NULL;
}

/*
 * Each reference once: a request to several at once (select.c) is waited for by no edge. Without memory it is none
 * either.
 */
static void remember(struct cop__crossing *crossing, cop_ref ref, cop_pid callee)
{
        if (ref.bits <= crossing->last_ref)
                return;
        crossing->last_ref = ref.bits;
        struct asked *asked = cop__malloc(sizeof(*asked));
        if (asked == NULL)
                return;
        asked->node.key = ref.bits;
        asked->callee = callee;
        cop__table_insert(&crossing->asked, &asked->node);
}

/* ---- Looking for a ring ------------------------------------------------------------------- */

/* Its process waits: so it is told that its call has failed. False: no memory for that. */
static bool break_ring(struct cop__actor *self, struct cop__crossing *crossing,
                       struct cop__calling *own)
{
        cop_ref ref = { cop__load_relaxed(&own->waits) };
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        struct cop__crossing_packet failed = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_FAILED,
                                      .pid = callee.bits, .ref = ref.bits,
                                      .more = COP__FAILED_CYCLE };
        COP__CUE("outpost.break_ring");
        cop_status status = cop__tray_put(&crossing->out, failed, COP_KIND_OF(cop_any), &(cop_any){ cop_failure() });
        if (status != COP_OK)
                return false;
        cop__calling_end(own);
        cop__calling_withdraw(cop__thread_here(), callee, ref);
        cop__crossing_flush(crossing, cop__actor_pid(self));
        return true;
}

/* By a message, since whatever else wakes an outpost runs nothing of it. */
static void look_later(struct cop__actor *self, struct cop__crossing *crossing)
{
        cop_pid pid = cop__actor_pid(self);
        crossing->look_at_ns = cop__clock_ns() + COP__OUTPOST_LOOK_MS * COP__NS_PER_MS;
        COP__CUE("outpost.look_later");
        if (cop_send_value_after(COP__OUTPOST_LOOK_MS, cop_to_pid(pid), COP_KIND_OF(cop__ready),
                                 &(cop__ready){ 0 }, NULL) != COP_OK)
                crossing->look_at_ns = 1; /* whenever something happens */
}

/* After the edge, and a fence. */
static void look(struct cop__actor *self, struct cop__crossing *crossing)
{
        struct cop__calling *own = cop__calling_own(self);
        enum cop__ring ring;
        if (cop__calling_hinges(own))
                ring = cop__ring_hinges(self) ? COP__RING_UNSETTLED : COP__RING_NONE;
        else
                ring = cop__ring_look(crossing->node, self, own);
        if (ring == COP__RING_CLOSED && !break_ring(self, crossing, own))
                ring = COP__RING_UNSETTLED;
        crossing->look_at_ns = 0;
        if (ring == COP__RING_UNSETTLED)
                look_later(self, crossing);
}

void cop__outpost_look_again(struct cop__actor *self, struct cop__crossing *crossing)
{
        if (COP__UNLIKELY(crossing->look_at_ns != 0 && cop__clock_ns() >= crossing->look_at_ns))
                look(self, crossing);
}

/* ---- Its process' own requests --------------------------------------------------------------- */

/* Nobody waits longer than a timer can. */
static uint64_t deadline_of(const struct cop__crossing_packet *packet)
{
        return packet->more < COP__TIMER_NS_MAX || packet->more == UINT64_MAX ? packet->more
                                                                              : COP__TIMER_NS_MAX;
}

/* As cop__call does it. */
static void call(struct cop__actor *self, struct cop__crossing *crossing,
                 const struct cop__crossing_packet *packet, struct cop__signal *request)
{
        struct cop__calling *own = cop__calling_own(self);
        cop_ref ref = { packet->ref };
        cop_pid to = { packet->pid };
        crossing->last_ref = ref.bits;
        cop__calling_begin(own, ref, deadline_of(packet));
        cop__calling_wait_for(own, ref, to);
        request->flags |= COP__SIGNAL_CALL;
        cop__call_send(self, to, request, ref);
        cop__fence_after_exchange(); /* CLOSE */
        look(self, crossing);
}

static unsigned how_of(const struct cop__crossing_packet *packet)
{
        return packet->flags & COP__CROSSING_CALL_FLAGS;
}

bool cop__outpost_may_ask(const struct cop__crossing *crossing, const struct cop__crossing_packet *packet)
{
        return how_of(packet) != COP__SIGNAL_CALL || packet->ref > crossing->last_ref;
}

void cop__outpost_request(struct cop__actor *self, struct cop__crossing *crossing,
                          const struct cop__crossing_packet *packet, struct cop__signal *request)
{
        cop_ref ref = { packet->ref };
        cop_pid to = { packet->pid };
        if (how_of(packet) == COP__SIGNAL_CALL) {
                call(self, crossing, packet, request);
                return;
        }
        if (packet->flags & COP__SIGNAL_TIMED) {
                uint64_t deadline_ns = deadline_of(packet);
                request->flags |= COP__SIGNAL_CALL | COP__SIGNAL_TIMED;
                memcpy(cop__signal_extra(request), &deadline_ns, sizeof(deadline_ns));
        }
        remember(crossing, ref, to);
        cop__call_send(self, to, request, ref);
}

void cop__outpost_started(struct cop__actor *self, cop_ref ref, cop_pid child)
{
        if (ref.bits != 0)
                remember(cop__crossing_of(self), ref, child);
}

void cop__outpost_waits(struct cop__actor *self, struct cop__crossing *crossing, cop_ref ref)
{
        const struct asked *asked = find_asked(crossing, ref);
        if (asked == NULL)
                return; /* its answer is on the way there */
        cop__calling_wait_for_request(cop__calling_own(self), ref, asked->callee);
        cop__fence_seq(); /* CLOSE */
        look(self, crossing);
}

/* What it asked in a call is withdrawn. A request goes on: it may be awaited again. */
void cop__outpost_over(struct cop__actor *self, cop_ref ref)
{
        struct cop__calling *own = cop__calling_own(self);
        bool calls = cop__load_relaxed(&own->open) == ref.bits;
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        if (!calls && cop__load_relaxed(&own->waits) != ref.bits)
                return;
        cop__calling_end(own);
        if (calls)
                cop__calling_withdraw(cop__thread_here(), callee, ref);
}

void cop__outpost_let_go(struct cop__crossing *crossing, cop_ref ref)
{
        struct asked *asked = find_asked(crossing, ref);
        if (asked == NULL)
                return;
        cop__table_remove(&crossing->asked, &asked->node);
        free(asked);
}

void cop__outpost_answered(struct cop__actor *self, struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__calling *own = cop__calling_own(self);
        if (cop__load_relaxed(&own->open) == ref.bits || cop__load_relaxed(&own->waits) == ref.bits)
                cop__calling_end(own);
        cop__outpost_let_go(crossing, ref);
}

/* Not looked at now: this is in the middle of taking in. */
void cop__outpost_hinges(struct cop__actor *self, cop_ref ref, cop_pid child)
{
        struct cop__crossing *crossing = cop__crossing_of(self);
        struct cop__calling *own = cop__calling_own(self);
        if (crossing == NULL || cop__load_relaxed(&own->open) != ref.bits)
                return;
        cop__calling_wait_for_start(own, ref, child);
        cop__fence_seq(); /* CLOSE */
        crossing->look_at_ns = 1;
        cop__outpost_rouse(cop__thread_here(), cop__actor_pid(self));
}

void cop__outpost_wait_end(struct cop__actor *self)
{
        struct cop__calling *own = cop__calling_own(self);
        cop_ref open = { cop__load_relaxed(&own->open) };
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        cop__calling_end(own);
        if (open.bits != 0)
                cop__calling_withdraw(cop__thread_here(), callee, open);
}

void cop__outpost_wait_fini(struct cop__crossing *crossing)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &crossing->asked);
        while ((node = cop__table_walk_next(&walk)) != NULL) {
                struct asked *asked = COP__CONTAINER(node, struct asked, node);
                cop__calling_withdraw(cop__thread_here(), asked->callee, (cop_ref){ node->key });
                free(asked);
        }
        cop__table_fini(&crossing->asked);
}

/* ---- Who waits for it ---------------------------------------------------------------------------- */

uint64_t cop__outpost_patience(const struct cop__signal *request)
{
        struct cop__thread *thread = cop__thread_here();
        return cop__calling_is_over(cop__node_of(thread), request)
                       ? 0
                       : cop__calling_deadline(thread, request);
}

void cop__outpost_withdrawn(struct cop__actor *self, cop_ref ref)
{
        struct cop__crossing *crossing = cop__is_outpost(self) ? cop__crossing_of(self) : NULL;
        if (crossing == NULL)
                return;
        const struct cop__held *held = cop__held_of(crossing, ref);
        struct cop__crossing_packet packet = { .type = COP__PACKET_WITHDRAWN, .ref = ref.bits };
        if (held == NULL || !(((struct cop__signal *)held->request)->flags & COP__SIGNAL_CALL))
                return;
        /* Without memory it is handled in vain, unless its deadline is over. */
        if (cop__tray_put(&crossing->out, packet, NULL, NULL) == COP_OK)
                cop__crossing_flush(crossing, cop__actor_pid(self));
}
