/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Offers, and actors that are spawned over a connection. See coppice/offer.h.
 *
 *      spawner at a              connection at a            connection at b                    newborn at b
 *      ── order, a call ───────► SPAWN_REQUEST ───────────► an offer? its argument? room?
 *      (waits)                   `spawning`: the answer,      its halves, START ─────────────► parent: the spawner at a
 *                                and four halves              the spawner's into tables
 *      ◄─ SPAWNED, two halves ── the others into tables ◄── SPAWN_REPLY
 *
 * Who owns what. The order is a request like any other until it is written: who cannot get there fails it. All that its answer takes is
 * made before it is written and lies in the peer's table `spawning`; what ends the connection answers from there. SPAWNED has the
 * spawner's halves in it, and whoever takes that out of the spawner's queue keeps them or sends them back (actors/abroad.h). So
 * each order has one answer, and what can fail for want of memory fails before anybody over there knows of it.
 *
 * At b the newborn's halves are in its START. The spawner's, which over there nobody can keep, go into the tables `links` and
 * `watched` before the connection does anything else, such as to write what the newborn has sent: it alone writes. So SPAWN_REPLY comes
 * before all that the newborn says, its end too.
 *
 * Offers are under the lock of the network; who spawns takes a copy.
 */
#ifndef DISTRIBUTION_OFFERS_H
#define DISTRIBUTION_OFFERS_H

#include <coppice/offer.h>

#include "distribution/peer.h"

/* A request to net_kernel over there, which its connection does in its stead. */
typedef struct cop__spawn_order {
        cop_text module, function, name; /* name: empty: none */
        bool link, monitor;
        bool one;      /* `arguments` is the only one, and no list of them */
        cop_term arguments;
} cop__spawn_order;
COP__KIND_DECLARE(cop__spawn_order);

/* ---- Offers (offers.c) -------------------------------------------------------------------- */

/* A copy of one, with the texts that it points at. */
struct cop__offered {
        cop_spawn_options options;
        char name[COP_NAME_MAX + 1], label[COP_LABEL_MAX + 1];
};

/* The module of an offer that says none. */
#define COP__OFFER_MODULE "coppice"

/* False: there is none of that name. */
bool cop__offer_find(struct cop__network *network, cop_text module, cop_text function, struct cop__offered *offered);
/*
 * The value of its kind that an argument is; NULL: it takes none. `arguments`: a list, as it came or was given. The caller ends *value
 * with cop__flat_drop and free. Errors: COP_E_BAD_ARGUMENT, with *error saying why, and those of cop__kind_from_term.
 */
cop_status cop__offer_argument(const struct cop__offered *offered, cop_term arguments, enum cop__kind_source source, void **value,
                               cop_parse_error *error);
void cop__offers_end(struct cop__network *network);

/* A refusal as an atom, for a node of this kind or Erlang's, and back. */
const char *cop__refusal_word(cop_status status, bool ours);
cop_status cop__refusal_status(cop_term word);

/* ---- Orders on their way (spawning.c) --------------------------------------------------------- */

/* In the peer's table, by its reference. */
struct cop__spawning {
        struct cop__table_node node;
        cop_pid from;                              /* the spawner */
        struct cop__signal *spawned;               /* its answer */
        struct cop__relation *link, *monitor;      /* the spawner's halves; NULL: not asked for */
        struct cop__relation *link_there, *watch;  /* the newborn's, for the tables */
};

/* NULL without memory. The request stays the caller's. */
struct cop__spawning *cop__spawning_new(struct cop__thread *thread, const struct cop__signal *request);
/* Out of the table: nobody has begun, or that one; all of it has ended then. */
void cop__spawning_fail(struct cop__thread *thread, struct cop__spawning *spawning, cop_status status);
void cop__spawning_done(struct cop__thread *thread, struct cop__peer *peer, struct cop__spawning *spawning, cop_pid pid);
/* The node has ended. */
void cop__spawning_free(struct cop__thread *thread, struct cop__spawning *spawning);

/* The one under that reference; NULL. */
struct cop__spawning *cop__spawning_of(struct cop__peer *peer, cop_ref ref);

#endif
