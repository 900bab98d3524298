/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails, at each place in turn: for every operation the first allocation fails, then the second, and so on until none
 * does. Each time the operation answers with an error, or the actor that asked ends with a reason; the node goes on, nothing is
 * left behind, and the operation works the next time.
 *
 *      for each operation                        an actor of its own runs it
 *              for n = 1, 2, 3 ...               the n-th allocation of the process fails from its first line on
 *
 * All threads allocate from the same malloc, so it may be a supervisor or a keeper that goes without: they must bear it, too.
 * What fails is malloc; that the pools of messages give nothing more is in test_overload.c.
 */
#include "tests/failing_malloc.h"

#include <string.h>

#include "tests/operations.h"

/* ---- One operation, in an actor of its own -------------------------------------------------------------- */

typedef struct trial {
        int64_t operation;
        int64_t fails_at; /* 0: nothing fails */
} trial;
COP_MESSAGE(trial, operation, fails_at);

/* Statuses: what the operation said last; -1: its actor ended before it had said anything. */
static int said; /* atomic */

/* That is for real nodes alone. */
static cop_status calls_apart(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &echo_server, .link = true, .isolation = COP_ISOLATION_PROCESS }, MS, &pid));
        TRY_MESSAGE(cop_call(&message, pid, MS, note, .text = COP_TEXT("text"), .term = cop_string("x")));
        return COP_OK;
}

#define APART ((int64_t)COP__COUNT(operations))

static const struct operation *operation_of(int64_t number)
{
        static const struct operation apart = { "actor in a process", calls_apart };
        return number == APART ? &apart : &operations[number];
}

static void tries(const trial *t)
{
        cop_status (*run)(void) = operation_of(t->operation)->run;
        cop__store_relaxed(&said, -1);
        if (t->fails_at > 0)
                fail_malloc_after(t->fails_at);
        cop__store_release(&said, (int)run());
        cop_exit(cop_atom("over")); /* needs no memory, and takes along what is linked */
}

/* One try. Returns whether an allocation has failed. */
static bool try_once(int64_t operation, int64_t fails_at)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { RUN_WITH(tries, trial, .operation = operation, .fails_at = fails_at),
                                      .monitor = true, .monitor_ref = &ref };
        cop_status spawned = cop_spawn_opt(&options, &pid);
        cop_auto down = spawned != COP_OK ? NULL : cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)); /* a check would allocate */
        bool has_failed = stop_failing_malloc();
        ck_assert_msg(down != NULL, "%s at allocation %lld: its actor hangs", operation_of(operation)->name,
                      (long long)fails_at);
        int status = cop__load_acquire(&said);
        const char *reason = text_of(cop_read(cop_down, down)->reason);
        if (fails_at == 0)
                ck_assert_msg(status == COP_OK && strcmp(reason, "over") == 0, "%s: %s, %s",
                              operation_of(operation)->name, status >= 0 ? cop_status_text((cop_status)status) : "-",
                              reason);
        return has_failed;
}

/* Actors beside this thread's. */
static uint64_t are_others(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died - 1;
}

/* All that a try has started is to end; a keeper may have ended, too. */
static void await_keepers(cop_node *node, int64_t operation, int64_t fails_at, uint64_t at_least)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS, others;
        while ((others = are_others(node)) > KEEPERS || others < at_least) {
                ck_assert_msg(cop__clock_ns() < until_ns, "%s at allocation %lld: %llu actors are left, not %d",
                              operation_of(operation)->name, (long long)fails_at, (unsigned long long)others, KEEPERS);
                cop_yield();
        }
}

static void fail_at_each_place(cop_node *node, int64_t operation)
{
        try_once(operation, 0); /* what is kept for good is there now */
        await_keepers(node, operation, 0, KEEPERS);
        int64_t blocks = blocks_in_use(node);
        int64_t n = 1;
        for (; try_once(operation, n); n++) {
                ck_assert_msg(n < 2000, "%s never succeeds", operation_of(operation)->name);
                await_keepers(node, operation, n, 0);
                mend_keepers();
                await_keepers(node, operation, n, KEEPERS);
        }
        await_keepers(node, operation, n, KEEPERS);
        try_once(operation, 0);
        await_keepers(node, operation, 0, KEEPERS);
        await_true(blocks_in_use(node) <= blocks + 16);
}

TEST_WITHIN(an_operation_without_memory_fails_or_its_actor_does_and_the_node_goes_on, 300)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        begin_keepers();
        for (int64_t i = 0; i < APART; i++)
                fail_at_each_place(node, i);
        node_end(node);
}

/* The memory that fails is the node's. */
TEST_WITHIN(an_actor_in_a_process_whose_node_has_no_memory_for_it_is_not_there_and_the_node_goes_on, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 2, .processes = true });
        begin_keepers();
        fail_at_each_place(node, APART);
        node_end(node);
}

static cop_status start_small(cop_node **node)
{
        return cop_node_start(&(cop_node_options){ .workers = 2, .max_actors = 1000, .log = fixture_log_nothing }, node);
}

TEST_WITHIN(a_node_without_memory_does_not_start_and_leaves_nothing, 120)
{
        if (!failing_malloc_can())
                return;
        for (long n = 1;; n++) {
                cop_node *node = NULL;
                fail_malloc_after(n);
                cop_status status = start_small(&node);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        cop_node_stop(node);
                        return;
                }
                if (status == COP_OK) /* it can do without that one */
                        cop_node_stop(node);
                else
                        ck_assert(status == COP_E_NO_MEMORY || status == COP_E_SYSTEM); /* no thread */
        }
}

TEST(a_visit_without_memory_is_refused)
{
        cop_node *node = NULL;
        if (!failing_malloc_can())
                return;
        ck_assert_int_eq(start_small(&node), COP_OK);
        for (long n = 1;; n++) {
                fail_malloc_after(n);
                cop_status status = cop_node_enter(node);
                bool has_failed = stop_failing_malloc();
                if (status == COP_OK)
                        cop_node_leave();
                else
                        ck_assert_int_eq(status, COP_E_NO_MEMORY);
                if (!has_failed)
                        break;
        }
        cop_node_stop(node);
}
