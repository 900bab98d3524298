/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A peer: another node by its name, the connection with it, and what runs through that.
 *
 *      senders ──signals──► outbox ──► the connection, an actor ──► socket
 *                                      its tables: watches, watched, links, unlinking, calls, asked, spawning
 *
 *      DOWN ──somebody sends, connects──► TRYING ──handshake──► UP ──the connection ends──► CLOSING ──all told──► DOWN, or TRYING
 *        └──the other one calls──────────► TRYING ──failed─────────────────────────────────► CLOSING
 *
 * A signal for an actor over there waits in the outbox, in the order of sending, and needs no memory for that: its target lies in
 * the words that a queue would use. While TRYING it waits for the handshake. The connection takes it from there and writes it.
 *
 * `owner` is the actor whose attempt or connection it is. Two nodes that call each other at once have two attempts; the one
 * that is given up finds that it is the owner no more, and touches nothing.
 *
 * What the tables hold, each by the reference or the pair of pids that it is on the wire:
 *
 *      watches   WATCH halves of monitors of ours on actors there: node down makes a DOWN of each
 *      watched   MONITOR halves of monitors of theirs on actors here
 *      links     LINK halves of actors there: node down makes an EXIT of each
 *      unlinking those of links that we have ended, until the other side has said that it knows
 *      calls     requests of ours, as they were sent: node down makes a failure of each
 *      asked     requests of theirs that wait for an answer from here
 *      spawning  actors that we have asked for: node down makes an answer of each (offers.h)
 *
 * So whatever was lost is told of exactly once: a half is in one place, and going is taking it out.
 *
 * Who may touch what: the first part of the struct under its lock; the tables the owner alone, and, when the owner is dead, who
 * closes the peer: CLOSING is entered by one, under the lock.
 */
#ifndef DISTRIBUTION_PEER_H
#define DISTRIBUTION_PEER_H

#include "actors/relation.h"
#include "distribution/network.h"

enum cop__peer_state {
        COP__PEER_DOWN = 0,
        COP__PEER_TRYING,
        COP__PEER_UP,
        COP__PEER_CLOSING,
};

/* Signals in a row, linked by node.next, each with its target in the other words of the node. */
struct cop__row {
        struct cop__signal *first, *last;
        uint32_t count;
};

struct cop__peer {
        /* Constant. */
        char name[COP__NODE_NAME_ROOM];
        uint32_t index; /* in the network's peers */
        bool is_own;    /* no other node, and in no such list: lives of this node that are over, which nobody calls */
        struct cop__peer *before; /* of those the next, of another name; NULL */

        struct cop__lock lock; /* of what follows */
        enum cop__peer_state state;
        cop_pid owner;
        bool calls_out;        /* TRYING: it is we who call */
        cop_pid dialler;       /* TRYING, and nobody's: the net_kernel that was told to call it */
        bool roused;           /* the owner has been told that there is something in the outbox */
        struct cop__row outbox;
        uint32_t answers;      /* of what waits in `outbox` and `taken` at most so many are answers, the owner's, net_kernel's or other actors' */
        char host[256];        /* where it was last said to be; "": where its name says */
        uint16_t port;         /* the same; 0: ask epmd */

        uint32_t news_owed;    /* atomic; see cop__news_owe */

        /* The owner's. */
        uint32_t creation;
        uint32_t life;
        uint64_t flags;
        struct cop__row taken; /* out of the outbox, and not yet written */
        struct cop__table watches, watched, links, unlinking, calls, asked, spawning;
};

/* A request of ours. */
struct cop__peer_call {
        struct cop__table_node node; /* by its reference */
        struct cop__signal *request;
        cop_pid to;
};

/* A request of theirs. */
struct cop__peer_asked {
        struct cop__table_node node; /* by its reference */
        cop_pid from;
        bool alias; /* it is answered through the reference */
        cop_ref through; /* or through this other one, as a call to many is; none */
        bool named;      /* or as {Ref, this node}, as a call to many of before Erlang/OTP 26 is */
};

struct cop__peer *cop__peer_new(const char *name, size_t size);
/* Frees it with all that it holds, of which nobody hears: the node has ended. */
void cop__peer_free(struct cop__thread *thread, struct cop__peer *peer);

/* ---- Rows -------------------------------------------------------------------------------- */

void cop__row_add(struct cop__row *row, cop_pid to, struct cop__signal *signal);
/* NULL: it is empty. */
struct cop__signal *cop__row_take(struct cop__row *row, cop_pid *to);

/* ---- Any thread ---------------------------------------------------------------------------- */

/* A signal for an actor there, or a name. Returns a cop__pressure. */
uint32_t cop__peer_send(struct cop__network *network, struct cop__peer *peer, struct cop__thread *thread, cop_pid to,
                        struct cop__signal *signal);
/* What that returned if something were sent now. */
uint32_t cop__peer_pressure(struct cop__peer *peer);

/* What it is now; *owner: whose it is. */
enum cop__peer_state cop__peer_look(struct cop__peer *peer, cop_pid *owner);
/* Is it up, and one that others are told of? Is it up, and of this kind? */
bool cop__peer_is_published(struct cop__peer *peer);
bool cop__peer_is_ours(struct cop__peer *peer);
/* Is it up, in another life than that? */
bool cop__peer_has_another_life(struct cop__peer *peer, uint64_t life);

/*
 * The attempt of that actor begins, if the peer is down. True: it does; else *owner is whose attempt or connection there is.
 * `calls_out`: it is ours.
 */
bool cop__peer_try(struct cop__peer *peer, cop_pid self, bool calls_out, cop_pid *owner);
/* Is it down, or to be called by whoever comes first? */
bool cop__peer_is_free(struct cop__peer *peer);
/* Are we calling it? */
bool cop__peer_calls_out(struct cop__peer *peer);
/* The attempt that we make is given up for that one of theirs. False: it was none of ours, or is over. */
bool cop__peer_take_over(struct cop__peer *peer, cop_pid self, cop_pid *before);

/* ---- The owner ------------------------------------------------------------------------------ */

/* The handshake is over. False: it is not the owner any more. */
bool cop__peer_up(struct cop__network *network, struct cop__peer *peer, cop_pid self, uint32_t creation, uint64_t flags);
/* Of the outbox all into `taken`, which is empty. */
void cop__peer_take_outbox(struct cop__peer *peer);
/* How many answers wait that the other side has asked for and nobody but the owner was needed for, as of one that is dead. */
uint32_t cop__peer_answers(struct cop__peer *peer);

/*
 * It is over with whoever was the owner, who may be dead: everybody hears of it, subscribers too if it was up. Nothing if
 * `owner` is not the owner.
 */
void cop__peer_down(struct cop__network *network, struct cop__peer *peer, cop_pid owner, cop_term reason);

/* The key of a link in the table. */
uint64_t cop__link_key(cop_pid here, cop_pid there);

COP__INLINE struct cop__relation *cop__tie_of(struct cop__table_node *node)
{
        return COP__CONTAINER(node, struct cop__relation, as.tie.node);
}

#endif
