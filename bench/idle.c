/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a node cost that has nothing to do?
 *
 * Method: 10,000 servers that have each answered once, and a timer that is due in an hour. Then the thread that made them sleeps.
 * One operation is one millisecond of that sleep, and ns/op is the processor time, user and system, of the whole
 * process in it: 10,000 ns would be one per cent. The thread's own going to sleep and waking is in it.
 * Checked: all servers are alive after it.
 */
#include <time.h>

#include "bench/harness.h"

#define SERVERS 10000

typedef struct { uint64_t number; } knock;
COP_MESSAGE(knock, number);

typedef struct { uint64_t knocks; } porter;

static void porter_on_knock(porter *self, const knock *k)
{
        self->knocks++;
        cop_reply(knock, .number = k->number);
}

COP_SERVER(porter, COP_ON(knock, porter_on_knock));

typedef struct { cop_pids porters; } house;
COP_MESSAGE(house, porters);

/* An actor fills the house, so that no thread is woken for each answer. */
static void housekeeper(void)
{
        cop_pid *porters = cop_alloc(SERVERS * sizeof(porters[0]));
        BENCH_CHECK(porters != NULL, "no memory for the porters' names");
        for (uint64_t i = 0; i < SERVERS; i++) {
                porters[i] = cop_spawn_server(&porter_server, NULL);
                cop_send(porters[i], knock, .number = i);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(knock)));
        }
        cop_send(cop_parent(), house, .porters = { porters, SERVERS });
}

static uint64_t cpu_ns(void)
{
        struct timespec used;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void sleep_ms(uint64_t ms)
{
        const struct timespec length = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
        nanosleep(&length, NULL);
}

BENCH(idle_node, .unit = "ms", .ops = 1000, .quick_ops = 50)
{
        cop_pid keeper = cop_spawn(housekeeper);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(house));
        const cop_pids *porters = &cop_read(house, message)->porters;
        BENCH_CHECK(cop_send_after(NULL, 3600000, cop_self(), knock) == COP_OK, "no timer");
        BENCH_CHECK(porters->count == SERVERS, "the house is not full");
        while (cop_is_alive(keeper))
                sleep_ms(1);
        sleep_ms(20); /* until the workers have gone to sleep, too */
        uint64_t before_ns = cpu_ns();
        sleep_ms(run->ops);
        run->result.ns = cpu_ns() - before_ns;
        run->result.ops = run->ops;
        for (size_t i = 0; i < porters->count; i++)
                BENCH_CHECK(cop_is_alive(porters->items[i]), "a porter has left");
}
