/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A change of a global name, as servers and scribes say it to each other: see names.h.
 *
 *      {Word, Name, Holder, Number, Over, Version}     a change, for Word set, or what a scribe is asked for
 *      {Word, Name, Number, Over, Version}             the same of one that leaves nobody
 *      {all, [{Name, Holder, Number, Version, State}]} names as they are
 *
 * What comes after the holder, or the name, may be missing, and is 0 then. Terms are borrowed.
 */
#ifndef DISTRIBUTION_CHANGE_H
#define DISTRIBUTION_CHANGE_H

#include "distribution/network.h"

#define COP__NAMES_SERVER "coppice_names"
#define COP__NAMES_SCRIBE "coppice_names_scribe"

/* Numbers on the wire. */
enum cop__holder_state { COP__IS_THERE = 0, COP__HAS_ENDED = 1, COP__IS_AWAY = 2 };

/* What is left out is 0. */
struct cop__change {
        cop_term name;
        cop_pid holder;
        enum cop__holder_state state; /* of the holder, to who says it */
        int64_t number;
        int64_t over;    /* the one that it follows; 0: none */
        int64_t version; /* 0: it is not known */
};

/* ---- Read --------------------------------------------------------------------------------------- */

bool cop__is_global_name(cop_term term);

/* What is at that place of a tuple; 0: nothing of that sort. */
int64_t cop__number_at(cop_term tuple, size_t at);
int64_t cop__version_at(cop_term tuple, size_t at);
enum cop__holder_state cop__state_at(cop_term tuple, size_t at);

/* Is it one in that word, with a holder, or without? */
bool cop__is_change(cop_term term, const char *word, struct cop__change *change);
bool cop__is_removal(cop_term term, const char *word, struct cop__change *change);
/* One of the list of {all, List}? Whose version is not known may have been over for long. */
bool cop__is_said(cop_term item, struct cop__change *change);

/* ---- Said ---------------------------------------------------------------------------------------- */

/* The number of a change, by chance, so that no other one has it. Errors: COP_E_SYSTEM. */
cop_status cop__names_number(int64_t *number);

/* Nobody, on the wire, is an atom: whoever knows of no versions passes over it. */
cop_term cop__holder_said(cop_pid holder);

/* A list with this one, as names are told. */
#define COP__CHANGE_SAID(change)                                                                                                        \
        COP_LIST(COP_TUPLE((change)->name, cop__holder_said((change)->holder), cop_int((change)->number), cop_int((change)->version), \
                           cop_int((change)->state)))

/*
 * A list for a server, or for that of a node that is up, to be merged as when nodes meet. Errors: those of cop__tell; COP_E_LIMIT (there are
 * too many names at nodes).
 */
cop_status cop__names_tell(cop_pid server, cop_term list);
cop_status cop__names_tell_there(struct cop__peer *peer, cop_term list);

/* For want of memory that was not told, or not heard, which nobody will say again: the server there is told of all names when there is some. */
void cop__names_make_good(struct cop__peer *peer, cop_status status);

/* All servers of nodes that are up are told. */
void cop__names_tell_others(const struct cop__change *change);

#endif
