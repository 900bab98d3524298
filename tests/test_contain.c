/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Faults of every kind, many of each, on two workers at once: each is a DOWN with its reason, place and message, and nothing
 * is left behind. And the policies: what each isolation contains, and that the rest ends the program with a report.
 *
 * COP_SOAK_FAULTS in the environment is how many there are of each kind: the soak asks for 100,000.
 */
#define _GNU_SOURCE
#include "tests/gauges.h"
#include "tests/faulty.h"
#include "tests/node_fixture.h"

#include <coppice/blocking.h>

#undef NDEBUG /* a failed assertion is one of the faults */
#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/abort_words.h"
#include "coppice_config.h"

/* ---- Kinds of fault ------------------------------------------------------------------------ */

typedef struct order {
        int64_t kind;
        bool after_waiting; /* so the handler has a stack of the pool's */
        bool blocks;        /* a function does it, on a thread for what blocks */
} order;
COP_MESSAGE(order, kind, after_waiting, blocks);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

/* Never 0 to the compiler. */
static volatile intptr_t zero;

enum { READ_NULL_LINE = __LINE__ + 3 };
FAULTS static void read_null(void)
{
        zero = *(volatile int *)zero;
}

#if !COP__TSAN /* which reserves most of the address space, so that the words differ */
enum { READ_WILD_LINE = __LINE__ + 3 };
FAULTS static void read_wild(void)
{
        zero = *(volatile int *)(zero + 0x123456789000);
}
#endif

#if defined(__x86_64__) /* aarch64 does not trap on integer division */
enum { DIVIDE_LINE = __LINE__ + 3 };
FAULTS static void divide(void)
{
        zero = 900 / zero;
}
#endif

#if defined(__x86_64__)
#define ILLEGAL "ud2"
#else
#define ILLEGAL ".inst 0"
#endif

enum { RUN_ILLEGAL_LINE = __LINE__ + 3 };
FAULTS static void run_illegal(void)
{
        __asm__ __volatile__(ILLEGAL);
}

enum { GIVE_UP_LINE = __LINE__ + 3 };
FAULTS static void give_up(void)
{
        abort();
}

enum { FAIL_ASSERTION_LINE = __LINE__ + 3 };
FAULTS static void fail_assertion(void)
{
        assert(zero > 41);
}

FAULTS static void overflow_stack(void)
{
        zero = descend(0) & zero;
}

#define HERE(line) "tests/test_contain.c", line, line

static const struct kind {
        void (*commit)(void);
        const char *function, *atom, *words;
        bool is_strict; /* also COP_ISOLATION_STRICT contains it */
        const char *file;
        int first_line, last_line;
} kinds[] = {
        { read_null, "read_null", "sigsegv", "invalid memory access at 0x0 (NULL)", true, HERE(READ_NULL_LINE) },
#if !COP__TSAN
        { read_wild, "read_wild", "sigsegv", "invalid memory access at 0x123456789000", false, HERE(READ_WILD_LINE) },
#endif
#if defined(__x86_64__)
        { divide, "divide", "sigfpe", "integer division by zero", true, HERE(DIVIDE_LINE) },
#endif
        { run_illegal, "run_illegal", "sigill", "illegal instruction", false, HERE(RUN_ILLEGAL_LINE) },
        { give_up, "give_up", "sigabrt", "abort() called", false, HERE(GIVE_UP_LINE) },
        { fail_assertion, "fail_assertion", "sigabrt", "assertion failed: zero > 41", false, HERE(FAIL_ASSERTION_LINE) },
        /* Where its stack ends is the compiler's affair. */
        { overflow_stack, "descend", "sigsegv", "stack overflow", true, "tests/faulty.h", DESCEND_FIRST_LINE, DESCEND_LAST_LINE },
};

#define KINDS ((int64_t)COP__COUNT(kinds))

typedef struct culprit {
        int64_t served;
} culprit;

static void commit(order *o)
{
        kinds[o->kind].commit();
}

static void culprit_on_order(culprit *self, const order *o)
{
        self->served++;
        if (o->after_waiting)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        order mine = *o;
        if (mine.blocks)
                cop_blocking(commit, &mine);
        else
                commit(&mine);
}

COP_SERVER(culprit, COP_ON(order, culprit_on_order));

/* ---- Many of each ---------------------------------------------------------------------------- */

/* "tests/faulty.h:37", perhaps after a folder. */
static bool is_at(const char *place, const struct kind *kind)
{
        const char *colon = strrchr(place, ':');
        size_t size = strlen(kind->file);
        if (colon == NULL || (size_t)(colon - place) < size || strncmp(colon - size, kind->file, size) != 0)
                return false;
        int line = atoi(colon + 1);
        return line >= kind->first_line && line <= kind->last_line;
}

