/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Inside an actor's process: packets out and in, questions, and the end. See inside.h. */
#define _GNU_SOURCE
#include "actors/inside.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/inside_main.h"
#include "actors/recent.h"
#include "actors/request.h"
#include "actors/server.h"
#include "actors/sys.h"
#include "base/cue.h"
#include "mailbox/kind.h"

struct cop__inside *cop__inside_here(void)
{
        struct cop__thread *thread = cop__thread_here();
        return thread != NULL && thread->upper != NULL ? cop__node_of(thread)->inside : NULL;
}

/* ---- Writing --------------------------------------------------------------------------- */

/* Waits until all is written: the node reads, or is gone. */
static void write_all(struct cop__inside *inside, struct cop__tray *tray)
{
        while (cop__tray_waiting(tray) > 0) {
                ssize_t size = send(inside->socket, tray->data + tray->start,
                                    cop__tray_waiting(tray), MSG_NOSIGNAL);
                if (size >= 0)
                        tray->start += (size_t)size;
                else if (errno != EINTR)
                        _exit(0); /* the node is gone */
        }
}

static cop_status put(struct cop__inside *inside, struct cop__crossing_packet packet, const cop_kind *kind,
                      const void *value)
{
        pthread_mutex_lock(&inside->write_lock);
        cop_status status = cop__tray_put(&inside->out, packet, kind, value);
        if (status == COP_OK)
                write_all(inside, &inside->out);
        pthread_mutex_unlock(&inside->write_lock);
        return status;
}

/* What sys has asked is answered in any case, if only with why it is not. */
static cop_status put_sys_answer(struct cop__inside *inside, const struct cop__signal *signal)
{
        const struct cop__crossing_packet packet = { .type = COP__PACKET_SYS_ANSWER, .ref = signal->ref.bits };
        cop_status status = put(inside, packet, COP_KIND_OF(cop__sys_answer), cop__signal_body(signal));
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                return status;
        return put(inside, packet, COP_KIND_OF(cop__sys_answer), &(cop__sys_answer){ status, cop_nil() });
}

/* That of the actor in its call, or what goes along with a request. */
static void put_patience(const struct cop__inside *inside, const struct cop__signal *request,
                         struct cop__crossing_packet *packet)
{
        const struct cop__calling *own = cop__calling_of(inside->node, inside->pid);
        packet->flags |= request->flags & COP__CROSSING_CALL_FLAGS;
        packet->more = request->flags & COP__SIGNAL_TIMED ? cop__request_deadline(request)
                                                          : cop__load_relaxed(&own->deadline_ns);
}

/* What must get there if not as it is, for an atom that is no UTF-8: then another one says so. */
static cop_status put_term(struct cop__inside *inside, struct cop__crossing_packet packet, cop_term term)
{
        cop_status status = put(inside, packet, COP_KIND_OF(cop_any), &(cop_any){ term });
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                return status;
        return put(inside, packet, COP_KIND_OF(cop_any), &(cop_any){ cop_atom("does_not_cross") });
}

static cop_status put_signal(struct cop__inside *inside, cop_pid to, const struct cop__signal *signal)
{
        struct cop__crossing_packet packet = {
                .type = COP__PACKET_SIGNAL,
                .signal = signal->type,
                .flags = signal->flags & COP__CROSSING_FLAGS,
                .pid = to.bits,
                .ref = signal->ref.bits,
        };
        switch (signal->type) {
        case COP__SIGNAL_MESSAGE:
        case COP__SIGNAL_REPLY:
                if (cop__kind_same(signal->kind, COP_KIND_OF(cop__sys_answer)))
                        return put_sys_answer(inside, signal);
                if (!cop__kind_crosses(inside->node->crossing_kinds, signal->kind))
                        return COP_E_ISOLATED; /* between the library's own actors */
                if (signal->flags & COP__SIGNAL_CALL)
                        put_patience(inside, signal, &packet);
                return put(inside, packet, signal->kind, cop__signal_body(signal));
        case COP__SIGNAL_FAILED:
                packet.more = ((const struct cop__failed *)cop__signal_body(signal))->failure;
                return put(inside, packet, NULL, NULL);
        case COP__SIGNAL_EXIT:
                return put_term(inside, packet,
                                COP__CONTAINER((uintptr_t)signal, struct cop__relation, signal)->as.exited.reason->term);
        default:
                return COP_E_ISOLATED;
        }
}

