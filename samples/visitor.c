/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A program that has a main loop of its own, and threads: it starts a node beside them, and whoever enters may send, call and
 * receive. The loop goes on drawing, and looks into its mailbox once in each round.
 */
#include <pthread.h>
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t metres; } step;
COP_MESSAGE(step, metres);

typedef struct { int64_t metres; } position;
COP_MESSAGE(position, metres);

typedef struct { int64_t metres; } walker;

static void walker_on_step(walker *self, const step *s)
{
        self->metres += s->metres;
        cop_reply(position, .metres = self->metres);
}

COP_SERVER(walker, COP_ON(step, walker_on_step));

/* A thread of the program's own. What it sends is answered to it; what it calls, it waits for. */
static void *push(void *node)
{
        if (cop_node_enter(node) != COP_OK)
                return NULL;
        for (int i = 0; i < 10; i++)
                cop_call(NULL, "walker", COP_FOREVER, step, .metres = 5);
        cop_node_leave();
        return NULL;
}

static void draw(const position *p)
{
        if (p->metres % 50 == 0)
                printf("the walker is at %d m\n", (int)p->metres);
}

/* Never waits: what has come is handled, what has not may come in the next round. */
static int64_t run_one_round(int64_t at)
{
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(position));
                if (message == NULL)
                        return at;
                at = cop_read(position, message)->metres;
                draw(cop_read(position, message));
        }
}

int main(void)
{
        cop_node *node;
        pthread_t thread;
        if (cop_version() < COP_VERSION) {
                fprintf(stderr, "made for Coppice %s, which is %s here\n", COP_VERSION_TEXT, cop_version_text());
                return 1;
        }
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_spawn_server(&walker_server, "walker");
        if (pthread_create(&thread, NULL, push, node) != 0)
                return 1;
        pthread_join(thread, NULL);
        for (int i = 0; i < 10; i++)
                cop_send("walker", step, .metres = 10);
        for (int64_t at = 0; at < 150; cop_sleep(1))
                at = run_one_round(at);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
