/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Bytes that messages share instead of copying them: one block, counted.
 *
 * From the moment a buffer is sent nobody writes to its bytes, so the count is the only thing that
 * threads contend for. It is 64 bits wide and each share is a pointer somewhere: it cannot wrap.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/stock.h"
#include "mailbox/buffer.h"

struct cop_buffer {
        uint64_t holders;
        size_t size;
        uint8_t bytes[];
};

cop_buffer *cop_buffer_new(size_t size)
{
        if (size > SIZE_MAX - sizeof(cop_buffer))
                return NULL;
        cop_buffer *buffer = cop__stock_take(sizeof *buffer + size);
        if (!buffer)
                return NULL;
        buffer->holders = 1;
        buffer->size = size;
        return buffer;
}

cop_buffer *cop__buffer_of(const uint8_t *data, size_t size)
{
        cop_buffer *buffer = cop_buffer_new(size);
        if (buffer && size > 0)
                memcpy(buffer->bytes, data, size);
        return buffer;
}

uint8_t *cop_buffer_data(cop_buffer *buffer)
{
        return buffer != NULL ? buffer->bytes : NULL;
}

size_t cop_buffer_size(const cop_buffer *buffer)
{
        return buffer != NULL ? buffer->size : 0;
}

bool cop__buffer_holds(const cop_buffer *buffer, const uint8_t *data, size_t size)
{
        uintptr_t first = (uintptr_t)buffer->bytes, at = (uintptr_t)data;
        return at >= first && at - first <= buffer->size && size <= buffer->size - (at - first);
}

cop_buffer *cop_buffer_take(cop_buffer *buffer)
{
        /* Relaxed: whoever takes a share has one, or borrows one, and so sees the bytes already. */
        if (buffer)
                cop__add_relaxed(&buffer->holders, (uint64_t)1);
        return buffer;
}

void cop_buffer_drop(cop_buffer *buffer)
{
        /* Release: our reads are done. Acquire: so are those of all who dropped before the last. */
        if (buffer && cop__sub_acq_rel(&buffer->holders, (uint64_t)1) == 1)
                cop__stock_give(buffer, sizeof *buffer + buffer->size);
}
