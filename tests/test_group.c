/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Groups: joined as often as one likes, told of in order, and left by the dead before anyone hears of it. */
#include "tests/companion.h"
#include "tests/failing_malloc.h"
#include "tests/keepers.h"
#include "tests/too_deep.h"

typedef struct { int64_t number; } said;
COP_MESSAGE(said, number);

typedef struct { int64_t number; } unheard; /* nobody waits for it */
COP_MESSAGE(unheard, number);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(said)));
}

static const char *members(cop_term group)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", group, &list), COP_OK);
        return text_and_free(list);
}

static const char *groups(void)
{
        cop_term list;
        ck_assert_int_eq(cop_scope_groups("chat", &list), COP_OK);
        return text_and_free(list);
}

static cop_status join(const char *group, cop_pid pid)
{
        return cop_group_join("chat", cop_atom(group), pid);
}

static cop_status leave(const char *group, cop_pid pid)
{
        return cop_group_leave("chat", cop_atom(group), pid);
}

/* ---- Members ------------------------------------------------------------------------ */

IN_NODE(GRP_01_a_group_is_there_from_the_first_to_the_last_member)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits);
        ck_assert_str_eq(groups(), "[]");
        ck_assert_int_eq(join("tea", p), COP_OK);
        ck_assert_str_eq(members(cop_atom("tea")), with_pid("[%s]", p));
        ck_assert_str_eq(groups(), "[tea]");
        ck_assert_int_eq(leave("tea", p), COP_OK);
        ck_assert_str_eq(members(cop_atom("tea")), "[]");
        ck_assert_str_eq(groups(), "[]");
        put_down(p);
}

IN_NODE(who_joins_twice_is_a_member_twice_and_leaves_twice)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        cop_pid list[] = { p, q, p };
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), list, 2), COP_OK);
        ck_assert_str_eq(members(cop_atom("tea")), with_pids("[%s, %s]", p, q));
        ck_assert_int_eq(cop_group_leave_all("chat", cop_atom("tea"), list, 2), COP_OK);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), list, 3), COP_OK);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), NULL, 0), COP_OK);
        ck_assert_int_eq(leave("tea", p), COP_OK);
        ck_assert_str_eq(members(cop_atom("tea")), with_pids("[%s, %s]", q, p));
        ck_assert_int_eq(leave("tea", p), COP_OK);
        ck_assert_int_eq(leave("tea", p), COP_E_NOT_FOUND);
        ck_assert_str_eq(members(cop_atom("tea")), with_pid("[%s]", q));
        put_down(p);
        put_down(q);
}

IN_NODE(GRP_03_who_is_no_member_cannot_leave)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits), both[] = { p, q };
        ck_assert_int_eq(leave("tea", p), COP_E_NOT_FOUND);
        ck_assert_int_eq(join("tea", q), COP_OK);
        ck_assert_int_eq(leave("tea", p), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_group_leave_all("chat", cop_atom("tea"), both, 2), COP_OK);
        ck_assert_int_eq(cop_group_leave_all("chat", cop_atom("tea"), both, 2), COP_E_NOT_FOUND);
        put_down(p);
        put_down(q);
}

IN_NODE(GRP_04_all_entries_of_a_dead_member_vanish)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        for (int i = 0; i < 200; i++)
                ck_assert_int_eq(cop_group_join("chat", cop_int(i % 50), p), COP_OK);
        ck_assert_int_eq(cop_group_join("chat", cop_int(7), q), COP_OK);
        put_down(p);
        ck_assert_str_eq(groups(), "[7]");
        ck_assert_str_eq(members(cop_int(7)), with_pid("[%s]", q));
        put_down(q);
        ck_assert_str_eq(groups(), "[]");
}

IN_NODE(GRP_06_a_dead_actor_may_be_joined_and_is_no_member)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits);
        put_down(p);
        ck_assert_int_eq(join("tea", p), COP_OK);
        ck_assert_int_eq(join("tea", cop__pid(1000000, 3)), COP_OK);
        ck_assert_str_eq(members(cop_atom("tea")), "[]");
        ck_assert_str_eq(groups(), "[]");
}

IN_NODE(GRP_07_a_group_goes_with_its_last_member_alone)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        ck_assert_int_eq(join("tea", p), COP_OK);
        ck_assert_int_eq(join("tea", q), COP_OK);
        ck_assert_int_eq(leave("tea", p), COP_OK);
        ck_assert_str_eq(groups(), "[tea]");
        put_down(q);
        ck_assert_str_eq(groups(), "[]");
        put_down(p);
}

