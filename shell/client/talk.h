/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The client's side of a conversation with a node's console: one request at a time, and news in
 * between.
 */
#ifndef SHELL_CLIENT_TALK_H
#define SHELL_CLIENT_TALK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include <coppice/actor.h>

#include "shell/door.h"

/* Ends of the program. */
enum exit_code {
        EXIT_OK = 0,
        EXIT_FAILED = 1,  /* a command failed, or the node ended */
        EXIT_USAGE = 2,   /* wrong words, or a file that cannot be read */
        EXIT_NO_NODE = 3, /* no such node, or several to choose from */
};

/* What became of a command. */
enum outcome {
        OUTCOME_OK = 0,
        OUTCOME_FAILED,
        OUTCOME_LEAVE, /* it was quit */
        OUTCOME_LOST,  /* the node has ended */
};

struct talk {
        int fd;
        char node[COP_NAME_MAX + 1];
        char pid[COP_ID_TEXT_MAX];
        char version[32];
        unsigned line; /* number of the next command, for the prompt */
        bool wants_json;

        /* Set by a signal handler: the user wants the wait to end. NULL: nobody sets it. */
        volatile sig_atomic_t *interrupted;
        /* Shows news; NULL: it is dropped. */
        void (*show_news)(const char *text);
};

/* Connects and reads the greeting. On failure it returns an exit code, having said why. */
enum exit_code talk_begin(struct talk *talk, const char *node, bool wants_json);
void talk_end(struct talk *talk);

/* The node has ended in the middle: says so. */
void talk_say_lost(const struct talk *talk);

/* Runs a command; its output goes to standard output and standard error. */
enum outcome talk_run(struct talk *talk, const char *line, size_t size);

/* Asks for candidates: the answer's text, which the caller frees, or NULL. */
char *talk_complete(struct talk *talk, const char *line, size_t size);

/* From now on, crashes are told. */
bool talk_want_news(struct talk *talk);

/* Something has come unasked: shows it. False: the node has ended. */
bool talk_hear(struct talk *talk);

/* "shop@here 3> ", in the caller's buffer. */
#define TALK_PROMPT_MAX (COP_NAME_MAX + 32)
const char *talk_prompt(const struct talk *talk, char prompt[TALK_PROMPT_MAX]);

#endif
