/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Five philosophers sit round a table with a fork between each two, and eating takes both. Threads that lock first
 * one fork and then the other stop for ever once each holds its left one, and one that dies takes its forks along.
 *
 * Here the forks are the table's. Who is hungry calls it, and the answer is put off until both forks are there:
 * nobody holds one and waits for the other, so there is no deadlock. Of two neighbours the one goes first who asked
 * first, so that each passes the other by once at most: nobody starves. And the table watches those who eat. When
 * one of them chokes, by a real fault, it hears so and has its forks back.
 */
#include <stdio.h>

#include <coppice.h>

enum { SEATS = 5, MEALS = 100, CHOKING = 2 };
static const char *const names[SEATS] = { "Hypatia", "Plato", "Diogenes", "Hume", "Arendt" };

typedef struct { int seat; } hungry;
COP_MESSAGE(hungry, seat);

typedef struct { int seat; } full;
COP_MESSAGE(full, seat);

typedef struct { int passed_by; } forks;
COP_MESSAGE(forks, passed_by);

typedef struct { int meals, passed_by; } life;
COP_MESSAGE(life, meals, passed_by);

typedef struct {
        enum { THINKING, HUNGRY, EATING } mood;
        int64_t asked;  /* the number of the question */
        int passed_by;  /* meals that the neighbours have begun since */
        cop_caller who;
        cop_ref choked; /* the monitor on one who eats */
} place;

typedef struct { place places[SEATS]; int64_t questions; } table;

static bool lets_eat(const place *neighbour, const place *p)
{
        return neighbour->mood == THINKING ||
               (neighbour->mood == HUNGRY && neighbour->asked > p->asked);
}

/* Who has been hungry for longest waits for nobody but those who eat. */
static void table_serve(table *self)
{
        for (int seat = 0; seat < SEATS; seat++) {
                place *p = &self->places[seat];
                place *left = &self->places[(seat + 1) % SEATS];
                place *right = &self->places[(seat + SEATS - 1) % SEATS];
                if (p->mood != HUNGRY || !lets_eat(left, p) || !lets_eat(right, p))
                        continue;
                p->mood = EATING;
                left->passed_by++;
                right->passed_by++;
                cop_monitor(p->who.pid, &p->choked);
                cop_reply_to(p->who, forks, .passed_by = p->passed_by);
        }
}

static void table_on_hungry(table *self, const hungry *h)
{
        self->places[h->seat] = (place){ .mood = HUNGRY, .asked = ++self->questions,
                                         .who = cop_defer() };
        table_serve(self);
}

static void table_on_full(table *self, const full *f)
{
        cop_demonitor_flush(self->places[f->seat].choked);
        self->places[f->seat].mood = THINKING;
        table_serve(self);
}

static void table_on_down(table *self, const cop_down *d)
{
        for (place *p = self->places; p < self->places + SEATS; p++)
                if (p->mood == EATING && cop_ref_equal(p->choked, d->ref))
                        p->mood = THINKING;
        table_serve(self);
}

COP_SERVER(table, COP_ON(hungry, table_on_hungry), COP_ON(full, table_on_full),
           COP_ON(cop_down, table_on_down));

static int eat(int seat, bool chokes)
{
        cop_auto reply = NULL;
        int *volatile windpipe = NULL;
        if (cop_call(&reply, "table", COP_FOREVER, hungry, .seat = seat) != COP_OK)
                return SEATS;
        cop_yield();
        if (chokes)
                *windpipe = 1;
        cop_send("table", full, .seat = seat);
        return cop_read(forks, reply)->passed_by;
}

static void philosophise(const hungry *at)
{
        life mine = { 0 };
        while (mine.meals < MEALS) {
                int passed_by = eat(at->seat, at->seat == CHOKING && mine.meals == 2);
                if (passed_by > mine.passed_by)
                        mine.passed_by = passed_by;
                mine.meals++;
        }
        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(life), &mine);
}

static void dine(void)
{
        cop_pid guests[SEATS];
        cop_ref gone[SEATS];
        int passed_by = 0;
        cop_spawn_server(&table_server, "table");
        for (int seat = 0; seat < SEATS; seat++) {
                guests[seat] = cop_spawn_with(philosophise, hungry, .seat = seat);
                cop_monitor(guests[seat], &gone[seat]);
        }
        for (int seat = 0; seat < SEATS; seat++) {
                cop_auto end = cop_receive(COP_FOREVER, COP_REF(cop_down, gone[seat]));
                cop_auto told = cop_receive(0, (cop_pattern){ .kind = COP_KIND_OF(life),
                                                              .from = guests[seat] });
                const life *l = cop_read(life, told);
                if (l == NULL)
                        printf("%s has choked\n", names[seat]);
                else
                        printf("%s has eaten %d times\n", names[seat], l->meals);
                if (l != NULL && l->passed_by > passed_by)
                        passed_by = l->passed_by;
        }
        eat(CHOKING, false);
        printf("a guest has eaten in %s's place\n", names[CHOKING]);
        puts(passed_by <= 2 ? "no neighbour has passed a hungry one by twice" : "unfair!");
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        dine();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
