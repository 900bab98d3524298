/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Groups as topics: readers join the topics that they want, a publisher sends to whoever is there, and an editor who watches a topic
 * hears of everyone who comes and goes. Work that one of a group will do is given to the members in turn.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text name; } reader;
COP_MESSAGE(reader, name);

typedef struct { cop_text headline; } news;
COP_MESSAGE(news, headline);

typedef struct { cop_text name; } thanks;
COP_MESSAGE(thanks, name);

static void reads(const reader *r)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(news));
                printf("  %s reads: %s\n", r->name.data, cop_read(news, message)->headline.data);
                cop_send(cop_message_from(message), thanks);
        }
}

static cop_pid subscribe(const char *name)
{
        return cop_spawn_with(reads, reader, .name = cop_text_of(name));
}

static void count_of(const char *what, cop_term list)
{
        printf("%s: %d\n", what, (int)list.count);
        cop_term_free(list);
}

static void await_thanks(int readers)
{
        while (readers-- > 0)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(thanks)));
}

/* What the editor is told, in the order in which it happened. */
static void show_changes(cop_ref watched)
{
        for (;;) {
                cop_auto message = cop_receive(0, COP_REF(cop_group_joined, watched),
                                               COP_REF(cop_group_left, watched));
                if (message == NULL)
                        return;
                printf("  editor: one has %s\n", cop_read(cop_group_joined, message) != NULL ? "joined" : "left");
        }
}

static void publish(void)
{
        cop_term sport = cop_atom("sport"), film = cop_atom("film"), found;
        cop_ref of_sport, of_all;
        cop_pid ada = subscribe("Ada"), ben = subscribe("Ben"), next;
        const cop_pid both[] = { ada, ben };
        cop_group_monitor("topics", sport, &of_sport, &found);
        count_of("who reads sport before anyone has joined", found);
        cop_group_join_all("topics", sport, both, 2);
        cop_group_join("topics", film, ada);
        cop_scope_monitor("topics", &of_all, &found);
        count_of("topics that have readers", found);
        cop_group_members("topics", sport, &found);
        count_of("readers of sport", found);
        cop_group_local_members("topics", film, &found);
        count_of("readers of film on this node", found);
        for (int i = 0; i < 2; i++)
                if (cop_group_pick("topics", sport, COP_PICK_IN_TURN, &next) == COP_OK) {
                        cop_send(next, news, .headline = COP_TEXT("proof-read this"));
                        await_thanks(1);
                }
        cop_group_leave("topics", film, ada);
        cop_group_leave_all("topics", sport, both, 2);
        printf("nobody is sent to: %s\n",
               cop_status_text(cop_group_send("topics", sport, news, .headline = COP_TEXT("goal"))));
        cop_scope_groups("topics", &found);
        count_of("topics that have readers", found);
        show_changes(of_sport);
        cop_group_demonitor(of_sport);
        cop_group_demonitor(of_all);
        puts("the editor goes home");
}

int main(void)
{
        cop_node *node;
        cop_pid scope;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "topics" }, COP_FOREVER,
                      &scope) == COP_OK)
                publish();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
