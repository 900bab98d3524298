/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How supervisors start their children. A name with an ID shows that row of the semantics. */
#include "tests/family.h"
#include "tests/gauges.h"
#include "tests/too_deep.h"

/* Ends before it has begun. */
typedef struct {
        int64_t unused;
} brief;
static void brief_init(brief *self)
{
        (void)self;
        cop_exit(cop_atom("normal"));
}
COP_SERVER(brief, COP_INIT(brief_init));

IN_FAMILY(SUP_start_01_children_start_one_after_the_other)
{
        TREE(shop, .children = ABC(0));
        let("b", HANGS);
        cop_pid owner = hire(&shop);
        expect("start a");
        cop_pid b = expect("hang b");
        /* a runs, and c is not there yet. */
        cop_message *pong = NULL;
        ck_assert_int_eq(cop_call(&pong, "a", PATIENCE_MS, ping, .number = 1), COP_OK);
        cop_message_free(pong);
        ck_assert_uint_eq(cop_whereis("c").bits, 0);
        cop_send(b, go, .unused = 0);
        expect("start b");
        expect("start c");
        expect("grown tree");
        dismiss(owner, cop_atom("shutdown"));
        expect_end("cba");
}

IN_FAMILY(SUP_start_02_children_stop_in_reverse_one_at_a_time)
{
        TREE(shop, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 5 })),
                                            WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 20 })),
                                            WORKER_WITH("c", ((job){ .id = "c", .stop_ms = 5 }))));
        cop_pid root = grow_and_expect(&shop, "abc");
        fell(root);
        expect("end c shutdown");
        expect("done c");
        expect("end b shutdown");
        expect("done b");
        expect("end a shutdown");
        expect("done a");
}

/* In OTP a caller that traps exits is sent the reason as well. Here the link is undone first: it would be told twice. */
IN_FAMILY(SUP_start_05_a_child_that_cannot_start_stops_those_before_it)
{
        TREE(shop, .children = ABC(0));
        cop_pid root = { 7 };
        let("c", FAILS);
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()),
                         "{shutdown, {failed_to_start_child, c, {no_start, c}}}");
        ck_assert_uint_eq(root.bits, 7);
        expect_start("ab");
        expect_end("ba");
        ck_assert_uint_eq(cop_whereis("shop").bits, 0);
        /* The failure is in the answer, and nowhere else. */
        nothing_has_come();
}

IN_FAMILY(a_failed_start_does_not_kill_a_caller_that_traps_no_exits)
{
        TREE(shop, .children = ABC(0));
        let("a", FAILS);
        cop_pid owner = hire(&shop);
        expect("died tree {shutdown, {failed_to_start_child, a, {no_start, a}}}");
        ck_assert(cop_is_alive(owner));
        ck_assert_str_eq(info_of(owner, "links"), "[]");
        ck_assert_str_eq(info_of(owner, "monitors"), "[]");
}

typedef struct outcome {
        int64_t status;
        cop_term failure;
} outcome;
COP_MESSAGE(outcome, status, failure);

/* Says what came of it, and stays. */
static void grows_a_shop(void)
{
        TREE(shop, .children = ABC(0));
        cop_pid root;
        cop_status status = cop_supervise(&shop, &root);
        cop_send("witness", outcome, .status = status, .failure = cop_failure());
        cop_sleep(COP_FOREVER);
}

IN_FAMILY(a_tree_that_is_killed_while_it_starts_is_an_answer_also_for_who_traps_no_exits)
{
        let("b", HANGS);
        cop_pid grower = cop_spawn(grows_a_shop);
        expect("start a");
        expect("hang b");
        cop_send_exit(cop_whereis("shop"), cop_atom("kill"));
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_E_DIED);
        ck_assert_str_eq(text_of(cop_read(outcome, message)->failure), "killed");
        ck_assert(cop_is_alive(grower));
        put_down(grower);
}

static void kills_its_parent(void)
{
        cop_send_exit(cop_parent(), cop_atom("kill"));
        cop_sleep(COP_FOREVER);
}

