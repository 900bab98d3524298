/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Task groups: an actor whose links are the tasks. See coppice/task_group.h.
 *
 *      owner ◄──monitor── group ──link── task
 *                           ├───link── task ◄──monitor── inner group ──link── task
 *                           └───────────────link──────────────┘
 *
 *      open ──a task fails, deadline, cancel, the owner's end──► cancelled
 *        └──closed or without owner, and no members──► over ◄──────┘
 *
 * The group spawns its tasks itself, so each is linked before its first instruction, and a group that is killed takes them
 * along. It traps exits: what comes from a member is its end, unless that is alive and has sent an exit signal, which would end
 * whoever traps none. Then the group is cancelled for that reason, and the member is waited for like the others.
 *
 * A group that a task opens asks the group around it to be let in before the task has it. From there on it is a member like a
 * task, only that it is never killed: it has a grace of its own, and ends when its own members have. A group calls nobody
 * but the one around it, and that only in its init; so they cannot wait for each other in a circle.
 */
#include <coppice/request.h>
#include <coppice/task_group.h>

#include <stdlib.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/request.h"
#include "actors/task.h"
#include "base/memory.h"
#include "mailbox/kind.h"

#define GRACE_MS_DEFAULT 5000

COP_MESSAGE_DEFINE(cop_task_group, pid);

/* ---- What is asked of a group ---------------------------------------------------------- */

typedef struct {
        cop_pid owner, around; /* around: the group that the owner is a task of, or nobody */
        int64_t deadline_ms, grace_ms;
} cop__group_open;
COP_MESSAGE(cop__group_open, owner, around, deadline_ms, grace_ms);

typedef struct {
        uint64_t run, run_with, kind; /* addresses: constants of the program */
        cop_term argument;            /* of that kind */
} cop__group_start;
COP_MESSAGE(cop__group_start, run, run_with, kind, argument);

typedef struct {
        cop_pid inner;
} cop__group_adopt;
COP_MESSAGE(cop__group_adopt, inner);

typedef struct {
        bool all;
} cop__group_close;
COP_MESSAGE(cop__group_close, all);

typedef struct {
        bool all;
} cop__group_cancel;
COP_MESSAGE(cop__group_cancel, all);

typedef struct {
        bool kill; /* the grace is over; else the deadline is */
} cop__group_time;
COP_MESSAGE(cop__group_time, kill);

/* The answer to those that are called. */
typedef struct {
        int64_t status;
        cop_pid pid;     /* of a start */
        cop_term reason; /* of COP_E_DIED */
} cop__group_answer;
COP_MESSAGE(cop__group_answer, status, pid, reason);

/* ---- The group's state -------------------------------------------------------------------- */

struct member {
        struct cop__table_node node; /* key: the pid */
        bool is_group;
};

/* What is not the actor's own memory, and must end with it even if it is killed. */
struct contents {
        struct cop__belonging belonging;
        struct cop__table members;
        struct cop__shared_term *reason; /* of COP_E_DIED, or NULL */
};

typedef struct {
        struct contents *contents;
        cop_pid owner, around;
        cop_caller closer;   /* nobody: it has not been closed */
        bool orphaned;       /* the owner has ended */
        bool cancelled;
        cop_status status;   /* what ended it first */
        int64_t grace_ms;
} task_group;

static void contents_end(struct cop__belonging *belonging)
{
        struct contents *contents = COP__CONTAINER(belonging, struct contents, belonging);
        cop__table_fini(&contents->members);
        cop__shared_term_drop(contents->reason);
        free(contents);
}

static struct contents *contents_new(void)
{
        struct contents *contents = cop__calloc(1, sizeof(*contents));
        if (contents == NULL)
                return NULL;
        contents->belonging.end = contents_end;
        if (cop__own(cop__actor_here(), &contents->belonging))
                return contents;
        free(contents);
        return NULL;
}

static struct member *find(const task_group *self, cop_pid pid)
{
        struct cop__table_node *node = cop__table_find_first(&self->contents->members, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct member, node) : NULL;
}

