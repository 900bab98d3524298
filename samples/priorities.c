/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A hotel at night, with one worker for all of its people. The alarm comes before everybody, the cleaner has a turn now and
 * then and is done all the same, and the night watch sleeps without even a stack until somebody rings.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t rooms; } round_of_rooms;
COP_MESSAGE(round_of_rooms, rooms);

typedef struct { int64_t times; } ring;
COP_MESSAGE(ring, times);

typedef struct { cop_text who; } done;
COP_MESSAGE(done, who);

typedef struct { int64_t rings; } watch;

static void say_done(void)
{
        cop_process self;
        if (cop_process_info(cop_self(), &self) == COP_OK)
                cop_send(cop_parent(), done, .who = cop_text_of(self.label));
}

static void go_round(const round_of_rooms *r)
{
        for (int64_t room = 0; room < r->rooms; room++)
                cop_yield(); /* others may come first */
        say_done();
}

static void wait_for_fire(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(ring)));
        say_done();
}

static void watch_wakes(watch *self)
{
        cop_message_free(cop_receive(0, COP_KIND(ring)));
        printf("the watch has woken for ring %d\n", (int)++self->rings);
        say_done();
        cop_hibernate(watch_wakes, self);
}

static void watch_the_night(void)
{
        watch *self = cop_alloc(sizeof(*self));
        cop_hibernate(watch_wakes, self);
}

static cop_pid hire(cop_spawn_options options)
{
        static const char *const priorities[] = { "normal", "low", "high", "max" };
        cop_pid pid = cop_spawn_or_exit(&options);
        cop_process process;
        if (cop_process_info(pid, &process) == COP_OK)
                printf("hired: %s, priority %s\n", process.label, priorities[process.priority]);
        return pid;
}

static void await_done(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(done));
        printf("done: %s\n", cop_read(done, message)->who.data);
}

static void hotel(void)
{
        const round_of_rooms all = { .rooms = 300 };
        const cop_spawn_options rounds = { .run_with = COP_RUN_WITH(go_round, round_of_rooms),
                                           .kind = COP_KIND_OF(round_of_rooms), .argument = &all };
        cop_spawn_options cleaner = rounds, porter = rounds;
        cleaner.label = "the cleaner";
        cleaner.priority = COP_PRIORITY_LOW;
        porter.label = "the porter";
        hire(cleaner);
        hire(porter);
        cop_pid alarm = hire((cop_spawn_options){ .run = wait_for_fire, .label = "the alarm",
                                                  .priority = COP_PRIORITY_MAX });
        cop_pid night = hire((cop_spawn_options){ .run = watch_the_night, .label = "the night watch" });
        cop_send(alarm, ring, .times = 3);
        for (int i = 0; i < 3; i++)
                await_done();

        cop_process process;
        if (cop_process_info(night, &process) == COP_OK && process.status == COP_PROCESS_HIBERNATING)
                printf("%s hibernates on %d bytes of stack\n", process.label, (int)process.stack_bytes);
        for (int i = 0; i < 2; i++) {
                cop_send(night, ring, .times = 1);
                await_done();
        }
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(&(cop_node_options){ .workers = 1 }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(hotel), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
