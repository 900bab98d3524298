/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Faults caught, refused and placed, on plain threads with a make-believe turn.
 *
 * A stage is a thread with a stack of its own making, so that its guard is known. What is
 * to end the process happens in a child, whose report is read from a pipe.
 *
 * Under AddressSanitizer two kinds of claim are left out (they say so with UNLESS_ASAN):
 * it finds a bad free, and memory that runs out, itself; and its allocator keeps freed
 * memory for a while, so that counting bytes shows nothing.
 */
#define _GNU_SOURCE
#include "tests/gauges.h"
#include "tests/suite.h"
#include "tests/verdict.h"

#undef NDEBUG /* a failed assertion is one of the crimes */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/fault.h"
#include "actors/fault_report.h"
#include "actors/remains.h"
#include "base/atomic.h"
#include "coppice_config.h"

/* ThreadSanitizer keeps 134 KiB of its own on it. */
#define STACK_SIZE ((size_t)(COP__TSAN ? 512 : 128) << 10)
#define GUARD_SIZE ((size_t)64 << 10)

/* A crash on purpose must reach the processor, whatever else is looking for it. */
#define CRASHES __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

#if COP__ASAN
#define UNLESS_ASAN return
#else
#define UNLESS_ASAN
#endif

/* Where libunwind is linked its unwinder stands in, which opens a pipe for good at first. */
__attribute__((constructor)) static void open_what_stays_open(void)
{
        cop__backtrace_prime();
}

/* --- the stage ------------------------------------------------------------------- */

struct stage {
        struct cop__fault_scope scope;
        struct cop__fault_witness witness;
        pthread_t thread;
        char *stack; /* the guard, then the stack */
        jmp_buf escape;
        struct cop__fault last;
        void (*play)(struct stage *stage);
        void (*code)(void);
        size_t rounds;
};

static bool guards(uintptr_t address, void *context)
{
        struct stage *stage = context;
        return address - (uintptr_t)stage->stack < GUARD_SIZE;
}

static void land(struct cop__fault *fault, void *context)
{
        struct stage *stage = context;
        stage->last = *fault;
        longjmp(stage->escape, 1);
}

static void describe(char *text, size_t size, void *context)
{
        (void)context;
        struct cop__words words = { .text = text, .size = size };
        cop__words_add(&words, "till <0.12.0>");
}

static void say_stopped(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal,
                        void *context)
{
        (void)scope;
        (void)refusal;
        (void)context;
        static const char text[] = "node stopped\n";
        if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
                _exit(1);
}

/* One turn of `code`. True when it faulted and was caught. */
static __attribute__((noinline)) bool faults(struct stage *stage, void (*code)(void))
{
        if (_setjmp(stage->escape) == 0) {
                cop__turn_begin(&stage->scope, (uintptr_t)stage->stack + GUARD_SIZE,
                                cop__stack_pointer());
                code();
                cop__turn_end(&stage->scope);
                return false;
        }
        ck_assert_uint_eq(stage->scope.overflow_sp, 0);
        return true;
}

static void *play(void *context)
{
        struct stage *stage = context;
        stage->scope.guards = guards;
        stage->scope.guards_context = stage;
        stage->scope.land = land;
        stage->scope.land_context = stage;
        stage->scope.describe = describe;
        ck_assert_int_eq(cop__fault_thread_start(&stage->scope), COP_OK);
        stage->play(stage);
        cop__fault_thread_stop(&stage->scope);
        return NULL;
}

static void open_stage(struct stage *stage, void (*script)(struct stage *))
{
        pthread_attr_t attributes;
        stage->play = script;
        stage->stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(stage->stack, MAP_FAILED);
        ck_assert_int_eq(mprotect(stage->stack, GUARD_SIZE, PROT_NONE), 0);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        stage->witness.stopped = say_stopped;
        cop__fault_witness_add(&stage->witness);
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, stage->stack + GUARD_SIZE, STACK_SIZE);
        ck_assert_int_eq(pthread_create(&stage->thread, &attributes, play, stage), 0);
        pthread_attr_destroy(&attributes);
}

static void close_stage(struct stage *stage)
{
        ck_assert_int_eq(pthread_join(stage->thread, NULL), 0);
        cop__fault_witness_remove(&stage->witness);
        cop__fault_uninstall();
        munmap(stage->stack, GUARD_SIZE + STACK_SIZE);
}

/* Plays `script` on a stage of its own from beginning to end. */
static void perform(struct stage *stage, void (*script)(struct stage *), void (*code)(void))
{
        stage->code = code;
        open_stage(stage, script);
        close_stage(stage);
}

static void play_once(struct stage *stage)
{
        ck_assert_msg(faults(stage, stage->code), "the code did not fault");
}

static struct stage crash(void (*code)(void))
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_once, code);
        return stage;
}

/* --- crimes ---------------------------------------------------------------------- */

/* A value that the compiler knows nothing about. */
static uintptr_t opaque(uintptr_t value)
{
        __asm__ __volatile__("" : "+r"(value));
        return value;
}

static volatile int sink;

CRASHES static void read_null(void)
{
        sink = *(volatile int *)opaque(0);
}

CRASHES static void write_null(void)
{
        *(volatile int *)opaque(0) = 1;
}

CRASHES static void read_near_null(void)
{
        sink = *(volatile int *)opaque(0x18);
}

CRASHES static void read_wild(void)
{
        sink = *(volatile int *)opaque(0x123456789000);
}

CRASHES static void call_abort(void)
{
        abort();
}

CRASHES static void call_null(void)
{
        void (*function)(void) = (void (*)(void))opaque(0);
        function();
        sink = 1;
}

CRASHES static void copy_from_null(void)
{
        char buffer[64];
        memcpy(buffer, (const void *)opaque(0), (size_t)opaque(sizeof buffer));
        sink = buffer[opaque(3)];
}

CRASHES static int descend(int depth)
{
        volatile char frame[64];
        frame[opaque(1)] = (char)depth;
        if (opaque(0))
                return 0;
        return descend(depth + 1) + frame[opaque(1)];
}

CRASHES static void overflow_stack(void)
{
        sink = descend(0);
}

CRASHES static void run_illegal(void)
{
#if defined(__x86_64__)
        __asm__ __volatile__("ud2");
#else
        __asm__ __volatile__(".inst 0");
#endif
}

