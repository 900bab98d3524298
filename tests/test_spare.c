/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that block without saying so: others go on, on as many workers as before, and those that went on for them rest again.
 * What blocks here waits for a pipe that the test writes to, so each claim waits for facts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scheduler/detour.h"
#include "tests/echo.h"
#include "tests/threads.h"

typedef struct order {
        cop_pid boss;
} order;
COP_MESSAGE(order, boss);

static int ends[2];
static int blocked; /* how many are in read(), or about to */

static void reads_a_byte(void)
{
        char byte;
        __atomic_add_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
        while (read(ends[0], &byte, 1) < 0)
                ;
        __atomic_sub_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
}

static void blocks(const order *o)
{
        reads_a_byte();
        cop_send(o->boss, ping, 1);
}

static void open_pipe(void)
{
        ck_assert_int_eq(pipe(ends), 0);
}

static void close_pipe(void)
{
        close(ends[0]);
        close(ends[1]);
}

static void let_go(int count)
{
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(write(ends[1], "x", 1), 1);
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(ping));
}

static uint32_t spares_at_work(cop_node *node)
{
        return cop__load_relaxed(&node->scheduler.spares.at_work);
}

/* As many actors block as there are workers and some more; all the same there is an answer. */
static void others_go_on_while_they_block(unsigned workers, int count)
{
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        open_pipe();
        cop_pid echo = cop_spawn(echoes);
        ck_assert_int_eq(ask(echo, 1), 2);
        for (int i = 0; i < count; i++)
                cop_spawn_with(blocks, order, .boss = cop_self());
        for (int i = 0; i < 50; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == count);
        ck_assert_int_eq(ask(echo, 7), 8);
        let_go(count);
        ck_assert_int_eq(ask(echo, 8), 9);
        await_true(spares_at_work(node) == 0);
        ck_assert_int_eq(ask(echo, 9), 10);
        close_pipe();
        node_end(node);
}

TEST(the_only_worker_blocks_and_others_go_on)
{
        others_go_on_while_they_block(1, 1);
}

TEST(more_block_on_the_only_worker_one_after_the_other)
{
        others_go_on_while_they_block(1, 5);
}

TEST(both_workers_block_and_others_go_on)
{
        others_go_on_while_they_block(2, 2);
}

TEST(many_block_on_two_workers_and_others_go_on)
{
        others_go_on_while_they_block(2, 10);
}

/* It is tried again at each look. */
TEST(a_spare_worker_without_a_thread_begins_when_there_is_one)
{
        NEEDS_ROOT();
        become_somebody_else();
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        open_pipe();
        cop_pid echo = cop_spawn(echoes);
        ck_assert_int_eq(ask(echo, 1), 2);
        allow_threads(0);
        cop_spawn_with(blocks, order, .boss = cop_self());
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 1);
        cop_spawn(echoes); /* something to do */
        await_true(cop__load_seq(&node->scheduler.spares.resting) != 0); /* it has a place, and no thread */
        usleep(20000); /* some looks */
        await_true(spares_at_work(node) == 0); /* but for the moment of each try */
        allow_all_threads();
        ck_assert_int_eq(ask(echo, 7), 8);
        let_go(1);
        close_pipe();
        node_end(node);
}

/* ---- Servers ------------------------------------------------------------------------------ */

typedef struct {
        int64_t handled;
} reader;

static void reader_on_ping(reader *self, const ping *p)
{
        if (p->number < 0)
                reads_a_byte();
        cop_reply(ping, .number = ++self->handled);
}
COP_SERVER(reader, COP_ON(ping, reader_on_ping));

/* What it was asked meanwhile it answers when its handler has returned, in order. */
TEST(handlers_of_servers_block_and_other_servers_go_on)
{
        enum { READERS = 3 };
        cop_pid readers[READERS];
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        blocked = 0;
        open_pipe();
        cop_pid other = cop_spawn_server(&reader_server, NULL);
        for (int i = 0; i < READERS; i++) {
                readers[i] = cop_spawn_server(&reader_server, NULL);
                cop_send(readers[i], ping, -1);
                cop_send(readers[i], ping, 1);
        }
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == READERS);
        for (int i = 1; i <= 50; i++)
                ck_assert_int_eq(ask(other, 0), i);
        ck_assert_int_eq(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST), READERS);
        nothing_has_come();
        for (int i = 0; i < READERS; i++)
                ck_assert_int_eq(write(ends[1], "x", 1), 1);
        for (int i = 0; i < READERS; i++)
                for (int64_t number = 1; number <= 2; number++) {
                        cop_auto answer = await((cop_pattern){ .kind = COP_KIND_OF(ping), .from = readers[i] });
                        ck_assert_int_eq(cop_read(ping, answer)->number, number);
                }
        await_true(spares_at_work(node) == 0);
        close_pipe();
        node_end(node);
}

