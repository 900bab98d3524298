/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Mailboxes with a limit: what gets in, what becomes of one too many, and that none is lost uncounted. */
#include "tests/node_fixture.h"

typedef struct letter {
        int64_t number;
} letter;
COP_MESSAGE(letter, number);

typedef struct parcel {
        cop_text text;
} parcel;
COP_MESSAGE(parcel, text);

typedef struct go {
        int64_t count;
} go;
COP_MESSAGE(go, count);

typedef struct tally {
        int64_t handled, refused;
} tally;
COP_MESSAGE(tally, handled, refused);

/* Reads nothing but go until that comes, then all letters; tells how many, and their numbers in between. */
static void holds_back(void)
{
        cop_message *message;
        int64_t handled = 0;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(letter))) != NULL) {
                cop_send(cop_parent(), letter, .number = cop_read(letter, message)->number);
                cop_message_free(message);
                handled++;
        }
        cop_send(cop_parent(), tally, .handled = handled);
}

static void traps_and_holds_back(void)
{
        cop_trap_exit(true);
        holds_back();
}

static cop_pid spawn_limited(cop_spawn_options options)
{
        cop_pid pid;
        if (options.run == NULL && options.run_with == NULL && options.server == NULL)
                options.run = traps_and_holds_back;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        return pid;
}
#define limited(...) spawn_limited((cop_spawn_options){ __VA_ARGS__ })

/* It reads on: an exit signal is the runtime's, and finds its way. */
static void let_go(cop_pid pid)
{
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("go")), COP_OK);
}

static void expect_numbers(int64_t first, int64_t last)
{
        for (int64_t i = first; i <= last; i++) {
                cop_auto message = await(COP_ANY);
                ck_assert_ptr_nonnull(cop_read(letter, message));
                ck_assert_int_eq(cop_read(letter, message)->number, i);
        }
        cop_auto message = await(COP_ANY);
        ck_assert_ptr_nonnull(cop_read(tally, message));
        ck_assert_int_eq(cop_read(tally, message)->handled, last - first + 1);
}

static int64_t send_numbers(cop_pid to, int64_t first, int64_t last)
{
        int64_t refused = 0;
        for (int64_t i = first; i <= last; i++) {
                cop_status status = cop_send(to, letter, .number = i);
                ck_assert(status == COP_OK || status == COP_E_FULL);
                refused += status == COP_E_FULL;
        }
        return refused;
}

/* ---- The policies ----------------------------------------------------------------------- */

IN_NODE(a_full_mailbox_that_rejects_says_so_and_keeps_what_it_has)
{
        uint64_t letters = cop_dead_letter_count(node);
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_REJECT);
        ck_assert_int_eq(send_numbers(pid, 1, 15), 5);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, letter), COP_E_FULL);
        ck_assert_int_eq(cop_send_term(pid, cop_atom("hello")), COP_E_FULL);
        cop_request request;
        ck_assert_int_eq(cop_request_send(&request, pid, letter, .number = 16), COP_E_FULL);
        ck_assert_str_eq(info_of(pid, "dropped"), "8");
        let_go(pid);
        expect_numbers(1, 10);
        ck_assert_uint_eq(cop_dead_letter_count(node), letters); /* their sender has them still */
}

IN_NODE(a_full_mailbox_that_drops_new_ones_counts_them_as_dead_letters)
{
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_DROP_NEW);
        uint64_t letters = cop_dead_letter_count(node);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(send_numbers(pid, 1, 11), 0);
        cop_message *message = await(COP_KIND(cop_dead_letter));
        ck_assert_str_eq(cop_read(cop_dead_letter, message)->reason.text, "full");
        ck_assert_str_eq(cop_read(cop_dead_letter, message)->text.data, "#letter{number = 11}");
        cop_message_free(message);
        cop_dead_letters_unsubscribe();
        ck_assert_int_eq(send_numbers(pid, 12, 15), 0);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, letter), COP_E_FULL);
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 5);
        ck_assert_str_eq(info_of(pid, "dropped"), "6");
        let_go(pid);
        expect_numbers(1, 10);
}

