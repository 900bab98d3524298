/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Erlang's control messages as signals. See connection.h, and export.c for the other way.
 *
 * What is no control message, or is about no pid of ours, is garbage: its sender loses the connection. A message in one that is
 * only too deep or too large for here, or that the node takes no more of (overload.h), is dropped, with a line in the log, and is a
 * dead letter; but what scopes of groups and servers of global names tell each other is taken all the same, for it is said once.
 * For one that finds no memory the connection ends: nobody over there would hear that it is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/report.h"
#include "base/memory.h"
#include "distribution/connection.h"
#include "distribution/offers.h"
#include "distribution/wire.h"
#include "mailbox/kind.h"

/* A frame takes at most so many times its size as terms: each byte may be an item. */
#define MEMORY_FOR_EACH 40u
#define MEMORY_LEAST ((size_t)65536)

struct import {
        struct cop__connection *connection;
        struct cop__reader reader;
        cop_term control;
};

/* ---- Parts of a control message ------------------------------------------------------------ */

static cop_term item(const struct import *import, size_t at)
{
        return import->control.as.items[at];
}

static bool has(const struct import *import, size_t count)
{
        return import->control.count == count + 1;
}

/* Theirs; whose else could it be? A third node's would be a forgery. */
static bool is_theirs(const struct import *import, cop_term term)
{
        return term.type == COP_TERM_PID && cop__pid_node(term.as.pid) == import->connection->peer->life;
}

/*
 * Of a life of ours that is over, too, which Erlang's nodes address as us, for they find the way by the name; and nobody, who was
 * told of in a message. Both are as any that is dead.
 */
static bool is_ours(const struct import *import, cop_term term)
{
        if (term.type != COP_TERM_PID)
                return false;
        const struct cop__lifetime *life = cop__life_of(import->connection->network, cop__pid_node(term.as.pid));
        return cop__pid_node(term.as.pid) == 0 || (life != NULL && life->peer->is_own);
}

/* An atom, or one that is too long for here, which nobody has. */
static bool is_name(cop_term term)
{
        return term.type == COP_TERM_ATOM || cop_is_tuple(term, "$erlang", 2);
}

/* As a registered one; false: nobody could bear it. */
static bool read_name(cop_term name, char text[COP_NAME_MAX + 1])
{
        if (name.type != COP_TERM_ATOM || name.count == 0 || name.count > COP_NAME_MAX || memchr(name.as.text, '\0', name.count) != NULL)
                return false;
        memcpy(text, name.as.text, name.count);
        text[name.count] = '\0';
        return true;
}

static cop_pid whereis(cop_term name, char text[COP_NAME_MAX + 1])
{
        return read_name(name, text) ? cop_whereis(text) : cop_no_pid();
}

/* ---- Messages --------------------------------------------------------------------------------- */

/* As the kind whose tag and fields it fits, else as a term. COP_E_TOO_DEEP: a part of it was, and is not there any more. */
static cop_status signal_of(struct import *import, cop_term term, struct cop__signal **signal)
{
        struct cop__thread *thread = cop__thread_here();
        const cop_any any = { term };
        if (import->reader.was_cut)
                return COP_E_TOO_DEEP;
        cop_status status = cop__signal_of_term(thread, term, COP__FROM_ERLANG, signal);
        return status == COP_E_MALFORMED ? cop__signal_message(&thread->pool, COP_KIND_OF(cop_any), &any, signal) : status;
}

/* A scope of groups, or who keeps global names: what it is told is never said again. */
static bool hears_nodes(cop_pid to)
{
        const struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), to);
        return actor != NULL && cop__slot_is(actor, to) && cop__has_manner(actor, COP__HEARS_NODES);
}

/* To that one: such is no new work, and a term whatever kinds the program has. */
static cop_status signal_for(struct import *import, cop_pid to, cop_term term, struct cop__signal **signal)
{
        if (!hears_nodes(to) || import->reader.was_cut)
                return signal_of(import, term, signal);
        return cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop_any), &(cop_any){ term }, signal);
}

static void complain(const struct import *import, cop_status status)
{
        cop_log(COP_LOG_WARNING, "a message from %s: %s: dropped", import->connection->peer->name, cop_status_text(status));
}

/* A dead letter, or the end of the connection. */
static cop_status drop(const struct import *import, cop_status status)
{
        complain(import, status);
        cop__count_up(&cop__here_of(cop__thread_here())->dead_letters);
        return status == COP_E_NO_MEMORY ? status : COP_OK;
}

/* The reader says if a part of it was too deep: then only what it is is left, and whom it is for. */
static cop_status next_message(struct import *import, cop_term *message, bool *is_there)
{
        import->reader.marks_deep = true;
        cop_status status = cop__reader_term(&import->reader, message);
        *is_there = status == COP_OK;
        return status == COP_OK || status == COP_E_MALFORMED ? status : drop(import, status);
}

