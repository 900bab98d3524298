/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Links (actors/relation.c): two actors link, unlink and die at the same time; each half is a signal that waits to be sent.
 *
 * Each actor has a queue, in which signals of the other arrive in order, and keeps halves by their id. A link makes a
 * half here and sends the other; unlink sends the half away as UNLINK; a death sends each half that is kept as LINK_EXIT, and what
 * arrives after it is answered with one. Actor 0 may send actor 1 a farewell, once: it keeps nothing for it. Actor 1 marks a half as
 * told, and its death is told by GONE, and not along that half; the dead answer a farewell with GONE.
 *
 * The first half that actor 0 makes may be hushed, as that of a start is: it is 1's birth, beside which there is no other link. While it is,
 * an exit ends all halves and tells nobody. Unhushed, it is as any other; who finds no half then is answered that there is none, and a monitor,
 * which is not here, tells in its place.
 *
 * In every interleaving: an actor that lives is told of the other's death at most once for all links that stand, never of a link
 * that it has undone, never along a half that was told, and never while it is hushed; it is told if it has one at the end; a farewell is
 * answered once, if both sides' lives are so that it can be; no half is left over. Of a half that was hushed and that neither side has undone
 * one of two tells: the exit, or the answer to who wanted to unhush it.
 *
 * PLANT_NO_PARTNER: LINK_EXIT counts though no half is kept for it. PLANT_SILENT_REFUSAL: the dead do not answer a LINK.
 * PLANT_TELLS_TWICE: a half that was told tells, too. PLANT_SILENT_GOODBYE: the dead do not answer a farewell. PLANT_GONE_KEEPS: GONE
 * leaves the halves of links where they are. PLANT_HUSHED_TELLS: an exit is told though a half is hushed. PLANT_STAYS_HUSHED: the mark is left
 * on a half that is unhushed. PLANT_UNHUSHES_BLINDLY: who finds none to unhush is answered that it is there. PLANT_HUSHED_KEEPS: an exit
 * that is dropped leaves the half where it is.
 */
#define LINK 1
#define UNLINK 2
#define LINK_EXIT 3
#define FAREWELL 4
#define GONE 5
#define IDS 5 /* 1, 2: links of actor 0; 3: of actor 1 */

chan queues[2] = [12] of { byte, byte };
bool keeps[10]; /* me * IDS + id */
bool dead[2];
bool asked = false, watch = false; /* a farewell has been sent; actor 1 keeps its half */
byte told = 0; /* actor 1's half of that id is silent */
byte gone = 0; /* what actor 0 has heard */
byte done = 0;

#define NOT_ASKED 0
#define THERE 1
#define NONE 2
bool born = false; /* half 1 is of actor 1's birth, and begins hushed: */
bool hushed = false; /* the mark, on actor 0's half */
byte answer = NOT_ASKED; /* to who unhushes it */
bool undone = false; /* by either side, or linked again */
byte exits = 0; /* of links, that actor 0 is told */

#define is_hushed(me) (me == 0 && hushed && keeps[1])
#ifdef PLANT_HUSHED_TELLS
#define is_told(me) true
#else
#define is_told(me) (!is_hushed(me))
#endif

inline has_any(me, any_there)
{
        any_there = keeps[me * IDS + 1] || keeps[me * IDS + 2] || keeps[me * IDS + 3] || keeps[me * IDS + 4]
}

inline forget_all(me)
{
        keeps[me * IDS + 1] = false; keeps[me * IDS + 2] = false;
        keeps[me * IDS + 3] = false; keeps[me * IDS + 4] = false
}

