/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The client's side of a conversation, with somebody at the other end who is no console, or one that ends in the middle. With a
 * console it is in shell_client.sh.
 */
#define _GNU_SOURCE
#include "shell/client/choose.h"
#include "shell/client/history_file.h"
#include "shell/client/script.h"
#include "shell/client/talk.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/compiler.h"
#include "shell/packet.h"
#include "tests/suite.h"

/* ---- What is said on standard error ---------------------------------------------------- */

static FILE *heard;
static int stderr_before;

static void begin_to_hear(void)
{
        heard = tmpfile();
        ck_assert_ptr_nonnull(heard);
        fflush(stderr);
        stderr_before = dup(STDERR_FILENO);
        ck_assert_int_ge(dup2(fileno(heard), STDERR_FILENO), 0);
}

static void has_said(const char *sentence)
{
        char text[4096] = "";
        fflush(stderr);
        rewind(heard);
        size_t size = fread(text, 1, sizeof(text) - 1, heard);
        text[size] = '\0';
        dup2(stderr_before, STDERR_FILENO);
        close(stderr_before);
        fclose(heard);
        ck_assert_msg(strstr(text, sentence) != NULL, "no '%s' in: %s", sentence, text);
}

/* ---- Somebody who listens ----------------------------------------------------------------- */

struct host {
        char folder[64], path[128];
        int fd;
        pthread_t thread;
        int type; /* of the packet that it greets with; 0: none */
        const char *words;
};

static void *greet(void *argument)
{
        struct host *host = argument;
        int fd = accept(host->fd, NULL, NULL);
        if (fd >= 0 && host->type != 0)
                cop__packet_write(fd, host->type, host->words, strlen(host->words));
        close(fd);
        return NULL;
}

static void host_begin(struct host *host, int type, const char *words)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        *host = (struct host){ .type = type, .words = words };
        strcpy(host->folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(host->folder));
        snprintf(host->path, sizeof(host->path), "%s/a.sock", host->folder);
        strcpy(address.sun_path, host->path);
        host->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(host->fd, 0);
        ck_assert_int_eq(bind(host->fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(host->fd, 1), 0);
        ck_assert_int_eq(pthread_create(&host->thread, NULL, greet, host), 0);
}

static void host_end(struct host *host)
{
        pthread_join(host->thread, NULL);
        close(host->fd);
        unlink(host->path);
        rmdir(host->folder);
}

static bool is_for_a_program;

static void is_not_talked_to(int type, const char *words, const char *sentence)
{
        struct host host;
        struct talk talk;
        host_begin(&host, type, words);
        begin_to_hear();
        enum exit_code code = talk_begin(&talk, host.path, is_for_a_program);
        has_said(sentence);
        ck_assert_int_eq(code, EXIT_NO_NODE);
        host_end(&host);
}

TEST(a_node_of_another_protocol_is_not_talked_to)
{
        is_not_talked_to(COP__PACKET_GREETING, "coppice 0\nshop\n<0.1.0>\n0\n",
                         "the node speaks 'coppice 0', and this program '" COP__PROTOCOL "'");
}

TEST(what_a_node_says_instead_of_a_greeting_is_shown)
{
        is_not_talked_to(COP__PACKET_ERR, "** no more shells\n", "** no more shells");
}

TEST(who_greets_with_something_else_is_no_console)
{
        is_not_talked_to(COP__PACKET_OUT, "hello\n", "is no console of Coppice");
}

TEST(who_hangs_up_before_the_greeting_has_just_ended)
{
        is_not_talked_to(0, "", "has just ended");
}

TEST(a_program_is_told_in_json_whom_it_cannot_talk_to)
{
        is_for_a_program = true;
        is_not_talked_to(COP__PACKET_GREETING, "coppice 0\nshop\n<0.1.0>\n0\n", "{\"error\":\"coppice: the node speaks 'coppice 0', ");
        is_not_talked_to(COP__PACKET_ERR, "** no more shells\n", "{\"error\":\"** no more shells\"}\n");
        is_not_talked_to(0, "", "has just ended\"}\n");
        is_for_a_program = false;
}

/* ---- A node that starts ------------------------------------------------------------------- */

