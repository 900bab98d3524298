/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Registries with keys: one owner for each unique key, any number for the others, and nothing of the dead. */
#include <pthread.h>

#include "tests/failing_malloc.h"
#include "tests/keepers.h"
#include "tests/too_deep.h"

/* ---- An actor that does what it is told -------------------------------------------- */

typedef struct { cop_term key, value; } enters;
COP_MESSAGE(enters, key, value);

typedef struct { cop_term key; } leaves;
COP_MESSAGE(leaves, key);

typedef struct { cop_term key, value; } updates;
COP_MESSAGE(updates, key, value);

typedef struct { int64_t status; } did;
COP_MESSAGE(did, status);

typedef struct { int64_t unused; } tenant;

static void on_enters(tenant *self, const enters *e)
{
        (void)self;
        cop_reply(did, cop_registry_register("rooms", e->key, e->value, NULL));
}

static void on_leaves(tenant *self, const leaves *l)
{
        (void)self;
        cop_reply(did, cop_registry_unregister("rooms", l->key));
}

static void on_updates(tenant *self, const updates *u)
{
        (void)self;
        cop_reply(did, cop_registry_update("rooms", u->key, u->value));
}

COP_SERVER(tenant, COP_ON(enters, on_enters), COP_ON(leaves, on_leaves), COP_ON(updates, on_updates));

static cop_pid a_tenant(void)
{
        return cop_spawn_server(&tenant_server, NULL);
}

static cop_status status_of(cop_message *reply)
{
        cop_status status = (cop_status)cop_read(did, reply)->status;
        cop_message_free(reply);
        return status;
}

static cop_status enter(cop_pid pid, cop_term key, cop_term value)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, enters, key, value), COP_OK);
        return status_of(reply);
}

static cop_status leave(cop_pid pid, cop_term key)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, leaves, key), COP_OK);
        return status_of(reply);
}

static cop_status update(cop_pid pid, cop_term key, cop_term value)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, updates, key, value), COP_OK);
        return status_of(reply);
}

/* ---- What is there --------------------------------------------------------------------- */

static const char *lookup(cop_term key)
{
        cop_term entries;
        ck_assert_int_eq(cop_registry_lookup("rooms", key, &entries), COP_OK);
        return text_and_free(entries);
}

static const char *keys_of(cop_pid pid)
{
        cop_term keys;
        ck_assert_int_eq(cop_registry_keys("rooms", pid, &keys), COP_OK);
        return text_and_free(keys);
}

static const char *values_of(cop_pid pid, cop_term key)
{
        cop_term values;
        ck_assert_int_eq(cop_registry_values("rooms", key, pid, &values), COP_OK);
        return text_and_free(values);
}

static uint64_t count(void)
{
        uint64_t entries = UINT64_MAX;
        ck_assert_int_eq(cop_registry_count("rooms", &entries), COP_OK);
        return entries;
}

static bool is_owner(cop_node *node, cop_pid pid)
{
        (void)node;
        struct cop__holdings_shard *shard = cop__holdings_lock(cop__here_of(cop__thread_here()), pid);
        bool found = cop__owner_find(shard, pid) != NULL;
        cop__holdings_unlock(shard);
        return found;
}

/* ---- Unique keys ------------------------------------------------------------------------ */

IN_NODE(REG_10_registering_a_key_twice_is_refused_and_the_value_stays)
{
        cop_pid holder = cop_no_pid();
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(1), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(2), &holder),
                         COP_E_TAKEN);
        ck_assert(cop_pid_equal(holder, cop_self()));
        ck_assert_str_eq(lookup(cop_atom("tea")), with_pid("[{%s, 1}]", cop_self()));
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(2), NULL),
                         COP_E_TAKEN);
        ck_assert_uint_eq(count(), 1);
}

IN_NODE(REG_11_a_key_of_another_live_actor_is_refused_and_its_holder_told)
{
        cop_pid p = a_tenant(), holder = cop_no_pid();
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(2), &holder),
                         COP_E_TAKEN);
        ck_assert(cop_pid_equal(holder, p));
        ck_assert_str_eq(keys_of(cop_self()), "[]");
        ck_assert(!is_owner(node, cop_self()));
        ck_assert_str_eq(lookup(cop_atom("tea")), with_pid("[{%s, 1}]", p));
        put_down(p);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(2), NULL), COP_OK);
}

