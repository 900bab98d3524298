/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * MessagePack: what is encoded decodes to the same, what msgpack-c says is what we say, and
 * whatever foreign bytes hold, reading them ends with a status and within its memory.
 */
#include "tests/suite.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/resource.h>

#include <msgpack.h>

#include "base/compiler.h"
#include "base/random.h"
#include "mailbox/kind.h"
#include "mailbox/scan.h"
#include "mailbox/term.h"
#include "tests/failing_malloc.h"
#include "tests/random_kind.h"

/* Bytes of a foreign value that take part in the corruption of every byte to every other. */
#define CORRUPTED_MAX 200

static const char *print(cop_term term)
{
        static char shown[4000];
        cop_term_print(term, NULL, shown, sizeof shown);
        return shown;
}

static cop_term parse(const char *text)
{
        cop_term term;
        cop_parse_error error;
        cop_status status = cop_term_parse(text, strlen(text), NULL, &term, &error);
        ck_assert_msg(status == COP_OK, "%s: %s", text, error.text);
        return term;
}

static cop_status decode(const void *bytes, size_t size)
{
        cop_term term;
        /* In a block of its own size, so that a sanitizer sees the first byte too far. */
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, bytes, size);
        cop_status status = cop_term_decode(copy, size, &term);
        free(copy);
        if (status == COP_OK)
                cop_term_free(term);
        return status;
}

#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static void check_bytes(const char *text, const uint8_t *expected, size_t size)
{
        cop_term term = parse(text), back;
        uint8_t *bytes;
        size_t got;
        ck_assert_int_eq(cop_term_encode(term, &bytes, &got), COP_OK);
        ck_assert_msg(got == size && memcmp(bytes, expected, size) == 0, "%s", text);
        ck_assert_int_eq(cop_term_decode(bytes, got, &back), COP_OK);
        ck_assert_msg(cop_term_equal(term, back), "%s became %s", text, print(back));
        free(bytes);
        cop_term_free(term);
        cop_term_free(back);
}

/* ---- Terms ---------------------------------------------------------------------------- */

