/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Calls of the system fail at each place in turn, where a node begins to listen, connects, talks and ends. It does not begin, or is not
 * connected, or goes on; nothing is left behind, and afterwards it works.
 */
#define _GNU_SOURCE
#include "tests/refused_calls.h"
#include "tests/clerk.h"

#include "distribution/line.h"
#include "tests/pair.h"

COP_SERVER(clerk, COP_ON(job, clerk_on_job));

static const struct refusal {
        const char *call;
        int error;
        int64_t most; /* places; 0: each. Of what is called as often as something is said, the first ones show it all */
} refusals[] = {
        { "accept4", EINTR, 0 },        { "accept4", ECONNABORTED, 0 }, { "bind", EADDRINUSE, 0 },    { "connect", ECONNREFUSED, 0 },
        { "epoll_ctl", ENOMEM, 20 },    { "getpeername", ENOTCONN, 0 }, { "getrandom", ENOSYS, 0 },   { "getsockname", ENOBUFS, 0 },
        { "getsockopt", ENOBUFS, 0 },   { "listen", EADDRINUSE, 0 },    { "pthread_create", EAGAIN, 0 }, { "recv", ECONNRESET, 20 },
        { "recv", EINTR, 20 },          { "send", EAGAIN, 20 },         { "send", EINTR, 20 },        { "send", EPIPE, 20 },
        { "socket", EMFILE, 0 },
};

/* From the beginning to the end. False: something could not be done. */
static bool talks(void)
{
        uint16_t port = 0;
        cop_distribution options = { .name = COP_TEXT("a@127.0.0.1"), .cookie = COP_TEXT(COOKIE), .no_epmd = true };
        if (cop_distribution_start(&options) != COP_OK)
                return false;
        ck_assert_int_eq(cop_distribution_port(&port), COP_OK);
        ck_assert_int_gt(port, 0);
        bool is_well = cop_connect("b@127.0.0.1", PATIENCE_MS) == COP_OK;
        is_well = cop_call(NULL, cop_at("clerk", "b@127.0.0.1"), PATIENCE_MS, job, .number = 1) == COP_OK && is_well;
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        return is_well;
}

static void refuse_at_each_place(const struct refusal *refusal)
{
        bool has_refused = true;
        for (int64_t n = 1; has_refused && (refusal->most == 0 || n <= refusal->most); n++) {
                ck_assert_int_lt(n, 1000);
                refuse_call(refusal->call, refusal->error, n);
                bool is_well = talks();
                has_refused = stop_refusing_calls();
                ck_assert_msg(is_well || has_refused, "without a refusal of %s it does not work", refusal->call);
                ck_assert_msg(talks(), "when call %lld of %s has said %s the next talk does not work", (long long)n, refusal->call,
                              strerror(refusal->error));
        }
        ck_assert_msg(!has_refused || refusal->most > 0, "%s", refusal->call);
}

TEST_WITHIN(a_node_to_which_a_call_is_refused_does_not_listen_or_is_not_connected_or_goes_on, 120)
{
        struct pair pair;
        NEEDS_THREADS();
        if (!calls_can_be_refused())
                return;
        pair_begin(&pair, (cop_distribution){ .port = 0 });
        visit(pair.b);
        cop_spawn_server(&clerk_server, "clerk");
        visit(pair.a);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert(talks());
        for (size_t i = 0; i < COP__COUNT(refusals); i++)
                refuse_at_each_place(&refusals[i]);
        pair_end(&pair);
}

/* What hides the numbers of references is drawn in another way; without a number for its life a node does not begin. */
TEST(a_node_to_which_numbers_by_chance_are_refused_as_it_begins_begins_or_says_so)
{
        bool has_refused = true;
        struct pair pair;
        NEEDS_THREADS();
        if (!calls_can_be_refused())
                return;
        for (int64_t n = 1; has_refused; n++) {
                pair.b = node_begin((cop_node_options){ .name = "b" });
                refuse_call("getrandom", ENOSYS, n);
                cop_status status = distribute_with("b@127.0.0.1", (cop_distribution){ .port = 0 }, &pair.port_b);
                has_refused = stop_refusing_calls();
                ck_assert_int_eq(status, n == 2 ? COP_E_SYSTEM : COP_OK);
                if (n == 2)
                        ck_assert_int_eq(distribute_with("b@127.0.0.1", (cop_distribution){ .port = 0 }, &pair.port_b), COP_OK);
                ck_assert_uint_ne(cop__network_here()->ref_key, 0);
                cop_spawn_server(&clerk_server, "clerk");
                cop_node_leave();
                pair.a = node_begin((cop_node_options){ .name = "a" });
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &pair.port_a), COP_OK);
                ck_assert_int_eq(cop_node_is_at("b@127.0.0.1", NULL, pair.port_b), COP_OK);
                ck_assert_int_eq(cop_call(NULL, cop_at("clerk", "b@127.0.0.1"), PATIENCE_MS, job, .number = 1), COP_OK);
                pair_end(&pair);
        }
}
