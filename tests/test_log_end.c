/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A log whose reader does not read, or is gone: nobody waits for it, nobody dies of it, and what was lost is said. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/watchdog.h"
#include "scheduler/detour.h"
#include "tests/cue.h"
#include "tests/node_fixture.h"

/* ---- Standard error, for a while -------------------------------------------------------- */

static struct {
        int before; /* what it was */
        int reader;
} end;

static void redirect(int reader, int writer)
{
        end.reader = reader;
        end.before = dup(STDERR_FILENO);
        ck_assert_int_ge(end.before, 0);
        ck_assert_int_ge(dup2(writer, STDERR_FILENO), 0);
        close(writer);
        ck_assert_int_ge(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
}

/* With room for two pages. */
static void redirect_to_pipe(void)
{
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_gt(fcntl(ends[1], F_SETPIPE_SZ, 8192), 0);
        redirect(ends[0], ends[1]);
}

static void redirect_back(void)
{
        dup2(end.before, STDERR_FILENO);
        close(end.before);
        if (end.reader >= 0)
                close(end.reader);
}

/* What is there to be read, now. */
static const char *read_log(void)
{
        static char text[1 << 20];
        size_t size = 0;
        ssize_t got;
        while ((got = read(end.reader, text + size, sizeof(text) - 1 - size)) > 0)
                size += (size_t)got;
        text[size] = '\0';
        return text;
}

static uint64_t count_of(const char *text, const char *words)
{
        uint64_t count = 0;
        for (const char *at = text; (at = strstr(at, words)) != NULL; at += strlen(words))
                count++;
        return count;
}

/* A node whose log is the usual one. */
static cop_node *begin(int64_t long_turn_ms)
{
        cop_node *node;
        cop_node_options options = { .workers = 2, .long_turn_ms = long_turn_ms };
        ck_assert_int_eq(cop_node_start(&options, &node), COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        return node;
}

/* ---- Nobody reads ------------------------------------------------------------------------- */

enum { LINES = 300 };

static void log_lines(void)
{
        for (int i = 0; i < LINES; i++)
                cop_log(COP_LOG_INFO, "a line of a log that will be longer than its pipe, number %d", i);
}

/* How many are said to be lost. Where no line has room left, these words may have. */
static uint64_t lost_in(const char *text)
{
        static const char words[] = " lines of the log before this were lost: nobody read them\n";
        uint64_t lost = count_of(text, "one line of the log before this was lost: nobody read it\n");
        for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
                const char *number = at;
                while (number > text && number[-1] >= '0' && number[-1] <= '9')
                        number--;
                lost += strtoull(number, NULL, 10);
        }
        return lost;
}

/* All lines have been read or are said to be lost; `text` is what was there to be read. */
static void expect_all_accounted_for(const char *text)
{
        uint64_t count = count_of(text, "a line of a log"), lost = lost_in(text);
        ck_assert_uint_gt(count, 0);
        ck_assert_uint_lt(count, LINES);
        cop_log(COP_LOG_INFO, "the reader is back");
        text = read_log();
        ck_assert_uint_eq(count + lost + lost_in(text), LINES);
        ck_assert_ptr_nonnull(strstr(text, "info    the reader is back\n"));
        cop_log(COP_LOG_INFO, "it stays");
        text = read_log();
        ck_assert_msg(strstr(text, "lost") == NULL && strstr(text, "it stays\n") != NULL, "%s", text);
}

TEST(a_pipe_that_nobody_reads_holds_nobody_up_and_the_lines_lost_are_counted)
{
        redirect_to_pipe();
        cop_node *node = begin(0);
        log_lines();
        expect_all_accounted_for(read_log());
        node_end(node);
        redirect_back();
}

/* Then it cannot be opened once more. */
TEST(without_a_descriptor_to_spare_the_log_holds_nobody_up_either)
{
        struct rlimit before, none;
        redirect_to_pipe();
        cop_node *node = begin(0);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){ .rlim_cur = 1, .rlim_max = before.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        log_lines();
        expect_all_accounted_for(read_log());
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        node_end(node);
        redirect_back();
}

/* Of a line that is longer than what a pipe takes at once, too. */
TEST(a_long_line_that_does_not_fit_counts_as_lost)
{
        static char line[6000];
        memset(line, 'x', sizeof(line) - 1);
        redirect_to_pipe();
        cop_node *node = begin(0);
        cop_log(COP_LOG_INFO, "%s", line);
        ck_assert_ptr_nonnull(strstr(read_log(), line));
        cop_log(COP_LOG_INFO, "%s", line);
        cop_log(COP_LOG_INFO, "%s", line);
        ck_assert_uint_ge(strlen(read_log()), sizeof(line));
        cop_log(COP_LOG_INFO, "the reader is back");
        const char *late = read_log();
        ck_assert_msg(strstr(late, "one line of the log before this was lost: nobody read it\n") != NULL, "%s", late);
        node_end(node);
        redirect_back();
}

TEST(a_socket_that_nobody_reads_holds_nobody_up_and_the_lines_lost_are_counted)
{
        int ends[2], least = 1;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
        redirect(ends[0], ends[1]);
        cop_node *node = begin(0);
        log_lines();
        expect_all_accounted_for(read_log());
        node_end(node);
        redirect_back();
}

/* A pipe is shared, with a reader who wants to wait and with writers who do, too. */
TEST(the_log_changes_nothing_about_a_pipe_that_others_share)
{
        redirect_to_pipe();
        cop_node *node = begin(0);
        int before = fcntl(STDERR_FILENO, F_GETFL);
        cop_log(COP_LOG_INFO, "hello");
        ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL), before);
        ck_assert_ptr_nonnull(strstr(read_log(), "hello\n"));
        node_end(node);
        redirect_back();
}

