/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Links, monitors, and the exit signals that run along them. See relation.h. */
#include "actors/relation.h"

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"

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
        size_t size = sizeof(struct cop__relation) - sizeof(struct cop__signal) + name_size + 1;
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_LINK, size);
        if (signal == NULL)
                return NULL;
        struct cop__relation *relation = relation_of(signal);
        memset(&relation->as, 0, sizeof(relation->as));
        relation->as.tie.type = type;
        relation->as.tie.name_size = (uint32_t)name_size;
        /* A DOWN shows it as a symbol, which a NUL follows. */
        char *copy = (char *)(relation + 1);
        if (name_size > 0)
                memcpy(copy, name, name_size);
        copy[name_size] = '\0';
        return relation;
}

void cop__relation_free(struct cop__thread *thread, struct cop__relation *relation)
{
        cop__signal_free(&thread->pool, &relation->signal);
}

/* ---- Keeping -------------------------------------------------------------------- */

/* Links are looked for by who is at the other end, monitors by their reference. */
static uint64_t key_of(const struct cop__relation *relation)
{
        return relation->as.tie.type == COP__TIE_LINK ? relation->as.tie.peer.bits
                                                      : relation->signal.ref.bits;
}

static bool is_looked_for(const struct cop__relation *relation)
{
        return relation->as.tie.type != COP__TIE_WATCH;
}

/* From now on in a table too. Without memory for it the list goes on serving. */
static void begin_table(struct cop__actor *actor)
{
        struct cop__table *table = malloc(sizeof(*table));
        if (table == NULL)
                return;
        cop__table_init(table);
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                struct cop__relation *relation = relation_of_list(at);
                relation->as.tie.node.key = key_of(relation);
                if (is_looked_for(relation))
                        cop__table_insert(table, &relation->as.tie.node);
        }
        actor->relation_table = table;
}

void cop__relation_keep(struct cop__actor *actor, struct cop__relation *relation, cop_ref ref,
                        cop_pid peer)
{
        relation->signal.ref = ref;
        relation->as.tie.peer = peer;
        relation->as.tie.node.key = key_of(relation);
        cop__list_push_back(&actor->relations, &relation->as.tie.list);
        actor->relation_count++;
        if (actor->relation_table != NULL) {
                if (is_looked_for(relation))
                        cop__table_insert(actor->relation_table, &relation->as.tie.node);
        } else if (actor->relation_count > COP__RELATIONS_LISTED) {
                begin_table(actor);
        }
}

static void forget(struct cop__actor *actor, struct cop__relation *relation)
{
        cop__list_remove(&relation->as.tie.list);
        actor->relation_count--;
        if (actor->relation_table == NULL)
                return;
        if (is_looked_for(relation))
                cop__table_remove(actor->relation_table, &relation->as.tie.node);
        if (actor->relation_count == 0) {
                cop__table_fini(actor->relation_table);
                free(actor->relation_table);
                actor->relation_table = NULL;
        }
}

/* The first half of that type and key, with that reference unless it is 0. */
static struct cop__relation *find(struct cop__actor *actor, enum cop__tie_type type, uint64_t key,
                                  cop_ref ref)
{
        struct cop__relation *relation;
        if (actor->relation_table != NULL) {
                struct cop__table_node *node =
                        cop__table_find_first(actor->relation_table, key);
                for (; node != NULL; node = cop__table_find_next(node)) {
                        relation = relation_of_node(node);
                        if (relation->as.tie.type == type &&
                            (ref.bits == 0 || cop_ref_equal(relation->signal.ref, ref)))
                                return relation;
                }
                return NULL;
        }
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                relation = relation_of_list(at);
                if (relation->as.tie.type == type && key_of(relation) == key &&
                    (ref.bits == 0 || cop_ref_equal(relation->signal.ref, ref)))
                        return relation;
        }
        return NULL;
}

static struct cop__relation *find_link(struct cop__actor *actor, cop_pid peer, cop_ref id)
{
        return find(actor, COP__TIE_LINK, peer.bits, id);
}

static struct cop__relation *find_monitor(struct cop__actor *actor, cop_ref ref)
{
        return find(actor, COP__TIE_MONITOR, ref.bits, ref);
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
                reason != NULL ? cop__shared_term_take(reason) : cop__reason_atom("noproc");
        send_half(thread, relation, COP__SIGNAL_LINK_EXIT, dead, to);
}

static void send_down(struct cop__thread *thread, struct cop__relation *relation, cop_pid dead,
                      struct cop__shared_term *reason)
{
        cop_pid to = relation->as.tie.peer;
        uint32_t name_size = relation->as.tie.name_size;
        struct cop__down_body *body = &relation->as.down;
        memset(body, 0, sizeof(*body));
        body->message.ref = relation->signal.ref;
        body->message.pid = dead;
        body->message.name.text = (const char *)(relation + 1);
        body->message.name.size = name_size;
        body->reason = reason != NULL ? cop__shared_term_take(reason) : cop__reason_atom("noproc");
        send_half(thread, relation, COP__SIGNAL_DOWN, dead, to);
}

