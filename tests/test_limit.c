/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Mailboxes with a limit: what gets in, what becomes of one too many, and that none is lost uncounted. */
#include <sched.h>

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

typedef struct quote {
        cop_text share;
        int64_t pence;
} quote;
COP_MESSAGE(quote, share, pence);

typedef struct keys {
        int8_t byte;
        int16_t half;
        int32_t word;
        bool flag;
        int64_t number;
        cop_pid pid;
        cop_ref ref;
        char name[8];
        cop_symbol symbol;
        cop_text text;
        double share;
        int64_t three[3];
        int64_t rest;
} keys;
COP_MESSAGE(keys, byte, half, word, flag, number, pid, ref, name, symbol, text, share, three, rest);

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

/* As if a sender had told the one before it in that slot, and been slow to say so. */
IN_NODE(who_comes_after_one_that_was_stopped_is_stopped_too)
{
        cop_ref ref;
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_STOP, .monitor = true, .monitor_ref = &ref);
        settle_with(pid);
        uint64_t before = cop__pid((uint32_t)cop__pid_slot(pid), cop__pid_generation(pid) - 1).bits;
        cop__store_relaxed(&node->slots.limits[cop__pid_slot(pid)].stopped, before);
        send_numbers(pid, 1, 20);
        await_down(ref, "{system_limit, mailbox}");
}

/* The next whom this thread spawns is the last that ever lives in its slot. */
static void have_a_last_one(cop_node *node)
{
        struct cop__here *here = cop__here_of(cop__thread_here());
        struct cop__actor *actor = cop__slot_take(here);
        ck_assert_ptr_nonnull(actor);
        cop__store_relaxed(&actor->pid, cop__pid((uint32_t)(actor - node->slots.base), UINT32_MAX).bits);
        cop__slot_give(here, actor);
}

IN_NODE(the_last_that_lives_in_a_slot_is_stopped_by_its_mailbox_too)
{
        cop_ref ref;
        have_a_last_one(node);
        cop_pid pid = limited(.mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_STOP, .monitor = true, .monitor_ref = &ref);
        ck_assert_uint_eq((uint32_t)cop__pid_generation(pid), UINT32_MAX);
        settle_with(pid);
        send_numbers(pid, 1, 20);
        await_down(ref, "{system_limit, mailbox}");
}

static uint32_t may_look; /* atomic */

static void looks_when_it_may(void)
{
        while (!cop__load_seq(&may_look))
                sched_yield();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
}

/* Both are there when it looks, the kill first. */
IN_NODE(who_was_killed_before_its_mailbox_was_over_the_limit_has_been_killed)
{
        NEEDS_THREADS();
        cop_ref ref;
        cop__store_seq(&may_look, 0);
        cop_pid pid;
        cop_spawn_options options = { .run = looks_when_it_may, .mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_STOP,
                                      .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        send_numbers(pid, 1, 20);
        cop__store_seq(&may_look, 1);
        await_down(ref, "killed");
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

/* ---- Coalescing ------------------------------------------------------------------------- */

/* Waits, then tells of each quote and letter that it finds: {share, pence}, or a number. */
static void reads_quotes(void)
{
        cop_message *message;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(quote), COP_KIND(letter))) != NULL) {
                const quote *q = cop_read(quote, message);
                if (q != NULL)
                        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(quote), q);
                else
                        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(letter), cop_read(letter, message));
                cop_message_free(message);
        }
        cop_send(cop_parent(), tally);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(parcel)));
}

static void send_quote(cop_pid to, const char *share, int64_t pence)
{
        ck_assert_int_eq(cop_send(to, quote, .share = cop_text_of(share), .pence = pence), COP_OK);
}

/* What comes, in one line, up to the tally. */
static const char *quotes_read(cop_pid pid)
{
        static char line[512];
        size_t size = 0;
        let_go(pid);
        line[0] = '\0';
        for (;;) {
                cop_auto message = await(COP_ANY);
                const quote *q = cop_read(quote, message);
                const letter *l = cop_read(letter, message);
                if (q == NULL && l == NULL)
                        return line;
                size += (size_t)snprintf(line + size, sizeof(line) - size, "%s%s%d", size > 0 ? " " : "",
                                         q != NULL ? q->share.data : "", (int)(q != NULL ? q->pence : l->number));
                ck_assert_uint_lt(size, sizeof(line));
        }
}

