/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Terms as text, both ways, and what is said about text that is no term. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"
#include "mailbox/term_stack.h"
#include "tests/failing_malloc.h"
#include "tests/random_term.h"
#include "tests/suite.h"

/* Tables as COP_MESSAGE makes them, of kinds that nobody sends. */
#define FIELD(field) \
        { \
                .name = #field, .count = 1, .type = COP_FIELD_INT64 \
        }
#define KIND(kind, ...) \
        static const cop_field kind##_fields[] = { __VA_ARGS__ }; \
        static const cop_kind kind##_kind = { \
                .name = #kind, \
                .fields = kind##_fields, \
                .field_count = COP__COUNT(kind##_fields) - 1, \
                .size = 8 * (COP__COUNT(kind##_fields) - 1), \
                .plain = 1, \
        }

KIND(bill, FIELD(pence), FIELD(people), { 0 });
KIND(share, { .name = "with", .count = 1, .type = COP_FIELD_TEXT }, FIELD(number), { 0 });
KIND(tick, { 0 });
KIND(Odd_name, FIELD(Capital), FIELD(end), { 0 });

static const cop_kind *const shop[] = { &Odd_name_kind, &bill_kind, &share_kind, &tick_kind };

static cop_kinds *shop_kinds(void)
{
        cop_kinds *kinds = cop__kinds_new(shop, shop + COP__COUNT(shop));
        ck_assert_ptr_nonnull(kinds);
        return kinds;
}

static void check_prints(cop_term term, const cop_kinds *kinds, const char *expected)
{
        char text[512];
        size_t size = cop_term_print(term, kinds, text, sizeof text);
        ck_assert_str_eq(text, expected);
        ck_assert_uint_eq(size, strlen(expected));
}

/* `text` is read as a term that prints as `printed`. It lies in a block of its own size,
 * so that a sanitizer sees a byte too far. */
static void check_reads_with(const char *text, const cop_kinds *kinds, const char *printed)
{
        size_t size = strlen(text);
        char *exact = malloc(size ? size : 1);
        memcpy(exact, text, size);
        cop_term term;
        cop_parse_error error = { 0, "" };
        cop_status status = cop_term_parse(exact, size, kinds, &term, &error);
        free(exact);
        ck_assert_msg(status == COP_OK, "%s: at %zu: %s", text, error.offset, error.text);
        check_prints(term, NULL, printed);
        cop_term_free(term);
}

static void check_reads(const char *text, const char *printed)
{
        check_reads_with(text, NULL, printed);
}

static void check_refused_with(const char *text, size_t size, const cop_kinds *kinds,
                               cop_status expected, size_t offset, const char *sentence)
{
        char *exact = malloc(size ? size : 1);
        memcpy(exact, text, size);
        cop_term term = cop_atom("untouched");
        cop_parse_error error = { SIZE_MAX, "" };
        cop_status status = cop_term_parse(exact, size, kinds, &term, &error);
        ck_assert_int_eq(cop_term_parse(exact, size, kinds, &term, NULL), status);
        free(exact);
        ck_assert_msg(status == expected, "%s: %s", text, cop_status_text(status));
        ck_assert_str_eq(error.text, sentence);
        ck_assert_uint_eq(error.offset, offset);
        ck_assert(cop_is_atom(term, "untouched"));
}

static void check_refused(const char *text, size_t offset, const char *sentence)
{
        check_refused_with(text, strlen(text), NULL, COP_E_MALFORMED, offset, sentence);
}

/* --- numbers -------------------------------------------------------------- */

TEST(integers_are_read_as_erlang_writes_them)
{
        check_reads("0", "0");
        check_reads("-0", "0");
        check_reads("+7", "7");
        check_reads("007", "7");
        check_reads("1_000_000", "1000000");
        check_reads("16#ff", "255");
        check_reads("16#FF_FF", "65535");
        check_reads("-2#1010", "-10");
        check_reads("36#Zz", "1295");
        check_reads("$a", "97");
        check_reads("$ ", "32");
        check_reads("$\\n", "10");
        check_reads("$\\s", "32");
        check_reads("$\xc3\xa9", "233");
        check_reads("$\\x{1f600}", "128512");
        check_reads("9223372036854775807", "9223372036854775807");
        check_reads("9223372036854775808", "9223372036854775808");
        check_reads("18446744073709551615", "18446744073709551615");
        check_reads("-9223372036854775808", "-9223372036854775808");
}

TEST(an_integer_beyond_64_bits_is_refused_with_a_sentence)
{
        const char *sentence =
                "an integer has 64 bits: it is -9223372036854775808 to 18446744073709551615";
        check_refused("18446744073709551616", 0, sentence);
        check_refused("{-9223372036854775809}", 1, sentence);
        check_refused("99999999999999999999999999999999999999999999", 0, sentence);
        check_refused("16#1_0000_0000_0000_0000", 0, sentence);
}

TEST(numbers_that_stop_too_soon_are_refused)
{
        check_refused("1#0", 0, "the base of a number is 2 to 36");
        check_refused("37#0", 0, "the base of a number is 2 to 36");
        check_refused("99999999999999999999#0", 0, "the base of a number is 2 to 36");
        check_refused("16#g", 3, "expected a digit of base 16, found 'g'");
        check_refused("2#2", 2, "expected a digit of base 2, found '2'");
        check_refused("16#", 2, "expected nothing behind the term, found '#'");
        check_refused("1_", 1, "expected nothing behind the term, found '_'");
        check_refused("1__0", 1, "expected nothing behind the term, found '__0'");
        check_refused("1e5", 1, "expected nothing behind the term, found 'e5'");
        check_refused("1.", 1, "expected a term, found '.'");
        check_refused(".5", 0, "expected a term, found '.'");
        check_refused("-", 0, "expected a term, found '-'");
        check_refused("-a", 0, "expected a term, found '-'");
        check_refused("$", 1, "expected a character, found the end");
}

TEST(floats_print_as_the_shortest_text_that_reads_back)
{
        check_prints(cop_float(0.0), NULL, "0.0");
        check_prints(cop_float(-0.0), NULL, "-0.0");
        check_prints(cop_float(1.0), NULL, "1.0");
        check_prints(cop_float(-1.5), NULL, "-1.5");
        check_prints(cop_float(0.1), NULL, "0.1");
        check_prints(cop_float(100.25), NULL, "100.25");
        check_prints(cop_float(1e15 / 3), NULL, "333333333333333.3");
        check_prints(cop_float(123456789012345.0), NULL, "123456789012345.0");
        check_prints(cop_float(1e15), NULL, "1.0e15");
        check_prints(cop_float(1e22), NULL, "1.0e22");
        check_prints(cop_float(0.001), NULL, "0.001");
        check_prints(cop_float(0.0001), NULL, "0.0001");
        check_prints(cop_float(0.00001), NULL, "1.0e-5");
        check_prints(cop_float(5e-324), NULL, "5.0e-324");
        check_prints(cop_float(1.7976931348623157e308), NULL, "1.7976931348623157e308");
}

TEST(floats_are_read_as_erlang_writes_them)
{
        check_reads("1.50", "1.5");
        check_reads("-1.0e-3", "-0.001");
        check_reads("1.0E+3", "1000.0");
        check_reads("1_0.2_5", "10.25");
        check_reads("0.0000000000000000000000000000001e31", "1.0");
        check_reads("1.0e-999999999999999999999999", "0.0");
        check_reads("0.0e999999999999999999999999", "0.0");
        check_reads("179769313486231570000000000000000000000.0e270", "1.7976931348623157e308");
        check_refused("1.0e309", 0, "a float is at most 1.7976931348623157e308");
        check_refused("[-1.0e99999999999999999999]", 1,
                      "a float is at most 1.7976931348623157e308");
}

TEST(a_float_of_a_million_digits_is_read)
{
        size_t size = 1000000;
        char *text = malloc(size);
        memset(text, '3', size);
        text[1] = '.';
        cop_term term;
        ck_assert_int_eq(cop_term_parse(text, size, NULL, &term, NULL), COP_OK);
        ck_assert_double_eq(term.as.real, 10.0 / 3);
        memset(text, '3', size);
        text[size - 2] = '.';
        ck_assert_int_eq(cop_term_parse(text, size, NULL, &term, NULL), COP_E_MALFORMED);
        free(text);
}

TEST(floats_do_not_depend_on_the_locale)
{
        static const char *const with_comma[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                                  "de_DE" };
        for (size_t i = 0; i < COP__COUNT(with_comma); i++)
                if (setlocale(LC_ALL, with_comma[i]))
                        break;
        check_reads("[0.5, 1.5e-7, 123.456]", "[0.5, 1.5e-7, 123.456]");
        setlocale(LC_ALL, "C");
}

/* --- atoms and texts ------------------------------------------------------ */

TEST(atoms_are_quoted_when_they_must_be)
{
        check_prints(cop_atom("ok"), NULL, "ok");
        check_prints(cop_atom("a@b_C9"), NULL, "a@b_C9");
        check_prints(cop_atom(""), NULL, "''");
        check_prints(cop_atom("Upper"), NULL, "'Upper'");
        check_prints(cop_atom("_x"), NULL, "'_x'");
        check_prints(cop_atom("9x"), NULL, "'9x'");
        check_prints(cop_atom("two words"), NULL, "'two words'");
        check_prints(cop_atom("it's"), NULL, "'it\\'s'");
        check_prints(cop_atom("end"), NULL, "'end'");
        check_prints(cop_atom("\xc3\xa9"), NULL, "'\xc3\xa9'");
        check_prints(cop_bool(true), NULL, "true");
}

TEST(atoms_are_read_bare_and_quoted)
{
        check_reads("ok", "ok");
        check_reads("'ok'", "ok");
        check_reads("''", "''");
        check_reads("'Hello World'", "'Hello World'");
        check_reads("'it\\'s'", "'it\\'s'");
        check_reads("end", "'end'");
        check_reads("a@b", "a@b");
}

TEST(an_atom_has_at_most_255_bytes)
{
        char text[300];
        memset(text, 'a', sizeof text);
        cop_term term;
        ck_assert_int_eq(cop_term_parse(text, 255, NULL, &term, NULL), COP_OK);
        ck_assert_uint_eq(term.count, 255);
        cop_term_free(term);
        check_refused_with(text, 256, NULL, COP_E_MALFORMED, 0,
                           "an atom has at most 255 bytes, this one has 256");
        text[0] = text[257] = '\'';
        check_refused_with(text, 258, NULL, COP_E_MALFORMED, 0,
                           "an atom has at most 255 bytes, this one has 256");
}

TEST(a_variable_is_no_term)
{
        check_refused("X", 0, "expected a term, which a variable is not, found 'X'");
        check_refused("{ok, _}", 5, "expected a term, which a variable is not, found '_'");
}

TEST(texts_know_erlangs_escapes)
{
        check_reads("\"\"", "\"\"");
        check_reads("\"caf\xc3\xa9\"", "\"caf\xc3\xa9\"");
        check_reads("\"\\b\\d\\e\\f\\n\\r\\s\\t\\v\"", "\"\\b\\d\\e\\f\\n\\r \\t\\v\"");
        check_reads("\"\\\"\\'\\\\\"", "\"\\\"'\\\\\"");
        check_reads("\"\\0\\12\\1234\"", "\"\\x{0}\\nS4\"");
        check_reads("\"\\x41\\x{e9}\\x{1F600}\"", "\"A\xc3\xa9\xf0\x9f\x98\x80\"");
        check_reads("\"\\^A\\^Z\\q\"", "\"\\x{1}\\x{1a}q\"");
        check_reads("\"\\^a\\^z\\^[\\^?\\^1\\^\xc3\xa9\"", "\"\\x{1}\\x{1a}\\e\\x{1f}\\x{11}\\t\"");
        check_reads("[$\\^a, $\\^?, $\\^`]", "[1, 31, 0]");
        check_reads("\"two\nlines\"", "\"two\\nlines\"");
}

TEST(what_is_blank_in_erlang_is_blank)
{
        check_reads("\f[1,\v2,\xc2\xa0 3\xc2\xa0,\t\r\n4 % \xc2\xa0\f\n]\xc2\xa0", "[1, 2, 3, 4]");
        check_refused("1 \xc2", 2, "expected a term, found '\xef\xbf\xbd'");
        check_refused("1 \xc2\xa1", 2, "expected a term, found '\xc2\xa1'");
}

TEST(adjacent_texts_join)
{
        check_reads("\"a\" \"b\"\n% and\n\"c\"", "\"abc\"");
        check_reads("{\"a\" \"b\", \"c\"}", "{\"ab\", \"c\"}");
}

TEST(what_is_wrong_inside_quotes_is_told)
{
        check_refused("\"abc", 0, "this \" is never closed");
        check_refused("{a, 'abc}", 4, "this quote is never closed");
        check_refused("\"a\" \"b", 4, "this \" is never closed");
        check_refused("\"abc\\", 5, "expected a character, found the end");
        check_refused("$\\^", 3, "expected a character, found the end");
        check_refused("\"\\^\"", 0, "this \" is never closed");
        check_refused("\"\\x4\"", 4,
                      "expected two hexadecimal digits, or {digits}, after \\x, found '\"'");
        check_refused("\"\\x{}\"", 4,
                      "expected two hexadecimal digits, or {digits}, after \\x, found '}'");
        check_refused("\"\\x{41\"", 6,
                      "expected two hexadecimal digits, or {digits}, after \\x, found '\"'");
        check_refused("\"\\x{d800}\"", 4, "there is no character of this number");
        check_refused("\"\\x{110000}\"", 4, "there is no character of this number");
        check_refused("\"\\x{ffffffffffffffffffff}\"", 4, "there is no character of this number");
        check_refused("\"\xff\"", 1, "expected UTF-8, found the byte 0xff");
        check_refused("'\xc0\x80'", 1, "expected UTF-8, found the byte 0xc0");
        check_refused("\"\xed\xa0\x80\"", 1, "expected UTF-8, found the byte 0xed");
        check_refused("\"\xe2\x82", 1, "expected UTF-8, found the byte 0xe2");
}

TEST(a_zero_byte_is_refused_wherever_it_stands)
{
        const char *quoted = "expected a character, found a zero byte, which is written \\0";
        check_refused_with("\"a\0b\"", 5, NULL, COP_E_MALFORMED, 2, quoted);
        check_refused_with("'a\0b'", 5, NULL, COP_E_MALFORMED, 2, quoted);
        check_refused_with("$\0", 2, NULL, COP_E_MALFORMED, 1, quoted);
        check_refused_with("ok\0", 3, NULL, COP_E_MALFORMED, 2, "expected a term, found '\\x{0}'");
        check_refused_with("\0", 1, NULL, COP_E_MALFORMED, 0, "expected a term, found '\\x{0}'");
}

/* --- binaries ------------------------------------------------------------- */

TEST(binaries_print_as_text_when_they_are_text)
{
        check_prints(cop_binary("", 0), NULL, "<<>>");
        check_prints(cop_binary("text", 4), NULL, "<<\"text\">>");
        check_prints(cop_binary("a\n", 2), NULL, "<<\"a\\n\">>");
        check_prints(cop_binary("caf\xc3\xa9", 5), NULL, "<<\"caf\xc3\xa9\"/utf8>>");
        check_prints(cop_binary("\x00\x01\xff", 3), NULL, "<<0, 1, 255>>");
        check_prints(cop_binary("\x1b[0m", 4), NULL, "<<27, 91, 48, 109>>");
}

TEST(binaries_are_read_segment_by_segment)
{
        check_reads("<<>>", "<<>>");
        check_reads("<< >>", "<<>>");
        check_reads("<<1,2,255>>", "<<1, 2, 255>>");
        check_reads("<<\"abc\">>", "<<\"abc\">>");
        check_reads("<<\"a\" \"b\", $c, 16#64>>", "<<\"abcd\">>");
        check_reads("<<\"caf\xc3\xa9\">>", "<<99, 97, 102, 233>>");
        check_reads("<<\"caf\xc3\xa9\"/utf8>>", "<<\"caf\xc3\xa9\"/utf8>>");
        check_reads("<<0, \"\xc3\xa9\"/utf8, \"\xc3\xa9\", 1>>", "<<0, 195, 169, 233, 1>>");
        check_reads("#{a=><<1>>}", "#{a => <<1>>}");
}

TEST(what_is_no_byte_is_refused_in_a_binary)
{
        check_refused("<<256>>", 2, "expected a byte (0 to 255) or a \"text\", found '256'");
        check_refused("<<-1>>", 2, "expected a byte (0 to 255) or a \"text\", found '-1'");
        check_refused("<<1.0>>", 2, "expected a byte (0 to 255) or a \"text\", found '1.0'");
        check_refused("<<a>>", 2, "expected a byte (0 to 255) or a \"text\", found 'a'");
        check_refused("<<1,>>", 4, "expected a byte (0 to 255) or a \"text\", found '>>'");
        check_refused("<<1", 3, "expected ',' or '>>', found the end");
        check_refused("<<1 2>>", 4, "expected ',' or '>>', found '2'");
        check_refused("<<\"a\"/latin1>>", 6, "expected utf8, found 'latin1'");
        check_refused("<<\"\xe2\x82\xac\">>", 2,
                      "expected characters up to 255, or /utf8 behind the text, found U+20AC");
}

/* --- containers ----------------------------------------------------------- */

TEST(containers_print_and_read_in_erlangs_syntax)
{
        check_reads("{}", "{}");
        check_reads("{bill,900,3}", "{bill, 900, 3}");
        check_reads("[]", "[]");
        check_reads("[1,[2],{3}]", "[1, [2], {3}]");
        check_reads("[a|b]", "[a | b]");
        check_reads("[a,b|c]", "[a, b | c]");
        check_reads("[a|[]]", "[a]");
        check_reads("[a|[b|[c,d]]]", "[a, b, c, d]");
        check_reads("[a|[b|c]]", "[a, b | c]");
        check_reads("[$a|\"bc\"]", "[97 | \"bc\"]");
        const cop_term inner[] = { cop_int(3), cop_atom("x") };
        const cop_term middle[] = { cop_int(2), cop_cons_of(inner, 2) }, outer[] = { cop_int(1), cop_cons_of(middle, 2) };
        check_prints(cop_cons_of(outer, 2), NULL, "[1, 2, 3 | x]");
        const cop_term proper[] = { cop_int(1), cop_list_of(inner, 2) };
        check_prints(cop_cons_of(proper, 2), NULL, "[1, 3, x]");
        check_reads("#{}", "#{}");
        check_reads("# { b => 1 , \"k\" => #{ } }", "#{b => 1, \"k\" => #{}}");
        check_reads("#{b => 1, a => 2, b => 3}", "#{a => 2, b => 3}");
        check_reads("{<0.5.1>, #Ref<0.7>}", "{<0.5.1>, #Ref<0.7>}");
        check_reads("  % a remark {[(\n ok % another", "ok");
}

TEST(what_is_missing_or_too_much_is_told)
{
        check_refused("", 0, "expected a term, found the end");
        check_refused("  % nothing", 11, "expected a term, found the end");
        check_refused("{", 1, "expected a term, found the end");
        check_refused("{a", 2, "expected ',' or '}', found the end");
        check_refused("{a b}", 3, "expected ',' or '}', found 'b'");
        check_refused("{a,}", 3, "expected a term, found '}'");
        check_refused("{a]", 2, "expected ',' or '}', found ']'");
        check_refused("[a}", 2, "expected ',', '|' or ']', found '}'");
        check_refused("[|a]", 1, "expected a term, found '|'");
        check_refused("[a|b,c]", 4, "expected ']' behind the tail of a list, found ','");
        check_refused("#{a}", 3, "expected '=>' behind the key of a map, found '}'");
        check_refused("#{a => 1, b}", 11, "expected '=>' behind the key of a map, found '}'");
        check_refused("#{a => 1 b => 2}", 9, "expected ',' or '}', found 'b'");
        check_refused("#[", 1, "expected the name of a kind, or '{' for a map, found '['");
        check_refused("a b", 2, "expected nothing behind the term, found 'b'");
        check_refused("{a}}", 3, "expected nothing behind the term, found '}'");
        check_refused("<0.5>", 0, "expected a pid such as <0.5.1>, found '<0.5>'");
        check_refused("<0.5.", 0, "expected a pid such as <0.5.1>, found '<0.5.'");
        check_refused("#Ref<1.2.3>", 0,
                      "expected a reference such as #Ref<0.7>, found '#Ref<1.2.3>'");
        check_refused("\xc3\xa9", 0, "expected a term, found '\xc3\xa9'");
        check_refused("[\xff]", 1, "expected a term, found '\xef\xbf\xbd'");
        check_refused("{a, \x1b[2J}", 4, "expected a term, found '\\e'");
}

TEST(a_long_word_is_shortened_in_the_error)
{
        check_refused("{a abcdefghijklmnopqrstuvwxyz}", 3,
                      "expected ',' or '}', found 'abcdefghijklmnopqrstuvwx'...");
}

/* --- records -------------------------------------------------------------- */

TEST(a_record_is_the_tuple_of_its_kind)
{
        cop_kinds *kinds = shop_kinds();
        check_reads_with("#bill{pence = 900, people = 3}", kinds, "{bill, 900, 3}");
        check_reads_with("#bill{people=3,pence=900}", kinds, "{bill, 900, 3}");
        check_reads_with("#bill{}", kinds, "{bill, 0, 0}");
        check_reads_with("#bill{people = #bill{pence = [1]}}", kinds, "{bill, 0, {bill, [1], 0}}");
        check_reads_with("#tick{}", kinds, "{tick}");
        check_reads_with("# tick { }", kinds, "{tick}");
        check_reads_with("#'bill'{'pence' = 1}", kinds, "{bill, 1, 0}");
        check_reads_with("#Odd_name{Capital = 1, end = 2}", kinds, "{'Odd_name', 1, 2}");
        check_reads_with("#share{}", kinds, "{share, \"\", 0}");
        cop__kinds_free(kinds);
}

TEST(a_tuple_that_fits_a_kind_prints_as_its_record)
{
        cop_kinds *kinds = shop_kinds();
        cop_term bill = COP_TUPLE(cop_atom("bill"), cop_int(900), cop_int(3));
        check_prints(bill, kinds, "#bill{pence = 900, people = 3}");
        check_prints(bill, NULL, "{bill, 900, 3}");
        check_prints(COP_TUPLE(cop_atom("bill"), cop_int(900)), kinds, "{bill, 900}");
        check_prints(COP_TUPLE(cop_string("bill"), cop_int(1), cop_int(2)), kinds,
                     "{\"bill\", 1, 2}");
        check_prints(COP_TUPLE(cop_atom("tick")), kinds, "#tick{}");
        check_prints(COP_TUPLE(cop_atom("Odd_name"), cop_int(1), bill), kinds,
                     "#'Odd_name'{'Capital' = 1, 'end' = #bill{pence = 900, people = 3}}");
        cop__kinds_free(kinds);
}

static void check_record_refused(const char *text, cop_status status, size_t offset,
                                 const char *sentence)
{
        cop_kinds *kinds = shop_kinds();
        check_refused_with(text, strlen(text), kinds, status, offset, sentence);
        cop__kinds_free(kinds);
}

TEST(an_unknown_kind_is_answered_with_those_that_are_known)
{
        check_record_refused(
                "#bil{pence = 1}", COP_E_NO_KIND, 1,
                "no kind 'bil'; known kinds: Odd_name, bill, share, tick; did you mean bill?");
        check_record_refused(
                "#spare{}", COP_E_NO_KIND, 1,
                "no kind 'spare'; known kinds: Odd_name, bill, share, tick; did you mean share?");
        check_record_refused("#elephant{}", COP_E_NO_KIND, 1,
                             "no kind 'elephant'; known kinds: Odd_name, bill, share, tick");
        check_refused_with("#bill{}", 7, NULL, COP_E_NO_KIND, 1,
                           "no kind 'bill'; no kinds are known here");
}

TEST(an_unknown_field_is_answered_with_those_that_there_are)
{
        check_record_refused("#bill{penc = 900}", COP_E_MALFORMED, 6,
                             "expected a field of bill (pence, people), found 'penc'");
        check_record_refused("#bill{pence = 900, 3}", COP_E_MALFORMED, 19,
                             "expected a field of bill (pence, people), found '3'");
        check_record_refused("#bill{pence = 900,}", COP_E_MALFORMED, 18,
                             "expected a field of bill (pence, people), found '}'");
        check_record_refused("#tick{x = 1}", COP_E_MALFORMED, 6,
                             "expected '}', as tick has no fields, found 'x'");
        check_record_refused("#bill{pence = 1, pence = 2}", COP_E_MALFORMED, 17,
                             "the field pence of bill is given twice");
        check_record_refused("#bill{pence: 1}", COP_E_MALFORMED, 11, "expected a term, found ':'");
        check_record_refused("#bill{pence 1}", COP_E_MALFORMED, 12,
                             "expected '=' behind the name of a field, found '1'");
        check_record_refused("#bill", COP_E_MALFORMED, 5,
                             "expected '{' behind the name of a kind, found the end");
        check_record_refused("#bill{pence = 1", COP_E_MALFORMED, 15,
                             "expected ',' or '}', found the end");
}

TEST(a_list_of_many_kinds_is_cut_but_not_the_suggestion)
{
        enum {
                MANY = 100
        };
        static char names[MANY][24];
        static cop_kind kinds_made[MANY];
        const cop_kind *pointers[MANY];
        for (int i = 0; i < MANY; i++) {
                snprintf(names[i], sizeof names[i], "kind_number_%03d", i);
                kinds_made[i] = tick_kind;
                kinds_made[i].name = names[i];
                pointers[i] = &kinds_made[i];
        }
        cop_kinds *kinds = cop__kinds_new(pointers, pointers + MANY);
        const char *text = "#kind_numbr_077{}";
        check_refused_with(
                text, strlen(text), kinds, COP_E_NO_KIND, 1,
                "no kind 'kind_numbr_077'; known kinds: kind_number_000, kind_number_001, "
                "kind_number_002, kind_number_003, ...; did you mean kind_number_077?");
        cop__kinds_free(kinds);
}

TEST(of_many_kinds_the_programs_own_are_told_first)
{
        static cop_kind library[4];
        const cop_kind *pointers[COP__COUNT(library) + 1];
        static const char *const names[] = { "cop_alias", "cop_any", "cop_child_count", "cop_child_spec" };
        for (size_t i = 0; i < COP__COUNT(library); i++) {
                library[i] = tick_kind;
                library[i].name = names[i];
                pointers[i] = &library[i];
        }
        pointers[COP__COUNT(library)] = &tick_kind;
        cop_kinds *kinds = cop__kinds_new(pointers, pointers + COP__COUNT(pointers));
        check_refused_with("#elephant{}", 11, kinds, COP_E_NO_KIND, 1,
                           "no kind 'elephant'; known kinds: tick, cop_alias, cop_any, cop_child_count, cop_child_spec");
        cop__kinds_free(kinds);
}

KIND(a_kind_whose_name_is_so_long_that_nobody_would_ever_type_it_by_hand, { 0 });
KIND(roll, FIELD(the_first_of_many_fields), FIELD(the_second_of_many_fields), FIELD(the_third_of_many_fields), FIELD(end), { 0 });

TEST(names_too_long_to_be_typed_by_hand_are_no_suggestions)
{
        static const cop_kind *const lists[] = { &a_kind_whose_name_is_so_long_that_nobody_would_ever_type_it_by_hand_kind,
                                                 &bill_kind };
        cop_kinds *kinds = cop__kinds_new(lists, lists + 2);
        const char *text = "#bil{}";
        check_refused_with(text, strlen(text), kinds, COP_E_NO_KIND, 1,
                           "no kind 'bil'; known kinds: ...; did you mean bill?");
        text = "#billion_of_them_and_whatever_else_may_be_typed_in_one_word{}";
        check_refused_with(text, strlen(text), kinds, COP_E_NO_KIND, 1,
                           "no kind 'billion_of_them_and_what'...; known kinds: ...");
        cop__kinds_free(kinds);
}

TEST(a_list_of_many_fields_is_cut)
{
        static const cop_kind *const lists[] = { &roll_kind };
        cop_kinds *kinds = cop__kinds_new(lists, lists + 1);
        const char *text = "#roll{x = 1}";
        check_refused_with(text, strlen(text), kinds, COP_E_MALFORMED, 6,
                           "expected a field of roll (the_first_of_many_fields, the_second_of_many_fields, ...), found 'x'");
        cop__kinds_free(kinds);
}

/* --- depth and size ------------------------------------------------------- */

TEST(a_text_nested_too_deep_is_refused_and_the_deepest_is_read)
{
        static const char *const brackets[][2] = {
                { "[", "]" }, { "{", "}" }, { "#{a=>", "}" }, { "[a|", "]" }
        };
        for (size_t i = 0; i < COP__COUNT(brackets); i++)
                for (int depth = COP_TERM_DEPTH_MAX; depth <= COP_TERM_DEPTH_MAX + 1; depth++) {
                        struct cop__text text;
                        cop__text_init(&text);
                        for (int level = 0; level < depth; level++)
                                cop__text_append_string(&text, brackets[i][0]);
                        cop__text_append_string(&text, "[]");
                        for (int level = 0; level < depth; level++)
                                cop__text_append_string(&text, brackets[i][1]);
                        cop_term term = cop_nil();
                        cop_parse_error error;
                        cop_status status = cop_term_parse(cop__text_get(&text), text.size, NULL,
                                                           &term, &error);
                        bool fits = depth <= COP_TERM_DEPTH_MAX;
                        ck_assert_int_eq(status, fits ? COP_OK : COP_E_TOO_DEEP);
                        if (!fits)
                                ck_assert_str_eq(error.text, "this is nested deeper than 64");
                        cop_term_free(term);
                        cop__text_fini(&text);
                }
}

TEST(a_million_open_brackets_are_refused)
{
        size_t size = 1000000;
        char *text = malloc(size);
        for (const char *bracket = "[{#"; *bracket; bracket++) {
                memset(text, *bracket, size);
                cop_term term;
                cop_status status = cop_term_parse(text, size, NULL, &term, NULL);
                ck_assert_int_eq(status, *bracket == '#' ? COP_E_MALFORMED : COP_E_TOO_DEEP);
        }
        free(text);
}

TEST(a_term_too_deep_to_print_shows_dots)
{
        static cop_term boxes[1000];
        cop_term term = cop_int(1);
        for (size_t i = 0; i < COP__COUNT(boxes); i++) {
                boxes[i] = term;
                term = cop_tuple_of(&boxes[i], 1);
        }
        char text[512];
        size_t size = cop_term_print(term, NULL, text, sizeof text);
        ck_assert_uint_eq(size, 2 * COP_TERM_DEPTH_MAX + 3);
        ck_assert_int_eq(strncmp(text + COP_TERM_DEPTH_MAX, "...}", 4), 0);
}

TEST(a_print_fits_its_limit_and_returns_the_whole_length)
{
        cop_term term = COP_TUPLE(cop_atom("caf\xc3\xa9"), cop_string("\xe2\x82\xac\xe2\x82\xac"),
                                  cop_int(123456));
        char whole[128], part[128];
        size_t size = cop_term_print(term, NULL, whole, sizeof whole);
        ck_assert_str_eq(whole, "{'caf\xc3\xa9', \"\xe2\x82\xac\xe2\x82\xac\", 123456}");
        for (size_t limit = 0; limit <= size + 1; limit++) {
                memset(part, '#', sizeof part);
                ck_assert_uint_eq(cop_term_print(term, NULL, limit ? part : NULL, limit), size);
                ck_assert_int_eq(part[limit], '#');
                if (limit == 0)
                        continue;
                ck_assert_uint_lt(strlen(part), limit);
                if (limit > size)
                        ck_assert_str_eq(part, whole);
                else if (limit > 3)
                        ck_assert_str_eq(part + strlen(part) - 3, "...");
                cop_term ignored;
                if (limit > size)
                        continue;
                ck_assert_int_eq(cop_term_parse(part, strlen(part), NULL, &ignored, NULL),
                                 COP_E_MALFORMED);
        }
}

TEST(a_term_filled_in_by_hand_prints_without_harm)
{
        cop_term odd = { .type = COP_TERM_TEXT, .count = 2, .as.text = "\xff\x1b" };
        check_prints(odd, NULL, "\"\xef\xbf\xbd\\e\"");
        odd = (cop_term){ .type = COP_TERM_FLOAT, .as.real = NAN };
        check_prints(odd, NULL, "nan");
        odd.as.real = -INFINITY;
        check_prints(odd, NULL, "'-infinity'");
        odd = (cop_term){ .type = 99 };
        check_prints(odd, NULL, "[]");
}

TEST(what_no_message_has_room_for_prints_as_dots)
{
        cop_term large = { .type = COP_TERM_TEXT, .count = (uint32_t)COP_MESSAGE_SIZE_MAX + 1, .as.text = "nobody reads this" };
        check_prints(COP_TUPLE(cop_int(1), large, cop_int(2)), NULL, "{1, ..., 2}");
        check_prints(COP_LIST(large, large), NULL, "[..., ...]");
}

/* --- all terms, all bytes ------------------------------------------------- */

static void check_round_trip(uint64_t seed, const cop_kinds *kinds)
{
        struct random_terms random = { .state = seed };
        cop_term term = random_term(&random, random_below(&random, 6));
        struct cop__text text, again;
        cop__text_init(&text);
        cop__text_init(&again);
        cop__term_print(&text, term, kinds);
        cop_term read;
        cop_parse_error error = { 0, "" };
        cop_status status = cop_term_parse(cop__text_get(&text), text.size, kinds, &read, &error);
        ck_assert_msg(status == COP_OK, "seed %lu: %s: at %zu: %s", seed, cop__text_get(&text),
                      error.offset, error.text);
        cop__term_print(&again, read, kinds);
        ck_assert_msg(cop_term_equal(term, read), "seed %lu: %s became %s", seed,
                      cop__text_get(&text), cop__text_get(&again));
        ck_assert_str_eq(cop__text_get(&text), cop__text_get(&again));
        cop_term_free(read);
        cop__text_fini(&again);
        cop__text_fini(&text);
        random_terms_fini(&random);
}

TEST(a_term_printed_and_parsed_is_equal)
{
        cop_kinds *kinds = shop_kinds();
        uint64_t rounds = suite_is_slow() ? 4000 : 40000;
        for (uint64_t seed = 1; seed <= rounds; seed++)
                check_round_trip(seed, seed % 2 ? kinds : NULL);
        cop__kinds_free(kinds);
}

/* A printed term with some bytes changed or cut off. */
TEST(damaged_text_is_a_term_or_an_error)
{
        static const char spice[] = "{}[]()<>#|,=>'\"\\$%_.-+:/aZ09xe\n\0\xff\xc3\xe2";
        cop_kinds *kinds = shop_kinds();
        uint64_t rounds = suite_is_slow() ? 10000 : 60000;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                struct random_terms random = { .state = seed };
                char printed[300];
                cop_term_print(random_term(&random, 4), kinds, printed, sizeof printed);
                size_t size = strlen(printed);
                for (uint32_t i = random_below(&random, 4); size > 0 && i > 0; i--)
                        printed[random_below(&random, (uint32_t)size)] =
                                spice[random_below(&random, sizeof spice)];
                if (random_below(&random, 3) == 0)
                        size = random_below(&random, (uint32_t)size + 1);
                char *exact = malloc(size ? size : 1);
                memcpy(exact, printed, size);
                cop_term term;
                cop_parse_error error = { SIZE_MAX, "" };
                cop_status status = cop_term_parse(exact, size, kinds, &term, &error);
                free(exact);
                if (status == COP_OK) {
                        cop_term_free(term);
                } else {
                        ck_assert_msg(error.offset <= size, "seed %lu: offset %zu", seed,
                                      error.offset);
                        ck_assert_msg(strlen(error.text) > 10 &&
                                              strlen(error.text) < sizeof error.text,
                                      "seed %lu: %s", seed, error.text);
                        ck_assert_msg(cop__text_is_readable(error.text, strlen(error.text)),
                                      "seed %lu: %s", seed, error.text);
                }
                random_terms_fini(&random);
        }
        cop__kinds_free(kinds);
}

TEST(every_beginning_of_a_text_is_refused_or_a_term)
{
        static const char text[] =
                "{ok, -12, 16#ff, 1.5e3, $\\x{41}, 'q\\'q', \"t\\n\" \"u\", <<1, \"x\"/utf8>>, "
                "[a, b | c], #{k => v}, <0.5.1>, #Ref<0.7>, #bill{pence = 1}} % end";
        cop_kinds *kinds = shop_kinds();
        size_t whole = strlen(text) - strlen(" % end");
        for (size_t size = 0; size < sizeof text; size++) {
                char *exact = malloc(size ? size : 1);
                memcpy(exact, text, size);
                cop_term term;
                cop_status status = cop_term_parse(exact, size, kinds, &term, NULL);
                ck_assert_msg((status == COP_OK) == (size >= whole && size < sizeof text),
                              "size %zu", size);
                if (status == COP_OK)
                        cop_term_free(term);
                free(exact);
        }
        cop__kinds_free(kinds);
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"

TEST(parsing_without_memory_fails_cleanly_at_every_allocation)
{
        if (!failing_malloc_can())
                return;
        static const char text[] =
                "{1.5, 'quoted atom', \"text\", <<1, \"x\">>, [a | [b, c]], #{k => v}, "
                "#bill{pence = 1}, <<1, \"" LONG LONG LONG "\">>, "
                "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28]}";
        cop_kinds *kinds = shop_kinds();
        long failures = 0;
        for (long n = 1;; n++) {
                cop_term term = cop_int(42);
                cop_parse_error error = { 0, "" };
                fail_malloc_after(n);
                cop_status status = cop_term_parse(text, strlen(text), kinds, &term, &error);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        cop_term_free(term);
                        break;
                }
                failures++;
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                ck_assert_str_eq(error.text, "no memory is left");
                ck_assert_int_eq(term.as.integer, 42);
        }
        ck_assert_int_ge(failures, 5);
        cop__kinds_free(kinds);
}

/* What has been read waits on a stack, which grows at any place. */
TEST(a_text_of_any_length_is_read_or_there_is_no_memory_for_it)
{
        if (!failing_malloc_can())
                return;
        cop_kinds *kinds = shop_kinds();
        for (int i = 0; i < 140; i++) {
                int before = i / 2;
                char text[4096] = "[", word[2000] = "";
                memset(word, 'x', sizeof(word) - 1);
                for (int j = 0; j < before; j++)
                        strcat(text, "1,");
                strcat(text, i % 2 != 0 ? "#bill{pence = 1}, [a | [b, c, d | e]], [f | [g, h]]"
                                        : "[a | [b, c, d | e]], [f | [g, h]], #bill{pence = 1}");
                strcat(strcat(strcat(text, ", \""), word), "\"]");
                for (long n = 1;; n++) {
                        cop_term term;
                        cop_parse_error error;
                        fail_malloc_after(n);
                        cop_status status = cop_term_parse(text, strlen(text), kinds, &term, &error);
                        ck_assert_int_eq(status, stop_failing_malloc() ? COP_E_NO_MEMORY : COP_OK);
                        if (status != COP_OK)
                                continue;
                        ck_assert_uint_eq(term.count, (size_t)before + 4);
                        cop_term_free(term);
                        break;
                }
        }
        cop__kinds_free(kinds);
}

TEST(what_is_wrong_behind_the_name_of_a_kind_or_a_field_is_told)
{
        cop_kinds *kinds = shop_kinds();
        const char *text = "#bill\"x";
        check_refused_with(text, strlen(text), kinds, COP_E_MALFORMED, 5, "this \" is never closed");
        text = "#bill{pence \"x";
        check_refused_with(text, strlen(text), kinds, COP_E_MALFORMED, 12, "this \" is never closed");
        char nested[1200] = "";
        for (int i = 0; i <= COP_TERM_DEPTH_MAX; i++)
                strcat(nested, "#bill{pence = ");
        check_refused_with(nested, strlen(nested), kinds, COP_E_TOO_DEEP, 14 * COP_TERM_DEPTH_MAX + 1,
                           "this is nested deeper than 64");
        cop__kinds_free(kinds);
}

TEST(what_is_built_is_never_larger_than_a_message_may_be)
{
        /* A whole GiB would take a test seconds: the stack is told that it has kept most of it. */
        struct cop__term_stack stack;
        cop__term_stack_init(&stack);
        ck_assert_ptr_nonnull(cop__term_stack_keep(&stack, "kept", 4));
        stack.scratch.total = COP_MESSAGE_SIZE_MAX - 16;
        ck_assert(cop__term_stack_push(&stack, cop_int(1)));
        ck_assert(cop__term_stack_push(&stack, cop_int(2)));
        ck_assert_ptr_null(cop__term_stack_take(&stack, 0));
        ck_assert_int_eq(stack.scratch.status, COP_E_TOO_BIG);
        ck_assert_uint_eq(stack.count, 2);
        ck_assert_ptr_null(cop__term_stack_keep(&stack, "more", 4));
        cop__term_stack_fini(&stack);
}

/* [0 | [0 | ... [0, 0, 0, ...] ...]]: each of 63 tails goes on with the list that it ends. */
static char *tails_in_tails(size_t items, size_t *size)
{
        struct cop__text text;
        cop__text_init(&text);
        for (int i = 0; i < 62; i++)
                cop__text_append_string(&text, "[0|");
        cop__text_append_string(&text, "[0");
        for (size_t i = 1; i < items; i++)
                cop__text_append_string(&text, ",0");
        for (int i = 0; i < 63; i++)
                cop__text_append_char(&text, ']');
        return cop__text_take(&text, size);
}

TEST(tails_in_tails_take_no_more_memory_than_what_they_hold)
{
        size_t size, items = 10000;
        cop_term term;
        cop_parse_error error;
        char *text = tails_in_tails(items, &size);
        ck_assert_ptr_nonnull(text);
        cop_status status = cop__term_parse_within(text, size, NULL, 3 * items * sizeof(cop_term), &term, &error);
        ck_assert_msg(status == COP_OK, "%s", error.text);
        ck_assert_int_eq(term.type, COP_TERM_LIST);
        ck_assert_uint_eq(term.count, items + 62);
        cop_term_free(term);
        free(text);
}

TEST(a_text_that_takes_more_memory_than_it_may_is_refused_where_that_is)
{
        cop_term term = cop_int(42);
        cop_parse_error error;
        const char *text = "[{1, 2, 3}, {4, 5, 6}, {7, 8, 9}]";
        ck_assert_int_eq(cop__term_parse_within(text, strlen(text), NULL, 5 * sizeof(cop_term), &term, &error),
                         COP_E_TOO_BIG);
        ck_assert_str_eq(error.text, "with this, the term takes more memory than it may here");
        ck_assert_uint_eq(error.offset, 20); /* the end of the second tuple */
        ck_assert_int_eq(term.as.integer, 42);
}
