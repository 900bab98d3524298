/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How actors in processes of their own begin and end, whatever they do; and that no process outlives its node. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "actors/report.h"
#include "tests/apart.h"
#include "tests/descriptors.h"

/* Under a sanitizer the allocator is its own, and says in its own way what it found. */
#define PLAIN_MALLOC (!COP__ASAN && !COP__TSAN)

static cop_ref doom(cop_pid *pid, enum deed what, size_t memory_limit)
{
        *pid = START_APART(.server = &victim_server, .memory_limit = memory_limit);
        cop_ref ref = watch(*pid);
        ck_assert_int_eq(cop_send(*pid, deed_order, .what = what), COP_OK);
        return ref;
}

static const char *reason_after(enum deed what, size_t memory_limit)
{
        cop_pid pid;
        cop_auto message = await(COP_REF(cop_down, doom(&pid, what, memory_limit)));
        return text_of(cop_read(cop_down, message)->reason);
}

/* ---- Reasons that are no UTF-8 ----------------------------------------------------------- */

/* With the message in its hands, so that a call that it was ends with the reason. */
static void ends_for_a_foreign_file(void)
{
        cop_receive(COP_FOREVER, COP_KIND(add));
        cop_exit(COP_TUPLE(cop_atom("no_file"), cop_atom("caf\xe9")));
}

static void hear_of(cop_pid who)
{
        cop_auto message = await(COP_KIND(heard));
        const heard *h = cop_read(heard, message);
        ck_assert(cop_pid_equal(h->pid, who));
        ck_assert_str_eq(text_of(h->reason), "does_not_cross");
}

IN_PROCESSES(an_end_is_heard_in_a_process_whatever_its_reason)
{
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, TRAPS).value, COP_OK);
        cop_pid watched = cop_spawn(ends_for_a_foreign_file), linked = cop_spawn(ends_for_a_foreign_file);
        ck_assert_int_eq(TELL(pid, WATCHES, .pid = watched).value, COP_OK);
        ck_assert_int_eq(TELL(pid, LINKS, .pid = linked).value, COP_OK);
        cop_send(watched, add, .number = 1);
        hear_of(watched);
        cop_send(linked, add, .number = 1);
        hear_of(linked);
        ck_assert_int_eq(TELL(pid, CALLS, .pid = cop_spawn(ends_for_a_foreign_file)).value, -COP_E_DIED);
}

