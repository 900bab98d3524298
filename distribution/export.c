/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Signals as Erlang's control messages. See connection.h.
 *
 *      signal here              written
 *      MESSAGE                  SEND_SENDER, or REG_SEND to a name
 *      MESSAGE that is a call   MONITOR, then the same with {'$gen_call', {From, [alias|Ref]}, Request}: its request is kept in
 *      `calls`
 *      REPLY to a call          ALIAS_SEND or SEND_SENDER with {Tag, Reply}
 *      REPLY through an alias   ALIAS_SEND
 *      FAILED                   DOWN under the reference of the call, if it is monitored: so the caller hears that at once
 *      LINK, MONITOR            LINK, MONITOR: the half stays in a table
 *      UNLINK, DEMONITOR        UNLINK_ID, DEMONITOR, if the half is still there; that of the link stays until the other side knows
 *      LINK_EXIT, DOWN, EXIT    EXIT, DOWN, EXIT2
 *      DEFERRED_BY              nothing: who calls watches us anyway. The half goes back
 *      WITHDRAWN                DEMONITOR of the call
 *      an order (offers.h)      SPAWN_REQUEST: what its answer takes is kept in `spawning`
 *
 * A frame that cannot be written whole leaves nothing behind, and its signal is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "base/memory.h"
#include "distribution/connection.h"
#include "distribution/news.h"
#include "distribution/offers.h"
#include "distribution/wire.h"
#include "mailbox/kind.h"

/* ---- Frames ------------------------------------------------------------------------------ */

/* One being written; `start` counts from the front of the tray's data that waits, which moves. */
struct frame {
        struct cop__pen pen;
        size_t start, max;
};

/* A node of this kind takes no larger one than it is told to, which for want of its word is what we are: for more it hangs up. */
static size_t max_of(const struct cop__connection *connection)
{
        size_t ours = connection->network->message_max;
        return connection->peer->flags & COP__CAN_COPPICE && ours < COP_MESSAGE_SIZE_MAX ? ours : COP_MESSAGE_SIZE_MAX;
}

static struct frame begin(struct cop__connection *connection)
{
        struct cop__tray *tray = &connection->line->out;
        struct frame frame = { { .tray = tray, .network = connection->network }, cop__tray_waiting(tray), max_of(connection) };
        cop__pen_word(&frame.pen, COP__FRAME_HEAD, 0);
        cop__pen_byte(&frame.pen, COP__PASS_THROUGH);
        return frame;
}

/* Writes its size, or takes back what there is of it. */
static cop_status end(struct frame *frame)
{
        struct cop__tray *tray = frame->pen.tray;
        size_t whole = cop__tray_waiting(tray) - frame->start;
        if (frame->pen.status == COP_OK && whole - COP__FRAME_HEAD > frame->max)
                frame->pen.status = COP_E_TOO_BIG;
        if (frame->pen.status != COP_OK) {
                tray->end = tray->start + frame->start;
                return frame->pen.status;
        }
        uint8_t *head = tray->data + tray->start + frame->start;
        for (unsigned i = 0; i < COP__FRAME_HEAD; i++)
                head[i] = (uint8_t)((whole - COP__FRAME_HEAD) >> 8 * (COP__FRAME_HEAD - 1 - i));
        return COP_OK;
}

static void control(struct frame *frame, enum cop__control control, size_t count)
{
        cop__pen_version(&frame->pen);
        cop__pen_tuple(&frame->pen, 1 + count);
        cop__pen_integer(&frame->pen, control);
}

static void put_atom(struct frame *frame, const char *name)
{
        cop__pen_atom(&frame->pen, name, strlen(name));
}

/* A pid, or the name that it stands for. */
static void put_target(struct cop__connection *connection, struct frame *frame, cop_pid to)
{
        const struct cop__remote_name *name = cop__remote_name_of(connection->network, to);
        if (name != NULL)
                put_atom(frame, name->name);
        else
                cop__pen_pid(&frame->pen, to);
}

