/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The supervisor: a server that traps exits and blocks where it must wait, in its init, its
 * handlers and its terminate. So an idle supervisor holds no stack, and each of its states is a
 * place in this file:
 *
 *                      starting           idle             restarting         ending
 *                      (init)             (no code runs)   (a handler)        (terminate)
 *      waits for       a child's start    anything         a child's stop,    a child's stop
 *                                                          or start
 *      -----------------------------------------------------------------------------------------
 *      that came       next child         -                next step          next child
 *      start failed    end (1)            -                retry to itself    -
 *      another child   later              restart, leave   later              later: its turn to
 *        has ended                        or forget it                        be stopped comes
 *      parent's exit   end with its       end with its     end with its       later: it is ending
 *                      reason             reason           reason (2)
 *      retry           -                  restart          later              dropped
 *      cop__children   later              answer           later              the call fails
 *      stranger's      later              log and drop     later              dropped
 *        exit, other messages
 *      kill            dies at once in every state; its links end the children, in no order
 *
 *      later: it stays in the mailbox, in its place.  end: the children stop in reverse, it exits.
 *      (1) with {shutdown, {failed_to_start_child, Id, Reason}}
 *      (2) while a child stops, only when that is over: its shutdown time bounds the wait
 *
 * More restarts than are borne: end, with shutdown, which is a failure to the supervisor above if
 * the child is permanent.
 */
#include "supervisor/supervisor.h"

#include "actors/actor.h"
#include "base/clock.h"

typedef struct cop__supervisor supervisor;

#define NO_CHILD UINT32_MAX

/* ---- Ending ----------------------------------------------------------------------- */

static void stop_all(supervisor *self)
{
        for (uint32_t i = self->spec->child_count; i-- > 0;)
                if (self->members[i].running)
                        cop__child_stop(self, i);
}

/* After init, terminate stops the children; before, it is not called. */
static COP__NORETURN void end(supervisor *self, cop_term reason)
{
        if (!self->started) {
                stop_all(self);
                if (self->alone)
                        cop_unlink(cop_parent()); /* it hears of a failed start as an answer */
        }
        cop_exit(reason);
}

static void terminate(supervisor *self, cop_term reason)
{
        (void)reason;
        stop_all(self);
}

/* ---- Starting --------------------------------------------------------------------- */

/*
 * A supervisor may be killed at any moment, and runs no line of its own then. What it has received
 * is freed with all that it holds; so it keeps its share of the tree in a message to itself.
 */
static void keep_share(supervisor *self, const cop__supervisor_start *start)
{
        cop_pid me = cop_self();
        if (cop_send_value(cop_to_pid(me), COP_KIND_OF(cop__supervisor_start), start) != COP_OK)
                cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("start")));
        self->share = cop_receive(COP_FOREVER,
                                  (cop_pattern){ .kind = COP_KIND_OF(cop__supervisor_start),
                                                 .from = me });
        self->tree = cop_read(cop__supervisor_start, self->share)->spec.buffer;
        self->spec = (const void *)start->spec.data;
        self->alone = start->alone;
}

static void *allocate(size_t count, size_t size)
{
        void *memory = cop_alloc(count * size);
        if (memory == NULL)
                cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("start")));
        return memory;
}

static void allocate_state(supervisor *self)
{
        const struct cop__supervisor_spec *spec = self->spec;
        self->children = allocate(spec->child_count, sizeof(*self->children));
        self->members = allocate(spec->child_count, sizeof(*self->members));
        self->order = allocate(spec->child_count, 2 * sizeof(*self->order));
        cop__intensity_init(&self->intensity, allocate(1, cop__intensity_size(spec->intensity)),
                            spec->intensity, spec->period_ms);
        for (uint32_t i = 0; i < spec->child_count; i++)
                self->members[i].restart = spec->children[i].restart;
}

static COP__NORETURN void fail_to_start(supervisor *self, uint32_t index, cop_term reason)
{
        cop__tell_no_start(self, index, self->children[index].corpse);
        end(self, COP_TUPLE(cop_atom("shutdown"),
                            COP_TUPLE(cop_atom("failed_to_start_child"),
                                      cop_atom(self->spec->children[index].id), reason)));
}

static void init(supervisor *self, const cop__supervisor_start *start)
{
        struct cop__start_failure failure;
        cop_trap_exit(true);
        keep_share(self, start);
        allocate_state(self);
        for (uint32_t i = 0; i < self->spec->child_count; i++)
                switch (cop__child_start(self, i, &failure)) {
                case COP__STARTED:
                        break;
                case COP__START_FAILED:
                        fail_to_start(self, i, failure.reason);
                case COP__START_FORBIDDEN:
                        end(self, failure.reason);
                }
        self->started = true;
}