static void ends_another(const sum *other)
{
        cop_send_exit(other->self, cop_atom("caf\xe9"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_PROCESSES(an_exit_signal_leaves_a_process_whatever_its_reason)
{
        cop_pid other = cop_spawn_server(&adder_server, NULL);
        cop_ref ref = watch(other);
        START_APART(RUN_WITH(ends_another, sum, .self = other));
        await_down(ref, "does_not_cross");
}

IN_PROCESSES(its_own_end_is_told_whatever_its_reason)
{
        cop_pid pid = START_APART(.run = ends_for_a_foreign_file);
        cop_ref ref = watch(pid);
        cop_send(pid, add, .number = 1);
        await_down(ref, "does_not_cross");
}

typedef struct scribe {
        int64_t unused;
} scribe;

static void scribe_on_note(scribe *self, const note *n)
{
        (void)self;
        if (n->number < 0)
                cop_exit(cop_atom("normal"));
}

COP_SERVER(scribe, COP_ON(note, scribe_on_note));

/* Two that it has heard fill them, up to the middle of a letter: in one of the two, which differ by a byte. */
IN_PROCESSES(its_last_words_may_be_in_any_script)
{
        char text[302] = "x";
        for (size_t i = 1; i < sizeof(text) - 1; i += 2)
                memcpy(text + i, "\u0436", 2);
        for (size_t from = 0; from < 2; from++) {
                cop_pid pid = START_APART(.server = &scribe_server);
                cop_ref ref = watch(pid);
                ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 3), COP_OK);
                for (int i = 0; i < 2; i++)
                        cop_send(pid, note, .text = { sizeof(text) - 1 - from, text + from });
                cop_send(pid, note, .number = -1);
                await_down(ref, "normal");
        }
}

static void starts_with_a_foreign_word(void)
{
        cop_start_extra(cop_atom("caf\xe9"));
        cop_init_ack();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_PROCESSES(a_start_is_over_whatever_it_tells)
{
        cop_pid pid = START_APART(.run = starts_with_a_foreign_word, .init_ack = true);
        ck_assert_str_eq(text_of(cop_started_extra()), "does_not_cross");
        put_down(pid);
}

/* ---- Ends by its own doing -------------------------------------------------------------- */

IN_PROCESSES(it_exits_with_its_reason)
{
        ck_assert_str_eq(reason_after(EXITS_OVER, 0), "over");
        ck_assert_str_eq(reason_after(EXITS_NORMALLY, 0), "normal");
}

#if PLAIN_MALLOC
IN_PROCESSES(a_fault_is_a_reason_with_its_place_and_the_report_knows_the_process)
{
        struct cop__report report;
        cop_pid pid = START_APART(.server = &victim_server);
        cop_ref ref = watch(pid);
        int64_t os_pid = os_pid_of(pid);
        ck_assert_int_eq(cop_send(pid, deed_order, .what = DIVIDES_BY_ZERO), COP_OK);
        cop_auto message = await(COP_REF(cop_down, ref));
        const char *reason = text_of(cop_read(cop_down, message)->reason);
        if (strstr(reason, "sigfpe") == NULL)
                return; /* a processor that does not trap */
        ck_assert_ptr_nonnull(strstr(reason, "victim_obey"));
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        char wanted[100];
        snprintf(wanted, sizeof(wanted), "integer division by zero, in its own process %d", (int)os_pid);
        ck_assert_str_eq(report.what, wanted);
        ck_assert_str_eq(report.who, "victim");
        ck_assert_ptr_nonnull(strstr(report.message, "deed_order"));
        ck_assert(cop_pid_equal(report.from, cop_self()));
        ck_assert_str_eq(report.state, "#victim{deeds = 1}");
}
#endif

IN_PROCESSES(a_call_that_it_dies_of_has_the_reason)
{
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, deed_order, .what = EXITS_OVER), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "over");
        pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, deed_order, .what = EXITS_THE_PROCESS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{os_process, {exit_status, 3}}");
}

/* ---- Ends of the process ------------------------------------------------------------------- */

IN_PROCESSES(a_process_that_exits_is_an_exit_reason)
{
        ck_assert_str_eq(reason_after(EXITS_THE_PROCESS, 0), "{os_process, {exit_status, 3}}");
}

IN_PROCESSES(a_process_that_is_killed_is_an_exit_reason)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_ref ref = watch(pid);
        kill((pid_t)os_pid_of(pid), SIGKILL);
        await_down(ref, "{os_process, {signal, \'SIGKILL\'}}");
        pid = START_APART(.server = &victim_server);
        ref = watch(pid);
        kill((pid_t)os_pid_of(pid), SIGTERM);
        await_down(ref, "{os_process, {signal, \'SIGTERM\'}}");
}

#if PLAIN_MALLOC
/* The system has no word for it. */
IN_PROCESSES(the_report_of_one_that_a_signal_without_a_name_has_ended_tells_its_number)
{
        struct cop__report report;
        char wanted[100];
        cop_pid pid = START_APART(.server = &victim_server);
        cop_ref ref = watch(pid);
        int64_t os_pid = os_pid_of(pid);
        ck_assert_int_eq(kill((pid_t)os_pid, SIGRTMIN + 1), 0);
        await_down(ref, "{os_process, {signal, 'SIG?'}}");
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        snprintf(wanted, sizeof(wanted), "its process %d was ended by signal %d", (int)os_pid, SIGRTMIN + 1);
        ck_assert_str_eq(report.what, wanted);
}

IN_PROCESSES(a_corrupted_heap_is_an_exit_reason)
{
        ck_assert_ptr_nonnull(strstr(reason_after(CORRUPTS_THE_HEAP, 0), "SIGABRT"));
        ck_assert_ptr_nonnull(strstr(reason_after(FREES_TWICE, 0), "SIGABRT"));
}

IN_PROCESSES(memory_beyond_the_limit_is_an_exit_reason)
{
        ck_assert_str_eq(reason_after(ALLOCATES_FOR_EVER, 64 << 20), "{os_process, memory_limit}");
        ck_assert_str_eq(reason_after(COP_ALLOCATES_FOR_EVER, 8 << 20), "{system_limit, memory}");
}
#endif

