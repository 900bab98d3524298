/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Threads of the program inside a node, and outside of it. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/node_fixture.h"

typedef struct ask {
        int64_t number;
} ask;
COP_MESSAGE(ask, number);

typedef struct hello {
        cop_pid pid;
        int64_t number;
} hello;
COP_MESSAGE(hello, pid, number);

typedef struct doubler {
        int64_t count;
} doubler;

static void doubler_on_ask(doubler *self, const ask *a)
{
        self->count++;
        cop_reply(ask, .number = 2 * a->number);
}

COP_SERVER(doubler, COP_ON(ask, doubler_on_ask));

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(hello)));
}

static void greets_its_parent(void)
{
        cop_send(cop_parent(), hello, .pid = cop_self());
}

static void run_threads(int count, void *(*run)(void *), void *argument)
{
        pthread_t threads[64];
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, run, argument), 0);
        for (int i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
}

/* ---- Outside ---------------------------------------------------------------------------- */

TEST(a_thread_in_no_node_is_told_so_by_everything)
{
        cop_pid pid = { 0x100000000 };
        cop_ref ref = { 7 };
        cop_message *reply = NULL;
        ck_assert_uint_eq(cop_self().bits, 0);
        ck_assert_uint_eq(cop_parent().bits, 0);
        ck_assert(!cop_is_alive(pid));
        ck_assert_uint_eq(cop_ref_new().bits, 0);
        ck_assert_ptr_null(cop_node_here());
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits }, &pid), COP_E_NO_NODE);
        ck_assert_uint_eq(cop_spawn(waits).bits, 0);
        ck_assert_int_eq(cop_send(pid, ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_send("name", ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_send_term(pid, cop_nil()), COP_E_NO_NODE);
        ck_assert_ptr_null(cop_receive(COP_FOREVER, COP_ANY));
        ck_assert_int_eq(cop_call(&reply, pid, COP_FOREVER, ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_call_term(&reply, pid, COP_FOREVER, cop_nil()), COP_E_NO_NODE);
        ck_assert_int_eq(cop_reply(ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_answer(NULL, ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_reply_to(((cop_caller){ pid, ref }), ask), COP_E_NO_NODE);
        ck_assert_uint_eq(cop_defer().pid.bits, 0);
        ck_assert_int_eq(cop_failure().type, COP_TERM_NIL);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_E_NO_NODE);
        ck_assert(!cop_trap_exit(true));
        ck_assert_int_eq(cop_link(pid), COP_E_NO_NODE);
        cop_unlink(pid);
        ck_assert_int_eq(cop_monitor(pid, &ref), COP_E_NO_NODE);
        ck_assert_int_eq(cop_monitor("name", &ref), COP_E_NO_NODE);
        cop_demonitor(ref);
        cop_demonitor_flush(ref);
        ck_assert_int_eq(cop_register("name", pid), COP_E_NO_NODE);
        ck_assert_int_eq(cop_unregister("name"), COP_E_NO_NODE);
        ck_assert_uint_eq(cop_whereis("name").bits, 0);
        ck_assert_int_eq(cop_send_after(&ref, 1, pid, ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_cancel(ref), -1);
        ck_assert_ptr_null(cop_alloc(1));
        cop_release(NULL);
        cop_sleep(0);
        cop_yield();
        cop_node_leave();
        ck_assert_uint_eq(ref.bits, 7);
}

TEST(bad_node_options_are_refused)
{
        static const char long_name[] =
                "0123456789012345678901234567890123456789012345678901234567890123";
        const cop_node_options bad[] = {
                { .name = "" },          { .name = "a b" },
                { .name = ".hidden" },   { .name = long_name },
                { .workers = 65 },       { .max_actors = 16777215 },
        };
        cop_node *node = NULL;
        for (size_t i = 0; i < COP__COUNT(bad); i++) {
                ck_assert_int_eq(cop_node_start(&bad[i], &node), COP_E_BAD_ARGUMENT);
                ck_assert_ptr_null(node);
        }
        ck_assert_int_eq(cop_node_start(NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_enter(NULL), COP_E_BAD_ARGUMENT);
        cop_node_stop(NULL);
        ck_assert_int_eq(cop_node_start(NULL, &node), COP_OK);
        ck_assert_str_eq(cop_node_name(node), "coppice");
        cop_node_stop(node);
}

static void owns_and_waits(void)
{
        cop_own_fd(dup(2));
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

/* What they own is closed: a descriptor that stays open fails the claim. */
TEST(a_node_is_stopped_by_a_thread_that_is_inside_another_one)
{
        NEEDS_THREADS();
        cop_node *other = node_begin((cop_node_options){ .name = "other" });
        cop_spawn(owns_and_waits);
        cop_node_leave();
        cop_node *node = node_begin((cop_node_options){ .name = "node" });
        cop_node_stop(other);
        ck_assert_ptr_eq(cop_node_here(), node);
        node_end(node);
}

/* ---- Inside ----------------------------------------------------------------------------------- */

IN_NODE_WITH(a_visitor_has_a_pid_and_a_node, .name = "a-node.1")
{
        ck_assert_ptr_eq(cop_node_here(), node);
        ck_assert_str_eq(cop_node_name(node), "a-node.1");
        ck_assert(cop_is_alive(cop_self()));
        ck_assert_int_eq(cop_node_enter(node), COP_E_BAD_ARGUMENT);
        struct cop__glimpse glimpse;
        ck_assert(cop__glimpse_of(node, cop_self(), &glimpse));
        ck_assert_str_eq(glimpse.status, "visiting");
}

IN_NODE(a_visitor_reads_what_would_have_killed_an_actor)
{
        static const char *const reasons[] = { "normal", "shutdown", "boom", "kill" };
        for (size_t i = 0; i < COP__COUNT(reasons); i++) {
                ck_assert_int_eq(cop_send_exit(cop_self(), cop_atom(reasons[i])), COP_OK);
                await_exited(cop_self(), reasons[i]);
        }
        cop_trap_exit(false); /* does not make it mortal */
        ck_assert_int_eq(cop_send_exit(cop_self(), cop_atom("kill")), COP_OK);
        await_exited(cop_self(), "kill");
}

static void links_and_tells(const hello *h)
{
        cop_ref ref;
        cop_trap_exit(true);
        cop_link(h->pid);
        cop_monitor(h->pid, &ref);
        cop_send(h->pid, hello, .pid = cop_self());
        cop_auto exited = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
        cop_auto down = cop_receive(COP_FOREVER, COP_KIND(cop_down));
        cop_exit(COP_TUPLE(cop_read(cop_exited, exited)->reason, cop_read(cop_down, down)->reason));
}

struct visit {
        cop_node *node;
        cop_ref ref;
        uint32_t stage;
};

static void *is_linked_and_leaves(void *argument)
{
        struct visit *visit = argument;
        ck_assert_int_eq(cop_node_enter(visit->node), COP_OK);
        cop_pid p = cop_spawn_with(links_and_tells, hello, .pid = cop_self());
        cop_ref unused = watch(p);
        (void)unused;
        cop_auto message = await(COP_KIND(hello));
        ck_assert_int_eq(cop_register("linked", p), COP_OK);
        cop__store_release(&visit->stage, 1);
        await_true(cop__load_acquire(&visit->stage) == 2);
        cop_node_leave();
        return NULL;
}

IN_NODE(a_visit_ends_as_an_actor_ends)
{
        NEEDS_THREADS();
        struct visit visit = { .node = node };
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, is_linked_and_leaves, &visit), 0);
        await_true(cop__load_acquire(&visit.stage) == 1);
        cop_ref ref = watch(cop_whereis("linked"));
        cop__store_release(&visit.stage, 2);
        await_down(ref, "{normal, normal}");
        pthread_join(thread, NULL);
}

static void *exits_its_visit(void *argument)
{
        struct visit *visit = argument;
        ck_assert_int_eq(cop_node_enter(visit->node), COP_OK);
        cop_pid p = cop_whereis("waiting");
        ck_assert_int_eq(cop_link(p), COP_OK);
        cop_exit(cop_atom("enough"));
}

IN_NODE(an_exit_on_a_visiting_thread_ends_the_visit_and_the_thread)
{
        NEEDS_THREADS();
        struct visit visit = { .node = node };
        cop_pid p;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "waiting" }, &p),
                         COP_OK);
        cop_ref ref = watch(p);
        run_threads(1, exits_its_visit, &visit);
        await_down(ref, "enough");
}

static void calls_the_visitor(const hello *h)
{
        cop_status status = cop_call(NULL, h->pid, COP_FOREVER, ask);
        cop_exit(COP_TUPLE(cop_int(status), cop_failure()));
}

static void *leaves_with_requests_unread(void *argument)
{
        struct visit *visit = argument;
        ck_assert_int_eq(cop_node_enter(visit->node), COP_OK);
        cop_pid caller = cop_spawn_with(calls_the_visitor, hello, .pid = cop_self());
        ck_assert_int_eq(cop_register("caller", caller), COP_OK);
        for (int i = 0; i < 9; i++)
                cop_spawn_with(calls_the_visitor, hello, .pid = cop_self());
        /* The caller's in hand, some taken in, some perhaps in the queue or still to come. */
        (void)await((cop_pattern){ .kind = COP_KIND_OF(ask), .from = caller });
        ck_assert_ptr_null(cop_receive(0, COP_KIND(hello)));
        cop__store_release(&visit->stage, 1);
        await_true(cop__load_acquire(&visit->stage) == 2);
        cop_node_leave();
        return NULL;
}

IN_NODE(a_visitor_that_leaves_requests_behind_ends_the_calls)
{
        NEEDS_THREADS();
        struct visit visit = { .node = node };
        pthread_t thread;
        char reason[32];
        snprintf(reason, sizeof(reason), "{%d, normal}", COP_E_DIED);
        ck_assert_int_eq(pthread_create(&thread, NULL, leaves_with_requests_unread, &visit), 0);
        await_true(cop__load_acquire(&visit.stage) == 1);
        cop_ref ref = watch(cop_whereis("caller"));
        cop__store_release(&visit.stage, 2);
        await_down(ref, reason);
        pthread_join(thread, NULL);
        await_true(cop_whereis("caller").bits == 0);
}

/* ---- Many visits ------------------------------------------------------------------------------- */

static void *visits_often(void *argument)
{
        for (int i = 0; i < (suite_is_slow() ? 100 : 1000); i++) {
                ck_assert_int_eq(cop_node_enter(argument), COP_OK);
                cop_send(cop_self(), ask, .number = i);
                cop_auto message = cop_receive(0, COP_ANY);
                ck_assert_int_eq(cop_read(ask, message)->number, i);
                if (i % 10 == 0)
                        cop_send(cop_self(), ask); /* unread */
                cop_message_free(message);
                message = NULL;
                cop_node_leave();
        }
        return NULL;
}

TEST(a_thousand_visits_of_each_of_some_threads_leave_nothing)
{
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .max_actors = 64 });
        int64_t before = blocks_in_use(node);
        run_threads(4, visits_often, node);
        await_true(blocks_in_use(node) <= before + 2);
        ck_assert_uint_le(cop__load_relaxed(&node->slots.used), 64);
        node_end(node);
}

