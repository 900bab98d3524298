/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A till splits bills, a clerk adds up the day. Splitting a bill between nobody is a bug: the CPU
 * traps, the till dies, and its supervisor grows it back. The clerk never notices.
 */
#include <coppice.h>

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each, number; } share;
COP_MESSAGE(share, pence_each, number);

typedef struct { int64_t pence; } taking;
COP_MESSAGE(taking, pence);

typedef struct { int64_t tax_percent; } report;
COP_MESSAGE(report, tax_percent);

typedef struct { int64_t bills, pence, tax; } day;
COP_MESSAGE(day, bills, pence, tax);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        int64_t each = b->pence / b->people;
        cop_send("clerk", taking, .pence = b->pence);
        cop_reply(share, .pence_each = each, .number = ++self->served);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));

typedef struct { int64_t bills, pence; } clerk;

static void clerk_on_taking(clerk *self, const taking *t)
{
        self->bills++;
        self->pence += t->pence;
}

static void clerk_on_report(clerk *self, const report *r)
{
        cop_reply(day, .bills = self->bills, .pence = self->pence,
                  .tax = self->pence * r->tax_percent / 100);
}

COP_SERVER(clerk, COP_ON(taking, clerk_on_taking), COP_ON(report, clerk_on_report));

int main(int argc, char **argv)
{
        return cop_main(argc, argv, &(cop_supervisor){
                .name = "shop", .strategy = COP_ONE_FOR_ONE,
                .intensity = 3, .period_ms = 5000,
                .children = COP_CHILDREN({ "till", .server = &till_server },
                                          { "clerk", .server = &clerk_server }),
        });
}
