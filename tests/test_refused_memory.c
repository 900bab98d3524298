/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory is refused once, at each place in turn: in a simulated node, where each run is the same up to the refusal, for every
 * operation of operations.h and every command of the shell. The one who asked is told, or ends with a reason, or what he is told has been
 * done has been; a keeper may end, as any actor may; nobody waits in vain, nothing is left behind, and afterwards the same works.
 *
 *      for each operation                         a node of its own each time
 *              for n = 1, 2, 3 ...                the n-th request of the node for memory, whoever's it is, finds none
 *
 * That nothing more is there at all from some place on is in test_failing_memory.c.
 */
#include "shell/shell.h"
#include "tests/bare_pools.h"
#include "tests/operations.h"

/* Where each step takes longer, some places are left out. */
#define STRIDE (COP__ASAN || COP__TSAN ? 11 : COP__CHECKED ? 5 : 1)

/* Of the actor that tries: its status; -1: it ended before it could say. */
static int said;

typedef struct attempt {
        int64_t operation;
        int64_t refused_at; /* 0: nothing is refused */
} attempt;
COP_MESSAGE(attempt, operation, refused_at);

static void attempts(const attempt *a)
{
        cop_status (*run)(void) = operations[a->operation].run;
        said = -1;
        cop_simulation_refuse(cop_node_here(), (uint64_t)a->refused_at);
        said = (int)run();
        cop_exit(cop_atom("over"));
}

static uint64_t refusals(cop_node *node)
{
        cop_simulation_state state;
        ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        return state.refusals;
}

static cop_node *node_of_seed(uint64_t seed)
{
        cop_simulation order = { .seed = seed, .checks = 64 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
        begin_keepers();
        return node;
}

/* Returns whether a request has been refused; *wrong: what is not as it should be then, or NULL. */
static bool attempt_and_look(cop_node *node, void (*function)(const attempt *), const char *name, int64_t operation, int64_t n,
                             const char **wrong)
{
        uint64_t before = refusals(node);
        cop_ref ref = spawn_watched(.run_with = COP_RUN_WITH(function, attempt), .kind = COP_KIND_OF(attempt),
                                    .argument = &(attempt){ operation, n });
        cop_auto down = cop_receive(PATIENCE_MS, COP_REF(cop_down, ref));
        cop_simulation_refuse(node, 0);
        ck_assert_msg(down != NULL, "%s at request %lld: its actor hangs", name, (long long)n);
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        const char *reason = text_of(cop_read(cop_down, down)->reason);
        bool refused = refusals(node) > before;
        *wrong = refused ? wrong_after_refusal(said, reason) : NULL;
        if (refused)
                return true;
        ck_assert_msg(said == COP_OK && strcmp(reason, "over") == 0, "%s: %s, %s", name,
                      said >= 0 ? cop_status_text((cop_status)said) : "-", reason);
        return false;
}

static bool attempt_once(cop_node *node, void (*function)(const attempt *), const char *name, int64_t operation, int64_t n)
{
        const char *wrong;
        bool refused = attempt_and_look(node, function, name, operation, n, &wrong);
        ck_assert_msg(wrong == NULL, "%s at request %lld: %s", name, (long long)n, wrong);
        return refused;
}

/* Nothing is refused any more, and it works. */
static void works_again(cop_node *node, void (*function)(const attempt *), const char *name, int64_t operation)
{
        mend_keepers();
        ck_assert(!attempt_once(node, function, name, operation, 0));
}

static int64_t places; /* at which memory was refused */

static void refuse_at_each_place(void (*function)(const attempt *), const char *name, int64_t operation)
{
        bool has_refused = true;
        for (int64_t n = 1; has_refused; n += STRIDE) {
                ck_assert_msg(n < 3000, "%s never succeeds", name);
                cop_node *node = node_of_seed(1);
                has_refused = attempt_once(node, function, name, operation, n);
                places += has_refused;
                works_again(node, function, name, operation);
                node_end(node);
        }
}

/*
 * Found so, each time an actor that was left behind and waited for ever, since it had been untied before the signal to it was made, which
 * found no memory: a task that could not be given its argument, one that was shut down, a handler that its manager could not stop, and
 * one that had started and was not to stay. Who cannot be told is tied as before.
 */
TEST_WITHIN(a_request_for_memory_that_is_refused_once_is_an_error_or_an_end_and_all_works_again, 300)
{
        for (int64_t i = 0; i < (int64_t)COP__COUNT(operations); i++)
                refuse_at_each_place(attempts, operations[i].name, i);
        ck_assert_int_gt(places, 500 / STRIDE);
}

/* Of a planted bug. */
TEST(a_refusal_that_is_swallowed_is_seen_by_what_was_not_done)
{
        const char *wrong = NULL;
        bool has_refused = true;
        swallows = true;
        for (int64_t n = 1; has_refused && wrong == NULL; n++) {
                cop_node *node = node_of_seed(1);
                has_refused = attempt_and_look(node, attempts, operations[0].name, 0, n, &wrong);
                node_end(node);
        }
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, "COP_OK, and it was not done");
        ck_assert_ptr_nonnull(wrong_after_refusal(COP_E_TIMEOUT, "over"));
}

