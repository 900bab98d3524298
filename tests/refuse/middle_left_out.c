/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A field left out could be a pointer that is copied unseen. */
/* expect: COP_MESSAGE(letter): list every field, in the order of the struct; one is missing before stamp */
#include <coppice/message.h>

typedef struct {
        int8_t id;
        char *body;
        int8_t stamp;
} letter;
COP_MESSAGE(letter, id, stamp);