/* What is wrong with a DOWN after such a fault; NULL: nothing. {fault, Signal, Words, {Function, Line}, Message} */
static const char *complaint_about(cop_term reason, const order *o)
{
        const struct kind *kind = &kinds[o->kind];
        if (!cop_is_tuple(reason, "fault", 5))
                return "it is no fault";
        const cop_term *items = reason.as.items;
        if (!cop_is_atom(items[1], kind->atom))
                return "another signal";
        /* Those of an assertion are read by a system call that emulators do not know. */
        if (!cop_term_equal(items[2], cop_string(kind->words)) &&
            !(suite_is_emulated() && cop_is_atom(items[1], "sigabrt")))
                return "other words";
        if (items[3].count != 2 || !cop_is_atom(items[3].as.items[0], kind->function))
                return "another function";
        const cop_term *place = &items[3].as.items[1];
        char text[512];
        snprintf(text, sizeof(text), "%.*s", (int)place->count, place->as.text);
        if (COP__HAVE_LIBDW && !is_at(text, kind))
                return "another file or line";
        cop_term wanted = COP_TUPLE(cop_atom("order"), cop_int(o->kind), cop_bool(o->after_waiting), cop_bool(o->blocks));
        if (!cop_term_equal(items[4], wanted))
                return "another message";
        return NULL;
}

/* What one driver has seen: the count, and the first thing that was wrong. */
typedef struct account {
        int64_t right, wrong;
        cop_text first;
} account;
COP_MESSAGE(account, right, wrong, first);

typedef struct task {
        int64_t kind, count;
        cop_pid to;
} task;
COP_MESSAGE(task, kind, count, to);

static void drive(const task *t)
{
        account mine = { .right = 0 };
        char first[512] = "";
        for (int64_t i = 0; i < t->count; i++) {
                cop_ref ref;
                cop_pid pid;
                cop_spawn_options options = { .server = &culprit_server, .monitor = true,
                                              .monitor_ref = &ref };
                if (cop_spawn_opt(&options, &pid) != COP_OK)
                        cop_exit(cop_atom("no_culprit"));
                order wanted = { .kind = t->kind, .after_waiting = i % 2 == 1 };
                cop_send_value(cop_to_pid(pid), COP_KIND_OF(order), &wanted);
                cop_send(pid, go);
                cop_auto down = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
                cop_term reason = cop_read(cop_down, down)->reason;
                const char *complaint = complaint_about(reason, &wanted);
                mine.right += complaint == NULL;
                mine.wrong += complaint != NULL;
                if (complaint != NULL && first[0] == '\0')
                        snprintf(first, sizeof(first), "%s: %s", complaint, text_of(reason));
        }
        mine.first = cop_text_of(first);
        cop_send_value(cop_to_pid(t->to), COP_KIND_OF(account), &mine);
}

/* Two drivers, and as many workers: `count` faults of the kind in all. */
static void commit_many(int64_t kind, int64_t count)
{
        for (int64_t i = 0; i < 2; i++)
                cop_spawn_with(drive, task, .kind = kind, .count = (count + i) / 2, .to = cop_self());
        int64_t right = 0;
        for (int i = 0; i < 2; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(account));
                const account *seen = cop_read(account, message);
                ck_assert_msg(seen->wrong == 0, "%lld were not told rightly, the first: %.*s",
                              (long long)seen->wrong, (int)seen->first.size, seen->first.data);
                right += seen->right;
        }
        ck_assert_int_eq(right, count);
}

/* assert() writes its line to standard error, 100,000 times. */
static void hush(void)
{
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(nowhere, 0);
        ck_assert_int_ge(dup2(nowhere, STDERR_FILENO), 0);
        close(nowhere);
}

static int64_t wanted_count(void)
{
        const char *wanted = getenv("COP_SOAK_FAULTS");
        if (wanted != NULL && atoll(wanted) > 0)
                return atoll(wanted);
        return suite_is_slow() ? 60 : 600;
}

