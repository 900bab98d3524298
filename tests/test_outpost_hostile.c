/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the process of an actor may send, once its memory is broken: anything. It writes past the library, straight into its socket,
 * packets that are right, nearly right, and wrong; the node must stand, whatever becomes of the actor.
 *
 * Pids in them are the actor's own, nobody's, and that of a bystander who does not mind: any actor may end any other.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/syscall.h>

#include <coppice/registry.h>

#include "actors/actor.h"
#include "actors/crossing.h"
#include "actors/inside.h"
#include "actors/outpost_hear.h"
#include "actors/sys.h"
#include "base/random.h"
#include "tests/apart.h"

/* Where its socket lies in each process; see zygote_main.c. */
#define SOCKET 250

typedef struct lie {
        uint64_t seed;
        int64_t packets;
        cop_pid bystander;
} lie;
COP_MESSAGE(lie, seed, packets, bystander);

typedef struct liar {
        uint64_t random;
        cop_pid bystander;
} liar;
COP_MESSAGE(liar, random, bystander);

static uint64_t draw(liar *self)
{
        return cop__random_next(&self->random);
}

static uint64_t draw_below(liar *self, uint32_t bound)
{
        return cop__random_below(&self->random, bound);
}

/* Small, at an edge, or anything. */
static uint64_t draw_number(liar *self)
{
        static const uint64_t edges[] = { 0, 1, 2, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX };
        switch (draw_below(self, 3)) {
        case 0:
                return draw_below(self, 40);
        case 1:
                return edges[draw_below(self, COP__COUNT(edges))];
        default:
                return draw(self);
        }
}

static cop_pid draw_pid(liar *self)
{
        switch (draw_below(self, 4)) {
        case 0:
                return cop_self();
        case 1:
                return self->bystander;
        case 2:
                return (cop_pid){ UINT64_C(0xffff) << 40 | draw_below(self, 1000) }; /* in no node */
        default:
                return cop_no_pid();
        }
}

static cop_text draw_text(liar *self)
{
        static const char letters[] = "bystander\0\x1b[2J\xff";
        switch (draw_below(self, 4)) {
        case 0:
                return (cop_text){ 0, NULL };
        case 1:
                return cop_text_of("bystander");
        case 2:
                return (cop_text){ draw_below(self, sizeof(letters)), letters };
        default:
                return cop_text_of("no such name");
        }
}

static cop_term draw_term(liar *self)
{
        static const cop_term items[] = { { .type = COP_TERM_NIL } };
        switch (draw_below(self, 6)) {
        case 0:
                return cop_nil();
        case 1:
                return cop_int((int64_t)draw_number(self));
        case 2:
                return cop_pid_term(draw_pid(self));
        case 3:
                return cop_list_of(items, 1);
        case 4:
                return cop_tuple_of(items, 1);
        default:
                return cop_atom("normal");
        }
}

/* ---- Bodies ------------------------------------------------------------------------------ */

static cop_status encode_query(liar *self, uint8_t **bytes, size_t *size)
{
        uint8_t *body = NULL;
        size_t body_size = 0;
        cop__wish wish = { .server = draw_number(self), .run = draw_number(self), .name = draw_text(self),
                           .label = draw_text(self), .server_name = draw_text(self),
                           .mailbox_limit = (uint32_t)draw_number(self) };
        if (draw_below(self, 2) == 0 &&
            cop__kind_encode(COP_KIND_OF(cop__wish), &wish, &body, &body_size) != COP_OK)
                body_size = 0;
        cop__query query = {
                .what = (uint32_t)draw_below(self, COP__ASK_LAST + 2), .how = (uint32_t)draw_below(self, 7),
                .on = draw_below(self, 2), .number = (int64_t)draw_number(self), .pid = draw_pid(self),
                .ref = { draw_number(self) }, .name = draw_text(self), .term = draw_term(self),
                .value = draw_term(self), .body = cop_bytes_of(body, body_size),
        };
        cop_status status = cop__kind_encode(COP_KIND_OF(cop__query), &query, bytes, size);
        free(body);
        return status;
}

