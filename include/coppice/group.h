/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Groups: any number of actors under one key, joined by anyone.
 *
 * Groups live in a scope, an actor that one puts into a supervision tree. Its name is the scope's:
 *
 *      .children = COP_CHILDREN({ "chat", .server = &cop_scope_server }, ...)
 *
 *      cop_group_join("chat", cop_atom("tea"), cop_self());
 *      cop_group_send("chat", cop_atom("tea"), said, .text = cop_text_of("hello"));
 *
 * What people get wrong:
 * - An actor that has joined twice is a member twice, is sent to twice, and must leave twice.
 * - A group is there while it has members: it is neither made nor deleted.
 * - Members are gone from their groups before anyone hears of their death. A dead one may be joined, and is no member.
 * - When the scope ends its groups are gone; when it is restarted it is empty. Who has joined joins again: link to the scope,
 *   or monitor it.
 * - Without its name a scope is found no more: cop_unregister hides it until its next restart.
 *
 * Group keys are any terms that other nodes can be told of (docs/distribution.md). The same ones are those that would be the same
 * key of a map, and a text is the same as the list of its code points: groups span nodes, and it is there.
 *
 * Threads: all of it works in actors and on visiting threads. Cost: members are read without a lock, in a time that grows with
 * their number; changes in one scope wait for each other.
 * Errors of all: COP_E_NO_NAME (no scope has this name, or it has not begun or has ended), COP_E_NO_NODE, COP_E_TOO_DEEP (a
 * key of more than COP_TERM_DEPTH_MAX - 1 levels: in an answer it lies in a list), COP_E_TOO_BIG (larger than a message may be, also
 * an answer), COP_E_NO_MEMORY, COP_E_MALFORMED (a key that no other node can be told of: an atom or a text in it is no UTF-8, or
 * two keys of a map are a text and the list of its code points), COP_E_BAD_ARGUMENT (no place for the result, nobody for a member).
 *
 * See also: registry.h for keys with values that only their owners register.
 */
#ifndef COPPICE_GROUP_H
#define COPPICE_GROUP_H

#include <coppice/server.h>

COP_BEGIN_DECLS

/* A scope, for a child of a supervisor or cop_start with a name. cop_spawn_server would not wait until one can join it. */
extern COP_API const cop_behaviour cop_scope_server;

/* ---- Members -------------------------------------------------------------------- */

/*
 * Makes an actor a member, or each of a list, in which one may stand several times. All of the list join, or none.
 * Errors: COP_E_NOT_LOCAL (one lives on another node).
 */
COP_API cop_status cop_group_join(const char *scope, cop_term group, cop_pid pid);
COP_API cop_status cop_group_join_all(const char *scope, cop_term group, const cop_pid *pids,
                                      size_t count);

/* Ends one membership, or one for each in a list. Errors: COP_E_NOT_FOUND (none of them is a member), COP_E_NOT_LOCAL. */
COP_API cop_status cop_group_leave(const char *scope, cop_term group, cop_pid pid);
COP_API cop_status cop_group_leave_all(const char *scope, cop_term group, const cop_pid *pids,
                                       size_t count);

/*
 * [Pid] of the members, in the order of joining; of those on this node; and [Group] of all groups, in no order. Without the
 * scope they are []. The caller owns the lists and ends them with cop_term_free.
 */
COP_API cop_status cop_group_members(const char *scope, cop_term group, cop_term *members);
COP_API cop_status cop_group_local_members(const char *scope, cop_term group, cop_term *members);
COP_API cop_status cop_scope_groups(const char *scope, cop_term *groups);

/* ---- Sending -------------------------------------------------------------------- */

/*
 * Sends to each member, the sender too if it is one. Nobody there: COP_OK. Errors: also those of cop_send_value, of the first
 * that could not be sent to (COP_E_FULL); all the others have been.
 */
COP_API cop_status cop_group_send_value(const char *scope, cop_term group, const cop_kind *kind,
                                        const void *value);
#ifndef __cplusplus
/* cop_group_send("chat", cop_atom("tea"), said, .text = cop_text_of("hello")) */
#define cop_group_send(scope, group, type, ...) \
        cop_group_send_value((scope), (group), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#endif

typedef enum cop_pick {
        COP_PICK_RANDOM = 0,
        COP_PICK_IN_TURN, /* one after the other, whoever asks */
} cop_pick;

/* One member. Errors: COP_E_NOT_FOUND (there is none), and *pid is untouched. */
COP_API cop_status cop_group_pick(const char *scope, cop_term group, cop_pick how, cop_pid *pid);

/* ---- Monitors ------------------------------------------------------------------- */

/* What a monitor of groups sends, one for each membership, in order. */
typedef struct cop_group_joined {
        cop_ref ref;
        cop_term group;
        cop_pid pid;
} cop_group_joined;
COP_MESSAGE_DECLARE(cop_group_joined);

typedef struct cop_group_left {
        cop_ref ref;
        cop_term group;
        cop_pid pid;
} cop_group_left;
COP_MESSAGE_DECLARE(cop_group_left);

/* The last of a monitor: its scope has ended, or there was no memory for an event. Monitor again. */
typedef struct cop_group_lost {
        cop_ref ref;
} cop_group_lost;
COP_MESSAGE_DECLARE(cop_group_lost);

/*
 * Tells the calling actor what happens to all groups, or to one, until it ends or demonitors: the groups as they are now, a map
 * #{Group => [Pid]}, or the members of the one, and from then on messages; nothing is missing or told twice in between.
 * The caller owns *groups or *members and ends it with cop_term_free.
 */
COP_API cop_status cop_scope_monitor(const char *scope, cop_ref *ref, cop_term *groups);
COP_API cop_status cop_group_monitor(const char *scope, cop_term group, cop_ref *ref,
                                     cop_term *members);

/* Nothing of that monitor comes any more; what has come is removed. Errors: COP_E_NOT_FOUND (no such monitor of the caller). */
COP_API cop_status cop_group_demonitor(cop_ref ref);

COP_END_DECLS

#endif
