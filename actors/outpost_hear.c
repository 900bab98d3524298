/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What comes from an outpost's process. Nothing of it is believed: sizes and kinds have been
 * checked by crossing.c, and all that a process can bring about is what an actor may do. A packet
 * is out of the tray before it is acted on, for that may end the actor or let it wait.
 */
#define _GNU_SOURCE
#include "actors/outpost_hear.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/outpost_answer.h"
#include "actors/outpost_sys.h"
#include "actors/outpost_wait.h"
#include "actors/overload.h"
#include "actors/sys.h"
#include "base/clock.h"
#include "base/cue.h"
#include "mailbox/kind.h"

struct hearing {
        struct cop__actor *self;
        struct cop__crossing *crossing;
        const struct cop__crossing_packet *packet;
        const uint8_t *body;
};

static COP__NORETURN void exit_because(cop_term why)
{
        cop_exit(COP_TUPLE(cop_atom("os_process"), why));
}

void cop__crossing_done(struct cop__crossing *crossing)
{
        if (crossing->read == NULL)
                return;
        cop__flat_drop(crossing->kind, crossing->read);
        free(crossing->read);
        crossing->read = NULL;
}

/* What is in the packet, of that kind. It is the crossing's until cop__crossing_done, as what is done with it may end the actor. */
static void *read_value(const struct hearing *hearing, const cop_kind *kind)
{
        void *value;
        cop_status status = cop__packet_value(hearing->packet, hearing->body, kind, &value);
        if (status != COP_OK)
                exit_because(cop_atom(status == COP_E_NO_MEMORY ? "no_memory" : "malformed"));
        hearing->crossing->read = value;
        hearing->crossing->kind = kind;
        return value;
}

/* ---- Signals ------------------------------------------------------------------------- */

static void end_held(struct cop__crossing *crossing, struct cop__held *held)
{
        cop__table_remove(&crossing->held, &held->node);
        cop_message_free(held->request); /* unanswered and not deferred: the call fails */
        free(held);
}

static void end_failed(struct cop__crossing *crossing, struct cop__held *held, enum cop__failure why)
{
        cop__table_remove(&crossing->held, &held->node);
        cop__message_fail(held->request, why);
        free(held);
}

struct cop__held *cop__held_of(const struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&crossing->held, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__held, node) : NULL;
}

/* Code is named by its address; see crossing_kinds.c. */
static bool is_allowed(const struct hearing *hearing, const cop_kind *kind)
{
        cop_pid to = { hearing->packet->pid };
        if (COP__LIKELY(!cop__kind_bears_address(kind)) ||
            cop__outpost_is_at(hearing->crossing->node, to))
                return true;
        cop_log(COP_LOG_WARNING, "%s from a process is not for an actor of the node: dropped",
                kind->name);
        return false;
}

/* How a value becomes a message of the node's. */
struct weight {
        uint16_t flags; /* of the packet's those that such a signal may bear */
        size_t extra;   /* so much room behind it; it has none of its own after that */
        bool is_owed;   /* it is no new work: the node takes it also while it is over (overload.h) */
};

static cop_status new_message(const cop_kind *kind, const void *value, const struct weight *weight, struct cop__signal **signal)
{
        struct cop__thread *thread = cop__thread_here();
        if (weight->is_owed)
                return cop__signal_owed(&thread->pool, kind, value, signal);
        cop_status status = weight->extra > 0
                                    ? cop__signal_message_led(&thread->pool, kind, value, weight->extra, signal)
                                    : cop__signal_message(&thread->pool, kind, value, signal);
        if (status == COP_E_OVERLOAD)
                cop__overload_look(thread);
        return status;
}

/*
 * A value as a message of the node's. Of the packet's flags those are kept that it may bear: others would say of it what is not
 * so, as that its receiver has consented to be overtaken. Errors: COP_E_ISOLATED, it is not allowed; COP_E_OVERLOAD.
 */
static cop_status read_message(const struct hearing *hearing, struct weight weight, struct cop__signal **signal)
{
        const cop_kind *kind;
        void *value;
        cop_status status = cop__kind_decode(hearing->crossing->node->crossing_kinds,
                                             hearing->body, hearing->packet->size, &kind, &value);
        if (status != COP_OK)
                exit_because(cop_atom(status == COP_E_NO_MEMORY ? "no_memory" : "malformed"));
        status = is_allowed(hearing, kind) ? new_message(kind, value, &weight, signal) : COP_E_ISOLATED;
        cop__flat_drop(kind, value);
        free(value);
        if (status != COP_OK && status != COP_E_ISOLATED && status != COP_E_OVERLOAD)
                exit_because(cop_atom("no_memory"));
        if (status != COP_OK)
                return status;
        (*signal)->flags |= hearing->packet->flags & weight.flags;
        (*signal)->from = cop__actor_pid(hearing->self);
        return COP_OK;
}

