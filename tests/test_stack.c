/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Contexts and the pool of stacks. Everything about contexts is shown twice: for the
 * switch of this build, and for the ucontext fallback, which is compiled into this file
 * under other names.
 */
#define _GNU_SOURCE

#include "tests/gauges.h"
#include "tests/suite.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "scheduler/stack.h"

#define cop__context_init fallback_init
#define cop__context_adopt fallback_adopt
#define cop__context_fini fallback_fini
#define cop__context_switch fallback_switch
#define cop__context_leave fallback_leave
#ifndef COP__CONTEXT_UCONTEXT
#define COP__CONTEXT_UCONTEXT
#endif
void fallback_init(struct cop__context *, void *, size_t, void (*)(void *), void *);
void fallback_adopt(struct cop__context *);
void fallback_fini(struct cop__context *);
void fallback_switch(struct cop__context *, struct cop__context *);
COP__NORETURN void fallback_leave(struct cop__context *, struct cop__context *);
#include "scheduler/context.c"
#undef cop__context_init
#undef cop__context_adopt
#undef cop__context_fini
#undef cop__context_switch
#undef cop__context_leave

/* ---- Two kinds of context ----------------------------------------------------------- */

typedef void switch_function(struct cop__context *from, struct cop__context *to);

static void native_switch(struct cop__context *from, struct cop__context *to)
{
        cop__context_switch(from, to);
}

static void native_leave(struct cop__context *from, struct cop__context *to)
{
        cop__context_leave(from, to);
}

struct way {
        void (*init)(struct cop__context *, void *, size_t, void (*)(void *), void *);
        void (*adopt)(struct cop__context *);
        void (*fini)(struct cop__context *);
        switch_function *to;
        switch_function *leave;
};

static const struct way native = {
        cop__context_init, cop__context_adopt, cop__context_fini, native_switch, native_leave,
};
static const struct way fallback = {
        fallback_init, fallback_adopt, fallback_fini, fallback_switch, fallback_leave,
};

#define TEST_BOTH_WAYS(claim)                               \
        static void claim(const struct way *way);           \
        TEST(claim) { claim(&native); }                     \
        TEST(claim##_in_the_fallback) { claim(&fallback); } \
        static void claim(const struct way *way)

static void init_pool(struct cop__stack_pool *pool)
{
        ck_assert_int_eq(cop__stack_pool_init(pool, 0), COP_OK);
}

static struct cop__stack *must_take(struct cop__stack_pool *pool)
{
        struct cop__stack *stack = cop__stack_take(pool);
        ck_assert_ptr_nonnull(stack);
        return stack;
}

/* ---- Registers and floating-point control ------------------------------------------- */

/*
 * Calls way(from, to) with a number of its own in each register that the callee must keep;
 * 0 when all were there afterwards.
 */
uint64_t switch_checked(switch_function *way, struct cop__context *from,
                        struct cop__context *to, uint64_t seed);

#if defined(__x86_64__)

__asm__(".pushsection .text\n"
        ".globl switch_checked\n"
        ".type switch_checked, @function\n"
        "switch_checked:\n"
        "endbr64\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "sub $24, %rsp\n"
        "mov %rcx, (%rsp)\n"
        "lea 1(%rcx), %rbx; lea 2(%rcx), %rbp; lea 3(%rcx), %r12\n"
        "lea 4(%rcx), %r13; lea 5(%rcx), %r14; lea 6(%rcx), %r15\n"
        "mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi\n"
        "call *%rax\n"
        "mov (%rsp), %rcx\n"
        "sub %rcx, %rbx; sub %rcx, %rbp; sub %rcx, %r12\n"
        "sub %rcx, %r13; sub %rcx, %r14; sub %rcx, %r15\n"
        "xor $1, %rbx; xor $2, %rbp; xor $3, %r12; xor $4, %r13; xor $5, %r14; xor $6, %r15\n"
        "mov %rbx, %rax; or %rbp, %rax; or %r12, %rax\n"
        "or %r13, %rax; or %r14, %rax; or %r15, %rax\n"
        "add $24, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".size switch_checked, . - switch_checked\n"
        ".popsection\n");

/* The rounding of both units, SSE and x87. */
static unsigned rounding(void)
{
        uint16_t x87;
        __asm__ __volatile__("fnstcw %0" : "=m"(x87));
        return (__builtin_ia32_stmxcsr() >> 13 & 3) | (x87 >> 10 & 3) << 2;
}

static void round_as(unsigned mode)
{
        uint16_t x87;
        __asm__ __volatile__("fnstcw %0" : "=m"(x87));
        x87 = (uint16_t)((x87 & ~0x0c00) | mode << 10);
        __asm__ __volatile__("fldcw %0" : : "m"(x87));
        __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~0x6000u) | mode << 13);
}