static void add(task_group *self, struct member *member, cop_pid pid, bool is_group)
{
        member->node.key = pid.bits;
        member->is_group = is_group;
        cop__table_insert(&self->contents->members, &member->node);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void answer(cop_status status)
{
        COP__REPLY_OWED(cop__group_answer, .status = status, .reason = cop_nil());
}

static void end_if_over(task_group *self)
{
        const struct cop__shared_term *reason = self->contents->reason;
        if (self->contents->members.count > 0 || (self->closer.pid.bits == 0 && !self->orphaned))
                return;
        if (self->closer.pid.bits != 0)
                cop__reply_owed(self->closer, COP_KIND_OF(cop__group_answer),
                                &(cop__group_answer){ .status = self->status,
                                                      .reason = reason != NULL ? reason->term : cop_nil() });
        cop_exit(cop_atom("normal"));
}

/* Without memory for the signal the links must do: a group that ends takes its tasks along. */
static void send_exit(cop_pid pid, cop_term reason)
{
        if (cop_send_exit(pid, reason) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void send_exit_to_all(const task_group *self, cop_term reason, bool groups)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &self->contents->members);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                if (groups || !COP__CONTAINER(node, struct member, node)->is_group)
                        send_exit((cop_pid){ node->key }, reason);
}

/* The first that ends it counts. */
static void cancel(task_group *self, cop_status status, cop_term reason)
{
        if (self->cancelled)
                return;
        self->cancelled = true;
        self->status = status;
        if (status == COP_E_DIED)
                self->contents->reason = cop__shared_term_new(reason);
        send_exit_to_all(self, COP_TUPLE(cop_atom("shutdown"), cop_atom("cancelled")), true);
        if (cop_send_after(NULL, self->grace_ms, cop_self(), cop__group_time, .kill = true) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void task_group_on_time(task_group *self, const cop__group_time *time)
{
        if (time->kill)
                send_exit_to_all(self, cop_atom("kill"), false);
        else
                cancel(self, COP_E_TIMEOUT, cop_nil());
}

static void task_group_on_cancel(task_group *self, const cop__group_cancel *order)
{
        (void)order;
        cancel(self, COP_E_DIED, cop_atom("cancelled"));
}

/* The end of a member is told by its link: what it has sent itself may be read after its end, and is somebody's word only. */
static void task_group_on_exited(task_group *self, const cop_exited *exited)
{
        struct member *member = find(self, exited->pid);
        if (member != NULL) {
                if (cop__actor_here()->current->flags & COP__SIGNAL_THROUGH) {
                        cop__table_remove(&self->contents->members, &member->node);
                        cop_release(member);
                }
                if (!cop_is_atom(exited->reason, "normal"))
                        cancel(self, COP_E_DIED, exited->reason);
        } else if (cop_pid_equal(exited->pid, self->around)) {
                cancel(self, COP_E_DIED, cop_atom("cancelled"));
        }
        end_if_over(self);
}

/* The owner has ended. */
static void task_group_on_down(task_group *self, const cop_down *down)
{
        if (!cop_pid_equal(down->pid, self->owner))
                return;
        self->orphaned = true;
        self->closer = (cop_caller){ { 0 }, { 0 } };
        cancel(self, COP_E_DIED, cop_atom("cancelled"));
        end_if_over(self);
}

static void task_group_on_close(task_group *self, const cop__group_close *close)
{
        (void)close;
        if (!cop_pid_equal(cop__actor_here()->current->from, self->owner)) {
                answer(COP_E_NOT_OWNER);
                return;
        }
        self->closer = cop_defer();
        if (self->closer.pid.bits == 0)
                answer(COP_E_NO_MEMORY);
        end_if_over(self);
}

/* ---- Beginnings --------------------------------------------------------------------------------- */

/* What a group answers, as a status. */
static cop_status take_answer(cop_message *reply, cop_pid *pid)
{
        const cop__group_answer *said = cop_read(cop__group_answer, reply);
        cop_status status = said != NULL ? (cop_status)said->status : COP_E_MALFORMED;
        if (status == COP_E_DIED)
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(said->reason));
        else if (status == COP_OK && pid != NULL)
                *pid = said->pid;
        cop_message_free(reply);
        return status;
}

/* Lets the group around know of this one before its owner does. One that is being cancelled lets in nobody. This one has been let in by the
 * node. */
static void join(cop_pid around)
{
        cop_message *reply = NULL;
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(around), COP_FOREVER, COP_KIND_OF(cop__group_adopt),
                                                  &(cop__group_adopt){ .inner = cop_self() });
        if (status == COP_OK)
                status = take_answer(reply, NULL);
        if (status == COP_E_NO_MEMORY)
                cop_exit(cop_atom("no_memory"));
        if (status != COP_OK)
                cop_ignore();
}

static void task_group_init(task_group *self, const cop__group_open *open)
{
        cop_ref owner_down;
        cop_trap_exit(true);
        self->owner = open->owner;
        self->around = open->around;
        self->grace_ms = open->grace_ms > 0 ? open->grace_ms : GRACE_MS_DEFAULT;
        self->contents = contents_new();
        if (self->contents == NULL || cop_monitor(open->owner, &owner_down) != COP_OK)
                cop_exit(cop_atom("no_memory"));
        if (open->deadline_ms > 0 &&
            cop_send_after(NULL, open->deadline_ms, cop_self(), cop__group_time, .kill = false) !=
                    COP_OK)
                cop_exit(cop_atom("no_memory"));
        if (open->around.bits != 0)
                join(open->around);
}

static cop_status adopt(task_group *self, cop_pid inner)
{
        if (self->cancelled)
                return COP_E_STOPPING;
        struct member *member = cop__alloc_owed(sizeof(*member));
        cop_status status = member != NULL ? cop_link(inner) : COP_E_NO_MEMORY;
        if (status == COP_OK)
                add(self, member, inner, true);
        else
                cop_release(member);
        return status;
}

static void task_group_on_adopt(task_group *self, const cop__group_adopt *order)
{
        answer(adopt(self, order->inner));
}

static cop_status spawn(const cop__group_start *start, cop_pid *pid)
{
        const cop_spawn_options options = {
                .run = (void (*)(void))(uintptr_t)start->run,
                .run_with = (void (*)(const void *))(uintptr_t)start->run_with,
                .kind = (const cop_kind *)(uintptr_t)start->kind,
                .link = true,
        };
        return cop__spawn_from_term(options, start->argument, pid);
}

static cop_status start_task(task_group *self, const cop__group_start *start, cop_pid *pid)
{
        if (self->cancelled)
                return COP_E_STOPPING;
        struct member *member = cop__alloc_owed(sizeof(*member)); /* whether it is let in the spawn says */
        cop_status status = member != NULL ? spawn(start, pid) : COP_E_NO_MEMORY;
        if (status == COP_OK)
                add(self, member, *pid, false);
        else
                cop_release(member);
        return status;
}

static void task_group_on_start(task_group *self, const cop__group_start *start)
{
        cop_pid pid = cop_no_pid();
        cop_status status = start_task(self, start, &pid);
        COP__REPLY_OWED(cop__group_answer, .status = status, .pid = pid, .reason = cop_nil());
}

COP_SERVER(task_group, COP_INIT_WITH(cop__group_open, task_group_init),
           COP_ON(cop__group_start, task_group_on_start),
           COP_ON(cop__group_adopt, task_group_on_adopt),
           COP_ON(cop__group_close, task_group_on_close),
           COP_ON(cop__group_cancel, task_group_on_cancel),
           COP_ON(cop__group_time, task_group_on_time), COP_ON(cop_exited, task_group_on_exited),
           COP_ON(cop_down, task_group_on_down));

bool cop__is_task_group(const cop_behaviour *server)
{
        return server == &task_group_server;
}

/* ---- The public operations ------------------------------------------------------------------------ */

/* The group that the actor is a task of. One that is no more is none: its tasks are as good as dead. */
static cop_pid group_around(const struct cop__actor *self)
{
        cop_pid parent = self->parent;
        struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), parent);
        bool is_group = actor != NULL && cop__slot_is(actor, parent) &&
                        cop__is_task_group(cop__load_relaxed(&actor->server));
        return is_group ? parent : cop_no_pid();
}

