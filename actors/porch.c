/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Messages that wait by their key. See porch.h. */
#include "actors/porch.h"

#include <string.h>

#include "actors/actor.h"
#include "base/cue.h"

/* ---- Keys ------------------------------------------------------------------------------- */

static bool can_be_key(const cop_field *field)
{
        if (field->type == COP_FIELD_FLOAT || field->type == COP_FIELD_DOUBLE)
                return false; /* equal numbers of different bytes, and numbers that do not equal themselves */
        return field->shape == COP_FIELD_ONE && field->type <= COP_FIELD_TEXT;
}

static const cop_field *find_field(const cop_mailbox_key *key)
{
        for (uint16_t i = 0; key->kind != NULL && i < key->kind->field_count; i++)
                if (key->kind->fields[i].offset == key->field_at)
                        return &key->kind->fields[i];
        return NULL;
}

bool cop__key_is_good(const cop_mailbox_key *key)
{
        const cop_field *field = find_field(key);
        return field != NULL && can_be_key(field);
}

/* How many bytes a value of that type has. */
static size_t size_of(const cop_field *field)
{
        switch (field->type) {
        case COP_FIELD_INT8:
        case COP_FIELD_UINT8:
                return 1;
        case COP_FIELD_INT16:
        case COP_FIELD_UINT16:
                return 2;
        case COP_FIELD_INT32:
        case COP_FIELD_UINT32:
                return 4;
        case COP_FIELD_BOOL:
                return sizeof(bool);
        default:
                return 8; /* 64 bits, a pid or a reference */
        }
}

_Static_assert(sizeof(cop_pid) == 8 && sizeof(cop_ref) == 8, "a key is compared by its bytes");

static bool same_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
        return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool same_symbol_field(const cop_symbol *a, const cop_symbol *b)
{
        return same_text(a->text, a->size, b->text, b->size);
}

static bool same_text_field(const cop_text *a, const cop_text *b)
{
        return same_text(a->data, a->size, b->data, b->size);
}

static bool same_key(const cop_field *field, const struct cop__signal *one, const struct cop__signal *other)
{
        const char *a = (const char *)cop__signal_body(one) + field->offset;
        const char *b = (const char *)cop__signal_body(other) + field->offset;
        switch (field->type) {
        case COP_FIELD_CHARS:
                return same_text(a, strnlen(a, field->count), b, strnlen(b, field->count));
        case COP_FIELD_SYMBOL:
                return same_symbol_field((const void *)a, (const void *)b);
        case COP_FIELD_TEXT:
                return same_text_field((const void *)a, (const void *)b);
        default:
                return memcmp(a, b, size_of(field)) == 0;
        }
}

/* ---- The list: all of this with the lock -------------------------------------------------- */

static struct cop__signal *after(const struct cop__signal *signal)
{
        return signal->node.next != NULL ? cop__signal_of(signal->node.next) : NULL;
}

static void set_after(struct cop__porch *porch, struct cop__signal *before, struct cop__signal *signal)
{
        if (before != NULL)
                before->node.next = signal != NULL ? &signal->node : NULL;
        else
                porch->first = signal;
}

static bool has_room(const struct cop__limit *limit, uint64_t count, uint64_t bytes)
{
        uint32_t most = cop__load_relaxed(&limit->most);
        uint64_t most_bytes = cop__load_relaxed(&limit->most_bytes);
        return (most == 0 || count <= most) && (most_bytes == 0 || bytes <= most_bytes);
}

static bool append(struct cop__limit *limit, struct cop__signal *signal)
{
        struct cop__porch *porch = &limit->porch;
        uint64_t listed = cop__load_relaxed(&porch->waiting) - (uint32_t)porch->moving;
        if (!has_room(limit, listed + 1, porch->bytes + cop__limit_bytes_of(signal)))
                return false;
        signal->node.next = NULL;
        set_after(porch, porch->first != NULL ? porch->last : NULL, signal);
        porch->last = signal;
        porch->bytes += cop__limit_bytes_of(signal);
        cop__add_acq_rel(&porch->waiting, 1); /* ROOM */
        return true;
}