TEST(each_type_has_the_bytes_that_the_table_says)
{
        check_bytes("0", BYTES(0x00));
        check_bytes("-1", BYTES(0xff));
        check_bytes("900", BYTES(0xcd, 0x03, 0x84));
        check_bytes("18446744073709551615",
                    BYTES(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
        check_bytes("1.0", BYTES(0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0));
        check_bytes("true", BYTES(0xc3));
        check_bytes("false", BYTES(0xc2));
        check_bytes("nil", BYTES(0xc0));
        check_bytes("ok", BYTES(0xd5, 3, 'o', 'k'));
        check_bytes("bad", BYTES(0xc7, 3, 3, 'b', 'a', 'd'));
        check_bytes("''", BYTES(0xc7, 0, 3));
        check_bytes("\"hi\"", BYTES(0xa2, 'h', 'i'));
        check_bytes("\"\"", BYTES(0xa0));
        check_bytes("<<1, 2>>", BYTES(0xc4, 2, 1, 2));
        check_bytes("[]", BYTES(0x90));
        check_bytes("[1, 2]", BYTES(0x92, 1, 2));
        check_bytes("[1 | 2]", BYTES(0x93, 0xc7, 0, 2, 1, 2));
        check_bytes("{}", BYTES(0x91, 0xc7, 0, 1));
        check_bytes("{1, 2}", BYTES(0x93, 0xc7, 0, 1, 1, 2));
        check_bytes("#{}", BYTES(0x80));
        check_bytes("#{1 => 2}", BYTES(0x81, 1, 2));
        check_bytes("<0.2.3>", BYTES(0xd7, 4, 0, 0, 0, 2, 0, 0, 0, 3));
        check_bytes("#Ref<0.5>", BYTES(0xd7, 5, 0, 0, 0, 0, 0, 0, 0, 5));
}

static cop_term decoded(const uint8_t *bytes, size_t size)
{
        cop_term term;
        ck_assert_int_eq(cop_term_decode(bytes, size, &term), COP_OK);
        return term;
}

static void check_read(const uint8_t *bytes, size_t size, const char *text)
{
        cop_term got = decoded(bytes, size), wanted = parse(text);
        ck_assert_msg(cop_term_equal(got, wanted), "got %s, expected %s", print(got), text);
        cop_term_free(got);
        cop_term_free(wanted);
}

TEST(the_longer_forms_that_others_use_are_read)
{
        check_read(BYTES(0xcc, 5), "5");
        check_read(BYTES(0xcf, 0, 0, 0, 0, 0, 0, 0, 5), "5");
        check_read(BYTES(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), "-2");
        check_read(BYTES(0xca, 0x3f, 0, 0, 0), "0.5");
        check_read(BYTES(0xca, 0x7f, 0xc0, 0, 0), "nan");
        check_read(BYTES(0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0), "infinity");
        check_read(BYTES(0xd9, 1, 'x'), "\"x\"");
        check_read(BYTES(0xdb, 0, 0, 0, 1, 'x'), "\"x\"");
        check_read(BYTES(0xc6, 0, 0, 0, 1, 'x'), "<<\"x\">>");
        check_read(BYTES(0xdc, 0, 1, 7), "[7]");
        check_read(BYTES(0xdd, 0, 0, 0, 0), "[]");
        check_read(BYTES(0xdf, 0, 0, 0, 1, 1, 2), "#{1 => 2}");
        check_read(BYTES(0xd4, 3, 'x'), "x");
        check_read(BYTES(0xc7, 8, 5, 0, 0, 0, 0, 0, 0, 0, 5), "#Ref<0.5>");
        check_read(BYTES(0x82, 2, 0, 1, 0), "#{1 => 0, 2 => 0}");
}

static size_t encode_random(uint64_t seed, uint8_t **bytes)
{
        struct random_terms random = { .state = seed };
        cop_term term = random_term(&random, 1 + (unsigned)(seed % 5)), back;
        size_t size;
        cop_status status = cop_term_encode(term, bytes, &size);
        ck_assert_msg(status == COP_OK, "seed %lu: %s: %s", seed, print(term),
                      cop_status_text(status));
        status = cop_term_decode(*bytes, size, &back);
        ck_assert_msg(status == COP_OK, "seed %lu: %s", seed, cop_status_text(status));
        ck_assert_msg(cop_term_equal(term, back), "seed %lu: became %s", seed, print(back));
        cop_term_free(back);
        random_terms_fini(&random);
        return size;
}

TEST(any_term_decodes_to_itself)
{
        uint64_t rounds = suite_is_slow() ? 2000 : 20000;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint8_t *bytes;
                encode_random(seed, &bytes);
                free(bytes);
        }
}

TEST(a_truncated_encoding_is_refused_at_every_length)
{
        uint64_t rounds = suite_is_slow() ? 100 : 1000;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint8_t *bytes;
                size_t size = encode_random(seed, &bytes);
                for (size_t cut = 0; cut < size; cut++)
                        ck_assert_msg(decode(bytes, cut) == COP_E_MALFORMED,
                                      "seed %lu: %zu of %zu bytes were read", seed, cut, size);
                free(bytes);
        }
}

/* Nothing crashes, and what is read is a term like any other: it can be written and read again. */
static void check_foreign(const uint8_t *bytes, size_t size, uint64_t seed)
{
        cop_term term, again;
        uint8_t *written;
        size_t written_size;
        cop_status status = cop_term_decode(bytes, size, &term);
        if (status != COP_OK) {
                ck_assert_msg(status == COP_E_MALFORMED || status == COP_E_TOO_DEEP,
                              "seed %lu: %s", seed, cop_status_text(status));
                return;
        }
        ck_assert_int_eq(cop_term_encode(term, &written, &written_size), COP_OK);
        ck_assert_int_eq(cop_term_decode(written, written_size, &again), COP_OK);
        ck_assert_msg(cop_term_equal(term, again), "seed %lu: %s", seed, print(term));
        free(written);
        cop_term_free(term);
        cop_term_free(again);
}

TEST_WITHIN(a_corrupted_encoding_never_crashes_the_reader, 60)
{
        uint64_t rounds = suite_is_slow() ? 20 : 100;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint8_t *bytes;
                size_t size = encode_random(seed, &bytes);
                for (size_t at = 0; at < size && at < CORRUPTED_MAX; at++) {
                        uint8_t right = bytes[at];
                        for (unsigned wrong = 0; wrong < 256; wrong++) {
                                bytes[at] = (uint8_t)wrong;
                                check_foreign(bytes, size, seed);
                        }
                        bytes[at] = right;
                }
                free(bytes);
        }
}

