/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The dump of a node that a fault has ended: what is in it, where it lies, and that `coppice dump` reads whatever it finds.
 *
 * Each scene is a child process in which a node with a small tree dies; what it leaves is read here.
 */
#define _GNU_SOURCE
#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/dump_file.h"
#include "base/cue.h"
#include "actors/dump_pen.h"
#include "coppice_config.h"
#include "actors/dump_value.h"
#include "mailbox/kind.h"
#include "shell/client/dump.h"
#include "shell/door.h"

#define FAULTS __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

typedef struct strike {
        int64_t pence;
        cop_text note;
        double share;
        bool late;
        cop_pid who;
        uint8_t small;
        char code[4];
        cop_symbol sort;
        cop_int64s list;
        int8_t dent;
        int16_t heat;
        int32_t blows;
} strike;
COP_MESSAGE(strike, pence, note, share, late, who, small, code, sort, list, dent, heat, blows);

typedef struct go {
        int64_t number;
} go;
COP_MESSAGE(go, number);

/* ---- A node that dies -------------------------------------------------------------------------- */

static volatile intptr_t zero;

FAULTS static void break_down(void)
{
        *(volatile int *)zero = 1;
}

typedef struct anvil {
        int64_t strikes;
} anvil;

static void anvil_on_strike(anvil *self, const strike *s)
{
        (void)s;
        self->strikes++;
        cop_send(cop_self(), go, .number = 74);
        break_down();
}

COP_SERVER(anvil, COP_ON(strike, anvil_on_strike));

typedef struct bucket {
        int64_t count;
} bucket;

static void pour_out(void *thing)
{
        (void)thing;
}

static void bucket_on_go(bucket *self, const go *g)
{
        self->count++;
        if (g->number < 0)
                cop_exit(cop_atom("leaks"));
        if (cop_own("water", pour_out, self) != COP_OK)
                cop_exit(cop_atom("not_owned"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(strike)));
}

COP_SERVER(bucket, COP_ON(go, bucket_on_go));

static void crash_before(void)
{
        cop_exit(cop_atom("earlier"));
}

static bool has_come_to_rest(cop_pid pid, uint32_t unread)
{
        struct cop__glimpse glimpse;
        return cop__glimpse_of(cop_node_here(), pid, &glimpse) && glimpse.unread == unread &&
               glimpse.state == COP_PROCESS_WAITING;
}

/* Has each worker begun to work? One that has only been made has nothing to tell. */
static bool are_at_work(struct cop__scheduler *scheduler)
{
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                if (!(cop__load_acquire(&scheduler->idle) >> i & 1) &&
                    cop__load_relaxed(&scheduler->workers[i].turns) == 0)
                        return false;
        return true;
}

static bool has_shed; /* another tree, whose child has been restarted once */

/* A tree of two, one with mail that it does not read, a crash report, a dead letter. */
static cop_pid build_forge(const char *path)
{
        cop_pid root;
        cop_node *node = node_begin((cop_node_options){ .name = "forge", .dump = path });
        await_true(are_at_work(&node->scheduler));
        const cop_supervisor tree = { .name = "smithy", .children = COP_CHILDREN({ "bucket", .server = &bucket_server }) };
        const cop_supervisor shed = { .name = "shed", .children = COP_CHILDREN({ "tub", .server = &bucket_server }) };
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_OK);
        if (has_shed) {
                cop_pid other, tub;
                ck_assert_int_eq(cop_supervise(&shed, &other), COP_OK);
                tub = cop_whereis("tub");
                cop_send(tub, go, .number = -1);
                await_true(cop_whereis("tub").bits != 0 && !cop_pid_equal(cop_whereis("tub"), tub));
        }
        cop_pid pail = cop_whereis("bucket");
        for (int64_t i = 0; i < 4; i++)
                cop_send(pail, go, .number = 70 + i);
        cop_ref gone = spawn_watched(.run = crash_before);
        cop_auto down = await(COP_REF(cop_down, gone));
        cop_send(cop_read(cop_down, down)->pid, go, .number = 79); /* to the dead */
        await_true(cop_dead_letter_count(node) > 0);
        await_true(has_come_to_rest(pail, 3));
        return root;
}

/* The end of an actor that is not contained. */
static void die(const char *path)
{
        cop_pid root = build_forge(path), anvil_pid;
        cop_spawn_options options = { .server = &anvil_server, .isolation = COP_ISOLATION_INLINE,
                                      .label = "the anvil" };
        if (cop_spawn_opt(&options, &anvil_pid) != COP_OK)
                _exit(9);
        cop_send(anvil_pid, strike, .pence = -7, .note = COP_TEXT("hot \"iron\""), .share = 0.5,
                 .late = true, .who = root, .small = 200, .code = "abc", .sort = cop_symbol_of("gold"), .dent = -8, .heat = -1600, .blows = -320000);
        cop_receive(COP_FOREVER, COP_KIND(go));
}