static cop_status encode_obituary(liar *self, uint8_t **bytes, size_t *size)
{
        cop__obituary obituary = { .reason = draw_term(self), .ignored = draw_below(self, 2), .reports = true,
                                   .unread = (uint32_t)draw_number(self), .from = draw_pid(self),
                                   .message = draw_text(self), .state = draw_text(self) };
        return cop__kind_encode(COP_KIND_OF(cop__obituary), &obituary, bytes, size);
}

/* What belongs into such a packet. */
static cop_status encode_fitting(liar *self, const struct cop__crossing_packet *packet, uint8_t **bytes, size_t *size)
{
        cop__log_line line = { .level = (uint32_t)draw_number(self), .text = draw_text(self) };
        switch (packet->type) {
        case COP__PACKET_ASK:
                return encode_query(self, bytes, size);
        case COP__PACKET_ENDED:
                return encode_obituary(self, bytes, size);
        case COP__PACKET_LOG:
                return cop__kind_encode(COP_KIND_OF(cop__log_line), &line, bytes, size);
        case COP__PACKET_SIGNAL:
                if (packet->signal != COP__SIGNAL_EXIT && draw_below(self, 2) == 0)
                        return cop__kind_encode(COP_KIND_OF(add), &(add){ 5 }, bytes, size);
                return cop__kind_encode(COP_KIND_OF(cop_any), &(cop_any){ draw_term(self) }, bytes, size);
        default:
                return cop__kind_encode(COP_KIND_OF(cop_any), &(cop_any){ draw_term(self) }, bytes, size);
        }
}

/* That of any other packet. */
static cop_status encode_body(liar *self, const struct cop__crossing_packet *packet, uint8_t **bytes, size_t *size)
{
        struct cop__crossing_packet other = { .type = (uint8_t)draw_below(self, COP__PACKET_LOG + 1) };
        return encode_fitting(self, draw_below(self, 100) > 0 ? packet : &other, bytes, size);
}

/* ---- Packets ------------------------------------------------------------------------------- */

static void write_all(const void *bytes, size_t size)
{
        for (const char *at = bytes; size > 0;) {
                ssize_t sent = send(SOCKET, at, size, MSG_NOSIGNAL);
                if (sent < 0)
                        _exit(0); /* it has been enough */
                at += sent;
                size -= (size_t)sent;
        }
}

/* Mostly of a type that a process may send: with one that it may not, all is over. */
static uint8_t draw_type(liar *self)
{
        static const uint8_t types[] = { COP__PACKET_SIGNAL, COP__PACKET_SIGNAL, COP__PACKET_ASK, COP__PACKET_ASK,
                                         COP__PACKET_ASK, COP__PACKET_STARTED, COP__PACKET_DEFER,
                                         COP__PACKET_UNWATCH, COP__PACKET_LOG };
        switch (draw_below(self, 200)) {
        case 0:
                return COP__PACKET_ENDED;
        case 1:
                return (uint8_t)draw(self);
        default:
                return types[draw_below(self, COP__COUNT(types))];
        }
}

static uint8_t draw_signal(liar *self)
{
        static const uint8_t types[] = { COP__SIGNAL_MESSAGE, COP__SIGNAL_REPLY, COP__SIGNAL_FAILED,
                                         COP__SIGNAL_EXIT };
        return draw_below(self, 100) > 0 ? types[draw_below(self, COP__COUNT(types))] : (uint8_t)draw(self);
}

static void tell_a_lie(liar *self)
{
        uint8_t *bytes = NULL;
        size_t size = 0;
        struct cop__crossing_packet packet = {
                .type = draw_type(self), .signal = draw_signal(self), .flags = (uint16_t)draw_number(self),
                .pid = draw_pid(self).bits, .ref = draw_number(self), .more = draw_number(self),
        };
        if (encode_body(self, &packet, &bytes, &size) != COP_OK)
                return; /* a text that is none */
        packet.size = (uint32_t)size;
        for (uint64_t wrong = draw_below(self, 50) == 0 ? 1 + draw_below(self, 4) : 0; wrong > 0 && size > 0; wrong--)
                bytes[draw_below(self, (uint32_t)size)] = (uint8_t)draw(self);
        if (draw_below(self, 200) == 0)
                packet.size = (uint32_t)draw_number(self);
        write_all(&packet, sizeof(packet));
        write_all(bytes, size);
        free(bytes);
}

