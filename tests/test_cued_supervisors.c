/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trees whose members end, or are changed, while their supervisor is in the middle of something. */
#include "tests/cue.h"
#include "tests/family.h"

/* ---- The start of a tree ----------------------------------------------------------------------- */

/* Both news are there when it looks: that it has started, and that it is no more. The second does not end who asked. */
IN_FAMILY(a_tree_that_has_ended_by_the_time_its_start_is_heard_has_failed_to_start)
{
        NEEDS_THREADS();
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cue_hold("supervise.waits");
        cop_pid asks = hire(&shop);
        cue_await("supervise.waits");
        expect("start a");
        cop_pid root = cop_whereis("shop");
        ck_assert_int_eq(count_of(root).active, 1); /* it answers when its start is over */
        put_down(root);
        cue_go("supervise.waits");
        expect_both("died tree killed", "end a killed");
        ck_assert(cop_is_alive(asks));
        dismiss(asks, cop_atom("normal"));
}

/* ---- Groups that are under way ---------------------------------------------------------------------- */

/* A tree of three, of which b is being started again with its siblings, after a. */
static cop_pid grow_until_b_hangs(cop_pid *b)
{
        TREE(shop, PATIENT, .strategy = COP_ONE_FOR_ALL, .children = ABC(0));
        cop_pid root = grow_and_expect(&shop, "abc");
        let("b", HANGS);
        crash("c");
        expect("end c boom");
        expect_end("ba");
        expect("start a");
        *b = expect("hang b");
        let("b", STARTS);
        return root;
}

IN_FAMILY(new_specs_whose_order_waits_for_a_group_pass_over_who_has_gone_meanwhile)
{
        const cop_supervisor backwards = { PATIENT, .strategy = COP_ONE_FOR_ALL,
                                           .children = COP_CHILDREN(WORKER("c"), WORKER("b"), WORKER("a")) };
        cop_pid b, root = grow_until_b_hangs(&b);
        ck_assert_int_eq(cop_replace_specs(root, &backwards), COP_OK);
        ck_assert_int_eq(cop_terminate_child(root, "c"), COP_OK);
        ck_assert_int_eq(cop_delete_child(root, "c"), COP_OK);
        cop_send(b, go, .unused = 0);
        expect("start b");
        expect_silence(root);
        ck_assert_int_eq(count_of(root).specs, 2);
        crash("a");
        expect("end a boom");
        expect_end("b");
        expect_start("ba");
        fell(root);
        expect_end("ab");
}

/* Its siblings behind it do not wait for it any more, and it comes again on its own. */
IN_FAMILY(a_group_whose_strategy_has_become_one_for_one_goes_on_behind_one_that_fails)
{
        const cop_supervisor single = { PATIENT, .strategy = COP_ONE_FOR_ONE, .children = ABC(0) };
        cop_pid b, root = grow_until_b_hangs(&b);
        ck_assert_int_eq(cop_replace_specs(root, &single), COP_OK);
        put_down(b);
        expect_both("start c", "start b");
        expect_silence(root);
        fell(root);
        expect_end("cba");
}

#define COMES_LATE .backoff = { .first_ms = 3600000 }

IN_FAMILY(who_waits_for_a_sibling_that_is_given_up_starts_although_one_between_them_has_been_stopped)
{
        TREE(shop, PATIENT, .strategy = COP_REST_FOR_ONE,
             .children = COP_CHILDREN(WORKER("a", COMES_LATE), WORKER("b"), WORKER("c")));
        cop_pid root = grow_and_expect(&shop, "abc");
        crash("a");
        expect("end a boom");
        expect_end("cb");
        await_true(strcmp(ask_child(root, "a", "state"), "restarting") == 0);
        ck_assert_str_eq(ask_child(root, "c", "state"), "waiting");
        ck_assert_int_eq(cop_terminate_child(root, "b"), COP_OK);
        ck_assert_int_eq(cop_terminate_child(root, "a"), COP_OK);
        expect("start c");
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "a", "state"), "stopped");
        ck_assert_str_eq(ask_child(root, "b", "state"), "stopped");
        fell(root);
        expect_end("c");
}
