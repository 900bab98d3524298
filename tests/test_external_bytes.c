/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Erlang's bytes that are rare, old, or no term; and terms that cannot be written. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "distribution/external.h"
#include "distribution/peer.h"
#include "mailbox/term_hash.h"
#include "tests/failing_malloc.h"
#include "tests/suite.h"

#define NODE "w\3x@y"
#define OURS "w\3a@b"
#define PLENTY ((size_t)1 << 20)

static struct cop__network *network_begin(void)
{
        struct cop__network *network = calloc(1, sizeof(*network));
        ck_assert_ptr_nonnull(network);
        cop__list_init(&network->refs_idle);
        strcpy(network->name, "a@b");
        network->creation = 77;
        return network;
}

static void network_end(struct cop__network *network)
{
        for (uint32_t i = 0; i < network->peer_count; i++)
                free(network->peers[i]);
        cop__foreign_end(network);
        free(network);
}

/* Reads a term from a block that ends where the bytes do, so that a sanitizer sees one too much. `text`: what it is, or NULL. */
static cop_status read_in(struct cop__network *network, const char *bytes, size_t size, size_t memory_max, char text[512])
{
        struct cop__reader reader;
        cop_term term;
        uint8_t *block = malloc(size + 1);
        ck_assert_ptr_nonnull(block);
        block[0] = COP__EXTERNAL_VERSION;
        memcpy(block + 1, bytes, size);
        cop__reader_begin(&reader, network, block, size + 1, memory_max);
        cop_status status = cop__reader_term(&reader, &term);
        if (status == COP_OK)
                ck_assert_ptr_eq(reader.at, reader.end);
        if (status == COP_OK && text != NULL)
                cop_term_print(term, NULL, text, 512);
        cop__reader_end(&reader);
        free(block);
        return status;
}

static cop_status read_alone(const char *bytes, size_t size, size_t memory_max, char text[512])
{
        struct cop__network *network = network_begin();
        cop_status status = read_in(network, bytes, size, memory_max, text);
        network_end(network);
        return status;
}

struct row {
        const char *bytes;
        size_t size;
        const char *text; /* NULL: a pid or a reference, whose number is a matter of this node */
};
#define ROW(bytes, text) { bytes, sizeof(bytes) - 1, text }

