#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Soak: the decoders of foreign bytes (tests/fuzz), with the fuzzers that ./run soak has built where clang is there: they make
# inputs of their own, which are executions. Elsewhere the corpus is replayed, which is something else, and is called so.
#
#       tests/soak/fuzz.sh BUILD_DIR SECONDS      ends with 1 when an input breaks one; it is kept in build/fuzz/corpus
#
#       COP_SOAK_FUZZERS=DIR                      the build of the fuzzers; not set: there are none
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$1
share=$(($2 / 6 > 0 ? $2 / 6 : 1))
fuzz=${COP_SOAK_FUZZERS:-}
total=0
for name in bytes text packet line dump external; do
        corpus=$here/../corpus/$name
        if [ -n "$fuzz" ]; then
                mkdir -p "$fuzz/corpus/$name"
                said=$("$fuzz/tests/fuzz/fuzz_$name" -max_total_time="$share" -timeout=20 -close_fd_mask=3 \
                        -print_final_stats=1 -artifact_prefix="$fuzz/corpus/$name-" "$fuzz/corpus/$name" "$corpus" 2>&1) || {
                        printf '%s\n' "$said" | tail -n 30
                        exit 1
                }
                more=$(printf '%s\n' "$said" | awk '/number_of_executed_units/ { print $2 }')
        else
                said=$("$build/tests/fuzz/fuzz_$name" "$corpus" 2>&1) || {
                        printf '%s\n' "$said" | tail -n 30
                        exit 1
                }
                more=$(printf '%s\n' "$said" | awk '/^fuzz:/ { print $2 }')
        fi
        total=$((total + ${more:-0}))
done
what=executions
[ -n "$fuzz" ] || what='inputs replayed'
echo "fuzz: $total $what, none broke a decoder"