CRASHES static void run_breakpoint(void)
{
#if defined(__x86_64__)
        __asm__ __volatile__("int3");
#else
        __asm__ __volatile__("brk #0");
#endif
}

#if defined(__x86_64__) /* aarch64 does not trap on integer division */
CRASHES static void divide_by_zero(void)
{
        volatile long dividend = 900, divisor = 0;
        sink = (int)(dividend / divisor);
}

/* Through a pointer at an offset, so that the operand is in memory. */
CRASHES static void divide_by_zero_in_memory(void)
{
        static long numbers[4] = { 1, 2, 3, 0 };
        long quotient = 900, rest = 0;
        __asm__ __volatile__("idivq 8(%2,%3,8)"
                             : "+a"(quotient), "+d"(rest)
                             : "r"(opaque((uintptr_t)numbers)), "r"(opaque(2)));
        sink = (int)quotient;
}

CRASHES static void overflow_division(void)
{
        volatile int least = INT_MIN, divisor = -1;
        sink = least / divisor;
}

static uintptr_t thread_pointer(void)
{
        uintptr_t pointer;
        __asm__("movq %%fs:0, %0" : "=r"(pointer));
        return pointer;
}

static __thread volatile int own_divisor = -1;

CRASHES static void overflow_division_by_own(void)
{
        int quotient = INT_MIN, rest = -1;
        uintptr_t own = (uintptr_t)&own_divisor - thread_pointer();
        __asm__ __volatile__("idivl %%fs:(%2)" : "+a"(quotient), "+d"(rest) : "r"(own));
        sink = quotient;
}

CRASHES static void divide_float(void)
{
        unsigned control;
        __asm__ __volatile__("stmxcsr %0" : "=m"(control));
        control &= ~0x200u; /* unmask division by zero */
        __asm__ __volatile__("ldmxcsr %0" : : "m"(control));
        volatile double zero = 0;
        sink = (int)(1 / zero);
}
#endif

static char *beyond_file; /* the second page of a file that has one */

CRASHES static void read_beyond_file(void)
{
        sink = *(volatile char *)beyond_file;
}

static void map_beyond_file(void)
{
        int file = memfd_create("one page", MFD_CLOEXEC);
        long page = sysconf(_SC_PAGESIZE);
        ck_assert_int_eq(ftruncate(file, page), 0);
        char *memory = mmap(NULL, (size_t)page * 2, PROT_READ, MAP_SHARED, file, 0);
        ck_assert_ptr_ne(memory, MAP_FAILED);
        close(file);
        beyond_file = memory + page;
}

static void unmap_beyond_file(void)
{
        long page = sysconf(_SC_PAGESIZE);
        munmap(beyond_file - page, (size_t)page * 2);
}

struct crime {
        void (*code)(void);
        int signal;
        const char *atom;
        const char *words;
};

static const struct crime crimes[] = {
        { read_null, SIGSEGV, "sigsegv", "invalid memory access at 0x0 (NULL)" },
        { write_null, SIGSEGV, "sigsegv", "invalid memory access at 0x0 (NULL)" },
        { read_near_null, SIGSEGV, "sigsegv", "invalid memory access at 0x18 (near NULL)" },
#if !COP__TSAN /* which reserves most of the address space, so that this is forbidden */
        { read_wild, SIGSEGV, "sigsegv", "invalid memory access at 0x123456789000" },
#endif
        { call_null, SIGSEGV, "sigsegv", "call of a NULL function pointer" },
        { copy_from_null, SIGSEGV, "sigsegv", "invalid memory access at 0x0 (NULL)" },
        { overflow_stack, SIGSEGV, "sigsegv", "stack overflow" },
        { call_abort, SIGABRT, "sigabrt", "abort() called" },
        { run_illegal, SIGILL, "sigill", "illegal instruction" },
        { run_breakpoint, SIGTRAP, "sigtrap", "breakpoint instruction" },
        { read_beyond_file, SIGBUS, "sigbus", NULL },
#if defined(__x86_64__)
        { divide_by_zero, SIGFPE, "sigfpe", "integer division by zero" },
        { divide_by_zero_in_memory, SIGFPE, "sigfpe", "integer division by zero" },
        { overflow_division, SIGFPE, "sigfpe", "integer overflow in a division" },
        { overflow_division_by_own, SIGFPE, "sigfpe", "integer overflow in a division" },
        { divide_float, SIGFPE, "sigfpe", "floating-point division by zero" },
#endif
};

#define CRIMES (sizeof crimes / sizeof crimes[0])

/* --- caught ---------------------------------------------------------------------- */

TEST(a_fault_of_each_kind_is_caught_and_described)
{
        map_beyond_file();
        for (size_t i = 0; i < CRIMES; i++) {
                struct stage stage = crash(crimes[i].code);
                ck_assert_int_eq(stage.last.signal, crimes[i].signal);
                ck_assert_str_eq(cop__fault_atom(&stage.last), crimes[i].atom);
                if (crimes[i].words)
                        ck_assert_str_eq(cop__fault_words(&stage.last), crimes[i].words);
                ck_assert(stage.last.stack_overflow == (crimes[i].code == overflow_stack));
                ck_assert_uint_gt(stage.last.backtrace.depth, 0);
        }
        unmap_beyond_file();
}

static void play_rounds(struct stage *stage)
{
        for (size_t round = 0; round < stage->rounds; round++)
                ck_assert_msg(faults(stage, stage->code), "round %zu did not fault", round);
}

/* Warms up, then lets `stages` threads commit each crime `rounds` times. */
static void repeat_crimes(size_t stages, size_t rounds)
{
        struct stage each[2];
        map_beyond_file();
        for (size_t i = 0; i < CRIMES; i++)
                crash(crimes[i].code);
        int descriptors = open_descriptors();
        size_t heap = mallinfo2().uordblks;
        size_t resident = resident_bytes();
        for (size_t i = 0; i < CRIMES; i++) {
                memset(each, 0, sizeof each);
                for (size_t k = 0; k < stages; k++) {
                        each[k].code = crimes[i].code;
                        each[k].rounds = rounds;
                        open_stage(&each[k], play_rounds);
                }
                for (size_t k = 0; k < stages; k++)
                        close_stage(&each[k]);
        }
        unmap_beyond_file();
        ck_assert_int_eq(open_descriptors(), descriptors);
        if (suite_is_watched())
                return;
        ck_assert_uint_le(mallinfo2().uordblks, heap + 4096);
        ck_assert_uint_le(resident_bytes(), resident + (1u << 20));
}

