/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names of a program whose own messages are called as those are of who keeps them: some fit, and some do not. */
#include "tests/pair.h"

#include <stdlib.h>

#include <coppice/global.h>

typedef struct { int64_t value; } set;
COP_MESSAGE(set, value);

typedef struct { cop_symbol name; cop_pid pid; } confirm;
COP_MESSAGE(confirm, name, pid);

typedef struct { cop_symbol name; } whereis;
COP_MESSAGE(whereis, name);

typedef struct { int64_t of, whom; } all;
COP_MESSAGE(all, of, whom);

typedef struct { cop_symbol name; } unset;
COP_MESSAGE(unset, name);

typedef struct { cop_symbol name; cop_pid pid; } re_register;
COP_MESSAGE(re_register, name, pid);

typedef struct { int64_t what; } unregister;
COP_MESSAGE(unregister, what);

typedef struct { int8_t weight; } grain;
COP_MESSAGE(grain, weight);

typedef struct {
        struct { const grain *items; size_t count; } grains;
} heap;
COP_MESSAGE(heap, COP_NESTED_ITEMS(grain, grains));

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static void hears_set(void)
{
        cop_auto message = await(COP_KIND(set));
        cop_exit(cop_int(cop_read(set, message)->value));
}

static bool is_here(const char *name)
{
        cop_pid holder = cop_global_whereis(name);
        return holder.bits != 0 && cop_node_of(holder)[0] == '\0';
}

/* By the scribe of the one node and of the other, before they meet and afterwards. */
PAIR(a_program_whose_kinds_are_called_as_the_words_of_names_has_global_names)
{
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn(waits)), COP_OK);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        visit(pair->b);
        await_true(cop_global_whereis("ledger").bits != 0);
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn(waits)), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_global_re_register("ledger", cop_spawn(waits)), COP_OK);
        ck_assert_int_eq(cop_global_register("clerk", cop_spawn(waits)), COP_OK);
        ck_assert(is_here("ledger") && is_here("clerk"));
        visit(pair->a);
        ck_assert(!is_here("ledger") && !is_here("clerk"));
        ck_assert_int_eq(cop_global_unregister("clerk"), COP_OK);
        ck_assert_uint_eq(cop_global_whereis("clerk").bits, 0);
        visit(pair->b);
        ck_assert_uint_eq(cop_global_whereis("clerk").bits, 0);
        cop_pid pid = cop_spawn(hears_set);
        ck_assert_int_eq(cop_global_register("clerk", pid), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_global_send("clerk", set, .value = 7), COP_OK); /* theirs are what they were */
        await_true(cop_global_whereis("clerk").bits == 0);
        visit(pair->b);
        await_true(cop_global_whereis("clerk").bits == 0);
}

/* It fits a message, and no term: the scribe, who looks at each as at a term, goes on. */
PAIR(a_message_that_is_too_large_for_a_term_is_no_change_of_a_name)
{
        const size_t count = COP_MESSAGE_SIZE_MAX / sizeof(cop_term) + 1;
        grain *grains = calloc(count, sizeof(*grains));
        cop_pid scribe = cop_whereis("coppice_names_scribe");
        ck_assert_ptr_nonnull(grains);
        ck_assert_int_eq(cop_send(scribe, heap, .grains = { grains, count }), COP_OK);
        free(grains);
        ck_assert_int_eq(cop_call_term(NULL, scribe, PATIENCE_MS, cop_atom("garbage")), COP_E_NO_REPLY);
        ck_assert(cop_is_alive(scribe));
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn(waits)), COP_OK);
}
