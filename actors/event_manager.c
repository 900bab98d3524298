/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Event managers: a server that passes each message on to its handlers. See coppice/event_manager.h.
 *
 *      message ──► manager ──call──► newest handler ──call──► … ──► oldest
 *
 * To let a handler hear an event is to call it and to be content with no answer: the call ends when the handler has, one
 * way or the other, and if the handler has died it says why. One that answers all the same is asked once more, between two
 * callbacks, for it may go on after that. The link that also tells of it is for handlers that
 * die between two events, and for a manager that is killed.
 *
 * The owner of a supervised handler is linked to the manager, too, so that a kill or a fault of that reaches it; that it has
 * ended the manager learns by a monitor for each handler, which no unlinking undoes. The link ends with the owner's last
 * handler, and before the handlers in an orderly end of the manager; but not one that was there before, as a parent's is.
 */
#include <coppice/event_manager.h>

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/belonging.h"
#include "actors/calling.h"
#include "actors/inside.h"
#include "actors/relation.h"
#include "actors/sys.h"
#include "base/cue.h"
#include "mailbox/kind.h"

#define START_MS_DEFAULT 5000
#define STOP_MS 5000

/* ---- What is asked of a manager ---------------------------------------------------- */

typedef struct {
        cop_symbol id;
        uint64_t server, kind; /* addresses of tables, which are there as long as the program is */
        cop_term argument;     /* of that kind */
        int64_t start_ms;
        bool supervised;
} cop__handler_add;
COP_MESSAGE(cop__handler_add, id, server, kind, argument, start_ms, supervised);

typedef struct {
        cop_symbol id;
        cop_term argument;
} cop__handler_end;
COP_MESSAGE(cop__handler_end, id, argument);

typedef struct {
        cop__handler_end old;
        cop__handler_add fresh;
} cop__handler_swap;
COP_MESSAGE(cop__handler_swap, COP_NESTED(cop__handler_end, old), COP_NESTED(cop__handler_add, fresh));

typedef struct {
        cop_symbol id;
        int64_t timeout_ms;
        uint64_t kind;    /* an address: the node need not know it by name */
        cop_term message; /* of that kind */
} cop__handler_call;
COP_MESSAGE(cop__handler_call, id, timeout_ms, kind, message);

typedef struct {
        bool all;
} cop__handler_list;
COP_MESSAGE(cop__handler_list, all);

/* The answer to each of them, and to a sync notify; the answer to a call is the handler's own. */
typedef struct {
        int64_t status;
        cop_term term; /* the result, or why it died */
} cop__handler_answer;
COP_MESSAGE(cop__handler_answer, status, term);

COP_MESSAGE_DEFINE(cop_handler_gone, id, manager, reason);
COP_MESSAGE_DEFINE(cop_handler_delete, argument);
COP_MESSAGE_DEFINE(cop_handler_takes_over, from, left);

/* ---- The manager's state -------------------------------------------------------------- */

struct handler {
        struct handler *next; /* added before this one */
        const cop_behaviour *server;
        cop_pid pid;
        cop_pid owner;        /* nobody: it is not supervised */
        cop_ref owner_down;
        bool ties_owner;      /* the link to its owner is there for handlers, this and perhaps others */
        bool had_failed;      /* before it was asked to end */
        char id[COP_NAME_MAX + 1];
};

typedef struct {
        struct handler *newest;
        cop_pid tied; /* in the middle of a swap: to whom a handler that has gone had tied it */
} manager;

static void manager_init(manager *self)
{
        (void)self;
        cop_trap_exit(true);
}

static struct handler **place_of(manager *self, const char *id, size_t size)
{
        struct handler **at = &self->newest;
        while (*at != NULL && (strlen((*at)->id) != size || memcmp((*at)->id, id, size) != 0))
                at = &(*at)->next;
        return at;
}

static struct handler *another_of(const manager *self, cop_pid owner)
{
        struct handler *at = self->newest;
        while (at != NULL && !cop_pid_equal(at->owner, owner))
                at = at->next;
        return at;
}

/* A link that was made for handlers of that owner is for one that is left, or ends. */
static void pass_tie(const manager *self, cop_pid owner)
{
        struct handler *other = another_of(self, owner);
        if (other != NULL)
                other->ties_owner = true;
        else
                cop_unlink(owner);
}

