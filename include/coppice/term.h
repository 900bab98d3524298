/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms: any value that Erlang could name, for what no message kind declares:
 * exit reasons, what is typed in a shell, peers in other languages.
 *
 * A term is a plain value of 16 bytes. A compound term points at its items and a
 * text at its bytes, and owns neither: the builders below make terms on the
 * caller's stack, and whoever keeps one (a message, an exit reason, a
 * cop_term_copy) copies it whole into one flat block. Terms are never changed.
 *
 *      cop_exit(COP_TUPLE(cop_atom("no_such_account"), cop_int(42)));
 *
 * lives until the end of the enclosing block, which is long enough.
 *
 * Order, as Erlang's: number < atom < reference < pid < tuple < map < list < binary.
 * Numbers are ordered by their exact values, atoms and binaries by their bytes, tuples
 * and maps first by their size, lists item by item; a text is a list of its code points.
 * Maps of one size are ordered by their keys, then by their values; among keys every integer is
 * below every float.
 *
 * Equal is said in two ways. In the order, 1 and 1.0 are equal, and 0.0 and -0.0, and a
 * text and the list of its code points. For cop_term_equal, and for the keys of one map, all
 * of these differ, as they do in print. [1 | [2]] is [1, 2] in every respect. Two maps are
 * compared by their keys first, for which a text equals the list of its code points.
 *
 * Threads: every function here may be called on any thread; terms are never changed.
 * Cost: only cop_term_copy, cop_term_parse, cop_term_encode and cop_term_decode use memory; the others
 * a bounded stack, of some 20 KiB for the deepest term.
 */
#ifndef COPPICE_TERM_H
#define COPPICE_TERM_H

#include <coppice/id.h>

COP_BEGIN_DECLS

/*
 * Terms deeper than this are not copied, sent or read. An atom, a number, a text and [] are
 * 0 deep, {} and any container with such items 1, and so on.
 */
#define COP_TERM_DEPTH_MAX 64

typedef enum cop_term_type {
        COP_TERM_NIL = 0, /* the empty list, []; a zeroed term is one */
        COP_TERM_INTEGER, /* as.integer */
        COP_TERM_NATURAL, /* as.natural, only for values above INT64_MAX */
        COP_TERM_FLOAT,   /* as.real, always finite */
        COP_TERM_ATOM,    /* as.text, `count` bytes, at most 255; UTF-8, or it is not encoded */
        COP_TERM_REF,     /* as.ref */
        COP_TERM_PID,     /* as.pid */
        COP_TERM_TUPLE,   /* as.items, `count` terms */
        COP_TERM_MAP,     /* as.items, `count` pairs: key, value, key, value; keys ascend */
        COP_TERM_LIST,    /* as.items, `count` terms, count > 0 */
        COP_TERM_CONS,    /* as.items, `count` terms, the last of which is an improper tail */
        COP_TERM_TEXT,    /* as.text, `count` bytes of UTF-8 */
        COP_TERM_BINARY,  /* as.bytes, `count` bytes */
} cop_term_type;

typedef struct cop_term cop_term;
struct cop_term {
        uint32_t type; /* a cop_term_type */
        uint32_t count;
        union {
                int64_t integer;
                uint64_t natural;
                double real;
                cop_pid pid;
                cop_ref ref;
                const char *text;
                const uint8_t *bytes;
                const cop_term *items;
        } as;
};

/*
 * Builders. Items, text and bytes are borrowed for as long as the term is used.
 * None can fail; a text that is NULL is the empty one. What no term can hold becomes an atom that says so: a float that is no
 * number nan, infinity or '-infinity'; more than 2^32 - 1 items or bytes, or an atom of more
 * than 255 bytes, too_big; items or bytes that are NULL, but as many as none, null. A cop_string that is no UTF-8 becomes the binary of its bytes. A cop_atom is
 * taken as it is: one that is no UTF-8 is an atom within the node, prints with U+FFFD, and goes nowhere else.
 */
COP_API cop_term cop_int(int64_t value);
COP_API cop_term cop_natural(uint64_t value);
COP_API cop_term cop_float(double value);
COP_API cop_term cop_atom(const char *name);
COP_API cop_term cop_bool(bool value);
COP_API cop_term cop_string(const char *text);
COP_API cop_term cop_binary(const void *bytes, size_t size);
COP_API cop_term cop_pid_term(cop_pid pid);
COP_API cop_term cop_ref_term(cop_ref ref);
COP_API cop_term cop_nil(void);
COP_API cop_term cop_tuple_of(const cop_term *items, size_t count);
COP_API cop_term cop_list_of(const cop_term *items, size_t count);
/* [a, b | c]: the last of the items is the tail. A tail of [] gives a proper list. */
COP_API cop_term cop_cons_of(const cop_term *items, size_t count);
/* `items` holds 2 * pairs terms and is put in order in place; of equal keys the last stays. */
COP_API cop_term cop_map_of(cop_term *items, size_t pairs);

#ifndef __cplusplus
/* Without items: {}, [] and #{}. */
#define COP_TUPLE(...)                                              \
        __extension__ cop_tuple_of((const cop_term[]){ __VA_ARGS__ }, \
                                   sizeof((const cop_term[]){ __VA_ARGS__ }) / sizeof(cop_term))
#define COP_LIST(...)                                              \
        __extension__ cop_list_of((const cop_term[]){ __VA_ARGS__ }, \
                                  sizeof((const cop_term[]){ __VA_ARGS__ }) / sizeof(cop_term))
