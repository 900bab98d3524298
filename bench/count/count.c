/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who wrote which cache line last, and how often that changed. See count.h.
 *
 * The table of lines is hashed without looking for a free place: a line that falls on another's place takes it, and the next
 * write to either is then counted as not moved. With a million places that is rare, and errs to the low side. Counters and places are
 * written by all threads, relaxed: this build is for counting and not for speed.
 */
#include "bench/count/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"

#define PLACES (1u << 20)
#define SITES_SHOWN 12

struct place {
        uintptr_t line;
        uintptr_t writer; /* an address that only that thread has */
};

static struct place places[PLACES];
static struct count_site *sites; /* new ones in front: compare-and-swap, never taken out */
static __thread char own_address;

static void make_known(struct count_site *site)
{
        if (__atomic_exchange_n(&site->known, 1, __ATOMIC_ACQ_REL) != 0)
                return;
        site->next = __atomic_load_n(&sites, __ATOMIC_ACQUIRE);
        while (!__atomic_compare_exchange_n(&sites, &site->next, site, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                continue;
}

void count_write(struct count_site *site, const volatile void *object)
{
        uintptr_t line = (uintptr_t)object / 64, self = (uintptr_t)&own_address;
        struct place *place = &places[line * UINT64_C(0x9e3779b97f4a7c15) >> 44];
        if (__atomic_load_n(&site->known, __ATOMIC_RELAXED) == 0)
                make_known(site);
        __atomic_fetch_add(&site->writes, 1, __ATOMIC_RELAXED);
        if (__atomic_load_n(&place->line, __ATOMIC_RELAXED) == line &&
            __atomic_load_n(&place->writer, __ATOMIC_RELAXED) != self)
                __atomic_fetch_add(&site->moved, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&place->line, line, __ATOMIC_RELAXED);
        __atomic_store_n(&place->writer, self, __ATOMIC_RELAXED);
}

/* An inline function in a header has a site in each file that includes it: they are one. */
static void add_to_twin(struct count_site **all, size_t *count, struct count_site *site)
{
        for (size_t i = 0; i < *count; i++) {
                if (all[i]->line != site->line || strcmp(all[i]->file, site->file) != 0)
                        continue;
                all[i]->writes += site->writes;
                all[i]->moved += site->moved;
                return;
        }
        all[(*count)++] = site;
}

static int compare_sites(const void *left, const void *right)
{
        const struct count_site *a = *(struct count_site *const *)left, *b = *(struct count_site *const *)right;
        if (a->moved != b->moved)
                return a->moved < b->moved ? 1 : -1;
        return a->writes < b->writes ? 1 : -1;
}

static size_t gather(struct count_site ***all)
{
        size_t room = 0, count = 0;
        for (struct count_site *site = sites; site != NULL; site = site->next)
                room++;
        *all = calloc(room + 1, sizeof(**all));
        BENCH_CHECK(*all != NULL, "no memory for the sites");
        for (struct count_site *site = sites; site != NULL; site = site->next)
                add_to_twin(*all, &count, site);
        qsort(*all, count, sizeof(**all), compare_sites);
        return count;
}

/* From the root of the tree. */
static const char *short_name(const char *file)
{
        const char *slash = strrchr(file, '/');
        while (slash != NULL && slash > file && *--slash != '/')
                continue;
        return slash == NULL || slash == file ? file : slash + 1;
}

void bench_tell_counts(const char *name, unsigned workers, uint64_t ops)
{
        struct count_site **all;
        size_t count = gather(&all);
        uint64_t writes = 0, locked = 0, moved = 0;
        for (size_t i = 0; i < count; i++) {
                writes += all[i]->writes;
                locked += all[i]->locked ? all[i]->writes : 0;
                moved += all[i]->moved;
        }
        printf("{\"name\":\"%s\",\"workers\":%u,\"ops\":%llu,\"writes\":%.3f,\"locked\":%.3f,\"moved\":%.4f}\n", name, workers,
               (unsigned long long)ops, (double)writes / (double)ops, (double)locked / (double)ops,
               (double)moved / (double)ops);
        for (size_t i = 0; i < count && i < SITES_SHOWN; i++)
                printf("        %8.4f moved %8.4f writes%s  %s:%d\n", (double)all[i]->moved / (double)ops,
                       (double)all[i]->writes / (double)ops, all[i]->locked ? ", locked" : "        ",
                       short_name(all[i]->file), all[i]->line);
        fflush(stdout);
        free(all);
}
