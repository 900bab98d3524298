/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Actors in OS processes, and the zygote that forks them: what ends, stops or comes late between two packets. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <coppice/event_manager.h>

#include "actors/calling.h"
#include "actors/zygote.h"
#include "tests/apart.h"
#include "tests/asleep.h"
#include "tests/held.h"

/* ---- The zygote ------------------------------------------------------------------------------ */

static pid_t zygote_of(int64_t os_pid)
{
        char path[64], line[256];
        int parent = 0;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)os_pid);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file) != NULL)
                if (sscanf(line, "PPid: %d", &parent) == 1)
                        break;
        fclose(file);
        ck_assert_int_gt(parent, 1);
        return parent;
}

static void goes_on(void *zygote)
{
        ck_assert_int_eq(kill(*(const pid_t *)zygote, SIGCONT), 0);
}

/* It is stopped, and its socket holds a few orders; then who has one more waits for room. */
IN_PROCESSES(orders_for_which_a_zygote_has_no_room_wait_until_it_has_some)
{
        enum { MANY = 24 };
        cop_pid pids[MANY], first = START_APART(.server = &victim_server);
        pid_t zygote = zygote_of(os_pid_of(first));
        int little = 1;
        ck_assert_int_eq(setsockopt(node->zygote.control, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
        ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
        cue_act("zygote.has_no_room", goes_on, &zygote);
        for (size_t i = 0; i < MANY; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server,
                                                                     .isolation = COP_ISOLATION_PROCESS },
                                               &pids[i]), COP_OK);
        for (size_t i = 0; i < MANY; i++)
                ck_assert_int_eq(TELL(pids[i], SLEEPS).value, 0);
        ck_assert(cue_has_come("zygote.has_no_room"));
}

#if !COP__TSAN && !COP__ASAN /* the next zygotes are forked while there are threads */
/* Its children go with it, and nobody is left who could tell of what they died. */
IN_PROCESSES(who_loses_its_process_with_the_zygote_ends_as_lost)
{
        cop_ref ref;
        cop_pid pid = START_APART(.server = &victim_server, .monitor = true, .monitor_ref = &ref);
        ck_assert_int_eq(kill(zygote_of(os_pid_of(pid)), SIGKILL), 0);
        await_down(ref, "{os_process, lost}");
}

static void kills_it(void *memory)
{
        const cop_node *node = memory;
        struct pollfd gone = { .fd = node->zygote.pidfd, .events = POLLIN };
        ck_assert_int_eq(syscall(SYS_pidfd_send_signal, node->zygote.pidfd, SIGKILL, NULL, 0), 0);
        ck_assert_int_eq(poll(&gone, 1, -1), 1);
}

static cop_status start_one(void)
{
        cop_pid pid;
        return cop_start(&(cop_spawn_options){ .server = &victim_server, .isolation = COP_ISOLATION_PROCESS },
                         PATIENCE_MS, &pid);
}

IN_PROCESSES(a_zygote_that_ends_as_it_is_asked_is_replaced_and_the_start_goes_on)
{
        cue_act("zygote.is_asked", kills_it, node);
        ck_assert_int_eq(start_one(), COP_OK);
        ck_assert(cue_has_come("zygote.is_asked"));
}

IN_PROCESSES(a_start_whose_second_zygote_ends_as_well_fails_with_a_reason_and_the_next_start_works)
{
        cue_act("zygote.is_asked", kills_it, node);
        cue_act("zygote.is_there", kills_it, node);
        ck_assert_int_eq(start_one(), COP_E_DIED);
        ck_assert(cue_has_come("zygote.is_asked"));
        ck_assert(cue_has_come("zygote.is_there"));
        ck_assert_msg(strstr(text_of(cop_failure()), "no_start") != NULL, "%s", text_of(cop_failure()));
        ck_assert_int_eq(start_one(), COP_OK);
}
#endif

/* ---- The end of the node ------------------------------------------------------------------------ */

static uint32_t interruptions; /* atomic */

static void is_interrupted(int unused)
{
        (void)unused;
        cop__add_seq(&interruptions, 1);
}

struct dismissal {
        pid_t zygote, waits;
        pthread_t thread, helper;
};

