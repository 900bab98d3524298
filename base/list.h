/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A doubly linked list whose links lie in its members.
 *
 *      head <-> first <-> ... <-> last <-> back to head
 *
 * The list is a ring through its head, so no operation has a special case for an empty
 * list or an end. A node that is in no list is a ring of its own: removing it again
 * changes nothing. One owner at a time, no locks, nothing here can fail.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/compiler.h"

/* The same struct is a list's head and a member's node. */
struct cop__list {
        struct cop__list *prev;
        struct cop__list *next;
};

/* As an initialiser of the list or node called `name`. */
#define COP__LIST_INIT(name) { &(name), &(name) }

COP__INLINE void cop__list_init(struct cop__list *list)
{
        list->prev = list;
        list->next = list;
}

/* Of a node: it is in no list. */
COP__INLINE bool cop__list_is_empty(const struct cop__list *list)
{
        return list->next == list;
}

/* `node` must be in no list; it need not be initialised. */
COP__INLINE void cop__list_insert_between(struct cop__list *prev, struct cop__list *node,
                                          struct cop__list *next)
{
        node->prev = prev;
        node->next = next;
        prev->next = node;
        next->prev = node;
}

COP__INLINE void cop__list_push_front(struct cop__list *list, struct cop__list *node)
{
        cop__list_insert_between(list, node, list->next);
}

COP__INLINE void cop__list_push_back(struct cop__list *list, struct cop__list *node)
{
        cop__list_insert_between(list->prev, node, list);
}

/* Afterwards the node is in no list, and removing it once more is harmless. */
COP__INLINE void cop__list_remove(struct cop__list *node)
{
        node->prev->next = node->next;
        node->next->prev = node->prev;
        cop__list_init(node);
}

/* NULL when the list is empty. */
COP__INLINE struct cop__list *cop__list_first(const struct cop__list *list)
{
        return cop__list_is_empty(list) ? NULL : list->next;
}

COP__INLINE struct cop__list *cop__list_last(const struct cop__list *list)
{
        return cop__list_is_empty(list) ? NULL : list->prev;
}

COP__INLINE struct cop__list *cop__list_pop_front(struct cop__list *list)
{
        struct cop__list *node = cop__list_first(list);
        if (node)
                cop__list_remove(node);
        return node;
}

/* Everything in `from`, in its order, goes behind what `list` has; `from` is left empty. */
COP__INLINE void cop__list_append(struct cop__list *list, struct cop__list *from)
{
        if (cop__list_is_empty(from))
                return;
        from->next->prev = list->prev;
        list->prev->next = from->next;
        from->prev->next = list;
        list->prev = from->prev;
        cop__list_init(from);
}

/*
 * Visits each node from the first to the last. The body may remove the node it is at,
 * and free it; it may not remove the one after, which `ahead` holds already.
 */
#define COP__LIST_EACH(list, node, ahead)                                             \
        for (struct cop__list *node = (list)->next, *ahead = node->next;              \
             node != (list); node = ahead, ahead = node->next)

#endif