static void liar_on_lie(liar *self, const lie *l)
{
        self->random = l->seed;
        self->bystander = l->bystander;
        for (int64_t i = 0; i < l->packets; i++)
                tell_a_lie(self);
        _exit(0);
}

COP_SERVER(liar, COP_ON(lie, liar_on_lie));

static cop_pid begin_bystander(void)
{
        cop_pid pid = cop_spawn_server(&adder_server, NULL);
        cop_register("bystander", pid);
        return pid;
}

static void be_lied_to(uint64_t seed, cop_pid *bystander)
{
        if (!cop_is_alive(*bystander))
                *bystander = begin_bystander();
        cop_pid pid = START_APART(.server = &liar_server);
        cop_ref ref = watch(pid);
        cop_send(pid, lie, .seed = seed, .packets = 200, .bystander = *bystander);
        cop_message_free(await(COP_REF(cop_down, ref)));
        cop_auto reply = NULL;
        cop_pid honest = cop_spawn_server(&adder_server, NULL);
        ck_assert_msg(cop_call(&reply, honest, PATIENCE_MS, add, .number = 7) == COP_OK, "after the lies of seed %llu",
                      (unsigned long long)seed);
        ck_assert_int_eq(cop_read(sum, reply)->total, 7);
        cop_send_exit(honest, cop_atom("kill"));
}

/* ---- The packet that lost its value ------------------------------------------------------------- */

typedef struct blow {
        bool by_question;
} blow;
COP_MESSAGE(blow, by_question);

typedef struct {
        int64_t blows;
} desperate;

/* An exit signal to itself, or a link to nobody; what the packet bears is long enough to lie in memory of its own. */
static void desperate_on_blow(desperate *self, const blow *b)
{
        uint8_t *bytes;
        size_t size;
        const cop_term why = COP_TUPLE(cop_atom("by_itself"), cop_string("with a text that is too long for a term to hold it"));
        struct cop__crossing_packet packet = { .type = b->by_question ? COP__PACKET_ASK : COP__PACKET_SIGNAL, .signal = COP__SIGNAL_EXIT,
                                      .pid = cop_self().bits };
        cop__query query = { .what = COP__ASK_LINK, .pid = { UINT64_C(0xffff) << 40 | 1 }, .term = why };
        self->blows++;
        cop_status status = b->by_question ? cop__kind_encode(COP_KIND_OF(cop__query), &query, &bytes, &size)
                                           : cop__kind_encode(COP_KIND_OF(cop_any), &(cop_any){ why }, &bytes, &size);
        if (status != COP_OK)
                _exit(1);
        packet.size = (uint32_t)size;
        write_all(&packet, sizeof(packet));
        write_all(bytes, size);
        free(bytes);
}

COP_SERVER(desperate, COP_ON(blow, desperate_on_blow));

/*
 * What was read from it was lost with the actor that it ended. Random packets found that, and only the leak checker of the asan build
 * sees it.
 */
IN_NODE_WITH(what_a_process_asks_is_freed_also_where_the_answer_ends_its_actor, .processes = true)
{
        for (int i = 0; i < 2; i++) {
                cop_pid pid = START_APART(.server = &desperate_server);
                cop_ref ref = watch(pid);
                cop_send(pid, blow, .by_question = i > 0);
                cop_auto down = await(COP_REF(cop_down, ref));
                const char *reason = text_of(cop_read(cop_down, down)->reason);
                ck_assert_msg(strstr(reason, i > 0 ? "noproc" : "by_itself") != NULL, "%s", reason);
        }
}

/* ---- One packet at a time ------------------------------------------------------------------------ */

typedef struct forgery {
        cop_bytes bytes; /* none: its socket goes */
} forgery;
COP_MESSAGE(forgery, bytes);

typedef struct {
        int64_t forged;
} forger;

static void forger_on_forgery(forger *self, const forgery *f)
{
        self->forged++;
        write_all(f->bytes.data, f->bytes.size);
        if (f->bytes.size == 0)
                syscall(SYS_close, SOCKET); /* it has nothing to say, so it does not notice */
}

COP_SERVER(forger, COP_ON(forgery, forger_on_forgery));

