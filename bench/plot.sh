#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The plots of docs/performance.md: what things cost among 10 to 1,000,000 others.
#
#   usage: plot.sh DIR LINES...     LINES: what coppice-bench --json printed; see plot.sh --rows for what is needed
#          plot.sh --rows           the names of those benchmarks
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ "${1:-}" != --rows ] || {
        echo ring_among ring_scattered spawn_among restart_among names_lookup keys_lookup selective limit_visit
        exit
}
[ $# -ge 2 ] || {
        echo "usage: plot.sh DIR LINES..." >&2
        exit 64
}
to=$1
shift
mkdir -p "$to"
failed=0

# plot FILE MEASURE TITLE SERIES LINES...: a file that cannot be drawn in full is not written.
plot() {
        file=$to/$1 measure=$2 title=$3 series=$4
        shift 4
        if awk -v title="$title" -v series="$series" -v measure="$measure" \
                -f "$here/lines.awk" -f "$here/plot.awk" "$@" >"$file.new"; then
                mv "$file.new" "$file"
                echo "$file"
        else
                rm -f "$file.new"
                echo "plot.sh: no figures for ${file##*/}" >&2
                failed=1
        fi
}

plot message.svg ns_per_op 'a message to another actor of a ring of so many' \
        'ring_among=a hop, in order of birth;ring_scattered=a hop, to anybody;limit_visit=the bound: two cache lines of any of so many records' "$@"
plot spawn.svg ns_per_op 'an actor from spawn to exit, while so many others exist' \
        'spawn_among=spawn, one message, exit' "$@"
plot restart.svg p50_ns 'from a crash to the replacement, among so many children' 'restart_among=p50' "$@"
plot lookup.svg ns_per_op 'finding one of so many' 'names_lookup=by its name;keys_lookup=by its key in a registry' "$@"
plot selective.svg ns_per_op 'a request and its answer, with so many unread messages' 'selective=a round trip' "$@"
exit $failed
