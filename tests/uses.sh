#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Each function that the library shows has a use in a sample, where a user would look for one: the samples' own imports say so,
# with all that macros make of them. What has none stands in uses.allowed with a reason, and no entry there is stale.
#
#       tests/uses.sh BUILD_DIR
#
# It first shows that it can fail, on a function that no sample uses and an entry for one that is used.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/uses.sh BUILD_DIR"}}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

nm -D --defined-only "$build/libcoppice.so" | awk '$2 == "T" && $3 ~ /^cop_[^_]/ { print $3 }' |
        LC_ALL=C sort -u >"$work/shown"
for source in "$here"/../samples/*.c; do
        nm -D --undefined-only "$build/samples/$(basename "$source" .c)"
done | awk '$2 ~ /^cop_[^_]/ { print $2 }' | LC_ALL=C sort -u >"$work/used"
sed 's/#.*//; s/[ 	].*//; /^$/d' "$here/uses.allowed" | LC_ALL=C sort -u >"$work/allowed"

# find_wrong SHOWN ALLOWED
find_wrong() {
        LC_ALL=C comm -23 "$1" "$work/used" | LC_ALL=C comm -23 - "$2" | sed 's/$/: no sample uses it/'
        LC_ALL=C comm -12 "$2" "$work/used" | sed 's/$/: uses.allowed has it, and a sample uses it/'
        LC_ALL=C comm -23 "$2" "$1" | sed 's/$/: uses.allowed has it, and there is no such function/'
}

{
        cat "$work/shown"
        echo cop_zz_planted
} >"$work/planted"
echo cop_send_value >"$work/stale"
for why in 'cop_zz_planted: no sample' 'cop_send_value: uses.allowed'; do
        find_wrong "$work/planted" "$work/stale" | grep -q "^$why" || {
                echo "uses.sh cannot fail: it did not say '$why'" >&2
                exit 1
        }
done

find_wrong "$work/shown" "$work/allowed" >"$work/wrong"
sed 's/^/uses: /' "$work/wrong" >&2
[ ! -s "$work/wrong" ] || exit 1
echo "uses: $(wc -l <"$work/shown") functions, $(wc -l <"$work/allowed") of them without a sample"
