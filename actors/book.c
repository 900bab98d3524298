/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Keys and who is entered under them: finding, and the life of a book. See book.h; book_change.c changes what is in one. */
#include "actors/book.h"

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/group_monitor.h"
#include "base/memory.h"
#include "mailbox/term_hash.h"

/* Keys that a partition has room for at first. */
#define KEYS_FIRST 16

/* ---- What Concurrency Kit's set needs --------------------------------------------- */

static unsigned long hash_key(const void *object, unsigned long seed)
{
        (void)seed;
        return (unsigned long)((const struct cop__keying *)object)->hash;
}

static bool is_same_key(const void *left, const void *right)
{
        const struct cop__keying *a = left, *b = right;
        return a->hash == b->hash && cop_term_equal(a->term, b->term);
}

/* As another node would take it. */
static bool is_same_group(const void *left, const void *right)
{
        const struct cop__keying *a = left, *b = right;
        return a->hash == b->hash && cop__term_same(a->term, b->term);
}

/* ---- Life ---------------------------------------------------------------------------- */

static bool partition_init(struct cop__partition *partition, bool scope)
{
        cop__lock_init(&partition->lock);
        cop__list_init(&partition->keys);
        cop__list_init(&partition->subscribers);
        cop__list_init(&partition->overseers);
        cop__table_init(&partition->watchers);
        partition->allocator = cop__epoch_allocator();
        return ck_hs_init(&partition->set, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash_key,
                          scope ? is_same_group : is_same_key, &partition->allocator, KEYS_FIRST, 0);
}

static void book_free(struct cop__book *book)
{
        for (uint32_t i = 0; i < book->partition_count; i++) {
                ck_hs_destroy(&book->partitions[i].set);
                cop__table_fini(&book->partitions[i].watchers);
        }
        free(book->listeners);
        free(book);
}

static void free_later(ck_epoch_entry_t *entry)
{
        cop__epoch_over();
        book_free(COP__CONTAINER(entry, struct cop__book, epoch));
}

struct cop__book *cop__book_new(enum cop__book_type type, uint32_t partitions)
{
        size_t size = sizeof(struct cop__book) + partitions * sizeof(struct cop__partition);
        struct cop__book *book = cop__aligned_alloc(COP__CACHE_LINE, size);
        if (book == NULL)
                return NULL;
        memset(book, 0, size);
        book->type = type;
        for (; book->partition_count < partitions; book->partition_count++)
                if (!partition_init(&book->partitions[book->partition_count], type == COP__BOOK_SCOPE)) {
                        book_free(book);
                        return NULL;
                }
        return book;
}

/* Errors: COP_E_NO_MEMORY, COP_E_NO_NAME. */
static cop_status show(struct cop__book *book)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *actor = cop__actor_here();
        cop_pid self = cop__actor_pid(actor);
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return COP_E_NO_MEMORY;
        if (!cop__registry_name(cop__node_of(thread), self, book->name) ||
            !cop__registry_attach(cop__here_of(thread), self, book))
                return COP_E_NO_NAME;
        rare->book = book;
        return COP_OK;
}

void cop__book_keep(struct cop__book *book)
{
        cop_status status = book != NULL ? show(book) : COP_E_NO_MEMORY;
        if (status == COP_OK)
                return;
        if (book != NULL)
                cop__book_close(cop__thread_here(), book); /* nobody has found it */
        if (status == COP_E_NO_MEMORY)
                cop_exit(cop_atom("no_memory"));
        cop_exit(COP_TUPLE(cop_atom("badarg"),
                           COP_TUPLE(cop_atom("spawn"),
                                     cop_string("a registry or scope is found by its name"))));
}

/* Somebody who still holds something in it; nobody when it is empty. */
static cop_pid any_holder(struct cop__partition *partition)
{
        cop_pid pid = cop_no_pid();
        cop__lock_lock(&partition->lock);
        struct cop__list *subscriber = cop__list_first(&partition->subscribers);
        struct cop__list *key = cop__list_first(&partition->keys);
        if (subscriber != NULL)
                pid = COP__CONTAINER(subscriber, struct cop__subscription, list)->pid;
        else if (key != NULL)
                pid = COP__CONTAINER(key, struct cop__key, list)->first->pid;
        cop__lock_unlock(&partition->lock);
        return pid;
}

