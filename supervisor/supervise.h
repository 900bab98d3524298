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

/*
 * cop_supervise for who traps exits, and minds those that come while the tree starts: `hears` is called with each, and the
 * root, which is there already and linked to the caller. It may exit.
 */
cop_status cop__supervise_hearing(const cop_supervisor *tree, cop_pid *pid,
                                  void (*hears)(void *context, const cop_exited *exited, cop_pid root),
                                  void *context);

#endif
