# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What was run and what not, from llvm-cov's lines, against the reasons in docs/coverage.md.
#
#       awk -v root=/the/tree/ -f report.awk docs/coverage.md lines.info
#
# A *part* is a run of counted lines of which none was run. Ends with 1 when
#
# - a part of `part_max` lines or more has no reason,
# - more than `most` percent of all lines were not run and have none,
# - a reason is for nothing: no part that was not run has its words in it.
#
# In the table | file | words | why |, words stand in a line of the part, or in one of the two before, where the name of its function
# is; * is for every part of the file.

BEGIN {
        part_max = 5
        most = 5
}

# The first file: the reasons, in rows whose first cell is a path in backquotes.
NR == FNR {
        if ($0 !~ /^\| `/)
                next
        n = split($0, cell, / \| /)
        reasons++
        of[reasons] = substr(cell[1], 4, length(cell[1]) - 4)
        words[reasons] = cell[2]
        gsub(/^`|`$/, "", words[reasons])
        if (n < 3 || length(cell[3]) < 10) {
                printf "coverage: %s has a row without a reason: %s\n", of[reasons], words[reasons]
                wrong = 1
        }
        next
}

/^SF:/ {
        path = substr($0, 4)
        file = path
        if (index(file, root) == 1)
                file = substr(file, length(root) + 1)
        count = 0
}

/^DA:/ {
        split(substr($0, 4), pair, ",")
        if (pair[1] == line[count]) { # what two builds of one file say: the better one
                if (pair[2] + 0 > hits[count])
                        hits[count] = pair[2] + 0
                next
        }
        count++
        line[count] = pair[1]
        hits[count] = pair[2] + 0
}

/^BRDA:/ {
        split(substr($0, 6), part, ",")
        branches[file]++
        if (part[4] + 0 > 0)
                taken[file]++
}

/^end_of_record/ {
        if (!(file in seen))
                order[++files] = file
        seen[file] = 1
        read_source()
        for (i = 1; i <= count; i++) {
                lines[file]++
                if (hits[i] > 0) {
                        run[file]++
                        end_part()
                        continue
                }
                if (size == 0)
                        begin = line[i]
                size++
                end = line[i]
        }
        end_part()
}

function read_source(   at) {
        split("", source)
        for (at = 1; (getline text < path) > 0; at++)
                source[at] = text
        close(path)
}

function excuse(r,   at) {
        if (of[r] != file)
                return 0
        if (words[r] == "*")
                return 1
        for (at = begin - 2; at <= end; at++)
                if (index(source[at], words[r]) > 0)
                        return 1
        return 0
}

function end_part(   r, excused) {
        if (size == 0)
                return
        for (r = 1; r <= reasons; r++)
                if (excuse(r)) {
                        used[r] = 1
                        excused = 1
                }
        if (excused)
                reasoned[file] += size
        else if (size >= part_max) {
                printf "coverage: %s:%d: %d lines were not run, and docs/coverage.md has no reason:%s\n", file, begin, size, source[begin]
                wrong = 1
        }
        size = 0
}

function percent(part, all) {
        return all > 0 ? sprintf("%.1f", 100 * part / all) : "-"
}

function row(name, l, r, b, t, e) {
        printf "%-34s %7d %6s %% %8d %6s %% %10d %10d\n", name, l, percent(r, l), b, percent(t, b), e, l - r - e
}

END {
        printf "%-34s %7s %8s %8s %8s %10s %10s\n", "file", "lines", "run", "branches", "taken", "reasoned", "left"
        for (i = 1; i <= files; i++) {
                f = order[i]
                row(f, lines[f], run[f], branches[f], taken[f], reasoned[f])
                l += lines[f]; r += run[f]; b += branches[f]; t += taken[f]; e += reasoned[f]
        }
        row("in all", l, r, b, t, e)
        for (i = 1; i <= reasons; i++)
                if (!used[i]) {
                        printf "coverage: docs/coverage.md has a reason for nothing: %s: %s\n", of[i], words[i]
                        wrong = 1
                }
        if (l == 0) {
                print "coverage: nothing was counted"
                wrong = 1
        } else if (100 * (l - r - e) / l > most) {
                printf "coverage: %s %% of the lines were not run and have no reason; %d %% are the most\n", percent(l - r - e, l), most
                wrong = 1
        }
        exit wrong
}
