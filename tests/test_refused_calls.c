/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Calls of the system fail at each place in turn, where a node, its console and the process of an actor begin, are at work and end.
 * What cannot be done is said with a status, or done without; nobody waits for ever, nothing is left behind, and afterwards it works.
 *
 *      for each call and error       for n = 1, 2, 3 ...       the n-th such call of the process fails, whichever thread's
 */
#define _GNU_SOURCE
#include "tests/refused_calls.h"

#include <sys/resource.h>
#include <sys/un.h>

#include <coppice/main.h>

#include "actors/dump_file.h"
#include "io/signals.h"
#include "shell/console.h"
#include "shell/heart.h"
#include "tests/spare_client.h"

/* More places than there are of any. */
#define TOO_MANY 4000

struct refusal {
        const char *call;
        int error;
        int64_t most; /* places; 0: each. Of what is called as often as something is said, the first ones show it all */
};

/* ---- The console ------------------------------------------------------------------------------------------------ */

static const struct refusal of_consoles[] = {
        { "accept4", EMFILE, 0 },  { "accept4", EINTR, 0 },      { "accept4", ECONNABORTED, 0 }, { "bind", EADDRINUSE, 0 },
        { "chmod", EPERM, 0 },     { "eventfd", EMFILE, 0 },     { "fchmod", EPERM, 0 },         { "fcntl", ENOLCK, 0 },
        { "fcntl", EAGAIN, 0 },    { "fstat", EIO, 0 },          { "ftruncate", ENOSPC, 0 },     { "listen", EADDRINUSE, 0 },
        { "lstat", EACCES, 0 },    { "lstat", ENOENT, 0 },       { "mkdir", EACCES, 0 },         { "open", EMFILE, 0 },
        { "poll", EINTR, 20 },     { "poll", ENOMEM, 20 },       { "pthread_create", EAGAIN, 0 },{ "read", EINTR, 20 },
        { "recv", EINTR, 20 },     { "recv", ECONNRESET, 20 },   { "sendmsg", EPIPE, 20 },       { "sendmsg", EINTR, 20 },
        { "sendmsg", EAGAIN, 20 }, { "socket", EMFILE, 0 },      { "unlink", EBUSY, 0 },         { "write", EINTR, 20 },
};

/* A console from its start to its end, with somebody who talks. False: something was not done. */
static bool serves(cop_node *node)
{
        struct cop__console *console;
        cop_status status = cop__console_start(node, &console);
        if (status != COP_OK)
                return false;
        bool is_well = holds_a_talk();
        cop__console_stop(console);
        return is_well;
}

TEST_WITHIN(a_console_to_which_a_call_is_refused_is_not_there_or_hangs_up_or_works, 120)
{
        if (!calls_can_be_refused())
                return;
        char folder[64];
        begin_folder(folder);
        cop_node *node = node_begin((cop_node_options){ .name = SPARE_NODE, .workers = 2 });
        ck_assert(serves(node));
        for (size_t i = 0; i < COP__COUNT(of_consoles); i++) {
                const struct refusal *refusal = &of_consoles[i];
                bool has_refused = true;
                for (int64_t n = 1; has_refused && (refusal->most == 0 || n <= refusal->most); n++) {
                        ck_assert_int_lt(n, TOO_MANY);
                        refuse_call(refusal->call, refusal->error, n);
                        bool is_well = serves(node);
                        has_refused = stop_refusing_calls();
                        ck_assert_msg(!is_silent, "when call %lld of %s says %s the console says nothing", (long long)n,
                                      refusal->call, strerror(refusal->error));
                        ck_assert(is_well || has_refused);
                        ck_assert_msg(serves(node), "when call %lld of %s has said %s the next console does not work",
                                      (long long)n, refusal->call, strerror(refusal->error));
                }
        }
        node_end(node);
        end_folder(folder);
}

/* Nobody listens there any more. */
static void leave_socket_at(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
}

TEST(a_door_whose_stale_socket_cannot_be_removed_stays_shut)
{
        struct cop__door door;
        char folder[64], path[96], sentence[COP__DOOR_SENTENCE] = "";
        if (!calls_can_be_refused())
                return;
        begin_folder(folder);
        ck_assert_int_eq(cop__door_open(SPARE_NODE, &door, sentence), COP_OK);
        cop__door_close(&door);
        snprintf(path, sizeof(path), "%s/coppice/" SPARE_NODE ".sock", folder);
        leave_socket_at(path);
        refuse_call("unlink", EPERM, 1);
        cop_status status = cop__door_open(SPARE_NODE, &door, sentence);
        ck_assert(stop_refusing_calls());
        ck_assert_int_eq(status, COP_E_SYSTEM);
        ck_assert_msg(strstr(sentence, "is stale and cannot be removed") != NULL, "%s", sentence);
        ck_assert_int_eq(cop__door_open(SPARE_NODE, &door, sentence), COP_OK);
        cop__door_close(&door);
        end_folder(folder);
}

