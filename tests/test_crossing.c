/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What crosses between two nodes as what it is, and what is refused because it could not. */
#include "tests/pair.h"

#include <coppice/global.h>

#include "mailbox/term_hash.h"
#include "tests/keepers.h"
#include "tests/random_kind.h"

#define B "b@127.0.0.1"

typedef struct { cop_int64s values; int64_t window[3]; } samples;
COP_MESSAGE(samples, values, window);

typedef struct { cop_text text; char name[16]; cop_texts lines; } note;
COP_MESSAGE(note, text, name, lines);

typedef struct { cop_terms terms; } bag;
COP_MESSAGE(bag, terms);

/* ---- Kinds ---------------------------------------------------------------------------------- */

/* Whatever comes goes back to its sender. */
static void returns(void)
{
        for (;;) {
                cop_message *message = cop_receive(COP_FOREVER, COP_ANY);
                cop_send_value(cop_to_pid(cop_message_from(message)), cop_message_kind(message), cop_message_body(message));
                cop_message_free(message);
        }
}

static void grow_returner(struct pair *pair)
{
        cop_pid pid;
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = returns, .name = "returner" }, &pid), COP_OK);
        visit(pair->a);
}

static cop_term term_of(const cop_kind *kind, const void *value)
{
        cop_term term;
        ck_assert_int_eq(cop__kind_to_term(kind, value, &term), COP_OK);
        return term;
}

/* There and back. A field of the sort term may be a text where it was the list of its code points. */
static void crosses(const cop_kind *kind, const void *value)
{
        ck_assert_int_eq(cop_send_value(cop_at("returner", B), kind, value), COP_OK);
        cop_auto message = await(COP_ANY);
        cop_term sent = term_of(kind, value), got = term_of(cop_message_kind(message), cop_message_body(message));
        ck_assert_msg(cop_message_kind(message) == kind, "%s came back as %s", text_of(sent), text_of(got));
        ck_assert_msg(cop_term_compare(sent, got) == 0, "%s came back as %s", text_of(sent), text_of(got));
        cop_term_free(sent);
        cop_term_free(got);
}

#define CROSSES(type, ...) crosses(COP_KIND_OF(type), &(type){ __VA_ARGS__ })

PAIR(an_array_of_numbers_that_could_be_a_text_keeps_its_kind_between_nodes)
{
        int64_t wide[] = { 1000, 2000, 3000 }, narrow[] = { 72, 101, 300 }, odd[] = { 0xd800, 1000, -1 };
        cop_term numbers[] = { cop_int(1000), cop_int(2000) };
        grow_returner(pair);
        CROSSES(samples, .values = { wide, 3 }, .window = { 1000, 2000, 3000 });
        CROSSES(samples, .values = { narrow, 3 }, .window = { 300, 72, 101 });
        CROSSES(samples, .values = { odd, 3 }, .window = { 0, 0, 0 });
        CROSSES(samples, .values = { NULL, 0 }, .window = { 65, 66, 67 });
        CROSSES(bag, .terms = { numbers, 2 });
}

PAIR(a_text_with_control_characters_keeps_its_kind_between_nodes)
{
        static const char *const texts[] = { "\x01", "a\x01z", "\x7f", "\xc2\x85", "\x01\xe2\x82\xac", "", "plain", "\xe2\x82\xac" };
        cop_text lines[COP__COUNT(texts)];
        grow_returner(pair);
        for (size_t i = 0; i < COP__COUNT(texts); i++) {
                note value = { .text = cop_text_of(texts[i]) };
                lines[i] = cop_text_of(texts[i]);
                snprintf(value.name, sizeof(value.name), "%s", texts[i]);
                crosses(COP_KIND_OF(note), &value);
        }
        CROSSES(note, .text = { 3, "\x01\0z" }, .lines = { lines, COP__COUNT(lines) });
}

/* Numbers that may be code points; only such pids and references as are known. */
static void make_crossable(struct random_terms *random, everything *all)
{
        static const int64_t points[] = { 'a', 'b', 1, 0x7f, 0xe9, 1000, 0x20ac, 0x1f600, 0xd800, 0x110000, -1 };
        int64_t *scores = random_room(random, all->scores.count * sizeof(*scores));
        cop_pid *members = random_room(random, all->members.count * sizeof(*members));
        for (size_t i = 0; i < all->scores.count; i++)
                scores[i] = points[random_below(random, random_below(random, 2) ? 8 : COP__COUNT(points))];
        for (size_t i = 0; i < all->members.count; i++)
                members[i] = random_below(random, 2) ? cop_self() : cop_no_pid();
        if (random_below(random, 2))
                all->scores.items = scores;
        all->members.items = members;
        all->pid = all->pair[0] = cop_self();
        all->pair[1] = cop_no_pid();
        all->ref = cop_ref_new();
        snprintf(all->name, sizeof(all->name), "%s", random_below(random, 2) ? "\x01\x7f" : "Grace");
}

PAIR(each_kind_with_random_values_crosses_between_two_nodes_as_itself)
{
        unsigned crossed = 0;
        grow_returner(pair);
        for (uint64_t seed = 1; seed <= 300; seed++) {
                struct random_terms random = { .state = seed, .alone = true };
                everything all;
                uint64_t hash;
                random_everything(&random, &all);
                make_crossable(&random, &all);
                cop_term term = term_of(COP_KIND_OF(everything), &all);
                if (cop__term_hash_abroad(term, &hash) == COP_OK) { /* else there is a map in it that no other node can have */
                        crosses(COP_KIND_OF(everything), &all);
                        crossed++;
                }
                cop_term_free(term);
                random_terms_fini(&random);
        }
        ck_assert_uint_gt(crossed, 250);
}

