/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An alias is an address that one can close: a reporter phones a source, and from the moment the paper goes to press
 * nothing more from that call reaches the desk. The editor's own line goes first, however high the mail is piled: that alias
 * has priority, and only those who have it can overtake.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text text; } story;
COP_MESSAGE(story, text);

typedef struct { cop_text why; } stop_press;
COP_MESSAGE(stop_press, why);

/* Who is to be told, and a line for emergencies. */
typedef struct { cop_alias desk, urgent; } tip;
COP_MESSAGE(tip, COP_NESTED(cop_alias, desk), COP_NESTED(cop_alias, urgent));

typedef struct { bool hung_up; } dial_tone;
COP_MESSAGE(dial_tone, hung_up);

static void source(void)
{
        cop_auto call = cop_receive(COP_FOREVER, COP_KIND(tip));
        const tip *t = cop_read(tip, call);
        cop_send(t->desk, story, .text = COP_TEXT("the mayor is a beekeeper"));
        cop_send(t->desk, story, .text = COP_TEXT("the bees have escaped"));
        cop_send_priority(t->urgent, stop_press, .why = COP_TEXT("the bees are in the printing room"));
        cop_answer(call, dial_tone, .hung_up = false);

        cop_auto again = cop_receive(COP_FOREVER, COP_KIND(tip));
        cop_send(t->desk, story, .text = COP_TEXT("it was wasps"));
        cop_answer(again, dial_tone, .hung_up = true);
}

static void read_all_mail(void)
{
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(story), COP_KIND(stop_press));
                if (message == NULL)
                        return;
                if (cop_read(stop_press, message) != NULL)
                        printf("  stop press: %s!\n", cop_read(stop_press, message)->why.data);
                else
                        printf("  story: %s\n", cop_read(story, message)->text.data);
        }
}

static void desk(void)
{
        cop_alias open_line, urgent;
        cop_ref gone;
        cop_pid informant = cop_spawn(source);
        const cop_monitor_options and_say = { .tag = cop_atom("the_source_is_gone") };
        cop_monitor_opt(informant, &and_say, &gone);
        cop_alias_open(COP_ALIAS_EXPLICIT, &open_line);
        cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &urgent);

        cop_call(NULL, informant, COP_FOREVER, tip, .desk = open_line, .urgent = urgent);
        puts("the mail:");
        read_all_mail();
        printf("the line is closed: %s\n", cop_alias_close(open_line) ? "yes" : "no");
        cop_call(NULL, informant, COP_FOREVER, tip, .desk = open_line, .urgent = urgent);
        puts("the mail after that:");
        read_all_mail();

        cop_auto down = cop_receive(COP_FOREVER, COP_REF(cop_down, gone));
        char text[64];
        cop_term_print(cop_read(cop_down, down)->tag, NULL, text, sizeof(text));
        puts(text);
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(desk), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
