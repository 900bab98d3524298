#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The soak in short: each part of ./run soak for some seconds, 20 in all, with its count of what was survived.
#
#       tests/soak.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/soak.sh BUILD_DIR"}}
parts=$(find "$here/soak" -name '*.sh' | sed 's/.*\///; s/\.sh$//' | sort)
count=$(printf '%s\n' "$parts" | wc -l)
failed=0
for part in $parts; do
        out=$(sh "$here/soak/$part.sh" "$build" $((20 / count)) 2>&1) || {
                printf 'soak: %s failed:\n%s\n' "$part" "$out" >&2
                failed=1
        }
        printf '%s\n' "$out"
        printf '%s\n' "$out" | grep -q '[1-9]' || {
                echo "soak: $part has counted nothing" >&2
                failed=1
        }
done
exit $failed