TEST(a_lock_that_others_remove_each_time_is_given_up_with_a_sentence)
{
        if (!calls_can_be_refused())
                return;
        char folder[64], sentence[COP__DOOR_SENTENCE];
        struct cop__door door;
        begin_folder(folder);
        ck_assert_int_eq(cop__door_open(SPARE_NODE, &door, sentence), COP_OK);
        cop__door_close(&door);
        refuse_calls("lstat", ENOENT, 2, INT64_MAX); /* the first is for the folder, which is there */
        cop_status status = cop__door_open(SPARE_NODE, &door, sentence);
        ck_assert(stop_refusing_calls());
        ck_assert_int_eq(status, COP_E_SYSTEM);
        ck_assert_msg(strstr(sentence, "others keep removing it") != NULL, "%s", sentence);
        refuse_calls("lstat", ENOENT, 2, 3); /* a few times are borne */
        ck_assert_int_eq(cop__door_open(SPARE_NODE, &door, sentence), COP_OK);
        ck_assert(stop_refusing_calls());
        cop__door_close(&door);
        end_folder(folder);
}

/* ---- A node and the process of an actor -------------------------------------------------------------------------- */

typedef struct sum {
        int64_t number;
} sum;
COP_MESSAGE(sum, number);

typedef struct counter {
        int64_t number;
} counter;

static void counter_on_sum(counter *self, const sum *s)
{
        self->number += s->number;
        cop_reply(sum, .number = self->number);
}

COP_SERVER(counter, COP_ON(sum, counter_on_sum));

static int64_t blocked; /* atomic */

static void blocks(int64_t *count)
{
        cop__add_relaxed(count, 1);
}

static void goes_blocking(void)
{
        if (cop_blocking(blocks, &blocked) != COP_OK)
                cop_exit(cop_atom("not_blocked"));
}

/* A call to an actor in a process, and a function that blocks. False: something was not done. */
static bool works(void)
{
        cop_pid pid, blocker;
        cop_ref ref;
        cop_message *reply = NULL;
        cop_spawn_options apart = { .server = &counter_server, .isolation = COP_ISOLATION_PROCESS };
        cop_spawn_options beside = { .run = goes_blocking, .monitor = true, .monitor_ref = &ref };
        cop_status status = cop_start(&apart, PATIENCE_MS, &pid);
        if (status == COP_OK) {
                status = cop_call(&reply, pid, PATIENCE_MS, sum, .number = 1);
                cop_message_free(reply);
                put_down(pid);
        }
        if (cop_spawn_opt(&beside, &blocker) != COP_OK)
                return false;
        cop_auto down = await(COP_REF(cop_down, ref));
        return status == COP_OK && cop_is_atom(cop_read(cop_down, down)->reason, "normal");
}

/* A node from its start to its end. False: it did not start, or something was not done. */
static bool lives(bool with_processes)
{
        cop_node *node;
        cop_node_options options = { .workers = 1, .max_actors = 100, .processes = with_processes, .log = fixture_log_nothing };
        if (cop_node_start(&options, &node) != COP_OK)
                return false;
        bool is_well = cop_node_enter(node) == COP_OK;
        if (is_well) {
                is_well = works();
                cop_node_leave();
        }
        cop_node_stop(node);
        return is_well;
}

static const struct refusal of_nodes[] = {
        { "epoll_ctl", ENOSPC, 0 }, { "fork", EAGAIN, 0 },    { "waitpid", EINTR, 0 },           { "pthread_create", EAGAIN, 0 },
        { "sigaction", EINVAL, 0 }, { "recv", EINTR, 20 },    { "pthread_getattr_np", ENOMEM, 0 },
        { "pthread_getcpuclockid", ENOENT, 0 }, { "recvmsg", ECONNRESET, 20 },
};

static void hush(void)
{
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(dup2(nowhere, STDERR_FILENO), 0);
        close(nowhere);
}

