/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Two nodes: what runs between them means what it means within one. */
#include "tests/stranger.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "distribution/peer.h"

typedef struct { int64_t number; cop_pid from; cop_text text; } parcel;
COP_MESSAGE(parcel, number, from, text);

typedef struct { int64_t unused; } stop;
COP_MESSAGE(stop, unused);

/* Sends back what it gets, to whoever is named in it; answers calls with what they ask; ends as it is told. */
static void echo_on_parcel(int64_t *self, const parcel *p)
{
        (void)self;
        if (p->from.bits != 0)
                cop_send(p->from, parcel, .number = p->number + 1, .from = cop_self(), .text = p->text);
        else
                cop_reply(parcel, .number = p->number + 1, .text = p->text);
}

typedef struct { int64_t unused; } echo;

static void echo_parcel(echo *self, const parcel *p)
{
        echo_on_parcel(&self->unused, p);
}

static void echo_any(echo *self, const cop_any *any)
{
        (void)self;
        if (cop_is_atom(any->term, "crash"))
                cop_exit(cop_atom("crashed"));
        if (cop_is_atom(any->term, "silent"))
                return;
        cop_reply(cop_any, .term = any->term);
}

COP_SERVER(echo, COP_ON(parcel, echo_parcel), COP_ON(cop_any, echo_any));

static cop_pid grow_echo(struct pair *pair)
{
        visit(pair->b);
        cop_spawn_server(&echo_server, "echo");
        visit(pair->a);
        return there("echo");
}

PAIR(a_message_reaches_a_name_on_the_other_node_and_its_answer_comes_back)
{
        grow_echo(pair);
        ck_assert_int_eq(cop_send(cop_at("echo", "b@127.0.0.1"), parcel, .number = 41, .from = cop_self(),
                                  .text = COP_TEXT("häus")),
                         COP_OK);
        cop_auto answer = await(COP_KIND(parcel));
        const parcel *p = cop_read(parcel, answer);
        ck_assert_int_eq(p->number, 42);
        ck_assert(cop_text_equal(p->text, "häus"));
        ck_assert_str_eq(cop_node_of(p->from), "b@127.0.0.1");
        ck_assert(cop_pid_equal(cop_message_from(answer), p->from));
}

PAIR(a_call_is_answered)
{
        cop_pid pid = grow_echo(pair);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, parcel, .number = 1, .text = COP_TEXT("x")), COP_OK);
        ck_assert_int_eq(cop_read(parcel, reply)->number, 2);
        ck_assert(cop_pid_equal(cop_message_from(reply), pid));
}

/* ---- Nodes that are there, and that are not ---------------------------------------------- */

PAIR(nodes_are_up_and_down_and_subscribers_hear_of_it)
{
        cop_term nodes;
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        cop_auto up = await(COP_KIND(cop_node_up));
        ck_assert(cop_symbol_equal(cop_read(cop_node_up, up)->node, "b@127.0.0.1"));
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "['b@127.0.0.1']");
        cop_term_free(nodes);
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_OK);
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert(cop_symbol_equal(cop_read(cop_node_down, down)->node, "b@127.0.0.1"));
        ck_assert_str_eq(text_of(cop_read(cop_node_down, down)->reason), "disconnected");
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "[]");
        cop_nodes_unsubscribe();
        nothing_has_come();
}

/* DST-01: exactly one of each. */
PAIR(DST_01_a_node_that_stops_ends_links_and_monitors_with_noconnection)
{
        cop_pid pid = grow_echo(pair);
        cop_trap_exit(true);
        cop_ref ref = watch(pid), named;
        ck_assert_int_eq(cop_link(pid), COP_OK);
        ck_assert_int_eq(cop_monitor(cop_at("echo", "b@127.0.0.1"), &named), COP_OK);
        ck_assert(cop_pid_equal(there("echo"), pid)); /* all of it has got there */
        cop_node_stop(pair->b);
        pair->b = NULL;
        await_down(ref, "noconnection");
        await_down(named, "noconnection");
        await_exited(pid, "noconnection");
        ck_assert_int_eq(cop_send(pid, parcel, .number = 1), COP_OK);
        await_down(watch(pid), "noconnection"); /* what would have come twice has come before it */
        nothing_has_come();
}

