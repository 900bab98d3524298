/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Printing the file that a node has left when a fault ended it (actors/dump_file.h).
 *
 * The file may be broken off, damaged, or made by somebody who means ill: it is read into memory as a whole, up to
 * DUMP_SIZE_MAX, each record is scanned before it is decoded, and no byte of it reaches the terminal unescaped. The files that it names
 * are looked at for lines only if it is one's own, or root's.
 */
#ifndef SHELL_CLIENT_DUMP_H
#define SHELL_CLIENT_DUMP_H

#include "shell/client/talk.h"

/* A node that is full writes some 10 MiB. */
#define DUMP_SIZE_MAX ((size_t)64 << 20)

/*
 * Prints it on standard output; with lines, of each code address where in the source it lies, which takes as long as reading the
 * program's debug information. Ends with a sentence on standard error, and EXIT_USAGE if it cannot be read, EXIT_FAILED if it is no
 * dump or not whole; what can be read of it is printed all the same.
 */
enum exit_code dump_print(const char *path, bool wants_lines);

#endif
