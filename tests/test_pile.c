/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A worker's pile: in which order tasks that have never run begin, by itself and as actors see it. */
#include "scheduler/pile.h"

#include <string.h>

#include "tests/node_fixture.h"

#define TASKS (3 * COP__PILE_IN_ORDER + 3)

/* ---- By itself ------------------------------------------------------------------------------ */

static struct cop__task tasks[TASKS];

static void put_up_to(struct cop__pile *pile, uint32_t count)
{
        memset(tasks, 0, sizeof(tasks));
        for (uint32_t i = 0; i < count; i++)
                cop__pile_put(pile, &tasks[i]);
        ck_assert_uint_eq(pile->count, count);
}

/* Its invariants, and that it holds tasks `from` to `to`, without the last. */
static void holds(const struct cop__pile *pile, uint32_t from, uint32_t to)
{
        const struct cop__task *task = pile->bottom, *below = NULL;
        ck_assert_uint_eq(pile->count, to - from);
        for (uint32_t i = from; i < to; i++, below = task, task = task->next) {
                ck_assert_ptr_eq(task, &tasks[i]);
                ck_assert_ptr_eq(task->below, below);
        }
        ck_assert_ptr_null(task);
        ck_assert_ptr_eq(pile->top, below);
}

TEST(a_few_tasks_begin_in_the_order_of_their_birth)
{
        struct cop__pile pile = { 0 };
        put_up_to(&pile, COP__PILE_IN_ORDER);
        for (uint32_t i = 0; i < COP__PILE_IN_ORDER; i++) {
                ck_assert_ptr_eq(cop__pile_take(&pile), &tasks[i]);
                ck_assert_ptr_null(tasks[i].stack);
                holds(&pile, i + 1, COP__PILE_IN_ORDER);
        }
        ck_assert_ptr_null(cop__pile_take(&pile));
}

TEST(of_many_tasks_the_newest_begins)
{
        struct cop__pile pile = { 0 };
        uint32_t left = TASKS;
        put_up_to(&pile, left);
        while (left > COP__PILE_IN_ORDER) {
                if (COP__TINY) /* one in two is the oldest: not now */
                        pile.starts = 0;
                ck_assert_ptr_eq(cop__pile_take(&pile), &tasks[--left]);
                holds(&pile, 0, left);
        }
        ck_assert_ptr_eq(cop__pile_take(&pile), &tasks[0]);
}

TEST(now_and_then_the_oldest_of_many_begins)
{
        struct cop__pile pile = { 0 };
        uint32_t starts = 0;
        put_up_to(&pile, TASKS);
        struct cop__task *task, *oldest = &tasks[0];
        while ((task = cop__pile_take(&pile)) != oldest) { /* as long as another always comes on top */
                cop__pile_put(&pile, task);
                ck_assert_uint_lt(++starts, COP__PILE_OLDEST);
        }
        ck_assert_uint_eq(starts, COP__PILE_OLDEST - 1);
}

TEST(the_oldest_of_a_pile_are_cut_off_as_a_list)
{
        struct cop__pile pile = { 0 };
        put_up_to(&pile, TASKS);
        struct cop__task_list list = cop__pile_cut(&pile, 2);
        ck_assert_uint_eq(list.count, 2);
        ck_assert_ptr_eq(list.first, &tasks[0]);
        ck_assert_ptr_eq(list.first->next, &tasks[1]);
        ck_assert_ptr_eq(list.last, &tasks[1]);
        ck_assert_ptr_null(list.last->next);
        ck_assert_ptr_null(list.last->stack);
        holds(&pile, 2, TASKS);
        list = cop__pile_cut(&pile, UINT32_MAX);
        ck_assert_uint_eq(list.count, TASKS - 2);
        holds(&pile, 0, 0);
        list = cop__pile_cut(&pile, UINT32_MAX);
        ck_assert_uint_eq(list.count, 0);
        ck_assert_ptr_null(list.first);
}

/* ---- As actors ------------------------------------------------------------------------------ */

#define ONE_WORKER .workers = 1, .no_preempt = true, .no_spare_workers = true

typedef struct part {
        int64_t number;
        cop_pid to;
} part;
COP_MESSAGE(part, number, to);

static void tells(const part *p)
{
        cop_send(p->to, part, .number = p->number);
}

static void spawns_ten(const part *p)
{
        for (int64_t i = 0; i < 10; i++)
                cop_spawn_with(tells, part, .number = i, .to = p->to);
}

IN_NODE_WITH(who_was_spawned_first_begins_first_if_they_are_few, ONE_WORKER)
{
        NEEDS_THREADS();
        cop_spawn_with(spawns_ten, part, .to = cop_self());
        for (int64_t i = 0; i < 10; i++) {
                cop_auto message = await(COP_KIND(part));
                if (!COP__TINY)
                        ck_assert_int_eq(cop_read(part, message)->number, i);
        }
}

/* ---- Siblings ------------------------------------------------------------------------------- */