/* The handler is in no list any more. */
static void leave_owner(const manager *self, const struct handler *gone)
{
        cop_demonitor_flush(gone->owner_down);
        if (gone->ties_owner)
                pass_tie(self, gone->owner);
}

/* In an OS process of its own a manager sees no links, and knows only what must be one. */
static bool is_linked(const manager *self, cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        if (cop__inside_here() == NULL)
                return cop__relation_find(actor, COP__TIE_LINK, pid.bits, (cop_ref){ 0 }) != NULL;
        for (const struct handler *at = self->newest; at != NULL; at = at->next)
                if (cop_pid_equal(at->pid, pid))
                        return true;
        return cop_pid_equal(pid, cop__whom_it_obeys(actor));
}

/* It is in no list yet. */
static cop_status join_owner(const manager *self, struct handler *handler, cop_pid owner)
{
        const struct handler *other = another_of(self, owner);
        bool linked = is_linked(self, owner);
        cop_status status = cop_monitor(owner, &handler->owner_down);
        if (status != COP_OK)
                return status;
        if (!linked)
                status = cop_link(owner);
        if (status != COP_OK)
                cop_demonitor_flush(handler->owner_down);
        handler->ties_owner = !linked || (other != NULL && other->ties_owner);
        return status;
}

static void tell_owner(const struct handler *gone, cop_term reason)
{
        const cop_handler_gone news = { .id = cop_symbol_of(gone->id), .manager = cop_self(), .reason = reason };
        cop__send_news_value(gone->owner, COP_KIND_OF(cop_handler_gone), &news);
}

/* The handler has ended, or will have: it is forgotten, and its owner told. */
static void forget(manager *self, struct handler *gone, cop_term reason)
{
        struct handler **at = &self->newest;
        while (*at != gone)
                at = &(*at)->next;
        *at = gone->next;
        if (cop_is_atom(reason, "remove_handler"))
                reason = cop_atom("normal");
        if (gone->owner.bits != 0) {
                leave_owner(self, gone);
                tell_owner(gone, reason);
        }
        cop_release(gone);
}

/* What came of an exit signal with that reason. */
static cop_status outcome_of(const cop_message *down, cop_term asked)
{
        const cop_down *end = cop_read(cop_down, down);
        if (cop_term_equal(end->reason, asked))
                return COP_OK;
        if (cop_is_atom(end->reason, "noproc"))
                return COP_E_NO_ACTOR;
        cop__failure_keep(cop__actor_here(), cop__shared_term_new(end->reason));
        return COP_E_DIED;
}

/*
 * From an OS process nobody is asked to stop as a server is: the handler is told to exit by its parent, who we are. It is linked
 * until it is dead, or if there is no memory for the signal. Who traps no exits would pass over normal.
 */
static cop_status stop_from_process(struct handler *handler, cop_term reason)
{
        const cop_term asked = cop_is_atom(reason, "normal") ? cop_atom("shutdown") : reason;
        cop_message *down = NULL;
        cop_ref ref;
        bool late = false;
        COP__CUE("event_manager.watches");
        cop_status status = cop_monitor(handler->pid, &ref);
        if (status != COP_OK)
                return status;
        COP__CUE("event_manager.asks_to_end");
        status = cop_send_exit(handler->pid, asked);
        if (status == COP_OK)
                down = cop_receive(STOP_MS, COP_REF(cop_down, ref));
        if (status == COP_OK && down == NULL) {
                late = true;
                status = cop_send_exit(handler->pid, cop_atom("kill"));
                if (status == COP_OK)
                        down = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        }
        if (down == NULL) {
                cop_demonitor_flush(ref);
                return status;
        }
        cop_unlink(handler->pid);
        status = late ? COP_E_TIMEOUT : outcome_of(down, asked);
        cop_message_free(down);
        return status;
}

/* Of a cop_stop: it is no more. */
static bool has_ended(cop_status stopped)
{
        return stopped == COP_OK || stopped == COP_E_DIED || stopped == COP_E_NO_ACTOR;
}