static const struct row good[] = {
        ROW("a\377", "255"),
        ROW("b\377\377\377\376", "-2"),
        ROW("F\277\370\0\0\0\0\0\0", "-1.5"),
        ROW("c1.50000000000000000000e+00\0\0\0\0\0", "1.5"),
        ROW("n\1\1\5", "-5"),
        ROW("n\11\0\1\0\0\0\0\0\0\0\0", "1"), /* with a zero in front */
        ROW("n\10\0\377\377\377\377\377\377\377\377", "18446744073709551615"),
        ROW("n\10\1\0\0\0\0\0\0\0\200", "-9223372036854775808"),
        ROW("o\0\0\0\2\0\0\1", "256"),
        ROW("d\0\3\351t\351", "'\303\251t\303\251'"),
        ROW("s\2\304h", "'\303\204h'"),
        ROW("v\0\2\303\251", "'\303\251'"),
        ROW("w\2ok", "ok"),
        ROW("j", "[]"),
        ROW("k\0\0", "[]"),
        ROW("k\0\2h\344", "\"h\303\244\""),
        ROW("k\0\2\1\2", "[1, 2]"),
        ROW("k\0\1\237", "[159]"), /* a byte that nothing prints */
        ROW("l\0\0\0\1b\0\0\40\254j", "\"\342\202\254\""),
        ROW("l\0\0\0\2b\0\1\365\26a\12j", "\"\360\237\224\226\\n\""),
        ROW("l\0\0\0\1b\0\0\330\0j", "[55296]"), /* half of a character */
        ROW("l\0\0\0\1b\0\21\0\0j", "[1114112]"),
        ROW("l\0\0\0\1b\377\377\377\376j", "[-2]"),
        ROW("l\0\0\0\2a\1w\1aj", "[1, a]"),
        ROW("l\0\0\0\1a\1a\2", "[1 | 2]"),
        ROW("l\0\0\0\1a\1k\0\1A", "[1, 65]"), /* a list in a tail, of each sort */
        ROW("l\0\0\0\1a\1k\0\1\1", "[1, 1]"),
        ROW("l\0\0\0\1a\1l\0\0\0\1a\2a\3", "[1, 2 | 3]"),
        ROW("l\0\0\0\1b\0\0\40\254k\0\1A", "\"\342\202\254A\""),
        ROW("l\0\0\0\1a\1l\0\0\0\0j", "[1]"),
        ROW("l\0\0\0\0j", "[]"),
        ROW("l\0\0\0\0a\1", "1"), /* as Erlang reads it */
        ROW("h\2a\1h\0", "{1, {}}"),
        ROW("i\0\0\0\2a\1j", "{1, []}"),
        ROW("t\0\0\0\1w\1aj", "#{a => []}"),
        ROW("t\0\0\0\2a\1a\2a\1a\3", "#{1 => 3}"),
        ROW("m\0\0\0\2\0\377", "<<0, 255>>"),
        ROW("X" NODE "\0\0\0\1\0\0\0\2\0\0\0\3", NULL),
        ROW("gd\0\3x@y\0\0\0\1\0\0\0\2\3", NULL),
        ROW("X" OURS "\0\0\0\1\0\0\0\2\0\0\0\115", NULL),
        ROW("Z\0\5" NODE "\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", NULL),
        ROW("r\0\1s\3x@y\1\0\0\0\1", NULL),
        ROW("Z\0\3" OURS "\0\0\0\115\0\0\0\1\0\0\0\2\0\0\0\3", NULL),
        ROW("Z\0\3" OURS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL), /* none */
        ROW("X" NODE "\377\377\377\360\21\42\63\104\0\0\0\3", NULL), /* that does not fit */
};

/* What no term can hold, with its bytes as they were: {'$erlang', Bytes}. */
static const struct row opaque[] = {
        ROW("n\11\0\0\0\0\0\0\0\0\0\1", NULL),
        ROW("n\10\1\1\0\0\0\0\0\0\200", NULL), /* one too small */
        ROW("o\0\0\0\11\0\0\0\0\0\0\0\0\0\1", NULL),
        ROW("M\0\0\0\1\3\240", NULL),
        ROW("f" NODE "\0\0\0\1\3", NULL),
        ROW("Y" NODE "\0\0\0\1\0\0\0\3", NULL),
        ROW("x" NODE "\0\0\0\0\0\0\0\1\0\0\0\3", NULL),
        ROW("qw\1mw\1fa\1", NULL),
        ROW("p\0\0\0\7abc", NULL),
};

TEST(what_erlang_says_in_rare_and_old_tags_is_the_same_term)
{
        for (size_t i = 0; i < COP__COUNT(good); i++) {
                char text[512] = "";
                ck_assert_msg(read_alone(good[i].bytes, good[i].size, PLENTY, text) == COP_OK, "row %zu is not read", i);
                if (good[i].text != NULL)
                        ck_assert_str_eq(text, good[i].text);
        }
}

