/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trees of trees, and what supervisors tell. A name with an ID shows that row of the semantics. */
#include "actors/calling.h"
#include "tests/family.h"

/* Crashes when it is to stop. */
typedef struct {
        int64_t unused;
} clumsy;
static void clumsy_init(clumsy *self)
{
        (void)self;
        cop_trap_exit(true);
}
static void clumsy_terminate(clumsy *self, cop_term reason)
{
        (void)reason;
        volatile int64_t *nowhere = NULL;
        self->unused = *nowhere;
}
COP_SERVER(clumsy, COP_INIT(clumsy_init), COP_TERMINATE(clumsy_terminate));

/* ---- Trees of trees --------------------------------------------------------------------------- */

IN_FAMILY(a_tree_of_trees_starts_and_stops_in_order)
{
        const cop_supervisor inner = { .name = "inner", .children = COP_CHILDREN(WORKER("c")) };
        const cop_supervisor desk = { .children = COP_CHILDREN(WORKER("b"),
                                                               { .id = "i",
                                                                 .supervisor = &inner },
                                                               WORKER("d")) };
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), { .id = "desk", .supervisor = &desk },
                                            WORKER("e")));
        cop_pid root = grow_and_expect(&shop, "abcde");
        ck_assert_uint_ne(cop_whereis("inner").bits, 0);
        ck_assert_uint_eq(cop_whereis("i").bits, 0);
        ck_assert_str_eq(ask_child(root, "desk", "type"), "supervisor");
        cop_auto answer = children_of(cop_whereis("desk"));
        ck_assert(cop_text_equal(cop_read(cop_children, answer)->name, "desk"));
        fell(root);
        expect_end("edcba");
}

IN_FAMILY(a_nested_supervisor_that_cannot_start_fails_with_the_whole_story)
{
        const cop_supervisor desk = { .children = ABC(0) };
        TREE(shop, .children = COP_CHILDREN(WORKER("d"), { .id = "desk", .supervisor = &desk }));
        cop_pid root;
        let("b", FAILS);
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()),
                         "{shutdown, {failed_to_start_child, desk, {shutdown, {failed_to_start_child, b, "
                         "{no_start, b}}}}}");
        expect_start("da");
        expect_end("ad");
}

IN_FAMILY(a_killed_supervisor_is_grown_again_and_waits_for_the_names_of_its_orphans)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(
                                              WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 30 })),
                                              WORKER("b")) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "ab");
        put_down(cop_whereis("desk"));
        expect_both("end a killed", "end b killed");
        expect("done a");
        expect_start("ab"); /* at the first attempt */
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "desk", "restarts"), "1");
        ck_assert_int_eq(restarts_of(root), 1);
        fell(root);
}

IN_FAMILY(a_name_is_waited_for_also_by_a_child_that_is_killed_without_being_asked)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 30 }),
                                                                           .shutdown_ms = COP_BRUTAL_KILL)) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "a");
        put_down(cop_whereis("desk"));
        expect("end a killed");
        expect("done a");
        expect("start a"); /* at the first attempt */
        expect_silence(root);
        ck_assert_int_eq(restarts_of(root), 1);
        fell(root);
}

IN_FAMILY(a_name_that_an_orphan_keeps_for_ever_is_not_waited_for_for_ever)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(
                                              WORKER_WITH("a", ((job){ .id = "a",
                                                                       .stop_ms = 1000000 }),
                                                          .shutdown_ms = 20)) };
        TREE(shop, .intensity = 1,
             .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "a");
        put_down(cop_whereis("desk"));
        expect("end a killed");
        await_exited(root, "shutdown");
}

IN_FAMILY(while_it_waits_for_a_name_the_parents_exit_is_obeyed)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(
                                              WORKER_WITH("a", ((job){ .id = "a",
                                                                       .stop_ms = 1000000 }),
                                                          .shutdown_ms = 1000000)) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_pid old_desk = cop_whereis("desk");
        put_down(old_desk);
        expect("end a killed");
        await_true(cop_whereis("desk").bits != 0);
        fell(root);
}

/* ---- What is told ----------------------------------------------------------------------------- */

/* The lines of a node's log, one after another. */
struct diary {
        pthread_mutex_t mutex;
        char text[65536];
};

static void write_diary(void *context, cop_log_level level, const char *text)
{
        struct diary *diary = context;
        (void)level;
        pthread_mutex_lock(&diary->mutex);
        size_t size = strlen(diary->text);
        snprintf(diary->text + size, sizeof(diary->text) - size, "%s\n", text);
        pthread_mutex_unlock(&diary->mutex);
}

