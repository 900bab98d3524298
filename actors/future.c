/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Futures: a keeper, which is the actor of the handle, and a runner, which is the function.
 *
 *      owner ──start, argument──► keeper ──spawns and monitors──► runner
 *                                    ◄──── the result, or DOWN ─────┘
 *      whoever awaits ──await──► the line of the keeper; or an answer at once when there is an outcome
 *
 * Two actors, so that a crash ends only the runner: the keeper is there to tell, now and later, and never busy. The runner
 * sends its result before its DOWN can come, so the first of both is the outcome. The outcome is a message that the keeper
 * holds: it ends with the keeper, whatever ends that.
 *
 * An await that gives up is answered at once, and the result that a dead one was sent is only a copy: nothing has to come back.
 */
#include "actors/future.h"

#include <coppice/future.h>
#include <coppice/select.h>

#include "base/clock.h"

COP__KIND_DEFINE(cop__future_await);

/* Function and kinds are addresses: constants of the program. */
typedef struct {
        cop_pid owner;
        uint64_t run, run_with, kind, result;
} cop__future_start;
COP_MESSAGE(cop__future_start, owner, run, run_with, kind, result);

typedef struct {
        int32_t status;
        cop_term reason;
} cop__future_failed;
COP_MESSAGE(cop__future_failed, status, reason);

typedef struct {
} cop__future_cancel;
COP_MESSAGE(cop__future_cancel);

typedef struct {
} cop__future_drop;
COP_MESSAGE(cop__future_drop);

typedef struct {
        cop_ref owner;
        void (*run_with)(const void *argument);
        const cop_kind *kind;   /* of the argument, until it has come; then NULL */
        const cop_kind *result;
        cop_pid runner;
        cop_ref runner_ref;
        cop_message *outcome;   /* held: a result, or a cop__future_failed; NULL: not yet */
        struct cop__line waiting;
} future;

/* ---- The keeper: its outcome ---------------------------------------------------------- */

/* Without memory for the copy it fails, which its caller takes for just that. */
static void answer_first(future *self)
{
        struct cop__entry *entry = cop__line_first(&self->waiting);
        cop__answer_owed(entry->request, cop_message_kind(self->outcome), cop_message_body(self->outcome));
        cop__line_end(&self->waiting, entry);
}

static void settle(future *self)
{
        while (self->outcome != NULL && self->waiting.count > 0)
                answer_first(self);
}

/* A keeper that cannot hold the outcome ends, and whoever waits or comes hears of that. */
static void conclude(future *self, const cop_kind *kind, const void *value)
{
        if (self->outcome != NULL)
                return;
        self->outcome = cop__message_hold(cop__actor_here(), kind, value);
        if (self->outcome == NULL)
                cop_exit(cop_atom("no_memory"));
        settle(self);
}

static void fail(future *self, cop_status status, cop_term reason)
{
        cop__future_failed failed = { status, reason };
        conclude(self, COP_KIND_OF(cop__future_failed), &failed);
}

/* Without memory for that it runs on, and the future stays what it was. */
static cop_status stop_runner(future *self)
{
        if (self->runner.bits == 0)
                return COP_OK;
        cop_status status = cop_send_exit(self->runner, cop_atom("kill"));
        if (status != COP_OK)
                return status;
        cop_demonitor(self->runner_ref);
        self->runner = cop_no_pid();
        return COP_OK;
}

static void start_runner(future *self, const cop_spawn_options *options)
{
        cop_status status = cop_spawn_opt(options, &self->runner);
        if (status != COP_OK)
                fail(self, COP_E_DIED, COP_TUPLE(cop_atom("system_limit"), cop_atom("spawn")));
}

/* ---- What it hears ----------------------------------------------------------------------- */

static void future_init(future *self, const cop__future_start *start)
{
        self->run_with = (void (*)(const void *))(uintptr_t)start->run_with;
        self->kind = (const cop_kind *)(uintptr_t)start->kind;
        self->result = (const cop_kind *)(uintptr_t)start->result;
        cop__line_init(&self->waiting);
        if (cop_monitor(start->owner, &self->owner) != COP_OK)
                cop_exit(cop_atom("no_memory"));
        if (start->run != 0)
                start_runner(self, &(cop_spawn_options){ .run = (void (*)(void))(uintptr_t)start->run,
                                                         .promise = cop_self(),
                                                         .monitor = true,
                                                         .monitor_ref = &self->runner_ref });
}

