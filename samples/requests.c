/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Five shops are asked for a price at once, and the answers are taken as they come, until one deadline for all. Each
 * shop waits for what its neighbour asks, to go below it. One cannot, and gives up its business over the question; one is never
 * open. The prices of the others are there all the same.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text item; } ask_price;
COP_MESSAGE(ask_price, item);

typedef struct { int64_t pence; } price;
COP_MESSAGE(price, pence);

typedef struct { int64_t pence; } rumour;
COP_MESSAGE(rumour, pence);

typedef struct { int64_t cost; cop_pid neighbour; } business;
COP_MESSAGE(business, cost, neighbour);

static void shop(const business *b)
{
        cop_auto question = cop_receive(COP_FOREVER, COP_KIND(ask_price));
        cop_auto heard = cop_receive(COP_FOREVER, COP_KIND(rumour));
        int64_t pence = cop_read(rumour, heard)->pence - 20;
        if (pence < b->cost)
                cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("bankrupt")));
        cop_answer(question, price, .pence = pence);
        cop_send(b->neighbour, rumour, .pence = pence);
        cop_sleep(COP_FOREVER);
}

static void closed_shop(void)
{
        cop_sleep(COP_FOREVER);
}

static const char *const names[] = { "kiosk", "bakery", "market", "corner shop", "mill" };

static void tell(const cop_response *response)
{
        const char *name = names[response->label];
        char why[32];
        if (response->status == COP_OK) {
                printf("%s: %d pence\n", name, (int)cop_read(price, response->message)->pence);
                cop_message_free(response->message);
        } else {
                cop_term_print(cop_failure(), NULL, why, sizeof(why));
                printf("%s: %s: %s\n", name, cop_status_text(response->status), why);
        }
}

static void shopper(void)
{
        cop_pid mill = cop_spawn(closed_shop);
        cop_pid corner = cop_spawn_with(shop, business, .cost = 190, .neighbour = mill);
        cop_pid market = cop_spawn_with(shop, business, .cost = 150, .neighbour = corner);
        cop_pid bakery = cop_spawn_with(shop, business, .cost = 170, .neighbour = market);
        cop_pid kiosk = cop_spawn_with(shop, business, .cost = 200, .neighbour = bakery);
        const cop_pid shops[] = { kiosk, bakery, market, corner, mill };

        cop_requests *asked = cop_requests_new();
        for (int64_t i = 0; i < 5; i++) {
                cop_request request;
                cop_request_send(&request, shops[i], ask_price, .item = COP_TEXT("flour"));
                cop_requests_add(asked, request, i);
        }
        cop_send(kiosk, rumour, .pence = 260);

        cop_deadline closing_time = cop_deadline_in(1000);
        cop_response response;
        while (cop_requests_await_until(asked, closing_time, &response) == COP_OK) {
                tell(&response);
                printf("  still to come: %d\n", (int)cop_requests_count(asked));
        }
        puts("closing time");
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(shopper), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
