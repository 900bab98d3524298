/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Links, monitors, and the exit signals that run along them. See relation.h. */
#include "actors/relation.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/alias.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/inside.h"
#include "actors/outpost.h"
#include "actors/priority.h"
#include "actors/take.h"
#include "base/memory.h"

/* ---- Halves ------------------------------------------------------------------- */

static struct cop__relation *relation_of(struct cop__signal *signal)
{
        return COP__CONTAINER(signal, struct cop__relation, signal);
}

static struct cop__relation *relation_of_list(struct cop__list *list)
{
        return COP__CONTAINER(list, struct cop__relation, as.tie.list);
}

static struct cop__relation *relation_of_node(struct cop__table_node *node)
{
        return COP__CONTAINER(node, struct cop__relation, as.tie.node);
}

struct cop__relation *cop__relation_new(struct cop__thread *thread, enum cop__tie_type type,
                                        const char *name)
{
        size_t name_size = name != NULL ? strlen(name) : 0;
        size_t tail_size = name_size > 0 ? name_size + 1 : 0;
        if (tail_size == 0)
                return cop__relation_new_quickly(&thread->pool, type);
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_LINK, COP__HALF_SIZE + tail_size);
        if (signal == NULL)
                return NULL;
        struct cop__relation *relation = relation_of(signal);
        memset(&relation->as, 0, sizeof(relation->as));
        relation->as.tie.type = type;
        relation->as.tie.name_size = (uint32_t)name_size;
        /* A DOWN shows it as a symbol, which a NUL follows. */
        memcpy(relation + 1, name, tail_size);
        return relation;
}

/* Both halves, the first for the one who asks. */
static cop_status new_pair(struct cop__thread *thread, enum cop__tie_type mine,
                           enum cop__tie_type theirs, const char *name,
                           struct cop__relation *pair[2])
{
        pair[0] = cop__relation_new(thread, mine, NULL);
        pair[1] = cop__relation_new(thread, theirs, name);
        if (pair[0] != NULL && pair[1] != NULL)
                return COP_OK;
        for (size_t i = 0; i < 2; i++)
                if (pair[i] != NULL)
                        cop__relation_free(thread, pair[i]);
        return COP_E_NO_MEMORY;
}

void cop__relation_free(struct cop__thread *thread, struct cop__relation *relation)
{
        cop__signal_free(&thread->pool, &relation->signal);
}

/* ---- Keeping -------------------------------------------------------------------- */

/* Links are looked for by who is at the other end, monitors and aliases by their reference. */
static uint64_t key_of(const struct cop__relation *relation)
{
        return relation->as.tie.type == COP__TIE_LINK ? relation->as.tie.peer.bits
                                                      : relation->signal.ref.bits;
}

/*
 * The WATCH half of a monitor goes by its address. That of a deferral may bear the same reference, beside it in one actor: who calls
 * from another node monitors by the reference of his request. So the first is never found, in the table or in the list.
 */
static bool is_looked_for(const struct cop__relation *relation)
{
        return relation->as.tie.type != COP__TIE_WATCH || relation->as.tie.mode & COP__TIE_OF_CALL;
}

static struct cop__table *table_of(const struct cop__actor *actor)
{
        return actor->rare != NULL ? actor->rare->relation_table : NULL;
}

/* From now on in a table too. Without memory for it the list goes on serving. */
static void begin_table(struct cop__actor *actor)
{
        struct cop__rare *rare = cop__rare_of(actor);
        struct cop__table *table = rare != NULL ? cop__malloc(sizeof(*table)) : NULL;
        if (table == NULL)
                return;
        cop__table_init(table);
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                struct cop__relation *relation = relation_of_list(at);
                relation->as.tie.node.key = key_of(relation);
                if (is_looked_for(relation))
                        cop__table_insert(table, &relation->as.tie.node);
        }
        rare->relation_table = table;
}

static COP__NOINLINE void keep_in_table(struct cop__actor *actor, struct cop__relation *relation)
{
        struct cop__table *table = table_of(actor);
        if (table != NULL) {
                if (is_looked_for(relation))
                        cop__table_insert(table, &relation->as.tie.node);
        } else if (actor->relation_count > COP__RELATIONS_LISTED) {
                begin_table(actor);
        }
}

