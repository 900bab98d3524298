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
 *      it dies in line     Who asked is monitored; with its cop_down the request is taken out.
 *      it dies, or has chosen something else, when the answer is on its way
 *                          An answer that must not be lost is sent with COP__SIGNAL_RETURN. A reply is one block that is
 *                          somewhere at any moment, in a queue or in hands; whoever would free it unreceived sends it back
 *                          instead (send.c), in the same block, which needs no memory. So a reply is received, or
 *                          comes back, and never both.
 *
 * And if the actor that holds the line dies, each request in it fails, like every message that an actor held.
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

/* From who asked under that reference: its time is over. It still waits for an answer, unless it has gone. */
typedef struct {
        cop_ref ref;
        bool gone;
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
struct cop__entry *cop__line_last(const struct cop__line *line);

/* Found from the front: with equal time-outs the first in line are the first to give up. */
struct cop__entry *cop__line_find(const struct cop__line *line, cop_ref ref);
struct cop__entry *cop__line_find_dead(const struct cop__line *line, const cop_down *down);
struct cop__entry *cop__line_find_from(const struct cop__line *line, cop_pid from);

/* To the end of another line, or to its front. */
void cop__line_move(struct cop__line *from, struct cop__line *to, struct cop__entry *entry);
void cop__line_move_first(struct cop__line *from, struct cop__line *to, struct cop__entry *entry);

/* Ends an entry; a request that was not answered fails with COP_E_NO_REPLY. */
void cop__line_end(struct cop__line *line, struct cop__entry *entry);

/* One whose time is over leaves the line, if it is there. False: it is not. */
bool cop__line_give_up(struct cop__line *line, const cop__give_up *who);

/* Answers with a status, and ends the entry. */
void cop__line_dismiss(struct cop__line *line, struct cop__entry *entry, cop_status status);
void cop__line_dismiss_all(struct cop__line *line, cop_status status);

/* The reference of the message that the handler is at. */
cop_ref cop__request_ref(void);

/* ---- The other side: who asks ------------------------------------------------------------- */

/* Tells `to` that the calling actor gives up what it has asked for, and perhaps does not wait either. Errors: COP_E_NO_MEMORY. */
cop_status cop__give_up_asking(struct cop__actor *actor, cop_pid to, cop_ref ref, bool gone);

/*
 * Asks for something that may take its time, and gives up after timeout_ms. The request is taken. COP_OK: *reply is the
 * answer, in nobody's hands yet, and not a cop__answer. Errors: the status of a cop__answer; COP_E_DIED, COP_E_NO_ACTOR;
 * COP_E_NO_MEMORY, for which a request that fails without an answer stands.
 */
cop_status cop__ask(struct cop__actor *actor, cop_pid to, struct cop__signal *request,
                    int64_t timeout_ms, const void *where, struct cop__signal **reply);

/* What a reply or failure of such a request means: what cop__ask does with it. */
cop_status cop__ask_close(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                          struct cop__signal **reply);

#endif
