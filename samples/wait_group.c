/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Ten divers go down, and the boat waits until all are up again. One runs out of air: that is no reason to lose count of
 * the others, and the boat knows who it was and why.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number, depth; } dive;
COP_MESSAGE(dive, number, depth);

static void diver(const dive *d)
{
        if (d->depth > 45)
                cop_exit(COP_TUPLE(cop_atom("out_of_air"), cop_int(d->depth)));
}

static void wait_on_the_boat(void)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_ends ends;
        char why[32];
        for (int64_t i = 1; i <= 10; i++)
                cop_wait_spawn_with(group, diver, dive, .number = i, .depth = 5 * i);
        cop_status status = cop_wait_all(group, 5000, &ends);
        puts(status == COP_OK ? "all are up, and well" : "all are up");
        cop_term_print(ends.reason, NULL, why, sizeof(why));
        printf("%d well, %d not: %s\n", (int)ends.well, (int)ends.failed, why);
        cop_wait_group_close(group);
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text; /* the crash is reported here, too */
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        wait_on_the_boat();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
