/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Terms as values: building, order, matching, copies. Their text is in test_term_syntax.c. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <coppice/message.h>

#include "mailbox/term.h"
#include "mailbox/term_hash.h"
#include "tests/failing_malloc.h"
#include "tests/random_term.h"
#include "tests/suite.h"

#define DEEPEST COP_TERM_DEPTH_MAX

/* [[[...]]], `depth` lists around an atom; `boxes` has one term for each. */
static cop_term nested_around(cop_term core, cop_term *boxes, size_t depth)
{
        cop_term term = core;
        for (size_t i = 0; i < depth; i++) {
                boxes[i] = term;
                term = i % 2 ? cop_tuple_of(&boxes[i], 1) : cop_list_of(&boxes[i], 1);
        }
        return term;
}

static cop_term nested(cop_term *boxes, size_t depth)
{
        return nested_around(cop_atom("core"), boxes, depth);
}

static int sign(int number)
{
        return (number > 0) - (number < 0);
}

/* --- builders ------------------------------------------------------------- */

TEST(a_zeroed_term_is_the_empty_list)
{
        cop_term zero;
        memset(&zero, 0, sizeof zero);
        ck_assert(cop_term_equal(zero, cop_nil()));
        ck_assert(cop_term_equal(cop_list_of(NULL, 0), cop_nil()));
}

TEST(an_integer_is_natural_only_above_the_signed_range)
{
        ck_assert_uint_eq(cop_natural(INT64_MAX).type, COP_TERM_INTEGER);
        ck_assert_uint_eq(cop_natural((uint64_t)INT64_MAX + 1).type, COP_TERM_NATURAL);
        ck_assert_int_eq(cop_natural(7).as.integer, 7);
}

TEST(what_no_float_term_can_hold_becomes_an_atom)
{
        ck_assert(cop_is_atom(cop_float(NAN), "nan"));
        ck_assert(cop_is_atom(cop_float(INFINITY), "infinity"));
        ck_assert(cop_is_atom(cop_float(-INFINITY), "-infinity"));
        ck_assert_uint_eq(cop_float(1.5).type, COP_TERM_FLOAT);
}

TEST(what_is_too_big_for_a_term_becomes_an_atom)
{
        char name[300];
        memset(name, 'n', sizeof name);
        name[256] = '\0';
        ck_assert(cop_is_atom(cop_atom(name), "too_big"));
        name[255] = '\0';
        ck_assert_uint_eq(cop_atom(name).count, 255);
        ck_assert(cop_is_atom(cop_binary(name, (size_t)UINT32_MAX + 1), "too_big"));
        ck_assert(cop_is_atom(cop_tuple_of(NULL, (size_t)UINT32_MAX + 1), "too_big"));
}

TEST(items_and_bytes_that_are_null_become_an_atom)
{
        ck_assert(cop_is_atom(cop_tuple_of(NULL, 2), "null"));
        ck_assert(cop_is_atom(cop_list_of(NULL, 2), "null"));
        ck_assert(cop_is_atom(cop_cons_of(NULL, 1), "null"));
        ck_assert(cop_is_atom(cop_cons_of(NULL, 2), "null"));
        ck_assert(cop_is_atom(cop_map_of(NULL, 2), "null"));
        ck_assert(cop_is_atom(cop_binary(NULL, 2), "null"));
        ck_assert_uint_eq(cop_tuple_of(NULL, 0).type, COP_TERM_TUPLE);
        ck_assert_uint_eq(cop_map_of(NULL, 0).type, COP_TERM_MAP);
        ck_assert_uint_eq(cop_binary(NULL, 0).type, COP_TERM_BINARY);
}

TEST(a_string_that_is_no_utf8_becomes_a_binary)
{
        ck_assert_uint_eq(cop_string("caf\xc3\xa9").type, COP_TERM_TEXT);
        cop_term raw = cop_string("caf\xe9");
        ck_assert_uint_eq(raw.type, COP_TERM_BINARY);
        ck_assert(cop_term_equal(raw, cop_binary("caf\xe9", 4)));
}

TEST(a_list_whose_tail_is_empty_is_proper)
{
        const cop_term items[] = { cop_int(1), cop_int(2), cop_nil() };
        ck_assert(cop_term_equal(cop_cons_of(items, 3), COP_LIST(cop_int(1), cop_int(2))));
        ck_assert_uint_eq(cop_cons_of(items, 2).type, COP_TERM_CONS);
        ck_assert(cop_term_equal(cop_cons_of(items, 1), cop_int(1)));
        ck_assert(cop_term_equal(cop_cons_of(items, 0), cop_nil()));
}

TEST(booleans_are_atoms)
{
        ck_assert(cop_is_atom(cop_bool(true), "true"));
        ck_assert(cop_is_atom(cop_bool(false), "false"));
}

