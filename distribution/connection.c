/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The actor that a connection is. See connection.h. */
#include "distribution/connection.h"

#include <string.h>

#include "actors/outpost.h"
#include "base/clock.h"
#include "base/cue.h"
#include "distribution/epmd.h"
#include "distribution/handshake.h"
#include "distribution/kernel.h"
#include "distribution/news.h"
#include "distribution/wire.h"

COP__KIND_DEFINE(cop__attempt, caller, peer);
COP__KIND_DEFINE(cop__is_up, unused);

/* How long a handshake may take, as Erlang's. */
#define SET_UP_MS 7000

/* When what is owed is tried again, for which there was no memory. */
#define PAY_MS 100

/* Bytes that are read before others have their turns, and that wait to be written before signals wait instead. */
#define SLICE ((size_t)262144)
#define WAITING ((size_t)1048576)

/* What an answer takes that waits as a signal, with what it refers to. */
#define ANSWER_SIZE ((size_t)256)

/* ---- Talking ------------------------------------------------------------------------------- */

/* The first frame as a whole; false: not yet. */
static bool next_frame(const struct cop__connection *connection, size_t *size, cop_status *status)
{
        struct cop__line *line = connection->line;
        if (cop__tray_waiting(&line->in) < COP__FRAME_HEAD)
                return false;
        const uint8_t *head = cop__line_bytes(line);
        *size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (*size > connection->network->message_max)
                *status = COP_E_TOO_BIG;
        return *status == COP_OK && cop__tray_waiting(&line->in) - COP__FRAME_HEAD >= *size;
}

static cop_status read_frames(struct cop__connection *connection)
{
        cop_status status = COP_OK;
        size_t size, before = cop__tray_waiting(&connection->line->out);
        while (status == COP_OK && next_frame(connection, &size, &status)) {
                if (size > 0)
                        status = cop__import(connection, cop__line_bytes(connection->line) + COP__FRAME_HEAD, size);
                cop__line_read(connection->line, COP__FRAME_HEAD + size);
        }
        connection->answers += cop__tray_waiting(&connection->line->out) - before;
        return status;
}

/* It asks and asks, and does not read what it is answered. */
static bool is_too_slow(struct cop__connection *connection)
{
        size_t waiting = cop__tray_waiting(&connection->line->out);
        if (connection->answers > waiting)
                connection->answers = waiting;
        size_t signals = (size_t)cop__peer_answers(connection->peer) * ANSWER_SIZE;
        return connection->answers + signals > 2 * connection->network->message_max + WAITING;
}

/* False: there is more, for which there is no room now. */
static bool write_signals(struct cop__connection *connection)
{
        struct cop__peer *peer = connection->peer;
        struct cop__signal *signal;
        cop_pid to;
        if (peer->taken.first == NULL)
                cop__peer_take_outbox(peer);
        while (cop__tray_waiting(&connection->line->out) < WAITING && (signal = cop__row_take(&peer->taken, &to)) != NULL)
                cop__export(connection, to, signal);
        cop__line_flush(connection->line);
        if (peer->taken.first == NULL) /* what told of more may have been read already */
                cop__peer_take_outbox(peer);
        return peer->taken.first == NULL;
}

/* Says something if nothing has been said for a quarter of the time. False: the other one has been silent for all of it. */
static bool tick(struct cop__connection *connection)
{
        struct cop__line *line = connection->line;
        uint64_t now_ns = cop__clock_ns(), tick_ns = (uint64_t)connection->network->tick_ms * COP__NS_PER_MS;
        if (now_ns - line->heard_ns >= tick_ns)
                return false;
        if (now_ns - line->told_ns >= tick_ns / 4 && cop__tray_waiting(&line->out) == 0) {
                struct cop__pen pen = { .tray = &line->out, .network = connection->network };
                cop__pen_word(&pen, COP__FRAME_HEAD, 0);
                cop__line_flush(line);
        }
        return true;
}

/* How long it waits for what comes next. What is owed is paid before, but not more often than so. */
static int64_t patience_ms(struct cop__connection *connection)
{
        const int64_t ms = connection->network->tick_ms / 4;
        const uint64_t now_ns = cop__clock_ns();
        if (COP__LIKELY(cop__load_acquire(&connection->peer->news_owed) == 0))
                return ms;
        if (now_ns - connection->paid_ns >= PAY_MS * COP__NS_PER_MS) {
                connection->paid_ns = now_ns;
                if (cop__news_pay(connection->network, connection->peer))
                        return ms;
        }
        return ms < PAY_MS ? ms : PAY_MS;
}

static cop_term reason_of(cop_status status)
{
        switch (status) {
        case COP_E_TOO_BIG:
                return cop_atom("too_big");
        case COP_E_NO_MEMORY:
                return cop_atom("no_memory");
        default:
                return cop_atom("malformed");
        }
}

