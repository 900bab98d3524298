#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A flood of messages, up to 100 million, to a slow actor: bounded memory, nothing lost, and the shell answers.
#
#       tests/soak/flood.sh BUILD_DIR SECONDS
set -eu

count=$(($2 * 500000))
[ "$count" -le 100000000 ] || count=100000000
[ "$count" -eq 100000000 ] || echo "flood: $count of 100000000 messages: $2 s are enough for so many; 200 s are for all"
COP_SOAK_FLOOD=$count exec "$1/tests/test_overload" a_flood