PAIR(DST_02_what_leads_to_a_node_that_cannot_be_reached_ends_with_noconnection)
{
        cop_ref ref;
        cop_pid pid = grow_echo(pair);
        cop_trap_exit(true);
        ck_assert_int_eq(cop_monitor(cop_at("clerk", "nobody@127.0.0.1"), &ref), COP_OK);
        await_down(ref, "noconnection");
        cop_node_stop(pair->b);
        pair->b = NULL;
        await_true(cop_disconnect("b@127.0.0.1") == COP_E_NOT_FOUND);
        await_down(watch(pid), "noconnection");
        ck_assert_int_eq(cop_link(pid), COP_OK);
        await_exited(pid, "noconnection");
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_E_NO_CONNECTION);
        nothing_has_come();
}

PAIR(DST_03_a_call_says_whether_the_name_or_the_node_is_missing)
{
        cop_auto reply = NULL;
        grow_echo(pair);
        ck_assert_int_eq(cop_call(&reply, cop_at("nobody", "b@127.0.0.1"), PATIENCE_MS, parcel, .number = 1), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_call(&reply, cop_at("echo", "nobody@127.0.0.1"), PATIENCE_MS, parcel, .number = 1), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{nodedown, 'nobody@127.0.0.1'}");
        ck_assert_int_eq(cop_send(cop_at("", "b@127.0.0.1"), parcel, .number = 1), COP_E_NO_NAME);
        ck_assert_int_eq(cop_send(cop_at("echo", "b"), parcel, .number = 1), COP_E_NO_NAME);
}

PAIR(MON_05_the_down_of_a_name_on_another_node_says_which_node)
{
        static const char *const names[] = { "echo", "nobody" };
        grow_echo(pair);
        for (size_t i = 0; i < COP__COUNT(names); i++) {
                cop_ref ref;
                ck_assert_int_eq(cop_monitor(cop_at(names[i], "b@127.0.0.1"), &ref), COP_OK);
                if (i == 0)
                        cop_send_term(cop_at("echo", "b@127.0.0.1"), cop_atom("crash"));
                cop_auto message = await(COP_REF(cop_down, ref));
                const cop_down *down = cop_read(cop_down, message);
                ck_assert(cop_is_atom(down->reason, i == 0 ? "crashed" : "noproc"));
                ck_assert(cop_symbol_equal(down->name, ""));
                ck_assert_str_eq(cop_node_of(down->pid), "b@127.0.0.1");
        }
}

PAIR(GSV_call_23_a_call_to_several_nodes_says_of_each_what_it_answered_or_why_not)
{
        grow_echo(pair);
        cop_spawn_server(&echo_server, "echo");
        const cop_address to[] = { cop_to_name("echo"), cop_at("echo", "b@127.0.0.1"), cop_at("echo", "nobody@127.0.0.1"),
                                   cop_at("none", "b@127.0.0.1") };
        cop_response responses[COP__COUNT(to)];
        ck_assert_uint_eq(cop_multi_call(responses, to, COP__COUNT(to), PATIENCE_MS, parcel, .number = 7), 2);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(responses[i].label, i);
                ck_assert_int_eq(cop_read(parcel, responses[i].message)->number, 8);
                cop_message_free(responses[i].message);
        }
        for (int i = 2; i < 4; i++)
                ck_assert_ptr_null(responses[i].message);
        ck_assert_int_eq(responses[2].status, COP_E_DIED);
        ck_assert_int_eq(responses[3].status, COP_E_NO_ACTOR);
}

/* Somebody listens there and never speaks. Whoever waited for an answer would find the attempt given up, and its connection closed. */
PAIR(GSV_call_26_a_cast_to_a_node_that_does_not_answer_does_not_wait)
{
        uint16_t port;
        struct cop__network *network = cop__network_here();
        const struct cop__transport *transport = network->transport;
        int connection, silent = transport->listen(network, "127.0.0.1", 0, &port);
        ck_assert_int_ge(silent, 0);
        ck_assert_int_eq(cop_node_is_at("silent@127.0.0.1", NULL, port), COP_OK);
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(cop_send(cop_at("echo", "silent@127.0.0.1"), parcel, .number = i), COP_OK);
        char said[256];
        await_true((connection = transport->accept(network, silent)) >= 0);
        await_true(transport->receive(network, connection, said, sizeof(said)) > 0);
        while (transport->receive(network, connection, said, sizeof(said)) > 0)
                ;
        ck_assert_int_eq(transport->receive(network, connection, said, sizeof(said)), -1);
        ck_assert_int_eq(errno, EAGAIN);
        transport->close(network, connection);
        transport->close(network, silent);
}

/* ---- Order -------------------------------------------------------------------------------- */