void cop__relation_keep(struct cop__actor *actor, struct cop__relation *relation, cop_ref ref,
                        cop_pid peer)
{
        relation->signal.ref = ref;
        relation->as.tie.peer = peer;
        relation->as.tie.node.key = key_of(relation);
        cop__list_push_back(&actor->relations, &relation->as.tie.list);
        cop__count_up(&actor->relation_count);
        if (actor->rare != NULL || COP__UNLIKELY(actor->relation_count > COP__RELATIONS_LISTED))
                keep_in_table(actor, relation);
}

static COP__NOINLINE void forget_in_table(struct cop__actor *actor, struct cop__table *table, struct cop__relation *relation)
{
        if (is_looked_for(relation))
                cop__table_remove(table, &relation->as.tie.node);
        if (actor->relation_count == 0) {
                cop__table_fini(table);
                free(table);
                actor->rare->relation_table = NULL;
        }
}

COP__INLINE void forget(struct cop__actor *actor, struct cop__relation *relation)
{
        cop__list_remove(&relation->as.tie.list);
        cop__count_by(&actor->relation_count, UINT32_MAX);
        struct cop__table *table = table_of(actor);
        if (table != NULL)
                forget_in_table(actor, table, relation);
}

void cop__relation_forget(struct cop__actor *actor, struct cop__relation *relation)
{
        forget(actor, relation);
}

COP__INLINE bool is_sought(const struct cop__relation *relation, enum cop__tie_type type, cop_ref ref)
{
        return relation->as.tie.type == type && (ref.bits == 0 || cop_ref_equal(relation->signal.ref, ref));
}

static struct cop__relation *sought_in(struct cop__table_node *node, enum cop__tie_type type, cop_ref ref)
{
        for (; node != NULL; node = cop__table_find_next(node))
                if (is_sought(relation_of_node(node), type, ref))
                        return relation_of_node(node);
        return NULL;
}

/* In the list from `at` on. */
static struct cop__relation *sought_from(const struct cop__actor *actor, struct cop__list *at, enum cop__tie_type type,
                                         uint64_t key, cop_ref ref)
{
        for (; at != &actor->relations; at = at->next)
                if (is_sought(relation_of_list(at), type, ref) && key_of(relation_of_list(at)) == key &&
                    is_looked_for(relation_of_list(at)))
                        return relation_of_list(at);
        return NULL;
}

struct cop__relation *cop__relation_find(struct cop__actor *actor, enum cop__tie_type type,
                                         uint64_t key, cop_ref ref)
{
        const struct cop__table *table = table_of(actor);
        if (table != NULL)
                return sought_in(cop__table_find_first(table, key), type, ref);
        return sought_from(actor, actor->relations.next, type, key, ref);
}

static struct cop__relation *find_link(struct cop__actor *actor, cop_pid peer, cop_ref id)
{
        return cop__relation_find(actor, COP__TIE_LINK, peer.bits, id);
}

/* Another one to the same actor, behind `half` in whatever order they are found. */
static struct cop__relation *find_next_link(struct cop__actor *actor, struct cop__relation *half)
{
        const cop_ref any = { 0 };
        if (table_of(actor) != NULL)
                return sought_in(cop__table_find_next(&half->as.tie.node), COP__TIE_LINK, any);
        return sought_from(actor, half->as.tie.list.next, COP__TIE_LINK, half->as.tie.peer.bits, any);
}

static struct cop__relation *find_monitor(struct cop__actor *actor, cop_ref ref)
{
        return cop__relation_find(actor, COP__TIE_MONITOR, ref.bits, ref);
}

/* ---- Sending halves --------------------------------------------------------------- */

static void send_half(struct cop__thread *thread, struct cop__relation *relation, unsigned type,
                      cop_pid from, cop_pid to)
{
        relation->signal.type = (uint8_t)type;
        relation->signal.from = from;
        cop__send_signal(thread, to, &relation->signal);
}

/* The half becomes the news of a death; NULL is noproc. */
static void send_link_exit(struct cop__thread *thread, struct cop__relation *relation,
                           cop_pid dead, struct cop__shared_term *reason)
{
        cop_pid to = relation->as.tie.peer;
        relation->as.exited.reason =
                reason != NULL ? cop__shared_term_take(reason) : cop__reason(COP__REASON_NOPROC);
        send_half(thread, relation, COP__SIGNAL_LINK_EXIT, dead, to);
}

