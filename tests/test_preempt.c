/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that never wait: others go on, exit signals end them, and what they compute is right whatever runs in between.
 *
 * Where a test needs many interruptions it brings a tormentor: a thread that asks for one as often as it can, not only when a slice
 * is over and somebody waits, as the watch does. Each waits for facts: so many interruptions, an answer, a death.
 *
 * Under ThreadSanitizer and valgrind nobody can be interrupted; there these claims do not hold, and are left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coppice/preempt.h>
#include <coppice/supervisor.h>

#include "actors/fault.h"
#include "actors/preempt.h"
#include "scheduler/detour.h"
#include "tests/echo.h"
#include "tests/phases.h"
#include "tests/torment.h"

/* With tiny limits a turn ends with the first message that is sent. */
#define UNLESS_TINY   \
        if (COP__TINY) \
        return

/* Code that is to compute for long, as it is written and not as the compiler would have it. */
#define COMPUTES __attribute__((noinline))

static uint64_t interruptions(cop_node *node)
{
        return cop__preempt_count(node, COP__PREEMPTED);
}

/* ---- Loops, and who goes on beside them ------------------------------------------------ */

static void loops(void)
{
        for (volatile uint64_t i = 0;; i++)
                ;
}

static int may_end; /* atomic */

static void loops_on(void)
{
        while (!cop__load_acquire(&may_end))
                ;
}

static void others_go_on_beside_loops(unsigned workers, int count)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        cop_pid looping[100];
        cop_pid echo = cop_spawn(echoes);
        for (int i = 0; i < count; i++)
                looping[i] = cop_spawn(loops);
        /* Where queues are tiny, an answer waits for a slice of each. */
        for (int i = 0; i < (COP__TINY ? 10 : 100) || interruptions(node) == 0; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        for (int i = 0; i < count && i < 10; i++) {
                cop_ref ref = watch(looping[i]);
                cop_send_exit(looping[i], cop_atom("kill"));
                await_down(ref, "killed");
        }
        /* One by one these would cost a slice of each for each. */
        for (int i = 10; i < count; i++) {
                watch(looping[i]);
                cop_send_exit(looping[i], cop_atom("kill"));
        }
        for (int i = 10; i < count; i++)
                await_and_drop(COP_KIND(cop_down));
        node_end(node);
}

TEST(an_endless_loop_on_the_only_worker_stalls_nobody)
{
        others_go_on_beside_loops(1, 1);
}

TEST(four_endless_loops_on_two_workers_stall_nobody)
{
        others_go_on_beside_loops(2, 4);
}

TEST_WITHIN(a_hundred_loops_on_the_only_worker_are_all_killed, 120)
{
        others_go_on_beside_loops(1, 100);
}

#if !COP__ASAN /* of a program with threads its allocator does not survive each fork */
/* What was forked while a node ran, and has the system's signal handlers again. */
static COP__NORETURN void lives_on_its_own(void)
{
        struct sigaction fallback = { .sa_handler = SIG_DFL };
        suite_is_forked();
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
                sigaction(number, &fallback, NULL);
        cop__thread_become(NULL);
        cop__fault_forget();
        cop__preempt_forget();
        others_go_on_beside_loops(1, 1);
        _exit(0);
}

/* Without forgetting, its node took the signal for installed, and the first interruption ended the process. */
TEST(in_a_process_that_was_forked_beside_a_node_loops_are_interrupted_too)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        int status;
        pid_t process = fork();
        ck_assert_int_ge(process, 0);
        if (process == 0)
                lives_on_its_own();
        ck_assert_int_eq(waitpid(process, &status, 0), process);
        ck_assert_int_eq(status, 0);
        node_end(node);
}
#endif

TEST(a_node_with_endless_loops_in_it_stops)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        for (int i = 0; i < 10; i++)
                cop_spawn(loops);
        node_end(node);
}

static uint64_t counted; /* atomic */

static void counts_for_ever(void)
{
        for (;;)
                cop__add_relaxed(&counted, 1);
}

