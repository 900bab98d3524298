/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * MessagePack from a stranger (mailbox/scan.c, unpack.c): what is decoded can be encoded, and decoded again to an equal term, whose
 * bytes are the same ones: equal terms have one encoding, however the stranger had written it.
 */
#include <string.h>

#include <coppice.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        cop_term term, again;
        uint8_t *encoded, *once_more;
        size_t encoded_size, size_then;
        if (cop_term_decode(bytes, size, &term) != COP_OK)
                return 0;
        FUZZ_ASSERT(cop_term_encode(term, &encoded, &encoded_size) == COP_OK);
        FUZZ_ASSERT(cop_term_decode(encoded, encoded_size, &again) == COP_OK);
        FUZZ_ASSERT(cop_term_equal(term, again));
        FUZZ_ASSERT(cop_term_encode(again, &once_more, &size_then) == COP_OK);
        FUZZ_ASSERT(size_then == encoded_size && memcmp(once_more, encoded, size_then) == 0);
        cop_term_free(again);
        free(once_more);
        free(encoded);
        cop_term_free(term);
        return 0;
}
