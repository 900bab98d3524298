/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who is told that a node is up or down, how what is no new work is told, and what those hear whose signals cannot get there. */
#ifndef DISTRIBUTION_NEWS_H
#define DISTRIBUTION_NEWS_H

#include "distribution/network.h"

/* Tells the subscribers, and the server of global names and the scopes of groups of a node that is up. */
void cop__news_tell(struct cop__network *network, struct cop__peer *peer, bool up, cop_term reason);

/*
 * There was no memory for what a scope or the server of global names was to hear of that node, or to tell it, which nobody would say again:
 * while it is up, its connection says anew that it is, as soon as there is memory. Any thread of the node; takes no memory itself.
 */
void cop__news_owe(struct cop__network *network, struct cop__peer *peer);
/* By the connection; false: something is owed still. */
bool cop__news_pay(struct cop__network *network, struct cop__peer *peer);

/*
 * A message that is no new work, so it is told near the memory limit, too. Errors: COP_E_NO_MEMORY, COP_E_OVERLOAD (there is none
 * in the reserve either), COP_E_TOO_DEEP, COP_E_TOO_BIG.
 */
cop_status cop__tell(cop_pid from, cop_pid to, const cop_kind *kind, const void *value);

/* {nodedown, Node}; NULL without memory. */
struct cop__shared_term *cop__news_nodedown(const struct cop__peer *peer);

/* Takes a signal that cannot get there. */
void cop__news_refuse(struct cop__network *network, const struct cop__peer *peer, struct cop__thread *thread, cop_pid to,
                      struct cop__signal *signal);

#endif
