#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Faults of every kind on two workers, up to 100,000 of each: every DOWN is read, and nothing is left behind.
#
#       tests/soak/faults.sh BUILD_DIR SECONDS
set -eu

count=$(($2 * 2000))
[ "$count" -le 100000 ] || count=100000
COP_SOAK_FAULTS=$count exec "$1/tests/test_contain" told_rightly
