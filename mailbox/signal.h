/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A signal: the one thing that actors hear.
 *
 * Messages, exits, links, monitors, replies and time-outs are all a struct cop__signal in one block, and
 * go through the same queue: so the order between a pair of actors holds by construction.
 *
 *      ┌── 48 bytes ─────────────────────────────────────────────┐┌── body ──────────────────────┐
 *      │ node │ from │ ref │ kind │ size, type, pool class, flags ││ the kind's struct │ its tails │
 *      └─────────────────────────────────────────────────────────┘└──────────────────────────────┘
 *
 * A small message is one cache line: 48 + 16. The body is 16-byte aligned; one of a word behind a timer, to 8. Bodies beyond
 * the largest
 * class of the pool lie in a block of their own, but the header is always pool memory, which is
 * never unmapped while the node lives: a stale look at a header is harmless.
 */
#ifndef MAILBOX_SIGNAL_H
#define MAILBOX_SIGNAL_H

#include <string.h>

#include <coppice/message.h>

#include "base/pool.h"
#include "mailbox/kind.h"
#include "mailbox/queue.h"
#include "mailbox/term.h"

enum cop__signal_type {
        COP__SIGNAL_MESSAGE = 0, /* to the mailbox; with `ref`: a call that wants its reply under it */
        COP__SIGNAL_REPLY,       /* to the call, request or alias that is open under `ref`, else dropped */
        COP__SIGNAL_FAILED,      /* the same, but no answer: the body is a struct cop__failed */
        COP__SIGNAL_START,       /* the first of an actor's life */
        COP__SIGNAL_EXIT,        /* an exit signal that was sent by hand */
        COP__SIGNAL_DEFERRED_BY, /* the callee will answer later: the half to watch it by */
        COP__SIGNAL_LINK,        /* relations; see actors/relation.h */
        COP__SIGNAL_UNLINK,
        COP__SIGNAL_LINK_EXIT,
        COP__SIGNAL_MONITOR,
        COP__SIGNAL_DEMONITOR,
        COP__SIGNAL_DOWN,
        COP__SIGNAL_FAREWELL,    /* an exit signal from who waits for the end, with the half that will tell of it */
        COP__SIGNAL_GONE,        /* that half */
        COP__SIGNAL_WAKE,        /* look at your deadline */
        COP__SIGNAL_INFO,        /* tell about yourself */
        COP__SIGNAL_SYS,         /* do or tell something between two callbacks; see actors/sys.h */
        COP__SIGNAL_OVERFLOW,    /* your mailbox is over its limit: end */
        COP__SIGNAL_HINGE,       /* your call's answer depends on a start; see actors/calling.h */
        COP__SIGNAL_WITHDRAWN,   /* nobody waits for `ref` any more; to an outpost, see actors/outpost_wait.h */
        COP__SIGNAL_SPAWNED,     /* to the call that has asked another node for an actor; see actors/abroad.h */
        COP__SIGNAL_SWEEP,       /* is never sent: marks a timer of the runtime's own; see actors/timer_home.h */
};

enum cop__signal_flags {
        COP__SIGNAL_LARGE = 1,    /* the body is malloc'ed, its address lies behind the header */
        COP__SIGNAL_LED = 2,      /* its block begins COP__SIGNAL_LEAD bytes before it */
        COP__SIGNAL_DEFERRED = 4, /* its handler has taken over the duty to reply */
        COP__SIGNAL_ANSWERED = 8, /* it has been replied to */
        COP__SIGNAL_LATE = 8,     /* a LINK, MONITOR, FAREWELL or stop: to one that was dying already; see actors/send.c */
        COP__SIGNAL_TAKEN = 32,   /* received, and in the user's hands */
        COP__SIGNAL_COUNTED = 512, /* by the limit of its slot; see actors/limit.h */
        COP__SIGNAL_MARKED = 256, /* in a mailbox: a mark may stand behind it; see actors/mark.h */
        COP__SIGNAL_REASON = 16,  /* a struct cop__shared_term * follows the body and is counted */
        COP__SIGNAL_TAG = 64,     /* with REASON: so does a second one */
        COP__SIGNAL_PRIORITY = 128, /* overtakes in the mailbox, if its receiver consents */
        COP__SIGNAL_CALL = 2048, /* a call: its sender's record says whether it still waits; see actors/calling.h */
        COP__SIGNAL_TIMED = 8192, /* with CALL: it is wanted until a moment that lies behind the body; see actors/calling.h */
        COP__SIGNAL_ASIDE = 16384, /* a call that is answered also while its callee waits: it is no part of a ring */
        COP__SIGNAL_THROUGH = 4096, /* a REPLY that came to an alias, and answers nothing; a cop_exited that came by a link */
        COP__SIGNAL_CROSSED = 32768, /* with CALL: its sender's record is the node's; see actors/inside_wait.h */
        COP__SIGNAL_RETURN = 1024, /* a reply that nobody has received goes back to its sender; see actors/line.h */
};

