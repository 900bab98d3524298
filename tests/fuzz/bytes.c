/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* MessagePack from a stranger (mailbox/scan.c, unpack.c): what is decoded can be encoded, and decoded again to an equal term. */
#include <string.h>

#include <coppice.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        cop_term term, again;
        uint8_t *encoded;
        size_t encoded_size;
        if (cop_term_decode(bytes, size, &term) != COP_OK)
                return 0;
        FUZZ_ASSERT(cop_term_encode(term, &encoded, &encoded_size) == COP_OK);
        FUZZ_ASSERT(cop_term_decode(encoded, encoded_size, &again) == COP_OK);
        FUZZ_ASSERT(cop_term_equal(term, again));
        cop_term_free(again);
        free(encoded);
        cop_term_free(term);
        return 0;
}
