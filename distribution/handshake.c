/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The handshake. See handshake.h. */
#define _GNU_SOURCE
#include "distribution/handshake.h"

#include <stdio.h>
#include <string.h>

#include "distribution/external.h"
#include "distribution/md5.h"
#include "distribution/wire.h"

/* No packet of it is longer than a name and what stands around it. */
#define PACKET_MAX 512u

/* ---- Packets ---------------------------------------------------------------------------- */

/* One that has come. Its bytes are borrowed until the line is used again. */
struct packet {
        const uint8_t *at;
        size_t left;
};

static cop_status next_packet(struct cop__line *line, uint64_t deadline_ns, struct packet *packet)
{
        cop_status status = cop__line_await(line, 2, deadline_ns);
        if (status != COP_OK)
                return status;
        size_t size = (size_t)cop__line_bytes(line)[0] << 8 | cop__line_bytes(line)[1];
        if (size == 0 || size > PACKET_MAX)
                return COP_E_MALFORMED;
        status = cop__line_await(line, 2 + size, deadline_ns);
        if (status != COP_OK)
                return status;
        *packet = (struct packet){ cop__line_bytes(line) + 2, size };
        cop__line_read(line, 2 + size);
        return COP_OK;
}

static bool get(struct packet *packet, unsigned bytes, uint64_t *word)
{
        *word = 0;
        if (packet->left < bytes)
                return false;
        for (unsigned i = 0; i < bytes; i++)
                *word = *word << 8 | packet->at[i];
        packet->at += bytes;
        packet->left -= bytes;
        return true;
}

static bool is_word(const struct packet *packet, const char *word)
{
        return packet->left == strlen(word) && memcmp(packet->at, word, packet->left) == 0;
}

static struct cop__pen pen_for(struct cop__line *line, size_t size)
{
        struct cop__pen pen = { .tray = &line->out, .network = line->network };
        cop__pen_word(&pen, 2, size);
        return pen;
}

/* ---- What is said of oneself ------------------------------------------------------------------ */

static uint64_t own_flags(const struct cop__network *network)
{
        return COP__CAN_ALL | (network->hidden ? 0 : COP__CAN_PUBLISHED);
}

static cop_status introduce(struct cop__line *line, const uint32_t *challenge)
{
        const struct cop__network *network = line->network;
        size_t size = strlen(network->name);
        struct cop__pen pen = pen_for(line, (challenge != NULL ? 19 : 15) + size);
        cop__pen_byte(&pen, 'N');
        cop__pen_word(&pen, 8, own_flags(network));
        if (challenge != NULL)
                cop__pen_word(&pen, 4, *challenge);
        cop__pen_word(&pen, 4, network->creation);
        cop__pen_word(&pen, 2, size);
        cop__pen_bytes(&pen, network->name, size);
        return pen.status;
}

/* What may be more behind the name is for later releases. */
static cop_status hear_introduction(struct packet *packet, uint32_t *challenge, struct cop__introduction *other)
{
        uint64_t tag, flags, number = 0, creation, size;
        if (!get(packet, 1, &tag) || tag != 'N' || !get(packet, 8, &flags) || (challenge != NULL && !get(packet, 4, &number)) ||
            !get(packet, 4, &creation) || !get(packet, 2, &size) || size > packet->left ||
            !cop__node_name_is_good((const char *)packet->at, (size_t)size))
                return COP_E_MALFORMED;
        memset(other, 0, sizeof(*other));
        memcpy(other->name, packet->at, (size_t)size);
        other->creation = (uint32_t)creation;
        other->flags = flags & COP__CAN_ALL_OF_25 ? flags | COP__CAN_MANDATORY_25 : flags;
        if (challenge != NULL)
                *challenge = (uint32_t)number;
        return (other->flags & COP__CAN_NEEDED) == COP__CAN_NEEDED ? COP_OK : COP_E_NO_CONNECTION;
}

/* ---- Digests ----------------------------------------------------------------------------------- */

static void digest_of(const struct cop__network *network, uint32_t challenge, uint8_t digest[COP__MD5_SIZE])
{
        char text[COP__COOKIE_ROOM + 16];
        int size = snprintf(text, sizeof(text), "%s%u", network->cookie, challenge);
        cop__md5(text, (size_t)size, digest);
        explicit_bzero(text, sizeof(text));
}

/* Takes as long whatever differs. */
static bool is_digest(const struct cop__network *network, uint32_t challenge, const uint8_t *digest)
{
        uint8_t own[COP__MD5_SIZE], differs = 0;
        digest_of(network, challenge, own);
        for (unsigned i = 0; i < COP__MD5_SIZE; i++)
                differs |= own[i] ^ digest[i];
        return differs == 0;
}

static cop_status new_challenge(struct cop__network *network, uint32_t *challenge)
{
        return network->transport->chance(network, challenge, sizeof(*challenge));
}

/* ---- Who calls ------------------------------------------------------------------------------------ */

