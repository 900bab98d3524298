/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Sending requests, and taking their answers. See request.h. */
#include "actors/request.h"

#include <string.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/calling.h"
#include "actors/inside.h"
#include "base/clock.h"

struct cop_requests {
        cop_pid owner;
        size_t count;              /* of both lists */
        struct cop__list waiting;
        struct cop__list answered;
};

struct request {
        struct cop__table_node node; /* of the actor's; key: the reference */
        struct cop__signal *answer;  /* NULL: it has not come */
        cop_pid callee;
        cop_requests *set;           /* NULL: in none */
        struct cop__list list;       /* of the set */
        int64_t label;               /* in the set */
        bool watched;                /* its answer is deferred: a monitor is under the reference */
};

static struct request *request_of(struct cop__table_node *node)
{
        return COP__CONTAINER(node, struct request, node);
}

static struct request *request_of_list(struct cop__list *list)
{
        return COP__CONTAINER(list, struct request, list);
}

static struct request *find(struct cop__actor *actor, cop_ref ref)
{
        if (actor->rare == NULL)
                return NULL;
        struct cop__table_node *node = cop__table_find_first(&actor->rare->requests, ref.bits);
        return node != NULL ? request_of(node) : NULL;
}

/* ---- Life ------------------------------------------------------------------------- */

static cop_status begin(struct cop__thread *thread, struct cop__actor *actor, cop_pid callee,
                        cop_ref ref)
{
        struct cop__rare *rare = cop__rare_of(actor);
        struct request *request = rare != NULL ? cop__pool_take(&thread->pool,
                                                                cop__pool_class(sizeof(*request)))
                                               : NULL;
        if (request == NULL)
                return COP_E_NO_MEMORY;
        *request = (struct request){ .node.key = ref.bits, .callee = callee };
        cop__list_init(&request->list);
        cop__table_insert(&rare->requests, &request->node);
        return COP_OK;
}

static void end_watch(struct cop__thread *thread, struct cop__actor *actor, struct request *request)
{
        if (request->watched)
                cop__demonitor(thread, actor, (cop_ref){ request->node.key });
        request->watched = false;
}

/* Over. An answer that is there is the caller's to end. */
static struct cop__signal *end(struct cop__thread *thread, struct cop__actor *actor,
                               struct request *request)
{
        struct cop__signal *answer = request->answer;
        end_watch(thread, actor, request);
        cop__table_remove(&actor->rare->requests, &request->node);
        cop__list_remove(&request->list);
        if (request->set != NULL)
                request->set->count--;
        cop__pool_give(&thread->pool, cop__pool_class(sizeof(*request)), request);
        return answer;
}

/* On another node it would be kept until its callee ends. */
static void drop(struct cop__thread *thread, struct cop__actor *actor, struct request *request)
{
        if (COP__UNLIKELY(cop__pid_node(request->callee) != 0) && request->answer == NULL)
                cop__calling_withdraw(thread, request->callee, (cop_ref){ request->node.key });
        struct cop__signal *answer = end(thread, actor, request);
        if (answer == NULL)
                return;
        cop__queue_release(&actor->queue, &actor->cursor, &answer->node);
        cop__refuse_signal(thread, cop__actor_pid(actor), answer, NULL);
}

static void drop_all(struct cop__actor *actor, cop_requests *set)
{
        struct cop__thread *thread = cop__thread_here();
        while (!cop__list_is_empty(&set->waiting))
                drop(thread, actor, request_of_list(set->waiting.next));
        while (!cop__list_is_empty(&set->answered))
                drop(thread, actor, request_of_list(set->answered.next));
}

void cop__requests_end_begin(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        if (actor->rare == NULL)
                return;
        cop__table_walk_init(&actor->rare->requests_walk, &actor->rare->requests);
        cop__calling_end(&slots->calling[actor - slots->base]); /* it may have died waiting for one */
}

bool cop__requests_end_one(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__table_node *node =
                actor->rare != NULL ? cop__table_walk_next(&actor->rare->requests_walk) : NULL;
        if (node == NULL)
                return false;
        if (request_of(node)->answer == NULL && cop__pid_node(request_of(node)->callee) == 0)
                cop__calling_withdraw(thread, request_of(node)->callee, (cop_ref){ node->key });
        request_of(node)->watched = false; /* its monitor has ended with the actor's others */
        drop(thread, actor, request_of(node));
        return true;
}

/* ---- What arrives ------------------------------------------------------------------- */

bool cop__request_answered(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal)
{
        struct request *request = find(actor, signal->ref);
        if (request == NULL || request->answer != NULL)
                return false;
        end_watch(thread, actor, request);
        request->answer = signal;
        cop__calling_let_go(actor, signal->ref);
        if (request->set != NULL) {
                cop__list_remove(&request->list);
                cop__list_push_back(&request->set->answered, &request->list);
        }
        return true;
}

