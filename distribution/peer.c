/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Peers: the way to one, and its end. See peer.h. */
#include "distribution/peer.h"

#include <stdlib.h>
#include <string.h>

#include "actors/outpost.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/random.h"
#include "distribution/kernel.h"
#include "distribution/line.h"
#include "distribution/news.h"
#include "distribution/offers.h"
#include "distribution/wire.h"

/* Signals in an outbox from which on senders are slowed, and from which on each costs a pause. */
#define BEHIND 1024u

/* ---- Rows ------------------------------------------------------------------------------ */

void cop__row_add(struct cop__row *row, cop_pid to, struct cop__signal *signal)
{
        signal->node.next = NULL;
        signal->node.seq = (uint32_t)(to.bits >> 32);
        signal->node.generation = (uint32_t)to.bits;
        if (row->first == NULL)
                row->first = signal;
        else
                row->last->node.next = &signal->node;
        row->last = signal;
        row->count++;
}

struct cop__signal *cop__row_take(struct cop__row *row, cop_pid *to)
{
        struct cop__signal *signal = row->first;
        if (signal == NULL)
                return NULL;
        row->first = signal == row->last ? NULL : cop__signal_of(signal->node.next);
        row->count--;
        to->bits = (uint64_t)signal->node.seq << 32 | signal->node.generation;
        return signal;
}

/* All of `from`, which is empty then. */
static struct cop__row take_all(struct cop__row *from)
{
        struct cop__row all = *from;
        *from = (struct cop__row){ 0 };
        return all;
}

/* ---- Life ------------------------------------------------------------------------------- */

struct cop__peer *cop__peer_new(const char *name, size_t size)
{
        struct cop__peer *peer = cop__calloc(1, sizeof(*peer));
        if (peer != NULL)
                memcpy(peer->name, name, size);
        return peer;
}

static void free_relations(struct cop__thread *thread, struct cop__table *table)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, table);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                cop__relation_free(thread, cop__tie_of(node));
        cop__table_fini(table);
}

/* What has a reason in it gives that up; all else ends as it is. */
static void free_signal(struct cop__thread *thread, struct cop__signal *signal)
{
        struct cop__relation *relation = COP__CONTAINER(signal, struct cop__relation, signal);
        if (signal->type == COP__SIGNAL_DOWN)
                cop__shared_term_drop(relation->as.down.reason);
        if (signal->type == COP__SIGNAL_EXIT || signal->type == COP__SIGNAL_LINK_EXIT)
                cop__shared_term_drop(relation->as.exited.reason);
        if (signal->type == COP__SIGNAL_FAILED)
                cop__shared_term_drop(((struct cop__failed *)cop__signal_body(signal))->reason);
        cop__signal_free(&thread->pool, signal);
}

static void free_row(struct cop__thread *thread, struct cop__row *row)
{
        struct cop__signal *signal;
        cop_pid to;
        while ((signal = cop__row_take(row, &to)) != NULL)
                free_signal(thread, signal);
}

void cop__peer_free(struct cop__thread *thread, struct cop__peer *peer)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        free_row(thread, &peer->taken);
        free_row(thread, &peer->outbox);
        free_relations(thread, &peer->watches);
        free_relations(thread, &peer->watched);
        free_relations(thread, &peer->links);
        free_relations(thread, &peer->unlinking);
        cop__table_walk_init(&walk, &peer->calls);
        while ((node = cop__table_walk_next(&walk)) != NULL) {
                struct cop__peer_call *call = COP__CONTAINER(node, struct cop__peer_call, node);
                free_signal(thread, call->request);
                free(call);
        }
        cop__table_fini(&peer->calls);
        cop__table_walk_init(&walk, &peer->asked);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                free(COP__CONTAINER(node, struct cop__peer_asked, node));
        cop__table_fini(&peer->asked);
        cop__table_walk_init(&walk, &peer->spawning);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                cop__spawning_free(thread, COP__CONTAINER(node, struct cop__spawning, node));
        cop__table_fini(&peer->spawning);
        free(peer);
}

/* ---- Any thread --------------------------------------------------------------------------- */

enum cop__peer_state cop__peer_look(struct cop__peer *peer, cop_pid *owner)
{
        cop__lock_lock(&peer->lock);
        enum cop__peer_state state = peer->state;
        *owner = peer->owner;
        cop__lock_unlock(&peer->lock);
        return state;
}

