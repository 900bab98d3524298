/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What dies with an actor beside its memory, however it dies; and the ledger that names it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/descriptors.h"
#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

#define FAULTS __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

typedef struct task {
        int64_t how;
        int32_t fd;
        cop_pid to;
} task;
COP_MESSAGE(task, how, fd, to);

typedef struct opened {
        int32_t fd;
} opened;
COP_MESSAGE(opened, fd);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

enum { RETURNS, EXITS, FAULTS_THEN, WAITS, WAYS };

static volatile intptr_t zero;

FAULTS static void fault(void)
{
        *(volatile int *)zero = 1;
}

/* In the order in which they ended. */
static int ended[8]; /* atomic */
static int ended_count; /* atomic */

static void note_end(void *thing)
{
        int at = cop__add_relaxed(&ended_count, 1);
        cop__store_release(&ended[at % 8], *(int *)thing); /* read after a DOWN, or polled */
}

static void owner(const task *t)
{
        static int first = 1, second = 2;
        int fd = -1;
        if (cop_open("/dev/null", O_RDONLY, 0, &fd) != COP_OK || cop_own_fd(t->fd) != COP_OK ||
            cop_own("first", note_end, &first) != COP_OK || cop_own("second", note_end, &second) != COP_OK)
                cop_exit(cop_atom("not_owned"));
        cop_send(t->to, opened, .fd = fd);
        if (t->how == EXITS)
                cop_exit(cop_atom("done"));
        if (t->how == FAULTS_THEN)
                fault();
        if (t->how == WAITS)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

IN_NODE(what_an_actor_owns_ends_with_it_however_it_ends_the_last_one_first)
{
        for (int64_t how = 0; how < WAYS; how++) {
                int pipe_ends[2];
                cop__store_relaxed(&ended_count, 0);
                ck_assert_int_eq(pipe(pipe_ends), 0);
                cop_pid pid = cop_spawn_with(owner, task, .how = how, .fd = pipe_ends[1], .to = cop_self());
                cop_ref ref = watch(pid);
                cop_auto message = await(COP_KIND(opened));
                int fd = cop_read(opened, message)->fd;
                if (how == WAITS)
                        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
                await_and_drop(COP_REF(cop_down, ref));
                await_true(cop__load_acquire(&ended_count) == 2 && !is_open(fd) && !is_open(pipe_ends[1]));
                await_true(cop__load_acquire(&ended[0]) == 2 && cop__load_acquire(&ended[1]) == 1);
                char byte;
                ck_assert_int_eq(read(pipe_ends[0], &byte, 1), 0); /* the other end is closed */
                close(pipe_ends[0]);
        }
}

/* Its record of what few actors have was made by its spawner, with a list of belongings that could not be put into. */
IN_NODE(an_actor_with_a_memory_limit_owns_as_well)
{
        int pipe_ends[2];
        cop__store_relaxed(&ended_count, 0);
        ck_assert_int_eq(pipe(pipe_ends), 0);
        cop_ref ref = spawn_watched(RUN_WITH(owner, task, .how = RETURNS, .fd = pipe_ends[1], .to = cop_self()),
                                    .memory_limit = 10000);
        await_down(ref, "normal");
        await_true(!is_open(pipe_ends[1]) && cop__load_acquire(&ended_count) == 2);
        close(pipe_ends[0]);
}

IN_NODE(how_much_an_actor_owns_is_told_to_who_asks_it)
{
        int pipe_ends[2];
        ck_assert_int_eq(pipe(pipe_ends), 0);
        cop_pid pid = cop_spawn_with(owner, task, .how = WAITS, .fd = pipe_ends[1], .to = cop_self());
        await_and_drop(COP_KIND(opened));
        ck_assert_str_eq(info_of(pid, "owned"), "4");
        put_down(pid);
        await_true(!is_open(pipe_ends[1]));
        close(pipe_ends[0]);
        ck_assert_str_eq(info_of(cop_self(), "owned"), "0");
}

IN_NODE(a_crash_report_names_what_was_held)
{
        int pipe_ends[2];
        char wanted[128], text[4096];
        struct cop__report report;
        ck_assert_int_eq(pipe(pipe_ends), 0);
        cop_pid pid = cop_spawn_with(owner, task, .how = FAULTS_THEN, .fd = pipe_ends[1], .to = cop_self());
        cop_auto message = await(COP_KIND(opened));
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        snprintf(wanted, sizeof(wanted), "second, first, descriptor %d, descriptor %d", pipe_ends[1],
                 cop_read(opened, message)->fd);
        ck_assert_str_eq(report.held, wanted);
        cop__report_print_all(&report, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "\n   held second, first, descriptor "));
        close(pipe_ends[0]);
}

