/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Reading ELF, as little of it as it takes.
 */
#define _GNU_SOURCE
#include "actors/object.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* GNU's hash table has no count of symbols: its highest chain ends with the last one. */
static size_t count_by_gnu_hash(const uint32_t *hash)
{
        uint32_t buckets = hash[0], first = hash[1], words = hash[2], last = 0;
        const uint32_t *bucket = hash + 4 + words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
        const uint32_t *chain = bucket + buckets;
        for (uint32_t i = 0; i < buckets; i++)
                if (bucket[i] > last)
                        last = bucket[i];
        if (last < first)
                return first;
        while (!(chain[last - first] & 1))
                last++;
        return last + 1;
}

/* The dynamic linker makes these pointers absolute, except on the vDSO and with musl. */
static const void *dynamic_pointer(const struct cop__object *object, ElfW(Addr) value)
{
        return (const void *)(value < object->bias ? object->bias + value : value);
}

static void read_dynamic(struct cop__object *object, const ElfW(Dyn) *entry)
{
        for (; entry->d_tag != DT_NULL; entry++) {
                const void *pointer = dynamic_pointer(object, entry->d_un.d_ptr);
                if (entry->d_tag == DT_SYMTAB)
                        object->symbols = pointer;
                else if (entry->d_tag == DT_STRTAB)
                        object->names = pointer;
                else if (entry->d_tag == DT_GNU_HASH)
                        object->symbol_count = count_by_gnu_hash(pointer);
                else if (entry->d_tag == DT_HASH && !object->symbol_count)
                        object->symbol_count = ((const uint32_t *)pointer)[1];
        }
}

void cop__object_init(struct cop__object *object, const struct dl_phdr_info *info)
{
        *object = (struct cop__object){
                .bias = info->dlpi_addr,
                .headers = info->dlpi_phdr,
                .header_count = info->dlpi_phnum,
        };
        const ElfW(Phdr) *dynamic = cop__object_header(object, PT_DYNAMIC);
        object->names_size = SIZE_MAX; /* the linker has read them */
        if (dynamic)
                read_dynamic(object, (const void *)(object->bias + dynamic->p_vaddr));
        if (!object->names)
                object->symbols = NULL;
        if (!object->symbols)
                object->symbol_count = 0;
}

const ElfW(Phdr) *cop__object_header(const struct cop__object *object, uint32_t type)
{
        for (size_t i = 0; i < object->header_count; i++)
                if (object->headers[i].p_type == type)
                        return &object->headers[i];
        return NULL;
}

bool cop__object_contains(const struct cop__object *object, uintptr_t address)
{
        for (size_t i = 0; i < object->header_count; i++) {
                const ElfW(Phdr) *header = &object->headers[i];
                uintptr_t low = object->bias + header->p_vaddr;
                if (header->p_type == PT_LOAD && address >= low && address - low < header->p_memsz)
                        return true;
        }
        return false;
}