/* Lets it run its terminate, and does not wait for ever: a cop_stop's status. Who was not told, or does not obey, is killed.
 * Without memory for that it stays linked, and ends with its manager; what a link says of one that is forgotten is passed
 * over. */
static cop_status stop(struct handler *handler, cop_term reason)
{
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return stop_from_process(handler, reason);
        cop_status status = cop_stop(handler->pid, reason, STOP_MS);
        if (has_ended(status) || cop_send_exit(handler->pid, cop_atom("kill")) == COP_OK)
                cop_unlink(handler->pid);
        return status;
}

static void manager_terminate(manager *self, cop_term reason)
{
        (void)reason;
        for (struct handler *at = self->newest; at != NULL; at = at->next) {
                if (at->ties_owner)
                        cop_unlink(at->owner);
                at->ties_owner = false;
        }
        if (self->tied.bits != 0)
                cop_unlink(self->tied);
        while (self->newest != NULL) {
                stop(self->newest, cop_atom("stop"));
                forget(self, self->newest, cop_atom("shutdown"));
        }
}

static void answer(cop_status status, cop_term term)
{
        COP__REPLY_OWED(cop__handler_answer, .status = status, .term = term);
}

/* ---- Adding ---------------------------------------------------------------------------- */

/* Who has started, but is not to stay; as in stop() without memory for that. */
static void put_down(cop_pid pid)
{
        if (cop_send_exit(pid, cop_atom("kill")) == COP_OK)
                cop_unlink(pid);
}

/* What an init calls may wait for us, who wait for it: then that call fails. NULL: the time is over. */
static cop_message *news_of_start(cop_pid pid, cop_ref start_ref, cop_ref down_ref, int64_t start_ms)
{
        struct cop__actor *self = cop__actor_here();
        const uint64_t until_ns = cop__deadline_ns(start_ms);
        cop_message *message = NULL;
        for (int64_t left_ms = start_ms; message == NULL && left_ms > 0; left_ms = cop__ms_until(until_ns)) {
                int64_t pause_ms = cop__calling_start_wait(self, start_ref, pid);
                message = cop_receive(pause_ms < left_ms ? pause_ms : left_ms, COP_REF(cop_started, start_ref),
                                      COP_REF(cop_down, down_ref));
                cop__calling_end(cop__calling_own(self));
        }
        return message;
}

/* Until its init has ended, one way or the other. */
static cop_status await_start(cop_pid pid, cop_ref start_ref, cop_ref down_ref, int64_t start_ms)
{
        cop_auto message = news_of_start(pid, start_ref, down_ref, start_ms);
        const cop_started *started = cop_read(cop_started, message);
        const cop_down *down = cop_read(cop_down, message);
        if (down != NULL) {
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(down->reason));
                return COP_E_DIED;
        }
        cop_demonitor_flush(down_ref);
        if (started != NULL && !started->ignored)
                return COP_OK;
        put_down(pid);
        return started != NULL ? COP_E_IGNORED : COP_E_TIMEOUT;
}

static cop_status start(const cop__handler_add *add, cop_pid *pid)
{
        cop_ref down_ref;
        const cop_spawn_options options = {
                .server = (const cop_behaviour *)(uintptr_t)add->server,
                .kind = (const cop_kind *)(uintptr_t)add->kind,
                .link = true,
                .monitor = true,
                .monitor_ref = &down_ref,
                .start_ref = cop_ref_new(),
        };
        cop_status status = cop__spawn_from_term(options, add->argument, pid);
        if (status != COP_OK)
                return status;
        return await_start(*pid, options.start_ref, down_ref, add->start_ms);
}

/* For an owner, or nobody. */
static cop_status add_handler(manager *self, const cop__handler_add *add, cop_pid owner)
{
        cop_pid pid;
        if (*place_of(self, add->id.text, add->id.size) != NULL)
                return COP_E_TAKEN;
        struct handler *handler = cop_alloc(sizeof(*handler));
        if (handler == NULL)
                return COP_E_NO_MEMORY;
        memcpy(handler->id, add->id.text, add->id.size);
        handler->server = (const cop_behaviour *)(uintptr_t)add->server;
        cop_status status = start(add, &pid);
        if (status == COP_OK && owner.bits != 0) {
                status = join_owner(self, handler, owner);
                if (status != COP_OK)
                        put_down(pid);
        }
        if (status != COP_OK) {
                cop_release(handler);
                return status;
        }
        handler->owner = owner;
        handler->pid = pid;
        handler->next = self->newest;
        self->newest = handler;
        return COP_OK;
}

