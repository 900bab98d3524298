/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* EXS-15: an exit signal goes to a pid. Whose name it is must be looked up first, so that it hits nobody else. */
/* expect: incompatible type */
#include <coppice/actor.h>

void stop_the_till(void);
void stop_the_till(void)
{
        (void)cop_send_exit("till", cop_atom("shutdown"));
}
