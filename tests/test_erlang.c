/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A node of Erlang's is a peer like any other. */
#include "tests/erlang.h"

#include "tests/keepers.h"

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each, number; } share;
COP_MESSAGE(share, pence_each, number);

static cop_pid them(void)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, cop_at("peer", THEM), PATIENCE_MS, cop_atom("ping")), COP_OK);
        cop_pid pid = cop_message_from(reply);
        cop_message_free(reply);
        return pid;
}

typedef struct { cop_int64s values; uint8_t window[3]; cop_text text; char name[8]; } measured;
COP_MESSAGE(measured, values, window, text, name);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        cop_reply(share, .pence_each = b->pence / b->people, .number = ++self->served);
}

static void till_on_measured(till *self, const measured *m)
{
        int64_t sum = 0;
        (void)self;
        for (size_t i = 0; i < m->values.count; i++)
                sum += m->values.items[i];
        cop_reply(share, .pence_each = sum + m->window[0], .number = (int64_t)(m->text.size + strlen(m->name)));
}

static void till_on_any(till *self, const cop_any *any)
{
        (void)self;
        if (cop_is_atom(any->term, "die"))
                cop_exit(cop_atom("died"));
}

COP_SERVER(till, COP_ON(bill, till_on_bill), COP_ON(measured, till_on_measured), COP_ON(cop_any, till_on_any));

static cop_term with(const char *tag, cop_pid pid)
{
        static _Thread_local cop_term items[2];
        items[0] = cop_atom(tag);
        items[1] = cop_pid_term(pid);
        return cop_tuple_of(items, 2);
}

WITH_ERLANG(calls_and_terms_go_both_ways)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, cop_at("peer", THEM), PATIENCE_MS, bill, .pence = 900, .people = 3), COP_OK);
        const share *s = cop_read(share, reply);
        ck_assert_ptr_nonnull(s);
        ck_assert_int_eq(s->pence_each, 300);
        const char *const terms[] = {
                "{a,'B c',[]}", "[1,-1,255,256,-2147483649,18446744073709551615,-9223372036854775808]", "\"h\303\244us\"",
                "[1,2,3]", "#{a => 1,[b] => <<1,2>>}", "1.5", "[a|b]", "\"\342\202\254\"", "<<\"text\">>", "{}", "#{}",
        };
        for (size_t i = 0; i < COP__COUNT(terms); i++) {
                cop_term term;
                ck_assert_int_eq(cop_term_parse(terms[i], strlen(terms[i]), NULL, &term, NULL), COP_OK);
                cop_message *echo = NULL;
                ck_assert_int_eq(cop_call_term(&echo, cop_at("peer", THEM), PATIENCE_MS, COP_TUPLE(cop_atom("echo"), term)),
                                 COP_OK);
                const cop_any *any = cop_read(cop_any, echo);
                ck_assert_ptr_nonnull(any);
                ck_assert_msg(cop_term_equal(any->term, term), "%s came back as %s", terms[i], text_of(any->term));
                cop_message_free(echo);
                cop_term_free(term);
        }
        /* Theirs of ours, ours of theirs. */
        cop_pid pid = cop_spawn_server(&till_server, "till");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), COP_TUPLE(cop_atom("bill"), cop_int(900),
                cop_int(3)))),
                         "{share, 300, 1}");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), COP_TUPLE(cop_atom("till"), cop_atom("us@127.0.0.1")),
                                       COP_TUPLE(cop_atom("bill"), cop_int(8), cop_int(2)))), "{share, 4, 2}");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("echo"), cop_pid_term(pid))), with_pid("%s", pid));
        /* What no term can hold comes as its bytes. */
        ck_assert_ptr_nonnull(strstr(ask(cop_atom("odd")), "{'$erlang', "));
}

/* To Erlang they are the same. */
WITH_ERLANG(what_erlang_says_as_a_string_is_the_text_or_the_list_that_a_kind_has)
{
        static const char *const requests[] = {
                "{measured, [72, 101], [200, 200, 200], \"\\x{1}\", [1, 127]}", "{measured, [], [65, 66, 67], [1], \"ab\"}",
                "{measured, [1000, 2000], [1, 2, 3], [8364, 1], \"\"}",
        };
        static const char *const shares[] = { "{share, 373, 3}", "{share, 65, 3}", "{share, 3001, 4}" };
        cop_pid pid = cop_spawn_server(&till_server, NULL);
        for (size_t i = 0; i < COP__COUNT(requests); i++) {
                cop_term term;
                ck_assert_int_eq(cop_term_parse(requests[i], strlen(requests[i]), NULL, &term, NULL), COP_OK);
                ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), term)), shares[i]);
                cop_term_free(term);
        }
}