/* A signal comes to the thread that waits for the end of the zygote; only then can that end. */
static void *interrupts(void *memory)
{
        const struct dismissal *d = memory;
        await_asleep(d->waits);
        pthread_kill(d->thread, SIGUSR2);
        while (cop__load_seq(&interruptions) == 0)
                sched_yield();
        await_asleep(d->waits);
        kill(d->zygote, SIGCONT);
        return NULL;
}

static void stops_it(void *memory)
{
        struct dismissal *d = memory;
        d->waits = thread_number();
        d->thread = pthread_self();
        ck_assert_int_eq(kill(d->zygote, SIGSTOP), 0);
        ck_assert_int_eq(pthread_create(&d->helper, NULL, interrupts, d), 0);
}

/* It ends with all that its children have forked, wherever that has fled. Were it killed, that would stay. */
TEST(a_signal_that_comes_as_a_node_ends_does_not_cut_the_end_of_its_zygote_short)
{
        NEEDS_THE_KERNEL();
        char byte;
        struct dismissal d;
        snprintf(apart_fifo, sizeof(apart_fifo), "/tmp/coppice-cued-%d", (int)getpid());
        unlink(apart_fifo);
        ck_assert_int_eq(mkfifo(apart_fifo, 0600), 0);
        int fifo = open(apart_fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = is_interrupted }, NULL);
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, FORKS).value, 0);
        d.zygote = zygote_of(os_pid_of(pid));
        cue_act("zygote.is_dismissed", stops_it, &d);
        node_end(node);
        ck_assert(cue_has_come("zygote.is_dismissed"));
        pthread_join(d.helper, NULL);
        while (read(fifo, &byte, 1) != 0) /* until it has no writer any more */
                sched_yield();
        unlink(apart_fifo);
        close(fifo);
}

/* ---- The two sockets of a start ------------------------------------------------------------------- */

/* In the zygote, which comes to that on its own: whom it has forked it tells of when somebody wakes it. */
static void stops_itself(void *unused)
{
        (void)unused;
        raise(SIGSTOP);
}

static uint32_t *may; /* atomic, and shared with the process: 1 to say something, 2 to end */

/* What it says goes out as it waits. */
static void says_something_and_ends(void)
{
        while (cop__load_seq(may) == 0)
                cop_sleep(1);
        cop_send(cop_parent(), add, .number = 1);
        while (cop__load_seq(may) == 1)
                cop_sleep(1);
        _exit(3);
}

TEST(what_a_process_says_before_the_zygote_tells_of_its_birth_is_heard_when_its_start_is_over)
{
        may = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(may, MAP_FAILED);
        cue_act("zygote_main.has_forked", stops_itself, NULL);
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid pid;
        cop_ref ref, started = cop_ref_new();
        cue_hold("outpost_hear.has_started");
        cue_hold("outpost_hear.is_paused");
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = says_something_and_ends, .start_ref = started,
                                                             .isolation = COP_ISOLATION_PROCESS, .monitor = true,
                                                             .monitor_ref = &ref }, &pid), COP_OK);
        cue_await("outpost_hear.has_started");
        cue_go_and_await("outpost_hear.has_started");
        cop__store_seq(may, 1);
        cue_await("outpost_hear.is_paused");
        cue_go_and_await("outpost_hear.is_paused");
        nothing_has_come();
        ck_assert_int_eq(syscall(SYS_pidfd_send_signal, node->zygote.pidfd, SIGCONT, NULL, 0), 0);
        cop_auto first = await(COP_ANY);
        ck_assert_ptr_nonnull(cop_read(cop_started, first));
        await_and_drop(COP_KIND(add));
        cop__store_seq(may, 2);
        await_down(ref, "{os_process, {exit_status, 3}}");
        node_end(node);
        munmap(may, 4096);
}

/* ---- Who waits no more ----------------------------------------------------------------------------- */

