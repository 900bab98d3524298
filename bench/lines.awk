# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What table.awk and plot.awk share: reading a line of JSON as coppice-bench --json prints it, and medians.
#
#       awk -f lines.awk -f table.awk ...

# The value of a key, "" without one.
function text_of(line, key,    at, rest) {
        at = index(line, "\"" key "\":\"")
        if (at == 0)
                return ""
        rest = substr(line, at + length(key) + 4)
        return substr(rest, 1, index(rest, "\"") - 1)
}

function number_of(line, key,    at) {
        at = index(line, "\"" key "\":")
        return at == 0 ? "" : substr(line, at + length(key) + 3) + 0
}

# Sorts found[1..count] and returns the middle: of an even number, the mean of the two that stand there.
function median(count,    i, k, moved) {
        for (i = 2; i <= count; i++) {
                moved = found[i]
                for (k = i - 1; k >= 1 && found[k] > moved; k--)
                        found[k + 1] = found[k]
                found[k + 1] = moved
        }
        return (found[int((count + 1) / 2)] + found[int(count / 2) + 1]) / 2
}