static void future_on_await(future *self, const cop__future_await *await)
{
        (void)await;
        struct cop__entry *entry = cop__line_join(&self->waiting);
        if (entry == NULL)
                return;
        if (self->outcome == NULL)
                cop__line_watch(entry);
        settle(self);
}

static void future_on_give_up(future *self, const cop__give_up *who)
{
        cop__line_give_up(&self->waiting, who);
}

static void future_on_cancel(future *self, const cop__future_cancel *cancel)
{
        (void)cancel;
        cop_status status = self->outcome == NULL ? stop_runner(self) : COP_OK;
        if (self->outcome == NULL && status == COP_OK)
                fail(self, COP_E_DIED, cop_atom("cancelled"));
        COP__REPLY_OWED(cop__answer, .status = status);
}

/* Its runner's promise is to nobody from then on. If it cannot be stopped now, it is tried again until it has ended. */
static void end(future *self)
{
        while (stop_runner(self) == COP_E_NO_MEMORY)
                cop_yield(); /* to sleep would need memory, too */
        cop_exit(cop_atom("normal"));
}

static void future_on_drop(future *self, const cop__future_drop *drop)
{
        (void)drop;
        end(self);
}

static void future_on_down(future *self, const cop_down *down)
{
        if (cop_ref_equal(down->ref, self->owner))
                end(self);
        if (cop_ref_equal(down->ref, self->runner_ref)) {
                self->runner = cop_no_pid();
                fail(self, cop_is_atom(down->reason, "normal") ? COP_E_NO_REPLY : COP_E_DIED,
                     down->reason);
                return;
        }
        struct cop__entry *entry = cop__line_find_dead(&self->waiting, down);
        if (entry != NULL)
                cop__line_end(&self->waiting, entry);
}

/* The owner sends it before anybody else knows of the future. */
static void on_argument(future *self, const cop_message *message)
{
        const cop_kind *kind = self->kind;
        self->kind = NULL;
        start_runner(self, &(cop_spawn_options){ .run_with = self->run_with,
                                                 .kind = kind,
                                                 .argument = cop_message_body(message),
                                                 .promise = cop_self(),
                                                 .monitor = true,
                                                 .monitor_ref = &self->runner_ref });
}

/* What is asked of it (a request) and none of its questions is no result at all. */
static void on_result(future *self, const cop_message *message)
{
        if (cop_message_as(message, self->result) != NULL)
                conclude(self, self->result, cop_message_body(message));
        else if (((const struct cop__signal *)message)->ref.bits == 0)
                fail(self, COP_E_DIED,
                     COP_TUPLE(cop_atom("badarg"),
                               COP_TUPLE(cop_atom("resolve"),
                                         cop_string("the future is for another kind of result"))));
}

static void future_otherwise(future *self, cop_message *message)
{
        if (self->kind != NULL)
                on_argument(self, message);
        else if (self->runner.bits == 0 || cop_pid_equal(cop_message_from(message), self->runner))
                on_result(self, message);
}

COP_SERVER(future, COP_INIT_WITH(cop__future_start, future_init),
           COP_ON(cop__future_await, future_on_await),
           COP_ON(cop__give_up, future_on_give_up),
           COP_ON(cop__future_cancel, future_on_cancel),
           COP_ON(cop__future_drop, future_on_drop),
           COP_ON(cop_down, future_on_down),
           COP_OTHERWISE(future_otherwise));

bool cop__is_future(const cop_behaviour *server)
{
        return server == &future_server;
}

/* ---- Who makes one ------------------------------------------------------------------------- */

static bool is_the_runtimes(const cop_kind *kind)
{
        return cop__kind_same(kind, COP_KIND_OF(cop_down)) ||
               cop__kind_same(kind, COP_KIND_OF(cop_exited));
}