IN_PROCESSES(an_endless_loop_makes_calls_time_out_and_is_killed)
{
        cop_pid pid = START_APART(.server = &victim_server);
        int64_t os_pid = os_pid_of(pid);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_call(NULL, pid, 1, deed_order, .what = LOOPS), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_down(ref, "killed");
        await_true(is_gone(os_pid));
}

IN_PROCESSES(an_exit_signal_that_it_does_not_trap_ends_it_in_the_middle_of_a_handler)
{
        cop_pid pid;
        cop_ref ref = doom(&pid, LOOPS, 0);
        int64_t os_pid = os_pid_of(pid);
        cop_send_exit(pid, cop_atom("enough"));
        await_down(ref, "enough");
        await_true(is_gone(os_pid));
}

IN_PROCESSES(a_process_that_closes_its_socket_is_killed)
{
        ck_assert_ptr_nonnull(strstr(reason_after(CLOSES_EVERYTHING, 0), "os_process"));
}

/* ---- Starts ----------------------------------------------------------------------------------- */

typedef struct beginner {
        int64_t unused;
} beginner;

static void beginner_init(beginner *self, const add *how)
{
        (void)self;
        switch (how->number) {
        case 1:
                cop_exit(cop_atom("no_key"));
        case 2:
                cop_ignore();
        case 3:
                exit(5);
        case 4:
                for (volatile int forever = 1; forever;)
                        ;
                break;
        case 5:
                cop_start_extra(COP_TUPLE(cop_atom("port"), cop_int(8080)));
                break;
        }
}

COP_SERVER(beginner, COP_INIT_WITH(add, beginner_init));

static cop_status start_beginner(int64_t how, int64_t timeout_ms)
{
        cop_pid pid;
        return cop_start(&(cop_spawn_options){ .server = &beginner_server, .kind = COP_KIND_OF(add),
                                               .argument = &(add){ how }, .isolation = COP_ISOLATION_PROCESS,
                                               .name = "beginner" },
                         timeout_ms, &pid);
}

IN_PROCESSES(a_start_ends_as_its_init_does)
{
        ck_assert_int_eq(start_beginner(1, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "no_key");
        ck_assert_int_eq(cop_whereis("beginner").bits, 0);
        ck_assert_int_eq(start_beginner(2, PATIENCE_MS), COP_E_IGNORED);
        ck_assert_int_eq(start_beginner(3, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{os_process, {exit_status, 5}}");
        ck_assert_int_eq(start_beginner(5, PATIENCE_MS), COP_OK);
        ck_assert_str_eq(text_of(cop_started_extra()), "{port, 8080}");
}

IN_PROCESSES(a_start_that_hangs_is_over_in_time)
{
        ck_assert_int_eq(start_beginner(4, 1), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_whereis("beginner").bits, 0);
}

IN_PROCESSES(options_that_do_not_go_together_start_nothing)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &beginner_server,
                                                             .isolation = COP_ISOLATION_PROCESS + 1 }, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .isolation = COP_ISOLATION_PROCESS }, &pid),
                         COP_E_BAD_ARGUMENT);
}

/* ---- Supervision -------------------------------------------------------------------------------- */

static int64_t victim_os_pid(void)
{
        cop_pid pid = cop_whereis("victim");
        cop_process process;
        return pid.bits != 0 && cop_process_info(pid, &process) == COP_OK ? process.os_pid : 0;
}

/* The process of the next victim. */
static int64_t after(int64_t os_pid)
{
        int64_t next = 0; /* looked at once: a moment later it may be dead, and its successor without a process yet */
        await_true((next = victim_os_pid()) != 0 && next != os_pid);
        return next;
}

IN_PROCESSES(a_supervisor_starts_it_again_whatever_it_has_done)
{
        cop_pid shop;
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){
                .name = "shop", .strategy = COP_ONE_FOR_ONE, .intensity = 100, .period_ms = 5000,
                .children = COP_CHILDREN({ "victim", &victim_server, .isolation = COP_ISOLATION_PROCESS,
                                           .shutdown_ms = 100 }) }, &shop), COP_OK);
        static const int64_t deeds[] = { EXITS_THE_PROCESS, EXITS_OVER,
#if PLAIN_MALLOC
                                         FAULTS, CORRUPTS_THE_HEAP, FREES_TWICE, ABORTS,
#endif
        };
        int64_t os_pid = after(0);
        for (size_t i = 0; i < COP__COUNT(deeds); i++) {
                cop_send("victim", deed_order, .what = deeds[i]);
                os_pid = after(os_pid);
        }
        kill((pid_t)os_pid, SIGKILL);
        os_pid = after(os_pid);
        /* In a loop, and trapping exits, it does not hear that it is to stop: its shutdown time is over, and it is killed. */
        TELL(cop_whereis("victim"), TRAPS);
        cop_send("victim", deed_order, .what = LOOPS);
        ck_assert_int_eq(cop_shutdown(shop, PATIENCE_MS), COP_OK);
        await_true(is_gone(os_pid));
}