typedef struct { int64_t next; } counter;

static void counter_on_parcel(counter *self, const parcel *p)
{
        if (p->number != self->next)
                cop_exit(COP_TUPLE(cop_atom("out_of_order"), cop_int(self->next), cop_int(p->number)));
        self->next++;
        if (p->from.bits != 0)
                cop_send(p->from, parcel, .number = self->next);
}

static void counter_on_any(counter *self, const cop_any *any)
{
        (void)self;
        (void)any;
        cop_reply(cop_any, .term = cop_int(self->next));
}

COP_SERVER(counter, COP_ON(parcel, counter_on_parcel), COP_ON(cop_any, counter_on_any));

PAIR(DST_04_messages_arrive_in_the_order_in_which_they_were_sent)
{
        const int64_t many = 20000;
        visit(pair->b);
        cop_spawn_server(&counter_server, "counter");
        visit(pair->a);
        cop_pid pid = there("counter");
        cop_ref ref = watch(pid);
        for (int64_t i = 0; i < many; i++)
                ck_assert_int_eq(cop_send(pid, parcel, .number = i, .from = i + 1 == many ? cop_self() : cop_no_pid(),
                                          .text = COP_TEXT("some words, so that the sockets fill")), COP_OK);
        cop_auto all = await(COP_KIND(parcel));
        ck_assert_int_eq(cop_read(parcel, all)->number, many);
        ck_assert(cop_demonitor(ref));
        nothing_has_come();
}

/* Whose ticks are so far apart that each standstill would be noticed. */
PAIR(what_is_sent_while_the_socket_empties_does_not_wait_for_a_tick)
{
        const int64_t many = 3000;
        static char words[4096];
        memset(words, 'x', sizeof(words) - 1);
        visit(pair->b);
        cop_spawn_server(&counter_server, "counter");
        visit(pair->a);
        cop_pid pid = there("counter");
        for (int64_t i = 0; i < many; i++)
                ck_assert_int_eq(cop_send(pid, parcel, .number = i, .from = i % 100 == 99 ? cop_self() : cop_no_pid(),
                                          .text = cop_text_of(words)), COP_OK);
        for (int64_t i = 99; i < many; i += 100) {
                cop_auto some = await(COP_KIND(parcel));
                ck_assert_int_eq(cop_read(parcel, some)->number, i + 1);
        }
}

/* ---- Exits ------------------------------------------------------------------------------------ */

static void traps(void)
{
        cop_trap_exit(true);
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const cop_exited *exited = cop_read(cop_exited, message);
                if (exited != NULL)
                        cop_send("witness", cop_exited, .pid = exited->pid, .reason = exited->reason);
                else if (cop_read(cop_any, message) != NULL)
                        cop_answer(message, cop_any, .term = cop_atom("here"));
        }
}

static void sleeps_and_answers(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_any));
                cop_answer(message, cop_any, .term = cop_atom("here"));
        }
}

static cop_pid grow(struct pair *pair, void (*run)(void), const char *name)
{
        cop_pid pid;
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = run, .name = name }, &pid), COP_OK);
        visit(pair->a);
        return there(name);
}

PAIR(DST_06_kill_is_killed_and_the_reason_kill_is_a_reason_across_nodes)
{
        cop_pid one = grow(pair, sleeps_and_answers, "one"), two = grow(pair, traps, "two");
        cop_ref ref = watch(one), other = watch(two);
        ck_assert_int_eq(cop_send_exit(one, cop_atom("kill")), COP_OK);
        await_down(ref, "killed");
        ck_assert_int_eq(cop_send_exit(two, cop_atom("kill")), COP_OK); /* traps exits, in vain */
        await_down(other, "killed");
}

static cop_pid three_there;

static void links_and_ends(void)
{
        cop_link(three_there);
        cop_exit(cop_atom("kill"));
}

/* DST-06: along a link it is a reason like any other. */
PAIR(an_exit_along_a_link_ends_the_other_side_with_its_reason)
{
        three_there = grow(pair, sleeps_and_answers, "three");
        cop_ref ref = watch(three_there);
        cop_spawn(links_and_ends);
        await_down(ref, "kill");
}

