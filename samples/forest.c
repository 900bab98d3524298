/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A forest that burns and grows back. Each tree is an actor, each grove a supervisor:
 *
 *      forest
 *       ├── oaks     one for all: their roots are one, and when one burns the grove sprouts anew
 *       └── firs     one for one: each for itself
 *
 * Lightning is a store through NULL: a real fault. On a terminal the seasons are drawn one over the other; into
 * a pipe they are lines, always the same.
 */
#include <stdio.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { bool lightning; } season;
COP_MESSAGE(season, lightning);

typedef struct { int64_t age; } height;
COP_MESSAGE(height, age);

typedef struct { int64_t age; } tree;

static void tree_on_season(tree *self, const season *s)
{
        int64_t *volatile nowhere = NULL;
        if (s->lightning)
                *nowhere = self->age;
        cop_reply(height, .age = ++self->age);
}

COP_SERVER(tree, COP_ON(season, tree_on_season));

#define TREES 4

static const char *const names[2][TREES] = { { "oak1", "oak2", "oak3", "oak4" },
                                             { "fir1", "fir2", "fir3", "fir4" } };

static const cop_supervisor oaks = {
        .strategy = COP_ONE_FOR_ALL, .intensity = 2, .period_ms = 60000,
        .children = COP_CHILDREN({ "oak1", .server = &tree_server }, { "oak2", .server = &tree_server },
                                 { "oak3", .server = &tree_server }, { "oak4", .server = &tree_server }),
};

static const cop_supervisor firs = {
        .intensity = 9, .period_ms = 60000,
        .children = COP_CHILDREN({ "fir1", .server = &tree_server }, { "fir2", .server = &tree_server },
                                 { "fir3", .server = &tree_server }, { "fir4", .server = &tree_server }),
};

static const cop_supervisor forest = {
        .name = "forest", .intensity = 3, .period_ms = 60000,
        .children = COP_CHILDREN({ "oaks", .supervisor = &oaks }, { "firs", .supervisor = &firs }),
};

/* The age of a tree after this season; 0 when it burns. */
static int64_t grow(const char *name, bool lightning)
{
        cop_message *reply;
        if (cop_call(&reply, name, COP_FOREVER, season, .lightning = lightning) != COP_OK)
                return 0;
        int64_t age = cop_read(height, reply)->age;
        cop_message_free(reply);
        return age;
}

static bool is_green(const char *grove, int64_t trees)
{
        cop_auto answer = NULL;
        if (cop_which_children(grove, &answer) != COP_OK)
                return false;
        const cop_children *all = cop_read(cop_children, answer);
        for (size_t i = 0; i < all->children.count; i++)
                if (!cop_symbol_equal(all->children.items[i].state, "running"))
                        trees = -1;
        return (int64_t)all->children.count == trees;
}

/* After a fire: until another tree stands in the place, and every child has a process, at every level. */
static void wait_for_green(const char *struck, cop_pid burnt)
{
        while (cop_pid_equal(cop_whereis(struck), burnt) || cop_whereis(struck).bits == 0)
                cop_sleep(1);
        while (!is_green("forest", 2) || !is_green("oaks", TREES) || !is_green("firs", TREES))
                cop_sleep(1);
}

static void draw_tree(int64_t age)
{
        static const char *const shapes[] = { "*", ".", ":", "i", "Y", "T" };
        static const char *const colours[] = { "31", "32", "32", "32", "92", "92" };
        int64_t look = age < 5 ? age : 5;
        if (isatty(STDOUT_FILENO))
                printf("\033[%sm%s\033[0m ", colours[look], shapes[look]);
        else
                printf("%s ", shapes[look]);
}

static void live(int year, const char *what, const char *struck)
{
        if (isatty(STDOUT_FILENO))
                printf("\033[2J\033[H");
        printf("year %-2d %s\n", year, what);
        cop_pid burns = struck != NULL ? cop_whereis(struck) : cop_no_pid();
        for (int grove = 0; grove < 2; grove++) {
                printf("  %s  ", grove == 0 ? "oaks" : "firs");
                for (int i = 0; i < TREES; i++)
                        draw_tree(grow(names[grove][i], names[grove][i] == struck));
                printf("\n");
        }
        if (struck != NULL)
                wait_for_green(struck, burns);
        fflush(stdout);
        if (isatty(STDOUT_FILENO))
                cop_sleep(700);
}

static void years(void)
{
        int year = 1;
        for (; year <= 5; year++)
                live(year, "it grows", NULL);
        live(year++, "lightning in the firs: one burns, and sprouts", names[1][1]);
        live(year++, "it grows", NULL);
        live(year++, "lightning in the oaks: one burns, and all sprout", names[0][TREES - 1]);
        live(year++, "it grows", NULL);
        live(year++, "again", names[0][TREES - 1]);
        live(year++, "and again: the grove gives up, and the forest plants another", names[0][TREES - 1]);
        for (int i = 0; i < 3; i++)
                live(year++, "it grows", NULL);
}

int main(void)
{
        cop_node *node;
        cop_pid root;
        if (cop_node_start(&(cop_node_options){ .name = "forest" }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&forest, &root) == COP_OK) {
                years();
                cop_shutdown(root, COP_SHUTDOWN_INFINITY);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
