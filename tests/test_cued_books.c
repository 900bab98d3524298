/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Names, registries and groups that change between a look and what is done about it. */
#include "tests/cue.h"
#include "tests/keepers.h"

typedef struct { int64_t unused; } go;
COP_MESSAGE(go, unused);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* In the place of another thread, which ends somebody just now. */
static void ends(void *pid)
{
        put_down(*(const cop_pid *)pid);
}

/* ---- Names ------------------------------------------------------------------------------ */

IN_NODE(who_ends_as_it_is_given_a_name_gets_none_and_the_name_is_free)
{
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        cue_act("registry.registers", ends, &p);
        ck_assert_int_eq(cop_register("tim", p), COP_E_NO_ACTOR);
        ck_assert(cue_has_come("registry.registers"));
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_int_eq(cop_register("tim", q), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis("tim"), q));
        put_down(q);
}

typedef struct {
        cop_pid ended, reborn;
} succession;

/* ... and in whose slot somebody else lives then: it is the last one that was free. */
static void is_succeeded(void *memory)
{
        succession *s = memory;
        put_down(s->ended);
        for (int i = 0; i < 64 && cop__pid_slot(s->reborn) != cop__pid_slot(s->ended); i++) {
                if (s->reborn.bits != 0)
                        put_down(s->reborn);
                s->reborn = cop_spawn(waits);
        }
}

IN_NODE(who_lives_in_the_slot_of_one_that_ended_does_not_get_its_name)
{
        succession s = { cop_spawn(waits), cop_no_pid() };
        cue_act("registry.registers", is_succeeded, &s);
        ck_assert_int_eq(cop_register("tim", s.ended), COP_E_NO_ACTOR);
        ck_assert(cue_has_come("registry.registers"));
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_int_eq(cop_register("tom", s.reborn), COP_OK);
        put_down(s.reborn);
        ck_assert_uint_eq(cop_whereis("tom").bits, 0);
}

/* ---- Registries --------------------------------------------------------------------------- */

static uint64_t entries_in(const char *registry)
{
        uint64_t entries = UINT64_MAX;
        ck_assert_int_eq(cop_registry_count(registry, &entries), COP_OK);
        return entries;
}

IN_NODE(who_enters_a_registry_that_ends_just_now_hears_that_there_is_none)
{
        cop_pid rooms = start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        cop_pid holder = cop_self();
        cue_act("book.enters", ends, &rooms);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(1), &holder), COP_E_NO_NAME);
        ck_assert(cue_has_come("book.enters"));
        ck_assert(cop_pid_equal(holder, cop_self()));
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_uint_eq(entries_in("rooms"), 0);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(1), NULL), COP_OK);
        ck_assert_uint_eq(entries_in("rooms"), 1);
}

/* ---- Groups --------------------------------------------------------------------------------- */

static const char *members_of(const char *group)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", cop_atom(group), &list), COP_OK);
        return text_and_free(list);
}

IN_NODE(who_joins_in_a_scope_that_ends_just_now_hears_that_there_is_none)
{
        cop_pid chat = start_scope("chat"), p = cop_spawn(waits);
        cue_act("book.enters", ends, &chat);
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), p), COP_E_NO_NAME);
        ck_assert(cue_has_come("book.enters"));
        start_scope("chat");
        ck_assert_str_eq(members_of("tea"), "[]");
        put_down(p);
}

IN_NODE(who_ends_as_it_joins_is_no_member)
{
        start_scope("chat");
        cop_pid p = cop_spawn(waits);
        cue_act("book.enters", ends, &p);
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), p), COP_OK); /* as who is dead already: GRP-06 */
        ck_assert(cue_has_come("book.enters"));
        ck_assert_str_eq(members_of("tea"), "[]");
}

IN_NODE(who_monitors_a_scope_that_ends_just_now_hears_that_there_is_none_and_nothing_later)
{
        cop_ref ref = { 7 };
        cop_term now = cop_int(7);
        cop_pid chat = start_scope("chat");
        cue_act("group_monitor.subscribes", ends, &chat);
        ck_assert_int_eq(cop_scope_monitor("chat", &ref, &now), COP_E_NO_NAME);
        ck_assert(cue_has_come("group_monitor.subscribes"));
        chat = start_scope("chat");
        cue_act("group_monitor.subscribes", ends, &chat);
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("tea"), &ref, &now), COP_E_NO_NAME);
        ck_assert(cue_has_come("group_monitor.subscribes"));
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_str_eq(text_of(now), "7");
        start_scope("chat");
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), cop_self()), COP_OK);
        nothing_has_come();
}
