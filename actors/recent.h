/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an actor handled last: the kinds of its last messages, for its crash report, the console and
 * the dump.
 *
 * Nothing is kept for that but one word in the actor, four times 16 bits of the address of a kind,
 * the newest in the lowest:
 *
 *      | 3 before | 2 before | before | newest |      recent = recent << 16 | address of the kind / 16
 *
 * So it costs an idle actor 8 bytes that lie in a line which it has anyway, and a message some
 * instructions and no branch, clock or memory of its own. Whose address that was is looked for when
 * somebody asks, among all kinds of the program. Two kinds that lie a multiple of a MiB apart have
 * the same 16 bits: then both are named.
 *
 * Who may touch what: the owner writes; anybody reads, as advice.
 */
#ifndef ACTORS_RECENT_H
#define ACTORS_RECENT_H

#include "actors/actor.h"

/* A message of that kind begins to be handled. */
COP__INLINE void cop__recent_note(struct cop__actor *actor, const cop_kind *kind)
{
        uint64_t before = cop__load_relaxed(&actor->recent);
        cop__store_relaxed(&actor->recent, before << 16 | (uint16_t)((uintptr_t)kind >> 4));
}

/* "bill, bill, refund": the oldest first, without the newest `skipped`; may be "". Threads: any, and in a signal's
 * handler. */
void cop__recent_print(const struct cop_node *node, uint64_t recent, unsigned skipped, char *text,
                       size_t size);

/* "bill from <0.31.0>, refund, and 3 more": what is unread. By the owner. */
void cop__unread_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                       size_t size);

/* The last events that sys has kept, the oldest first; "" without a log. By the owner. */
void cop__events_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                       size_t size);

#endif
