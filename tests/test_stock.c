/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Blocks that are kept for the next. Under AddressSanitizer none is, and what is said here of
 * those that are does not apply; that none is lost or used again is then its own to see.
 */
#define _GNU_SOURCE
#include "tests/node_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "base/stock.h"

#define LARGE ((size_t)65536)
#define BURST 1500u /* some 94 MiB of those */

/* Sanitizers wait with what was freed, and keep books of their own about it. */
#define RESIDENT_IS_OURS (!COP__ASAN && !COP__TSAN)

static size_t resident(void)
{
        unsigned long size = 0, pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &pages), 2);
        fclose(file);
        return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The calling thread has the only stock of a room. */
static void begin(struct cop__stock *stock, struct cop__stockroom *room)
{
        cop__stockroom_init(room);
        cop__stock_init(stock, room);
        cop__stock_become(stock);
}

static void end(struct cop__stock *stock, struct cop__stockroom *room)
{
        cop__stock_become(NULL);
        cop__stock_fini(stock);
        cop__stockroom_fini(room);
        ck_assert_uint_eq(cop__stockroom_kept(room), 0);
}

TEST(each_size_has_the_smallest_class_of_stock_that_holds_it)
{
        const size_t largest = cop__stock_block_size(COP__STOCK_CLASSES - 1);
        ck_assert_uint_eq(cop__stock_class(0), COP__STOCK_CLASS_NONE);
        ck_assert_uint_eq(cop__stock_class(255), COP__STOCK_CLASS_NONE);
        ck_assert_uint_eq(cop__stock_class(256), 0);
        ck_assert_uint_eq(cop__stock_class(largest), COP__STOCK_CLASSES - 1);
        ck_assert_uint_eq(cop__stock_class(largest + 1), COP__STOCK_CLASS_NONE);
        ck_assert_uint_eq(cop__stock_class(SIZE_MAX), COP__STOCK_CLASS_NONE);
        for (uint8_t class = 0; class < COP__STOCK_CLASSES; class++) {
                size_t size = cop__stock_block_size(class);
                ck_assert_uint_eq(cop__stock_class(size), class);
                ck_assert_uint_eq(cop__stock_class(size - COP__STOCK_HEADER + 1), class);
                if (class + 1 < COP__STOCK_CLASSES)
                        ck_assert_uint_eq(cop__stock_class(size + 1), class + 1);
        }
}

TEST(a_block_that_was_given_back_is_taken_again)
{
        struct cop__stockroom room;
        struct cop__stock stock;
        begin(&stock, &room);
        void *first = cop__stock_take(LARGE);
        memset(first, 1, LARGE);
        cop__stock_give(first, LARGE);
        void *second = cop__stock_take(LARGE);
        if (!COP__ASAN && !COP__TINY)
                ck_assert_ptr_eq(second, first);
        cop__stock_give(second, LARGE);
        cop__stock_give(NULL, LARGE);
        end(&stock, &room);
}

/* Larger and smaller than what is kept at all. */
TEST(what_is_not_kept_is_given_back_at_once)
{
        struct cop__stockroom room;
        struct cop__stock stock;
        begin(&stock, &room);
        cop__stock_give(cop__stock_take(100), 100);
        cop__stock_give(cop__stock_take(2 << 20), 2 << 20);
        ck_assert_uint_eq(stock.bytes + cop__stockroom_kept(&room), 0);
        end(&stock, &room);
}

static void take_burst(void **blocks)
{
        for (unsigned i = 0; i < BURST; i++) {
                blocks[i] = cop__stock_take(LARGE);
                ck_assert_ptr_nonnull(blocks[i]);
                memset(blocks[i], 1, LARGE);
        }
}

/* In an order in which malloc's heap has no free end until the last. */
static void give_burst(void **blocks)
{
        for (unsigned i = 0; i < BURST; i++)
                cop__stock_give(blocks[i], LARGE);
}

