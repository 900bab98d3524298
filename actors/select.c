/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Select: one of several things, and only that one.
 *
 * First each case is tried in random order, to the end: a try to take that succeeds has taken. So of those that are ready each
 * is as likely, and with a time-out of 0 that is all.
 *
 * Then it waits, for all at once, as one call that is made to many: the same reference goes to every channel and
 * future, and the first answer under it ends the call. What the others answer later finds nobody waiting, and the runtime
 * sends back what must not be lost (line.h): an item becomes the first of its channel again, a granted place is free again.
 * So there is nothing to lock, and nothing to undo by hand; the others are told to forget the request.
 *
 *      take      the answer is the item
 *      put       the answer is a grant, a place that is kept for us; the put that follows finds it
 *      await     the answer is the result, a copy
 *      receive   the mailbox is searched while we wait
 *
 * What holds an actor's place in those lines dies with it: each request there is watched.
 *
 * Some may not answer at all (line.h). Waiting for all at once ends at its time without them; but a try waits for its answer. So
 * the tries have one time together, of which each gets half of what is left: those that answer take next to nothing of it, and
 * however many do not, the next one has its turn.
 */
#include <coppice/select.h>

#include "actors/channel.h"
#include "actors/future.h"
#include "actors/observe.h"
#include "actors/recent.h"
#include "actors/sys.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/random.h"

/* ---- One case at a time ------------------------------------------------------------ */

static struct cop__patience half_of(uint64_t end_ns)
{
        uint64_t now_ns = cop__clock_ns();
        uint64_t left_ns = now_ns < end_ns ? end_ns - now_ns : 0;
        return (struct cop__patience){ 0, now_ns + left_ns / 4, now_ns + left_ns / 2 };
}

/* COP_E_TIMEOUT: not ready. */
static cop_status try_case(struct cop__actor *actor, cop_case *one, uint64_t end_ns, const void *where,
                           cop_message **message)
{
        if (one->type == COP_CASE_IS_RECEIVE) {
                *message = cop_receive_any_of(0, &one->pattern, 1);
                return *message != NULL ? COP_OK : COP_E_TIMEOUT;
        }
        struct cop__patience patience = half_of(end_ns);
        cop_pid pid;
        cop_status status = cop__callee(actor, "select", cop_to_pid(one->pid), 0, &pid);
        if (status != COP_OK)
                return status;
        if (one->type == COP_CASE_IS_TAKE)
                return cop__channel_fetch(actor, pid, &patience, where, message);
        if (one->type == COP_CASE_IS_AWAIT)
                return cop__future_fetch(actor, pid, &patience, where, message);
        status = cop__channel_lets_in();
        return status == COP_OK ? cop__channel_put(actor, pid, &patience, one->kind, one->value, where) : status;
}

/* A channel or future that is nobody. */
static bool is_never(const cop_case *one)
{
        return one->type != COP_CASE_IS_RECEIVE && one->pid.bits == 0;
}

/* References never come twice, and mixed they are as good as random. */
static void shuffle(uint8_t *order, size_t count)
{
        struct cop__here *here = cop__here_of(cop__thread_here());
        uint64_t random = cop__ref_new(here).bits ^ here->node->started_ns;
        for (size_t i = count; i > 1; i--) {
                size_t other = cop__random_below(&random, (uint32_t)i);
                uint8_t kept = order[i - 1];
                order[i - 1] = order[other];
                order[other] = kept;
        }
}

/* Who waits besides can ask again. */
static uint64_t end_of_tries(uint64_t until_ns, bool waits)
{
        const uint64_t grace_ns = (uint64_t)COP__GRACE_MS * 1000000;
        uint64_t end_ns = cop__clock_ns() + 2 * (uint64_t)COP__TRY_MS * 1000000;
        return waits && until_ns < end_ns - grace_ns ? until_ns + grace_ns : end_ns;
}

static int try_all(struct cop__actor *actor, uint64_t end_ns, cop_case *cases, size_t count, const void *where)
{
        uint8_t order[COP_SELECT_MAX];
        for (size_t i = 0; i < count; i++)
                order[i] = (uint8_t)i;
        shuffle(order, count);
        for (size_t i = 0; i < count; i++) {
                cop_case *one = &cases[order[i]];
                cop_message *message = NULL;
                cop_status status = is_never(one) ? COP_E_TIMEOUT : try_case(actor, one, end_ns, where, &message);
                if (status == COP_E_TIMEOUT)
                        continue;
                one->status = status;
                one->message = message;
                return order[i];
        }
        return COP_SELECT_TIMEOUT;
}

/* ---- All at once ----------------------------------------------------------------------- */

