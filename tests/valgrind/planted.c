/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Errors of memory in actors, for valgrind to find: each in memory that malloc() knows nothing of.
 *
 *      planted freed            reads a message, which lay in a pool, after its end
 *      planted unwritten        decides by what nobody has written on an actor's own stack
 *      planted nothing          does neither: valgrind must be silent
 */
#include <stdio.h>
#include <string.h>

#include <coppice.h>

typedef struct {
        int64_t number;
} word;
COP_MESSAGE(word, number);

static const char *wanted;
static int64_t seen;

/* Of two, since the one that was received last is still the end of the queue after its own end. */
static void reads(void)
{
        int64_t unwritten[4];
        cop_message *first = cop_receive(COP_FOREVER, COP_KIND(word));
        cop_message *second = cop_receive(COP_FOREVER, COP_KIND(word));
        const word *it = cop_read(word, first);
        if (strcmp(wanted, "freed") != 0)
                seen += it->number;
        cop_message_free(first);
        if (strcmp(wanted, "freed") == 0)
                seen += it->number;
        cop_message_free(second);
        __asm__ __volatile__("" : : "r"(unwritten) : "memory");
        if (strcmp(wanted, "unwritten") == 0 && unwritten[2] == 77)
                seen++;
}

int main(int argc, char **argv)
{
        cop_node *node;
        cop_ref ref;
        wanted = argc > 1 ? argv[1] : "nothing";
        if (cop_node_start(&(cop_node_options){ .name = "planted", .workers = 1 }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid pid = cop_spawn(reads);
        cop_monitor(pid, &ref);
        cop_send(pid, word, 41);
        cop_send(pid, word, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
        cop_node_leave();
        cop_node_stop(node);
        printf("planted: %lld\n", (long long)seen);
        return 0;
}