#elif defined(__aarch64__)

__asm__(".pushsection .text\n"
        ".globl switch_checked\n"
        ".type switch_checked, %function\n"
        "switch_checked:\n"
        "hint #34\n"
        "stp x29, x30, [sp, #-176]!\n"
        "stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]\n"
        "str x3, [sp, #160]\n"
        "add x19, x3, #1; add x20, x3, #2; add x21, x3, #3; add x22, x3, #4; add x23, x3, #5\n"
        "add x24, x3, #6; add x25, x3, #7; add x26, x3, #8; add x27, x3, #9; add x28, x3, #10\n"
        "add x29, x3, #11\n"
        "fmov d8, x19; fmov d9, x20; fmov d10, x21; fmov d11, x22\n"
        "fmov d12, x23; fmov d13, x24; fmov d14, x25; fmov d15, x26\n"
        "mov x9, x0; mov x0, x1; mov x1, x2\n"
        "blr x9\n"
        "ldr x3, [sp, #160]\n"
        ".macro differs register, number\n"
        "add x10, x3, #\\number; eor x10, x10, \\register; orr x0, x0, x10\n"
        ".endm\n"
        ".macro low_differs register, number\n"
        "fmov x11, \\register; differs x11, \\number\n"
        ".endm\n"
        "mov x0, #0\n"
        "differs x19, 1; differs x20, 2; differs x21, 3; differs x22, 4; differs x23, 5\n"
        "differs x24, 6; differs x25, 7; differs x26, 8; differs x27, 9; differs x28, 10\n"
        "differs x29, 11\n"
        "low_differs d8, 1; low_differs d9, 2; low_differs d10, 3; low_differs d11, 4\n"
        "low_differs d12, 5; low_differs d13, 6; low_differs d14, 7; low_differs d15, 8\n"
        "ldp d14, d15, [sp, #144]; ldp d12, d13, [sp, #128]\n"
        "ldp d10, d11, [sp, #112]; ldp d8, d9, [sp, #96]\n"
        "ldp x27, x28, [sp, #80]; ldp x25, x26, [sp, #64]\n"
        "ldp x23, x24, [sp, #48]; ldp x21, x22, [sp, #32]; ldp x19, x20, [sp, #16]\n"
        "ldp x29, x30, [sp], #176\n"
        "ret\n"
        ".size switch_checked, . - switch_checked\n"
        ".popsection\n");

static unsigned rounding(void)
{
        uint64_t fpcr;
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(fpcr));
        return (unsigned)(fpcr >> 22 & 3) * 5;
}

static void round_as(unsigned mode)
{
        uint64_t fpcr;
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(fpcr));
        fpcr = (fpcr & ~(UINT64_C(3) << 22)) | (uint64_t)mode << 22;
        __asm__ __volatile__("msr fpcr, %0" : : "r"(fpcr));
}

#else

uint64_t switch_checked(switch_function *way, struct cop__context *from,
                        struct cop__context *to, uint64_t seed)
{
        (void)seed;
        way(from, to);
        return 0;
}

static unsigned rounding(void) { return 0; }
static void round_as(unsigned mode) { (void)mode; }

#endif

#define MODE(mode) ((mode) * 5) /* what rounding() says after round_as(mode) */

struct partner {
        const struct way *way;
        struct cop__context *self, *other;
        uint64_t rounds, wrong_registers, wrong_rounding;
};

static void answer_for_ever(void *argument)
{
        struct partner *partner = argument;
        round_as(2);
        for (;;) {
                partner->rounds++;
                partner->wrong_registers |=
                        switch_checked(partner->way->to, partner->self, partner->other,
                                       partner->rounds * UINT64_C(0x9e3779b97f4a7c15));
                partner->wrong_rounding += rounding() != MODE(2);
        }
}

