/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Registries: actors found by any key, with a value beside it.
 *
 * A registry is an actor that one puts into a supervision tree, before those who use it. Its name is the registry's:
 *
 *      .children = COP_CHILDREN(
 *              { "rooms", .server = &cop_registry_server, .kind = COP_KIND_OF(cop_registry),
 *                .argument = &(cop_registry){ .keys = COP_UNIQUE } },
 *              { "lobby", .server = &lobby_server })
 *
 *      cop_registry_register("rooms", cop_string("tea"), cop_int(4), NULL);      in the room
 *      cop_send(cop_via("rooms", cop_string("tea")), say, ...);                  anywhere
 *
 * What people get wrong:
 * - An actor registers itself, under as many keys as it likes. All of it is gone before anyone hears of its death.
 * - Nobody asks the registry's actor: what is found is true at the moment of looking, and may be dead at the next.
 * - When the registry ends its entries are gone; when it is restarted it is empty. Who must not miss that links to it.
 * - Without its name it is found no more: cop_unregister hides it until its next restart.
 *
 * Keys are the same as those of maps are: 1 is not 1.0, and a text is not the list of its code points.
 *
 * Threads: all of it works in actors and on visiting threads. Cost: finding takes no lock, and as long in a registry of a
 * million as in a small one; registering and unregistering lock a part of it.
 * Errors of all: COP_E_NO_NAME (no registry has this name, or it has not begun or has ended), COP_E_NO_NODE,
 * COP_E_TOO_DEEP (a key of more than COP_TERM_DEPTH_MAX - 1 levels, a value of more than COP_TERM_DEPTH_MAX - 2: in an answer
 * they lie in lists), COP_E_TOO_BIG (larger than a message may be, also an answer), COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (no place
 * for the result).
 *
 * See also: group.h for anybody's membership, actor.h for plain names.
 */
#ifndef COPPICE_REGISTRY_H
#define COPPICE_REGISTRY_H

#include <coppice/server.h>

COP_BEGIN_DECLS

typedef enum cop_keys {
        COP_UNIQUE = 0, /* a key has one entry */
        COP_DUPLICATE,  /* a key has any number, also several of one actor */
} cop_keys;

#define COP_REGISTRY_PARTITIONS_MAX 1024
#define COP_REGISTRY_LISTENERS_MAX 16

/* What a registry is started with. Zero stands for each default. */
typedef struct cop_registry {
        cop_keys keys;
        uint32_t partitions;  /* writers in different ones do not wait for each other: 8; at most 1,024 */
        cop_texts listeners;  /* names of actors that are told of each entry that comes and goes; at most 16 */
} cop_registry;
COP_MESSAGE_DECLARE(cop_registry);

/* The registry itself, for a child of a supervisor, or cop_spawn_opt with a name and a cop_registry. */
extern COP_API const cop_behaviour cop_registry_server;

/* ---- Entries ------------------------------------------------------------------- */

/*
 * Enters the calling actor under a key. Key and value are copied. Errors: COP_E_TAKEN (a unique key has an entry; *holder,
 * which may be NULL, is whose: perhaps the caller's own; its value stays), COP_E_TOO_BIG (an event for a listener).
 */
COP_API cop_status cop_registry_register(const char *registry, cop_term key, cop_term value,
                                         cop_pid *holder);

/* Takes out all that the calling actor has under a key. Errors: COP_E_NOT_FOUND. */
COP_API cop_status cop_registry_unregister(const char *registry, cop_term key);

/* The same for values that match a pattern (cop_term_match). */
COP_API cop_status cop_registry_unregister_match(const char *registry, cop_term key,
                                                 cop_term pattern);

/*
 * Gives the calling actor's entry another value; who looks meanwhile finds one of the two. Listeners are not told.
 * Errors: COP_E_NOT_FOUND, COP_E_NOT_OWNER; COP_E_BAD_ARGUMENT in a registry with duplicate keys.
 */
COP_API cop_status cop_registry_update(const char *registry, cop_term key, cop_term value);

/* ---- Looking ------------------------------------------------------------------- */

/* Whose entry it is; with duplicate keys the first's. Errors: COP_E_NOT_FOUND, and *pid is untouched. */
COP_API cop_status cop_registry_whereis(const char *registry, cop_term key, cop_pid *pid);

/* Who has an entry now, as someone to send to, call or monitor; when it is nobody, that answers COP_E_NO_NAME or noproc. */
COP_API cop_address cop_via(const char *registry, cop_term key);

/*
 * Lists, [] if there is nothing. The caller owns them and ends them with cop_term_free.
 * lookup: [{Pid, Value}] of a key, in the order of registering; match: of those only values that match a pattern.
 * values: [Value] of an actor under a key. keys: [Key] of an actor, a key as often as it is registered.
 */
COP_API cop_status cop_registry_lookup(const char *registry, cop_term key, cop_term *entries);
COP_API cop_status cop_registry_match(const char *registry, cop_term key, cop_term pattern,
                                      cop_term *entries);
COP_API cop_status cop_registry_values(const char *registry, cop_term key, cop_pid pid,
                                       cop_term *values);
COP_API cop_status cop_registry_keys(const char *registry, cop_pid pid, cop_term *keys);

/* The number of entries. */
COP_API cop_status cop_registry_count(const char *registry, uint64_t *count);

/*
 * Calls a function for each entry of a key, in the order of registering, and for none if there is none. The entries are those
 * of the moment of the call; the function may do anything, and `value` is borrowed until it returns.
 */
COP_API cop_status cop_registry_dispatch(const char *registry, cop_term key,
                                         void (*function)(void *context, cop_pid pid,
                                                          cop_term value),
                                         void *context);

/* ---- Events for listeners -------------------------------------------------------- */

/*
 * From the owner of the entry, in the order in which things happened to a key. They are made when the entry is, so none is
 * lost for want of memory. When the registry ends it says nothing. Who bears the listener's name at the moment is told.
 */
typedef struct cop_key_registered {
        cop_symbol registry;
        cop_term key;
        cop_pid pid;
        cop_term value;
} cop_key_registered;
COP_MESSAGE_DECLARE(cop_key_registered);

typedef struct cop_key_unregistered {
        cop_symbol registry;
        cop_term key;
        cop_pid pid;
} cop_key_unregistered;
COP_MESSAGE_DECLARE(cop_key_unregistered);

COP_END_DECLS

#endif