/* It goes on on the only worker, where one of the others has just had its turn. */
IN_NODE_WITH(who_was_interrupted_goes_on_beside_two_pairs_and_urgent_ones_that_never_wait, .workers = 1, .no_spare_workers = true)
{
        UNLESS_POSSIBLE;
        uint64_t before = interruptions(node);
        phase_begin_talk(2);
        cop_spawn(counts_for_ever);
        await_true(interruptions(node) > before);
        for (uint32_t i = 0; i < PHASE_MOST * PHASES; i++) {
                phase_begin(COP_PRIORITY_MAX, i);
                uint64_t then = cop__load_relaxed(&counted);
                uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;
                while (cop__load_relaxed(&counted) == then)
                        ck_assert_msg(cop__clock_ns() < until_ns, "in phase %u it does not go on", i);
                phase_end();
        }
}

IN_NODE(a_loop_that_nobody_waits_for_hears_an_exit_signal)
{
        UNLESS_POSSIBLE;
        cop_ref ref;
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = loops, .monitor = true,
                                                             .monitor_ref = &ref }, &pid), COP_OK);
        await_true(cop_is_alive(pid));
        cop_send_exit(pid, cop_atom("enough"));
        await_down(ref, "enough");
}

IN_NODE(a_loop_answers_a_question_about_itself)
{
        UNLESS_POSSIBLE;
        cop_pid pid = cop_spawn(loops);
        ck_assert_str_eq(info_of(pid, "name"), "undefined");
        put_down(pid);
}

static void loops_after_a_receive(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(ping)));
        loops();
}

IN_NODE(a_loop_behind_a_receive_is_ended_by_its_link)
{
        UNLESS_POSSIBLE;
        cop_trap_exit(true);
        cop_pid pid = cop_spawn_link(loops_after_a_receive);
        cop_send(pid, ping, 1);
        cop_send_exit(pid, cop_atom("bye"));
        await_exited(pid, "bye");
}

/* ---- In servers ------------------------------------------------------------------------- */

typedef struct {
        int64_t pings;
} server;

static void server_on_ping(server *self, const ping *p)
{
        if (p->number < 0)
                loops();
        cop_reply(ping, .number = ++self->pings);
}
COP_SERVER(server, COP_ON(ping, server_on_ping));

typedef struct {
        int unused;
} stuck;
static void stuck_init(stuck *self)
{
        self->unused = 1;
        loops();
}
COP_SERVER(stuck, COP_INIT(stuck_init));

IN_NODE(a_loop_in_an_init_ends_with_the_time_of_its_start)
{
        UNLESS_POSSIBLE;
        cop_pid pid = cop_no_pid();
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &stuck_server }, 20, &pid),
                         COP_E_TIMEOUT);
}

IN_NODE(a_caller_hears_that_the_handler_which_looped_was_killed)
{
        UNLESS_POSSIBLE;
        cop_pid pid;
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &server_server }, &pid), COP_OK);
        ck_assert_int_eq(ask(pid, 1), 1);
        ck_assert_int_eq(cop_exit_after(NULL, 30, pid, cop_atom("kill")), COP_OK);
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, ping, .number = -1), COP_E_DIED);
}

IN_NODE(a_supervisor_grows_back_a_child_that_looped_and_was_killed)
{
        UNLESS_POSSIBLE;
        cop_pid tree;
        const cop_supervisor shop = {
                .name = "shop", .strategy = COP_ONE_FOR_ONE, .intensity = 100, .period_ms = 1000,
                .children = COP_CHILDREN({ "till", .server = &server_server }),
        };
        ck_assert_int_eq(cop_supervise(&shop, &tree), COP_OK);
        for (int i = 0; i < 5; i++) {
                cop_pid till;
                await_true((till = cop_whereis("till")).bits != 0);
                ck_assert_int_eq(ask(till, 1), 1); /* its state is a new one */
                cop_send(till, ping, -1);
                cop_ref ref = watch(till);
                cop_send_exit(till, cop_atom("kill"));
                await_down(ref, "killed");
        }
        ck_assert_int_eq(cop_shutdown(tree, 1000), COP_OK);
}

/* ---- Nothing is noticed -------------------------------------------------------------------- */

#define ROUNDS (suite_is_slow() ? 20 : 200)

