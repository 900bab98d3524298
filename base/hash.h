/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hashes, each going on from the one before it. Not against who chooses the bytes.
 *
 *      cop__hash_bytes, cop__hash_text    FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), a byte at a time, from COP__HASH_BEGIN on: for names
 *      cop__hash_mix, cop__hash_mix_all   a word at a time, from any: all 64 bits are mixed; for what may be long
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"

#define COP__HASH_BEGIN UINT64_C(14695981039346656037)

COP__INLINE uint64_t cop__hash_byte(uint64_t hash, uint8_t byte)
{
        return (hash ^ byte) * UINT64_C(1099511628211);
}

COP__INLINE uint64_t cop__hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                hash = cop__hash_byte(hash, ((const uint8_t *)bytes)[i]);
        return hash;
}

/* The same, as far as the NUL. */
COP__INLINE uint64_t cop__hash_text(uint64_t hash, const char *text)
{
        for (; *text != '\0'; text++)
                hash = cop__hash_byte(hash, (uint8_t)*text);
        return hash;
}

COP__INLINE uint64_t cop__hash_mix(uint64_t hash, uint64_t word)
{
        return cop__mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
}

/* The last word is filled up with zeros, so the size is for the caller to add where it matters. */
static inline uint64_t cop__hash_mix_all(uint64_t hash, const void *bytes, size_t size)
{
        const char *at = bytes;
        uint64_t word;
        for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
                memcpy(&word, at, sizeof(word));
                hash = cop__hash_mix(hash, word);
        }
        if (size == 0)
                return hash;
        word = 0;
        memcpy(&word, at, size);
        return cop__hash_mix(hash, word);
}

#endif