/* The end by a thread that has nothing to do with actors. */
static void *give_up(void *unused)
{
        pthread_setname_np(pthread_self(), "stoker");
        abort();
        return unused;
}

static void die_elsewhere(const char *path)
{
        pthread_t thread;
        build_forge(path);
        if (pthread_create(&thread, NULL, give_up, NULL) == 0)
                pthread_join(thread, NULL);
}

#if !COP__TSAN /* the zygote is forked while there are threads */
static void waits_apart(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* In the middle of a look at an actor's process, with the lock that other looks want. */
static void die_with_the_zygote(const char *path)
{
        cop_pid pid;
        cop_spawn_options options = { .run = waits_apart, .isolation = COP_ISOLATION_PROCESS };
        build_forge(path);
        if (cop_start(&options, PATIENCE_MS, &pid) != COP_OK)
                _exit(9);
        pthread_mutex_lock(&cop_node_here()->zygote.lock);
        abort();
}
#endif

/* The end that somebody else has chosen. */
static void be_killed(const char *path)
{
        build_forge(path);
        kill(getpid(), SIGABRT);
        for (;;)
                pause();
}

/* Runs `end` in a child with what `prepare` has done to it; what it wrote to stderr. */
static const char *after(void (*end)(const char *path), int number, const char *path,
                         void (*prepare)(void))
{
        static char report[16384];
        int ends[2], status;
        size_t size = 0;
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                struct rlimit none = { 0, 0 };
                suite_is_forked();
                setrlimit(RLIMIT_CORE, &none);
                dup2(ends[1], STDERR_FILENO);
                close(ends[1]);
                if (prepare != NULL)
                        prepare();
                end(path);
                _exit(0);
        }
        close(ends[1]);
        for (ssize_t got = 1; got > 0; size += got > 0 ? (size_t)got : 0)
                got = read(ends[0], report + size, sizeof(report) - 1 - size);
        report[size] = '\0';
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == number, "it did not die of its fault, but of %x: %s",
                      (unsigned)status, report);
        return report;
}

static const char *after_death(const char *path, void (*prepare)(void))
{
        return after(die, SIGSEGV, path, prepare);
}

/* ---- A place for files ---------------------------------------------------------------------------- */

static char folder[64];

static const char *path_of(const char *name)
{
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % 4];
        if (folder[0] == '\0') {
                snprintf(folder, sizeof(folder), "/tmp/coppice-dump-XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(folder));
        }
        snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
        return path;
}

static void clear_folder(void)
{
        static const char *const names[] = { "a.dump", "b.dump", "victim", "text", "text.err", "caf\xc3\xa9\xff" };
        for (size_t i = 0; i < COP__COUNT(names); i++)
                unlink(path_of(names[i]));
        ck_assert_int_eq(rmdir(folder), 0);
        folder[0] = '\0';
}

static size_t read_file(const char *path, char *bytes, size_t room)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ssize_t size = read(fd, bytes, room - 1);
        close(fd);
        ck_assert_int_ge(size, 0);
        bytes[size] = '\0';
        return (size_t)size;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
        close(fd);
}

/* The request for memory that fails while it prints; 0: none does. */
static int64_t print_fails_at;

struct printed {
        enum exit_code code;
        bool has_failed; /* that request has come */
        char out[65536], err[1024];
};