TEST(random_bytes_never_crash_the_reader)
{
        uint64_t rounds = suite_is_slow() ? 20000 : 300000;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint64_t random = seed;
                uint8_t bytes[24];
                size_t size = cop__random_below(&random, sizeof bytes + 1);
                for (size_t i = 0; i < size; i++) {
                        bytes[i] = (uint8_t)cop__random_next(&random);
                        /* Containers and marks come too seldom by themselves. */
                        if (cop__random_below(&random, 3) == 0)
                                bytes[i] = (uint8_t)(0x80 + cop__random_below(&random, 0x14));
                        else if (i > 2 && cop__random_below(&random, 8) == 0)
                                memcpy(bytes + i - 2, i % 2 ? "\xc7\0\1" : "\xc7\0\2", 3);
                }
                check_foreign(bytes, size, seed);
        }
}

/* ---- Hostile bytes -------------------------------------------------------------------- */

TEST(counts_beyond_the_bytes_that_are_there_are_refused)
{
        ck_assert_int_eq(decode(BYTES(0xdd, 0xff, 0xff, 0xff, 0xff)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xdf, 0xff, 0xff, 0xff, 0xff)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xdb, 0xff, 0xff, 0xff, 0xff)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xc6, 0xff, 0xff, 0xff, 0xff)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xc9, 0xff, 0xff, 0xff, 0xff, 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xdc, 0, 2, 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0x81, 1)), COP_E_MALFORMED);
        /* Each count is true by itself, but the same bytes cannot serve both. */
        ck_assert_int_eq(decode(BYTES(0x93, 0x92, 1, 2)), COP_E_MALFORMED);
}

TEST(what_is_not_exactly_one_term_is_malformed)
{
        ck_assert_int_eq(decode(BYTES(0)), COP_OK);
        ck_assert_int_eq(decode("", 0), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0, 0)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0x91, 0, 0)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xc1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0x91, 0xc1)), COP_E_MALFORMED);
        cop_term term;
        ck_assert_int_eq(cop_term_decode(NULL, 0, &term), COP_E_MALFORMED);
}

TEST(forms_that_mean_no_term_are_malformed)
{
        ck_assert_int_eq(decode(BYTES(0xa1, 0xff)), COP_E_MALFORMED);       /* no UTF-8 */
        ck_assert_int_eq(decode(BYTES(0xc7, 1, 3, 0xff)), COP_E_MALFORMED); /* an atom neither */
        ck_assert_int_eq(decode(BYTES(0xd4, 99, 0)), COP_E_MALFORMED);      /* an unknown ext */
        ck_assert_int_eq(decode(BYTES(0xd6, 0xff, 0, 0, 0, 0)), COP_E_MALFORMED); /* a time */
        ck_assert_int_eq(decode(BYTES(0xd6, 4, 0, 0, 0, 1)), COP_E_MALFORMED); /* half a pid */
        ck_assert_int_eq(decode(BYTES(0xc7, 9, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0xc7, 0, 1)), COP_E_MALFORMED);       /* a mark alone */
        ck_assert_int_eq(decode(BYTES(0xd4, 1, 0)), COP_E_MALFORMED);       /* a mark with bytes */
        ck_assert_int_eq(decode(BYTES(0x92, 1, 0xc7, 0, 1)), COP_E_MALFORMED); /* not the first */
        ck_assert_int_eq(decode(BYTES(0x92, 0xc7, 0, 1, 0xc7, 0, 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0x81, 0xc7, 0, 1, 1)), COP_E_MALFORMED); /* as a key */
        ck_assert_int_eq(decode(BYTES(0x81, 1, 0xc7, 0, 1)), COP_E_MALFORMED); /* as a value */
        ck_assert_int_eq(decode(BYTES(0x92, 0xc7, 0, 2, 1)), COP_E_MALFORMED); /* no tail */
        ck_assert_int_eq(decode(BYTES(0x93, 0xc7, 0, 2, 1, 0x90)), COP_E_MALFORMED);
        ck_assert_int_eq(decode(BYTES(0x82, 1, 0, 1, 0)), COP_E_MALFORMED); /* a key twice */
        ck_assert_int_eq(decode(BYTES(0x82, 1, 0, 0xcc, 1, 0)), COP_E_MALFORMED);
        uint8_t atom[4 + 256] = { 0xc8, 1, 0, 3 };
        memset(atom + 4, 'a', 256);
        ck_assert_int_eq(decode(atom, sizeof atom), COP_E_MALFORMED);
        atom[1] = 0, atom[2] = 255;
        ck_assert_int_eq(decode(atom, sizeof atom - 1), COP_OK);
}

