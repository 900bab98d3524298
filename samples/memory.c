/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an actor gets with cop_alloc ends with it, also when it crashes in the middle of its work: a thousand sorters that each
 * leave a heap behind them leave nothing behind.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t count; } heap;
COP_MESSAGE(heap, count);

static void sorter(const heap *h)
{
        int64_t *numbers = cop_alloc((size_t)h->count * sizeof(*numbers)); /* zeroed */
        int64_t *spare = cop_alloc(64);
        if (numbers == NULL || spare == NULL)
                cop_exit(cop_atom("no_memory"));
        for (int64_t i = 0; i < h->count; i++)
                numbers[i] = h->count - i;
        cop_release(spare); /* earlier, if one likes */
        if (numbers[0] % 2 != 0)
                cop_exit(cop_atom("odd")); /* nothing to clean up */
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text;
}

int main(void)
{
        cop_node *node;
        cop_ends ends;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_wait_group *sorters = cop_wait_group_open();
        for (int64_t i = 0; i < 1000; i++)
                cop_wait_spawn_with(sorters, sorter, heap, .count = 10000 + i);
        cop_wait_all(sorters, COP_FOREVER, &ends);
        printf("%d came to an end, %d crashed, and all memory is back\n", (int)ends.well, (int)ends.failed);
        cop_wait_group_close(sorters);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
