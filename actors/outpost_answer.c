/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Answers to the questions of an outpost's process. See outpost_answer.h. */
#include "actors/outpost_answer.h"

#include <coppice/alias.h>
#include <coppice/group.h>
#include <coppice/process.h>
#include <coppice/registry.h>
#include <coppice/timer.h>

#include <stdlib.h>

#include "actors/actor.h"
#include "actors/outpost.h"
#include "actors/outpost_wait.h"
#include "base/memory.h"
#include "mailbox/kind.h"

/* ---- Links and monitors --------------------------------------------------------------- */

static void answer_link(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = ask->on ? cop_link_priority(ask->pid) : cop_link(ask->pid);
}

/*
 * An outpost that waits for room has taken in all that has come: what is to be heard of no more may
 * lie in its mailbox, behind what the process has not read yet, and would get there after the
 * answer. It goes, as if the other had ended a moment later.
 */
static bool forget_news(cop_pattern of)
{
        cop_message *news = cop_receive_any_of(0, &of, 1);
        bool was_there = news != NULL;
        cop_message_free(news);
        return was_there;
}

/* Who lives has nothing there that a link has brought. */
static void answer_unlink(const cop__query *ask, struct cop__verdict *verdict)
{
        (void)verdict;
        cop_unlink(ask->pid);
        if (!cop_is_alive(ask->pid))
                forget_news((cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = ask->pid });
}

static void answer_monitor(const cop__query *ask, struct cop__verdict *verdict)
{
        cop_ref ref = { 0 };
        cop_address to = ask->name.size > 0 ? cop_to_name(ask->name.data) : cop_to_pid(ask->pid);
        cop_monitor_options options = { .tag = ask->term, .priority = ask->on };
        verdict->told.status = cop_monitor_address_opt(to, &options, &ref);
        verdict->told.value = ref.bits;
}

static void answer_demonitor(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = cop__demonitor(cop__thread_here(), cop__actor_here(), ask->ref) ||
                              (ask->ref.bits != 0 && forget_news(COP_REF(cop_down, ask->ref)));
}

static void answer_trap_exit(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = cop_trap_exit(ask->on);
}

/* ---- Names ------------------------------------------------------------------------------ */

static void answer_register(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = cop_register(ask->name.data, ask->pid);
}

static void answer_unregister(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = cop_unregister(ask->name.data);
}

static void answer_whereis(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = cop_whereis(ask->name.data).bits;
}

static void answer_registered(const cop__query *ask, struct cop__verdict *verdict)
{
        (void)ask;
        verdict->told.status = cop_registered(&verdict->told.term);
        verdict->owned = verdict->told.status == COP_OK;
}

static void answer_is_alive(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = cop_is_alive(ask->pid);
}

/* What may be asked to stop; NULL: the verdict says why not. */
static const struct cop__actor *find_mortal(const cop__query *ask, struct cop__verdict *verdict)
{
        const struct cop__actor *actor = cop__slot_of(cop_node_here(), ask->pid);
        if (actor == NULL || (!cop__slot_is(actor, ask->pid) && !cop__is_dying(actor, ask->pid)))
                verdict->told.status = COP_E_NO_ACTOR;
        else if (cop__load_relaxed(&actor->task.visitor) != NULL)
                verdict->told.status = COP_E_BAD_ARGUMENT;
        return verdict->told.status == COP_OK ? actor : NULL;
}

static void answer_server(const cop__query *ask, struct cop__verdict *verdict)
{
        const struct cop__actor *actor = find_mortal(ask, verdict);
        if (actor != NULL)
                verdict->told.value = (uintptr_t)cop__load_relaxed(&actor->server);
}

static void answer_shutdown(const cop__query *ask, struct cop__verdict *verdict)
{
        const struct cop__actor *actor = find_mortal(ask, verdict);
        if (actor != NULL)
                verdict->told.status = cop__send_shutdown(ask->pid, cop__whom_it_obeys(actor));
}

static void answer_label(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = cop_set_label(ask->name.data);
}

/* ---- Spawning ------------------------------------------------------------------------------ */

static void answer_spawn(const cop__query *ask, struct cop__verdict *verdict)
{
        void *wish;
        cop_pid pid = cop_no_pid();
        verdict->told.status = cop__value_read(COP_KIND_OF(cop__wish), ask->body.data,
                                               ask->body.size, &wish);
        if (verdict->told.status != COP_OK)
                return;
        verdict->told.status = cop__outpost_spawn_wish(wish, &verdict->told.ref, &pid);
        verdict->told.value = pid.bits;
        if (verdict->told.status == COP_OK)
                cop__outpost_started(cop__actor_here(), ((const cop__wish *)wish)->asked, pid);
        cop__flat_drop(COP_KIND_OF(cop__wish), wish);
        free(wish);
}