static void push(struct cop__signal *signal, cop_pid from, cop_pid to)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), to);
        signal->from = from;
        cop__count_up(&cop__here_of(thread)->sent);
        if (actor == NULL || !cop__slot_is(actor, to) || cop__load_relaxed(&actor->pressed) < COP__PRESSURE_LIMITED) {
                cop__send_signal(thread, to, signal);
                return;
        }
        switch (cop__limit_admit(thread, actor, to, signal)) {
        case COP__ADMIT:
        case COP__ADMIT_SLOWED:
                cop__push_signal(thread, actor, cop__pid_generation(to), signal);
                return;
        case COP__ADMIT_LATER:
                return;
        default:
                cop__letter_die(thread, to, signal, COP__DEATH_FULL);
        }
}

static cop_status deliver(struct import *import, cop_pid from, cop_pid to, cop_term term)
{
        struct cop__signal *signal;
        cop_status status = signal_for(import, to, term, &signal);
        if (status != COP_OK)
                return drop(import, status);
        push(signal, from, to);
        return COP_OK;
}

/* ---- Calls --------------------------------------------------------------------------------------- */

/* What a call is known by, and how it is answered. */
struct tag {
        cop_ref ref, through;
        bool alias, named;
};

/* [alias|Ref] or Ref. */
static bool read_plain(cop_term tag, cop_ref *ref, bool *alias)
{
        *alias = tag.type == COP_TERM_CONS && tag.count == 2 && cop_is_atom(tag.as.items[0], "alias");
        cop_term last = *alias ? tag.as.items[1] : tag;
        if (last.type != COP_TERM_REF)
                return false;
        *ref = last.as.ref;
        return true;
}

static bool is_own_name(const struct import *import, cop_term term)
{
        return cop_is_atom(term, import->connection->network->name);
}

/* The same, or of a call to many, which all answer through one alias, [[alias|Through]|Ref], or under one reference, {Ref, Node}. */
static bool read_tag(const struct import *import, cop_term term, struct tag *tag)
{
        *tag = (struct tag){ .alias = false };
        if (term.type == COP_TERM_TUPLE && term.count == 2 && is_own_name(import, term.as.items[1])) {
                tag->named = true;
                return read_plain(term.as.items[0], &tag->ref, &tag->alias) && !tag->alias;
        }
        if (term.type != COP_TERM_CONS || term.count != 2 || term.as.items[0].type != COP_TERM_CONS)
                return read_plain(term, &tag->ref, &tag->alias);
        if (!read_plain(term.as.items[0], &tag->through, &tag->alias) || term.as.items[1].type != COP_TERM_REF)
                return false;
        tag->ref = term.as.items[1].as.ref;
        return tag->alias && tag->through.bits >> 62 == 1;
}

static bool is_request(const struct import *import, cop_term term, struct tag *tag)
{
        if (!cop_is_tuple(term, "$gen_call", 3) || term.as.items[1].type != COP_TERM_TUPLE || term.as.items[1].count != 2)
                return false;
        const cop_term *from = term.as.items[1].as.items;
        return is_theirs(import, from[0]) && read_tag(import, from[1], tag) && tag->ref.bits >> 62 == 1;
}

/* Who monitors the call hears that it has failed as by a DOWN. */
static void fail(struct import *import, cop_pid callee, cop_pid caller, cop_ref ref, const char *why)
{
        struct cop__relation *half = cop__watched_take(import->connection, ref);
        cop__asked_end(import->connection, ref);
        if (half == NULL)
                return;
        cop__export_down(import->connection, callee, NULL, 0, caller, ref, COP_TUPLE(cop_atom("coppice"), cop_atom(why)));
        half->signal.type = COP__SIGNAL_DEMONITOR;
        cop__send_signal(cop__thread_here(), half->as.tie.peer, &half->signal);
}

/* No other node of the kind could take it. */
static bool is_beyond_us(cop_status status)
{
        return status == COP_E_TOO_DEEP || status == COP_E_TOO_BIG;
}

