/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The way to a node that does not read what it is sent fills: whoever goes on is slowed, whatever it is that it sends. */
#include "tests/visited.h"

#include <sched.h>

#include "base/clock.h"

typedef struct { int64_t number; } job;
COP_MESSAGE(job, number);

typedef struct { uint64_t ns; } took;
COP_MESSAGE(took, ns);

/* Signals that wait, from which on each that is sent costs a pause. */
#define FAR (16 * 1024)
#define PAUSES 8

#define MUCH ((size_t)60 << 20)
/* A node of this kind takes no message of that size. */
#define STALLED(claim) VISITED_WITH(claim, OF_ERLANG | COP__CAN_PUBLISHED, .memory_limit = 0)

static uint32_t waiting(void)
{
        struct cop__peer *peer = cop__network_here()->peers[0];
        cop__lock_lock(&peer->lock);
        uint32_t count = peer->outbox.count;
        cop__lock_unlock(&peer->lock);
        return count;
}

/*
 * One that is larger than all that the sockets hold, so that nothing behind it ever leaves; and the next, which the connection has in hand
 * from then on. What is sent behind that waits where it is.
 */
static void fills_the_way(void)
{
        char *much = calloc(1, MUCH);
        ck_assert_ptr_nonnull(much);
        cop_send(theirs(7), cop_any, .term = cop_binary(much, MUCH));
        cop_send(theirs(7), job, .number = 0);
        free(much);
        while (waiting() > 0)
                cop_yield();
        while (waiting() <= FAR + PAUSES)
                cop_send(theirs(7), job, .number = 1);
}

static void fill_the_way(void)
{
        await_down(spawn_watched(.run = fills_the_way), "normal");
}

static void has_paused(void)
{
        cop_auto message = await(COP_KIND(took));
        ck_assert_uint_ge(cop_read(took, message)->ns, PAUSES * (uint64_t)COP__PAUSE_NS);
}

static void pours_exits(void)
{
        uint64_t before_ns = cop__clock_ns();
        for (int i = 0; i < PAUSES; i++)
                cop_send_exit(theirs(7), cop_atom("enough"));
        cop_send("witness", took, .ns = cop__clock_ns() - before_ns);
}

STALLED(who_pours_exit_signals_to_a_node_that_does_not_read_is_held_back)
{
        fill_the_way();
        await_down(spawn_watched(.run = pours_exits), "normal");
        has_paused();
}

/* ---- Answers -------------------------------------------------------------------------------------- */

static void answers(void)
{
        uint64_t ns = 0;
        for (int i = 0; i < PAUSES; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(job));
                uint64_t before_ns = cop__clock_ns();
                cop_answer(message, job, .number = i);
                ns += cop__clock_ns() - before_ns;
        }
        cop_send("witness", took, .ns = ns);
}

typedef struct { int64_t answered; uint64_t ns; } desk;

static void desk_on_job(desk *self, const job *j)
{
        uint64_t before_ns = cop__clock_ns();
        cop_reply(job, .number = j->number);
        self->ns += cop__clock_ns() - before_ns;
        if (++self->answered == PAUSES)
                cop_send("witness", took, .ns = self->ns);
}

/* It needs room for what it is asked for again and again. */
static void desk_on_any(desk *self, const cop_any *any)
{
        static const char much[1000];
        (void)self;
        (void)any;
        cop_reply(cop_any, .term = cop_binary(much, sizeof(much)));
}

COP_SERVER(desk, COP_ON(job, desk_on_job), COP_ON(cop_any, desk_on_any));

static void says_requests(int fd, const char *name, uint32_t first)
{
        for (uint32_t i = 0; i < PAUSES; i++)
                says_request(fd, name, first + i, true, i);
}

STALLED(who_answers_a_node_that_does_not_read_is_held_back)
{
        cop_spawn_server(&desk_server, "desk");
        cop_pid pid = cop_spawn(answers);
        ck_assert_int_eq(cop_register("clerk", pid), COP_OK);
        fill_the_way();
        says_requests(fd, "desk", 0);
        has_paused();
        says_requests(fd, "clerk", PAUSES);
        has_paused();
}

/* A thousand messages to that name, each with its number; false: it has been hung up on. */
static bool says_much(int fd, const char *to, void (*put)(struct cop__pen *pen, uint32_t number), uint32_t first)
{
        struct cop__tray all = { 0 };
        struct cop__pen pen = { .tray = &all };
        for (uint32_t i = 0; i < 1000; i++) {
                struct cop__tray tray;
                struct cop__pen one;
                put_to(&one, &tray, to, strlen(to));
                cop__pen_version(&one);
                put(&one, first + i);
                cop__pen_word(&pen, 4, tray.end);
                cop__pen_bytes(&pen, tray.data, tray.end);
                cop__tray_free(&tray);
        }
        bool said = send(fd, all.data, all.end, MSG_NOSIGNAL) == (ssize_t)all.end;
        cop__tray_free(&all);
        return said;
}

static void is_hung_up_on(int fd, const char *to, void (*put)(struct cop__pen *pen, uint32_t number))
{
        uint32_t asked = 0;
        while (asked < 1000000 && says_much(fd, to, put, asked))
                asked += 1000;
        ck_assert_msg(asked < 1000000, "it is answered without an end");
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert(cop_is_atom(cop_read(cop_node_down, down)->reason, "too_slow"));
}

static void put_request_for_much(struct cop__pen *pen, uint32_t number)
{
        cop__pen_tuple(pen, 3);
        cop__pen_atom(pen, "$gen_call", 9);
        cop__pen_tuple(pen, 2);
        stranger_pid(pen, THEM, 7);
        put_ref(pen, number);
        cop__pen_term(pen, cop_atom("much"));
}

VISITED(who_calls_and_does_not_read_what_actors_answer_is_hung_up_on)
{
        cop_spawn_server(&desk_server, "desk");
        is_hung_up_on(fd, "desk", put_request_for_much);
}

/* net_kernel answers it by a message. */
static void put_print(struct cop__pen *pen, uint32_t number)
{
        cop__pen_tuple(pen, 4);
        cop__pen_atom(pen, "io_request", 10);
        stranger_pid(pen, THEM, 7);
        cop__pen_integer(pen, number);
        cop__pen_atom(pen, "getopts", 7);
}

VISITED(who_prints_here_and_does_not_read_that_it_is_done_is_hung_up_on)
{
        is_hung_up_on(fd, "net_kernel", put_print);
}

/* ---- The end of the way ------------------------------------------------------------------------------ */

/* What is refused last of all, behind much that is. */
STALLED(a_connection_that_is_killed_as_it_ends_tells_all_the_same)
{
        cop_pid connection;
        fill_the_way();
        cop_ref ref = watch(theirs(9));
        ck_assert_int_eq(cop__peer_look(cop__network_here()->peers[0], &connection), COP__PEER_UP);
        shutdown(fd, SHUT_RDWR);
        while (cop__peer_look(cop__network_here()->peers[0], &connection) == COP__PEER_UP)
                sched_yield();
        cop_send_exit(connection, cop_atom("kill"));
        await_down(ref, "noconnection");
}