static void owns_much(void)
{
        static int things[100];
        for (size_t i = 0; i < COP__COUNT(things); i++)
                if (cop_own("a thing with a long name", note_end, &things[i]) != COP_OK)
                        cop_exit(cop_atom("not_owned"));
        fault();
}

IN_NODE(of_many_belongings_a_crash_report_names_the_last)
{
        struct cop__report report;
        cop_pid pid = cop_spawn(owns_much);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        size_t size = strlen(report.held);
        ck_assert_uint_lt(size, sizeof(report.held));
        ck_assert_int_eq(strncmp(report.held, "a thing with a long name, a thing with", 38), 0);
        ck_assert_str_eq(report.held + size - 3, "...");
        await_true(cop__load_acquire(&ended_count) == 100);
}

IN_NODE(a_descriptor_is_closed_or_taken_back_before)
{
        int fd = -1, other = -1, count = 5;
        ck_assert_uint_eq(cop_owned(), 0);
        ck_assert_int_eq(cop_open("/dev/null", O_RDONLY, 0, &fd), COP_OK);
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ck_assert_int_eq(cop_own_fd(fd), COP_OK); /* twice is once */
        ck_assert_uint_eq(cop_owned(), 1);
        ck_assert_int_eq(cop_close(fd), COP_OK);
        ck_assert(!is_open(fd));
        ck_assert_int_eq(cop_close(fd), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_open("/dev/null", O_RDONLY, 0, &other), COP_OK);
        ck_assert_int_eq(cop_disown_fd(other), COP_OK);
        ck_assert(is_open(other));
        close(other);
        ck_assert_int_eq(cop_own("count", note_end, &count), COP_OK);
        ck_assert_int_eq(cop_own("count", note_end, &count), COP_E_TAKEN);
        ck_assert_int_eq(cop_disown(&count), COP_OK);
        ck_assert_int_eq(cop_disown(&count), COP_E_NOT_FOUND);
        ck_assert_uint_eq(cop_owned(), 0);
}

/* Steps, counted: from the first entry of a chain to the one that is looked for. */
static size_t longest_chain(const struct cop__table *table)
{
        size_t longest = 0;
        for (size_t i = 0; i < table->capacity; i++) {
                size_t length = 0;
                for (const struct cop__table_node *at = table->buckets[i]; at != NULL; at = at->next)
                        length++;
                longest = length > longest ? length : longest;
        }
        return longest;
}

enum { MANY = 20000 };
static char things[MANY];

static void end_nothing(void *thing)
{
        (void)thing;
}

static void owner_of_many(void)
{
        for (int i = 0; i < MANY; i++)
                if (cop_own("one of many", end_nothing, &things[i]) != COP_OK)
                        cop_exit(cop_atom("refused"));
        size_t longest = longest_chain(&cop__actor_here()->rare->owned);
        if (cop_owned() != MANY || longest == 0 || longest > 20)
                cop_exit(cop_int((int64_t)longest));
        for (int i = 0; i < MANY / 2; i++)
                if (cop_disown(&things[i]) != COP_OK || cop_disown(&things[i]) != COP_E_NOT_FOUND)
                        cop_exit(cop_atom("not_found"));
        if (cop_owned() != MANY - MANY / 2)
                cop_exit(cop_atom("miscounted"));
}

