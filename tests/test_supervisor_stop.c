/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How supervisors stop their children, and cop_shutdown. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

IN_FAMILY(SUP_stop_01_a_child_that_obeys_ends_with_shutdown)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_ref ref = watch(cop_whereis("a"));
        fell(root);
        await_down(ref, "shutdown");
}

static void fells(const ping *root)
{
        cop_shutdown((cop_pid){ (uint64_t)root->number }, COP_SHUTDOWN_INFINITY);
        say("fell", "it", "");
}

IN_FAMILY(a_child_whose_start_fails_while_another_is_being_stopped_is_not_started_again)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a"), WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 100 }))));
        cop_pid root = grow_and_expect(&shop, "ab");
        let("a", HANGS);
        crash("a");
        expect("end a boom");
        cop_pid a = expect("hang a");
        cop_spawn_with(fells, ping, .number = (int64_t)root.bits);
        expect("end b shutdown");
        put_down(a);
        expect("done b");
        expect("fell it");
        ck_assert_uint_eq(tries_of("a"), 2);
}

/* Two children, of which the second ignores shutdown for ever. */
#define OBSTINATE(...)                              \
        COP_CHILDREN(WORKER("a"), WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 1000000 }), \
                                              __VA_ARGS__))

IN_FAMILY(SUP_stop_02_a_child_that_ignores_shutdown_is_killed_after_its_time)
{
        TREE(shop, .children = OBSTINATE(.shutdown_ms = 60));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_ref ref = watch(cop_whereis("b"));
        uint64_t before_ns = cop__clock_ns();
        fell(root);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 60 * COP__NS_PER_MS);
        await_down(ref, "killed");
        expect_end("ba");
}

IN_FAMILY(SUP_stop_03_at_once_asks_and_kills_in_one_breath)
{
        TREE(shop, .children = OBSTINATE(.shutdown_ms = COP_SHUTDOWN_AT_ONCE));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_ref ref = watch(cop_whereis("b"));
        fell(root);
        await_down(ref, "killed");
        /* Who traps no exits dies of the first of the two signals. */
        TREE(meek_shop, .children = COP_CHILDREN({ .id = "x", .run = waits, .shutdown_ms = COP_SHUTDOWN_AT_ONCE }));
        root = grow(&meek_shop);
        ref = watch(cop_whereis("x"));
        fell(root);
        await_down(ref, "shutdown");
}

IN_FAMILY(SUP_stop_04_brutal_kill_does_not_ask)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a", .shutdown_ms = COP_BRUTAL_KILL)));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_ref ref = watch(cop_whereis("a"));
        fell(root);
        await_down(ref, "killed");
        nothing_has_come(); /* no word of a terminate */
}

IN_FAMILY(SUP_stop_04_who_would_die_of_shutdown_dies_of_the_kill)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .run = waits, .shutdown_ms = COP_BRUTAL_KILL }));
        cop_pid root = grow(&shop);
        cop_ref ref = watch(cop_whereis("x"));
        ck_assert_int_eq(cop_terminate_child(root, "x"), COP_OK);
        await_down(ref, "killed");
        fell(root);
        cop_pid alone = cop_spawn(waits);
        ref = watch(alone);
        ck_assert_int_eq(cop_shutdown(alone, COP_BRUTAL_KILL), COP_OK);
        await_down(ref, "killed");
}

IN_SIMULATED_FAMILY(SUP_stop_03_at_once_gives_no_time)
{
        TREE(shop, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = HOUR_MS }),
                                                        .shutdown_ms = COP_SHUTDOWN_AT_ONCE)));
        cop_pid root = grow_and_expect(&shop, "a");
        int64_t before_ms = simulation_of(node).passed_ms;
        fell(root);
        ck_assert_int_le(simulation_of(node).passed_ms - before_ms, 2);
        cop_message_free(cop_receive(0, COP_KIND(word))); /* that it ends, if it came so far */
}

