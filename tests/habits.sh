#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A limit that is a habit (scheduler/habits.h) is read as a habit, wherever it counts: else a simulated node, which draws its habits from
# its seed, has the ordinary one there, and no seed makes the rare path common. A pile that was shared, and a book that ended, did so.
#
#       tests/habits.sh
#
# The sizes of arrays are the limits themselves. It first shows that it can fail, on a line that reads one.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."

limits=$(sed -n '/^struct cop__habits {/,/^};/s/.*\/\* \(COP__[A-Z_]*\):.*/\1/p' scheduler/habits.h)
[ "$(printf '%s\n' "$limits" | wc -l)" -ge 13 ] || {
        echo "habits: scheduler/habits.h does not name its limits any more" >&2
        exit 1
}
sizes='COP__RUNQUEUE_SIZE COP__DESK_FEW COP__SLOTS_CACHED'

# find_wrong FILE...: lines that read a limit.
find_wrong() {
        for limit in $limits; do
                case " $sizes " in
                *" $limit "*) ;;
                *) grep -nw -- "$limit" "$@" /dev/null || true ;;
                esac
        done
}

planted=$(mktemp)
trap 'rm -f -- "$planted"' EXIT
echo 'if (taken >= COP__HOLDINGS_BATCH)' >"$planted"
[ -n "$(find_wrong "$planted")" ] || {
        echo "habits.sh cannot fail: it did not see a limit that is read" >&2
        exit 1
}

# shellcheck disable=SC2046 # names of ours, without spaces
wrong=$(find_wrong $(find base mailbox scheduler actors supervisor io distribution shell -name '*.[ch]' \
        ! -path base/limits.h ! -path 'scheduler/habits.[ch]'))
[ -z "$wrong" ] || {
        printf '%s\n' "$wrong" | sed 's/^/habits: a limit is read past its habit: /' >&2
        exit 1
}
echo "habits: $(printf '%s\n' "$limits" | wc -l) limits are read as habits"
