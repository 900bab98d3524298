/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* An array of any length has items and a count. */
/* expect: COP_MESSAGE(path): corners is no struct { const point *items; size_t count; } */
#include <coppice/message.h>

typedef struct {
        double x, y;
} point;
COP_MESSAGE(point, x, y);
typedef struct {
        struct {
                const point *items;
                uint32_t count;
        } corners;
} path;
COP_MESSAGE(path, COP_NESTED_ITEMS(point, corners));
