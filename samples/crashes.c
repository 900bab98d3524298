/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Real faults, one of each kind, in actors of their own: the processor traps, the actor ends, whoever watches it reads why, and
 * the program goes on. Only an actor that asks for it takes the program along; here that is another process, so that the first
 * one lives to tell.
 */
#undef NDEBUG /* a failed assertion is one of them */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* What eight letters look like that were written over a pointer. */
static char *volatile wild = (char *)(uintptr_t)0x4141414141414141;

static void write_through_a_wild_pointer(void)
{
        *wild = 1;
}

static void call_abort(void)
{
        abort();
}

static void fail_an_assertion(void)
{
        volatile int people = 0;
        assert(people > 0);
}

static void run_no_instruction(void)
{
        __builtin_trap();
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

/* Its exit code. Which one it is when a fault ends it, the node is told: without, it would die by the signal. */
static int end_a_program(void)
{
        int status = 0;
        pid_t program = fork();
        if (program == 0) {
                cop_node *node;
                if (cop_node_start(&(cop_node_options){ .fault_exit_code = COP_EXIT_FAULT }, &node) != COP_OK ||
                    cop_node_enter(node) != COP_OK)
                        _exit(1);
                cop_pid pid;
                cop_spawn_opt(&(cop_spawn_options){ .run = write_through_null, .isolation = COP_ISOLATION_INLINE }, &pid);
                cop_receive(COP_FOREVER, COP_ANY);
        }
        if (program < 0 || waitpid(program, &status, 0) != program || !WIFEXITED(status))
                return -1;
        return WEXITSTATUS(status);
}

int main(void)
{
        cop_node *node;
        /* assert() writes there, and the report of the program that ends; what they say is told here. */
        if (freopen("/dev/null", "w", stderr) == NULL)
                return 1;
        printf("a write through NULL in an actor with isolation inline: its program has ended with exit code %d\n",
               end_a_program());
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        watch("a write through NULL", write_through_null);
        watch("a write through a wild pointer", write_through_a_wild_pointer);
        watch("a division", divide_by_zero);
        watch("an abort", call_abort);
        watch("a failed assertion", fail_an_assertion);
        watch("an illegal instruction", run_no_instruction);
        watch("a recursion without end", overflow_the_stack);
        puts("and the program goes on");
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
