/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One child: how it is started, and how it is stopped.
 *
 * A start is a spawn with a link and, for what has an init, the wait for one of three messages.
 * Only these three are taken out of the mailbox; all else that arrives meanwhile keeps its place
 * and its order.
 *
 *      cop_started with our reference      it runs
 *      cop_exited from the child           its init has failed
 *      cop_exited from our own parent      we are to end, and the child with us
 */
#include <string.h>

#include "actors/actor.h"
#include "supervisor/stop.h"
#include "supervisor/supervisor.h"

/* ---- State ------------------------------------------------------------------------ */

static void child_has(struct cop__supervisor *self, uint32_t index, cop_pid pid,
                      enum cop__child_state state)
{
        self->children[index].pid = pid;
        self->children[index].state = (uint8_t)state;
        self->children[index].retry = 0;
        self->members[index].running = true;
}

void cop__child_gone(struct cop__supervisor *self, uint32_t index, enum cop__child_state state)
{
        self->children[index].pid = cop_no_pid();
        self->children[index].state = (uint8_t)state;
        self->members[index].running = false;
}

/* ---- Start ------------------------------------------------------------------------ */

static void fail_with(struct cop__start_failure *failure, const char *tag, cop_term what)
{
        failure->items[0] = cop_atom(tag);
        failure->items[1] = what;
        failure->reason = cop_tuple_of(failure->items, 2);
}

static enum cop__start not_spawned(cop_status status, const char *name,
                                   struct cop__start_failure *failure)
{
        cop_pid holder = cop_no_pid();
        if (status == COP_E_STOPPING) {
                failure->reason = cop_atom("shutdown");
                return COP__START_FORBIDDEN;
        }
        if (status == COP_E_NAME_TAKEN)
                holder = cop_whereis(name);
        if (holder.bits != 0)
                fail_with(failure, "already_started", cop_pid_term(holder));
        else if (status == COP_E_LIMIT || status == COP_E_NO_MEMORY)
                fail_with(failure, "system_limit", cop_atom("spawn"));
        else
                fail_with(failure, "not_spawned", cop_string(cop_status_text(status)));
        return COP__START_FAILED;
}

static cop_status spawn_child(struct cop__supervisor *self, const struct cop__child_spec *spec,
                              cop_ref start_ref, cop_pid *pid)
{
        cop_spawn_options options = {
                .run = spec->run,
                .run_with = spec->run_with,
                .server = spec->server,
                .kind = spec->kind,
                .argument = spec->argument,
                .name = spec->name,
                .start_ref = start_ref,
                .link = true,
                .supervised = true,
        };
        cop__supervisor_start nested = {
                .spec = { (const uint8_t *)spec->supervisor, sizeof(*spec->supervisor),
                          self->tree },
        };
        if (spec->supervisor != NULL) {
                options.server = cop__supervisor_behaviour();
                options.kind = COP_KIND_OF(cop__supervisor_start);
                options.argument = &nested;
        }
        return cop_spawn_opt(&options, pid);
}

/* ---- Names that orphans hold ------------------------------------------------------ */

enum name {
        NAME_FREE,      /* try again */
        NAME_HELD,
        NAME_FORBIDDEN, /* we are to end; *failure has the reason */
};

static bool is_orphan(cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), pid);
        cop_pid parent = { actor != NULL ? cop__load_relaxed(&actor->parent.bits) : 0 };
        return parent.bits != 0 && !cop_is_alive(parent);
}

/*
 * When a supervisor is killed, the one above it and its children hear of that at the same time, and
 * its successor may start before they have ended. OTP lets that start fail, and the tree give up,
 * for nothing but bad luck. Here a name that an orphan holds is waited for, as long as the child
 * that is to have it may take to stop.
 */
