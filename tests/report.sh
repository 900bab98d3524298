#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What is made of the benchmarks' lines: tables with medians, ratios and verdicts, plots with every point, the page
# docs/performance.md and the README, which must be what docs/performance/lines.json gives where that is, and the comparison
# with peers, which leaves out one that cannot be built and says why. Erlang and Go, where they are, are run, quickly; CAF and tokio
# take minutes to build, which `./run bench --peers` does.
#
#   usage: report.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bench=$1/bench/coppice-bench
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
        echo "report.sh: $*" >&2
        exit 1
}

# --- tables --------------------------------------------------------------------------------

cat >"$work/targets" <<'END'
# table | title | benchmark | workers | measure | target | what differs
speed | a row | ring_503 | 1 | rate | >= 40 | the peer's token is smaller
speed | halves | ring_503 | 1 | rate/2 | >= 10 |
speed | an even number | even_1 | 1 | ns | - |
size | bytes | idle_1 | 2 | bytes | <= 100 |
size | a wait | idle_1 | 2 | p99_us | <= 5 |
size | not asked | other_1 | 1 | rate | >= 1 |
size | not told | loops_1 | 1 | rate | >= 1 |
END
line() {
        printf '{"name":"%s","workers":%s,"unit":"x","runs":1,"ops":1,"ns_per_op":%s%s}\n' "$@"
}
peer_line() {
        printf '{"peer":"erlang","name":"%s","workers":%s,"unit":"x","runs":1,"ops":1,"ns_per_op":%s}\n' "$@"
}
{
        line ring_503 1 1.00 ''
        for ns in 60.00 50.00 30.00 20.00; do
                line ring_503 1 $ns ''
                peer_line ring_503 1 200.00
        done
        line even_1 1 50.00 ''
        line even_1 1 10.00 ''
        line even_1 1 40.00 ''
        line even_1 1 20.00 ''
        line ring_503 2 1.00 ''
        line idle_1 2 10.00 ',"p99_ns":4000,"bytes_per_actor":150'
        echo '{"name":"ring_503","workers":2,"ops":100,"writes":15.400,"locked":2.200,"moved":0.0001}'
        echo '{"crowd":"tree","workers":64,"turns":9,"us":3.0,"speed_up":13.0,"wakes":33,"futile_wakes":2,"failed_steals_per_turn":0.25,"locked_per_turn":2.28,"moved_per_turn":0.31}'
        echo '{"name":"loops_1","workers":1,"unit":"x","skipped":"it cannot be"}'
} >"$work/lines"
awk -f "$here/bench/lines.awk" -f "$here/bench/table.awk" "$work/targets" "$work/lines" >"$work/table" || fail "no table"

has() {
        grep -qF -- "$1" "$work/table" || fail "'$1' is missing from: $(cat "$work/table")"
}
# Of four, by turns, the mean of the two in the middle, 20 and 33.3 millions; what was measured alone is not of them.
has '| a row | ≥ 40 | 26.7 | 16.7 to 50.0 | 67 % | 5.00 (5.3×) |'
has '| halves | ≥ 10 | 13.3 | 8.33 to 25.0 | yes | 2.50 (5.3×) |'
has '| an even number |  | 30.0 | 10.0 to 50.0 |  | – |'
has '| bytes | ≤ 100 | 150 |  | 1.5 times | – |'
has '| a wait | ≤ 5 | 4.00 |  | yes | – |'
has '| not told | ≥ 1 | none |'
# shellcheck disable=SC2016 # no command
has 'No figure for `loops_1`: it cannot be.'
has '| `ring_503` | 2 | 15.4 | 2.2 | 0.0001 |'
has '| tree | 64 | 9 | 13.0 | 33 | 2 | 0.250 | 2.28 | 0.310 |'
has "* a row: the peer's token is smaller."
! grep -q 'not asked' "$work/table" || fail "a row that nobody has measured"

# --- the page -------------------------------------------------------------------------------

# is_made PAGE: it is what page.sh makes of the lines beside it.
is_made() {
        cmp -s "$here/$1" "$work/tree/$1" ||
                fail "$1 is not what docs/performance/lines.json gives (sh bench/page.sh): $(diff "$here/$1" "$work/tree/$1")"
}

# A tree of pages with these lines.
plant() {
        rm -rf "$work/tree"
        mkdir -p "$work/tree/docs/performance"
        cp "$here/docs/performance.md" "$work/tree/docs"
        cp "$here/README.md" "$work/tree"
        cp "$1" "$work/tree/docs/performance/lines.json"
}

for name in pingpong_1 ring_among ring_scattered spawn_among restart_among names_lookup keys_lookup selective limit_visit; do
        for among in 10 1000 1000000; do
                line "${name}_$among" 1 "$among" ',"p50_ns":70'
        done
        line "$name" 1 20.00 ''
