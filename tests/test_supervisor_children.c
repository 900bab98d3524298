/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The children of a supervisor that runs: children.h. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

/* Does what its argument says when it starts: ignores, or tells its starter something. */
typedef struct whim {
        int64_t ignores, extra;
} whim;
COP_MESSAGE(whim, ignores, extra);
typedef struct {
        int64_t unused;
} moody;
static bool mood_ignores;
static void moody_init(moody *self, const whim *w)
{
        (void)self;
        if (w->ignores && cop__load_acquire(&mood_ignores))
                cop_ignore();
        if (w->extra)
                cop_start_extra(COP_TUPLE(cop_atom("port"), cop_int(w->extra)));
}
COP_SERVER(moody, COP_INIT_WITH(whim, moody_init));

static void be_moody(bool ignores)
{
        cop__store_release(&mood_ignores, ignores);
}

#define MOODY(id_, ...)                                                                   \
        { .id = id_, .server = &moody_server, .kind = COP_KIND_OF(whim),                  \
          .argument = &(whim){ __VA_ARGS__ } }

#define CHILD(...) (&(const cop_child)__VA_ARGS__)

/* What a start that failed has left as the reason. */
#define expect_failure(status, reason)                                                    \
        do {                                                                              \
                ck_assert_int_eq((status), COP_E_DIED);                                   \
                ck_assert_str_eq(text_of(cop_failure()), reason);                         \
        } while (0)

/* ---- Start ---------------------------------------------------------------------------------- */

IN_FAMILY(a_child_is_started_behind_the_others_and_restarted_like_them)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc"), d = cop_no_pid();
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d")), &d), COP_OK);
        ck_assert(cop_pid_equal(expect("start d"), d));
        ck_assert(cop_pid_equal(cop_whereis("d"), d));
        crash("c");
        expect("end c boom");
        expect_end("d");
        expect_start("cd");
        expect_silence(root);
        fell(root);
        expect_end("dcba");
}

IN_FAMILY(SUP_api_01_a_child_that_runs_has_already_been_started)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a"), pid = cop_no_pid();
        ck_assert_int_eq(cop_start_child("shop", CHILD(WORKER("a")), &pid), COP_E_ALREADY_STARTED);
        ck_assert(cop_pid_equal(pid, cop_whereis("a")));
        expect_silence(root);
        fell(root);
}

IN_FAMILY(SUP_api_02_a_child_that_has_stopped_is_already_present)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a"), pid = { 7 };
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        expect_end("a");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("a")), &pid), COP_E_ALREADY_PRESENT);
        ck_assert_uint_eq(pid.bits, 7);
        fell(root);
}

IN_FAMILY(SUP_start_10_a_child_that_cannot_start_is_an_answer_and_is_not_kept)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a"), pid = { 7 };
        let("b", FAILS);
        expect_failure(cop_start_child(root, CHILD(WORKER("b")), &pid), "{no_start, b}");
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_str_eq(ask_child(root, "b", "state"), "no such child");
        ck_assert_int_eq(restarts_of(root), 0);
        let("b", STARTS);
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("b")), &pid), COP_OK);
        expect("start b");
        fell(root);
        expect_end("ba");
}

/* Faults before it has begun. */
typedef struct {
        int64_t unused;
} frail;
static void frail_init(frail *self)
{
        volatile int64_t *nowhere = NULL;
        say("born", "frail", "");
        self->unused = *nowhere;
}
COP_SERVER(frail, COP_INIT(frail_init));

IN_FAMILY(SUP_start_10_a_fault_in_its_init_is_an_answer_too)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a"), pid = { 7 };
        ck_assert_int_eq(cop_start_child(root, CHILD({ .id = "f", .server = &frail_server }), &pid), COP_E_DIED);
        ck_assert_int_eq(strncmp(text_of(cop_failure()), "{fault, ", 8), 0);
        ck_assert_str_eq(outcome_of(expect("born frail")), "shop was asked to start it, and told so");
        ck_assert_int_eq(cop_start_child(root, CHILD({ .id = "f" }), &pid), COP_E_BAD_ARGUMENT); /* nothing says what it runs */
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_str_eq(ask_child(root, "f", "state"), "no such child");
        ck_assert_int_eq(restarts_of(root), 0);
        fell(root);
        expect_end("a");
}

IN_FAMILY(a_child_whose_name_is_taken_cannot_start)
{
        TREE(shop, .children = NULL);
        char wanted[64], pid[COP_ID_TEXT_MAX];
        cop_pid root = grow(&shop);
        snprintf(wanted, sizeof(wanted), "{already_started, %s}", cop_pid_print(cop_self(), pid));
        expect_failure(cop_start_child(root, CHILD(WORKER("witness")), NULL), wanted);
        ck_assert_int_eq(count_of(root).specs, 0);
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("witness", .unnamed = true)), NULL),
                         COP_OK);
        expect("start witness");
        fell(root);
        expect("end witness shutdown");
}

IN_FAMILY(SUP_start_06_a_child_that_ignores_its_start_is_kept_without_a_process)
{
        TREE(shop, .children = COP_CHILDREN(MOODY("m", .ignores = 1), WORKER("a")));
        be_moody(true);
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_str_eq(ask_child(root, "m", "state"), "stopped");
        ck_assert_str_eq(ask_child(root, "m", "pid"), "undefined");
        ck_assert_uint_eq(cop_whereis("m").bits, 0);
        cop_pid pid = { 7 };
        ck_assert_int_eq(cop_start_child(root, CHILD(MOODY("n", .ignores = 1)), &pid), COP_OK);
        ck_assert_uint_eq(pid.bits, 0);
        ck_assert_str_eq(ask_child(root, "n", "state"), "stopped");
        be_moody(false);
        ck_assert_int_eq(cop_restart_child(root, "n", &pid), COP_OK);
        ck_assert(cop_is_alive(pid));
        expect_silence(root);
        fell(root);
        expect_end("a");
}

