/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Synchronous start: it ends when the start is over, with its outcome, and a failed one leaves nothing behind. */
#include <stdio.h>
#include <string.h>

#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

enum outcome {
        GOES_WELL = 1,
        TELLS,      /* goes well, with something to tell */
        EXITS,      /* with {no_key, 7} */
        EXITS_NORMALLY,
        FAULTS,
        IGNORES,
        HANGS,
        SAYS_HELLO, /* tells its parent that it is in its init, and hangs */
        TRAPS_AND_HANGS,
};

typedef struct plan {
        int64_t outcome;
        cop_pid witness;
} plan;
COP_MESSAGE(plan, outcome, witness);

typedef struct hello {
        cop_pid from;
} hello;
COP_MESSAGE(hello, from);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct shop {
        int64_t unused;
} shop;

static void hang(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(plan)));
}

static void live_up_to(const plan *p)
{
        int *volatile nobody = NULL;
        switch (p->outcome) {
        case TELLS:
                if (cop_start_extra(COP_TUPLE(cop_atom("port"), cop_int(8080))) != COP_OK)
                        cop_exit(cop_atom("no_memory"));
                return;
        case EXITS:
                cop_exit(COP_TUPLE(cop_atom("no_key"), cop_int(7)));
        case EXITS_NORMALLY:
                cop_exit(cop_atom("normal"));
        case FAULTS:
                *nobody = 1;
                return;
        case IGNORES:
                cop_ignore();
        case TRAPS_AND_HANGS:
                cop_trap_exit(true);
                hang();
                return;
        case SAYS_HELLO:
                cop_send(p->witness, hello, .from = cop_self());
                hang();
                return;
        case HANGS:
                hang();
                return;
        default:
                return;
        }
}

static void shop_init(shop *self, const plan *p)
{
        (void)self;
        live_up_to(p);
}

static void shop_on_go(shop *self, const go *unused)
{
        (void)self;
        (void)unused;
        cop_exit(cop_atom("normal"));
}

COP_SERVER(shop, COP_INIT_WITH(plan, shop_init), COP_ON(go, shop_on_go));

#define SHOP(outcome_, ...)                                                     \
        ((cop_spawn_options){ .server = &shop_server, .kind = COP_KIND_OF(plan), \
                              .argument = &(plan){ .outcome = (outcome_),        \
                                                   .witness = cop_self() }, __VA_ARGS__ })

static cop_pid untouched(void)
{
        return cop_self();
}

/* Nothing of a start that failed is left: no pid, no name, nothing to receive. */
static void assert_no_trace(cop_pid pid)
{
        ck_assert(cop_pid_equal(pid, untouched()));
        ck_assert_uint_eq(cop_whereis("shop").bits, 0);
        nothing_has_come();
}

/* ---- Servers --------------------------------------------------------------------------- */

IN_NODE(a_start_returns_when_init_has_ended)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL, .name = "shop"), PATIENCE_MS, &pid), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis("shop"), pid));
        ck_assert_str_eq(text_of(cop_started_extra()), "[]");
        nothing_has_come();
}

IN_NODE(what_an_init_has_to_tell_is_there_until_the_next_start)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&SHOP(TELLS), PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(text_of(cop_started_extra()), "{port, 8080}");
        ck_assert_int_eq(cop_start(&SHOP(TELLS), PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(text_of(cop_started_extra()), "{port, 8080}");
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL), PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(text_of(cop_started_extra()), "[]");
}

IN_NODE(GSV_life_02_an_init_that_stops_is_an_error_with_its_reason_and_its_name_is_free)
{
        cop_pid pid = untouched();
        for (int i = 0; i < 200; i++) {
                ck_assert_int_eq(cop_start(&SHOP(EXITS, .name = "shop"), PATIENCE_MS, &pid),
                                 COP_E_DIED);
                ck_assert_str_eq(text_of(cop_failure()), "{no_key, 7}");
                assert_no_trace(pid);
        }
}

