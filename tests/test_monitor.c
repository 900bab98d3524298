/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Monitors: exactly one DOWN for each, and none after it was ended. */
#include <stdio.h>
#include <string.h>

#include "tests/puppet.h"

static void expect_down(cop_ref ref, cop_pid pid, const char *name, const char *reason)
{
        cop_auto message = await(COP_KIND(cop_down));
        const cop_down *down = cop_read(cop_down, message);
        ck_assert(cop_ref_equal(down->ref, ref));
        ck_assert(cop_pid_equal(down->pid, pid));
        ck_assert_uint_eq(down->name.size, strlen(name));
        ck_assert_str_eq(down->name.text, name); /* a symbol is followed by a NUL */
        ck_assert_str_eq(text_of(down->reason), reason);
}

typedef struct dirt {
        cop_text text;
} dirt;
COP_MESSAGE(dirt, text);

/* What this thread takes from the pool next has had other things in it. */
static void use_memory(void)
{
        static char text[500];
        memset(text, 'x', sizeof(text));
        for (size_t size = 1; size < sizeof(text); size += 8)
                cop_send(cop_self(), dirt, .text = { size, text });
        for (size_t size = 1; size < sizeof(text); size += 8)
                await_and_drop(COP_KIND(dirt));
}

static cop_pid one_dead(void)
{
        cop_pid pid = cop_spawn(puppet);
        put_down(pid);
        return pid;
}

/* ---- Reasons ------------------------------------------------------------------------- */

IN_NODE(MON_01_a_normal_end_is_one_down)
{
        use_memory();
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        tell(p, DIE, .reason = cop_atom("normal"));
        expect_down(ref, p, "", "normal");
        nothing_has_come();
}

IN_NODE(MON_02_the_reason_is_that_of_the_exit)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        tell(p, DIE, .reason = cop_atom("frop"));
        expect_down(ref, p, "", "frop");
}

IN_NODE(MON_03_one_that_was_killed_is_down_as_killed)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        ck_assert_int_eq(cop_send_exit(p, cop_atom("kill")), COP_OK);
        expect_down(ref, p, "", "killed");
}

IN_NODE(MON_04_the_dead_are_down_with_noproc_at_once)
{
        cop_pid p = one_dead();
        await_true(cop__info(p, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
        expect_down(watch(p), p, "", "noproc");
        nothing_has_come();
}

/* SPN-08: a monitor of one that is dying says noproc, or the reason if it came in time; but it says something. */
IN_NODE(SPN_08_a_monitor_that_races_with_a_death_is_answered)
{
        for (int i = 0; i < 2000; i++) {
                cop_pid p = cop_spawn(puppet);
                tell(p, DIE, .reason = cop_atom("boom"));
                cop_ref ref = watch(p);
                cop_auto message = await(COP_REF(cop_down, ref));
                const char *reason = text_of(cop_read(cop_down, message)->reason);
                ck_assert_msg(strcmp(reason, "boom") == 0 || strcmp(reason, "noproc") == 0, "%s",
                              reason);
        }
        nothing_has_come();
}

/* ---- By name ------------------------------------------------------------------------------ */

IN_NODE(MON_05_a_name_that_nobody_bears_is_down_with_noproc)
{
        cop_ref ref;
        use_memory();
        ck_assert_int_eq(cop_monitor("puppet", &ref), COP_OK);
        expect_down(ref, cop_no_pid(), "puppet", "noproc");
}

IN_NODE(MON_06_who_is_monitored_by_name_is_down_by_name)
{
        cop_pid p = cop_spawn(puppet);
        ck_assert_int_eq(tell(p, REGISTER_SELF).value, COP_OK);
        cop_ref ref;
        ck_assert_int_eq(cop_monitor("puppet", &ref), COP_OK);
        tell(p, DIE, .reason = cop_atom("frop"));
        expect_down(ref, p, "puppet", "frop");
        nothing_has_come();
}

IN_NODE(the_longest_name_comes_back_whole_and_a_longer_one_is_refused)
{
        char name[COP_NAME_MAX + 2];
        cop_ref ref;
        memset(name, 'n', sizeof(name));
        use_memory();
        name[COP_NAME_MAX + 1] = '\0';
        ck_assert_int_eq(cop_monitor((const char *)name, &ref), COP_E_BAD_ARGUMENT);
        name[COP_NAME_MAX] = '\0';
        ck_assert_int_eq(cop_monitor((const char *)name, &ref), COP_OK);
        expect_down(ref, cop_no_pid(), name, "noproc");
}

/* ---- Several, oneself, the monitoring side ----------------------------------------------------- */

IN_NODE(MON_08_each_of_two_monitors_gets_its_own_down)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref first = watch(p), second = watch(p);
        ck_assert(!cop_ref_equal(first, second));
        tell(p, DIE, .reason = cop_atom("frop"));
        await_down(second, "frop");
        await_down(first, "frop");
        nothing_has_come();
}

IN_NODE(MON_09_a_monitor_of_oneself_never_fires)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = tell(p, MONITOR, .pid = p).ref;
        ck_assert_uint_ne(ref.bits, 0);
        ck_assert_str_eq(info_of(p, "monitors"), text_of(COP_LIST(cop_pid_term(p))));
        tell(p, DEMONITOR, .ref = ref);
        ck_assert_str_eq(info_of(p, "monitors"), "[]");
        ck_assert_str_eq(info_of(p, "monitored_by"), "[]");
        tell(p, MONITOR, .pid = p);
        cop_ref end = watch(p);
        tell(p, DIE, .reason = cop_atom("frop"));
        await_down(end, "frop");
        nothing_has_come();
}