/* Says in which order it has had parcels and exit signals, when a parcel asks for that. */
static void keeps_the_order(void)
{
        char order[64] = "";
        cop_trap_exit(true);
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const parcel *p = cop_read(parcel, message);
                size_t length = strlen(order);
                if (cop_read(cop_exited, message) != NULL) {
                        snprintf(order + length, sizeof(order) - length, "exit ");
                } else if (p != NULL && p->from.bits == 0) {
                        snprintf(order + length, sizeof(order) - length, "%lld ", (long long)p->number);
                } else if (p != NULL) {
                        cop_send(p->from, parcel, .text = cop_text_of(order));
                        order[0] = '\0';
                } else {
                        cop_answer(message, cop_any, .term = cop_atom("here"));
                }
        }
}

PAIR(DST_07_an_exit_signal_and_messages_come_in_the_order_in_which_they_were_sent_across_nodes)
{
        cop_pid pid = grow(pair, keeps_the_order, "keeper");
        for (int round = 0; round < 100; round++) {
                cop_send(pid, parcel, .number = 0);
                cop_send(pid, parcel, .number = 1);
                ck_assert_int_eq(cop_send_exit(pid, cop_atom("enough")), COP_OK);
                cop_send(pid, parcel, .number = 2);
                cop_send(pid, parcel, .from = cop_self());
                cop_auto order = await(COP_KIND(parcel));
                ck_assert(cop_text_equal(cop_read(parcel, order)->text, "0 1 exit 2 "));
        }
        put_down(pid);
}

PAIR(DST_07_no_message_overtakes_the_exit_signal_that_ends_its_receiver_across_nodes)
{
        visit(pair->b);
        cop_spawn_server(&counter_server, "counter");
        visit(pair->a);
        cop_pid pid = there("counter");
        cop_ref ref = watch(pid);
        cop_send(pid, parcel, .number = 0);
        cop_send(pid, parcel, .number = 1, .from = cop_self());
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("enough")), COP_OK);
        cop_send(pid, parcel, .number = 7); /* would end it with another reason */
        await_down(ref, "enough");
        cop_message_free(cop_receive(0, COP_KIND(parcel)));
        nothing_has_come();
}

/* ---- Aliases, monitors, links --------------------------------------------------------------------- */

typedef struct { cop_alias to; int64_t number; } forward;
COP_MESSAGE(forward, COP_NESTED(cop_alias, to), number);

static void sends_on(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const forward *f = cop_read(forward, message);
                if (f != NULL)
                        cop_send(f->to, parcel, .number = f->number);
                else if (cop_read(cop_any, message) != NULL)
                        cop_answer(message, cop_any, .term = cop_atom("here"));
        }
}

PAIR(DST_08_an_alias_works_from_another_node_until_it_is_closed)
{
        cop_alias alias;
        cop_pid pid = grow(pair, sends_on, "clerk");
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        cop_send(pid, forward, .to = alias, .number = 1);
        cop_auto first = await(COP_KIND(parcel));
        ck_assert_int_eq(cop_read(parcel, first)->number, 1);
        ck_assert(cop_alias_close(alias));
        cop_send(pid, forward, .to = alias, .number = 2);
        ck_assert(cop_pid_equal(there("clerk"), pid)); /* what it has sent before has come before that */
        nothing_has_come();
}

PAIR(DST_09_who_has_demonitored_hears_of_no_node_that_goes_down)
{
        cop_pid pid = grow(pair, sleeps_and_answers, "one");
        cop_ref ref = watch(pid);
        ck_assert(cop_demonitor(ref));
        ck_assert(!cop_demonitor(ref));
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_OK);
        await_and_drop(COP_KIND(cop_node_down));
        nothing_has_come();
}

PAIR(a_link_that_was_undone_tells_nobody)
{
        cop_pid pid = grow(pair, sleeps_and_answers, "one");
        cop_trap_exit(true);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        cop_unlink(pid);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("gone")), COP_OK);
        await_down(ref, "gone");
        nothing_has_come();
}

PAIR(an_actor_of_another_node_is_not_said_to_have_been_shut_down)
{
        cop_pid pid = grow(pair, sleeps_and_answers, "one");
        ck_assert_int_eq(cop_shutdown(pid, 1000), COP_E_BAD_ARGUMENT);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("gone")), COP_OK);
        await_down(ref, "gone");
}

PAIR(who_is_dead_already_is_noproc)
{
        cop_pid pid = grow(pair, sleeps_and_answers, "one");
        cop_ref ref = watch(pid);
        cop_trap_exit(true);
        cop_send_exit(pid, cop_atom("gone"));
        await_down(ref, "gone");
        await_down(watch(pid), "noproc");
        ck_assert_int_eq(cop_link(pid), COP_OK);
        await_exited(pid, "noproc");
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, parcel, .number = 1), COP_E_NO_ACTOR);
}