IN_NODE(REG_13_an_actor_keeps_its_other_keys_and_is_forgotten_with_the_last)
{
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(1), cop_nil(), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(2), cop_nil(), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_unregister("rooms", cop_int(1)), COP_OK);
        ck_assert_str_eq(keys_of(cop_self()), "[2]");
        ck_assert_str_eq(lookup(cop_int(1)), "[]");
        ck_assert(is_owner(node, cop_self()));
        ck_assert_int_eq(cop_registry_unregister("rooms", cop_int(2)), COP_OK);
        ck_assert_int_eq(cop_registry_unregister("rooms", cop_int(2)), COP_E_NOT_FOUND);
        ck_assert(!is_owner(node, cop_self()));
        ck_assert_uint_eq(count(), 0);
}

IN_NODE(any_term_is_a_key_and_the_same_ones_are_those_of_maps)
{
        cop_term keys[] = { cop_int(1), cop_float(1), cop_float(-0.0), cop_float(0.0),
                            cop_atom("one"), cop_string("one"), cop_binary("one", 3), cop_string(""),
                            cop_nil(), COP_LIST(cop_int('o'), cop_int('n'), cop_int('e')),
                            COP_TUPLE(cop_atom("one")), COP_MAP(cop_int(1), cop_int(2)),
                            cop_pid_term(cop_self()), cop_ref_term(cop_ref_new()),
                            cop_natural(UINT64_MAX), cop_int(-1),
                            COP_LIST(COP_LIST(cop_int(1)), cop_int(2)) };
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                ck_assert_int_eq(cop_registry_register("rooms", keys[i], cop_int((int64_t)i), NULL),
                                 COP_OK);
        for (size_t i = 0; i < COP__COUNT(keys); i++) {
                char expected[16];
                snprintf(expected, sizeof(expected), "[%zu]", i);
                ck_assert_str_eq(values_of(cop_self(), keys[i]), expected);
        }
        /* [1 | [2]] is [1, 2]. */
        cop_term rest[] = { cop_int(2) }, cons[] = { cop_int(1), cop_list_of(rest, 1) };
        cop_term whole = COP_LIST(cop_int(1), cop_int(2));
        ck_assert_int_eq(cop_registry_register("rooms", cop_cons_of(cons, 2), cop_nil(), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", whole, cop_nil(), NULL), COP_E_TAKEN);
}

IN_NODE(a_key_or_value_that_is_too_deep_is_refused)
{
        cop_term deep = cop_nil(), levels[COP_TERM_DEPTH_MAX + 1];
        for (size_t i = 0; i <= COP_TERM_DEPTH_MAX; i++) {
                levels[i] = deep;
                deep = cop_tuple_of(&levels[i], 1);
        }
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", deep, cop_nil(), NULL), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_registry_register("rooms", cop_nil(), deep, NULL), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_registry_unregister("rooms", deep), COP_E_TOO_DEEP);
        ck_assert_uint_eq(count(), 0);
}

/* In an answer they lie in a list, or in a list of pairs. */
IN_NODE(a_key_or_value_that_may_be_entered_may_be_read_back)
{
        cop_term found, key = nested_in(COP_TERM_DEPTH_MAX - 1), value = nested_in(COP_TERM_DEPTH_MAX - 2);
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        ck_assert_int_eq(cop_registry_register("rooms", nested_in(COP_TERM_DEPTH_MAX), cop_nil(), NULL), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_registry_register("rooms", key, key, NULL), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_registry_register("rooms", key, value, NULL), COP_OK);
        ck_assert_int_eq(cop_registry_lookup("rooms", key, &found), COP_OK);
        ck_assert(cop_term_equal(found.as.items[0].as.items[1], value));
        cop_term_free(found);
        ck_assert_int_eq(cop_registry_values("rooms", key, cop_self(), &found), COP_OK);
        ck_assert(cop_term_equal(found.as.items[0], value));
        cop_term_free(found);
        ck_assert_int_eq(cop_registry_keys("rooms", cop_self(), &found), COP_OK);
        ck_assert(cop_term_equal(found.as.items[0], key));
        cop_term_free(found);
        start_registry("seats", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("seats", key, cop_nil(), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_update("seats", key, key), COP_E_TOO_DEEP);
        ck_assert_int_eq(cop_registry_update("seats", key, value), COP_OK);
}

IN_NODE(only_the_owner_gives_an_entry_another_value)
{
        cop_pid p = a_tenant();
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(update(p, cop_atom("tea"), cop_int(1)), COP_E_NOT_FOUND);
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        ck_assert_int_eq(update(p, cop_atom("tea"), COP_TUPLE(cop_atom("seats"), cop_int(2))), COP_OK);
        ck_assert_str_eq(lookup(cop_atom("tea")), with_pid("[{%s, {seats, 2}}]", p));
        ck_assert_int_eq(cop_registry_update("rooms", cop_atom("tea"), cop_int(3)), COP_E_NOT_OWNER);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_OK);
        ck_assert_uint_eq(count(), 0);
}

/* ---- Via ------------------------------------------------------------------------------------ */

static void answers(void)
{
        cop_registry_register("rooms", cop_atom("echo"), cop_nil(), NULL);
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(leaves));
                cop_answer(message, did, 7);
        }
}