IN_SIMULATED_FAMILY(SUP_stop_05_infinity_waits_as_long_as_it_takes)
{
        const cop_child slow[] = { WORKER_WITH("a", ((job){ .id = "a", .stop_ms = HOUR_MS }),
                                               .shutdown_ms = COP_SHUTDOWN_INFINITY),
                                   WORKER_WITH("b", ((job){ .id = "b", .stop_ms = HOUR_MS }),
                                               .shutdown_ms = COP_SHUTDOWN_INFINITY) };
        const cop_supervisor desk = { .children = COP_CHILDREN(slow[1]) };
        TREE(shop, .children = COP_CHILDREN(slow[0], { .id = "desk", .supervisor = &desk })); /* its default */
        cop_pid root = grow_and_expect(&shop, "ab");
        int64_t before_ms = simulation_of(node).passed_ms;
        fell(root);
        ck_assert_int_ge(simulation_of(node).passed_ms - before_ms, 2 * HOUR_MS);
        expect("end b shutdown");
        expect("done b");
        expect("end a shutdown");
        expect("done a");
}

IN_FAMILY(SUP_stop_06_a_child_that_traps_no_exits_dies_with_shutdown_at_once)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .run = waits }));
        cop_pid root = grow(&shop);
        cop_ref ref = watch(cop_whereis("x"));
        fell(root);
        await_down(ref, "shutdown");
}

IN_FAMILY(SUP_stop_07_the_times_of_children_that_need_some_add_up)
{
        TREE(shop, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 30 })),
                                            WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 30 })),
                                            WORKER_WITH("c", ((job){ .id = "c", .stop_ms = 30 }))));
        cop_pid root = grow_and_expect(&shop, "abc");
        uint64_t before_ns = cop__clock_ns();
        fell(root);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 90 * COP__NS_PER_MS);
}

/* "a", which crashes, and two that are stopped for it, "c" first: it takes two thirds of an hour for that, and "b" so long. */
#define GROUP(b_stop_ms, b_shutdown_ms)                                                                 \
        COP_CHILDREN(WORKER("a"),                                                                       \
                     WORKER_WITH("b", ((job){ .id = "b", .stop_ms = b_stop_ms }), .shutdown_ms = b_shutdown_ms), \
                     WORKER_WITH("c", ((job){ .id = "c", .stop_ms = HOUR_MS / 3 * 2 }), .shutdown_ms = HOUR_MS))

/* Hours of its own may pass until then. */
static void expect_in_time(const char *text)
{
        cop_auto message = cop_receive(24 * HOUR_MS, COP_KIND(word));
        ck_assert_msg(message != NULL, "%s: never", text);
        ck_assert_str_eq(cop_read(word, message)->text.data, text);
}

static cop_pid crash_in_group(const cop_supervisor *shop)
{
        cop_pid root = grow_and_expect(shop, "abc");
        crash("a");
        expect("end a boom");
        expect("end c shutdown");
        expect_in_time("done c");
        expect("end b shutdown");
        return root;
}

static void expect_starts(void)
{
        expect("start a");
        expect("start b");
        expect("start c");
}

/* "b" is being stopped; an hour from now its time is over. */
static void expect_kill_in_an_hour(cop_node *node, cop_pid to_fell)
{
        cop_ref ref = watch(cop_whereis("b"));
        int64_t before_ms = simulation_of(node).passed_ms;
        if (to_fell.bits != 0)
                fell(to_fell);
        cop_auto message = cop_receive(24 * HOUR_MS, COP_REF(cop_down, ref));
        int64_t passed_ms = simulation_of(node).passed_ms - before_ms;
        ck_assert_msg(message != NULL, "it never ends");
        ck_assert_str_eq(text_of(cop_read(cop_down, message)->reason), "killed");
        ck_assert_int_ge(passed_ms, HOUR_MS - 1000);
        ck_assert_int_lt(passed_ms, HOUR_MS + 1000);
}

