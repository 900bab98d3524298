/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Birth, identity and memory of actors, and the order of what they send. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/companion.h"
#include "tests/node_fixture.h"

typedef struct numbered {
        int64_t sender, number;
} numbered;
COP_MESSAGE(numbered, sender, number);

typedef struct parcel {
        int64_t number;
        cop_bytes bytes;
        cop_text text;
} parcel;
COP_MESSAGE(parcel, number, bytes, text);

typedef struct plan {
        cop_pid to;
        int64_t sender, count;
        cop_text word;
} plan;
COP_MESSAGE(plan, to, sender, count, word);

typedef struct born {
        cop_pid self, parent, named;
        int64_t number;
} born;
COP_MESSAGE(born, self, parent, named, number);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

static void returns(void)
{
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static void tells_of_itself(void)
{
        cop_send(cop_parent(), born, .self = cop_self(), .parent = cop_parent(),
                 .named = cop_whereis("namesake"));
}

/* ---- Spawning ---------------------------------------------------------------------- */

IN_NODE(SPN_01_a_function_that_returns_ends_with_normal)
{
        cop_auto message = await(COP_REF(cop_down, spawn_watched(.run = returns)));
        const cop_down *down = cop_read(cop_down, message);
        ck_assert_str_eq(text_of(down->reason), "normal");
        ck_assert(!cop_is_alive(down->pid));
}

static void exits_with_a_term(void)
{
        cop_exit(COP_TUPLE(cop_atom("why"), cop_int(42), cop_string("because")));
}

IN_NODE(SPN_03_the_reason_of_an_exit_is_exactly_its_term)
{
        cop_ref ref = spawn_watched(.run = exits_with_a_term);
        await_down(ref, "{why, 42, \"because\"}");
}

static void spawns_and_ends(void)
{
        cop_pid child = cop_spawn(waits);
        cop_send(cop_parent(), born, .self = child);
}

IN_NODE(SPN_09_a_child_that_is_not_linked_outlives_its_parent)
{
        cop_pid parent = cop_spawn(spawns_and_ends);
        cop_auto message = await(COP_KIND(born));
        cop_pid child = cop_read(born, message)->self;
        cop_ref gone = watch(parent);
        await_and_drop(COP_REF(cop_down, gone));
        settle_with(child);
        cop_ref ref = watch(child);
        cop_send(child, go);
        await_down(ref, "normal");
}

static int by_bits(const void *left, const void *right)
{
        uint64_t a = ((const cop_pid *)left)->bits, b = ((const cop_pid *)right)->bits;
        return a < b ? -1 : a > b;
}

IN_NODE(SPN_11_the_pids_of_5000_short_lives_are_all_different)
{
        enum { LIVES = 5000 };
        static cop_pid pids[LIVES];
        for (int i = 0; i < LIVES; i++) {
                cop_ref ref;
                cop_spawn_options options = { .run = returns, .monitor = true, .monitor_ref = &ref };
                ck_assert_int_eq(cop_spawn_opt(&options, &pids[i]), COP_OK);
                await_down(ref, "normal");
        }
        qsort(pids, LIVES, sizeof(pids[0]), by_bits);
        for (int i = 1; i < LIVES; i++)
                ck_assert(!cop_pid_equal(pids[i - 1], pids[i]));
}

/* The same for lives that follow each other in a few slots. */
IN_NODE_WITH(SPN_11_a_slot_gives_each_of_its_lives_another_pid, .max_actors = 4)
{
        enum { LIVES = 5000 };
        static cop_pid pids[LIVES];
        for (int i = 0; i < LIVES; i++) {
                cop_ref ref;
                cop_spawn_options options = { .run = returns, .monitor = true, .monitor_ref = &ref };
                await_true(cop_spawn_opt(&options, &pids[i]) == COP_OK); /* the slot of the one before is free soon */
                await_down(ref, "normal");
        }
        qsort(pids, LIVES, sizeof(pids[0]), by_bits);
        for (int i = 1; i < LIVES; i++)
                ck_assert(!cop_pid_equal(pids[i - 1], pids[i]));
}

IN_NODE(SPN_16_a_child_knows_who_spawned_it_and_itself)
{
        cop_pid pid = cop_spawn(tells_of_itself);
        cop_auto message = await(COP_KIND(born));
        const born *b = cop_read(born, message);
        ck_assert(cop_pid_equal(b->self, pid));
        ck_assert(cop_pid_equal(b->parent, cop_self()));
        ck_assert(cop_pid_equal(cop_message_from(message), pid));
        ck_assert(cop_pid_equal(cop_parent(), cop_no_pid()));
}

static uint64_t spawned_so_far(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned;
}

static void takes_a_plan(const void *argument)
{
        (void)argument;
}

typedef struct idle {
        int64_t unused;
} idle;
static void idle_on_go(idle *self, const go *g)
{
        (void)self;
        (void)g;
        cop_exit(cop_atom("normal"));
}
COP_SERVER(idle, COP_ON(go, idle_on_go));

IN_NODE(SPN_17_bad_options_are_refused_and_spawn_nothing)
{
        static const plan some_plan;
        static const char long_name[] =
                "0123456789012345678901234567890123456789012345678901234567890123";
        const cop_spawn_options bad[] = {
                { .name = "nothing_to_run" },
                { .run = returns, .server = &idle_server },
                { .run = returns, .run_with = takes_a_plan },
                { .run_with = takes_a_plan },
                { .run_with = takes_a_plan, .kind = COP_KIND_OF(plan) },
                { .run_with = takes_a_plan, .argument = &some_plan },
                { .run = returns, .monitor = true },
                { .run = returns, .name = "" },
                { .run = returns, .name = "undefined" },
                { .run = returns, .name = long_name },
        };
        uint64_t before = spawned_so_far(node);
        for (size_t i = 0; i < COP__COUNT(bad); i++) {
                cop_pid pid = cop_self();
                ck_assert_int_eq(cop_spawn_opt(&bad[i], &pid), COP_E_BAD_ARGUMENT);
                ck_assert_msg(cop_pid_equal(pid, cop_self()), "bad[%zu] touched *pid", i);
        }
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(NULL, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = returns }, NULL),
                         COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(spawned_so_far(node), before);
}

