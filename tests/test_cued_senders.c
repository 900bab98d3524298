/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Senders that lose their core between the two steps of a push. Who is to take in what they send waits for them if he must, and
 * comes back otherwise.
 */
#include "tests/cue.h"
#include "tests/guest.h"
#include "tests/half_sent.h"

typedef struct { int64_t number; } step;
COP_MESSAGE(step, number);

static uint32_t at, until; /* atomic: the step that it is at, and up to which it may go */

typedef struct { int64_t unused; } walker;

static void walker_on_step(walker *self, const step *s)
{
        (void)self;
        cop__store_seq(&at, (uint32_t)s->number);
        while (cop__load_seq(&until) < (uint32_t)s->number)
                sched_yield();
}

COP_SERVER(walker, COP_ON(step, walker_on_step));

static void await_step(uint32_t number)
{
        while (cop__load_seq(&at) != number)
                sched_yield();
}

/* Nothing of his, such as a time-out that is set, may be between the steps. */
static void waits_for_leave(void)
{
        while (!cop__load_seq(&until))
                sched_yield();
}

/* ---- Who lives ---------------------------------------------------------------------------- */

/* It is looked for again behind each message. */
IN_NODE(a_kill_behind_a_sender_in_the_middle_of_its_push_comes_as_soon_as_that_goes_on)
{
        NEEDS_THREADS();
        cop_pid pid;
        cop_ref ref;
        struct half_sent half;
        cop_spawn_options options = { .server = &walker_server, .no_preempt = true, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        for (int64_t number = 1; number <= 3; number++)
                ck_assert_int_eq(cop_send(pid, step, .number = number), COP_OK);
        await_step(1);
        send_half(&half, node, pid, COP_KIND_OF(step), &(step){ 4 });
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        cop__store_seq(&until, 1);
        await_step(2);
        send_rest(&half);
        cop__store_seq(&until, 9);
        await_down(ref, "killed");
        ck_assert_uint_eq(cop__load_seq(&at), 2);
}

/* ---- Who takes its end in before it can obey ------------------------------------------------ */

/* So many unread that a reference has its place among them marked, for which all is taken in. */
static cop_pid spawn_behind(void (*run)(void), cop_ref *ref)
{
        cop_pid pid;
        cop_spawn_options options = { .run = run, .no_preempt = true, .monitor = true, .monitor_ref = ref };
        cop__store_seq(&at, 0);
        cop__store_seq(&until, 0);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_step(1);
        for (int64_t i = 0; i < 2 * COP__MARK_FROM; i++)
                ck_assert_int_eq(cop_send(pid, step, .number = i), COP_OK);
        return pid;
}

static void refers(void)
{
        cop__store_seq(&at, 1);
        waits_for_leave();
        (void)cop_ref_new();
        cop__store_seq(&at, 2);
}

static void refers_and_waits(void)
{
        refers();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_down)));
}

static void kills(void *pid)
{
        ck_assert_int_eq(cop_send_exit(*(const cop_pid *)pid, cop_atom("kill")), COP_OK);
}

IN_NODE(who_takes_in_its_end_as_it_makes_a_reference_ends_when_it_waits)
{
        NEEDS_THREADS();
        guest g;
        cop_ref ref;
        cop_pid pid = spawn_behind(refers_and_waits, &ref);
        cue_hold("send.is_urgent");
        guest_comes(&g, node, kills, &pid);
        cue_await("send.is_urgent");
        cop__store_seq(&until, 1);
        await_step(2);
        await_true(is_waiting(node, pid) || !cop_is_alive(pid));
        cue_go_and_await("send.is_urgent");
        await_down(ref, "killed");
        guest_leaves(&g);
}

IN_NODE(who_takes_in_its_end_as_it_makes_a_reference_and_returns_has_ended_of_it)
{
        NEEDS_THREADS();
        cop_ref ref;
        cop_pid pid = spawn_behind(refers, &ref);
        ck_assert_int_eq(cop_send_exit(pid, COP_TUPLE(cop_atom("why"), cop_string("so"))), COP_OK);
        cop__store_seq(&until, 1);
        await_down(ref, "{why, \"so\"}");
}

