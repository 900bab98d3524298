/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One term out of many. See gather.h. */
#include "actors/gather.h"

#include <stdlib.h>

#include "base/memory.h"

static bool grow(struct cop__gather *gather)
{
        size_t room = gather->room > 0 ? 2 * gather->room : 16;
        cop_term *items = cop__realloc(gather->items, room * sizeof(*items));
        if (items == NULL)
                return false;
        gather->items = items;
        gather->room = room;
        return true;
}

void cop__gather_add(struct cop__gather *gather, cop_term item)
{
        if (gather->failed)
                return;
        if (gather->count == gather->room && !grow(gather))
                gather->failed = true;
        else
                gather->items[gather->count++] = item;
}

void cop__gather_add_pair(struct cop__gather *gather, cop_term first, cop_term second)
{
        cop__gather_add(gather, first);
        cop__gather_add(gather, second);
}

void cop__gather_drop(struct cop__gather *gather)
{
        free(gather->items);
        *gather = (struct cop__gather){ 0 };
}

static cop_status finish(struct cop__gather *gather, cop_term whole, cop_term *result)
{
        cop_status status = gather->failed ? COP_E_NO_MEMORY : cop_term_copy(whole, result);
        cop__gather_drop(gather);
        return status;
}

cop_status cop__gather_list(struct cop__gather *gather, cop_term *list)
{
        return finish(gather, cop_list_of(gather->items, gather->count), list);
}

cop_status cop__gather_map(struct cop__gather *gather, cop_term *map)
{
        /* What has failed may have half a pair, and is not put in order. */
        size_t pairs = gather->failed ? 0 : gather->count / 2;
        return finish(gather, cop_map_of(gather->items, pairs), map);
}

cop_status cop__gather_tuples(struct cop__gather *gather, size_t width, cop_term *list)
{
        size_t count = gather->count / width;
        cop_term *tuples = cop__malloc((count + 1) * sizeof(*tuples));
        gather->failed |= tuples == NULL;
        for (size_t i = 0; tuples != NULL && i < count; i++)
                tuples[i] = cop_tuple_of(&gather->items[width * i], width);
        cop_status status = finish(gather, cop_list_of(tuples, count), list);
        free(tuples);
        return status;
}

cop_status cop__gather_pairs(struct cop__gather *gather, cop_term *list)
{
        return cop__gather_tuples(gather, 2, list);
}
