/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How many processors this process may use: fewer than the machine has where an affinity or a control group says so. */
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

/* At least 1. */
unsigned cop__processors(void);

/* As the contents of cpu.max allow: "150000 100000", microseconds in each period, are two. 0: they say nothing. */
unsigned cop__processors_of_quota(const char *text);

/*
 * The parts of it, about any process: `own` is the file of the groups that it is in, of which the line "0::/a/b" counts, and
 * `groups` the folder in which they are. The quota is the least of its group and of those above. 0: there is none.
 */
unsigned cop__processors_quota(const char *own, const char *groups);
unsigned cop__processors_in(const char *own, const char *groups);

#endif
