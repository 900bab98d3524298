/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Faults in actors: they end the one that did it, with a reason that tells what, where and at which message, and
 * nobody else notices. How faults are caught and judged is in test_fault.c.
 *
 * Nothing here divides by zero on aarch64, whose processors give 0 and go on.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/descriptors.h"
#include "tests/gauges.h"
#include "tests/faulty.h"
#include "tests/node_fixture.h"
#include "coppice_config.h"

#define CRASHES FAULTS

#if defined(__aarch64__)
#define CAN_DIVIDE_BY_ZERO 0
#else
#define CAN_DIVIDE_BY_ZERO 1
#endif

typedef enum how {
        NULL_POINTER,
        DIVISION,
        ABORT,
        OVERFLOW,
        ILLEGAL,
        HOWS, /* what those before are */
} how;

typedef struct kick {
        int64_t how;
        cop_text with;
} kick;
COP_MESSAGE(kick, how, with);

typedef struct ping {
        int64_t number;
} ping;
COP_MESSAGE(ping, number);

/* Never 0 to the compiler. */
static volatile intptr_t zero;

enum { NULL_LINE = __LINE__ + 3 };
CRASHES static void write_null(void)
{
        *(volatile int *)zero = 1;
}

enum { DIVIDE_LINE = __LINE__ + 3 };
CRASHES static void divide(void)
{
        zero = 900 / zero;
}

enum { ABORT_LINE = __LINE__ + 3 };
CRASHES static void give_up(void)
{
        abort();
}

CRASHES static void illegal(void)
{
#if defined(__x86_64__)
        __asm__ __volatile__("ud2");
#else
        __asm__ __volatile__(".inst 0");
#endif
}

CRASHES static void crash(int64_t by)
{
        switch ((how)by) {
        case DIVISION:
                if (CAN_DIVIDE_BY_ZERO)
                        divide();
                give_up();
                break;
        case ABORT:
                give_up();
                break;
        case OVERFLOW:
                zero = descend(0) & zero;
                break;
        case ILLEGAL:
                illegal();
                break;
        default:
                write_null();
        }
}

static const char *atom_of(int64_t by)
{
        static const char *const atoms[HOWS] = {
                [NULL_POINTER] = "sigsegv", [DIVISION] = CAN_DIVIDE_BY_ZERO ? "sigfpe" : "sigabrt",
                [ABORT] = "sigabrt",        [OVERFLOW] = "sigsegv",
                [ILLEGAL] = "sigill",
        };
        return atoms[by];
}

/* {fault, Signal, Words, {Function, Line}, Message} */
static void expect_fault(cop_term reason, const char *signal, const char *words,
                         const char *function, int line)
{
        ck_assert_msg(cop_is_tuple(reason, "fault", 5), "the reason is %s", text_of(reason));
        const cop_term *items = reason.as.items;
        ck_assert_msg(cop_is_atom(items[1], signal), "%s is not %s", text_of(items[1]), signal);
        if (words != NULL)
                ck_assert_msg(cop_term_equal(items[2], cop_string(words)), "%s is not %s",
                              text_of(items[2]), words);
        ck_assert(items[3].count == 2);
        if (function != NULL)
                ck_assert_str_eq(text_of(items[3].as.items[0]), function);
        if (line == 0 || !COP__HAVE_LIBDW)
                return;
        char end[64];
        const char *place = text_of(items[3].as.items[1]);
        snprintf(end, sizeof(end), "test_crash.c:%d\"", line);
        ck_assert_msg(strlen(place) > strlen(end) &&
                              strcmp(place + strlen(place) - strlen(end), end) == 0,
                      "%s does not end in %s", place, end);
}

typedef struct victim {
        int64_t kicks;
        char fill[3000];
} victim;

static void victim_on_kick(victim *self, const kick *k)
{
        self->kicks++;
        crash(k->how);
}

static void victim_on_ping(victim *self, const ping *p)
{
        (void)self;
        cop_reply(ping, .number = p->number + 1);
}

COP_SERVER(victim, COP_ON(kick, victim_on_kick), COP_ON(ping, victim_on_ping));

static void is_fine(cop_pid pid)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, ping, .number = 1), COP_OK);
        ck_assert_int_eq(cop_read(ping, reply)->number, 2);
        cop_message_free(reply);
}

/* ---- The reason --------------------------------------------------------------------------- */

