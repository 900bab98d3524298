/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A field left out could be a pointer that is copied unseen. */
/* expect: COP_MESSAGE(letter): list every field, in the order of the struct; the last ones are missing */
#include <coppice/message.h>

typedef struct {
        int64_t id;
        char *body;
} letter;
COP_MESSAGE(letter, id);
