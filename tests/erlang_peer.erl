%% Copyright (c) 2026 The Coppice authors. MIT licence.
%% What runs on Erlang's node in tests/test_erlang.c: a gen_server that does as it is asked.
-module(erlang_peer).
-behaviour(gen_server).
-export([start/0, tell_parent/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    {ok, _} = pg:start(chat),
    {ok, _} = gen_server:start({local, peer}, ?MODULE, [], []).

%% Spawned from the other side.
tell_parent(To) ->
    To ! process_info(self(), parent).

init([]) ->
    process_flag(trap_exit, true),
    {ok, []}.

%% Erlang does what the other side asks for, and says what came of it.
handle_call(ping, _From, State) ->
    {reply, pong, State};
handle_call({echo, Term}, _From, State) ->
    {reply, Term, State};
handle_call({bill, Pence, People}, _From, State) ->
    {reply, {share, Pence div People, 1}, State};
handle_call({call, Pid, Request}, _From, State) ->
    Reply = try gen_server:call(Pid, Request, 5000) catch exit:{Reason, _} -> {exit, Reason} end,
    {reply, Reply, State};
handle_call({call_many, Nodes, Name, Request}, _From, State) ->
    {reply, gen_server:multi_call(Nodes, Name, Request, 5000), State};
handle_call({eval, Text, Arg}, _From, State) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, [{'Arg', Arg}]),
    {reply, Value, State};
handle_call({send, To, Term}, _From, State) ->
    To ! Term,
    {reply, ok, State};
handle_call({to_held, What}, _From, State) ->
    [To | _] = [Pid || {hold, Pid} <- State],
    {reply, to_held(What, To), State};
handle_call({monitor, To}, _From, State) ->
    {reply, erlang:monitor(process, To), State};
handle_call({link, To}, _From, State) ->
    link(To),
    {reply, ok, State};
handle_call({unlink, To}, _From, State) ->
    unlink(To),
    {reply, ok, State};
handle_call({exit, To, Reason}, _From, State) ->
    exit(To, Reason),
    {reply, ok, State};
handle_call({spawn, {dies, Reason}}, _From, State) ->
    {reply, spawn(fun() -> receive stop -> exit(Reason) end end), State};
handle_call({join, Group}, _From, State) ->
    {reply, pg:join(chat, Group, self()), State};
handle_call({leave, Group}, _From, State) ->
    {reply, pg:leave(chat, Group, self()), State};
handle_call({members, Group}, _From, State) ->
    {reply, {length(pg:get_members(chat, Group)), length(pg:get_local_members(chat, Group))}, State};
handle_call(nodes, _From, State) ->
    {reply, nodes(), State};
handle_call({ping, Node}, _From, State) ->
    {reply, net_adm:ping(Node), State};
handle_call({spawn_at, Node}, _From, State) ->
    Asked = erlang:spawn_request(Node, erlang, node, [], [monitor]),
    Reply = receive {spawn_reply, Asked, Is, Why} -> {Is, Why} end,
    {reply, {Reply, lists:member(Node, nodes())}, State};
handle_call(odd, _From, State) ->
    {reply, {fun() -> ok end, 1 bsl 70, -(1 bsl 63), 18446744073709551615, hd(erlang:ports()), <<5:3>>}, State};
handle_call(seen, _From, State) ->
    {reply, lists:reverse(State), []};
handle_call(hang, _From, State) ->
    {noreply, State};
handle_call({disconnect, Node}, _From, State) ->
    spawn(fun() -> erlang:disconnect_node(Node) end),
    {reply, ok, State};
handle_call(crash, _From, _State) ->
    exit(crashed).

handle_cast(Message, State) ->
    {noreply, [{cast, Message} | State]}.

handle_info({'DOWN', _, process, _, Reason}, State) ->
    {noreply, [{down, Reason} | State]};
handle_info({'EXIT', _, Reason}, State) ->
    {noreply, [{exit, Reason} | State]};
handle_info(Message, State) ->
    {noreply, [Message | State]}.

%% What came of it, for whom it was told of before.
to_held({send, Term}, To) ->
    To ! Term,
    ok;
to_held(monitor, To) ->
    Ref = erlang:monitor(process, To),
    receive {'DOWN', Ref, process, To, Reason} -> Reason end;
to_held(link, To) ->
    link(To),
    receive {'EXIT', To, Reason} -> Reason end;
to_held(call, To) ->
    try gen_server:call(To, hello) catch exit:{Reason, _} -> Reason end.
