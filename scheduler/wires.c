/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Wires between simulated nodes. See wires.h. */
#include "scheduler/wires.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "scheduler/scheduler.h"
#include "scheduler/simulation.h"

/* One in so many pieces is held up on its way, for up to so long: longer than most turns, shorter than what is waited for. */
#define HELD_EVERY 64u
#define HELD_NS (5 * COP__NS_PER_MS)

/* Where a port is drawn from that nobody asks for. */
#define FIRST_PORT 32768u

#define NEVER UINT64_MAX

/* The bytes on their way to an end. start is 0: 0 <= arrived <= size <= room of the wires. */
struct inflow {
        uint8_t *bytes;
        uint32_t arrived, size;
        uint64_t next_ns; /* the next piece arrives, or the end; NEVER: nothing is under way */
        bool ends;        /* there is no more than this */
        bool ended;       /* and that has arrived, too */
};

struct end {
        struct cop__scheduler *scheduler; /* whose it is; NULL: the number is free */
        int other;            /* whom it is connected with; -1: nobody any more, or it is an ear */
        bool is_ear;
        bool waits;           /* of one who is called: it has not been accepted */
        bool full;            /* it has not taken all of the last send */
        uint16_t port;        /* of an ear, and of who is called there; 0: of who calls */
        uint64_t through_ns;  /* when the call comes through; 0: it has; NEVER: it does not */
        uint64_t mark;
        uint32_t watched;     /* events */
        uint32_t news;        /* likewise, which have not been told */
        struct inflow in;
};

struct cop__wires {
        uint64_t random;
        /* Drawn once. */
        uint64_t delay_ns;    /* a piece is under way for up to twice as long */
        uint32_t room;        /* of an inflow */
        uint32_t whole_every; /* one arrival in so many brings all that is under way */
        int count;
        struct end *ends;
};

/* ---- What the seed decides -------------------------------------------------------------------- */

static void draw(struct cop__wires *wires)
{
        static const uint64_t delays_ns[] = { 0, 10 * COP__NS_PER_US, 200 * COP__NS_PER_US };
        static const uint32_t rooms[] = { 64, 1000, 65536 }, wholes[] = { 1, 2, 8 };
        wires->delay_ns = delays_ns[cop__random_below(&wires->random, COP__COUNT(delays_ns))];
        wires->room = rooms[cop__random_below(&wires->random, COP__COUNT(rooms))];
        wires->whole_every = wholes[cop__random_below(&wires->random, COP__COUNT(wholes))];
}

/* Their draws are their own: without wires a seed means what it means with them. */
static struct cop__wires *wires_of(struct cop__simulation *simulation)
{
        if (simulation->wires != NULL)
                return simulation->wires;
        struct cop__wires *wires = cop__calloc(1, sizeof(*wires));
        if (wires == NULL)
                return NULL;
        wires->random = cop__mix(~cop__mix(simulation->options.seed));
        draw(wires);
        return simulation->wires = wires;
}

static struct cop__wires *wires_at(const struct cop__scheduler *scheduler)
{
        return scheduler->hooks.simulation->wires;
}

static uint64_t in_a_moment(struct cop__wires *wires, uint64_t now_ns)
{
        if (cop__random_below(&wires->random, HELD_EVERY) == 0)
                return now_ns + 1 + cop__random_below(&wires->random, HELD_NS);
        return now_ns + 1 + cop__random_below(&wires->random, (uint32_t)(2 * wires->delay_ns + 1));
}

/* ---- Ends ---------------------------------------------------------------------------------------- */

/* A free number; -1: there is no memory. */
static int take_number(struct cop__wires *wires)
{
        for (int i = 0; i < wires->count; i++)
                if (wires->ends[i].scheduler == NULL)
                        return i;
        int first = wires->count, count = first > 0 ? 2 * first : 8;
        struct end *ends = cop__realloc(wires->ends, (size_t)count * sizeof(*ends));
        if (ends == NULL)
                return -1;
        memset(ends + first, 0, (size_t)(count - first) * sizeof(*ends));
        wires->ends = ends;
        wires->count = count;
        return first;
}

