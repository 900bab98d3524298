#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# cop_main --heart: a node that dies is started again, with a limit, whoever reads the log; orderly ends and signals go through; nobody is
# left.
#
#       tests/heart.sh BUILD_DIR
set -eu

name=heart
# shellcheck source=tests/parts/shop.sh
. "$(dirname -- "$0")/parts/shop.sh"

# until COMMAND...: looks again and again, for 20 s at most.
await() {
        looks=0
        until "$@" >/dev/null 2>&1; do
                looks=$((looks + 1))
                [ "$looks" -lt 1000 ] || fail "never: $*"
                sleep 0.02
        done
}

# begin OPTIONS...: a heart with a node that answers.
begin() {
        # shellcheck disable=SC3045 # dash has it, and where it is missing there is only a core file more
        ulimit -c 0 || true
        "$shop" --heart --heart-delay 1 "$@" </dev/null >"$work/log" 2>&1 &
        process=$!
        await answers
}

answers() {
        "$coppice" -n shop --wait 20000 await clerk 20000
}

# The node's process, which is not the heart's.
node() {
        cat "$work/run/coppice/shop.lock"
}

is_another_than() {
        [ -s "$work/run/coppice/shop.lock" ] && [ "$(node)" != "$1" ] && [ "$(node)" != "$process" ]
}

is_gone() {
        ! kill -0 "$1" 2>/dev/null
}

# ends CODE: the heart ends with that code, and no node stays.
ends() {
        code=0
        wait "$process" || code=$?
        process=
        [ "$code" -eq "$1" ] || fail "the heart ended with $code, not $1"
        await is_gone "$last"
}

says() {
        grep -q -- "$1" "$work/log" || fail "nothing was said of '$1'"
}

# A node that dies is replaced by one that answers.
begin --heart-limit 2
first=$(node)
kill -SEGV "$first"
await is_another_than "$first"
await answers
says "the process ends with exit code 70"
says "heart: the node was ended by a fault, with code 70 after .* s; starting it again in 1 ms, restart 1 of 2"

# Too often is enough, and the last death is the heart's code.
second=$(node)
kill -KILL "$second"
await is_another_than "$second"
await answers
says "heart: the node died by signal 9 (KILL) after .* s; starting it again in 2 ms, restart 2 of 2" # twice as long
last=$(node)
kill -KILL "$last"
ends 137
says "gave up: 2 restarts, and none of them lived for 60 s"

# A node that dies by the signal, since that is wanted, is one that died; and the last fault is the heart's end.
begin --heart-limit 1 --fault-code 0
first=$(node)
kill -SEGV "$first"
await is_another_than "$first"
await answers
says "heart: the node died by signal 11 (SEGV) after .* s; starting it again in 1 ms, restart 1 of 1"
last=$(node)
kill -SEGV "$last"
ends 139
begin --heart-limit 0
last=$(node)
kill -SEGV "$last"
ends 70

# A tree that gives up is a node that has failed.
begin --heart-limit 0
last=$(node)
for crash in 1 2 3 4; do
        "$coppice" -n shop call till "#bill{pence = $crash}" >/dev/null 2>&1 || true
        [ "$crash" -eq 4 ] || "$coppice" -n shop await till 20000 >/dev/null
done
ends 3
says "heart: the node ended with code 3 after .* s; gave up: 0 restarts"

# SIGTERM to the heart stops the tree in order, and is no reason for a restart.
begin
last=$(node)
kill -TERM "$process"
ends 0
! grep -q "heart:" "$work/log" || fail "the heart spoke of an orderly end"

# A node that was asked to end itself, in order, is not started again.
begin
last=$(node)
kill -TERM "$last"
ends 0

# Whoever kills the heart does not leave an orphan.
begin
last=$(node)
kill -KILL "$process"
wait "$process" 2>/dev/null || true
process=
await is_gone "$last"

