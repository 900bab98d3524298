/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The dump of a node (shell/client/dump.c) from a file that may be anybody's.
 *
 * A byte more in a record makes its length wrong, and the reader stops there. So the fuzzer is helped: three times of four what
 * changes is the body of one record, and its length with it.
 */
#define _GNU_SOURCE /* memfd_create */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actors/dump_file.h"
#include "shell/client/dump.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char path[64];
        int fd = memfd_create("dump", MFD_CLOEXEC);
        FUZZ_ASSERT(fd >= 0);
        FUZZ_ASSERT(write(fd, COP__DUMP_MAGIC, strlen(COP__DUMP_MAGIC)) > 0);
        FUZZ_ASSERT(write(fd, bytes, size) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        dump_print(path, false); /* or it would look at files that the input names */
        close(fd);
        return 0;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* libFuzzer is there */

#define LENGTH_SIZE 4u

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

static size_t length_at(const uint8_t *at)
{
        return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static void put_length(uint8_t *at, size_t length)
{
        for (unsigned i = 0; i < LENGTH_SIZE; i++)
                at[i] = (uint8_t)(length >> (8 * (LENGTH_SIZE - 1 - i)));
}

/* Where the record of that number begins, counted round and round; `size`: there is no whole one. */
static size_t find_record(const uint8_t *bytes, size_t size, unsigned number)
{
        size_t starts[64], at = 0, count = 0;
        while (count < 64 && size - at > LENGTH_SIZE && length_at(bytes + at) <= size - at - LENGTH_SIZE) {
                starts[count++] = at;
                at += LENGTH_SIZE + length_at(bytes + at);
        }
        return count > 0 ? starts[number % count] : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
        static uint8_t body[COP__DUMP_RECORD_MAX];
        size_t at = find_record(bytes, size, seed / 4);
        if (seed % 4 == 0 || at == size || length_at(bytes + at) > sizeof(body))
                return LLVMFuzzerMutate(bytes, size, most);
        size_t before = length_at(bytes + at), behind = at + LENGTH_SIZE + before;
        size_t room = before + (most - size) < sizeof(body) ? before + (most - size) : sizeof(body);
        if (room == 0)
                return size;
        memcpy(body, bytes + at + LENGTH_SIZE, before);
        size_t after = LLVMFuzzerMutate(body, before, room);
        memmove(bytes + at + LENGTH_SIZE + after, bytes + behind, size - behind);
        memcpy(bytes + at + LENGTH_SIZE, body, after);
        put_length(bytes + at, after);
        return size - before + after;
}

#endif