IN_NODE(GRP_08_an_actor_of_another_node_is_refused_and_with_it_the_list)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits), far = cop__pid_of(3, 1, 1), list[] = { p, far };
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), far), COP_E_NOT_LOCAL);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), list, 2), COP_E_NOT_LOCAL);
        ck_assert_int_eq(cop_group_leave_all("chat", cop_atom("tea"), list, 2), COP_E_NOT_LOCAL);
        ck_assert_str_eq(groups(), "[]");
        put_down(p);
}

IN_NODE(GRP_09_nobody_is_no_member)
{
        start_scope("chat");
        cop_pid list[] = { cop_self(), cop_no_pid() };
        ck_assert_int_eq(join("tea", cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), list, 2), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), NULL, 2), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(groups(), "[]");
}

IN_NODE(GRP_10_without_the_scope_joining_fails_and_lists_are_empty)
{
        cop_ref ref;
        cop_term list;
        cop_pid pid;
        const char *const names[] = { "chat", "", NULL, "me", "rooms" };
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_register("me", cop_self()), COP_OK);
        for (size_t i = 0; i < COP__COUNT(names); i++) {
                cop_term tea = cop_atom("tea");
                ck_assert_int_eq(cop_group_join(names[i], tea, cop_self()), COP_E_NO_NAME);
                ck_assert_int_eq(cop_group_leave(names[i], tea, cop_self()), COP_E_NO_NAME);
                ck_assert_int_eq(cop_group_members(names[i], tea, &list), COP_OK);
                ck_assert_str_eq(text_and_free(list), "[]");
                ck_assert_int_eq(cop_group_local_members(names[i], tea, &list), COP_OK);
                ck_assert_str_eq(text_and_free(list), "[]");
                ck_assert_int_eq(cop_scope_groups(names[i], &list), COP_OK);
                ck_assert_str_eq(text_and_free(list), "[]");
                ck_assert_int_eq(cop_group_send(names[i], tea, said, 1), COP_E_NO_NAME);
                ck_assert_int_eq(cop_group_pick(names[i], tea, COP_PICK_RANDOM, &pid), COP_E_NO_NAME);
                ck_assert_int_eq(cop_scope_monitor(names[i], &ref, &list), COP_E_NO_NAME);
                ck_assert_int_eq(cop_group_monitor(names[i], tea, &ref, &list), COP_E_NO_NAME);
        }
}

IN_NODE(local_members_are_those_of_this_node)
{
        cop_term list;
        start_scope("chat");
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(cop_group_local_members("chat", cop_atom("tea"), &list), COP_OK);
        ck_assert_str_eq(text_and_free(list), with_pid("[%s]", cop_self()));
}

/* ---- Sending and picking ---------------------------------------------------------------- */

static void await_said(int64_t number)
{
        cop_auto message = await(COP_KIND(said));
        ck_assert_int_eq(cop_read(said, message)->number, number);
}

IN_NODE(a_message_to_a_group_reaches_each_membership)
{
        cop_ref refs[3];
        start_scope("chat");
        for (int i = 0; i < 3; i++) {
                cop_pid p = cop_spawn(waits);
                refs[i] = watch(p);
                ck_assert_int_eq(join("tea", p), COP_OK);
        }
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(cop_group_send("chat", cop_atom("tea"), said, 7), COP_OK);
        await_said(7);
        await_said(7);
        for (int i = 0; i < 3; i++)
                await_down(refs[i], "normal");
        ck_assert_int_eq(cop_group_send("chat", cop_atom("ale"), said, 8), COP_OK);
        nothing_has_come();
}

/* The one in the middle takes nothing that waits for others. */
IN_NODE(who_is_full_keeps_a_message_to_its_group_from_nobody_else)
{
        cop_pid full;
        const cop_spawn_options options = { .run = waits, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT };
        start_scope("chat");
        ck_assert_int_eq(cop_spawn_opt(&options, &full), COP_OK);
        cop_pid last = cop_spawn(waits);
        cop_ref last_down = watch(last);
        ck_assert_int_eq(cop_send(full, unheard, 1), COP_OK);
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(join("tea", full), COP_OK);
        ck_assert_int_eq(join("tea", last), COP_OK);
        ck_assert_int_eq(cop_group_send("chat", cop_atom("tea"), said, 7), COP_E_FULL);
        await_said(7);
        await_down(last_down, "normal");
        put_down(full);
}