TEST_BOTH_WAYS(registers_and_rounding_survive_a_million_switches)
{
        struct cop__stack_pool pool;
        struct cop__context own;
        init_pool(&pool);
        struct cop__stack *stack = must_take(&pool);
        struct partner partner = { .way = way, .self = &stack->context, .other = &own };
        way->adopt(&own);
        way->init(&stack->context, stack->low, stack->size, answer_for_ever, &partner);
        round_as(1);
        uint64_t wrong_registers = 0, wrong_rounding = 0;
        for (uint64_t i = 0; i < 500000; i++) {
                wrong_registers |= switch_checked(way->to, &own, &stack->context,
                                                  i * UINT64_C(0xbf58476d1ce4e5b9));
                wrong_rounding += rounding() != MODE(1);
        }
        round_as(0);
        ck_assert_uint_eq(wrong_registers, 0);
        ck_assert_uint_eq(wrong_rounding, 0);
        ck_assert_uint_eq(partner.rounds, 500000);
        ck_assert_uint_eq(partner.wrong_registers, 0);
        ck_assert_uint_eq(partner.wrong_rounding, 0);
        way->fini(&stack->context);
        way->fini(&own);
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}

/* ---- A visit: one context that runs a function and comes back ----------------------- */

struct visit {
        const struct way *way;
        struct cop__stack *stack;
        struct cop__context *back; /* who is continued when it stops */
        void (*body)(struct visit *);
        uint64_t result;
};

static void visit_main(void *argument)
{
        struct visit *visit = argument;
        visit->body(visit);
        visit->way->leave(&visit->stack->context, visit->back);
}

static void visit_stop(struct visit *visit)
{
        visit->way->to(&visit->stack->context, visit->back);
}

static void visit_init(struct visit *visit, const struct way *way, struct cop__stack *stack,
                       void (*body)(struct visit *))
{
        *visit = (struct visit){ .way = way, .stack = stack, .body = body };
        way->init(&stack->context, stack->low, stack->size, visit_main, visit);
}

/* On the thread that calls. The visit's context must not have left yet. */
static void visit_go_on(struct visit *visit)
{
        struct cop__context own;
        visit->way->adopt(&own);
        visit->back = &own;
        visit->way->to(&own, &visit->stack->context);
        visit->way->fini(&own);
}

static void *go_on_in_thread(void *visit)
{
        visit_go_on(visit);
        return NULL;
}

/* The address of a thread-local must not be kept over a switch: so never inline. */
static COP__NOINLINE uint64_t thread_here(void)
{
        __asm__ __volatile__("");
        return (uint64_t)pthread_self();
}

static void count_over_threads(struct visit *visit)
{
        uint64_t numbers[32]; /* something on the stack that must come along */
        for (unsigned i = 0; i < 32; i++)
                numbers[i] = i * i;
        uint64_t first = thread_here();
        visit_stop(visit);
        visit->result = first != thread_here();
        visit_stop(visit);
        visit->result += first == thread_here();
        for (unsigned i = 0; i < 32; i++)
                visit->result += numbers[i];
}

