# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Markdown tables of lines of JSON, as coppice-bench --json and peers/compare.sh print them.
#
#       awk [-v short=1] -f lines.awk -f table.awk targets lines...      short: the tables only
#
# A figure is the median of all lines of that benchmark, number of workers and program; but where peers have lines, those of Coppice
# that stand before theirs alone, which were measured by turns with them. The first file says which rows there are, in which
# measure, and what their targets are; one of which nobody has a line is left out. Behind Coppice's figure stand the least and the
# most of its lines.

function trim(text) {
        gsub(/^[ \t]+|[ \t]+$/, "", text)
        return text
}

function value_in(measure, line,    ns) {
        ns = number_of(line, "ns_per_op")
        if (ns == "")
                return ""
        if (measure == "rate")
                return 1000 / ns
        if (measure == "rate/2")
                return 500 / ns
        if (measure == "ns")
                return ns
        if (measure == "cpu")
                return ns / 10000
        if (measure == "bytes")
                return number_of(line, "bytes_per_actor")
        if (measure == "rss_mib")
                return in_mib(number_of(line, "rss_bytes"))
        if (measure == "left_mib")
                return in_mib(number_of(line, "rss_left_bytes"))
        sub(/_us$/, "_ns", measure)
        ns = number_of(line, measure)
        return ns == "" ? "" : ns / 1000
}

function in_mib(bytes) {
        return bytes == "" ? "" : bytes / 1048576
}

function shown(value) {
        if (value == "")
                return "–"
        if (value >= 100)
                return sprintf("%.0f", value)
        return sprintf(value >= 10 ? "%.1f" : value >= 0.1 ? "%.2f" : "%.4f", value)
}

# The lines of a peer, or our own (""), for a row; `least` and `most` are set.
function figure(whose, name, workers, measure,    i, key, count, value) {
        key = whose " " name " " workers
        count = 0
        for (i = 1; i <= lines_of[key]; i++) {
                if (whose == "" && (key in compared) && !by_turns[key, i])
                        continue
                value = value_in(measure, line_of[key, i])
                if (value != "")
                        found[++count] = value
        }
        least = most = ""
        if (count == 0)
                return ""
        value = median(count)
        least = found[1]
        most = found[count]
        return value
}

function is_there(name, workers,    i) {
        if (lines_of[" " name " " workers] > 0)
                return 1
        for (i = 1; i <= peers; i++)
                if (lines_of[peer[i] " " name " " workers] > 0)
                        return 1
        return 0
}

function verdict(value, target,    wanted) {
        if (target == "-" || value == "")
                return ""
        wanted = target
        sub(/^[<>]= */, "", wanted)
        if (target ~ /^>/)
                return value >= wanted + 0 ? "yes" : sprintf("%.0f %%", 100 * value / wanted)
        return value <= wanted + 0 ? "yes" : sprintf("%.1f times", value / wanted)
}

function print_head(table,    i) {
        printf "\n### %s\n\n| Row | Target | Coppice | least to most | reached |", table
        for (i = 1; i <= peers; i++)
                printf " %s |", title_of[peer[i]]
        printf "\n|---|---|---|---|---|"
        for (i = 1; i <= peers; i++)
                printf "---|"
        printf "\n"
}

function print_row(wanted,    i, field, value, other, target) {
        split(wanted, field, "|")
        for (i = 1; i <= 7; i++)
                field[i] = trim(field[i])
        if (!is_there(field[3], field[4]))
                return
        if (field[1] != table) {
                table = field[1]
                print_head(table)
        }
        value = figure("", field[3], field[4], field[5])
        target = field[6]
        sub(/^>=/, "≥", target)
        sub(/^<=/, "≤", target)
        printf "| %s | %s | %s | %s | %s |", field[2], (target == "-" ? "" : target),
                (skipped[field[3] " " field[4]] && value == "" ? "none" : shown(value)),
                (value == "" || least == most ? "" : shown(least) " to " shown(most)), verdict(value, field[6])
        for (i = 1; i <= peers; i++) {
                other = figure(peer[i], field[3], field[4], field[5])
                printf " %s |", (other == "" || field[5] !~ /^rate/ ? shown(other) : \
                        shown(other) sprintf(" (%.1f×)", value == "" ? 0 : value / other))
        }
        printf "\n"
        if (field[7] != "")
                note[++notes] = field[2] ": " field[7]
}

# What coppice-bench-count found.
function print_counts(    i) {
        if (counts == 0)
                return
        printf "\n### writes that others could see, for each operation\n\n"
        printf "| Benchmark | Workers | Atomic writes | of these locked | to a line that another thread wrote last |\n"
        printf "|---|---|---|---|---|\n"
        for (i = 1; i <= counts; i++)
                printf "| `%s` | %d | %.1f | %.1f | %.4f |\n", text_of(counted[i], "name"),
                        number_of(counted[i], "workers"), number_of(counted[i], "writes"),
                        number_of(counted[i], "locked"), number_of(counted[i], "moved")
}

# What coppice-crowd found.
function print_crowd(    i) {
        if (crowds == 0)
                return
        printf "\n### many workers, simulated\n\n"
        printf "| Workload | Workers | Turns | As fast as so many | Wakes | in vain | Vain looks for work, a turn | Locked, a turn | Lines moved, a turn |\n"
        printf "|---|---|---|---|---|---|---|---|---|\n"
        for (i = 1; i <= crowds; i++)
                printf "| %s | %d | %d | %.1f | %d | %d | %.3f | %.2f | %.3f |\n", text_of(crowd[i], "crowd"),
                        number_of(crowd[i], "workers"), number_of(crowd[i], "turns"),
                        number_of(crowd[i], "speed_up"), number_of(crowd[i], "wakes"),
                        number_of(crowd[i], "futile_wakes"), number_of(crowd[i], "failed_steals_per_turn"),
                        number_of(crowd[i], "locked_per_turn"), number_of(crowd[i], "moved_per_turn")
}

BEGIN {
        split("erlang go caf tokio", known, " ")
        title_of["erlang"] = "Erlang"
        title_of["go"] = "Go"
        title_of["caf"] = "CAF"
        title_of["tokio"] = "tokio"
}

FNR == 1 {
        file++
}

file == 1 {
        if ($0 !~ /^#/ && $0 != "")
                asked[++rows] = $0
        next
}

/"crowd":/ {
        crowd[++crowds] = $0
        next
}

/"moved":/ {
        counted[++counts] = $0
        next
}

/^{/ {
        whose_is = text_of($0, "peer")
        key = whose_is " " text_of($0, "name") " " number_of($0, "workers")
        line_of[key, ++lines_of[key]] = $0
        if (whose_is != "") {
                seen[whose_is] = 1
                sub(/^[^ ]+/, "", key)
                compared[key] = 1
                by_turns[key, lines_of[key]] = 1
        }
        if (text_of($0, "skipped") != "") {
                skipped[text_of($0, "name") " " number_of($0, "workers")] = 1
                why[text_of($0, "name")] = text_of($0, "skipped")
        }
}

END {
        for (i = 1; i <= 4; i++)
                if (known[i] in seen)
                        peer[++peers] = known[i]
        for (i = 1; i <= rows; i++)
                print_row(asked[i])
        if (peers > 0 && notes > 0) {
                printf "\nWhat differs:\n\n"
                for (i = 1; i <= notes; i++)
                        printf "* %s.\n", note[i]
        }
        if (short)
                exit
        print_counts()
        print_crowd()
        for (name in why)
                printf "\nNo figure for `%s`: %s.\n", name, why[name]
}
