/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A clerk and a decoder of pictures. The decoder is old C that nobody vouches for, so it lives in an OS process of its own: one word in
 * its child spec. Kill that process with -9, and a supervisor has the next one ready; the clerk never notices.
 */
#include <stdlib.h>

#include <coppice.h>

typedef struct { cop_bytes runs; } picture;
COP_MESSAGE(picture, runs);

typedef struct { int64_t pixels, number; } decoded;
COP_MESSAGE(decoded, pixels, number);

typedef struct { int64_t number; } decoder;

/* Pairs of a count and a value into 64 bytes. What does not fit is written nevertheless: into the heap's own books. */
static int64_t unpack(const cop_bytes *runs)
{
        uint8_t *pixels = malloc(64);
        int64_t count = 0;
        for (size_t at = 0; at + 1 < runs->size; at += 2)
                for (int i = 0; i < runs->data[at]; i++)
                        pixels[count++] = runs->data[at + 1];
        free(pixels);
        return count;
}

static void decoder_on_picture(decoder *self, const picture *p)
{
        cop_reply(decoded, .pixels = unpack(&p->runs), .number = ++self->number);
}

COP_SERVER(decoder, COP_ON(picture, decoder_on_picture));

typedef struct { int64_t pictures; } clerk;

static void clerk_on_decoded(clerk *self, const decoded *d)
{
        self->pictures += d->pixels > 0;
        cop_reply(decoded, .pixels = d->pixels, .number = self->pictures);
}

COP_SERVER(clerk, COP_ON(decoded, clerk_on_decoded));

int main(int argc, char **argv)
{
        return cop_main_opt(argc, argv, &(cop_supervisor){
                .name = "studio", .strategy = COP_ONE_FOR_ONE,
                .intensity = 3, .period_ms = 5000,
                .children = COP_CHILDREN({ "decoder", .server = &decoder_server,
                                           .isolation = COP_ISOLATION_PROCESS },
                                          { "clerk", .server = &clerk_server }),
        }, &(cop_node_options){ .memory_limit = (size_t)256 << 20 });
}