TEST_BOTH_WAYS(a_context_goes_on_on_another_thread_and_comes_back)
{
        struct cop__stack_pool pool;
        struct visit visit;
        pthread_t thread;
        init_pool(&pool);
        visit_init(&visit, way, must_take(&pool), count_over_threads);
        visit_go_on(&visit);
        ck_assert_int_eq(pthread_create(&thread, NULL, go_on_in_thread, &visit), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_uint_eq(visit.result, 1);
        visit_go_on(&visit);
        ck_assert_uint_eq(visit.result, 2 + 31 * 32 * 63 / 6);
        way->fini(&visit.stack->context);
        cop__stack_give(&pool, visit.stack);
        cop__stack_pool_fini(&pool);
}

/* It ends at the entry, and does not go on into what happens to lie above. */
static COP__NOINLINE void take_backtrace(struct visit *visit)
{
        void *frames[64];
        visit->result = (uint64_t)backtrace(frames, 64);
}

TEST_BOTH_WAYS(a_backtrace_ends_where_the_context_began)
{
        struct cop__stack_pool pool;
        struct visit visit;
        init_pool(&pool);
        visit_init(&visit, way, must_take(&pool), take_backtrace);
        visit_go_on(&visit);
        ck_assert_uint_ge(visit.result, 3); /* take_backtrace, visit_main, the start */
        ck_assert_uint_le(visit.result, 6); /* and a sanitizer's frames */
        way->fini(&visit.stack->context);
        cop__stack_give(&pool, visit.stack);
        cop__stack_pool_fini(&pool);
}

static void say_rounding(struct visit *visit)
{
        visit->result = rounding();
}

TEST(a_new_context_has_default_rounding_whatever_its_maker_has)
{
        if (!COP__CONTEXT_ASSEMBLY)
                return;
        struct cop__stack_pool pool;
        struct visit visit;
        init_pool(&pool);
        round_as(3);
        visit_init(&visit, &native, must_take(&pool), say_rounding);
        visit_go_on(&visit);
        unsigned own = rounding();
        round_as(0);
        ck_assert_uint_eq(visit.result, MODE(0));
        ck_assert_uint_eq(own, MODE(3));
        cop__stack_give(&pool, visit.stack);
        cop__stack_pool_fini(&pool);
}

static COP__NOINLINE uint64_t sum_of_text(const char *text)
{
        uint64_t sum = 0;
        for (; *text; text++)
                sum += (unsigned char)*text;
        return sum;
}

static void print_into_frame(struct visit *visit)
{
        char text[2000];
        snprintf(text, sizeof text, "%1000d", 7);
        visit->result = sum_of_text(text);
}

TEST_BOTH_WAYS(one_stack_serves_many_contexts_one_after_another)
{
        struct cop__stack_pool pool;
        init_pool(&pool);
        for (int i = 0; i < 1000; i++) {
                struct visit visit;
                visit_init(&visit, way, must_take(&pool), print_into_frame);
                visit_go_on(&visit);
                ck_assert_uint_eq(visit.result, 999 * ' ' + '7');
                way->fini(&visit.stack->context);
                cop__stack_give(&pool, visit.stack);
        }
        struct cop__stack_counts counts;
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_uint_eq(counts.taken, 0);
        ck_assert_uint_eq(counts.cached, 1);
        cop__stack_pool_fini(&pool);
}

static void stop_below_a_frame(struct visit *visit)
{
        char text[3000];
        snprintf(text, sizeof text, "%100d", 7);
        visit_stop(visit);
        visit->result = sum_of_text(text);
}

/* Under AddressSanitizer: what its frames have poisoned is not held against the next. */
TEST(a_stack_given_back_in_the_middle_of_a_call_is_as_good_as_new)
{
        struct cop__stack_pool pool;
        init_pool(&pool);
        for (int i = 0; i < 100; i++) {
                struct visit visit;
                visit_init(&visit, &native, must_take(&pool), stop_below_a_frame);
                visit_go_on(&visit);
                cop__stack_give(&pool, visit.stack);
                struct cop__stack *stack = must_take(&pool);
                memset(stack->low, i, stack->size);
                cop__stack_give(&pool, stack);
        }
        cop__stack_pool_fini(&pool);
}

/* ---- Memory ------------------------------------------------------------------------- */

static size_t address_bytes(void)
{
        size_t pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%zu", &pages), 1);
        fclose(file);
        return pages * (size_t)sysconf(_SC_PAGESIZE);
}

enum { MANY = 10000 };

static void park_with_own_number(struct visit *visit)
{
        uint64_t number = visit->result;
        visit->result = 0;
        visit_stop(visit);
        visit->result = number + 1;
}

/* Each parked in a function, at the price of one page and its struct. */
TEST_WITHIN(ten_thousand_contexts_are_alive_at_once_for_less_than_5_KiB_each, 60)
{
        static struct visit visits[MANY];
        struct cop__stack_pool pool;
        init_pool(&pool);
        memset(visits, 1, sizeof visits);
        size_t before = resident_bytes();
        for (size_t i = 0; i < MANY; i++) {
                visit_init(&visits[i], &native, must_take(&pool), park_with_own_number);
                visits[i].result = i;
                visit_go_on(&visits[i]);
        }
        size_t each = (resident_bytes() - before) / MANY;
        if (!suite_is_watched() && !COP__TINY && sysconf(_SC_PAGESIZE) == 4096)
                ck_assert_uint_lt(each, 5 * 1024);
        for (size_t i = 0; i < MANY; i++) {
                visit_go_on(&visits[i]);
                ck_assert_uint_eq(visits[i].result, i + 1);
        }
        for (size_t i = 0; i < MANY; i++)
                cop__stack_give(&pool, visits[i].stack);
        cop__stack_pool_fini(&pool);
}

static int by_low(const void *left, const void *right)
{
        const struct cop__stack *const *a = left, *const *b = right;
        return (*a)->low < (*b)->low ? -1 : (*a)->low > (*b)->low;
}

TEST(taken_stacks_do_not_overlap_and_are_writable_from_end_to_end)
{
        enum { COUNT = 200 };
        struct cop__stack *stacks[COUNT];
        struct cop__stack_pool pool;
        init_pool(&pool);
        for (int i = 0; i < COUNT; i++) {
                stacks[i] = must_take(&pool);
                ck_assert_uint_ge(stacks[i]->size, COP__STACK_SIZE_DEFAULT - 448);
                memset(stacks[i]->low, i, stacks[i]->size);
        }
        for (int i = 0; i < COUNT; i++) {
                const unsigned char *low = stacks[i]->low;
                ck_assert_uint_eq(low[0], i);
                ck_assert_uint_eq(low[stacks[i]->size - 1], i);
        }
        qsort(stacks, COUNT, sizeof stacks[0], by_low);
        for (int i = 1; i < COUNT; i++)
                ck_assert_uint_ge((uintptr_t)stacks[i]->low - stacks[i]->guard_size,
                                  (uintptr_t)stacks[i - 1]->low + stacks[i - 1]->size);
        for (int i = 0; i < COUNT; i++)
                cop__stack_give(&pool, stacks[i]);
        cop__stack_pool_fini(&pool);
}

TEST(the_last_stack_given_is_the_first_one_taken)
{
        struct cop__stack_pool pool;
        struct cop__stack *stacks[5];
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .cached_max = 5 }), COP_OK);
        for (int i = 0; i < 5; i++)
                stacks[i] = must_take(&pool);
        for (int i = 0; i < 5; i++)
                cop__stack_give(&pool, stacks[i]);
        for (int i = 5; i-- > 0;)
                ck_assert_ptr_eq(must_take(&pool), stacks[i]);
        for (int i = 0; i < 5; i++)
                cop__stack_give(&pool, stacks[i]);
        cop__stack_pool_fini(&pool);
}

