/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A node is brought over its memory mark by an actor that takes all that it is given, and stays there while that one lives. */
#ifndef TESTS_HOARD_H
#define TESTS_HOARD_H

#include <coppice.h>

static inline void hoards(void)
{
        while (cop_alloc(16 << 10) != NULL)
                ;
        cop_sleep(COP_FOREVER);
}

static inline bool is_over(void)
{
        cop_memory_use use;
        cop_memory(cop_node_here(), &use);
        return use.over;
}

#endif
