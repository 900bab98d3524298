/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Watermarks of mailboxes: what is told, when, how often, and in which order. */
#include "tests/cue.h"
#include "tests/guest.h"

typedef struct letter {
        int64_t number;
} letter;
COP_MESSAGE(letter, number);

typedef struct flood {
        cop_pid to, tell;
        int64_t count;
} flood;
COP_MESSAGE(flood, to, tell, count);

typedef struct poured {
        int64_t count;
} poured;
COP_MESSAGE(poured, count);

/* Reads a letter for each exit signal that comes, which is the runtime's and not counted, and says so. */
static void reads_when_told(void)
{
        cop_trap_exit(true);
        for (;;) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
                cop_message_free(cop_receive(0, COP_KIND(letter)));
                cop_send(cop_parent(), poured, .count = 1);
        }
}

static cop_pid marked(uint32_t high, uint32_t low)
{
        cop_pid pid;
        cop_spawn_options options = { .run = reads_when_told, .mailbox_high = high, .mailbox_low = low };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        return pid;
}

static void send_letters(cop_pid to, int count)
{
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(cop_send(to, letter, .number = i), COP_OK);
}

static void let_read(cop_pid pid, int count)
{
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(cop_send_exit(pid, cop_atom("read")), COP_OK);
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(poured));
}

static void expect_alarm(cop_pid pid, bool over, uint64_t messages)
{
        cop_auto message = await(COP_ANY);
        const cop_mailbox_alarm *alarm = cop_read(cop_mailbox_alarm, message);
        ck_assert_ptr_nonnull(alarm);
        ck_assert(cop_pid_equal(alarm->pid, pid));
        ck_assert_int_eq(alarm->over, over);
        ck_assert_uint_eq(alarm->messages, messages);
}

static bool is_over(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.mailbox_over;
}

/* ---- When ---------------------------------------------------------------------------------- */

IN_NODE(a_mailbox_is_over_from_its_high_mark_on_and_until_it_is_down_at_the_low_one)
{
        cop_pid pid = marked(4, 1);
        send_letters(pid, 3);
        nothing_has_come();
        ck_assert(!is_over(pid));
        send_letters(pid, 1);
        expect_alarm(pid, true, 4);
        ck_assert(is_over(pid));
        send_letters(pid, 5);
        let_read(pid, 7);
        nothing_has_come(); /* two are left, and it is over still */
        ck_assert(is_over(pid));
        let_read(pid, 1);
        expect_alarm(pid, false, 1);
        ck_assert(!is_over(pid));
        send_letters(pid, 3);
        expect_alarm(pid, true, 4);
        put_down(pid);
        expect_alarm(pid, false, 4);
}

IN_NODE(a_mailbox_that_hovers_about_its_mark_makes_no_noise)
{
        cop_pid pid = marked(4, 2);
        send_letters(pid, 4);
        expect_alarm(pid, true, 4);
        for (int i = 0; i < 50; i++) {
                let_read(pid, 1);
                send_letters(pid, 1);
        }
        nothing_has_come();
        let_read(pid, 2);
        expect_alarm(pid, false, 2);
        for (int i = 0; i < 50; i++) {
                send_letters(pid, 1);
                let_read(pid, 1);
        }
        nothing_has_come();
        put_down(pid);
        nothing_has_come();
}

IN_NODE(a_low_mark_that_is_not_given_is_half_of_the_high_one)
{
        cop_process process;
        cop_pid pid = marked(7, 0);
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        ck_assert_uint_eq(process.mailbox_high, 7);
        ck_assert_uint_eq(process.mailbox_low, 3);
        send_letters(pid, 7);
        expect_alarm(pid, true, 7);
        let_read(pid, 3);
        nothing_has_come();
        let_read(pid, 1);
        expect_alarm(pid, false, 3);
        put_down(pid);
}

IN_NODE(a_low_mark_of_half_of_one_is_an_empty_mailbox)
{
        cop_pid pid = marked(1, 0);
        send_letters(pid, 1);
        expect_alarm(pid, true, 1);
        let_read(pid, 1);
        expect_alarm(pid, false, 0);
        put_down(pid);
}

