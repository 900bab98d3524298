/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What it costs to find a global name, to meet a node that has many, and to lose them: counted, at a cue, and not timed. */
#include "tests/pair.h"

#include <coppice/global.h>

#include "base/cue.h"
#include "distribution/names.h"

#if !COP__CUES
#error "tests are built with cues"
#endif

static uint64_t looks; /* atomic */

static void counts_looks(const char *name)
{
        if (strcmp(name, "names.looks") == 0)
                cop__add_relaxed(&looks, 1);
}

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

#define MANY 2000

static void name_of(char name[16], unsigned number)
{
        snprintf(name, 16, "n%u", number);
}

static void say_all(unsigned count, cop_pid holder)
{
        static char texts[MANY][16];
        static cop_term items[MANY], pairs[MANY][2];
        for (unsigned i = 0; i < count; i++) {
                name_of(texts[i], i);
                pairs[i][0] = cop_atom(texts[i]);
                pairs[i][1] = cop_pid_term(holder);
                items[i] = cop_tuple_of(pairs[i], 2);
        }
        cop_term all = COP_TUPLE(cop_atom("all"), cop_list_of(items, count));
        ck_assert_int_eq(cop_send(COP__NAMES_SERVER, cop_any, .term = all), COP_OK);
}

static bool is_had(unsigned number)
{
        char name[16];
        name_of(name, number);
        return cop_global_whereis(name).bits != 0;
}

/* How often the server looks at one as it hears of so many, hears that again, is asked for each, and loses them. */
static uint64_t looks_at(unsigned count)
{
        cop_pid holder = cop_spawn(waits);
        cop__store_relaxed(&looks, 0);
        say_all(count, holder);
        say_all(count, holder);
        for (unsigned i = 0; i < count; i++)
                ck_assert(is_had(i));
        put_down(holder);
        for (unsigned i = 0; i < count; i++)
                ck_assert(!is_had(i));
        settle_with(cop_whereis(COP__NAMES_SERVER));
        return cop__load_relaxed(&looks);
}

PAIR(a_global_name_is_found_at_a_cost_that_does_not_grow_with_their_number)
{
        cop__store_release(&cop__cue_heard_by, counts_looks);
        uint64_t some = looks_at(MANY / 20), many = looks_at(MANY);
        cop__store_release(&cop__cue_heard_by, NULL);
        ck_assert_uint_gt(some, 0);
        /* With the square it would be four hundred times as many. */
        ck_assert_msg(many < 40 * some, "%lu looks at %d, %lu at %d", (unsigned long)some, MANY / 20, (unsigned long)many, MANY);
}
