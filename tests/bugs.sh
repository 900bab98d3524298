#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What bugs.md says of each bug that was found is so: the claims are there, each by its whole name. A claim is a test or a scenario, a planted
# bug of explore/scenarios.cmake, a file of the corpus, or a script.
#
#       tests/bugs.sh
#
# It first shows that it can fail, on a claim that is not there, and on a bug without one.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

{
        cat "$here"/test_*.c "$here"/explore/*.c | sed -n 's/^[A-Z_]\{4,\}(\([A-Za-z0-9_]*\)[,)].*/\1/p'
        sed -n 's/^explore_plant(\([a-z0-9_]*\) .*/\1/p' "$here/explore/scenarios.cmake"
        (cd "$here" && find corpus -type f)
        (cd "$here" && ls ./*.sh consumer/*.sh) | sed 's/.*\///'
} | LC_ALL=C sort -u >"$work/claims"

# find_wrong FILE: rows without a claim, and claims that are nowhere.
find_wrong() {
        awk -F'|' '/^\|/ && !/^\|---/ && !/What was wrong/ && ($2 !~ /[a-z]/ || $3 !~ /`/) { print "a bug without a claim: " $0 }' "$1"
        awk -F'|' '/^\|/ && !/What was wrong/ { print $3 }' "$1" | grep -o '`[^`]*`' | tr -d '`' | LC_ALL=C sort -u |
                LC_ALL=C comm -23 - "$work/claims" | sed 's/^/no such claim: /'
}

{
        cat "$here/bugs.md"
        echo '| Planted. | `a_claim_that_is_nowhere` |'
        echo '| Planted. | |'
} >"$work/planted"
for why in 'no such claim: a_claim_that_is_nowhere' 'a bug without a claim'; do
        find_wrong "$work/planted" | grep -q "^$why" || {
                echo "bugs.sh cannot fail: it did not say '$why'" >&2
                exit 1
        }
done

find_wrong "$here/bugs.md" >"$work/wrong"
sed 's/^/bugs: /' "$work/wrong" >&2
[ ! -s "$work/wrong" ] || exit 1
echo "bugs: $(grep '^| [A-Z]' "$here/bugs.md" | grep -vc 'What was wrong') of them, each with claims that are there"