static bool replace(struct cop__limit *limit, struct cop__signal *before, struct cop__signal *older,
                    struct cop__signal *signal)
{
        struct cop__porch *porch = &limit->porch;
        uint64_t bytes = porch->bytes - cop__limit_bytes_of(older) + cop__limit_bytes_of(signal);
        if (!has_room(limit, 0, bytes))
                return false;
        signal->node.next = older->node.next;
        set_after(porch, before, signal);
        if (porch->last == older)
                porch->last = signal;
        porch->bytes = bytes;
        return true;
}

/* *replaced is the caller's, if there is one. */
static bool place(struct cop__limit *limit, struct cop__signal *signal, struct cop__signal **replaced)
{
        struct cop__porch *porch = &limit->porch;
        struct cop__signal *before = NULL;
        for (struct cop__signal *older = porch->first; older != NULL; older = after(older)) {
                if (same_key(porch->field, older, signal)) {
                        bool placed = replace(limit, before, older, signal);
                        *replaced = placed ? older : NULL;
                        return placed;
                }
                before = older;
        }
        return append(limit, signal);
}

/* The first, counted, if there is room for it: NULL otherwise. */
static struct cop__signal *take_first(struct cop__limit *limit)
{
        struct cop__porch *porch = &limit->porch;
        struct cop__signal *signal = porch->first;
        if (signal == NULL || porch->moving)
                return NULL;
        uint64_t count = cop__add_relaxed(&limit->count, 1) + 1;
        uint64_t mine = cop__limit_bytes_of(signal);
        uint64_t bytes = cop__add_relaxed(&limit->bytes, mine) + mine;
        if (!has_room(limit, count, bytes)) {
                cop__sub_relaxed(&limit->count, 1);
                cop__sub_relaxed(&limit->bytes, mine);
                return NULL;
        }
        signal->flags |= COP__SIGNAL_COUNTED;
        porch->first = after(signal);
        porch->bytes -= mine;
        porch->moving = true;
        return signal;
}

/* ---- The operations ------------------------------------------------------------------------- */

void cop__porch_open(struct cop__limit *limit, cop_pid pid, const cop_mailbox_key *key)
{
        struct cop__porch *porch = &limit->porch;
        cop__lock_lock(&porch->lock);
        porch->kind = key->kind;
        porch->field = find_field(key);
        porch->pid = pid;
        cop__lock_unlock(&porch->lock);
}

void cop__porch_close(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid)
{
        struct cop__porch *porch = &limit->porch;
        cop__lock_lock(&porch->lock);
        struct cop__signal *signal = porch->first;
        porch->first = NULL;
        porch->bytes = 0;
        porch->pid = cop_no_pid();
        cop__lock_unlock(&porch->lock);
        while (signal != NULL) {
                struct cop__signal *next = after(signal);
                cop__letter_die(thread, pid, signal, COP__DEATH_UNREAD);
                cop__sub_acq_rel(&porch->waiting, 1);
                signal = next;
        }
}

bool cop__porch_take(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid,
                     struct cop__signal *signal)
{
        struct cop__porch *porch = &limit->porch;
        struct cop__signal *replaced = NULL;
        COP__CUE("porch.is_needed");
        cop__lock_lock(&porch->lock);
        bool taken = porch->pid.bits == pid.bits &&
                     cop__kind_same(signal->kind, porch->kind) && place(limit, signal, &replaced);
        cop__lock_unlock(&porch->lock);
        if (replaced != NULL) {
                cop__add_relaxed(&limit->dropped, 1);
                cop__letter_die(thread, pid, replaced, COP__DEATH_COALESCED);
        } else if (taken) {
                cop__porch_let_in(thread, limit);
        }
        return taken;
}

void cop__porch_let_in(struct cop__thread *thread, struct cop__limit *limit)
{
        struct cop__porch *porch = &limit->porch;
        while (cop__add_acq_rel(&porch->waiting, 0) != 0) { /* ROOM */
                cop__lock_lock(&porch->lock);
                struct cop__signal *signal = take_first(limit);
                cop_pid pid = porch->pid;
                cop__lock_unlock(&porch->lock);
                if (signal == NULL)
                        return;
                COP__CUE("porch.lets_in");
                cop__send_signal(thread, pid, signal);
                COP__CUE("porch.has_let_in");
                cop__lock_lock(&porch->lock);
                porch->moving = false;
                cop__sub_acq_rel(&porch->waiting, 1);
                cop__lock_unlock(&porch->lock);
        }
}
