/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A metronome that beats four times and is stopped; and a driver with a dead man's switch, who must press a pedal again
 * before its time is over, or is taken off the train.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t volume; } beat;
COP_MESSAGE(beat, volume);

typedef struct { int64_t hours; } shift;
COP_MESSAGE(shift, hours);

static void keep_time(void)
{
        cop_ref metronome;
        if (cop_send_every(&metronome, 10, cop_self(), beat, .volume = 3) != COP_OK)
                return;
        for (int number = 1; number <= 4; number++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(beat));
                printf("beat %d, volume %d\n", number, (int)cop_read(beat, message)->volume);
        }
        cop_cancel(metronome);
        printf("after cop_cancel, %s is left\n",
               cop_timer_left(metronome) < 0 ? "nothing" : "something");
}

/* Each hour of driving is a pedal pressed in time; then the driver falls asleep. */
static void drive(const shift *s)
{
        cop_ref pedal;
        for (int64_t hour = 1; hour <= s->hours; hour++) {
                if (cop_exit_after(&pedal, 60000, cop_self(), cop_atom("asleep")) != COP_OK)
                        return;
                cop_sleep(1);
                printf("hour %d: the pedal was pressed %s\n", (int)hour,
                       cop_cancel(pedal) >= 0 ? "in time" : "too late");
        }
        cop_exit_after(&pedal, 20, cop_self(), cop_atom("asleep"));
        cop_sleep(COP_FOREVER);
}

static void run(void)
{
        cop_ref over;
        char reason[32];
        keep_time();
        cop_monitor(cop_spawn_with(drive, shift, .hours = 2), &over);
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_down, over));
        cop_term_print(cop_read(cop_down, message)->reason, NULL, reason, sizeof(reason));
        printf("the driver was taken off the train: %s\n", reason);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
