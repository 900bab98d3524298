/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Distribution: actors on other machines.
 *
 * A node that has begun talks Erlang's distribution protocol: other nodes of this kind are its peers, and so are nodes of
 * Erlang/OTP 25 and later.
 *
 *      cop_distribution_start(&(cop_distribution){ .name = COP_TEXT("shop@127.0.0.1"), .cookie = COP_TEXT("secret") });
 *
 *      cop_call(&reply, cop_at("till", "shop@127.0.0.1"), 5000, bill, .pence = 900, .people = 3);
 *
 * From there on a pid of another node is a cop_pid like any other: send, call, link, monitor, exit signals, groups (group.h) mean
 * what they mean here, and the order of signals between two actors holds. Whoever first sends to a node connects to it.
 *
 * What a node offers may be spawned there from another one: offer.h.
 *
 * A message of a kind crosses as Erlang's record, the tuple {bill, 900, 3}; what comes as such a tuple and fits is that kind,
 * anything else a cop_any. What no other node could read, such as an atom that is no UTF-8, is dropped, with a line in the log. A
 * call is Erlang's gen_server:call. docs/distribution.md says more.
 *
 * What people get wrong:
 * - A node that cannot be reached ends what leads there: links with an exit signal noconnection, monitors with a cop_down
 *   noconnection, calls with COP_E_DIED and the failure {nodedown, Node}. What was sent before may have arrived or not.
 * - A node that comes back has other actors: a pid of its earlier life is dead for ever, and who monitors it or links to it hears
 *   noproc.
 * - Who knows the cookie may do anything: send to any actor, end any. The cookie does not cross, but all else does, in the
 *   clear. So a node listens on the loopback unless told otherwise; between machines use a tunnel.
 *
 * Threads: all of it works in actors and on visiting threads.
 * A simulated node is connected with those that are simulated with it (`with` in simulation.h) and with no other: by wires that the
 * seed makes slow, narrow and, on cue, cut. It has no port mapper and looks up no hosts, so `no_epmd` is to be set; cop_node_is_at says the port.
 * Errors of all: COP_E_NO_NODE, COP_E_NO_MEMORY, COP_E_NO_DISTRIBUTION (none has begun, or the actor lives in an OS process of its
 * own).
 */
#ifndef COPPICE_DISTRIBUTION_H
#define COPPICE_DISTRIBUTION_H

#include <coppice/server.h>

COP_BEGIN_DECLS

/* ---- Beginning and end ------------------------------------------------------------ */

/* How a node is known to others. Zero and empty stand for each default. */
typedef struct cop_distribution {
        cop_text name;       /* "shop@127.0.0.1": what is before the @ is free, what is behind it is where others look for it */
        cop_text cookie;     /* what all of them must know: 1 to 255 bytes, each of which is a character to Erlang */
        cop_text address;    /* where it listens: "127.0.0.1"; a numeric address, "0.0.0.0" for all */
        uint16_t port;       /* any that is free */
        bool no_epmd;        /* neither registers with Erlang's port mapper nor asks it: ports are told by cop_node_is_at() */
        uint16_t epmd_port;  /* ERL_EPMD_PORT of the environment, or 4369 */
        bool hidden;         /* Erlang's nodes do not list it, nor share groups with it */
        bool no_auto_connect; /* only cop_connect() connects, and who is connected to */
        int64_t tick_ms;     /* a peer that is silent for so long is down: 60,000; at least 100 */
        uint64_t message_max; /* bytes of one message that comes in; a larger one ends the connection: 64 MiB */
} cop_distribution;
COP_MESSAGE_DECLARE(cop_distribution);

/* For a supervision tree: { "net_kernel", .server = &cop_distribution_server, .kind = COP_KIND_OF(cop_distribution),
 * .argument = &(cop_distribution){ ... } }. */
extern COP_API const cop_behaviour cop_distribution_server;

/*
 * Begins: the node listens when this returns. An actor does it, net_kernel by name, until it is stopped or the node ends.
 * Errors: COP_E_BAD_ARGUMENT (no such name, cookie or time), COP_E_ALREADY_STARTED, COP_E_SYSTEM (it cannot listen there),
 * COP_E_NO_CONNECTION (epmd does not answer), COP_E_NAME_TAKEN (epmd knows another of that name).
 */
COP_API cop_status cop_distribution_start(const cop_distribution *options);
/* Ends all connections, and listens no more. */
COP_API cop_status cop_distribution_stop(void);

/* Where it listens; and the name of this node, "" without one. */
COP_API cop_status cop_distribution_port(uint16_t *port);
COP_API const char *cop_node_here_name(void);

/* ---- Other nodes -------------------------------------------------------------------- */

/*
 * From now on that node is called there. `host` NULL: what its name says; `port` 0: what epmd there says, which is not asked
 * otherwise. Errors: COP_E_BAD_ARGUMENT, COP_E_LIMIT (254 other nodes are known, and none is forgotten).
 */
COP_API cop_status cop_node_is_at(const char *node, const char *host, uint16_t port);

/*
 * Connects, if they are not connected, and waits for that. Errors: COP_E_NO_CONNECTION, COP_E_TIMEOUT, COP_E_BAD_ARGUMENT (no
 * name of a node, or its own), COP_E_LIMIT, COP_E_OVERLOAD (overload.h).
 */
COP_API cop_status cop_connect(const char *node, int64_t timeout_ms);
/*
 * Ends the connection: the other node is down when this returns, and hears of that soon. Errors: COP_E_NOT_FOUND (there is
 * none).
 */
COP_API cop_status cop_disconnect(const char *node);

/* The names of the nodes that are up, a list of atoms. The caller owns *nodes and ends it with cop_term_free. */
COP_API cop_status cop_nodes(cop_term *nodes);

/* The node that an actor lives on, "" for this one and for nobody. Borrowed until the node stops. */
COP_API const char *cop_node_of(cop_pid pid);

/*
 * Whoever bears that name on that node when a message arrives there. For sends, calls and monitors; of a monitor by it the
 * cop_down has the pid that this address has. At this node it is as a name is: who sends hears COP_E_NO_NAME while nobody bears
 * it. The address is good until the node stops; `name` and `node` are copied.
 *
 *      cop_send(cop_at("clerk", "office@10.0.0.7"), taking, .pence = 900);
 *
 * Without distribution, or with a name that none can have (it is no UTF-8), it is an address that nobody bears: COP_E_NO_NAME. So is each new one when
 * 65,536 names at nodes are known, of which none is forgotten; the log says so once. Names that are made up for each use are
 * not for this: send a pid.
 */
COP_API cop_address cop_at(const char *name, const char *node);

/* ---- News ----------------------------------------------------------------------------- */

/* What a subscriber gets: a node is up, or down. Of a node that is down all else has been told before. */
typedef struct cop_node_up {
        cop_symbol node;
} cop_node_up;
COP_MESSAGE_DECLARE(cop_node_up);

typedef struct cop_node_down {
        cop_symbol node;
        cop_term reason; /* disconnected, connection_closed, net_tick_timeout, malformed, ... */
} cop_node_down;
COP_MESSAGE_DECLARE(cop_node_down);

/*
 * From now on the calling actor is told, until it takes that back or ends. Twice is once. Errors: COP_E_LIMIT (16 are
 * subscribed).
 */
COP_API cop_status cop_nodes_subscribe(void);
COP_API void cop_nodes_unsubscribe(void);

COP_END_DECLS

#endif