static const cop_kind *request_of(const cop_case *one)
{
        if (one->type == COP_CASE_IS_TAKE)
                return COP_KIND_OF(cop__channel_take);
        return one->type == COP_CASE_IS_PUT ? COP_KIND_OF(cop__channel_offer)
                                            : COP_KIND_OF(cop__future_await);
}

/* Is there a case that puts for one that takes, or one that takes for one that puts? */
static bool is_met(const cop_case *cases, size_t count, const cop_case *one)
{
        uint32_t other = one->type == COP_CASE_IS_TAKE ? COP_CASE_IS_PUT : COP_CASE_IS_TAKE;
        for (size_t i = 0; i < count; i++)
                if (cases[i].type == other && cop_pid_equal(cases[i].pid, one->pid))
                        return true;
        return false;
}

static cop_status ask_case(struct cop__actor *actor, const cop_case *one, bool both, cop_ref ref)
{
        struct cop__pool_cache *pool = &cop__thread_here()->pool;
        struct cop__signal *request;
        const cop__channel_take take = { both };
        const cop__channel_offer offer = { both };
        const void *value = one->type == COP_CASE_IS_TAKE ? (const void *)&take : &offer; /* an await has no fields: any is one */
        cop_status status = one->type == COP_CASE_IS_PUT ? cop__signal_message(pool, request_of(one), value, &request)
                                                         : cop__signal_owed(pool, request_of(one), value, &request);
        if (status == COP_OK)
                cop__call_send(actor, one->pid, request, ref);
        return status;
}

static bool is_asked(const cop_case *one)
{
        return one->type != COP_CASE_IS_RECEIVE && one->pid.bits != 0;
}

/* The first case that cannot be asked for want of memory, or -1. */
static int ask_all(struct cop__actor *actor, cop_case *cases, size_t count, cop_ref ref)
{
        for (size_t i = 0; i < count; i++) {
                if (!is_asked(&cases[i]))
                        continue;
                cases[i].status = ask_case(actor, &cases[i], is_met(cases, count, &cases[i]), ref);
                if (cases[i].status != COP_OK)
                        return (int)i;
        }
        return -1;
}

/* Of several cases of one channel or future it need not be known which has been answered. */
static bool is_single(const cop_case *cases, size_t count, size_t which)
{
        for (size_t i = 0; i < count; i++)
                if (i != which && is_asked(&cases[i]) && cop_pid_equal(cases[i].pid, cases[which].pid))
                        return false;
        return true;
}

/* Each case by itself, but for the one that has been answered (-1: none): who looks for that looks through all of its line.
 * Without memory to tell one of them, its answer comes back to it in its own time. */
static void forget_all(struct cop__actor *actor, const cop_case *cases, size_t count, int answered, cop_ref ref)
{
        for (size_t i = 0; i < count; i++)
                if (is_asked(&cases[i]) && !((int)i == answered && is_single(cases, count, i)))
                        cop__give_up_asking(actor, cases[i].pid,
                                            (cop__give_up){ .ref = ref, .how = COP__GIVE_UP_GONE,
                                                            .takes = cases[i].type == COP_CASE_IS_TAKE });
}

/* An answer that has come, but that is not what the select ended with. */
static void drop_reply(struct cop__actor *actor)
{
        struct cop__signal *reply = cop__take_reply_of(actor);
        if (reply == NULL)
                return;
        cop__queue_release(&actor->queue, &actor->cursor, &reply->node);
        cop__refuse_signal(cop__thread_here(), cop__actor_pid(actor), reply, NULL);
}

/* A grant is for a put; else it is from the channel or the future alone that one knows whom it answers. */
static int case_of(const cop_case *cases, size_t count, const struct cop__signal *reply)
{
        bool grant = reply->kind == COP_KIND_OF(cop__channel_granted);
        bool item = reply->flags & COP__SIGNAL_RETURN && !grant;
        for (size_t i = 0; i < count; i++) {
                if (!is_asked(&cases[i]) || !cop_pid_equal(cases[i].pid, reply->from))
                        continue;
                if (grant ? cases[i].type == COP_CASE_IS_PUT
                          : !item || cases[i].type == COP_CASE_IS_TAKE)
                        return (int)i;
        }
        return -1;
}

/* A place that is kept for us needs no more than an answer. */
static struct cop__patience patience_to_put(uint64_t until_ns)
{
        const uint64_t grace_ns = (uint64_t)COP__GRACE_MS * 1000000;
        if (until_ns >= UINT64_MAX - grace_ns)
                return cop__patience_of(COP_FOREVER);
        return (struct cop__patience){ until_ns, until_ns + grace_ns / 2, until_ns + grace_ns };
}