TEST_WITHIN(a_node_to_which_a_call_is_refused_does_not_start_or_does_without, 120)
{
        if (!calls_can_be_refused())
                return;
        hush(); /* before the zygotes, whose children say why they end */
        ck_assert(lives(true));
        for (size_t i = 0; i < COP__COUNT(of_nodes); i++) {
                const struct refusal *refusal = &of_nodes[i];
                bool has_refused = true;
                for (int64_t n = 1; has_refused && (refusal->most == 0 || n <= refusal->most); n++) {
                        ck_assert_int_lt(n, TOO_MANY);
                        refuse_call(refusal->call, refusal->error, n);
                        bool is_well = lives(n % 2 == 0);
                        has_refused = stop_refusing_calls();
                        ck_assert_msg(is_well || has_refused || strcmp(refusal->call, "fork") == 0, "%s", refusal->call);
                }
                ck_assert(lives(true));
        }
}

TEST(a_node_that_is_given_no_memory_does_not_start_from_whatever_place_on)
{
        bool has_refused = true;
        int refusals = 0;
        if (!calls_can_be_refused())
                return;
        for (int64_t n = 1; has_refused; n++, refusals += has_refused) {
                cop_node *node;
                const cop_node_options options = { .workers = 2, .max_actors = 100, .log = fixture_log_nothing };
                refuse_calls_from("mmap", ENOMEM, n);
                cop_status status = cop_node_start(&options, &node);
                has_refused = stop_refusing_calls();
                ck_assert_int_eq(status, has_refused ? COP_E_NO_MEMORY : COP_OK);
                if (status == COP_OK)
                        cop_node_stop(node);
        }
        ck_assert_int_gt(refusals, 4);
        ck_assert(lives(true));
}

static uint32_t is_computing, has_computed; /* atomic */

/* Never waits: only the watch gives its worker to another. */
static void computes(void)
{
        cop__store_release(&is_computing, 1u);
        while (!cop__load_acquire(&has_computed))
                cop__spin_pause();
}

static void ends_computing(void)
{
        cop__store_release(&has_computed, 1u);
}

TEST(a_worker_of_which_the_watch_cannot_tell_how_long_it_ran_is_given_back_all_the_same)
{
        NEEDS_THREADS();
        if (!calls_can_be_refused())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        refuse_calls_from("pthread_getcpuclockid", ENOENT, 1);
        cop_ref busy = spawn_watched(.run = computes);
        await_true(cop__load_acquire(&is_computing) != 0);
        cop_ref next = spawn_watched(.run = ends_computing);
        await_down(next, "normal");
        await_down(busy, "normal");
        ck_assert(stop_refusing_calls());
        node_end(node);
}

static uint32_t may_begin; /* atomic */

/* So that all who are spawned meanwhile run behind each other. */
static void holds_worker(void)
{
        while (!cop__load_acquire(&may_begin))
                cop__spin_pause();
}

static void waits_for_sum(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

TEST(who_finds_no_stack_to_wait_on_ends_and_those_behind_him_have_their_turns)
{
        enum { MANY = 3000 };
        static cop_pid pids[MANY];
        static cop_ref refs[MANY];
        int failed = 0;
        NEEDS_THREADS();
        if (!calls_can_be_refused())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true }); /* or one would run them */
        cop_ref held = spawn_watched(.run = holds_worker, .no_preempt = true);
        for (int i = 0; i < MANY; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits_for_sum, .monitor = true,
                                                                     .monitor_ref = &refs[i] }, &pids[i]), COP_OK);
        refuse_calls_from("mmap", ENOMEM, 1);
        cop__store_release(&may_begin, 1u);
        await_down(held, "normal");
        for (int i = 0; i < MANY; i++)
                await_true(!cop_is_alive(pids[i]) || is_waiting(node, pids[i]));
        ck_assert(stop_refusing_calls());
        for (int i = 0; i < MANY; i++)
                cop_send(pids[i], sum, .number = 1);
        for (int i = 0; i < MANY; i++) {
                cop_auto down = await(COP_REF(cop_down, refs[i]));
                const char *reason = text_of(cop_read(cop_down, down)->reason);
                failed += strcmp(reason, "normal") != 0;
                if (strcmp(reason, "normal") != 0)
                        ck_assert_str_eq(reason, "{system_limit, stack}");
        }
        ck_assert_int_gt(failed, 0);
        ck_assert_int_lt(failed, MANY);
        node_end(node);
}

