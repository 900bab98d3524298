#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Each function that the library shows is done by an operation of operations.h, so that memory fails in it at each place in turn
# (test_failing_memory.c, test_refused_memory.c). What is not stands in operations.allowed with a reason, and no entry there is stale.
#
#       tests/operations.sh BUILD_DIR
#
# It first shows that it can fail, on a function that no operation does and an entry for one that is done.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/operations.sh BUILD_DIR"}}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# What the table of operations needs, macros and all, and nothing else of a test.
cat >"$work/operations.c" <<'SOURCE'
#include "tests/operations.h"
const struct operation *cop__all_operations = operations;
SOURCE
# shellcheck disable=SC2046 # options
${CC:-cc} -std=gnu11 -O1 -w -DCOP__CHECKED=0 -DCOP__TINY=0 -I"$here/.." -I"$here/../include" -I"$build/generated" \
        $(pkg-config --cflags check) -c "$work/operations.c" -o "$work/operations.o"
nm --undefined-only "$work/operations.o" | awk '$2 ~ /^cop_[^_]/ { print $2 }' | LC_ALL=C sort -u >"$work/done"
nm -D --defined-only "$build/libcoppice.so" | awk '$2 == "T" && $3 ~ /^cop_[^_]/ { print $3 }' | LC_ALL=C sort -u >"$work/shown"
sed 's/#.*//; s/[ 	].*//; /^$/d' "$here/operations.allowed" | LC_ALL=C sort -u >"$work/allowed"

# find_wrong SHOWN ALLOWED
find_wrong() {
        LC_ALL=C comm -23 "$1" "$work/done" | LC_ALL=C comm -23 - "$2" | sed 's/$/: no operation of operations.h does it/'
        LC_ALL=C comm -12 "$2" "$work/done" | sed 's/$/: operations.allowed has it, and an operation does it/'
        LC_ALL=C comm -23 "$2" "$1" | sed 's/$/: operations.allowed has it, and there is no such function/'
}

{
        cat "$work/shown"
        echo cop_zz_planted
} >"$work/planted"
{
        echo cop_send_value
        echo cop_zz_stale
} >"$work/stale"
for why in 'cop_zz_planted: no operation' 'cop_send_value: operations.allowed' 'cop_zz_stale: operations.allowed'; do
        find_wrong "$work/planted" "$work/stale" | grep -q "^$why" || {
                echo "operations.sh cannot fail: it did not say '$why'" >&2
                exit 1
        }
done
grep -v '^#' "$here/operations.allowed" | grep -vq '^cop_[a-z0-9_]* *# ..*' && {
        echo "operations.sh: an entry of operations.allowed without a reason" >&2
        exit 1
}

find_wrong "$work/shown" "$work/allowed" >"$work/wrong"
sed 's/^/operations: /' "$work/wrong" >&2
[ ! -s "$work/wrong" ] || exit 1
echo "operations: $(wc -l <"$work/done") functions fail at each place in turn, $(wc -l <"$work/allowed") ask for no memory or have loops of their own"
