%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of puppets.c, in Erlang: the same orders, the same words.
%%
%% Puppets have the priority high and there is one scheduler, so when the one who gives the orders, of priority normal, goes on
%% after a yield, none of them has anything left to do. So has the server of groups; names by key are those of `global`.
-module(puppets).
-export([main/0, begin_all/0, reset/2, carry_out/4, settle/0, order/0]).

main() -> side:main(?MODULE).

order() -> by_text.

begin_all() ->
    ets:new(pids, [public, named_table]),
    ets:new(far, [public, named_table, ordered_set]),
    ets:insert(far, {volley_ends, now_ms() - 1}),
    application:set_env(kernel, global_multi_name_action, allow),
    {ok, Groups} = pg:start_link(groups),
    [sys:replace_state(Server, fun(State) -> process_flag(priority, high), State end)
     || Server <- [Groups, global_name_server]].

%% Everybody waits for the next order and has nothing unread; and nobody is tied to one who has ended: such a one may be a while
%% about its end, and is heard of afterwards.
settle() ->
    await_volley(),
    settled(),
    [sys:get_status(Server) || Server <- [groups, global_name_server]],
    settled(),
    deaths().

settled() ->
    [erlang:yield() || _ <- lists:seq(1, 20)],
    case lists:any(fun is_busy/1, [Pid || [Pid] <- ets:match(lives, {'_', '$1', '_', '_'})]) of
        true -> settled();
        false -> ok
    end.

is_busy(Pid) ->
    case process_info(Pid, [current_function, message_queue_len, links, monitors]) of
        undefined -> false;
        [{_, {puppets, puppet, 3}}, {_, 0}, {_, Links}, {_, Monitors}] ->
            lists:any(fun(Other) -> not is_process_alive(Other) end,
                      [Other || Other <- Links, is_pid(Other)] ++ [Other || {process, Other} <- Monitors, is_pid(Other)]);
        _ -> true
    end.

await_volley() ->
    [{_, Ends}] = ets:lookup(far, volley_ends),
    case now_ms() =< Ends of
        true -> timer:sleep(Ends - now_ms() + 1), await_volley();
        false -> ok
    end.

now_ms() -> erlang:monotonic_time(millisecond).

deaths() ->
    receive
        {'DOWN', _, process, Pid, Reason} ->
            side:note("~s died of ~s", [side:name_of(Pid), side:words_of(Reason)]),
            deaths();
        {'EXIT', _, Reason} -> exit({a_server_died, Reason})
    after 0 -> ok
    end.

pid_of(N) ->
    [{N, Pid}] = ets:lookup(pids, N),
    Pid.

bring_up(N) ->
    case ets:lookup(pids, N) of
        [{N, Pid}] -> case is_process_alive(Pid) of true -> ok; false -> spawn_puppet(N) end;
        [] -> spawn_puppet(N)
    end.

spawn_puppet(N) ->
    Pid = spawn_opt(fun() -> puppet([], [], 0) end, [{priority, high}]),
    ets:insert(pids, {N, Pid}),
    side:begins("p" ++ integer_to_list(N), Pid),
    erlang:monitor(process, Pid).

reset(_, _) ->
    [begin exit(Pid, kill), settle() end || {_, Pid} <- ets:tab2list(pids)],
    [erlang:cancel_timer(Timer) || {N, Timer} <- ets:tab2list(far), is_integer(N)],
    ets:match_delete(far, {'$1', '_'}),
    ets:insert(far, {volley_ends, now_ms() - 1}),
    side:drain(),
    side:notes(),
    [ets:delete_all_objects(T) || T <- [lives, pids]],
    [bring_up(N) || N <- [0, 1, 2, 3]].

name(N) -> list_to_atom("name" ++ integer_to_list(N)).

carry_out("spawn", First, _, _) -> bring_up(First), "ok";
carry_out("whereis", _, Second, _) ->
    case whereis(name(Second)) of undefined -> "nobody"; Pid -> side:name_of(Pid) end;
carry_out("unregister", _, Second, _) -> badarg_unless(fun() -> unregister(name(Second)) end);
carry_out(Word, First, Second, Text) ->
    Pid = pid_of(First),
    Ref = erlang:monitor(process, Pid),
    Pid ! {do, Word, First, Second, Text, self(), Ref},
    receive
        {Ref, Said} -> erlang:demonitor(Ref, [flush]), Said;
        {'DOWN', Ref, process, _, _} -> "none"
    end.

badarg_unless(Do) -> try Do(), "ok" catch _:_ -> "badarg" end.

%% ---- The puppet

puppet(Refs, Groups, Ticks) ->
    receive
        {do, Word, First, Second, Text, From, Ref} ->
            {Said, Refs1, Groups1} = case do(Word, First, Second, Text, Refs, Groups) of
                                         {_, _, _} = All -> All;
                                         Only -> {Only, Refs, Groups}
                                     end,
            From ! {Ref, Said},
            puppet(Refs1, Groups1, 0);
        {tick, N} ->
            hear("tick ~b, its ~b", [N, Ticks + 1]),
            puppet(Refs, Groups, Ticks + 1);
        {'EXIT', Pid, Reason} ->
            hear("exit ~s ~s", [side:name_of(Pid), side:words_of(Reason)]),
            puppet(Refs, Groups, Ticks);
        {'DOWN', _, process, {Name, _}, Reason} ->
            hear("down of a name, ~s ~s", [Name, side:words_of(Reason)]),
            puppet(Refs, Groups, Ticks);
        {'DOWN', _, process, Pid, Reason} ->
            hear("down ~s ~s", [side:name_of(Pid), side:words_of(Reason)]),
            puppet(Refs, Groups, Ticks);
        {Ref, Event, Group, Pids} when is_reference(Ref) ->
            [hear("~s ~b ~s", [Event, Group, side:name_of(Pid)]) || Pid <- Pids],
            puppet(Refs, Groups, Ticks);
        {hello, From} ->
            hear("hello ~s ", [side:name_of(From)]),
            puppet(Refs, Groups, Ticks)
    end.

