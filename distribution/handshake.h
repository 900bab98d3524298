/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The handshake of two nodes, as Erlang/OTP has it since 23 (its version 6). Each packet has its size, two bytes, in front.
 *
 *      who calls                                    who is called
 *      N, flags, creation, name      ──►
 *                                    ◄──            s, ok | ok_simultaneous | nok | not_allowed | alive
 *      (alive: s, true)              ──►
 *                                    ◄──            N, flags, challenge, creation, name
 *      r, challenge, digest          ──►
 *                                    ◄──            a, digest
 *
 * A digest is the MD5 of the cookie and the other's challenge in decimal: both show that they know the cookie, and neither says
 * it.
 */
#ifndef DISTRIBUTION_HANDSHAKE_H
#define DISTRIBUTION_HANDSHAKE_H

#include "distribution/line.h"
#include "distribution/peer.h"

/* What the other one has said of itself. */
struct cop__introduction {
        char name[COP__NODE_NAME_ROOM];
        uint32_t creation;
        uint64_t flags;
};

/*
 * We have called the peer. Errors: COP_E_NO_CONNECTION (it is another one, or does not let us in), COP_E_TAKEN (it calls us at
 * the same time, and its attempt counts), COP_E_MALFORMED, COP_E_TIMEOUT, COP_E_NO_MEMORY.
 */
cop_status cop__handshake_call(struct cop__line *line, struct cop__peer *peer, uint64_t deadline_ns,
                               struct cop__introduction *other);

/*
 * We are called: who it is. Then the status is said, and the rest follows. Errors: COP_E_NO_CONNECTION (it cannot do what is
 * needed, or does not know the cookie), and those above.
 */
cop_status cop__handshake_hear(struct cop__line *line, uint64_t deadline_ns, struct cop__introduction *other);
cop_status cop__handshake_say(struct cop__line *line, const char *status);
cop_status cop__handshake_is_true(struct cop__line *line, uint64_t deadline_ns, bool *is);
/* It is to show that it knows the cookie; *theirs: its own challenge, which is met when it is known that it comes in. */
cop_status cop__handshake_challenge(struct cop__line *line, uint64_t deadline_ns, uint32_t *theirs);
cop_status cop__handshake_meet(struct cop__line *line, uint32_t theirs);

#endif
