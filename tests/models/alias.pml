/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A call and its reply (actors/call.c, alias.c): the caller opens a reference, sends the request, waits, and may give up.
 *
 * CALLS calls to one server, one after the other, each of which ends with the reply or with the caller's patience. In every
 * interleaving a call ends with its own reply or none; what comes under a reference that is not open is a dead letter, and never
 * enters the mailbox; each reply is had once.
 *
 * PLANT_ANY_REPLY: a reply is taken for whatever call is open. PLANT_STAYS_OPEN: who gives up does not close the reference.
 */
#define CALLS 3

chan requests = [CALLS] of { byte };
chan replies = [CALLS] of { byte };
byte open_ref = 0; /* the call that waits; 0: none */
byte had = 0, dead_letters = 0, mailbox = 0, gave_up = 0, answered = 0;

inline take_in()
{
        atomic {
                replies?ref;
                if
#ifdef PLANT_ANY_REPLY
                :: open_ref != 0 -> assert(ref == open_ref); had++; open_ref = 0
#else
                :: open_ref == ref -> had++; open_ref = 0
#endif
                :: else ->
                        if
#ifdef PLANT_STAYS_OPEN
                        :: stale[ref] -> mailbox++
#endif
                        :: true -> dead_letters++
                        fi
                fi
        }
}

active proctype caller()
{
        byte call = 1, ref;
        bool stale[CALLS + 1];
        do
        :: call > CALLS -> break
        :: else ->
                open_ref = call;
                requests!call;
                do
                :: nempty(replies) -> take_in(); if :: open_ref == 0 -> break :: else -> skip fi
                :: true -> /* the time is over; what has arrived is looked at once more */
                        if
                        :: nempty(replies) -> take_in(); if :: open_ref == 0 -> break :: else -> skip fi
                        :: else -> skip
                        fi;
                        stale[call] = true;
                        open_ref = 0;
                        gave_up++;
                        break
                od;
                call++
        od;
        do
        :: nempty(replies) -> take_in()
        :: answered == CALLS && empty(replies) -> break
        od;
        assert(mailbox == 0 && had + gave_up == CALLS && dead_letters == gave_up)
}

active proctype server()
{
        byte call;
        do
        :: answered == CALLS -> break
        :: else ->
                requests?call;
                atomic { replies!call; answered++ }
        od
}
