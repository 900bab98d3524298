/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An actor in an OS process of its own, as the node sees it.
 *
 *          node                                               process
 *      ┌───────────────────────────────┐                  ┌─────────────────────────┐
 *      │ others ◄──signals──► <0.12.0> │                  │ <0.12.0>                │
 *      │                      outpost ─┼── packets, in ───┼─► its function or       │
 *      │        mailbox, name, links,  │   order, each    │   handlers, its state,  │
 *      │        monitors, trap_exit    │ ◄── way ─────────┼── its timers            │
 *      └───────────────────────────────┘                  └─────────────────────────┘
 *
 * The pid belongs to an ordinary actor of the node, the outpost: a server whose one callback
 * hands on whatever it gets. So names, links, monitors, limits of the mailbox, being looked at
 * and being killed are those of any actor. In the process the same code as ever runs as the only
 * actor of a small node (inside.h), which has the same pid: what it sends to any other becomes a
 * packet, and the outpost sends it in its own name. What concerns the actor's relations with
 * others it asks the outpost to do, and waits for the answer.
 *
 * Order. There is one socket, and each side handles what comes in order: so the order between a
 * pair of actors holds, an exit comes behind the last message, and after a question has been
 * answered nothing comes that it has ended.
 *
 * Requests. A call that has come is held by the outpost, and only a copy crosses. Whatever ends
 * the outpost ends the call, with its reason, as with any actor.
 *
 * Overload. The outpost takes a message out of its mailbox when the bytes that wait for the
 * process are fewer than COP__CROSSING_WAITING. Else it waits, on a stack of its own, until the
 * process has read: so the mailbox fills, and its limits and the pressure on senders are those of
 * any actor. Meanwhile it goes on reading what the process sends; neither side ever waits for the
 * other one in a circle. The process reads when its actor has nothing left to do, and when it
 * asks something, one question at a time: who asks the next before the answer has left, and has
 * left that much unread, has lost its mind and is ended, or its answers would take all of the
 * node's memory. Calls that fail it may have any number of, as any actor: each is no larger than
 * what it has sent for that. Between the end of its init and that of the outpost's own it is not
 * read from, and then nobody waits for it to read.
 *
 * The end. By its own doing: COP__PACKET_ENDED, with reason and report. Otherwise the socket is
 * at its end, and the zygote tells how the process ended. Dying first of all kills the process.
 *
 * Who may touch what: all of struct cop__crossing is the outpost's own; the place of the process
 * (birth) is under the lock of the zygote. Workers that wait for sockets (scheduler/poll.h) send
 * the outpost a cop__ready under its pid: they know no address of it.
 */
#ifndef ACTORS_OUTPOST_H
#define ACTORS_OUTPOST_H

#include "actors/actor.h"
#include "actors/belonging.h"
#include "actors/crossing.h"
#include "actors/zygote.h"
#include "base/table.h"

struct cop__report;

/* All of an outpost that must end with it. */
struct cop__crossing {
        struct cop__belonging belonging;
        struct cop_node *node;
        struct cop__birth birth;
        int socket;                 /* that of `birth`; -1: none yet */
        bool writable_wanted;       /* told when there is room in the socket again */
        bool flush_due;             /* a cop__ready is in the mailbox that will see to it */
        bool started;               /* its init is over ... */
        bool begun;                 /* ... and so is the outpost's: what the process says is heard again */
        bool hung_up;
        bool over;                  /* the process had ended: when all is read there is no more */
        struct cop__tray in, out;
        size_t told;                /* bytes of `out` up to the end of the last answer to a question; 0: all of that is written */
        struct cop__table held;     /* requests, by reference */
        struct cop__mailbox looked; /* what sys has asked and the process not answered; see outpost_sys.h */
        struct cop__table asked;    /* of the process: those whose answers have not come; see outpost_wait.h */
        uint64_t last_ref;          /* the greatest under which it has asked */
        uint64_t look_at_ns;        /* when to look for a ring again; 0: there is none */
        cop__obituary *obituary;    /* flat; for the crash report */
        void *read;                 /* flat, of `kind`: what is being done, which may end the actor; NULL: nothing */
        const cop_kind *kind;
};

/* Something has happened to the socket or the process: look. To an outpost. */
typedef struct cop__ready {
        uint32_t unused;
} cop__ready;
COP__KIND_DECLARE(cop__ready);

struct cop__sponsor;

/*
 * Spawns an outpost for options whose isolation is COP_ISOLATION_PROCESS, as cop__spawn and
 * cop__spawn_for do for others.
 */
cop_status cop__outpost_spawn(const cop_spawn_options *options, cop_ref asked, struct cop__sponsor *sponsor, cop_pid *pid);

/*
 * The same for an actor in a process that wants another one: which lives in a process of its own,
 * too, and whose parent is the calling outpost. Errors: those of cop_spawn_opt.
 */
cop_status cop__outpost_spawn_wish(const cop__wish *wish, cop_ref *monitor_ref, cop_pid *pid);

/*
 * Tells the actor of that pid to look; false: there is no memory for that. Any thread of the
 * node.
 */
bool cop__outpost_rouse(struct cop__thread *thread, cop_pid pid);

/* Is it one? */
bool cop__runs_outpost(const struct cop__actor *actor);
COP__INLINE bool cop__is_outpost(const struct cop__actor *actor)
{
        return COP__UNLIKELY(cop__load_relaxed(&actor->isolation) == COP_ISOLATION_PROCESS) &&
               cop__runs_outpost(actor);
}

/* Does that pid live, and is it one? Any thread of the node. */
bool cop__outpost_is_at(struct cop_node *node, cop_pid pid);

/*
 * REPLY or FAILED has come, for a call of its process': it goes to the mailbox, like a message.
 * True, unless it is no outpost.
 */
bool cop__outpost_takes(struct cop__actor *actor, struct cop__signal *signal);

/* The outpost has ended: nothing runs in its process from here on. */
void cop__outpost_cut(struct cop__actor *actor);

/* What its crash report says. */
void cop__outpost_testify(struct cop__actor *actor, struct cop__report *report);

/*
 * DEFERRED_BY has come for a call of the process', which is told; the outpost keeps the half.
 * True.
 */
bool cop__outpost_deferred(struct cop__actor *actor, cop_ref ref);

#endif
