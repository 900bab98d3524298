/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Partitions: many children that are alike under one supervisor, each in charge of its share of the
 * keys, so that no single actor has to serve them all.
 *
 *      static const cop_supervisor counters = {
 *              .name = "counters", .partitions = 8, .each = &(const cop_child){ .server = &counter_server },
 *      };
 *
 * is a supervisor with eight children, registered as counters.0 to counters.7; it starts as any
 * tree, alone or inside another. A key belongs to the same partition for ever:
 *
 *      cop_send(cop_partition(&counters, "Ada", 3), count, .by = 1);
 *
 * What people get wrong: the number of partitions decides who is in charge of a key. With another
 * number the keys move. To a supervisor that runs (cop_replace_specs) it can be given, but that stops and
 * starts none: those that are too many stay, new ones wait for cop_restart_child.
 *
 * Threads: any. See also: supervisor.h.
 */
#ifndef COPPICE_PARTITION_H
#define COPPICE_PARTITION_H

#include <coppice/supervisor.h>

COP_BEGIN_DECLS

/*
 * The partition that is in charge of a key of `size` bytes. The answer depends on these bytes and the number of
 * partitions alone. Errors: COP_E_BAD_ARGUMENT for a tree without partitions.
 */
COP_API cop_status cop_partition_of(const cop_supervisor *tree, const void *key, size_t size,
                                    uint32_t *partition);

/*
 * What a partition is registered as. Errors: COP_E_BAD_ARGUMENT (there are not so many), COP_E_TOO_BIG (`name` is cut).
 */
COP_API cop_status cop_partition_name(const cop_supervisor *tree, uint32_t partition,
                                      char name[64]);

/*
 * Who is in charge of a key at this moment; nobody for a tree without partitions, while that one is being restarted, or
 * outside a node.
 */
COP_API cop_pid cop_partition(const cop_supervisor *tree, const void *key, size_t size);

COP_END_DECLS

#endif
