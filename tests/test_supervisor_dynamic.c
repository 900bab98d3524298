/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Dynamic supervisors. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

#define CHILD(...) (&(const cop_child)__VA_ARGS__)
#define SESSIONS(...) \
        const cop_supervisor sessions = { .name = "sessions", .strategy = COP_DYNAMIC, __VA_ARGS__ }

static cop_pid start(cop_pid root, const cop_child *child)
{
        cop_pid pid = cop_no_pid();
        ck_assert_int_eq(cop_start_child(root, child, &pid), COP_OK);
        return pid;
}

/* DSU-06. */
IN_FAMILY(children_of_any_spec_come_and_go_by_pid)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        cop_pid a = start(root, CHILD(WORKER("a", .unnamed = true)));
        cop_pid b = start(root, CHILD(WORKER("a", .unnamed = true)));
        expect("start a");
        expect("start a");
        ck_assert(!cop_pid_equal(a, b));
        ck_assert_int_eq(count_of(root).active, 2);
        ck_assert_int_eq(cop_terminate_child(root, a), COP_OK);
        expect_end("a");
        ck_assert_int_eq(cop_terminate_child(root, a), COP_E_NOT_FOUND);
        ck_assert_int_eq(count_of(root).specs, 1);
        fell(root);
        expect_end("a");
}

IN_FAMILY(a_dynamic_child_with_an_id_is_registered_under_it)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        start(root, CHILD(WORKER("a")));
        expect("start a");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("a")), NULL), COP_E_DIED);
        start(root, CHILD({ .run = waits })); /* and one without is not */
        crash("a");
        expect("end a boom");
        expect("start a");
        fell(root);
}

IN_FAMILY(SUP_api_17_each_child_has_an_argument_of_its_own)
{
        const cop_child each = WORKER_WITH("x", ((job){ .id = "x", .traps = true }));
        SESSIONS(PATIENT, .each = &each);
        cop_pid root = grow(&sessions), pid = cop_no_pid();
        ck_assert_int_eq(cop_start_each(root, &pid, job, .id = "a", .traps = true), COP_OK);
        expect("start a");
        start(root, NULL);
        expect("start x");
        /* Where OTP shows ids as undefined, each has the template's. */
        cop_auto answer = children_of(root);
        const cop_children *all = cop_read(cop_children, answer);
        ck_assert_uint_eq(all->children.count, 2);
        for (size_t i = 0; i < 2; i++)
                ck_assert(cop_text_equal(all->children.items[i].id, "x"));
        dismiss(pid, cop_atom("boom"));
        expect("end a boom");
        expect("start a"); /* SUP-restart-25: with the same argument */
        expect_silence(root);
        fell(root);
        expect_both("end a shutdown", "end x shutdown");
}

