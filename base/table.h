/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A hash table whose links lie in its members, keyed by 64-bit numbers: an actor's
 * monitors by reference, its links by pid.
 *
 *      buckets[0] -> node -> node
 *      buckets[1]
 *      buckets[2] -> node          capacity: a power of two, at most one node per
 *      ...                         bucket on average, unless memory was short
 *
 * Most actors have none or a few of each, so a table of all zero is valid, empty, and
 * owns no memory; up to COP__TABLE_FEW members it is one chain in the struct itself.
 * A table that finds no memory to grow stays as it is, slower and still right, and asks
 * again when twice as full: inserting cannot fail.
 *
 * A key may be there several times; the order among its nodes is not defined. One owner
 * at a time, no locks. While it has no buckets a table holds no pointer to itself, and
 * with buckets neither: it may be moved like any value.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* A chain this short is searched faster than a key is mixed. */
#define COP__TABLE_FEW 4

struct cop__table_node {
        struct cop__table_node *next;
        uint64_t key;
};

/*
 * count = nodes in all chains; buckets == NULL exactly when capacity == 0, and then all
 * nodes are in the chain `few`, else `few` is NULL.
 */
struct cop__table {
        size_t count;
        size_t capacity;
        struct cop__table_node *few;
        struct cop__table_node **buckets;
};

/* Stands between two nodes; the one that was handed out last may be removed. */
struct cop__table_walk {
        const struct cop__table *table;
        size_t bucket;
        struct cop__table_node *ahead;
};

/* The same as setting it to zero. */
void cop__table_init(struct cop__table *table);

/* Gives back the buckets and leaves an empty table; the nodes are their owners'. */
void cop__table_fini(struct cop__table *table);

/* Takes node->key as it is; the node must be in no table. Amortised O(1), cannot fail. */
void cop__table_insert(struct cop__table *table, struct cop__table_node *node);

/* The node must be in this table. */
void cop__table_remove(struct cop__table *table, struct cop__table_node *node);

/* The node must be in this table, and is under that key from now on. */
void cop__table_rekey(struct cop__table *table, struct cop__table_node *node, uint64_t key);

/* Some node with that key, or NULL. */
struct cop__table_node *cop__table_find_first(const struct cop__table *table, uint64_t key);

/* The next one with the key of `node`, which was found in the same unchanged table. */
struct cop__table_node *cop__table_find_next(const struct cop__table_node *node);

/*
 * Visits every node once, in no defined order:
 *
 *      cop__table_walk_init(&walk, table);
 *      while ((node = cop__table_walk_next(&walk)))
 *              ...
 *
 * In between, the node just handed out may be removed and freed; nothing else may be
 * removed, and nothing inserted.
 */
void cop__table_walk_init(struct cop__table_walk *walk, const struct cop__table *table);
struct cop__table_node *cop__table_walk_next(struct cop__table_walk *walk);

#endif