IN_NODE(members_are_picked_in_turn_or_at_random)
{
        enum { MEMBERS = 4, PICKS = 400 };
        cop_pid pids[MEMBERS], pid;
        int times[MEMBERS] = { 0 };
        start_scope("chat");
        ck_assert_int_eq(cop_group_pick("chat", cop_atom("tea"), COP_PICK_IN_TURN, &pid),
                         COP_E_NOT_FOUND);
        for (int i = 0; i < MEMBERS; i++) {
                pids[i] = cop_spawn(waits);
                ck_assert_int_eq(join("tea", pids[i]), COP_OK);
        }
        for (int i = 0; i < PICKS; i++) {
                ck_assert_int_eq(cop_group_pick("chat", cop_atom("tea"), COP_PICK_IN_TURN, &pid),
                                 COP_OK);
                ck_assert(cop_pid_equal(pid, pids[i % MEMBERS]));
                ck_assert_int_eq(cop_group_pick("chat", cop_atom("tea"), COP_PICK_RANDOM, &pid), COP_OK);
                for (int m = 0; m < MEMBERS; m++)
                        times[m] += cop_pid_equal(pid, pids[m]);
        }
        for (int m = 0; m < MEMBERS; m++)
                ck_assert_int_ge(times[m], PICKS / MEMBERS / 3);
        ck_assert_int_eq(cop_group_pick("chat", cop_atom("tea"), (cop_pick)9, &pid),
                         COP_E_BAD_ARGUMENT);
        for (int i = 0; i < MEMBERS; i++)
                put_down(pids[i]);
}

/* ---- Monitors --------------------------------------------------------------------------- */

static void await_joined(cop_ref ref, const char *group, cop_pid pid)
{
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(cop_group_joined), COP_KIND(cop_group_left));
        const cop_group_joined *event = cop_read(cop_group_joined, message);
        ck_assert_ptr_nonnull(event);
        ck_assert(cop_ref_equal(event->ref, ref));
        ck_assert_str_eq(text_of(event->group), group);
        ck_assert(cop_pid_equal(event->pid, pid));
}

static void await_left(cop_ref ref, const char *group, cop_pid pid)
{
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(cop_group_joined), COP_KIND(cop_group_left));
        const cop_group_left *event = cop_read(cop_group_left, message);
        ck_assert_ptr_nonnull(event);
        ck_assert(cop_ref_equal(event->ref, ref));
        ck_assert_str_eq(text_of(event->group), group);
        ck_assert(cop_pid_equal(event->pid, pid));
}

IN_NODE(GRP_13_who_monitors_a_scope_gets_all_groups_and_then_what_happens)
{
        cop_ref ref;
        cop_term now;
        start_scope("chat");
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        ck_assert_int_eq(join("tea", p), COP_OK);
        ck_assert_int_eq(join("tea", q), COP_OK);
        ck_assert_int_eq(join("ale", q), COP_OK);
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        const cop_term *tea = cop_map_get(now, cop_atom("tea")), *ale = cop_map_get(now, cop_atom("ale"));
        ck_assert_uint_eq(now.count, 2);
        ck_assert_str_eq(text_of(*tea), with_pids("[%s, %s]", p, q));
        ck_assert_str_eq(text_of(*ale), with_pid("[%s]", q));
        cop_term_free(now);
        nothing_has_come();
        ck_assert_int_eq(join("rum", p), COP_OK);
        await_joined(ref, "rum", p);
        ck_assert_int_eq(leave("tea", q), COP_OK);
        await_left(ref, "tea", q);
        put_down(q);
        await_left(ref, "ale", q);
        put_down(p);
        await_left(ref, "tea", p);
        await_left(ref, "rum", p);
        nothing_has_come();
}

IN_NODE(an_empty_scope_is_an_empty_map)
{
        cop_ref ref;
        cop_term now;
        start_scope("chat");
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        ck_assert_str_eq(text_and_free(now), "#{}");
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("tea"), &ref, &now), COP_OK);
        ck_assert_str_eq(text_and_free(now), "[]");
}

