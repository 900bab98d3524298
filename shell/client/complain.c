/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Complaints. See complain.h. */
#include "shell/client/complain.h"

#include <stdarg.h>
#include <stdio.h>

#include "shell/json.h"

void complain(bool as_json, const char *format, ...)
{
        struct cop__text sentence, line;
        va_list values;
        cop__text_init(&sentence);
        cop__text_init(&line);
        va_start(values, format);
        cop__text_vprintf(&sentence, format, values);
        va_end(values);
        if (as_json) {
                cop__json_open(&line, NULL, '{');
                cop__json_bytes(&line, "error", cop__text_get(&sentence), sentence.size);
                cop__json_close(&line, '}');
        }
        fprintf(stderr, "%s\n", cop__text_get(as_json ? &line : &sentence));
        cop__text_fini(&line);
        cop__text_fini(&sentence);
}
