/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The outpost: its life, and what it hands on to its process. What comes from there is in
 * outpost_hear.c. See outpost.h.
 */
#define _GNU_SOURCE
#include "actors/outpost.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/outpost_hear.h"
#include "actors/outpost_sys.h"
#include "actors/outpost_wait.h"
#include "actors/report.h"
#include "base/clock.h"
#include "mailbox/kind.h"

COP__KIND_DEFINE(cop__ready, unused);

/*
 * What a failure of a call is, as long as it is in an outpost's mailbox: there all must have a
 * kind.
 */
typedef struct cop__call_failed {
        uint32_t unused;
} cop__call_failed;
COP__KIND_DECLARE(cop__call_failed);
COP__KIND_DEFINE(cop__call_failed, unused);

/* ---- To be told -------------------------------------------------------------------- */

/* Not as new work, of which none is let in when memory is short: what is ready is told once. */
bool cop__outpost_rouse(struct cop__thread *thread, cop_pid pid)
{
        struct cop_node *node = cop__node_of(thread);
        struct cop__actor *actor = cop__slot_of(node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid))
                return true; /* its socket is about to be closed */
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_REPLY, sizeof(cop__ready));
        if (signal == NULL)
                return false;
        *(cop__ready *)cop__signal_body(signal) = (cop__ready){ 0 };
        signal->type = COP__SIGNAL_MESSAGE;
        cop__signal_set_kind(signal, COP_KIND_OF(cop__ready));
        signal->from = pid;
        cop__push_signal(thread, actor, cop__pid_generation(pid), signal);
        return true;
}

/* ---- Writing ------------------------------------------------------------------------ */

static const uint32_t reading = EPOLLIN | EPOLLRDHUP;

/*
 * Edge-triggered, so asked for only when the socket is full: else each packet that the process
 * reads would be news.
 */
static void want_writable(struct cop__crossing *crossing, cop_pid self, bool wanted)
{
        if (crossing->writable_wanted == wanted)
                return;
        crossing->writable_wanted = wanted;
        cop__poll_change(&crossing->node->scheduler.poll, crossing->socket,
                         wanted ? reading | EPOLLOUT : reading, self.bits);
}

void cop__crossing_flush(struct cop__crossing *crossing, cop_pid self)
{
        if (crossing->socket < 0 || crossing->hung_up)
                return;
        size_t before = cop__tray_waiting(&crossing->out);
        if (!cop__tray_flush(&crossing->out, crossing->socket)) {
                shutdown(crossing->socket, SHUT_RDWR); /* it may live, and would wait for what cannot be sent */
                crossing->out.start = crossing->out.end = 0; /* its end is read, too */
        }
        size_t written = before - cop__tray_waiting(&crossing->out);
        crossing->told -= written < crossing->told ? written : crossing->told;
        want_writable(crossing, self, cop__tray_waiting(&crossing->out) > 0);
}

/* No message to itself: of that the mailbox' own rules could make another, or none. */
static bool tell_myself(struct cop__crossing *crossing, cop_pid self)
{
        if (!crossing->flush_due)
                crossing->flush_due = cop__outpost_rouse(cop__thread_here(), self);
        return crossing->flush_due;
}

/*
 * With more messages behind this one, they cross together: the outpost tells itself to see to it
 * when it has been through.
 */
static void flush_soon(struct cop__actor *self, struct cop__crossing *crossing)
{
        cop_pid pid = cop__actor_pid(self);
        bool last = self->mailbox.first == NULL &&
                    cop__queue_is_drained(&self->queue, &self->cursor);
        bool many = cop__tray_waiting(&crossing->out) > COP__CROSSING_WAITING / 2;
        if (last || many || !tell_myself(crossing, pid))
                cop__crossing_flush(crossing, pid);
}

/*
 * Until the process has read most of what waits for it. Requests and answers of its own are heard meanwhile: it may read only
 * once it has been read from. So where it is not heard, this does not wait either, and init goes on to its end.
 */
static void wait_for_room(struct cop__actor *self, struct cop__crossing *crossing)
{
        while (cop__tray_waiting(&crossing->out) > COP__CROSSING_WAITING && !crossing->hung_up &&
               !cop__crossing_is_paused(crossing)) {
                cop__crossing_flush(crossing, cop__actor_pid(self));
                if (cop__tray_waiting(&crossing->out) <= COP__CROSSING_WAITING)
                        return;
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop__ready)));
                crossing->flush_due = false;
                cop__outpost_hear(self, crossing);
        }
}