static void send_down(struct cop__thread *thread, struct cop__relation *relation, cop_pid dead,
                      struct cop__shared_term *reason)
{
        cop_pid to = relation->as.tie.peer;
        uint32_t name_size = relation->as.tie.name_size;
        unsigned type = relation->as.tie.mode & COP__TIE_FAREWELL ? COP__SIGNAL_GONE : COP__SIGNAL_DOWN;
        struct cop__down_body *body = &relation->as.down;
        memset(body, 0, sizeof(*body));
        body->message.ref = relation->signal.ref;
        body->message.pid = dead;
        body->message.name.text = name_size > 0 ? (const char *)(relation + 1) : "";
        body->message.name.size = name_size;
        body->reason = reason != NULL ? cop__shared_term_take(reason) : cop__reason(COP__REASON_NOPROC);
        send_half(thread, relation, type, dead, to);
}

/* ---- Exit signals ------------------------------------------------------------------- */

/* What ends with a message that bears such a reason: most reasons are there for ever. */
COP__INLINE void hold_reason(struct cop__signal *signal, const struct cop__shared_term *reason)
{
        if (!cop__shared_term_lasts(reason))
                cop__signal_flag_held(signal, COP__SIGNAL_REASON);
}

/* From here on it is a message, and ends like one. */
static void become_exited(struct cop__signal *signal, bool from_link)
{
        struct cop__exit_body *body = &relation_of(signal)->as.exited;
        struct cop__shared_term *reason = body->reason;
        body->message.pid = signal->from;
        body->message.reason = reason->term;
        body->reason = reason;
        cop__signal_set_kind(signal, COP_KIND_OF(cop_exited));
        signal->size = sizeof(body->message);
        signal->type = COP__SIGNAL_MESSAGE;
        hold_reason(signal, reason);
        if (from_link)
                signal->flags |= COP__SIGNAL_THROUGH;
        signal->ref = (cop_ref){ 0 };
}

static void drop_exit(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        cop__shared_term_drop(relation_of(signal)->as.exited.reason);
        cop__signal_done(thread, actor, signal);
}

/*
 * It has been told to end. Who has taken that in may be where it cannot leave, as it makes a reference, and who has sent it may not have
 * said yet that it is urgent: the next look does not wait for that.
 */
static void must_end(struct cop__actor *actor, struct cop__shared_term *reason)
{
        actor->reason = reason;
        cop__store_relaxed(&actor->urgent, 1);
}

bool cop__exit_signal(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal, bool from_link)
{
        struct cop__shared_term *reason = relation_of(signal)->as.exited.reason;
        bool normal = cop__is_word(reason->term, "normal");
        bool kill = !from_link && cop__is_word(reason->term, "kill");
        bool visitor = actor->task.visitor != NULL;
        bool self = cop_pid_equal(signal->from, cop__actor_pid(actor));
        if (visitor || (actor->trap_exit && !kill)) {
                /* A thread of the program cannot be ended from here: it reads what would have killed it. */
                become_exited(signal, from_link);
                return true;
        }
        if (normal && (from_link || !self)) {
                drop_exit(thread, actor, signal);
                return false;
        }
        if (kill && !actor->killed) {
                actor->killed = true; /* also in the middle of terminate(), where other reasons wait in vain; else the first one counts */
                if (actor->leaving) {
                        cop__shared_term_drop(actor->reason);
                        actor->reason = NULL;
                        actor->reports = false; /* what ends it now is not its own doing */
                }
        }
        if (actor->reason == NULL)
                must_end(actor, kill ? cop__reason(COP__REASON_KILLED) : cop__shared_term_take(reason));
        drop_exit(thread, actor, signal);
        return false;
}

COP__INLINE struct cop__signal *new_exit(struct cop__thread *thread, cop_pid from, struct cop__shared_term *reason,
                                         enum cop__signal_type type)
{
        struct cop__signal *signal = cop__signal_new_small(&thread->pool, type, COP__HALF_SIZE);
        if (COP__UNLIKELY(signal == NULL))
                return NULL;
        signal->from = from;
        memset(&relation_of(signal)->as.exited, 0, sizeof(relation_of(signal)->as.exited));
        relation_of(signal)->as.exited.reason = reason;
        return signal;
}

struct cop__signal *cop__exit_new(struct cop__thread *thread, cop_pid from,
                                  struct cop__shared_term *reason)
{
        return new_exit(thread, from, reason, COP__SIGNAL_EXIT);
}

/* ---- Taking in ------------------------------------------------------------------------ */