bool cop__symbol_is_function(const ElfW(Sym) *symbol)
{
        unsigned type = ELF64_ST_TYPE(symbol->st_info);
        return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

const char *cop__symbol_name(const struct cop__object *object, const ElfW(Sym) *symbol)
{
        return symbol->st_name < object->names_size ? object->names + symbol->st_name : "";
}

const char *cop__object_function_at(const struct cop__object *object, uintptr_t address)
{
        for (size_t i = 0; i < object->symbol_count; i++) {
                const ElfW(Sym) *symbol = &object->symbols[i];
                const char *name = cop__symbol_name(object, symbol);
                if (cop__symbol_is_function(symbol) && *name != '\0'
                    && address - object->bias - symbol->st_value < symbol->st_size)
                        return name;
        }
        return NULL;
}

/* --- the program's file ----------------------------------------------------------- */

struct sections {
        const ElfW(Shdr) *all;
        size_t count, names; /* the one with their names */
};

/* False: the file is cut short. */
static bool sections_of(const char *file, size_t size, struct sections *sections)
{
        const ElfW(Ehdr) *header = (const void *)file;
        if (size < sizeof *header || header->e_shoff > size
            || (size_t)header->e_shnum * sizeof(ElfW(Shdr)) > size - header->e_shoff)
                return false;
        *sections = (struct sections){ (const void *)(file + header->e_shoff), header->e_shnum, header->e_shstrndx };
        return true;
}

/* Finds the full symbol table in the mapped file. */
static bool read_sections(struct cop__object *object, const char *file, size_t size)
{
        struct sections sections;
        if (!sections_of(file, size, &sections))
                return false;
        for (size_t i = 0; i < sections.count; i++) {
                const ElfW(Shdr) *section = &sections.all[i];
                if (section->sh_type != SHT_SYMTAB || section->sh_link >= sections.count)
                        continue;
                const ElfW(Shdr) *names = &sections.all[section->sh_link];
                if (section->sh_offset > size || section->sh_size > size - section->sh_offset
                    || names->sh_offset > size || names->sh_size > size - names->sh_offset
                    || names->sh_size == 0 || file[names->sh_offset + names->sh_size - 1] != '\0')
                        return false;
                object->symbols = (const void *)(file + section->sh_offset);
                object->symbol_count = section->sh_size / sizeof(ElfW(Sym));
                object->names = file + names->sh_offset;
                object->names_size = names->sh_size;
                return true;
        }
        return false;
}

/* The kernel says where the headers lie, and they say where they should: themselves, or else
 * the segment that begins the file does, since they follow the file's own header. */
static void find_program(struct cop__object *object)
{
        *object = (struct cop__object){
                .headers = (const void *)getauxval(AT_PHDR),
                .header_count = getauxval(AT_PHNUM),
        };
        const ElfW(Phdr) *own = cop__object_header(object, PT_PHDR);
        if (own) {
                object->bias = (uintptr_t)object->headers - own->p_vaddr;
                return;
        }
        const ElfW(Phdr) *first = cop__object_header(object, PT_LOAD);
        if (first && first->p_offset == 0)
                object->bias = (uintptr_t)object->headers - sizeof(ElfW(Ehdr)) - first->p_vaddr;
}

/* False: nothing is mapped. */
static bool map_program(struct cop__object *object)
{
        struct stat status;
        find_program(object);
        int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        if (descriptor < 0)
                return false;
        bool has_size = fstat(descriptor, &status) == 0 && status.st_size > 0;
        void *file = has_size ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0) : MAP_FAILED;
        close(descriptor);
        if (file == MAP_FAILED)
                return false;
        object->file = file;
        object->file_size = (size_t)status.st_size;
        return true;
}

bool cop__object_open_program(struct cop__object *object)
{
        if (!map_program(object))
                return false;
        if (read_sections(object, object->file, object->file_size))
                return true;
        cop__object_close_program(object);
        return false;
}

/* Is it one of ".plt", ".plt.sec", ".plt.got", where the program's jumps into libraries are? */
static bool is_of_jumps(const char *names, size_t size, const ElfW(Shdr) *section)
{
        return section->sh_flags & SHF_EXECINSTR && section->sh_name < size && size - section->sh_name > 4
               && memcmp(names + section->sh_name, ".plt", 4) == 0;
}

static size_t find_jumps(const struct cop__object *object, const char *file, size_t size, struct cop__code_range *ranges, size_t most)
{
        size_t count = 0;
        struct sections sections;
        if (!sections_of(file, size, &sections) || sections.names >= sections.count)
                return 0;
        const ElfW(Shdr) *names = &sections.all[sections.names];
        if (names->sh_offset > size || names->sh_size > size - names->sh_offset)
                return 0;
        for (size_t i = 0; i < sections.count && count < most; i++) {
                uintptr_t low = object->bias + sections.all[i].sh_addr;
                if (is_of_jumps(file + names->sh_offset, names->sh_size, &sections.all[i]))
                        ranges[count++] = (struct cop__code_range){ low, low + sections.all[i].sh_size };
        }
        return count;
}

size_t cop__object_program_jumps(struct cop__code_range *ranges, size_t most)
{
        struct cop__object program;
        if (!map_program(&program))
                return 0;
        size_t count = find_jumps(&program, program.file, program.file_size, ranges, most);
        cop__object_close_program(&program);
        return count;
}

void cop__object_close_program(struct cop__object *object)
{
        if (object->file)
                munmap(object->file, object->file_size);
        object->file = NULL;
        object->symbols = NULL;
        object->symbol_count = 0;
}
