/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The map is drawn from the symbol tables of what is loaded.
 *
 * A stripped C library names its public functions only. Between two of them lie inner
 * ones, some of malloc, some of memcpy; so an address between names is UNNAMED, and
 * whoever walks the frames asks the caller, which in the end is a public function. Two
 * kinds are called from outside without a public name. One are the variants of memcpy and
 * its like that the linker picks for this processor: the linker tells where they begin,
 * and the code from there to the next name is of their kind. The other are what a public
 * function jumps to with its last instruction: the code between two harmless names, which
 * come from one source file or from two neighbours in a folder of strings.
 *
 *      symbols:  free ==== ------ printf ==== ------ strtol = ----- strtoul = ------
 *      map:      unsafe    unnamed  unsafe    unnamed  harmless ............. unnamed
 *
 *      symbols:  memcpy, picked for this processor: ==------------------ next name
 *      map:                                         harmless ...........
 */
#define _GNU_SOURCE
#include "actors/code_map.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "actors/code_names.h"
#include "actors/object.h"

struct range {
        uintptr_t low;
        uintptr_t high; /* the first address behind it */
        enum cop__code code;
};

/* An address outside all spans is in no range; there are few, so most look-ups end here. */
struct span {
        uintptr_t low;
        uintptr_t high;
};

struct cop__code_map {
        struct span *spans; /* ascending; neighbouring ranges taken together */
        size_t span_count;
        struct range *ranges; /* ascending, disjoint */
        size_t count;
        size_t room;
        bool is_blind;   /* the program is static, and has no symbols */
        bool has_failed; /* no memory for a range: the map is of no use */
};

/* Ranges nearer than this are in one span: less than lies between two libraries. */
#define SPAN_GAP ((uintptr_t)64 << 10)

/* A function in an object, while its part of the map is drawn. */
struct function {
        uintptr_t low;
        uintptr_t high;
        enum cop__code code;
        bool is_picked; /* chosen for this processor; its size is not known */
};

struct drawing {
        struct cop__code_map *map;
        bool is_program; /* the next object is the first, which is the program */
};

/* --- ranges ------------------------------------------------------------------ */

static void add_range(struct cop__code_map *map, uintptr_t low, uintptr_t high, enum cop__code code)
{
        if (low >= high || code == COP__CODE_USER || map->has_failed)
                return;
        struct range *last = map->count ? &map->ranges[map->count - 1] : NULL;
        if (last && last->high == low && last->code == code) {
                last->high = high;
                return;
        }
        if (map->count == map->room) {
                size_t room = map->room ? 2 * map->room : 1024;
                struct range *grown = realloc(map->ranges, room * sizeof *grown);
                if (!grown) {
                        map->has_failed = true;
                        return;
                }
                map->ranges = grown;
                map->room = room;
        }
        map->ranges[map->count++] = (struct range){ low, high, code };
}

static int by_address(const void *left, const void *right)
{
        const struct range *a = left, *b = right;
        return (a->low > b->low) - (a->low < b->low);
}

/* Of several names at one address, a harmless one and a known size come first. */
static int by_rank(const void *left, const void *right)
{
        const struct function *a = left, *b = right;
        if (a->low != b->low)
                return a->low > b->low ? 1 : -1;
        if (a->is_picked != b->is_picked)
                return a->is_picked ? 1 : -1;
        if (a->code != b->code)
                return a->code > b->code ? 1 : -1;
        return (a->high < b->high) - (a->high > b->high);
}

/* --- drawing ------------------------------------------------------------------- */

static bool is_of_the_library(const struct cop__object *object)
{
        for (size_t i = 0; i < object->symbol_count; i++)
                if (cop__symbol_is_function(&object->symbols[i])
                    && cop__code_name_marks_library(cop__symbol_name(object, &object->symbols[i])))
                        return true;
        return false;
}

static void draw_whole(struct cop__code_map *map, const struct cop__object *object,
                       enum cop__code code)
{
        for (size_t i = 0; i < object->header_count; i++) {
                const ElfW(Phdr) *header = &object->headers[i];
                uintptr_t low = object->bias + header->p_vaddr;
                if (header->p_type == PT_LOAD && header->p_flags & PF_X)
                        add_range(map, low, low + header->p_memsz, code);
        }
}

