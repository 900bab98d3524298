/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Net_kernels that begin beside each other, and one after the other. */
#define _GNU_SOURCE
#include "tests/listener.h"
#include "tests/stranger.h"

#include "distribution/line.h"
#include "distribution/peer.h"

#define EPMD_SAYS_YES "v\0\0\0\0\1"

/* One that waits for what is to be its epmd. */
struct waiting {
        int ear, asked;
        cop_ref end;
};

static void begin_waiting(struct waiting *waiting, const char *name, const char *cookie)
{
        uint16_t port;
        uint8_t alive[512];
        cop_pid pid;
        waiting->ear = listener(&port);
        const cop_distribution options = { .name = cop_text_of(name), .cookie = cop_text_of(cookie), .epmd_port = port };
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &cop_distribution_server, .name = name, .monitor = true,
                                                             .monitor_ref = &waiting->end, .kind = COP_KIND_OF(cop_distribution),
                                                             .argument = &options },
                                       &pid), COP_OK);
        waiting->asked = next_caller(waiting->ear);
        ck_assert_uint_gt(stranger_hears(waiting->asked, alive), 0);
}

static void end_waiting(struct waiting *waiting)
{
        close(waiting->asked);
        close(waiting->ear);
}

TEST(of_two_net_kernels_that_wait_for_epmd_the_one_that_begins_has_its_own_name_and_cookie)
{
        NEEDS_THREADS();
        uint16_t port;
        struct waiting first, second;
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        begin_waiting(&first, "first@127.0.0.1", "one");
        begin_waiting(&second, "second@127.0.0.1", "two");
        stranger_sends(first.asked, EPMD_SAYS_YES, 6);
        await_true(cop_node_here_name()[0] != '\0');
        ck_assert_str_eq(cop_node_here_name(), "first@127.0.0.1");
        ck_assert_int_eq(cop_distribution_port(&port), COP_OK);
        int fd = stranger_socket(port);
        ck_assert(stranger_shakes_hands(fd, "guest@127.0.0.1", "one"));
        stranger_sends(second.asked, EPMD_SAYS_YES, 6);
        await_and_drop(COP_REF(cop_down, second.end));
        ck_assert_str_eq(cop_node_here_name(), "first@127.0.0.1");
        close(fd);
        node_end(node);
        end_waiting(&first);
        end_waiting(&second);
}

/* It would shake hands in the name of the next one, or in half of each. */
TEST(who_called_a_net_kernel_that_is_no_more_is_hung_up_on_before_the_next_begins)
{
        NEEDS_THREADS();
        uint16_t port;
        uint8_t packet[512];
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        ck_assert_int_eq(distribute_with("m@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        int fd = stranger_socket(port);
        stranger_introduces(fd, "guest@127.0.0.1", COP__CAN_ALL);
        ck_assert_uint_eq(stranger_hears(fd, packet), 3); /* it is heard */
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("n@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
                ;
        ck_assert_msg(recv(fd, packet, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN, "it is still heard");
        close(fd);
        node_end(node);
}

static uint32_t life_of_before(const char *name, uint32_t creation)
{
        return cop__network_mention(cop__network_here(), name, strlen(name), creation);
}

static const char *name_of_life(uint32_t life)
{
        return cop_node_of(cop__pid_of(life, 5, 1));
}

/* Its lives are told apart by the name, too, and keep it whatever it is called later. */
TEST(an_earlier_life_of_a_node_bears_the_name_that_the_node_had_then)
{
        NEEDS_THREADS();
        uint16_t port;
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        ck_assert_int_eq(distribute_with("m@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        uint32_t m = life_of_before("m@127.0.0.1", 7);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("n@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        uint32_t n = life_of_before("n@127.0.0.1", 7);
        ck_assert(m != 0 && n != 0 && m != n);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("m@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_uint_eq(life_of_before("m@127.0.0.1", 7), m);
        ck_assert_str_eq(name_of_life(m), "m@127.0.0.1");
        ck_assert_str_eq(name_of_life(n), "n@127.0.0.1");
        node_end(node);
}

#define NODES 100
#define CALLERS 5

/* Some of the actors that are to talk with them are killed before their first turn. */
TEST_WITHIN(who_calls_a_node_that_ends_leaves_no_descriptor_there, 60)
{
        NEEDS_THREADS();
        for (int i = 0; i < NODES; i++) {
                uint16_t port;
                int callers[CALLERS];
                cop_node *node = node_begin((cop_node_options){ .name = "a" });
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
                for (int k = 0; k < CALLERS; k++)
                        callers[k] = stranger_socket(port);
                node_end(node);
                for (int k = 0; k < CALLERS; k++)
                        close(callers[k]);
        }
}
