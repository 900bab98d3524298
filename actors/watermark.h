/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Watermarks of mailboxes: who finds that one has been crossed, and how its news keep their order.
 *
 * The count is that of limits (limit.h): an actor with marks is one with a limit, of which nothing is refused. A sender that has
 * counted up to the high mark, and whoever counts down to the low one, looks at `mark`:
 *
 *             a count at high or above                        told
 *      BELOW ─────────────────────────► RISING ──────────────────────────► ABOVE
 *        ▲                                                                   │
 *        └──────────────────────────── FALLING ◄─────────────────────────────┘
 *                     told                        a count at low or below
 *
 * NONE is the word 0: no marks, or nobody lives here. Beside the state the word bears the generation of the actor, so that who
 * looks with a stale pid finds a word that is not its actor's, and leaves it alone.
 *
 * Who may touch what: whoever took the word to RISING or FALLING, by compare-and-swap, tells the subscribers and takes it
 * on; nobody else changes it meanwhile, and the owner who ends or replaces the marks waits for that (a few sends). So the news of
 * one actor are pushed by one thread after the other, rise and fall by turns, and arrive in that order. The marks themselves are
 * written by the owner (or before its birth) while the word is 0.
 *
 * `high` is 0 while there are no marks, so that who counts for an actor with a limit alone does not look.
 *
 * No crossing is lost. Who counts looks afterwards, and who has told looks afterwards too; both looks are read-modify-writes of
 * the word with acquire and release. Of the two one comes first: is it the counter's, then the teller's, which acquires it,
 * sees the count; is it the teller's, then the counter sees the state that it took the word to, and acts. LOOK
 * An owner who is given its first marks writes them, and then looks at the count by a read-modify-write, as senders count by one: of
 * the two one comes first, so either it sees that count, or its sender sees the marks. MARKED (limit.c)
 * What may be seen half done: counts that rise and fall while somebody tells, which are told together or not at all.
 *
 * The news are small messages out of the reserve of memory. One for which there is none even there is lost; the next comes.
 */
#ifndef ACTORS_WATERMARK_H
#define ACTORS_WATERMARK_H

#include <coppice/watermark.h>

struct cop__limit;
struct cop__thread;

/* The marks that were asked for: low 0 is half of high. False: they do not go together. */
bool cop__marks_are_good(uint32_t high, uint32_t low);

/* Before the birth of the actor whose pid this is, or by it after cop__watermark_end: high is above 0. */
void cop__watermark_begin(struct cop__limit *limit, cop_pid pid, uint32_t high, uint32_t low);

/* The owner, or who buries it: no marks from now on; if it was above, that is over, and told. */
void cop__watermark_end(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid);

/* As advice. */
bool cop__watermark_is_over(const struct cop__limit *limit);

/* A count has changed so that it may have crossed a mark. */
void cop__watermark_look(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid);

#endif