struct fate {
        int64_t deed;
        const char *reason; /* is in the reason of the end */
};

static const struct fate fates[] = {
        { EXITS_OVER, "over" },
        { EXITS_THE_PROCESS, "{os_process, {exit_status, 3}}" },
        { LOOPS, "killed" },
        { CLOSES_EVERYTHING, "os_process" },
#if PLAIN_MALLOC
        { FAULTS, "{fault, sigsegv" },
        { DIVIDES_BY_ZERO, "{fault, " },
        { CORRUPTS_THE_HEAP, "{os_process, {signal, 'SIGABRT'}}" },
        { FREES_TWICE, "{os_process, {signal, 'SIGABRT'}}" },
        { ALLOCATES_FOR_EVER, "{os_process, memory_limit}" },
        { COP_ALLOCATES_FOR_EVER, "{system_limit, memory}" },
#endif
};

/* Whoever is linked to the victim and whoever monitors it hear the same reason, and another one is there. */
static void meet(const struct fate *fate)
{
        cop_pid pid = cop_whereis("victim");
        int64_t os_pid = os_pid_of(pid);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        cop_send(pid, deed_order, .what = fate->deed);
        if (fate->deed == LOOPS)
                cop_send_exit(pid, cop_atom("kill"));
        cop_auto down = await(COP_REF(cop_down, ref));
        cop_auto exited = await(COP_KIND(cop_exited));
        const char *reason = text_of(cop_read(cop_down, down)->reason);
        ck_assert_msg(strstr(reason, fate->reason) != NULL, "%s, not %s", reason, fate->reason);
        ck_assert_str_eq(text_of(cop_read(cop_exited, exited)->reason), reason);
        ck_assert(cop_pid_equal(cop_read(cop_exited, exited)->pid, pid));
        ck_assert_int_ne(after(os_pid), os_pid);
        ck_assert_int_eq(TELL(cop_whereis("victim"), SLEEPS).value, 0);
        await_true(is_gone(os_pid));
}

IN_PROCESSES(each_end_is_heard_by_links_and_monitors_and_a_supervisor_starts_the_next)
{
        cop_pid shop;
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){
                .name = "shop", .strategy = COP_ONE_FOR_ONE, .intensity = 100, .period_ms = 5000,
                .children = COP_CHILDREN({ "victim", &victim_server, .isolation = COP_ISOLATION_PROCESS,
                                           .memory_limit = PLAIN_MALLOC ? 8 << 20 : 0 }) }, &shop), COP_OK);
        cop_trap_exit(true);
        after(0);
        for (size_t i = 0; i < COP__COUNT(fates); i++)
                meet(&fates[i]);
        ck_assert_int_eq(cop_shutdown(shop, PATIENCE_MS), COP_OK);
}

/* ---- As many as there may be --------------------------------------------------------------------- */

static const char full[] = "{os_process, {no_start, \"the node has all the processes that it may have (max_processes)\"}}";

static cop_status try_to_start(cop_pid *pid)
{
        return cop_start(&(cop_spawn_options){ .server = &victim_server, .isolation = COP_ISOLATION_PROCESS },
                         PATIENCE_MS, pid);
}

IN_NODE_WITH(a_node_has_no_more_processes_than_it_may, .processes = true, .max_processes = 3)
{
        cop_pid pids[3], fourth;
        for (size_t i = 0; i < COP__COUNT(pids); i++)
                ck_assert_int_eq(try_to_start(&pids[i]), COP_OK);
        ck_assert_int_eq(try_to_start(&fourth), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), full);
        ck_assert_int_eq(TELL(pids[1], SLEEPS).value, 0);
        cop_send_exit(pids[0], cop_atom("kill"));
        await_true(try_to_start(&fourth) == COP_OK); /* once that one has been buried */
        ck_assert_int_eq(TELL(fourth, SLEEPS).value, 0);
}

