/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The intrusive hash table, with memory that fails on demand: the source is compiled
 * into this test with its allocation replaced, which no other way reaches.
 */
#include "tests/suite.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int allocations;
static bool memory_is_short;

static void *calloc_on_demand(size_t count, size_t size)
{
        allocations++;
        return memory_is_short ? NULL : calloc(count, size);
}

#include "base/memory.h"

#define cop__calloc calloc_on_demand
#include "base/table.c"
#undef cop__calloc

#define MANY 10000
#define KEYS 50
#define NODES 400
#define STEPS 400000

struct item {
        struct cop__table_node node;
        bool present;
        int visits;
};

static struct item items[MANY];

/* A table of zeros, and nothing left of the test before, should both run in one process. */
static struct cop__table fresh_table(void)
{
        memset(items, 0, sizeof(items));
        allocations = 0;
        memory_is_short = false;
        return (struct cop__table){ 0 };
}

static void insert(struct cop__table *table, struct item *item, uint64_t key)
{
        item->node.key = key;
        item->present = true;
        cop__table_insert(table, &item->node);
}

static void remove_item(struct cop__table *table, struct item *item)
{
        cop__table_remove(table, &item->node);
        item->present = false;
}

static int count_with_key(const struct cop__table *table, uint64_t key)
{
        int count = 0;
        struct cop__table_node *node = cop__table_find_first(table, key);
        for (; node; node = cop__table_find_next(node)) {
                ck_assert_uint_eq(node->key, key);
                count++;
        }
        return count;
}

/* Every item that is present is visited once, and nothing else is. */
static void expect_walk(const struct cop__table *table, int limit)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        size_t visited = 0;
        cop__table_walk_init(&walk, table);
        while ((node = cop__table_walk_next(&walk))) {
                COP__CONTAINER(node, struct item, node)->visits++;
                visited++;
        }
        ck_assert_uint_eq(visited, table->count);
        for (int i = 0; i < limit; i++) {
                ck_assert_int_eq(items[i].visits, items[i].present);
                items[i].visits = 0;
        }
}

static size_t longest_chain(const struct cop__table *table)
{
        size_t longest = 0;
        for (size_t i = 0; i < table->capacity; i++) {
                size_t length = 0;
                for (struct cop__table_node *at = table->buckets[i]; at; at = at->next)
                        length++;
                if (length > longest)
                        longest = length;
        }
        return longest;
}

TEST(a_table_of_zeros_is_empty)
{
        struct cop__table table = fresh_table();
        ck_assert_ptr_null(cop__table_find_first(&table, 0));
        expect_walk(&table, 0);
        cop__table_fini(&table);
}

TEST(a_few_members_cost_no_memory)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < COP__TABLE_FEW; i++)
                insert(&table, &items[i], (uint64_t)i);
        ck_assert_int_eq(allocations, 0);
        for (int i = 0; i < COP__TABLE_FEW; i++)
                ck_assert_ptr_eq(cop__table_find_first(&table, (uint64_t)i), &items[i].node);
        insert(&table, &items[COP__TABLE_FEW], COP__TABLE_FEW);
        ck_assert_int_eq(allocations, 1);
        expect_walk(&table, COP__TABLE_FEW + 1);
        cop__table_fini(&table);
}

TEST(nodes_with_one_key_are_all_found)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < 30; i++)
                insert(&table, &items[i], (uint64_t)(i % 3));
        for (uint64_t key = 0; key < 3; key++)
                ck_assert_int_eq(count_with_key(&table, key), 10);
        remove_item(&table, &items[3]);
        ck_assert_int_eq(count_with_key(&table, 0), 9);
        ck_assert_int_eq(count_with_key(&table, 4), 0);
        cop__table_fini(&table);
}

TEST(a_node_that_gets_another_key_is_found_under_that_one_alone)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < 30; i++) {
                insert(&table, &items[i], (uint64_t)(i % 3));
                cop__table_rekey(&table, &items[i].node, (uint64_t)(i % 3 + 3));
                ck_assert_int_eq(count_with_key(&table, (uint64_t)(i % 3)), 0);
        }
        for (uint64_t key = 3; key < 6; key++)
                ck_assert_int_eq(count_with_key(&table, key), 10);
        ck_assert_uint_eq(table.count, 30);
        expect_walk(&table, 30);
        cop__table_fini(&table);
}