TEST(after_a_burst_no_more_is_kept_than_the_bounds_say)
{
        static void *blocks[BURST];
        struct cop__stockroom room;
        struct cop__stock stock;
        begin(&stock, &room);
        size_t before = resident();
        take_burst(blocks);
        ck_assert_uint_gt(resident(), before + (BURST - 100) * LARGE);
        give_burst(blocks);
        ck_assert_uint_le(cop__stockroom_kept(&room), COP__STOCK_KEPT);
        ck_assert_uint_lt(stock.bytes, COP__STOCK_AT_HAND + COP__STOCK_BATCH + 2 * LARGE);
        if (!COP__ASAN && !COP__TINY)
                ck_assert_uint_gt(cop__stockroom_kept(&room), COP__STOCK_KEPT / 2);
        if (RESIDENT_IS_OURS)
                ck_assert_uint_lt(resident(), before + COP__STOCK_KEPT + COP__STOCK_AT_HAND +
                                                      BURST * 4096 + ((size_t)4 << 20));
        end(&stock, &room);
}

TEST(a_stockroom_with_a_limit_keeps_no_more_than_that)
{
        static void *blocks[BURST];
        struct cop__stockroom room;
        struct cop__stock stock;
        begin(&stock, &room);
        cop__stockroom_limit(&room, 3 * (LARGE + COP__STOCK_HEADER));
        take_burst(blocks);
        give_burst(blocks);
        ck_assert_uint_le(cop__stockroom_kept(&room), 3 * (LARGE + COP__STOCK_HEADER));
        end(&stock, &room);
}

/* ---- Several threads ------------------------------------------------------------------- */

#define THREADS 4
#define HANDS 16
#define STEPS (suite_is_slow() ? 5000 : 60000)

/* What lies between the threads: who takes a block out of a place has it. */
struct market {
        struct cop__stockroom room;
        uint64_t *places[HANDS]; /* atomic */
        uint64_t damaged;        /* atomic */
};

struct dealer {
        struct market *market;
        uint64_t random;
};

/* The class in the first word behind the links, its complement in the last word of the block. */
static void sign(uint64_t *block, uint8_t class)
{
        block[3] = class;
        block[cop__stock_block_size(class) / 8 - 1] = ~(uint64_t)class;
}

static void give_signed(struct market *market, uint64_t *block)
{
        uint8_t class = (uint8_t)block[3];
        if (class >= COP__STOCK_CLASSES ||
            block[cop__stock_block_size(class) / 8 - 1] != ~(uint64_t)class)
                cop__add_relaxed(&market->damaged, (uint64_t)1);
        block[3] = COP__STOCK_CLASSES; /* whoever has it, too, finds it damaged */
        cop__stock_give(block, cop__stock_block_size(class));
}

static void *deal(void *argument)
{
        struct dealer *dealer = argument;
        struct market *market = dealer->market;
        struct cop__stock stock;
        cop__stock_init(&stock, &market->room);
        cop__stock_become(&stock);
        for (int step = 0; step < STEPS; step++) {
                uint8_t class = (uint8_t)cop__random_below(&dealer->random, COP__STOCK_CLASSES - 4);
                uint64_t *block = cop__stock_take(cop__stock_block_size(class));
                sign(block, class);
                block = cop__exchange_acq_rel(
                        &market->places[cop__random_below(&dealer->random, HANDS)], block);
                if (block != NULL)
                        give_signed(market, block);
        }
        cop__stock_become(NULL);
        cop__stock_fini(&stock);
        return NULL;
}

