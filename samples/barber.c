/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A barber sleeps when there is nobody to shave; who comes wakes him, or takes one of three chairs, or goes away if
 * they are taken. Among threads the bug is in the look before the sleep: the barber sees an empty room and lies down,
 * the customer sees him still on his feet and sits down, and both wait for ever.
 *
 * Here the barber is an actor, which is the same trade: his mailbox is the waiting room, a receive looks and
 * falls asleep in one, and the limit of the mailbox is the number of chairs. Who finds none is told at once.
 */
#include <stdio.h>

#include <coppice.h>

enum { CHAIRS = 3, CUSTOMERS = 12 };

typedef struct { int days; } beard;
COP_MESSAGE(beard, days);

typedef struct { int number; } shave;
COP_MESSAGE(shave, number);

typedef struct { int visits, turned_away, shave; } outing;
COP_MESSAGE(outing, visits, turned_away, shave);

typedef struct { int shaves; } barber;

static void barber_on_beard(barber *self, const beard *b)
{
        cop_sleep(b->days); /* the others sit and wait */
        cop_reply(shave, .number = ++self->shaves);
}

COP_SERVER(barber, COP_ON(beard, barber_on_beard));

/* Who is turned away walks round the block and looks in again. */
static void customer(const beard *b)
{
        outing o = { 0 };
        while (o.shave == 0) {
                cop_auto reply = NULL;
                cop_status status = cop_call(&reply, "barber", COP_FOREVER, beard, .days = b->days);
                o.visits++;
                if (status == COP_OK)
                        o.shave = cop_read(shave, reply)->number;
                else if (status == COP_E_FULL)
                        o.turned_away++;
                else
                        break;
                if (status == COP_E_FULL)
                        cop_sleep(2);
        }
        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(outing), &o);
}

/* Each visit ends in a shave or at the door, and each shave has its own number. */
static void send_customers(int count)
{
        int shaved = 0, numbers = 0, unclear = 0;
        for (int i = 0; i < count; i++)
                cop_spawn_with(customer, beard, .days = 1 + i % 2);
        for (int i = 0; i < count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(outing));
                const outing *o = cop_read(outing, message);
                shaved += o->shave > 0;
                numbers += o->shave;
                unclear += o->visits - o->turned_away - 1;
        }
        printf("%d came: %d shaved, %d neither shaved nor turned away\n", count, shaved, unclear);
        printf("the numbers of their shaves add up to %d\n", numbers);
}

static void open_shop(cop_node *node)
{
        cop_pid pid;
        if (cop_spawn_opt(&(cop_spawn_options){ .server = &barber_server, .name = "barber",
                                                .mailbox_limit = CHAIRS,
                                                .mailbox_policy = COP_MAILBOX_REJECT },
                          &pid) != COP_OK)
                return;
        send_customers(CUSTOMERS);
        cop_node_await_quiet(node, COP_FOREVER);
        puts("not a sound: the barber sleeps");
        send_customers(1);
        cop_stop(pid, cop_atom("shutdown"), COP_FOREVER);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        open_shop(node);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