/* What may stand before a signal in its block: the timer that will send it. */
#define COP__SIGNAL_LEAD 32

struct cop__signal {
        struct cop__node node;
        cop_pid from;
        cop_ref ref;
        const cop_kind *kind;
        uint32_t size; /* bytes of the body */
        uint8_t type;
        uint8_t pool_class; /* of its block; and COP__SIGNAL_HOLDS */
        uint16_t flags;
};

/* Will it be answered with the end of who it is for? So will a stop: see actors/sys.h. */
COP__INLINE bool cop__signal_asks_for_end(const struct cop__signal *signal)
{
        const unsigned asking = 1u << COP__SIGNAL_LINK | 1u << COP__SIGNAL_MONITOR | 1u << COP__SIGNAL_FAREWELL;
        return asking >> signal->type & 1;
}

/* In pool_class: there may be more to end than a block: REASON, LARGE, LED, a kind that is counted. So its end looks in one place. */
#define COP__SIGNAL_HOLDS 0x80u

_Static_assert(sizeof(struct cop__signal) == 48, "a small message should be one cache line");

COP__INLINE void *cop__signal_body(const struct cop__signal *signal)
{
        char *behind = (char *)(uintptr_t)(signal + 1);
        return COP__UNLIKELY(signal->flags & COP__SIGNAL_LARGE) ? *(void **)(void *)behind : behind;
}

COP__INLINE void cop__signal_flag_held(struct cop__signal *signal, unsigned flags)
{
        signal->flags |= (uint16_t)flags;
        signal->pool_class |= COP__SIGNAL_HOLDS;
}

/* What its body is from now on, after its class is known. */
COP__INLINE void cop__signal_set_kind(struct cop__signal *signal, const cop_kind *kind)
{
        signal->kind = kind;
        if (kind->counted)
                signal->pool_class |= COP__SIGNAL_HOLDS;
}

COP__INLINE struct cop__signal *cop__signal_of(struct cop__node *node)
{
        return COP__CONTAINER(node, struct cop__signal, node);
}

/*
 * A signal with room for a body. Returns NULL when there is no memory. From, ref and kind are zero.
 * Threads: the one that the cache belongs to.
 */
struct cop__signal *cop__signal_new(struct cop__pool_cache *cache, unsigned type, size_t body_size);

/*
 * The same with COP__SIGNAL_LEAD bytes before the signal, and `extra` behind the body: see cop__signal_extra. All that
 * is in the block ends with the signal.
 */
struct cop__signal *cop__signal_new_led(struct cop__pool_cache *cache, unsigned type,
                                        size_t body_size, size_t extra);
cop_status cop__signal_message_led(struct cop__pool_cache *cache, const cop_kind *kind,
                                   const void *value, size_t extra, struct cop__signal **signal);

/*
 * A message that is not new work, but ends what was let in: also near the pool's limit, out of the reserve that is kept for such. Errors: as
 * cop__signal_message.
 */
cop_status cop__signal_owed(struct cop__pool_cache *cache, const cop_kind *kind, const void *value,
                            struct cop__signal **signal);