TEST_WITHIN(ten_thousand_faults_of_each_kind_leave_nothing_behind, 60)
{
        repeat_crimes(1, suite_is_slow() ? 1000 : 10000);
}

TEST_WITHIN(ten_thousand_faults_of_each_kind_on_two_threads_at_once_leave_nothing_behind, 60)
{
        NEEDS_THE_KERNEL();
        repeat_crimes(2, suite_is_slow() ? 1000 : 10000);
}

/* Each of these is a variant of a string function of its own, for small and large sizes. */
static size_t crime_size;

CRASHES static void copy_much(void)
{
        static char buffer[1 << 16];
        memcpy(buffer, (const void *)opaque(0), crime_size);
        sink = buffer[0];
}

CRASHES static void copy_to_nowhere(void)
{
        static char buffer[1 << 16];
        memmove((void *)opaque(64), buffer, crime_size);
}

CRASHES static void fill_nowhere(void)
{
        memset((void *)opaque(64), 1, crime_size);
}

CRASHES static void compare_nowhere(void)
{
        static char buffer[1 << 16];
        sink = memcmp(buffer, (const void *)opaque(64), crime_size);
}

CRASHES static void measure_nowhere(void)
{
        sink = (int)strlen((const char *)opaque(0));
}

CRASHES static void compare_text(void)
{
        sink = strcmp("text", (const char *)opaque(0));
}

CRASHES static void copy_text(void)
{
        char buffer[8];
        strcpy(buffer, (const char *)opaque(0));
        sink = buffer[opaque(0)];
}

CRASHES static void search_text(void)
{
        sink = strchr((const char *)opaque(0), 'x') != NULL;
}

CRASHES static void duplicate_text(void)
{
        char *copy = strdup((const char *)opaque(0));
        sink = *copy;
}

CRASHES static void read_number(void)
{
        sink = atoi((const char *)opaque(0));
}

TEST(faults_in_string_functions_are_the_actors)
{
        static const size_t sizes[] = { 1, 3, 8, 16, 31, 33, 64, 100, 128, 129, 256, 300, 512,
                                        1000, 2048, 4096, 8192, 1 << 16 };
        static void (*const sized[])(void) = { copy_much, copy_to_nowhere, fill_nowhere,
                                               compare_nowhere };
        static void (*const texts[])(void) = { measure_nowhere, compare_text, copy_text,
                                               search_text, duplicate_text, read_number };
        for (size_t i = 0; i < COP__COUNT(sizes); i++)
                for (size_t k = 0; k < COP__COUNT(sized); k++) {
                        crime_size = sizes[i];
                        ck_assert_int_eq(crash(sized[k]).last.signal, SIGSEGV);
                }
        for (size_t k = 0; k < COP__COUNT(texts); k++)
                ck_assert_int_eq(crash(texts[k]).last.signal, SIGSEGV);
}

static int compare_badly(const void *left, const void *right)
{
        (void)left;
        (void)right;
        read_null();
        return 0;
}

CRASHES static void sort_badly(void)
{
        int numbers[8] = { 3, 1, 2 };
        qsort(numbers, 8, sizeof numbers[0], compare_badly);
        sink = numbers[0];
}

CRASHES static void assert_wrongly(void)
{
        assert(opaque(0) && "a failed assertion");
}

TEST(a_failed_comparison_or_assertion_is_the_actors)
{
        int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(crash(sort_badly).last.signal, SIGSEGV);
        dup2(nowhere, STDERR_FILENO);
        struct stage stage = crash(assert_wrongly);
        dup2(saved, STDERR_FILENO);
        close(saved);
        close(nowhere);
        ck_assert_str_eq(cop__fault_words(&stage.last), "abort() called");
}

/* Leaves return addresses of the C library on the stack, under frames that skip them. */
CRASHES static int descend_over_litter(int depth)
{
        volatile char frame[512];
        char text[64];
        if (depth < 40)
                snprintf(text, sizeof text, "%d %s", depth, "litter");
        frame[opaque(1)] = (char)depth;
        if (opaque(0))
                return 0;
        return descend_over_litter(depth + 1) + frame[opaque(1)];
}

CRASHES static void overflow_over_litter(void)
{
        sink = descend_over_litter(0);
}

TEST(old_return_addresses_do_not_make_an_overflow_the_librarys)
{
        ck_assert(crash(overflow_over_litter).last.stack_overflow);
}

CRASHES static void spoil_thread(void)
{
        sigset_t all;
        sigfillset(&all);
        sigdelset(&all, SIGSEGV);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
#if defined(__x86_64__)
        unsigned upwards = 0x1f80 | 0x4000;
        __asm__ __volatile__("ldmxcsr %0\n\tfldpi\n\tfldpi\n\tfldpi\n\tstd" : : "m"(upwards));
#endif
        read_null();
}

static void check_unspoilt(struct stage *stage)
{
        sigset_t mask;
        ck_assert(faults(stage, spoil_thread));
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        ck_assert(!sigismember(&mask, SIGUSR1));
#if defined(__x86_64__)
        unsigned control;
        struct {
                uint32_t control, status, tags, rest[4];
        } x87;
        __asm__ __volatile__("stmxcsr %0" : "=m"(control));
        __asm__ __volatile__("fnstenv %0\n\tfldenv %0" : "=m"(x87));
        ck_assert_uint_eq(control & ~0x3fu, 0x1f80);
        ck_assert_uint_eq(x87.tags & 0xffff, 0xffff); /* all registers empty */
#endif
}

TEST(after_a_fault_signal_mask_and_floating_point_are_as_before)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, check_unspoilt, NULL);
}

static uintptr_t stack_low;

/* Faults with some 16 KiB of stack left. */
CRASHES static int crash_near_the_end(int depth)
{
        volatile char frame[256];
        frame[opaque(1)] = (char)depth;
        if (cop__stack_pointer() < stack_low + (16 << 10))
                read_null();
        if (opaque(0))
                return 0;
        return crash_near_the_end(depth + 1) + frame[opaque(1)];
}

