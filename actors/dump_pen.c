/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Records, each in a try of its own. See dump_pen.h. */
#define _GNU_SOURCE
#include "actors/dump_pen.h"

#include "base/lock.h"

void cop__dump_attempt(struct cop__dump *dump,
                       void (*act)(struct cop__dump *dump, const void *subject), const void *subject)
{
        jmp_buf rescue;
        jmp_buf *outer = dump->scope->rescue;
        dump->scope->rescue = &rescue;
        if (_setjmp(rescue) == 0)
                act(dump, subject);
        dump->scope->rescue = outer;
}

/* What a record is called, and how it is filled. */
struct piece {
        const char *what;
        void (*fill)(struct cop__dump *dump, const void *subject);
        const void *subject;
};

static void write_piece(struct cop__dump *dump, const void *subject)
{
        const struct piece *piece = subject;
        cop__dump_begin(&dump->record, piece->what);
        piece->fill(dump, piece->subject);
        cop__dump_end(&dump->file, &dump->record);
}

void cop__dump_put(struct cop__dump *dump, const char *what,
                   void (*fill)(struct cop__dump *dump, const void *subject), const void *subject)
{
        cop__dump_attempt(dump, write_piece, &(struct piece){ what, fill, subject });
}

void cop__dump_text(struct cop__dump *dump, const char *key, const char *text)
{
        if (text != NULL && text[0] != '\0')
                cop__dump_add_text(&dump->record, key, text);
}

void cop__dump_number(struct cop__dump *dump, const char *key, uint64_t value)
{
        cop__dump_add_number(&dump->record, key, value);
}

void cop__dump_pid(struct cop__dump *dump, const char *key, cop_pid pid)
{
        if (pid.bits != 0)
                cop__dump_add_pid(&dump->record, key, pid);
}

bool cop__dump_is_free_mutex(pthread_mutex_t *mutex)
{
        return pthread_mutex_trylock(mutex) == 0 && pthread_mutex_unlock(mutex) == 0;
}

bool cop__dump_is_free(struct cop__lock *lock)
{
        if (!cop__lock_trylock(lock))
                return false;
        cop__lock_unlock(lock);
        return true;
}
