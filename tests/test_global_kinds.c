/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names of a program whose own messages are called as those are of who keeps them: some fit, and some do not. */
#include "tests/pair.h"

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
