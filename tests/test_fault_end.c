/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Signals that are somebody else's, verdicts that no code of ours can be made to deserve on every machine, and a process that ends
 * while others of its threads do something about it.
 */
#define _GNU_SOURCE
#include "tests/cue.h"
#include "tests/refused_calls.h"
#include "tests/verdict.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "actors/fault.h"
#include "actors/fault_judge.h"
#include "actors/remains.h"

#define CRASHES __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

CRASHES static void read_null(void)
{
        volatile int *nowhere = NULL;
        __asm__ __volatile__("" : "+r"(nowhere));
        (void)*nowhere;
}

static void say(const char *words)
{
        if (write(STDERR_FILENO, words, strlen(words)) < 0)
                _exit(1);
}

/* How often it was said. */
static unsigned times(const struct verdict *verdict, const char *words)
{
        unsigned count = 0;
        for (const char *at = verdict->report; (at = strstr(at, words)) != NULL; at++)
                count++;
        return count;
}

/* --- handlers that were there before ------------------------------------------------------------------------------- */

static struct {
        int number;
        pid_t sender;
        const void *context;
        sigset_t mask;
} heard;

static void hear_all(int number, siginfo_t *info, void *context)
{
        heard.number = number;
        heard.sender = info->si_pid;
        heard.context = context;
        pthread_sigmask(SIG_BLOCK, NULL, &heard.mask);
}

static void have_before(int number, struct sigaction before)
{
        ck_assert_int_eq(sigaction(number, &before, NULL), 0);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
}

TEST(a_handler_that_was_there_before_is_told_as_by_the_kernel)
{
        struct sigaction before = { .sa_sigaction = hear_all, .sa_flags = SA_SIGINFO };
        sigaddset(&before.sa_mask, SIGUSR1);
        have_before(SIGTRAP, before);
        ck_assert_int_eq(kill(getpid(), SIGTRAP), 0);
        ck_assert_int_eq(heard.number, SIGTRAP);
        ck_assert_int_eq(heard.sender, getpid());
        ck_assert_ptr_nonnull(heard.context);
        ck_assert(sigismember(&heard.mask, SIGTRAP) == 1 && sigismember(&heard.mask, SIGUSR1) == 1);
        ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &heard.mask), 0);
        ck_assert(sigismember(&heard.mask, SIGTRAP) == 0 && sigismember(&heard.mask, SIGUSR1) == 0);
        cop__fault_uninstall();

        if (COP__TSAN)
                return; /* it blocks all signals in a handler */
        before.sa_flags |= SA_NODEFER;
        have_before(SIGTRAP, before);
        ck_assert_int_eq(kill(getpid(), SIGTRAP), 0);
        ck_assert(sigismember(&heard.mask, SIGTRAP) == 0 && sigismember(&heard.mask, SIGUSR1) == 1);
        cop__fault_uninstall();
}

static void say_heard(int unused)
{
        (void)unused;
        say("heard\n");
}

static void hear_once(void)
{
        have_before(SIGTRAP, (struct sigaction){ .sa_handler = say_heard, .sa_flags = (int)SA_RESETHAND });
        kill(getpid(), SIGTRAP);
        kill(getpid(), SIGTRAP);
        say("not reached\n");
}

TEST(a_handler_that_was_there_for_once_is_called_once)
{
        struct verdict verdict = in_child(hear_once);
        ck_assert_int_eq(verdict.signal, SIGTRAP);
        ck_assert_uint_eq(times(&verdict, "heard"), 1);
        ck_assert_uint_eq(times(&verdict, "not reached"), 0);
}

static void ignore(void)
{
        have_before(SIGSEGV, (struct sigaction){ .sa_handler = SIG_IGN });
        kill(getpid(), SIGSEGV);
        say("ignored\n");
        read_null();
        say("not reached\n");
}

TEST(what_was_ignored_is_ignored_but_a_fault_is_the_end)
{
        struct verdict verdict = in_child(ignore);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        ck_assert_uint_eq(times(&verdict, "ignored"), 1);
        ck_assert_uint_eq(times(&verdict, "not reached"), 0);
}

