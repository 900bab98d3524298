/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does it cost to make bytes of a message, and a message of bytes?
 *
 * Method: a message of five fields, 40 bytes in MessagePack. limit_pack writes it with msgpack-c into a buffer that is used
 * again, limit_unpack reads it with msgpack-c, as a program without Coppice would; limit_scan is the bounded look that Coppice takes at
 * foreign bytes before it does.
 * Checked: what is read is what was written.
 */
#include <msgpack.h>

#include "bench/limits/limit.h"
#include "mailbox/scan.h"

#define FIELDS 5
#define TEXT "a message of forty bytes"

static void pack(msgpack_sbuffer *buffer)
{
        msgpack_packer packer;
        msgpack_sbuffer_clear(buffer);
        msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
        msgpack_pack_array(&packer, FIELDS);
        msgpack_pack_int64(&packer, 900);
        msgpack_pack_int64(&packer, 3);
        msgpack_pack_double(&packer, 0.5);
        msgpack_pack_true(&packer);
        msgpack_pack_str(&packer, sizeof(TEXT) - 1);
        msgpack_pack_str_body(&packer, TEXT, sizeof(TEXT) - 1);
}

static void unpack(const msgpack_sbuffer *buffer)
{
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        msgpack_unpack_return how = msgpack_unpack_next(&unpacked, buffer->data, buffer->size, NULL);
        BENCH_CHECK(how == MSGPACK_UNPACK_SUCCESS && unpacked.data.via.array.size == FIELDS &&
                            unpacked.data.via.array.ptr[0].via.i64 == 900,
                    "another message");
        msgpack_unpacked_destroy(&unpacked);
}

static void scan(const msgpack_sbuffer *buffer)
{
        struct cop__scan found;
        cop_status status = cop__scan(buffer->data, buffer->size, COP__SCAN_DEPTH_MAX, &found);
        BENCH_CHECK(status == COP_OK && found.values == FIELDS + 1, "another message");
}

BENCH(limit_pack, .unit = "message", .growth = true)
{
        msgpack_sbuffer buffer;
        msgpack_sbuffer_init(&buffer);
        LIMIT_LOOP(run, pack(&buffer); LIMIT_KEEP(buffer.data));
        msgpack_sbuffer_destroy(&buffer);
}

BENCH(limit_unpack, .unit = "message", .growth = true)
{
        msgpack_sbuffer buffer;
        msgpack_sbuffer_init(&buffer);
        pack(&buffer);
        LIMIT_LOOP(run, unpack(&buffer));
        msgpack_sbuffer_destroy(&buffer);
}

BENCH(limit_scan, .unit = "message", .growth = true)
{
        msgpack_sbuffer buffer;
        msgpack_sbuffer_init(&buffer);
        pack(&buffer);
        LIMIT_LOOP(run, scan(&buffer));
        msgpack_sbuffer_destroy(&buffer);
}
