/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a system has without which most machines never are: the kernel's barrier, a mapping that may be taken back, a file that can be looked at; and
 * the process of an actor to whom nonsense is said as it begins. Without it things are slower, or are not begun, and that is said.
 */
#define _GNU_SOURCE
#include "tests/refused_calls.h"
#include "tests/last_words.h"
#include "tests/lone_process.h"

#include <sched.h>
#include <sys/wait.h>

#include "actors/inside_main.h"
#include "actors/log_end.h"
#include "io/signals.h"
#include "mailbox/kind.h"
#include "scheduler/barrier.h"
#include "scheduler/stack.h"
#include "shell/console.h"

/* ---- A kernel without a barrier ---------------------------------------------------------------------------------- */

#define SENDERS 200
#define EACH 50

typedef struct piece {
        int64_t number;
} piece;
COP_MESSAGE(piece, number);

typedef struct goal {
        cop_pid to;
} goal;
COP_MESSAGE(goal, to);

static void sends_pieces(const goal *g)
{
        for (int64_t i = 1; i <= EACH; i++) {
                cop_send(g->to, piece, .number = i);
                cop_yield();
        }
}

/* Actors that are stolen, raided, woken and die, while a thread sends as well. */
static int64_t sum_of_pieces(void)
{
        int64_t sum = 0;
        for (int i = 0; i < SENDERS; i++)
                cop_spawn_with(sends_pieces, goal, .to = cop_self());
        for (int i = 0; i < SENDERS * EACH; i++) {
                cop_auto message = await(COP_KIND(piece));
                sum += cop_read(piece, message)->number;
        }
        return sum;
}

TEST(where_the_kernel_has_no_barrier_locks_are_taken_and_memory_stays)
{
        if (!calls_can_be_refused())
                return;
        refuse_calls("membarrier", ENOSYS, 1, INT64_MAX);
        ck_assert(!cop__barrier_is_there());
        cop_node *node = node_begin((cop_node_options){ .workers = 4 });
        for (int round = 0; round < 3; round++)
                ck_assert_int_eq(sum_of_pieces(), (int64_t)SENDERS * EACH * (EACH + 1) / 2);
        struct cop__grace grace;
        ck_assert(!cop__grace_begin(&node->scheduler, &grace));
        node_end(node);
        ck_assert(stop_refusing_calls());
}

/* One that locks itself up when its node runs: who was alone cannot be told that it is not, and nobody may go on. */
static void joins_behind_a_new_filter(void *unused)
{
        struct cop__company company;
        struct cop__solitude solitude = { 0 };
        struct cop__membership membership = { 0 };
        (void)unused;
        cop__company_init(&company, true, 0);
        cop__company_join_working(&company, &membership, &solitude);
        cop__company_claim(&company, &membership, &solitude);
        refuse_calls("every fence", EPERM, 1, INT64_MAX);
        cop__company_join(&company);
}

/* A worker that is alone, and several that raid each other. */
static void goes_on_without_a_barrier(unsigned workers)
{
        cpu_set_t before, after;
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
        ck_assert_int_eq(sum_of_pieces(), (int64_t)SENDERS * EACH * (EACH + 1) / 2);
        refuse_calls("membarrier", EPERM, 1, INT64_MAX);
        for (int round = 0; round < 3; round++)
                ck_assert_int_eq(sum_of_pieces(), (int64_t)SENDERS * EACH * (EACH + 1) / 2);
        ck_assert(cop__barrier_all());
        node_end(node);
        ck_assert(stop_refusing_calls());
        ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
        ck_assert(CPU_EQUAL(&before, &after));
}

TEST(a_node_whose_barrier_is_taken_away_by_a_filter_goes_on)
{
        if (!calls_can_be_refused() || !cop__barrier_is_there())
                return;
        goes_on_without_a_barrier(1);
        goes_on_without_a_barrier(4);
}

