/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The same code does the same in an OS process of its own: names, labels, links, monitors, groups and registries. */
#include <pthread.h>

#include "tests/apart.h"
#include "tests/scenes.h"
#include "tests/too_deep.h"

static cop_pid begin_chat(void)
{
        cop_pid scope;
        cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "chat" }, PATIENCE_MS, &scope);
        return scope;
}

static cop_pid begin_registry(cop_keys keys)
{
        cop_pid registry;
        cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys", .kind = COP_KIND_OF(cop_registry),
                                        .argument = &(cop_registry){ .keys = keys } }, PATIENCE_MS, &registry);
        return registry;
}

/* ---- Names and labels ---------------------------------------------------------------------------- */

SAME(all_names_are_listed, "[alone]")
{
        cop_term names = cop_nil();
        cop_register("alone", cop_self());
        cop_registered(&names);
        tell(names);
        cop_term_free(names);
}

static void labels_itself(void)
{
        tell(status_term(cop_set_label("page 7")));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(add)));
        tell(status_term(cop_set_label_term(COP_TUPLE(cop_atom("page"), cop_int(8)))));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(add)));
        tell(status_term(cop_set_label(NULL)));
        waits();
}

static const char *label_of(cop_pid pid)
{
        static cop_process process;
        cop_auto told = await(COP_KIND(outcome));
        ck_assert_str_eq(text_of(cop_read(outcome, told)->term), "\"success\"");
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.label;
}

IN_PROCESSES(a_label_that_is_set_in_a_process_is_seen_in_the_node)
{
        cop_pid pid = START_APART(.run = labels_itself);
        ck_assert_str_eq(label_of(pid), "page 7");
        cop_send(pid, add, .number = 1);
        ck_assert_str_eq(label_of(pid), "{page, 8}");
        cop_send(pid, add, .number = 1);
        ck_assert_str_eq(label_of(pid), "");
}

IN_PROCESSES(a_process_without_a_name_bears_its_label_in_the_system)
{
        cop_pid pid = START_APART(.server = &victim_server, .label = "painter");
        ck_assert_str_eq(TELL(pid, NAMES_ITSELF).text.data, "painter");
}

/* ---- Links and monitors ---------------------------------------------------------------------------- */

SAME(a_link_to_nobody_is_refused_and_one_to_oneself_is_none,
     "{\"an argument is outside its documented range\", \"success\", true}")
{
        cop_status nobody = cop_link(cop_no_pid()), self = cop_link(cop_self());
        cop_unlink(cop_self());
        tell(COP_TUPLE(status_term(nobody), status_term(self), cop_bool(cop_is_alive(cop_self()))));
}

SAME(a_link_with_priority_tells_its_end, "{true, over}")
{
        cop_trap_exit(true);
        cop_pid pid = cop_spawn(waits);
        bool linked = cop_link_priority(pid) == COP_OK;
        cop_send_exit(pid, cop_atom("over"));
        cop_auto exited = cop_receive(PATIENCE_MS, COP_KIND(cop_exited));
        tell(COP_TUPLE(cop_bool(linked), cop_read(cop_exited, exited)->reason));
}

SAME(a_monitor_bears_its_tag, "{true, {page, 7}}")
{
        cop_ref ref;
        cop_pid pid = cop_spawn(waits);
        cop_monitor_options options = { .tag = COP_TUPLE(cop_atom("page"), cop_int(7)), .priority = true };
        bool watched = cop_monitor_opt(pid, &options, &ref) == COP_OK;
        cop_send_exit(pid, cop_atom("kill"));
        cop_auto down = cop_receive(PATIENCE_MS, COP_REF(cop_down, ref));
        tell(COP_TUPLE(cop_bool(watched), cop_read(cop_down, down)->tag));
}