/* Its name is taken before its socket listens. */
TEST(a_node_that_is_in_the_middle_of_its_start_is_waited_for)
{
        char folder[64] = "/tmp/coppice-test-XXXXXX", inner[80], path[128];
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        struct cop__door door;
        char sentence[COP__DOOR_SENTENCE];
        ck_assert_ptr_nonnull(mkdtemp(folder));
        setenv("XDG_RUNTIME_DIR", folder, 1);
        snprintf(inner, sizeof(inner), "%s/coppice", folder);
        ck_assert_int_eq(mkdir(inner, 0700), 0);
        snprintf(path, sizeof(path), "%s/shop.lock", inner);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
        ck_assert(!any_node_opens());
        ck_assert(!node_opens("shop"));
        close(fd);
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        ck_assert(any_node_opens());
        cop__door_close(&door);
        ck_assert_int_eq(rmdir(inner), 0);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- A node that ends in the middle ------------------------------------------------------------- */

/* The other end of the conversation; what it has sent before it hung up is in the socket. */
static int converse(struct talk *talk)
{
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        memset(talk, 0, sizeof(*talk));
        talk->fd = ends[0];
        strcpy(talk->node, "shop");
        return ends[1];
}

TEST(a_command_whose_node_ends_is_lost)
{
        struct talk talk;
        int other = converse(&talk);
        shutdown(other, SHUT_WR);
        ck_assert_int_eq(talk_run(&talk, "self", 4), OUTCOME_LOST);
        ck_assert_ptr_null(talk_complete(&talk, "self", 4));
        ck_assert(!talk_hear(&talk));
        close(other);
        talk_end(&talk);
}

/* ---- An interrupt --------------------------------------------------------------------------------- */

/* The user's Ctrl-C comes after all that the client does before it waits, and before it waits. */
static bool interrupts_before_a_wait;

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
        if (interrupts_before_a_wait)
                raise(SIGINT);
        interrupts_before_a_wait = false;
        return (int)syscall(SYS_ppoll, fds, count, timeout, mask, (size_t)8);
}

/* Time passes as soon as it is waited for. */
static bool time_flies;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
        if (time_flies && timeout_ms > 0)
                return 0;
        struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
        return ppoll(fds, count, timeout_ms >= 0 ? &timeout : NULL, NULL);
}

TEST(a_node_that_does_not_greet_is_not_waited_for_for_ever)
{
        time_flies = true;
        is_not_talked_to(COP__PACKET_GREETING, COP__PROTOCOL "\nshop\n<0.1.0>\n0\n", "does not answer");
        time_flies = false;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int unused)
{
        (void)unused;
        interrupted = 1;
}

/* Says that it has done what it was asked for when it hears the interrupt, and else nothing. */
static void *do_until_interrupted(void *argument)
{
        struct cop__packet packet = { .type = 0 };
        int fd = *(int *)argument;
        char failed = COP__DONE_FAILED;
        while (packet.type != COP__PACKET_INTERRUPT) {
                struct pollfd wait_for = { .fd = fd, .events = POLLIN };
                struct timespec patience = { 20, 0 };
                if (syscall(SYS_ppoll, &wait_for, (nfds_t)1, &patience, NULL, (size_t)8) <= 0 ||
                    cop__packet_read(fd, 1000, 20000, &packet) != COP__PACKET_READ) {
                        shutdown(fd, SHUT_RDWR);
                        return NULL;
                }
                free(packet.body);
        }
        cop__packet_write(fd, COP__PACKET_DONE, &failed, 1);
        return NULL;
}

TEST(an_interrupt_just_before_the_client_waits_is_passed_on)
{
        struct talk talk;
        pthread_t node;
        struct sigaction action = { .sa_handler = on_interrupt }, before;
        sigset_t mask;
        if (COP__TSAN)
                return; /* its runtime keeps a signal until the next call that it knows */
        int other = converse(&talk);
        talk.interrupted = &interrupted;
        sigaction(SIGINT, &action, &before);
        ck_assert_int_eq(pthread_create(&node, NULL, do_until_interrupted, &other), 0);
        interrupts_before_a_wait = true;
        ck_assert_int_eq(talk_run(&talk, "await nobody", 12), OUTCOME_FAILED);
        ck_assert(!interrupts_before_a_wait);
        ck_assert_int_eq(interrupted, 0);
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        ck_assert_int_eq(sigismember(&mask, SIGINT), 0);
        pthread_join(node, NULL);
        sigaction(SIGINT, &before, NULL);
        talk_end(&talk);
        close(other);
}

TEST(a_command_that_is_too_long_is_not_sent)
{
        struct talk talk;
        int other = converse(&talk);
        size_t size = COP__REQUEST_MAX + 1;
        char *line = malloc(size), byte;
        ck_assert_ptr_nonnull(line);
        memset(line, 'x', size);
        begin_to_hear();
        enum outcome outcome = talk_run(&talk, line, size);
        has_said("** a command has 1048576 bytes at most");
        ck_assert_int_eq(outcome, OUTCOME_FAILED);
        ck_assert_ptr_null(talk_complete(&talk, line, size));
        ck_assert_int_lt((int)recv(other, &byte, 1, MSG_DONTWAIT), 0);
        free(line);
        close(other);
        talk_end(&talk);
}

TEST(a_program_is_told_in_json_that_a_command_is_too_long)
{
        struct talk talk;
        int other = converse(&talk);
        char *line = calloc(1, COP__REQUEST_MAX + 1);
        ck_assert_ptr_nonnull(line);
        talk.wants_json = true;
        begin_to_hear();
        ck_assert_int_eq(talk_run(&talk, line, COP__REQUEST_MAX + 1), OUTCOME_FAILED);
        has_said("{\"error\":\"** a command has 1048576 bytes at most\"}\n");
        free(line);
        close(other);
        talk_end(&talk);
}

