/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A pointer would let two actors see the same memory. */
/* expect: COP_MESSAGE(letter): body is a raw pointer */
#include <coppice/message.h>

typedef struct {
        int64_t id;
        char *body;
} letter;
COP_MESSAGE(letter, id, body);
