%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The rows of bench/ in Erlang, as its users would write them: processes and receive, gen_server for calls, supervisor for
%% restarts. What each row is, bench/README.md says; each checks what ours checks.
%%
%%      erl -noshell +S 1:1 -pa DIR -run rows main NAME WORKERS MILLISECONDS
%%
%% A row is tried with growing numbers of operations, which warms it up, and then done with as many as take the time wanted; one
%% that takes longer from the start is not done again.
-module(rows).
-export([main/1]).
-export([init/1, handle_call/3, handle_cast/2]).

main([Name, Workers, Ms]) ->
    Want = list_to_integer(Ms) * 1000000,
    case row(list_to_atom(Name)) of
        none -> halt(3);
        {Unit, Run} ->
            {Ops, Ns} = case Name of
                "spawn_idle_100000" -> Run(100000);
                "quiet_chatter_1000" -> Run(3000);
                _ -> measure(Run, 1000, Want)
            end,
            io:format("{\"peer\":\"erlang\",\"name\":\"~s\",\"workers\":~s,\"unit\":\"~s\",\"runs\":1,\"ops\":~b,"
                      "\"ns_per_op\":~.2f~s}~n", [Name, Workers, Unit, Ops, Ns / Ops, besides()]),
            halt(0)
    end.

measure(Run, Ops, Want) ->
    {Done, Ns} = Run(Ops),
    if
        Ns < Want div 64 -> measure(Run, Ops * 8, Want);
        Ns < Want div 8 -> measure(Run, Ops * 3, Want);
        Ns > Want -> {Done, Ns};
        true -> Run(Want * Done div Ns + 1)
    end.

row(pingpong_1) -> {message, fun(Ops) -> pingpong(1, Ops) end};
row(pingpong_1000) -> {message, fun(Ops) -> pingpong(1000, Ops) end};
row(ring_503) -> {hop, fun(Ops) -> ring(503, Ops) end};
row(ring_10000) -> {hop, fun(Ops) -> ring(10000, Ops) end};
row(fanin_2) -> {message, fun(Ops) -> fanin(2, Ops) end};
row(fanin_16) -> {message, fun(Ops) -> fanin(16, Ops) end};
row(fanin_1000) -> {message, fun(Ops) -> fanin(1000, Ops) end};
row(fanout_1000) -> {message, fun(Ops) -> fanout(1000, Ops) end};
row(spawn_idle_100000) -> {actor, fun idle/1};
row(quiet_chatter_1000) -> {tick, fun(Ops) -> quiet(1000, Ops) end};
row(big_512) -> {message, fun(Ops) -> big(512, Ops) end};
row(skynet_1000000) -> {actor, fun(_) -> skynet(1000000) end};
row(fib_27) -> {actor, fun(_) -> fork_join(27) end};
row(spawn_exit) -> {actor, fun spawn_exit/1};
row(call_1) -> {call, fun(Ops) -> call(1, Ops) end};
row(call_64) -> {call, fun(Ops) -> call(64, Ops) end};
row(timer_set_cancel) -> {timer, fun timers/1};
row(size_16) -> {message, fun(Ops) -> sizes(16, Ops) end};
row(size_1024) -> {message, fun(Ops) -> sizes(1024, Ops) end};
row(size_65536) -> {message, fun(Ops) -> sizes(65536, Ops) end};
row(chameneos_100) -> {meeting, fun(Ops) -> chameneos(100, Ops) end};
row(restart_exit) -> {restart, fun(Ops) -> restart(1, one_for_one, Ops) end};
row(restart_all_100) -> {crash, fun(Ops) -> restart(100, one_for_all, Ops) end};
row(_) -> none.

%% What a row has put aside for its line.
besides() ->
    case {get(bytes_each), get(waits)} of
        {undefined, undefined} -> "";
        {undefined, Waits} -> percentiles(lists:sort(Waits), length(Waits));
        {Bytes, _} -> io_lib:format(",\"bytes_per_actor\":~b", [Bytes])
    end.

percentiles(Waits, N) ->
    At = fun(I) -> lists:nth(I, Waits) end,
    io_lib:format(",\"p50_ns\":~b,\"p99_ns\":~b,\"p999_ns\":~b,\"max_ns\":~b",
                  [At(N div 2 + 1), At(N - N div 100), At(N - N div 1000), At(N)]).

now_ns() -> erlang:monotonic_time(nanosecond).

