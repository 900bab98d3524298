/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Right where the others are wrong: this one compiles, without a warning. */
#include <coppice/message.h>

typedef struct {
        double x, y;
} point;
COP_MESSAGE(point, x, y);

typedef struct {
        point from, corners[2];
        struct {
                const point *items;
                size_t count;
        } path;
        cop_text body;
        int8_t squares[64];
        char name[16];
} letter;
COP_MESSAGE(letter, COP_NESTED(point, from), COP_NESTED(point, corners),
            COP_NESTED_ITEMS(point, path), body, squares, name);

typedef struct {
} tick;
COP_MESSAGE(tick);
