/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The roster: the children of one supervisor, in the order of start, found by pid, by id and by what they wait for in the
 * same time whether they are ten or a hundred thousand.
 *
 *      roster ── order ──► till ◄──► clerk ◄──► desk
 *             ├─ by_pid ─────┤          │         │        its process's pid, or its last one's
 *             ├─ by_known ───┤          │         │        its last one's, while its next one starts
 *             ├─ by_id  ─────┴──────────┤         │        not for a dynamic supervisor
 *             └─ awaits ────────────────┴─────────┘        references: of a start, a monitor, a timer
 *
 * All is the supervisor's own. Roster and children are its belongings (actors/belonging.h): a supervisor that is killed
 * gives back its shares of specs and its rows of the census without running another line.
 *
 * Invariants: count = children in `order`; active = those with a process; significant = significant ones that are not
 * STOPPED; a child has a process <=> its pid is somebody <=> state is STARTING, RUNNING or STOPPING.
 */
#ifndef SUPERVISOR_ROSTER_H
#define SUPERVISOR_ROSTER_H

#include "actors/belonging.h"
#include "actors/census.h"
#include "base/list.h"
#include "base/table.h"
#include "supervisor/backoff.h"
#include "supervisor/spec.h"

enum cop__child_state {
        COP__CHILD_STOPPED = 0, /* no process, and none is on its way */
        COP__CHILD_WAITING,     /* for its turn to start */
        COP__CHILD_NAMING,      /* for its name, which an orphan holds */
        COP__CHILD_STARTING,    /* its process has not said that it runs */
        COP__CHILD_RUNNING,
        COP__CHILD_STOPPING,    /* it has been asked, or killed, and is not dead yet */
        COP__CHILD_RESTARTING,  /* for the next attempt, which a tick will tell */
        COP__CHILD_OPEN,        /* its breaker is open, until a tick */
};

/* "running" and so on; for any number. */
const char *cop__child_state_text(uint32_t state);

/* One reference under which a child is found. Key 0: in no table. */
struct cop__await {
        struct cop__table_node node;
        struct cop__child *child;
};

/* Who called, and is answered when the child has started or stopped. */
struct cop__waiter {
        struct cop__waiter *next;
        cop_caller caller;
        bool for_start;
        struct cop__signal *hinge; /* for_start, until the start has begun: the news of that (calling.h) */
};

/* Frees it; its caller has been answered, or hears of the supervisor's end. */
void cop__waiter_free(struct cop__waiter *waiter);

struct cop__child {
        struct cop__belonging belonging;
        struct cop__list order;
        struct cop__list due;           /* in the supervisor's list of failures to deal with, or in none */
        struct cop__table_node by_pid, by_known, by_id;
        struct cop__await news;         /* of its start, its end, or the end of who holds its name */
        struct cop__await tick;
        cop_ref timer;                  /* that brings the tick; none: it is a message already */

        const struct cop__child_spec *spec;
        cop_buffer *home;               /* where the spec lies: borrowed from `share` or the tree */
        cop_buffer *share;              /* of spec or argument; NULL: they are the tree's */
        const cop_kind *kind;           /* of its argument */
        const void *argument;

        struct cop__census *census;
        struct cop__census_row *written; /* its row in it, and the number of that */
        uint32_t row;
        uint32_t restarts;              /* for all its life */
        uint64_t number;                /* in the order of start */
        cop_pid pid;
        cop_pid known;                  /* who ran as this child last: by that it is found without a process */
        cop_pid corpse;                 /* who died as this child last, and is not replaced yet */
        struct cop__waiter *waiters;
        struct cop__past past;
        uint64_t delay_ns;              /* before its next attempt */
        uint64_t tick_ns;               /* when its tick comes, while one is awaited */
        uint64_t open_until_ns;         /* OPEN, or in a start that was asked for behind an open breaker; else 0 */
        uint64_t stop_by_ns;            /* STOPPING with its group: when its time is over; else, or without end: UINT64_MAX */
        uint8_t state;                  /* a cop__child_state */
        bool back;                      /* it is stopped to be started again with its siblings */
        bool again;                     /* its next start is a restart */
        bool resumes;                   /* its delay is over: the failure has been dealt with */
        bool hesitates;                 /* its last attempt failed: the next is a message later */
        bool asked;                     /* somebody waits for this start: he hears of its failure, and that is all */
        bool fresh;                     /* of start_child: if that fails it has never been */
        bool ignored;                   /* its init has ignored the start, and its end is near */
        bool late;                      /* it was killed since its time was over */
};

/*
 * A table whose newest node is in `newest` alone, until there is another. Of what is there for a moment only, one at a time,
 * nothing is ever entered and taken out. Each key is there once.
 */
struct cop__moments {
        struct cop__table table;
        struct cop__table_node *newest;
};

void cop__moment_move_slowly(struct cop__moments *moments, struct cop__table_node *node, uint64_t key);

/* The node is under that key from now on; 0: it is there no more. Mostly one comes where there is none, and leaves before there is
 * another. */