/* The start is over: whoever waits for it is told by the outpost. */
static cop_status put_started(struct cop__inside *inside, const struct cop__signal *signal)
{
        const cop_started *started = cop__signal_body(signal);
        return put_term(inside, (struct cop__crossing_packet){ .type = COP__PACKET_STARTED }, started->extra);
}

static COP__NORETURN void give_up(const char *why)
{
        fprintf(stderr, "coppice: the process of an actor ends: %s\n", why);
        _exit(70); /* EX_SOFTWARE */
}

static void end_exported(struct cop__thread *thread, struct cop__signal *signal)
{
        if (signal->type == COP__SIGNAL_FAILED)
                cop__shared_term_drop(((struct cop__failed *)cop__signal_body(signal))->reason);
        if (signal->type == COP__SIGNAL_EXIT)
                cop__shared_term_drop(COP__CONTAINER(signal, struct cop__relation, signal)->as.exited.reason);
        cop__signal_free(&thread->pool, signal);
}

/* A request that cannot cross fails; a message is a dead letter, and said to be; so is an answer, and its caller hears that
 * there is none. An exit signal has been sent, as far as its sender knows, who may wait for what it does. */
static void refuse(struct cop__thread *thread, cop_pid to, struct cop__signal *signal, cop_status status)
{
        bool asks = signal->ref.bits != 0 && !(signal->flags & COP__SIGNAL_ANSWERED) &&
                    (signal->type == COP__SIGNAL_MESSAGE || signal->type == COP__SIGNAL_INFO ||
                     signal->type == COP__SIGNAL_SYS);
        if (asks) {
                cop__fail_call(thread, to, signal,
                               status == COP_E_NO_MEMORY ? COP__FAILED_NO_MEMORY : COP__FAILED_ISOLATED,
                               NULL);
                return;
        }
        if (signal->type == COP__SIGNAL_EXIT && status == COP_E_NO_MEMORY)
                give_up("no memory for an exit signal");
        if (signal->kind != NULL)
                cop_log(COP_LOG_WARNING, "%s cannot leave the actor's process: %s: dropped",
                        signal->kind->name, cop_status_text(status));
        const struct cop__crossing_packet failed = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_FAILED, .pid = to.bits,
                                            .ref = signal->ref.bits };
        if (signal->type == COP__SIGNAL_REPLY && put(cop__node_of(thread)->inside, failed, NULL, NULL) != COP_OK)
                give_up("no memory to tell that there is no answer");
        cop__count_up(&cop__here_of(thread)->dead_letters);
        end_exported(thread, signal);
}

void cop__inside_export(struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        struct cop__inside *inside = cop__node_of(thread)->inside;
        bool start = signal->type == COP__SIGNAL_REPLY && signal->ref.bits == COP__START_REF;
        COP__CUE("inside.exports");
        cop_status status = start ? put_started(inside, signal) : put_signal(inside, to, signal);
        if (start && status != COP_OK)
                give_up("no memory to tell that it has started");
        if (signal->type == COP__SIGNAL_REPLY || signal->type == COP__SIGNAL_FAILED)
                cop__inside_settle(inside, signal->ref);
        if (status == COP_OK)
                end_exported(thread, signal);
        else
                refuse(thread, to, signal, status);
}

void cop__inside_tell(enum cop__crossing_type type, cop_ref ref)
{
        put(cop__inside_here(), (struct cop__crossing_packet){ .type = (uint8_t)type, .ref = ref.bits }, NULL, NULL);
}

