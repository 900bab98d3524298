/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Reports of crashes that somebody waits for while they are made. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/cue.h"
#include "tests/node_fixture.h"

typedef struct { int64_t divisor; } splits;
COP_MESSAGE(splits, divisor);

static volatile int64_t total = 900;

static void crashes_when_told(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(splits));
        if (cop_read(splits, message)->divisor == 0)
                cop_exit(COP_TUPLE(cop_atom("crashed"), cop_int(total)));
}

static void tells_it(void *pid)
{
        cop_send(*(const cop_pid *)pid, splits, .divisor = 0);
}

/* Nearly each such time ends in another second than it begins in, by nanoseconds. */
IN_NODE(who_waits_for_a_report_over_the_end_of_a_second_gets_it)
{
        NEEDS_THREADS();
        struct cop__report report;
        cop_pid p = cop_spawn(crashes_when_told);
        cue_act("report.waits", tells_it, &p);
        ck_assert(cop__report_wait(node, p, PATIENCE_MS + 999, &report));
        ck_assert(cue_has_come("report.waits"));
        ck_assert_msg(strstr(report.reason, "{crashed, 900}") != NULL, "%s", report.reason);
}

IN_NODE(who_waits_for_a_report_that_does_not_come_gets_none)
{
        struct cop__report report;
        cop_pid p = cop_spawn(crashes_when_told);
        ck_assert(!cop__report_wait(node, p, 1, &report));
        put_down(p);
}

/* There nobody else runs unless who waits lets them. */
TEST(in_a_simulation_who_waits_for_a_report_lets_it_be_made)
{
        cop_simulation order = { .seed = 7, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        struct cop__report report;
        cop_pid p = cop_spawn(crashes_when_told);
        ck_assert_int_eq(cop_send_after(NULL, 5, p, splits, .divisor = 0), COP_OK);
        ck_assert(cop__report_wait(node, p, PATIENCE_MS, &report));
        ck_assert(cop_pid_equal(report.pid, p));
        node_end(node);
}

/* ---- The log of a node that has none of its own -------------------------------------------------------- */

TEST(what_is_for_debugging_is_not_written_to_standard_error)
{
        int ends[2], kept = dup(STDERR_FILENO);
        char text[1024];
        cop_node *node = NULL;
        ck_assert_int_eq(pipe(ends), 0);
        dup2(ends[1], STDERR_FILENO);
        cop_status status = cop_node_start(&(cop_node_options){ .workers = 1 }, &node);
        if (status == COP_OK)
                status = cop_node_enter(node);
        if (status == COP_OK) {
                cop_log(COP_LOG_DEBUG, "hush");
                cop_log(COP_LOG_INFO, "loud");
                node_end(node);
        }
        dup2(kept, STDERR_FILENO);
        close(kept);
        close(ends[1]);
        ck_assert_int_eq(status, COP_OK);
        ssize_t size = read(ends[0], text, sizeof(text) - 1);
        ck_assert_int_gt(size, 0);
        text[size] = '\0';
        close(ends[0]);
        ck_assert_ptr_nonnull(strstr(text, "loud"));
        ck_assert_ptr_null(strstr(text, "hush"));
}
