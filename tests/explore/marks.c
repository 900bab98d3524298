/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Watermarks of mailboxes (actors/watermark.c): two senders take a mailbox over its high mark while its owner works it off. Under every
 * schedule the news alternate, and when all is read the last of them is that it is over no more.
 */
#include "tests/explore/inside.h"

#include "actors/watermark.h"

#define EACH 2

static cop_pid guest;

static void reads(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

static void floods(void)
{
        for (int64_t i = 0; i < EACH; i++)
                EXPLORE_ASSERT(cop_send(guest, note, .n = i) == COP_OK);
}

/* Whether the last of the news was that it is over. */
static bool hear_all(void)
{
        bool over = false;
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(cop_mailbox_alarm));
                if (message == NULL)
                        return over;
                EXPLORE_ASSERT(cop_read(cop_mailbox_alarm, message)->over != over);
                over = !over;
        }
}

IN_NODE(news_alternate_and_end_with_the_last_crossing)
{
        EXPLORE_ASSERT(cop_mailbox_subscribe() == COP_OK);
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = reads, .mailbox_high = 2, .mailbox_low = 1 },
                                     &guest) == COP_OK);
        unsigned first = inside_visitor(floods), second = inside_visitor(floods);
        explore_join(first);
        explore_join(second);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(!hear_all());
        cop_process process;
        EXPLORE_ASSERT(cop_process_info(guest, &process) == COP_OK && !process.mailbox_over);
}

static void reads_half(void)
{
        for (int i = 0; i < EACH; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_receive(COP_FOREVER, COP_KIND(cop_down));
}

/* Who reads no more stays over, also if the mailbox filled again while it was told that it had emptied. */
IN_NODE(what_is_left_at_the_high_mark_is_over)
{
        EXPLORE_ASSERT(cop_mailbox_subscribe() == COP_OK);
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = reads_half, .mailbox_high = 2, .mailbox_low = 1 },
                                     &guest) == COP_OK);
        unsigned first = inside_visitor(floods), second = inside_visitor(floods);
        explore_join(first);
        explore_join(second);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(hear_all());
}

/* The same when it dies in the middle of it: that is the end of whatever was begun. */
IN_NODE(whoever_dies_is_over_no_more)
{
        cop_ref ref;
        EXPLORE_ASSERT(cop_mailbox_subscribe() == COP_OK);
        EXPLORE_ASSERT(cop_spawn_opt(&(cop_spawn_options){ .run = reads, .mailbox_high = 2, .mailbox_low = 1 },
                                     &guest) == COP_OK);
        EXPLORE_ASSERT(cop_monitor(guest, &ref) == COP_OK);
        unsigned first = inside_visitor(floods);
        inside_end(guest, "kill");
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        EXPLORE_ASSERT(!hear_all());
        explore_join(first);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(!hear_all());
}
