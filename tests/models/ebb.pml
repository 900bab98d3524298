/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A slot whose pages go (actors/slot_ebb.h, scheduler/grace.h): hidden, a fence, a grace, a fence, a look whether it sleeps, and it is gone.
 *
 * Meanwhile a worker, in turns, and a visitor, while it is awake, look up the pid that would live there next, and in the same turn push
 * to the queue if they have found it, which schedules the slot if it slept; the worker runs it then. Whoever needs the slot shows it
 * again while it is hidden, and makes it anew when it has gone. The store that hides may be seen late, and so may, one without the other,
 * those that make it anew: the variables that end in `_late` are such stores. In every interleaving: nobody pushes to a slot without
 * pages, nor runs one.
 *
 * Planted bugs. PLANT_NO_FENCE: nothing orders the hiding before the turns are noted. PLANT_NO_GRACE: nobody is waited for.
 * PLANT_FORGET_VISITOR: the visitor is not. PLANT_LOOK_NOT: it goes though it may be scheduled. PLANT_SHOW_FIRST: made anew, its pid may be
 * seen before its queue.
 */
#define TURNS 3
#define VISITS 2

#define NOBODY 0
#define NEXT 1

#define NOTHING 0 /* what is read where no page is */
#define ASLEEP 1
#define BUSY 2

byte bears = NEXT /* its pid */, tail = ASLEEP;
bool hidden_late = false, shown_late = false, made_late = false;
bool away = false, gone = false; /* under the lock of the slots */
byte turns = 0;
bool idle = false, awake = false, scheduled = false, over = false;

inline settle()
{
        if
        :: made_late -> tail = ASLEEP; made_late = false
        :: else -> skip
        fi;
        if
        :: hidden_late -> bears = NOBODY; hidden_late = false
        :: else -> skip
        fi;
        if
        :: shown_late -> bears = NEXT; shown_late = false
        :: else -> skip
        fi
}

/* Between the two anything may happen. */
inline look_and_push(seen)
{
        seen = bears;
        if
        :: seen == NEXT ->
                atomic {
                        assert(tail != NOTHING);
                        if
                        :: tail == ASLEEP -> tail = BUSY; scheduled = true
                        :: else -> skip
                        fi
                }
        :: else -> skip
        fi;
        seen = NOBODY
}

active proctype memory()
{
        do
        :: atomic { hidden_late -> hidden_late = false; bears = NOBODY }
        :: atomic { made_late -> made_late = false; tail = ASLEEP }
        :: atomic { shown_late -> shown_late = false; bears = NEXT }
        :: over && !hidden_late && !made_late && !shown_late -> break
        od
}

active proctype worker()
{
        byte seen = NOBODY;
        do
        :: turns < TURNS ->
                turns++;
                look_and_push(seen)
        :: scheduled ->
                turns++;
                atomic { assert(tail != NOTHING); scheduled = false; tail = ASLEEP }
        :: !scheduled -> idle = true; idle = false
        :: over && turns >= TURNS && !scheduled -> break
        od
}

active proctype visitor()
{
        byte seen = NOBODY, visit = 0;
        do
        :: visit == VISITS -> break
        :: else ->
                visit++;
                awake = true;
                look_and_push(seen);
                awake = false
        od
}

/* Whoever has no other slot, at any time, once; changes under the lock are one step. */
active proctype spawner()
{
        if
        :: atomic { away -> settle(); away = false; bears = NEXT }
        :: atomic { gone ->
                gone = false;
#ifdef PLANT_SHOW_FIRST
                made_late = true; shown_late = true
#else
                tail = ASLEEP; shown_late = true
#endif
           }
        :: over
        fi
}

active proctype ebb()
{
        byte noted;
        atomic { away = true; hidden_late = true };
#ifndef PLANT_NO_FENCE
        atomic { settle() };
#endif
        noted = turns;
#ifndef PLANT_NO_GRACE
        do
        :: turns != noted -> break
        :: idle -> break
        od;
#ifndef PLANT_FORGET_VISITOR
        !awake;
#endif
#endif
        atomic { settle() };
        atomic {
                if
                :: !away -> goto done /* it was needed */
                :: else -> away = false
                fi
        };
        if
#ifdef PLANT_LOOK_NOT
        :: true -> atomic { tail = NOTHING; gone = true }
#else
        :: tail == ASLEEP -> atomic { tail = NOTHING; gone = true }
        :: tail != ASLEEP -> bears = NEXT
#endif
        fi;
done:
        over = true
}
