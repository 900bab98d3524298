/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* cop_main: its options, its ends, and what it says of them. Each program is a fork of this one; its outputs come through a pipe. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coppice.h>

#include "base/compiler.h"
#include "base/standard.h"
#include "tests/bare_pools.h"
#include "tests/cue.h"
#include "tests/suite.h"
#include "tests/threads.h"

/* ---- Trees ---------------------------------------------------------------------------------- */

typedef struct lodger {
        int64_t unused;
} lodger;

static void tell(const char *words)
{
        if (write(STDOUT_FILENO, words, strlen(words)) < 0)
                _exit(99);
}

static void lodger_init(lodger *self)
{
        (void)self;
        cop_trap_exit(true);
        cop_log(COP_LOG_INFO, "a piece of news");
        cop_log(COP_LOG_ERROR, "a complaint");
        tell("here\n");
}

static void lodger_stays(lodger *self, cop_term reason)
{
        (void)self;
        (void)reason;
        tell("leaving\n");
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, cop_ref_new())));
}

COP_SERVER(lodger, COP_INIT(lodger_init), COP_TERMINATE(lodger_stays));

typedef struct guest {
        int64_t unused;
} guest;

static void guest_init(guest *self)
{
        (void)self;
        tell("here\n");
}

COP_SERVER(guest, COP_INIT(guest_init));

/* Its init never ends, whatever it is asked to do. */
typedef struct dreamer {
        int64_t unused;
} dreamer;

static void dreamer_init(dreamer *self)
{
        (void)self;
        cop_trap_exit(true);
        tell("dreaming\n");
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, cop_ref_new())));
}

COP_SERVER(dreamer, COP_INIT(dreamer_init));

/* Tells that it was stopped in order. */
typedef struct porter {
        int64_t unused;
} porter;

static void porter_init(porter *self)
{
        (void)self;
        cop_trap_exit(true);
}

static void porter_ends(porter *self, cop_term reason)
{
        (void)self;
        tell(cop_is_atom(reason, "shutdown") ? "shut down\n" : "ended\n");
}

COP_SERVER(porter, COP_INIT(porter_init), COP_TERMINATE(porter_ends));

/* It takes its time for that. */
typedef struct walker {
        int64_t unused;
} walker;

static void walker_init(walker *self)
{
        (void)self;
        cop_trap_exit(true);
        tell("here\n");
}

static void walker_ends(walker *self, cop_term reason)
{
        (void)self;
        tell("leaving\n");
        cop_sleep(100);
        tell(cop_is_atom(reason, "shutdown") ? "shut down\n" : "ended\n");
}

COP_SERVER(walker, COP_INIT(walker_init), COP_TERMINATE(walker_ends));

/* It takes longer than two signals may be apart that are one wish. */
typedef walker stroller;

static void stroller_ends(stroller *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop_sleep(600);
        tell("shut down\n");
}

COP_SERVER(stroller, COP_INIT(walker_init), COP_TERMINATE(stroller_ends));

/* They take memory until they are given no more, and keep it. */
static void hoard(void)
{
        cop_trap_exit(true);
        while (cop_alloc(16 << 10) != NULL)
                continue;
        tell("full\n");
}

typedef porter hoarder;

static void hoarder_init(hoarder *self)
{
        (void)self;
        hoard();
}

COP_SERVER(hoarder, COP_INIT(hoarder_init), COP_TERMINATE(porter_ends));

typedef lodger miser;

static void miser_init(miser *self)
{
        (void)self;
        hoard();
}

COP_SERVER(miser, COP_INIT(miser_init), COP_TERMINATE(lodger_stays));

typedef struct bunch {
        int64_t keys;
} bunch;
COP_MESSAGE(bunch, keys);

static void refuses(void)
{
        cop_exit(COP_TUPLE(cop_atom("no"), COP_TUPLE(cop_atom("bunch"), cop_int(3))));
}

static void comes_and_breaks(void)
{
        cop_exit(cop_atom("broken"));
}