TEST(memory_beyond_the_cache_goes_back_to_the_system)
{
        enum { COUNT = 500, TOUCHED = 128 << 10 };
        struct cop__stack *stacks[COUNT];
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .cached_max = 10 }), COP_OK);
        size_t before = resident_bytes();
        for (int i = 0; i < COUNT; i++) {
                stacks[i] = must_take(&pool);
                memset((char *)stacks[i]->low + stacks[i]->size - TOUCHED, 1, TOUCHED);
        }
        size_t most = resident_bytes();
        ck_assert_uint_ge(most - before, (size_t)COUNT * TOUCHED);
        for (int i = 0; i < COUNT; i++)
                cop__stack_give(&pool, stacks[i]);
        size_t least = resident_bytes();
        ck_assert_uint_lt(least, most);
        /* AddressSanitizer has written to the shadow of each stack that was given back. */
        ck_assert_uint_ge(most - least, (size_t)(COUNT - 20) * TOUCHED / (COP__ASAN ? 2 : 1));
        struct cop__stack_counts counts;
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_uint_eq(counts.cached, 10);
        cop__stack_pool_fini(&pool);
}

TEST(addresses_go_back_but_for_one_spare_chunk)
{
        struct cop__stack *stacks[40];
        struct cop__stack_pool pool;
        struct cop__stack_counts counts;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .cached_max = 1, .chunk_stacks = 4 }), COP_OK);
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 40; i++)
                        stacks[i] = must_take(&pool);
                cop__stack_pool_counts(&pool, &counts);
                ck_assert_uint_eq(counts.taken, 40);
                ck_assert_uint_eq(counts.mapped, 40);
                for (int i = 0; i < 40; i++)
                        cop__stack_give(&pool, stacks[i]);
                cop__stack_pool_counts(&pool, &counts);
                ck_assert_uint_eq(counts.taken, 0);
                ck_assert_uint_eq(counts.cached, 1);
                ck_assert_uint_eq(counts.mapped, 8); /* that of the cached one, and a spare */
        }
        size_t before = address_bytes();
        cop__stack_pool_fini(&pool);
        ck_assert_uint_ge(before - address_bytes(), 8 * COP__STACK_SIZE_DEFAULT);
}

