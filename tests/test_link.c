/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Links. How exit signals act is in test_exit.c; here is along which links they run. */
#include <sched.h>
#include <string.h>

#include "tests/puppet.h"

static const char *list_of(cop_pid pid)
{
        return text_of(COP_LIST(cop_pid_term(pid)));
}

/* A dead puppet. */
static cop_pid one_dead(void)
{
        cop_pid pid = cop_spawn(puppet);
        put_down(pid);
        return pid;
}

IN_NODE(LNK_01_a_link_to_the_dead_ends_one_that_does_not_trap)
{
        cop_pid p = cop_spawn(puppet), dead = one_dead();
        cop_ref ref = watch(p);
        tell(p, LINK, .pid = dead);
        await_down(ref, "noproc");
}

IN_NODE(LNK_02_a_link_to_the_dead_is_one_message_for_one_that_traps)
{
        cop_pid p = cop_spawn(puppet), dead = one_dead();
        tell(p, TRAP);
        ck_assert_int_eq(tell(p, LINK, .pid = dead).value, COP_OK);
        await_saw(p, dead, "noproc");
        settle_with(p);
        nothing_has_come();
        ck_assert_str_eq(info_of(p, "links"), "[]");
        put_down(p);
}

IN_NODE(LNK_03_a_link_to_oneself_is_none)
{
        cop_pid p = cop_spawn(puppet);
        ck_assert_int_eq(tell(p, LINK, .pid = p).value, COP_OK);
        ck_assert_str_eq(info_of(p, "links"), "[]");
        put_down(p);
}

IN_NODE(LNK_05_a_link_is_listed_on_both_sides_once)
{
        cop_pid a = cop_spawn(puppet), b = cop_spawn(puppet);
        tell(a, LINK, .pid = b);
        tell(a, LINK, .pid = b);
        tell(b, LINK, .pid = a);
        ck_assert_str_eq(info_of(a, "links"), list_of(b));
        ck_assert_str_eq(info_of(b, "links"), list_of(a));
        tell(b, UNLINK, .pid = a);
        ck_assert_str_eq(info_of(b, "links"), "[]");
        ck_assert_str_eq(info_of(a, "links"), "[]");
        put_down(a);
        put_down(b);
}

IN_NODE(LNK_06_to_unlink_what_was_never_linked_has_no_effect)
{
        cop_pid a = cop_spawn(puppet), b = cop_spawn(puppet);
        tell(a, UNLINK, .pid = b);
        tell(a, UNLINK, .pid = a);
        tell(a, UNLINK, .pid = cop_no_pid());
        tell(b, DIE, .reason = cop_atom("boom"));
        settle_with(a);
        put_down(a);
}

IN_NODE(a_link_to_nobody_is_refused)
{
        ck_assert_int_eq(cop_link(cop_no_pid()), COP_E_BAD_ARGUMENT);
        nothing_has_come();
}

IN_NODE(LNK_07_an_exit_that_is_a_message_already_survives_unlink)
{
        cop_pid p = cop_spawn(puppet);
        ck_assert_int_eq(cop_link(p), COP_OK);
        settle_with(p);
        tell(p, DIE, .reason = cop_atom("bang"));
        /* A receive that finds nothing takes in what has arrived. */
        await_true((cop_message_free(cop_receive(0, COP_KIND(saw))),
                    cop__load_relaxed(&cop__actor_here()->mailbox.count) == 1));
        cop_unlink(p);
        await_exited(p, "bang");
        nothing_has_come();
}

IN_NODE(LNK_08_no_exit_comes_after_unlink_has_returned)
{
        for (int i = 0; i < 500; i++) {
                cop_pid p = cop_spawn(puppet);
                ck_assert_int_eq(cop_link(p), COP_OK);
                if (i % 3 == 0)
                        settle_with(p);
                cop_unlink(p);
                put_down(p);
                nothing_has_come();
        }
}

static bool is_dead(void *pid)
{
        return !cop_is_alive(*(const cop_pid *)pid);
}