TEST(a_question_to_the_wrong_type_is_answered_no)
{
        cop_term tuple = COP_TUPLE(cop_atom("bill"), cop_int(900));
        ck_assert(cop_is_tuple(tuple, "bill", 2));
        ck_assert(!cop_is_tuple(tuple, "bill", 3));
        ck_assert(!cop_is_tuple(tuple, "bil", 2));
        ck_assert(!cop_is_tuple(COP_TUPLE(cop_int(1)), "1", 1));
        ck_assert(!cop_is_tuple(cop_tuple_of(NULL, 0), "", 0));
        ck_assert(!cop_is_tuple(cop_int(1), "bill", 2));
        ck_assert(!cop_is_atom(cop_string("a"), "a"));
        ck_assert(!cop_is_atom(cop_atom("ab"), "a"));
        ck_assert_ptr_null(cop_map_get(tuple, cop_int(1)));
}

/* --- maps ----------------------------------------------------------------- */

TEST(a_map_is_in_order_and_the_last_of_equal_keys_stays)
{
        cop_term map = COP_MAP(cop_int(2), cop_atom("b"), cop_int(1), cop_atom("old"),
                               cop_float(1.0), cop_atom("f"), cop_int(1), cop_atom("new"));
        ck_assert_uint_eq(map.count, 3);
        ck_assert(cop_term_equal(map.as.items[0], cop_int(1)));
        ck_assert(cop_is_atom(map.as.items[1], "new"));
        ck_assert(cop_term_equal(map.as.items[2], cop_int(2)));
        ck_assert(cop_term_equal(map.as.items[4], cop_float(1.0)));
        ck_assert(cop_is_atom(*cop_map_get(map, cop_float(1.0)), "f"));
        ck_assert_ptr_null(cop_map_get(map, cop_float(2.0)));
        ck_assert_ptr_null(cop_map_get(map, cop_int(3)));
        ck_assert_ptr_null(cop_map_get(cop_map_of(NULL, 0), cop_int(3)));
}

/* Each key with the number of its place: what is left must be the last places, in order. */
static void check_sorted_map(uint64_t seed, size_t pairs, uint32_t keys)
{
        static cop_term items[2 * 3000];
        static size_t last[3000];
        uint64_t state = seed;
        for (size_t key = 0; key < keys; key++)
                last[key] = SIZE_MAX;
        for (size_t i = 0; i < pairs; i++) {
                uint32_t key = cop__random_below(&state, keys);
                items[2 * i] = cop_int(key);
                items[2 * i + 1] = cop_int((int64_t)i);
                last[key] = i;
        }
        cop_term map = cop_map_of(items, pairs);
        size_t found = 0;
        for (size_t key = 0; key < keys; key++) {
                const cop_term *value = cop_map_get(map, cop_int((int64_t)key));
                ck_assert_msg((value != NULL) == (last[key] != SIZE_MAX), "seed %lu", seed);
                if (!value)
                        continue;
                ck_assert_msg(value->as.integer == (int64_t)last[key], "seed %lu", seed);
                ck_assert_msg(map.as.items[2 * found++].as.integer == (int64_t)key, "seed %lu",
                              seed);
        }
        ck_assert_msg(found == map.count, "seed %lu", seed);
}

TEST(maps_of_any_size_and_disorder_are_sorted_stably)
{
        for (uint64_t seed = 1; seed <= 300; seed++)
                check_sorted_map(seed, seed % 40, (uint32_t)(1 + seed % 17));
        for (uint64_t seed = 1; seed <= 5; seed++)
                check_sorted_map(seed, 3000, seed % 2 ? 3000 : 50);
}

TEST(a_large_map_in_reverse_order_is_sorted_in_a_moment)
{
        size_t pairs = suite_is_slow() ? 20000 : 200000;
        cop_term *items = malloc(2 * pairs * sizeof *items);
        for (size_t i = 0; i < pairs; i++)
                items[2 * i] = items[2 * i + 1] = cop_int((int64_t)(pairs - i));
        cop_term map = cop_map_of(items, pairs);
        ck_assert_uint_eq(map.count, pairs);
        for (size_t i = 0; i < pairs; i++)
                ck_assert_int_eq(map.as.items[2 * i].as.integer, (int64_t)i + 1);
        free(items);
}

/* --- order ---------------------------------------------------------------- */

