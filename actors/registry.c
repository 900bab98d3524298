/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The names of a node. See registry.h. */
#include "actors/registry.h"

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/gather.h"
#include "actors/inside.h"
#include "base/cue.h"
#include "base/hash.h"
#include "base/memory.h"

struct cop__name_entry {
        struct cop__table_node node; /* key: the pid */
        cop_pid pid;
        ck_epoch_entry_t epoch;
        struct cop__book *book;      /* atomic; that its actor keeps, or NULL */
        uint32_t born;               /* atomic; 0: START is still to be sent, the lock is held */
        char name[COP_NAME_MAX + 1];
};

/* ---- What Concurrency Kit's set needs --------------------------------------------- */

static unsigned long hash_name(const void *object, unsigned long seed)
{
        const struct cop__name_entry *entry = object;
        uint64_t hash = cop__hash_text(COP__HASH_BEGIN ^ seed, entry->name);
        return (unsigned long)(hash ^ hash >> 32);
}

static bool is_same_name(const void *left, const void *right)
{
        return strcmp(((const struct cop__name_entry *)left)->name,
                      ((const struct cop__name_entry *)right)->name) == 0;
}

/* ---- Life ---------------------------------------------------------------------------- */

cop_status cop__registry_init(struct cop__registry *registry)
{
        cop__lock_init(&registry->lock);
        ck_epoch_init(&registry->epoch);
        cop__table_init(&registry->pids);
        registry->count = 0;
        registry->records = NULL;
        registry->removals = 0;
        registry->allocator = cop__epoch_allocator();
        if (!ck_hs_init(&registry->names, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash_name,
                        is_same_name, &registry->allocator, 64, 0x636f70u))
                return COP_E_NO_MEMORY;
        return COP_OK;
}

void cop__registry_fini(struct cop__registry *registry)
{
        ck_hs_iterator_t at = CK_HS_ITERATOR_INITIALIZER;
        void *entry;
        while (ck_hs_next(&registry->names, &at, &entry))
                free(entry);
        ck_hs_destroy(&registry->names);
        cop__table_fini(&registry->pids);
        while (registry->records != NULL) {
                struct cop__epoch_record *record = registry->records;
                registry->records = record->next;
                free(record);
        }
}

cop_status cop__registry_enter(struct cop__registry *registry, struct cop__registry_reader *reader)
{
        reader->record = ck_epoch_recycle(&registry->epoch, NULL);
        if (reader->record != NULL)
                return COP_OK;
        struct cop__epoch_record *record = cop__aligned_alloc(COP__CACHE_LINE, sizeof(*record));
        if (record == NULL)
                return COP_E_NO_MEMORY;
        ck_epoch_register(&registry->epoch, &record->epoch, NULL);
        reader->record = &record->epoch;
        cop__lock_lock(&registry->lock);
        record->next = registry->records;
        registry->records = record;
        cop__lock_unlock(&registry->lock);
        return COP_OK;
}

void cop__registry_leave(struct cop__registry *registry, struct cop__registry_reader *reader)
{
        (void)registry;
        ck_epoch_barrier(reader->record);
        ck_epoch_unregister(reader->record);
        reader->record = NULL;
}

/* ---- Changing -------------------------------------------------------------------------- */

static void free_entry(ck_epoch_entry_t *entry)
{
        cop__epoch_over();
        free(COP__CONTAINER(entry, struct cop__name_entry, epoch));
}

bool cop__name_is_good(const char *name)
{
        return name != NULL && name[0] != '\0' && strlen(name) <= COP_NAME_MAX &&
               strcmp(name, "undefined") != 0;
}

static struct cop__name_entry *entry_of(struct cop__registry *registry, cop_pid pid)
{
        struct cop__table_node *node = cop__table_find_first(&registry->pids, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__name_entry, node) : NULL;
}

static cop_status add_locked(struct cop__registry *registry, struct cop__name_entry *entry,
                             struct cop__actor *actor)
{
        unsigned long hash = CK_HS_HASH(&registry->names, hash_name, entry);
        if (entry_of(registry, entry->pid) != NULL ||
            ck_hs_get(&registry->names, hash, entry) != NULL)
                return COP_E_NAME_TAKEN;
        cop__or_seq(&actor->named, COP__NAMED); /* pairs with the dying actor's look; see registry.h */
        if (cop__load_seq(&actor->pid) != entry->pid.bits)
                return COP_E_NO_ACTOR;
        if (!ck_hs_put(&registry->names, hash, entry))
                return COP_E_NO_MEMORY;
        cop__table_insert(&registry->pids, &entry->node);
        registry->count++;
        return COP_OK;
}

