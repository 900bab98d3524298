/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "base/cue.h"

#if COP__CUES
cop__cue_listener *cop__cue_heard_by;
#endif
