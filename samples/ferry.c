/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A ferryman waits on the far bank, in a plain read(), until somebody rings for him. He says to nobody that he will block, and
 * the node has one worker. The toll keeper answers all the same: the node sees that its worker is stuck, and a spare one goes on
 * with the others. When the bell has rung, the ferryman goes on where he was, and the spare worker rests.
 *
 * Where it is known that something blocks for long, cop_blocking() says so, and costs nobody the milliseconds until it is seen:
 * see blocking.c.
 */
#include <stdio.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { int32_t bell; } crossing;
COP_MESSAGE(crossing, bell);

typedef struct { int64_t carts, pence; } toll;
COP_MESSAGE(toll, carts, pence);

typedef struct { int64_t crossings; } ferryman;

static void ferryman_on_crossing(ferryman *self, const crossing *c)
{
        char ring;
        while (read(c->bell, &ring, 1) < 0) /* a signal may end the call early */
                continue;
        self->crossings++;
        cop_reply(crossing, .bell = c->bell);
}

COP_SERVER(ferryman, COP_ON(crossing, ferryman_on_crossing));

typedef struct { int64_t pence; } keeper;

static void keeper_on_toll(keeper *self, const toll *t)
{
        self->pence += 3 * t->carts;
        cop_reply(toll, .carts = t->carts, .pence = self->pence);
}

COP_SERVER(keeper, COP_ON(toll, keeper_on_toll));

int main(void)
{
        cop_node *node;
        int bell[2];
        if (pipe(bell) != 0 || cop_node_start(&(cop_node_options){ .workers = 1 }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_send(cop_spawn_server(&ferryman_server, NULL), crossing, .bell = bell[0]);
        cop_pid tolls = cop_spawn_server(&keeper_server, NULL);
        for (int64_t carts = 1; carts <= 3; carts++) {
                cop_auto reply = NULL;
                if (cop_call(&reply, tolls, 5000, toll, .carts = carts) != COP_OK)
                        return 1;
                printf("%d carts have come, %d pence are in the box\n", (int)carts, (int)cop_read(toll, reply)->pence);
        }
        cop_auto early = cop_receive(0, COP_KIND(crossing));
        puts(early == NULL ? "the ferryman still waits" : "the ferryman has not waited");
        if (write(bell[1], "!", 1) != 1)
                return 1;
        cop_auto landed = cop_receive(5000, COP_KIND(crossing));
        puts(landed != NULL ? "the bell has rung, and he is back" : "he does not come");
        cop_node_leave();
        cop_node_stop(node);
        close(bell[0]);
        close(bell[1]);
        return 0;
}
