/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A tree of two levels, and how far a failure reaches:
 *
 *      kitchen
 *       ├── stove        gives up at the second crash within a minute
 *       │    └── pan     crashes when it is asked to share eggs among nobody
 *       └── radio        counts the songs that it has played
 *
 * A first crash stays with the stove, which replaces the pan. At the second the stove gives up:
 * its own supervisor replaces it and all below it. The radio plays on and forgets nothing.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t eggs, plates; } serve;
COP_MESSAGE(serve, eggs, plates);

typedef struct { int64_t eggs_each, servings; } served;
COP_MESSAGE(served, eggs_each, servings);

typedef struct { cop_pid stove; } pan_is_hot;
COP_MESSAGE(pan_is_hot, stove);

typedef struct { bool loud; } play;
COP_MESSAGE(play, loud);

typedef struct { int64_t songs; } played;
COP_MESSAGE(played, songs);

typedef struct { int64_t servings; } pan;

static void pan_init(pan *self)
{
        self->servings = 0;
        cop_send("cook", pan_is_hot, .stove = cop_parent());
}

static void pan_on_serve(pan *self, const serve *s)
{
        cop_reply(served, .eggs_each = s->eggs / s->plates, .servings = ++self->servings);
}

COP_SERVER(pan, COP_INIT(pan_init), COP_ON(serve, pan_on_serve));

typedef struct { int64_t songs; } radio;

static void radio_on_play(radio *self, const play *p)
{
        self->songs += p->loud ? 2 : 1;
        cop_reply(played, .songs = self->songs);
}

COP_SERVER(radio, COP_ON(play, radio_on_play));

static const cop_supervisor stove = {
        .intensity = 1, .period_ms = 60000,
        .children = COP_CHILDREN({ "pan", .server = &pan_server }),
};

static const cop_supervisor kitchen = {
        .name = "kitchen", .intensity = 3, .period_ms = 60000,
        .children = COP_CHILDREN({ "stove", .supervisor = &stove },
                                  { "radio", .server = &radio_server }),
};

/* Each pan tells the cook when it is hot, and on which stove. */
static cop_pid wait_for_pan(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(pan_is_hot));
        return cop_read(pan_is_hot, message)->stove;
}

static void ask(int64_t plates)
{
        cop_auto reply = NULL;
        if (cop_call(&reply, "pan", 5000, serve, .eggs = 6, .plates = plates) == COP_OK)
                printf("cook: serving %d, %d eggs each\n", (int)cop_read(served, reply)->servings,
                       (int)cop_read(served, reply)->eggs_each);
        else
                puts("cook: the pan is broken");
}

static void listen(void)
{
        cop_auto reply = NULL;
        if (cop_call(&reply, "radio", 5000, play, .loud = false) == COP_OK)
                printf("radio: song %d\n", (int)cop_read(played, reply)->songs);
}

static void cook(void)
{
        cop_pid first = wait_for_pan();
        ask(2);
        listen();
        ask(0);

        cop_pid second = wait_for_pan();
        puts(cop_pid_equal(first, second) ? "-- a new pan, the same stove" : "-- a new stove?");
        ask(3);
        listen();
        ask(0);

        cop_pid third = wait_for_pan();
        puts(cop_pid_equal(second, third) ? "-- the same stove?" : "-- a new pan, a new stove");
        ask(6);
        listen();
}

int main(void)
{
        cop_node *node;
        cop_pid root;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_register("cook", cop_self());
        if (cop_supervise(&kitchen, &root) != COP_OK)
                return 1;
        cook();
        cop_shutdown(root, 5000);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
