/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A test decides a race: who comes to a cue is held there, or what another would do is done just then, once. */
#include "tests/cue.h"

#include <pthread.h>

static uint32_t passed; /* atomic: threads that have gone by */

static void *pass(void *unused)
{
        COP__CUE("test.gate");
        cop__add_seq(&passed, 1);
        return unused;
}

static void pass_in_threads(unsigned count)
{
        pthread_t threads[8];
        for (unsigned i = 0; i < count; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, pass, NULL), 0);
        for (unsigned i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
}

TEST(who_comes_to_a_cue_stays_there_until_told_to_go)
{
        cop__store_seq(&passed, 0);
        cue_hold("test.gate");
        ck_assert(!cue_has_come("test.gate"));
        pthread_t held;
        ck_assert_int_eq(pthread_create(&held, NULL, pass, NULL), 0);
        cue_await("test.gate");
        pass_in_threads(3); /* who comes later passes by */
        ck_assert_uint_eq(cop__load_seq(&passed), 3);
        cue_go_and_await("test.gate");
        pthread_join(held, NULL);
        ck_assert_uint_eq(cop__load_seq(&passed), 4);
}

static void note(void *noted)
{
        *(uint32_t *)noted += 1 + cop__load_seq(&passed);
}

TEST(what_is_asked_for_is_done_by_one_in_the_order_in_which_they_come)
{
        cop__store_seq(&passed, 0);
        uint32_t noted = 0;
        cue_ask("test.gate", 2, note, &noted);
        pass_in_threads(1);
        pass_in_threads(1);
        ck_assert(!cue_has_come("test.gate"));
        pass_in_threads(1);
        ck_assert(cue_has_come("test.gate"));
        pass_in_threads(1);
        ck_assert_uint_eq(noted, 3);
}

static void count(void *counted)
{
        cop__add_seq((uint32_t *)counted, 1);
}

TEST(of_many_who_come_at_once_one_does_it)
{
        for (int i = 0; i < 50; i++) {
                uint32_t counted = 0;
                cue_ask("test.gate", 3, count, &counted);
                pass_in_threads(8);
                ck_assert_uint_eq(cop__load_seq(&counted), 1);
        }
}

TEST(cues_of_several_names_do_not_know_of_each_other)
{
        cop__store_seq(&passed, 0);
        uint32_t noted = 0;
        cue_act("test.elsewhere", note, &noted);
        cue_act("test.gate", note, &noted);
        pass_in_threads(2);
        ck_assert(!cue_has_come("test.elsewhere"));
        ck_assert(cue_has_come("test.gate"));
        ck_assert_uint_eq(noted, 1);
        COP__CUE("test.elsewhere");
        ck_assert_uint_eq(noted, 4);
}
