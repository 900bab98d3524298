/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The queue of a node with one worker (scheduler/company.h, mailbox/queue.h): while no other thread
 * is awake in the node the worker pushes to the queue and falls asleep at it by a load and a store,
 * two steps; who joins pushes by an exchange, one step.
 *
 * The worker's stores reach the others late and in their order: that of at_work waits in a buffer
 * of one, which empties when it likes, before the worker's next store, or when the fence makes it.
 * In every interleaving: each node is taken once; the owner is scheduled only while it sleeps; when
 * all have pushed and nobody is scheduled, nothing is left.
 *
 * Each PLANT_ puts in a bug, which must be found: NO_FENCE, who joins does without; LOOK_ONCE, the
 * worker does not look again once it has said that it is at work; PART_EARLY, the first who leaves
 * says that all have.
 */
#define OWN 2                 /* nodes of the worker: 1 and 2 */
#define VISITORS 2            /* one node each: 3 and 4 */
#define ALL 4

bool alone = true, at_work = false, pending = false, pending_value, locked = false;
byte tail = 0, head = 0, next[ALL + 1]; /* tail 0: the mark, asleep */
byte awake = 0, left = 0, taken = 0;
bool scheduled = false, running = false, was_taken[ALL + 1], over = false;

inline flush()
{
        atomic {
                if
                :: pending -> at_work = pending_value; pending = false
                :: else -> skip
                fi
        }
}

inline say(value)
{
        flush();
        atomic { pending_value = value; pending = true }
}

/* What comes after the exchange, or what stands in for it. */
inline publish(node, before)
{
        if
        :: before == 0 -> head = node; atomic { assert(!scheduled && !running); scheduled = true }
        :: else -> next[before] = node
        fi
}

inline begin_alone(is_alone)
{
        is_alone = alone;
        if
        :: is_alone ->
                say(true);
#ifndef PLANT_LOOK_ONCE
                is_alone = alone;
                if
                :: !is_alone -> say(false)
                :: else -> skip
                fi
#endif
        :: else -> skip
        fi
}

proctype buffer()
{
        do
        :: atomic { pending -> at_work = pending_value; pending = false }
        :: atomic { over && !pending -> break }
        od
}

proctype visitor(byte node)
{
        byte before;
        atomic { !locked -> locked = true }
        awake++;
        if
        :: awake == 1 ->
                alone = false;
#ifndef PLANT_NO_FENCE
                flush();
#endif
                !at_work
        :: else -> skip
        fi;
        locked = false;
        atomic { before = tail; tail = node }
        publish(node, before);
        atomic { !locked -> locked = true }
        awake--;
        if
#ifdef PLANT_PART_EARLY
        :: true -> alone = true
#else
        :: awake == 0 -> alone = true
        :: else -> skip
#endif
        fi;
        locked = false;
        left++
}

proctype worker()
{
        byte sent = 0, before, cursor = 0, node;
        bool is_alone;
again:
        if
        :: sent < OWN ->
                sent++;
                begin_alone(is_alone);
                if
                :: is_alone -> before = tail; flush(); tail = sent; publish(sent, before); say(false)
                :: else -> flush(); atomic { before = tail; tail = sent }; publish(sent, before)
                fi
        :: atomic { scheduled -> scheduled = false; running = true }; goto turn
        :: sent == OWN && left == VISITORS && !scheduled -> goto end
        fi;
        goto again;
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
        begin_alone(is_alone);
        atomic { running = false; before = cursor; cursor = 0 }
        if
        :: is_alone ->
                if
                :: tail == before -> flush(); tail = 0; say(false); goto again
                :: else -> say(false)
                fi
        :: else ->
                flush();
                atomic {
                        if
                        :: tail == before -> tail = 0; goto again
                        :: else -> skip
                        fi
                }
        fi;
        atomic { running = true; cursor = before }
        goto turn;
end:
        assert(taken == ALL && tail == 0);
        over = true
}

init {
        atomic { run worker(); run visitor(3); run visitor(4); run buffer() }
}
