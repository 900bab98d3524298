/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Two actors that never end share one worker with a clerk who answers questions. Neither knows of the other: each is interrupted
 * when its slice is over, and goes on later where it was. Who is at work for so long is reported by the node's watchdog, with the
 * place. One of them is killed in the middle of its loop.
 *
 * With threads of the program instead of actors the operating system would do the same; but nobody could kill one and go on.
 */
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include <coppice.h>

typedef struct { int64_t number; } question;
COP_MESSAGE(question, number);

static void counts_for_ever(void)
{
        for (volatile int64_t i = 0;; i++)
                ;
}

static void clerk(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(question));
                cop_answer(message, question, .number = 2 * cop_read(question, message)->number);
        }
}

static sem_t reported; /* somebody has been at work for too long */
static char report[1024]; /* the first that was said about it */

/* Called on a thread of the node's own. "** <0.2.0> has been at work for 0.1 s", then on lines of their own where, and what is
 * done about it. */
static void listen(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level;
        if (report[0] != '\0' || strstr(text, "has been at work") == NULL)
                return;
        snprintf(report, sizeof(report), "%s", text);
        sem_post(&reported);
}

/* Without the numbers, which differ each time. */
static void tell_the_report(void)
{
        bool knows_where = strstr(report, "in counts_for_ever") != NULL;
        bool holds_up_nobody = strstr(report, "it is interrupted while others wait for its worker") != NULL;
        printf("the watchdog has found an actor that works for long%s%s\n", knows_where ? ", in counts_for_ever" : "",
               holds_up_nobody ? "; it is interrupted for others" : "");
}

int main(void)
{
        cop_node *node;
        sem_init(&reported, 0, 0);
        if (cop_node_start(&(cop_node_options){ .workers = 1, .long_turn_ms = 50, .log = listen }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid loop = cop_spawn(counts_for_ever);
        while (sem_wait(&reported) != 0)
                continue;
        tell_the_report();
        cop_spawn(counts_for_ever);
        cop_pid answers = cop_spawn(clerk);
        for (int64_t i = 1; i <= 3; i++) {
                cop_auto reply = NULL;
                if (cop_call(&reply, answers, 5000, question, .number = i) != COP_OK)
                        return 1;
                printf("the clerk says %d\n", (int)cop_read(question, reply)->number);
        }
        cop_ref ref;
        cop_monitor(loop, &ref);
        cop_send_exit(loop, cop_atom("kill"));
        cop_auto message = cop_receive(5000, COP_REF(cop_down, ref));
        if (message == NULL)
                return 1;
        puts("the first loop has been killed");
        cop_node_leave();
        cop_node_stop(node); /* ends the other one */
        puts("and the node has stopped");
        return 0;
}
