/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The sentence for each status. They are written to stand after "error: " or in the
 * middle of a longer sentence, so: lower case, no full stop.
 */
#include <coppice/status.h>

#include "base/compiler.h"

static const char *const sentences[] = {
        [COP_OK] = "success",
        [COP_E_BAD_ARGUMENT] = "an argument is outside its documented range",
        [COP_E_NO_MEMORY] = "the system has no memory left for it",
        [COP_E_LIMIT] = "a limit of the node is reached",
        [COP_E_NO_NODE] = "this thread has entered no node",
        [COP_E_NO_ACTOR] = "no live actor has this pid",
        [COP_E_NO_NAME] = "no live actor bears this name",
        [COP_E_NAME_TAKEN] = "the name is taken, or the actor bears another",
        [COP_E_TIMEOUT] = "the time given passed first",
        [COP_E_DIED] = "the other actor ended before it answered",
        [COP_E_NO_REPLY] = "the handler ended without an answer",
        [COP_E_NO_CALLER] = "there is nobody to reply to",
        [COP_E_NO_KIND] = "no message kind has this name, or another kind is wanted here",
        [COP_E_MALFORMED] = "the bytes or the text are no term, or not of this kind",
        [COP_E_TOO_BIG] = "it is over a size limit",
        [COP_E_TOO_DEEP] = "it is nested too deep",
        [COP_E_SYSTEM] = "a system call failed",
        [COP_E_STOPPING] = "the node is on its way down",
        [COP_E_IGNORED] = "it was started and chose not to run",
        [COP_E_TAKEN] = "it is in use already",
        [COP_E_NOT_FOUND] = "there is no such entry",
        [COP_E_FULL] = "it has reached its limit",
        [COP_E_NOT_OWNER] = "it belongs to another actor",
        [COP_E_NOT_LOCAL] = "it lives on another node",
        [COP_E_ALREADY_STARTED] = "the child has been started already",
        [COP_E_ALREADY_PRESENT] = "the child is there already, without a process",
        [COP_E_RUNNING] = "the child is running",
        [COP_E_RESTARTING] = "the child waits for its restart",
        [COP_E_MAX_CHILDREN] = "the supervisor has as many children as it may",
        [COP_E_DYNAMIC] = "a dynamic supervisor knows its children by pid, and keeps none that has ended",
        [COP_E_NO_SUPERVISOR] = "it is no supervisor",
        [COP_E_NEEDS] = "something that it needs is not there",
        [COP_E_CLOSED] = "it has been closed, or its owner has ended",
        [COP_E_CYCLE] = "the call closes a ring of actors that wait for each other",
        [COP_E_OVERLOAD] = "the node is near its memory limit, and takes no new work",
        [COP_E_ISOLATED] = "an actor in an OS process of its own cannot do it",
        [COP_E_NO_DISTRIBUTION] = "this node does not talk to others",
        [COP_E_NO_CONNECTION] = "that node cannot be reached, or does not let this one in",
};

const char *cop_status_text(cop_status status)
{
        size_t index = (size_t)status;
        return index < COP__COUNT(sentences) ? sentences[index] : "unknown status";
}
