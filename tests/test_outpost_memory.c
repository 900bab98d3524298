/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails, at each place in turn, about an actor in a process of its own: in that process, or in the node while it is at
 * work there. It ends with a reason, or says what it has not done; nobody waits for ever, and the node goes on.
 *
 *      for n = 1, 2, 3 ...       the n-th allocation in the actor's process fails, alone or with all behind it; then
 *                                the n-th one of the node, from the actor's start to its end
 */
#include "tests/failing_malloc.h"

#include "tests/apart.h"
#include "tests/bare_pools.h"

/* More places than there are. */
#define TOO_MANY 3000

/* Where each process takes its time, some places are left out. */
#define STRIDE (COP__ASAN || COP__TSAN || suite_is_emulated() ? 3 : 1)

typedef struct errand {
        int64_t fails_at; /* 0: nothing fails */
        bool once;
        cop_text text;
} errand;
COP_MESSAGE(errand, fails_at, once, text);

static void answers(const note *n)
{
        for (;;) {
                cop_message *message = cop_receive(COP_FOREVER, COP_KIND(note));
                cop_answer(message, note, .number = n->number, .text = n->text);
                cop_message_free(message);
        }
}

/* Whatever becomes of what is sent to it, it ends with its parent. */
static void spawns_another(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_message *reply = NULL;
        cop_spawn_options options = { RUN_WITH(answers, note, .number = 1, .text = COP_TEXT("argument")),
                                      .label = "a label", .monitor = true, .monitor_ref = &ref, .link = true };
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                return;
        cop_call(&reply, pid, PATIENCE_MS, note, .number = 2, .text = COP_TEXT("question"));
        cop_message_free(reply);
        cop_demonitor_flush(ref);
}

static void asks_books(void)
{
        cop_term term;
        cop_ref ref;
        cop_pid pid = cop_self();
        uint64_t count;
        if (cop_registered(&term) == COP_OK)
                cop_term_free(term);
        cop_set_label("on errands");
        cop_group_join("chat", cop_string("tea"), pid);
        if (cop_group_monitor("chat", cop_string("tea"), &ref, &term) == COP_OK)
                cop_term_free(term);
        cop_group_send("chat", cop_string("tea"), add, .number = 1);
        cop_message_free(cop_receive(0, COP_KIND(add)));
        cop_registry_register("keys", cop_string("blue"), COP_TUPLE(cop_string("value"), cop_int(1)), NULL);
        if (cop_registry_lookup("keys", cop_string("blue"), &term) == COP_OK)
                cop_term_free(term);
        cop_registry_count("keys", &count);
        cop_registry_unregister("keys", cop_string("blue"));
}

static void ties_and_times(void)
{
        cop_ref ref;
        cop_monitor_options options = { .tag = cop_string("tag") };
        cop_pid other = cop_whereis("adder");
        if (cop_monitor_opt(other, &options, &ref) == COP_OK)
                cop_demonitor_flush(ref);
        options.priority = true;
        if (cop_monitor_opt(other, &options, &ref) == COP_OK)
                cop_demonitor_flush(ref);
        cop_link(other);
        cop_unlink(other);
        cop_send_after(&ref, 100000, "adder", note, .text = COP_TEXT("later"));
        cop_cancel(ref);
        cop_start_timer(&ref, 100000, other, cop_string("later"));
        cop_cancel(ref);
}

/* Somebody in the node asks it something, and waits for the answer. */
static void is_asked(void)
{
        if (cop_send("asker", add, .number = 1) != COP_OK)
                return;
        cop_message *question = cop_receive(5, COP_KIND(note));
        if (question != NULL)
                cop_answer(question, note, .number = 1, .text = COP_TEXT("answer"));
        cop_message_free(question);
}

static void asks_back(const add *unused)
{
        (void)unused;
        for (;;) {
                cop_message *message = cop_receive(COP_FOREVER, COP_KIND(add));
                cop_pid who = cop_message_from(message);
                cop_message *answer = NULL;
                cop_term state;
                cop_message_free(message);
                cop_call(&answer, who, 10, note, .number = 1, .text = COP_TEXT("question"));
                cop_message_free(answer);
                if (cop_sys_get_state(who, 10, &state) == COP_OK)
                        cop_term_free(state);
        }
}

static void waits_to_end(const add *unused)
{
        (void)unused;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static void doubles(const add *a)
{
        cop_reply(add, .number = 2 * a->number);
}

/* Others that it starts, in the node, and how they end. */
static void starts_and_stops(void)
{
        cop_pid pid;
        cop_task task;
        cop_message *result = NULL;
        cop_spawn_options options = { RUN_WITH(waits_to_end, add, .number = 1), .link = true };
        if (cop_spawn_opt(&options, &pid) == COP_OK)
                cop_shutdown(pid, COP_BRUTAL_KILL);
        options.init_ack = true; /* which it never says */
        cop_start(&options, 1, &pid);
        if (cop_task_start(&(cop_task_options){ .run_with = COP_RUN_WITH(doubles, add), .kind = COP_KIND_OF(add),
                                                .argument = &(add){ 1 } }, &task) == COP_OK &&
            cop_task_yield(&result, task, PATIENCE_MS) == COP_OK)
                cop_message_free(result);
}

static void ends_with_many_words(void)
{
        static char words[40000];
        memset(words, 'w', sizeof(words) - 1);
        cop_exit(COP_TUPLE(cop_atom("over"), cop_string(words)));
}

/* The news is larger than anything that has crossed before. */
static void hears_of_an_end(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run = ends_with_many_words, .monitor = true, .monitor_ref = &ref };
        if (cop_spawn_opt(&options, &pid) == COP_OK)
                cop_message_free(cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)));
}