static bool diary_has(struct diary *diary, const char *line)
{
        pthread_mutex_lock(&diary->mutex);
        bool has = strstr(diary->text, line) != NULL;
        pthread_mutex_unlock(&diary->mutex);
        return has;
}

TEST(every_decision_is_in_the_log)
{
        static struct diary diary = { .mutex = PTHREAD_MUTEX_INITIALIZER };
        cop_node *node =
                node_begin((cop_node_options){ .log = write_diary, .log_context = &diary });
        attend();
        TREE(shop, .strategy = COP_REST_FOR_ONE, .intensity = 2, .period_ms = 1000000,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b", .restart = COP_TRANSIENT),
                                      WORKER_WITH("c", ((job){ .id = "c", .stop_ms = 1000000 }),
                                                  .shutdown_ms = 1)));
        char line[256], old[COP_ID_TEXT_MAX], new[COP_ID_TEXT_MAX];
        cop_pid root = grow_and_expect(&shop, "abc");

        /* An end without a crash report has a line of its own. */
        cop_pid c = cop_whereis("c"), a = quit_with("a", cop_atom("normal"));
        expect("end a normal");
        expect_end("cb");
        cop_pid again = expect("start a");
        snprintf(line, sizeof(line), "a %s ended: normal\n", cop_pid_print(a, old));
        await_true(diary_has(&diary, line));
        snprintf(line, sizeof(line), "shop killed c %s, which had not stopped within 1 ms\n",
                 cop_pid_print(c, old));
        await_true(diary_has(&diary, line));
        snprintf(line, sizeof(line), "shop restarted it as %s, restart 1 of 2 within 1000 s\n",
                 cop_pid_print(again, new));
        await_true(diary_has(&diary, line));
        snprintf(line, sizeof(line), "shop started b again as %s\n",
                 cop_pid_print(expect("start b"), new));
        await_true(diary_has(&diary, line));
        expect("start c");

        cop_pid b = quit_with("b", cop_atom("normal"));
        expect("end b normal");
        snprintf(line, sizeof(line), "b %s ended: normal; shop did not restart it: transient\n",
                 cop_pid_print(b, old));
        await_true(diary_has(&diary, line));

        cop_send_exit(root, COP_TUPLE(cop_atom("hello"), cop_int(1)));
        await_exited(root, "{hello, 1}"); /* this thread is its parent */
        node_end(node);
}

static cop_pid annoyed;

static void annoys(void)
{
        cop_send_exit(annoyed, COP_TUPLE(cop_atom("job"), cop_string("a knife"), cop_int(1), cop_atom("true")));
}

TEST(a_secret_in_the_reason_of_a_stranger_is_not_in_the_log)
{
        static struct diary diary = { .mutex = PTHREAD_MUTEX_INITIALIZER };
        cop_node *node = node_begin((cop_node_options){ .log = write_diary, .log_context = &diary, .secret_fields = "id" });
        attend();
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        annoyed = grow_and_expect(&shop, "a");
        cop_spawn(annoys);
        await_true(diary_has(&diary, "shop ignored an exit signal from <"));
        ck_assert(diary_has(&diary, "nor the end of a child: #job{id = ..., stop_ms = 1, traps = true}\n"));
        ck_assert(!diary_has(&diary, "knife"));
        fell(annoyed);
        node_end(node);
}

IN_FAMILY(a_child_that_crashes_while_it_is_stopped_has_its_report_ended)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .server = &clumsy_server }));
        cop_pid root = grow(&shop);
        cop_pid x = cop_whereis("x");
        fell(root);
        ck_assert_str_eq(outcome_of(x), "shop was stopping it");
}

IN_FAMILY(a_supervisor_that_cannot_start_says_so_in_its_childs_report)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        struct cop__report report;
        cop_pid root;
        let("a", FAILS);
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_E_DIED);
        ck_assert(cop__report_get(node, 0, &report));
        ck_assert_str_eq(report.outcome, "shop cannot start without it, and ends");
}

static void expect_list(cop_pid root, const char *ids)
{
        cop_auto answer = children_of(root);
        const cop_children *all = cop_read(cop_children, answer);
        ck_assert_uint_eq(all->children.count, strlen(ids));
        for (size_t i = 0; i < all->children.count; i++) {
                ck_assert_uint_eq(all->children.items[i].id.size, 1);
                ck_assert_int_eq(all->children.items[i].id.data[0], ids[i]);
        }
}