/* `levels` containers in each other, each begun by `head`, around `core`. */
static cop_status decode_nested(size_t levels, const uint8_t *head, size_t head_size,
                                const uint8_t *core, size_t core_size)
{
        size_t size = levels * head_size + core_size;
        uint8_t *bytes = malloc(size);
        for (size_t i = 0; i < levels; i++)
                memcpy(bytes + i * head_size, head, head_size);
        memcpy(bytes + levels * head_size, core, core_size);
        cop_status status = decode(bytes, size);
        free(bytes);
        return status;
}

TEST(nesting_is_read_to_the_documented_depth_and_not_deeper)
{
        const size_t max = COP_TERM_DEPTH_MAX;
        const uint8_t array[] = { 0x91 }, map[] = { 0x81, 0 }, one[] = { 1 }, nil[] = { 0x90 },
                      tuple[] = { 0x92, 0xc7, 0, 1 }, no_map[] = { 0x80 };
        ck_assert_int_eq(decode_nested(max, array, 1, one, 1), COP_OK);
        ck_assert_int_eq(decode_nested(max, array, 1, nil, 1), COP_OK);
        ck_assert_int_eq(decode_nested(max, array, 1, no_map, 1), COP_E_TOO_DEEP);
        ck_assert_int_eq(decode_nested(max - 1, array, 1, no_map, 1), COP_OK);
        ck_assert_int_eq(decode_nested(max + 1, array, 1, one, 1), COP_E_TOO_DEEP);
        ck_assert_int_eq(decode_nested(max, map, 2, one, 1), COP_OK);
        ck_assert_int_eq(decode_nested(max + 1, map, 2, one, 1), COP_E_TOO_DEEP);
        ck_assert_int_eq(decode_nested(max, tuple, 4, one, 1), COP_OK);
        ck_assert_int_eq(decode_nested(max + 1, tuple, 4, one, 1), COP_E_TOO_DEEP);
        ck_assert_int_eq(decode_nested(1000000, array, 1, one, 1), COP_E_TOO_DEEP);
        ck_assert_int_eq(decode_nested(1000000, map, 2, one, 1), COP_E_TOO_DEEP);
        /* A count that cannot be true is seen at once, not when the bytes run out. */
        uint8_t lie[80] = { 0xdc, 1, 0 };
        memset(lie + 3, 0x91, sizeof lie - 3);
        ck_assert_int_eq(decode(lie, sizeof lie), COP_E_MALFORMED);
}

TEST(a_term_that_is_too_deep_is_not_encoded)
{
        cop_term levels[COP_TERM_DEPTH_MAX + 2];
        levels[0] = cop_int(1);
        for (size_t i = 1; i < COP__COUNT(levels); i++)
                levels[i] = cop_list_of(&levels[i - 1], 1);
        uint8_t *bytes;
        size_t size;
        ck_assert_int_eq(cop_term_encode(levels[COP_TERM_DEPTH_MAX + 1], &bytes, &size),
                         COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_term_encode(levels[COP_TERM_DEPTH_MAX], &bytes, &size), COP_OK);
        ck_assert_int_eq(decode(bytes, size), COP_OK);
        free(bytes);
}

TEST(texts_and_atoms_that_are_no_utf8_are_not_encoded)
{
        uint8_t *bytes;
        size_t size;
        cop_term text = { .type = COP_TERM_TEXT, .count = 1, .as.text = "\xff" };
        ck_assert_int_eq(cop_term_encode(text, &bytes, &size), COP_E_MALFORMED);
        cop_term items[] = { cop_int(1),
                             { .type = COP_TERM_ATOM, .count = 1, .as.text = "\xc3" } };
        ck_assert_int_eq(cop_term_encode(cop_list_of(items, 2), &bytes, &size), COP_E_MALFORMED);
        char name[300];
        memset(name, 'a', sizeof name);
        cop_term atom = { .type = COP_TERM_ATOM, .count = 256, .as.text = name };
        ck_assert_int_eq(cop_term_encode(atom, &bytes, &size), COP_E_MALFORMED);
        cop_term unknown = { .type = 77 };
        ck_assert_int_eq(cop_term_encode(unknown, &bytes, &size), COP_E_MALFORMED);
}

