#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Against the original: the same orders on Coppice (PART.c) and on Erlang (PART.erl), order by order the same outcome. What differs
# is a bug, or a decision that docs/erlang.md names.
#
#       puppets    actors that link, watch, end and send to each other
#       trees      supervisors whose children end and are started, stopped, restarted and deleted
#
#       tests/original/compare.sh BUILD_DIR [SEQUENCES [SEED [PART]]]      ends with 77 where Erlang is not installed
#
# A difference is made small: orders are left out as long as the two still differ, and what is left is printed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
programs=$(CDPATH='' cd -- "$1" && pwd)/tests/original
count=${2:-150}
seed=${3:-1}
parts=${4:-puppets trees}
if ! command -v erl >/dev/null || ! command -v erlc >/dev/null; then
        echo "original: skipped: needs Erlang (erlang-base)"
        exit 77
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
for part in puppets trees; do
        HOME=$work erlc -o . "$here/$part.erl"
done

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

# run ORDERS: true if both sides of $part say the same.
run() {
        "$programs/$part" run <"$1" | outcome >ours.log
        HOME=$work erl +S 1 -noshell -pa . -run "$part" main <"$1" | outcome >theirs.log
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
        echo "original: $part: $which differs, with these orders:"
        cat small
        echo "original: ours against theirs:"
        diff ours.log theirs.log || true
}

# can_fail ORDERS WORDS OTHERS: with other words in place of these it would not say that both are the same.
can_fail() {
        printf "$1" >orders
        run orders || return 0
        if ! grep -q "$2" ours.log || sed "s/$2/$3/" ours.log | cmp -s - theirs.log; then
                echo "original: it cannot fail: $part"
                exit 1
        fi
}

prove_that_it_can_fail() {
        case $part in
        puppets) can_fail 'reset 0\ndie 0 0 boom\n' 'died of boom' 'died of normal' ;;
        trees) can_fail 'reset 0 1 3 000\ndie 1 0 boom\n' 'c2.0 ends of shutdown' 'c2.0 ends of killed' ;;
        esac
}

for part in $parts; do
        prove_that_it_can_fail
        "$programs/$part" generate "$seed" "$count" >orders
        run orders || {
                shrink orders
                exit 1
        }
        echo "original: $part: $count sequences from seed $seed: $(wc -l <ours.log) lines, all the same"
done