/* COP_MAP(key, value, key, value, ...) */
#define COP_MAP(...)                                        \
        __extension__ cop_map_of((cop_term[]){ __VA_ARGS__ }, \
                                 sizeof((const cop_term[]){ __VA_ARGS__ }) / sizeof(cop_term) / 2)
#endif

/*
 * Reading. Each answers for any term; the wrong type gives false or NULL. A tuple's
 * `count` is that of its items, its tag, the atom in front, included.
 */
COP_API bool cop_is_atom(cop_term term, const char *name);
COP_API bool cop_is_tuple(cop_term term, const char *tag, size_t count);
/* Borrowed from the map. Keys are found exactly: 1 is not 1.0. */
COP_API const cop_term *cop_map_get(cop_term map, cop_term key);

/*
 * The total order of terms: below 0, 0, above 0; and whether two are identical. Any depth and any
 * size are safe: below COP_TERM_DEPTH_MAX, and behind as much as a message may hold, parts are equal only
 * if they are the same in memory.
 */
COP_API int cop_term_compare(cop_term left, cop_term right);
COP_API bool cop_term_equal(cop_term left, cop_term right);

/* A pattern with more different names than this matches nothing, and neither does one that is too deep or too big to be sent. */
#define COP_MATCH_NAMES_MAX 32

/*
 * Matches a value against a pattern: a term in which the atom '_' stands for
 * anything and an atom that begins with '$' ('$1', '$who') for anything, but the
 * same thing at each place. What is no such atom must be equal, where a text is the
 * same as the list of its code points, and 1 is not 1.0. A pattern map matches a map
 * that has its keys, in which '_' and '$1' mean themselves. The tail of an improper
 * list as a pattern matches all that is left: ['$1' | '$2'] takes a list or text apart.
 * `bound` (may be NULL) takes what '$0' to '$9' stand for; others bind unseen. Places
 * of names that the pattern does not have are left alone, and all are if it fails.
 * Ownership: what is bound is a part of `value`, borrowed as long as that lives.
 */
COP_API bool cop_term_match(cop_term pattern, cop_term value, cop_term bound[10]);

/*
 * Copies a term and all it points at into one block. What stands in several places is copied for each.
 * Ownership: the caller owns *copy and ends it with cop_term_free.
 * Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG (larger than a message may be).
 */
COP_API cop_status cop_term_copy(cop_term term, cop_term *copy);
COP_API void cop_term_free(cop_term copy);

/* Where a text or bytes stopped making sense. */
typedef struct cop_parse_error {
        size_t offset;  /* of the first wrong byte, from 0; of a quote that is never closed */
        char text[160]; /* "expected a field of bill (pence, people), found 'penc'" */
} cop_parse_error;

struct cop_kinds; /* the set of message kinds that records are looked up in; see message.h */

/*
 * Reads one term in Erlang's syntax, all of `size` bytes: integers (also 16#ff, $a,
 * 1_000), floats, atoms, 'quoted atoms', "texts", <<"binaries">> and <<1,2>>, lists,
 * improper lists, tuples, maps #{k => v}, pids <0.5.0>, references #Ref<0.7>, and
 * records #bill{pence = 900, people = 3} of the given kinds, which become the tuple
 * {bill, 900, 3}; a field left out takes its type's zero. `kinds` may be NULL: then every
 * record is unknown. Adjacent texts join. Comments run from % to the end of the line.
 * An integer beyond 64 bits, a float beyond the largest, and bytes that are no UTF-8 are
 * refused. Of equal keys in a map the last stays. The type of a field is not looked at.
 * Ownership: the caller owns *term and ends it with cop_term_free.
 * Errors: COP_E_MALFORMED and COP_E_NO_KIND (with *error filled, which may be NULL),
 * COP_E_TOO_DEEP, COP_E_TOO_BIG (larger than a message may be), COP_E_NO_MEMORY.
 */
COP_API cop_status cop_term_parse(const char *text, size_t size, const struct cop_kinds *kinds,
                                  cop_term *term, cop_parse_error *error);

/*
 * Prints a term so that cop_term_parse reads back an equal one, unless something is left out of it or is
 * no UTF-8. A tuple that has the name and the size of one of the kinds is printed as its record, secret
 * fields of the kinds as "..."; `kinds` may be NULL.
 * No character comes out raw that a terminal would act upon or not show.
 * At most `limit` bytes are written, with the final NUL; a longer text ends in "...", and
 * with no half character before that. What lies too deep, or behind as much as a message may hold, prints as "..." too.
 * Returns: the length of the whole text without the NUL, as snprintf does.
 */
COP_API size_t cop_term_print(cop_term term, const struct cop_kinds *kinds, char *text,
                              size_t limit);

/*
 * MessagePack both ways. Encoding gives a malloc'ed block that the caller frees with free().
 * Decoding first checks length, depth and counts against the bytes that are there, so a
 * few hostile bytes cannot make it allocate more than about 64 bytes for each of their own;
 * all of `size` must be one term. The mapping is written down in docs/messages.md.
 * Errors: COP_E_MALFORMED, COP_E_TOO_DEEP, COP_E_TOO_BIG, COP_E_NO_MEMORY.
 */
COP_API cop_status cop_term_encode(cop_term term, uint8_t **bytes, size_t *size);
COP_API cop_status cop_term_decode(const void *bytes, size_t size, cop_term *term);

COP_END_DECLS

#endif
