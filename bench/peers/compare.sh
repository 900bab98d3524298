#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The same rows by Coppice and by its peers, by turns in one session: in each round each row, at each number of workers, is run
# once by all of them, one after the other. So what the machine does meanwhile happens to all. The lines are those of
# coppice-bench --json, a peer's with its name as "peer".
#
#   usage: compare.sh BENCH WORK "PEER..." [--runs N] [--workers N] [--ms N] [ROW...]
#
#   BENCH     coppice-bench
#   WORK      a directory for what is built
#   --runs    rounds; default: 5
#   --ms      how long one run of a peer should take; default: 300, as ours
#   ROW       default: all that a peer has
#
# A peer that cannot be built says why and is left out; so is a row that a peer has not. A peer's wrong run is an error.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
all_rows='pingpong_1 pingpong_1000 ring_503 ring_10000 fanin_2 fanin_16 fanin_1000 fanout_1000 quiet_chatter_1000 big_512 skynet_1000000 fib_27 spawn_exit
spawn_idle_100000 call_1 call_64 timer_set_cancel size_16 size_1024 size_65536 chameneos_100 restart_exit restart_all_100'

say() {
        echo "peers: $*" >&2
}

[ $# -ge 3 ] || {
        say "usage: compare.sh BENCH WORK \"PEER...\" [--runs N] [--workers N] [--ms N] [ROW...]"
        exit 64
}
bench=$1 work=$2 peers=$3
shift 3
runs=5 workers='1 2' ms=300 rows=
while [ $# -gt 0 ]; do
        case $1 in
        --runs | --workers | --ms)
                case ${2:-} in
                '' | *[!0-9]* | 0)
                        say "$1 wants a number"
                        exit 64
                        ;;
                esac
                case $1 in
                --runs) runs=$2 ;;
                --workers) workers=$2 ;;
                --ms) ms=$2 ;;
                esac
                shift
                ;;
        *)
                case " $(echo $all_rows) " in
                *" $1 "*) rows="$rows $1" ;;
                *)
                        say "no row that peers have is called '$1'; these are:" $all_rows
                        exit 64
                        ;;
                esac
                ;;
        esac
        shift
done
rows=${rows:-$all_rows}
mkdir -p "$work"
work=$(CDPATH='' cd -- "$work" && pwd)

# --- building: each leaves its program, or says why not --------------------------------

build_erlang() {
        erlc -o "$work" "$here/erlang/rows.erl"
}

build_go() {
        GOCACHE=$work/go-cache GOFLAGS=-mod=mod GO111MODULE=off go build -o "$work/rows-go" "$here/go/rows.go"
}

build_caf() {
        ${CXX:-c++} -std=c++17 -O3 -DNDEBUG "$here/caf/rows.cpp" -o "$work/rows-caf" -lcaf_core -pthread
}

# From Debian's sources, without the network.
build_tokio() {
        mkdir -p "$work/cargo" "$work/tokio"
        cp -R "$here/tokio/Cargo.toml" "$here/tokio/src" "$work/tokio/"
        printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "%s"\n' \
                /usr/share/cargo/registry >"$work/cargo/config.toml"
        (cd "$work/tokio" && PATH=/usr/bin:$PATH CARGO_HOME=$work/cargo cargo build --release --offline) &&
                cp "$work/tokio/target/release/rows" "$work/rows-tokio"
}

# Since its source was last changed.
is_built() {
        case $1 in
        erlang) [ "$work/rows.beam" -nt "$here/erlang/rows.erl" ] ;;
        go) [ "$work/rows-go" -nt "$here/go/rows.go" ] ;;
        caf) [ "$work/rows-caf" -nt "$here/caf/rows.cpp" ] ;;
        tokio) [ "$work/rows-tokio" -nt "$here/tokio/src/main.rs" ] ;;
        esac
}

run_erlang() {
        erl -noshell +P 2000000 +S "$2:$2" -pa "$work" -run rows main "$1" "$2" "$ms"
}

run_peer() {
        case $1 in
        erlang) run_erlang "$2" "$3" ;;
        *) "$work/rows-$1" "$2" "$3" "$ms" ;;
        esac
}

built=
for peer in $peers; do
        case $peer in
        erlang | go | caf | tokio) ;;
        *)
                say "no peer is called '$peer': erlang, go, caf or tokio"
                exit 64
                ;;
        esac
        if is_built "$peer" || "build_$peer" >"$work/$peer.log" 2>&1; then
                built="$built $peer"
        else
                say "$peer is left out, as it cannot be built:"
                tail -n 5 "$work/$peer.log" >&2
        fi
done

# --- by turns ------------------------------------------------------------------------------

wrong=0
one_of_a_peer() {
        code=0
        run_peer "$@" || code=$?
        case $code in
        0 | 3) ;; # 3: it has no such row
        *)
                say "$1: $2 with $3 workers went wrong (exit code $code)"
                wrong=1
                ;;
        esac
}

round=0
while [ $round -lt "$runs" ]; do
        for row in $rows; do
                for count in $workers; do
                        "$bench" "$row" --workers "$count" --runs 1 --json
                        for peer in $built; do
                                one_of_a_peer "$peer" "$row" "$count"
                        done
                done
        done
        round=$((round + 1))
done
exit $wrong
