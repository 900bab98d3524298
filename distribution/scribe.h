/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The scribe of global names: it makes what changes nodes ask for, one at a time, at its own server and then at all others. See names.h.
 *
 *      {register, Name, Pid, Number}     true, or no: another one has it
 *      {confirm, Name, Pid, Number}      the same, which may have been made by the scribe before
 *      {re_register, Name, Pid, Number}  true: also if another one has it
 *      {unregister, Name, Number}        true
 *
 * false: it could not be made everywhere, or it is not known whether it was.
 */
#ifndef DISTRIBUTION_SCRIBE_H
#define DISTRIBUTION_SCRIBE_H

#include <coppice/server.h>

extern const cop_behaviour cop__scribe_server;

#endif
