/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Arrays of arrays have no form on the wire. */
/* expect: COP_MESSAGE(board): squares is a raw pointer, a union */
#include <coppice/message.h>

typedef struct {
        int8_t squares[8][8];
} board;
COP_MESSAGE(board, squares);