CRASHES static void fill_stack_and_crash(void)
{
        sink = crash_near_the_end(0);
}

/* As much as looking up a place takes. */
static void land_with_large_frame(struct cop__fault *fault, void *context)
{
        char frame[48 << 10];
        memset((void *)opaque((uintptr_t)frame), 1, sizeof frame);
        sink = frame[opaque(1)];
        land(fault, context);
}

static void play_near_the_end(struct stage *stage)
{
        stack_low = (uintptr_t)stage->stack + GUARD_SIZE;
        stage->scope.land = land_with_large_frame;
        ck_assert(faults(stage, fill_stack_and_crash));
        ck_assert(!stage->last.stack_overflow);
}

TEST(a_landing_has_room_even_when_the_stack_is_nearly_full)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_near_the_end, NULL);
}

/* --- places ---------------------------------------------------------------------- */

#define HAS_PLACES COP__HAVE_LIBDW

enum { known_line = __LINE__ + 3 };
CRASHES static void fault_at_a_known_line(void)
{
        *(volatile int *)opaque(0) = 7;
}

enum { inlined_line = __LINE__ + 4 };
static inline __attribute__((always_inline, no_sanitize("address", "undefined", "thread")))
void inlined_into_another(void)
{
        *(volatile int *)opaque(0) = 8;
}

CRASHES static void fault_in_inlined(void)
{
        inlined_into_another();
        sink = 1;
}

enum { copying_line = __LINE__ + 4 };
CRASHES static void fault_in_a_copy(void)
{
        char buffer[64];
        memcpy(buffer, (const void *)opaque(0), (size_t)opaque(sizeof buffer));
        sink = buffer[opaque(3)];
}

enum { aborting_line = __LINE__ + 3 };
CRASHES static void fault_by_abort(void)
{
        abort();
}

enum { calling_line = __LINE__ + 4 };
CRASHES static void fault_by_call(void)
{
        void (*function)(void) = (void (*)(void))opaque(0);
        function();
        sink = 1;
}

static void expect_place(void (*code)(void), const char *function, unsigned line)
{
        struct cop__place place;
        struct stage stage = crash(code);
        struct cop__symbols *symbols = cop__symbols_new();
        size_t culprit = stage.last.culprit;
        const void *pc = stage.last.backtrace.frames[culprit];
        ck_assert(cop__place_of(symbols, pc, culprit > 0, &place));
        if (!HAS_PLACES && code == fault_in_inlined)
                function = "fault_in_inlined"; /* only debug information knows better */
        ck_assert_str_eq(place.function, function);
        if (HAS_PLACES) {
                ck_assert_uint_eq(place.line, line);
                const char *tail = strstr(place.file, "tests/test_fault.c");
                ck_assert_msg(tail && strcmp(tail, "tests/test_fault.c") == 0, "file is \"%s\"",
                              place.file);
        }
        cop__symbols_free(symbols);
}

TEST(the_culprit_has_its_function_file_and_line)
{
        expect_place(fault_at_a_known_line, "fault_at_a_known_line", known_line);
        expect_place(fault_in_inlined, "inlined_into_another", inlined_line);
        expect_place(fault_in_a_copy, "fault_in_a_copy", copying_line);
        expect_place(fault_by_abort, "fault_by_abort", aborting_line);
        expect_place(fault_by_call, "fault_by_call", calling_line);
}

__attribute__((noinline)) static int named_at_such_length_that_its_name_has_more_letters_than_there_is_room_for(int number)
{
        sink += number;
        return number + 1;
}

/* It is cut, and what is left is a text. */
TEST(a_function_with_a_long_name_has_its_first_letters)
{
        struct cop__place place;
        struct cop__symbols *symbols = cop__symbols_new();
        const char whole[] = "named_at_such_length_that_its_name_has_more_letters_than_there_is_room_for";
        _Static_assert(sizeof(whole) > sizeof(place.function), "it is too long");
        memset(&place, 'x', sizeof(place));
        const void *pc = __extension__ (const void *)named_at_such_length_that_its_name_has_more_letters_than_there_is_room_for;
        ck_assert_int_eq(named_at_such_length_that_its_name_has_more_letters_than_there_is_room_for(1), 2);
        ck_assert(cop__place_of(symbols, pc, false, &place));
        ck_assert_uint_eq(strnlen(place.function, sizeof(place.function)), sizeof(place.function) - 1);
        ck_assert_int_eq(strncmp(place.function, whole, sizeof(place.function) - 1), 0);
        cop__symbols_free(symbols);
}

TEST(an_address_in_no_function_is_its_own_name)
{
        struct cop__place place;
        struct cop__symbols *symbols = cop__symbols_new();
        ck_assert(!cop__place_of(symbols, (void *)0x1234, false, &place));
        ck_assert_str_eq(place.function, "0x1234");
        ck_assert(!cop__place_of(symbols, NULL, true, &place));
        ck_assert_str_eq(place.function, "0x0");
        ck_assert_str_eq(place.file, "");
        ck_assert_uint_eq(place.line, 0);
        cop__symbols_free(symbols);
}

TEST(a_place_asked_for_again_is_the_same)
{
        struct cop__place first, again;
        struct cop__symbols *symbols = cop__symbols_new();
        cop__place_of(symbols, (void *)(uintptr_t)lldiv, false, &first);
        cop__place_of(symbols, (void *)(uintptr_t)lldiv, false, &again);
        ck_assert_str_eq(first.function, "lldiv");
        ck_assert_mem_eq(&first, &again, sizeof first);
        cop__symbols_free(symbols);
}

static __attribute__((noinline)) void take_backtrace(struct cop__backtrace *backtrace)
{
        cop__backtrace_here(backtrace);
        sink = 1;
}

TEST(a_backtrace_begins_with_who_asked_for_it)
{
        struct cop__backtrace backtrace;
        struct cop__place place;
        struct cop__symbols *symbols = cop__symbols_new();
        take_backtrace(&backtrace);
        ck_assert_uint_gt(backtrace.depth, 1);
        cop__place_of(symbols, backtrace.frames[0], true, &place);
        ck_assert_str_eq(place.function, "take_backtrace");
        cop__symbols_free(symbols);
}

/* ---- Words -------------------------------------------------------------------------------------------------------- */

