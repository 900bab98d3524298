#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A node whose surroundings fail: its log goes to a disk that is full, and the wall clock is nothing it relies on.
#
#       tests/trouble.sh BUILD_DIR
set -eu

name=trouble
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=tests/parts/shop.sh
. "$here/parts/shop.sh"
if ! [ -e /dev/full ]; then
        echo "trouble: there is no /dev/full: skipped"
        exit 77
fi

# Each line of the log fails, also those of a crash; the node does not care.
"$shop" </dev/null >/dev/full 2>/dev/full &
process=$!
"$coppice" -n shop --wait 20000 await clerk 20000 >/dev/null
"$coppice" -n shop 'call till #bill{pence = 900, people = 0}' >/dev/null 2>&1 && fail "a bill for nobody was split"
"$coppice" -n shop await till 20000 >/dev/null
answer=$("$coppice" -n shop 'call till #bill{pence = 900, people = 3}')
case $answer in
*pence_each*300*) ;;
*) fail "after a crash whose report could not be written it answered: $answer" ;;
esac
kill -TERM "$process"
code=0
wait "$process" || code=$?
process=
[ "$code" -eq 0 ] || fail "it ended with $code, not 0"

# Time-outs count by the monotonic clock, so a wall clock that jumps moves none. Where time-outs are made it is not read.
# shellcheck disable=SC2015 # none found is what is wanted
readers=$(cd -- "$here/.." && grep -lE 'CLOCK_REALTIME|gettimeofday|[^a-z_]time\(' base/*.c mailbox/*.c scheduler/*.c \
        supervisor/*.c actors/timer*.c actors/wait.c || true)
[ -z "$readers" ] || fail "the wall clock is read in: $readers"
echo "trouble: a full disk costs the log and nothing else, and the wall clock is only printed"