IN_NODE(MON_10_the_death_of_the_monitoring_one_leaves_nothing_at_the_target)
{
        cop_pid target = cop_spawn(puppet), a = cop_spawn(puppet);
        tell(a, MONITOR, .pid = target);
        ck_assert_str_eq(info_of(target, "monitored_by"), text_of(COP_LIST(cop_pid_term(a))));
        put_down(a);
        await_true(strcmp(info_of(target, "monitored_by"), "[]") == 0);
        put_down(target);
}

/* ---- Demonitor --------------------------------------------------------------------------------- */

IN_NODE(MON_11_after_demonitor_there_is_no_down)
{
        for (int i = 0; i < 500; i++) {
                cop_pid p = cop_spawn(puppet);
                cop_ref ref = watch(p), other = watch(p);
                if (i % 2 == 0)
                        settle_with(p);
                else
                        tell(p, DIE, .reason = cop_atom("frop"));
                /* Where a turn is one message long, telling has ended ours: what has been taken in stays. */
                bool was_there = has_mail();
                cop_demonitor(ref);
                if (i % 2 == 0)
                        tell(p, DIE, .reason = cop_atom("frop"));
                await_down(other, "frop"); /* was sent after the one that must not come */
                if (was_there)
                        await_down(ref, "frop");
                nothing_has_come();
        }
}

IN_NODE(MON_12_to_demonitor_twice_or_what_is_unknown_is_harmless)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        ck_assert(cop_demonitor(ref));
        ck_assert(!cop_demonitor(ref));
        ck_assert(!cop_demonitor(cop_ref_new()));
        ck_assert(!cop_demonitor_flush(cop_ref_new()));
        put_down(p);
        nothing_has_come();
}

