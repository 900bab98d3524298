/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The hash table of table.h: chains, mixed keys, growth by doubling. */
#include "base/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

void cop__table_init(struct cop__table *table)
{
        memset(table, 0, sizeof(*table));
}

void cop__table_fini(struct cop__table *table)
{
        free(table->buckets);
        cop__table_init(table);
}

/* References count upwards and pids differ in few bits: unmixed, they would pile up. */
static struct cop__table_node **chain_of(const struct cop__table *table, uint64_t key)
{
        if (table->capacity == 0)
                return (struct cop__table_node **)&table->few;
        return &table->buckets[cop__mix(key) & (table->capacity - 1)];
}

static void push(struct cop__table *table, struct cop__table_node *node)
{
        struct cop__table_node **chain = chain_of(table, node->key);
        node->next = *chain;
        *chain = node;
}

static void push_all(struct cop__table *table, struct cop__table_node *chain)
{
        while (chain) {
                struct cop__table_node *next = chain->next;
                push(table, chain);
                chain = next;
        }
}

/*
 * True at a count that calls for more buckets. After a growth that failed, the next
 * such count is the next power of two: memory is not asked for at each insertion.
 */
static bool is_full(const struct cop__table *table)
{
        if (table->count < COP__TABLE_FEW || table->count < table->capacity)
                return false;
        return (table->count & (table->count - 1)) == 0;
}

static void grow(struct cop__table *table)
{
        size_t capacity = table->count * 2;
        struct cop__table_node **buckets = cop__calloc(capacity, sizeof(struct cop__table_node *));
        if (!buckets)
                return;

        struct cop__table old = *table;
        table->buckets = buckets;
        table->capacity = capacity;
        table->few = NULL;
        push_all(table, old.few);
        for (size_t i = 0; i < old.capacity; i++)
                push_all(table, old.buckets[i]);
        free(old.buckets);
}

void cop__table_insert(struct cop__table *table, struct cop__table_node *node)
{
        if (COP__UNLIKELY(is_full(table)))
                grow(table);
        push(table, node);
        table->count++;
}

static void unlink_node(const struct cop__table *table, struct cop__table_node *node)
{
        struct cop__table_node **link = chain_of(table, node->key);
        while (*link != node)
                link = &(*link)->next;
        *link = node->next;
}

void cop__table_remove(struct cop__table *table, struct cop__table_node *node)
{
        unlink_node(table, node);
        node->next = NULL;
        table->count--;
}

void cop__table_rekey(struct cop__table *table, struct cop__table_node *node, uint64_t key)
{
        unlink_node(table, node);
        node->key = key;
        push(table, node);
}

static struct cop__table_node *with_key(struct cop__table_node *node, uint64_t key)
{
        while (node && node->key != key)
                node = node->next;
        return node;
}

struct cop__table_node *cop__table_find_first(const struct cop__table *table, uint64_t key)
{
        return with_key(*chain_of(table, key), key);
}

struct cop__table_node *cop__table_find_next(const struct cop__table_node *node)
{
        return with_key(node->next, node->key);
}

void cop__table_walk_init(struct cop__table_walk *walk, const struct cop__table *table)
{
        walk->table = table;
        walk->bucket = 0;
        walk->ahead = table->few;
}

struct cop__table_node *cop__table_walk_next(struct cop__table_walk *walk)
{
        while (!walk->ahead) {
                if (walk->bucket == walk->table->capacity)
                        return NULL;
                walk->ahead = walk->table->buckets[walk->bucket++];
        }
        struct cop__table_node *node = walk->ahead;
        walk->ahead = node->next;
        return node;
}
