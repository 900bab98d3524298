/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Strategies as pure functions: every case by hand, then all small families against what must hold. */
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/strategy.h"

#define CHILDREN_MAX 8

/* A family from a text, a letter each: P permanent, T transient, t temporary; p: P without a process. */
static uint32_t family(const char *text, struct cop__member *members)
{
        uint32_t count = (uint32_t)strlen(text);
        for (uint32_t i = 0; i < count; i++)
                members[i] = (struct cop__member){
                        .restart = text[i] == 't'   ? COP_TEMPORARY
                                   : text[i] == 'T' ? COP_TRANSIENT
                                                    : COP_PERMANENT,
                        .running = text[i] != 'p',
                };
        return count;
}

static char *print(char *text, const uint32_t *indexes, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                *text++ = (char)('a' + indexes[i]);
        return text;
}

/* "dc>bcd": who is stopped, who is started, when the child at `failed` has ended. */
static const char *plan_of(cop_strategy strategy, const char *text, uint32_t failed)
{
        static char answer[2 * CHILDREN_MAX + 2];
        struct cop__member members[CHILDREN_MAX];
        uint32_t stop[CHILDREN_MAX], start[CHILDREN_MAX];
        struct cop__plan plan = { stop, start, 77, 77 };
        uint32_t count = family(text, members);
        members[failed].running = false;
        cop__strategy_plan(strategy, members, count, failed, &plan);
        char *at = print(answer, plan.stop, plan.stop_count);
        *at++ = '>';
        *print(at, plan.start, plan.start_count) = '\0';
        return answer;
}

TEST(SUP_restart_01_one_for_one_concerns_only_the_child_that_failed)
{
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ONE, "PPP", 1), ">b");
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ONE, "PpP", 0), ">a");
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ONE, "P", 0), ">a");
}

TEST(one_for_all_stops_backwards_and_starts_forwards)
{
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ALL, "PPPP", 1), "dca>abcd");
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ALL, "PPPP", 0), "dcb>abcd");
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ALL, "PPPP", 3), "cba>abcd");
}

TEST(SUP_restart_03_rest_for_one_concerns_those_started_later)
{
        ck_assert_str_eq(plan_of(COP_REST_FOR_ONE, "PPPP", 1), "dc>bcd");
        ck_assert_str_eq(plan_of(COP_REST_FOR_ONE, "PPPP", 0), "dcb>abcd");
}

TEST(SUP_restart_04_rest_for_one_with_the_last_child_concerns_only_it)
{
        ck_assert_str_eq(plan_of(COP_REST_FOR_ONE, "PPPP", 3), ">d");
}

TEST(who_is_in_reach_without_a_process_is_not_stopped_but_started)
{
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ALL, "pPpT", 1), "d>abcd");
        ck_assert_str_eq(plan_of(COP_REST_FOR_ONE, "pPpT", 1), "d>bcd");
}

TEST(a_temporary_child_in_reach_is_stopped_for_good)
{
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ALL, "tPtT", 1), "dca>bd");
        ck_assert_str_eq(plan_of(COP_REST_FOR_ONE, "tPtT", 1), "dc>bd");
        ck_assert_str_eq(plan_of(COP_ONE_FOR_ONE, "tPtT", 1), ">b");
}

TEST(who_is_forgotten_takes_no_part)
{
        struct cop__member members[3];
        uint32_t stop[3], start[3];
        struct cop__plan plan = { stop, start, 0, 0 };
        family("PPP", members);
        members[0].running = members[1].running = false;
        members[1].forgotten = true;
        cop__strategy_plan(COP_ONE_FOR_ALL, members, 3, 0, &plan);
        ck_assert_uint_eq(plan.stop_count, 1);
        ck_assert_uint_eq(stop[0], 2);
        ck_assert_uint_eq(plan.start_count, 2);
        ck_assert_uint_eq(start[0], 0);
        ck_assert_uint_eq(start[1], 2);
}

TEST(SUP_restart_05_to_08_the_restart_type_decides)
{
        ck_assert(cop__restart_is_wanted(COP_PERMANENT, true));
        ck_assert(cop__restart_is_wanted(COP_PERMANENT, false));
        ck_assert(!cop__restart_is_wanted(COP_TRANSIENT, true));
        ck_assert(cop__restart_is_wanted(COP_TRANSIENT, false));
        ck_assert(!cop__restart_is_wanted(COP_TEMPORARY, true));
        ck_assert(!cop__restart_is_wanted(COP_TEMPORARY, false));
}

/* What must hold whatever the family: the oracle knows no strategy's code, only its promise. */
static void expect_promise(cop_strategy strategy, const struct cop__member *members,
                           uint32_t count, uint32_t failed)
{
        uint32_t stop[CHILDREN_MAX], start[CHILDREN_MAX];
        bool stopped[CHILDREN_MAX] = { false }, started[CHILDREN_MAX] = { false };
        struct cop__plan plan = { stop, start, 0, 0 };
        cop__strategy_plan(strategy, members, count, failed, &plan);
        for (uint32_t i = 0; i < plan.stop_count; i++) {
                ck_assert(i == 0 || stop[i] < stop[i - 1]);
                ck_assert(members[stop[i]].running);
                stopped[stop[i]] = true;
        }
        for (uint32_t i = 0; i < plan.start_count; i++) {
                ck_assert(i == 0 || start[i] > start[i - 1]);
                started[start[i]] = true;
        }
        for (uint32_t i = 0; i < count; i++) {
                bool reached = i == failed || strategy == COP_ONE_FOR_ALL ||
                               (strategy == COP_REST_FOR_ONE && i > failed);
                bool lasting = members[i].restart != COP_TEMPORARY && !members[i].forgotten;
                ck_assert_int_eq(stopped[i], reached && members[i].running);
                ck_assert_int_eq(started[i], reached && lasting);
        }
}

TEST(every_family_of_up_to_four_keeps_the_promise)
{
        /* A member is one of these: permanent or transient running or not, temporary running or forgotten. */
        static const struct cop__member sorts[] = {
                { COP_PERMANENT, true, false }, { COP_PERMANENT, false, false },
                { COP_TRANSIENT, true, false }, { COP_TRANSIENT, false, false },
                { COP_TEMPORARY, true, false }, { COP_TEMPORARY, false, true },
        };
        uint32_t sort_count = sizeof(sorts) / sizeof(sorts[0]), tried = 0;
        for (uint32_t count = 1, families = sort_count; count <= 4; count++, families *= sort_count)
                for (uint32_t number = 0; number < families; number++) {
                        struct cop__member members[CHILDREN_MAX];
                        uint32_t rest = number;
                        for (uint32_t i = 0; i < count; i++, rest /= sort_count)
                                members[i] = sorts[rest % sort_count];
                        for (uint32_t failed = 0; failed < count; failed++) {
                                if (members[failed].running || members[failed].forgotten)
                                        continue;
                                expect_promise(COP_ONE_FOR_ONE, members, count, failed);
                                expect_promise(COP_ONE_FOR_ALL, members, count, failed);
                                expect_promise(COP_REST_FOR_ONE, members, count, failed);
                                tried++;
                        }
                }
        ck_assert_uint_gt(tried, 1000);
}
