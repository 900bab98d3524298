/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The dump of a node (shell/client/dump.c) from a file that may be anybody's. */
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
