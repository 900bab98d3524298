#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# ./run coverage says what has no reason, and which reason is for nothing: shown with counts that are made up. The counting
# itself takes a build of its own and some minutes, so it is not among the tests.
# shellcheck disable=SC2016 # the backquotes are the table's
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

fail() {
        echo "coverage.sh: $*" >&2
        exit 1
}

# A file of 200 lines; those from FIRST to LAST were not run.
counts() {
        awk -v first="$1" -v last="$2" -v path="$work/a.c" 'BEGIN {
                print "SF:" path
                for (i = 1; i <= 200; i++) {
                        print "line " i ";" > path
                        printf "DA:%d,%d\n", i, (i < first || i > last)
                }
                print "BRDA:1,0,0,3"
                print "BRDA:1,0,1,0"
                print "BRDA:150,0,0,3"
                print "BRDA:150,0,1,0"
                print "end_of_record"
        }' >"$work/lines.info"
}

also= # counts of another build

# judge [REASON]: what the report says, in $said; its end.
judge() {
        {
                echo 'Words, and a table:'
                [ $# -eq 0 ] || printf '%s\n' "$1"
        } >"$work/reasons.md"
        # shellcheck disable=SC2086 # nothing, or three words
        said=$(awk -v root="$work/" -v branches="$work/branches" -f "$here/coverage/report.awk" \
                "$work/reasons.md" ${also:+also=1 "$also" also=0} "$work/lines.info")
}

# expect WORDS: the report ends badly, and says why.
expect() {
        words=$1
        shift
        ! judge "$@" || fail "it does not complain: $words"
        case $said in
        *"$words"*) ;;
        *) fail "'$words' is missing from: $said" ;;
        esac
}

counts 50 50
judge || fail "a single line may be another race's: $said"
case $said in
*"a.c:50: 1 line was not run"*"in all"*200*99.5*50.0*2) ;;
*) fail "the line or the sums are missing: $said" ;;
esac
# Sides of conditions are listed by line, but for those that lead to lines that were not run.
grep -qF 'a.c:1: 1 of 2:line 1;' "$work/branches" || fail "a side that was not taken is not listed: $(cat "$work/branches")"
counts 151 151
judge || fail "a single line may be another race's: $said"
case $said in
*"in all"*1) ;;
*) fail "a side that leads to what was not run counts twice: $said" ;;
esac
! grep -qF 'a.c:150' "$work/branches" || fail "a side that leads to what was not run is listed: $(cat "$work/branches")"
counts 50 50
judge '| `a.c` | `line 60;` | at times: who comes first |' || fail "what happens at times may happen: $said"
counts 50 55
expect 'a.c:50: 6 lines were not run'
judge '| `a.c` | `line 52;` | no machine of ours comes here |' || fail "a reason is not taken: $said"
judge '| `a.c` | * | no machine of ours comes here |' || fail "a reason for all of a file is not taken: $said"
judge '| `a.c` | `line 50;`, `line 51;` | no machine of ours comes here |' || fail "several words are not taken: $said"
expect 'a reason for nothing: a.c: line 60;' '| `a.c` | `line 52;`, `line 60;` | no machine of ours comes here |'
expect 'a reason for nothing: a.c: line 60;' '| `a.c` | `line 60;` | no machine of ours comes here |'
expect 'a.c has a row without a reason' '| `a.c` | `line 52;` | |'
# What another build has run counts as run, line by line, and side by side where a condition has as many there.
cat >"$work/explored.info" <<END_OF_COUNTS
SF:$work/a.c
DA:50,1
DA:51,4
DA:52,1
DA:53,1
DA:54,1
DA:999,1
BRDA:1,0,0,0
BRDA:1,0,1,7
BRDA:150,0,0,1
BRDA:150,0,1,1
BRDA:150,1,0,1
end_of_record
END_OF_COUNTS
counts 50 55
expect 'a.c:50: 6 lines were not run'
also=$work/explored.info
judge || fail "what another build has run is missing: $said"
case $said in
*"a.c:55: 1 line was not run"*"in all"*200*99.5*75.0*1) ;;
*) fail "what another build has run is not added: $said" ;;
esac
sed 's,^SF:.*,SF:'"$work"'/build/coverage/../../a.c,' "$also" >"$work/cached.info" # as a cache of compilations names it
also=$work/cached.info
judge || fail "what another build has run is missing under its other name: $said"
case $said in
*"a.c:55: 1 line was not run"*"in all"*200*99.5*75.0*1) ;;
*) fail "what another build has run is not added under its other name: $said" ;;
esac
also=
counts 201 201
expect 'a reason for nothing' '| `a.c` | * | no machine of ours comes here |'
counts 1 20
awk '/^DA:(4|8|12|16),/ { sub(/,0/, ",1") } { print }' "$work/lines.info" >"$work/some.info"
mv "$work/some.info" "$work/lines.info"
expect '8.0 % of the lines were not run and have no reason'
: >"$work/lines.info"
expect 'nothing was counted'

echo "coverage: what was not run needs a reason, and a reason needs what was not run"
