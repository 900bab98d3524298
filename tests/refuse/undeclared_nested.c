/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* COP_NESTED is for what is a message itself. */
/* expect: cop_kind_of_point */
#include <coppice/message.h>

typedef struct {
        double x, y;
} point;
typedef struct {
        point from;
} line;
COP_MESSAGE(line, COP_NESTED(point, from));