IN_NODE(who_monitors_one_group_hears_of_no_other)
{
        cop_ref ref, other;
        cop_term now;
        start_scope("chat");
        cop_pid p = cop_spawn(waits), list[] = { p, p };
        ck_assert_int_eq(join("tea", p), COP_OK);
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("tea"), &ref, &now), COP_OK);
        ck_assert_str_eq(text_and_free(now), with_pid("[%s]", p));
        ck_assert_int_eq(cop_group_monitor("chat", cop_string("tea"), &other, &now), COP_OK);
        ck_assert_str_eq(text_and_free(now), "[]");
        ck_assert_int_eq(join("ale", p), COP_OK);
        ck_assert_int_eq(cop_group_join_all("chat", cop_atom("tea"), list, 2), COP_OK);
        await_joined(ref, "tea", p);
        await_joined(ref, "tea", p);
        put_down(p);
        for (int i = 0; i < 3; i++)
                await_left(ref, "tea", p);
        nothing_has_come();
}

static cop_ref others_ref;

static void demonitors_others(void)
{
        cop_exit(cop_int(cop_group_demonitor(others_ref)));
}

IN_NODE(GRP_14_after_demonitor_nothing_comes_and_a_second_one_finds_nothing)
{
        cop_ref ref, group_ref;
        cop_term now;
        char not_found[16];
        start_scope("chat");
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        cop_term_free(now);
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("tea"), &group_ref, &now), COP_OK);
        cop_term_free(now);
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        snprintf(not_found, sizeof(not_found), "%d", COP_E_NOT_FOUND);
        others_ref = ref;
        await_down(spawn_watched(.run = demonitors_others), not_found);
        ck_assert_int_eq(cop_group_demonitor(ref), COP_OK); /* its event has come, and goes */
        ck_assert_int_eq(cop_group_demonitor(ref), COP_E_NOT_FOUND);
        await_joined(group_ref, "tea", cop_self());
        ck_assert_int_eq(cop_group_demonitor(group_ref), COP_OK);
        ck_assert_int_eq(leave("tea", cop_self()), COP_OK);
        ck_assert_int_eq(cop_group_demonitor(group_ref), COP_E_NOT_FOUND);
        nothing_has_come();
}

static void monitors(void)
{
        cop_ref ref;
        cop_term now;
        if (cop_scope_monitor("chat", &ref, &now) != COP_OK)
                cop_exit(cop_atom("refused"));
        cop_term_free(now);
        cop_send(cop_parent(), said, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(said)));
}

/* As that of a monitor which could not be made. */
IN_NODE(no_reference_is_no_monitor_and_takes_no_events_of_others)
{
        cop_ref ref, none = { 0 };
        cop_term now;
        start_scope("chat");
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        cop_term_free(now);
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(cop_group_monitor("nowhere", cop_atom("tea"), &none, &now), COP_E_NO_NAME);
        ck_assert_int_eq(cop_group_demonitor(none), COP_E_NOT_FOUND);
        await_and_drop(COP_REF(cop_group_joined, ref));
        ck_assert_int_eq(cop_group_demonitor(ref), COP_OK);
}

static bool has_subscribers(void)
{
        struct cop__visit visit;
        ck_assert_int_eq(cop__book_enter(&visit, "chat", true), COP_OK);
        cop__lock_lock(&visit.book->partitions[0].lock);
        bool some = !cop__list_is_empty(&visit.book->partitions[0].subscribers);
        cop__lock_unlock(&visit.book->partitions[0].lock);
        cop__book_leave(&visit);
        return some;
}

IN_NODE(GRP_15_the_monitor_of_a_dead_subscriber_is_removed)
{
        start_scope("chat");
        cop_pid p = cop_spawn(monitors);
        await_said(1);
        ck_assert(has_subscribers());
        put_down(p);
        ck_assert(!has_subscribers());
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
}

IN_NODE(who_monitors_is_told_when_the_scope_ends)
{
        cop_ref ref;
        cop_term now;
        cop_pid scope = start_scope("chat");
        ck_assert_int_eq(join("tea", cop_self()), COP_OK);
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        cop_term_free(now);
        put_down(scope);
        await_and_drop(COP_REF(cop_group_lost, ref));
        nothing_has_come();
        ck_assert_int_eq(cop_group_demonitor(ref), COP_E_NOT_FOUND);
        start_scope("chat");
        ck_assert_str_eq(groups(), "[]");
        ck_assert(!has_subscribers());
}

