#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Where the instructions of a message, a call, a spawn go: callgrind counts them, which is repeatable on a noisy machine.
#
#       bench/profile.sh [ROW...]       default: pingpong_1 fanin_16 call_1 spawn_exit
#
# Each row is run twice, with so many operations and with twice as many; what the second run has more than the first is
# what that many operations cost, without beginning and end. Code that was inlined counts where it was inlined to.
# PROGRAM is the benchmark program, OPS the number of operations.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
program=${PROGRAM:-$root/build/release/bench/coppice-bench}
ops=${OPS:-100000}
if ! command -v valgrind >/dev/null; then
        echo "profile: needs valgrind" >&2
        exit 77
fi
if [ ! -x "$program" ]; then
        echo "profile: no $program: ./run build release" >&2
        exit 1
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The instructions of one run by function, as lines "count name".
count() {
        rm -f "$work"/out.*
        valgrind --tool=callgrind --callgrind-out-file="$work/out.%p" \
                "$program" --workers 1 --runs 1 --ops "$2" "$1" >"$work/log" 2>&1 || {
                cat "$work/log" >&2
                exit 1
        }
        # A run is a process of its own: the one that has counted most.
        # shellcheck disable=SC2012 # names of our own making
        callgrind_annotate --auto=no --threshold=100 "$(ls -S "$work"/out.* | head -1)" 2>/dev/null |
        awk '/^ *[0-9,]+ \(.*:/ {
                count = $1
                gsub(/,/, "", count)
                name = $0
                sub(/ \[.*$/, "", name)
                sub(/^.*:/, "", name)
                sub(/\047.*$/, "", name)
                sub(/\.(constprop|part|isra|cold).*$/, "", name)
                print count, name
        }'
}

for row in "${@:-pingpong_1 fanin_16 call_1 spawn_exit}"; do
        for one in $row; do
                count "$one" "$ops" >"$work/once"
                count "$one" $((2 * ops)) >"$work/twice"
                # A tenth more is run as warm-up.
                awk -v row="$one" -v ops="$ops" '
                        FNR == NR { cost[$2] -= $1; next }
                        { cost[$2] += $1 }
                        END {
                                for (name in cost) {
                                        each = cost[name] / (1.1 * ops)
                                        all += each
                                        if (each >= 0.5)
                                                printf "%8.1f  %s\n", each, name | "sort -rn"
                                }
                                close("sort -rn")
                                printf "%8.1f  in all: %s\n\n", all, row
                        }' "$work/once" "$work/twice"
        done
done