%% Runs Fun with Pids that it may use, and ends them.
timed(Pids, Done, Fun) ->
    Began = now_ns(),
    Fun(),
    Ended = now_ns(),
    [exit(Pid, kill) || Pid <- Pids],
    {Done, Ended - Began}.

await(_, 0) -> ok;
await(What, N) -> receive What -> await(What, N - 1) end.

%% ---- Messages --------------------------------------------------------------------------

pingpong(Pairs, Ops) ->
    Strokes = Ops div Pairs div 2 + 1,
    Self = self(),
    Pongers = [spawn(fun ponger/0) || _ <- lists:seq(1, Pairs)],
    Pingers = [spawn(fun() -> receive go -> ping(Ponger, 1, Strokes) end, Self ! done end) || Ponger <- Pongers],
    timed(Pongers, 2 * Strokes * Pairs, fun() -> [P ! go || P <- Pingers], await(done, Pairs) end).

ponger() -> receive {ball, From, Number} -> From ! {ball, Number}, ponger() end.

ping(_, Number, Strokes) when Number > Strokes -> ok;
ping(Ponger, Number, Strokes) ->
    Ponger ! {ball, self(), Number},
    receive {ball, Number} -> ping(Ponger, Number + 1, Strokes) end.

ring(N, Hops) ->
    Self = self(),
    First = spawn(fun() -> receive {next, Next} -> runner(Next, Self) end end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> runner(Next, Self) end) end, First, lists:seq(2, N)),
    First ! {next, Last},
    Result = timed([], Hops, fun() -> First ! Hops - 1, await(done, 1) end),
    First ! stop,
    Result.

runner(Next, Parent) ->
    receive
        0 -> Parent ! done, runner(Next, Parent);
        stop -> Next ! stop;
        Left -> Next ! Left - 1, runner(Next, Parent)
    end.