/* ---- What cannot be said ---------------------------------------------------------------------- */

typedef struct { int64_t unused; } die;
COP_MESSAGE(die, unused);

/* With a reason that is no UTF-8. */
static void dies_badly(void)
{
        await_and_drop(COP_KIND(die));
        cop_exit(COP_TUPLE(cop_atom("bad"), cop_atom("\xff\xfe")));
}

static cop_ref watch_at_b(const char *name)
{
        cop_ref ref;
        ck_assert_int_eq(cop_monitor(cop_at(name, B), &ref), COP_OK);
        return ref;
}

/* Whatever was said before has been heard there, and nobody has hung up. */
static void is_still_connected(cop_ref connection)
{
        CROSSES(samples, .window = { 1, 2, 3 });
        ck_assert_ptr_null(cop_receive(0, COP_REF(cop_down, connection)));
}

PAIR(what_cannot_be_said_to_another_node_ends_no_connection)
{
        cop_pid pid;
        const cop_term bad = cop_atom("caf\xe9"), half = { .type = COP_TERM_TEXT, .count = 3, .as.text = "a\xff" "b" };
        cop_term pairs[] = { cop_string("ab"), cop_int(1), COP_LIST(cop_int(97), cop_int(98)), cop_int(2) };
        grow_returner(pair);
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = dies_badly, .name = "mortal" }, &pid), COP_OK);
        visit(pair->a);
        cop_ref connection = watch_at_b("returner"), death = watch_at_b("mortal");
        is_still_connected(connection);
        /* A reason. */
        ck_assert_int_eq(cop_send(cop_at("mortal", B), die, .unused = 0), COP_OK);
        await_down(death, "unsayable");
        is_still_connected(connection);
        /* A message, and a call. */
        const cop_term terms[] = { bad, half, COP_LIST(bad), cop_map_of(pairs, 2) };
        for (size_t i = 0; i < COP__COUNT(terms); i++) {
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_send(cop_at("returner", B), cop_any, .term = terms[i]), COP_OK);
                is_still_connected(connection);
                ck_assert_int_eq(cop_call(&reply, cop_at("returner", B), PATIENCE_MS, cop_any, .term = terms[i]), COP_E_ISOLATED);
        }
        /* Names. */
        cop_ref ref;
        ck_assert_int_eq(cop_send(cop_at("caf\xe9", B), cop_any, .term = cop_atom("hello")), COP_E_NO_NAME);
        ck_assert_int_eq(cop_monitor(cop_at("caf\xe9", B), &ref), COP_OK);
        await_down(ref, "noproc");
        ck_assert_int_eq(cop_global_register("gl\xff", cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_re_register("gl\xff", cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(cop_global_whereis("gl\xff").bits, 0);
        is_still_connected(connection);
}

/* ---- Groups ------------------------------------------------------------------------------------- */

static size_t members(cop_term group)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", group, &list), COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(die)));
}

static cop_pid join_one(cop_term group)
{
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_group_join("chat", group, pid), COP_OK);
        return pid;
}

PAIR(a_group_is_the_same_one_on_each_node_whatever_its_key)
{
        const cop_term control = { .type = COP_TERM_TEXT, .count = 2, .as.text = "a\x01" };
        cop_term tail[] = { cop_int(1), cop_string("ab") }, pairs[] = { cop_string("ab"), cop_string("") };
        const cop_term keys[] = { COP_LIST(cop_int(1000), cop_int(2000)), cop_string(""), control, cop_string("tea"),
                                  COP_LIST(cop_int(97), cop_int(98)), cop_cons_of(tail, 2),
                                  COP_TUPLE(cop_map_of(pairs, 1), cop_float(1.0)), cop_int(1), cop_float(1.0) };
        cop_pid pids[COP__COUNT(keys)];
        start_scope("chat");
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                pids[i] = join_one(keys[i]);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        visit(pair->b);
        start_scope("chat");
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                await_true(members(keys[i]) == 1);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                join_one(keys[i]);
        visit(pair->a);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                await_true(members(keys[i]) == 2);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                ck_assert_int_eq(cop_group_leave("chat", keys[i], pids[i]), COP_OK);
        visit(pair->b);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                await_true(members(keys[i]) == 1);
}

PAIR(a_group_whose_key_cannot_be_said_to_another_node_is_refused)
{
        cop_term list;
        cop_ref ref;
        cop_pid picked;
        cop_term pairs[] = { cop_string("ab"), cop_int(1), COP_LIST(cop_int(97), cop_int(98)), cop_int(2) };
        const cop_term keys[] = { cop_atom("t\xff"), COP_LIST(cop_int(1), cop_atom("t\xff")), cop_map_of(pairs, 2) };
        start_scope("chat");
        for (size_t i = 0; i < COP__COUNT(keys); i++) {
                ck_assert_int_eq(cop_group_join("chat", keys[i], cop_self()), COP_E_MALFORMED);
                ck_assert_int_eq(cop_group_leave("chat", keys[i], cop_self()), COP_E_MALFORMED);
                ck_assert_int_eq(cop_group_members("chat", keys[i], &list), COP_E_MALFORMED);
                ck_assert_int_eq(cop_group_pick("chat", keys[i], COP_PICK_RANDOM, &picked), COP_E_MALFORMED);
                ck_assert_int_eq(cop_group_monitor("chat", keys[i], &ref, &list), COP_E_MALFORMED);
                ck_assert_int_eq(cop_group_send("chat", keys[i], die, .unused = 0), COP_E_MALFORMED);
        }
        ck_assert_int_eq(cop_scope_groups("chat", &list), COP_OK);
        ck_assert_str_eq(text_and_free(list), "[]");
}
