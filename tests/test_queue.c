/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The arrival queue by itself, without actors: order, the run right, and its count.
 *
 * In the races every thread is a sender, and whoever takes the mark is the owner until the queue sleeps again. What the
 * owner touches is not atomic: that the run right orders it is one of the claims, and ThreadSanitizer is its judge.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/random.h"
#include "mailbox/queue.h"
#include "tests/cue.h"
#include "tests/suite.h"

struct item {
        struct cop__node node;
        uint32_t sender, number;
        bool freed;
};

static struct item *item_of(struct cop__node *node)
{
        return COP__CONTAINER(node, struct item, node);
}

/* ---- One thread ---------------------------------------------------------------------- */

struct one {
        struct cop__queue queue;
        struct cop__queue_cursor cursor;
        struct item items[8];
};

static void one_init(struct one *one)
{
        memset(one, 0, sizeof(*one));
        cop__queue_init(&one->queue);
}

static bool one_push(struct one *one, size_t i)
{
        return cop__queue_push(&one->queue, &one->items[i].node);
}

/* The next item must be number i; the one passed, if any, must be number passed_i. */
static void one_next(struct one *one, int i, int passed_i)
{
        struct cop__node *passed;
        struct cop__node *node = cop__queue_next(&one->queue, &one->cursor, &passed);
        ck_assert_ptr_eq(node, i < 0 ? NULL : &one->items[i].node);
        ck_assert_ptr_eq(passed, passed_i < 0 ? NULL : &one->items[passed_i].node);
}

static void one_sleeps(struct one *one, bool can, int passed_i)
{
        struct cop__node *passed;
        ck_assert_int_eq(cop__queue_sleep(&one->queue, &one->cursor, &passed), can);
        ck_assert_ptr_eq(passed, passed_i < 0 ? NULL : &one->items[passed_i].node);
        ck_assert_int_eq(cop__queue_is_asleep(&one->queue), can);
}

static void one_done(struct one *one, size_t i, bool now)
{
        ck_assert_int_eq(cop__queue_done(&one->cursor, &one->items[i].node), now);
}

TEST(the_first_push_to_a_sleeping_queue_wakes_and_no_other_does)
{
        struct one one;
        one_init(&one);
        ck_assert(cop__queue_is_asleep(&one.queue));
        ck_assert(one_push(&one, 0));
        ck_assert(!one_push(&one, 1));
        one_next(&one, 0, -1);
        ck_assert(!one_push(&one, 2));
        one_next(&one, 1, -1);
        one_next(&one, 2, -1);
        one_next(&one, -1, -1);
        ck_assert(!one_push(&one, 3)); /* empty, but its owner is up */
        one_next(&one, 3, -1);
        one_sleeps(&one, true, -1);
        ck_assert(one_push(&one, 4));
}

TEST(a_node_that_is_done_with_comes_back_once_to_be_freed)
{
        struct one one;
        one_init(&one);
        one_push(&one, 0);
        one_push(&one, 1);
        one_next(&one, 0, -1);
        one_done(&one, 0, false); /* it is the cursor */
        one_next(&one, 1, 0);
        one_done(&one, 0, true); /* it is not any more */
        one_done(&one, 1, false);
        one_next(&one, -1, -1);
        one_sleeps(&one, true, 1);
        /* The next life begins without leavings. */
        one_push(&one, 2);
        one_next(&one, 2, -1);
        one_sleeps(&one, true, -1);
}

TEST(a_queue_in_which_something_waits_does_not_sleep)
{
        struct one one;
        one_init(&one);
        one_push(&one, 0);
        one_sleeps(&one, false, -1);
        one_next(&one, 0, -1);
        one_done(&one, 0, false);
        one_push(&one, 1);
        one_sleeps(&one, false, -1); /* and has not lost the cursor or that it is done */
        one_next(&one, 1, 0);
        one_sleeps(&one, true, -1);
}

TEST(a_released_node_is_free_to_go_to_another_queue)
{
        struct one one, other;
        one_init(&one);
        one_init(&other);
        one_push(&one, 0);
        one_next(&one, 0, -1);
        cop__queue_release(&one.queue, &one.cursor, &one.items[0].node);
        ck_assert(cop__queue_push(&other.queue, &one.items[0].node));
        /* Awake and empty: nobody is woken, and what comes is found. */
        ck_assert(!one_push(&one, 1));
        one_next(&one, 1, -1);
        cop__queue_release(&one.queue, &one.cursor, &one.items[1].node);
        one_sleeps(&one, true, -1);
        ck_assert(one_push(&one, 2));
        /* With more behind it. */
        one_push(&one, 3);
        one_next(&one, 2, -1);
        cop__queue_release(&one.queue, &one.cursor, &one.items[2].node);
        one_sleeps(&one, false, -1);
        one_next(&one, 3, -1);
        /* One that is not the cursor is let go of already. */
        cop__queue_release(&one.queue, &one.cursor, &one.items[2].node);
        one_sleeps(&one, true, -1);
}