/* The process of an actor writes these bytes. What its actor ends of. */
static const char *end_by(const void *bytes, size_t size)
{
        cop_pid pid = START_APART(.server = &forger_server);
        cop_ref ref = watch(pid);
        int64_t os_pid = os_pid_of(pid);
        ck_assert_int_eq(cop_send(pid, forgery, .bytes = cop_bytes_of(bytes, size)), COP_OK);
        cop_auto down = await(COP_REF(cop_down, ref));
        await_true(is_gone(os_pid));
        return text_of(cop_read(cop_down, down)->reason);
}

static const char *end_by_packet(struct cop__crossing_packet packet, const cop_kind *kind, const void *value)
{
        struct cop__tray tray = { .start = 0 };
        ck_assert_int_eq(cop__tray_put(&tray, packet, kind, value), COP_OK);
        const char *reason = end_by(tray.data, tray.end);
        cop__tray_free(&tray);
        return reason;
}

/* Of nobody, under one reference. */
static const char *end_by_two_calls(void)
{
        const struct cop__crossing_packet packet = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_MESSAGE, .flags = COP__SIGNAL_CALL,
                                            .ref = 1 };
        struct cop__tray tray = { .start = 0 };
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop__tray_put(&tray, packet, COP_KIND_OF(add), &(add){ 5 }), COP_OK);
        const char *reason = end_by(tray.data, tray.end);
        cop__tray_free(&tray);
        return reason;
}

#define MALFORMED "{os_process, malformed}"

/* A packet of no type, and one that goes the other way; a signal of no type; one that is larger than a message may be; a call
 * under a reference that another had; a question that nobody asks; the answer to one that nobody has asked. */
IN_NODE_WITH(an_actor_whose_process_writes_a_packet_that_it_may_not_ends_as_malformed, .processes = true)
{
        const struct cop__crossing_packet large = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_MESSAGE,
                                           .size = COP_MESSAGE_SIZE_MAX + 1 };
        const struct cop__crossing_packet nameless = { .type = COP__PACKET_SIGNAL, .signal = 0xee };
        ck_assert_str_eq(end_by_packet((struct cop__crossing_packet){ .type = 0xee }, NULL, NULL), MALFORMED);
        ck_assert_str_eq(end_by_packet((struct cop__crossing_packet){ .type = COP__PACKET_BEGIN }, NULL, NULL), MALFORMED);
        ck_assert_str_eq(end_by_packet(nameless, NULL, NULL), MALFORMED);
        ck_assert_str_eq(end_by(&large, sizeof(large)), MALFORMED);
        ck_assert_str_eq(end_by_two_calls(), MALFORMED);
        ck_assert_str_eq(end_by_packet((struct cop__crossing_packet){ .type = COP__PACKET_ASK }, COP_KIND_OF(cop__query),
                                       &(cop__query){ .what = COP__ASK_LAST + 1 }), MALFORMED);
        ck_assert_str_eq(end_by_packet((struct cop__crossing_packet){ .type = COP__PACKET_SYS_ANSWER, .ref = 1 },
                                       COP_KIND_OF(cop__sys_answer), &(cop__sys_answer){ .status = COP_OK }), MALFORMED);
        nothing_has_come();
}

/* What becomes of it is known when it ends, for which five seconds are waited; then it is killed. */
IN_NODE_WITH(an_actor_whose_process_goes_on_without_its_socket_is_disconnected, .processes = true)
{
        ck_assert_str_eq(end_by(NULL, 0), "{os_process, disconnected}");
}

/* ---- One question at a time ------------------------------------------------------------------------ */

static void says_told(cop__query ask)
{
        cop__told told = { .status = COP_OK };
        cop_status status = cop__inside_ask(ask, &told);
        cop_send(cop_parent(), note, .number = status == COP_OK ? (int64_t)told.status : -1);
}

static void asks_for_wish(const cop__wish *wish)
{
        uint8_t *body;
        size_t size;
        if (cop__kind_encode(COP_KIND_OF(cop__wish), wish, &body, &size) != COP_OK)
                return;
        says_told((cop__query){ .what = COP__ASK_SPAWN, .body = cop_bytes_of(body, size) });
        free(body);
}

#define OF_ADDER .server = (uintptr_t)&adder_server, .server_name = COP_TEXT("adder")

