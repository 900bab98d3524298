/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The life of a signal's memory. See signal.h. */
#include "mailbox/signal.h"

#include <stdlib.h>
#include <string.h>

/* A body that no pool class holds: the header keeps its address. A START that comes so far, and what is owed, are no new work. */
static bool attach_large(struct cop__pool_cache *cache, struct cop__signal *signal, size_t size)
{
        bool owed = signal->type == COP__SIGNAL_START || signal->type == COP__SIGNAL_REPLY;
        void *body = owed ? cop__pool_take_large_owed(cache->pool, size) : cop__pool_take_large(cache->pool, size);
        if (body == NULL)
                return false;
        memcpy(signal + 1, &body, sizeof(body));
        cop__signal_flag_held(signal, COP__SIGNAL_LARGE);
        return true;
}

/*
 * A timer with a word to send is 88 bytes, and there may be a million of them. A body of a word needs no more than a word's
 * alignment. What has more behind its body may be a request, whose block must do for its failure, too (struct cop__failed).
 */
static uint8_t class_of(size_t lead, size_t body_size, size_t extra)
{
        size_t size = lead + sizeof(struct cop__signal) + body_size + extra;
        bool is_small = lead > 0 && extra == 0 && size > 64 && size <= 88;
        return is_small ? COP__POOL_CLASS_88 : cop__pool_class(size);
}

/* A block of the pool that holds `lead` bytes, the signal, its body if that is not too large, and `extra` bytes. */
COP__INLINE struct cop__signal *new_signal(struct cop__pool_cache *cache, unsigned type,
                                           size_t lead, size_t body_size, size_t extra)
{
        const size_t around = lead + sizeof(struct cop__signal) + extra;
        uint8_t class = class_of(lead, body_size, extra);
        bool large = class == COP__POOL_CLASS_NONE;
        if (COP__UNLIKELY(large))
                class = cop__pool_class(around + sizeof(void *));
        bool is_new_work = type == COP__SIGNAL_MESSAGE && lead == 0; /* what a timer sends is not */
        char *block = is_new_work ? cop__pool_take_new(cache, class) : cop__pool_take(cache, class);
        if (COP__UNLIKELY(block == NULL))
                return NULL;
        struct cop__signal *signal = (struct cop__signal *)(void *)(block + lead);
        signal->from.bits = 0;
        signal->ref.bits = 0;
        signal->kind = NULL;
        signal->size = (uint32_t)body_size;
        signal->type = (uint8_t)type;
        signal->pool_class = lead > 0 ? class | COP__SIGNAL_HOLDS : class;
        signal->flags = lead > 0 ? COP__SIGNAL_LED : 0;
        if (COP__UNLIKELY(large) && !attach_large(cache, signal, body_size)) {
                cop__pool_give(cache, class, block);
                return NULL;
        }
        return signal;
}

static COP__NOINLINE struct cop__signal *new_signal_slowly(struct cop__pool_cache *cache, unsigned type,
                                                           size_t body_size)
{
        return new_signal(cache, type, 0, body_size, 0);
}

/* Nearly always there is a block at hand; the slow way would take the same. */
struct cop__signal *cop__signal_new(struct cop__pool_cache *cache, unsigned type, size_t body_size)
{
        if (COP__UNLIKELY(body_size > COP__POOL_SIZE_MAX - sizeof(struct cop__signal)))
                return new_signal_slowly(cache, type, body_size);
        uint32_t class = cop__pool_class_table[(sizeof(struct cop__signal) + body_size + 31) / 32];
        struct cop__signal *signal = cop__pool_take_quick(cache, class);
        if (COP__UNLIKELY(signal == NULL))
                return new_signal_slowly(cache, type, body_size);
        signal->from.bits = 0;
        signal->ref.bits = 0;
        signal->kind = NULL;
        signal->size = (uint32_t)body_size;
        signal->type = (uint8_t)type;
        signal->pool_class = (uint8_t)class;
        signal->flags = 0;
        return signal;
}

struct cop__signal *cop__signal_new_led(struct cop__pool_cache *cache, unsigned type,
                                        size_t body_size, size_t extra)
{
        size_t padding = extra > 0 ? (8 - body_size % 8) % 8 : 0;
        return new_signal(cache, type, COP__SIGNAL_LEAD, body_size, extra + padding);
}

/* Fills a new signal, which may be NULL, with a copy of the value. */
COP__INLINE cop_status fill(struct cop__pool_cache *cache, struct cop__signal *signal,
                       const cop_kind *kind, const void *value, struct cop__signal **result)
{
        if (signal == NULL)
                return cop__signal_none(cache);
        cop_status status = COP_OK;
        if (COP__LIKELY(kind->plain))
                cop__copy_words(cop__signal_body(signal), value, signal->size);
        else
                status = cop__flat_copy(kind, cop__signal_body(signal), value);
        if (status != COP_OK) {
                cop__signal_free(cache, signal);
                return status;
        }
        cop__signal_set_kind(signal, kind);
        *result = signal;
        return COP_OK;
}

cop_status cop__signal_message_slow(struct cop__pool_cache *cache, const cop_kind *kind,
                                    const void *value, struct cop__signal **result)
{
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                return status;
        return fill(cache, cop__signal_new(cache, COP__SIGNAL_MESSAGE, size), kind, value, result);
}

cop_status cop__signal_owed(struct cop__pool_cache *cache, const cop_kind *kind, const void *value,
                            struct cop__signal **result)
{
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status == COP_OK)
                status = fill(cache, cop__signal_new(cache, COP__SIGNAL_REPLY, size), kind, value, result);
        if (status == COP_OK)
                (*result)->type = COP__SIGNAL_MESSAGE;
        return status;
}

cop_status cop__signal_message_led(struct cop__pool_cache *cache, const cop_kind *kind,
                                   const void *value, size_t extra, struct cop__signal **result)
{
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                return status;
        struct cop__signal *signal = cop__signal_new_led(cache, COP__SIGNAL_MESSAGE, size, extra);
        return fill(cache, signal, kind, value, result);
}

static void drop_reason(struct cop__signal *signal)
{
        struct cop__shared_term *terms[2]; /* the reason, the tag */
        size_t count = signal->flags & COP__SIGNAL_TAG ? 2 : 1;
        memcpy(terms, (char *)cop__signal_body(signal) + signal->size, count * sizeof(terms[0]));
        for (size_t i = 0; i < count; i++)
                cop__shared_term_drop(terms[i]);
}

void cop__signal_free_slow(struct cop__pool_cache *cache, struct cop__signal *signal)
{
        uint8_t class = signal->pool_class & (uint8_t)~COP__SIGNAL_HOLDS;
        if (signal->kind != NULL)
                cop__flat_drop(signal->kind, cop__signal_body(signal));
        if (COP__LIKELY(!(signal->flags & (COP__SIGNAL_REASON | COP__SIGNAL_LARGE | COP__SIGNAL_LED)))) {
                cop__pool_give(cache, class, signal);
                return;
        }
        if (signal->flags & COP__SIGNAL_REASON)
                drop_reason(signal);
        if (signal->flags & COP__SIGNAL_LARGE)
                cop__pool_give_large(cache->pool, cop__signal_body(signal), signal->size);
        size_t lead = signal->flags & COP__SIGNAL_LED ? COP__SIGNAL_LEAD : 0;
        cop__pool_give(cache, class, (char *)signal - lead);
}
