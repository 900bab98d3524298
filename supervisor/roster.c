/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The roster. See roster.h. */
#include "supervisor/roster.h"

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "base/hash.h"
#include "base/memory.h"

static const char *const states[] = { "stopped", "waiting",  "naming",     "starting",
                                      "running", "stopping", "restarting", "open" };

const char *cop__child_state_text(uint32_t state)
{
        return state < COP__COUNT(states) ? states[state] : "unknown";
}

/* ---- Life --------------------------------------------------------------------------- */

static void end_roster(struct cop__belonging *belonging)
{
        struct cop__roster *roster = COP__CONTAINER(belonging, struct cop__roster, belonging);
        cop__table_fini(&roster->by_pid);
        cop__table_fini(&roster->by_known.table);
        cop__table_fini(&roster->by_id);
        cop__table_fini(&roster->awaits.table);
        cop_buffer_drop(roster->tree);
        cop_buffer_drop(roster->first_tree);
        free(roster->times);
        free(roster);
}

struct cop__roster *cop__roster_new(cop_buffer *tree, bool keyed)
{
        struct cop__roster *roster = cop__calloc(1, sizeof(*roster));
        if (roster == NULL)
                return NULL;
        roster->belonging.end = end_roster;
        if (!cop__own(cop__actor_here(), &roster->belonging)) {
                free(roster);
                return NULL;
        }
        roster->tree = cop_buffer_take(tree);
        roster->keyed = keyed;
        cop__list_init(&roster->order);
        return roster;
}

void cop__waiter_free(struct cop__waiter *waiter)
{
        if (waiter->hinge != NULL)
                cop__signal_free(&cop__thread_here()->pool, waiter->hinge);
        free(waiter);
}

void cop__roster_retime(struct cop__roster *roster, uint64_t *times)
{
        free(roster->times);
        roster->times = times;
}

void cop__roster_replant(struct cop__roster *roster, cop_buffer *tree)
{
        cop_buffer *old = roster->tree;
        roster->tree = cop_buffer_take(tree);
        if (roster->first_tree == NULL)
                roster->first_tree = old;
        else
                cop_buffer_drop(old);
}

static void end_child(struct cop__belonging *belonging)
{
        struct cop__child *child = COP__CONTAINER(belonging, struct cop__child, belonging);
        while (child->waiters != NULL) {
                struct cop__waiter *waiter = child->waiters;
                child->waiters = waiter->next;
                cop__waiter_free(waiter);
        }
        cop__census_give(child->census, child->row);
        cop_buffer_drop(child->share);
        free(child);
}

static uint64_t key_of_id(const char *id, size_t size)
{
        return cop__hash_bytes(COP__HASH_BEGIN, id, size);
}

/* A key of 0: in no table. */
static COP__NOINLINE void move_in_table(struct cop__table *table, struct cop__table_node *node, uint64_t key)
{
        if (node->key != 0 && key != 0) {
                cop__table_rekey(table, node, key);
                return;
        }
        if (node->key != 0)
                cop__table_remove(table, node);
        node->key = key;
        if (key != 0)
                cop__table_insert(table, node);
}

/* Mostly it is what it was. */
COP__INLINE void rekey(struct cop__table *table, struct cop__table_node *node, uint64_t key)
{
        if (key != node->key)
                move_in_table(table, node, key);
}

COP__NOINLINE void cop__moment_move_slowly(struct cop__moments *moments, struct cop__table_node *node, uint64_t key)
{
        if (moments->newest == node)
                moments->newest = NULL;
        else if (node->key != 0)
                cop__table_remove(&moments->table, node);
        node->key = key;
        if (key == 0)
                return;
        if (moments->newest != NULL)
                cop__table_insert(&moments->table, moments->newest);
        moments->newest = node;
}

static void add_id(struct cop__roster *roster, struct cop__child *child)
{
        if (!roster->keyed)
                return;
        child->by_id.key = key_of_id(child->spec->id, strlen(child->spec->id));
        cop__table_insert(&roster->by_id, &child->by_id);
}

static void write_all_down(const struct cop__child *child)
{
        struct cop__census_entry entry = { .supervisor = cop_self(), .number = child->number, .child = child->pid,
                                           .restarts = child->restarts, .state = child->state };
        memcpy(entry.id, child->spec->id, strnlen(child->spec->id, COP_NAME_MAX));
        cop__census_write(child->census, child->row, &entry);
}

static void enter_census(struct cop__child *child)
{
        child->census = &cop_node_here()->census;
        child->row = cop__census_take(child->census);
        child->written = cop__census_row(child->census, child->row);
        write_all_down(child);
}

