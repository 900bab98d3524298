/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Applications: sets of trees that need each other, as OTP's. */
#include "tests/family.h"

#include "actors/actor.h"

#define ONE_TREE(letter)                                                                  \
        static const job job_##letter = { .id = #letter, .traps = true };                 \
        static const cop_supervisor tree_##letter = {                                     \
                .intensity = COP_NO_RESTARTS, .auto_shutdown = COP_ANY_SIGNIFICANT,       \
                .children = (const cop_child[]){                                          \
                        { .id = #letter, .server = &worker_server,                        \
                          .kind = COP_KIND_OF(job), .argument = &job_##letter },          \
                        { .id = NULL } },                                                 \
        }
ONE_TREE(a);
ONE_TREE(b);
ONE_TREE(c);

/* c needs b and a, b needs a; written the other way round. */
#define SET(set_, type_)                                                                  \
        static const cop_application set_[] = {                                           \
                { .name = "c", .tree = &tree_c, .needs = { "b", "a" } },                  \
                { .name = "b", .tree = &tree_b, .needs = { "a" }, .type = type_ },        \
                { .name = "a", .tree = &tree_a },                                         \
                { .name = NULL },                                                         \
        }
SET(permanent, COP_APPLICATION_PERMANENT);
SET(transient, COP_APPLICATION_TRANSIENT);
SET(temporary, COP_APPLICATION_TEMPORARY);

static cop_pid begin(const cop_application *set)
{
        cop_pid pid = cop_no_pid();
        ck_assert_int_eq(cop_start_applications(set, &pid), COP_OK);
        expect_start("abc");
        return pid;
}

IN_FAMILY(applications_start_in_the_order_of_their_needs_and_stop_in_reverse)
{
        cop_pid set = begin(permanent);
        fell(set);
        expect_end("cba");
        nothing_has_come();
}

/* Its reason was copied for the exit that bears it, and the copy lost: only the leak checker of the asan build sees that. */
IN_FAMILY(an_application_that_cannot_start_stops_those_before_it)
{
        cop_pid set = { 7 };
        let("b", FAILS);
        ck_assert_int_eq(cop_start_applications(permanent, &set), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()),
                         "{shutdown, {failed_to_start_application, b, {shutdown, "
                         "{failed_to_start_child, b, {no_start, b}}}}}");
        ck_assert_uint_eq(set.bits, 7);
        expect("start a");
        expect_end("a");
        nothing_has_come();
}

IN_FAMILY(the_end_of_a_permanent_application_ends_all)
{
        cop_pid set = begin(permanent);
        crash("b");
        expect("end b boom");
        expect_end("ca");
        await_exited(set, "shutdown");
}

IN_FAMILY(a_transient_application_that_gives_up_ends_all)
{
        cop_pid set = begin(transient);
        crash("b");
        expect("end b boom");
        expect_end("ca");
        await_exited(set, "shutdown");
}

static void is_done_at_once(void)
{
}

static const cop_supervisor tree_brief = {
        .auto_shutdown = COP_ANY_SIGNIFICANT,
        .children = (const cop_child[]){
                { .id = "x", .run = is_done_at_once, .restart = COP_TRANSIENT, .significant = true },
                { .id = NULL } },
};

static const cop_application brief[] = {
        { .name = "brief", .tree = &tree_brief, .type = COP_APPLICATION_TEMPORARY },
        { .name = "a", .tree = &tree_a, .needs = { "brief" } },
        { .name = NULL },
};

/* However soon: it has started, and then its end is judged by its type. */
IN_FAMILY(a_temporary_application_may_end_as_soon_as_it_has_started)
{
        for (int i = 0; i < 30; i++) {
                cop_pid pid;
                ck_assert_int_eq(cop_start_applications(brief, &pid), COP_OK);
                expect("start a");
                fell(pid);
                expect_end("a");
        }
        nothing_has_come();
}

IN_FAMILY(a_temporary_application_ends_alone_and_can_be_started_again)
{
        cop_pid set = begin(temporary);
        crash("b");
        expect("end b boom");
        cop_status status;
        await_true((status = cop_start_application(set, "b")) != COP_E_ALREADY_STARTED);
        ck_assert_int_eq(status, COP_OK);
        expect("start b");
        fell(set);
        expect_end("cba");
}