#define SIBLINGS (3 * (int)COP__NEXT_TURNS)

/* One worker runs them all. `begun`: children that have begun; `heard`: messages of theirs that have been. */
static int begun, heard, begun_when_first_heard;

static void begins_and_tells(const part *p)
{
        begun++;
        cop_send(p->to, part, .number = p->number);
}

static void waits_for_its_children(const part *p)
{
        for (int i = 0; i < p->number; i++)
                cop_spawn_with(begins_and_tells, part, .to = cop_self());
        for (int i = 0; i < p->number; i++) {
                cop_auto message = await(COP_KIND(part));
                if (i == 0)
                        begun_when_first_heard = begun;
                heard++;
        }
        cop_send(p->to, part, .number = heard);
}

static void have_children(int64_t count)
{
        begun = heard = 0;
        cop_spawn_with(waits_for_its_children, part, .number = count, .to = cop_self());
        cop_auto message = await(COP_KIND(part));
        ck_assert_int_eq(cop_read(part, message)->number, count);
}

IN_NODE_WITH(who_waits_for_a_few_children_hears_from_all_of_them_in_one_turn, ONE_WORKER)
{
        NEEDS_THREADS();
        have_children(COP__NEXT_TURNS / 2);
        if (!COP__TINY)
                ck_assert_int_eq(begun_when_first_heard, (int)COP__NEXT_TURNS / 2);
}

IN_NODE_WITH(who_waits_for_many_children_hears_before_all_have_begun, ONE_WORKER)
{
        NEEDS_THREADS();
        have_children(SIBLINGS);
        if (COP__TINY) /* they begin while it is still at its spawns, of which each ends a turn */
                return;
        ck_assert_int_le(begun_when_first_heard, (int)COP__NEXT_TURNS);
        ck_assert_int_gt(begun_when_first_heard, 1);
}

static int waiting;

static void hears_one(const part *p)
{
        waiting++;
        cop_auto message = await(COP_KIND(part));
        (void)message;
        heard++;
        cop_send(p->to, part, .number = p->number);
}

/* How far those that are woken are behind their wakers, at most. */
static int behind;

static void begins_and_wakes(const part *p)
{
        begun++;
        if (begun - heard > behind)
                behind = begun - heard;
        cop_send(p->to, part, .number = p->number);
}

static void wakes_one_by_each(const part *p)
{
        cop_pid each[SIBLINGS];
        for (int i = 0; i < SIBLINGS; i++)
                each[i] = cop_spawn_with(hears_one, part, .number = i, .to = p->to);
        while (waiting < SIBLINGS)
                cop_yield();
        for (int i = 0; i < SIBLINGS; i++)
                cop_spawn_with(begins_and_wakes, part, .number = i, .to = each[i]);
}

IN_NODE_WITH(siblings_that_each_wake_another_let_it_go_on_between, ONE_WORKER)
{
        NEEDS_THREADS();
        begun = heard = behind = waiting = 0;
        cop_spawn_with(wakes_one_by_each, part, .to = cop_self());
        for (int i = 0; i < SIBLINGS; i++) {
                cop_auto message = await(COP_KIND(part));
                (void)message;
        }
        ck_assert_int_eq(begun, SIBLINGS);
        if (!COP__TINY)
                ck_assert_int_lt(behind, SIBLINGS / 4);
}

/* ---- Trees ---------------------------------------------------------------------------------- */

/* A tree, ten to each that has any: sums up, and ends. */
typedef struct branch {
        int64_t sum, awaited;
} branch;

static void hand_up(int64_t sum)
{
        cop_send(cop_parent(), part, .number = sum);
        cop_exit(cop_atom("normal"));
}

static cop_pid spawn_branch(int64_t leaves);

static void branch_init(branch *self, const part *p)
{
        if (p->number == 1)
                hand_up(1);
        for (self->awaited = 0; self->awaited < 10; self->awaited++)
                spawn_branch(p->number / 10);
}

static void branch_on_part(branch *self, const part *p)
{
        self->sum += p->number;
        if (--self->awaited == 0)
                hand_up(self->sum);
}

COP_SERVER(branch, COP_INIT_WITH(part, branch_init), COP_ON(part, branch_on_part));

static cop_pid spawn_branch(int64_t leaves)
{
        return cop_spawn_or_exit(&(cop_spawn_options){ .server = &branch_server, .kind = COP_KIND_OF(part),
                                                       .argument = &(part){ .number = leaves } });
}

/* Under ThreadSanitizer as many as elsewhere: what each end by cop_exit() left there was found by their number (base/jump.h). */
static bool has_few(void)
{
        return suite_is_slow() && !COP__TSAN;
}

IN_NODE_WITH(a_tree_of_11_111_actors_has_a_few_hundred_at_a_time, ONE_WORKER)
{
        NEEDS_THREADS();
        const int64_t leaves = has_few() ? 1000 : 10000;
        spawn_branch(leaves);
        cop_auto message = await(COP_KIND(part));
        ck_assert_int_eq(cop_read(part, message)->number, leaves);
        if (!COP__TINY)
                ck_assert_uint_lt(cop__load_relaxed(&node->slots.used), 500);
}