static cop_status finish(struct cop__actor *actor, cop_case *one, uint64_t until_ns, const void *where,
                         cop_status status, struct cop__signal *reply)
{
        one->message = NULL;
        if (status == COP_E_DIED || status == COP_E_NO_ACTOR || status == COP_E_NO_REPLY)
                return one->type == COP_CASE_IS_AWAIT ? COP_E_NO_ACTOR : COP_E_CLOSED;
        if (status != COP_OK)
                return status;
        if (one->type == COP_CASE_IS_TAKE)
                return cop__channel_receive(actor, reply, &one->message);
        if (one->type == COP_CASE_IS_AWAIT)
                return cop__future_receive(actor, reply, &one->message);
        cop__signal_done(cop__thread_here(), actor, reply);
        struct cop__patience patience = patience_to_put(until_ns);
        return cop__channel_put(actor, one->pid, &patience, one->kind, one->value, where);
}

static int conclude(struct cop__actor *actor, cop_case *cases, size_t count, cop_ref ref, uint64_t until_ns,
                    const void *where)
{
        int which = case_of(cases, count, cop__reply_of(actor));
        if (which < 0) /* one of the cases is no channel or future, and has another answer for it */
                return COP_SELECT_BAD;
        struct cop__signal *reply = cop__take_reply_of(actor), *answer = NULL;
        cop_status status = cop__ask_close(actor, ref, reply, &answer);
        cases[which].status = finish(actor, &cases[which], until_ns, where, status, answer);
        return which;
}

static size_t patterns_of(const cop_case *cases, size_t count, cop_pattern *patterns)
{
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
                if (cases[i].type == COP_CASE_IS_RECEIVE)
                        patterns[found++] = cases[i].pattern;
        return found;
}

static int receive_case(struct cop__actor *actor, cop_case *cases, size_t count,
                        struct cop__signal *signal)
{
        if (COP__UNLIKELY(signal->flags & COP__SIGNAL_COUNTED))
                cop__limit_leave(cop__thread_here(), actor, signal);
        cop__hand_over(actor, signal);
        cop__recent_note(actor, signal->kind);
        cop__count_up(&actor->handled);
        if (COP__UNLIKELY(actor->aside & COP__ASIDE_OBSERVED) && cop__in_function(actor))
                cop__observe_signal(actor, "in", signal);
        for (size_t i = 0; i < count; i++) {
                if (cases[i].type != COP_CASE_IS_RECEIVE ||
                    !cop__pattern_fits((cop_message *)signal, &cases[i].pattern))
                        continue;
                cases[i].status = COP_OK;
                cases[i].message = (cop_message *)signal;
                return (int)i;
        }
        return COP_SELECT_BAD; /* a predicate that says yes and then no */
}

static int wait_all(struct cop__actor *actor, uint64_t until_ns, cop_case *cases, size_t count,
                    const void *where)
{
        cop_pattern patterns[COP_SELECT_MAX];
        size_t pattern_count = patterns_of(cases, count, patterns);
        cop_ref ref = cop__call_open(actor);
        struct cop__signal *signal = NULL;
        int which = ask_all(actor, cases, count, ref);
        COP__CUE("select.has_asked");
        if (which < 0)
                signal = cop__receive(actor, cop__ms_until(until_ns), patterns, pattern_count, where);
        if (signal != NULL)
                which = receive_case(actor, cases, count, signal);
        if (which < 0 && signal == NULL && cop__reply_of(actor) != NULL)
                which = conclude(actor, cases, count, ref, until_ns, where);
        drop_reply(actor);
        cop__await_nothing(actor);
        if (COP__UNLIKELY(actor->call_watched)) /* by some who have put their answers off */
                while (cop__demonitor(cop__thread_here(), actor, ref))
                        ;
        forget_all(actor, cases, count, which, ref);
        return which >= 0 || which == COP_SELECT_BAD ? which : COP_SELECT_TIMEOUT;
}

int cop_select_any_of(int64_t timeout_ms, cop_case *cases, size_t count)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_SELECT_BAD;
        if (timeout_ms < 0 || count > COP_SELECT_MAX || (cases == NULL && count > 0)) {
                cop__badarg("select", "a time-out is 0 or more milliseconds, and cases are at most 64");
                return COP_SELECT_BAD;
        }
        const void *where = __builtin_return_address(0);
        uint64_t until_ns = cop__deadline_ns(timeout_ms);
        int which = try_all(actor, end_of_tries(until_ns, timeout_ms > 0), cases, count, where);
        if (which != COP_SELECT_TIMEOUT || timeout_ms == 0 || cop__clock_is_past(until_ns))
                return which;
        COP__CUE("select.has_tried");
        return wait_all(actor, until_ns, cases, count, where);
}
