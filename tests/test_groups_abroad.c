/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Groups over two nodes. */
#include "tests/pair.h"

#include "tests/keepers.h"

typedef struct { int64_t number; cop_pid from; } said;
COP_MESSAGE(said, number, from);

/* A kind that is called as a message of scopes is. */
typedef struct { cop_pid scope; } discover;
COP_MESSAGE(discover, scope);

static void answers(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const said *s = cop_read(said, message);
                if (s != NULL)
                        cop_send(s->from, said, .number = s->number, .from = cop_self());
        }
}

static size_t members(const char *group, bool local)
{
        cop_term list;
        cop_status status = local ? cop_group_local_members("chat", cop_atom(group), &list)
                                  : cop_group_members("chat", cop_atom(group), &list);
        ck_assert_int_eq(status, COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

static cop_pid join_one(const char *group)
{
        cop_pid pid = cop_spawn(answers);
        ck_assert_int_eq(cop_group_join("chat", cop_atom(group), pid), COP_OK);
        return pid;
}

static void begin(struct pair *pair)
{
        start_scope("chat");
        visit(pair->b);
        start_scope("chat");
        visit(pair->a);
}

PAIR(members_of_another_node_are_members_and_not_local_ones)
{
        begin(pair);
        cop_pid here = join_one("tea"), picked;
        visit(pair->b);
        join_one("tea");
        cop_pid twice = join_one("tea");
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), twice), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        await_true(members("tea", false) == 4);
        ck_assert_int_eq(members("tea", true), 1);
        ck_assert_int_eq(cop_group_send("chat", cop_atom("tea"), said, .number = 7, .from = cop_self()), COP_OK);
        size_t from_here = 0;
        for (int i = 0; i < 4; i++) {
                cop_auto answer = await(COP_KIND(said));
                from_here += cop_pid_equal(cop_message_from(answer), here);
        }
        ck_assert_int_eq(from_here, 1);
        nothing_has_come();
        ck_assert_int_eq(cop_group_pick("chat", cop_atom("tea"), COP_PICK_IN_TURN, &picked), COP_OK);
        /* What one joins and leaves later is told, and a member of another node can only be joined there. */
        ck_assert_int_eq(cop_group_leave("chat", cop_atom("tea"), here), COP_OK);
        visit(pair->b);
        await_true(members("tea", false) == 3);
        ck_assert_int_eq(cop_group_leave("chat", cop_atom("tea"), twice), COP_OK);
        join_one("coffee");
        visit(pair->a);
        await_true(members("tea", false) == 2 && members("coffee", false) == 1);
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", cop_atom("coffee"), &list), COP_OK);
        ck_assert_int_eq(cop_group_leave("chat", cop_atom("coffee"), list.as.items[0].as.pid), COP_E_NOT_LOCAL);
        cop_term_free(list);
}

PAIR(GRP_16_members_of_a_node_that_goes_down_vanish)
{
        cop_ref ref;
        cop_term list;
        begin(pair);
        cop_pid here = join_one("tea");
        visit(pair->b);
        join_one("tea");
        join_one("coffee");
        visit(pair->a);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        await_true(members("tea", false) == 2 && members("coffee", false) == 1);
        ck_assert_int_eq(cop_group_monitor("chat", cop_atom("coffee"), &ref, &list), COP_OK);
        cop_term_free(list);
        cop_node_stop(pair->b);
        pair->b = NULL;
        await_and_drop(COP_REF(cop_group_left, ref));
        await_true(members("tea", false) == 1);
        ck_assert_int_eq(cop_group_members("chat", cop_atom("tea"), &list), COP_OK);
        ck_assert(cop_pid_equal(list.as.items[0].as.pid, here));
        cop_term_free(list);
        ck_assert_int_eq(cop_scope_groups("chat", &list), COP_OK);
        ck_assert_str_eq(text_and_free(list), "[tea]");
}

PAIR(GRP_17_a_group_is_what_each_side_has_while_the_net_is_split_and_all_of_it_afterwards)
{
        begin(pair);
        join_one("tea");
        visit(pair->b);
        join_one("tea");
        visit(pair->a);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        await_true(members("tea", false) == 2);
        visit(pair->b);
        await_true(members("tea", false) == 2); /* else it might hear of ours after we have gone */
        visit(pair->a);
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_OK);
        await_true(members("tea", false) == 1);
        ck_assert_int_eq(members("tea", true), 1);
        join_one("tea"); /* each side goes on by itself */
        visit(pair->b);
        await_true(members("tea", false) == 1);
        join_one("tea");
        join_one("tea");
        ck_assert_int_eq(members("tea", false), 3);
        visit(pair->a);
        ck_assert_int_eq(members("tea", false), 2);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        await_true(members("tea", false) == 5);
        visit(pair->b);
        await_true(members("tea", false) == 5);
        ck_assert_int_eq(members("tea", true), 3);
}

PAIR(a_scope_that_begins_later_or_again_finds_the_others)
{
        start_scope("chat");
        join_one("tea");
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        visit(pair->b);
        cop_pid scope = start_scope("chat");
        await_true(members("tea", false) == 1);
        join_one("tea");
        visit(pair->a);
        await_true(members("tea", false) == 2);
        visit(pair->b);
        put_down(scope); /* and its members with it */
        visit(pair->a);
        await_true(members("tea", false) == 1);
        visit(pair->b);
        start_scope("chat");
        await_true(members("tea", false) == 1);
}

