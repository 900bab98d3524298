/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Pids, references and statuses as text. */
#include <string.h>

#include "base/random.h"
#include "mailbox/id.h"
#include "tests/suite.h"

TEST(a_pid_prints_its_node_slot_and_generation)
{
        char text[COP_ID_TEXT_MAX];
        ck_assert_str_eq(cop_pid_print(cop__pid_of(0, 5, 1), text), "<0.5.1>");
        ck_assert_str_eq(cop_pid_print(cop_no_pid(), text), "<0.0.0>");
        ck_assert_str_eq(cop_pid_print((cop_pid){ UINT64_MAX }, text), "<255.16777215.4294967295>");
}

TEST(a_reference_prints_its_number)
{
        char text[COP_ID_TEXT_MAX];
        ck_assert_str_eq(cop_ref_print((cop_ref){ 7 }, text), "#Ref<0.7>");
        ck_assert_str_eq(cop_ref_print((cop_ref){ UINT64_MAX }, text),
                         "#Ref<0.18446744073709551615>");
}

TEST(every_id_reads_back_what_it_prints)
{
        uint64_t seed = 1;
        for (int i = 0; i < 20000; i++) {
                uint64_t bits = cop__random_next(&seed);
                bits >>= bits & 63;
                char text[COP_ID_TEXT_MAX];
                cop_pid pid = { 1 };
                cop_ref ref = { 1 };
                cop_pid_print((cop_pid){ bits }, text);
                ck_assert_msg(cop_pid_parse(text, strlen(text), &pid) == COP_OK, "%s", text);
                ck_assert_msg(pid.bits == bits, "%s", text);
                cop_ref_print((cop_ref){ bits }, text);
                ck_assert_msg(cop_ref_parse(text, strlen(text), &ref) == COP_OK, "%s", text);
                ck_assert_msg(ref.bits == bits, "%s", text);
        }
}

TEST(what_is_no_pid_is_malformed_and_leaves_the_result_alone)
{
        static const char *const wrong[] = {
                "",
                "<",
                "<>",
                "<0>",
                "<0.5>",
                "<0.5.>",
                "<0.5.1",
                "0.5.1",
                "<0.5.1> ",
                " <0.5.1>",
                "<256.5.1>",
                "<0.16777216.1>",
                "<0.5.4294967296>",
                "<0.5.1.2>",
                "<-0.5.1>",
                "<00.5.1>",
                "<0.05.1>",
                "<0.5.18446744073709551617>",
                "<0.5.99999999999999999999999>",
                "<0,5,1>",
                "<0. 5.1>",
                "<a.5.1>",
        };
        for (size_t i = 0; i < COP__COUNT(wrong); i++) {
                cop_pid pid = { 42 };
                ck_assert_msg(cop_pid_parse(wrong[i], strlen(wrong[i]), &pid) == COP_E_MALFORMED,
                              "'%s' was read", wrong[i]);
                ck_assert_uint_eq(pid.bits, 42);
        }
}

TEST(what_is_no_reference_is_malformed_and_leaves_the_result_alone)
{
        static const char *const wrong[] = {
                "",
                "#Ref",
                "#Ref<>",
                "#Ref<0.>",
                "#Ref<0.7",
                "#Ref<1.7>",
                "#Ref<0.7>>",
                "#ref<0.7>",
                "#Ref<0.07>",
                "#Ref<0.18446744073709551616>",
                "#Ref<0.7.1>",
                "<0.7>",
        };
        for (size_t i = 0; i < COP__COUNT(wrong); i++) {
                cop_ref ref = { 42 };
                ck_assert_msg(cop_ref_parse(wrong[i], strlen(wrong[i]), &ref) == COP_E_MALFORMED,
                              "'%s' was read", wrong[i]);
                ck_assert_uint_eq(ref.bits, 42);
        }
}

TEST(an_id_is_read_within_its_size_only)
{
        cop_pid pid = { 42 };
        ck_assert_int_eq(cop_pid_parse("<0.5.12>", 7, &pid), COP_E_MALFORMED);
        ck_assert_int_eq(cop_pid_parse("<0.5.1>2", 7, &pid), COP_OK);
        ck_assert_uint_eq(pid.bits, cop__pid_of(0, 5, 1).bits);
        ck_assert_int_eq(cop_pid_parse("<0.5.1>\0", 8, &pid), COP_E_MALFORMED);
}

TEST(the_parts_of_a_pid_come_back_as_they_went_in)
{
        cop_pid pid = cop__pid_of(3, 70000, 4000000000u);
        ck_assert_uint_eq(cop__pid_node(pid), 3);
        ck_assert_uint_eq(cop__pid_slot(pid), 70000);
        ck_assert_uint_eq(cop__pid_generation(pid), 4000000000u);
        ck_assert(cop_pid_equal(pid, pid));
        ck_assert(!cop_pid_equal(pid, cop_no_pid()));
        ck_assert(cop_ref_equal((cop_ref){ 1 }, (cop_ref){ 1 }));
        ck_assert(!cop_ref_equal((cop_ref){ 1 }, (cop_ref){ 2 }));
}

TEST(each_status_has_a_sentence_of_its_own_without_a_full_stop)
{
        for (int i = COP_OK; i <= COP_E_CLOSED; i++) {
                const char *sentence = cop_status_text((cop_status)i);
                ck_assert_str_ne(sentence, "unknown status");
                ck_assert_int_ne(sentence[strlen(sentence) - 1], '.');
                for (int other = COP_OK; other < i; other++)
                        ck_assert_str_ne(sentence, cop_status_text((cop_status)other));
        }
        ck_assert_str_eq(cop_status_text((cop_status)(COP_E_NO_CONNECTION + 1)), "unknown status");
        ck_assert_str_eq(cop_status_text((cop_status)-1), "unknown status");
}