SAME(a_monitor_whose_tag_is_too_deep_is_refused, "\"it is nested too deep\"")
{
        cop_ref ref;
        cop_monitor_options options = { .tag = too_deep() };
        tell(status_term(cop_monitor_opt(cop_self(), &options, &ref)));
}

static void asks_for_an_alias(void)
{
        cop_ref ref;
        cop_monitor_options options = { .alias = COP_ALIAS_DEMONITOR };
        tell(status_term(cop_monitor_opt(cop_parent(), &options, &ref)));
}

IN_PROCESSES(a_monitor_with_an_alias_is_not_for_a_process)
{
        ck_assert_str_eq(play(asks_for_an_alias, COP_ISOLATION_GUARDED), "\"success\"");
        ck_assert_str_eq(play(asks_for_an_alias, COP_ISOLATION_PROCESS),
                         "\"an actor in an OS process of its own cannot do it\"");
}

/* ---- Mailboxes -------------------------------------------------------------------------------------- */

static void asks_for_marks(void)
{
        tell(COP_TUPLE(status_term(cop_mailbox_marks(1, 2)), status_term(cop_mailbox_marks(2, 1)),
                       status_term(cop_mailbox_subscribe())));
}

IN_PROCESSES(marks_of_a_mailbox_are_not_for_a_process_whose_mail_lies_in_the_node)
{
        const char *no = "\"an actor in an OS process of its own cannot do it\"";
        const char *wrong = "\"an argument is outside its documented range\"";
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "{%s, \"success\", \"success\"}", wrong);
        ck_assert_str_eq(play(asks_for_marks, COP_ISOLATION_GUARDED), wanted);
        snprintf(wanted, sizeof(wanted), "{%s, %s, %s}", wrong, no, no);
        ck_assert_str_eq(play(asks_for_marks, COP_ISOLATION_PROCESS), wanted);
}

/* ---- Timers, and tasks that are stopped ---------------------------------------------------------------- */

static void hands_on_timeouts(const sum *to)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_timeout));
        cop_send(to->self, outcome, .term = cop_read(cop_timeout, message)->payload);
        waits();
}

SAME(a_timer_tells_another_its_payload, "{tea, 4}")
{
        cop_pid pid = cop_spawn_with(hands_on_timeouts, sum, .self = cop_self());
        cop_start_timer(NULL, 1, pid, COP_TUPLE(cop_atom("tea"), cop_int(4)));
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(outcome));
        tell(cop_read(outcome, message)->term);
        end_and_wait(pid);
}

SAME(a_timer_ticks_for_another_by_the_clock_and_through_an_alias, "{5, 5, 6}")
{
        int64_t numbers[3] = { 0 };
        cop_alias alias;
        cop_ref ticks;
        cop_alias_open(COP_ALIAS_EXPLICIT, &alias);
        cop_send_every(&ticks, 1, alias, add, .number = 5);
        for (int i = 0; i < 2; i++) {
                cop_auto tick = cop_receive(PATIENCE_MS, COP_KIND(add));
                numbers[i] = cop_read(add, tick)->number;
        }
        cop_cancel(ticks);
        cop_alias_close(alias);
        cop_pid pid = cop_spawn_with(hands_on_timeouts, sum, .self = cop_self());
        cop_send_at(NULL, cop_now_ms() + 1, cop_self(), note, .number = 6);
        cop_auto late = cop_receive(PATIENCE_MS, COP_KIND(note));
        numbers[2] = cop_read(note, late)->number;
        tell(COP_TUPLE(cop_int(numbers[0]), cop_int(numbers[1]), cop_int(numbers[2])));
        end_and_wait(pid);
}

static void loiters(const add *a)
{
        (void)a;
        waits();
}

SAME(a_task_is_shut_down, "{\"success\", true}")
{
        cop_message *result = NULL;
        cop_task task = cop_task_async(loiters, add, .number = 1);
        cop_status status = cop_task_shutdown(&result, task, PATIENCE_MS);
        tell(COP_TUPLE(status_term(status), cop_bool(result == NULL && !cop_is_alive(task.pid))));
}

