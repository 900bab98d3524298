/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Stopping one actor: it is asked with shutdown, waited for, and killed when its time is over.
 *
 *      shutdown_ms          shutdown   wait      kill
 *      above 0              yes        so long   then
 *      INFINITY             yes        for ever  -
 *      AT_ONCE              yes        -         in the same breath
 *      BRUTAL_KILL          -          -         at once
 */
#ifndef SUPERVISOR_STOP_H
#define SUPERVISOR_STOP_H

#include <coppice/supervisor.h>

/*
 * Stops `pid` and returns when it is dead. The request comes `from` who is given: what traps exits
 * obeys its parent. The link between the caller and it is gone afterwards, and nothing of its end
 * is left in the mailbox. *late: it was killed since its time was over. Errors: COP_E_NO_MEMORY,
 * and then it may live on, linked.
 */
cop_status cop__stop(cop_pid pid, cop_pid from, int64_t shutdown_ms, bool *late);

#endif
