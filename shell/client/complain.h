/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What goes wrong in the client, in the form that was asked for. */
#ifndef SHELL_CLIENT_COMPLAIN_H
#define SHELL_CLIENT_COMPLAIN_H

#include <stdbool.h>

#include "base/compiler.h"

/* A sentence on standard error, and a line feed; as JSON it is {"error": "..."}, as a node's shell has it. */
COP__PRINTF(2, 3) void complain(bool as_json, const char *format, ...);

#endif