# is_replaced: the node is killed, another one answers, and the heart lives until it is asked to end.
is_replaced() {
        await answers
        first=$(node)
        kill -KILL "$first"
        await is_another_than "$first"
        await answers
        last=$(node)
        kill -TERM "$process"
        ends 0
}

# The reader of its log has ended: a heart that said why it starts a node again was ended by SIGPIPE.
mkfifo "$work/pipe"
cat "$work/pipe" >/dev/null &
reader=$!
"$shop" --heart --heart-delay 1 </dev/null >/dev/null 2>"$work/pipe" &
process=$!
await answers
kill -KILL "$reader"
wait "$reader" 2>/dev/null || true
is_replaced

# Nobody reads it, and it is full: a heart waited for ever.
exec 9<>"$work/pipe"
dd if=/dev/zero of="$work/pipe" bs=4096 count=1000 oflag=nonblock 2>/dev/null || true
"$shop" --heart --heart-delay 1 </dev/null >/dev/null 2>&9 &
process=$!
is_replaced
exec 9>&-

# at_terminal COMMAND...: begun at a terminal of its own, as that session's first process; "$process" is the terminal.
at_terminal() {
        [ -p "$work/keys" ] || mkfifo "$work/keys"
        exec 8<>"$work/keys"
        script -qec "exec $*" /dev/null <&8 >"$work/log" 2>&1 &
        process=$!
        await answers
        last=$(node)
        heart=$(cut -d ' ' -f 4 "/proc/$last/stat")
}

is_closed() {
        kill -KILL "$process"
        wait "$process" 2>/dev/null || true
        process=
        exec 8>&-
}

# A terminal that is closed ends both, in order, whether the kernel tells the heart or a shell passes that on. Not where it is ignored.
if command -v script >/dev/null && env --default-signal=QUIT true 2>/dev/null; then
        at_terminal "$shop" --heart --heart-delay 1
        is_closed
        await is_gone "$heart"
        await is_gone "$last"
        cat >"$work/leader" <<'END'
trap 'kill -HUP $job' HUP
"$@" &
job=$!
wait
END
        at_terminal sh "$work/leader" "$shop" --heart --heart-delay 1
        is_closed
        await is_gone "$heart"
        await is_gone "$last"
        at_terminal sh -c "'trap \"\" HUP; exec $shop --heart --heart-delay 1'"
        is_closed
        process=$heart
        kill -KILL "$last"
        await is_another_than "$last"
        await answers
        last=$(node)
        kill -TERM "$heart"
        process=
        await is_gone "$last"

        # And its key that ends what does not heed Ctrl-C ends both. What is begun by a script's & ignores it.
        at_terminal env --default-signal=QUIT "$shop" --heart --heart-delay 1
        printf '\034' >&8
        await is_gone "$heart"
        await is_gone "$last"
        wait "$process" || true
        process=
        exec 8>&-
fi

# A fault whose code is that of wrong words is a fault.
begin --heart-limit 1 --fault-code 64
first=$(node)
kill -SEGV "$first"
await is_another_than "$first"
await answers
last=$(node)
kill -SEGV "$last"
ends 64
says "gave up: 1 restarts"

# Wrong words do not become right by being tried again.
code=0
"$shop" --heart --heart-limit none >"$work/log" 2>&1 || code=$?
[ "$code" -eq 64 ] || fail "wrong words ended with $code"
says "--heart-limit: expected 0 to 1000000, found 'none'"
code=0
"$shop" --heart-delay >"$work/log" 2>&1 || code=$?
[ "$code" -eq 64 ] || fail "an option without its value ended with $code"
says "--heart-delay: expected a value behind it"

# What the last signal from outside found the node doing.
"$coppice" dump "$work/run/coppice/shop.dump" >"$work/dump"
grep -q "a signal from process .*, SIGSEGV" "$work/dump" || fail "the dump does not blame the signal"
echo "heart: a node that dies is started again, and nobody is left behind"
