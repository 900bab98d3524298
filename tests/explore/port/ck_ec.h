/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The event count of Concurrency Kit, found before the real one: on x86-64 it counts by an instruction that the explorer would not see. Here it
 * does so as on aarch64, where its own fence comes before and orders stores, and nothing comes behind.
 */
#ifndef EXPLORE_CK_EC_H
#define EXPLORE_CK_EC_H

#include_next <ck_ec.h>

#define EXPLORE_CK_FLAG (1u << 31) /* somebody sleeps */

CK_CC_INLINE static void explore_ck_ec32_inc(struct ck_ec32 *ec, const struct ck_ec_mode *mode)
{
        uint32_t before = (uint32_t)explore_change(&ec->counter, sizeof(ec->counter), EXPLORE_ADD, 1, EXPLORE_RELEASE,
                                                   __func__, __LINE__);
        if (before & EXPLORE_CK_FLAG)
                ck_ec32_wake(ec, mode->ops);
}
#define ck_ec32_inc explore_ck_ec32_inc

#endif
