/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Coppice: Erlang-style actors with supervision for C. This header includes all of it.
 *
 *      coppice/status.h      what an operation can answer
 *      coppice/version.h     which Coppice this is
 *      coppice/id.h          pids and references
 *      coppice/term.h        any Erlang term
 *      coppice/message.h     typed messages: COP_MESSAGE
 *      coppice/node.h        a runtime and its threads
 *      coppice/simulation.h  a node whose every run can be had again
 *      coppice/priority.h    which actor is run first
 *      coppice/preempt.h     actors that are interrupted, and being left alone
 *      coppice/blocking.h    functions that block, on threads for that
 *      coppice/actor.h       spawn, send, receive, call, link, monitor, names
 *      coppice/timer.h       messages and exit signals that are sent later, or every so often
 *      coppice/alias.h       addresses that close, and messages that overtake
 *      coppice/request.h     several calls at once
 *      coppice/task.h        functions that run elsewhere, and their results
 *      coppice/mailbox.h     limits of a mailbox, and what becomes of one message too many
 *      coppice/watermark.h   news of mailboxes that fill up
 *      coppice/dead_letter.h messages that nobody will ever read
 *      coppice/own.h         descriptors and other things that end with their actor
 *      coppice/overload.h    a limit of the node's memory, and what happens near it
 *      coppice/task_group.h  functions that end together
 *      coppice/task_stream.h  one function over a sequence, some at a time
 *      coppice/agent.h       a value that an actor keeps
 *      coppice/process.h     looking at actors, labels, hibernation
 *      coppice/server.h      an actor as a state and handlers: COP_SERVER
 *      coppice/machine.h     an actor as states and events: COP_MACHINE
 *      coppice/sys.h         looking into a server that runs
 *      coppice/registry.h    actors found by any key
 *      coppice/group.h       groups of actors
 *      coppice/distribution.h actors on other machines
 *      coppice/global.h      names that all connected nodes know
 *      coppice/offer.h       what other nodes may spawn here, and spawning there
 *      coppice/event_manager.h events that any number of handlers hear
 *      coppice/channel.h     a bounded queue between actors
 *      coppice/future.h      a function that runs elsewhere, and its result
 *      coppice/select.h      the first of several things
 *      coppice/wait_group.h  actors whose ends one waits for
 *      coppice/supervisor.h  trees that grow failed actors back
 *      coppice/children.h    the children of a supervisor that runs
 *      coppice/partition.h   many alike under one supervisor, found by a key
 *      coppice/bridge.h      foreign code as a child
 *      coppice/application.h trees that need each other
 *      coppice/trial.h       a tree tried under many seeds
 *      coppice/main.h        a program that is such a tree
 */
#ifndef COPPICE_H
#define COPPICE_H

#include <coppice/agent.h>
#include <coppice/alias.h>
#include <coppice/application.h>
#include <coppice/blocking.h>
#include <coppice/bridge.h>
#include <coppice/channel.h>
#include <coppice/dead_letter.h>
#include <coppice/distribution.h>
#include <coppice/event_manager.h>
#include <coppice/future.h>
#include <coppice/global.h>
#include <coppice/group.h>
#include <coppice/machine.h>
#include <coppice/main.h>
#include <coppice/offer.h>
#include <coppice/overload.h>
#include <coppice/own.h>
#include <coppice/partition.h>
#include <coppice/preempt.h>
#include <coppice/process.h>
#include <coppice/registry.h>
#include <coppice/request.h>
#include <coppice/select.h>
#include <coppice/sys.h>
#include <coppice/task.h>
#include <coppice/task_group.h>
#include <coppice/task_stream.h>
#include <coppice/timer.h>
#include <coppice/trial.h>
#include <coppice/version.h>
#include <coppice/wait_group.h>
#include <coppice/watermark.h>

#endif
