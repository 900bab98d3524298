/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The zygote's own side: it waits for orders and for the ends of its children, and tells news of both.
 *
 * One thread, no node, no memory but a list of its children. Orders and news are small packets of a SOCK_SEQPACKET socket: one
 * is there or not, and never in halves.
 */
#ifndef ACTORS_ZYGOTE_MAIN_H
#define ACTORS_ZYGOTE_MAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct cop_node;

/* To the zygote, with the socket for the child. */
struct cop__zygote_order {
        uint64_t pid; /* the actor's */
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

/* False: nobody is there any more. */
bool cop__order_send(int control, const struct cop__zygote_order *order, int end);

/* False: with errno EAGAIN nothing is there; with another one, nobody any more. *pidfd is -1 or the caller's. */
bool cop__news_receive(int control, struct cop__zygote_news *news, int *pidfd, bool wait);

#endif
