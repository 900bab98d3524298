#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Soak: orders that no test has given yet, carried out here and by Erlang (tests/original).
#
#       tests/soak/original.sh BUILD_DIR SECONDS      ends with 1 at a difference, which is made small and printed
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
end=$(($(date +%s) + $2))
seed=${COP_SOAK_SEED:-$(($(date +%s) * 1000))}
total=0
while [ "$total" -eq 0 ] || [ "$(date +%s)" -lt "$end" ]; do
        status=0
        said=$(sh "$here/../original/compare.sh" "$1" 50 "$((seed + total))") || status=$?
        if [ "$status" -eq 77 ]; then
                echo "original: left out: Erlang is missing (erlang-base)"
                exit 0
        fi
        [ "$status" -eq 0 ] || {
                printf '%s\n' "$said"
                exit 1
        }
        total=$((total + 50))
done
echo "original: $((3 * total)) sequences of orders, to actors, servers and supervisors, the same as in Erlang"
