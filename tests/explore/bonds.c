/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Links and monitors (actors/relation.c): made, undone and broken at the same time from both sides. Under every schedule
 * each death is told once for each link and monitor that stands, and nothing comes after unlink and demonitor have returned.
 */
#include "actors/relation.h"
#include "tests/explore/inside.h"

static cop_pid other;

static void waits(void)
{
        cop_receive(COP_FOREVER, COP_KIND(note));
}

static void waits_trapping(void)
{
        cop_trap_exit(true);
        cop_receive(COP_FOREVER, COP_KIND(note));
}

static void ends_the_other(void)
{
        inside_end(other, "kill");
}

/* The exits that have arrived from one that is dead for good. */
static unsigned exits_from(cop_pid pid)
{
        unsigned count = 0;
        cop_message *message;
        while ((message = cop_receive(0, COP_FIELD(cop_exited, pid, pid))) != NULL) {
                cop_message_free(message);
                count++;
        }
        return count;
}

static void await_death(cop_pid pid)
{
        cop_ref ref;
        EXPLORE_ASSERT(cop_monitor(pid, &ref) == COP_OK);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
}

IN_NODE(no_exit_comes_after_unlink)
{
        other = cop_spawn(waits);
        unsigned killer = inside_visitor(ends_the_other);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        cop_unlink(other);
        exits_from(other); /* those that were messages before */
        await_death(other);
        EXPLORE_ASSERT(exits_from(other) == 0);
        explore_join(killer);
        inside_nothing_has_come();
}

IN_NODE(a_link_tells_of_the_death_once)
{
        other = cop_spawn(waits);
        unsigned killer = inside_visitor(ends_the_other);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        cop_message_free(inside_await(COP_FIELD(cop_exited, pid, other)));
        await_death(other);
        explore_join(killer);
        inside_nothing_has_come();
}

/* Links its starter, who links it. */
static void links_back(const note *unused)
{
        (void)unused;
        cop_trap_exit(true);
        cop_link(cop_parent());
        cop_receive(COP_FOREVER, COP_KIND(note));
        cop_unlink(cop_parent());
        cop_receive(COP_FOREVER, COP_KIND(note));
}

IN_NODE(two_that_link_each_other_are_told_once)
{
        other = cop_spawn_with(links_back, note, .n = 0);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        /* Made while it lives: a monitor of one whose pid is gone is answered at once, before its links are told. */
        cop_ref ref;
        EXPLORE_ASSERT(cop_monitor(other, &ref) == COP_OK);
        unsigned killer = inside_visitor(ends_the_other);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        EXPLORE_ASSERT(exits_from(other) == 1);
        explore_join(killer);
        inside_nothing_has_come();
}

/* Both undo the link at once, and then one dies. */
IN_NODE(two_that_unlink_each_other_are_told_nothing)
{
        other = cop_spawn_with(links_back, note, .n = 0);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        cop_send(other, note, .n = 1);
        cop_unlink(other);
        cop_send(other, note, .n = 2);
        await_death(other);
        /* Its own link may have been made after this one was undone, and it undoes that itself. */
        inside_nothing_has_come();
}

IN_NODE(no_down_comes_after_demonitor)
{
        cop_ref ref;
        other = cop_spawn(waits);
        unsigned killer = inside_visitor(ends_the_other);
        EXPLORE_ASSERT(cop_monitor(other, &ref) == COP_OK);
        cop_demonitor_flush(ref);
        await_death(other);
        explore_join(killer);
        inside_nothing_has_come();
}

IN_NODE(each_monitor_answers_once)
{
        cop_ref refs[3];
        other = cop_spawn(waits_trapping);
        unsigned killer = inside_visitor(ends_the_other);
        for (unsigned i = 0; i < COP__COUNT(refs); i++)
                EXPLORE_ASSERT(cop_monitor(other, &refs[i]) == COP_OK);
        for (unsigned i = 0; i < COP__COUNT(refs); i++)
                cop_message_free(inside_await(COP_REF(cop_down, refs[i])));
        explore_join(killer);
        inside_nothing_has_come();
}

/* What a supervisor does to a child that it stops (supervisor/child.c). */
static cop_ref bid_farewell(cop_pid pid)
{
        struct cop__thread *thread = cop__thread_here();
        cop_ref ref = cop__ref_new(cop__here_of(thread));
        EXPLORE_ASSERT(cop__farewell(thread, cop__actor_here(), pid, ref, cop__reason(COP__REASON_SHUTDOWN)) == COP_OK);
        return ref;
}