WITH_ERLANG(what_erlang_could_not_read_ends_no_connection)
{
        cop_term pairs[] = { cop_string("ab"), cop_int(1), COP_LIST(cop_int(97), cop_int(98)), cop_int(2) };
        cop_term zeros[] = { cop_float(0.0), cop_int(1), cop_float(-0.0), cop_int(2) };
        const cop_term terms[] = { cop_map_of(pairs, 2), cop_map_of(zeros, 2), cop_atom("caf\xe9") };
        cop_ref ref = watch(them());
        for (size_t i = 0; i < COP__COUNT(terms); i++)
                ck_assert_int_eq(cop_call_term(NULL, cop_at("peer", THEM), PATIENCE_MS, terms[i]), COP_E_ISOLATED);
        cop_term tail[] = { cop_int(1), cop_string("ab") };
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("echo"), cop_cons_of(tail, 2))), "[1, 97, 98]");
        ck_assert_ptr_null(cop_receive(0, COP_REF(cop_down, ref)));
}

WITH_ERLANG(calls_end_as_they_do_in_erlang)
{
        cop_auto reply = NULL;
        cop_pid pid = cop_spawn_server(&till_server, "till");
        ck_assert_int_eq(cop_call_term(&reply, cop_at("nobody", THEM), PATIENCE_MS, cop_atom("x")), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_call_term(&reply, cop_at("peer", THEM), 50, cop_atom("hang")), COP_E_TIMEOUT);
        /* A fault here is the reason there; what is not answered, and what nobody handles, ends at once, too. */
        const char *fault = ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), COP_TUPLE(cop_atom("bill"), cop_int(1),
                cop_int(0))));
        ck_assert_msg(strstr(fault, "{exit, {fault, sigfpe, \"integer division by zero\"") == fault, "%s", fault);
        pid = cop_spawn_server(&till_server, NULL);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), cop_atom("silent"))), "{exit, {coppice, no_reply}}");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), COP_TUPLE(cop_atom("share"), cop_int(1),
                cop_int(2)))),
                         "{exit, {coppice, no_handler}}");
        put_down(pid);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call"), cop_pid_term(pid), cop_atom("silent"))), "{exit, noproc}");
}

/* ---- Spawning ------------------------------------------------------------------------------------- */

static const char *evaluate(const char *text)
{
        return ask(COP_TUPLE(cop_atom("eval"), cop_string(text), cop_nil()));
}

/* Gives its spawner the bill, and its own end a reason. */
static void charges(const bill *b)
{
        cop_send(cop_parent(), share, .pence_each = b->pence / b->people, .number = 1);
        cop_exit(cop_atom("charged"));
}

static void rests(void)
{
        cop_sleep(COP_FOREVER);
}

static void offer_to_erlang(void)
{
        ck_assert_int_eq(cop_offer("charges", &(cop_spawn_options){ .run_with = COP_RUN_WITH(charges, bill), .kind = COP_KIND_OF(bill) }),
                         COP_OK);
        ck_assert_int_eq(cop_offer("shop:rests", &(cop_spawn_options){ .run = rests, .name = "rests" }), COP_OK);
}

#define US "'us@127.0.0.1'"