#define COALESCING(...) \
        limited(.run = reads_quotes, .mailbox_policy = COP_MAILBOX_COALESCE, \
                .mailbox_key = COP_KEY(quote, share), __VA_ARGS__)

IN_NODE(a_full_mailbox_that_coalesces_keeps_the_newest_of_each_key)
{
        cop_pid pid = COALESCING(.mailbox_limit = 3);
        uint64_t letters = cop_dead_letter_count(node);
        send_quote(pid, "a", 1);
        send_quote(pid, "b", 2);
        send_quote(pid, "a", 3); /* there is room: it stays beside the first */
        send_quote(pid, "b", 4);
        send_quote(pid, "a", 5);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        send_quote(pid, "b", 6); /* in the place of 4, before a */
        cop_message *message = await(COP_KIND(cop_dead_letter));
        ck_assert_str_eq(cop_read(cop_dead_letter, message)->reason.text, "coalesced");
        ck_assert_str_eq(cop_read(cop_dead_letter, message)->text.data, "#quote{share = \"b\", pence = 4}");
        cop_message_free(message);
        cop_dead_letters_unsubscribe();
        send_quote(pid, "a", 7);
        send_quote(pid, "c", 8);
        send_quote(pid, "c", 9);
        ck_assert_str_eq(info_of(pid, "dropped"), "3");
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 3);
        ck_assert_str_eq(quotes_read(pid), "a1 b2 a3 b6 a7 c9");
}

IN_NODE(what_has_no_key_or_finds_as_many_waiting_as_the_limit_is_dropped_by_a_mailbox_that_coalesces)
{
        cop_pid pid = COALESCING(.mailbox_limit = 2);
        uint64_t letters = cop_dead_letter_count(node);
        send_numbers(pid, 1, 2);
        send_quote(pid, "a", 1);
        send_numbers(pid, 3, 3);
        send_quote(pid, "b", 1);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        send_quote(pid, "c", 1);
        cop_message *message = await(COP_KIND(cop_dead_letter));
        ck_assert_str_eq(cop_read(cop_dead_letter, message)->reason.text, "full");
        cop_message_free(message);
        cop_dead_letters_unsubscribe();
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, quote, .share = COP_TEXT("a")), COP_E_FULL);
        ck_assert_str_eq(info_of(pid, "dropped"), "3");
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 2);
        ck_assert_str_eq(quotes_read(pid), "1 2 a1 b1");
}

/* A limit of two small ones, in bytes. */
IN_NODE(a_mailbox_that_coalesces_counts_bytes_beyond_its_limit_too)
{
        static char text[301];
        memset(text, 'x', 300);
        cop_pid pid = COALESCING(.mailbox_bytes = 2 * (sizeof(quote) + 8));
        send_quote(pid, "a", 1);
        send_quote(pid, "b", 2);
        send_quote(pid, "a", 3);
        send_quote(pid, "b", 4);
        send_quote(pid, "c", 5);
        send_quote(pid, text, 6); /* never gets in, and does not keep others out */
        send_quote(pid, "b", 7);
        ck_assert_str_eq(info_of(pid, "dropped"), "3");
        ck_assert_str_eq(quotes_read(pid), "a1 b2 a3 b7");
}

/* What waits keeps its place then, and the new one is the letter. */
IN_NODE(what_is_too_large_takes_nobodys_place_in_a_mailbox_that_coalesces)
{
        static char text[301];
        memset(text, 'x', 300);
        cop_pid pid = limited(.run = reads_quotes, .mailbox_policy = COP_MAILBOX_COALESCE, .mailbox_key = COP_KEY(quote, pence),
                              .mailbox_bytes = 2 * (sizeof(quote) + 8));
        uint64_t letters = cop_dead_letter_count(node);
        send_quote(pid, "a", 1);
        send_quote(pid, "b", 1);
        send_quote(pid, "c", 1);
        send_quote(pid, text, 1);
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 1);
        ck_assert_str_eq(quotes_read(pid), "a1 b1 c1");
}

IN_NODE(what_waits_by_its_key_is_a_dead_letter_when_the_receiver_ends)
{
        cop_pid pid = COALESCING(.mailbox_limit = 2);
        uint64_t letters = cop_dead_letter_count(node);
        for (int i = 0; i < 3; i++) {
                send_quote(pid, "a", i);
                send_quote(pid, "b", i);
        }
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 2);
        put_down(pid);
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 6);
}

