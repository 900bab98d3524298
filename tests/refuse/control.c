/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Right where the others are wrong: this one compiles, without a warning. */
#include <coppice/server.h>

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

typedef struct {
        int64_t served;
} till;
COP_MESSAGE(till, served);

static void till_on_point(till *self, const point *p)
{
        self->served++;
        cop_reply(point, .x = p->y, .y = p->x);
}

static void till_goes_on(till *self)
{
        self->served++;
}

COP_SERVER(till, COP_ON(point, till_on_point), COP_CONTINUE(till_goes_on),
           COP_IDLE(till_goes_on), COP_STATE(till));
