/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a wait group costs in looks at the mail of its owner. */
#include "tests/cue.h"
#include "tests/node_fixture.h"

#include <coppice/wait_group.h>

static size_t passed; /* atomic */

static void counts(const char *name)
{
        if (strcmp(name, "receive.passes") == 0)
                cop__add_relaxed(&passed, 1);
}

static void ends(void)
{
}

enum { MEMBERS = 1000 };

IN_NODE(closing_a_group_does_not_look_at_all_its_members_ends_for_each)
{
        cop_wait_group *group = cop_wait_group_open();
        cop_pid pid;
        for (int i = 0; i < MEMBERS; i++)
                ck_assert_int_eq(cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = ends }, &pid), COP_OK);
        await_true((cop__drain(cop__actor_here()), cop__actor_here()->mailbox.count == MEMBERS));
        cop__store_release(&cop__cue_heard_by, counts);
        cop_wait_group_close(group);
        cop__store_release(&cop__cue_heard_by, (void (*)(const char *))NULL);
        size_t looks = cop__load_relaxed(&passed);
        ck_assert_msg(looks <= MEMBERS, "%zu messages were passed over", looks);
        nothing_has_come();
}