static void expect_coalesced(cop_mailbox_key key, const cop_kind *kind, const void *one, const void *same,
                             const void *other)
{
        cop_pid pid = limited(.mailbox_limit = 4, .mailbox_policy = COP_MAILBOX_COALESCE, .mailbox_key = key);
        const void *const values[] = { one, one, one, one, one, same, other };
        for (size_t i = 0; i < 7; i++)
                ck_assert_int_eq(cop_send_value(cop_to_pid(pid), kind, values[i]), COP_OK);
        ck_assert_str_eq(info_of(pid, "dropped"), "1"); /* the fifth, by the sixth */
        put_down(pid);
}

IN_NODE(a_key_may_be_any_number_name_text_pid_or_reference)
{
#define FITS(field, one, another)                                                             \
        expect_coalesced((cop_mailbox_key)COP_KEY(keys, field), COP_KIND_OF(keys), &(keys){ .field = one }, \
                         &(keys){ .field = one, .rest = 1 }, &(keys){ .field = another })
        FITS(byte, 1, 2);
        FITS(half, 1, 257);
        FITS(word, 1, 65537);
        FITS(flag, true, false);
        FITS(number, 1, (int64_t)1 << 40);
        FITS(pid, cop_self(), cop_no_pid());
        FITS(ref, ((cop_ref){ 7 }), ((cop_ref){ 8 }));
        FITS(name, "ada", "adam");
        FITS(symbol, COP_SYMBOL("ada"), COP_SYMBOL("ben"));
        FITS(text, COP_TEXT("ada"), COP_TEXT(""));
}

IN_NODE(a_key_that_is_none_or_has_another_policy_is_refused)
{
        static const cop_mailbox_key bad[] = { { NULL, 0 }, { NULL, 8 }, COP_KEY(keys, share), COP_KEY(keys, three),
                                               { COP_KIND_OF(keys), 1 } };
        cop_spawn_options options = { .run = holds_back, .mailbox_limit = 5, .mailbox_policy = COP_MAILBOX_COALESCE };
        cop_pid pid;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                options.mailbox_key = bad[i];
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_E_BAD_ARGUMENT);
        }
        options.mailbox_policy = COP_MAILBOX_DROP_OLD;
        options.mailbox_key = (cop_mailbox_key)COP_KEY(quote, share);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_E_BAD_ARGUMENT);
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

typedef struct crate {
        cop_bytes bytes;
} crate;
COP_MESSAGE(crate, bytes);

static void reads_crates(void)
{
        cop_trap_exit(true);
        for (;;) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(crate)));
                cop_send(cop_parent(), tally, .handled = 1);
        }
}

/* They lie in a buffer beside the message, which several may share. */
IN_NODE(a_limit_of_bytes_counts_shared_bytes_too)
{
        static char load[1000];
        cop_pid pid = limited(.run = reads_crates, .mailbox_bytes = 4500, .mailbox_policy = COP_MAILBOX_REJECT);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(cop_send(pid, crate, .bytes = cop_bytes_of(load, sizeof(load))), COP_OK);
        ck_assert_int_eq(cop_send(pid, crate, .bytes = cop_bytes_of(load, sizeof(load))), COP_E_FULL);
        let_go(pid);
        await_and_drop(COP_KIND(tally));
        ck_assert_int_eq(cop_send(pid, crate, .bytes = cop_bytes_of(load, sizeof(load))), COP_OK);
        ck_assert_int_eq(cop_send(pid, crate, .bytes = cop_bytes_of(load, sizeof(load))), COP_E_FULL);
        put_down(pid);
}

static struct cop__limit *limit_of(cop_node *node, cop_pid pid)
{
        return &node->slots.limits[cop__slot_of(node, pid) - node->slots.base];
}

/* Also of what came before anything was counted. */
IN_NODE(what_is_counted_late_is_counted_off_with_the_bytes_that_it_shares)
{
        static char load[1000];
        struct cop__limit *limit = limit_of(node, cop_self());
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_send(cop_self(), crate, .bytes = cop_bytes_of(load, sizeof(load))), COP_OK);
        ck_assert_int_eq(cop_mailbox_marks(100, 50), COP_OK);
        ck_assert_uint_eq(cop__load_relaxed(&limit->count), 3);
        ck_assert_uint_ge(cop__load_relaxed(&limit->bytes), 3 * sizeof(load));
        for (int i = 0; i < 3; i++)
                await_and_drop(COP_KIND(crate));
        ck_assert_uint_eq(cop__load_relaxed(&limit->count), 0);
        ck_assert_uint_eq(cop__load_relaxed(&limit->bytes), 0);
}

