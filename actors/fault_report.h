/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the fault handler says, put together without a single allocation.
 */
#ifndef ACTORS_FAULT_REPORT_H
#define ACTORS_FAULT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/compiler.h"

struct cop__fault;

/* Below, an address is most likely a field of a struct that a NULL pointer points to. */
#define COP__NULL_PAGE 4096

/* Text that grows in a buffer; what does not fit is left out. Always ends with a NUL. */
struct cop__words {
        char *text;
        size_t size;
        size_t length;
};

COP__INLINE void cop__words_add(struct cop__words *words, const char *text)
{
        while (*text && words->length + 1 < words->size)
                words->text[words->length++] = *text++;
        words->text[words->length] = '\0';
}

/* Writes it to standard error, as far as somebody reads there. */
void cop__words_tell(const struct cop__words *words);

void cop__words_add_hex(struct cop__words *words, uintptr_t value);
void cop__words_add_number(struct cop__words *words, uint64_t value);

/* Fills in words. `context` is that of the fault, to look at the instruction. */
void cop__fault_put_words(struct cop__fault *fault, const ucontext_t *context);

/* For a signal that was sent, by whom. */
void cop__fault_put_sender(struct cop__fault *fault, int process, unsigned user);

/* "SIGSEGV" of a signal number; "a signal" for one that is not ours. */
const char *cop__fault_signal_name(int number);

/* Whose doing a fault is that stops the process. */
enum cop__blame {
        COP__BLAME_PROGRAM,
        COP__BLAME_COPPICE,
        COP__BLAME_SYSTEM,
        COP__BLAME_OUTSIDE, /* who has sent the signal */
};

struct cop__fault_refusal {
        enum cop__blame blame;
        const char *why;
        bool is_stack_lost; /* a walk would only fault again */
};

/* Writes to stderr who did what, and why it could not be contained. */
void cop__fault_report_begin(const struct cop__fault *fault, const struct cop__fault_refusal *refusal, const char *actor);

/* Where it was. `context` may be NULL: then the frames that the fault has recorded are all there is. */
void cop__fault_report_frames(const struct cop__fault *fault, const ucontext_t *context);

/* Why there is no more of it. */
void cop__fault_report_cut(const char *why);

/* How it ends, after whatever else is to be said: with that code, 0: by the signal. */
void cop__fault_report_end(int code);

/* The last line of one that ends with a code: whose core dump it is, 0: there is none. */
void cop__fault_report_core(int process);

const char *cop__fault_blame_words(enum cop__blame blame); /* "your program" */

#endif