static void grows_one_that_kills(void)
{
        const cop_supervisor home = { .name = "home", .children = COP_CHILDREN({ .id = "x", .run = kills_its_parent }) };
        cop_pid root;
        if (cop_supervise(&home, &root) == COP_E_DIED)
                cop_exit(COP_TUPLE(cop_atom("answer"), cop_failure()));
        cop_sleep(COP_FOREVER);
}

/* Whichever of the two is first: nobody who has grown a tree outlives it unknowingly. */
IN_NODE(a_tree_that_is_killed_as_it_has_started_is_an_answer_or_ends_who_grew_it)
{
        for (int i = 0; i < 100; i++) {
                cop_ref ref = spawn_watched(.run = grows_one_that_kills);
                cop_auto message = await(COP_REF(cop_down, ref));
                const char *reason = text_of(cop_read(cop_down, message)->reason);
                if (strcmp(reason, "{answer, killed}") != 0)
                        ck_assert_str_eq(reason, "killed");
                await_true(cop_whereis("home").bits == 0);
        }
}

IN_FAMILY(a_tree_dies_with_who_grew_it)
{
        TREE(shop, .children = ABC(0));
        cop_pid owner = hire(&shop);
        expect_start("abc");
        expect("grown tree");
        cop_ref ref = watch(cop_whereis("shop"));
        dismiss(owner, cop_atom("bankrupt"));
        await_down(ref, "bankrupt");
        expect_end("cba");
}

IN_FAMILY(a_tree_that_dies_takes_along_who_grew_it)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = ABC(0));
        cop_ref ref = watch(hire(&shop));
        expect_start("abc");
        expect("grown tree");
        crash("b");
        await_down(ref, "shutdown");
}

/* How long it takes to stop it. */
static int64_t ms_to_fell(cop_pid root)
{
        int64_t before_ms = cop_now_ms();
        fell(root);
        return cop_now_ms() - before_ms;
}

IN_SIMULATED_FAMILY(SUP_start_12_what_is_left_out_takes_its_default)
{
        /* One for one, permanent, one restart in five seconds. */
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        for (int i = 0; i < 3; i++) {
                quit_with("a", cop_atom("normal"));
                expect("end a normal");
                expect("start a");
                expect_silence(root);
                ck_assert_int_eq(cop_simulation_advance(node, 5100), COP_OK);
        }
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(cop_simulation_advance(node, i * 4800), COP_OK);
                quit_with("a", cop_atom("normal"));
                expect("end a normal");
                if (i == 0)
                        expect("start a");
        }
        expect_end("b");
        await_exited(root, "shutdown");
        /* A worker has five seconds to stop. */
        TREE(slow, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 4900 })),
                                            WORKER_WITH("b", ((job){ .id = "b", .stop_ms = HOUR_MS }))));
        root = grow_and_expect(&slow, "ab");
        cop_ref a = watch(cop_whereis("a")), b = watch(cop_whereis("b"));
        int64_t ms = ms_to_fell(root);
        ck_assert_int_ge(ms, 5000 + 4900);
        ck_assert_int_lt(ms, 5000 + 4900 + 50);
        await_down(b, "killed");
        await_down(a, "shutdown");
        expect_end("ba");
        expect("done a");
        /* A supervisor as long as it takes. */
        const cop_supervisor desk = {
                .children = COP_CHILDREN(WORKER_WITH("c", ((job){ .id = "c", .stop_ms = HOUR_MS }), .shutdown_ms = COP_SHUTDOWN_INFINITY)),
        };
        TREE(house, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        root = grow_and_expect(&house, "c");
        ck_assert_int_ge(ms_to_fell(root), HOUR_MS);
        expect_end("c");
        expect("done c");
}

IN_FAMILY(SUP_start_15_a_tree_that_is_wrong_is_refused_and_nothing_starts)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), WORKER("a")));
        TREE(cut, .children = COP_CHILDREN(WORKER("a"), { .run = waits }, WORKER("b")));
        cop_pid root = { 7 };
        ck_assert_int_eq(cop_supervise(&cut, &root), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervise(NULL, &root), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(root.bits, 7);
        ck_assert_uint_eq(tries_of("a"), 0);
}