TEST(a_filter_that_takes_the_barrier_away_later_is_told_of)
{
        char text[LAST_WORDS];
        if (!calls_can_be_refused() || !cop__barrier_is_there())
                return;
        last_words(joins_behind_a_new_filter, NULL, text);
        ck_assert_msg(strstr(text, "membarrier") != NULL, "%s", text);
}

/* ---- The log --------------------------------------------------------------------------------------------------------- */

/* What comes out of a pipe that is standard error meanwhile. */
static void logged(const char *line, char *text, size_t room)
{
        int ends[2], before = dup(STDERR_FILENO);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        cop__log_end_write("log: ", line);
        dup2(before, STDERR_FILENO);
        close(before);
        ssize_t got = read(ends[0], text, room - 1);
        text[got > 0 ? got : 0] = '\0';
        close(ends[0]);
}

TEST(a_line_is_written_though_nobody_can_say_what_the_log_ends_in)
{
        if (!calls_can_be_refused())
                return;
        char text[64];
        refuse_calls("fstat", EIO, 1, INT64_MAX);
        logged("a line", text, sizeof(text));
        ck_assert(stop_refusing_calls());
        ck_assert_str_eq(text, "log: a line\n");
}

TEST(the_signal_of_a_broken_pipe_is_taken_also_after_an_interruption)
{
        if (!calls_can_be_refused())
                return;
        int ends[2], before = dup(STDERR_FILENO);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        refuse_call("sigtimedwait", EINTR, 1);
        cop__log_end_write("log: ", "a line for nobody"); /* or this would be the end */
        dup2(before, STDERR_FILENO);
        close(before);
        ck_assert_msg(stop_refusing_calls(), "it was not asked for");
        sigset_t pending;
        ck_assert_int_eq(sigpending(&pending), 0);
        ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
}

/* ---- Stacks ---------------------------------------------------------------------------------------------------------- */

#define STACKS 40

TEST(stacks_that_cannot_be_unmapped_are_kept_and_serve_again)
{
        if (!calls_can_be_refused())
                return;
        struct cop__stack *stacks[STACKS];
        struct cop__stack_pool pool;
        struct cop__stack_counts counts;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){ .cached_max = 1, .chunk_stacks = 4 }), COP_OK);
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < STACKS; i++) {
                        stacks[i] = cop__stack_take(&pool);
                        ck_assert_ptr_nonnull(stacks[i]);
                }
                cop__stack_pool_counts(&pool, &counts);
                ck_assert_uint_eq(counts.mapped, STACKS); /* also in the second round: those that were kept */
                refuse_calls("munmap", ENOMEM, 1, round < 2 ? INT64_MAX : 1);
                for (int i = 0; i < STACKS; i++)
                        cop__stack_give(&pool, stacks[i]);
                ck_assert(stop_refusing_calls());
                cop__stack_pool_counts(&pool, &counts);
                ck_assert_uint_eq(counts.taken, 0);
        }
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_uint_le(counts.mapped, 12); /* when it can be done, it is done: one chunk stays, and that of the cached one, and a spare */
        cop__stack_pool_fini(&pool);
}

/* ---- Nothing ---------------------------------------------------------------------------------------------------------- */

TEST(what_was_never_started_can_be_stopped)
{
        cop__console_stop(NULL);
        cop__signals_stop(NULL);
}

/* ---- The process of an actor that hears nonsense ------------------------------------------------------------------------ */

/* It must end with this sentence. */
static void has_refused(const struct verdict *verdict, const char *why)
{
        ck_assert_msg(verdict->signal == 0 && verdict->code == 70, "%d, %d: %s", verdict->signal, verdict->code, verdict->report);
        ck_assert_msg(strstr(verdict->report, "the process of an actor cannot begin: ") != NULL &&
                      strstr(verdict->report, why) != NULL, "%s", verdict->report);
}

static void expect_refusal(const struct cop__crossing_packet *packet, const void *body, const char *why)
{
        struct verdict verdict = verdict_on(packet, body);
        has_refused(&verdict, why);
}

