/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The arrival queue (mailbox/queue.h): its push, next, done, release, sleep and rouse, step by step.
 *
 * Two senders push NODES nodes each; the owner takes them and does with each whatever an owner may do. In every
 * interleaving: each node is taken once, in its sender's order; nobody writes to a node that was freed or let go of;
 * the owner is scheduled only while it sleeps, and once; when all is sent and nobody is scheduled, nothing is left.
 *
 * One step is one access to what is shared, in an order that all agree on: so the model speaks of the protocol, and not
 * of the orders in the names of the atomic operations.
 *
 * Each PLANT_ puts in a bug, which must be found: see models.sh.
 */
#ifndef NODES
#define NODES 2
#endif
#define ALL (2 * NODES)
#define ASLEEP (ALL + 1)
#define AWAKE (ALL + 2)

#define UNSENT 0
#define LIVE 1     /* in the queue, or kept by the owner without having been let go of */
#define FREED 2
#define LET_GO 3   /* the owner may do with it what it likes */

byte tail = ASLEEP, head = 0; /* nodes are 1 to ALL */
byte next[ALL + 1], state[ALL + 1];
byte scheduled = 0, running = 0, sent = 0;
byte taken[2]; /* how many of each sender's */
byte rouses = 1;

inline schedule()
{
        atomic {
                assert(scheduled == 0 && running == 0);
                scheduled = 1
        }
}

proctype sender(byte me)
{
        byte i = 0, node, before;
        do
        :: i == NODES -> break
        :: else ->
                node = me * NODES + i + 1;
                atomic { next[node] = 0; state[node] = LIVE }
                atomic { before = tail; tail = node }
                if
                :: before >= ASLEEP ->
                        head = node;
                        if
#ifdef PLANT_SCHEDULE_AWAKE
                        :: true -> schedule()
#else
                        :: before == ASLEEP -> schedule()
                        :: else -> skip
#endif
                        fi
                :: else ->
                        atomic { assert(state[before] == LIVE); next[before] = node }
                fi;
                i++
        od;
        sent++
}

active proctype owner()
{
        byte cursor = 0, node, before;
        bool done = false, before_done;
asleep:
        if
        :: scheduled > 0 -> atomic { scheduled = 0; running = 1 }
        :: rouses > 0 ->
                atomic {
                        rouses--;
                        if
                        :: tail == ASLEEP -> tail = AWAKE; running = 1
                        :: else -> goto asleep
                        fi
                }
        :: sent == 2 && scheduled == 0 ->
                assert(tail == ASLEEP && taken[0] == NODES && taken[1] == NODES);
                goto over
        fi;
turn: /* next() */
        if
        :: cursor == 0 ->
                node = head;
                if
                :: node == 0 -> goto sleep
                :: else -> head = 0
                fi
        :: else ->
                node = next[cursor];
                if
                :: node == 0 -> goto sleep
                :: node != 0 && done -> state[cursor] = FREED
                :: else -> skip
                fi
        fi;
        atomic {
                cursor = node;
                done = false;
                assert(state[node] == LIVE);
                assert((node - 1) % NODES == taken[(node - 1) / NODES]);
                taken[(node - 1) / NODES]++
        }
        if
        :: true -> skip /* kept, as in a mailbox */
        :: true ->
#ifdef PLANT_FREE_CURSOR
                state[cursor] = FREED;
#endif
                done = true
        :: true -> /* release() */
                before = cursor;
                cursor = 0;
#ifndef PLANT_LET_GO_UNMARKED
                if
                :: next[before] == 0 ->
                        atomic {
                                if
                                :: tail == before -> tail = AWAKE; goto let_go
                                :: else -> skip
                                fi
                        }
                :: else -> skip
                fi;
                next[before] != 0; /* the sender is two instructions from done */
#endif
                head = next[before];
let_go:
                state[before] = LET_GO
        fi;
        goto turn;
sleep: /* sleep() */
        if
        :: cursor == 0 ->
                if
                :: tail != AWAKE -> goto turn
                :: else -> skip
                fi;
                atomic {
                        if
                        :: tail == AWAKE -> tail = ASLEEP; running = 0; goto asleep
                        :: else -> goto turn
                        fi
                }
        :: else ->
                if
                :: next[cursor] != 0 -> goto turn
                :: else -> skip
                fi;
                atomic { before = cursor; before_done = done; cursor = 0; done = false }
                atomic {
                        if
#ifdef PLANT_SLEEP_BLIND
                        :: true -> tail = ASLEEP; running = 0
#else
                        :: tail == before -> tail = ASLEEP; running = 0
                        :: else -> cursor = before; done = before_done; goto turn
#endif
                        fi
                }
                if
                :: before_done -> state[before] = FREED
                :: else -> skip
                fi
        fi;
        goto asleep;
over:
        skip
}

init {
        atomic { run sender(0); run sender(1) }
}
