#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The demo runs, ends with 0 in time, and shows what demo.expected shows. Pids, OS processes, users and times are masked.
#
#   usage: demo.sh BUILD_DIR
set -eu

build=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/masks"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# A signal from outside is AddressSanitizer's, with its own report and exit code, unless it is told to leave that alone. What an actor
# faults with is Coppice's either way (docs/faults.md).
case ${COPPICE_SANITIZE:-} in
*thread*)
        echo "demo.sh: skipped: a signal from outside is ThreadSanitizer's, which has its own report and exit code"
        exit 77
        ;;
*address*)
        ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
        export ASAN_OPTIONS
        ;;
esac
[ -x "$build/coppice" ] || {
        echo "demo.sh: this build has no client program" >&2
        exit 77
}

code=0
timeout 60 sh "$here/../../samples/demo.sh" "$build" >"$work/out" 2>&1 </dev/null || code=$?
mask_ids <"$work/out" | mask_places "$build" |
        sed -e 's/process [0-9][0-9]*/process N/' -e 's/kill -9 [0-9]*/kill -9 N/' -e 's/of user [0-9]*/of user N/' \
                -e 's/after [0-9.]* s;/after N s;/' -e 's/, [0-9-]* [0-9:]* UTC$/, DATE UTC/' >"$work/masked"
mask_places "$build" <"$here/demo.expected" >"$work/expected"
diff -u "$work/expected" "$work/masked" >&2 || {
        echo "demo.sh: the demo does not show what demo.expected shows" >&2
        exit 1
}
[ $code -eq 0 ] || {
        echo "demo.sh: the demo ended with exit code $code" >&2
        exit 1
}
