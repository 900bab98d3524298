/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A term as text (mailbox/term_lexer.c, term_parse.c): what is read can be printed, and read again as an equal term that prints alike. */
#include <string.h>

#include <coppice.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        cop_term term, again;
        cop_parse_error error;
        if (cop_term_parse((const char *)bytes, size, NULL, &term, &error) != COP_OK)
                return 0;
        size_t needed = cop_term_print(term, NULL, NULL, 0);
        char *text = malloc(needed + 1);
        FUZZ_ASSERT(text != NULL && cop_term_print(term, NULL, text, needed + 1) == needed);
        FUZZ_ASSERT(cop_term_parse(text, needed, NULL, &again, &error) == COP_OK);
        FUZZ_ASSERT(cop_term_equal(term, again));
        char *alike = malloc(needed + 1);
        FUZZ_ASSERT(alike != NULL && cop_term_print(again, NULL, alike, needed + 1) == needed);
        FUZZ_ASSERT(strcmp(text, alike) == 0);
        free(alike);
        cop_term_free(again);
        free(text);
        cop_term_free(term);
        return 0;
}
