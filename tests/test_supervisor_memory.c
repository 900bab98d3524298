/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Supervisors when memory runs out: they try again, or give up in order, and the node goes on. */
#include "tests/failing_malloc.h"

#include "tests/family.h"


/* It has all its children again, or has ended; it may do so while it is asked. */
static bool is_settled_or_ended(cop_pid root)
{
        cop_message *answer = NULL;
        if (cop_which_children(root, &answer) != COP_OK)
                return !cop_is_alive(root);
        cop_message_free(answer);
        return is_settled(root);
}

/* Whoever asks is told how it went; the supervisor is alive and right afterwards, or has ended with all its children. */
static void expect_order(cop_pid root, cop_ref ref)
{
        await_true(is_settled_or_ended(root));
        if (!cop_is_alive(root)) {
                await_and_drop(COP_REF(cop_down, ref));
                await_true(cop_whereis("x").bits == 0);
                await_true(cop_whereis("y").bits == 0);
                cop_message *exited;
                while ((exited = cop_receive(0, COP_KIND(cop_exited))) != NULL)
                        cop_message_free(exited);
                return;
        }
        ck_assert_int_eq(count_of(root).active, (int64_t)(cop_whereis("x").bits != 0) +
                                                        (cop_whereis("y").bits != 0));
        fell(root);
        cop_demonitor_flush(ref);
}

/* The n-th allocation from the crash on fails, and those behind it, until some time has passed; for n from 1 up. */
static void crash_without_memory(cop_strategy strategy)
{
        const cop_supervisor shop = { .name = "shop", .strategy = strategy, .intensity = 50,
                                      .period_ms = 1000000,
                                      .children = COP_CHILDREN({ .id = "x", .run = waits },
                                                               { .id = "y", .run = waits }) };
        for (long n = 1; n < 40; n++) {
                cop_pid root = grow(&shop), x = cop_whereis("x");
                cop_ref ref = watch(root), x_ref = watch(x);
                ck_assert_int_eq(cop_send_exit(x, cop_atom("boom")), COP_OK);
                fail_malloc_after(n);
                for (int i = 0; i < 50; i++)
                        cop_yield();
                bool failed = stop_failing_malloc();
                await_and_drop(COP_REF(cop_down, x_ref));
                expect_order(root, ref);
                if (!failed)
                        break;
        }
}

IN_FAMILY(a_restart_without_memory_is_tried_again_or_given_up_in_order)
{
        if (!failing_malloc_can())
                return;
        crash_without_memory(COP_ONE_FOR_ONE);
        crash_without_memory(COP_ONE_FOR_ALL);
}

/* What a caller is told when there is no memory for what he asks. */
static bool is_told(cop_status status)
{
        return status == COP_OK || status == COP_E_NO_MEMORY || status == COP_E_DIED ||
               status == COP_E_NO_REPLY;
}

IN_FAMILY(a_start_without_memory_is_an_answer)
{
        TREE(shop, .children = NULL);
        cop_pid root = grow(&shop), pid;
        cop_ref ref = watch(root);
        for (long n = 1; failing_malloc_can() && n < 200; n++) {
                fail_malloc_after(n);
                cop_status status = cop_start_child(root, (&(const cop_child){ .id = "x",
                                                                               .run = waits }),
                                                    &pid);
                bool failed = stop_failing_malloc();
                ck_assert_msg(is_told(status), "%s", cop_status_text(status));
                if (status == COP_OK) {
                        ck_assert_int_eq(cop_terminate_child(root, "x"), COP_OK);
                        ck_assert_int_eq(cop_delete_child(root, "x"), COP_OK);
                }
                ck_assert_int_eq(count_of(root).specs, 0);
                if (!failed)
                        break;
        }
        cop_demonitor_flush(ref);
        fell(root);
}

