/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A server's functions are about its own state. */
/* expect: incompatible pointer type */
#include <coppice/server.h>

typedef struct { int64_t served; } till;

typedef struct { int64_t pence; } clerk;

static void clerk_goes_on(clerk *self)
{
        self->pence++;
}

COP_SERVER(till, COP_CONTINUE(clerk_goes_on));