static cop_status deliver_request(struct import *import, cop_pid to, cop_term term, const struct tag *tag)
{
        const cop_ref ref = tag->ref;
        struct cop__peer *peer = import->connection->peer;
        struct cop__thread *thread = cop__thread_here();
        cop_pid from = term.as.items[1].as.items[0].as.pid;
        if (cop__asked_of(peer, ref) != NULL)
                return COP_OK; /* said twice */
        struct cop__peer_asked *asked = cop__malloc(sizeof(*asked));
        struct cop__signal *signal;
        cop_status status = asked != NULL ? signal_for(import, to, term.as.items[2], &signal) : COP_E_NO_MEMORY;
        if (status != COP_OK) {
                free(asked);
                complain(import, status);
                fail(import, to, from, ref, is_beyond_us(status) ? "isolated" : "no_memory");
                return hears_nodes(to) && status == COP_E_NO_MEMORY ? status : COP_OK;
        }
        *asked = (struct cop__peer_asked){ .from = from, .alias = tag->alias, .through = tag->through, .named = tag->named };
        asked->node.key = ref.bits;
        cop__ref_pin(import->connection->network, ref);
        cop__ref_pin(import->connection->network, tag->through);
        cop__table_insert(&peer->asked, &asked->node);
        signal->from = from;
        signal->ref = ref;
        if (cop__limit_knock(thread, to, signal) != COP_OK)
                fail(import, to, from, ref, "full");
        else
                cop__send_signal(thread, to, signal);
        return COP_OK;
}

/* The call is over, and its monitor with it. */
static struct cop__signal *end_call(struct import *import, struct cop__peer_call *call, bool demonitor)
{
        struct cop__signal *request = call->request;
        if (demonitor)
                cop__export_demonitor(import->connection, request->from, call->to, request->ref);
        cop__table_remove(&import->connection->peer->calls, &call->node);
        free(call);
        return request;
}

/* `from` is nobody if who has answered is not said: then it is whoever was asked. */
static void answer(struct import *import, struct cop__peer_call *call, cop_pid from, cop_term term)
{
        struct cop__thread *thread = cop__thread_here();
        cop_pid callee = call->to;
        struct cop__signal *request = end_call(import, call, true), *reply;
        cop_status status = signal_of(import, term, &reply);
        if (status != COP_OK) {
                complain(import, status);
                cop__fail_call(thread, callee, request, is_beyond_us(status) ? COP__FAILED_ISOLATED : COP__FAILED_NO_MEMORY, NULL);
                return;
        }
        reply->type = COP__SIGNAL_REPLY;
        reply->ref = request->ref;
        reply->from = from.bits != 0 ? from : callee;
        cop__count_up(&cop__here_of(thread)->sent);
        cop__send_signal(thread, request->from, reply);
        cop__signal_free(&thread->pool, request);
}

/* {Tag, Reply} for a call of ours that is still open? */
static struct cop__peer_call *call_answered_by(struct import *import, cop_term term)
{
        cop_ref ref;
        bool alias;
        if (term.type != COP_TERM_TUPLE || term.count != 2 || !read_plain(term.as.items[0], &ref, &alias))
                return NULL;
        return cop__call_of(import->connection->peer, ref);
}

/* ---- SEND, REG_SEND, ALIAS_SEND ------------------------------------------------------------------- */

static cop_status take_message(struct import *import, cop_pid from, cop_pid to)
{
        cop_term message;
        bool is_there;
        struct tag tag;
        cop_status status = next_message(import, &message, &is_there);
        if (status != COP_OK || !is_there)
                return status;
        struct cop__peer_call *call = call_answered_by(import, message);
        if (call != NULL && cop_pid_equal(call->request->from, to))
                answer(import, call, from, message.as.items[1]);
        else if (is_request(import, message, &tag))
                return deliver_request(import, to, message, &tag);
        else if (cop_is_tuple(message, "$gen_cast", 2))
                return deliver(import, from, to, message.as.items[1]);
        else
                return deliver(import, from, to, message);
        return COP_OK;
}

static cop_status take_send(struct import *import, bool sender)
{
        if (!has(import, 2) || !is_ours(import, item(import, 2)) || (sender && !is_theirs(import, item(import, 1))))
                return COP_E_MALFORMED;
        return take_message(import, sender ? item(import, 1).as.pid : cop_no_pid(), item(import, 2).as.pid);
}

static cop_status take_named(struct import *import)
{
        char text[COP_NAME_MAX + 1];
        if (!has(import, 3) || !is_theirs(import, item(import, 1)) || !is_name(item(import, 3)))
                return COP_E_MALFORMED;
        cop_pid to = whereis(item(import, 3), text);
        if (to.bits != 0)
                return take_message(import, item(import, 1).as.pid, to);
        cop__count_up(&cop__here_of(cop__thread_here())->dead_letters);
        return COP_OK;
}

/* And not none: an answer without one is for whatever call an actor is in (take.h). */
static bool is_reference(cop_term term)
{
        return term.type == COP_TERM_REF && term.as.ref.bits != 0;
}

