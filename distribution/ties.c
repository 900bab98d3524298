/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Finding what a peer's tables hold. See connection.h and peer.h. */
#include <stdlib.h>

#include "distribution/connection.h"

struct cop__peer_call *cop__call_of(struct cop__peer *peer, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&peer->calls, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__peer_call, node) : NULL;
}

struct cop__peer_asked *cop__asked_of(struct cop__peer *peer, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&peer->asked, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__peer_asked, node) : NULL;
}

void cop__asked_end(struct cop__connection *connection, cop_ref ref)
{
        struct cop__peer_asked *asked = cop__asked_of(connection->peer, ref);
        if (asked == NULL)
                return;
        cop__table_remove(&connection->peer->asked, &asked->node);
        cop__ref_let_go(connection->network, ref);
        cop__ref_let_go(connection->network, asked->through);
        free(asked);
}

static struct cop__relation *take(struct cop__table *table, struct cop__table_node *node)
{
        if (node == NULL)
                return NULL;
        cop__table_remove(table, node);
        return cop__tie_of(node);
}

struct cop__relation *cop__watched_take(struct cop__connection *connection, cop_ref ref)
{
        struct cop__table *table = &connection->peer->watched;
        struct cop__relation *half = take(table, cop__table_find_first(table, ref.bits));
        if (half != NULL)
                cop__ref_let_go(connection->network, ref);
        return half;
}

struct cop__relation *cop__watch_take(struct cop__peer *peer, cop_ref ref)
{
        return take(&peer->watches, cop__table_find_first(&peer->watches, ref.bits));
}

static struct cop__table_node *find_link(const struct cop__table *table, cop_pid here, cop_pid there, cop_ref id)
{
        struct cop__table_node *node = cop__table_find_first(table, cop__link_key(here, there));
        for (; node != NULL; node = cop__table_find_next(node)) {
                const struct cop__relation *half = cop__tie_of(node);
                if (cop_pid_equal(half->signal.from, here) && cop_pid_equal(half->as.tie.peer, there) &&
                    (id.bits == 0 || cop_ref_equal(half->signal.ref, id)))
                        return node;
        }
        return NULL;
}

struct cop__relation *cop__link_take(struct cop__peer *peer, cop_pid here, cop_pid there, cop_ref id)
{
        return take(&peer->links, find_link(&peer->links, here, there, id));
}

bool cop__is_linked(struct cop__peer *peer, cop_pid here, cop_pid there)
{
        return find_link(&peer->links, here, there, (cop_ref){ 0 }) != NULL;
}

void cop__unlinking_begin(struct cop__peer *peer, struct cop__relation *half)
{
        cop__table_insert(&peer->unlinking, &half->as.tie.node);
}

void cop__unlinking_end(struct cop__peer *peer, cop_pid here, cop_pid there, cop_ref id)
{
        struct cop__relation *half = take(&peer->unlinking, find_link(&peer->unlinking, here, there, id));
        if (half != NULL)
                cop__relation_free(cop__thread_here(), half);
}

bool cop__is_unlinking(struct cop__peer *peer, cop_pid here, cop_pid there)
{
        return find_link(&peer->unlinking, here, there, (cop_ref){ 0 }) != NULL;
}