/* ---- Groups ----------------------------------------------------------------------------------------- */

SAME(a_scope_lists_its_groups_and_their_local_members, "{2, 1, true, {1, 1}}")
{
        cop_pid scope = begin_chat();
        cop_term groups, local, all;
        cop_ref ref;
        cop_group_join("chat", cop_atom("tea"), cop_self());
        cop_group_join("chat", cop_atom("cake"), cop_self());
        cop_scope_groups("chat", &groups);
        cop_group_local_members("chat", cop_atom("tea"), &local);
        bool watched = cop_scope_monitor("chat", &ref, &all) == COP_OK;
        const cop_term *tea = cop_map_get(all, cop_atom("tea")), *cake = cop_map_get(all, cop_atom("cake"));
        tell(COP_TUPLE(cop_int(groups.count), cop_int(local.count), cop_bool(watched),
                       COP_TUPLE(cop_int(tea->count), cop_int(cake->count))));
        cop_term_free(groups);
        cop_term_free(local);
        cop_term_free(all);
        end_and_wait(scope);
}

SAME(without_a_scope_its_lists_are_empty, "{\"success\", 0, \"success\", 0, \"no live actor bears this name\"}")
{
        cop_term groups = cop_int(1), members = cop_int(1);
        cop_ref ref;
        cop_status listed = cop_scope_groups("nowhere", &groups);
        cop_status met = cop_group_members("nowhere", cop_atom("tea"), &members);
        tell(COP_TUPLE(status_term(listed), cop_int(groups.count), status_term(met), cop_int(members.count),
                       status_term(cop_scope_monitor("nowhere", &ref, &groups))));
}

SAME(a_group_whose_key_is_too_deep_is_refused, "{too_deep, too_deep, too_deep, too_deep}")
{
        cop_pid scope = begin_chat(), picked;
        cop_term members;
        cop_ref ref;
        const cop_status statuses[] = { cop_group_join("chat", too_deep(), cop_self()),
                                        cop_group_members("chat", too_deep(), &members),
                                        cop_group_monitor("chat", too_deep(), &ref, &members),
                                        cop_group_pick("chat", too_deep(), COP_PICK_RANDOM, &picked) };
        cop_term items[4];
        for (size_t i = 0; i < COP__COUNT(items); i++)
                items[i] = cop_atom(statuses[i] == COP_E_TOO_DEEP ? "too_deep" : cop_status_text(statuses[i]));
        tell(cop_tuple_of(items, 4));
        end_and_wait(scope);
}

/* ---- Registries -------------------------------------------------------------------------------------- */

SAME(a_holder_is_found_by_its_key_and_sent_to, "{true, 3, not_found, not_found}")
{
        cop_pid registry = begin_registry(COP_UNIQUE), holder = cop_no_pid();
        cop_registry_register("keys", cop_atom("blue"), cop_int(7), NULL);
        cop_registry_whereis("keys", cop_atom("blue"), &holder);
        cop_send(cop_via("keys", cop_atom("blue")), add, .number = 3);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(add));
        cop_status red = cop_registry_whereis("keys", cop_atom("red"), &holder);
        cop_status left = cop_registry_unregister("keys", cop_atom("red"));
        tell(COP_TUPLE(cop_bool(cop_pid_equal(holder, cop_self())), cop_int(cop_read(add, message)->number),
                       cop_atom(red == COP_E_NOT_FOUND ? "not_found" : "?"),
                       cop_atom(left == COP_E_NOT_FOUND ? "not_found" : "?")));
        end_and_wait(registry);
}

static void adds_value(void *total, cop_pid pid, cop_term value)
{
        *(int64_t *)total += cop_pid_equal(pid, cop_self()) ? value.as.integer : 1000;
}

