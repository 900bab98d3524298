/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an outpost does for its process: one function for each question (crossing.h). All of it is
 * done in the outpost's name, which is the actor's, and can do no more than an actor of the node
 * may. Nothing in a question is believed; addresses are handed on, and never looked at.
 */
#ifndef ACTORS_OUTPOST_ANSWER_H
#define ACTORS_OUTPOST_ANSWER_H

#include "actors/crossing.h"

struct cop__verdict {
        cop__told told;
        bool owned; /* its term is to be freed */
};

/*
 * False: there is no such question. `verdict` holds COP_OK at first. Waits for nobody, and does
 * not end the outpost.
 */
bool cop__outpost_answer(const cop__query *ask, struct cop__verdict *verdict);

#endif
