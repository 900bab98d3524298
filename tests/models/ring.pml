/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The run queue (scheduler/runqueue.h): its push, pop and steal, step by step.
 *
 * The owner pushes TASKS tasks into a ring of two slots, popping when it is full; a thief steals half. In every interleaving
 * each task is had by one, and none is lost. One step is one access, in an order that all agree on.
 *
 * PLANT_STEAL_BLIND: the thief moves `head` without comparing. PLANT_FULL_BY_ONE: the owner overwrites a slot that is taken.
 */
#ifndef TASKS
#define TASKS 5
#endif
#define SIZE 2

byte head = 0, tail = 0, slots[SIZE];
byte had[TASKS + 1];
bool over = false;
byte finished = 0;

inline have(task)
{
        atomic { assert(task > 0 && had[task] == 0); had[task] = 1 }
}

inline pop()
{
        at = head;
        do
        :: true ->
                got = 0;
                if :: at == tail -> break :: else -> skip fi;
                got = slots[at % SIZE];
                atomic {
                        if
                        :: head == at -> head = at + 1; break
                        :: else -> at = head
                        fi
                }
        od
}

active proctype owner()
{
        byte i = 1, at, got;
        do
        :: i > TASKS -> break
        :: else ->
                at = head;
                if
#ifdef PLANT_FULL_BY_ONE
                :: tail - at > SIZE -> pop(); if :: got > 0 -> have(got) :: else -> skip fi
#else
                :: tail - at >= SIZE -> pop(); if :: got > 0 -> have(got) :: else -> skip fi
#endif
                :: else -> slots[tail % SIZE] = i; tail++; i++
                fi
        od;
        do
        :: true ->
                pop();
                if :: got > 0 -> have(got) :: else -> break fi
        od;
        over = true;
        finished++
}

active proctype thief()
{
        byte at, until, count, first, second;
        do
        :: over && head == tail -> break
        :: else ->
                at = head;
                until = tail;
                count = until - at;
                if
                :: count == 0 || count > SIZE -> skip
                :: else ->
                        count = count - count / 2;
                        first = slots[at % SIZE];
                        if :: count > 1 -> second = slots[(at + 1) % SIZE] :: else -> second = 0 fi;
                        atomic {
                                if
#ifdef PLANT_STEAL_BLIND
                                :: true -> head = at + count
#else
                                :: head == at -> head = at + count
                                :: else -> first = 0; second = 0
#endif
                                fi
                        }
                        if :: first > 0 -> have(first) :: else -> skip fi;
                        if :: second > 0 -> have(second) :: else -> skip fi
                fi
        od;
        finished++
}

active proctype judge()
{
        byte i = 1, sum = 0;
        finished == 2;
        do
        :: i > TASKS -> break
        :: else -> sum = sum + had[i]; i++
        od;
        assert(sum == TASKS)
}