/* ---- The table ------------------------------------------------------------------------- */

IN_NODE_WITH(SPN_29_a_full_table_refuses_and_serves_again_after_deaths, .max_actors = 32)
{
        enum { FREE = 31 }; /* this visitor is the 32nd */
        cop_pid pids[FREE], one_more;
        const cop_spawn_options options = { .run = waits };
        for (int round = 0; round < 20; round++) {
                /* The last to die may be about to give its slot back. */
                for (int i = 0; i < FREE; i++)
                        await_true(cop_spawn_opt(&options, &pids[i]) == COP_OK);
                ck_assert_int_eq(cop_spawn_opt(&options, &one_more), COP_E_LIMIT);
                for (int i = 0; i < FREE; i++)
                        put_down(pids[i]);
        }
}

static void spawns_until_it_cannot(void)
{
        for (;;)
                cop_spawn(waits);
}

IN_NODE_WITH(SPN_29_an_actor_that_spawns_beyond_the_limit_exits, .max_actors = 16)
{
        cop_ref ref = spawn_watched(.run = spawns_until_it_cannot);
        await_down(ref, "{system_limit, spawn}");
        /* A visitor has no end to be put to. */
        await_true(cop_pid_equal(cop_spawn(waits), cop_no_pid()));
}

static uint32_t table_is_full;

static void fills_the_table_and_stays(void)
{
        cop_pid pid;
        for (;;) {
                if (cop_spawn_opt(&(cop_spawn_options){ .run = waits }, &pid) == COP_E_LIMIT)
                        cop__store_release(&table_is_full, 1);
                cop_yield();
        }
}

TEST(a_node_whose_table_is_full_can_be_stopped)
{
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .max_actors = 8 });
        cop_spawn(fills_the_table_and_stays);
        cop_node_leave();
        /* From now on every slot that gets free is taken at once. */
        cop__store_release(&table_is_full, 0);
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;
        while (!cop__load_acquire(&table_is_full))
                ck_assert(cop__clock_ns() < until_ns);
        cop_node_stop(node);
}

