/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where typed lines are kept from one shell to the next: $XDG_STATE_HOME/coppice/history, or
 * ~/.local/state/coppice/history; 0600, since what one types may be nobody else's business.
 */
#ifndef SHELL_CLIENT_HISTORY_FILE_H
#define SHELL_CLIENT_HISTORY_FILE_H

#include <stdbool.h>

/* The path, whose folders have been made; the caller frees it. NULL: there is no home for it. */
char *history_file_path(void);

/* Adds a line as libedit writes them. Not at all, if the file cannot be written or is another's. */
void history_file_add(const char *path, const char *line);

/* So long that it should be written anew, with the last lines only. */
bool history_file_is_long(const char *path);

#endif