inline take_in(me)
{
        atomic {
                queues[me]?what, id;
                if
                :: dead[me] && what == LINK ->
#ifdef PLANT_SILENT_REFUSAL
                        skip
#else
                        queues[1 - me]!LINK_EXIT, id
#endif
                :: dead[me] && what == FAREWELL ->
#ifdef PLANT_SILENT_GOODBYE
                        skip
#else
                        queues[1 - me]!GONE, 0
#endif
                :: dead[me] && what != LINK && what != FAREWELL -> skip
                :: !dead[me] && what == FAREWELL -> /* dies of it, or does so when it likes */
                        watch = true;
                        id = 1;
                        do
                        :: id == IDS || keeps[me * IDS + id] -> break
                        :: else -> id++
                        od;
                        if
                        :: id < IDS -> told = id
                        :: else -> skip
                        fi
                :: !dead[me] && what == GONE ->
                        gone++;
                        assert(asked && gone == 1);
#ifndef PLANT_GONE_KEEPS
                        forget_all(me)
#endif
                :: !dead[me] && what == LINK -> keeps[me * IDS + id] = true
                :: !dead[me] && what == UNLINK -> keeps[me * IDS + id] = false
                :: !dead[me] && what == LINK_EXIT ->
                        if
#ifdef PLANT_NO_PARTNER
                        :: true -> assert(linked); forget_all(me)
#else
#ifndef PLANT_HUSHED_TELLS
                        :: keeps[me * IDS + id] && is_hushed(me) -> /* dropped */
#ifndef PLANT_HUSHED_KEEPS
                                forget_all(me)
#else
                                skip
#endif
#endif
                        :: keeps[me * IDS + id] && is_told(me) ->
                                assert(linked && (me == 1 || id != told) && !is_hushed(me));
                                exits = exits + 1 - me;
                                forget_all(me)
                        :: else -> skip
#endif
                        fi
                fi
        }
}

inline unlink_all(me)
{
        atomic {
                id = 1;
                do
                :: id == IDS -> break
                :: else ->
                        if
                        :: keeps[me * IDS + id] -> keeps[me * IDS + id] = false; undone = true; queues[1 - me]!UNLINK, id
                        :: else -> skip
                        fi;
                        id++
                od;
                id = 0
        }
}

/* Of any half that is there, as it is looked for by the other side's pid. */
inline unhush()
{
        atomic {
                has_any(0, any);
                if
                :: any ->
                        answer = THERE;
#ifndef PLANT_STAYS_HUSHED
                        hushed = false
#endif
#ifdef PLANT_UNHUSHES_BLINDLY
                :: else -> answer = THERE
#else
                :: else -> answer = NONE
#endif
                fi;
                any = false
        }
}

/* The half of a farewell goes before those of links or behind them. */
inline die(me)
{
        atomic {
                dead[me] = true;
                if
                :: me == 1 && watch -> watch = false; queues[0]!GONE, 0
                :: true -> skip
                fi;
                id = 1;
                do
                :: id == IDS -> break
                :: else ->
                        if
                        :: keeps[me * IDS + id] ->
                                keeps[me * IDS + id] = false;
                                if
#ifndef PLANT_TELLS_TWICE
                                :: me == 1 && id == told -> skip
#endif
                                :: else -> queues[1 - me]!LINK_EXIT, id
                                fi
                        :: else -> skip
                        fi;
                        id++
                od;
                if
                :: me == 1 && watch -> watch = false; queues[0]!GONE, 0
                :: else -> skip
                fi;
                id = 0
        }
}

proctype actor(byte me)
{
        byte what, id, made = (born && me == 0 -> 1 : 0);
        bool linked = born, any, counted = false;
        do
        :: nempty(queues[me]) ->
                take_in(me);
                atomic { has_any(me, any); linked = any; any = false; what = 0; id = 0 }
        :: !dead[me] && !counted && made < 2 - me ->
                has_any(me, any);
                if
                :: !any ->
                        made++;
                        id = me * 2 + made;
                        atomic { keeps[me * IDS + id] = true; undone = true; queues[1 - me]!LINK, id; linked = true }
                :: else -> unlink_all(me); linked = false
                fi
        :: !dead[me] && me == 0 && born && answer == NOT_ASKED && !counted -> unhush()
        :: !dead[me] && me == 0 && !asked && !counted -> atomic { asked = true; queues[1]!FAREWELL, 0 }
        :: !dead[me] && !counted -> die(me)
        :: !counted && (made == 2 - me || dead[me] || born) -> counted = true; done++
        :: done == 2 && empty(queues[0]) && empty(queues[1]) -> break
        od
}

init {
        atomic {
                if
                :: true -> born = true; hushed = true; keeps[1] = true; keeps[IDS + 1] = true
                :: true -> skip
                fi;
                run actor(0); run actor(1)
        }
        _nr_pr == 1;
        byte i = 1;
        bool left;
        has_any(0, left);
        assert(!left || (!dead[0] && !dead[1])); /* the dead keep nothing, and the living no half of a link to the dead */
        has_any(1, left);
        assert(!left || (!dead[0] && !dead[1]));
        assert(gone == (asked && dead[1] && !dead[0] -> 1 : gone));
        assert(dead[1] || gone == 0);
        assert(!born || undone || asked || !dead[1] || dead[0] || exits == (answer == THERE -> 1 : 0))
}