/* Through the alias that a call is, or, from a node of this kind, through any of an actor's here. What is late is dropped. */
static cop_status take_alias(struct import *import)
{
        bool owned = has(import, 3), is_there;
        cop_term message;
        if ((!owned && !has(import, 2)) || !is_theirs(import, item(import, 1)) || !is_reference(item(import, 2)) ||
            (owned && !is_ours(import, item(import, 3))))
                return COP_E_MALFORMED;
        cop_status status = next_message(import, &message, &is_there);
        if (status != COP_OK || !is_there)
                return status;
        struct cop__peer_call *call = call_answered_by(import, message);
        if (call != NULL && cop_ref_equal(call->request->ref, item(import, 2).as.ref)) {
                answer(import, call, item(import, 1).as.pid, message.as.items[1]);
                return COP_OK;
        }
        if (!owned) {
                cop__count_up(&cop__here_of(cop__thread_here())->dead_letters);
                return COP_OK;
        }
        struct cop__signal *signal;
        status = signal_of(import, message, &signal);
        if (status != COP_OK)
                return drop(import, status);
        signal->type = COP__SIGNAL_REPLY;
        signal->flags |= COP__SIGNAL_THROUGH;
        signal->ref = item(import, 2).as.ref;
        signal->from = item(import, 1).as.pid;
        cop__send_signal(cop__thread_here(), item(import, 3).as.pid, signal);
        return COP_OK;
}

/* ---- Links ------------------------------------------------------------------------------------------- */

static cop_status take_link(struct import *import)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__peer *peer = import->connection->peer;
        if (!has(import, 2) || !is_theirs(import, item(import, 1)) || !is_ours(import, item(import, 2)))
                return COP_E_MALFORMED;
        cop_pid there = item(import, 1).as.pid, here = item(import, 2).as.pid;
        if (cop__is_linked(peer, here, there) || cop__is_unlinking(peer, here, there))
                return COP_OK;
        struct cop__relation *ours = cop__relation_new(thread, COP__TIE_LINK, NULL);
        struct cop__relation *theirs = cop__relation_new(thread, COP__TIE_LINK, NULL);
        if (ours == NULL || theirs == NULL) {
                if (ours != NULL)
                        cop__relation_free(thread, ours);
                if (theirs != NULL)
                        cop__relation_free(thread, theirs);
                return COP_E_NO_MEMORY;
        }
        cop_ref id = cop__ref_new(cop__here_of(thread));
        ours->signal.type = theirs->signal.type = COP__SIGNAL_LINK;
        ours->signal.ref = theirs->signal.ref = id;
        ours->signal.from = here;
        ours->as.tie.peer = there;
        ours->as.tie.node.key = cop__link_key(here, there);
        cop__table_insert(&peer->links, &ours->as.tie.node);
        theirs->signal.from = there;
        cop__send_signal(thread, here, &theirs->signal);
        return COP_OK;
}

static void unlink_here(struct import *import, cop_pid here, cop_pid there)
{
        struct cop__relation *half;
        while ((half = cop__link_take(import->connection->peer, here, there, (cop_ref){ 0 })) != NULL) {
                half->signal.type = COP__SIGNAL_UNLINK;
                half->signal.from = there;
                cop__send_signal(cop__thread_here(), here, &half->signal);
        }
}

static cop_status take_unlink(struct import *import)
{
        if (!has(import, 2) || !is_theirs(import, item(import, 1)) || !is_ours(import, item(import, 2)))
                return COP_E_MALFORMED;
        unlink_here(import, item(import, 2).as.pid, item(import, 1).as.pid);
        return COP_OK;
}

/* Id, From, To */
static bool is_unlinking(const struct import *import)
{
        cop_term id = item(import, 1);
        return has(import, 3) && (id.type == COP_TERM_NATURAL || (id.type == COP_TERM_INTEGER && id.as.integer >= 0)) &&
               is_theirs(import, item(import, 2)) && is_ours(import, item(import, 3));
}

static cop_status take_unlink_id(struct import *import)
{
        cop_term id = item(import, 1);
        if (!is_unlinking(import))
                return COP_E_MALFORMED;
        cop_pid there = item(import, 2).as.pid, here = item(import, 3).as.pid;
        unlink_here(import, here, there);
        cop__export_unlinked(import->connection, id.as.natural, here, there);
        return COP_OK;
}

/* Of the last one, or it is older than that. */
static cop_status take_unlink_ack(struct import *import)
{
        cop_ref id = { item(import, 1).as.natural };
        if (!is_unlinking(import))
                return COP_E_MALFORMED;
        if (id.bits != 0)
                cop__unlinking_end(import->connection->peer, item(import, 3).as.pid, item(import, 2).as.pid, id);
        return COP_OK;
}

static struct cop__shared_term *reason_of(cop_term term)
{
        struct cop__shared_term *reason = cop__shared_term_new(term);
        return reason != NULL ? reason : cop__shared_term_take(cop__reason(COP__REASON_NO_MEMORY));
}

