/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Code that faults on purpose. */
#ifndef TESTS_FAULTY_H
#define TESTS_FAULTY_H

#include <stdint.h>

/* A fault on purpose must reach the processor, whatever else is looking for it. */
#define FAULTS __attribute__((noinline, unused, no_sanitize("address", "undefined", "thread")))

/* ThreadSanitizer's note of each call would be what overflows the stack, in the middle of the sanitizer's own work. */
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define FAULTS_UNSEEN FAULTS __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#if !defined(FAULTS_UNSEEN)
#define FAULTS_UNSEEN FAULTS
#endif

/* From 1 on it overflows the stack, and no compiler can know. */
enum { DESCEND_FIRST_LINE = __LINE__ + 1, DESCEND_LAST_LINE = __LINE__ + 8 };
FAULTS_UNSEEN static intptr_t descend(intptr_t depth)
{
        volatile char frame[256];
        frame[0] = (char)depth;
        if (depth < 0)
                return 0;
        return descend(depth + 1) + frame[0];
}

#endif