TEST(what_is_no_signal_of_ours_and_who_is_nobody_have_words_too)
{
        struct cop__fault fault = { .signal = SIGHUP };
        ck_assert_str_eq(cop__fault_signal_name(SIGHUP), "a signal");
        ck_assert_str_eq(cop__fault_signal_name(SIGBUS), "SIGBUS");
        ck_assert_str_eq(cop__fault_atom(&fault), "signal");
        cop__fault_put_sender(&fault, 0, 0);
        ck_assert_str_eq(cop__fault_words(&fault), "a signal from the system");
        cop__fault_put_sender(&fault, 12, 34);
        ck_assert_str_eq(cop__fault_words(&fault), "a signal from process 12 of user 34");
        ck_assert_str_eq(cop__fault_blame_words(COP__BLAME_PROGRAM), "your program");
        ck_assert_str_eq(cop__fault_blame_words(COP__BLAME_COPPICE), "Coppice itself");
        ck_assert_str_eq(cop__fault_blame_words(COP__BLAME_SYSTEM), "the system");
        ck_assert_str_eq(cop__fault_blame_words(COP__BLAME_OUTSIDE), "nobody here");
}

#if defined(__x86_64__)
/* Instructions that compilers seldom choose: the divisor is 0, or it is not and the quotient does not fit. */
TEST(a_division_that_overflows_is_told_from_one_by_zero_whatever_instruction_it_is)
{
        static const char by_zero[] = "integer division by zero", overflow[] = "integer overflow in a division";
        static const char unknown[] = "arithmetic fault";
        static uint8_t one_byte[] = { 0, 1 };
        static __thread uint8_t own_byte = 1;
        const uint64_t bytes = (uintptr_t)one_byte, own = (uintptr_t)&own_byte - thread_pointer();
        const struct {
                uint8_t code[8];
                uint64_t rax, rcx, r9;
                const char *words;
        } each[] = {
                { { 0xf7, 0xf9 }, 0, UINT64_C(1) << 32, 0, by_zero },        /* idiv %ecx */
                { { 0xf7, 0xf9 }, 0, 0x10000, 0, overflow },
                { { 0x66, 0xf7, 0xf9 }, 0, 0x10000, 0, by_zero },            /* idiv %cx */
                { { 0x66, 0xf7, 0xf9 }, 0, 0xffff, 0, overflow },
                { { 0x48, 0xf7, 0xf9 }, 0, UINT64_C(1) << 32, 0, overflow }, /* idiv %rcx */
                { { 0x49, 0xf7, 0xf9 }, 0, 1, 0, by_zero },                  /* idiv %r9 */
                { { 0x49, 0xf7, 0xf9 }, 0, 0, 1, overflow },
                { { 0xf6, 0x38 }, bytes, 0, 0, by_zero },                    /* idivb (%rax) */
                { { 0xf6, 0x78, 1 }, bytes, 0, 0, overflow },                /* idivb 1(%rax) */
                { { 0x64, 0xf6, 0x38 }, own, 0, 0, overflow },               /* idivb %fs:(%rax): a thread-local */
                { { 0x64, 0xf6, 0x78, 0xff }, own + 1, 0, 0, overflow },
                { { 0xf6, 0xf9 }, 0, 0x100, 0, by_zero },                    /* idiv %cl */
                { { 0xf6, 0xf9 }, 0, 1, 0, overflow },
                { { 0xf6, 0xfd }, 0, 1, 0, by_zero },                        /* idiv %ch */
                { { 0xf6, 0xfd }, 0, 0x100, 0, overflow },
                { { 0x41, 0xf6, 0xf9 }, 0, 0, 0x100, by_zero },              /* idiv %r9b */
                { { 0x41, 0xf6, 0xf9 }, 0, 0, 1, overflow },
                { { 0x65, 0xf7, 0x38 }, 0, 0, 0, unknown },                  /* idivl %gs:(%rax) */
                { { 0x67, 0xf7, 0x38 }, 0, 0, 0, unknown },                  /* idivl (%eax) */
                { { 0x90 }, 0, 1, 0, unknown },                              /* nothing that divides */
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                struct cop__fault fault = { .signal = SIGFPE, .code = FPE_INTDIV };
                ucontext_t context = { .uc_flags = 0 };
                context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)each[i].code;
                context.uc_mcontext.gregs[REG_RAX] = (greg_t)each[i].rax;
                context.uc_mcontext.gregs[REG_RCX] = (greg_t)each[i].rcx;
                context.uc_mcontext.gregs[REG_R9] = (greg_t)each[i].r9;
                cop__fault_put_words(&fault, &context);
                ck_assert_msg(strcmp(cop__fault_words(&fault), each[i].words) == 0, "%zu: %s", i, cop__fault_words(&fault));
        }
}
#endif

static void report_of_a_copy(void)
{
        struct cop__fault fault = { .signal = SIGSEGV };
        fault.backtrace.frames[0] = __extension__ (void *)cop__fault_report_frames;
        fault.backtrace.frames[1] = __extension__ (char *)cop__fault_put_words + 1;
        fault.backtrace.depth = 2;
        cop__fault_report_frames(&fault, NULL);
        cop__fault_report_core(0);
        cop__fault_report_core(77);
}

TEST(frames_that_were_recorded_can_be_reported_without_their_stack)
{
        const struct verdict verdict = in_child(report_of_a_copy);
        const char *first = strstr(verdict.report, "cop__fault_report_frames"), *second = strstr(verdict.report, "cop__fault_put_words");
        ck_assert_msg(first && second && first < second, "%s", verdict.report);
        ck_assert_ptr_nonnull(strstr(verdict.report, "   no core dump could be written\n"));
        ck_assert_ptr_nonnull(strstr(verdict.report, "   its core dump is that of process 77\n"));
}

static void (*scene_code)(void);

static void scene_of_code(void)
{
        crash(scene_code);
}

/* The process must stop by `number` and say `why`. */
static void expect_stop(void (*code)(void), int number, const char *why)
{
        scene_code = code;
        struct verdict verdict = in_child(scene_of_code);
        ck_assert_msg(verdict.signal == number, "died by %d, wanted %d; it said:\n%s",
                      verdict.signal, number, verdict.report);
        ck_assert_msg(strstr(verdict.report, why), "no \"%s\" in:\n%s", why, verdict.report);
        ck_assert_ptr_nonnull(strstr(verdict.report, "while running till <0.12.0>"));
        ck_assert_ptr_nonnull(strstr(verdict.report, "node stopped"));
}