/* ---- Handing on ------------------------------------------------------------------------ */

/* Stays here until it is answered or its sender gives up. Without memory the call fails now. */
static bool hold(struct cop__actor *self, struct cop__crossing *crossing,
                 struct cop__signal *signal)
{
        struct cop__held *held = malloc(sizeof(*held));
        if (held == NULL)
                return false;
        if (!(signal->flags & COP__SIGNAL_TAKEN)) {
                cop__message_keep(self);
                self->current = NULL; /* its end is not the handler's: it may be answered before that returns */
        }
        held->node.key = signal->ref.bits;
        held->request = (cop_message *)signal;
        cop__table_insert(&crossing->held, &held->node);
        return true;
}

static void drop_failure(struct cop__signal *signal)
{
        struct cop__failed *failed = cop__signal_body(signal);
        cop__shared_term_drop(failed->reason);
        failed->reason = NULL;
}

/* A failure of a call that the process has made: no message, but as one. */
static cop_status put_failure(struct cop__crossing *crossing, struct cop__crossing_packet packet,
                              struct cop__signal *signal)
{
        struct cop__failed *failed = cop__signal_body(signal);
        packet.more = failed->failure;
        if (failed->reason == NULL)
                return cop__tray_put(&crossing->out, packet, NULL, NULL);
        cop_status status = cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop_any),
                                          &(cop_any){ failed->reason->term });
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                return status;
        return cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop_any), &(cop_any){ cop_atom("does_not_cross") });
}

static struct cop__crossing_packet packet_of(const struct cop__signal *signal)
{
        return (struct cop__crossing_packet){
                .type = COP__PACKET_SIGNAL,
                .signal = signal->type,
                .flags = signal->flags & COP__CROSSING_FLAGS,
                .pid = signal->from.bits,
                .ref = signal->ref.bits,
        };
}

static cop_status put_signal(struct cop__crossing *crossing, struct cop__signal *signal)
{
        struct cop__crossing_packet packet = packet_of(signal);
        if (signal->type == COP__SIGNAL_FAILED)
                return put_failure(crossing, packet, signal);
        if (!cop__kind_crosses(crossing->node->crossing_kinds, signal->kind))
                return COP_E_NO_KIND; /* between the library's own actors */
        if (signal->flags & COP__SIGNAL_CALL) {
                packet.flags |= COP__SIGNAL_CALL;
                packet.more = cop__outpost_patience(signal);
        }
        return cop__tray_put(&crossing->out, packet, signal->kind, cop__signal_body(signal));
}

static void complain(struct cop__actor *self, const struct cop__signal *signal, cop_status status)
{
        char pid[COP_ID_TEXT_MAX];
        cop_log(COP_LOG_WARNING, "%s cannot cross into the process of %s: %s: dropped",
                signal->kind != NULL ? signal->kind->name : "a failure",
                cop_pid_print(cop__actor_pid(self), pid), cop_status_text(status));
}

static COP__NORETURN void exit_without_memory(void)
{
        cop_exit(COP_TUPLE(cop_atom("os_process"), cop_atom("no_memory")));
}

static bool is_news_of_an_end(const struct cop__signal *signal)
{
        return signal->kind != NULL && (cop__kind_same(signal->kind, COP_KIND_OF(cop_down)) ||
                                        cop__kind_same(signal->kind, COP_KIND_OF(cop_exited)));
}

/* The news of an end whose reason, with an atom that is no UTF-8, cannot be told. The tag has come from the process. */
static cop_status put_end(struct cop__crossing *crossing, const struct cop__signal *signal)
{
        const struct cop__crossing_packet packet = packet_of(signal);
        const cop_term why = cop_atom("does_not_cross");
        if (cop__kind_same(signal->kind, COP_KIND_OF(cop_exited))) {
                cop_exited exited = *(const cop_exited *)cop__signal_body(signal);
                exited.reason = why;
                return cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop_exited), &exited);
        }
        cop_down down = *(const cop_down *)cop__signal_body(signal);
        down.reason = why;
        return cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop_down), &down);
}

/*
 * It is dropped. Who waits in the process for such an answer hears that it does not come: nobody else would say so. But the news of
 * an end may not be lost: they cross with another reason, and if there is no memory for that the process ends.
 */
