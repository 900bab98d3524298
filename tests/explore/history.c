/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The memory as C11 has it: what was stored where, and what of it a thread may still read.
 *
 *      kept of one object      5 ──► 7 ──► 9        the latest is what memory holds
 *                              ▲     ▲
 *              may be read by  └─────┴── who has seen none of those behind it
 *
 * Each thread has a clock: of every thread the time up to which it has seen all that it did. A store bears its writer's time, and, if it
 * releases, its writer's clock; who acquires it takes that over. So a load may find anything behind which nothing is that the thread has
 * seen, by its clock or as it read there before; which of it is drawn. Read-modify-writes work on the latest, and hand on what was
 * released with it. A fence takes over all that was read before, and what other fences and accesses in full order have left, and leaves
 * the same.
 *
 * What is stricter here than in C11: an object's stores are in the order in which they are made; only a few of them are kept; no load is done after
 * what follows it; and what precedes an access in full order is seen by a fence behind it, as no processor has it otherwise.
 *
 * What is written plainly, as by who makes an object, is known by its not being what was stored last: that is a new beginning, which all see.
 */
#include "tests/explore/explore.h"

#include <string.h>

#define PLACES 16384u
#define KEPT 4u
#define READS 3u
#define STALE_MOST 32u /* loads of a thread, one after the other, that find something old: so no spin is without end */

struct clock {
        uint32_t at[EXPLORE_THREADS];
};

struct stored {
        uint64_t value;
        struct clock released; /* what who acquires it has seen then */
        uint32_t time;         /* its writer's */
        uint32_t moment;       /* of all threads */
        unsigned writer;
};

/* The store of that number was read by a thread at its time. */
struct reading {
        uint32_t number, time;
};

/* An object, as it is accessed with that size. */
struct place {
        const void *object;
        size_t size;
        uint32_t schedule;
        uint32_t first, count; /* of the stores, those from `first` on may be read; none: it has been forgotten */
        uint32_t in_order;     /* the last in full order */
        struct stored kept[KEPT];
        struct reading readings[EXPLORE_THREADS][READS]; /* the latest first; time 0: none */
};

static struct place places[PLACES];
static uint32_t used[PLACES], used_count;
static uint32_t schedule;
static uint32_t moment;
static uint32_t staleness; /* one load in so many may find something old */

static struct thread {
        struct clock seen;
        struct clock read;     /* with what was read in relaxed order: seen behind a fence */
        struct clock released; /* by the last fence */
        uint32_t caught_up;    /* what was stored before that moment is what it finds at least */
        uint32_t stale;
} threads[EXPLORE_THREADS];

/* Left by fences and accesses in full order. */
static struct clock order;

static void join(struct clock *clock, const struct clock *other)
{
        for (unsigned i = 0; i < EXPLORE_THREADS; i++)
                if (clock->at[i] < other->at[i])
                        clock->at[i] = other->at[i];
}

static struct thread *here(void)
{
        return &threads[explore_running];
}

void explore_history_begin(void)
{
        static const uint32_t degrees[] = { 2, 4, 16, 64 };
        schedule++;
        used_count = 0;
        moment = 0;
        memset(threads, 0, sizeof(threads));
        memset(&order, 0, sizeof(order));
        staleness = degrees[explore_random(COP__COUNT(degrees))];
}

/* ---- Places -------------------------------------------------------------------------------- */

static uint64_t read_now(const void *object, size_t size)
{
        uint64_t value = 0;
        memcpy(&value, object, size);
        return value;
}

static struct place *slot_of(const void *object, size_t size)
{
        uint64_t mixed = ((uintptr_t)object * 8 + size) * UINT64_C(0x9e3779b97f4a7c15);
        for (uint32_t at = (uint32_t)(mixed >> 40);; at++) {
                struct place *place = &places[at % PLACES];
                if (place->schedule != schedule) {
                        if (used_count == PLACES / 2)
                                explore_fail("more than %u objects are accessed", PLACES / 2);
                        used[used_count++] = at % PLACES;
                        place->schedule = schedule;
                        place->object = object;
                        place->size = size;
                        place->count = 0;
                        return place;
                }
                if (place->object == object && place->size == size)
                        return place;
        }
}

static const struct stored *latest_of(const struct place *place)
{
        return &place->kept[(place->count - 1) % KEPT];
}

/* What is there was there before anybody looked. */
static void begin_anew(struct place *place)
{
        memset(place->kept, 0, sizeof(place->kept));
        memset(place->readings, 0, sizeof(place->readings));
        place->kept[0].value = read_now(place->object, place->size);
        place->first = place->in_order = 0;
        place->count = 1;
}

static struct place *place_of(const void *object, size_t size)
{
        struct place *place = slot_of(object, size);
        if (place->count == 0 || latest_of(place)->value != read_now(object, size))
                begin_anew(place);
        return place;
}

void explore_history_forget(const void *memory, size_t size)
{
        for (uint32_t i = 0; i < used_count; i++) {
                struct place *place = &places[used[i]];
                if ((uintptr_t)place->object - (uintptr_t)memory < size)
                        place->count = 0;
        }
}

/* ---- What may be read ------------------------------------------------------------------------ */