/* ---- Calls ------------------------------------------------------------------------------------------ */

PAIR(a_call_that_is_not_answered_ends_as_it_does_within_a_node)
{
        cop_pid pid = grow_echo(pair);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, pid, PATIENCE_MS, cop_atom("silent")), COP_E_NO_REPLY);
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, stop, .unused = 0), COP_E_NO_REPLY);
        ck_assert_str_eq(text_of(cop_failure()), "no_handler");
        ck_assert_int_eq(cop_call_term(&reply, pid, PATIENCE_MS, cop_atom("crash")), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "crashed");
}

static void answers_late(void)
{
        cop_message *first = cop_receive(COP_FOREVER, COP_KIND(parcel));
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_any));
                if (first != NULL)
                        cop_answer(first, parcel, .number = 2);
                cop_message_free(first);
                first = NULL;
                cop_answer(message, cop_any, .term = cop_atom("here"));
        }
}

PAIR(a_late_answer_is_never_received)
{
        cop_auto reply = NULL;
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = answers_late, .name = "slow" }, &(cop_pid){ 0 }), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_call(&reply, cop_at("slow", "b@127.0.0.1"), 50, parcel, .number = 1), COP_E_TIMEOUT);
        there("slow");
        nothing_has_come();
}

PAIR(several_requests_are_in_flight_at_once)
{
        cop_pid pid = grow_echo(pair);
        cop_request requests[20];
        for (int64_t i = 0; i < 20; i++)
                ck_assert_int_eq(cop_request_send(&requests[i], pid, parcel, .number = i), COP_OK);
        for (int64_t i = 19; i >= 0; i--) {
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_request_await(requests[i], PATIENCE_MS, &reply), COP_OK);
                ck_assert_int_eq(cop_read(parcel, reply)->number, i + 1);
        }
}

/* ---- Beginning, and being let in ------------------------------------------------------------------------ */

TEST(a_node_that_has_not_begun_says_so)
{
        cop_term nodes;
        uint16_t port;
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(cop_nodes(&nodes), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", 1000), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_nodes_subscribe(), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_distribution_port(&port), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_distribution_stop(), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_send(cop_at("x", "b@127.0.0.1"), parcel, .number = 1), COP_E_NO_NAME);
        ck_assert_str_eq(cop_node_here_name(), "");
        ck_assert_str_eq(cop_node_of(cop_self()), "");
        cop_pid abroad = cop__pid_of(3, 7, 1);
        ck_assert_int_eq(cop_send(abroad, parcel, .number = 1), COP_OK);
        await_down(watch(abroad), "noconnection");
        node_end(node);
}

TEST(what_no_node_can_be_called_is_refused)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a", (cop_distribution){ .port = 0 }, &port), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(distribute_with("a@", (cop_distribution){ .port = 0 }, &port), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(distribute_with("@b", (cop_distribution){ .port = 0 }, &port), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(distribute_with("a@b", (cop_distribution){ .tick_ms = 5 }, &port), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(distribute_with("a@b", (cop_distribution){ .address = COP_TEXT("not an address") }, &port),
                         COP_E_SYSTEM);
        ck_assert_int_eq(distribute_with("a@b", (cop_distribution){ .epmd_port = 1 }, &port), COP_E_NO_CONNECTION);
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_E_ALREADY_STARTED);
        ck_assert_int_eq(cop_connect("a@127.0.0.1", 1000), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_is_at("b", NULL, 1), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(cop_node_here_name(), "a@127.0.0.1");
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_str_eq(cop_node_here_name(), "");
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        node_end(node);
}

PAIR(who_does_not_know_the_cookie_is_not_let_in)
{
        uint16_t port;
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .cookie = COP_TEXT("another") }, &port), COP_OK);
        ck_assert_int_eq(cop_node_is_at("b@127.0.0.1", NULL, pair->port_b), COP_OK);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_E_NO_CONNECTION);
}

PAIR(a_node_that_comes_back_has_other_actors)
{
        uint16_t port;
        cop_pid before = grow_echo(pair);
        visit(pair->b);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("b@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        visit(pair->a);
        await_true(cop_disconnect("b@127.0.0.1") == COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_node_is_at("b@127.0.0.1", NULL, port), COP_OK);
        cop_pid after = there("echo");
        ck_assert_str_eq(cop_node_of(before), cop_node_of(after));
        ck_assert(!cop_pid_equal(before, after));
        await_down(watch(before), "noconnection");
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, before, PATIENCE_MS, parcel, .number = 1), COP_E_DIED);
        ck_assert_int_eq(cop_call(&reply, after, PATIENCE_MS, parcel, .number = 1), COP_OK);
}

