/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The start of what is to live and end with its caller, and answers for a failed start: trees and sets of applications. */
#ifndef SUPERVISOR_SUPERVISE_H
#define SUPERVISOR_SUPERVISE_H

#include <coppice/supervisor.h>

/*
 * Spawns a server as the options say, linked, and waits until its init has ended. If it fails, COP_E_DIED with cop_failure()
 * the reason, and the caller lives on, provided that the server has undone its link first. The options' argument is used
 * before anything waits.
 */
cop_status cop__supervise(cop_spawn_options *options, cop_pid *pid);

#endif