bool cop__request_deferred(struct cop__actor *actor, cop_ref ref)
{
        struct request *request = find(actor, ref);
        if (request == NULL || request->answer != NULL)
                return false;
        request->watched = true;
        return true;
}

/* ---- One ------------------------------------------------------------------------------ */

static cop_status find_callee(cop_address to, cop_pid *callee)
{
        if (cop__is_alias(to))
                return COP_E_BAD_ARGUMENT;
        *callee = to.name != NULL ? cop_whereis(to.name) : to.pid;
        if (callee->bits != 0)
                return COP_OK;
        return to.name != NULL ? cop__no_name(cop__actor_here(), to.name, __builtin_return_address(0))
                               : COP_E_BAD_ARGUMENT;
}

cop_status cop__request_message(struct cop__pool_cache *cache, const cop_kind *kind, const void *value,
                                uint64_t deadline_ns, struct cop__signal **signal)
{
        if (COP__LIKELY(deadline_ns == UINT64_MAX))
                return cop__signal_message(cache, kind, value, signal);
        cop_status status =
                cop__signal_message_led(cache, kind, value, sizeof(deadline_ns), signal);
        if (status != COP_OK)
                return status;
        (*signal)->flags |= COP__SIGNAL_CALL | COP__SIGNAL_TIMED;
        memcpy(cop__signal_extra(*signal), &deadline_ns, sizeof(deadline_ns));
        return COP_OK;
}

cop_status cop__request_send(cop_request *request, cop_pid callee, const cop_kind *kind,
                             const void *value, uint64_t deadline_ns, const void *where)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__signal *signal;
        cop_ref ref = cop__ref_new(here);
        bool slows = false;
        cop__critical_enter(&here->fault);
        /* One that bears its time has its block from where timers have theirs, which no mark keeps. */
        cop_status status = COP_E_OVERLOAD;
        if (COP__LIKELY(deadline_ns == UINT64_MAX) || !cop__overload_refuses(thread))
                status = cop__request_message(&thread->pool, kind, value, deadline_ns, &signal);
        cop__refused(thread, status);
        if (status == COP_OK)
                status = cop__limit_knock(thread, callee, signal);
        if (status == COP_OK && (status = begin(thread, self, callee, ref)) != COP_OK) {
                if (signal->flags & COP__SIGNAL_COUNTED)
                        cop__limit_leave(thread, cop__slot_of(here->node, callee), signal);
                cop__signal_free(&thread->pool, signal);
        }
        if (status == COP_OK) {
                signal->from = cop__actor_pid(self);
                signal->ref = ref;
                request->ref = ref;
                slows = signal->flags & COP__SIGNAL_COUNTED && !cop_pid_equal(callee, signal->from) &&
                        cop__limit_slows(thread, cop__slot_of(here->node, callee));
                cop__count_up(&here->sent);
                cop__send_signal(thread, callee, signal);
        }
        cop__critical_leave(&here->fault);
        if (COP__UNLIKELY(slows))
                cop__push_back(self, NULL, COP__PRESSURE_HIGH, where);
        else if (status == COP_OK)
                cop__pay_for(self, callee, where);
        else
                cop__spend(self, 1, where); /* who tries again and again lets others run */
        return status;
}

cop_status cop_request_send_value(cop_request *request, cop_address to, const cop_kind *kind,
                                  const void *value)
{
        struct cop__actor *self = cop__actor_here();
        cop_pid callee;
        if (self == NULL)
                return COP_E_NO_NODE;
        cop_status status = request != NULL ? find_callee(to, &callee) : COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        uint64_t deadline_ns = cop__call_deadline(self, COP_FOREVER);
        if (deadline_ns == 0)
                return COP_E_TIMEOUT;
        return cop__request_send(request, callee, kind, value, deadline_ns,
                                 __builtin_return_address(0));
}

/* The request is over, with this answer. */
static cop_status take(struct cop__actor *actor, struct request *request, cop_message **reply)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *answer = end(thread, actor, request);
        if (answer->type == COP__SIGNAL_FAILED)
                return cop__take_failure(thread, actor, answer);
        cop__take_reply(actor, answer, reply);
        return COP_OK;
}

bool cop__request_is_open(struct cop__actor *actor, cop_request request)
{
        return find(actor, request.ref) != NULL;
}

/* Until there is an answer, the time is over, or it turns out that there can be none:
 * COP_E_CYCLE. */
