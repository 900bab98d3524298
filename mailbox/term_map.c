/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Maps: pairs in the exact order of their keys, found by halving.
 *
 * A builder cannot fail and so must not allocate, and the last of equal keys must stay,
 * so the sort is stable and in place: runs of pairs are merged by splitting the longer
 * one in its middle, finding where that pair belongs in the other, and rotating what
 * lies between, which leaves two smaller merges. Pairs in order cost one look each.
 */
#include "mailbox/term.h"

static int compare_keys(const cop_term *items, size_t left, size_t right)
{
        return cop__term_compare_exactly(items[2 * left], items[2 * right]);
}

static void swap_pairs(cop_term *items, size_t left, size_t right)
{
        for (size_t i = 0; i < 2; i++) {
                cop_term kept = items[2 * left + i];
                items[2 * left + i] = items[2 * right + i];
                items[2 * right + i] = kept;
        }
}

static void reverse(cop_term *items, size_t first, size_t end)
{
        while (first + 1 < end)
                swap_pairs(items, first++, --end);
}

/* [first, middle) and [middle, end) change places. */
static void rotate(cop_term *items, size_t first, size_t middle, size_t end)
{
        reverse(items, first, middle);
        reverse(items, middle, end);
        reverse(items, first, end);
}

/* The first pair in [first, end) that belongs behind pair `probe`, or that is not before it. */
static size_t bound(const cop_term *items, size_t first, size_t end, size_t probe, bool behind)
{
        while (first < end) {
                size_t middle = first + (end - first) / 2;
                if (compare_keys(items, middle, probe) < (behind ? 1 : 0))
                        first = middle + 1;
                else
                        end = middle;
        }
        return first;
}

/* Calls itself for the left of the two smaller merges: its depth is logarithmic. */
static void merge(cop_term *items, size_t first, size_t middle, size_t end)
{
        while (first < middle && middle < end && compare_keys(items, middle - 1, middle) > 0) {
                if (end - first == 2) {
                        swap_pairs(items, first, middle);
                        return;
                }
                size_t left, right;
                if (middle - first > end - middle) {
                        left = first + (middle - first) / 2;
                        right = bound(items, middle, end, left, false);
                } else {
                        right = middle + (end - middle) / 2;
                        left = bound(items, first, middle, right, true);
                }
                rotate(items, left, middle, right);
                size_t border = left + (right - middle);
                merge(items, first, left, border);
                first = border;
                middle = right;
        }
}

/* Of each run of equal keys the last pair stays. Returns how many are left. */
static size_t drop_overridden(cop_term *items, size_t pairs)
{
        size_t kept = 0;
        for (size_t i = 0; i < pairs; i++) {
                if (i + 1 < pairs && compare_keys(items, i, i + 1) == 0)
                        continue;
                if (kept != i)
                        swap_pairs(items, kept, i);
                kept++;
        }
        return kept;
}

cop_term cop_map_of(cop_term *items, size_t pairs)
{
        if (COP__UNLIKELY(items == NULL))
                return cop__term_of_items(COP_TERM_MAP, NULL, pairs);
        for (size_t width = 1; width < pairs; width *= 2)
                for (size_t first = 0; pairs - first > width; first += 2 * width) {
                        size_t end = pairs - first > 2 * width ? first + 2 * width : pairs;
                        merge(items, first, first + width, end);
                        if (end == pairs)
                                break;
                }
        return cop__term_of_items(COP_TERM_MAP, items, drop_overridden(items, pairs));
}

const cop_term *cop_map_get(cop_term map, cop_term key)
{
        if (map.type != COP_TERM_MAP)
                return NULL;
        size_t first = 0;
        size_t end = map.count;
        while (first < end) {
                size_t middle = first + (end - first) / 2;
                int order = cop__term_compare_exactly(map.as.items[2 * middle], key);
                if (order == 0)
                        return &map.as.items[2 * middle + 1];
                if (order < 0)
                        first = middle + 1;
                else
                        end = middle;
        }
        return NULL;
}