IN_FAMILY(a_temporary_child_that_ignores_its_start_is_not_kept)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop), pid = { 7 };
        be_moody(true);
        cop_child child = MOODY("m", .ignores = 1);
        child.restart = COP_TEMPORARY;
        ck_assert_int_eq(cop_start_child(root, &child, &pid), COP_OK);
        ck_assert_uint_eq(pid.bits, 0);
        ck_assert_int_eq(count_of(root).specs, 0);
        fell(root);
}

IN_FAMILY(SUP_restart_13_a_child_whose_start_was_ignored_is_tried_again_with_its_siblings)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN(MOODY("m", .ignores = 1), WORKER("a")));
        be_moody(true);
        cop_pid root = grow_and_expect(&shop, "a");
        be_moody(false);
        crash("a");
        expect("end a boom");
        expect("start a");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "m", "state"), "running");
        fell(root);
}

IN_FAMILY(SUP_restart_15_a_restart_that_is_ignored_is_the_last)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(MOODY("m", .ignores = 1)));
        be_moody(false);
        cop_pid root = grow(&shop);
        be_moody(true);
        put_down(cop_whereis("m"));
        await_true(strcmp(ask_child(root, "m", "state"), "stopped") == 0);
        ck_assert_int_eq(restarts_of(root), 1);
        fell(root);
}

IN_FAMILY(SUP_start_09_what_an_init_tells_reaches_who_started_it)
{
        TREE(shop, .children = COP_CHILDREN(MOODY("m", .extra = 80)));
        cop_pid root = grow(&shop), pid;
        cop_term extra;
        cop_child n = MOODY("n", .extra = 443);
        ck_assert_int_eq(cop_start_child_of(cop_to_pid(root), &n, &pid, &extra), COP_OK);
        ck_assert_str_eq(text_of(extra), "{port, 443}");
        cop_term_free(extra);
        ck_assert_int_eq(cop_terminate_child(root, "n"), COP_OK);
        ck_assert_int_eq(cop_restart_child_of(cop_to_pid(root), cop_to_name("n"), &pid, &extra),
                         COP_OK);
        ck_assert_str_eq(text_of(extra), "{port, 443}");
        cop_term_free(extra);
        fell(root);
}

IN_FAMILY(DSU_09_a_wrong_spec_is_refused_before_anyone_is_asked)
{
        char sentence[128];
        const cop_child wrong = WORKER("a", .restart = 9);
        ck_assert_int_eq(cop_child_check(&wrong, sentence, sizeof(sentence)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(sentence, "a supervisor: child a: restart is 9; it is COP_PERMANENT, "
                                   "COP_TRANSIENT or COP_TEMPORARY");
        ck_assert_int_eq(cop_child_check(NULL, sentence, sizeof(sentence)), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child("nobody", &wrong, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_child_check(CHILD(WORKER("a")), NULL, 0), COP_OK);
}

IN_FAMILY(a_spec_that_does_not_fit_its_supervisor_is_refused)
{
        TREE(shop, .strategy = COP_ONE_FOR_ALL, .children = NULL);
        cop_pid root = grow(&shop);
        ck_assert_int_eq(cop_start_child(root, CHILD({ .server = &worker_server }), NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, CHILD({ .run = waits }), NULL), COP_E_BAD_ARGUMENT); /* it has no id */
        ck_assert_int_eq(cop_start_child(root, CHILD({ .id = "x", .run = waits,
                                                       .breaker = { .failures = 1 } }), NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, CHILD({ .id = "x", .run = waits, .significant = true,
                                                       .restart = COP_TEMPORARY }), NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(count_of(root).specs, 0);
        fell(root);
}

/* ---- While a child starts ------------------------------------------------------------------- */

static void starts_one(const ping *root)
{
        cop_status status = cop_start_child((cop_pid){ (uint64_t)root->number }, CHILD(WORKER("a")), NULL);
        cop_send("witness", word, .text = cop_text_of(status == COP_E_DIED ? "died" : cop_status_text(status)));
}

IN_FAMILY(who_has_asked_for_a_start_hears_that_the_supervisor_is_killed_meanwhile)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop);
        let("a", HANGS);
        cop_spawn_with(starts_one, ping, .number = (int64_t)root.bits);
        expect("hang a");
        put_down(root);
        expect("died");
}

static void ends_one(const ping *root)
{
        cop_terminate_child((cop_pid){ (uint64_t)root->number }, "a");
        cop_send("witness", word, .text = cop_text_of("terminated"));
}

IN_FAMILY(a_child_that_has_started_after_it_was_asked_to_stop_is_stopped)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        let("a", HANGS);
        crash("a");
        expect("end a boom");
        cop_pid a = expect("hang a");
        cop_spawn_with(ends_one, ping, .number = (int64_t)root.bits);
        await_true(strcmp(ask_child(root, "a", "state"), "stopping") == 0);
        cop_send(a, go, 0);
        expect("start a");
        expect("end a shutdown");
        expect("terminated");
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        fell(root);
}

IN_FAMILY(a_child_that_undid_its_link_can_be_terminated_and_started_again)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_send("a", leave_home, 0);
        expect("left a");
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        expect("end a shutdown");
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_OK);
        expect("start a");
        fell(root);
        expect_end("a");
}

typedef struct wish {
        int64_t what;
} wish;
COP_MESSAGE(wish, what);
enum { START_D = 1, RESTART_A, TERMINATE_A };

/* Another actor asks, and says how it went. */
static void asks(const void *argument)
{
        const wish *w = argument;
        cop_pid pid = cop_no_pid();
        cop_status status = COP_E_BAD_ARGUMENT;
        if (w->what == START_D)
                status = cop_start_child("shop", CHILD(WORKER("d")), &pid);
        else if (w->what == RESTART_A)
                status = cop_restart_child("shop", "a", &pid);
        else
                status = cop_terminate_child("shop", "a");
        say("answer", status == COP_E_DIED ? text_of(cop_failure()) : cop_status_text(status), "");
}