/* Each computes the same again and again, so that every result is known; the first is from an undisturbed call. */
static COMPUTES uint64_t mixes_integers(void)
{
        uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
        __asm__ __volatile__(""); /* or two calls would be one to the compiler */
        for (int i = 0; i < 20000; i++) {
                a += b ^ (c << 7), b -= d * 3, c ^= a >> 5, d += e | 1;
                e = (e << 9 | e >> 55) + f, f ^= g + a, g -= h ^ b, h += c * 5;
        }
        return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
}

static COMPUTES uint64_t bits_of(double value)
{
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return bits;
}

static COMPUTES uint64_t mixes_doubles(void)
{
        double x[8] = { 1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7, 8.8 };
        for (int i = 0; i < 20000; i++)
                for (int j = 0; j < 8; j++)
                        x[j] = x[j] * 0.999 + x[(j + 3) % 8] / 1000.0 + 1e-3;
        return bits_of(x[0] + x[1] * x[2] - x[3] + x[4] / x[5] + x[6] - x[7]);
}

static COMPUTES uint64_t mixes_long_doubles(void)
{
        long double x = 1.0L, y = 2.0L, z = 3.0L;
        for (int i = 0; i < 20000; i++) {
                x = x * 1.0000001L + y / 7.0L;
                y = y * 0.9999999L + z / 11.0L;
                z = z / 1.0000003L + x / 1e9L;
        }
        return bits_of((double)(x + y + z));
}

static COMPUTES uint64_t calls_libm(void)
{
        double x = 0.5;
        for (int i = 0; i < 3000; i++)
                x = sin(x) + cos(x * 1.7) * 0.3 + sqrt(fabs(x)) + exp(-x * x);
        return bits_of(x);
}

static int by_value(const void *left, const void *right)
{
        uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
        return (a > b) - (a < b);
}

static COMPUTES uint64_t sorts_and_copies(void)
{
        enum { COUNT = 500 };
        uint32_t *numbers = malloc(COUNT * sizeof(*numbers)), *copies = malloc(COUNT * sizeof(*copies));
        uint64_t sum = 0;
        for (uint32_t i = 0; i < COUNT; i++)
                numbers[i] = i * 2654435761u;
        qsort(numbers, COUNT, sizeof(*numbers), by_value);
        memcpy(copies, numbers, COUNT * sizeof(*numbers));
        for (uint32_t i = 0; i < COUNT; i++)
                sum = sum * 31 + copies[i];
        free(numbers);
        free(copies);
        return sum;
}

static COMPUTES uint64_t allocates(void)
{
        uint64_t sum = 0;
        for (size_t i = 1; i < 400; i++) {
                char *text = malloc(i * 7);
                memset(text, (int)(i & 127), i * 7);
                sum += (uint64_t)text[i * 3];
                free(text);
        }
        return sum;
}

static COMPUTES uint64_t recurses_to(unsigned n)
{
        return n < 2 ? n : recurses_to(n - 1) + recurses_to(n - 2);
}

static COMPUTES uint64_t recurses(void)
{
        return recurses_to(20);
}

/* Of all computations at once. Its lock is the C library's, and its thread's: who was interrupted with it would be written
 * over. */
static FILE *shared_file;
static size_t shared_size, shared_wrong; /* under its lock: bytes, and those that belong to no whole line */

static ssize_t reads_what_was_written(void *unused, const char *text, size_t size)
{
        static const char line[] = "line ###\n";
        (void)unused;
        for (size_t i = 0; i < size; i++) {
                char wanted = line[shared_size++ % (sizeof(line) - 1)];
                shared_wrong += wanted == '#' ? text[i] < '0' || text[i] > '9' : text[i] != wanted;
        }
        return (ssize_t)size;
}

static void open_shared_file(void)
{
        shared_size = shared_wrong = 0;
        shared_file = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = reads_what_was_written });
        ck_assert_ptr_nonnull(shared_file);
}

static COMPUTES uint64_t writes_to_a_shared_file(void)
{
        uint64_t written = 0;
        for (int i = 0; i < 200; i++)
                written += (uint64_t)fprintf(shared_file, "line %03d\n", i);
        return written;
}