static bool is_good(const cop_async_options *options)
{
        bool with = options->run_with != NULL;
        return options->result != NULL && !is_the_runtimes(options->result) &&
               (options->run == NULL || !with) && with == (options->kind != NULL) &&
               with == (options->argument != NULL) && (!with || !is_the_runtimes(options->kind));
}

cop_status cop_async_opt(const cop_async_options *options, cop_pid *result)
{
        cop_pid pid;
        if (options == NULL || result == NULL || !is_good(options))
                return COP_E_BAD_ARGUMENT;
        cop__future_start start = {
                .owner = cop_self(),
                .run = (uintptr_t)options->run,
                .run_with = (uintptr_t)options->run_with,
                .kind = (uintptr_t)options->kind,
                .result = (uintptr_t)options->result,
        };
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .server = &future_server,
                                                                .kind = COP_KIND_OF(cop__future_start),
                                                                .argument = &start },
                                          &pid);
        if (status != COP_OK)
                return status;
        if (options->kind != NULL)
                status = cop_send_value(cop_to_pid(pid), options->kind, options->argument);
        if (status == COP_OK)
                *result = pid;
        else
                cop_future_drop_pid(pid);
        return status;
}

cop_pid cop_async_or_exit(const cop_async_options *options)
{
        cop_pid pid = cop_no_pid();
        cop_status status = cop_async_opt(options, &pid);
        struct cop__actor *actor = cop__actor_here();
        if (status == COP_OK || actor == NULL)
                return pid;
        if (actor->task.visitor != NULL) {
                cop_log(COP_LOG_ERROR, "cop_async: %s", cop_status_text(status));
                return pid;
        }
        cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("async")));
}

cop_status cop_resolve_value(const cop_kind *kind, const void *value)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        cop_pid keeper = cop__promise_of(actor);
        if (keeper.bits == 0)
                return COP_E_NO_CALLER;
        return cop__send_owed_value(keeper, kind, value, __builtin_return_address(0));
}

cop_status cop_complete_value(cop_pid pid, const cop_kind *kind, const void *value)
{
        if (pid.bits == 0 || kind == NULL)
                return COP_E_BAD_ARGUMENT;
        return cop__send_owed_value(pid, kind, value, __builtin_return_address(0));
}

/* ---- Who awaits one -------------------------------------------------------------------------- */

cop_status cop__future_receive(struct cop__actor *actor, struct cop__signal *reply,
                               cop_message **result)
{
        if (reply->kind != COP_KIND_OF(cop__future_failed)) {
                cop__hand_over(actor, reply);
                *result = (cop_message *)reply;
                return COP_OK;
        }
        const cop__future_failed *failed = cop__signal_body(reply);
        cop_status status = (cop_status)failed->status;
        if (status == COP_E_DIED)
                cop__failure_keep(actor, cop__shared_term_new(failed->reason));
        cop__signal_done(cop__thread_here(), actor, reply);
        return status;
}

/* Dropped while we waited, or it never was a future. */
static cop_status gone_if_none(cop_status status)
{
        bool none = status == COP_E_DIED || status == COP_E_NO_REPLY || status == COP_E_NO_KIND;
        return none ? COP_E_NO_ACTOR : status;
}

cop_status cop__future_fetch(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                             const void *where, cop_message **result)
{
        struct cop__signal *request, *reply = NULL;
        cop_status status = cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop__future_await),
                                             &(cop__future_await){}, &request);
        if (status == COP_OK)
                status = cop__ask(actor, pid, request, patience, where, &reply);
        if (status == COP_OK && reply == NULL)
                return COP_E_NO_ACTOR; /* a status for a result */
        return status == COP_OK ? cop__future_receive(actor, reply, result) : gone_if_none(status);
}

static cop_status await(cop_message **result, cop_pid pid, int64_t timeout_ms, const void *where)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = cop__callee(actor, "await", cop_to_pid(pid), timeout_ms, &pid);
        if (status != COP_OK)
                return status;
        struct cop__patience patience = cop__patience_of(timeout_ms);
        return cop__future_fetch(actor, pid, &patience, where, result);
}

