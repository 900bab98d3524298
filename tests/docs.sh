#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The code in docs/threads_to_actors.md is code that runs: each block names a sample in its first line,
# and the lines after it stand in that sample, one after the other, as they are. And where a page or a header says
# "till_on_bill at samples/shop.c:27", that line is in that function. What a page says to install it says to build before.
# docs/testing.md has the scenarios of tests/explore, and the number of bugs that are planted for each.
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
# Each sample is in the list of samples, and nothing else is.
listed=$(grep -o '`[a-z_]*[.]c`' "$here/../samples/README.md" | tr -d '`' | sort -u)
there=$(cd "$here/../samples" && printf '%s\n' *.c | sort)
[ "$listed" = "$there" ] || {
        echo "docs: samples/README.md does not list the samples that there are" >&2
        wrong=1
}

# lies_in FUNCTION FILE LINE: between the line that the function begins with, and its brace at the left.
lies_in() {
        awk -v wanted="$1" -v line="$3" '
                /^[a-z].*[(]/ && !/;$/ { name = $0; sub("[(].*", "", name); sub(".*[ *]", "", name) }
                FNR == line { found = name == wanted; exit }
                /^}/ { name = "" }
                END { exit !found }' "$here/../$2"
}

(cd "$here/.." && grep -rhoE '[a-z_]+ at samples/[a-z_]+[.]c:[0-9]+' README.md docs/*.md ./*/*.h include/coppice) |
        sort -u | tr ':' ' ' >"$work/places"
places=0
while read -r name _ file line; do
        places=$((places + 1))
        lies_in "$name" "$file" "$line" || {
                echo "docs: $file:$line is not in $name" >&2
                wrong=1
        }
done <"$work/places"
[ "$places" -gt 0 ] || {
        echo "docs: there is no place to look at" >&2
        exit 1
}
# What a page installs it has built.
for page in "$here/../README.md" "$here"/../docs/*.md; do
        awk '
                { line = $0
                  while (match(line, /[.]\/run build( [a-z]+)?|cmake --install build\/[a-z]+/)) {
                          found = substr(line, RSTART, RLENGTH)
                          line = substr(line, RSTART + RLENGTH)
                          preset = found
                          sub(".*[ /]", "", preset)
                          if (found ~ /install/ && !(preset in built)) {
                                  print "docs: " FILENAME ": " found " comes before ./run build " preset > "/dev/stderr"
                                  wrong = 1
                          }
                          if (found ~ /run build/)
                                  built[preset == "build" ? "dev" : preset] = 1
                  }
                }
                END { exit wrong }' "$page" || wrong=1
done
# The rows with a scenario in their second column, and what they say is planted; a scenario in two rows has the bugs of both.
awk -F'|' '
        FNR == NR && match($0, /^explore_(test|plant)[(][a-z_]+( [a-z_]+)?/) {
                split(substr($0, RSTART, RLENGTH), words, /[( ]/)
                planted[words[1] == "explore_plant" ? words[3] : words[2]] += words[1] == "explore_plant"
        }
        FNR != NR && $3 ~ /^ `[a-z]+`/ && $4 ~ /^ [0-9]+ $/ {
                scenario = $3
                sub(/^ `/, "", scenario)
                sub(/`.*/, "", scenario)
                told[scenario] += $4
        }
        END {
                for (scenario in planted)
                        rows++
                for (scenario in told)
                        planted[scenario] += 0
                for (scenario in planted)
                        if (!(scenario in told) || told[scenario] != planted[scenario]) {
                                print "docs: testing.md says that " told[scenario] + 0 " bugs are planted for " scenario \
                                      ", and scenarios.cmake plants " planted[scenario] > "/dev/stderr"
                                wrong = 1
                        }
                exit wrong || rows == 0
        }' "$here/explore/scenarios.cmake" "$here/../docs/testing.md" || wrong=1
echo "docs: of $count pieces of code and $places lines it is looked whether they are there"
exit $wrong