#define LIBRARY_AT_WORK "a fault in your program cannot be contained"

CRASHES static void free_garbage(void)
{
        free((void *)opaque(0x4141414141410));
}

CRASHES static void free_twice(void)
{
        void *memory = malloc(64);
        uintptr_t again = opaque((uintptr_t)memory);
        free(memory);
        free((void *)again);
}

CRASHES static void corrupt_heap(void)
{
        char *memory = malloc(24);
        memset((void *)opaque((uintptr_t)memory), 0xff, (size_t)opaque(64));
        for (int i = 0; i < 1000; i++)
                sink = opaque((uintptr_t)malloc(100000)) != 0;
}

TEST(a_fault_in_the_allocator_stops_the_process)
{
        UNLESS_ASAN;
        if (COP__TSAN)
                return; /* its allocator knows a bad free, and says so in its own words */
        expect_stop(free_garbage, SIGSEGV, LIBRARY_AT_WORK);
        expect_stop(free_twice, SIGABRT, LIBRARY_AT_WORK);
        expect_stop(corrupt_heap, SIGABRT, LIBRARY_AT_WORK);
}

static FILE *open_file;

CRASHES static void write_from_nowhere(void)
{
        setvbuf(open_file, NULL, _IOFBF, 4096);
        fputs("x", open_file);
        sink = (int)fwrite((const void *)opaque(64), 1, 100, open_file);
}

CRASHES static void print_from_nowhere(void)
{
        char text[64];
        snprintf(text, sizeof text, "%s", (const char *)opaque(64));
}

CRASHES static void lock_nowhere(void)
{
        pthread_mutex_lock((pthread_mutex_t *)opaque(64));
}

static ssize_t read_by_crashing(void *cookie, char *buffer, size_t size)
{
        (void)cookie;
        (void)buffer;
        (void)size;
        read_null();
        return 0;
}

static ssize_t read_by_overflow(void *cookie, char *buffer, size_t size)
{
        (void)cookie;
        (void)buffer;
        (void)size;
        overflow_stack();
        return 0;
}

CRASHES static void read_through(cookie_read_function_t *function)
{
        FILE *file = fopencookie(NULL, "r", (cookie_io_functions_t){ .read = function });
        sink = fgetc(file);
}

CRASHES static void crash_below_stdio(void)
{
        read_through(read_by_crashing);
}

CRASHES static void overflow_below_stdio(void)
{
        read_through(read_by_overflow);
}

TEST(a_fault_in_stdio_or_in_a_lock_stops_the_process)
{
        UNLESS_ASAN; /* which reads the arguments before the library does, and objects */
        if (COP__TSAN)
                return; /* likewise */
        open_file = tmpfile();
        ck_assert_ptr_nonnull(open_file);
        expect_stop(print_from_nowhere, SIGSEGV, LIBRARY_AT_WORK);
        expect_stop(write_from_nowhere, SIGSEGV, LIBRARY_AT_WORK);
        expect_stop(lock_nowhere, SIGSEGV, LIBRARY_AT_WORK);
        fclose(open_file);
}

TEST(a_callback_of_stdio_cannot_be_left_however_deep_it_is)
{
        expect_stop(crash_below_stdio, SIGSEGV, LIBRARY_AT_WORK);
        expect_stop(overflow_below_stdio, SIGSEGV, LIBRARY_AT_WORK);
}

CRASHES static void crash_at_depth(void)
{
        cop__critical_enter(cop__fault_scope_here());
        read_null();
        cop__critical_leave(cop__fault_scope_here());
}

CRASHES static void crash_after_depth(void)
{
        cop__critical_enter(cop__fault_scope_here());
        cop__critical_enter(cop__fault_scope_here());
        cop__critical_leave(cop__fault_scope_here());
        cop__critical_leave(cop__fault_scope_here());
        read_null();
}

TEST(a_fault_at_critical_depth_stops_the_process)
{
        expect_stop(crash_at_depth, SIGSEGV, "a fault in Coppice itself cannot be contained");
        ck_assert_int_eq(crash(crash_after_depth).last.signal, SIGSEGV);
}

static void play_outside_turn(struct stage *stage)
{
        (void)stage;
        read_null();
}

static void scene_outside_turn(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_outside_turn, NULL);
}

TEST(a_fault_outside_a_turn_stops_the_process)
{
        struct verdict verdict = in_child(scene_outside_turn);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        ck_assert_ptr_nonnull(strstr(verdict.report, "because no actor was running"));
        ck_assert_ptr_nonnull(strstr(verdict.report, "in read_null"));
}

static void land_badly(struct cop__fault *fault, void *context)
{
        (void)fault;
        (void)context;
        read_null();
}

static void play_landing_badly(struct stage *stage)
{
        stage->scope.land = land_badly;
        faults(stage, read_null);
}

static void scene_landing_badly(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_landing_badly, NULL);
}

static void land_back(struct cop__fault *fault, void *context)
{
        (void)fault;
        (void)context;
}

static void play_landing_back(struct stage *stage)
{
        stage->scope.land = land_back;
        faults(stage, read_null);
}

static void scene_landing_back(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_landing_back, NULL);
}

TEST(a_fault_of_the_landing_stops_the_process)
{
        struct verdict verdict = in_child(scene_landing_badly);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        ck_assert_ptr_nonnull(strstr(verdict.report, "Coppice itself"));
        verdict = in_child(scene_landing_back);
        ck_assert(verdict.signal == SIGILL || verdict.signal == SIGTRAP);
        ck_assert_ptr_nonnull(strstr(verdict.report, "Coppice itself"));
}

static bool guards_badly(uintptr_t address, void *context)
{
        (void)address;
        (void)context;
        read_null();
        return false;
}

static void play_handling_badly(struct stage *stage)
{
        stage->scope.guards = guards_badly;
        faults(stage, read_wild);
}

static void scene_handling_badly(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_handling_badly, NULL);
}

static void describe_badly(char *text, size_t size, void *context)
{
        (void)text;
        (void)size;
        (void)context;
        read_null();
}

static void play_reporting_badly(struct stage *stage)
{
        stage->scope.describe = describe_badly;
        faults(stage, crash_at_depth);
}