struct guest_book {
        cop_node *node;
        cop_pid guests[2];
        uint32_t over;
};

/* Enters and leaves without a pause; what its last selves are sent comes to the slot of the next. */
static void *comes_and_goes(void *argument)
{
        struct guest_book *book = argument;
        for (int i = 0; i < (suite_is_slow() ? 500 : 10000); i++) {
                ck_assert_int_eq(cop_node_enter(book->node), COP_OK);
                cop__store_release(&book->guests[i % 2].bits, cop_self().bits);
                ck_assert_int_eq(cop_send(cop_self(), ask, .number = i), COP_OK);
                for (;;) {
                        cop_auto message = await(COP_KIND(ask));
                        if (cop_pid_equal(cop_message_from(message), cop_self()))
                                break;
                }
                cop_node_leave();
        }
        cop__store_release(&book->over, 1);
        return NULL;
}

static void *sends_to_guests(void *argument)
{
        struct guest_book *book = argument;
        ck_assert_int_eq(cop_node_enter(book->node), COP_OK);
        for (int i = 0; !cop__load_acquire(&book->over); i++) {
                cop_pid pid = { cop__load_acquire(&book->guests[i % 2].bits) };
                cop_ref ref;
                if (pid.bits == 0)
                        continue;
                cop_send(pid, ask);
                if (cop_monitor(pid, &ref) == COP_OK)
                        cop_demonitor_flush(ref);
        }
        cop_node_leave();
        return NULL;
}