/* The oldest store that a thread with this clock may still find. */
static uint32_t oldest_for(const struct place *place, const struct clock *clock)
{
        uint32_t oldest = place->first;
        for (uint32_t number = place->count - 1; number > oldest; number--) {
                const struct stored *stored = &place->kept[number % KEPT];
                if (stored->time <= clock->at[stored->writer] || stored->moment <= here()->caught_up)
                        oldest = number;
        }
        for (unsigned thread = 0; thread < EXPLORE_THREADS; thread++)
                for (unsigned i = 0; i < READS; i++) {
                        const struct reading *reading = &place->readings[thread][i];
                        if (reading->time != 0 && reading->time <= clock->at[thread] && reading->number > oldest)
                                oldest = reading->number;
                }
        return oldest;
}

/* What is noted no more is stricter for all. */
static void note_reading(struct place *place, uint32_t number, uint32_t time)
{
        struct reading *readings = place->readings[explore_running];
        if (readings[0].time != 0 && readings[0].number == number)
                return;
        if (readings[READS - 1].time != 0 && readings[READS - 1].number > place->first)
                place->first = readings[READS - 1].number;
        memmove(&readings[1], &readings[0], (READS - 1) * sizeof(readings[0]));
        readings[0] = (struct reading){ number, time };
}

static void acquire(const struct stored *stored, enum explore_order way)
{
        bool acquires = way != EXPLORE_RELAXED && way != EXPLORE_RELEASE;
        join(acquires ? &here()->seen : &here()->read, &stored->released);
}

static void fence(void)
{
        struct thread *thread = here();
        thread->seen.at[explore_running]++;
        join(&thread->seen, &thread->read);
        join(&thread->seen, &order);
        order = thread->released = thread->seen;
}

static uint32_t draw(uint32_t oldest, uint32_t latest)
{
        struct thread *thread = here();
        if (oldest == latest || thread->stale >= STALE_MOST || explore_random(staleness) != 0) {
                thread->stale = 0;
                return latest;
        }
        thread->stale++;
        return oldest + explore_random(latest - oldest);
}

uint64_t explore_history_load(const void *object, size_t size, enum explore_order way)
{
        struct thread *thread = here();
        struct place *place = place_of(object, size);
        uint32_t time = ++thread->seen.at[explore_running];
        struct clock clock = thread->seen;
        if (way == EXPLORE_SEQ)
                join(&clock, &order);
        uint32_t oldest = oldest_for(place, &clock);
        if (way == EXPLORE_SEQ && oldest < place->in_order)
                oldest = place->in_order;
        uint32_t number = draw(oldest, place->count - 1);
        note_reading(place, number, time);
        const struct stored *stored = &place->kept[number % KEPT];
        acquire(stored, way);
        return stored->value;
}

/* ---- What is stored -------------------------------------------------------------------------- */

/* `handed_on`: what was released with the one before, of a read-modify-write; NULL: nothing is. */
static void append(struct place *place, uint64_t value, enum explore_order way, const struct clock *handed_on)
{
        struct thread *thread = here();
        uint32_t time = ++thread->seen.at[explore_running];
        struct stored stored = {
                .value = value,
                .released = way >= EXPLORE_RELEASE ? thread->seen : thread->released,
                .time = time,
                .moment = ++moment,
                .writer = explore_running,
        };
        if (handed_on != NULL)
                join(&stored.released, handed_on);
        uint32_t number = place->count++;
        place->kept[number % KEPT] = stored;
        if (place->count - place->first > KEPT)
                place->first = place->count - KEPT;
        memcpy((void *)(uintptr_t)place->object, &value, place->size);
        if (way >= EXPLORE_SEQ) {
                place->in_order = number;
                order.at[explore_running] = time;
        }
}

static uint64_t cut(uint64_t value, size_t size)
{
        return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

void explore_history_store(void *object, size_t size, uint64_t value, enum explore_order way)
{
        append(place_of(object, size), cut(value, size), way, NULL);
}

/* What was there; then `after` has to be stored, or, if it failed, nothing. */
static struct clock take_latest(struct place *place, enum explore_order way)
{
        if (way == EXPLORE_FULL)
                fence();
        note_reading(place, place->count - 1, ++here()->seen.at[explore_running]);
        acquire(latest_of(place), way);
        return latest_of(place)->released;
}

void explore_history_replace(void *object, size_t size, uint64_t after, enum explore_order way)
{
        struct place *place = place_of(object, size);
        struct clock handed_on = take_latest(place, way);
        append(place, cut(after, size), way, &handed_on);
        if (way == EXPLORE_FULL)
                fence();
}

/* A compare-and-swap that failed has read the latest. */
void explore_history_fail(const void *object, size_t size, enum explore_order way)
{
        take_latest(place_of(object, size), way);
}

/* ---- All together ------------------------------------------------------------------------------ */

void explore_history_fence(void)
{
        fence();
}

void explore_history_fence_all(void)
{
        for (unsigned i = 0; i < EXPLORE_THREADS; i++) {
                threads[i].seen.at[i]++;
                join(&order, &threads[i].seen);
                join(&order, &threads[i].read);
        }
        for (unsigned i = 0; i < EXPLORE_THREADS; i++)
                threads[i].seen = threads[i].released = order;
}

void explore_history_catch_up(void)
{
        here()->caught_up = moment;
}

void explore_history_thread(unsigned thread)
{
        here()->seen.at[explore_running]++;
        threads[thread] = (struct thread){ .seen = here()->seen };
}
