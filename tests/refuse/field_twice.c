/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Listed twice, a field would be sent twice. */
/* expect: COP_MESSAGE(bill): list every field, in the order of the struct */
#include <coppice/message.h>

typedef struct {
        int64_t pence;
} bill;
COP_MESSAGE(bill, pence, pence);