/* In an answer it lies in a list, or is the key of a map. */
IN_NODE(a_group_that_may_be_joined_may_be_told_of)
{
        cop_ref ref;
        cop_term now, group = nested_in(COP_TERM_DEPTH_MAX - 1);
        start_scope("chat");
        ck_assert_int_eq(cop_group_join("chat", nested_in(COP_TERM_DEPTH_MAX), cop_self()), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_group_join("chat", group, cop_self()), COP_OK);
        ck_assert_int_eq(cop_scope_groups("chat", &now), COP_OK);
        ck_assert(cop_term_equal(now.as.items[0], group));
        cop_term_free(now);
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
        ck_assert_ptr_nonnull(cop_map_get(now, group));
        cop_term_free(now);
        ck_assert_int_eq(cop_group_leave("chat", group, cop_self()), COP_OK);
        cop_auto left = await(COP_REF(cop_group_left, ref));
        ck_assert(cop_term_equal(cop_read(cop_group_left, left)->group, group));
}

/* ---- Races --------------------------------------------------------------------------------- */

static uint32_t is_over;

/* Busy for a while, then not: who is always busy leaves no core to the others. */
static void catches_breath(int64_t round)
{
        if (round % 16 == 0)
                cop_message_free(cop_receive(1, COP_KIND(said)));
        else
                cop_yield();
}

static void joins_and_leaves(void)
{
        for (int64_t i = 1;; i++) {
                cop_group_join("chat", cop_int(i % 3), cop_self());
                cop_group_join("chat", cop_atom("all"), cop_self());
                cop_group_leave("chat", cop_int(i % 3), cop_self());
                if (i % 16 != 0)
                        cop_group_leave("chat", cop_atom("all"), cop_self());
                catches_breath(i);
        }
}

static void joins_others(void *unused)
{
        cop_pid pids[4];
        (void)unused;
        for (int i = 0; i < 4; i++)
                pids[i] = cop_whereis("nobody");
        for (uint32_t i = 1; !cop__load_acquire(&is_over); i++) {
                cop_pid pid = cop_no_pid();
                if (cop_group_pick("chat", cop_atom("all"), COP_PICK_RANDOM, &pid) == COP_OK)
                        pids[i % 4] = pid;
                if (pids[i % 4].bits != 0)
                        cop_group_join("chat", cop_atom("others"), pids[i % 4]);
                catches_breath(i);
        }
}

/* Is the pid in a group? Read as anyone reads. */
static bool is_member(cop_term group, cop_pid pid)
{
        cop_term list;
        bool found = false;
        ck_assert_int_eq(cop_group_members("chat", group, &list), COP_OK);
        for (uint32_t i = 0; i < list.count; i++)
                found |= cop_pid_equal(list.as.items[i].as.pid, pid);
        cop_term_free(list);
        return found;
}

IN_NODE(GRP_04_nobody_finds_a_member_whose_death_was_heard_however_it_was_joined)
{
        struct companion companion;
        int rounds = suite_is_slow() ? 100 : 1000;
        start_scope("chat");
        cop__store_release(&is_over, 0);
        companion_begin(&companion, node, joins_others, NULL);
        for (int round = 0; round < rounds; round++) {
                cop_pid p = cop_spawn(joins_and_leaves), q = cop_spawn(joins_and_leaves);
                for (int i = 0; i < round % 5; i++)
                        cop_yield();
                put_down(p);
                for (int group = 0; group < 3; group++)
                        ck_assert(!is_member(cop_int(group), p));
                ck_assert(!is_member(cop_atom("all"), p));
                ck_assert(!is_member(cop_atom("others"), p));
                put_down(q);
                ck_assert_str_eq(members(cop_int(0)), "[]");
        }
        cop__store_release(&is_over, 1);
        companion_end(&companion);
        ck_assert_str_eq(groups(), "[]");
}

/* A few memberships at a time, so that there are no more events than can be read. */
static void joins_and_leaves_again(void)
{
        for (;;) {
                for (int i = 0; i < 3; i++)
                        cop_group_join("chat", cop_atom("all"), cop_self());
                for (int i = 0; i < 3; i++)
                        cop_group_leave("chat", cop_atom("all"), cop_self());
                cop_message_free(cop_receive(1, COP_KIND(said)));
        }
}

