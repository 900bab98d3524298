/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An auctioneer asks all bidders at once and waits once for all of them. Some answer late: their bids are dropped, and never turn up in
 * the middle of the next lot. Single questions may be looked at now and then, or given up.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number; } lot;
COP_MESSAGE(lot, number);

typedef struct { int64_t pounds; } bid;
COP_MESSAGE(bid, pounds);

typedef struct { int64_t pounds; bool sleeps; } purse;
COP_MESSAGE(purse, pounds, sleeps);

static void bidder(const purse *p)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(lot));
                if (p->sleeps && cop_read(lot, message)->number == 1)
                        continue; /* has nodded off */
                if (cop_time_left_of(message) == 0)
                        continue; /* who has asked does not wait any more */
                cop_answer(message, bid, .pounds = p->pounds * cop_read(lot, message)->number);
        }
}

static cop_pid spawn_bidder(int64_t pounds, bool sleeps)
{
        return cop_spawn_with(bidder, purse, .pounds = pounds, .sleeps = sleeps);
}

static void ask_all(const cop_pid *bidders)
{
        cop_response responses[3];
        cop_address to[3];
        for (int i = 0; i < 3; i++)
                to[i] = cop_to_pid(bidders[i]);
        size_t answered = cop_multi_call(responses, to, 3, 20000, lot, .number = 1);
        printf("lot 1: %d of 3 have bid\n", (int)answered);
        for (int i = 0; i < 3; i++) {
                const bid *b = cop_read(bid, responses[i].message);
                printf("  bidder %d: ", i + 1);
                b != NULL ? printf("%d pounds\n", (int)b->pounds) : printf("%s\n", cop_status_text(responses[i].status));
                cop_message_free(responses[i].message);
        }
}

/* As the bids come in, whoever is first. */
static void ask_one_by_one(const cop_pid *bidders)
{
        cop_requests *open = cop_requests_new();
        cop_request request;
        cop_response response;
        int64_t sum = 0;
        for (int i = 0; i < 2; i++)
                if (cop_request_send(&request, bidders[i], lot, .number = 2) == COP_OK)
                        cop_requests_add(open, request, i);
        if (cop_requests_poll(open, &response) == COP_OK) { /* perhaps one is here already */
                sum += cop_read(bid, response.message)->pounds;
                cop_message_free(response.message);
        }
        while (cop_requests_await(open, COP_FOREVER, &response) == COP_OK) {
                sum += cop_read(bid, response.message)->pounds;
                cop_message_free(response.message);
        }
        printf("lot 2: %d pounds in all, %d questions are open\n", (int)sum, (int)cop_requests_count(open));
        cop_requests_free(open);
}

static void ask_alone(const cop_pid *bidders)
{
        cop_request first, second;
        cop_message *answer = NULL;
        if (cop_request_send(&first, bidders[0], lot, .number = 3) != COP_OK ||
            cop_request_send(&second, bidders[1], lot, .number = 3) != COP_OK)
                return;
        printf("lot 3: the second is not wanted: %s\n", cop_request_drop(second) ? "dropped" : "too late");
        while (cop_request_poll(first, &answer) == COP_E_TIMEOUT)
                cop_yield(); /* something else to do meanwhile */
        printf("lot 3: %d pounds\n", (int)cop_read(bid, answer)->pounds);
        cop_message_free(answer);
        answer = NULL;
        if (cop_request_send(&first, bidders[1], lot, .number = 4) == COP_OK &&
            cop_request_await(first, COP_FOREVER, &answer) == COP_OK)
                printf("lot 4: %d pounds\n", (int)cop_read(bid, answer)->pounds);
        cop_message_free(answer);
        answer = NULL;
        if (cop_call(&answer, bidders[2], 20000, lot, .number = 5) == COP_OK)
                printf("lot 5: %d pounds, from one who has woken up\n", (int)cop_read(bid, answer)->pounds);
        cop_message_free(answer);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        const cop_pid bidders[] = { spawn_bidder(10, false), spawn_bidder(20, false), spawn_bidder(5, true) };
        ask_all(bidders);
        ask_one_by_one(bidders);
        ask_alone(bidders);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
