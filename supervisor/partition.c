/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Partitions: from a key to a number, from a number to a name; the registry knows the rest. The children themselves are made
 * when the tree is copied (spec.c).
 */
#include <coppice/partition.h>

#include <stdio.h>

#include "base/hash.h"

_Static_assert(COP_NAME_MAX + 1 == 64, "a partition's name has room in what the header says");

/* Mixed: its low bits alone are poor for keys that differ in their last byte only. */
static uint64_t hash_of(const uint8_t *key, size_t size)
{
        uint64_t hash = cop__hash_bytes(COP__HASH_BEGIN, key, size);
        hash = (hash ^ (hash >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
        return hash ^ (hash >> 29);
}

cop_status cop_partition_of(const cop_supervisor *tree, const void *key, size_t size,
                            uint32_t *partition)
{
        if (tree == NULL || tree->partitions == 0 || partition == NULL ||
            (key == NULL && size > 0))
                return COP_E_BAD_ARGUMENT;
        *partition = (uint32_t)(hash_of(key, size) % tree->partitions);
        return COP_OK;
}

cop_status cop_partition_name(const cop_supervisor *tree, uint32_t partition, char name[64])
{
        if (tree == NULL || tree->name == NULL || partition >= tree->partitions)
                return COP_E_BAD_ARGUMENT;
        int size = snprintf(name, COP_NAME_MAX + 1, "%s.%u", tree->name, partition);
        return size <= COP_NAME_MAX ? COP_OK : COP_E_TOO_BIG;
}

cop_pid cop_partition(const cop_supervisor *tree, const void *key, size_t size)
{
        uint32_t partition;
        char name[COP_NAME_MAX + 1];
        if (cop_partition_of(tree, key, size, &partition) != COP_OK ||
            cop_partition_name(tree, partition, name) != COP_OK)
                return cop_no_pid();
        return cop_whereis(name);
}
