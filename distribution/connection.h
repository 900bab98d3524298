/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The connection with a peer: an actor that calls or is called, shakes hands, and then writes what the outbox has and acts on
 * what comes.
 *
 *      init ── call or be called ── handshake ── peer is UP ──► ┌ read, act ── outbox, write ── tick ── wait ┐ ──► peer is down
 *                                                               └───────────────────────◄────────────────────┘
 *
 * export.c writes signals, import.c acts on frames; what both look at is struct cop__connection.
 */
#ifndef DISTRIBUTION_CONNECTION_H
#define DISTRIBUTION_CONNECTION_H

#include "distribution/external.h"
#include "distribution/line.h"
#include "distribution/peer.h"

struct cop__connection {
        struct cop__network *network;
        struct cop__peer *peer;
        struct cop__line *line;
        cop_pid self;
        uint64_t paid_ns; /* when what is owed was paid last; see news.h */
        size_t answers; /* of what waits to be written at most so many bytes have been asked for by the other side */
};

/* A connection that is to be: with one who calls, or with a peer to be called. */
typedef struct cop__attempt {
        uint64_t caller; /* 0: the peer is to be called */
        uint32_t peer;
} cop__attempt;
COP__KIND_DECLARE(cop__attempt);

void cop__connection_run(const cop__attempt *attempt);
/* Tells it to end, and waits for that as long as is said. Errors: COP_E_NO_MEMORY, COP_E_OVERLOAD. */
cop_status cop__connection_end(cop_pid pid, const char *why, int64_t timeout_ms);

/* A question to one, and the answer when the peer is up; it ends without one if that fails. */
typedef struct cop__is_up {
        uint32_t unused;
} cop__is_up;
COP__KIND_DECLARE(cop__is_up);

/* ---- Both ways --------------------------------------------------------------------------- */

/* Writes one signal for a target there, which ends with that or is kept in a table of the peer's. */
void cop__export(struct cop__connection *connection, cop_pid to, struct cop__signal *signal);

/* Writes a DOWN of a monitor of theirs. `name`: it was monitored by that; else NULL. */
void cop__export_down(struct cop__connection *connection, cop_pid from, const char *name, size_t name_size, cop_pid to,
                      cop_ref ref,
                      cop_term reason);
void cop__export_demonitor(struct cop__connection *connection, cop_pid from, cop_pid to, cop_ref ref);
void cop__export_exit(struct cop__connection *connection, cop_pid from, cop_pid to, cop_term reason);
void cop__export_unlinked(struct cop__connection *connection, uint64_t id, cop_pid from, cop_pid to);

/* The answer to an order of theirs: a pid, or the word for why not. `what`: COP__SPAWN_LINKED, COP__SPAWN_MONITORED. */
void cop__export_spawned(struct cop__connection *connection, cop_ref ref, cop_pid to, unsigned what, cop_term result);

/*
 * Acts on one frame, without its size. Errors end the connection: COP_E_MALFORMED, and COP_E_NO_MEMORY for what the other side
 * would not know to be missing. All else has been dealt with.
 */
cop_status cop__import(struct cop__connection *connection, const uint8_t *bytes, size_t size);

/* ---- Tables (ties.c) ------------------------------------------------------------------------ */

struct cop__peer_call *cop__call_of(struct cop__peer *peer, cop_ref ref);
struct cop__peer_asked *cop__asked_of(struct cop__peer *peer, cop_ref ref);
void cop__asked_end(struct cop__connection *connection, cop_ref ref);
/* The MONITOR half of a monitor of theirs, taken out; NULL. */
struct cop__relation *cop__watched_take(struct cop__connection *connection, cop_ref ref);
struct cop__relation *cop__watch_take(struct cop__peer *peer, cop_ref ref);
/* Any half of a link between the two, taken out; NULL. With an id: that one. */
struct cop__relation *cop__link_take(struct cop__peer *peer, cop_pid here, cop_pid there, cop_ref id);
bool cop__is_linked(struct cop__peer *peer, cop_pid here, cop_pid there);

/*
 * The link was ended here, and the other side has not said yet that it knows: a LINK that comes was sent before it did, so it is no
 * more. The half is kept for that, until it says so, ends, or is linked to again. With an id: only if it is that one's.
 */
void cop__unlinking_begin(struct cop__peer *peer, struct cop__relation *half);
void cop__unlinking_end(struct cop__peer *peer, cop_pid here, cop_pid there, cop_ref id);
bool cop__is_unlinking(struct cop__peer *peer, cop_pid here, cop_pid there);

#endif