/* ---- Exit signals ------------------------------------------------------------------- */

/* From here on it is a message, and ends like one. */
static void become_exited(struct cop__signal *signal)
{
        struct cop__exit_body *body = &relation_of(signal)->as.exited;
        struct cop__shared_term *reason = body->reason;
        body->message.pid = signal->from;
        body->message.reason = reason->term;
        body->reason = reason;
        signal->kind = COP_KIND_OF(cop_exited);
        signal->size = sizeof(body->message);
        signal->type = COP__SIGNAL_MESSAGE;
        signal->flags |= COP__SIGNAL_REASON;
        signal->ref = (cop_ref){ 0 };
}

static void drop_exit(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        cop__shared_term_drop(relation_of(signal)->as.exited.reason);
        cop__signal_done(thread, actor, signal);
}

bool cop__exit_signal(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal, bool from_link)
{
        struct cop__shared_term *reason = relation_of(signal)->as.exited.reason;
        bool normal = cop_is_atom(reason->term, "normal");
        bool kill = !from_link && cop_is_atom(reason->term, "kill");
        bool visitor = actor->task.visitor != NULL;
        bool self = cop_pid_equal(signal->from, cop__actor_pid(actor));
        if (visitor || (actor->trap_exit && !kill)) {
                /* A thread of the program cannot be ended from here: it reads what would have killed it. */
                become_exited(signal);
                return true;
        }
        if (normal && (from_link || !self)) {
                drop_exit(thread, actor, signal);
                return false;
        }
        if (kill && !actor->killed) {
                actor->killed = true; /* also in the middle of terminate() */
                cop__shared_term_drop(actor->reason);
                actor->reason = NULL;
        }
        if (actor->reason == NULL)
                actor->reason = kill ? cop__reason_atom("killed") : cop__shared_term_take(reason);
        drop_exit(thread, actor, signal);
        return false;
}

struct cop__signal *cop__exit_new(struct cop__thread *thread, cop_pid from,
                                  struct cop__shared_term *reason)
{
        struct cop__relation *relation = cop__relation_new(thread, COP__TIE_LINK, NULL);
        if (relation == NULL)
                return NULL;
        relation->signal.type = COP__SIGNAL_EXIT;
        relation->signal.from = from;
        relation->as.exited.reason = reason;
        return &relation->signal;
}

/* ---- Taking in ------------------------------------------------------------------------ */

static bool take_link_exit(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        if (find_link(actor, signal->from, signal->ref) == NULL) {
                drop_exit(thread, actor, signal); /* unlinked meanwhile */
                return false;
        }
        struct cop__relation *half;
        while ((half = find_link(actor, signal->from, (cop_ref){ 0 })) != NULL) {
                forget(actor, half);
                cop__relation_free(thread, half);
        }
        return cop__exit_signal(thread, actor, signal, true);
}

static void take_unlink(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal)
{
        struct cop__relation *half = find_link(actor, signal->from, signal->ref);
        if (half != NULL) {
                forget(actor, half);
                cop__relation_free(thread, half);
        }
        cop__signal_done(thread, actor, signal);
}

static void take_demonitor(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        struct cop__relation *watch = relation_of(signal)->as.tie.other;
        forget(actor, watch);
        cop__relation_free(thread, watch);
        cop__signal_done(thread, actor, signal);
}

/* The callee that had deferred its reply is dead: to the call it is a failure like the others. */
static void fail_deferred_call(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__shared_term *reason = relation_of(signal)->as.down.reason;
        struct cop__failed *failed = cop__signal_body(signal);
        failed->reason = reason;
        failed->failure = COP__FAILED_DIED;
        signal->type = COP__SIGNAL_FAILED;
        actor->waiting.bits = 0;
        actor->call_watched = false;
        actor->reply = signal;
}

static bool take_down(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        struct cop__down_body *body = &relation_of(signal)->as.down;
        struct cop__relation *half = find_monitor(actor, signal->ref);
        if (half == NULL) {
                cop__shared_term_drop(body->reason);
                cop__signal_done(thread, actor, signal);
                return false;
        }
        forget(actor, half);
        cop__relation_free(thread, half);
        if (cop_ref_equal(signal->ref, actor->waiting)) {
                fail_deferred_call(actor, signal);
                return false;
        }
        body->message.reason = body->reason->term;
        signal->kind = COP_KIND_OF(cop_down);
        signal->size = sizeof(body->message);
        signal->type = COP__SIGNAL_MESSAGE;
        signal->flags |= COP__SIGNAL_REASON;
        signal->ref = (cop_ref){ 0 };
        return true;
}

