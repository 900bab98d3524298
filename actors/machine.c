/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* State machines: from an event to its end. See machine.h for where events are. */
#include "actors/machine.h"

#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "actors/observe.h"
#include "actors/sys.h"
#include "actors/take.h"
#include "base/memory.h"

#define TABLES_MAX 16

/* ---- Lists of signals ---------------------------------------------------------------- */

void cop__machine_append(struct cop__mailbox *list, struct cop__signal *signal)
{
        cop__store_relaxed(&signal->node.next, (struct cop__node *)NULL);
        cop__mailbox_append(list, signal);
}

/* What is in `before` comes first in `list`, and `before` is empty. */
void cop__machine_prepend(struct cop__mailbox *list, struct cop__mailbox *before)
{
        if (before->first == NULL)
                return;
        if (list->first == NULL)
                list->last = before->last;
        else
                cop__store_relaxed(&before->last->node.next, &list->first->node);
        list->first = before->first;
        cop__store_relaxed(&list->count, list->count + before->count);
        *before = (struct cop__mailbox){ .first = NULL };
}

static struct cop__signal *take_first(struct cop__mailbox *list)
{
        struct cop__signal *signal = list->first;
        if (signal == NULL)
                return NULL;
        list->first = signal == list->last
                              ? NULL
                              : cop__signal_of(cop__load_relaxed(&signal->node.next));
        list->count--;
        return signal;
}

/* ---- Whose machine -------------------------------------------------------------------- */

/* Whoever leaves in the middle of an event has that event at hand still: a terminate is none of its handlers all the same. */
struct cop__machine *cop__machine_here(const char *function, bool may_enter)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__machine *machine = actor != NULL ? cop__machine_of(actor) : NULL;
        if (machine == NULL || machine->phase == COP__MACHINE_RESTS || actor->terminating) {
                cop__badarg(function, "only a state machine's handlers may do this");
                return NULL;
        }
        if (machine->phase == COP__MACHINE_ENTERS && !may_enter) {
                cop__badarg(function, "an enter function must not do this");
                return NULL;
        }
        return machine;
}

void cop_machine_begin(const cop_machine *table)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__rare *rare = cop__rare_of(actor);
        struct cop__machine *machine = rare != NULL ? cop__calloc(1, sizeof(*machine)) : NULL;
        if (machine == NULL)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("machine")));
        machine->table = table;
        machine->state = table->first;
        machine->phase = COP__MACHINE_INIT;
        cop__machine_timers_init(machine);
        rare->machine = machine;
}

void cop__machine_end(struct cop__actor *actor)
{
        struct cop__machine *machine = actor->rare->machine;
        actor->rare->machine = NULL;
        cop__machine_timers_fini(machine);
        cop__machine_prepend(&machine->pending, &machine->postponed);
        cop__machine_prepend(&machine->pending, &machine->inserted);
        cop__machine_prepend(&actor->mailbox, &machine->pending);
        free(machine->below);
        free(machine);
}

/* ---- The table -------------------------------------------------------------------------- */

/* What handles that kind in the current state: its own entry, the one for any state, the one for anything. */
static const cop_machine_entry *entry_for(const struct cop__machine *machine, const cop_kind *kind)
{
        const cop_machine_entry *any = NULL, *otherwise = NULL;
        for (size_t i = 0; i < machine->table->entry_count; i++) {
                const cop_machine_entry *entry = &machine->table->entries[i];
                bool fits = entry->kind != NULL && cop__kind_same(entry->kind, kind);
                if (fits && entry->event == COP_MACHINE_IN && entry->state == machine->state)
                        return entry;
                if (fits && entry->event == COP_MACHINE_IN_ANY && any == NULL)
                        any = entry;
                if (entry->event == COP_MACHINE_OTHERWISE)
                        otherwise = entry;
        }
        return any != NULL ? any : otherwise;
}

static const cop_machine_entry *enter_for(const struct cop__machine *machine)
{
        const cop_machine_entry *any = NULL;
        for (size_t i = 0; i < machine->table->entry_count; i++) {
                const cop_machine_entry *entry = &machine->table->entries[i];
                if (entry->event == COP_MACHINE_ENTER && entry->state == machine->state)
                        return entry;
                if (entry->event == COP_MACHINE_ENTER_ANY)
                        any = entry;
        }
        return any;
}