typedef struct pack {
        cop_text share;
        int64_t pence;
        cop_bytes load;
} pack;
COP_MESSAGE(pack, share, pence, load);

/* As reads_quotes. */
static void reads_packs(void)
{
        cop_message *message;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(pack))) != NULL) {
                const pack *p = cop_read(pack, message);
                cop_send(cop_parent(), quote, .share = p->share, .pence = p->pence);
                cop_message_free(message);
        }
        cop_send(cop_parent(), tally);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(parcel)));
}

static void send_pack(cop_pid to, const char *share, int64_t pence)
{
        static char load[1000];
        ck_assert_int_eq(cop_send(to, pack, .share = cop_text_of(share), .pence = pence, .load = cop_bytes_of(load, sizeof(load))),
                         COP_OK);
}

/* Room for two in the mailbox, and for two before it. */
IN_NODE(what_waits_by_its_key_counts_with_the_bytes_that_it_shares)
{
        cop_pid pid = limited(.run = reads_packs, .mailbox_policy = COP_MAILBOX_COALESCE, .mailbox_key = COP_KEY(pack, share),
                              .mailbox_bytes = 5 * (sizeof(pack) + 8 + 1000) / 2);
        struct cop__limit *limit = limit_of(node, pid);
        send_pack(pid, "a", 1);
        send_pack(pid, "b", 2);
        send_pack(pid, "c", 3);
        send_pack(pid, "d", 4);
        send_pack(pid, "e", 5); /* one too many */
        for (int64_t i = 6; i < 10; i++)
                send_pack(pid, "d", i);
        ck_assert_str_eq(info_of(pid, "dropped"), "5");
        ck_assert_str_eq(quotes_read(pid), "a1 b2 c3 d9");
        ck_assert_uint_eq(cop__load_relaxed(&limit->count), 0);
        ck_assert_uint_eq(cop__load_relaxed(&limit->bytes), 0);
        ck_assert_uint_eq(limit->porch.bytes, 0);
        put_down(pid);
}

/* Parcels of the same size, told apart by their first letter; it tells which it reads, in one text. */
static void reads_letters(void)
{
        char seen[64];
        size_t count = 0;
        cop_message *message;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(parcel))) != NULL) {
                if (count < sizeof(seen) - 1)
                        seen[count++] = cop_read(parcel, message)->text.data[0];
                cop_message_free(message);
        }
        seen[count] = '\0';
        cop_send(cop_parent(), parcel, .text = cop_text_of(seen));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
}

enum { PARCEL_TEXT = 100 };

/* "axxx...", "bxxx..." and so on, all of one size. */
static void send_parcels(cop_pid to, char first, char last)
{
        char text[PARCEL_TEXT + 1];
        memset(text, 'x', PARCEL_TEXT);
        text[PARCEL_TEXT] = '\0';
        for (text[0] = first; text[0] <= last; text[0]++)
                ck_assert_int_eq(cop_send(to, parcel, .text = cop_text_of(text)), COP_OK);
}

static void expect_parcels(cop_pid pid, const char *letters)
{
        let_go(pid);
        cop_auto message = await(COP_KIND(parcel));
        ck_assert_str_eq(cop_read(parcel, message)->text.data, letters);
        put_down(pid);
}

/* Room for three of them, and not for four. */
#define ROOM_FOR_THREE (7 * (sizeof(parcel) + PARCEL_TEXT) / 2)

IN_NODE(a_limit_of_bytes_slows_and_loses_nothing)
{
        cop_pid pid = limited(.run = reads_letters, .mailbox_bytes = ROOM_FOR_THREE);
        send_parcels(pid, 'a', 'c');
        uint64_t before_ns = cop__clock_ns();
        send_parcels(pid, 'd', 'i');
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 6 * (uint64_t)COP__PAUSE_NS);
        expect_parcels(pid, "abcdefghi");
}

