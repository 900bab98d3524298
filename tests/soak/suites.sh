#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Soak: the claims of the suites on simulated nodes, suite by suite under seeds that no test has used.
#
#       tests/soak/suites.sh BUILD_DIR SECONDS      ends with 1 at a claim that does not hold, with the seed and how to repeat it
set -eu

build=$1
end=$(($(date +%s) + $2))
seed=${COP_SOAK_SEED:-$(($(date +%s) % 10000000 * 100))}
suites=$(ctest --test-dir "$build" -N -R '^simulated/' | sed -n 's/.*simulated\///p')
[ -n "$suites" ] || {
        echo "suites: this build has no simulated suites" >&2
        exit 1
}
said=$(mktemp)
trap 'rm -f -- "$said"' EXIT
seeds=0
claims=0
while :; do
        for suite in $suites; do
                [ "$claims" -eq 0 ] || [ "$(date +%s)" -lt "$end" ] || break 2
                COP_TEST_SIMULATE=$((seed + seeds)) "$build/tests/test_$suite" >"$said" 2>&1 || {
                        cat "$said"
                        exit 1
                }
                claims=$((claims + $(awk '/claims hold$/ { n = $2 } END { print n + 0 }' "$said")))
        done
        seeds=$((seeds + 1))
done
echo "suites: $claims claims held on simulated nodes, under seeds from $seed"
