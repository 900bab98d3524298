#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Random trees under random blows. The seed is the time of day, or COP_SOAK_SEED: a failure says how to see it again.
#
#       tests/soak/survival.sh BUILD_DIR SECONDS
set -eu

seed=${COP_SOAK_SEED:-$(date +%s)}
COP_SOAK_SECONDS=$2 COP_SOAK_SEED=$seed "$1/tests/test_survival" || {
        echo "soak: to see it again: COP_SOAK_SEED=$seed COP_SOAK_SECONDS=$2 $1/tests/test_survival" >&2
        exit 1
}