/* One of a link that is no more means nothing. */
static cop_status take_exit(struct import *import)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *half;
        if (!has(import, 3) || !is_theirs(import, item(import, 1)) || !is_ours(import, item(import, 2)))
                return COP_E_MALFORMED;
        cop_pid there = item(import, 1).as.pid, here = item(import, 2).as.pid;
        struct cop__shared_term *reason = reason_of(item(import, 3));
        cop__unlinking_end(import->connection->peer, here, there, (cop_ref){ 0 });
        while ((half = cop__link_take(import->connection->peer, here, there, (cop_ref){ 0 })) != NULL)
                cop__relation_refuse(thread, there, &half->signal, reason);
        cop__shared_term_drop(reason);
        return COP_OK;
}

static cop_status take_exit2(struct import *import)
{
        struct cop__thread *thread = cop__thread_here();
        if (!has(import, 3) || !is_theirs(import, item(import, 1)) || !is_ours(import, item(import, 2)))
                return COP_E_MALFORMED;
        struct cop__shared_term *reason = reason_of(item(import, 3));
        struct cop__signal *signal = cop__exit_new(thread, item(import, 1).as.pid, reason);
        if (signal == NULL) {
                cop__shared_term_drop(reason);
                return COP_E_NO_MEMORY;
        }
        cop__send_signal(thread, item(import, 2).as.pid, signal);
        return COP_OK;
}

/* ---- Monitors ------------------------------------------------------------------------------------------- */

static cop_status watch(struct import *import, cop_pid watcher, cop_pid target, const char *name, cop_ref ref)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *ours = cop__relation_new(thread, COP__TIE_MONITOR, NULL);
        struct cop__relation *theirs = cop__relation_new(thread, COP__TIE_WATCH, name);
        if (ours == NULL || theirs == NULL) {
                if (ours != NULL)
                        cop__relation_free(thread, ours);
                if (theirs != NULL)
                        cop__relation_free(thread, theirs);
                return COP_E_NO_MEMORY;
        }
        cop__ref_pin(import->connection->network, ref);
        ours->signal.type = COP__SIGNAL_DEMONITOR;
        ours->signal.ref = theirs->signal.ref = ref;
        ours->signal.from = theirs->signal.from = watcher;
        ours->as.tie.peer = target;
        ours->as.tie.other = theirs;
        ours->as.tie.node.key = ref.bits;
        cop__table_insert(&import->connection->peer->watched, &ours->as.tie.node);
        theirs->signal.type = COP__SIGNAL_MONITOR;
        cop__send_signal(thread, target, &theirs->signal);
        return COP_OK;
}

static bool is_name_or_ours(const struct import *import, cop_term target)
{
        return is_name(target) || is_ours(import, target);
}

static bool is_foreign_ref(cop_term ref)
{
        return ref.type == COP_TERM_REF && ref.as.ref.bits >> 62 == 1;
}

static cop_status take_monitor(struct import *import)
{
        char text[COP_NAME_MAX + 1];
        cop_term target = item(import, 2);
        if (!has(import, 3) || !is_theirs(import, item(import, 1)) || !is_name_or_ours(import, target) ||
            !is_foreign_ref(item(import, 3)))
                return COP_E_MALFORMED;
        bool named = target.type != COP_TERM_PID;
        cop_pid watcher = item(import, 1).as.pid, pid = named ? whereis(target, text) : target.as.pid;
        cop_ref ref = item(import, 3).as.ref;
        if (cop__table_find_first(&import->connection->peer->watched, ref.bits) != NULL)
                return COP_E_MALFORMED;
        if (!named || pid.bits != 0)
                return watch(import, watcher, pid, named ? text : NULL, ref);
        cop__export_down(import->connection, cop_no_pid(), target.as.text, target.type == COP_TERM_ATOM ? target.count : 0,
                         watcher, ref, cop_atom("noproc"));
        return COP_OK;
}

/* Of a call, too: whoever gave it up wants no answer. */
static cop_status take_demonitor(struct import *import)
{
        if (!has(import, 3) || !is_theirs(import, item(import, 1)) || !is_name_or_ours(import, item(import, 2)) ||
            item(import, 3).type != COP_TERM_REF)
                return COP_E_MALFORMED;
        cop_ref ref = item(import, 3).as.ref;
        struct cop__relation *half = cop__watched_take(import->connection, ref);
        cop__asked_end(import->connection, ref);
        if (half == NULL)
                return COP_OK;
        half->signal.type = COP__SIGNAL_DEMONITOR;
        cop__send_signal(cop__thread_here(), half->as.tie.peer, &half->signal);
        return COP_OK;
}

