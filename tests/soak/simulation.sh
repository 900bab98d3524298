#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Simulated nodes under as many seeds as the time allows: prints the seeds, the turns and the simulated hours. The first is COP_SOAK_SEED,
# or one of its own each time.
#
#       tests/soak/simulation.sh BUILD_DIR SECONDS
set -eu

exec "$1/tests/soak_simulation" --seconds "$2" ${COP_SOAK_SEED:+--first "$COP_SOAK_SEED"}
