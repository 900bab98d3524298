/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * From a code address to function, file and line.
 *
 * libdw reads the debug information of the program and its libraries; without it, or
 * where an object has none, the tables of symbols give at least a function. Actors crash
 * at the same few places again and again, so the last answers are kept.
 *
 * Lock order: the lock here is a leaf; nothing else of ours is taken under it.
 */
#define _GNU_SOURCE
#include "actors/backtrace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/object.h"
#include "base/jump.h"
#include "coppice_config.h"

#if COP__HAVE_LIBDW
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#endif

/* More distinct crash sites than a sick program has at one time. A power of two. */
#define ANSWERS 64

struct answer {
        uintptr_t pc; /* 0: none yet */
        bool known;
        struct cop__place place;
};

struct cop__symbols {
        pthread_mutex_t lock;
        bool is_past; /* not of this process */
        bool is_poor; /* libdw was not asked now, since it would find no memory */
        unsigned losses; /* times that libdw was left behind without memory */
        struct answer answers[ANSWERS]; /* by the address's hash, the newest stays */
#if COP__HAVE_LIBDW
        Dwfl *dwfl; /* NULL until asked, or when it cannot be opened */
        Dwfl_Callbacks callbacks;
        char *debuginfo_path; /* NULL is libdw's own default */
#endif
};

struct cop__symbols *cop__symbols_new(void)
{
        struct cop__symbols *symbols = calloc(1, sizeof *symbols);
        if (symbols && pthread_mutex_init(&symbols->lock, NULL) != 0) {
                free(symbols);
                return NULL;
        }
        return symbols;
}

struct cop__symbols *cop__symbols_new_of_past(void)
{
        struct cop__symbols *symbols = cop__symbols_new();
        if (symbols)
                symbols->is_past = true;
        return symbols;
}

void cop__symbols_free(struct cop__symbols *symbols)
{
        if (!symbols)
                return;
#if COP__HAVE_LIBDW
        if (symbols->dwfl)
                dwfl_end(symbols->dwfl);
#endif
        pthread_mutex_destroy(&symbols->lock);
        free(symbols);
}

/* Cuts a name too long for `size`. */
static void keep_start(char *text, size_t size, const char *name)
{
        size_t length = strlen(name);
        if (length >= size)
                length = size - 1;
        memcpy(text, name, length);
        text[length] = '\0';
}

/* The symbols in the program's own file, which know its static functions too. */
static bool name_by_file(uintptr_t pc, struct cop__place *place)
{
        struct cop__object program;
        bool is_open = cop__object_open_program(&program);
        const char *name = is_open ? cop__object_function_at(&program, pc) : NULL;
        if (name)
                keep_start(place->function, sizeof place->function, name);
        cop__object_close_program(&program);
        return name != NULL;
}

static bool name_by_linker(uintptr_t pc, struct cop__place *place)
{
        Dl_info found;
        if (!dladdr((void *)pc, &found) || !found.dli_sname)
                return false;
        keep_start(place->function, sizeof place->function, found.dli_sname);
        return true;
}

#if COP__HAVE_LIBDW

/* The end of a name too long for `size` tells more than its beginning. */
static void keep_end(char *text, size_t size, const char *name)
{
        size_t length = strlen(name);
        if (length < size)
                snprintf(text, size, "%s", name);
        else
                snprintf(text, size, "...%s", name + length - (size - 4));
}

/* The installed debug files, but never a download: a crash must not wait for a server. */
static int find_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                          const char *file, const char *link, GElf_Word crc, char **result)
{
        if (getenv("DEBUGINFOD_URLS"))
                return -1;
        return dwfl_standard_find_debuginfo(module, data, name, base, file, link, crc, result);
}

/* Lists the objects that are mapped now; again when one was loaded since. */
static bool list_objects(Dwfl *dwfl)
{
        dwfl_report_begin(dwfl);
        int failed = dwfl_linux_proc_report(dwfl, getpid());
        return dwfl_report_end(dwfl, NULL, NULL) == 0 && failed == 0;
}

static bool begin_dwfl(struct cop__symbols *symbols)
{
        symbols->callbacks = (Dwfl_Callbacks){
                .find_elf = dwfl_linux_proc_find_elf,
                .find_debuginfo = find_debuginfo,
                .debuginfo_path = &symbols->debuginfo_path,
        };
        symbols->dwfl = dwfl_begin(&symbols->callbacks);
        return symbols->dwfl != NULL;
}

static bool open_dwfl(struct cop__symbols *symbols)
{
        if (symbols->dwfl || symbols->is_past)
                return symbols->dwfl;
        if (begin_dwfl(symbols) && list_objects(symbols->dwfl))
                return true;
        if (symbols->dwfl)
                dwfl_end(symbols->dwfl);
        symbols->dwfl = NULL;
        return false;
}