/* ---- A child of one who asks ------------------------------------------------------------------------------------ */

static void idles(void)
{
        cop_sleep(COP_FOREVER);
}

static void starts_a_child(const attempt *a)
{
        said = -1;
        cop_simulation_refuse(cop_node_here(), (uint64_t)a->refused_at);
        said = (int)cop_start_child("jobs", &(const cop_child){ .run = idles }, NULL);
        cop_exit(cop_atom("over"));
}

/* Of a dynamic supervisor nobody would know of it. */
TEST(who_is_refused_a_child_for_want_of_memory_has_none)
{
        const cop_supervisor jobs = { .name = "jobs", .strategy = COP_DYNAMIC };
        bool has_refused = true;
        int64_t refused = 0;
        for (int64_t n = 1; has_refused; n++) {
                cop_simulation order = { .seed = 1, .checks = 64 };
                cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
                cop_pid root;
                cop_child_count count = { 0 };
                cop_trap_exit(true);
                ck_assert_int_eq(cop_supervise(&jobs, &root), COP_OK);
                has_refused = attempt_once(node, starts_a_child, "a start of a child", 0, n);
                if (said >= 0 && cop_is_alive(root)) {
                        ck_assert_int_eq(cop_count_children(root, &count), COP_OK);
                        ck_assert_msg(count.specs == (said == COP_OK), "at request %d: %s, and %d children", (int)n,
                                      cop_status_text((cop_status)said), (int)count.specs);
                }
                refused += said > 0;
                node_end(node);
        }
        ck_assert_int_gt(refused, 5);
}

/* ---- Commands of the shell ---------------------------------------------------------------------------------- */

static const cop_child some_each = { .server = &echo_server };
static const cop_supervisor some_tree = { .name = "some", .strategy = COP_DYNAMIC, .each = &some_each };
static const cop_supervisor many_tree = {
        .name = "many",
        .intensity = 100,
        .children = (const cop_child[]){ { "one", .server = &echo_server }, { "two", .supervisor = &some_tree }, { .id = NULL } },
};

/* Each before the ones that need what it has done: all that stand in one line are said one after the other. */
static const char *const lines[][6] = {
        { "help" },
        { "help call" },
        { "i" },
        { "tree" },
        { "children many" },
        { "count many" },
        { "explain many" },
        { "terminate many one", "restart many one" },
        { "terminate many one", "delete many one" },
        { "start some", "children some" },
        { "regs" },
        { "whereis echo" },
        { "info echo" },
        { "send echo #item{number = 3}", "flush" },
        { "echo ! #note{text = \"a text\", term = {a, [1, 2.5, #{key => 'value'}]}}", "flush" },
        { "call echo #item{number = 3}" },
        { "call echo {item, 3}" },
        { "self" },
        { "await echo" },
        { "link echo", "unlink echo" },
        { "monitor echo", "exit echo {a, \"reason\"}", "flush" },
        { "sys state echo" },
        { "sys replace echo #echo{count = 4}" },
        { "sys suspend echo", "sys resume echo" },
        { "sys trace echo on", "call echo #item{number = 3}", "flush", "sys trace echo off" },
        { "sys log echo on", "call echo #item{number = 3}", "sys log echo", "sys log echo off" },
        { "sys statistics echo on", "call echo #item{number = 3}", "sys statistics echo", "sys statistics echo off" },
        { "sys status echo" },
        { "sys stop echo {shutdown, enough}" },
        { "exit one {a, \"reason\"}", "await one", "crashes" },
        { "exit echo kill", "await pairs", "dead" },
        { "stuck" },
        { "nodes" },
        { "quit" },
};

