/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Looking at a node from the side. See info.h. */
#include "actors/info.h"

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "base/clock.h"
#include "base/memcheck.h"
#include "base/memory.h"

/* ---- How much is unread --------------------------------------------------------------- */

/*
 * From the numbers of the newest node and of the last one taken. Either may have been freed and be in use again; their headers are
 * pool memory and stay mapped, so that the worst is a wrong number. For the same reason the sanitizers are told to look away.
 */
__attribute__((no_sanitize("address", "thread"))) static uint32_t seq_of(const struct cop__node *node)
{
        cop__memcheck_look_away();
        uint32_t seq = node->seq;
        cop__memcheck_look_again();
        cop__memcheck_allow(&seq, sizeof(seq)); /* whatever it is */
        return seq;
}

static uint32_t in_queue(const struct cop__actor *actor)
{
        uintptr_t tail = cop__load_relaxed(&actor->queue.tail);
        const struct cop__node *taken = cop__load_relaxed(&actor->cursor.node);
        const struct cop__node *first = cop__load_relaxed(&actor->queue.head);
        if (tail & COP__QUEUE_MARK)
                return 0;
        uint32_t newest = seq_of((const struct cop__node *)tail);
        if (taken != NULL)
                return cop__queue_count(seq_of(taken), newest);
        return first != NULL ? cop__queue_count(seq_of(first), newest) + 1 : 1;
}

bool cop__has_arrived(const struct cop__actor *actor)
{
        uint32_t queued = in_queue(actor);
        return queued != 0 && queued <= INT32_MAX;
}

uint32_t cop__unread(const struct cop__actor *actor)
{
        uint32_t queued = in_queue(actor);
        /* The one that was taken may be gone, and its memory somebody else's. */
        if (queued > INT32_MAX)
                queued = 0;
        return queued + cop__load_relaxed(&actor->mailbox.count);
}

/* ---- Glimpses ----------------------------------------------------------------------------- */

static cop_process_status state_of(const struct cop__actor *actor)
{
        if (cop__load_relaxed(&actor->task.visitor) != NULL)
                return COP_PROCESS_VISITING;
        if (!cop__queue_is_asleep(&actor->queue))
                return COP_PROCESS_RUNNING;
        return cop__has_manner(actor, COP__HIBERNATES) ? COP_PROCESS_HIBERNATING
                                                      : COP_PROCESS_WAITING;
}

static const char *word_of(cop_process_status state)
{
        static const char *const words[] = {
                [COP_PROCESS_WAITING] = "waiting",
                [COP_PROCESS_RUNNING] = "running",
                [COP_PROCESS_HIBERNATING] = "hibernating",
                [COP_PROCESS_VISITING] = "visiting",
        };
        return words[state];
}

/* The message itself is its owner's, and may be gone; but which handler is at work tells its kind. */
static const char *handling_of(const cop_behaviour *server, const void *where)
{
        for (size_t i = 0; server != NULL && i < server->handler_count; i++) {
                const cop_handler *handler = &server->handlers[i];
                if (handler->event == COP_EVENT_MESSAGE &&
                    (const void *)(uintptr_t)handler->run.message == where)
                        return handler->kind->name;
        }
        return NULL;
}

static void look_at(const struct cop__actor *actor, struct cop__glimpse *glimpse)
{
        const cop_behaviour *server = cop__load_relaxed(&actor->server);
        glimpse->parent.bits = cop__load_relaxed(&actor->parent.bits);
        glimpse->server = server != NULL ? server->name : NULL;
        glimpse->state = state_of(actor);
        glimpse->status = word_of(glimpse->state);
        glimpse->priority = (cop_priority)cop__load_relaxed(&actor->task.priority);
        glimpse->isolation = (cop_isolation)cop__load_relaxed(&actor->isolation);
        glimpse->trap_exit = cop__load_relaxed(&actor->trap_exit);
        glimpse->relations = cop__load_relaxed(&actor->relation_count);
        glimpse->unread = cop__unread(actor);
        glimpse->handled = cop__load_relaxed(&actor->handled);
        glimpse->recent = cop__load_relaxed(&actor->recent);
        glimpse->stack_bytes = cop__load_relaxed(&actor->task.stack_bytes);
        glimpse->bytes = sizeof(struct cop__actor) + cop__load_relaxed(&actor->bytes) +
                         glimpse->stack_bytes;
        glimpse->where = cop__load_relaxed(&actor->where);
        if (glimpse->state == COP_PROCESS_RUNNING)
                glimpse->handling = handling_of(server, glimpse->where);
}

