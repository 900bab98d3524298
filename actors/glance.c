/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Copies by the kernel. See glance.h. */
#define _GNU_SOURCE
#include "actors/glance.h"

#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/dump_value.h"
#include "base/cue.h"

/* Bytes of a struct; a larger one is told by its kind alone. */
#define VALUE_MAX 2048u

struct copy {
        struct cop__signal signal;
        _Alignas(16) char value[VALUE_MAX];
        char texts[COP__DUMP_VALUE_FIELDS][COP__DUMP_VALUE_TEXT + 1];
};

static bool copy_from(void *to, const void *from, size_t size)
{
        struct iovec here = { to, size }, there = { (void *)(uintptr_t)from, size };
        return size == 0 || process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

static bool is_of_node(const struct cop_node *node, const cop_kind *kind)
{
        for (size_t i = 0; i < cop__kinds_count(node->kinds); i++)
                if (cop__kinds_at(node->kinds, i) == kind)
                        return true;
        return false;
}

/* Puts a copy of the text's beginning in the pointer's place; its size stays, for people to see that it is cut. */
static void copy_text(struct copy *copy, const cop_field *field, size_t place)
{
        cop_text text;
        memcpy(&text, copy->value + field->offset, sizeof(text));
        size_t size = text.size < COP__DUMP_VALUE_TEXT ? text.size : COP__DUMP_VALUE_TEXT;
        if (!copy_from(copy->texts[place], text.data, size))
                text.size = 0;
        text.data = copy->texts[place];
        memcpy(copy->value + field->offset, &text, sizeof(text));
}

static bool copy_value(struct copy *copy)
{
        const cop_kind *kind = copy->signal.kind;
        if (copy->signal.flags & COP__SIGNAL_LARGE) {
                const char *body;
                memcpy(&body, copy->value, sizeof(body)); /* what lay behind the header */
                if (!copy_from(copy->value, body, kind->size))
                        return false;
        }
        for (unsigned i = 0; i < kind->field_count && i < COP__DUMP_VALUE_FIELDS; i++) {
                const cop_field *field = &kind->fields[i];
                if (field->shape == 0 && (field->type == COP_FIELD_TEXT || field->type == COP_FIELD_SYMBOL))
                        copy_text(copy, field, i);
        }
        return true;
}

_Static_assert(sizeof(cop_text) == sizeof(cop_symbol) &&
                       offsetof(cop_text, size) == offsetof(cop_symbol, size),
               "a symbol is copied as a text is");

/* The message at `signal`, if it is one. */
static bool copy_message(const struct cop_node *node, const struct cop__signal *signal, struct copy *copy)
{
        if (!copy_from(&copy->signal, signal, sizeof(copy->signal)) ||
            copy->signal.type != COP__SIGNAL_MESSAGE || !is_of_node(node, copy->signal.kind))
                return false;
        size_t size = copy->signal.flags & COP__SIGNAL_LARGE ? sizeof(void *) : copy->signal.kind->size;
        return copy->signal.kind->size <= VALUE_MAX && copy_from(copy->value, signal + 1, size) &&
               copy_value(copy);
}

bool cop__glance_message(struct cop_node *node, struct cop__actor *actor, char *text, size_t size)
{
        struct cop__words words = { .text = text, .size = size };
        struct cop__signal *before, *after;
        struct copy copy;
        uint64_t handled = cop__load_relaxed(&actor->handled);
        if (!copy_from(&before, &actor->current, sizeof(before)) || before == NULL ||
            !copy_message(node, before, &copy))
                return false;
        COP__CUE("glance.has_copied");
        cop__fence_seq(); /* before who looks again */
        if (!copy_from(&after, &actor->current, sizeof(after)) || after != before ||
            cop__load_relaxed(&actor->handled) != handled)
                return false; /* it has come to another */
        text[0] = '\0';
        cop__dump_value(&words, node->kinds, copy.signal.kind, copy.value);
        return true;
}
