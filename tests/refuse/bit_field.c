/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A bit-field has no address and no offset. */
/* expect: bit-field */
#include <coppice/message.h>

typedef struct {
        uint32_t low : 4, high : 28;
} halves;
COP_MESSAGE(halves, low, high);
