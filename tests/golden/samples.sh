#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Each sample runs, ends by itself with 0, and says what NAME.expected says; where there is a
# NAME.log, its log is that, too. What varies is masked: pids, times, and where the tree lies.
# Actors log when they get to it, so the lines of a log are compared in alphabetical order. One that
# begins with "? " there may be missing: a supervisor that is told to stop first says less.
#
#   usage: samples.sh BUILD_DIR
set -eu

build=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/masks"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Under ThreadSanitizer nobody is interrupted, and memory cannot be limited; and where a process ends by exit(), the leak
# checker of AddressSanitizer reports what only our pools refer to.
case ${COPPICE_SANITIZE:-} in
*thread*) left_out=' demo hostile loop ' ;;
*address*) left_out=' demo hostile ' ;;
*) left_out=' demo ' ;;
esac

wrong=0
complain() {
        echo "samples.sh: $*" >&2
        wrong=1
}

# same EXPECTED FOUND WHAT
same() {
        diff -u "$1" "$2" >&2 || complain "$3 is not what $1 says"
}

# Passes on the expected lines, of the optional ones those that were found.
without_missing() {
        awk -v found="$1" 'BEGIN { while ((getline line <found) > 0) there[line] = 1 }
                !/^[?] / { print; next }
                substr($0, 3) in there { print substr($0, 3) }'
}

# The page on simulation shows what that sample says: a seed does the same in each build.
same_as_page() {
        sed -n -e 's/^    \(seed [0-9]\)/\1/p' -e 's/^    \(repeat it with\)/\1/p' \
                "$here/../../docs/simulation.md" >"$work/page"
        [ -s "$work/page" ] || complain "docs/simulation.md shows no seed"
        same "$work/page" "$1" "what docs/simulation.md shows of the sample trial"
}

for expected in "$here"/*.expected; do
        name=$(basename "$expected" .expected)
        case $left_out in *" $name "*) continue ;; esac
        code=0
        timeout 60 "$build/samples/$name" >"$work/out" 2>"$work/log" </dev/null || code=$?
        [ $code -eq 0 ] || complain "$name ended with exit code $code: $(cat "$work/log")"
        same "$expected" "$work/out" "the output of $name"
        [ -e "$here/$name.log" ] || : >"$work/empty"
        log=$work/empty
        [ ! -e "$here/$name.log" ] || log=$here/$name.log
        mask_log <"$work/log" | mask_places "$build" | LC_ALL=C sort >"$work/masked_log"
        mask_places "$build" <"$log" | without_missing "$work/masked_log" |
                LC_ALL=C sort >"$work/expected_log"
        same "$work/expected_log" "$work/masked_log" "the log of $name"
        [ "$name" != trial ] || same_as_page "$work/log"
done

# A sample that nobody compares is one that nobody runs. The shop and the studio serve until they are told to stop: demo.sh runs them.
for source in "$here"/../../samples/*.c; do
        name=$(basename "$source" .c)
        [ "$name" = shop ] || [ "$name" = studio ] || [ -e "$here/$name.expected" ] || complain "$name.expected is missing"
done
exit $wrong
