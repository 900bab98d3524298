/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The growing text and UTF-8. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tests/failing_malloc.h"
#include "tests/suite.h"

TEST(a_text_is_what_was_written_to_it)
{
        struct cop__text text;
        cop__text_init(&text);
        ck_assert_str_eq(cop__text_get(&text), "");
        cop__text_append_string(&text, "one");
        cop__text_append_char(&text, ' ');
        cop__text_printf(&text, "%d %s", 2, "three");
        cop__text_append(&text, "", 0);
        ck_assert_str_eq(cop__text_get(&text), "one 2 three");
        ck_assert_uint_eq(text.size, strlen("one 2 three"));
        cop__text_clear(&text);
        ck_assert_str_eq(cop__text_get(&text), "");
        cop__text_fini(&text);
}

TEST(a_text_grows_at_every_size)
{
        for (size_t piece = 1; piece < 200; piece += 7) {
                struct cop__text text;
                char bytes[200];
                memset(bytes, 'x', sizeof bytes);
                cop__text_init(&text);
                for (size_t i = 0; i < 50; i++) {
                        if (i % 2)
                                cop__text_append(&text, bytes, piece);
                        else
                                cop__text_printf(&text, "%.*s", (int)piece, bytes);
                        ck_assert_uint_eq(text.size, (i + 1) * piece);
                        ck_assert_uint_eq(strlen(cop__text_get(&text)), text.size);
                }
                ck_assert(!text.failed);
                cop__text_fini(&text);
        }
}

/* No bytes stand for this letter where LANG is C. */
TEST(a_text_that_cannot_be_printed_fails_and_one_of_fixed_room_goes_on)
{
        struct cop__text text;
        char room[16];
        cop__text_init(&text);
        cop__text_append_string(&text, "kept");
        cop__text_printf(&text, "%d%ls", 1, L"\x2603");
        ck_assert(text.failed);
        ck_assert_str_eq(cop__text_get(&text), "kept");
        cop__text_fini(&text);
        cop__text_init_fixed(&text, room, sizeof(room));
        cop__text_append_string(&text, "a");
        cop__text_printf(&text, "%d%ls", 1, L"\x2603");
        cop__text_append_string(&text, "b");
        ck_assert(!text.failed);
        ck_assert_str_eq(room, "ab");
}

TEST(a_text_without_memory_keeps_what_it_has_and_says_so)
{
        if (!failing_malloc_can())
                return;
        struct cop__text text;
        cop__text_init(&text);
        cop__text_append_string(&text, "kept");
        char large[500];
        memset(large, 'x', sizeof large);
        fail_malloc_after(1);
        cop__text_append(&text, large, sizeof large);
        stop_failing_malloc();
        ck_assert(text.failed);
        ck_assert_str_eq(cop__text_get(&text), "kept");
        cop__text_append_string(&text, "!");
        cop__text_printf(&text, "%d", 1);
        ck_assert_str_eq(cop__text_get(&text), "kept");
        ck_assert_ptr_null(cop__text_take(&text, NULL));
        cop__text_clear(&text);
        cop__text_append_string(&text, "again");
        ck_assert(!text.failed);
        ck_assert_str_eq(cop__text_get(&text), "again");
        cop__text_clear(&text);
        cop__text_append_string(&text, "kept");
        fail_malloc_after(1);
        cop__text_printf(&text, "%.*s", (int)sizeof large, large);
        stop_failing_malloc();
        ck_assert(text.failed);
        ck_assert_str_eq(cop__text_get(&text), "kept");
        cop__text_fini(&text);
}

TEST(an_impossible_size_fails_and_does_not_wrap)
{
        struct cop__text text;
        cop__text_init(&text);
        cop__text_append_string(&text, "kept");
        cop__text_append(&text, "x", SIZE_MAX - 2);
        ck_assert(text.failed);
        ck_assert_str_eq(cop__text_get(&text), "kept");
        cop__text_fini(&text);
}

TEST(a_taken_text_is_the_takers)
{
        struct cop__text text;
        cop__text_init(&text);
        size_t size = 1;
        char *empty = cop__text_take(&text, &size);
        ck_assert_str_eq(empty, "");
        ck_assert_uint_eq(size, 0);
        cop__text_append_string(&text, "mine");
        char *mine = cop__text_take(&text, &size);
        ck_assert_str_eq(mine, "mine");
        ck_assert_uint_eq(size, 4);
        ck_assert_str_eq(cop__text_get(&text), "");
        cop__text_fini(&text);
        free(mine);
        free(empty);
}

TEST(a_fixed_text_counts_what_does_not_fit_and_writes_within_its_room)
{
        for (size_t room = 0; room < 20; room++) {
                char bytes[32];
                memset(bytes, '#', sizeof bytes);
                struct cop__text text;
                cop__text_init_fixed(&text, bytes, room);
                cop__text_append_string(&text, "hello");
                cop__text_append_char(&text, ' ');
                cop__text_printf(&text, "%s", "world");
                ck_assert_uint_eq(text.size, 11);
                ck_assert(!text.failed);
                ck_assert_int_eq(bytes[room], '#');
                if (room > 0) {
                        size_t shown = room - 1 < 11 ? room - 1 : 11;
                        ck_assert_uint_eq(strlen(bytes), shown);
                        ck_assert_int_eq(memcmp(bytes, "hello world", shown), 0);
                }
                cop__text_end_cut(&text);
                ck_assert_int_eq(bytes[room], '#');
                if (room > 4 && room < 12)
                        ck_assert_str_eq(bytes + room - 4, "...");
        }
}