TEST_WITHIN(faults_of_every_kind_are_told_rightly_and_leave_nothing_behind, 1800)
{
        int64_t count = wanted_count(), total = 0;
        hush();
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        for (int64_t kind = 0; kind < KINDS; kind++) /* stacks, pools and names that are kept */
                commit_many(kind, 40);
        await_true(blocks_in_use(node) <= 8);
        int descriptors = open_descriptors();
        size_t resident = resident_bytes(), heap = mallinfo2().uordblks;
        for (int64_t kind = 0; kind < KINDS; kind++) {
                commit_many(kind, count);
                total += count;
        }
        await_true(blocks_in_use(node) <= 8);
        ck_assert_int_eq(open_descriptors(), descriptors);
        if (!suite_is_watched()) { /* a sanitizer keeps what was freed */
                ck_assert_uint_le(mallinfo2().uordblks, heap + (16 << 10));
                ck_assert_uint_le(resident_bytes(), resident + (2 << 20));
        }
        struct cop__totals totals;
        cop__totals(node, &totals);
        ck_assert_uint_eq(totals.crashes, (uint64_t)(total + KINDS * 40));
        node_end(node);
        if (getenv("COP_SOAK_FAULTS") != NULL)
                printf("faults survived: %lld, of %lld kinds\n", (long long)total, (long long)KINDS);
}

/* ---- Policies ------------------------------------------------------------------------------------ */

struct verdict {
        int signal; /* that the child died by; 0: it ended by itself */
        int code;
        char report[8192];
};

static struct {
        cop_spawn_options spawn;
        cop_node_options node;
        order order;
} scene;

/* One culprit in a node of its own: ends with 0 if its fault was contained. */
static void play_scene(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_node *node = node_begin(scene.node);
        scene.spawn.server = &culprit_server;
        scene.spawn.monitor = true;
        scene.spawn.monitor_ref = &ref;
        if (cop_spawn_opt(&scene.spawn, &pid) != COP_OK)
                _exit(1);
        cop_send_value(cop_to_pid(pid), COP_KIND_OF(order), &scene.order);
        cop_message *down = await(COP_REF(cop_down, ref));
        bool right = complaint_about(cop_read(cop_down, down)->reason, &scene.order) == NULL;
        cop_message_free(down);
        node_end(node); /* a thread for what blocks is joined */
        _exit(right ? 0 : 2);
}

/* Plays it in a child, and collects what it writes to stderr until its end. */
static struct verdict verdict_on(cop_isolation isolation, bool node_is_strict, order wanted)
{
        struct verdict verdict = { .signal = 0 };
        int ends[2], status;
        scene.spawn = (cop_spawn_options){ .isolation = isolation };
        scene.node = (cop_node_options){ .contain_strict = node_is_strict };
        scene.order = wanted;
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                struct rlimit none = { 0, 0 };
                suite_is_forked();
                setrlimit(RLIMIT_CORE, &none);
                dup2(ends[1], STDERR_FILENO);
                close(ends[1]);
                play_scene();
        }
        close(ends[1]);
        size_t size = 0;
        ssize_t got = 1;
        for (; got > 0; size += got > 0 ? (size_t)got : 0)
                got = read(ends[0], verdict.report + size, sizeof(verdict.report) - 1 - size);
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status))
                verdict.signal = WTERMSIG(status);
        else
                verdict.code = WEXITSTATUS(status);
        return verdict;
}

static int signal_of(int64_t kind)
{
        static const struct {
                const char *atom;
                int number;
        } each[] = { { "sigsegv", SIGSEGV }, { "sigfpe", SIGFPE }, { "sigill", SIGILL },
                     { "sigabrt", SIGABRT } };
        for (size_t i = 0; i < COP__COUNT(each); i++)
                if (strcmp(each[i].atom, kinds[kind].atom) == 0)
                        return each[i].number;
        return 0;
}

static void expect_contained(struct verdict verdict)
{
        ck_assert_msg(verdict.signal == 0 && verdict.code == 0, "died by %d, code %d: %s",
                      verdict.signal, verdict.code, verdict.report);
}

static void expect_stop(struct verdict verdict, int64_t kind, const char *why)
{
        ck_assert_msg(verdict.signal == signal_of(kind), "%s: died by %d, code %d: %s",
                      kinds[kind].function, verdict.signal, verdict.code, verdict.report);
        ck_assert_msg(strstr(verdict.report, why), "no \"%s\" in:\n%s", why, verdict.report);
        ck_assert_ptr_nonnull(strstr(verdict.report, "while running culprit <0."));
}

static void try_strict(order wanted)
{
        struct verdict by_spawn = verdict_on(COP_ISOLATION_STRICT, false, wanted);
        struct verdict by_node = verdict_on(COP_ISOLATION_GUARDED, true, wanted);
        if (kinds[wanted.kind].is_strict) {
                expect_contained(by_spawn);
                expect_contained(by_node);
        } else {
                expect_stop(by_spawn, wanted.kind, "because it is contained strictly");
                expect_stop(by_node, wanted.kind, "because it is contained strictly");
        }
}

TEST(strict_containment_contains_null_overflow_and_arithmetic_and_nothing_else)
{
        for (int64_t kind = 0; kind < KINDS; kind++)
                try_strict((order){ .kind = kind });
}

