/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Which node to talk to, when none was named. */
#ifndef SHELL_CLIENT_CHOOSE_H
#define SHELL_CLIENT_CHOOSE_H

#include "shell/client/talk.h"

/* The only one; of several, the one that is chosen at a terminal. EXIT_NO_NODE: none, having
 * said why. */
enum exit_code choose_node(char name[COP_NAME_MAX + 1], bool may_ask, bool as_json);

/* Is it there, and lets somebody in? */
bool node_opens(const char *node);
/* Does any? One that is starting has its name already, and listens a moment later. */
bool any_node_opens(void);

/* Prints them all, as text or as JSON. */
enum exit_code list_nodes(bool as_json);

#endif
