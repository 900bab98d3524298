/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The life of a signal's memory. See signal.h. */
#include "mailbox/signal.h"

#include <stdlib.h>
#include <string.h>

/* A body that no pool class holds: the header keeps its address. */
static bool attach_large(struct cop__signal *signal, size_t size)
{
        void *body = malloc(size);
        if (body == NULL)
                return false;
        memcpy(signal + 1, &body, sizeof(body));
        signal->flags = COP__SIGNAL_LARGE;
        return true;
}

struct cop__signal *cop__signal_new(struct cop__pool_cache *cache, unsigned type, size_t body_size)
{
        uint8_t class = cop__pool_class(sizeof(struct cop__signal) + body_size);
        bool large = class == COP__POOL_CLASS_NONE;
        if (COP__UNLIKELY(large))
                class = cop__pool_class(sizeof(struct cop__signal) + sizeof(void *));
        struct cop__signal *signal = cop__pool_take(cache, class);
        if (COP__UNLIKELY(signal == NULL))
                return NULL;
        signal->from.bits = 0;
        signal->ref.bits = 0;
        signal->kind = NULL;
        signal->size = (uint32_t)body_size;
        signal->type = (uint8_t)type;
        signal->pool_class = class;
        signal->flags = 0;
        if (COP__UNLIKELY(large) && !attach_large(signal, body_size)) {
                cop__pool_give(cache, class, signal);
                return NULL;
        }
        return signal;
}

cop_status cop__signal_message_slow(struct cop__pool_cache *cache, const cop_kind *kind,
                                    const void *value, struct cop__signal **result)
{
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                return status;
        struct cop__signal *signal = cop__signal_new(cache, COP__SIGNAL_MESSAGE, size);
        if (signal == NULL)
                return COP_E_NO_MEMORY;
        status = cop__flat_copy(kind, cop__signal_body(signal), value);
        if (status != COP_OK) {
                cop__signal_free(cache, signal);
                return status;
        }
        signal->kind = kind;
        *result = signal;
        return COP_OK;
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
        if (signal->kind != NULL)
                cop__flat_drop(signal->kind, cop__signal_body(signal));
        if (signal->flags & COP__SIGNAL_REASON)
                drop_reason(signal);
        if (signal->flags & COP__SIGNAL_LARGE)
                free(cop__signal_body(signal));
        cop__pool_give(cache, signal->pool_class, signal);
}