TEST(the_types_are_in_erlangs_order)
{
        const cop_term ascending[] = {
                cop_int(INT64_MIN),
                cop_float(-1.5),
                cop_int(-1),
                cop_float(0.5),
                cop_int(1),
                cop_float(1.5),
                cop_natural(UINT64_MAX),
                cop_float(1e300),
                cop_atom(""),
                cop_atom("A"),
                cop_atom("a"),
                cop_atom("aa"),
                cop_atom("b"),
                cop_atom("\xc3\xa9"),
                cop_ref_term((cop_ref){ 1 }),
                cop_ref_term((cop_ref){ UINT64_MAX }),
                cop_pid_term((cop_pid){ 1 }),
                cop_pid_term((cop_pid){ 2 }),
                cop_tuple_of(NULL, 0),
                COP_TUPLE(cop_binary("z", 1)),
                COP_TUPLE(cop_int(1), cop_int(2)),
                COP_TUPLE(cop_int(1), cop_int(3)),
                cop_map_of(NULL, 0),
                COP_MAP(cop_int(1), cop_int(9)),
                COP_MAP(cop_int(2), cop_int(1)),
                COP_MAP(cop_float(1.0), cop_int(1)),
                COP_MAP(cop_int(1), cop_int(1), cop_int(2), cop_int(1)),
                cop_nil(),
                COP_LIST(cop_int(1)),
                COP_LIST(cop_int(1), cop_int(2)),
                COP_LIST(cop_int(2)),
                cop_string("a"),
                cop_string("ab"),
                COP_LIST(cop_int(97), cop_int(99)),
                cop_string("b"),
                cop_string("\xc3\xa9"),
                cop_string("\xf0\x9f\x98\x80"),
                COP_LIST(cop_atom("a")),
                cop_binary("", 0),
                cop_binary("\0", 1),
                cop_binary("a", 1),
                cop_binary("ab", 2),
                cop_binary("b", 1),
                cop_binary("\xff", 1),
        };
        for (size_t i = 0; i < COP__COUNT(ascending); i++)
                for (size_t j = 0; j < COP__COUNT(ascending); j++) {
                        int expected = (i > j) - (i < j);
                        ck_assert_msg(sign(cop_term_compare(ascending[i], ascending[j])) ==
                                              expected,
                                      "%zu against %zu", i, j);
                        ck_assert_msg(cop_term_equal(ascending[i], ascending[j]) == (i == j),
                                      "%zu equal to %zu", i, j);
                }
}

TEST(an_integer_key_is_below_a_float_key_whatever_their_values)
{
        const cop_term less[] = { cop_int(2), cop_natural(UINT64_MAX), COP_TUPLE(cop_int(2), cop_int(9)), COP_LIST(cop_int(2)),
                                  COP_MAP(cop_atom("k"), cop_int(2)), COP_MAP(cop_int(2), cop_nil()) };
        const cop_term more[] = { cop_float(1.0), cop_float(-1.5), COP_TUPLE(cop_float(1.0), cop_int(1)),
                                  COP_LIST(cop_float(1.0)), COP_MAP(cop_atom("k"), cop_float(1.0)),
                                  COP_MAP(cop_float(1.0), cop_nil()) };
        for (size_t i = 0; i < COP__COUNT(less); i++) {
                cop_term left = COP_MAP(less[i], cop_atom("a")), right = COP_MAP(more[i], cop_atom("a"));
                ck_assert_msg(cop_term_compare(left, right) < 0, "key %zu", i);
                ck_assert_msg(cop_term_compare(right, left) > 0, "key %zu", i);
                cop_term both = COP_MAP(more[i], cop_int(1), less[i], cop_int(2));
                ck_assert(cop_term_equal(both.as.items[0], less[i]));
                ck_assert_int_eq(cop_map_get(both, less[i])->as.integer, 2);
                ck_assert_int_eq(cop_map_get(both, more[i])->as.integer, 1);
        }
        ck_assert_int_gt(cop_term_compare(COP_MAP(cop_int(1), cop_int(2)), COP_MAP(cop_int(1), cop_float(1.0))), 0);
}

TEST(an_improper_list_is_ordered_by_its_tail)
{
        const cop_term one_two[] = { cop_int(1), cop_int(2) };
        const cop_term one_binary[] = { cop_int(1), cop_binary("", 0) };
        cop_term cons = cop_cons_of(one_two, 2);
        ck_assert_int_lt(cop_term_compare(cons, COP_LIST(cop_int(1))), 0);
        ck_assert_int_lt(cop_term_compare(cons, COP_LIST(cop_int(1), cop_int(0))), 0);
        ck_assert_int_gt(
                cop_term_compare(cop_cons_of(one_binary, 2), COP_LIST(cop_int(1), cop_int(9))), 0);
        ck_assert_int_gt(cop_term_compare(COP_LIST(cop_int(1)), cons), 0);
}

TEST(integers_and_floats_compare_by_their_exact_values)
{
        const int64_t edge = INT64_C(1) << 53;
        ck_assert_int_eq(cop_term_compare(cop_int(1), cop_float(1.0)), 0);
        ck_assert_int_eq(cop_term_compare(cop_int(edge), cop_float(0x1p53)), 0);
        ck_assert_int_gt(cop_term_compare(cop_int(edge + 1), cop_float(0x1p53)), 0);
        ck_assert_int_lt(cop_term_compare(cop_float(-0x1p53), cop_int(-edge + 1)), 0);
        ck_assert_int_lt(cop_term_compare(cop_int(INT64_MAX), cop_float(0x1p63)), 0);
        ck_assert_int_eq(cop_term_compare(cop_int(INT64_MIN), cop_float(-0x1p63)), 0);
        ck_assert_int_gt(cop_term_compare(cop_int(INT64_MIN), cop_float(-0x1.0000000000001p63)), 0);
        ck_assert_int_lt(cop_term_compare(cop_natural(UINT64_MAX), cop_float(0x1p64)), 0);
        ck_assert_int_eq(cop_term_compare(cop_natural(UINT64_C(1) << 63), cop_float(0x1p63)), 0);
        ck_assert_int_lt(cop_term_compare(cop_float(-0.5), cop_int(0)), 0);
        ck_assert_int_gt(cop_term_compare(cop_int(0), cop_float(-0.5)), 0);
        ck_assert_int_gt(cop_term_compare(cop_float(0.5), cop_int(0)), 0);
        ck_assert_int_eq(cop_term_compare(cop_int(0), cop_float(-0.0)), 0);
}

