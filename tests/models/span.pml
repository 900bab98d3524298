/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pool's spans (base/pool.c): magazines of one block go through the depot, an ebb returns them to the spans they were cut from, and
 * the pages of a span that has all its blocks back go to the system, which makes zeroes of them.
 *
 * Two spans of two blocks each. Two takers take from the depot, else what has returned to a span, else cut the newest span, else open one
 * whose pages have gone or a fresh one; they write to what they have, and give it back. The ebb pops what lies in the depot. The depot is
 * a stack with a generation, linked through the blocks themselves: a popper that is late reads what a user or the system has written there.
 * What is done under the pool's lock is one step. In every interleaving: a block has one owner at a time, who finds in it what he wrote, and
 * at the end each block is in one place.
 *
 * Planted bugs. PLANT_NO_GENERATION: the depot's swap looks at the head only. PLANT_BARE_FIRST: a span may be cut again before its pages
 * have gone. PLANT_NEWEST_GOES: a span goes while it is being cut. PLANT_ONE_SHORT: it goes with one block still out.
 */
#define SPANS 2
#define EACH 2
#define BLOCKS 4 /* 1 to 4 */
#define EBBS 3

#define UNCUT 0
#define OUT 1 /* in use, in the depot, or in somebody's hand on the way to or from it */
#define HOME 2 /* has returned to its span */

#define span_of(b) ((b - 1) / EACH)
#define first_of(s) (s * EACH + 1)

byte head = 0, generation = 0; /* of the depot; they change together */
byte link[5]; /* in the blocks' memory */
byte written[5]; /* likewise: by whom */
byte owner[5];
byte where[5];
byte cut[SPANS], returned[SPANS];
bool fresh[SPANS], bare[SPANS];
byte newest = 0;
byte done = 0;

/* One step: the link is the pusher's own until its swap succeeds, and then it is right. */
inline push(b)
{
        atomic { link[b] = head; head = b }
}

inline pop(b)
{
        g = generation;
        h = head;
        do
        :: h == 0 -> b = 0; break
        :: else ->
                n = link[h];
                atomic {
                        if
#ifdef PLANT_NO_GENERATION
                        :: head == h ->
#else
                        :: head == h && generation == g ->
#endif
                                b = h; head = n; generation++; break
                        :: else -> g = generation; h = head
                        fi
                }
        od;
        atomic { g = 0; h = 0; n = 0 }
}

/* Under the lock. `b` and `rest`, which is to go to the depot; 0: none. */
inline cut_one(b)
{
        atomic {
                s = 0;
                do
                :: s == SPANS -> break
                :: s < SPANS && returned[s] > 0 ->
                        i = first_of(s);
                        do
                        :: i == first_of(s) + EACH -> break
                        :: i < first_of(s) + EACH ->
                                if
                                :: where[i] == HOME && b == 0 -> b = i; where[i] = OUT
                                :: where[i] == HOME && b != 0 -> rest = i; where[i] = OUT
                                :: where[i] != HOME -> skip
                                fi;
                                i++
                        od;
                        returned[s] = 0;
                        break
                :: s < SPANS && returned[s] == 0 -> s++
                od;
                if
                :: b != 0 -> skip
                :: b == 0 ->
                        if
                        :: cut[newest] < EACH -> skip
                        :: cut[newest] == EACH && (bare[0] || fresh[0]) -> newest = 0; bare[0] = false; fresh[0] = false; cut[0] = 0
                        :: cut[newest] == EACH && (bare[1] || fresh[1]) -> newest = 1; bare[1] = false; fresh[1] = false; cut[1] = 0
                        :: else -> skip
                        fi;
                        if
                        :: cut[newest] < EACH -> b = first_of(newest) + cut[newest]; cut[newest]++; where[b] = OUT
                        :: else -> skip
                        fi
                fi;
                s = 0; i = 0
        }
}

inline take(b)
{
        pop(b);
        if
        :: b == 0 -> cut_one(b)
        :: else -> skip
        fi;
        if
        :: rest != 0 -> push(rest); rest = 0
        :: else -> skip
        fi
}

/* The words of a free block are whatever its user has written. */
inline use(b)
{
        atomic {
                if
                :: b != 0 -> assert(owner[b] == 0); owner[b] = me; written[b] = me; link[b] = 0
                :: else -> skip
                fi
        }
}

inline give(b)
{
        if
        :: b != 0 ->
                atomic { assert(written[b] == me && owner[b] == me); owner[b] = 0 };
                push(b);
                b = 0
        :: else -> skip
        fi
}

proctype taker(byte me)
{
        byte a = 0, c = 0, g = 0, h = 0, n = 0, s = 0, i = 0, rest = 0;
        take(a);
        use(a);
        take(c);
        use(c);
        give(a);
        give(c);
        if
        :: me == 1 -> take(a); use(a); give(a)
        :: else -> skip
        fi;
        done++
}

#ifdef PLANT_NEWEST_GOES
#define may_go(s) (returned[s] == cut[s])
#else
#ifdef PLANT_ONE_SHORT
#define may_go(s) (returned[s] + 1 >= cut[s] && s != newest)
#else
#define may_go(s) (returned[s] == cut[s] && s != newest)
#endif
#endif

/* With the lock: a span that has all is in the ebb's hand. */
inline return_block(b)
{
        atomic {
                s = span_of(b);
                where[b] = HOME;
                returned[s]++;
                whole = may_go(s);
                if
                :: whole ->
                        returned[s] = 0;
                        where[first_of(s)] = UNCUT; where[first_of(s) + 1] = UNCUT
#ifdef PLANT_BARE_FIRST
                        ; bare[s] = true
#endif
                :: else -> skip
                fi
        }
}

/* Its pages go without the lock, one by one. */
inline go()
{
        atomic { link[first_of(s)] = 0; written[first_of(s)] = 0 };
        atomic { link[first_of(s) + 1] = 0; written[first_of(s) + 1] = 0 };
#ifndef PLANT_BARE_FIRST
        bare[s] = true
#endif
}

proctype ebb()
{
        byte b = 0, g = 0, h = 0, n = 0, s = 0, ebbs = 0;
        bool whole = false;
        do
        :: ebbs == EBBS -> break
        :: ebbs < EBBS ->
                ebbs++;
                pop(b);
                if
                :: b != 0 ->
                        return_block(b);
                        if
                        :: whole -> go()
                        :: else -> skip
                        fi
                :: else -> skip
                fi;
                atomic { b = 0; s = 0; whole = false }
        od;
        done++
}

init {
        byte i = 1, in_depot = 0, out = 0;
        atomic {
                fresh[1] = true;
                run taker(1);
                run taker(2);
                run ebb()
        }
        done == 3;
        atomic {
                do
                :: head == 0 -> break
                :: head != 0 -> assert(where[head] == OUT && in_depot < BLOCKS); in_depot++; head = link[head]
                od;
                do
                :: i > BLOCKS -> break
                :: i <= BLOCKS ->
                        assert(owner[i] == 0);
                        if
                        :: where[i] == OUT -> out++
                        :: else -> skip
                        fi;
                        i++
                od;
                assert(in_depot == out)
        }
}
