/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Slots that ebb (actors/slot_ebb.h, scheduler/grace.h): 64 of them are hidden, and after a grace their pages go, while an actor
 * and a visitor look up pids that would live there next, and send to them, and one spawns in a node that has no other slots. Under every schedule what is sent
 * is read or dies, and never written where nothing is: a slot without pages has neither mark nor node.
 */
#include "actors/info.h"
#include "actors/slot_ebb.h"
#include "tests/explore/inside.h"

#define FIRST COP__SLOT_BLOCK
#define LAST (2 * COP__SLOT_BLOCK - 1)
#define SENT 6

static unsigned read_count;

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

/* As if somebody had lived in each of the second block, and since then nobody, and in two others, which are for senders. */
static void have_had_a_burst(struct cop__slots *slots)
{
        uint32_t low = slots->used + 1;
        cop__lock_lock(&slots->lock);
        for (uint32_t slot = low; slot <= LAST; slot++) {
                cop__slot_make(&slots->base[slot]);
                cop__store_relaxed(&slots->base[slot].pid, cop__pid(slot, 1).bits);
                if (slot >= FIRST)
                        slots->free[slots->free_count++] = slot;
        }
        slots->free[slots->free_count++] = low + 1;
        slots->free[slots->free_count++] = low;
        cop__store_release(&slots->used, LAST);
        slots->ebb.least = slots->free_count;
        cop__lock_unlock(&slots->lock);
}

/* What the watch does, without its pauses. */
static void ebbs(void *unused)
{
        size_t bytes = 0;
        enum cop__ebb_state state;
        (void)unused;
        cop__slot_ebb_hooks.begin(inside);
        while ((state = cop__slot_ebb_hooks.go_on(inside, &bytes)) != COP__EBB_OVER)
                if (state == COP__EBB_WAITS)
                        explore_yield();
}

/* Looks up who would be next in a slot: the first is the first that is taken again, the last the last that is seen to be hidden. */
static void send_to_whom_it_guesses(unsigned times)
{
        for (unsigned i = 0; i < times; i++) {
                cop_send(cop__pid(i % 2 == 0 ? LAST : FIRST, 1), note, .n = 0);
                cop_yield();
        }
}

static void visits(void)
{
        send_to_whom_it_guesses(2);
}

/* A turn for each. */
static void guesses(void)
{
        send_to_whom_it_guesses(SENT - 2);
}

static void answers(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                if (cop_read(note, message)->n != 0)
                        cop_answer(message, note, .n = 2);
                else
                        read_count++;
        }
}

static void spawns_and_calls(void)
{
        cop_message *reply;
        EXPLORE_ASSERT(cop_call(&reply, cop_spawn(answers), COP_FOREVER, note, .n = 1) == COP_OK);
        cop_message_free(reply);
}

/* This thread itself may be the one whose pid was guessed. */
static void read_what_was_for_another(void)
{
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(note))) != NULL) {
                cop_message_free(message);
                read_count++;
        }
}

SCENARIO(nobody_writes_to_a_slot_whose_pages_have_gone)
{
        struct cop__totals totals;
        read_count = 0;
        explore_focus(false);
        EXPLORE_ASSERT(cop_node_start(&(cop_node_options){ .name = "explored", .workers = 1, .max_actors = LAST, .log = say_nothing },
                                      &inside) == COP_OK);
        EXPLORE_ASSERT(cop_node_enter(inside) == COP_OK);
        have_had_a_burst(&inside->slots);
        cop_spawn(guesses);
        cop_node_leave();
        explore_focus(true);
        unsigned sender = inside_visitor(visits);
        unsigned ebb = explore_thread(ebbs, NULL);
        unsigned spawner = explore_random(2) == 0 ? inside_visitor(spawns_and_calls) : sender;
        explore_join(sender);
        explore_join(spawner);
        explore_join(ebb);
        EXPLORE_ASSERT(cop_node_enter(inside) == COP_OK);
        spawns_and_calls();
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        read_what_was_for_another();
        cop__totals(inside, &totals);
        if (read_count + totals.dead_letters != SENT)
                explore_fail("%u read, %u dead letters, of %d", read_count, (unsigned)totals.dead_letters, SENT);
        explore_focus(false);
        cop_node_leave();
        cop_node_stop(inside);
}
