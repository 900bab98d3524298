/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The names. Of a C library we name what is harmless, so that whatever we have not thought
 * of is unsafe. In a static program that cannot be done, since the program's own functions
 * have names that nobody knows: there we name what is unsafe.
 */
#include "actors/code_names.h"

#include <string.h>

#include "base/compiler.h"

/* Begins with: functions of the C library that touch nothing but their arguments. */
static const char *const harmless_prefixes[] = {
        "mem", "__mem", "str", "__str", "stp", "__stp", "wcs", "__wcs", "wmem", "__wmem",
        "wcp", "__wcp", "rawmem", "__rawmem", "ato", "is", "__is", "tow", "tol", "tou",
        "inet_", "__ctype_", "qsort", "bsearch", "__assert", "__asan_mem", "__asan_load",
        "__asan_store", "__tsan_read", "__tsan_write", "__tsan_unaligned", "__tsan_mem",
        "__ubsan_handle",
};

static const char *const harmless_names[] = {
        "abort", "raise", "gsignal", "pthread_kill", "bcopy", "bzero", "bcmp", "__bzero", "index",
        "rindex", "ffs", "ffsl", "ffsll", "swab", "lfind", "abs", "labs", "llabs", "div", "ldiv",
        "lldiv", "explicit_bzero", "__explicit_bzero_chk", "longjmp", "siglongjmp", "_longjmp",
        "__longjmp_chk", "setjmp", "_setjmp", "__sigsetjmp", "__chk_fail", "__fortify_fail",
        "__libc_start_main",
};

/* Exceptions to the prefixes: these take a lock, or load something. */
static const char *const harmful_names[] = {
        "memalign", "strftime", "strftime_l", "strfmon", "strfmon_l", "strsignal", "strerror",
        "strerror_r", "strerror_l", "strptime", "strptime_l", "wcsftime", "wcsftime_l",
        "wcsrtombs", "wcsnrtombs", "wcstombs", "__wcsrtombs_chk", "__wcsnrtombs_chk",
        "__wcstombs_chk", "__strftime_l", "__wcsftime_l", "__strfmon_l", "__strerror_r",
        "isatty", "__isoc99_scanf",
};

/* Whoever exports one of these is a part of the C library, or stands in for it. */
static const char *const library_marks[] = {
        "__libc_start_main", "pthread_create", "malloc", "dlopen",
};

/* A file begins with. */
static const char *const language_files[] = {
        "libstdc++.so", "libc++.so", "libc++abi.so", "libgcc_s.so", "libunwind.so",
};

static const char *const sanitizer_marks[] = {
        "__asan_init", "__tsan_init", "__msan_init", "__lsan_init", "__hwasan_init",
};

static const char *const allocator_names[] = {
        "malloc", "free", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc",
        "posix_memalign", "valloc", "pvalloc", "cfree", "malloc_usable_size", "malloc_trim",
};

/* For static programs, where the C library's names lie among the program's own. */
static const char *const unsafe_prefixes[] = {
        "_IO_", "__IO_", "_int_", "malloc_", "realloc_", "tcache_", "arena_get", "__libc_malloc",
        "__libc_free", "__libc_calloc", "__libc_realloc", "__libc_memalign", "__libc_lock",
        "_mid_memalign", "pthread_mutex", "pthread_rwlock", "pthread_cond", "pthread_once",
        "pthread_create", "pthread_join", "___pthread", "__pthread_mutex", "__pthread_rwlock",
        "__pthread_cond", "__pthread_once", "__lll_lock", "_dl_", "__dl_", "__vfprintf",
        "__vfwprintf", "__vfscanf", "__vsnprintf", "__vsprintf", "__tz_convert", "__fxprintf",
};

static const char *const unsafe_names[] = {
        "sysmalloc", "systrim", "sysmalloc_mmap", "unlink_chunk", "ptmalloc_init", "printf",
        "fprintf", "vprintf", "vfprintf", "dprintf", "vdprintf", "sprintf", "vsprintf", "snprintf",
        "vsnprintf", "asprintf", "vasprintf", "scanf", "fscanf", "sscanf", "vfscanf", "vsscanf",
        "puts", "fputs", "fputc", "putc", "putchar", "fgets", "fgetc", "getc", "getchar", "getline",
        "getdelim", "ungetc", "fread", "fwrite", "fopen", "fopen64", "fdopen", "freopen", "fclose",
        "fflush", "fseek", "ftell", "rewind", "setvbuf", "perror", "popen", "pclose", "flockfile",
        "funlockfile", "localtime", "localtime_r", "gmtime", "gmtime_r", "mktime", "tzset",
        "strftime", "setlocale", "setenv", "putenv", "unsetenv", "exit", "atexit", "fork",
        "dl_iterate_phdr", "dlopen", "dlsym", "dlclose", "dladdr", "random", "srandom", "rand",
        "opendir", "readdir", "closedir", "getaddrinfo", "syslog", "vsyslog", "sem_wait",
        "mtx_lock", "mtx_unlock", "cnd_wait", "call_once",
};

/* Names that are the C library's in a static program too, and harmless. */
static const char *const reserved_prefixes[] = {
        "__mem", "__str", "__stp", "__wcs", "__wmem", "__rawmem", "__pthread_kill",
};

static const char *const reserved_names[] = { "abort", "raise", "gsignal", "pthread_kill" };

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

static bool begins_with_one_of(const char *name, const char *const *prefixes, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

#define IS_ONE_OF(name, names) is_one_of((name), (names), COP__COUNT(names))
#define BEGINS_WITH(name, prefixes) begins_with_one_of((name), (prefixes), COP__COUNT(prefixes))

bool cop__code_name_is_harmless(const char *name)
{
        if (IS_ONE_OF(name, harmful_names))
                return false;
        return IS_ONE_OF(name, harmless_names) || BEGINS_WITH(name, harmless_prefixes);
}

bool cop__code_name_marks_library(const char *name)
{
        return IS_ONE_OF(name, library_marks);
}

bool cop__code_file_is_a_languages(const char *path)
{
        const char *slash = strrchr(path, '/');
        return BEGINS_WITH(slash != NULL ? slash + 1 : path, language_files);
}

bool cop__code_name_marks_sanitizer(const char *name)
{
        return IS_ONE_OF(name, sanitizer_marks);
}

bool cop__code_name_intercepts(const char *name)
{
        static const char prefix[] = "__interceptor_";
        return strncmp(name, prefix, sizeof prefix - 1) == 0
               && cop__code_name_is_harmless(name + sizeof prefix - 1);
}

bool cop__code_name_allocates(const char *name)
{
        return IS_ONE_OF(name, allocator_names);
}

bool cop__code_name_is_reserved(const char *name)
{
        return IS_ONE_OF(name, reserved_names) || BEGINS_WITH(name, reserved_prefixes);
}

bool cop__code_name_is_unsafe(const char *name)
{
        return IS_ONE_OF(name, allocator_names) || IS_ONE_OF(name, unsafe_names)
               || BEGINS_WITH(name, unsafe_prefixes);
}