IN_NODE(SPN_02_a_fault_is_a_reason_with_signal_words_function_and_line)
{
        static const struct {
                int64_t how;
                const char *signal, *words, *function;
                int line;
        } faults[] = {
                { NULL_POINTER, "sigsegv", "invalid memory access at 0x0 (NULL)", "write_null",
                  NULL_LINE },
#if CAN_DIVIDE_BY_ZERO
                { DIVISION, "sigfpe", "integer division by zero", "divide", DIVIDE_LINE },
#endif
                { ABORT, "sigabrt", "abort() called", "give_up", ABORT_LINE },
                { OVERFLOW, "sigsegv", "stack overflow", "descend", 0 },
                { ILLEGAL, "sigill", "illegal instruction", "illegal", 0 },
        };
        for (size_t i = 0; i < COP__COUNT(faults); i++) {
                cop_pid p = cop_spawn_server(&victim_server, NULL);
                cop_ref ref = watch(p);
                ck_assert_int_eq(cop_link(p), COP_OK);
                cop_send(p, kick, .how = faults[i].how, .with = COP_TEXT("a boot"));
                cop_auto down = await(COP_REF(cop_down, ref));
                cop_auto exited = await(COP_FIELD(cop_exited, pid, p));
                cop_term reason = cop_read(cop_down, down)->reason;
                expect_fault(reason, faults[i].signal, faults[i].words, faults[i].function,
                             faults[i].line);
                ck_assert(cop_term_equal(cop_read(cop_exited, exited)->reason, reason));
                /* ... and the message that it was at. */
                cop_term message = reason.as.items[4];
                ck_assert(cop_is_tuple(message, "kick", 3));
                ck_assert_int_eq(message.as.items[1].as.integer, faults[i].how);
                ck_assert(cop_term_equal(message.as.items[2], cop_string("a boot")));
        }
}

IN_NODE_WITH(a_crash_is_reported_in_words, .name = "crashing")
{
        cop_pid p;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server,
                                                             .name = "vic" }, &p), COP_OK);
        cop_send(p, kick, .how = ABORT, .with = COP_TEXT("a boot"));
        struct cop__report report;
        ck_assert(cop__report_wait(node, p, PATIENCE_MS, &report));
        ck_assert_str_eq(report.who, "vic");
        ck_assert_str_eq(report.what, "abort() called");
        ck_assert_str_eq(report.message, "#kick{how = 2, with = \"a boot\"}");
        ck_assert(cop_pid_equal(report.from, cop_self()));
        ck_assert_msg(strncmp(report.where, "give_up", 7) == 0, "%s", report.where);
        char text[2048];
        ck_assert_uint_lt(cop__report_print(&report, text, sizeof(text)), sizeof(text));
        ck_assert_msg(strncmp(text, "** vic <0.", 10) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(text, " crashed: abort() called\n   in give_up"));
}

IN_NODE(a_caller_hears_of_the_crash_of_its_callee_at_once)
{
        for (int64_t by = 0; by < HOWS; by++) {
                cop_pid p = cop_spawn_server(&victim_server, NULL);
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, kick, .how = by), COP_E_DIED);
                expect_fault(cop_failure(), atom_of(by), NULL, NULL, 0);
        }
}

/* ---- Where it may happen --------------------------------------------------------------------- */

typedef struct stillborn {
        int64_t unused;
} stillborn;

static void stillborn_init(stillborn *self, const kick *k)
{
        (void)self;
        crash(k->how);
}

COP_SERVER(stillborn, COP_INIT_WITH(kick, stillborn_init));

IN_NODE(a_fault_in_init_ends_the_start_and_frees_the_name)
{
        for (int64_t by = 0; by < HOWS; by++) {
                cop_pid pid;
                cop_ref ref;
                cop_spawn_options options = { .server = &stillborn_server, .name = "still",
                                              .kind = COP_KIND_OF(kick),
                                              .argument = &(kick){ .how = by }, .link = true,
                                              .monitor = true, .monitor_ref = &ref,
                                              .start_ref = cop_ref_new() };
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
                cop_auto down = await(COP_REF(cop_down, ref));
                expect_fault(cop_read(cop_down, down)->reason, atom_of(by), NULL, NULL, 0);
                ck_assert_uint_eq(cop_whereis("still").bits, 0);
                await_and_drop(COP_FIELD(cop_exited, pid, pid));
                nothing_has_come(); /* no cop_started */
        }
}