WITH_ERLANG(SPN_16_a_process_of_erlangs_spawns_what_is_offered_here_and_is_its_parent)
{
        offer_to_erlang();
        ck_assert_str_eq(evaluate("P = spawn(" US ", coppice, charges, [{bill, 900, 3}]), "
                                  "{node(P), receive S -> S end}."), "{'us@127.0.0.1', {share, 300, 1}}");
        ck_assert_str_eq(evaluate("P = spawn_link(" US ", coppice, charges, [{bill, 8, 2}]), "
                                  "{receive {share, _, _} = S -> S end, receive {'EXIT', P, W} -> W end}."), "{{share, 4, 1}, charged}");
        ck_assert_str_eq(evaluate("{P, R} = spawn_monitor(" US ", coppice, charges, [{bill, 8, 4}]), "
                                  "{receive {share, _, _} = S -> S end, receive {'DOWN', R, process, P, W} -> W end}."),
                         "{{share, 2, 1}, charged}");
        ck_assert_str_eq(evaluate("R = erlang:spawn_request(" US ", shop, rests, [], [link, monitor]), "
                                  "P = receive {spawn_reply, R, ok, Q} -> Q end, exit(P, enough), "
                                  "{receive {'DOWN', R, process, P, W} -> W end, receive {'EXIT', P, V} -> V end}."), "{enough, enough}");
        ck_assert_str_eq(evaluate("P = spawn_link(" US ", shop, rests, []), unlink(P), exit(P, kill), "
                                  "receive {'EXIT', P, V} -> V after 0 -> none end."), "none");
        ck_assert_str_eq(ask(cop_atom("seen")), "[]");
}

WITH_ERLANG(DST_02_what_erlang_cannot_spawn_here_is_an_error_there_and_the_connection_stays)
{
        static const char *const spawns[][2] = {
                { "spawn(" US ", nothing, at_all, [])", "undef" },      { "spawn(" US ", erlang, node, [])", "undef" },
                { "spawn(" US ", coppice, charges, [])", "badarg" },    { "spawn(" US ", coppice, charges, [{bill, x, 1}])", "badarg" },
                { "spawn_opt(" US ", shop, rests, [], [{priority, high}])", "badarg" },
                { "spawn(fun() -> ok end), spawn(" US ", fun() -> ok end)", "undef" },
        };
        char text[256];
        offer_to_erlang();
        for (size_t i = 0; i < COP__COUNT(spawns); i++) {
                snprintf(text, sizeof(text), "try %s of P -> P catch error:E -> E end.", spawns[i][0]);
                ck_assert_str_eq(evaluate(text), spawns[i][1]);
        }
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("spawn_at"), cop_atom("us@127.0.0.1"))), "{{error, undef}, true}");
        ck_assert_uint_eq(cop_whereis("rests").bits, 0);
        ck_assert_str_eq(ask(cop_atom("seen")), "[]");
}

static cop_status spawn_theirs(const char *offer, cop_term arguments, cop_pid *pid, cop_ref *ref, bool link)
{
        return cop_spawn_at(&(cop_spawn_there){ .node = THEM, .offer = offer, .arguments = arguments, .link = link,
                                                .monitor = ref != NULL, .monitor_ref = ref },
                            PATIENCE_MS, pid);
}

WITH_ERLANG(a_function_of_erlangs_is_spawned_from_here)
{
        cop_pid pid;
        cop_ref ref;
        cop_auto message = NULL;
        cop_trap_exit(true);
        ck_assert_int_eq(spawn_theirs("erlang:send", COP_LIST(cop_pid_term(cop_self()), cop_string("hello")), &pid, &ref, false), COP_OK);
        ck_assert_str_eq(cop_node_of(pid), THEM);
        message = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, message)->term), "\"hello\"");
        await_down(ref, "normal");
        ck_assert_int_eq(spawn_theirs("erlang:exit", COP_LIST(cop_atom("boom")), &pid, &ref, true), COP_OK);
        await_down(ref, "boom");
        await_exited(pid, "boom");
        /* Who is the parent, as they see it. */
        ck_assert_int_eq(spawn_theirs("erlang_peer:tell_parent", COP_LIST(cop_pid_term(cop_self())), &pid, NULL, false), COP_OK);
        cop_auto told = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, told)->term), text_of(COP_TUPLE(cop_atom("parent"), cop_pid_term(cop_self()))));
        /* What it prints goes nowhere, and it goes on. */
        ck_assert_int_eq(spawn_theirs("io:format", COP_LIST(cop_string("hello ~p~n"), COP_LIST(cop_int(1))), &pid, &ref, true), COP_OK);
        await_down(ref, "normal");
        await_exited(pid, "normal");
        nothing_has_come();
}