/* ---- What has no message --------------------------------------------------------------------- */

/* Without memory for one of these the other side would believe in what is no more: better no connection than a wrong one. */
static void must(struct cop__connection *connection, cop_status status)
{
        if (status == COP_E_NO_MEMORY)
                connection->line->hung_up = true;
}

static void write_pair(struct cop__connection *connection, enum cop__control what, cop_pid from, cop_pid to)
{
        struct frame frame = begin(connection);
        control(&frame, what, 2);
        cop__pen_pid(&frame.pen, from);
        cop__pen_pid(&frame.pen, to);
        must(connection, end(&frame));
}

static void write_exit(struct cop__connection *connection, enum cop__control what, cop_pid from, cop_pid to, cop_term reason)
{
        struct frame frame = begin(connection);
        control(&frame, what, 3);
        cop__pen_pid(&frame.pen, from);
        cop__pen_pid(&frame.pen, to);
        cop__pen_term(&frame.pen, reason);
        cop_status status = end(&frame);
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                must(connection, status);
        else if (!cop_is_atom(reason, "unsayable")) /* a reason that cannot be said is an end all the same */
                write_exit(connection, what, from, to, cop_atom("unsayable"));
}

void cop__export_exit(struct cop__connection *connection, cop_pid from, cop_pid to, cop_term reason)
{
        write_exit(connection, COP__CONTROL_EXIT, from, to, reason);
}

void cop__export_down(struct cop__connection *connection, cop_pid from, const char *name, size_t name_size, cop_pid to,
                      cop_ref ref,
                      cop_term reason)
{
        struct frame frame = begin(connection);
        control(&frame, COP__CONTROL_DOWN, 4);
        if (name_size > 0)
                cop__pen_atom(&frame.pen, name, name_size);
        else
                cop__pen_pid(&frame.pen, from);
        cop__pen_pid(&frame.pen, to);
        cop__pen_ref(&frame.pen, ref);
        cop__pen_term(&frame.pen, reason);
        cop_status status = end(&frame);
        if (status == COP_OK || status == COP_E_NO_MEMORY)
                must(connection, status);
        else if (!cop_is_atom(reason, "unsayable"))
                cop__export_down(connection, from, name, name_size, to, ref, cop_atom("unsayable"));
}

static cop_status write_monitor(struct cop__connection *connection, enum cop__control what, cop_pid from, cop_pid to, cop_ref ref)
{
        struct frame frame = begin(connection);
        control(&frame, what, 3);
        cop__pen_pid(&frame.pen, from);
        put_target(connection, &frame, to);
        cop__pen_ref(&frame.pen, ref);
        return end(&frame);
}

void cop__export_demonitor(struct cop__connection *connection, cop_pid from, cop_pid to, cop_ref ref)
{
        must(connection, write_monitor(connection, COP__CONTROL_DEMONITOR, from, to, ref));
}

static void write_unlink(struct cop__connection *connection, enum cop__control what, uint64_t id, cop_pid from, cop_pid to)
{
        struct frame frame = begin(connection);
        control(&frame, what, 3);
        cop__pen_integer(&frame.pen, id);
        cop__pen_pid(&frame.pen, from);
        cop__pen_pid(&frame.pen, to);
        must(connection, end(&frame));
}

void cop__export_unlinked(struct cop__connection *connection, uint64_t id, cop_pid from, cop_pid to)
{
        write_unlink(connection, COP__CONTROL_UNLINK_ACK, id, from, to);
}

/* ---- Messages ------------------------------------------------------------------------------------- */