typedef struct last {
        int64_t unused;
} last;

static void last_on_ping(last *self, const ping *p)
{
        (void)self;
        (void)p;
        cop_exit(cop_atom("politely"));
}

static void last_terminate(last *self, cop_term reason)
{
        (void)self;
        (void)reason;
        write_null();
}

COP_SERVER(last, COP_ON(ping, last_on_ping), COP_TERMINATE(last_terminate));

IN_NODE(a_fault_in_terminate_is_the_reason)
{
        cop_pid p = cop_spawn_server(&last_server, NULL);
        cop_ref ref = watch(p);
        cop_send(p, ping);
        cop_auto down = await(COP_REF(cop_down, ref));
        expect_fault(cop_read(cop_down, down)->reason, "sigsegv", NULL, "write_null", NULL_LINE);
}

CRASHES static bool reads_null(const ping *p, const int64_t *unused)
{
        (void)p;
        (void)unused;
        write_null();
        return true;
}

static void asks_a_predicate(void)
{
        int64_t unused = 0;
        cop_message_free(cop_receive(COP_FOREVER, COP_WHERE(ping, reads_null, &unused)));
}

IN_NODE(a_fault_in_a_predicate_loses_no_request)
{
        for (int i = 0; i < 20; i++) {
                cop_pid p = cop_spawn(asks_a_predicate);
                if (i % 2 == 0)
                        settle_with(p);
                ck_assert_int_eq(cop_call(NULL, p, 5000, ping), COP_E_DIED);
                expect_fault(cop_failure(), "sigsegv", NULL, "write_null", NULL_LINE);
        }
}

/* Parks until it is resumed by another worker than the one it began on. */
static void crashes_elsewhere(const kick *k)
{
        struct cop__thread *first = cop__thread_here();
        while (cop__thread_here() == first)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(ping)));
        crash(k->how);
}

/* Two of them are on both workers sooner or later, and each brings whom it wakes to its own. */
static void wakes_the_other(void)
{
        for (;;) {
                cop_send("elsewhere", ping);
                cop_yield();
        }
}

IN_NODE_WITH(a_plain_actor_that_goes_on_on_another_worker_crashes_as_well, .workers = 2)
{
        cop_pid busy[2] = { cop_spawn(wakes_the_other), cop_spawn(wakes_the_other) };
        for (int64_t i = 0; i < 4 * HOWS; i++) {
                cop_ref ref = spawn_watched(.name = "elsewhere",
                                            RUN_WITH(crashes_elsewhere, kick, .how = i % HOWS));
                cop_auto down = await(COP_REF(cop_down, ref));
                expect_fault(cop_read(cop_down, down)->reason, atom_of(i % HOWS), NULL, NULL, 0);
        }
        put_down(busy[0]);
        put_down(busy[1]);
}

static void crashes_with_its_hands_full(const kick *k)
{
        cop_ref ref;
        for (int i = 0; i < 5; i++)
                memset(cop_alloc(2000), 1, 2000);
        cop_register("hands_full", cop_self());
        cop_monitor(cop_parent(), &ref);
        cop_send_after(NULL, 1, cop_self(), ping);
        for (int i = 0; i < 5; i++)
                cop_send(cop_self(), kick, .with = k->with);
        (void)cop_receive(0, COP_KIND(kick)); /* kept on purpose */
        cop_message_free(cop_receive(0, COP_KIND(ping)));
        crash(k->how);
}

IN_NODE(what_a_crashed_actor_held_is_freed_and_its_name_and_monitors_are_gone)
{
        static char text[2000];
        memset(text, 't', sizeof(text) - 1);
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 100; i++) {
                await_and_drop(COP_REF(cop_down,
                                       spawn_watched(RUN_WITH(crashes_with_its_hands_full, kick,
                                                              .how = i % HOWS,
                                                              .with = cop_text_of(text)))));
                ck_assert_uint_eq(cop_whereis("hands_full").bits, 0);
        }
        await_true(blocks_in_use(node) <= before + 4);
        await_true(cop__actor_here()->relation_count == 0);
        nothing_has_come();
}

/* ---- The others ----------------------------------------------------------------------------------- */

static void passes_on(const ping *p)
{
        for (int64_t i = 0; i < p->number; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ping));
                if (cop_read(ping, message)->number != i)
                        cop_exit(cop_atom("out_of_order"));
        }
}

