/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Appointments on a simulated clock, so that a day passes in no time: by the hour, after a while, called off in time, and by two clocks that
 * count the same. The node is one that is run step by step, as tests run it.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number; } patient;
COP_MESSAGE(patient, number);

enum { HOUR_MS = 3600000 };

static int seen, crashes;

static void dentist(void)
{
        cop_ref coffee, call;
        int64_t morning_ms = cop_now_ms();
        for (int i = 1; i <= 3; i++)
                cop_send_at(NULL, morning_ms + i * HOUR_MS, cop_self(), patient, .number = i);
        cop_start_timer(&coffee, 90 * 60000, cop_self(), cop_atom("coffee"));
        cop_send_after(&call, 5 * HOUR_MS, cop_self(), patient, .number = 4);
        cop_cancel_async(call, true); /* the fourth has called off; what was left comes as a message */
        for (int i = 0; i < 5; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(patient), COP_KIND(cop_timeout), COP_KIND(cop_timer_cancelled));
                const patient *p = cop_read(patient, message);
                int minutes = (int)((cop_now_ms() - morning_ms) / 60000);
                if (p != NULL)
                        printf("  after %d minutes: patient %d\n", minutes, (int)p->number);
                else if (cop_read(cop_timeout, message) != NULL)
                        printf("  after %d minutes: coffee\n", minutes);
                else
                        printf("  called off, %d minutes before\n",
                               (int)((cop_read(cop_timer_cancelled, message)->left_ms + 500) / 60000));
                seen += p != NULL;
        }
        printf("  the clocks agree: %s\n", cop_now_ns() / 1000000 - cop_now_ms() <= 1 ? "yes" : "no");
        cop_sleep(COP_FOREVER);
}

static bool all_seen(void *context)
{
        return seen >= *(int *)context;
}

static void count_crash(void *context, cop_log_level level, const char *text)
{
        (void)context;
        crashes += level == COP_LOG_ERROR && strstr(text, "crashed") != NULL;
}

static void rehearse(cop_node *node)
{
        int three = 3;
        cop_simulation_state state;
        cop_pid pid = cop_spawn(dentist);
        printf("turns until somebody waits for the clock: %s\n", cop_simulation_run(node, 1000) < 1000 ? "few" : "many");
        cop_simulation_advance(node, HOUR_MS + 1);
        printf("an hour later: %d patient seen\n", seen);
        if (cop_simulation_await(node, all_seen, &three, 24 * (int64_t)HOUR_MS) == COP_OK &&
            cop_simulation_look(node, &state) == COP_OK)
                printf("all seen after %d hours, in no time\n", (int)((state.passed_ms + HOUR_MS / 2) / HOUR_MS));
        cop_simulation_crash(node, pid);
        cop_simulation_run(node, 1000);
        printf("a crash on cue: %d\n", crashes);
        cop_simulation_refuse(node, 1); /* the next one who needs fresh memory gets none ... */
        cop_simulation_refuse(node, 0); /* ... or does, after all */
}

int main(void)
{
        cop_node *node;
        const cop_simulation order = { .seed = 7 };
        if (cop_node_start(&(cop_node_options){ .simulation = &order, .log = count_crash }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        rehearse(node);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
