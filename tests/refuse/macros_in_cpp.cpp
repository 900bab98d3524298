/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* expect: COP_MESSAGE is for C: declare the kind with COP_MESSAGE_DECLARE, and define it in a C file */
/* expect: COP_SERVER is for C: put the server into a C file */
/* expect: COP_CHANNEL is for C: use cop_channel_open_kind and pids */
/* expect: this_macro_is_for_C__in_cpp_use_cop_send_value */
/* expect: this_macro_is_for_C__in_cpp_use_cop_reply_value */
#include <coppice.h>

typedef struct {
        int64_t pence;
} bill;
COP_MESSAGE(bill, pence);

COP_SERVER(till, COP_ON(bill, till_on_bill));

COP_CHANNEL(bill);

void pays(cop_pid till)
{
        cop_send(till, bill, 1);
}

void answers()
{
        cop_reply(bill, 2);
}