TEST(equal_is_more_than_equal_in_the_order)
{
        const cop_term pairs[][2] = {
                { cop_int(1), cop_float(1.0) },
                { cop_float(0.0), cop_float(-0.0) },
                { cop_string("ab"), COP_LIST(cop_int('a'), cop_int('b')) },
                { cop_string(""), cop_nil() },
                { COP_TUPLE(cop_string("a")), COP_TUPLE(COP_LIST(cop_int('a'))) },
        };
        for (size_t i = 0; i < COP__COUNT(pairs); i++) {
                ck_assert_msg(cop_term_compare(pairs[i][0], pairs[i][1]) == 0, "pair %zu", i);
                ck_assert_msg(!cop_term_equal(pairs[i][0], pairs[i][1]), "pair %zu", i);
        }
}

TEST(a_number_filled_in_by_hand_still_has_its_place_in_the_order)
{
        cop_term nan_term = { .type = COP_TERM_FLOAT, .as.real = NAN };
        cop_term infinite = { .type = COP_TERM_FLOAT, .as.real = INFINITY };
        ck_assert_int_gt(cop_term_compare(nan_term, infinite), 0);
        ck_assert_int_gt(cop_term_compare(nan_term, cop_natural(UINT64_MAX)), 0);
        ck_assert_int_lt(cop_term_compare(cop_int(1), nan_term), 0);
        ck_assert_int_eq(cop_term_compare(nan_term, nan_term), 0);
        ck_assert_int_gt(cop_term_compare(infinite, cop_natural(UINT64_MAX)), 0);
}

TEST(a_list_filled_in_by_hand_compares_by_its_items)
{
        const cop_term two[] = { cop_int(2) };
        const cop_term one[] = { cop_int(1), cop_list_of(two, 1) };
        cop_term odd = { .type = COP_TERM_CONS, .count = 2, .as.items = one };
        ck_assert(cop_term_equal(odd, COP_LIST(cop_int(1), cop_int(2))));
        cop_term single = { .type = COP_TERM_CONS, .count = 1, .as.items = two };
        cop_term wrapped[] = { cop_int(7), single };
        cop_term tail = cop_cons_of(wrapped, 2);
        ck_assert_int_ne(cop_term_compare(tail, COP_LIST(cop_int(7))), 0);
}

TEST(a_byte_of_a_text_that_is_no_character_counts_above_all_that_are)
{
        cop_term odd = { .type = COP_TERM_TEXT, .count = 3, .as.text = "a\xff" "b" };
        ck_assert_int_eq(cop_term_compare(COP_LIST(cop_int('a'), cop_int(0x1100fe)), odd), -1);
        ck_assert_int_eq(cop_term_compare(COP_LIST(cop_int('a'), cop_int(0x1100ff), cop_int('c')), odd), 1);
        ck_assert_int_gt(cop_term_compare(odd, cop_string("a\xf4\x8f\xbf\xbf")), 0);
}

TEST(the_order_is_total_antisymmetric_and_transitive)
{
        int rounds = suite_is_slow() ? 4000 : 40000;
        for (uint64_t seed = 1; seed <= (uint64_t)rounds; seed++) {
                struct random_terms random = { .state = seed };
                unsigned depth = random_below(&random, 4);
                cop_term a = random_term(&random, depth);
                cop_term b = random_term(&random, depth);
                cop_term c = random_term(&random, depth);
                for (int exact = 0; exact < 2; exact++) {
                        int (*compare)(cop_term, cop_term) =
                                exact ? cop__term_compare_exactly : cop_term_compare;
                        int ab = sign(compare(a, b)), bc = sign(compare(b, c)),
                            ac = sign(compare(a, c));
                        ck_assert_msg(compare(a, a) == 0, "seed %lu", seed);
                        ck_assert_msg(ab == -sign(compare(b, a)), "seed %lu", seed);
                        ck_assert_msg(!(ab <= 0 && bc <= 0) || ac <= 0, "seed %lu", seed);
                        ck_assert_msg(!(ab >= 0 && bc >= 0) || ac >= 0, "seed %lu", seed);
                        ck_assert_msg(!(ab == 0 && bc == 0) || ac == 0, "seed %lu", seed);
                }
                ck_assert_msg(cop_term_compare(a, b) == 0 || cop__term_compare_exactly(a, b) != 0,
                              "seed %lu", seed);
                ck_assert_msg(cop_term_equal(a, b) == (cop__term_compare_exactly(a, b) == 0),
                              "seed %lu", seed);
                random_terms_fini(&random);
        }
}