static void let_ask(int64_t what)
{
        cop_spawn_opt(&(cop_spawn_options){ .run_with = asks, .kind = COP_KIND_OF(wish),
                                            .argument = &(wish){ what } },
                      &(cop_pid){ 0 });
}

IN_FAMILY(SUP_start_21_a_start_that_hangs_holds_up_its_starter_and_nobody_else)
{
        TREE(shop, PATIENT, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("d", HANGS);
        let_ask(START_D);
        cop_pid d = expect("hang d");
        ck_assert_str_eq(ask_child(root, "d", "state"), "starting");
        crash("b");
        expect("end b boom");
        expect("start b");
        ck_assert_int_eq(cop_terminate_child(root, "c"), COP_OK);
        expect_end("c");
        ck_assert_int_eq(cop_restart_child(root, "c", NULL), COP_OK);
        expect("start c");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d")), NULL), COP_E_ALREADY_STARTED);
        ck_assert_int_eq(cop_delete_child(root, "d"), COP_E_RUNNING);
        cop_send(d, go, .unused = 0);
        expect_both("start d", "answer success");
        fell(root);
        expect_end("dcba");
}

IN_FAMILY(a_start_that_hangs_can_be_terminated)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop);
        let("d", HANGS);
        let_ask(START_D);
        cop_pid d = expect("hang d");
        cop_ref ref = watch(d);
        ck_assert_int_eq(cop_terminate_child(root, "d"), COP_OK);
        await_down(ref, "killed");
        expect("answer shutdown");
        ck_assert_int_eq(count_of(root).specs, 0); /* it never was */
        fell(root);
}

IN_FAMILY(a_restart_that_hangs_does_not_hold_up_the_other_children)
{
        TREE(shop, PATIENT, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", HANGS);
        crash("b");
        expect("end b boom");
        cop_pid b = expect("hang b");
        for (int i = 0; i < 3; i++) {
                crash("a");
                expect("end a boom");
                expect("start a");
        }
        cop_send(b, go, .unused = 0);
        expect("start b");
        fell(root);
        expect_end("cba");
}

IN_FAMILY(a_stop_that_takes_its_time_does_not_hold_up_the_other_children)
{
        TREE(shop, PATIENT,
             .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a", .stop_ms = 1000000 }),
                                                  .shutdown_ms = COP_SHUTDOWN_INFINITY),
                                      WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_pid a = cop_whereis("a");
        let_ask(TERMINATE_A);
        expect_end("a");
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopping");
        crash("b");
        expect("end b boom");
        expect("start b");
        ck_assert_int_eq(cop_restart_child(root, "a", NULL), COP_E_RUNNING);
        let_ask(TERMINATE_A); /* two wait for the same end */
        settle_with(root);
        put_down(a);
        expect("answer success");
        expect("answer success");
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        fell(root);
        expect_end("b");
}

IN_FAMILY(a_child_that_is_started_while_its_siblings_are_restarted_waits_for_its_turn)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", HANGS);
        crash("c");
        expect("end c boom");
        expect_end("ba");
        expect("start a");
        cop_pid b = expect("hang b");
        let_ask(START_D);
        await_true(count_of(root).specs == 4);
        ck_assert_str_eq(ask_child(root, "d", "state"), "waiting");
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d")), NULL), COP_E_ALREADY_PRESENT);
        ck_assert_int_eq(cop_restart_child(root, "c", NULL), COP_E_RESTARTING);
        ck_assert_int_eq(cop_delete_child(root, "c"), COP_E_RESTARTING);
        cop_send(b, go, .unused = 0);
        expect_start("bc");
        expect_both("start d", "answer success");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "d", "restarts"), "0");
        fell(root);
        expect_end("dcba");
}

IN_FAMILY(a_sibling_that_is_terminated_before_its_turn_is_passed_over)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", HANGS);
        crash("a");
        expect("end a boom");
        expect_end("cb");
        expect("start a");
        cop_pid b = expect("hang b");
        ck_assert_int_eq(cop_terminate_child(root, "c"), COP_OK);
        cop_send(b, go, .unused = 0);
        expect("start b");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "c", "state"), "stopped");
        fell(root);
        expect_end("ba");
}

#define SLOW_TO_RETURN .backoff = { .first_ms = 1000000, .max_ms = 1000000 }

/* b is tried again in a quarter of an hour, and c waits for it. */
static cop_pid grow_with_one_who_waits(void)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a"), WORKER("b", SLOW_TO_RETURN), WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("b");
        expect("end b boom");
        expect_end("c");
        await_true(strcmp(ask_child(root, "b", "state"), "restarting") == 0);
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        return root;
}

IN_FAMILY(who_waits_for_a_child_that_is_terminated_goes_on_without_it)
{
        cop_pid root = grow_with_one_who_waits();
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect("start c");
        expect_silence(root);
        fell(root);
        expect_end("ca");
}

IN_FAMILY(also_if_others_are_being_restarted_at_that_moment)
{
        cop_pid root = grow_with_one_who_waits();
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d")), NULL), COP_OK);
        expect("start d");
        let("d", HANGS);
        crash("d");
        expect("end d boom");
        cop_pid d = expect("hang d");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        cop_send(d, go, .unused = 0);
        expect("start d");
        expect("start c");
        expect_silence(root);
        fell(root);
        expect_end("dca");
}

