/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Cues: points, by name, at which what a thread does can be seen half done, and at which a test may hold it, or do there what another thread
 * would do just then. A race that one run in a million decides is so decided in each run.
 *
 *      COP__CUE("zygote.between_packets");             in the source
 *      cue_hold("zygote.between_packets");             in a test: tests/cue.h
 *
 * A build without tests has none of them. In the others one costs a load and a branch while nobody listens, so none is on the way that each message
 * goes. The explorer (tests/explore) has each atomic operation instead, and no cues.
 */
#ifndef COP__BASE_CUE_H
#define COP__BASE_CUE_H

#ifndef COP__CUES
#define COP__CUES 0
#endif

#if COP__CUES
#include "base/atomic.h"
#include "base/compiler.h"

/* Called with the cue's name by each thread that comes to one; NULL: nobody listens. Atomic. */
typedef void cop__cue_listener(const char *name);
extern cop__cue_listener *cop__cue_heard_by;

#define COP__CUE(name)                                                                             \
        do {                                                                                       \
                cop__cue_listener *listener_ = cop__load_acquire(&cop__cue_heard_by);              \
                if (COP__UNLIKELY(listener_ != NULL))                                              \
                        listener_(name);                                                           \
        } while (0)
#else
#define COP__CUE(name) ((void)0)
#endif

#endif
