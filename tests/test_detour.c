/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A detour by itself, on a plain thread: a timer interrupts a computation again and again, each time it goes through a function
 * that spoils every register, and the result is right.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "base/atomic.h"
#include "base/jump.h"
#include "scheduler/detour.h"
#include "tests/suite.h"

static struct {
        uintptr_t low;     /* the lowest byte that a detour may use */
        unsigned taken;    /* detours so far */
        unsigned refused;
        bool leaves;       /* the next one does not come back */
        jmp_buf way_out;
} road;

/* Ordinary code that uses integer and vector registers. */
static void spoils_registers(void *argument)
{
        volatile double numbers[16];
        unsigned *taken = argument;
        for (int i = 0; i < 16; i++)
                numbers[i] = i * 1.5;
        for (int i = 1; i < 16; i++)
                numbers[i] = numbers[i - 1] / (numbers[i] + 1.0);
        (*taken)++;
        if (road.leaves) {
                road.leaves = false;
                cop__jump(road.way_out, 1);
        }
}

static void on_timer(int number, siginfo_t *info, void *context)
{
        (void)number;
        if (!cop__detour(context, info, road.low, spoils_registers, &road.taken))
                road.refused++;
}

/* The handler runs on an alternate stack, as a detour asks for; the timer counts the thread's own time. */
static void interrupt_every(long us)
{
        static char alternate[64 << 10];
        stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
        struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        struct itimerval every = { { 0, us }, { 0, us } };
        sigemptyset(&action.sa_mask);
        ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
}

static void stop_interrupting(void)
{
        struct itimerval never = { { 0, 0 }, { 0, 0 } };
        setitimer(ITIMER_REAL, &never, NULL);
        signal(SIGALRM, SIG_IGN);
}

static __attribute__((noinline)) uint64_t computes(void)
{
        uint64_t a = 1, b = 2, c = 3, bits;
        double x = 1.25, y = 0.5, z = 3.0, sum;
        __asm__ __volatile__("");
        for (int i = 0; i < 5000; i++) {
                a += b ^ (c << 7), b -= a * 3, c ^= a >> 5;
                x = x * 0.999 + y / 3.0, y = y * 1.001 - z * 1e-5, z = z * 0.9999 + x * 1e-4;
        }
        sum = x + y + z;
        memcpy(&bits, &sum, sizeof(bits));
        return a ^ b ^ c ^ bits;
}

/* As low as anything here needs. AddressSanitizer is told that all from there on may be written. */
static uintptr_t roomy_low(void)
{
        return (uintptr_t)__builtin_frame_address(0) - ((size_t)256 << 10);
}

TEST_WITHIN(what_goes_through_detours_computes_the_same, 60)
{
        const unsigned wanted = suite_is_slow() ? 50 : 500;
        if (!cop__detour_is_possible())
                return;
        uint64_t right = computes();
        road.low = roomy_low();
        interrupt_every(500);
        while (cop__load_relaxed(&road.taken) < wanted)
                ck_assert_uint_eq(computes(), right);
        stop_interrupting();
        ck_assert_uint_eq(road.refused, 0);
}

TEST(a_detour_need_not_come_back)
{
        if (!cop__detour_is_possible())
                return;
        road.low = roomy_low();
        for (volatile int i = 0; i < 20; i++) {
                road.leaves = true;
                if (_setjmp(road.way_out) == 0) {
                        interrupt_every(500);
                        for (;;)
                                computes();
                }
                stop_interrupting();
        }
        ck_assert_uint_ge(road.taken, 20);
}

TEST(without_room_on_the_stack_there_is_no_detour)
{
        char here;
        if (!cop__detour_is_possible())
                return;
        road.low = (uintptr_t)&here - COP__DETOUR_ROOM;
        interrupt_every(500);
        while (cop__load_relaxed(&road.refused) < 5)
                computes();
        stop_interrupting();
        ck_assert_uint_eq(road.taken, 0);
}
