/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What sys asks of an actor in a process of its own, on its way there and back. Answers come from
 * memory that may be corrupted: one that is not what was asked for ends the actor. See
 * outpost_sys.h.
 */
#include "actors/outpost_sys.h"

#include <stdlib.h>

#include "actors/outpost_hear.h"
#include "base/memory.h"
#include "mailbox/kind.h"

bool cop__outpost_sys_passes(const struct cop__actor *actor, enum cop__sys_what what)
{
        return what != COP__SYS_UPGRADE && cop__crossing_of(actor) != NULL;
}

static const cop__sys_request *body_of(const struct cop__signal *request)
{
        return cop__signal_body(request);
}

/* ---- There -------------------------------------------------------------------------- */

static void suspend(struct cop__actor *actor, bool on)
{
        actor->rare->looked_at = NULL;
        if (on)
                actor->aside |= COP__ASIDE_SUSPENDED;
        else
                actor->aside &= (uint8_t)~COP__ASIDE_SUSPENDED;
}

/* From the request on, which crosses in its place: no message gets there behind it. */
static void take_note(struct cop__actor *actor, int64_t what)
{
        if (what == COP__SYS_SUSPEND)
                suspend(actor, true);
        else if (what == COP__SYS_RESUME)
                suspend(actor, false);
}

static void refuse(struct cop__actor *actor, struct cop__signal *request, cop_status status)
{
        cop_term why = cop_nil();
        if (status == COP_E_MALFORMED)
                why = cop_string("it holds an atom that is no UTF-8, and cannot cross "
                                 "into the actor's process");
        cop__sys_reply(actor, request, status, why);
}

void cop__outpost_sys_ask(struct cop__actor *actor, struct cop__signal *request)
{
        struct cop__crossing *crossing = cop__crossing_of(actor);
        const struct cop__crossing_packet packet = {
                .type = COP__PACKET_SYS,
                .pid = request->from.bits,
                .ref = request->ref.bits,
        };
        cop_status status = cop__tray_put(&crossing->out, packet, COP_KIND_OF(cop__sys_request),
                                          body_of(request));
        if (status != COP_OK) {
                refuse(actor, request, status);
                return;
        }
        take_note(actor, body_of(request)->what);
        cop__mailbox_append(&crossing->looked, request);
        cop__crossing_flush(crossing, cop__actor_pid(actor));
}

/* ---- Is it an answer? ------------------------------------------------------------------ */

static bool is_count(const cop_term *term)
{
        return term != NULL && term->type == COP_TERM_INTEGER && term->as.integer >= 0;
}

static bool is_status(cop_term term)
{
        if (term.type != COP_TERM_MAP)
                return false;
        const cop_term *messages = cop_map_get(term, cop_atom("messages"));
        return is_count(messages) && messages->as.integer <= UINT32_MAX &&
               cop_map_get(term, cop_atom("status")) != NULL;
}

static bool are_counts(cop_term term)
{
        return term.type == COP_TERM_TUPLE && term.count == 3 && is_count(&term.as.items[0]) &&
               is_count(&term.as.items[1]) && is_count(&term.as.items[2]);
}

static bool is_told(int64_t what, cop_term term)
{
        switch (what) {
        case COP__SYS_GET_STATE:
                return true;
        case COP__SYS_GET_STATUS:
                return is_status(term);
        case COP__SYS_GET_COUNT:
                return are_counts(term);
        case COP__SYS_GET_LOG:
                return term.type == COP_TERM_NIL || term.type == COP_TERM_LIST;
        case COP__SYS_STOP: /* its end is the answer */
                return false;
        default:
                return term.type == COP_TERM_NIL || term.type == COP_TERM_TEXT; /* done, and no more */
        }
}

static bool fits(int64_t what, const cop__sys_answer *answer)
{
        switch (answer->status) {
        case COP_OK:
                return is_told(what, answer->term);
        case COP_E_MALFORMED: /* with what is wrong with the state that was to be the new one */
                return answer->term.type == COP_TERM_NIL || answer->term.type == COP_TERM_TEXT;
        case COP_E_BAD_ARGUMENT:
        case COP_E_NO_KIND:
        case COP_E_NO_MEMORY:
        case COP_E_NOT_FOUND:
        case COP_E_OVERLOAD:
        case COP_E_TOO_BIG:
        case COP_E_TOO_DEEP:
                return true;
        default:
                return false;
        }
}

