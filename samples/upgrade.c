/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A server goes on as another one: same pid, same name, same mailbox, other functions, and a state that the new one makes of the old. A plug-in
 * that is loaded anew does this. A version that cannot read the old state is refused, and the old one goes on.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t visits; } visit;
COP_MESSAGE(visit, visits);

/* The first version counts. */
typedef struct { int64_t visits; } counter;
COP_MESSAGE(counter, visits);

static void counter_on_visit(counter *self, const visit *v)
{
        (void)v;
        cop_reply(visit, .visits = ++self->visits);
}
COP_SERVER(counter, COP_STATE(counter), COP_ON(visit, counter_on_visit));

/* The second counts by tens, and has kept what the first had counted. */
typedef struct { int64_t tens; } tally;
COP_MESSAGE(tally, tens);

static bool tally_from_counter(tally *self, const counter *old)
{
        if (old->visits < 0)
                return false;
        self->tens = old->visits * 10;
        return true;
}

static void tally_on_visit(tally *self, const visit *v)
{
        (void)v;
        self->tens += 10;
        cop_reply(visit, .visits = self->tens);
}
COP_SERVER(tally, COP_STATE(tally), COP_UPGRADE(counter, tally_from_counter), COP_ON(visit, tally_on_visit));

/* The third knows nothing of the second. */
typedef struct { double fraction; } wild;
COP_MESSAGE(wild, fraction);
COP_SERVER(wild, COP_STATE(wild));

static void come_by(const char *who)
{
        cop_auto answer = NULL;
        if (cop_call(&answer, "door", COP_FOREVER, visit) == COP_OK)
                printf("%s is told %d\n", who, (int)cop_read(visit, answer)->visits);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_spawn_server(&counter_server, "door");
        come_by("Ada");
        come_by("Ben");
        printf("upgrade: %s\n", cop_status_text(cop_upgrade("door", &tally_server, COP_FOREVER)));
        come_by("Cleo");
        printf("to what cannot read the state: %s\n", cop_status_text(cop_upgrade("door", &wild_server, COP_FOREVER)));
        come_by("Dan");
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