IN_NODE(marks_and_a_limit_go_together)
{
        cop_pid pid;
        cop_spawn_options options = { .run = reads_when_told, .mailbox_high = 3, .mailbox_limit = 4,
                                      .mailbox_policy = COP_MAILBOX_REJECT };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        send_letters(pid, 4);
        expect_alarm(pid, true, 3);
        ck_assert_int_eq(cop_send(pid, letter, .number = 5), COP_E_FULL);
        let_read(pid, 3);
        expect_alarm(pid, false, 1);
        put_down(pid);
}

IN_NODE(the_dead_are_over_no_more_and_that_is_told_before_their_end)
{
        cop_pid pid = marked(2, 1);
        send_letters(pid, 2);
        expect_alarm(pid, true, 2);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        cop_auto first = await(COP_ANY);
        ck_assert_ptr_nonnull(cop_read(cop_mailbox_alarm, first));
        ck_assert(!cop_read(cop_mailbox_alarm, first)->over);
        await_down(ref, "killed");
}

IN_NODE_WITH(who_comes_after_in_the_slot_has_no_marks, .max_actors = 8)
{
        for (int round = 0; round < 20; round++) {
                cop_pid pid = marked(2, 1);
                send_letters(pid, 2);
                expect_alarm(pid, true, 2);
                put_down(pid);
                expect_alarm(pid, false, 2);
                cop_pid next = cop_spawn(reads_when_told);
                send_letters(next, 9);
                settle_with(next);
                ck_assert(!is_over(next));
                put_down(next);
                nothing_has_come();
        }
}

/* ---- Changed by the actor itself --------------------------------------------------------------- */

/* Marks come as an argument of an exit reason, so that they are not counted: {High, Low}. */
static void marks_itself(void)
{
        cop_trap_exit(true);
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
                const cop_term *items = cop_read(cop_exited, message)->reason.as.items;
                cop_status status = cop_mailbox_marks((uint32_t)items[0].as.integer,
                                                      (uint32_t)items[1].as.integer);
                cop_set_label(cop_status_text(status));
                cop_send(cop_parent(), poured, .count = 1);
        }
}

static void mark(cop_pid pid, int64_t high, int64_t low)
{
        ck_assert_int_eq(cop_send_exit(pid, COP_TUPLE(cop_int(high), cop_int(low))), COP_OK);
        await_and_drop(COP_KIND(poured));
}

IN_NODE(an_actor_may_give_itself_marks_and_what_waits_already_counts)
{
        cop_pid pid = cop_spawn(marks_itself);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        send_letters(pid, 5);
        settle_with(pid);
        mark(pid, 6, 2);
        nothing_has_come();
        mark(pid, 5, 2);
        expect_alarm(pid, true, 5);
        mark(pid, 3, 1); /* others: the old ones end, and the new ones are crossed already */
        expect_alarm(pid, false, 5);
        expect_alarm(pid, true, 5);
        mark(pid, 2, 2);
        ck_assert_str_eq(info_of(pid, "label"), "\"an argument is outside its documented range\"");
        ck_assert(is_over(pid)); /* as it was */
        mark(pid, 0, 0);
        expect_alarm(pid, false, 5);
        ck_assert(!is_over(pid));
        send_letters(pid, 50);
        settle_with(pid);
        nothing_has_come();
        put_down(pid);
        nothing_has_come();
}

IN_NODE(a_thread_of_the_program_may_too)
{
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        ck_assert_int_eq(cop_mailbox_marks(2, 1), COP_OK);
        send_letters(cop_self(), 2);
        cop_auto message = await(COP_KIND(cop_mailbox_alarm));
        ck_assert(cop_read(cop_mailbox_alarm, message)->over);
        ck_assert(cop_pid_equal(cop_read(cop_mailbox_alarm, message)->pid, cop_self()));
        await_and_drop(COP_KIND(letter));
        await_and_drop(COP_KIND(cop_mailbox_alarm));
}

/* ---- Wrong, and who is told --------------------------------------------------------------------- */