bool cop__relation_take_in(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        switch (signal->type) {
        case COP__SIGNAL_LINK:
        case COP__SIGNAL_MONITOR:
                /* The signal is the half, and one day it is sent again: the queue must have let go of it. */
                cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
                cop__relation_keep(actor, relation_of(signal), signal->ref, signal->from);
                return false;
        case COP__SIGNAL_UNLINK:
                take_unlink(thread, actor, signal);
                return false;
        case COP__SIGNAL_DEMONITOR:
                take_demonitor(thread, actor, signal);
                return false;
        case COP__SIGNAL_LINK_EXIT:
                return take_link_exit(thread, actor, signal);
        case COP__SIGNAL_DOWN:
                return take_down(thread, actor, signal);
        default:
                return cop__exit_signal(thread, actor, signal, false);
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
        case COP__SIGNAL_DOWN:
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

void cop__relations_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid self,
                        struct cop__shared_term *reason)
{
        while (!cop__list_is_empty(&actor->relations)) {
                struct cop__relation *relation = relation_of_list(actor->relations.next);
                forget(actor, relation);
                switch (relation->as.tie.type) {
                case COP__TIE_LINK:
                        send_link_exit(thread, relation, self, reason);
                        break;
                case COP__TIE_WATCH:
                        send_down(thread, relation, self, reason);
                        break;
                default:
                        send_half(thread, relation, COP__SIGNAL_DEMONITOR, self,
                                  relation->as.tie.peer);
                }
        }
}

/* ---- The public operations ---------------------------------------------------------------- */

cop_status cop_link(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        cop_pid self = cop__actor_pid(actor);
        if (cop_pid_equal(pid, self) || find_link(actor, pid, (cop_ref){ 0 }) != NULL)
                return COP_OK;
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *mine = cop__relation_new(thread, COP__TIE_LINK, NULL);
        struct cop__relation *theirs = cop__relation_new(thread, COP__TIE_LINK, NULL);
        if (mine == NULL || theirs == NULL) {
                if (mine != NULL)
                        cop__relation_free(thread, mine);
                if (theirs != NULL)
                        cop__relation_free(thread, theirs);
                return COP_E_NO_MEMORY;
        }
        cop_ref id = cop__ref_new(cop__here_of(thread));
        cop__relation_keep(actor, mine, id, pid);
        theirs->signal.ref = id;
        send_half(thread, theirs, COP__SIGNAL_LINK, self, pid);
        return COP_OK;
}

void cop_unlink(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__relation *half;
        if (actor == NULL)
                return;
        while ((half = find_link(actor, pid, (cop_ref){ 0 })) != NULL) {
                forget(actor, half);
                send_half(cop__thread_here(), half, COP__SIGNAL_UNLINK, cop__actor_pid(actor), pid);
        }
}

cop_status cop__monitor(struct cop__thread *thread, struct cop__actor *actor, cop_pid target,
                        const char *name, cop_ref ref)
{
        cop_pid self = cop__actor_pid(actor);
        struct cop__relation *mine = cop__relation_new(thread, COP__TIE_MONITOR, NULL);
        struct cop__relation *theirs = cop__relation_new(thread, COP__TIE_WATCH, name);
        if (mine == NULL || theirs == NULL) {
                if (mine != NULL)
                        cop__relation_free(thread, mine);
                if (theirs != NULL)
                        cop__relation_free(thread, theirs);
                return COP_E_NO_MEMORY;
        }
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
        return COP_OK;
}

bool cop__demonitor(struct cop__thread *thread, struct cop__actor *actor, cop_ref ref)
{
        struct cop__relation *half = find_monitor(actor, ref);
        if (half == NULL)
                return false;
        cop_pid target = half->as.tie.peer;
        forget(actor, half);
        send_half(thread, half, COP__SIGNAL_DEMONITOR, cop__actor_pid(actor), target);
        return true;
}

cop_status cop_monitor_address(cop_address to, cop_ref *ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (ref == NULL || (to.name == NULL && to.pid.bits == 0) ||
            (to.name != NULL && strlen(to.name) > COP_NAME_MAX))
                return COP_E_BAD_ARGUMENT;
        struct cop__thread *thread = cop__thread_here();
        cop_pid target = to.name != NULL ? cop_whereis(to.name) : to.pid;
        cop_ref fresh = cop__ref_new(cop__here_of(thread));
        cop_status status = cop__monitor(thread, actor, target, to.name, fresh);
        if (status == COP_OK)
                *ref = fresh;
        return status;
}

void cop_demonitor(cop_ref ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL)
                cop__demonitor(cop__thread_here(), actor, ref);
}

void cop_demonitor_flush(cop_ref ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || cop__demonitor(cop__thread_here(), actor, ref))
                return;
        cop_message_free(cop_receive(0, COP_REF(cop_down, ref)));
}
