/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Erlang's terms from a stranger (distribution/external_read.c): what is read can be written, and read again to an equal term,
 * unless it has a map that not every node can read. Reading takes no more memory than it may.
 */
#include <string.h>

#include "distribution/external.h"
#include "distribution/peer.h"
#include "mailbox/term_hash.h"
#include "tests/fuzz/fuzz.h"

#define MEMORY ((size_t)1 << 20)

/* Of a node that knows nobody yet. */
static struct cop__network *begin(void)
{
        struct cop__network *network = calloc(1, sizeof(*network));
        FUZZ_ASSERT(network != NULL);
        cop__list_init(&network->refs_idle);
        strcpy(network->name, "a@b");
        network->creation = 77;
        return network;
}

static void end(struct cop__network *network)
{
        for (uint32_t i = 0; i < network->peer_count; i++)
                free(network->peers[i]);
        cop__foreign_end(network);
        free(network);
}

static void write_and_read(struct cop__network *network, cop_term term)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray, .network = network };
        struct cop__reader reader;
        cop_term again;
        uint64_t hash;
        cop_status status = cop__term_hash_abroad(term, &hash);
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        FUZZ_ASSERT(pen.status == status && (status == COP_OK || status == COP_E_MALFORMED));
        if (status != COP_OK) {
                cop__tray_free(&tray);
                return;
        }
        cop__reader_begin(&reader, network, tray.data + tray.start, cop__tray_waiting(&tray), 64 * MEMORY);
        FUZZ_ASSERT(cop__reader_term(&reader, &again) == COP_OK);
        FUZZ_ASSERT(reader.at == reader.end);
        FUZZ_ASSERT(cop_term_equal(term, again));
        cop__reader_end(&reader);
        cop__tray_free(&tray);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct cop__network *network = begin();
        struct cop__reader reader;
        cop_term term;
        cop__reader_begin(&reader, network, bytes, size, MEMORY);
        while (cop__reader_term(&reader, &term) == COP_OK)
                write_and_read(network, term);
        FUZZ_ASSERT(reader.memory_left <= MEMORY);
        cop__reader_end(&reader);
        end(network);
        return 0;
}
