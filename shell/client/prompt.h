/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The conversation at a terminal. */
#ifndef SHELL_CLIENT_PROMPT_H
#define SHELL_CLIENT_PROMPT_H

#include "shell/client/talk.h"

/* Until Ctrl-D or quit, or the node ends. */
enum exit_code prompt_run(struct talk *talk);

#endif