IN_NODE(one_of_many_things_is_found_in_a_few_steps)
{
        await_down(spawn_watched(.run = owner_of_many), "normal");
}

IN_NODE(a_thing_and_a_descriptor_of_the_same_number_are_two)
{
        int fd = -1;
        ck_assert_int_eq(cop_open("/dev/null", O_RDONLY, 0, &fd), COP_OK);
        void *thing = (void *)(uintptr_t)fd;
        ck_assert_int_eq(cop_own("number", end_nothing, thing), COP_OK);
        ck_assert_uint_eq(cop_owned(), 2);
        ck_assert_int_eq(cop_disown(thing), COP_OK);
        ck_assert(is_open(fd));
        ck_assert_int_eq(cop_close(fd), COP_OK);
        ck_assert_uint_eq(cop_owned(), 0);
}

IN_NODE(what_cannot_be_owned_is_refused)
{
        int fd = 77;
        ck_assert_int_eq(cop_own_fd(-1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_own_fd(100000), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_open(NULL, O_RDONLY, 0, &fd), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_open("/nonexistent", O_RDONLY, 0, &fd), COP_E_SYSTEM);
        ck_assert_int_eq(errno, ENOENT);
        ck_assert_int_eq(fd, 77);
        ck_assert_int_eq(cop_own(NULL, note_end, &fd), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_own("fd", NULL, &fd), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_own("fd", note_end, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(cop_owned(), 0);
}

TEST(outside_a_node_nobody_owns)
{
        int fd = -1;
        ck_assert_int_eq(cop_open("/dev/null", O_RDONLY, 0, &fd), COP_E_NO_NODE);
        ck_assert_int_eq(cop_own_fd(0), COP_E_NO_NODE);
        ck_assert_int_eq(cop_close(0), COP_E_NO_NODE);
        ck_assert_int_eq(cop_disown(&fd), COP_E_NO_NODE);
        ck_assert_int_eq(cop_own("fd", note_end, &fd), COP_E_NO_NODE);
        ck_assert_uint_eq(cop_owned(), 0);
}

IN_NODE(without_memory_the_descriptor_stays_the_callers)
{
        int pipe_ends[2];
        if (!failing_malloc_can())
                return;
        ck_assert_int_eq(pipe(pipe_ends), 0);
        for (long n = 1;; n++) {
                fail_malloc_after(n);
                cop_status status = cop_own_fd(pipe_ends[0]);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        break;
                }
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                ck_assert(is_open(pipe_ends[0]));
        }
        ck_assert_int_eq(cop_close(pipe_ends[0]), COP_OK);
        close(pipe_ends[1]);
}

/* Thousands that crash with descriptors in their hands: the suite looks for what stays open. */
IN_NODE(without_a_free_descriptor_nothing_is_opened_and_errno_says_why)
{
        NEEDS_THE_KERNEL();
        int fd = -1;
        allow(0);
        errno = 0;
        cop_status status = cop_open("/dev/null", O_RDONLY, 0, &fd);
        int error = errno;
        allow_all();
        ck_assert_int_eq(status, COP_E_SYSTEM);
        ck_assert_int_eq(error, EMFILE);
        ck_assert_int_eq(fd, -1);
        ck_assert_uint_eq(cop_owned(), 0);
        ck_assert_int_eq(cop_open("/dev/null", O_RDONLY, 0, &fd), COP_OK);
        ck_assert_int_eq(cop_close(fd), COP_OK);
}

IN_NODE(thousands_of_crashes_leave_no_descriptor)
{
        int rounds = suite_is_slow() || COP__TINY ? 500 : 5000, descriptor = -1;
        for (int i = 0; i < rounds; i++) {
                cop_ref ref = spawn_watched(RUN_WITH(owner, task, .how = FAULTS_THEN, .fd = dup(0), .to = cop_self()));
                await_and_drop(COP_REF(cop_down, ref));
                cop_message_free(cop_receive(0, COP_KIND(opened)));
        }
        await_true((descriptor = dup(0)) < 40 || (close(descriptor), false));
        close(descriptor);
}
