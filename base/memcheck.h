/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What valgrind's memcheck is told of memory that we deal out ourselves: without it, it sees only what malloc gives.
 *
 * In checked builds, where valgrind's header is; elsewhere these are nothing, since each costs some instructions also where
 * nobody watches.
 */
#ifndef BASE_MEMCHECK_H
#define BASE_MEMCHECK_H

#include "base/compiler.h"

#define COP__MEMCHECK 0
#if COP__CHECKED && !COP__ASAN && !COP__TSAN && defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#undef COP__MEMCHECK
#define COP__MEMCHECK 1
#endif
#endif

#if COP__MEMCHECK

/* Nobody may touch it; it is what it was again; its content is what nobody has written yet. */
#define cop__memcheck_forbid(memory, size) ((void)VALGRIND_MAKE_MEM_NOACCESS((memory), (size)))
#define cop__memcheck_allow(memory, size) ((void)VALGRIND_MAKE_MEM_DEFINED((memory), (size)))
#define cop__memcheck_undefine(memory, size) ((void)VALGRIND_MAKE_MEM_UNDEFINED((memory), (size)))

/* Between the two this thread may read what is forbidden: pool memory that stays mapped, for a number that may be wrong. */
#define cop__memcheck_look_away() VALGRIND_DISABLE_ERROR_REPORTING
#define cop__memcheck_look_again() VALGRIND_ENABLE_ERROR_REPORTING

#else

#define cop__memcheck_forbid(memory, size) ((void)(memory), (void)(size))
#define cop__memcheck_allow(memory, size) ((void)(memory), (void)(size))
#define cop__memcheck_undefine(memory, size) ((void)(memory), (void)(size))
#define cop__memcheck_look_away() ((void)0)
#define cop__memcheck_look_again() ((void)0)

#endif

#endif