/* What has come from here. True: go on. The message is what the reason may be a part of, and is the caller's. */
static bool obey(struct cop__connection *connection, cop_message *message, cop_term *reason)
{
        const cop__hang_up *hang_up = cop_message_as(message, COP_KIND_OF(cop__hang_up));
        if (hang_up != NULL) {
                *reason = cop_atom(hang_up->why.text);
                return false;
        }
        if (cop_message_as(message, COP_KIND_OF(cop_down)) != NULL) {
                *reason = cop_atom("net_kernel_terminated");
                return false;
        }
        if (cop_message_as(message, COP_KIND_OF(cop__is_up)) != NULL)
                cop_answer_value(message, COP_KIND_OF(cop__is_up), &(cop__is_up){ 0 });
        (void)connection;
        return true;
}

/* Until it is over: *reason. What that points at lives as long as *last. */
static void talk(struct cop__connection *connection, cop_message **last, cop_term *reason)
{
        bool going_on = true;
        while (going_on) {
                long got = cop__line_fill(connection->line, SLICE);
                cop_status status = got == -2 ? COP_E_NO_MEMORY : read_frames(connection);
                bool written = write_signals(connection);
                if (status != COP_OK) {
                        *reason = reason_of(status);
                        return;
                }
                if (connection->line->hung_up) {
                        *reason = cop_atom("connection_closed");
                        return;
                }
                if (is_too_slow(connection)) {
                        *reason = cop_atom("too_slow");
                        return;
                }
                if (!tick(connection)) {
                        *reason = cop_atom("net_tick_timeout");
                        return;
                }
                bool more = got >= (long)SLICE || (!written && cop__tray_waiting(&connection->line->out) == 0);
                cop_message_free(*last);
                if (more)
                        cop_yield();
                *last = cop_receive(more ? 0 : patience_ms(connection), COP_KIND(cop__ready), COP_KIND(cop__hang_up),
                                    COP_KIND(cop__is_up), COP_KIND(cop_down));
                going_on = obey(connection, *last, reason);
        }
}

static void be_connected(struct cop__connection *connection, const struct cop__introduction *other)
{
        cop_message *last = NULL;
        cop_term reason = cop_nil();
        if (!cop__peer_up(connection->network, connection->peer, connection->self, other->creation, other->flags))
                return;
        talk(connection, &last, &reason);
        cop__peer_down(connection->network, connection->peer, connection->self, reason);
        cop_message_free(last);
}

/* ---- Calling ---------------------------------------------------------------------------------- */

/* Where the peer is: as it was said, else what its name says and epmd knows. */
static cop_status reach(struct cop__connection *connection, uint64_t deadline_ns)
{
        struct cop__peer *peer = connection->peer;
        char host[sizeof(peer->host)];
        cop_status status = COP_OK;
        cop__lock_lock(&peer->lock);
        memcpy(host, peer->host, sizeof(host));
        uint16_t port = peer->port;
        cop__lock_unlock(&peer->lock);
        if (host[0] == '\0') {
                const char *said = strchr(peer->name, '@') + 1;
                memcpy(host, said, strlen(said) + 1);
        }
        if (port == 0 && connection->network->epmd_port == 0)
                return COP_E_NO_CONNECTION;
        if (port == 0)
                status = cop__epmd_ask(connection->network, host, peer->name, deadline_ns, &port);
        return status == COP_OK ? cop__line_call(connection->network, host, port, deadline_ns, &connection->line) : status;
}

/* The other one's attempt counts: it takes this over, or fails like any. */
static void await_theirs(uint64_t deadline_ns)
{
        uint64_t now_ns = cop__clock_ns();
        int64_t ms = now_ns < deadline_ns ? (int64_t)((deadline_ns - now_ns) / COP__NS_PER_MS) : 0;
        cop_message_free(cop_receive(ms, COP_KIND(cop__hang_up), COP_KIND(cop_down)));
}

static void call(struct cop__connection *connection)
{
        struct cop__introduction other;
        uint64_t deadline_ns = cop__deadline_ns(SET_UP_MS);
        cop_pid owner;
        if (!cop__peer_try(connection->peer, connection->self, true, &owner))
                return;
        cop_status status = reach(connection, deadline_ns);
        if (status == COP_OK)
                status = cop__handshake_call(connection->line, connection->peer, deadline_ns, &other);
        if (status == COP_E_TAKEN)
                await_theirs(deadline_ns);
        if (status == COP_OK)
                be_connected(connection, &other);
        cop__peer_down(connection->network, connection->peer, connection->self, cop_atom("nodedown"));
}

/* ---- Being called -------------------------------------------------------------------------------- */

/* What the one who calls is told: it may come in, it calls in vain, or there is a connection already, it seems. */
static const char *word_for(const struct cop__connection *connection, const struct cop__introduction *other)
{
        if (connection->peer == NULL || cop__peer_is_free(connection->peer))
                return "ok";
        if (!cop__peer_calls_out(connection->peer))
                return "alive"; /* also an attempt of theirs that they have given up */
        return strcmp(other->name, connection->network->name) < 0 ? "nok" : "ok_simultaneous";
}

/* The attempt of ours is given up for this one of theirs, which is the one that counts. False: there is none. */
static bool take_over(struct cop__connection *connection)
{
        cop_pid before;
        if (!cop__peer_take_over(connection->peer, connection->self, &before))
                return false;
        cop__tell(connection->self, before, COP_KIND_OF(cop__hang_up), &(cop__hang_up){ COP_SYMBOL("simultaneous") });
        return true;
}

