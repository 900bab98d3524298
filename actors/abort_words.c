/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Reading glibc's last line, and taking an assertion out of it. See abort_words.h. */
#define _GNU_SOURCE
#include "actors/abort_words.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actors/fault.h"

/* What glibc's variable points to: the size of the mapping, then the text. */
struct kept {
        unsigned size;
        char text[];
};

const void *cop__abort_words_find(void)
{
        return dlsym(RTLD_DEFAULT, "__abort_msg");
}

/* Through the kernel, which answers a read of memory that is gone with an error. */
static size_t read_carefully(const void *from, void *to, size_t size)
{
        struct iovec here = { to, size };
        struct iovec there = { (void *)(uintptr_t)from, size };
        ssize_t copied = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
        return copied > 0 ? (size_t)copied : 0;
}

/* A thread that aborts later unmaps what we are about to read, and one later still may be writing there. Then there is
 * something newer. */
#define LOOKS 64

static bool is_whole(const char *text, size_t size)
{
        size_t length = strnlen(text, size);
        return length == size - 1 || (length > 0 && text[length - 1] == '\n');
}

void cop__abort_words_copy(const void *where, char *text, size_t size)
{
        const struct kept *kept;
        text[0] = '\0';
        for (int looks = 0; where != NULL && !is_whole(text, size) && looks < LOOKS; looks++) {
                if (read_carefully(where, &kept, sizeof(kept)) != sizeof(kept) || kept == NULL)
                        return;
                text[read_carefully(kept->text, text, size - 1)] = '\0';
        }
}

/* Has the culprit called the function that a failed assert() ends in? */
static bool is_assertion(const struct cop__fault *fault)
{
        Dl_info info;
        if (fault->signal != SIGABRT || fault->culprit == 0)
                return false;
        const void *callee = fault->backtrace.frames[fault->culprit - 1];
        return dladdr((const void *)((uintptr_t)callee - 1), &info) != 0 && info.dli_sname != NULL &&
               strcmp(info.dli_sname, "__assert_fail") == 0;
}

/* Does what stands between FILE:LINE and the mark hold the function's name? In C++ it has colons of its own, without a blank. */
static bool is_named(const char *said, const char *mark, const char *function)
{
        char name[COP__FAULT_SAID_MAX];
        size_t size = 0;
        while (mark - size > said && strncmp(mark - size - 1, ": ", 2) != 0)
                size++;
        memcpy(name, mark - size, size);
        name[size] = '\0';
        return strstr(name, function) != NULL;
}

/* "PROGRAM: FILE:LINE: FUNCTION: Assertion `CONDITION' failed." The function of C++ comes with its type. */
bool cop__abort_words_of(const struct cop__fault *fault, const char *function, char *text,
                         size_t size)
{
        static const char mark[] = ": Assertion `", end[] = "' failed.";
        const char *condition = strstr(fault->said, mark);
        if (condition == NULL || !is_assertion(fault))
                return false;
        if (!is_named(fault->said, condition, function))
                return false;
        condition += sizeof(mark) - 1;
        const char *after = strstr(condition, end);
        int length = after != NULL ? (int)(after - condition) : (int)strlen(condition);
        snprintf(text, size, "assertion failed: %.*s%s", length, condition, after != NULL ? "" : "...");
        return true;
}
