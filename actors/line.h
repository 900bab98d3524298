/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Requests that wait their turn: what channels and futures have in common.
 *
 * Such an actor is a server that never waits itself. A request that it cannot answer yet it holds, in a line, and answers
 * when its turn has come. Three things could go wrong with who waits, and each has one answer:
 *
 *      its time is over    It cannot just go away: the answer may be on its way. So it says that it gives up, and waits
 *                          on. If the request is still in line it is answered with COP_E_TIMEOUT at once; if not, the answer was
 *                          sent before. Either way exactly one answer comes, and the two sides agree on what happened.
 *                          Who holds the line may not answer at all: it is stopped, or no line is there. So that second wait has
 *                          an end (COP__GRACE_MS, COP__TRY_MS), and the request is then settled without who asked; see below.
 *      it dies in line     Who asked is monitored; with its cop_down the request is taken out.
 *      it dies, or has chosen something else, when the answer is on its way
 *                          An answer that must not be lost is sent with COP__SIGNAL_RETURN. A reply is one block that is
 *                          somewhere at any moment, in a queue or in hands; whoever would free it unreceived sends it back
 *                          instead (send.c), in the same block, which needs no memory. So a reply is received, or
 *                          comes back, and never both.
 *
 * On one's own. Who goes without an answer says COP_E_TIMEOUT, and that must stay true whenever the other side comes to it:
 *
 *      what it would be given   is returnable, and comes back as above; or it is a copy.
 *      what it would bring      (an item that is put) is accepted in time or never: its request bears that (COP__SIGNAL_TIMED),
 *                          which is looked at where it leaves the queue and where it leaves the line; and who asked waits for so
 *                          much longer than that. An answer would have to take that long between the look at the clock and its
 *                          sending. For a process that was stopped just there, the last word (COP__GIVE_UP_TAKE_BACK) takes out
 *                          again what was accepted, if it is still there.
 *
 * And if the actor that holds the line dies, each request in it fails, like every message that an actor held.
 *
 * A request for a line that the holder leaves unanswered was one for which there was no memory; of a future that is an await alone.
 * Any other actor was the wrong one.
 *
 * The lines, and all in them, are their server's alone.
 */
#ifndef ACTORS_LINE_H
#define ACTORS_LINE_H

#include "actors/actor.h"
#include "mailbox/kind.h"

/* An answer that is only a status. */
typedef struct {
        int32_t status;
} cop__answer;
COP__KIND_DECLARE(cop__answer);

/* From who asked under that reference: its time is over. */
enum cop__giving_up {
        COP__GIVE_UP_TRIES,     /* it was a try, and still waits for an answer; it is among the last of its line, if at all */
        COP__GIVE_UP_WAITS,     /* it still waits for an answer */
        COP__GIVE_UP_GONE,      /* it does not: it has another one, or has waited long enough */
        COP__GIVE_UP_TAKE_BACK, /* it does not, and what it may have brought is not to be there */
};
typedef struct {
        cop_ref ref;
        int32_t how;
        bool takes; /* of a channel: it was to take, and not to put */
} cop__give_up;
COP__KIND_DECLARE(cop__give_up);

/* A request that is held, in one of its server's lines. */
struct cop__entry {
        struct cop__list list;
        cop_message *request; /* held; NULL: of an item that is away */
        cop_pid from;
        cop_ref ref;
        cop_ref monitor;      /* of who asked; 0: not watched */
        bool offer;           /* of a channel: wants to put, and will bring the item when it may */
        bool both;            /* the same, and under the same reference it would take here, too */
};

/* count = entries in the list. */
struct cop__line {
        struct cop__list entries;
        size_t count;
};

void cop__line_init(struct cop__line *line);

/* The request that the handler is at, at the end of the line. NULL without memory: then it will fail, unanswered. */
struct cop__entry *cop__line_join(struct cop__line *line);

/* From now on the death of who asked is heard of, as cop_down under the entry's monitor. */
void cop__line_watch(struct cop__entry *entry);
void cop__line_unwatch(struct cop__entry *entry);

