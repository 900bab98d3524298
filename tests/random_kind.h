/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Random values of the kind that has every type of field; in the memory of random terms. */
#ifndef TESTS_RANDOM_KIND_H
#define TESTS_RANDOM_KIND_H

#include "tests/random_term.h"

#include "tests/kinds.h" /* behind it: its point would be shadowed by a local */

static cop_text random_cop_text(struct random_terms *random)
{
        cop_text text;
        text.data = random_text(random, &text.size);
        return text;
}

static cop_symbol random_symbol(struct random_terms *random)
{
        cop_text text = random_cop_text(random);
        return (cop_symbol){ text.size, text.data };
}

static double random_double(struct random_terms *random)
{
        cop_term term = random_float(random);
        return term.as.real;
}

static void random_everything(struct random_terms *random, everything *all)
{
        uint64_t bits[8];
        for (size_t i = 0; i < COP__COUNT(bits); i++)
                bits[i] = cop__random_next(&random->state) >> random_below(random, 64);
        size_t count = random_below(random, 4);
        int64_t *scores = random_room(random, count * sizeof *scores);
        double *samples = random_room(random, count * sizeof *samples);
        cop_pid *members = random_room(random, count * sizeof *members);
        cop_text *lines = random_room(random, count * sizeof *lines);
        size_t many = random_below(random, 2) * 400 + random_below(random, 4);
        uint8_t *bytes = random_room(random, many);
        memset(bytes, (int)bits[0], many);
        for (size_t i = 0; i < count; i++) {
                scores[i] = (int64_t)cop__random_next(&random->state);
                samples[i] = random_double(random);
                members[i].bits = bits[i];
                lines[i] = random_cop_text(random);
        }
        *all = (everything){
                .tiny = (int8_t)bits[0], .small = (int16_t)bits[1], .middle = (int32_t)bits[2],
                .large = (int64_t)bits[3], .longest = -(long long)(bits[4] >> 1),
                .byte = (uint8_t)bits[0], .port = (uint16_t)bits[1], .mask = (uint32_t)bits[2],
                .key = bits[3], .longest_key = ~bits[4], .paint = (colour)(bits[5] % 3),
                .ratio = (float)(int32_t)bits[6] / 8, .exact = random_double(random),
                .yes = bits[0] & 1, .letter = (char)(bits[1] & 0x7f), .pid = { bits[5] },
                .ref = { bits[6] }, .symbol = random_symbol(random),
                .text = random_cop_text(random), .bytes = cop_bytes_of(bytes, many),
                .term = random_term(random, 3), .name = "Grace",
                .hash = { (uint8_t)bits[2], 2, 3, 4 }, .weights = { 0.5f, -1, (float)bits[1] },
                .flags = { bits[2] & 1, true }, .pair = { { bits[0] }, { bits[1] } },
                .tags = { random_symbol(random), random_symbol(random) },
                .titles = { random_cop_text(random), random_cop_text(random) },
                .scores = { scores, count }, .samples = { samples, count },
                .members = { members, count }, .lines = { lines, count },
                .terms = { random_items(random, count, 2), count },
                .at = { random_double(random), 2 },
        };
}

#endif