/* A value as what it is to Erlang: the term that it holds, or the record. Between the library's own actors: no. */
static void put_value(struct cop__connection *connection, struct frame *frame, const cop_kind *kind, const void *value)
{
        cop_term term;
        (void)connection;
        if (cop__kind_same(kind, COP_KIND_OF(cop_any))) {
                cop__pen_term(&frame->pen, ((const cop_any *)value)->term);
                return;
        }
        cop_status status = strncmp(kind->name, "cop__", 5) == 0 ? COP_E_ISOLATED : cop__kind_to_term(kind, value, &term);
        if (status != COP_OK) {
                frame->pen.status = frame->pen.status == COP_OK ? status : frame->pen.status;
                return;
        }
        cop__pen_term(&frame->pen, term);
        cop_term_free(term);
}

static void put_signal(struct cop__connection *connection, struct frame *frame, const struct cop__signal *signal)
{
        put_value(connection, frame, signal->kind, cop__signal_body(signal));
}

static void send_control(struct cop__connection *connection, struct frame *frame, cop_pid from, cop_pid to)
{
        if (cop__remote_name_of(connection->network, to) != NULL) {
                control(frame, COP__CONTROL_REG_SEND, 3);
                cop__pen_pid(&frame->pen, from);
                put_atom(frame, "");
                put_target(connection, frame, to);
        } else if (connection->peer->flags & COP__CAN_SEND_SENDER) {
                control(frame, COP__CONTROL_SEND_SENDER, 2);
                cop__pen_pid(&frame->pen, from);
                cop__pen_pid(&frame->pen, to);
        } else {
                control(frame, COP__CONTROL_SEND, 2);
                put_atom(frame, "");
                cop__pen_pid(&frame->pen, to);
        }
        cop__pen_version(&frame->pen);
}

static const char *why(cop_status status)
{
        if (status == COP_E_MALFORMED)
                return "an atom or a text in it is no UTF-8, or two keys of a map would be one there";
        return cop_status_text(status);
}

static void complain(struct cop__connection *connection, cop_pid to, const struct cop__signal *signal, cop_status status)
{
        char pid[COP_ID_TEXT_MAX];
        cop_log(COP_LOG_WARNING, "%s cannot go to %s at %s: %s: dropped", signal->kind->name, cop_pid_print(to, pid),
                connection->peer->name, why(status));
        must(connection, status);
}

static void drop(struct cop__connection *connection, cop_pid to, struct cop__signal *signal, cop_status status)
{
        complain(connection, to, signal, status);
        cop__letter_die(cop__thread_here(), to, signal, COP__DEATH_NO_ACTOR);
}

static void write_message(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct frame frame = begin(connection);
        send_control(connection, &frame, signal->from, to);
        put_signal(connection, &frame, signal);
        cop_status status = end(&frame);
        if (status == COP_OK)
                cop__signal_free(&cop__thread_here()->pool, signal);
        else
                drop(connection, to, signal, status);
}

static void write_alias(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        bool ours = connection->peer->flags & COP__CAN_COPPICE;
        struct frame frame = begin(connection);
        control(&frame, COP__CONTROL_ALIAS_SEND, ours ? 3 : 2);
        cop__pen_pid(&frame.pen, signal->from);
        cop__pen_ref(&frame.pen, signal->ref);
        if (ours)
                cop__pen_pid(&frame.pen, to);
        cop__pen_version(&frame.pen);
        put_signal(connection, &frame, signal);
        cop_status status = end(&frame);
        if (status == COP_OK)
                cop__signal_free(&cop__thread_here()->pool, signal);
        else
                drop(connection, to, signal, status);
}

/* ---- Calls ------------------------------------------------------------------------------------------ */

/* An improper list of one, of which what stands in front of the end follows, and the end. */
static void put_cons(struct frame *frame)
{
        cop__pen_byte(&frame->pen, 108);
        cop__pen_word(&frame->pen, 4, 1);
}

