/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A handle says what its future is for. */
/* expect: this future is for another kind */
#include <coppice.h>

typedef struct { int64_t pence; } bill;
COP_MESSAGE(bill, pence);
COP_FUTURE(bill);

typedef struct { int64_t weight; } parcel;
COP_MESSAGE(parcel, weight);
COP_FUTURE(parcel);

cop_status weigh(cop_message **message, bill_future future)
{
        return cop_await(message, future, 0, parcel);
}