PAIR(two_that_connect_to_each_other_at_once_are_connected_once)
{
        for (int i = 0; i < 20; i++) {
                cop_send(cop_at("x", "b@127.0.0.1"), parcel, .number = 1);
                visit(pair->b);
                cop_send(cop_at("x", "a@127.0.0.1"), parcel, .number = 1);
                ck_assert_int_eq(cop_connect("a@127.0.0.1", PATIENCE_MS), COP_OK);
                cop_disconnect("a@127.0.0.1");
                visit(pair->a);
        }
}

PAIR_WITH(a_peer_that_is_silent_is_down_and_one_that_ticks_is_not, .tick_ms = 200)
{
        NEEDS_THREADS(); /* for the stranger's socket */
        cop_pid pid = grow_echo(pair);
        cop_ref ref = watch(pid);
        uint8_t tick[4];
        int fd = stranger_calls(pair->port_a, "silent@127.0.0.1");
        do { /* what it has to say, then ticks */
                uint8_t byte;
                ck_assert(stranger_reads(fd, tick, sizeof(tick)));
                for (uint32_t left = (uint32_t)tick[2] << 8 | tick[3]; left > 0; left--)
                        ck_assert(stranger_reads(fd, &byte, 1));
        } while ((tick[0] | tick[1] | tick[2] | tick[3]) != 0);
        stranger_is_hung_up(fd); /* so the others have had nothing to say for as long */
        close(fd);
        ck_assert(cop_pid_equal(there("echo"), pid));
        ck_assert(cop_demonitor(ref));
        nothing_has_come();
}

/* ---- What is killed ----------------------------------------------------------------------------------- */

static cop_pid connection_with(const char *node)
{
        cop_pid owner;
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_peer(network, node, strlen(node));
        ck_assert_int_eq(cop__peer_look(peer, &owner), COP__PEER_UP);
        return owner;
}

PAIR(a_connection_that_is_killed_is_a_node_that_is_down)
{
        cop_auto reply = NULL;
        cop_pid pid = grow(pair, traps, "keeper"); /* or the link would end it, too */
        cop_trap_exit(true);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        cop_request request;
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_int_eq(cop_request_send(&request, cop_at("nobody_answers", "b@127.0.0.1"), parcel, .number = 1), COP_OK);
        put_down(connection_with("b@127.0.0.1"));
        await_down(ref, "noconnection");
        await_exited(pid, "noconnection");
        cop_status status = cop_request_await(request, PATIENCE_MS, &reply);
        ck_assert(status == COP_E_DIED || status == COP_E_NO_ACTOR);
        await_and_drop(COP_KIND(cop_node_down));
        ck_assert(cop_pid_equal(there("keeper"), pid));
}

PAIR(net_kernel_that_is_killed_takes_its_connections_along_and_may_begin_again)
{
        uint16_t port;
        cop_pid pid = grow_echo(pair);
        cop_ref ref = watch(pid);
        put_down(cop_whereis("net_kernel"));
        await_down(ref, "noconnection");
        await_true(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port) == COP_OK);
        ck_assert_int_eq(cop_node_is_at("b@127.0.0.1", NULL, pair->port_b), COP_OK);
        ck_assert(cop_pid_equal(there("echo"), pid)); /* whose life has gone on */
}

/* ---- What the program has forked ------------------------------------------------------------------------ */

/* With copies of all descriptors, until it is killed. */
static pid_t fork_child(void)
{
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child != 0)
                return child;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
                pause();
}

static void end_child(pid_t child)
{
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

PAIR(a_node_that_is_disconnected_hears_of_that_although_a_child_has_all_descriptors)
{
        NEEDS_THREADS();
        int fd = stranger_calls(pair->port_a, "guest@127.0.0.1");
        cop_pid owner;
        struct cop__network *network = cop__network_here();
        struct cop__peer *guest = cop__network_peer(network, "guest@127.0.0.1", strlen("guest@127.0.0.1"));
        await_true(cop__peer_look(guest, &owner) == COP__PEER_UP);
        pid_t child = fork_child();
        ck_assert_int_eq(cop_disconnect("guest@127.0.0.1"), COP_OK);
        stranger_is_hung_up(fd);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = pair->port_a }, &pair->port_a), COP_OK);
        end_child(child);
        close(fd);
}
