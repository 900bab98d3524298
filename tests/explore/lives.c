/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Slots and pids: an actor dies, its slot is another's, and senders still hold the old pid. Under every schedule what was sent to
 * the dead reaches nobody else, each call ends with an answer, and each message was either read or a dead letter.
 */
#include "actors/info.h"
#include "tests/explore/inside.h"

/* A message that knows whom it is for. */
typedef struct {
        cop_pid pid;
} letter;
COP_MESSAGE(letter, pid);

static cop_pid first;
static unsigned sent, read_count;

static void reads(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(letter));
                EXPLORE_ASSERT(cop_pid_equal(cop_read(letter, message)->pid, cop_self()));
                read_count++;
        }
}

static void sends_to_the_first(void)
{
        for (unsigned i = 0; i < 2; i++) {
                EXPLORE_ASSERT(cop_send(first, letter, .pid = first) == COP_OK);
                sent++;
        }
}

static cop_pid spawn_and_kill(cop_pid old)
{
        cop_ref ref;
        EXPLORE_ASSERT(cop_monitor(old, &ref) == COP_OK);
        inside_end(old, "kill");
        cop_pid pid = cop_no_pid();
        bool early = explore_random(2) == 0; /* else it is likely to get the slot */
        if (early)
                pid = cop_spawn(reads);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        if (!early)
                pid = cop_spawn(reads);
        EXPLORE_ASSERT(!cop_pid_equal(pid, old));
        return pid;
}

IN_NODE(what_is_sent_to_the_dead_reaches_nobody_else)
{
        struct cop__totals totals;
        sent = read_count = 0;
        first = cop_spawn(reads);
        unsigned sender = inside_visitor(sends_to_the_first);
        cop_pid pid = spawn_and_kill(first);
        explore_join(sender);
        inside_end(pid, "kill");
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        cop__totals(inside, &totals);
        /* One may have been in the hands of the first when it was killed. */
        uint64_t known = read_count + totals.dead_letters;
        EXPLORE_ASSERT(sent == known || sent == known + 1);
        inside_nothing_has_come();
}

static bool reborn;

/* Has looked whether the first is alive, and pushes when another lives in its slot. */
static void pushes_late(void)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *slot = cop__slot_of(inside, first);
        struct cop__signal *signal;
        EXPLORE_ASSERT(cop__signal_message(&thread->pool, COP_KIND_OF(letter),
                                           &(letter){ .pid = first }, &signal) == COP_OK);
        while (!cop__load_acquire(&reborn))
                explore_yield();
        cop__push_signal(thread, slot, cop__pid_generation(first), signal);
}

IN_NODE(a_sender_that_looked_before_the_death_reaches_nobody)
{
        reborn = false;
        first = cop_spawn(reads);
        unsigned sender = inside_visitor(pushes_late);
        inside_end(first, "kill");
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        cop_pid pid = cop_spawn(reads);
        for (unsigned i = 0; i < 8 && cop__slot_of(inside, pid) != cop__slot_of(inside, first); i++)
                pid = cop_spawn(reads);
        cop__store_release(&reborn, true);
        explore_join(sender);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(cop_is_alive(pid));
}

static void calls_the_first(void)
{
        cop_message *reply;
        cop_status status = cop_call(&reply, first, COP_FOREVER, note, .n = 1);
        EXPLORE_ASSERT(status == COP_E_DIED || status == COP_E_NO_ACTOR);
        inside_nothing_has_come();
}

/* Whichever way the request meets its callee's death, the caller hears of it. */
IN_NODE(a_call_to_one_that_dies_ends)
{
        first = cop_spawn(reads);
        unsigned caller = inside_visitor(calls_the_first);
        spawn_and_kill(spawn_and_kill(first));
        explore_join(caller);
}
