/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Two actors play a ball to and fro. Each is a plain function: where it receives, it waits, and
 * whoever else has something to do runs meanwhile.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t stroke; } ball;
COP_MESSAGE(ball, stroke);

typedef struct { cop_pid partner; } match;
COP_MESSAGE(match, partner);

static void pong(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ball));
                printf("pong %d\n", (int)cop_read(ball, message)->stroke);
                cop_answer(message, ball, .stroke = cop_read(ball, message)->stroke);
        }
}

static void ping(const match *m)
{
        for (int64_t stroke = 1; stroke <= 3; stroke++) {
                printf("ping %d\n", (int)stroke);
                cop_send(m->partner, ball, .stroke = stroke);
                cop_message_free(cop_receive(COP_FOREVER, COP_FIELD(ball, stroke, stroke)));
        }
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid player = cop_spawn_with(ping, match, .partner = cop_spawn(pong));
        cop_monitor(player, &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