static bool is_up_and_can(struct cop__peer *peer, uint64_t flag)
{
        cop__lock_lock(&peer->lock);
        bool is = peer->state == COP__PEER_UP && peer->flags & flag;
        cop__lock_unlock(&peer->lock);
        return is;
}

bool cop__peer_is_published(struct cop__peer *peer)
{
        return is_up_and_can(peer, COP__CAN_PUBLISHED);
}

bool cop__peer_is_ours(struct cop__peer *peer)
{
        return is_up_and_can(peer, COP__CAN_COPPICE);
}

bool cop__peer_has_another_life(struct cop__peer *peer, uint64_t life)
{
        cop__lock_lock(&peer->lock);
        bool has = peer->state == COP__PEER_UP && peer->life != life;
        cop__lock_unlock(&peer->lock);
        return has;
}

/* With the lock. Who was asked to call by a sender finds it TRYING, and nobody's. */
static bool is_free(const struct cop__peer *peer)
{
        return peer->state == COP__PEER_DOWN || (peer->state == COP__PEER_TRYING && peer->owner.bits == 0);
}

bool cop__peer_try(struct cop__peer *peer, cop_pid self, bool calls_out, cop_pid *owner)
{
        cop__lock_lock(&peer->lock);
        bool begins = is_free(peer);
        if (begins) {
                peer->state = COP__PEER_TRYING;
                peer->owner = self;
                peer->calls_out = calls_out;
                peer->roused = false;
                peer->answers = 0;
        }
        *owner = peer->owner;
        cop__lock_unlock(&peer->lock);
        return begins;
}

bool cop__peer_is_free(struct cop__peer *peer)
{
        cop__lock_lock(&peer->lock);
        bool is = is_free(peer);
        cop__lock_unlock(&peer->lock);
        return is;
}

bool cop__peer_calls_out(struct cop__peer *peer)
{
        cop__lock_lock(&peer->lock);
        bool calls = peer->state == COP__PEER_TRYING && peer->calls_out && peer->owner.bits != 0;
        cop__lock_unlock(&peer->lock);
        return calls;
}

bool cop__peer_take_over(struct cop__peer *peer, cop_pid self, cop_pid *before)
{
        cop__lock_lock(&peer->lock);
        bool ours = peer->state == COP__PEER_TRYING && peer->calls_out && peer->owner.bits != 0;
        if (ours) {
                *before = peer->owner;
                peer->owner = self;
                peer->calls_out = false;
        }
        cop__lock_unlock(&peer->lock);
        return ours;
}

static uint32_t pressure_of(uint32_t count)
{
        return count > 16 * BEHIND ? COP__PRESSURE_HIGH : count > BEHIND ? COP__PRESSURE_LOW : COP__PRESSURE_NONE;
}

uint32_t cop__peer_pressure(struct cop__peer *peer)
{
        cop__lock_lock(&peer->lock);
        uint32_t count = peer->outbox.count;
        cop__lock_unlock(&peer->lock);
        return pressure_of(count);
}

/* What ends something that the other side knows of only if it is connected: nobody is called for that. */
static bool is_worth_a_call(const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_MESSAGE || signal->type == COP__SIGNAL_LINK || signal->type == COP__SIGNAL_MONITOR ||
               signal->type == COP__SIGNAL_EXIT || (signal->type == COP__SIGNAL_REPLY && signal->flags & COP__SIGNAL_THROUGH);
}

/* To a call of theirs. Those that come through an alias of an actor's there are as messages are. */
static bool is_answer(const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_REPLY && !(signal->flags & COP__SIGNAL_THROUGH);
}

/* With the lock: it is to be called, and nobody's until net_kernel has begun that. */
static void want_call(struct cop__network *network, struct cop__peer *peer)
{
        peer->state = COP__PEER_TRYING;
        peer->owner = cop_no_pid();
        peer->calls_out = true;
        peer->roused = false;
        peer->dialler.bits = cop__load_acquire(&network->kernel);
}

/* With the lock: the net_kernel that was to call it has ended before it did. */
static bool is_lost(const struct cop__peer *peer)
{
        return peer->state == COP__PEER_TRYING && peer->owner.bits == 0 && !cop_is_alive(peer->dialler);
}

static void refuse_row(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread, struct cop__row *row)
{
        struct cop__signal *signal;
        cop_pid to;
        while ((signal = cop__row_take(row, &to)) != NULL)
                cop__news_refuse(network, peer, thread, to, signal);
}

