/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Exit signals, exit reasons, and the last words of servers. */
#include <string.h>

#include "tests/puppet.h"

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct last_words {
        cop_term reason;
} last_words;
COP_MESSAGE(last_words, reason);

static void send_exit(cop_pid pid, const char *reason)
{
        ck_assert_int_eq(cop_send_exit(pid, cop_atom(reason)), COP_OK);
}

/* ---- Signals from others ------------------------------------------------------------ */

IN_NODE(EXS_01_normal_from_another_is_ignored)
{
        cop_pid p = cop_spawn(puppet);
        send_exit(p, "normal");
        settle_with(p);
        ck_assert(cop_is_alive(p));
        put_down(p);
}

IN_NODE(EXS_02_normal_from_another_is_a_message_for_one_that_traps)
{
        cop_pid p = cop_spawn(puppet);
        tell(p, TRAP);
        send_exit(p, "normal");
        await_saw(p, cop_self(), "normal");
        settle_with(p);
        put_down(p);
}

IN_NODE(any_other_reason_ends_one_that_does_not_trap)
{
        cop_pid p = cop_spawn(puppet);
        cop_ref ref = watch(p);
        ck_assert_int_eq(cop_send_exit(p, COP_TUPLE(cop_atom("go"), cop_int(1))), COP_OK);
        await_down(ref, "{go, 1}");
}

IN_NODE(any_other_reason_is_a_message_for_one_that_traps)
{
        cop_pid p = cop_spawn(puppet);
        tell(p, TRAP);
        send_exit(p, "boom");
        await_saw(p, cop_self(), "boom");
        settle_with(p);
        put_down(p);
}

IN_NODE(EXS_06_kill_is_untrappable)
{
        cop_pid p = cop_spawn(puppet);
        tell(p, TRAP);
        cop_ref ref = watch(p);
        send_exit(p, "kill");
        await_down(ref, "killed");
        nothing_has_come();
}

IN_NODE(EXS_08_killed_is_trappable)
{
        cop_pid p = cop_spawn(puppet), q = cop_spawn(puppet);
        tell(q, TRAP);
        tell(q, LINK, .pid = p);
        settle_with(p);
        send_exit(p, "kill");
        await_saw(q, p, "killed");
        settle_with(q);
        put_down(q);
}

IN_NODE(EXS_09_killed_ends_the_linked)
{
        cop_pid p = cop_spawn(puppet), q = cop_spawn(puppet);
        tell(q, LINK, .pid = p);
        settle_with(p);
        cop_ref ref = watch(q);
        send_exit(p, "kill");
        await_down(ref, "killed");
}

static void dies_of_kill(void)
{
        cop_exit(cop_atom("kill"));
}

IN_NODE(kill_that_comes_along_a_link_can_be_trapped)
{
        cop_pid q = cop_spawn(puppet);
        tell(q, TRAP);
        cop_pid p = tell(q, SPAWN_LINKED).pid;
        tell(p, DIE, .reason = cop_atom("kill"));
        await_saw(q, p, "kill");
        put_down(q);
        cop_pid mine;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = dies_of_kill, .link = true },
                                       &mine), COP_OK);
        await_exited(mine, "kill");
}

IN_NODE(EXS_13_the_first_of_two_exit_signals_is_the_reason)
{
        for (int i = 0; i < 200; i++) {
                cop_pid p = cop_spawn(puppet);
                cop_ref ref = watch(p);
                send_exit(p, "first");
                send_exit(p, "second");
                await_down(ref, "first");
        }
}

/* Both are there when it looks: the first has ended it already. */
IN_NODE_WITH(EXS_13_a_kill_that_comes_second_is_not_the_reason, .workers = 1)
{
        for (int i = 0; i < 200; i++) {
                cop_pid p = cop_spawn(puppet);
                cop_ref ref = watch(p);
                send_exit(p, "first");
                send_exit(p, "kill");
                await_down(ref, "first");
        }
}

IN_NODE(EXS_14_a_signal_to_the_dead_has_no_effect)
{
        cop_pid p = cop_spawn(puppet);
        put_down(p);
        send_exit(p, "boom");
        ck_assert_int_eq(cop_send_exit(cop_no_pid(), cop_atom("boom")), COP_E_BAD_ARGUMENT);
}

