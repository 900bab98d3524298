/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The books of timers: handles, rings of receivers, and the sweep. See timer_home.h. */
#include "actors/timer_home.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "actors/actor.h"
#include "base/cue.h"
#include "base/memory.h"

#define REF_IS_TIMER (UINT64_C(1) << 63)
#define REF_HOME_SHIFT 56
#define REF_INDEX_SHIFT 32

_Static_assert(COP__WORKERS_MAX <= 1 << (63 - REF_HOME_SHIFT), "a reference says whose it is");
_Static_assert(COP__TIMER_HANDLES <= 1u << (REF_HOME_SHIFT - REF_INDEX_SHIFT),
               "a reference says which it is");

/* ---- Life ------------------------------------------------------------------------- */

/* The firsts, like the slots, are reserved for all actors there may be, and touched as they are first used. */
static cop_status map_firsts(struct cop__timers *timers, unsigned workers, uint32_t actors)
{
        const size_t each = (size_t)actors + 2;
        timers->firsts_size = workers * each * sizeof(uint32_t);
        void *firsts = mmap(NULL, timers->firsts_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (firsts == MAP_FAILED)
                return COP_E_NO_MEMORY;
        timers->firsts = firsts;
        for (unsigned i = 0; i < workers; i++)
                timers->homes[i].firsts = timers->firsts + i * each;
        return COP_OK;
}

cop_status cop__timers_init(struct cop__timers *timers, unsigned workers, uint32_t actors)
{
        const size_t size = workers * sizeof(struct cop__timer_home);
        timers->homes = cop__aligned_alloc(COP__CACHE_LINE, size);
        if (timers->homes == NULL)
                return COP_E_NO_MEMORY;
        memset(timers->homes, 0, size);
        timers->room = workers;
        for (unsigned i = 0; i < workers; i++) {
                struct cop__timer_home *home = &timers->homes[i];
                home->chunks = cop__calloc(COP__TIMER_CHUNKS_FIRST, sizeof(home->chunks[0]));
                if (home->chunks == NULL)
                        return COP_E_NO_MEMORY;
                home->chunk_room = COP__TIMER_CHUNKS_FIRST;
                cop__timer_init(&home->sweep.timer);
                home->sweep.as.signal.type = COP__SIGNAL_SWEEP;
        }
        return map_firsts(timers, workers, actors);
}

void cop__timers_join(struct cop__timers *timers, struct cop__worker *worker)
{
        timers->homes[worker->index].worker = worker;
        cop__store_release(&timers->count, worker->index + 1); /* workers begin in order; HOME */
}

void cop__timers_fini(struct cop__timers *timers)
{
        if (timers->homes == NULL)
                return;
        for (unsigned i = 0; i < timers->room; i++) {
                struct cop__timer_home *home = &timers->homes[i];
                for (unsigned chunk = 0; home->chunks != NULL && chunk < home->chunk_room; chunk++)
                        free(home->chunks[chunk]);
                free(home->chunks);
        }
        if (timers->firsts != NULL)
                munmap(timers->firsts, timers->firsts_size);
        free(timers->homes);
        timers->homes = NULL;
}

struct cop__timer_home *cop__timer_home_here(struct cop__thread *thread)
{
        return &cop__node_of(thread)->timers.homes[cop__worker_for_timers(thread)->index];
}

struct cop__timer_home *cop__timer_home_of(struct cop__timers *timers, cop_ref ref)
{
        uint64_t index = (ref.bits & ~REF_IS_TIMER) >> REF_HOME_SHIFT;
        return ref.bits & REF_IS_TIMER && index < cop__load_acquire(&timers->count) ? &timers->homes[index] : NULL;
}

/* ---- Handles ------------------------------------------------------------------------ */

static uint32_t index_of(cop_ref ref)
{
        return (uint32_t)(ref.bits >> REF_INDEX_SHIFT) & (COP__TIMER_HANDLES - 1);
}

static uint64_t *handle_of(const struct cop__timer_home *home, uint32_t index)
{
        return &home->chunks[index / COP__TIMER_CHUNK][index % COP__TIMER_CHUNK];
}

static bool is_free(uint64_t handle)
{
        return handle & 1;
}

/* A free handle: the generation of its next reference, the next free one. */
static uint64_t free_handle(uint32_t generation, uint32_t next)
{
        return (uint64_t)generation << 32 | (uint64_t)next << 1 | 1;
}

static struct cop__timed *timed_at(const struct cop__timer_home *home, uint32_t index)
{
        return (struct cop__timed *)(uintptr_t)*handle_of(home, index);
}

static bool has_chunk(const struct cop__timer_home *home, uint32_t chunk)
{
        return chunk < home->chunk_room && home->chunks[chunk] != NULL;
}

/* Twice the room for chunks; another may have made it meanwhile. The lock is let go for a moment. */
static bool add_room(struct cop__timer_home *home)
{
        uint32_t room = home->chunk_room;
        cop__timer_home_unlock(home);
        uint64_t **wider = cop__calloc((size_t)room * 2, sizeof(wider[0]));
        COP__CUE("timer_home.adds_room");
        cop__timer_home_lock(home);
        bool grows = wider != NULL && home->chunk_room == room;
        uint64_t **left = grows ? home->chunks : wider;
        if (grows) {
                memcpy(wider, home->chunks, room * sizeof(wider[0]));
                home->chunks = wider;
                home->chunk_room = room * 2;
        }
        free(left);
        return home->chunk_room > room;
}

/* Makes the chunk for the next handles, in the same way. */
static bool add_chunk(struct cop__timer_home *home, uint32_t chunk)
{
        if (chunk >= home->chunk_room)
                return add_room(home);
        cop__timer_home_unlock(home);
        uint64_t *handles = cop__calloc(COP__TIMER_CHUNK, sizeof(handles[0]));
        COP__CUE("timer_home.adds_chunk");
        cop__timer_home_lock(home);
        if (home->chunks[chunk] != NULL)
                free(handles);
        else
                home->chunks[chunk] = handles;
        return home->chunks[chunk] != NULL;
}

cop_status cop__timer_home_lock_to_add(struct cop__timer_home *home)
{
        cop_status status = COP_OK;
        cop__timer_home_lock(home);
        while (COP__UNLIKELY(home->free == 0) && status == COP_OK) {
                uint32_t index = home->opened + 1;
                if (index >= COP__TIMER_HANDLES) {
                        status = COP_E_LIMIT;
                } else if (has_chunk(home, index / COP__TIMER_CHUNK)) {
                        home->opened = home->free = index;
                        *handle_of(home, index) = free_handle(0, 0);
                } else if (!add_chunk(home, index / COP__TIMER_CHUNK)) {
                        status = COP_E_NO_MEMORY;
                }
        }
        if (status != COP_OK)
                cop__timer_home_unlock(home);
        return status;
}

static uint32_t take_handle(struct cop__timer_home *home, const struct cop_node *node,
                            struct cop__timed *timed)
{
        uint32_t index = home->free;
        uint64_t *handle = handle_of(home, index);
        uint64_t number = (uint64_t)(home - node->timers.homes);
        home->free = (uint32_t)*handle >> 1;
        timed->as.wait.ref.bits = REF_IS_TIMER | number << REF_HOME_SHIFT |
                                  (uint64_t)index << REF_INDEX_SHIFT | *handle >> 32;
        *handle = (uint64_t)(uintptr_t)timed;
        return index;
}

static void give_handle(struct cop__timer_home *home, cop_ref ref)
{
        uint32_t index = index_of(ref);
        uint32_t generation = (uint32_t)ref.bits + 1;
        *handle_of(home, index) = free_handle(generation, home->free);
        if (COP__LIKELY(generation != 0)) /* else 8 bytes are lost, once in 4,294,967,296 timers */
                home->free = index;
}

/* ---- The rings of receivers ------------------------------------------------------------ */

static void ring_add(struct cop__timer_home *home, uint32_t slot, uint32_t index,
                     struct cop__timed *timed)
{
        uint32_t *first = &home->firsts[slot];
        if (*first == 0) {
                *first = timed->as.wait.before = timed->as.wait.after = index;
                return;
        }
        struct cop__timed *head = timed_at(home, *first);
        timed->as.wait.before = head->as.wait.before;
        timed->as.wait.after = *first;
        timed_at(home, head->as.wait.before)->as.wait.after = index;
        head->as.wait.before = index;
}

/* From the ring of its receiver, or of the doomed. */
static void ring_remove(struct cop__timer_home *home, struct cop__timed *timed)
{
        uint32_t index = index_of(timed->as.wait.ref);
        uint32_t before = timed->as.wait.before, after = timed->as.wait.after;
        uint32_t *first = &home->firsts[cop__pid_slot(timed->as.wait.to)];
        if (*first != index)
                first = &home->firsts[0];
        if (*first == index)
                *first = after != index ? after : 0;
        timed_at(home, before)->as.wait.after = after;
        timed_at(home, after)->as.wait.before = before;
}

/* The whole ring of a slot joins the doomed. */
static void doom(struct cop__timer_home *home, uint32_t slot)
{
        uint32_t joining = home->firsts[slot], doomed = home->firsts[0];
        home->firsts[slot] = 0;
        home->firsts[0] = joining;
        if (doomed == 0)
                return;
        struct cop__timed *a = timed_at(home, joining), *b = timed_at(home, doomed);
        uint32_t a_last = a->as.wait.before, b_last = b->as.wait.before;
        timed_at(home, a_last)->as.wait.after = doomed;
        b->as.wait.before = a_last;
        timed_at(home, b_last)->as.wait.after = joining;
        a->as.wait.before = b_last;
}

/* ---- Entering, leaving, finding ----------------------------------------------------------- */

/* The mark of a home in `named`; with many workers some share one. */
static uint32_t mark_of(const struct cop__timer_home *home)
{
        return (uint32_t)COP__TIMED << home->worker->index % COP__TIMED_MARKS;
}

/* See timer_home.h: the mark, then the look. */
static bool mark(const struct cop__timer_home *home, struct cop__actor *actor, cop_pid to)
{
        uint32_t bit = mark_of(home);
        if (cop__load_acquire(&actor->alive) != cop__life_mark(to)) /* its birth would undo the mark */
                return false;
        if (!(cop__load_seq(&actor->named) & bit))
                cop__or_seq(&actor->named, bit);
        /* Pairs with the dying actor's move. */
        return cop__load_seq(&actor->pid) == to.bits;
}

bool cop__timer_enter(struct cop__timer_home *home, struct cop_node *node,
                      struct cop__timed *timed)
{
        cop_pid to = timed->as.wait.to;
        uint32_t index = take_handle(home, node, timed);
        if (to.bits == 0)
                return true;
        struct cop__actor *actor = cop__slot_of(node, to);
        if (COP__UNLIKELY(actor == NULL || !mark(home, actor, to))) {
                give_handle(home, timed->as.wait.ref);
                return false;
        }
        ring_add(home, cop__pid_slot(to), index, timed);
        return true;
}

void cop__timer_leave(struct cop__timer_home *home, struct cop__timed *timed)
{
        if (timed->as.wait.to.bits != 0)
                ring_remove(home, timed);
        give_handle(home, timed->as.wait.ref);
}

bool cop__timer_is_doomed(struct cop_node *node, const struct cop__timed *timed)
{
        cop_pid to = timed->as.wait.to;
        return to.bits != 0 && !cop__slot_is(cop__slot_of(node, to), to);
}

struct cop__timed *cop__timer_find(struct cop__timer_home *home, struct cop_node *node,
                                   cop_ref ref)
{
        uint32_t index = index_of(ref);
        if (index == 0 || index > home->opened || is_free(*handle_of(home, index)))
                return NULL;
        struct cop__timed *timed = timed_at(home, index);
        bool same = cop_ref_equal(timed->as.wait.ref, ref);
        return same && !cop__timer_is_doomed(node, timed) ? timed : NULL;
}

bool cop__timer_end(struct cop__timer_home *home, struct cop__timed *timed)
{
        cop__timer_leave(home, timed);
        if (cop__timer_cancel_locked(&home->worker->wheel, &timed->timer))
                return true;
        timed->as.wait.after = COP__TIMER_HANDLES; /* no timer's index */
        return false;
}

/* ---- Ending many ---------------------------------------------------------------------------- */

static void end_one(struct cop__timer_home *home, struct cop__timed *timed,
                    struct cop__list *ended)
{
        if (cop__timer_end(home, timed))
                cop__list_push_back(ended, &timed->timer.in_list);
}

/* Some of the ring of a slot. */
static void end_slice(struct cop__timer_home *home, uint32_t slot, struct cop__list *ended)
{
        for (uint32_t i = 0; i < COP__TIMERS_ENDED && home->firsts[slot] != 0; i++)
                end_one(home, timed_at(home, home->firsts[slot]), ended);
}

void cop__timed_free(struct cop__pool_cache *pool, struct cop__timed *timed)
{
        struct cop__signal *signal = &timed->as.signal;
        bool plain = signal->kind != NULL && signal->kind->plain;
        if (COP__LIKELY(plain && signal->flags == COP__SIGNAL_LED)) {
                cop__pool_give(pool, signal->pool_class & ~COP__SIGNAL_HOLDS, timed); /* nothing but its memory */
                return;
        }
        if (signal->type == COP__SIGNAL_EXIT)
                cop__shared_term_drop(
                        COP__CONTAINER(signal, struct cop__relation, signal)->as.exited.reason);
        cop__signal_free(pool, signal);
}

static void free_ended(struct cop__pool_cache *pool, struct cop__list *ended)
{
        struct cop__list *node;
        while ((node = cop__list_pop_front(ended)) != NULL) {
                struct cop__timer *timer = COP__CONTAINER(node, struct cop__timer, in_list);
                cop__timed_free(pool, COP__CONTAINER(timer, struct cop__timed, timer));
        }
}

static bool arm_sweep(struct cop__timer_home *home)
{
        struct cop__timer *sweep = &home->sweep.timer;
        return !cop__timer_armed(sweep) && cop__timer_arm_locked(&home->worker->wheel, sweep, 0);
}

static void end_at(struct cop__thread *thread, struct cop__timer_home *home, uint32_t slot)
{
        struct cop__list ended = COP__LIST_INIT(ended);
        bool sooner = false;
        cop__timer_home_lock(home);
        end_slice(home, slot, &ended);
        if (home->firsts[slot] != 0) {
                doom(home, slot);
                sooner = arm_sweep(home);
        }
        cop__timer_home_unlock(home);
        if (sooner)
                cop__hasten(thread, home->worker);
        free_ended(&thread->pool, &ended);
}

void cop__timers_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        uint32_t marks = cop__load_seq(&actor->named); /* pairs with `mark` */
        struct cop__timers *timers = &cop__node_of(thread)->timers;
        if (COP__LIKELY(marks < COP__TIMED))
                return;
        COP__CUE("timer_home.ends");
        for (unsigned i = 0; i < cop__load_acquire(&timers->count); i++)
                if (marks & mark_of(&timers->homes[i]))
                        end_at(thread, &timers->homes[i], cop__pid_slot(pid));
}

