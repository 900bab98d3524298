/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Memory of the heap that is refused on cue. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

static bool refuses(void *context)
{
        int *asked = context;
        return ++*asked % 2 == 0;
}

TEST(each_second_request_is_refused_when_the_simulation_says_so)
{
        int asked = 0;
        cop__memory_simulate(refuses, &asked);
        char *block = cop__malloc(4);
        ck_assert_ptr_nonnull(block);
        ck_assert_ptr_null(cop__malloc(4));
        free(block);
        block = cop__calloc(2, 4);
        ck_assert_mem_eq(block, "\0\0\0\0\0\0\0", 8);
        ck_assert_ptr_null(cop__calloc(2, 4));
        free(block);
        block = cop__aligned_alloc(64, 64);
        ck_assert_uint_eq((uintptr_t)block % 64, 0);
        ck_assert_ptr_null(cop__aligned_alloc(64, 64));
        free(block);
        cop__memory_simulate(NULL, NULL);
        ck_assert_int_eq(asked, 6);
}

TEST(what_was_to_grow_is_as_it_was_when_that_is_refused)
{
        int asked = 0;
        char *block = cop__malloc(4);
        memcpy(block, "oak", 4);
        cop__memory_simulate(refuses, &asked);
        block = cop__realloc(block, 100);
        ck_assert_str_eq(block, "oak");
        ck_assert_ptr_null(cop__realloc(block, 1000));
        ck_assert_str_eq(block, "oak");
        cop__memory_simulate(NULL, NULL);
        free(block);
}

TEST(without_a_simulation_nothing_is_refused)
{
        for (int i = 0; i < 10; i++) {
                void *block = cop__malloc(10);
                ck_assert_ptr_nonnull(block);
                free(block);
        }
}