static void never_answers(void)
{
        cop_auto asked = cop_receive(COP_FOREVER, COP_KIND(add));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

typedef struct { cop_pid whom; } asks_whom;
COP_MESSAGE(asks_whom, whom);

static void asker_on_asks(adder *self, const asks_whom *a)
{
        (void)self;
        cop_request request;
        cop_status status = cop_request_send(&request, a->whom, add, .number = 1);
        if (status == COP_OK)
                status = cop_request_await(request, 20, NULL);
        cop_reply(done, .value = status);
}

typedef adder asker;
COP_SERVER(asker, COP_STATE(adder), COP_ON(asks_whom, asker_on_asks), COP_ON(add, adder_on_add));

/* Its outpost would still wait for it, and be taken for a part of a ring. */
IN_PROCESSES(a_request_that_a_process_has_awaited_in_vain_leaves_no_edge)
{
        cop_pid silent = cop_spawn(never_answers), apart = START_APART(.server = &asker_server);
        cop_message *later = NULL;
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, apart, PATIENCE_MS, asks_whom, .whom = silent), COP_OK);
        ck_assert_int_eq(cop_read(done, reply)->value, COP_E_TIMEOUT);
        ck_assert_int_eq(cop_call(&later, apart, PATIENCE_MS, add, .number = 2), COP_OK);
        ck_assert_uint_eq(cop__ring_next(node, apart).bits, 0);
        cop_message_free(later);
        put_down(silent);
}

/* ---- Handlers of events --------------------------------------------------------------------------- */

static void deletes(const deed_order *order)
{
        cop_status status = cop_delete_handler(order->pid, "adder", cop_nil(), NULL);
        cop_send(cop_parent(), add, .number = status);
}

static void handler_says_where(adder *self)
{
        (void)self;
        cop_trap_exit(false);
        cop_send("witness", sum, .self = cop_self());
}

typedef adder plain;
COP_SERVER(plain, COP_STATE(adder), COP_INIT(handler_says_where), COP_ON(add, adder_on_add));

static void never_ends(adder *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, cop_ref_new())));
}

static void says_where_and_traps(adder *self)
{
        handler_says_where(self);
        cop_trap_exit(true);
}

typedef adder endless;
COP_SERVER(endless, COP_STATE(adder), COP_INIT(says_where_and_traps), COP_TERMINATE(never_ends), COP_ON(add, adder_on_add));

static cop_pid add_handler(cop_pid manager, const cop_behaviour *server)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        ck_assert_int_eq(cop_add_handler(manager, .id = "adder", .server = server), COP_OK);
        cop_auto message = await(COP_KIND(sum));
        ck_assert_int_eq(cop_unregister("witness"), COP_OK);
        return cop_read(sum, message)->self;
}

static int64_t count_handlers(cop_pid manager)
{
        cop_term ids = cop_nil();
        ck_assert_int_eq(cop_handlers(manager, &ids), COP_OK);
        int64_t count = ids.type == COP_TERM_LIST ? ids.count : 0;
        cop_term_free(ids);
        return count;
}

/* It ends before its manager, which lives in a process, has come to watch it. */
TEST(a_handler_that_ends_by_itself_as_it_is_deleted_from_a_process_is_gone_as_it_should)
{
        NEEDS_THREADS();
        hold_process("event_manager.watches");
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid manager = START_APART(.server = &cop_event_manager), handler = add_handler(manager, &plain_server);
        cop_ref ref = spawn_watched(RUN_WITH(deletes, deed_order, .pid = manager));
        await_process();
        put_down(handler);
        let_process_go();
        cop_auto deleted = await(COP_KIND(add));
        ck_assert_int_eq(cop_read(add, deleted)->number, COP_E_DIED); /* it was killed, and that is said */
        await_down(ref, "normal");
        ck_assert_int_eq(count_handlers(manager), 0);
        node_end(node);
}

/* After five seconds. */
IN_PROCESSES(a_handler_whose_terminate_does_not_end_is_killed_by_its_manager_in_a_process)
{
        cop_pid manager = START_APART(.server = &cop_event_manager), handler = add_handler(manager, &endless_server);
        cop_ref ref = watch(handler);
        ck_assert_int_eq(cop_delete_handler(manager, "adder", cop_nil(), NULL), COP_E_TIMEOUT);
        await_down(ref, "killed");
        ck_assert_int_eq(count_handlers(manager), 0);
}
