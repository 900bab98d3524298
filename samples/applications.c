/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A program made of three applications that need each other: the store, the mail that needs it, and the shop that needs both. They are
 * checked before anything runs, start in the order of need, and one of them is taken down and up again while the others go on.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t items; } shelf;
COP_MESSAGE(shelf, items);
COP_SERVER(shelf, COP_STATE(shelf));

static const cop_supervisor store_tree = { .name = "store_tree", .children = COP_CHILDREN({ "shelf", .server = &shelf_server }) };
static const cop_supervisor mail_tree = { .name = "mail_tree", .intensity = 3,
                                          .children = COP_CHILDREN({ "letters", .server = &shelf_server }) };
static const cop_supervisor shop_tree = { .name = "shop_tree", .children = COP_CHILDREN({ "till", .server = &shelf_server }) };

static const cop_application program[] = {
        { "shop", &shop_tree, .needs = { "mail", "store" } },
        { "mail", &mail_tree, .needs = { "store" }, .type = COP_APPLICATION_TEMPORARY },
        { .name = "store", .tree = &store_tree },
        { .name = NULL },
};

static const cop_application wrong[] = {
        { "shop", &shop_tree, .needs = { "warehouse" } },
        { .name = NULL },
};

static void show(const char *name)
{
        printf("  %s %s\n", name, cop_whereis(name).bits != 0 ? "runs" : "does not run");
}

static void run(void)
{
        char text[256];
        cop_pid set;
        if (cop_applications_check(wrong, text, sizeof(text)) != COP_OK)
                printf("refused before anything runs: %s\n", text);
        if (cop_supervisor_check(&mail_tree, text, sizeof(text)) == COP_OK &&
            cop_supervisor_explain(&mail_tree, text, sizeof(text)) > 0)
                printf("%s", text);
        if (cop_start_applications(program, &set) != COP_OK)
                return;
        puts("all run:");
        show("shelf"), show("letters"), show("till");
        printf("stop the mail: %s\n", cop_status_text(cop_stop_application(set, "mail")));
        show("letters"), show("till");
        printf("start it again: %s\n", cop_status_text(cop_start_application(set, "mail")));
        show("letters");
        printf("once more: %s\n", cop_status_text(cop_start_application(set, "mail")));
        cop_shutdown(set, COP_FOREVER); /* in the reverse order of need */
        puts("all have ended:");
        show("shelf");
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
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