/* OTP lists them the other way round. */
IN_FAMILY(SUP_api_12_children_are_listed_in_the_order_of_start_and_keep_their_places)
{
        TREE(shop, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        expect_list(root, "abc");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_list(root, "abc");
        ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
        expect_list(root, "abc");
        ck_assert_int_eq(cop_start_child(root, (&(const cop_child)WORKER("d")), NULL), COP_OK);
        expect_list(root, "abcd");
        fell(root);
}

IN_FAMILY(what_a_supervisor_is_and_how_its_children_are_is_listed)
{
        TREE(shop, .strategy = COP_REST_FOR_ONE, PATIENT,
             .children = COP_CHILDREN(WORKER("a"), { .id = "x", .run = waits,
                                                     .restart = COP_TEMPORARY }));
        cop_pid root = grow_and_expect(&shop, "a");
        crash("a");
        expect("end a boom");
        cop_pid a = expect("start a");
        expect_silence(root);
        cop_auto answer = children_of(root);
        const cop_children *all = cop_read(cop_children, answer);
        ck_assert(cop_text_equal(all->name, "shop"));
        ck_assert(cop_symbol_equal(all->strategy, "rest_for_one"));
        ck_assert_int_eq(all->intensity, 1000);
        ck_assert_int_eq(all->period_ms, 1000000);
        ck_assert_int_eq(all->restarts, 1);
        ck_assert_uint_eq(all->children.count, 1); /* the temporary one was stopped with it */
        const cop_child_state *first = &all->children.items[0];
        ck_assert(cop_text_equal(first->id, "a"));
        ck_assert(cop_pid_equal(first->pid, a));
        ck_assert(cop_symbol_equal(first->type, "worker"));
        ck_assert(cop_symbol_equal(first->restart, "permanent"));
        ck_assert(cop_symbol_equal(first->state, "running"));
        ck_assert_int_eq(first->restarts, 1);
        fell(root);
}

/* ---- Who asks, and who answers ------------------------------------------------------------------ */

static void asks_for_children(const ping *root)
{
        cop_send((cop_pid){ (uint64_t)root->number }, cop__children);
        cop_auto answer = await(COP_KIND(cop_children));
        say("children", cop_read(cop_children, answer)->name.data, "");
        cop_send((cop_pid){ (uint64_t)root->number }, cop__count);
        cop_auto count = await(COP_KIND(cop_child_count));
        say("specs", cop_read(cop_child_count, count)->specs == 1 ? "one" : "others", "");
}

/* As a server answers any message that is no call: to whoever sent it, by another. */
IN_FAMILY(what_a_supervisor_is_asked_in_a_message_it_answers_by_one)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_spawn_with(asks_for_children, ping, .number = (int64_t)root.bits);
        expect("children shop");
        expect("specs one");
        fell(root);
}

static void asks_for_an_explanation(const ping *root)
{
        cop_message *answer = NULL;
        cop_status status = cop__explain_running((cop_pid){ (uint64_t)root->number }, &answer);
        say("explained", cop_status_text(status), answer != NULL ? "with words" : "");
}

/* Under the reference that the call waits for. */
static void answer_in_place_of_a_supervisor(cop_node *node, cop_pid caller)
{
        const struct cop__calling *own = cop__calling_own(cop__slot_of(node, caller));
        await_true(cop__load_relaxed(&own->waits) != 0);
        const cop_caller to = { caller, { cop__load_relaxed(&own->waits) } };
        ck_assert_int_eq(cop_reply_to(to, ping, .number = 1), COP_OK);
}

/* An actor in a process of its own could guess the reference: nothing that it says is believed. */
IN_FAMILY(an_explanation_that_is_none_is_no_supervisors)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_int_eq(cop_sys_suspend(root, PATIENCE_MS), COP_OK);
        cop_pid asker = cop_spawn_with(asks_for_an_explanation, ping, .number = (int64_t)root.bits);
        answer_in_place_of_a_supervisor(node, asker);
        char wanted[128];
        snprintf(wanted, sizeof(wanted), "explained %s", cop_status_text(COP_E_NO_SUPERVISOR));
        expect(wanted);
        ck_assert_int_eq(cop_sys_resume(root, PATIENCE_MS), COP_OK);
        fell(root);
}

/* ---- The node stops ----------------------------------------------------------------------------- */

/* Who would have been killed next ends by itself, and its children in their order; it tries no start again and again meanwhile. */
IN_FAMILY(a_supervisor_in_a_node_that_begins_to_stop_ends_instead_of_a_restart)
{
        TREE(shop, .intensity = COP_RESTARTS_FOR_EVER, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        cop__store_seq(&node->stopping, 1);
        cop_pid b = crash("b");
        expect("end b boom");
        expect_end("ca");
        await_exited(root, "shutdown");
        cop__store_seq(&node->stopping, 0);
        ck_assert_str_eq(outcome_of(b), "shop was stopping");
}
