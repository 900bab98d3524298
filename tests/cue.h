/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What happens when a thread comes to a cue (base/cue.h). Included by a test program's only source.
 *
 *      cue_hold("a.point");            the next thread that comes there stays ...
 *      ...                             (what brings it there)
 *      cue_await("a.point");           ... and when it is there
 *      ...                             (what is to happen meanwhile)
 *      cue_go("a.point");              it goes on
 *
 *      cue_act("a.point", act, to);    or: the next that comes there calls act(to), in the place of another thread
 *
 * Each is for one passage: who comes later passes by, until it is asked for again. A cue that is expected has to be awaited, or asked of
 * cue_has_come: else a claim would hold just as well without its race. Forked processes inherit what was asked for.
 */
#ifndef TESTS_CUE_H
#define TESTS_CUE_H

#include "tests/suite.h"

#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/cue.h"

#if !COP__CUES
#error "tests are built with cues"
#endif

enum cue_stage { CUE_FREE, CUE_ASKED, CUE_COME, CUE_LEFT };

struct cue {
        uint32_t stage; /* atomic; of a free one nothing else counts */
        const char *name;
        unsigned passes;     /* of those who come, so many go by first; the listener's, under `taken` */
        void (*act)(void *); /* NULL: who comes is held until cue_go */
        void *to;
        uint32_t go;    /* atomic */
        uint32_t taken; /* atomic: somebody is looking at `passes` */
};

static struct cue cues[8];

/* Who has come to a cue that was asked for: only the first. */
static inline bool cue_is_taken_by_me(struct cue *cue, const char *name)
{
        if (cop__load_acquire(&cue->stage) != CUE_ASKED || strcmp(cue->name, name) != 0)
                return false;
        while (cop__exchange_acquire(&cue->taken, 1))
                sched_yield();
        bool mine = cop__load_acquire(&cue->stage) == CUE_ASKED && cue->passes-- == 0;
        if (mine)
                cop__store_release(&cue->stage, CUE_COME);
        cop__store_release(&cue->taken, 0);
        return mine;
}

static inline void cue_listener(const char *name)
{
        for (size_t i = 0; i < COP__COUNT(cues); i++) {
                struct cue *cue = &cues[i];
                if (!cue_is_taken_by_me(cue, name))
                        continue;
                if (cue->act != NULL)
                        cue->act(cue->to);
                else
                        while (!cop__load_acquire(&cue->go))
                                sched_yield();
                cop__store_release(&cue->stage, CUE_LEFT);
                return;
        }
}

static inline struct cue *cue_find(const char *name)
{
        for (size_t i = 0; i < COP__COUNT(cues); i++)
                if (cop__load_acquire(&cues[i].stage) != CUE_FREE && strcmp(cues[i].name, name) == 0)
                        return &cues[i];
        return NULL;
}

/* After `passes` who go by, the next that comes to it does `act`, or is held if that is NULL. By one thread of the test at a time. */
static inline void cue_ask(const char *name, unsigned passes, void (*act)(void *), void *to)
{
        struct cue *cue = cue_find(name);
        for (size_t i = 0; cue == NULL && i < COP__COUNT(cues); i++)
                if (cop__load_acquire(&cues[i].stage) == CUE_FREE)
                        cue = &cues[i];
        ck_assert_msg(cue != NULL, "no room for the cue %s", name);
        uint32_t stage = cop__load_acquire(&cue->stage);
        ck_assert_msg(stage == CUE_FREE || stage == CUE_LEFT, "the cue %s is asked for already", name);
        if (stage == CUE_FREE) /* else it has that name, and others may be reading it */
                cue->name = name;
        cue->passes = passes;
        cue->act = act;
        cue->to = to;
        cop__store_release(&cue->go, 0);
        cop__store_release(&cue->stage, CUE_ASKED);
        cop__store_release(&cop__cue_heard_by, cue_listener);
}

static inline void cue_act(const char *name, void (*act)(void *), void *to)
{
        cue_ask(name, 0, act, to);
}

static inline void cue_hold(const char *name)
{
        cue_ask(name, 0, NULL, NULL);
}

/* Whether somebody has come since it was asked for, be he there still or not. From a handler of signals, too. */
static inline bool cue_has_come(const char *name)
{
        struct cue *cue = cue_find(name);
        if (cue == NULL)
                ck_abort_msg("nobody asked for the cue %s", name);
        return cop__load_acquire(&cue->stage) >= CUE_COME;
}

/* Until somebody has come; the claim's own limit ends a wait for nobody. */
static inline void cue_await(const char *name)
{
        while (!cue_has_come(name))
                sched_yield();
}

/* Who is held goes on. */
static inline void cue_go(const char *name)
{
        struct cue *cue = cue_find(name);
        ck_assert_msg(cue != NULL && cue->act == NULL, "nobody is held at the cue %s", name);
        cop__store_release(&cue->go, 1);
}

/* ... and is past it. */
static inline void cue_go_and_await(const char *name)
{
        cue_go(name);
        while (cop__load_acquire(&cue_find(name)->stage) != CUE_LEFT)
                sched_yield();
}

#endif