/* Nobody can call it: it is down, and what waited for that is refused. Unlike an end this begins nothing anew, whatever is sent. */
static void give_up(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread)
{
        struct cop__row outbox = { 0 };
        cop__lock_lock(&peer->lock);
        if (peer->state == COP__PEER_TRYING && peer->owner.bits == 0) {
                peer->state = COP__PEER_DOWN;
                outbox = take_all(&peer->outbox);
        }
        cop__lock_unlock(&peer->lock);
        refuse_row(network, peer, thread, &outbox);
}

uint32_t cop__peer_send(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread, cop_pid to,
                        struct cop__signal *signal)
{
        bool call = false, rouse = false, refused = false, answers = is_answer(signal);
        cop_pid owner, self = cop_self();
        uint32_t count = 0;
        cop__lock_lock(&peer->lock);
        if (peer->state == COP__PEER_DOWN) {
                call = is_worth_a_call(signal) && !network->no_auto_connect && cop__network_is_open(network);
                refused = !call;
        } else if (is_lost(peer)) {
                call = true;
        }
        if (call)
                want_call(network, peer);
        if (!refused) {
                cop__row_add(&peer->outbox, to, signal);
                count = peer->outbox.count;
                rouse = peer->state == COP__PEER_UP && !peer->roused;
                peer->roused = peer->roused || rouse;
        }
        owner = peer->owner;
        /* Who sends there only as it acts on what has come: the connection, and net_kernel. */
        peer->answers += answers || cop_pid_equal(owner, self) || self.bits == cop__load_relaxed(&network->kernel);
        cop__lock_unlock(&peer->lock);
        if (refused)
                cop__news_refuse(network, peer, thread, to, signal);
        if (call && !cop__kernel_call(network, thread, peer))
                give_up(network, peer, thread);
        if (rouse && !cop__outpost_rouse(thread, owner))
                cop__lines_look_again(network, owner); /* which tells it as soon as there is memory */
        return pressure_of(count);
}

/* ---- The owner ------------------------------------------------------------------------------ */

bool cop__peer_up(struct cop__network *network, struct cop__peer *peer, cop_pid self, uint32_t creation, uint64_t flags)
{
        uint32_t life = cop__network_life(network, peer, creation);
        cop__lock_lock(&peer->lock);
        bool ours = peer->state == COP__PEER_TRYING && cop_pid_equal(peer->owner, self) && life != 0;
        if (ours) {
                cop__store_relaxed(&peer->news_owed, 0);
                peer->state = COP__PEER_UP;
                peer->creation = creation;
                peer->life = life;
                peer->flags = flags;
        }
        cop__lock_unlock(&peer->lock);
        if (ours)
                cop__news_tell(network, peer, true, cop_nil());
        return ours;
}

void cop__peer_take_outbox(struct cop__peer *peer)
{
        cop__lock_lock(&peer->lock);
        peer->roused = false;
        peer->taken = take_all(&peer->outbox);
        cop__lock_unlock(&peer->lock);
}

uint32_t cop__peer_answers(struct cop__peer *peer)
{
        cop__lock_lock(&peer->lock);
        uint32_t waiting = peer->outbox.count + peer->taken.count;
        if (peer->answers > waiting)
                peer->answers = waiting;
        uint32_t answers = peer->answers;
        cop__lock_unlock(&peer->lock);
        return answers;
}

/* ---- The end --------------------------------------------------------------------------------- */

uint64_t cop__link_key(cop_pid here, cop_pid there)
{
        return cop__mix(here.bits) ^ there.bits;
}

/* The next one of a table that is taken apart; nobody enters anything meanwhile. */
static struct cop__table_node *take_next(struct cop__table *table, struct cop__table_walk *walk)
{
        struct cop__table_node *node = cop__table_walk_next(walk);
        if (node != NULL)
                cop__table_remove(table, node);
        return node;
}

