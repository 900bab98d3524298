/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The smallest program with a node, which needs all that the library does. */
#include <stdio.h>

#include <coppice.h>

int main(void)
{
        cop_node *node;
        cop_status status = cop_node_start(NULL, &node);
        if (status != COP_OK) {
                fprintf(stderr, "no node: %s\n", cop_status_text(status));
                return 1;
        }
        cop_node_stop(node);
        puts("a node");
        return 0;
}
