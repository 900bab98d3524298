/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Packed fields cannot be reached through pointers to their type. */
/* expect: COP_MESSAGE(frame): a message cannot be packed */
#include <coppice/message.h>

typedef struct __attribute__((packed)) {
        int8_t tag;
        int64_t length;
} frame;
COP_MESSAGE(frame, tag, length);
