/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A name stands for whoever bears it now, and a monitor tells when that one ends: so the box office finds a new singer when
 * the old one leaves, and who asks for "singer" need not know.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t songs; } sing;
COP_MESSAGE(sing, songs);

typedef struct { cop_text words; } song;
COP_MESSAGE(song, words);

static void singer(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(sing));
        cop_answer(message, song, .words = COP_TEXT("la la la"));
        if (cop_read(sing, message)->songs > 1)
                cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("hoarse")));
}

static cop_ref hire(void)
{
        cop_ref gone;
        cop_register("singer", cop_spawn(singer));
        cop_monitor("singer", &gone);
        return gone;
}

static void await_end(cop_ref gone)
{
        char why[48];
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_down, gone));
        const cop_down *down = cop_read(cop_down, message);
        cop_term_print(down->reason, NULL, why, sizeof(why));
        printf("%s has gone: %s\n", down->name.text, why);
}

static void run_the_box_office(void)
{
        for (int64_t evening = 1; evening <= 2; evening++) {
                cop_ref gone = hire();
                cop_auto reply = NULL;
                if (cop_call(&reply, "singer", 1000, sing, .songs = evening) == COP_OK)
                        printf("evening %d: %s\n", (int)evening, cop_read(song, reply)->words.data);
                await_end(gone);
        }
        cop_ref nobody;
        printf("the name is free: %s\n", cop_status_text(cop_send("singer", sing, .songs = 1)));
        cop_monitor("singer", &nobody); /* answers, too */
        await_end(nobody);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run_the_box_office();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