IN_FAMILY(who_waits_behind_two_goes_on_when_neither_is_waited_for)
{
        cop_pid root = grow_with_one_who_waits();
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d", SLOW_TO_RETURN)), NULL), COP_OK);
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("e")), NULL), COP_OK);
        expect_start("de");
        crash("d");
        expect("end d boom");
        expect_end("e");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect("start c"); /* and not e, which d holds up */
        await_true(strcmp(ask_child(root, "d", "state"), "restarting") == 0);
        ck_assert_str_eq(ask_child(root, "e", "state"), "waiting");
        ck_assert_int_eq(cop_terminate_child(root, "d"), COP_OK);
        expect("start e");
        expect_silence(root);
        fell(root);
        expect_end("eca");
}

/* a, behind which b waits, hangs in its restart, and d, which was started meanwhile, has failed: that is not dealt with yet. */
static cop_pid grow_with_one_who_failed_behind_a_start(cop_pid *a, bool unnamed)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a", .backoff = { .first_ms = 1000 }), WORKER("b")));
        cop_pid root = grow_and_expect(&shop, "ab"), d = cop_no_pid();
        let("a", HANGS);
        crash("a");
        expect("end a boom");
        expect_end("b");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("d", .unnamed = unnamed)), &d), COP_OK);
        expect("start d");
        *a = expect("hang a");
        dismiss(d, cop_atom("boom"));
        expect("end d boom");
        await_true(strcmp(ask_child(root, "d", "state"), "waiting") == 0);
        return root;
}

IN_SIMULATED_FAMILY(who_fails_behind_a_start_is_counted_and_then_started_once)
{
        cop_pid a, root = grow_with_one_who_failed_behind_a_start(&a, false);
        cop_send(a, go, .unused = 0);
        expect_start("abd");
        expect_silence(root);
        ck_assert_int_eq(restarts_of(root), 2);
        ck_assert_str_eq(ask_child(root, "d", "restarts"), "1");
        fell(root);
        expect_end("dba");
}

IN_SIMULATED_FAMILY(who_fails_behind_a_start_has_one_process_also_under_another_strategy)
{
        cop_pid a, root = grow_with_one_who_failed_behind_a_start(&a, true);
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a"), WORKER("b")));
        ck_assert_int_eq(cop_replace_specs(root, &shop), COP_OK);
        cop_send(a, go, .unused = 0);
        expect_start("abd");
        expect_silence(root);
        ck_assert_int_eq(restarts_of(root), 2);
        fell(root);
        expect_end("dba");
}

IN_FAMILY(nobody_waits_for_a_sibling_under_a_strategy_without_any)
{
        cop_pid root = grow_with_one_who_waits();
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a")));
        ck_assert_int_eq(cop_replace_specs(root, &shop), COP_OK);
        expect("start c");
        ck_assert_str_eq(ask_child(root, "b", "state"), "restarting");
        fell(root);
        expect_end("ca");
}

/* ---- Rings ------------------------------------------------------------------------------------ */

enum { ASKS_NOBODY = 0, ASKS_FOR_A_NEW_ONE, ASKS_FOR_A_LATER_ONE, ASKS_A_FRIEND };
static uint32_t asks_for; /* atomic */

/* In its init, whoever starts it. */
static cop_status ask_for_a_sibling(uint32_t what)
{
        switch (what) {
        case ASKS_FOR_A_NEW_ONE:
                return cop_start_child("shop", CHILD(WORKER("d")), NULL);
        case ASKS_FOR_A_LATER_ONE:
                cop_terminate_child("shop", "c");
                return cop_restart_child("shop", "c", NULL);
        default:
                return cop_call(NULL, "friend", COP_FOREVER, ping, .number = 0);
        }
}

typedef struct {
        int64_t unused;
} suitor;

static void suitor_init(suitor *self)
{
        uint32_t what = cop__load_acquire(&asks_for);
        (void)self;
        if (what != ASKS_NOBODY)
                say("asked", "a", cop_status_text(ask_for_a_sibling(what)));
}

COP_SERVER(suitor, COP_INIT(suitor_init));

/* It asks on behalf of whoever asks it. */
typedef struct {
        int64_t unused;
} helper;

static void helper_on_ping(helper *self, const ping *p)
{
        (void)self;
        (void)p;
        cop_status status = cop_start_child("shop", CHILD(WORKER("d")), NULL);
        say("helped", "d", cop_status_text(status));
        cop_reply(ping, .number = status);
}

COP_SERVER(helper, COP_ON(ping, helper_on_ping));

#define CLOSES_A_RING "asked a the call closes a ring of actors that wait for each other"

static void ask_in_a_restart(cop_strategy strategy, uint32_t what)
{
        TREE(shop, PATIENT, .strategy = strategy,
             .children = COP_CHILDREN({ "a", .server = &suitor_server }, WORKER("b"), WORKER("c")));
        cop__store_release(&asks_for, (uint32_t)ASKS_NOBODY);
        cop_pid root = grow_and_expect(&shop, "bc");
        cop__store_release(&asks_for, what);
        put_down(cop_whereis("a"));
        expect_end("cb");
        expect(CLOSES_A_RING);
        expect("start b");
        if (what != ASKS_FOR_A_LATER_ONE)
                expect("start c");
        if (what == ASKS_A_FRIEND) /* who goes on waiting, and gets what he asked for */
                expect_both("start d", "helped d success");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "d", "state"), what == ASKS_A_FRIEND ? "running" : "no such child");
        ck_assert_str_eq(ask_child(root, "c", "state"), what == ASKS_FOR_A_LATER_ONE ? "stopped" : "running");
        fell(root);
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(word))) != NULL)
                cop_message_free(message);
}

/* It waited for ever: its own start is the one that the sibling's would come after. */
IN_FAMILY(an_init_that_asks_for_a_sibling_in_a_restart_closes_a_ring)
{
        for (int i = 0; i < 2; i++) {
                cop_strategy strategy = i == 0 ? COP_ONE_FOR_ALL : COP_REST_FOR_ONE;
                ask_in_a_restart(strategy, ASKS_FOR_A_NEW_ONE);
                ask_in_a_restart(strategy, ASKS_FOR_A_LATER_ONE);
        }
}