/* ---- Beside msgpack-c ----------------------------------------------------------------- */

TEST(msgpack_c_reads_what_is_encoded_and_the_scan_agrees)
{
        for (uint64_t seed = 1; seed <= 2000; seed++) {
                uint8_t *bytes;
                size_t size = encode_random(seed, &bytes), end = 0;
                struct cop__scan found;
                msgpack_unpacked object;
                msgpack_unpacked_init(&object);
                ck_assert_msg(msgpack_unpack_next(&object, (const char *)bytes, size, &end) ==
                                              MSGPACK_UNPACK_SUCCESS && end == size,
                              "seed %lu", seed);
                ck_assert_int_eq(cop__scan(bytes, size, COP_TERM_DEPTH_MAX, &found), COP_OK);
                msgpack_unpacked_destroy(&object);
                free(bytes);
        }
}

/* On bytes that are not too deep for it, msgpack-c and the scan say the same. */
TEST(the_scan_accepts_what_msgpack_c_accepts)
{
        uint64_t rounds = suite_is_slow() ? 20000 : 200000;
        size_t accepted = 0;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint64_t random = seed;
                uint8_t bytes[12];
                size_t size = 1 + cop__random_below(&random, sizeof bytes), end = 0;
                for (size_t i = 0; i < size; i++)
                        bytes[i] = (uint8_t)(cop__random_below(&random, 2)
                                                     ? 0x80 + cop__random_below(&random, 128)
                                                     : cop__random_below(&random, 8));
                struct cop__scan found;
                bool scanned = cop__scan(bytes, size, 30, &found) == COP_OK;
                /* Their reader allocates what a header claims: only small claims for it. */
                bool large = memchr(bytes, 0xdd, size) || memchr(bytes, 0xdf, size);
                if (large)
                        continue;
                msgpack_unpacked object;
                msgpack_unpacked_init(&object);
                msgpack_unpack_return result =
                        msgpack_unpack_next(&object, (const char *)bytes, size, &end);
                bool theirs = result == MSGPACK_UNPACK_SUCCESS && end == size;
                ck_assert_msg(scanned == theirs, "seed %lu: ours %d, theirs %d", seed, scanned,
                              theirs);
                accepted += scanned;
                msgpack_unpacked_destroy(&object);
        }
        ck_assert_uint_gt(accepted, rounds / 100);
}

TEST(the_scan_counts_values_and_containers)
{
        struct cop__scan found;
        const uint8_t bytes[] = { 0x93, 1, 0x92, 2, 3, 0x82, 1, 0x90, 2, 0x80 };
        ck_assert_int_eq(cop__scan(bytes, sizeof bytes, 3, &found), COP_OK);
        ck_assert_uint_eq(found.values, 10);
        ck_assert_uint_eq(found.containers, 3);
        ck_assert_int_eq(cop__scan(bytes, sizeof bytes, 2, &found), COP_E_TOO_DEEP);
}

/* ---- Messages ------------------------------------------------------------------------- */

static cop_kinds *test_kinds(void)
{
        return cop__kinds_new(COP__KINDS_FIRST, COP__KINDS_LAST);
}

static void drop(const cop_kind *kind, void *value)
{
        cop__flat_drop(kind, value);
        free(value);
}

static cop_status decode_kind(const void *bytes, size_t size)
{
        cop_kinds *kinds = test_kinds();
        const cop_kind *kind;
        void *value;
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, bytes, size);
        cop_status status = cop__kind_decode(kinds, copy, size, &kind, &value);
        free(copy);
        if (status == COP_OK)
                drop(kind, value);
        cop__kinds_free(kinds);
        return status;
}

