/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Rings of actors that wait for each other: found by whoever closes one, whose call then fails with
 * the ring as its reason.
 *
 *      A ──waits for──► B ──waits for──► C
 *      ▲                                 │ C's call closes it: C follows the edges from its callee on,
 *      └──────────── about to wait ──────┘ comes to itself, and makes sure
 *
 * Sure of what. That each in it is in the very call that the edge says, at one moment, with no
 * answer on its way; then none of them can go on before another does, but by a time-out or an exit
 * signal, and that is a ring whatever comes later.
 *
 * How. Two passes. In the first the references of the edges are written down; T is the moment after
 * it. In the second each edge must have the same reference, and its actor's queue must be asleep. A
 * reference is never used again (a request that is awaited again has another number, `stand`), so
 * at T each of those calls was open. An actor that sleeps in its call has taken in all that had been pushed to it; had its answer been pushed before T, it would
 * have ended the call instead of falling asleep, and had the duty to answer been deferred before T,
 * it would have heard of that and taken its edge back. So at T no answer was on its way, and the
 * request was where only its callee could answer it: in its queue, or in its hands. The one that
 * looks does not sleep; it takes in what has come to it after T, and looks whether its call is
 * still open.
 *
 * The order of the two loads in the second pass matters: the queue first, by an acquire that pairs
 * with SLEEP (mailbox/queue.h), then the reference. Had the actor fallen asleep in a later wait,
 * the end of this call would be seen.
 *
 * No ring is missed. Edges are written before they are looked for, with a fence between (CLOSE,
 * calling.h): of those that close a ring at the same instant at least one sees all of it. If it
 * cannot make sure, because one of them is still on its way to sleep, or woken for something else,
 * it waits a little and looks again, for as long as the edges stand.
 *
 * One call of a ring fails, not more: who has made sure stays awake until its edge is gone, so
 * nobody else can make sure of a ring through it, and it found all the others asleep, so none of
 * them is past that point.
 *
 * Starts. An edge may say that its actor waits for the end of the next one's start: then the second
 * pass also finds that one in its start, in which it sleeps in a call. Such an edge may be the last
 * of a ring although its actor does not call, so it looks, too (cop__ring_hinges). But what fails
 * then is not its wait, for that would leave a child behind that nobody knows: it is the call of
 * the first behind it who waits for an answer, the starting child's as a rule, and its failure is
 * sent to it. From that push on nobody finds it asleep in that call, so the ring is concluded once.
 *
 * What is no ring here: a wait for a deferred reply, since anybody may give it; for one of several
 * (cop_select, a set of requests); for a message. Such a wait ends by its time-out.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "actors/neighbours.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/text.h"

/* Members of a ring that are written down without asking for memory. */
#define MEMBERS_NEAR 16u

struct member {
        cop_pid pid;
        uint64_t ref, stand;
        bool hinges; /* it waits for the start of the next one */
};

/* The edge of an actor, and whom it leads to: 0, there is none. */
static uint64_t edge_of(struct cop_node *node, cop_pid pid, cop_pid *callee)
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid))
                return 0;
        const struct cop__calling *calling = cop__calling_of(node, pid);
        uint64_t ref = cop__load_acquire(&calling->waits);  /* OPEN */
        callee->bits = cop__load_acquire(&calling->callee); /* NEXT */
        return cop__load_relaxed(&calling->waits) == ref ? ref : 0;
}

/* How many edges lead from an actor to itself; 0: none do. Of a ring that it is not in, Brent's
 * way gets out. */
static uint32_t measure(struct cop_node *node, cop_pid self)
{
        cop_pid at = self, mark = cop_no_pid();
        uint32_t most = cop__load_relaxed(&node->slots.used), next_mark = 1;
        for (uint32_t steps = 1; steps <= most; steps++) {
                if (edge_of(node, at, &at) == 0 || cop_pid_equal(at, mark))
                        return 0;
                if (cop_pid_equal(at, self))
                        return steps;
                if (steps == next_mark) {
                        mark = at;
                        next_mark *= 2;
                }
        }
        return 0;
}

static bool write_down(struct cop_node *node, cop_pid self, struct member *members, uint32_t count)
{
        cop_pid at = self;
        for (uint32_t i = 0; i < count; i++) {
                members[i].pid = at;
                members[i].ref = edge_of(node, at, &at);
                if (members[i].ref == 0)
                        return false;
                const struct cop__calling *calling = cop__calling_of(node, members[i].pid);
                members[i].stand = cop__load_relaxed(&calling->stand);
                members[i].hinges = cop__load_relaxed(&calling->hinge) == members[i].ref;
        }
        return cop_pid_equal(at, self);
}

static bool sleeps_in(struct cop_node *node, const struct member *member)
{
        const struct cop__actor *actor = cop__slot_of(node, member->pid);
        uintptr_t tail = cop__load_acquire(&actor->queue.tail); /* SLEEP */
        const struct cop__calling *calling = cop__calling_of(node, member->pid);
        return (tail & COP__QUEUE_AWAKE) == COP__QUEUE_ASLEEP &&
               cop__load_relaxed(&calling->waits) == member->ref &&
               cop__load_relaxed(&calling->stand) == member->stand;
}

/* After it was found asleep: then what it had done before is seen. */
static bool is_starting(struct cop_node *node, cop_pid pid)
{
        const struct cop__actor *actor = cop__slot_of(node, pid);
        return !cop__load_relaxed(&actor->init_done) && cop__slot_is(actor, pid);
}

