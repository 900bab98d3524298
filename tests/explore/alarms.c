/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Timers: armed, cancelled and expiring at the same time. Under every schedule a timer that was cancelled in time never
 * fires, and one that was not fires once; a receive that gives up and a message that comes leave the message.
 */
#include "tests/explore/inside.h"

static cop_pid clock_watcher;

IN_NODE(a_cancelled_timer_never_fires)
{
        for (int64_t i = 0; i < 2; i++) {
                cop_ref timer;
                EXPLORE_ASSERT(cop_send_after(&timer, 1, cop_self(), note, .n = i) == COP_OK);
                cop_message *message = cop_receive(i, COP_KIND(cop_down)); /* time may pass */
                EXPLORE_ASSERT(message == NULL);
                if (cop_cancel(timer) >= 0) {
                        cop_message_free(cop_receive(5, COP_KIND(cop_down)));
                        inside_nothing_has_come();
                } else {
                        cop_message_free(inside_await(COP_KIND(note)));
                }
        }
}

static void pokes(void)
{
        EXPLORE_ASSERT(cop_send(clock_watcher, note, .n = 1) == COP_OK);
}

static void waits_a_while(void)
{
        cop_message *message = NULL;
        while (message == NULL)
                message = cop_receive(1, COP_KIND(note));
        cop_message_free(message);
}

/* The alarm and the message come at once: whichever is first, the message is had. */
IN_NODE(a_message_that_meets_a_time_out_is_not_lost)
{
        cop_ref ref;
        clock_watcher = cop_spawn(waits_a_while);
        EXPLORE_ASSERT(cop_monitor(clock_watcher, &ref) == COP_OK);
        unsigned sender = inside_visitor(pokes);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        explore_join(sender);
}

/* The same for a thread of the program, which sleeps in its parking place. */
static void visitor_waits_a_while(void)
{
        cop__store_release(&clock_watcher.bits, cop_self().bits);
        waits_a_while();
}

IN_NODE(a_message_that_meets_a_visitors_time_out_is_not_lost)
{
        clock_watcher = cop_no_pid();
        unsigned visitor = inside_visitor(visitor_waits_a_while);
        while (cop__load_acquire(&clock_watcher.bits) == 0)
                explore_yield();
        pokes();
        explore_join(visitor);
}

/* Without a time-out there is but one way to wake: through the parking place. */
IN_NODE(a_message_wakes_a_visitor)
{
        clock_watcher = cop_self();
        unsigned sender = inside_visitor(pokes);
        cop_message_free(inside_await(COP_KIND(note)));
        explore_join(sender);
}

/* ---- Beside the death of who it is for (actors/timer_home.h) ---------------------------------------- */

#define FAR_MS 1000000

static void sets_a_timer_for_the_mortal(void)
{
        cop_ref timer;
        cop_status status = cop_send_after(&timer, FAR_MS, clock_watcher, note, .n = 1);
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_NO_ACTOR);
}

static void waits_for_ever(void)
{
        cop_receive(COP_FOREVER, COP_KIND(cop_down));
}

/* The one who sets it and the one who dies each do something and then look at what the other has done. */
IN_NODE(no_timer_stays_with_the_dead)
{
        cop_ref ref;
        clock_watcher = cop_spawn(waits_for_ever);
        uint32_t slot = cop__pid_slot(clock_watcher);
        EXPLORE_ASSERT(cop_monitor(clock_watcher, &ref) == COP_OK);
        unsigned setter = inside_visitor(sets_a_timer_for_the_mortal);
        inside_end(clock_watcher, "kill");
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        explore_join(setter);
        for (unsigned i = 0; i < inside->timers.count; i++)
                EXPLORE_ASSERT(inside->timers.homes[i].firsts[slot] == 0);
}

/* ---- Beside a worker that is alone (scheduler/company.h) ------------------------------------------ */

#define STEADY 4
#define TIMED 2

static cop_pid listener, waiting;

static void listens(void)
{
        for (int i = 0; i < STEADY + TIMED; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_send(waiting, note, .n = STEADY + TIMED);
}

/* One turn for each, so that others come in between. */
static void talks(void)
{
        for (int i = 0; i < STEADY; i++) {
                EXPLORE_ASSERT(cop_send(listener, note, .n = i) == COP_OK);
                cop_yield();
        }
}

IN_NODE(what_timers_send_beside_a_worker_that_is_alone_is_read)
{
        waiting = cop_self();
        listener = cop_spawn(listens);
        for (int i = 0; i < TIMED; i++)
                EXPLORE_ASSERT(cop_send_after(NULL, i, listener, note, .n = i) == COP_OK);
        cop_spawn(talks);
        cop_message_free(inside_await(COP_KIND(note)));
}
