/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who answers each job with the next number, for suites of several nodes. What else a clerk does is the suite's own. */
#ifndef TESTS_CLERK_H
#define TESTS_CLERK_H

#include <coppice/server.h>

typedef struct { int64_t number; } job;
COP_MESSAGE(job, number);

typedef struct { int64_t unused; } clerk;

static void clerk_on_job(clerk *self, const job *j)
{
        (void)self;
        cop_reply(job, .number = j->number + 1);
}

#endif
