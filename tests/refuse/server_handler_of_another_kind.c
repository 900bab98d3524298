/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A handler gets the kind that it is for. */
/* expect: incompatible pointer type */
#include <coppice/server.h>

typedef struct { int64_t pence; } bill;
COP_MESSAGE(bill, pence);

typedef struct { int64_t each; } share;
COP_MESSAGE(share, each);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const share *s)
{
        self->served += s->each;
}

COP_SERVER(till, COP_ON(bill, till_on_bill));