static uint32_t relations_of_mine(void)
{
        return cop__load_relaxed(&cop__actor_here()->relation_count);
}

/* Of its own accord, of an exit signal, or of the farewell, whichever comes first. */
static void ends_soon(void)
{
        for (unsigned i = explore_random(3); i > 0; i--)
                cop_yield();
}

/* Its own end, or another's exit signal, may pass the farewell on its way: then the link has told, too, and before that. */
IN_NODE(a_farewell_is_answered_once_and_ends_the_link)
{
        bool killed = explore_random(2) == 0;
        uint32_t before = relations_of_mine();
        other = cop_spawn(killed ? waits : ends_soon);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        unsigned killer = killed ? inside_visitor(ends_the_other) : 0;
        cop_ref ref = bid_farewell(other);
        cop_auto down = inside_await(COP_REF(cop_down, ref));
        EXPLORE_ASSERT(cop_pid_equal(cop_read(cop_down, down)->pid, other));
        unsigned told = exits_from(other);
        EXPLORE_ASSERT(told <= 1);
        EXPLORE_ASSERT(told == 0 || !cop_is_atom(cop_read(cop_down, down)->reason, "shutdown"));
        EXPLORE_ASSERT(relations_of_mine() == before);
        if (killed)
                explore_join(killer);
        inside_nothing_has_come();
}

/* Nor does undoing the link meanwhile take the answer back, or bring another. */
IN_NODE(a_farewell_is_answered_though_the_link_is_undone_meanwhile)
{
        uint32_t before = relations_of_mine();
        other = cop_spawn(explore_random(2) == 0 ? waits : ends_soon);
        EXPLORE_ASSERT(cop_link(other) == COP_OK);
        cop_ref ref = bid_farewell(other);
        cop_unlink(other);
        unsigned told = exits_from(other);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        EXPLORE_ASSERT(told <= 1 && exits_from(other) == 0);
        EXPLORE_ASSERT(relations_of_mine() == before);
        inside_nothing_has_come();
}

/* Who has bidden it ends, too: the child hears along its link, as ever, or is told by the farewell. */
static void bids_farewell_and_ends(void)
{
        cop_link(other);
        bid_farewell(other);
}

IN_NODE(who_ends_after_a_farewell_is_told_of_nothing_and_the_child_ends)
{
        cop_ref refs[2];
        other = cop_spawn(explore_random(2) == 0 ? waits_trapping : waits);
        EXPLORE_ASSERT(cop_monitor(other, &refs[0]) == COP_OK);
        cop_pid parent = cop_spawn(bids_farewell_and_ends);
        EXPLORE_ASSERT(cop_monitor(parent, &refs[1]) == COP_OK);
        cop_message_free(inside_await(COP_REF(cop_down, refs[1])));
        inside_end(other, "kill");
        cop_message_free(inside_await(COP_REF(cop_down, refs[0])));
        inside_nothing_has_come();
}

/* Defers, and then has no answer. */
static void gives_up(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                cop_caller caller = cop_caller_of(message);
                if (cop_read(note, message)->n != 0) {
                        cop_reply_to(caller, note, .n = 1);
                        continue;
                }
                cop_yield();
                cop__watch_fail(cop__thread_here(), cop__actor_here(), caller);
        }
}

static cop_pid gives_none;

static void calls_in_vain(void)
{
        cop_message *reply;
        EXPLORE_ASSERT(cop_call(&reply, gives_none, COP_FOREVER, note, .n = 0) == COP_E_NO_MEMORY);
}

/* The failure and the caller's end pass each other. */
IN_NODE(a_deferral_that_fails_while_its_caller_ends_is_forgotten_once)
{
        cop_message *reply;
        gives_none = cop_spawn(gives_up);
        other = cop_spawn(calls_in_vain);
        unsigned killer = inside_visitor(ends_the_other);
        await_death(other);
        explore_join(killer);
        EXPLORE_ASSERT(cop_call(&reply, gives_none, COP_FOREVER, note, .n = 1) == COP_OK);
        cop_message_free(reply);
        inside_nothing_has_come();
}
