/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Rings of waiting actors through the start of a child: its init waits for who has asked for it. See actors/ring.c. */
#include <coppice/children.h>
#include <coppice/request.h>
#include <coppice/simulation.h>
#include <coppice/supervisor.h>
#include <coppice/task.h>

#include "mailbox/term.h"
#include "tests/node_fixture.h"

/* What a child's init does, and what a desk is asked to do. */
typedef struct plan {
        int64_t what;
        cop_pid whom, via, tell;
} plan;
COP_MESSAGE(plan, what, whom, via, tell);

enum what {
        ASK = 1,       /* calls `whom` */
        ASK_VIA,       /* calls `via`, who calls `whom` */
        ASK_IN_FLIGHT, /* sends `whom` a request, and awaits it */
        ASK_LATER,     /* does nothing in init, and calls `whom` when that is over */
        START,         /* a desk: has "growers" start a child with this plan, `what` in `via` */
        START_TREE,    /* a desk: starts a supervisor whose child has that plan */
        START_NESTED,  /* a desk: has "growers" start such a supervisor */
        PASS,          /* a desk: calls `whom`, and answers */
        ANSWER,        /* a desk: answers */
};

typedef struct outcome {
        int64_t status;
        cop_term failure;
} outcome;
COP_MESSAGE(outcome, status, failure);

typedef struct done {
        int64_t status;
} done;
COP_MESSAGE(done, status);

static void tell(cop_pid to, cop_status status)
{
        cop_send(to, outcome, .status = status, .failure = status != COP_OK ? cop_failure() : cop_nil());
}

static cop_status request(cop_pid to)
{
        cop_request sent;
        cop_status status = cop_request_send(&sent, to, plan, .what = ANSWER);
        return status == COP_OK ? cop_request_await(sent, COP_FOREVER, NULL) : status;
}

/* ---- The child ------------------------------------------------------------------------- */

typedef struct child {
        plan plan;
} child;

static void child_init(child *self, const plan *p)
{
        self->plan = *p;
        if (p->what == ASK)
                tell(p->tell, cop_call(NULL, p->whom, COP_FOREVER, plan, .what = ANSWER));
        else if (p->what == ASK_VIA)
                tell(p->tell, cop_call(NULL, p->via, COP_FOREVER, plan, .what = PASS, .whom = p->whom));
        else if (p->what == ASK_IN_FLIGHT)
                tell(p->tell, request(p->whom));
        else
                cop_continue();
}

static void child_goes_on(child *self)
{
        tell(self->plan.tell, cop_call(NULL, self->plan.whom, COP_FOREVER, plan, .what = ANSWER));
}

COP_SERVER(child, COP_INIT_WITH(plan, child_init), COP_CONTINUE(child_goes_on));

/* ---- Who asks for it --------------------------------------------------------------------- */

typedef struct desk {
        int64_t asked;
} desk;

static plan plan_of(const plan *p)
{
        return (plan){ .what = (int64_t)p->via.bits, .whom = cop_self(), .via = p->whom, .tell = p->tell };
}

static cop_status start_tree(const plan *p)
{
        cop_pid pid;
        plan of_child = plan_of(p);
        const cop_supervisor tree = {
                .name = "grove",
                .children = COP_CHILDREN({ "c", .server = &child_server, .kind = COP_KIND_OF(plan),
                                           .argument = &of_child, .unnamed = true }),
        };
        if (p->what == START_TREE)
                return cop_supervise(&tree, &pid);
        const cop_child nested = { .id = "grove", .supervisor = &tree, .restart = COP_TEMPORARY };
        return cop_start_child("growers", &nested, &pid);
}

static cop_status start_child(const plan *p)
{
        cop_pid pid;
        plan of_child = plan_of(p);
        const cop_child one = { .id = "c", .server = &child_server, .kind = COP_KIND_OF(plan),
                                .argument = &of_child, .unnamed = true, .restart = COP_TEMPORARY };
        return cop_start_child("growers", &one, &pid);
}

static void desk_on_plan(desk *self, const plan *p)
{
        self->asked++;
        switch ((enum what)p->what) {
        case START:
                cop_reply(done, .status = start_child(p));
                return;
        case START_TREE:
        case START_NESTED:
                cop_reply(done, .status = start_tree(p));
                return;
        case PASS:
                cop_reply(done, .status = cop_call(NULL, p->whom, COP_FOREVER, plan, .what = ANSWER));
                return;
        default:
                cop_reply(done, .status = COP_OK);
        }
}

COP_SERVER(desk, COP_ON(plan, desk_on_plan));

static cop_pid new_desk(void)
{
        return cop_spawn_server(&desk_server, NULL);
}

static void grow(void)
{
        static const cop_supervisor growers = { .name = "growers" };
        cop_pid pid;
        ck_assert_int_eq(cop_supervise(&growers, &pid), COP_OK);
}

static int64_t asked(cop_pid pid, plan question)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_value(&reply, cop_to_pid(pid), PATIENCE_MS, COP_KIND_OF(plan), &question),
                         COP_OK);
        return cop_read(done, reply)->status;
}

/* How the call of the child's init ended; the ring, if it is one, begins with the child and goes on with `next`. */
static cop_status how_it_ended(cop_pid next, uint32_t members)
{
        cop_auto message = await(COP_KIND(outcome));
        const outcome *o = cop_read(outcome, message);
        if (o->status != COP_E_CYCLE)
                return (cop_status)o->status;
        ck_assert_msg(cop_is_tuple(o->failure, "calling_cycle", 2), "%s", text_of(o->failure));
        cop_term rest = o->failure.as.items[1], item;
        ck_assert(cop__term_next(&rest, &item));
        ck_assert(cop__term_next(&rest, &item));
        ck_assert_msg(cop_pid_equal(item.as.pid, next), "%s", text_of(o->failure));
        for (members -= 2; members > 0; members--)
                ck_assert(cop__term_next(&rest, &item));
        ck_assert_msg(!cop__term_next(&rest, &item), "%s", text_of(o->failure));
        return COP_E_CYCLE;
}

