/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Making terms, asking what they are, and laying them flat: copies and counted terms.
 */
#include "mailbox/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <coppice/message.h>

#include "base/atomic.h"
#include "base/memory.h"
#include "base/utf8.h"

/* --- builders ------------------------------------------------------------- */

cop_term cop__term_of_bytes(cop_term_type type, const void *bytes, size_t size)
{
        if (size > UINT32_MAX || (type == COP_TERM_ATOM && size > COP__ATOM_SIZE_MAX))
                return cop_atom("too_big");
        if (COP__UNLIKELY(bytes == NULL && size > 0))
                return cop_atom("null");
        /* An empty one points at nothing that could go away. */
        return (cop_term){ .type = type, .count = (uint32_t)size,
                           .as.text = size > 0 ? bytes : "" };
}

cop_term cop__term_of_items(cop_term_type type, const cop_term *items, size_t count)
{
        if (count > UINT32_MAX)
                return cop_atom("too_big");
        if (COP__UNLIKELY(items == NULL && count > 0))
                return cop_atom("null");
        return (cop_term){ .type = type, .count = (uint32_t)count,
                           .as.items = count > 0 ? items : NULL };
}

cop_term cop_int(int64_t value)
{
        return (cop_term){ .type = COP_TERM_INTEGER, .as.integer = value };
}

cop_term cop_natural(uint64_t value)
{
        if (value <= INT64_MAX)
                return cop_int((int64_t)value);
        return (cop_term){ .type = COP_TERM_NATURAL, .as.natural = value };
}

cop_term cop_float(double value)
{
        if (isnan(value))
                return cop_atom("nan");
        if (isinf(value))
                return cop_atom(value > 0 ? "infinity" : "-infinity");
        return (cop_term){ .type = COP_TERM_FLOAT, .as.real = value };
}

cop_term cop_atom(const char *name)
{
        return cop__term_of_bytes(COP_TERM_ATOM, name, name != NULL ? strlen(name) : 0);
}

cop_term cop_bool(bool value)
{
        return cop_atom(value ? "true" : "false");
}

cop_term cop_string(const char *text)
{
        size_t size = text != NULL ? strlen(text) : 0;
        bool is_text = cop__utf8_valid(text, size);
        return cop__term_of_bytes(is_text ? COP_TERM_TEXT : COP_TERM_BINARY, text, size);
}

cop_term cop_binary(const void *bytes, size_t size)
{
        return cop__term_of_bytes(COP_TERM_BINARY, bytes, size);
}

cop_term cop_pid_term(cop_pid pid)
{
        return (cop_term){ .type = COP_TERM_PID, .as.pid = pid };
}

cop_term cop_ref_term(cop_ref ref)
{
        return (cop_term){ .type = COP_TERM_REF, .as.ref = ref };
}

cop_term cop_nil(void)
{
        return (cop_term){ .type = COP_TERM_NIL };
}

cop_term cop_tuple_of(const cop_term *items, size_t count)
{
        return cop__term_of_items(COP_TERM_TUPLE, items, count);
}

cop_term cop_list_of(const cop_term *items, size_t count)
{
        return count > 0 ? cop__term_of_items(COP_TERM_LIST, items, count) : cop_nil();
}

cop_term cop_cons_of(const cop_term *items, size_t count)
{
        if (count == 0)
                return cop_nil();
        if (COP__UNLIKELY(items == NULL))
                return cop_atom("null");
        if (count == 1)
                return items[0];
        if (items[count - 1].type == COP_TERM_NIL)
                return cop_list_of(items, count - 1);
        return cop__term_of_items(COP_TERM_CONS, items, count);
}

/* --- reading -------------------------------------------------------------- */

bool cop_is_atom(cop_term term, const char *name)
{
        size_t size = name != NULL ? strlen(name) : 0;
        return term.type == COP_TERM_ATOM && term.count == size && (size == 0 || memcmp(term.as.text, name, size) == 0);
}

bool cop_is_tuple(cop_term term, const char *tag, size_t count)
{
        return term.type == COP_TERM_TUPLE && term.count == count && count > 0 &&
               cop_is_atom(term.as.items[0], tag);
}

/* The next code point of a text; a byte that is none counts above all that are. */
static size_t text_next(cop_term text, uint32_t *point)
{
        size_t size = cop__utf8_read(text.as.text, text.count, point);
        if (size > 0)
                return size;
        *point = 0x110000u + (unsigned char)text.as.text[0];
        return 1;
}

bool cop__term_next(cop_term *rest, cop_term *item)
{
        /* cop_cons_of makes no such list, but whoever fills in the struct may. */
        while (rest->type == COP_TERM_CONS && rest->count == 1)
                *rest = rest->as.items[0];
        if (rest->count == 0)
                return false;
        if (rest->type == COP_TERM_TEXT) {
                uint32_t point;
                size_t size = text_next(*rest, &point);
                *item = cop_int(point);
                rest->as.text += size;
                rest->count -= (uint32_t)size;
                return true;
        }
        if (rest->type != COP_TERM_LIST && rest->type != COP_TERM_CONS)
                return false;
        *item = rest->as.items[0];
        if (rest->type == COP_TERM_LIST)
                *rest = cop_list_of(rest->as.items + 1, rest->count - 1);
        else
                *rest = cop_cons_of(rest->as.items + 1, rest->count - 1);
        return true;
}

/* --- flat ----------------------------------------------------------------- */

/*
 * Adds the flat size of a container; `levels` are those that may still be entered. Its items are added before they are looked at,
 * and it ends where that is too much: a part that stands in many places would double the steps with each level.
 */