/* NULL: it is empty. */
struct cop__entry *cop__line_first(const struct cop__line *line);
struct cop__entry *cop__line_next(const struct cop__line *line, const struct cop__entry *entry); /* NULL: it is the last */
struct cop__entry *cop__line_last(const struct cop__line *line);

/* Found from the front: with equal time-outs the first in line are the first to give up. */
struct cop__entry *cop__line_find(const struct cop__line *line, cop_ref ref);
struct cop__entry *cop__line_find_dead(const struct cop__line *line, const cop_down *down);
struct cop__entry *cop__line_find_from(const struct cop__line *line, cop_pid from);
size_t cop__line_count(const struct cop__line *line, cop_ref ref);

/* To the end of another line, or to its front. */
void cop__line_move(struct cop__line *from, struct cop__line *to, struct cop__entry *entry);
void cop__line_move_first(struct cop__line *from, struct cop__line *to, struct cop__entry *entry);

/* Ends an entry; a request that was not answered fails with COP_E_NO_MEMORY. */
void cop__line_end(struct cop__line *line, struct cop__entry *entry);

/* One whose time is over leaves the line, if it is there. False: it is not. */
bool cop__line_give_up(struct cop__line *line, const cop__give_up *who);

/* Answers with a status, and ends the entry. */
void cop__line_dismiss(struct cop__line *line, struct cop__entry *entry, cop_status status);
void cop__line_dismiss_all(struct cop__line *line, cop_status status);

/* The reference of the message that the handler is at. */
cop_ref cop__request_ref(void);

/* May what was asked still be done? For who asked its time may be over. */
bool cop__line_is_wanted(const struct cop__entry *entry);

/* Is such a request, unanswered by it, one that it had no memory for? */
bool cop__lacks_memory_for(const struct cop__actor *actor, const cop_kind *request);

/* Of cop__ask where the answer can be a status only: another is that of somebody else, is ended, and COP_E_NO_REPLY. NULL: there
 * is none. */
cop_status cop__only_status(struct cop__actor *actor, cop_status status, struct cop__signal *other);
bool cop__is_channel(const cop_behaviour *server);
bool cop__is_future(const cop_behaviour *server);
bool cop__is_agent(const cop_behaviour *server);
bool cop__is_task_group(const cop_behaviour *server);

/* ---- The other side: who asks ------------------------------------------------------------- */

/* How long who asks has patience; UINT64_MAX: for ever. */
struct cop__patience {
        uint64_t until_ns;  /* then it gives up; 0: at once, which is a try */
        uint64_t wanted_ns; /* a request that bears its time is wanted until then */
        uint64_t end_ns;    /* then it goes; never before wanted_ns */
};
struct cop__patience cop__patience_of(int64_t timeout_ms);

/* A request that bears its time, and is no new work: a put was let in before (channel.h). Errors: those of cop__signal_owed. */
cop_status cop__timed_request(const struct cop__patience *patience, const cop_kind *kind, const void *value,
                      struct cop__signal **request);

/* Tells `to` that the calling actor gives up what it has asked for. Errors: COP_E_NO_MEMORY. */
cop_status cop__give_up_asking(struct cop__actor *actor, cop_pid to, cop__give_up what);

/*
 * Asks for something that may take its time, and gives up in the end. The request is taken. COP_OK: *reply is the
 * answer, in nobody's hands yet, and not a cop__answer. Errors: the status of a cop__answer; COP_E_TIMEOUT; COP_E_DIED;
 * COP_E_NO_ACTOR; COP_E_NO_REPLY (it holds no lines); COP_E_NO_MEMORY.
 */
cop_status cop__ask(struct cop__actor *actor, cop_pid to, struct cop__signal *request,
                    const struct cop__patience *patience, const void *where, struct cop__signal **reply);

/* What a reply or failure of such a request means: what cop__ask does with it. NULL: none has come. */
cop_status cop__ask_close(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                          struct cop__signal **reply);

#endif
