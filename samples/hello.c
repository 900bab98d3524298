/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The smallest actor: a function with a mailbox. It waits for a name, greets it, and ends.
 * Main is no actor by itself; it visits the node, and may then send and receive like one.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text name; } greeting;
COP_MESSAGE(greeting, name);

static void greeter(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(greeting));
        printf("hello, %s\n", cop_read(greeting, message)->name.data);
}

int main(void)
{
        cop_node *node;
        cop_ref gone;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid pid = cop_spawn(greeter);
        cop_send(pid, greeting, .name = COP_TEXT("world"));
        cop_monitor(pid, &gone);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, gone)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
