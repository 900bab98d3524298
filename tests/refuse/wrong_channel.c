/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A handle says what its channel holds. */
/* expect: this channel is for another kind */
#include <coppice.h>

typedef struct { int64_t pence; } bill;
COP_MESSAGE(bill, pence);
COP_CHANNEL(bill);

typedef struct { int64_t weight; } parcel;
COP_MESSAGE(parcel, weight);
COP_CHANNEL(parcel);

cop_status send_off(bill_channel bills)
{
        return cop_put(bills, 0, parcel, .weight = 3);
}