static COP__COLD void drop_unwanted(const struct cop__actor *actor,
                                    const struct cop__machine *machine, const cop_kind *kind)
{
        char pid[COP_ID_TEXT_MAX];
        cop__log_sentence(COP_LOG_WARNING, "%s %s has no entry for %s in state %lld: dropped",
                          machine->table->name, cop_pid_print(cop__actor_pid(actor), pid), kind->name,
                          (long long)machine->state);
}

/* ---- One event -------------------------------------------------------------------------- */

static void enter(struct cop__actor *actor, struct cop__machine *machine, int64_t before)
{
        const cop_machine_entry *entry = enter_for(machine);
        if (entry == NULL)
                return;
        machine->phase = COP__MACHINE_ENTERS;
        cop__store_relaxed(&actor->where, (const void *)(uintptr_t)entry->run.enter);
        entry->run.enter(actor->state, before);
}

/* The event is over, or waits for another state. */
static void put_away(struct cop__actor *actor, struct cop__machine *machine,
                     struct cop__signal *event, bool wanted)
{
        actor->current = NULL;
        if (!wanted && cop__refuse_unwanted(actor, event))
                return;
        if (machine->postpones) {
                cop__queue_release(&actor->queue, &actor->cursor, &event->node);
                cop__machine_append(&machine->postponed, event);
        } else {
                cop__message_done(cop__thread_here(), actor, event);
        }
}

/* What the handler has asked for takes effect. */
static void conclude(struct cop__actor *actor, struct cop__machine *machine)
{
        int64_t before = machine->state;
        bool changes = machine->changes && machine->next != before;
        if (changes) {
                machine->state = machine->next;
                cop__machine_prepend(&machine->pending, &machine->postponed);
                cop__machine_state_left(actor, machine);
        }
        cop__machine_prepend(&machine->pending, &machine->inserted);
        if (changes || machine->repeats)
                enter(actor, machine, before);
        machine->phase = COP__MACHINE_RESTS;
}

static void begin(struct cop__machine *machine)
{
        machine->phase = COP__MACHINE_HANDLES;
        machine->changes = machine->repeats = machine->postpones = false;
        machine->events++;
}

/* Handles one event, which becomes the current one: from here on a death finds it there. */
static void process(struct cop__actor *actor, struct cop__machine *machine,
                    struct cop__signal *event, bool event_timeout)
{
        const cop_machine_entry *entry = entry_for(machine, event->kind);
        actor->current = event;
        if (COP__UNLIKELY(actor->aside & COP__ASIDE_OBSERVED))
                cop__observe_signal(actor, "in", event);
        begin(machine);
        if (!event_timeout)
                cop__machine_timer_end(actor, machine->event_timeout);
        if (entry == NULL) {
                drop_unwanted(actor, machine, event->kind);
        } else if (entry->event == COP_MACHINE_OTHERWISE) {
                cop__store_relaxed(&actor->where, (const void *)(uintptr_t)entry->run.otherwise);
                entry->run.otherwise(actor->state, (cop_message *)event);
        } else {
                cop__store_relaxed(&actor->where, (const void *)(uintptr_t)entry->run.message);
                entry->run.message(actor->state, cop__signal_body(event));
        }
        put_away(actor, machine, event, entry != NULL);
        conclude(actor, machine);
        if (COP__UNLIKELY(actor->aside & COP__ASIDE_OBSERVED))
                cop__observe_state(actor);
}

/* A call that was postponed, and nobody else will answer, may have lost its caller when its turn comes. */
static bool is_given_up(const struct cop__signal *event)
{
        return event->flags & COP__SIGNAL_CALL && !(event->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_DEFERRED)) &&
               cop__calling_is_over(cop__node_of(cop__thread_here()), event);
}

/* All that comes before messages from outside. */
static void process_pending(struct cop__actor *actor, struct cop__machine *machine)
{
        for (;;) {
                bool event_timeout = false;
                struct cop__signal *event = take_first(&machine->pending);
                if (event == NULL)
                        event = cop__machine_timer_take(machine, (cop_ref){ 0 }, &event_timeout);
                if (event == NULL)
                        return;
                if (COP__UNLIKELY(is_given_up(event)))
                        cop__calling_drop(cop__thread_here(), actor, event);
                else
                        process(actor, machine, event, event_timeout);
                cop__spend(actor, 1, __builtin_return_address(0));
        }
}

