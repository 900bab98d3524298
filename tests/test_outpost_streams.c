/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the program has open and ignores, and what the processes of its actors have of that. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/apart.h"

/* A file without a name, for the program and its processes. */
static int scratch_file(void)
{
        int fd = memfd_create("scratch", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        return fd;
}

/* Puts it in the place of 0, 1 or 2, for the zygote to take along; returns what was there. */
static int stand_in(int fd, int place)
{
        int before = fcntl(place, F_DUPFD_CLOEXEC, 3);
        ck_assert_int_ge(dup2(fd, place), 0);
        close(fd);
        return before;
}

static void put_back(int before, int place)
{
        ck_assert_int_ge(dup2(before, place), 0);
        close(before);
}

static void node_with_processes(void (*run)(cop_node *node))
{
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        run(node);
        node_end(node);
}

enum { SPOKEN = 1 << 18 }; /* more than a pipe holds */

static char spoken[SPOKEN];

static void speaks_and_ends(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(add)));
        FILE *out = fdopen(dup(STDOUT_FILENO), "w");
        if (out == NULL || setvbuf(out, spoken, _IOFBF, sizeof(spoken)) != 0)
                abort();
        for (size_t i = 0; i < SPOKEN - 1; i++)
                putc('x', out);
}

static int speaks_into;

static void hear_all_that_is_spoken(cop_node *node)
{
        char bytes[4096];
        (void)node;
        cop_pid pid = START_APART(.run = speaks_and_ends);
        cop_ref ref = watch(pid);
        cop_send(pid, add, .number = 1);
        for (size_t got = 0; got < SPOKEN - 1;) {
                struct pollfd readable = { .fd = speaks_into, .events = POLLIN };
                ck_assert_int_eq(poll(&readable, 1, PATIENCE_MS), 1);
                ssize_t size = read(speaks_into, bytes, sizeof(bytes));
                ck_assert_int_gt(size, 0);
                got += (size_t)size;
        }
        await_down(ref, "normal");
}

TEST(what_an_actor_has_printed_when_it_ends_is_written_however_slowly_it_is_read)
{
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        speaks_into = ends[0];
        fflush(stdout);
        int before = stand_in(ends[1], STDOUT_FILENO);
        node_with_processes(hear_all_that_is_spoken);
        put_back(before, STDOUT_FILENO);
        close(ends[0]);
}

static int logs_into;

/* A file of its own under the descriptor that the program's log has outside. */
static void writes_its_own_file(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(add)));
        if (dup2(STDIN_FILENO, logs_into) != logs_into || write(logs_into, "own", 3) != 3)
                abort();
}

/* It begins when it is told, and ends with that reason. */
static void run_apart(void (*run)(void), const char *reason)
{
        cop_pid pid = START_APART(.run = run);
        cop_ref ref = watch(pid);
        cop_send(pid, add, .number = 1);
        await_down(ref, reason);
}

static void end_one_that_writes(cop_node *node)
{
        (void)node;
        run_apart(writes_its_own_file, "normal");
}

TEST(what_the_program_has_not_written_yet_is_not_in_the_files_of_its_processes)
{
        char bytes[64];
        int file = scratch_file();
        FILE *log = fdopen(logs_into = fcntl(file, F_DUPFD_CLOEXEC, 100), "w"); /* where no other one is */
        close(file);
        fprintf(log, "the program was here");
        int before = stand_in(scratch_file(), STDIN_FILENO);
        node_with_processes(end_one_that_writes);
        ck_assert_int_eq(pread(STDIN_FILENO, bytes, sizeof(bytes), 0), 3);
        put_back(before, STDIN_FILENO);
        ck_assert_int_eq(fflush(log), 0);
        ck_assert_int_eq(pread(logs_into, bytes, sizeof(bytes), 0), 20);
        fclose(log);
}

static void end_one_by_exit(cop_node *node)
{
        (void)node;
        cop_pid pid = START_APART(.server = &victim_server);
        cop_ref ref = watch(pid);
        cop_send(pid, deed_order, .what = EXITS_THE_PROCESS);
        await_down(ref, "{os_process, {exit_status, 3}}");
}

TEST(a_process_that_exits_leaves_the_programs_input_where_it_was)
{
        char line[8];
        int file = scratch_file();
        ck_assert_int_eq(write(file, "one\ntwo\nthree\n", 14), 14);
        ck_assert_int_eq(lseek(file, 0, SEEK_SET), 0);
        int before = stand_in(file, STDIN_FILENO);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), stdin));
        ck_assert_int_eq(lseek(STDIN_FILENO, 0, SEEK_CUR), 14);
        node_with_processes(end_one_by_exit);
        ck_assert_int_eq(lseek(STDIN_FILENO, 0, SEEK_CUR), 14);
        put_back(before, STDIN_FILENO);
}

static void writes_to_nobody(void)
{
        int ends[2];
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(add)));
        if (pipe(ends) != 0)
                abort();
        close(ends[0]);
        bool is_told = write(ends[1], "x", 1) < 0 && errno == EPIPE;
        cop_exit(cop_atom(is_told ? "told" : "not_told"));
}

static void let_one_write_to_nobody(cop_node *node)
{
        (void)node;
        run_apart(writes_to_nobody, "told");
}

TEST(a_program_that_ignores_broken_pipes_has_processes_that_do)
{
        signal(SIGPIPE, SIG_IGN);
        node_with_processes(let_one_write_to_nobody);
}

static pid_t bystander;

/* As a program that forks without exec: it has a copy of each descriptor of the node. */
static void fork_a_bystander(cop_node *node)
{
        (void)node;
        put_down(START_APART(.server = &victim_server));
        bystander = fork();
        for (; bystander == 0;)
                pause();
}

TEST(a_node_stops_although_a_child_of_the_program_has_all_its_descriptors)
{
        node_with_processes(fork_a_bystander);
        ck_assert_int_eq(kill(bystander, SIGKILL), 0);
        ck_assert_int_eq(waitpid(bystander, NULL, 0), bystander);
}