hear(Format, Values) -> side:note("~s hears " ++ Format, [side:name_of(self()) | Values]).

do("link", _, To, _, _, _) ->
    %% A link to the dead is an error here for who does not trap exits, and an exit signal there: docs/erlang.md.
    try link(pid_of(To)) catch error:noproc -> exit(noproc) end,
    "ok";
do("unlink", _, To, _, _, _) -> unlink(pid_of(To)), "ok";
do("monitor", Self, Self, _, _, _) -> "self"; %% of oneself there is none here, and one that never fires there: docs/erlang.md
do("monitor", _, To, _, Refs, Groups) -> {"ok", [erlang:monitor(process, pid_of(To)) | Refs], Groups};
do("demonitor", _, _, _, [], _) -> "ok";
do("demonitor", _, _, _, [Ref | Refs], Groups) ->
    {atom_to_list(erlang:demonitor(Ref, [flush, info])), Refs, Groups};
do("trap", _, On, _, _, _) -> atom_to_list(process_flag(trap_exit, On > 1));
do("exit", _, To, Text, _, _) -> exit(pid_of(To), side:term_of(Text)), "ok";
do("die", _, _, Text, _, _) -> exit(side:term_of(Text));
do("crash", First, _, _, _, _) -> 1 div (First - First);
do("send", _, To, _, _, _) -> pid_of(To) ! {hello, self()}, "ok";

do("register", _, N, _, _, _) -> badarg_unless(fun() -> register(name(N), self()) end);
do("lend", First, N, _, _, _) -> badarg_unless(fun() -> register(name(N), pid_of((First + 1) rem 4)) end);
do("sendname", _, N, _, _, _) -> badarg_unless(fun() -> name(N) ! {hello, self()} end);
do("watchname", _, N, _, Refs, Groups) -> {"ok", [erlang:monitor(process, name(N)) | Refs], Groups};
do("enter", _, N, _, _, _) -> atom_to_list(global:register_name(N rem 3, self()));
do("withdraw", _, N, _, _, _) ->
    case global:whereis_name(N rem 3) of
        Pid when Pid =:= self() -> global:unregister_name(N rem 3), "yes";
        _ -> "no"
    end;
do("find", _, N, _, _, _) -> side:name_of(global:whereis_name(N rem 3));
do("via", _, N, _, _, _) -> badarg_unless(fun() -> global:send(N rem 3, {hello, self()}) end);

do("join", First, Who, _, _, _) ->
    %% The dead join and leave at once there, which is heard; here they do not join: docs/erlang.md.
    case is_process_alive(pid_of(Who)) of
        true -> atom_to_list(pg:join(groups, First rem 2, pid_of(Who)));
        false -> "ok"
    end;
do("leave", First, Who, _, _, _) -> atom_to_list(pg:leave(groups, First rem 2, pid_of(Who)));
do("members", _, N, _, _, _) -> members(pg:get_members(groups, N rem 2));
do("observe", _, N, _, Refs, Groups) ->
    {Ref, Members} = pg:monitor(groups, N rem 2),
    {members(Members), Refs, [Ref | Groups]};
do("unobserve", _, _, _, _, []) -> "none";
do("unobserve", _, _, _, Refs, [Ref | Groups]) -> {atom_to_list(pg:demonitor(groups, Ref)), Refs, Groups};

do("volley", _, To, Text, _, _) -> volley(To, Text, 2);
do("far", _, To, _, _, _) -> far(pid_of(To));
do("farname", _, N, _, _, _) -> far(name(N));
do(Word, _, N, _, _, _) ->
    Count = ets:info(far, size) - 1,
    case Count > N of
        true ->
            [{_, Timer}] = ets:lookup(far, Count - 1 - N),
            Left = case Word of "cancel" -> erlang:cancel_timer(Timer); "left" -> erlang:read_timer(Timer) end,
            case Left of false -> "gone"; _ -> "left" end;
        false -> "none"
    end.

members(Pids) ->
    [lists:flatten([io_lib:format("p~b,", [N]) || Pid <- Pids, Pid =:= pid_of(N)]) || N <- [0, 1, 2, 3]].

far(To) ->
    ets:insert(far, {ets:info(far, size) - 1, erlang:send_after(3600 * 1000, To, {tick, -1})}),
    "ok".

%% Which comes when stands in the text: a digit for each, 9 for one that is cancelled as soon as it is set.
volley(To, Text, Ahead) ->
    Begin = now_ms() + Ahead,
    Timers = [begin
                  Timer = erlang:send_after(Begin + Digit - $0, Whom, {tick, N}, [{abs, true}]),
                  Digit =:= $9 andalso erlang:cancel_timer(Timer),
                  Timer
              end || {N, Digit, Whom} <- lists:zip3([0, 1, 2, 3], Text, [pid_of(To), name(To), self(), pid_of(To)])],
    ets:insert(far, {volley_ends, Begin + 10}),
    case now_ms() < Begin of
        true -> "ok";
        false ->
            [erlang:cancel_timer(Timer) || Timer <- Timers],
            volley(To, Text, Ahead * 2)
    end.