TEST(a_full_node_refuses_visitors)
{
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .max_actors = 8 });
        cop_spawn(fills_the_table_and_stays);
        cop_node_leave();
        cop__store_release(&table_is_full, 0);
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;
        while (!cop__load_acquire(&table_is_full))
                ck_assert(cop__clock_ns() < until_ns);
        ck_assert_int_eq(cop_node_enter(node), COP_E_LIMIT);
        ck_assert_ptr_null(cop_node_here());
        cop_node_stop(node);
}

/* ---- Names and arguments at birth --------------------------------------------------------- */

IN_NODE(a_name_is_there_before_the_first_instruction)
{
        cop_pid pid;
        for (int i = 0; i < 200; i++) {
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = tells_of_itself,
                                                                     .name = "namesake" }, &pid),
                                 COP_OK);
                cop_auto message = await(COP_KIND(born));
                ck_assert(cop_pid_equal(cop_read(born, message)->named, pid));
                cop_ref ref = watch(pid);
                await_and_drop(COP_REF(cop_down, ref));
        }
}

static uint32_t inits;

static void idle_init(idle *self)
{
        (void)self;
        cop__add_relaxed(&inits, 1);
}
typedef idle counted;
COP_SERVER(counted, COP_INIT(idle_init), COP_ON(go, idle_on_go));

IN_NODE(GSV_life_01_a_name_that_is_taken_refuses_the_second_and_its_init_never_runs)
{
        cop_pid first, second;
        cop_spawn_options options = { .server = &counted_server, .name = "only" };
        cop__store_relaxed(&inits, 0);
        ck_assert_int_eq(cop_spawn_opt(&options, &first), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&options, &second), COP_E_NAME_TAKEN);
        ck_assert(cop_is_tuple(cop_failure(), "already_started", 2));
        ck_assert(cop_pid_equal(cop_failure().as.items[1].as.pid, first));
        ck_assert(cop_pid_equal(cop_whereis("only"), first));
        cop_ref ref = watch(first);
        cop_send("only", go);
        await_down(ref, "normal");
        ck_assert_uint_eq(cop__load_relaxed(&inits), 1);
        /* The name is free as soon as anyone hears of the death. */
        ck_assert_int_eq(cop_spawn_opt(&options, &second), COP_OK);
        put_down(second);
}

struct hunter {
        uint32_t round; /* atomic; UINT32_MAX: over */
        cop_status worst;
};

static void on_ask(idle *self, const go *g)
{
        (void)self;
        (void)g;
        cop_reply(go);
}
typedef idle asked;
COP_SERVER(asked, COP_ON(go, on_ask));

/* Calls each new name the moment it can be found. */
static void hunts(void *argument)
{
        struct hunter *hunter = argument;
        char name[32];
        uint32_t seen = 0;
        for (uint32_t round; (round = cop__load_acquire(&hunter->round)) != UINT32_MAX;) {
                if (round == seen) {
                        companion_gives_way();
                        continue;
                }
                snprintf(name, sizeof(name), "prey%u", round);
                for (uint32_t looks = 1; cop_whereis(name).bits == 0; looks++)
                        if (looks % 4096 == 0 || suite_seed() >= 0)
                                companion_gives_way(); /* it may need this very core to be born */
                cop_status status = cop_call(NULL, name, PATIENCE_MS, go);
                if (status != COP_OK)
                        hunter->worst = status;
                cop_ref ref = watch(cop_whereis(name));
                cop_demonitor_flush(ref);
                cop__store_release(&hunter->round, seen = 0);
        }
}

IN_NODE(GSV_life_09_whoever_can_be_found_by_name_can_be_called)
{
        struct hunter hunter = { .worst = COP_OK };
        struct companion companion;
        char name[32];
        int rounds = suite_is_slow() ? 300 : 2000;
        companion_begin(&companion, node, hunts, &hunter);
        for (int i = 1; i <= rounds; i++) {
                cop_pid pid;
                snprintf(name, sizeof(name), "prey%d", i);
                cop__store_release(&hunter.round, (uint32_t)i);
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &asked_server,
                                                                     .name = name }, &pid), COP_OK);
                await_true(cop__load_acquire(&hunter.round) == 0);
                put_down(pid);
        }
        cop__store_release(&hunter.round, UINT32_MAX);
        companion_end(&companion);
        ck_assert_str_eq(cop_status_text(hunter.worst), cop_status_text(COP_OK));
}

