/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The smallest program of a user: it builds a term, prints it, and reads it back.
 */
#include <stdio.h>
#include <string.h>

#include <coppice/term.h>
#include <coppice/version.h>

#if COP_VERSION < COP_VERSION_OF(0, 1, 0) || COP_VERSION >= COP_VERSION_OF(0, 2, 0)
#error "CMakeLists.txt asks for 0.1"
#endif

/* What find_package has found; with pkg-config it is asked on the command line. */
#if !defined(FOUND_VERSION)
#define FOUND_VERSION COP_VERSION_TEXT
#endif

int main(void)
{
        if (cop_version() != COP_VERSION || strcmp(cop_version_text(), COP_VERSION_TEXT) != 0 ||
            strcmp(FOUND_VERSION, COP_VERSION_TEXT) != 0) {
                fprintf(stderr, "the library is %s, its headers %s, and %s was found\n", cop_version_text(), COP_VERSION_TEXT,
                        FOUND_VERSION);
                return 1;
        }
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