COP__INLINE void cop__moment_move(struct cop__moments *moments, struct cop__table_node *node, uint64_t key)
{
        const bool comes = node->key == 0;
        if (key == node->key)
                return;
        if (COP__UNLIKELY(comes != (key != 0) || moments->newest != (comes ? NULL : node))) {
                cop__moment_move_slowly(moments, node, key);
                return;
        }
        node->key = key;
        moments->newest = comes ? node : NULL;
}

/* NULL: nothing is under that key. */
COP__INLINE struct cop__table_node *cop__moment_find(const struct cop__moments *moments, uint64_t key)
{
        if (COP__LIKELY(moments->newest != NULL && moments->newest->key == key))
                return moments->newest;
        return cop__table_find_first(&moments->table, key);
}

struct cop__roster {
        struct cop__belonging belonging;
        cop_buffer *tree;               /* a share: the supervisor's own spec lies in it */
        cop_buffer *first_tree;         /* a share: its label lies in it; NULL: it is `tree` */
        uint64_t *times;                /* of the intensity; cop_alloc has no room while the node is over its mark */
        struct cop__list order;
        struct cop__table by_pid, by_id;
        struct cop__moments by_known, awaits;
        uint64_t last_number;
        uint32_t count, active, supervisors, significant;
        uint32_t waiters;               /* of all children, those for a start */
        bool keyed;                     /* children are found by id */
};

/* Owned by the calling actor; takes a share of the buffer. NULL without memory. */
struct cop__roster *cop__roster_new(cop_buffer *tree, bool keyed);

/* Room for the times of another intensity; taken. */
void cop__roster_retime(struct cop__roster *roster, uint64_t *times);

/* Another tree in the place of that one; takes a share. */
void cop__roster_replant(struct cop__roster *roster, cop_buffer *tree);

/*
 * A child at the end of the order, STOPPED. `share` is taken if there is a child, and may be NULL: then `home`, in which
 * the spec lies, outlives it. NULL without memory.
 */
struct cop__child *cop__roster_add(struct cop__roster *roster, const struct cop__child_spec *spec,
                                   cop_buffer *home, cop_buffer *share);
/* It has no process and nobody waits for it. */
void cop__roster_remove(struct cop__roster *roster, struct cop__child *child);

struct cop__child *cop__roster_by_pid(const struct cop__roster *roster, cop_pid pid);
/* Also under the pid of who ran last, as long as nobody runs in his place: the next one may be in its init. */
struct cop__child *cop__roster_by_known(const struct cop__roster *roster, cop_pid pid);
struct cop__child *cop__roster_by_id(const struct cop__roster *roster, const char *id, size_t size);

/* *await is the one of the child's two that bears the reference. */
COP__INLINE struct cop__child *cop__roster_by_ref(const struct cop__roster *roster, cop_ref ref, struct cop__await **await)
{
        struct cop__table_node *node = ref.bits != 0 ? cop__moment_find(&roster->awaits, ref.bits) : NULL;
        if (node == NULL)
                return NULL;
        *await = COP__CONTAINER(node, struct cop__await, node);
        return (*await)->child;
}

/* A reference of 0: nothing is awaited any more. */
COP__INLINE void cop__roster_await(struct cop__roster *roster, struct cop__await *await, cop_ref ref)
{
        cop__moment_move(&roster->awaits, &await->node, ref.bits);
}

/* The state, and all that depends on it: pid (nobody for states without a process), counts, census. */
void cop__roster_set(struct cop__roster *roster, struct cop__child *child,
                     enum cop__child_state state, cop_pid pid);

/* Another spec for a child, of the same id; its argument and its share are the caller's matter. */
void cop__roster_respec(struct cop__roster *roster, struct cop__child *child,
                        const struct cop__child_spec *spec, cop_buffer *home);

/* Another order of start: those of the spec as they stand there, then all others as they were. They are numbered anew. */
void cop__roster_reorder(struct cop__roster *roster, const struct cop__supervisor_spec *spec);

static inline bool cop__child_has_process(const struct cop__child *child)
{
        return child->pid.bits != 0;
}

/* ---- In order: NULL at the ends -------------------------------------------------------- */

COP__INLINE struct cop__child *cop__roster_at(const struct cop__roster *roster, struct cop__list *node)
{
        return node != &roster->order ? COP__CONTAINER(node, struct cop__child, order) : NULL;
}

COP__INLINE struct cop__child *cop__roster_first(const struct cop__roster *roster)
{
        return cop__roster_at(roster, roster->order.next);
}

COP__INLINE struct cop__child *cop__roster_last(const struct cop__roster *roster)
{
        return cop__roster_at(roster, roster->order.prev);
}

COP__INLINE struct cop__child *cop__roster_next(const struct cop__roster *roster, const struct cop__child *child)
{
        return cop__roster_at(roster, child->order.next);
}

COP__INLINE struct cop__child *cop__roster_before(const struct cop__roster *roster, const struct cop__child *child)
{
        return cop__roster_at(roster, child->order.prev);
}

#endif