static cop_status measure(cop_term container, unsigned levels, size_t *size)
{
        if (levels == 0)
                return COP_E_TOO_DEEP;
        size_t count = cop__term_items(container);
        size_t bytes = 0;
        *size += count * sizeof(cop_term);
        for (size_t i = 0; i < count && *size <= COP_MESSAGE_SIZE_MAX; i++) {
                cop_term item = container.as.items[i];
                cop_status status = COP_OK;
                if (cop__term_is_container(item))
                        status = measure(item, levels - 1, size);
                else
                        bytes += cop__term_bytes(item);
                if (status != COP_OK)
                        return status;
        }
        *size += COP__ROUND_UP_8(bytes);
        return *size <= COP_MESSAGE_SIZE_MAX ? COP_OK : COP_E_TOO_BIG;
}

static cop_status measure_any(cop_term term, unsigned levels, size_t *size)
{
        if (cop__term_is_container(term))
                return measure(term, levels, size);
        *size += COP__ROUND_UP_8(cop__term_bytes(term));
        return *size <= COP_MESSAGE_SIZE_MAX ? COP_OK : COP_E_TOO_BIG;
}

cop_status cop__term_flat_size(cop_term term, size_t *size)
{
        size_t total = 0;
        cop_status status = measure_any(term, COP_TERM_DEPTH_MAX, &total);
        if (status == COP_OK)
                *size = total;
        return status;
}

cop_term cop__term_inside(cop_term term, unsigned levels)
{
        size_t size = 0;
        cop_status status = measure_any(term, COP_TERM_DEPTH_MAX - levels, &size);
        if (status == COP_OK)
                return term;
        return cop_atom(status == COP_E_TOO_DEEP ? "too_deep" : "too_big");
}

/* Puts the bytes of an atom, text or binary at *at. Other terms stay as they are. */
static cop_term flatten_bytes(cop_term term, char **at)
{
        if (!cop__term_is_bytes(term))
                return term;
        size_t size = term.count;
        if (size == 0)
                return cop__term_of_bytes(term.type, NULL, 0);
        memcpy(*at, term.as.text, size);
        term.as.text = *at;
        *at += size;
        return term;
}

static void pad(char *first, char **at)
{
        size_t size = (size_t)(*at - first);
        size_t padding = COP__ROUND_UP_8(size) - size;
        if (padding > 0)
                memset(*at, 0, padding);
        *at += padding;
}

static cop_term flatten_container(cop_term container, char **at)
{
        size_t count = cop__term_items(container);
        cop_term *items = (cop_term *)(void *)*at;
        *at += count * sizeof(cop_term);

        char *bytes = *at;
        for (size_t i = 0; i < count; i++)
                items[i] = flatten_bytes(container.as.items[i], at);
        pad(bytes, at);

        for (size_t i = 0; i < count; i++)
                if (cop__term_is_container(items[i]))
                        items[i] = flatten_container(items[i], at);
        container.as.items = count > 0 ? items : NULL;
        return container;
}

cop_term cop__term_flatten(cop_term term, char **at)
{
        if (cop__term_is_container(term))
                return flatten_container(term, at);
        char *bytes = *at;
        term = flatten_bytes(term, at);
        pad(bytes, at);
        return term;
}

cop_status cop_term_copy(cop_term term, cop_term *copy)
{
        size_t size;
        if (copy == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = cop__term_flat_size(term, &size);
        if (status != COP_OK)
                return status;
        char nothing = 0;
        char *at = size > 0 ? cop__malloc(size) : &nothing;
        if (!at)
                return COP_E_NO_MEMORY;
        *copy = cop__term_flatten(term, &at);
        return COP_OK;
}

void cop_term_free(cop_term copy)
{
        if (cop__term_items(copy) > 0 || cop__term_bytes(copy) > 0)
                free((void *)(uintptr_t)copy.as.items);
}

/* --- shared --------------------------------------------------------------- */

cop_status cop__shared_term_make(cop_term term, struct cop__shared_term **result)
{
        size_t size;
        cop_status status = cop__term_flat_size(term, &size);
        if (status != COP_OK)
                return status;
        struct cop__shared_term *shared = cop__malloc(sizeof *shared + size);
        if (!shared)
                return COP_E_NO_MEMORY;
        char *behind = (char *)(shared + 1);
        shared->holders = 1;
        shared->term = cop__term_flatten(term, &behind);
        *result = shared;
        return COP_OK;
}

struct cop__shared_term *cop__shared_term_new(cop_term term)
{
        struct cop__shared_term *shared;
        return cop__shared_term_make(term, &shared) == COP_OK ? shared : NULL;
}

struct cop__shared_term *cop__shared_term_take(struct cop__shared_term *shared)
{
        /* Relaxed: who takes has been shown the term already, which ordered its contents. */
        if (!cop__shared_term_lasts(shared))
                cop__add_relaxed(&shared->holders, 1);
        return shared;
}

void cop__shared_term_drop(struct cop__shared_term *shared)
{
        /* Each drop releases the holder's reads, the last one acquires them all, then frees. */
        if (!cop__shared_term_lasts(shared) && cop__sub_acq_rel(&shared->holders, 1) == 1)
                free(shared);
}

/* Plain for who made it: nobody else has seen it yet. */
void cop__shared_term_last(struct cop__shared_term *shared)
{
        cop__store_relaxed(&shared->holders, COP__TERM_LASTS);
}

void cop__shared_term_end(struct cop__shared_term *shared)
{
        free(shared);
}