static int new_end(struct cop__scheduler *scheduler, struct cop__wires *wires, bool is_ear)
{
        int number = take_number(wires);
        if (number < 0)
                return -1;
        struct end *end = &wires->ends[number];
        uint8_t *bytes = is_ear ? NULL : cop__malloc(wires->room);
        if (!is_ear && bytes == NULL)
                return -1;
        *end = (struct end){ .scheduler = scheduler, .other = -1, .is_ear = is_ear, .in = { .bytes = bytes, .next_ns = NEVER } };
        return number;
}

static int find_ear(const struct cop__wires *wires, uint16_t port)
{
        for (int i = 0; i < wires->count; i++)
                if (wires->ends[i].scheduler != NULL && wires->ends[i].is_ear && wires->ends[i].port == port)
                        return i;
        return -1;
}

/* Behind what is under way. */
static void end_inflow(struct cop__wires *wires, struct inflow *in, uint64_t now_ns)
{
        in->ends = true;
        if (in->next_ns == NEVER)
                in->next_ns = in_a_moment(wires, now_ns);
}

static void free_end(struct end *end)
{
        free(end->in.bytes);
        *end = (struct end){ .scheduler = NULL };
}

/*
 * What the other one has sent is heard by nobody; that this one is gone is heard by the other, or that its call never comes through.
 * Of a call that is given up before it has come through nobody hears.
 */
static void close_end(struct cop__wires *wires, struct end *end, uint64_t now_ns)
{
        struct end *other = end->other >= 0 ? &wires->ends[end->other] : NULL;
        if (other != NULL && end->through_ns != 0) {
                free_end(other);
        } else if (other != NULL) {
                other->other = -1;
                end_inflow(wires, &other->in, now_ns);
                if (other->through_ns != 0)
                        other->through_ns = NEVER;
        }
        free_end(end);
}

/* Those who have called an ear that is no more. */
static void hang_up_callers(struct cop__wires *wires, uint16_t port, uint64_t now_ns)
{
        for (int i = 0; i < wires->count; i++)
                if (wires->ends[i].waits && wires->ends[i].port == port)
                        close_end(wires, &wires->ends[i], now_ns);
}

void cop__wire_close(struct cop__scheduler *scheduler, int number)
{
        struct cop__wires *wires = wires_at(scheduler);
        struct end *end = &wires->ends[number];
        uint64_t now_ns = cop__clock_ns();
        uint16_t port = end->is_ear ? end->port : 0;
        close_end(wires, end, now_ns);
        if (port != 0)
                hang_up_callers(wires, port, now_ns);
}

/* ---- Calling -------------------------------------------------------------------------------------- */

static uint16_t free_port(struct cop__wires *wires)
{
        uint16_t port;
        do
                port = (uint16_t)(FIRST_PORT + cop__random_below(&wires->random, FIRST_PORT));
        while (find_ear(wires, port) >= 0);
        return port;
}

int cop__wire_listen(struct cop__scheduler *scheduler, uint16_t port, uint16_t *bound)
{
        struct cop__wires *wires = wires_of(scheduler->hooks.simulation);
        int number = wires != NULL ? new_end(scheduler, wires, true) : -1;
        if (number < 0) {
                errno = ENOMEM;
                return -1;
        }
        if (port != 0 && find_ear(wires, port) >= 0) {
                wires->ends[number].scheduler = NULL;
                errno = EADDRINUSE;
                return -1;
        }
        *bound = wires->ends[number].port = port != 0 ? port : free_port(wires);
        return number;
}

