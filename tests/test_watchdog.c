/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who is at one message for long is reported, with where it is, and found by who asks what is stuck. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actors/watchdog.h"
#include "scheduler/detour.h"
#include "tests/node_fixture.h"

/* ---- A log that is kept ------------------------------------------------------------- */

static struct {
        pthread_mutex_t lock;
        int count;
        char last[2048];
        uint32_t still, again; /* atomic: reports that nothing else runs, and that others do again */
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void keep(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (strstr(text, "hold all 1 worker and 1 spare worker\n") != NULL)
                cop__add_relaxed(&kept.still, 1);
        if (strstr(text, "others run again, after ") != NULL)
                cop__add_relaxed(&kept.again, 1);
        if (level != COP_LOG_WARNING || strstr(text, "has been at work") == NULL)
                return;
        pthread_mutex_lock(&kept.lock);
        kept.count++;
        strncpy(kept.last, text, sizeof(kept.last) - 1);
        pthread_mutex_unlock(&kept.lock);
}

static int reports(void)
{
        pthread_mutex_lock(&kept.lock);
        int count = kept.count;
        pthread_mutex_unlock(&kept.lock);
        return count;
}

static bool says(const char *words)
{
        pthread_mutex_lock(&kept.lock);
        bool found = strstr(kept.last, words) != NULL;
        pthread_mutex_unlock(&kept.lock);
        return found;
}

#define WATCHED .long_turn_ms = 20, .log = keep, .secret_fields = "pin, password"

/* ---- Actors at work -------------------------------------------------------------------- */

typedef struct job {
        int64_t kind;
        cop_text note, password;
} job;
COP_MESSAGE(job, kind, note, password);

static int is_over;

static __attribute__((noinline)) void spins(void)
{
        while (!cop__load_acquire(&is_over))
                ;
}

static int pipe_ends[2];

static void waits_in_the_system(void)
{
        char byte;
        while (read(pipe_ends[0], &byte, 1) < 0)
                ;
}

static int spins_for_entry(const struct dirent *unused)
{
        (void)unused;
        spins();
        return 0;
}

static void spins_in_a_library(void)
{
        struct dirent **none = NULL;
        if (scandir("/proc/self", &none, spins_for_entry, NULL) >= 0)
                free(none);
}

static __attribute__((noinline)) int spins_deep_down(int depth)
{
        if (depth == 0)
                spins();
        return depth > 0 ? spins_deep_down(depth - 1) + 1 : 0;
}

static bool spins_and_says_no(const job *j, const int *unused)
{
        (void)j;
        (void)unused;
        spins();
        return false;
}

/* Large, and nothing in it is shown. */
typedef struct chest {
        char room[8192];
} chest;
COP_MESSAGE(chest, room);

typedef struct {
        int64_t done;
} worker;
static void worker_on_job(worker *self, const job *j)
{
        if (j->kind == 1)
                spins();
        if (j->kind == 2)
                waits_in_the_system();
        if (j->kind == 3)
                COP_NO_PREEMPT
                {
                        spins();
                }
        if (j->kind == 4)
                spins_in_a_library();
        if (j->kind == 5)
                self->done += spins_deep_down(1000);
        if (j->kind == 6)
                cop_message_free(cop_receive(COP_FOREVER, COP_WHERE(job, spins_and_says_no, &is_over), COP_KIND(chest)));
        self->done++;
}

static void worker_on_chest(worker *self, const chest *c)
{
        (void)c;
        spins();
        self->done++;
}
COP_SERVER(worker, COP_ON(job, worker_on_job), COP_ON(chest, worker_on_chest));

static cop_pid work_at(int64_t kind, const char *note)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &worker_server,
                                                             .name = "worker" }, &pid), COP_OK);
        cop_send(pid, job, kind, .note = cop_text_of(note), .password = COP_TEXT("xyzzy"));
        return pid;
}

static cop_pid work_on(int64_t kind)
{
        return work_at(kind, "by noon");
}

/* What is in the message, where the system lets a process copy from itself; else its kind. */
static bool says_message(const char *words)
{
        char from = 'x', to = 0;
        struct iovec here = { &to, 1 }, there = { &from, 1 };
        return says(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 ? words : "handling job");
}

static size_t stuck(cop_node *node, struct cop__long_turn *entry)
{
        static struct cop__long_turn entries[COP__LONG_TURNS_KEPT];
        size_t count = cop__watchdog_stuck(node, entries, COP__LONG_TURNS_KEPT);
        *entry = entries[0];
        return count;
}

/* ---- Claims --------------------------------------------------------------------------------- */

IN_NODE_WITH(who_is_at_one_message_for_long_is_reported_with_where_it_is, WATCHED)
{
        struct cop__long_turn entry;
        cop_pid pid = work_on(1);
        await_true(reports() > 0);
        ck_assert(says("** worker <"));
        ck_assert_msg(says_message("#job{kind = 1, note = \"by noon\", password = ...}"), "%s", kept.last);
        if (cop__detour_is_possible()) {
                ck_assert_msg(says("in spins at "), "%s", kept.last);
                ck_assert(says("tests/test_watchdog.c:"));
                ck_assert(says("called by worker_on_job at "));
                ck_assert(says("it is interrupted while others wait"));
        }
        ck_assert_uint_eq(stuck(node, &entry), 1);
        ck_assert(cop_pid_equal(entry.pid, pid));
        cop__store_release(&is_over, 1);
        await_true(stuck(node, &entry) == 0);
        put_down(pid);
}

