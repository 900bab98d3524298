/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A glance at the message that an actor is at, by another thread, while the actor runs.
 *
 *      the actor's thread     current = M  │ handler │  current = NULL, handled + 1, M is freed
 *      who glances                     handled?, current? ── copies ── the same still?
 *
 * Nobody is asked and nothing is locked, so the message may end at any moment. What is read of it is copied by the kernel
 * (process_vm_readv on this very process), which answers that there is nothing where a plain load would fault. A copy counts if the
 * actor was at the same message before and after. One that is torn nevertheless, on a processor that reorders the actor's stores, is
 * wrong words in a log and no more: its kind is believed only if it is one of the node's, texts are copied in the same way, and
 * no pointer of the copy is followed.
 */
#ifndef ACTORS_GLANCE_H
#define ACTORS_GLANCE_H

#include <stdbool.h>
#include <stddef.h>

struct cop_node;
struct cop__actor;

/*
 * "#bill{pence = 900, people = 3}", as in a dump (dump_value.h), cut to `size`. False: it is at none, the message is too large, or the
 * system does not copy. Threads: any that is inside the node.
 */
bool cop__glance_message(struct cop_node *node, struct cop__actor *actor, char *text, size_t size);

#endif