/* As the library in a process never asks; it is one that has been overwritten. The last question is a good one. */
static void asks_what_nobody_asks(void)
{
        const cop_bytes garbage = cop_bytes_of("\xc1\xc1", 2);
        says_told((cop__query){ .what = COP__ASK_TIMER, .how = COP__TIMER_HOWS, .pid = cop_parent(), .number = 1 });
        says_told((cop__query){ .what = COP__ASK_TIMER, .how = COP__TIMER_EVERY, .pid = cop_parent() });
        says_told((cop__query){ .what = COP__ASK_SERVER, .pid = cop_parent() });
        says_told((cop__query){ .what = COP__ASK_SHUTDOWN, .pid = cop_parent() });
        asks_for_wish(&(cop__wish){ .server = (uintptr_t)&cop_registry_server, .argument = garbage });
        asks_for_wish(&(cop__wish){ OF_ADDER, .mailbox_high = 1, .mailbox_low = 5 });
        asks_for_wish(&(cop__wish){ OF_ADDER, .name = { 3, "a\0b" } });
        says_told((cop__query){ .what = COP__ASK_TIMER, .how = COP__TIMER_EXITS, .pid = cop_self(), .number = 1,
                                .term = cop_atom("over") });
        cop_sleep(COP_FOREVER);
}

IN_NODE_WITH(a_process_that_asks_for_what_there_is_not_is_refused_and_may_ask_again, .processes = true)
{
        const cop_status wanted[] = { COP_E_BAD_ARGUMENT, COP_E_BAD_ARGUMENT, COP_E_BAD_ARGUMENT, COP_E_BAD_ARGUMENT,
                                      COP_E_MALFORMED, COP_E_BAD_ARGUMENT, COP_E_BAD_ARGUMENT, COP_OK };
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run = asks_what_nobody_asks, .isolation = COP_ISOLATION_PROCESS, .monitor = true,
                                      .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        for (size_t i = 0; i < COP__COUNT(wanted); i++) {
                cop_auto told = await(COP_KIND(note));
                int64_t status = cop_read(note, told)->number;
                ck_assert_msg(status == (int64_t)wanted[i], "question %zu: %d", i, (int)status);
        }
        await_down(ref, "over");
        nothing_has_come();
}

/* ---- Answers to what it was not asked -------------------------------------------------------------- */

typedef struct counterfeit {
        cop_pid coiner, to;
        cop_ref ref;
} counterfeit;
COP_MESSAGE(counterfeit, coiner, to, ref);

static void coin(cop_pid to, cop_ref ref)
{
        struct cop__tray tray = { 0 };
        const struct cop__crossing_packet packet = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_REPLY, .pid = to.bits,
                                            .ref = ref.bits };
        if (cop__tray_put(&tray, packet, COP_KIND_OF(add), &(add){ 5 }) != COP_OK)
                _exit(1);
        write_all(tray.data, tray.end);
        cop__tray_free(&tray);
}

