/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Packets, and the bytes they are made of. See crossing.h. */
#include "actors/crossing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mailbox/kind.h"

COP__KIND_DEFINE(cop__order, server, run, run_with, server_name, init_ack, supervised, no_preempt, link,
                 memory_limit, memory_limit_soft, priority, promise, title, argument, refs);
COP__KIND_DEFINE(cop__wish, server, run, run_with, server_name, name, label, init_ack, supervised, no_preempt,
                 link, monitor, memory_limit, mailbox_bytes, memory_limit_soft, mailbox_limit, mailbox_high,
                 mailbox_low, mailbox_policy, key_kind, key_field_at,
                 priority, promise, start_ref, asked, argument);
COP__KIND_DEFINE(cop__query, what, how, on, number, pid, ref, name, term, value, body);
COP__KIND_DEFINE(cop__told, status, value, ref, term);
COP__KIND_DEFINE(cop__obituary, reason, ignored, reports, unread, from, message, state, events);
COP__KIND_DEFINE(cop__log_line, level, text);

/* A tray that had to hold more gives it back once it is empty. */
#define KEPT 131072u

void cop__tray_free(struct cop__tray *tray)
{
        free(tray->data);
        memset(tray, 0, sizeof(*tray));
}

/* What waits moves to the front; an empty tray that is large gives its memory back. */
static void tidy(struct cop__tray *tray)
{
        size_t waiting = cop__tray_waiting(tray);
        if (waiting == 0 && tray->room > KEPT)
                cop__tray_free(tray);
        if (tray->start > 0 && waiting > 0)
                memmove(tray->data, tray->data + tray->start, waiting);
        tray->start = 0;
        tray->end = waiting;
}

bool cop__tray_reserve(struct cop__tray *tray, size_t size)
{
        if (tray->start == tray->end || tray->room - tray->end < size)
                tidy(tray);
        if (tray->room - tray->end >= size)
                return true;
        size_t room = tray->room < COP__TRAY_FILL ? COP__TRAY_FILL : 2 * tray->room;
        if (room < tray->end + size)
                room = tray->end + size;
        uint8_t *data = realloc(tray->data, room);
        if (data == NULL)
                return false;
        tray->data = data;
        tray->room = room;
        return true;
}

cop_status cop__tray_put(struct cop__tray *tray, struct cop__crossing_packet packet, const cop_kind *kind,
                         const void *value)
{
        uint8_t *bytes = NULL;
        size_t size = 0;
        cop_status status = COP_OK;
        if (kind != NULL)
                status = cop__kind_encode(kind, value, &bytes, &size);
        if (status != COP_OK)
                return status;
        if (!cop__tray_reserve(tray, sizeof(packet) + size)) {
                free(bytes);
                return COP_E_NO_MEMORY;
        }
        packet.size = (uint32_t)size;
        memcpy(tray->data + tray->end, &packet, sizeof(packet));
        if (size > 0)
                memcpy(tray->data + tray->end + sizeof(packet), bytes, size);
        tray->end += sizeof(packet) + size;
        free(bytes);
        return COP_OK;
}

bool cop__tray_take(struct cop__tray *tray, struct cop__crossing_packet *packet, const uint8_t **body,
                    cop_status *status)
{
        *status = COP_OK;
        if (cop__tray_waiting(tray) < sizeof(*packet))
                return false;
        memcpy(packet, tray->data + tray->start, sizeof(*packet));
        if (packet->type < COP__PACKET_SIGNAL || packet->type > COP__PACKET_LAST ||
            packet->size > COP_MESSAGE_SIZE_MAX) {
                *status = COP_E_MALFORMED;
                return false;
        }
        if (cop__tray_waiting(tray) - sizeof(*packet) < packet->size)
                return false;
        *body = tray->data + tray->start + sizeof(*packet);
        tray->start += sizeof(*packet) + packet->size;
        return true;
}

/* The packet that has begun to arrive is read as a whole. */
static size_t still_to_come(const struct cop__tray *tray)
{
        struct cop__crossing_packet packet;
        size_t waiting = cop__tray_waiting(tray);
        if (waiting < sizeof(packet))
                return COP__TRAY_FILL;
        memcpy(&packet, tray->data + tray->start, sizeof(packet));
        if (packet.size > COP_MESSAGE_SIZE_MAX)
                return COP__TRAY_FILL;
        size_t whole = sizeof(packet) + packet.size;
        return whole > waiting && whole - waiting > COP__TRAY_FILL ? whole - waiting : COP__TRAY_FILL;
}

long cop__tray_fill(struct cop__tray *tray, int fd, size_t most)
{
        size_t wanted = still_to_come(tray);
        if (wanted > most && most >= COP__TRAY_FILL)
                wanted = most;
        if (!cop__tray_reserve(tray, wanted))
                return -2;
        for (;;) {
                ssize_t size = recv(fd, tray->data + tray->end, wanted, MSG_DONTWAIT);
                if (size > 0) {
                        tray->end += (size_t)size;
                        return (long)size;
                }
                if (size == 0)
                        return -1;
                if (errno == EAGAIN || errno == EWOULDBLOCK)
                        return 0;
                if (errno != EINTR)
                        return -1;
        }
}

static ssize_t send_to_socket(void *context, int fd, const void *bytes, size_t size)
{
        (void)context;
        return send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool cop__tray_flush(struct cop__tray *tray, int fd)
{
        return cop__tray_flush_by(tray, send_to_socket, NULL, fd);
}

bool cop__tray_flush_by(struct cop__tray *tray, ssize_t (*send_some)(void *context, int fd, const void *bytes, size_t size),
                        void *context, int fd)
{
        while (cop__tray_waiting(tray) > 0) {
                ssize_t size = send_some(context, fd, tray->data + tray->start, cop__tray_waiting(tray));
                if (size >= 0)
                        tray->start += (size_t)size;
                else if (errno == EAGAIN || errno == EWOULDBLOCK)
                        return true;
                else if (errno != EINTR)
                        return false;
        }
        tidy(tray);
        return true;
}

cop_status cop__value_read(const cop_kind *kind, const uint8_t *bytes, size_t size, void **value)
{
        const cop_kind *only[] = { kind }, *found;
        cop_kinds *kinds = cop__kinds_new(only, only + 1);
        if (kinds == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop__kind_decode(kinds, bytes, size, &found, value);
        cop__kinds_free(kinds);
        return status;
}

cop_status cop__packet_value(const struct cop__crossing_packet *packet, const uint8_t *body,
                            const cop_kind *kind, void **value)
{
        return cop__value_read(kind, body, packet->size, value);
}
