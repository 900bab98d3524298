/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The shell: command lines in, text out. It knows nothing of sockets; a session (session.h) or a
 * test gives it lines, on a thread that has entered the node, and that thread's actor is who sends,
 * calls, links and monitors.
 *
 *      "call till #bill{}" ──► words ──► command ─┬► out  "#share{...}"
 *                                                 └► err  "** till did not answer ..."
 *
 * What looks at the node (i, tree, regs, info) asks no worker, and works when all of them are
 * stuck.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include <coppice/actor.h>

#include "base/text.h"

/* How long a call waits if it does not say, as gen_server:call; await too. */
#define COP__SHELL_CALL_MS 5000

/* Bytes of one printed term; a longer one ends in "...". */
#define COP__SHELL_TERM_MAX ((size_t)1 << 18)

/* Messages, and bytes of them, that wait for a shell which does not look: what comes on top of that is refused, and counted. */
#define COP__SHELL_MAIL_MAX 10000u
#define COP__SHELL_MAIL_BYTES ((uint64_t)8 << 20)

/* Rows of i, tree and regs unless more are asked for. */
#define COP__SHELL_ROWS 500

struct cop__shell {
        cop_node *node;
        struct cop__text out, err; /* of the command that runs */
        bool leaving;              /* it was quit */
        bool wants_json;           /* each answer is one JSON value; see json.h */
        bool is_json;              /* `out` is that value already */
        uint64_t told;             /* number of the crash report that it has shown; 0: none */
        uint64_t refused;          /* messages that found its mailbox full, as far as it has been said */

        /* Set by any thread, pairs with the look in cop__shell_interrupted; cleared at each
         * command. */
        uint32_t interrupted;

        /* Around each wait; may be NULL. Between the two, whoever interrupts must make the wait
         * end. */
        void (*wait_begin)(struct cop__shell *shell);
        void (*wait_end)(struct cop__shell *shell);
};

void cop__shell_init(struct cop__shell *shell, cop_node *node);
void cop__shell_fini(struct cop__shell *shell);

/*
 * Runs one command line: `out` and `err` are what it says. Returns true if it did what it should. If the shell wants JSON, `out` is the
 * answer as one value, or `err` is {"error": "..."}: a command that has nothing better puts its text into {"text": "..."}.
 */
bool cop__shell_run(struct cop__shell *shell, const char *line, size_t size);

/*
 * What the last word of a line that is being typed could become: *from is where that word begins,
 * and the candidates stand in `candidates`, each with a line end.
 */
void cop__shell_complete(struct cop__shell *shell, const char *line, size_t size, size_t *from,
                         struct cop__text *candidates);

bool cop__shell_interrupted(struct cop__shell *shell);

/* For a command that can answer in JSON: does it have to? */
static inline bool cop__shell_speaks_json(struct cop__shell *shell)
{
        shell->is_json |= shell->wants_json;
        return shell->wants_json;
}

#endif