/* ---- Nobody is there ------------------------------------------------------------------------ */

TEST(a_pipe_whose_reader_is_gone_ends_no_program)
{
        sigset_t pending;
        redirect_to_pipe();
        cop_node *node = begin(0);
        ck_assert_ptr_eq(signal(SIGPIPE, SIG_DFL), SIG_DFL);
        close(end.reader);
        end.reader = -1;
        log_lines();
        ck_assert_int_eq(sigpending(&pending), 0);
        ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
        redirect_back();
        redirect_to_pipe(); /* another one; all before it is lost */
        cop_log(COP_LOG_INFO, "hello");
        char words[96];
        snprintf(words, sizeof(words), "%d lines of the log", LINES);
        ck_assert_ptr_nonnull(strstr(read_log(), words));
        node_end(node);
        redirect_back();
}

/* It cannot be opened once more then, which a pipe without a name can. */
TEST(a_fifo_whose_reader_is_gone_costs_its_lines_and_no_more)
{
        char path[64], words[96];
        snprintf(path, sizeof(path), "/tmp/coppice-log-%d", (int)getpid());
        unlink(path);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        redirect(reader, open(path, O_WRONLY | O_CLOEXEC));
        cop_node *node = begin(0);
        close(end.reader);
        log_lines();
        end.reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        cop_log(COP_LOG_INFO, "hello");
        snprintf(words, sizeof(words), "%d lines of the log", LINES);
        const char *text = read_log();
        ck_assert_ptr_nonnull(strstr(text, words));
        ck_assert_ptr_nonnull(strstr(text, "info    hello\n"));
        node_end(node);
        redirect_back();
        unlink(path);
}

/* ---- A node in trouble ------------------------------------------------------------------------ */

typedef struct {
        int64_t number;
} question;
COP_MESSAGE(question, number);

typedef struct {
        int64_t asked;
} oracle;

static void oracle_on_question(oracle *self, const question *q)
{
        self->asked++;
        cop_reply(question, .number = q->number + 1);
}
COP_SERVER(oracle, COP_ON(question, oracle_on_question));

static int is_over;

static void spins(void)
{
        while (!cop__load_acquire(&is_over))
                ;
}

static void crashes(void)
{
        cop_exit(cop_atom("storm"));
}

static void expect_answer(cop_pid pid)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, question, .number = 1), COP_OK);
        ck_assert_int_eq(cop_read(question, reply)->number, 2);
}

static uint64_t long_turns(cop_node *node)
{
        pthread_mutex_lock(&node->watchdog.mutex);
        uint64_t count = node->watchdog.count;
        pthread_mutex_unlock(&node->watchdog.mutex);
        return count;
}

/* Where that is possible both workers are kept busy, so that the answer takes interruptions. The watch has logged before. */
TEST(a_node_whose_log_nobody_reads_answers_through_crashes_and_endless_loops)
{
        redirect_to_pipe();
        cop_node *node = begin(20);
        const int count = cop__detour_is_possible() ? 3 : 1;
        cop_pid pid, loops[3];
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &oracle_server }, &pid), COP_OK);
        log_lines();
        for (int i = 0; i < 50; i++)
                cop_spawn(crashes);
        expect_answer(pid);
        for (int i = 0; i < count; i++) {
                loops[i] = cop_spawn(spins);
                if (i == 0)
                        await_true(long_turns(node) > 0);
                expect_answer(pid);
        }
        cop__store_release(&is_over, 1);
        for (int i = 0; i < count; i++) {
                cop_auto down = await(COP_REF(cop_down, watch(loops[i])));
        }
        /* A report that is still on its way may be the first line that finds room, and says it. */
        const char *lost = "lines of the log before this were lost";
        bool is_told = strstr(read_log(), lost) != NULL;
        cop_log(COP_LOG_INFO, "the reader is back");
        const char *late = read_log();
        ck_assert_msg(is_told || strstr(late, lost) != NULL, "%s", late);
        node_end(node);
        redirect_back();
}

/* As an impatient writer does. */
static void fill_pipe(void)
{
        static const char page[4096];
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        while (write(fd, page, sizeof(page)) > 0 || write(fd, page, 1) > 0)
                continue;
        ck_assert_int_eq(errno, EAGAIN);
        close(fd);
}

/* Others rely on it to be let on. Its report is filed before it is logged, and it has logged when the node has stopped. */
TEST(the_watch_waits_for_no_reader_of_the_log)
{
        redirect_to_pipe();
        cop_node *node = begin(20);
        fill_pipe();
        cue_hold("log_end.waits");
        cop_pid loops = cop_spawn(spins);
        cop_ref ref = watch(loops);
        await_true(long_turns(node) > 0);
        cop__store_release(&is_over, 1);
        cop_message_free(await(COP_REF(cop_down, ref)));
        cue_go("log_end.waits");
        node_end(node);
        ck_assert(!cue_has_come("log_end.waits"));
        redirect_back();
}