IN_NODE(who_has_a_key_is_sent_to_called_and_monitored_through_it)
{
        cop_ref ref;
        cop_message *reply = NULL;
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        cop_pid p = cop_spawn(answers), found = cop_no_pid();
        await_true(cop_registry_whereis("rooms", cop_atom("echo"), &found) == COP_OK);
        ck_assert(cop_pid_equal(found, p));
        ck_assert_int_eq(cop_send(cop_via("rooms", cop_atom("echo")), leaves, cop_nil()), COP_OK);
        await_and_drop(COP_KIND(did));
        ck_assert_int_eq(cop_call(&reply, cop_via("rooms", cop_atom("echo")), PATIENCE_MS, leaves,
                                  cop_nil()), COP_OK);
        ck_assert_int_eq(status_of(reply), 7);
        ck_assert_int_eq(cop_monitor(cop_via("rooms", cop_atom("echo")), &ref), COP_OK);
        cop_send_exit(p, cop_atom("kill"));
        await_down(ref, "killed");
        ck_assert_int_eq(cop_send(cop_via("rooms", cop_atom("echo")), leaves, cop_nil()),
                         COP_E_NO_NAME);
        ck_assert_int_eq(cop_monitor(cop_via("rooms", cop_atom("echo")), &ref), COP_OK);
        await_down(ref, "noproc");
        ck_assert_int_eq(cop_registry_whereis("rooms", cop_atom("echo"), &found), COP_E_NOT_FOUND);
        ck_assert(cop_pid_equal(found, p));
}

/* ---- Duplicate keys --------------------------------------------------------------------------- */

struct calls {
        int64_t count, sum;
        bool adds;
};

static void adds_up(void *context, cop_pid pid, cop_term value)
{
        struct calls *calls = context;
        calls->count++;
        calls->sum += value.as.integer;
        if (calls->adds)
                cop_registry_register("rooms", cop_atom("tea"), cop_int(100), NULL);
        ck_assert(pid.bits != 0);
}

IN_NODE(REG_14_dispatch_to_a_key_without_entries_calls_nobody)
{
        struct calls calls = { 0 };
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        ck_assert_int_eq(cop_registry_dispatch("rooms", cop_atom("tea"), adds_up, &calls), COP_OK);
        ck_assert_int_eq(calls.count, 0);
        for (int i = 1; i <= 3; i++)
                ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(i), NULL),
                                 COP_OK);
        calls.adds = true; /* what comes meanwhile is not seen */
        ck_assert_int_eq(cop_registry_dispatch("rooms", cop_atom("tea"), adds_up, &calls), COP_OK);
        ck_assert_int_eq(calls.count, 3);
        ck_assert_int_eq(calls.sum, 6);
        ck_assert_uint_eq(count(), 6);
}

static void exits(void *context, cop_pid pid, cop_term value)
{
        (void)context;
        (void)pid;
        cop_exit(value);
}

static void dispatches(void)
{
        cop_registry_dispatch("rooms", cop_atom("tea"), exits, NULL);
}

IN_NODE(a_function_may_end_the_actor_that_dispatches)
{
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_atom("over"), NULL), COP_OK);
        await_down(spawn_watched(.run = dispatches), "over");
}

