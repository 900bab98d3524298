/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A copy of the process, which dies in its place. See remains.h. */
#define _GNU_SOURCE
#include "actors/remains.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"

/* Of threads that were told to halt, some hold the signal back; and those of the copy have some instructions to their places. */
#define HALT_MS 100
#define ARRIVE_MS 1000

/* A copy that cannot even die is ended; once the kernel writes its core, nothing but a kill does that. */
#define COPY_S 5

/* Below the frame of one that stays: for the few calls of its double until it jumps there. */
#define STEPS 2048

/* Frames of sanitizers' fibers and their thread registries do not bear a second thread on them. */
#if (defined(__x86_64__) || defined(__aarch64__)) && !COP__ASAN && !COP__TSAN
#define CAN_DOUBLE 1
#else
#define CAN_DOUBLE 0
#endif

/* The place of a thread that has halted. */
struct stay {
        struct stay *next;
        void *thread_pointer;
        jmp_buf at;
};

static struct remains {
        struct stay *stays;  /* atomic: STAY */
        uint32_t halted;     /* atomic: how many those are */
        uint32_t arrived;    /* atomic: in the copy, doubles that are where they should be */
} remains;

/* ---- A thread that halts ------------------------------------------------------------ */

static void *thread_pointer(void)
{
        void *pointer = NULL;
#if defined(__x86_64__)
        __asm__("mov %%fs:0, %0" : "=r"(pointer)); /* the ABI has it there */
#elif defined(__aarch64__)
        __asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
        return pointer;
}

static void put(struct stay *stay)
{
        struct stay *first = cop__load_relaxed(&remains.stays);
        do
                stay->next = first;
        while (!cop__cas_acq_rel(&remains.stays, &first, stay)); /* STAY */
        cop__add_acq_rel(&remains.halted, 1);
}

COP__NOINLINE COP__NORETURN void cop__remains_stay(void)
{
        struct stay stay = { .thread_pointer = thread_pointer() };
        if (_setjmp(stay.at) == 0)
                put(&stay);
        else
                cop__add_acq_rel(&remains.arrived, 1);
        for (;;)
                pause();
}

/* ---- The copy ------------------------------------------------------------------------ */

static void wait_until(const uint32_t *count, unsigned wanted, unsigned most_ms)
{
        const struct timespec moment = { .tv_nsec = 1000000 };
        for (unsigned waited = 0; waited < most_ms && cop__load_acquire(count) < wanted; waited++)
                nanosleep(&moment, NULL);
}

#if CAN_DOUBLE

static int go_there(void *place)
{
        _longjmp(((struct stay *)place)->at, 1);
}

static unsigned double_all(void)
{
        const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                          CLONE_SYSVSEM | CLONE_SETTLS;
        unsigned doubled = 0;
        for (struct stay *stay = cop__load_acquire(&remains.stays); stay != NULL; stay = stay->next) {
                char *stack = (char *)((uintptr_t)((char *)stay - STEPS) & ~(uintptr_t)15);
                doubled += clone(go_there, stack, flags, stay, NULL, stay->thread_pointer, NULL) > 0;
        }
        return doubled;
}

#else

static unsigned double_all(void)
{
        return 0;
}

#endif

static COP__NORETURN void be_copy(int number, void (*end)(int number))
{
        alarm(COPY_S); /* that of the process is none of its copy's */
        wait_until(&remains.arrived, double_all(), ARRIVE_MS);
        end(number);
        _exit(0);
}

bool cop__remains_leave(int number, void (*end)(int number), unsigned halted, pid_t *copy)
{
        int status = 0;
        wait_until(&remains.halted, halted, HALT_MS);
        long child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL); /* 0: no signal at its end */
        if (child == 0)
                be_copy(number, end);
        if (child < 0)
                return false;
        while (waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR)
                ;
        *copy = WIFSIGNALED(status) && WCOREDUMP(status) ? (pid_t)child : 0;
        return true;
}

/* ---- Is one wanted? ------------------------------------------------------------------- */

/* A program gets it, whatever the limit, unless that is the 1 that says no. */
static bool goes_to_a_program(void)
{
        char first = '\0';
        int pattern = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
        bool is_known = pattern >= 0 && read(pattern, &first, 1) == 1;
        if (pattern >= 0)
                close(pattern);
        return is_known && first == '|';
}

bool cop__remains_are_wanted(void)
{
        struct rlimit limit;
        if (prctl(PR_GET_DUMPABLE) <= 0 || getrlimit(RLIMIT_CORE, &limit) != 0)
                return false;
        return goes_to_a_program() ? limit.rlim_cur != 1 : limit.rlim_cur > 0;
}