IN_FAMILY(what_does_not_fit_each_is_refused)
{
        const cop_child each = { .server = &worker_server };
        SESSIONS(.each = &each);
        cop_pid root = grow(&sessions);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_each(root, NULL, ping, .number = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("a")), NULL), COP_E_BAD_ARGUMENT);
        const cop_child halves[] = { { .kind = COP_KIND_OF(job) }, { .argument = &(job){ .id = "a" } } };
        ck_assert_int_eq(cop_start_child(root, &halves[0], NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, &halves[1], NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_each(root, NULL, quit, .reason = { 0 }), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(count_of(root).specs, 0);
        fell(root);
}

static void takes_a_job(const job *j)
{
        (void)j;
        waits();
}

IN_FAMILY(an_argument_that_each_does_not_take_or_does_not_get_is_refused)
{
        const cop_child plain = { .run = waits }, eager = { .run_with = COP_RUN_WITH(takes_a_job, job) };
        const cop_supervisor plain_ones = { .strategy = COP_DYNAMIC, .each = &plain };
        const cop_supervisor eager_ones = { .strategy = COP_DYNAMIC, .each = &eager };
        cop_pid root = grow(&plain_ones);
        ck_assert_int_eq(cop_start_each(root, NULL, ping, .number = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_OK);
        fell(root);
        root = grow(&eager_ones);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_each(root, NULL, job, .id = "a"), COP_OK);
        ck_assert_int_eq(count_of(root).specs, 1);
        fell(root);
}

static void takes_a_ping(const ping *p)
{
        (void)p;
        waits();
}

typedef struct {
        int64_t number;
} pinged;

static void pinged_init(pinged *self, const ping *p)
{
        self->number = p->number;
}
COP_SERVER(pinged, COP_INIT_WITH(ping, pinged_init));

IN_FAMILY(an_argument_of_another_kind_than_each_has_for_its_function_is_refused)
{
        const cop_child each = { .run_with = COP_RUN_WITH(takes_a_job, job), .kind = COP_KIND_OF(job),
                                 .argument = &(job){ .id = "a" } };
        SESSIONS(.each = &each);
        cop_pid root = grow(&sessions);
        ck_assert_int_eq(cop_start_each(root, NULL, ping, .number = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_each(root, NULL, job, .id = "b"), COP_OK);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_OK);
        ck_assert_int_eq(count_of(root).specs, 2);
        fell(root);
}

IN_FAMILY(another_each_that_does_not_take_what_children_were_started_with_is_refused)
{
        const cop_child each = WORKER_WITH("x", ((job){ .id = "x", .traps = true }));
        const cop_child others[] = { { .server = &pinged_server, .kind = COP_KIND_OF(ping), .argument = &(ping){ 1 } },
                                     { .run_with = COP_RUN_WITH(takes_a_ping, ping), .kind = COP_KIND_OF(ping),
                                       .argument = &(ping){ 1 } },
                                     { .run = waits } };
        const cop_child bare = { .server = &worker_server }, same = WORKER_WITH("y", ((job){ .id = "y", .traps = true }));
        const cop_supervisor bare_ones = { .strategy = COP_DYNAMIC, .each = &bare };
        const cop_supervisor same_ones = { PATIENT, .strategy = COP_DYNAMIC, .each = &same };
        SESSIONS(PATIENT, .each = &each);
        cop_pid root = grow(&sessions), pid;
        ck_assert_int_eq(cop_start_each(root, &pid, job, .id = "a", .traps = true), COP_OK);
        expect("start a");
        for (size_t i = 0; i < COP__COUNT(others); i++) {
                const cop_supervisor other_ones = { PATIENT, .strategy = COP_DYNAMIC, .each = &others[i] };
                ck_assert_int_eq(cop_replace_specs(root, &other_ones), COP_E_BAD_ARGUMENT);
        }
        dismiss(pid, cop_atom("boom"));
        expect("end a boom");
        pid = expect("start a");
        ck_assert_int_eq(cop_replace_specs(root, &same_ones), COP_OK);
        dismiss(pid, cop_atom("boom"));
        expect("end a boom");
        expect("start a"); /* with its own argument still */
        start(root, NULL);
        expect("start y");
        ck_assert_int_eq(cop_replace_specs(root, &bare_ones), COP_E_BAD_ARGUMENT); /* y would have none */
        fell(root);
        expect_both("end y shutdown", "end a shutdown");
}

/* OTP's template is a list of exactly one spec. Here it is `each`, and none is right as well: any child may be started then, as
 * with Elixir's DynamicSupervisor. */
IN_FAMILY(SUP_start_17_a_dynamic_supervisor_has_no_list_of_children)
{
        const cop_child named = { .supervisor = &(cop_supervisor){ .name = "desk" } };
        char text[200];
        ck_assert_int_eq(cop_supervisor_check(&(cop_supervisor){ .strategy = COP_DYNAMIC }, text, sizeof(text)), COP_OK);
        ck_assert_int_eq(cop_supervisor_check(&(cop_supervisor){ .strategy = COP_DYNAMIC,
                                                                 .children = ABC(0) },
                                              text, sizeof(text)),
                         COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "supervisor: children is set; those of COP_DYNAMIC are started later");
        ck_assert_int_eq(cop_supervisor_check(&(cop_supervisor){ .max_children = 1 }, text,
                                              sizeof(text)),
                         COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "supervisor: max_children is set, but its strategy is not COP_DYNAMIC");
        ck_assert_int_eq(cop_supervisor_check(&(cop_supervisor){ .strategy = COP_DYNAMIC,
                                                                 .each = &named },
                                              text, sizeof(text)),
                         COP_E_BAD_ARGUMENT);
}

static void expect_not_known_by_id(cop_pid root, cop_pid a)
{
        cop_message *answer;
        expect("start a");
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_restart_child(root, a, NULL), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_delete_child(root, "a"), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_delete_child(root, a), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_get_child(root, "a", &answer), COP_E_DYNAMIC);
        ck_assert_int_eq(cop_get_child(root, a, &answer), COP_OK);
        cop_message_free(answer);
        expect_silence(root);
        fell(root);
        expect_end("a");
}

