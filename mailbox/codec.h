/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the codecs of terms and of kinds share: a packer that is checked at the end, and a reader
 * of foreign bytes. The mapping is written down in docs/messages.md.
 */
#ifndef MAILBOX_CODEC_H
#define MAILBOX_CODEC_H

#include <msgpack.h>

#include <coppice/term.h>

#include "base/text.h"
#include "mailbox/scratch.h"

/* MessagePack's application types: what Erlang has and MessagePack has not. */
enum cop__ext {
        COP__EXT_TUPLE = 1,    /* no bytes; first in an array: it is a tuple */
        COP__EXT_IMPROPER = 2, /* no bytes; first in an array: its last item is the tail */
        COP__EXT_ATOM = 3,     /* the name */
        COP__EXT_PID = 4,      /* 8 bytes, the highest first */
        COP__EXT_REF = 5,      /* 8 bytes, the highest first */
};

/*
 * Writers check nothing: after the first failure nothing more is written and `status` says why.
 * What passes COP_MESSAGE_SIZE_MAX is COP_E_TOO_BIG.
 */
struct cop__pack {
        msgpack_packer packer;
        struct cop__text out;
        cop_status status;
};

void cop__pack_init(struct cop__pack *pack);

/*
 * Hands over the bytes, and ends the packer either way.
 * Ownership: the caller owns *bytes and ends it with free().
 */
cop_status cop__pack_take(struct cop__pack *pack, uint8_t **bytes, size_t *size);

/* The term is no deeper than COP_TERM_DEPTH_MAX. */
void cop__pack_term(struct cop__pack *pack, cop_term term);

/* Refuses what is no UTF-8. */
void cop__pack_text(struct cop__pack *pack, const char *text, size_t size);
void cop__pack_bytes(struct cop__pack *pack, const void *bytes, size_t size);
void cop__pack_id(struct cop__pack *pack, enum cop__ext type, uint64_t bits);

/*
 * Reads one value, at most `depth_max` deep, after a scan. The term's items lie in the scratch,
 * its texts and bytes in `bytes`: it is borrowed from both.
 * Errors: COP_E_MALFORMED, COP_E_TOO_DEEP, COP_E_TOO_BIG, COP_E_NO_MEMORY.
 */
cop_status cop__unpack_term(const void *bytes, size_t size, unsigned depth_max,
                            struct cop__scratch *scratch, cop_term *term);

#endif