TEST(without_memory_take_answers_null_and_later_works_again)
{
        NEEDS_THE_KERNEL();
        enum { COUNT = 1000 };
        static struct cop__stack *stacks[COUNT];
        struct cop__stack_pool pool;
        struct rlimit before;
        init_pool(&pool);
        ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
        struct rlimit limit = before;
        limit.rlim_cur = address_bytes() + ((rlim_t)4 << 20);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        int count = 0;
        while (count < COUNT && (stacks[count] = cop__stack_take(&pool)) != NULL)
                count++;
        bool still_none = cop__stack_take(&pool) == NULL;
        struct cop__stack_counts counts;
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
        ck_assert_int_ge(count, 8); /* where no 63 had room, fewer did */
        ck_assert_int_lt(count, COUNT);
        ck_assert(still_none);
        ck_assert_uint_eq(counts.taken, (unsigned)count);
        stacks[count] = must_take(&pool);
        for (int i = 0; i <= count; i++)
                cop__stack_give(&pool, stacks[i]);
        cop__stack_pool_fini(&pool);
}

TEST(sizes_outside_the_limits_are_refused_and_others_rounded_up)
{
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init(&pool, COP__STACK_SIZE_MIN - 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop__stack_pool_init(&pool, COP__STACK_SIZE_MAX + 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop__stack_pool_init(&pool, COP__STACK_SIZE_MIN + 1), COP_OK);
        struct cop__stack *stack = must_take(&pool);
        ck_assert_uint_gt(stack->size, COP__STACK_SIZE_MIN);
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
        ck_assert_int_eq(cop__stack_pool_init(&pool, COP__STACK_SIZE_MAX), COP_OK);
        stack = must_take(&pool);
        struct cop__stack_counts counts;
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_uint_eq(counts.mapped, 1); /* large ones are not mapped by the dozen */
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}

/* ---- Guards ------------------------------------------------------------------------- */

TEST(the_guard_is_what_lies_just_below_and_nothing_else)
{
        struct cop__stack_pool pool;
        init_pool(&pool);
        struct cop__stack *stack = must_take(&pool);
        uintptr_t low = (uintptr_t)stack->low;
        ck_assert(!cop__stack_guards(stack, low));
        ck_assert(cop__stack_guards(stack, low - 1));
        ck_assert(cop__stack_guards(stack, low - COP__STACK_GUARD));
        ck_assert(!cop__stack_guards(stack, low - stack->guard_size - 1));
        ck_assert(!cop__stack_guards(stack, low + stack->size));
        ck_assert(!cop__stack_guards(stack, 0));
        ck_assert(!cop__stack_guards(stack, UINTPTR_MAX));
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}

static COP__NOINLINE unsigned recurse(volatile unsigned *depth)
{
        volatile char frame[500];
        frame[0] = (char)*depth;
        if (*depth == 0)
                return 0;
        --*depth;
        return recurse(depth) + (unsigned char)frame[0];
}

static void recurse_for_ever(struct visit *visit)
{
        volatile unsigned depth = UINT32_MAX;
        visit->result = recurse(&depth);
}

enum { HIT_GUARD = 40, HIT_ELSEWHERE, HIT_NOTHING };

static struct cop__stack *overflowing;

static void on_fault(int signal, siginfo_t *info, void *unused)
{
        (void)signal;
        (void)unused;
        _exit(cop__stack_guards(overflowing, (uintptr_t)info->si_addr) ? HIT_GUARD : HIT_ELSEWHERE);
}

static COP__NORETURN void overflow_and_exit(const struct way *way, struct cop__stack *stack)
{
        static char alternate[64 << 10];
        stack_t signal_stack = { .ss_sp = alternate, .ss_size = sizeof alternate };
        struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        struct visit visit;
        overflowing = stack;
        if (sigaltstack(&signal_stack, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0)
                _exit(HIT_NOTHING);
        visit_init(&visit, way, stack, recurse_for_ever);
        visit_go_on(&visit);
        _exit(HIT_NOTHING);
}

static int status_of(pid_t child)
{
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        return status;
}

static void assert_overflow_hits_guard(const struct way *way, struct cop__stack *stack)
{
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
                overflow_and_exit(way, stack);
        int status = status_of(child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), HIT_GUARD);
}

TEST_BOTH_WAYS(an_endless_recursion_faults_in_the_guard)
{
        struct cop__stack_pool pool;
        init_pool(&pool);
        struct cop__stack *stack = must_take(&pool);
        ck_assert_uint_ne(stack->guard, COP__STACK_GUARD_CANARY);
        assert_overflow_hits_guard(way, stack);
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}

TEST(a_guard_by_mprotect_stops_it_too)
{
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .guard = COP__STACK_GUARD_PROTECTED }), COP_OK);
        struct cop__stack *stack = must_take(&pool);
        ck_assert_uint_eq(stack->guard, COP__STACK_GUARD_PROTECTED);
        assert_overflow_hits_guard(&native, stack);
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}

