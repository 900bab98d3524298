/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms gathered one by one, which become one list or map in a block of its own. They are borrowed until then, so all of it
 * happens in one section (epoch.h). All zero is empty. Without memory for one more the whole has failed, and says so at the end.
 */
#ifndef ACTORS_GATHER_H
#define ACTORS_GATHER_H

#include <coppice/term.h>

struct cop__gather {
        cop_term *items;
        size_t count, room;
        bool failed;
};

void cop__gather_add(struct cop__gather *gather, cop_term item);
void cop__gather_add_pair(struct cop__gather *gather, cop_term first, cop_term second);

/*
 * All of these end the gathering, also when they fail: the items as a list; each two, or `width`, items as a tuple in a list; each
 * two as key and value of a map. The caller owns the term. Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG.
 */
cop_status cop__gather_list(struct cop__gather *gather, cop_term *list);
cop_status cop__gather_pairs(struct cop__gather *gather, cop_term *list);
cop_status cop__gather_tuples(struct cop__gather *gather, size_t width, cop_term *list);
cop_status cop__gather_map(struct cop__gather *gather, cop_term *map);

/* Without a result. */
void cop__gather_drop(struct cop__gather *gather);

#endif