static void scene_reporting_badly(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        perform(&stage, play_reporting_badly, NULL);
}

TEST(a_second_fault_during_the_first_stops_the_process)
{
        struct verdict verdict = in_child(scene_handling_badly);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        if (!COP__TSAN) /* it blocks all signals in a handler, so that the kernel ends it all */
                ck_assert_ptr_nonnull(strstr(verdict.report, "a second fault followed"));
        verdict = in_child(scene_reporting_badly);
        ck_assert_int_eq(verdict.signal, SIGSEGV);
        if (COP__TSAN)
                return;
        ck_assert_ptr_nonnull(strstr(verdict.report, "a fault in Coppice itself cannot be contained"));
        ck_assert_ptr_nonnull(strstr(verdict.report, "this report ends early: a second fault followed"));
}

static void (*scene_with_a_code)(void);

static void scene_of_its_own_end(void)
{
        cop__fault_end_with(71);
        scene_with_a_code();
}

static void expect_code(void (*scene)(void), const char *why)
{
        scene_with_a_code = scene;
        struct verdict verdict = in_child(scene_of_its_own_end);
        ck_assert_msg(verdict.signal == 0 && verdict.code == 71, "it died by %d or with %d: %s", verdict.signal,
                      verdict.code, verdict.report);
        ck_assert_msg(strstr(verdict.report, why) != NULL, "no \"%s\" in:\n%s", why, verdict.report);
}

static void scene_without_a_turn(void)
{
        scene_code = crash_at_depth;
        scene_of_code();
}

TEST(a_process_that_has_an_exit_code_of_its_own_for_it_ends_with_that)
{
        expect_code(scene_without_a_turn, "the process ends with exit code 71");
        if (COP__TSAN)
                return; /* it blocks all signals in a handler, so that the kernel ends it all */
        expect_code(scene_handling_badly, "a second fault followed");
        expect_code(scene_handling_badly, "the process ends with exit code 71");
        expect_code(scene_reporting_badly, "a fault in Coppice itself cannot be contained");
        expect_code(scene_reporting_badly, "this report ends early: a second fault followed");
        expect_code(scene_reporting_badly, "the process ends with exit code 71");
}

TEST(an_exit_code_for_faults_ends_with_the_last_installation)
{
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        cop__fault_end_with(71);
        cop__fault_uninstall();
        scene_code = crash_at_depth;
        ck_assert_int_eq(in_child(scene_of_code).signal, SIGSEGV);
}

#if defined(__x86_64__)
CRASHES static void lose_stack(void)
{
        __asm__ __volatile__("movq $0x1000, %%rsp\n\tpushq %%rax" : : : "memory");
}

TEST(a_lost_stack_pointer_stops_the_process)
{
        expect_stop(lose_stack, SIGSEGV, "does not point into the actor's stack");
}
#endif

/* --- signals from outside ----------------------------------------------------------- */

static int is_waiting; /* atomic */

/* The code writes a line when its turn is on, and then waits for ever. */
static void wait_for_ever(void)
{
        ck_assert_int_eq(write(STDERR_FILENO, "ready\n", 6), 6);
        cop__store_release(&is_waiting, 1); /* pairs with the acquire in abort_the_other */
        for (;;)
                pause();
}

static pthread_t waiting_thread;

static void *abort_the_other(void *unused)
{
        while (!cop__load_acquire(&is_waiting))
                sched_yield();
        pthread_kill(waiting_thread, SIGABRT);
        return unused;
}

static void play_waiting(struct stage *stage)
{
        pthread_t thread;
        waiting_thread = pthread_self();
        if (stage->rounds && pthread_create(&thread, NULL, abort_the_other, NULL) != 0)
                _exit(1);
        faults(stage, wait_for_ever);
}

static size_t scene_hits;

static void scene_waiting(void)
{
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        stage.rounds = scene_hits;
        perform(&stage, play_waiting, NULL);
}

TEST(a_signal_of_another_thread_is_not_the_actors)
{
        scene_hits = 1;
        struct verdict verdict = in_child(scene_waiting);
        ck_assert_int_eq(verdict.signal, SIGABRT);
        ck_assert_ptr_null(strstr(verdict.report, "cannot be contained"));
}

static size_t read_to_end(int fd, char *text, size_t room)
{
        size_t size = 0;
        for (ssize_t got = 1; got > 0 && size + 1 < room; size += got > 0 ? (size_t)got : 0)
                got = read(fd, text + size, room - 1 - size);
        text[size] = '\0';
        return size;
}

TEST(a_signal_sent_by_kill_is_not_the_actors)
{
        NEEDS_THE_KERNEL();
        /* A sanitizer has handlers of its own for the first two, and they end otherwise. */
        static const int each[] = { SIGSEGV, SIGFPE, SIGABRT, SIGTRAP };
        const int *numbers = each + (COP__ASAN || COP__TSAN ? 2 : 0);
        for (; numbers < each + COP__COUNT(each); numbers++) {
                char text[64] = "", report[8192];
                int ends[2], status;
                ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
                pid_t child = fork();
                if (child == 0) {
                        struct rlimit none = { 0, 0 };
                        setrlimit(RLIMIT_CORE, &none);
                        dup2(ends[1], STDERR_FILENO);
                        scene_hits = 0;
                        scene_waiting();
                        _exit(0);
                }
                close(ends[1]);
                ck_assert_int_gt(read(ends[0], text, sizeof text), 0);
                ck_assert_str_eq(text, "ready\n");
                kill(child, *numbers);
                ck_assert_int_eq(waitpid(child, &status, 0), child);
                ck_assert(WIFSIGNALED(status));
                ck_assert_int_eq(WTERMSIG(status), *numbers);
                ck_assert_int_gt(read_to_end(ends[0], report, sizeof report), 0);
                snprintf(text, sizeof text, "a signal from process %d of user %u", getpid(), getuid());
                ck_assert_msg(strstr(report, text) != NULL, "%s", report);
                ck_assert_ptr_null(strstr(report, "while running"));
                ck_assert_ptr_nonnull(strstr(report, "node stopped"));
                close(ends[0]);
        }
}

static sigjmp_buf own_escape;
static int own_signals;

static void own_handler(int number)
{
        own_signals += number == SIGSEGV;
        siglongjmp(own_escape, 1);
}