struct guest {
        cop_node *node;
        cop_pid pid;
        uint32_t stage; /* 1: it is inside; 2: it may end */
};

static void *ends_inside(void *argument)
{
        struct guest *guest = argument;
        ck_assert_int_eq(cop_node_enter(guest->node), COP_OK);
        guest->pid = cop_self();
        cop__store_release(&guest->stage, 1);
        await_true(cop__load_acquire(&guest->stage) == 2);
        return NULL;
}

IN_NODE(a_thread_that_ends_inside_a_node_has_left_it)
{
        NEEDS_THREADS();
        for (int round = 0; round < 3; round++) {
                struct guest guest = { .node = node };
                pthread_t thread;
                ck_assert_int_eq(pthread_create(&thread, NULL, ends_inside, &guest), 0);
                await_true(cop__load_acquire(&guest.stage) == 1);
                cop_ref ref = watch(guest.pid);
                cop__store_release(&guest.stage, 2);
                await_down(ref, "normal");
                pthread_join(thread, NULL);
                ck_assert(!cop_is_alive(guest.pid));
        }
}

static void tells_of_its_plan(const plan *p)
{
        cop_send(p->to, parcel, .number = p->count, .text = p->word);
}

IN_NODE(an_argument_is_copied_and_lasts_for_the_whole_life)
{
        char word[] = "coppice";
        cop_spawn_with(tells_of_its_plan, plan, .to = cop_self(), .count = 7,
                       .word = cop_text_of(word));
        memset(word, 'x', sizeof(word) - 1);
        cop_auto message = await(COP_KIND(parcel));
        const parcel *p = cop_read(parcel, message);
        ck_assert_int_eq(p->number, 7);
        ck_assert(cop_text_equal(p->text, "coppice"));
}

static void idle_init_with(idle *self, const plan *p)
{
        self->unused = p->count;
        cop_send(p->to, born, .number = p->count);
}
typedef idle planned;
COP_SERVER(planned, COP_INIT_WITH(plan, idle_init_with), COP_ON(go, idle_on_go));

IN_NODE(an_init_gets_its_argument_and_no_other_kind)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .server = &planned_server, .kind = COP_KIND_OF(plan),
                                      .argument = &(plan){ .to = cop_self(), .count = 11 } };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto message = await(COP_KIND(born));
        ck_assert_int_eq(cop_read(born, message)->number, 11);
        put_down(pid);

        options.kind = COP_KIND_OF(go);
        options.argument = &(go){ 0 };
        options.monitor = true;
        options.monitor_ref = &ref;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto down = await(COP_REF(cop_down, ref));
        ck_assert(cop_is_tuple(cop_read(cop_down, down)->reason, "badarg", 2));
}

static void init_that_fails(idle *self)
{
        (void)self;
        cop_exit(cop_atom("not_today"));
}
typedef idle failing;
COP_SERVER(failing, COP_INIT(init_that_fails));

IN_NODE(an_init_that_ended_well_is_acknowledged_and_one_that_failed_is_not)
{
        cop_pid pid;
        cop_ref start = cop_ref_new();
        cop_spawn_options options = { .server = &counted_server, .start_ref = start };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto started = await(COP_REF(cop_started, start));
        ck_assert(cop_pid_equal(cop_read(cop_started, started)->pid, pid));
        put_down(pid);

        options.server = &failing_server;
        options.start_ref = cop_ref_new();
        options.link = true;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_exited(pid, "not_today");
        nothing_has_come();
}

static void init_that_ignores(idle *self)
{
        (void)self;
        cop_start_extra(COP_TUPLE(cop_atom("no"), cop_atom("need")));
        cop_ignore();
}
typedef idle ignoring;
COP_SERVER(ignoring, COP_INIT(init_that_ignores));

