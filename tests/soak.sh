#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The soak in short: each part of ./run soak for some seconds, 20 in all, with its count of what was survived, and the sentence
# that sums them up.
#
#       tests/soak.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/soak.sh BUILD_DIR"}}
parts=$(find "$here/soak" -name '*.sh' | sed 's/.*\///; s/\.sh$//' | sort)
count=$(printf '%s\n' "$parts" | wc -l)
failed=0
export COP_SOAK_SEED=1 # a test says the same each time
heard=$(mktemp)
broken=$(mktemp -d)
trap 'rm -rf -- "$heard" "$broken"' EXIT

# What random trees have survived, but for what is not possible in this build.
expect_survived() {
        grep -q "^$1: not in this build$" "$heard" || grep -q "^$1.*: [1-9]" "$heard" || {
                echo "soak: no $1 were survived" >&2
                failed=1
        }
}

# expect_in_summary WORDS: with a number before them, which is there if it is not 0.
expect_in_summary() {
        printf '%s\n' "$summary" | grep -Eq "[0-9] $1" || {
                echo "soak: the summary lacks $1: $summary" >&2
                failed=1
        }
}

unset COP_SOAK_FUZZERS # what they are is for longer than a second
for part in $parts; do
        out=$(sh "$here/soak/$part.sh" "$build" $((20 / count)) 2>&1) || {
                printf 'soak: %s failed:\n%s\n' "$part" "$out" >&2
                failed=1
        }
        printf '%s\n' "$out" | tee -a "$heard"
        case $out in
        "$part: left out: "*) continue ;; # and why
        esac
        [ "$(printf '%s\n' "$out" | awk -f "$here/soak/summary.awk")" != 'soak: nothing was counted' ] || {
                echo "soak: $part has counted nothing" >&2
                failed=1
        }
done
for what in 'NULL pointers' 'wild pointers' 'stack overflows' kills timers 'endless loops' 'blocking reads' floods \
        'messages of floods let in' 'exits of a process' 'kills of a process' 'corrupted heaps in a process' \
        'endless loops in a process' 'allocations without end in a process' "deaths heard of that were a process's"; do
        expect_survived "$what"
done
# An input that breaks a decoder is a failure also where the corpus is only replayed.
mkdir -p "$broken/tests/fuzz"
for name in bytes text packet line dump external; do
        printf '#!/bin/sh\necho "fuzz: 3 inputs"\n[ %s != text ]\n' "$name" >"$broken/tests/fuzz/fuzz_$name"
        chmod +x "$broken/tests/fuzz/fuzz_$name"
done
if sh "$here/soak/fuzz.sh" "$broken" 1 >/dev/null; then
        echo "soak: a decoder that an input has broken was passed over" >&2
        failed=1
fi
# Where there are no suites to run for so long, that is said, and not tried for ever.
if sh "$here/soak/suites.sh" "$broken" 1 >/dev/null 2>&1; then
        echo "soak: a build without simulated suites was passed over" >&2
        failed=1
fi
summary=$(awk -f "$here/soak/summary.awk" "$heard")
echo "$summary"
expect_in_summary seeds
grep -q "^simulation: [0-9]* seeds from $COP_SOAK_SEED," "$heard" || {
        echo "soak: the simulation did not begin at the seed that was asked for" >&2
        failed=1
}
expect_in_summary 'simulated hours'
expect_in_summary 'claims of suites'
expect_in_summary 'faults survived'
expect_in_summary 'schedules explored' # this test is of the builds that have them
expect_in_summary 'inputs replayed'
[ "$(printf '%s\n' 'simulation: 7 seeds from 3, five loads each: 9 turns, 1.50 simulated hours, 2 crashes' \
        'faults survived: 40, of 7 kinds' 'fuzz: 12 executions, none broke a decoder' |
        awk -f "$here/soak/summary.awk")" = 'soak: 7 seeds, 1.50 simulated hours, 12 executions fuzzed, 42 faults survived' ] || {
        echo "soak: the summary does not add up" >&2
        failed=1
}
exit $failed