TEST(a_fault_of_each_kind_is_the_actors_in_a_function_that_blocks_too)
{
        for (int64_t kind = 0; kind < KINDS; kind++)
                expect_contained(verdict_on(COP_ISOLATION_GUARDED, false, (order){ .kind = kind, .blocks = true }));
}

TEST(strict_containment_is_the_same_for_a_function_that_blocks)
{
        for (int64_t kind = 0; kind < KINDS; kind++)
                try_strict((order){ .kind = kind, .blocks = true });
}

static void try_inline(order wanted)
{
        expect_stop(verdict_on(COP_ISOLATION_INLINE, false, wanted), wanted.kind, "isolation inline");
        expect_stop(verdict_on(COP_ISOLATION_INLINE, true, wanted), wanted.kind, "isolation inline");
}

TEST(inline_isolation_contains_nothing_also_on_a_strict_node)
{
        for (int64_t kind = 0; kind < KINDS; kind++)
                try_inline((order){ .kind = kind });
}

TEST(inline_isolation_is_the_same_for_a_function_that_blocks)
{
        for (int64_t kind = 0; kind < KINDS; kind++)
                try_inline((order){ .kind = kind, .blocks = true });
}

IN_NODE(an_isolation_that_there_is_not_is_refused)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &culprit_server, .isolation = (cop_isolation)99 };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_E_BAD_ARGUMENT);
}

/* ---- Assertions ------------------------------------------------------------------------------------ */

static void asserts_then_aborts(void)
{
        give_up();
}

IN_NODE(an_abort_is_not_given_the_words_of_an_assertion_before_it)
{
        NEEDS_THE_KERNEL();
        hush();
        cop_ref first = spawn_watched(.run = fail_assertion);
        cop_auto down = await(COP_REF(cop_down, first));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason),
                                     "assertion failed: zero > 41"));
        cop_ref second = spawn_watched(.run = asserts_then_aborts);
        cop_auto again = await(COP_REF(cop_down, second));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, again)->reason), "abort() called"));
}

IN_NODE(words_are_not_believed_without_a_call_of_assert)
{
        struct cop__fault fault = { .signal = SIGABRT };
        char text[COP__FAULT_SAID_MAX];
        snprintf(fault.said, sizeof(fault.said), "p: f.c:1: f: Assertion `x' failed.\n");
        ck_assert(!cop__abort_words_of(&fault, "f", text, sizeof(text))); /* nobody has called assert() */
        fault.signal = SIGSEGV;
        ck_assert(!cop__abort_words_of(&fault, "f", text, sizeof(text)));
}

/* The words of an assertion that has failed, "" if they are of another one. */
static const char *words_of(const char *said, const char *function, char text[COP__FAULT_SAID_MAX])
{
        struct cop__fault fault = { .signal = SIGABRT, .culprit = 1, .backtrace.depth = 2 };
        fault.backtrace.frames[0] = (char *)dlsym(RTLD_DEFAULT, "__assert_fail") + 1;
        snprintf(fault.said, sizeof(fault.said), "%s", said);
        return cop__abort_words_of(&fault, function, text, COP__FAULT_SAID_MAX) ? text : "";
}

TEST(the_condition_of_an_assertion_is_told_whatever_stands_in_its_functions_type)
{
        static const struct {
                const char *said, *function, *words;
        } each[] = {
                { "p: f.c:1: split: Assertion `people > 0' failed.\n", "split", "assertion failed: people > 0" },
                { "p: f.cpp:1: int split(int): Assertion `people > 0' failed.\n", "split", "assertion failed: people > 0" },
                { "p: f.cpp:1: int split(const std::vector<int>&): Assertion `v.size() > 5' failed.\n", "split",
                  "assertion failed: v.size() > 5" },
                { "p: f.cpp:1: int shop::split(std::list<int>): Assertion `std::min(a, b) > 0' failed.\n", "split",
                  "assertion failed: std::min(a, b) > 0" },
                { "p: f.cpp:1: split(std::string)::<lambda(int)>: Assertion `a' failed.\n", "split", "assertion failed: a" },
                { "p: split.c:1: share: Assertion `people > 0' failed.\n", "split", "" }, /* of another function, earlier */
                { "Assertion `people > 0' failed.\n", "split", "" },
                { ": Assertion `people > 0' failed.\n", "split", "" },
                { "p: f.c:1: split: Assertion `people", "split", "assertion failed: people..." },
        };
        char text[COP__FAULT_SAID_MAX];
        for (size_t i = 0; i < COP__COUNT(each); i++)
                ck_assert_str_eq(words_of(each[i].said, each[i].function, text), each[i].words);
}
