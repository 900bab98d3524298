/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost when everybody talks to everybody?
 *
 * Method: 512 servers. In a round, each sends a ping to each of the others and answers theirs; who has had all its
 * answers begins its next round, without waiting for the slower ones. One operation is one message: a round of all is
 * 512 x 511 pings and as many answers. A run has 20 rounds, so that the first, in which all begin together, is not half of
 * it. A tenth of the rounds, and at least one, is played before as warm-up. Each server takes the time at its first and its
 * last message; the figure is from the first to the last of all.
 * Checked: each answer is for the round that is on, and at the end each server has had every one, and every ping.
 */
#include "bench/harness.h"

#define PLAYERS 512
#define ROUND (2 * PLAYERS * (PLAYERS - 1)) /* messages */

typedef struct { cop_pids players; } company;
COP_MESSAGE(company, players);

typedef struct { uint64_t rounds; } game;
COP_MESSAGE(game, rounds);

typedef struct { uint64_t round; } ping;
COP_MESSAGE(ping, round);

typedef struct { uint64_t round; } pong;
COP_MESSAGE(pong, round);

typedef struct {
        cop_pid *others;
        uint64_t rounds, round, answers, pings, began_ns;
} player;

static void begin_round(player *self)
{
        self->round++;
        self->answers = 0;
        for (int i = 0; i < PLAYERS - 1; i++)
                cop_send(self->others[i], ping, .round = self->round);
}

static void player_on_company(player *self, const company *c)
{
        self->others = cop_alloc((PLAYERS - 1) * sizeof(self->others[0]));
        BENCH_CHECK(self->others != NULL, "no memory for the others");
        for (size_t i = 0, at = 0; i < c->players.count; i++)
                if (!cop_pid_equal(c->players.items[i], cop_self()))
                        self->others[at++] = c->players.items[i];
}

static void player_on_game(player *self, const game *g)
{
        self->rounds = g->rounds;
        self->round = 0;
        self->began_ns = bench_now();
        begin_round(self);
}

/* All pings of the others, and all answers to its own: nothing more comes. */
static void tell_when_through(player *self)
{
        if (self->round < self->rounds || self->answers < PLAYERS - 1 ||
            self->pings < self->rounds * (PLAYERS - 1))
                return;
        uint64_t messages = 2 * self->pings;
        self->pings = 0;
        cop_send(cop_parent(), bench_span, .began_ns = self->began_ns, .ended_ns = bench_now(),
                 .ops = messages);
}

static void player_on_ping(player *self, const ping *p)
{
        self->pings++;
        cop_reply(pong, .round = p->round);
        tell_when_through(self);
}

static void player_on_pong(player *self, const pong *p)
{
        BENCH_CHECK(p->round == self->round, "an answer of round %llu in round %llu",
                    (unsigned long long)p->round, (unsigned long long)self->round);
        if (++self->answers == PLAYERS - 1 && self->round < self->rounds)
                begin_round(self);
        else
                tell_when_through(self);
}

COP_SERVER(player, COP_ON(ping, player_on_ping), COP_ON(pong, player_on_pong),
           COP_ON(game, player_on_game), COP_ON(company, player_on_company));

static bench_span play(const cop_pid *players, uint64_t rounds)
{
        for (int i = 0; i < PLAYERS; i++)
                cop_send(players[i], game, .rounds = rounds);
        bench_span span = bench_gather(PLAYERS);
        BENCH_CHECK(span.ops == rounds * ROUND, "messages are missing");
        return span;
}

BENCH(big_512, .unit = "message", .ops = 20 * ROUND, .quick_ops = 1)
{
        cop_pid players[PLAYERS];
        uint64_t rounds = (run->ops + ROUND - 1) / ROUND;
        for (int i = 0; i < PLAYERS; i++)
                players[i] = cop_spawn_server(&player_server, NULL);
        for (int i = 0; i < PLAYERS; i++)
                cop_send(players[i], company, .players = { players, PLAYERS });
        play(players, rounds / 10 + 1);
        bench_found(run, play(players, rounds));
}
