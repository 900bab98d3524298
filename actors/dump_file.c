/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Records into a file, in a handler. See dump_file.h. */
#define _GNU_SOURCE
#include "actors/dump_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/fault.h"
#include "mailbox/codec.h"

/* What stands before the pairs: the record's length, and a map's head with a count of 32 bits. */
#define LENGTH_SIZE 4u
#define HEAD_SIZE (LENGTH_SIZE + 5u)

/* ---- The file -------------------------------------------------------------------------- */

static void fail(struct cop__dump_file *file)
{
        if (file->error == 0)
                file->error = errno != 0 ? errno : EIO;
}

static void write_all(struct cop__dump_file *file, const void *bytes, size_t size)
{
        const char *at = bytes;
        while (size > 0 && file->error == 0) {
                errno = 0;
                ssize_t written = write(file->fd, at, size);
                if (written < 0 && errno == EINTR)
                        continue;
                if (written <= 0) {
                        fail(file);
                        return;
                }
                at += written;
                size -= (size_t)written;
        }
}

/*
 * A name that nobody else uses, in the same folder. Whatever lies there is no dump that anyone asked for: it is taken away,
 * and where that is not allowed, O_EXCL refuses to follow or to share it.
 */
static int open_new(const char *path)
{
        int fd = -1;
        unlink(path);
        for (unsigned tries = 0; fd < 0 && tries < COP__FAULT_OPEN_TRIES; tries++) {
                fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (fd < 0 && !cop__fault_free_descriptor(errno))
                        break;
        }
        return fd;
}

bool cop__dump_open(struct cop__dump_file *file, const char *path)
{
        char temporary[COP__DUMP_PATH_MAX + 24];
        *file = (struct cop__dump_file){ .fd = -1 };
        snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
        file->fd = open_new(temporary);
        if (file->fd < 0) {
                fail(file);
                return false;
        }
        if (fchmod(file->fd, 0600) != 0 || rename(temporary, path) != 0) {
                fail(file);
                unlink(temporary);
                close(file->fd);
                file->fd = -1;
                return false;
        }
        write_all(file, COP__DUMP_MAGIC, sizeof(COP__DUMP_MAGIC) - 1);
        return file->error == 0;
}

void cop__dump_close(struct cop__dump_file *file)
{
        if (file->fd >= 0 && close(file->fd) != 0)
                fail(file);
        file->fd = -1;
}

/* ---- A record ----------------------------------------------------------------------------- */

static int put_bytes(void *opaque, const char *bytes, size_t size)
{
        struct cop__dump_record *record = opaque;
        if (size > COP__DUMP_RECORD_MAX - record->size) {
                record->is_full = true;
                return -1;
        }
        memcpy(record->bytes + record->size, bytes, size);
        record->size += (uint32_t)size;
        return 0;
}

/* A pair that does not fit is taken back whole, and so are all after it. */
static void end_pair(struct cop__dump_record *record, uint32_t size_before)
{
        if (record->is_full)
                record->size = size_before;
        else
                record->pairs++;
}

static void put_key(struct cop__dump_record *record, const char *key)
{
        msgpack_pack_str_with_body(&record->packer, key, strlen(key));
}

void cop__dump_add_bytes(struct cop__dump_record *record, const char *key, const void *bytes,
                         size_t size)
{
        uint32_t before = record->size;
        put_key(record, key);
        msgpack_pack_bin_with_body(&record->packer, bytes, size);
        end_pair(record, before);
}

void cop__dump_add_text(struct cop__dump_record *record, const char *key, const char *text)
{
        cop__dump_add_bytes(record, key, text, strnlen(text, COP__DUMP_TEXT_MAX));
}

void cop__dump_add_number(struct cop__dump_record *record, const char *key, uint64_t value)
{
        uint32_t before = record->size;
        put_key(record, key);
        msgpack_pack_uint64(&record->packer, value);
        end_pair(record, before);
}

static void put_high_first(uint8_t *at, uint64_t value, unsigned size)
{
        for (unsigned i = 0; i < size; i++)
                at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

void cop__dump_add_pid(struct cop__dump_record *record, const char *key, cop_pid pid)
{
        uint32_t before = record->size;
        uint8_t bits[8];
        put_high_first(bits, pid.bits, sizeof(bits));
        put_key(record, key);
        msgpack_pack_ext_with_body(&record->packer, bits, sizeof(bits), COP__EXT_PID);
        end_pair(record, before);
}

void cop__dump_begin(struct cop__dump_record *record, const char *what)
{
        msgpack_packer_init(&record->packer, record, put_bytes);
        record->pairs = 0;
        record->size = HEAD_SIZE;
        record->is_full = false;
        cop__dump_add_text(record, "what", what);
}

void cop__dump_end(struct cop__dump_file *file, struct cop__dump_record *record)
{
        put_high_first(record->bytes, record->size - LENGTH_SIZE, LENGTH_SIZE);
        record->bytes[LENGTH_SIZE] = 0xdf; /* a map with a count of 32 bits */
        put_high_first(record->bytes + LENGTH_SIZE + 1, record->pairs, 4);
        write_all(file, record->bytes, record->size);
        file->records++;
}