/* [alias|Ref] or Ref; with a `through` [[alias|Through]|Ref]. */
static void put_tag(struct frame *frame, cop_ref ref, bool alias, cop_ref through)
{
        if (through.bits != 0) {
                put_cons(frame);
                put_tag(frame, through, true, (cop_ref){ 0 });
        } else if (alias) {
                put_cons(frame);
                put_atom(frame, "alias");
        }
        cop__pen_ref(&frame->pen, ref);
}

static cop_status write_request(struct cop__connection *connection, cop_pid to, const struct cop__signal *request)
{
        struct frame frame = begin(connection);
        send_control(connection, &frame, request->from, to);
        cop__pen_tuple(&frame.pen, 3);
        put_atom(&frame, "$gen_call");
        cop__pen_tuple(&frame.pen, 2);
        cop__pen_pid(&frame.pen, request->from);
        put_tag(&frame, request->ref, connection->peer->flags & COP__CAN_ALIAS, (cop_ref){ 0 });
        put_signal(connection, &frame, request);
        return end(&frame);
}

static void write_call(struct cop__connection *connection, cop_pid to, struct cop__signal *request)
{
        struct cop__tray *tray = &connection->line->out;
        size_t before = cop__tray_waiting(tray);
        struct cop__peer_call *call = cop__malloc(sizeof(*call));
        cop_status status = call != NULL ? write_monitor(connection, COP__CONTROL_MONITOR, request->from, to, request->ref)
                                         : COP_E_NO_MEMORY;
        if (status == COP_OK)
                status = write_request(connection, to, request);
        if (status == COP_OK) {
                *call = (struct cop__peer_call){ .request = request, .to = to };
                call->node.key = request->ref.bits;
                cop__table_insert(&connection->peer->calls, &call->node);
                return;
        }
        free(call);
        tray->end = tray->start + before;
        cop__fail_call(cop__thread_here(), to, request,
                       status == COP_E_NO_MEMORY ? COP__FAILED_NO_MEMORY : COP__FAILED_ISOLATED, NULL);
}

/* Nobody waits for the answer any more. */
static void withdraw(struct cop__connection *connection, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__peer_call *call = cop__call_of(connection->peer, signal->ref);
        cop__signal_free(&thread->pool, signal);
        if (call == NULL)
                return;
        cop__export_demonitor(connection, call->request->from, call->to, call->request->ref);
        cop__table_remove(&connection->peer->calls, &call->node);
        cop__signal_free(&thread->pool, call->request);
        free(call);
}

static void write_reply(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__peer_asked *asked = cop__asked_of(connection->peer, signal->ref);
        if (signal->flags & COP__SIGNAL_THROUGH) {
                write_alias(connection, to, signal);
                return;
        }
        if (asked == NULL) {
                cop__letter_die(cop__thread_here(), to, signal, COP__DEATH_LATE_REPLY);
                return;
        }
        struct frame frame = begin(connection);
        if (asked->alias && connection->peer->flags & COP__CAN_ALIAS) {
                control(&frame, COP__CONTROL_ALIAS_SEND, 2);
                cop__pen_pid(&frame.pen, signal->from);
                cop__pen_ref(&frame.pen, asked->through.bits != 0 ? asked->through : signal->ref);
                cop__pen_version(&frame.pen);
        } else {
                send_control(connection, &frame, signal->from, to);
        }
        cop__pen_tuple(&frame.pen, 2);
        if (asked->named)
                cop__pen_tuple(&frame.pen, 2);
        put_tag(&frame, signal->ref, asked->alias, asked->through);
        if (asked->named)
                put_atom(&frame, connection->network->name);
        put_signal(connection, &frame, signal);
        cop_status status = end(&frame);
        if (status == COP_OK) {
                cop__asked_end(connection, signal->ref);
                cop__signal_free(&cop__thread_here()->pool, signal);
                return;
        }
        /* Who waits for it hears that it does not come, behind what has been sent before. */
        cop_pid from = signal->from;
        complain(connection, to, signal, status);
        signal->from = to;
        cop__fail_call(cop__thread_here(), from, signal, COP__FAILED_ISOLATED, NULL);
}

