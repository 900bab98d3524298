/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See ground.h. */
#define _GNU_SOURCE
#include "actors/ground.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "actors/code_names.h"
#include "actors/object.h"
#include "base/compiler.h"
#include "base/own_code.h"

/* Executable segments of the program and of libm, and those of sanitizers: one or two each. */
#define OPEN_MAX 8
#define SANITIZER_MAX 4

/* Sections with the program's jumps into libraries: .plt, .plt.sec, .plt.got. */
#define JUMPS_MAX 4

/* Harmless when its frames are thrown away, but not when others run in the middle of it: it is on its way out. */
static const char *const ending_names[] = {
        "abort", "raise", "gsignal", "pthread_kill", "longjmp", "_longjmp", "siglongjmp",
        "__longjmp_chk", "__assert_fail", "__assert_perror_fail", "__assert", "__chk_fail",
        "__fortify_fail",
};

static const char *const waiting_names[] = {
        "read", "readv", "pread", "pread64", "write", "writev", "recv", "recvfrom", "recvmsg", "recvmmsg",
        "send", "sendto", "sendmsg", "accept", "accept4", "connect", "poll", "ppoll", "select", "pselect",
        "epoll_wait", "epoll_pwait", "nanosleep", "clock_nanosleep", "sleep", "usleep", "pause", "wait",
        "waitpid", "wait4", "waitid", "sigsuspend", "sigwaitinfo", "sigtimedwait", "flock", "syscall",
};

struct cop__grounds {
        const struct cop__code_map *map;
        struct cop__code_range open[OPEN_MAX];
        size_t open_count;
        struct cop__code_range sanitizer[SANITIZER_MAX];
        size_t sanitizer_count;
        struct cop__code_range jumps[JUMPS_MAX];
        size_t jump_count;
        struct cop__code_range ending[COP__COUNT(ending_names)];
        size_t ending_count;
        struct cop__code_range waiting[COP__COUNT(waiting_names)];
        size_t waiting_count;
        bool is_program; /* while they are made: the next object is the program */
        size_t own_count;
        struct cop__code_range own[]; /* ascending */
};

/* ---- Making ---------------------------------------------------------------------- */

static bool is_static(const struct dl_phdr_info *info)
{
        for (size_t i = 0; i < info->dlpi_phnum; i++)
                if (info->dlpi_phdr[i].p_type == PT_INTERP)
                        return false;
        return true;
}

static bool is_libm(const char *path)
{
        const char *name = strrchr(path, '/');
        name = name != NULL ? name + 1 : path;
        return strncmp(name, "libm.so", 7) == 0 || strncmp(name, "libm-", 5) == 0 ||
               strncmp(name, "libmvec.so", 10) == 0;
}

static bool is_sanitizer(const struct dl_phdr_info *info)
{
        struct cop__object object;
        cop__object_init(&object, info);
        for (size_t i = 0; i < object.symbol_count; i++)
                if (cop__symbol_is_function(&object.symbols[i]) &&
                    cop__code_name_marks_sanitizer(cop__symbol_name(&object, &object.symbols[i])))
                        return true;
        return false;
}

static size_t add_segments(const struct dl_phdr_info *info, struct cop__code_range *ranges,
                           size_t count, size_t max)
{
        for (size_t i = 0; i < info->dlpi_phnum && count < max; i++) {
                const ElfW(Phdr) *header = &info->dlpi_phdr[i];
                uintptr_t low = info->dlpi_addr + header->p_vaddr;
                if (header->p_type == PT_LOAD && header->p_flags & PF_X)
                        ranges[count++] = (struct cop__code_range){ low, low + header->p_memsz };
        }
        return count;
}

static int open_object(struct dl_phdr_info *info, size_t size, void *opaque)
{
        struct cop__grounds *grounds = opaque;
        bool is_program = grounds->is_program;
        (void)size;
        grounds->is_program = false;
        if (is_program ? !is_static(info) : is_libm(info->dlpi_name))
                grounds->open_count = add_segments(info, grounds->open, grounds->open_count, OPEN_MAX);
        else if (!is_program && is_sanitizer(info))
                grounds->sanitizer_count = add_segments(info, grounds->sanitizer,
                                                        grounds->sanitizer_count, SANITIZER_MAX);
        return 0;
}

/* Where the dynamic linker finds them; one that a sanitizer stands before is not reached directly. Returns how many. */
static size_t find_functions(const char *const *names, size_t count, struct cop__code_range *ranges)
{
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                void *at = dlsym(RTLD_DEFAULT, names[i]);
                const ElfW(Sym) *symbol = NULL;
                Dl_info info;
                if (at == NULL || !dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) ||
                    symbol == NULL)
                        continue;
                ranges[found++] = (struct cop__code_range){ (uintptr_t)at, (uintptr_t)at + symbol->st_size };
        }
        return found;
}

struct cop__grounds *cop__grounds_new(const struct cop__code_map *map)
{
        size_t own = cop__own_code_max() * sizeof(struct cop__code_range);
        struct cop__grounds *grounds = calloc(1, sizeof(*grounds) + own);
        if (grounds == NULL)
                return NULL;
        grounds->map = map;
        grounds->is_program = true;
        grounds->own_count = cop__own_code(grounds->own);
        dl_iterate_phdr(open_object, grounds);
        grounds->jump_count = cop__object_program_jumps(grounds->jumps, JUMPS_MAX);
        grounds->ending_count = find_functions(ending_names, COP__COUNT(ending_names), grounds->ending);
        grounds->waiting_count = find_functions(waiting_names, COP__COUNT(waiting_names), grounds->waiting);
        return grounds;
}

void cop__grounds_free(struct cop__grounds *grounds)
{
        free(grounds);
}

/* ---- Asking ------------------------------------------------------------------------ */

static bool is_in_one_of(const struct cop__code_range *ranges, size_t count, uintptr_t pc)
{
        for (size_t i = 0; i < count; i++)
                if (pc >= ranges[i].low && pc < ranges[i].high)
                        return true;
        return false;
}

static bool is_own(const struct cop__grounds *grounds, uintptr_t pc)
{
        size_t low = 0, high = grounds->own_count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (grounds->own[middle].high <= pc)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < grounds->own_count && grounds->own[low].low <= pc;
}

enum cop__ground cop__ground_of(const struct cop__grounds *grounds, uintptr_t pc)
{
        if (is_own(grounds, pc))
                return COP__GROUND_OWN;
        if (is_in_one_of(grounds->sanitizer, grounds->sanitizer_count, pc))
                return COP__GROUND_CLOSED;
        if (is_in_one_of(grounds->jumps, grounds->jump_count, pc))
                return COP__GROUND_JUMP;
        enum cop__code code = cop__code_map_find(grounds->map, pc);
        if (code == COP__CODE_USER || code == COP__CODE_LANGUAGE)
                return is_in_one_of(grounds->open, grounds->open_count, pc) ? COP__GROUND_OPEN
                                                                            : COP__GROUND_CLOSED;
        if (code == COP__CODE_HARMLESS &&
            !is_in_one_of(grounds->ending, grounds->ending_count, pc))
                return COP__GROUND_HARMLESS;
        return code == COP__CODE_UNNAMED ? COP__GROUND_UNNAMED : COP__GROUND_CLOSED;
}

/* One that the program, or a sanitizer, has put in the library's place is not meant. */
bool cop__ground_waits(const struct cop__grounds *grounds, uintptr_t pc)
{
        return cop__code_map_find(grounds->map, pc) == COP__CODE_UNSAFE &&
               is_in_one_of(grounds->waiting, grounds->waiting_count, pc);
}