IN_FAMILY(one_application_is_stopped_and_started_and_nobody_else)
{
        cop_pid set = begin(permanent);
        ck_assert_int_eq(cop_start_application(set, "a"), COP_E_ALREADY_STARTED);
        ck_assert_int_eq(cop_stop_application(set, "b"), COP_OK);
        ck_assert_int_eq(cop_stop_application(set, "a"), COP_OK);
        ck_assert_int_eq(cop_stop_application(set, "a"), COP_OK);
        expect_end("ba");
        ck_assert_int_eq(cop_start_application(set, "b"), COP_E_NEEDS);
        ck_assert_int_eq(cop_start_application(set, "x"), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_stop_application(set, "x"), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_stop_application(set, NULL), COP_E_BAD_ARGUMENT);
        let("a", FAILS);
        ck_assert_int_eq(cop_start_application(set, "a"), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()),
                         "{shutdown, {failed_to_start_child, a, {no_start, a}}}");
        let("a", STARTS);
        ck_assert_int_eq(cop_start_application(set, "a"), COP_OK);
        ck_assert_int_eq(cop_start_application(set, "b"), COP_OK);
        expect_start("ab");
        fell(set);
        expect_end("cba");
}

/* At work for a caller that has gone: what it begins now is its own matter. */
typedef struct {
        cop_pid set;
} wish;
COP_MESSAGE(wish, set);

typedef struct {
        int64_t unused;
} host;

static void host_on_wish(host *self, const wish *w)
{
        (void)self;
        say("asked", "host", "");
        while (cop_time_left() != 0)
                cop_yield();
        say("stop", cop_status_text(cop_stop_application(w->set, "b")), "");
        say("start", cop_status_text(cop_start_application(w->set, "b")), "");
}

COP_SERVER(host, COP_ON(wish, host_on_wish));

static void asks_host(const wish *w)
{
        cop_call(NULL, "host", COP_FOREVER, wish, .set = w->set);
}

IN_FAMILY(an_application_is_stopped_and_started_also_for_a_caller_that_has_gone)
{
        cop_pid set = begin(permanent), pid = cop_spawn_server(&host_server, "host");
        cop_pid caller = cop_spawn_with(asks_host, wish, .set = set);
        expect("asked host");
        put_down(caller);
        expect("end b shutdown");
        expect("stop success");
        expect("start b");
        expect("start success");
        put_down(pid);
        fell(set);
        expect_end("cba");
}

/* It is not to be missing, unless it has done its work. */
IN_FAMILY(a_transient_application_that_ends_as_normal_ends_nobody_else)
{
        cop_pid set = begin(transient);
        const struct cop__actor *b = cop__slot_of(cop_node_here(), cop_whereis("b"));
        ck_assert_int_eq(cop_stop(b->parent, cop_atom("normal"), PATIENCE_MS), COP_OK);
        expect_end("b");
        cop_status status;
        await_true((status = cop_start_application(set, "b")) != COP_E_ALREADY_STARTED);
        ck_assert_int_eq(status, COP_OK);
        expect("start b");
        fell(set);
        expect_end("cba");
}

/* ---- While one starts ------------------------------------------------------------------ */

/* h may hang, and is killed soon then. */
static const job job_h = { .id = "h", .traps = true };
static const cop_supervisor tree_h = {
        .children = (const cop_child[]){ { .id = "h", .server = &worker_server,
                                           .kind = COP_KIND_OF(job), .argument = &job_h,
                                           .shutdown_ms = 10 },
                                         { .id = NULL } },
};
static const cop_application hanging[] = {
        { .name = "a", .tree = &tree_a },
        { .name = "b", .tree = &tree_b, .type = COP_APPLICATION_TEMPORARY },
        { .name = "h", .tree = &tree_h, .needs = { "a", "b" }, .type = COP_APPLICATION_TEMPORARY },
        { .name = NULL },
};

