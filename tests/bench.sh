#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Every benchmark runs, at one worker and at two, and finds itself right; the JSON has a whole line for
# each; a wrong word is refused. How fast they are is not looked at.
#
#   usage: bench.sh BUILD_DIR
set -eu

bench=$1/bench/coppice-bench
[ -x "$bench" ] || {
        echo "bench.sh: this build has no benchmarks" >&2
        exit 77
}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
        echo "bench.sh: $*" >&2
        exit 1
}

"$bench" --list >"$work/names"
for question in pingpong ring fanin fanout big spawn skynet fib chameneos size call restart quiet idle burst \
        timer names keys selective process trial limit; do
        grep -q "^${question}_" "$work/names" || fail "no benchmark asks for $question"
done

"$bench" --quick --json >"$work/json" 2>"$work/err" || fail "a run went wrong: $(cat "$work/err")"
number='[0-9][0-9]*\(\.[0-9]*\)\{0,1\}'
times="\"ops\":$number,\"seconds\":$number,\"ns_per_op\":$number,\"ns_per_op_min\":$number"
times="$times,\"ns_per_op_max\":$number,\"ops_per_s\":$number"
while read -r name counts; do
        for workers in $counts; do
                who="\"name\":\"$name\",\"workers\":$workers,\"unit\":\"[a-z]*\""
                grep -q "^{$who,\"runs\":1,$times\(,\"[a-z0-9_]*\":$number\)*}\$" "$work/json" ||
                        grep -q "^{$who,\"skipped\":\"[a-zA-Z0-9 ,.:-]*\"}\$" "$work/json" ||
                        fail "no whole line of $name with $workers workers: $(cat "$work/json")"
        done
done <"$work/names"
[ "$(grep -c '"skipped"' "$work/json")" -le 4 ] || fail "rows without a figure: $(cat "$work/json")"

# has NAME FIELD...: they apply to all of that name.
has() {
        name=$1
        shift
        for field in "$@"; do
                [ "$(grep "^{\"name\":\"${name}_" "$work/json" | grep -vc "\"$field\":$number")" -eq 0 ] ||
                        fail "$name does not tell $field"
        done
}
has call p50_ns p99_ns p999_ns max_ns
has restart p50_ns p99_ns p999_ns max_ns
has quiet_chatter p50_ns p99_ns p999_ns max_ns
has quiet_loops p50_ns p99_ns p999_ns max_ns
has burst rss_bytes rss_left_bytes
has fanin rss_bytes
has spawn_idle bytes_per_actor

# refuses WORD...: with the exit code for wrong usage, and nothing on standard output.
refuses() {
        code=0
        "$bench" "$@" >"$work/out" 2>"$work/err" || code=$?
        [ $code -eq 64 ] || fail "'$*' gives exit code $code, not 64"
        [ ! -s "$work/out" ] || fail "'$*' prints figures"
        grep -q usage "$work/err" || fail "'$*' is refused without a word"
}
refuses pingpon
refuses --workers 0
refuses --workers 65
refuses --runs
refuses --runs five
refuses --fast
