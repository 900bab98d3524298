/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Deadlines of calls that have come into a process, and waits of its actor. See inside_wait.h. */
#include "actors/inside_wait.h"

#include <stdlib.h>

#include "actors/actor.h"
#include "actors/inside_main.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/memory.h"

struct wanted {
        struct cop__table_node node; /* key: the reference */
        uint64_t deadline_ns;        /* 0: withdrawn */
};

static struct wanted *find(const struct cop__inside *inside, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&inside->wanted, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct wanted, node) : NULL;
}

bool cop__inside_want(struct cop__inside *inside, cop_ref ref, uint64_t deadline_ns)
{
        struct wanted *wanted = cop__malloc(sizeof(*wanted));
        if (wanted == NULL)
                return false;
        wanted->node.key = ref.bits;
        wanted->deadline_ns = deadline_ns;
        cop__table_insert(&inside->wanted, &wanted->node);
        return true;
}

void cop__inside_withdraw(struct cop__inside *inside, cop_ref ref)
{
        struct wanted *wanted = find(inside, ref);
        if (wanted != NULL)
                wanted->deadline_ns = 0;
}

void cop__inside_settle(struct cop__inside *inside, cop_ref ref)
{
        struct wanted *wanted = find(inside, ref);
        if (wanted == NULL)
                return;
        cop__table_remove(&inside->wanted, &wanted->node);
        free(wanted);
}

uint64_t cop__inside_patience(const struct cop__inside *inside, cop_ref ref)
{
        const struct wanted *wanted = find(inside, ref);
        return wanted != NULL ? wanted->deadline_ns : UINT64_MAX;
}

bool cop__inside_is_over(const struct cop__inside *inside, cop_ref ref)
{
        uint64_t deadline_ns = cop__inside_patience(inside, ref);
        return deadline_ns != UINT64_MAX && cop__clock_is_past(deadline_ns);
}

void cop__inside_look(void)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        cop__critical_enter(&here->fault);
        cop__inside_hear(thread);
        cop__critical_leave(&here->fault);
}

void cop__inside_waits(cop_ref ref)
{
        cop__inside_tell(COP__PACKET_WAITS, ref);
        COP__CUE("inside.waits");
}

void cop__inside_over(cop_ref ref)
{
        cop__inside_tell(COP__PACKET_OVER, ref);
}
