/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Many read a book while a few revise it. Threads share it under a readers-writer lock: with one reader or another
 * always inside, a writer never gets in; and one let in too early shows them half of an old page and half of a new.
 *
 * Here the library lends copies of its latest edition. A copy never changes, and lending one counts it, but copies no
 * byte; so a reader keeps it as long as it likes, and nobody waits for readers. Writers wait for each other alone,
 * in order, for each begins with the other's work. The library is a machine: while the book is being revised, who
 * also wants to is postponed. A writer who dies, by a real fault, gives up the turn, and the old edition stays.
 */
#include <stdio.h>

#include <coppice.h>

enum { PAGES = 1000, READERS = 4, READS = 50, WRITERS = 3, REVISIONS = 20, CLUMSY = 1 };
enum { AT_REST, BEING_REVISED };

typedef struct { int reader; } borrow;
COP_MESSAGE(borrow, reader);

typedef struct { int writer; } revise;
COP_MESSAGE(revise, writer);

/* The answer to both; and what a writer sends back. Page by page, how often it has been revised. */
typedef struct { int edition; cop_bytes pages; } book;
COP_MESSAGE(book, edition, pages);

typedef struct { int reads, torn; } experience;
COP_MESSAGE(experience, reads, torn);

typedef struct { book latest; cop_ref writer_gone; } library;

static void library_open(library *self)
{
        static const uint8_t blank[PAGES];
        self->latest.pages = cop_bytes_of(blank, PAGES);
}

static void library_lends(library *self, const borrow *b)
{
        (void)b;
        cop_reply_value(COP_KIND_OF(book), &self->latest);
}

static void library_gives_turn(library *self, const revise *r)
{
        (void)r;
        cop_caller writer = cop_defer();
        cop_monitor(writer.pid, &self->writer_gone);
        cop_reply_value_to(writer, COP_KIND_OF(book), &self->latest);
        cop_next_state(BEING_REVISED);
}

static void library_lets_wait(library *self, const revise *r)
{
        (void)self;
        (void)r;
        cop_postpone();
}

/* Who still reads the old edition goes on reading it. */
static void library_publishes(library *self, const book *revised)
{
        cop_demonitor_flush(self->writer_gone);
        cop_buffer_drop(self->latest.pages.buffer);
        self->latest.pages = cop_buffer_bytes(cop_buffer_take(revised->pages.buffer));
        self->latest.edition++;
        cop_next_state(AT_REST);
}

static void library_takes_back(library *self, const cop_down *d)
{
        if (cop_ref_equal(d->ref, self->writer_gone))
                cop_next_state(AT_REST);
}

static void library_close(library *self, cop_term reason)
{
        (void)reason;
        cop_buffer_drop(self->latest.pages.buffer);
}

COP_MACHINE(library, AT_REST, COP_INIT(library_open), COP_TERMINATE(library_close),
            COP_IN_ANY(borrow, library_lends),
            COP_IN(AT_REST, revise, library_gives_turn),
            COP_IN(BEING_REVISED, revise, library_lets_wait),
            COP_IN(BEING_REVISED, book, library_publishes),
            COP_IN(BEING_REVISED, cop_down, library_takes_back));

/* Reads slowly: meanwhile others may revise as they like. */
static bool is_torn(cop_bytes pages)
{
        bool torn = false;
        for (size_t i = 1; i < pages.size; i++) {
                if (i % 250 == 0)
                        cop_yield();
                torn = torn || pages.data[i] != pages.data[0];
        }
        return torn;
}

static void read_much(const borrow *b)
{
        experience e = { 0 };
        for (; e.reads < READS; e.reads++) {
                cop_auto lent = NULL;
                if (cop_call(&lent, "library", COP_FOREVER, borrow, .reader = b->reader) != COP_OK)
                        break;
                e.torn += is_torn(cop_read(book, lent)->pages);
        }
        cop_send_value(cop_to_pid(cop_parent()), COP_KIND_OF(experience), &e);
}

static void write_much(const revise *r)
{
        for (int i = 0; i < REVISIONS; i++) {
                uint8_t pages[PAGES];
                uint8_t *volatile desk = r->writer == CLUMSY && i == 4 ? NULL : pages;
                cop_auto mine = NULL;
                if (cop_call(&mine, "library", COP_FOREVER, revise, .writer = r->writer) != COP_OK)
                        return;
                for (size_t page = 0; page < PAGES; page++)
                        desk[page] = cop_read(book, mine)->pages.data[page] + 1;
                cop_send("library", book, .pages = cop_bytes_of(pages, PAGES));
        }
}

static void spend_the_day(void)
{
        experience all = { 0 };
        cop_ref gone[WRITERS];
        cop_auto last = NULL;
        for (int i = 0; i < READERS; i++)
                cop_spawn_with(read_much, borrow, .reader = i);
        for (int i = 0; i < WRITERS; i++)
                cop_monitor(cop_spawn_with(write_much, revise, .writer = i), &gone[i]);
        for (int i = 0; i < READERS; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(experience));
                all.reads += cop_read(experience, message)->reads;
                all.torn += cop_read(experience, message)->torn;
        }
        for (int i = 0; i < WRITERS; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, gone[i])));
        printf("%d times read, %d times torn\n", all.reads, all.torn);
        if (cop_call(&last, "library", COP_FOREVER, borrow, .reader = READERS) != COP_OK)
                return;
        const book *b = cop_read(book, last);
        printf("edition %d: each page has been revised %d times\n", b->edition, b->pages.data[0]);
        puts(is_torn(b->pages) ? "but not all!" : "by writers in turn, one of whom has fallen ill");
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid pid = cop_spawn_server(&library_machine, "library");
        spend_the_day();
        cop_stop(pid, cop_atom("shutdown"), COP_FOREVER);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