/* ---- Timers --------------------------------------------------------------------------------- */

static cop_address address_of(const cop__query *ask)
{
        if (ask->name.size > 0)
                return cop_to_name(ask->name.data);
        if (ask->ref.bits != 0)
                return cop_to_alias((cop_alias){ ask->pid, ask->ref });
        return cop_to_pid(ask->pid);
}

static cop_status start_timer(const cop__query *ask, const cop_kind *kind, const void *value,
                              cop_ref *ref)
{
        switch (ask->how) {
        case COP__TIMER_AFTER:
                return cop_send_value_after(ask->number, address_of(ask), kind, value, ref);
        case COP__TIMER_AT:
                return cop_send_value_at(ask->number, address_of(ask), kind, value, ref);
        case COP__TIMER_EVERY:
                return cop_send_value_every(ask->number, address_of(ask), kind, value, ref);
        case COP__TIMER_TELLS:
                return cop_start_timer_to(ask->number, address_of(ask), ask->term, ref);
        default:
                return cop_exit_after_to(ask->number, address_of(ask), ask->term, ref);
        }
}

/* Addresses of code do not go to the node by this way either. */
static cop_status start_message_timer(const cop__query *ask, cop_ref *ref)
{
        const cop_kind *kind;
        void *value;
        const cop_kinds *crossing = cop__node_of(cop__thread_here())->crossing_kinds;
        cop_status status = cop__kind_decode(crossing, ask->body.data, ask->body.size, &kind,
                                             &value);
        if (status != COP_OK)
                return status;
        status = cop__kind_bears_address(kind) ? COP_E_ISOLATED
                                               : start_timer(ask, kind, value, ref);
        cop__flat_drop(kind, value);
        free(value);
        return status;
}

static void answer_timer(const cop__query *ask, struct cop__verdict *verdict)
{
        bool bears_message = ask->how <= COP__TIMER_EVERY;
        if (ask->how >= COP__TIMER_HOWS || ask->number < (ask->how == COP__TIMER_EVERY))
                verdict->told.status = COP_E_BAD_ARGUMENT;
        else if (bears_message)
                verdict->told.status = start_message_timer(ask, &verdict->told.ref);
        else
                verdict->told.status = start_timer(ask, NULL, NULL, &verdict->told.ref);
}

static void answer_cancel(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = (uint64_t)cop_cancel(ask->ref);
}