TEST(terms_too_deep_to_look_into_are_told_apart_by_place)
{
        static cop_term left[1000], right[1000];
        cop_term a = nested(left, 1000);
        cop_term b = nested(right, 1000);
        ck_assert(cop_term_equal(a, a));
        ck_assert(!cop_term_equal(a, b));
        ck_assert_int_eq(sign(cop_term_compare(a, b)), -sign(cop_term_compare(b, a)));
        const cop_term two[] = { cop_int(1), cop_int(2) }; /* the one with fewer items is less */
        a = nested_around(cop_list_of(two, 2), left, DEEPEST);
        b = nested_around(cop_list_of(two, 1), right, DEEPEST);
        ck_assert_int_gt(cop_term_compare(a, b), 0);
        ck_assert(cop_term_equal(nested(left, DEEPEST), nested(right, DEEPEST)));
        ck_assert(!cop_term_equal(nested(left, DEEPEST + 1), nested(right, DEEPEST + 1)));
}

TEST(a_text_in_the_deepest_place_is_still_looked_into)
{
        char word[] = "word";
        cop_term left[DEEPEST], right[DEEPEST];
        cop_term a = cop_string("word"), b = cop_string(word);
        for (size_t i = 0; i < DEEPEST; i++) {
                left[i] = a;
                a = cop_list_of(&left[i], 1);
                right[i] = b;
                b = cop_list_of(&right[i], 1);
        }
        ck_assert(cop_term_equal(a, b));
        word[0] = 'x';
        ck_assert_int_lt(cop_term_compare(a, b), 0);
        right[0] = COP_LIST(cop_int('w'));
        ck_assert_int_lt(cop_term_compare(a, b), 0);
        right[0] = cop_nil();
        ck_assert_int_gt(cop_term_compare(a, b), 0);
}

/* --- matching ------------------------------------------------------------- */

TEST(a_pattern_without_names_matches_what_is_equal)
{
        cop_term value = COP_TUPLE(cop_atom("bill"), cop_int(900), cop_string("x"));
        ck_assert(cop_term_match(value, value, NULL));
        ck_assert(!cop_term_match(COP_TUPLE(cop_atom("bill"), cop_float(900), cop_string("x")),
                                  value, NULL));
        ck_assert(!cop_term_match(COP_TUPLE(cop_atom("bill"), cop_int(900)), value, NULL));
        ck_assert(!cop_term_match(cop_atom("bill"), value, NULL));
        ck_assert(!cop_term_match(value, cop_atom("bill"), NULL));
}

TEST(names_take_what_they_stand_for)
{
        cop_term bound[10];
        for (size_t i = 0; i < 10; i++)
                bound[i] = cop_atom("untouched");
        cop_term value =
                COP_TUPLE(cop_atom("EXIT"), cop_pid_term((cop_pid){ 7 }), COP_LIST(cop_int(1)));
        cop_term pattern = COP_TUPLE(cop_atom("_"), cop_atom("$3"), cop_atom("$0"));
        ck_assert(cop_term_match(pattern, value, bound));
        ck_assert(cop_term_equal(bound[3], cop_pid_term((cop_pid){ 7 })));
        ck_assert(cop_term_equal(bound[0], COP_LIST(cop_int(1))));
        ck_assert(cop_is_atom(bound[1], "untouched"));
}

TEST(a_failed_match_binds_nothing)
{
        cop_term bound[10] = { [1] = cop_atom("untouched") };
        cop_term pattern = COP_TUPLE(cop_atom("$1"), cop_atom("other"));
        ck_assert(!cop_term_match(pattern, COP_TUPLE(cop_int(1), cop_int(2)), bound));
        ck_assert(cop_is_atom(bound[1], "untouched"));
}

TEST(a_name_stands_for_the_same_at_each_place)
{
        cop_term pattern = COP_TUPLE(cop_atom("$who"), COP_LIST(cop_atom("$who")));
        ck_assert(cop_term_match(pattern, COP_TUPLE(cop_int(1), COP_LIST(cop_int(1))), NULL));
        ck_assert(!cop_term_match(pattern, COP_TUPLE(cop_int(1), COP_LIST(cop_int(2))), NULL));
        ck_assert(!cop_term_match(pattern, COP_TUPLE(cop_int(1), COP_LIST(cop_float(1))), NULL));
        cop_term anything = COP_TUPLE(cop_atom("_"), cop_atom("_"));
        ck_assert(cop_term_match(anything, COP_TUPLE(cop_int(1), cop_int(2)), NULL));
}