TEST(an_owner_that_tires_of_sleeping_takes_its_mark_back_unless_a_sender_has_it)
{
        struct one one;
        one_init(&one);
        ck_assert(cop__queue_rouse(&one.queue));
        ck_assert(!cop__queue_rouse(&one.queue)); /* it is up */
        ck_assert(!one_push(&one, 0));            /* nobody is to be woken */
        one_next(&one, 0, -1);
        one_sleeps(&one, true, -1);
        ck_assert(one_push(&one, 1));
        ck_assert(!cop__queue_rouse(&one.queue)); /* the sender has it */
        one_next(&one, 1, -1);
        one_sleeps(&one, true, -1);
}

/* The number of the newest node, as others read it; 0: the queue is empty. */
static uint32_t newest(const struct cop__queue *queue)
{
        uintptr_t tail = cop__load_relaxed(&queue->tail);
        return tail & COP__QUEUE_MARK ? 0 : cop__load_relaxed(&((struct cop__node *)tail)->seq) / 2;
}

TEST(nodes_are_counted_from_each_mark_on)
{
        struct one one;
        one_init(&one);
        for (uint32_t round = 0; round < 300; round++) {
                uint32_t most = 1 + round % 7;
                for (uint32_t i = 0; i < most; i++) {
                        one_push(&one, i);
                        ck_assert_uint_eq(newest(&one.queue), i + 1);
                }
                for (uint32_t i = 0; i < most; i++) {
                        one_next(&one, (int)i, -1);
                        ck_assert_uint_eq(one.items[i].node.seq, 2 * (i + 1));
                }
                if (round % 3 == 0)
                        cop__queue_release(&one.queue, &one.cursor, &one.items[most - 1].node);
                if (round % 3 < 2)
                        one_sleeps(&one, true, -1);
                if (round % 6 == 0)
                        ck_assert(cop__queue_rouse(&one.queue));
                if (round % 3 == 2)
                        cop__queue_release(&one.queue, &one.cursor, &one.items[most - 1].node);
                ck_assert_uint_eq(newest(&one.queue), 0);
        }
}

TEST(the_count_wraps)
{
        struct one one;
        one_init(&one);
        one_push(&one, 0);
        one.items[0].node.seq = UINT32_MAX - 3;
        for (uint32_t i = 1; i < 4; i++) {
                one_push(&one, i);
                ck_assert_uint_eq(cop__queue_count(one.items[0].node.seq, one.items[i].node.seq), i);
                ck_assert_uint_eq(cop__queue_count(one.items[i].node.seq, one.items[i].node.seq), 0);
        }
}

static void give_its_number(void *node)
{
        cop__store_relaxed(&((struct cop__node *)node)->seq, 6);
}

/* With senders on two cores that happens all the time, and those who count from there see nobody behind. */
TEST(a_node_whose_number_comes_a_moment_later_is_counted_with_those_before_it)
{
        struct one one;
        one_init(&one);
        for (uint32_t i = 0; i < 3; i++)
                one_push(&one, i);
        one.items[2].node.seq = COP__QUEUE_NO_NUMBER;
        cue_act("queue.no_number", give_its_number, &one.items[2].node);
        one_push(&one, 3);
        ck_assert(cue_has_come("queue.no_number"));
        ck_assert_uint_eq(one.items[3].node.seq, 8);
}

/* As if the sender of the node lost its core between its exchange and its store. */
TEST(behind_a_node_without_a_number_so_many_are_counted_as_have_come_since)
{
        struct one one;
        one_init(&one);
        for (uint32_t i = 0; i < 3; i++)
                one_push(&one, i);
        uint32_t before = one.items[0].node.seq;
        one.items[2].node.seq = COP__QUEUE_NO_NUMBER;
        for (uint32_t i = 3; i < 8; i++) {
                one_push(&one, i);
                ck_assert_uint_eq(cop__queue_count(before, one.items[i].node.seq), i - 2);
                ck_assert_uint_eq(cop__queue_count(one.items[3].node.seq, one.items[i].node.seq), i - 3);
        }
        ck_assert(cop__queue_is_each(one.items[6].node.seq, 4));
        ck_assert(!cop__queue_is_each(one.items[7].node.seq, 4));
        /* Another one, further behind: numbers begin again. */
        ck_assert_uint_eq(cop__queue_count(one.items[7].node.seq, COP__QUEUE_NO_NUMBER + 4), 2);
        for (int i = 0; i < 8; i++)
                one_next(&one, i, -1);
        one_sleeps(&one, true, -1);
        ck_assert(one_push(&one, 0));
        ck_assert_uint_eq(one.items[0].node.seq, 2);
}