/* {coppice, Why}: the failure that it is between nodes of this kind. */
static enum cop__failure failure_of(cop_term reason)
{
        static const struct {
                const char *name;
                enum cop__failure failure;
        } names[] = {
                { "no_reply", COP__FAILED_NO_REPLY }, { "no_memory", COP__FAILED_NO_MEMORY },
                { "full", COP__FAILED_FULL },         { "isolated", COP__FAILED_ISOLATED },
                { "expired", COP__FAILED_EXPIRED },   { "no_handler", COP__FAILED_NO_HANDLER },
        };
        if (cop_is_atom(reason, "noproc"))
                return COP__FAILED_NO_ACTOR;
        for (size_t i = 0; cop_is_tuple(reason, "coppice", 2) && i < COP__COUNT(names); i++)
                if (cop_is_atom(reason.as.items[1], names[i].name))
                        return names[i].failure;
        return COP__FAILED_DIED;
}

static cop_status take_down(struct import *import)
{
        struct cop__thread *thread = cop__thread_here();
        cop_term from = item(import, 1);
        if (!has(import, 4) || (from.type != COP_TERM_ATOM && from.type != COP_TERM_PID) || !is_ours(import, item(import, 2)) ||
            item(import, 3).type != COP_TERM_REF)
                return COP_E_MALFORMED;
        cop_ref ref = item(import, 3).as.ref;
        struct cop__shared_term *reason = reason_of(item(import, 4));
        struct cop__peer_call *call = cop__call_of(import->connection->peer, ref);
        struct cop__relation *half = cop__watch_take(import->connection->peer, ref);
        if (call != NULL) {
                cop_pid callee = call->to;
                enum cop__failure why = failure_of(item(import, 4));
                struct cop__signal *request = end_call(import, call, false);
                cop__fail_call(thread, callee, request, why, why == COP__FAILED_DIED ? reason : NULL);
        }
        if (half != NULL)
                cop__relation_refuse(thread, half->as.tie.peer, &half->signal, reason);
        cop__shared_term_drop(reason);
        return COP_OK;
}

/* ---- Orders ------------------------------------------------------------------------------------------------- */

/* What a spawner of theirs wants. */
struct order {
        cop_ref ref;
        cop_pid from;
        cop_text module, function;
        bool link, monitor;
        char name[COP_NAME_MAX + 1];
};

static cop_text text_of(cop_term atom)
{
        return (cop_text){ .data = atom.as.text, .size = atom.count };
}

static bool read_option(cop_term option, struct order *order)
{
        if (cop_is_atom(option, "link"))
                order->link = true;
        else if (cop_is_atom(option, "monitor") || cop_is_tuple(option, "monitor", 2))
                order->monitor = true;
        else
                return cop_is_tuple(option, "name", 2) && read_name(option.as.items[1], order->name);
        return true;
}

/* False: one that there is not. Who spawns by an offer has no say in how it runs. */
static bool read_options(cop_term options, struct order *order)
{
        bool are_good = options.type == COP_TERM_NIL || options.type == COP_TERM_LIST;
        for (size_t i = 0; are_good && options.type == COP_TERM_LIST && i < options.count; i++)
                are_good = read_option(options.as.items[i], order);
        return are_good;
}

/* Of the whole: else it is no order. */
static bool read_order(const struct import *import, struct order *order)
{
        if (!has(import, 5) || !is_foreign_ref(item(import, 1)) || !is_theirs(import, item(import, 2)) ||
            item(import, 4).type != COP_TERM_TUPLE || item(import, 4).count != 3)
                return false;
        const cop_term *what = item(import, 4).as.items;
        if (!is_name(what[0]) || !is_name(what[1]) || what[2].type != COP_TERM_INTEGER)
                return false;
        *order = (struct order){ .ref = item(import, 1).as.ref, .from = item(import, 2).as.pid,
                                 .module = COP_TEXT(""), .function = COP_TEXT("") };
        if (what[0].type == COP_TERM_ATOM && what[1].type == COP_TERM_ATOM) { /* else none is so long */
                order->module = text_of(what[0]);
                order->function = text_of(what[1]);
        }
        return cop__table_find_first(&import->connection->peer->watched, order->ref.bits) == NULL;
}

/* The spawner's halves, which nobody here keeps but the tables. */
static void keep_halves(struct import *import, cop_pid pid, const struct cop__sponsor *sponsor)
{
        struct cop__peer *peer = import->connection->peer;
        if (sponsor->link != NULL) {
                sponsor->link->signal.type = COP__SIGNAL_LINK;
                sponsor->link->signal.from = pid;
                sponsor->link->as.tie.peer = sponsor->pid;
                sponsor->link->as.tie.node.key = cop__link_key(pid, sponsor->pid);
                cop__table_insert(&peer->links, &sponsor->link->as.tie.node);
        }
        if (sponsor->monitor != NULL) {
                cop__ref_pin(import->connection->network, sponsor->watched);
                sponsor->monitor->signal.type = COP__SIGNAL_DEMONITOR;
                sponsor->monitor->signal.from = sponsor->pid;
                sponsor->monitor->as.tie.peer = pid;
                sponsor->monitor->as.tie.node.key = sponsor->watched.bits;
                cop__table_insert(&peer->watched, &sponsor->monitor->as.tie.node);
        }
}