IN_FAMILY(SUP_api_18_dynamic_children_are_not_known_by_id_nor_kept)
{
        const cop_child each = WORKER("a");
        const cop_supervisor alike = { .name = "sessions", .strategy = COP_DYNAMIC, .each = &each };
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        expect_not_known_by_id(root, start(root, CHILD(WORKER("a"))));
        root = grow(&alike);
        expect_not_known_by_id(root, start(root, NULL));
}

IN_FAMILY(DSU_01_more_than_max_children_are_refused)
{
        SESSIONS(.max_children = 2);
        cop_pid root = grow(&sessions), pid = { 7 };
        cop_pid first = start(root, CHILD({ .run = waits }));
        start(root, CHILD({ .run = waits }));
        ck_assert_int_eq(cop_start_child(root, CHILD({ .run = waits }), &pid), COP_E_MAX_CHILDREN);
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_int_eq(cop_terminate_child(root, first), COP_OK);
        start(root, CHILD({ .run = waits }));
        fell(root);
}

IN_FAMILY(DSU_01_who_is_about_to_be_restarted_counts)
{
        SESSIONS(.max_children = 1, .intensity = COP_RESTARTS_FOR_EVER);
        cop_pid root = grow(&sessions), pid;
        cop_pid a = start(root, CHILD(WORKER("a")));
        expect("start a");
        let("a", FAILS);
        cop_send(a, quit, .reason = cop_atom("boom"));
        expect("end a boom");
        await_true(tries_of("a") > 3);
        for (int i = 0; i < 200; i++)
                ck_assert_int_eq(cop_start_child(root, CHILD({ .run = waits }), &pid), COP_E_MAX_CHILDREN);
        fell(root);
}

typedef struct {
        int64_t unused;
} shy;
static void shy_init(shy *self)
{
        (void)self;
        cop_ignore();
}
COP_SERVER(shy, COP_INIT(shy_init));

IN_FAMILY(SUP_start_08_a_dynamic_child_that_ignores_its_start_is_not_kept)
{
        const cop_child each = { .server = &shy_server };
        const cop_supervisor trees[] = { { .strategy = COP_DYNAMIC }, { .strategy = COP_DYNAMIC, .each = &each } };
        for (int i = 0; i < 2; i++) {
                cop_pid root = grow(&trees[i]), pid = { 7 };
                ck_assert_int_eq(cop_start_child(root, i == 0 ? &each : NULL, &pid), COP_OK);
                ck_assert_uint_eq(pid.bits, 0);
                ck_assert_int_eq(count_of(root).specs, 0);
                fell(root);
        }
}

/* Its init does what its argument says. */
typedef struct oddity {
        int64_t faults, exits, ignores;
} oddity;
COP_MESSAGE(oddity, faults, exits, ignores);
typedef struct {
        int64_t unused;
} odd;
static void odd_init(odd *self, const oddity *o)
{
        volatile int64_t *nowhere = NULL;
        if (o->faults)
                self->unused = *nowhere;
        if (o->exits)
                cop_exit(cop_atom("normal"));
        if (o->ignores)
                cop_ignore();
}
COP_SERVER(odd, COP_INIT_WITH(oddity, odd_init));

#define ODD(...) CHILD({ .server = &odd_server, .kind = COP_KIND_OF(oddity), .argument = &(oddity){ __VA_ARGS__ } })

/* What Elixir's may return or throw, an init here exits with: a value of its own, what ends well elsewhere, or a fault. */
IN_FAMILY(DSU_03_a_dynamic_child_that_cannot_start_is_an_answer_with_its_reason)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions), pid = { 7 };
        let("a", FAILS);
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("a")), &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{no_start, a}");
        ck_assert_int_eq(cop_start_child(root, ODD(.faults = 1), &pid), COP_E_DIED);
        ck_assert_int_eq(strncmp(text_of(cop_failure()), "{fault, ", 8), 0);
        ck_assert_int_eq(cop_start_child(root, ODD(.exits = 1), &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "normal");
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_int_eq(cop_start_child(root, ODD(.ignores = 1), &pid), COP_OK);
        ck_assert_uint_eq(pid.bits, 0);
        ck_assert_int_eq(count_of(root).specs, 0);
        ck_assert_int_eq(restarts_of(root), 0);
        ck_assert_int_eq(cop_start_child(root, ODD(0), &pid), COP_OK);
        ck_assert(cop_is_alive(pid));
        fell(root);
}