/* The halves of a monitor that has said its last are no more: ours goes to the actor that keeps the other. */
static void end_watched(struct cop__relation *half)
{
        half->signal.type = COP__SIGNAL_DEMONITOR;
        cop__send_signal(cop__thread_here(), half->as.tie.peer, &half->signal);
}

static cop_term failure_term(const struct cop__failed *failed, cop_term items[2])
{
        static const char *const names[] = {
                [COP__FAILED_NO_REPLY] = "no_reply",
                [COP__FAILED_NO_MEMORY] = "no_memory",
                [COP__FAILED_IGNORED] = "ignored",
                [COP__FAILED_FULL] = "full",
                [COP__FAILED_ISOLATED] = "isolated",
                [COP__FAILED_EXPIRED] = "expired",
                [COP__FAILED_CYCLE] = "calling_cycle",
                [COP__FAILED_NO_HANDLER] = "no_handler",
        };
        if (failed->failure == COP__FAILED_NO_ACTOR)
                return cop_atom("noproc");
        if (failed->failure == COP__FAILED_DIED)
                return failed->reason != NULL ? failed->reason->term : cop_atom("noproc");
        items[0] = cop_atom("coppice");
        items[1] = cop_atom(names[failed->failure]);
        return cop_tuple_of(items, 2);
}

static void write_failure(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__failed *failed = cop__signal_body(signal);
        struct cop__relation *half = cop__watched_take(connection, signal->ref);
        cop_term items[2];
        if (half != NULL) {
                cop__export_down(connection, signal->from, NULL, 0, to, signal->ref, failure_term(failed, items));
                end_watched(half);
        }
        cop__asked_end(connection, signal->ref);
        cop__shared_term_drop(failed->reason);
        cop__signal_free(&cop__thread_here()->pool, signal);
}

/* ---- Orders ------------------------------------------------------------------------------------------- */

/* A proper list of so many, and the end behind them; none is only that. */
static void put_list(struct frame *frame, size_t count)
{
        if (count == 0)
                return;
        cop__pen_byte(&frame->pen, 108);
        cop__pen_word(&frame->pen, 4, count);
}

static void put_end_of_list(struct frame *frame)
{
        cop__pen_byte(&frame->pen, 106);
}

static void put_options(struct frame *frame, const cop__spawn_order *order)
{
        put_list(frame, (size_t)order->link + order->monitor + (order->name.size > 0));
        if (order->link)
                put_atom(frame, "link");
        if (order->monitor)
                put_atom(frame, "monitor");
        if (order->name.size > 0) {
                cop__pen_tuple(&frame->pen, 2);
                put_atom(frame, "name");
                cop__pen_atom(&frame->pen, order->name.data, order->name.size);
        }
        put_end_of_list(frame);
}

/* What is printed there comes to net_kernel, which says that it is done: see kernel.c. */
static cop_status write_order(struct cop__connection *connection, const struct cop__signal *request)
{
        const cop__spawn_order *order = cop__signal_body(request);
        struct frame frame = begin(connection);
        control(&frame, COP__CONTROL_SPAWN_REQUEST, 5);
        cop__pen_ref(&frame.pen, request->ref);
        cop__pen_pid(&frame.pen, request->from);
        cop__pen_pid(&frame.pen, (cop_pid){ cop__load_relaxed(&connection->network->kernel) });
        cop__pen_tuple(&frame.pen, 3);
        cop__pen_atom(&frame.pen, order->module.data, order->module.size);
        cop__pen_atom(&frame.pen, order->function.data, order->function.size);
        cop__pen_integer(&frame.pen, order->one ? 1 : order->arguments.count);
        put_options(&frame, order);
        cop__pen_version(&frame.pen);
        if (order->one)
                put_list(&frame, 1);
        cop__pen_term(&frame.pen, order->arguments);
        if (order->one)
                put_end_of_list(&frame);
        return end(&frame);
}