static cop_status refuse(struct cop__actor *self, struct cop__crossing *crossing, const struct cop__signal *signal,
                         cop_status status)
{
        const struct cop__crossing_packet failed = {
                .type = COP__PACKET_SIGNAL,
                .signal = COP__SIGNAL_FAILED,
                .pid = signal->from.bits,
                .ref = signal->ref.bits,
                .more = status == COP_E_NO_MEMORY ? COP__FAILED_NO_MEMORY : COP__FAILED_ISOLATED,
        };
        if (status != COP_E_NO_MEMORY && is_news_of_an_end(signal))
                status = put_end(crossing, signal);
        if (status == COP_OK || (status == COP_E_NO_MEMORY && is_news_of_an_end(signal)))
                return status;
        complain(self, signal, status);
        return signal->type != COP__SIGNAL_MESSAGE ? cop__tray_put(&crossing->out, failed, NULL, NULL) : COP_OK;
}

/*
 * Nothing may end the actor before an answer, or the failure of a call, has crossed: at its death it would be taken for a
 * request. True: the message is kept; else it is the caller's to end.
 */
static bool hand_on(struct cop__actor *self, struct cop__crossing *crossing,
                    struct cop__signal *signal)
{
        bool kept = false;
        cop_status status = put_signal(crossing, signal);
        if (status != COP_OK)
                status = refuse(self, crossing, signal, status);
        else if (signal->type == COP__SIGNAL_MESSAGE && signal->ref.bits != 0 &&
                 !(signal->flags & COP__SIGNAL_ANSWERED))
                kept = hold(self, crossing, signal);
        if (signal->type == COP__SIGNAL_FAILED)
                drop_failure(signal);
        if (signal->type != COP__SIGNAL_MESSAGE)
                signal->ref.bits = 0; /* an answer, that wants none */
        if (status != COP_OK)
                exit_without_memory();
        cop__outpost_look_again(self, crossing); /* a full mailbox may have refused what says when */
        flush_soon(self, crossing);
        wait_for_room(self, crossing);
        return kept;
}

/* ---- The server that it is -------------------------------------------------------------- */

struct outpost {
        struct cop__crossing *crossing;
};

static void otherwise(void *state, cop_message *message)
{
        struct outpost *outpost = state;
        struct cop__actor *self = cop__actor_here();
        hand_on(self, outpost->crossing, (struct cop__signal *)message);
}

static void on_ready(void *state, const void *body)
{
        struct outpost *outpost = state;
        struct cop__actor *self = cop__actor_here();
        (void)body;
        outpost->crossing->flush_due = false;
        cop__outpost_hear(self, outpost->crossing);
}

/* Its init is over: what the process has said since is heard now. */
static void on_begun(void *state, const void *body)
{
        struct outpost *outpost = state;
        (void)body;
        outpost->crossing->begun = true;
        cop__outpost_hear(cop__actor_here(), outpost->crossing);
}

static void end_crossing(struct cop__belonging *belonging)
{
        struct cop__crossing *crossing = COP__CONTAINER(belonging, struct cop__crossing, belonging);
        struct cop__table_walk walk;
        struct cop__table_node *node;
        if (crossing->socket >= 0) {
                cop__zygote_forget(crossing->node, &crossing->birth);
                cop__poll_remove(&crossing->node->scheduler.poll, crossing->socket);
                close(crossing->socket);
        }
        cop__table_walk_init(&walk, &crossing->held);
        while ((node = cop__table_walk_next(&walk)) != NULL) /* the messages have been refused */
                free(COP__CONTAINER(node, struct cop__held, node));
        cop__table_fini(&crossing->held);
        cop__outpost_wait_fini(crossing);
        cop__tray_free(&crossing->in);
        cop__tray_free(&crossing->out);
        cop__crossing_bury(crossing);
        cop__crossing_done(crossing);
        free(crossing);
}

static COP__NORETURN void fail_to_start(const char *why)
{
        cop_exit(COP_TUPLE(cop_atom("os_process"),
                           COP_TUPLE(cop_atom("no_start"), cop_string(why))));
}

