/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What nobody will read. See dead_letter.h. */
#include "actors/dead_letter.h"

#include <string.h>
#include <time.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "actors/info.h"
#include "base/clock.h"
#include "mailbox/kind.h"

void cop__letters_init(struct cop__letters *letters)
{
        memset(letters, 0, sizeof(*letters));
        cop__lock_init(&letters->lock);
        cop__audience_init(&letters->audience);
}

const char *cop__death_name(enum cop__death death)
{
        static const char *const names[] = {
                [COP__DEATH_NO_ACTOR] = "no_actor",
                [COP__DEATH_UNREAD] = "unread",
                [COP__DEATH_LATE_REPLY] = "late_reply",
                [COP__DEATH_FULL] = "full",
                [COP__DEATH_EXPIRED] = "expired",
                [COP__DEATH_CLOSED_ALIAS] = "closed_alias",
                [COP__DEATH_COALESCED] = "coalesced",
        };
        return names[death];
}

/* ---- Keeping ------------------------------------------------------------------------ */

/* May this thread spend time on another one? */
static bool has_share(struct cop__letter_share *share)
{
        if (share->left == 0) {
                uint64_t now_ns = cop__clock_ns();
                if (share->since_ns != 0 && now_ns - share->since_ns < COP__LETTERS_SHARE_NS)
                        return false;
                share->since_ns = now_ns;
                share->left = COP__LETTERS_SHARE;
        }
        share->left--;
        return true;
}

/* Those about dead letters would breed, those of kinds of the runtime's own tell nobody anything. */
static bool is_of_interest(const struct cop__signal *signal)
{
        return signal->kind != NULL && signal->kind != COP_KIND_OF(cop_dead_letter) &&
               strncmp(signal->kind->name, "cop__", 5) != 0;
}

static void describe(const struct cop_node *node, const struct cop__signal *signal, cop_pid to,
                     enum cop__death death, struct cop__letter *letter)
{
        cop_term term;
        letter->when = (int64_t)time(NULL);
        letter->from = signal->from;
        letter->to = to;
        letter->death = death;
        size_t size = strnlen(signal->kind->name, sizeof(letter->kind) - 1);
        memcpy(letter->kind, signal->kind->name, size);
        letter->kind[size] = '\0';
        letter->text[0] = '\0';
        if (cop__kind_to_term_within(signal->kind, cop__signal_body(signal), COP__SHOWN_MAX, &term) != COP_OK)
                return;
        cop_term_print(term, node->kinds, letter->text, sizeof(letter->text));
        cop_term_free(term);
}

/* Into the ring, under the next number. */
static void file(struct cop__letters *letters, struct cop__letter *letter)
{
        cop__lock_lock(&letters->lock);
        letter->number = ++letters->count;
        letters->ring[letter->number % COP__LETTERS_KEPT] = *letter;
        cop__lock_unlock(&letters->lock);
}

/* ---- Telling -------------------------------------------------------------------------- */

static void tell(struct cop__thread *thread, cop_pid subscriber, const cop_dead_letter *told)
{
        struct cop_node *node = cop__node_of(thread);
        struct cop__actor *actor = cop__slot_of(node, subscriber);
        struct cop__signal *signal;
        if (actor != NULL && cop__unread(actor) < COP__LETTERS_UNREAD &&
            cop__signal_message(&thread->pool, COP_KIND_OF(cop_dead_letter), told, &signal) == COP_OK)
                cop__send_signal(thread, subscriber, signal);
}

static void keep(struct cop__thread *thread, struct cop__letter *letter)
{
        struct cop_node *node = cop__node_of(thread);
        cop_pid subscribers[COP__AUDIENCE_MAX];
        file(&node->letters, letter);
        uint32_t count = cop__audience_copy(node, &node->letters.audience, subscribers);
        cop_dead_letter told = {
                .reason = cop_symbol_of(cop__death_name(letter->death)),
                .from = letter->from,
                .to = letter->to,
                .kind = cop_symbol_of(letter->kind),
                .text = cop_text_of(letter->text),
                .number = letter->number,
                .missed = letter->missed,
        };
        for (uint32_t i = 0; i < count; i++)
                tell(thread, subscribers[i], &told);
}

void cop__letter_tell(struct cop__thread *thread, cop_pid to, const struct cop__signal *signal,
                      enum cop__death death)
{
        struct cop__here *here = cop__here_of(thread);
        struct cop__letter letter;
        cop__count_up(&here->dead_letters);
        if (!is_of_interest(signal) || !has_share(&here->letter_share)) {
                here->letter_share.missed++;
                return;
        }
        describe(here->node, signal, to, death, &letter);
        letter.missed = here->letter_share.missed;
        here->letter_share.missed = 0;
        keep(thread, &letter);
}

void cop__letter_die(struct cop__thread *thread, cop_pid to, struct cop__signal *signal,
                     enum cop__death death)
{
        cop__letter_tell(thread, to, signal, death);
        cop__signal_free(&thread->pool, signal);
}

bool cop__letter_get(cop_node *node, uint64_t number, struct cop__letter *letter)
{
        struct cop__letters *letters = &node->letters;
        cop__lock_lock(&letters->lock);
        if (number == 0)
                number = letters->count;
        const struct cop__letter *kept = &letters->ring[number % COP__LETTERS_KEPT];
        bool found = number > 0 && kept->number == number;
        if (found)
                *letter = *kept;
        cop__lock_unlock(&letters->lock);
        return found;
}

/* ---- The public operations ---------------------------------------------------------------- */

cop_status cop_dead_letters_subscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        bool is_new;
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (cop__inside_here() != NULL)
                return COP_E_ISOLATED; /* the letters are the node's */
        struct cop_node *node = cop__node_of(cop__thread_here());
        return cop__audience_add(node, &node->letters.audience, cop__actor_pid(actor), &is_new);
}

void cop_dead_letters_unsubscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL)
                cop__audience_remove(&cop__node_of(cop__thread_here())->letters.audience,
                                        cop__actor_pid(actor));
}

uint64_t cop_dead_letter_count(cop_node *node)
{
        struct cop__totals totals;
        if (node == NULL)
                return 0;
        cop__totals(node, &totals);
        return totals.dead_letters;
}