/* Its first blocking call, for which a thread begins: without a stack for its signals, from some place on. */
static bool runs_blocking(const char **reason)
{
        int64_t before = cop__load_relaxed(&blocked);
        cop_auto down = await(COP_REF(cop_down, spawn_watched(.run = goes_blocking)));
        *reason = text_of(cop_read(cop_down, down)->reason);
        return cop__load_relaxed(&blocked) > before;
}

TEST(a_function_that_blocks_runs_also_where_a_fault_in_it_could_not_be_caught)
{
        bool has_refused = true, has_run_without = false;
        NEEDS_THREADS();
        if (!calls_can_be_refused())
                return;
        for (int64_t n = 1; has_refused; n++) {
                const char *reason;
                cop_node *node = node_begin((cop_node_options){ .workers = 1 });
                refuse_calls_from("mmap", ENOMEM, n);
                bool has_run = runs_blocking(&reason);
                has_refused = stop_refusing_calls();
                ck_assert_str_eq(reason, has_run ? "normal" : "{system_limit, stack}");
                has_run_without |= has_run && has_refused;
                ck_assert(runs_blocking(&reason));
                node_end(node);
        }
        ck_assert(has_run_without);
}

/* ---- A dump ------------------------------------------------------------------------------------------------------- */

/* The error that it breaks off with; 0: it is whole. */
static int writes_dump(const char *path)
{
        static struct cop__dump_record record;
        struct cop__dump_file file;
        if (!cop__dump_open(&file, path)) {
                cop__dump_close(&file);
                return file.error;
        }
        cop__dump_begin(&record, "end");
        cop__dump_end(&file, &record);
        cop__dump_close(&file);
        return file.error;
}

TEST(a_dump_to_which_a_call_is_refused_has_its_error_and_an_interruption_is_none)
{
        static const struct refusal of_dumps[] = {
                { "fchmod", EPERM, 0 }, { "rename", EACCES, 0 }, { "open", EEXIST, 0 },
                { "write", EFBIG, 0 },  { "write", EINTR, 0 },   { "close", EIO, 0 },
        };
        if (!calls_can_be_refused())
                return;
        char folder[64], path[128];
        begin_folder(folder);
        snprintf(path, sizeof(path), "%s/a.dump", folder);
        for (size_t i = 0; i < COP__COUNT(of_dumps); i++) {
                const struct refusal *refusal = &of_dumps[i];
                int64_t n = 1;
                for (bool has_refused = true; has_refused; n++) {
                        refuse_call(refusal->call, refusal->error, n);
                        int error = writes_dump(path);
                        has_refused = stop_refusing_calls();
                        ck_assert_int_eq(error, has_refused && refusal->error != EINTR ? refusal->error : 0);
                        unlink(path);
                }
                ck_assert_int_gt(n, 2);
        }
        end_folder(folder);
}

/* What is said by a node that dies, and whose dump cannot have its name. */
static void last_words_about(const char *path, int error, char *text, size_t room)
{
        int ends[2];
        size_t size = 0;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
                setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                suite_is_forked();
                dup2(ends[1], STDERR_FILENO);
                close(ends[0]);
                close(ends[1]);
                node_begin((cop_node_options){ .dump = path, .workers = 1 });
                refuse_call("rename", error, 1);
                abort();
        }
        close(ends[1]);
        for (ssize_t got = 1; got > 0; size += got > 0 ? (size_t)got : 0)
                got = read(ends[0], text + size, room - 1 - size);
        text[size] = '\0';
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

TEST(a_dump_that_cannot_be_written_is_said_with_a_reason)
{
        static const struct {
                int error;
                const char *why;
        } each[] = {
                { ENOSPC, "no space is left" },
                { EDQUOT, "no space is left" },
                { EACCES, "it is not permitted" },
                { EPERM, "it is not permitted" },
                { EROFS, "the file system is read-only" },
                { EEXIST, "a file of another lies in the way" },
                { EIO, "an error of input and output" },
        };
        if (!calls_can_be_refused())
                return;
        char folder[64], path[128], text[16384], wanted[256];
        begin_folder(folder);
        snprintf(path, sizeof(path), "%s/a.dump", folder);
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                last_words_about(path, each[i].error, text, sizeof(text));
                snprintf(wanted, sizeof(wanted), "   the system: no dump in %s: %s\n", path, each[i].why);
                ck_assert_msg(strstr(text, wanted) != NULL, "no '%s' in: %s", wanted, text);
        }
        end_folder(folder); /* in which nothing is left */
}

