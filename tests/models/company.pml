/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The queue of a node with two workers that sleep and wake, and visitors (scheduler/company.h, mailbox/queue.h): a worker
 * that knows that no other thread is awake in the node pushes to the queue and falls asleep at it by a load and a store,
 * two steps; who has joined beside others pushes by an exchange, one step.
 *
 * A worker's stores reach the others late and in their order: that of at_work waits in a buffer
 * of one, which empties when it likes, before the worker's next store, or when the fence makes it.
 * In every interleaving: each node is taken once; the owner is scheduled only while it sleeps; when
 * all have pushed and nobody is scheduled, nothing is left.
 *
 * Each PLANT_ puts in a bug, which must be found: NO_FENCE, who joins does without; LOOK_ONCE, a
 * worker does not look again once it has said that it is at work; CLAIM_EARLY, a worker claims beside others; KEEP, who joins
 * leaves another worker what that had claimed before it fell asleep.
 */
#define WORKERS 2             /* one node each: 1 and 2 */
#define ALL 4                 /* two visitors: 3 and 4 */
#define NOBODY 255

bool alone[WORKERS], at_work[WORKERS], pending[WORKERS], pending_value[WORKERS], locked = false;
byte tail = 0, head = 0, next[ALL + 1]; /* tail 0: the mark, asleep */
byte awake = 0, solitude = NOBODY, pushed = 0, taken = 0, cursor = 0;
bool scheduled = false, running = false, was_taken[ALL + 1];
byte over = 0, turns = 0; /* turns: workers in one */

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

inline flush(who)
{
        atomic {
                if
                :: pending[who] -> at_work[who] = pending_value[who]; pending[who] = false
                :: else -> skip
                fi
        }
}

inline say(who, value)
{
        flush(who);
        atomic { pending_value[who] = value; pending[who] = true }
}

/* What comes after the exchange, or what stands in for it. */
inline publish(node, before)
{
        if
        :: before == 0 -> head = node; atomic { assert(!scheduled && !running); scheduled = true }
        :: else -> next[before] = node
        fi;
        pushed++
}

inline begin_alone(who, is_alone)
{
        is_alone = alone[who];
        if
        :: is_alone ->
                say(who, true);
#ifndef PLANT_LOOK_ONCE
                is_alone = alone[who];
                if
                :: !is_alone -> say(who, false)
                :: else -> skip
                fi
#endif
        :: else -> skip
        fi
}

/* `own` is what it may keep. */
inline join(own)
{
        lock();
        if
#ifdef PLANT_KEEP
        :: solitude != NOBODY && own == NOBODY ->
#else
        :: solitude != NOBODY && solitude != own ->
#endif
                alone[solitude] = false;
#ifndef PLANT_NO_FENCE
                flush(solitude);
#endif
                !at_work[solitude];
                solitude = NOBODY
        :: else -> skip
        fi;
        awake++;
        unlock()
}

inline leave()
{
        lock();
        awake--;
        unlock()
}

inline claim(me)
{
        if
        :: awake == 1 && solitude == NOBODY ->
                lock();
                if
#ifdef PLANT_CLAIM_EARLY
                :: true -> solitude = me; alone[me] = true
#else
                :: awake == 1 -> solitude = me; alone[me] = true
                :: else -> skip
#endif
                fi;
                unlock()
        :: else -> skip
        fi
}

proctype buffer(byte who)
{
        do
        :: atomic { pending[who] -> at_work[who] = pending_value[who]; pending[who] = false }
        :: atomic { over == WORKERS && !pending[who] -> break }
        od
}

proctype visitor(byte node)
{
        byte before;
        join(NOBODY);
        atomic { before = tail; tail = node }
        publish(node, before);
        leave()
}

proctype worker(byte me)
{
        byte before, node;
        bool is_alone, sent = false;
again:
        join(me);
        claim(me);
        if
        :: !sent ->
                sent = true;
                begin_alone(me, is_alone);
                if
                :: is_alone -> before = tail; flush(me); tail = me + 1; publish(me + 1, before); say(me, false)
                :: else -> flush(me); atomic { before = tail; tail = me + 1 }; publish(me + 1, before)
                fi
        :: sent -> skip
        fi;
        if
        :: atomic { scheduled -> scheduled = false; running = true; turns++ }; goto turn
        :: !scheduled -> goto sleep
        fi;
turn:
        if
        :: cursor == 0 -> node = head; if :: node != 0 -> head = 0 :: else -> skip fi
        :: else -> node = next[cursor]
        fi;
        if
        :: node != 0 ->
                atomic { assert(!was_taken[node]); was_taken[node] = true; taken++; cursor = node };
                goto turn
        :: else -> skip
        fi;
        begin_alone(me, is_alone);
        atomic { running = false; before = cursor; cursor = 0 }
        if
        :: is_alone ->
                if
                :: tail == before -> flush(me); tail = 0; say(me, false); turns--; goto sleep
                :: else -> say(me, false)
                fi
        :: else ->
                flush(me);
                atomic {
                        if
                        :: tail == before -> tail = 0; turns--; goto sleep
                        :: else -> skip
                        fi
                }
        fi;
        atomic { running = true; cursor = before }
        goto turn;
sleep:
        flush(me);
        leave();
        if
        :: scheduled -> goto again
        :: !sent -> goto again
        :: sent && pushed == ALL && !scheduled && turns == 0 -> goto end
        fi;
end:
        assert(taken == ALL && tail == 0);
        over++
}

init {
        atomic { run worker(0); run worker(1); run visitor(3); run visitor(4); run buffer(0); run buffer(1) }
}