static bool is_time(int64_t ms)
{
        return ms >= 0 && ms <= COP_TIMER_MS_MAX;
}

cop_status cop_task_group_open(const cop_task_group_options *options, cop_task_group *group)
{
        struct cop__actor *self = cop__actor_here();
        cop_task_group_options wanted = options != NULL ? *options : (cop_task_group_options){ 0 };
        if (self == NULL)
                return COP_E_NO_NODE;
        if (group == NULL || !is_time(wanted.deadline_ms) || !is_time(wanted.grace_ms))
                return COP_E_BAD_ARGUMENT;
        cop__group_open open = {
                .owner = cop_self(),
                .around = group_around(self),
                .deadline_ms = wanted.deadline_ms,
                .grace_ms = wanted.grace_ms,
        };
        cop_status status = cop_start(&(cop_spawn_options){ .server = &task_group_server,
                                                            .kind = COP_KIND_OF(cop__group_open),
                                                            .argument = &open },
                                      COP_FOREVER, &group->pid);
        return status == COP_E_IGNORED ? COP_E_STOPPING : status;
}

/*
 * What is asked of a group has the time of its own, whoever the caller is at work for: a task that was started and not told of,
 * or a group that nobody has closed, would be left behind.
 *
 * The term ends before the wait, since whoever waits may be ended.
 */