static COMPUTES uint64_t calls_the_runtime(void)
{
        uint64_t size = 0;
        char text[64];
        for (int i = 0; i < 200; i++)
                size += cop_term_print(COP_TUPLE(cop_atom("line"), cop_int(i), cop_string("of text")), NULL, text, sizeof(text));
        return size;
}

#if defined(__x86_64__)

/* Leaves its marks in the red zone and in the flags, waits, and finds them there. */
static COMPUTES uint64_t uses_the_red_zone(void)
{
        uint64_t wrong = 0;
        for (int i = 0; i < 300; i++) {
                uint64_t lost = 0;
                __asm__ __volatile__("movq $0x1234567, -8(%%rsp)\n\t"
                                     "movq $0x7654321, -128(%%rsp)\n\t"
                                     "movl $200, %%ecx\n"
                                     "1:\tleal -1(%%rcx), %%ecx\n\t"
                                     "stc\n\t"
                                     "nop\n\tnop\n\tnop\n\tnop\n\t"
                                     "jnc 2f\n\t"
                                     "cmpq $0x1234567, -8(%%rsp)\n\t"
                                     "jne 2f\n\t"
                                     "cmpq $0x7654321, -128(%%rsp)\n\t"
                                     "jne 2f\n\t"
                                     "jecxz 3f\n\t"
                                     "jmp 1b\n"
                                     "2:\tmovq $1, %0\n"
                                     "3:\n"
                                     : "+r"(lost)::"rcx", "cc", "memory");
                wrong += lost;
        }
        return wrong;
}

typedef float eight_floats __attribute__((vector_size(32)));

__attribute__((noinline, target("avx2,fma"))) static uint64_t mixes_vectors(void)
{
        eight_floats a = { 1, 2, 3, 4, 5, 6, 7, 8 }, b = a * 0.5f, c = a - b, d = a + c;
        for (int i = 0; i < 20000; i++) {
                a = a * 0.99f + b * 0.01f;
                b = b * 0.98f + c * 0.02f;
                c = c * 0.97f + d * 0.03f;
                d = d * 0.96f + a * 0.04f;
        }
        eight_floats sum = a + b + c + d;
        uint64_t mixed = 0;
        for (int i = 0; i < 8; i++)
                mixed = mixed * 31 + bits_of((double)sum[i]);
        return mixed;
}

#endif

typedef uint64_t computation(void);

typedef struct work {
        int64_t number, rounds;
        cop_pid boss;
} work;
COP_MESSAGE(work, number, rounds, boss);

typedef struct outcome {
        int64_t number, wrong;
} outcome;
COP_MESSAGE(outcome, number, wrong);

static computation *const computations[] = {
        mixes_integers, mixes_doubles, mixes_long_doubles, calls_libm, sorts_and_copies, allocates,
        recurses, writes_to_a_shared_file, calls_the_runtime,
#if defined(__x86_64__)
        uses_the_red_zone, mixes_vectors,
#endif
};

static bool can_compute(size_t number)
{
#if defined(__x86_64__)
        return computations[number] != mixes_vectors || __builtin_cpu_supports("avx2");
#else
        return number < COP__COUNT(computations);
#endif
}

static void works(const work *w)
{
        computation *compute = computations[w->number];
        int64_t wrong = 0;
        cop_no_preempt_begin();
        uint64_t right = compute();
        cop_no_preempt_end();
        errno = 77;
        for (int64_t i = 0; i < w->rounds; i++)
                wrong += compute() != right;
        wrong += errno != 77;
        cop_send(w->boss, outcome, .number = w->number, .wrong = wrong);
}