TEST(a_message_is_the_array_of_its_name_and_fields)
{
        const uint8_t expected[] = { 0x93, 0xa4, 'b', 'i', 'l', 'l', 0xcd, 0x03, 0x84, 3 };
        bill split = { 900, 3 };
        uint8_t *bytes;
        size_t size;
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(bill), &split, &bytes, &size), COP_OK);
        ck_assert_uint_eq(size, sizeof expected);
        ck_assert_mem_eq(bytes, expected, size);
        cop_kinds *kinds = test_kinds();
        const cop_kind *kind;
        void *value;
        ck_assert_int_eq(cop__kind_decode(kinds, bytes, size, &kind, &value), COP_OK);
        ck_assert_ptr_eq(kind, COP_KIND_OF(bill));
        ck_assert_mem_eq(value, &split, sizeof split);
        drop(kind, value);
        cop__kinds_free(kinds);
        free(bytes);
}

static size_t encode_everything(uint64_t seed, uint8_t **bytes, cop_term *term)
{
        struct random_terms random = { .state = seed };
        everything all;
        size_t size;
        random_everything(&random, &all);
        cop_status status = cop__kind_encode(COP_KIND_OF(everything), &all, bytes, &size);
        ck_assert_msg(status == COP_OK, "seed %lu: %s", seed, cop_status_text(status));
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(everything), &all, term), COP_OK);
        random_terms_fini(&random);
        return size;
}

TEST(any_message_decodes_to_itself)
{
        cop_kinds *kinds = test_kinds();
        uint64_t rounds = suite_is_slow() ? 500 : 5000;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint8_t *bytes;
                cop_term sent, got;
                const cop_kind *kind;
                void *value;
                size_t size = encode_everything(seed, &bytes, &sent);
                cop_status status = cop__kind_decode(kinds, bytes, size, &kind, &value);
                free(bytes);
                ck_assert_msg(status == COP_OK, "seed %lu: %s: %s", seed, cop_status_text(status),
                              print(sent));
                ck_assert_int_eq(cop__kind_to_term(kind, value, &got), COP_OK);
                ck_assert_msg(cop_term_equal(sent, got), "seed %lu: became %s", seed, print(got));
                drop(kind, value);
                cop_term_free(sent);
                cop_term_free(got);
        }
        cop__kinds_free(kinds);
}

TEST(a_term_sent_by_hand_is_the_same_message)
{
        for (uint64_t seed = 1; seed <= 200; seed++) {
                uint8_t *bytes;
                cop_term sent;
                size_t size;
                encode_everything(seed, &bytes, &sent);
                free(bytes);
                ck_assert_int_eq(cop_term_encode(sent, &bytes, &size), COP_OK);
                ck_assert_msg(decode_kind(bytes, size) == COP_OK, "seed %lu", seed);
                free(bytes);
                cop_term_free(sent);
        }
}

TEST_WITHIN(a_truncated_or_corrupted_message_never_crashes_the_reader, 60)
{
        uint64_t rounds = suite_is_slow() ? 2 : 5;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                uint8_t *bytes;
                cop_term sent;
                size_t size = encode_everything(seed, &bytes, &sent);
                cop_term_free(sent);
                for (size_t cut = 0; cut < size; cut++)
                        ck_assert_msg(decode_kind(bytes, cut) == COP_E_MALFORMED, "seed %lu, %zu",
                                      seed, cut);
                for (size_t at = 0; at < size; at++) {
                        uint8_t right = bytes[at];
                        unsigned step = suite_is_slow() ? 5 : 1;
                        for (unsigned wrong = 0; wrong < 256; wrong += step) {
                                bytes[at] = (uint8_t)wrong;
                                cop_status status = decode_kind(bytes, size);
                                ck_assert_msg(status == COP_OK || status == COP_E_MALFORMED ||
                                                      status == COP_E_NO_KIND ||
                                                      status == COP_E_TOO_DEEP,
                                              "seed %lu: %s", seed, cop_status_text(status));
                        }
                        bytes[at] = right;
                }
                free(bytes);
        }
}

TEST(a_message_of_no_known_kind_or_shape_is_refused)
{
        ck_assert_int_eq(decode_kind(BYTES(0x91, 0xa4, 't', 'i', 'c', 'k')), COP_OK);
        ck_assert_int_eq(decode_kind(BYTES(0x91, 0xa4, 't', 'o', 'c', 'k')), COP_E_NO_KIND);
        ck_assert_int_eq(decode_kind(BYTES(0x92, 0xa4, 't', 'i', 'c', 'k', 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0x92, 0xa4, 'b', 'i', 'l', 'l', 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0x93, 0xa4, 'b', 'i', 'l', 'l', 1, 0xa1, 'x')),
                         COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0x90)), COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0x91, 1)), COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0xa4, 't', 'i', 'c', 'k')), COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind("", 0), COP_E_MALFORMED);
        ck_assert_int_eq(cop__kind_decode(NULL, BYTES(0x91, 0xa4, 't', 'i', 'c', 'k'),
                                          &(const cop_kind *){ NULL }, &(void *){ NULL }),
                         COP_E_NO_KIND);
}

