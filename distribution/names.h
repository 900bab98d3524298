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
 * Each change has a number, by chance, and is said with the number of the one that it follows, which is over from there on. A node that has
 * not heard of that may still speak of what is over to one that has, as the two meet: whoever is told of it passes over it. So what
 * was unset, or set anew, is not brought back. Of changes that are over the last 65,536 are remembered.
 *
 * Who asks for a change gives it its number. So if the scribe does not answer, its node hangs, perhaps, the scribe of the node with the
 * next name may be asked for the same change: when the first one goes on and makes it, too, it is the same, or is over, also where
 * the name has been set or unset since. The removal of a name is over as soon as it is made: nobody makes it again.
 *
 * A change and a meeting may cross: the node that is met brings another holder, which takes the name of the new one where the
 * change is made, and is then told of the change. So the scribe looks afterwards whether its server has who was set, and if it
 * has another one, tells all servers of that, as nodes that meet do: the order of the two decides, everywhere.
 *
 * As a node comes up whose name is less, or goes on after it hung, two scribes may make changes of one name at the same time, and each server has the one that it
 * was told of last. One of the two scribes sees that: it looks when all others have answered, and of its own change and the other's
 * each server has both by then; if both had seen their own one last, each would have set it before it was told of the other's, which was
 * behind the other's own. It settles it in the same way.
 *
 * Servers understand {set, Name, Pid, Number, Over}, {unset, Name, Number, Over} and {all, [{Name, Pid, Number}]} of each other, also without
 * the numbers; what else comes is nothing. All of it is a cop_any, whatever kinds the program has.
 */
#ifndef DISTRIBUTION_NAMES_H
#define DISTRIBUTION_NAMES_H

#include "distribution/network.h"

#define COP__NAMES_SERVER "coppice_names"
#define COP__NAMES_SCRIBE "coppice_names_scribe"

/* Whose the name is, an atom; nobody's. Errors: those of calls, and nothing is known. */
cop_status cop__names_look(cop_term name, cop_pid *pid);

/* That of a change, by chance, so that no other one has it. Errors: COP_E_SYSTEM. */
cop_status cop__names_number(int64_t *number);

/* Both, linked to the caller, which is net_kernel. Errors: those of cop_spawn_opt. */
cop_status cop__names_begin(void);
/* By net_kernel, in its terminate: when this returns, their names are free. */
void cop__names_end(void);

#endif