IN_NODE(marks_that_do_not_go_together_are_refused)
{
        cop_pid pid;
        const cop_spawn_options low_alone = { .run = reads_when_told, .mailbox_low = 1 };
        const cop_spawn_options equal = { .run = reads_when_told, .mailbox_high = 3, .mailbox_low = 3 };
        ck_assert_int_eq(cop_spawn_opt(&low_alone, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_spawn_opt(&equal, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_mailbox_marks(0, 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_mailbox_marks(7, 8), COP_E_BAD_ARGUMENT);
}

TEST(outside_a_node_there_are_no_marks)
{
        ck_assert_int_eq(cop_mailbox_marks(7, 1), COP_E_NO_NODE);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_E_NO_NODE);
        cop_mailbox_unsubscribe();
}

IN_NODE(who_has_unsubscribed_is_not_told)
{
        cop_pid pid = marked(2, 1);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK); /* twice is once */
        cop_mailbox_unsubscribe();
        send_letters(pid, 2);
        settle_with(pid);
        nothing_has_come();
        put_down(pid);
}

/* ---- Many at once ----------------------------------------------------------------------------------- */

static void floods(const flood *f)
{
        for (int64_t i = 0; i < f->count; i++)
                cop_send(f->to, letter, .number = i);
        cop_send(f->tell, poured, .count = f->count);
}

/* Not before it is told to by a `poured`: so its mailbox is over for once at least, however the turns fall. */
static void drinks(const flood *f)
{
        await_and_drop(COP_KIND(poured));
        for (int64_t i = 0; i < f->count; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
        cop_send(f->tell, poured, .count = f->count);
        cop_sleep(COP_FOREVER);
}

/* Rises and falls take turns, whoever finds them, and in the end all is drunk. */
IN_NODE(news_of_one_mailbox_alternate_however_many_send)
{
        enum { SENDERS = 4 };
        const int64_t each = suite_is_slow() || COP__TINY ? 500 : 20000;
        bool over = false;
        int64_t done = 0, crossings = 0;
        cop_pid pid;
        const flood all = { .tell = cop_self(), .count = SENDERS * each };
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        cop_spawn_options options = { .run_with = COP_RUN_WITH(drinks, flood), .kind = COP_KIND_OF(flood),
                                      .argument = &all, .mailbox_high = 3, .mailbox_low = 1 };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        for (int i = 0; i < SENDERS; i++)
                cop_spawn_with(floods, flood, .to = pid, .tell = cop_self(), .count = each);
        while (done < SENDERS + 1) {
                cop_auto message = await(COP_ANY);
                const cop_mailbox_alarm *alarm = cop_read(cop_mailbox_alarm, message);
                if (alarm == NULL) {
                        done++;
                        continue;
                }
                ck_assert_int_ne(alarm->over, over);
                over = alarm->over;
                if (crossings++ == 0)
                        cop_send(pid, poured, .count = 0);
        }
        settle_with(pid);
        for (cop_message *last; (last = cop_receive(0, COP_KIND(cop_mailbox_alarm))) != NULL; crossings++) {
                ck_assert_int_ne(cop_read(cop_mailbox_alarm, last)->over, over);
                over = cop_read(cop_mailbox_alarm, last)->over;
                cop_message_free(last);
        }
        ck_assert(!over);
        ck_assert(!is_over(pid));
        ck_assert_int_ge(crossings, 2);
        put_down(pid);
}

/* Marks that come and go while others send: none of it is left over when all is read. */
static void drinks_and_marks(const flood *f)
{
        for (int64_t i = 0; i < f->count; i++) {
                if (i % 8 == 0)
                        cop_mailbox_marks(i % 16 == 0 ? 3 : 0, 0);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
        }
        cop_mailbox_marks(3, 0);
        cop_send(f->tell, poured, .count = f->count);
        cop_sleep(COP_FOREVER);
}

IN_NODE(marks_that_change_under_way_leave_the_count_right)
{
        enum { SENDERS = 3 };
        const int64_t each = suite_is_slow() || COP__TINY ? 300 : 10000;
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        cop_pid pid = cop_spawn_with(drinks_and_marks, flood, .tell = cop_self(), .count = SENDERS * each);
        for (int i = 0; i < SENDERS; i++)
                cop_spawn_with(floods, flood, .to = pid, .tell = cop_self(), .count = each);
        for (int i = 0; i <= SENDERS; i++)
                await_and_drop(COP_KIND(poured));
        bool over = false;
        for (cop_message *last; (last = cop_receive(0, COP_KIND(cop_mailbox_alarm))) != NULL;) {
                ck_assert_int_ne(cop_read(cop_mailbox_alarm, last)->over, over);
                over = cop_read(cop_mailbox_alarm, last)->over;
                cop_message_free(last);
        }
        ck_assert(!over);
        send_letters(pid, 2);
        settle_with(pid);
        nothing_has_come();
        send_letters(pid, 1);
        expect_alarm(pid, true, 3);
        put_down(pid);
}

static void takes_marks_back(void)
{
        cop_status status = cop_mailbox_marks(0, 0);
        cop_send(cop_parent(), poured, .count = status);
}

IN_NODE(marks_that_were_never_set_can_be_taken_back)
{
        cop_spawn(takes_marks_back);
        cop_auto message = await(COP_KIND(poured));
        ck_assert_int_eq(cop_read(poured, message)->count, COP_OK);
}

/* ---- Two at once ----------------------------------------------------------------------------- */

static void sends_one(void *pid)
{
        ck_assert_int_eq(cop_send(*(const cop_pid *)pid, letter, .number = 1), COP_OK);
}

IN_NODE(of_two_who_fill_a_mailbox_up_to_its_mark_at_once_one_tells)
{
        NEEDS_THREADS();
        guest other;
        cop_pid pid = marked(2, 1);
        send_letters(pid, 1);
        cue_hold("watermark.is_crossed");
        guest_comes(&other, node, sends_one, &pid);
        cue_await("watermark.is_crossed");
        send_letters(pid, 1);
        expect_alarm(pid, true, 3);
        cue_go("watermark.is_crossed");
        guest_leaves(&other);
        nothing_has_come();
        let_read(pid, 2);
        expect_alarm(pid, false, 1);
        put_down(pid);
        nothing_has_come();
}

static void gives_up_its_marks(void)
{
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        ck_assert_int_eq(cop_mailbox_marks(0, 0), COP_OK);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
}

static void lets_it_be_told(void *unused)
{
        (void)unused;
        cue_go("watermark.tells");
}

/* Its end is told after its beginning. */
IN_NODE(who_gives_up_its_marks_while_somebody_tells_of_them_waits_for_that)
{
        NEEDS_THREADS();
        guest other;
        cop_pid pid;
        cop_spawn_options options = { .run = gives_up_its_marks, .mailbox_high = 1 };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        settle_with(pid);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        cue_hold("watermark.tells");
        cue_act("watermark.awaits_teller", lets_it_be_told, NULL);
        guest_comes(&other, node, sends_one, &pid);
        cue_await("watermark.tells");
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("now")), COP_OK);
        expect_alarm(pid, true, 1);
        expect_alarm(pid, false, 1);
        ck_assert(cue_has_come("watermark.awaits_teller"));
        guest_leaves(&other);
        put_down(pid);
        nothing_has_come();
}