static cop_status spawn(struct import *import, const struct order *order, struct cop__offered *offered, const void *argument,
                        cop_pid *pid)
{
        struct cop__sponsor sponsor = { .pid = order->from, .watched = order->ref };
        cop_spawn_options *options = &offered->options;
        if (order->name[0] != '\0' && options->name != NULL)
                return COP_E_BAD_ARGUMENT;
        if (order->name[0] != '\0')
                options->name = order->name;
        options->argument = argument;
        options->link = order->link;
        options->monitor = order->monitor;
        options->monitor_ref = &sponsor.watched;
        cop_status status = cop__spawn_for(options, &sponsor, pid);
        if (status == COP_OK)
                keep_halves(import, *pid, &sponsor);
        return status == COP_E_MALFORMED ? COP_E_BAD_ARGUMENT : status; /* which a process could not read; here it is what was sent */
}

/* The list of arguments may be one deeper than what is in it. */
static cop_status carry_out(struct import *import, const struct order *order, cop_pid *pid, cop_parse_error *error)
{
        struct cop__offered offered;
        cop_term arguments;
        void *value;
        import->reader.marks_deep = true;
        cop_status status = cop__reader_term(&import->reader, &arguments);
        if (status == COP_OK && import->reader.was_cut)
                status = COP_E_TOO_DEEP;
        if (status == COP_E_MALFORMED)
                return status;
        if (status == COP_OK && !cop__offer_find(import->connection->network, order->module, order->function, &offered))
                status = COP_E_NOT_FOUND;
        if (status == COP_OK)
                status = cop__offer_argument(&offered, arguments, COP__FROM_ERLANG, &value, error);
        if (status != COP_OK)
                return status;
        status = spawn(import, order, &offered, value, pid);
        if (value != NULL)
                cop__flat_drop(offered.options.kind, value);
        free(value);
        return status;
}

static void complain_of(const struct import *import, const struct order *order, cop_status status, const char *why)
{
        cop__log_sentence(COP_LOG_WARNING, "%s cannot spawn %.*s:%.*s here: %s%s%s", import->connection->peer->name,
                          (int)order->module.size, order->module.data, (int)order->function.size, order->function.data,
                          status == COP_E_NOT_FOUND ? "there is no such offer" : cop_status_text(status),
                          why[0] != '\0' ? ": " : "", why);
}

static cop_status answer_order(struct import *import, struct order *order)
{
        struct cop__connection *connection = import->connection;
        bool ours = connection->peer->flags & COP__CAN_COPPICE;
        cop_parse_error error = { .text = "" };
        cop_pid pid;
        bool are_good = read_options(item(import, 5), order);
        cop_status status = are_good ? carry_out(import, order, &pid, &error) : COP_E_BAD_ARGUMENT;
        if (status == COP_E_MALFORMED)
                return status;
        if (status == COP_OK) {
                cop__export_spawned(connection, order->ref, order->from,
                                    (order->link ? COP__SPAWN_LINKED : 0) | (order->monitor ? COP__SPAWN_MONITORED : 0),
                                    cop_pid_term(pid));
                return COP_OK;
        }
        complain_of(import, order, status, are_good ? error.text : "it has an option that there is not");
        cop__export_spawned(connection, order->ref, order->from, 0, cop_atom(are_good ? cop__refusal_word(status, ours) : "badopt"));
        return COP_OK;
}

/* Its argument may have more references than are remembered, and it is answered under its own. */
static cop_status take_order(struct import *import)
{
        struct order order;
        if (!read_order(import, &order))
                return COP_E_MALFORMED;
        cop__ref_pin(import->connection->network, order.ref);
        cop_status status = answer_order(import, &order);
        cop__ref_let_go(import->connection->network, order.ref);
        return status;
}