static cop_status hear_status(struct cop__line *line, uint64_t deadline_ns)
{
        struct packet packet;
        uint64_t tag;
        cop_status status = next_packet(line, deadline_ns, &packet);
        if (status != COP_OK)
                return status;
        if (!get(&packet, 1, &tag) || tag != 's')
                return COP_E_MALFORMED;
        if (is_word(&packet, "ok") || is_word(&packet, "ok_simultaneous"))
                return COP_OK;
        if (is_word(&packet, "alive")) /* it has not heard yet that the one before is over */
                return cop__handshake_say(line, "true");
        return is_word(&packet, "nok") ? COP_E_TAKEN : COP_E_NO_CONNECTION;
}

static cop_status reply(struct cop__line *line, uint32_t theirs, uint32_t ours)
{
        uint8_t digest[COP__MD5_SIZE];
        struct cop__pen pen = pen_for(line, 5 + COP__MD5_SIZE);
        digest_of(line->network, theirs, digest);
        cop__pen_byte(&pen, 'r');
        cop__pen_word(&pen, 4, ours);
        cop__pen_bytes(&pen, digest, sizeof(digest));
        return pen.status;
}

static cop_status hear_acknowledgement(struct cop__line *line, uint64_t deadline_ns, uint32_t ours)
{
        struct packet packet;
        uint64_t tag;
        cop_status status = next_packet(line, deadline_ns, &packet);
        if (status != COP_OK)
                return status;
        if (!get(&packet, 1, &tag) || tag != 'a' || packet.left != COP__MD5_SIZE)
                return COP_E_MALFORMED;
        return is_digest(line->network, ours, packet.at) ? COP_OK : COP_E_NO_CONNECTION;
}

cop_status cop__handshake_call(struct cop__line *line, struct cop__peer *peer, uint64_t deadline_ns,
                               struct cop__introduction *other)
{
        struct packet packet;
        uint32_t theirs, ours;
        cop_status status = introduce(line, NULL);
        if (status == COP_OK)
                status = hear_status(line, deadline_ns);
        if (status == COP_OK)
                status = next_packet(line, deadline_ns, &packet);
        if (status == COP_OK)
                status = hear_introduction(&packet, &theirs, other);
        if (status == COP_OK && strcmp(other->name, peer->name) != 0)
                status = COP_E_NO_CONNECTION;
        if (status == COP_OK)
                status = new_challenge(line->network, &ours);
        if (status == COP_OK)
                status = reply(line, theirs, ours);
        return status == COP_OK ? hear_acknowledgement(line, deadline_ns, ours) : status;
}

/* ---- Who is called --------------------------------------------------------------------------------- */

cop_status cop__handshake_hear(struct cop__line *line, uint64_t deadline_ns, struct cop__introduction *other)
{
        struct packet packet;
        cop_status status = next_packet(line, deadline_ns, &packet);
        return status == COP_OK ? hear_introduction(&packet, NULL, other) : status;
}

cop_status cop__handshake_say(struct cop__line *line, const char *word)
{
        struct cop__pen pen = pen_for(line, 1 + strlen(word));
        cop__pen_byte(&pen, 's');
        cop__pen_bytes(&pen, word, strlen(word));
        if (pen.status == COP_OK)
                cop__line_flush(line);
        return pen.status;
}

cop_status cop__handshake_is_true(struct cop__line *line, uint64_t deadline_ns, bool *is)
{
        struct packet packet;
        uint64_t tag;
        cop_status status = next_packet(line, deadline_ns, &packet);
        if (status != COP_OK)
                return status;
        if (!get(&packet, 1, &tag) || tag != 's')
                return COP_E_MALFORMED;
        *is = is_word(&packet, "true");
        return COP_OK;
}

cop_status cop__handshake_challenge(struct cop__line *line, uint64_t deadline_ns, uint32_t *challenge)
{
        struct packet packet;
        uint64_t tag, theirs;
        uint32_t ours;
        cop_status status = new_challenge(line->network, &ours);
        if (status == COP_OK)
                status = introduce(line, &ours);
        if (status == COP_OK)
                status = next_packet(line, deadline_ns, &packet);
        if (status != COP_OK)
                return status;
        if (!get(&packet, 1, &tag) || tag != 'r' || !get(&packet, 4, &theirs) || packet.left != COP__MD5_SIZE)
                return COP_E_MALFORMED;
        if (!is_digest(line->network, ours, packet.at))
                return COP_E_NO_CONNECTION;
        *challenge = (uint32_t)theirs;
        return COP_OK;
}

cop_status cop__handshake_meet(struct cop__line *line, uint32_t theirs)
{
        uint8_t digest[COP__MD5_SIZE];
        digest_of(line->network, theirs, digest);
        struct cop__pen pen = pen_for(line, 1 + COP__MD5_SIZE);
        cop__pen_byte(&pen, 'a');
        cop__pen_bytes(&pen, digest, sizeof(digest));
        if (pen.status == COP_OK)
                cop__line_flush(line);
        return pen.status;
}