/* ---- And back -------------------------------------------------------------------------- */

/* NULL: there is none. */
static struct cop__signal *find(const struct cop__crossing *crossing, cop_ref ref, struct cop__signal **before)
{
        struct cop__signal *request;
        *before = NULL;
        while ((request = cop__mailbox_after(&crossing->looked, *before)) != NULL && !cop_ref_equal(request->ref, ref))
                *before = request;
        return request;
}

bool cop__outpost_sys_waits(const struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__signal *before;
        return find(crossing, ref, &before) != NULL;
}

static struct cop__signal *take_out(struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__signal *before, *request = find(crossing, ref, &before);
        if (request != NULL)
                cop__mailbox_remove(&crossing->looked, before, request);
        return request;
}

/* Not suspended after all: the messages are not held up either. */
static void take_note_of_failure(struct cop__actor *actor, const struct cop__signal *request)
{
        if (body_of(request)->what == COP__SYS_SUSPEND)
                suspend(actor, false);
}

/* The process knows of the messages that it has; the others are here, and here it is held up. */
static void tell_status(struct cop__actor *actor, struct cop__signal *request, cop_term map)
{
        cop_term *items = cop__calloc(2 * (size_t)map.count + 1, sizeof(*items));
        if (items == NULL) {
                cop__sys_reply(actor, request, COP_E_NO_MEMORY, cop_nil());
                return;
        }
        for (uint32_t i = 0; i < 2 * map.count; i++)
                items[i] = map.as.items[i];
        for (uint32_t i = 0; i < map.count; i++) {
                cop_term *value = &items[2 * i + 1];
                if (cop_is_atom(items[2 * i], "messages"))
                        *value = cop_int(value->as.integer + cop__unread(actor));
                else if (cop_is_atom(items[2 * i], "status") && actor->aside & COP__ASIDE_SUSPENDED)
                        *value = cop_atom("suspended");
        }
        cop__sys_reply(actor, request, COP_OK, cop_map_of(items, map.count));
        free(items);
}

bool cop__outpost_sys_hear(struct cop__actor *actor, struct cop__crossing *crossing, cop_ref ref,
                           const cop__sys_answer *answer)
{
        struct cop__signal *request = take_out(crossing, ref);
        if (request == NULL)
                return false;
        int64_t what = body_of(request)->what;
        if (!fits(what, answer)) {
                cop__mailbox_append(&crossing->looked, request); /* fails with the actor */
                return false;
        }
        if (answer->status != COP_OK)
                take_note_of_failure(actor, request);
        if (what == COP__SYS_GET_STATUS && answer->status == COP_OK)
                tell_status(actor, request, answer->term);
        else
                cop__sys_reply(actor, request, (cop_status)answer->status, answer->term);
        return true;
}

void cop__outpost_sys_fail(struct cop__actor *actor, struct cop__crossing *crossing, cop_ref ref)
{
        struct cop__signal *request = take_out(crossing, ref);
        if (request == NULL)
                return;
        take_note_of_failure(actor, request);
        cop__fail_call(cop__thread_here(), cop__actor_pid(actor), request, COP__FAILED_NO_MEMORY,
                       NULL);
}

void cop__outpost_sys_return(struct cop__actor *actor, struct cop__crossing *crossing)
{
        struct cop__signal *request;
        while ((request = cop__mailbox_take_first(&crossing->looked)) != NULL)
                cop__mailbox_append(&actor->rare->asked, request);
}

/* ---- Suspended ---------------------------------------------------------------------------- */

bool cop__outpost_goes_on_with(const struct cop__actor *actor, const struct cop__signal *message)
{
        if (message->type != COP__SIGNAL_MESSAGE ||
            cop__kind_same(message->kind, COP_KIND_OF(cop__ready)))
                return true;
        if (!cop__kind_same(message->kind, COP_KIND_OF(cop_exited)))
                return false;
        return cop_pid_equal(((const cop_exited *)cop__signal_body(message))->pid, cop__whom_it_obeys(actor));
}