static cop_pid owner_of(const cop__handler_add *add)
{
        return add->supervised ? cop__actor_here()->current->from : cop_no_pid();
}

static void manager_on_add(manager *self, const cop__handler_add *add)
{
        cop_status status = add_handler(self, add, owner_of(add));
        answer(status, status == COP_E_DIED ? cop_failure() : cop_nil());
}

/* ---- Events ------------------------------------------------------------------------------ */

static bool hears(const cop_behaviour *server, const cop_kind *kind)
{
        for (size_t i = 0; i < server->handler_count; i++) {
                const cop_handler *entry = &server->handlers[i];
                if (entry->event == COP_EVENT_OTHERWISE ||
                    (entry->event == COP_EVENT_MESSAGE && cop__kind_same(entry->kind, kind)))
                        return true;
        }
        return false;
}

/* Nobody waits for an answer to an event, so none is no failure. Each hears it, also if who waits for all of them gives up.
 * False: there is no memory to tell it. */
static bool tell(manager *self, struct handler *handler, const cop_message *event)
{
        cop_message *reply = NULL;
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(handler->pid), COP_FOREVER,
                                                  cop_message_kind(event), cop_message_body(event));
        if (status == COP_OK) {
                cop_message_free(reply);
                status = cop__sys_settle(handler->pid); /* who answers need not be done */
        }
        if (status == COP_E_DIED)
                forget(self, handler, cop_failure());
        return status != COP_E_NO_MEMORY && status != COP_E_OVERLOAD;
        /* Dead before: its exit is in our mailbox, and says why. */
}

static void say_unheard(const struct handler *handler, const cop_message *event)
{
        cop__log_sentence(COP_LOG_ERROR, "the system: there is no memory to tell the handler %s of #%s{}: it has not heard it",
                          handler->id, cop_message_kind(event)->name);
}

static void manager_otherwise(manager *self, cop_message *event)
{
        cop_status status = COP_OK;
        struct handler *next;
        for (struct handler *at = self->newest; at != NULL; at = next) {
                next = at->next;
                if (!hears(at->server, cop_message_kind(event)) || tell(self, at, event))
                        continue;
                say_unheard(at, event);
                status = COP_E_NO_MEMORY;
        }
        if (((const struct cop__signal *)event)->ref.bits != 0)
                answer(status, cop_nil());
}

static cop_status why_it_ended(cop_pid pid);

/* ---- One handler -------------------------------------------------------------------------- */

/* A call with a request that is made; it is taken. */
static cop_status call_by(struct cop__signal *request, cop_pid to, uint64_t deadline_ns, const void *where, cop_message **reply)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *answered;
        cop_status status = cop__call(self, to, request, deadline_ns, where, &answered);
        if (status != COP_OK)
                return status;
        cop__hand_over(self, answered);
        *reply = (cop_message *)answered;
        return COP_OK;
}

/* The value ends before the wait, since whoever waits may be ended. */
static cop_status pass_on(cop_pid to, const cop__handler_call *call, cop_message **reply)
{
        const cop_kind *kind = (const cop_kind *)(uintptr_t)call->kind;
        struct cop__signal *request;
        void *value;
        cop_status status = cop__kind_from_term(kind, call->message, &value, NULL);
        if (status != COP_OK)
                return status;
        status = cop__signal_owed(&cop__thread_here()->pool, kind, value, &request);
        cop__flat_drop(kind, value);
        free(value);
        if (status != COP_OK)
                return status;
        return call_by(request, to, cop__call_deadline(cop__actor_here(), call->timeout_ms), __builtin_return_address(0), reply);
}

