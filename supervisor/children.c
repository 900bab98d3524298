/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The calls of children.h, on the side of who asks: each checks what it is given, makes one call to the supervisor, and turns
 * the answer into a status.
 */
#include <coppice/children.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/info.h"
#include "actors/inside.h"
#include "supervisor/supervisor.h"

COP_MESSAGE_DEFINE(cop_child_state, id, pid, type, restart, state, restarts);
COP_MESSAGE_DEFINE(cop_children, name, strategy, intensity, period_ms, restarts,
                   COP_NESTED_ITEMS(cop_child_state, children));
COP_MESSAGE_DEFINE(cop_child_count, specs, active, supervisors, workers);
COP_MESSAGE_DEFINE(cop_child_spec, id, name, type, runs, restart, shutdown_ms, significant,
                   backoff_first_ms, backoff_max_ms, breaker_failures, breaker_open_ms);

/* How long a newborn may take to say that it is there. */
#define BIRTH_MS 1000

/* ---- The supervisor ------------------------------------------------------------------- */

static bool says_supervisor(const struct cop__actor *actor)
{
        return cop__load_relaxed(&actor->server) == cop__supervisor_behaviour();
}

/* A newborn does not show yet what it is; but once it answers a question it is born. */
static cop_status find_supervisor(cop_address to, cop_pid *pid)
{
        cop_term info;
        if (cop__is_alias(to)) /* before anything takes its reference for a name */
                return cop_node_here() != NULL ? COP_E_BAD_ARGUMENT : COP_E_NO_NODE;
        *pid = to.name != NULL ? cop_whereis(to.name) : to.pid;
        if (cop_node_here() == NULL)
                return COP_E_NO_NODE;
        if (cop__is_null_name(to))
                return COP_E_BAD_ARGUMENT;
        if (pid->bits == 0)
                return to.name != NULL ? COP_E_NO_NAME : COP_E_NO_ACTOR;
        if (cop__inside_here() != NULL)
                return COP_OK; /* its slot is not in this process: whether it is one, its answer shows */
        struct cop__actor *actor = cop__slot_of(cop_node_here(), *pid);
        if (actor == NULL || !cop__slot_is(actor, *pid))
                return COP_E_NO_ACTOR;
        if (says_supervisor(actor))
                return COP_OK;
        if (cop_pid_equal(*pid, cop_self()) || cop__load_relaxed(&actor->task.visitor) != NULL)
                return COP_E_NO_SUPERVISOR;
        if (cop__info(*pid, BIRTH_MS, &info) == COP_OK)
                cop_term_free(info);
        return says_supervisor(actor) ? COP_OK : COP_E_NO_SUPERVISOR;
}

/* Takes the request. */
static cop_status call(cop_message **reply, cop_pid pid, struct cop__signal *request)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *answer;
        cop_status status = cop__call(self, pid, request, UINT64_MAX,
                                      __builtin_return_address(0), &answer);
        if (status != COP_OK)
                return status;
        cop__hand_over(self, answer);
        *reply = (cop_message *)answer;
        return COP_OK;
}

/* What is asked of a supervisor about those whom it has is no new work: near the limit somebody looks for whom to end. */
static cop_status ask(cop_message **reply, cop_address to, const cop_kind *kind, const void *value)
{
        struct cop__signal *request;
        cop_pid pid;
        cop_status status = find_supervisor(to, &pid);
        if (status == COP_OK)
                status = cop__signal_owed(&cop__thread_here()->pool, kind, value, &request); /* none of them starts a new child */
        return status == COP_OK ? call(reply, pid, request) : status;
}

/* The request has a share of the buffer; ours ends before the wait, in which we may be ended. */
static cop_status ask_with(cop_message **reply, cop_pid pid, const cop_kind *kind,
                           const void *value, cop_buffer *buffer)
{
        struct cop__signal *request;
        cop_status status =
                cop__signal_message(&cop__thread_here()->pool, kind, value, &request);
        cop_buffer_drop(buffer);
        return status == COP_OK ? call(reply, pid, request) : status;
}

/* Takes the reply. */
static cop_status status_of(cop_message *reply, cop_pid *pid, cop_term *extra)
{
        const cop__child_answer *answer = cop_read(cop__child_answer, reply);
        cop_status status = answer != NULL ? (cop_status)answer->status : COP_E_NO_SUPERVISOR;
        if (status == COP_E_DIED || status == COP_E_CYCLE)
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(answer->reason));
        if (status == COP_OK && extra != NULL && cop_term_copy(answer->extra, extra) != COP_OK)
                *extra = cop_nil();
        if (pid != NULL && (status == COP_OK || status == COP_E_ALREADY_STARTED))
                *pid = answer->pid;
        cop_message_free(reply);
        return status;
}

/* Takes a reply that is not what was asked for: a supervisor says why, and who says anything else is none. */
static cop_status refusal_of(cop_message *reply)
{
        cop_status status = status_of(reply, NULL, NULL);
        return status != COP_OK ? status : COP_E_NO_SUPERVISOR;
}

/* ---- Requests ------------------------------------------------------------------------- */

