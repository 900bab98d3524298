/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sleep and wake of workers (scheduler/scheduler.c): put_shared, offer, wake_one, stop_searching and park.
 *
 * Two threads from outside put TASKS tasks each into the shared queue; WORKERS workers take them. In every interleaving:
 * when nothing moves any more, no task is left and nobody is counted as searching. One step is one access, in an order
 * that all agree on, which is what the fences called SLEEPER are for.
 *
 * PLANT_FORGET_CLAIM puts in a bug, which must be found: a claim on `searching` that comes to nothing is given back without
 * another look at who sleeps. (PLANT_LOOK_FIRST: the sleeper looks for work before it says that it sleeps.)
 */
#ifndef WORKERS
#define WORKERS 1
#endif
#ifndef TASKS
#define TASKS 2
#endif

byte tasks = 0;
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

proctype outside()
{
        byte i = 0, at = 0;
        bool woken;
        do
        :: i == TASKS -> break
        :: else -> tasks++; offer(); i++
        od
}

proctype worker(byte me)
{
        byte ticket, before, at = 0;
        bool mine = false, found, woken;
        do
        :: true ->
                /* pick_here */
                atomic { found = tasks > 0; if :: found -> tasks-- :: else -> skip fi }
                if
                :: !found && WORKERS > 1 ->
                        if
                        :: !mine && 2 * searching < WORKERS -> searching++; mine = true
                        :: else -> skip
                        fi;
                        if
                        :: mine -> atomic { found = tasks > 0; if :: found -> tasks-- :: else -> skip fi }
                        :: else -> skip
                        fi
                :: else -> skip
                fi;
                if
                :: found && mine ->
                        mine = false;
                        atomic { before = searching; searching-- }
                        if :: before == 1 -> offer() :: else -> skip fi
                :: found && !mine -> skip
                :: else -> /* park */
                        ticket = calls[me];
#ifdef PLANT_LOOK_FIRST
                        found = tasks > 0;
#endif
                        idle[me] = true;
                        if :: mine -> mine = false; searching-- :: else -> skip fi;
#ifndef PLANT_LOOK_FIRST
                        found = tasks > 0;
#endif
                        if
                        :: found -> skip
                        :: else ->
                                if
                                :: calls[me] != ticket -> skip
                                :: timeout -> assert(tasks == 0 && searching == 0); goto over
                                fi
                        fi;
                        atomic { mine = !idle[me]; idle[me] = false }
                fi
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
                run outside();
                run outside()
        }
}