IN_PROCESSES(a_node_without_free_descriptors_starts_no_process_and_says_so)
{
        NEEDS_THE_KERNEL();
        cop_pid pid;
        allow(0);
        cop_status status = try_to_start(&pid);
        allow_all();
        ck_assert_int_eq(status, COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{os_process, {no_start, \"Too many open files\"}}");
        ck_assert_int_eq(try_to_start(&pid), COP_OK);
        ck_assert_int_eq(TELL(pid, SLEEPS).value, 0);
}

enum { STORM = 150, ROOM = 10 };

IN_NODE_WITH(a_storm_of_spawns_fills_the_room_that_there_is_and_each_other_one_is_told, .processes = true,
             .max_processes = ROOM)
{
        cop_ref refs[STORM];
        cop_pid pids[STORM];
        int refused = 0;
        for (int i = 0; i < STORM; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server, .monitor = true,
                                                                     .monitor_ref = &refs[i],
                                                                     .isolation = COP_ISOLATION_PROCESS },
                                               &pids[i]), COP_OK);
        while (refused < STORM - ROOM) {
                cop_auto message = await(COP_KIND(cop_down));
                ck_assert_str_eq(text_of(cop_read(cop_down, message)->reason), full);
                refused++;
        }
        for (int i = 0; i < STORM; i++)
                if (cop_is_alive(pids[i])) {
                        ck_assert_int_eq(TELL(pids[i], SLEEPS).value, 0);
                        cop_send_exit(pids[i], cop_atom("kill"));
                        await_down(refs[i], "killed");
                        refused++;
                }
        ck_assert_int_eq(refused, STORM);
}

/* ---- With something in its hands --------------------------------------------------------------------- */

typedef struct {
        int64_t unused;
} pleader;

enum { PLEAS = 500 };

static void answers_nobody(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

/* All in its init, and no answer is awaited. */
static void pleader_init(pleader *self, const deed_order *order)
{
        cop_request request;
        (void)self;
        for (int i = 0; i < PLEAS; i++)
                cop_request_send(&request, order->pid, add, .number = i);
        answers_nobody();
}

COP_SERVER(pleader, COP_INIT_WITH(deed_order, pleader_init));

static uint32_t unread_of(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.unread;
}

/* Of the failures that have come for it, what was in its hands then only the leak checker of the asan build sees. */
IN_PROCESSES(who_is_killed_while_calls_of_its_init_fail_leaves_nothing_of_that)
{
        for (int i = 0; i < 40; i++) {
                cop_pid pid, callee = cop_spawn(answers_nobody);
                const deed_order order = { .pid = callee };
                cop_ref ref, callee_ref = watch(callee);
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &pleader_server, .kind = COP_KIND_OF(deed_order),
                                                                     .argument = &order, .monitor = true, .monitor_ref = &ref,
                                                                     .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
                await_true(unread_of(callee) == PLEAS);
                cop_send_exit(callee, cop_string("a reason that each failure has a share of"));
                await_and_drop(COP_REF(cop_down, callee_ref));
                cop_send_exit(pid, cop_atom("kill"));
                await_down(ref, "killed");
        }
}

/* ---- Who else has its socket ------------------------------------------------------------------------ */

/* Where whoever is given a descriptor waits, without reading: as long as it is in the queue it is open. */
static struct sockaddr_un attic = { .sun_family = AF_UNIX };

static int open_attic(void)
{
        snprintf(attic.sun_path + 1, sizeof(attic.sun_path) - 1, "coppice-attic-%d", (int)getpid());
        int queue = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(queue, 0);
        ck_assert_int_eq(bind(queue, (struct sockaddr *)&attic, sizeof(attic)), 0);
        return queue;
}

static void give_to_attic(int fd)
{
        char byte = 0;
        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { .space = { 0 } };
        struct iovec io = { &byte, 1 };
        struct msghdr message = { .msg_name = &attic, .msg_namelen = sizeof(attic), .msg_iov = &io, .msg_iovlen = 1,
                                  .msg_control = control.space, .msg_controllen = sizeof(control.space) };
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(int));
        int through = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (through < 0 || sendmsg(through, &message, 0) != 1)
                _exit(1);
        close(through);
}

