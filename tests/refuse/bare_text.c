/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* expect: int-conversion */
#include <coppice.h>

typedef struct { cop_text name; } greeting;
COP_MESSAGE(greeting, name);

void greet(cop_pid to)
{
        cop_send(to, greeting, .name = "world");
}