IN_FAMILY(DSU_05_a_restart_that_fails_is_tried_again_and_each_try_counts)
{
        SESSIONS(.intensity = COP_RESTARTS_FOR_EVER);
        cop_pid root = grow(&sessions), a = start(root, CHILD(WORKER("a")));
        expect("start a");
        let("a", FAILS);
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        await_true(tries_of("a") > 3);
        let("a", STARTS);
        expect("start a");
        expect_silence(root);
        ck_assert_int_eq(restarts_of(root), (int64_t)tries_of("a") - 1);
        ck_assert_int_eq(count_of(root).active, 1);
        fell(root);
}

IN_FAMILY(DSU_07_a_restarting_child_is_terminated_by_its_old_pid)
{
        SESSIONS(.intensity = COP_RESTARTS_FOR_EVER);
        cop_pid root = grow(&sessions), a = start(root, CHILD(WORKER("a")));
        expect("start a");
        let("a", FAILS);
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        await_true(tries_of("a") > 3);
        ck_assert_int_eq(cop_terminate_child(root, a), COP_OK); /* wherever its next start is */
        ck_assert_int_eq(count_of(root).specs, 0);
        uint32_t tries = tries_of("a");
        expect_silence(root);
        ck_assert_uint_eq(tries_of("a"), tries);
        fell(root);
}

/* Nobody could: such a breaker closes only when it is asked for. */
IN_FAMILY(a_dynamic_child_whose_breaker_is_open_for_ever_is_started_by_its_old_pid)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions), next = cop_no_pid();
        cop_pid a = start(root, CHILD(WORKER("a", .breaker = { .failures = 1, .open_ms = COP_FOREVER })));
        expect("start a");
        ck_assert_int_eq(cop_restart_child(root, a, NULL), COP_E_DYNAMIC);
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        await_true(strcmp(ask_child(root, "a", "state"), "open") == 0);
        let("a", FAILS);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(cop_restart_child(root, a, NULL), COP_E_DIED);
                ck_assert_str_eq(ask_child(root, "a", "state"), "open");
        }
        let("a", STARTS);
        ck_assert_int_eq(cop_restart_child(root, a, &next), COP_OK);
        ck_assert(cop_pid_equal(expect("start a"), next));
        ck_assert_int_eq(cop_restart_child(root, next, NULL), COP_E_DYNAMIC);
        fell(root);
}

/* Nothing else than the old pid is known of it until its init has ended. */
IN_FAMILY(DSU_07_also_while_its_init_takes_long)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions), a = start(root, CHILD(WORKER("a", .shutdown_ms = COP_BRUTAL_KILL)));
        expect("start a");
        let("a", HANGS);
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        cop_pid next = expect("hang a");
        cop_ref ref = watch(next);
        cop_message *answer;
        ck_assert_int_eq(cop_get_child(root, a, &answer), COP_OK);
        cop_message_free(answer);
        ck_assert_int_eq(cop_get_child(root, next, &answer), COP_OK);
        cop_message_free(answer);
        ck_assert_int_eq(cop_terminate_child(root, a), COP_OK);
        await_down(ref, "killed");
        ck_assert_int_eq(count_of(root).specs, 0);
        ck_assert_int_eq(cop_terminate_child(root, a), COP_E_NOT_FOUND);
        fell(root);
        nothing_has_come();
}

/* A pid is that of a life that is over as soon as another one runs. */
IN_FAMILY(a_dynamic_child_that_runs_again_is_not_found_by_its_old_pid)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions), a = start(root, CHILD(WORKER("a")));
        expect("start a");
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        cop_pid next = expect("start a");
        expect_silence(root);
        ck_assert_int_eq(cop_terminate_child(root, a), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_terminate_child(root, next), COP_OK);
        expect_end("a");
        fell(root);
}

