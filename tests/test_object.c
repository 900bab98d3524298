/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What is read of programs and libraries: tables that lack something, files that are none, a file that is cut off or spoilt. What cannot be read
 * is not known, and nothing else.
 */
#define _GNU_SOURCE
#include "tests/refused_calls.h"
#include "tests/suite.h"

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "actors/code_map.h"
#include "actors/object.h"

/* ---- In memory ----------------------------------------------------------------------------------------------------- */

static const char names[] = "\0first\0second";
static const ElfW(Sym) symbols[] = {
        { .st_name = 0 },
        { .st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1, .st_value = 0x10, .st_size = 8 },
        { .st_name = 7, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1, .st_value = 0x20, .st_size = 8 },
};
/* GNU's table, of one bucket: nothing is in it, or it begins with symbol 1, and the second word of its chain is the last. */
static const uint32_t hash_of_none[] = { 1, 1, 0, 0, 0 };
static const uint32_t hash_of_two[] = { 1, 1, 0, 0, 1, 2, 3 };
static const uint32_t old_hash[] = { 1, 3 };

/* The object whose dynamic section is that. */
static struct cop__object object_of(const ElfW(Dyn) *dynamic)
{
        static ElfW(Phdr) header;
        header = (ElfW(Phdr)){ .p_type = PT_DYNAMIC, .p_vaddr = (ElfW(Addr))dynamic };
        struct dl_phdr_info info = { .dlpi_addr = 0, .dlpi_phdr = &header, .dlpi_phnum = dynamic != NULL };
        struct cop__object object;
        cop__object_init(&object, &info);
        return object;
}

static ElfW(Dyn) entry(int64_t tag, const void *at)
{
        return (ElfW(Dyn)){ .d_tag = tag, .d_un = { .d_ptr = (ElfW(Addr))at } };
}

TEST(an_object_has_as_many_symbols_as_its_hash_table_says)
{
        const ElfW(Dyn) gnu[] = { entry(DT_SYMTAB, symbols), entry(DT_STRTAB, names), entry(DT_GNU_HASH, hash_of_two), { DT_NULL, { 0 } } };
        struct cop__object object = object_of(gnu);
        ck_assert_uint_eq(object.symbol_count, 3);
        ck_assert_str_eq(cop__object_function_at(&object, 0x17), "first");
        ck_assert_str_eq(cop__object_function_at(&object, 0x20), "second");
        ck_assert_ptr_null(cop__object_function_at(&object, 0x18));

        const ElfW(Dyn) old[] = { entry(DT_SYMTAB, symbols), entry(DT_STRTAB, names), entry(DT_HASH, old_hash), { DT_NULL, { 0 } } };
        object = object_of(old);
        ck_assert_uint_eq(object.symbol_count, 3);

        const ElfW(Dyn) none[] = { entry(DT_SYMTAB, symbols), entry(DT_STRTAB, names), entry(DT_GNU_HASH, hash_of_none), { DT_NULL, { 0 } } };
        object = object_of(none);
        ck_assert_uint_eq(object.symbol_count, 1);
        ck_assert_ptr_null(cop__object_function_at(&object, 0x10));
}

TEST(an_object_that_lacks_names_or_symbols_has_no_symbols)
{
        const ElfW(Dyn) nameless[] = { entry(DT_SYMTAB, symbols), entry(DT_GNU_HASH, hash_of_two), { DT_NULL, { 0 } } };
        const ElfW(Dyn) empty[] = { entry(DT_STRTAB, names), entry(DT_GNU_HASH, hash_of_two), { DT_NULL, { 0 } } };
        const ElfW(Dyn) *each[] = { nameless, empty, NULL };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                struct cop__object object = object_of(each[i]);
                ck_assert_ptr_null(object.symbols);
                ck_assert_uint_eq(object.symbol_count, 0);
                ck_assert_ptr_null(cop__object_function_at(&object, 0x10));
        }
}

/* ---- The program's file ---------------------------------------------------------------------------------------------- */

#if !COP__ASAN && !COP__TSAN /* they have open() for themselves */

static char *file;
static size_t file_size;

