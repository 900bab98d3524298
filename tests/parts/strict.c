/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a program of strict C11 does with the macros, and of which no compiler complains, whatever it is told to look for. */
#include <coppice.h>

typedef struct {
        int64_t number;
        char name[8];
        cop_pid who;
} card;
COP_MESSAGE(card, number, name, who);
COP_CHANNEL(card);
COP_FUTURE(card);

typedef struct {
        int64_t cards;
} dealer;
COP_MESSAGE(dealer, cards);

static void dealer_on_card(dealer *self, const card *c)
{
        self->cards += c->number;
        cop_reply(card, .number = self->cards);
        cop_continue_with(card, .number = 2);
}

static void dealer_goes_on(dealer *self, const card *c)
{
        self->cards -= c->number;
}

COP_SERVER(dealer, COP_ON(card, dealer_on_card), COP_CONTINUE_WITH(card, dealer_goes_on), COP_STATE(dealer));

static bool is_larger(const card *c, const int64_t *limit)
{
        return c->number > *limit;
}

static void plays(const card *c)
{
        cop_resolve(card, .number = c->number);
}

cop_term play(card_channel channel, cop_pid pid);

cop_term play(card_channel channel, cop_pid pid)
{
        int64_t limit = 7;
        cop_ref timer = { 0 };
        cop_auto message = cop_receive(0, COP_FIELD(card, number, limit), COP_FIELD(card, who, pid), COP_FIELD(card, name, "ace"),
                                       COP_WHERE(card, is_larger, &limit), COP_REF(cop_down, timer), COP_KIND(card), COP_ANY);
        cop_message *reply = NULL;
        cop_pid player = cop_spawn_with(plays, card, .number = 1);
        card_future future = cop_async_with(card, plays, card, .number = 1);
        cop_send("dealer", card, .number = 1, .name = "ace");
        cop_send_after(&timer, 1, player, card, .number = 1);
        if (message != NULL && cop_read(card, message) != NULL)
                cop_answer(message, card, .number = 2);
        if (cop_call(&reply, player, 1, card, .number = 1) != COP_OK || cop_await(&reply, future, 1, card) != COP_OK ||
            cop_put(channel, 1, card, .number = 1) != COP_OK)
                cop_exit(COP_TUPLE(cop_atom("no_cards"), COP_LIST(cop_int(1), cop_int(2)), COP_MAP(cop_atom("ace"), cop_int(1))));
        cop_message_free(reply);
        return cop_is_tuple(COP_TUPLE(), "none", 0) ? COP_LIST() : COP_MAP();
}