static void steward(void)
{
        cop_pid set;
        cop_status status = cop_start_applications(hanging, &set);
        say(status == COP_E_DIED ? "died" : cop_status_text(status), "set",
            status == COP_E_DIED ? text_of(cop_failure()) : "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static cop_pid begin_to_hang(void)
{
        let("h", HANGS);
        cop_pid owner = cop_spawn(steward);
        expect_start("ab");
        expect("hang h");
        return owner;
}

IN_FAMILY(while_an_application_starts_the_end_of_who_started_the_set_is_obeyed)
{
        cop_pid owner = begin_to_hang();
        cop_ref down = watch(cop_whereis("h"));
        ck_assert_int_eq(cop_send_exit(owner, cop_atom("enough")), COP_OK);
        await_down(down, "killed");
        expect_end("ba");
}

IN_FAMILY(while_an_application_starts_the_end_of_one_that_must_not_be_missing_is_heard)
{
        cop_pid owner = begin_to_hang();
        cop_ref down = watch(cop_whereis("h"));
        crash("b"); /* may be missing */
        expect("end b boom");
        crash("a");
        expect("end a boom");
        await_down(down, "killed");
        expect("died set {shutdown, {failed_to_start_application, a, shutdown}}");
        put_down(owner);
}

static void starts_h(void)
{
        cop_status status = cop_start_application(cop_whereis("set"), "h");
        say("start", "was", status == COP_E_DIED ? text_of(cop_failure()) : cop_status_text(status));
}

IN_FAMILY(also_while_one_is_started_again)
{
        cop_pid set;
        ck_assert_int_eq(cop_start_applications(hanging, &set), COP_OK);
        ck_assert_int_eq(cop_register("set", set), COP_OK);
        expect_start("abh");
        ck_assert_int_eq(cop_stop_application(set, "h"), COP_OK);
        expect("end h shutdown");
        let("h", HANGS);
        cop_spawn(starts_h);
        expect("hang h");
        crash("a");
        expect("end a boom");
        expect_both("end b shutdown", "start was shutdown");
        await_exited(set, "shutdown");
}

/* ---- Without memory ---------------------------------------------------------------------- */

static cop_node *begin_simulated(cop_simulation *order)
{
        cop_node *node = node_begin((cop_node_options){ .simulation = order, .max_actors = 100 });
        attend();
        return node;
}

TEST(an_application_that_finds_no_memory_to_stop_runs_on_and_is_stopped_the_next_time)
{
        int refused = 0;
        for (uint64_t i = 0; i < 60; i++) {
                cop_simulation order = { .seed = i / 3 };
                cop_node *node = begin_simulated(&order);
                cop_pid set = begin(temporary);
                cop_simulation_refuse(node, 2 + i % 3);
                refused += cop_stop_application(set, "c") == COP_E_NO_MEMORY && cop_whereis("c").bits != 0;
                cop_simulation_refuse(node, 0);
                if (!cop_is_alive(set)) { /* no stack to wait on */
                        node_end(node);
                        continue;
                }
                ck_assert_int_eq(cop_stop_application(set, "c"), COP_OK);
                await_true(cop_whereis("c").bits == 0); /* a root without a stack to wait on leaves it to itself */
                ck_assert_int_eq(cop_start_application(set, "c"), COP_OK);
                ck_assert_uint_ne(cop_whereis("c").bits, 0);
                fell(set);
                node_end(node);
        }
        ck_assert_int_gt(refused, 0);
}

/* The supervisor at the root of an application, by its child. */
static cop_pid root_of(const char *child)
{
        const struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), cop_whereis(child));
        ck_assert_ptr_nonnull(actor);
        return cop__whom_it_obeys(actor);
}

static bool ended_well(cop_ref ref)
{
        cop_auto down = await(COP_REF(cop_down, ref));
        return cop_is_atom(cop_read(cop_down, down)->reason, "shutdown");
}

/*
 * What they say may find no memory either. And who finds no stack to wait on, the set or the root of an application, ends as it
 * can, and leaves what it has told to stop to itself.
 */
static void expect_end_in_reverse(const cop_ref ends[4])
{
        char before = 'd';
        bool waited = true;
        for (size_t i = 0; i < 4; i++)
                waited = ended_well(ends[i]) && waited;
        await_true(cop_whereis("a").bits == 0 && cop_whereis("b").bits == 0 && cop_whereis("c").bits == 0);
        for (cop_message *message; (message = cop_receive(0, COP_KIND(word))) != NULL;) {
                char letter = cop_read(word, message)->text.data[4]; /* of "end c shutdown" */
                if (waited)
                        ck_assert_msg(letter < before, "%c behind %c", letter, before);
                before = letter;
                cop_message_free(message);
        }
}