IN_FAMILY(SUP_start_18_the_check_says_what_the_start_will)
{
        const struct {
                cop_supervisor tree;
                bool right;
        } cases[] = {
                { { .name = "shop", .children = COP_CHILDREN(WORKER("a")) }, true },
                { { .name = "shop" }, true },
                { { .name = "shop", .strategy = (cop_strategy)9 }, false },
                { { .name = "shop", .intensity = 1000001 }, false },
                { { .name = "shop", .period_ms = -7 }, false },
                { { .name = "shop", .children = COP_CHILDREN({ .id = "a" }) }, false },
                { { .name = "shop", .children = COP_CHILDREN(WORKER("a"), WORKER("a")) }, false },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[512];
                cop_pid root;
                cop_status said = cop_supervisor_check(&cases[i].tree, text, sizeof(text));
                ck_assert_int_eq(said, cases[i].right ? COP_OK : COP_E_BAD_ARGUMENT);
                ck_assert_int_eq(cop_supervise(&cases[i].tree, &root), said);
                if (said == COP_OK)
                        fell(root);
        }
        ck_assert_int_eq(cop_supervisor_check(NULL, NULL, 0), COP_E_BAD_ARGUMENT);
}

IN_FAMILY(a_trees_name_that_is_taken_is_an_answer)
{
        const cop_supervisor tree = { .name = "witness" };
        cop_pid root = { 7 };
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_E_NAME_TAKEN);
        ck_assert_uint_eq(root.bits, 7);
        nothing_has_come();
}

/* Leaves one behind that bears the name. */
static void leaves_one(bool supervised)
{
        cop_pid pid;
        if (cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "heir", .link = true, .supervised = supervised }, &pid) !=
            COP_OK)
                cop_exit(cop_atom("no_heir"));
}

static void leaves_a_free_one(void)
{
        leaves_one(false);
}

static void leaves_an_orphan(void)
{
        leaves_one(true);
}

static void expect_taken_for(const cop_supervisor *tree, cop_pid heir)
{
        char wanted[160], pid[COP_ID_TEXT_MAX];
        cop_pid gardener_pid = hire(tree);
        snprintf(wanted, sizeof(wanted), "died tree {shutdown, {failed_to_start_child, heir, {already_started, %s}}}",
                 cop_pid_print(heir, pid));
        cop_auto message = cop_receive(HOUR_MS, COP_KIND(word));
        ck_assert_ptr_nonnull(message);
        ck_assert_str_eq(cop_read(word, message)->text.data, wanted);
        dismiss(gardener_pid, cop_atom("normal"));
}

/* To a worker, and to a supervisor, whose time to stop is without end. */
static void expect_taken(cop_pid heir)
{
        const cop_supervisor desk = { .strategy = COP_ONE_FOR_ONE };
        const cop_supervisor plain = { .children = COP_CHILDREN(WORKER("heir")) };
        const cop_supervisor nested = { .children = COP_CHILDREN({ "heir", .supervisor = &desk }) };
        expect_taken_for(&plain, heir);
        expect_taken_for(&nested, heir);
}

/* It was taken for an orphan, as its parent has ended. On a simulated node, where no time passes. */
IN_SIMULATED_FAMILY(a_name_whose_holder_outlives_its_parent_is_taken)
{
        await_down(spawn_watched(.run = leaves_a_free_one), "normal");
        cop_pid heir = cop_whereis("heir");
        uint64_t before_ns = cop__clock_ns();
        expect_taken(heir);
        ck_assert_uint_lt(cop__clock_ns() - before_ns, UINT64_C(1000000000));
        put_down(heir);
}

/* One that should end and does not: a supervisor waited without end for its name. */
IN_SIMULATED_FAMILY(an_orphan_that_does_not_end_is_not_waited_for_for_ever)
{
        await_down(spawn_watched(.run = leaves_an_orphan), "normal");
        cop_pid heir = cop_whereis("heir");
        expect_taken(heir);
        put_down(heir);
}

