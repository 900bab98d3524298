/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What Erlang says and hears again is what it was, or comes as its bytes; and what a node must show to be let in. */
#include "tests/erlang.h"

static void echoes(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_any));
                cop_answer(message, cop_any, .term = cop_read(cop_any, message)->term);
        }
}

/* An expression there, with that for Arg. */
static const char *evaluate(const char *text, cop_term argument)
{
        return ask(COP_TUPLE(cop_atom("eval"), cop_string(text), argument));
}

#define IS_SAME                                                                                                     \
        "T = %s, case gen_server:call(Arg, T) of T -> same; {'$erlang', B} -> {bytes, binary_to_term(<<131, B/binary>>) =:= T}; " \
        "R -> {differs, R} end."

static void comes_back(const char *what, cop_pid echo, const char *as)
{
        char text[512];
        snprintf(text, sizeof(text), IS_SAME, what);
        const char *outcome = evaluate(text, cop_pid_term(echo));
        ck_assert_msg(strcmp(outcome, as) == 0, "%s: %s", what, outcome);
}

WITH_ERLANG(what_a_term_can_hold_comes_back_to_erlang_as_it_was)
{
        static const char *const terms[] = {
                "make_ref()", "erlang:alias()", "erlang:monitor(process, self(), [{alias, demonitor}])", "self()", "c:pid(0, 5, 0)",
                "-(1 bsl 63)", "(1 bsl 64) - 1", "<<>>", "#{a => 1, 1.0 => 2, 1 => 3}", "#{\"ab\" => 1, <<\"ab\">> => 2}", "[a | b]",
                "[1, 2 | 3]", "[\"ab\" | c]", "list_to_atom([228])", "list_to_atom([8364])", "list_to_atom([])",
                "list_to_atom(lists:duplicate(255, $a))", "list_to_atom([0, 1, 2])", "1.0e308", "lists:seq(1, 300)",
                "lists:duplicate(70000, $a)", "lists:duplicate(70000, 8364)", "list_to_tuple(lists:seq(1, 300))",
                "maps:from_list([{I, I} || I <- lists:seq(1, 100)])", "binary:copy(<<1>>, 10000000)", "{{}, {{}}, [], [[]], #{}}",
                "lists:foldl(fun(_, A) -> [A] end, [], lists:seq(1, 61))", "erlang:make_tuple(100000, x)", "[$a, 128, 159]", "[0]",
        };
        cop_pid echo = cop_spawn(echoes);
        for (size_t i = 0; i < COP__COUNT(terms); i++)
                comes_back(terms[i], echo, "same");
}

WITH_ERLANG(what_no_term_can_hold_comes_from_erlang_as_its_bytes)
{
        static const char *const terms[] = {
                "1 bsl 64", "-(1 bsl 63) - 1", "1 bsl 20000", "<<5:3>>", "fun lists:map/2", "fun(X) -> X + 1 end", "hd(erlang:ports())",
                "list_to_atom(lists:duplicate(255, 8364))",
        };
        cop_pid echo = cop_spawn(echoes);
        for (size_t i = 0; i < COP__COUNT(terms); i++)
                comes_back(terms[i], echo, "{bytes, true}");
}

/* They know us by that cookie from the next time on that we begin. */
static cop_status let_in(const struct erlang *erlang, const char *name, const char *theirs, const char *ours)
{
        char text[128];
        uint16_t port;
        snprintf(text, sizeof(text), "erlang:set_cookie('%s', list_to_atom(%s)), ok.", name, theirs);
        ck_assert_str_eq(evaluate(text, cop_nil()), "ok");
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_int_eq(distribute_with(name, (cop_distribution){ .epmd_port = erlang->epmd_port, .cookie = cop_text_of(ours) }, &port),
                         COP_OK);
        return cop_connect(THEM, PATIENCE_MS);
}

WITH_ERLANG(each_byte_of_a_cookie_is_a_character_of_erlangs)
{
        ck_assert_int_eq(let_in(erlang, "one@127.0.0.1", "[1, 2, 39, 34, 92, 32]", "\1\2'\"\\ "), COP_OK);
        ck_assert_int_eq(let_in(erlang, "two@127.0.0.1", "[107, 228, 115, 101]", "k\xe4se"), COP_OK);
        ck_assert_int_eq(let_in(erlang, "three@127.0.0.1", "[107, 228, 115, 101]", "k\xc3\xa4se"), COP_E_NO_CONNECTION);
}
