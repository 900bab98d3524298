/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Kinds and terms: a value becomes its tuple, and a tuple a value if each field fits.
 */
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "mailbox/kind_read.h"
#include "tests/failing_malloc.h"
#include "tests/kinds.h"

static void drop(const cop_kind *kind, void *block)
{
        cop__flat_drop(kind, block);
        free(block);
}

static cop_kinds *test_kinds(void)
{
        return cop__kinds_new(COP__KINDS_FIRST, COP__KINDS_LAST);
}

static cop_term parse(const char *text)
{
        cop_kinds *kinds = test_kinds();
        cop_term term;
        cop_parse_error error;
        cop_status status = cop_term_parse(text, strlen(text), kinds, &term, &error);
        ck_assert_msg(status == COP_OK, "%s: %s", text, error.text);
        cop__kinds_free(kinds);
        return term;
}

static void check_term(const cop_kind *kind, const void *value, const char *expected)
{
        cop_term term, wanted = parse(expected);
        char shown[600];
        ck_assert_int_eq(cop__kind_to_term(kind, value, &term), COP_OK);
        cop_term_print(term, NULL, shown, sizeof shown);
        ck_assert_msg(cop_term_equal(term, wanted), "got %s, expected %s", shown, expected);
        cop_term_free(term);
        cop_term_free(wanted);
}

static void *from_text(const cop_kind *kind, const char *text)
{
        cop_term term = parse(text);
        cop_parse_error error;
        void *value;
        cop_status status = cop__kind_from_term(kind, term, &value, &error);
        ck_assert_msg(status == COP_OK, "%s: %s", text, error.text);
        cop_term_free(term);
        return value;
}

static everything some_of_everything(void)
{
        static const int64_t scores[] = { 3, -1 };
        static const double samples[] = { 0.5 };
        static const cop_pid members[] = { { 0x0000000500000001 } };
        static const cop_text lines[] = { COP_TEXT("one"), COP_TEXT("") };
        static cop_term terms[2];
        terms[0] = cop_atom("x");
        terms[1] = cop_int(1);
        return (everything){
                .tiny = -128, .small = -32768, .middle = INT32_MIN, .large = INT64_MIN,
                .longest = 5, .byte = 255, .port = 65535, .mask = UINT32_MAX, .key = UINT64_MAX,
                .longest_key = 6, .paint = BLUE, .ratio = 0.5f, .exact = 0.1, .yes = true,
                .letter = 'a', .pid = { 0x0000000700000002 }, .ref = { 9 },
                .symbol = COP_SYMBOL("ok"), .text = COP_TEXT("na\xc3\xafve"),
                .bytes = cop_bytes_of("\0\xff", 2), .term = cop_tuple_of(terms, 2),
                .name = "Ada", .hash = { 1, 2, 3, 4 }, .weights = { 1, 2, 3 },
                .flags = { true, false }, .pair = { { 0x0000000100000001 }, { 0 } },
                .tags = { COP_SYMBOL("a"), COP_SYMBOL("B c") },
                .titles = { COP_TEXT("t"), COP_TEXT("") }, .scores = { scores, 2 },
                .samples = { samples, 1 }, .members = { members, 1 }, .lines = { lines, 2 },
                .terms = { terms, 2 }, .at = { 1, 2 },
        };
}

static const char everything_text[] =
        "{everything, -128, -32768, -2147483648, -9223372036854775808, 5, 255, 65535, 4294967295,"
        " 18446744073709551615, 6, 2, 0.5, 0.1, true, 97, <0.7.2>, #Ref<0.9>, ok,"
        " \"na\xc3\xafve\", <<0, 255>>, {x, 1}, \"Ada\", [1, 2, 3, 4], [1.0, 2.0, 3.0],"
        " [true, false], [<0.1.1>, <0.0.0>], [a, 'B c'], [\"t\", \"\"], [3, -1], [0.5],"
        " [<0.5.1>], [\"one\", \"\"], [x, 1], {point, 1.0, 2.0}, {tick}}";

TEST(a_value_becomes_the_tuple_of_its_name_and_fields)
{
        bill split = { 900, 3 };
        check_term(COP_KIND_OF(bill), &split, "{bill, 900, 3}");
        check_term(COP_KIND_OF(tick), &(tick){}, "{tick}");
        line drawn = { { 0, 0 }, { 3, 4 }, 7 };
        check_term(COP_KIND_OF(line), &drawn, "{line, {point, 0.0, 0.0}, {point, 3.0, 4.0}, 7}");
        drawing two = { .lines = { &drawn, 1 } };
        check_term(COP_KIND_OF(drawing), &two,
                   "{drawing, [{line, {point, 0.0, 0.0}, {point, 3.0, 4.0}, 7}],"
                   " [{point, 0.0, 0.0}, {point, 0.0, 0.0}]}");
        everything all = some_of_everything();
        check_term(COP_KIND_OF(everything), &all, everything_text);
}