cop_status cop_start_child_of(cop_address to, const cop_child *child, cop_pid *pid,
                              cop_term *extra)
{
        static const cop_child nothing;
        const struct cop__child_place place = { .supervisor = to.name != NULL && !cop__is_alias(to) ? to.name : "a supervisor",
                                                .bare = true };
        const struct cop__child_spec *spec;
        char sentence[512];
        cop_buffer *buffer;
        cop_message *reply;
        cop_pid supervisor;
        if (child == NULL)
                child = &nothing;
        if (cop__child_check(child, &place, sentence, sizeof(sentence)) != COP_OK) {
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_start_child: %s", sentence);
                return COP_E_BAD_ARGUMENT;
        }
        cop_status status = find_supervisor(to, &supervisor);
        if (status == COP_OK)
                status = cop__spec_copy_child(child, &buffer, &spec);
        if (status != COP_OK)
                return status;
        const cop__start_child request = { { (const void *)spec, sizeof(*spec), buffer } };
        status = ask_with(&reply, supervisor, COP_KIND_OF(cop__start_child), &request, buffer);
        return status == COP_OK ? status_of(reply, pid, extra) : status;
}

static bool is_no_child(cop_address which)
{
        return cop__is_alias(which) || cop__is_null_name(which) || (which.name == NULL && which.pid.bits == 0);
}

static cop_status ask_child(cop_address to, cop_address which, enum cop__child_wish wish,
                            cop_pid *pid, cop_term *extra)
{
        cop_message *reply;
        if (is_no_child(which))
                return COP_E_BAD_ARGUMENT;
        const cop__ask_child request = { (int32_t)wish, which.pid, cop_text_of(which.name) };
        cop_status status = ask(&reply, to, COP_KIND_OF(cop__ask_child), &request);
        return status == COP_OK ? status_of(reply, pid, extra) : status;
}

cop_status cop_terminate_child_of(cop_address to, cop_address which)
{
        return ask_child(to, which, COP__TERMINATE_CHILD, NULL, NULL);
}

cop_status cop_restart_child_of(cop_address to, cop_address which, cop_pid *pid, cop_term *extra)
{
        return ask_child(to, which, COP__RESTART_CHILD, pid, extra);
}

cop_status cop_delete_child_of(cop_address to, cop_address which)
{
        return ask_child(to, which, COP__DELETE_CHILD, NULL, NULL);
}

cop_status cop_replace_specs_of(cop_address to, const cop_supervisor *tree)
{
        const struct cop__supervisor_spec *spec;
        char sentence[512];
        cop_buffer *buffer;
        cop_message *reply;
        cop_pid supervisor;
        if (cop_supervisor_check(tree, sentence, sizeof(sentence)) != COP_OK) {
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_replace_specs: %s", sentence);
                return COP_E_BAD_ARGUMENT;
        }
        cop_status status = find_supervisor(to, &supervisor);
        if (status == COP_OK)
                status = cop__spec_copy(tree, &buffer, &spec);
        if (status != COP_OK)
                return status;
        const cop__replace_specs request = { { (const void *)spec, sizeof(*spec), buffer } };
        status = ask_with(&reply, supervisor, COP_KIND_OF(cop__replace_specs), &request, buffer);
        return status == COP_OK ? status_of(reply, NULL, NULL) : status;
}

/* ---- Looking -------------------------------------------------------------------------- */

cop_status cop_which_children_of(cop_address to, cop_message **answer)
{
        cop_message *reply;
        if (answer == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = ask(&reply, to, COP_KIND_OF(cop__children), &(cop__children){});
        if (status != COP_OK)
                return status;
        if (cop_read(cop_children, reply) == NULL)
                return refusal_of(reply);
        *answer = reply;
        return COP_OK;
}

cop_status cop__explain_running(cop_pid pid, cop_message **answer)
{
        cop_message *reply;
        cop_status status = ask(&reply, cop_to_pid(pid), COP_KIND_OF(cop__explain_tree), &(cop__explain_tree){});
        if (status != COP_OK)
                return status;
        if (cop_read(cop__explained, reply) == NULL)
                return refusal_of(reply);
        *answer = reply;
        return COP_OK;
}

cop_status cop_count_children_of(cop_address to, cop_child_count *count)
{
        cop_message *reply;
        if (count == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = ask(&reply, to, COP_KIND_OF(cop__count), &(cop__count){});
        if (status != COP_OK)
                return status;
        const cop_child_count *counts = cop_read(cop_child_count, reply);
        if (counts == NULL)
                return refusal_of(reply);
        *count = *counts;
        cop_message_free(reply);
        return COP_OK;
}

cop_status cop_get_child_of(cop_address to, cop_address which, cop_message **answer)
{
        cop_message *reply;
        if (answer == NULL || is_no_child(which))
                return COP_E_BAD_ARGUMENT;
        const cop__get_child request = { which.pid, cop_text_of(which.name) };
        cop_status status = ask(&reply, to, COP_KIND_OF(cop__get_child), &request);
        if (status != COP_OK)
                return status;
        if (cop_read(cop_child_spec, reply) == NULL)
                return refusal_of(reply);
        *answer = reply;
        return COP_OK;
}
