/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A clerk opens a file and a ledger, and crashes before closing either. What it owned ends with it: nobody has to remember, and
 * the crash report names what it still held.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { int64_t pages; } ledger;

typedef struct { int32_t fd; } opened;
COP_MESSAGE(opened, fd);

/* Called once, however the clerk ends. It must not use the node. */
static void close_ledger(void *thing)
{
        const ledger *l = thing;
        printf("the ledger of %d pages is closed\n", (int)l->pages);
}

static void clerk(void)
{
        static ledger book = { 12 };
        int fd;
        if (cop_open("/dev/null", O_WRONLY, 0, &fd) != COP_OK || cop_own("ledger", close_ledger, &book) != COP_OK)
                cop_exit(cop_atom("cannot_work"));
        printf("the clerk owns %d things\n", (int)cop_owned());
        cop_send(cop_parent(), opened, .fd = fd);
        volatile int *nowhere = NULL;
        *nowhere = 1;
}

/* The part of the report that says what was held; descriptors have any number. */
static void log_held(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level;
        const char *held = strstr(text, "held ledger, descriptor ");
        if (held != NULL)
                puts("the report: held ledger, descriptor ...");
}

int main(void)
{
        cop_node *node;
        cop_ref ref;
        cop_pid pid;
        if (cop_node_start(&(cop_node_options){ .log = log_held }, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_spawn_opt(&(cop_spawn_options){ .run = clerk, .monitor = true, .monitor_ref = &ref }, &pid) != COP_OK)
                return 1;
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(opened));
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
        cop_node_await_quiet(node, COP_FOREVER); /* it is buried */
        int fd = cop_read(opened, message)->fd;
        printf("the file is %s\n", fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
