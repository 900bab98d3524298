/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Standard input, output and error of the process. */
#ifndef BASE_STANDARD_H
#define BASE_STANDARD_H

/*
 * The numbers of those that are closed are taken from here on: there is nothing to read, and what is written fails as before. Else the next
 * thing that is opened gets the number, and what is said to a person is written into it. For a program's first thread, before it opens
 * anything.
 */
void cop__standard_open(void);

#endif
