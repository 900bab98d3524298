/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations (see operations.h) with an actor itself: its start and end, what it owns, what is known of it. */
#ifndef TESTS_OPERATIONS_ACTORS_H
#define TESTS_OPERATIONS_ACTORS_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/operations_ground.h"

static cop_status spawns(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .server = &echo_server, .name = "spawned", .label = "a label", .link = true,
                                      .monitor = true, .monitor_ref = &ref, .memory_limit = 100000 };
        cop_status status = cop_spawn_opt(&options, &pid);
        if (status != COP_OK)
                return status;
        cop_demonitor(ref);
        return COP_OK;
}

static cop_status starts(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &echo_server, .link = true }, MS, &pid));
        TRY_NUMBER(4, cop_call(&message, pid, MS, item, .number = 4));
        return COP_OK;
}

/* To what there may be to hear of dead letters and of memory. */
static cop_status subscribes(void)
{
        cop_status status = cop_dead_letters_subscribe();
        if (status == COP_OK)
                status = cop_memory_subscribe();
        cop_memory_unsubscribe();
        cop_dead_letters_unsubscribe();
        return status;
}

static cop_status looks_around(void)
{
        cop_term names;
        cop_status status = cop_registered(&names);
        if (status != COP_OK)
                return status;
        cop_term_free(names);
        status = cop_process_ask(echo_pid(), MS, &names);
        if (status == COP_OK)
                cop_term_free(names);
        if (status == COP_OK)
                status = cop_set_label("labelled");
        cop_process process;
        DID(status != COP_OK || (cop_process_info(cop_self(), &process) == COP_OK && strcmp(process.label, "labelled") == 0));
        return status;
}

static cop_status owns(void)
{
        int fd;
        TRY(cop_open("/dev/null", O_RDONLY, 0, &fd));
        DID(fcntl(fd, F_GETFD) >= 0 && cop_owned() == 1);
        return COP_OK;
}

static void crashes(const note *n)
{
        (void)n;
        cop_exit(COP_TUPLE(cop_atom("broken"), cop_string("a reason with a text in it"), cop_int(17)));
}

/* Who traps hears of it, who monitors too, and a report is filed. */
static cop_status hears_of_a_crash(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_trap_exit(true);
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(crashes, note), .kind = COP_KIND_OF(note),
                                                .argument = &(note){ .text = COP_TEXT("text") }, .link = true,
                                                .monitor = true, .monitor_ref = &ref },
                          &pid));
        DID_RECEIVE(COP_REF(cop_down, ref));
        DID_RECEIVE(COP_KIND(cop_exited));
        return COP_OK;
}

static void blocks(int *done)
{
        *done = 1;
}

static cop_status blocks_a_thread(void)
{
        int done = 0;
        TRY(cop_blocking(blocks, &done));
        DID(done == 1);
        return COP_OK;
}

static int64_t woken; /* atomic; 0: it has not come to sleep */

static void wakes(item *state)
{
        cop__store_relaxed(&woken, ++state->number);
}

static void sleeps_deep(void)
{
        item *state = cop_alloc(sizeof(*state));
        if (state == NULL)
                return;
        *state = (item){ 1 };
        cop__store_relaxed(&woken, 1);
        cop_hibernate(wakes, state);
}

static cop_status hibernates(void)
{
        cop_pid pid;
        cop_ref ref;
        cop__store_relaxed(&woken, 0);
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run = sleeps_deep, .link = true, .monitor = true, .monitor_ref = &ref }, &pid));
        TRY(cop_send(pid, item, .number = 1));
        DID_RECEIVE(COP_REF(cop_down, ref)); /* and had it not ended well, so would have this one */
        DID(cop__load_relaxed(&woken) != 1);
        return COP_OK;
}