TEST(no_block_of_the_stock_is_in_two_hands)
{
        static struct market market;
        struct dealer dealers[THREADS];
        pthread_t threads[THREADS];
        NEEDS_THREADS();
        cop__stockroom_init(&market.room);
        for (uint64_t i = 0; i < THREADS; i++) {
                dealers[i] = (struct dealer){ &market, i + 1 };
                ck_assert_int_eq(pthread_create(&threads[i], NULL, deal, &dealers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        for (int i = 0; i < HANDS; i++)
                if (market.places[i] != NULL)
                        give_signed(&market, market.places[i]); /* without a stock */
        ck_assert_uint_eq(market.damaged, 0);
        cop__stockroom_fini(&market.room);
        ck_assert_uint_eq(cop__stockroom_kept(&market.room), 0);
}

/* ---- In a node ---------------------------------------------------------------------------- */

typedef struct { cop_bytes load; } parcel;
COP_MESSAGE(parcel, load);

typedef struct { uint64_t parcels; } seen;
COP_MESSAGE(seen, parcels);

typedef struct { uint64_t parcels; } depot;

static void depot_on_parcel(depot *self, const parcel *p)
{
        if (p->load.size == LARGE && p->load.data[0] == (uint8_t)self->parcels)
                self->parcels++;
}

static void depot_on_seen(depot *self, const seen *s)
{
        (void)s;
        cop_reply(seen, self->parcels);
}

COP_SERVER(depot, COP_ON(parcel, depot_on_parcel), COP_ON(seen, depot_on_seen));

static void send_parcels(cop_pid to, uint64_t count)
{
        static uint8_t load[LARGE];
        for (uint64_t i = 0; i < count; i++) {
                load[0] = (uint8_t)i;
                ck_assert_int_eq(cop_send(to, parcel, .load = cop_bytes_of(load, LARGE)), COP_OK);
        }
}

/* All that was sent before it is asked waits at once. */
static void waits_with_its_mail(void)
{
        cop_auto go = cop_receive(COP_FOREVER, COP_KIND(seen));
        uint64_t parcels = 0;
        (void)go;
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(parcel));
                if (message == NULL)
                        break;
                parcels++;
        }
        cop_reply_to(cop_caller_of(go), seen, parcels);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(seen)));
}

IN_NODE(memory_falls_back_after_a_burst_of_large_messages)
{
        enum { PARCELS = 800 };
        cop_pid hoarder = cop_spawn(waits_with_its_mail);
        size_t before = resident();
        send_parcels(hoarder, PARCELS);
        if (RESIDENT_IS_OURS)
                ck_assert_uint_gt(resident(), before + (PARCELS - 100) * LARGE);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, hoarder, PATIENCE_MS, seen, 0), COP_OK);
        ck_assert_uint_eq(cop_read(seen, reply)->parcels, PARCELS);
        if (RESIDENT_IS_OURS)
                ck_assert_uint_lt(resident(), before + COP__STOCK_KEPT + 3 * COP__STOCK_AT_HAND +
                                                      PARCELS * 4096 + ((size_t)4 << 20));
        cop_send(hoarder, seen, 0);
}

IN_NODE(large_messages_arrive_undamaged_in_blocks_that_are_used_again)
{
        cop_pid to = cop_spawn_server(&depot_server, NULL);
        cop_auto reply = NULL;
        send_parcels(to, 600);
        ck_assert_int_eq(cop_call(&reply, to, PATIENCE_MS, seen, 0), COP_OK);
        ck_assert_uint_eq(cop_read(seen, reply)->parcels, 600);
}

/* The block is of the node's stock; it is freed where there is none. */
TEST(shared_bytes_outlive_the_node_they_were_sent_in)
{
        static uint8_t load[LARGE] = { 7 };
        cop_node *node = node_begin((cop_node_options){ .workers = 0 });
        cop_send(cop_self(), parcel, .load = cop_bytes_of(load, LARGE));
        cop_message *message = await(COP_KIND(parcel));
        cop_buffer *kept = cop_buffer_take(cop_read(parcel, message)->load.buffer);
        cop_message_free(message);
        node_end(node);
        ck_assert_uint_eq(cop_buffer_size(kept), LARGE);
        ck_assert_uint_eq(cop_buffer_data(kept)[0], 7);
        cop_buffer_drop(kept);
}