/* ---- In the C library ----------------------------------------------------------------- */

static FILE *stream; /* of the pipe */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* With the stream's lock taken: nobody may interrupt that. */
static void reads_a_line(void)
{
        char line[16];
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), stream));
}

static void polls(void)
{
        struct pollfd readable = { .fd = ends[0], .events = POLLIN };
        while (poll(&readable, 1, -1) != 1)
                ;
}

static void takes_a_lock(void)
{
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
}

static void runs_a_command(void)
{
        char command[64];
        snprintf(command, sizeof(command), "read line <&%d", ends[0]);
        ck_assert_int_eq(system(command), 0);
}

static void (*way)(void);

static void blocks_that_way(const order *o)
{
        __atomic_add_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
        way();
        cop_send(o->boss, ping, 1);
}

/* Both workers are in it, and others are answered; when it returns, they go on. */
static void others_go_on_while_two_are_in(void (*there)(void))
{
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        way = there;
        blocked = 0;
        open_pipe();
        stream = fdopen(ends[0], "r");
        pthread_mutex_lock(&mutex);
        cop_pid echo = cop_spawn(echoes);
        for (int i = 0; i < 2; i++)
                cop_spawn_with(blocks_that_way, order, .boss = cop_self());
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 2);
        for (int i = 0; i < 20; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        pthread_mutex_unlock(&mutex);
        ck_assert_int_eq(write(ends[1], "a\nb\n", 4), 4);
        for (int i = 0; i < 2; i++)
                await_and_drop(COP_KIND(ping));
        ck_assert_int_eq(ask(echo, 8), 9);
        fclose(stream);
        close(ends[1]);
        node_end(node);
}

TEST(two_read_a_line_from_a_stream_and_others_go_on)
{
        others_go_on_while_two_are_in(reads_a_line);
}

TEST(two_poll_and_others_go_on)
{
        others_go_on_while_two_are_in(polls);
}

TEST(two_wait_for_a_lock_and_others_go_on)
{
        others_go_on_while_two_are_in(takes_a_lock);
}

TEST(two_wait_for_a_command_and_others_go_on)
{
        others_go_on_while_two_are_in(runs_a_command);
}

/* As long as others take for their work. In a process of its own, which does not wait for it. */
static void sleeps_long(const order *o)
{
        (void)o;
        __atomic_add_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
        sleep(1000);
}

/*
 * A look-up of a name whose server says nothing: getaddrinfo() waits for it within the C library. The server is a socket of the test's, so
 * nothing leaves the machine: it takes the question, sees that others go on meanwhile, and then says that there is no such name.
 */
static struct sockaddr_in server_of_names;

static void looks_a_name_up(const order *o)
{
        struct addrinfo *found = NULL;
        res_init();
        _res.nscount = 1;
        _res.nsaddr_list[0] = server_of_names;
        _res.retrans = 600;
        _res.retry = 1;
        int status = getaddrinfo("nobody.invalid.", NULL, &(struct addrinfo){ .ai_family = AF_INET }, &found);
        if (status == 0)
                freeaddrinfo(found);
        cop_send(o->boss, ping, status == 0);
}

static bool names_are_looked_up(void)
{
        char line[256] = "";
        bool by_dns = false;
        FILE *file = fopen("/etc/nsswitch.conf", "re");
        while (file != NULL && fgets(line, sizeof(line), file) != NULL)
                by_dns |= strncmp(line, "hosts:", 6) == 0 && strstr(line, "dns") != NULL;
        if (file != NULL)
                fclose(file);
        return by_dns;
}