static void assert_guard_outlives_memory(enum cop__stack_guard guard)
{
        struct cop__stack *stacks[4];
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .guard = guard, .cached_max = 1, .chunk_stacks = 4 }), COP_OK);
        for (int i = 0; i < 4; i++)
                stacks[i] = must_take(&pool);
        for (int i = 0; i < 4; i++)
                cop__stack_give(&pool, stacks[i]);
        for (int i = 0; i < 4; i++) {
                stacks[i] = must_take(&pool);
                assert_overflow_hits_guard(&native, stacks[i]);
        }
        for (int i = 0; i < 4; i++)
                cop__stack_give(&pool, stacks[i]);
        cop__stack_pool_fini(&pool);
}

TEST(guards_outlive_the_return_of_the_memory_they_guard)
{
        assert_guard_outlives_memory(COP__STACK_GUARD_BEST);
        assert_guard_outlives_memory(COP__STACK_GUARD_PROTECTED);
}

TEST(beyond_the_budget_for_mappings_there_are_canaries)
{
        struct cop__stack *stacks[6];
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .guard = COP__STACK_GUARD_PROTECTED, .protected_max = 4,
                .cached_max = 1, .chunk_stacks = 2 }), COP_OK);
        for (int round = 0; round < 3; round++) {
                unsigned protected = 0;
                for (int i = 0; i < 6; i++) {
                        stacks[i] = must_take(&pool);
                        protected += stacks[i]->guard == COP__STACK_GUARD_PROTECTED;
                }
                ck_assert_uint_eq(protected, 4);
                /* The first chunk goes, and its two guards return to the budget. */
                for (int i = 6; i-- > 0;)
                        cop__stack_give(&pool, stacks[i]);
        }
        cop__stack_pool_fini(&pool);
}

static size_t mappings(void)
{
        size_t count = 0;
        FILE *file = fopen("/proc/self/maps", "re");
        ck_assert_ptr_nonnull(file);
        for (int c = getc(file); c != EOF; c = getc(file))
                count += c == '\n';
        fclose(file);
        return count;
}

/* By the kernel, which copies from there into a pipe. */
static bool can_be_read(int pipe_end, const void *address)
{
        ssize_t written = write(pipe_end, address, 1);
        ck_assert(written == 1 || errno == EFAULT);
        return written == 1;
}

/* By mprotect, with two mappings for each, they would be more than a pool asks for: a quarter of the 65,530 of a process. */
TEST_WITHIN(twenty_thousand_stacks_have_a_guard_each_and_hardly_a_mapping, 60)
{
        enum { STACKS = 20000 };
        static struct cop__stack *stacks[STACKS];
        const int count = suite_is_slow() || COP__TINY ? 1000 : STACKS;
        struct cop__stack_pool pool;
        int ends[2];
        init_pool(&pool);
        ck_assert_int_eq(pipe(ends), 0);
        size_t before = mappings();
        for (int i = 0; i < count; i++) {
                stacks[i] = must_take(&pool);
                if (pool.options.guard == COP__STACK_GUARD_INSTALLED) {
                        ck_assert_uint_eq(stacks[i]->guard, COP__STACK_GUARD_INSTALLED);
                        ck_assert(!can_be_read(ends[1], (char *)stacks[i]->low - 1));
                        ck_assert(!can_be_read(ends[1], (char *)stacks[i]->low - stacks[i]->guard_size));
                }
        }
        ck_assert(can_be_read(ends[1], stacks[count - 1]->low));
        if (pool.options.guard == COP__STACK_GUARD_INSTALLED && !COP__TINY) {
                ck_assert_uint_lt(mappings(), before + (size_t)count / 20);
                assert_overflow_hits_guard(&native, stacks[count - 1]);
        }
        for (int i = count; i-- > 0;)
                cop__stack_give(&pool, stacks[i]);
        cop__stack_pool_fini(&pool);
        close(ends[0]);
        close(ends[1]);
}