TEST(the_tail_of_a_pattern_takes_the_rest_of_a_list)
{
        cop_term bound[10];
        const cop_term head_tail[] = { cop_atom("$1"), cop_atom("$2") };
        cop_term pattern = cop_cons_of(head_tail, 2);
        ck_assert(cop_term_match(pattern, COP_LIST(cop_int(1), cop_int(2), cop_int(3)), bound));
        ck_assert(cop_term_equal(bound[1], cop_int(1)));
        ck_assert(cop_term_equal(bound[2], COP_LIST(cop_int(2), cop_int(3))));
        ck_assert(cop_term_match(pattern, COP_LIST(cop_int(1)), bound));
        ck_assert(cop_term_equal(bound[2], cop_nil()));
        ck_assert(cop_term_match(pattern, cop_string("hi"), bound));
        ck_assert(cop_term_equal(bound[1], cop_int('h')));
        ck_assert(cop_term_equal(bound[2], cop_string("i")));
        const cop_term improper[] = { cop_int(1), cop_int(2), cop_int(3) };
        ck_assert(cop_term_match(pattern, cop_cons_of(improper, 3), bound));
        ck_assert(cop_term_equal(bound[2], cop_cons_of(improper + 1, 2)));
        ck_assert(!cop_term_match(pattern, cop_nil(), bound));
        ck_assert(!cop_term_match(pattern, cop_string(""), bound));
}

TEST(a_text_and_the_list_of_its_characters_match_each_other)
{
        cop_term list = COP_LIST(cop_int('h'), cop_int(0xe9));
        cop_term text = cop_string("h\xc3\xa9");
        ck_assert(cop_term_match(text, list, NULL));
        ck_assert(cop_term_match(list, text, NULL));
        ck_assert(cop_term_match(COP_LIST(cop_atom("_"), cop_atom("_")), text, NULL));
        ck_assert(!cop_term_match(COP_LIST(cop_atom("_")), text, NULL));
        ck_assert(cop_term_match(cop_nil(), cop_string(""), NULL));
        ck_assert(!cop_term_match(text, cop_binary("h\xc3\xa9", 3), NULL));
}

TEST(a_pattern_map_matches_a_map_that_has_its_keys)
{
        cop_term bound[10];
        cop_term value = COP_MAP(cop_atom("a"), cop_int(1), cop_atom("b"), cop_int(2), cop_int(1),
                                 cop_int(3));
        ck_assert(cop_term_match(COP_MAP(cop_atom("b"), cop_atom("$1")), value, bound));
        ck_assert(cop_term_equal(bound[1], cop_int(2)));
        ck_assert(cop_term_match(cop_map_of(NULL, 0), value, NULL));
        ck_assert(!cop_term_match(COP_MAP(cop_atom("c"), cop_atom("_")), value, NULL));
        ck_assert(!cop_term_match(COP_MAP(cop_atom("b"), cop_int(3)), value, NULL));
        ck_assert(!cop_term_match(COP_MAP(cop_float(1.0), cop_atom("_")), value, NULL));
        ck_assert(!cop_term_match(value, COP_MAP(cop_atom("a"), cop_int(1)), NULL));
}

TEST(a_pattern_has_a_limit_of_different_names)
{
        char names[COP_MATCH_NAMES_MAX + 1][16];
        cop_term pattern[COP_MATCH_NAMES_MAX + 1], value[COP_MATCH_NAMES_MAX + 1];
        for (int i = 0; i <= COP_MATCH_NAMES_MAX; i++) {
                snprintf(names[i], sizeof names[i], "$n%d", i);
                pattern[i] = cop_atom(names[i]);
                value[i] = cop_int(i);
        }
        ck_assert(cop_term_match(cop_tuple_of(pattern, COP_MATCH_NAMES_MAX),
                                 cop_tuple_of(value, COP_MATCH_NAMES_MAX), NULL));
        ck_assert(!cop_term_match(cop_tuple_of(pattern, COP_MATCH_NAMES_MAX + 1),
                                  cop_tuple_of(value, COP_MATCH_NAMES_MAX + 1), NULL));
}

TEST(a_pattern_too_deep_matches_nothing)
{
        static cop_term boxes[1000];
        cop_term deep = nested(boxes, 1000);
        ck_assert(!cop_term_match(deep, deep, NULL));
        ck_assert(cop_term_match(cop_atom("_"), deep, NULL));
        deep = nested(boxes, DEEPEST);
        ck_assert(cop_term_match(deep, deep, NULL));
}

TEST(every_term_without_names_matches_itself)
{
        for (uint64_t seed = 1; seed <= 5000; seed++) {
                struct random_terms random = { .state = seed };
                cop_term term = random_term(&random, 3);
                ck_assert_msg(cop_term_match(term, term, NULL), "seed %lu", seed);
                random_terms_fini(&random);
        }
}

/* --- copies --------------------------------------------------------------- */