struct cop__child *cop__roster_add(struct cop__roster *roster, const struct cop__child_spec *spec,
                                   cop_buffer *home, cop_buffer *share)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__child *child = cop__calloc(1, sizeof(*child));
        if (child == NULL)
                return NULL;
        child->belonging.end = end_child;
        if (!cop__own(actor, &child->belonging)) {
                free(child);
                return NULL;
        }
        child->spec = spec;
        child->home = home;
        child->share = cop_buffer_take(share);
        child->kind = spec->spawn.kind;
        child->argument = spec->spawn.argument;
        child->news.child = child->tick.child = child;
        child->number = ++roster->last_number;
        enter_census(child);
        cop__list_init(&child->due);
        cop__list_push_back(&roster->order, &child->order);
        add_id(roster, child);
        roster->count++;
        roster->supervisors += spec->supervisor != NULL;
        cop__roster_set(roster, child, COP__CHILD_STOPPED, cop_no_pid());
        return child;
}

void cop__roster_remove(struct cop__roster *roster, struct cop__child *child)
{
        cop__roster_set(roster, child, COP__CHILD_STOPPED, cop_no_pid());
        cop__roster_await(roster, &child->news, (cop_ref){ 0 });
        cop__roster_await(roster, &child->tick, (cop_ref){ 0 });
        rekey(&roster->by_pid, &child->by_pid, 0);
        cop__moment_move(&roster->by_known, &child->by_known, 0);
        if (roster->keyed)
                cop__table_remove(&roster->by_id, &child->by_id);
        cop__list_remove(&child->due);
        cop__list_remove(&child->order);
        roster->count--;
        roster->supervisors -= child->spec->supervisor != NULL;
        cop__belonging_end(&child->belonging);
}

void cop__roster_respec(struct cop__roster *roster, struct cop__child *child,
                        const struct cop__child_spec *spec, cop_buffer *home)
{
        bool counts = child->state != COP__CHILD_STOPPED;
        roster->supervisors -= child->spec->supervisor != NULL;
        roster->supervisors += spec->supervisor != NULL;
        roster->significant -= counts && child->spec->significant;
        roster->significant += counts && spec->significant;
        child->spec = spec;
        child->home = home;
}

/* ---- State -------------------------------------------------------------------------- */

/*
 * Under the last pid that ran a child is found until it has another: what is late from the dead is known as such. Who asks for
 * the child by that pid finds it also while its next one starts: then that is `before`, else 0.
 */
static COP__NOINLINE void note_pids(struct cop__roster *roster, struct cop__child *child, uint64_t last, uint64_t before)
{
        cop__moment_move(&roster->by_known, &child->by_known, before);
        move_in_table(&roster->by_pid, &child->by_pid, last);
}

void cop__roster_set(struct cop__roster *roster, struct cop__child *child,
                     enum cop__child_state state, cop_pid pid)
{
        const uint64_t known = child->known.bits;
        const uint64_t last = pid.bits != 0 ? pid.bits : known;
        const uint64_t before = last != known ? known : 0;
        roster->active += (uint32_t)(pid.bits != 0) - (uint32_t)cop__child_has_process(child);
        if (COP__UNLIKELY(child->spec->significant)) {
                roster->significant -= child->state != COP__CHILD_STOPPED;
                roster->significant += state != COP__CHILD_STOPPED;
        }
        child->state = (uint8_t)state;
        child->pid = pid;
        cop__census_change(child->written, pid, child->restarts, state);
        if (last != 0 && last != child->by_pid.key)
                note_pids(roster, child, last, before);
        else
                cop__moment_move(&roster->by_known, &child->by_known, before);
}

/* ---- Finding ------------------------------------------------------------------------ */

struct cop__child *cop__roster_by_pid(const struct cop__roster *roster, cop_pid pid)
{
        struct cop__table_node *node = cop__table_find_first(&roster->by_pid, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__child, by_pid) : NULL;
}

struct cop__child *cop__roster_by_known(const struct cop__roster *roster, cop_pid pid)
{
        struct cop__child *child = cop__roster_by_pid(roster, pid);
        struct cop__table_node *node = child == NULL ? cop__moment_find(&roster->by_known, pid.bits) : NULL;
        return node != NULL ? COP__CONTAINER(node, struct cop__child, by_known) : child;
}

struct cop__child *cop__roster_by_id(const struct cop__roster *roster, const char *id, size_t size)
{
        struct cop__table_node *node = cop__table_find_first(&roster->by_id, key_of_id(id, size));
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct cop__child *child = COP__CONTAINER(node, struct cop__child, by_id);
                if (strlen(child->spec->id) == size && memcmp(child->spec->id, id, size) == 0)
                        return child;
        }
        return NULL;
}

/* ---- Order -------------------------------------------------------------------------- */

void cop__roster_reorder(struct cop__roster *roster, const struct cop__supervisor_spec *spec)
{
        for (uint32_t i = spec->child_count; i-- > 0;) {
                const char *id = spec->children[i].id;
                struct cop__child *child = cop__roster_by_id(roster, id, strlen(id));
                if (child == NULL)
                        continue; /* it has gone meanwhile */
                cop__list_remove(&child->order);
                cop__list_push_front(&roster->order, &child->order);
        }
        struct cop__child *child = cop__roster_first(roster);
        for (; child != NULL; child = cop__roster_next(roster, child)) {
                child->number = ++roster->last_number;
                write_all_down(child);
        }
}
