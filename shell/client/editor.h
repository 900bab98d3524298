/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Reading a line from a terminal, with the node's news printed above it as it comes.
 *
 * Two make it: editor_libedit.c, with editing, history and completion, where libedit is; else
 * editor_plain.c, where the terminal itself does what it can.
 */
#ifndef SHELL_CLIENT_EDITOR_H
#define SHELL_CLIENT_EDITOR_H

#include "shell/client/talk.h"

enum reading {
        READING_LINE = 0, /* *line and *size: valid until the next call; no line end */
        READING_CANCELLED, /* Ctrl-C */
        READING_END,      /* Ctrl-D */
        READING_LOST,     /* the node has ended */
};

struct editor;

/* NULL: no memory, or a terminal that libedit cannot use. */
struct editor *editor_new(struct talk *talk, volatile sig_atomic_t *interrupted);
void editor_free(struct editor *editor);
enum reading editor_read(struct editor *editor, const char **line, size_t *size);

/* What has been run comes back with the arrow keys, also the next time. */
void editor_remember(struct editor *editor, const char *line);

/* Prints news where no line is being read; while one is, the editor prints above it. */
void editor_show_news(const char *text);

#endif