void cop__inside_defer(cop_ref ref)
{
        cop__inside_settle(cop__inside_here(), ref);
        cop__inside_tell(COP__PACKET_DEFER, ref);
}

void cop__inside_unwatch(cop_ref ref)
{
        cop__inside_tell(COP__PACKET_UNWATCH, ref);
}

void cop__inside_log(void *context, cop_log_level level, const char *text)
{
        struct cop__inside *inside = context;
        cop__log_line line = { .level = (uint32_t)level, .text = cop_text_of(text) };
        if (put(inside, (struct cop__crossing_packet){ .type = COP__PACKET_LOG }, COP_KIND_OF(cop__log_line), &line) !=
            COP_OK)
                fprintf(stderr, "%s\n", text);
}

/* ---- Reading ---------------------------------------------------------------------------- */

/* What the node sends is believed: it is the actor's own. What it cannot be made of ends the process. */
static struct cop__signal *failure_of(struct cop__thread *thread, const struct cop__crossing_packet *packet,
                                      const uint8_t *body)
{
        struct cop__signal *signal =
                cop__signal_new(&thread->pool, COP__SIGNAL_FAILED, sizeof(struct cop__failed));
        if (signal == NULL)
                give_up("no memory");
        struct cop__failed *failed = cop__signal_body(signal);
        *failed = (struct cop__failed){ .failure = (uint32_t)packet->more };
        void *value;
        if (packet->size > 0 && cop__packet_value(packet, body, COP_KIND_OF(cop_any), &value) == COP_OK) {
                failed->reason = cop__shared_term_new(((const cop_any *)value)->term);
                cop__flat_drop(COP_KIND_OF(cop_any), value);
                free(value);
        }
        return signal;
}

static struct cop__signal *message_of(struct cop__thread *thread, const struct cop__crossing_packet *packet,
                                      const uint8_t *body)
{
        const cop_kind *kind;
        struct cop__signal *signal;
        void *value;
        if (cop__kind_decode(cop__node_of(thread)->crossing_kinds, body, packet->size, &kind, &value) != COP_OK)
                give_up("a message that it cannot read");
        if (cop__signal_message(&thread->pool, kind, value, &signal) != COP_OK)
                give_up("no memory for a message");
        cop__flat_drop(kind, value);
        free(value);
        signal->type = packet->signal;
        return signal;
}

static void take_signal(struct cop__thread *thread, struct cop__inside *inside,
                        const struct cop__crossing_packet *packet, const uint8_t *body)
{
        struct cop__signal *signal = packet->signal == COP__SIGNAL_FAILED
                                             ? failure_of(thread, packet, body)
                                             : message_of(thread, packet, body);
        signal->flags |= packet->flags;
        signal->from.bits = packet->pid;
        signal->ref.bits = packet->ref;
        if (packet->flags & COP__SIGNAL_CALL) {
                signal->flags |= COP__SIGNAL_CROSSED;
                if (!cop__inside_want(inside, signal->ref, packet->more))
                        give_up("no memory for a message");
        }
        cop__push_signal(thread, inside->actor, cop__pid_generation(inside->pid), signal);
        if (packet->flags & COP__SIGNAL_PRIORITY)
                cop__store_release(&inside->actor->urgent, 1); /* as in cop__send_signal */
}

static void take_sys(struct cop__thread *thread, struct cop__inside *inside,
                     const struct cop__crossing_packet *packet, const uint8_t *body)
{
        struct cop__signal *signal;
        void *value;
        if (cop__packet_value(packet, body, COP_KIND_OF(cop__sys_request), &value) != COP_OK)
                give_up("a request of sys that it cannot read");
        if (cop__signal_message(&thread->pool, COP_KIND_OF(cop__sys_request), value, &signal) != COP_OK)
                give_up("no memory for a request of sys");
        cop__flat_drop(COP_KIND_OF(cop__sys_request), value);
        free(value);
        signal->type = COP__SIGNAL_SYS;
        signal->from.bits = packet->pid;
        signal->ref.bits = packet->ref;
        cop__push_signal(thread, inside->actor, cop__pid_generation(inside->pid), signal);
}

