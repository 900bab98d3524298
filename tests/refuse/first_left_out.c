/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A field left out could be a pointer that is copied unseen. */
/* expect: COP_MESSAGE(bill): list every field, in the order of the struct; one is missing before people */
#include <coppice/message.h>

typedef struct {
        int64_t pence, people;
} bill;
COP_MESSAGE(bill, people);
