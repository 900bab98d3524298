/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What it costs a scope to meet another one, and to lose it: counted, at a cue, and not timed. */
#include "tests/pair.h"

#include "base/cue.h"
#include "tests/keepers.h"

#if !COP__CUES
#error "tests are built with cues"
#endif

#define A "a@127.0.0.1"

static uint64_t looks; /* atomic */

static void counts_looks(const char *name)
{
        if (strcmp(name, "scope.looks") == 0)
                cop__add_relaxed(&looks, 1);
}

typedef struct { int64_t count; } talk;
COP_MESSAGE(talk, count);

/* As a scope of `b` would, of which the calling actor there is one. */
static void say(cop_term all)
{
        ck_assert_int_eq(cop_send_term(cop_at("chat", A), COP_TUPLE(cop_atom("sync"), cop_pid_term(cop_self()), all)), COP_OK);
}

static cop_term *room_for(size_t count)
{
        cop_term *items = malloc(count * sizeof(*items));
        ck_assert_ptr_nonnull(items);
        return items;
}

/* So many members of one group. */
static void say_members(size_t count)
{
        cop_term *pids = room_for(count);
        for (size_t i = 0; i < count; i++)
                pids[i] = cop_pid_term(cop__pid_of(0, 1000 + i, 1));
        say(COP_LIST(COP_TUPLE(cop_atom("tea"), cop_list_of(pids, count))));
        free(pids);
}

/* So many groups of one member each. */
static void say_groups(size_t count)
{
        cop_term *all = room_for(count), *pairs = room_for(2 * count), pid = cop_pid_term(cop__pid_of(0, 1000, 1));
        cop_term one = cop_list_of(&pid, 1);
        for (size_t i = 0; i < count; i++) {
                pairs[2 * i] = cop_int((int64_t)i);
                pairs[2 * i + 1] = one;
                all[i] = cop_tuple_of(&pairs[2 * i], 2);
        }
        say(cop_list_of(all, count));
        free(pairs);
        free(all);
}

static void (*says)(size_t count); /* before it is spoken to */

/* Twice the same; and of one more group, so that it is known when all of that has been heard. */
static void speaks(void)
{
        cop_auto message = await(COP_KIND(talk));
        cop_term self = cop_pid_term(cop_self());
        for (int i = 0; i < 2; i++)
                says((size_t)cop_read(talk, message)->count);
        cop_send_term(cop_at("chat", A), COP_TUPLE(cop_atom("join"), self, cop_atom("end"), self));
}

/* How often a scope looks at something as it hears of so many, hears that again, and loses them. */
static uint64_t looks_at(struct pair *pair, int64_t count)
{
        cop_ref ref;
        cop_term none;
        cop_pid speaker;
        cop__store_relaxed(&looks, 0);
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = speaks, .name = "speaker" }, &speaker), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("end"), &ref, &none), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("speaker", "b@127.0.0.1"), talk, .count = count), COP_OK);
        await_and_drop(COP_REF(cop_group_joined, ref));
        await_and_drop(COP_REF(cop_group_left, ref));
        settle_with(cop_whereis("chat"));
        return cop__load_relaxed(&looks);
}

static void goes_with(struct pair *pair, void (*say_many)(size_t count))
{
        cop_term left;
        start_scope("chat");
        says = say_many;
        cop__store_release(&cop__cue_heard_by, counts_looks);
        uint64_t first = looks_at(pair, 500), second = looks_at(pair, 1000);
        cop__store_release(&cop__cue_heard_by, NULL);
        ck_assert_int_eq(cop_scope_groups("chat", &left), COP_OK);
        ck_assert_str_eq(text_and_free(left), "[]");
        /* With the square it would be four times as many. */
        ck_assert_msg(first >= 500 && second < 3 * first, "%lu looks at 500, %lu at 1000", (unsigned long)first,
                      (unsigned long)second);
}

PAIR(the_cost_of_a_sync_goes_with_the_members_of_a_group)
{
        goes_with(pair, say_members);
}

PAIR(the_cost_of_a_sync_goes_with_the_number_of_groups)
{
        goes_with(pair, say_groups);
}