/* One of the past counts if its build is the one that ran: add has marked it. */
static Dwfl_Module *module_of(const struct cop__symbols *symbols, uintptr_t pc)
{
        Dwfl_Module *module = dwfl_addrmodule(symbols->dwfl, pc);
        void **mark = NULL;
        if (!module && !symbols->is_past && list_objects(symbols->dwfl))
                return dwfl_addrmodule(symbols->dwfl, pc);
        if (module && symbols->is_past)
                dwfl_module_info(module, &mark, NULL, NULL, NULL, NULL, NULL, NULL);
        return !symbols->is_past || (mark && *mark) ? module : NULL;
}

static bool is_build(Dwfl_Module *module, const void *build_id, size_t size)
{
        const unsigned char *bits;
        GElf_Addr address;
        int found = module ? dwfl_module_build_id(module, &bits, &address) : 0;
        return found > 0 && (size_t)found == size && memcmp(bits, build_id, size) == 0;
}

static cop_status add_file(struct cop__symbols *symbols, int file, const char *path, uintptr_t low,
                           const void *build_id, size_t size)
{
        void **mark = NULL;
        if (!symbols->dwfl && !begin_dwfl(symbols))
                return COP_E_NO_MEMORY;
        dwfl_report_begin_add(symbols->dwfl);
        Dwfl_Module *module = dwfl_report_elf(symbols->dwfl, path, path, file, low, false);
        dwfl_report_end(symbols->dwfl, NULL, NULL);
        if (!module)
                close(file); /* else it is libdw's */
        if (!is_build(module, build_id, size))
                return COP_E_BAD_ARGUMENT;
        dwfl_module_info(module, &mark, NULL, NULL, NULL, NULL, NULL, NULL);
        *mark = symbols;
        return COP_OK;
}

/*
 * Without memory libdw ends the program, unless it is told of something else, which must not return either. So the look is left by a
 * jump, and libdw as it stands then, with all that it has opened: nobody can give that back, and so it is not begun anew for ever.
 */
#define LOSSES_MAX 3

static COP__THREAD_LOCAL jmp_buf *way_out; /* of the calling thread's look */

static COP__NORETURN void leave_libdw(void)
{
        cop__jump(*way_out, 1);
}

/* A unit that it finds no memory for is in its tree all the same, by a pointer to what is gone: nothing there may be asked again. */
static Dwarf_Die *unless_lost(Dwarf_Die *unit)
{
        if (!unit && errno == ENOMEM)
                leave_libdw();
        return unit;
}

/* clang writes no index of addresses by default: then each unit is asked. */
static Dwarf_Die *unit_of(Dwfl_Module *module, uintptr_t pc, Dwarf_Addr *bias)
{
        errno = 0;
        Dwarf_Die *unit = unless_lost(dwfl_module_addrdie(module, pc, bias));
        if (unit)
                return unit;
        while ((unit = unless_lost(dwfl_module_nextcu(module, unit, bias))))
                if (dwarf_haspc(unit, pc - *bias) > 0)
                        return unit;
        return NULL;
}

/* The innermost function around an address, an inlined one included. */
static const char *function_of(Dwarf_Die *unit, Dwarf_Addr address)
{
        Dwarf_Die *scopes = NULL;
        const char *name = NULL;
        int count = dwarf_getscopes(unit, address, &scopes);
        for (int i = 0; i < count && !name; i++) {
                int tag = dwarf_tag(&scopes[i]);
                if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram)
                        name = dwarf_diename(&scopes[i]);
        }
        if (count > 0)
                free(scopes);
        return name;
}

static const char *without_dots(const char *file)
{
        while (strncmp(file, "./", 2) == 0 || strncmp(file, "../", 3) == 0)
                file = strchr(file, '/') + 1;
        return file;
}

/*
 * /home/ann/shop/build and /home/ann/shop/samples/shop.c give samples/shop.c: the
 * file from the deepest directory that holds both it and the build. A file that shares
 * only the root with the build keeps its whole name.
 */
static const char *shorten(const char *file, const char *directory)
{
        file = without_dots(file);
        if (!directory || file[0] != '/')
                return file;
        size_t shared = 0;
        for (size_t i = 0; file[i] && file[i] == directory[i]; i++)
                if (file[i] == '/')
                        shared = i;
        size_t whole = strlen(directory);
        if (strncmp(file, directory, whole) == 0 && file[whole] == '/')
                shared = whole;
        return shared > 0 ? without_dots(file + shared + 1) : file; /* clang joins them: build/../src/shop.c */
}

static void fill_line(Dwarf_Die *unit, Dwarf_Addr address, struct cop__place *place)
{
        int line = 0;
        Dwarf_Line *entry = dwarf_getsrc_die(unit, address);
        const char *file = entry ? dwarf_linesrc(entry, NULL, NULL) : NULL;
        if (!file || dwarf_lineno(entry, &line) != 0)
                return;
        Dwarf_Attribute attribute;
        const char *directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
        keep_end(place->file, sizeof place->file, shorten(file, directory));
        place->line = line > 0 ? (unsigned)line : 0;
}