IN_NODE(GSV_life_03_a_linked_caller_that_traps_gets_the_error_and_one_exit)
{
        cop_pid pid = untouched();
        ck_assert_int_eq(cop_start(&SHOP(EXITS, .link = true), PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{no_key, 7}");
        cop_auto message = await(COP_KIND(cop_exited));
        ck_assert_str_eq(text_of(cop_read(cop_exited, message)->reason), "{no_key, 7}");
        assert_no_trace(pid);
}

static void starts_linked_without_trapping(void)
{
        cop_pid pid;
        cop_start(&SHOP(EXITS, .link = true), PATIENCE_MS, &pid);
        cop_exit(cop_atom("survived"));
}

static void starts_linked_and_traps(void)
{
        cop_pid pid;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_start(&SHOP(EXITS, .link = true), PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{no_key, 7}");
        cop_auto message = cop_receive(0, COP_KIND(cop_exited));
        ck_assert_ptr_nonnull(message);
        ck_assert_str_eq(text_of(cop_read(cop_exited, message)->reason), "{no_key, 7}");
        nothing_has_come();
        cop_exit(cop_atom("survived"));
}

IN_NODE(GSV_life_03_a_linked_actor_that_traps_gets_the_error_and_one_exit)
{
        await_down(spawn_watched(.run = starts_linked_and_traps), "survived");
}

IN_NODE(GSV_life_03_a_linked_caller_that_does_not_trap_ends_with_it)
{
        await_down(spawn_watched(.run = starts_linked_without_trapping), "{no_key, 7}");
}

IN_NODE(GSV_life_05_an_init_that_ignores_is_gone_and_its_name_free)
{
        cop_pid pid = untouched();
        ck_assert_int_eq(cop_start(&SHOP(IGNORES, .name = "shop", .link = true), PATIENCE_MS, &pid),
                         COP_E_IGNORED);
        ck_assert_uint_eq(cop_whereis("shop").bits, 0);
        cop_auto message = await(COP_KIND(cop_exited));
        ck_assert_str_eq(text_of(cop_read(cop_exited, message)->reason), "normal");
        assert_no_trace(pid);
}

IN_NODE(GSV_life_06_an_init_that_faults_is_an_error_with_its_reason_and_the_same_exit)
{
        cop_pid pid = untouched();
        cop_ref ref;
        ck_assert_int_eq(cop_start(&SHOP(FAULTS, .link = true, .monitor = true, .monitor_ref = &ref),
                                   PATIENCE_MS, &pid),
                         COP_E_DIED);
        ck_assert(cop_is_tuple(cop_failure(), "fault", 5));
        cop_auto message = await(COP_KIND(cop_exited));
        ck_assert(cop_term_equal(cop_read(cop_exited, message)->reason, cop_failure()));
        assert_no_trace(pid); /* the monitor is undone: no DOWN */
}

IN_NODE(GSV_life_01_a_taken_name_refuses_the_start_and_says_who_has_it)
{
        cop_pid first, second = untouched();
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL, .name = "shop"), PATIENCE_MS, &first), COP_OK);
        ck_assert_int_eq(cop_start(&SHOP(EXITS, .name = "shop"), PATIENCE_MS, &second),
                         COP_E_NAME_TAKEN);
        ck_assert(cop_pid_equal(cop_whereis("shop"), first));
        ck_assert(cop_pid_equal(second, untouched()));
        cop_term holder = COP_TUPLE(cop_atom("already_started"), cop_pid_term(first));
        ck_assert_str_eq(text_of(cop_failure()), text_of(holder));
        nothing_has_come();
}

/* ---- Time ------------------------------------------------------------------------------ */

IN_NODE(PLB_03_a_start_that_takes_too_long_is_an_error_and_the_child_is_gone)
{
        static const int64_t outcomes[] = { HANGS, TRAPS_AND_HANGS };
        for (size_t i = 0; i < COP__COUNT(outcomes); i++) {
                cop_pid pid = untouched();
                ck_assert_int_eq(cop_start(&SHOP(outcomes[i], .name = "shop"), 20, &pid),
                                 COP_E_TIMEOUT);
                assert_no_trace(pid);
        }
}

IN_NODE(PLB_03_a_linked_and_monitored_one_leaves_neither_exit_nor_down)
{
        cop_pid pid = untouched();
        cop_ref ref;
        ck_assert_int_eq(cop_start(&SHOP(SAYS_HELLO, .link = true, .monitor = true,
                                         .monitor_ref = &ref), 200, &pid),
                         COP_E_TIMEOUT);
        cop_message *message = cop_receive(0, COP_KIND(hello));
        if (message != NULL) /* on a loaded machine it may not have come so far */
                ck_assert(!cop_is_alive(cop_read(hello, message)->from));
        cop_message_free(message);
        assert_no_trace(pid);
}