static COP__NOINLINE bool take_link_exit(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        if (find_link(actor, signal->from, signal->ref) == NULL) {
                drop_exit(thread, actor, signal); /* unlinked meanwhile */
                return false;
        }
        struct cop__relation *half = find_link(actor, signal->from, (cop_ref){ 0 }), *next;
        bool hushed = false;
        for (; half != NULL; half = next) {
                next = find_next_link(actor, half);
                if (half->as.tie.mode & COP_ALIAS_PRIORITY)
                        signal->flags |= COP__SIGNAL_PRIORITY;
                hushed = hushed || half->as.tie.mode & COP__TIE_HUSHED;
                cop__relation_forget(actor, half);
                cop__relation_free(thread, half);
        }
        if (hushed) {
                drop_exit(thread, actor, signal);
                return false;
        }
        return cop__exit_signal(thread, actor, signal, true) && cop__to_mailbox(actor, signal);
}

/* One that was sent by hand, perhaps through an alias. */
static COP__NOINLINE bool take_exit(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        if (signal->ref.bits != 0 && !cop__alias_lets_in(actor, signal)) {
                drop_exit(thread, actor, signal);
                return false;
        }
        return cop__exit_signal(thread, actor, signal, false) && cop__to_mailbox(actor, signal);
}

/* The link stays, and its news is that of the watch from here on; any other one to the same actor tells for itself, which does
 * no harm. */
static COP__NOINLINE bool take_farewell(struct cop__thread *thread, struct cop__actor *actor,
                          struct cop__signal *signal)
{
        struct cop__relation *watch = relation_of(signal)->as.farewell.watch;
        struct cop__relation *link = find_link(actor, signal->from, (cop_ref){ 0 });
        if (link != NULL)
                link->as.tie.mode |= COP__TIE_TOLD;
        cop__relation_keep(actor, watch, watch->signal.ref, signal->from);
        signal->type = COP__SIGNAL_EXIT;
        return take_exit(thread, actor, signal);
}

static COP__NOINLINE bool take_unlink(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal)
{
        struct cop__relation *half = find_link(actor, signal->from, signal->ref);
        if (half != NULL) {
                cop__relation_forget(actor, half);
                cop__relation_free(thread, half);
        }
        cop__signal_done(thread, actor, signal);
        return false;
}

static COP__NOINLINE bool take_demonitor(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        const struct cop__relation *half = relation_of(signal);
        struct cop__relation *watch = half->as.tie.other;
        if (half->as.tie.mode & COP__TIE_OF_CALL) /* this one may be gone: cop__watch_fail */
                watch = cop__relation_find(actor, COP__TIE_WATCH, signal->ref.bits, signal->ref);
        if (watch != NULL) {
                cop__relation_forget(actor, watch);
                cop__relation_free(thread, watch);
        }
        cop__signal_done(thread, actor, signal);
        return false;
}

/* The callee that had deferred its reply is dead, or has no memory for it: to the call it is a failure like the others. */
static void fail_deferred_call(struct cop__thread *thread, struct cop__actor *actor,
                               struct cop__signal *signal)
{
        struct cop__shared_term *reason = relation_of(signal)->as.down.reason;
        struct cop__failed *failed = cop__signal_body(signal);
        failed->reason = reason;
        failed->failure = reason != NULL ? COP__FAILED_DIED : COP__FAILED_NO_MEMORY;
        signal->type = COP__SIGNAL_FAILED;
        if (cop__outpost_takes(actor, signal))
                cop__mailbox_append(&actor->mailbox, signal);
        else if (!cop__take_answer(thread, actor, signal))
                cop__refuse_signal(thread, cop__actor_pid(actor), signal, NULL);
}

/* A monitor is over, and with it its alias, if that was agreed. The half is the caller's. */
static void forget_monitor(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__relation *half)
{
        cop__relation_forget(actor, half);
        if (half->as.tie.mode & (COP_ALIAS_DEMONITOR | COP_ALIAS_REPLY_DEMONITOR))
                cop__alias_close(thread, actor, half->signal.ref);
}

static void become_down(struct cop__signal *signal, struct cop__shared_term *tag)
{
        struct cop__down_body *body = &relation_of(signal)->as.down;
        body->message.reason = body->reason->term;
        body->message.tag = tag != NULL ? tag->term : cop_nil();
        body->tag = tag;
        cop__signal_set_kind(signal, COP_KIND_OF(cop_down));
        signal->size = sizeof(body->message);
        signal->type = COP__SIGNAL_MESSAGE;
        if (tag != NULL)
                cop__signal_flag_held(signal, COP__SIGNAL_REASON | COP__SIGNAL_TAG);
        else
                hold_reason(signal, body->reason);
        signal->ref = (cop_ref){ 0 };
}

