/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory for something that is put together and soon copied elsewhere: many small pieces, all
 * given back at once. The first pieces lie in the scratch itself, on the caller's stack.
 *
 * Like a cop__text it is checked at the end: after the first failure every piece is refused and
 * `status` says why. What it hands out in all is limited, as foreign bytes may steer it.
 */
#ifndef MAILBOX_SCRATCH_H
#define MAILBOX_SCRATCH_H

#include <coppice/status.h>

#include "base/compiler.h"

#define COP__SCRATCH_INSIDE 512

struct cop__scratch_chunk;

struct cop__scratch {
        struct cop__scratch_chunk *chunks; /* the newest first */
        char *at;                          /* the next piece, 16-aligned */
        char *last;                        /* the piece taken last; NULL: none, or it was given back */
        size_t left;                       /* bytes at `at` */
        size_t total;                      /* bytes handed out, and not given back */
        size_t limit;                      /* of them: COP_MESSAGE_SIZE_MAX; may be set lower after init */
        cop_status status;
        char inside[COP__SCRATCH_INSIDE] __attribute__((aligned(16)));
};

void cop__scratch_init(struct cop__scratch *scratch);
void cop__scratch_fini(struct cop__scratch *scratch);

/* Makes the next pieces, of `size` bytes in all, come out of one chunk of just that size. */
void cop__scratch_reserve(struct cop__scratch *scratch, size_t size);

/*
 * Memory for `count` items, zeroed, 16-aligned; also for none. NULL after a failure:
 * COP_E_NO_MEMORY, or COP_E_TOO_BIG when all pieces together pass the limit.
 */
void *cop__scratch_take(struct cop__scratch *scratch, size_t count, size_t size);

/* If it is the piece that was taken last, its memory is there for the next one. Any other stays what it is. */
void cop__scratch_give_back(struct cop__scratch *scratch, const void *piece);

#endif
