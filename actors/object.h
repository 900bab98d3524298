/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A loaded program or library and its table of symbols, read where it lies in memory.
 *
 * In memory an object has its dynamic symbols, which are the public ones. The program's
 * file has them all, unless it was stripped. Neither takes a lock or allocates.
 */
#ifndef ACTORS_OBJECT_H
#define ACTORS_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own_code.h"

struct cop__object {
        uintptr_t bias; /* what was added to the addresses in the file */
        const ElfW(Phdr) *headers;
        size_t header_count;
        const ElfW(Sym) *symbols; /* NULL: none are known */
        size_t symbol_count;
        const char *names;
        size_t names_size;

        /* Of the program's file, while it is open. */
        void *file;
        size_t file_size;
};

/* What the dynamic linker says of an object, with its dynamic symbols. */
void cop__object_init(struct cop__object *object, const struct dl_phdr_info *info);

/*
 * The running program with all its symbols, read from its file; end it with close. False:
 * it cannot be read, or was stripped; then only the symbols are missing.
 */
bool cop__object_open_program(struct cop__object *object);
void cop__object_close_program(struct cop__object *object);

/*
 * Where the running program's jumps into its libraries are, by its file: code that the linker has made, for the program's functions and
 * ours alike. Returns how many ranges it has filled in, at most so many; 0 if the file cannot be read.
 */
size_t cop__object_program_jumps(struct cop__code_range *ranges, size_t most);

/* NULL: it has no header of this type. */
const ElfW(Phdr) *cop__object_header(const struct cop__object *object, uint32_t type);

/* Is the address in what the object has mapped? */
bool cop__object_contains(const struct cop__object *object, uintptr_t address);

/* Is it a function that lies in this object? */
bool cop__symbol_is_function(const ElfW(Sym) *symbol);

/* Its name; "" where it should lie beyond all names. Valid while the object is open. */
const char *cop__symbol_name(const struct cop__object *object, const ElfW(Sym) *symbol);

/* The name of the function around an address, NULL: not known. Valid while it is open. */
const char *cop__object_function_at(const struct cop__object *object, uintptr_t address);

#endif
