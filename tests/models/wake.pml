/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sleep and wake of workers (scheduler/wake.h): cop__shared_put, cop__offer, cop__wake_one,
 * cop__leave_search and park. (The lookout and the timers are left out.)
 *
 * Two threads from outside put TASKS tasks each into the shared queues, the one normal tasks and the other tasks of another
 * priority, whose queue shows by a bit in `waiting` that it is not empty; WORKERS workers take them. In every interleaving:
 * when nothing moves any more, no task is left and nobody is counted as searching. One step is one access, in an order
 * that all agree on, which is what the fences called SLEEPER are for.
 *
 * FOR_EVER: a worker stays in the first task that it takes. Then nobody makes up for a wake that was missed, and still no task waits
 * while a worker sleeps.
 *
 * Planted bugs, which must be found. PLANT_FORGET_CLAIM: a claim on `searching` that comes to nothing is given back without
 * another look at who sleeps. PLANT_LOOK_FIRST: the sleeper looks for work before it says that it sleeps. PLANT_FIND_QUIETLY, with
 * FOR_EVER: who finds work in its last look does not search, and so tells nobody of the rest.
 */
#ifndef WORKERS
#define WORKERS 1
#endif
#ifndef TASKS
#define TASKS 2
#endif

byte tasks = 0, urgent = 0;
bool waiting = false; /* changes with `urgent`, under the lock, and is read without */
bool idle[WORKERS];
byte searching = 0;
byte calls[WORKERS]; /* the parking places' counts */

#if WORKERS == 1
#define ANY_IDLE idle[0]
#else
#define ANY_IDLE (idle[0] || idle[1])
#endif

inline wake_one()
{
        do
        :: true ->
                atomic {
                        if
                        :: searching == 0 -> searching = 1
                        :: else -> break
                        fi
                }
                woken = false;
                do
                :: !ANY_IDLE -> break
                :: idle[0] -> atomic { if :: idle[0] -> idle[0] = false; woken = true; at = 0 :: else -> skip fi }
                        if :: woken -> calls[at]++; break :: else -> skip fi
#if WORKERS > 1
                :: idle[1] -> atomic { if :: idle[1] -> idle[1] = false; woken = true; at = 1 :: else -> skip fi }
                        if :: woken -> calls[at]++; break :: else -> skip fi
#endif
                od;
                if
                :: woken -> break
                :: else -> skip
                fi;
                searching--;
#ifdef PLANT_FORGET_CLAIM
                break
#else
                if
                :: !ANY_IDLE -> break
                :: else -> skip
                fi
#endif
        od
}

inline offer()
{
        if
        :: ANY_IDLE ->
                if
                :: searching == 0 -> wake_one()
                :: else -> skip
                fi
        :: else -> skip
        fi
}

inline put(is_urgent)
{
        if
        :: is_urgent -> atomic { urgent++; waiting = true }
        :: else -> tasks++
        fi
}

/* By pick_by_priority and search: at the bit first, and then under the lock. */
inline take_urgent()
{
        if
        :: waiting ->
                atomic {
                        found = urgent > 0;
                        if
                        :: found -> urgent--; waiting = urgent > 0
                        :: else -> skip
                        fi
                }
        :: else -> found = false
        fi
}

inline take()
{
        take_urgent();
        if
        :: !found -> atomic { found = tasks > 0; if :: found -> tasks-- :: else -> skip fi }
        :: else -> skip
        fi
}

inline look()
{
        found = tasks > 0;
        if
        :: !found -> found = waiting
        :: else -> skip
        fi
}

proctype outside(bool is_urgent)
{
        byte i = 0, at = 0;
        bool woken;
        do
        :: i == TASKS -> break
        :: else -> put(is_urgent); offer(); i++
        od
}

proctype worker(byte me)
{
        byte ticket, before, at = 0;
        bool mine = false, found, woken, took;
        do
        :: true ->
                /* pick_here */
                take();
                if
                :: !found && WORKERS > 1 ->
                        if
                        :: !mine && 2 * searching < WORKERS -> searching++; mine = true
                        :: else -> skip
                        fi;
                        if
                        :: mine -> take()
                        :: else -> skip
                        fi
                :: else -> skip
                fi;
                took = found;
                if
                :: found && mine ->
                        mine = false;
                        atomic { before = searching; searching-- }
                        if
                        :: before == 1 ->
                                look();
                                if :: found -> offer() :: else -> skip fi
                        :: else -> skip
                        fi
                :: found && !mine -> skip
                :: !found -> /* park */
                        ticket = calls[me];
#ifdef PLANT_LOOK_FIRST
                        look();
#endif
                        idle[me] = true;
                        if :: mine -> mine = false; searching-- :: else -> skip fi;
#ifndef PLANT_LOOK_FIRST
                        look();
#endif
                        if
                        :: found -> skip
                        :: else ->
                                if
                                :: calls[me] != ticket -> skip
                                :: timeout -> assert(tasks == 0 && urgent == 0 && searching == 0); goto over
                                fi
                        fi;
                        atomic { mine = !idle[me]; idle[me] = false };
#ifndef PLANT_FIND_QUIETLY
                        if
                        :: found && !mine -> searching++; mine = true
                        :: else -> skip
                        fi
#endif
                fi;
#ifdef FOR_EVER
                if
                :: took -> timeout; break
                :: else -> skip
                fi
#endif
        od;
over:
        skip
}

init {
        atomic {
                run worker(0);
#if WORKERS > 1
                run worker(1);
#endif
                run outside(false);
                run outside(true)
        }
}
