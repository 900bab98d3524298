# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What was run and what not, from llvm-cov's lines, against the reasons in docs/coverage.md.
#
#       awk -v root=/the/tree/ [-v branches=FILE] -f report.awk docs/coverage.md [also=1 explored.info also=0] lines.info
#
# Counts that are read while `also` is set are of other builds of the same sources: what was run there was run, what is not in
# lines.info as well is passed over. A line's branches count from there if it has as many here.
#
# A *part* is a run of counted lines of which none was run. Each that has no reason is printed. Ends with 1 when
#
# - such a part has `part_max` lines or more,
# - such parts are more than `most` percent of all lines: what a race decides is not the same twice,
# - more than `idle` percent of the words are for nothing: no part that was not run has them in it. They are printed, but for those
#   of a reason that begins with "at times".
#
# A branch that was not taken has the reason of the part that it is in, or that begins in one of the two lines behind it: it
# leads there. The others are sides of conditions that were run; how many is in the last column, and each line that has some
# goes to `branches`.
#
# In the table | file | words | why |, words stand in a line of the part, or in one of the two before, where the condition or the name of
# its function is. Several words, each in backquotes, have one reason. * is for every part of the file.

BEGIN {
        part_max = 6
        most = 0.5
        idle = 10
}

# The first file: the reasons, in rows whose first cell is a path in backquotes.
NR == FNR {
        if ($0 !~ /^\| `/)
                next
        n = split($0, cell, / \| /)
        path = substr(cell[1], 4, length(cell[1]) - 4)
        many = split(cell[2], each, /`, `/)
        for (i = 1; i <= many; i++) {
                reasons++
                of[reasons] = path
                words[reasons] = each[i]
                gsub(/^`|`$/, "", words[reasons])
                sometimes[reasons] = cell[3] ~ /^at times/
                of_file[path] = of_file[path] " " reasons
        }
        if (n < 3 || length(cell[3]) < 10) {
                printf "coverage: %s has a row without a reason: %s\n", path, cell[2]
                wrong = 1
        }
        next
}

/^SF:/ {
        path = substr($0, 4)
        while (sub(/[^\/]+\/\.\.\//, "", path)) # a cache of compilations names sources from where it was built
                ;
        file = path
        if (index(file, root) == 1)
                file = substr(file, length(root) + 1)
        count = 0
}

also && /^DA:/ {
        split(substr($0, 4), pair, ",")
        if (pair[2] + 0 > 0)
                elsewhere[file, pair[1]] = 1
        next
}

also && /^BRDA:/ {
        split(substr($0, 6), part, ",")
        at = ++sides_elsewhere[file, part[1]]
        if (part[4] + 0 > 0)
                taken_elsewhere[file, part[1], at] = 1
        next
}

also {
        next
}

/^DA:/ {
        split(substr($0, 4), pair, ",")
        if ((file, pair[1]) in elsewhere)
                pair[2] = 1
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
        at_line = part[1]
        side_taken[at_line, ++side_count[at_line]] = part[4] + 0 > 0
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
        count_conditions()
}

function read_source(   at) {
        split("", source)
        for (at = 1; (getline text < path) > 0; at++)
                source[at] = text
        close(path)
}

function excuse(r,   at) {
        if (words[r] == "*")
                return 1
        for (at = begin - 2; at <= end; at++)
                if (index(source[at], words[r]) > 0)
                        return 1
        return 0
}

function end_part(   i, n, r, mine, excused) {
        if (size == 0)
                return
        for (i = begin - 2; i <= end; i++)
                leads[i] = 1
        n = split(of_file[file], mine, " ")
        for (i = 1; i <= n; i++)
                if (excuse(mine[i])) {
                        used[mine[i]] = 1
                        excused = 1
                }
        if (excused)
                reasoned[file] += size
        else {
                printf "coverage: %s:%d: %d line%s not run, and docs/coverage.md has no reason:%s\n", file, begin, size,
                        size == 1 ? " was" : "s were", source[begin]
                if (size >= part_max)
                        wrong = 1
        }
        size = 0
}

# The sides of this record's conditions that lead to no part.
function count_conditions(   at, i, is_alike) {
        for (at in side_count) {
                is_alike = sides_elsewhere[file, at] == side_count[at]
                for (i = 1; i <= side_count[at]; i++) {
                        sides[file]++
                        if (side_taken[at, i] || (is_alike && (file, at, i) in taken_elsewhere))
                                taken[file]++
                        else
                                untaken[at]++
                }
        }
        for (at = 1; at in source; at++) {
                if (!(at in untaken) || at in leads)
                        continue
                open[file] += untaken[at]
                if (branches != "")
                        printf "%s:%d: %d of %d:%s\n", file, at, untaken[at], side_count[at], source[at] > branches
        }
        split("", untaken)
        split("", side_count)
        split("", leads)
}

function percent(part, all) {
        return all > 0 ? sprintf("%.1f", 100 * part / all) : "-"
}

function row(name, l, r, b, t, e, o) {
        printf "%-34s %7d %6s %% %8d %6s %% %10d %10d %10d\n", name, l, percent(r, l), b, percent(t, b), e, l - r - e, o
}

END {
        printf "%-34s %7s %8s %8s %8s %10s %10s %10s\n", "file", "lines", "run", "branches", "taken", "reasoned", "left", "sides"
        for (i = 1; i <= files; i++) {
                f = order[i]
                row(f, lines[f], run[f], sides[f], taken[f], reasoned[f], open[f])
                l += lines[f]; r += run[f]; b += sides[f]; t += taken[f]; e += reasoned[f]; o += open[f]
        }
        row("in all", l, r, b, t, e, o)
        for (i = 1; i <= reasons; i++)
                if (!used[i] && !sometimes[i]) {
                        printf "coverage: docs/coverage.md has a reason for nothing: %s: %s\n", of[i], words[i]
                        for_nothing++
                }
        if (100 * for_nothing > idle * reasons) {
                printf "coverage: %d of %d words are for nothing\n", for_nothing, reasons
                wrong = 1
        }
        if (l == 0) {
                print "coverage: nothing was counted"
                wrong = 1
        } else if (100 * (l - r - e) / l > most) {
                printf "coverage: %s %% of the lines were not run and have no reason; %s %% are the most\n", percent(l - r - e, l), most
                wrong = 1
        }
        exit wrong
}
