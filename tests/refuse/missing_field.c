/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What is listed must be there. */
/* expect: tip */
#include <coppice/message.h>

typedef struct {
        int64_t pence;
} bill;
COP_MESSAGE(bill, pence, tip);
