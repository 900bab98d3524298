/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What sending promises: the order of cause and effect, nothing late, nothing twice, and memory that comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/gauges.h"
#include "tests/node_fixture.h"

typedef struct numbered {
        int64_t number;
        bool forwarded;
} numbered;
COP_MESSAGE(numbered, number, forwarded);

typedef struct parties {
        cop_pid forwarder, reader;
        int64_t count;
} parties;
COP_MESSAGE(parties, forwarder, reader, count);

/* ---- Cause and effect ------------------------------------------------------------------ */

static void sends_to_both(const parties *p)
{
        for (int64_t i = 0; i < p->count; i++) {
                cop_send(p->reader, numbered, .number = i);
                cop_send(p->forwarder, numbered, .number = i);
        }
}

static void forwards(const parties *p)
{
        for (int64_t i = 0; i < p->count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(numbered));
                cop_send(p->reader, numbered, .number = cop_read(numbered, message)->number,
                         .forwarded = true);
        }
}

/* A sends to C, then to B, which sends to C: never has C the second without having had the first. */
static void run_triangle(void)
{
        const int64_t count = suite_is_slow() ? 2000 : 20000;
        int64_t direct = 0, forwarded = 0;
        cop_pid forwarder = cop_spawn_with(forwards, parties, .reader = cop_self(), .count = count);
        cop_spawn_with(sends_to_both, parties, .forwarder = forwarder, .reader = cop_self(),
                       .count = count);
        while (forwarded < count) {
                cop_auto message = await(COP_KIND(numbered));
                const numbered *n = cop_read(numbered, message);
                if (n->forwarded)
                        ck_assert_int_eq(n->number, forwarded++);
                else
                        ck_assert_int_eq(n->number, direct++);
                ck_assert_int_le(forwarded, direct);
        }
        nothing_has_come();
}

IN_NODE(MSG_04_what_a_message_caused_comes_after_it)
{
        run_triangle();
}

IN_NODE_WITH(MSG_04_also_with_more_workers_than_cores, .workers = 8)
{
        run_triangle();
}

/* ---- What a send answers ------------------------------------------------------------------ */

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(parties)));
}

IN_NODE(MSG_08_a_send_answers_at_once_and_the_same_to_the_living_and_the_dead)
{
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_send(pid, numbered), COP_OK);
        ck_assert_int_eq(cop_send_term(pid, cop_atom("hello")), COP_OK);
        put_down(pid);
        ck_assert_int_eq(cop_send(pid, numbered), COP_OK);
        ck_assert_int_eq(cop_send_term(pid, cop_atom("hello")), COP_OK);
        ck_assert_int_eq(cop_send("nobody", numbered), COP_E_NO_NAME);
}

/* ---- Nothing late, nothing twice ------------------------------------------------------------ */

typedef struct token {
        int64_t hops, id, check;
} token;
COP_MESSAGE(token, hops, id, check);

typedef struct finish {
        int64_t unused;
} finish;
COP_MESSAGE(finish, unused);

typedef struct tally {
        int64_t handled, sent, sum_in, sum_out;
} tally;
COP_MESSAGE(tally, handled, sent, sum_in, sum_out);

typedef struct player_start {
        cop_pids peers;
        uint64_t seed;
} player_start;
COP_MESSAGE(player_start, peers, seed);

enum { PLAYERS = 16 };

typedef struct player {
        cop_pid peers[PLAYERS];
        uint64_t random;
        tally mine;
        bool finished;
} player;

static void player_on_start(player *self, const player_start *start)
{
        for (size_t i = 0; i < PLAYERS; i++)
                self->peers[i] = start->peers.items[i];
        self->random = start->seed;
}

