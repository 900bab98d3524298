/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The order of terms, and three degrees of sameness, out of one walk over both.
 *
 * Two terms may be equal in the order and yet differ: 1 and 1.0, 0.0 and -0.0, a text and
 * the list of its code points. A walk that is exact tells integers and floats apart where it
 * meets them: an integer is below every float, as in the order of map keys in Erlang. Of zeros of
 * two signs, and of texts beside lists, each walk notes the first on its way:
 *
 *      cop_term_compare           is not exact
 *      cop__term_same             is exact, then looks at the zeros, and at no texts (Erlang's =:=)
 *      cop__term_compare_exactly  is exact, then looks at both: 0 for identical terms only
 *
 * Terms that are equal but for those have the same shape, so the zeros and texts of all of them stand
 * in the same places, and comparing the first one is comparing all from left to right:
 * that is why the exact order is transitive too.
 *
 * The keys of two maps are compared exactly, as Erlang does: #{1 => a} is not #{1.0 => a}, and
 * #{2 => a} is below it. In a map, keys that differ in zeros and texts alone stand next to each other.
 *
 * Below COP_TERM_DEPTH_MAX, containers are ordered by where they lie in memory: bounded,
 * and still an order, in which only a term and itself are equal. So is all that comes behind
 * as many steps as the largest message has: parts that stand in many places could
 * double them at each level. Up to there two terms have the same shape, or the walk is over: those
 * steps end at the same place in all terms that are still equal.
 */
#include "mailbox/term.h"

#include <math.h>
#include <string.h>

#include <coppice/message.h>

/* A step is an item, a byte or a code point, and so many more to look into a term: never more than its flat size has bytes. */
#define STEPS_INTO (sizeof(cop_term) - 1)
#define STEPS_MAX ((int64_t)(COP_MESSAGE_SIZE_MAX + STEPS_INTO))

struct walk {
        bool is_exact;
        int zero;      /* of the first zeros of two signs, which is the lesser: below 0 or above; 0 while there were none */
        int text;      /* of the first text beside a list, which stands where: the same */
        int64_t steps; /* that are left */
};

enum rank { NUMBER, ATOM, REF, PID, TUPLE, MAP, LIST, BINARY };

static int compare(cop_term left, cop_term right, unsigned levels, struct walk *walk);

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

static void note_text(struct walk *walk, cop_term left, cop_term right)
{
        if (walk->text == 0)
                walk->text = (right.type == COP_TERM_TEXT) - (left.type == COP_TERM_TEXT);
}

/* --- numbers -------------------------------------------------------------- */

/* Wide enough for every integer term, so that none is rounded to compare it. */
static __int128 integer_of(cop_term term)
{
        return term.type == COP_TERM_NATURAL ? (__int128)term.as.natural : term.as.integer;
}

/* NaN, which only a term filled in by hand can hold, is above every number. */
static int compare_floats(double left, double right, struct walk *walk)
{
        if (isnan(left) || isnan(right))
                return (isnan(left) != 0) - (isnan(right) != 0);
        if (left == right && walk->zero == 0)
                walk->zero = (signbit(right) != 0) - (signbit(left) != 0);
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

static int compare_numbers(cop_term left, cop_term right, struct walk *walk)
{
        bool left_is_float = left.type == COP_TERM_FLOAT;
        bool right_is_float = right.type == COP_TERM_FLOAT;
        if (left_is_float && right_is_float)
                return compare_floats(left.as.real, right.as.real, walk);

        if (!left_is_float && !right_is_float) {
                __int128 a = integer_of(left);
                __int128 b = integer_of(right);
                return (a > b) - (a < b);
        }
        if (walk->is_exact)
                return left_is_float ? 1 : -1;
        if (left_is_float)
                return -compare_integer_with_float(integer_of(right), left.as.real);
        return compare_integer_with_float(integer_of(left), right.as.real);
}

/* --- bytes and items ------------------------------------------------------ */

static int compare_bytes(cop_term left, cop_term right, struct walk *walk)
{
        size_t common = left.count < right.count ? left.count : right.count;
        walk->steps -= (int64_t)common;
        int order = common > 0 ? memcmp(left.as.text, right.as.text, common) : 0;
        return order != 0 ? order : order_of(left.count, right.count);
}

static int compare_tuples(cop_term left, cop_term right, unsigned levels, struct walk *walk)
{
        int order = order_of(left.count, right.count);
        walk->steps -= left.count;
        for (size_t i = 0; order == 0 && i < left.count; i++)
                order = compare(left.as.items[i], right.as.items[i], levels, walk);
        return order;
}

/* The order of keys, but for texts beside lists, which are noted. */
static int compare_keys(cop_term left, cop_term right, unsigned levels, struct walk *walk)
{
        struct walk own = { .is_exact = true, .steps = walk->steps };
        int order = compare(left, right, levels, &own);
        walk->steps = own.steps;
        if (walk->text == 0)
                walk->text = own.text;
        return order != 0 ? order : own.zero;
}

/* The smaller one first, then by all keys, then by the values. */
static int compare_maps(cop_term left, cop_term right, unsigned levels, struct walk *walk)
{
        int order = order_of(left.count, right.count);
        size_t end = 2 * (size_t)left.count;
        walk->steps -= (int64_t)end;
        for (size_t i = 0; order == 0 && i < end; i += 2)
                order = compare_keys(left.as.items[i], right.as.items[i], levels, walk);
        for (size_t i = 1; order == 0 && i < end; i += 2)
                order = compare(left.as.items[i], right.as.items[i], levels, walk);
        return order;
}

/* Item by item; what is left when one has none is [], or the tail of an improper list. */
static int compare_lists(cop_term left, cop_term right, unsigned levels, struct walk *walk)
{
        for (;; walk->steps--) {
                note_text(walk, left, right);
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
                int order = compare(left_item, right_item, levels, walk);
                if (order != 0)
                        return order;
        }
        if (rank_of(left) == LIST && rank_of(right) == LIST)
                return 0;
        return compare(left, right, levels, walk);
}

/* --- any two terms -------------------------------------------------------- */

/* What is not looked into. */
static int compare_places(cop_term left, cop_term right, struct walk *walk)
{
        bool left_is_flat = !cop__term_is_container(left);
        bool right_is_flat = !cop__term_is_container(right);
        if (left_is_flat != right_is_flat)
                return left_is_flat ? -1 : 1;
        int order = order_of(left.count, right.count);
        note_text(walk, left, right);
        if (order != 0 || left.count == 0)
                return order;
        return order_of((uintptr_t)left.as.items, (uintptr_t)right.as.items);
}

static bool is_same_place(cop_term left, cop_term right)
{
        return left.type == right.type && left.count == right.count && left.as.items == right.as.items;
}

/* Texts are looked into at any depth: they hold nothing. */
static bool is_too_deep(cop_term left, cop_term right, unsigned levels)
{
        return levels == 0 && (cop__term_is_container(left) || cop__term_is_container(right));
}

static int compare(cop_term left, cop_term right, unsigned levels, struct walk *walk)
{
        enum rank rank = rank_of(left);
        enum rank other = rank_of(right);
        if (rank != other)
                return rank < other ? -1 : 1;

        switch (rank) {
        case NUMBER: return compare_numbers(left, right, walk);
        case REF: return order_of(left.as.ref.bits, right.as.ref.bits);
        case PID: return order_of(left.as.pid.bits, right.as.pid.bits);
        case ATOM:
        case TUPLE:
        case MAP:
        case LIST:
        case BINARY: break;
        }
        if (is_same_place(left, right))
                return 0;
        if (walk->steps <= 0)
                return compare_places(left, right, walk);
        walk->steps -= STEPS_INTO;
        if (rank == ATOM || rank == BINARY)
                return compare_bytes(left, right, walk);
        if (is_too_deep(left, right, levels))
                return compare_places(left, right, walk);
        unsigned inside = levels > 0 ? levels - 1 : 0;
        if (rank == TUPLE)
                return compare_tuples(left, right, inside, walk);
        if (rank == MAP)
                return compare_maps(left, right, inside, walk);
        return compare_lists(left, right, inside, walk);
}

int cop_term_compare(cop_term left, cop_term right)
{
        struct walk walk = { .steps = STEPS_MAX };
        return compare(left, right, COP_TERM_DEPTH_MAX, &walk);
}

int cop__term_compare_exactly(cop_term left, cop_term right)
{
        struct walk walk = { .steps = STEPS_MAX };
        int order = compare_keys(left, right, COP_TERM_DEPTH_MAX, &walk);
        return order != 0 ? order : walk.text;
}

bool cop_term_equal(cop_term left, cop_term right)
{
        return cop__term_compare_exactly(left, right) == 0;
}

bool cop__term_same(cop_term left, cop_term right)
{
        struct walk walk = { .steps = STEPS_MAX };
        return compare_keys(left, right, COP_TERM_DEPTH_MAX, &walk) == 0;
}

bool cop__map_is_one_abroad(cop_term map)
{
        for (size_t i = 2; i < 2 * (size_t)map.count; i += 2) {
                struct walk walk = { .is_exact = true, .steps = STEPS_MAX };
                if (compare(map.as.items[i - 2], map.as.items[i], COP_TERM_DEPTH_MAX, &walk) == 0)
                        return false;
        }
        return true;
}
