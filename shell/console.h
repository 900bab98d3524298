/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The console of a node: serves shells on a UNIX socket, to the program `coppice` and its like.
 *
 *      accept thread     lets clients in, watches those whose commands wait, buries ended sessions
 *      session threads   one for each client, at most COP__SESSIONS_MAX; visitors (session.h)
 *      herald thread     from the first client on that wants news: rings the bells at a report
 *
 * No worker is needed for any of it. See README.md in this folder, and docs/shell.md for the words
 * and the protocol.
 *
 * Lock order: reports.mutex of the node, then the console's lock; nothing is taken under the
 * latter.
 */
#ifndef SHELL_CONSOLE_H
#define SHELL_CONSOLE_H

#include <coppice/node.h>

/* Shells at once. Each is a thread: enough for people, too few to hurt the node. */
#define COP__SESSIONS_MAX 16

struct cop__console;

/*
 * Serves the node at $XDG_RUNTIME_DIR/coppice/NODE.sock, or below /tmp/coppice-UID; see door.h.
 * What is wrong goes to the node's log as a sentence.
 * Ownership: the caller owns *console and ends it before the node. Threads: any.
 * Errors: those of cop__door_open, COP_E_NO_MEMORY, COP_E_SYSTEM.
 */
cop_status cop__console_start(cop_node *node, struct cop__console **console);

/*
 * Ends all sessions and removes the socket. Answers that are under way have a second to reach their
 * clients. NULL is allowed. Threads: any but a session's.
 */
void cop__console_stop(struct cop__console *console);

/* The path of the socket, which moves when its folder is taken away. Borrowed until the console stops. */
const char *cop__console_path(const struct cop__console *console);

/* ---- For its sessions ---------------------------------------------------------------- */

cop_node *cop__console_node(const struct cop__console *console);
void cop__console_lock(struct cop__console *console);
void cop__console_unlock(struct cop__console *console);
bool cop__console_is_stopping(struct cop__console *console); /* under the lock */
/* The set of sessions, or of waits, has changed. Under the lock or not. */
void cop__console_wake(struct cop__console *console);
/* From now on bells ring. False: there is no herald. */
bool cop__console_want_news(struct cop__console *console);

#endif
