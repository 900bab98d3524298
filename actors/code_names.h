/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the name of a function says about leaving it in the middle; for the code map.
 */
#ifndef ACTORS_CODE_NAMES_H
#define ACTORS_CODE_NAMES_H

#include <stdbool.h>

/* In a library that is not to be trusted: this function touches its arguments only. */
bool cop__code_name_is_harmless(const char *name);

/* Whoever exports it is a part of the C library, or stands in for one. */
bool cop__code_name_marks_library(const char *name);

/* By the file's name: the library of a language that such programs bring along. */
bool cop__code_file_is_a_languages(const char *path);

/* The object holds the runtime of a sanitizer. */
bool cop__code_name_marks_sanitizer(const char *name);

/* In a program that has a sanitizer linked in: its stand-in for a harmless function. */
bool cop__code_name_intercepts(const char *name);

/* malloc and its like, in whatever object. */
bool cop__code_name_allocates(const char *name);

/* In a static program, where the C library's names lie among the program's own. */
bool cop__code_name_is_unsafe(const char *name);
bool cop__code_name_is_reserved(const char *name); /* the library's, and harmless */

#endif