IN_NODE(EXS_19_setting_the_trap_tells_what_it_was)
{
        cop_pid p = cop_spawn(puppet);
        ck_assert_int_eq(tell(p, TRAP).value, false);
        ck_assert_int_eq(tell(p, TRAP).value, true);
        ck_assert_str_eq(info_of(p, "trap_exit"), "true");
        ck_assert_int_eq(tell(p, UNTRAP).value, true);
        ck_assert_int_eq(tell(p, UNTRAP).value, false);
        put_down(p);
}

/* ---- Signals to oneself ------------------------------------------------------------------ */

static void sends_itself_normal_and_lives(void)
{
        cop_trap_exit(true);
        cop_send_exit(cop_self(), cop_atom("normal"));
        cop_auto message = cop_receive(0, COP_KIND(cop_exited));
        const cop_exited *exited = cop_read(cop_exited, message);
        cop_exit(cop_atom(exited != NULL && cop_pid_equal(exited->pid, cop_self()) &&
                                          cop_is_atom(exited->reason, "normal")
                                  ? "got_it"
                                  : "got_nothing"));
}

static void sends_itself_normal(void)
{
        cop_send_exit(cop_self(), cop_atom("normal"));
        cop_exit(cop_atom("still_here"));
}

static void sends_itself_die(void)
{
        cop_send_exit(cop_self(), cop_atom("die"));
        cop_exit(cop_atom("still_here"));
}

static void sends_itself_kill(void)
{
        cop_trap_exit(true);
        cop_send_exit(cop_self(), cop_atom("kill"));
        cop_exit(cop_atom("still_here"));
}

static void ends_with(void (*run)(void), const char *reason)
{
        cop_ref ref = spawn_watched(.run = run);
        await_down(ref, reason);
}

IN_NODE(EXS_04_normal_to_oneself_is_a_message_when_trapped)
{
        ends_with(sends_itself_normal_and_lives, "got_it");
        ends_with(sends_itself_normal, "normal");
}

IN_NODE(EXS_05_an_exit_signal_to_oneself_takes_effect_at_once)
{
        ends_with(sends_itself_die, "die");
}

IN_NODE(EXS_07_kill_to_oneself_is_untrappable_too)
{
        ends_with(sends_itself_kill, "killed");
}

/* ---- When ------------------------------------------------------------------------------------ */

