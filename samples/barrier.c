/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A car park's barrier as a state machine. While the arm moves it can do nothing else: who asks then
 * is not refused but postponed, and served in order once the arm is at rest.
 */
#include <stdio.h>

#include <coppice.h>

enum { CLOSED, OPENING, OPEN };
static const char *const words[] = { "closed", "opening", "open" };

typedef struct { int64_t car; } ticket;
COP_MESSAGE(ticket, car);
typedef struct { int64_t car; bool may_pass; } answer;
COP_MESSAGE(answer, car, may_pass);
typedef struct { bool at_top; } arm;
COP_MESSAGE(arm, at_top);
typedef struct { bool now; } nobody_came;
COP_MESSAGE(nobody_came, now);

typedef struct { int64_t passed; } day;
COP_MESSAGE(day, passed);

typedef struct { int64_t passed; } barrier;

/* Each change of state comes through here, before anything else that happens in the new one. */
static void barrier_enters(barrier *self, int64_t before)
{
        printf("%s -> %s, %d passed\n", words[before], words[cop_state()], (int)self->passed);
        if (cop_state() == CLOSED && self->passed > 0)
                cop_send(cop_parent(), day, .passed = self->passed);
}

static void barrier_opens(barrier *self, const ticket *t)
{
        (void)self;
        printf("car %d asks, the arm goes up\n", (int)t->car);
        cop_postpone();
        cop_next_state(OPENING);
}

static void barrier_lets_wait(barrier *self, const ticket *t)
{
        (void)self;
        printf("car %d waits for the arm\n", (int)t->car);
        cop_postpone();
}

/* A state's time-out ends with the state that it belongs to. */
static void barrier_is_up(barrier *self, const arm *a)
{
        (void)self;
        if (!a->at_top)
                return;
        cop_next_state(OPEN);
        cop_state_timeout(20, nobody_came, .now = true);
}

static void barrier_lets_pass(barrier *self, const ticket *t)
{
        self->passed++;
        printf("car %d passes\n", (int)t->car);
        cop_reply(answer, .car = t->car, .may_pass = true);
}

static void barrier_closes(barrier *self, const nobody_came *n)
{
        (void)self;
        (void)n;
        cop_next_state(CLOSED);
}

COP_MACHINE(barrier, CLOSED,
            COP_ENTER_ANY(barrier_enters),
            COP_IN(CLOSED, ticket, barrier_opens),
            COP_IN(OPENING, ticket, barrier_lets_wait),
            COP_IN(OPENING, arm, barrier_is_up),
            COP_IN(OPEN, ticket, barrier_lets_pass),
            COP_IN(OPEN, nobody_came, barrier_closes));

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .name = "car_park" }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid pid = cop_spawn_server(&barrier_machine, "barrier");
        for (int64_t car = 1; car <= 3; car++)
                cop_send("barrier", ticket, .car = car);
        cop_send("barrier", arm, .at_top = true);
        for (int i = 0; i < 3; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(answer));
                if (!cop_read(answer, message)->may_pass)
                        puts("turned away?");
        }
        cop_auto evening = cop_receive(COP_FOREVER, COP_KIND(day));
        printf("%d cars today\n", (int)cop_read(day, evening)->passed);
        cop_shutdown(pid, 1000);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