void cop__timer_sweep(struct cop__thread *thread, struct cop__timer_home *home)
{
        struct cop__list ended = COP__LIST_INIT(ended);
        COP__CUE("timer_home.sweeps");
        cop__timer_home_lock(home);
        end_slice(home, 0, &ended);
        bool sooner = home->firsts[0] != 0 && arm_sweep(home);
        cop__timer_home_unlock(home);
        if (sooner)
                cop__hasten(thread, home->worker);
        free_ended(&thread->pool, &ended);
}

/* One at a time, so that workers that fire meanwhile need not wait for long. */
static void stop_home(struct cop__timer_home *home, struct cop__pool_cache *pool)
{
        struct cop__list ended = COP__LIST_INIT(ended);
        bool more = true;
        for (uint32_t index = 1; more; index++) {
                cop__timer_home_lock(home);
                more = index <= home->opened;
                if (more && !is_free(*handle_of(home, index)))
                        end_one(home, timed_at(home, index), &ended);
                cop__timer_home_unlock(home);
                free_ended(pool, &ended);
        }
        cop__timer_cancel(&home->sweep.timer);
}

void cop__timers_stop(struct cop__timers *timers, struct cop__pool_cache *pool)
{
        for (unsigned i = 0; i < cop__load_acquire(&timers->count); i++)
                stop_home(&timers->homes[i], pool);
}