static bool is_certain(struct cop__actor *actor, const struct member *members, uint32_t count)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        for (uint32_t i = 1; i < count; i++)
                if (!sleeps_in(node, &members[i]))
                        return false;
        for (uint32_t i = 0; i < count; i++)
                if (members[i].hinges && !is_starting(node, members[(i + 1) % count].pid))
                        return false;
        cop__take_in_all(actor);
        return cop__reply_of(actor) == NULL && actor->reason == NULL &&
               cop__load_relaxed(&cop__calling_own(actor)->waits) == members[0].ref;
}

/* {calling_cycle, [Self, Callee, ...]}: each waits for the next, and the last for the first. */
static struct cop__shared_term *reason_of(const struct member *members, uint32_t count)
{
        struct cop__shared_term *reason = NULL;
        cop_term *pids = cop__calloc(count, sizeof(*pids));
        for (uint32_t i = 0; pids != NULL && i < count; i++)
                pids[i] = cop_pid_term(members[i].pid);
        if (pids != NULL)
                reason = cop__shared_term_new(
                        COP_TUPLE(cop_atom("calling_cycle"), cop_list_of(pids, count)));
        free(pids);
        return reason;
}

/* From the first who waits for an answer. */
static void turn_to_first_call(struct member *members, uint32_t count)
{
        for (uint32_t turns = 0; turns < count && members[0].hinges; turns++) {
                struct member first = members[0];
                memmove(members, members + 1, (count - 1) * sizeof(*members));
                members[count - 1] = first;
        }
}

static void tell(const struct member *members, uint32_t count)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        char line[COP__REPORT_TEXT];
        struct cop__text text;
        cop__text_init_fixed(&text, line, sizeof(line));
        for (uint32_t i = 0; i < count && i < COP__NEIGHBOURS_SHOWN; i++) {
                cop__text_append_string(&text, i > 1    ? ", who waits for "
                                               : i == 1 ? " waits for "
                                                        : "");
                cop__neighbour_append(&text, node, members[i].pid);
        }
        if (count > COP__NEIGHBOURS_SHOWN)
                cop__text_printf(&text, ", and %u more", count - COP__NEIGHBOURS_SHOWN);
        cop__log_sentence(COP_LOG_ERROR,
                          "your program: a ring of calls in which nobody can go on: %s, who waits for the "
                          "first. The call of the "
                          "first, which closed it, has failed",
                          line);
}

/* The call of the first in the list fails, which is another actor's. Without memory for that:
 * not yet. */
static enum cop__ring fail_first(const struct cop__actor *actor, const struct member *members,
                                 uint32_t count)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal =
                cop__signal_new(&thread->pool, COP__SIGNAL_FAILED, sizeof(struct cop__failed));
        if (signal == NULL)
                return COP__RING_UNSETTLED;
        tell(members, count);
        *(struct cop__failed *)cop__signal_body(signal) =
                (struct cop__failed){ reason_of(members, count), COP__FAILED_CYCLE };
        signal->from = cop__actor_pid(actor);
        signal->ref.bits = members[0].ref;
        cop__send_signal(thread, members[0].pid, signal);
        return COP__RING_NONE; /* any more */
}

static enum cop__ring conclude(struct cop__actor *actor, struct member *members, uint32_t count)
{
        cop_pid self = cop__actor_pid(actor);
        if (!write_down(cop__node_of(cop__thread_here()), self, members, count) ||
            !is_certain(actor, members, count))
                return COP__RING_UNSETTLED;
        turn_to_first_call(members, count);
        if (!cop_pid_equal(members[0].pid, self))
                return fail_first(actor, members, count);
        tell(members, count);
        cop__failure_keep(actor, reason_of(members, count));
        return COP__RING_CLOSED;
}

bool cop__ring_hinges(struct cop__actor *actor)
{
        return cop__ring_look_far(actor, cop__calling_own(actor)) == COP__RING_UNSETTLED;
}

enum cop__ring cop__ring_look_far(struct cop__actor *actor, struct cop__calling *own)
{
        struct member near[MEMBERS_NEAR], *members = near;
        if (cop__load_relaxed(&own->waits) == 0)
                return COP__RING_NONE; /* its answer has been deferred */
        uint32_t count = measure(cop__node_of(cop__thread_here()), cop__actor_pid(actor));
        if (count == 0)
                return COP__RING_NONE;
        if (count > MEMBERS_NEAR)
                members = cop__malloc(count * sizeof(*members));
        if (members == NULL)
                return COP__RING_UNSETTLED; /* without memory it cannot make sure now */
        COP__CUE("ring.is_there");
        enum cop__ring ring = conclude(actor, members, count);
        if (members != near)
                free(members);
        return ring;
}

/* ---- For people who look ------------------------------------------------------------------- */

cop_pid cop__ring_next(struct cop_node *node, cop_pid pid)
{
        cop_pid next;
        return edge_of(node, pid, &next) != 0 ? next : cop_no_pid();
}

void cop__ring_print(struct cop_node *node, cop_pid pid, struct cop__text *text)
{
        cop_pid at = pid;
        for (unsigned shown = 0; edge_of(node, at, &at) != 0; shown++) {
                cop__text_append_string(text, shown > 0 ? ", who waits for " : "");
                if (cop_pid_equal(at, pid)) {
                        cop__text_append_string(text, "the first");
                        return;
                }
                if (shown == COP__NEIGHBOURS_SHOWN) {
                        cop__text_append_string(text, "others");
                        return;
                }
                cop__neighbour_append(text, node, at);
        }
}