static void waits_with_a_timeout(void)
{
        cop_message_free(cop_receive(2, COP_KIND(go)));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(EXS_20_an_exit_during_a_wait_with_a_timeout_wins_and_the_timeout_harms_nobody)
{
        for (int i = 0; i < 300; i++) {
                cop_pid p = cop_spawn(waits_with_a_timeout);
                cop_ref ref = watch(p);
                if (i % 2 == 0)
                        settle_with(p);
                send_exit(p, "stop");
                await_down(ref, "stop");
        }
        cop_sleep(5); /* the time-outs of the dead */
        ends_with(sends_itself_die, "die");
}

static void works_without_receiving(void)
{
        cop_send(cop_parent(), go);
        for (;;)
                cop_yield();
}

IN_NODE(EXS_25_one_that_runs_without_receiving_ends_at_its_next_safe_point)
{
        cop_pid p = cop_spawn(works_without_receiving);
        await_and_drop(COP_KIND(go));
        cop_ref ref = watch(p);
        send_exit(p, "enough");
        await_down(ref, "enough");
}

static void sends_without_end(const go *g)
{
        (void)g;
        for (;;)
                cop_send(cop_parent(), go);
}

IN_NODE(EXS_25_sending_is_a_safe_point)
{
        cop_pid p = cop_spawn_with(sends_without_end, go, .unused = 0);
        await_and_drop(COP_KIND(go));
        cop_ref ref = watch(p);
        send_exit(p, "enough");
        for (;;) {
                cop_auto message = await(COP_ANY);
                const cop_down *down = cop_read(cop_down, message);
                if (down == NULL)
                        continue;
                ck_assert(cop_ref_equal(down->ref, ref));
                ck_assert_str_eq(text_of(down->reason), "enough");
                break;
        }
}

typedef struct crowd {
        cop_pids members;
        int64_t count;
} crowd;
COP_MESSAGE(crowd, members, count);

static void sends_to_a_crowd(const crowd *c)
{
        for (int64_t i = 0; i < c->count; i++)
                cop_send(c->members.items[(size_t)i % c->members.count], go);
}

static void takes_all_until_told(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(EXS_26_of_100_that_die_while_thousands_of_messages_come_each_is_told_of_once)
{
        enum { MEMBERS = 100, SENDERS = 4 };
        static cop_pid members[MEMBERS];
        static cop_ref refs[MEMBERS];
        cop_ref senders[SENDERS];
        for (int i = 0; i < MEMBERS; i++) {
                members[i] = cop_spawn(takes_all_until_told);
                refs[i] = watch(members[i]);
        }
        for (int i = 0; i < SENDERS; i++)
                senders[i] = spawn_watched(RUN_WITH(sends_to_a_crowd, crowd,
                                                  .members = { members, MEMBERS }, .count = 20000));
        for (int i = 0; i < MEMBERS; i++)
                ck_assert_int_eq(cop_send_exit(members[i], cop_int(i)), COP_OK);
        for (int i = 0; i < MEMBERS; i++) {
                cop_auto message = await(COP_REF(cop_down, refs[i]));
                ck_assert_int_eq(cop_read(cop_down, message)->reason.as.integer, i);
        }
        for (int i = 0; i < SENDERS; i++)
                await_and_drop(COP_REF(cop_down, senders[i]));
        nothing_has_come();
}

/* ---- Along links --------------------------------------------------------------------------------- */

IN_NODE(EXS_21_a_normal_end_does_not_end_the_linked)
{
        cop_pid b = cop_spawn(puppet);
        cop_pid a = tell(b, SPAWN_LINKED).pid;
        cop_ref ref = watch(a);
        tell(a, DIE, .reason = cop_atom("normal"));
        await_down(ref, "normal");
        settle_with(b);
        ck_assert_str_eq(info_of(b, "links"), "[]");
        put_down(b);
}

IN_NODE(EXS_22_a_normal_end_is_a_message_for_one_that_traps)
{
        cop_pid b = cop_spawn(puppet);
        tell(b, TRAP);
        cop_pid a = tell(b, SPAWN_LINKED).pid;
        tell(a, DIE, .reason = cop_atom("normal"));
        await_saw(b, a, "normal");
        put_down(b);
}

IN_NODE(EXS_23_a_reason_goes_along_a_chain_unchanged)
{
        cop_pid a = cop_spawn(puppet), b = cop_spawn(puppet), c = cop_spawn(puppet);
        tell(a, LINK, .pid = b);
        tell(b, LINK, .pid = c);
        settle_with(c);
        ck_assert_int_eq(cop_link(a), COP_OK);
        settle_with(a);
        cop_ref ref = watch(a);
        tell(c, DIE, .reason = cop_atom("deep"));
        await_exited(a, "deep");
        await_down(ref, "deep");
}

static void waits_for_less_than_nothing(void)
{
        cop_message_free(cop_receive(-1, COP_ANY));
}

IN_NODE(EXS_24_a_bad_argument_ends_the_caller_with_badarg_and_where)
{
        cop_pid p;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits_for_less_than_nothing,
                                                             .link = true }, &p), COP_OK);
        cop_auto message = await(COP_KIND(cop_exited));
        cop_term reason = cop_read(cop_exited, message)->reason;
        ck_assert(cop_is_tuple(reason, "badarg", 2));
        ck_assert(cop_is_tuple(reason.as.items[1], "receive", 2));
}

IN_NODE(SPN_28_a_reason_of_128_KB_arrives_whole_both_ways)
{
        enum { SIZE = 128 * 1024 };
        static uint8_t bytes[SIZE];
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = (uint8_t)(i * 31 + i / 256);
        cop_term reason = COP_TUPLE(cop_atom("large"), cop_binary(bytes, SIZE));
        for (int way = 0; way < 2; way++) {
                cop_pid p = cop_spawn(puppet);
                cop_ref ref = watch(p);
                ck_assert_int_eq(cop_link(p), COP_OK);
                settle_with(p);
                if (way == 0)
                        tell(p, DIE, .reason = reason);
                else
                        ck_assert_int_eq(cop_send_exit(p, reason), COP_OK);
                cop_auto exited = await(COP_KIND(cop_exited));
                cop_auto down = await(COP_REF(cop_down, ref));
                ck_assert(cop_term_equal(cop_read(cop_exited, exited)->reason, reason));
                ck_assert(cop_term_equal(cop_read(cop_down, down)->reason, reason));
        }
}

