/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails at each place in turn, of a node while somebody talks with its console, and as its console and its signals start. Who
 * talks gets an answer, a complaint, or is hung up on, and never waits in vain; and the next one is served as if nothing had been.
 *
 *      for n = 1, 2, 3 ...       from the knock at the door on the n-th request of the process fails: alone, or with all behind it
 */
#include <pthread.h>
#include <signal.h>

#include "io/signals.h"
#include "shell/console.h"
#include "tests/bare_pools.h"
#include "tests/spare_client.h"

TEST_WITHIN(who_talks_with_a_console_that_lacks_memory_is_answered_refused_or_hung_up_on, 120)
{
        if (!failing_malloc_can())
                return;
        char folder[64];
        struct cop__console *console;
        begin_folder(folder);
        cop_node *node = node_begin((cop_node_options){ .name = SPARE_NODE, .workers = 2 });
        ck_assert_int_eq(cop__console_start(node, &console), COP_OK);
        ck_assert(holds_a_talk()); /* what is kept for good is there now */
        for (uint32_t failures = 0; failures < 2; failures++) {
                bool has_failed = true;
                for (int64_t n = 1; has_failed; n++) {
                        ck_assert_int_lt(n, 2000);
                        fail_malloc_for(n, failures);
                        bool is_well = holds_a_talk();
                        has_failed = stop_failing_malloc();
                        ck_assert_msg(!is_silent, "at request %lld the console says nothing", (long long)n);
                        ck_assert(is_well || has_failed);
                        ck_assert_msg(holds_a_talk(), "after request %lld the next one is not served", (long long)n);
                }
        }
        cop__console_stop(console);
        node_end(node);
        end_folder(folder);
}

TEST_WITHIN(a_console_that_lacks_memory_as_it_starts_is_not_there_or_works, 120)
{
        if (!failing_malloc_can())
                return;
        char folder[64];
        begin_folder(folder);
        cop_node *node = node_begin((cop_node_options){ .name = SPARE_NODE, .workers = 2 });
        bool has_failed = true;
        for (int64_t n = 1; has_failed; n++) {
                struct cop__console *console;
                fail_malloc_for(n, 1);
                cop_status status = cop__console_start(node, &console);
                has_failed = stop_failing_malloc();
                ck_assert(status == COP_OK || (has_failed && (status == COP_E_NO_MEMORY || status == COP_E_SYSTEM)));
                if (status != COP_OK)
                        continue;
                ck_assert(holds_a_talk());
                cop__console_stop(console);
        }
        node_end(node);
        end_folder(folder);
}

/* Its thread begins without what it needs to visit the node: then the signals are lost, and nothing else is. */
TEST_WITHIN(signals_for_which_there_is_no_memory_are_not_there_and_their_thread_ends, 120)
{
        if (!failing_malloc_can())
                return;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        bool has_failed = true;
        for (int64_t n = 1; has_failed; n++) {
                struct cop__signals *signals;
                fail_malloc_for(n, 1);
                cop_status status = cop__signals_start(node, &set, cop_self(), NULL, &signals);
                has_failed = stop_failing_malloc();
                ck_assert(status == COP_OK || (has_failed && (status == COP_E_NO_MEMORY || status == COP_E_SYSTEM)));
                if (status == COP_OK)
                        cop__signals_stop(signals);
        }
        node_end(node);
}
