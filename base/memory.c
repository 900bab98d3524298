/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See memory.h. */
#include "base/memory.h"

#include <stdlib.h>

#include "base/compiler.h"

struct cue {
        bool (*refuses)(void *context); /* NULL: nothing is refused */
        void *context;
};

static COP__THREAD_LOCAL struct cue refusal_cue;

void cop__memory_simulate(bool (*refuses)(void *context), void *context)
{
        refusal_cue = (struct cue){ refuses, context };
}

bool cop__memory_refuses(void)
{
        return COP__UNLIKELY(refusal_cue.refuses != NULL) && refusal_cue.refuses(refusal_cue.context);
}

void *cop__malloc(size_t size)
{
        return cop__memory_refuses() ? NULL : malloc(size);
}

void *cop__calloc(size_t count, size_t size)
{
        return cop__memory_refuses() ? NULL : calloc(count, size);
}

void *cop__realloc(void *block, size_t size)
{
        return cop__memory_refuses() ? NULL : realloc(block, size);
}

void *cop__aligned_alloc(size_t alignment, size_t size)
{
        return cop__memory_refuses() ? NULL : aligned_alloc(alignment, size);
}
