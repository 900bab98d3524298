/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "base/standard.h"

#include <fcntl.h>
#include <unistd.h>

void cop__standard_open(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
                        return; /* there is none, or somebody else opens things */
}
