/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A function means nothing in another process. */
/* expect: COP_MESSAGE(job): run is a raw pointer */
#include <coppice/message.h>

typedef struct {
        void (*run)(void);
} job;
COP_MESSAGE(job, run);
