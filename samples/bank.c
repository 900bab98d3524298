/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Tellers carry money from account to account. Threads that read a balance, add and write it back lose each other's
 * updates; with a lock for each account they wait for each other for ever; and one that dies between two
 * accounts takes the money along, or is asked again and pays twice.
 *
 * Here the vault alone knows the balances, and does one thing after the other. The tellers, who do all that can go
 * wrong, have nothing to lose: the vault watches who carries money, and puts it back when a teller dies on the way.
 * Each transfer has a number, so that who has had no answer may ask again. The vault does nothing that can fail; but who
 * kills it takes the books along, as a restart begins with new ones: a real bank writes them down where they outlive it.
 */
#include <stdio.h>

#include <coppice.h>

enum { CUSTOMERS = 4, TRANSFERS = 30, PENCE = 1000 };

typedef enum { NEVER, ON_THE_WAY, ON_RETURN } stumble;

typedef struct { int from, to, number, pence; stumble stumbles; } transfer;
COP_MESSAGE(transfer, from, to, number, pence, stumbles);

typedef struct { int pence; } cash;
COP_MESSAGE(cash, pence);

typedef struct { int from; } pay_in;
COP_MESSAGE(pay_in, from);

typedef struct { bool in_full; } audit;
COP_MESSAGE(audit, in_full);

typedef struct { int pence[CUSTOMERS], on_the_way; } books;
COP_MESSAGE(books, pence, on_the_way);

/* An account's transfer: on the way, with a monitor on who carries it; and the number of the last that is done. */
typedef struct { bool is_out; transfer what; cop_ref carrier_gone; int done; } errand;

typedef struct { books books; errand errands[CUSTOMERS]; } vault;

static void vault_open(vault *self)
{
        for (int i = 0; i < CUSTOMERS; i++)
                self->books.pence[i] = PENCE;
}

static void vault_put(vault *self, errand *e, int account)
{
        cop_demonitor_flush(e->carrier_gone);
        self->books.on_the_way -= e->what.pence;
        self->books.pence[account] += e->what.pence;
        e->is_out = false;
}

/* Who asks twice has lost the first teller, even if the news has not come yet. */
static void vault_on_transfer(vault *self, const transfer *t)
{
        errand *e = &self->errands[t->from];
        cop_caller carrier = cop_defer();
        if (e->is_out)
                vault_put(self, e, e->what.from);
        if (t->number <= e->done || t->pence > self->books.pence[t->from]) {
                cop_reply_to(carrier, cash, .pence = 0);
                return;
        }
        self->books.pence[t->from] -= t->pence;
        self->books.on_the_way += t->pence;
        e->what = *t;
        e->is_out = true;
        cop_monitor(carrier.pid, &e->carrier_gone);
        cop_reply_to(carrier, cash, .pence = t->pence);
}

static void vault_on_pay_in(vault *self, const pay_in *p)
{
        errand *e = &self->errands[p->from];
        vault_put(self, e, e->what.to);
        e->done = e->what.number;
        cop_reply(cash, .pence = e->what.pence);
}

static void vault_on_down(vault *self, const cop_down *d)
{
        for (errand *e = self->errands; e < self->errands + CUSTOMERS; e++)
                if (e->is_out && cop_ref_equal(e->carrier_gone, d->ref))
                        vault_put(self, e, e->what.from);
}

static void vault_on_audit(vault *self, const audit *a)
{
        (void)a;
        cop_reply_value(COP_KIND_OF(books), &self->books);
}

COP_SERVER(vault, COP_INIT(vault_open), COP_ON(transfer, vault_on_transfer),
           COP_ON(pay_in, vault_on_pay_in), COP_ON(cop_down, vault_on_down),
           COP_ON(audit, vault_on_audit));

typedef struct { int steps; } teller;

static void teller_walk(teller *self, bool stumbles)
{
        int *volatile step = stumbles ? NULL : &self->steps;
        ++*step;
}

static void teller_on_transfer(teller *self, const transfer *t)
{
        cop_auto taken = NULL;
        const cop_address the_vault = cop_to_name("vault");
        if (cop_call_value(&taken, the_vault, COP_FOREVER, COP_KIND_OF(transfer), t) != COP_OK)
                return;
        if (cop_read(cash, taken)->pence > 0) {
                teller_walk(self, t->stumbles == ON_THE_WAY);
                if (cop_call(NULL, the_vault, COP_FOREVER, pay_in, .from = t->from) != COP_OK)
                        return;
                teller_walk(self, t->stumbles == ON_RETURN);
        }
        cop_reply(cash, .pence = t->pence);
}

COP_SERVER(teller, COP_ON(transfer, teller_on_transfer));

static const char *const tellers[] = { "Ann", "Ben" };

static const cop_supervisor bank = {
        .name = "bank", .intensity = 2, .period_ms = 60000,
        .children = COP_CHILDREN({ "vault", .server = &vault_server },
                                  { "Ann", .server = &teller_server },
                                  { "Ben", .server = &teller_server }),
};

/* Without an answer one asks again, in a moment, for the teller will have been replaced. */
static void insist(transfer *t)
{
        const cop_address counter = cop_to_name(tellers[t->from % 2]);
        for (;;) {
                cop_status status = cop_call_value(NULL, counter, COP_FOREVER,
                                                   COP_KIND_OF(transfer), t);
                if (status == COP_OK)
                        return;
                if (status == COP_E_DIED)
                        t->stumbles = NEVER;
                cop_sleep(1);
        }
}

static const stumble accidents[TRANSFERS + 1] = { [10] = ON_THE_WAY, [20] = ON_RETURN };

static void customer(const pay_in *who)
{
        transfer t = { .from = who->from };
        while (t.number < TRANSFERS) {
                t.number++;
                t.to = (t.from + 1 + t.number % (CUSTOMERS - 1)) % CUSTOMERS;
                t.pence = t.number + t.from;
                t.stumbles = t.from == 0 ? accidents[t.number] : NEVER;
                insist(&t);
        }
}

/* In the middle of whatever goes on. */
static bool is_all_there(books *b)
{
        cop_auto reply = NULL;
        if (cop_call(&reply, "vault", COP_FOREVER, audit, .in_full = true) != COP_OK)
                return false;
        *b = *cop_read(books, reply);
        int pence = b->on_the_way;
        for (int i = 0; i < CUSTOMERS; i++)
                pence += b->pence[i];
        return pence == CUSTOMERS * PENCE;
}

static void spend_the_day(void)
{
        books b = { 0 };
        cop_ref gone;
        int audits = 0, good = 0;
        for (int i = 0; i < CUSTOMERS; i++)
                cop_monitor(cop_spawn_with(customer, pay_in, .from = i), &gone);
        for (int left = CUSTOMERS; left > 0; audits++) {
                cop_auto message = cop_receive(0, COP_KIND(cop_down));
                left -= message != NULL;
                good += is_all_there(&b);
        }
        for (int i = 0; i < CUSTOMERS; i++)
                printf("customer %d has %d pence\n", i, b.pence[i]);
        printf("%d are on the way\n", b.on_the_way);
        puts(good == audits ? "no audit has missed a penny" : "an audit has missed some!");
}

int main(void)
{
        cop_node *node;
        cop_pid root;
        if (cop_node_start(&(cop_node_options){ .name = "bank" }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&bank, &root) == COP_OK) {
                spend_the_day();
                cop_shutdown(root, COP_SHUTDOWN_INFINITY);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