TEST(a_copy_shares_nothing_with_what_it_was_made_of)
{
        char text[] = "text", name[] = "name";
        cop_term items[] = { cop_atom(name), cop_string(text), cop_nil() };
        cop_term copy;
        ck_assert_int_eq(cop_term_copy(cop_tuple_of(items, 3), &copy), COP_OK);
        text[0] = name[0] = 'X';
        items[2] = cop_int(1);
        ck_assert(cop_term_equal(copy, COP_TUPLE(cop_atom("name"), cop_string("text"), cop_nil())));
        cop_term_free(copy);
}

TEST(every_copy_is_equal_and_ends_with_free)
{
        for (uint64_t seed = 1; seed <= 5000; seed++) {
                struct random_terms random = { .state = seed };
                cop_term term = random_term(&random, 4);
                cop_term copy;
                ck_assert_int_eq(cop_term_copy(term, &copy), COP_OK);
                random_terms_fini(&random);
                random = (struct random_terms){ .state = seed };
                ck_assert_msg(cop_term_equal(copy, random_term(&random, 4)), "seed %lu", seed);
                random_terms_fini(&random);
                cop_term_free(copy);
        }
}

TEST(the_empty_ones_are_copied_without_memory)
{
        const cop_term empty[] = {
                cop_nil(),           cop_int(1),          cop_atom(""),
                cop_string(""),      cop_binary(NULL, 0), cop_tuple_of(NULL, 0),
                cop_map_of(NULL, 0),
        };
        for (size_t i = 0; i < COP__COUNT(empty); i++) {
                cop_term copy;
                fail_malloc_after(1);
                cop_status status = cop_term_copy(empty[i], &copy);
                ck_assert(!stop_failing_malloc());
                ck_assert_int_eq(status, COP_OK);
                ck_assert(cop_term_equal(copy, empty[i]));
                cop_term_free(copy);
        }
}

TEST(a_term_too_deep_is_not_copied)
{
        static cop_term boxes[100000];
        cop_term copy = cop_atom("untouched");
        size_t size = 42;
        ck_assert_int_eq(cop_term_copy(nested(boxes, 100000), &copy), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_term_copy(nested(boxes, DEEPEST + 1), &copy), COP_E_TOO_DEEP);
        ck_assert(cop_is_atom(copy, "untouched"));
        ck_assert_int_eq(cop__term_flat_size(nested(boxes, DEEPEST + 1), &size), COP_E_TOO_DEEP);
        ck_assert_uint_eq(size, 42);
        ck_assert_ptr_null(cop__shared_term_new(nested(boxes, DEEPEST + 1)));
        ck_assert_int_eq(cop_term_copy(nested(boxes, DEEPEST), &copy), COP_OK);
        ck_assert(cop_term_equal(copy, nested(boxes, DEEPEST)));
        cop_term_free(copy);
}

TEST(an_empty_container_counts_as_a_level)
{
        static cop_term boxes[DEEPEST];
        cop_term deep = nested(boxes, DEEPEST);
        size_t size;
        boxes[0] = cop_nil();
        ck_assert_int_eq(cop__term_flat_size(deep, &size), COP_OK);
        boxes[0] = cop_tuple_of(NULL, 0);
        ck_assert_int_eq(cop__term_flat_size(deep, &size), COP_E_TOO_DEEP);
}

TEST(a_copy_without_memory_fails_and_leaves_the_result_alone)
{
        if (!failing_malloc_can())
                return;
        cop_term copy = cop_atom("untouched");
        fail_malloc_after(1);
        cop_status status = cop_term_copy(COP_TUPLE(cop_int(1)), &copy);
        struct cop__shared_term *shared = cop__shared_term_new(cop_int(1));
        stop_failing_malloc();
        ck_assert_int_eq(status, COP_E_NO_MEMORY);
        ck_assert(cop_is_atom(copy, "untouched"));
        ck_assert_ptr_null(shared);
}

TEST(a_flattened_term_takes_exactly_its_flat_size)
{
        for (uint64_t seed = 1; seed <= 3000; seed++) {
                struct random_terms random = { .state = seed };
                cop_term term = random_term(&random, 4);
                size_t size;
                ck_assert_int_eq(cop__term_flat_size(term, &size), COP_OK);
                ck_assert_uint_eq(size % 8, 0);
                char *block = malloc(size + 16);
                memset(block, '#', size + 16);
                char *at = block + 8;
                cop_term flat = cop__term_flatten(term, &at);
                ck_assert_msg(at == block + 8 + size, "seed %lu", seed);
                for (size_t i = 0; i < 8; i++)
                        ck_assert(block[i] == '#' && block[8 + size + i] == '#');
                ck_assert_msg(cop_term_equal(flat, term), "seed %lu", seed);
                free(block);
                random_terms_fini(&random);
        }
}

/* --- parts that stand in many places --------------------------------------- */

#define LARGE ((size_t)1 << 20) /* a thousand of it fill a message, so that there is an end soon */

