/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One client at the console: a socket, a thread, a shell.
 *
 *      accept thread ──► session thread: enters the node and so is an actor with a pid; then
 *                            poll ┬── a packet: runs its command, writes the answer
 *                                 └── the bell: crash reports, if the client wants news
 *
 * Only the session's thread reads and writes the socket, with one exception: while a command waits
 * (a call), that thread sleeps as an actor, and the console's thread watches the socket for it
 * (console.c): an INTERRUPT packet or the client's end makes the wait end. It does so with a signal
 * that the session has made beforehand and that bears no reference: the actor takes it for the
 * failure of whatever call it is in.
 *
 * What a client can do to a session, it does to its own only: a packet must be complete in
 * COP__SESSION_PATIENCE_MS, is at most COP__REQUEST_MAX long, and a client that does not read its
 * answers stops nobody else.
 */
#ifndef SHELL_SESSION_H
#define SHELL_SESSION_H

#include <pthread.h>

#include "mailbox/signal.h"
#include "shell/shell.h"

/* From the first byte of a packet to its last. */
#define COP__SESSION_PATIENCE_MS 10000

/* How long news of a crash waits for what its supervisor does about it. */
#define COP__SESSION_OUTCOME_MS 2000

struct cop__console;
struct cop__actor;

struct cop__session {
        /* Constant while the thread runs. */
        struct cop__console *console;
        pthread_t thread;
        int fd;
        int bell;                /* an eventfd: there may be news */

        /* The session's thread. */
        struct cop__shell shell;
        uint64_t next_report;    /* number of the next one to tell */
        uint64_t outcome_by_ns;  /* until when the next one may wait; 0: it does not */

        /* Under the console's lock. */
        bool wants_news;
        bool ended;              /* the thread is done and waits to be joined */
        struct cop__actor *actor; /* set while a command waits: whom `interruption` is for */
        struct cop__signal *interruption; /* NULL: it has been sent */
        bool heard;              /* something came that was no interrupt: watch for its end only */
};

/* The thread. `argument` is the session, which is its console's. */
void *cop__session_run(void *argument);

/* Ends the wait that the session is in, if it is in one. Under the console's lock. */
void cop__session_interrupt(struct cop__session *session);

#endif