cop_status cop__registry_add_unborn(struct cop__here *here, const char *name, cop_pid pid,
                                    struct cop__actor *actor, struct cop__name_entry **result)
{
        struct cop__registry *registry = &here->node->registry;
        struct cop__name_entry *entry = cop__calloc(1, sizeof(*entry));
        if (entry == NULL)
                return COP_E_NO_MEMORY;
        entry->pid = pid;
        entry->node.key = pid.bits;
        memcpy(entry->name, name, strlen(name));
        cop__lock_lock(&registry->lock);
        cop_status status = add_locked(registry, entry, actor);
        if (status == COP_OK) {
                *result = entry;
                return COP_OK;
        }
        cop__lock_unlock(&registry->lock);
        free(entry);
        return status;
}

void cop__registry_born(struct cop__here *here, struct cop__name_entry *entry)
{
        /* Release: who finds the name by it sends after START. */
        cop__store_release(&entry->born, 1);
        cop__lock_unlock(&here->node->registry.lock);
}

cop_status cop__registry_add(struct cop__here *here, const char *name, cop_pid pid,
                             struct cop__actor *actor)
{
        struct cop__name_entry *entry;
        cop_status status = cop__registry_add_unborn(here, name, pid, actor, &entry);
        if (status == COP_OK)
                cop__registry_born(here, entry);
        return status;
}

static void remove_locked(struct cop__here *here, struct cop__name_entry *entry)
{
        struct cop__registry *registry = &here->node->registry;
        unsigned long hash = CK_HS_HASH(&registry->names, hash_name, entry);
        ck_hs_remove(&registry->names, hash, entry);
        cop__table_remove(&registry->pids, &entry->node);
        registry->count--;
        cop__store_release(&registry->removals, registry->removals + 1); /* see registry.h, Remembered */
        cop__epoch_call(here, &entry->epoch, free_entry);
        cop__epoch_poll(here);
}

void cop__registry_remove_pid(struct cop__here *here, cop_pid pid)
{
        struct cop__registry *registry = &here->node->registry;
        cop__lock_lock(&registry->lock);
        struct cop__name_entry *entry = entry_of(registry, pid);
        if (entry != NULL)
                remove_locked(here, entry);
        cop__lock_unlock(&registry->lock);
}

/* ---- Looking up --------------------------------------------------------------------------- */

/* In a section. `wanted` need only have its name. */
static struct cop__name_entry *find(struct cop__registry *registry,
                                    const struct cop__name_entry *wanted)
{
        cop__epoch_lock(&registry->lock);
        struct cop__name_entry *entry = ck_hs_get(
                &registry->names, CK_HS_HASH(&registry->names, hash_name, wanted), wanted);
        cop__epoch_unlock(&registry->lock);
        return entry;
}

/* In an actor's own process: the outpost looks, or does it. */
static COP__COLD cop__told ask_outside(enum cop__question what, const char *name, cop_pid pid)
{
        cop__told told = { .status = COP_E_NO_MEMORY };
        cop_status status = cop__inside_ask(
                (cop__query){ .what = what, .pid = pid, .name = cop_text_of(name) }, &told);
        if (status != COP_OK)
                told = (cop__told){ .status = status };
        return told;
}

static COP__COLD cop_status registered_outside(cop_term *names)
{
        cop__told told = ask_outside(COP__ASK_REGISTERED, "", cop_no_pid());
        return told.status == COP_OK ? cop_term_copy(told.term, names) : (cop_status)told.status;
}

static struct cop__remembered *place_of(struct cop__here *here, const char *name)
{
        return &here->registry.remembered[(uintptr_t)name / sizeof(uint64_t) % COP__REMEMBERED];
}

static void remember(struct cop__here *here, const char *name, cop_pid pid, uint64_t removals)
{
        struct cop__remembered *place = place_of(here, name);
        size_t size = strlen(name) + 1;
        if (size > sizeof(place->name))
                return;
        place->removals = removals;
        place->pid = pid;
        memcpy(place->name, name, size);
}

static COP__NOINLINE cop_pid look_up(struct cop__here *here, const char *name)
{
        struct cop__name_entry wanted;
        cop_pid pid = cop_no_pid();
        if (!cop__name_is_good(name))
                return pid;
        if (COP__UNLIKELY(here->node->inside != NULL))
                return (cop_pid){ ask_outside(COP__ASK_WHEREIS, name, pid).value };
        memcpy(wanted.name, name, strlen(name) + 1);
        uint64_t removals = cop__load_acquire(&here->node->registry.removals);
        cop__epoch_begin(here);
        struct cop__name_entry *entry = find(&here->node->registry, &wanted);
        bool born = true;
        if (entry != NULL) {
                pid = entry->pid;
                born = cop__load_acquire(&entry->born);
        }
        cop__epoch_end(here);
        if (COP__UNLIKELY(!born)) {
                cop__lock_lock(&here->node->registry.lock);
                cop__lock_unlock(&here->node->registry.lock);
        } else if (entry != NULL) {
                remember(here, name, pid, removals);
        }
        return pid;
}

