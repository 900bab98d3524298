/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a crash report tells of the messages before and after the one that its actor was at, and
 * what not. */
#include <string.h>

#include <coppice/machine.h>
#include <coppice/sys.h>

#include "actors/info.h"
#include "actors/line.h"
#include "actors/recent.h"
#include "tests/node_fixture.h"

typedef struct bill {
        int64_t pence;
        cop_text card;
} bill;
COP_MESSAGE(bill, pence, card);

typedef struct refund {
        int64_t pence;
} refund;
COP_MESSAGE(refund, pence);

typedef struct hold {
        cop_pid tell;
} hold;
COP_MESSAGE(hold, tell);

typedef struct go {
        int64_t number;
} go;
COP_MESSAGE(go, number);

typedef struct held {
        int64_t number;
} held;
COP_MESSAGE(held, number);

typedef struct boom {
        int64_t number;
} boom;
COP_MESSAGE(boom, number);

typedef struct till {
        int64_t bills;
} till;

static void till_on_bill(till *self, const bill *b)
{
        self->bills += b->pence != 0;
}

static void till_on_refund(till *self, const refund *r)
{
        self->bills -= r->pence != 0;
}

static void till_on_hold(till *self, const hold *h)
{
        (void)self;
        cop_send(h->tell, held);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_exit(cop_atom("held_for_too_long"));
}

static void till_on_boom(till *self, const boom *b)
{
        (void)self;
        cop_exit(cop_int(b->number));
}

COP_SERVER(till, COP_ON(bill, till_on_bill), COP_ON(refund, till_on_refund),
           COP_ON(hold, till_on_hold), COP_ON(boom, till_on_boom));

static cop_pid new_till(void)
{
        return cop_spawn_server(&till_server, NULL);
}

static struct cop__report report_of(cop_node *node, cop_pid pid)
{
        struct cop__report report;
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        return report;
}

/* The whole as its reader sees it. */
static const char *text_of_report(const struct cop__report *report)
{
        static char text[COP__LOG_TEXT];
        ck_assert_uint_lt(cop__report_print_all(report, text, sizeof(text)), sizeof(text));
        return text;
}

IN_NODE(a_crash_report_tells_what_was_handled_last_and_of_which_kind)
{
        cop_pid pid = new_till();
        cop_send(pid, refund, .pence = 1);
        for (int i = 0; i < 2; i++)
                cop_send(pid, bill, .pence = 900, .card = COP_TEXT("4929 0000"));
        cop_send(pid, refund, .pence = 1);
        cop_send(pid, boom, .number = 1);
        struct cop__report report = report_of(node, pid);
        ck_assert_str_eq(report.recent, "bill, bill, refund");
        ck_assert_str_eq(report.unread, "");
        ck_assert_str_eq(report.events, "");
        const char *text = text_of_report(&report);
        ck_assert_msg(strstr(text, "\n   handled 4, the last bill, bill, refund\n") != NULL, "%s", text);
        ck_assert_msg(strstr(text, "4929") == NULL, "what is not its reader's: %s", text);
}

IN_NODE(one_that_crashes_at_its_first_message_has_handled_none)
{
        cop_pid pid = new_till();
        cop_send(pid, boom, .number = 1);
        struct cop__report report = report_of(node, pid);
        ck_assert_str_eq(report.recent, "");
        ck_assert_ptr_null(strstr(text_of_report(&report), "handled"));
}

IN_NODE_WITH(the_next_who_lives_in_the_slot_has_handled_nothing, .max_actors = 64)
{
        cop_pid pid, first = new_till();
        cop_send(first, refund, .pence = 1);
        cop_send(first, boom, .number = 1);
        report_of(node, first);
        while (pid = new_till(), cop__pid_slot(pid) != cop__pid_slot(first))
                put_down(pid);
        cop_send(pid, boom, .number = 2);
        struct cop__report report = report_of(node, pid);
        ck_assert_str_eq(report.recent, "");
}

