/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The smallest program of a user: it builds a term, prints it, and reads it back.
 */
#include <stdio.h>
#include <string.h>

#include <coppice/term.h>

int main(void)
{
        cop_term bill = COP_TUPLE(cop_atom("bill"), cop_int(900), cop_int(3));
        char text[64];
        cop_term_print(bill, NULL, text, sizeof text);
        puts(text);

        cop_term again;
        cop_status status = cop_term_parse(text, strlen(text), NULL, &again, NULL);
        if (status != COP_OK) {
                fprintf(stderr, "not read back: %s\n", cop_status_text(status));
                return 1;
        }
        int equal = cop_term_equal(bill, again);
        cop_term_free(again);
        return equal ? 0 : 1;
}