IN_FAMILY(an_init_that_asks_for_a_sibling_through_another_actor_closes_a_ring)
{
        cop_pid friend;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &helper_server, .name = "friend" }, &friend), COP_OK);
        ask_in_a_restart(COP_ONE_FOR_ALL, ASKS_A_FRIEND);
        ask_in_a_restart(COP_REST_FOR_ONE, ASKS_A_FRIEND);
        put_down(friend);
}

/* The start that is waited for is that of its supervisor. */
IN_FAMILY(also_an_init_that_asks_the_supervisor_above_its_own)
{
        const cop_supervisor desk = { .children = COP_CHILDREN({ "a", .server = &suitor_server }) };
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN({ "desk", .supervisor = &desk }, WORKER("b")));
        cop__store_release(&asks_for, (uint32_t)ASKS_NOBODY);
        cop_pid root = grow_and_expect(&shop, "b");
        cop__store_release(&asks_for, (uint32_t)ASKS_FOR_A_NEW_ONE);
        put_down(cop_whereis("desk"));
        expect_end("b");
        expect(CLOSES_A_RING);
        expect("start b");
        expect_silence(root);
        fell(root);
        expect_end("b");
}

/* In its own init, which nobody waits for. */
typedef suitor ward;

static void ward_init(ward *self)
{
        (void)self;
        say("asked", "d", cop_status_text(cop_start_child("shop", CHILD(WORKER("d")), NULL)));
}

COP_SERVER(ward, COP_INIT(ward_init));

/* It starts at once the first time, and later has a ward, which it does not wait for. */
typedef suitor guardian;
static uint32_t has_a_ward; /* atomic */

static void guardian_init(guardian *self)
{
        (void)self;
        if (cop__load_acquire(&has_a_ward) == 0)
                return;
        cop_spawn_server(&ward_server, NULL);
        say("hang", "a", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

COP_SERVER(guardian, COP_INIT(guardian_init));

IN_FAMILY(whom_an_init_spawns_and_does_not_wait_for_closes_no_ring_but_waits_for_its_end)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL,
             .children = COP_CHILDREN({ "a", .server = &guardian_server }, WORKER("b"), WORKER("c")));
        cop__store_release(&has_a_ward, 0);
        cop_pid root = grow_and_expect(&shop, "bc");
        cop__store_release(&has_a_ward, 1);
        put_down(cop_whereis("a"));
        expect_end("cb");
        cop_pid a = expect("hang a");
        await_true(strcmp(ask_child(root, "d", "state"), "waiting") == 0);
        cop_send(a, go, .unused = 0);
        expect_start("bc");
        expect_both("start d", "asked d success");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "d", "state"), "running");
        fell(root);
        expect_end("dcb");
}

/* ---- Terminate, restart, delete ------------------------------------------------------------- */

/* SUP-api-04. */
IN_FAMILY(SUP_api_03_a_child_that_is_terminated_stays_without_a_process)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_end("b");
        ck_assert_str_eq(ask_child(root, "b", "pid"), "undefined");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_silence(root);
        fell(root);
        expect_end("ca");
}

IN_FAMILY(a_temporary_child_that_is_terminated_is_forgotten)
{
        TREE(shop, .children = ABC(.restart = COP_TEMPORARY));
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_end("b");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_E_NOT_FOUND);
        fell(root);
}

IN_FAMILY(SUP_api_06_who_is_no_child_is_not_found_nor_is_the_pid_of_one_that_has_an_id)
{
        TREE(shop, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc"), b = cop_whereis("b");
        ck_assert_int_eq(cop_terminate_child(root, "x"), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_terminate_child(root, cop_self()), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_terminate_child(root, cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_terminate_child(root, b), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_restart_child(root, b, NULL), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_delete_child(root, b), COP_E_NOT_FOUND);
        cop_message *answer;
        ck_assert_int_eq(cop_get_child(root, b, &answer), COP_OK); /* as supervisor:get_childspec does */
        cop_message_free(answer);
        ck_assert(cop_pid_equal(cop_whereis("b"), b));
        fell(root);
        expect_end("cba");
}

IN_FAMILY(SUP_api_07_only_a_child_that_has_stopped_can_be_deleted)
{
        TREE(shop, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_delete_child(root, "b"), COP_E_RUNNING);
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        ck_assert_int_eq(cop_delete_child(root, "b"), COP_OK);
        ck_assert_int_eq(cop_delete_child(root, "b"), COP_E_NOT_FOUND);
        ck_assert_str_eq(ask_child(root, "b", "state"), "no such child");
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("b")), NULL), COP_OK);
        expect_end("b");
        expect("start b");
        fell(root);
        expect_end("bca"); /* it is the last now */
}

IN_FAMILY(SUP_api_09_a_child_that_cannot_be_restarted_stays_as_it_was)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc"), pid;
        ck_assert_int_eq(cop_restart_child(root, "b", &pid), COP_E_RUNNING);
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect_end("b");
        let("b", FAILS);
        expect_failure(cop_restart_child(root, "b", &pid), "{no_start, b}");
        ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        let("b", STARTS);
        ck_assert_int_eq(cop_restart_child(root, "b", &pid), COP_OK);
        ck_assert(cop_pid_equal(expect("start b"), pid));
        ck_assert_int_eq(cop_restart_child(root, "x", &pid), COP_E_NOT_FOUND);
        fell(root);
        expect_end("cba"); /* SUP-api-12: in its old place */
}

/* It was forgotten, though it had never run. */
IN_FAMILY(a_temporary_child_of_new_specs_that_cannot_start_stays_as_it_was)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        const cop_supervisor more = { .children = COP_CHILDREN(WORKER("a"), WORKER("b", .restart = COP_TEMPORARY)) };
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_int_eq(cop_replace_specs(root, &more), COP_OK);
        let("b", FAILS);
        for (int i = 0; i < 2; i++) {
                expect_failure(cop_restart_child(root, "b", NULL), "{no_start, b}");
                ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        }
        let("b", STARTS);
        ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
        expect("start b");
        fell(root);
        expect_end("ba");
}