static void expect_refusal_of(cop_pid pid, const cop__order *order, const char *why)
{
        struct verdict verdict = verdict_on_order(pid, order);
        has_refused(&verdict, why);
}

TEST(a_process_that_is_given_no_order_says_so_and_ends)
{
        expect_refusal(&(struct cop__crossing_packet){ .type = COP__PACKET_SIGNAL }, NULL, "its order is no packet");
        expect_refusal(&(struct cop__crossing_packet){ .type = COP__PACKET_BEGIN, .size = 4 }, "\xc1\xc1\xc1\xc1", "its order cannot be read");
}

typedef struct counter {
        int64_t sum;
} counter;

static void counter_on_piece(counter *self, const piece *p)
{
        self->sum += p->number;
}

COP_SERVER(counter, COP_ON(piece, counter_on_piece));

TEST(a_process_whose_code_is_not_there_says_so_and_ends)
{
        expect_refusal_of(cop_no_pid(), &(cop__order){ .run = 4096 }, "its code was loaded after the zygote was forked");
        expect_refusal_of(cop_no_pid(), &(cop__order){ .server = (uint64_t)(uintptr_t)&counter_server, .server_name = cop_text_of("another") },
                          "its behaviour is another one here");
}

#define OF_COUNTER .server = (uint64_t)(uintptr_t)&counter_server, .server_name = cop_text_of("counter")

TEST(a_process_whose_argument_is_no_value_says_so_and_ends)
{
        if (COP__TSAN)
                return; /* it bears no threads in a process that was forked by one of several */
        its_node = node_begin((cop_node_options){ .workers = 1 });
        expect_refusal_of(cop_self(), &(cop__order){ OF_COUNTER, .argument = { .data = (const uint8_t *)"\xc1\xc1", .size = 2 } }, "its argument cannot be read");
        node_end(its_node);
}

static void cannot_listen(void)
{
        refuse_call("epoll_ctl", ENOSPC, 1);
}

TEST(a_process_that_cannot_listen_says_so_and_ends)
{
        if (!calls_can_be_refused())
                return;
        its_node = node_begin((cop_node_options){ .workers = 1 });
        its_prelude = cannot_listen;
        expect_refusal_of(cop_self(), &(cop__order){ OF_COUNTER }, "it cannot listen to its socket");
        node_end(its_node);
}

/* It waits for no such answer, so its outpost need not watch who owes it; and then it hears what it cannot make anything of. */
TEST(a_process_that_hears_of_an_answer_it_does_not_wait_for_says_so_and_gives_up_at_bytes_that_are_no_packets)
{
        if (COP__TSAN)
                return;
        its_node = node_begin((cop_node_options){ .workers = 1 });
        its_news[0] = (struct cop__crossing_packet){ .type = COP__PACKET_DEFERRED, .ref = 5 };
        its_news[1] = (struct cop__crossing_packet){ .type = 0xee };
        struct verdict verdict = verdict_on_order(cop_self(), &(cop__order){ OF_COUNTER });
        ck_assert_msg(verdict.signal == 0 && verdict.code == 70, "%d, %d: %s", verdict.signal, verdict.code, verdict.report);
        ck_assert_msg(strstr(verdict.report, "bytes that are no packets") != NULL, "%s", verdict.report);
        ck_assert(has_said(COP__PACKET_UNWATCH, 5));
        ck_assert(!has_said(COP__PACKET_UNWATCH, 6));
        node_end(its_node);
}

TEST(memory_that_nobody_can_tell_of_counts_as_none)
{
        if (!calls_can_be_refused())
                return;
        ck_assert_uint_gt(cop__inside_memory(), 0);
        refuse_call("fopen", EMFILE, 1);
        ck_assert_uint_eq(cop__inside_memory(), 0);
        ck_assert(stop_refusing_calls());
}