static void computes_under_torment(unsigned workers)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = workers, .slice_ms = 1 });
        struct tormentor tormentor;
        uint64_t wanted = suite_is_slow() ? 200 : 4000;
        open_shared_file();
        begin_torment(&tormentor, node);
        /* And until it was asked where it must not be interrupted. */
        while (interruptions(node) < wanted || cop__preempt_count(node, COP__PREEMPT_LIBRARY) == 0 ||
               cop__preempt_count(node, COP__PREEMPT_RUNTIME) == 0) {
                int64_t begun = 0;
                for (size_t i = 0; i < 3 * COP__COUNT(computations); i++) {
                        size_t number = i % COP__COUNT(computations);
                        if (!can_compute(number))
                                continue;
                        cop_spawn_with(works, work, .number = (int64_t)number, .rounds = ROUNDS,
                                       .boss = cop_self());
                        begun++;
                }
                for (; begun > 0; begun--) {
                        cop_auto message = await(COP_KIND(outcome));
                        ck_assert_msg(cop_read(outcome, message)->wrong == 0, "computation %d",
                                      (int)cop_read(outcome, message)->number);
                }
        }
        end_torment(&tormentor);
        node_end(node);
        fclose(shared_file);
        ck_assert_uint_gt(shared_size, 0);
        ck_assert_uint_eq(shared_wrong, 0);
}

TEST_WITHIN(what_is_interrupted_thousands_of_times_computes_the_same_on_one_worker, 120)
{
        computes_under_torment(1);
}

TEST_WITHIN(what_is_interrupted_thousands_of_times_computes_the_same_on_two_workers, 120)
{
        computes_under_torment(2);
}

TEST_WITHIN(what_is_interrupted_thousands_of_times_computes_the_same_on_eight_workers, 120)
{
        computes_under_torment(8);
}

/* Rounding is each actor's own, also when it is changed in the middle of others' turns. */
static void rounds_its_own_way(const work *w)
{
        int64_t wrong = 0;
        volatile double one = 1.0, three = 3.0;
        fesetround(w->number != 0 ? FE_UPWARD : FE_DOWNWARD);
        double mine = one / three;
        for (int64_t i = 0; i < w->rounds * 20000; i++)
                wrong += one / three != mine;
        wrong += fegetround() != (w->number != 0 ? FE_UPWARD : FE_DOWNWARD);
        fesetround(FE_TONEAREST);
        cop_send(w->boss, outcome, .wrong = wrong);
}

TEST_WITHIN(an_interrupted_actor_keeps_its_rounding_and_gives_it_to_nobody, 60)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        for (int i = 0; i < 4; i++)
                cop_spawn_with(rounds_its_own_way, work, .number = i % 2, .rounds = ROUNDS / 4,
                               .boss = cop_self());
        for (int i = 0; i < 4; i++) {
                cop_auto message = await(COP_KIND(outcome));
                ck_assert_int_eq(cop_read(outcome, message)->wrong, 0);
        }
        end_torment(&tormentor);
        node_end(node);
}

/* ---- Messages and interruptions together ------------------------------------------------------ */

typedef struct token {
        int64_t hops, sum;
        cop_pid boss;
} token;
COP_MESSAGE(token, hops, sum, boss);

/* Passes tokens on to the next, computes in between, and keeps books: the sum of what it got is what it sent. */
typedef struct {
        cop_pid next;
        int64_t got;
} passer;

static void passer_on_pid(passer *self, const cop_alias *next)
{
        self->next = next->pid;
}

static void passer_on_token(passer *self, const token *t)
{
        uint64_t right = mixes_integers();
        self->got++;
        if (mixes_integers() != right)
                cop_exit(cop_atom("wrong"));
        if (t->hops == 0)
                cop_send(t->boss, outcome, .number = t->sum);
        else
                cop_send(self->next, token, .hops = t->hops - 1, .sum = t->sum + 1, .boss = t->boss);
}
COP_SERVER(passer, COP_ON(cop_alias, passer_on_pid), COP_ON(token, passer_on_token));

static void tokens_arrive_under_torment(unsigned workers)
{
        UNLESS_POSSIBLE;
        enum { RING = 20, TOKENS = 10 };
        const int64_t hops = suite_is_slow() ? 50 : 500;
        cop_node *node = node_begin((cop_node_options){ .workers = workers });
        struct tormentor tormentor;
        cop_pid ring[RING];
        for (int i = 0; i < RING; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &passer_server },
                                               &ring[i]), COP_OK);
        for (int i = 0; i < RING; i++)
                cop_send(ring[i], cop_alias, .pid = ring[(i + 1) % RING]);
        begin_torment(&tormentor, node);
        for (int i = 0; i < TOKENS; i++)
                cop_send(ring[i], token, .hops = hops, .boss = cop_self());
        for (int i = 0; i < TOKENS; i++) {
                cop_auto message = await(COP_KIND(outcome));
                ck_assert_int_eq(cop_read(outcome, message)->number, hops);
        }
        end_torment(&tormentor);
        nothing_has_come();
        ck_assert_uint_gt(interruptions(node), 0);
        node_end(node);
}