/* ---- Restarting ------------------------------------------------------------------- */

static COP__NORETURN void give_up(supervisor *self, uint32_t index)
{
        cop__tell_gave_up(self, index);
        end(self, cop_atom("shutdown"));
}

/* The next attempt is a message to itself: what has arrived meanwhile is served in between. */
static void retry_later(supervisor *self, uint32_t index)
{
        struct cop__child *child = &self->children[index];
        child->state = COP__CHILD_RESTARTING;
        child->retry = ++self->retries;
        if (cop_send(cop_self(), cop__supervisor_retry, .child = index, .number = child->retry) !=
            COP_OK)
                end(self, COP_TUPLE(cop_atom("system_limit"), cop_atom("restart")));
}

/* True if the next child may be started. */
static bool start_again(supervisor *self, uint32_t index)
{
        struct cop__child *child = &self->children[index];
        struct cop__start_failure failure;
        cop_pid corpse = child->corpse;
        switch (cop__child_start(self, index, &failure)) {
        case COP__STARTED:
                child->corpse = cop_no_pid();
                child->restarts++;
                cop__tell_restarted(self, index, corpse);
                return true;
        case COP__START_FAILED:
                cop__tell_failed(self, index, corpse, failure.reason);
                retry_later(self, index);
                cop_message_free(failure.message);
                return false;
        default:
                end(self, failure.reason);
        }
}

/* One failure: counted once, however many children it concerns. */
static void restart(supervisor *self, uint32_t index)
{
        struct cop__plan plan = { self->order, self->order + self->spec->child_count, 0, 0 };
        if (cop__intensity_add(&self->intensity, cop__clock_ns()))
                give_up(self, index);
        cop__strategy_plan(self->spec->strategy, self->members, self->spec->child_count, index,
                           &plan);
        for (uint32_t i = 0; i < plan.stop_count; i++)
                cop__child_stop(self, plan.stop[i]);
        for (uint32_t i = 0; i < plan.start_count; i++)
                if (!start_again(self, plan.start[i]))
                        return;
}

/* ---- What it hears ---------------------------------------------------------------- */

static uint32_t child_of(const supervisor *self, cop_pid pid)
{
        for (uint32_t i = 0; i < self->spec->child_count; i++)
                if (self->members[i].running && cop_pid_equal(self->children[i].pid, pid))
                        return i;
        return NO_CHILD;
}

/* A link or an exit signal of someone else, or of a child that only says it is dead. */
static void ignore_exit(const supervisor *self, const cop_exited *exited)
{
        char pid[COP_ID_TEXT_MAX], reason[160];
        cop_term_print(exited->reason, NULL, reason, sizeof(reason));
        cop_log(COP_LOG_WARNING,
                "%s ignored an exit signal from %s, who is neither its parent nor a child that has "
                "ended: %s",
                self->spec->label, cop_pid_print(exited->pid, pid), reason);
}

static void on_exited(supervisor *self, const cop_exited *exited)
{
        uint32_t index = child_of(self, exited->pid);
        if (index == NO_CHILD || cop_is_alive(exited->pid)) {
                ignore_exit(self, exited);
                return;
        }
        cop__child_gone(self, index, COP__CHILD_STOPPED);
        struct cop__member *member = &self->members[index];
        if (!cop__restart_is_wanted(member->restart, !cop__reason_is_crash(exited->reason))) {
                member->forgotten = member->restart == COP_TEMPORARY;
                cop__tell_left(self, index, exited->pid, exited->reason);
                return;
        }
        self->children[index].corpse = exited->pid;
        cop__tell_ended(self, index, exited->pid, exited->reason);
        restart(self, index);
}

/* One that has been overtaken, by a restart of the child with its siblings, bears an old number. */
static void on_retry(supervisor *self, const cop__supervisor_retry *retry)
{
        if (retry->child < self->spec->child_count && retry->number != 0 &&
            self->children[retry->child].retry == retry->number)
                restart(self, retry->child);
}

static void on_children(supervisor *self, const cop__children *request)
{
        cop_any answer;
        void *memory;
        (void)request;
        if (!cop__tell_children(self, &answer.term, &memory))
                return; /* the caller is told that there is no answer */
        cop_reply_value(COP_KIND_OF(cop_any), &answer);
        cop_release(memory);
}

COP_SERVER(supervisor, COP_INIT_WITH(cop__supervisor_start, init), COP_ON(cop_exited, on_exited),
           COP_ON(cop__supervisor_retry, on_retry), COP_ON(cop__children, on_children),
           COP_TERMINATE(terminate));

const cop_behaviour *cop__supervisor_behaviour(void)
{
        return &supervisor_server;
}