static void coins(void)
{
        cop_auto order = cop_receive(COP_FOREVER, COP_KIND(counterfeit));
        const counterfeit *f = cop_read(counterfeit, order);
        coin(f->to, f->ref);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static void answers_under_no_reference(void)
{
        coin(cop_parent(), (cop_ref){ 0 });
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

/* Somebody in the node whose start is waited for tells under which reference. */
static void confides(const counterfeit *f)
{
        cop_send(f->coiner, counterfeit, .to = cop_parent(), .ref = cop__actor_here()->start->ref);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_NODE_WITH(who_waits_for_a_start_believes_no_process_that_answers_for_it, .processes = true)
{
        cop_pid pid;
        cop_spawn_options options = { .run = answers_under_no_reference, .init_ack = true, .isolation = COP_ISOLATION_PROCESS };
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{os_process, malformed}");
        const counterfeit argument = { .coiner = START_APART(.run = coins) };
        options = (cop_spawn_options){ .run_with = COP_RUN_WITH(confides, counterfeit), .init_ack = true,
                                       .kind = COP_KIND_OF(counterfeit), .argument = &argument };
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_E_NO_REPLY);
        cop_auto reply = NULL;
        cop_pid honest = cop_spawn_server(&adder_server, NULL);
        ck_assert_int_eq(cop_call(&reply, honest, PATIENCE_MS, add, .number = 7), COP_OK);
}

COP_CHANNEL(add);

/* An item that no channel has given it, as one that it has not received; and then one that it puts. */
static void gives_back(const add_channel *channel)
{
        struct cop__tray tray = { 0 };
        struct cop__crossing_packet packet = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_MESSAGE, .pid = channel->pid.bits,
                                      .ref = 1, .flags = COP__SIGNAL_RETURN | COP__SIGNAL_ANSWERED };
        if (cop__tray_put(&tray, packet, COP_KIND_OF(add), &(add){ 5 }) != COP_OK)
                _exit(1);
        write_all(tray.data, tray.end);
        cop__tray_free(&tray);
        cop_put(*channel, PATIENCE_MS, add, .number = 7);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_NODE_WITH(a_channel_takes_back_from_a_process_only_what_it_has_given, .processes = true)
{
        add_channel channel;
        cop_auto item = NULL;
        ck_assert_int_eq(cop_channel_open(&channel, add, 2), COP_OK);
        START_APART(RUN_WITH(gives_back, add_channel, channel.pid));
        ck_assert_int_eq(cop_take(&item, channel, PATIENCE_MS, add), COP_OK);
        ck_assert_int_eq(cop_read(add, item)->number, 7);
}

/* ---- Who asks and does not read ------------------------------------------------------------------- */

static void asks_and_asks(void)
{
        uint8_t *bytes;
        size_t size;
        cop__query query = { .what = COP__ASK_REGISTERED };
        struct cop__crossing_packet packet = { .type = COP__PACKET_ASK };
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        if (cop__kind_encode(COP_KIND_OF(cop__query), &query, &bytes, &size) != COP_OK)
                _exit(1);
        packet.size = (uint32_t)size;
        for (int i = 0; i < 100000; i++) {
                write_all(&packet, sizeof(packet));
                write_all(bytes, size);
        }
        _exit(3);
}

IN_NODE_WITH(a_process_that_asks_on_without_reading_is_ended_and_takes_no_memory_for_that, .processes = true)
{
        cop_pid pid = START_APART(.run = asks_and_asks);
        cop_ref ref = watch(pid);
        cop_register("somebody_with_a_long_name_that_is_told_to_whoever_asks_for_all_of_them", cop_self());
        cop_send(pid, note, .number = 1);
        await_down(ref, "{os_process, malformed}");
}

/* Its end is read, and what waits for it stays where it is, be there no socket yet or one that it has left. */
IN_NODE(to_a_process_that_has_hung_up_or_is_not_there_yet_nothing_is_written)
{
        int sockets[2];
        char byte;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets), 0);
        const struct cop__crossing_packet packet = { .type = COP__PACKET_ASK };
        struct cop__crossing crossings[] = { { .socket = -1 }, { .socket = sockets[0], .hung_up = true } };
        for (size_t i = 0; i < COP__COUNT(crossings); i++) {
                struct cop__tray *out = &crossings[i].out;
                ck_assert_int_eq(cop__tray_put(out, packet, NULL, NULL), COP_OK);
                cop__crossing_flush(&crossings[i], cop_self());
                ck_assert_uint_eq(cop__tray_waiting(out), sizeof(packet));
                ck_assert(recv(sockets[1], &byte, 1, 0) == -1 && errno == EAGAIN);
                cop__tray_free(out);
        }
        close(sockets[0]);
        close(sockets[1]);
}

/* Processes that are asked for with addresses where no code is say so. */
static void hush(void)
{
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(dup2(nowhere, STDERR_FILENO), 0);
        close(nowhere);
}

TEST_WITHIN(whatever_a_process_writes_the_node_stands, 600)
{
        hush(); /* before the zygote, whose children have it too */
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        const char *seeds = getenv("COP_SOAK_LIES");
        uint64_t rounds = seeds != NULL ? (uint64_t)atoll(seeds) : suite_is_slow() || COP__TINY ? 20 : 100;
        cop_pid bystander = begin_bystander();
        for (uint64_t seed = 1; seed <= rounds; seed++)
                be_lied_to(seed, &bystander);
        node_end(node);
}