/*
 * Only under AddressSanitizer: an actor was interrupted inside its free(), of which gcc splits off a part without a name, with the
 * allocator's lock held, and who allocated next waited for ever. Nobody is interrupted inside a sanitizer.
 */
TEST_WITHIN(messages_lose_nothing_while_everybody_is_interrupted, 120)
{
        tokens_arrive_under_torment(fixture_workers());
}

TEST_WITHIN(messages_lose_nothing_while_everybody_is_interrupted_on_one_worker, 120)
{
        tokens_arrive_under_torment(1);
}

/* Killed anywhere, again and again: nothing is left of them. */
static void churns(const work *w)
{
        for (;;)
                computations[w->number]();
}

TEST_WITHIN(actors_killed_at_any_instruction_leave_nothing_behind, 120)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        for (int i = 0; i < (suite_is_slow() ? 40 : 400); i++) {
                cop_pid pid = cop_spawn_with(churns, work, .number = i % 4);
                cop_ref ref = watch(pid);
                cop_send_exit(pid, cop_atom("kill"));
                await_down(ref, "killed");
        }
        end_torment(&tormentor);
        node_end(node);
}

/* ---- Priorities of those that are interrupted ---- */

enum { SLICES = 80 };

static int64_t who_had[SLICES]; /* each slice, in order */
static uint32_t slice_count;     /* atomic; on one worker, so nobody else counts meanwhile */

static void notes_its_slices(const work *w)
{
        const uint64_t *turns = &cop__thread_here()->worker->turns;
        uint64_t seen = 0;
        while (cop__load_relaxed(&slice_count) < SLICES) {
                if (cop__load_relaxed(turns) == seen)
                        continue;
                COP_NO_PREEMPT
                {
                        uint32_t count = cop__load_relaxed(&slice_count);
                        seen = cop__load_relaxed(turns);
                        if (count < SLICES) {
                                who_had[count] = w->number;
                                cop__store_relaxed(&slice_count, count + 1);
                        }
                }
        }
        cop_send(w->boss, outcome, .number = w->number);
}

TEST(of_two_loops_a_low_one_has_one_slice_in_eight)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        uint32_t low = 0, every = node->scheduler.habits.low_every; /* eight, or two where limits are tiny */
        slice_count = 0;
        for (int i = 0; i < 2; i++)
                cop_spawn_or_exit(&(cop_spawn_options){ .run_with = COP_RUN_WITH(notes_its_slices, work),
                                                        .kind = COP_KIND_OF(work),
                                                        .argument = &(work){ .boss = cop_self(), .number = i },
                                                        .priority = i == 1 ? COP_PRIORITY_LOW : COP_PRIORITY_NORMAL });
        for (int i = 0; i < 2; i++)
                await_and_drop(COP_KIND(outcome));
        for (uint32_t i = 0; i < SLICES; i++)
                low += who_had[i] == 1;
        ck_assert_uint_ge(low, SLICES / every / 2);
        ck_assert_uint_le(low, SLICES / every + 2);
        node_end(node);
}

enum { LOOPS = 4 };

TEST(SPN_21_of_loops_that_end_no_turn_on_one_worker_each_has_the_same_slices)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        uint32_t had[LOOPS] = { 0 };
        slice_count = 0;
        for (int i = 0; i < LOOPS; i++)
                cop_spawn_with(notes_its_slices, work, .boss = cop_self(), .number = i);
        for (int i = 0; i < LOOPS; i++)
                await_and_drop(COP_KIND(outcome));
        for (uint32_t i = 0; i < SLICES; i++)
                had[who_had[i]]++;
        for (int i = 0; i < LOOPS; i++) {
                ck_assert_uint_ge(had[i], SLICES / LOOPS - 2);
                ck_assert_uint_le(had[i], SLICES / LOOPS + 2);
        }
        node_end(node);
}