PAIR(what_a_scope_hears_from_strangers_is_nothing)
{
        begin(pair);
        join_one("tea");
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        cop_pid self = cop_self();
        cop_send_term(cop_at("chat", "b@127.0.0.1"), COP_TUPLE(cop_atom("join"), cop_pid_term(self), cop_atom("tea"),
                                                               cop_pid_term(self)));
        cop_send_term(cop_at("chat", "b@127.0.0.1"), COP_TUPLE(cop_atom("sync"), cop_int(1), cop_int(2)));
        cop_send_term(cop_at("chat", "b@127.0.0.1"), cop_atom("nonsense"));
        cop_send_term("chat", COP_TUPLE(cop_atom("leave"), cop_pid_term(self), cop_pid_term(self), COP_LIST(cop_atom("tea"))));
        cop_send("chat", cop_down, .ref = cop_ref_new(), .pid = self);
        cop_send("chat", cop_group_lost, .ref = cop_ref_new());
        cop_send("chat", said, .number = 1);
        cop_send("chat", discover, .scope = self);
        cop_send("chat", discover, .scope = cop__pid_of(200, 7, 1)); /* which is nobody, and heard of no more */
        visit(pair->b);
        await_true(members("tea", false) == 1);
        join_one("tea");
        visit(pair->a);
        await_true(members("tea", false) == 2);
}

/* A list of them is a text when it has crossed. */
PAIR(a_group_with_any_integer_for_a_key_is_left_on_each_node)
{
        const int64_t keys[] = { 0, 10, 100, 255, 256, 1000, 0x10ffff, 0x110000, -1 };
        begin(pair);
        visit(pair->b);
        cop_pid leaver = cop_spawn(answers);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                ck_assert_int_eq(cop_group_join("chat", cop_int(keys[i]), leaver), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                await_true(members_under("chat", keys[i]) == 1);
        visit(pair->b);
        put_down(leaver);
        join_one("last"); /* which is told of after that */
        visit(pair->a);
        await_true(members("last", false) == 1);
        for (size_t i = 0; i < COP__COUNT(keys); i++)
                ck_assert_msg(members_under("chat", keys[i]) == 0, "it is left in %lld", (long long)keys[i]);
}

static uint64_t noted; /* atomic */

static void notes(void)
{
        cop_auto message = await(COP_KIND(said));
        cop__store_release(&noted, cop_read(said, message)->from.bits);
}

/* The scope over there, as it is known here. */
static cop_pid scope_of_b(struct pair *pair)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = notes, .name = "witness" }, &pid), COP_OK);
        visit(pair->b);
        ck_assert_int_eq(cop_send(cop_at("witness", "a@127.0.0.1"), said, .from = cop_whereis("chat")), COP_OK);
        visit(pair->a);
        await_true(cop__load_acquire(&noted) != 0);
        return (cop_pid){ cop__load_acquire(&noted) };
}

PAIR(a_scope_says_of_its_own_members_alone_who_joins_and_leaves)
{
        begin(pair);
        cop_pid here = join_one("tea"), scope = scope_of_b(pair);
        visit(pair->b);
        join_one("tea");
        visit(pair->a);
        await_true(members("tea", false) == 2);
        cop_term join = COP_TUPLE(cop_atom("join"), cop_pid_term(scope), cop_atom("tea"), COP_LIST(cop_pid_term(here), cop_int(1)));
        ck_assert_int_eq(cop_send_term("chat", join), COP_OK);
        ck_assert_int_eq(cop_send_term("chat", COP_TUPLE(cop_atom("leave"), cop_pid_term(scope), cop_pid_term(here),
                                                         COP_LIST(cop_atom("tea")))), COP_OK);
        settle_with(cop_whereis("chat"));
        ck_assert_int_eq(members("tea", false), 2);
}

PAIR(a_scope_without_its_name_takes_nobody_in_until_it_begins_again)
{
        begin(pair);
        cop_pid scope = scope_of_b(pair), own = cop_whereis("chat");
        cop_pid there = cop__pid_of(cop__pid_node(scope), 7, 1);
        ck_assert_int_eq(cop_unregister("chat"), COP_OK);
        cop_term said_of[] = {
                COP_TUPLE(cop_atom("discover"), cop_pid_term(scope)),
                COP_TUPLE(cop_atom("join"), cop_pid_term(scope), cop_atom("tea"), COP_LIST(cop_pid_term(there))),
                COP_TUPLE(cop_atom("sync"), cop_pid_term(scope), COP_LIST(COP_TUPLE(cop_atom("tea"), COP_LIST(cop_pid_term(there))))),
        };
        for (size_t i = 0; i < COP__COUNT(said_of); i++)
                ck_assert_int_eq(cop_send_term(own, said_of[i]), COP_OK);
        settle_with(own);
        ck_assert_int_eq(members("tea", false), 0);
        put_down(own);
        start_scope("chat");
        visit(pair->b);
        join_one("tea");
        visit(pair->a);
        await_true(members("tea", false) == 1);
}

static bool is_up(const char *node)
{
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        return strstr(text_and_free(nodes), node) != NULL;
}

PAIR_WITH(a_hidden_node_shares_no_groups, .hidden = true)
{
        begin(pair);
        join_one("tea");
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        ck_assert(is_up("b@127.0.0.1"));
        visit(pair->b);
        await_true(is_up("a@127.0.0.1"));
        settle_with(cop_whereis("chat"));
        ck_assert_int_eq(members("tea", false), 0);
}
