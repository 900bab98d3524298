/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Erlang's port mapper, a program that knows the ports of the nodes of a machine. */
#ifndef DISTRIBUTION_EPMD_H
#define DISTRIBUTION_EPMD_H

#include "distribution/kernel.h"
#include "distribution/line.h"

/*
 * Says under which port the part of that name before the @ listens. It holds as long as the line is open, which is the calling
 * actor's. Errors: COP_E_NO_CONNECTION, COP_E_NAME_TAKEN, COP_E_TIMEOUT, COP_E_NO_MEMORY, COP_E_MALFORMED.
 */
cop_status cop__epmd_register(struct cop__network *network, const struct cop__settings *settings, uint64_t deadline_ns,
                              struct cop__line **line);

/* The port of a node, asked on its host. Errors: COP_E_NOT_FOUND and those above. */
cop_status cop__epmd_ask(struct cop__network *network, const char *host, const char *node, uint64_t deadline_ns, uint16_t *port);

#endif
