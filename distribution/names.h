/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Global names. Each node has a server with all of them, and a scribe.
 *
 *      who registers ──► the scribe of the node with the least name ──► its server, then those of all other nodes
 *                        one change at a time                           each watches the holder by itself
 *
 * The nodes that are connected to each other agree on who is the least of them, so there is one scribe that changes names, and
 * each server hears of changes in the order in which they were made. The scribe answers when all servers have, or have had their
 * time: one that hangs hears of the change when it goes on. A holder's death or its node's is heard by each server as of any monitor.
 *
 * When two nodes meet, each server tells the other all that it has. Of two holders of a name the one whose node has the lesser
 * name stays, on both sides. One whose node is up in another life is over, which whoever speaks of it has not heard: it takes no
 * name, and keeps none.
 *
 * A change and a meeting may cross: the node that is met brings another holder, which takes the name of the new one where the
 * change is made, and is then told of the change. So the scribe looks afterwards whether its server has who was set, and if it
 * has another one, tells all servers of that, as nodes that meet do: the order of the two decides, everywhere.
 *
 * Servers understand {set, Name, Pid}, {unset, Name} and {all, [{Name, Pid}]} of each other; what else comes is nothing. All of
 * it is a cop_any, whatever kinds the program has.
 */
#ifndef DISTRIBUTION_NAMES_H
#define DISTRIBUTION_NAMES_H

#include "distribution/network.h"

#define COP__NAMES_SERVER "coppice_names"
#define COP__NAMES_SCRIBE "coppice_names_scribe"

/* Whose the name is, an atom; nobody's. Errors: those of calls, and nothing is known. */
cop_status cop__names_look(cop_term name, cop_pid *pid);

/* Both, linked to the caller, which is net_kernel. Errors: those of cop_spawn_opt. */
cop_status cop__names_begin(void);
/* By net_kernel, in its terminate: when this returns, their names are free. */
void cop__names_end(void);

#endif