/* ---- Last words ---------------------------------------------------------------------------------- */

typedef struct speaker {
        cop_pid parent;
        int64_t traps, waits, fails, obeys;
} speaker;
COP_MESSAGE(speaker, parent, traps, waits, fails, obeys);

static void speaker_init(speaker *self, const speaker *with)
{
        *self = *with;
        cop_trap_exit(self->traps);
}

static void speaker_on_go(speaker *self, const go *g)
{
        (void)self;
        (void)g;
        cop_exit(COP_TUPLE(cop_atom("stop"), cop_int(3)));
}

static void speaker_terminate(speaker *self, cop_term reason)
{
        cop_send(self->parent, last_words, .reason = reason);
        if (self->waits)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(last_words)));
        if (self->fails)
                cop_exit(cop_atom("again"));
}

COP_SERVER(speaker, COP_INIT_WITH(speaker, speaker_init), COP_ON(go, speaker_on_go),
           COP_TERMINATE(speaker_terminate));

static cop_pid new_speaker(speaker with, cop_ref *ref)
{
        cop_pid pid;
        with.parent = cop_self();
        cop_spawn_options options = { .server = &speaker_server, .kind = COP_KIND_OF(speaker),
                                      .argument = &with, .monitor = true, .monitor_ref = ref,
                                      .link = with.obeys };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        return pid;
}

static void await_last_words(const char *reason)
{
        cop_auto message = await(COP_KIND(last_words));
        ck_assert_str_eq(text_of(cop_read(last_words, message)->reason), reason);
}

IN_NODE(an_exit_in_a_handler_runs_terminate_with_its_reason)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ 0 }, &ref);
        cop_send(p, go);
        await_last_words("{stop, 3}");
        await_down(ref, "{stop, 3}");
}

IN_NODE(an_exit_in_terminate_is_the_last_word_and_runs_no_second_terminate)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ .fails = true }, &ref);
        cop_send(p, go);
        await_last_words("{stop, 3}");
        await_down(ref, "again");
        nothing_has_come();
}

IN_NODE(GSV_life_20_an_exit_signal_to_one_that_does_not_trap_runs_no_terminate)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ 0 }, &ref);
        send_exit(p, "shutdown");
        await_down(ref, "shutdown");
        nothing_has_come();
}

IN_NODE(one_that_traps_is_ended_by_its_parents_signal_with_terminate)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ .traps = true, .obeys = true }, &ref);
        send_exit(p, "shutdown");
        await_last_words("shutdown");
        await_down(ref, "shutdown");
}

IN_NODE(GSV_life_25_one_that_traps_lives_on_after_a_strangers_signal)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ .traps = true }, &ref), stranger = cop_spawn(puppet);
        tell(stranger, SEND_EXIT, .pid = p, .reason = cop_atom("shutdown"));
        settle_with(p);
        nothing_has_come();
        put_down(p);
        await_down(ref, "killed");
        put_down(stranger);
}

IN_NODE(EXS_06_kill_ends_even_a_terminate_that_waits_for_ever)
{
        cop_ref ref;
        cop_pid p = new_speaker((speaker){ .traps = true, .waits = true, .obeys = true }, &ref);
        send_exit(p, "shutdown");
        await_last_words("shutdown");
        send_exit(p, "kill");
        await_down(ref, "killed");
}

TEST(a_node_stops_with_an_actor_whose_terminate_waits_for_ever)
{
        cop_ref ref;
        cop_node *node = node_begin((cop_node_options){ 0 });
        cop_pid p = new_speaker((speaker){ .waits = true }, &ref);
        cop_send(p, go);
        await_last_words("{stop, 3}");
        node_end(node);
}