IN_NODE(REG_15_two_values_under_one_key_are_both_there_and_go_together)
{
        cop_pid p = a_tenant(), q = a_tenant();
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        ck_assert_int_eq(enter(q, cop_atom("tea"), cop_int(2)), COP_OK);
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(3)), COP_OK);
        ck_assert_int_eq(enter(p, cop_atom("ale"), cop_int(4)), COP_OK);
        ck_assert_str_eq(values_of(p, cop_atom("tea")), "[1, 3]");
        ck_assert_str_eq(keys_of(p), "[tea, tea, ale]");
        ck_assert_int_eq(update(p, cop_atom("ale"), cop_int(5)), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_OK);
        ck_assert_str_eq(lookup(cop_atom("tea")), with_pid("[{%s, 2}]", q));
        ck_assert_str_eq(lookup(cop_atom("ale")), with_pid("[{%s, 4}]", p));
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_E_NOT_FOUND);
}

IN_NODE(values_are_chosen_by_a_pattern)
{
        cop_term found, wanted = COP_TUPLE(cop_atom("seats"), cop_atom("_"));
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"),
                                                       COP_TUPLE(cop_atom("seats"), cop_int(i)), NULL),
                                 COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(7), NULL), COP_OK);
        ck_assert_int_eq(cop_registry_match("rooms", cop_atom("tea"),
                                            COP_TUPLE(cop_atom("seats"), cop_int(1)), &found), COP_OK);
        ck_assert_str_eq(text_and_free(found), with_pid("[{%s, {seats, 1}}]", cop_self()));
        ck_assert_int_eq(cop_registry_unregister_match("rooms", cop_atom("tea"), wanted), COP_OK);
        ck_assert_int_eq(cop_registry_unregister_match("rooms", cop_atom("tea"), wanted),
                         COP_E_NOT_FOUND);
        ck_assert_str_eq(values_of(cop_self(), cop_atom("tea")), "[7]");
}

/* Of the two lists that an entry is in the shorter one is searched; both must give the same. */
IN_NODE(entries_are_found_among_many_keys_and_among_many_owners)
{
        cop_pid p = a_tenant();
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        for (int i = 0; i < 50; i++) {
                ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(i), NULL),
                                 COP_OK);
                ck_assert_int_eq(enter(p, cop_int(i), cop_int(i)), COP_OK);
        }
        for (int i = 0; i < 60; i++)
                ck_assert_int_eq(enter(p, cop_int(1000 + i), cop_nil()), COP_OK);
        ck_assert_int_eq(leave(p, cop_int(7)), COP_OK);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_OK);
        ck_assert_str_eq(values_of(p, cop_atom("tea")), "[]");
        ck_assert_uint_eq(count(), 50 + 49 + 60);
        ck_assert_int_eq(cop_registry_unregister("rooms", cop_atom("tea")), COP_OK);
        ck_assert_uint_eq(count(), 49 + 60);
        put_down(p);
        ck_assert_uint_eq(count(), 0);
}

/* There the list of the owner is the shorter one, and others of its entries are in it. */
IN_NODE(who_holds_little_leaves_a_crowded_key_and_keeps_the_rest)
{
        cop_pid p = a_tenant();
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        ck_assert_int_eq(enter(p, cop_atom("ale"), cop_int(1)), COP_OK);
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(2)), COP_OK);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(i), NULL), COP_OK);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_OK);
        ck_assert_str_eq(values_of(p, cop_atom("tea")), "[]");
        ck_assert_str_eq(keys_of(p), "[ale]");
        ck_assert_uint_eq(count(), 11);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_E_NOT_FOUND);
        put_down(p);
        ck_assert_uint_eq(count(), 10);
}

/* ---- Listeners ------------------------------------------------------------------------------- */

static void await_registered(cop_pid pid, const char *key, const char *value)
{
        cop_auto message = await(COP_KIND(cop_key_registered));
        const cop_key_registered *event = cop_read(cop_key_registered, message);
        ck_assert(cop_symbol_equal(event->registry, "rooms"));
        ck_assert(cop_pid_equal(event->pid, pid));
        ck_assert_str_eq(text_of(event->key), key);
        ck_assert_str_eq(text_of(event->value), value);
        ck_assert(cop_pid_equal(cop_message_from(message), pid));
}

static void await_unregistered(cop_pid pid, const char *key)
{
        cop_auto message = await(COP_KIND(cop_key_unregistered));
        const cop_key_unregistered *event = cop_read(cop_key_unregistered, message);
        ck_assert(cop_symbol_equal(event->registry, "rooms"));
        ck_assert(cop_pid_equal(event->pid, pid));
        ck_assert_str_eq(text_of(event->key), key);
}