/* COP_E_NO_MEMORY: a line was not done, which must have been said. */
static cop_status says_lines(int64_t which, bool in_json)
{
        struct cop__shell shell;
        cop_status status = COP_OK;
        cop__shell_init(&shell, cop_node_here());
        shell.wants_json = in_json;
        for (int i = 0; i < 6 && lines[which][i] != NULL; i++) {
                bool done = cop__shell_run(&shell, lines[which][i], strlen(lines[which][i]));
                if (!done)
                        status = COP_E_NO_MEMORY;
                if (!done && shell.err.size == 0 && !shell.err.failed)
                        status = COP_E_TIMEOUT; /* it has said nothing */
                if (!done && in_json && !shell.err.failed && strncmp(cop__text_get(&shell.err), "{\"error\":", 9) != 0)
                        status = COP_E_TIMEOUT; /* or not what a program reads */
        }
        cop__shell_fini(&shell);
        return status;
}

static void says(const attempt *a)
{
        cop_pid pid;
        said = -1;
        cop_trap_exit(true);
        if (cop_supervise(&many_tree, &pid) != COP_OK)
                cop_exit(cop_atom("no_tree"));
        cop_simulation_refuse(cop_node_here(), (uint64_t)a->refused_at);
        said = (int)says_lines(a->operation / 2, a->operation % 2 != 0);
        ck_assert_int_ne(said, COP_E_TIMEOUT);
        cop_exit(cop_atom("over"));
}

TEST_WITHIN(a_command_whose_memory_is_refused_once_says_so_or_is_done, 300)
{
        for (int64_t i = 0; i < 2 * (int64_t)COP__COUNT(lines); i++)
                refuse_at_each_place(says, lines[i / 2][0], i);
        ck_assert_int_gt(places, 500 / STRIDE);
}

/* ---- Completion ---------------------------------------------------------------------------------------------- */

TEST(completion_whose_memory_is_refused_once_offers_less)
{
        static const char *const begun[] = { "", "he", "call ec", "call echo #it", "call echo #item{nu", "sys sta",
                                             "terminate many o" };
        for (size_t i = 0; i < COP__COUNT(begun); i++) {
                bool has_refused = true;
                for (uint64_t n = 1; has_refused; n++) {
                        cop_node *node = node_of_seed(1);
                        struct cop__shell shell;
                        struct cop__text candidates;
                        size_t from = 0;
                        cop__shell_init(&shell, node);
                        cop__text_init(&candidates);
                        uint64_t before = refusals(node);
                        cop_simulation_refuse(node, n);
                        cop__shell_complete(&shell, begun[i], strlen(begun[i]), &from, &candidates);
                        cop_simulation_refuse(node, 0);
                        has_refused = refusals(node) > before;
                        ck_assert(has_refused || i == 6 || candidates.size > 0);
                        ck_assert_uint_le(from, strlen(begun[i]));
                        cop__text_fini(&candidates);
                        cop__shell_fini(&shell);
                        node_end(node);
                }
        }
}

/* ---- Whose mailbox has a letter too many -------------------------------------------------------------------- */

typedef struct letter {
        int64_t number;
} letter;
COP_MESSAGE(letter, number);

static void reads_nothing(void)
{
        cop_sleep(COP_FOREVER);
}

/* For the order to end there is no memory: the next letter brings it. */
TEST(who_could_not_be_told_to_end_is_told_with_the_next_letter)
{
        bool was_spared = false, refused = true;
        for (uint64_t n = 1; refused; n++) {
                cop_simulation order = { .seed = 1 };
                cop_node *node = node_begin((cop_node_options){ .simulation = &order });
                cop_spawn_options options = { .run = reads_nothing, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_STOP };
                cop_pid pid;
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
                cop_ref ref = watch(pid);
                ck_assert_int_eq(cop_send(pid, letter, .number = 1), COP_OK);
                settle_with(pid);
                uint64_t before = refusals(node);
                cop_simulation_refuse(node, n);
                cop_status status = cop_send(pid, letter, .number = 2);
                cop_simulation_refuse(node, 0);
                refused = refusals(node) > before;
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
                ck_assert_int_eq(status, refused && status != COP_OK ? COP_E_NO_MEMORY : COP_OK);
                if (cop_is_alive(pid)) {
                        was_spared = was_spared || status == COP_OK;
                        ck_assert_int_eq(cop_send(pid, letter, .number = 3), COP_OK);
                }
                await_and_drop(COP_REF(cop_down, ref));
                node_end(node);
        }
        ck_assert(was_spared);
}