/* The callee of a call of ours will answer later: when the call ends, the outpost must know. */
static void take_deferred(struct cop__inside *inside, cop_ref ref)
{
        if (cop_ref_equal(cop__awaited_by(inside->actor), ref))
                inside->actor->call_watched = true;
        else if (!cop__request_deferred(inside->actor, ref))
                cop__inside_unwatch(ref);
}

static void take_answer(struct cop__inside *inside, const struct cop__crossing_packet *packet, const uint8_t *body)
{
        void *value;
        if (cop__packet_value(packet, body, COP_KIND_OF(cop__told), &value) != COP_OK)
                give_up("an answer that it cannot read");
        if (inside->told != NULL) {
                cop__flat_drop(COP_KIND_OF(cop__told), inside->told);
                free(inside->told);
        }
        inside->told = value;
        inside->answered = true;
}

static bool take_packets(struct cop__thread *thread, struct cop__inside *inside)
{
        struct cop__crossing_packet packet;
        const uint8_t *body;
        cop_status status;
        bool any = false;
        while (cop__tray_take(&inside->in, &packet, &body, &status)) {
                any = true;
                if (packet.type == COP__PACKET_SIGNAL)
                        take_signal(thread, inside, &packet, body);
                else if (packet.type == COP__PACKET_ANSWER)
                        take_answer(inside, &packet, body);
                else if (packet.type == COP__PACKET_DEFERRED)
                        take_deferred(inside, (cop_ref){ packet.ref });
                else if (packet.type == COP__PACKET_SYS)
                        take_sys(thread, inside, &packet, body);
                else if (packet.type == COP__PACKET_WITHDRAWN)
                        cop__inside_withdraw(inside, (cop_ref){ packet.ref });
        }
        if (status != COP_OK)
                give_up("bytes that are no packets");
        return any;
}

bool cop__inside_hear(struct cop__thread *thread)
{
        struct cop__inside *inside = cop__node_of(thread)->inside;
        bool any = false;
        long got;
        do {
                got = cop__tray_fill(&inside->in, inside->socket, COP__CROSSING_SLICE);
                if (got == -1)
                        _exit(0); /* the node is gone */
                if (got == -2)
                        give_up("no memory");
                if (got > 0 && take_packets(thread, inside))
                        any = true;
        } while (got > 0 && !any);
        /* Edge-triggered: what is left must be news again. */
        if (got >= COP__TRAY_FILL)
                cop__poll_change(&inside->node->scheduler.poll, inside->socket, EPOLLIN | EPOLLRDHUP, 1);
        return any;
}

void cop__inside_ready(struct cop__thread *thread)
{
        /* Pairs with the release in cop__inside_main, which makes the socket news again. */
        if (cop__load_acquire(&cop__node_of(thread)->inside->begun))
                cop__inside_hear(thread);
}

/* ---- Questions --------------------------------------------------------------------------- */

cop_status cop__inside_ask(cop__query ask, cop__told *told)
{
        struct cop__inside *inside = cop__inside_here();
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        cop__critical_enter(&here->fault);
        cop_status status =
                put(inside, (struct cop__crossing_packet){ .type = COP__PACKET_ASK }, COP_KIND_OF(cop__query), &ask);
        inside->answered = false;
        while (status == COP_OK && !inside->answered) {
                struct pollfd socket = { .fd = inside->socket, .events = POLLIN };
                poll(&socket, 1, -1);
                cop__inside_hear(thread);
        }
        if (status == COP_OK)
                *told = *inside->told;
        cop__critical_leave(&here->fault);
        return status;
}