IN_NODE(GSV_life_05_an_init_may_ignore_its_start_and_its_name_is_free_then)
{
        cop_pid pid;
        cop_ref start = cop_ref_new(), down;
        cop_spawn_options options = { .server = &ignoring_server, .name = "ignoring", .link = true,
                                      .monitor = true, .monitor_ref = &down, .start_ref = start };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto message = await(COP_REF(cop_started, start));
        const cop_started *started = cop_read(cop_started, message);
        ck_assert(started->ignored && cop_pid_equal(started->pid, pid));
        ck_assert_str_eq(text_of(started->extra), "{no, need}");
        ck_assert_uint_eq(cop_whereis("ignoring").bits, 0);
        await_down(down, "normal");
        await_exited(pid, "normal");
}

IN_NODE(only_an_init_may_ignore_its_start)
{
        await_down(spawn_watched(.run = cop_ignore),
                   "{badarg, {ignore, \"only a server's init may ignore its start\"}}");
        ck_assert_int_eq(cop_start_extra(cop_atom("extra")), COP_E_BAD_ARGUMENT);
}

IN_NODE(who_is_spawned_with_a_monitor_is_watched_from_its_first_moment)
{
        for (int i = 0; i < 1000; i++) {
                cop_pid pid;
                cop_ref ref;
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = exits_with_a_term,
                                                                     .link = true, .monitor = true,
                                                                     .monitor_ref = &ref }, &pid),
                                 COP_OK);
                await_down(ref, "{why, 42, \"because\"}");
                await_exited(pid, "{why, 42, \"because\"}");
        }
}

/* ---- What is known of an actor --------------------------------------------------------------- */

IN_NODE(SPN_12_of_the_dead_and_of_nobody_nothing_is_known)
{
        cop_pid pid = cop_spawn(waits);
        put_down(pid);
        cop_term info;
        struct cop__glimpse glimpse;
        ck_assert_int_eq(cop__info(pid, PATIENCE_MS, &info), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop__info(cop_no_pid(), PATIENCE_MS, &info), COP_E_NO_ACTOR);
        ck_assert(!cop__glimpse_of(node, pid, &glimpse));
        ck_assert(!cop_is_alive(pid));
        ck_assert(!cop_is_alive(cop_no_pid()));
}

IN_NODE(SPN_13_unread_messages_are_counted)
{
        cop_pid pid = cop_spawn(waits);
        for (int i = 0; i < 3; i++)
                cop_send(pid, numbered, .number = i);
        ck_assert_str_eq(info_of(pid, "messages"), "3");
        struct cop__glimpse glimpse;
        ck_assert(cop__glimpse_of(node, pid, &glimpse));
        ck_assert_uint_eq(glimpse.unread, 3);
        /* Having answered, it goes back to waiting. */
        await_true(cop__glimpse_of(node, pid, &glimpse) && strcmp(glimpse.status, "waiting") == 0);
        put_down(pid);
}

static void never_receives(void)
{
        for (;;)
                cop_yield();
}

IN_NODE(SPN_15_one_that_never_receives_still_answers)
{
        cop_pid pid = cop_spawn(never_receives);
        ck_assert_str_eq(info_of(pid, "parent"), text_of(cop_pid_term(cop_self())));
        put_down(pid);
}

IN_NODE(an_actor_tells_its_name_server_and_parent)
{
        cop_pid pid = cop_spawn_server(&idle_server, "tim");
        ck_assert_str_eq(info_of(pid, "name"), "tim");
        ck_assert_str_eq(info_of(pid, "server"), "idle");
        ck_assert_str_eq(info_of(pid, "parent"), text_of(cop_pid_term(cop_self())));
        ck_assert_str_eq(info_of(pid, "trap_exit"), "false");
        struct cop__glimpse glimpse;
        ck_assert(cop__glimpse_of(node, pid, &glimpse));
        ck_assert_str_eq(glimpse.name, "tim");
        ck_assert_str_eq(glimpse.server, "idle");
        put_down(pid);
}

/* ---- Order -------------------------------------------------------------------------------------- */

static void sends_numbers(const plan *p)
{
        for (int64_t i = 0; i < p->count; i++)
                cop_send(p->to, numbered, .sender = p->sender, .number = i);
}