TEST(a_look_up_of_a_name_that_nobody_answers_holds_up_nobody)
{
        unsigned char question[512];
        struct sockaddr_in asker;
        socklen_t size = sizeof(server_of_names), asker_size = sizeof(asker);
        if (!names_are_looked_up())
                return;
        int names = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        server_of_names = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        ck_assert_int_eq(bind(names, (struct sockaddr *)&server_of_names, size), 0);
        ck_assert_int_eq(getsockname(names, (struct sockaddr *)&server_of_names, &size), 0);
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        cop_pid echo = cop_spawn(echoes);
        ck_assert_int_eq(ask(echo, 1), 2);
        cop_spawn_with(looks_a_name_up, order, .boss = cop_self());
        ssize_t got = recvfrom(names, question, sizeof(question), 0, (struct sockaddr *)&asker, &asker_size);
        ck_assert_int_ge(got, 12);
        for (int i = 0; i < 50; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        question[2] |= 0x80;                       /* it is an answer */
        question[3] = (unsigned char)(0x80 | 3);   /* and there is no such name */
        ck_assert_int_eq(sendto(names, question, (size_t)got, 0, (struct sockaddr *)&asker, asker_size), got);
        await_and_drop(COP_KIND(ping));
        await_true(spares_at_work(node) == 0);
        node_end(node);
        close(names);
}

TEST(two_sleep_in_the_c_library_and_others_go_on)
{
        int status;
        pid_t child = fork();
        if (child == 0) {
                suite_is_forked();
                node_begin((cop_node_options){ .workers = 2 });
                cop_pid echo = cop_spawn(echoes);
                for (int i = 0; i < 2; i++)
                        cop_spawn_with(sleeps_long, order, .boss = cop_self());
                await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 2);
                for (int i = 0; i < 20; i++)
                        ck_assert_int_eq(ask(echo, i), i + 1);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", (unsigned)status);
}

/* ---- An exit signal --------------------------------------------------------------------- */

/* A signal that was meant for the actor before, and came late, ends the call: as with any other signal, it is called again. */
static void sleeps(void)
{
        while (sleep(1000) > 0)
                ;
}

static void sleeps_in_pieces(void)
{
        const struct timespec long_time = { .tv_sec = 1000 };
        while (nanosleep(&long_time, NULL) != 0)
                ;
}

static void receives(void)
{
        char byte;
        while (recv(ends[0], &byte, 1, 0) < 0)
                ;
}

/* In the call of its own code that it waits in; nobody has to write to the pipe. */
TEST(an_exit_signal_ends_an_actor_that_waits_in_the_system)
{
        static void (*const ways[])(void) = { reads_a_byte, polls, sleeps, sleeps_in_pieces, receives };
        if (!cop__detour_is_possible() || COP__ASAN)
                return; /* a sanitizer's function stands before each of these, and is none of the C library's */
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        for (size_t i = 0; i < COP__COUNT(ways); i++) {
                way = ways[i];
                blocked = 0;
                cop_pid pid = cop_spawn_with(blocks_that_way, order, .boss = cop_self());
                cop_ref ref = watch(pid);
                await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) >= 1);
                cop_send_exit(pid, cop_atom(i % 2 == 0 ? "kill" : "enough"));
                await_down(ref, i % 2 == 0 ? "killed" : "enough");
        }
        cop_pid echo = cop_spawn(echoes);
        ck_assert_int_eq(ask(echo, 8), 9);
        close_pipe();
        node_end(node);
}

/* The stream's lock is taken: it dies when the line has come. */
TEST(who_waits_in_the_middle_of_a_library_is_ended_when_it_returns)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        way = reads_a_line;
        blocked = 0;
        open_pipe();
        stream = fdopen(ends[0], "r");
        cop_pid pid = cop_spawn_with(blocks_that_way, order, .boss = cop_self());
        cop_ref ref = watch(pid);
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 1);
        cop_send_exit(pid, cop_atom("kill"));
        cop_pid echo = cop_spawn(echoes);
        for (int i = 0; i < 20; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        ck_assert(cop_is_alive(pid));
        ck_assert_int_eq(write(ends[1], "a\n", 2), 2);
        await_down(ref, "killed");
        ck_assert_int_eq(fprintf(stream, "x") < 0, 1); /* the lock is free: a stream for reading refuses at once */
        fclose(stream);
        close(ends[1]);
        node_end(node);
}

/* ---- How often the watch looks ---------------------------------------------------------- */

/* Time goes by in steps of a timer. However slow the machine is, the looks are not more than a slice apart allows. */
TEST(the_watch_looks_at_one_that_stays_stuck_as_rarely_as_at_others)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        const struct cop__watch *watch = &node->scheduler.watch;
        open_pipe();
        cop_pid echo = cop_spawn(echoes);
        cop_spawn_with(blocks, order, .boss = cop_self());
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 1);
        ck_assert_int_eq(ask(echo, 1), 2); /* somebody waits for the worker, so a spare comes */
        uint64_t looks = cop__load_relaxed(&watch->looks);
        await_true(cop__load_relaxed(&watch->looks) > looks + 100);
        looks = cop__load_relaxed(&watch->looks);
        uint64_t since_ns = cop__clock_ns();
        for (int i = 0; i < 30; i++) {
                cop_send_after(NULL, 10, cop_self(), ping, .number = 50);
                await_and_drop(COP_FIELD(ping, number, 50));
                ck_assert_int_eq(ask(echo, 3), 4);
        }
        uint64_t slices = (cop__clock_ns() - since_ns) / watch->slice_ns;
        looks = cop__load_relaxed(&watch->looks) - looks;
        ck_assert_msg(looks <= 2 * slices + 100, "%llu looks in %llu slices", (unsigned long long)looks,
                      (unsigned long long)slices);
        let_go(1);
        close_pipe();
        node_end(node);
}