TEST(a_tuple_becomes_the_value_that_it_was_made_of)
{
        bill *split = from_text(COP_KIND_OF(bill), "{bill, 900, 3}");
        ck_assert_int_eq(split->pence, 900);
        ck_assert_int_eq(split->people, 3);
        free(split);
        free(from_text(COP_KIND_OF(tick), "{tick}"));
        everything *all = from_text(COP_KIND_OF(everything), everything_text);
        check_term(COP_KIND_OF(everything), all, everything_text);
        ck_assert_str_eq(all->name, "Ada");
        drop(COP_KIND_OF(everything), all);
        photo *shared = from_text(COP_KIND_OF(photo), "{photo, \"\", <<1, 2>>}");
        ck_assert_uint_eq(shared->pixels.size, 2);
        drop(COP_KIND_OF(photo), shared);
}

TEST(a_record_that_leaves_fields_out_is_zero_there)
{
        everything *all = from_text(COP_KIND_OF(everything), "#everything{tiny = 1}");
        everything zero = { .tiny = 1 };
        cop_term term, wanted;
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(everything), all, &term), COP_OK);
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(everything), &zero, &wanted), COP_OK);
        ck_assert(cop_term_equal(term, wanted));
        cop_term_free(term);
        cop_term_free(wanted);
        drop(COP_KIND_OF(everything), all);
        line *drawn = from_text(COP_KIND_OF(line), "#line{width = 3, to = #point{x = 2}}");
        ck_assert_int_eq(drawn->width, 3);
        ck_assert_double_eq(drawn->to.x, 2);
        ck_assert_double_eq(drawn->from.x, 0);
        free(drawn);
}

static void check_refused(const cop_kind *kind, const char *text, const char *sentence)
{
        cop_term term = parse(text);
        cop_parse_error error = { .offset = 5 };
        void *value = &error;
        ck_assert_int_eq(cop__kind_from_term(kind, term, &value, &error), COP_E_MALFORMED);
        ck_assert_str_eq(error.text, sentence);
        ck_assert_uint_eq(error.offset, 0);
        ck_assert_ptr_eq(value, &error);
        ck_assert_int_eq(cop__kind_from_term(kind, term, &value, NULL), COP_E_MALFORMED);
        cop_term_free(term);
}

TEST(an_atom_too_long_for_its_field_is_told)
{
        char text[300];
        memset(text, 'a', sizeof(text));
        cop_term term[] = { cop_atom("stamp"), { .type = COP_TERM_ATOM, .count = sizeof(text), .as.text = text } };
        cop_parse_error error;
        void *value;
        ck_assert_int_eq(cop__kind_from_term(COP_KIND_OF(stamp), cop_tuple_of(term, 2), &value, &error), COP_E_MALFORMED);
        ck_assert_int_eq(strncmp(error.text, "mark of stamp: expected an atom of at most 255 bytes, found aaa", 63), 0);
}

/* What another node says of a kind of ours. COP_OK: the name of its photo is then the one given. */
static cop_status read_from_erlang(cop_term name, size_t memory_max, const char *wanted, cop_parse_error *error)
{
        void *value;
        cop_term term = COP_TUPLE(cop_atom("photo"), name, cop_binary("", 0));
        cop_status status = cop__kind_read(COP_KIND_OF(photo), term, COP__FROM_ERLANG, memory_max, &value, error);
        if (status != COP_OK)
                return status;
        cop_text is = ((photo *)value)->name;
        ck_assert_uint_eq(is.size, strlen(wanted));
        ck_assert_int_eq(memcmp(is.data, wanted, is.size), 0);
        drop(COP_KIND_OF(photo), value);
        return COP_OK;
}

TEST(a_list_from_erlang_is_a_text_if_each_item_is_a_character)
{
        cop_parse_error error;
        const size_t enough = 4096;
        ck_assert_int_eq(read_from_erlang(COP_LIST(cop_int(0x20ac), cop_int('A')), enough, "\xe2\x82\xac" "A", &error), COP_OK);
        const cop_term none[] = { cop_atom("x"),       cop_int(-1),          cop_int(0xd800),
                                  cop_int(0x110000), cop_int(0x100000041), cop_float(65) };
        for (size_t i = 0; i < COP__COUNT(none); i++) {
                ck_assert_int_eq(read_from_erlang(COP_LIST(cop_int('A'), none[i]), enough, NULL, &error), COP_E_MALFORMED);
                ck_assert_ptr_nonnull(strstr(error.text, "of photo: expected a text, found ["));
        }
        ck_assert_int_eq(read_from_erlang(COP_LIST(cop_int('A')), 0, NULL, &error), COP_E_TOO_BIG);
}