TEST(a_cut_text_ends_with_no_half_character)
{
        for (size_t room = 1; room < 24; room++) {
                char bytes[32];
                struct cop__text text;
                cop__text_init_fixed(&text, bytes, room);
                cop__text_append_string(&text,
                                        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac");
                cop__text_append_string(&text, "\xf0\x9f\x98\x80");
                cop__text_end_cut(&text);
                ck_assert_msg(cop__utf8_valid(bytes, strlen(bytes)), "room %zu: %s", room, bytes);
        }
}

TEST(quoted_text_shows_no_character_that_a_terminal_obeys)
{
        struct cop__text text;
        cop__text_init(&text);
        static const char hostile[] = "a\"'\\\x1b[2J\n\0\x7f\xc2\x85\xe2\x80\xae\xff\xc3\xa9";
        cop__text_append_quoted(&text, '"', hostile, sizeof hostile - 1);
        ck_assert_str_eq(cop__text_get(&text), "\"a\\\"'\\\\\\e[2J\\n\\x{0}\\d\\x{85}\\x{202e}"
                                               "\xef\xbf\xbd\xc3\xa9\"");
        static const uint32_t hidden[] = { 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x180e, 0x200b, 0x2028, 0x2066, 0x3164, 0xfe00,
                                           0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0xe0001, 0xe0100, 0xe01ef };
        for (size_t i = 0; i < COP__COUNT(hidden); i++) {
                char bytes[COP__UTF8_MAX], expected[16];
                cop__text_clear(&text);
                size_t size = cop__utf8_write(hidden[i], bytes);
                cop__text_append_quoted(&text, '"', bytes, size);
                snprintf(expected, sizeof expected, "\"\\x{%x}\"", (unsigned)hidden[i]);
                ck_assert_str_eq(cop__text_get(&text), expected);
                ck_assert(!cop__text_is_readable(bytes, size));
        }
        cop__text_fini(&text);
        ck_assert(cop__text_is_readable("tab\t line\n \xc3\xa9 \xe2\x82\xac", 17));
        ck_assert(!cop__text_is_readable("\x1b", 1));
        ck_assert(!cop__text_is_readable("\xff", 1));
}

static bool reads_as_written(uint32_t point)
{
        char bytes[COP__UTF8_MAX];
        uint32_t read = 1;
        size_t size = cop__utf8_write(point, bytes);
        bool exists = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        if (!exists)
                return size == 0;
        return size > 0 && cop__utf8_read(bytes, size, &read) == size && read == point &&
               cop__utf8_read(bytes, size - 1, &read) == 0;
}

TEST(every_code_point_is_read_as_it_was_written)
{
        for (uint32_t point = 0; point < 0x110400; point++)
                if (!reads_as_written(point))
                        ck_abort_msg("U+%04X", (unsigned)point);
}

TEST(overlong_forms_surrogates_and_broken_sequences_are_no_utf8)
{
        static const char *const wrong[] = {
                "\x80",
                "\xbf",
                "\xc0\x80",
                "\xc1\xbf",
                "\xc3",
                "\xc3(",
                "\xe0\x80\x80",
                "\xe0\x9f\xbf",
                "\xed\xa0\x80",
                "\xed\xbf\xbf",
                "\xe2\x82",
                "\xe2(\xac",
                "\xf0\x80\x80\x80",
                "\xf0\x8f\xbf\xbf",
                "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80",
                "\xf8\x88\x80\x80\x80",
                "\xff",
        };
        for (size_t i = 0; i < COP__COUNT(wrong); i++)
                ck_assert_msg(!cop__utf8_valid(wrong[i], strlen(wrong[i])), "number %zu", i);
        ck_assert(cop__utf8_valid("", 0));
        ck_assert(cop__utf8_valid("\xf4\x8f\xbf\xbf", 4));
}

/* What a terminal would act upon, or show as nothing, takes as many marks as it has bytes; the rest stays as it is. */
TEST(what_is_made_harmless_keeps_its_length_and_its_letters)
{
        char text[] = "a\033[1m\n\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa9z";
        cop__make_harmless(text, sizeof(text) - 1);
        ck_assert_str_eq(text, "a?[1m????????\xc3\xa9z");
        char small[8];
        struct cop__text fixed;
        cop__text_init_fixed(&fixed, small, sizeof(small));
        cop__text_append_string(&fixed, "\033ab\033cd\033\033\033");
        cop__text_make_harmless(&fixed, 1);
        ck_assert_str_eq(small, "\033ab?cd?");
        ck_assert_uint_eq(fixed.size, 9);
        cop__text_make_harmless(&fixed, 9);
        ck_assert_str_eq(small, "\033ab?cd?");
}
