/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Asking a server for what sys can do: the caller's side. See sys.h. */
#include <coppice/sys.h>

#include <stdio.h>
#include <string.h>

#include "actors/calling.h"
#include "actors/info.h"
#include "actors/outpost_hear.h"
#include "actors/sys.h"
#include "actors/task.h"
#include "base/cue.h"

static bool is_thread(cop_pid pid)
{
        struct cop__glimpse glimpse;
        return cop__glimpse_of(cop_node_here(), pid, &glimpse) &&
               glimpse.state == COP_PROCESS_VISITING;
}

/* Would it be answered also by one who waits? See sys.h. Of a function or a server, advice is
 * enough. What runs in a process of its own the node does not look into: no ring is seen there. */
static bool is_for_a_glance(cop_pid pid, enum cop__sys_what what)
{
        const struct cop__actor *callee = cop__slot_of(cop_node_here(), pid);
        const cop_behaviour *server = callee != NULL ? cop__load_relaxed(&callee->server) : NULL;
        bool is_function = server == NULL || server == &cop__task_behaviour;
        return cop__sys_is_aside(what) || server == &cop__outpost_server ||
               (is_function && what != COP__SYS_REPLACE_STATE);
}

/* A stop is obeyed whoever it was asked for, and so it is sent; and to settle is for the caller itself. */
static uint64_t deadline_of(struct cop__actor *actor, const cop__sys_request *request, int64_t timeout_ms)
{
        bool own = request->what == COP__SYS_STOP || request->what == COP__SYS_SETTLE;
        return own ? cop__deadline_ns(timeout_ms) : cop__call_deadline(actor, timeout_ms);
}

/* Asks, and ends with the answer's status. *answer is a message in the caller's hands, if that was COP_OK or
 * COP_E_MALFORMED; else NULL. */
static cop_status call(const char *function, cop_address to, int64_t timeout_ms,
                       const cop__sys_request *request, const void *where, cop_message **answer)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *signal, *reply;
        cop_pid callee;
        *answer = NULL;
        cop_status status = cop__callee(actor, function, to, timeout_ms, &callee);
        if (status == COP_OK && is_thread(callee)) /* which may not look for ever */
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop__sys_request), request, &signal);
        if (status != COP_OK)
                return status;
        signal->type = COP__SIGNAL_SYS;
        if (is_for_a_glance(callee, (enum cop__sys_what)request->what))
                signal->flags |= COP__SIGNAL_ASIDE;
        status = cop__call(actor, callee, signal, deadline_of(actor, request, timeout_ms), where, &reply);
        if (status == COP_OK)
                status = cop__answer_must_be(actor, reply, COP_KIND_OF(cop__sys_answer));
        if (status != COP_OK)
                return status;
        cop__hand_over(actor, reply);
        *answer = (cop_message *)reply;
        status = (cop_status)((const cop__sys_answer *)cop__signal_body(reply))->status;
        if (status != COP_OK && status != COP_E_MALFORMED) {
                cop_message_free(*answer);
                *answer = NULL;
        }
        return status;
}

static cop_status order(const char *function, cop_address to, int64_t timeout_ms,
                        const cop__sys_request *request, const void *where)
{
        cop_message *answer;
        cop_status status = call(function, to, timeout_ms, request, where, &answer);
        cop_message_free(answer);
        return status;
}

