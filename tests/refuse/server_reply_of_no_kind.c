/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* GSV-call-11: what Erlang finds out at run time, bad_return_value, cannot be written: a reply is of a declared kind. */
/* expect: cop_kind_of_share */
#include <coppice/server.h>

typedef struct { int64_t pence; } bill;
COP_MESSAGE(bill, pence);

typedef struct { int64_t each; } share;

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        self->served++;
        cop_reply(share, .each = b->pence);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));