/* A signal that is under way to a guest who has left is taken out of the slot by a worker, whoever is about to move in. */
TEST(stray_signals_in_a_slot_do_not_disturb_the_next_visitor)
{
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .max_actors = 4 });
        struct guest_book book = { .node = node };
        pthread_t guest, sender;
        ck_assert_int_eq(pthread_create(&guest, NULL, comes_and_goes, &book), 0);
        ck_assert_int_eq(pthread_create(&sender, NULL, sends_to_guests, &book), 0);
        pthread_join(guest, NULL);
        pthread_join(sender, NULL);
        node_end(node);
}

/* What the race above comes to now and then: the slot's queue is a worker's when the visitor moves in. */
TEST(a_visitor_is_born_also_when_a_worker_is_clearing_its_slot)
{
        cop_node *node = node_begin((cop_node_options){ .max_actors = 4 });
        cop_node_leave();
        for (int i = 0; i < 2000; i++) {
                /* The slot that the next visitor will get, as this thread has just left it. */
                struct cop__slots *slots = &node->slots;
                struct cop__actor *actor = &slots->base[slots->free[slots->free_count - 1]];
                struct cop__thread thread = { 0 };
                ck_assert_int_eq(cop__visitor_enter(&node->scheduler, &thread), COP_OK);
                struct cop__signal *stray = cop__signal_new(&thread.pool, COP__SIGNAL_WAKE, 0);
                ck_assert_ptr_nonnull(stray);
                cop__push_signal(&thread, actor, 0, stray);
                cop__visitor_leave(&thread);
                ck_assert_int_eq(cop_node_enter(node), COP_OK);
                ck_assert_int_eq(cop_send(cop_self(), ask, .number = i), COP_OK);
                await_and_drop(COP_KIND(ask));
                cop_node_leave();
        }
        cop_node_stop(node);
}