/* ---- What is no mail ---------------------------------------------------------------------------------- */

static uint32_t may_mark; /* atomic */

typedef struct shelf {
        int64_t letters;
} shelf;
COP_MESSAGE(shelf, letters);

/* It has mail, and is asked something, before it has marks. */
static void shelf_on_poured(shelf *self, const poured *p)
{
        (void)self;
        cop__store_seq(&may_mark, 1);
        while (cop__load_seq(&may_mark) < 2)
                sched_yield();
        ck_assert_int_eq(cop_mailbox_marks((uint32_t)p->count, 1), COP_OK);
}

static void shelf_on_letter(shelf *self, const letter *l)
{
        (void)l;
        self->letters++;
}

COP_SERVER(shelf, COP_ON(poured, shelf_on_poured), COP_ON(letter, shelf_on_letter), COP_STATE(shelf));

static void replaces(const flood *f)
{
        const cop_term state = COP_TUPLE(cop_atom("shelf"), cop_int(7));
        if (cop_sys_replace_state(f->to, COP_FOREVER, state, NULL) != COP_OK)
                cop_exit(cop_atom("not_replaced"));
}

IN_NODE(what_sys_asks_is_no_mail_that_marks_count)
{
        NEEDS_THREADS();
        cop_pid pid = cop_spawn_server(&shelf_server, NULL);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        cop__store_seq(&may_mark, 0);
        cop_send(pid, poured, .count = 2);
        await_true(cop__load_seq(&may_mark) == 1);
        send_letters(pid, 1);
        cop_ref ref = spawn_watched(.run_with = COP_RUN_WITH(replaces, flood), .kind = COP_KIND_OF(flood),
                                    .argument = &(flood){ .to = pid });
        await_true(cop__unread(cop__slot_of(node, pid)) == 2);
        cop__store_seq(&may_mark, 2);
        await_down(ref, "normal");
        ck_assert_uint_eq(cop__load_relaxed(&node->slots.limits[cop__pid_slot(pid)].count), 0);
        nothing_has_come();
        put_down(pid);
}