TEST(a_script_whose_node_ends_says_so_and_fails)
{
        static char lines[] = "\n   \t\n  % a comment\nself\nself\n";
        struct talk talk;
        int other = converse(&talk);
        shutdown(other, SHUT_WR);
        struct script script = { .file = fmemopen(lines, strlen(lines), "r"), .keep_going = true };
        ck_assert_ptr_nonnull(script.file);
        begin_to_hear();
        enum exit_code code = script_run(&script, &talk);
        has_said("** the node shop has ended");
        ck_assert_int_eq(code, EXIT_FAILED);
        ck_assert_uint_eq(talk.line, 1); /* nothing was asked after it */
        fclose(script.file);
        close(other);
        talk_end(&talk);
}

/* Only the node can tell what they are. */
TEST(a_line_of_a_script_is_passed_on_with_the_blanks_at_its_end_and_with_nuls)
{
        static char lines[] = "send till $ \r\n\0\0\n";
        const struct {
                const char *sent;
                size_t size;
        } expected[] = { { "send till $ ", 12 }, { "\0\0", 2 } };
        struct talk talk;
        for (size_t i = 0; i < COP__COUNT(expected); i++) {
                int other = converse(&talk);
                struct cop__packet packet;
                shutdown(other, SHUT_WR);
                char *from = i == 0 ? lines : lines + 14;
                struct script script = { .file = fmemopen(from, (size_t)(lines + sizeof(lines) - 1 - from), "r") };
                ck_assert_ptr_nonnull(script.file);
                begin_to_hear();
                ck_assert_int_eq(script_run(&script, &talk), EXIT_FAILED);
                has_said("** the node shop has ended");
                ck_assert_int_eq(cop__packet_read(other, 1000, 20000, &packet), COP__PACKET_READ);
                ck_assert_uint_eq(packet.size, expected[i].size);
                ck_assert_mem_eq(packet.body, expected[i].sent, packet.size);
                free(packet.body);
                fclose(script.file);
                close(other);
                talk_end(&talk);
        }
}

/* ---- The file of typed lines ----------------------------------------------------------------------- */

static char home[64];

static void make_home(void)
{
        strcpy(home, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(home));
}

static const char *at_home(const char *name)
{
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, sizeof(paths[0]), "%s%s", home, name);
        return path;
}

/* Where the history is, with these in the environment; NULL: not set. */
static const char *history_with(const char *state, const char *own)
{
        static char path[128];
        if (state != NULL)
                setenv("XDG_STATE_HOME", state, 1);
        else
                unsetenv("XDG_STATE_HOME");
        setenv("HOME", own, 1);
        char *found = history_file_path();
        snprintf(path, sizeof(path), "%s", found != NULL ? found : "none");
        free(found);
        return path;
}

TEST(typed_lines_are_kept_where_the_state_of_programs_is_or_below_ones_home)
{
        make_home();
        ck_assert_str_eq(history_with(at_home("/state"), home), at_home("/state/coppice/history"));
        ck_assert_str_eq(history_with(NULL, home), at_home("/.local/state/coppice/history"));
        ck_assert_str_eq(history_with("no/whole/path", home), at_home("/.local/state/coppice/history"));
        ck_assert_str_eq(history_with("", ""), "none");
        static const char *const made[] = { "/state/coppice", "/state", "/.local/state/coppice", "/.local/state", "/.local", "" };
        for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
                ck_assert_int_eq(rmdir(at_home(made[i])), 0);
}

TEST(where_there_can_be_no_folder_no_line_is_kept)
{
        make_home();
        FILE *file = fopen(at_home("/state"), "we");
        ck_assert_ptr_nonnull(file);
        fclose(file);
        ck_assert_str_eq(history_with(at_home("/state"), home), "none");
        unlink(at_home("/state"));
        rmdir(home);
}

TEST(a_file_that_is_none_of_ours_is_left_alone_and_one_that_others_may_read_is_theirs_no_more)
{
        struct stat about;
        make_home();
        ck_assert_int_eq(mkfifo(at_home("/fifo"), 0600), 0);
        int reader = open(at_home("/fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        history_file_add(at_home("/fifo"), "self");
        char byte;
        ck_assert_int_eq((int)read(reader, &byte, 1), 0);
        close(reader);
        int open_to_all = open(at_home("/lines"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        close(open_to_all);
        history_file_add(at_home("/lines"), "call till 1");
        ck_assert_int_eq(stat(at_home("/lines"), &about), 0);
        ck_assert_int_eq(about.st_mode & 0777, 0600);
        ck_assert_int_eq((int)about.st_size, (int)strlen("_HiStOrY_V2_\ncall\\040till\\0401\n"));
        ck_assert(!history_file_is_long(at_home("/lines")));
        history_file_add(at_home("/no/such/folder"), "self");
        unlink(at_home("/fifo"));
        unlink(at_home("/lines"));
        ck_assert_int_eq(rmdir(home), 0);
}
