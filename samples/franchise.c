/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that are spawned on another node: the shop offers a till, and the head office opens two there, works with them, and
 * hears how each of them ends. Two nodes in one program, as they might be on two machines.
 */
#include <stdio.h>

#include <coppice.h>

#define SHOP "shop@127.0.0.1"

typedef struct { int64_t pence; } drawer; /* what a till begins with */
COP_MESSAGE(drawer, pence);

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each, in_drawer; } share;
COP_MESSAGE(share, pence_each, in_drawer);

typedef struct { int64_t pence; } till;

static void till_init(till *self, const drawer *d)
{
        self->pence = d->pence;
}

static void till_on_bill(till *self, const bill *b)
{
        self->pence += b->pence;
        printf("  at %s, for %s\n", cop_node_here_name(), cop_node_of(cop_parent()));
        cop_reply(share, .pence_each = b->pence / b->people, .in_drawer = self->pence);
}

COP_SERVER(till, COP_INIT_WITH(drawer, till_init), COP_ON(bill, till_on_bill));

static cop_node *begin(const char *name, uint16_t *port)
{
        cop_node *node = NULL;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return NULL;
        /* Before others can come. */
        if (cop_offer("till", &(cop_spawn_options){ .server = &till_server, .kind = COP_KIND_OF(drawer) }) != COP_OK ||
            cop_distribution_start(&(cop_distribution){ .name = cop_text_of(name), .cookie = COP_TEXT("a long secret"),
                                                        .no_epmd = true }) != COP_OK ||
            cop_distribution_port(port) != COP_OK)
                return NULL;
        return node;
}

static cop_pid open_till(const char *offer, int64_t pence, cop_ref *ref)
{
        cop_pid pid = cop_no_pid();
        cop_status status = cop_spawn_at(&(cop_spawn_there){ .node = SHOP, .offer = offer, .kind = COP_KIND_OF(drawer),
                                                             .argument = &(drawer){ pence }, .link = true, .monitor = true,
                                                             .monitor_ref = ref },
                                         5000, &pid);
        printf("%s at %s: %s\n", offer, SHOP, status == COP_OK ? "open" : cop_status_text(status));
        return pid;
}

static void split(cop_pid pid, int64_t pence, int64_t people)
{
        cop_message *reply = NULL;
        cop_status status = cop_call(&reply, pid, 5000, bill, .pence = pence, .people = people);
        const share *s = cop_read(share, reply);
        if (s != NULL)
                printf("%d between %d: %d each, and %d in the drawer\n", (int)pence, (int)people, (int)s->pence_each, (int)s->in_drawer);
        else
                printf("%d between %d: %s\n", (int)pence, (int)people, cop_status_text(status));
        cop_message_free(reply);
}

static void tell_end(cop_ref ref)
{
        char text[128];
        cop_auto down = cop_receive(5000, COP_REF(cop_down, ref));
        if (down == NULL)
                return;
        cop_term why = cop_read(cop_down, down)->reason;
        if (cop_is_tuple(why, "fault", 5)) /* {fault, sigfpe, Words, Place, Message} */
                why = why.as.items[1];
        cop_term_print(why, NULL, text, sizeof(text));
        printf("the till of %s has ended: %s\n", cop_node_of(cop_read(cop_down, down)->pid), text);
}

int main(void)
{
        uint16_t shop_port, office_port;
        cop_ref first_ref, second_ref, none;
        cop_node *shop = begin(SHOP, &shop_port);
        if (shop == NULL)
                return 1;
        cop_node_leave();
        cop_node *office = begin("office@127.0.0.1", &office_port);
        if (office == NULL)
                return 1;
        cop_node_is_at(SHOP, NULL, shop_port);
        cop_trap_exit(true); /* the tills are linked: they end with the office, and the office is told of their end */
        cop_pid first = open_till("till", 1000, &first_ref);
        cop_pid second = open_till("till", 500, &second_ref);
        open_till("safe", 0, &none); /* what nobody offers nobody opens */
        split(first, 900, 3);
        split(second, 100, 4);
        split(first, 900, 0);
        tell_end(first_ref);
        cop_node_leave();
        cop_node_enter(shop);
        cop_unoffer("till"); /* who is there stays */
        cop_node_leave();
        cop_node_enter(office);
        open_till("till", 1, &none);
        cop_node_leave();
        cop_node_stop(shop);
        cop_node_stop(office);
        return 0;
}
