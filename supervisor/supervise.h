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

/* What else is heard while a tree starts: `hears` is called with each message of that kind, and the root, which is there already and
 * linked to the caller. It may exit. */
struct cop__start_ear {
        const cop_kind *kind;
        void (*hears)(void *context, const cop_message *message, cop_pid root);
        void *context;
        uint32_t *is_done; /* atomic; set before the root ends, if its auto_shutdown is why. It outlives the root. Or NULL */
};

/* cop_supervise for who does not wait deafly; NULL: it does. Who hears exits traps them. */
cop_status cop__supervise_hearing(const cop_supervisor *tree, cop_pid *pid, const struct cop__start_ear *ear);

#endif
