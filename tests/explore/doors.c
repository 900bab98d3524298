/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Limits of mailboxes (actors/limit.c): two senders at a door with room for two. Under every schedule each message was either
 * refused, and its sender told, or is read; no more than the limit wait; and when all is over there is room again. And those that
 * wait by their key (actors/porch.c): nobody is forgotten there, and nobody overtakes.
 */
#include "tests/explore/inside.h"

#define LIMIT 2
#define EACH 3

static cop_pid guest;
static unsigned let_in, refused, read_count;

static void reads(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                if (message == NULL)
                        continue;
                if (cop_read(note, message) != NULL)
                        read_count++;
                else
                        cop_answer(message, note, .n = read_count);
        }
}

static void knocks(void)
{
        for (int64_t i = 0; i < EACH; i++) {
                cop_status status = cop_send(guest, note, .n = i);
                EXPLORE_ASSERT(status == COP_OK || status == COP_E_FULL);
                let_in += status == COP_OK;
                refused += status == COP_E_FULL;
        }
}

IN_NODE(who_is_refused_is_told_and_who_is_let_in_is_read)
{
        let_in = refused = read_count = 0;
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = reads, .mailbox_limit = LIMIT,
                                                           .mailbox_policy = COP_MAILBOX_REJECT },
                                     &guest) == COP_OK);
        unsigned first = inside_visitor(knocks), second = inside_visitor(knocks);
        explore_join(first);
        explore_join(second);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(let_in + refused == 2 * EACH && read_count == let_in && let_in > 0);
        const struct cop__slots *slots = &inside->slots;
        for (uint32_t slot = 1; slot <= slots->used; slot++)
                EXPLORE_ASSERT(slots->limits[slot].count == 0 && slots->limits[slot].bytes == 0);
}

static void sleeps(void)
{
        cop_receive(COP_FOREVER, COP_KIND(cop_down));
}

/* Nobody reads: exactly as many as fit are let in, and what died unread is counted off. */
IN_NODE(no_more_are_let_in_than_fit)
{
        cop_ref ref;
        let_in = refused = 0;
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = sleeps, .mailbox_limit = LIMIT,
                                                           .mailbox_policy = COP_MAILBOX_REJECT },
                                     &guest) == COP_OK);
        unsigned first = inside_visitor(knocks), second = inside_visitor(knocks);
        explore_join(first);
        explore_join(second);
        EXPLORE_ASSERT(let_in <= LIMIT && let_in > 0);
        EXPLORE_ASSERT(cop_monitor(guest, &ref) == COP_OK);
        inside_end(guest, "kill");
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        const struct cop__slots *slots = &inside->slots;
        for (uint32_t slot = 1; slot <= slots->used; slot++)
                EXPLORE_ASSERT(slots->limits[slot].count == 0 && slots->limits[slot].bytes == 0);
}

typedef struct {
        int64_t key, n;
} quote;
COP_MESSAGE(quote, key, n);

static int64_t last_read;

static void reads_in_order(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(quote));
                if (message == NULL)
                        continue;
                const quote *q = cop_read(quote, message);
                read_count++;
                EXPLORE_ASSERT(q->key != 1 || q->n > last_read);
                if (q->key == 1)
                        last_read = q->n;
        }
}

static void knocks_with_one_key(void)
{
        for (int64_t i = 1; i <= EACH; i++)
                EXPLORE_ASSERT(cop_send(guest, quote, .key = 1, .n = i) == COP_OK);
}

static void knocks_with_another_key(void)
{
        EXPLORE_ASSERT(cop_send(guest, quote, .key = 2, .n = EACH) == COP_OK);
}

/* Room for one, and for one more that waits: what is not read was dropped, and what one has sent comes in its order. */
IN_NODE(the_newest_of_a_key_finds_its_way_in)
{
        read_count = 0;
        last_read = 0;
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = reads_in_order, .mailbox_limit = 1,
                                                           .mailbox_policy = COP_MAILBOX_COALESCE,
                                                           .mailbox_key = COP_KEY(quote, key) },
                                     &guest) == COP_OK);
        const struct cop__limit *limit = &inside->slots.limits[cop__slot_of(inside, guest) - inside->slots.base];
        unsigned first = inside_visitor(knocks_with_one_key), second = inside_visitor(knocks_with_another_key);
        explore_join(first);
        explore_join(second);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(limit->count == 0 && limit->bytes == 0 && limit->porch.waiting == 0 && limit->porch.first == NULL);
        EXPLORE_ASSERT(read_count + limit->dropped == EACH + 1);
}