static void feeds(const kick *k)
{
        cop_pid to = cop_whereis("fed");
        for (int64_t i = 0; i < k->how; i++) {
                cop_send(to, ping, .number = i);
                if (i % 16 == 0)
                        cop_yield();
        }
}

IN_NODE(all_others_go_on_while_actors_crash)
{
        const int64_t count = suite_is_slow() ? 2000 : 20000;
        cop_pid bystander = cop_spawn_server(&victim_server, NULL);
        cop_pid fed = cop_spawn_with(passes_on, ping, .number = count);
        cop_ref fed_ref = watch(fed);
        ck_assert_int_eq(cop_register("fed", fed), COP_OK);
        cop_ref feeder = spawn_watched(RUN_WITH(feeds, kick, .how = count));
        for (int i = 0; i < 200; i++) {
                cop_pid p = cop_spawn_server(&victim_server, NULL);
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, kick, .how = i % HOWS), COP_E_DIED);
                is_fine(bystander);
        }
        await_down(feeder, "normal");
        await_down(fed_ref, "normal");
        put_down(bystander);
}

/* ---- 2,000 of them ------------------------------------------------------------------------------------ */

static void crash_often(int count)
{
        for (int i = 0; i < count; i++) {
                cop_pid p = cop_spawn_server(&victim_server, NULL);
                cop_ref ref = watch(p);
                cop_send(p, kick, .how = i % HOWS);
                cop_send(p, kick, .how = i % HOWS); /* never read */
                await_and_drop(COP_REF(cop_down, ref));
        }
}

IN_NODE(two_thousand_crashes_leave_memory_and_descriptors_flat)
{
        int count = suite_is_slow() ? 300 : 2000;
        crash_often(300);
        await_true(blocks_in_use(node) <= 8);
        int descriptors = open_descriptors(), rounds = 0;
        size_t resident, mapped;
        do {
                /* Each worker touches its stacks for the first time some day; then a round leaves nothing behind. */
                ck_assert_int_lt(rounds++, 10);
                resident = resident_bytes();
                mapped = cop__pool_mapped(&node->scheduler.pool);
                crash_often(count);
                await_true(blocks_in_use(node) <= 8);
                ck_assert_int_eq(open_descriptors(), descriptors);
        } while (!suite_is_watched() && /* a sanitizer keeps what was freed */
                 (resident_bytes() > resident + (64 << 10) ||
                  cop__pool_mapped(&node->scheduler.pool) > mapped));
        struct cop__totals totals;
        cop__totals(node, &totals);
        ck_assert_uint_eq(totals.crashes, (uint64_t)count * (uint64_t)rounds + 300);
}

/* ---- How deep it may be -------------------------------------------------------------------- */

typedef struct depth {
        int64_t calls;
} depth;
COP_MESSAGE(depth, calls);

/* Each call takes at least 256 bytes of the stack, and at most so many. */
enum { FRAME = 1024 };
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
__attribute__((disable_sanitizer_instrumentation))
#endif
#endif
CRASHES static intptr_t dig(intptr_t calls)
{
        volatile char frame[256];
        frame[0] = (char)calls;
        intptr_t below = calls > 0 ? dig(calls - 1) : 0;
        __asm__ __volatile__("" : : "r"(frame) : "memory"); /* a compiler may not make a loop of it */
        return below + (calls > 0 ? frame[0] : 0);
}

static void recurses(const depth *d)
{
        zero = dig(d->calls) & zero;
}

static cop_ref recurse(int64_t calls)
{
        return spawn_watched(.run_with = COP_RUN_WITH(recurses, depth), .kind = COP_KIND_OF(depth),
                             .argument = &(depth){ .calls = calls });
}

static void expect_overflow(cop_ref ref)
{
        cop_auto message = await(COP_REF(cop_down, ref));
        cop_term reason = cop_read(cop_down, message)->reason;
        ck_assert_msg(cop_is_tuple(reason, "fault", 5), "%s", text_of(reason));
        ck_assert_str_eq(text_of(reason.as.items[2]), "\"stack overflow\"");
}

IN_NODE_WITH(a_node_with_larger_stacks_bears_deeper_recursion, .stack_size = 32 << 20)
{
        await_down(recurse((24 << 20) / FRAME), "normal");
        expect_overflow(recurse((32 << 20) / 256));
        await_down(recurse((24 << 20) / FRAME), "normal");
}

