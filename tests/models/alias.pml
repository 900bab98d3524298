/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Calls, replies and aliases (actors/call.c, alias.c): references under which an owner lets in what comes, until they are closed.
 *
 * The owner does OPS things with one server, each under a fresh reference: it calls and waits, or gives up; or opens an alias of one of
 * four modes, two of them with a monitor of the server. It closes and demonitors when it likes. Meanwhile the server sends up
 * to two letters under each reference it was told, and may die, which it tells those that monitor it.
 *
 * `open` is what the owner keeps, and `over` what must be so whatever it keeps: from when a call has returned, an alias was closed, or the
 * reply or the end of the monitor that closes it has come. In every interleaving: what comes under a reference that is over is a
 * dead letter and nothing else is; a call ends with its own reply or none; no DOWN is read after demonitor; and each letter is had,
 * in the mailbox, or a dead letter.
 *
 * Planted bugs. PLANT_ANY_REPLY: a reply is taken for whatever call is open. PLANT_STAYS_OPEN: who gives up does not close the reference.
 * PLANT_REPLY_STAYS: an alias for one reply is not closed by it. PLANT_DEMONITOR_STAYS: nor is one by the end of its monitor.
 * PLANT_DOWN_ANYWAY: a reply that ends a monitor does not, on this side.
 */
#ifndef OPS
#define OPS 2
#endif

#define CALL 1
#define EXPLICIT 2
#define REPLY 3
#define DEMONITOR 4
#define REPLY_DEMONITOR 5

chan to_server = [6] of { bool, byte, byte }; /* it is a demonitor; reference, mode */
chan to_owner = [9] of { bool, byte };        /* it is a DOWN; reference */
byte open[OPS + 1]; /* the mode; 0: closed */
bool over[OPS + 1], monitors[OPS + 1], undone[OPS + 1];
byte waits = 0; /* the call that waits; 0: none */
byte sent = 0, had = 0, dead_letters = 0, mailbox = 0;
bool all_done = false, quiet = false, dead = false;

/* The monitor is over, and with it its alias. */
inline end_monitor(which)
{
        monitors[which] = false;
        if
        :: open[which] >= DEMONITOR || open[which] == 0 ->
#ifndef PLANT_DEMONITOR_STAYS
                open[which] = 0;
#endif
                over[which] = true
        :: else -> skip
        fi
}

inline take_in()
{
        atomic {
                to_owner?down, got;
                if
                :: down && monitors[got] -> assert(!undone[got]); end_monitor(got)
                :: down && !monitors[got] -> skip
#ifdef PLANT_ANY_REPLY
                :: !down && waits != 0 ->
#else
                :: !down && waits != 0 && waits == got ->
#endif
                        assert(waits == got && !over[got]);
                        had++;
                        open[waits] = 0;
                        over[waits] = true;
                        waits = 0
                :: else ->
                        if
                        :: open[got] != 0 ->
                                assert(!over[got]);
                                mailbox++;
                                if
                                :: open[got] == REPLY_DEMONITOR ->
                                        undone[got] = true;
#ifndef PLANT_DOWN_ANYWAY
                                        monitors[got] = false;
#endif
                                        to_server!true, got, 0
                                :: else -> skip
                                fi;
                                if
                                :: open[got] == REPLY || open[got] == REPLY_DEMONITOR ->
                                        over[got] = true;
#ifndef PLANT_REPLY_STAYS
                                        open[got] = 0
#endif
                                :: else -> skip
                                fi
                        :: else -> assert(over[got]); dead_letters++
                        fi
                fi;
                got = 0;
                down = false
        }
}

active proctype owner()
{
        byte op = 1, got, at;
        bool down;
        do
        :: op > OPS -> break
        :: nempty(to_owner) -> take_in()
        :: op <= OPS ->
                atomic { waits = op; open[op] = CALL; to_server!false, op, CALL };
                do
                :: waits == 0 -> break
                :: waits != 0 && nempty(to_owner) -> take_in()
                :: waits != 0 -> /* the time is over; what has arrived is looked at once more */
                        if
                        :: nempty(to_owner) -> take_in()
                        :: empty(to_owner) -> skip
                        fi;
                        atomic {
                                if
                                :: waits != 0 ->
#ifndef PLANT_STAYS_OPEN
                                        open[op] = 0;
#endif
                                        over[op] = true;
                                        waits = 0
                                :: else -> skip
                                fi
                        }
                od;
                op++
        :: op <= OPS ->
                atomic {
                        if
                        :: open[op] = EXPLICIT
                        :: open[op] = REPLY
                        :: open[op] = DEMONITOR
                        :: open[op] = REPLY_DEMONITOR
                        fi;
                        monitors[op] = open[op] >= DEMONITOR;
                        to_server!false, op, open[op];
                        op++
                }
        :: atomic { op > 1 && open[op - 1] >= EXPLICIT -> open[op - 1] = 0; over[op - 1] = true }
        :: atomic { op > 1 && monitors[op - 1] -> undone[op - 1] = true; end_monitor(op - 1); to_server!true, op - 1, 0 }
        od;
        all_done = true;
        do
        :: nempty(to_owner) -> take_in()
        :: quiet && empty(to_owner) -> break
        od;
        assert(sent == had + mailbox + dead_letters);
        at = 1;
        do
        :: at > OPS -> break
        :: else -> assert(!dead || !monitors[at]); at++
        od
}

active proctype server()
{
        byte letters[OPS + 1], ref, mode;
        bool watched[OPS + 1], demonitor;
        do
        :: atomic { to_server?demonitor, ref, mode ->
                if
                :: demonitor -> watched[ref] = false
                :: !demonitor && !dead -> letters[ref] = 2; watched[ref] = mode >= DEMONITOR
                :: !demonitor && dead && mode >= DEMONITOR -> to_owner!true, ref
                :: else -> skip
                fi;
                demonitor = false; ref = 0; mode = 0 }
        :: atomic { letters[1] > 0 -> letters[1]--; sent++; to_owner!false, 1 }
        :: letters[1] > 0 -> letters[1] = 0
        :: atomic { letters[OPS] > 0 -> letters[OPS]--; sent++; to_owner!false, OPS }
        :: letters[OPS] > 0 -> letters[OPS] = 0
        :: atomic { !dead ->
                dead = true;
                ref = 1;
                do
                :: ref > OPS -> break
                :: else ->
                        letters[ref] = 0;
                        if
                        :: watched[ref] -> watched[ref] = false; to_owner!true, ref
                        :: else -> skip
                        fi;
                        ref++
                od;
                ref = 0 }
        :: all_done && empty(to_server) && letters[1] == 0 && letters[OPS] == 0 -> break
        od;
        quiet = true
}