/* No null pointer, and nothing is there: as a pointer that was overwritten. */
static void goes_astray(void)
{
        tell("here\n");
        *(volatile int *)(uintptr_t)0x10000000010ull = 1;
}

/* Nobody waits for whom it starts, and who blocks in a call of the system that does not end. */
static void waits_for_nothing(int *ends)
{
        char byte;
        tell("blocked\n");
        if (read(ends[0], &byte, 1) < 0)
                tell("interrupted\n");
}

static void blocks(void)
{
        int ends[2];
        if (pipe(ends) != 0)
                _exit(98);
        cop_blocking(waits_for_nothing, ends);
}

typedef struct farmer {
        int64_t unused;
} farmer;

static void farmer_init(farmer *self)
{
        (void)self;
        cop_spawn(blocks);
}

COP_SERVER(farmer, COP_INIT(farmer_init));

static void does_its_work(void)
{
        tell("at work\n");
}

static void stops_the_tree(void)
{
        tell("at work\n");
        cop_stop(cop_parent(), cop_atom("normal"), COP_FOREVER);
}

static void is_killed(void)
{
        tell("here\n");
        kill(getpid(), SIGKILL);
}

/* A supervisor that is still starting answers nobody. */
static void says_when_all_are_there(void)
{
        cop_child_count count;
        if (cop_count_children(cop_parent(), &count) == COP_OK)
                tell("all here\n");
        cop_sleep(COP_FOREVER);
}

static const cop_supervisor home = { .name = "home", .children = COP_CHILDREN({ "butler", .run = says_when_all_are_there }) };
static const cop_supervisor house = { .name = "house", .children = COP_CHILDREN({ "guest", .server = &guest_server }) };
static const cop_supervisor promenade = { .name = "path", .children = COP_CHILDREN({ "walker", .server = &walker_server }) };
static const cop_supervisor stroll = { .name = "stroll", .children = COP_CHILDREN({ "stroller", .server = &stroller_server }) };
static const cop_supervisor hoards = { .name = "hoards", .children = COP_CHILDREN({ "hoarder", .server = &hoarder_server }) };
static const cop_supervisor avarice = { .name = "avarice",
                                        .children = COP_CHILDREN({ "miser", .server = &miser_server,
                                                                   .shutdown_ms = COP_SHUTDOWN_INFINITY }) };
static const cop_supervisor spaced = { .name = "a house", .children = COP_CHILDREN({ "guest", .server = &guest_server }) };
static const cop_supervisor full = { .name = "full",
                                     .children = COP_CHILDREN({ "lodger", .server = &lodger_server,
                                                                .shutdown_ms = COP_SHUTDOWN_INFINITY }) };
static const cop_supervisor asleep = { .name = "asleep",
                                       .children = COP_CHILDREN({ "porter", .server = &porter_server },
                                                                { "dreamer", .server = &dreamer_server, .shutdown_ms = 1 }) };
static const cop_supervisor hypnotized = { .name = "hypnotized",
                                           .children = COP_CHILDREN({ "dreamer", .server = &dreamer_server,
                                                                      .shutdown_ms = COP_SHUTDOWN_INFINITY }) };
static const cop_supervisor locked = { .name = "locked",
                                       .children = COP_CHILDREN({ "key", .run = refuses, .init_ack = true }) };
static const cop_supervisor shaky = { .name = "shaky", .intensity = COP_NO_RESTARTS,
                                      .children = COP_CHILDREN({ "pane", .run = comes_and_breaks }) };
static const cop_supervisor wild = { .name = "wild", .intensity = COP_NO_RESTARTS,
                                     .children = COP_CHILDREN({ "goose", .run = goes_astray }) };
static const cop_supervisor farm = { .name = "farm", .children = COP_CHILDREN({ "farmer", .server = &farmer_server }) };
static const cop_supervisor errand = { .name = "errand", .auto_shutdown = COP_ANY_SIGNIFICANT,
                                       .children = COP_CHILDREN({ "porter", .server = &porter_server },
                                                                { "job", .run = does_its_work, .restart = COP_TRANSIENT,
                                                                  .significant = true }) };
