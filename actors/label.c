/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What actors say they are. See label.h. */
#include "actors/label.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/process.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

struct cop__label {
        struct cop__table_node node; /* key: the pid */
        char text[COP_LABEL_MAX + 1];
};

void cop__labels_init(struct cop__labels *labels)
{
        cop__lock_init(&labels->lock);
        cop__table_init(&labels->table);
}

/* All actors are dead, and with them their labels. */
void cop__labels_fini(struct cop__labels *labels)
{
        cop__table_fini(&labels->table);
}

struct cop__label *cop__label_new(const char *text)
{
        struct cop__label *label = cop__calloc(1, sizeof(*label));
        if (label == NULL)
                return NULL;
        memcpy(label->text, text, cop__utf8_cut(text, strlen(text), COP_LABEL_MAX));
        cop__make_harmless(label->text, strlen(label->text)); /* it is printed as it is */
        return label;
}

static struct cop__label *find(struct cop__labels *labels, cop_pid pid)
{
        struct cop__table_node *node = cop__table_find_first(&labels->table, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__label, node) : NULL;
}

void cop__label_put(struct cop_node *node, struct cop__actor *actor, cop_pid pid,
                    struct cop__label *label)
{
        struct cop__labels *labels = &node->labels;
        cop__lock_lock(&labels->lock);
        struct cop__label *before = find(labels, pid);
        if (before != NULL)
                cop__table_remove(&labels->table, &before->node);
        if (label != NULL) {
                label->node.key = pid.bits;
                cop__table_insert(&labels->table, &label->node);
        }
        cop__lock_unlock(&labels->lock);
        cop__store_relaxed(&actor->labelled, label != NULL);
        free(before);
}

bool cop__label_of(struct cop_node *node, const struct cop__actor *actor, cop_pid pid,
                   char text[COP_LABEL_MAX + 1])
{
        struct cop__labels *labels = &node->labels;
        text[0] = '\0';
        if (!cop__load_relaxed(&actor->labelled))
                return false;
        cop__lock_lock(&labels->lock);
        struct cop__label *label = find(labels, pid);
        if (label != NULL)
                memcpy(text, label->text, sizeof(label->text));
        cop__lock_unlock(&labels->lock);
        return label != NULL;
}

/* In an actor's own process: who looks, looks at the outpost. */
static cop_status label_outside(const char *text)
{
        cop__told told;
        cop_status status =
                cop__inside_ask((cop__query){ .what = COP__ASK_LABEL, .name = cop_text_of(text) }, &told);
        return status == COP_OK ? (cop_status)told.status : status;
}

cop_status cop_set_label(const char *text)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__label *label = NULL;
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (cop__inside_here() != NULL)
                return label_outside(text);
        if (text != NULL && text[0] != '\0') {
                label = cop__label_new(text);
                if (label == NULL)
                        return COP_E_NO_MEMORY;
        }
        cop__label_put(cop__node_of(cop__thread_here()), actor, cop__actor_pid(actor), label);
        return COP_OK;
}

cop_status cop_set_label_term(cop_term term)
{
        char text[COP_LABEL_MAX + 1];
        cop_node *node = cop_node_here();
        if (node == NULL)
                return COP_E_NO_NODE;
        cop_term_print(term, cop_node_kinds(node), text, sizeof(text));
        return cop_set_label(text);
}