IN_SIMULATED_FAMILY(each_of_a_group_has_all_its_time_to_stop_however_long_those_before_it_took)
{
        TREE(shop, .strategy = COP_ONE_FOR_ALL, .children = GROUP(HOUR_MS / 3 * 2, HOUR_MS));
        cop_pid root = crash_in_group(&shop);
        expect_in_time("done b");
        expect_starts();
        cop_send_exit(root, cop_atom("kill"));
}

IN_SIMULATED_FAMILY(who_of_a_group_takes_longer_is_killed_when_its_own_time_is_over)
{
        TREE(shop, .strategy = COP_ONE_FOR_ALL, .children = GROUP(10 * HOUR_MS, HOUR_MS));
        cop_pid root = crash_in_group(&shop);
        expect_kill_in_an_hour(node, cop_no_pid());
        expect_starts();
        cop_send_exit(root, cop_atom("kill"));
}

IN_SIMULATED_FAMILY(who_of_a_group_has_time_without_end_is_not_killed_when_anothers_would_be_over)
{
        TREE(shop, .strategy = COP_ONE_FOR_ALL, .children = GROUP(10 * HOUR_MS, COP_SHUTDOWN_INFINITY));
        cop_pid root = crash_in_group(&shop);
        expect_in_time("done b");
        expect_starts();
        cop_send_exit(root, cop_atom("kill"));
}

IN_SIMULATED_FAMILY(who_is_being_stopped_with_its_group_is_killed_in_time_also_when_the_supervisor_ends)
{
        TREE(shop, .strategy = COP_ONE_FOR_ALL, .children = GROUP(10 * HOUR_MS, HOUR_MS));
        expect_kill_in_an_hour(node, crash_in_group(&shop));
}

IN_FAMILY(SUP_stop_13_a_child_that_undid_its_link_is_not_missed)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a"), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_pid a = cop_whereis("a");
        cop_send(a, leave_home, .unused = 0);
        expect("left a");
        crash("a");
        expect("end a boom");
        expect_silence(root);
        char pid[COP_ID_TEXT_MAX];
        ck_assert_str_eq(ask_child(root, "a", "pid"), cop_pid_print(a, pid));
        fell(root); /* and does not wait for it */
        expect_end("b");
}

IN_FAMILY(a_child_that_undid_its_link_is_stopped_all_the_same)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_ref ref = watch(cop_whereis("a"));
        cop_send("a", leave_home, .unused = 0);
        expect("left a");
        fell(root);
        await_down(ref, "shutdown");
}

/* Links that its supervisor has not asked for, made before it is stopped and while it is, when the end is told by another way. */
IN_FAMILY(a_child_that_links_to_its_supervisor_again_is_stopped_and_started_as_ever)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = COP_CHILDREN(WORKER("a"), WORKER("b"), WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "abc");
        for (int i = 0; i < 3; i++) {
                cop_send("b", leave_home, .unused = 0);
                expect("left b");
                cop_send("b", come_home, .at_the_end = i > 0);
                expect("home b");
                crash("a");
                expect("end a boom");
                expect("end c shutdown");
                expect("end b shutdown");
                expect_start("abc");
        }
        expect_silence(root);
        fell(root);
        expect_end("cba");
}

IN_FAMILY(SUP_stop_14_a_supervisor_that_is_killed_takes_its_children_along)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), { .id = "x", .run = waits }));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_ref a = watch(cop_whereis("a")), x = watch(cop_whereis("x"));
        put_down(root);
        await_down(x, "killed");
        await_down(a, "killed");
        expect("end a killed"); /* its terminate has run */
        await_exited(root, "killed");
}

static uint32_t pings_dropped; /* atomic; lines of the log */

static void count_dropped_pings(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        if (strstr(text, "has no handler for ping: dropped") != NULL)
                cop__add_relaxed(&pings_dropped, 1u);
}

