/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The kinds of the messages that the runtime itself sends. */
#include <coppice/dead_letter.h>
#include <coppice/timer.h>

COP_MESSAGE_DEFINE(cop_exited, pid, reason);
COP_MESSAGE_DEFINE(cop_down, ref, name, pid, reason, tag);
COP_MESSAGE_DEFINE(cop_alias, pid, ref);
COP_MESSAGE_DEFINE(cop_any, term);
COP_MESSAGE_DEFINE(cop_started, ref, pid, ignored, extra);
COP_MESSAGE_DEFINE(cop_dead_letter, reason, from, to, kind, text, number, missed);
COP_MESSAGE_DEFINE(cop_timeout, ref, payload);
COP_MESSAGE_DEFINE(cop_timer_cancelled, ref, left_ms);
