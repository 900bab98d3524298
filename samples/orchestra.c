/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An orchestra's books. In `chairs` each chair is held by one musician (unique keys); in `parts` several play the same part, each
 * with a value beside it (duplicate keys). Nobody keeps the books: who plays registers itself, and is out of them when it ends.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text name, part; int64_t years; } musician;
COP_MESSAGE(musician, name, part, years);

typedef struct { cop_text piece; } play;
COP_MESSAGE(play, piece);

typedef struct { bool loud; } done;
COP_MESSAGE(done, loud);

static void show(const char *what, cop_term term)
{
        char text[256];
        cop_term_print(term, NULL, text, sizeof(text));
        printf("%s: %s\n", what, text);
        cop_term_free(term);
}

/* Sits down, gets better by a year with each piece, and goes home after two. */
static void plays(const musician *m)
{
        cop_term part = cop_string(m->part.data);
        cop_registry_register("parts", part, COP_TUPLE(cop_string(m->name.data), cop_int(m->years)), NULL);
        cop_status chair = cop_registry_register("chairs", COP_TUPLE(part, cop_int(1)),
                                                 cop_int(m->years), NULL);
        printf("%s plays the %s%s\n", m->name.data, m->part.data, chair == COP_OK ? " in the first chair" : "");
        cop_send(cop_parent(), done);
        for (int pieces = 1; pieces <= 2; pieces++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(play));
                if (chair == COP_OK)
                        cop_registry_update("chairs", COP_TUPLE(part, cop_int(1)), cop_int(m->years + pieces));
                cop_send(cop_parent(), done);
        }
}

static void seat(const char *name, const char *part, int64_t years)
{
        cop_spawn_with(plays, musician, .name = cop_text_of(name), .part = cop_text_of(part), .years = years);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(done)));
}

static void give_the_sign(void *piece, cop_pid pid, cop_term value)
{
        (void)value;
        cop_send(pid, play, .piece = cop_text_of(piece));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(done)));
}

static void rehearse(void)
{
        cop_term entries, violin = cop_string("violin"), chair = COP_TUPLE(violin, cop_int(1));
        cop_pid leader;
        uint64_t count = 0;
        char piece[] = "a waltz";
        seat("Ada", "violin", 12);
        seat("Ben", "violin", 3);
        seat("Cleo", "oboe", 30);
        cop_registry_values("parts", violin, cop_no_pid(), &entries);
        show("of nobody there are no values", entries);
        if (cop_registry_match("parts", violin, COP_TUPLE(cop_atom("_"), cop_int(3)), &entries) == COP_OK)
                printf("violins of three years: %d\n", (int)entries.count), cop_term_free(entries);
        if (cop_registry_whereis("chairs", chair, &leader) == COP_OK &&
            cop_registry_keys("chairs", leader, &entries) == COP_OK)
                show("the leader holds", entries);
        cop_registry_dispatch("parts", violin, give_the_sign, piece);
        if (cop_registry_values("chairs", chair, leader, &entries) == COP_OK)
                show("years in the first chair, after a piece", entries);
        cop_registry_dispatch("parts", violin, give_the_sign, piece);
        cop_ref ref;
        if (cop_monitor(leader, &ref) == COP_OK) /* gone from all books before anyone hears of it */
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
        printf("the violins go home; the first chair is %s\n",
               cop_registry_whereis("chairs", chair, &leader) == COP_E_NOT_FOUND ? "free" : "taken");
        cop_registry_count("chairs", &count);
        printf("chairs that are taken: %d\n", (int)count);
}

/* The conductor itself may be in a book, and out again. */
static void take_a_chair(void)
{
        cop_term stand = cop_string("stand"), entries;
        cop_registry_register("parts", stand, cop_int(1), NULL);
        cop_registry_register("parts", stand, cop_int(2), NULL);
        cop_registry_unregister_match("parts", stand, cop_int(1));
        if (cop_registry_values("parts", stand, cop_self(), &entries) == COP_OK)
                show("the conductor's stands", entries);
        cop_registry_unregister("parts", stand);
        if (cop_registry_lookup("parts", stand, &entries) == COP_OK)
                show("and now", entries);
}

int main(void)
{
        static const cop_registry unique = { .keys = COP_UNIQUE }, duplicate = { .keys = COP_DUPLICATE };
        static const cop_child books[] = {
                { "chairs", .server = &cop_registry_server, .kind = COP_KIND_OF(cop_registry), .argument = &unique },
                { "parts", .server = &cop_registry_server, .kind = COP_KIND_OF(cop_registry), .argument = &duplicate },
                { .id = NULL },
        };
        cop_node *node;
        cop_pid tree;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&(cop_supervisor){ .name = "books", .children = books }, &tree) == COP_OK) {
                rehearse();
                take_a_chair();
                cop_shutdown(tree, COP_FOREVER);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