TEST(SUP_stop_17_an_unknown_message_is_logged_and_dropped)
{
        cop_node *node = node_begin((cop_node_options){ .log = count_dropped_pings });
        attend();
        TREE(shop, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_send(root, ping, .number = 1), COP_OK);
        expect_silence(root);
        ck_assert_uint_eq(cop__load_relaxed(&pings_dropped), 1);
        ck_assert_int_eq(cop_send(root, cop__supervisor_tick, .ref = cop_ref_new()), COP_OK);
        ck_assert_int_eq(cop_send(root, cop__supervisor_tick, .ref = { 0 }), COP_OK);
        ck_assert_int_eq(cop_call(NULL, root, PATIENCE_MS, ping, .number = 1), COP_E_NO_REPLY);
        expect_silence(root);
        fell(root);
        expect_end("cba");
        node_end(node);
}

IN_FAMILY(a_strangers_exit_signal_is_ignored)
{
        TREE(shop, .children = ABC(0));
        hire(&shop);
        expect_start("abc");
        expect("grown tree");
        cop_pid root = cop_whereis("shop");
        ck_assert_int_eq(cop_send_exit(root, cop_atom("shutdown")), COP_OK);
        expect_silence(root);
        ck_assert(cop_is_alive(root));
}

IN_FAMILY(a_child_that_only_claims_to_be_dead_is_not_replaced)
{
        TREE(shop, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        cop_send("b", play_dead, .unused = 0);
        expect("played b");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "b", "restarts"), "0");
        fell(root);
        expect_end("cba");
}

/* It has ended by the time its word is read. */
static void forges(void)
{
        say("start", "f", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_send_exit(cop_parent(), cop_atom("normal"));
        cop_exit(cop_atom("boom"));
}

/* Its own word was taken for its end, which was never told then. */
IN_NODE_WITH(a_child_that_has_told_its_supervisor_another_reason_is_known_by_its_real_end, .workers = 1)
{
        attend();
        TREE(shop, .intensity = 3, .children = COP_CHILDREN({ "f", .run = forges, .restart = COP_TRANSIENT }));
        char wanted[128], pid[COP_ID_TEXT_MAX];
        cop_pid root = grow(&shop), f = expect("start f");
        cop_send(f, go, .unused = 0);
        cop_pid next = expect("start f");
        snprintf(wanted, sizeof(wanted), "shop restarted it as %s, restart 1 of 3 within 5 s", cop_pid_print(next, pid));
        ck_assert_str_eq(outcome_of(f), wanted);
        fell(root);
}

IN_FAMILY(a_dead_tree_has_given_everything_back)
{
        const cop_supervisor desk = { .children = ABC(0) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk },
                                            { .id = "x", .run = waits }));
        int64_t before = 0;
        for (int i = 0; i < 20; i++) {
                cop_pid root = grow_and_expect(&shop, "abc");
                if (i % 2 == 0) {
                        fell(root);
                } else {
                        cop_ref refs[] = { watch(cop_whereis("c")), watch(cop_whereis("b")),
                                           watch(cop_whereis("a")), watch(cop_whereis("desk")) };
                        put_down(root);
                        for (size_t j = 0; j < 4; j++)
                                await_and_drop(COP_REF(cop_down, refs[j]));
                        await_exited(root, "killed");
                }
                cop_message *left;
                while ((left = cop_receive(0, COP_ANY)) != NULL)
                        cop_message_free(left);
                if (i == 3)
                        before = blocks_in_use(node);
        }
        await_true(blocks_in_use(node) <= before + 4);
}

/* ---- cop_shutdown -------------------------------------------------------------------------- */

IN_FAMILY(anyone_may_shut_a_tree_down)
{
        TREE(shop, .children = ABC(0));
        cop_pid owner = hire(&shop);
        expect_start("abc");
        expect("grown tree");
        cop_pid root = cop_whereis("shop");
        cop_ref ref = watch(root), owner_ref = watch(owner);
        ck_assert_int_eq(cop_shutdown(root, COP_SHUTDOWN_DEFAULT), COP_OK);
        await_down(ref, "shutdown");
        expect_end("cba");
        await_down(owner_ref, "shutdown"); /* which was linked to it, and asked for nothing */
}

