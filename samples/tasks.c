/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A kitchen. The chef lets three cooks work at once and serves in the order of the menu, whoever is done first,
 * while an agent counts the dishes. A cake
 * explodes in the oven: at a tasting that is only noted, at a banquet everything else ends with it.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text name; int64_t minutes; } dish;
COP_MESSAGE(dish, name, minutes);

typedef struct { char words[64]; } plate;
COP_MESSAGE(plate, words);

typedef struct { int64_t dishes; } tally;
COP_MESSAGE(tally, dishes);

static void add(tally *t, const tally *more)
{
        t->dishes += more->dishes;
        cop_reply(tally, .dishes = t->dishes);
}

static void cook(const dish *d)
{
        plate done;
        cop_sleep(d->minutes);
        snprintf(done.words, sizeof(done.words), "%s after %d minutes", d->name.data,
                 (int)d->minutes);
        cop_reply_value(COP_KIND_OF(plate), &done);
}

static void bake(const dish *d)
{
        cop_exit(COP_TUPLE(cop_atom("exploded"), cop_string(d->name.data)));
}

static void play_music(void)
{
        cop_sleep(COP_FOREVER);
}

static void tell(const char *what)
{
        char why[64];
        cop_term_print(cop_failure(), NULL, why, sizeof(why));
        printf("%s: %s\n", what, why);
}

static void lunch(void)
{
        cop_message *plates[3];
        const cop_task tasks[] = {
                cop_task_async(cook, dish, .name = COP_TEXT("soup"), .minutes = 20),
                cop_task_async(cook, dish, .name = COP_TEXT("roast"), .minutes = 30),
                cop_task_async(cook, dish, .name = COP_TEXT("salad"), .minutes = 5),
        };
        cop_pid served = cop_agent_new(tally, .dishes = 0);
        cop_task_await_many(plates, tasks, 3, 5000);
        for (int i = 0; i < 3; i++) {
                cop_auto count = NULL;
                cop_agent_update(&count, served, 5000, tally, add, tally, .dishes = 1);
                printf("%d: %s\n", (int)cop_read(tally, count)->dishes,
                       cop_read(plate, plates[i])->words);
                cop_message_free(plates[i]);
        }
}

static void tasting(void)
{
        cop_message *sample = NULL;
        cop_task task = cop_task_async_nolink(bake, dish, .name = COP_TEXT("trial cake"));
        if (cop_task_yield(&sample, task, 5000) == COP_E_DIED)
                tell("the tasting");
        task = cop_task_async(cook, dish, .name = COP_TEXT("stew"), .minutes = 600000);
        if (cop_task_shutdown(&sample, task, COP_SHUTDOWN_DEFAULT) == COP_OK && sample == NULL)
                puts("nobody waits for the stew");
}

static void banquet(void)
{
        cop_task_group party;
        cop_task_group_open(&(cop_task_group_options){ .deadline_ms = 60000 }, &party);
        cop_task_group_start(party, &(cop_task_options){ .run = play_music }, NULL);
        cop_group_task(party, bake, dish, .name = COP_TEXT("wedding cake"));
        if (cop_task_group_close(party) == COP_E_DIED)
                tell("the music has ended, too");
}

static void chef(void)
{
        lunch();
        tasting();
        banquet();
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
        cop_ref over;
        cop_node_options options = { .log = say_nothing };
        if (cop_node_start(&options, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(chef), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
