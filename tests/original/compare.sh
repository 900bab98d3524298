#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Against the original: the same orders to puppets on Coppice (ours.c) and on Erlang (theirs.erl), order by order the same
# outcome. What differs is a bug, or a decision that docs/erlang.md names.
#
#       tests/original/compare.sh BUILD_DIR [SEQUENCES [SEED]]      ends with 77 where Erlang is not installed
#
# A difference is made small: orders are left out as long as the two still differ, and what is left is printed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
ours=$(CDPATH='' cd -- "$1" && pwd)/tests/original/original
count=${2:-150}
seed=${3:-1}
if ! command -v erl >/dev/null || ! command -v erlc >/dev/null; then
        echo "original: skipped: needs Erlang (erlang-base)"
        exit 77
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
HOME=$work erlc -o . "$here/theirs.erl"

# Whether somebody who dies of one signal has heard another one before is promised by neither side.
outcome() {
        awk '
        function tell(   i, part) {
                for (i = 1; i <= lines; i++) {
                        split(line[i], part, " ")
                        if (part[2] != "hears" || !(part[1] in died))
                                print line[i]
                }
                lines = 0
                split("", died)
        }
        /^  / { line[++lines] = $0; if ($2 == "died") died[$1] = 1; next }
        { tell(); print }
        END { tell() }'
}

# run ORDERS: true if both sides say the same.
run() {
        "$ours" run <"$1" | outcome >ours.log
        HOME=$work erl +S 1 -noshell -pa . -run theirs main <"$1" | outcome >theirs.log
        cmp -s ours.log theirs.log
}

# The sequence in which the logs first differ, as orders in the file `small`, without what is not needed for that.
shrink() {
        number=$(cmp ours.log theirs.log 2>/dev/null | sed 's/.*line //')
        which=$(head -n "${number:-1}" ours.log | grep '^reset' | tail -n 1)
        awk -v which="$which" '/^reset/ { on = $0 == which } on' "$1" >small
        at=2
        while [ "$at" -le "$(wc -l <small)" ]; do
                sed "${at}d" small >less
                if run less; then at=$((at + 1)); else mv less small; fi
        done
        run small || true
        echo "original: $which differs, with these orders:"
        cat small
        echo "original: ours against theirs:"
        diff ours.log theirs.log || true
}

prove_that_it_can_fail() {
        printf 'reset 0\ndie 0 0 boom\n' >orders
        run orders || return 0
        sed 's/died of boom/died of normal/' ours.log | cmp -s - theirs.log || return 0
        echo "original: it cannot fail"
        exit 1
}

prove_that_it_can_fail
"$ours" generate "$seed" "$count" >orders
if run orders; then
        echo "original: $count sequences of 40 orders from seed $seed: $(wc -l <ours.log) lines, all the same"
        exit 0
fi
shrink orders
exit 1
