/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Calls from another node whose answers are deferred: what the callee keeps for them, and that it keeps nothing afterwards. */
#include "tests/pair.h"

#include "actors/actor.h"

#define B "b@127.0.0.1"

/* Defers each answer, and gives it at once. */
typedef struct { int64_t unused; } later;

static void later_any(later *self, const cop_any *any)
{
        (void)self, (void)any;
        cop_reply_value_to(cop_defer(), COP_KIND_OF(cop_any), &(cop_any){ cop_atom("yes") });
}
COP_SERVER(later, COP_ON(cop_any, later_any));

/* Defers, and dies of it. */
typedef struct { int64_t unused; } mortal;

static void mortal_any(mortal *self, const cop_any *any)
{
        (void)self, (void)any;
        cop_defer();
        cop_exit(cop_atom("bye"));
}
COP_SERVER(mortal, COP_ON(cop_any, mortal_any));

static cop_pid serve_there(const struct pair *pair, const cop_behaviour *server, const char *name)
{
        visit(pair->b);
        cop_pid pid = cop_spawn_server(server, name);
        visit(pair->a);
        return pid;
}

static void calls_well(int i)
{
        cop_status status = cop_call_term(NULL, cop_at("later", B), PATIENCE_MS, cop_atom("hello"));
        ck_assert_msg(status == COP_OK, "call %d: %s, %s", i, cop_status_text(status), text_of(cop_failure()));
}

/* What it keeps of others; from the node in which it lives. */
static uint32_t kept_by(cop_pid pid)
{
        return cop__load_relaxed(&cop__slot_of(cop__node_of(cop__thread_here()), pid)->relation_count);
}

PAIR(a_call_of_another_node_that_is_deferred_leaves_nothing_behind)
{
        cop_pid pid = serve_there(pair, &later_server, "later");
        for (int i = 0; i < 3; i++)
                calls_well(i);
        visit(pair->b);
        await_true(kept_by(pid) == 0);
        ck_assert(cop_is_alive(pid));
}

PAIR(many_calls_of_another_node_are_deferred_and_answered)
{
        cop_pid pid = serve_there(pair, &later_server, "later");
        for (int i = 0; i < 1000; i++)
                calls_well(i);
        visit(pair->b);
        await_true(kept_by(pid) == 0);
}

PAIR(who_has_deferred_the_answer_to_another_node_and_ends_is_heard_of_with_its_reason)
{
        for (int i = 0; i < 20; i++) {
                cop_pid pid = serve_there(pair, &mortal_server, "mortal");
                cop_status status = cop_call_term(NULL, cop_at("mortal", B), PATIENCE_MS, cop_atom("hello"));
                ck_assert_msg(status == COP_E_DIED, "%d: %s", i, cop_status_text(status));
                ck_assert_str_eq(text_of(cop_failure()), "bye");
                visit(pair->b);
                await_true(!cop_is_alive(pid) && cop_whereis("mortal").bits == 0);
        }
}
