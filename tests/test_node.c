/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The node itself: what it is started with, its log, the kinds it knows. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coppice.h>

#include "base/processors.h"
#include "tests/cue.h"
#include "tests/descriptors.h"
#include "tests/ledger.h"
#include "tests/node_fixture.h"
#include "tests/threads.h"

typedef struct {
        int64_t pence, people;
} bill;
COP_MESSAGE(bill, pence, people);

struct heard {
        cop_log_level level;
        char text[16384];
};

static void hear(void *context, cop_log_level level, const char *text)
{
        struct heard *heard = context;
        heard->level = level;
        snprintf(heard->text, sizeof(heard->text), "%s", text);
}

TEST(an_entry_of_the_log_goes_where_the_node_was_told)
{
        static struct heard heard;
        static char longest[20000];
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "logs", .workers = 1,
                                                             .log = hear, .log_context = &heard },
                                        &node), COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        cop_log(COP_LOG_WARNING, "%d eggs", 12);
        ck_assert_int_eq(heard.level, COP_LOG_WARNING);
        ck_assert_str_eq(heard.text, "12 eggs");
        memset(longest, 'x', sizeof(longest) - 1);
        cop_log(COP_LOG_INFO, "%s", longest);
        ck_assert_uint_eq(strlen(heard.text), 8191);
        ck_assert_str_eq(heard.text + 8191 - 4, "x...");
        /* What the C library cannot write is nothing: no bytes stand for this letter where LANG is C. */
        cop_log(COP_LOG_ERROR, "%ls", L"\x2603");
        cop__log_sentence(COP_LOG_ERROR, "%ls", L"\x2603");
        ck_assert_int_eq(heard.level, COP_LOG_INFO);
        cop__log_sentence(COP_LOG_ERROR, "%s", "a\033b");
        ck_assert_str_eq(heard.text, "a?b");
        cop_node_leave();
        cop_node_stop(node);
}

static void stops_its_own_node(void)
{
        cop_node_stop(cop_node_here());
}

/* It waited for its own end, and so did everybody. */
IN_NODE(an_actor_that_stops_the_node_that_it_lives_in_ends_and_the_node_goes_on)
{
        await_down(spawn_watched(.run = stops_its_own_node),
                   "{badarg, {node_stop, \"an actor cannot stop the node that it lives in, nor one that is simulated with it\"}}");
        ck_assert_ptr_eq(cop_node_here(), node);
}

/* Its visit was left, to look into what was gone. */
TEST(a_thread_that_stops_the_node_that_it_visits_has_left_it)
{
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 1 }, &node), COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        cop_node_stop(node);
        ck_assert_ptr_null(cop_node_here());
        ck_assert_int_eq(cop_send("somebody", bill, 900, 3), COP_E_NO_NODE);
        cop_node_leave();
        cop_node_stop(NULL);
}

TEST(a_node_knows_its_name_and_the_kinds_of_the_program_but_not_the_librarys_own)
{
        cop_node *node;
        cop_term term;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "kinds", .workers = 1 }, &node),
                         COP_OK);
        ck_assert_str_eq(cop_node_name(node), "kinds");
        const char *known = "#bill{pence = 900}", *unknown = "#cop__children{}";
        ck_assert_int_eq(cop_term_parse(known, strlen(known), cop_node_kinds(node), &term, NULL),
                         COP_OK);
        ck_assert(cop_is_tuple(term, "bill", 3));
        cop_term_free(term);
        ck_assert_int_eq(cop_term_parse(unknown, strlen(unknown), cop_node_kinds(node), &term, NULL),
                         COP_E_NO_KIND);
        cop_node_stop(node);
}

TEST(what_no_node_can_be_started_with_is_refused)
{
        cop_node *node = NULL;
        const cop_node_options bad[] = { { .name = "" },      { .name = "a b" },
                                         { .name = "../up" }, { .workers = 65 },
                                         { .max_actors = 16711680 }, { .stack_size = (16 << 10) - 1 },
                                         { .stack_size = ((size_t)1 << 30) + 1 },
                                         { .fault_exit_code = -1 }, { .fault_exit_code = 256 } };
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(cop_node_start(&bad[i], &node), COP_E_BAD_ARGUMENT);
        ck_assert_ptr_null(node);
        ck_assert_int_eq(cop_node_enter(NULL), COP_E_BAD_ARGUMENT);
}

