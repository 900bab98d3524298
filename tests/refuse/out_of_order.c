/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The order of the list is the order on the wire, and must be that of the struct. */
/* expect: COP_MESSAGE(bill): list every field, in the order of the struct */
#include <coppice/message.h>

typedef struct {
        int64_t pence, people;
} bill;
COP_MESSAGE(bill, people, pence);
