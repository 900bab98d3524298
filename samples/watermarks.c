/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A post office with one counter. When the queue before a clerk reaches its high mark the postmaster opens a second counter, and
 * closes it when the queue is down at the low mark. Between the two marks nothing happens, or he would run to and fro all day.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number; } parcel;
COP_MESSAGE(parcel, number);

typedef struct { int64_t customers; } rush;
COP_MESSAGE(rush, customers);

/* Serves three at a time, and has a look at the clock. */
static void clerk(void)
{
        for (;;) {
                for (int i = 0; i < 3; i++) {
                        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(parcel));
                        printf("  parcel %d\n", (int)cop_read(parcel, message)->number);
                }
                cop_sleep(100);
        }
}

static void postmaster(void)
{
        cop_pid first;
        cop_spawn_options counter = { .run = clerk, .name = "first counter",
                                      .mailbox_high = 6, .mailbox_low = 2 };
        if (cop_mailbox_subscribe() != COP_OK || cop_spawn_opt(&counter, &first) != COP_OK)
                return;
        for (int i = 1; i <= 9; i++)
                cop_send(first, parcel, .number = i);
        for (int i = 0; i < 2; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_mailbox_alarm));
                const cop_mailbox_alarm *alarm = cop_read(cop_mailbox_alarm, message);
                printf("%s\n", alarm->over ? "too many wait: a second counter opens"
                                           : "few are left: the second counter closes");
        }
        cop_mailbox_unsubscribe();
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .workers = 1 }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_ref done;
        cop_pid pid;
        cop_spawn_options options = { .run = postmaster, .monitor = true, .monitor_ref = &done };
        if (cop_spawn_opt(&options, &pid) == COP_OK)
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, done)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
