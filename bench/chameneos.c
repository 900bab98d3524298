/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does it cost to meet somebody through a third?
 *
 * Method: 100 creatures, each of one of three colours, ask a mall for company. The mall makes pairs of those who ask, in the
 * order in which they ask, and tells each of the two whom it meets and of what colour that one is. Both become the third colour
 * if theirs differ, and ask again. One operation is one meeting: four messages. When there have been as many as
 * wanted, the mall sends home who asks, and each creature reports how many it met. A tenth is met first as
 * warm-up. The mall takes the time at the first and at the last meeting.
 * Checked: nobody meets itself, and the reports add up to two for each meeting.
 */
#include "bench/harness.h"

#define CREATURES 100
#define COLOURS 3

typedef struct { uint64_t meetings; } opening;
COP_MESSAGE(opening, meetings);

typedef struct { cop_pid creature; int32_t colour; } request;
COP_MESSAGE(request, creature, colour);

typedef struct { cop_pid whom; int32_t colour; } meeting;
COP_MESSAGE(meeting, whom, colour);

typedef struct { bool for_today; } closed;
COP_MESSAGE(closed, for_today);

typedef struct { cop_pid mall; int32_t colour; } outing;
COP_MESSAGE(outing, mall, colour);

typedef struct { uint64_t meetings; } report;
COP_MESSAGE(report, meetings);

/* ---- The creatures ------------------------------------------------------------------- */

typedef struct { cop_pid mall; int32_t colour; uint64_t met; } creature;

static void creature_on_outing(creature *self, const outing *o)
{
        *self = (creature){ .mall = o->mall, .colour = o->colour };
        cop_send(self->mall, request, .creature = cop_self(), .colour = self->colour);
}

static void creature_on_meeting(creature *self, const meeting *m)
{
        BENCH_CHECK(!cop_pid_equal(m->whom, cop_self()), "a creature met itself");
        self->met++;
        if (m->colour != self->colour)
                self->colour = COLOURS - m->colour - self->colour;
        cop_send(self->mall, request, .creature = cop_self(), .colour = self->colour);
}

static void creature_on_closed(creature *self, const closed *c)
{
        if (c->for_today)
                cop_send(cop_parent(), report, .meetings = self->met);
}

COP_SERVER(creature, COP_ON(meeting, creature_on_meeting), COP_ON(outing, creature_on_outing),
           COP_ON(closed, creature_on_closed));

/* ---- The mall -------------------------------------------------------------------------- */

typedef struct {
        uint64_t wanted, meetings, began_ns;
        cop_pid waiting; /* nobody: the next one has to wait */
        int32_t colour;  /* of who waits */
} mall;

static void mall_on_opening(mall *self, const opening *o)
{
        *self = (mall){ .wanted = o->meetings };
}

static void introduce(mall *self, cop_pid second, int32_t colour)
{
        cop_send(self->waiting, meeting, .whom = second, .colour = colour);
        cop_send(second, meeting, .whom = self->waiting, .colour = self->colour);
        self->waiting = cop_no_pid();
        if (self->meetings == 0)
                self->began_ns = bench_now();
        if (++self->meetings == self->wanted)
                cop_send(cop_parent(), bench_span, .began_ns = self->began_ns,
                         .ended_ns = bench_now(), .ops = self->meetings);
}

static void mall_on_request(mall *self, const request *r)
{
        if (self->meetings == self->wanted) {
                cop_send(r->creature, closed, .for_today = true);
        } else if (self->waiting.bits != 0) {
                introduce(self, r->creature, r->colour);
        } else {
                self->waiting = r->creature;
                self->colour = r->colour;
        }
}

COP_SERVER(mall, COP_ON(request, mall_on_request), COP_ON(opening, mall_on_opening));

/* ---- The runs -------------------------------------------------------------------------- */

static bench_span meet(cop_pid place, const cop_pid *creatures, uint64_t meetings)
{
        uint64_t met = 0;
        cop_send(place, opening, .meetings = meetings);
        for (int i = 0; i < CREATURES; i++)
                cop_send(creatures[i], outing, .mall = place, .colour = i % COLOURS);
        bench_span span = bench_gather(1);
        for (int i = 0; i < CREATURES; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(report));
                met += cop_read(report, message)->meetings;
        }
        BENCH_CHECK(met == 2 * meetings, "%llu were met in %llu meetings", (unsigned long long)met,
                    (unsigned long long)meetings);
        return span;
}

BENCH(chameneos_100, .unit = "meeting")
{
        cop_pid creatures[CREATURES], place = cop_spawn_server(&mall_server, NULL);
        for (int i = 0; i < CREATURES; i++)
                creatures[i] = cop_spawn_server(&creature_server, NULL);
        meet(place, creatures, run->ops / 10 + 1);
        bench_found(run, meet(place, creatures, run->ops + 1));
}