IN_NODE(REG_16_listeners_hear_of_what_comes_and_goes)
{
        cop_pid p = a_tenant(), q = a_tenant();
        cop_registry rooms = { .listeners = COP_ITEMS(cop_text, COP_TEXT("nobody"), COP_TEXT("porter")) };
        start_registry("rooms", rooms);
        ck_assert_int_eq(enter(q, cop_int(0), cop_int(0)), COP_OK); /* nobody is a listener yet */
        ck_assert_int_eq(cop_register("porter", cop_self()), COP_OK);
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        await_registered(p, "tea", "1");
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_E_TAKEN);
        ck_assert_int_eq(update(p, cop_atom("tea"), cop_int(2)), COP_OK);
        ck_assert_int_eq(leave(p, cop_atom("tea")), COP_OK);
        await_unregistered(p, "tea");
        ck_assert_int_eq(enter(p, cop_atom("ale"), cop_string("dark")), COP_OK);
        await_registered(p, "ale", "\"dark\"");
        put_down(q);
        await_unregistered(q, "0");
        put_down(p);
        await_unregistered(p, "ale");
        nothing_has_come();
}

/* ---- Deaths ------------------------------------------------------------------------------------ */

IN_NODE(REG_17_the_keys_of_a_crashed_actor_vanish_from_every_partition)
{
        enum { KEYS = 500 };
        cop_pid p = a_tenant();
        start_registry("rooms", (cop_registry){ .partitions = 16 });
        for (int i = 0; i < KEYS; i++)
                ck_assert_int_eq(enter(p, cop_int(i), cop_int(i)), COP_OK);
        ck_assert_uint_eq(count(), KEYS);
        cop_ref ref = watch(p);
        cop_send_exit(p, cop_atom("crash"));
        await_down(ref, "crash");
        ck_assert_uint_eq(count(), 0);
        ck_assert_str_eq(keys_of(p), "[]");
        for (int i = 0; i < KEYS; i++)
                ck_assert_str_eq(lookup(cop_int(i)), "[]");
        ck_assert(!is_owner(node, p));
}

TEST(the_keys_of_a_visitor_end_with_the_visit)
{
        cop_node *node = node_begin((cop_node_options){ 0 });
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_nil(), NULL), COP_OK);
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        ck_assert_uint_eq(count(), 0);
        node_end(node);
}

IN_NODE(REG_19_an_unknown_registry_is_an_error_of_its_own)
{
        cop_pid pid;
        cop_term term;
        uint64_t entries;
        struct calls calls = { 0 };
        const char *const names[] = { "nowhere", "", NULL, "chat", "me" };
        start_scope("chat");
        ck_assert_int_eq(cop_register("me", cop_self()), COP_OK);
        for (size_t i = 0; i < COP__COUNT(names); i++) {
                const char *name = names[i];
                ck_assert_int_eq(cop_registry_register(name, cop_nil(), cop_nil(), &pid), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_unregister(name, cop_nil()), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_unregister_match(name, cop_nil(), cop_nil()), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_update(name, cop_nil(), cop_nil()), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_whereis(name, cop_nil(), &pid), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_lookup(name, cop_nil(), &term), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_match(name, cop_nil(), cop_nil(), &term), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_values(name, cop_nil(), cop_self(), &term), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_keys(name, cop_self(), &term), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_count(name, &entries), COP_E_NO_NAME);
                ck_assert_int_eq(cop_registry_dispatch(name, cop_nil(), adds_up, &calls), COP_E_NO_NAME);
                ck_assert_int_eq(cop_send(cop_via(name, cop_nil()), leaves, cop_nil()), COP_E_NO_NAME);
        }
        ck_assert_int_eq(calls.count, 0);
}

TEST(outside_a_node_there_is_no_registry)
{
        cop_term term;
        ck_assert_int_eq(cop_registry_register("rooms", cop_nil(), cop_nil(), NULL), COP_E_NO_NODE);
        ck_assert_int_eq(cop_registry_unregister("rooms", cop_nil()), COP_E_NO_NODE);
        ck_assert_int_eq(cop_registry_lookup("rooms", cop_nil(), &term), COP_E_NO_NODE);
        ck_assert_int_eq(cop_registered(&term), COP_E_NO_NODE);
}