static void count_overrun(struct cop__stack *stack, void *context)
{
        (void)stack;
        ++*(int *)context;
}

TEST(a_canary_tells_of_an_overrun_once_and_of_nothing_else)
{
        int overruns = 0;
        struct cop__stack_pool pool;
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .guard = COP__STACK_GUARD_CANARY,
                .overrun = count_overrun, .overrun_context = &overruns }), COP_OK);
        struct cop__stack *stack = must_take(&pool);
        ck_assert_uint_eq(stack->guard, COP__STACK_GUARD_CANARY);
        memset(stack->low, 1, stack->size);
        cop__stack_give(&pool, stack);
        ck_assert_int_eq(overruns, 0);
        stack = must_take(&pool);
        ((char *)stack->low)[-1] = 1;
        cop__stack_give(&pool, stack);
        ck_assert_int_eq(overruns, 1);
        stack = must_take(&pool);
        cop__stack_give(&pool, stack);
        ck_assert_int_eq(overruns, 1);
        cop__stack_pool_fini(&pool);
}

static COP__NORETURN void give_overrun(struct cop__stack_pool *pool, int report)
{
        struct cop__stack *stack = cop__stack_take(pool);
        if (stack == NULL || dup2(report, STDERR_FILENO) < 0)
                _exit(HIT_NOTHING);
        signal(SIGABRT, SIG_DFL);
        ((char *)stack->low)[-100] = 1;
        cop__stack_give(pool, stack);
        _exit(HIT_NOTHING);
}

TEST(an_overrun_that_nobody_handles_ends_the_process_with_a_sentence)
{
        struct cop__stack_pool pool;
        int ends[2];
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .guard = COP__STACK_GUARD_CANARY }), COP_OK);
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
                give_overrun(&pool, ends[1]);
        close(ends[1]);
        char text[1024];
        size_t length = 0;
        ssize_t got;
        while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
                length += (size_t)got;
        text[length] = '\0';
        close(ends[0]);
        int status = status_of(child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGABRT);
        ck_assert_ptr_nonnull(strstr(text, "overrun its stack"));
        cop__stack_pool_fini(&pool);
}

/* ---- Threads ------------------------------------------------------------------------ */

enum { THREADS = 3, HELD = 20 };

struct taker {
        struct cop__stack_pool *pool;
        unsigned seed, rounds, strange;
};

/* Marks each stack it holds; a stack that two have would lose its mark. */
static void *take_and_give(void *argument)
{
        struct taker *taker = argument;
        struct cop__stack *held[HELD] = { NULL };
        for (unsigned i = 0; i < taker->rounds; i++) {
                taker->seed = taker->seed * 1103515245u + 12345u;
                struct cop__stack **place = &held[(taker->seed >> 16) % HELD];
                if (*place != NULL) {
                        taker->strange += *(struct taker **)(*place)->low != taker;
                        cop__stack_give(taker->pool, *place);
                        *place = NULL;
                } else if ((*place = cop__stack_take(taker->pool)) != NULL) {
                        *(struct taker **)(*place)->low = taker;
                } else {
                        taker->strange++;
                }
        }
        for (int i = 0; i < HELD; i++)
                if (held[i] != NULL)
                        cop__stack_give(taker->pool, held[i]);
        return NULL;
}

TEST_WITHIN(threads_that_take_and_give_at_once_never_share_a_stack, 60)
{
        struct cop__stack_pool pool;
        struct taker takers[THREADS];
        pthread_t threads[THREADS];
        /* So small that chunks come and go all the time. */
        ck_assert_int_eq(cop__stack_pool_init_with(&pool, &(struct cop__stack_options){
                .cached_max = 8, .chunk_stacks = 3 }), COP_OK);
        for (unsigned i = 0; i < THREADS; i++) {
                takers[i] = (struct taker){ &pool, i + 1, suite_is_slow() ? 20000 : 100000, 0 };
                ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, &takers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
                ck_assert_uint_eq(takers[i].strange, 0);
        }
        struct cop__stack_counts counts;
        cop__stack_pool_counts(&pool, &counts);
        ck_assert_uint_eq(counts.taken, 0);
        ck_assert_uint_le(counts.cached, 8);
        cop__stack_pool_fini(&pool);
}
