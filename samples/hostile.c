/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Pictures from strangers, decoded by a library that trusts them: it ends the whole program when it does not like one, as
 * libraries of the nineties do, and some make it run for ever. So the decoder is an actor in an OS process of its own, by one
 * word in its child spec. Whatever a picture does, a supervisor has the next decoder ready for the next picture.
 *
 * The border is one for memory, not for calls. Whoever waits for an album takes its patience along, so the decoder knows when
 * it works in vain. And an album that bears the title of another one makes the decoder ask the archive, which waits for the decoder: that
 * call fails and says who is in the ring.
 */
#include <stdio.h>
#include <stdlib.h>

#include <coppice.h>

/* ---- The library: runs of bytes, each a count and a value ------------------------------------- */

static size_t unpack_picture(const uint8_t *bytes, size_t size, uint8_t pixels[256])
{
        size_t count = 0;
        for (size_t at = 0; at + 1 < size; at += bytes[at] > 0 ? 2 : 0) /* a run of none is never passed */
                for (uint8_t i = 0; i < bytes[at]; i++) {
                        if (count == 256)
                                exit(1); /* "corrupt picture" */
                        pixels[count++] = bytes[at + 1];
                }
        return count;
}

/* ---- The decoder ------------------------------------------------------------------------------- */

typedef struct { cop_bytes bytes; } picture;
COP_MESSAGE(picture, bytes);

typedef struct { int64_t pixels, decoded; } decoded;
COP_MESSAGE(decoded, pixels, decoded);

typedef struct { int64_t pictures; cop_text title; } album; /* a title: what is in the archive under that */
COP_MESSAGE(album, pictures, title);

typedef struct { cop_text title; } shelf_mark;
COP_MESSAGE(shelf_mark, title);

typedef struct { int64_t decoded; } decoder;

static void decoder_on_picture(decoder *self, const picture *p)
{
        uint8_t pixels[256];
        int64_t count = (int64_t)unpack_picture(p->bytes.data, p->bytes.size, pixels);
        cop_reply(decoded, .pixels = count, .decoded = ++self->decoded);
}

/* As many as somebody waits for. */
static void decoder_on_album(decoder *self, const album *a)
{
        static const uint8_t plain[] = { 255, 7 };
        uint8_t pixels[256];
        int64_t pixels_in_all = 0;
        if (a->title.size > 0 && cop_call(NULL, "archive", COP_FOREVER, shelf_mark, .title = a->title) == COP_E_CYCLE)
                cop_exit(cop_failure());
        for (int64_t i = 0; i < a->pictures && cop_time_left() > 0; i++)
                pixels_in_all += (int64_t)unpack_picture(plain, sizeof(plain), pixels);
        if (cop_time_left() > 0)
                cop_reply(decoded, .pixels = pixels_in_all, .decoded = self->decoded);
}

COP_SERVER(decoder, COP_ON(picture, decoder_on_picture), COP_ON(album, decoder_on_album));

/* ---- The archive, an actor of the node ----------------------------------------------------------- */

typedef struct { int64_t asked; } archive;

/* What is in it is an album, which it has decoded. */
static void archive_on_mark(archive *self, const shelf_mark *m)
{
        self->asked++;
        cop_status status = cop_call(NULL, "decoder", COP_FOREVER, album, .title = m->title);
        if (status == COP_E_DIED && cop_is_tuple(cop_failure(), "calling_cycle", 2))
                printf("%s: the decoder found that %d wait for each other\n", m->title.data,
                       (int)cop_failure().as.items[1].count);
        cop_reply(decoded);
}

COP_SERVER(archive, COP_ON(shelf_mark, archive_on_mark));

/* ---- Whoever has pictures ------------------------------------------------------------------------ */

static void show(const char *title, cop_bytes bytes)
{
        cop_auto reply = NULL;
        cop_pid pid = cop_whereis("decoder");
        cop_status status = cop_call(&reply, pid, 200, picture, .bytes = bytes);
        if (status == COP_OK) {
                const decoded *d = cop_read(decoded, reply);
                printf("%s: %d pixels, picture %d of this decoder\n", title, (int)d->pixels,
                       (int)d->decoded);
                return;
        }
        char reason[80] = "";
        if (status == COP_E_DIED)
                cop_term_print(cop_failure(), NULL, reason, sizeof(reason));
        printf("%s: %s%s%s\n", title, cop_status_text(status), status == COP_E_DIED ? ": " : "", reason);
        cop_send_exit(pid, cop_atom("kill")); /* if it is in a loop */
        while (cop_whereis("decoder").bits == 0 || cop_pid_equal(cop_whereis("decoder"), pid))
                cop_yield(); /* the next one is on its way */
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text; /* what happens is shown here */
}

int main(void)
{
        static const uint8_t good[] = { 100, 1, 28, 0 }, large[] = { 255, 1, 255, 1 }, endless[] = { 0, 1 };
        cop_node *node;
        cop_pid studio;
        if (cop_node_start(&(cop_node_options){ .processes = true, .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        if (cop_supervise(&(cop_supervisor){
                .strategy = COP_ONE_FOR_ONE, .intensity = 10, .period_ms = 5000,
                .children = COP_CHILDREN({ "decoder", &decoder_server,
                                           .isolation = COP_ISOLATION_PROCESS,
                                           .memory_limit = 64 << 20 },
                                         { "archive", .server = &archive_server }) }, &studio) != COP_OK)
                return 1;
        show("a good one", cop_bytes_of(good, sizeof(good)));
        show("another", cop_bytes_of(good, sizeof(good)));
        show("too large", cop_bytes_of(large, sizeof(large)));
        show("a good one", cop_bytes_of(good, sizeof(good)));
        show("endless", cop_bytes_of(endless, sizeof(endless)));
        show("a good one", cop_bytes_of(good, sizeof(good)));

        /* Nobody waits for so many; the decoder stops by itself, and is the same afterwards. */
        printf("an album without end: %s\n",
               cop_call(NULL, "decoder", 50, album, .pictures = INT64_MAX) == COP_OK ? "decoded" : "given up");
        show("a good one", cop_bytes_of(good, sizeof(good)));
        cop_call(NULL, "archive", COP_FOREVER, shelf_mark, .title = cop_text_of("an album of itself"));
        cop_shutdown(studio, 5000);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