/* The halves that stood for actors over there go to those that are here. */
static void tell_relations(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread,
                           struct cop__shared_term *reason)
{
        struct cop__table_node *node;
        struct cop__table_walk walk;
        cop__table_walk_init(&walk, &peer->links);
        while ((node = take_next(&peer->links, &walk)) != NULL)
                cop__relation_refuse(thread, cop__tie_of(node)->as.tie.peer, &cop__tie_of(node)->signal, reason);
        cop__table_walk_init(&walk, &peer->watches);
        while ((node = take_next(&peer->watches, &walk)) != NULL)
                cop__relation_refuse(thread, cop__tie_of(node)->as.tie.peer, &cop__tie_of(node)->signal, reason);
        cop__table_walk_init(&walk, &peer->watched);
        while ((node = take_next(&peer->watched, &walk)) != NULL) {
                struct cop__relation *half = cop__tie_of(node);
                cop__ref_let_go(network, half->signal.ref);
                half->signal.type = COP__SIGNAL_DEMONITOR;
                cop__send_signal(thread, half->as.tie.peer, &half->signal);
        }
}

static void tell_callers(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread,
                         struct cop__shared_term *reason)
{
        struct cop__table_node *node;
        struct cop__table_walk walk;
        cop__table_walk_init(&walk, &peer->calls);
        while ((node = take_next(&peer->calls, &walk)) != NULL) {
                struct cop__peer_call *call = COP__CONTAINER(node, struct cop__peer_call, node);
                cop__fail_call(thread, call->to, call->request, COP__FAILED_DIED, reason);
                free(call);
        }
        cop__table_walk_init(&walk, &peer->spawning);
        while ((node = take_next(&peer->spawning, &walk)) != NULL)
                cop__spawning_fail(thread, COP__CONTAINER(node, struct cop__spawning, node), COP_E_NO_CONNECTION);
        cop__table_walk_init(&walk, &peer->asked);
        while ((node = take_next(&peer->asked, &walk)) != NULL) {
                struct cop__peer_asked *asked = COP__CONTAINER(node, struct cop__peer_asked, node);
                cop__ref_let_go(network, (cop_ref){ node->key });
                cop__ref_let_go(network, asked->through);
                free(asked);
        }
}

static void fini_tables(struct cop__thread *thread, struct cop__peer *peer)
{
        free_relations(thread, &peer->unlinking);
        cop__table_fini(&peer->links);
        cop__table_fini(&peer->watches);
        cop__table_fini(&peer->watched);
        cop__table_fini(&peer->calls);
        cop__table_fini(&peer->asked);
        cop__table_fini(&peer->spawning);
}

/* With the lock: does what has been sent meanwhile begin the next attempt? */
static bool is_wanted_again(const struct cop__network *network, const struct cop__peer *peer)
{
        const struct cop__signal *signal = peer->outbox.first;
        if (network->no_auto_connect || !cop__network_is_open(network))
                return false;
        while (signal != NULL && !is_worth_a_call(signal))
                signal = signal == peer->outbox.last ? NULL : cop__signal_of(signal->node.next);
        return signal != NULL;
}

/* The end of closing. What was sent since it began goes to the next connection, or is refused like the rest. */
static void reopen(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread)
{
        struct cop__row outbox = { 0 };
        cop__lock_lock(&peer->lock);
        bool again = is_wanted_again(network, peer);
        peer->owner = cop_no_pid();
        peer->state = COP__PEER_DOWN;
        peer->roused = false;
        if (again)
                want_call(network, peer);
        else
                outbox = take_all(&peer->outbox);
        cop__lock_unlock(&peer->lock);
        refuse_row(network, peer, thread, &outbox);
        if (again && !cop__kernel_call(network, thread, peer))
                give_up(network, peer, thread);
}

void cop__peer_down(struct cop__network *network, struct cop__peer *peer, cop_pid owner, cop_term reason)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__row before = { 0 };
        cop__lock_lock(&peer->lock);
        bool was_up = peer->state == COP__PEER_UP;
        bool ours = (was_up || peer->state == COP__PEER_TRYING) && cop_pid_equal(peer->owner, owner);
        if (ours) {
                peer->state = COP__PEER_CLOSING;
                before = take_all(&peer->outbox);
        }
        cop__lock_unlock(&peer->lock);
        if (!ours)
                return;
        COP__CUE("peer.closing");
        struct cop__shared_term *nodedown = cop__news_nodedown(peer);
        tell_relations(network, peer, thread, cop__reason(COP__REASON_NOCONNECTION));
        tell_callers(network, peer, thread, nodedown);
        cop__shared_term_drop(nodedown);
        fini_tables(thread, peer);
        refuse_row(network, peer, thread, &peer->taken);
        refuse_row(network, peer, thread, &before);
        if (was_up)
                cop__news_tell(network, peer, false, reason);
        reopen(network, peer, thread);
}