IN_NODE(MON_13_bad_arguments_are_refused)
{
        cop_ref ref = { 7 };
        ck_assert_int_eq(cop_monitor(cop_no_pid(), &ref), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_monitor(cop_self(), NULL), COP_E_BAD_ARGUMENT);
        static const uint32_t bad[] = { 3, 32, COP_ALIAS_PRIORITY, 0x100 };
        for (size_t i = 0; i < COP__COUNT(bad); i++) {
                const cop_monitor_options options = { .alias = bad[i] };
                ck_assert_int_eq(cop_monitor_opt(cop_self(), &options, &ref), COP_E_BAD_ARGUMENT);
        }
        ck_assert_int_eq(cop_monitor_opt(cop_self(), NULL, &ref), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(ref.bits, 7);
        /* On a thread of the program a bug is a line in the log. */
        ck_assert(!cop_demonitor((cop_ref){ 0 }));
        ck_assert(!cop_demonitor_flush((cop_ref){ 0 }));
}

static void demonitors_nothing(void)
{
        cop_demonitor((cop_ref){ 0 });
}

static void flushes_nothing(void)
{
        cop_demonitor_flush((cop_ref){ 0 });
}

IN_NODE(MON_13_to_demonitor_no_reference_is_badarg)
{
        void (*const runs[])(void) = { demonitors_nothing, flushes_nothing };
        for (size_t i = 0; i < COP__COUNT(runs); i++)
                await_down(spawn_watched(.run = runs[i]),
                           "{badarg, {demonitor, \"no reference is given\"}}");
}

IN_NODE(MON_14_anothers_monitor_cannot_be_ended)
{
        cop_pid p = cop_spawn(puppet), a = cop_spawn(puppet);
        cop_ref ref = tell(a, MONITOR, .pid = p).ref;
        ck_assert(!cop_demonitor(ref));
        ck_assert(!cop_demonitor_flush(ref));
        tell(p, DIE, .reason = cop_atom("frop"));
        await_saw(a, p, "frop");
        put_down(a);
}

/* The DOWN is in the mailbox: a receive that finds nothing has taken in what had arrived. */
static void let_it_queue(void)
{
        await_true((cop_message_free(cop_receive(0, COP_KIND(saw))),
                    cop__load_relaxed(&cop__actor_here()->mailbox.count) == 1));
}

IN_NODE(MON_16_demonitor_with_flush_removes_a_down_that_is_queued)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        tell(p, DIE, .reason = cop_atom("frop"));
        let_it_queue();
        ck_assert(!cop_demonitor_flush(ref));
        nothing_has_come();
        cop_pid q = cop_spawn(puppet);
        ck_assert(cop_demonitor_flush(watch(q))); /* true: it had not fired, and never will */
        put_down(q);
        nothing_has_come();
}

IN_NODE(MON_16_flush_removes_its_own_down_and_no_other)
{
        cop_pid p = cop_spawn(puppet), q = cop_spawn(puppet);
        cop_ref first = watch(p), second = watch(q);
        tell(p, DIE, .reason = cop_atom("one"));
        let_it_queue();
        tell(q, DIE, .reason = cop_atom("two"));
        await_true((cop_message_free(cop_receive(0, COP_KIND(saw))),
                    cop__load_relaxed(&cop__actor_here()->mailbox.count) == 2));
        ck_assert(!cop_demonitor_flush(second));
        await_down(first, "one");
        nothing_has_come();
}

IN_NODE(MON_17_a_plain_demonitor_leaves_a_down_that_is_queued)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        tell(p, DIE, .reason = cop_atom("frop"));
        let_it_queue();
        ck_assert(!cop_demonitor(ref));
        await_down(ref, "frop");
}

/* ---- Tags ---------------------------------------------------------------------------------------- */

static cop_ref watch_with_tag(cop_address to, cop_term tag)
{
        cop_ref ref;
        ck_assert_int_eq(cop_monitor_address_opt(to, &(cop_monitor_options){ .tag = tag }, &ref),
                         COP_OK);
        return ref;
}

static void expect_tag(cop_ref ref, const char *tag, const char *reason)
{
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert_str_eq(text_of(cop_read(cop_down, message)->tag), tag);
        ck_assert_str_eq(text_of(cop_read(cop_down, message)->reason), reason);
}

