/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Strategies as pure functions: who is in reach of a failure, and whether an end is one. What
 * a supervisor does by it is in test_supervisor_restart.c. */
#include "tests/suite.h"

#include "supervisor/strategy.h"

/* Children 1 to 4 in the order of start; which of them are in reach when `failed` fails? As digits. */
static const char *reach(cop_strategy strategy, uint64_t failed)
{
        static char answer[5];
        char *at = answer;
        for (uint64_t number = 1; number <= 4; number++)
                if (cop__strategy_is_single(strategy)
                            ? number == failed
                            : number >= cop__strategy_reach(strategy, failed))
                        *at++ = (char)('0' + number);
        *at = '\0';
        return answer;
}

TEST(one_for_one_concerns_only_the_child_that_failed)
{
        ck_assert_str_eq(reach(COP_ONE_FOR_ONE, 1), "1");
        ck_assert_str_eq(reach(COP_ONE_FOR_ONE, 4), "4");
        ck_assert_str_eq(reach(COP_DYNAMIC, 2), "2");
}

TEST(one_for_all_concerns_all)
{
        for (uint64_t failed = 1; failed <= 4; failed++)
                ck_assert_str_eq(reach(COP_ONE_FOR_ALL, failed), "1234");
}

TEST(rest_for_one_concerns_those_started_later)
{
        ck_assert_str_eq(reach(COP_REST_FOR_ONE, 1), "1234");
        ck_assert_str_eq(reach(COP_REST_FOR_ONE, 2), "234");
}

TEST(rest_for_one_with_the_last_child_concerns_only_it)
{
        ck_assert_str_eq(reach(COP_REST_FOR_ONE, 4), "4");
}

TEST(the_restart_type_decides)
{
        ck_assert(cop__restart_is_wanted(COP_PERMANENT, true));
        ck_assert(cop__restart_is_wanted(COP_PERMANENT, false));
        ck_assert(!cop__restart_is_wanted(COP_TRANSIENT, true));
        ck_assert(cop__restart_is_wanted(COP_TRANSIENT, false));
        ck_assert(!cop__restart_is_wanted(COP_TEMPORARY, true));
        ck_assert(!cop__restart_is_wanted(COP_TEMPORARY, false));
}
