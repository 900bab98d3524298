/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A fuzz target: one function that does with any bytes what a stranger could make us do with them, and checks what must hold.
 *
 * Built twice: by clang for libFuzzer, which looks for inputs (./run fuzz NAME SECONDS), and by any compiler with replay.c,
 * which gives it the inputs of tests/corpus/NAME one by one (the test fuzz_replay/NAME).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FUZZ_ASSERT(condition)                                                                \
        do {                                                                                  \
                if (!(condition)) {                                                           \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
                        abort();                                                              \
                }                                                                             \
        } while (0)

#endif