static void close_to_all(struct cop__book *book)
{
        for (uint32_t i = 0; i < book->partition_count; i++) {
                struct cop__partition *partition = &book->partitions[i];
                cop__lock_lock(&partition->lock);
                partition->closed = true;
                cop__lock_unlock(&partition->lock);
        }
}

bool cop__book_close(struct cop__thread *thread, struct cop__book *book)
{
        unsigned taken = 0;
        cop_pid pid;
        close_to_all(book);
        /* A holder may be dying on another thread: then one of the two takes its holdings out, and this goes on. */
        for (uint32_t i = 0; i < book->partition_count; i++)
                while ((pid = any_holder(&book->partitions[i])).bits != 0) {
                        if (taken >= thread->scheduler->habits.holdings_batch)
                                return false;
                        taken += cop__holdings_take_out(thread, pid, book);
                }
        cop__epoch_call(cop__here_of(thread), &book->epoch, free_later);
        cop__epoch_poll(cop__here_of(thread));
        return true;
}

/* ---- Visits ----------------------------------------------------------------------------- */

cop_status cop__book_enter(struct cop__visit *visit, const char *name, bool scope)
{
        visit->thread = cop__thread_here();
        if (visit->thread == NULL || visit->thread->current == NULL)
                return COP_E_NO_NODE;
        visit->here = cop__here_of(visit->thread);
        cop__epoch_begin(visit->here);
        visit->book = cop__registry_book(visit->here, name);
        if (visit->book != NULL && (visit->book->type == COP__BOOK_SCOPE) == scope)
                return COP_OK;
        cop__epoch_end(visit->here);
        return COP_E_NO_NAME;
}

void cop__book_leave(struct cop__visit *visit)
{
        cop__epoch_end(visit->here);
        cop__epoch_poll(visit->here);
}

cop_status cop__keying_of(cop_term term, struct cop__keying *keying)
{
        keying->term = term;
        return cop__term_hash(term, &keying->hash);
}

cop_status cop__keying_of_group(cop_term term, struct cop__keying *keying)
{
        cop_status status = cop__term_hash_abroad(term, &keying->hash);
        if (status == COP_OK)
                keying->term = term;
        return status;
}

/* ---- Looking ------------------------------------------------------------------------------ */

/* By other bits than those that choose a place in the set. */
struct cop__partition *cop__book_partition(struct cop__book *book, uint64_t hash)
{
        return &book->partitions[(hash >> 32) % book->partition_count];
}

struct cop__key *cop__book_find(struct cop__book *book, const struct cop__keying *wanted)
{
        struct cop__partition *partition = cop__book_partition(book, wanted->hash);
        cop__epoch_lock(&partition->lock);
        struct cop__keying *found =
                ck_hs_get(&partition->set, (unsigned long)wanted->hash, wanted);
        cop__epoch_unlock(&partition->lock);
        return found != NULL ? COP__CONTAINER(found, struct cop__key, is) : NULL;
}

struct cop__entry *cop__entry_first(const struct cop__key *key)
{
        return key != NULL ? cop__load_acquire(&key->first) : NULL; /* its release: append */
}

struct cop__entry *cop__entry_next(const struct cop__entry *entry)
{
        return cop__load_acquire(&entry->next); /* the same */
}

void cop__book_keys(struct cop__book *book,
                    void (*each)(void *context, const struct cop__key *key), void *context)
{
        for (uint32_t i = 0; i < book->partition_count; i++) {
                struct cop__partition *partition = &book->partitions[i];
                ck_hs_iterator_t at = CK_HS_ITERATOR_INITIALIZER;
                void *found;
                cop__epoch_lock(&partition->lock);
                while (ck_hs_next_spmc(&partition->set, &at, &found))
                        each(context, COP__CONTAINER(found, struct cop__key, is));
                cop__epoch_unlock(&partition->lock);
        }
}

uint64_t cop__book_count(struct cop__book *book)
{
        uint64_t count = 0;
        for (uint32_t i = 0; i < book->partition_count; i++)
                count += cop__load_relaxed(&book->partitions[i].count);
        return count;
}
