#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The code in docs/threads_to_actors.md is code that runs: each block names a sample in its first line,
# and the lines after it stand in that sample, one after the other, as they are.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
page=$here/../docs/threads_to_actors.md
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Block N goes to $work/N, without the line that names its file, which goes to $work/N.of.
awk -v work="$work" '
        /^```c$/ { n++; inside = 1; first = 1; next }
        /^```$/ { inside = 0 }
        inside && first { sub("^// ", ""); print > (work "/" n ".of"); first = 0; next }
        inside { print > (work "/" n) }
' "$page"

wrong=0
count=0
for of in "$work"/*.of; do
        block=${of%.of}
        sample=$here/../$(cat "$of")
        count=$((count + 1))
        awk 'NR == FNR { block[++n] = $0; next }
                { text[FNR] = $0 }
                END {
                        for (at = 1; at + n - 1 <= FNR; at++) {
                                for (i = 1; i <= n && text[at + i - 1] == block[i]; i++)
                                        ;
                                if (i > n)
                                        exit 0
                        }
                        exit 1
                }' "$block" "$sample" || {
                echo "docs: $(cat "$of") has no such lines:" >&2
                cat "$block" >&2
                wrong=1
        }
done
[ "$count" -gt 0 ] || {
        echo "docs: there is no code to compare" >&2
        exit 1
}
echo "docs: $count pieces of code are those of the samples"
exit $wrong