/* Whoever lives in the slot, unless it changes hands meanwhile: then nobody, for what was seen would be of two. */
bool cop__glimpse_slot(struct cop_node *node, struct cop__actor *actor, bool named,
                       struct cop__glimpse *glimpse)
{
        memset(glimpse, 0, sizeof(*glimpse));
        glimpse->pid = cop__actor_pid(actor);
        if (!cop__lives(actor, glimpse->pid))
                return false;
        look_at(actor, glimpse);
        glimpse->marking = cop__limit_marking(node, actor);
        if (named && cop__load_relaxed(&actor->named) & COP__NAMED)
                cop__registry_name(node, glimpse->pid, glimpse->name);
        if (named)
                cop__label_of(node, actor, glimpse->pid, glimpse->label);
        if (named && glimpse->isolation == COP_ISOLATION_PROCESS) {
                pid_t os_pid = 0;
                cop__zygote_find(node, glimpse->pid, &os_pid, &glimpse->server);
                glimpse->os_pid = os_pid;
        }
        cop__fence_seq(); /* what was seen was seen before: a death moves the pid on first (exit.c) */
        return cop__slot_is(actor, glimpse->pid);
}

void cop__glimpse_each(struct cop_node *node,
                       void (*each)(void *context, const struct cop__glimpse *glimpse),
                       void *context)
{
        struct cop__glimpse glimpse;
        uint32_t used = cop__load_acquire(&node->slots.used);
        for (uint32_t slot = 1; slot <= used; slot++)
                if (cop__glimpse_slot(node, &node->slots.base[slot], true, &glimpse))
                        each(context, &glimpse);
}

bool cop__glimpse_of(struct cop_node *node, cop_pid pid, struct cop__glimpse *glimpse)
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        return actor != NULL && cop__slot_is(actor, pid) && cop__glimpse_slot(node, actor, true, glimpse);
}

void cop__glimpse_where(struct cop_node *node, const struct cop__glimpse *glimpse,
                        struct cop__place *place)
{
        static const char thunk[] = "cop__";
        size_t size = sizeof(thunk) - 1;
        memset(place, 0, sizeof(*place));
        if (glimpse->where == NULL) {
                strcpy(place->function, "-");
                return;
        }
        cop__place_of(node->symbols, glimpse->where, false, place);
        /* A handler is called through a thunk that COP_SERVER names cop__STATE_on_KIND. */
        if (glimpse->server != NULL && strncmp(place->function, thunk, size) == 0)
                memmove(place->function, place->function + size,
                        strlen(place->function + size) + 1);
}

void cop__totals(struct cop_node *node, struct cop__totals *totals)
{
        memset(totals, 0, sizeof(*totals));
        cop__lock_lock(&node->threads_lock);
        totals->spawned = node->past[0];
        totals->died = node->past[1];
        totals->sent = node->past[2];
        totals->dead_letters = node->past[3];
        for (struct cop__list *at = node->threads.next; at != &node->threads; at = at->next) {
                struct cop__here *here = COP__CONTAINER(at, struct cop__here, list);
                totals->spawned += cop__load_relaxed(&here->spawned);
                totals->died += cop__load_relaxed(&here->died);
                totals->sent += cop__load_relaxed(&here->sent);
                totals->dead_letters += cop__load_relaxed(&here->dead_letters);
        }
        cop__lock_unlock(&node->threads_lock);
        totals->workers = node->scheduler.worker_count;
        totals->uptime_ms = (cop__clock_ns() - node->started_ns) / 1000000;
        pthread_mutex_lock(&node->reports.mutex);
        totals->crashes = node->reports.count;
        pthread_mutex_unlock(&node->reports.mutex);
}

/* ---- What an actor says of itself ---------------------------------------------------------------- */

/* The pids at the other ends of one type of relation, as a list in memory that the caller frees. */
static cop_term peers_of(struct cop__actor *actor, enum cop__tie_type type, cop_term **memory)
{
        size_t count = 0;
        *memory = cop__malloc((actor->relation_count + 1) * sizeof(cop_term));
        if (*memory == NULL)
                return cop_nil();
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                struct cop__relation *relation =
                        COP__CONTAINER(at, struct cop__relation, as.tie.list);
                if (relation->as.tie.type == type)
                        (*memory)[count++] = cop_pid_term(relation->as.tie.peer);
        }
        return cop_list_of(*memory, count);
}

