/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Functions called by a thread that is in no node, and with what nobody can mean: each refuses with its own word before anything
 * has happened, and what it was to fill in is as it was.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/node_fixture.h"
#include "tests/too_deep.h"

typedef struct word {
        int64_t number;
} word;
COP_MESSAGE(word, number);

static const word one = { 1 };
static const cop_pid somebody = { .bits = 1u << 20 | 7 };
static const cop_address nobody;

#define REFUSED(status, call) ck_assert_int_eq((call), COP_E_##status)

static void never(void *unused)
{
        (void)unused;
        ck_abort_msg("it was called");
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(word)));
}

/* ---- In no node ------------------------------------------------------------------------- */

TEST(who_is_in_no_node_sends_and_calls_nobody)
{
        const cop_address to = cop_to_pid(somebody);
        cop_message *answer = (cop_message *)&one;
        cop_ref ref = { 7 };
        cop_term term = cop_int(7);
        REFUSED(NO_NODE, cop_send_value(to, COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_send_priority_value(to, COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_send_term_to(to, cop_int(1)));
        REFUSED(NO_NODE, cop_send_exit(somebody, cop_atom("kill")));
        REFUSED(NO_NODE, cop_send_after(&ref, 1, somebody, word, 1));
        REFUSED(NO_NODE, cop_cancel_async(ref, true));
        REFUSED(NO_NODE, cop_reply_value(COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_answer_value(answer, COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_reply_value_to((cop_caller){ .pid = somebody }, COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_process_ask(somebody, 0, &term));
        ck_assert_int_eq(cop_cancel(ref), -1);
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_ptr_eq(answer, &one);
        ck_assert(cop_term_equal(term, cop_int(7)));
}

TEST(who_is_in_no_node_is_tied_to_nobody)
{
        cop_alias alias = { .ref = { 7 } };
        cop_ref ref = { 7 };
        REFUSED(NO_NODE, cop_link(somebody));
        REFUSED(NO_NODE, cop_link_priority(somebody));
        REFUSED(NO_NODE, cop_monitor(somebody, &ref));
        REFUSED(NO_NODE, cop_alias_open(0, &alias));
        REFUSED(NO_NODE, cop_register("name", somebody));
        REFUSED(NO_NODE, cop_unregister("name"));
        REFUSED(NO_NODE, cop_group_demonitor(ref));
        REFUSED(NO_NODE, cop_dead_letters_subscribe());
        REFUSED(NO_NODE, cop_memory_subscribe());
        REFUSED(NO_NODE, cop_set_label("label"));
        REFUSED(NO_NODE, cop_set_label_term(cop_int(1)));
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_uint_eq(alias.ref.bits, 7);
        ck_assert(!cop_trap_exit(true));
}

TEST(who_is_in_no_node_owns_and_starts_nothing)
{
        static const cop_supervisor tree = { .name = "tree" };
        char thing;
        int fd = 7;
        cop_pid pid = { 7 };
        cop_message *result = (cop_message *)&one;
        REFUSED(NO_NODE, cop_open("/dev/null", O_RDONLY, 0, &fd));
        REFUSED(NO_NODE, cop_own_fd(0));
        REFUSED(NO_NODE, cop_close(0));
        REFUSED(NO_NODE, cop_own("thing", never, &thing));
        REFUSED(NO_NODE, cop_disown(&thing));
        REFUSED(NO_NODE, cop_blocking_call(never, NULL));
        REFUSED(NO_NODE, cop_supervise(&tree, &pid));
        REFUSED(NO_NODE, cop_shutdown(somebody, 0));
        REFUSED(NO_NODE, cop_count_children_of(cop_to_pid(somebody), &(cop_child_count){ 0 }));
        REFUSED(NO_NODE, cop_start_extra(cop_int(1)));
        REFUSED(NO_NODE, cop_sys_show_value(COP_KIND_OF(word), &thing));
        REFUSED(NO_NODE, cop_task_await(&result, (cop_task){ .pid = somebody }, 0));
        REFUSED(NO_NODE, cop_await_any_message(&result, &somebody, 1, 0, &(size_t){ 0 }));
        REFUSED(NO_NODE, cop_future_drop_pid(somebody));
        ck_assert_int_eq(fd, 7);
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_ptr_eq(result, &one);
}

TEST(who_is_in_no_node_sees_nothing)
{
        cop_process process = { .pid = { 7 } };
        cop_pid pids[2] = { { 7 }, { 7 } };
        char text[32];
        REFUSED(NO_NODE, cop_process_info(somebody, &process));
        ck_assert_uint_eq(cop_processes(pids, 2), 0);
        ck_assert_uint_eq(pids[0].bits, 7);
        ck_assert_uint_eq(process.pid.bits, 7);
        process.where = (void *)(uintptr_t)1;
        ck_assert_str_eq(cop_process_where(&process, text, sizeof(text)), "-");
        cop_term term = cop_int(7);
        cop_message *result = NULL;
        REFUSED(NO_NODE, cop_process_ask(somebody, 1, &term));
        REFUSED(NO_NODE, cop_task_await(&result, (cop_task){ .pid = somebody }, 1));
        ck_assert(!cop_no_preempt(true));
        REFUSED(NO_NODE, cop_scope_groups("scope", &term));
        REFUSED(NO_NODE, cop_group_members("scope", cop_atom("tea"), &term));
        REFUSED(NO_NODE, cop_sys_get_status(somebody, 1, &term));
        ck_assert_int_eq(term.as.integer, 7);
        ck_assert_uint_eq(cop_owned(), 0);
        ck_assert(!cop_is_alive(somebody));
        ck_assert_uint_eq(cop_whereis("name").bits, 0);
}

/* ---- What nobody can mean ----------------------------------------------------------------- */

IN_NODE(who_names_nobody_is_told_so)
{
        cop_term term = cop_int(7);
        cop_ref ref = { 7 };
        REFUSED(BAD_ARGUMENT, cop_link(cop_no_pid()));
        REFUSED(BAD_ARGUMENT, cop_group_members("scope", cop_atom("tea"), NULL));
        REFUSED(BAD_ARGUMENT, cop_task_await_many((cop_message *[1]){ NULL }, NULL, 1, 1));
        REFUSED(BAD_ARGUMENT, cop_send_exit(cop_no_pid(), cop_atom("kill")));
        REFUSED(BAD_ARGUMENT, cop_shutdown(cop_no_pid(), 0));
        REFUSED(BAD_ARGUMENT, cop_shutdown(cop_self(), 0));
        REFUSED(BAD_ARGUMENT, cop_process_ask(cop_no_pid(), 0, &term));
        REFUSED(BAD_ARGUMENT, cop_process_info(cop_no_pid(), &(cop_process){ 0 }));
        REFUSED(BAD_ARGUMENT, cop_cancel_async((cop_ref){ 0 }, false));
        REFUSED(BAD_ARGUMENT, cop_send_after(&ref, 1, cop_no_pid(), word, 1));
        REFUSED(BAD_ARGUMENT, cop_get_child_of(cop_to_pid(somebody), nobody, &(cop_message *){ NULL }));
        REFUSED(BAD_ARGUMENT, cop_terminate_child_of(cop_to_pid(somebody), nobody));
        REFUSED(NO_ACTOR, cop_count_children_of(nobody, &(cop_child_count){ 0 }));
        REFUSED(NO_NAME, cop_count_children_of(cop_to_name("nobody"), &(cop_child_count){ 0 }));
        ck_assert(cop_term_equal(term, cop_int(7)));
        ck_assert_uint_eq(ref.bits, 7);
}

IN_NODE(a_name_that_is_null_is_a_mistake_wherever_an_actor_is_named)
{
        const char *null = NULL;
        cop_ref ref = { 7 };
        cop_request request;
        cop_message *result = NULL;
        cop_term term = cop_int(7);
        struct cop__totals before, after;
        cop__totals(node, &before);
        REFUSED(BAD_ARGUMENT, cop_send(null, word, 1));
        REFUSED(BAD_ARGUMENT, cop_send_term(null, cop_int(1)));
        REFUSED(BAD_ARGUMENT, cop_send_priority(null, word, 1));
        REFUSED(BAD_ARGUMENT, cop_call(&result, null, 10, word, 1));
        REFUSED(BAD_ARGUMENT, cop_call_term(&result, null, 10, cop_int(1)));
        REFUSED(BAD_ARGUMENT, cop_request_send(&request, null, word, 1));
        REFUSED(BAD_ARGUMENT, cop_send_after(&ref, 1, null, word, 1));
        REFUSED(BAD_ARGUMENT, cop_monitor(null, &ref));
        REFUSED(BAD_ARGUMENT, cop_stop(null, cop_atom("normal"), 10));
        REFUSED(BAD_ARGUMENT, cop_sys_suspend(null, 10));
        REFUSED(BAD_ARGUMENT, cop_notify(null, word, 1));
        REFUSED(BAD_ARGUMENT, cop_handlers(null, &term));
        REFUSED(BAD_ARGUMENT, cop_count_children(null, &(cop_child_count){ 0 }));
        REFUSED(BAD_ARGUMENT, cop_which_children(null, &result));
        REFUSED(BAD_ARGUMENT, cop_terminate_child(somebody, null));
        REFUSED(NO_NAME, cop_send("", word, 1));
        ck_assert_uint_eq(ref.bits, 7);
        cop__totals(node, &after);
        ck_assert_uint_eq(after.dead_letters - before.dead_letters, 0);
}

IN_NODE(who_gives_no_place_for_the_answer_is_told_so)
{
        const cop_address to = cop_to_pid(cop_self());
        REFUSED(BAD_ARGUMENT, cop_registered(NULL));
        REFUSED(BAD_ARGUMENT, cop_scope_groups("scope", NULL));
        REFUSED(BAD_ARGUMENT, cop_scope_monitor("scope", NULL, NULL));
        REFUSED(BAD_ARGUMENT, cop_group_monitor("scope", cop_atom("group"), NULL, NULL));
        REFUSED(BAD_ARGUMENT, cop_alias_open(0, NULL));
        REFUSED(BAD_ARGUMENT, cop_process_info(cop_self(), NULL));
        REFUSED(BAD_ARGUMENT, cop_process_ask(cop_self(), 0, NULL));
        REFUSED(BAD_ARGUMENT, cop_open("/dev/null", O_RDONLY, 0, NULL));
        REFUSED(BAD_ARGUMENT, cop_open(NULL, O_RDONLY, 0, &(int){ 0 }));
        REFUSED(BAD_ARGUMENT, cop_own(NULL, never, &(char){ 0 }));
        REFUSED(BAD_ARGUMENT, cop_own("thing", never, NULL));
        REFUSED(BAD_ARGUMENT, cop_own_fd(-1));
        REFUSED(BAD_ARGUMENT, cop_which_children_of(to, NULL));
        REFUSED(BAD_ARGUMENT, cop_count_children_of(to, NULL));
        REFUSED(BAD_ARGUMENT, cop_get_child_of(to, to, NULL));
        REFUSED(BAD_ARGUMENT, cop_handlers_of(to, NULL));
        REFUSED(BAD_ARGUMENT, cop_delete_handler_of(to, NULL, cop_nil(), NULL));
        REFUSED(BAD_ARGUMENT, cop_call_handler_value(&(cop_message *){ NULL }, to, NULL, 0, COP_KIND_OF(word), &one));
        REFUSED(BAD_ARGUMENT, cop_upgrade_address(to, NULL, 0));
        REFUSED(BAD_ARGUMENT, cop_start_applications(NULL, &(cop_pid){ 0 }));
        REFUSED(BAD_ARGUMENT, cop_supervise(NULL, &(cop_pid){ 0 }));
        REFUSED(NOT_FOUND, cop_disown(NULL));
        ck_assert_uint_eq(cop_owned(), 0);
}

/* A thread of the program is nobody's to stop or to crash, and nothing but a simulated node is simulated. */
IN_NODE(what_only_actors_or_simulated_nodes_are_for_is_refused_to_others)
{
        cop_simulation_state state = { .turns = 7 };
        cop_pid pid = cop_spawn(waits);
        REFUSED(BAD_ARGUMENT, cop_sys_show_value(COP_KIND_OF(word), &(word){ 1 }));
        REFUSED(BAD_ARGUMENT, cop_simulation_look(NULL, &state));
        REFUSED(BAD_ARGUMENT, cop_simulation_crash(NULL, pid));
        REFUSED(BAD_ARGUMENT, cop_node_await_quiet(NULL, 0));
        ck_assert_uint_eq(state.turns, 7);
        REFUSED(NO_NAME, cop_unregister("nobody has it"));
        REFUSED(NO_ACTOR, cop_register("a name", somebody));
        ck_assert_uint_eq(cop_whereis("a name").bits, 0);
        REFUSED(TOO_BIG, cop_send_after(NULL, COP_TIMER_MS_MAX + 1, pid, word, 1));
        put_down(pid);
}

/* ---- Functions of what the caller is not -------------------------------------------------------- */

IN_NODE(a_thread_that_is_no_machine_has_no_state_and_no_events)
{
        ck_assert_int_eq(cop_insert_value((cop_caller){ { 0 }, { 0 } }, COP_KIND_OF(word), &one), COP_E_NO_NODE);
        REFUSED(NO_NODE, cop_timeout_value("name", 1, COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_update_timeout_value("name", COP_KIND_OF(word), &one));
        REFUSED(NO_NODE, cop_push_table(NULL));
        ck_assert(!cop_cancel_timeout("name"));
        cop_next_state(1);
        cop_postpone();
        cop_pop_table();
}

IN_NODE(a_negative_time_is_told_to_a_thread_of_the_program)
{
        cop_message *message = NULL;
        REFUSED(BAD_ARGUMENT, cop_call_handler_value(&message, cop_to_pid(cop_self()), "id", -1, COP_KIND_OF(word), &one));
        ck_assert_ptr_null(message);
}

IN_NODE(who_has_no_place_for_what_is_started_is_told_so)
{
        static const cop_supervisor tree = { .name = "tree", .strategy = COP_DYNAMIC };
        static const cop_application set[] = { { .name = "a", .tree = &tree }, { .name = NULL } };
        cop_pid pid;
        REFUSED(BAD_ARGUMENT, cop_supervise(&tree, NULL));
        REFUSED(BAD_ARGUMENT, cop_start_applications(set, NULL));
        ck_assert_int_eq(cop_supervise(&tree, &pid), COP_OK);
        REFUSED(BAD_ARGUMENT, cop_task_start_under_address(cop_to_pid(pid), &(cop_task_options){ .run = waits }, NULL));
        ck_assert_int_eq(cop_shutdown(pid, COP_SHUTDOWN_DEFAULT), COP_OK);
}

typedef struct {
        cop_term term;
} thing;
COP_MESSAGE(thing, term);

/* In C there are macros for these; who writes in C++ calls the functions. */
IN_NODE(a_message_without_a_kind_or_a_value_is_a_mistake_wherever_one_is_given)
{
        const cop_kind *const kinds[] = { NULL, COP_KIND_OF(word), COP_KIND_OF(thing) };
        const cop_pid other = cop_spawn(waits);
        const cop_address to = cop_to_pid(other);
        cop_message *result = NULL;
        cop_request request = { { 7 } };
        cop_ref ref = { 7 };
        ck_assert_int_eq(cop_register("other", other), COP_OK);
        for (size_t i = 0; i < COP__COUNT(kinds); i++) {
                const cop_kind *kind = kinds[i];
                const void *value = kind == NULL ? &one : NULL;
                REFUSED(BAD_ARGUMENT, cop_send_value(to, kind, value));
                REFUSED(BAD_ARGUMENT, cop_send_value(cop_to_name("other"), kind, value));
                REFUSED(BAD_ARGUMENT, cop_send_priority_value(to, kind, value));
                REFUSED(BAD_ARGUMENT, cop_call_value(&result, to, 10, kind, value));
                REFUSED(BAD_ARGUMENT, cop_call_value(&result, cop_to_name("other"), 10, kind, value));
                REFUSED(BAD_ARGUMENT, cop_request_send_value(&request, to, kind, value));
                REFUSED(BAD_ARGUMENT, cop_send_value_after(1, to, kind, value, &ref));
                REFUSED(BAD_ARGUMENT, cop_send_value_every(1, to, kind, value, &ref));
                REFUSED(BAD_ARGUMENT, cop_reply_value_to((cop_caller){ .pid = other }, kind, value));
                REFUSED(BAD_ARGUMENT, cop_complete_value(other, kind, value));
                REFUSED(BAD_ARGUMENT, cop_notify_value(to, kind, value));
                REFUSED(BAD_ARGUMENT, cop_sync_notify_value(to, 10, kind, value));
        }
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_ptr_null(result);
        put_down(other);
}

static void takes_thing(const thing *t)
{
        (void)t;
}

static void exits_too_big(void)
{
        cop_exit(too_big());
}

IN_NODE(what_is_nested_too_deep_is_refused_wherever_it_is_given)
{
        cop_ref ref = { 7 };
        cop_pid pid = { 7 };
        cop_term result = cop_int(7);
        cop_request request = { { 7 } };
        cop_term deep = too_deep();
        const thing value = { deep };
        REFUSED(TOO_DEEP, cop_send_value(cop_to_pid(cop_self()), COP_KIND_OF(thing), &value));
        cop_pid other = cop_spawn(waits);
        REFUSED(TOO_DEEP, cop_call_value(NULL, cop_to_pid(other), 1, COP_KIND_OF(thing), &value));
        REFUSED(TOO_DEEP, cop_request_send_value(&request, cop_to_pid(other), COP_KIND_OF(thing), &value));
        REFUSED(TOO_DEEP, cop_send_value_after(1, cop_to_pid(cop_self()), COP_KIND_OF(thing), &value, &ref));
        const cop_spawn_options options = { .run_with = COP_RUN_WITH(takes_thing, thing), .kind = COP_KIND_OF(thing),
                                            .argument = &value };
        REFUSED(TOO_DEEP, cop_spawn_opt(&options, &pid));
        REFUSED(TOO_DEEP, cop_send_exit(cop_self(), deep));
        REFUSED(TOO_DEEP, cop_exit_after(&ref, 1, other, deep));
        REFUSED(TOO_DEEP, cop_group_members("scope", deep, &result));
        REFUSED(TOO_DEEP, cop_group_join("scope", deep, cop_self()));
        REFUSED(TOO_DEEP, cop_registry_whereis("keys", deep, &pid));
        ck_assert_uint_eq(pid.bits, 7);
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_int_eq(result.as.integer, 7);
        nothing_has_come();
        put_down(other);
}

/* Of few bytes that stand in many places: nobody walks over all of them. */
IN_NODE(what_doubles_with_each_level_is_refused_wherever_it_is_given)
{
        cop_ref ref = { 7 };
        cop_pid pid = { 7 }, other = cop_spawn(waits);
        cop_term result = cop_int(7), big = too_big();
        const thing value = { big };
        REFUSED(TOO_BIG, cop_send_value(cop_to_pid(cop_self()), COP_KIND_OF(thing), &value));
        REFUSED(TOO_BIG, cop_send_exit(cop_self(), big));
        REFUSED(TOO_BIG, cop_exit_after(&ref, 1, other, big));
        REFUSED(TOO_BIG, cop_group_members("scope", big, &result));
        REFUSED(TOO_BIG, cop_group_join("scope", big, cop_self()));
        REFUSED(TOO_BIG, cop_registry_whereis("keys", big, &pid));
        ck_assert_int_eq(result.as.integer, 7);
        nothing_has_come();
        put_down(other);
        await_down(spawn_watched(.run = exits_too_big), "too_big");
}

static void exits_too_deep(void)
{
        cop_exit(too_deep());
}

static void starts_with_too_much(void)
{
        if (cop_start_extra(too_deep()) != COP_E_TOO_DEEP)
                cop_exit(cop_atom("taken"));
        cop_init_ack();
}

typedef struct {
        char unused;
} faulty;

static void faulty_on_thing(faulty *self, const thing *t)
{
        (void)self;
        (void)t;
        *(volatile int *)NULL = 1;
}

COP_SERVER(faulty, COP_ON(thing, faulty_on_thing));

IN_NODE(what_is_nested_too_deep_is_not_said_to_be_no_memory)
{
        await_down(spawn_watched(.run = exits_too_deep), "too_deep");
        await_down(spawn_watched(.run = starts_with_too_much, .init_ack = true), "normal");
        for (size_t i = 0; i < 2; i++) { /* what it was at does not fit in its reason */
                cop_pid pid = cop_spawn_server(&faulty_server, NULL);
                cop_ref ref = watch(pid);
                ck_assert_int_eq(cop_send(pid, thing, nested_in(COP_TERM_DEPTH_MAX - i)), COP_OK);
                cop_auto down = await(COP_REF(cop_down, ref));
                const cop_term reason = cop_read(cop_down, down)->reason;
                ck_assert(cop_is_tuple(reason, "fault", 5));
                ck_assert_str_eq(text_of(reason.as.items[4]), "thing");
        }
}

typedef struct {
        char unused;
} asker;

/* Within the time of its caller, which goes along with what it asks. */
static void asker_on_word(asker *self, const word *w)
{
        cop_request request;
        (void)self;
        (void)w;
        cop_status status = cop_request_send_value(&request, cop_to_pid(cop_self()), COP_KIND_OF(thing), &(thing){ too_deep() });
        cop_reply(word, .number = status);
}

COP_SERVER(asker, COP_ON(word, asker_on_word));

IN_NODE(what_is_nested_too_deep_is_refused_within_a_call_too)
{
        cop_pid pid = cop_spawn_server(&asker_server, NULL);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, word, .number = 1), COP_OK);
        ck_assert_int_eq(cop_read(word, reply)->number, COP_E_TOO_DEEP);
        put_down(pid);
}

IN_NODE(no_room_for_words_is_no_harm)
{
        cop_process process;
        char text[4] = "abc";
        ck_assert_int_eq(cop_process_info(cop_self(), &process), COP_OK);
        ck_assert_ptr_eq(cop_process_where(&process, text, 0), text);
        ck_assert_str_eq(text, "abc");
}

/* ---- What ends who does it ----------------------------------------------------------------------- */

static void asks_for_its_state(void)
{
        cop_exit(cop_int(cop_state()));
}

static void starts_a_deep_task(void)
{
        cop_task_async(takes_thing, thing, too_deep());
}

typedef struct {
        char unused;
} eager;

static void eager_goes_on(eager *self, const thing *t)
{
        (void)self;
        (void)t;
}

static void eager_init(eager *self)
{
        (void)self;
        cop_continue_with(thing, too_deep());
}

COP_SERVER(eager, COP_INIT(eager_init), COP_CONTINUE_WITH(thing, eager_goes_on));

IN_NODE(a_wrong_use_of_what_cannot_answer_ends_the_actor_with_its_name)
{
        await_down(spawn_watched(.run = asks_for_its_state), "{badarg, {state, \"only a state machine has a state\"}}");
        await_down(spawn_watched(.run = starts_a_deep_task), "{badarg, {task_start, \"it is nested too deep\"}}");
        await_down(spawn_watched(.server = &eager_server), "{badarg, {continue, \"it is nested too deep\"}}");
}

TEST(who_exits_in_no_node_ends_the_program)
{
        int ends[2], status;
        char said[256] = "";
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                suite_is_forked();
                setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                dup2(ends[1], STDERR_FILENO);
                cop_exit(cop_atom("normal"));
        }
        close(ends[1]);
        ck_assert(read(ends[0], said, sizeof(said) - 1) > 0);
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        ck_assert_ptr_nonnull(strstr(said, "cop_exit: this thread has entered no node"));
}

/* ---- Kinds that are not alike ---------------------------------------------------------------------- */

static char warned[512];

static void keep_warning(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level == COP_LOG_WARNING)
                snprintf(warned, sizeof(warned), "%s", text);
}

TEST(two_kinds_of_one_name_that_are_not_alike_are_told_of)
{
        cop_kind other = *COP_KIND_OF(thing);
        other.name = "word";
        const cop_kind *const kinds[] = { COP_KIND_OF(word), &other };
        cop_node *node;
        ck_assert_int_eq(cop_node_start_with(&(cop_node_options){ .workers = 1, .log = keep_warning }, kinds, kinds + 2, &node),
                         COP_OK);
        ck_assert_ptr_nonnull(strstr(warned, "two message kinds have the same name and are not alike: of word the shell does not know"));
        cop_node_stop(node);
}
