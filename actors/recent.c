/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Reading what an actor handled last, and has not handled yet. See recent.h. */
#include "actors/recent.h"

#include <string.h>

#include "actors/neighbours.h"
#include "actors/observe.h"
#include "base/text.h"
#include "mailbox/term.h"

/* Unread messages that are named; more are counted, up to so many. */
#define UNREAD_SHOWN 3u
#define UNREAD_COUNTED 1000u

/* Events of a log of sys that are shown. */
#define EVENTS_SHOWN 4u

#define REMEMBERED 4u

/* ---- Handled ------------------------------------------------------------------------------ */

/* Nobody but the runtime sends what begins with that, and it says nothing to a user. */
static bool is_the_runtimes(const cop_kind *kind)
{
        return strncmp(kind->name, "cop__", 5) == 0;
}

/* The names that these bits may stand for: one, as a rule. */
struct names {
        struct cop__text *text;
        const char *before, *said;
};

/* A name is added once: there is one table of a kind in each file that declares it. */
static void add_matching(struct names *names, const cop_kind *const *first,
                         const cop_kind *const *last, uint16_t bits)
{
        for (const cop_kind *const *at = first; at < last; at++) {
                if (*at == NULL || (uint16_t)((uintptr_t)*at >> 4) != bits ||
                    is_the_runtimes(*at) ||
                    (names->said != NULL && strcmp(names->said, (*at)->name) == 0))
                        continue;
                cop__text_append_string(names->text, names->said != NULL ? " or " : names->before);
                cop__text_append_string(names->text, (*at)->name);
                names->said = (*at)->name;
        }
}

/* False: there is nothing to say of it. */
static bool append_kind(struct cop__text *text, const struct cop_node *node, uint16_t bits,
                        const char *before)
{
        struct names names = { text, before, NULL };
        add_matching(&names, node->kinds_first, node->kinds_last, bits);
        if (names.said == NULL)
                add_matching(&names, COP__KINDS_FIRST, COP__KINDS_LAST, bits);
        return names.said != NULL;
}

void cop__recent_print(const struct cop_node *node, uint64_t recent, unsigned skipped, char *text,
                       size_t size)
{
        struct cop__text out;
        const char *before = "";
        cop__text_init_fixed(&out, text, size);
        cop__text_append_string(&out, "");
        for (unsigned age = REMEMBERED; age-- > skipped;) {
                uint16_t bits = (uint16_t)(recent >> 16 * age);
                if (bits != 0 && append_kind(&out, node, bits, before))
                        before = ", ";
        }
}

/* ---- Unread ------------------------------------------------------------------------------- */

struct mail {
        struct cop__text text;
        struct cop_node *node;
        uint32_t count;
};

static void add_unread(struct mail *mail, const struct cop__signal *signal)
{
        if (signal->type != COP__SIGNAL_MESSAGE || signal->kind == NULL || is_the_runtimes(signal->kind))
                return;
        if (++mail->count > UNREAD_SHOWN)
                return;
        cop__text_printf(&mail->text, "%s%s", mail->count > 1 ? ", " : "", signal->kind->name);
        if (signal->from.bits == 0)
                return;
        cop__text_append_string(&mail->text, " from ");
        cop__neighbour_append(&mail->text, mail->node, signal->from);
}

/* What has left the queue, and then what is in it, as far as its senders have linked it. */
static void add_all_unread(struct mail *mail, const struct cop__actor *actor)
{
        const struct cop__signal *signal = actor->mailbox.first;
        const struct cop__node *node = actor->cursor.node;
        while (signal != NULL && mail->count < UNREAD_COUNTED) {
                add_unread(mail, signal);
                signal = signal != actor->mailbox.last
                                 ? cop__signal_of(cop__load_relaxed(&signal->node.next))
                                 : NULL;
        }
        node = node != NULL ? cop__load_acquire(&node->next)         /* LINK */
                            : cop__load_acquire(&actor->queue.head); /* LINK */
        for (; node != NULL && mail->count < UNREAD_COUNTED;
             node = cop__load_acquire(&node->next)) /* LINK */
                add_unread(mail, COP__CONTAINER(node, const struct cop__signal, node));
}

void cop__unread_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                       size_t size)
{
        struct mail mail = { .node = node };
        cop__text_init_fixed(&mail.text, text, size);
        cop__text_append_string(&mail.text, "");
        add_all_unread(&mail, actor);
        if (mail.count > UNREAD_SHOWN)
                cop__text_printf(&mail.text, ", and %u more%s", mail.count - UNREAD_SHOWN,
                                 mail.count == UNREAD_COUNTED ? " at least" : "");
}

/* ---- Events ------------------------------------------------------------------------------- */

void cop__events_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                       size_t size)
{
        const struct cop__observation *seen = actor->rare != NULL ? actor->rare->observation : NULL;
        struct cop__text out;
        char event[COP__REPORT_TEXT];
        cop__text_init_fixed(&out, text, size);
        cop__text_append_string(&out, "");
        if (seen == NULL || seen->room == 0)
                return;
        uint64_t kept = seen->logged < seen->room ? seen->logged : seen->room;
        uint64_t count = kept < EVENTS_SHOWN ? kept : EVENTS_SHOWN;
        for (uint64_t i = seen->logged - count; i < seen->logged; i++) {
                const struct cop__shared_term *term = seen->log[i % seen->room];
                cop_term_print(term->term, node->kinds, event, sizeof(event));
                cop__text_printf(&out, "%s%s", i > seen->logged - count ? "; " : "", event);
        }
        cop__text_end_cut(&out);
}