IN_NODE(a_full_mailbox_that_drops_old_ones_has_the_newest)
{
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_DROP_OLD);
        uint64_t letters = cop_dead_letter_count(node);
        ck_assert_int_eq(send_numbers(pid, 1, 18), 0);
        let_go(pid);
        expect_numbers(9, 18);
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 8);
}

IN_NODE(dropping_old_ones_lets_in_twice_the_limit_while_the_receiver_does_not_look)
{
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_DROP_OLD);
        ck_assert_int_eq(send_numbers(pid, 1, 25), 0);
        ck_assert_str_eq(info_of(pid, "dropped"), "5");
        let_go(pid);
        expect_numbers(11, 20);
}

IN_NODE(a_mailbox_that_stops_its_owner_ends_it_with_system_limit)
{
        cop_ref ref;
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_STOP,
                              .monitor = true, .monitor_ref = &ref);
        send_numbers(pid, 1, 10);
        settle_with(pid);
        ck_assert(cop_is_alive(pid));
        send_numbers(pid, 11, 20); /* it traps exits; that does not help */
        await_down(ref, "{system_limit, mailbox}");
        nothing_has_come();
}


IN_NODE(a_slow_limit_holds_its_senders_back_and_loses_nothing)
{
        cop_pid pid = limited(.mailbox_limit = 10);
        uint64_t before_ns = cop__clock_ns();
        send_numbers(pid, 1, 10);
        send_numbers(pid, 11, 30);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 20 * (uint64_t)COP__PAUSE_NS);
        let_go(pid);
        expect_numbers(1, 30);
}

/* ---- Bytes -------------------------------------------------------------------------------- */

static void reads_parcels(void)
{
        int64_t handled = 0;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(parcel))) != NULL) {
                handled++;
                cop_message_free(message);
        }
        cop_send(cop_parent(), tally, .handled = handled);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(parcel)));
}

IN_NODE(a_limit_of_bytes_counts_the_bodies)
{
        static char text[101];
        memset(text, 'x', 100);
        cop_ref ref;
        cop_pid pid = limited(.run = reads_parcels, .mailbox_bytes = 500, .monitor = true,
                              .monitor_ref = &ref, .mailbox_policy = COP_MAILBOX_REJECT);
        int64_t let_in = 0;
        while (cop_send(pid, parcel, .text = cop_text_of(text)) == COP_OK)
                let_in++;
        ck_assert_int_ge(let_in, 3);
        ck_assert_int_le(let_in, 4);
        ck_assert_int_eq(cop_send(pid, parcel), COP_OK); /* a small one still fits */
        let_go(pid);
        cop_auto message = await(COP_KIND(tally));
        ck_assert_int_eq(cop_read(tally, message)->handled, let_in + 1);
        ck_assert_int_eq(cop_send(pid, parcel, .text = cop_text_of(text)), COP_OK);
        await_down(ref, "normal");
}

/* ---- Many at once ---------------------------------------------------------------------------- */

typedef struct reader {
        int64_t handled, most;
} reader;

static void reader_on_letter(reader *self, const letter *l)
{
        (void)l;
        self->handled++;
}

static void reader_on_tally(reader *self, const tally *t)
{
        (void)t;
        cop_reply(tally, .handled = self->handled);
}

static void reader_on_go(reader *self, const go *g)
{
        (void)self;
        cop_message_free(cop_receive(g->count, COP_KIND(cop_exited)));
}

COP_SERVER(reader, COP_ON(letter, reader_on_letter), COP_ON(tally, reader_on_tally),
           COP_ON(go, reader_on_go));

typedef struct errand {
        cop_pid to, tell;
        int64_t count;
} errand;
COP_MESSAGE(errand, to, tell, count);

static void floods(const errand *e)
{
        int64_t refused = 0, ok = 0;
        for (int64_t i = 0; i < e->count; i++) {
                cop_status status = cop_send(e->to, letter, .number = i);
                ok += status == COP_OK;
                refused += status == COP_E_FULL;
        }
        cop_send(e->tell, tally, .handled = ok, .refused = refused);
}

