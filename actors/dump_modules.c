/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What code lies where, in a dump: each file that is mapped to be executed, where it begins, and its build id, so that a reader can find
 * the line of a code address in the very build that has died (shell/client/dump_places.h).
 *
 * It is read off /proc/self/maps, which takes no lock; the dynamic linker's own list would.
 */
#define _GNU_SOURCE
#include "actors/dump_pen.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of a program with very many. */
#define MODULES_MAX 512u

/* How far into the list one looks: a node with many stacks has many mappings. */
#define MAPS_MAX ((size_t)8 << 20)

struct module {
        uintptr_t low;
        const char *path;
        const uint8_t *build_id;
        size_t build_id_size;
};

/* Reads the list line by line. */
struct maps {
        int fd;
        size_t size, at, seen;
        char buffer[1024];
        char line[512]; /* a longer one is cut */
};

static int next_char(struct maps *maps)
{
        if (maps->at == maps->size) {
                ssize_t got = maps->seen < MAPS_MAX ? read(maps->fd, maps->buffer, sizeof(maps->buffer)) : 0;
                if (got <= 0)
                        return -1;
                maps->size = (size_t)got;
                maps->seen += maps->size;
                maps->at = 0;
        }
        return (unsigned char)maps->buffer[maps->at++];
}

static bool next_line(struct maps *maps)
{
        size_t length = 0;
        int byte = next_char(maps);
        if (byte < 0)
                return false;
        for (; byte >= 0 && byte != '\n'; byte = next_char(maps))
                if (length + 1 < sizeof(maps->line))
                        maps->line[length++] = (char)byte;
        maps->line[length] = '\0';
        return true;
}

static uint64_t read_hex(const char **at)
{
        uint64_t value = 0;
        for (;; (*at)++) {
                char c = **at;
                if (c >= '0' && c <= '9')
                        value = value << 4 | (uint64_t)(c - '0');
                else if (c >= 'a' && c <= 'f')
                        value = value << 4 | (uint64_t)(c - 'a' + 10);
                else
                        return value;
        }
}

/* One line: 7f12000-7f13000 r-xp 00001000 08:01 123  /usr/lib/libc.so.6. False: it is no file. */
static bool read_line(const char *at, uintptr_t *low, bool *is_code, uint64_t *offset, const char **path)
{
        *low = (uintptr_t)read_hex(&at);
        at = strchr(at, ' ');
        if (at == NULL || strlen(at) < 6)
                return false;
        *is_code = at[3] == 'x';
        at += 6;
        *offset = read_hex(&at);
        *path = strchr(at, '/');
        return *path != NULL;
}

static void fill_module(struct cop__dump *dump, const void *subject)
{
        const struct module *module = subject;
        cop__dump_text(dump, "path", module->path);
        cop__dump_number(dump, "low", module->low);
        if (module->build_id != NULL)
                cop__dump_add_bytes(&dump->record, "build_id", module->build_id, module->build_id_size);
}

/* Finds the build id in the notes of the file that begins at `low`. It may fault: the file may be no program. */
static void find_build_id(struct cop__dump *dump, const void *subject)
{
        struct module *module = (struct module *)(uintptr_t)subject;
        const ElfW(Ehdr) *header = (const void *)module->low;
        const ElfW(Phdr) *each = (const void *)(module->low + header->e_phoff);
        (void)dump;
        if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
                return;
        for (size_t i = 0; i < header->e_phnum; i++) {
                const char *at = (const char *)module->low + each[i].p_offset; /* notes lie in the first segment */
                const char *end = at + each[i].p_filesz;
                while (each[i].p_type == PT_NOTE && end - at > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
                        const ElfW(Nhdr) *note = (const void *)at;
                        at += sizeof(*note) + ((note->n_namesz + 3) & ~3u);
                        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && note->n_descsz <= 64) {
                                module->build_id = (const uint8_t *)at;
                                module->build_id_size = note->n_descsz;
                                return;
                        }
                        at += (note->n_descsz + 3) & ~3u;
                }
        }
}

void cop__dump_put_modules(struct cop__dump *dump)
{
        struct maps maps = { .fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
        char path[512] = ""; /* of the file whose first byte was seen last */
        struct module module = { .path = path };
        bool is_told = true;
        unsigned count = 0;
        while (maps.fd >= 0 && count < MODULES_MAX && next_line(&maps)) {
                const char *name;
                uint64_t offset;
                uintptr_t low;
                bool is_code;
                if (!read_line(maps.line, &low, &is_code, &offset, &name))
                        continue;
                if (offset == 0 && strcmp(name, path) != 0) {
                        module = (struct module){ .low = low, .path = path };
                        memcpy(path, name, strlen(name) + 1);
                        is_told = false;
                }
                if (!is_code || is_told || strcmp(name, path) != 0)
                        continue;
                cop__dump_attempt(dump, find_build_id, &module);
                cop__dump_put(dump, "module", fill_module, &module);
                is_told = true;
                count++;
        }
        if (maps.fd >= 0)
                close(maps.fd);
}