IN_NODE(MSG_01_what_one_sends_another_arrives_in_order)
{
        enum { COUNT = 20000 };
        cop_spawn_with(sends_numbers, plan, .to = cop_self(), .count = COUNT);
        for (int i = 0; i < COUNT; i++) {
                cop_auto message = await(COP_KIND(numbered));
                ck_assert_int_eq(cop_read(numbered, message)->number, i);
        }
        nothing_has_come();
}

/* Counts per sender what it gets, and tells when it has got all; out of order is the end of it. */
static void checks_order(const plan *p)
{
        int64_t next[2] = { 0, 0 };
        while (next[0] < p->count || next[1] < p->count) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(numbered));
                const numbered *n = cop_read(numbered, message);
                if (n->number != next[n->sender])
                        cop_exit(cop_atom("out_of_order"));
                next[n->sender]++;
        }
}

IN_NODE(MSG_02_the_stream_of_each_of_two_senders_is_in_order)
{
        const int64_t count = 20000;
        cop_pid to = cop_spawn_with(checks_order, plan, .count = count);
        cop_ref ref = watch(to);
        for (int64_t sender = 0; sender < 2; sender++)
                cop_spawn_with(sends_numbers, plan, .to = to, .count = count, .sender = sender);
        await_down(ref, "normal");
}

IN_NODE(MSG_05_a_message_to_the_dead_is_dropped_and_counted)
{
        cop_pid pid = cop_spawn(waits);
        put_down(pid);
        struct cop__totals before, after;
        cop__totals(node, &before);
        ck_assert_int_eq(cop_send(pid, go), COP_OK);
        ck_assert_int_eq(cop_send(cop_no_pid(), go), COP_OK);
        cop__totals(node, &after);
        ck_assert_uint_eq(after.dead_letters - before.dead_letters, 2);
}

IN_NODE(MSG_06_a_name_that_nobody_bears_is_an_error)
{
        ck_assert_int_eq(cop_send("nobody", go), COP_E_NO_NAME);
        ck_assert_int_eq(cop_send_term("nobody", cop_atom("hello")), COP_E_NO_NAME);
        ck_assert_int_eq(cop_send("", go), COP_E_NO_NAME);
}

static void sends_to_itself(void)
{
        for (int64_t i = 0; i < 1000; i++)
                cop_send(cop_self(), numbered, .number = i);
        for (int64_t i = 0; i < 1000; i++) {
                cop_auto message = cop_receive(0, COP_ANY);
                const numbered *n = cop_read(numbered, message);
                if (n == NULL || n->number != i)
                        cop_exit(cop_atom("out_of_order"));
        }
}

IN_NODE(MSG_09_what_one_sends_to_oneself_is_there_at_once_and_in_order)
{
        cop_ref ref = spawn_watched(.run = sends_to_itself);
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert_str_ne(text_of(cop_read(cop_down, message)->reason), "out_of_order");
        for (int64_t i = 0; i < 1000; i++)
                cop_send(cop_self(), numbered, .number = i);
        for (int64_t i = 0; i < 1000; i++) {
                cop_auto mine = cop_receive(0, COP_ANY);
                ck_assert_int_eq(cop_read(numbered, mine)->number, i);
        }
}

/* Sizes around every border: none, a word, a cache line, the pool's largest class, shared bytes. */
static const size_t sizes[] = { 0, 1, 15, 255, 256, 4000, 4096, 5000, 100000, 1000000 };

static uint8_t byte_at(int64_t number, size_t i)
{
        return (uint8_t)(number * 31 + (int64_t)i * 7);
}

static void sends_parcels(const plan *p)
{
        for (int64_t i = 0; i < p->count; i++) {
                size_t size = sizes[(size_t)i % COP__COUNT(sizes)];
                size_t text_size = sizes[(size_t)(i + 3) % COP__COUNT(sizes)];
                uint8_t *data = cop_alloc(size + 1);
                char *text = cop_alloc(text_size + 1);
                for (size_t at = 0; at < size; at++)
                        data[at] = byte_at(i, at);
                memset(text, 'a' + (int)(i % 26), text_size);
                cop_send(p->to, parcel, .number = i, .bytes = cop_bytes_of(data, size),
                         .text = { text_size, text });
                cop_release(data);
                cop_release(text);
        }
}