/* --- verdicts -------------------------------------------------------------------------------------------------------- */

static struct cop__code_map *map;

static const char *why_not(struct cop__fault_scope *scope, const ucontext_t *context)
{
        const struct cop__fault_refusal *refusal = cop__fault_judge(scope, map, context);
        return refusal != NULL ? refusal->why : NULL;
}

TEST(memory_that_the_hardware_calls_broken_is_nobodys_fault_here)
{
        static const int codes[] = { BUS_MCEERR_AR, BUS_MCEERR_AO };
        const ucontext_t context = { .uc_flags = 0 };
        for (size_t i = 0; i < COP__COUNT(codes); i++) {
                struct cop__fault_scope scope = { .fault = { .signal = SIGBUS, .code = codes[i] } };
                const struct cop__fault_refusal *refusal = cop__fault_judge(&scope, NULL, &context);
                ck_assert_ptr_nonnull(refusal);
                ck_assert_int_eq(refusal->blame, COP__BLAME_SYSTEM);
                ck_assert_str_eq(refusal->why, "the hardware reports that memory is broken");
        }
}

/* A stack whose frames nobody can follow: where it is told to lie there are words of ours. */
TEST(frames_that_cannot_be_followed_are_left_unless_a_word_may_lead_into_the_library)
{
        static uintptr_t words[64];
        ucontext_t context;
        ck_assert_int_eq(getcontext(&context), 0);
        map = cop__code_map_new();
        ck_assert_ptr_nonnull(map);
#if defined(__x86_64__)
        context.uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)&words[1];
        context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)&words[0]; /* no code, so no frame of the walk is it */
        context.uc_mcontext.gregs[REG_TRAPNO] = 0;
#elif defined(__aarch64__)
        context.uc_mcontext.sp = (uintptr_t)&words[2];
        context.uc_mcontext.pc = (uintptr_t)&words[0];
        context.uc_mcontext.fault_address = 0;
#endif
        struct cop__fault_scope scope = {
                .overflow_sp = (uintptr_t)&words[64],
                .stack_low = (uintptr_t)&words[0],
                .fault = { .signal = SIGSEGV, .pc = &words[0] },
        };
        ck_assert_ptr_null(why_not(&scope, &context));
        ck_assert_uint_eq(scope.fault.backtrace.depth, 1);
        ck_assert_ptr_eq(scope.fault.backtrace.frames[0], &words[0]);
        words[40] = (uintptr_t)dlsym(RTLD_NEXT, "fflush") + 2;
        ck_assert_int_eq(cop__code_map_find(map, words[40] - 1), COP__CODE_UNSAFE);
        scope.fault.backtrace.depth = 0;
        ck_assert_str_eq(why_not(&scope, &context), "its frames cannot be followed, and the C library may be among them");
        cop__code_map_free(map);
}

#define FRAMES_SEEN 16

/* What the handler sees of the code that it interrupts, and what is to be asked there. */
static struct {
        struct cop__frame frames[FRAMES_SEEN];
        size_t count;
        const char *why;
        void (*ask)(const ucontext_t *context);
} seen;

static bool see(const struct cop__frame *frame, void *unused)
{
        (void)unused;
        seen.frames[seen.count++] = *frame;
        return seen.count < FRAMES_SEEN;
}

static void on_interrupt(int number, siginfo_t *info, void *context)
{
        (void)number;
        (void)info;
        seen.count = 0;
        cop__backtrace_walk(context, see, NULL);
        seen.ask(context);
}

static struct cop__fault_scope turn_up_to(uintptr_t top)
{
        return (struct cop__fault_scope){ .overflow_sp = top, .stack_low = 1, .fault = { .signal = SIGSEGV } };
}

#if defined(__x86_64__) /* elsewhere a function may have its caller's stack pointer, so the stack pointer counts as lost there */

static void ask_at_the_top(const ucontext_t *context)
{
        struct cop__fault_scope scope = turn_up_to(cop__context_sp(context));
        seen.why = why_not(&scope, context);
}

