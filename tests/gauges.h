/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What this process has of the system's: memory that is resident, and open descriptors. */
#ifndef TESTS_GAUGES_H
#define TESTS_GAUGES_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static inline size_t resident_bytes(void)
{
        unsigned long size = 0, resident = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &resident), 2);
        fclose(file);
        return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* A count that is good for comparing: what counts is in it. */
static inline int open_descriptors(void)
{
        int count = 0;
        DIR *dir = opendir("/proc/self/fd");
        ck_assert_ptr_nonnull(dir);
        while (readdir(dir) != NULL)
                count++;
        closedir(dir);
        return count;
}

#endif
