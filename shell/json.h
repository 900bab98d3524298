/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Answers for programs: JSON (RFC 8259), put together as text. One value for each command, on one line.
 *
 *      cop__json_open(out, NULL, '{');
 *      cop__json_number(out, "unread", 3);
 *      cop__json_pid(out, "pid", pid);
 *      cop__json_close(out, '}');
 *
 * A comma comes by itself where one is needed. `key` is NULL in a list, or for the value as a whole; else it is written as it is,
 * and so is a word of ours. What comes from outside is escaped; bytes that are no UTF-8 become U+FFFD.
 *
 * Terms: a number is a number, a text, an atom, a pid, a reference a string, true and false themselves, undefined is null; a list
 * is a list, an improper one {"list": [...], "tail": ...}; a record of a known kind is {"kind": "bill", "pence": 900}, without
 * its secret fields; any other tuple is {"tuple": [...]}, a map an object whose keys are texts as they are and else as Erlang
 * writes them, or, where these might be the same, {"map": [[key, value], ...]}; a binary that is no text {"bytes": "base 16"}.
 */
#ifndef SHELL_JSON_H
#define SHELL_JSON_H

#include <coppice/message.h>
#include <coppice/term.h>

#include "base/text.h"

/* Bytes of an answer: beyond these nothing more is added of a term, and the shell refuses the whole. */
#define COP__JSON_MAX ((size_t)64 << 20)

void cop__json_open(struct cop__text *out, const char *key, char bracket);
void cop__json_close(struct cop__text *out, char bracket);

void cop__json_bytes(struct cop__text *out, const char *key, const char *text, size_t size);
void cop__json_string(struct cop__text *out, const char *key, const char *text); /* NULL and "" are null */
void cop__json_number(struct cop__text *out, const char *key, int64_t value);
void cop__json_bool(struct cop__text *out, const char *key, bool value);
void cop__json_pid(struct cop__text *out, const char *key, cop_pid pid); /* nobody is null */
void cop__json_term(struct cop__text *out, const char *key, cop_term term, const cop_kinds *kinds);

/* Running nodes, as the command nodes lists them, in a node's shell and in the client. */
struct cop__neighbour;
void cop__json_nodes(struct cop__text *out, const struct cop__neighbour *neighbours, size_t count);

#endif
