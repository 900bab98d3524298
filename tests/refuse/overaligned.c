/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where alignment leaves 16 bytes free, a pointer could hide. */
/* expect: COP_MESSAGE(vector): a message is aligned to 8 bytes at most */
#include <coppice/message.h>

typedef struct {
        double x __attribute__((aligned(16)));
} vector;
COP_MESSAGE(vector, x);