IN_NODE(with_the_default_it_does_not)
{
        await_down(recurse((192 << 10) / FRAME), "normal");
        expect_overflow(recurse((24 << 20) / FRAME));
        await_down(recurse((192 << 10) / FRAME), "normal");
}

/* ---- A storm ------------------------------------------------------------------------------- */

struct storm_log {
        uint64_t written, left_out; /* atomic */
};

static void count_entries(void *context, cop_log_level level, const char *text)
{
        struct storm_log *log = context;
        unsigned long long left_out;
        (void)level;
        if (strstr(text, "crashed: storm") != NULL)
                cop__add_relaxed(&log->written, 1);
        else if (sscanf(text, "%llu crashes more are not in this log", &left_out) == 1)
                cop__add_relaxed(&log->left_out, left_out);
}

static void crashes(void)
{
        cop_exit(cop_atom("storm"));
}

TEST(of_a_storm_of_crashes_the_log_takes_some_and_counts_the_others)
{
        enum { CRASHES_IN_ALL = 2000 };
        struct storm_log log = { 0 };
        int64_t began_ns = (int64_t)cop__clock_ns();
        cop_node *node = node_begin((cop_node_options){ .workers = 2, .log = count_entries,
                                                        .log_context = &log });
        for (int i = 0; i < CRASHES_IN_ALL; i++)
                await_down(spawn_watched(.run = crashes), "storm");
        node_end(node);
        /* Of each second that was begun. */
        int64_t seconds = ((int64_t)cop__clock_ns() - began_ns) / (int64_t)COP__NS_PER_S + 2;
        ck_assert_uint_eq(log.written + log.left_out, CRASHES_IN_ALL);
        ck_assert_uint_ge(log.written, COP__REPORTS_LOGGED);
        ck_assert_int_le((int64_t)log.written, seconds * (int64_t)COP__REPORTS_LOGGED);
}

/* ---- Facts and words ------------------------------------------------------------------------- */

typedef struct leave {
        cop_term reason;
} leave;
COP_MESSAGE(leave, reason);

typedef struct count {
        int64_t by;
} count;
COP_MESSAGE(count, by);

typedef struct quitter {
        int64_t unused;
} quitter;

static void quitter_on_leave(quitter *self, const leave *l)
{
        (void)self;
        cop_exit(l->reason);
}

static void quitter_on_count(quitter *self, const count *c)
{
        self->unused += c->by;
        cop_exit(cop_atom("counted"));
}

COP_SERVER(quitter, COP_ON(leave, quitter_on_leave), COP_ON(count, quitter_on_count));

IN_NODE(a_reason_that_only_looks_like_a_faults_is_told_as_it_is)
{
        const cop_term four = cop_int(4);
        const struct {
                cop_term reason;
                const char *what;
        } exits[] = {
                { COP_TUPLE(cop_atom("fault"), cop_int(1), cop_int(2), cop_int(3), four), "{fault, 1, 2, 3, 4}" },
                { COP_TUPLE(cop_atom("fault"), cop_int(1), cop_string("x"), COP_TUPLE(four), four),
                  "{fault, 1, \"x\", {4}, 4}" },
                { COP_TUPLE(cop_atom("fault"), cop_int(1), cop_string("x"), COP_TUPLE(four, four), four),
                  "{fault, 1, \"x\", {4, 4}, 4}" },
        };
        for (size_t i = 0; i < COP__COUNT(exits); i++) {
                struct cop__report report;
                cop_pid pid = cop_spawn_server(&quitter_server, NULL);
                cop_send(pid, leave, .reason = exits[i].reason);
                ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
                ck_assert_str_eq(report.what, exits[i].what);
                ck_assert_str_eq(report.reason, exits[i].what);
                ck_assert_str_eq(report.where, "");
        }
}

