/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The zygote: a small process, forked from the program early, that forks the processes of single actors.
 *
 *      program ──fork, fork──► zygote ──fork──► process of <0.12.0>
 *         │  ◄──── control ─────►│  ──fork──► process of <0.17.0>
 *         └───────────── a socket to each of them ────────┘
 *
 * Why not fork in the program itself. It has threads, whose locks a forked child inherits in whatever state they are; with much
 * memory a fork copies large tables (6.7 ms at 512 MiB, 0.1 ms from the zygote); and the program would be the parent: a
 * SIGCHLD for each end, and one that it has to fetch before the program's own wait() does.
 *
 * Whose child. The zygote is forked by a process that ends at once: so it is no child of the program either, and a program that
 * waits for "any child" never meets it. It leads a session of its own: an interrupt from the terminal is the program's to
 * handle. It keeps descriptors 0, 1 and 2 and its end of the control socket, and no handler or mask of signals.
 *
 * When. With the option `processes` of cop_node_options the zygote is forked before the node has threads. Without it, when
 * the first actor needs it, on a thread made for that: then locks of the program's own that other threads hold at that moment
 * stay locked for ever in all these processes.
 *
 * Killing. The node kills a process by its pidfd. Without one (the process had no descriptor left when it came) it tells the zygote,
 * who is the parent and so knows that the number is still the child's.
 *
 * Ends. When the node ends in whatever way, the kernel closes the control socket: the zygote kills its children and ends.
 * Each child has asked to be killed when the zygote ends (PR_SET_PDEATHSIG), so also if that is killed no child outlives it.
 * A node whose zygote has ended gets another one with the next actor that needs it.
 *
 * Who may touch what: the node's side under the lock, which is held over system calls that do not block but for the zygote's
 * fork. A child is known by its place (struct cop__birth), which its actor owns.
 */
#ifndef ACTORS_ZYGOTE_H
#define ACTORS_ZYGOTE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <coppice/actor.h>

#include "base/list.h"
#include "base/table.h"

struct cop_node;
struct cop__thread;

enum cop__birth_state {
        COP__BIRTH_ASKED = 1, /* for */
        COP__BIRTH_DONE,      /* the process runs, or ran */
        COP__BIRTH_FAILED,    /* `error` says why */
        COP__BIRTH_ENDED,     /* how: `code` and `status` */
        COP__BIRTH_LOST,      /* the zygote ended: nobody knows */
};

/* One process, from being asked for to its end. Under the lock of the node's zygote, but for what the actor alone uses. */
struct cop__birth {
        struct cop__table_node node;
        cop_pid pid;         /* of the actor; the key */
        enum cop__birth_state state;
        pid_t os_pid;
        int socket;          /* our end; the actor's, who removes and closes it after the place is forgotten */
        int pidfd;           /* -1: none yet, or there was no descriptor left for it; closed with the place */
        int error;           /* an errno */
        int code, status;    /* as waitid() tells them: CLD_EXITED and so on */
        const char *server;  /* the name of the behaviour, the zygote's; NULL: a plain actor */
};

struct cop__zygote {
        pthread_mutex_t lock;
        unsigned limit;      /* of processes at once; constant */
        int control;         /* -1: there is none */
        int pidfd;
        struct cop__table births;
        struct cop__list names; /* of behaviours: each once, and there until the node ends */
        unsigned name_count;
};

void cop__zygote_init(struct cop__zygote *zygote, unsigned limit);
/* Ends it and waits until it is gone, and with it all its children. */
void cop__zygote_fini(struct cop_node *node);

/* Forks one unless there is one. Errors: COP_E_SYSTEM, COP_E_NO_MEMORY. */
cop_status cop__zygote_start(struct cop_node *node);

/* A program that starts with a zygote has it listened to once its node can. Errors: COP_E_SYSTEM. */
cop_status cop__zygote_listen(struct cop_node *node);

/*
 * Asks for a process that gets one end of a socket; birth->socket is the other one, the caller's. The actor hears a cop__ready when
 * the place's state changes. `server`, copied, is the name of its behaviour; NULL: it has none.
 * Errors: COP_E_LIMIT (there are as many as there may be), COP_E_SYSTEM (birth->error says why, if it is known), COP_E_NO_MEMORY; the
 * place is in no list then.
 */
cop_status cop__zygote_ask(struct cop_node *node, struct cop__birth *birth, const char *server);

/* What the place says now, copied. */
void cop__zygote_look(struct cop_node *node, const struct cop__birth *birth, struct cop__birth *now);

/* Kills the process, if it still runs. */
void cop__zygote_kill(struct cop_node *node, struct cop__birth *birth);

/* The same, and the place is the caller's again. */
void cop__zygote_forget(struct cop_node *node, struct cop__birth *birth);

/* Who lives in a process of its own, for those who look; false: not that actor. */
bool cop__zygote_find(struct cop_node *node, cop_pid pid, pid_t *os_pid, const char **server);

/*
 * Something has happened to a socket: its actor is told to look, an outpost as soon as there is memory for that. Between two tasks.
 * False: there is none, and it is no outpost.
 */
bool cop__zygote_tell(struct cop_node *node, struct cop__thread *thread, cop_pid pid);

/* The control socket has something to tell. Between two tasks. */
void cop__zygote_hear(struct cop_node *node, struct cop__thread *thread);

/* The mark of the control socket; those of actors are their pids. */
#define COP__ZYGOTE_MARK UINT64_C(0)

#endif