/* Linked to whom it watches, who has died since; its exit is on its way, or there. */
static void link_to_one_who_dies(cop_pid *pid, cop_ref *ref)
{
        *pid = cop_spawn(puppet);
        ck_assert_int_eq(cop_link(*pid), COP_OK);
        *ref = watch(*pid);
        settle_with(*pid);
        tell(*pid, DIE, .reason = cop_atom("boom"));
        /* And not by cop_yield, which takes in what has arrived. */
        if (suite_seed() >= 0)
                ck_assert_int_eq(cop_simulation_await(cop_node_here(), is_dead, pid, PATIENCE_MS), COP_OK);
        while (cop_is_alive(*pid))
                sched_yield();
}

/* What has been taken in before stays, as where a turn is one message long, or ends in the middle of that. */
static void unlink_from_the_dead(cop_pid pid)
{
        cop_unlink(pid);
        if (!has_mail())
                return;
        cop_auto message = cop_receive(0, COP_FIELD(cop_exited, pid, pid));
        if (message != NULL)
                ck_assert_str_eq(text_of(cop_read(cop_exited, message)->reason), "boom");
}

IN_NODE(LNK_08_an_exit_that_unlink_overtakes_is_dropped)
{
        for (int i = 0; i < 500; i++) {
                cop_pid p;
                cop_ref ref;
                link_to_one_who_dies(&p, &ref);
                unlink_from_the_dead(p);
                await_down(ref, "boom");
                /* Both came from p, so the exit would be here, too. */
                nothing_has_come();
        }
}

/* And then they are linked again, to one who has gone: what it died of is the old link's. */
IN_NODE(LNK_12_an_exit_of_the_old_link_is_none_of_the_new_one)
{
        for (int i = 0; i < 500; i++) {
                cop_pid p;
                cop_ref ref;
                link_to_one_who_dies(&p, &ref);
                unlink_from_the_dead(p);
                ck_assert_int_eq(cop_link(p), COP_OK);
                await_exited(p, "noproc");
                await_down(ref, "boom");
                nothing_has_come();
        }
}

IN_NODE(LNK_12_a_new_link_after_an_unlink_says_noproc_and_not_the_old_reason)
{
        for (int i = 0; i < 100; i++) {
                cop_pid b = cop_spawn(puppet);
                cop_ref ref = watch(b);
                ck_assert_int_eq(cop_link(b), COP_OK);
                tell(b, UNLINK, .pid = cop_self());
                tell(b, DIE, .reason = cop_atom("secret"));
                await_down(ref, "secret");
                /* Dead for good: its slot has been cleared when this answer comes. */
                await_true(cop__info(b, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
                ck_assert_int_eq(cop_link(b), COP_OK);
                await_exited(b, "noproc");
                nothing_has_come();
        }
}

IN_NODE(LNK_13_one_that_is_linked_and_monitored_is_told_of_twice)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        ck_assert_int_eq(cop_link(p), COP_OK);
        settle_with(p);
        tell(p, DIE, .reason = cop_atom("z"));
        await_exited(p, "z");
        await_down(ref, "z");
        nothing_has_come();
}

IN_NODE(LNK_14_a_child_that_has_unlinked_outlives_its_parent)
{
        cop_pid parent = cop_spawn(puppet);
        cop_pid child = tell(parent, SPAWN_LINKED).pid;
        tell(child, UNLINK, .pid = parent);
        cop_ref ref = watch(parent);
        tell(parent, DIE, .reason = cop_atom("boom"));
        await_down(ref, "boom");
        settle_with(child);
        put_down(child);
}

IN_NODE(two_that_link_each_other_at_once_are_told_of_once)
{
        for (int i = 0; i < 300; i++) {
                cop_pid p = cop_spawn(puppet);
                order o = { .what = LINK, .pid = cop_self() };
                cop_send_value(cop_to_pid(p), COP_KIND_OF(order), &o);
                ck_assert_int_eq(cop_link(p), COP_OK);
                cop_ref ref = watch(p);
                tell(p, DIE, .reason = cop_atom("boom"));
                await_down(ref, "boom");
                await_exited(p, "boom");
                await_and_drop(COP_KIND(obeyed));
                nothing_has_come();
        }
}

/* ---- Many ---------------------------------------------------------------------------------------- */


typedef struct spun {
        int64_t unused;
} spun;
COP_MESSAGE(spun, unused);

/* Tells its grandparent how it died by being told: a trapping spoke of a hub. */
static void spoke(void)
{
        cop_trap_exit(true);
        cop_auto first = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
        const cop_exited *exited = cop_read(cop_exited, first);
        if (!cop_is_atom(exited->reason, "hub_down"))
                cop_exit(cop_atom("wrong_reason"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spun)));
        cop_auto second = cop_receive(0, COP_ANY);
        cop_exit(cop_atom(second == NULL ? "told_once" : "told_twice"));
}