static void manager_on_call(manager *self, const cop__handler_call *call)
{
        cop_message *reply;
        struct handler *handler = *place_of(self, call->id.text, call->id.size);
        if (handler == NULL) {
                answer(COP_E_NOT_FOUND, cop_nil());
                return;
        }
        cop_status status = pass_on(handler->pid, call, &reply);
        if (status == COP_E_NO_ACTOR) /* it has ended between two events, and its exit is behind this call */
                status = why_it_ended(handler->pid) == COP_E_DIED ? COP_E_DIED : COP_E_NOT_FOUND;
        if (status == COP_OK) {
                cop__reply_now_owed(cop_message_kind(reply), cop_message_body(reply));
                cop_message_free(reply);
                return;
        }
        answer(status, status == COP_E_DIED ? cop_failure() : cop_nil());
        if (status == COP_E_DIED || status == COP_E_NOT_FOUND)
                forget(self, handler, status == COP_E_DIED ? cop_failure() : cop_atom("normal"));
}

/* What the handler has to say to its deletion: the caller ends the term. Errors: COP_E_DIED, COP_E_TIMEOUT. */
static cop_status last_words(const struct handler *handler, cop_term argument, struct cop__kept **words)
{
        cop_message *reply;
        cop_handler_delete delete = { argument };
        *words = NULL;
        if (!hears(handler->server, COP_KIND_OF(cop_handler_delete)))
                return COP_OK;
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(handler->pid), STOP_MS,
                                                  COP_KIND_OF(cop_handler_delete), &delete);
        if (status != COP_OK)
                return status == COP_E_DIED || status == COP_E_TIMEOUT ? status : COP_OK;
        const cop_any *any = cop_read(cop_any, reply);
        cop_term said;
        status = any != NULL ? cop_term_copy(any->term, &said)
                             : cop__kind_to_term(cop_message_kind(reply), cop_message_body(reply), &said);
        if (status == COP_OK)
                *words = cop__keep_term(cop__actor_here(), said);
        cop_message_free(reply);
        return COP_OK;
}

/* While its death goes on, in slices, a link to it stands until its exit has come. */
static bool will_exit_come(cop_pid pid)
{
        return cop__inside_here() == NULL &&
               cop__relation_find(cop__actor_here(), COP__TIE_LINK, pid.bits, (cop_ref){ 0 }) != NULL;
}

/*
 * It was dead when it was asked for something: its exit is in our mailbox, behind the message at hand, or about to come, and the last
 * from it, for an exit signal that it has sent is none. COP_E_DIED, cop_failure() is why; COP_OK: it has left in peace.
 */
static cop_status why_it_ended(cop_pid pid)
{
        cop_message *last = NULL, *next;
        while ((next = cop_receive(will_exit_come(pid) ? STOP_MS : 0, COP_FIELD(cop_exited, pid, pid))) != NULL) {
                cop_message_free(last);
                last = next;
        }
        const cop_exited *end = cop_read(cop_exited, last);
        bool failed = end != NULL && !cop_is_atom(end->reason, "normal") && !cop_is_atom(end->reason, "remove_handler");
        if (failed)
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(end->reason));
        cop_message_free(last);
        return failed ? COP_E_DIED : COP_OK;
}

/* It speaks, runs its terminate and is gone, whatever comes of the two. COP_E_DIED: it crashed at one of them or before,
 * cop_failure() is why; COP_E_TIMEOUT: one of them took too long. The caller ends the term. */
static cop_status see_out(struct handler *handler, cop_term argument, struct cop__kept **words)
{
        cop_status said = last_words(handler, argument, words);
        if (said == COP_E_DIED) {
                cop_unlink(handler->pid);
                return said;
        }
        cop_status ended = stop(handler, cop_atom("normal"));
        if (ended == COP_E_NO_ACTOR) {
                ended = why_it_ended(handler->pid);
                handler->had_failed = ended == COP_E_DIED && *words == NULL;
        }
        if (ended == COP_E_DIED || ended == COP_E_TIMEOUT)
                return ended;
        return said;
}

static void manager_on_end(manager *self, const cop__handler_end *end)
{
        struct cop__kept *words;
        struct handler *handler = *place_of(self, end->id.text, end->id.size);
        if (handler == NULL) {
                answer(COP_E_NOT_FOUND, cop_nil());
                return;
        }
        cop_status status = see_out(handler, end->argument, &words);
        answer(status, status == COP_E_DIED ? cop_failure() : cop__kept_term(words));
        cop__kept_free(words);
        forget(self, handler, handler->had_failed ? cop_failure() : cop_atom("normal"));
}