/* NULL: it is to be looked up. */
COP__INLINE const struct cop__remembered *recall(struct cop__here *here, const char *name)
{
        const struct cop__remembered *place = place_of(here, name);
        if (place->removals != cop__load_acquire(&here->node->registry.removals) || strcmp(place->name, name) != 0 ||
            name[0] == '\0')
                return NULL;
        return place;
}

cop_pid cop_whereis(const char *name)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL || name == NULL)
                return cop_no_pid();
        const struct cop__remembered *known = recall(cop__here_of(thread), name);
        return COP__LIKELY(known != NULL) ? known->pid : look_up(cop__here_of(thread), name);
}

/* Pairs with the release in cop__registry_attach: the book is whole. */
struct cop__book *cop__registry_book(struct cop__here *here, const char *name)
{
        struct cop__name_entry wanted;
        if (!cop__name_is_good(name))
                return NULL;
        memcpy(wanted.name, name, strlen(name) + 1);
        struct cop__name_entry *entry = find(&here->node->registry, &wanted);
        return entry != NULL ? cop__load_acquire(&entry->book) : NULL;
}

bool cop__registry_attach(struct cop__here *here, cop_pid pid, struct cop__book *book)
{
        struct cop__registry *registry = &here->node->registry;
        cop__lock_lock(&registry->lock);
        struct cop__name_entry *entry = entry_of(registry, pid);
        if (entry != NULL)
                cop__store_release(&entry->book, book);
        cop__lock_unlock(&registry->lock);
        return entry != NULL;
}

bool cop__registry_name(struct cop_node *node, cop_pid pid, char name[COP_NAME_MAX + 1])
{
        struct cop__registry *registry = &node->registry;
        cop__lock_lock(&registry->lock);
        struct cop__name_entry *entry = entry_of(registry, pid);
        if (entry != NULL)
                memcpy(name, entry->name, sizeof(entry->name));
        cop__lock_unlock(&registry->lock);
        return entry != NULL;
}

void cop__registry_each(struct cop_node *node,
                        void (*each)(void *context, const char *name, cop_pid pid), void *context)
{
        struct cop__registry *registry = &node->registry;
        ck_hs_iterator_t at = CK_HS_ITERATOR_INITIALIZER;
        void *found;
        cop__lock_lock(&registry->lock);
        while (ck_hs_next(&registry->names, &at, &found)) {
                struct cop__name_entry *entry = found;
                each(context, entry->name, entry->pid);
        }
        cop__lock_unlock(&registry->lock);
}

cop_status cop_register(const char *name, cop_pid pid)
{
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return COP_E_NO_NODE;
        if (!cop__name_is_good(name) || pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        struct cop__here *here = cop__here_of(thread);
        if (COP__UNLIKELY(here->node->inside != NULL))
                return (cop_status)ask_outside(COP__ASK_REGISTER, name, pid).status;
        /* A free slot bears the pid of the next one, who would be born without knowing of a name. */
        if (!cop_is_alive(pid))
                return COP_E_NO_ACTOR;
        COP__CUE("registry.registers");
        return cop__registry_add(here, name, pid, cop__slot_of(here->node, pid));
}

cop_status cop_unregister(const char *name)
{
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return COP_E_NO_NODE;
        if (!cop__name_is_good(name))
                return COP_E_NO_NAME;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return (cop_status)ask_outside(COP__ASK_UNREGISTER, name, cop_no_pid()).status;
        /* Found and removed under one lock: its holder may be about to take another name. */
        struct cop__here *here = cop__here_of(thread);
        struct cop__registry *registry = &here->node->registry;
        struct cop__name_entry wanted;
        memcpy(wanted.name, name, strlen(name) + 1);
        cop__lock_lock(&registry->lock);
        struct cop__name_entry *entry = ck_hs_get(
                &registry->names, CK_HS_HASH(&registry->names, hash_name, &wanted), &wanted);
        if (entry != NULL)
                remove_locked(here, entry);
        cop__lock_unlock(&registry->lock);
        return entry != NULL ? COP_OK : COP_E_NO_NAME;
}

cop_status cop_registered(cop_term *names)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return COP_E_NO_NODE;
        if (names == NULL)
                return COP_E_BAD_ARGUMENT;
        struct cop__here *here = cop__here_of(thread);
        if (COP__UNLIKELY(here->node->inside != NULL))
                return registered_outside(names);
        struct cop__registry *registry = &here->node->registry;
        struct cop__gather gather = { 0 };
        ck_hs_iterator_t at = CK_HS_ITERATOR_INITIALIZER;
        void *found;
        cop__epoch_begin(here);
        cop__epoch_lock(&registry->lock);
        while (ck_hs_next_spmc(&registry->names, &at, &found))
                cop__gather_add(&gather, cop_atom(((struct cop__name_entry *)found)->name));
        cop__epoch_unlock(&registry->lock);
        cop_status status = cop__gather_list(&gather, names);
        cop__epoch_end(here);
        return status;
}
