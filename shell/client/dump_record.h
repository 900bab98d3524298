/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One record of a dump: a map of texts, numbers and pids, as decoded. Nothing is believed of it: what is missing, or of another type, is
 * 0, nobody or empty, and no byte of a text reaches the terminal unescaped.
 */
#ifndef SHELL_CLIENT_DUMP_RECORD_H
#define SHELL_CLIENT_DUMP_RECORD_H

#include <coppice/term.h>

#include "base/text.h"

/* NULL: there is no such key. */
const cop_term *record_find(const cop_term *record, const char *key);

/* A number that is there and not negative, else 0. */
uint64_t record_number_of(const cop_term *record, const char *key);
cop_pid record_pid_of(const cop_term *record, const char *key);

/* Text, or bytes, that are there and not empty. */
bool record_has_text(const cop_term *record, const char *key);
bool record_is_what(const cop_term *record, const char *what);

/* Readable text in one line as it is, anything else in quotes and escaped. */
void record_append_bytes(struct cop__text *out, const char *bytes, size_t size);
void record_append_text(struct cop__text *out, const cop_term *record, const char *key);
void record_append_pid(struct cop__text *out, cop_pid pid);

#endif