/* ---- Rings --------------------------------------------------------------------------------- */

IN_NODE(an_init_that_calls_who_has_asked_a_supervisor_for_it_fails_at_once_with_the_ring)
{
        cop_pid pid = new_desk();
        grow();
        ck_assert_int_eq(asked(pid, (plan){ .what = START, .via = { ASK }, .tell = cop_self() }), COP_OK);
        ck_assert_int_eq(how_it_ended(pid, 2), COP_E_CYCLE);
}

IN_NODE(so_does_one_that_awaits_a_request_of_his)
{
        cop_pid pid = new_desk();
        grow();
        ck_assert_int_eq(asked(pid, (plan){ .what = START, .via = { ASK_IN_FLIGHT }, .tell = cop_self() }),
                         COP_OK);
        ck_assert_int_eq(how_it_ended(pid, 2), COP_E_CYCLE);
}

IN_NODE(a_ring_through_a_start_and_a_third_is_seen_whoever_closes_it)
{
        cop_pid pid = new_desk(), third = new_desk();
        cop_auto message = NULL;
        grow();
        ck_assert_int_eq(asked(pid, (plan){ .what = START, .whom = third, .via = { ASK_VIA },
                                            .tell = cop_self() }),
                         COP_OK);
        message = await(COP_KIND(outcome)); /* of the two calls either may have closed it */
        cop_status status = (cop_status)cop_read(outcome, message)->status;
        ck_assert_msg(status == COP_E_CYCLE || status == COP_OK, "%d", status);
}

IN_NODE(a_ring_through_the_start_of_a_tree_is_seen)
{
        cop_pid pid = new_desk();
        ck_assert_int_eq(asked(pid, (plan){ .what = START_TREE, .via = { ASK }, .tell = cop_self() }),
                         COP_OK);
        ck_assert_int_eq(how_it_ended(pid, 3), COP_E_CYCLE);
}

IN_NODE(a_ring_through_a_supervisor_that_a_supervisor_starts_is_seen)
{
        cop_pid pid = new_desk();
        grow();
        ck_assert_int_eq(asked(pid, (plan){ .what = START_NESTED, .via = { ASK }, .tell = cop_self() }),
                         COP_OK);
        ck_assert_int_eq(how_it_ended(pid, 3), COP_E_CYCLE);
}

/* ---- Rings, where memory is refused --------------------------------------------------------- */

/* Asks a desk of a simulated node for a start that closes a ring, with the n-th request for memory in vain. Somebody may end, but
 * nobody waits for ever: a ring that is not seen ends by no time-out. Returns whether memory has been refused. */
static bool close_ring_without(uint64_t seed, enum what start, uint64_t n)
{
        cop_simulation order = { .seed = seed, .checks = 64 };
        cop_simulation_state before, after;
        cop_auto reply = NULL;
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        grow();
        cop_pid pid = new_desk();
        ck_assert_int_eq(cop_simulation_look(node, &before), COP_OK);
        cop_simulation_refuse(node, n);
        cop_status status = cop_call(&reply, pid, PATIENCE_MS, plan, .what = start, .via = { ASK },
                                     .tell = cop_self());
        cop_simulation_refuse(node, 0);
        ck_assert_int_eq(cop_simulation_look(node, &after), COP_OK);
        ck_assert_msg(status != COP_E_TIMEOUT, "at request %llu of seed %llu they wait for ever",
                      (unsigned long long)n, (unsigned long long)seed);
        bool refused = after.refusals > before.refusals;
        if (!refused)
                ck_assert_int_eq(how_it_ended(pid, start == START ? 2 : 3), COP_E_CYCLE);
        cop_message_free(reply);
        reply = NULL;
        node_end(node);
        return refused;
}

TEST(a_ring_through_a_start_is_seen_wherever_memory_is_refused)
{
        static const enum what starts[] = { START, START_TREE, START_NESTED };
        for (uint64_t seed = 1; seed <= 3; seed++)
                for (size_t i = 0; i < COP__COUNT(starts); i++)
                        for (uint64_t n = 1; close_ring_without(seed, starts[i], n); n++)
                                ck_assert_uint_lt(n, 1000);
}

/* ---- No rings -------------------------------------------------------------------------------- */

/* Its start may be over and its starter not have heard of that yet: the starter will go on. */
IN_NODE(one_that_calls_when_its_start_is_over_closes_no_ring)
{
        int rounds = suite_is_slow() ? 50 : 500;
        cop_pid pid = new_desk();
        grow();
        for (int i = 0; i < rounds; i++) {
                ck_assert_int_eq(asked(pid, (plan){ .what = START, .via = { ASK_LATER },
                                                    .tell = cop_self() }),
                                 COP_OK);
                ck_assert_int_eq(how_it_ended(pid, 0), COP_OK);
                ck_assert_int_eq(cop_terminate_child("growers", "c"), COP_OK);
        }
}

IN_NODE(an_init_may_call_who_does_not_wait_for_it)
{
        cop_pid pid = new_desk(), other = new_desk();
        grow();
        ck_assert_int_eq(asked(pid, (plan){ .what = START, .whom = other, .via = { ASK_VIA + 100 },
                                            .tell = cop_self() }),
                         COP_OK);
        ck_assert_int_eq(how_it_ended(pid, 0), COP_OK);
        ck_assert_int_eq(asked(other, (plan){ .what = ANSWER }), COP_OK);
}
