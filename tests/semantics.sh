#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Which test shows which row of docs/semantics.rows. The table docs/semantics.md is made from
# the tests' own names; a demanded row without a test is an error, and so are a test that bears a
# row that is not there, and a table that is not up to date.
#
#       tests/semantics.sh [BUILD_DIR [TREE]]     checks this tree, or another one
#       tests/semantics.sh --write                writes docs/semantics.md anew
#
# Without TREE it first shows that it can fail.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Prints "ID<tab>test<tab>claim" for each row that a test of the tree bears.
claims() {
        find tests -maxdepth 1 -name 'test_*.c' | LC_ALL=C sort | while IFS= read -r file; do
                awk -v suite="$(basename "$file" .c | sed 's/^test_//')" '
                function say(row, claim) {
                        text = claim
                        gsub(/_/, " ", text)
                        printf "%s\t%s\t%s\n", row, suite, text
                }
                # Rows named in a comment above a claim are its rows. What a comment in one mentions shows nothing.
                !inside && /^[ \t]*\*|^[ \t]*\/\*/ {
                        rest = $0
                        sub(/^.*\/\*/, "", rest)
                        while (match(rest, /[A-Z][A-Z][A-Z](-[a-z]+)?-[0-9][0-9]/)) {
                                pending[++count] = substr(rest, RSTART, RLENGTH)
                                rest = substr(rest, RSTART + RLENGTH)
                        }
                        next
                }
                /^[A-Z][A-Z_]*\([A-Za-z]/ {
                        name = $0
                        sub(/^[A-Z_]*\(/, "", name)
                        sub(/[^A-Za-z0-9_].*$/, "", name)
                        claim = name
                        if (match(claim, /^[A-Z][A-Z][A-Z](_(start|stop|restart|intensity|api|auto|upgrade|bridge|call|life))?(_[0-9][0-9])+_/)) {
                                head = substr(claim, 1, RLENGTH - 1)
                                claim = substr(claim, RLENGTH + 1)
                                area = head
                                sub(/(_[0-9][0-9])+$/, "", area)
                                numbers = substr(head, length(area) + 2)
                                sub(/_/, "-", area)
                                n = split(numbers, number, "_")
                                for (i = 1; i <= n; i++)
                                        say(area "-" number[i], claim)
                        }
                        for (i = 1; i <= count; i++)
                                say(pending[i], claim)
                        count = 0
                        inside = 1
                        next
                }
                /^}/ { count = inside = 0 }' "$file"
        done
        # What must not compile: the file is the claim.
        find tests/refuse -name '*.c' 2>/dev/null | LC_ALL=C sort | while IFS= read -r file; do
                grep -oE '[A-Z]{3}(-[a-z]+)?-[0-9]{2}' "$file" | sort -u | while IFS= read -r row; do
                        name=$(basename "$file" .c)
                        printf '%s\trefuse\t%s does not compile\n' "$row" "$(echo "$name" | tr _ ' ')"
                done
        done
}

# The table to standard output; what is wrong to standard error.
table() {
        claims | LC_ALL=C sort -s -k1,1 | awk -F '\t' '
        function wrong(why) {
                print "semantics: " why >"/dev/stderr"
                bad = 1
        }
        FNR == NR && NR > 0 && FILENAME != "-" {
                if ($0 ~ /^#/ || $0 == "")
                        next
                split($0, word, " ")
                if (word[1] ~ /-[0-9][0-9]$/) {
                        partly[word[1]] = $0
                        sub(/^[^ ]+ +/, "", partly[word[1]])
                        next
                }
                areas[++area_count] = word[1]
                must[word[1]] = word[2] == "all"
                what = $0
                sub(/^[^ ]+ +[^ ]+ +/, "", what)
                rows = what
                sub(/ *[0-9][0-9][*]?( [0-9][0-9][*]?)*$/, "", what)
                rows = substr(rows, length(what) + 1)
                title[word[1]] = what
                row_list[word[1]] = rows
                n = split(rows, number, " ")
                for (i = 1; i <= n; i++) {
                        later[word[1] "-" substr(number[i], 1, 2)] = number[i] ~ /[*]/
                        known[word[1] "-" substr(number[i], 1, 2)] = 1
                }
                next
        }
        {
                if (!($1 in known))
                        wrong("a claim of " $2 " bears " $1 ", which is no row: " $3)
                else if (!seen[$0]++) {
                        before = ($1 in shown) ? shown[$1] "<br>" : ""
                        shown[$1] = before "`" $2 "`: " $3
                }
        }
        END {
                print "# Which test shows which rule"
                print ""
                print "Made by `tests/semantics.sh --write` from the names of the tests; do not edit. The rules are those of"
                print "Erlang/OTP, and of Elixir for keyed registries, dynamic supervisors and tasks. A test says which"
                print "row it shows in its name or in a comment above it."
                for (a = 1; a <= area_count; a++) {
                        area = areas[a]
                        print "\n## " area ": " title[area] "\n\n| Row | Shown by |\n|---|---|"
                        n = split(row_list[area], number, " ")
                        for (i = 1; i <= n; i++) {
                                row = area "-" substr(number[i], 1, 2)
                                if (!(row in shown) && must[area] && !later[row])
                                        wrong("no test shows " row)
                                no = "not yet"
                                part = row in partly ? "<br>in part: " partly[row] : ""
                                print "| " row " | " (row in shown ? shown[row] : no) part " |"
                        }
                }
                for (row in partly)
                        if (!(row in shown))
                                wrong("what is not shown of " row " is told, which no test shows at all")
                exit bad
        }' docs/semantics.rows -
}

check() {
        made=$(mktemp)
        result=0
        table >"$made" || result=1
        if ! cmp -s "$made" docs/semantics.md; then
                echo "semantics: docs/semantics.md is not up to date: tests/semantics.sh --write" >&2
                result=1
        fi
        rm -f "$made"
        return $result
}

# A tree with each of the faults, of which each must be found.
can_fail() {
        tree=$(mktemp -d)
        mkdir -p "$tree/docs" "$tree/tests"
        printf 'SPN all spawning 01 02\nLNK some links 01\n' >"$tree/docs/semantics.rows"
        printf 'TEST(SPN_01_one)\n{\n        x(); /* not SPN-02 */\n}\nTEST(LNK_09_none)\n{\n}\n' >"$tree/tests/test_a.c"
        found=$(cd "$tree" && check 2>&1) && found=passed
        rm -rf "$tree"
        for fault in 'no test shows SPN-02' 'bears LNK-09, which is no row' 'not up to date'; do
                case $found in
                *"$fault"*) ;;
                *)
                        echo "semantics: a planted fault was not found: $fault" >&2
                        return 1
                        ;;
                esac
        done
}

if [ "${1:-}" = --write ]; then
        cd "$here/.."
        table >docs/semantics.md
        exit
fi
if [ $# -lt 2 ]; then
        can_fail
fi
cd "${2:-$here/..}"
check