static void leaves_its_socket_to_others(const deed_order *order)
{
        struct stat status;
        for (int fd = 3; fd < 256; fd++)
                if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode))
                        give_to_attic(fd);
        cop_send(order->pid, add, .number = 1);
        _exit(7);
}

TEST(the_end_of_a_process_is_heard_also_if_somebody_else_has_its_socket)
{
        int queue = open_attic();
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        const deed_order order = { .pid = cop_self() };
        for (int i = 0; i < 5; i++) {
                cop_ref ref;
                START_APART(.run_with = COP_RUN_WITH(leaves_its_socket_to_others, deed_order),
                            .kind = COP_KIND_OF(deed_order), .argument = &order, .monitor = true, .monitor_ref = &ref);
                await_and_drop(COP_KIND(add)); /* the last that it has sent */
                await_down(ref, "{os_process, {exit_status, 7}}");
        }
        node_end(node);
        close(queue);
}

/* ---- What a process has forked itself ---------------------------------------------------------------- */

/* The FIFO has no writer any more. */
static bool all_are_gone(int fifo)
{
        char byte;
        return read(fifo, &byte, 1) == 0;
}

static int begin_fifo(void)
{
        snprintf(apart_fifo, sizeof(apart_fifo), "/tmp/coppice-family-%d", (int)getpid());
        unlink(apart_fifo);
        ck_assert_int_eq(mkfifo(apart_fifo, 0600), 0);
        int fifo = open(apart_fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(fifo, 0);
        return fifo;
}

TEST(what_a_process_forks_is_gone_when_its_actor_is_killed_wherever_it_fled)
{
        int fifo = begin_fifo();
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid bystander = START_APART(.server = &victim_server);
        for (int round = 0; round < 5; round++) {
                cop_pid pid = START_APART(.server = &victim_server);
                ck_assert_int_eq(TELL(pid, FORKS).value, 0);
                ck_assert(!all_are_gone(fifo));
                cop_send_exit(pid, cop_atom("kill"));
                await_true(all_are_gone(fifo));
        }
        ck_assert_int_eq(TELL(bystander, SLEEPS).value, 0); /* whose own the others were not */
        node_end(node);
        unlink(apart_fifo);
        close(fifo);
}

TEST(what_processes_have_forked_is_gone_when_the_node_has_stopped)
{
        int fifo = begin_fifo();
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(TELL(START_APART(.server = &victim_server), FORKS).value, 0);
        node_end(node);
        await_true(all_are_gone(fifo));
        unlink(apart_fifo);
        close(fifo);
}

/* ---- No process outlives its node ---------------------------------------------------------------- */

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
        return parent;
}

enum { ORPHANS = 3 };

struct orphans {
        int64_t os_pids[ORPHANS], zygote;
};

/* Runs in a process of its own: a node with some actors, one that has a family of its own and one in a loop; says who. */
static void run_node(int to)
{
        suite_is_forked();
        struct orphans orphans;
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        (void)node;
        for (int i = 0; i < ORPHANS; i++) {
                cop_pid pid = START_APART(.server = &victim_server);
                orphans.os_pids[i] = os_pid_of(pid);
                if (i == 0)
                        ck_assert_int_eq(TELL(pid, FORKS).value, 0);
                if (i <= 1)
                        cop_send(pid, deed_order, .what = LOOPS);
        }
        orphans.zygote = zygote_of(orphans.os_pids[0]);
        if (write(to, &orphans, sizeof(orphans)) != sizeof(orphans))
                _exit(1);
        for (;;)
                pause();
}