/* Of the debug information that modules share, there is a second one. */
static void guard_memory(Dwfl_Module *module)
{
        Dwarf_Addr bias;
        Dwarf *information = dwfl_module_getdwarf(module, &bias);
        if (!information)
                return;
        dwarf_new_oom_handler(information, leave_libdw);
        Dwarf *shared = dwarf_getalt(information);
        if (shared)
                dwarf_new_oom_handler(shared, leave_libdw);
}

static bool look(struct cop__symbols *symbols, uintptr_t pc, struct cop__place *place)
{
        Dwfl_Module *module = open_dwfl(symbols) ? module_of(symbols, pc) : NULL;
        if (!module)
                return false;
        guard_memory(module);
        Dwarf_Addr bias = 0;
        Dwarf_Die *unit = unit_of(module, pc, &bias);
        const char *name = unit ? function_of(unit, pc - bias) : NULL;
        if (unit)
                fill_line(unit, pc - bias, place);
        if (!name)
                name = dwfl_module_addrname(module, pc);
        if (!name)
                return false;
        keep_start(place->function, sizeof place->function, name);
        return true;
}

/* As much as a look may take. There are places where libdw asserts that it has got what it asked for, or looks through NULL. */
#define LOOK_BYTES ((size_t)16 << 20)

static bool has_memory(void)
{
        void *volatile probe = malloc(LOOK_BYTES); /* which no compiler leaves out */
        bool is_there = probe != NULL;
        free(probe);
        return is_there;
}

static bool name_by_debug_information(struct cop__symbols *symbols, uintptr_t pc,
                                      struct cop__place *place)
{
        jmp_buf here;
        if (symbols->losses >= LOSSES_MAX)
                return false;
        if (!has_memory()) {
                symbols->is_poor = true;
                return false;
        }
        way_out = &here;
        if (_setjmp(here) == 0)
                return look(symbols, pc, place);
        symbols->losses++;
        symbols->dwfl = NULL;
        memset(place, 0, sizeof *place);
        return false;
}

#else

static bool name_by_debug_information(struct cop__symbols *symbols, uintptr_t pc,
                                      struct cop__place *place)
{
        (void)symbols;
        (void)pc;
        (void)place;
        return false;
}

static cop_status add_file(struct cop__symbols *symbols, int file, const char *path, uintptr_t low,
                           const void *build_id, size_t size)
{
        (void)symbols;
        (void)path;
        (void)low;
        (void)build_id;
        (void)size;
        close(file);
        return COP_E_NEEDS;
}

#endif

/* Not to be held up by a pipe or a device in the path's place. */
cop_status cop__symbols_add(struct cop__symbols *symbols, const char *path, uintptr_t low,
                            const void *build_id, size_t size)
{
        struct stat is;
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (file >= 0 && fstat(file, &is) == 0 && S_ISREG(is.st_mode))
                return add_file(symbols, file, path, low, build_id, size);
        if (file >= 0)
                close(file);
        return COP_E_SYSTEM;
}

static struct answer *answer_slot(struct cop__symbols *symbols, uintptr_t pc)
{
        uint64_t mixed = (uint64_t)pc * 0x9e3779b97f4a7c15u;
        return &symbols->answers[(mixed >> 32) % ANSWERS];
}

/*
 * Has a line not been found for want of a descriptor? Then it is looked for again the next time, and all is opened anew: libdw remembers
 * that it could not open a file.
 */
static bool is_for_want_of_descriptors(struct cop__symbols *symbols, const struct cop__place *place)
{
        if (place->line > 0 || symbols->is_past)
                return false;
        int probe = open("/", O_PATH | O_CLOEXEC);
        bool is_want = probe < 0 && (errno == EMFILE || errno == ENFILE);
        if (probe >= 0)
                close(probe);
#if COP__HAVE_LIBDW
        if (is_want && symbols->dwfl) {
                dwfl_end(symbols->dwfl);
                symbols->dwfl = NULL;
        }
#endif
        return is_want;
}

bool cop__place_of(struct cop__symbols *symbols, const void *pc, bool return_address,
                   struct cop__place *place)
{
        uintptr_t address = (uintptr_t)pc - (return_address && pc ? 1 : 0);

        pthread_mutex_lock(&symbols->lock);
        struct answer *answer = answer_slot(symbols, address);
        if (answer->pc != address || address == 0) {
                unsigned losses = symbols->losses;
                symbols->is_poor = false;
                memset(answer, 0, sizeof *answer);
                answer->known = name_by_debug_information(symbols, address, &answer->place);
                if (!answer->known && !symbols->is_past)
                        answer->known = name_by_file(address, &answer->place)
                                        || name_by_linker(address, &answer->place);
                if (!answer->known)
                        snprintf(answer->place.function, sizeof answer->place.function,
                                 "0x%llx", (unsigned long long)(uintptr_t)pc);
                bool is_for_now = symbols->is_poor || symbols->losses != losses || is_for_want_of_descriptors(symbols, &answer->place);
                answer->pc = is_for_now ? 0 : address;
        }
        *place = answer->place;
        bool known = answer->known;
        pthread_mutex_unlock(&symbols->lock);
        return known;
}
