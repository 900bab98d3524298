/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Nobody can read a struct whose fields were never declared. */
/* expect: cop_kind_of_till */
#include <coppice/server.h>

typedef struct { int64_t pence; } bill;
COP_MESSAGE(bill, pence);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        self->served += b->pence;
}

COP_SERVER(till, COP_ON(bill, till_on_bill), COP_STATE(till));
