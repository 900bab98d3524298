/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Shared bytes from the inside: what sending needs beside the public cop_buffer_*.
 */
#ifndef MAILBOX_BUFFER_H
#define MAILBOX_BUFFER_H

#include <coppice/message.h>

/* A buffer with a copy of the bytes, held once. NULL without memory. */
cop_buffer *cop__buffer_of(const uint8_t *data, size_t size);

/* Do these bytes lie in the buffer? */
bool cop__buffer_holds(const cop_buffer *buffer, const uint8_t *data, size_t size);

#endif