/* A snapshot and the events after it tell the same as the members do. */
IN_NODE(a_snapshot_and_its_events_give_the_members_at_every_moment)
{
        enum { ACTORS = 4 };
        cop_ref ref;
        cop_term now;
        cop_pid pids[ACTORS];
        int rounds = suite_is_slow() ? 20 : 200;
        start_scope("chat");
        for (int round = 0; round < rounds; round++) {
                int64_t known = 0;
                for (int i = 0; i < ACTORS; i++)
                        pids[i] = cop_spawn(joins_and_leaves_again);
                for (int i = 0; i < round % 5; i++)
                        cop_yield();
                ck_assert_int_eq(cop_group_monitor("chat", cop_atom("all"), &ref, &now), COP_OK);
                known += now.count;
                cop_term_free(now);
                for (int i = 0; i < ACTORS; i++)
                        put_down(pids[i]);
                cop_message *message;
                while ((message = cop_receive(0, COP_REF(cop_group_joined, ref),
                                              COP_REF(cop_group_left, ref))) != NULL) {
                        known += cop_read(cop_group_joined, message) != NULL ? 1 : -1;
                        ck_assert_int_ge(known, 0);
                        cop_message_free(message);
                }
                ck_assert_int_eq(known, 0);
                ck_assert_int_eq(cop_group_demonitor(ref), COP_OK);
        }
        ck_assert_str_eq(groups(), "[]");
}

IN_NODE(a_scope_dies_while_it_is_joined_read_and_monitored)
{
        enum { ACTORS = 4 };
        struct companion companion;
        cop_pid pids[ACTORS];
        int rounds = suite_is_slow() ? 30 : 200;
        cop__store_release(&is_over, 0);
        for (int i = 0; i < ACTORS; i++)
                pids[i] = cop_spawn(joins_and_leaves);
        companion_begin(&companion, node, joins_others, NULL);
        for (int round = 0; round < rounds; round++) {
                cop_ref ref;
                cop_term now;
                cop_pid scope = start_scope("chat");
                ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_OK);
                cop_term_free(now);
                for (int i = 0; i < round % 5; i++)
                        cop_yield();
                put_down(scope);
                await_and_drop(COP_REF(cop_group_lost, ref));
                ck_assert_str_eq(groups(), "[]");
                ck_assert_int_eq(cop_group_demonitor(ref), COP_E_NOT_FOUND);
        }
        cop__store_release(&is_over, 1);
        companion_end(&companion);
        for (int i = 0; i < ACTORS; i++)
                put_down(pids[i]);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static cop_status operate(int which, const cop_pid list[2])
{
        cop_term term = cop_nil();
        cop_ref ref;
        cop_pid pid;
        cop_status status;
        switch (which) {
        case 0: return cop_group_join_all("chat", cop_atom("new"), list, 2);
        case 1: status = cop_group_members("chat", cop_atom("tea"), &term); break;
        case 2: status = cop_scope_groups("chat", &term); break;
        case 3: return cop_group_pick("chat", cop_atom("tea"), COP_PICK_IN_TURN, &pid);
        case 4: status = cop_scope_monitor("chat", &ref, &term); break;
        case 5: status = cop_group_monitor("chat", cop_atom("tea"), &ref, &term); break;
        case 6: return cop_group_send("chat", cop_atom("tea"), unheard, 1);
        default: return cop_group_leave("chat", cop_atom("tea"), list[0]);
        }
        if (status == COP_OK)
                cop_term_free(term);
        return status;
}

IN_NODE_WITH(every_operation_survives_every_failed_allocation, .workers = 1)
{
        start_scope("chat");
        cop_pid list[] = { cop_spawn(monitors), cop_spawn(monitors) };
        await_said(1);
        await_said(1);
        ck_assert_int_eq(join("tea", list[0]), COP_OK);
        for (int which = 0; which < 8; which++) {
                for (long n = 1; failing_malloc_can(); n++) {
                        fail_malloc_after(n);
                        cop_status status = operate(which, list);
                        bool failed = stop_failing_malloc();
                        ck_assert(status == COP_OK || (failed && status == COP_E_NO_MEMORY));
                        if (status == COP_OK)
                                break;
                        ck_assert_str_eq(groups(), "[tea]");
                }
                if (which == 0)
                        cop_group_leave_all("chat", cop_atom("new"), list, 2);
        }
        put_down(list[0]);
        put_down(list[1]);
        ck_assert_str_eq(groups(), "[]");
}