/* As SPN-05 has it: the spawn itself succeeds. */
WITH_ERLANG(SPN_05_a_function_that_erlang_has_not_is_spawned_and_dies_with_undef)
{
        cop_pid pid;
        cop_ref ref;
        cop_trap_exit(true);
        ck_assert_int_eq(spawn_theirs("nothing:at_all", cop_nil(), &pid, &ref, true), COP_OK);
        cop_auto down = await(COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason), "{undef, "));
        cop_auto exited = await(COP_FIELD(cop_exited, pid, pid));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_exited, exited)->reason), "{undef, "));
        nothing_has_come();
}

WITH_ERLANG(DST_02_a_spawn_on_a_node_of_erlangs_that_is_gone_ends_with_no_connection)
{
        cop_pid pid;
        cop_ref ref, none = { 0 };
        cop_trap_exit(true);
        ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = THEM, .offer = "erlang:node", .name = "x" }, PATIENCE_MS, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(spawn_theirs("timer:sleep", COP_LIST(cop_atom("infinity")), &pid, &ref, true), COP_OK);
        kill(erlang->them, SIGKILL);
        await_down(ref, "noconnection");
        await_exited(pid, "noconnection");
        ck_assert_int_eq(spawn_theirs("erlang:node", cop_nil(), &pid, &none, true), COP_E_NO_CONNECTION);
        ck_assert_uint_eq(none.bits, 0);
        nothing_has_come();
}

WITH_ERLANG(links_monitors_and_exits_go_both_ways)
{
        cop_pid peer = them(), ours = cop_spawn_server(&till_server, NULL);
        ck_assert_ptr_nonnull(strstr(ask(with("monitor", ours)), "#Ref<"));
        ck_assert_str_eq(ask(with("link", ours)), "ok");
        cop_ref died = watch(ours);
        cop_send_term(ours, cop_atom("die"));
        await_down(died, "died"); /* it has told all before */
        const char *seen = ask(cop_atom("seen"));
        ck_assert_msg(strstr(seen, "{down, died}") != NULL && strstr(seen, "{exit, died}") != NULL, "%s", seen);
        /* And theirs. */
        cop_auto spawned = NULL;
        ck_assert_int_eq(cop_call_term(&spawned, peer, PATIENCE_MS,
                                       COP_TUPLE(cop_atom("spawn"), COP_TUPLE(cop_atom("dies"), cop_atom("boom")))), COP_OK);
        cop_pid theirs = cop_read(cop_any, spawned)->term.as.pid;
        cop_trap_exit(true);
        cop_ref ref = watch(theirs), undone = watch(theirs);
        ck_assert_int_eq(cop_link(theirs), COP_OK);
        ck_assert(cop_demonitor(undone));
        cop_send_term(theirs, cop_atom("stop"));
        await_down(ref, "boom");
        await_exited(theirs, "boom");
        await_down(watch(theirs), "noproc");
        /* Exit signals by hand, and a link that is undone. */
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("exit"), cop_pid_term(cop_self()), cop_atom("hello"))), "ok");
        await_exited(peer, "hello");
        ck_assert_int_eq(cop_link(peer), COP_OK);
        cop_unlink(peer);
        ck_assert_str_eq(ask(with("link", cop_self())), "ok");
        ck_assert_str_eq(ask(with("unlink", cop_self())), "ok");
        ck_assert_int_eq(cop_send_exit(peer, cop_atom("kill")), COP_OK);
        await_down(watch(peer), "noproc");
        nothing_has_come();
}