static cop_status sets_itself_up(void)
{
        cop_process process;
        cop_set_priority(COP_PRIORITY_HIGH);
        TRY(cop_set_label_term(COP_TUPLE(cop_atom("label"), cop_string("with a text"), cop_int(1))));
        TRY(cop_send_priority_value(cop_to_pid(echo_pid()), COP_KIND_OF(item), &(item){ 1 }));
        TRY(cop_link_priority(echo_pid()));
        cop_unlink(echo_pid());
        TRY(cop_process_info(echo_pid(), &process));
        return COP_OK;
}

static void end_thing(char *thing)
{
        *thing = 0;
}

static cop_status owns_a_thing(void)
{
        static char thing;
        TRY(cop_own("thing", (void (*)(void *))(void (*)(void))end_thing, &thing));
        return cop_disown(&thing);
}

/* Marks are reached, and come down again; who has subscribed is told. */
static cop_status hears_of_marks(void)
{
        cop_status status = cop_mailbox_subscribe();
        if (status == COP_OK)
                status = cop_mailbox_marks(3, 1);
        for (int i = 0; status == COP_OK && i < 4; i++)
                status = cop_send(cop_self(), item, .number = i);
        for (int i = 0; status == COP_OK && i < 4; i++)
                DID_RECEIVE(COP_KIND(item));
        cop_message *message = NULL;
        do {
                cop_message_free(message);
                message = cop_receive(0, COP_KIND(cop_mailbox_alarm));
        } while (message != NULL);
        cop_mailbox_marks(0, 0);
        cop_mailbox_unsubscribe();
        return status;
}

/* Says when it has started, and with what; then it answers, outside any handler. */
static void answers_one(void)
{
        if (cop_start_extra(COP_TUPLE(cop_atom("port"), cop_string("http"))) != COP_OK)
                cop_exit(cop_atom("no_extra"));
        cop_init_ack();
        cop_message *message = cop_receive(MS, COP_KIND(item));
        if (message == NULL || cop_answer(message, item, .number = cop_read(item, message)->number) != COP_OK)
                cop_exit(cop_atom("no_answer"));
        cop_message_free(message);
}

static cop_status starts_with_acknowledgement(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .run = answers_one, .init_ack = true, .link = true }, MS, &pid));
        TRY_NUMBER(1, cop_call(&message, pid, MS, item, .number = 1));
        return COP_OK;
}

/* Descriptors: one that is opened by hand, one that is closed, one that is given away. */
static cop_status owns_descriptors(void)
{
        int opened, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return COP_E_SYSTEM;
        cop_status status = cop_own_fd(fd);
        if (status != COP_OK) {
                close(fd);
                return status;
        }
        TRY(cop_open("/dev/null", O_RDONLY, 0, &opened));
        if (cop_owned() != 2)
                return COP_E_NOT_FOUND;
        TRY(cop_close(opened));
        TRY(cop_disown_fd(fd));
        close(fd);
        return COP_OK;
}

static cop_status looks_at_all(void)
{
        cop_pid pids[64];
        char text[200];
        size_t count = cop_processes(pids, 64);
        for (size_t i = 0; i < count && i < 64; i++) {
                cop_process process;
                if (cop_process_info(pids[i], &process) == COP_OK) /* else it has ended meanwhile */
                        cop_process_where(&process, text, sizeof(text));
        }
        return count >= 2 ? COP_OK : COP_E_NOT_FOUND;
}

static cop_status spawns_or_exits(void)
{
        cop_spawn_or_exit(&(cop_spawn_options){ .server = &echo_server, .label = "a label", .link = true });
        return COP_OK;
}

static void prefers_not_to(void)
{
        cop_start_extra(COP_TUPLE(cop_atom("not"), cop_string("today")));
        cop_ignore();
}

static cop_status ignores_start(void)
{
        cop_pid pid;
        cop_status status = cop_start(&(cop_spawn_options){ .run = prefers_not_to, .init_ack = true }, MS, &pid);
        return status == COP_E_IGNORED ? COP_OK : status;
}

#endif