/* Of an order of ours. What is said of another, or once more, means nothing. */
static cop_status take_spawned(struct import *import)
{
        cop_term result = item(import, 4);
        if (!has(import, 4) || !is_reference(item(import, 1)) || !is_ours(import, item(import, 2)) ||
            item(import, 3).type != COP_TERM_INTEGER || (result.type != COP_TERM_ATOM && !is_theirs(import, result)))
                return COP_E_MALFORMED;
        struct cop__spawning *spawning = cop__spawning_of(import->connection->peer, item(import, 1).as.ref);
        if (spawning == NULL)
                return COP_OK;
        int64_t wanted = (spawning->link != NULL ? COP__SPAWN_LINKED : 0) | (spawning->monitor != NULL ? COP__SPAWN_MONITORED : 0);
        bool is_pid = result.type == COP_TERM_PID;
        if (!cop_pid_equal(spawning->from, item(import, 2).as.pid) || (is_pid && (wanted & ~item(import, 3).as.integer) != 0))
                return COP_E_MALFORMED;
        cop__table_remove(&import->connection->peer->spawning, &spawning->node);
        if (is_pid)
                cop__spawning_done(cop__thread_here(), import->connection->peer, spawning, result.as.pid);
        else
                cop__spawning_fail(cop__thread_here(), spawning, cop__refusal_status(result));
        return COP_OK;
}

/* ---- All ---------------------------------------------------------------------------------------------------- */

/* Of one that is traced the same without its token; nothing is traced here. */
static void forget_trace(struct import *import)
{
        static const struct {
                uint8_t traced, plain, at;
        } forms[] = {
                { COP__CONTROL_SEND_TT, COP__CONTROL_SEND, 3 },
                { COP__CONTROL_EXIT_TT, COP__CONTROL_EXIT, 3 },
                { COP__CONTROL_REG_SEND_TT, COP__CONTROL_REG_SEND, 4 },
                { COP__CONTROL_EXIT2_TT, COP__CONTROL_EXIT2, 3 },
                { COP__CONTROL_SEND_SENDER_TT, COP__CONTROL_SEND_SENDER, 3 },
                { COP__CONTROL_ALIAS_SEND_TT, COP__CONTROL_ALIAS_SEND, 3 },
                { COP__CONTROL_SPAWN_REQUEST_TT, COP__CONTROL_SPAWN_REQUEST, 6 },
                { COP__CONTROL_SPAWN_REPLY_TT, COP__CONTROL_SPAWN_REPLY, 5 },
        };
        cop_term *items = (cop_term *)(uintptr_t)import->control.as.items; /* in the reader's own memory */
        for (size_t i = 0; i < COP__COUNT(forms); i++) {
                if (items[0].as.integer != forms[i].traced || import->control.count <= forms[i].at)
                        continue;
                items[0].as.integer = forms[i].plain;
                import->control.count--;
                for (size_t at = forms[i].at; at < import->control.count; at++)
                        items[at] = items[at + 1];
                return;
        }
}

static cop_status act(struct import *import)
{
        forget_trace(import);
        switch (item(import, 0).as.integer) {
        case COP__CONTROL_SEND:
                return take_send(import, false);
        case COP__CONTROL_SEND_SENDER:
                return take_send(import, true);
        case COP__CONTROL_REG_SEND:
                return take_named(import);
        case COP__CONTROL_ALIAS_SEND:
                return take_alias(import);
        case COP__CONTROL_LINK:
                return take_link(import);
        case COP__CONTROL_UNLINK:
                return take_unlink(import);
        case COP__CONTROL_UNLINK_ID:
                return take_unlink_id(import);
        case COP__CONTROL_EXIT:
                return take_exit(import);
        case COP__CONTROL_EXIT2:
                return take_exit2(import);
        case COP__CONTROL_MONITOR:
                return take_monitor(import);
        case COP__CONTROL_DEMONITOR:
                return take_demonitor(import);
        case COP__CONTROL_DOWN:
                return take_down(import);
        case COP__CONTROL_UNLINK_ACK:
                return take_unlink_ack(import);
        case COP__CONTROL_SPAWN_REQUEST:
                return take_order(import);
        case COP__CONTROL_SPAWN_REPLY:
                return take_spawned(import);
        case COP__CONTROL_GROUP_LEADER:
                return COP_OK;
        default: /* what we have not said that we can do */
                return COP_E_MALFORMED;
        }
}

cop_status cop__import(struct cop__connection *connection, const uint8_t *bytes, size_t size)
{
        struct import import = { .connection = connection };
        if (size < 2 || bytes[0] != COP__PASS_THROUGH)
                return COP_E_MALFORMED;
        cop__reader_begin(&import.reader, connection->network, bytes + 1, size - 1, MEMORY_LEAST + MEMORY_FOR_EACH * size);
        import.reader.cuts_deep = true; /* a reason in it */
        cop_status status = cop__reader_term(&import.reader, &import.control);
        import.reader.cuts_deep = false;
        if (status == COP_OK && (import.control.type != COP_TERM_TUPLE || import.control.count < 3 ||
                                 item(&import, 0).type != COP_TERM_INTEGER))
                status = COP_E_MALFORMED;
        if (status == COP_OK)
                status = act(&import);
        cop__reader_end(&import.reader);
        return status;
}