IN_FAMILY(a_childs_name_that_is_taken_is_a_failed_start)
{
        const cop_supervisor tree = { .children = COP_CHILDREN(WORKER("witness")) };
        char wanted[128], pid[COP_ID_TEXT_MAX];
        cop_pid root;
        snprintf(wanted, sizeof(wanted),
                 "{shutdown, {failed_to_start_child, witness, {already_started, %s}}}",
                 cop_pid_print(cop_self(), pid));
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), wanted);
}

TEST(outside_a_node_nothing_is_supervised)
{
        cop_pid pid;
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ 0 }, &pid), COP_E_NO_NODE);
        ck_assert_int_eq(cop_shutdown((cop_pid){ 1 }, 0), COP_E_NO_NODE);
}

IN_FAMILY(a_supervisor_may_have_no_children)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop);
        ck_assert(cop_pid_equal(cop_whereis("shop"), root));
        ck_assert_int_eq(count_of(root).specs, 0);
        fell(root);
}

IN_FAMILY(SUP_start_21_while_a_child_starts_requests_wait)
{
        TREE(shop, .children = ABC(0));
        let("b", HANGS);
        hire(&shop);
        expect("start a");
        cop_pid b = expect("hang b");
        ck_assert_int_eq(cop_call(NULL, "shop", 20, cop__children), COP_E_TIMEOUT);
        cop_send(b, go, .unused = 0);
        expect_start("bc");
        expect("grown tree");
        ck_assert_str_eq(ask_child(cop_whereis("shop"), "b", "state"), "running");
}

IN_FAMILY(while_a_child_starts_the_parents_exit_is_obeyed)
{
        TREE(shop, .children = ABC(.shutdown_ms = 10));
        let("c", HANGS);
        cop_pid owner = hire(&shop);
        expect_start("ab");
        expect("hang c");
        cop_ref shop_ref = watch(cop_whereis("shop")), c_ref = watch(cop_whereis("c"));
        ck_assert_int_eq(cop_send_exit(owner, cop_atom("enough")), COP_OK);
        await_down(c_ref, "killed"); /* it traps exits, and hangs */
        expect_end("ba");
        await_down(shop_ref, "enough");
}

IN_FAMILY(while_a_child_starts_the_end_of_another_is_not_lost)
{
        TREE(shop, PATIENT, .children = ABC(0));
        let("c", HANGS);
        hire(&shop);
        expect_start("ab");
        cop_pid c = expect("hang c");
        crash("a");
        expect("end a boom");
        cop_send(c, go, .unused = 0);
        expect("start c");
        expect_both("start a", "grown tree");
}

IN_FAMILY(a_child_that_exits_normally_in_its_init_has_failed_to_start)
{
        const cop_supervisor tree = { .children = COP_CHILDREN({ .id = "x",
                                                                 .server = &brief_server }) };
        cop_pid root;
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{shutdown, {failed_to_start_child, x, normal}}");
}

/* As deep as a term may be, and so in no other. */
static void well_init(brief *self)
{
        (void)self;
        cop_exit(nested_in(COP_TERM_DEPTH_MAX));
}
typedef brief well;
COP_SERVER(well, COP_INIT(well_init));

IN_FAMILY(a_child_that_fails_to_start_for_the_deepest_of_reasons_is_named_all_the_same)
{
        const cop_supervisor tree = { .children = COP_CHILDREN({ .id = "x", .server = &well_server }) };
        cop_pid root;
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{shutdown, {failed_to_start_child, x, too_deep}}");
}

IN_FAMILY(a_child_is_registered_under_its_id_unless_it_is_unnamed)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .run = waits },
                                            { .id = "y", .run = waits, .unnamed = true }));
        cop_pid root = grow(&shop);
        ck_assert_uint_ne(cop_whereis("x").bits, 0);
        ck_assert_uint_eq(cop_whereis("y").bits, 0);
        ck_assert_str_eq(ask_child(root, "y", "state"), "running");
        fell(root);
}

/* ---- What its actor is spawned with ---------------------------------------------------- */