/* ---- One instead of another ------------------------------------------------------------------- */

/* The newest hears what was left to it, before any event. */
static cop_status hand_over(manager *self, cop_symbol from, cop_term left)
{
        struct handler *handler = self->newest;
        cop_message *reply = NULL;
        cop_handler_takes_over over = { from, left };
        if (!hears(handler->server, COP_KIND_OF(cop_handler_takes_over)))
                return COP_OK;
        COP__CUE("event_manager.hands_over");
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(handler->pid), STOP_MS,
                                                  COP_KIND_OF(cop_handler_takes_over), &over);
        cop_message_free(reply);
        if (status == COP_E_NO_ACTOR && why_it_ended(handler->pid) == COP_E_DIED)
                status = COP_E_DIED;
        if (status != COP_E_DIED && status != COP_E_NO_ACTOR && status != COP_E_TIMEOUT)
                return COP_OK; /* what it answers, if anything, is no matter */
        self->newest = handler->next;
        if (handler->owner.bits != 0)
                leave_owner(self, handler);
        put_down(handler->pid);
        cop_release(handler);
        return status;
}

static void manager_on_swap(manager *self, const cop__handler_swap *swap)
{
        const cop__handler_add *fresh = &swap->fresh;
        struct handler *old = *place_of(self, swap->old.id.text, swap->old.id.size);
        struct handler *twin = *place_of(self, fresh->id.text, fresh->id.size);
        cop_pid owner = owner_of(fresh);
        cop_term left = cop_atom("error"), crash[2], failure;
        struct cop__kept *words = NULL;
        if (twin != NULL && twin != old) {
                answer(COP_E_TAKEN, cop_nil());
                return;
        }
        if (old != NULL) {
                if (see_out(old, swap->old.argument, &words) == COP_E_DIED) {
                        cop__kept_free(words);
                        words = cop_term_copy(cop_failure(), &failure) == COP_OK ? cop__keep_term(cop__actor_here(), failure)
                                                                                 : NULL;
                        crash[0] = cop_atom("EXIT");
                        crash[1] = cop__term_inside(cop__kept_term(words), 1);
                        left = cop_tuple_of(crash, 2);
                } else {
                        left = cop__kept_term(words);
                }
                owner = owner.bits != 0 ? owner : old->owner;
                if (old->ties_owner) { /* until the new one has begun */
                        self->tied = old->owner;
                        old->ties_owner = false;
                }
                forget(self, old, old->had_failed ? cop_failure() : COP_TUPLE(cop_atom("swapped"), cop_atom(fresh->id.text)));
        }
        COP__CUE("event_manager.swap");
        cop_status status = add_handler(self, fresh, owner);
        if (status == COP_OK)
                status = hand_over(self, swap->old.id, left);
        if (self->tied.bits != 0)
                pass_tie(self, self->tied);
        self->tied = cop_no_pid();
        answer(status, status == COP_E_DIED ? cop_failure() : cop_nil());
        cop__kept_free(words);
}