IN_FAMILY(who_shuts_down_an_actor_hears_no_more_of_it)
{
        cop_pid pid = cop_spawn_link(waits);
        ck_assert_int_eq(cop_shutdown(pid, 1000), COP_OK);
        ck_assert(!cop_is_alive(pid));
        settle_with(cop_spawn(waits));
        nothing_has_come();
        ck_assert_int_eq(cop_shutdown(pid, 1000), COP_OK); /* who is dead is stopped */
        nothing_has_come();
}

static void ends(void)
{
}

IN_FAMILY(who_shuts_down_an_actor_that_has_ended_by_itself_hears_no_more_of_it_either)
{
        for (int i = 0; i < 100; i++) {
                cop_pid pid = cop_spawn_link(ends);
                await_true(!cop_is_alive(pid));
                ck_assert_int_eq(cop_shutdown(pid, 1000), COP_OK);
        }
        settle_with(cop_spawn(waits));
        nothing_has_come();
}

static void shuts_its_child_down(void)
{
        cop_pid pid = cop_spawn_link(waits);
        cop_status status = cop_shutdown(pid, 1000);
        say("shut", "child", status == COP_OK && !cop_is_alive(pid) ? "well" : "badly");
}

IN_FAMILY(shutting_down_a_linked_actor_does_not_end_the_caller)
{
        cop_spawn(shuts_its_child_down);
        expect("shut child well");
}