/* ---- A death in slices ------------------------------------------------------------------------------ */

static void waits_for_ever(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(saw)));
}

/* When told to, it watches somebody so many times: each DEMONITOR is a signal that its death sends. */
static void watches_many(const spun *many)
{
        cop_pid one = cop_spawn(waits_for_ever);
        cop_ref ref;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spun)));
        for (int64_t i = 0; i < many->unused; i++)
                cop_monitor(one, &ref);
        cop_send(cop_parent(), saw, .pid = one);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spun)));
}

/* Sends itself from one turn to the next until it is told to stop, and says how often it had its turn. */
typedef struct counter {
        int64_t turns;
} counter;

static void counter_on_spun(counter *self, const spun *s)
{
        self->turns++;
        cop_send(cop_self(), spun, .unused = s->unused);
        cop_yield();
}

typedef struct turns {
        int64_t count;
} turns;
COP_MESSAGE(turns, count);

static void counter_on_turns(counter *self, const turns *t)
{
        (void)t;
        cop_reply(turns, .count = self->turns);
}

COP_SERVER(counter, COP_ON(spun, counter_on_spun), COP_ON(turns, counter_on_turns));

static int64_t turns_of(cop_pid pid)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, turns), COP_OK);
        return cop_read(turns, reply)->count;
}

/* Tells how many turns the counter had had when it heard of the hub's death. */
static void witness(const saw *s)
{
        cop_trap_exit(true);
        cop_link(s->by);
        cop_send(cop_parent(), spun);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        cop_send(cop_parent(), turns, .count = turns_of(s->pid));
}

static cop_pid spawn_witness(cop_pid hub, cop_pid counted)
{
        cop_pid pid = cop_spawn_with(witness, saw, .by = hub, .pid = counted);
        await_and_drop(COP_KIND(spun));
        settle_with(hub);
        return pid;
}

static int64_t await_turns(cop_pid from)
{
        cop_auto message = await((cop_pattern){ .from = from, .kind = COP_KIND_OF(turns) });
        return cop_read(turns, message)->count;
}

/*
 * There is one worker, and nobody stands in for it. The first witness linked itself to the hub before the hub had its many other relations, the second one
 * after: so the one is told in the first slice and the other in the last, and the counter has a turn between any two.
 */
IN_NODE_WITH(LNK_15_while_one_with_many_relations_dies_others_have_their_turns, .workers = 1, .no_preempt = true,
             .no_spare_workers = true)
{
        const int64_t slices = COP__TINY ? 1000 : 100;
        follow_the_queues(node);
        cop_pid hub = cop_spawn_with(watches_many, spun, .unused = slices * COP__DEATH_SLICE);
        cop_pid busy = cop_spawn_server(&counter_server, NULL);
        cop_pid first = spawn_witness(hub, busy);
        cop_send(hub, spun);
        cop_message_free(await(COP_KIND(saw)));
        cop_pid last = spawn_witness(hub, busy);
        cop_ref down = watch(hub);
        cop_send(busy, spun);
        cop_send_exit(hub, cop_atom("kill"));
        await_down(down, "killed");
        int64_t at_first = await_turns(first), at_last = await_turns(last);
        ck_assert_int_ge(at_last - at_first, suite_seed() >= 0 ? 30 : 50); /* some 18, if all were told at once */
        nothing_has_come();
        put_down(busy);
}