static void manager_on_list(manager *self, const cop__handler_list *list)
{
        size_t count = 0;
        (void)list;
        for (struct handler *at = self->newest; at != NULL; at = at->next)
                count++;
        cop_term *ids = cop__alloc_owed((count + 1) * sizeof(*ids));
        if (ids == NULL) {
                answer(COP_E_NO_MEMORY, cop_nil());
                return;
        }
        count = 0;
        for (struct handler *at = self->newest; at != NULL; at = at->next)
                ids[count++] = cop_string(at->id);
        answer(COP_OK, cop_list_of(ids, count));
        cop_release(ids);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

/* What has not come by a link is an exit signal that somebody has sent, who may be dead since. That is none of a manager's
 * business, from whomever it comes. */
static void manager_on_exited(manager *self, const cop_exited *exited)
{
        if (!(cop__actor_here()->current->flags & COP__SIGNAL_THROUGH))
                return;
        for (struct handler *at = self->newest; at != NULL; at = at->next) {
                if (cop_pid_equal(at->pid, exited->pid)) {
                        forget(self, at, exited->reason);
                        return;
                }
        }
}

/* Of a start that was given up as it ended: no event. */
static void manager_on_started(manager *self, const cop_started *started)
{
        (void)self;
        (void)started;
}

/* The owner of a supervised handler has ended. It may own several: each has a monitor of its own. */
static void manager_on_down(manager *self, const cop_down *down)
{
        for (struct handler *at = self->newest; at != NULL; at = at->next) {
                if (at->owner.bits != 0 && cop_ref_equal(at->owner_down, down->ref)) {
                        stop(at, COP_TUPLE(cop_atom("stop"), cop__term_inside(down->reason, 1)));
                        forget(self, at, cop_atom("normal"));
                        return;
                }
        }
}

COP_SERVER(manager, COP_INIT(manager_init), COP_TERMINATE(manager_terminate),
           COP_ON(cop__handler_add, manager_on_add), COP_ON(cop__handler_end, manager_on_end),
           COP_ON(cop__handler_call, manager_on_call), COP_ON(cop__handler_list, manager_on_list),
           COP_ON(cop__handler_swap, manager_on_swap),
           COP_ON(cop_exited, manager_on_exited), COP_ON(cop_down, manager_on_down),
           COP_ON(cop_started, manager_on_started),
           COP_OTHERWISE(manager_otherwise));

const cop_behaviour cop_event_manager = {
        .name = "event_manager",
        .state_size = sizeof(manager),
        .handlers = cop__manager_handlers,
        .handler_count = sizeof(cop__manager_handlers) / sizeof(cop__manager_handlers[0]),
};

/* ---- The public operations ------------------------------------------------------------------ */

/* What a manager answers, as a status. `term` may be NULL; else it is the caller's. */
static cop_status take_answer(cop_message *reply, cop_term *term)
{
        const cop__handler_answer *said = cop_message_as(reply, COP_KIND_OF(cop__handler_answer));
        cop_status status = said != NULL ? (cop_status)said->status : COP_E_MALFORMED;
        if (status == COP_E_DIED)
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(said->term));
        else if (status == COP_OK && term != NULL)
                status = cop_term_copy(said->term, term);
        cop_message_free(reply);
        return status;
}

/* A handler that comes or goes does so in time of its own: it would else be there, or gone, though its call has failed. */
enum whose_time { OWN_TIME, CALLERS_TIME };

/* What is asked about those that are there is no new work, nor what ends them. */
static bool is_owed(const cop_kind *kind)
{
        return kind == COP_KIND_OF(cop__handler_end) || kind == COP_KIND_OF(cop__handler_list);
}

/*
 * A call with a value that holds a term of ours: it ends here, before the wait, since whoever waits may be ended.
 */
static cop_status call_with(cop_message **reply, cop_address to, int64_t timeout_ms, enum whose_time whose,
                            const cop_kind *kind, const void *value, cop_term held)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *request;
        cop_pid pid;
        if (self == NULL) {
                cop_term_free(held);
                return COP_E_NO_NODE;
        }
        struct cop__kept *kept = cop__keep_term(self, held); /* to look for a name may end its actor, too */
        if (kept == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop__callee(self, "call_handler", to, timeout_ms, &pid);
        if (status == COP_OK)
                status = is_owed(kind) ? cop__signal_owed(&cop__thread_here()->pool, kind, value, &request)
                                       : cop__signal_message(&cop__thread_here()->pool, kind, value, &request);
        cop__kept_free(kept);
        if (status != COP_OK)
                return status;
        uint64_t deadline_ns = whose == OWN_TIME ? cop__deadline_ns(timeout_ms) : cop__call_deadline(self, timeout_ms);
        return call_by(request, pid, deadline_ns, __builtin_return_address(0), reply);
}

static cop_status ask(cop_address to, int64_t timeout_ms, enum whose_time whose, const cop_kind *kind, const void *value,
                      cop_term held, cop_term *term)
{
        cop_message *reply;
        cop_status status = call_with(&reply, to, timeout_ms, whose, kind, value, held);
        return status == COP_OK ? take_answer(reply, term) : status;
}

static cop_status order(cop_address to, const cop_kind *kind, const void *value, cop_term held, cop_term *term)
{
        return ask(to, COP_FOREVER, OWN_TIME, kind, value, held, term);
}