/* The process is past its send: what the node takes no more of is a dead letter. */
static void lose(cop_status status)
{
        if (status == COP_E_OVERLOAD)
                cop__count_up(&cop__here_of(cop__thread_here())->dead_letters);
}

/* What is no message costs what it does in the node: whoever gets many answers, or exit signals, that it does not read slows the process. */
static void pay_for(const struct hearing *hearing, cop_pid to)
{
        cop__pay_for(hearing->self, to, __builtin_return_address(0));
}

/* A mailbox that takes no more said so: likewise. */
static void send_message(const struct hearing *hearing)
{
        struct cop__signal *signal;
        cop_status status = read_message(hearing, (struct weight){ 0 }, &signal);
        if (status != COP_OK)
                lose(status);
        else
                cop__send_on(cop__thread_here(), hearing->self, (cop_pid){ hearing->packet->pid }, signal);
}

/*
 * An answer that it has not received and that must not be lost: back to where it came from. There it is told by its flags from what is
 * new, and looked for among what has been given (channel.c).
 */
static void send_back(const struct hearing *hearing)
{
        struct cop__signal *signal;
        const struct weight weight = { .flags = COP__SIGNAL_ANSWERED | COP__SIGNAL_RETURN, .is_owed = true };
        if (read_message(hearing, weight, &signal) != COP_OK)
                return;
        signal->ref.bits = hearing->packet->ref;
        cop__send_signal(cop__thread_here(), (cop_pid){ hearing->packet->pid }, signal);
}

static void fail(const struct hearing *hearing, uint64_t why)
{
        struct cop__crossing_packet failed = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_FAILED,
                                      .pid = hearing->packet->pid, .ref = hearing->packet->ref,
                                      .more = why };
        COP__CUE("outpost_hear.fails");
        if (cop__tray_put(&hearing->crossing->out, failed, NULL, NULL) != COP_OK)
                exit_because(cop_atom("no_memory")); /* it would wait for ever */
}

static void send_request(const struct hearing *hearing)
{
        bool timed = hearing->packet->flags & COP__SIGNAL_TIMED;
        if (!cop__outpost_may_ask(hearing->crossing, hearing->packet))
                exit_because(cop_atom("malformed"));
        struct cop__signal *signal;
        cop_status status = read_message(hearing, (struct weight){ .extra = timed ? sizeof(uint64_t) : 0 }, &signal);
        cop_pid to = { hearing->packet->pid };
        if (status != COP_OK)
                fail(hearing, status == COP_E_OVERLOAD ? COP__FAILED_NO_MEMORY : COP__FAILED_ISOLATED);
        else if (cop__limit_knock(cop__thread_here(), to, signal) != COP_OK)
                fail(hearing, COP__FAILED_FULL);
        else
                cop__outpost_request(hearing->self, hearing->crossing, hearing->packet, signal);
}

/* An alias knows whether it may be overtaken; what goes to whom it holds no request of would be awaited for ever. */
static struct weight weight_of_reply(const struct hearing *hearing, const struct cop__held *held)
{
        if (hearing->packet->flags & COP__SIGNAL_THROUGH)
                return (struct weight){ .flags = COP__SIGNAL_THROUGH | COP__SIGNAL_PRIORITY };
        return (struct weight){ .flags = COP__SIGNAL_RETURN, .is_owed = held == NULL };
}

/*
 * To whom it holds a request of, or, if that was deferred, to whoever has been named; and through
 * aliases. Never under no reference, which would be for whatever call that one is in (take.h); and
 * what sys has asked has an answer of its own, which is judged. One that the node takes no more of is none: the call fails.
 */
