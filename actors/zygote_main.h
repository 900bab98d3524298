/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The zygote's own side: it waits for orders and for the ends of its children, and tells news of both.
 *
 * One thread, no node, no memory but a list of its children, and those that come to it: a process of an actor leads a group of its own and
 * adopts what its own children leave behind (PR_SET_CHILD_SUBREAPER); when it ends, the group is killed before its process id is
 * free again, and all that it had adopted, which comes to the zygote then, is killed one by one until none is left. Orders and news are small packets of a SOCK_SEQPACKET socket: one
 * is there or not, and never in halves.
 */
#ifndef ACTORS_ZYGOTE_MAIN_H
#define ACTORS_ZYGOTE_MAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct cop_node;

enum cop__order_what {
        COP__ORDER_FORK = 1, /* with the socket for the child */
        COP__ORDER_KILL,     /* for whom the node has no pidfd: the zygote is the parent, so the process id is still the child's */
};

/* To the zygote. */
struct cop__zygote_order {
        uint64_t pid; /* the actor's */
        uint64_t what;
};

enum cop__news {
        COP__NEWS_HERE = 1, /* with the zygote's own pidfd */
        COP__NEWS_BORN,     /* with the child's pidfd */
        COP__NEWS_FAILED,   /* status: an errno */
        COP__NEWS_ENDED,    /* code and status as from waitid() */
};

struct cop__zygote_news {
        uint32_t what;
        int32_t os_pid, code, status;
        uint64_t pid;
};

/* Never returns. `node` is as it was when the process was forked: only what never changes may be read. */
COP__NORETURN void cop__zygote_main(struct cop_node *node, int control);

/* `end` is -1 where none goes along. False: with errno EAGAIN there is no room yet; with another one, nobody is there any more. */
bool cop__order_send(int control, const struct cop__zygote_order *order, int end);

/* False: with errno EAGAIN nothing is there; with another one, nobody any more. *pidfd is -1 or the caller's. */
bool cop__news_receive(int control, struct cop__zygote_news *news, int *pidfd, bool wait);

#endif