IN_FAMILY(transient_and_temporary_dynamic_children_are_forgotten_when_they_end_well)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        cop_pid a = start(root, CHILD(WORKER("a", .restart = COP_TRANSIENT)));
        cop_pid b = start(root, CHILD(WORKER("b", .restart = COP_TEMPORARY)));
        expect_start("ab");
        dismiss(a, cop_atom("normal"));
        expect("end a normal");
        dismiss(b, cop_atom("boom"));
        expect("end b boom");
        await_true(count_of(root).specs == 0);
        ck_assert_int_eq(restarts_of(root), 0);
        fell(root);
}

/* Ends when it is told to go, which nobody does before all have been asked to stop. */
typedef struct {
        char id[8];
} lingerer;
static void lingerer_init(lingerer *self, const job *j)
{
        cop_trap_exit(true);
        memcpy(self->id, j->id, sizeof(self->id));
        say("start", self->id, "");
}
static void lingerer_terminate(lingerer *self, cop_term reason)
{
        say("end", self->id, text_of(reason));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        say("done", self->id, "");
}
COP_SERVER(lingerer, COP_INIT_WITH(job, lingerer_init), COP_TERMINATE(lingerer_terminate));

#define LINGERER(id_, ...) \
        CHILD({ .server = &lingerer_server, .kind = COP_KIND_OF(job), .argument = &(job){ .id = id_ }, __VA_ARGS__ })

static cop_pid tree_to_fell;

static void fells_the_tree(void)
{
        cop_shutdown(tree_to_fell, COP_SHUTDOWN_INFINITY);
}

IN_FAMILY(DSU_08_dynamic_children_are_stopped_together)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        cop_pid a = start(root, LINGERER("a", .shutdown_ms = COP_SHUTDOWN_INFINITY));
        cop_pid b = start(root, LINGERER("b", .shutdown_ms = 1000000));
        cop_pid c = start(root, CHILD(WORKER("c", .shutdown_ms = COP_BRUTAL_KILL)));
        expect_start("abc");
        cop_ref ref = watch(c);
        tree_to_fell = root;
        cop_spawn(fells_the_tree);
        await_down(ref, "killed");
        expect_both("end b shutdown", "end a shutdown"); /* both, and neither is done */
        cop_send(b, go, .unused = 0);
        expect("done b");
        cop_send(a, go, .unused = 0);
        expect("done a");
        await_exited(root, "shutdown");
        nothing_has_come();
}

IN_FAMILY(SUP_stop_09_fast_children_stop_and_slow_ones_are_killed_at_their_limit)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        cop_pid fast = start(root, CHILD(WORKER("a", .shutdown_ms = 30)));
        cop_pid slow = start(root, CHILD(WORKER_WITH("b", ((job){ .id = "b", .stop_ms = 1000000 }),
                                                     .shutdown_ms = 30)));
        expect_start("ab");
        cop_ref fast_ref = watch(fast), slow_ref = watch(slow);
        uint64_t before_ns = cop__clock_ns();
        fell(root);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 30 * COP__NS_PER_MS);
        await_down(fast_ref, "shutdown");
        await_down(slow_ref, "killed");
}