/* What pointed at other memory is in words before that is gone; what did not is a copy. */
IN_NODE(a_report_that_is_read_late_says_what_it_said_at_once)
{
        char soon[2048], late[2048];
        struct cop__report report;
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &quitter_server, .name = "quitter" },
                                       &pid),
                         COP_OK);
        cop_send(pid, count, .by = 77);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.message, "#count{by = 77}");
        cop__report_print_all(&report, soon, sizeof(soon));
        for (int i = 0; i < 40; i++) { /* its slot, its name and its memory are others' */
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &quitter_server,
                                                                     .name = "quitter" }, &pid), COP_OK);
                cop_send(pid, leave, .reason = cop_string("bye"));
                ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        }
        ck_assert_str_eq(report.message, "#leave{reason = \"bye\"}");
        ck_assert(cop__report_get(node, 1, &report));
        cop__report_print_all(&report, late, sizeof(late));
        ck_assert_str_eq(soon, late);
        ck_assert_ptr_nonnull(strstr(late, "started as quitter by <"));
}

/* ---- What is too large ---------------------------------------------------------------------------- */

enum { LARGE = 1 << 20 };

typedef struct hoard {
        cop_text gold;
} hoard;
COP_MESSAGE(hoard, gold);

/* Keeps what it is given. */
static void hoard_on_hoard(hoard *self, const hoard *h)
{
        char *copy = cop_alloc(LARGE);
        if (copy == NULL || h->gold.size != LARGE)
                write_null();
        memcpy(copy, h->gold.data, LARGE);
        self->gold = (cop_text){ LARGE, copy };
}

static void hoard_on_leave(hoard *self, const leave *l)
{
        (void)self;
        cop_exit(l->reason);
}

COP_SERVER(hoard, COP_STATE(hoard), COP_ON(hoard, hoard_on_hoard), COP_ON(leave, hoard_on_leave));

static void expect_cut(const char *text, size_t room, const char *beginning)
{
        size_t size = strlen(text);
        ck_assert_msg(strncmp(text, beginning, strlen(beginning)) == 0, "it begins with %.40s", text);
        ck_assert_uint_lt(size, room);
        ck_assert_uint_gt(size, room / 2);
        ck_assert_str_eq(text + size - 6, "ggg...");
}

IN_NODE(of_a_state_message_and_reason_of_a_megabyte_a_report_has_the_beginning)
{
        struct cop__report report;
        char text[4096], *gold = cop_alloc(LARGE + 2);
        memset(gold, 'g', LARGE + 1);
        gold[LARGE + 1] = '\0';
        cop_pid pid = cop_spawn_server(&hoard_server, NULL);
        ck_assert_int_eq(cop_send(pid, hoard, .gold = { LARGE, gold }), COP_OK);
        ck_assert_int_eq(cop_send(pid, leave, .reason = cop_string(gold)), COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        expect_cut(report.what, COP__CRASH_WHAT, "\"ggg");
        expect_cut(report.reason, sizeof(report.reason), "\"ggg");
        expect_cut(report.message, sizeof(report.message), "#leave{reason = \"ggg");
        expect_cut(report.state, sizeof(report.state), "#hoard{gold = \"ggg");
        ck_assert_uint_lt(cop__report_print_all(&report, text, sizeof(text)), sizeof(text)); /* the whole */

        pid = cop_spawn_server(&hoard_server, NULL);
        ck_assert_int_eq(cop_send(pid, hoard, .gold = { LARGE + 1, gold }), COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.what, "invalid memory access at 0x0 (NULL)");
        expect_cut(report.message, sizeof(report.message), "#hoard{gold = \"ggg");
        expect_cut(report.reason, sizeof(report.reason), "{fault, sigsegv, ");
        ck_assert_uint_lt(cop__report_print_all(&report, text, sizeof(text)), sizeof(text));
}

TEST(what_is_not_known_of_a_crash_is_not_in_its_report)
{
        const struct cop__report report = { .pid = { UINT64_C(1) << 40 | 7 }, .what = "boom", .outcome = "nothing was done" };
        char text[256], pid[COP_ID_TEXT_MAX], wanted[256];
        snprintf(wanted, sizeof(wanted), "** %s crashed: boom\n   nothing was done", cop_pid_print(report.pid, pid));
        ck_assert_uint_eq(cop__report_print_all(&report, text, sizeof(text)), strlen(wanted));
        ck_assert_str_eq(text, wanted);
}

/* ---- Secrets --------------------------------------------------------------------------------- */

IN_NODE_WITH(what_is_in_a_secret_field_is_in_no_report, .secret_fields = "password with,pin")
{
        struct cop__report report;
        char text[256];
        cop_pid pid = cop_spawn_server(&victim_server, NULL);
        ck_assert_int_eq(cop_send(pid, kick, .how = NULL_POINTER, .with = COP_TEXT("a knife")), COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.message, "#kick{how = 0, with = ...}");
        ck_assert_msg(strstr(report.reason, "knife") == NULL, "%s", report.reason);
        cop_term term = COP_TUPLE(cop_atom("kick"), cop_int(1), cop_string("a knife"));
        cop_term_print(term, cop_node_kinds(node), text, sizeof(text));
        ck_assert_str_eq(text, "#kick{how = 1, with = ...}");
        cop_term_print(term, NULL, text, sizeof(text)); /* who knows no kinds knows no fields */
        ck_assert_ptr_nonnull(strstr(text, "knife"));
}

/* ---- Directives of printf in what is said ---------------------------------------------------- */

#define DIRECTIVES "%n%s%n"

static char told[8192];
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_crash(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        pthread_mutex_lock(&told_lock);
        if (strstr(text, "crashed: ") != NULL)
                snprintf(told, sizeof(told), "%s", text);
        pthread_mutex_unlock(&told_lock);
}

static bool is_told(const char *words)
{
        pthread_mutex_lock(&told_lock);
        bool is = strstr(told, words) != NULL;
        pthread_mutex_unlock(&told_lock);
        return is;
}

static void leaves(const leave *l)
{
        cop_exit(l->reason);
}

IN_NODE_WITH(directives_in_names_and_messages_are_reported_as_they_are, .log = keep_crash, .name = "directives")
{
        struct cop__report report;
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &victim_server, .name = DIRECTIVES }, &pid), COP_OK);
        cop_send(pid, kick, .how = ABORT, .with = COP_TEXT(DIRECTIVES));
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.who, DIRECTIVES);
        ck_assert_str_eq(report.message, "#kick{how = 2, with = \"" DIRECTIVES "\"}");
        await_true(is_told("** " DIRECTIVES " <0."));
        ck_assert(is_told("handling #kick{how = 2, with = \"" DIRECTIVES "\"}"));
        cop_ref ref = spawn_watched(RUN_WITH(leaves, leave, .reason = COP_TUPLE(cop_atom("because"), cop_string(DIRECTIVES))),
                                    .label = DIRECTIVES "label");
        await_down(ref, "{because, \"" DIRECTIVES "\"}");
        await_true(is_told("crashed: {because, \"" DIRECTIVES "\"}"));
        ck_assert(is_told(DIRECTIVES "label"));
}

