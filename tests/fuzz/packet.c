/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The console's protocol (shell/packet.c) from a socket on which a client has written anything and gone. */
#include <sys/socket.h>
#include <unistd.h>

#include "shell/packet.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct cop__packet packet;
        enum cop__packet_status status;
        int pair[2];
        if (size > LIMIT * 4 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
                return 0;
        FUZZ_ASSERT(write(pair[0], bytes, size) == (ssize_t)size);
        close(pair[0]);
        while ((status = cop__packet_read(pair[1], LIMIT, 1000, &packet)) == COP__PACKET_READ) {
                FUZZ_ASSERT(packet.size <= LIMIT && packet.body[packet.size] == '\0');
                free(packet.body);
        }
        FUZZ_ASSERT(status != COP__PACKET_TOO_SLOW);
        close(pair[1]);
        return 0;
}