IN_FAMILY(new_specs_without_memory_change_nothing)
{
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .run = waits }));
        const cop_supervisor other = { .name = "shop", .intensity = 3,
                                       .children = COP_CHILDREN({ .id = "x", .run = waits },
                                                                { .id = "y", .run = waits },
                                                                { .id = "z", .run = waits }) };
        cop_pid root = grow(&shop);
        for (long n = 1; failing_malloc_can() && n < 200; n++) {
                fail_malloc_after(n);
                cop_status status = cop_replace_specs(root, &other);
                bool failed = stop_failing_malloc();
                ck_assert_msg(is_told(status), "%s", cop_status_text(status));
                int64_t specs = count_of(root).specs;
                ck_assert_int_eq(specs == 1 || specs == 3, 1);
                ck_assert(status != COP_E_NO_MEMORY || specs == 1);
                if (!failed || specs == 3)
                        break;
        }
        fell(root);
}

/* ---- The start of a tree ------------------------------------------------------------------ */

static cop_status supervise_said;

typedef struct refusal {
        int64_t at;
} refusal;
COP_MESSAGE(refusal, at);

/* It traps no exits. */
static void grows_without_memory(const refusal *r)
{
        const cop_supervisor shop = { .name = "shop", .children = COP_CHILDREN({ .id = "x", .run = waits }) };
        cop_pid root = cop_no_pid();
        cop_simulation_refuse(cop_node_here(), (uint64_t)r->at);
        supervise_said = cop_supervise(&shop, &root);
        cop_simulation_refuse(cop_node_here(), 0);
        cop_exit(cop_atom("over"));
}

/* Whatever the root dies of is an answer. But who finds no stack to wait on ends of that itself, here as anywhere. */
static void await_over_or_no_wait(cop_ref ref)
{
        cop_auto message = await(COP_REF(cop_down, ref));
        const char *reason = text_of(cop_read(cop_down, message)->reason);
        if (strcmp(reason, "{system_limit, stack}") != 0)
                ck_assert_str_eq(reason, "over");
}

/* SUP-start-05: also where it is the root that finds no memory for itself. */
TEST(a_tree_that_finds_no_memory_to_start_is_an_answer_and_not_the_end_of_who_grew_it)
{
        cop_simulation order = { .seed = 5, .checks = 16 };
        cop_simulation_state state;
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
        int64_t at = 0;
        uint64_t refusals;
        int died = 0;
        do {
                ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
                refusals = state.refusals;
                await_over_or_no_wait(spawn_watched(RUN_WITH(grows_without_memory, refusal, .at = ++at)));
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
                ck_assert_uint_eq(cop_whereis("shop").bits, 0);
                died += supervise_said == COP_E_DIED;
                cop_simulation_refuse(node, 0);
                ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        } while (state.refusals > refusals);
        ck_assert_int_gt(died, 1);
        ck_assert_int_eq(supervise_said, COP_OK);
        node_end(node);
}

/* ---- The stop of a child -------------------------------------------------------------------- */

/* The n-th request is in vain. Either nothing has been done, which is the answer, or the child is killed. */
static bool kill_without(int64_t n)
{
        cop_simulation order = { .seed = 5, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
        const cop_supervisor shop = { .name = "shop",
                                      .children = COP_CHILDREN({ .id = "x", .run = waits, .shutdown_ms = COP_BRUTAL_KILL }) };
        cop_pid root = grow(&shop);
        cop_ref ref = watch(cop_whereis("x"));
        cop_simulation_refuse(node, (uint64_t)n);
        cop_status status = cop_terminate_child(root, "x");
        cop_simulation_refuse(node, 0);
        bool refused = simulation_of(node).refusals > 0;
        ck_assert_msg(status == COP_OK || (refused && status == COP_E_NO_MEMORY), "%s", cop_status_text(status));
        ck_assert_uint_eq(cop_whereis("x").bits != 0, status != COP_OK);
        if (status == COP_OK)
                await_down(ref, "killed");
        fell(root);
        if (status != COP_OK)
                await_down(ref, "killed");
        node_end(node);
        return refused;
}

TEST(a_child_is_killed_although_there_is_no_memory_for_that_at_first)
{
        int64_t n = 1;
        while (kill_without(n))
                n++;
        ck_assert_int_gt(n, 3);
}