IN_NODE(a_start_with_no_time_is_either_done_or_gone)
{
        for (int i = 0; i < 500; i++) {
                cop_pid pid = untouched();
                cop_status status = cop_start(&SHOP(GOES_WELL, .name = "shop"), 0, &pid);
                if (status == COP_OK)
                        put_down(pid);
                else
                        ck_assert_int_eq(status, COP_E_TIMEOUT);
                ck_assert_uint_eq(cop_whereis("shop").bits, 0);
                nothing_has_come();
        }
}

/* ---- Plain actors ---------------------------------------------------------------------- */

static void acknowledges(const plan *p)
{
        live_up_to(p);
        cop_init_ack();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

#define PLAIN(outcome_, ...)                                                            \
        ((cop_spawn_options){ .run_with = COP_RUN_WITH(acknowledges, plan), .init_ack = true, \
                              .kind = COP_KIND_OF(plan),                                \
                              .argument = &(plan){ .outcome = (outcome_),               \
                                                   .witness = cop_self() }, __VA_ARGS__ })

IN_NODE(a_plain_actor_acknowledges_by_itself)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&PLAIN(TELLS), PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(text_of(cop_started_extra()), "{port, 8080}");
        ck_assert(cop_is_alive(pid));
}

static void returns_unacknowledged(void)
{
}

IN_NODE(PLB_02_a_child_that_ends_normally_before_it_acknowledges_is_an_error_normal)
{
        cop_pid pid = untouched();
        ck_assert_int_eq(cop_start(&PLAIN(EXITS_NORMALLY), PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "normal");
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .run = returns_unacknowledged,
                                                         .init_ack = true },
                                   PATIENCE_MS, &pid),
                         COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "normal");
        ck_assert_int_eq(cop_start(&PLAIN(IGNORES), PATIENCE_MS, &pid), COP_E_IGNORED);
        assert_no_trace(pid);
}

IN_NODE(PLB_05_after_the_start_an_end_is_told_to_the_monitor_and_the_link)
{
        cop_pid pid;
        cop_ref ref;
        ck_assert_int_eq(cop_start(&PLAIN(GOES_WELL, .link = true, .monitor = true,
                                          .monitor_ref = &ref), PATIENCE_MS, &pid),
                         COP_OK);
        cop_send(pid, go);
        await_down(ref, "normal");
        await_exited(pid, "normal");
        nothing_has_come();
}

IN_NODE(a_plain_actor_without_a_start_of_its_own_has_started_before_its_first_instruction)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .run = hang }, PATIENCE_MS, &pid), COP_OK);
        ck_assert(cop_is_alive(pid));
}

IN_NODE(a_start_ref_gets_its_message_when_a_plain_actor_acknowledges)
{
        cop_ref ref = cop_ref_new();
        cop_pid pid;
        cop_spawn_options options = PLAIN(SAYS_HELLO, .start_ref = ref);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_and_drop(COP_KIND(hello));
        settle_with(pid);
        nothing_has_come(); /* not before it says so */
        options.argument = &(plan){ .outcome = GOES_WELL };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto message = await(COP_REF(cop_started, ref));
        ck_assert(cop_pid_equal(cop_read(cop_started, message)->pid, pid));
}

static void acknowledges_without_being_asked(void)
{
        cop_init_ack();
}

static void acknowledges_twice(void)
{
        cop_init_ack();
        cop_init_ack();
}

IN_NODE(only_a_plain_actor_that_is_starting_may_acknowledge)
{
        const char *reason = "{badarg, {init_ack, "
                             "\"only a plain actor spawned with init_ack, and only once\"}}";
        await_down(spawn_watched(.run = acknowledges_without_being_asked), reason);
        await_down(spawn_watched(.run = acknowledges_twice, .init_ack = true), reason);
}

/* ---- Who starts ------------------------------------------------------------------------- */

IN_NODE(bad_arguments_are_refused_and_start_nothing)
{
        cop_ref ref = cop_ref_new();
        cop_pid pid = untouched();
        ck_assert_int_eq(cop_start(NULL, 0, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL), 0, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL), -1, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL, .start_ref = ref), 0, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL, .monitor = true), 0, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start(&SHOP(GOES_WELL, .init_ack = true), 0, &pid),
                         COP_E_BAD_ARGUMENT);
        assert_no_trace(pid);
}

