/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Names (actors/registry.c) are read without a lock while others change them: epochs. What is freed is overwritten here
 * (machine.c), so who still looks at it finds no pid. Under every schedule a look-up finds nobody or who had the name at some
 * moment of it, a name has one owner, and it is free before its owner's death is told.
 */
#include "tests/explore/inside.h"

static void waits(void)
{
        cop_receive(COP_FOREVER, COP_KIND(note));
}

/* And not what lay in memory that was freed. */
static bool is_pid(cop_pid pid)
{
        return pid.bits >> 32 <= inside->slots.limit && (uint32_t)pid.bits < 100;
}

static void looks_up(void)
{
        for (unsigned i = 0; i < 4; i++) {
                cop_pid pid = cop_whereis("till");
                EXPLORE_ASSERT(is_pid(pid));
        }
}

IN_NODE(a_look_up_finds_nobody_or_an_owner)
{
        cop_pid owners[3];
        for (unsigned i = 0; i < COP__COUNT(owners); i++)
                owners[i] = cop_spawn(waits);
        unsigned reader = inside_visitor(looks_up);
        for (unsigned i = 0; i < COP__COUNT(owners); i++) {
                EXPLORE_ASSERT(cop_register("till", owners[i]) == COP_OK);
                EXPLORE_ASSERT(cop_pid_equal(cop_whereis("till"), owners[i]));
                EXPLORE_ASSERT(cop_unregister("till") == COP_OK);
        }
        explore_join(reader);
}

IN_NODE(a_name_is_free_when_its_owners_death_is_told)
{
        cop_ref ref;
        cop_pid pid;
        unsigned reader = inside_visitor(looks_up);
        for (unsigned i = 0; i < 2; i++) {
                EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "till",
                                                                   .monitor = true, .monitor_ref = &ref },
                                             &pid) == COP_OK);
                inside_end(pid, "kill");
                cop_message_free(inside_await(COP_REF(cop_down, ref)));
                EXPLORE_ASSERT(cop_whereis("till").bits == 0);
        }
        explore_join(reader);
}

static unsigned taken;

static void wants_the_name(void)
{
        cop_status status = cop_register("till", cop_self());
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_NAME_TAKEN);
        taken += status == COP_OK;
}

IN_NODE(of_two_that_want_a_name_one_gets_it)
{
        taken = 0;
        EXPLORE_ASSERT(cop_register("till", cop_spawn(waits)) == COP_OK);
        unsigned first = inside_visitor(wants_the_name), second = inside_visitor(wants_the_name);
        EXPLORE_ASSERT(cop_unregister("till") == COP_OK || taken > 0);
        explore_join(first);
        explore_join(second);
}

#define SHORT "a" /* a name that is remembered, in tiny builds, too */

#define OWNERS 6

static cop_pid owners[OWNERS]; /* one after the other */
static unsigned over;          /* atomic: of so many it has been said that they have it no more */

static void looks_up_until_all_are_over(void)
{
        unsigned heard;
        do {
                heard = cop__load_acquire(&over);
                cop_pid pid = cop_whereis(SHORT);
                for (unsigned i = 0; i < heard; i++)
                        EXPLORE_ASSERT(!cop_pid_equal(pid, owners[i]));
        } while (heard < OWNERS);
}

/* What a thread remembers of a name does not outlast it. */
IN_NODE(whoever_has_heard_that_a_name_is_free_finds_no_former_owner)
{
        over = 0;
        for (unsigned i = 0; i < OWNERS; i++)
                owners[i] = cop_spawn(waits);
        unsigned reader = inside_visitor(looks_up_until_all_are_over);
        for (unsigned i = 0; i < OWNERS; i++) {
                EXPLORE_ASSERT(cop_register(SHORT, owners[i]) == COP_OK);
                EXPLORE_ASSERT(cop_unregister(SHORT) == COP_OK);
                cop__store_release(&over, i + 1);
        }
        explore_join(reader);
}

static cop_pid mortal;

static void names_the_mortal(void)
{
        cop_status status = cop_register("till", mortal);
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_NO_ACTOR);
}

/* The one who names it and the one who dies each do something and then look at what the other has done. */
IN_NODE(no_name_stays_with_the_dead)
{
        for (unsigned i = 0; i < 3; i++) {
                cop_ref ref;
                mortal = cop_spawn(waits);
                EXPLORE_ASSERT(cop_monitor(mortal, &ref) == COP_OK);
                unsigned namer = inside_visitor(names_the_mortal);
                inside_end(mortal, "kill");
                cop_message_free(inside_await(COP_REF(cop_down, ref)));
                explore_join(namer);
                EXPLORE_ASSERT(cop_whereis("till").bits == 0);
        }
}