IN_NODE(a_limit_of_bytes_drops_new_ones_by_their_size)
{
        cop_pid pid = limited(.run = reads_letters, .mailbox_bytes = ROOM_FOR_THREE,
                              .mailbox_policy = COP_MAILBOX_DROP_NEW);
        uint64_t letters = cop_dead_letter_count(node);
        send_parcels(pid, 'a', 'e');
        ck_assert_int_eq(cop_send(pid, parcel, .text = COP_TEXT("z")), COP_OK); /* a small one still fits */
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 2);
        ck_assert_str_eq(info_of(pid, "dropped"), "2");
        expect_parcels(pid, "abcz");
}

IN_NODE(a_limit_of_bytes_drops_the_oldest_until_the_newest_fit)
{
        cop_pid pid = limited(.run = reads_letters, .mailbox_bytes = ROOM_FOR_THREE,
                              .mailbox_policy = COP_MAILBOX_DROP_OLD);
        uint64_t letters = cop_dead_letter_count(node);
        send_parcels(pid, 'a', 'i'); /* twice the room is enough for six */
        ck_assert_str_eq(info_of(pid, "dropped"), "3");
        expect_parcels(pid, "def");
        ck_assert_uint_eq(cop_dead_letter_count(node) - letters, 6);
}

IN_NODE(a_limit_of_bytes_stops_its_owner)
{
        cop_ref ref;
        cop_pid pid = limited(.run = reads_letters, .mailbox_bytes = ROOM_FOR_THREE,
                              .mailbox_policy = COP_MAILBOX_STOP, .monitor = true, .monitor_ref = &ref);
        send_parcels(pid, 'a', 'c');
        settle_with(pid);
        ck_assert(cop_is_alive(pid));
        send_parcels(pid, 'd', 'd');
        await_down(ref, "{system_limit, mailbox}");
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
        cop_mailbox_key key = COP_KEY(letter, number), none = { 0 };
        cop_pid pid = limited(.server = &reader_server, .mailbox_limit = 20, .mailbox_policy = policy,
                              .mailbox_key = policy == COP_MAILBOX_COALESCE ? key : none);
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

IN_NODE(what_is_sent_to_a_mailbox_that_coalesces_is_handled_or_counted)
{
        conserve(node, COP_MAILBOX_COALESCE);
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
                                      .mailbox_policy = COP_MAILBOX_COALESCE + 1 };
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

/* ---- What is not counted, and what is wanted no more ------------------------------------------------- */

IN_NODE(a_call_among_the_oldest_that_are_dropped_hears_that_the_mailbox_is_full)
{
        cop_pid pid = limited(.mailbox_limit = 2, .mailbox_policy = COP_MAILBOX_DROP_OLD);
        cop_request request;
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_request_send(&request, pid, letter, .number = 1), COP_OK);
        send_numbers(pid, 2, 3);
        let_go(pid);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_E_FULL);
        expect_numbers(2, 3);
}

static void waits_for_letters_of_late(void)
{
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_FIELD(letter, number, -1)));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        holds_back();
}

/* The exit signal is in the mailbox before the letters, and is none of those that are too many. */
IN_NODE(what_the_runtime_tells_is_not_dropped_with_the_oldest)
{
        cop_pid pid = limited(.run = waits_for_letters_of_late, .mailbox_limit = 3, .mailbox_policy = COP_MAILBOX_DROP_OLD);
        let_go(pid);
        send_numbers(pid, 1, 5);
        settle_with(pid);
        ck_assert_int_eq(cop_send(pid, letter, .number = -1), COP_OK);
        let_go(pid);
        cop_auto first = await(COP_KIND(letter));
        ck_assert_int_ge(cop_read(letter, first)->number, 3);
        await_and_drop(COP_KIND(tally));
}

static void waits_for_ever(void)
{
        cop_sleep(COP_FOREVER);
}

/* Grows a tree when its only place is taken; `handled` tells what came of it. */
static void grows_a_tree(void)
{
        cop_pid root;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        cop_status status = cop_supervise(&(cop_supervisor){ .children = COP_CHILDREN({ "leaf", .run = waits_for_ever }) },
                                          &root);
        cop_send(cop_parent(), tally, .handled = status);
        if (status == COP_OK)
                cop_shutdown(root, PATIENCE_MS);
}

