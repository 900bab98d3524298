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
 * Each change has a version: one more than the greatest that its scribe's server has heard of, of any name, so it is greater than those
 * of all changes that one knew of. Of two changes of a name the one with the greater version counts, of equals the one whose holder's node
 * has the lesser name, and a holder counts before none: the same on all nodes, in whatever order they hear of the two. So nothing needs
 * to be told in order, and who is told of what is behind passes over it. What must be seen to is that everybody is told:
 *
 * - A scribe has its own server make the change, and then tells those of all nodes that are up. One that comes up later is told of all
 *   names by that server, which has the change by then. So of any two nodes that are connected each knows what the other one's scribe has
 *   changed, also if that was before they met.
 * - A server that knows of something later refuses the change, and says of what. The scribe has its own server hear of that and makes the
 *   change again, with a version that is greater, or tells all others of what has the name instead. So what was made is the latest
 *   wherever it was told, and who asked hears of that only then.
 *
 * For that a server remembers names that nobody has: those that are unset, those whose holder has ended, with that holder, for it still
 * counts among changes with its version, and those whose holder is away, which is watched again as its node comes up. Whoever speaks of a
 * holder says which of these it is. They are told to whom is met, too; of those the last 16,384 are remembered. So what was unset, or
 * taken over, is not brought back by one that has not heard of that; but, if more than so many names were given up while it was away, it is.
 *
 * A network that was split has two holders of a name. One that has ended may have the greater version, and its name would be nobody's where
 * the other one lives: the server of the node that it lives on says so, with a version that is greater.
 *
 * A holder whose node is up in another life has ended, which whoever speaks of it has not heard.
 *
 * Who asks for a change gives it a number, by chance. If the scribe does not answer, its node hangs, perhaps, the scribe of the node with
 * the next name may be asked for the same change: when the first one goes on and makes it, too, it is the same, also where
 * the name has been set or unset since: a change is said with the number of the one that it follows, which is over from there on. Who is
 * told of it by a scribe that has not heard of that, refuses it, and tells all others what came after it, with a version that is greater. Of
 * changes that are over the last 65,536 are remembered. The removal of a name is over as soon as it is made.
 *
 * As a node comes up whose name is less, or goes on after it hung, two scribes may make changes of one name at the same time: then one
 * of the two counts, everywhere. The scribe looks afterwards whether its server has who was set, and answers by that.
 *
 * What a server has no memory to tell another one, and what that has found none for, is made good by telling all names again: of that its
 * connection reminds it (news.h). Who has missed something of a list asks for all of it by the word again in one of its own. A scribe whose
 * server has no memory for a change does not say that it is made, and is asked again.
 *
 * There are servers that say no versions: of what they say two nodes that meet have the one whose node has the lesser name, and the last change
 * that is heard of counts. The scribe looks afterwards whether its server has another holder than the one that was set, and tells all of
 * that.
 *
 * Servers understand {set, Name, Pid, Number, Over, Version}, {unset, Name, Number, Over, Version} and
 * {all, [{Name, Pid, Number, Version, State}]} of each other, also without what comes after the pid or the name; what else comes is nothing.
 * Of a name that is unset the pid in {all, ...} is the atom nobody. In place of a name there may be the atom again: it is to tell all. All of it is a cop_any, whatever kinds the program has.
 */
#ifndef DISTRIBUTION_NAMES_H
#define DISTRIBUTION_NAMES_H

#include "distribution/change.h"

/* Whose the name is, an atom; nobody's. Errors: those of calls, and nothing is known. */
cop_status cop__names_look(cop_term name, cop_pid *pid);

/* Both, linked to the caller, which is net_kernel. Errors: those of cop_spawn_opt. */
cop_status cop__names_begin(void);
/* By net_kernel, in its terminate: when this returns, their names are free. */
void cop__names_end(void);

#endif
