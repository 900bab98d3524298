/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A message without fields is an empty struct. */
/* expect: COP_MESSAGE(letter): list every field, in the order of the struct; the last ones are missing */
#include <coppice/message.h>

typedef struct {
        char *body;
} letter;
COP_MESSAGE(letter);