IN_FAMILY(SUP_api_10_terminating_lasts_until_the_child_is_dead)
{
        TREE(shop, .children = COP_CHILDREN(WORKER_WITH("a", ((job){ .id = "a",
                                                                     .stop_ms = 1000000 }),
                                                        .shutdown_ms = 30)));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_ref ref = watch(cop_whereis("a"));
        uint64_t before_ns = cop__clock_ns();
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 30 * COP__NS_PER_MS);
        await_down(ref, "killed");
        fell(root);
}

static void is_called(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_FAMILY(SUP_api_11_a_supervisor_that_is_not_there_is_an_error)
{
        cop_pid dead = cop_spawn(waits), plain = cop_spawn(is_called);
        cop_child_count count;
        put_down(dead);
        ck_assert_int_eq(cop_terminate_child("nobody", "a"), COP_E_NO_NAME);
        ck_assert_int_eq(cop_count_children(dead, &count), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_count_children(plain, &count), COP_E_NO_SUPERVISOR);
        ck_assert_int_eq(cop_count_children(cop_self(), &count), COP_E_NO_SUPERVISOR);
        ck_assert_int_eq(cop_start_child(plain, CHILD(WORKER("a")), NULL), COP_E_NO_SUPERVISOR);
        ck_assert_int_eq(cop_count_children(plain, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_which_children(plain, NULL), COP_E_BAD_ARGUMENT);
}

TEST(outside_a_node_no_children_are_asked_for)
{
        cop_child_count count;
        ck_assert_int_eq(cop_count_children("shop", &count), COP_E_NO_NODE);
        ck_assert_int_eq(cop_start_child("shop", CHILD(WORKER("a")), NULL), COP_E_NO_NODE);
        ck_assert_int_eq(cop_terminate_child("shop", "a"), COP_E_NO_NODE);
}

IN_FAMILY(SUP_restart_19_a_child_in_a_restart_loop_refuses_what_would_cross_it)
{
        TREE(shop, .intensity = COP_RESTARTS_FOR_EVER, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", FAILS);
        crash("b");
        expect("end b boom");
        await_true(tries_of("b") > 3);
        cop_status restart, delete, start;
        await_true((restart = cop_restart_child(root, "b", NULL)) != COP_E_RUNNING);
        await_true((delete = cop_delete_child(root, "b")) != COP_E_RUNNING);
        await_true((start = cop_start_child(root, CHILD(WORKER("b")), NULL)) !=
                   COP_E_ALREADY_STARTED);
        ck_assert_int_eq(restart, COP_E_RESTARTING);
        ck_assert_int_eq(delete, COP_E_RESTARTING);
        ck_assert_int_eq(start, COP_E_ALREADY_PRESENT);
        fell(root);
}

IN_FAMILY(SUP_restart_20_terminating_ends_a_restart_loop)
{
        TREE(shop, .intensity = COP_RESTARTS_FOR_EVER, .strategy = COP_REST_FOR_ONE,
             .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", FAILS);
        crash("b");
        expect("end b boom");
        expect_end("c");
        await_true(tries_of("b") > 3);
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        expect("start c"); /* which has waited for it, and goes on without it */
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        uint32_t tries = tries_of("b");
        let("b", STARTS);
        ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
        expect("start b");
        ck_assert_uint_eq(tries_of("b"), tries + 1);
        fell(root);
        expect_end("cba");
}

IN_FAMILY(SUP_restart_24_what_was_started_later_is_forgotten_with_its_supervisor)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(WORKER("a")) };
        TREE(shop, PATIENT, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_int_eq(cop_start_child("desk", CHILD({ .id = "b", .run = waits }), NULL), COP_OK);
        put_down(cop_whereis("desk"));
        expect("end a killed");
        expect("start a");
        expect_silence(root);
        ck_assert_int_eq(count_of(cop_whereis("desk")).specs, 1);
        fell(root);
        expect_end("a");
}

IN_FAMILY(SUP_intensity_13_what_is_asked_for_is_never_counted)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
                expect_end("b");
                ck_assert_int_eq(cop_restart_child(root, "b", NULL), COP_OK);
                expect("start b");
        }
        ck_assert_int_eq(restarts_of(root), 0);
        fell(root);
}

/* Stops when it is told to, and says first that it is asked. */
typedef struct {
        int64_t unused;
} dawdler;
static void dawdler_init(dawdler *self)
{
        (void)self;
        cop_trap_exit(true);
}
static void dawdler_terminate(dawdler *self, cop_term reason)
{
        (void)self;
        (void)reason;
        say("stops", "a", "");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}
COP_SERVER(dawdler, COP_INIT(dawdler_init), COP_TERMINATE(dawdler_terminate));

/* Asks in messages, and reads no answer: so who answers is slowed. */
static void wants_a_to_end(void)
{
        cop_pid shop = cop_whereis("shop");
        for (int i = 0; i < 300; i++)
                cop_send(shop, cop__ask_child, .wish = COP__TERMINATE_CHILD, .id = COP_TEXT("a"));
        say("asked", "shop", "");
        waits();
}

/* What a supervisor has of one whom it is just answering only the leak checker of the asan build sees. */
IN_FAMILY(a_supervisor_that_is_killed_while_it_answers_owes_nobody_anything)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN({ "a", &dawdler_server, .shutdown_ms = COP_SHUTDOWN_INFINITY }));
        cop_trap_exit(true);
        for (int i = 0; i < 20; i++) {
                cop_process process = { .unread = 0 };
                cop_pid root = grow(&shop), a = cop_whereis("a");
                cop_pid asker = cop_spawn_or_exit(&(cop_spawn_options){ .run = wants_a_to_end, .mailbox_limit = 1 });
                expect_both("stops a", "asked shop");
                count_of(root);
                cop_send(a, go, .unused = 0);
                await_true(cop_process_info(asker, &process) == COP_OK && process.unread > 1);
                cop_send_exit(root, cop_atom("kill"));
                await_exited(root, "killed");
                put_down(asker);
        }
}