/* Who has unlinked meanwhile had no half left to forget, and who is gone links no more. */
static COP__NOINLINE bool take_gone(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__relation *half = find_link(actor, signal->from, (cop_ref){ 0 }), *next;
        for (; half != NULL; half = next) {
                next = find_next_link(actor, half);
                forget(actor, half);
                cop__relation_free(thread, half);
        }
        become_down(signal, NULL);
        return cop__to_mailbox(actor, signal);
}

static COP__NOINLINE bool take_down(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        struct cop__down_body *body = &relation_of(signal)->as.down;
        struct cop__relation *half = find_monitor(actor, signal->ref);
        if (half == NULL) {
                cop__shared_term_drop(body->reason);
                cop__signal_done(thread, actor, signal);
                return false;
        }
        struct cop__shared_term *tag = half->as.tie.tag;
        bool ends_call = half->as.tie.mode & COP__TIE_OF_CALL;
        forget_monitor(thread, actor, half);
        cop__relation_free(thread, half);
        if (ends_call) {
                fail_deferred_call(thread, actor, signal);
                return false;
        }
        become_down(signal, tag);
        return cop__to_mailbox(actor, signal);
}

static COP__NOINLINE bool take_half(struct cop__actor *actor, struct cop__signal *signal)
{
        /* The signal is the half, and one day it is sent again: the queue must have let go of it. */
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__relation_keep(actor, relation_of(signal), signal->ref, signal->from);
        return false;
}

bool cop__relation_take_in(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        switch (signal->type) {
        case COP__SIGNAL_LINK:
        case COP__SIGNAL_MONITOR:
                return take_half(actor, signal);
        case COP__SIGNAL_UNLINK:
                return take_unlink(thread, actor, signal);
        case COP__SIGNAL_DEMONITOR:
                return take_demonitor(thread, actor, signal);
        case COP__SIGNAL_LINK_EXIT:
                return take_link_exit(thread, actor, signal);
        case COP__SIGNAL_DOWN:
                return take_down(thread, actor, signal);
        case COP__SIGNAL_FAREWELL:
                return take_farewell(thread, actor, signal);
        case COP__SIGNAL_GONE:
                return take_gone(thread, actor, signal);
        default:
                return take_exit(thread, actor, signal);
        }
}

void cop__relation_refuse(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal,
                          struct cop__shared_term *reason)
{
        struct cop__relation *relation = relation_of(signal);
        switch (signal->type) {
        case COP__SIGNAL_LINK:
                relation->as.tie.peer = signal->from;
                send_link_exit(thread, relation, dead, reason);
                return;
        case COP__SIGNAL_MONITOR:
                relation->as.tie.peer = signal->from;
                send_down(thread, relation, dead, reason);
                return;
        case COP__SIGNAL_DEFERRED_BY:
                send_half(thread, relation, COP__SIGNAL_DEMONITOR, dead, signal->from);
                return;
        case COP__SIGNAL_FAREWELL:
                relation->as.farewell.watch->as.tie.peer = signal->from;
                send_down(thread, relation->as.farewell.watch, dead, reason);
                cop__shared_term_drop(relation->as.exited.reason);
                break;
        case COP__SIGNAL_DOWN:
        case COP__SIGNAL_GONE:
                cop__shared_term_drop(relation->as.down.reason);
                break;
        case COP__SIGNAL_EXIT:
        case COP__SIGNAL_LINK_EXIT:
                cop__shared_term_drop(relation->as.exited.reason);
                break;
        default: /* UNLINK, DEMONITOR: nobody asks */
                break;
        }
        cop__relation_free(thread, relation);
}

void cop__relation_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid self,
                       struct cop__shared_term *reason)
{
        struct cop__relation *relation = relation_of_list(actor->relations.next);
        forget(actor, relation);
        switch (relation->as.tie.type) {
        case COP__TIE_LINK:
                if (relation->as.tie.mode & COP__TIE_TOLD)
                        cop__relation_free(thread, relation);
                else
                        send_link_exit(thread, relation, self, reason);
                break;
        case COP__TIE_WATCH:
                send_down(thread, relation, self, reason);
                break;
        case COP__TIE_ALIAS:
                cop__relation_free(thread, relation);
                break;
        default:
                cop__shared_term_drop(relation->as.tie.tag);
                send_half(thread, relation, COP__SIGNAL_DEMONITOR, self, relation->as.tie.peer);
        }
}

