#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The program `coppice` against the shop: one command, a pipe, a file, exit codes, what goes
# to which output, several nodes, samples/shell.sh; and at a terminal, where tmux is there.
#
#       tests/shell_client.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$(CDPATH='' cd -- "${1:-${COPPICE_BUILD:?"usage: tests/shell_client.sh BUILD_DIR"}}" && pwd)
coppice=$build/coppice
shop=$build/samples/shop
if ! [ -x "$coppice" ] || ! [ -x "$shop" ]; then
        echo "shell_client: the client or the shop is not built: skipped"
        exit 77
fi

work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work/run" XDG_STATE_HOME="$work/state" LC_ALL=C.UTF-8
mkdir -m 700 "$work/run"
pids=
tmux_socket=coppice-test-$$

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
        for pid in $pids; do
                kill -TERM "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
        ! command -v tmux >/dev/null 2>&1 || tmux -L "$tmux_socket" kill-server 2>/dev/null || true
        rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

failures=0
fail() {
        echo "shell_client: $*" >&2
        failures=$((failures + 1))
}

# start NAME: a shop under that name, until the end of the test.
start() {
        "$shop" --name "$1" </dev/null >"$work/$1.log" 2>&1 &
        pids="$pids $!"
        "$coppice" -n "$1" --wait 20000 await clerk 20000 >/dev/null
}

# run CODE COMMAND...: runs it, with its outputs in files, and checks its exit code.
run() {
        expected=$1
        shift
        code=0
        "$@" >"$work/out" 2>"$work/err" || code=$?
        [ "$code" -eq "$expected" ] || fail "'$*' ended with $code, not $expected: $(cat "$work/err")"
}

# same FILE TEXT: the whole of an output.
same() {
        printf '%s' "$2" | cmp -s - "$work/$1" ||
                fail "expected on std$1: '$2'; found: '$(cat "$work/$1")'"
}

has() {
        grep -qF -- "$2" "$work/$1" || fail "expected '$2' on std$1; found: '$(cat "$work/$1")'"
}

line() {
        printf '%s\n' "$@"
}

# --- without a node ----------------------------------------------------------

run 3 "$coppice" self
same err "$(line 'coppice: no node runs')
"
run 3 "$coppice" -n shop self
has err 'coppice: no node called shop runs'
run 0 "$coppice" nodes
same out ''
run 2 "$coppice" --no-such-option
has err "no option is called '--no-such-option'"
run 2 "$coppice" -n
run 2 "$coppice" --wait soon self
run 2 "$coppice" -f file self
run 2 "$coppice" dump
run 2 "$coppice" dump one two
run 2 "$coppice" dump "$work/no-such-dump"
run 64 "$shop" --no-such-option
run 0 "$coppice" --help
has out 'usage: coppice'
run 0 "$coppice" --version
has out 'coppice '
run 3 "$coppice" -n "$work/none.sock" self
run 3 "$coppice" -n ../x self # a path, and nobody is there
has err 'coppice: no node called ../x runs'
run 3 "$coppice" -n '%n%s' self
has err 'coppice: no node called %n%s runs'

mkdir -m 700 "$work/file"
: >"$work/file/coppice"
code=0
XDG_RUNTIME_DIR="$work/file" "$coppice" nodes >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 3 ] || fail "a file in the place of the folder ended with $code"
has err "coppice: $work/file/coppice: is no folder"
code=0
XDG_RUNTIME_DIR="$work/file" "$coppice" self >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 3 ] || fail "a file in the place of the folder ended with $code, where a node was to be chosen"

# Whoever names no node waits for any.
"$coppice" --wait 20000 whereis shop >"$work/waited" 2>&1 &
waits=$!

# --- one command -------------------------------------------------------------

start shop
wait "$waits" || true # the shop may be in the middle of its start
grep -q "<0\\|no actor is called shop" "$work/waited" || fail "who waited for any node found none: $(cat "$work/waited")"
run 0 "$coppice" -n shop call till '#bill{pence = 900, people = 3}'
same out '#share{pence_each = 300, number = 1}
'
same err ''
run 0 "$coppice" call till '#bill{pence' = 900, people = '2}' # the only node, words joined
same out '#share{pence_each = 450, number = 2}
'
# For programs.
run 0 "$coppice" -n shop --json call till '#bill{pence = 900, people = 3}'
same out '{"kind":"share","pence_each":300,"number":3}
'
if [ -e /dev/full ]; then
        code=0
        "$coppice" -n shop regs >/dev/full 2>"$work/err" || code=$?
        [ "$code" -eq 1 ] || fail "a result that could not be written ended with code $code"