IN_NODE(a_result_without_a_place_is_refused)
{
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_whereis("rooms", cop_nil(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_lookup("rooms", cop_nil(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_match("rooms", cop_nil(), cop_nil(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_values("rooms", cop_nil(), cop_self(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_keys("rooms", cop_self(), NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_count("rooms", NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_registry_dispatch("rooms", cop_nil(), NULL, NULL), COP_E_BAD_ARGUMENT);
}

/* ---- The registry's own life --------------------------------------------------------------------- */

static const cop_supervisor house = {
        .intensity = 3,
        .children = (const cop_child[]){ { "rooms", .server = &cop_registry_server,
                                           .kind = COP_KIND_OF(cop_registry),
                                           .argument = &(const cop_registry){ .keys = COP_UNIQUE } },
                                         { .id = NULL } },
};

IN_NODE(a_registry_that_is_restarted_is_empty)
{
        cop_pid root;
        ck_assert_int_eq(cop_supervise(&house, &root), COP_OK);
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 300; i++)
                        ck_assert_int_eq(cop_registry_register("rooms", cop_int(i), cop_nil(), NULL),
                                         COP_OK);
                cop_pid before = cop_whereis("rooms");
                cop_ref ref = watch(before);
                cop_send_exit(before, cop_atom("kill"));
                await_down(ref, "killed");
                ck_assert(!is_owner(node, cop_self()));
                uint64_t entries = 1;
                await_true(cop_registry_count("rooms", &entries) == COP_OK);
                ck_assert_uint_eq(entries, 0);
        }
        ck_assert_int_eq(cop_shutdown(root, 5000), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(1), cop_nil(), NULL), COP_E_NO_NAME);
}

IN_NODE(without_its_name_a_registry_is_not_found_and_ends_as_any)
{
        cop_pid pid = start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(1), cop_nil(), NULL), COP_OK);
        ck_assert_int_eq(cop_unregister("rooms"), COP_OK);
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(2), cop_nil(), NULL), COP_E_NO_NAME);
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        ck_assert_uint_eq(count(), 0);
        ck_assert_int_eq(cop_registry_register("rooms", cop_int(1), cop_nil(), NULL), COP_OK);
        put_down(pid);
        ck_assert_str_eq(keys_of(cop_self()), "[1]");
}

IN_NODE(a_registry_with_wrong_options_does_not_start)
{
        cop_text many[COP_REGISTRY_LISTENERS_MAX + 1], bad = COP_TEXT("a\0b");
        for (size_t i = 0; i < COP__COUNT(many); i++)
                many[i] = cop_text_of("porter");
        const cop_registry wrong[] = { { .keys = (cop_keys)7 },
                                       { .partitions = COP_REGISTRY_PARTITIONS_MAX + 1 },
                                       { .listeners = { many, COP__COUNT(many) } },
                                       { .listeners = { &bad, 1 } } };
        const char *const reasons[] = { "{badarg, {registry, \"keys are unique or duplicate\"}}",
                                        "{badarg, {registry, \"at most 1024 partitions\"}}",
                                        "{badarg, {registry, \"at most 16 listeners\"}}",
                                        "{badarg, {registry, \"a listener's name is no name\"}}" };
        for (size_t i = 0; i < COP__COUNT(wrong); i++)
                await_down(spawn_watched(.server = &cop_registry_server, .name = "rooms",
                                         .kind = COP_KIND_OF(cop_registry), .argument = &wrong[i]),
                           reasons[i]);
        cop_registry right = { .keys = COP_UNIQUE };
        await_down(spawn_watched(.server = &cop_registry_server, .kind = COP_KIND_OF(cop_registry),
                                 .argument = &right),
                   "{badarg, {spawn, \"a registry or scope is found by its name\"}}");
}

/* ---- Races ----------------------------------------------------------------------------------------- */

typedef struct { int64_t key; } post;
COP_MESSAGE(post, key);

/* Busy for a while, then not: who is always busy leaves no core to the others. */
static void catches_breath(int64_t round)
{
        if (round % 16 == 0)
                cop_message_free(cop_receive(1, COP_KIND(did)));
        else
                cop_yield();
}

/* Registers the same key again and again, under fire. */
static void holds_on(const post *p)
{
        for (int64_t i = 1;; i++) {
                cop_status status = cop_registry_register("rooms", cop_int(p->key), cop_nil(), NULL);
                if (status != COP_OK && status != COP_E_TAKEN)
                        cop_exit(cop_int(status));
                cop_registry_register("rooms", cop_pid_term(cop_self()), cop_nil(), NULL);
                cop_registry_unregister("rooms", cop_int(p->key));
                catches_breath(i);
        }
}

/* Whoever hears of the death finds nothing of the dead, at whichever moment it came. */
IN_NODE(REG_07_nothing_of_an_actor_is_found_once_its_death_is_heard)
{
        enum { AT_ONCE = 4 };
        int rounds = suite_is_slow() ? 100 : 1000;
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        for (int round = 0; round < rounds; round++) {
                cop_pid pids[AT_ONCE];
                cop_ref refs[AT_ONCE];
                for (int i = 0; i < AT_ONCE; i++) {
                        cop_spawn_options options = { RUN_WITH(holds_on, post, i % 2) };
                        options.monitor = true;
                        options.monitor_ref = &refs[i];
                        ck_assert_int_eq(cop_spawn_opt(&options, &pids[i]), COP_OK);
                }
                for (int i = 0; i < round % 7; i++)
                        cop_yield();
                for (int i = 0; i < AT_ONCE; i++) {
                        cop_send_exit(pids[i], cop_atom("kill"));
                        await_down(refs[i], "killed");
                        cop_pid found = cop_no_pid();
                        for (int key = 0; key < 2; key++)
                                if (cop_registry_whereis("rooms", cop_int(key), &found) == COP_OK)
                                        ck_assert(!cop_pid_equal(found, pids[i]));
                        ck_assert_int_eq(cop_registry_whereis("rooms", cop_pid_term(pids[i]), &found),
                                         COP_E_NOT_FOUND);
                        ck_assert(!is_owner(node, pids[i]));
                }
                ck_assert_uint_eq(count(), 0);
        }
}

static uint32_t racing_is_over;

static void *looks(void *node)
{
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        for (int64_t round = 1; !cop__load_acquire(&racing_is_over); round++) {
                cop_term entries;
                for (int key = 0; key < 4; key++) {
                        if (cop_registry_lookup("rooms", cop_int(key), &entries) != COP_OK)
                                continue;
                        for (uint32_t i = 0; i < entries.count; i++) {
                                cop_term value = entries.as.items[i].as.items[1];
                                ck_assert(cop_is_tuple(value, "value", 2));
                                ck_assert_int_eq(value.as.items[1].as.integer, key);
                        }
                        cop_term_free(entries);
                }
                catches_breath(round);
        }
        cop_node_leave();
        return NULL;
}

static void comes_and_goes(const post *p)
{
        cop_term value = COP_TUPLE(cop_atom("value"), cop_int(p->key));
        for (int64_t i = 1;; i++) {
                cop_registry_register("rooms", cop_int(p->key), value, NULL);
                cop_registry_register("rooms", cop_int(p->key), value, NULL);
                cop_registry_unregister("rooms", cop_int(p->key));
                catches_breath(i);
        }
}

/* Readers, writers, their deaths, and the registry's own, all at once. */
IN_NODE(a_registry_dies_and_is_restarted_while_it_is_read_and_written)
{
        NEEDS_THREADS();
        enum { WRITERS = 8 };
        pthread_t reader;
        cop_pid writers[WRITERS];
        int rounds = suite_is_slow() ? 30 : 200;
        cop__store_release(&racing_is_over, 0);
        for (int i = 0; i < WRITERS; i++)
                writers[i] = cop_spawn_with(comes_and_goes, post, i % 4);
        ck_assert_int_eq(pthread_create(&reader, NULL, looks, node), 0);
        for (int round = 0; round < rounds; round++) {
                cop_pid pid = start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
                int victim = round % WRITERS;
                for (int i = 0; i < 5; i++)
                        cop_yield();
                put_down(writers[victim]);
                writers[victim] = cop_spawn_with(comes_and_goes, post, victim % 4);
                put_down(pid);
                uint64_t entries;
                ck_assert_int_eq(cop_registry_count("rooms", &entries), COP_E_NO_NAME);
        }
        cop__store_release(&racing_is_over, 1);
        pthread_join(reader, NULL);
        for (int i = 0; i < WRITERS; i++) {
                put_down(writers[i]);
                ck_assert(!is_owner(node, writers[i]));
        }
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

static void sees_nothing(void *context, cop_pid pid, cop_term value)
{
        (void)context;
        (void)pid;
        (void)value;
}

/* One operation with one failed allocation: it says so, or it works; what is there is as before or as after. */
static cop_status operate(int which)
{
        cop_term term = cop_nil();
        cop_status status = COP_OK;
        switch (which) {
        case 0: return cop_registry_register("rooms", cop_string("a new key"), cop_string("value"), NULL);
        case 1: return cop_registry_update("rooms", cop_atom("tea"), cop_string("another value"));
        case 2: status = cop_registry_lookup("rooms", cop_atom("tea"), &term); break;
        case 3: status = cop_registry_values("rooms", cop_atom("tea"), cop_self(), &term); break;
        case 4: status = cop_registry_keys("rooms", cop_self(), &term); break;
        case 5: return cop_registry_dispatch("rooms", cop_atom("tea"), sees_nothing, NULL);
        case 6: status = cop_registered(&term); break;
        case 7: return cop_registry_unregister("rooms", cop_atom("tea"));
        default: return cop_registry_register("rooms", cop_atom("tea"), cop_int(1), NULL);
        }
        if (status == COP_OK)
                cop_term_free(term);
        return status;
}

IN_NODE_WITH(every_operation_survives_every_failed_allocation, .workers = 1)
{
        cop_registry rooms = { .listeners = COP_ITEMS(cop_text, COP_TEXT("porter")) };
        start_registry("rooms", rooms);
        ck_assert_int_eq(cop_registry_register("rooms", cop_atom("tea"), cop_int(1), NULL), COP_OK);
        for (int which = 0; which < 9; which++) {
                long failures = 0;
                uint64_t before = count();
                for (long n = 1; failing_malloc_can(); n++) {
                        fail_malloc_after(n);
                        cop_status status = operate(which);
                        if (!stop_failing_malloc()) {
                                ck_assert_int_eq(status, COP_OK);
                                break;
                        }
                        failures++;
                        if (status == COP_OK) /* it could do without */
                                break;
                        ck_assert_int_eq(status, COP_E_NO_MEMORY);
                        ck_assert_uint_eq(count(), before);
                }
                ck_assert(!failing_malloc_can() || failures > 0 || which == 7);
        }
        ck_assert_uint_eq(count(), failing_malloc_can() ? 2 : 1);
}

IN_NODE(memory_is_flat_after_many_deaths)
{
        int rounds = suite_is_slow() ? 200 : 2000;
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        cop_pid p = a_tenant();
        ck_assert_int_eq(enter(p, cop_atom("tea"), cop_int(1)), COP_OK);
        put_down(p);
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < rounds; i++) {
                p = a_tenant();
                ck_assert_int_eq(enter(p, cop_int(i), cop_int(1)), COP_OK);
                put_down(p);
        }
        await_true(blocks_in_use(node) <= before); /* `before` may have counted what was about to be freed */
        ck_assert_uint_eq(count(), 0);
}

static cop_status enter_numbered(int64_t number, long allocations)
{
        if (allocations > 0)
                fail_malloc_after(allocations);
        cop_status status = cop_registry_register("rooms", cop_int(number), cop_int(number), NULL);
        stop_failing_malloc();
        return status;
}

/* Each finds memory for itself, and no table to grow: all are full some day. */
IN_NODE_WITH(a_key_for_which_a_table_cannot_grow_is_refused_and_given_when_it_can, .workers = 1)
{
        enum { KEYS = 1000 };
        uint64_t refused = 0;
        long needs = 1;
        if (!failing_malloc_can())
                return;
        start_registry("rooms", (cop_registry){ .listeners = { 0 } });
        while (enter_numbered(0, needs) != COP_OK)
                needs++;
        for (int64_t i = 1; i < KEYS; i++) {
                cop_status status = enter_numbered(i, needs);
                ck_assert(status == COP_OK || status == COP_E_NO_MEMORY);
                refused += status == COP_E_NO_MEMORY;
                ck_assert_uint_eq(count(), (uint64_t)i + 1 - refused);
        }
        ck_assert_uint_gt(refused, 0);
        for (int64_t i = 1; i < KEYS; i++) {
                cop_status status = enter_numbered(i, 0);
                ck_assert(status == COP_OK || status == COP_E_TAKEN);
        }
        ck_assert_uint_eq(count(), KEYS);
}