/* ---- The public operations ---------------------------------------------------------------- */

static cop_status link_to(struct cop__actor *actor, cop_pid pid, uint32_t mode)
{
        if (pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        cop_pid self = cop__actor_pid(actor);
        if (cop_pid_equal(pid, self))
                return COP_OK;
        struct cop__relation *pair[2], *half = find_link(actor, pid, (cop_ref){ 0 });
        if (half != NULL) {
                half->as.tie.mode |= mode;
                return COP_OK;
        }
        struct cop__thread *thread = cop__thread_here();
        cop_status status = new_pair(thread, COP__TIE_LINK, COP__TIE_LINK, NULL, pair);
        if (status != COP_OK)
                return status;
        cop_ref id = cop__ref_new(cop__here_of(thread));
        pair[0]->as.tie.mode = mode;
        cop__relation_keep(actor, pair[0], id, pid);
        pair[1]->signal.ref = id;
        send_half(thread, pair[1], COP__SIGNAL_LINK, self, pid);
        return COP_OK;
}

bool cop__link_unhush(struct cop__actor *actor, cop_pid pid)
{
        struct cop__relation *half = find_link(actor, pid, (cop_ref){ 0 });
        if (half != NULL)
                half->as.tie.mode &= ~(uint32_t)COP__TIE_HUSHED;
        return half != NULL;
}

/* ---- The same in an actor's own process: the outpost does it. See inside.h ------------------- */

static cop_status link_outside(struct cop__actor *actor, cop_pid pid, bool priority)
{
        cop__told told;
        if (pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        if (cop_pid_equal(pid, cop__actor_pid(actor)))
                return COP_OK;
        cop_status status = cop__inside_ask(
                (cop__query){ .what = COP__ASK_LINK, .on = priority, .pid = pid }, &told);
        return status == COP_OK ? (cop_status)told.status : status;
}

/* Who could not ask would stay linked, and believe that he is not. */
static void unlink_outside(struct cop__actor *actor, cop_pid pid)
{
        if (cop__inside_ask((cop__query){ .what = COP__ASK_UNLINK, .pid = pid }, &(cop__told){ 0 }) == COP_E_NO_MEMORY)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("unlink")));
}

/* With an alias the outpost would have to know what the process lets in: not there. */
static cop_status monitor_outside(cop_address to, const cop_monitor_options *options, cop_ref *ref)
{
        cop__told told;
        cop__query ask = { .what = COP__ASK_MONITOR, .on = options->priority, .pid = to.pid,
                           .term = options->tag };
        if (options->alias != 0)
                return COP_E_ISOLATED;
        if (options->priority && !cop__consent(cop__actor_here()))
                return COP_E_NO_MEMORY;
        if (to.name != NULL)
                ask.name = cop_text_of(to.name);
        cop_status status = cop__inside_ask(ask, &told);
        if (status != COP_OK || told.status != COP_OK)
                return status != COP_OK ? status : (cop_status)told.status;
        ref->bits = told.value;
        return COP_OK;
}

static bool demonitor_outside(cop_ref ref)
{
        cop__told told;
        return cop__inside_ask((cop__query){ .what = COP__ASK_DEMONITOR, .ref = ref }, &told) == COP_OK &&
               told.value != 0;
}

/* ---- For all ---------------------------------------------------------------------------------- */

cop_status cop_link(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        cop__charge(pid, __builtin_return_address(0));
        if (cop__inside_here() != NULL)
                return link_outside(actor, pid, false);
        return actor != NULL ? link_to(actor, pid, 0) : COP_E_NO_NODE;
}

cop_status cop_link_priority(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        cop__charge(pid, __builtin_return_address(0));
        if (!cop__consent(actor))
                return COP_E_NO_MEMORY;
        return cop__inside_here() != NULL ? link_outside(actor, pid, true)
                                          : link_to(actor, pid, COP_ALIAS_PRIORITY);
}