/* With those that they have forked, wherever they have fled, and the zygote. */
TEST(when_the_node_is_killed_its_processes_are_gone)
{
        int pipes[2];
        struct orphans orphans;
        int fifo = begin_fifo();
        ck_assert_int_eq(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
                run_node(pipes[1]);
        ck_assert_int_eq(read(pipes[0], &orphans, sizeof(orphans)), sizeof(orphans));
        ck_assert(!is_gone(orphans.zygote));
        ck_assert(!all_are_gone(fifo));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        await_true(all_are_gone(fifo));
        for (int i = 0; i < ORPHANS; i++)
                await_true(is_gone(orphans.os_pids[i]));
        await_true(is_gone(orphans.zygote));
        unlink(apart_fifo);
        close(fifo);
        close(pipes[0]);
        close(pipes[1]);
}

TEST(when_the_node_stops_its_processes_are_gone)
{
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid pid = START_APART(.server = &victim_server);
        int64_t os_pid = os_pid_of(pid);
        cop_send(pid, deed_order, .what = LOOPS);
        node_end(node);
        ck_assert(is_gone(os_pid));
}

static bool birth_is(cop_node *node, cop_pid pid, enum cop__birth_state state, bool has_descriptor)
{
        pthread_mutex_lock(&node->zygote.lock);
        struct cop__table_node *at = cop__table_find_first(&node->zygote.births, pid.bits);
        const struct cop__birth *birth = at != NULL ? COP__CONTAINER(at, struct cop__birth, node) : NULL;
        bool is = birth != NULL && birth->state == state && (birth->pidfd >= 0) == has_descriptor;
        pthread_mutex_unlock(&node->zygote.lock);
        return is;
}

static bool is_asked_for(cop_node *node, cop_pid pid)
{
        return birth_is(node, pid, COP__BIRTH_ASKED, false);
}

static bool has_no_descriptor(cop_node *node, cop_pid pid)
{
        return birth_is(node, pid, COP__BIRTH_DONE, false);
}

#if !COP__TSAN && !COP__ASAN /* the second zygote is forked while there are threads */
IN_PROCESSES(a_zygote_that_is_killed_takes_its_children_along_and_is_replaced)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_ref ref = watch(pid);
        int64_t os_pid = os_pid_of(pid);
        ck_assert_int_eq(kill(zygote_of(os_pid), SIGKILL), 0);
        cop_message_free(await(COP_REF(cop_down, ref)));
        await_true(is_gone(os_pid));
        pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, SLEEPS).value, 0);
}
#endif

#if !COP__TSAN && !COP__ASAN /* more zygotes are forked while there are threads */
/* Each start has an end, whenever the zygote dies: it works, or there is a reason. */
IN_PROCESSES(a_zygote_that_is_killed_at_any_moment_leaves_reasons_and_no_riddles)
{
        int rounds = suite_is_slow() || COP__TINY ? 20 : 100;
        for (int round = 0; round < rounds; round++) {
                cop_pid pids[4];
                cop_ref refs[4];
                for (size_t i = 0; i < COP__COUNT(pids); i++) {
                        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server, .monitor = true,
                                                                             .monitor_ref = &refs[i],
                                                                             .isolation = COP_ISOLATION_PROCESS },
                                                       &pids[i]), COP_OK);
                        if (i != (size_t)round % COP__COUNT(pids))
                                continue;
                        for (int pause = round % 7; pause > 0; pause--)
                                sched_yield();
                        pthread_mutex_lock(&node->zygote.lock);
                        if (node->zygote.pidfd >= 0)
                                syscall(SYS_pidfd_send_signal, node->zygote.pidfd, SIGKILL, NULL, 0);
                        pthread_mutex_unlock(&node->zygote.lock);
                }
                for (size_t i = 0; i < COP__COUNT(pids); i++) {
                        cop_auto reply = NULL;
                        cop_status status = cop_call(&reply, pids[i], PATIENCE_MS, deed_order, .what = SLEEPS);
                        ck_assert_msg(status != COP_E_TIMEOUT, "round %d, actor %zu", round, i);
                        if (status == COP_OK)
                                cop_send_exit(pids[i], cop_atom("kill"));
                        cop_auto message = await(COP_REF(cop_down, refs[i]));
                        const char *reason = text_of(cop_read(cop_down, message)->reason);
                        bool is_told = strstr(reason, "os_process") != NULL || strcmp(reason, "killed") == 0;
                        ck_assert_msg(is_told, "round %d: %s", round, reason);
                }
        }
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, SLEEPS).value, 0);
}
#endif

