/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who is who: pids and references, two plain 64-bit values.
 *
 * A pid names one actor for ever: its slot may be used again, the pid is not. A
 * slot's 32-bit generation counts its actors, and a slot that has used all its
 * generations is retired, so at ten million spawns a second the 24-bit slot
 * space lasts 228 years. The top eight bits say on which node the actor lives;
 * 0 is the node that holds the pid.
 *
 * Both are values: copy, compare and store them freely, on any thread. A program does not
 * make them, it is given them; the zero of each stands for none.
 */
#ifndef COPPICE_ID_H
#define COPPICE_ID_H

#include <coppice/status.h>

COP_BEGIN_DECLS

typedef struct cop_pid {
        uint64_t bits; /* node : 8, slot : 24, generation : 32; 0 is nobody */
} cop_pid;

typedef struct cop_ref {
        uint64_t bits; /* unique within the life of a node; 0 is none */
} cop_ref;

/* Bytes that hold any printed pid or reference, with the final NUL. */
#define COP_ID_TEXT_MAX 40

static inline cop_pid cop_no_pid(void)
{
        cop_pid nobody = { 0 };
        return nobody;
}

static inline bool cop_pid_equal(cop_pid left, cop_pid right)
{
        return left.bits == right.bits;
}

static inline bool cop_ref_equal(cop_ref left, cop_ref right)
{
        return left.bits == right.bits;
}

/*
 * Prints a pid as "<NODE.SLOT.GENERATION>", node 0 being this one, a reference as "#Ref<0.N>".
 * Returns: `text`. Ownership: the caller's buffer of COP_ID_TEXT_MAX bytes.
 */
COP_API char *cop_pid_print(cop_pid pid, char text[COP_ID_TEXT_MAX]);
COP_API char *cop_ref_print(cop_ref ref, char text[COP_ID_TEXT_MAX]);

/*
 * Reads back what the two above print, and no other spelling: no blanks, no leading zeros.
 * `size` counts bytes, all of which must belong to it. Whether the actor lives is not asked.
 * Errors: COP_E_MALFORMED, and *pid or *ref is untouched.
 */
COP_API cop_status cop_pid_parse(const char *text, size_t size, cop_pid *pid);
COP_API cop_status cop_ref_parse(const char *text, size_t size, cop_ref *ref);

COP_END_DECLS

#endif