/* ---- Being left alone --------------------------------------------------------------------------- */

static uint64_t seen_by_another; /* of the actor below; on one worker, so nobody else runs unless it is interrupted */

static void looks(void)
{
        cop__store_relaxed(&seen_by_another, cop__load_relaxed(&seen_by_another) + 1);
}

/* Until the tormentor has been refused so often for that reason. */
static void computes_until_refused(uint64_t count)
{
        while (cop__preempt_count(cop_node_here(), COP__PREEMPT_CALM) < count)
                mixes_integers();
}

static void computes_alone(const work *w)
{
        COP_NO_PREEMPT
        {
                cop_spawn(looks);
                computes_until_refused(10);
                cop_send(w->boss, outcome, .wrong = (int64_t)cop__load_relaxed(&seen_by_another));
        }
        while (cop__load_relaxed(&seen_by_another) == 0)
                mixes_integers();
        cop_send(w->boss, outcome, .number = 1);
}

TEST(a_section_is_not_interrupted_and_what_follows_is)
{
        UNLESS_POSSIBLE;
        UNLESS_TINY;
        cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        cop_spawn_with(computes_alone, work, .boss = cop_self());
        cop_auto first = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, first)->wrong, 0);
        await_and_drop(COP_KIND(outcome));
        end_torment(&tormentor);
        node_end(node);
}

/* For so many looks of the watch, while others wait. */
static void outlasts(uint64_t count)
{
        const uint64_t *seen = &cop_node_here()->scheduler.watch.looks;
        uint64_t until = cop__load_relaxed(seen) + count;
        while (cop__load_relaxed(seen) < until)
                mixes_integers();
}

static void outlasts_alone(const work *w)
{
        cop_spawn(looks);
        if (w->number == 0) {
                COP_NO_PREEMPT
                {
                        outlasts(100);
                }
        } else {
                outlasts(100);
        }
        cop_send(w->boss, outcome, .wrong = (int64_t)cop__preempt_count(cop_node_here(), COP__PREEMPT_CALM));
}

/* Refused, a signal still ends system calls with EINTR. */
TEST(who_is_to_be_left_alone_is_sent_no_signal)
{
        UNLESS_POSSIBLE;
        UNLESS_TINY;
        for (int i = 0; i < 2; i++) {
                cop_node *node = node_begin((cop_node_options){ .workers = 1, .no_spare_workers = true });
                cop_spawn_or_exit(&(cop_spawn_options){ .run_with = COP_RUN_WITH(outlasts_alone, work),
                                                        .kind = COP_KIND_OF(work),
                                                        .argument = &(work){ .boss = cop_self(), .number = i },
                                                        .no_preempt = i == 1 });
                cop_auto message = await(COP_KIND(outcome));
                ck_assert_int_eq(cop_read(outcome, message)->wrong, 0);
                node_end(node);
        }
}

static void returns_from_a_section(const work *w)
{
        COP_NO_PREEMPT
        {
                COP_NO_PREEMPT
                {
                        if (w->number == 0)
                                break;
                }
                ck_assert_uint_eq(cop__here_of(cop__thread_here())->fault.calm, 1);
                cop_yield();
                ck_assert_uint_eq(cop__here_of(cop__thread_here())->fault.calm, 1);
                cop_send(w->boss, outcome, .number = 0);
                return;
        }
}

IN_NODE(sections_nest_and_are_left_by_break_and_return_and_go_along_when_the_actor_waits)
{
        cop_spawn_with(returns_from_a_section, work, .boss = cop_self());
        await_and_drop(COP_KIND(outcome));
}

static void ends_what_never_began(void)
{
        cop_no_preempt_end();
}

IN_NODE(an_end_without_a_beginning_is_a_bug_of_the_actor)
{
        await_down(spawn_watched(.run = ends_what_never_began),
                   "{badarg, {no_preempt_end, \"there was no cop_no_preempt_begin\"}}");
}

static void leaves_it_open(void)
{
        cop_no_preempt_begin();
        cop_send(cop_parent(), ping, 0);
}

