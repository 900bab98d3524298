#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# docs/processes.md says of every public function what it does in an OS process of its own: under "Every function", each
# once. A function that it does not list is not thought of; one that it lists and that is not there is out of date.
#
#       tests/processes.sh [BUILD_DIR [DOCUMENT]]
#
# Without DOCUMENT it first shows that it can fail, on one in which a function is missing and another made up.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tree=$here/..

# cop_send_value and so on, of the headers.
public_functions() {
        cat "$tree"/include/coppice/*.h |
        sed -n 's/^COP_API .*[ *(]\(cop_[a-z0-9_]*\))\{0,1\}(.*/\1/p' | sort -u
}

# What stands in backquotes in the table's first column.
listed_functions() {
        sed -n '/^## Every function/,/^## /p' "$1" |
        sed -n 's/^| \(`.*`\) |.*/\1/p' | grep -o 'cop_[a-z0-9_]*' | sort
}

compare() {
        public_functions >"$work/public"
        listed_functions "$1" >"$work/listed"
        uniq -d "$work/listed" | sed 's/$/: listed twice/'
        sort -u "$work/listed" | comm -23 "$work/public" - | sed 's/$/: not listed/'
        sort -u "$work/listed" | comm -13 "$work/public" - | sed 's/$/: listed, and no public function/'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
document=${2:-$tree/docs/processes.md}
wrong=$(compare "$document")
if [ -n "$wrong" ]; then
        printf '%s\n' "$wrong" >&2
        exit 1
fi
if [ $# -lt 2 ]; then
        sed 's/`cop_self`/`cop_selves`/' "$document" >"$work/wrong.md"
        if [ "$(compare "$work/wrong.md" | wc -l)" -ne 2 ]; then
                echo "processes.sh does not find what is wrong in a planted document" >&2
                exit 1
        fi
fi
echo "$(wc -l <"$work/public") public functions, each with a word on what it does in a process"
