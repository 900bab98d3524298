%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of puppets.c, in Erlang: the same orders, the same words.
%%
%% Puppets have the priority high and there is one scheduler, so when the one who gives the orders, of priority normal, goes on
%% after a yield, none of them has anything left to do.
-module(puppets).
-export([main/0]).

main() ->
    logger:set_primary_config(level, none), %% crashes are part of it
    ets:new(lives, [public, named_table, ordered_set]),
    ets:new(pids, [public, named_table]),
    ets:new(heard, [public, named_table, duplicate_bag]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            Text = string:trim(Line),
            order(Text, string:lexemes(Text, " ")),
            loop()
    end.

order(_, []) -> ok;
order(Text, ["reset" | _]) ->
    reset(),
    io:format("~s~n", [Text]);
order(Text, [Word, First, Second, Reason]) ->
    Said = give(Word, list_to_integer(First), list_to_integer(Second), list_to_atom(Reason)),
    io:format("~s -> ~s~n", [Text, Said]),
    print_all().

%% Everybody waits for the next order and has nothing unread; and nobody is tied to one who has ended: such a one may be a while
%% about its end, and is heard of afterwards.
settle() ->
    [erlang:yield() || _ <- lists:seq(1, 20)],
    case lists:any(fun is_busy/1, [Pid || [Pid] <- ets:match(lives, {'_', '$1', '_', '_'})]) of
        true -> settle();
        false -> ok
    end.

is_busy(Pid) ->
    case process_info(Pid, [current_function, message_queue_len, links, monitors]) of
        undefined -> false;
        [{_, {puppets, puppet, 1}}, {_, 0}, {_, Links}, {_, Monitors}] ->
            lists:any(fun(Other) -> not is_process_alive(Other) end,
                      [Other || Other <- Links, is_pid(Other)] ++ [Other || {process, Other} <- Monitors, is_pid(Other)]);
        _ -> true
    end.

print_all() ->
    settle(),
    deaths(),
    [io:format("~s~n", [L]) || L <- lists:sort([L || {_, L} <- ets:tab2list(heard)])],
    ets:delete_all_objects(heard).

deaths() ->
    receive
        {'DOWN', _, process, Pid, Reason} ->
            ets:insert(heard, {x, lists:flatten(io_lib:format("  ~s died of ~s", [name_of(Pid), words_of(Reason)]))}),
            deaths()
    after 0 -> ok
    end.

drain() -> receive _ -> drain() after 0 -> ok end.

name_of(Pid) ->
    case ets:match(lives, {'_', Pid, '$1', '$2'}) of
        [[Puppet, Number]] -> io_lib:format("p~b.~b", [Puppet, Number]);
        _ -> "nobody"
    end.

words_of(Reason) when is_tuple(Reason) -> "crash";
words_of(Reason) -> io_lib:format("~p", [Reason]).

pid_of(N) ->
    [{N, Pid}] = ets:lookup(pids, N),
    Pid.

bring_up(N) ->
    case ets:lookup(pids, N) of
        [{N, Pid}] -> case is_process_alive(Pid) of true -> ok; false -> spawn_puppet(N) end;
        [] -> spawn_puppet(N)
    end.

spawn_puppet(N) ->
    Count = length(ets:match(lives, {'_', '_', N, '$1'})),
    Pid = spawn_opt(fun() -> puppet([]) end, [{priority, high}]),
    ets:insert(pids, {N, Pid}),
    ets:insert(lives, {ets:info(lives, size), Pid, N, Count}),
    erlang:monitor(process, Pid).

reset() ->
    [begin exit(Pid, kill), settle() end || {_, Pid} <- ets:tab2list(pids)],
    settle(),
    drain(),
    [ets:delete_all_objects(T) || T <- [lives, pids, heard]],
    [bring_up(N) || N <- [0, 1, 2, 3]].

name(N) -> list_to_atom("name" ++ integer_to_list(N)).

give("spawn", First, _, _) -> bring_up(First), "ok";
give("whereis", _, Second, _) ->
    case whereis(name(Second)) of undefined -> "nobody"; Pid -> name_of(Pid) end;
give("unregister", _, Second, _) ->
    try unregister(name(Second)) of true -> "ok" catch error:badarg -> "badarg" end;
give(Word, First, Second, Reason) ->
    Pid = pid_of(First),
    Ref = erlang:monitor(process, Pid),
    Pid ! {do, Word, First, Second, Reason, self(), Ref},
    receive
        {Ref, Said} -> erlang:demonitor(Ref, [flush]), Said;
        {'DOWN', Ref, process, _, _} -> "none"
    end.

hear(What, Of, Why) ->
    ets:insert(heard, {x, lists:flatten(io_lib:format("  ~s hears ~s ~s ~s", [name_of(self()), What, name_of(Of), Why]))}).

puppet(Refs) ->
    receive
        {do, Word, First, Second, Reason, From, Ref} ->
            {Said, After} = carry_out(Word, First, Second, Reason, Refs),
            From ! {Ref, Said},
            puppet(After);
        {'EXIT', Pid, Reason} -> hear("exit", Pid, words_of(Reason)), puppet(Refs);
        {'DOWN', _, process, Pid, Reason} -> hear("down", Pid, words_of(Reason)), puppet(Refs);
        {hello, From} -> hear("hello", From, ""), puppet(Refs)
    end.

carry_out("link", _, To, _, Refs) ->
    %% A link to the dead is an error here for who does not trap exits, and an exit signal there: docs/erlang.md.
    try link(pid_of(To)) catch error:noproc -> exit(noproc) end,
    {"ok", Refs};
carry_out("unlink", _, To, _, Refs) -> unlink(pid_of(To)), {"ok", Refs};
carry_out("monitor", _, To, _, Refs) -> {"ok", [erlang:monitor(process, pid_of(To)) | Refs]};
carry_out("demonitor", _, _, _, []) -> {"ok", []};
carry_out("demonitor", _, _, _, [Ref | Refs]) -> erlang:demonitor(Ref, [flush]), {"ok", Refs};
carry_out("trap", _, On, _, Refs) -> process_flag(trap_exit, On > 0), {"ok", Refs};
carry_out("exit", _, To, Reason, Refs) -> exit(pid_of(To), Reason), {"ok", Refs};
carry_out("die", _, _, Reason, _) -> exit(Reason);
carry_out("crash", First, _, _, Refs) -> {1 div (First - First), Refs};
carry_out("send", _, To, _, Refs) -> pid_of(To) ! {hello, self()}, {"ok", Refs};
carry_out("register", _, Name, _, Refs) ->
    {try register(name(Name), self()) of true -> "ok" catch error:badarg -> "badarg" end, Refs}.