/* `handle` is the library's own: in the whole program a sanitizer may stand before it. */
static struct function library_function(const struct cop__object *object, const ElfW(Sym) *symbol,
                                        void *handle)
{
        const char *name = cop__symbol_name(object, symbol);
        struct function function = {
                .low = object->bias + symbol->st_value,
                .code = cop__code_name_is_harmless(name) ? COP__CODE_HARMLESS : COP__CODE_UNSAFE,
        };
        function.high = function.low + (symbol->st_size ? symbol->st_size : 1);
        bool is_variable = ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
        if (handle && is_variable && function.code == COP__CODE_HARMLESS) {
                uintptr_t picked = (uintptr_t)dlsym(handle, name);
                if (picked && cop__object_contains(object, picked)) {
                        function.low = picked;
                        function.high = picked + 1;
                        function.is_picked = true;
                }
        }
        return function;
}

static void draw_segment(struct cop__code_map *map, const struct function *functions, size_t count,
                         const struct range *segment)
{
        uintptr_t at = segment->low, high = segment->high;
        enum cop__code last = COP__CODE_UNSAFE; /* before the gap; a picked one decides alone */
        bool is_picked = false;
        for (size_t i = 0; i < count && functions[i].low < high; i++) {
                const struct function *function = &functions[i];
                if (function->low < at)
                        continue;
                bool is_harmless = is_picked || (last == COP__CODE_HARMLESS
                                                 && function->code == COP__CODE_HARMLESS);
                add_range(map, at, function->low,
                          is_harmless ? COP__CODE_HARMLESS : segment->code);
                at = function->high < high ? function->high : high;
                add_range(map, function->low, at, function->code);
                last = function->code;
                is_picked = function->is_picked;
        }
        add_range(map, at, high, is_picked ? COP__CODE_HARMLESS : segment->code);
}

static void draw_library(struct cop__code_map *map, const struct cop__object *object,
                         const char *path)
{
        struct function *functions = calloc(object->symbol_count + 1, sizeof *functions);
        if (!functions) {
                map->has_failed = true;
                return;
        }
        void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
        size_t count = 0;
        bool is_sanitizer = false;
        for (size_t i = 0; i < object->symbol_count; i++) {
                const ElfW(Sym) *symbol = &object->symbols[i];
                if (!cop__symbol_is_function(symbol))
                        continue;
                functions[count++] = library_function(object, symbol, handle);
                is_sanitizer |= cop__code_name_marks_sanitizer(cop__symbol_name(object, symbol));
        }
        if (handle)
                dlclose(handle);
        qsort(functions, count, sizeof *functions, by_rank);

        /* All that can be called of a sanitizer has a name; the rest is its bookkeeping. */
        enum cop__code between = is_sanitizer ? COP__CODE_HARMLESS : COP__CODE_UNNAMED;
        for (size_t i = 0; i < object->header_count; i++) {
                const ElfW(Phdr) *header = &object->headers[i];
                uintptr_t low = object->bias + header->p_vaddr;
                struct range segment = { low, low + header->p_memsz, between };
                if (header->p_type == PT_LOAD && header->p_flags & PF_X)
                        draw_segment(map, functions, count, &segment);
        }
        free(functions);
}

/* The functions of an object that have one of these names, the rest being the user's. */
static void draw_named(struct cop__code_map *map, const struct cop__object *object, bool is_static)
{
        for (size_t i = 0; i < object->symbol_count; i++) {
                const ElfW(Sym) *symbol = &object->symbols[i];
                const char *name = cop__symbol_name(object, symbol);
                bool is_unsafe = is_static ? cop__code_name_is_unsafe(name)
                                           : cop__code_name_allocates(name);
                uintptr_t low = object->bias + symbol->st_value;
                if (!cop__symbol_is_function(symbol))
                        continue;
                if (is_unsafe)
                        add_range(map, low, low + symbol->st_size, COP__CODE_UNSAFE);
                else if (cop__code_name_intercepts(name)
                         || (is_static && cop__code_name_is_reserved(name)))
                        add_range(map, low, low + symbol->st_size, COP__CODE_HARMLESS);
        }
}

