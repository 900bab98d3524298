/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Three makers put boxes on a conveyor belt with four places, faster than one packer takes them off. Threads share
 * a ring, a lock and two condition variables; who tests with `if` instead of `while` takes a box that is not there,
 * and who wakes the wrong one lets all sleep.
 *
 * Here the belt is an actor, and says in its receive what it can do now: while it is full it takes up no box. The
 * box stays in the mailbox, the call of its maker goes on, and so the maker waits: that is all of the back-pressure.
 */
#include <stdio.h>

#include <coppice.h>

enum { PLACES = 4, MAKERS = 3, BOXES = 40 };

typedef struct { int maker, number; } box;
COP_MESSAGE(box, maker, number);

typedef struct { int place; } placed;
COP_MESSAGE(placed, place);

typedef struct { bool gently; } take;
COP_MESSAGE(take, gently);

typedef struct { bool from_above; } look;
COP_MESSAGE(look, from_above);

typedef struct { int now, most; } load;
COP_MESSAGE(load, now, most);

typedef struct { int boxes[MAKERS]; bool in_order; } shift;
COP_MESSAGE(shift, boxes, in_order);

static cop_message *next_for(int boxes)
{
        if (boxes == 0)
                return cop_receive(COP_FOREVER, COP_KIND(box), COP_KIND(look));
        if (boxes == PLACES)
                return cop_receive(COP_FOREVER, COP_KIND(take), COP_KIND(look));
        return cop_receive(COP_FOREVER, COP_KIND(box), COP_KIND(take), COP_KIND(look));
}

static void belt(void)
{
        box places[PLACES];
        load l = { 0 };
        for (int first = 0;;) {
                cop_auto message = next_for(l.now);
                if (cop_read(box, message) != NULL) {
                        int place = (first + l.now++) % PLACES;
                        places[place] = *cop_read(box, message);
                        l.most = l.now > l.most ? l.now : l.most;
                        cop_answer(message, placed, .place = place);
                } else if (cop_read(take, message) != NULL) {
                        cop_answer_value(message, COP_KIND_OF(box), &places[first]);
                        first = (first + 1) % PLACES;
                        l.now--;
                } else {
                        cop_answer_value(message, COP_KIND_OF(load), &l);
                }
        }
}

static void make(const box *b)
{
        for (int number = 1; number <= BOXES; number++)
                cop_call(NULL, "belt", COP_FOREVER, box, .maker = b->maker, .number = number);
}

/* The numbers of each maker come as 1, 2, 3 ...: nothing is lost, doubled or overtaken. */
static void pack(void)
{
        shift s = { .in_order = true };
        for (int i = 0; i < MAKERS * BOXES; i++) {
                cop_auto reply = NULL;
                if (cop_call(&reply, "belt", COP_FOREVER, take, .gently = true) != COP_OK)
                        break;
                const box *b = cop_read(box, reply);
                s.in_order = s.in_order && b->number == ++s.boxes[b->maker];
                if (i % 8 == 0)
                        cop_sleep(1);
        }
        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(shift), &s);
}

static void show_belt(const char *when)
{
        cop_auto reply = NULL;
        if (cop_call(&reply, "belt", COP_FOREVER, look, .from_above = true) != COP_OK)
                return;
        const load *l = cop_read(load, reply);
        printf("%s: %d boxes on the belt, never more than %d\n", when, l->now, l->most);
}

static void work(cop_node *node)
{
        cop_register("belt", cop_spawn(belt));
        for (int maker = 0; maker < MAKERS; maker++)
                cop_spawn_with(make, box, .maker = maker);
        cop_node_await_quiet(node, COP_FOREVER);
        show_belt("all makers wait");

        cop_spawn(pack);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(shift));
        const shift *s = cop_read(shift, message);
        for (int maker = 0; maker < MAKERS; maker++)
                printf("maker %d: %d boxes are packed\n", maker, s->boxes[maker]);
        puts(s->in_order ? "each maker's in the order of making" : "out of order!");
        show_belt("in the evening");
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        work(node);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