fi
run 1 "$coppice" -n shop -j whereis nobody
same out ''
grep -q '^{"error":"\*\* no actor is called nobody' "$work/err" || fail "the error is no JSON: $(cat "$work/err")"
# As JSON all that goes wrong is, whoever says it.
printf 'whereis nobody\nself\n' >"$work/wrong"
run 1 "$coppice" -n shop -j -f "$work/wrong"
[ "$(grep -c '^{"error":".*"}$' "$work/err") $(wc -l <"$work/err")" = "2 2" ] ||
        fail "not each complaint about a script is JSON: $(cat "$work/err")"
run 3 "$coppice" -n nobody -j self
same err '{"error":"coppice: no node called nobody runs: nobody listens at '"$XDG_RUNTIME_DIR"'/coppice/nobody.sock"}
'
run 2 "$coppice" -n shop -j -f "$work/no-such-file"
grep -q '^{"error":"coppice: .*no-such-file cannot be read: ' "$work/err" || fail "a file that cannot be read is no JSON: $(cat "$work/err")"
run 0 "$coppice" --json nodes
grep -q '^\[{"name":"shop","process":[0-9]*}\]$' "$work/out" || fail "the nodes are no JSON: $(cat "$work/out")"

run 0 "$coppice" -n "$XDG_RUNTIME_DIR/coppice/shop.sock" whereis till
has out '<0.'
run 1 "$coppice" -n shop call till '#bill{pence = 900, people = 0}'
same out ''
has err '** till <0.'
has err 'crashed: integer division by zero'
has err 'till_on_bill'
has err 'handling #bill{pence = 900, people = 0} from <0.'
has err 'shop restarted it as <0.'
run 0 "$coppice" -n shop call till '#bill{pence = 900, people = 3}'
same out '#share{pence_each = 300, number = 1}
'
run 1 "$coppice" -n shop call tlil x
has err 'did you mean till?'
run 1 "$coppice" -n shop call till '#bill{penc = 1}'
same err "** expected a field of bill (pence, people), found 'penc'
   call till #bill{penc = 1}
                   ^
"
run 0 "$coppice" nodes
has out 'shop'
run 1 "$coppice" -n shop nosuchcommand
run 0 "$coppice" -n shop -- self
# Standard input or output that is closed is nothing to read, and nowhere to write; no number of theirs is the socket's.
# Counters, where lines are counted, open files of their own.
if [ -z "${LLVM_PROFILE_FILE:-}" ]; then
        code=0
        timeout 20 "$coppice" -n shop <&- >"$work/out" 2>"$work/err" || code=$?
        [ "$code" -eq 0 ] || fail "with its input closed it ended with $code"
        code=0
        timeout 20 "$coppice" -n shop self >&- 2>"$work/err" || code=$?
        [ "$code" -eq 1 ] || fail "with its output closed it ended with $code, as if somebody had read the answer"
fi

# --- what is said comes back as it was said ---------------------------------

run 1 "$coppice" -n shop call '%n%s%n' x
has err '%n%s%n'
run 1 "$coppice" -n shop 'buy%n%s%n'
has err 'buy%n%s%n'

# --- a node whose workers are all stuck, and the spare ones, too -------------

"$build/tests/standstill" --workers 2 </dev/null >"$work/standstill.log" 2>&1 &
still=$!
pids="$pids $still"
# 18 are on their workers for long; two more wait for one.
tries=0
"$coppice" -n standstill --wait 20000 self >/dev/null
until [ "$("$coppice" -n standstill stuck 2>/dev/null | grep -c ' reader')" = 18 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || break
        sleep 0.05
done
run 0 "$coppice" -n standstill stuck
[ "$(grep -c ' reader' "$work/out")" -eq 18 ] || fail "not all are stuck: $(cat "$work/out")"
has out 'read'
run 0 "$coppice" -n standstill i
has out 'reader19'
has out 'clerk'
run 0 "$coppice" -n standstill tree
has out 'gate'
run 1 "$coppice" -n standstill call clerk '#question{number = 1}' 50
has err 'clerk did not answer within 50 ms'
kill -KILL "$still"

# --- commands from a pipe and from a file ------------------------------------

cat >"$work/script" <<'END'
% a comment, and a blank line

call till #bill{pence = 10, people = 2}
whereis nobody
whereis shop % the end
END
printf '#share{pence_each = 5, number = 2}\n' >"$work/first"

run 1 "$coppice" -n shop -f "$work/script"
cmp -s "$work/out" "$work/first" || fail "the script did not end at its first error"
has err 'no actor is called nobody'
has err "stopped at line 4 of $work/script; --keep-going runs on"

run 1 "$coppice" -n shop --keep-going -f "$work/script"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "--keep-going did not go on: $(cat "$work/out")"

code=0
"$coppice" -n shop <"$work/script" >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 1 ] || fail "a pipe with an error ended with $code"
has err 'stopped at line 4 of standard input'

