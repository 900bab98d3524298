/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The fence that one side makes the other pass (scheduler/barrier.h), as a desk and its raider use it (scheduler/desk.h), and the
 * only worker and who joins it (scheduler/company.h): come, step back and leave; raid.
 *
 * The worker's stores reach the others late: each waits in a buffer of one, which empties when it likes, or when the fence makes
 * it. The worker's own loads are served out of it. In every interleaving: never are both at the desk; what one of them did there
 * the other finds.
 *
 * Each PLANT_ puts in a bug, which must be found: NO_FENCE, the raider does without; LOOK_FIRST, the worker looks whether a raider
 * comes before it says that it is there; EARLY_CLEAR, the raider says that it is gone before it has taken what lies there.
 */
#define ROUNDS 3

bool at_work = false, raided = false;  /* as the others see them */
bool pending = false, pending_value;   /* the worker's store of at_work that has not got there */
byte there = 0;                        /* who is at the desk */
byte lies = 0, made = 0, served = 0, stolen = 0; /* tasks */
bool over = false;

inline flush()
{
        atomic {
                if
                :: pending -> at_work = pending_value; pending = false
                :: else -> skip
                fi
        }
}

inline store_at_work(value)
{
        flush();
        atomic { pending_value = value; pending = true }
}

proctype buffer()
{
        do
        :: atomic { pending -> at_work = pending_value; pending = false }
        :: atomic { over && !pending -> break }
        od
}

inline come()
{
#ifdef PLANT_LOOK_FIRST
        (!raided);
        store_at_work(true);
#else
        store_at_work(true);
        do
        :: !raided -> break
        :: else ->
                store_at_work(false);
                (!raided);
                store_at_work(true)
        od;
#endif
        there++;
        assert(there == 1)
}

inline leave()
{
        there--;
        store_at_work(false)
}

proctype worker()
{
        byte i = 0, before;
        do
        :: i == ROUNDS -> break
        :: else ->
                come();
                before = lies;
                lies = before + 1; /* two steps: a raid between them would lose or double a task */
                made++;
                leave();
                come();
                before = lies;
                if
                :: before > 0 -> lies = before - 1; served++
                :: else -> skip
                fi;
                leave();
                i++
        od;
        over = true
}

proctype raider()
{
        byte i = 0;
        do
        :: i == 2 -> break
        :: else ->
                raided = true;
#ifndef PLANT_NO_FENCE
                flush();
#endif
                if
                :: !at_work ->
#ifdef PLANT_EARLY_CLEAR
                        raided = false;
#endif
                        there++;
                        assert(there == 1);
                        stolen = stolen + lies;
                        lies = 0;
                        there--
                :: else -> skip
                fi;
                raided = false;
                i++
        od
}

init {
        atomic { run worker(); run raider(); run buffer() }
        (_nr_pr == 1);
        assert(made == served + stolen + lies)
}
