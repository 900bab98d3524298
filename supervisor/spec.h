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

#include <coppice/supervisor.h>

/* Supervisors above each other, the root included. */
#define COP__TREE_DEPTH_MAX 64
/* Children of all supervisors of a tree together: more than a node has actors by default. */
#define COP__TREE_CHILDREN_MAX 1048576u

#define COP__INTENSITY_DEFAULT 1
#define COP__INTENSITY_MAX 1000000
#define COP__PERIOD_DEFAULT_MS 5000
#define COP__SHUTDOWN_DEFAULT_MS 5000

struct cop__supervisor_spec;

struct cop__child_spec {
        const char *id;
        const char *name;                    /* to register at each start; NULL: none */
        const cop_behaviour *server;         /* one of these four is set */
        void (*run)(void);
        void (*run_with)(const void *argument);
        const struct cop__supervisor_spec *supervisor;
        const cop_kind *kind;                /* of the argument; NULL: none */
        const void *argument;
        int64_t shutdown_ms;                 /* above 0, or COP_SHUTDOWN_INFINITY and its like */
        cop_restart restart;
};

struct cop__supervisor_spec {
        const char *name;                    /* to register; NULL: none */
        const char *label;                   /* what it is called in reports and reasons */
        const struct cop__child_spec *children;
        int64_t period_ms;
        uint32_t child_count;
        uint32_t intensity;
        cop_strategy strategy;
};

/*
 * Copies a tree that cop_supervisor_check has let pass, and is the same still.
 * Ownership: the caller owns a share of *buffer and ends it with cop_buffer_drop; *root lies in the
 * buffer. Errors: COP_E_NO_MEMORY.
 */
cop_status cop__spec_copy(const cop_supervisor *tree, cop_buffer **buffer,
                          const struct cop__supervisor_spec **root);

/* What a nested supervisor registers: its own name, or else the child's id. NULL: nothing. */
const char *cop__spec_name_of(const cop_child *child);

#endif