static void send_reply(const struct hearing *hearing)
{
        cop_ref ref = { hearing->packet->ref };
        if (ref.bits == 0 || cop__outpost_sys_waits(hearing->crossing, ref))
                exit_because(cop_atom("malformed"));
        struct cop__signal *signal;
        struct cop__held *held = cop__held_of(hearing->crossing, ref);
        cop_pid to = { hearing->packet->pid };
        cop_status status = read_message(hearing, weight_of_reply(hearing, held), &signal);
        if (status == COP_E_ISOLATED)
                return;
        bool is_held = held != NULL && cop_pid_equal(cop_message_from(held->request), to);
        if (is_held && status == COP_OK)
                ((struct cop__signal *)held->request)->flags |= COP__SIGNAL_ANSWERED;
        if (is_held)
                end_held(hearing->crossing, held);
        if (status != COP_OK && !is_held)
                lose(status);
        if (status != COP_OK)
                return;
        signal->type = COP__SIGNAL_REPLY;
        signal->ref = ref;
        cop__count_up(&cop__here_of(cop__thread_here())->sent);
        cop__send_signal(cop__thread_here(), to, signal);
        if (!is_held || cop__pid_node(to) != 0) /* else whoever gets it has waited for it */
                pay_for(hearing, to);
}

/* Is nobody waiting for it any more, as far as can be seen from here? */
static bool is_over(const struct cop__held *held)
{
        uint64_t deadline_ns = cop__outpost_patience((const struct cop__signal *)held->request);
        return deadline_ns != UINT64_MAX && cop__clock_is_past(deadline_ns);
}

/* When its turn came nobody waited for it: it ends as it does in the node. */
static void expire(const struct hearing *hearing, struct cop__held *held)
{
        cop__table_remove(&hearing->crossing->held, &held->node);
        cop__message_expire(hearing->self, held->request);
        free(held);
}

/* It has handled the request, and nobody has answered it; or it has dropped it. */
static void fail_request(const struct hearing *hearing)
{
        cop_ref ref = { hearing->packet->ref };
        struct cop__held *held = cop__held_of(hearing->crossing, ref);
        if (held == NULL)
                cop__outpost_sys_fail(hearing->self, hearing->crossing, ref);
        else if (hearing->packet->more == COP__FAILED_NO_HANDLER || hearing->packet->more == COP__FAILED_NO_MEMORY)
                end_failed(hearing->crossing, held, (enum cop__failure)hearing->packet->more);
        else if (hearing->packet->more == COP__FAILED_EXPIRED && is_over(held))
                expire(hearing, held);
        else
                end_held(hearing->crossing, held);
}

/* The process has been told that it is on its way. */
static void send_exit(const struct hearing *hearing)
{
        void *value = read_value(hearing, COP_KIND_OF(cop_any));
        cop_status status = cop__send_exit((cop_pid){ hearing->packet->pid }, (cop_ref){ hearing->packet->ref },
                                           ((const cop_any *)value)->term);
        cop__crossing_done(hearing->crossing);
        if (status == COP_E_NO_MEMORY)
                exit_because(cop_atom("no_memory"));
        pay_for(hearing, (cop_pid){ hearing->packet->pid });
}

static void hear_signal(const struct hearing *hearing)
{
        switch (hearing->packet->signal) {
        case COP__SIGNAL_MESSAGE:
                if (hearing->packet->ref != 0 && hearing->packet->flags & COP__SIGNAL_ANSWERED)
                        send_back(hearing);
                else if (hearing->packet->ref != 0)
                        send_request(hearing);
                else
                        send_message(hearing);
                return;
        case COP__SIGNAL_REPLY:
                send_reply(hearing);
                return;
        case COP__SIGNAL_FAILED:
                fail_request(hearing);
                return;
        case COP__SIGNAL_EXIT:
                send_exit(hearing);
                return;
        default:
                exit_because(cop_atom("malformed"));
        }
}

/* From here on whoever answers does so to the caller itself, who watches this actor meanwhile. */
static void defer(const struct hearing *hearing)
{
        struct cop__held *held = cop__held_of(hearing->crossing, (cop_ref){ hearing->packet->ref });
        if (held == NULL)
                return;
        cop_caller caller = cop_caller_of(held->request);
        if (caller.pid.bits != 0) /* else without memory: it is answered like the others */
                end_held(hearing->crossing, held);
}

/* ---- Questions ------------------------------------------------------------------------- */

/* An honest process has read the answer to its last question. */
static bool asks_on(const struct cop__crossing *crossing)
{
        return crossing->told > 0 && cop__tray_waiting(&crossing->out) > COP__CROSSING_UNREAD;
}

/* A name or a key that is no UTF-8 cannot be told: then that is the answer. */
static cop_status put_told(struct cop__crossing *crossing, cop__told told)
{
        const struct cop__crossing_packet packet = { .type = COP__PACKET_ANSWER };
        cop_status status = cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop__told), &told);
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                return status;
        told.status = (uint32_t)status;
        told.term = cop_nil();
        return cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop__told), &told);
}