static cop_term name_of(struct cop__actor *actor, char name[COP_NAME_MAX + 1])
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        if (cop__registry_name(node, cop__actor_pid(actor), name))
                return cop_atom(name);
        return cop_atom("undefined");
}

static cop_term label_of(struct cop__actor *actor, char label[COP_LABEL_MAX + 1])
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        if (cop__label_of(node, actor, cop__actor_pid(actor), label))
                return cop_string(label);
        return cop_atom("undefined");
}

/* Calls `use` with the map. Its parts lie in this frame, and end with it. */
static void describe(struct cop__actor *actor, void (*use)(void *context, cop_term info),
                     void *context)
{
        char name[COP_NAME_MAX + 1], label[COP_LABEL_MAX + 1];
        cop_term *links, *monitors, *watchers;
        cop_term info = COP_MAP(
                cop_atom("name"), name_of(actor, name),
                cop_atom("label"), label_of(actor, label),
                cop_atom("parent"), cop_pid_term(actor->parent),
                cop_atom("server"), cop_atom(actor->server != NULL ? actor->server->name : "none"),
                cop_atom("priority"),
                cop_atom(cop__priority_word((cop_priority)cop__load_relaxed(&actor->task.priority))),
                cop_atom("messages"), cop_int(cop__unread(actor)),
                cop_atom("dropped"), cop_int((int64_t)cop__limit_dropped(cop__thread_here(), actor)),
                cop_atom("handled"), cop_int((int64_t)actor->handled),
                cop_atom("memory"), cop_int((int64_t)(sizeof(*actor) + actor->bytes)),
                cop_atom("owned"), cop_int(actor->rare != NULL ? (int64_t)actor->rare->owned.count : 0),
                cop_atom("trap_exit"), cop_bool(actor->trap_exit),
                cop_atom("links"), peers_of(actor, COP__TIE_LINK, &links),
                cop_atom("monitors"), peers_of(actor, COP__TIE_MONITOR, &monitors),
                cop_atom("monitored_by"), peers_of(actor, COP__TIE_WATCH, &watchers));
        use(context, info);
        free(links);
        free(monitors);
        free(watchers);
}

struct answer {
        struct cop__thread *thread;
        struct cop__actor *actor;
        struct cop__signal *request;
};

static void send_info(void *context, cop_term info)
{
        struct answer *answer = context;
        struct cop__signal *reply = NULL;
        cop_any any = { info };
        if (cop__signal_owed(&answer->thread->pool, COP_KIND_OF(cop_any), &any, &reply) != COP_OK)
                return;
        reply->type = COP__SIGNAL_REPLY;
        reply->ref = answer->request->ref;
        reply->from = cop__actor_pid(answer->actor);
        cop__send_signal(answer->thread, answer->request->from, reply);
        answer->request->flags |= COP__SIGNAL_ANSWERED;
}

void cop__tell_info(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal)
{
        describe(actor, send_info, &(struct answer){ thread, actor, signal });
        cop__message_done(thread, actor, signal);
}

struct copy {
        cop_term *info;
        cop_status status;
};

static void copy_info(void *context, cop_term info)
{
        struct copy *copy = context;
        copy->status = cop_term_copy(info, copy->info);
}

cop_status cop__info(cop_pid pid, int64_t timeout_ms, cop_term *info)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *reply;
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (cop_pid_equal(pid, cop__actor_pid(actor))) {
                struct copy copy = { .info = info };
                describe(actor, copy_info, &copy);
                return copy.status;
        }
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *request = cop__signal_new(&thread->pool, COP__SIGNAL_INFO, 0);
        if (request == NULL)
                return COP_E_NO_MEMORY;
        request->flags |= COP__SIGNAL_ASIDE;
        cop_status status = cop__call(actor, pid, request, cop__deadline_ns(timeout_ms),
                                      __builtin_return_address(0), &reply);
        if (status == COP_OK)
                status = cop__answer_must_be(actor, reply, COP_KIND_OF(cop_any));
        if (status != COP_OK)
                return status;
        status = cop_term_copy(((const cop_any *)cop__signal_body(reply))->term, info);
        cop__hand_over(actor, reply);
        cop_message_free((cop_message *)reply);
        return status;
}
