/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Message kinds to test with: one of each sort, from a tick to everything at once.
 */
#ifndef TESTS_KINDS_H
#define TESTS_KINDS_H

#include <coppice/message.h>

typedef struct {
        int64_t pence, people;
} bill;
COP_MESSAGE(bill, pence, people);

typedef struct {
} tick;
COP_MESSAGE(tick);

/* Any number of what takes no memory. */
typedef struct {
        struct {
                const tick *items;
                size_t count;
        } ticks;
} clock_run;
COP_MESSAGE(clock_run, COP_NESTED_ITEMS(tick, ticks));

typedef struct {
        double x, y;
} point;
COP_MESSAGE(point, x, y);

typedef struct {
        point from, to;
        int32_t width;
} line;
COP_MESSAGE(line, COP_NESTED(point, from), COP_NESTED(point, to), width);

typedef struct {
        struct {
                const line *items;
                size_t count;
        } lines;
        point box[2];
} drawing;
COP_MESSAGE(drawing, COP_NESTED_ITEMS(line, lines), COP_NESTED(point, box));

/* Nests itself. */
typedef struct tree tree;
struct tree {
        cop_text name;
        struct {
                const tree *items;
                size_t count;
        } branches;
};
COP_MESSAGE(tree, name, COP_NESTED_ITEMS(tree, branches));

typedef struct {
        cop_symbol mark;
} stamp;
COP_MESSAGE(stamp, mark);

typedef struct {
        tree first;
} garden;
COP_MESSAGE(garden, COP_NESTED(tree, first));

typedef struct {
        cop_text name;
        cop_bytes pixels;
} photo;
COP_MESSAGE(photo, name, pixels);

typedef struct {
        struct {
                const photo *items;
                size_t count;
        } photos;
        photo cover;
        cop_bytes notes[2];
} album;
COP_MESSAGE(album, COP_NESTED_ITEMS(photo, photos), COP_NESTED(photo, cover), notes);

typedef enum { RED, GREEN, BLUE } colour;

/* Every type that a field can have. */
typedef struct {
        int8_t tiny;
        int16_t small;
        int32_t middle;
        int64_t large;
        long long longest;
        uint8_t byte;
        uint16_t port;
        uint32_t mask;
        uint64_t key;
        unsigned long long longest_key;
        colour paint;
        float ratio;
        double exact;
        bool yes;
        char letter;
        cop_pid pid;
        cop_ref ref;
        cop_symbol symbol;
        cop_text text;
        cop_bytes bytes;
        cop_term term;
        char name[13];
        uint8_t hash[4];
        float weights[3];
        bool flags[2];
        cop_pid pair[2];
        cop_symbol tags[2];
        cop_text titles[2];
        cop_int64s scores;
        cop_doubles samples;
        cop_pids members;
        cop_texts lines;
        cop_terms terms;
        point at;
        tick nothing;
} everything;
COP_MESSAGE(everything, tiny, small, middle, large, longest, byte, port, mask, key, longest_key,
            paint, ratio, exact, yes, letter, pid, ref, symbol, text, bytes, term, name, hash,
            weights, flags, pair, tags, titles, scores, samples, members, lines, terms,
            COP_NESTED(point, at), COP_NESTED(tick, nothing));

#endif
