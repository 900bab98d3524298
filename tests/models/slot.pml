/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A slot that is reused (actors/slots.c, exit.c, turn.c): the pid's generation, and messages that come late.
 *
 * LIVES actors live in one slot, one after the other. Two senders hold the pid of the one that lives when they look, look whether
 * it is still the slot's, and push; the push bears the generation. In every interleaving what is taken in was meant for
 * who takes it in, and each message is read, or refused, or a dead letter at once: none is lost.
 *
 * PLANT_NO_GENERATION: taking in does not compare. PLANT_PID_STAYS: the pid does not move on with a death.
 */
#ifndef LIVES
#define LIVES 3
#endif
#ifndef SENDS
#define SENDS 2
#endif
#define SENDERS 2

byte holder = 0;   /* the generation of who lives in the slot, or will next */
bool alive = false;
chan queue = [SENDERS * SENDS] of { byte };
byte sent = 0, read = 0, refused = 0, ended = 0;
bool born_once[LIVES + 1];

proctype sender()
{
        byte i = 0, to;
        do
        :: i == SENDS -> break
        :: else ->
                to = holder; /* whom it knows */
                sent++;
                if
                :: holder == to -> queue!to
                :: else -> refused++ /* a dead letter at once */
                fi;
                i++
        od;
        ended++
}

inline take_in()
{
        if
        :: queue?to ->
                if
#ifdef PLANT_NO_GENERATION
                :: alive -> assert(to == me); read++
#else
                :: alive && to == me -> read++
#endif
                :: else -> refused++
                fi
        :: empty(queue) -> skip
        fi
}

active proctype slot()
{
        byte me, to, life = 0;
        do
        :: life == LIVES -> break
        :: else ->
                me = holder; /* the spawner uses what it finds */
                atomic { assert(!born_once[me]); born_once[me] = true; alive = true }
                do
                :: take_in()
                :: true -> break
                od;
#ifdef PLANT_PID_STAYS
                alive = false;
                life++
#else
                alive = false; /* dying */
                holder++;
                life++
#endif
        od;
        do
        :: take_in()
        :: ended == SENDERS && empty(queue) -> break
        od;
        assert(sent == read + refused)
}

init {
        atomic { run sender(); run sender() }
}