cop_status cop_await_message(cop_message **result, cop_pid pid, int64_t timeout_ms)
{
        if (result == NULL)
                return COP_E_BAD_ARGUMENT;
        return await(result, pid, timeout_ms, __builtin_return_address(0));
}

cop_status cop_join_message(cop_message **result, cop_pid pid, int64_t timeout_ms)
{
        if (result == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = await(result, pid, timeout_ms, __builtin_return_address(0));
        if (status == COP_OK || status == COP_E_DIED || status == COP_E_NO_REPLY)
                cop_future_drop_pid(pid);
        return status;
}

/*
 * The part of the patience with all of them that one may use up, of so many that are left. Each can need all the time, but of the
 * grace for who does not answer no more than its share: a moment, at the least, for who does.
 */
static struct cop__patience share_of(const struct cop__patience *all, size_t left)
{
        const uint64_t moment_ns = 1000000;
        uint64_t now_ns = cop__clock_ns(), begin_ns = now_ns < all->until_ns ? all->until_ns : now_ns;
        if (all->end_ns == UINT64_MAX)
                return *all;
        uint64_t share_ns = begin_ns < all->end_ns ? (all->end_ns - begin_ns) / left : 0;
        if (share_ns < moment_ns)
                share_ns = moment_ns;
        if (now_ns < all->until_ns)
                return (struct cop__patience){ all->until_ns, all->until_ns, all->until_ns + share_ns };
        return (struct cop__patience){ 0, now_ns + share_ns / 2, now_ns + share_ns };
}

cop_status cop_await_all_messages(cop_message **results, const cop_pid *futures, size_t count,
                                  int64_t timeout_ms)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__patience patience = cop__patience_of(timeout_ms);
        cop_status first = COP_OK;
        cop_pid pid;
        if (results == NULL || (futures == NULL && count > 0))
                return COP_E_BAD_ARGUMENT;
        for (size_t i = 0; i < count; i++) {
                struct cop__patience share = share_of(&patience, count - i);
                results[i] = NULL;
                cop_status status = cop__callee(actor, "await", cop_to_pid(futures[i]), timeout_ms, &pid);
                if (status == COP_OK)
                        status = cop__future_fetch(actor, pid, &share, __builtin_return_address(0), &results[i]);
                if (first == COP_OK)
                        first = status;
        }
        return first;
}

cop_status cop_await_any_message(cop_message **result, const cop_pid *futures, size_t count,
                                 int64_t timeout_ms, size_t *index)
{
        cop_case cases[COP_SELECT_MAX];
        if (result == NULL || futures == NULL || index == NULL || count == 0 || count > COP_SELECT_MAX)
                return COP_E_BAD_ARGUMENT;
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        for (size_t i = 0; i < count; i++) {
                if (futures[i].bits == 0)
                        return COP_E_BAD_ARGUMENT; /* a case of a select that never comes true */
                cases[i] = (cop_case){ .type = COP_CASE_IS_AWAIT, .pid = futures[i] };
        }
        int which = cop_select_any_of(timeout_ms, cases, count);
        if (which < 0)
                return which == COP_SELECT_TIMEOUT ? COP_E_TIMEOUT : COP_E_BAD_ARGUMENT;
        *index = (size_t)which;
        if (cases[which].status == COP_OK)
                *result = cases[which].message;
        return cases[which].status;
}

cop_status cop_future_cancel_pid(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__patience patience = cop__patience_of(COP__ANSWER_MS);
        struct cop__signal *request, *other = NULL;
        cop_status status = cop__callee(actor, "future_cancel", cop_to_pid(pid), COP__ANSWER_MS, &pid);
        if (status == COP_OK)
                status = cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop__future_cancel),
                                          &(cop__future_cancel){}, &request);
        if (status != COP_OK)
                return status;
        status = cop__ask(actor, pid, request, &patience, __builtin_return_address(0), &other);
        return gone_if_none(cop__only_status(actor, status, other));
}

cop_status cop_future_drop_pid(cop_pid pid)
{
        return cop__send_owed_value(pid, COP_KIND_OF(cop__future_drop), &(cop__future_drop){}, __builtin_return_address(0));
}