IN_NODE(MON_24_the_down_bears_the_tag_also_for_noproc)
{
        cop_pid p = cop_spawn(puppet);
        cop_term tag = COP_TUPLE(cop_atom("till"), cop_string("the third"), cop_int(3));
        use_memory();
        cop_ref refs[] = { watch_with_tag(cop_to_pid(p), tag), watch(p),
                           watch_with_tag(cop_to_name("puppet"), cop_atom("by_name")) };
        tell(p, DIE, .reason = cop_atom("frop"));
        expect_tag(refs[0], "{till, \"the third\", 3}", "frop");
        expect_tag(refs[1], "[]", "frop");
        expect_tag(refs[2], "by_name", "noproc");
        await_true(cop__info(p, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
        expect_tag(watch_with_tag(cop_to_pid(p), tag), "{till, \"the third\", 3}", "noproc");
        nothing_has_come();
}

IN_NODE(a_tag_that_is_never_delivered_is_freed)
{
        cop_pid p = cop_spawn(puppet);
        static uint8_t bytes[5000];
        cop_term tag = COP_LIST(cop_binary(bytes, sizeof(bytes)));
        ck_assert(cop_demonitor(watch_with_tag(cop_to_pid(p), tag)));
        watch_with_tag(cop_to_pid(cop_self()), tag); /* ends with this thread's visit */
        watch_with_tag(cop_to_pid(p), tag);
        cop_term deep = cop_nil();
        cop_term levels[COP_TERM_DEPTH_MAX + 2];
        for (size_t i = 0; i < COP__COUNT(levels); i++) {
                levels[i] = deep;
                deep = cop_tuple_of(&levels[i], 1);
        }
        cop_ref ref = { 7 };
        ck_assert_int_eq(cop_monitor_opt(p, &(cop_monitor_options){ .tag = deep }, &ref),
                         COP_E_TOO_DEEP);
        ck_assert_uint_eq(ref.bits, 7);
}

/* Each is read after all have come, and the memory of others has been used again. */
IN_NODE(MON_25_a_thousand_that_die_at_once_bear_their_tags)
{
        enum { COUNT = 1000 };
        static cop_pid pids[COUNT];
        static cop_message *downs[COUNT];
        for (int i = 0; i < COUNT; i++) {
                pids[i] = cop_spawn(puppet);
                watch_with_tag(cop_to_pid(pids[i]),
                               COP_TUPLE(cop_atom("tag"), COP_LIST(cop_int(i), cop_string("x")),
                                         cop_pid_term(pids[i])));
        }
        for (int i = 0; i < COUNT; i++)
                cop_send_exit(pids[i], COP_TUPLE(cop_atom("end"), cop_int(i)));
        for (int i = 0; i < COUNT; i++)
                downs[i] = await(COP_FIELD(cop_down, pid, pids[i]));
        use_memory();
        for (int i = 0; i < COUNT; i++) {
                const cop_down *down = cop_read(cop_down, downs[i]);
                cop_term tag = COP_TUPLE(cop_atom("tag"), COP_LIST(cop_int(i), cop_string("x")),
                                         cop_pid_term(pids[i]));
                ck_assert(cop_term_equal(down->tag, tag));
                ck_assert_int_eq(down->reason.as.items[1].as.integer, i);
                cop_message_free(downs[i]);
        }
        nothing_has_come();
}

/* ---- Many -------------------------------------------------------------------------------------- */

static void churns(void)
{
        for (;;)
                cop_send(cop_self(), saw), cop_message_free(cop_receive(0, COP_ANY));
}

IN_NODE(MON_23_a_name_is_free_when_the_down_has_come_however_busy_the_node_is)
{
        cop_pid busy[4];
        for (size_t i = 0; i < COP__COUNT(busy); i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = churns, .priority = COP_PRIORITY_MAX }, &busy[i]),
                                 COP_OK);
        int rounds = suite_is_slow() ? 20 : 100;
        for (int i = 0; i < rounds; i++) {
                cop_pid p;
                cop_ref ref;
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = puppet, .name = "one",
                                                                     .monitor = true,
                                                                     .monitor_ref = &ref }, &p),
                                 COP_OK);
                tell(p, DIE, .reason = cop_atom("frop"));
                await_down(ref, "frop");
                ck_assert_int_eq(cop_register("one", cop_self()), COP_OK);
                ck_assert_int_eq(cop_unregister("one"), COP_OK);
        }
        for (size_t i = 0; i < COP__COUNT(busy); i++)
                put_down(busy[i]);
}