/* {t, t} around t, and so on: twice the items with each level. `pairs` has two for each. */
static cop_term doubled(cop_term term, cop_term *pairs, size_t levels)
{
        for (size_t i = 0; i < levels; i++) {
                pairs[2 * i] = pairs[2 * i + 1] = term;
                term = i % 2 ? cop_list_of(&pairs[2 * i], 2) : cop_tuple_of(&pairs[2 * i], 2);
        }
        return term;
}

TEST(a_term_that_doubles_with_each_level_is_too_big)
{
        static cop_term pairs[2 * DEEPEST];
        static char large[LARGE];
        cop_term term = doubled(cop_binary(large, LARGE), pairs, DEEPEST - 2), copy = cop_atom("untouched");
        struct cop__shared_term *shared;
        size_t size = 42;
        uint64_t hash = 42;
        uint8_t *bytes;
        ck_assert_int_eq(cop_term_copy(term, &copy), COP_E_TOO_BIG);
        ck_assert(cop_is_atom(copy, "untouched"));
        ck_assert_int_eq(cop__shared_term_make(term, &shared), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_term_encode(term, &bytes, &size), COP_E_TOO_BIG);
        ck_assert_int_eq(cop__term_hash(term, &hash), COP_E_TOO_BIG);
        ck_assert(size == 42 && hash == 42);
        ck_assert(cop_is_atom(cop__term_inside(term, 2), "too_big"));
        ck_assert(cop_is_atom(cop__term_inside(cop_binary("", COP_MESSAGE_SIZE_MAX + 1), 2), "too_big"));
        ck_assert_int_eq(cop_term_copy(cop_binary("", COP_MESSAGE_SIZE_MAX + 1), &copy), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_term_copy(doubled(cop_atom("leaf"), pairs, 16), &copy), COP_OK);
        ck_assert(cop_term_equal(copy, doubled(cop_atom("leaf"), pairs, 16)));
        cop_term_free(copy);
}

/* What stands where no more is looked into is another one unless it is in the same memory. */
TEST(terms_that_double_with_each_level_are_compared_and_matched_in_the_end)
{
        static cop_term some[2 * DEEPEST], others[2 * DEEPEST];
        static char large[LARGE], as_large[LARGE];
        cop_term left = doubled(cop_binary(large, LARGE), some, DEEPEST - 2);
        cop_term right = doubled(cop_binary(as_large, LARGE), others, DEEPEST - 2);
        ck_assert(cop_term_equal(left, left));
        ck_assert(!cop_term_equal(left, right));
        ck_assert_int_eq(sign(cop_term_compare(left, right)), -sign(cop_term_compare(right, left)));
        ck_assert(!cop_term_match(left, right, NULL));
        cop_term map = COP_MAP(left, cop_int(1));
        ck_assert_int_eq(cop_map_get(map, left)->as.integer, 1);
}

/* Some four million atoms of as many letters as one may have. */
TEST_WITHIN(a_term_that_doubles_with_each_level_is_printed_as_far_as_a_message_would_hold_it, 120)
{
        if (suite_is_slow())
                return;
        static cop_term pairs[2 * DEEPEST];
        char text[100], name[256];
        memset(name, 'x', 255);
        name[255] = '\0';
        cop_term term = doubled(cop_atom(name), pairs, DEEPEST - 2);
        size_t size = cop_term_print(term, NULL, text, sizeof text);
        ck_assert_uint_gt(size, COP_MESSAGE_SIZE_MAX / 2);
        ck_assert_uint_lt(size, 2 * COP_MESSAGE_SIZE_MAX);
        ck_assert_ptr_nonnull(strstr(text, "[{xxx"));
}

/* --- shared --------------------------------------------------------------- */

#define SHARING_ROUNDS 20000

static void *take_and_drop(void *argument)
{
        struct cop__shared_term *shared = argument;
        for (int i = 0; i < SHARING_ROUNDS; i++) {
                cop__shared_term_take(shared);
                if (!cop_is_tuple(shared->term, "shutdown", 2))
                        return "changed";
                cop__shared_term_drop(shared);
        }
        cop__shared_term_drop(shared);
        return NULL;
}

TEST(a_shared_term_lives_until_its_last_holder_drops_it)
{
        struct cop__shared_term *shared =
                cop__shared_term_new(COP_TUPLE(cop_atom("shutdown"), cop_string("why")));
        ck_assert_ptr_nonnull(shared);
        pthread_t threads[3];
        for (size_t i = 0; i < COP__COUNT(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_drop,
                                                cop__shared_term_take(shared)),
                                 0);
        for (size_t i = 0; i < COP__COUNT(threads); i++) {
                void *complaint;
                pthread_join(threads[i], &complaint);
                ck_assert_ptr_null(complaint);
        }
        ck_assert_uint_eq(shared->holders, 1);
        cop__shared_term_drop(shared);
        ck_assert_ptr_null(cop__shared_term_take(NULL));
        cop__shared_term_drop(NULL);
}