IN_NODE_WITH(the_report_comes_again_when_the_time_has_doubled, WATCHED)
{
        cop_pid pid = work_on(1);
        await_true(reports() >= 3);
        cop__store_release(&is_over, 1);
        put_down(pid);
}

static bool is_reported(cop_node *node, cop_pid pid)
{
        bool found = false;
        pthread_mutex_lock(&node->watchdog.mutex);
        for (size_t i = 0; i < COP__LONG_TURNS_KEPT; i++)
                found = found || cop_pid_equal(node->watchdog.ring[i].pid, pid);
        pthread_mutex_unlock(&node->watchdog.mutex);
        return found;
}

/* Each turn of an interrupted one put its report off, by as much as the limit, and a turn is shorter than that: so of several on one
 * worker those were never reported that had not been before they had to share it. */
IN_NODE_WITH(who_is_interrupted_again_and_again_is_reported_all_the_same, WATCHED, .workers = 1)
{
        cop_pid pids[3];
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &worker_server }, &pids[i]), COP_OK);
                cop_send(pids[i], job, .kind = 1);
        }
        for (int i = 0; i < 3 && cop__detour_is_possible(); i++)
                await_true(is_reported(node, pids[i]));
        cop__store_release(&is_over, 1);
        for (int i = 0; i < 3; i++)
                put_down(pids[i]);
}

IN_NODE_WITH(of_one_that_waits_in_the_system_is_told_in_which_call, WATCHED)
{
        ck_assert_int_eq(pipe(pipe_ends), 0);
        cop_pid pid = work_on(2);
        await_true(reports() > 0);
        ck_assert(says("worker_on_job"));
        ck_assert(says("system call read"));
        ck_assert_msg(says_message("#job{kind = 2, note = \"by noon\", password = ...}"), "%s", kept.last);
        ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
        put_down(pid);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
}

static void runs_at_last(void)
{
        cop__store_release(&is_over, 1);
}

/* Each of the two was reported, and nobody said that this was all there is. */
IN_NODE_WITH(a_node_whose_workers_and_spare_ones_are_all_blocked_says_that_nothing_else_runs, WATCHED, .workers = 1, .spare_workers = 1)
{
        cop_pid pids[2];
        ck_assert_int_eq(pipe(pipe_ends), 0);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &worker_server }, &pids[i]), COP_OK);
                cop_send(pids[i], job, .kind = 2);
        }
        await_true(is_reported(node, pids[0]) && is_reported(node, pids[1]));
        ck_assert_uint_eq(cop__load_relaxed(&kept.still), 0); /* nobody waits */
        cop_spawn(runs_at_last);
        await_true(cop__load_relaxed(&kept.still) >= 2);
        ck_assert_uint_eq(cop__load_relaxed(&kept.again), 0);
        ck_assert_int_eq(write(pipe_ends[1], "xx", 2), 2);
        await_true(cop__load_relaxed(&kept.again) == 1 && cop__load_acquire(&is_over));
        for (int i = 0; i < 2; i++)
                put_down(pids[i]);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
}

/* Its body is no part of the block that it is sent in. */
IN_NODE_WITH(a_long_message_is_told_by_its_beginning, WATCHED)
{
        static char note[200000];
        char beginning[128] = "note = \"";
        memset(note, 'n', sizeof(note) - 1);
        memset(beginning + 8, 'n', 119);
        cop_pid pid = work_at(1, note);
        await_true(reports() > 0);
        ck_assert_msg(says_message(beginning) && says_message("n...\", password"), "%s", kept.last);
        cop__store_release(&is_over, 1);
        put_down(pid);
}

IN_NODE_WITH(of_one_that_is_left_alone_is_told_that_it_is, WATCHED)
{
        cop_pid pid = work_on(3);
        await_true(reports() > 0);
        if (cop__detour_is_possible())
                ck_assert(says("as it has asked for"));
        cop__store_release(&is_over, 1);
        put_down(pid);
}

IN_NODE_WITH(of_one_that_is_interrupted_nowhere_is_told_why, WATCHED)
{
        static const struct {
                int64_t kind;
                const char *why;
        } each[] = {
                { 4, "it is not interrupted there: a library may hold a lock" },
                { 5, "it is not interrupted there: too little stack is left, or too much is on it" },
                { 6, "it is not interrupted there: Coppice is at work for it" },
        };
        if (!cop__detour_is_possible())
                return;
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                cop__store_release(&is_over, 0);
                cop_pid pid = work_on(each[i].kind);
                cop_send(pid, job, 0);
                await_true(says(each[i].why));
                cop__store_release(&is_over, 1);
                put_down(pid);
        }
}

IN_NODE_WITH(of_a_message_too_large_to_be_looked_at_the_kind_is_told, WATCHED)
{
        cop_pid pid = work_on(0);
        cop_send(pid, chest, "");
        await_true(reports() > 0);
        ck_assert_msg(says(", handling chest"), "%s", kept.last);
        cop__store_release(&is_over, 1);
        put_down(pid);
}

IN_NODE_WITH(without_interruptions_there_are_reports_all_the_same, WATCHED, .no_preempt = true)
{
        cop_pid pid = work_on(1);
        await_true(reports() > 0);
        ck_assert(says("worker_on_job"));
        cop__store_release(&is_over, 1);
        put_down(pid);
}