static void read_own_file(void)
{
        FILE *from = fopen("/proc/self/exe", "r");
        ck_assert_ptr_nonnull(from);
        ck_assert_int_eq(fseek(from, 0, SEEK_END), 0);
        file_size = (size_t)ftell(from);
        rewind(from);
        file = malloc(file_size);
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fread(file, 1, file_size, from), file_size);
        fclose(from);
}

static ElfW(Ehdr) *header(void)
{
        return (void *)file;
}

static ElfW(Shdr) *sections(void)
{
        return (void *)(file + header()->e_shoff);
}

static ElfW(Shdr) *symbol_table(void)
{
        for (size_t i = 0; i < header()->e_shnum; i++)
                if (sections()[i].sh_type == SHT_SYMTAB)
                        return &sections()[i];
        ck_abort_msg("this program has no table of symbols");
}

static ElfW(Shdr) *name_table(void)
{
        return &sections()[symbol_table()->sh_link];
}

/* Does the program find itself, with so much of the file that is held in memory in the place of its own? */
static bool finds_itself_in(size_t size)
{
        int fd = memfd_create("program", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq((int)write(fd, file, size), (int)size);
        open_gives(fd);
        struct cop__object object;
        bool has_read = cop__object_open_program(&object);
        ck_assert_msg(open_has_given(), "it was not asked for");
        /* Where the program lies is known all the same. */
        ck_assert(cop__object_contains(&object, (uintptr_t)symbol_table));
        const char *name = cop__object_function_at(&object, (uintptr_t)symbol_table);
        bool is_found = name != NULL && strcmp(name, "symbol_table") == 0;
        ck_assert(has_read || (name == NULL && object.file == NULL));
        cop__object_close_program(&object);
        ck_assert_ptr_null(object.file);
        ck_assert_ptr_null(cop__object_function_at(&object, (uintptr_t)symbol_table));
        return has_read && is_found;
}

TEST(a_program_knows_its_functions_from_its_file)
{
        read_own_file();
        ck_assert(finds_itself_in(file_size));
        free(file);
}

TEST(of_a_file_that_is_cut_off_nothing_is_known)
{
        read_own_file();
        ck_assert(!finds_itself_in(0));
        ck_assert(!finds_itself_in(sizeof(ElfW(Ehdr)) - 1));
        ck_assert(!finds_itself_in(sizeof(ElfW(Ehdr))));
        ck_assert(!finds_itself_in(header()->e_shoff));
        ck_assert(!finds_itself_in(header()->e_shoff + sizeof(ElfW(Shdr))));
        free(file);
}

/* Sets what is at `place` to `value` for one look. */
#define SPOILT(place, value)                                                            \
        do {                                                                            \
                __typeof__(place) was_ = (place);                                       \
                (place) = (__typeof__(place))(value);                                   \
                ck_assert_msg(!finds_itself_in(file_size), "with %s = %s", #place, #value); \
                (place) = was_;                                                         \
                ck_assert(finds_itself_in(file_size));                                  \
        } while (0)

TEST(of_a_file_whose_tables_lie_beyond_its_end_nothing_is_known)
{
        read_own_file();
        SPOILT(header()->e_shoff, file_size + 8);
        SPOILT(header()->e_shnum, 0);
        SPOILT(header()->e_shnum, 0xfeff);
        ElfW(Shdr) *own = symbol_table(), *of_names = name_table();
        SPOILT(own->sh_offset, file_size + 8);
        SPOILT(own->sh_size, file_size + 8);
        SPOILT(of_names->sh_offset, file_size + 8);
        SPOILT(of_names->sh_size, file_size + 8);
        SPOILT(own->sh_type, SHT_PROGBITS);
        SPOILT(own->sh_link, header()->e_shnum);
        free(file);
}

/* The last name must end in the table, and each symbol's must begin there. */
TEST(of_names_beyond_their_table_nothing_is_known)
{
        read_own_file();
        ElfW(Shdr) *of_names = name_table();
        SPOILT(file[of_names->sh_offset + of_names->sh_size - 1], 'x');
        SPOILT(of_names->sh_size, 0);
        ElfW(Sym) *symbol = (void *)(file + symbol_table()->sh_offset);
        for (size_t i = 0; i < symbol_table()->sh_size / sizeof(*symbol); i++)
                if (strcmp(file + of_names->sh_offset + symbol[i].st_name, "symbol_table") == 0)
                        SPOILT(symbol[i].st_name, file_size);
        free(file);
}

static size_t jumps_in(size_t size)
{
        struct cop__code_range jumps[4];
        int fd = memfd_create("program", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq((int)write(fd, file, size), (int)size);
        open_gives(fd);
        size_t count = cop__object_program_jumps(jumps, COP__COUNT(jumps));
        ck_assert_msg(open_has_given(), "it was not asked for");
        return count;
}

/* As with SPOILT. */
#define WITHOUT_JUMPS(place, value)                                                          \
        do {                                                                                 \
                __typeof__(place) was_ = (place);                                            \
                (place) = (__typeof__(place))(value);                                        \
                ck_assert_msg(jumps_in(file_size) == 0, "with %s = %s", #place, #value);     \
                (place) = was_;                                                              \
                ck_assert_uint_gt(jumps_in(file_size), 0);                                   \
        } while (0)

TEST(of_a_file_without_the_names_of_its_sections_no_jumps_are_known)
{
        read_own_file();
        ck_assert_uint_gt(jumps_in(file_size), 0);
        ck_assert_uint_eq(jumps_in(sizeof(ElfW(Ehdr)) - 1), 0);
        ck_assert_uint_eq(jumps_in(header()->e_shoff), 0);
        WITHOUT_JUMPS(header()->e_shstrndx, header()->e_shnum);
        ElfW(Shdr) *of_names = &sections()[header()->e_shstrndx];
        WITHOUT_JUMPS(of_names->sh_offset, file_size + 8);
        WITHOUT_JUMPS(of_names->sh_size, file_size + 8);
        free(file);
}

TEST(a_program_whose_file_cannot_be_had_knows_nothing_of_its_functions)
{
        struct cop__object object;
        refuse_call("open", ENOENT, 1);
        ck_assert(!cop__object_open_program(&object));
        ck_assert(stop_refusing_calls());
        ck_assert_ptr_null(cop__object_function_at(&object, (uintptr_t)symbol_table));
        cop__object_close_program(&object);
        /* Nor where it is something else: a folder cannot be mapped. */
        open_gives(open("/", O_RDONLY | O_CLOEXEC));
        ck_assert(!cop__object_open_program(&object));
        ck_assert(open_has_given());
        ck_assert_ptr_null(object.file);
        cop__object_close_program(&object);
}

#endif

/* ---- The map --------------------------------------------------------------------------------------------------------- */

#define PAGE 4096
#define AROUND 48

/* Near each mapping that holds code: what is none belongs to nobody. */
TEST(where_no_code_is_nobody_has_code)
{
        struct code {
                uintptr_t low, high;
        } code[256];
        size_t count = 0;
        char line[512], rights[8];
        FILE *maps = fopen("/proc/self/maps", "r");
        ck_assert_ptr_nonnull(maps);
        while (count < COP__COUNT(code) && fgets(line, sizeof(line), maps) != NULL)
                if (sscanf(line, "%lx-%lx %7s", &code[count].low, &code[count].high, rights) == 3 && rights[2] == 'x')
                        count++;
        fclose(maps);
        ck_assert_uint_ge(count, 3);
        struct cop__code_map *map = cop__code_map_new();
        ck_assert_ptr_nonnull(map);
        unsigned of_library = 0;
        for (size_t i = 0; i < count; i++) {
                for (uintptr_t pc = code[i].low - AROUND * PAGE; pc < code[i].high + AROUND * PAGE; pc += PAGE) {
                        bool is_code = false;
                        for (size_t j = 0; j < count; j++)
                                is_code |= pc >= code[j].low && pc < code[j].high;
                        enum cop__code found = cop__code_map_find(map, pc);
                        ck_assert_msg(is_code || found == COP__CODE_USER, "%#lx is no code, and of kind %d", pc, (int)found);
                        of_library += found != COP__CODE_USER;
                }
        }
        ck_assert_uint_gt(of_library, 10);
        cop__code_map_free(map);
        cop__code_map_free(NULL);
}