/* ---- Races ----------------------------------------------------------------------------- */

enum { SENDERS = 4 };

struct arena {
        struct cop__queue queue;
        uint64_t marks;   /* atomic: how often a sender took the mark */
        uint32_t running; /* atomic: owners at this moment, which must be 0 or 1 */
        uint32_t each;    /* items of each sender */
        bool releases, burns;
        struct item *items; /* SENDERS * each */

        /* The owner's, whoever it is. Not atomic. */
        struct cop__queue_cursor cursor;
        uint32_t next[SENDERS];
        uint64_t taken, freed, sleeps;
        uint64_t random;
        struct cop__queue other; /* nodes that were let go of go on to this one, of the same owner */
        struct cop__queue_cursor other_cursor;
};

/* Whoever touches it after this has been told not to. */
static void free_item(struct arena *arena, struct item *item)
{
        ck_assert_msg(!item->freed, "freed twice: %u of %u", item->number, item->sender);
        item->freed = true;
        item->node.next = (struct cop__node *)(uintptr_t)0xdead;
        arena->freed++;
}

static void take_item(struct arena *arena, struct item *item)
{
        ck_assert_msg(item->number == arena->next[item->sender], "sender %u: %u came, %u was next",
                      item->sender, item->number, arena->next[item->sender]);
        ck_assert(!item->freed);
        arena->next[item->sender]++;
        arena->taken++;
}

static void drain_other(struct arena *arena)
{
        struct cop__node *passed, *node;
        while ((node = cop__queue_next(&arena->other, &arena->other_cursor, &passed)) != NULL) {
                if (passed != NULL)
                        free_item(arena, item_of(passed));
                if (cop__queue_done(&arena->other_cursor, node))
                        free_item(arena, item_of(node));
        }
        if (cop__queue_sleep(&arena->other, &arena->other_cursor, &passed) && passed != NULL)
                free_item(arena, item_of(passed));
}

static void handle_item(struct arena *arena, struct item *item)
{
        take_item(arena, item);
        if (arena->releases && cop__random_below(&arena->random, 3) == 0) {
                cop__queue_release(&arena->queue, &arena->cursor, &item->node);
                cop__queue_push(&arena->other, &item->node);
                drain_other(arena);
        } else if (cop__queue_done(&arena->cursor, &item->node)) {
                free_item(arena, item);
        }
}

/* The owner's turn: until the queue sleeps. From then on another may be at it. */
static void own(struct arena *arena)
{
        ck_assert_uint_eq(cop__add_acq_rel(&arena->running, 1), 0);
        for (;;) {
                struct cop__node *passed;
                struct cop__node *node = cop__queue_next(&arena->queue, &arena->cursor, &passed);
                if (passed != NULL)
                        free_item(arena, item_of(passed));
                if (node != NULL) {
                        handle_item(arena, item_of(node));
                        continue;
                }
                /* Counted before, since after it nothing here is ours. */
                arena->sleeps++;
                ck_assert_uint_eq(cop__sub_acq_rel(&arena->running, 1), 1);
                if (cop__queue_sleep(&arena->queue, &arena->cursor, &passed)) {
                        if (passed != NULL) {
                                /* It is still ours alone; the counter is not. */
                                item_of(passed)->freed = true;
                                cop__add_acq_rel(&arena->marks, UINT64_C(1) << 32);
                        }
                        return;
                }
                ck_assert_uint_eq(cop__add_acq_rel(&arena->running, 1), 0);
                arena->sleeps--;
                cop__spin_pause();
        }
}

struct sender {
        struct arena *arena;
        uint32_t index;
        pthread_t thread;
};

static void *send_all(void *argument)
{
        struct sender *sender = argument;
        struct arena *arena = sender->arena;
        uint64_t random = 77 + sender->index;
        for (uint32_t i = 0; i < arena->each; i++) {
                struct item *item = &arena->items[sender->index * arena->each + i];
                item->sender = sender->index;
                item->number = i;
                if (cop__queue_push(&arena->queue, &item->node)) {
                        cop__add_acq_rel(&arena->marks, 1);
                        own(arena);
                }
                /* Pauses of all lengths, so that the queue is caught at every moment of falling asleep. */
                for (uint32_t pause = arena->burns ? cop__random_below(&random, 64) : 0; pause > 0;
                     pause--)
                        cop__spin_pause();
        }
        return NULL;
}