IN_NODE_WITH(of_a_tree_other_workers_have_their_share, .workers = 2)
{
        NEEDS_THREADS();
        const int rounds = has_few() ? 3 : 20;
        const int64_t leaves = has_few() ? 1000 : 10000;
        for (int round = 0; round < rounds; round++) {
                spawn_branch(leaves);
                cop_auto message = await(COP_KIND(part));
                ck_assert_int_eq(cop_read(part, message)->number, leaves);
        }
}

static uint32_t over; /* atomic */

static void begins_another(const part *p)
{
        if (!cop__load_relaxed(&over))
                cop_spawn_with(begins_another, part, .to = p->to);
}

static void spawns_one_below_many(const part *p)
{
        cop_spawn_with(tells, part, .to = p->to);
        for (uint32_t i = 0; i < 2 * COP__PILE_IN_ORDER; i++)
                cop_spawn_with(begins_another, part, .to = p->to);
}

IN_NODE_WITH(who_lies_below_others_that_begin_new_ones_for_ever_begins_too, ONE_WORKER)
{
        NEEDS_THREADS();
        cop__store_relaxed(&over, 0);
        cop_spawn_with(spawns_one_below_many, part, .to = cop_self());
        await_and_drop(COP_KIND(part));
        cop__store_relaxed(&over, 1);
}

static void talks_for_ever(const part *p)
{
        cop_send(cop_self(), part, .number = 1);
        while (!cop__load_relaxed(&over)) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(part)));
                cop_send(p->to, part, .number = 1);
        }
}

static cop_pid partner; /* written before who reads it begins */

static void answers_for_ever(void)
{
        while (!cop__load_relaxed(&over)) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(part)));
                cop_send(partner, part, .number = 1);
        }
}

static void starts_two_that_talk(const part *p)
{
        cop_pid other = cop_spawn(answers_for_ever);
        partner = cop_spawn_with(talks_for_ever, part, .to = other);
        cop_sleep(1);
        cop_spawn_with(tells, part, .to = p->to);
        cop_sleep(COP_FOREVER);
}

/* They wake each other, and so are served before all others as long as that is fair. */
IN_NODE_WITH(two_that_talk_for_ever_leave_a_newborn_its_turn, ONE_WORKER)
{
        NEEDS_THREADS();
        cop__store_relaxed(&over, 0);
        cop_pid pid = cop_spawn_with(starts_two_that_talk, part, .to = cop_self());
        await_and_drop(COP_KIND(part));
        cop__store_relaxed(&over, 1);
        cop_send_exit(pid, cop_atom("kill"));
}

/* ---- Beside many that talk -------------------------------------------------------------------- */

static uint32_t talking; /* atomic; those that have been told something */
static uint32_t wanted;  /* atomic; whoever sees it is to spawn one for `reader` */
static cop_pid reader;

/* It always wakes another before its turn ends, also when it has spawned one. */
static void echoes_for_ever(void)
{
        for (bool told = false; !cop__load_relaxed(&over); told = true) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(part));
                if (!told)
                        cop__add_relaxed(&talking, 1);
                if (cop__exchange_acquire(&wanted, 0u))
                        cop_spawn_with(tells, part, .to = reader);
                cop_send(cop_read(part, message)->to, part, .to = cop_self());
        }
}

static void starts_pairs_that_talk(const part *p)
{
        for (int64_t i = 0; i < p->number; i++)
                cop_send(cop_spawn(echoes_for_ever), part, .to = cop_spawn(echoes_for_ever));
        while (cop__load_relaxed(&talking) < 2 * p->number)
                cop_yield();
        cop__store_release(&wanted, 1);
}

static void a_newborn_has_its_turn_beside(int64_t pairs)
{
        cop__store_relaxed(&over, 0);
        cop__store_relaxed(&talking, 0);
        reader = cop_self();
        cop_spawn_with(starts_pairs_that_talk, part, .number = pairs);
        await_and_drop(COP_KIND(part));
        cop__store_relaxed(&over, 1);
}

IN_NODE_WITH(a_pair_that_talks_for_ever_leaves_a_newborn_its_turn, ONE_WORKER)
{
        a_newborn_has_its_turn_beside(1);
}

/* At the limit of the next slot's turns there is always somebody in the ring. */
IN_NODE_WITH(two_pairs_that_talk_for_ever_leave_a_newborn_its_turn, ONE_WORKER)
{
        a_newborn_has_its_turn_beside(2);
}

IN_NODE_WITH(three_pairs_that_talk_for_ever_leave_a_newborn_its_turn, ONE_WORKER)
{
        a_newborn_has_its_turn_beside(3);
}

IN_NODE_WITH(five_hundred_pairs_that_talk_for_ever_leave_a_newborn_its_turn, ONE_WORKER)
{
        a_newborn_has_its_turn_beside(500);
}
