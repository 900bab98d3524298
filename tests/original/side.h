/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One side of the comparison with Erlang: what all its parts share. A part is a program that reads orders, has them carried out,
 * and prints what came of each; the other side, PART.erl with side.erl, does the same word for word; compare.sh makes the orders
 * and compares what the two say.
 *
 *      PART generate SEED SEQUENCES       prints orders
 *      PART run                           reads them
 *
 * An order is a line: a word, two numbers, and a text without blanks. A sequence begins with `reset NUMBER 0 TEXT`, and
 * nothing of the one before it is left then. After each order nothing moves any more before it is told what has happened: a line
 * for the order with its result, then one for each thing that was noted meanwhile.
 */
#ifndef TESTS_ORIGINAL_SIDE_H
#define TESTS_ORIGINAL_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <coppice.h>

#include "base/compiler.h"

struct command {
        char word[16];
        long first, second;
        char text[32];
};

/* In which order that is told what happens on one order. */
enum telling {
        AS_IT_HAPPENED,
        BY_ACTOR, /* what one does is in order, what two do is not: the first word is the actor */
        BY_TEXT,  /* nothing of it has a promised order */
};

/* A part: each has one, called `part`. */
struct part {
        const char *name;
        void (*generate)(uint64_t number, uint64_t *random); /* prints a sequence, its reset too */
        void (*reset)(cop_node *node, const struct command *command);
        const char *(*carry_out)(const struct command *command); /* answers its result */
        void (*settle)(cop_node *node); /* after it: comes to rest, and notes what is to be noted besides */
};
extern const struct part part;

/* A part's to set, at a reset at the latest. */
extern enum telling telling;

/* Notes what has happened: one worker, and whoever tells waits until it sleeps. */
void note(const char *format, ...) COP__PRINTF(1, 2);
void notes_forget(void);

/* ---- Lives: each who begins has a name, p2.1 being the second life of p2 --------------------------- */

void lives_forget(void);
const char *life_begins(const char *who, cop_pid pid); /* answers its name */
const char *life_name(cop_pid pid);                    /* "nobody" */

/* ---- Words ------------------------------------------------------------------------------------------ */

/* A term as Erlang prints it, without blanks; a crash is a tuple on both sides, with other things in it: "crash". */
const char *words_of(cop_term term, char text[64]);

/* The term that a text without blanks means. Borrowed until the order is told. */
cop_term term_of(const char *text);

/* One of some words, by chance. */
#define ONE_OF(random, words) ((words)[cop__random_below((random), (uint32_t)COP__COUNT(words))])

/* Drops what has come to who gives the orders. */
void drop_mail(void);

#endif