IN_NODE(a_thousand_that_die_at_once_are_each_down_once_with_their_own_reason)
{
        enum { COUNT = 1000 };
        static cop_ref refs[COUNT];
        static cop_pid pids[COUNT];
        for (int i = 0; i < COUNT; i++) {
                pids[i] = cop_spawn(puppet);
                refs[i] = watch(pids[i]);
        }
        for (int i = 0; i < COUNT; i++)
                cop_send_exit(pids[i], COP_TUPLE(cop_atom("end"), cop_int(i)));
        for (int i = COUNT - 1; i >= 0; i--) {
                cop_auto message = await(COP_REF(cop_down, refs[i]));
                const cop_down *down = cop_read(cop_down, message);
                ck_assert(cop_pid_equal(down->pid, pids[i]));
                ck_assert_int_eq(down->reason.as.items[1].as.integer, i);
        }
        nothing_has_come();
}

IN_NODE(MON_27_a_large_reason_comes_to_each_of_a_hundred_monitors)
{
        enum { SIZE = 20000, MONITORS = 100 };
        static uint8_t bytes[SIZE];
        cop_ref refs[MONITORS];
        memset(bytes, 0x5a, SIZE);
        cop_term reason = COP_LIST(cop_binary(bytes, SIZE), cop_string("and more"), cop_int(1));
        cop_pid p = cop_spawn(puppet);
        for (int i = 0; i < MONITORS; i++)
                refs[i] = watch(p);
        tell(p, DIE, .reason = reason);
        for (int i = 0; i < MONITORS; i++) {
                cop_auto message = await(COP_REF(cop_down, refs[i]));
                ck_assert(cop_term_equal(cop_read(cop_down, message)->reason, reason));
        }
}

IN_NODE(MON_28_one_that_kills_its_monitor_and_exits_harms_nobody)
{
        for (int i = 0; i < 300; i++) {
                cop_pid a = cop_spawn(puppet), b = cop_spawn(puppet);
                tell(a, MONITOR, .pid = b);
                cop_ref end_a = watch(a), end_b = watch(b);
                order kill_a = { .what = SEND_EXIT, .pid = a, .reason = cop_atom("kill") };
                cop_send_value(cop_to_pid(b), COP_KIND_OF(order), &kill_a);
                tell(b, DIE, .reason = cop_atom("done"));
                await_down(end_a, "killed");
                await_down(end_b, "done");
                await_and_drop(COP_KIND(obeyed));
        }
}

/* More than the list holds: they are found through a table. */
IN_NODE(monitors_and_links_of_a_hundred_are_each_found_again)
{
        enum { COUNT = 100 };
        cop_pid pids[COUNT];
        cop_ref refs[COUNT];
        for (int i = 0; i < COUNT; i++) {
                pids[i] = cop_spawn(puppet);
                ck_assert_int_eq(cop_link(pids[i]), COP_OK);
                refs[i] = watch(pids[i]);
        }
        for (int i = 0; i < COUNT; i += 2) {
                cop_unlink(pids[i]);
                cop_demonitor(refs[(i + 1) % COUNT]);
        }
        for (int i = 0; i < COUNT; i++) {
                settle_with(pids[i]);
                tell(pids[i], DIE, .reason = cop_int(i));
        }
        for (int i = 0; i < COUNT; i++) {
                char reason[32];
                snprintf(reason, sizeof(reason), "%d", i);
                if (i % 2 == 0)
                        await_down(refs[i], reason);
                else
                        await_exited(pids[i], reason);
        }
        nothing_has_come();
}