static cop_status wait_for(struct cop__actor *actor, struct request *request, uint64_t deadline_ns,
                           const void *where)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        struct cop__calling *own = cop__calling_own(actor);
        enum cop__ring ring = COP__RING_UNSETTLED;
        for (bool waits = false;; waits = true) {
                cop__drain_to_look(actor, waits);
                if (request->answer != NULL)
                        return COP_OK;
                uint64_t until_ns = deadline_ns, now_ns = 0;
                if (deadline_ns != UINT64_MAX && (now_ns = cop__clock_ns()) >= deadline_ns)
                        return COP_E_TIMEOUT;
                if (ring != COP__RING_NONE)
                        ring = cop__ring_look(node, actor, own);
                if (ring == COP__RING_CLOSED)
                        return COP_E_CYCLE;
                if (COP__UNLIKELY(ring == COP__RING_UNSETTLED)) {
                        now_ns = (now_ns != 0 ? now_ns : cop__clock_ns()) + COP__RING_PAUSE_MAX_NS;
                        until_ns = now_ns < deadline_ns ? now_ns : deadline_ns;
                }
                /* The look has taken in what had come. */
                if (request->answer == NULL && !cop__must_leave(actor))
                        cop__wait(actor, until_ns, where);
        }
}

/* As an edge of what may be a ring: it waits for the callee and for nobody else. */
static cop_status wait_as_edge(struct cop__actor *actor, struct request *request, uint64_t deadline_ns,
                               const void *where)
{
        cop_ref ref = { request->node.key };
        struct cop__calling *own = cop__calling_own(actor);
        bool inside = cop__inside_here() != NULL && !cop__clock_is_past(deadline_ns);
        if (!request->watched && request->answer == NULL) {
                cop__calling_wait_for_request(own, ref, request->callee);
                if (COP__UNLIKELY(inside))
                        cop__inside_waits(ref);
        }
        cop__fence_seq(); /* CLOSE */
        cop_status status = wait_for(actor, request, deadline_ns, where);
        cop__calling_end(own);
        if (COP__UNLIKELY(inside && status == COP_E_TIMEOUT))
                cop__inside_over(ref);
        return status;
}

cop_status cop__request_wait(struct cop__actor *actor, cop_request request, uint64_t deadline_ns,
                             const void *where, cop_message **reply)
{
        struct request *found = find(actor, request.ref);
        if (found == NULL)
                return COP_E_NOT_FOUND;
        cop_status status = wait_as_edge(actor, found, deadline_ns, where);
        if (status == COP_E_CYCLE)
                drop(cop__thread_here(), actor, found);
        return status == COP_OK ? take(actor, found, reply) : status;
}

/* That a ring has been closed somewhere else (ring.c) is no answer: the request is as before. */
static cop_status take_ring(struct cop__actor *actor, struct request *request)
{
        struct cop__signal *failed = request->answer;
        request->answer = NULL;
        if (request->set != NULL) {
                cop__list_remove(&request->list);
                cop__list_push_back(&request->set->waiting, &request->list);
        }
        return cop__take_failure(cop__thread_here(), actor, failed);
}

/* In a process it is one: the outpost's call is over. */
static bool is_ring(const struct cop__signal *answer)
{
        return answer->type == COP__SIGNAL_FAILED && cop__inside_here() == NULL &&
               ((const struct cop__failed *)cop__signal_body(answer))->failure == COP__FAILED_CYCLE;
}

cop_status cop__request_look(struct cop__actor *actor, cop_request request, uint64_t deadline_ns,
                             const void *where, cop_message **reply)
{
        struct request *found = find(actor, request.ref);
        if (found == NULL)
                return COP_E_NOT_FOUND;
        cop_status status = deadline_ns == UINT64_MAX ? wait_as_edge(actor, found, deadline_ns, where)
                                                      : wait_for(actor, found, deadline_ns, where);
        if (status == COP_OK && is_ring(found->answer))
                return take_ring(actor, found);
        return status == COP_OK ? take(actor, found, reply) : status;
}

cop_status cop_request_await(cop_request request, int64_t timeout_ms, cop_message **reply)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (timeout_ms < 0) {
                cop__badarg("request_await", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        cop_status status = cop__request_wait(actor, request, cop__call_deadline(actor, timeout_ms),
                                              __builtin_return_address(0), reply);
        if (status == COP_E_TIMEOUT)
                cop_request_drop(request);
        return status;
}

cop_status cop_request_poll(cop_request request, cop_message **reply)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        struct request *found = find(actor, request.ref);
        if (found == NULL)
                return COP_E_NOT_FOUND;
        cop__drain_to_look(actor, false);
        return found->answer != NULL ? take(actor, found, reply) : COP_E_TIMEOUT;
}

bool cop_request_drop(cop_request request)
{
        struct cop__actor *actor = cop__actor_here();
        struct request *found = actor != NULL ? find(actor, request.ref) : NULL;
        if (found != NULL)
                drop(cop__thread_here(), actor, found);
        return found != NULL;
}

/* ---- Many ------------------------------------------------------------------------------- */