IN_NODE(who_has_no_room_left_grows_a_tree_and_hears_that_it_runs)
{
        static const cop_mailbox_policy policies[] = { COP_MAILBOX_REJECT, COP_MAILBOX_DROP_NEW, COP_MAILBOX_STOP };
        for (size_t i = 0; i < COP__COUNT(policies); i++) {
                cop_pid pid = limited(.run = grows_a_tree, .mailbox_limit = 1, .mailbox_policy = policies[i]);
                cop_ref down = watch(pid);
                ck_assert_int_eq(cop_send(pid, letter), COP_OK);
                let_go(pid);
                cop_auto told = await(COP_KIND(tally));
                ck_assert_int_eq(cop_read(tally, told)->handled, COP_OK);
                await_down(down, "normal");
        }
}

IN_NODE(a_call_that_nobody_waits_for_any_more_leaves_its_place)
{
        cop_pid pid = limited(.mailbox_limit = 10);
        ck_assert_int_eq(cop_call(NULL, pid, 1, letter, .number = 1), COP_E_TIMEOUT);
        let_go(pid);
        cop_auto message = await(COP_KIND(tally));
        ck_assert_int_eq(cop_read(tally, message)->handled, 0);
}

typedef struct door {
        cop_pid pid;
        cop_ref ref;
} door;
COP_MESSAGE(door, pid, ref);

static void opens_a_door(void)
{
        cop_alias alias;
        if (cop_alias_open(COP_ALIAS_EXPLICIT, &alias) != COP_OK)
                cop_exit(cop_atom("no_alias"));
        cop_send(cop_parent(), door, .pid = alias.pid, .ref = alias.ref);
        traps_and_holds_back();
}

/* Whoever has given an alias away has asked for what comes through it. */
IN_NODE(what_comes_through_an_alias_is_no_message_too_many)
{
        cop_pid pid = limited(.run = opens_a_door, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT);
        cop_auto opened = await(COP_KIND(door));
        const door *d = cop_read(door, opened);
        ck_assert_int_eq(send_numbers(pid, 1, 1), 0);
        ck_assert_int_eq(send_numbers(pid, 2, 2), 1);
        cop_alias alias = { d->pid, d->ref };
        ck_assert_int_eq(cop_send(alias, letter, .number = 2), COP_OK);
        ck_assert_int_eq(cop_send_term(alias, COP_TUPLE(cop_atom("letter"), cop_int(3))), COP_OK);
        let_go(pid);
        expect_numbers(1, 3);
}

static void selects_letters(void)
{
        cop_case cases[] = { COP_CASE_RECEIVE(COP_KIND(letter)) };
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        for (int i = 0; i < 2; i++) {
                int which = cop_select(COP_FOREVER, cases);
                cop_send(cop_parent(), letter, .number = which == 0 ? cop_read(letter, cases[0].message)->number : -1);
                cop_message_free(cases[0].message);
        }
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(what_a_select_receives_leaves_its_place)
{
        cop_pid pid = limited(.run = selects_letters, .mailbox_limit = 3, .mailbox_policy = COP_MAILBOX_REJECT);
        ck_assert_int_eq(send_numbers(pid, 1, 2), 0);
        ck_assert_int_eq(cop_send(pid, go, .count = 0), COP_OK);
        for (int64_t i = 1; i <= 2; i++) {
                cop_auto message = await(COP_KIND(letter));
                ck_assert_int_eq(cop_read(letter, message)->number, i);
        }
        ck_assert_int_eq(send_numbers(pid, 3, 5), 0);
        ck_assert_int_eq(send_numbers(pid, 6, 6), 1);
        put_down(pid);
}

static void waits_in_a_select(void)
{
        cop_case cases[] = { COP_CASE_RECEIVE(COP_KIND(letter)) };
        for (;;) {
                int which = cop_select(COP_FOREVER, cases);
                cop_send(cop_parent(), letter, .number = which == 0 ? cop_read(letter, cases[0].message)->number : -1);
                cop_message_free(cases[0].message);
        }
}

/* One at a time, and each comes when it waits for it already. */
IN_NODE(what_comes_to_a_select_that_waits_leaves_its_place)
{
        cop_pid pid = limited(.run = waits_in_a_select, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT);
        for (int64_t i = 1; i <= 3; i++) {
                await_true(is_waiting(node, pid));
                ck_assert_int_eq(send_numbers(pid, i, i), 0);
                cop_auto message = await(COP_KIND(letter));
                ck_assert_int_eq(cop_read(letter, message)->number, i);
        }
        put_down(pid);
}
