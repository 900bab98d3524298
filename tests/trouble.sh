#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A node whose surroundings fail: its log goes to a disk that is full, or to a pipe that nobody reads, and the wall clock is nothing
# it relies on.
#
#       tests/trouble.sh BUILD_DIR
set -eu

name=trouble
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=tests/parts/shop.sh
. "$here/parts/shop.sh"
if ! [ -e /dev/full ]; then
        echo "trouble: there is no /dev/full: skipped"
        exit 77
fi

# Each line of the log fails, also those of a crash; the node does not care.
"$shop" </dev/null >/dev/full 2>/dev/full &
process=$!
"$coppice" -n shop --wait 20000 await clerk 20000 >/dev/null
"$coppice" -n shop 'call till #bill{pence = 900, people = 0}' >/dev/null 2>&1 && fail "a bill for nobody was split"
"$coppice" -n shop await till 20000 >/dev/null
answer=$("$coppice" -n shop 'call till #bill{pence = 900, people = 3}')
case $answer in
*pence_each*300*) ;;
*) fail "after a crash whose report could not be written it answered: $answer" ;;
esac
kill -TERM "$process"
code=0
wait "$process" || code=$?
process=
[ "$code" -eq 0 ] || fail "it ended with $code, not 0"

# A full pipe that nobody reads, as of a pager that is left alone, and Ctrl-S: the node answers, and says later what was lost.
crash() {
        "$coppice" -n shop 'call till #bill{pence = 900, people = 0}' >/dev/null 2>&1 && fail "a bill for nobody was split"
        "$coppice" -n shop await till 20000 >/dev/null
}
mkfifo "$work/pipe"
exec 9<>"$work/pipe"
dd if=/dev/zero of="$work/pipe" bs=4096 count=1000 oflag=nonblock 2>/dev/null || true
"$shop" </dev/null >/dev/null 2>&9 &
process=$!
"$coppice" -n shop --wait 20000 await clerk 20000 >/dev/null
crash
answer=$("$coppice" -n shop 'call till #bill{pence = 900, people = 3}')
case $answer in
*pence_each*300*) ;;
*) fail "with a log that nobody reads it answered: $answer" ;;
esac
dd if="$work/pipe" of=/dev/null bs=4096 iflag=nonblock 2>/dev/null || true
crash
timeout 20 grep -a -q 'of the log before this w.* lost: nobody read' <&9 || fail "it does not say what was lost"
kill -TERM "$process"
wait "$process" || fail "it did not end well"
process=
exec 9>&-

# run OPTIONS...: a shop that answers, with cores as the caller has allowed them, in a folder of its own.
run() {
        (cd "$work" && exec "$shop" "$@" </dev/null >"$work/log" 2>&1) &
        process=$!
        "$coppice" -n shop --wait 20000 await clerk 20000 >/dev/null
}

# ends_by SIGNAL CODE: that signal from outside ends it, with that code and a report that blames no actor.
ends_by() {
        kill "-$1" "$process"
        code=0
        wait "$process" || code=$?
        process=
        [ "$code" -eq "$2" ] || fail "after SIG$1 it ended with $code, not $2"
        grep -q "the node stops: somebody has sent a signal" "$work/log" || fail "no report of SIG$1"
        grep -q "a signal from process $$ of user $(id -u), SIG$1" "$work/log" || fail "nobody is named for SIG$1"
        ! grep -q "while running" "$work/log" || fail "an actor is blamed for SIG$1"
}

# A signal from outside is nobody's fault here. The code is the program's, unless it wants to die by the signal.
# shellcheck disable=SC3045 # dash has it
ulimit -S -c 0
run
ends_by SEGV 70
grep -q "the process ends with exit code 70" "$work/log" || fail "the code is not told"
run --fault-code 99
ends_by ABRT 99
run --fault-code 0
ends_by SEGV 139
code=0
"$shop" --fault-code 256 >"$work/log" 2>&1 || code=$?
[ "$code" -eq 64 ] || fail "a code that is none ended with $code"
grep -q -- "--fault-code: expected 0 to 255, found '256'" "$work/log" || fail "nothing was said of a code that is none"

# With core dumps on, a copy of the process leaves one, with its threads. Elsewhere it is the system's affair where they go.
core_is_here() {
        # shellcheck disable=SC3045
        ulimit -S -c unlimited 2>/dev/null && [ "$(cat /proc/sys/kernel/core_pattern)" = core ] &&
                command -v readelf >/dev/null
}
core=
if core_is_here; then
        run --workers 3
        ends_by SEGV 70
        grep -q "its core dump is that of process [0-9]" "$work/log" || fail "no core is told of"
        core=$(find "$work" -maxdepth 1 -name 'core*')
        threads=$(readelf -n "$core" 2>/dev/null | grep -c NT_PRSTATUS)
        [ "$threads" -ge 5 ] || fail "the core has $threads threads, not the main one, three workers and the console's"
fi

# Time-outs count by the monotonic clock, so a wall clock that jumps moves none. Where time-outs are made it is not read.
# shellcheck disable=SC2015 # none found is what is wanted
readers=$(cd -- "$here/.." && grep -lE 'CLOCK_REALTIME|gettimeofday|[^a-z_]time\(' base/*.c mailbox/*.c scheduler/*.c \
        supervisor/*.c actors/timer*.c actors/wait.c || true)
[ -z "$readers" ] || fail "the wall clock is read in: $readers"
echo "trouble: a signal from outside ends the node with a code${core:+ and a core} of its own"
echo "trouble: a log that nobody reads costs the log and nothing else, and what was lost is said"
echo "trouble: a full disk costs the log and nothing else, and the wall clock is only printed"