/* ---- What moves a terminal ------------------------------------------------------------------- */

#define RED "\033[31mred\a\033]0;pwn\a"
#define AS_SHOWN "?[31mred??]0;pwn?"

static uint32_t told_raw; /* lines of the log in which a terminal would act upon something */

static void keep_raw(void *context, cop_log_level level, const char *text)
{
        for (const char *at = text; *at != '\0'; at++)
                if (((unsigned char)*at < ' ' && (*at != '\n' || at[1] != ' ')) || *at == 0x7f)
                        cop__add_relaxed(&told_raw, 1u);
        keep_crash(context, level, text);
}

static void end_nothing(void *thing)
{
        (void)thing;
}

/* Somebody's reason that looks like a fault, from an actor of which each word is a command to a terminal. */
static void forge_a_fault(void)
{
        static char thing;
        cop_own("held" RED, end_nothing, &thing);
        cop_exit(COP_TUPLE(cop_atom("fault"), cop_atom("x"), cop_string("words" RED "\n12:00:00.000 error   forged"),
                           COP_TUPLE(cop_atom("in" RED), cop_string("place" RED)), cop_nil()));
}

IN_NODE_WITH(nothing_in_a_report_moves_the_terminal_that_it_is_written_to, .log = keep_raw, .name = "raw")
{
        struct cop__report report;
        char text[COP__LOG_TEXT];
        cop_pid pid;
        cop__store_relaxed(&told_raw, 0);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = forge_a_fault, .name = "name" RED }, &pid), COP_OK);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        await_true(is_told("** name" AS_SHOWN " <0."));
        ck_assert(is_told("crashed: words" AS_SHOWN "?12:00:00.000 error   forged\n   in in" AS_SHOWN " at place" AS_SHOWN));
        ck_assert(is_told("held held" AS_SHOWN));
        cop__report_print(&report, text, sizeof(text));
        ck_assert_ptr_null(strchr(text, '\033'));
        ck_assert_ptr_nonnull(strstr(text, "crashed: words" AS_SHOWN));
        ck_assert_uint_eq(cop__load_relaxed(&told_raw), 0);
}