static void answers_shutdown_oddly(void)
{
        cop_trap_exit(true);
        say("odd", "x", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        cop_exit(cop_atom("offended"));
}

IN_FAMILY(SUP_stop_11_children_may_answer_shutdown_with_other_reasons)
{
        SESSIONS(PATIENT);
        cop_pid root = grow(&sessions);
        cop_ref ref = watch(root);
        for (int i = 0; i < 3; i++) {
                start(root, CHILD({ .run = answers_shutdown_oddly }));
                expect("odd x");
        }
        fell(root);
        await_down(ref, "shutdown");
}

IN_FAMILY(a_dynamic_supervisor_that_gives_up_stops_all)
{
        SESSIONS(.intensity = 1, .period_ms = 1000000);
        cop_pid root = grow(&sessions), a = start(root, CHILD(WORKER("a")));
        start(root, CHILD(WORKER("b")));
        expect_start("ab");
        dismiss(a, cop_atom("boom"));
        expect("end a boom");
        expect("start a");
        crash("a");
        expect("end a boom");
        expect_end("b");
        await_exited(root, "shutdown");
}

/* ---- Many ----------------------------------------------------------------------------------- */

static void idles(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_FAMILY(SUP_api_14_counts_are_exact_with_thousands_of_children)
{
        const cop_child each = { .run = idles, .restart = COP_TEMPORARY };
        SESSIONS(.each = &each);
        static cop_pid pids[2000];
        cop_pid root = grow(&sessions);
        for (int i = 0; i < 2000; i++) {
                if (i == 1000)
                        ck_assert_int_eq(count_of(root).active, 1000);
                pids[i] = start(root, NULL);
        }
        ck_assert(count_of(root).specs == 2000 && count_of(root).workers == 2000);
        for (int i = 0; i < 2000; i++)
                cop_send_exit(pids[i], cop_atom("kill"));
        await_true(count_of(root).specs == 0);
        ck_assert_int_eq(count_of(root).active, 0);
        fell(root);
}

/* So many nodes are looked at on the way to one that is there, on average. */
static double steps_to_find(const struct cop__table *table)
{
        double steps = 0;
        for (size_t i = 0; i < table->capacity; i++) {
                double length = 0;
                for (struct cop__table_node *node = table->buckets[i]; node != NULL; node = node->next)
                        steps += ++length;
        }
        return steps / (double)table->count;
}

/* The turns that it takes to terminate so many, each by its pid, the oldest first. */
static uint64_t turns_to_terminate(cop_node *node, int count)
{
        const cop_child each = { .run = idles, .restart = COP_TEMPORARY };
        SESSIONS(.each = &each);
        static cop_pid pids[10000];
        cop_pid root = grow(&sessions);
        for (int i = 0; i < count; i++)
                pids[i] = start(root, NULL);
        const struct cop__supervisor *supervisor = cop__slot_of(node, root)->state; /* nobody runs but us */
        ck_assert_uint_eq(supervisor->roster->by_pid.count, (size_t)count);
        double steps = steps_to_find(&supervisor->roster->by_pid);
        ck_assert_msg(steps < 3, "%g steps to find one of %d", steps, count);
        uint64_t before = simulation_of(node).turns;
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(cop_terminate_child(root, pids[i]), COP_OK);
        uint64_t turns = simulation_of(node).turns - before;
        ck_assert_int_eq(count_of(root).specs, 0);
        fell(root);
        return turns;
}

/* OTP's suite allows 50 times as long for ten times as many. Here nothing is measured in time: as few steps to find one, as
 * many turns for each. */
TEST(SUP_api_21_a_child_is_terminated_among_thousands_as_among_hundreds)
{
        int few = suite_is_slow() ? 100 : 1000;
        cop_simulation order = { .seed = 7 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 16384 });
        attend();
        uint64_t few_turns = turns_to_terminate(node, few), many_turns = turns_to_terminate(node, 10 * few);
        ck_assert_uint_lt(many_turns, 11 * few_turns);
        node_end(node);
}

IN_FAMILY(many_that_crash_at_once_are_all_restarted)
{
        enum { COUNT = 500 };
        const cop_child each = { .run = idles };
        SESSIONS(.intensity = COP_RESTARTS_FOR_EVER, .each = &each);
        static cop_pid pids[COUNT];
        cop_pid root = grow(&sessions);
        for (int i = 0; i < COUNT; i++)
                pids[i] = start(root, NULL);
        for (int i = 0; i < COUNT; i++)
                cop_send_exit(pids[i], cop_atom("boom"));
        await_true(restarts_of(root) == COUNT);
        ck_assert_int_eq(count_of(root).active, COUNT);
        fell(root);
}

IN_FAMILY(a_dynamic_supervisor_that_is_killed_gives_everything_back)
{
        const cop_child each = { .run = idles };
        const cop_supervisor sessions = { .strategy = COP_DYNAMIC, .each = &each };
        int64_t before = 0;
        for (int round = 0; round < 6; round++) {
                cop_pid root = grow(&sessions), last = cop_no_pid();
                for (int i = 0; i < 20; i++)
                        last = start(root, NULL);
                cop_ref ref = watch(last);
                put_down(root);
                await_down(ref, "killed");
                await_exited(root, "killed");
                if (round == 2)
                        before = blocks_in_use(node);
        }
        await_true(blocks_in_use(node) <= before + 4);
        for (uint32_t i = 0; i < cop__census_count(&node->census); i++) {
                struct cop__census_entry entry;
                await_true(!cop__census_read(&node->census, i, &entry));
        }
}