static void tells_its_depth(void)
{
        cop_send(cop_parent(), ping, (int64_t)cop__here_of(cop__thread_here())->fault.calm);
}

IN_NODE_WITH(a_section_that_was_never_ended_ends_with_its_actor, .workers = 1)
{
        cop_spawn(leaves_it_open);
        await_and_drop(COP_KIND(ping));
        cop_spawn(tells_its_depth);
        cop_auto message = await(COP_KIND(ping));
        ck_assert_int_eq(cop_read(ping, message)->number, 0);
}

static void computes_and_tells(const work *w)
{
        cop_spawn_or_exit(&(cop_spawn_options){ .run = looks, .no_preempt = true }); /* nobody else is to be counted */
        computes_until_refused(10);
        cop_send(w->boss, outcome, .wrong = (int64_t)cop__load_relaxed(&seen_by_another));
}

IN_NODE_WITH(an_actor_spawned_with_no_preempt_is_never_interrupted, .workers = 1,
             .no_spare_workers = true)
{
        UNLESS_POSSIBLE;
        UNLESS_TINY;
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        cop_ref ref = spawn_watched(RUN_WITH(computes_and_tells, work, .boss = cop_self()),
                                    .no_preempt = true);
        cop_auto told = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, told)->wrong, 0);
        await_down(ref, "normal");
        end_torment(&tormentor);
        ck_assert_uint_eq(interruptions(node), 0);
}

/* Ended by another, since nothing else ends it. */
static int is_to_return;
static void loops_until_told(void)
{
        while (!cop__load_acquire(&is_to_return))
                ;
}

IN_NODE_WITH(a_node_can_be_started_without_any_interruption, .workers = 1, .no_preempt = true)
{
        cop_pid pid = cop_spawn(loops_until_told);
        cop_ref ref = watch(pid);
        cop_send_exit(pid, cop_atom("kill"));
        cop_process process;
        await_true(cop_process_info(pid, &process) == COP_OK && process.status == COP_PROCESS_RUNNING);
        cop__store_release(&is_to_return, 1);
        await_down(ref, "normal"); /* it has not heard of the kill in time */
        ck_assert_uint_eq(interruptions(node), 0);
}

TEST(a_slice_has_its_limits)
{
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .slice_ms = 1001 }, &node),
                         COP_E_BAD_ARGUMENT);
}

/* ---- The watch ------------------------------------------------------------------------------------ */

IN_NODE(the_watch_sleeps_while_nobody_has_anything_to_do)
{
        cop_pid echo = cop_spawn(echoes);
        for (int i = 0; i < 3; i++) {
                await_true(cop__load_relaxed(&node->scheduler.watch.asleep) != 0);
                ck_assert_int_eq(ask(echo, i), i + 1);
        }
        put_down(echo);
}

/* ---- Without a signal for it ----------------------------------------------------------------------------- */

static void ignores_signal(int number)
{
        (void)number;
}

TEST(a_program_that_uses_all_real_time_signals_runs_without_interruptions)
{
        struct sigaction own = { .sa_handler = ignores_signal };
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
                ck_assert_int_eq(sigaction(number, &own, NULL), 0);
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        cop_pid echo = cop_spawn(echoes), loop = cop_spawn(loops_on);
        for (int i = 0; i < 20; i++)
                ck_assert_int_eq(ask(echo, i), i + 1);
        usleep(30000); /* longer than a turn may take where it is interrupted */
        ck_assert_int_eq(ask(echo, 7), 8);
        struct cop__worker *worker = &node->scheduler.workers[0]; /* nothing is waited for that cannot come */
        cop__preempt_hooks.interrupt(worker, &(struct cop__watch_request){ .end = true, .tell = true });
        ck_assert_uint_eq(cop__load_acquire(&cop__here_of(&worker->thread)->sighting.state), COP__SIGHTING_NONE);
        cop_ref ref = watch(loop);
        cop__store_release(&may_end, 1);
        await_down(ref, "normal");
        node_end(node);
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
                struct sigaction now;
                ck_assert_int_eq(sigaction(number, NULL, &now), 0);
                ck_assert(now.sa_handler == ignores_signal);
        }
}
