/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A program whose node stands still: as many actors as it has workers and spare ones, and two more, read from a pipe that nobody
 * writes to. For shell_client.sh, which looks into it and calls its clerk, who gets no worker to answer on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <coppice.h>

enum { WORKERS = 2, SPARES = 16, READERS = WORKERS + SPARES + 2 };

typedef struct { int64_t number; } question;
COP_MESSAGE(question, number);

typedef struct { int64_t answered; } clerk;

static void clerk_on_question(clerk *self, const question *q)
{
        self->answered++;
        cop_reply(question, .number = q->number + 1);
}

COP_SERVER(clerk, COP_ON(question, clerk_on_question));

static int ends[2];

static void reads(void)
{
        char byte;
        while (read(ends[0], &byte, 1) < 0)
                ;
}

/* They are its own and not the tree's, which has started when they block. */
static void gate(void)
{
        for (int i = 0; i < READERS; i++) {
                char name[32];
                cop_pid pid;
                snprintf(name, sizeof(name), "reader%d", i);
                cop_spawn_opt(&(cop_spawn_options){ .run = reads, .name = name }, &pid);
        }
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

int main(int argc, char **argv)
{
        if (pipe2(ends, O_CLOEXEC) != 0)
                return 1;
        return cop_main(argc, argv, &(cop_supervisor){
                .name = "standstill",
                .children = COP_CHILDREN({ "clerk", .server = &clerk_server }, { "gate", .run = gate }),
        });
}