done >"$work/many"
plant "$work/many"
for time in once again; do
        sh "$here/bench/page.sh" "$work/tree" >/dev/null || fail "no page is made $time"
done
for page in docs/performance.md README.md; do
        [ "$(grep -c '| ping-pong, one pair, round trips | ≥ 30 | 25.0 |' "$work/tree/$page")" -eq 1 ] ||
                fail "the figures are not in $page: $(cat "$work/tree/$page")"
        sed '/^<!-- tables -->$/,/^<!-- end of tables -->$/d' "$work/tree/$page" >"$work/around"
        sed '/^<!-- tables -->$/,/^<!-- end of tables -->$/d' "$here/$page" | cmp -s - "$work/around" ||
                fail "what stands around the tables of $page has changed"
done
grep -v '^<!-- end' "$here/README.md" >"$work/tree/README.md"
! sh "$here/bench/page.sh" "$work/tree" >/dev/null 2>"$work/err" || fail "a page without an end is filled"
grep -q 'README.md has no place' "$work/err" || fail "that a page has no place for tables is not said"
rm "$work/tree/docs/performance/lines.json"
! sh "$here/bench/page.sh" "$work/tree" 2>"$work/err" || fail "a page is made of nothing"

# Before anything was measured there is nothing to compare.
if [ -e "$here/docs/performance/lines.json" ]; then
        plant "$here/docs/performance/lines.json"
        sh "$here/bench/page.sh" "$work/tree" >/dev/null || fail "the pages cannot be made"
        is_made docs/performance.md
        is_made README.md
        for plot in message spawn restart lookup selective; do
                is_made docs/performance/$plot.svg
        done
fi

# --- plots ----------------------------------------------------------------------------------

cp "$work/many" "$work/lines"
sh "$here/bench/plot.sh" "$work/plots" "$work/lines" >/dev/null || fail "no plots"
for plot in message spawn restart lookup selective; do
        grep -q '^<svg xmlns' "$work/plots/$plot.svg" || fail "$plot.svg does not begin"
        grep -q '^</svg>$' "$work/plots/$plot.svg" || fail "$plot.svg does not end"
done
[ "$(grep -c '<circle' "$work/plots/message.svg")" -eq 9 ] || fail "message.svg has not all points"
grep -v selective "$work/lines" >"$work/fewer"
code=0
sh "$here/bench/plot.sh" "$work/fewer_plots" "$work/fewer" >/dev/null 2>"$work/err" || code=$?
[ $code -eq 1 ] && grep -q selective.svg "$work/err" || fail "a plot without points is not told"
[ ! -e "$work/fewer_plots/selective.svg" ] || fail "a plot without points is there"

# --- peers ----------------------------------------------------------------------------------

[ -x "$bench" ] || {
        echo "report.sh: this build has no benchmarks to compare" >&2
        exit 0
}
compare() {
        code=0
        sh "$here/bench/peers/compare.sh" "$bench" "$work/peers" "$@" >"$work/out" 2>"$work/err" || code=$?
}
compare 'pony'
[ $code -eq 64 ] || fail "an unknown peer gives $code"
compare 'go' pingpon
[ $code -eq 64 ] && grep -q pingpong_1000 "$work/err" || fail "an unknown row gives $code: $(cat "$work/err")"
compare 'go' --runs none
[ $code -eq 64 ] || fail "'--runs none' gives $code"

# One that cannot be built says why, and ours are run all the same.
mkdir "$work/no_tools"
printf '#!/bin/sh\necho no such compiler >&2\nexit 1\n' >"$work/no_tools/c++"
chmod +x "$work/no_tools/c++"
CXX=$work/no_tools/c++ compare 'caf' --runs 2 --workers 1 restart_all_100
[ $code -eq 0 ] || fail "without CAF it ends with $code"
grep -q 'caf is left out' "$work/err" && grep -q 'no such compiler' "$work/err" || fail "why is caf left out?"
[ "$(grep -c restart_all_100 "$work/out")" -eq 2 ] || fail "two rounds are not two lines: $(cat "$work/out")"

# Those that are here.
for peer in erlang go; do
        case $peer in
        erlang) tool=erlc ;;
        go) tool=go ;;
        esac
        command -v $tool >/dev/null || continue
        compare $peer --runs 1 --workers 1 --ms 5 pingpong_1 call_1 chameneos_100 fanin_16 spawn_exit
        [ $code -eq 0 ] || fail "$peer: $(cat "$work/err")"
        [ "$(grep -c '"peer":"'$peer'"' "$work/out")" -eq 5 ] || fail "$peer's lines: $(cat "$work/out" "$work/err")"
done
echo "report: tables, plots and peers are as they should be"
