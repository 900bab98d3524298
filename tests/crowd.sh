#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Many workers on one thread (bench/crowd): the scheduler's own source with up to 64 of them runs every turn once, and they
# do not get into each other's way more than a little. The simulation is the same each time, so the bounds are no matter of luck; they
# leave room for another order of things, not for another order of magnitude.
#
#   usage: crowd.sh BUILD_DIR
set -eu

fail() {
        echo "crowd.sh: $*" >&2
        exit 1
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

cmake --build "$1" --target coppice_crowd >"$work/log" 2>&1 || fail "does not build: $(cat "$work/log")"
"$1/bench/coppice-crowd" --quick >"$work/json" || fail "it ended with $?"
[ "$(grep -c '^{"crowd":' "$work/json")" -eq 24 ] || fail "not a line for each workload: $(cat "$work/json")"

# value WORKLOAD WORKERS FIELD
value() {
        sed -n "s/^{\"crowd\":\"$1\",\"workers\":$2,.*\"$3\":\([0-9.]*\).*/\1/p" "$work/json"
}

# at_most LIMIT WORKLOAD WORKERS FIELD
at_most() {
        limit=$1
        shift
        awk -v value="$(value "$@")" -v limit="$limit" 'BEGIN { exit !(value != "" && value <= limit) }' ||
                fail "$* is $(value "$@"), more than $limit"
}

at_least() {
        limit=$1
        shift
        awk -v value="$(value "$@")" -v limit="$limit" 'BEGIN { exit !(value != "" && value >= limit) }' ||
                fail "$* is $(value "$@"), less than $limit"
}

# One wake for each need: no more workers are woken than there are, and for one task one of them.
for workers in 1 2 8 64; do
        at_most "$(value trickle $workers turns)" trickle $workers wakes
        at_most 0 trickle $workers futile_wakes
        at_most $((2 * workers)) tree $workers wakes
        at_most $((2 * workers)) burst $workers wakes
        at_most 10 ring $workers wakes
done

# Work that can be shared is; that which has been stays where it is.
at_least 1.6 tree 2 speed_up
at_least 4 tree 8 speed_up
at_least 1.6 pairs 2 speed_up
at_least 5 pairs 8 speed_up
at_least 20 pairs 64 speed_up
at_most 0.1 pairs 8 moved_per_turn
at_most 1 pairs 64 moved_per_turn
at_most 0.1 ring 64 moved_per_turn
at_most 4 pairs 64 locked_per_turn

# Who talks all the time is where its receiver is, and so is each fan on a worker of its own.
for workers in 2 8 64; do
        at_most 0.2 fans $workers abroad_per_turn
done
at_least 1.4 fans 2 speed_up
at_least 4 fans 8 speed_up
at_least 20 fans 64 speed_up

# What is linked and not included goes by the real clock, and is simulated by half.
for source in $(grep -l 'cop__clock_ns()' "$root"/scheduler/*.c); do
        case $(basename "$source") in
        blocking_pool.c | poll.c | wires.c) ;; # nothing here uses them
        *) grep -q "^#include \"scheduler/$(basename "$source")\"" "$root/bench/crowd/scheduler.c" || fail "$source is not simulated" ;;
        esac
done
echo "crowd: 64 workers share what can be shared, and wake one for one"