/* A process that may use one processor, which is the first of ours: how many workers its node has. */
static int workers_on_one_processor(void)
{
        cpu_set_t set, one;
        cop_node *node;
        if (sched_getaffinity(0, sizeof(set), &set) != 0)
                return -1;
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
                if (CPU_ISSET(i, &set))
                        CPU_SET(i, &one);
        if (sched_setaffinity(0, sizeof(one), &one) != 0 || cop_node_start(&(cop_node_options){ .name = NULL }, &node) != COP_OK)
                return -1;
        return (int)node->scheduler.worker_count;
}

TEST(a_node_has_a_worker_for_each_processor_that_its_process_may_use)
{
        int status;
        pid_t child = fork();
        if (child == 0) {
                suite_is_forked();
                _exit(workers_on_one_processor());
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 1);
}

/* A process that is nice: how many threads of its node are not as nice, once the watch has looked. */
static int threads_that_are_not_as_nice(void)
{
        cop_node *node;
        int count = 0;
        if (setpriority(PRIO_PROCESS, 0, 5) != 0 || cop_node_start(&(cop_node_options){ .workers = 2 }, &node) != COP_OK)
                return -1;
        while (cop__load_relaxed(&node->scheduler.watch.looks) == 0)
                sched_yield();
        DIR *threads = opendir("/proc/self/task");
        for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
                if (entry->d_name[0] != '.')
                        count += getpriority(PRIO_PROCESS, (id_t)atoi(entry->d_name)) != 5;
        return count;
}

