/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The GNU extensions that Coppice is written with, each under a name, so that a
 * port to another compiler starts and ends in this file (and in message.h, whose
 * macros need __typeof__ and sections).
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define COP__LIKELY(condition) __builtin_expect(!!(condition), 1)
#define COP__UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define COP__NOINLINE __attribute__((noinline))
#define COP__INLINE static inline __attribute__((always_inline))
#define COP__NORETURN __attribute__((noreturn))
#define COP__UNUSED __attribute__((unused))
#define COP__COLD __attribute__((cold, noinline))
#define COP__MALLOC __attribute__((malloc, warn_unused_result))
#define COP__CHECK_RESULT __attribute__((warn_unused_result))
#define COP__PRINTF(format_at, values_at) __attribute__((format(printf, format_at, values_at)))

/* The thread-local that a fault handler reads must not be allocated lazily. (The explorer of schedules, whose threads are
 * coroutines of one thread, says otherwise.) */
#ifndef COP__THREAD_LOCAL
#define COP__THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#endif

/* Two threads that write side by side should not share a line. */
#define COP__CACHE_LINE 64
#define COP__LINE_ALIGNED __attribute__((aligned(COP__CACHE_LINE)))

/* The struct that holds `member` at `pointer`. */
#define COP__CONTAINER(pointer, type, member) \
        ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#define COP__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The compiler knows no more of this pointer than where it is: it computes it once, and keeps it. */
#define COP__KEEP(pointer) __asm__("" : "+r"(pointer))

/* The stack pointer of the function that this is written in. */
COP__INLINE uintptr_t cop__stack_pointer(void)
{
        uintptr_t sp;
#if defined(__x86_64__)
        __asm__ __volatile__("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
        __asm__ __volatile__("mov %0, sp" : "=r"(sp));
#else
        sp = (uintptr_t)__builtin_frame_address(0);
#endif
        return sp;
}

#if defined(__SANITIZE_ADDRESS__)
#define COP__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COP__ASAN 1
#endif
#endif
#ifndef COP__ASAN
#define COP__ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define COP__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COP__TSAN 1
#endif
#endif
#ifndef COP__TSAN
#define COP__TSAN 0
#endif

#endif