static void looks_away(void)
{
        cop_sleep(COP_FOREVER);
}

static void expect_spawned_as_said(cop_pid pid)
{
        ck_assert_str_eq(info_of(pid, "priority"), "low");
        ck_assert_str_eq(info_of(pid, "label"), "\"the slow one\"");
        ck_assert_int_eq(cop_send(pid, ping, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send(pid, ping, .number = 2), COP_E_FULL);
}

IN_NODE(a_child_has_the_priority_the_label_and_the_mailbox_of_its_spec_at_each_start)
{
        cop_pid root;
        char label[] = "the slow one";
        const cop_supervisor tree = {
                .name = "shop",
                .children = COP_CHILDREN({ "slow", .run = looks_away, .priority = COP_PRIORITY_LOW,
                                           .label = label, .mailbox_limit = 1,
                                           .mailbox_policy = COP_MAILBOX_REJECT }),
        };
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_OK);
        label[0] = 'X'; /* it has been copied */
        cop_pid first = cop_whereis("slow");
        expect_spawned_as_said(first);
        put_down(first);
        await_true(cop_whereis("slow").bits != 0);
        expect_spawned_as_said(cop_whereis("slow"));
        ck_assert_int_eq(cop_shutdown(root, PATIENCE_MS), COP_OK);
}

static void spawned_by_each(const job *j)
{
        (void)j;
        cop_sleep(COP_FOREVER);
}

/* Beyond its memory it gets nothing, and lives; it has started when it says so. */
static void hungry(void)
{
        if (cop_alloc(100000) != NULL)
                cop_exit(cop_atom("was_given_more_than_its_limit"));
        cop_start_extra(cop_atom("fed"));
        cop_init_ack();
        cop_sleep(COP_FOREVER);
}

static void expect_hungry(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        ck_assert_uint_eq(process.mailbox_high, 9);
        ck_assert_uint_eq(process.mailbox_low, 3);
        ck_assert(cop__actor_here() != NULL);
        ck_assert_uint_eq(cop__load_relaxed(&cop__slot_of(cop_node_here(), pid)->manner) & COP__UNPREEMPTED, COP__UNPREEMPTED);
}

IN_NODE(a_child_has_the_marks_the_soft_limit_and_the_acknowledged_start_of_its_spec)
{
        cop_pid root, pid;
        cop_term extra;
        const cop_child child = { "hungry", .run = hungry, .memory_limit = 1000, .memory_limit_soft = true,
                                  .mailbox_high = 9, .mailbox_low = 3, .no_preempt = true,
                                  .init_ack = true };
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .name = "shop" }, &root), COP_OK);
        ck_assert_int_eq(cop_start_child_of(COP_TO("shop"), &child, &pid, &extra), COP_OK);
        ck_assert_str_eq(text_of(extra), "fed");
        cop_term_free(extra);
        expect_hungry(pid);
        put_down(pid);
        await_true(cop_whereis("hungry").bits != 0);
        pid = cop_whereis("hungry");
        settle_with(pid);
        expect_hungry(pid);
        ck_assert_int_eq(cop_shutdown(root, PATIENCE_MS), COP_OK);
}

static void fails_before_it_has_begun(void)
{
        cop_exit(cop_atom("no_ink"));
}

IN_NODE(a_child_that_ends_before_it_says_that_it_has_started_has_not)
{
        cop_pid root = cop_no_pid();
        const cop_supervisor tree = {
                .name = "shop",
                .children = COP_CHILDREN({ "pen", .run = fails_before_it_has_begun, .init_ack = true }),
        };
        cop_trap_exit(true);
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_E_DIED);
        ck_assert_int_eq(cop_whereis("shop").bits, 0);
}