/* ---- Signals ---------------------------------------------------------------------------------------------------------- */

TEST(signals_for_which_a_call_is_refused_are_not_waited_for)
{
        static const struct refusal of_signals[] = {
                { "signalfd", EMFILE, 0 }, { "eventfd", EMFILE, 0 }, { "pthread_create", EAGAIN, 0 },
                { "poll", EINTR, 0 },      { "read", EINTR, 0 },     { "write", EINTR, 0 },
        };
        sigset_t set;
        if (!calls_can_be_refused())
                return;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        for (size_t i = 0; i < COP__COUNT(of_signals); i++) {
                const struct refusal *refusal = &of_signals[i];
                struct cop__signals *signals = NULL;
                refuse_call(refusal->call, refusal->error, 1);
                cop_status status = cop__signals_start(node, &set, cop_self(), NULL, &signals);
                ck_assert_int_eq(status, refusal->error == EINTR ? COP_OK : COP_E_SYSTEM);
                if (status == COP_OK) {
                        kill(getpid(), SIGUSR2);
                        cop_message_free(await(COP_KIND(cop_os_signal)));
                }
                cop__signals_stop(signals);
                ck_assert(stop_refusing_calls());
        }
        node_end(node);
}

/* ---- A heart -------------------------------------------------------------------------------------------------------- */

/* Its code; the node ends at once, and well. */
static int beats(void)
{
        const struct cop__heart heart = { .program = "test", .limit = 1 };
        int code = -1;
        if (cop__heart_beat(&heart, &code))
                _exit(0);
        return code;
}

TEST(a_heart_to_which_a_call_is_refused_gives_up_and_leaves_no_node)
{
        static const struct refusal of_hearts[] = {
                { "signalfd", EMFILE, 0 }, { "fork", EAGAIN, 0 },  { "pidfd_open", EMFILE, 0 },
                { "poll", EINTR, 0 },      { "waitpid", EINTR, 0 },
        };
        if (!calls_can_be_refused())
                return;
        sigset_t before;
        hush();
        sigprocmask(SIG_SETMASK, NULL, &before);
        ck_assert_int_eq(beats(), 0);
        for (size_t i = 0; i < COP__COUNT(of_hearts); i++) {
                const struct refusal *refusal = &of_hearts[i];
                refuse_call(refusal->call, refusal->error, 1);
                int code = beats();
                ck_assert(stop_refusing_calls());
                ck_assert_int_eq(code, refusal->error == EINTR ? 0 : COP_EXIT_GAVE_UP);
                ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
                sigprocmask(SIG_SETMASK, &before, NULL);
        }
}

/* ---- The stack for signals ----------------------------------------------------------------------------------------- */

/* Whoever starts a node is in none, so it is said on standard error. */
static int stderr_before;

static void begin_hearing(void)
{
        int file = memfd_create("said", MFD_CLOEXEC);
        ck_assert_int_ge(file, 0);
        stderr_before = dup(STDERR_FILENO);
        ck_assert_int_eq(dup2(file, STDERR_FILENO), STDERR_FILENO);
        close(file);
}

static bool has_heard(const char *words)
{
        char text[4096] = "";
        ck_assert_int_ge(pread(STDERR_FILENO, text, sizeof(text) - 1, 0), 0);
        ck_assert_int_eq(dup2(stderr_before, STDERR_FILENO), STDERR_FILENO);
        close(stderr_before);
        return strstr(text, words) != NULL;
}

static void stays(void)
{
        cop_sleep(COP_FOREVER);
}

TEST(a_simulated_node_to_which_a_stack_for_signals_is_refused_says_so_and_runs)
{
        if (!calls_can_be_refused())
                return;
        for (int refuses = 1; refuses >= 0; refuses--) {
                cop_node *node;
                const cop_simulation order = { .seed = 1 };
                if (refuses)
                        refuse_call("sigaltstack", ENOMEM, 1);
                begin_hearing();
                cop_status status = cop_node_start(&(cop_node_options){ .simulation = &order, .log = fixture_log_nothing }, &node);
                ck_assert_int_eq(has_heard("the system refuses a worker's signal stack"), refuses);
                ck_assert(!refuses || stop_refusing_calls());
                ck_assert_int_eq(status, COP_OK);
                ck_assert_int_eq(cop_node_enter(node), COP_OK);
                put_down(cop_spawn(stays));
                node_end(node);
        }
}