/* All that crosses, one thing after the other. Where there is no memory for one it is left out. */
static void runs_errands(void)
{
        cop_message *reply = NULL;
        cop_request request;
        is_asked(); /* first: who has no memory waits for it in vain */
        cop_log(COP_LOG_INFO, "on errands");
        cop_call(&reply, "adder", PATIENCE_MS, note, .number = 1, .text = COP_TEXT("text"));
        cop_message_free(reply);
        reply = NULL;
        if (cop_request_send(&request, "adder", add, .number = 1) == COP_OK)
                cop_request_await(request, PATIENCE_MS, &reply);
        cop_message_free(reply);
        cop_call(NULL, "nobody", 1, add, .number = 1);
        cop_send("adder", note, .number = 2, .text = COP_TEXT("text"));
        spawns_another();
        asks_books();
        ties_and_times();
        starts_and_stops();
        hears_of_an_end();
        cop_call(NULL, "crasher", PATIENCE_MS, add, .number = 1);
}

static void goes(const errand *e)
{
        cop_start_extra(cop_string("an extra"));
        cop_init_ack();
        if (e->fails_at > 0)
                fail_malloc_for(e->fails_at, e->once);
        runs_errands();
        cop_exit(cop_atom(stop_failing_malloc() ? "failed" : "over"));
}

/* Dies of each call, and is there again. */
static void crashes(const add *a)
{
        (void)a;
        for (;;) {
                cop_message *message = cop_receive(COP_FOREVER, COP_KIND(add));
                if (cop_read(add, message)->number == 1)
                        cop_exit(COP_TUPLE(cop_atom("broken"), cop_string("a reason with a text in it")));
                cop_message_free(message);
        }
}

static void begin_keepers(void)
{
        cop_pid pid;
        const cop_supervisor keepers = {
                .name = "keepers",
                .intensity = COP_RESTARTS_FOR_EVER,
                .children = COP_CHILDREN({ "adder", .server = &adder_server },
                                         { "crasher", RUN_WITH(crashes, add, .number = 0) },
                                         { "asker", RUN_WITH(asks_back, add, .number = 0) },
                                         { "chat", .server = &cop_scope_server },
                                         { "keys", .server = &cop_registry_server, .kind = COP_KIND_OF(cop_registry),
                                           .argument = &(cop_registry){ 0 } }),
        };
        ck_assert_int_eq(cop_supervise(&keepers, &pid), COP_OK);
        cop_unlink(pid);
}

/* The reason of its end, which must come; NULL: it was not even spawned. */
static const char *run_errand(cop_pid *pid, int64_t fails_at, bool once, int64_t node_fails_at)
{
        cop_ref ref;
        cop_spawn_options options = { RUN_WITH(goes, errand, .fails_at = fails_at, .once = once, .text = COP_TEXT("argument")),
                                      .isolation = COP_ISOLATION_PROCESS, .init_ack = true, .monitor = true,
                                      .monitor_ref = &ref };
        if (node_fails_at > 0)
                fail_malloc_for(node_fails_at, 1);
        cop_status status = cop_spawn_opt(&options, pid);
        cop_auto down = status == COP_OK ? cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)) : NULL;
        bool failed = stop_failing_malloc();
        if (status != COP_OK) {
                ck_assert(failed);
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                return NULL;
        }
        ck_assert_msg(down != NULL, "hangs: %lld %d, %lld", (long long)fails_at, once, (long long)node_fails_at);
        return text_of(cop_read(cop_down, down)->reason);
}

static void works_again(void)
{
        cop_pid pid;
        await_true(cop_whereis("adder").bits != 0 && cop_whereis("asker").bits != 0 && cop_whereis("crasher").bits != 0);
        await_true(cop_whereis("keys").bits != 0 && cop_whereis("chat").bits != 0);
        ck_assert_str_eq(run_errand(&pid, 0, false, 0), "over");
}

static void fail_inside(bool once)
{
        const char *reason = "";
        for (int64_t n = 1; strcmp(reason, "over") != 0; n += STRIDE) {
                cop_pid pid;
                ck_assert_int_lt(n, TOO_MANY);
                reason = run_errand(&pid, n, once, 0);
                ck_assert_msg(strcmp(reason, "over") == 0 || strcmp(reason, "failed") == 0 ||
                                      strcmp(reason, "{os_process, {exit_status, 70}}") == 0 ||
                                      strstr(reason, "no_memory") != NULL || strstr(reason, "system_limit") != NULL,
                              "%s", reason);
        }
        works_again();
}

static void hush(void)
{
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(dup2(nowhere, STDERR_FILENO), 0);
        close(nowhere);
}

static cop_node *begin(void)
{
        hush(); /* before the zygote, whose children say why they end */
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        begin_keepers();
        works_again(); /* what is kept for good is there now */
        return node;
}

TEST_WITHIN(a_process_in_which_one_request_for_memory_fails_goes_on_or_ends_with_a_reason, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = begin();
        fail_inside(true);
        node_end(node);
}

TEST_WITHIN(a_process_without_memory_goes_on_or_ends_with_a_reason, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = begin();
        fail_inside(false);
        node_end(node);
}

TEST_WITHIN(an_actor_in_a_process_whose_node_refuses_one_request_for_memory_ends_or_goes_on_without, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = begin();
        for (int64_t n = 1;; n += STRIDE) {
                cop_pid pid;
                ck_assert_int_lt(n, TOO_MANY);
                run_errand(&pid, 0, false, n);
                if (malloc_failures == 0)
                        break;
        }
        works_again();
        node_end(node);
}
