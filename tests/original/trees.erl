%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of trees.c, in Erlang: the same orders, the same words, with OTP's supervisor.
%%
%% Supervisor and children have the priority high, and there is one scheduler: when the one who gives the orders, of priority
%% normal, goes on after it has waited for somebody like itself, none of them has anything left to do, but that each child is of
%% priority normal when it begins: so it waits as often as children may begin.
-module(trees).
-behaviour(supervisor).
-export([main/0, init/1, start_child/1, child_init/1]).

main() ->
    logger:set_primary_config(level, none), %% crashes are part of it
    process_flag(trap_exit, true),
    %% Who needs code that is not there yet waits for it, longer than it takes the others to come to rest; so does who prints with ~p.
    ok = code:ensure_modules_loaded([supervisor, gen_server, gen, proc_lib, sys, io_lib, io_lib_format, io_lib_pretty,
                                     lists, proplists, string, maps, error_logger, logger]),
    ets:new(modes, [public, named_table]),
    ets:new(lives, [public, named_table]),
    ets:new(events, [public, named_table, ordered_set]),
    loop(none).

loop(Tree) ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            Text = string:trim(Line),
            loop(order(Tree, Text, string:lexemes(Text, " ")))
    end.

order(Tree, _, []) -> Tree;
order(Tree, Text, ["reset", _, Strategy, Intensity, Restarts]) ->
    stop(Tree),
    [ets:delete_all_objects(T) || T <- [modes, lives, events]],
    Specs = [spec(Id, R - $0) || {Id, R} <- lists:zip([0, 1, 2], Restarts)],
    {ok, New} = supervisor:start_link(?MODULE, {list_to_integer(Strategy), list_to_integer(Intensity), Specs}),
    io:format("~s~n", [Text]),
    print_all(New),
    New;
order(Tree, Text, [Word, First, Second, Reason]) ->
    Said = try carry_out(Tree, Word, list_to_integer(First), list_to_integer(Second), list_to_atom(Reason))
           catch exit:_ -> "noproc" end,
    io:format("~s -> ~s~n", [Text, Said]),
    print_all(Tree),
    Tree.

stop(none) -> ok;
stop(Tree) ->
    Ref = erlang:monitor(process, Tree),
    exit(Tree, shutdown),
    receive {'DOWN', Ref, process, _, _} -> ok end,
    drain().

drain() -> receive _ -> drain() after 0 -> ok end.

%% ---- The tree and its children

init({Strategy, Intensity, Specs}) ->
    process_flag(priority, high),
    Strategies = {one_for_one, one_for_all, rest_for_one},
    {ok, {#{strategy => element(1 + Strategy rem 3, Strategies), intensity => Intensity, period => 3600}, Specs}}.

id(N) -> list_to_atom("c" ++ integer_to_list(N)).

spec(N, Restart) ->
    #{id => id(N), start => {?MODULE, start_child, [N]},
      restart => element(1 + Restart rem 3, {permanent, transient, temporary})}.

start_child(N) -> proc_lib:start_link(?MODULE, child_init, [N]).

child_init(N) ->
    process_flag(priority, high),
    Mode = case ets:lookup(modes, N) of [{N, M}] -> M; [] -> 0 end,
    case Mode of
        0 ->
            process_flag(trap_exit, true),
            Life = ets:update_counter(lives, {count, N}, 1, {{count, N}, -1}),
            ets:insert(lives, {self(), io_lib:format("~s.~b", [id(N), Life])}),
            event("~s begins", [name_of(self())]),
            proc_lib:init_ack({ok, self()}),
            child();
        1 ->
            event("~s ignores", [id(N)]),
            proc_lib:init_ack(ignore);
        2 ->
            event("~s fails", [id(N)]),
            proc_lib:init_ack({error, bad}),
            exit(bad)
    end.

%% Told to end by its parent or by us, it says so; a kill it does not see.
child() ->
    receive
        {ending, Reason} -> ends(Reason);
        {'EXIT', _, Reason} -> ends(Reason)
    end.

ends(Reason) ->
    event("~s ends of ~s", [name_of(self()), Reason]),
    exit(Reason).

event(Format, Values) ->
    Text = lists:flatten(io_lib:format("  " ++ Format, Values)),
    ets:insert(events, {erlang:unique_integer([monotonic]), Text}).

name_of(Pid) ->
    case ets:lookup(lives, Pid) of
        [{Pid, Name}] -> Name;
        [] -> "nobody"
    end.

%% ---- Orders

carry_out(_, "mode", First, Second, _) -> ets:insert(modes, {First, Second rem 3}), "ok";
carry_out(Tree, "start", First, Second, _) -> said(supervisor:start_child(Tree, spec(First, Second)));
carry_out(Tree, "terminate", First, _, _) -> said(supervisor:terminate_child(Tree, id(First)));
carry_out(Tree, "restart", First, _, _) -> said(supervisor:restart_child(Tree, id(First)));
carry_out(Tree, "delete", First, _, _) -> said(supervisor:delete_child(Tree, id(First)));
carry_out(Tree, Word, First, _, Reason) ->
    All = try supervisor:which_children(Tree) catch exit:_ -> [] end,
    case lists:keyfind(id(First), 1, All) of
        {_, Pid, _, _} when is_pid(Pid) ->
            case Word of
                "kill" -> exit(Pid, kill);
                "die" -> Pid ! {ending, Reason}
            end,
            "ok";
        _ -> "none"
    end.

said(ok) -> "ok";
said({ok, undefined}) -> "ok";
said({ok, Pid}) -> name_of(Pid);
said({error, {already_started, _}}) -> "already_started";
said({error, Known}) when Known == not_found; Known == running; Known == restarting; Known == already_present ->
    atom_to_list(Known);
said({error, _}) -> "error".

%% ---- What has come of it

settle() -> [wait_for_another() || _ <- lists:seq(1, 100)].

wait_for_another() ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> ok end.

print_all(Tree) ->
    settle(),
    [io:format("~s~n", [Text]) || {_, Text} <- ets:tab2list(events)],
    ets:delete_all_objects(events),
    receive
        {'EXIT', Tree, Reason} -> io:format("  tree died of ~s~n", [Reason])
    after 0 -> ok
    end,
    drain(),
    try {supervisor:which_children(Tree), supervisor:count_children(Tree)} of
        {All, Count} -> print_children(lists:reverse(All), Count)
    catch exit:_ -> ok
    end.

print_children(All, Count) ->
    [io:format("  ~s is ~s~n", [Id, case Child of
                                          Pid when is_pid(Pid) -> name_of(Pid);
                                          Other -> atom_to_list(Other)
                                      end]) || {Id, Child, _, _} <- All],
    [Specs, Active, Workers] = [proplists:get_value(K, Count) || K <- [specs, active, workers]],
    io:format("  ~b specs, ~b active, ~b workers~n", [Specs, Active, Workers]).
