/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Five clerks look into a slow archive at the same time, on one worker, while a sixth counts: none of them holds up the others,
 * since a function that blocks runs on a thread of its own. The archive is a pipe which answers once all five have asked.
 */
#include <stdio.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { int from, asks; char found; } search;

typedef struct { cop_pid boss; int64_t from, asks; } errand;
COP_MESSAGE(errand, boss, from, asks);

typedef struct { int64_t letter; } found;
COP_MESSAGE(found, letter);

/* On a thread of its own: no actor. */
static void look_up(search *s)
{
        if (write(s->asks, "?", 1) != 1 || read(s->from, &s->found, 1) != 1)
                s->found = '-';
}

static void clerk(const errand *e)
{
        search s = { .from = (int)e->from, .asks = (int)e->asks };
        if (cop_blocking(look_up, &s) == COP_OK)
                cop_send(e->boss, found, .letter = s.found);
}

static void counter(const errand *e)
{
        for (int64_t i = 1; i <= 3; i++)
                cop_send(e->boss, found, .letter = '0' + i);
}

static void print_next(void)
{
        cop_auto message = cop_receive(5000, COP_KIND(found));
        if (message != NULL)
                printf("%c\n", (char)cop_read(found, message)->letter);
}

int main(void)
{
        cop_node *node;
        int questions[2], answers[2];
        char asked[5];
        if (pipe(questions) != 0 || pipe(answers) != 0 ||
            cop_node_start(&(cop_node_options){ .workers = 1 }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        for (int i = 0; i < 5; i++)
                cop_spawn_with(clerk, errand, .boss = cop_self(), .from = answers[0],
                               .asks = questions[1]);
        for (size_t i = 0; i < sizeof(asked); i++) /* all five wait in the archive now */
                if (read(questions[0], &asked[i], 1) != 1)
                        return 1;
        cop_spawn_with(counter, errand, .boss = cop_self());
        for (int i = 0; i < 3; i++)
                print_next();
        if (write(answers[1], "aaaaa", 5) != 5)
                return 1;
        for (int i = 0; i < 5; i++)
                print_next();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
