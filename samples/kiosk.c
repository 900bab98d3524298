/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A ticket machine as states and events: coins and buttons, a time-out that is put off by each coin, a shortcut that inserts the events
 * which a customer would make, and a service key that puts another table on top of the machine's own.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t pence; } coin;
COP_MESSAGE(coin, pence);
typedef struct { bool child; } button;
COP_MESSAGE(button, child);
typedef struct { int64_t pence; } card;
COP_MESSAGE(card, pence);
typedef struct { bool in; } key;
COP_MESSAGE(key, in);
typedef struct { int64_t pence; } too_long;
COP_MESSAGE(too_long, pence);
typedef struct { int64_t price, in_till; } state_of;
COP_MESSAGE(state_of, price, in_till);

enum { READY = 1, PAYING };
#define PRICE 300

typedef struct { int64_t paid, in_till; } kiosk;
typedef kiosk kiosk_service;

static void kiosk_paying(kiosk *self, int64_t before)
{
        (void)before;
        printf("  %d of %d pence\n", (int)self->paid, PRICE);
        if (self->paid < PRICE)
                cop_timeout("patience", 60000, too_long, .pence = self->paid);
}

static void take(kiosk *self, const coin *c)
{
        self->paid += c->pence;
        if (cop_state() == PAYING) {
                cop_update_timeout("patience", too_long, .pence = self->paid); /* gives back what there is by then */
                cop_repeat_state(); /* shows it again */
        }
        cop_next_state(PAYING);
}

static void print_ticket(kiosk *self, const button *b)
{
        (void)b;
        if (self->paid < PRICE) {
                puts("  not enough");
                return;
        }
        cop_cancel_timeout("patience");
        self->in_till += self->paid;
        self->paid = 0;
        puts("  a ticket");
        cop_next_state(READY);
}

/* A card is as good as a coin and a button. */
static void take_card(kiosk *self, const card *c)
{
        (void)self;
        cop_insert_event(coin, .pence = c->pence);
}

static void give_back(kiosk *self, const too_long *t)
{
        printf("  %d pence back\n", (int)t->pence);
        self->paid = 0;
        cop_next_state(READY);
}

static void tell(kiosk *self, const state_of *s)
{
        (void)s;
        cop_reply(state_of, .price = PRICE, .in_till = self->in_till);
}

/* With the key in nothing is sold; the till may be looked at. */
static void refuse(kiosk *self, const coin *c)
{
        (void)self;
        (void)c;
        puts("  out of service: the coin falls through");
}

static void key_out(kiosk *self, const key *k)
{
        (void)self;
        if (!k->in)
                cop_pop_table();
}

COP_MACHINE(kiosk_service, READY, COP_IN_ANY(coin, refuse), COP_IN_ANY(key, key_out), COP_IN_ANY(state_of, tell));

static void key_in(kiosk *self, const key *k)
{
        (void)self;
        if (k->in)
                cop_push_table(&kiosk_service_table);
}

COP_MACHINE(kiosk, READY, COP_ENTER(PAYING, kiosk_paying), COP_IN_ANY(coin, take), COP_IN_ANY(card, take_card),
            COP_IN(PAYING, button, print_ticket), COP_IN(PAYING, too_long, give_back),
            COP_IN_ANY(state_of, tell), COP_IN_ANY(key, key_in));

static void show_till(cop_pid pid)
{
        cop_auto answer = NULL;
        if (cop_call(&answer, pid, COP_FOREVER, state_of) == COP_OK)
                printf("in the till: %d\n", (int)cop_read(state_of, answer)->in_till);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid pid = cop_spawn_server(&kiosk_machine, "kiosk");
        puts("by coins:");
        cop_send(pid, coin, .pence = 200);
        cop_send(pid, button);
        cop_send(pid, coin, .pence = 100);
        cop_send(pid, button);
        show_till(pid);
        puts("by card:");
        cop_send(pid, card, .pence = 300);
        cop_send(pid, button);
        show_till(pid);
        puts("with the key in:");
        cop_send(pid, key, .in = true);
        cop_send(pid, coin, .pence = 50);
        show_till(pid);
        cop_send(pid, key);
        cop_send(pid, coin, .pence = 50);
        show_till(pid);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