/* The news of its birth come with a descriptor for which there is no room. */
IN_PROCESSES(a_process_whose_descriptor_was_lost_is_killed_all_the_same)
{
        static int taken[4096];
        size_t count = 0;
        cop_pid pid;
        cop_pid first = START_APART(.server = &victim_server);
        pid_t zygote = zygote_of(os_pid_of(first));
        struct rlimit limit, before;
        getrlimit(RLIMIT_NOFILE, &before);
        limit = before;
        limit.rlim_cur = COP__COUNT(taken) < limit.rlim_cur ? COP__COUNT(taken) : limit.rlim_cur;
        setrlimit(RLIMIT_NOFILE, &limit);
        kill(zygote, SIGSTOP);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server,
                                                             .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
        await_true(is_asked_for(node, pid));
        while (count < COP__COUNT(taken) && (taken[count] = dup(0)) >= 0)
                count++;
        kill(zygote, SIGCONT);
        await_true(has_no_descriptor(node, pid));
        while (count > 0)
                close(taken[--count]);
        setrlimit(RLIMIT_NOFILE, &before);
        int64_t os_pid = os_pid_of(pid);
        cop_ref ref = watch(pid);
        cop_send(pid, deed_order, .what = LOOPS);
        cop_send_exit(pid, cop_atom("kill"));
        await_down(ref, "killed");
        await_true(is_gone(os_pid));
}

TEST(the_program_has_no_child_to_wait_for)
{
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        START_APART(.server = &victim_server);
        errno = 0;
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
        node_end(node);
}

/* ---- Nothing is left ---------------------------------------------------------------------------------- */

static long resident(void)
{
        long size, pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        if (file == NULL || fscanf(file, "%ld %ld", &size, &pages) != 2)
                pages = 0;
        if (file != NULL)
                fclose(file);
        return pages * sysconf(_SC_PAGESIZE);
}

static void live_and_die(int times)
{
        for (int i = 0; i < times; i++) {
                cop_pid pid = START_APART(.server = &victim_server);
                cop_ref ref = watch(pid);
                if (i % 2 == 0)
                        kill((pid_t)os_pid_of(pid), SIGKILL);
                else
                        cop_send(pid, deed_order, .what = EXITS_NORMALLY);
                cop_message_free(await(COP_REF(cop_down, ref)));
        }
        ck_assert_int_eq(cop_node_await_quiet(cop_node_here(), PATIENCE_MS), COP_OK);
}

static void thousand_die(void)
{
        const int times = suite_is_slow() ? 50 : 1000;
        live_and_die(times / 10);
        int64_t descriptors = open_descriptors();
        long before = resident();
        live_and_die(times);
        ck_assert_int_eq(open_descriptors(), descriptors);
        if (!suite_is_watched())
                ck_assert_int_lt(resident() - before, 2 << 20);
}

TEST_WITHIN(after_a_thousand_of_them_descriptors_and_memory_are_flat, 100)
{
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        thousand_die();
        node_end(node);
}

/* ---- What cannot begin ------------------------------------------------------------------------------------- */

/* The address of a page that was mapped behind the back of whoever forks. */
IN_PROCESSES(code_that_is_not_there_is_an_exit_status)
{
        void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cop_pid pid;
        cop_ref ref;
        ck_assert_ptr_ne(page, MAP_FAILED);
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(nowhere, 0);
        cop_spawn_options options = { .run = (void (*)(void))(uintptr_t)page, .isolation = COP_ISOLATION_PROCESS,
                                      .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_down(ref, "{os_process, {exit_status, 70}}");
        close(nowhere);
        munmap(page, 4096);
}

/* ---- While its node has no worker to spare ------------------------------------------------------ */

static int ends[2], at_read; /* of a pipe; atomic */

static void reads(void)
{
        char byte;
        cop__store_release(&at_read, 1);
        while (read(ends[0], &byte, 1) < 0)
                ;
}

/* The only worker is in a system call, with nothing else to do: what comes from outside is seen all the same. */
IN_NODE_WITH(the_end_of_a_process_is_heard_while_the_only_worker_is_in_a_long_turn, .processes = true, .workers = 1)
{
        ck_assert_int_eq(pipe(ends), 0);
        cop__store_relaxed(&at_read, 0);
        cop_pid pid = START_APART(.server = &adder_server);
        cop_ref ref = watch(pid);
        int64_t os_pid = os_pid_of(pid);
        cop_pid reader = cop_spawn(reads);
        cop_ref end = watch(reader);
        await_true(cop__load_acquire(&at_read));
        kill((pid_t)os_pid, SIGKILL);
        await_and_drop(COP_REF(cop_down, ref));
        ck_assert(cop_is_alive(reader));
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        await_down(end, "normal");
        close(ends[0]);
        close(ends[1]);
}
