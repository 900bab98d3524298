/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A crash as it is written down when it happens: facts, and no words. To put it into words takes longer than the restart, and of most
 * crashes nobody ever asks. So the dying actor leaves what will be gone with it in one flat block, and whoever reads a report
 * makes the words (report.h).
 *
 *      ┌── fields ──────────────────────────┐┌── bytes ──────────────────────────────────────────┐
 *      │ when, pid, from, reason, kind, ... ││ state · held · copy of the message · shop · ... │
 *      └──────────┬─────────────────────────┘└─▲─────────────────────────────────────────────────┘
 *                 └── where in the bytes ──────┘   0: nothing; what has no room is left out
 *
 * Facts are what cannot change any more: the reason, which is shared and constant; a copy of the message, if it points at nothing; names
 * and pids. What points at other memory, or is for code of the user's to show, is put into words at once.
 */
#ifndef ACTORS_CRASH_H
#define ACTORS_CRASH_H

#include <coppice/actor.h>

#include "base/limits.h"

struct cop_node;
struct cop__actor;
struct cop__report;
struct cop__shared_term;

/* Bytes of the block. All parts at their longest fit, but for an outpost's (outpost.h), which may lose some. */
#define COP__CRASH_BYTES 3840u

/* Bytes of what a report says in words, and of where it was. */
#define COP__CRASH_WHAT 160u
#define COP__CRASH_WHERE 256u

struct cop__crash {
        int64_t when;                    /* seconds since 1970 */
        cop_pid pid;
        cop_pid from;                    /* whose message it was at */
        uint64_t recent, handled;        /* what it handled last (recent.h), and how much in all before */
        struct cop__shared_term *reason; /* counted */
        const cop_kind *kind;            /* of the value at `message`; NULL: words stand there */
        const void *code;                /* the function that a plain actor was; NULL: see started_as */
        uint16_t what;                   /* words that the reason does not have; text */
        uint16_t message, started_as, state, held, unread, events; /* text, but for `kind` */
        uint16_t ancestors, linked;      /* neighbours, ended by nobody's pid */
        uint16_t used;                   /* of bytes */
        uint32_t linked_more;            /* who are only counted */
        bool ancestors_more;
        bool supervised;                 /* an outcome is to be expected */
        char who[COP_NAME_MAX + 1];      /* its name, else its server's; may be empty */
        char bytes[COP__CRASH_BYTES] __attribute__((aligned(16)));
};

/* By the owner, at its end, before its relations end. The crash holds a share of the reason. */
void cop__crash_take(struct cop__crash *crash, struct cop_node *node, struct cop__actor *actor, cop_pid pid,
                     const char *who);

/* A copy that has no share of the reason yet: only what is used is copied. */
void cop__crash_copy(struct cop__crash *to, const struct cop__crash *from);

/* Words of a report in place of facts: what, message, started_as, state and events. */
void cop__crash_restate(struct cop__crash *crash, const struct cop__report *report);

/* All that a report says but for number, outcome and logged. Threads: any, also outside the node. */
void cop__crash_tell(const struct cop__crash *crash, const struct cop_node *node,
                     struct cop__report *report);

/* {fault, sigfpe, "integer division by zero", {till_on_bill, "samples/shop.c:27"}, Message}; or what somebody exits with that
 * looks like it. */
bool cop__is_fault(cop_term reason);

/* What happened, and where, of that alone: takes no memory and no lock. `where` may be "". */
void cop__crash_words(const struct cop__crash *crash, const cop_kinds *kinds, char what[COP__CRASH_WHAT],
                      char where[COP__CRASH_WHERE]);

/* Text or value at that place. */
static inline const char *cop__crash_at(const struct cop__crash *crash, uint16_t place)
{
        return place != 0 ? &crash->bytes[place] : "";
}

#endif
