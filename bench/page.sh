#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Puts the figures of docs/performance/lines.json into docs/performance.md and the README, between the two comments that
# stand there for that, and draws the plots beside the lines. What is written by hand around the tables stays as it is.
#
#       ./run bench --json --runs 3 >docs/performance/lines.json && sh bench/page.sh
#
#   usage: page.sh [TREE]        default: the tree that this stands in
set -eu

bench=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tree=${1:-$bench/..}
lines=$tree/docs/performance/lines.json
[ -s "$lines" ] || {
        echo "page.sh: no $lines: ./run bench --json makes it" >&2
        exit 1
}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# fill PAGE TARGETS WORD...
fill() {
        page=$tree/$1 targets=$bench/$2
        shift 2
        awk "$@" -f "$bench/lines.awk" -f "$bench/table.awk" "$targets" "$lines" >"$work/tables"
        awk -v tables="$work/tables" '
                !inside
                /^<!-- tables -->$/ {
                        found = inside = 1
                        while ((getline line <tables) > 0)
                                print line
                }
                /^<!-- end of tables -->$/ && inside {
                        inside = 0
                        print
                }
                END { exit !found || inside }
        ' "$page" >"$work/page" || {
                echo "page.sh: $page has no place for tables" >&2
                exit 1
        }
        cp "$work/page" "$page"
}
fill docs/performance.md targets
fill README.md targets.readme -v short=1
sh "$bench/plot.sh" "$tree/docs/performance" "$lines"