TEST(a_fault_of_a_foreign_thread_goes_to_the_handler_before)
{
        struct sigaction action = { .sa_handler = own_handler }, before;
        sigaction(SIGSEGV, &action, &before);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        for (int i = 0; i < 3; i++)
                if (sigsetjmp(own_escape, 1) == 0)
                        read_null();
        ck_assert_int_eq(own_signals, 3);
        cop__fault_uninstall();
        sigaction(SIGSEGV, &before, NULL);
}

static void ends_with_seven(int number)
{
        _exit(number == SIGSEGV ? 7 : 8);
}

static void faults_in_child(void)
{
        read_null();
}

/* Which is the program's: it has it as any child has. */
TEST(a_fault_in_a_child_that_was_forked_goes_to_the_handler_before)
{
        struct sigaction action = { .sa_handler = ends_with_seven }, before;
        sigaction(SIGSEGV, &action, &before);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        struct verdict verdict = in_child(faults_in_child);
        ck_assert_msg(verdict.signal == 0 && verdict.code == 7, "%d, %d: %s", verdict.signal, verdict.code, verdict.report);
        cop__fault_uninstall();
        sigaction(SIGSEGV, &before, NULL);
}

static void *handler_of(int number)
{
        struct sigaction action;
        sigaction(number, NULL, &action);
        return action.sa_flags & SA_SIGINFO ? (void *)(uintptr_t)action.sa_sigaction
                                            : (void *)(uintptr_t)action.sa_handler;
}

TEST(the_first_node_installs_handlers_and_the_last_one_restores_them)
{
        void *before = handler_of(SIGFPE);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        void *ours = handler_of(SIGFPE);
        ck_assert_ptr_ne(ours, before);
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        cop__fault_uninstall();
        ck_assert_ptr_eq(handler_of(SIGFPE), ours);
        cop__fault_uninstall();
        ck_assert_ptr_eq(handler_of(SIGFPE), before);
        cop__fault_uninstall(); /* one too many does nothing */
        ck_assert_ptr_eq(handler_of(SIGFPE), before);
}

TEST(a_handler_that_was_put_over_ours_stays)
{
        struct sigaction action = { .sa_handler = own_handler }, before;
        ck_assert_int_eq(cop__fault_install(), COP_OK);
        sigaction(SIGFPE, &action, &before);
        cop__fault_uninstall();
        ck_assert_ptr_eq(handler_of(SIGFPE), (void *)(uintptr_t)own_handler);
        sigaction(SIGFPE, &before, NULL);
}

/* --- words --------------------------------------------------------------------------- */

/* Also for those that no code of ours can be made to commit on every machine. */
TEST(each_fault_has_its_words)
{
        static const struct {
                int signal, code;
                uintptr_t address, pc;
                const char *words;
        } each[] = {
                { SIGFPE, FPE_INTOVF, 64, 64, "integer overflow" },
                { SIGFPE, FPE_FLTDIV, 64, 64, "floating-point division by zero" },
                { SIGFPE, FPE_FLTOVF, 64, 64, "floating-point overflow" },
                { SIGFPE, FPE_FLTUND, 64, 64, "floating-point underflow" },
                { SIGFPE, FPE_FLTRES, 64, 64, "inexact floating-point result" },
                { SIGFPE, FPE_FLTINV, 64, 64, "invalid floating-point operation" },
                { SIGFPE, FPE_FLTSUB, 64, 64, "arithmetic fault" },
                { SIGSEGV, SI_KERNEL, 0, 64, "invalid memory access at an impossible address" },
                { SIGSEGV, SEGV_MAPERR, 0, 0, "call of a NULL function pointer" },
                { SIGSEGV, SEGV_MAPERR, 16, 64, "invalid memory access at 0x10 (near NULL)" },
                { SIGSEGV, SEGV_MAPERR, 0x123456, 0x123456, "jump to 0x123456, where no code is" },
                { SIGSEGV, SEGV_ACCERR, 0x123456, 64, "forbidden memory access at 0x123456" },
                { SIGBUS, BUS_ADRALN, 0x123456, 64, "misaligned memory access at 0x123456" },
                { SIGBUS, BUS_ADRERR, 0x123456, 64, "access to memory that cannot be provided at 0x123456" },
                { SIGILL, ILL_ILLOPC, 64, 64, "illegal instruction" },
                { SIGTRAP, TRAP_BRKPT, 64, 64, "breakpoint instruction" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                struct cop__fault fault = { .signal = each[i].signal, .code = each[i].code,
                                            .address = each[i].address, .pc = (void *)each[i].pc };
                cop__fault_put_words(&fault, NULL);
                ck_assert_str_eq(cop__fault_words(&fault), each[i].words);
        }
}

/* --- memory that runs out ---------------------------------------------------------- */

static void exhaust_memory(void)
{
        struct rlimit nothing = { 1, 1 };
        setrlimit(RLIMIT_AS, &nothing);
        for (size_t size = (size_t)1 << 20; size > 0; size /= 2)
                while (opaque((uintptr_t)malloc(size)))
                        continue;
}

static void scene_without_memory(void)
{
        static struct cop__fault_scope scope;
        void *before = handler_of(SIGSEGV);
        exhaust_memory();
        bool is_refused = cop__fault_install() == COP_E_NO_MEMORY
                          && handler_of(SIGSEGV) == before
                          && cop__fault_thread_start(&scope) == COP_E_NO_MEMORY
                          && cop__fault_scope_here() == NULL && cop__symbols_new() == NULL;
        _exit(is_refused ? 0 : 1);
}

TEST(without_memory_nothing_is_installed)
{
        NEEDS_THE_KERNEL();
        UNLESS_ASAN;
        if (COP__TSAN)
                return; /* its allocator ends the process itself */
        struct verdict verdict = in_child(scene_without_memory);
        ck_assert_msg(verdict.signal == 0, "died by %d: %s", verdict.signal, verdict.report);
}

TEST(a_process_that_may_not_be_looked_into_leaves_no_core)
{
        struct rlimit limit;
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
        limit.rlim_cur = limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &limit), 0);
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0), 0);
        ck_assert(!cop__remains_are_wanted());
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
        ck_assert(cop__remains_are_wanted() == (limit.rlim_max > 1));
}
