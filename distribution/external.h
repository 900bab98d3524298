/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Erlang's external term format, both ways.
 *
 *      a term here                          on the wire
 *      integer                              SMALL_INTEGER, INTEGER, or SMALL_BIG of at most 8 bytes
 *      float, atom, binary, tuple, map      NEW_FLOAT, ATOM_UTF8, BINARY, TUPLE, MAP
 *      text                                 STRING if its code points fit bytes, else LIST of them
 *      list, improper list                  LIST, with the items of a tail that is a list or a text among them
 *      pid, reference                       NEW_PID, NEWER_REFERENCE
 *
 * What comes in and is none of these (larger integers, functions, ports, bits that fill no bytes) becomes {'$erlang', Bytes},
 * with its bytes as they were; so do atoms of more than 255 bytes, and pids and references of nodes that are too many. A list of
 * printable code points of which some are larger than a byte is a text, and so is a STRING of printable bytes: where a kind wants
 * the other one it takes it for that (mailbox/kind_read.h).
 *
 * Reading never trusts a count: an item takes at least one byte, so none is larger than what is left. Memory is asked for in
 * steps, as far as `memory_max`.
 */
#ifndef DISTRIBUTION_EXTERNAL_H
#define DISTRIBUTION_EXTERNAL_H

#include "actors/crossing.h"
#include "distribution/network.h"

/* The first byte of each term that is sent by itself. */
#define COP__EXTERNAL_VERSION 131u

/* ---- Writing --------------------------------------------------------------------------- */

/* Writes to the end of a tray. A status that is not COP_OK stays, and nothing is written any more. */
struct cop__pen {
        struct cop__tray *tray;
        struct cop__network *network;
        cop_status status;
};

void cop__pen_byte(struct cop__pen *pen, unsigned byte);
void cop__pen_bytes(struct cop__pen *pen, const void *bytes, size_t size);
void cop__pen_word(struct cop__pen *pen, unsigned bytes, uint64_t word); /* the lowest `bytes` of it, the highest first */

void cop__pen_version(struct cop__pen *pen);
void cop__pen_tuple(struct cop__pen *pen, size_t count); /* that many follow */
void cop__pen_atom(struct cop__pen *pen, const char *name, size_t size);
void cop__pen_integer(struct cop__pen *pen, uint64_t value);
void cop__pen_pid(struct cop__pen *pen, cop_pid pid);
void cop__pen_ref(struct cop__pen *pen, cop_ref ref);
/*
 * Status: COP_E_TOO_DEEP; COP_E_NOT_FOUND, a pid or reference that is known no more; COP_E_MALFORMED, what Erlang could not read:
 * an atom or a text that is no UTF-8, a map of which two keys are one there.
 */
void cop__pen_term(struct cop__pen *pen, cop_term term);

/* ---- Reading ----------------------------------------------------------------------------- */

/* Reads from `at` to `end`. The terms point into the bytes and into blocks of the reader's, until cop__reader_end. */
struct cop__reader {
        const uint8_t *at, *end;
        struct cop__network *network;
        size_t memory_left;
        struct cop__reader_block *blocks;
        bool cuts_deep;  /* what is too deep becomes {'$erlang', Bytes}, where the whole may not be refused */
        bool marks_deep; /* the same, of what may be one deeper, for what a call puts around it; and was_cut says that it is so */
        bool was_cut;
};

void cop__reader_begin(struct cop__reader *reader, struct cop__network *network, const void *bytes, size_t size,
                       size_t memory_max);
void cop__reader_end(struct cop__reader *reader);

/*
 * The next term, with its version byte in front. Errors: COP_E_MALFORMED, COP_E_TOO_DEEP, COP_E_TOO_BIG (more than memory_max),
 * COP_E_NO_MEMORY.
 */
cop_status cop__reader_term(struct cop__reader *reader, cop_term *term);

#endif
