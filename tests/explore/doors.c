/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Limits of mailboxes (actors/limit.c): two senders at a door with room for two. Under every schedule each message was either
 * refused, and its sender told, or is read; no more than the limit wait; and when all is over there is room again.
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
