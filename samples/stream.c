/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which numbers are prime, three at a time, in order, of a sequence that has no end: as many are looked at as somebody wants to know.
 * Then pictures are developed, two at a time: one is broken, and one would take for ever. Neither disturbs the others.
 */
#include <stdio.h>
#include <string.h>

#include <coppice.h>

/* ---- An endless sequence, in order -------------------------------------------------- */

typedef struct {
        int64_t number;
} candidate;
COP_MESSAGE(candidate, number);

typedef struct {
        bool prime;
} verdict;
COP_MESSAGE(verdict, prime);

static bool next_candidate(int64_t *last, candidate *c)
{
        c->number = *last += 2;
        return true;
}

static void judge(const candidate *c)
{
        bool prime = c->number > 1;
        for (int64_t by = 2; by * by <= c->number; by++)
                prime = prime && c->number % by != 0;
        cop_reply(verdict, .prime = prime);
}

static void find_primes(int wanted)
{
        cop_task_stream *stream;
        cop_streamed one;
        int64_t last = 999999;
        if (cop_task_stream_open(
                    &(cop_task_stream_options){ COP_STREAM(judge, candidate, next_candidate, &last),
                                                .most = 3, .zip = true },
                    &stream) != COP_OK)
                return;
        while (wanted > 0 && cop_task_stream_next(stream, &one) == COP_OK) {
                cop_auto item = one.item;
                cop_auto result = one.result;
                if (!cop_read(verdict, result)->prime)
                        continue;
                printf("%d is prime\n", (int)cop_read(candidate, item)->number);
                wanted--;
        }
        cop_task_stream_close(stream); /* those that were begun in vain end here */
}

/* ---- As they come ------------------------------------------------------------------------ */

typedef struct {
        cop_text name;
} film;
COP_MESSAGE(film, name);

typedef struct {
        cop_text caption;
} picture;
COP_MESSAGE(picture, caption);

typedef struct {
        const char *const *names;
} box;

static bool next_film(box *films, film *f)
{
        if (*films->names == NULL)
                return false;
        f->name = cop_text_of(*films->names++);
        return true;
}

static void develop(const film *f)
{
        if (strcmp(f->name.data, "lost in the dark") == 0)
                cop_sleep(COP_FOREVER);
        if (strcmp(f->name.data, "exposed") == 0)
                cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("light")));
        cop_reply(picture, .caption = f->name);
}

static void develop_all(void)
{
        static const char *const names[] = { "exposed", "lost in the dark", "a wedding", NULL };
        cop_task_stream *stream;
        cop_streamed one;
        box films = { names };
        if (cop_task_stream_open(
                    &(cop_task_stream_options){ COP_STREAM(develop, film, next_film, &films),
                                                .most = 2, .timeout_ms = 500, .kill_slow = true,
                                                .nolink = true },
                    &stream) != COP_OK)
                return;
        while (cop_task_stream_next(stream, &one) == COP_OK) {
                cop_auto result = one.result;
                printf("film %d: %s\n", (int)one.index + 1,
                       one.status == COP_OK ? cop_read(picture, result)->caption.data
                                            : cop_status_text(one.status));
        }
        cop_task_stream_close(stream);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        find_primes(4);
        develop_all();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
