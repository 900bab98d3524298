%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of trees.c, in Erlang: the same orders, the same words, with OTP's supervisor.
%%
%% Supervisor and children have the priority high, and there is one scheduler: when the one who gives the orders, of priority
%% normal, goes on after it has waited for somebody like itself, none of them has anything left to do, but that each child is of
%% priority normal when it begins: so it waits as often as children may begin.
-module(trees).
-behaviour(supervisor).
-export([main/0, begin_all/0, reset/2, carry_out/4, settle/0, order/0, init/1, start_child/1, child_init/1]).

main() -> side:main(?MODULE).

order() -> case is_dynamic() of true -> by_actor; false -> as_it_happened end.

begin_all() ->
    ets:new(modes, [public, named_table]),
    ets:new(tree, [public, named_table]),
    ets:insert(tree, {tree, none, 0}).

tree() -> ets:lookup_element(tree, tree, 2).
is_dynamic() -> ets:lookup_element(tree, tree, 3) =:= $3.

reset(_, [Strategy, Intensity | Restarts]) ->
    stop(tree()),
    side:notes(),
    [ets:delete_all_objects(T) || T <- [modes, lives]],
    ets:insert(tree, {tree, none, Strategy}),
    Specs = case Strategy of
                $3 -> [(spec(0, hd(Restarts) - $0))#{start => {?MODULE, start_child, []}}];
                _ -> [spec(Id, R - $0) || {Id, R} <- lists:zip([0, 1, 2], Restarts)]
            end,
    {ok, New} = supervisor:start_link(?MODULE, {Strategy - $0, Intensity - $0, Specs}),
    ets:insert(tree, {tree, New, Strategy}).

stop(none) -> ok;
stop(Tree) ->
    Ref = erlang:monitor(process, Tree),
    exit(Tree, shutdown),
    receive {'DOWN', Ref, process, _, _} -> ok end,
    side:drain().

%% ---- The tree and its children

init({Strategy, Intensity, Specs}) ->
    process_flag(priority, high),
    Strategies = {one_for_one, one_for_all, rest_for_one, simple_one_for_one},
    {ok, {#{strategy => element(1 + Strategy, Strategies), intensity => Intensity, period => 3600}, Specs}}.

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
            side:note("~s begins", [side:begins(atom_to_list(id(N)), self())]),
            proc_lib:init_ack({ok, self()}),
            child();
        1 ->
            side:note("~s ignores", [id(N)]),
            proc_lib:init_ack(ignore);
        2 ->
            side:note("~s fails", [id(N)]),
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
    side:note("~s ends of ~s", [side:name_of(self()), side:words_of(Reason)]),
    exit(Reason).

%% ---- Orders

carry_out(Word, First, Second, Text) ->
    try do(tree(), Word, First, Second, side:term_of(Text)) catch exit:_ -> "noproc" end.

do(_, "mode", First, Second, _) -> ets:insert(modes, {First, Second rem 3}), "ok";
do(Tree, "start", First, Second, _) ->
    said(supervisor:start_child(Tree, case is_dynamic() of true -> [First]; false -> spec(First, Second) end));
do(Tree, "terminate", First, _, _) ->
    case is_dynamic() of
        false -> said(supervisor:terminate_child(Tree, id(First)));
        true ->
            case runs_as(Tree, First) of
                Pid when is_pid(Pid) -> said(supervisor:terminate_child(Tree, Pid));
                _ -> "none"
            end
    end;
do(Tree, "restart", First, _, _) -> said(supervisor:restart_child(Tree, id(First)));
do(Tree, "delete", First, _, _) -> said(supervisor:delete_child(Tree, id(First)));
do(Tree, Word, First, _, Reason) ->
    case try runs_as(Tree, First) catch exit:_ -> none end of
        Pid when is_pid(Pid) ->
            case Word of
                "kill" -> exit(Pid, kill);
                "die" -> Pid ! {ending, Reason}
            end,
            "ok";
        _ -> "none"
    end.

%% A dynamic one knows no ids: the youngest with that name.
runs_as(Tree, N) ->
    All = supervisor:which_children(Tree),
    case is_dynamic() of
        false ->
            case lists:keyfind(id(N), 1, All) of {_, Pid, _, _} -> Pid; false -> none end;
        true ->
            Id = atom_to_list(id(N)),
            Named = [{side:name_of(Pid), Pid} || {_, Pid, _, _} <- All, is_pid(Pid)],
            case lists:reverse(lists:sort([Both || {Name, _} = Both <- Named, lists:prefix(Id, Name)])) of
                [{_, Pid} | _] -> Pid;
                [] -> none
            end
    end.

said(ok) -> "ok";
said({ok, undefined}) -> "ok";
said({ok, Pid}) -> side:name_of(Pid);
said({error, {already_started, _}}) -> "already_started";
said({error, Known}) when Known == not_found; Known == running; Known == restarting; Known == already_present;
                          Known == simple_one_for_one ->
    atom_to_list(Known);
said({error, _}) -> "error".

%% ---- What has come of it

wait_for_another() ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> ok end.

settle() ->
    [wait_for_another() || _ <- lists:seq(1, 100)],
    Tree = tree(),
    receive
        {'EXIT', Tree, Reason} -> side:note("tree died of ~s", [side:words_of(Reason)])
    after 0 -> ok
    end,
    side:drain(),
    try {supervisor:which_children(Tree), supervisor:count_children(Tree)} of
        {All, Count} -> note_children(is_dynamic(), All, Count)
    catch exit:_ -> ok
    end.

note_children(true, All, Count) ->
    [side:note("~s", [Text]) || Text <- lists:sort([["one is ", state(Child)] || {_, Child, _, _} <- All])],
    side:note("~b active, ~b workers", [proplists:get_value(K, Count) || K <- [active, workers]]);
note_children(false, All, Count) ->
    [side:note("~s is ~s", [Id, state(Child)]) || {Id, Child, _, _} <- lists:reverse(All)],
    [Specs, Active, Workers] = [proplists:get_value(K, Count) || K <- [specs, active, workers]],
    side:note("~b specs", [Specs]),
    side:note("~b active, ~b workers", [Active, Workers]).

state(Pid) when is_pid(Pid) -> side:name_of(Pid);
state(Other) -> atom_to_list(Other).
