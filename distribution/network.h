/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a node knows of other nodes: their numbers, whom pids and references of theirs stand for, and the peers it talks to.
 *
 *      cop_pid   node : 8   slot : 24   generation : 32
 *                  │          └──────────────┴── id and serial of Erlang's pid; if they do not fit, slot 0xffffff and a number
 *                  ├─ 0          this node
 *                  ├─ 1 .. 254   a life: a node's name, and its creation. One that comes back is another number
 *                  └─ 255        a name at another node (cop_at): generation says which
 *
 *      cop_ref   bit 62 and not 63: a reference of another node, by a number that is made of what it is there
 *
 * Numbers, lives and names are never forgotten: a pid of a dead life stays what it was. References are, but for those that are
 * pinned: the last COP__FOREIGN_REFS are remembered, and one that is forgotten can be compared and not be sent back. It
 * has the same number when it comes again; the key of the numbers is the network's secret, so nobody over there chooses one.
 *
 * Who may touch what: lives, peers and names are written once, under the lock, before their count is (release ↔ acquire); what
 * the lock is not named for is constant. References, foreign pids, offers and the list of lines are under the lock, which is a leaf.
 */
#ifndef DISTRIBUTION_NETWORK_H
#define DISTRIBUTION_NETWORK_H

#include <coppice/distribution.h>

#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/audience.h"
#include "base/lock.h"
#include "base/table.h"
#include "distribution/transport.h"

struct cop__peer;

/* Erlang's limit for an atom, and room for a NUL. */
#define COP__NODE_NAME_ROOM (COP_SYMBOL_MAX + 1)
#define COP__COOKIE_ROOM 256

#define COP__LIVES 255u               /* number 0 is this node's own */
#define COP__LIVES_MENTIONED 128u     /* of those that are only spoken of; who has shaken hands has one of the rest, too */
#define COP__LIVES_OWN 16u            /* of the node's own that are over; what is of others is as if it were of the last of these */
#define COP__REMOTE_NAMES 65536u      /* names at nodes, this one too: as cop_at() is called with different ones */
#define COP__FOREIGN_REFS 65536u      /* that are remembered without need */
#define COP__FOREIGN_PIDS (1u << 20)  /* that do not fit; more than one peer makes in good faith */
#define COP__REF_WORDS 5u
#define COP__SLOT_OF_FOREIGN UINT64_C(0xffffff)

/* A pid and a reference as they are on the wire. `name` is borrowed: of a decoded one from the bytes. Nobody and no reference are
 * zeros of creation 0, which no life has. */
struct cop__wire_pid {
        const char *name;
        size_t name_size;
        uint32_t id, serial, creation;
};

struct cop__wire_ref {
        const char *name;
        size_t name_size;
        uint32_t creation, count;
        uint32_t words[COP__REF_WORDS];
};

/* Constant once it is there. */
struct cop__lifetime {
        struct cop__peer *peer; /* who bears the name; of this node's own earlier ones, one that is no other node */
        uint32_t creation;
};

struct cop__remote_name {
        struct cop__table_node said; /* by a hash of the two below, under the lock */
        struct cop__peer *peer;      /* NULL: it is one of this node, which has no pid */
        uint32_t index;
        char name[];
};

struct cop__network {
        struct cop__abroad abroad;      /* first: it is what the lower layers know */
        const struct cop__transport *transport;
        cop_node *node;
        struct cop__lock lock;
        uint64_t kernel;                /* atomic; the pid of the actor that listens; 0: nobody does */
        uint64_t claim;                 /* atomic; the pid of the one that is, or is about to be */
        struct cop__audience audience;  /* who is told of nodes */

        uint64_t ref_key;               /* constant; by chance */

        /* Of the one that listens, which writes it when it has `claim` and before it is `kernel`; under the lock, for one that is
         * about to begin looks at the port. */
        char name[COP__NODE_NAME_ROOM];
        char cookie[COP__COOKIE_ROOM];
        uint32_t creation;              /* atomic: also read of pids that came earlier */
        uint32_t was_full;              /* atomic: it has been said that there are too many nodes */
        uint32_t names_were_full;       /* atomic: likewise, of names */
        uint16_t port;
        uint16_t epmd_port;             /* 0: none is asked */
        bool hidden, no_auto_connect;
        int64_t tick_ms;
        size_t message_max;