static const cop_supervisor doomed = { .name = "doomed", .children = COP_CHILDREN({ "victim", .run = is_killed }) };
static const cop_supervisor strike = { .name = "strike",
                                       .children = COP_CHILDREN({ "porter", .server = &porter_server },
                                                                { "striker", .run = stops_the_tree }) };
static const cop_supervisor wrong = { .name = "wrong", .children = COP_CHILDREN({ "twin", .server = &guest_server },
                                                                                { "twin", .server = &guest_server }) };

static const cop_supervisor parts = { .name = "parts", .partitions = 2, .each = &(const cop_child){ .server = &guest_server } };
static const cop_supervisor mansion = { .name = "mansion",
                                        .children = COP_CHILDREN({ "wing", .supervisor = &parts }) };

/* ---- A program --------------------------------------------------------------------------------- */

struct program {
        char folder[64];
        pid_t process;
        int fd;
        char said[16384];
        size_t size;
};

/* What it says of its node; NULL: nothing. */
static const cop_node_options *node_options;

/* The threads that it may have besides its first one; -1: any number. */
static int threads_more = -1;

/* Where its log goes; -1: where its output does. */
static int log_fd = -1;

/* Whoever starts it has ignored the ends of its children, which is inherited. */
static bool is_child_ignored;

static void take_away_threads(void)
{
        if (threads_more < 0)
                return;
        become_somebody_else();
        allow_threads((unsigned)threads_more);
}

static void begin(struct program *program, const cop_supervisor *tree, char **arguments)
{
        int ends[2], count = 0;
        memset(program, 0, sizeof(*program));
        strcpy(program->folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(program->folder));
        setenv("XDG_RUNTIME_DIR", program->folder, 1);
        setenv("COPPICE_DUMP", "", 1);
        ck_assert_int_eq(pipe(ends), 0);
        while (arguments[count] != NULL)
                count++;
        program->process = fork();
        ck_assert_int_ge(program->process, 0);
        if (program->process == 0) {
                suite_is_forked();
                setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                dup2(ends[1], STDOUT_FILENO);
                dup2(log_fd >= 0 ? log_fd : ends[1], STDERR_FILENO);
                close(ends[0]);
                close(ends[1]);
                if (is_child_ignored)
                        signal(SIGCHLD, SIG_IGN);
                take_away_threads();
                int code = node_options == NULL ? cop_main(count, arguments, tree)
                                                : cop_main_opt(count, arguments, tree, node_options);
                fflush(stdout);
                _exit(code);
        }
        close(ends[1]);
        program->fd = ends[0];
}

#define BEGIN(program, tree, ...) begin((program), (tree), (char *[]){ "a/program", __VA_ARGS__, NULL })

/* Reads until these words have come, or, without any, until the program has closed its outputs. */
static void hear(struct program *program, const char *words)
{
        ssize_t got = 1;
        while ((words == NULL || strstr(program->said, words) == NULL) && got > 0) {
                got = read(program->fd, program->said + program->size, sizeof(program->said) - 1 - program->size);
                program->size += got > 0 ? (size_t)got : 0;
        }
        ck_assert_msg(words == NULL || strstr(program->said, words) != NULL, "no '%s' in: %s", words, program->said);
}

static void end(struct program *program, int code)
{
        int status;
        char path[128];
        hear(program, NULL);
        close(program->fd);
        ck_assert_int_eq(waitpid(program->process, &status, 0), program->process);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "%x: %s", status, program->said);
        snprintf(path, sizeof(path), "%s/coppice", program->folder);
        rmdir(path);
        ck_assert_int_eq(rmdir(program->folder), 0);
}