TEST(a_walk_may_remove_the_node_it_is_at)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < MANY; i++)
                insert(&table, &items[i], (uint64_t)i);
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &table);
        while ((node = cop__table_walk_next(&walk)))
                if (node->key % 2 == 0) {
                        remove_item(&table, COP__CONTAINER(node, struct item, node));
                        memset(node, 0xff, sizeof(*node));
                }
        ck_assert_uint_eq(table.count, MANY / 2);
        expect_walk(&table, MANY);
        for (uint64_t key = 0; key < MANY; key++)
                ck_assert_int_eq(count_with_key(&table, key), key % 2 != 0);
        cop__table_fini(&table);
}

TEST(without_memory_a_table_stays_right)
{
        struct cop__table table = fresh_table();
        memory_is_short = true;
        for (int i = 0; i < 1000; i++)
                insert(&table, &items[i], (uint64_t)i);
        ck_assert_uint_eq(table.capacity, 0);
        for (uint64_t key = 0; key < 1000; key++)
                ck_assert_int_eq(count_with_key(&table, key), 1);
        expect_walk(&table, 1000);
        /* At 4, 8, 16 ... 512, and not at each insertion. */
        ck_assert_int_eq(allocations, 8);

        memory_is_short = false;
        for (int i = 1000; i < 2000; i++)
                insert(&table, &items[i], (uint64_t)i);
        ck_assert_uint_ge(table.capacity, 2000);
        for (uint64_t key = 0; key < 2000; key++)
                ck_assert_int_eq(count_with_key(&table, key), 1);
        expect_walk(&table, 2000);
        cop__table_fini(&table);
}

TEST(a_table_with_buckets_that_cannot_grow_keeps_them)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < 100; i++)
                insert(&table, &items[i], (uint64_t)i);
        size_t capacity = table.capacity;
        memory_is_short = true;
        for (int i = 100; i < 1000; i++)
                insert(&table, &items[i], (uint64_t)i);
        ck_assert_uint_eq(table.capacity, capacity);
        for (uint64_t key = 0; key < 1000; key++)
                ck_assert_int_eq(count_with_key(&table, key), 1);
        cop__table_fini(&table);
}

TEST(a_finished_table_can_be_used_again)
{
        struct cop__table table = fresh_table();
        for (int i = 0; i < 100; i++)
                insert(&table, &items[i], (uint64_t)i);
        cop__table_fini(&table);
        ck_assert_ptr_null(cop__table_find_first(&table, 1));
        insert(&table, &items[0], 1);
        ck_assert_ptr_eq(cop__table_find_first(&table, 1), &items[0].node);
        cop__table_fini(&table);
}

/* Counters, pids (slot low, generation high), addresses: keys as they come. */
TEST(keys_in_sequence_spread_over_the_buckets)
{
        static const unsigned shifts[] = { 0, 3, 12, 32, 50 };
        for (size_t s = 0; s < COP__COUNT(shifts); s++) {
                struct cop__table table = fresh_table();
                for (int i = 0; i < MANY; i++)
                        insert(&table, &items[i], (uint64_t)i << shifts[s]);
                size_t longest = longest_chain(&table);
                ck_assert_msg(longest <= 9, "a chain of %zu with keys << %u", longest, shifts[s]);
                cop__table_fini(&table);
        }
}

TEST(any_order_of_operations_agrees_with_a_count_per_key)
{
        uint64_t seed = 2;
        struct cop__table table = fresh_table();
        int with_key[KEYS] = { 0 };
        for (int step = 0; step < STEPS; step++) {
                /* Bursts of failing memory, and waves of growth and of decline. */
                memory_is_short = step / 1000 % 3 == 0;
                struct item *item = &items[cop__random_below(&seed, NODES)];
                if (item->present && (step / 5000 % 2 || cop__random_below(&seed, 4) == 0)) {
                        with_key[item->node.key]--;
                        remove_item(&table, item);
                } else if (item->present) {
                        with_key[item->node.key]--;
                        cop__table_rekey(&table, &item->node, cop__random_below(&seed, KEYS));
                        with_key[item->node.key]++;
                } else {
                        uint64_t key = cop__random_below(&seed, KEYS);
                        insert(&table, item, key);
                        with_key[key]++;
                }
                uint64_t key = cop__random_below(&seed, KEYS);
                if (step % 8 == 0)
                        ck_assert_int_eq(count_with_key(&table, key), with_key[key]);
                if (step % 4096 == 0)
                        expect_walk(&table, NODES);
        }
        cop__table_fini(&table);
}
