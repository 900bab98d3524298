#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Claims that bear a row of docs/semantics.rows are held on simulated nodes, too, under some seeds (simulated/NAME in ctest). Which
# are not stands in tests/simulated.allowed, each with its reason: one that is not there is an error, and so is one that is there
# and is simulated, or is no claim.
#
#       tests/simulated.sh [BUILD_DIR [TREE]]     checks this tree, or another one
#       tests/simulated.sh --list [TREE]          prints them, with their rows
#
# Without TREE it first shows that it can fail.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Prints "suite<tab>claim<tab>rows" for each that no simulated run holds. docs/semantics.md has them all: see semantics.sh.
unsimulated() {
        never=" $(sed -n '/^set(coppice_never_simulated /,/)$/p' tests/CMakeLists.txt | tr '()\n' '   ') "
        fixtures=$(sed -n 's/^set(coppice_fixtures "\(.*\)")$/\1/p' tests/CMakeLists.txt | sed 's/\\\\/\\/g')
        for file in tests/test_*.c; do
                suite=$(basename "$file" .c | sed 's/^test_//')
                case $suite in simulation | trial | generative) continue ;; esac # these choose their seeds themselves
                held=yes
                case $never in *" $suite "*) held=no ;; esac
                grep -Eq "$fixtures" "$file" || held=no
                awk -v suite="$suite" -v held="$held" '
                FNR == NR {
                        if (!match($0, /^\| [A-Z][A-Za-z]+(-[a-z]+)?-[0-9]+ \| /))
                                next
                        row = substr($0, 3, RLENGTH - 5)
                        count = split(substr($0, RLENGTH + 1), shown, "<br>")
                        for (i = 1; i <= count; i++) {
                                sub(/ \|$/, "", shown[i])
                                if (index(shown[i], "`" suite "`: ") == 1) {
                                        text = substr(shown[i], length(suite) + 5)
                                        rows[text] = rows[text] " " row
                                }
                        }
                        next
                }
                function say() {
                        if (claim in rows)
                                printf "%s\t%s\t%s\n", suite, claim, substr(rows[claim], 2)
                }
                /^[A-Z][A-Z_]*\([A-Za-z]/ {
                        claim = $0
                        sub(/^[A-Z_]*\(/, "", claim)
                        sub(/[^A-Za-z0-9_].*$/, "", claim)
                        sub(/^[A-Z][A-Z][A-Z](_(start|stop|restart|intensity|api|auto|upgrade|bridge|call|life))?(_[0-9][0-9])+_/, "", claim)
                        gsub(/_/, " ", claim)
                        if (held == "no")
                                say()
                }
                held == "yes" && /^ +NEEDS_THREADS\(\);/ { say() }
                held == "yes" && /^}/ { claim = "" }' docs/semantics.md "$file"
        done
}

check() {
        found=$(mktemp)
        unsimulated >"$found"
        result=0
        awk -F '\t' -v from="$found" '
        function wrong(why) {
                print "simulated: " why >"/dev/stderr"
                bad = 1
        }
        FILENAME != from {
                if ($0 ~ /^#/ || $0 == "")
                        next
                at = index($0, " | ")
                if (at == 0 || substr($0, at + 3) == "")
                        wrong("no reason is given: " $0)
                allowed[substr($0, 1, at - 1)] = 1
                next
        }
        {
                count++
                if (!(($1 ": " $2) in allowed))
                        wrong("no simulated run holds \"" $1 ": " $2 "\" (" $3 "), and tests/simulated.allowed gives no reason")
                delete allowed[$1 ": " $2]
        }
        END {
                for (claim in allowed)
                        wrong("it is simulated, or it is no claim of a row: " claim)
                if (!bad)
                        print "simulated: all claims of rows but " count + 0 ", each with its reason"
                exit bad
        }' tests/simulated.allowed "$found" || result=1
        rm -f "$found"
        return $result
}

# A tree with each of the faults, of which each must be found.
can_fail() {
        tree=$(mktemp -d)
        mkdir -p "$tree/docs" "$tree/tests"
        printf 'set(coppice_fixtures "tests/(node_fixture)\\\\.h")\nset(coppice_never_simulated b)\n' >"$tree/tests/CMakeLists.txt"
        printf '| SPN-01 | `a`: one<br>`b`: two |\n| LNK-01 | `a`: three<br>`c`: four |\n' >"$tree/docs/semantics.md"
        printf '#include "tests/node_fixture.h"\nTEST(SPN_01_one)\n{\n        NEEDS_THREADS();\n}\nTEST(LNK_01_three)\n{\n}\n' >"$tree/tests/test_a.c"
        printf '#include "tests/node_fixture.h"\nTEST(SPN_01_two)\n{\n}\n' >"$tree/tests/test_b.c"
        printf 'TEST(LNK_01_four)\n{\n}\n' >"$tree/tests/test_c.c"
        printf 'a: three | it is not\n' >"$tree/tests/simulated.allowed"
        found=$(cd "$tree" && check 2>&1) && found=passed
        rm -rf "$tree"
        for fault in '"a: one" (SPN-01)' '"b: two"' '"c: four"' 'is no claim of a row: a: three'; do
                case $found in
                *"$fault"*) ;;
                *)
                        echo "simulated: a planted fault was not found: $fault" >&2
                        return 1
                        ;;
                esac
        done
}

if [ "${1:-}" = --list ]; then
        cd "${2:-$here/..}"
        unsimulated
        exit
fi
if [ $# -lt 2 ]; then
        can_fail
fi
cd "${2:-$here/..}"
check
