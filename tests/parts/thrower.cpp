/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* An actor in C++ that throws what nobody catches. */
#include <stdexcept>

#include <coppice.h>

static void throws_it()
{
        throw std::runtime_error("nobody catches this");
}

int main()
{
        cop_node *node;
        cop_ref ref;
        cop_pid pid;
        if (cop_node_start(nullptr, &node) != COP_OK)
                return 1;
        cop_node_enter(node);
        cop_spawn_options options = {};
        options.run = throws_it;
        options.monitor = true;
        options.monitor_ref = &ref;
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                return 1;
        cop_pattern any = {};
        cop_message_free(cop_receive_any_of(COP_FOREVER, &any, 1));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