static struct cop__crossing *new_crossing(struct cop__actor *self)
{
        struct cop__crossing *crossing = calloc(1, sizeof(*crossing));
        if (crossing == NULL)
                fail_to_start("no memory");
        crossing->node = cop__node_of(cop__thread_here());
        crossing->socket = crossing->birth.socket = -1;
        crossing->birth.pid = cop__actor_pid(self);
        crossing->belonging.end = end_crossing;
        if (!cop__own(self, &crossing->belonging)) {
                free(crossing);
                fail_to_start("no memory");
        }
        return crossing;
}

/*
 * Its references come from blocks that the node will never hand out: from the middle on, a
 * thousand thousand for each.
 */
static uint64_t own_refs(cop_pid self)
{
        const uint64_t middle = UINT64_C(1) << 43;
        return middle + cop__pid_slot(self) * (256 * COP__INSIDE_REF_BLOCKS) +
               (cop__pid_generation(self) & 0xff) * COP__INSIDE_REF_BLOCKS;
}

/* Asks for the process, and puts what it begins with first in the tray. */
static void found(struct cop__actor *self, struct cop__crossing *crossing, const cop__order *given)
{
        cop_pid pid = cop__actor_pid(self);
        cop__order order = *given;
        order.refs = own_refs(pid);
        struct cop__crossing_packet packet = { .type = COP__PACKET_BEGIN, .pid = pid.bits,
                                      .more = self->parent.bits };
        cop_status status = cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop__order), &order);
        if (status != COP_OK)
                fail_to_start(status == COP_E_NO_MEMORY ? "no memory" : cop_status_text(status));
        const char *server = order.server != 0 ? order.server_name.data : NULL;
        status = cop__zygote_ask(crossing->node, &crossing->birth, server);
        crossing->socket = crossing->birth.socket;
        if (status == COP_OK)
                status = cop__poll_add(&crossing->node->scheduler.poll, crossing->socket, reading,
                                       pid.bits);
        if (status == COP_E_LIMIT)
                fail_to_start("the node has all the processes that it may have (max_processes)");
        if (status != COP_OK)
                fail_to_start(crossing->birth.error != 0 ? strerror(crossing->birth.error) : cop_status_text(status));
        cop__crossing_flush(crossing, pid);
}

/*
 * What the process tells and what the zygote tells of it come on two sockets, and the first one
 * may be quicker.
 */
static bool is_born(struct cop__crossing *crossing)
{
        struct cop__birth now;
        cop__zygote_look(crossing->node, &crossing->birth, &now);
        return now.state != COP__BIRTH_ASKED;
}

/*
 * Until the process has told that its init is over, whatever it and others say meanwhile is
 * handed on. What it says behind that waits for the end of this one: its end may be among it, and is no failed start.
 */
static void init(void *state, const void *argument)
{
        struct outpost *outpost = state;
        struct cop__actor *self = cop__actor_here();
        struct cop__crossing *crossing = outpost->crossing = new_crossing(self);
        found(self, crossing, argument);
        while (!crossing->started || !is_born(crossing)) {
                /* After the start nothing waits for room, so nothing more is taken up. */
                const cop_pattern pattern = crossing->started ? COP_KIND(cop__ready) : COP_ANY;
                cop_message *message = cop__receive_unpaid(self, &pattern);
                if (cop_message_as(message, COP_KIND_OF(cop__ready)) != NULL) {
                        cop_message_free(message);
                        crossing->flush_due = false;
                        cop__outpost_hear(self, crossing);
                } else if (!hand_on(self, crossing, (struct cop__signal *)message)) {
                        cop_message_free(message);
                }
                cop__spend(self, 1, __builtin_return_address(0));
        }
        cop_continue();
}

static const cop_handler handlers[] = {
        { .event = COP_EVENT_MESSAGE, .kind = COP_KIND_OF(cop__ready), .run.message = on_ready },
        { .event = COP_EVENT_CONTINUE, .kind = NULL, .run.message = on_begun },
        { .event = COP_EVENT_OTHERWISE, .kind = NULL, .run.otherwise = otherwise },
        { .event = COP_EVENT_INIT, .kind = COP_KIND_OF(cop__order), .run.init = init },
};

const cop_behaviour cop__outpost_server = {
        .name = "outpost",
        .state_size = sizeof(struct outpost),
        .handlers = handlers,
        .handler_count = COP__COUNT(handlers),
};

/* ---- Its end --------------------------------------------------------------------------------- */

struct cop__crossing *cop__crossing_of(const struct cop__actor *actor)
{
        return actor->state != NULL ? ((struct outpost *)actor->state)->crossing : NULL;
}

