/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Intensity: how many restarts a supervisor bears within a period before it gives up.
 *
 * The window slides. To tell whether the newest restart is one too many, only one older time
 * matters: that of the restart `limit` before it. So a ring of the last limit + 1 times is enough,
 * and noting a restart costs the same whether it is the first or the millionth.
 *
 *      limit 3:   . . . . | t-3 | t-2 | t-1 |  t  |       too many  <=>  t - (t-3) <= period
 *                  gone     oldest             newest
 *
 * A restart that is exactly one period old still counts, as in OTP.
 *
 * With COP__INTENSITY_UNLIMITED nothing is ever too many: the ring has one time, and `count` all restarts that ever were.
 *
 * Invariant: times in the ring ascend from the oldest to the newest; recent <= count <= limit + 1.
 */
#ifndef SUPERVISOR_INTENSITY_H
#define SUPERVISOR_INTENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cop__intensity {
        uint64_t *times;    /* the ring, of limit + 1 */
        uint64_t period_ns;
        uint32_t limit;     /* restarts within the period that are borne */
        uint32_t count;     /* times in the ring */
        uint32_t newest;    /* index of the last one, if count > 0 */
        uint32_t recent;    /* of the newest, those that were within the period at the last look; none before them is again */
};

/* Bytes of the ring. */
size_t cop__intensity_size(uint32_t limit);

/* `times` is borrowed as long as the intensity is used; its bytes may be anything. */
void cop__intensity_init(struct cop__intensity *intensity, uint64_t *times, uint32_t limit,
                         int64_t period_ms);

/* Of the restarts that another has noted, the newest for which there is room; both in use, and nothing noted yet. */
void cop__intensity_inherit(struct cop__intensity *intensity, const struct cop__intensity *from);

/* Notes a restart. `now_ns` never goes back. True: it is one more than is borne. */
bool cop__intensity_add(struct cop__intensity *intensity, uint64_t now_ns);

/*
 * The restarts within the period that ends now, at most limit + 1. `now_ns` never goes back. Cost: each restart leaves the period
 * once.
 */
uint32_t cop__intensity_count(struct cop__intensity *intensity, uint64_t now_ns);

#endif
