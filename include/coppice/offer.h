/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Offers: what other nodes may spawn here, and spawning an actor on another node.
 *
 *      cop_offer("till", &(cop_spawn_options){ .server = &till_server, .kind = COP_KIND_OF(drawer) });     in the shop
 *
 *      cop_spawn_at(&(cop_spawn_there){ .node = "shop@127.0.0.1", .offer = "till", .kind = COP_KIND_OF(drawer),
 *                                       .argument = &(drawer){ .pence = 900 }, .link = true },
 *                   5000, &pid);                                                                         in the office
 *
 * Functions of C have no names that another program would know, so a node offers what may be spawned there, each by a name. What it
 * does not offer nobody can spawn there, whether he knows the cookie or not.
 *
 * Who decides what. The offer says what runs, of which kind its argument is, and all that a cop_spawn_options says of how it runs:
 * priority, isolation, limits. The spawner says where, which offer, with which argument, and how the two are tied. The argument
 * crosses as a message of its kind does, and becomes one of the offer's kind there.
 *
 * What holds. As within a node the child is linked, monitored and named before its first instruction, and its cop_parent() is the
 * spawner. The spawner is tied to it by the time it has the pid, and hears nothing of the child before that. That the child is
 * there does not say that its init has ended well: its end says that it has not.
 *
 * What can be left half done. The spawner waits, and for nothing else; meanwhile:
 * - its time is over, or it ends: should the child begin after all, it is sent the exit signal `abandoned`, linked or not;
 * - the node goes down or was never there: COP_E_NO_CONNECTION at once, and neither a cop_down nor an exit signal, for there is
 *   nobody whom they could be about. Whether the child has begun is not known; one that was to be linked ends with noconnection;
 * - the child has begun, and the node goes down later: a link and a monitor say so, noconnection, as any does.
 *
 * Erlang's nodes. An offer "shop:till" is to Erlang the function till of a module shop, and "till" alone that of a module coppice:
 *
 *      spawn_link('shop@127.0.0.1', coppice, till, [{drawer, 900}])         and erlang:spawn_request, with link and monitor
 *
 * It has one argument, or none if the offer has no kind. It is known at once if there is no such offer (undef), or if it does not take
 * that argument (badarg). The other way round the offer "lists:sort" at a node of Erlang's is that function, of as many arguments as
 * `arguments` has. As ever there, one that there is not is spawned, and dies with undef. What a process prints that was spawned from
 * here goes nowhere.
 *
 * What people get wrong:
 * - A child on another node that is not linked outlives its spawner, and the connection. So link.
 * - An offer is not an actor: two spawns of it are two. One that all share has a name, and is found by cop_at().
 * - What an argument cannot bear, such as the address of a function, is what offers are for: one for each.
 *
 * Threads: actors and visiting threads. Errors of all: COP_E_NO_NODE, COP_E_NO_MEMORY, COP_E_NO_DISTRIBUTION (none has begun, which
 * for offers it need not; or the actor lives in an OS process of its own).
 *
 * See also: distribution.h; actor.h for spawning within a node; samples/franchise.c.
 */
#ifndef COPPICE_OFFER_H
#define COPPICE_OFFER_H

#include <coppice/distribution.h>

COP_BEGIN_DECLS

/* ---- Offering --------------------------------------------------------------------------- */

/*
 * From now on other nodes may spawn that here, until the node stops or the offer is taken back; net_kernel's end leaves it as it is,
 * and it may be made before distribution begins, so that nobody comes too early. `name`: "till", or "shop:till", each part UTF-8 of
 * at most 255 bytes; "till" and "coppice:till" are one.
 * `options` are copied, but kinds and servers that they point at stay where they are as long as the offer stands, an order for it is
 * being carried out, or anybody lives who was spawned by it. What a spawner gives is not set: argument, link, monitor, monitor_ref;
 * nor are promise, start_ref and supervised. With a `name` there is one such child at a time.
 * Errors: COP_E_BAD_ARGUMENT (no such name, or options that no spawn could have), COP_E_NAME_TAKEN (there is an offer of that name).
 */
COP_API cop_status cop_offer(const char *name, const cop_spawn_options *options);

/*
 * Nobody can spawn it here from now on, but for whose order is being carried out; who was spawned lives on. Errors:
 * COP_E_NOT_FOUND, COP_E_BAD_ARGUMENT.
 */
COP_API cop_status cop_unoffer(const char *name);

/* ---- Spawning ------------------------------------------------------------------------------ */

/* What is to be spawned where. */
typedef struct cop_spawn_there {
        const char *node;      /* "shop@127.0.0.1"; also this one */
        const char *offer;     /* one of its offers, as in cop_offer() */
        const cop_kind *kind;  /* of `argument`, which is copied; NULL: none */
        const void *argument;
        cop_term arguments;    /* instead: a list of as many terms as a function of Erlang's takes; an offer takes at most one */
        const char *name;      /* to register there, of an offer that has none; no node of Erlang's does that. NULL: none */
        bool link;             /* linked to the spawner, atomically */
        bool monitor;          /* monitored by the spawner, atomically: *monitor_ref */
        cop_ref *monitor_ref;
} cop_spawn_there;

/*
 * Spawns it, connecting to the node if need be, and waits for the answer: as a call does, no longer than whoever it works for.
 * Returns: COP_OK, and only then *pid and *monitor_ref are set, and there is a link or a monitor. COP_E_NO_CONNECTION (see above),
 * COP_E_TIMEOUT (should it begin yet, it is ended), COP_E_NOT_FOUND (there is no such offer, or that node spawns for nobody),
 * COP_E_BAD_ARGUMENT (a mistake in *what; or the offer does not take that argument or that name: why, the log over there says),
 * COP_E_NAME_TAKEN, COP_E_LIMIT, COP_E_OVERLOAD, COP_E_STOPPING and COP_E_NO_MEMORY (of this node or that one), COP_E_MALFORMED,
 * COP_E_TOO_DEEP and COP_E_TOO_BIG (the argument cannot cross).
 * A negative time-out ends the actor with {badarg, ...}.
 */
COP_API cop_status cop_spawn_at(const cop_spawn_there *what, int64_t timeout_ms, cop_pid *pid);

COP_END_DECLS

#endif
