/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the public headers promise where two of them meet: aliases and supervisors, orders and crash reports, texts that are not there. */
#include "tests/node_fixture.h"

#include <string.h>

typedef struct ask {
        int64_t n;
} ask;
COP_MESSAGE(ask, n);

typedef struct told {
        int64_t n;
        cop_pid who;
} told;
COP_MESSAGE(told, n, who);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

static uint32_t reached; /* atomic */

static uint64_t crashes_of(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.crashes;
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* ---- Aliases and supervisors ---------------------------------------------------------------------- */

static const cop_supervisor shop = { .name = "shop", .children = COP_CHILDREN({ "till", .run = waits }) };

/* Its reference was taken for the address of a name, which ended the program. */
IN_NODE(an_alias_is_a_mistake_wherever_a_supervisor_or_a_child_is_asked_for)
{
        cop_pid root, pid = cop_no_pid();
        cop_alias alias;
        cop_child_count count;
        cop_message *answer = NULL;
        const cop_child child = { "other", .run = waits };
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_OK);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        ck_assert_int_eq(cop_count_children(alias, &count), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_which_children(alias, &answer), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_get_child(alias, "till", &answer), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_get_child("shop", alias, &answer), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_terminate_child(alias, "till"), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_terminate_child("shop", alias), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_restart_child("shop", alias, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_delete_child("shop", alias), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(alias, &child, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_start_child(alias, &(cop_child){ .run = waits }, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_replace_specs(alias, &shop), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_count_children("shop", &count), COP_OK);
        ck_assert_int_eq(count.active, 1);
        ck_assert(cop_alias_close(alias));
}

/* ---- Orders and crash reports --------------------------------------------------------------------- */

typedef struct ear {
        int64_t unused;
} ear;

static void ear_on_ask(ear *self, const ask *a)
{
        (void)self;
        if (a->n == 0)
                cop_exit(cop_atom("remove_handler"));
        if (a->n < 0)
                cop_exit(cop_atom("boom"));
        cop_reply(told, .n = a->n, .who = cop_self());
}

COP_SERVER(ear, COP_ON(ask, ear_on_ask));

static cop_pid ear_pid(const char *id)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call_handler(&reply, "alarms", id, PATIENCE_MS, ask, .n = 1), COP_OK);
        cop_pid pid = cop_read(told, reply)->who;
        cop_message_free(reply);
        return pid;
}

static cop_pid begin_alarms(void)
{
        cop_pid manager = cop_spawn_server(&cop_event_manager, "alarms");
        ck_assert_int_eq(cop_add_handler("alarms", .id = "ear", .server = &ear_server), COP_OK);
        return manager;
}

IN_NODE(a_handler_that_removes_itself_is_no_crash)
{
        begin_alarms();
        cop_ref end = watch(ear_pid("ear"));
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, ask, .n = 0), COP_OK);
        await_down(end, "remove_handler");
        ck_assert_uint_eq(crashes_of(node), 0);
}

IN_NODE(a_handler_whose_manager_is_stopped_is_no_crash)
{
        cop_pid manager = begin_alarms();
        cop_ref end = watch(ear_pid("ear"));
        ck_assert_int_eq(cop_stop(manager, cop_atom("normal"), PATIENCE_MS), COP_OK);
        await_down(end, "stop");
        ck_assert_uint_eq(crashes_of(node), 0);
}

IN_NODE(a_server_that_crashes_is_a_crash_also_with_the_reason_of_a_handler)
{
        cop_ref end = spawn_watched(.server = &ear_server, .name = "ear");
        ck_assert_int_eq(cop_send("ear", ask, .n = 0), COP_OK);
        await_down(end, "remove_handler");
        await_true(crashes_of(node) == 1);
}

typedef struct lingerer {
        int64_t unused;
} lingerer;

static void lingerer_on_ask(lingerer *self, const ask *a)
{
        (void)self;
        (void)a;
        cop_exit(cop_atom("normal"));
}