/* A timer's message has done its duty when it is here: what counts is the event that it was for. */
static void process_timeout(struct cop__actor *actor, struct cop__machine *machine,
                            struct cop__signal *signal)
{
        bool event_timeout;
        cop_ref id = ((const cop__machine_time *)cop__signal_body(signal))->id;
        actor->current = NULL;
        cop__signal_done(cop__thread_here(), actor, signal);
        if (id.bits == 0)
                return;
        struct cop__signal *event = cop__machine_timer_take(machine, id, &event_timeout);
        if (event != NULL)
                process(actor, machine, event, event_timeout);
}

void cop_machine_handle(cop_message *message)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__machine *machine = cop__machine_of(actor);
        struct cop__signal *signal = (struct cop__signal *)message;
        if (cop__kind_same(signal->kind, COP_KIND_OF(cop__machine_time)))
                process_timeout(actor, machine, signal);
        else
                process(actor, machine, signal, false);
        process_pending(actor, machine);
}

/* The end of init. Events that it has inserted are handled once its starter knows, and before any message: a message of our
 * own goes to the front of the mailbox for that. */
void cop_machine_enter_first(void)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__machine *machine = cop__machine_of(actor);
        struct cop__signal *signal;
        int64_t first = machine->changes ? machine->next : machine->state;
        machine->state = first;
        cop__machine_prepend(&machine->pending, &machine->inserted);
        enter(actor, machine, first);
        machine->phase = COP__MACHINE_RESTS;
        if (machine->pending.first == NULL && cop__list_is_empty(&machine->due))
                return;
        if (cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop__machine_time), &(cop__machine_time){ { 0 } }, &signal) !=
            COP_OK)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("machine")));
        cop__sys_give_way(actor);
        struct cop__mailbox one = { .first = NULL };
        cop__machine_append(&one, signal);
        cop__machine_prepend(&actor->mailbox, &one);
}

/* ---- What handlers ask for -------------------------------------------------------------- */

int64_t cop_state(void)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__machine *machine = actor != NULL ? cop__machine_of(actor) : NULL;
        if (machine == NULL)
                cop__badarg("state", "only a state machine has a state");
        return machine != NULL ? machine->state : 0;
}

void cop_next_state(int64_t state)
{
        struct cop__machine *machine = cop__machine_here("next_state", false);
        if (machine == NULL)
                return;
        machine->changes = true;
        machine->next = state;
}

void cop_repeat_state(void)
{
        struct cop__machine *machine = cop__machine_here("repeat_state", false);
        if (machine != NULL)
                machine->repeats = true;
}

void cop_postpone(void)
{
        struct cop__machine *machine = cop__machine_here("postpone", false);
        if (machine == NULL)
                return;
        if (machine->phase == COP__MACHINE_INIT)
                cop__badarg("postpone", "an init has no event to postpone");
        machine->postpones = true;
}

cop_status cop_insert_value(cop_caller caller, const cop_kind *kind, const void *value)
{
        struct cop__machine *machine = cop__machine_here("insert_event", false);
        struct cop__signal *event;
        if (machine == NULL)
                return COP_E_NO_NODE;
        cop_status status = cop__signal_owed(&cop__thread_here()->pool, kind, value, &event); /* it goes on with what it is at */
        if (status != COP_OK)
                return status;
        event->from = caller.pid.bits != 0 ? caller.pid : cop_self();
        event->ref = caller.ref;
        cop__machine_append(&machine->inserted, event);
        return COP_OK;
}

cop_status cop_push_table(const cop_machine *table)
{
        struct cop__machine *machine = cop__machine_here("push_table", true);
        if (machine == NULL)
                return COP_E_NO_NODE;
        if (table == NULL)
                return COP_E_BAD_ARGUMENT;
        if (machine->depth == TABLES_MAX)
                return COP_E_LIMIT;
        if (machine->below == NULL)
                machine->below = cop__calloc(TABLES_MAX, sizeof(*machine->below));
        if (machine->below == NULL)
                return COP_E_NO_MEMORY;
        machine->below[machine->depth++] = machine->table;
        machine->table = table;
        return COP_OK;
}

void cop_pop_table(void)
{
        struct cop__machine *machine = cop__machine_here("pop_table", true);
        if (machine == NULL)
                return;
        if (machine->depth == 0)
                cop__badarg("pop_table", "no table was pushed that is still there");
        else
                machine->table = machine->below[--machine->depth];
}