COP__INLINE void *cop__signal_extra(const struct cop__signal *signal)
{
        size_t body = signal->flags & COP__SIGNAL_LARGE ? sizeof(void *) : signal->size;
        return (char *)(uintptr_t)(signal + 1) + ((body + 7) & ~(size_t)7);
}

/* The slow ways of the two below. */
cop_status cop__signal_message_slow(struct cop__pool_cache *cache, const cop_kind *kind,
                                    const void *value, struct cop__signal **signal);
void cop__signal_free_slow(struct cop__pool_cache *cache, struct cop__signal *signal);

/* Structs of messages are a few words as a rule, and a call to memcpy costs more than they do. */
COP__INLINE void cop__copy_words(void *to, const void *from, size_t size)
{
        if (COP__UNLIKELY(size > 64 || size % 8 != 0)) {
                memcpy(to, from, size);
                return;
        }
        for (size_t at = 0; at < size; at += 8)
                memcpy((char *)to + at, (const char *)from + at, 8);
}

/* Why there is no memory for a message. */
COP__INLINE cop_status cop__signal_none(const struct cop__pool_cache *cache)
{
        return cop__pool_is_over(cache->pool) ? COP_E_OVERLOAD : COP_E_NO_MEMORY;
}

/* The class of the pool for a signal with a body of so many words. */
#define COP__WORDS_MAX 8u
COP__INLINE uint32_t cop__signal_class_of_words(uint32_t words)
{
        return (words + 1) / 4; /* blocks of 64, 96 and 128 bytes, less the header, hold 2, 6 and 10 words */
}

/*
 * A message with a copy of a value of a plain kind of some whole words, if there is a block at hand; NULL: go the other way.
 * `from` is set, too. Nothing is called, so that who is in a hurry has its registers to itself.
 */
COP__INLINE struct cop__signal *cop__signal_quick(struct cop__pool_cache *cache,
                                                  const cop_kind *kind, const void *value,
                                                  cop_pid from)
{
        if (COP__UNLIKELY(kind == NULL || value == NULL))
                return NULL;
        uint32_t words = (uint32_t)kind->plain - 2;
        if (COP__UNLIKELY(words > COP__WORDS_MAX))
                return NULL;
        uint32_t class = cop__signal_class_of_words(words);
        struct cop__signal *signal = cop__pool_take_quick(cache, class);
        if (COP__UNLIKELY(signal == NULL))
                return NULL;
        signal->from = from;
        signal->ref.bits = 0;
        signal->kind = kind;
        signal->size = words * 8;
        signal->type = COP__SIGNAL_MESSAGE;
        signal->pool_class = (uint8_t)class;
        signal->flags = 0;
        for (size_t at = 0; at < words; at++)
                memcpy((char *)(signal + 1) + 8 * at, (const char *)value + 8 * at, 8);
        return signal;
}

/* A message with a copy of `value`. Errors: those of cop__flat_size, COP_E_NO_MEMORY and COP_E_OVERLOAD. */
COP__INLINE cop_status cop__signal_message(struct cop__pool_cache *cache, const cop_kind *kind,
                                           const void *value, struct cop__signal **result)
{
        struct cop__signal *signal = cop__signal_quick(cache, kind, value, (cop_pid){ 0 });
        if (COP__UNLIKELY(signal == NULL))
                return cop__signal_message_slow(cache, kind, value, result);
        *result = signal;
        return COP_OK;
}

/* A signal that is no message, with a body for which the pool has a block. As cop__signal_new. */
COP__INLINE struct cop__signal *cop__signal_new_small(struct cop__pool_cache *cache, unsigned type, size_t body_size)
{
        uint8_t class = cop__pool_class(sizeof(struct cop__signal) + body_size);
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
        return signal;
}

/* Ends a signal whose body holds a value of its kind (or nothing that needs ending). */
COP__INLINE void cop__signal_free(struct cop__pool_cache *cache, struct cop__signal *signal)
{
        uint32_t class = signal->pool_class;
        if (COP__UNLIKELY(class & COP__SIGNAL_HOLDS))
                cop__signal_free_slow(cache, signal);
        else
                cop__pool_give(cache, class, signal);
}

#endif