static void calls(const saw *s)
{
        cop_status status = cop_call(NULL, s->by, COP_FOREVER, turns);
        bool right = status == COP_E_DIED && cop_is_atom(cop_failure(), "killed");
        cop_send(cop_parent(), turns, .count = right);
}

IN_NODE(who_waits_for_one_that_dies_in_slices_gets_its_reason_and_who_comes_later_finds_nobody)
{
        enum { CALLERS = 50 };
        cop_pid hub = cop_spawn_with(watches_many, spun, .unused = 20 * COP__DEATH_SLICE);
        cop_ref first = watch(hub);
        cop_send(hub, spun);
        await_and_drop(COP_KIND(saw));
        for (int i = 0; i < CALLERS; i++)
                cop_spawn_with(calls, saw, .by = hub);
        await_true(cop__unread(cop__slot_of(node, hub)) >= CALLERS);
        cop_send_exit(hub, cop_atom("kill"));
        await_down(first, "killed"); /* in the first slice */
        ck_assert(!cop_is_alive(hub));
        await_down(watch(hub), "noproc");
        ck_assert_int_eq(cop_call(NULL, hub, PATIENCE_MS, turns), COP_E_NO_ACTOR);
        for (int i = 0; i < CALLERS; i++) {
                cop_auto message = await(COP_KIND(turns));
                ck_assert_int_eq(cop_read(turns, message)->count, 1);
        }
        nothing_has_come();
}

static void floods_itself(const spun *many)
{
        for (int64_t i = 0; i < many->unused; i++)
                cop_send(cop_self(), spun);
        for (int64_t i = 0; i < 1000; i++)
                cop_alloc(16);
}

IN_NODE(a_death_with_unread_mail_in_many_slices_counts_each_letter_and_frees_all)
{
        const int64_t many = 20 * COP__DEATH_SLICE;
        int64_t blocks = blocks_in_use(node);
        uint64_t letters = cop_dead_letter_count(node);
        cop_ref ref = spawn_watched(RUN_WITH(floods_itself, spun, .unused = many));
        await_down(ref, "normal");
        await_true(cop_dead_letter_count(node) == letters + (uint64_t)many);
        await_true(blocks_in_use(node) <= blocks + 2);
}

IN_NODE_WITH(a_node_stops_in_the_middle_of_long_deaths, .workers = 2)
{
        for (int i = 0; i < 8; i++) {
                cop_send(cop_spawn_with(watches_many, spun, .unused = 20 * COP__DEATH_SLICE), spun);
                await_and_drop(COP_KIND(saw));
        }
}

IN_NODE(LNK_15_a_death_with_10000_links_tells_each_exactly_once)
{
        int count = suite_is_slow() ? 2000 : 10000;
        cop_pid *spokes = cop_alloc((size_t)count * sizeof(cop_pid));
        cop_ref *refs = cop_alloc((size_t)count * sizeof(cop_ref));
        cop_pid hub = cop_spawn(puppet);
        for (int i = 0; i < count; i++) {
                spokes[i] = cop_spawn(spoke);
                refs[i] = watch(spokes[i]);
                order o = { .what = LINK, .pid = spokes[i] };
                cop_send_value(cop_to_pid(hub), COP_KIND_OF(order), &o);
        }
        settle_with(hub);
        /* Each has its half of the link before the hub dies, and its trap is set: it is in its receive. */
        for (int i = 0; i < count; i++)
                settle_with(spokes[i]);
        tell(hub, DIE, .reason = cop_atom("hub_down"));
        for (int i = 0; i < count; i++)
                cop_send(spokes[i], spun);
        for (int i = 0; i < count; i++)
                await_down(refs[i], "told_once");
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(obeyed));
        nothing_has_come();
}