/* What `coppice dump` prints, and says. */
static const struct printed *print_with(const char *path, bool wants_lines)
{
        static struct printed printed;
        const char *out = path_of("text"), *err = path_of("text.err");
        fflush(NULL);
        int stdout_before = dup(STDOUT_FILENO), stderr_before = dup(STDERR_FILENO);
        int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int errors = open(err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(to, STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        fail_malloc_for(print_fails_at, 1);
        printed.code = dump_print(path, wants_lines);
        printed.has_failed = stop_failing_malloc();
        fflush(NULL);
        dup2(stdout_before, STDOUT_FILENO);
        dup2(stderr_before, STDERR_FILENO);
        close(to);
        close(errors);
        close(stdout_before);
        close(stderr_before);
        read_file(out, printed.out, sizeof(printed.out));
        read_file(err, printed.err, sizeof(printed.err));
        return &printed;
}

static const struct printed *print(const char *path)
{
        return print_with(path, false);
}

static void expect_line(const struct printed *printed, const char *part)
{
        ck_assert_msg(strstr(printed->out, part) != NULL, "no \"%s\" in:\n%s", part, printed->out);
}

/* ---- What is in it ----------------------------------------------------------------------------------- */

TEST(a_dump_tells_the_fault_the_workers_the_tree_the_actors_and_the_mail)
{
        const char *path = path_of("a.dump");
        const char *report = after_death(path, NULL);
        char told[256];
        snprintf(told, sizeof(told), "what the node was doing: coppice dump %s\n", path);
        ck_assert_msg(strstr(report, told) != NULL, "%s", report);
        const struct printed *printed = print(path);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, "** the node forge ended, process ");
        expect_line(printed, "invalid memory access at 0x0 (NULL), SIGSEGV, while running anvil <0.");
        expect_line(printed, "could not be contained: the actor was started with isolation inline");
        expect_line(printed, "workers\n   worker 0: ");
        expect_line(printed, ": faulted, running <0.");
        expect_line(printed, ": halted, running ");
        expect_line(printed, " in break_down");
        expect_line(printed, "bucket <0.");
        expect_line(printed, " running");
        expect_line(printed, "the anvil");
        expect_line(printed, "  OWNS  IN");
        expect_line(printed, "anvil_on_strike  strike\n");
        expect_line(printed, "B     1  ");
        expect_line(printed, "bucket_on_go ");
        expect_line(printed, "  LAST\n");
        expect_line(printed, "  strike\n"); /* the anvil's last messages */
        expect_line(printed, "  go\n");
        expect_line(printed, " is at #go{number = 70} from <0.");
        expect_line(printed, " 1: #go{number = 71} from <0.");
        expect_line(printed, " 3: #go{number = 73} from <0.");
        expect_line(printed, " is at #strike{pence = -7, note = \"hot ?iron?\", share = 0.5, late = true, who = <0.");
        expect_line(printed, "small = 200, code = \"abc\", sort = \"gold\", list = [...], dent = -8, heat = -1600, "
                                       "blows = -320000}");
        expect_line(printed, " 1: #go{number = 74} from <0."); /* nobody has taken it in */
        expect_line(printed, "last crashes\n");
        expect_line(printed, "crashed: earlier");
        expect_line(printed, "last dead letters\n");
        expect_line(printed, "#go{number = 79}");
        expect_line(printed, " are in this dump\n");
        clear_folder();
}

static void add_shed(void)
{
        has_shed = true;
}

TEST(a_dump_tells_each_tree_and_how_often_its_children_were_restarted)
{
        const char *path = path_of("a.dump");
        after_death(path, add_shed);
        const struct printed *printed = print(path);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, "\n      bucket <0.");
        const char *tub = strstr(printed->out, "\n      tub <0.");
        ck_assert_ptr_nonnull(tub);
        ck_assert_ptr_eq(strstr(tub, "> running, 1 restart\n"), strchr(tub, '>'));
        expect_line(printed, "crashed: leaks");
        expect_line(printed, "handling #go{number = -1}\n");
        expect_line(printed, "shed restarted it as <0.");
        clear_folder();
}

/* Without libdw there are functions alone. */
TEST(a_dump_tells_the_lines_of_its_frames)
{
        const char *path = path_of("a.dump");
        after_death(path, NULL);
        const struct printed *printed = print_with(path, true);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, COP__HAVE_LIBDW ? " in break_down at tests/test_dump.c:" : " in break_down\n");
        expect_line(printed, COP__HAVE_LIBDW ? " at actors/turn.c:" : " in break_down\n");
        clear_folder();
}

/* Finds a build id, which stands behind its key as a string of 20 bytes. */
static void spoil_build_ids(char *bytes, size_t size)
{
        static const char key[] = "\xa8" "build_id\xc4";
        for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), key, sizeof(key) - 1)) != NULL; at++)
                at[sizeof(key) + 3] ^= 0x5a;
}

TEST(lines_of_another_build_are_not_told)
{
        static char bytes[65536];
        const char *path = path_of("a.dump");
        after_death(path, NULL);
        size_t size = read_file(path, bytes, sizeof(bytes));
        spoil_build_ids(bytes, size);
        write_file(path, bytes, size);
        const struct printed *printed = print_with(path, true);
        ck_assert_int_eq(printed->code, EXIT_OK);
        expect_line(printed, " in break_down\n");
        ck_assert_ptr_null(strstr(printed->out, "break_down at "));
        if (COP__HAVE_LIBDW)
                ck_assert_msg(strstr(printed->err, "is not the build that ran") != NULL, "%s", printed->err);
        clear_folder();
}

/* What it names might be anything. */
TEST(of_a_dump_of_another_user_no_file_that_it_names_is_opened)
{
        if (geteuid() != 0) {
                fprintf(stderr, "skipped: only root can give a file away\n");
                return;
        }
        const char *path = path_of("a.dump");
        after_death(path, NULL);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        const struct printed *printed = print_with(path, true);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, " in break_down\n");
        ck_assert_ptr_null(strstr(printed->out, "break_down at "));
        clear_folder();
}