/* What the blocked one had sent, and a timer of its worker. */
static void sends_and_blocks(const order *o)
{
        cop_pid echo = cop_spawn(echoes);
        cop_send_after(NULL, 1, o->boss, ping, 100);
        cop_send(o->boss, order, .boss = echo);
        blocks(o);
}

static void timers_and_mail_go_on(unsigned workers)
{
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        open_pipe();
        cop_spawn_with(sends_and_blocks, order, .boss = cop_self());
        cop_auto started = await(COP_KIND(order));
        await_and_drop(COP_FIELD(ping, number, 100));
        ck_assert_int_eq(ask(cop_read(order, started)->boss, 5), 6);
        let_go(1);
        close_pipe();
        node_end(node);
}

TEST(a_timer_of_the_only_worker_fires_while_it_is_blocked)
{
        timers_and_mail_go_on(1);
}

TEST(a_timer_of_a_worker_fires_while_both_are_blocked)
{
        timers_and_mail_go_on(2);
}

/* Again and again: the same spares, and none stays at work. */
static int may_rest; /* atomic */

static void yields_on(void)
{
        while (!cop__load_acquire(&may_rest))
                cop_yield();
}

/* Nobody is idle, so nobody else would look at it. */
TEST(what_a_stuck_worker_has_goes_to_busy_ones_where_there_are_no_spares)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 2, .no_spare_workers = true });
        open_pipe();
        may_rest = 0;
        for (int i = 0; i < 6; i++)
                cop_spawn(yields_on);
        cop_spawn_with(sends_and_blocks, order, .boss = cop_self());
        cop_auto started = await(COP_KIND(order));
        await_and_drop(COP_FIELD(ping, number, 100));
        ck_assert_int_eq(ask(cop_read(order, started)->boss, 5), 6);
        cop__store_release(&may_rest, 1);
        let_go(1);
        close_pipe();
        node_end(node);
}

TEST_WITHIN(spares_come_and_go, 60)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        open_pipe();
        cop_pid echo = cop_spawn(echoes);
        for (int round = 0; round < 10; round++) {
                cop_spawn_with(blocks, order, .boss = cop_self());
                cop_spawn_with(blocks, order, .boss = cop_self());
                await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 2);
                ck_assert_int_eq(ask(echo, round), round + 1);
                let_go(2);
                await_true(spares_at_work(node) == 0);
                ck_assert_uint_le(cop__load_relaxed(&node->scheduler.reach), 1 + 4);
        }
        close_pipe();
        node_end(node);
}

/* A node whose spares rest is quiet, and the timers that are left on their wheels fire. */
static void arms_a_timer(const order *o)
{
        cop_send_after(NULL, 50, o->boss, ping, 100);
        cop_send(o->boss, order, .boss = cop_self());
}

TEST(timers_that_a_spare_has_armed_fire_when_it_rests)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        open_pipe();
        cop_spawn_with(blocks, order, .boss = cop_self());
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 1);
        for (int i = 0; i < 10; i++)
                cop_spawn_with(arms_a_timer, order, .boss = cop_self());
        for (int i = 0; i < 10; i++)
                await_and_drop(COP_KIND(order));
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        await_and_drop(COP_FIELD(ping, number, 1));
        for (int i = 0; i < 10; i++)
                await_and_drop(COP_FIELD(ping, number, 100));
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        close_pipe();
        node_end(node);
}

/* A loop that asks to be left alone is as good as blocked. */
static int may_end;

static void loops_alone(const order *o)
{
        COP_NO_PREEMPT
        {
                __atomic_add_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
                while (!cop__load_acquire(&may_end))
                        ;
        }
        cop_send(o->boss, ping, 1);
}

TEST(a_loop_that_is_left_alone_on_the_only_worker_stalls_nobody)
{
        if (!cop__detour_is_possible())
                return; /* without signals nobody can know where it is */
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        cop_pid echo = cop_spawn(echoes);
        ck_assert_int_eq(ask(echo, 1), 2);
        cop_spawn_with(loops_alone, order, .boss = cop_self());
        await_true(__atomic_load_n(&blocked, __ATOMIC_SEQ_CST) == 1);
        ck_assert_int_eq(ask(echo, 2), 3);
        cop__store_release(&may_end, 1);
        await_and_drop(COP_KIND(ping));
        node_end(node);
}

TEST(there_is_a_limit_of_spares_and_they_can_be_left_out)
{
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 60, .spare_workers = 5 }, &node),
                         COP_E_BAD_ARGUMENT);
        node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        ck_assert_uint_eq(node->scheduler.spare_count, 0);
        node_end(node);
        node = node_begin((cop_node_options){ .workers = 64 });
        ck_assert_uint_eq(node->scheduler.spare_count, 0);
        node_end(node);
}
