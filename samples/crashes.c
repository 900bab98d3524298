/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Real faults, one of each kind, in actors of their own: the processor traps, the actor ends, whoever watches it reads why, and
 * the program goes on.
 */
#include <stdio.h>
#include <stdlib.h>

#include <coppice.h>

static void write_through_null(void)
{
        volatile int *nowhere = NULL;
        *nowhere = 1;
}

static void divide_by_zero(void)
{
        volatile int people = 0;
        printf("%d pence each\n", 900 / people);
}

static void call_abort(void)
{
        abort();
}

/* Too deep for any stack. Each call needs its memory after the one below it, so that no compiler makes a loop of it. */
static int recurse(int depth)
{
        volatile char here[512];
        here[0] = (char)depth;
        return depth == 0 ? 0 : recurse(depth - 1) + here[0];
}

static void overflow_the_stack(void)
{
        printf("%d\n", recurse(1 << 30));
}

static void watch(const char *what, void (*function)(void))
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run = function, .monitor = true, .monitor_ref = &ref };
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                return;
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        cop_term reason = cop_read(cop_down, message)->reason;
        if (cop_is_tuple(reason, "fault", 5)) /* {fault, Kind, Words, {Function, Line}, Message} */
                printf("%s: %.*s\n", what, (int)reason.as.items[2].count, reason.as.items[2].as.text);
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text; /* where it happened is reported here */
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        watch("a write through NULL", write_through_null);
        watch("a division", divide_by_zero);
        watch("an abort", call_abort);
        watch("a recursion without end", overflow_the_stack);
        puts("and the program goes on");
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