TEST(a_fault_on_a_thread_of_the_program_leaves_a_dump_with_its_backtrace)
{
        const char *path = path_of("a.dump");
        const char *report = after(die_elsewhere, SIGABRT, path, NULL);
        ck_assert_msg(strstr(report, "because it happened on a thread that runs no actors") != NULL, "%s", report);
        const struct printed *printed = print(path);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, "abort() called, SIGABRT\n   a fault in your program that could not be contained: it happened on a thread that runs no actors\n");
        expect_line(printed, ": halted, running nobody");
        expect_line(printed, "other threads\n   thread ");
        expect_line(printed, " stoker: faulted\n");
        expect_line(printed, " in give_up");
        expect_line(printed, " in die_elsewhere"); /* where another thread of the program was */
        expect_line(printed, " 3: #go{number = 73} from <0.");
        clear_folder();
}

TEST(a_signal_from_outside_leaves_a_dump_and_is_nobodys_fault)
{
        const char *path = path_of("a.dump");
        const char *report = after(be_killed, SIGABRT, path, NULL);
        ck_assert_msg(strstr(report, "** the node stops: somebody has sent a signal\n") != NULL, "%s", report);
        const struct printed *printed = print(path);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        expect_line(printed, "\n   a signal from process ");
        expect_line(printed, ", SIGABRT\n   the signal was sent, and is no fault of who runs here\n");
        expect_line(printed, ": took the signal\n");
        expect_line(printed, " in be_killed");
        expect_line(printed, "bucket <0.");
        clear_folder();
}

/* Two nodes in one process, which one of them ends. */
static void die_with_another(const char *path)
{
        cop_node *other;
        if (cop_node_start(&(cop_node_options){ .name = "neighbour", .dump = path_of("b.dump"), .workers = 1 },
                           &other) == COP_OK)
                die_elsewhere(path);
}

TEST(each_node_of_a_process_leaves_its_own_dump)
{
        path_of("b.dump");
        after(die_with_another, SIGABRT, path_of("a.dump"), NULL);
        expect_line(print(path_of("a.dump")), "** the node forge ended");
        const struct printed *printed = print(path_of("b.dump"));
        ck_assert_int_eq(printed->code, EXIT_OK);
        expect_line(printed, "** the node neighbour ended");
        expect_line(printed, ": halted, running nobody");
        clear_folder();
}

static void set_variable(void)
{
        setenv("COPPICE_DUMP", path_of("b.dump"), 1);
}

TEST(the_environment_names_the_file_if_the_program_does_not)
{
        path_of("b.dump");
        after_death(NULL, set_variable);
        ck_assert_int_eq(print(path_of("b.dump"))->code, EXIT_OK);
        ck_assert_int_eq(unlink(path_of("b.dump")), 0);
        after_death("", set_variable);
        ck_assert_int_ne(access(path_of("b.dump"), F_OK), 0);
        clear_folder();
}

TEST(a_path_that_is_too_long_is_refused_when_the_node_starts)
{
        static char path[COP__DUMP_PATH_MAX + 2];
        cop_node *node = NULL;
        memset(path, 'x', sizeof(path) - 1);
        path[0] = '/';
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .dump = path }, &node), COP_E_TOO_BIG);
        ck_assert_ptr_null(node);
}

TEST(a_path_from_a_folder_that_is_gone_is_refused_when_the_node_starts)
{
        cop_node *node = NULL;
        ck_assert_int_eq(mkdir(path_of("run"), 0700), 0);
        ck_assert_int_eq(chdir(path_of("run")), 0);
        ck_assert_int_eq(rmdir(path_of("run")), 0);
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .dump = "a.dump" }, &node), COP_E_SYSTEM);
        ck_assert_ptr_null(node);
        clear_folder();
}

TEST(a_program_that_is_a_tree_has_its_dump_beside_its_socket)
{
        char path[COP__DOOR_DUMP_MAX];
        ck_assert_int_eq(mkdir(path_of("run"), 0700), 0);
        setenv("XDG_RUNTIME_DIR", path_of("run"), 1);
        ck_assert_int_eq(cop__door_dump("shop", path), COP_OK);
        ck_assert_str_eq(path, path_of("run/coppice/shop.dump"));
        ck_assert_int_eq(chmod(path_of("run/coppice"), 0777), 0); /* others may enter it */
        ck_assert_int_eq(cop__door_dump("shop", path), COP_E_BAD_ARGUMENT);
        rmdir(path_of("run/coppice"));
        rmdir(path_of("run"));
        clear_folder();
}

/* ---- Where it lies --------------------------------------------------------------------------------------- */