TEST(outside_a_node_nothing_is_started)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .run = hang }, 0, &pid), COP_E_NO_NODE);
        ck_assert_str_eq(text_of(cop_started_extra()), "[]");
}

static void starts_one_that_hangs(void)
{
        cop_pid pid;
        cop_spawn_options options = SHOP(SAYS_HELLO, .link = true);
        options.argument = &(plan){ .outcome = SAYS_HELLO, .witness = cop_parent() };
        cop_start(&options, COP_FOREVER, &pid);
}

IN_NODE(a_starter_that_is_killed_meanwhile_takes_its_linked_child_along)
{
        cop_pid starter = cop_spawn(starts_one_that_hangs);
        cop_auto message = await(COP_KIND(hello));
        cop_ref child = watch(cop_read(hello, message)->from);
        put_down(starter);
        await_down(child, "killed");
}

IN_NODE(a_start_without_memory_fails_and_leaves_nothing)
{
        cop_pid pid;
        if (!failing_malloc_can())
                return;
        ck_assert_int_eq(cop_start(&SHOP(TELLS), PATIENCE_MS, &pid), COP_OK);
        for (long n = 1;; n++) {
                pid = untouched();
                fail_malloc_after(n);
                cop_status status = cop_start(&SHOP(TELLS, .name = "shop"), PATIENCE_MS, &pid);
                bool failed = stop_failing_malloc();
                if (status == COP_OK)
                        put_down(pid);
                else
                        ck_assert(failed);
                ck_assert_uint_eq(cop_whereis("shop").bits, 0);
                nothing_has_come();
                if (!failed)
                        return;
        }
}

/* ---- Ancestors ---------------------------------------------------------------------------- */

static char logged[8192];

static void log_errors(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level == COP_LOG_ERROR)
                strncpy(logged, text, sizeof(logged) - 1);
}

static void neighbour(void)
{
        cop_register("neighbour", cop_self());
        cop_send(cop_parent(), hello, .from = cop_self());
        hang();
}

static void child(void)
{
        cop_link(cop_whereis("neighbour"));
        cop_exit(cop_atom("boom"));
}

static void grandparent(void)
{
        cop_register("grandparent", cop_self());
        cop_trap_exit(true);
        cop_spawn(neighbour);
        await_and_drop(COP_KIND(hello));
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run = child, .link = true, .monitor = true,
                                      .monitor_ref = &ref };
        cop_spawn_opt(&options, &pid);
        await_and_drop(COP_REF(cop_down, ref));
}

IN_NODE_WITH(PLB_06_a_crash_report_tells_the_start_the_ancestors_and_the_linked, .log = log_errors)
{
        char me[COP_ID_TEXT_MAX], expected[128];
        await_down(spawn_watched(.run = grandparent), "normal");
        snprintf(expected, sizeof(expected), ", %s; linked to ", cop_pid_print(cop_self(), me));
        ck_assert_msg(strstr(logged, "crashed: boom") != NULL, "%s", logged);
        ck_assert_msg(strstr(logged, "\n   started as child by grandparent <") != NULL, "%s",
                      logged);
        const char *linked = strstr(logged, expected);
        ck_assert_msg(linked != NULL, "%s", logged);
        ck_assert_msg(strstr(linked, "grandparent <") != NULL, "%s", logged);
        ck_assert_msg(strstr(linked, "neighbour <") != NULL, "%s", logged);
}

static void orphan(void)
{
        await_and_drop(COP_KIND(go));
        cop_exit(cop_atom("boom"));
}

static void leaves_an_orphan(void)
{
        cop_send(cop_parent(), hello, .from = cop_spawn(orphan));
}

IN_NODE_WITH(PLB_06_of_a_parent_that_has_ended_the_pid_is_told, .log = log_errors)
{
        cop_pid parent = cop_spawn(leaves_an_orphan);
        cop_auto message = await(COP_KIND(hello));
        cop_ref gone = watch(parent), ref = watch(cop_read(hello, message)->from);
        char pid[COP_ID_TEXT_MAX], expected[128];
        await_and_drop(COP_REF(cop_down, gone));
        cop_send(cop_read(hello, message)->from, go);
        await_down(ref, "boom");
        snprintf(expected, sizeof(expected), "started as orphan by %s (ended)",
                 cop_pid_print(parent, pid));
        ck_assert_msg(strstr(logged, expected) != NULL, "%s", logged);
}
