/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The notes that the linker has collected, as ranges. See own_code.h. */
#include "base/own_code.h"

#include <stdlib.h>

/* As own_code_mark.h writes it: each distance is from the word that holds it. */
struct note {
        int32_t low, high;
};

/* From the linker, for a section whose name is an identifier. */
extern const struct note __start_cop_own_code[] __attribute__((visibility("hidden")));
extern const struct note __stop_cop_own_code[] __attribute__((visibility("hidden")));

/* Code that the linker has put between two of our files (alignment) belongs to neither: it is never run. */
#define GAP 64

static uintptr_t address_in(const int32_t *word)
{
        return (uintptr_t)word + (uintptr_t)(intptr_t)*word;
}

static int by_address(const void *left, const void *right)
{
        const struct cop__code_range *a = left, *b = right;
        return (a->low > b->low) - (a->low < b->low);
}

size_t cop__own_code_max(void)
{
        return (size_t)(__stop_cop_own_code - __start_cop_own_code);
}

size_t cop__own_code(struct cop__code_range *ranges)
{
        size_t count = 0, merged = 0;
        for (const struct note *note = __start_cop_own_code; note < __stop_cop_own_code; note++) {
                struct cop__code_range range = { address_in(&note->low), address_in(&note->high) };
                if (range.low < range.high)
                        ranges[count++] = range;
        }
        qsort(ranges, count, sizeof(ranges[0]), by_address);
        for (size_t i = 0; i < count; i++) {
                if (merged > 0 && ranges[i].low - ranges[merged - 1].high < GAP)
                        ranges[merged - 1].high = ranges[i].high;
                else
                        ranges[merged++] = ranges[i];
        }
        return merged;
}

bool cop__own_code_has(uintptr_t address)
{
        for (const struct note *note = __start_cop_own_code; note < __stop_cop_own_code; note++)
                if (address >= address_in(&note->low) && address < address_in(&note->high))
                        return true;
        return false;
}