/* ---- Slots that nobody lives in ---------------------------------------------------------------- */

static cop_pid spawn_leaver(cop_ref *ref)
{
        cop_pid pid;
        cop_spawn_options options = { .run = waits_for_leave, .no_preempt = true, .monitor = true, .monitor_ref = ref };
        cop__store_seq(&until, 0);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        return pid;
}

/* The slot is the next one's when that has come. */
IN_NODE(a_message_in_the_middle_of_its_push_as_its_receiver_ends_is_a_dead_letter)
{
        NEEDS_THREADS();
        cop_ref ref;
        struct half_sent half;
        cop_pid pid = spawn_leaver(&ref);
        uint64_t before = dead_letters_of(node);
        cue_act("turn.awaits_sender", send_rest, &half);
        send_half(&half, node, pid, COP_KIND_OF(step), &(step){ 1 });
        cop__store_seq(&until, 1);
        await_down(ref, "normal");
        await_true(dead_letters_of(node) == before + 1);
        ck_assert(cue_has_come("turn.awaits_sender"));
}

/* The slot of one that has ended is the next to be given. */
static cop_pid ended_last(cop_node *node)
{
        cop_ref ref;
        struct cop__slots *slots = &node->slots;
        cop_pid pid = spawn_leaver(&ref);
        cop__store_seq(&until, 1);
        await_down(ref, "normal");
        for (bool given = false; !given; sched_yield()) {
                cop__lock_lock(&slots->lock);
                given = slots->free_count > 0 && slots->free[slots->free_count - 1] == cop__pid_slot(pid);
                cop__lock_unlock(&slots->lock);
        }
        return pid;
}

static void tells_parent(void)
{
        cop_send(cop_parent(), step, .number = 7);
}

/* Small, so that no thread keeps slots for itself. */
IN_NODE_WITH(who_is_born_behind_a_stray_that_has_just_been_answered_lives, .max_actors = 32)
{
        NEEDS_THREADS();
        struct half_sent stray;
        cop_pid dead = ended_last(node), born;
        uint64_t before = dead_letters_of(node);
        cue_hold("turn.nobody_lives");
        send_half(&stray, node, dead, COP_KIND_OF(step), &(step){ 1 });
        send_rest(&stray);
        cue_await("turn.nobody_lives");
        ck_assert_uint_eq(dead_letters_of(node), before + 1);
        born = cop_spawn(tells_parent);
        ck_assert_uint_eq(cop__pid_slot(born), cop__pid_slot(dead));
        nothing_has_come();
        cue_go("turn.nobody_lives");
        cop_auto message = await(COP_KIND(step));
        ck_assert_int_eq(cop_read(step, message)->number, 7);
}

/* ... and so is a thread of the program: whoever sent the stray tells it, and no worker, that there is something. */
IN_NODE_WITH(a_thread_that_enters_behind_a_stray_answers_it_and_is_in, .max_actors = 32)
{
        NEEDS_THREADS();
        guest g;
        struct half_sent stray;
        cop_pid dead = ended_last(node);
        uint64_t before = dead_letters_of(node);
        send_half(&stray, node, dead, COP_KIND_OF(step), &(step){ 1 });
        cue_act("visitor.comes", send_rest, &stray);
        guest_comes(&g, node, NULL, NULL);
        ck_assert(cue_has_come("visitor.comes"));
        ck_assert_uint_eq(cop__pid_slot(g.pid), cop__pid_slot(dead));
        ck_assert_uint_eq(dead_letters_of(node), before + 1);
        ck_assert_int_eq(cop_send(g.pid, step, .number = 1), COP_OK);
        ck_assert(cop_is_alive(g.pid));
        guest_leaves(&g);
        await_true(dead_letters_of(node) == before + 2);
}