/* Whoever has given up meanwhile gets nobody. */
static void write_spawn(struct cop__connection *connection, cop_pid to, struct cop__signal *request)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__spawning *spawning = NULL;
        bool is_over = cop__calling_is_over(connection->network->node, request);
        if (!is_over)
                spawning = cop__spawning_new(thread, request);
        if (spawning == NULL) {
                cop__fail_call(thread, to, request, is_over ? COP__FAILED_EXPIRED : COP__FAILED_NO_MEMORY, NULL);
                return;
        }
        bool can = connection->peer->flags & COP__CAN_SPAWN;
        cop_status status = can ? write_order(connection, request) : COP_E_NOT_FOUND;
        if (can && status == COP_E_NOT_FOUND) /* a pid or a reference in it that is known no more */
                status = COP_E_MALFORMED;
        cop__signal_free(&thread->pool, request);
        if (status == COP_OK)
                cop__table_insert(&connection->peer->spawning, &spawning->node);
        else
                cop__spawning_fail(thread, spawning, status);
}

void cop__export_spawned(struct cop__connection *connection, cop_ref ref, cop_pid to, unsigned what, cop_term result)
{
        struct frame frame = begin(connection);
        control(&frame, COP__CONTROL_SPAWN_REPLY, 4);
        cop__pen_ref(&frame.pen, ref);
        cop__pen_pid(&frame.pen, to);
        cop__pen_integer(&frame.pen, what);
        cop__pen_term(&frame.pen, result);
        if (end(&frame) != COP_OK) /* whoever waits for it would do so for ever */
                connection->line->hung_up = true;
}

/* ---- Relations ---------------------------------------------------------------------------------------- */

static struct cop__relation *relation_of(struct cop__signal *signal)
{
        return COP__CONTAINER(signal, struct cop__relation, signal);
}

static void refuse(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        cop__news_refuse(connection->network, connection->peer, cop__thread_here(), to, signal);
}

static void write_link(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__relation *half = relation_of(signal);
        bool known = cop__is_linked(connection->peer, signal->from, to);
        if (cop__remote_name_of(connection->network, to) != NULL) { /* names cannot be linked to */
                cop__refuse_signal(cop__thread_here(), to, signal, NULL);
                return;
        }
        if (!known) {
                cop__unlinking_end(connection->peer, signal->from, to, (cop_ref){ 0 });
                write_pair(connection, COP__CONTROL_LINK, signal->from, to);
        }
        half->as.tie.peer = to;
        half->as.tie.node.key = cop__link_key(signal->from, to);
        cop__table_insert(&connection->peer->links, &half->as.tie.node);
}

static void write_watch(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__relation *half = relation_of(signal);
        if (write_monitor(connection, COP__CONTROL_MONITOR, signal->from, to, signal->ref) != COP_OK) {
                refuse(connection, to, signal);
                return;
        }
        half->as.tie.peer = to;
        half->as.tie.node.key = signal->ref.bits;
        cop__table_insert(&connection->peer->watches, &half->as.tie.node);
}

static void unlink_there(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *half = cop__link_take(connection->peer, signal->from, to, signal->ref);
        if (half != NULL && !cop__is_linked(connection->peer, signal->from, to)) {
                if (connection->peer->flags & COP__CAN_UNLINK_ID) {
                        write_unlink(connection, COP__CONTROL_UNLINK_ID, signal->ref.bits, signal->from, to);
                        cop__unlinking_begin(connection->peer, half);
                        half = NULL;
                } else {
                        write_pair(connection, COP__CONTROL_UNLINK, signal->from, to);
                }
        }
        if (half != NULL)
                cop__relation_free(thread, half);
        cop__relation_free(thread, relation_of(signal));
}