static void race(uint32_t each, bool releases, bool burns)
{
        static struct arena arena;
        struct sender senders[SENDERS];
        memset(&arena, 0, sizeof(arena));
        cop__queue_init(&arena.queue);
        cop__queue_init(&arena.other);
        arena.each = each;
        arena.releases = releases;
        arena.burns = burns;
        arena.random = each;
        arena.items = calloc((size_t)SENDERS * each, sizeof(struct item));
        ck_assert_ptr_nonnull(arena.items);
        for (uint32_t i = 0; i < SENDERS; i++) {
                senders[i] = (struct sender){ .arena = &arena, .index = i };
                int failed = pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
                ck_assert_int_eq(failed, 0);
        }
        for (uint32_t i = 0; i < SENDERS; i++)
                pthread_join(senders[i].thread, NULL);

        uint64_t total = (uint64_t)SENDERS * each;
        uint64_t marks = arena.marks & UINT32_MAX, freed_asleep = arena.marks >> 32;
        ck_assert_uint_eq(arena.taken, total);
        ck_assert_uint_eq(arena.freed + freed_asleep, total);
        ck_assert_uint_eq(arena.sleeps, marks);
        ck_assert(cop__queue_is_asleep(&arena.queue));
        for (uint64_t i = 0; i < total; i++)
                ck_assert(arena.items[i].freed);
        free(arena.items);
}

static uint32_t many(void)
{
        return suite_is_slow() ? 20000 : 250000;
}

TEST_WITHIN(each_senders_items_come_in_order_and_each_sleep_is_ended_by_one_wake, 60)
{
        race(many(), false, false);
}

TEST_WITHIN(falling_asleep_races_with_sending_at_every_moment, 60)
{
        for (int round = 0; round < 5; round++)
                race(many() / 10, false, true);
}

TEST_WITHIN(letting_go_of_nodes_races_with_sending_at_every_moment, 60)
{
        race(many() / 4, true, false);
        for (int round = 0; round < 5; round++)
                race(many() / 10, true, true);
}

/* ---- An owner with a thread of its own, which tires of sleeping ------------------------------- */

struct dozer {
        struct arena arena;
        uint32_t posted; /* atomic: wakes that senders have sent */
        uint64_t roused;
};

static void *send_to_dozer(void *argument)
{
        struct sender *sender = argument;
        struct dozer *dozer = COP__CONTAINER(sender->arena, struct dozer, arena);
        struct arena *arena = sender->arena;
        uint64_t random = 7 + sender->index;
        for (uint32_t i = 0; i < arena->each; i++) {
                struct item *item = &arena->items[sender->index * arena->each + i];
                item->sender = sender->index;
                item->number = i;
                if (cop__queue_push(&arena->queue, &item->node))
                        cop__add_acq_rel(&dozer->posted, 1);
                for (uint32_t pause = cop__random_below(&random, 200); pause > 0; pause--)
                        cop__spin_pause();
        }
        return NULL;
}

/* Waits for a wake, or takes the mark back after a moment. Each wake is taken exactly once. */
static void doze(struct dozer *dozer, uint64_t *wakes)
{
        uint32_t patience = cop__random_below(&dozer->arena.random, 50);
        for (;;) {
                if (cop__load_acquire(&dozer->posted) != *wakes) {
                        ++*wakes;
                        return;
                }
                if (patience-- == 0 && cop__queue_rouse(&dozer->arena.queue)) {
                        dozer->roused++;
                        return;
                }
                if (patience > 50)
                        patience = 0;
                cop__spin_pause();
        }
}

TEST_WITHIN(an_owner_that_rouses_itself_loses_nothing_and_gets_no_wake_twice, 60)
{
        static struct dozer dozer;
        struct sender senders[2];
        struct arena *arena = &dozer.arena;
        uint64_t wakes = 0;
        memset(&dozer, 0, sizeof(dozer));
        cop__queue_init(&arena->queue);
        cop__queue_init(&arena->other);
        arena->each = many() / 5;
        arena->random = 5;
        arena->items = calloc((size_t)2 * arena->each, sizeof(struct item));
        ck_assert_ptr_nonnull(arena->items);
        for (uint32_t i = 0; i < 2; i++) {
                senders[i] = (struct sender){ .arena = arena, .index = i };
                int failed = pthread_create(&senders[i].thread, NULL, send_to_dozer, &senders[i]);
                ck_assert_int_eq(failed, 0);
        }
        doze(&dozer, &wakes);
        while (arena->taken < (uint64_t)2 * arena->each) {
                struct cop__node *passed;
                struct cop__node *node = cop__queue_next(&arena->queue, &arena->cursor, &passed);
                if (passed != NULL)
                        free_item(arena, item_of(passed));
                if (node != NULL) {
                        handle_item(arena, item_of(node));
                } else if (cop__queue_sleep(&arena->queue, &arena->cursor, &passed)) {
                        if (passed != NULL)
                                free_item(arena, item_of(passed));
                        doze(&dozer, &wakes);
                }
        }
        for (uint32_t i = 0; i < 2; i++)
                pthread_join(senders[i].thread, NULL);
        ck_assert_uint_eq(cop__load_acquire(&dozer.posted), wakes);
        free(arena->items);
}