WITH_ERLANG(erlang_pings_and_lists_us_and_groups_are_shared)
{
        ck_assert_str_eq(ask(cop_atom("nodes")), "['us@127.0.0.1']");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("ping"), cop_atom("us@127.0.0.1"))), "pong");
        start_scope("chat");
        cop_pid pid = cop_spawn_server(&till_server, NULL);
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), pid), COP_OK);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("join"), cop_atom("tea"))), "ok");
        await_true(strcmp(ask(COP_TUPLE(cop_atom("members"), cop_atom("tea"))), "{2, 1}") == 0);
        cop_term list;
        size_t count = 0;
        while (count != 2) {
                ck_assert_int_eq(cop_group_members("chat", cop_atom("tea"), &list), COP_OK);
                count = list.count;
                cop_term_free(list);
                cop_yield();
        }
        put_down(pid);
        await_true(strcmp(ask(COP_TUPLE(cop_atom("members"), cop_atom("tea"))), "{1, 1}") == 0);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("leave"), cop_atom("tea"))), "ok");
        /* What is a string there may be a list here. */
        const cop_term string = COP_LIST(cop_int(1000), cop_int(2000));
        pid = cop_spawn_server(&till_server, NULL);
        ck_assert_int_eq(cop_group_join("chat", string, pid), COP_OK);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("join"), string)), "ok");
        await_true(strcmp(ask(COP_TUPLE(cop_atom("members"), string)), "{2, 1}") == 0);
        await_true(cop_group_members("chat", string, &list) == COP_OK && strchr(text_and_free(list), ',') != NULL);
        put_down(pid);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("leave"), string)), "ok");
        await_true(cop_scope_groups("chat", &list) == COP_OK && strcmp(text_and_free(list), "[]") == 0);
}

WITH_ERLANG(a_node_of_erlangs_that_goes_down_is_down_and_so_are_we_for_it)
{
        cop_pid peer = them();
        cop_ref ref = watch(peer);
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_ptr_nonnull(strstr(ask(with("monitor", cop_self())), "#Ref<"));
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("disconnect"), cop_atom("us@127.0.0.1"))), "ok");
        await_down(ref, "noconnection");
        await_and_drop(COP_KIND(cop_node_down));
        ck_assert(cop_pid_equal(them(), peer)); /* the same life: the same pid */
        await_true(strstr(ask(cop_atom("seen")), "{down, noconnection}") != NULL);
        ref = watch(peer);
        kill(erlang->them, SIGKILL);
        await_down(ref, "noconnection");
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, peer, PATIENCE_MS, cop_atom("ping")), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{nodedown, '" THEM "'}");
}

WITH_ERLANG(a_call_to_many_of_erlangs_is_one_here)
{
        const cop_term us = cop_atom("us@127.0.0.1");
        cop_spawn_server(&till_server, "till");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call_many"), COP_LIST(us), cop_atom("till"),
                                       COP_TUPLE(cop_atom("bill"), cop_int(900), cop_int(3)))),
                         "{[{'us@127.0.0.1', {share, 300, 1}}], []}");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("call_many"), COP_LIST(us), cop_atom("nobody"), cop_atom("x"))),
                         "{[], ['us@127.0.0.1']}");
}

WITH_ERLANG(a_group_of_erlangs_with_an_integer_for_a_key_is_left_here)
{
        const cop_term number = cop_int(100), last = cop_int(7);
        start_scope("chat");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("join"), number)), "ok");
        await_true(members_under("chat", 100) == 1);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("leave"), number)), "ok");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("join"), last)), "ok");
        await_true(members_under("chat", 7) == 1);
        ck_assert_uint_eq(members_under("chat", 100), 0);
}

/* ---- Who is not there ------------------------------------------------------------------------- */

static void sits(void)
{
        cop_sleep(COP_FOREVER);
}

WITH_ERLANG(whom_erlang_knows_of_our_life_before_this_one_is_dead_to_it_and_ends_no_connection)
{
        uint16_t port;
        cop_term dead = cop_atom("noproc");
        ck_assert_int_eq(cop_send_term(cop_at("peer", THEM), with("hold", cop_spawn(sits))), COP_OK);
        ck_assert_str_eq(ask(cop_atom("ping")), "pong");
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with("us@127.0.0.1", (cop_distribution){ .epmd_port = erlang->epmd_port }, &port), COP_OK);
        erlang_connect();
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("to_held"), COP_TUPLE(cop_atom("send"), cop_atom("hello")))), "ok");
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("to_held"), cop_atom("monitor"))), text_of(dead));
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("to_held"), cop_atom("link"))), text_of(dead));
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("to_held"), cop_atom("call"))), text_of(dead));
        nothing_has_come();
}

WITH_ERLANG(what_erlang_sends_to_nobody_ends_no_connection)
{
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_str_eq(ask(COP_TUPLE(cop_atom("send"), cop_pid_term(cop_no_pid()), cop_atom("hello"))), "ok");
        ck_assert_str_eq(ask(cop_atom("ping")), "pong");
        nothing_has_come();
}
