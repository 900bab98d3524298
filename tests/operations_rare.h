/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations on what needs more than one call to come to: much in a mailbox, limits, groups in groups, owners, ticks. */
#ifndef TESTS_OPERATIONS_RARE_H
#define TESTS_OPERATIONS_RARE_H

#include "tests/operations_ground.h"
#include "tests/operations_servers.h"

/* With so much unread that a fresh reference is marked. */
static cop_status calls_behind_mail(void)
{
        for (int i = 0; i < 20; i++)
                TRY(cop_send(cop_self(), item, .number = i));
        TRY_NUMBER(1, cop_call(&message, "echo", MS, item, .number = 1));
        return COP_OK;
}

/* Whoever does these has no rare half yet. */
static void consents_first(void)
{
        cop_ref ref;
        const cop_monitor_options options = { .priority = true };
        if (cop_monitor_opt(cop_whereis("echo"), &options, &ref) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void marks_first(void)
{
        cop_ref ref;
        for (int i = 0; i < 20; i++)
                if (cop_send(cop_self(), item, .number = i) != COP_OK)
                        cop_exit(cop_atom("no_memory"));
        if (cop_monitor(cop_whereis("echo"), &ref) != COP_OK)
                cop_exit(cop_atom("no_memory"));
        cop_demonitor_flush(ref);
}

static cop_status begins_with(void (*run)(void))
{
        cop_pid pid;
        cop_ref ref;
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run = run, .monitor = true, .monitor_ref = &ref }, &pid));
        cop_auto down = cop_receive(MS, COP_REF(cop_down, ref));
        return down != NULL ? COP_OK : COP_E_TIMEOUT;
}

static cop_status begins_with_a_consent(void)
{
        return begins_with(consents_first);
}

static cop_status begins_with_a_mark(void)
{
        return begins_with(marks_first);
}

/* One too many for an actor that ends of it. */
static cop_status overflows(void)
{
        cop_pid pid;
        cop_ref ref;
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run = waits_for_an_end, .mailbox_limit = 2, .mailbox_policy = COP_MAILBOX_STOP,
                                                .monitor = true, .monitor_ref = &ref, .link = true }, &pid));
        cop_trap_exit(true);
        for (int i = 0; i < 5; i++)
                if (cop_send(pid, item, .number = i) == COP_E_NO_MEMORY)
                        return COP_E_NO_MEMORY;
        cop_auto down = cop_receive(MS, COP_REF(cop_down, ref));
        return down != NULL ? COP_OK : COP_E_TIMEOUT;
}

static cop_status asks_one_with_a_limit(void)
{
        cop_pid pid;
        cop_request request;
        TRY(cop_start(&(cop_spawn_options){ .server = &echo_server, .mailbox_limit = 10, .mailbox_policy = COP_MAILBOX_REJECT,
                                            .link = true }, MS, &pid));
        TRY(cop_request_send(&request, pid, item, .number = 1));
        TRY_NUMBER(1, cop_request_await(request, MS, &message));
        return COP_OK;
}

static cop_status opens_and_closes(void)
{
        cop_task_group group;
        TRY(cop_task_group_open(NULL, &group));
        TRY(cop_task_group_start(group, &(cop_task_options){ .run = does_nothing }, NULL));
        return cop_task_group_close(group);
}

static void has_a_group_of_its_own(void)
{
        if (opens_and_closes() != COP_OK)
                cop_exit(cop_atom("no_group"));
}

static cop_status nests_task_groups(void)
{
        cop_task_group group;
        TRY(cop_task_group_open(NULL, &group));
        cop_status status = cop_task_group_start(group, &(cop_task_options){ .run = has_a_group_of_its_own }, NULL);
        cop_status closed = cop_task_group_close(group);
        return status != COP_OK ? status : closed;
}

/* A machine whose first state has a time-out already. */
typedef struct clockwork {
        int64_t turns;
} clockwork;

static void clockwork_init(clockwork *self)
{
        self->turns = 1;
        cop_state_timeout(100000, item, .number = 1);
}

