/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Bridges: the one line of them that is no macro. */
#include <coppice/bridge.h>

void cop_bridge_started(cop_status status)
{
        if (status == COP_E_IGNORED)
                cop_ignore();
        if (status != COP_OK)
                cop_exit(COP_TUPLE(cop_atom("bridge"), cop_string(cop_status_text(status))));
}