TEST(nothing_may_be_left_out_on_the_wire)
{
        /* In the shell [] stands for a whole point; here one byte must not stand for many. */
        ck_assert_int_eq(decode_kind(BYTES(0x94, 0xa4, 'l', 'i', 'n', 'e', 0x90, 0x90, 1)),
                         COP_E_MALFORMED);
        ck_assert_int_eq(decode_kind(BYTES(0x94, 0xa4, 'l', 'i', 'n', 'e',               /* */
                                           0x93, 0xa5, 'p', 'o', 'i', 'n', 't', 1, 2,    /* */
                                           0x93, 0xa5, 'p', 'o', 'i', 'n', 't', 3, 4, 7)),
                         COP_OK);
        ck_assert_int_eq(decode_kind(BYTES(0x93, 0xa7, 'd', 'r', 'a', 'w', 'i', 'n', 'g', 0x90,
                                           0x90)),
                         COP_E_MALFORMED);
}

TEST(a_message_that_could_not_be_read_back_is_not_encoded)
{
        uint8_t *bytes;
        size_t size;
        photo odd = { .name = { 1, "\xff" } };
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(photo), &odd, &bytes, &size),
                         COP_E_MALFORMED);
        everything full = { .name = { 'n', 'o', ' ', 'N', 'U', 'L', ' ', 'h', 'e', 'r', 'e', '!',
                                      '!' } };
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(everything), &full, &bytes, &size),
                         COP_E_MALFORMED);
        tree ring = { .branches = { &ring, 1 } };
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(tree), &ring, &bytes, &size),
                         COP_E_TOO_DEEP);
        photo none = { .name = { 1, NULL } };
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(photo), &none, &bytes, &size),
                         COP_E_BAD_ARGUMENT);
}

TEST(a_message_as_deep_as_it_may_be_holds_a_term_that_is_too)
{
        tree chain[COP_TERM_DEPTH_MAX / 2] = { { .name = { 0, NULL } } };
        for (size_t i = 0; i + 1 < COP__COUNT(chain); i++)
                chain[i].branches.items = &chain[i + 1], chain[i].branches.count = 1;
        uint8_t *bytes;
        size_t size;
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(tree), chain, &bytes, &size), COP_OK);
        ck_assert_int_eq(decode_kind(bytes, size), COP_OK);
        free(bytes);
        cop_term levels[COP_TERM_DEPTH_MAX + 1];
        levels[0] = cop_int(1);
        for (size_t i = 1; i < COP__COUNT(levels); i++)
                levels[i] = cop_list_of(&levels[i - 1], 1);
        everything holds = { .term = levels[COP_TERM_DEPTH_MAX] };
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(everything), &holds, &bytes, &size),
                         COP_OK);
        ck_assert_int_eq(decode_kind(bytes, size), COP_OK);
        free(bytes);
}

TEST(floats_that_are_not_finite_cross_the_wire_in_messages)
{
        point odd = { (double)NAN, -(double)INFINITY };
        uint8_t *bytes;
        size_t size;
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(point), &odd, &bytes, &size), COP_OK);
        cop_kinds *kinds = test_kinds();
        const cop_kind *kind;
        void *value;
        ck_assert_int_eq(cop__kind_decode(kinds, bytes, size, &kind, &value), COP_OK);
        ck_assert(isnan(((point *)value)->x));
        ck_assert(isinf(((point *)value)->y) && ((point *)value)->y < 0);
        drop(kind, value);
        cop__kinds_free(kinds);
        free(bytes);
}

/* ---- Memory --------------------------------------------------------------------------- */