int cop__wire_call(struct cop__scheduler *scheduler, uint16_t port)
{
        struct cop__wires *wires = wires_of(scheduler->hooks.simulation);
        int ear = wires != NULL ? find_ear(wires, port) : -1;
        if (ear < 0) {
                errno = wires != NULL ? ECONNREFUSED : ENOMEM;
                return -1;
        }
        int caller = new_end(scheduler, wires, false);
        int called = caller >= 0 ? new_end(wires->ends[ear].scheduler, wires, false) : -1;
        if (called < 0) {
                if (caller >= 0)
                        free_end(&wires->ends[caller]);
                errno = ENOMEM;
                return -1;
        }
        wires->ends[caller].other = called;
        wires->ends[called].other = caller;
        wires->ends[called].port = port;
        wires->ends[called].waits = true;
        wires->ends[caller].through_ns = in_a_moment(wires, cop__clock_ns());
        return caller;
}

int cop__wire_accept(struct cop__scheduler *scheduler, int ear)
{
        struct cop__wires *wires = wires_at(scheduler);
        for (int i = 0; i < wires->count; i++) {
                struct end *end = &wires->ends[i];
                bool is_through = end->waits && (end->other < 0 || wires->ends[end->other].through_ns == 0);
                if (!is_through || end->port != wires->ends[ear].port)
                        continue;
                end->waits = false;
                return i;
        }
        errno = EAGAIN;
        return -1;
}

int cop__wire_is_through(struct cop__scheduler *scheduler, int number)
{
        uint64_t through_ns = wires_at(scheduler)->ends[number].through_ns;
        return through_ns == 0 ? 1 : through_ns == NEVER ? -1 : 0;
}

/* ---- Bytes ------------------------------------------------------------------------------------------ */

ssize_t cop__wire_send(struct cop__scheduler *scheduler, int number, const void *bytes, size_t size)
{
        struct cop__wires *wires = wires_at(scheduler);
        struct end *end = &wires->ends[number];
        if (end->other < 0 && end->in.ended) {
                errno = EPIPE;
                return -1;
        }
        if (end->through_ns != 0) {
                errno = EAGAIN;
                return -1;
        }
        if (end->other < 0)
                return (ssize_t)size; /* the other one has gone, which has not got here */
        struct inflow *in = &wires->ends[end->other].in;
        uint32_t taken = size < wires->room - in->size ? (uint32_t)size : wires->room - in->size;
        end->full = taken < size;
        if (taken == 0 && size > 0) {
                errno = EAGAIN;
                return -1;
        }
        memcpy(in->bytes + in->size, bytes, taken);
        in->size += taken;
        if (in->next_ns == NEVER)
                in->next_ns = in_a_moment(wires, cop__clock_ns());
        return (ssize_t)taken;
}

ssize_t cop__wire_receive(struct cop__scheduler *scheduler, int number, void *bytes, size_t room)
{
        struct cop__wires *wires = wires_at(scheduler);
        struct end *end = &wires->ends[number];
        struct inflow *in = &end->in;
        uint32_t taken = in->arrived < room ? in->arrived : (uint32_t)room;
        if (taken == 0 && in->ended)
                return 0;
        if (taken == 0) {
                errno = EAGAIN;
                return -1;
        }
        memcpy(bytes, in->bytes, taken);
        in->size -= taken;
        in->arrived -= taken;
        memmove(in->bytes, in->bytes + taken, in->size);
        if (end->other >= 0 && wires->ends[end->other].full) {
                wires->ends[end->other].full = false;
                wires->ends[end->other].news |= EPOLLOUT;
        }
        return (ssize_t)taken;
}

/* ---- News ---------------------------------------------------------------------------------------------- */

void cop__wire_watch(struct cop__scheduler *scheduler, int number, uint32_t events, uint64_t mark)
{
        struct cop__wires *wires = wires_at(scheduler);
        struct end *end = &wires->ends[number];
        end->watched = events;
        end->mark = mark;
        end->news = end->in.arrived > 0 || end->in.ended ? EPOLLIN : 0;
        if (!end->is_ear && end->through_ns == 0 && !end->full)
                end->news |= EPOLLOUT;
        for (int i = 0; end->is_ear && i < wires->count; i++)
                if (wires->ends[i].waits && wires->ends[i].port == end->port)
                        end->news |= EPOLLIN;
}