/* Its symbols are in the file only, as nobody needs them in memory. */
static void draw_static(struct cop__code_map *map, const struct cop__object *loaded)
{
        struct cop__object program;
        if (!cop__object_open_program(&program)) {
                draw_whole(map, loaded, COP__CODE_UNSAFE);
                map->is_blind = true;
                return;
        }
        program.bias = loaded->bias;
        draw_named(map, &program, true);
        cop__object_close_program(&program);
}

static int draw_object(struct dl_phdr_info *info, size_t size, void *opaque)
{
        (void)size;
        struct drawing *drawing = opaque;
        struct cop__code_map *map = drawing->map;
        struct cop__object object;
        bool is_program = drawing->is_program;
        drawing->is_program = false;
        cop__object_init(&object, info);

        if (cop__object_contains(&object, getauxval(AT_SYSINFO_EHDR)))
                return 0;
        if (is_program && !cop__object_header(&object, PT_INTERP))
                draw_static(map, &object);
        else if (is_program)
                draw_named(map, &object, false);
        else if (cop__object_contains(&object, (uintptr_t)cop__code_map_new))
                draw_whole(map, &object, COP__CODE_RUNTIME);
        else if (is_of_the_library(&object))
                draw_library(map, &object, info->dlpi_name);
        else if (cop__object_contains(&object, getauxval(AT_BASE)))
                draw_whole(map, &object, COP__CODE_UNSAFE);
        else if (cop__code_file_is_a_languages(info->dlpi_name))
                draw_whole(map, &object, COP__CODE_LANGUAGE);
        else
                draw_named(map, &object, false);
        return 0;
}

static void take_together(struct cop__code_map *map)
{
        qsort(map->ranges, map->count, sizeof map->ranges[0], by_address);
        map->spans = calloc(map->count, sizeof map->spans[0]);
        if (!map->spans) {
                map->has_failed = true;
                return;
        }
        for (size_t i = 0; i < map->count; i++) {
                const struct range *range = &map->ranges[i];
                struct span *last = map->span_count ? &map->spans[map->span_count - 1] : NULL;
                if (last && range->low - last->high < SPAN_GAP)
                        last->high = range->high > last->high ? range->high : last->high;
                else
                        map->spans[map->span_count++] = (struct span){ range->low, range->high };
        }
}

struct cop__code_map *cop__code_map_new(void)
{
        struct cop__code_map *map = calloc(1, sizeof *map);
        if (!map)
                return NULL;
        struct drawing drawing = { .map = map, .is_program = true };
        dl_iterate_phdr(draw_object, &drawing);
        if (map->count > 0 && !map->has_failed)
                take_together(map);
        if (map->has_failed) {
                cop__code_map_free(map);
                return NULL;
        }
        return map;
}

void cop__code_map_free(struct cop__code_map *map)
{
        if (!map)
                return;
        free(map->spans);
        free(map->ranges);
        free(map);
}

bool cop__code_map_is_blind(const struct cop__code_map *map)
{
        return map != NULL && map->is_blind;
}

static bool is_in_a_span(const struct cop__code_map *map, uintptr_t pc)
{
        if (map->count == 0 || pc < map->spans[0].low || pc >= map->spans[map->span_count - 1].high)
                return false;
        size_t i = 0;
        while (pc >= map->spans[i].high) /* ends at the last span at the latest */
                i++;
        return pc >= map->spans[i].low;
}

enum cop__code cop__code_map_find(const struct cop__code_map *map, uintptr_t pc)
{
        if (!is_in_a_span(map, pc))
                return COP__CODE_USER;
        size_t low = 0, high = map->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (map->ranges[middle].high <= pc)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low < map->count && map->ranges[low].low <= pc)
                return map->ranges[low].code;
        return COP__CODE_USER;
}
