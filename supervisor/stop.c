/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Stopping one actor. See stop.h.
 *
 * A monitor tells of the end, and not the link, which the other side may have undone. The link
 * stays until then all the same: if the caller is killed while it waits, the other one shall hear
 * of it.
 */
#include "supervisor/stop.h"

#include "actors/actor.h"
#include "actors/crossing.h"
#include "actors/inside.h"
#include "supervisor/spec.h"
#include "supervisor/supervisor.h"

/* In an OS process of its own the caller asks the node, which knows in whose name. */
static cop_status ask(cop_pid pid, cop_pid from)
{
        cop__told told = { .status = COP_OK };
        if (cop__inside_here() == NULL)
                return cop__send_shutdown(pid, from);
        cop_status status = cop__inside_ask((cop__query){ .what = COP__ASK_SHUTDOWN, .pid = pid }, &told);
        return status == COP_OK && told.status == COP_E_NO_MEMORY ? COP_E_NO_MEMORY : status;
}

/*
 * Its end would be that of a caller that traps no exits. It is asked before: who cannot be, for want of memory, stays linked.
 * Nothing is heard in between, as the caller takes nothing in. In an OS process of its own each of these is a question, and what
 * comes before its answer is heard: there the two part first, and are linked again if that was in vain.
 */
static bool parts_first(void)
{
        return cop__inside_here() != NULL && !cop__actor_here()->trap_exit;
}

static void part(cop_pid pid)
{
        if (!cop__actor_here()->trap_exit)
                cop_unlink(pid);
}

/* Until it is dead, or a signal could not be sent. */
static cop_status stop_tied(cop_pid pid, cop_pid from, int64_t shutdown_ms, cop_ref ref, bool *late)
{
        cop_message *down = NULL;
        if (shutdown_ms != COP_BRUTAL_KILL) {
                cop_status status = ask(pid, from);
                if (status != COP_OK)
                        return status;
                part(pid);
        }
        if (shutdown_ms == COP_SHUTDOWN_INFINITY)
                down = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        else if (shutdown_ms > 0)
                down = cop_receive(shutdown_ms, COP_REF(cop_down, ref));
        if (down == NULL) {
                cop_status status = cop_send_exit(pid, cop_atom("kill"));
                if (status != COP_OK)
                        return status;
                part(pid);
                *late = shutdown_ms > 0;
                down = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        }
        cop_message_free(down);
        return COP_OK;
}

static cop_status stop_monitored(cop_pid pid, cop_pid from, int64_t shutdown_ms, cop_ref ref,
                                 bool *late)
{
        if (!parts_first())
                return stop_tied(pid, from, shutdown_ms, ref, late);
        cop_unlink(pid);
        cop_status status = stop_tied(pid, from, shutdown_ms, ref, late);
        if (status != COP_OK)
                cop_link(pid);
        return status;
}

/* Whether it was asked to end or not: a dead slot answers at once, and the link's news may be here, or on its way. */
static void part_with_dead(cop_pid pid)
{
        cop_unlink(pid);
        cop_message_free(cop_receive(
                0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = pid }));
}

cop_status cop__stop(cop_pid pid, cop_pid from, int64_t shutdown_ms, bool *late)
{
        cop_ref ref;
        *late = false;
        cop_status status = cop_monitor(pid, &ref);
        if (status != COP_OK)
                return status;
        status = stop_monitored(pid, from, shutdown_ms, ref, late);
        if (status != COP_OK) {
                cop_demonitor_flush(ref);
                return status;
        }
        part_with_dead(pid);
        return COP_OK;
}

/* ---- The public operation --------------------------------------------------------- */

static int64_t time_for(const cop_behaviour *server, int64_t shutdown_ms)
{
        if (shutdown_ms == COP_FOREVER)
                return COP_SHUTDOWN_INFINITY;
        if (shutdown_ms != COP_SHUTDOWN_DEFAULT)
                return shutdown_ms;
        return server == cop__supervisor_behaviour() ? COP_SHUTDOWN_INFINITY : COP__SHUTDOWN_DEFAULT_MS;
}

/* What it is, and in whose name it is asked. Errors: COP_E_NO_ACTOR, and COP_E_BAD_ARGUMENT: a thread of the program ends when it
 * wants to. */
static cop_status look_up(cop_pid pid, const cop_behaviour **server, cop_pid *master)
{
        cop__told told = { .status = COP_OK };
        if (cop__inside_here() != NULL) {
                cop_status status = cop__inside_ask((cop__query){ .what = COP__ASK_SERVER, .pid = pid }, &told);
                *server = (const cop_behaviour *)(uintptr_t)told.value;
                *master = cop_no_pid();
                return status == COP_OK ? (cop_status)told.status : status;
        }
        const struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), pid);
        if (actor != NULL && cop__is_dying(actor, pid)) { /* nobody's any more, and its end is awaited */
                *server = NULL;
                *master = cop_no_pid();
                return COP_OK;
        }
        if (actor == NULL || !cop__slot_is(actor, pid))
                return COP_E_NO_ACTOR;
        *server = cop__load_relaxed(&actor->server);
        *master = cop__whom_it_obeys(actor);
        return cop__load_relaxed(&actor->task.visitor) != NULL ? COP_E_BAD_ARGUMENT : COP_OK;
}

cop_status cop_shutdown(cop_pid pid, int64_t shutdown_ms)
{
        const cop_behaviour *server;
        cop_pid master;
        bool late;
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (pid.bits == 0 || cop_pid_equal(pid, cop_self()) || shutdown_ms < COP_SHUTDOWN_AT_ONCE ||
            cop__pid_node(pid) != 0)
                return COP_E_BAD_ARGUMENT;
        cop_status status = look_up(pid, &server, &master);
        if (status == COP_E_NO_ACTOR) {
                part_with_dead(pid);
                return COP_OK;
        }
        if (status != COP_OK)
                return status;
        return cop__stop(pid, master, time_for(server, shutdown_ms), &late);
}