/* An order whose answer is a term for the caller to own. */
static cop_status fetch(const char *function, cop_address to, int64_t timeout_ms,
                        enum cop__sys_what what, const void *where, cop_term *term)
{
        cop__sys_request request = { .what = what };
        if (term == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_message *answer;
        cop_status status = call(function, to, timeout_ms, &request, where, &answer);
        if (status == COP_OK)
                status = cop_term_copy(((const cop__sys_answer *)cop_message_body(answer))->term,
                                       term);
        cop_message_free(answer);
        return status;
}

#define HERE __builtin_return_address(0)

/* The names in parentheses are the functions; without, they would be the macros of sys.h. */

cop_status (cop_sys_get_state)(cop_address to, int64_t timeout_ms, cop_term *state)
{
        return fetch("sys_get_state", to, timeout_ms, COP__SYS_GET_STATE, HERE, state);
}

cop_status (cop_sys_replace_state)(cop_address to, int64_t timeout_ms, cop_term state,
                                   cop_parse_error *error)
{
        cop__sys_request request = { .what = COP__SYS_REPLACE_STATE, .term = state };
        cop_message *answer;
        cop_status status =
                call("sys_replace_state", to, timeout_ms, &request, HERE, &answer);
        if (status == COP_E_MALFORMED && error != NULL && answer != NULL) {
                cop_term text = ((const cop__sys_answer *)cop_message_body(answer))->term;
                error->offset = 0;
                snprintf(error->text, sizeof(error->text), "%.*s", (int)text.count, text.as.text);
        }
        cop_message_free(answer);
        return status;
}

cop_status (cop_sys_suspend)(cop_address to, int64_t timeout_ms)
{
        return order("sys_suspend", to, timeout_ms,
                     &(cop__sys_request){ .what = COP__SYS_SUSPEND }, HERE);
}

cop_status (cop_sys_resume)(cop_address to, int64_t timeout_ms)
{
        return order("sys_resume", to, timeout_ms,
                     &(cop__sys_request){ .what = COP__SYS_RESUME }, HERE);
}

cop_status (cop_sys_trace)(cop_address to, int64_t timeout_ms, bool on, cop_pid observer)
{
        return order("sys_trace", to, timeout_ms,
                     &(cop__sys_request){ .what = COP__SYS_TRACE, .number = on, .pid = observer },
                     HERE);
}

cop_status (cop_sys_log)(cop_address to, int64_t timeout_ms, uint32_t count)
{
        if (count > COP_SYS_LOG_MAX)
                return COP_E_BAD_ARGUMENT;
        return order("sys_log", to, timeout_ms,
                     &(cop__sys_request){ .what = COP__SYS_LOG, .number = count }, HERE);
}

cop_status (cop_sys_get_log)(cop_address to, int64_t timeout_ms, cop_term *events)
{
        return fetch("sys_get_log", to, timeout_ms, COP__SYS_GET_LOG, HERE, events);
}

cop_status (cop_sys_statistics_on)(cop_address to, int64_t timeout_ms, bool on)
{
        return order("sys_statistics_on", to, timeout_ms,
                     &(cop__sys_request){ .what = COP__SYS_COUNT, .number = on }, HERE);
}

cop_status (cop_sys_get_statistics)(cop_address to, int64_t timeout_ms,
                                    cop_sys_statistics *statistics)
{
        cop__sys_request request = { .what = COP__SYS_GET_COUNT };
        cop_message *answer;
        cop_status status =
                call("sys_get_statistics", to, timeout_ms, &request, HERE, &answer);
        if (status == COP_OK) {
                const cop_term *items =
                        ((const cop__sys_answer *)cop_message_body(answer))->term.as.items;
                *statistics = (cop_sys_statistics){ items[0].as.integer, items[1].as.integer,
                                                    items[2].as.integer };
        }
        cop_message_free(answer);
        return status;
}

/* What can be seen from the side of one that does not answer. */
static cop_status look_from_outside(cop_pid pid, cop_term *result)
{
        struct cop_node *node = cop_node_here();
        struct cop__glimpse glimpse;
        struct cop__place place;
        COP__CUE("sys_ask.looks_from_outside");
        if (!cop__glimpse_of(node, pid, &glimpse))
                return COP_E_NO_ACTOR;
        bool is_thread = glimpse.state == COP_PROCESS_VISITING;
        const char *server = is_thread ? "thread" : glimpse.server != NULL ? glimpse.server : "";
        cop__glimpse_where(node, &glimpse, &place);
        if (glimpse.isolation == COP_ISOLATION_PROCESS) /* what can be seen there is the outpost's */
                snprintf(place.function, sizeof(place.function), "process %d", (int)glimpse.os_pid);
        return cop_term_copy(COP_MAP(cop_atom("server"), cop_atom(server),
                                     cop_atom("status"), cop_atom(is_thread ? "thread" : "busy"),
                                     cop_atom("in"), cop_string(place.function),
                                     cop_atom("parent"), cop_pid_term(glimpse.parent),
                                     cop_atom("messages"), cop_int(glimpse.unread),
                                     cop_atom("handled"), cop_int((int64_t)glimpse.handled)),
                             result);
}

cop_status (cop_sys_get_status)(cop_address to, int64_t timeout_ms, cop_term *result)
{
        struct cop__actor *self = cop__actor_here();
        cop_pid callee;
        cop_status status = cop__callee(self, "sys_get_status", to, timeout_ms, &callee);
        if (status == COP_OK && result == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        if (is_thread(callee))
                return look_from_outside(callee, result);
        status = fetch("sys_get_status", cop_to_pid(callee), timeout_ms, COP__SYS_GET_STATUS, HERE,
                       result);
        return status == COP_E_TIMEOUT ? look_from_outside(callee, result) : status;
}

/* ---- Stopping and upgrading ------------------------------------------------------------- */

cop_status cop_stop_address(cop_address to, cop_term reason, int64_t timeout_ms)
{
        cop__sys_request request = { .what = COP__SYS_STOP, .term = reason };
        cop_status status = order("stop", to, timeout_ms, &request, HERE);
        if (status == COP_E_DIED && cop_term_equal(cop_failure(), reason))
                return COP_OK;
        return status;
}

cop_status cop__sys_settle(cop_pid pid)
{
        cop__sys_request request = { .what = COP__SYS_SETTLE };
        return order("sys_settle", cop_to_pid(pid), COP_FOREVER, &request, HERE);
}

cop_status cop_upgrade_address(cop_address to, const cop_behaviour *server, int64_t timeout_ms)
{
        cop__sys_request request = { .what = COP__SYS_UPGRADE,
                                     .number = (int64_t)(uintptr_t)server };
        if (server == NULL)
                return COP_E_BAD_ARGUMENT;
        return order("upgrade", to, timeout_ms, &request, HERE);
}