%% The receiver of many keeps its queue off its heap, as who writes one would have it: the collector does not walk it.
fanin(N, Ops) ->
    Each = Ops div N + 1,
    Self = self(),
    Receiver = spawn_opt(fun() -> count(N * Each, #{}), Self ! done end, [{message_queue_data, off_heap}]),
    Senders = [spawn(fun() -> receive go -> send_items(Receiver, I, 0, Each) end end) || I <- lists:seq(1, N)],
    timed([], N * Each, fun() -> [S ! go || S <- Senders], await(done, 1) end).

count(0, _) -> ok;
count(Left, Due) ->
    receive
        {item, Sender, Number} ->
            Number = maps:get(Sender, Due, 0),
            count(Left - 1, Due#{Sender => Number + 1})
    end.

send_items(_, _, Each, Each) -> ok;
send_items(To, I, Number, Each) -> To ! {item, I, Number}, send_items(To, I, Number + 1, Each).

fanout(N, Ops) ->
    Rounds = Ops div N + 1,
    Self = self(),
    Receivers = [spawn(fun() -> subscribe(0, Rounds), Self ! done end) || _ <- lists:seq(1, N)],
    Publisher = spawn(fun() -> receive go -> publish(Receivers, 0, Rounds) end end),
    timed([], N * Rounds, fun() -> Publisher ! go, await(done, N) end).

publish(_, Rounds, Rounds) -> ok;
publish(Receivers, Number, Rounds) ->
    [R ! {page, Number} || R <- Receivers],
    publish(Receivers, Number + 1, Rounds).

subscribe(Rounds, Rounds) -> ok;
subscribe(Due, Rounds) -> receive {page, Due} -> subscribe(Due + 1, Rounds) end.

big(N, Ops) ->
    Rounds = max(20, Ops div (2 * N * (N - 1)) + 1),
    Self = self(),
    Players = [spawn(fun() -> receive {others, All} -> player(Self, All -- [self()], Rounds, N - 1) end end)
               || _ <- lists:seq(1, N)],
    [P ! {others, Players} || P <- Players],
    await(ready, N),
    timed(Players, 2 * Rounds * N * (N - 1), fun() -> [P ! go || P <- Players], await(done, N) end).

player(Parent, Others, Rounds, N) ->
    Parent ! ready,
    receive go -> ok end,
    play(Others, 1, Rounds, N),
    Parent ! done,
    answer().

answer() -> receive {ping, From, Round} -> From ! {pong, Round}, answer() end.

play(_, Round, Rounds, _) when Round > Rounds -> ok;
play(Others, Round, Rounds, N) ->
    [Other ! {ping, self(), Round} || Other <- Others],
    hear(Round, N),
    play(Others, Round + 1, Rounds, N).

hear(_, 0) -> ok;
hear(Round, Left) ->
    receive
        {ping, From, Of} -> From ! {pong, Of}, hear(Round, Left);
        {pong, Round} -> hear(Round, Left - 1)
    end.

%% An open loop: a tick every millisecond, Erlang's shortest sleep, whether or not those before have been answered.
quiet(N, Ticks) ->
    Self = self(),
    [begin
         Ponger = spawn(fun ponger/0),
         spawn(fun() -> ping(Ponger, 1, infinity) end)
     end || _ <- lists:seq(1, N div 2)],
    Answerer = spawn(fun answerer/0),
    Asker = spawn(fun() -> ask(Self, Answerer, Ticks, []) end),
    timed([Asker, Answerer], Ticks, fun() -> send_ticks(Asker, Ticks), receive {waits, Waits} -> put(waits, Waits) end end).

send_ticks(_, 0) -> ok;
send_ticks(Asker, Left) ->
    Asker ! {tick, now_ns()},
    receive after 1 -> send_ticks(Asker, Left - 1) end.

ask(Parent, _, 0, Waits) -> Parent ! {waits, Waits};
ask(Parent, Answerer, Left, Waits) ->
    receive
        {tick, Sent} -> Answerer ! {question, self(), Sent}, ask(Parent, Answerer, Left, Waits);
        {answer, Sent} -> ask(Parent, Answerer, Left - 1, [now_ns() - Sent | Waits])
    end.

answerer() -> receive {question, From, Sent} -> From ! {answer, Sent}, answerer() end.

sizes(Size, Ops) ->
    Self = self(),
    Load = binary:copy(<<1>>, Size - 1),
    Drain = spawn(fun() -> drain(Self, 0, Ops, Size) end),
    Source = spawn(fun() -> receive go -> source(Drain, Load, 0, Ops, 64) end end),
    timed([Source], Ops, fun() -> Source ! go, await(done, 1) end).

%% Each message bears bytes of its own.
source(_, _, Ops, Ops, _) -> receive never -> ok end;
source(Drain, Load, Sent, Ops, 0) -> receive receipt -> source(Drain, Load, Sent, Ops, 32) end;
source(Drain, Load, Sent, Ops, Room) ->
    Drain ! {parcel, self(), Sent, <<Sent:8, Load/binary>>},
    source(Drain, Load, Sent + 1, Ops, Room - 1).

drain(Parent, Ops, Ops, _) -> Parent ! done;
drain(Parent, Received, Ops, Size) ->
    receive
        {parcel, From, Received, <<First:8, _/binary>> = Load} when byte_size(Load) =:= Size ->
            First = Received band 255,
            case (Received + 1) rem 32 of 0 -> From ! receipt; _ -> ok end,
            drain(Parent, Received + 1, Ops, Size)
    end.

chameneos(N, Ops) ->
    Self = self(),
    Mall = spawn(fun() -> mall(Ops, none), Self ! done, closed() end),
    Creatures = [spawn(fun() -> receive go -> creature(Mall, Self, I rem 3, 0) end end) || I <- lists:seq(1, N)],
    Result = timed([], Ops, fun() -> [C ! go || C <- Creatures], await(done, 1) end),
    Met = lists:sum([receive {met, M} -> M end || _ <- Creatures]),
    exit(Mall, kill),
    Met = 2 * Ops,
    Result.

creature(Mall, Parent, Colour, Met) ->
    Mall ! {request, self(), Colour},
    receive
        {meeting, Whom, Other} when Whom =/= self() -> creature(Mall, Parent, change(Colour, Other), Met + 1);
        closed -> Parent ! {met, Met}
    end.

change(Colour, Colour) -> Colour;
change(Colour, Other) -> 3 - Colour - Other.

mall(0, none) -> ok;
mall(Left, none) -> receive {request, Who, Colour} -> mall(Left, {Who, Colour}) end;
mall(Left, {First, FirstColour}) ->
    receive
        {request, Second, Colour} ->
            First ! {meeting, Second, Colour},
            Second ! {meeting, First, FirstColour},
            mall(Left - 1, none)
    end.

closed() -> receive {request, Who, _} -> Who ! closed, closed() end.

%% ---- Lives -------------------------------------------------------------------------------

skynet(Leaves) ->
    Self = self(),
    {_, Ns} = timed([], Leaves, fun() ->
        spawn(fun() -> skynet(Self, 0, Leaves) end),
        Sum = Leaves * (Leaves - 1) div 2,
        receive {sum, Sum} -> ok end
    end),
    {1111111, Ns}.

skynet(Parent, Number, 1) -> Parent ! {sum, Number};
skynet(Parent, First, Leaves) ->
    Self = self(),
    Each = Leaves div 10,
    [spawn(fun() -> skynet(Self, First + I * Each, Each) end) || I <- lists:seq(0, 9)],
    Parent ! {sum, lists:sum([receive {sum, Sum} -> Sum end || _ <- lists:seq(1, 10)])}.

fork_join(N) ->
    Self = self(),
    Sum = fib(N),
    timed([], 2 * fib(N + 1) - 1, fun() ->
        spawn(fun() -> fork(Self, N) end),
        receive {sum, Sum} -> ok end
    end).

fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).

fork(Parent, N) when N < 2 -> Parent ! {sum, N};
fork(Parent, N) ->
    Self = self(),
    spawn(fun() -> fork(Self, N - 1) end),
    spawn(fun() -> fork(Self, N - 2) end),
    Parent ! {sum, receive {sum, A} -> receive {sum, B} -> A + B end end}.

spawn_exit(Ops) ->
    Batches = Ops div 1000 + 1,
    timed([], Batches * 1000, fun() -> [mayflies(1000) || _ <- lists:seq(1, Batches)] end).

mayflies(N) ->
    Self = self(),
    [spawn(fun() -> Self ! present end) || _ <- lists:seq(1, N)],
    await(present, N).

%% Each has answered once.
idle(N) ->
    Self = self(),
    Before = resident(),
    Result = timed([], N, fun() ->
        Pids = [spawn(fun() -> sleeper(Self) end) || _ <- lists:seq(1, N)],
        [P ! roll_call || P <- Pids],
        await(present, N)
    end),
    put(bytes_each, (resident() - Before) div N),
    Result.

sleeper(Parent) -> receive roll_call -> Parent ! present, sleeper(Parent) end.

resident() ->
    {ok, File} = file:open("/proc/self/statm", [read]),
    {ok, Line} = file:read_line(File),
    file:close(File),
    4096 * list_to_integer(lists:nth(2, string:lexemes(Line, " \n"))).

%% ---- Calls, timers, restarts -----------------------------------------------------------------

call(N, Ops) ->
    Each = Ops div N + 1,
    Self = self(),
    {ok, Oracle} = gen_server:start(?MODULE, oracle, []),
    Clients = [spawn(fun() -> receive go -> call_often(Oracle, Each) end, Self ! done end) || _ <- lists:seq(1, N)],
    timed([Oracle], N * Each, fun() -> [C ! go || C <- Clients], await(done, N) end).

call_often(_, 0) -> ok;
call_often(Oracle, Number) ->
    Twice = 2 * Number,
    {answer, Twice} = gen_server:call(Oracle, {question, Number}, 5000),
    call_often(Oracle, Number - 1).

timers(Ops) ->
    timed([], Ops, fun() -> set_and_cancel(Ops) end).

set_and_cancel(0) -> ok;
set_and_cancel(Left) ->
    Timer = erlang:send_after(5000, self(), alarm_call),
    true = is_integer(erlang:cancel_timer(Timer)),
    set_and_cancel(Left - 1).

restart(Children, Strategy, Ops) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    {ok, Tree} = supervisor:start_link(?MODULE, {tree, self(), Children, Strategy}),
    First = hear_ready(Children),
    Result = timed([], Ops, fun() -> reap(First, Children, Strategy, Ops) end),
    exit(Tree, shutdown),
    receive {'EXIT', Tree, _} -> ok end,
    Result.

hear_ready(1) -> receive {ready, Pid} -> Pid end;
hear_ready(Left) -> receive {ready, _} -> hear_ready(Left - 1) end.

reap(_, _, _, 0) -> ok;
reap(Victim, Children, Strategy, Left) ->
    gen_server:cast(Victim, crash),
    Ready = case Strategy of one_for_one -> 1; one_for_all -> Children end,
    reap(hear_ready(Ready), Children, Strategy, Left - 1).

init(oracle) -> {ok, 0};
init({victim, Reaper}) -> Reaper ! {ready, self()}, {ok, 0};
init({tree, Reaper, Children, Strategy}) ->
    Each = [#{id => I, start => {gen_server, start_link, [?MODULE, {victim, Reaper}, []]}}
            || I <- lists:seq(1, Children)],
    {ok, {#{strategy => Strategy, intensity => 100000, period => 1}, Each}}.

handle_call({question, Number}, _, Answered) -> {reply, {answer, 2 * Number}, Answered + 1}.

handle_cast(crash, _) -> exit(told_to_crash).