SAME(entries_are_matched_dispatched_to_and_withdrawn, "{[two], 3, 1}")
{
        cop_pid registry = begin_registry(COP_DUPLICATE);
        int64_t total = 0;
        cop_term entries;
        uint64_t count = 0;
        cop_registry_register("keys", cop_atom("blue"), cop_int(1), NULL);
        cop_registry_register("keys", cop_atom("blue"), cop_int(2), NULL);
        cop_registry_dispatch("keys", cop_atom("blue"), adds_value, &total);
        cop_registry_match("keys", cop_atom("blue"), cop_int(2), &entries);
        bool is_two = entries.count == 1 && entries.as.items[0].as.items[1].as.integer == 2;
        cop_registry_unregister_match("keys", cop_atom("blue"), cop_int(1));
        cop_registry_count("keys", &count);
        tell(COP_TUPLE(COP_LIST(cop_atom(is_two ? "two" : "?")), cop_int(total), cop_int((int64_t)count)));
        cop_term_free(entries);
        end_and_wait(registry);
}

SAME(without_a_registry_nothing_is_counted_or_found, "{\"no live actor bears this name\", \"no live actor bears this name\", 5}")
{
        cop_pid pid;
        uint64_t count = 5;
        cop_status counted = cop_registry_count("nowhere", &count);
        cop_status found = cop_registry_whereis("nowhere", cop_atom("blue"), &pid);
        tell(COP_TUPLE(status_term(counted), status_term(found), cop_int((int64_t)count)));
}

/* ---- Other threads of a process ------------------------------------------------------------------------ */

static cop_status seen_by_visitor[3];

static void *visits(void *node)
{
        cop_term members;
        uint64_t count;
        seen_by_visitor[0] = cop_node_enter(node);
        seen_by_visitor[1] = cop_group_members("chat", cop_atom("tea"), &members);
        seen_by_visitor[2] = cop_registry_count("keys", &count);
        cop_node_leave();
        return NULL;
}

static void lets_a_thread_visit(void)
{
        pthread_t thread;
        if (pthread_create(&thread, NULL, visits, cop_node_here()) != 0)
                cop_exit(cop_atom("no_thread"));
        pthread_join(thread, NULL);
        tell(COP_TUPLE(status_term(seen_by_visitor[0]), status_term(seen_by_visitor[1]), status_term(seen_by_visitor[2])));
}

IN_PROCESSES(a_process_has_one_actor_and_no_thread_of_it_visits_besides)
{
        const char *none = "\"this thread has entered no node\"";
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "{\"a limit of the node is reached\", %s, %s}", none, none);
        ck_assert_str_eq(play(lets_a_thread_visit, COP_ISOLATION_PROCESS), wanted);
}

/* ---- Names that are no UTF-8 --------------------------------------------------------------- */

static void asks_for_all_names(void)
{
        cop_term names;
        cop_status status = cop_registered(&names);
        cop_send(cop_parent(), note, .number = status);
        if (status == COP_OK)
                cop_term_free(names);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_PROCESSES(a_question_whose_answer_is_no_utf8_fails_and_its_actor_goes_on)
{
        ck_assert_int_eq(cop_register("caf\xe9", cop_self()), COP_OK);
        cop_pid pid = START_APART(.run = asks_for_all_names);
        cop_ref ref = watch(pid);
        cop_auto told = cop_receive(PATIENCE_MS, COP_KIND(note), COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(told);
        ck_assert_ptr_nonnull(cop_read(note, told));
        ck_assert_int_eq(cop_read(note, told)->number, COP_E_MALFORMED);
        put_down(pid);
}

IN_PROCESSES(who_does_not_start_for_its_own_name_says_why)
{
        cop_pid pid;
        cop_spawn_options options = { .run = asks_for_all_names, .name = "caf\xe9", .isolation = COP_ISOLATION_PROCESS };
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "{os_process, {no_start, \"%s\"}}", cop_status_text(COP_E_MALFORMED));
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), wanted);
}
