/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a stranger says to actors of a node, once it has been let in: messages, links, monitors, calls, of its process 7.
 */
#ifndef TESTS_STRANGER_TALK_H
#define TESTS_STRANGER_TALK_H

#include "distribution/peer.h"
#include "tests/stranger.h"

#define THEM "them@127.0.0.1"

/* All that a node of this kind can do; a node of Erlang's; one that knows only the older forms. */
#define OF_OURS COP__CAN_ALL
#define OF_ERLANG (COP__CAN_ALL & ~COP__CAN_COPPICE)
#define OF_OLD (OF_ERLANG & ~(COP__CAN_SEND_SENDER | COP__CAN_UNLINK_ID | COP__CAN_ALIAS | COP__CAN_ALL_OF_25))

/* What is sent to it before might call it, in vain. */
static inline void await_up(void)
{
        cop_pid owner;
        struct cop__network *network = cop__network_here();
        await_true(cop__load_acquire(&network->peer_count) > 0);
        await_true(cop__peer_look(network->peers[0], &owner) == COP__PEER_UP);
}

static inline cop_pid theirs(uint32_t id)
{
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_peer(network, THEM, strlen(THEM));
        return cop__pid_of(cop__network_life(network, peer, 12345), id, 0);
}

/* ---- What it says ---------------------------------------------------------------------------- */

static inline void put_ref(struct cop__pen *pen, uint32_t word)
{
        cop__pen_byte(pen, 90);
        cop__pen_word(pen, 2, 1);
        cop__pen_atom(pen, THEM, strlen(THEM));
        cop__pen_word(pen, 4, 12345);
        cop__pen_word(pen, 4, word);
}

static inline void put_job(struct cop__pen *pen, int64_t number)
{
        cop__pen_version(pen);
        cop__pen_term(pen, COP_TUPLE(cop_atom("job"), cop_int(number)));
}

static inline void put_to(struct cop__pen *pen, struct cop__tray *tray, const char *name, size_t size)
{
        stranger_begins(pen, tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(pen, THEM, 7);
        cop__pen_atom(pen, "", 0);
        cop__pen_atom(pen, name, size);
}

static inline void says_job(int fd, const char *name, int64_t number)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, name, strlen(name));
        put_job(&pen, number);
        stranger_ends(fd, &pen);
}

/* A control message of which one of theirs and the claim's thread are the first. */
static inline void says_pair(int fd, unsigned control, cop_term reason)
{
        struct cop__tray tray;
        struct cop__pen pen;
        bool with_reason = control == COP__CONTROL_EXIT || control == COP__CONTROL_EXIT2;
        stranger_begins(&pen, &tray, control, with_reason ? 4 : 3);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, cop_self());
        if (with_reason)
                cop__pen_term(&pen, reason);
        stranger_ends(fd, &pen);
}

static inline void says_monitor(int fd, unsigned control, cop_pid target, uint32_t ref)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, control, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, target);
        put_ref(&pen, ref);
        stranger_ends(fd, &pen);
}

static inline void put_request(struct cop__pen *pen, uint32_t ref, bool alias, int64_t number)
{
        cop__pen_version(pen);
        cop__pen_tuple(pen, 3);
        cop__pen_atom(pen, "$gen_call", 9);
        cop__pen_tuple(pen, 2);
        stranger_pid(pen, THEM, 7);
        if (alias) {
                cop__pen_byte(pen, 108);
                cop__pen_word(pen, 4, 1);
                cop__pen_atom(pen, "alias", 5);
        }
        put_ref(pen, ref);
        cop__pen_term(pen, COP_TUPLE(cop_atom("job"), cop_int(number)));
}

/* A call of that name's, answered through an alias or not. */
static inline void says_request(int fd, const char *name, uint32_t ref, bool alias, int64_t number)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, name, strlen(name));
        put_request(&pen, ref, alias, number);
        stranger_ends(fd, &pen);
}

/* One that is monitored, as Erlang's are, and to a pid. */
static inline void says_watched_request(int fd, cop_pid watched, cop_pid to, uint32_t ref, int64_t number)
{
        struct cop__tray tray;
        struct cop__pen pen;
        says_monitor(fd, COP__CONTROL_MONITOR, watched, ref);
        stranger_begins(&pen, &tray, COP__CONTROL_SEND_SENDER, 3);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, to);
        put_request(&pen, ref, true, number);
        stranger_ends(fd, &pen);
}

#endif
