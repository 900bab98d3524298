%% Copyright (c) 2026 The Coppice authors. MIT licence.
%%
%% The other side of servers.c, in Erlang: the same orders, the same words, with OTP's gen_server.
%%
%% Servers and clients have the priority high, and there is one scheduler: see puppets.erl.
-module(servers).
-behaviour(gen_server).
-export([main/0, begin_all/0, reset/2, carry_out/4, settle/0, order/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

main() -> side:main(?MODULE).

order() -> by_actor.

begin_all() ->
    ets:new(servers, [public, named_table]),
    ets:new(clients, [public, named_table]),
    ets:new(busy, [public, named_table]),
    ets:new(timed, [public, named_table]).

%% ---- The server. Its state: its number, how much it has handled, who waits.

note(Format, Values) -> side:note("~s " ++ Format, [side:name_of(self()) | Values]).

init({Number, Mode}) ->
    side:note("~s begins", [side:begins("s" ++ integer_to_list(Number), self())]),
    State = {Number, 0, []},
    case Mode of
        "ignore" -> ignore;
        "bad" -> {stop, bad};
        "crash" -> {1 div (Number - Number), State};
        "trap" -> process_flag(trap_exit, true), {ok, State};
        "continue" -> {ok, State, {continue, x}};
        "idle" -> {ok, State, 0};
        _ -> {ok, State}
    end.

handle_continue(x, {Number, Handled, Waiting}) ->
    note("continues", []),
    {noreply, {Number, Handled + 100, Waiting}}.

handle_info(timeout, State) -> note("idles", []), {noreply, State};
handle_info({'EXIT', Pid, Reason}, State) ->
    note("hears exit ~s ~s", [side:name_of(Pid), side:words_of(Reason)]),
    {noreply, State}.

%% After a crash there is none here: docs/erlang.md.
terminate(Reason, _) ->
    Why = side:words_of(Reason),
    Why =:= "crash" orelse note("terminates of ~s", [Why]).

handle_call(Script, From, {Number, Before, Waiting}) ->
    note("is asked to ~s", [Script]),
    Handled = Before + 1,
    State = {Number, Handled, Waiting},
    Said = integer_to_list(Handled),
    case Script of
        "later" -> {noreply, {Number, Handled, Waiting ++ [From]}};
        "release" -> {reply, Said, release(State)};
        "another" -> {reply, outcome(fun() -> gen_server:call(server((Number + 1) rem 3), "reply", infinity) end), State};
        "continue" -> {reply, Said, State, {continue, x}};
        "idle" -> {reply, Said, State, 0};
        "crash" -> {reply, Handled div (Number - Number), State};
        "stop:" ++ Why -> {stop, side:term_of(Why), State};
        "reply_stop:" ++ Why -> {stop, side:term_of(Why), Said, State};
        "reply" -> {reply, Said, State}
    end.

handle_cast(Script, {Number, Before, Waiting}) ->
    note("is told to ~s", [Script]),
    Handled = Before + 1,
    State = {Number, Handled, Waiting},
    case Script of
        "release" -> {noreply, release(State)};
        "continue" -> {noreply, State, {continue, x}};
        "idle" -> {noreply, State, 0};
        "crash" -> {noreply, Handled div (Number - Number)};
        "stop:" ++ Why -> {stop, side:term_of(Why), State};
        "count" -> {noreply, State}
    end.

release({_, _, []} = State) -> State;
release({Number, Handled, [From | Waiting]}) ->
    gen_server:reply(From, "released"),
    {Number, Handled, Waiting}.

outcome(Call) ->
    try Call() of Reply -> "reply " ++ Reply
    catch exit:{Reason, {gen_server, call, _}} -> failure(Reason)
    end.

failure(noproc) -> "noproc";
failure(timeout) -> "timeout";
failure(Reason) -> lists:flatten(["died ", side:words_of(Reason)]).

%% ---- The client

client(Requests) ->
    receive
        {errand, Word, Server, Text} ->
            After = errand(Word, server(Server), Text, Requests),
            ets:delete(busy, self()),
            client(After)
    end.

errand("call", To, Text, Requests) ->
    note("has ~s", [outcome(fun() -> gen_server:call(To, Text, infinity) end)]),
    Requests;
errand("hurry", To, _, Requests) ->
    ets:insert(timed, {self()}),
    Outcome = case outcome(fun() -> gen_server:call(To, "later", 1) end) of
                  "timeout" -> case is_process_alive(To) of true -> "timeout"; false -> "noproc" end; %% the machine was slow
                  Other -> Other
              end,
    ets:delete(timed, self()),
    note("has ~s", [Outcome]),
    Requests;
errand("cast", To, Text, Requests) -> gen_server:cast(To, Text), Requests;
errand("poke", To, Text, Requests) -> exit(To, side:term_of(Text)), Requests;
errand("ask", To, Text, Requests) -> [gen_server:send_request(To, Text) | Requests];
errand("poll", _, _, []) -> [];
errand("poll", _, _, [Request | Others] = Requests) ->
    [erlang:yield() || _ <- lists:seq(1, 10)], %% who is about its end tells of it a while after
    case gen_server:wait_response(Request, 0) of
        timeout -> note("has timeout", []), Requests;
        {reply, Reply} -> note("has reply ~s", [Reply]), Others;
        {error, {Reason, _}} -> note("has ~s", [failure(Reason)]), Others
    end.

%% ---- Orders

server(N) ->
    case ets:lookup(servers, N) of [{N, Pid}] -> Pid; [] -> none end.

is_running(none) -> false;
is_running(Pid) -> is_process_alive(Pid).

start(N, Mode) ->
    Options = [{spawn_opt, [{priority, high}]}],
    case is_running(server(N)) of
        true -> "running";
        false ->
            Started = case Mode of
                          "named" -> gen_server:start_link({local, one}, ?MODULE, {N, Mode}, Options);
                          _ -> gen_server:start_link(?MODULE, {N, Mode}, Options)
                      end,
            case Started of
                {ok, Pid} ->
                    ets:insert(servers, {N, Pid}),
                    erlang:monitor(process, Pid),
                    "ok";
                ignore -> "ignore";
                {error, {already_started, _}} -> "already_started";
                {error, Reason} -> ["error ", side:words_of(Reason)]
            end
    end.

reset(_, _) ->
    [exit(Pid, kill) || Table <- [clients, servers], {_, Pid} <- ets:tab2list(Table)],
    settle(),
    side:drain(),
    [ets:delete_all_objects(T) || T <- [lives, servers, clients, busy, timed]],
    [begin
         start(N, "plain"),
         Client = spawn_opt(fun() -> client([]) end, [{priority, high}]),
         side:begins("c" ++ integer_to_list(N), Client),
         ets:insert(clients, {N, Client})
     end || N <- [0, 1, 2]],
    side:notes().

carry_out("start", N, _, Mode) -> start(N, Mode);
carry_out("stop", N, _, Reason) ->
    try gen_server:stop(server(N), side:term_of(Reason), infinity), "ok"
    catch exit:Why -> failure(Why)
    end;
carry_out("order", N, _, Reason) -> exit(server(N), side:term_of(Reason)), "ok";
carry_out(Word, First, Second, Text) ->
    [{_, Client}] = ets:lookup(clients, First),
    case ets:insert_new(busy, {Client}) of
        true -> Client ! {errand, Word, Second, Text}, "ok";
        false -> "busy"
    end.

%% ---- What has come of it

wait_for_another() ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> ok end.

settle() ->
    [wait_for_another() || _ <- lists:seq(1, 20)],
    case [Pid || {Pid} <- ets:tab2list(timed), is_process_alive(Pid)] of
        [] -> deaths();
        _ -> timer:sleep(1), settle()
    end.

deaths() ->
    receive
        {'DOWN', _, process, Pid, Reason} ->
            side:note("~s died of ~s", [side:name_of(Pid), side:words_of(Reason)]),
            deaths();
        _ -> deaths()
    after 0 -> ok
    end.