printf 'self\nquit\nwhereis nobody\n' >"$work/quits"
run 0 "$coppice" -n shop -f "$work/quits"
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "quit did not end the script"

printf 'whereis till' >"$work/unended"
run 0 "$coppice" -n shop --echo -f "$work/unended"
has out 'shop@here 1> whereis till'
has out '<0.'

run 2 "$coppice" -n shop -f "$work/no-such-file"
has err 'cannot be read'

: >"$work/empty"
run 0 "$coppice" -n shop -f "$work/empty"
run 2 "$coppice" -n shop -f "$work" # a folder
same out ''

# A session is an actor from its first to its last line: what came in between is there.
printf 'self\ntill ! #bill{pence = 8, people = 4}\ncall clerk #report{}\nflush\n' >"$work/mail"
run 0 "$coppice" -n shop -f "$work/mail"
has out 'got #share{pence_each = 2, number = '

# --- several nodes -----------------------------------------------------------

start shed
run 3 "$coppice" -j self
same err '{"error":"coppice: several nodes run; -n NAME says which one is meant"}
'
run 3 "$coppice" self
has err 'several nodes run; -n NAME says which one is meant:'
has err 'shed'
has err 'shop'
run 0 "$coppice" -n shed self
run 1 "$coppice" -n shed exit
run 0 "$coppice" nodes
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "nodes did not list two: $(cat "$work/out")"

# A second program of the same name runs, without a console.
"$shop" --name shed </dev/null >"$work/second.log" 2>&1 &
second=$!
pids="$pids $second"
tries=0
until grep -q "no console: a node called shed runs already" "$work/second.log" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 1000 ] || break
        sleep 0.02
done
grep -q 'no console: a node called shed runs already, in process' "$work/second.log" ||
        fail "a second shed was not told of the first: $(cat "$work/second.log")"

# Killing clients harms nothing.
"$coppice" -n shed await nobody 60000 >/dev/null 2>&1 &
waits=$!
"$coppice" -n shed self >/dev/null
kill -KILL "$waits"
wait "$waits" 2>/dev/null || true
run 0 "$coppice" -n shed self

# The end of the node ends the client.
printf 'self\nawait nobody 60000\n' | "$coppice" -n shed >"$work/lost" 2>"$work/err" &
waits=$!
tries=0
until grep -q "<0" "$work/lost" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || break
        sleep 0.02
done
for pid in $pids; do
        [ "$pid" = "${pids##* }" ] || last_but_one=$pid
done
kill -TERM "$last_but_one"
code=0
wait "$waits" || code=$?
[ "$code" -eq 1 ] || fail "a client whose node ended, ended with $code"
wait "$last_but_one" || fail "the shed did not end with 0"
[ ! -e "$XDG_RUNTIME_DIR/coppice/shed.sock" ] || fail "the shed left its socket"

