/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Mailboxes with a limit whose owner, or another sender, comes while somebody is in the middle of letting in or out. */
#include "tests/cue.h"
#include "tests/guest.h"

typedef struct { int64_t number, key; } letter;
COP_MESSAGE(letter, number, key);

/* Reads so many letters as it is told to, and hands them on. */
static void reads_when_told(void)
{
        for (;;) {
                cop_auto told = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
                for (int64_t left = cop_read(cop_exited, told)->reason.as.integer; left > 0; left--) {
                        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(letter));
                        cop_send(cop_parent(), letter, .number = cop_read(letter, message)->number);
                }
        }
}

static void traps_and_reads(void)
{
        cop_trap_exit(true);
        reads_when_told();
}

/* An exit signal is none of its mail, and finds its way. */
static void let_read(cop_pid pid, int64_t count)
{
        ck_assert_int_eq(cop_send_exit(pid, cop_int(count)), COP_OK);
}

static void send_letter(cop_pid pid, int64_t number)
{
        ck_assert_int_eq(cop_send(pid, letter, .number = number, .key = number), COP_OK);
}

static void expect_letters(int64_t first, int64_t last)
{
        for (int64_t number = first; number <= last; number++) {
                cop_auto message = await(COP_KIND(letter));
                ck_assert_int_eq(cop_read(letter, message)->number, number);
        }
}

#define FULL 4

static void sends_one_more(void *pid)
{
        send_letter(*(const cop_pid *)pid, FULL + 1);
}

/*
 * There is room again when one more comes to the porch, so its sender lets it in himself, and then those of another, one after
 * the other: as that has sent them, though he finds room, too.
 */
IN_NODE(of_one_who_sends_while_another_lets_in_what_he_has_sent_all_comes_in_order)
{
        NEEDS_THREADS();
        guest other;
        cop_pid pid;
        cop_spawn_options options = { .run = traps_and_reads, .mailbox_policy = COP_MAILBOX_COALESCE, .mailbox_limit = FULL,
                                      .mailbox_key = COP_KEY(letter, key) };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        for (int64_t number = 1; number <= FULL; number++)
                send_letter(pid, number);
        cue_hold("porch.is_needed");
        cue_hold("porch.has_let_in");
        guest_comes(&other, node, sends_one_more, &pid);
        cue_await("porch.is_needed");
        let_read(pid, FULL);
        expect_letters(1, FULL);
        cue_go("porch.is_needed");
        cue_await("porch.has_let_in");
        send_letter(pid, FULL + 2);
        cue_hold("porch.lets_in");
        cue_go("porch.has_let_in");
        cue_await("porch.lets_in");
        send_letter(pid, FULL + 3);
        cue_go("porch.lets_in");
        guest_leaves(&other);
        let_read(pid, 3);
        expect_letters(FULL + 1, FULL + 3);
        put_down(pid);
}

/* ---- Its end ------------------------------------------------------------------------------------ */

static uint32_t is_at, may_receive; /* atomic */

static void receives_when_it_may(void)
{
        cop__store_seq(&is_at, 1);
        while (!cop__load_seq(&may_receive))
                sched_yield();
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(letter));
        cop_send(cop_parent(), letter, .number = cop_read(letter, message)->number);
}

static void ends_it(void *pid)
{
        ck_assert_int_eq(cop_send_exit(*(const cop_pid *)pid, cop_atom("enough")), COP_OK);
}

/* What ends it came behind the mail, all of which it takes in to drop the oldest; and who has sent that has not yet said that it
 * is urgent. */
IN_NODE(who_finds_its_end_as_it_drops_its_oldest_mail_receives_none_of_the_rest)
{
        NEEDS_THREADS();
        guest other;
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run = receives_when_it_may, .no_preempt = true, .mailbox_policy = COP_MAILBOX_DROP_OLD,
                                      .mailbox_limit = 2, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        while (!cop__load_seq(&is_at))
                sched_yield();
        for (int64_t number = 1; number <= 3; number++)
                send_letter(pid, number);
        cue_hold("send.is_urgent");
        guest_comes(&other, node, ends_it, &pid);
        cue_await("send.is_urgent");
        cop__store_seq(&may_receive, 1);
        await_down(ref, "enough");
        nothing_has_come();
        cue_go("send.is_urgent");
        guest_leaves(&other);
}