IN_NODE(so_have_those_of_a_dynamic_supervisor)
{
        cop_pid root, pid;
        const job own = { .id = "own" };
        const cop_child each = { .run_with = COP_RUN_WITH(spawned_by_each, job),
                                 .restart = COP_TEMPORARY, .priority = COP_PRIORITY_LOW,
                                 .label = "the slow one", .mailbox_limit = 1,
                                 .mailbox_policy = COP_MAILBOX_REJECT };
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .name = "shop", .strategy = COP_DYNAMIC,
                                                          .each = &each }, &root), COP_OK);
        const cop_child child = { .kind = COP_KIND_OF(job), .argument = &own };
        ck_assert_int_eq(cop_start_child("shop", &child, &pid), COP_OK);
        expect_spawned_as_said(pid);
        ck_assert_int_eq(cop_shutdown(root, PATIENCE_MS), COP_OK);
}

/* ---- The end of who grows it ------------------------------------------------------------------- */

typedef struct load {
        cop_bytes bytes;
} load;
COP_MESSAGE(load, bytes);

static void bears(const load *l)
{
        (void)l;
        waits();
}

enum { LOAD_SIZE = 1 << 20, LOADS = 64 };
static uint8_t load_bytes[LOAD_SIZE];
static int is_at_it, is_told; /* atomic */

/* It is told to exit while nothing of the library's runs: so the first place where it obeys is in the start of its tree. */
static void grows_too_late(void)
{
        const load l = { cop_bytes_of(load_bytes, LOAD_SIZE) };
        TREE(shop, .children = COP_CHILDREN({ "a", .run_with = COP_RUN_WITH(bears, load), .kind = COP_KIND_OF(load),
                                              .argument = &l }));
        cop_pid pid;
        cop__store_release(&is_at_it, 1);
        while (!cop__load_acquire(&is_told))
                ;
        cop_supervise(&shop, &pid);
        say("grew", "shop", "");
}

IN_FAMILY(who_is_told_to_exit_when_it_grows_a_tree_leaves_nothing_of_it)
{
        NEEDS_THREADS();
        size_t before = resident_bytes();
        for (int i = 0; i < LOADS; i++) {
                cop__store_release(&is_at_it, 0);
                cop__store_release(&is_told, 0);
                cop_pid pid = cop_spawn_or_exit(&(cop_spawn_options){ .run = grows_too_late, .no_preempt = true });
                cop_ref ref = watch(pid);
                await_true(cop__load_acquire(&is_at_it));
                cop_send_exit(pid, cop_atom("stop"));
                cop__store_release(&is_told, 1);
                await_down(ref, "stop");
                await_true(cop_whereis("shop").bits == 0);
        }
        nothing_has_come();
        if (!suite_is_watched()) /* else the sanitizer says so */
                ck_assert_uint_lt(resident_bytes(), before + (size_t)LOADS / 4 * LOAD_SIZE);
}

/* An OS process lives in its own time. */
TEST(a_child_that_cannot_be_spawned_where_its_tree_is_fails_to_start_with_the_reason)
{
        cop_simulation order = { .seed = 1 };
        cop_pid pid;
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .children = COP_CHILDREN({ "brief", .server = &brief_server,
                                                                                     .isolation = COP_ISOLATION_PROCESS }) },
                                       &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{shutdown, {failed_to_start_child, brief, "
                                                 "{not_spawned, \"an argument is outside its documented range\"}}}");
        node_end(node);
}

/* Its link would have told of the end that is near. */
typedef struct {
        int64_t unused;
} hermit;

static void hermit_init(hermit *self)
{
        (void)self;
        cop_unlink(cop_parent());
        cop_ignore();
}

COP_SERVER(hermit, COP_INIT(hermit_init));

static void starts_a_hermit(void)
{
        cop_pid pid = { 7 };
        cop_status status = cop_start_child("shop", (&(const cop_child){ .id = "h", .server = &hermit_server }), &pid);
        say("answer", cop_status_text(status), pid.bits == 0 ? "nobody" : "somebody");
}

IN_SIMULATED_FAMILY(an_init_that_undoes_its_link_and_ignores_its_start_is_an_answer)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), { "b", .server = &hermit_server }, WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "ac");
        ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        cop_spawn(starts_a_hermit);
        expect("answer success nobody");
        ck_assert_str_eq(ask_child(root, "h", "state"), "stopped");
        expect_silence(root);
        fell(root);
        expect_end("ca");
}