/* The first report opens what is known of the program: without a descriptor for it the report is there, with less of it. */
IN_NODE(a_first_crash_without_free_descriptors_is_reported_all_the_same)
{
        NEEDS_THE_KERNEL();
        struct cop__report report;
        cop_pid pid;
        cop_ref ref;
        allow(0);
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .run = write_null, .monitor = true, .monitor_ref = &ref }, &pid);
        cop_message *down = status == COP_OK ? cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)) : NULL;
        bool is_reported = cop__report_wait(node, pid, PATIENCE_MS, &report);
        allow_all();
        ck_assert_int_eq(status, COP_OK);
        ck_assert_ptr_nonnull(down);
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason), "{fault, sigsegv, "));
        cop_message_free(down);
        ck_assert(is_reported);
        ck_assert_ptr_nonnull(strstr(report.what, "invalid memory access at 0x0 (NULL)"));
        down = await(COP_REF(cop_down, spawn_watched(.run = write_null)));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason), "{write_null, ")); /* now there are */
        cop_message_free(down);
}

typedef struct sack {
        cop_int64s grains;
} sack;
COP_MESSAGE(sack, grains);

typedef struct carrier {
        int64_t unused;
} carrier;

static void carrier_on_sack(carrier *self, const sack *s)
{
        self->unused = (int64_t)s->grains.count;
        write_null();
}

COP_SERVER(carrier, COP_ON(sack, carrier_on_sack));

/* As a term each number takes several times what it takes in the message. */
IN_NODE(of_a_message_too_large_to_show_the_reason_and_the_report_have_the_kind)
{
        const size_t many = COP__SHOWN_MAX / sizeof(cop_term) + 1;
        int64_t *numbers = calloc(many, sizeof(*numbers));
        struct cop__report report;
        cop_ref ref;
        cop_pid pid;
        cop_spawn_options options = { .server = &carrier_server, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(cop_send(pid, sack, .grains = { numbers, many }), COP_OK);
        free(numbers);
        cop_auto down = await(COP_REF(cop_down, ref));
        cop_term reason = cop_read(cop_down, down)->reason;
        ck_assert(cop_is_tuple(reason, "fault", 5));
        ck_assert_str_eq(text_of(reason.as.items[4]), "sack");
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.message, "a sack that is too large to show");
}

static void breaks_down_below(const ping *p)
{
        if (p->number == 0)
                write_null();
        cop_spawn_with(breaks_down_below, ping, .number = p->number - 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(kick)));
}

IN_NODE(of_many_ancestors_a_report_has_the_nearest)
{
        struct cop__report report;
        cop_pid pid = cop_spawn_with(breaks_down_below, ping, .number = 10);
        await_true(cop__report_get(node, 0, &report));
        ck_assert(cop__report_wait(node, report.pid, PATIENCE_MS, &report));
        size_t size = strlen(report.ancestors);
        ck_assert_str_eq(report.ancestors + size - 5, ", ...");
        put_down(pid);
}

/* ---- Processes of an actor's own ---------------------------------------------------------------------- */

static void aborts(void)
{
        abort();
}

static void faults(void)
{
        *(volatile int *)8 = 1;
}

static int ended_by; /* written before its actor ends */

static void forks_one_that(void (*ends)(void))
{
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                struct rlimit none = { 0, 0 };
                setrlimit(RLIMIT_CORE, &none);
                ends();
                _exit(0);
        }
        if (child > 0 && waitpid(child, &status, 0) == child)
                ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void forks_one_that_aborts(void)
{
        forks_one_that(aborts);
}

static void forks_one_that_faults(void)
{
        forks_one_that(faults);
}

IN_NODE_WITH(a_fault_in_a_process_that_an_actor_has_forked_ends_that_process, .workers = 1)
{
        NEEDS_THREADS();
        await_down(spawn_watched(.run = forks_one_that_aborts), "normal");
        ck_assert_int_eq(ended_by, SIGABRT);
        await_down(spawn_watched(.run = forks_one_that_faults), "normal");
        ck_assert_int_eq(ended_by, COP__TSAN || COP__ASAN ? -1 : SIGSEGV); /* a sanitizer has a handler, which ends it */
}