static void demonitor_there(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__relation *half = cop__watch_take(connection->peer, signal->ref);
        if (half != NULL) {
                cop__export_demonitor(connection, signal->from, to, signal->ref);
                cop__relation_free(thread, half);
        }
        cop__relation_free(thread, relation_of(signal));
}

/* An actor here has ended that was linked to one there. It sends one for each of its halves, and the first tells. */
static void exit_along_link(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__shared_term *reason = relation_of(signal)->as.exited.reason;
        struct cop__relation *half = cop__link_take(connection->peer, signal->from, to, signal->ref);
        if (half != NULL) {
                cop__export_exit(connection, signal->from, to, reason->term);
                do
                        cop__relation_free(thread, half);
                while ((half = cop__link_take(connection->peer, signal->from, to, (cop_ref){ 0 })) != NULL);
        }
        cop__shared_term_drop(reason);
        cop__relation_free(thread, relation_of(signal));
}

/* Through an alias it would have to be known there whether that is open: Erlang has no such exit. */
static void exit_by_hand(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__shared_term *reason = relation_of(signal)->as.exited.reason;
        if (signal->ref.bits == 0 && cop__remote_name_of(connection->network, to) == NULL)
                write_exit(connection, COP__CONTROL_EXIT2, signal->from, to, reason->term);
        cop__shared_term_drop(reason);
        cop__relation_free(cop__thread_here(), relation_of(signal));
}

static void write_down(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__down_body *body = &relation_of(signal)->as.down;
        struct cop__relation *half = cop__watched_take(connection, signal->ref);
        if (half != NULL) {
                cop__export_down(connection, signal->from, body->message.name.text, body->message.name.size, to, signal->ref,
                                 body->reason->term);
                cop__relation_free(thread, half);
                cop__asked_end(connection, signal->ref);
        }
        cop__shared_term_drop(body->reason);
        cop__relation_free(thread, relation_of(signal));
}

/* ---- All ------------------------------------------------------------------------------------------------- */

/* It is meant for an actor of the life that is up, or for a name. */
static bool is_there(const struct cop__connection *connection, cop_pid to)
{
        return cop__pid_node(to) == COP__NODE_OF_NAMES || cop__pid_node(to) == connection->peer->life;
}

static void export_message(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        if (signal->kind == COP_KIND_OF(cop__spawn_order))
                write_spawn(connection, to, signal);
        else if (signal->ref.bits != 0 && !(signal->flags & COP__SIGNAL_ANSWERED))
                write_call(connection, to, signal);
        else
                write_message(connection, to, signal);
}

void cop__export(struct cop__connection *connection, cop_pid to, struct cop__signal *signal)
{
        if (!is_there(connection, to)) {
                refuse(connection, to, signal);
                return;
        }
        switch (signal->type) {
        case COP__SIGNAL_MESSAGE:
                export_message(connection, to, signal);
                return;
        case COP__SIGNAL_REPLY:
                write_reply(connection, to, signal);
                return;
        case COP__SIGNAL_FAILED:
                write_failure(connection, to, signal);
                return;
        case COP__SIGNAL_LINK:
                write_link(connection, to, signal);
                return;
        case COP__SIGNAL_MONITOR:
                write_watch(connection, to, signal);
                return;
        case COP__SIGNAL_UNLINK:
                unlink_there(connection, to, signal);
                return;
        case COP__SIGNAL_DEMONITOR:
                demonitor_there(connection, to, signal);
                return;
        case COP__SIGNAL_LINK_EXIT:
                exit_along_link(connection, to, signal);
                return;
        case COP__SIGNAL_EXIT:
                exit_by_hand(connection, to, signal);
                return;
        case COP__SIGNAL_DOWN:
                write_down(connection, to, signal);
                return;
        case COP__SIGNAL_WITHDRAWN:
                withdraw(connection, signal);
                return;
        default: /* what asks fails, DEFERRED_BY goes back as a DEMONITOR */
                refuse(connection, to, signal);
        }
}
