/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails, at each place in turn: for every operation the first request fails, then the second, and so on until none
 * does. Each time the operation answers with an error, or the actor that asked ends with a reason, or it was done all the same, which is
 * looked at; the node goes on, nothing is left behind, and the operation works the next time.
 *
 *      for each operation                        an actor of its own runs it
 *              for n = 1, 2, 3 ...               from its first line on the n-th request of the process fails, whoever's: alone, with
 *                                                some behind it, or with all behind it, until the actor has ended
 *
 * It may be a supervisor or a keeper that goes without: they must bear it, too. What fails is malloc and the pools of messages.
 */
#include "tests/failing_malloc.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bare_pools.h"
#include "tests/ledger.h"
#include "tests/operations.h"

/* ---- One operation, in an actor of its own -------------------------------------------------------------- */

typedef struct trial {
        int64_t operation;
        int64_t fails_at; /* 0: nothing fails */
        int64_t fails_for; /* 0: all from there on */
} trial;
COP_MESSAGE(trial, operation, fails_at, fails_for);

/* All; one; some, as many as a few tries take. */
static const int64_t spells[] = { 0, 1, 3 };

/* Statuses: what the operation said last; -1: its actor ended before it had said anything. */
static int said; /* atomic */

/* Where nothing at all is there any more nobody hears that the process has started. */
#define APART_MS 2000

/* That is for real nodes alone. */
static cop_status calls_apart(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &echo_server, .link = true, .isolation = COP_ISOLATION_PROCESS }, APART_MS,
                      &pid));
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
        cop_call(NULL, "echo", MS, item, .number = 1); /* what the try before has left in its mailbox is counted */
        if (t->fails_at > 0)
                fail_malloc_for(t->fails_at, (uint32_t)t->fails_for);
        cop__store_release(&said, (int)run());
        cop_exit(cop_atom("over")); /* needs no memory, and takes along what is linked */
}

/* Before a try fails that left somebody behind: who is there, and where he waits. */
static void print_actors(void)
{
        cop_pid pids[64];
        size_t count = cop_processes(pids, COP__COUNT(pids));
        for (size_t i = 0; i < count && i < COP__COUNT(pids); i++) {
                cop_process process;
                char where[128];
                if (cop_process_info(pids[i], &process) == COP_OK)
                        fprintf(stderr, "%s %s %s: status %d, %u unread, %u relations, at %s\n", process.name,
                                process.label, process.server != NULL ? process.server : "-", (int)process.status,
                                process.unread, process.relations,
                                cop_process_where(&process, where, sizeof(where)));
        }
}

/* One try. Returns whether an allocation has failed. */
static bool try_once(int64_t operation, int64_t fails_at, int64_t fails_for)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { RUN_WITH(tries, trial, .operation = operation, .fails_at = fails_at,
                                               .fails_for = fails_for),
                                      .monitor = true, .monitor_ref = &ref };
        cop_status spawned = cop_spawn_opt(&options, &pid);
        cop_auto down = spawned != COP_OK ? NULL : cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)); /* a check would allocate */
        bool has_failed = stop_failing_malloc();
        if (down == NULL)
                print_actors();
        ck_assert_msg(down != NULL, "%s at allocation %lld: its actor hangs", operation_of(operation)->name,
                      (long long)fails_at);
        int status = cop__load_acquire(&said);
        const char *reason = text_of(cop_read(cop_down, down)->reason);
        const char *wrong = has_failed ? wrong_after_refusal(status, reason) : NULL;
        ck_assert_msg(wrong == NULL, "%s at allocation %lld, for %lld: %s", operation_of(operation)->name, (long long)fails_at,
                      (long long)fails_for, wrong);
        if (!has_failed)
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
                bool is_late = cop__clock_ns() >= until_ns;
                if (is_late)
                        print_actors();
                ck_assert_msg(!is_late, "%s at allocation %lld: %llu actors are left, not %d",
                              operation_of(operation)->name, (long long)fails_at, (unsigned long long)others, KEEPERS);
                cop_yield();
        }
}

static void fail_at_each_place(cop_node *node, int64_t operation, int64_t fails_for)
{
        try_once(operation, 0, 0); /* what is kept for good is there now */
        await_keepers(node, operation, 0, KEEPERS);
        int64_t blocks = blocks_in_use(node);
        int64_t n = 1;
        for (; try_once(operation, n, fails_for); n++) {
                ck_assert_msg(n < 2000, "%s never succeeds", operation_of(operation)->name);
                await_keepers(node, operation, n, 0);
                mend_keepers();
                await_keepers(node, operation, n, KEEPERS);
        }
        await_keepers(node, operation, n, KEEPERS);
        try_once(operation, 0, 0);
        await_keepers(node, operation, 0, KEEPERS);
        await_true(blocks_in_use(node) <= blocks + 16);
}

