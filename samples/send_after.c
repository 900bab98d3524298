/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A message that comes later: three eggs on one stove. The one that is eaten raw is cancelled in time, and says how much of
 * its time was left.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text whose; } egg;
COP_MESSAGE(egg, whose);

static void cook(void)
{
        cop_ref soft, hard, raw;
        cop_send_after(&hard, 60, cop_self(), egg, .whose = COP_TEXT("Ben"));
        cop_send_after(&soft, 20, cop_self(), egg, .whose = COP_TEXT("Ada"));
        cop_send_after(&raw, 3600000, cop_self(), egg, .whose = COP_TEXT("Cleo"));
        printf("the raw one had %s\n", cop_cancel(raw) > 3000000 ? "most of an hour left" : "no time left");
        for (int i = 0; i < 2; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(egg));
                printf("ready: the egg of %s\n", cop_read(egg, message)->whose.data);
        }
        printf("too late to cancel: %d\n", (int)cop_cancel(soft));
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(cook), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