static void hear_question(const struct hearing *hearing)
{
        if (asks_on(hearing->crossing))
                exit_because(cop_atom("malformed"));
        struct cop__verdict answer = { .told = { .status = COP_OK, .term = cop_nil() } };
        void *value = read_value(hearing, COP_KIND_OF(cop__query));
        bool known = cop__outpost_answer(value, &answer);
        cop__crossing_done(hearing->crossing);
        if (!known)
                exit_because(cop_atom("malformed"));
        cop_status status = put_told(hearing->crossing, answer.told);
        if (answer.owned)
                cop_term_free(answer.told.term);
        if (status != COP_OK)
                exit_because(cop_atom("no_memory"));
        hearing->crossing->told = cop__tray_waiting(&hearing->crossing->out);
}

/* What sys has asked of it. */
static void hear_sys(const struct hearing *hearing)
{
        void *value = read_value(hearing, COP_KIND_OF(cop__sys_answer));
        bool fits = cop__outpost_sys_hear(hearing->self, hearing->crossing,
                                          (cop_ref){ hearing->packet->ref }, value);
        cop__crossing_done(hearing->crossing);
        if (!fits)
                exit_because(cop_atom("malformed"));
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static void hear_started(const struct hearing *hearing)
{
        if (hearing->crossing->started)
                return;
        void *value = read_value(hearing, COP_KIND_OF(cop_any));
        cop_term extra = ((const cop_any *)value)->term;
        cop_status status = extra.type != COP_TERM_NIL ? cop_start_extra(extra) : COP_OK;
        cop__crossing_done(hearing->crossing);
        if (status != COP_OK)
                exit_because(cop_atom("no_memory"));
        hearing->crossing->started = true;
        COP__CUE("outpost_hear.has_started");
}

void cop__crossing_bury(struct cop__crossing *crossing)
{
        if (crossing->obituary == NULL)
                return;
        cop__flat_drop(COP_KIND_OF(cop__obituary), crossing->obituary);
        free(crossing->obituary);
        crossing->obituary = NULL;
}

/* By its own doing: with its reason, and what it had not read is counted as it would be here. */
static void hear_end(const struct hearing *hearing)
{
        struct cop__crossing *crossing = hearing->crossing;
        void *value = read_value(hearing, COP_KIND_OF(cop__obituary));
        cop__crossing_bury(crossing);
        crossing->obituary = value;
        crossing->read = NULL;
        cop__count_by(&cop__here_of(cop__thread_here())->dead_letters, crossing->obituary->unread);
        if (crossing->obituary->ignored && !crossing->started)
                cop_ignore();
        cop_exit(crossing->obituary->reason);
}

static void hear_log(const struct hearing *hearing)
{
        void *value = read_value(hearing, COP_KIND_OF(cop__log_line));
        const cop__log_line *line = value;
        cop_log_level level = line->level <= COP_LOG_DEBUG ? (cop_log_level)line->level
                                                           : COP_LOG_DEBUG;
        cop__log_to(hearing->crossing->node, level, line->text.data);
        cop__crossing_done(hearing->crossing);
}

/* {signal, 'SIGKILL'} or {exit_status, 3}. */
static cop_term cause_of(const struct cop__birth *birth, cop_term items[2], char name[16])
{
        const char *signal = sigabbrev_np(birth->status);
        if (birth->code == CLD_EXITED) {
                items[0] = cop_atom("exit_status");
                items[1] = cop_int(birth->status);
                return cop_tuple_of(items, 2);
        }
        strcpy(name, "SIG");
        strncat(name, signal != NULL ? signal : "?", 12);
        items[0] = cop_atom("signal");
        items[1] = cop_atom(name);
        return cop_tuple_of(items, 2);
}

static COP__NORETURN void exit_as(const struct cop__birth *birth)
{
        cop_term items[2];
        char name[16];
        switch (birth->state) {
        case COP__BIRTH_ENDED:
                exit_because(cause_of(birth, items, name));
        case COP__BIRTH_FAILED:
                exit_because(COP_TUPLE(cop_atom("no_start"), cop_string(strerror(birth->error))));
        case COP__BIRTH_LOST:
                exit_because(cop_atom("lost"));
        default:
                exit_because(cop_atom("disconnected"));
        }
}

/*
 * The socket is at its end, and soon somebody tells why. If nobody does, the process still runs,
 * without a socket.
 */
static COP__NORETURN void hear_silence(struct cop__crossing *crossing)
{
        uint64_t deadline_ns = cop__deadline_ns(COP__CROSSING_END_MS);
        struct cop__birth now;
        crossing->hung_up = true;
        shutdown(crossing->socket, SHUT_RDWR); /* where it only could not be read from, the process hears of that, too */
        cop__outpost_wait_end(cop__actor_here());
        for (;;) {
                cop__zygote_look(crossing->node, &crossing->birth, &now);
                uint64_t now_ns = cop__clock_ns();
                if (now.state > COP__BIRTH_DONE || now_ns >= deadline_ns)
                        exit_as(&now);
                int64_t left_ms = (int64_t)((deadline_ns - now_ns) / COP__NS_PER_MS) + 1;
                cop_message_free(cop_receive(left_ms, COP_KIND(cop__ready)));
        }
}

/* ---- Hearing ----------------------------------------------------------------------------- */

static void hear_packet(const struct hearing *hearing)
{
        switch (hearing->packet->type) {
        case COP__PACKET_SIGNAL:
                hear_signal(hearing);
                return;
        case COP__PACKET_ASK:
                hear_question(hearing);
                return;
        case COP__PACKET_DEFER:
                defer(hearing);
                return;
        case COP__PACKET_UNWATCH:
                cop__demonitor(cop__thread_here(), hearing->self,
                               (cop_ref){ hearing->packet->ref });
                return;
        case COP__PACKET_WAITS:
                cop__outpost_waits(hearing->self, hearing->crossing,
                                   (cop_ref){ hearing->packet->ref });
                return;
        case COP__PACKET_OVER:
                cop__outpost_over(hearing->self, (cop_ref){ hearing->packet->ref });
                return;
        case COP__PACKET_STARTED:
                hear_started(hearing);
                return;
        case COP__PACKET_ENDED:
                hear_end(hearing);
                return;
        case COP__PACKET_LOG:
                hear_log(hearing);
                return;
        case COP__PACKET_SYS_ANSWER:
                hear_sys(hearing);
                return;
        default:
                exit_because(cop_atom("malformed"));
        }
}

static void hear_packets(struct cop__actor *self, struct cop__crossing *crossing)
{
        struct cop__crossing_packet packet;
        struct hearing hearing = { self, crossing, &packet, NULL };
        cop_status status;
        status = COP_OK;
        while (!cop__crossing_is_paused(crossing) && cop__tray_take(&crossing->in, &packet, &hearing.body, &status))
                hear_packet(&hearing);
        if (status != COP_OK)
                exit_because(cop_atom("malformed"));
}

/* A process that was never born has no end that could be read, and of one that has ended somebody else may hold the socket. */
static bool has_ended(struct cop__crossing *crossing)
{
        struct cop__birth now;
        cop__zygote_look(crossing->node, &crossing->birth, &now);
        return now.state > COP__BIRTH_DONE;
}

void cop__outpost_hear(struct cop__actor *self, struct cop__crossing *crossing)
{
        size_t heard = 0;
        long got;
        hear_packets(self, crossing); /* that waited */
        do {
                if (cop__crossing_is_paused(crossing)) {
                        COP__CUE("outpost_hear.is_paused");
                        cop__crossing_flush(crossing, cop__actor_pid(self));
                        return;
                }
                got = cop__tray_fill(&crossing->in, crossing->socket, COP__CROSSING_SLICE);
                if (got > 0)
                        hear_packets(self, crossing);
                heard += got > 0 ? (size_t)got : 0;
        } while (got >= COP__TRAY_FILL && heard < COP__CROSSING_SLICE);
        if (got == -2)
                exit_because(cop_atom("no_memory"));
        if (got == -1 || (crossing->over && got < COP__TRAY_FILL))
                hear_silence(crossing);
        if (got == 0 && has_ended(crossing)) {
                crossing->over = true;
                cop__outpost_hear(self, crossing); /* what it wrote before its end */
                return;
        }
        cop__outpost_look_again(self, crossing);
        cop__crossing_flush(crossing, cop__actor_pid(self));
        /* There may be more, which is no news to the epoll; without memory to say so it is made some. */
        if (got >= COP__TRAY_FILL)
                COP__CUE("outpost.more");
        if (got >= COP__TRAY_FILL && !cop__outpost_rouse(cop__thread_here(), cop__actor_pid(self)))
                cop__poll_change(&crossing->node->scheduler.poll, crossing->socket, EPOLLIN | EPOLLRDHUP | EPOLLOUT,
                                 cop__actor_pid(self).bits);
}
