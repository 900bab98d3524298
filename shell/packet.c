/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Packets on a stream socket. See packet.h. */
#include "shell/packet.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"

#define HEAD_SIZE 5

/* Milliseconds that poll may wait until a deadline ahead: -1 for ever, rounded up so that the end is not missed by a hair. */
static int poll_ms(uint64_t now_ns, uint64_t deadline_ns)
{
        if (deadline_ns == UINT64_MAX)
                return -1;
        uint64_t ms = (deadline_ns - now_ns) / COP__NS_PER_MS + 1;
        return ms > 60000 ? 60000 : (int)ms;
}

/* All `size` bytes. *got says how many came, whatever the answer. */
static enum cop__packet_status read_all(int fd, char *bytes, size_t size, uint64_t deadline_ns,
                                       size_t *got)
{
        *got = 0;
        while (*got < size) {
                ssize_t count = recv(fd, bytes + *got, size - *got, MSG_DONTWAIT);
                if (count > 0) {
                        *got += (size_t)count;
                        continue;
                }
                if (count == 0)
                        return COP__PACKET_BROKEN;
                if (errno != EAGAIN && errno != EINTR)
                        return COP__PACKET_BROKEN;
                uint64_t now_ns = cop__clock_ns();
                if (now_ns >= deadline_ns)
                        return COP__PACKET_TOO_SLOW;
                poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, poll_ms(now_ns, deadline_ns));
        }
        return COP__PACKET_READ;
}

static size_t length_in(const unsigned char head[HEAD_SIZE])
{
        return (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
}

enum cop__packet_status cop__packet_read(int fd, size_t limit, int64_t patience_ms,
                                       struct cop__packet *packet)
{
        unsigned char head[HEAD_SIZE];
        size_t got;
        enum cop__packet_status status = read_all(fd, (char *)head, 1, UINT64_MAX, &got);
        if (status != COP__PACKET_READ)
                return COP__PACKET_CLOSED;
        uint64_t deadline_ns = patience_ms < 0 ? UINT64_MAX
                                               : cop__clock_ns() +
                                                         (uint64_t)patience_ms * COP__NS_PER_MS;
        status = read_all(fd, (char *)head + 1, HEAD_SIZE - 1, deadline_ns, &got);
        if (status != COP__PACKET_READ)
                return status;
        size_t size = length_in(head);
        packet->type = head[0];
        if (size > limit)
                return COP__PACKET_TOO_BIG;
        char *body = malloc(size + 1);
        if (body == NULL)
                return COP__PACKET_NO_MEMORY;
        status = read_all(fd, body, size, deadline_ns, &got);
        if (status != COP__PACKET_READ) {
                free(body);
                return status;
        }
        body[size] = '\0';
        *packet = (struct cop__packet){ head[0], body, size };
        return COP__PACKET_READ;
}

bool cop__packet_write(int fd, int type, const void *body, size_t size)
{
        unsigned char head[HEAD_SIZE] = { (unsigned char)type, (unsigned char)(size >> 24),
                                          (unsigned char)(size >> 16), (unsigned char)(size >> 8),
                                          (unsigned char)size };
        struct iovec parts[2] = { { head, HEAD_SIZE }, { (void *)(uintptr_t)body, size } };
        size_t sent = 0;
        while (sent < HEAD_SIZE + size) {
                struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
                ssize_t count = sendmsg(fd, &message, MSG_NOSIGNAL);
                if (count < 0 && errno == EINTR)
                        continue;
                if (count < 0 && errno == EAGAIN) {
                        poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
                        continue;
                }
                if (count < 0)
                        return false;
                sent += (size_t)count;
                for (size_t i = 0; i < 2; i++) {
                        size_t of_this = (size_t)count < parts[i].iov_len ? (size_t)count
                                                                          : parts[i].iov_len;
                        parts[i].iov_base = (char *)parts[i].iov_base + of_this;
                        parts[i].iov_len -= of_this;
                        count -= (ssize_t)of_this;
                }
        }
        return true;
}

bool cop__packet_write_parts(int fd, int type, const char *text, size_t size)
{
        while (size > 0) {
                size_t part = size < COP__ANSWER_PART ? size : COP__ANSWER_PART;
                if (!cop__packet_write(fd, type, text, part))
                        return false;
                text += part;
                size -= part;
        }
        return true;
}