/* A wish that comes too soon behind the first is none of its own: until it has ended. */
static void insist(const struct program *program, int signal)
{
        siginfo_t ended = { .si_pid = 0 };
        while (ended.si_pid == 0) {
                kill(program->process, signal);
                poll(NULL, 0, 20);
                ck_assert_int_eq(waitid(P_PID, (id_t)program->process, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        }
}

static void has_said(const struct program *program, const char *words)
{
        ck_assert_msg(strstr(program->said, words) != NULL, "no '%s' in: %s", words, program->said);
}

/* ---- Claims --------------------------------------------------------------------------------------- */

TEST(a_program_that_is_asked_for_help_gives_it_and_starts_nothing)
{
        struct program program;
        BEGIN(&program, &house, "--help");
        end(&program, 0);
        has_said(&program, "--no-console");
        ck_assert_ptr_null(strstr(program.said, "here"));
}

TEST(an_option_that_is_none_is_a_wrong_use)
{
        struct program program;
        BEGIN(&program, &house, "--nonsense");
        end(&program, COP_EXIT_USAGE);
        has_said(&program, "program: '--nonsense' is no option of this program");
        BEGIN(&program, &house, "--workers");
        end(&program, COP_EXIT_USAGE);
        has_said(&program, "program: --workers: expected a value behind it");
        BEGIN(&program, &house, "--workers", "many");
        end(&program, COP_EXIT_USAGE);
}

TEST(a_program_ends_in_order_when_it_is_asked_to)
{
        struct program program;
        BEGIN(&program, &house, "--no-console", "--workers", "1");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        end(&program, 0);
}

TEST(a_stop_in_order_that_takes_its_time_ends_with_0)
{
        struct program program;
        BEGIN(&program, &stroll, "--no-console", "--workers", "1");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        end(&program, 0);
        has_said(&program, "shut down\n");
        ck_assert_ptr_null(strstr(program.said, "not waiting"));
}

TEST(a_program_over_its_memory_limit_ends_in_order_when_it_is_asked_to)
{
        struct program program;
        node_options = &(cop_node_options){ .memory_limit = (size_t)8 << 20 };
        BEGIN(&program, &hoards, "--no-console", "--workers", "1");
        hear(&program, "full");
        kill(program.process, SIGTERM);
        end(&program, 0);
        has_said(&program, "shut down\n");
}

TEST(a_second_signal_ends_a_program_that_is_over_its_memory_limit)
{
        struct program program;
        node_options = &(cop_node_options){ .memory_limit = (size_t)8 << 20 };
        BEGIN(&program, &avarice, "--no-console", "--workers", "1");
        hear(&program, "full");
        kill(program.process, SIGTERM);
        hear(&program, "leaving");
        insist(&program, SIGINT);
        end(&program, 128 + SIGINT);
        has_said(&program, "program: signal 2 again: not waiting for the tree");
}

TEST(a_program_without_memory_to_stop_its_tree_says_so_and_ends_all_the_same)
{
        struct program program;
        if (!failing_malloc_can())
                return;
        cue_act("main.stop_tree", fail_malloc_here, NULL);
        BEGIN(&program, &home, "--no-console", "--workers", "1");
        hear(&program, "all here"); /* before that it would not be stopped, but start no further */
        kill(program.process, SIGTERM);
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: cannot stop the tree: the system has no memory left");
}

/* They are no list of children. */
TEST(a_program_may_be_a_tree_of_partitions_or_have_one)
{
        const cop_supervisor *trees[] = { &parts, &mansion };
        for (int i = 0; i < 2; i++) {
                struct program program;
                BEGIN(&program, trees[i], "--no-console", "--workers", "1");
                hear(&program, "here\nhere");
                kill(program.process, SIGTERM);
                end(&program, 0);
        }
}

TEST(without_a_console_there_is_no_socket)
{
        struct program program;
        struct stat about;
        char path[128];
        BEGIN(&program, &house, "--no-console");
        hear(&program, "here");
        snprintf(path, sizeof(path), "%s/coppice/house.sock", program.folder);
        ck_assert_int_ne(stat(path, &about), 0);
        kill(program.process, SIGINT);
        end(&program, 0);
}

TEST(a_second_signal_does_not_wait_for_the_tree)
{
        struct program program;
        BEGIN(&program, &full, "--no-console");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        hear(&program, "leaving");
        insist(&program, SIGINT);
        end(&program, 128 + SIGINT);
        has_said(&program, "program: signal 2 again: not waiting for the tree");
}

TEST(a_second_signal_ends_a_program_whose_node_cannot_stop)
{
        struct program program;
        BEGIN(&program, &farm, "--no-console");
        hear(&program, "blocked");
        kill(program.process, SIGTERM);
        insist(&program, SIGINT);
        end(&program, 128 + SIGINT);
        has_said(&program, "program: signal 2 again: not waiting for the tree");
}

/* A pipe that is full; what reads it is its other end. */
static void fill(int ends[2])
{
        static const char bytes[4096];
        ck_assert_int_eq(pipe(ends), 0);
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        while (write(ends[1], bytes, sizeof(bytes)) > 0)
                continue;
        fcntl(ends[1], F_SETFL, 0);
}

static void forget(int ends[2])
{
        log_fd = -1;
        close(ends[0]);
        close(ends[1]);
}

TEST(a_log_that_nobody_reads_keeps_no_program_whose_tree_gave_up)
{
        struct program program;
        int ends[2];
        fill(ends);
        log_fd = ends[1];
        BEGIN(&program, &shaky, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        forget(ends);
}

TEST(a_log_that_nobody_reads_does_not_hold_a_second_signal_up)
{
        struct program program;
        int ends[2];
        fill(ends);
        log_fd = ends[1];
        BEGIN(&program, &full, "--no-console");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        hear(&program, "leaving");
        insist(&program, SIGTERM);
        end(&program, 128 + SIGTERM);
        forget(ends);
}

TEST(two_signals_at_once_are_one_wish)
{
        struct program program;
        BEGIN(&program, &promenade, "--no-console");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        kill(program.process, SIGINT);
        hear(&program, "leaving");
        kill(program.process, SIGTERM);
        end(&program, 0);
        has_said(&program, "shut down\n");
}

TEST(a_name_that_no_node_may_have_is_a_wrong_use_or_a_bug)
{
        struct program program;
        BEGIN(&program, &house, "--no-console", "--name", "a b");
        end(&program, COP_EXIT_USAGE);
        has_said(&program, "program: --name: a node's name has letters, digits,");
        has_said(&program, "found 'a b'");
        BEGIN(&program, &spaced, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: your program: a node's name has letters, digits,");
        BEGIN(&program, &spaced, "--no-console", "--name", "house");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        end(&program, 0);
}

TEST(what_is_behind_two_dashes_is_the_programs_own)
{
        struct program program;
        BEGIN(&program, &house, "--no-console", "--", "--port", "80");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        end(&program, 0);
}

TEST(a_program_has_options_for_its_node_and_the_command_line_comes_first)
{
        struct program program;
        const cop_simulation order = { .seed = 1 };
        node_options = &(cop_node_options){ .name = "house", .fault_exit_code = 77, .contain_strict = true };
        if (!COP__ASAN && !COP__TSAN) { /* which have faults of their own */
                BEGIN(&program, &wild, "--no-console", "--quiet");
                end(&program, 77);
                BEGIN(&program, &wild, "--no-console", "--quiet", "--fault-code", "78");
                end(&program, 78);
        }
        node_options = &(cop_node_options){ .simulation = &order };
        BEGIN(&program, &house, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: your program: a node that is simulated has no console");
}

TEST(the_dump_of_the_command_line_comes_before_that_of_the_program)
{
        struct program program;
        char folder[] = "/tmp/coppice-test-XXXXXX", path[64], other[64];
        if (COP__ASAN || COP__TSAN)
                return;
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/one", folder);
        snprintf(other, sizeof(other), "%s/other", folder);
        node_options = &(cop_node_options){ .contain_strict = true, .dump = other };
        BEGIN(&program, &wild, "--no-console", "--dump", path);
        end(&program, COP_EXIT_FAULT);
        ck_assert_int_ne(access(other, F_OK), 0);
        ck_assert_int_eq(unlink(path), 0);
        BEGIN(&program, &wild, "--no-console");
        end(&program, COP_EXIT_FAULT);
        ck_assert_int_eq(unlink(other), 0);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* 0: it was opened where something could be, and only there. */
static int opens_what_is_closed(void)
{
        close(STDIN_FILENO);
        cop__standard_open();
        bool is_open = fcntl(STDIN_FILENO, F_GETFD) >= 0;
        close(STDIN_FILENO);
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, 0 });
        cop__standard_open();
        return is_open && fcntl(STDIN_FILENO, F_GETFD) < 0 ? 0 : 1;
}

TEST(a_program_whose_input_is_closed_has_one_if_it_may_open_any)
{
        int status;
        NEEDS_THE_KERNEL();
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
                _exit(opens_what_is_closed());
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}

TEST(a_signal_while_the_tree_starts_ends_in_order_what_has_started)
{
        struct program program;
        BEGIN(&program, &asleep, "--no-console");
        hear(&program, "dreaming");
        kill(program.process, SIGTERM);
        end(&program, 0);
        has_said(&program, "shut down\n");
}

TEST(a_node_whose_heart_is_killed_while_its_tree_starts_does_not_stay_behind)
{
        struct program program;
        int status;
        BEGIN(&program, &asleep, "--no-console", "--heart");
        hear(&program, "dreaming");
        kill(program.process, SIGKILL);
        hear(&program, NULL); /* until neither of them is there */
        has_said(&program, "shut down\n");
        close(program.fd);
        ck_assert_int_eq(waitpid(program.process, &status, 0), program.process);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(rmdir(program.folder), 0);
}

TEST(a_second_signal_while_the_tree_starts_waits_for_nobody)
{
        struct program program;
        BEGIN(&program, &hypnotized, "--no-console", "--quiet");
        hear(&program, "dreaming");
        kill(program.process, SIGINT);
        insist(&program, SIGTERM);
        end(&program, 128 + SIGTERM);
        has_said(&program, "program: signal 15 again: not waiting for the tree");
}

TEST(a_quiet_program_tells_errors_alone)
{
        struct program program;
        BEGIN(&program, &full, "--no-console", "--quiet");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        hear(&program, "leaving");
        insist(&program, SIGTERM);
        end(&program, 128 + SIGTERM);
        has_said(&program, "a complaint");
        ck_assert_ptr_null(strstr(program.said, "a piece of news"));
}

static void log_for_itself(void *context, cop_log_level level, const char *text)
{
        dprintf(STDOUT_FILENO, "%s %d: %s\n", (const char *)context, (int)level, text);
}

TEST(a_quiet_program_tells_errors_to_the_log_that_it_has)
{
        struct program program;
        node_options = &(cop_node_options){ .log = log_for_itself, .log_context = (void *)(uintptr_t)"mine" };
        BEGIN(&program, &full, "--no-console", "--quiet");
        hear(&program, "here");
        kill(program.process, SIGTERM);
        hear(&program, "leaving");
        insist(&program, SIGTERM);
        end(&program, 128 + SIGTERM);
        has_said(&program, "mine 0: a complaint\n");
        ck_assert_ptr_null(strstr(program.said, "a piece of news"));
        node_options = NULL;
        BEGIN(&program, &full, "--no-console", "--quiet");
        hear(&program, "here");
        insist(&program, SIGTERM);
        end(&program, 128 + SIGTERM);
        has_said(&program, " error   a complaint\n"); /* with its time, as any line */
}

TEST(a_tree_that_is_wrong_is_not_started)
{
        struct program program;
        BEGIN(&program, &wrong, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: your program: ");
        has_said(&program, "twin");
}

TEST(a_program_without_a_tree_says_so)
{
        struct program program;
        BEGIN(&program, NULL, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: your program: there is no tree: its pointer is NULL");
}

TEST(a_tree_that_does_not_start_is_told_with_its_reason)
{
        struct program program;
        BEGIN(&program, &locked, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: the supervision tree did not start: {shutdown, {failed_to_start_child, key, {no, #bunch{keys = 3}}}}");
}

TEST(a_tree_that_gives_up_ends_the_program)
{
        struct program program;
        BEGIN(&program, &shaky, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        has_said(&program, "program: the supervision tree gave up: shutdown");
}

TEST(a_tree_whose_significant_child_has_ended_ends_the_program_with_0)
{
        struct program program;
        BEGIN(&program, &errand, "--no-console");
        end(&program, 0);
        has_said(&program, "shut down\n");
        ck_assert_ptr_null(strstr(program.said, "gave up"));
}

TEST(a_tree_whose_work_is_done_is_not_begun_again_by_a_heart)
{
        struct program program;
        BEGIN(&program, &errand, "--no-console", "--heart", "--heart-delay", "1", "--heart-limit", "1");
        end(&program, 0);
        const char *once = strstr(program.said, "at work\n");
        ck_assert_ptr_nonnull(once);
        ck_assert_ptr_null(strstr(once + 1, "at work\n"));
}

TEST(a_heart_whose_children_are_ignored_knows_how_a_node_has_ended)
{
        struct program program;
        is_child_ignored = true;
        BEGIN(&program, &doomed, "--no-console", "--heart", "--heart-delay", "1", "--heart-limit", "1");
        end(&program, 128 + SIGKILL);
        has_said(&program, "heart: the node died by signal 9 (KILL) after ");
        has_said(&program, "restart 1 of 1");
}

TEST(a_tree_that_is_stopped_from_inside_ends_the_program_with_0)
{
        struct program program;
        BEGIN(&program, &strike, "--no-console");
        end(&program, 0);
        has_said(&program, "at work\n");
        has_said(&program, "shut down\n");
        ck_assert_ptr_null(strstr(program.said, "gave up"));
}

TEST(a_wild_address_is_borne_unless_the_program_is_strict)
{
        struct program program;
        if (COP__ASAN || COP__TSAN)
                return;
        BEGIN(&program, &wild, "--no-console");
        end(&program, COP_EXIT_GAVE_UP);
        BEGIN(&program, &wild, "--no-console", "--strict");
        end(&program, COP_EXIT_FAULT);
        has_said(&program, "it is contained strictly");
}

/* A bit of each sentence that it has said of why it does not run. */
static bool says_why(const struct program *program, unsigned *said)
{
        static const char *const sentences[] = { "program: cannot start a node: ", "program: cannot wait for signals: " };
        bool any = false;
        for (size_t i = 0; i < COP__COUNT(sentences); i++)
                if (strstr(program->said, sentences[i]) != NULL) {
                        any = true;
                        *said |= 1u << i;
                }
        return any;
}

/* With so many more than there are: until it runs. Returns what was said until then. */
static unsigned runs_at_last(void)
{
        unsigned said = 0;
        for (threads_more = 0;; threads_more++) {
                struct program program;
                ck_assert_int_lt(threads_more, 60);
                BEGIN(&program, &house, "--no-console", "--workers", "1");
                ck_assert(read(program.fd, program.said, sizeof(program.said) - 1) > 0);
                program.size = strlen(program.said);
                bool runs = strstr(program.said, "here") != NULL;
                if (runs)
                        kill(program.process, SIGTERM);
                end(&program, runs ? 0 : COP_EXIT_GAVE_UP);
                if (runs)
                        return said;
                ck_assert_msg(says_why(&program, &said), "%s", program.said);
        }
}

TEST(a_program_without_threads_says_what_it_cannot_do)
{
        NEEDS_ROOT();
        ck_assert_uint_eq(runs_at_last(), 3);
}