TEST(a_nodes_threads_are_as_nice_as_its_program)
{
        int status;
        if (COP__TSAN)
                return; /* it has a thread of its own, from before */
        pid_t child = fork();
        if (child == 0) {
                suite_is_forked();
                _exit(threads_that_are_not_as_nice());
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}

/* What the kernel says of a thread, as far as it knows such: its policy, and how long its slices are. False: nothing. */
static bool slices_of(pid_t tid, uint32_t *policy, uint64_t *slice_ns)
{
        struct {
                uint32_t size, policy;
                uint64_t flags;
                int32_t nice;
                uint32_t priority;
                uint64_t slice_ns, deadline, period;
        } is = { .size = sizeof(is) };
        if (syscall(SYS_sched_getattr, tid, &is, sizeof(is), 0) != 0)
                return false;
        *policy = is.policy;
        *slice_ns = is.slice_ns;
        return true;
}

/* From now on no thread is told what the kernel does with it; of others one may ask, by their numbers. */
static bool refuse_own_slices(void)
{
        struct sock_filter steps[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_getattr, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)), /* the half that a number has */
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { COP__COUNT(steps), steps };
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool be_idle(void)
{
        return sched_setscheduler(0, SCHED_IDLE, &(const struct sched_param){ 0 }) == 0;
}

/* A process that has begun so: how many threads of its node have another policy or other slices than its own. */
static int threads_that_go_otherwise(bool (*begin)(void))
{
        cop_node *node;
        uint32_t policy, other;
        uint64_t slice_ns, other_ns;
        int count = 0;
        if (!begin() || !slices_of(getpid(), &policy, &slice_ns))
                return 0; /* this system has no such thing */
        if (cop_node_start(&(cop_node_options){ .workers = 2 }, &node) != COP_OK)
                return -1;
        while (cop__load_relaxed(&node->scheduler.watch.looks) == 0)
                sched_yield();
        DIR *threads = opendir("/proc/self/task");
        for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
                if (entry->d_name[0] != '.' && slices_of((pid_t)atoi(entry->d_name), &other, &other_ns))
                        count += other != policy || other_ns != slice_ns;
        return count;
}

TEST_WITHIN(the_watch_has_short_slices_only_under_a_policy_that_it_knows_to_be_ordinary, 120)
{
        static bool (*const begins[])(void) = { be_idle, refuse_own_slices };
        int status;
        if (COP__TSAN)
                return; /* it has a thread of its own, from before */
        for (size_t i = 0; i < COP__COUNT(begins); i++) {
                pid_t child = fork();
                if (child == 0) {
                        suite_is_forked();
                        _exit(threads_that_go_otherwise(begins[i]));
                }
                ck_assert_int_eq(waitpid(child, &status, 0), child);
                ck_assert(WIFEXITED(status));
                ck_assert_int_eq(WEXITSTATUS(status), 0);
        }
}

static void write_file(const char *folder, const char *name, const char *text)
{
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        ck_assert_int_eq(fclose(file), 0);
}

TEST(the_quota_of_a_process_is_the_least_of_its_group_and_of_those_above)
{
        static const struct {
                const char *own, *outer, *middle, *inner; /* what is in its file and in theirs; NULL: there is none */
                unsigned quota;
        } rows[] = {
                { "0::/a/b\n", NULL, NULL, NULL, 0 },
                { "0::/a/b\n", NULL, NULL, "300000 100000\n", 3 },
                { "0::/a/b\n", NULL, "200000 100000\n", "300000 100000\n", 2 },
                { "0::/a/b\n", "100000 100000\n", "200000 100000\n", "300000 100000\n", 1 },
                { "0::/a/b\n", "500000 100000\n", "max 100000\n", "300000 100000\n", 3 },
                { "0::/a/b\n", "500000 100000\n", "400000 100000\n", "max 100000\n", 4 },
                { "0::/a/b\n", "500000 100000\n", "", "", 5 }, /* files that are empty */
                { "0::/a\n", "500000 100000\n", "400000 100000\n", "100000 100000\n", 4 },
                { "0::/\n", "500000 100000\n", "400000 100000\n", "100000 100000\n", 5 },
                { "1:cpu:/a/b\n", "500000 100000\n", "400000 100000\n", "100000 100000\n", 5 }, /* of the first version */
                { "2:cpu:/a\n0::/a/b", NULL, "400000 100000\n", "100000 100000\n", 1 },
                { NULL, "500000 100000\n", "400000 100000\n", "100000 100000\n", 5 },
        };
        char path[64];
        for (size_t i = 0; i < COP__COUNT(rows); i++) {
                static const char *const files[] = { "own", "cpu.max", "a/cpu.max", "a/b/cpu.max" };
                const char *texts[] = { rows[i].own, rows[i].outer, rows[i].middle, rows[i].inner };
                char folder[] = "/tmp/coppice-test-XXXXXX", own[64];
                ck_assert_ptr_nonnull(mkdtemp(folder));
                snprintf(own, sizeof(own), "%s/own", folder);
                snprintf(path, sizeof(path), "%s/a", folder);
                ck_assert_int_eq(mkdir(path, 0700), 0);
                snprintf(path, sizeof(path), "%s/a/b", folder);
                ck_assert_int_eq(mkdir(path, 0700), 0);
                for (size_t at = 0; at < COP__COUNT(files); at++)
                        if (texts[at] != NULL)
                                write_file(folder, files[at], texts[at]);
                unsigned quota = cop__processors_quota(own, folder), processors = cop__processors_in(own, folder);
                for (size_t at = 0; at < COP__COUNT(files); at++) {
                        snprintf(path, sizeof(path), "%s/%s", folder, files[at]);
                        unlink(path);
                }
                snprintf(path, sizeof(path), "%s/a/b", folder);
                ck_assert_int_eq(rmdir(path), 0);
                snprintf(path, sizeof(path), "%s/a", folder);
                ck_assert_int_eq(rmdir(path), 0);
                ck_assert_int_eq(rmdir(folder), 0);
                ck_assert_uint_eq(quota, rows[i].quota);
                ck_assert_uint_ge(processors, 1);
                ck_assert(quota == 0 || processors <= quota);
        }
}

TEST(the_quota_of_a_control_group_is_rounded_up_to_processors)
{
        ck_assert_uint_eq(cop__processors_of_quota("max 100000\n"), 0);
        ck_assert_uint_eq(cop__processors_of_quota("150000 100000\n"), 2);
        ck_assert_uint_eq(cop__processors_of_quota("200000 100000\n"), 2);
        ck_assert_uint_eq(cop__processors_of_quota("1000 100000\n"), 1);
        ck_assert_uint_eq(cop__processors_of_quota(""), 0);
        ck_assert_uint_eq(cop__processors_of_quota("7\n"), 0);
        ck_assert_uint_eq(cop__processors_of_quota("7 0\n"), 0);
}

/* Whatever it opens at its start: it is told that the system has no more, and nothing stays open. */
static int starts_refused(bool processes, int up_to)
{
        for (int more = 0; more <= up_to; more++) {
                cop_node *node = NULL;
                allow(more);
                cop_status status = cop_node_start(&(cop_node_options){ .workers = 1, .processes = processes }, &node);
                allow_all();
                if (status == COP_OK) {
                        cop_node_stop(node);
                        return more;
                }
                ck_assert_int_eq(status, COP_E_SYSTEM);
                ck_assert_ptr_null(node);
        }
        return up_to;
}

TEST(without_free_descriptors_a_node_does_not_start_or_does_without)
{
        NEEDS_THE_KERNEL();
        cop_node *node;
        ck_assert_int_lt(starts_refused(false, 20), 20);
        ck_assert_int_gt(starts_refused(true, 6), 0);
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 1, .processes = true }, &node), COP_OK);
        cop_node_stop(node);
}

