/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The order of terms, and three degrees of sameness, out of one walk over both.
 *
 * Two terms may be equal in the order and yet differ: 1 and 1.0, 0.0 and -0.0, a text and
 * the list of its code points. The walk notes the first such tie of each sort on its way:
 *
 *      cop_term_compare           looks at neither
 *      cop__term_same             looks at the ties of numbers (Erlang's =:=)
 *      cop__term_compare_exactly  looks at both, and so is 0 for identical terms only
 *
 * Terms that are equal in the order have the same shape, so the ties of all of them stand
 * in the same places, and comparing the first one is comparing all from left to right:
 * that is why the exact order is transitive too.
 *
 * The keys of two maps are compared exactly, as Erlang does: #{1 => a} is not #{1.0 => a}.
 *
 * Below COP_TERM_DEPTH_MAX, containers are ordered by where they lie in memory: bounded,
 * and still an order, in which only a term and itself are equal.
 */
#include "mailbox/term.h"

#include <math.h>
#include <string.h>

/* The first tie of each sort, below 0 or above; 0 while there was none. */
struct ties {
        int number;
        int text;
};

enum rank { NUMBER, ATOM, REF, PID, TUPLE, MAP, LIST, BINARY };

static int compare(cop_term left, cop_term right, unsigned levels, struct ties *ties);

static enum rank rank_of(cop_term term)
{
        switch ((cop_term_type)term.type) {
        case COP_TERM_INTEGER:
        case COP_TERM_NATURAL:
        case COP_TERM_FLOAT: return NUMBER;
        case COP_TERM_ATOM: return ATOM;
        case COP_TERM_REF: return REF;
        case COP_TERM_PID: return PID;
        case COP_TERM_TUPLE: return TUPLE;
        case COP_TERM_MAP: return MAP;
        case COP_TERM_BINARY: return BINARY;
        case COP_TERM_NIL:
        case COP_TERM_LIST:
        case COP_TERM_CONS:
        case COP_TERM_TEXT: break;
        }
        return LIST;
}

static int order_of(uint64_t left, uint64_t right)
{
        return (left > right) - (left < right);
}

static void note(int *tie, int order)
{
        if (*tie == 0)
                *tie = order;
}

/* --- numbers -------------------------------------------------------------- */

/* Wide enough for every integer term, so that none is rounded to compare it. */
static __int128 integer_of(cop_term term)
{
        return term.type == COP_TERM_NATURAL ? (__int128)term.as.natural : term.as.integer;
}

/* NaN, which only a term filled in by hand can hold, is above every number. */
static int compare_floats(double left, double right, struct ties *ties)
{
        if (isnan(left) || isnan(right))
                return (isnan(left) != 0) - (isnan(right) != 0);
        if (left == right)
                note(&ties->number, (signbit(right) != 0) - (signbit(left) != 0));
        return (left > right) - (left < right);
}

static int compare_integer_with_float(__int128 integer, double real)
{
        if (isnan(real) || real >= 0x1p64)
                return -1;
        if (real < -0x1p63)
                return 1;
        __int128 whole = (__int128)real;
        if (integer != whole)
                return integer < whole ? -1 : 1;
        double fraction = real - (double)whole; /* exact, and no call of libm, which nobody links */
        return (fraction < 0) - (fraction > 0);
}

static int compare_numbers(cop_term left, cop_term right, struct ties *ties)
{
        bool left_is_float = left.type == COP_TERM_FLOAT;
        bool right_is_float = right.type == COP_TERM_FLOAT;
        if (left_is_float && right_is_float)
                return compare_floats(left.as.real, right.as.real, ties);

        if (!left_is_float && !right_is_float) {
                __int128 a = integer_of(left);
                __int128 b = integer_of(right);
                return (a > b) - (a < b);
        }
        note(&ties->number, left_is_float ? 1 : -1);
        if (left_is_float)
                return -compare_integer_with_float(integer_of(right), left.as.real);
        return compare_integer_with_float(integer_of(left), right.as.real);
}

/* --- bytes and items ------------------------------------------------------ */

static int compare_bytes(cop_term left, cop_term right)
{
        size_t common = left.count < right.count ? left.count : right.count;
        int order = common > 0 ? memcmp(left.as.text, right.as.text, common) : 0;
        return order != 0 ? order : order_of(left.count, right.count);
}

static int compare_tuples(cop_term left, cop_term right, unsigned levels, struct ties *ties)
{
        int order = order_of(left.count, right.count);
        for (size_t i = 0; order == 0 && i < left.count; i++)
                order = compare(left.as.items[i], right.as.items[i], levels, ties);
        return order;
}

static int compare_exactly(cop_term left, cop_term right, unsigned levels)
{
        struct ties ties = { 0, 0 };
        int order = compare(left, right, levels, &ties);
        if (order != 0)
                return order;
        return ties.number != 0 ? ties.number : ties.text;
}

/* The smaller one first, then by all keys, then by the values. */
static int compare_maps(cop_term left, cop_term right, unsigned levels, struct ties *ties)
{
        int order = order_of(left.count, right.count);
        size_t end = 2 * (size_t)left.count;
        for (size_t i = 0; order == 0 && i < end; i += 2)
                order = compare_exactly(left.as.items[i], right.as.items[i], levels);
        for (size_t i = 1; order == 0 && i < end; i += 2)
                order = compare(left.as.items[i], right.as.items[i], levels, ties);
        return order;
}

/* Item by item; what is left when one has none is [], or the tail of an improper list. */
static int compare_lists(cop_term left, cop_term right, unsigned levels, struct ties *ties)
{
        for (;;) {
                note(&ties->text, (right.type == COP_TERM_TEXT) - (left.type == COP_TERM_TEXT));
                cop_term left_item, right_item;
                bool left_more = cop__term_next(&left, &left_item);
                bool right_more = cop__term_next(&right, &right_item);
                if (left_more != right_more) {
                        /* An item against a tail: the tail may be of any rank but is no list. */
                        cop_term tail = left_more ? right : left;
                        int order = rank_of(tail) > LIST ? -1 : 1;
                        return left_more ? order : -order;
                }
                if (!left_more)
                        break;
                int order = compare(left_item, right_item, levels, ties);
                if (order != 0)
                        return order;
        }
        if (rank_of(left) == LIST && rank_of(right) == LIST)
                return 0;
        return compare(left, right, levels, ties);
}

/* --- any two terms -------------------------------------------------------- */

/* What lies too deep to look into. Texts are looked into: they hold nothing. */
static int compare_places(cop_term left, cop_term right, struct ties *ties)
{
        bool left_is_flat = !cop__term_is_container(left);
        bool right_is_flat = !cop__term_is_container(right);
        if (left_is_flat && right_is_flat)
                return compare_lists(left, right, 0, ties);
        if (left_is_flat != right_is_flat)
                return left_is_flat ? -1 : 1;
        int order = order_of(left.count, right.count);
        if (order != 0)
                return order;
        return order_of((uintptr_t)left.as.items, (uintptr_t)right.as.items);
}

static int compare(cop_term left, cop_term right, unsigned levels, struct ties *ties)
{
        enum rank rank = rank_of(left);
        enum rank other = rank_of(right);
        if (rank != other)
                return rank < other ? -1 : 1;

        switch (rank) {
        case NUMBER: return compare_numbers(left, right, ties);
        case ATOM:
        case BINARY: return compare_bytes(left, right);
        case REF: return order_of(left.as.ref.bits, right.as.ref.bits);
        case PID: return order_of(left.as.pid.bits, right.as.pid.bits);
        case TUPLE:
        case MAP:
        case LIST: break;
        }
        if (levels == 0)
                return compare_places(left, right, ties);
        if (rank == TUPLE)
                return compare_tuples(left, right, levels - 1, ties);
        if (rank == MAP)
                return compare_maps(left, right, levels - 1, ties);
        return compare_lists(left, right, levels - 1, ties);
}

int cop_term_compare(cop_term left, cop_term right)
{
        struct ties ties = { 0, 0 };
        return compare(left, right, COP_TERM_DEPTH_MAX, &ties);
}

int cop__term_compare_exactly(cop_term left, cop_term right)
{
        return compare_exactly(left, right, COP_TERM_DEPTH_MAX);
}

bool cop_term_equal(cop_term left, cop_term right)
{
        return cop__term_compare_exactly(left, right) == 0;
}

bool cop__term_same(cop_term left, cop_term right)
{
        struct ties ties = { 0, 0 };
        return compare(left, right, COP_TERM_DEPTH_MAX, &ties) == 0 && ties.number == 0;
}
