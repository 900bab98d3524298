/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * MD5, as RFC 1321 has it: what the handshake of nodes makes of cookie and challenge. It keeps a cookie off the wire, and no
 * more: nothing else should be trusted to it.
 */
#ifndef DISTRIBUTION_MD5_H
#define DISTRIBUTION_MD5_H

#include <stddef.h>
#include <stdint.h>

#define COP__MD5_SIZE 16

/* The digest of the bytes. Threads: any. */
void cop__md5(const void *bytes, size_t size, uint8_t digest[COP__MD5_SIZE]);

#endif
