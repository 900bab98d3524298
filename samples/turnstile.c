/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A turnstile at the gate tells the office, on another node, of each person who comes through, and says it again until it is heard. The
 * connection between the two is cut now and then. What was cut, the word or its answer, the gate cannot know.
 *
 * So an office that counts each word counts somebody twice, and one of the first seeds of a trial finds that. The second office is told
 * a number with each person, and counts none twice: whatever is cut, hundreds of schedules find nothing.
 */
#include <stdio.h>

#include <coppice.h>

#define GATE "gate@127.0.0.1"
#define OFFICE "office@127.0.0.1"

enum { PEOPLE = 3, PATIENCE_MS = 1000 };

typedef struct { int64_t number; } person;
COP_MESSAGE(person, number);

typedef struct { int64_t people; } total;
COP_MESSAGE(total, people);

/* ---- The office ---------------------------------------------------------------------------- */

typedef struct { int64_t people; } hasty;

static void hasty_on_person(hasty *self, const person *p)
{
        (void)p;
        cop_reply(total, .people = ++self->people);
}

static void hasty_on_total(hasty *self, const total *t)
{
        (void)t;
        cop_reply(total, .people = self->people);
}

COP_SERVER(hasty, COP_ON(person, hasty_on_person), COP_ON(total, hasty_on_total));

typedef struct { int64_t people, last; } careful;

static void careful_on_person(careful *self, const person *p)
{
        if (p->number > self->last) {
                self->last = p->number;
                self->people++;
        }
        cop_reply(total, .people = self->people);
}

static void careful_on_total(careful *self, const total *t)
{
        (void)t;
        cop_reply(total, .people = self->people);
}

COP_SERVER(careful, COP_ON(person, careful_on_person), COP_ON(total, careful_on_total));

/* ---- The gate ------------------------------------------------------------------------------ */

typedef struct { bool hurries; } enter;
COP_MESSAGE(enter, hurries);

typedef struct { int64_t number; } gate;

static void gate_on_enter(gate *self, const enter *e)
{
        (void)e;
        self->number++;
        while (cop_call(NULL, cop_at("office", OFFICE), PATIENCE_MS, person, .number = self->number) != COP_OK)
                cop_sleep(1);
        cop_reply(total, .people = self->number);
}

COP_SERVER(gate, COP_ON(enter, gate_on_enter));

static const cop_supervisor entrance = {
        .name = "entrance", .children = COP_CHILDREN({ "gate", .server = &gate_server }),
};

/* ---- The trial ------------------------------------------------------------------------------ */

/* The node that is visited gets a name by which others know it. 0: it does not; else its port. */
static uint16_t distribute(const char *name)
{
        uint16_t port = 0;
        cop_status status = cop_distribution_start(&(cop_distribution){
                .name = cop_text_of(name), .cookie = COP_TEXT("a long and random secret"), .no_epmd = true });
        return status == COP_OK && cop_distribution_port(&port) == COP_OK ? port : 0;
}

/* On a node beside the gate's, of the same simulation; its port. The trial stops it. */
static uint16_t open_office(cop_node *here, const cop_behaviour *office)
{
        const cop_simulation beside = { .with = here };
        cop_node *there;
        if (cop_node_start(&(cop_node_options){ .name = "office", .max_actors = 100, .simulation = &beside }, &there) != COP_OK)
                return 0;
        cop_node_enter(there);
        uint16_t port = distribute(OFFICE);
        cop_spawn_server(office, "office");
        cop_node_leave(); /* and is back in the first */
        return port;
}

static int64_t people_at_the_office(void)
{
        for (;;) {
                cop_auto reply = NULL;
                if (cop_call(&reply, cop_at("office", OFFICE), PATIENCE_MS, total) == COP_OK)
                        return cop_read(total, reply)->people;
        }
}

static const char *everybody_is_counted_once(cop_node *node, void *is_careful)
{
        const cop_behaviour *office = is_careful != NULL ? &careful_server : &hasty_server;
        uint16_t port = distribute(GATE) != 0 ? open_office(node, office) : 0;
        if (port == 0 || cop_node_is_at(OFFICE, NULL, port) != COP_OK)
                return "there are no two nodes";
        for (int i = 0; i < PEOPLE; i++)
                cop_call(NULL, "gate", COP_FOREVER, enter);
        int64_t people = people_at_the_office();
        return people == PEOPLE ? NULL : people > PEOPLE ? "somebody was counted twice" : "somebody was not counted";
}

static void try_office(const cop_behaviour *office)
{
        cop_trial_outcome outcome;
        const cop_trial trial = {
                .tree = &entrance, .check = everybody_is_counted_once, .seeds = 300, .max_actors = 100,
                .context = office == &careful_server ? &outcome : NULL, .simulation = { .cuts = 40 },
        };
        if (cop_trial_run(&trial, &outcome) != COP_OK)
                printf("%s: the trial could not be held\n", office->name);
        else if (outcome.failed)
                printf("%s: %s\n", office->name, outcome.what);
        else
                printf("%s: no seed finds anything\n", office->name);
}

int main(void)
{
        try_office(&hasty_server);
        try_office(&careful_server);
        return 0;
}
