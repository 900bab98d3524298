/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The scan, from the MessagePack specification. Each value begins with a byte that says what
 * follows:
 *
 *      00..7f e0..ff  a small integer        c7 c8 c9  ext: length of 1, 2, 4 bytes, a type
 *      80..8f  a map                         ca cb     a float of 4, 8 bytes
 *      90..9f  an array                      cc..cf    a natural of 1, 2, 4, 8 bytes
 *      a0..bf  a text                        d0..d3    an integer of 1, 2, 4, 8 bytes
 *      c0 c2 c3  nil, false, true            d4..d8    ext of 1, 2, 4, 8, 16 bytes, a type
 *      c1  nothing, ever                     d9 da db  a text: length of 1, 2, 4 bytes
 *      c4 c5 c6  bytes: length of 1, 2, 4    dc dd     an array: count of 2, 4 bytes
 *                                            de df     a map: count of 2, 4 bytes
 *
 * Each value takes at least one byte, so the values still owed, over all levels, can never be
 * more than the bytes left. That is checked at each header, which bounds every count at once.
 */
#include "mailbox/scan.h"

struct head {
        uint64_t skip;   /* bytes that belong to the value itself, after its head */
        uint64_t values; /* that it holds */
        bool is_level;
};

struct scan {
        const uint8_t *at, *end;
        uint64_t owed; /* values that were announced and have not begun */
        uint64_t left[COP__SCAN_DEPTH_MAX]; /* values that each open container awaits */
        unsigned depth;
};

/* What the 32 bytes from c0 on announce: bytes of a length, then bytes besides it. */
enum sort { FIXED, LENGTH, ARRAY, MAP, NOTHING };

static const struct {
        uint8_t sort, size, more;
} heads[32] = {
        [0x00] = { FIXED, 0, 0 },   [0x01] = { NOTHING, 0, 0 }, [0x02] = { FIXED, 0, 0 },
        [0x03] = { FIXED, 0, 0 },   [0x04] = { LENGTH, 1, 0 },  [0x05] = { LENGTH, 2, 0 },
        [0x06] = { LENGTH, 4, 0 },  [0x07] = { LENGTH, 1, 1 },  [0x08] = { LENGTH, 2, 1 },
        [0x09] = { LENGTH, 4, 1 },  [0x0a] = { FIXED, 0, 4 },   [0x0b] = { FIXED, 0, 8 },
        [0x0c] = { FIXED, 0, 1 },   [0x0d] = { FIXED, 0, 2 },   [0x0e] = { FIXED, 0, 4 },
        [0x0f] = { FIXED, 0, 8 },   [0x10] = { FIXED, 0, 1 },   [0x11] = { FIXED, 0, 2 },
        [0x12] = { FIXED, 0, 4 },   [0x13] = { FIXED, 0, 8 },   [0x14] = { FIXED, 0, 2 },
        [0x15] = { FIXED, 0, 3 },   [0x16] = { FIXED, 0, 5 },   [0x17] = { FIXED, 0, 9 },
        [0x18] = { FIXED, 0, 17 },  [0x19] = { LENGTH, 1, 0 },  [0x1a] = { LENGTH, 2, 0 },
        [0x1b] = { LENGTH, 4, 0 },  [0x1c] = { ARRAY, 2, 0 },   [0x1d] = { ARRAY, 4, 0 },
        [0x1e] = { MAP, 2, 0 },     [0x1f] = { MAP, 4, 0 },
};

static bool read_number(struct scan *scan, unsigned size, uint64_t *number)
{
        if ((size_t)(scan->end - scan->at) < size)
                return false;
        *number = 0;
        while (size-- > 0)
                *number = *number << 8 | *scan->at++;
        return true;
}

static struct head array_of(uint64_t count)
{
        return (struct head){ .values = count, .is_level = count > 0 };
}

static struct head map_of(uint64_t count)
{
        return (struct head){ .values = 2 * count, .is_level = true };
}

static bool read_long_head(struct scan *scan, unsigned byte, struct head *head)
{
        uint64_t number;
        unsigned at = byte - 0xc0;
        if (!read_number(scan, heads[at].size, &number))
                return false;
        switch (heads[at].sort) {
        case FIXED:
        case LENGTH:
                *head = (struct head){ .skip = number + heads[at].more };
                return true;
        case ARRAY:
                *head = array_of(number);
                return true;
        case MAP:
                *head = map_of(number);
                return true;
        default:
                return false;
        }
}

/* There is a byte: what is owed is never more than what is left. */
static bool read_head(struct scan *scan, struct head *head)
{
        unsigned byte = *scan->at++;
        if (byte >= 0xc0 && byte < 0xe0)
                return read_long_head(scan, byte, head);
        if (byte >= 0x80 && byte < 0x90)
                *head = map_of(byte & 0x0f);
        else if (byte >= 0x90 && byte < 0xa0)
                *head = array_of(byte & 0x0f);
        else if (byte >= 0xa0 && byte < 0xc0)
                *head = (struct head){ .skip = byte & 0x1f };
        else
                *head = (struct head){ 0 };
        return true;
}

/* One value has ended: so have the containers whose last it was. */
static void close_levels(struct scan *scan)
{
        while (scan->depth > 0 && --scan->left[scan->depth - 1] == 0)
                scan->depth--;
}

/* Steps over one value's head and own bytes; what it holds is owed then. */
static cop_status step(struct scan *scan, unsigned depth_max, struct cop__scan *found)
{
        struct head head;
        if (!read_head(scan, &head) || (uint64_t)(scan->end - scan->at) < head.skip)
                return COP_E_MALFORMED;
        scan->at += head.skip;
        scan->owed += head.values - 1;
        if (scan->owed > (uint64_t)(scan->end - scan->at))
                return COP_E_MALFORMED;
        if (head.is_level && scan->depth >= depth_max)
                return COP_E_TOO_DEEP;
        found->values++;
        if (head.values == 0) {
                close_levels(scan);
                return COP_OK;
        }
        found->containers++;
        scan->left[scan->depth++] = head.values;
        return COP_OK;
}

cop_status cop__scan(const void *bytes, size_t size, unsigned depth_max, struct cop__scan *found)
{
        struct scan scan;
        struct cop__scan sums = { 0, 0 };
        if (size == 0)
                return COP_E_MALFORMED;
        scan.at = bytes;
        scan.end = scan.at + size;
        scan.owed = 1;
        scan.depth = 0;
        while (scan.owed > 0) {
                cop_status status = step(&scan, depth_max, &sums);
                if (status != COP_OK)
                        return status;
        }
        if (scan.at != scan.end)
                return COP_E_MALFORMED;
        *found = sums;
        return COP_OK;
}
