%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of side.c, in Erlang: what all parts share. A part is a module with begin_all/0, reset/2 (first number and text),
%% carry_out/4, settle/0 and order/0.
-module(side).
-export([main/1, note/2, notes/0, begins/2, name_of/1, words_of/1, term_of/1, drain/0]).

main(Part) ->
    logger:set_primary_config(level, none), %% crashes are part of it
    process_flag(trap_exit, true),
    %% Who needs code that is not there yet waits for it, longer than it takes the others to come to rest.
    ok = code:ensure_modules_loaded([supervisor, gen_server, gen, proc_lib, sys, pg, io_lib, io_lib_format, io_lib_pretty, lists,
                                     proplists, string, unicode_util, maps, error_logger, logger, erl_scan, erl_parse, erl_anno,
                                     Part]),
    "{a,1}" = words_of(term_of("{a, 1}")),
    ets:new(lives, [public, named_table, ordered_set]),
    ets:new(notes, [public, named_table, ordered_set]),
    Part:begin_all(),
    loop(Part).

loop(Part) ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            Text = string:trim(Line),
            [Word, First, Second, Rest] = string:lexemes(Text, " "),
            order(Part, Text, Word, list_to_integer(First), list_to_integer(Second), Rest),
            Part:settle(),
            tell(Part:order()),
            loop(Part)
    end.

order(Part, Text, "reset", First, _, Rest) ->
    Part:reset(First, Rest),
    io:format("~s~n", [Text]);
order(Part, Text, Word, First, Second, Rest) ->
    Said = Part:carry_out(Word, First, Second, Rest),
    io:format("~s -> ~s~n", [Text, Said]).

tell(Order) -> [io:format("  ~s~n", [Note]) || Note <- ordered(Order, notes())].

ordered(as_it_happened, Notes) -> Notes;
ordered(by_text, Notes) -> lists:sort(Notes);
ordered(by_actor, Notes) -> [Note || {_, Note} <- lists:keysort(1, [{hd(string:lexemes(Note, " ")), Note} || Note <- Notes])].

%% ---- What has happened since the last order

note(Format, Values) ->
    ets:insert(notes, {erlang:unique_integer([monotonic]), lists:flatten(io_lib:format(Format, Values))}).

notes() ->
    Notes = [Note || {_, Note} <- ets:tab2list(notes)],
    ets:delete_all_objects(notes),
    Notes.

%% ---- Lives: the name of each who has begun

begins(Who, Pid) ->
    Count = length(ets:match(lives, {'_', '_', Who, '_'})),
    Name = lists:flatten(io_lib:format("~s.~b", [Who, Count])),
    ets:insert(lives, {ets:info(lives, size), Pid, Who, Name}),
    Name.

name_of(Pid) ->
    case ets:match(lives, {'_', Pid, '_', '$1'}) of
        [[Name]] -> Name;
        _ -> "nobody"
    end.

%% ---- Words

words_of({Reason, [{_, _, _, _} | _]}) when is_atom(Reason); is_tuple(Reason) -> "crash"; %% with its stack
words_of(Reason) -> [Char || Char <- lists:flatten(io_lib:format("~0p", [Reason])), Char =/= $\s].

term_of(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

drain() -> receive _ -> drain() after 0 -> ok end.
