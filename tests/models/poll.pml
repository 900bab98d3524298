/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where a worker sleeps (scheduler/park.h, POLLING; poll.h): in the one seat of the epoll, or on the futex of its own place.
 *
 * Each worker takes a ticket, looks for a task once more, and sleeps: in the seat if that is empty, else on the futex, which looks at the
 * count and falls asleep in one step. In the seat it says so in `polling` and looks at its ticket. Whoever has put a task for it calls the
 * ticket and looks at `polling`, and then writes to the eventfd, which stays readable until somebody reads it. What happens outside ends a
 * wait in the seat, too. In every interleaving: when nothing moves any more, no task is left, and nothing that has happened is untold.
 *
 * Both fences called POLLING are the order of two accesses here: without one the look comes before the store.
 *
 * Planted bugs. PLANT_NO_FENCE: the sleeper's fence is missing. PLANT_NO_CALL_FENCE: the waker's, which on x86-64 the count itself is.
 * PLANT_LOOK_NOT: who has said that it polls does not look at its ticket. PLANT_TWO_SIT: the seat is taken though another has it, and one
 * reads the other's wake. PLANT_RISE_NOT: who was called leaves its seat to nobody.
 */
#define WORKERS 2
#define TASKS 2
#define ARRIVALS 1

byte seat = 0; /* index + 1 of who sits there */
byte calls[WORKERS]; /* the parking places' counts */
bool polling[WORKERS];
bool wakes = false; /* the eventfd is not empty */
byte tasks[WORKERS]; /* for the worker of that number */
byte arrived = 0; /* outside, and not told */

inline take_seat()
{
        atomic {
                if
#ifdef PLANT_TWO_SIT
                :: true -> seat = me + 1; sits = true
#else
                :: seat == 0 -> seat = me + 1; sits = true
                :: else -> sits = false
#endif
                fi
        }
}

inline say_and_look()
{
#ifdef PLANT_NO_FENCE
        seen = calls[me];
        polling[me] = true;
#else
        polling[me] = true;
        seen = calls[me];
#endif
#ifdef PLANT_LOOK_NOT
        seen = ticket
#endif
}

#define ALL_IS_DONE (tasks[0] == 0 && tasks[1] == 0 && arrived == 0)

proctype worker(byte me)
{
        byte ticket, seen;
        bool sits, woken;
        do
        :: tasks[me] > 0 -> tasks[me]--
        :: else ->
                ticket = calls[me];
                if
                :: tasks[me] > 0 -> goto again
                :: else -> take_seat()
                fi;
                if
                :: sits ->
                        say_and_look();
                        woken = false;
                        if
                        :: seen != ticket -> skip
                        :: seen == ticket ->
                                if
                                :: wakes -> woken = true
                                :: arrived > 0 -> arrived = 0
                                :: timeout -> assert(ALL_IS_DONE); goto over
                                fi
                        fi;
                        polling[me] = false;
                        if
                        :: woken -> wakes = false
                        :: else -> skip
                        fi;
#ifndef PLANT_RISE_NOT
                        seat = 0
#else
                        if
                        :: woken -> skip
                        :: else -> seat = 0
                        fi
#endif
                :: else ->
                        if
                        :: calls[me] != ticket -> skip
                        :: timeout -> assert(ALL_IS_DONE); goto over
                        fi
                fi;
again:
                sits = false; woken = false; seen = 0; ticket = 0
        od;
over:
        skip
}

proctype waker(byte who)
{
        byte i = 0;
        bool polls;
        do
        :: i == TASKS -> break
        :: else ->
                tasks[who]++;
#ifdef PLANT_NO_CALL_FENCE
                polls = polling[who];
                calls[who]++;
#else
                calls[who]++;
                polls = polling[who];
#endif
                if
                :: polls -> wakes = true
                :: else -> skip
                fi;
                polls = false;
                i++
        od
}

proctype outside()
{
        byte i = 0;
        do
        :: i == ARRIVALS -> break
        :: else -> arrived++; i++
        od
}

init {
        atomic {
                run worker(0);
                run worker(1);
                run waker(0);
                run waker(1);
                run outside()
        }
}
