/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Actors that have been asked for at a peer, until it answers or is down. See offers.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "distribution/offers.h"

static void free_half(struct cop__thread *thread, struct cop__relation *half)
{
        if (half != NULL)
                cop__relation_free(thread, half);
}

/* All of it but the answer. */
static void free_rest(struct cop__thread *thread, struct cop__spawning *spawning)
{
        free_half(thread, spawning->link);
        free_half(thread, spawning->link_there);
        free_half(thread, spawning->monitor);
        free_half(thread, spawning->watch);
        free(spawning);
}

void cop__spawning_free(struct cop__thread *thread, struct cop__spawning *spawning)
{
        if (spawning->spawned != NULL)
                cop__signal_free(&thread->pool, spawning->spawned);
        free_rest(thread, spawning);
}

/* False: one of them is not there. */
static bool make_halves(struct cop__thread *thread, struct cop__spawning *spawning, const cop__spawn_order *order)
{
        if (order->link) {
                spawning->link = cop__relation_new(thread, COP__TIE_LINK, NULL);
                spawning->link_there = cop__relation_new(thread, COP__TIE_LINK, NULL);
        }
        if (order->monitor) {
                spawning->monitor = cop__relation_new(thread, COP__TIE_MONITOR, NULL);
                spawning->watch = cop__relation_new(thread, COP__TIE_WATCH, NULL);
        }
        return order->link == (spawning->link != NULL && spawning->link_there != NULL) &&
               order->monitor == (spawning->monitor != NULL && spawning->watch != NULL);
}

struct cop__spawning *cop__spawning_new(struct cop__thread *thread, const struct cop__signal *request)
{
        struct cop__spawning *spawning = cop__calloc(1, sizeof(*spawning));
        if (spawning == NULL)
                return NULL;
        spawning->node.key = request->ref.bits;
        spawning->from = request->from;
        spawning->spawned = cop__spawned_new(thread, request->ref);
        if (spawning->spawned != NULL && make_halves(thread, spawning, cop__signal_body(request)))
                return spawning;
        cop__spawning_free(thread, spawning);
        return NULL;
}

void cop__spawning_fail(struct cop__thread *thread, struct cop__spawning *spawning, cop_status status)
{
        cop__spawned_set(spawning->spawned, cop_no_pid(), status, NULL, NULL);
        cop__send_signal(thread, spawning->from, spawning->spawned);
        free_rest(thread, spawning);
}

/* As take_link in import.c has it: the table's half tells of the end of the connection. */
static void tie(struct cop__thread *thread, struct cop__peer *peer, struct cop__spawning *spawning, cop_pid pid)
{
        struct cop__relation *half = spawning->link_there;
        half->signal.type = COP__SIGNAL_LINK;
        half->signal.ref = spawning->link->signal.ref = cop__ref_new(cop__here_of(thread));
        half->signal.from = spawning->from;
        half->as.tie.peer = pid;
        half->as.tie.node.key = cop__link_key(spawning->from, pid);
        cop__table_insert(&peer->links, &half->as.tie.node);
}

static void watch(struct cop__peer *peer, struct cop__spawning *spawning, cop_pid pid)
{
        struct cop__relation *half = spawning->watch;
        half->signal.type = COP__SIGNAL_MONITOR;
        half->signal.ref = spawning->monitor->signal.ref = (cop_ref){ spawning->node.key };
        half->signal.from = spawning->from;
        half->as.tie.peer = pid;
        half->as.tie.node.key = spawning->node.key;
        cop__table_insert(&peer->watches, &half->as.tie.node);
}

void cop__spawning_done(struct cop__thread *thread, struct cop__peer *peer, struct cop__spawning *spawning, cop_pid pid)
{
        if (spawning->link != NULL)
                tie(thread, peer, spawning, pid);
        if (spawning->monitor != NULL)
                watch(peer, spawning, pid);
        cop__spawned_set(spawning->spawned, pid, COP_OK, spawning->link, spawning->monitor);
        cop__send_signal(thread, spawning->from, spawning->spawned);
        free(spawning);
}

struct cop__spawning *cop__spawning_of(struct cop__peer *peer, cop_ref ref)
{
        struct cop__table_node *node = cop__table_find_first(&peer->spawning, ref.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__spawning, node) : NULL;
}
