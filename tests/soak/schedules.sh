#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Soak: schedules of the explored runtime (tests/explore) that no test has run yet, each protocol for its share of the time.
#
#       tests/soak/schedules.sh BUILD_DIR SECONDS      ends with 1 when a scenario does not hold, and its seed is printed
set -eu

build=$1
seconds=$2
seed=${COP_SOAK_SEED:-$(($(date +%s) * 1000))}
programs=$(find "$build/tests/explore" -name 'explore_*' -type f -perm -u+x 2>/dev/null | sort)
if [ -z "$programs" ]; then
        echo "schedules: left out: this build has no explored runtime, the build dev has"
        exit 0
fi
share=$(awk -v seconds="$seconds" -v count="$(printf '%s\n' "$programs" | wc -l)" 'BEGIN { print seconds / count }')
said=$(mktemp)
trap 'rm -f -- "$said"' EXIT
for program in $programs; do
        "$program" --seconds "$share" --seed "$seed" >>"$said" 2>&1 || {
                grep -v ': holds under' "$said"
                exit 1
        }
done
awk '{ for (i = 1; i < NF; i++) if ($i == "under") sum += $(i + 1) } END { print "schedules: " sum " explored of " NR " scenarios" }' "$said"