cop_deadline cop_deadline_in(int64_t timeout_ms)
{
        if (timeout_ms < 0) {
                cop__badarg("deadline_in", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                timeout_ms = 0;
        }
        return (cop_deadline){ cop__deadline_ns(timeout_ms) };
}

cop_requests *cop_requests_new(void)
{
        cop_requests *set = cop__alloc_owed(sizeof(*set)); /* what it waits for has been let in */
        if (set == NULL)
                return NULL;
        set->owner = cop_self();
        cop__list_init(&set->waiting);
        cop__list_init(&set->answered);
        return set;
}

/* May the calling actor use that set? */
static cop_status look_at(const struct cop__actor *actor, const cop_requests *set)
{
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (set == NULL)
                return COP_E_BAD_ARGUMENT;
        return cop_pid_equal(set->owner, cop__actor_pid(actor)) ? COP_OK : COP_E_NOT_OWNER;
}

void cop_requests_free(cop_requests *set)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = look_at(actor, set);
        if (status == COP_E_NOT_OWNER)
                cop__badarg("requests_free", cop_status_text(status));
        if (status != COP_OK)
                return;
        drop_all(actor, set);
        cop_release(set);
}

static void leave_all(struct cop__list *list)
{
        while (!cop__list_is_empty(list)) {
                struct request *request = request_of_list(list->next);
                cop__list_remove(&request->list);
                request->set = NULL;
        }
}

void cop__requests_dissolve(cop_requests *set)
{
        leave_all(&set->waiting);
        leave_all(&set->answered);
        cop_release(set);
}

cop_status cop_requests_add(cop_requests *set, cop_request request, int64_t label)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = look_at(actor, set);
        if (status != COP_OK)
                return status;
        struct request *found = find(actor, request.ref);
        if (found == NULL)
                return COP_E_NOT_FOUND;
        if (found->set != NULL)
                return COP_E_TAKEN;
        found->set = set;
        found->label = label;
        set->count++;
        cop__list_push_back(found->answer != NULL ? &set->answered : &set->waiting, &found->list);
        return COP_OK;
}

size_t cop_requests_count(const cop_requests *set)
{
        return look_at(cop__actor_here(), set) == COP_OK ? set->count : 0;
}

/* COP_E_TIMEOUT: none has been answered; nothing is dropped by that. */
static cop_status take_first(struct cop__actor *actor, cop_requests *set, cop_response *response, bool waits)
{
        if (set->count == 0)
                return COP_E_NOT_FOUND;
        cop__drain_to_look(actor, waits);
        if (cop__list_is_empty(&set->answered))
                return COP_E_TIMEOUT;
        struct request *request = request_of_list(set->answered.next);
        response->request.ref.bits = request->node.key;
        response->label = request->label;
        response->message = NULL;
        response->status = take(actor, request, &response->message);
        return COP_OK;
}

cop_status cop__requests_await_kept(cop_requests *set, cop_deadline deadline,
                                    cop_response *response, const void *where)
{
        const uint64_t deadline_ns = deadline.at_ns;
        struct cop__actor *actor = cop__actor_here();
        cop_status status = look_at(actor, set);
        if (status == COP_OK && response == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        for (bool waits = false;; waits = true) {
                status = take_first(actor, set, response, waits);
                if (status != COP_E_TIMEOUT)
                        return status;
                if (deadline_ns != UINT64_MAX && cop__clock_is_past(deadline_ns))
                        return status;
                if (!cop__must_leave(actor)) /* else it has looked in a section */
                        cop__wait(actor, deadline_ns, where);
        }
}

static cop_status await_any(cop_requests *set, cop_deadline deadline, cop_response *response,
                            const void *where)
{
        struct cop__actor *self = cop__actor_here();
        if (self != NULL && self->current != NULL)
                deadline.at_ns = cop__call_deadline_left(self, deadline.at_ns);
        cop_status status = cop__requests_await_kept(set, deadline, response, where);
        if (status == COP_E_TIMEOUT)
                drop_all(cop__actor_here(), set);
        return status;
}

cop_status cop_requests_await(cop_requests *set, int64_t timeout_ms, cop_response *response)
{
        if (timeout_ms < 0) {
                cop__badarg("requests_await", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        return await_any(set, (cop_deadline){ cop__deadline_ns(timeout_ms) }, response,
                         __builtin_return_address(0));
}

cop_status cop_requests_await_until(cop_requests *set, cop_deadline deadline,
                                    cop_response *response)
{
        return await_any(set, deadline, response, __builtin_return_address(0));
}

cop_status cop_requests_poll(cop_requests *set, cop_response *response)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = look_at(actor, set);
        if (status != COP_OK)
                return status;
        return response != NULL ? take_first(actor, set, response, false) : COP_E_BAD_ARGUMENT;
}
