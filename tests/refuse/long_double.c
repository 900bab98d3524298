/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A long double differs from machine to machine. */
/* expect: COP_MESSAGE(precise): value is a raw pointer */
#include <coppice/message.h>

typedef struct {
        long double value;
} precise;
COP_MESSAGE(precise, value);
