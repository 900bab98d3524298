#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The shop from its opening to its end, as one sees it from another terminal, and then a studio with a decoder in an OS process: what is said to it
# stands in demo.coppice, part by part, and the program `coppice` says it. At last a shop is killed from outside, and its heart
# starts it again.
#
#   usage: demo.sh BUILD_DIR
set -eu

build=$1
name=shop
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
script=$here/demo.coppice
work=$(mktemp -d)
shop=

# A console of its own: a shop that runs already is not talked to.
export XDG_RUNTIME_DIR="$work"

clean_up() {
        if [ -n "$shop" ]; then
                kill "$shop" 2>/dev/null || :
                wait "$shop" 2>/dev/null || :
        fi
        rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT QUIT TERM

fail() {
        echo "demo.sh: $*" >&2
        cat "$work/log" >&2
        exit 1
}

narrate() {
        printf '\n== %s\n' "$*"
}

coppice() {
        "$build/coppice" -n "$name" "$@" 2>&1
}

# Starts the program, with these words, and waits until its tree stands.
open_shop() {
        "$build/samples/$name" "$@" >"$work/log" 2>&1 &
        shop=$!
        tries=0
        until coppice await clerk >"$work/answer"; do
                kill -0 "$shop" 2>/dev/null || fail "the $name ended before it was open"
                tries=$((tries + 1))
                [ $tries -lt 200 ] || fail "the $name does not answer: $(cat "$work/answer")"
                sleep 0.05
        done
}

# Says one line to the program, and shows it.
say() {
        printf '%s\n' "$1" >"$work/part"
        coppice --echo -f "$work/part"
}

# The OS process that the decoder lives in, as the shell tells it.
decoder_process() {
        coppice info decoder | sed -n 's/.*its own process, \([1-9][0-9]*\)$/\1/p'
}

# Waits until the decoder lives in another process than that.
await_another() {
        tries=0
        until now=$(decoder_process) && [ -n "$now" ] && [ "$now" != "$1" ]; do
                tries=$((tries + 1))
                [ $tries -lt 200 ] || fail "the decoder has not come back"
                sleep 0.05
        done
}

# Waits for the shop's end, which must have the given exit code.
see_end() {
        code=0
        wait "$shop" || code=$?
        shop=
        [ $code -eq "$1" ] || fail "the $name ended with exit code $code, not $1"
        echo "the $name has ended with exit code $code"
}

# The n-th part of the script, its title first.
part() {
        awk -v wanted="$1" '/^%[%!]/ { part++ } part == wanted' "$script"
}

say_part() {
        part "$1" >"$work/part"
        title=$(head -n 1 "$work/part")
        narrate "${title#%? }"
        code=0
        coppice --echo --keep-going -f "$work/part" || code=$?
        case $title in
        %!*) [ $code -ne 0 ] || fail "this part should have shown a failure" ;;
        *) [ $code -eq 0 ] || fail "this part ended with exit code $code" ;;
        esac
}

# The last two parts of the script are the end of one shop and the beginning of another.
parts=$(grep -c '^%[%!]' "$script")
loop=$((parts - 1))

narrate "A shop opens: a program of its own, and this is another terminal."
open_shop
i=1
while [ $i -lt $loop ]; do
        say_part $i
        i=$((i + 1))
done

narrate "Five seconds pass. Then the restart above no longer counts."
sleep 5
say_part $loop
see_end 3
echo "its last words: $(tail -n 1 "$work/log")"

open_shop
say_part "$parts"

narrate "SIGTERM: the tree stops in order."
kill -TERM "$shop"
see_end 0

name=studio
narrate "Another program. Its decoder is old C, in an OS process of its own by one word in its child spec."
open_shop
say 'call decoder #picture{runs = <<3, 7>>}'
process=$(decoder_process)
echo "it lives in process $process"

narrate "kill -9 $process: for the program that is the end of an actor like any other."
kill -9 "$process"
await_another "$process"
grep -o '[*][*] decoder.*' "$work/log"
say 'call decoder #picture{runs = <<3, 7>>}' # it waits until the decoder has begun
say tree

narrate "SIGTERM: its process goes with it."
kill -TERM "$shop"
see_end 0
! kill -0 "$now" 2>/dev/null || fail "process $now has outlived the program"

# The process that the shop's node is in; its heart is another.
node_process() {
        cat "$work/coppice/shop.lock"
}

await_another_node() {
        tries=0
        until now=$(node_process) && [ -n "$now" ] && [ "$now" != "$1" ] && coppice await clerk >"$work/answer"; do
                tries=$((tries + 1))
                [ $tries -lt 200 ] || fail "the shop has not come back"
                sleep 0.05
        done
}

name=shop
narrate "The shop with a heart. kill -SEGV from outside is no actor's fault: it ends the program, and the heart starts it again."
# shellcheck disable=SC3045 # dash has it; without, there may be a core file
ulimit -c 0 || :
open_shop --heart --heart-delay 1
say 'call till #bill{pence = 900, people = 3}'
process=$(node_process)
kill -SEGV "$process"
await_another_node "$process"
grep 'heart:' "$work/log"
say 'call till #bill{pence = 900, people = 3}'

narrate "coppice dump: what the node was doing when it ended."
"$build/coppice" --no-lines dump "$work/coppice/shop.dump" >"$work/dump" || fail "its dump cannot be read"
sed -n '1,3p' "$work/dump"
sed -n '/^trees$/,/clerk/p' "$work/dump"

narrate "SIGTERM: the heart ends with its node."
kill -TERM "$shop"
see_end 0