static bool is_good_id(const char *id)
{
        return id != NULL && id[0] != '\0' && strlen(id) <= COP_NAME_MAX;
}

/* The argument as a term is the caller's. */
static cop_status make_add(const cop_handler_options *options, cop__handler_add *add)
{
        cop_term argument = cop_nil();
        if (options == NULL || !is_good_id(options->id) || options->server == NULL ||
            options->start_ms < 0 || (options->kind == NULL) != (options->argument == NULL))
                return COP_E_BAD_ARGUMENT;
        if (options->kind != NULL) {
                cop_status status = cop__kind_to_term(options->kind, options->argument, &argument);
                if (status != COP_OK)
                        return status;
        }
        *add = (cop__handler_add){
                .id = cop_symbol_of(options->id),
                .server = (uintptr_t)options->server,
                .kind = (uintptr_t)options->kind,
                .argument = argument,
                .start_ms = options->start_ms > 0 ? options->start_ms : START_MS_DEFAULT,
                .supervised = options->supervised,
        };
        return COP_OK;
}

cop_status cop_add_handler_to(cop_address to, const cop_handler_options *options)
{
        cop__handler_add add;
        cop_status status = make_add(options, &add);
        if (status != COP_OK)
                return status;
        return order(to, COP_KIND_OF(cop__handler_add), &add, add.argument, NULL);
}

cop_status cop_swap_handler_in(cop_address to, const char *old, cop_term argument,
                               const cop_handler_options *fresh)
{
        cop__handler_swap swap;
        if (!is_good_id(old))
                return COP_E_BAD_ARGUMENT;
        cop_status status = make_add(fresh, &swap.fresh);
        if (status != COP_OK)
                return status;
        swap.old = (cop__handler_end){ cop_symbol_of(old), argument };
        return order(to, COP_KIND_OF(cop__handler_swap), &swap, swap.fresh.argument, NULL);
}

cop_status cop_delete_handler_of(cop_address to, const char *id, cop_term argument, cop_term *result)
{
        if (!is_good_id(id))
                return COP_E_BAD_ARGUMENT;
        cop__handler_end end = { cop_symbol_of(id), argument };
        return order(to, COP_KIND_OF(cop__handler_end), &end, cop_nil(), result);
}

cop_status cop_notify_value(cop_address to, const cop_kind *kind, const void *value)
{
        return cop_send_value(to, kind, value);
}

cop_status cop_sync_notify_value(cop_address to, int64_t timeout_ms, const cop_kind *kind,
                                 const void *value)
{
        cop_message *reply;
        cop_status status = cop_call_value(&reply, to, timeout_ms, kind, value);
        return status == COP_OK ? take_answer(reply, NULL) : status;
}

cop_status cop_call_handler_value(cop_message **reply, cop_address to, const char *id,
                                  int64_t timeout_ms, const cop_kind *kind, const void *value)
{
        cop_term message;
        cop_message *answered;
        if (!is_good_id(id) || kind == NULL || value == NULL)
                return COP_E_BAD_ARGUMENT;
        if (timeout_ms < 0) {
                cop__badarg("call_handler", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        cop_status status = cop__kind_to_term(kind, value, &message);
        if (status != COP_OK)
                return status;
        cop__handler_call call = { cop_symbol_of(id), timeout_ms, (uintptr_t)kind, message };
        status = call_with(&answered, to, timeout_ms, CALLERS_TIME, COP_KIND_OF(cop__handler_call), &call, message);
        if (status != COP_OK)
                return status;
        if (cop_message_as(answered, COP_KIND_OF(cop__handler_answer)) != NULL)
                return take_answer(answered, NULL);
        if (reply != NULL)
                *reply = answered;
        else
                cop_message_free(answered);
        return COP_OK;
}

cop_status cop_handlers_of(cop_address to, cop_term *ids)
{
        if (ids == NULL)
                return COP_E_BAD_ARGUMENT;
        return ask(to, COP__ANSWER_MS, CALLERS_TIME, COP_KIND_OF(cop__handler_list), &(cop__handler_list){ true },
                   cop_nil(), ids);
}