bool cop__inside_made(const struct cop__inside *inside, cop_ref ref)
{
        return cop__ref_block(ref) - inside->refs < COP__INSIDE_REF_BLOCKS;
}

/* ---- The end ------------------------------------------------------------------------------- */

static void print_current(const struct cop__inside *inside, const struct cop__signal *signal,
                          char *text, size_t size)
{
        cop_term term;
        text[0] = '\0';
        if (signal == NULL || signal->kind == NULL ||
            cop__kind_to_term(signal->kind, cop__signal_body(signal), &term) != COP_OK)
                return;
        cop_term_print(term, inside->node->kinds, text, size);
        cop_term_free(term);
}

/* A fault when next to nothing of the limit is left has been brought about by it, as a rule: malloc() gave NULL. */
static bool is_for_want_of_memory(const struct cop__inside *inside, cop_term reason)
{
        if (inside->memory_most == 0 || !cop_is_tuple(reason, "fault", 5))
                return false;
        uint64_t free_of_it = inside->memory_most / 16;
        return cop__inside_memory() + free_of_it > inside->memory_base + inside->memory_most;
}

/* The end is told even if its reason, for an atom that is no UTF-8, cannot be: without that, and without the texts. */
static cop_status put_obituary(struct cop__inside *inside, cop__obituary obituary)
{
        const struct cop__crossing_packet packet = { .type = COP__PACKET_ENDED };
        cop_status status = put(inside, packet, COP_KIND_OF(cop__obituary), &obituary);
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                return status;
        obituary.message = obituary.state = obituary.events = cop_text_of("");
        obituary.reason = cop_atom("does_not_cross");
        return put(inside, packet, COP_KIND_OF(cop__obituary), &obituary);
}

static void *flush_streams(void *unused)
{
        fflush(NULL);
        return unused;
}

/*
 * What it has printed is written before its end is told, which has it killed. By a thread that is
 * waited for only so long: another one may sit in a stream and have its lock, and nobody may ever
 * read what one is written to. Without such a thread it is done afterwards.
 */
static bool flush_in_time(void)
{
        pthread_t thread;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += COP__CROSSING_END_MS / 1000;
        if (pthread_create(&thread, NULL, flush_streams, NULL) != 0)
                return false;
        pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
        return true;
}

COP__NORETURN void cop__inside_end(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__inside *inside = cop__node_of(thread)->inside;
        char message[COP__REPORT_TEXT], state[COP__REPORT_TEXT], events[COP__REPORT_TEXT];
        struct rlimit memory;
        cop_term reason = actor->reason->term;
        bool faulted = cop_is_tuple(reason, "fault", 5);
        bool starved = is_for_want_of_memory(inside, reason);
        if (getrlimit(RLIMIT_DATA, &memory) == 0) {
                memory.rlim_cur = memory.rlim_max; /* for its last words */
                setrlimit(RLIMIT_DATA, &memory);
        }
        print_current(inside, actor->current, message, sizeof(message));
        cop__server_print_state(actor, state, sizeof(state));
        cop__events_print(inside->node, actor, events, sizeof(events));
        cop__obituary obituary = {
                .reason = starved ? COP_TUPLE(cop_atom("os_process"), cop_atom("memory_limit")) : reason,
                .ignored = cop__start_is_ignored(actor),
                .reports = actor->reports,
                .unread = cop__unread(actor),
                .from = actor->current != NULL ? actor->current->from : cop_no_pid(),
                .message = cop_text_of(message),
                .state = cop_text_of(state),
                .events = cop_text_of(events),
        };
        while (cop__rare_end_one(actor)) /* once the outpost has heard of its end, the process is killed */
                ;
        cop__rare_end(actor);
        bool flushed = faulted || flush_in_time(); /* after a fault locks of streams may be held */
        if (put_obituary(inside, obituary) != COP_OK)
                give_up("no memory for its last words");
        if (!flushed)
                fflush(NULL);
        _exit(0);
}