IN_NODE(MSG_11_large_and_tiny_messages_keep_their_order_and_content)
{
        const int64_t count = 100;
        cop_spawn_with(sends_parcels, plan, .to = cop_self(), .count = count);
        for (int64_t i = 0; i < count; i++) {
                cop_auto message = await(COP_KIND(parcel));
                const parcel *p = cop_read(parcel, message);
                ck_assert_int_eq(p->number, i);
                ck_assert_uint_eq(p->bytes.size, sizes[(size_t)i % COP__COUNT(sizes)]);
                ck_assert_uint_eq(p->text.size, sizes[(size_t)(i + 3) % COP__COUNT(sizes)]);
                for (size_t at = 0; at < p->bytes.size; at++)
                        if (p->bytes.data[at] != byte_at(i, at))
                                ck_abort_msg("byte %zu of parcel %d", at, (int)i);
                for (size_t at = 0; at < p->text.size; at++)
                        if (p->text.data[at] != 'a' + (int)(i % 26))
                                ck_abort_msg("character %zu of parcel %d", at, (int)i);
                ck_assert_int_eq(p->text.data[p->text.size], '\0');
        }
}

/* ---- Memory ------------------------------------------------------------------------------------ */

/* Dies with everything that an actor can hold: memory, messages read and unread, a timer, a link, a monitor, a name. */
static void holds_much(const plan *p)
{
        cop_ref ref;
        cop_register("holder", cop_self());
        for (int i = 0; i < 10; i++)
                memset(cop_alloc(1000), 1, 1000);
        cop_link(p->to);
        cop_monitor(p->to, &ref);
        cop_send_after(NULL, 1, cop_self(), go);
        for (int64_t i = 0; i < 10; i++)
                cop_send(cop_self(), parcel, .number = i, .text = p->word,
                         .bytes = { (const uint8_t *)p->word.data, p->word.size, NULL });
        for (int i = 0; i < 5; i++)
                (void)cop_receive(0, COP_KIND(parcel)); /* kept on purpose */
        cop_message_free(cop_receive(1, COP_KIND(born)));
        cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_string("with a reason of some length")));
}

IN_NODE(the_memory_of_an_actor_ends_with_it)
{
        static char word[5000];
        memset(word, 'w', sizeof(word) - 1);
        cop_pid friend = cop_spawn(waits);
        settle_with(friend);
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 200; i++) {
                cop_pid pid = cop_spawn_with(holds_much, plan, .to = friend,
                                             .word = cop_text_of(word));
                cop_ref ref = watch(pid);
                await_and_drop(COP_REF(cop_down, ref));
                /* The link has ended the friend, too. */
                cop_ref end = watch(friend);
                await_and_drop(COP_REF(cop_down, end));
                friend = cop_spawn(waits);
                settle_with(friend);
                ck_assert_uint_eq(cop_whereis("holder").bits, 0);
        }
        /* A queue may hold on to the last thing that its owner has done with. */
        await_true(blocks_in_use(node) <= before + 4);
        put_down(friend);
}

static void allocates(void)
{
        char *first = cop_alloc(1), *second = cop_alloc(1000);
        bool good = first != NULL && second != NULL && (uintptr_t)first % 16 == 0 &&
                    (uintptr_t)second % 16 == 0;
        for (int i = 0; good && i < 1000; i++)
                good = second[i] == 0;
        cop_release(first);
        cop_release(NULL);
        good = good && cop_alloc(SIZE_MAX) == NULL && cop_alloc(SIZE_MAX / 2) == NULL;
        cop_exit(cop_atom(good ? "normal" : "bad_memory"));
}

IN_NODE(an_actors_own_memory_is_zeroed_aligned_and_limited)
{
        cop_ref ref = spawn_watched(.run = allocates);
        await_down(ref, "normal");
        char *mine = cop_alloc(100);
        ck_assert_ptr_nonnull(mine);
        ck_assert_int_eq(mine[99], 0);
        cop_release(mine);
        (void)cop_alloc(100); /* ends with the visit */
}
