/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A teller carries money from one account to another: out of the first, a call, into the second, a call. Nothing is
 * wrong with it as long as it lives. A trial lets it crash now and then, in a different order of events for each seed, and one of
 * the first seeds finds the moment between the two calls, when the money is in nobody's account.
 *
 * The second bank has both accounts in one vault, which moves money with one message: the teller has nothing to lose,
 * whenever it dies, and a thousand seeds find nothing.
 */
#include <stdio.h>
#include <string.h>

#include <coppice.h>

enum { PENCE = 100, TRANSFERS = 10 };

typedef struct { int pence; } put;
COP_MESSAGE(put, pence);

typedef struct { int pence; } transfer;
COP_MESSAGE(transfer, pence);

typedef struct { bool all; } count;
COP_MESSAGE(count, all);

typedef struct { int pence; } account;

static void account_open(account *self)
{
        self->pence = PENCE;
}

static void account_on_put(account *self, const put *p)
{
        self->pence += p->pence;
        cop_reply(put, .pence = self->pence);
}

static void account_on_count(account *self, const count *c)
{
        (void)c;
        cop_reply(put, .pence = self->pence);
}

COP_SERVER(account, COP_INIT(account_open), COP_ON(put, account_on_put),
           COP_ON(count, account_on_count));

typedef struct { int done; } teller;

static void teller_on_transfer(teller *self, const transfer *t)
{
        cop_call(NULL, "Ann", COP_FOREVER, put, .pence = -t->pence);
        cop_call(NULL, "Ben", COP_FOREVER, put, .pence = t->pence);
        self->done++;
}

COP_SERVER(teller, COP_ON(transfer, teller_on_transfer));

static const cop_supervisor careless = {
        .name = "careless", .intensity = 1000, .period_ms = 1000,
        .children = COP_CHILDREN({ "Ann", .server = &account_server },
                                 { "Ben", .server = &account_server },
                                 { "teller", .server = &teller_server }),
};

typedef struct { int ann, ben; } vault;

static void vault_open(vault *self)
{
        self->ann = self->ben = PENCE;
}

static void vault_on_transfer(vault *self, const transfer *t)
{
        self->ann -= t->pence;
        self->ben += t->pence;
        cop_reply(put, .pence = self->ben);
}

static void vault_on_count(vault *self, const count *c)
{
        (void)c;
        cop_reply(put, .pence = self->ann + self->ben);
}

COP_SERVER(vault, COP_INIT(vault_open), COP_ON(transfer, vault_on_transfer),
           COP_ON(count, vault_on_count));

typedef struct { int done; } messenger;

static void messenger_on_transfer(messenger *self, const transfer *t)
{
        cop_call(NULL, "vault", COP_FOREVER, transfer, .pence = t->pence);
        self->done++;
}

COP_SERVER(messenger, COP_ON(transfer, messenger_on_transfer));

static const cop_supervisor careful = {
        .name = "careful", .intensity = 1000, .period_ms = 1000,
        .children = COP_CHILDREN({ "vault", .server = &vault_server },
                                 { "teller", .server = &messenger_server }),
};

/* An account that crashed would be opened anew: where balances are kept is another question. */
static bool is_a_carrier(void *unused, cop_pid pid, const char *server)
{
        (void)unused;
        (void)pid;
        return strcmp(server, "teller") == 0 || strcmp(server, "messenger") == 0;
}

static int pence_of(const char *name)
{
        cop_auto reply = NULL;
        return cop_call(&reply, name, COP_FOREVER, count) == COP_OK ? cop_read(put, reply)->pence : 0;
}

/* What is sent while the teller is being replaced is lost with nobody's money in it. */
static const char *no_money_is_lost(cop_node *node, void *is_careful)
{
        for (int i = 1; i <= TRANSFERS; i++) {
                cop_send("teller", transfer, .pence = i);
                cop_sleep(1);
        }
        cop_node_await_quiet(node, 1000);
        int pence = is_careful != NULL ? pence_of("vault") : pence_of("Ann") + pence_of("Ben");
        return pence == 2 * PENCE ? NULL : pence < 2 * PENCE ? "money was lost" : "money was made";
}

static void try_bank(const cop_supervisor *bank)
{
        cop_trial_outcome outcome;
        cop_trial trial = {
                .tree = bank, .check = no_money_is_lost, .seeds = 1000,
                .context = bank == &careful ? &trial : NULL,
                .simulation = { .crashes = 20, .may_crash = is_a_carrier },
        };
        if (cop_trial_run(&trial, &outcome) != COP_OK)
                printf("%s: the trial could not be held\n", bank->name);
        else if (outcome.failed)
                printf("%s: %s\n", bank->name, outcome.what);
        else
                printf("%s: no seed finds anything\n", bank->name);
}

int main(void)
{
        try_bank(&careless);
        try_bank(&careful);
        return 0;
}