void cop_unlink(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__relation *half;
        if (actor == NULL)
                return;
        cop__charge(pid, __builtin_return_address(0));
        if (cop__inside_here() != NULL) {
                unlink_outside(actor, pid);
                return;
        }
        while ((half = find_link(actor, pid, (cop_ref){ 0 })) != NULL) {
                cop__relation_forget(actor, half);
                send_half(cop__thread_here(), half, COP__SIGNAL_UNLINK, cop__actor_pid(actor), pid);
        }
}

bool cop__link_break(cop_pid pid, struct cop__shared_term *reason)
{
        struct cop__actor *actor = cop__actor_here();
        if (cop__inside_here() != NULL)
                return false;
        struct cop__relation *half = find_link(actor, pid, (cop_ref){ 0 });
        if (half == NULL)
                return false;
        cop__relation_forget(actor, half);
        send_link_exit(cop__thread_here(), half, cop__actor_pid(actor), reason);
        return true;
}

cop_status cop__farewell(struct cop__thread *thread, struct cop__actor *actor, cop_pid to, cop_ref ref,
                         struct cop__shared_term *reason)
{
        struct cop__signal *signal = new_exit(thread, cop__actor_pid(actor), reason, COP__SIGNAL_FAREWELL);
        struct cop__relation *watch = cop__relation_new_quickly(&thread->pool, COP__TIE_WATCH);
        if (COP__UNLIKELY(signal == NULL || watch == NULL)) {
                if (signal != NULL)
                        cop__signal_free(&thread->pool, signal);
                if (watch != NULL)
                        cop__relation_free(thread, watch);
                return COP_E_NO_MEMORY;
        }
        watch->signal.ref = ref;
        watch->as.tie.mode = COP__TIE_FAREWELL;
        relation_of(signal)->as.farewell.watch = watch;
        cop__send_signal(thread, to, signal);
        return COP_OK;
}

/* A monitor begins: the owner keeps its half, and the other goes to who is monitored. */
static void begin_monitor(struct cop__thread *thread, struct cop__actor *actor, cop_pid target,
                          cop_ref ref, struct cop__relation *mine, struct cop__relation *theirs)
{
        cop_pid self = cop__actor_pid(actor);
        cop__relation_keep(actor, mine, ref, target);
        mine->as.tie.other = theirs;
        theirs->signal.ref = ref;
        if (cop_pid_equal(target, self)) {
                /* It can never tell: the half is kept as the others, and ends with the actor or the monitor. */
                theirs->signal.from = self;
                cop__relation_keep(actor, theirs, ref, self);
        } else if (target.bits == 0) {
                theirs->signal.type = COP__SIGNAL_MONITOR;
                theirs->signal.from = self;
                cop__relation_refuse(thread, target, &theirs->signal, NULL);
        } else {
                send_half(thread, theirs, COP__SIGNAL_MONITOR, self, target);
        }
}

bool cop__watched_by(struct cop__thread *thread, struct cop__actor *actor, cop_caller caller)
{
        struct cop__relation *pair[2];
        if (new_pair(thread, COP__TIE_MONITOR, COP__TIE_WATCH, NULL, pair) != COP_OK)
                return false;
        pair[1]->as.tie.mode = COP__TIE_OF_CALL;
        cop__relation_keep(actor, pair[1], caller.ref, caller.pid);
        pair[0]->signal.ref = caller.ref;
        pair[0]->as.tie.other = pair[1];
        pair[0]->as.tie.mode = COP__TIE_OF_CALL;
        send_half(thread, pair[0], COP__SIGNAL_DEFERRED_BY, cop__actor_pid(actor), caller.pid);
        return true;
}

bool cop__is_watched_by(struct cop__actor *actor, cop_caller caller)
{
        return cop__relation_find(actor, COP__TIE_WATCH, caller.ref.bits, caller.ref) != NULL;
}

void cop__watch_fail(struct cop__thread *thread, struct cop__actor *actor, cop_caller caller)
{
        struct cop__relation *half = cop__relation_find(actor, COP__TIE_WATCH, caller.ref.bits, caller.ref);
        if (half == NULL)
                return;
        cop__relation_forget(actor, half);
        memset(&half->as.down, 0, sizeof(half->as.down)); /* without a reason: nobody has died */
        send_half(thread, half, COP__SIGNAL_DOWN, cop__actor_pid(actor), caller.pid);
}

void cop__watch_callee(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *signal, bool waits)
{
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        if (waits)
                cop__relation_keep(actor, relation_of(signal), signal->ref, signal->from);
        else
                cop__relation_refuse(thread, cop__actor_pid(actor), signal, NULL);
}

