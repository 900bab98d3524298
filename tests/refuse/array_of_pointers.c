/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* An array does not hide its pointers. */
/* expect: COP_MESSAGE(letters): bodies is a raw pointer */
#include <coppice/message.h>

typedef struct {
        const char *bodies[4];
} letters;
COP_MESSAGE(letters, bodies);