TEST(a_set_stops_in_reverse_also_if_one_finds_no_memory_for_that_at_first)
{
        for (uint64_t n = 1; n <= 40; n++) {
                cop_simulation order = { .seed = n };
                cop_node *node = begin_simulated(&order);
                cop_pid set = begin(temporary);
                cop_ref ends[] = { watch(set), watch(root_of("a")), watch(root_of("b")), watch(root_of("c")) };
                cop_simulation_refuse(node, n);
                while (cop_shutdown(set, COP_SHUTDOWN_INFINITY) != COP_OK)
                        ;
                cop_simulation_refuse(node, 0);
                expect_end_in_reverse(ends);
                node_end(node);
        }
}

TEST(a_set_that_is_wrong_is_refused_with_a_sentence)
{
        const cop_application twice[] = { { .name = "a", .tree = &tree_a },
                                          { .name = "a", .tree = &tree_a }, { .name = NULL } };
        const cop_application missing[] = { { .name = "a", .tree = &tree_a, .needs = { "x" } },
                                            { .name = NULL } };
        const cop_application circle[] = { { .name = "a", .tree = &tree_a, .needs = { "b" } },
                                           { .name = "b", .tree = &tree_b, .needs = { "a" } },
                                           { .name = NULL } };
        const cop_application nameless[] = { { .name = "", .tree = &tree_a }, { .name = NULL } };
        const cop_supervisor shop = { .name = "shop" };
        const cop_application clash[] = { { .name = "a", .tree = &shop }, { .name = "b", .tree = &shop },
                                          { .name = NULL } };
        const cop_application knot[] = { { .name = "x", .tree = &tree_a },
                                         { .name = "y", .tree = &tree_a, .needs = { "x", "c" } },
                                         { .name = "c", .tree = &tree_a, .needs = { "x", "d" } },
                                         { .name = "d", .tree = &tree_a, .needs = { "e" } },
                                         { .name = "e", .tree = &tree_a, .needs = { "c" } },
                                         { .name = NULL } };
        char endless[COP_NAME_MAX + 2] = "";
        memset(endless, 'x', sizeof(endless) - 1);
        const cop_application wordy[] = { { .name = endless, .tree = &tree_a }, { .name = NULL } };
        const cop_application treeless[] = { { .name = "a" }, { .name = NULL } };
        const cop_application strange[] = { { .name = "a", .tree = &tree_a,
                                              .type = (cop_application_type)9 },
                                            { .name = NULL } };
        const struct {
                const cop_application *set;
                const char *sentence;
        } cases[] = {
                { NULL, "there is no set: its pointer is NULL" },
                { twice, "application a: its name is not unique" },
                { missing, "application a: it needs x, which is not in the set" },
                { circle, "some applications need each other in a circle: a needs b, b needs a" },
                { treeless, "application a: there is no tree: its pointer is NULL" },
                { strange, "application a: type is 9" },
                { nameless, "application 1: its name is empty; a set ends with NULL" },
                { clash, "application b: its tree is called shop, as that of application a is" },
                { knot, "some applications need each other in a circle: c needs d, d needs e, e needs c" },
        };
        char text[200];
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_int_eq(cop_applications_check(cases[i].set, text, sizeof(text)),
                                 COP_E_BAD_ARGUMENT);
                ck_assert_str_eq(text, cases[i].sentence);
        }
        ck_assert_int_eq(cop_applications_check(wordy, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(text, ": its name has 64 bytes; it has at most 63"));
        cop_application many[1026] = { { .name = NULL } };
        for (int i = 0; i < 1025; i++)
                many[i] = (cop_application){ .name = "a", .tree = &tree_a };
        ck_assert_int_eq(cop_applications_check(many, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "applications are more than 1024");
        cop_pid pid;
        ck_assert_int_eq(cop_applications_check(permanent, NULL, 0), COP_OK);
        ck_assert_int_eq(cop_start_applications(permanent, &pid), COP_E_NO_NODE);
}
