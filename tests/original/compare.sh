#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Against the original: the same orders on Coppice (PART.c) and on Erlang (PART.erl), order by order the same outcome. What differs
# is a bug, or a decision that docs/erlang.md names.
#
#       puppets    actors that link, watch, end and send to each other, have names and keys, join groups, set timers
#       servers    servers that are called and told things, answer now, later or never, and stop, and those who call them
#       trees      supervisors whose children end and are started, stopped, restarted and deleted, and dynamic ones
#
#       tests/original/compare.sh BUILD_DIR [SEQUENCES [SEED [PART]]]      ends with 77 where Erlang is not installed
#
# A difference is made small: orders are left out as long as the two still differ, and what is left is printed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
programs=$(CDPATH='' cd -- "$1" && pwd)/tests/original
count=${2:-80}
seed=${3:-1}
parts=${4:-puppets servers trees}
if ! command -v erl >/dev/null || ! command -v erlc >/dev/null; then
        echo "original: skipped: needs Erlang (erlang-base)"
        exit 77
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
HOME=$work erlc -o . "$here"/*.erl

# Whether somebody who dies of one signal has heard another one before is promised by neither side; nor whether a call that crosses
# the death of a server finds it dying or dead.
outcome() {
        awk '
        function tell(   i, part) {
                for (i = 1; i <= lines; i++) {
                        split(line[i], part, " ")
                        if (server_died && part[2] == "has" && (part[3] == "noproc" || part[3] == "died"))
                                print "  " part[1] " has lost"
                        else if (part[2] != "hears" || !(part[1] in died))
                                print line[i]
                }
                lines = server_died = 0
                split("", died)
        }
        /^  / {
                line[++lines] = $0
                if ($2 == "died") {
                        died[$1] = 1
                        if ($1 ~ /^s/)
                                server_died = 1
                }
                next
        }
        { tell(); print }
        END { tell() }'
}

# run ORDERS: true if both sides of $part end well and say the same. What they have said is kept even if they do not end well.
run() {
        well=yes
        "$programs/$part" run <"$1" >ours.said || {
                echo "ours ends with $?" >>ours.said
                well=no
        }
        HOME=$work erl +S 1 -noshell -pa . -run "$part" main <"$1" >theirs.said || {
                echo "theirs ends with $?" >>theirs.said
                well=no
        }
        outcome <ours.said >ours.log
        outcome <theirs.said >theirs.log
        [ $well = yes ] && cmp -s ours.log theirs.log
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

# What each part begins with; what both sides say of it, and what would be wrong.
known() {
        case $part in
        puppets) order='die 0 0 boom' right='died of boom' wrong='died of normal' ;;
        servers) order='call 0 0 stop:boom' right='s0.0 terminates of boom' wrong='s0.0 terminates of normal' ;;
        trees) order='die 1 0 boom' right='c2.0 ends of shutdown' wrong='c2.0 ends of killed' ;;
        esac
        printf 'reset 0 0 13000\n%s\n' "$order"
}

# With other words in place of these it would not say that both are the same.
prove_that_it_can_fail() {
        if ! grep -q "$right" ours.log || sed "s/$right/$wrong/" ours.log | cmp -s - theirs.log; then
                echo "original: it cannot fail: $part"
                exit 1
        fi
}

for part in $parts; do
        known >orders
        "$programs/$part" generate "$seed" "$count" >>orders
        run orders || {
                shrink orders
                exit 1
        }
        prove_that_it_can_fail
        echo "original: $part: $count sequences from seed $seed: $(wc -l <ours.log) lines, all the same"
done