IN_NODE(a_crash_report_tells_what_was_unread_and_from_whom_and_not_what_it_said)
{
        cop_pid pid = new_till();
        char wanted[192], self[COP_ID_TEXT_MAX];
        cop_send(pid, hold, .tell = cop_self());
        cop_message_free(await(COP_KIND(held)));
        cop_send(pid, refund, .pence = 1);
        for (int i = 0; i < 4; i++)
                cop_send(pid, bill, .pence = 900, .card = COP_TEXT("4929 0000"));
        cop_send(pid, go);
        struct cop__report report = report_of(node, pid);
        cop_pid_print(cop_self(), self);
        snprintf(wanted, sizeof(wanted), "refund from %s, bill from %s, bill from %s, and 2 more", self,
                 self, self);
        ck_assert_str_eq(report.unread, wanted);
        const char *text = text_of_report(&report);
        ck_assert_msg(strstr(text, "\n   unread refund from ") != NULL, "%s", text);
        ck_assert_msg(strstr(text, "4929") == NULL, "what is not its reader's: %s", text);
}

IN_NODE(what_the_runtime_sends_is_not_told_of_among_the_unread)
{
        cop_pid pid = new_till();
        cop_send(pid, hold, .tell = cop_self());
        await_and_drop(COP_KIND(held));
        cop_send(pid, cop__give_up, .how = COP__GIVE_UP_GONE);
        cop_send(pid, refund, .pence = 1);
        cop_send(pid, go, .number = 1);
        struct cop__report report = report_of(node, pid);
        ck_assert_ptr_null(strstr(report.unread, "cop__"));
        ck_assert_ptr_nonnull(strstr(report.unread, "refund"));
}

IN_NODE(a_mailbox_without_end_is_counted_to_an_end)
{
        cop_pid pid = new_till();
        cop_send(pid, hold, .tell = cop_self());
        cop_message_free(await(COP_KIND(held)));
        for (int i = 0; i < 1500; i++)
                cop_send(pid, refund, .pence = 1);
        cop_send(pid, go);
        struct cop__report report = report_of(node, pid);
        ck_assert_msg(strstr(report.unread, ", and 997 more at least") != NULL, "%s", report.unread);
}

IN_NODE(one_that_sys_keeps_a_log_of_takes_that_into_its_report)
{
        cop_pid pid = new_till();
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 10), COP_OK);
        cop_send(pid, refund, .pence = 77);
        cop_send(pid, boom, .number = 1);
        struct cop__report report = report_of(node, pid);
        ck_assert_msg(strstr(report.events, "{in, #refund{pence = 77}, <") != NULL, "%s", report.events);
        ck_assert_ptr_nonnull(strstr(text_of_report(&report), "\n   log {in, #refund{pence = 77}, <"));
}

/* ---- Others than servers --------------------------------------------------------------------- */

static void receives(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(refund)));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_auto last = cop_receive(COP_FOREVER, COP_KIND(boom));
        cop_exit(cop_int(cop_read(boom, last)->number));
}

IN_NODE(a_function_that_receives_is_at_the_message_that_it_holds)
{
        cop_pid pid = cop_spawn(receives);
        cop_send(pid, refund, .pence = 1);
        cop_send(pid, go);
        cop_send(pid, boom, .number = 5);
        struct cop__report report = report_of(node, pid);
        ck_assert_str_eq(report.message, "#boom{number = 5}");
        ck_assert(cop_pid_equal(report.from, cop_self()));
        ck_assert_str_eq(report.recent, "refund, go");
}

static void holds_an_earlier_one(void)
{
        cop_message *kept = cop_receive(COP_FOREVER, COP_KIND(refund));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(boom)));
        cop_exit(cop_int(cop_read(refund, kept)->pence));
}

IN_NODE(what_a_function_has_given_back_it_is_not_at_any_more)
{
        cop_pid pid = cop_spawn(holds_an_earlier_one);
        cop_send(pid, refund, .pence = 9);
        cop_send(pid, boom);
        struct cop__report report = report_of(node, pid);
        ck_assert_str_eq(report.message, "#refund{pence = 9}");
}

/* ---- While it lives -------------------------------------------------------------------------- */

IN_NODE(what_was_handled_last_is_seen_from_outside)
{
        struct cop__glimpse glimpse;
        char text[COP__RECENT_TEXT];
        cop_pid pid = new_till();
        for (int i = 0; i < 3; i++)
                cop_send(pid, refund, .pence = 1);
        cop_send(pid, bill, .pence = 2);
        cop_send(pid, hold, .tell = cop_self());
        cop_message_free(await(COP_KIND(held)));
        ck_assert(cop__glimpse_of(node, pid, &glimpse));
        cop__recent_print(node, glimpse.recent, 0, text, sizeof(text));
        ck_assert_str_eq(text, "refund, refund, bill, hold");
        put_down(pid);
}
