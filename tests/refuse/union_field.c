/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Nobody could say which member of a union was sent. */
/* expect: COP_MESSAGE(either): value is a raw pointer, a union */
#include <coppice/message.h>

typedef struct {
        union {
                int64_t whole;
                double real;
        } value;
} either;
COP_MESSAGE(either, value);
