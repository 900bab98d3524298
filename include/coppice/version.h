/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which Coppice this is: the one whose headers a program is compiled with, and the one that it runs with.
 *
 *      #if COP_VERSION < COP_VERSION_OF(0, 1, 0)
 *      #error "this program needs Coppice 0.1"
 *      #endif
 *
 *      if (cop_version() < COP_VERSION)
 *              printf("compiled for %s, running with %s\n", COP_VERSION_TEXT, cop_version_text());
 *
 * Until 1.0 a program runs with the libraries of the minor version that it was compiled for, which the loader sees to: it is in the
 * shared library's name. Their patches may be older or newer ones.
 */
#ifndef COPPICE_VERSION_H
#define COPPICE_VERSION_H

#include <coppice/status.h>

COP_BEGIN_DECLS

/* The only place of the number: the name of the library, find_package and pkg-config have it from here. */
#define COP_VERSION_MAJOR 0
#define COP_VERSION_MINOR 1
#define COP_VERSION_PATCH 0

/* A version as an int, also for #if: later ones are larger. Each part is 0 to 999. */
#define COP_VERSION_OF(major, minor, patch) ((major) * 1000000 + (minor) * 1000 + (patch))

/* Of the headers: as an int, and as a text, "0.1.0". */
#define COP_VERSION COP_VERSION_OF(COP_VERSION_MAJOR, COP_VERSION_MINOR, COP_VERSION_PATCH)
#define COP_VERSION_TEXT \
        COP__VERSION_TEXT(COP_VERSION_MAJOR) "." COP__VERSION_TEXT(COP_VERSION_MINOR) "." COP__VERSION_TEXT(COP_VERSION_PATCH)
#define COP__VERSION_TEXT(number) COP__VERSION_TEXT_2(number)
#define COP__VERSION_TEXT_2(number) #number

/* The same of the library that the program runs with. Ownership: static. Threads: any. Errors: none. */
COP_API int cop_version(void);
COP_API const char *cop_version_text(void);

COP_END_DECLS

#endif
