/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where a thread is, and where in the source that is.
 *
 * Two halves that must not be mixed up. A backtrace is a row of code addresses; it is
 * taken by walking the frames, also inside a signal handler, and allocates nothing
 * there. A place is what a person reads, function, file and line; finding it opens
 * files and allocates, so it happens later, on an ordinary stack.
 *
 * The first frame is the exact instruction. Every further one is a return address,
 * which belongs to the call before it: look it up with `return_address` true.
 */
#ifndef ACTORS_BACKTRACE_H
#define ACTORS_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include <coppice/status.h>

/* Deeper frames are left out: it is the innermost that tell what went wrong. */
#define COP__BACKTRACE_MAX 32

struct cop__backtrace {
        size_t depth;
        void *frames[COP__BACKTRACE_MAX]; /* innermost first */
};

/*
 * Walks once, so that the first walk in a handler finds all caches allocated and all
 * symbols bound. Call it before handlers are installed.
 */
void cop__backtrace_prime(void);

/* The caller of this function and its callers. */
void cop__backtrace_here(struct cop__backtrace *backtrace);

/*
 * The code that a signal interrupted. Only in the handler that was given `context`.
 * Never empty: where no frame can be followed, the interrupted instruction is left.
 */
void cop__backtrace_from(struct cop__backtrace *backtrace, const ucontext_t *context);

/* One frame on the way out. */
struct cop__frame {
        uintptr_t pc;
        uintptr_t sp;  /* the stack pointer in this frame; a caller's is higher */
        bool is_exact; /* pc is the instruction itself and not a return address */
};

/* False ends the walk. */
typedef bool cop__frame_visit(const struct cop__frame *frame, void *visitor);

/* Visits the frames that cop__backtrace_from would record, without its limit. */
void cop__backtrace_walk(const ucontext_t *context, cop__frame_visit *visit, void *visitor);

/* The machine's registers in an interrupted context. */
uintptr_t cop__context_pc(const ucontext_t *context);
uintptr_t cop__context_sp(const ucontext_t *context);

/* What a code address is to a reader; an inlined function counts as itself. */
struct cop__place {
        char function[64]; /* its name, or the address as "0x..." */
        char file[128];    /* "samples/shop.c"; empty when not known */
        unsigned line;     /* 0 when not known */
};

/* What is known of this process's symbols, read at the first question and kept. */
struct cop__symbols;

/* NULL: no memory. Threads: new and free are the owner's; questions are any thread's. */
struct cop__symbols *cop__symbols_new(void);
void cop__symbols_free(struct cop__symbols *symbols);

/*
 * Those of a process that has ended, file by file: what lay where is told with add. `low` is where the file's first byte was mapped. A
 * file is looked at if it has this build id, since the lines of another build would mislead.
 * Errors: COP_E_SYSTEM (it cannot be read, or is no plain file), COP_E_BAD_ARGUMENT (it is another build, or no program), COP_E_NEEDS
 * (there is no libdw).
 */
struct cop__symbols *cop__symbols_new_of_past(void);
cop_status cop__symbols_add(struct cop__symbols *symbols, const char *path, uintptr_t low,
                            const void *build_id, size_t size);

/*
 * Fills *place. True when the function's name is known.
 * Cost: milliseconds for the first address, a copy for one of those asked last.
 * Never in a signal handler: it takes a lock and allocates.
 */
bool cop__place_of(struct cop__symbols *symbols, const void *pc, bool return_address,
                   struct cop__place *place);

#endif
