#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The lock-free protocols under every-step schedules, each explorer for its share of the time.
#
#       tests/soak/schedules.sh BUILD_DIR SECONDS
set -eu

count=0
for program in "$1"/tests/explore/explore_*; do
        [ ! -x "$program" ] || count=$((count + 1))
done
if [ "$count" -eq 0 ]; then
        echo "schedules: skipped, for not 1 explorer is built"
        exit 0
fi
share=$(($2 / count))
[ "$share" -gt 0 ] || share=1
failed=0
for program in "$1"/tests/explore/explore_*; do
        [ ! -x "$program" ] || "$program" --seconds "$share" || failed=1
done
exit $failed
