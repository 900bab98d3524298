/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node with a limit of memory, a hoarder that fills it, and a captain who is told in time and throws ballast overboard. Meanwhile new work
 * is refused with a word, and nothing that runs is hurt.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { bool now; } overboard;
COP_MESSAGE(overboard, now);

/* Takes what it can get, until there is no more for such as it; lets go of it when told to. */
static void hoarder(void)
{
        void *sacks[512];
        int count = 0;
        while (count < 512 && (sacks[count] = cop_alloc(16 << 10)) != NULL)
                count++;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(overboard)));
        while (count > 0)
                cop_release(sacks[--count]);
        cop_sleep(COP_FOREVER);
}

static void sailor(void)
{
}

static void sail(cop_node *node)
{
        cop_memory_use use;
        cop_pid pid;
        cop_memory_subscribe();
        cop_pid hoarding = cop_spawn(hoarder);
        cop_auto alarm = cop_receive(COP_FOREVER, COP_KIND(cop_memory_alarm));
        printf("the captain is told: %s\n", cop_read(cop_memory_alarm, alarm)->over ? "too heavy" : "light enough");
        cop_memory(node, &use);
        printf("still afloat: %s; a new sailor: %s\n", use.used <= use.limit ? "yes" : "no",
               cop_status_text(cop_spawn_opt(&(cop_spawn_options){ .run = sailor }, &pid)));
        cop_send_exit(hoarding, cop_atom("overboard"));
        cop_auto relief = cop_receive(COP_FOREVER, COP_KIND(cop_memory_alarm));
        printf("the captain is told: %s\n", cop_read(cop_memory_alarm, relief)->over ? "too heavy" : "light enough");
        cop_memory_unsubscribe();
        cop_memory(node, &use);
        printf("a new sailor: %s; alarms so far: %d\n",
               cop_status_text(cop_spawn_opt(&(cop_spawn_options){ .run = sailor }, &pid)), (int)use.alarms);
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
        if (cop_node_start(&(cop_node_options){ .memory_limit = 4 << 20, .workers = 1, .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        sail(node);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