        uint32_t life_count;            /* atomic; lives 1 .. life_count */
        struct cop__lifetime lives[COP__LIVES];
        uint32_t peer_count;            /* atomic */
        struct cop__peer *peers[COP__LIVES];
        uint32_t lives_mentioned;       /* under the lock, as the next: of those above, how many were spoken of at first */
        uint32_t peers_mentioned;
        uint32_t lives_own;
        struct cop__peer *own;          /* under the lock: no peers, but who bears lives of this node that are over; by name */
        uint32_t name_count;            /* atomic; 1 .. name_count */
        struct cop__remote_name **names; /* by their index */

        /* Under the lock. */
        struct cop__table names_said;   /* the same names */
        struct cop__table refs;         /* by their bits */
        struct cop__table refs_said;    /* by a hash of what they are on the wire, and the key */
        struct cop__list refs_idle;     /* those that nobody has pinned, the oldest first */
        uint32_t idle_count;
        struct cop__table pids;         /* foreign ones, by their bits */
        struct cop__table pids_said;
        uint32_t foreign_count;
        struct cop__table offers;       /* what others may spawn here, by a hash of its name; see offers.h */
        struct cop__list lines;         /* sockets that actors own; see line.h */
        struct cop__list callers;       /* sockets of who has called that nobody owns yet; see line.h */
        uint64_t callers_so_far;
};

/* The network of the node that the thread is in; NULL: there is none. */
struct cop__network *cop__network_here(void);
/* The same, made if need be; NULL: no memory, or it is taken by none. */
struct cop__network *cop__network_make(cop_node *node);

/* Does somebody listen? */
COP__INLINE bool cop__network_is_open(const struct cop__network *network)
{
        return network != NULL && cop__load_acquire(&network->kernel) != 0;
}

/* The same of the node that the calling actor is in, which does listen; NULL, and why not. */
struct cop__network *cop__network_open(cop_status *status);
/* The peer of another node's name, made if need be; NULL: COP_E_BAD_ARGUMENT (no such name, or this node's), COP_E_LIMIT. */
struct cop__peer *cop__network_other(struct cop__network *network, const char *node, cop_status *status);

/* "name@host", within its limits, of characters that ASCII can print. */
bool cop__node_name_is_good(const char *name, size_t size);

/* The peer of that name, or NULL. */
struct cop__peer *cop__network_find(const struct cop__network *network, const char *name, size_t size);

/* The peer of that name, made if need be. NULL: too many, or no memory. */
struct cop__peer *cop__network_peer(struct cop__network *network, const char *name, size_t size);
/* The number of a life; 0: there are too many. */
uint32_t cop__network_life(struct cop__network *network, struct cop__peer *peer, uint32_t creation);
/* The same, of one that is only spoken of; one that bears the name of this node is a life of it that is over. */
uint32_t cop__network_mention(struct cop__network *network, const char *name, size_t size, uint32_t creation);

/* NULL: no such. */
const struct cop__lifetime *cop__life_of(const struct cop__network *network, uint64_t number);
const struct cop__remote_name *cop__remote_name_of(const struct cop__network *network, cop_pid pid);
/* What stands for a name there; nobody: too many, or no memory. */
cop_pid cop__network_name(struct cop__network *network, struct cop__peer *peer, const char *name);
/* Then there is none for any more. */
COP__INLINE bool cop__network_names_are_full(const struct cop__network *network)
{
        return cop__load_acquire(&network->name_count) == COP__REMOTE_NAMES;
}

/* A name of this node's, the same text until the node stops; NULL: too many, or no memory. */
const char *cop__network_own_name(struct cop__network *network, const char *name);
/* Whose a pid of another node is; NULL: nobody's that is known. */
struct cop__peer *cop__network_whose(const struct cop__network *network, cop_pid pid);

/* ---- Pids and references (foreign.c) ------------------------------------------------------ */

/* Errors: COP_E_LIMIT, COP_E_NO_MEMORY, COP_E_MALFORMED. */
cop_status cop__pid_of_wire(struct cop__network *network, const struct cop__wire_pid *wire, cop_pid *pid);
/* False: it stands for nothing that can be said (a name, a number that is unknown). */
bool cop__pid_to_wire(struct cop__network *network, cop_pid pid, struct cop__wire_pid *wire);

cop_status cop__ref_of_wire(struct cop__network *network, const struct cop__wire_ref *wire, cop_ref *ref);
bool cop__ref_to_wire(struct cop__network *network, cop_ref ref, struct cop__wire_ref *wire);

/* A reference of another node stays what it is until it is let go as often as it was pinned. Others are let through. */
void cop__ref_pin(struct cop__network *network, cop_ref ref);
void cop__ref_let_go(struct cop__network *network, cop_ref ref);

void cop__foreign_end(struct cop__network *network);

#endif