static void player_on_token(player *self, const token *t)
{
        if (self->finished)
                cop_exit(cop_atom("late"));
        if (t->check != (t->id ^ 0x5a5a5a5a))
                cop_exit(cop_atom("corrupt"));
        self->mine.handled++;
        self->mine.sum_in += t->id;
        if (t->hops == 0)
                return;
        cop_pid to = self->peers[cop__random_below(&self->random, PLAYERS)];
        self->mine.sent++;
        self->mine.sum_out += t->id;
        cop_send(to, token, .hops = t->hops - 1, .id = t->id, .check = t->check);
}

static void player_on_finish(player *self, const finish *f)
{
        (void)f;
        self->finished = true;
        cop_reply_value(COP_KIND_OF(tally), &self->mine);
}

COP_SERVER(player, COP_ON(player_start, player_on_start), COP_ON(token, player_on_token),
           COP_ON(finish, player_on_finish));

static void play(cop_node *node, int64_t tokens, int64_t hops)
{
        cop_pid pids[PLAYERS];
        cop_ref refs[PLAYERS];
        tally all = { 0, tokens, 0, 0 };
        uint64_t seed = cop__clock_ns();
        for (int i = 0; i < PLAYERS; i++) {
                pids[i] = cop_spawn_server(&player_server, NULL);
                refs[i] = watch(pids[i]);
        }
        for (int i = 0; i < PLAYERS; i++)
                cop_send(pids[i], player_start, .peers = { pids, PLAYERS }, .seed = seed + (uint64_t)i);
        for (int64_t i = 0; i < tokens; i++) {
                cop_send(pids[i % PLAYERS], token, .hops = hops, .id = i, .check = i ^ 0x5a5a5a5a);
                all.sum_out += i;
        }
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        for (int i = 0; i < PLAYERS; i++) {
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_call(&reply, pids[i], PATIENCE_MS, finish), COP_OK);
                const tally *one = cop_read(tally, reply);
                all.handled += one->handled;
                all.sent += one->sent;
                all.sum_in += one->sum_in;
                all.sum_out += one->sum_out;
        }
        ck_assert_int_eq(all.handled, tokens * (hops + 1));
        ck_assert_int_eq(all.sent, all.handled);
        ck_assert_int_eq(all.sum_in, all.sum_out);
        for (int i = 0; i < PLAYERS; i++)
                cop_send_exit(pids[i], cop_atom("over"));
        for (int i = 0; i < PLAYERS; i++)
                await_down(refs[i], "over"); /* and not "late" */
}

IN_NODE(MSG_14_nothing_comes_after_the_final_tally_and_all_that_was_sent_is_in_it)
{
        for (int round = 0; round < 10; round++)
                play(node, 200, suite_is_slow() ? 5 : 100);
}

IN_NODE_WITH(MSG_14_also_with_more_workers_than_cores, .workers = 8)
{
        for (int round = 0; round < 5; round++)
                play(node, 200, suite_is_slow() ? 5 : 100);
}

/* ---- Memory that others free ------------------------------------------------------------------ */

typedef struct drained {
        int64_t count;
} drained;
COP_MESSAGE(drained, count);

static void drains(const parties *p)
{
        for (int64_t i = 0; i < p->count; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(numbered)));
        cop_send(cop_parent(), drained, .count = p->count);
}

/* This thread makes the messages, a worker frees them while this thread sleeps: the memory must come round again. */
IN_NODE(MSG_17_memory_that_another_thread_frees_comes_back_to_who_made_it)
{
        const int64_t batch = 20000;
        const int rounds = suite_is_slow() ? 5 : COP__TINY ? 20 : 100;
        size_t after_three = 0;
        for (int round = 0; round < rounds; round++) {
                cop_pid pid = cop_spawn_with(drains, parties, .count = batch);
                for (int64_t i = 0; i < batch; i++)
                        cop_send(pid, numbered, .number = i);
                await_and_drop(COP_KIND(drained));
                if (round == 2)
                        after_three = resident_bytes();
        }
        if (!suite_is_watched()) /* 100 batches are 128 MiB; the sanitizers keep what is freed for a while */
                ck_assert_uint_le(resident_bytes(), after_three + (16u << 20));
}