TEST(what_does_not_fit_a_field_is_told_by_name)
{
        const cop_kind *kind = COP_KIND_OF(bill);
        check_refused(kind, "{bill, \"x\", 3}",
                      "pence of bill: expected an integer of 64 bits, found \"x\"");
        check_refused(kind, "{bill, 1, 9223372036854775808}",
                      "people of bill: expected an integer of 64 bits, found 9223372036854775808");
        check_refused(kind, "{bill, 1.0, 3}",
                      "pence of bill: expected an integer of 64 bits, found 1.0");
        check_refused(kind, "{bill, 1}", "expected {bill, pence, people}, found {bill, 1}");
        check_refused(kind, "{bull, 1, 2}", "expected {bill, pence, people}, found {bull, 1, 2}");
        check_refused(kind, "[bill, 1, 2]", "expected {bill, pence, people}, found [bill, 1, 2]");
        check_refused(kind, "[]", "expected {bill, pence, people}, found []");
        check_refused(COP_KIND_OF(line), "{line, {point, a, 1.0}, [], 1}",
                      "x of point: expected a float of 64 bits, found a");
        check_refused(COP_KIND_OF(line), "{line, [], nowhere, 1}",
                      "to of line: expected a point, which is a tuple of 3, found nowhere");
        check_refused(COP_KIND_OF(drawing), "{drawing, [[], {line, [], [], 1}, 5], []}",
                      "item 3 of lines of drawing: expected a line, which is a tuple of 4, "
                      "found 5");
        check_refused(COP_KIND_OF(drawing), "{drawing, 5, []}",
                      "lines of drawing: expected a list, found 5");
        check_refused(COP_KIND_OF(drawing), "{drawing, [], [[]]}",
                      "box of drawing: expected a list of 2 items, found [[]]");
}

/* One field of everything set to what is written. */
static void check_one(const char *field, const char *text, const char *expected)
{
        char record[200], sentence[200];
        snprintf(record, sizeof record, "#everything{%s = %s}", field, text);
        if (!expected) {
                drop(COP_KIND_OF(everything), from_text(COP_KIND_OF(everything), record));
                return;
        }
        snprintf(sentence, sizeof sentence, "%s of everything: expected %s, found %s", field,
                 expected, text);
        check_refused(COP_KIND_OF(everything), record, sentence);
}

TEST(each_type_takes_its_range_and_nothing_else)
{
        check_one("tiny", "-128", NULL);
        check_one("tiny", "-129", "an integer of 8 bits");
        check_one("tiny", "128", "an integer of 8 bits");
        check_one("small", "32767", NULL);
        check_one("small", "32768", "an integer of 16 bits");
        check_one("middle", "-2147483649", "an integer of 32 bits");
        check_one("byte", "255", NULL);
        check_one("byte", "256", "a natural number of 8 bits");
        check_one("byte", "-1", "a natural number of 8 bits");
        check_one("port", "65536", "a natural number of 16 bits");
        check_one("mask", "4294967296", "a natural number of 32 bits");
        check_one("key", "18446744073709551615", NULL);
        check_one("key", "-1", "a natural number of 64 bits");
        check_one("key", "a", "a natural number of 64 bits");
        check_one("exact", "9007199254740992", NULL);
        check_one("exact", "9007199254740993", "a float of 64 bits");
        check_one("exact", "nan", NULL);
        check_one("exact", "none", "a float of 64 bits");
        check_one("ratio", "3.0e38", NULL);
        check_one("ratio", "4.0e38", "a float of 32 bits");
        check_one("ratio", "16777217", "a float of 32 bits");
        check_one("yes", "false", NULL);
        check_one("yes", "1", "true or false");
        check_one("pid", "#Ref<0.1>", "a pid");
        check_one("ref", "<0.1.1>", "a reference");
        check_one("symbol", "\"ok\"", "an atom");
        check_one("text", "ok", "a text");
        check_one("text", "<<\"ok\">>", NULL);
        check_one("text", "<<255>>", "a text");
        check_one("bytes", "\"ok\"", "a binary");
        check_one("name", "\"twelve bytes\"", NULL);
        check_one("name", "\"thirteen byte\"", "a text of at most 12 bytes without a NUL");
        check_one("name", "5", "a text of at most 12 bytes without a NUL");
        check_one("hash", "[1, 2, 3]", "a list of 4 items");
        check_one("hash", "[]", NULL);
        check_one("term", "{any, [thing | 1.5]}", NULL);
}