static enum name wait_for_name(const struct cop__child_spec *spec,
                               struct cop__start_failure *failure)
{
        cop_pid holder = cop_whereis(spec->name);
        int64_t ms = spec->shutdown_ms == COP_SHUTDOWN_INFINITY ? COP_FOREVER
                     : spec->shutdown_ms > 0                    ? spec->shutdown_ms
                                                                : COP__SHUTDOWN_DEFAULT_MS;
        cop_ref ref;
        if (holder.bits == 0)
                return NAME_FREE;
        if (!is_orphan(holder) || cop_monitor(holder, &ref) != COP_OK)
                return NAME_HELD;
        cop_message *message = cop_receive(
                ms, COP_REF(cop_down, ref),
                (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = cop_parent() });
        cop_demonitor_flush(ref);
        const cop_exited *exited = cop_read(cop_exited, message);
        if (exited != NULL) {
                failure->message = message;
                failure->reason = exited->reason;
                return NAME_FORBIDDEN;
        }
        bool ended = message != NULL;
        cop_message_free(message);
        return ended ? NAME_FREE : NAME_HELD;
}

/* ---- The wait for the start ------------------------------------------------------- */

/* The child may tell us of an end that has not come: anyone may send exit signals. */
static cop_message *receive_news(cop_pid pid, cop_ref start_ref)
{
        for (;;) {
                cop_message *message = cop_receive(
                        COP_FOREVER, COP_REF(cop_started, start_ref),
                        (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = pid },
                        (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = cop_parent() });
                if (!cop_pid_equal(cop_message_from(message), pid) ||
                    cop_read(cop_started, message) != NULL || !cop_is_alive(pid))
                        return message;
                cop_message_free(message);
        }
}

static enum cop__start wait_for_start(struct cop__supervisor *self, uint32_t index, cop_pid pid,
                                      cop_ref start_ref, struct cop__start_failure *failure)
{
        cop_message *message = receive_news(pid, start_ref);
        const cop_exited *exited = cop_read(cop_exited, message);
        if (exited == NULL) {
                cop_message_free(message);
                child_has(self, index, pid, COP__CHILD_RUNNING);
                return COP__STARTED;
        }
        failure->message = message;
        failure->reason = exited->reason;
        if (!cop_pid_equal(exited->pid, pid))
                return COP__START_FORBIDDEN;
        cop__child_gone(self, index, COP__CHILD_STOPPED);
        self->children[index].corpse = pid;
        return COP__START_FAILED;
}

enum cop__start cop__child_start(struct cop__supervisor *self, uint32_t index,
                                 struct cop__start_failure *failure)
{
        const struct cop__child_spec *spec = &self->spec->children[index];
        cop_ref start_ref = { 0 };
        cop_pid pid;
        memset(failure, 0, sizeof(*failure));
        if (spec->server != NULL || spec->supervisor != NULL)
                start_ref = cop_ref_new();
        cop_status status = spawn_child(self, spec, start_ref, &pid);
        while (status == COP_E_NAME_TAKEN) {
                enum name name = wait_for_name(spec, failure);
                if (name == NAME_FORBIDDEN)
                        return COP__START_FORBIDDEN;
                if (name == NAME_HELD)
                        break;
                status = spawn_child(self, spec, start_ref, &pid);
        }
        if (status != COP_OK)
                return not_spawned(status, spec->name, failure);
        if (start_ref.bits == 0) {
                child_has(self, index, pid, COP__CHILD_RUNNING);
                return COP__STARTED;
        }
        child_has(self, index, pid, COP__CHILD_STARTING);
        return wait_for_start(self, index, pid, start_ref, failure);
}

/* ---- Stop ------------------------------------------------------------------------- */

void cop__child_stop(struct cop__supervisor *self, uint32_t index)
{
        cop_pid pid = self->children[index].pid;
        bool late;
        if (cop__stop(pid, cop_self(), self->spec->children[index].shutdown_ms, &late) != COP_OK) {
                /* The links that end with us need no memory. */
                cop_log(COP_LOG_ERROR,
                        "%s has no memory to stop %s, and ends all its children at once",
                        self->spec->label, self->spec->children[index].id);
                cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("stop")));
        }
        cop__child_gone(self, index, COP__CHILD_STOPPED);
        if (self->members[index].restart == COP_TEMPORARY)
                self->members[index].forgotten = true;
        cop__tell_stopped(self, index, pid, late);
}