# One that is killed takes no leave; a single command says so as well.
visitors() {
        "$coppice" -n cabin --json i | grep -o '"status":"visiting"' | wc -l
}
start cabin
cabin=${pids##* }
before=$(visitors)
"$coppice" -n cabin await nobody 60000 >"$work/lone" 2>&1 &
waits=$!
"$coppice" -n cabin -j await nobody 60000 >"$work/lone_json" 2>&1 &
waits_too=$!
tries=0
until [ "$(visitors)" -gt $((before + 1)) ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || break
        sleep 0.02
done
kill -KILL "$cabin"
code=0
wait "$waits" || code=$?
[ "$code" -eq 1 ] || fail "a command whose node was killed ended with $code"
grep -qF '** the node cabin has ended' "$work/lone" || fail "a lost command did not say so: $(cat "$work/lone")"
code=0
wait "$waits_too" || code=$?
[ "$code" -eq 1 ] || fail "a command in JSON whose node was killed ended with $code"
printf '{"error":"** the node cabin has ended"}\n' | cmp -s - "$work/lone_json" ||
        fail "a lost command did not say so in JSON: $(cat "$work/lone_json")"

# --- samples/shell.sh --------------------------------------------------------

script=$here/../samples/shell.sh
if [ -e "$script" ]; then
        run 0 sh "$script" "$build" whereis shop
        [ -e "$XDG_RUNTIME_DIR/coppice/shop.sock" ] || fail "shell.sh stopped a shop that it had not started"
        mkdir -m 700 "$work/alone"
        code=0
        printf 'call till #bill{pence = 9, people = 3}\nwhereis nobody\nself\n' |
                XDG_RUNTIME_DIR="$work/alone" sh "$script" "$build" >"$work/out" 2>"$work/err" || code=$?
        [ "$code" -eq 1 ] || fail "shell.sh did not pass on the exit code: $code"
        same out '#share{pence_each = 3, number = 1}
'
        [ ! -e "$work/alone/coppice/shop.sock" ] || fail "shell.sh left its shop running"
        # Ctrl-\, for which a script's & would make it deaf.
        if command -v setsid >/dev/null && env --default-signal=QUIT true 2>/dev/null; then
                # shellcheck disable=SC3045 # dash has it, and where it is missing there is only a core file more
                ulimit -c 0 || true
                XDG_RUNTIME_DIR="$work/alone" setsid env --default-signal=QUIT sh "$script" "$build" await nobody 20000 >"$work/out" 2>&1 &
                quits=$!
                XDG_RUNTIME_DIR="$work/alone" "$coppice" -n shop --wait 20000 await clerk 20000 >"$work/out"
                kill -s QUIT -- "-$quits"
                wait "$quits" 2>"$work/err" || true
                [ ! -e "$work/alone/coppice/shop.sock" ] || fail "shell.sh left its shop running at Ctrl-\\"
        fi
fi

# --- at a terminal -----------------------------------------------------------

# shows TEXT: until the screen has it.
shows() {
        tries=0
        until tmux -L "$tmux_socket" capture-pane -p -t client | grep -qF -- "$1"; do
                tries=$((tries + 1))
                [ "$tries" -lt 500 ] || {
                        fail "the terminal did not show '$1': $(tmux -L "$tmux_socket" capture-pane -p -t client)"
                        return 0
                }
                sleep 0.02
        done
}

type_keys() {
        tmux -L "$tmux_socket" send-keys -t client "$@"
}

# open_terminal OPTIONS...: the client in a terminal of its own, called client.
open_terminal() {
        tmux -L "$tmux_socket" new-session -d -x 120 -y 50 -s client \
                "XDG_RUNTIME_DIR='$XDG_RUNTIME_DIR' XDG_STATE_HOME='$XDG_STATE_HOME' LC_ALL=C.UTF-8 '$coppice' $*; echo \"ended with \$?\"; sleep 60"
}

at_a_terminal() {
        open_terminal -n shop || return 0
        shows 'shop@here 1>'
        type_keys 'call till #bill{pence = 6, people = 3}' Enter
        shows '#share{pence_each = 2, number = '
        type_keys 'half a line'
        shows '> half a line'
        # News comes above the line, which stays.
        "$coppice" -n shop call till '#bill{}' >/dev/null 2>&1 || true
        shows '** till <0.'
        shows '2> half a line'
        type_keys C-c
        type_keys 'await nobody 60000' Enter
        shows '> await nobody 60000'
        # An interrupt before the wait has begun cancels nothing: so until it has.
        tries=0
        until tmux -L "$tmux_socket" capture-pane -p -t client | grep -qF '** interrupted'; do
                tries=$((tries + 1))
                [ "$tries" -lt 100 ] || break
                type_keys C-c
                sleep 0.1
        done
        shows '** interrupted'
        if [ -e "$build/CMakeCache.txt" ] && grep -q 'COPPICE_libedit_LIBRARY:.*=/' "$build/CMakeCache.txt"; then
                type_keys 'wherei' Tab 'cl' Tab
                shows '> whereis clerk'
                type_keys C-c
                type_keys 't' Tab # there are several
                shows 'terminate  '
                type_keys C-c
                type_keys 'call till #bil' Tab 'peo' Tab '3, ' Tab '9}' Enter
                shows '> call till #bill{people = 3, pence = 9}'
                shows '#share{pence_each = 3, number = '
                [ "$(stat -c %a "$XDG_STATE_HOME/coppice/history")" = 600 ] ||
                        fail "others may read the history"
        fi
        type_keys C-d
        shows 'ended with 0'
        tmux -L "$tmux_socket" kill-server
}

# Where there are several nodes, it asks for one; and when that ends, so does the client.
at_a_terminal_among_nodes() {
        start shack
        open_terminal || return 0
        shows 'which node?'
        type_keys '3' Enter
        shows 'expected a number from 1 to 2, or a name'
        type_keys 'shop' Enter
        shows 'shop@here 1>'
        type_keys C-d
        shows 'ended with 0'
        tmux -L "$tmux_socket" rename-session -t client another # the server ends with its last session
        open_terminal || return 0
        shows 'which node?'
        type_keys C-d # none of them
        shows 'ended with 3'
        tmux -L "$tmux_socket" rename-session -t client third
        open_terminal || return 0
        shows 'which node?'
        type_keys '1' Enter
        shows 'shack@here 1>'
        kill -KILL "${pids##* }"
        type_keys 'self' Enter
        shows '** the node shack has ended'
        shows 'ended with 1'
}

if command -v tmux >/dev/null 2>&1; then
        at_a_terminal
        at_a_terminal_among_nodes
else
        echo "shell_client: no tmux here: the terminal was not tried"
fi

[ "$failures" -eq 0 ] || exit 1
echo "shell_client: the client does what it should"