static void *does_everything(void *argument)
{
        ck_assert_int_eq(cop_node_enter(argument), COP_OK);
        for (int64_t i = 0; i < (suite_is_slow() ? 20 : 200); i++) {
                cop_pid child = cop_spawn(greets_its_parent);
                cop_auto greeting = await(COP_KIND(hello));
                ck_assert(cop_pid_equal(cop_read(hello, greeting)->pid, child));
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_call(&reply, "doubler", PATIENCE_MS, ask, .number = i),
                                 COP_OK);
                ck_assert_int_eq(cop_read(ask, reply)->number, 2 * i);
                cop_message_free(reply);
                cop_pid waiter = cop_spawn(waits);
                cop_ref ref = watch(waiter);
                ck_assert_int_eq(cop_link(waiter), COP_OK);
                ck_assert_int_eq(cop_send(waiter, hello), COP_OK);
                await_down(ref, "normal");
                await_exited(waiter, "normal");
                ck_assert_int_eq(cop_send_after(NULL, 0, cop_self(), ask, .number = i), COP_OK);
                await_and_drop(COP_KIND(ask));
        }
        cop_node_leave();
        return NULL;
}

IN_NODE(many_visitors_do_everything_at_once)
{
        NEEDS_THREADS();
        cop_pid p = cop_spawn_server(&doubler_server, "doubler");
        run_threads(12, does_everything, node);
        settle_with(p);
        put_down(p);
}

/* ---- Several nodes --------------------------------------------------------------------------------- */

TEST(a_thread_may_visit_one_node_after_another_and_they_know_nothing_of_each_other)
{
        NEEDS_THREADS();
        cop_node *first = node_begin((cop_node_options){ .name = "first" });
        ck_assert_int_eq(cop_register("here", cop_self()), COP_OK);
        cop_node *second;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "second", .workers = 1 },
                                        &second), COP_OK);
        ck_assert_int_eq(cop_node_enter(second), COP_E_BAD_ARGUMENT);
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(second), COP_OK);
        ck_assert_ptr_eq(cop_node_here(), second);
        ck_assert_uint_eq(cop_whereis("here").bits, 0);
        put_down(cop_spawn(waits));
        cop_node_leave();
        cop_node_stop(second);
        ck_assert_int_eq(cop_node_enter(first), COP_OK);
        put_down(cop_spawn(waits));
        node_end(first);
}

TEST(a_node_stops_with_everything_still_in_it)
{
        cop_node *node = node_begin((cop_node_options){ 0 });
        for (int i = 0; i < 500; i++) {
                cop_pid p = cop_spawn(waits);
                cop_send(p, ask, .number = i);
                cop_pid s = cop_spawn_server(&doubler_server, NULL);
                cop_send(s, ask, .number = i); /* the replies come to one who is about to leave */
                watch(s);
        }
        node_end(node);
}