TEST(floats_that_are_not_finite_become_atoms_and_come_back)
{
        point odd = { (double)NAN, -(double)INFINITY };
        check_term(COP_KIND_OF(point), &odd, "{point, nan, '-infinity'}");
        point *back = from_text(COP_KIND_OF(point), "{point, nan, '-infinity'}");
        ck_assert(isnan(back->x));
        ck_assert(isinf(back->y) && back->y < 0);
        free(back);
        odd.x = (double)INFINITY;
        check_term(COP_KIND_OF(point), &odd, "{point, infinity, '-infinity'}");
        back = from_text(COP_KIND_OF(point), "{point, infinity, 1.5}");
        ck_assert(isinf(back->x) && back->x > 0);
        free(back);
}

TEST(a_text_that_is_no_utf8_is_shown_as_bytes)
{
        photo odd = { .name = { 1, "\xff" }, .pixels = cop_bytes_of("", 0) };
        check_term(COP_KIND_OF(photo), &odd, "{photo, <<255>>, <<>>}");
}

TEST(a_long_term_in_an_error_is_cut_and_the_error_ends_within_its_text)
{
        char text[3000] = "{bill, \"";
        memset(text + 8, 'y', 2900);
        strcpy(text + 2908, "\", 1}");
        cop_term term = parse(text);
        cop_parse_error error;
        void *value;
        ck_assert_int_eq(cop__kind_from_term(COP_KIND_OF(bill), term, &value, &error),
                         COP_E_MALFORMED);
        ck_assert_uint_lt(strlen(error.text), sizeof error.text);
        ck_assert_str_eq(error.text + strlen(error.text) - 3, "...");
        cop_term_free(term);
}

TEST(items_without_a_size_are_still_counted)
{
        tick ticks[1];
        clock_run run = { .ticks = { ticks, 3 } };
        check_term(COP_KIND_OF(clock_run), &run, "{clock_run, [{tick}, {tick}, {tick}]}");
        clock_run *back = from_text(COP_KIND_OF(clock_run), "{clock_run, [{tick}, {tick}]}");
        ck_assert_uint_eq(back->ticks.count, 2);
        free(back);
        run.ticks.count = SIZE_MAX;
        cop_term term;
        uint8_t *bytes;
        size_t size;
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(clock_run), &run, &term), COP_E_TOO_BIG);
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(clock_run), &run, &bytes, &size),
                         COP_E_TOO_BIG);
}

TEST(values_too_deep_for_a_term_are_refused_both_ways)
{
        tree ring = { .branches = { &ring, 1 } };
        cop_term term;
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(tree), &ring, &term), COP_E_TOO_DEEP);
        cop_term levels[50][3];
        cop_term inner = cop_nil();
        for (size_t i = 0; i < COP__COUNT(levels); i++) {
                levels[i][0] = cop_atom("tree");
                levels[i][1] = cop_nil();
                levels[i][2] = inner;
                cop_term *list = malloc(sizeof *list);
                *list = cop_tuple_of(levels[i], 3);
                inner = cop_list_of(list, 1);
        }
        cop_parse_error error;
        void *value;
        ck_assert_int_eq(cop__kind_from_term(COP_KIND_OF(tree), inner.as.items[0], &value, &error),
                         COP_E_TOO_DEEP);
        ck_assert_str_eq(error.text, "tree: it is nested too deep");
        const cop_term planted[] = { cop_atom("garden"), inner.as.items[0] };
        ck_assert_int_eq(cop__kind_from_term(COP_KIND_OF(garden), cop_tuple_of(planted, 2), &value, &error), COP_E_TOO_DEEP);
        for (size_t i = COP__COUNT(levels); i-- > 0;) {
                free((void *)(uintptr_t)inner.as.items);
                inner = levels[i][2];
        }
}

TEST(terms_are_made_and_read_or_memory_is_short_and_nothing_is_kept)
{
        if (!failing_malloc_can())
                return;
        everything all = some_of_everything();
        static uint8_t many[600];
        all.bytes = cop_bytes_of(many, sizeof many);
        cop_term term;
        void *value;
        cop_parse_error error;
        long n = 0;
        do {
                fail_malloc_after(++n);
                cop_status status = cop__kind_to_term(COP_KIND_OF(everything), &all, &term);
                ck_assert_int_eq(status, stop_failing_malloc() ? COP_E_NO_MEMORY : COP_OK);
        } while (malloc_failures > 0);
        ck_assert_int_gt(n, 1);
        n = 0;
        do {
                fail_malloc_after(++n);
                cop_status status =
                        cop__kind_from_term(COP_KIND_OF(everything), term, &value, &error);
                ck_assert_int_eq(status, stop_failing_malloc() ? COP_E_NO_MEMORY : COP_OK);
        } while (malloc_failures > 0);
        ck_assert_int_gt(n, 2);
        drop(COP_KIND_OF(everything), value);
        cop_term_free(term);
}
