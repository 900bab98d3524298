/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See processors.h. */
#define _GNU_SOURCE
#include "base/processors.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where control groups are shown (the second version's), and which of them this process is in, behind "0::". */
#define GROUPS "/sys/fs/cgroup"
#define OWN_GROUPS "/proc/self/cgroup"

unsigned cop__processors_of_quota(const char *text)
{
        char *end;
        unsigned long long quota = strtoull(text, &end, 10), period;
        if (end == text || *end != ' ')
                return 0; /* max */
        period = strtoull(end, NULL, 10);
        if (quota == 0 || period == 0)
                return 0;
        unsigned long long count = quota / period + (quota % period != 0);
        return count < UINT_MAX ? (unsigned)count : UINT_MAX;
}

/* Of one group, which is a path from `groups` on. */
static unsigned quota_of(const char *groups, const char *group)
{
        char path[2 * PATH_MAX], text[64];
        snprintf(path, sizeof(path), "%s%s/cpu.max", groups, group);
        FILE *file = fopen(path, "re");
        if (file == NULL)
                return 0;
        bool any = fgets(text, sizeof(text), file) != NULL;
        fclose(file);
        return any ? cop__processors_of_quota(text) : 0;
}

/* Its own group's path, without a slash at the end; "": the root's, or none is known. */
static void find_group(const char *own, char group[PATH_MAX])
{
        char line[PATH_MAX];
        group[0] = '\0';
        FILE *file = fopen(own, "re");
        if (file == NULL)
                return;
        while (fgets(line, sizeof(line), file) != NULL) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "0::/", 4) == 0 && line[4] != '\0')
                        strcpy(group, line + 3);
        }
        fclose(file);
}

unsigned cop__processors_quota(const char *own, const char *groups)
{
        char group[PATH_MAX];
        find_group(own, group);
        unsigned least = quota_of(groups, group);
        for (char *slash; (slash = strrchr(group, '/')) != NULL;) {
                *slash = '\0';
                unsigned above = quota_of(groups, group);
                if (above != 0 && (least == 0 || above < least))
                        least = above;
        }
        return least;
}

unsigned cop__processors_in(const char *own, const char *groups)
{
        cpu_set_t set;
        long count = sysconf(_SC_NPROCESSORS_ONLN);
        if (sched_getaffinity(0, sizeof(set), &set) == 0) /* fails with more than 1,024 of them */
                count = CPU_COUNT(&set);
        unsigned allowed = cop__processors_quota(own, groups);
        if (allowed != 0 && (long)allowed < count)
                count = (long)allowed;
        return count < 1 ? 1 : (unsigned)count;
}

unsigned cop__processors(void)
{
        return cop__processors_in(OWN_GROUPS, GROUPS);
}