TEST(a_dump_is_private_and_never_written_through_a_link)
{
        const char *path = path_of("a.dump"), *victim = path_of("victim");
        char text[64];
        struct stat is;
        write_file(victim, "precious", 8);
        ck_assert_int_eq(symlink(victim, path), 0);
        umask(0);
        after_death(path, NULL);
        ck_assert_int_eq(lstat(path, &is), 0);
        ck_assert(S_ISREG(is.st_mode));
        ck_assert_uint_eq(is.st_mode & 07777, 0600);
        ck_assert_uint_eq(read_file(victim, text, sizeof(text)), 8);
        ck_assert_str_eq(text, "precious");
        ck_assert_int_eq(print(path)->code, EXIT_OK);
        clear_folder();
}

TEST(a_folder_that_is_not_there_is_said_and_the_process_dies_all_the_same)
{
        const char *report = after_death("/nonexistent/folder/a.dump", NULL);
        ck_assert_msg(strstr(report, "the system: no dump in /nonexistent/folder/a.dump: there is no such folder\n"),
                      "%s", report);
}

static void allow_little_space(void)
{
        struct rlimit little = { 2000, 2000 };
        setrlimit(RLIMIT_FSIZE, &little);
}

TEST(a_full_disk_breaks_the_dump_off_and_what_is_there_can_be_read)
{
        const char *path = path_of("a.dump");
        const char *report = after_death(path, allow_little_space);
        ck_assert_msg(strstr(report, "the dump breaks off in "), "%s", report);
        const struct printed *printed = print(path);
        ck_assert_int_eq(printed->code, EXIT_FAILED);
        expect_line(printed, "** the node forge ended");
        ck_assert_ptr_nonnull(strstr(printed->err, "it breaks off here"));
        clear_folder();
}

/* A thread of the program, which holds no signals back. */
TEST(a_dump_that_becomes_too_large_for_its_limit_changes_nothing_about_how_the_process_dies)
{
        const char *path = path_of("a.dump");
        const char *report = after(die_elsewhere, SIGABRT, path, allow_little_space);
        ck_assert_msg(strstr(report, "the dump breaks off in "), "%s", report);
        ck_assert_msg(strstr(report, "the file would be larger than its limit"), "%s", report);
        clear_folder();
}

#if !COP__TSAN
TEST(a_dump_waits_for_no_lock_of_the_zygote)
{
        const char *path = path_of("a.dump");
        after(die_with_the_zygote, SIGABRT, path, NULL);
        ck_assert_int_eq(print(path)->code, EXIT_OK);
        clear_folder();
}
#endif

/* All descriptors there may be. */
static void use_up_descriptors(void)
{
        struct rlimit few = { 64, 64 };
        setrlimit(RLIMIT_NOFILE, &few);
        while (open("/dev/null", O_RDONLY) >= 0) /* they stay open when the process dies */
                continue;
}

TEST(a_process_without_descriptors_leaves_a_dump)
{
        if (COP__ASAN) /* its runtime reads the map of a thread that begins, and ends the process where it cannot */
                return;
        const char *path = path_of("a.dump");
        after_death(path, use_up_descriptors);
        ck_assert_int_eq(print(path)->code, EXIT_OK);
        clear_folder();
}

static uint32_t may_take, has_tried; /* atomic: how often */

/* Takes each descriptor that becomes free. */
static void *takes_descriptors(void *unused)
{
        pthread_setname_np(pthread_self(), "thief");
        for (uint32_t tried = 0;; cop__store_seq(&has_tried, ++tried)) {
                while (cop__load_seq(&may_take) == tried)
                        sched_yield();
                if (open("/dev/null", O_RDONLY) >= 0)
                        continue;
        }
        return unused;
}

static void lets_take(const char *name)
{
        if (strcmp(name, "fault.has_freed_descriptor") != 0)
                return;
        uint32_t times = cop__add_seq(&may_take, 1) + 1;
        while (cop__load_seq(&has_tried) != times)
                sched_yield();
}

static void use_up_descriptors_beside_a_thief(void)
{
        pthread_t thread;
        if (pthread_create(&thread, NULL, takes_descriptors, NULL) != 0)
                _exit(9);
        use_up_descriptors();
        cop__store_release(&cop__cue_heard_by, lets_take);
}

/* Some containers do not let a thread have a table of descriptors of its own. */
TEST(what_is_closed_for_a_dump_no_other_thread_takes)
{
        if (COP__ASAN) /* its runtime reads the map of a thread that begins, and ends the process where it cannot */
                return;
        NEEDS_THE_KERNEL();
        if (syscall(SYS_unshare, CLONE_FILES) != 0)
                return;
        const char *path = path_of("a.dump");
        after_death(path, use_up_descriptors_beside_a_thief);
        const struct printed *printed = print(path);
        ck_assert_int_eq(printed->code, EXIT_OK);
        expect_line(printed, "thief"); /* all have halted, for which a descriptor was needed first */
        clear_folder();
}