TEST(a_float_as_text_does_not_depend_on_the_locale)
{
        static const char bytes[] = "c-1.25000000000000000000e-02\0\0\0\0";
        static const char *const with_comma[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
        char text[512];
        for (size_t i = 0; i < COP__COUNT(with_comma); i++)
                if (setlocale(LC_ALL, with_comma[i]))
                        break;
        ck_assert_uint_eq(sizeof(bytes), 33);
        ck_assert_int_eq(read_alone(bytes, 32, PLENTY, text), COP_OK);
        ck_assert_str_eq(text, "-0.0125");
        setlocale(LC_ALL, "C");
}

static void each_cut_is_malformed(const struct row *row)
{
        for (size_t size = 0; size < row->size; size++)
                ck_assert_msg(read_alone(row->bytes, size, PLENTY, NULL) == COP_E_MALFORMED, "%zu bytes of '%c...' are a term",
                              size, row->bytes[0]);
}

TEST(a_term_that_is_cut_short_anywhere_is_malformed)
{
        for (size_t i = 0; i < COP__COUNT(good); i++)
                each_cut_is_malformed(&good[i]);
        for (size_t i = 0; i < COP__COUNT(opaque); i++)
                each_cut_is_malformed(&opaque[i]);
}

TEST(what_no_term_can_hold_keeps_its_bytes)
{
        struct cop__network *network = network_begin();
        for (size_t i = 0; i < COP__COUNT(opaque); i++) {
                struct cop__reader reader;
                cop_term term;
                char bytes[64] = "\203";
                memcpy(bytes + 1, opaque[i].bytes, opaque[i].size);
                cop__reader_begin(&reader, network, bytes, 1 + opaque[i].size, PLENTY);
                ck_assert_int_eq(cop__reader_term(&reader, &term), COP_OK);
                ck_assert_ptr_eq(reader.at, reader.end);
                ck_assert(cop_is_tuple(term, "$erlang", 2));
                ck_assert(cop_term_equal(term.as.items[1], cop_binary(opaque[i].bytes, opaque[i].size)));
                cop__reader_end(&reader);
        }
        network_end(network);
}

/* Of what is too deep for a term the bytes are passed over, whatever they are. */
#define DEEP (COP_TERM_DEPTH_MAX - 1)

static size_t bury(char *bytes, const struct row *row, size_t size)
{
        size_t at = 0;
        bytes[at++] = (char)COP__EXTERNAL_VERSION;
        for (unsigned i = 0; i < DEEP; i++) {
                bytes[at++] = 'h';
                bytes[at++] = 1;
        }
        memcpy(bytes + at, "h\1", 2);
        memcpy(bytes + at + 2, row->bytes, size);
        return at + 2 + size;
}

static cop_status read_buried(const struct row *row, size_t size)
{
        struct cop__network *network = network_begin();
        struct cop__reader reader;
        cop_term term;
        char *bytes = malloc(1 + 2 * DEEP + 2 + row->size);
        ck_assert_ptr_nonnull(bytes);
        cop__reader_begin(&reader, network, bytes, bury(bytes, row, size), PLENTY);
        reader.cuts_deep = true;
        cop_status status = cop__reader_term(&reader, &term);
        for (unsigned i = 0; status == COP_OK && i < DEEP; i++) {
                ck_assert(term.type == COP_TERM_TUPLE && term.count == 1);
                term = term.as.items[0];
        }
        if (status == COP_OK) {
                ck_assert_ptr_eq(reader.at, reader.end);
                ck_assert(cop_is_tuple(term, "$erlang", 2));
                ck_assert_int_eq(term.as.items[1].count, 2 + size);
                ck_assert_int_eq(memcmp(term.as.items[1].as.bytes + 2, row->bytes, size), 0);
        }
        cop__reader_end(&reader);
        network_end(network);
        free(bytes);
        return status;
}

static void is_passed_over(const struct row *row)
{
        ck_assert_int_eq(read_buried(row, row->size), COP_OK);
        for (size_t size = 0; size < row->size; size++)
                ck_assert_msg(read_buried(row, size) == COP_E_MALFORMED, "%zu bytes of '%c...' are passed over", size,
                              row->bytes[0]);
}

TEST(what_is_too_deep_is_passed_over_whatever_it_is_and_wherever_it_is_cut)
{
        for (size_t i = 0; i < COP__COUNT(good); i++)
                is_passed_over(&good[i]);
        for (size_t i = 0; i < COP__COUNT(opaque); i++)
                is_passed_over(&opaque[i]);
}

static const struct row bad[] = {
        ROW("F\177\360\0\0\0\0\0\0", NULL), /* infinity, as bits and as text */
        ROW("c1.0e+999\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("cnothing\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c15\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c1.5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c1.5e\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c1.5e0 more\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c1.5e-99999999999999999999\0\0\0\0\0\0", NULL),
        ROW("c1.5e99999999999999999999\0\0\0\0\0\0\0", NULL),
        ROW("c1e5.0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("cna.ne0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("c .e0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL),
        ROW("n\1\2\5", NULL),             /* neither more than 0 nor less */
        ROW("v\0\1\377", NULL),           /* an atom that is no UTF-8 */
        ROW("l\377\377\377\377", NULL),
        ROW("t\377\377\377\377", NULL),
        ROW("i\377\377\377\377", NULL),
        ROW("p\0\0\0\3", NULL),           /* a function that is less than its size */
        ROW("q", NULL),
        ROW("\377", NULL),                /* no tag */
        ROW("Xa\1", NULL),                /* a node that is no atom */
        ROW("Z\0\0" NODE "\0\0\0\1", NULL),
        ROW("Z\0\6" NODE "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1", NULL),
        ROW("X" OURS "\1\0\0\0\0\0\0\2\0\0\0\115", NULL), /* of ours: more than we have */
        ROW("Z\0\2" OURS "\0\0\0\115\0\0\0\1\0\0\0\2", NULL),
        ROW("Z\0\3" OURS "\0\0\0\115\0\4\0\0\0\0\0\2\0\0\0\3", NULL),
        ROW("Z\0\3" OURS "\0\0\0\115\0\0\0\1\0\0\0\2\0\0\100\0", NULL),
        ROW("Z\0\3" OURS "\0\0\0\115\0\0\0\1\0\0\0\2\0\0\20\0", NULL), /* the bit that others' have */
};

TEST(what_is_no_term_is_malformed)
{
        for (size_t i = 0; i < COP__COUNT(bad); i++)
                ck_assert_msg(read_alone(bad[i].bytes, bad[i].size, PLENTY, NULL) == COP_E_MALFORMED, "row %zu is a term", i);
        struct cop__network *network = network_begin();
        struct cop__reader reader;
        cop_term term;
        cop__reader_begin(&reader, network, "\202j", 2, PLENTY); /* of another version */
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_E_MALFORMED);
        cop__reader_begin(&reader, network, "", 0, PLENTY);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_E_MALFORMED);
        network_end(network);
}

/* ---- Names and numbers of others ------------------------------------------------------------ */

static size_t long_atom(char *bytes, char tag, unsigned size)
{
        bytes[0] = tag;
        bytes[1] = (char)(size >> 8);
        bytes[2] = (char)size;
        memset(bytes + 3, '\344', size);
        return 3 + (size_t)size;
}

/* 255 bytes, of which Erlang's 255 characters may need more. */
TEST(an_atom_that_is_too_long_is_opaque)
{
        char bytes[1 + 3 + 255] = "\203";
        size_t size = long_atom(bytes + 1, 'd', 127);
        struct cop__reader reader;
        cop_term term;
        ck_assert_int_eq(read_alone(bytes + 1, size, PLENTY, NULL), COP_OK);
        size = long_atom(bytes + 1, 'd', 128);
        cop__reader_begin(&reader, NULL, bytes, 1 + size, PLENTY);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_OK);
        ck_assert(cop_is_tuple(term, "$erlang", 2));
        ck_assert(cop_term_equal(term.as.items[1], cop_binary(bytes + 1, size)));
        cop__reader_end(&reader);
}

static const char pid_of_them[] = "X" NODE "\0\0\0\1\0\0\0\2\0\0\0\3";
static const char ref_of_them[] = "Z\0\1" NODE "\0\0\0\3\0\0\0\1";
static const char pid_that_does_not_fit[] = "X" NODE "\377\377\377\360\21\42\63\104\0\0\0\3";

static void is_opaque_there(struct cop__network *network, const char *bytes, size_t size)
{
        char text[512];
        ck_assert_int_eq(read_in(network, bytes, size, PLENTY, text), COP_OK);
        ck_assert_msg(strncmp(text, "{'$erlang', ", 12) == 0, "%s", text);
}

TEST(pids_and_references_of_more_lives_than_there_are_numbers_are_opaque)
{
        struct cop__network *network = network_begin();
        network->life_count = COP__LIVES - 1;
        is_opaque_there(network, pid_of_them, sizeof(pid_of_them) - 1);
        is_opaque_there(network, ref_of_them, sizeof(ref_of_them) - 1);
        network_end(network);
}

TEST(pids_that_do_not_fit_are_remembered_up_to_a_limit)
{
        struct cop__network *network = network_begin();
        char other[sizeof(pid_that_does_not_fit)];
        memcpy(other, pid_that_does_not_fit, sizeof(other));
        other[8]--; /* of its serial */
        network->foreign_count = COP__FOREIGN_PIDS - 1;
        ck_assert_int_eq(read_in(network, pid_that_does_not_fit, sizeof(other) - 1, PLENTY, NULL), COP_OK);
        is_opaque_there(network, other, sizeof(other) - 1);
        ck_assert_int_eq(read_in(network, pid_that_does_not_fit, sizeof(other) - 1, PLENTY, NULL), COP_OK);
        network_end(network);
}

TEST(a_reference_of_ours_needs_no_pin)
{
        struct cop__network *network = network_begin();
        cop__ref_pin(network, (cop_ref){ 5 });
        cop__ref_let_go(network, (cop_ref){ 5 });
        ck_assert_uint_eq(network->idle_count, 0);
        network_end(network);
}

/* ---- Memory ----------------------------------------------------------------------------------- */

TEST(what_takes_more_memory_than_it_may_is_refused_wherever_that_is_noticed)
{
        char wide[5 + 5 * 230 + 1] = "l\0\0\0\346";
        char tailed[5 + 2 * 254 + 4] = "l\0\0\0\376", texts[3 + 3000] = "k\13\270", bytes[3 + 300] = "k\1\54";
        for (size_t at = 5; at < sizeof(wide) - 1; at += 5)
                memcpy(wide + at, "b\0\0\40\254", 5);
        wide[sizeof(wide) - 1] = 'j';
        for (size_t at = 5; at < sizeof(tailed) - 4; at += 2)
                memcpy(tailed + at, "a\1", 2);
        memcpy(tailed + sizeof(tailed) - 4, "k\0\1\1", 4);
        memset(texts + 3, '\344', 3000);
        memset(bytes + 3, '\1', 300);
        ck_assert_int_eq(read_alone(wide, sizeof(wide), 4095, NULL), COP_E_TOO_BIG);
        ck_assert_int_eq(read_alone(wide, sizeof(wide), 4096, NULL), COP_E_TOO_BIG); /* its items fit, the text does not */
        ck_assert_int_eq(read_alone(wide, sizeof(wide), 8192, NULL), COP_OK);
        ck_assert_int_eq(read_alone(tailed, sizeof(tailed), 4096, NULL), COP_E_TOO_BIG); /* its parts fit, the whole does not */
        ck_assert_int_eq(read_alone(tailed, sizeof(tailed), 8192, NULL), COP_OK);
        ck_assert_int_eq(read_alone(texts, sizeof(texts), 6000, NULL), COP_E_TOO_BIG);
        ck_assert_int_eq(read_alone(texts, sizeof(texts), 6016, NULL), COP_OK);
        ck_assert_int_eq(read_alone(bytes, sizeof(bytes), 4799, NULL), COP_E_TOO_BIG);
        ck_assert_int_eq(read_alone(bytes, sizeof(bytes), 4800, NULL), COP_OK);
        for (size_t i = 0; i < COP__COUNT(opaque); i++)
                ck_assert_int_eq(read_alone(opaque[i].bytes, opaque[i].size, 4095, NULL), COP_E_TOO_BIG);
        ck_assert_int_eq(read_alone("d\0\1\344", 4, 0, NULL), COP_E_TOO_BIG);
        ck_assert_int_eq(read_alone("w\1a", 3, 0, NULL), COP_OK); /* lies where it came */
}

/* Refuses the n-th request. */
static bool refuses(void *countdown)
{
        long *left = countdown;
        return *left > 0 && --*left == 0;
}

/* Each row is refused as often as it asks, a node that cannot be remembered by COP_E_LIMIT; then it is read. */
TEST(without_memory_a_term_is_refused_and_nothing_is_left)
{
        for (size_t i = 0; i < COP__COUNT(good); i++) {
                cop_status status = COP_E_NO_MEMORY;
                long countdown = 0;
                for (long n = 1; n < 20 && status != COP_OK; n++) {
                        struct cop__network *network = network_begin();
                        countdown = n;
                        cop__memory_simulate(refuses, &countdown);
                        status = read_in(network, good[i].bytes, good[i].size, PLENTY, NULL);
                        cop__memory_simulate(NULL, NULL);
                        ck_assert(status == COP_OK || status == COP_E_NO_MEMORY || status == COP_E_LIMIT);
                        ck_assert(status == COP_OK || countdown == 0);
                        network_end(network);
                }
                ck_assert_int_eq(status, COP_OK);
        }
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static cop_status write_to(struct cop__tray *tray, struct cop__network *network, cop_term term)
{
        struct cop__pen pen = { .tray = tray, .network = network };
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        cop__pen_integer(&pen, 1);
        return pen.status;
}

TEST(what_cannot_be_said_is_refused)
{
        struct cop__network *network = network_begin();
        struct cop__tray tray = { 0 };
        cop_term deep[COP_TERM_DEPTH_MAX + 1];
        deep[0] = cop_tuple_of(NULL, 0);
        for (size_t i = 1; i < COP__COUNT(deep); i++)
                deep[i] = cop_tuple_of(&deep[i - 1], 1);
        ck_assert_int_eq(write_to(&tray, network, deep[COP_TERM_DEPTH_MAX - 1]), COP_OK);
        ck_assert_int_eq(write_to(&tray, network, deep[COP_TERM_DEPTH_MAX]), COP_E_TOO_DEEP);
        ck_assert_int_eq(write_to(&tray, network, cop_pid_term(cop__pid_of(9, 1, 1))), COP_E_NOT_FOUND);
        ck_assert_int_eq(write_to(&tray, network, cop_ref_term((cop_ref){ UINT64_C(1) << 62 | 5 })), COP_E_NOT_FOUND);
        cop_pid pid = cop__pid_of(1, COP__SLOT_OF_FOREIGN, 5); /* of a life that is known, and a number that is not */
        ck_assert_int_eq(read_in(network, pid_of_them, sizeof(pid_of_them) - 1, PLENTY, NULL), COP_OK);
        ck_assert_int_eq(write_to(&tray, network, cop_pid_term(pid)), COP_E_NOT_FOUND);
        /* What comes first is what is said of it. */
        ck_assert_int_eq(write_to(&tray, network, COP_TUPLE(cop_pid_term(pid), deep[COP_TERM_DEPTH_MAX])), COP_E_NOT_FOUND);
        cop__tray_free(&tray);
        network_end(network);
}

static void is_refused(cop_term term)
{
        struct cop__tray tray = { 0 };
        uint64_t hash = 7;
        ck_assert_int_eq(write_to(&tray, NULL, term), COP_E_MALFORMED);
        ck_assert_int_eq(write_to(&tray, NULL, COP_TUPLE(cop_atom("a"), COP_LIST(term))), COP_E_MALFORMED);
        ck_assert_int_eq(cop__term_hash_abroad(term, &hash), COP_E_MALFORMED); /* and is no key that others know */
        ck_assert_uint_eq(hash, 7);
        cop__tray_free(&tray);
}

/* A program may take any bytes for a text or for an atom. */
TEST(what_erlang_could_not_read_is_refused)
{
        const cop_term text = { .type = COP_TERM_TEXT, .count = 3, .as.text = "h\344h" };
        const cop_term number = { .type = COP_TERM_FLOAT, .as.real = (double)INFINITY };
        const cop_term ab = COP_LIST(cop_int(97), cop_int(98));
        cop_term tail[] = { cop_int(1), text };
        cop_term zeros[] = { cop_float(0.0), cop_int(1), cop_float(-0.0), cop_int(2) };
        cop_term nothing[] = { cop_string(""), cop_int(1), cop_nil(), cop_int(2) };
        cop_term same[] = { cop_string("ab"), cop_int(1), cop_atom("c"), cop_int(3), ab, cop_int(2) };
        is_refused(text);
        is_refused(number);
        is_refused(cop_atom("caf\351"));
        is_refused(cop_cons_of(tail, 2));
        is_refused(cop_map_of(zeros, 2));
        is_refused(cop_map_of(nothing, 2));
        is_refused(cop_map_of(same, 3));
}

/* Those that are one to Erlang stand next to each other in the order of keys, whatever holds them. */
TEST(a_map_of_maps_whose_keys_are_one_to_erlang_is_refused)
{
        cop_term ab[] = { cop_string("ab"), cop_int(1) }, listed[] = { COP_LIST(cop_int(97), cop_int(98)), cop_int(1) };
        cop_term between[] = { cop_string("ab"), cop_int(2) };
        cop_term maps[] = { cop_map_of(ab, 1), cop_nil(), cop_map_of(between, 1), cop_nil(), cop_map_of(listed, 1), cop_nil() };
        is_refused(cop_map_of(maps, 3));
}

TEST(a_map_whose_keys_differ_as_numbers_do_is_said)
{
        struct cop__tray tray = { 0 };
        cop_term keys[] = { cop_int(97), cop_int(1), cop_float(97), cop_int(2), cop_string("a"), cop_int(3),
                            COP_LIST(cop_float(97)), cop_int(4) };
        ck_assert_int_eq(write_to(&tray, NULL, cop_map_of(keys, 4)), COP_OK);
        cop__tray_free(&tray);
}

TEST(what_is_behind_the_items_of_a_list_is_never_a_list)
{
        struct cop__tray tray = { 0 };
        const cop_term list = { .type = COP_TERM_LIST }, text = { .type = COP_TERM_TEXT, .as.text = "" };
        cop_term empty[] = { cop_int(5), text }, some[] = { cop_int(1), cop_string("ab") };
        ck_assert_int_eq(write_to(&tray, NULL, list), COP_OK);
        ck_assert_int_eq(write_to(&tray, NULL, cop_cons_of(empty, 2)), COP_OK);
        ck_assert_int_eq(write_to(&tray, NULL, cop_cons_of(some, 2)), COP_OK);
        const char said[] = "\203ja\1\203l\0\0\0\1a\5ja\1\203l\0\0\0\3a\1aaabja\1";
        ck_assert_uint_eq(cop__tray_waiting(&tray), sizeof(said) - 1);
        ck_assert_int_eq(memcmp(tray.data + tray.start, said, sizeof(said) - 1), 0);
        cop__tray_free(&tray);
}

TEST(without_memory_nothing_is_written_any_more)
{
        struct cop__tray tray = { 0 };
        if (!failing_malloc_can())
                return;
        fail_malloc_after(1);
        cop_status status = write_to(&tray, NULL, cop_atom("x"));
        ck_assert(stop_failing_malloc());
        ck_assert_int_eq(status, COP_E_NO_MEMORY);
        ck_assert_uint_eq(cop__tray_waiting(&tray), 0); /* the rest did not follow */
        cop__tray_free(&tray);
}
