/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The struct that is named must be the one that is there. */
/* expect: COP_MESSAGE(line): from is no point and no array of them */
#include <coppice/message.h>

typedef struct {
        double x, y;
} point;
COP_MESSAGE(point, x, y);
typedef struct {
        int64_t from;
} line;
COP_MESSAGE(line, COP_NESTED(point, from));