static void clockwork_turn(clockwork *self, const item *i)
{
        self->turns += i->number;
        cop_reply(item, .number = self->turns);
}

COP_MACHINE(clockwork, DARK, COP_INIT(clockwork_init), COP_IN_ANY(item, clockwork_turn));

static cop_status has_a_machine_that_is_wound_up(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &clockwork_machine, .link = true }, MS, &pid));
        TRY_NUMBER(2, cop_call(&message, pid, MS, item, .number = 1));
        return COP_OK;
}

/* A tick that finds no memory is left out. */
static cop_status ticks(void)
{
        cop_ref timer;
        cop_status status = COP_OK;
        TRY(cop_send_every(&timer, 1, cop_self(), item, .number = 1));
        for (int i = 0; i < 2 && status == COP_OK; i++) {
                cop_auto tick = cop_receive(20, COP_KIND(item));
                if (tick == NULL)
                        status = COP_E_NO_MEMORY;
        }
        cop_cancel(timer);
        return status;
}

static cop_status waits_for_many(void)
{
        cop_pid pid;
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        for (int i = 0; i < 20; i++)
                TRY(cop_wait_add(group, cop_whereis("echo")));
        TRY(cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = does_nothing }, &pid));
        cop_wait_group_close(group);
        return COP_OK;
}

/* They are this actor's, which the manager was not linked to. */
typedef struct manager_of {
        cop_pid pid;
} manager_of;
COP_MESSAGE(manager_of, pid);

static void owns_handlers_of(const manager_of *manager)
{
        if (cop_add_handler(manager->pid, .id = "one", .server = &heir_server, .supervised = true) != COP_OK ||
            cop_add_handler(manager->pid, .id = "two", .server = &heir_server, .supervised = true) != COP_OK ||
            cop_swap_handler(manager->pid, "one", cop_nil(), .id = "three", .server = &heir_server, .supervised = true) != COP_OK)
                cop_exit(cop_atom("no_handler"));
}

static cop_status owns_handlers(void)
{
        cop_pid pid, owner;
        cop_ref ref;
        TRY(cop_start(&(cop_spawn_options){ .server = &cop_event_manager, .link = true }, MS, &pid));
        TRY(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(owns_handlers_of, manager_of, pid), .monitor = true, .monitor_ref = &ref,
                                                .link = true }, &owner));
        cop_auto down = cop_receive(MS, COP_REF(cop_down, ref));
        return down != NULL ? COP_OK : COP_E_TIMEOUT;
}

/* Whose sets grow. */
static cop_status enters_many_keys(void)
{
        for (int i = 0; i < 40; i++) {
                cop_pid pid = cop_no_pid();
                TRY(cop_registry_register("keys", cop_int(i), cop_nil(), NULL));
                TRY(cop_registry_whereis("keys", cop_int(i), &pid));
                DID(cop_pid_equal(pid, cop_self()));
        }
        return COP_OK;
}

/* To other nodes, of which there are none. */
static cop_status offers(void)
{
        cop_status status = cop_offer("shop:echo", &(cop_spawn_options){ .server = &echo_server, .name = "offered", .label = "an offer" });
        if (status == COP_E_NAME_TAKEN) /* before the memory failed that time */
                status = COP_OK;
        TRY(status);
        DID(cop_offer("shop:echo", &(cop_spawn_options){ .server = &echo_server }) != COP_OK);
        TRY(cop_unoffer("shop:echo"));
        return COP_OK;
}

/* Its init says more, which the one who asked for it hears. */
static cop_status starts_a_child_that_says_more(void)
{
        const cop_child talker = { "talker", .server = &busy_server, .unnamed = true };
        cop_pid pid, child;
        TRY(cop_supervise(&(cop_supervisor){ .intensity = 100 }, &pid));
        TRY_TERM(cop_start_child_of(cop_to_pid(pid), &talker, &child, &term));
        DID(child.bits != 0);
        return COP_OK;
}

#endif
