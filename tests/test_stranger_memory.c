/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails at each place in turn, of a node that a stranger talks with. Who asks with a monitor, as Erlang's do, gets an answer,
 * is told that there is none, or is hung up on, and never waits in vain; the next talk is as if nothing had been.
 *
 *      for n = 1, 2, 3 ...       from the stranger's call on the n-th request of the node fails: alone, or with a few behind it
 */
#include "tests/stranger_talk.h"
#include "tests/clerk.h"

#include "tests/bare_pools.h"

COP_SERVER(clerk, COP_ON(job, clerk_on_job));

/* Linked to them, and ends. */
static void links_and_ends(void)
{
        cop_link(theirs(8));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(job)));
        cop_exit(COP_TUPLE(cop_atom("ended"), cop_string("with some words")));
}

static uint16_t port;

/* An answer under the reference, or the end of the monitor. */
static bool hears_of(int fd, const char *reply)
{
        cop_term said, message;
        while (stranger_hears_frame(fd, &said, &message)) {
                bool is_answer = false, is_down = false;
                if (said.type == COP_TERM_TUPLE) {
                        is_answer = said.as.items[0].as.integer == COP__CONTROL_ALIAS_SEND &&
                                    strcmp(text_of(message.as.items[1]), reply) == 0;
                        is_down = said.as.items[0].as.integer == COP__CONTROL_DOWN;
                }
                cop_term_free(said);
                cop_term_free(message);
                if (is_answer || is_down)
                        return is_answer;
        }
        return false;
}

/* They answer what they hear, if it is a call. */
static void answers_next(int fd)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_term said, message;
        if (!stranger_hears_frame(fd, &said, &message))
                return;
        if (cop_is_tuple(message, "$gen_call", 3)) {
                stranger_begins(&pen, &tray, COP__CONTROL_SEND_SENDER, 3);
                stranger_pid(&pen, THEM, 7);
                cop__pen_pid(&pen, cop_self());
                cop__pen_version(&pen);
                cop__pen_term(&pen, COP_TUPLE(message.as.items[1].as.items[1], COP_TUPLE(cop_atom("job"), cop_int(2))));
                stranger_ends(fd, &pen);
        }
        cop_term_free(said);
        cop_term_free(message);
}

/* The node asks. If it cannot say so, they hear nothing, and the asker does. */
static bool is_asked(int fd)
{
        cop_request request;
        cop_auto reply = NULL;
        cop_status status = cop_request_send(&request, theirs(7), job, .number = 1);
        if (status != COP_OK)
                return false;
        while ((status = cop_request_poll(request, &reply)) == COP_E_TIMEOUT) {
                struct pollfd news = { .fd = fd, .events = POLLIN };
                if (poll(&news, 1, 1) == 1)
                        answers_next(fd);
        }
        return status == COP_OK;
}

/* A pid that needs a place of its own: one that was never heard of. */
static void says_large_pid(int fd)
{
        static uint32_t last = UINT32_MAX;
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness", 7);
        cop__pen_version(&pen);
        cop__pen_byte(&pen, 88);
        cop__pen_atom(&pen, THEM, strlen(THEM));
        cop__pen_word(&pen, 4, last--);
        cop__pen_word(&pen, 4, UINT32_MAX);
        cop__pen_word(&pen, 4, 12345);
        stranger_ends(fd, &pen);
}

static cop_alias alias;

static void says_through_alias(int fd)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_ref(&pen, alias.ref);
        cop__pen_pid(&pen, cop_self());
        put_job(&pen, 6);
        stranger_ends(fd, &pen);
}

static void says_all(int fd, cop_pid server)
{
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_monitor(fd, COP__CONTROL_MONITOR, cop_self(), 1);
        says_job(fd, "witness", 5);
        says_large_pid(fd);
        says_through_alias(fd);
        says_pair(fd, COP__CONTROL_EXIT2, COP_TUPLE(cop_atom("by_hand"), cop_int(1)));
        says_pair(fd, COP__CONTROL_EXIT, COP_TUPLE(cop_atom("gone"), cop_int(1)));
        says_monitor(fd, COP__CONTROL_DEMONITOR, cop_self(), 1);
        says_watched_request(fd, server, server, 2, 7);
}

static bool has_come(cop_pattern pattern)
{
        cop_auto message = cop_receive(0, pattern);
        return message != NULL;
}

/* Of what they have said before a call that was answered nothing is missing. */
static void all_has_come(void)
{
        ck_assert(has_come(COP_FIELD(job, number, 5)));
        cop_auto message = cop_receive(0, COP_KIND(cop_any));
        ck_assert_ptr_nonnull(message);
        ck_assert_int_eq(cop_read(cop_any, message)->term.type, COP_TERM_PID);
        ck_assert(has_come(COP_FIELD(job, number, 6)));
}

/* One that is linked to them ends. */
static void ends_somebody(int fd)
{
        cop_pid pid = cop_spawn(links_and_ends);
        if (pid.bits == 0)
                return;
        cop_ref ref = watch(pid);
        says_monitor(fd, COP__CONTROL_MONITOR, pid, 3);
        cop_send(pid, job, .number = 1);
        await_and_drop(COP_REF(cop_down, ref));
}

/* True: all of it went well. */
static bool talks(void)
{
        int fd = stranger_socket(port);
        bool well = stranger_shakes_hands_as(fd, THEM, COOKIE, OF_ERLANG);
        if (well) {
                says_all(fd, cop_whereis("clerk"));
                well = hears_of(fd, "{job, 8}");
        }
        if (well) {
                all_has_come();
                well = is_asked(fd);
                ends_somebody(fd);
        }
        shutdown(fd, SHUT_WR);
        while (recv(fd, &(char){ 0 }, 1, 0) > 0)
                ;
        close(fd);
        await_true(cop_disconnect(THEM) == COP_E_NOT_FOUND);
        cop_message *message;
        while ((message = cop_receive(0, COP_ANY)) != NULL)
                cop_message_free(message);
        return well;
}

static void tries(cop_node *node, uint32_t failures)
{
        bool has_failed = true;
        for (int64_t n = 1; has_failed; n++) {
                ck_assert_int_lt(n, 2000);
                int64_t before = blocks_in_use(node);
                fail_malloc_for(n, failures);
                bool well = talks();
                has_failed = stop_failing_malloc();
                ck_assert_msg(well || has_failed, "nothing was refused, and it did not go well");
                ck_assert_msg(talks(), "after request %lld the next talk does not go well", (long long)n);
                await_true(blocks_in_use(node) <= before);
        }
}

TEST_WITHIN(a_node_that_lacks_memory_answers_refuses_or_hangs_up_and_goes_on, 120)
{
        NEEDS_THREADS();
        if (!failing_malloc_can())
                return;
        stranger_may_be_hung_up_on = true;
        malloc_spares_me = true;
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        cop_spawn_server(&clerk_server, "clerk");
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        cop_trap_exit(true);
        ck_assert(talks()); /* what is kept for good is there now */
        tries(node, 1);
        tries(node, 5);
        ck_assert(cop_alias_close(alias));
        node_end(node);
}