static cop_status send_start(cop_task_group group, const cop_task_options *options,
                             cop_request *request)
{
        struct cop__kept *argument = NULL;
        if (options->kind != NULL) {
                cop_term term;
                cop_status status = cop__kind_to_term(options->kind, options->argument, &term);
                if (status != COP_OK)
                        return status;
                argument = cop__keep_term(cop__actor_here(), term);
                if (argument == NULL)
                        return COP_E_NO_MEMORY;
        }
        const cop__group_start start = { .run = (uintptr_t)options->run,
                                         .run_with = (uintptr_t)options->run_with,
                                         .kind = (uintptr_t)options->kind,
                                         .argument = cop__kept_term(argument) };
        cop_status status = cop__request_send(request, group.pid, COP_KIND_OF(cop__group_start), &start, UINT64_MAX,
                                              __builtin_return_address(0));
        cop__kept_free(argument);
        return status;
}

cop_status cop_task_group_start(cop_task_group group, const cop_task_options *options, cop_pid *pid)
{
        cop__task_start checked;
        cop_request request;
        cop_message *reply = NULL;
        cop_status status = cop__task_prepare(options, &checked);
        if (status == COP_OK && (options->nolink || options->link_to.bits != 0 || group.pid.bits == 0))
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = send_start(group, options, &request);
        if (status == COP_OK)
                status = cop__request_wait(cop__actor_here(), request, UINT64_MAX, __builtin_return_address(0), &reply);
        return status == COP_OK ? take_answer(reply, pid) : status;
}

static bool is_over(cop_status status)
{
        return status == COP_OK || status == COP_E_DIED || status == COP_E_TIMEOUT ||
               status == COP_E_NO_ACTOR;
}

/* The answer comes from a group that is about to end; when its caller goes on, it has. */
cop_status cop_task_group_close(cop_task_group group)
{
        cop_message *reply = NULL;
        cop_ref down_ref;
        cop_status status = cop_monitor(group.pid, &down_ref);
        if (status != COP_OK)
                return status;
        status = cop__call_in_own_time(&reply, cop_to_pid(group.pid), COP_FOREVER, COP_KIND_OF(cop__group_close),
                                       &(cop__group_close){ .all = true });
        if (status == COP_OK)
                status = take_answer(reply, NULL);
        if (is_over(status))
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, down_ref)));
        else
                cop_demonitor_flush(down_ref);
        return status;
}

cop_status cop_task_group_cancel(cop_task_group group)
{
        return cop__send_owed_value(group.pid, COP_KIND_OF(cop__group_cancel), &(cop__group_cancel){ .all = true },
                                    __builtin_return_address(0));
}