/* The one before it, an attempt of ours perhaps that has failed, is over but for what it tells of that: which takes a moment. */
static bool is_closing(const struct cop__connection *connection, uint64_t deadline_ns)
{
        cop_pid owner;
        if (cop__peer_look(connection->peer, &owner) != COP__PEER_CLOSING || cop__clock_is_past(deadline_ns))
                return false;
        COP__CUE("connection.finds_closing");
        cop_sleep(1);
        return true;
}

/*
 * The peer becomes ours: the other one has shown the cookie, and before that nothing is given up for it, and no place is made.
 * `replaces`: it has said that the connection that there was is over.
 */
static cop_status claim(struct cop__connection *connection, uint64_t deadline_ns, const struct cop__introduction *other,
                        bool replaces)
{
        cop_pid owner;
        bool counts = strcmp(other->name, connection->network->name) > 0;
        connection->peer = cop__network_peer(connection->network, other->name, strlen(other->name));
        if (connection->peer == NULL)
                return COP_E_LIMIT;
        for (int tries = 0; tries < 3; tries += !is_closing(connection, deadline_ns)) {
                if (cop__peer_try(connection->peer, connection->self, false, &owner))
                        return COP_OK;
                if (counts && take_over(connection))
                        return COP_OK;
                bool calls = cop__peer_calls_out(connection->peer);
                if (calls && !counts) { /* we have called it meanwhile, and it gives this one up for that */
                        cop__line_await(connection->line, 1, deadline_ns);
                        return COP_E_TAKEN;
                }
                if (!calls && replaces)
                        cop__connection_end(owner, "replaced", SET_UP_MS); /* whose other end knows nothing of it any more */
        }
        return COP_E_TAKEN;
}

static cop_status let_in(struct cop__connection *connection, uint64_t deadline_ns, const struct cop__introduction *other)
{
        const char *word = word_for(connection, other);
        bool replaces = strcmp(word, "alive") == 0, is = true;
        uint32_t challenge;
        cop_status status = cop__handshake_say(connection->line, word);
        if (status == COP_OK && strcmp(word, "nok") == 0)
                status = COP_E_TAKEN;
        if (status == COP_OK && replaces)
                status = cop__handshake_is_true(connection->line, deadline_ns, &is);
        if (status == COP_OK && !is)
                status = COP_E_NO_CONNECTION;
        if (status == COP_OK)
                status = cop__handshake_challenge(connection->line, deadline_ns, &challenge);
        if (status == COP_OK)
                status = claim(connection, deadline_ns, other, replaces);
        return status == COP_OK ? cop__handshake_meet(connection->line, challenge) : status;
}

static void be_called(struct cop__connection *connection, uint64_t caller)
{
        struct cop__introduction other;
        uint64_t deadline_ns = cop__deadline_ns(SET_UP_MS);
        int socket = cop__caller_take(connection->network, caller);
        connection->line = socket >= 0 ? cop__line_new(connection->network, socket, true) : NULL;
        if (connection->line == NULL || !cop_is_alive(cop_parent())) /* the next one looks for lines when that is dead */
                return;
        if (cop__handshake_hear(connection->line, deadline_ns, &other) != COP_OK)
                return;
        if (strcmp(other.name, connection->network->name) == 0) {
                cop__handshake_say(connection->line, "not_allowed");
                return;
        }
        connection->peer = cop__network_find(connection->network, other.name, strlen(other.name));
        if (let_in(connection, deadline_ns, &other) == COP_OK) {
                cop__tell(connection->self, cop_parent(), COP_KIND_OF(cop__admitted), &(cop__admitted){ connection->self });
                be_connected(connection, &other);
        }
        if (connection->peer != NULL)
                cop__peer_down(connection->network, connection->peer, connection->self, cop_atom("nodedown"));
}

/* ---- The end -------------------------------------------------------------------------------------- */

cop_status cop__connection_end(cop_pid pid, const char *why, int64_t timeout_ms)
{
        cop_ref ref;
        cop_status status = cop_monitor(pid, &ref);
        if (status != COP_OK)
                return status;
        status = cop__tell(cop_self(), pid, COP_KIND_OF(cop__hang_up), &(cop__hang_up){ cop_symbol_of(why) });
        if (status == COP_OK)
                cop_message_free(cop_receive(timeout_ms, COP_REF(cop_down, ref)));
        cop_demonitor_flush(ref);
        return status;
}

/* ---- Both ------------------------------------------------------------------------------------------ */

void cop__connection_run(const cop__attempt *attempt)
{
        struct cop__connection connection = { .network = cop__network_here(), .self = cop_self() };
        cop_ref ref;
        cop_monitor(cop_parent(), &ref); /* net_kernel. Without memory for it this one outlives it until the node ends */
        if (attempt->caller != 0) {
                be_called(&connection, attempt->caller);
                return;
        }
        connection.peer = connection.network->peers[attempt->peer];
        call(&connection);
}