static void lingerer_terminate(lingerer *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop__store_release(&reached, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

COP_SERVER(lingerer, COP_ON(ask, lingerer_on_ask), COP_TERMINATE(lingerer_terminate));

IN_NODE(who_is_killed_in_its_terminate_is_no_crash)
{
        cop__store_relaxed(&reached, 0);
        cop_ref end = spawn_watched(.server = &lingerer_server, .name = "lingerer");
        cop_pid pid = cop_whereis("lingerer");
        ck_assert_int_eq(cop_send(pid, ask, .n = 0), COP_OK);
        await_true(cop__load_acquire(&reached));
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_down(end, "killed");
        ck_assert_uint_eq(crashes_of(node), 0);
}

/* ---- A handler that is dead before it is called ---------------------------------------------------- */

typedef struct gatekeeper {
        int64_t unused;
} gatekeeper;

static uint64_t keeper_bits; /* atomic; released by `reached` */

static void gatekeeper_on_go(gatekeeper *self, const go *g)
{
        (void)self;
        (void)g;
        cop__store_relaxed(&keeper_bits, cop_self().bits);
        cop__store_release(&reached, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(told)));
}

COP_SERVER(gatekeeper, COP_ON(go, gatekeeper_on_go));

static cop_status said;  /* released by `answered` */
static char why[64];
static uint32_t answered; /* atomic */

static void calls_the_ear(void)
{
        cop_message *reply = NULL;
        said = cop_call_handler(&reply, "alarms", "ear", COP_FOREVER, ask, .n = 1);
        cop_term_print(cop_failure(), NULL, why, sizeof(why));
        cop_message_free(reply);
        cop__store_release(&answered, 1);
}

/* The request is in the manager's mailbox before the exit of the handler that it is for. */
IN_NODE(GEV_13_who_calls_a_handler_that_has_just_crashed_is_told_why)
{
        cop__store_relaxed(&reached, 0);
        cop__store_relaxed(&answered, 0);
        begin_alarms();
        cop_pid pid = ear_pid("ear");
        ck_assert_int_eq(cop_add_handler("alarms", .id = "keeper", .server = &gatekeeper_server), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", go, 0), COP_OK);
        await_true(cop__load_acquire(&reached));
        cop_pid caller = cop_spawn(calls_the_ear);
        await_true(is_waiting(node, caller));
        cop_ref end = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("boom")), COP_OK);
        await_down(end, "boom");
        ck_assert_int_eq(cop_send((cop_pid){ cop__load_acquire(&keeper_bits) }, told), COP_OK);
        await_true(cop__load_acquire(&answered));
        ck_assert_int_eq(said, COP_E_DIED);
        ck_assert_str_eq(why, "boom");
        ck_assert(cop_is_alive(cop_whereis("alarms")));
        cop_term ids = cop_nil();
        ck_assert_int_eq(cop_handlers("alarms", &ids), COP_OK);
        ck_assert_ptr_null(strstr(text_of(ids), "ear")); /* its exit has been read */
        cop_term_free(ids);
}

/* ---- Calls that are deferred twice ------------------------------------------------------------------ */

enum { READY };

typedef struct window {
        cop_caller who;
} window;

typedef struct stage {
        int64_t n;
} stage;
COP_MESSAGE(stage, n);

static void window_on_ask(window *self, const ask *a)
{
        (void)self;
        cop_caller caller = cop_defer();
        cop_insert_call(caller, stage, .n = a->n);
}

static void window_on_stage(window *self, const stage *s)
{
        self->who = cop_defer();
        if (s->n > 0)
                cop_reply_to(self->who, told, .n = s->n);
}

COP_MACHINE(window, READY, COP_IN(READY, ask, window_on_ask), COP_IN(READY, stage, window_on_stage));

static uint32_t relations_of(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.relations;
}

