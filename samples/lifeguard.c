/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * News that overtake. A lifeguard reads the mail in peace, but who has its red alias is heard before all of it, and so is the end of a
 * swimmer that it is tied to with priority. Whoever is only linked waits in the mail like everybody else.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number; } postcard;
COP_MESSAGE(postcard, number);

typedef struct { bool deep; } water;
COP_MESSAGE(water, deep);

static void swimmer(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(water)));
        cop_exit(cop_atom("cramp"));
}

static void caller(const cop_alias *red)
{
        cop_send_exit_priority(*red, cop_atom("jellyfish"));
}

static void show(const cop_message *message)
{
        const postcard *card = cop_read(postcard, message);
        const cop_exited *exited = cop_read(cop_exited, message);
        char text[64] = "";
        if (exited != NULL)
                cop_term_print(exited->reason, NULL, text, sizeof(text));
        exited != NULL ? printf("  %s!\n", text) : printf("  postcard %d\n", (int)card->number);
}

static void lifeguard(void)
{
        cop_alias red;
        cop_set_priority(COP_PRIORITY_HIGH);
        cop_trap_exit(true);
        cop_pid tied = cop_spawn(swimmer), let_go = cop_spawn(swimmer);
        cop_link_priority(tied);
        cop_link(let_go);
        cop_unlink(let_go); /* swims on its own account: nothing is heard of it */
        cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &red);
        for (int i = 1; i <= 3; i++)
                cop_send(cop_self(), postcard, .number = i);
        cop_ref first, second, third;
        cop_monitor(tied, &first);
        cop_monitor(let_go, &second);
        cop_send(let_go, water, .deep = true);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, second)));
        cop_send(tied, water, .deep = true);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, first)));
        cop_monitor(cop_spawn_with(caller, cop_alias, .pid = red.pid, .ref = red.ref), &third);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, third)));
        for (int i = 0; i < 5; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                show(message);
        }
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
        puts("the lifeguard's mail:");
        cop_spawn(lifeguard);
        cop_node_await_quiet(node, COP_FOREVER);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
