/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What can be known of an actor from outside, what it says itself, and what it says it is. */
#include <string.h>

#include "tests/node_fixture.h"

typedef struct go {
        int64_t number;
        cop_pid pid;
} go;
COP_MESSAGE(go, number, pid);

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static cop_process look(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process;
}

static uint32_t flag, has_looked; /* atomic */

/* Simulated, others go on only when it gives way. */
static void stays_at_it(void)
{
        if (suite_seed() >= 0)
                cop_yield();
        else
                cop__spin_pause();
}

typedef struct clerk {
        int64_t unused;
} clerk;
static void clerk_on_go(clerk *self, const go *g)
{
        (void)self;
        if (g->number == 1) {
                cop__store_release(&flag, 1);
                while (cop__load_acquire(&flag) != 2)
                        stays_at_it();
        }
        if (g->number == 2)
                cop_sleep(COP_FOREVER);
        if (g->number == 3) {
                cop__store_release(&flag, 1);
                stay_until(&has_looked);
        }
}
COP_SERVER(clerk, COP_ON(go, clerk_on_go));

/* ---- From outside --------------------------------------------------------------------------- */

IN_NODE(SPN_12_of_the_dead_nothing_is_known_and_nobody_is_a_bad_argument)
{
        cop_process process;
        cop_term info;
        memset(&process, 0x55, sizeof(process));
        const cop_process before = process;
        cop_pid pid = cop_spawn(waits);
        put_down(pid);
        ck_assert_int_eq(cop_process_info(pid, &process), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_process_info(cop_no_pid(), &process), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_process_info(cop_self(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_process_ask(pid, PATIENCE_MS, &info), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_process_ask(cop_no_pid(), PATIENCE_MS, &info), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_process_ask(cop_self(), PATIENCE_MS, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_mem_eq(&process, &before, sizeof(process)); /* untouched on failure */
}

TEST(SPN_12_outside_a_node_nothing_is_known)
{
        cop_process process;
        cop_term info;
        ck_assert_int_eq(cop_process_info(cop_no_pid(), &process), COP_E_NO_NODE);
        ck_assert_int_eq(cop_process_ask(cop_no_pid(), 0, &info), COP_E_NO_NODE);
        ck_assert_int_eq(cop_set_label("nobody"), COP_E_NO_NODE);
        ck_assert_int_eq(cop_set_label_term(cop_atom("nobody")), COP_E_NO_NODE);
        ck_assert_uint_eq(cop_processes(NULL, 0), 0);
}

IN_NODE(SPN_13_of_three_messages_that_nobody_receives_three_are_counted)
{
        cop_pid pid = cop_spawn(waits);
        for (int i = 0; i < 3; i++)
                cop_send(pid, go, .number = i);
        settle_with(pid); /* until it has begun its birth is a signal that waits, too */
        ck_assert_uint_eq(look(pid).unread, 3);
        put_down(pid);
}

IN_NODE(SPN_13_a_huge_mailbox_is_counted_at_once)
{
        enum { COUNT = 15000 };
        cop__store_release(&flag, 0);
        cop_pid pid = cop_spawn_server(&clerk_server, NULL);
        cop_send(pid, go, .number = 1);
        await_true(cop__load_acquire(&flag) == 1);
        for (int i = 0; i < COUNT; i++)
                cop_send(pid, go);
        cop_process process = look(pid);
        ck_assert_uint_eq(process.unread, COUNT);
        ck_assert_uint_eq(process.handled, 0);
        cop__store_release(&flag, 2);
        await_true(look(pid).handled == COUNT + 1);
        await_true(look(pid).unread == 0); /* the last one has been handled, and is let go of */
        put_down(pid);
}

static cop_process looked_at;

/* While it is in the middle of a handler. */
static void looks(const go *g)
{
        while (cop__load_acquire(&flag) == 0)
                cop_yield();
        cop_status status = cop_process_info(g->pid, &looked_at);
        cop__store_release(&has_looked, 1);
        if (status != COP_OK)
                cop_exit(cop_atom("no_actor"));
}

IN_NODE_WITH(SPN_15_one_that_is_in_a_handler_and_receives_nothing_is_looked_at, .workers = 2)
{
        char where[64];
        cop_pid pid;
        const cop_spawn_options options = { .server = &clerk_server, .name = "ann", .label = "a busy one" };
        cop__store_release(&flag, 0);
        cop__store_release(&has_looked, 0);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_ref ref = spawn_watched(RUN_WITH(looks, go, .pid = pid));
        cop_send("ann", go, .number = 3);
        await_down(ref, "normal");
        cop_process process = looked_at;
        ck_assert(cop_pid_equal(process.pid, pid));
        ck_assert(cop_pid_equal(process.parent, cop_self()));
        ck_assert_str_eq(process.server, "clerk");
        ck_assert_str_eq(process.name, "ann");
        ck_assert_str_eq(process.label, "a busy one");
        ck_assert_int_eq(process.status, COP_PROCESS_RUNNING);
        ck_assert_int_eq(process.priority, COP_PRIORITY_NORMAL);
        ck_assert_int_eq(process.isolation, COP_ISOLATION_GUARDED);
        ck_assert_str_eq(process.handling, "go");
        ck_assert_str_eq(cop_process_where(&process, where, sizeof(where)), "clerk_on_go");
        ck_assert_str_eq(cop_process_where(&process, where, 6), "clerk");
        put_down(pid);
}

static void yields_for_ever(void)
{
        for (;;)
                cop_yield();
}

IN_NODE(SPN_15_one_that_never_receives_says_what_it_knows)
{
        cop_term info;
        cop_pid pid = cop_spawn(yields_for_ever);
        ck_assert_int_eq(cop_process_ask(pid, PATIENCE_MS, &info), COP_OK);
        ck_assert_str_eq(text_of(*cop_map_get(info, cop_atom("parent"))),
                         text_of(cop_pid_term(cop_self())));
        cop_term_free(info);
        ck_assert_int_eq(look(pid).status, COP_PROCESS_RUNNING);
        put_down(pid);
}

IN_NODE(who_is_blocked_in_a_handler_waits_and_holds_a_stack)
{
        cop_pid pid = cop_spawn_server(&clerk_server, NULL);
        cop_send(pid, go, .number = 2);
        /* It has the stack a moment before it is asleep. */
        cop_process process;
        await_true((process = look(pid)).stack_bytes > 0 && process.status == COP_PROCESS_WAITING);
        ck_assert_ptr_null(process.handling);
        ck_assert_uint_gt(process.memory, process.stack_bytes + sizeof(clerk));
        put_down(pid);
}

static void traps(void)
{
        cop_trap_exit(true);
        cop_send(cop_parent(), go);
        waits();
}

IN_NODE(links_and_monitors_are_counted_and_trapping_is_seen)
{
        cop_pid pid = cop_spawn(traps);
        await_and_drop(COP_KIND(go));
        ck_assert(look(pid).trap_exit);
        ck_assert_uint_eq(look(pid).relations, 0);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        settle_with(pid);
        ck_assert_uint_eq(look(pid).relations, 2);
        cop_demonitor(ref);
        cop_unlink(pid);
        settle_with(pid);
        ck_assert_uint_eq(look(pid).relations, 0);
        put_down(pid);
}

IN_NODE(a_visitor_can_be_looked_at_and_asks_itself)
{
        cop_term info;
        cop_pid pid = cop_spawn(waits);
        cop_ref ref = watch(pid);
        cop_process process = look(cop_self());
        ck_assert_int_eq(process.status, COP_PROCESS_VISITING);
        ck_assert_ptr_null(process.server);
        ck_assert_uint_eq(process.relations, 1);
        ck_assert_int_eq(cop_process_ask(cop_self(), 0, &info), COP_OK);
        ck_assert_str_eq(text_of(*cop_map_get(info, cop_atom("monitors"))),
                         text_of(COP_LIST(cop_pid_term(pid))));
        ck_assert_str_eq(text_of(*cop_map_get(info, cop_atom("priority"))), "normal");
        cop_term_free(info);
        put_down(pid);
        await_down(ref, "killed");
}

/* Looked at while they are born and die: whoever is seen is one and not two. */
static void spawns_short_lives(void)
{
        for (;;)
                cop_spawn_opt(&(cop_spawn_options){ .run = cop_yield, .name = "short" }, &(cop_pid){ 0 });
}

IN_NODE(who_is_seen_is_never_a_mixture_of_two)
{
        NEEDS_THREADS();
        cop_pid spawner = cop_spawn(spawns_short_lives);
        int seen = 0;
        await_true(look(spawner).status == COP_PROCESS_RUNNING);
        for (int i = 0; i < 20000 || seen == 0; i++) {
                cop_process process;
                cop_pid pid = cop_whereis("short");
                if (pid.bits == 0 || cop_process_info(pid, &process) != COP_OK)
                        continue;
                ck_assert(cop_pid_equal(process.parent, spawner));
                ck_assert(process.name[0] == '\0' || strcmp(process.name, "short") == 0);
                ck_assert_uint_eq(process.relations, 0);
                seen++;
        }
        put_down(spawner);
}

/* ---- All of them -------------------------------------------------------------------------------- */

IN_NODE(all_that_live_are_listed)
{
        enum { COUNT = 50 };
        cop_pid pids[COUNT], listed[COUNT + 1];
        for (int i = 0; i < COUNT; i++)
                pids[i] = cop_spawn(waits);
        ck_assert_uint_eq(cop_processes(listed, COUNT + 1), COUNT + 1); /* and this visitor */
        for (int i = 0; i < COUNT; i++) {
                bool found = false;
                for (int at = 0; at <= COUNT; at++)
                        found |= cop_pid_equal(pids[i], listed[at]);
                ck_assert(found);
        }
        listed[10] = cop_no_pid();
        ck_assert_uint_eq(cop_processes(listed, 10), COUNT + 1);
        ck_assert_uint_eq(listed[10].bits, 0);
        for (int i = 0; i < COUNT; i++)
                put_down(pids[i]);
        ck_assert_uint_eq(cop_processes(NULL, 0), 1);
}

/* ---- Labels ---------------------------------------------------------------------------------------- */

static void labels_itself(void)
{
        cop_set_label("first");
        cop_set_label_term(COP_TUPLE(cop_atom("worker"), cop_int(7)));
        cop_send(cop_parent(), go);
        waits();
}

IN_NODE(an_actor_labels_itself_with_text_or_a_term)
{
        cop_pid pid = cop_spawn(labels_itself);
        await_and_drop(COP_KIND(go));
        ck_assert_str_eq(look(pid).label, "{worker, 7}");
        ck_assert_str_eq(info_of(pid, "label"), "\"{worker, 7}\"");
        ck_assert_str_eq(look(pid).name, "");
        put_down(pid);
}

IN_NODE(a_label_can_be_taken_away_and_many_have_the_same)
{
        cop_pid first, second;
        const cop_spawn_options options = { .run = waits, .label = "twin" };
        ck_assert_int_eq(cop_spawn_opt(&options, &first), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&options, &second), COP_OK);
        ck_assert_str_eq(look(first).label, "twin");
        ck_assert_str_eq(look(second).label, "twin");
        ck_assert_int_eq(cop_set_label("twin"), COP_OK);
        ck_assert_str_eq(look(cop_self()).label, "twin");
        ck_assert_int_eq(cop_set_label(NULL), COP_OK);
        ck_assert_str_eq(look(cop_self()).label, "");
        put_down(first);
        put_down(second);
}

IN_NODE(a_label_ends_with_its_actor)
{
        for (int i = 0; i < 200; i++) {
                cop_pid pid;
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .label = "old" }, &pid),
                                 COP_OK);
                put_down(pid);
                pid = cop_spawn(waits);
                ck_assert_str_eq(look(pid).label, "");
                put_down(pid);
        }
        ck_assert_uint_eq(node->labels.table.count, 0);
}

IN_NODE(a_label_is_cut_between_characters_and_cannot_move_a_terminal)
{
        static const char long_label[] = "0123456789012345678901234567890123456789"
                                         "0123456789012345678901\xc3\xa4";
        ck_assert_int_eq(cop_set_label(long_label), COP_OK);
        ck_assert_uint_eq(strlen(look(cop_self()).label), COP_LABEL_MAX - 1);
        ck_assert_int_eq(cop_set_label("a\x1b[2Jb\nc\x7f\xc3\xa4\xc2\x9b"), COP_OK);
        ck_assert_str_eq(look(cop_self()).label, "a?[2Jb?c?\xc3\xa4??");
        ck_assert_int_eq(cop_set_label("\x9b" "2J"), COP_OK);
        ck_assert_str_eq(look(cop_self()).label, "?2J");
}

static void gives_up(void)
{
        cop_exit(cop_atom("bad_day"));
}

IN_NODE(a_crash_report_calls_an_actor_by_its_label_if_it_has_no_name)
{
        struct cop__report report;
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = gives_up, .label = "gate 7" }, &pid),
                         COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.who, "gate 7");
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = gives_up, .label = "gate 8",
                                                             .name = "gate" }, &pid), COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.who, "gate");
}