/* ---- Looking -------------------------------------------------------------------------------- */

IN_FAMILY(SUP_api_13_children_are_counted_by_what_they_are)
{
        const cop_supervisor desk = { .children = NULL };
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), WORKER("b"),
                                            { .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "ab");
        cop_child_count count = count_of(root);
        ck_assert(count.specs == 3 && count.active == 3 && count.supervisors == 1 &&
                  count.workers == 2);
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        count = count_of(root);
        ck_assert(count.specs == 3 && count.active == 2 && count.supervisors == 1 &&
                  count.workers == 2);
        fell(root);
}

IN_FAMILY(SUP_api_16_a_childs_spec_has_all_defaults_filled_in)
{
        const cop_supervisor desk = { .children = NULL };
        TREE(shop, .children = COP_CHILDREN(WORKER("a"), { .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "a");
        cop_message *answer = NULL;
        ck_assert_int_eq(cop_get_child(root, "a", &answer), COP_OK);
        const cop_child_spec *spec = cop_read(cop_child_spec, answer);
        ck_assert(cop_text_equal(spec->id, "a") && cop_text_equal(spec->name, "a"));
        ck_assert(cop_symbol_equal(spec->type, "worker") && cop_text_equal(spec->runs, "worker"));
        ck_assert(cop_symbol_equal(spec->restart, "permanent"));
        ck_assert_int_eq(spec->shutdown_ms, 5000);
        cop_message_free(answer);
        ck_assert_int_eq(cop_get_child(root, cop_whereis("desk"), &answer), COP_OK);
        spec = cop_read(cop_child_spec, answer);
        ck_assert(cop_text_equal(spec->id, "desk") && cop_symbol_equal(spec->type, "supervisor"));
        ck_assert_int_eq(spec->shutdown_ms, COP_SHUTDOWN_INFINITY);
        cop_message_free(answer);
        ck_assert_int_eq(cop_get_child(root, "x", &answer), COP_E_NOT_FOUND);
        fell(root);
}

/* ---- On behalf of somebody -------------------------------------------------------------------- */

typedef struct {
        cop_pid supervisor;
} chore;
COP_MESSAGE(chore, supervisor);

typedef struct {
        int64_t unused;
} host;

/* Its caller has gone: what it asks for now is its own matter, for else somebody would be left whom nobody knows. */
static void host_on_chore(host *self, const chore *c)
{
        const cop_child child = WORKER("x");
        (void)self;
        say("asked", "host", "");
        while (cop_time_left() != 0)
                cop_yield();
        say("answer", cop_status_text(cop_start_child(c->supervisor, &child, NULL)), "");
        say("answer", cop_status_text(cop_terminate_child(c->supervisor, "x")), "");
}

COP_SERVER(host, COP_ON(chore, host_on_chore));

static void asks_host(const chore *c)
{
        cop_call(NULL, "host", COP_FOREVER, chore, .supervisor = c->supervisor);
}

IN_FAMILY(a_child_is_started_and_stopped_also_for_a_caller_that_has_gone)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop), pid = cop_spawn_server(&host_server, "host");
        cop_pid caller = cop_spawn_with(asks_host, chore, .supervisor = root);
        expect("asked host");
        put_down(caller);
        expect("start x");
        expect("answer success");
        expect("end x shutdown");
        expect("answer success");
        put_down(pid);
        fell(root);
}

/* ---- Other specs ------------------------------------------------------------------------------ */

IN_FAMILY(new_specs_stop_and_start_nobody_and_say_at_once_who_is_to_be_back)
{
        TREE(shop, .intensity = COP_NO_RESTARTS, .children = ABC(0));
        const cop_supervisor other = { .name = "shop", PATIENT, .strategy = COP_REST_FOR_ONE,
                                       .children = COP_CHILDREN(WORKER("a", .restart = COP_TRANSIENT),
                                                                WORKER("b"), WORKER("d")) };
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_replace_specs(root, &other), COP_OK);
        ck_assert_str_eq(ask_child(root, "d", "state"), "stopped");
        crash("b"); /* c, which is not named, is still there, and behind all */
        expect("end b boom");
        expect_end("c");
        expect_start("bdc");
        quit_with("a", cop_atom("normal"));
        expect("end a normal");
        expect_silence(root);
        fell(root);
        expect_end("cdb");
}

IN_FAMILY(new_specs_put_children_in_their_order_and_the_others_behind)
{
        TREE(shop, .children = ABC(0));
        const cop_supervisor other = { .children = COP_CHILDREN(WORKER("c"), WORKER("d"), WORKER("a")) };
        static const char *const order[] = { "c", "d", "a", "b" };
        struct cop__census_entry entries[4] = { 0 };
        cop_pid root = grow_and_expect(&shop, "abc");
        ck_assert_int_eq(cop_replace_specs(root, &other), COP_OK);
        ck_assert_int_eq(cop_restart_child(root, "d", NULL), COP_OK);
        expect("start d");
        cop_auto answer = children_of(root);
        const cop_children *all = cop_read(cop_children, answer);
        ck_assert_uint_eq(all->children.count, 4);
        for (size_t i = 0; i < 4; i++)
                ck_assert(cop_text_equal(all->children.items[i].id, order[i]));
        /* A console that cannot ask reads the same. */
        for (uint32_t row = 0; row < cop__census_count(&node->census); row++) {
                struct cop__census_entry entry;
                for (size_t i = 0; i < 4; i++)
                        if (cop__census_read(&node->census, row, &entry) && strcmp(entry.id, order[i]) == 0)
                                entries[i] = entry;
        }
        for (size_t i = 0; i < 4; i++) {
                ck_assert(cop_pid_equal(entries[i].child, cop_whereis(order[i])));
                ck_assert_uint_eq(entries[i].state, COP__CHILD_RUNNING);
                ck_assert(i == 0 || entries[i - 1].number < entries[i].number);
        }
        fell(root);
        expect_end("badc");
}