TEST(a_fault_of_the_function_that_began_the_turn_is_coppices)
{
        cop__backtrace_prime();
        map = cop__code_map_new();
        ck_assert_ptr_nonnull(map);
        struct sigaction action = { .sa_sigaction = on_interrupt, .sa_flags = SA_SIGINFO };
        sigaction(SIGUSR2, &action, NULL);
        seen.ask = ask_at_the_top;
        ck_assert_int_eq(raise(SIGUSR2), 0);
        ck_assert_str_eq(seen.why, "it lies in Coppice's own code, perhaps for a bad pointer passed to it");
        cop__code_map_free(map);
}

#endif

/* The turn is told to begin behind the first frame of the library that has no name. */
static void ask_behind_the_unnamed(const ucontext_t *context)
{
        for (size_t i = 0; i + 1 < seen.count; i++) {
                if (cop__code_map_find(map, seen.frames[i].pc - 1) != COP__CODE_UNNAMED)
                        continue;
                struct cop__fault_scope scope = turn_up_to(seen.frames[i + 1].sp);
                seen.why = why_not(&scope, context);
                return;
        }
}

static void interrupt_the_walk(const void *node, VISIT visit, int depth)
{
        (void)node;
        (void)depth;
        if (visit == leaf)
                raise(SIGUSR2);
}

static int compare(const void *a, const void *b)
{
        return strcmp(a, b);
}

/* twalk() has an inner function without a name, which calls whoever is to visit. */
TEST(where_the_last_frame_of_a_turn_has_no_name_the_library_was_at_work)
{
        if (COP__ASAN || COP__TSAN)
                return; /* what has no name is their bookkeeping there */
        void *root = NULL;
        cop__backtrace_prime();
        map = cop__code_map_new();
        ck_assert_ptr_nonnull(map);
        ck_assert_ptr_nonnull(tsearch("a leaf", &root, compare));
        struct sigaction action = { .sa_sigaction = on_interrupt, .sa_flags = SA_SIGINFO };
        sigaction(SIGUSR2, &action, NULL);
        seen.ask = ask_behind_the_unnamed;
        twalk(root, interrupt_the_walk);
        ck_assert_ptr_nonnull(seen.why);
        ck_assert_str_eq(seen.why, "the C library was at work: it may hold a lock, or memory half changed");
        tdelete("a leaf", &root, compare);
        cop__code_map_free(map);
}

/* --- a process that ends, and its threads ---------------------------------------------------------------------------- */

static struct cop__fault_witness witness;
static void (*witnessed)(struct cop__fault_scope *scope);
static uint32_t is_ending; /* atomic */

static void be_witness(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal, void *context)
{
        (void)refusal;
        (void)context;
        cop__store_release(&is_ending, 1);
        witnessed(scope);
        say("witnessed\n");
}

static void install(void (*by)(struct cop__fault_scope *scope))
{
        /* Sanitizers have handlers of their own, which would be asked before. */
        signal(SIGSEGV, SIG_DFL);
        witnessed = by;
        witness.stopped = be_witness;
        if (cop__fault_install() != COP_OK)
                _exit(1);
        cop__fault_witness_add(&witness);
}

static void in_thread(void *(*run)(void *))
{
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, NULL) != 0)
                _exit(1);
}

static void await_the_end(void)
{
        while (!cop__load_acquire(&is_ending))
                sched_yield();
}

static void do_nothing(void *unused)
{
        (void)unused;
}

/* The process ends, and waits for another thread to come to a cue meanwhile. */
static const char *awaited;
static void *(*meanwhile)(void *unused);

static void await_other(struct cop__fault_scope *scope)
{
        (void)scope;
        cue_await(awaited);
}

static void end_beside_other(void)
{
        cue_act(awaited, do_nothing, NULL);
        install(await_other);
        in_thread(meanwhile);
        read_null();
}

