/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Commands from a file or a pipe. */
#ifndef SHELL_CLIENT_SCRIPT_H
#define SHELL_CLIENT_SCRIPT_H

#include <stdio.h>

#include "shell/client/talk.h"

struct script {
        FILE *file;
        const char *name;  /* for complaints; NULL: standard input */
        bool keep_going;   /* at an error */
        bool echo;         /* prints each command behind its prompt */
};

/* Runs all commands. EXIT_FAILED if one of them failed. */
enum exit_code script_run(const struct script *script, struct talk *talk);

#endif
