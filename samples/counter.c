/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A server keeps a number; a thread that is no actor calls it. The number needs no lock, since a
 * server handles one message after the other, and a call always ends: with the reply, or with
 * the reason why there is none.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t by; } add;
COP_MESSAGE(add, by);

typedef struct { bool exactly; } ask;
COP_MESSAGE(ask, exactly);

typedef struct { int64_t value; } total;
COP_MESSAGE(total, value);

typedef struct { int64_t value; } counter;

static void counter_on_add(counter *self, const add *a)
{
        self->value += a->by;
}

static void counter_on_ask(counter *self, const ask *a)
{
        cop_reply(total, .value = a->exactly ? self->value : self->value / 10 * 10);
}

COP_SERVER(counter, COP_ON(add, counter_on_add), COP_ON(ask, counter_on_ask));

static void count(void)
{
        cop_auto reply = NULL;
        cop_ref ended;
        for (int64_t i = 1; i <= 4; i++)
                cop_send("counter", add, .by = i * i);
        if (cop_call(&reply, "counter", 1000, ask, .exactly = true) == COP_OK)
                printf("the counter is at %d\n", (int)cop_read(total, reply)->value);

        cop_monitor("counter", &ended);
        cop_send_exit(cop_whereis("counter"), cop_atom("retired"));
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ended)));
        cop_status status = cop_call(NULL, "counter", 1000, ask, .exactly = false);
        printf("and now: %s\n", cop_status_text(status));
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_spawn_server(&counter_server, "counter");
        count();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
