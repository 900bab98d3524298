/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A struct is no message before COP_MESSAGE says so. */
/* expect: COP_MESSAGE(line): from is a raw pointer, a union, an undeclared struct */
#include <coppice/message.h>

typedef struct {
        double x, y;
} point;
typedef struct {
        point from;
} line;
COP_MESSAGE(line, from);