TEST(without_memory_each_direction_fails_and_keeps_nothing)
{
        if (!failing_malloc_can())
                return;
        cop_kinds *kinds = test_kinds();
        cop_term term, back;
        uint8_t *bytes;
        encode_everything(7, &bytes, &term);
        free(bytes);
        size_t size;
        const cop_kind *kind;
        void *value;
#define EACH_ALLOCATION(call)                                                             \
        do {                                                                              \
                long n = 0;                                                               \
                do {                                                                      \
                        fail_malloc_after(++n);                                           \
                        cop_status status = (call);                                       \
                        ck_assert_int_eq(status,                                          \
                                         stop_failing_malloc() ? COP_E_NO_MEMORY : COP_OK); \
                } while (malloc_failures > 0);                                              \
                ck_assert_msg(n > 1, "%s never allocated", #call);                        \
        } while (0)
        EACH_ALLOCATION(cop_term_encode(term, &bytes, &size));
        EACH_ALLOCATION(cop_term_decode(bytes, size, &back));
        EACH_ALLOCATION(cop__kind_decode(kinds, bytes, size, &kind, &value));
        free(bytes);
        EACH_ALLOCATION(cop__kind_encode(kind, value, &bytes, &size));
#undef EACH_ALLOCATION
        free(bytes);
        drop(kind, value);
        cop_term_free(term);
        cop_term_free(back);
        cop__kinds_free(kinds);
}

TEST(a_list_of_lists_decodes_or_there_is_no_memory_for_the_next_one)
{
        if (!failing_malloc_can())
                return;
        static cop_term inner[3], outer[400];
        cop_term back;
        uint8_t *bytes;
        size_t size;
        for (size_t i = 0; i < COP__COUNT(inner); i++)
                inner[i] = cop_int((int64_t)i);
        for (size_t i = 0; i < COP__COUNT(outer); i++)
                outer[i] = cop_list_of(inner, COP__COUNT(inner));
        ck_assert_int_eq(cop_term_encode(cop_list_of(outer, COP__COUNT(outer)), &bytes, &size), COP_OK);
        for (long n = 1;; n++) {
                fail_malloc_after(n);
                cop_status status = cop_term_decode(bytes, size, &back);
                ck_assert_int_eq(status, stop_failing_malloc() ? COP_E_NO_MEMORY : COP_OK);
                if (status == COP_OK)
                        break;
        }
        ck_assert(cop_term_equal(back, cop_list_of(outer, COP__COUNT(outer))));
        cop_term_free(back);
        free(bytes);
}

static size_t address_space(void)
{
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
        fclose(file);
        return pages * 4096;
}

/* Decodes with no more memory than `limit` bytes beyond what is in use. */
static cop_status decode_within(const uint8_t *bytes, size_t size, size_t limit)
{
        struct rlimit before, now;
        cop_term term;
        ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
        now = before;
        now.rlim_cur = address_space() + limit;
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &now), 0);
        cop_status status = cop_term_decode(bytes, size, &term);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
        if (status == COP_OK)
                cop_term_free(term);
        return status;
}

TEST(decoding_takes_at_most_64_bytes_for_each_byte_read)
{
        NEEDS_THE_KERNEL();
        if (!failing_malloc_can()) /* sanitizers need address space of their own */
                return;
        enum { ITEMS = 500000 };
        mallopt(M_MMAP_THRESHOLD, 1 << 17); /* so that what is freed is gone, not kept for later */
        /* What costs most for its size: [[0], [0], ...] and [#{0 => 0}, ...] and [0, 0, ...]. */
        static const uint8_t items[3][3] = { { 0x91, 0 }, { 0x81, 0, 0 }, { 0 } };
        static const size_t sizes[3] = { 2, 3, 1 };
        uint8_t *bytes = malloc(5 + 3 * ITEMS);
        for (size_t sort = 0; sort < 3; sort++) {
                size_t size = 5;
                memcpy(bytes, ((uint8_t[]){ 0xdd, ITEMS >> 24, ITEMS >> 16 & 0xff,
                                            ITEMS >> 8 & 0xff, ITEMS & 0xff }), size);
                for (size_t i = 0; i < ITEMS; i++, size += sizes[sort])
                        memcpy(bytes + size, items[sort], sizes[sort]);
                ck_assert_int_eq(decode_within(bytes, size, 64 * size + 65536), COP_OK);
                ck_assert_int_eq(decode_within(bytes, size, 8 * size), COP_E_NO_MEMORY);
        }
        free(bytes);
}