void cop__outpost_cut(struct cop__actor *actor)
{
        struct cop__crossing *crossing = cop__crossing_of(actor);
        cop__outpost_wait_end(actor);
        if (crossing == NULL)
                return;
        if (crossing->socket >= 0)
                cop__zygote_kill(crossing->node, &crossing->birth);
        cop__outpost_sys_return(actor, crossing);
}

bool cop__outpost_deferred(struct cop__actor *actor, cop_ref ref)
{
        struct cop__crossing *crossing = cop__crossing_of(actor);
        struct cop__crossing_packet packet = { .type = COP__PACKET_DEFERRED, .ref = ref.bits };
        if (crossing != NULL)
                cop__outpost_let_go(crossing, ref);
        /*
         * Not told, the process does not end the watch: it stays until the callee or the outpost
         * ends.
         */
        if (crossing != NULL && cop__tray_put(&crossing->out, packet, NULL, NULL) == COP_OK)
                cop__crossing_flush(crossing, cop__actor_pid(actor));
        return true;
}

static void copy_text(char *to, size_t size, cop_text text)
{
        size_t length = text.size < size - 1 ? text.size : size - 1;
        memcpy(to, text.data, length);
        to[length] = '\0';
}

/* "killed by SIGKILL" and so on, from {os_process, {signal, "SIGKILL"}}. */
static void put_cause(const struct cop__birth *birth, char *text, size_t size)
{
        if (birth->code == CLD_EXITED)
                snprintf(text, size, "its process %d has exited with status %d", (int)birth->os_pid,
                         birth->status);
        else if (sigabbrev_np(birth->status) != NULL)
                snprintf(text, size, "its process %d was ended by SIG%s", (int)birth->os_pid,
                         sigabbrev_np(birth->status));
        else
                snprintf(text, size, "its process %d was ended by signal %d", (int)birth->os_pid, birth->status);
}

void cop__outpost_testify(struct cop__actor *actor, struct cop__report *report)
{
        struct cop__crossing *crossing = cop__crossing_of(actor);
        struct cop__birth now;
        report->message[0] = '\0';
        report->from = cop_no_pid();
        if (crossing == NULL || crossing->socket < 0)
                return;
        cop__zygote_look(crossing->node, &crossing->birth, &now);
        if (now.server != NULL)
                snprintf(report->started_as, sizeof(report->started_as), "%s, in process %d",
                         now.server, (int)now.os_pid);
        if (crossing->obituary == NULL) {
                if (now.state == COP__BIRTH_ENDED &&
                    cop_is_tuple(actor->reason->term, "os_process", 2))
                        put_cause(&now, report->what, sizeof(report->what));
                return;
        }
        size_t length = strlen(report->what);
        snprintf(report->what + length, sizeof(report->what) - length, ", in its own process %d",
                 (int)now.os_pid);
        copy_text(report->message, sizeof(report->message), crossing->obituary->message);
        copy_text(report->state, sizeof(report->state), crossing->obituary->state);
        copy_text(report->events, sizeof(report->events), crossing->obituary->events);
        report->from = crossing->obituary->from;
}

bool cop__runs_outpost(const struct cop__actor *actor)
{
        return actor->server == &cop__outpost_server;
}

/*
 * Whether he lives is read first: what was set before his birth is seen. His death moves the pid on before anything else changes.
 */
bool cop__outpost_is_at(struct cop_node *node, cop_pid pid)
{
        const struct cop__actor *actor = cop__slot_of(node, pid);
        if (actor == NULL || !cop__lives(actor, pid))
                return false;
        bool is = cop__load_relaxed(&actor->isolation) == COP_ISOLATION_PROCESS &&
                  cop__load_relaxed(&actor->server) == &cop__outpost_server;
        cop__fence_seq();
        return is && cop__slot_is(actor, pid);
}

bool cop__outpost_takes(struct cop__actor *actor, struct cop__signal *signal)
{
        if (COP__LIKELY(!cop__is_outpost(actor)))
                return false;
        struct cop__crossing *crossing = cop__crossing_of(actor);
        if (crossing != NULL)
                cop__outpost_answered(actor, crossing, signal->ref);
        if (signal->type == COP__SIGNAL_FAILED)
                cop__signal_set_kind(signal, COP_KIND_OF(cop__call_failed));
        return true;
}