/* It handles while eight send; asked when it is idle, so that the question finds room. */
static void conserve(cop_node *node, cop_mailbox_policy policy)
{
        enum { SENDERS = 8 };
        const int64_t each = suite_is_slow() ? 500 : 5000;
        cop_pid pid = limited(.server = &reader_server, .mailbox_limit = 20,
                              .mailbox_policy = policy);
        uint64_t letters = cop_dead_letter_count(node);
        int64_t ok = 0, refused = 0;
        for (int i = 0; i < SENDERS; i++)
                cop_spawn_with(floods, errand, .to = pid, .tell = cop_self(), .count = each);
        for (int i = 0; i < SENDERS; i++) {
                cop_auto message = await(COP_KIND(tally));
                ok += cop_read(tally, message)->handled;
                refused += cop_read(tally, message)->refused;
        }
        settle_with(pid); /* all before it is handled or dropped */
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, tally), COP_OK);
        uint64_t dropped = cop_dead_letter_count(node) - letters;
        ck_assert_int_eq(ok + refused, SENDERS * each);
        ck_assert_int_eq(cop_read(tally, reply)->handled + (int64_t)dropped, ok);
        if (policy == COP_MAILBOX_SLOW)
                ck_assert_int_eq(refused + (int64_t)dropped, 0);
        /* Nothing is counted any more: all the room is there again. */
        cop_send(pid, go, .count = PATIENCE_MS);
        settle_with(pid);
        ck_assert_int_eq(send_numbers(pid, 1, 20), 0);
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, dropped);
        put_down(pid);
}

IN_NODE(what_is_sent_to_a_mailbox_that_rejects_is_handled_or_refused)
{
        conserve(node, COP_MAILBOX_REJECT);
}

IN_NODE(what_is_sent_to_a_mailbox_that_drops_new_ones_is_handled_or_counted)
{
        conserve(node, COP_MAILBOX_DROP_NEW);
}

IN_NODE(what_is_sent_to_a_mailbox_that_drops_old_ones_is_handled_or_counted)
{
        conserve(node, COP_MAILBOX_DROP_OLD);
}

IN_NODE(what_is_sent_to_a_mailbox_that_slows_is_handled)
{
        conserve(node, COP_MAILBOX_SLOW);
}

IN_NODE(no_more_than_the_limit_gets_in_however_many_send_at_once)
{
        enum { SENDERS = 8 };
        for (int round = 0; round < 20; round++) {
                int64_t ok = 0;
                cop_pid pid = limited(.mailbox_limit = 50, .mailbox_policy = COP_MAILBOX_REJECT);
                for (int i = 0; i < SENDERS; i++)
                        cop_spawn_with(floods, errand, .to = pid, .tell = cop_self(), .count = 20);
                for (int i = 0; i < SENDERS; i++) {
                        cop_auto message = await(COP_KIND(tally));
                        ok += cop_read(tally, message)->handled;
                }
                ck_assert_int_le(ok, 50);
                ck_assert_int_ge(ok, 50 - SENDERS); /* those that were being refused kept others out */
                put_down(pid);
        }
}

/* ---- Lives in one slot ----------------------------------------------------------------------- */

IN_NODE_WITH(a_limit_ends_with_its_actor_and_the_slot_starts_again_with_all_its_room, .max_actors = 8)
{
        for (int round = 0; round < 50; round++) {
                cop_pid pid = limited(.mailbox_limit = 5, .mailbox_policy = COP_MAILBOX_REJECT);
                ck_assert_int_eq(send_numbers(pid, 1, 7), 2);
                put_down(pid); /* with five unread */
                cop_pid free_one = limited(.mailbox_limit = 0);
                ck_assert_int_eq(send_numbers(free_one, 1, 50), 0);
                put_down(free_one);
                /* The dead may still be at their mail, a little at a time, and keep their slots. */
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        }
}

IN_NODE(a_policy_that_there_is_not_is_refused)
{
        cop_pid pid;
        cop_spawn_options options = { .run = holds_back, .mailbox_limit = 5,
                                      .mailbox_policy = COP_MAILBOX_STOP + 1 };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_E_BAD_ARGUMENT);
}

IN_NODE(calls_of_a_limited_actor_that_has_room_are_answered)
{
        cop_pid pid = limited(.server = &reader_server, .mailbox_limit = 1,
                              .mailbox_policy = COP_MAILBOX_REJECT);
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, tally), COP_OK);
        put_down(pid);
}