IN_NODE(a_call_that_is_deferred_twice_leaves_nothing)
{
        cop_pid pid = cop_spawn_server(&window_machine, "desk");
        settle_with(pid);
        uint32_t before = relations_of(pid);
        for (int64_t i = 1; i <= 20; i++) {
                cop_request request;
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_request_send(&request, "desk", ask, .n = i), COP_OK);
                ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
                ck_assert_int_eq(cop_read(told, reply)->n, i);
                cop_message_free(reply);
        }
        settle_with(pid);
        ck_assert_uint_eq(relations_of(pid), before);
        ck_assert_uint_eq(relations_of(cop_self()), 0);
}

/* ---- Who observes each other ------------------------------------------------------------------------- */

typedef struct spy {
        int64_t events;
} spy;

static uint32_t events; /* atomic */

static void spy_on_event(spy *self, const cop_sys_event *event)
{
        (void)self;
        (void)event;
        cop__add_acq_rel(&events, 1);
}

static void spy_on_ask(spy *self, const ask *a)
{
        (void)self;
        cop_reply(told, .n = a->n);
}

COP_SERVER(spy, COP_ON(cop_sys_event, spy_on_event), COP_ON(ask, spy_on_ask));

IN_NODE(two_who_trace_each_other_are_quiet)
{
        cop_pid both[2] = { cop_spawn_server(&spy_server, NULL), cop_spawn_server(&spy_server, NULL) };
        cop__store_relaxed(&events, 0);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_sys_trace(both[i], PATIENCE_MS, true, both[1 - i]), COP_OK);
        ck_assert_int_eq(cop_call(NULL, both[0], PATIENCE_MS, ask, .n = 1), COP_OK);
        await_true(cop__load_acquire(&events) >= 1);
        for (int round = 0; round < 10; round++)
                for (int i = 0; i < 2; i++)
                        settle_with(both[i]);
        ck_assert_uint_le(cop__load_acquire(&events), 3); /* the message, its answer, the state */
}

/* ---- What is not there --------------------------------------------------------------------------------- */

TEST(a_text_that_is_null_is_the_empty_one_for_a_term)
{
        ck_assert_str_eq(text_of(cop_string(NULL)), "\"\"");
        ck_assert(cop_is_atom(cop_atom(NULL), ""));
        ck_assert(cop_is_atom(cop_atom(""), NULL));
        ck_assert(!cop_is_atom(cop_atom("x"), NULL));
        ck_assert(!cop_is_tuple(COP_TUPLE(cop_atom("x"), cop_int(1)), NULL, 2));
}

IN_NODE(what_is_null_is_a_mistake_of_who_asks_and_not_of_the_node)
{
        const ask value = { 1 };
        cop_pid pid = cop_spawn_server(&ear_server, NULL);
        size_t size;
        ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_term_copy(cop_int(1), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_term_encode(cop_int(1), NULL, &size), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(cop_buffer_size(NULL), 0);
        ck_assert_uint_eq(cop_dead_letter_count(NULL), 0);
        cop_memory(NULL, NULL);
        ck_assert_int_eq(cop_blocking_call(NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_put_value(pid, 0, NULL, &value), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_put_value(pid, 0, COP_KIND_OF(ask), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_call_handler_value(NULL, cop_to_pid(pid), "x", 10, NULL, &value), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_value_after(1, cop_to_pid(pid), NULL, &value, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_value_at(1, cop_to_pid(pid), NULL, &value, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_value_every(1, cop_to_pid(pid), NULL, &value, NULL), COP_E_BAD_ARGUMENT);
}

/* ---- A trial without an end ------------------------------------------------------------------------------ */

static const char *sleeps_a_little(cop_node *node, void *context)
{
        (void)node;
        (void)context;
        cop_sleep(1000);
        return NULL;
}

TEST(a_trial_without_a_bound_of_time_has_none)
{
        cop_trial_outcome outcome;
        ck_assert_int_eq(cop_trial_run(&(cop_trial){ .check = sleeps_a_little, .seeds = 1, .max_ms = COP_FOREVER }, &outcome), COP_OK);
        ck_assert_msg(!outcome.failed, "%s", outcome.what);
}
