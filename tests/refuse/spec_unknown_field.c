/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* SUP-start-14: what OTP passes over in silence, a field that no specification has, is no program here. */
/* expect: retries */
#include <coppice/supervisor.h>

static void waits(void)
{
}

const cop_child child = { .id = "till", .run = waits, .retries = 3 };
