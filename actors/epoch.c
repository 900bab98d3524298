/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Sections in which nothing that was found is freed. See epoch.h. */
#include "actors/epoch.h"

#include <stdlib.h>

#include "actors/actor.h"
#include "base/memory.h"

/* What sections of all nodes release and whoever frees acquires, for ThreadSanitizer's eyes only. */
#if COP__TSAN
static const char all_sections;
#endif

void cop__epoch_begin(struct cop__here *here)
{
        ck_epoch_begin(here->registry.record, NULL);
}

void cop__epoch_end(struct cop__here *here)
{
#if COP__TSAN
        __tsan_release((void *)(uintptr_t)&all_sections);
#endif
        ck_epoch_end(here->registry.record, NULL);
}

void cop__epoch_call(struct cop__here *here, ck_epoch_entry_t *entry,
                     void (*free_it)(ck_epoch_entry_t *entry))
{
        ck_epoch_call(here->registry.record, entry, free_it);
}

void cop__epoch_over(void)
{
#if COP__TSAN
        __tsan_acquire((void *)(uintptr_t)&all_sections);
#endif
}

/* One step of the epoch frees what was taken out two steps ago. Who has taken out much goes all the way. */
void cop__epoch_poll(struct cop__here *here)
{
        ck_epoch_record_t *record = here->registry.record;
        int steps = record->n_pending > COP__EPOCH_PENDING ? 3 : 1;
        while (record->n_pending > 0 && steps-- > 0)
                ck_epoch_poll(record);
}

/* ---- Memory of tables ---------------------------------------------------------------- */

struct table_memory {
        ck_epoch_entry_t epoch;
        size_t unused; /* keeps what follows aligned to 16 bytes */
};

static void free_table_memory(ck_epoch_entry_t *entry)
{
        cop__epoch_over();
        free(COP__CONTAINER(entry, struct table_memory, epoch));
}

static void *table_malloc(size_t size)
{
        struct table_memory *memory = cop__malloc(sizeof(*memory) + size);
        return memory != NULL ? memory + 1 : NULL;
}

static void table_free(void *pointer, size_t size, bool defer)
{
        (void)size;
        if (pointer == NULL)
                return;
        struct table_memory *memory = (struct table_memory *)pointer - 1;
        struct cop__thread *thread = cop__thread_here();
        if (defer && thread != NULL)
                cop__epoch_call(cop__here_of(thread), &memory->epoch, free_table_memory);
        else
                free(memory);
}

struct ck_malloc cop__epoch_allocator(void)
{
        return (struct ck_malloc){ .malloc = table_malloc, .free = table_free };
}
