# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A plot, as SVG, of benchmarks NAME_N over N, from lines of JSON as coppice-bench --json prints them.
#
#       awk -v title=... -v series="ring_among=a hop;limit_visit=the bound" [-v measure=p50_ns] -f lines.awk -f plot.awk lines...
#
# x is N from 10 to 1,000,000, in powers of ten; y is nanoseconds, from 0. A point is the median of its lines. One of one
# worker only. Nothing is printed, and the exit code is 1, when a series has no point.

# The middle of the values of a point.
function middle(point,    i) {
        for (i = 1; i <= count_of[point]; i++)
                found[i] = value[point, i]
        return median(count_of[point])
}

# The least of 1, 2 and 5 times a power of ten that is not below.
function nice(least,    unit) {
        for (unit = 1; unit * 10 <= least; unit *= 10)
                continue
        return least <= unit ? unit : least <= 2 * unit ? 2 * unit : least <= 5 * unit ? 5 * unit : 10 * unit
}

function x_of(n) {
        return left + (log(n) / log(10) - 1) / 5 * (right - left)
}

function y_of(ns) {
        return bottom - ns / top_ns * (bottom - top)
}

function text_at(x, y, anchor, words) {
        printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, words
}

function line_at(x1, y1, x2, y2, colour) {
        printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour
}

function draw_axes(    i, ns) {
        for (i = 1; i <= 6; i++) {
                line_at(x_of(10 ^ i), top, x_of(10 ^ i), bottom, "#e4e4e4")
                text_at(x_of(10 ^ i), bottom + 18, "middle", grouped[i])
        }
        for (i = 0; i <= 4; i++) {
                ns = top_ns * i / 4
                line_at(left, y_of(ns), right, y_of(ns), i == 0 ? "#404040" : "#e4e4e4")
                text_at(left - 8, y_of(ns) + 4, "end", sprintf("%g ns", ns))
        }
}

function draw_series(i,    k, point, n, x, y, path, last) {
        for (k = 1; k <= 6; k++) {
                n = 10 ^ k
                point = name_of[i] " " n
                if (!(point in count_of))
                        continue
                x = x_of(n)
                y = y_of(middle(point))
                path = path sprintf("%.1f,%.1f ", x, y)
                printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, colour[i]
        }
        printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", path, colour[i],
                name_of[i] ~ /^limit/ ? " stroke-dasharray=\"5 4\"" : ""
        line_at(left + 12, top + 18 * i - 12, left + 36, top + 18 * i - 12, colour[i])
        text_at(left + 42, top + 18 * i - 8, "start", label[i])
}

BEGIN {
        count = split(series, part, ";")
        for (i = 1; i <= count; i++) {
                name_of[i] = substr(part[i], 1, index(part[i], "=") - 1)
                label[i] = substr(part[i], index(part[i], "=") + 1)
        }
        split("#b5482a #2f6f4f #2b5c8a #8a6d1f", colour, " ")
        split("10,100,1000,10 000,100 000,1 000 000", grouped, ",")
        if (measure == "")
                measure = "ns_per_op"
        left = 80
        right = 660
        top = 48
        bottom = 320
}

/^{/ && text_of($0, "peer") == "" && number_of($0, "workers") == 1 {
        for (i = 1; i <= count; i++) {
                n = text_of($0, "name")
                if (index(n, name_of[i] "_") != 1)
                        continue
                n = substr(n, length(name_of[i]) + 2)
                if (n !~ /^[0-9]+$/ || number_of($0, measure) == "")
                        continue
                point = name_of[i] " " n
                value[point, ++count_of[point]] = number_of($0, measure)
                points[i]++
        }
}

END {
        for (i = 1; i <= count; i++)
                if (points[i] == 0)
                        exit 1
        for (point in count_of)
                if (middle(point) > most)
                        most = middle(point)
        top_ns = nice(most)
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 360\" width=\"700\" height=\"360\" " \
               "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"700\" height=\"360\" fill=\"white\"/>\n"
        printf "<text x=\"%d\" y=\"28\" font-size=\"15\">%s</text>\n", left, title
        draw_axes()
        for (i = 1; i <= count; i++)
                draw_series(i)
        print "</svg>"
}
