/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where the runtime is at work for an actor, also in the C library, that actor is neither interrupted nor left. */
#define _GNU_SOURCE /* dl_phdr_info */
#include <sched.h>

#include "tests/torment.h"

#include "actors/fault.h"
#include "actors/ground.h"
#include "actors/object.h"

typedef struct { int64_t number; } work;
COP_MESSAGE(work, number);

/* The library's functions go that way too, where it is linked statically: who is there is where its caller is. */
IN_NODE(a_jump_into_a_library_is_as_who_makes_it)
{
        UNLESS_POSSIBLE;
        struct cop__code_range jumps[4];
        struct cop__grounds *grounds = cop__grounds_new(cop__fault_code_map());
        size_t count = cop__object_program_jumps(jumps, COP__COUNT(jumps));
        ck_assert_uint_gt(count, 0);
        for (size_t i = 0; i < count; i++) {
                ck_assert_int_eq(cop__ground_of(grounds, jumps[i].low), COP__GROUND_JUMP);
                ck_assert_int_eq(cop__ground_of(grounds, jumps[i].high - 1), COP__GROUND_JUMP);
        }
        cop__grounds_free(grounds);
}

typedef struct { int64_t heard; } drowsy;

static void drowsy_on_work(drowsy *self, const work *w)
{
        self->heard += w->number;
}

COP_SERVER(drowsy, COP_ON(work, drowsy_on_work));

enum { LATE = 200 };

/* Between its messages it is at what the runtime does for it, with functions of the C library that are harmless to the program. */
TEST_WITHIN(actors_killed_as_they_take_in_what_nobody_waits_for_leave_nothing_behind, 120)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        for (int i = 0; i < (suite_is_slow() ? 40 : 1000); i++) {
                cop_pid pid = cop_spawn_server(&drowsy_server, NULL);
                cop_ref ref = watch(pid);
                cop_send(pid, work, .number = 1);
                for (uint64_t late = 1; late <= LATE; late++) {
                        const cop_caller caller = { .pid = pid, .ref.bits = late };
                        cop_reply_to(caller, work, .number = 1);
                }
                cop_send_exit(pid, cop_atom("kill"));
                await_down(ref, "killed");
        }
        end_torment(&tormentor);
        node_end(node);
}

/* ---- Where the runtime waits ------------------------------------------------------------------------------- */

typedef struct quote {
        int64_t share, pence;
} quote;
COP_MESSAGE(quote, share, pence);

typedef struct said {
        int64_t status;
} said;
COP_MESSAGE(said, status);

static uint32_t may_go; /* atomic */

typedef struct { int64_t quotes; } board;

static void board_on_quote(board *self, const quote *q)
{
        (void)q;
        self->quotes++;
        while (!cop__load_seq(&may_go))
                sched_yield();
}

static void board_on_work(board *self, const work *w)
{
        (void)self;
        cop_reply(work, w->number);
}

COP_SERVER(board, COP_ON(quote, board_on_quote), COP_ON(work, board_on_work));

typedef struct { cop_pid pid; } whom;
COP_MESSAGE(whom, pid);

static void calls(const whom *w)
{
        cop_status status = cop_call(NULL, w->pid, COP_FOREVER, work, 1);
        cop_send(cop_parent(), said, .status = status);
}

/* How often the watch has asked, and what came of it is that. */
static uint64_t asked(cop_node *node)
{
        return cop__preempt_count(node, COP__PREEMPTED) + cop__preempt_count(node, COP__PREEMPT_RUNTIME);
}

/* Between two messages, with the second in its hand: no function of the program's is on the stack then, as if the first one's handler had made
 * the call that waits its last. */
IN_NODE_WITH(who_is_killed_while_the_runtime_waits_for_a_lock_loses_nothing, .workers = 2)
{
        NEEDS_THREADS();
        UNLESS_POSSIBLE;
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .server = &board_server, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_COALESCE,
                                      .mailbox_key = COP_KEY(quote, share), .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        struct cop__limit *limit = &node->slots.limits[cop__pid_slot(pid)];
        cop__store_seq(&may_go, 0);
        ck_assert_int_eq(cop_send(pid, quote, .share = 1), COP_OK);
        await_true(cop__load_relaxed(&limit->count) == 0);
        cop_spawn_with(calls, whom, pid);
        await_true(cop__load_relaxed(&limit->count) == 1);
        ck_assert_int_eq(cop_send(pid, quote, .share = 2), COP_OK); /* it waits by its key */
        cop__lock_lock(&limit->porch.lock);
        cop__store_seq(&may_go, 1);
        await_true(cop__load_relaxed(&limit->count) == 0); /* and wants the lock */
        uint64_t before = asked(node);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_true(asked(node) >= before + 4); /* the first may have been for what waits, and not to be left there */
        cop__lock_unlock(&limit->porch.lock);
        await_down(ref, "killed");
        await_and_drop(COP_KIND(said));
}