static struct verdict verdict_beside(void *(*run)(void *unused), const char *cue)
{
        awaited = cue;
        meanwhile = run;
        struct verdict verdict = in_child(end_beside_other);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        return verdict;
}

static void *fault_as_well(void *unused)
{
        await_the_end();
        read_null();
        return unused;
}

TEST(of_two_threads_that_fault_at_once_one_is_reported_and_both_wait_for_the_end)
{
        struct verdict verdict = verdict_beside(fault_as_well, "fault.second");
        ck_assert_msg(times(&verdict, "cannot be contained") == 1 && times(&verdict, "witnessed") == 1, "%.2000s", verdict.report);
}

static void *remove_witness(void *unused)
{
        await_the_end();
        cop__fault_witness_remove(&witness);
        say("returned\n");
        return unused;
}

TEST(who_takes_a_witness_away_while_the_process_ends_waits_for_the_end)
{
        struct verdict verdict = verdict_beside(remove_witness, "fault.witness_removed");
        ck_assert_msg(times(&verdict, "witnessed") == 1 && times(&verdict, "returned") == 0, "%.2000s", verdict.report);
}

#define MANY (COP__BYSTANDERS_MAX + 6)

static void *stand_around(void *unused)
{
        for (;;)
                pause();
        return unused;
}

static void halt_many(struct cop__fault_scope *scope)
{
        char text[64];
        (void)scope;
        unsigned halted = cop__fault_halt_threads();
        while (cop__fault_bystander(COP__BYSTANDERS_MAX - 1) == NULL)
                sched_yield();
        snprintf(text, sizeof(text), "%u halted, %s\n", halted, cop__fault_bystander(COP__BYSTANDERS_MAX) == NULL ? "no more seen" : "?");
        say(text);
}

static void have_many_threads(void)
{
        for (unsigned i = 0; i < MANY; i++)
                in_thread(stand_around);
        install(halt_many);
        read_null();
}

TEST(more_threads_than_there_is_room_for_are_halted_all_the_same)
{
        if (COP__TSAN)
                return; /* a thread that waits in a function of the C library has its signals later there */
        char text[64];
        struct verdict verdict = in_child(have_many_threads);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        snprintf(text, sizeof(text), "%u halted, no more seen", MANY);
        ck_assert_msg(times(&verdict, text) == 1, "%.2000s", verdict.report);
}

static jmp_buf back;

static void fault_while_looking(struct cop__fault_scope *scope)
{
        scope->rescue = &back;
        if (_setjmp(back) == 0) {
                read_null();
                say("not reached\n");
        }
        scope->rescue = NULL;
}

static void have_a_scope(void)
{
        static struct cop__fault_scope scope;
        install(fault_while_looking);
        if (cop__fault_thread_start(&scope) != COP_OK)
                _exit(1);
        read_null();
}

TEST(a_witness_that_faults_goes_on_from_where_it_said)
{
        if (COP__TSAN)
                return; /* it blocks all signals in a handler, so that the kernel ends it all */
        struct verdict verdict = in_child(have_a_scope);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        ck_assert_msg(times(&verdict, "witnessed") == 1 && times(&verdict, "not reached") == 0, "%.2000s", verdict.report);
        ck_assert_uint_eq(times(&verdict, "this report ends early"), 0);
}

static void see_nothing(struct cop__fault_scope *scope)
{
        (void)scope;
}

static void end_without_a_copy(void)
{
        install(see_nothing);
        cop__fault_end_with(71);
        if (!cop__remains_are_wanted())
                _exit(3);
        refuse_call("clone", EAGAIN, 1);
        read_null();
}

TEST(without_memory_for_a_copy_of_the_process_its_core_is_worth_more_than_its_exit_code)
{
        struct rlimit most;
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &most), 0);
        if (!calls_can_be_refused() || most.rlim_max < 2)
                return;
        struct verdict verdict = in_child_with(end_without_a_copy, 2); /* a core of no use, but wanted */
        ck_assert_msg(verdict.signal == SIGSEGV, "%d, %d: %s", verdict.signal, verdict.code, verdict.report);
}
