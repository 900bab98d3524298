/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Being interrupted, and being left alone.
 *
 * An actor that computes for longer than a slice (node.h: slice_ms) is interrupted if others wait for its worker, or if an
 * exit signal has come for it; later it goes on where it was. So `for (;;);` in one actor stalls nobody, and
 * cop_send_exit(pid, cop_atom("kill")) ends it. It notices nothing: registers, errno and the floating-point control are as they
 * were, and it goes on on the same thread.
 *
 * It is interrupted only in the program's own functions, in those of libm, and in those of the C library that touch nothing but
 * their arguments (memcpy, strlen, qsort). Never in malloc, stdio, in other libraries, or in Coppice.
 *
 * What people get wrong:
 * - A mutex of your own that an actor holds when it is interrupted stays held while others run on the same thread; one of them that
 *   locks it waits for ever. So do not hold locks in actors; or do it between cop_no_preempt_begin() and _end().
 * - Other actors run between any two instructions, also on one worker: what actors share behind Coppice's back is no safer for
 *   being on one thread.
 * - An actor may die between any two instructions, by an exit signal. What it has from malloc() is lost then; what it has from
 *   cop_alloc() is not.
 *
 * See also: docs/preemption.md, node.h for the slice.
 */
#ifndef COPPICE_PREEMPT_H
#define COPPICE_PREEMPT_H

#include <coppice/node.h>

COP_BEGIN_DECLS

/*
 * Between these two the calling actor is not interrupted, and no exit signal ends it unless it waits. To look, with a time-out of 0
 * or by a poll, is not to wait, nor is to send: who sends to one that is far behind makes no pause here. They nest. What is
 * not ended ends with the turn; an actor that waits in between takes it along. An end without a beginning ends the actor with
 * {badarg, ...}. On other threads: nothing. Cost: a few nanoseconds.
 */
COP_API void cop_no_preempt_begin(void);
COP_API void cop_no_preempt_end(void);

/*
 * Says that the calling actor is never to be interrupted, from now on; false takes it back. Returns what it was before.
 * To have it from the first instruction on, spawn it with .no_preempt = true. Outside an actor: false.
 */
COP_API bool cop_no_preempt(bool on);

#ifndef __cplusplus
/*
 * COP_NO_PREEMPT { pthread_mutex_lock(&m); ...; pthread_mutex_unlock(&m); }
 * The block is not interrupted. It may be left by return, break and goto too.
 */
#define COP_NO_PREEMPT COP__NO_PREEMPT_ONCE(COP__NO_PREEMPT_NAME(__LINE__))
#define COP__NO_PREEMPT_NAME(line) COP__NO_PREEMPT_JOINED(line)
#define COP__NO_PREEMPT_JOINED(line) cop_once_##line
#define COP__NO_PREEMPT_ONCE(once)                                                              \
        for (bool once __attribute__((cleanup(cop__no_preempt_over))) = (cop_no_preempt_begin(), true); \
             once; once = false)
static inline void cop__no_preempt_over(bool *once)
{
        (void)once;
        cop_no_preempt_end();
}
#endif

COP_END_DECLS

#endif
