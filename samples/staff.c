/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A supervisor that runs is asked to change: one child is stopped, started again and taken off the list, another set of specs is handed in,
 * and a part that is not of this library is a child too, by a bridge. Keys are shared out among partitions.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t cakes; } baker;
COP_MESSAGE(baker, cakes);
COP_SERVER(baker, COP_STATE(baker));

/* The oven knows nothing of actors. */
typedef struct { bool hot; } oven;

static cop_status oven_heat(oven *self)
{
        self->hot = true;
        puts("the oven is hot");
        return COP_OK;
}

static void oven_cool(oven *self, cop_term reason)
{
        (void)reason;
        self->hot = false;
        puts("the oven is cold");
}
COP_BRIDGE(oven, oven_heat, oven_cool);

static const cop_supervisor counters = { .name = "counters", .partitions = 3, .each = &(const cop_child){ .server = &baker_server } };

static void change(void)
{
        char text[256];
        cop_pid pid;
        const cop_child wrong = { .id = "apprentice" };
        if (cop_child_check(&wrong, text, sizeof(text)) != COP_OK)
                printf("refused: %s\n", text);
        printf("delete one who works: %s\n", cop_status_text(cop_delete_child("bakery", "Ada")));
        cop_terminate_child("bakery", "Ada");
        printf("restart: %s\n", cop_status_text(cop_restart_child("bakery", "Ada", &pid)));
        cop_terminate_child("bakery", "Ada");
        printf("delete: %s\n", cop_status_text(cop_delete_child("bakery", "Ada")));
        const cop_supervisor more = { .intensity = 9, .children = COP_CHILDREN({ "Ben", .server = &baker_server, .restart = COP_TRANSIENT },
                                                                               { "Cleo", .server = &baker_server }) };
        printf("other specs: %s\n", cop_status_text(cop_replace_specs("bakery", &more)));
        printf("Cleo %s\n", cop_whereis("Cleo").bits != 0 ? "works" : "is on the list, and does not work yet");
        cop_restart_child("bakery", "Cleo", &pid);
        printf("Cleo %s\n", cop_whereis("Cleo").bits != 0 ? "works" : "does not work");
}

static void share_out(void)
{
        uint32_t partition = 0;
        char name[64];
        if (cop_partition_of(&counters, "Ada", 3, &partition) == COP_OK &&
            cop_partition_name(&counters, partition, name) == COP_OK)
                printf("one counter is in charge of Ada, always the same: %s\n",
                       cop_pid_equal(cop_partition(&counters, "Ada", 3), cop_whereis(name)) ? "yes" : "no");
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

int main(void)
{
        cop_node *node;
        cop_pid tree;
        const cop_supervisor bakery = { .name = "bakery",
                                        .children = COP_CHILDREN({ "oven", .server = &oven_server },
                                                                 { "Ada", .server = &baker_server },
                                                                 { "Ben", .server = &baker_server },
                                                                 { .id = "shop", .supervisor = &counters }) };
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&bakery, &tree) == COP_OK) {
                change();
                share_out();
                cop_shutdown(tree, COP_FOREVER);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
