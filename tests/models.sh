#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The protocols of the arrival queue, of sleep and wake, of the places to sleep in, of the desk, of a worker's company, of the run queue, of
# the pool's spans, of slots and their ebb, of links, calls and aliases hold in every interleaving: SPIN walks through all of them. That it would notice is shown first, with
# planted bugs.
#
#       tests/models.sh [BUILD_DIR]     ends with 77 where spin is not installed
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cc=${CC:-cc}
if ! command -v spin >/dev/null || ! command -v "$cc" >/dev/null; then
        echo "models: skipped: needs spin and a C compiler"
        exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# walk LEVEL MODEL OPTIONS...: through one model, compiled so well, and prints what SPIN says. A planted bug is met
# long before a compiler has optimised the way there.
walk() {
        level=$1
        model=$2
        shift 2
        rm -f pan*
        spin -a "$@" "$here/models/$model.pml" || exit 1
        "$cc" "$level" -w -DSAFETY -DMEMLIM=1500 -o pan pan.c || exit 1
        ./pan -m200000
}

holds() {
        said=$(walk -O1 "$@")
        case $said in
        *'not completed'* | *'too small'*) echo "models: $*: not walked to the end"; exit 1 ;;
        *'errors: 0'*) echo "models: $*: holds" ;;
        *) echo "models: $*: does not hold:"; echo "$said"; exit 1 ;;
        esac
}

is_found() {
        said=$(walk -O0 "$@")
        case $said in
        *'assertion violated'*) echo "models: $*: found" ;;
        *) echo "models: $*: a planted bug was not found:"; echo "$said"; exit 1 ;;
        esac
}

for bug in FREE_CURSOR SLEEP_BLIND SCHEDULE_AWAKE LET_GO_UNMARKED; do
        is_found queue "-DPLANT_$bug"
done
holds queue

for bug in NO_FENCE LOOK_FIRST EARLY_CLEAR; do
        is_found barrier "-DPLANT_$bug"
done
holds barrier

for bug in NO_FENCE LOOK_ONCE CLAIM_EARLY KEEP; do
        is_found company "-DPLANT_$bug"
done
holds company

for bug in FORGET_CLAIM LOOK_FIRST; do
        is_found wake "-DPLANT_$bug"
        is_found wake "-DPLANT_$bug" -DWORKERS=2 -DTASKS=1
done
is_found wake -DPLANT_FIND_QUIETLY -DWORKERS=2 -DTASKS=1 -DFOR_EVER
holds wake
holds wake -DWORKERS=2 -DTASKS=1 -DFOR_EVER
holds wake -DWORKERS=2 -DTASKS=1 # with 2 tasks it holds too, but takes 20 GB to walk

for bug in NO_FENCE NO_CALL_FENCE LOOK_NOT TWO_SIT RISE_NOT; do
        is_found poll "-DPLANT_$bug"
done
holds poll

for bug in NO_GENERATION BARE_FIRST NEWEST_GOES ONE_SHORT; do
        is_found span "-DPLANT_$bug"
done
holds span

for bug in STEAL_BLIND FULL_BY_ONE; do
        is_found ring "-DPLANT_$bug"
done
holds ring

for bug in NO_GENERATION PID_STAYS; do
        is_found slot "-DPLANT_$bug"
done
holds slot
holds slot -DSENDS=4 -DLIVES=2

for bug in NO_FENCE NO_GRACE FORGET_VISITOR LOOK_NOT SHOW_FIRST; do
        is_found ebb "-DPLANT_$bug"
done
holds ebb

for bug in NO_PARTNER SILENT_REFUSAL TELLS_TWICE SILENT_GOODBYE GONE_KEEPS HUSHED_TELLS STAYS_HUSHED \
        UNHUSHES_BLINDLY HUSHED_KEEPS; do
        is_found link "-DPLANT_$bug"
done
holds link

for bug in ANY_REPLY STAYS_OPEN REPLY_STAYS DEMONITOR_STAYS DOWN_ANYWAY; do
        is_found alias "-DPLANT_$bug"
done
holds alias
