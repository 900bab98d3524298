/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A program that is a supervision tree.
 *
 * See also: supervisor.h for the tree, node.h for programs whose main is their own.
 */
#ifndef COPPICE_MAIN_H
#define COPPICE_MAIN_H

#include <coppice/children.h>
#include <coppice/node.h>

COP_BEGIN_DECLS

/* The exit code of a program whose tree could not start or gave up. */
#define COP_EXIT_GAVE_UP 3
/* The exit code of a program that a fault has ended which could not be contained, or one of a fault's signals from outside. */
#define COP_EXIT_FAULT 70
/* The exit code for wrong words on the command line. */
#define COP_EXIT_USAGE 64

COP_API int cop_main_with(int argc, char **argv, const cop_supervisor *tree, const cop_node_options *options,
                          const cop_kind *const *kinds_first, const cop_kind *const *kinds_last);

/*
 * Runs a tree until it ends: starts a node named after the tree, serves its console (the program `coppice`
 * attaches), starts the tree, and waits. SIGTERM and SIGINT stop the tree in order, also while
 * it starts; another one, half a second later or more, ends the program, whatever it waits for: an actor that is in a call of the
 * system which does not end keeps the node. (Within that time it is taken for the same wish, which a service manager and a heart may
 * both send.)
 * Options: --name NAME, --workers N, --no-console, --quiet, --dump FILE, --strict, --fault-code N, --heart, --heart-delay MS,
 * --heart-limit N, --help. What is behind -- is the program's own.
 * A fault that cannot be contained ends the program with COP_EXIT_FAULT after a report, and with a core dump where they are on; --fault-code
 * is another code, and 0 lets it die by the signal. node.h has the rest.
 * With --heart the program forks first: the child is the node, and the parent starts another one when it dies, by a
 * signal or by giving up, but not when its work is done; so main goes on in a process of its own each time, from this call on.
 * Returns what main should: 0 after an orderly stop, or when the tree has ended with normal or by its auto_shutdown; COP_EXIT_GAVE_UP
 * with the reason on standard error, COP_EXIT_USAGE; a heart, what its last node returned, or 128 + the signal that ended it.
 * Threads: the program's first, before it has made others: it blocks those signals for all of them, and ignores SIGPIPE. Programs that
 * are started inherit that, and of actors, whose threads have all signals blocked but those of faults, more: docs/preemption.md says
 * what helps.
 */
static inline int cop_main(int argc, char **argv, const cop_supervisor *tree)
{
        return cop_main_with(argc, argv, tree, NULL, COP__KINDS_FIRST, COP__KINDS_LAST);
}

/*
 * The same with options for the node: `cop_main_opt(argc, argv, &tree, &(cop_node_options){ .secret_fields = "password" })`. What the command
 * line says comes first. A node that is simulated is refused with COP_EXIT_GAVE_UP, as is a name that none may have.
 */
static inline int cop_main_opt(int argc, char **argv, const cop_supervisor *tree, const cop_node_options *options)
{
        return cop_main_with(argc, argv, tree, options, COP__KINDS_FIRST, COP__KINDS_LAST);
}

COP_END_DECLS

#endif