/* Without memory libdw is left behind, with what it had open: see place.c. */
static void close_what_libdw_lost(void)
{
        struct stat is;
        for (int fd = 3; fd < 256; fd++)
                if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_mode & S_IXUSR)
                        close(fd);
}

TEST_WITHIN(an_operation_without_memory_fails_or_its_actor_does_and_the_node_goes_on, 300)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        begin_keepers();
        for (size_t spell = 0; spell < COP__COUNT(spells); spell++)
                for (int64_t i = 0; i < APART; i++)
                        fail_at_each_place(node, i, spells[spell]);
        node_end(node);
        close_what_libdw_lost();
}

/* The memory that fails is the node's. */
TEST_WITHIN(an_actor_in_a_process_whose_node_has_no_memory_for_it_is_not_there_and_the_node_goes_on, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 2, .processes = true });
        begin_keepers();
        for (size_t spell = 0; spell < COP__COUNT(spells); spell++)
                fail_at_each_place(node, APART, spells[spell]);
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

/* ---- What a node does for the first time, and the last ------------------------------------------------------- */

static int blocked;

static void blocks_once(void *unused)
{
        (void)unused;
        cop__store_relaxed(&blocked, 1);
}

static void goes_blocking(void)
{
        cop_blocking(blocks_once, NULL);
}

/* The thread for it begins, and may lack the memory for what contains a fault: it does without. */
TEST_WITHIN(a_node_that_lacks_memory_for_its_first_blocking_thread_refuses_it_or_does_without, 120)
{
        if (!failing_malloc_can())
                return;
        for (int64_t n = 1;; n++) {
                cop_node *node = node_begin((cop_node_options){ .workers = 1, .max_actors = 100 });
                cop_ref ref;
                cop_pid pid;
                cop__store_relaxed(&blocked, 0);
                fail_malloc_for(n, 1);
                cop_status status = cop_spawn_opt(&(cop_spawn_options){ .run = goes_blocking, .monitor = true, .monitor_ref = &ref },
                                                  &pid);
                cop_auto down = status == COP_OK ? cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)) : NULL;
                bool has_failed = stop_failing_malloc();
                ck_assert(status == COP_OK || (has_failed && status == COP_E_NO_MEMORY));
                ck_assert(status != COP_OK || down != NULL);
                ck_assert(has_failed || cop__load_relaxed(&blocked) == 1);
                cop_message_free(down);
                down = NULL;
                node_end(node);
                if (!has_failed)
                        break;
        }
}

/* It is asked again until each has been told: a node that is stopped is stopped. */
TEST_WITHIN(a_node_that_lacks_memory_for_a_while_as_it_stops_is_stopped_all_the_same, 120)
{
        if (!failing_malloc_can())
                return;
        static const uint32_t whiles[] = { 1, 2, 5, 40 };
        for (size_t i = 0; i < COP__COUNT(whiles); i++) {
                bool has_failed = true;
                for (int64_t n = 1; has_failed; n++) {
                        ck_assert_int_lt(n, 1000);
                        cop_node *node = node_begin((cop_node_options){ .workers = 2, .max_actors = 100 });
                        for (int each = 0; each < 3; each++)
                                cop_spawn(waits_for_an_end);
                        cop_node_leave();
                        fail_malloc_for(n, whiles[i]);
                        struct ledger before = ledger_now();
                        cop_node_stop(node);
                        has_failed = stop_failing_malloc();
                        long long left = ledger_now().blocks - before.blocks;
                        ck_assert_msg(left == 0, "without memory for request %lld and %u more it leaves %lld blocks", (long long)n,
                                      whiles[i] - 1, left);
                }
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

/* ---- The place of a crash ---------------------------------------------------------------------------------------- */

/* Once it has begun, libdw does not bear each failure: see place.c. */
TEST(without_memory_the_place_of_a_crash_is_found_in_another_way_and_whole_when_there_is_some)
{
        struct cop__place whole, poor, later;
        if (!failing_malloc_can())
                return;
        const void *pc = __extension__ (const void *)cop__place_of;
        struct cop__symbols *symbols = cop__symbols_new();
        ck_assert(cop__place_of(symbols, pc, false, &whole));
        cop__symbols_free(symbols);
        symbols = cop__symbols_new();
        fail_malloc_after(1);
        bool is_known = cop__place_of(symbols, pc, false, &poor);
        stop_failing_malloc();
        ck_assert(is_known);
        ck_assert_str_eq(poor.function, "cop__place_of");
        ck_assert_uint_eq(poor.line, 0);
        ck_assert(cop__place_of(symbols, pc, false, &later));
        ck_assert_str_eq(later.function, whole.function);
        ck_assert_str_eq(later.file, whole.file);
        ck_assert_uint_eq(later.line, whole.line);
        cop__symbols_free(symbols);
}