IN_FAMILY(a_restart_of_siblings_that_is_under_way_ends_in_its_own_order)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = ABC(0));
        const cop_supervisor backwards = { PATIENT, .strategy = COP_ONE_FOR_ALL,
                                           .children = COP_CHILDREN(WORKER("c"), WORKER("b"), WORKER("a")) };
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", HANGS);
        crash("c");
        expect("end c boom");
        expect_end("ba");
        expect("start a");
        cop_pid b = expect("hang b");
        ck_assert_int_eq(cop_replace_specs(root, &backwards), COP_OK);
        let("b", STARTS);
        cop_send(b, go, .unused = 0);
        expect_start("bc");
        expect_silence(root);
        crash("b");
        expect("end b boom");
        expect_end("ac");
        expect_start("cba");
        fell(root);
        expect_end("abc");
}

IN_FAMILY(who_waits_for_a_sibling_that_comes_later_by_new_specs_goes_on_without_it)
{
        cop_pid root = grow_with_one_who_waits();
        const cop_supervisor same = { PATIENT, .strategy = COP_REST_FOR_ONE,
                                      .children = COP_CHILDREN(WORKER("a"), WORKER("b", SLOW_TO_RETURN), WORKER("c")) };
        const cop_supervisor other = { PATIENT, .strategy = COP_REST_FOR_ONE,
                                       .children = COP_CHILDREN(WORKER("c"), WORKER("b", SLOW_TO_RETURN), WORKER("a")) };
        ck_assert_int_eq(cop_replace_specs(root, &same), COP_OK);
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        ck_assert_int_eq(cop_replace_specs(root, &other), COP_OK);
        expect("start c");
        await_true(strcmp(ask_child(root, "c", "state"), "running") == 0);
        ck_assert_str_eq(ask_child(root, "b", "state"), "restarting");
        fell(root);
        expect_end("ac");
}

IN_FAMILY(restarts_that_were_counted_count_under_new_specs_too)
{
        TREE(shop, .intensity = 5, .period_ms = 1000000, .children = COP_CHILDREN(WORKER("a")));
        const cop_supervisor stricter = { .intensity = 2, .period_ms = 1000000, .children = COP_CHILDREN(WORKER("a")) };
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 0; i < 2; i++) {
                crash("a");
                expect("end a boom");
                expect("start a");
        }
        ck_assert_int_eq(cop_replace_specs(root, &stricter), COP_OK);
        ck_assert_int_eq(restarts_of(root), 2);
        cop_pid a = crash("a");
        expect("end a boom");
        ck_assert_str_eq(outcome_of(a), "shop gave up: 3 restarts within 1000 s are more than 2");
        await_exited(root, "shutdown");
}

IN_FAMILY(new_specs_do_not_rename_a_supervisor)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(WORKER("a")) };
        TREE(shop, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        const cop_supervisor nameless = { PATIENT, .children = COP_CHILDREN(WORKER("a")) };
        const cop_supervisor renamed = { .name = "bench", PATIENT, .children = COP_CHILDREN(WORKER("a")) };
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_int_eq(cop_replace_specs("desk", &renamed), COP_OK);
        ck_assert_int_eq(cop_replace_specs("desk", &nameless), COP_OK);
        cop_auto answer = children_of(cop_whereis("desk"));
        ck_assert(cop_text_equal(cop_read(cop_children, answer)->name, "desk"));
        cop_pid a = crash("a");
        expect("end a boom");
        expect("start a");
        ck_assert_ptr_eq(strstr(outcome_of(a), "desk restarted it as "), outcome_of(a));
        fell(root);
}

IN_FAMILY(SUP_upgrade_02_wrong_specs_change_nothing)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        const cop_supervisor wrong = { .children = COP_CHILDREN(WORKER("a", .restart = 9)) };
        const cop_supervisor dynamic = { .strategy = COP_DYNAMIC };
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_int_eq(cop_replace_specs(root, &wrong), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_replace_specs(root, &dynamic), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_replace_specs("nobody", &shop), COP_E_NO_NAME);
        crash("a");
        expect("end a boom");
        expect("start a");
        fell(root);
}

IN_FAMILY(SUP_upgrade_03_each_can_be_another_but_neither_come_nor_go)
{
        const cop_child one = WORKER("a"), two = WORKER("a", .restart = COP_TEMPORARY);
        const cop_supervisor each_one = { .name = "shop", PATIENT, .strategy = COP_DYNAMIC,
                                          .each = &one };
        const cop_supervisor each_two = { .strategy = COP_DYNAMIC, .each = &two };
        const cop_supervisor bare = { .strategy = COP_DYNAMIC };
        cop_pid root = grow(&each_one), pid;
        ck_assert_int_eq(cop_start_child(root, NULL, &pid), COP_OK);
        expect("start a");
        ck_assert_int_eq(cop_replace_specs(root, &bare), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_replace_specs(root, &each_two), COP_OK);
        dismiss(pid, cop_atom("boom"));
        expect("end a boom");
        await_true(count_of(root).specs == 0);
        fell(root);
        root = grow(&bare);
        ck_assert_int_eq(cop_replace_specs(root, &each_one), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(root, NULL, NULL), COP_E_BAD_ARGUMENT); /* nothing says what it would run */
        ck_assert_int_eq(cop_start_child(root, CHILD(WORKER("b")), NULL), COP_OK);
        expect("start b");
        fell(root);
        expect_end("b");
}