bool cop__demonitor(struct cop__thread *thread, struct cop__actor *actor, cop_ref ref)
{
        struct cop__relation *half = find_monitor(actor, ref);
        if (half == NULL) {
                if (cop__node_of(thread)->inside != NULL) /* of a call whose answer was deferred */
                        cop__inside_unwatch(ref);
                return false;
        }
        cop_pid target = half->as.tie.peer;
        forget_monitor(thread, actor, half);
        cop__shared_term_drop(half->as.tie.tag);
        send_half(thread, half, COP__SIGNAL_DEMONITOR, cop__actor_pid(actor), target);
        return true;
}

static bool is_good_mode(uint32_t mode)
{
        switch (mode & ~(uint32_t)COP_ALIAS_PRIORITY) {
        case 0:
                return mode == 0; /* an alias that is none has no priority */
        case COP_ALIAS_EXPLICIT:
        case COP_ALIAS_REPLY:
        case COP_ALIAS_DEMONITOR:
        case COP_ALIAS_REPLY_DEMONITOR:
                return true;
        default:
                return false;
        }
}

/* What a monitor has besides, all that can fail of it. */
static cop_status new_extras(struct cop__thread *thread, struct cop__actor *actor,
                             const cop_monitor_options *options, cop_ref ref,
                             struct cop__shared_term **tag)
{
        cop_status status = COP_OK;
        *tag = NULL;
        if (options->tag.type != COP_TERM_NIL)
                status = cop__shared_term_make(options->tag, tag);
        if (status == COP_OK && options->priority && !cop__consent(actor))
                status = COP_E_NO_MEMORY;
        if (status == COP_OK && options->alias != 0)
                status = cop__alias_open(thread, actor, options->alias, ref);
        if (status != COP_OK)
                cop__shared_term_drop(*tag);
        return status;
}

static cop_status monitor(cop_address to, const cop_monitor_options *options, cop_ref *ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (ref == NULL || options == NULL || cop__is_alias(to) ||
            (to.name == NULL && to.pid.bits == 0) || cop__is_null_name(to) ||
            (to.name != NULL && strlen(to.name) > COP_NAME_MAX) || !is_good_mode(options->alias))
                return COP_E_BAD_ARGUMENT;
        if (cop__inside_here() != NULL)
                return monitor_outside(to, options, ref);
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *pair[2];
        struct cop__shared_term *tag;
        cop_status status = new_pair(thread, COP__TIE_MONITOR, COP__TIE_WATCH, to.name, pair);
        if (status != COP_OK)
                return status;
        cop_ref fresh = cop__ref_new(cop__here_of(thread));
        cop__mark(actor, fresh);
        status = new_extras(thread, actor, options, fresh, &tag);
        if (status != COP_OK) {
                cop__relation_free(thread, pair[0]);
                cop__relation_free(thread, pair[1]);
                return status;
        }
        pair[0]->as.tie.tag = tag;
        pair[0]->as.tie.mode = options->alias;
        if (options->priority)
                pair[1]->signal.flags |= COP__SIGNAL_PRIORITY;
        begin_monitor(thread, actor, to.name != NULL ? cop_whereis(to.name) : to.pid, fresh,
                      pair[0], pair[1]);
        *ref = fresh;
        return COP_OK;
}

cop_status cop_monitor_address_opt(cop_address to, const cop_monitor_options *options, cop_ref *ref)
{
        cop__charge(to.pid, __builtin_return_address(0));
        return monitor(to, options, ref);
}

cop_status cop_monitor_address(cop_address to, cop_ref *ref)
{
        cop__charge(to.pid, __builtin_return_address(0));
        return monitor(to, &(cop_monitor_options){ .alias = 0 }, ref);
}

static bool demonitor(cop_ref ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return false;
        if (ref.bits == 0)
                return cop__badarg("demonitor", "no reference is given");
        if (cop__inside_here() != NULL)
                return demonitor_outside(ref);
        return cop__demonitor(cop__thread_here(), actor, ref);
}

bool cop_demonitor(cop_ref ref)
{
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        return demonitor(ref);
}

bool cop_demonitor_flush(cop_ref ref)
{
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        if (demonitor(ref))
                return true;
        if (ref.bits != 0)
                cop_message_free(cop_receive(0, COP_REF(cop_down, ref)));
        return false;
}
