/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an actor handled last: the kinds of its last messages, for its crash report, the console and the dump.
 *
 * Nothing is kept for that but one word in the actor, four times 16 bits of the address of a kind, the newest in the lowest:
 *
 *      | 3 before | 2 before | before | newest |      recent = recent << 16 | address of the kind / 16
 *
 * So it costs an idle actor 8 bytes that lie in a line which it has anyway, and a message some instructions and no branch, clock
 * or memory of its own. Whose address that was is looked for when somebody asks, among all kinds of the program. Two kinds that
 * lie a multiple of a MiB apart have the same 16 bits: then both are named.
 *
 * Who may touch what: the owner writes; anybody reads, as advice.
 */
#ifndef ACTORS_RECENT_H
#define ACTORS_RECENT_H

#include "actors/actor.h"

/* Bytes of a text that says it: four names, or more, cut short. */
#define COP__RECENT_TEXT 160

/* A message of that kind begins to be handled. */
COP__INLINE void cop__recent_note(struct cop__actor *actor, const cop_kind *kind)
{
        uint64_t before = cop__load_relaxed(&actor->recent);
        cop__store_relaxed(&actor->recent, before << 16 | (uint16_t)((uintptr_t)kind >> 4));
}

/* "bill, bill, refund": the oldest first, without the newest `skipped`; may be "". Threads: any. */
void cop__recent_print(const struct cop_node *node, uint64_t recent, unsigned skipped, char *text,
                       size_t size);

/* By the owner, at its death: what it handled last, what is unread, and what sys has kept of its events, into the report. */
void cop__recent_report(struct cop__actor *actor, struct cop__report *report);

#endif