/* ---- A writer that is cut short ------------------------------------------------------------------------------ */

static void break_the_pipe_of_stderr(void)
{
        int ends[2];
        if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
                _exit(9);
        close(ends[0]);
        close(ends[1]);
        signal(SIGPIPE, SIG_DFL);
}

TEST(a_report_that_nobody_reads_does_not_end_the_process_before_its_dump)
{
        const char *path = path_of("a.dump");
        after(die_elsewhere, SIGABRT, path, break_the_pipe_of_stderr);
        const struct printed *printed = print(path);
        ck_assert_msg(printed->code == EXIT_OK, "%s%s", printed->out, printed->err);
        clear_folder();
}

#define ODD_NAME "caf\xc3\xa9\xff"

/* Code of a file with bytes in its name that are no ASCII, below all other. */
static void map_an_odd_name(void)
{
        int fd = open(path_of(ODD_NAME), O_RDONLY | O_CLOEXEC);
        void *where = mmap((void *)0x10000000, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
        if (where == MAP_FAILED)
                _exit(9);
        close(fd);
}

TEST(a_byte_beyond_ascii_in_a_path_does_not_end_the_list_of_files)
{
        static char bytes[1 << 20];
        const char *path = path_of("a.dump");
        char program[512] = "", nothing[4096] = "";
        ck_assert_int_gt(readlink("/proc/self/exe", program, sizeof(program) - 1), 0);
        write_file(path_of(ODD_NAME), nothing, sizeof(nothing));
        after_death(path, map_an_odd_name);
        size_t size = read_file(path, bytes, sizeof(bytes));
        ck_assert_ptr_nonnull(memmem(bytes, size, "/" ODD_NAME, sizeof(ODD_NAME)));
        ck_assert_ptr_nonnull(memmem(bytes, size, program, strlen(program)));
        clear_folder();
}

TEST(pairs_beyond_the_size_of_a_record_are_left_out_whole)
{
        static char text[COP__DUMP_TEXT_MAX + 100];
        static struct cop__dump_record record;
        struct cop__dump_file file;
        memset(text, 't', sizeof(text) - 1);
        ck_assert(cop__dump_open(&file, path_of("a.dump")));
        cop__dump_begin(&record, "actor");
        for (int i = 0; i < 20; i++) {
                char key[] = { 'k', (char)('a' + i), '\0' };
                cop__dump_add_text(&record, key, text);
        }
        ck_assert(record.is_full);
        ck_assert_uint_eq(record.pairs, 1 + COP__DUMP_RECORD_MAX / (COP__DUMP_TEXT_MAX + 6));
        cop__dump_end(&file, &record);
        cop__dump_begin(&record, "end");
        cop__dump_end(&file, &record);
        cop__dump_close(&file);
        ck_assert_int_eq(file.error, 0);
        ck_assert_int_eq(print(path_of("a.dump"))->code, EXIT_OK);
        clear_folder();
}

/* ---- Secrets ---------------------------------------------------------------------------------------------------- */

TEST(what_is_in_a_secret_field_is_in_no_dump)
{
        const cop_kind *kind = COP_KIND_OF(strike);
        const strike value = { .pence = 5, .note = COP_TEXT("by night"), .code = "abc" };
        cop_kinds *kinds = cop__kinds_new(&kind, &kind + 1);
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        ck_assert_int_eq(cop__kinds_hide(kinds, "codes,note code"), COP_OK);
        cop__dump_value(&words, kinds, kind, &value);
        ck_assert_msg(strstr(text, "#strike{pence = 5, note = ..., share") != NULL, "%s", text);
        ck_assert_msg(strstr(text, "code = ..., ") != NULL, "%s", text);
        ck_assert(!cop__kinds_is_secret(kinds, "cod") && !cop__kinds_is_secret(kinds, "") &&
                  !cop__kinds_is_secret(NULL, "code"));
        cop__kinds_free(kinds);
}

typedef struct wide {
        float share;
        int8_t a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
} wide;
COP_MESSAGE(wide, share, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);

TEST(of_a_message_of_many_fields_the_first_ones_are_told)
{
        const wide value = { .share = 0.25f, .o = 7, .p = 8 };
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        cop__dump_value(&words, NULL, COP_KIND_OF(wide), &value);
        ck_assert_msg(strncmp(text, "#wide{share = 0.25, a = 0, ", 27) == 0 && strstr(text, ", o = 7, ...}") != NULL, "%s", text);
}

typedef struct page {
        cop_text words;
        char mark[16];
} page;
COP_MESSAGE(page, words, mark);

TEST(a_text_beyond_ascii_is_itself_in_a_dump_and_what_moves_a_terminal_is_not)
{
        char text[512] = "", longer[200], wanted[200];
        struct cop__words words = { .text = text, .size = sizeof(text) };
        const page value = { .words = COP_TEXT("M\xc3\xbcnchen \"q\" \xe6\x97\xa5\xe6\x9c\xac\x1b[2J\xff"), .mark = "\xe2\x82\xac" };
        cop__dump_value(&words, NULL, COP_KIND_OF(page), &value);
        ck_assert_str_eq(text, "#page{words = \"M\xc3\xbcnchen ?q? \xe6\x97\xa5\xe6\x9c\xac?[2J?\", mark = \"\xe2\x82\xac\"}");
        /* What is cut is cut between characters. */
        longer[0] = 'a';
        for (size_t i = 1; i + 1 < sizeof(longer); i += 2)
                memcpy(longer + i, "\xc3\xbc", 2);
        snprintf(wanted, sizeof(wanted), "#page{words = \"%.*s...\", mark = \"\"}", (int)COP__DUMP_VALUE_TEXT - 1, longer);
        words = (struct cop__words){ .text = text, .size = sizeof(text) };
        cop__dump_value(&words, NULL, COP_KIND_OF(page), &(const page){ .words = { .data = longer, .size = sizeof(longer) - 1 } });
        ck_assert_str_eq(text, wanted);
}

TEST(a_lock_that_somebody_holds_is_seen_and_not_waited_for)
{
        struct cop__lock lock;
        cop__lock_init(&lock);
        ck_assert(cop__dump_is_free(&lock));
        cop__lock_lock(&lock);
        ck_assert(!cop__dump_is_free(&lock));
        cop__lock_unlock(&lock);
        ck_assert(cop__dump_is_free(&lock));
}

/* ---- A reader without memory ---------------------------------------------------------------------------------------- */

/* At each place in turn. Whoever reads it must not take a part for the whole, nor a want of memory for damage. */
TEST_WITHIN(a_dump_that_is_read_without_memory_at_one_place_is_printed_whole_or_said_not_to_be, 60)
{
        static struct printed whole;
        if (!failing_malloc_can())
                return;
        after_death(path_of("a.dump"), NULL);
        whole = *print(path_of("a.dump"));
        ck_assert_int_eq(whole.code, EXIT_OK);
        const struct printed *printed = &whole;
        for (print_fails_at = 1; print_fails_at == 1 || printed->has_failed; print_fails_at++) {
                printed = print(path_of("a.dump"));
                bool is_whole = printed->code == EXIT_OK && strcmp(printed->out, whole.out) == 0 && printed->err[0] == '\0';
                bool is_said = printed->code == EXIT_FAILED && strstr(printed->err, "there is no memory for ") != NULL;
                ck_assert_msg(is_whole || is_said, "request %d: %d, %s\n%s", (int)print_fails_at, printed->code, printed->err,
                              printed->out);
        }
        ck_assert_int_gt(print_fails_at, 20);
        clear_folder();
}

/* ---- A reader that is lied to ---------------------------------------------------------------------------------- */

TEST(what_is_no_dump_is_refused_with_a_sentence)
{
        const struct printed *printed = print("/nonexistent");
        ck_assert_int_eq(printed->code, EXIT_USAGE);
        ck_assert_ptr_nonnull(strstr(printed->err, "cannot be read: No such file"));
        printed = print("/dev/zero");
        ck_assert_int_eq(printed->code, EXIT_USAGE);
        ck_assert_ptr_nonnull(strstr(printed->err, "is no plain file"));
        write_file(path_of("a.dump"), "coppice dump 9\n", 15);
        printed = print(path_of("a.dump"));
        ck_assert_int_eq(printed->code, EXIT_FAILED);
        ck_assert_ptr_nonnull(strstr(printed->err, "is no dump of a node"));
        ck_assert_int_eq(truncate(path_of("a.dump"), (off_t)DUMP_SIZE_MAX + 1), 0);
        printed = print(path_of("a.dump"));
        ck_assert_int_eq(printed->code, EXIT_USAGE);
        ck_assert_ptr_nonnull(strstr(printed->err, "larger than a dump can be"));
        clear_folder();
}

/* Found by the fuzzer: a record's pairs were looked for before it was known to be a map, behind the end of a text. */
TEST(a_record_of_a_dump_that_is_no_map_is_damage)
{
        static const char text[] = COP__DUMP_MAGIC "\0\0\0\014\253what is it?"
                                                   "\0\0\0\013\201\244what\304\003end";
        write_file(path_of("a.dump"), text, sizeof(text) - 1);
        const struct printed *printed = print(path_of("a.dump"));
        ck_assert_int_eq(printed->code, EXIT_FAILED);
        ck_assert_ptr_nonnull(strstr(printed->err, "some of it is damaged"));
        clear_folder();
}

TEST(an_escape_in_a_dump_does_not_reach_the_terminal)
{
        static struct cop__dump_record record;
        struct cop__dump_file file;
        ck_assert(cop__dump_open(&file, path_of("a.dump")));
        cop__dump_begin(&record, "actor");
        cop__dump_add_text(&record, "name", "\033]0;owned\007\xff\nnew line");
        cop__dump_add_text(&record, "status", "fine");
        cop__dump_end(&file, &record);
        cop__dump_begin(&record, "child");
        cop__dump_add_text(&record, "id", "\033[2J");
        cop__dump_add_pid(&record, "supervisor", (cop_pid){ 5 });
        cop__dump_add_pid(&record, "pid", (cop_pid){ 5 }); /* its own parent: a circle */
        cop__dump_end(&file, &record);
        cop__dump_close(&file);
        const struct printed *printed = print(path_of("a.dump"));
        ck_assert_int_eq(printed->code, EXIT_FAILED); /* there is no end */
        expect_line(printed, "owned");
        ck_assert_ptr_null(strchr(printed->out, '\033'));
        ck_assert_ptr_null(strchr(printed->out, '\007'));
        clear_folder();
}

/* Of the first supervisor all children are the same actor, and that has as many. */
#define CROWD 150000

static void write_children(struct cop__dump_file *file, uint64_t supervisor, uint64_t pid)
{
        static struct cop__dump_record record;
        for (uint64_t i = 0; i < CROWD; i++) {
                cop__dump_begin(&record, "child");
                cop__dump_add_text(&record, "id", "x");
                cop__dump_add_pid(&record, "supervisor", (cop_pid){ supervisor });
                cop__dump_add_pid(&record, "pid", (cop_pid){ pid });
                cop__dump_add_number(&record, "order", i);
                cop__dump_end(file, &record);
        }
}

TEST(a_dump_is_printed_in_a_time_that_goes_with_its_size)
{
        struct cop__dump_file file;
        struct stat about;
        ck_assert(cop__dump_open(&file, path_of("a.dump")));
        write_children(&file, 5, 6);
        write_children(&file, 6, 7);
        cop__dump_close(&file);
        print(path_of("a.dump"));
        ck_assert_int_eq(stat(path_of("text"), &about), 0);
        ck_assert_int_ge(about.st_size, 2 * CROWD * (off_t)sizeof("      x <0.0.0> starting"));
        clear_folder();
}

/* What has been printed is not printed again, and one long cell does not make all others as wide. */
TEST(actors_between_crashes_of_a_dump_are_printed_once)
{
        static struct cop__dump_record record;
        struct cop__dump_file file;
        char name[400];
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        ck_assert(cop__dump_open(&file, path_of("a.dump")));
        for (int i = 0; i < 3; i++) {
                cop__dump_begin(&record, "actor");
                cop__dump_add_text(&record, "name", i == 2 ? name : i == 1 ? "second" : "first");
                cop__dump_end(&file, &record);
                if (i == 1)
                        continue;
                cop__dump_begin(&record, "crash");
                cop__dump_add_text(&record, "words", "boom");
                cop__dump_end(&file, &record);
        }
        cop__dump_close(&file);
        const char *out = print(path_of("a.dump"))->out;
        ck_assert_ptr_nonnull(strstr(out, "first"));
        ck_assert_ptr_null(strstr(strstr(out, "first") + 1, "first"));
        const char *second = strstr(out, "second");
        ck_assert_ptr_nonnull(second);
        ck_assert_ptr_nonnull(strstr(out, name));
        ck_assert_uint_lt(strcspn(second, "\n"), 200);
        clear_folder();
}

TEST_WITHIN(no_change_of_a_dumps_bytes_does_more_than_spoil_the_print, 120)
{
        static char bytes[65536], changed[65536];
        uint64_t random = 20261128;
        after_death(path_of("a.dump"), NULL);
        size_t size = read_file(path_of("a.dump"), bytes, sizeof(bytes));
        int rounds = suite_is_slow() ? 300 : 3000;
        for (int round = 0; round < rounds; round++) {
                size_t length = size;
                memcpy(changed, bytes, size);
                for (unsigned i = 0; i < 1 + (unsigned)round % 8; i++) {
                        random = random * 6364136223846793005u + 1442695040888963407u;
                        changed[(random >> 33) % size] = (char)(random >> 25);
                }
                if (round % 3 == 0)
                        length = (size_t)(random >> 40) % size;
                write_file(path_of("b.dump"), changed, length);
                const struct printed *printed = print(path_of("b.dump"));
                ck_assert_msg(strchr(printed->out, '\033') == NULL, "round %d printed an escape", round);
        }
        clear_folder();
}