IN_FAMILY(what_cannot_be_shut_down_is_a_bad_argument)
{
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_shutdown(cop_no_pid(), 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_shutdown(cop_self(), 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_shutdown(pid, -4), COP_E_BAD_ARGUMENT);
        ck_assert(cop_is_alive(pid));
        ck_assert_int_eq(cop_shutdown(pid, COP_FOREVER), COP_OK);
}

static void tries_to_end_a_visitor(void)
{
        cop_status status = cop_shutdown(cop_whereis("witness"), COP_BRUTAL_KILL);
        say("tried", "visitor", status == COP_E_BAD_ARGUMENT ? "refused" : "else");
}

IN_FAMILY(a_thread_of_the_program_cannot_be_shut_down)
{
        cop_spawn(tries_to_end_a_visitor);
        expect("tried visitor refused");
}

/* ---- The end of a supervisor, and a child that waits for its name ------------------------------------- */

typedef struct slow {
        int64_t unused;
} slow;

static void slow_init(slow *self)
{
        (void)self;
        cop_trap_exit(true);
        say("born", "slow", "");
}

static void slow_terminate(slow *self, cop_term reason)
{
        (void)self;
        (void)reason;
        say("ending", "slow", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

COP_SERVER(slow, COP_INIT(slow_init), COP_TERMINATE(slow_terminate));

typedef struct meek {
        int64_t unused;
} meek;

static void meek_on_go(meek *self, const go *g)
{
        (void)self;
        (void)g;
}

COP_SERVER(meek, COP_ON(go, meek_on_go));

/* Leaves one behind that bears the name, as a supervisor that is killed does for a moment: its own end is normal. */
static void leaves_an_orphan(void)
{
        cop_pid pid;
        const cop_spawn_options orphan = { .server = &meek_server, .name = "meek", .link = true, .supervised = true };
        if (cop_spawn_opt(&orphan, &pid) != COP_OK)
                cop_exit(cop_atom("no_orphan"));
}

static void grows_and_waits(void)
{
        cop_pid pid;
        cop_supervise(&(cop_supervisor){ .children = COP_CHILDREN({ "slow", .server = &slow_server },
                                                                  { "meek", .server = &meek_server }) },
                      &pid);
}

static bool waits_for_its_name(cop_node *node, cop_pid *supervisor)
{
        struct cop__census_entry entry;
        for (uint32_t row = 0; row < cop__census_count(&node->census); row++)
                if (cop__census_read(&node->census, row, &entry) && entry.state == COP__CHILD_NAMING) {
                        *supervisor = entry.supervisor;
                        return true;
                }
        return false;
}

/* Found by the soak: the name was free while a sibling was being stopped, the child was started, and nobody stopped it. */
IN_NODE(a_child_that_waits_for_its_name_is_not_started_by_a_supervisor_that_ends)
{
        cop_pid supervisor = cop_no_pid();
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        await_down(spawn_watched(.run = leaves_an_orphan), "normal");
        cop_pid grower = cop_spawn(grows_and_waits);
        await_and_drop(COP_KIND(word)); /* slow is born */
        await_true(waits_for_its_name(node, &supervisor));
        cop_ref end = watch(supervisor);
        cop_pid slow_pid = cop_whereis("slow");
        ck_assert_int_eq(cop_send_exit(grower, cop_atom("shutdown")), COP_OK);
        await_and_drop(COP_KIND(word)); /* slow is ending */
        put_down(cop_whereis("meek"));
        cop_send(slow_pid, go);
        await_and_drop(COP_REF(cop_down, end));
        ck_assert_uint_eq(cop_whereis("meek").bits, 0);
        cop_unregister("witness");
}

static void crashes_at_go(meek *self, const go *g)
{
        (void)self;
        (void)g;
        cop_exit(cop_atom("crash"));
}

typedef meek brittle;
COP_SERVER(brittle, COP_ON(go, crashes_at_go));

static bool waits_for_its_restart(cop_node *node)
{
        struct cop__census_entry entry;
        for (uint32_t row = 0; row < cop__census_count(&node->census); row++)
                if (cop__census_read(&node->census, row, &entry) && entry.state == COP__CHILD_RESTARTING)
                        return true;
        return false;
}

/* The same with a delay, which was over in that moment. */
IN_NODE(a_child_that_waits_for_its_restart_is_not_started_by_a_supervisor_that_ends)
{
        cop_pid supervisor;
        struct cop__census_entry entry;
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .intensity = COP_RESTARTS_FOR_EVER,
                                                          .children = COP_CHILDREN({ "slow", .server = &slow_server },
                                                                                   { "brittle", .server = &brittle_server,
                                                                                     .backoff = { .first_ms = 200 } }) },
                                       &supervisor),
                         COP_OK);
        await_and_drop(COP_KIND(word)); /* slow is born */
        cop_ref end = watch(supervisor);
        cop_pid slow_pid = cop_whereis("slow");
        cop_send("brittle", go);
        await_true(waits_for_its_restart(node));
        ck_assert_int_eq(cop_send_exit(supervisor, cop_atom("shutdown")), COP_OK);
        await_and_drop(COP_KIND(word)); /* slow is ending */
        /* Time passes, and nobody is started: the timer is gone, so there is nothing to wait for but its absence. */
        ck_assert(cop__census_read(&node->census, 1, &entry));
        ck_assert_uint_eq(entry.state, COP__CHILD_STOPPED);
        cop_send(slow_pid, go);
        await_and_drop(COP_REF(cop_down, end));
        ck_assert_uint_eq(cop_whereis("brittle").bits, 0);
        cop_unregister("witness");
}

static void does_not_hear(void)
{
        cop_trap_exit(true);
        cop_register("deaf", cop_self());
        cop_sleep(COP_FOREVER);
}

static void expect_end_of_deaf(int64_t shutdown_ms, const char *reason)
{
        cop_pid pid = cop_spawn(does_not_hear);
        cop_ref ref = watch(pid);
        await_true(cop_whereis("deaf").bits != 0);
        ck_assert_int_eq(cop_shutdown(pid, shutdown_ms), COP_OK);
        ck_assert(!cop_is_alive(pid));
        await_down(ref, reason);
}

IN_NODE(cop_shutdown_kills_who_has_not_ended_in_time)
{
        expect_end_of_deaf(1, "killed");
        expect_end_of_deaf(COP_SHUTDOWN_AT_ONCE, "killed");
}
