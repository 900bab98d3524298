/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Specs: what a tree is to be, checked and copied, with all defaults filled in.
 *
 * A whole tree lies in one block of counted memory (a cop_buffer). Nobody writes to it once it is
 * made, and each supervisor of the tree holds a share of it: so a nested supervisor is given a
 * pointer into the block, its spec outlives the supervisor above it, and a supervisor that is
 * killed without running another line still gives its share back.
 *
 *      | supervisor "shop" | till | desk ● | "shop" | "till" | till's argument | supervisor ...
 *                          '-- children -'                                     ^
 *                                        '-------------------------------------'
 *
 * Of shared bytes in a child's argument the block has a copy of its own, since nothing would run to
 * give such shares back.
 *
 * Borrowed for ever are what a program has in constants: behaviours, kinds, functions.
 */
#ifndef SUPERVISOR_SPEC_H
#define SUPERVISOR_SPEC_H

#include <coppice/children.h>

/* Supervisors above each other, the root included. */
#define COP__TREE_DEPTH_MAX 64
/* Children of all supervisors of a tree together: more than a node has actors by default. */
#define COP__TREE_CHILDREN_MAX 1048576u

/* So many that two digits fewer than a name's bytes are enough for the rest of it. */
#define COP__PARTITIONS_MAX 65536u
/* Bytes that a partition's number adds to the name. */
#define COP__PARTITION_DIGITS 6

#define COP__INTENSITY_DEFAULT 1
#define COP__INTENSITY_MAX 1000000
#define COP__BACKOFF_MAX_MS 60000
#define COP__BACKOFF_FACTOR 2.0
#define COP__BREAKER_OPEN_MS 30000
#define COP__INTENSITY_UNLIMITED UINT32_MAX
#define COP__PERIOD_DEFAULT_MS 5000
#define COP__SHUTDOWN_DEFAULT_MS 5000

struct cop__supervisor_spec;

struct cop__child_spec {
        const char *id;
        /*
         * Of each of its processes: what runs, or nothing if that is `supervisor`; argument; name to register; the rest. Complete but
         * for the start's reference.
         */
        cop_spawn_options spawn;
        const struct cop__supervisor_spec *supervisor;
        int64_t shutdown_ms;                 /* above 0, or COP_SHUTDOWN_INFINITY and its like */
        cop_restart restart;
        bool significant;
        bool has_id;                         /* else `id` is only what it is called */
        cop_backoff backoff;                 /* no field 0 but jitter and tries, unless first_ms is */
        cop_breaker breaker;                 /* no field 0, unless failures is */
};

struct cop__supervisor_spec {
        const char *name;                    /* to register; NULL: none */
        const char *label;                   /* what it is called in reports and reasons */
        const struct cop__child_spec *children;
        int64_t period_ms;
        uint32_t child_count;
        uint32_t intensity;                  /* COP__INTENSITY_UNLIMITED: never too many */
        cop_strategy strategy;
        cop_auto_shutdown auto_shutdown;
        const struct cop__child_spec *each;  /* of a dynamic one; NULL: any spec will do */
        uint32_t max_children;               /* UINT32_MAX: no end */
};

/*
 * Copies a tree that cop_supervisor_check has let pass, and is the same still.
 * Ownership: the caller owns a share of *buffer and ends it with cop_buffer_drop; *root lies in the
 * buffer. Errors: COP_E_NO_MEMORY.
 */
cop_status cop__spec_copy(const cop_supervisor *tree, cop_buffer **buffer,
                          const struct cop__supervisor_spec **root);

/*
 * The same for one child that cop__child_check has let pass: *spec lies in the buffer. With NULL for the id, as a
 * dynamic supervisor's children may have it.
 */
cop_status cop__spec_copy_child(const cop_child *child, cop_buffer **buffer,
                                const struct cop__child_spec **spec);

/* Is there a child with COP_ISOLATION_PROCESS in a tree that cop_supervisor_check has let pass? */
bool cop__spec_needs_processes(const cop_supervisor *tree);

/* Where a child is to be: what the check depends on beside the child itself. */
struct cop__child_place {
        const char *supervisor; /* for the sentence */
        cop_strategy strategy;
        cop_auto_shutdown auto_shutdown;
        bool known;             /* false: strategy and auto_shutdown are for the supervisor to check */
        bool bare;              /* it may be only an argument, for a supervisor with `each` */
};

/* As cop_supervisor_check, for one child that is to be started later. */
cop_status cop__child_check(const cop_child *child, const struct cop__child_place *place, char *text,
                            size_t size);

/* What a running supervisor says of a child that is right by itself; NULL: it fits. */
const char *cop__child_misfit(const struct cop__child_spec *child, cop_strategy strategy,
                              cop_auto_shutdown auto_shutdown);

/* The same for an argument of this kind, or none, that a child is to have. */
const char *cop__child_misfit_argument(const struct cop__child_spec *child, const cop_kind *kind);

/* What a nested supervisor registers: its own name, or else the child's id. NULL: nothing. */
const char *cop__spec_name_of(const cop_child *child);

#endif