/* Who is called is there: else it would never come through. */
static void let_through(struct cop__wires *wires, struct end *caller)
{
        caller->through_ns = 0;
        caller->news |= EPOLLOUT;
        int ear = find_ear(wires, wires->ends[caller->other].port);
        wires->ends[ear].news |= EPOLLIN;
}

/* Both sides find the end, this one now. */
static void cut(struct cop__wires *wires, struct end *end, uint64_t now_ns)
{
        struct end *other = &wires->ends[end->other];
        other->in.size = other->in.arrived;
        end->in.size = end->in.arrived;
        end->other = other->other = -1;
        other->in.next_ns = NEVER;
        end_inflow(wires, &other->in, now_ns);
        end->in.ends = true;
}

/* The next piece, or the end behind the last. */
static void arrive(struct cop__simulation *simulation, int number)
{
        struct cop__wires *wires = simulation->wires;
        struct end *end = &wires->ends[number];
        struct inflow *in = &end->in;
        uint32_t cuts = simulation->options.cuts;
        if (end->other >= 0 && cuts > 0 && cop__random_below(&wires->random, cuts) == 0)
                cut(wires, end, simulation->now_ns);
        uint32_t left = in->size - in->arrived;
        if (left > 0 && cop__random_below(&wires->random, wires->whole_every) != 0)
                left = 1 + cop__random_below(&wires->random, left);
        in->arrived += left;
        in->ended = in->ends && left == 0;
        end->news |= EPOLLIN;
        cop__simulation_sign(simulation, (uint64_t)number << 32 | left);
        bool more = in->arrived < in->size || (in->ends && !in->ended);
        in->next_ns = more ? in_a_moment(wires, simulation->now_ns) : NEVER;
}

static bool is_news(const struct end *end)
{
        return (end->news & end->watched) != 0;
}

static void tell(struct cop__simulation *simulation, struct end *end)
{
        uint64_t mark = end->mark;
        struct cop__scheduler *scheduler = end->scheduler;
        end->news = 0;
        cop__simulation_stand_at(simulation, &scheduler->workers[0].thread);
        scheduler->hooks.ready(&scheduler->workers[0].thread, mark);
}

void cop__wires_move(struct cop__simulation *simulation)
{
        struct cop__wires *wires = simulation->wires;
        for (int i = 0; wires != NULL && i < wires->count; i++) {
                struct end *end = &wires->ends[i];
                if (end->scheduler == NULL)
                        continue;
                if (end->through_ns != 0 && end->through_ns <= simulation->now_ns)
                        let_through(wires, end);
                if (end->in.next_ns <= simulation->now_ns)
                        arrive(simulation, i);
        }
        for (int i = 0; wires != NULL && i < wires->count; i++)
                if (wires->ends[i].scheduler != NULL && is_news(&wires->ends[i]))
                        tell(simulation, &wires->ends[i]);
}

uint64_t cop__wires_next_ns(const struct cop__simulation *simulation)
{
        const struct cop__wires *wires = simulation->wires;
        uint64_t next_ns = NEVER;
        for (int i = 0; wires != NULL && i < wires->count; i++) {
                const struct end *end = &wires->ends[i];
                if (end->scheduler == NULL)
                        continue;
                if (is_news(end))
                        return simulation->now_ns;
                if (end->through_ns != 0 && end->through_ns < next_ns)
                        next_ns = end->through_ns;
                if (end->in.next_ns < next_ns)
                        next_ns = end->in.next_ns;
        }
        return next_ns;
}

/* ---- The end ---------------------------------------------------------------------------------------------- */

void cop__wires_hang_up(struct cop__simulation *simulation, const struct cop__scheduler *scheduler)
{
        struct cop__wires *wires = simulation->wires;
        for (int i = 0; wires != NULL && i < wires->count; i++)
                if (wires->ends[i].scheduler == scheduler)
                        close_end(wires, &wires->ends[i], simulation->now_ns);
}

void cop__wires_free(struct cop__wires *wires)
{
        if (wires != NULL)
                free(wires->ends);
        free(wires);
}