/* ---- Without a mapping ------------------------------------------------------------------------ */

static void gives_up(void)
{
        abort();
}

/*
 * A worker that had no memory for the stack that signals are handled on went on without, and the first crash of an actor was the end
 * of the program. The mapping is made before the thread now, and who starts the node is told.
 */
TEST(a_node_that_lacks_a_mapping_does_not_start_or_its_actors_crash_alone)
{
        int64_t n = 1;
        for (bool refused = true; refused; n++) {
                cop_node *node = NULL;
                cop_pid pid;
                ledger_refuse_mapping(n);
                cop_status status = cop_node_start(&(cop_node_options){ .workers = 1, .max_actors = 100, .no_preempt = true,
                                                                        .log = fixture_log_nothing }, &node);
                if (status == COP_OK && cop_node_enter(node) == COP_OK) {
                        if (cop_spawn_opt(&(cop_spawn_options){ .run = gives_up }, &pid) == COP_OK)
                                await_true(!cop_is_alive(pid)); /* and this process is */
                        cop_node_leave();
                }
                if (status == COP_OK)
                        cop_node_stop(node);
                refused = ledger_refuse_mapping(0);
                ck_assert(status == COP_OK || (refused && (status == COP_E_NO_MEMORY || status == COP_E_SYSTEM)));
        }
        ck_assert_int_gt(n, 4); /* slots, timers, stacks, that of signals, a slab */
}

/* ---- A node that is stopped from inside another ---------------------------------------------------------------- */

static uint32_t ended; /* atomic */

static void is_ended(void *unused)
{
        (void)unused;
        cop__store_release(&ended, 1);
}

static void owns_something(void)
{
        ck_assert_int_eq(cop_own("thing", is_ended, &ended), COP_OK);
        cop_register("owner", cop_self());
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

static cop_node *other;

/* Another node, with somebody in it who owns something. */
static void begin_other(cop_node *node)
{
        cop_node_leave();
        cop__store_release(&ended, 0);
        other = node_begin((cop_node_options){ .workers = 1 });
        cop_spawn(owns_something);
        await_true(cop_whereis("owner").bits != 0);
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
}

IN_NODE(a_thread_that_visits_a_node_stops_another_by_itself)
{
        NEEDS_THREADS();
        NEEDS_ROOT();
        begin_other(node);
        cop_pid self = cop_self();
        become_somebody_else();
        allow_threads(0);
        cop_node_stop(other);
        ck_assert_uint_eq(cop__load_acquire(&ended), 1);
        ck_assert_ptr_eq(cop_node_here(), node); /* as before */
        ck_assert(cop_pid_equal(cop_self(), self));
        ck_assert_int_eq(cop_send(self, bill, 900, 3), COP_OK);
        await_and_drop(COP_KIND(bill));
}

static void stops_other(void)
{
        cop_node_stop(other);
        ck_assert_uint_eq(cop__load_acquire(&ended), 1);
        cop_exit(cop_atom("done"));
}

static void allow_threads_again(void *unused)
{
        (void)unused;
        allow_all_threads();
}

IN_NODE(an_actor_that_stops_another_node_waits_for_a_thread_to_end_its_actors)
{
        NEEDS_THREADS();
        NEEDS_ROOT();
        begin_other(node);
        become_somebody_else();
        allow_threads(0);
        cue_act("node.has_no_thread", allow_threads_again, NULL);
        await_down(spawn_watched(.run = stops_other), "done");
        ck_assert(cue_has_come("node.has_no_thread"));
}

IN_NODE(an_actor_that_stops_another_node_and_gets_no_thread_ends_its_actors_by_itself)
{
        NEEDS_THREADS();
        NEEDS_ROOT();
        begin_other(node);
        become_somebody_else();
        allow_threads(0);
        await_down(spawn_watched(.run = stops_other), "done");
        settle_with(cop_spawn(owns_something)); /* on the same worker, or another: it is there as before */
}
