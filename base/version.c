/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The version, as it was when the library was compiled. */
#include <coppice/version.h>

int cop_version(void)
{
        return COP_VERSION;
}

const char *cop_version_text(void)
{
        return COP_VERSION_TEXT;
}