static void answer_time_left(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.value = (uint64_t)cop_timer_left(ask->ref);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* The term is owned by the verdict if there is one. */
static void tell(struct cop__verdict *verdict, cop_status status)
{
        verdict->told.status = status;
        verdict->owned = status == COP_OK;
}

static void change_members(const cop__query *ask, struct cop__verdict *verdict,
                           cop_status (*change)(const char *, cop_term, const cop_pid *, size_t))
{
        size_t count = ask->value.type == COP_TERM_LIST ? ask->value.count : 0;
        cop_pid *pids = cop__calloc(count + 1, sizeof(*pids));
        verdict->told.status = pids != NULL ? COP_OK : COP_E_NO_MEMORY;
        for (size_t i = 0; pids != NULL && i < count; i++) {
                const cop_term *item = &ask->value.as.items[i];
                if (item->type == COP_TERM_PID)
                        pids[i] = item->as.pid; /* else nobody, who is refused */
        }
        if (pids != NULL)
                verdict->told.status = change(ask->name.data, ask->term, pids, count);
        free(pids);
}

static void answer_join(const cop__query *ask, struct cop__verdict *verdict)
{
        change_members(ask, verdict, cop_group_join_all);
}

static void answer_leave(const cop__query *ask, struct cop__verdict *verdict)
{
        change_members(ask, verdict, cop_group_leave_all);
}

static void answer_members(const cop__query *ask, struct cop__verdict *verdict)
{
        cop_term *term = &verdict->told.term;
        tell(verdict, ask->on ? cop_group_local_members(ask->name.data, ask->term, term)
                              : cop_group_members(ask->name.data, ask->term, term));
}

static void answer_groups(const cop__query *ask, struct cop__verdict *verdict)
{
        tell(verdict, cop_scope_groups(ask->name.data, &verdict->told.term));
}

static void answer_pick(const cop__query *ask, struct cop__verdict *verdict)
{
        cop_pid pid = cop_no_pid();
        verdict->told.status = cop_group_pick(ask->name.data, ask->term, (cop_pick)ask->how, &pid);
        verdict->told.value = pid.bits;
}

static void answer_watch(const cop__query *ask, struct cop__verdict *verdict)
{
        cop__told *told = &verdict->told;
        tell(verdict, ask->on ? cop_scope_monitor(ask->name.data, &told->ref, &told->term)
                              : cop_group_monitor(ask->name.data, ask->term, &told->ref,
                                                  &told->term));
}

static void answer_unwatch(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = cop_group_demonitor(ask->ref);
}

/*
 * ---- Registries
 * ---------------------------------------------------------------------------------
 */

static void answer_enter(const cop__query *ask, struct cop__verdict *verdict)
{
        cop_pid holder = cop_no_pid();
        verdict->told.status =
                cop_registry_register(ask->name.data, ask->term, ask->value, &holder);
        verdict->told.value = holder.bits;
}

static void answer_update(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status = cop_registry_update(ask->name.data, ask->term, ask->value);
}

static void answer_withdraw(const cop__query *ask, struct cop__verdict *verdict)
{
        verdict->told.status =
                ask->on ? cop_registry_unregister_match(ask->name.data, ask->term, ask->value)
                        : cop_registry_unregister(ask->name.data, ask->term);
}

static void answer_holder(const cop__query *ask, struct cop__verdict *verdict)
{
        cop_pid pid = cop_no_pid();
        verdict->told.status = cop_registry_whereis(ask->name.data, ask->term, &pid);
        verdict->told.value = pid.bits;
}

static void answer_entries(const cop__query *ask, struct cop__verdict *verdict)
{
        tell(verdict,
             cop_registry_match(ask->name.data, ask->term, ask->value, &verdict->told.term));
}

static void answer_values(const cop__query *ask, struct cop__verdict *verdict)
{
        tell(verdict,
             cop_registry_values(ask->name.data, ask->term, ask->pid, &verdict->told.term));
}

static void answer_keys(const cop__query *ask, struct cop__verdict *verdict)
{
        tell(verdict, cop_registry_keys(ask->name.data, ask->pid, &verdict->told.term));
}

static void answer_entry_count(const cop__query *ask, struct cop__verdict *verdict)
{
        uint64_t count = 0;
        verdict->told.status = cop_registry_count(ask->name.data, &count);
        verdict->told.term = cop_int((int64_t)count);
}

/* ---- All of them ----------------------------------------------------------------------------- */

typedef void answer_fn(const cop__query *ask, struct cop__verdict *verdict);

static answer_fn *const answers[] = {
        [COP__ASK_LINK] = answer_link,
        [COP__ASK_UNLINK] = answer_unlink,
        [COP__ASK_MONITOR] = answer_monitor,
        [COP__ASK_DEMONITOR] = answer_demonitor,
        [COP__ASK_TRAP_EXIT] = answer_trap_exit,
        [COP__ASK_REGISTER] = answer_register,
        [COP__ASK_UNREGISTER] = answer_unregister,
        [COP__ASK_WHEREIS] = answer_whereis,
        [COP__ASK_REGISTERED] = answer_registered,
        [COP__ASK_IS_ALIVE] = answer_is_alive,
        [COP__ASK_LABEL] = answer_label,
        [COP__ASK_SPAWN] = answer_spawn,
        [COP__ASK_TIMER] = answer_timer,
        [COP__ASK_CANCEL] = answer_cancel,
        [COP__ASK_TIME_LEFT] = answer_time_left,
        [COP__ASK_JOIN] = answer_join,
        [COP__ASK_LEAVE] = answer_leave,
        [COP__ASK_MEMBERS] = answer_members,
        [COP__ASK_GROUPS] = answer_groups,
        [COP__ASK_PICK] = answer_pick,
        [COP__ASK_WATCH] = answer_watch,
        [COP__ASK_UNWATCH] = answer_unwatch,
        [COP__ASK_ENTER] = answer_enter,
        [COP__ASK_UPDATE] = answer_update,
        [COP__ASK_WITHDRAW] = answer_withdraw,
        [COP__ASK_HOLDER] = answer_holder,
        [COP__ASK_ENTRIES] = answer_entries,
        [COP__ASK_VALUES] = answer_values,
        [COP__ASK_KEYS] = answer_keys,
        [COP__ASK_ENTRY_COUNT] = answer_entry_count,
        [COP__ASK_SERVER] = answer_server,
        [COP__ASK_SHUTDOWN] = answer_shutdown,
};

_Static_assert(COP__COUNT(answers) == COP__ASK_LAST + 1, "each question has an answer");

bool cop__outpost_answer(const cop__query *ask, struct cop__verdict *verdict)
{
        if (ask->what >= COP__COUNT(answers) || answers[ask->what] == NULL)
                return false;
        answers[ask->what](ask, verdict);
        return true;
}
