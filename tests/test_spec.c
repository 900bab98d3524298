/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trees as data: what the check says of each mistake, and what the copy is. */
#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coppice/timer.h>

#include "supervisor/spec.h"

typedef struct {
        int64_t served;
} till;
typedef struct {
        cop_text owner;
        cop_bytes stamp;
        int64_t pence;
} purse;
COP_MESSAGE(purse, owner, stamp, pence);
typedef struct {
        int64_t number;
} other;
COP_MESSAGE(other, number);

static void till_init(till *self, const purse *p)
{
        self->served = p->pence;
}
COP_SERVER(till, COP_INIT_WITH(purse, till_init));

static void nothing(void)
{
}
static void stays(void)
{
        cop_sleep(COP_FOREVER);
}
static void nothing_with(const void *argument)
{
        (void)argument;
}

static const purse full = { .owner = COP_TEXT("Ada"), .pence = 900 };

/* ---- The check ----------------------------------------------------------------------- */

/* It is started, or nothing of it is. */
static void is_started_as_said(const cop_supervisor *tree, cop_status said)
{
        size_t before = cop_processes(NULL, 0);
        cop_pid root = cop_no_pid();
        ck_assert_int_eq(cop_supervise(tree, &root), said);
        ck_assert_int_eq(cop_is_alive(root), said == COP_OK);
        if (said == COP_OK)
                ck_assert_int_eq(cop_shutdown(root, COP_SHUTDOWN_INFINITY), COP_OK);
        ck_assert_uint_eq(cop_processes(NULL, 0), before);
}

/* What the check says of a tree: "" if it lets it pass. In a node that is what becomes of it. */
static const char *verdict(const cop_supervisor *tree)
{
        static char text[512];
        text[0] = '\0';
        cop_status status = cop_supervisor_check(tree, text, sizeof(text));
        ck_assert_int_eq(status, text[0] == '\0' ? COP_OK : COP_E_BAD_ARGUMENT);
        if (cop_node_here() != NULL)
                is_started_as_said(tree, status);
        return text;
}

#define TREE(...) verdict(&(cop_supervisor){ .name = "shop", __VA_ARGS__ })
#define CHILD(...) TREE(.children = COP_CHILDREN({ .id = "till", __VA_ARGS__ }))
#define expect_words(said, words)                                            \
        do {                                                                 \
                const char *said_ = (said);                                  \
                ck_assert_msg(strstr(said_, words) == said_, "said: %s", said_); \
        } while (0)

TEST(a_right_tree_passes_the_check)
{
        ck_assert_str_eq(TREE(.children = NULL), "");
        ck_assert_str_eq(CHILD(.run = nothing), "");
        ck_assert_str_eq(CHILD(.run_with = nothing_with, .kind = COP_KIND_OF(purse),
                               .argument = &full),
                         "");
        ck_assert_str_eq(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse),
                               .argument = &full),
                         "");
        ck_assert_str_eq(CHILD(.supervisor = &(cop_supervisor){ .name = "desk" }), "");
}

IN_NODE(SUP_start_19_all_combinations_of_restart_and_shutdown_are_accepted)
{
        static const int32_t times[] = { COP_SHUTDOWN_DEFAULT, COP_SHUTDOWN_INFINITY,
                                         COP_BRUTAL_KILL, COP_SHUTDOWN_AT_ONCE, 1, INT32_MAX };
        for (cop_restart restart = COP_PERMANENT; restart <= COP_TEMPORARY; restart++)
                for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                        ck_assert_str_eq(CHILD(.run = stays, .restart = restart,
                                               .shutdown_ms = times[i]),
                                         "");
                        ck_assert_str_eq(CHILD(.supervisor = &(cop_supervisor){ 0 },
                                               .restart = restart, .shutdown_ms = times[i]),
                                         "");
                }
}

/* Some of what OTP refuses has a meaning here: a period of 0 is the default, one that no clock reaches is for ever, and so are
 * COP_RESTARTS_FOR_EVER (SUP-intensity-14 says what they do). */
IN_NODE(SUP_start_13_a_supervisors_wrong_field_is_named)
{
        expect_words(TREE(.strategy = 4), "shop: strategy is 4; it is COP_ONE_FOR_ONE, ");
        expect_words(TREE(.intensity = -3), "shop: intensity is -3; it is 1 to 1000000, ");
        expect_words(TREE(.intensity = 1000001), "shop: intensity is 1000001; ");
        expect_words(TREE(.period_ms = -1), "shop: period_ms is -1; ");
        expect_words(TREE(.auto_shutdown = 7), "shop: auto_shutdown is 7; it is COP_NEVER, COP_ANY_SIGNIFICANT or "
                                               "COP_ALL_SIGNIFICANT");
        expect_words(verdict(&(cop_supervisor){ .name = "" }), ": name cannot be registered; ");
        expect_words(verdict(&(cop_supervisor){ .name = "undefined" }),
                     "undefined: name cannot be registered; ");
        expect_words(verdict(NULL), "there is no tree");
        ck_assert_str_eq(TREE(.intensity = COP_NO_RESTARTS), "");
        ck_assert_str_eq(TREE(.intensity = COP_RESTARTS_FOR_EVER, .period_ms = 0), "");
        ck_assert_str_eq(TREE(.intensity = 1000000, .period_ms = INT64_MAX), "");
}

/* Nothing would tell it from the end of the list. */
IN_NODE(SUP_start_15_a_child_without_an_id_is_no_end_of_a_list)
{
        expect_words(TREE(.children = COP_CHILDREN({ .server = &till_server }, { "b", .run = nothing })),
                     "shop: child 1: id is NULL; ");
        expect_words(TREE(.children = COP_CHILDREN({ "a", .run = nothing },
                                                   { .supervisor = &(cop_supervisor){ 0 } })),
                     "shop: child 2: id is NULL; ");
        expect_words(TREE(.children = COP_CHILDREN({ "desk", .supervisor = &(cop_supervisor){
                                                                .children = COP_CHILDREN({ .run = nothing }) } })),
                     "shop/desk: child 1: id is NULL; ");
        expect_words(TREE(.strategy = COP_DYNAMIC, .children = COP_CHILDREN({ .run = nothing })),
                     "shop: children is set; those of COP_DYNAMIC are started later");
        ck_assert_str_eq(TREE(.strategy = COP_DYNAMIC, .children = COP_CHILDREN({ .id = NULL })), "");
}

TEST(a_name_that_each_partition_would_bear_is_refused)
{
        const cop_supervisor inner = { .name = "inner" };
        const cop_child each = { .supervisor = &inner };
        expect_words(TREE(.partitions = 3, .each = &each),
                     "shop: child: supervisor has a name, which only one of them could bear");
}

TEST(a_tree_needs_processes_if_one_of_its_children_does)
{
        const cop_child apart = { "apart", .run = nothing, .isolation = COP_ISOLATION_PROCESS };
        const cop_child inside = { "inside", .run = nothing };
        const cop_supervisor list = { .children = (const cop_child[]){ inside, apart, { .id = NULL } } };
        const cop_supervisor nested = { .children = COP_CHILDREN({ "list", .supervisor = &list }) };
        const cop_supervisor parts = { .name = "parts", .partitions = 3, .each = &inside };
        const cop_supervisor parts_apart = { .name = "parts", .partitions = 3, .each = &apart };
        const cop_supervisor house = { .children = COP_CHILDREN({ "parts", .supervisor = &parts }) };
        ck_assert(cop__spec_needs_processes(&list) && cop__spec_needs_processes(&nested));
        ck_assert(cop__spec_needs_processes(&parts_apart));
        ck_assert(!cop__spec_needs_processes(&parts) && !cop__spec_needs_processes(&house));
        ck_assert(!cop__spec_needs_processes(&(cop_supervisor){ 0 }));
}

IN_NODE(SUP_start_15_a_childs_wrong_field_is_named)
{
        expect_words(CHILD(.restart = COP_PERMANENT),
                     "shop: child till: nothing says what it runs; set exactly one of server, run, "
                     "run_with and supervisor");
        expect_words(CHILD(.run = nothing, .server = &till_server),
                     "shop: child till: several fields say what it runs; ");
        expect_words(CHILD(.run = nothing, .restart = 7), "shop: child till: restart is 7; ");
        expect_words(CHILD(.run = nothing, .shutdown_ms = -4),
                     "shop: child till: shutdown_ms is -4; ");
        expect_words(CHILD(.run = nothing, .isolation = (cop_isolation)4),
                     "shop: child till: isolation is 4; ");
        expect_words(CHILD(.supervisor = &(cop_supervisor){ 0 }, .isolation = COP_ISOLATION_PROCESS),
                     "shop: child till: isolation or memory_limit is set, but a supervisor has none: ");
        expect_words(TREE(.children = COP_CHILDREN({ .id = "a", .run = nothing },
                                                   { .id = "", .run = nothing })),
                     "shop: child 2: id is empty; ");
        expect_words(TREE(.children = COP_CHILDREN({ .id = "undefined", .run = nothing })),
                     "shop: child undefined: id cannot be registered");
        ck_assert_str_eq(TREE(.children = COP_CHILDREN({ .id = "undefined", .run = stays,
                                                         .unnamed = true })),
                         "");
}

TEST(what_an_actor_cannot_be_spawned_with_is_named)
{
        char long_label[COP_LABEL_MAX + 2];
        memset(long_label, 'x', sizeof(long_label) - 1);
        long_label[sizeof(long_label) - 1] = '\0';
        expect_words(CHILD(.run = nothing, .priority = 4), "shop: child till: priority is 4; it is ");
        expect_words(CHILD(.run = nothing, .mailbox_limit = 1, .mailbox_policy = 6),
                     "shop: child till: mailbox_policy is 6; it is ");
        expect_words(CHILD(.run = nothing, .mailbox_policy = COP_MAILBOX_REJECT),
                     "shop: child till: mailbox_policy is set, but neither mailbox_limit nor ");
        expect_words(CHILD(.run = nothing, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_COALESCE),
                     "shop: child till: mailbox_policy is COP_MAILBOX_COALESCE, but mailbox_key is not set");
        expect_words(CHILD(.run = nothing, .mailbox_limit = 1, .mailbox_key = COP_KEY(purse, pence)),
                     "shop: child till: mailbox_key is set, but mailbox_policy is not COP_MAILBOX_COALESCE");
        expect_words(CHILD(.run = nothing, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_COALESCE,
                           .mailbox_key = { COP_KIND_OF(purse), 1 }),
                     "shop: child till: mailbox_key is byte 1 of purse; it is COP_KEY(kind, field) of a field that is ");
        ck_assert_str_eq(CHILD(.run = nothing, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_COALESCE,
                               .mailbox_key = COP_KEY(purse, pence)),
                         "");
        expect_words(CHILD(.run = nothing, .mailbox_low = 2),
                     "shop: child till: mailbox_low is set, but not mailbox_high");
        expect_words(CHILD(.run = nothing, .mailbox_high = 2, .mailbox_low = 2),
                     "shop: child till: mailbox_low is 2; it is below mailbox_high, which is 2");
        expect_words(CHILD(.run = nothing, .memory_limit_soft = true),
                     "shop: child till: memory_limit_soft is set, but not memory_limit");
        expect_words(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse), .argument = &(purse){ .pence = 1 },
                           .memory_limit = 1),
                     "shop: child till: memory_limit is 1; its state has 8 bytes");
        expect_words(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse), .argument = &(purse){ .pence = 1 },
                           .init_ack = true),
                     "shop: child till: init_ack is set, but neither run nor run_with: ");
        expect_words(CHILD(.supervisor = &(cop_supervisor){ 0 }, .no_preempt = true),
                     "shop: child till: priority, mailbox, label or no_preempt is set, but ");
        expect_words(CHILD(.run = nothing, .label = long_label),
                     "shop: child till: label has 64 bytes; it has at most 63");
        expect_words(CHILD(.supervisor = &(cop_supervisor){ 0 }, .priority = COP_PRIORITY_LOW),
                     "shop: child till: priority, mailbox, label or no_preempt is set, but a supervisor has none");
        expect_words(CHILD(.supervisor = &(cop_supervisor){ 0 }, .mailbox_bytes = 9),
                     "shop: child till: priority, mailbox, label or no_preempt is set, but a supervisor has none");
        ck_assert_str_eq(CHILD(.run = nothing, .priority = COP_PRIORITY_MAX, .mailbox_limit = 7,
                               .mailbox_bytes = 7, .mailbox_policy = COP_MAILBOX_STOP, .label = "x",
                               .mailbox_high = 5, .mailbox_low = 4, .memory_limit = 9000,
                               .memory_limit_soft = true, .no_preempt = true, .init_ack = true),
                         "");
}

TEST(an_argument_must_be_what_the_child_takes)
{
        expect_words(CHILD(.run_with = nothing_with),
                     "shop: child till: run_with is set without kind and argument");
        expect_words(CHILD(.run_with = nothing_with, .kind = COP_KIND_OF(purse)),
                     "shop: child till: kind is set without an argument; ");
        expect_words(CHILD(.run_with = nothing_with, .argument = &full),
                     "shop: child till: argument is set without its kind; ");
        expect_words(CHILD(.run = nothing, .kind = COP_KIND_OF(purse), .argument = &full),
                     "shop: child till: argument is set, but run takes none");
        expect_words(CHILD(.server = &till_server),
                     "shop: child till: kind is NULL; the init of server till takes purse");
        expect_words(CHILD(.server = &till_server, .kind = COP_KIND_OF(other),
                           .argument = &(other){ 1 }),
                     "shop: child till: kind is other; the init of server till takes purse");
        expect_words(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse),
                           .argument = &(purse){ .owner = { 5, NULL } }),
                     "shop: child till: argument cannot be copied: ");
}

TEST(a_name_of_63_bytes_is_the_longest)
{
        char name[COP_NAME_MAX + 2];
        memset(name, 'x', sizeof(name));
        name[COP_NAME_MAX + 1] = '\0';
        expect_words(TREE(.children = COP_CHILDREN({ .id = name, .run = nothing })), "shop: child xxx");
        ck_assert_ptr_nonnull(strstr(TREE(.children = COP_CHILDREN({ .id = name, .run = nothing })),
                                     "id has 64 bytes; a name has at most 63"));
        ck_assert_ptr_nonnull(strstr(verdict(&(cop_supervisor){ .name = name }),
                                     "name has 64 bytes; a name has at most 63"));
        name[COP_NAME_MAX] = '\0';
        ck_assert_str_eq(TREE(.children = COP_CHILDREN({ .id = name, .run = nothing })), "");
        ck_assert_str_eq(verdict(&(cop_supervisor){ .name = name }), "");
}

IN_NODE(SUP_start_16_two_children_of_one_id_are_refused)
{
        expect_words(TREE(.children = COP_CHILDREN({ .id = "a", .run = nothing },
                                                   { .id = "b", .run = nothing },
                                                   { .id = "a", .run = nothing })),
                     "shop: child a: id is not unique; children 1 and 3 bear it");
}

IN_NODE(SUP_start_16_twins_are_found_among_a_hundred_thousand)
{
        enum { COUNT = 100000 };
        cop_child *children = calloc(COUNT + 1, sizeof(*children));
        char (*ids)[24] = calloc(COUNT, sizeof(*ids));
        for (int i = 0; i < COUNT; i++) {
                snprintf(ids[i], sizeof(ids[i]), "child%d", i);
                children[i] = (cop_child){ .id = ids[i], .run = nothing };
        }
        ck_assert_int_eq(cop_supervisor_check(&(cop_supervisor){ .name = "shop", .children = children }, NULL, 0), COP_OK);
        strcpy(ids[COUNT - 1], "child77");
        expect_words(TREE(.children = children),
                     "shop: child child77: id is not unique; children 78 and 100000 bear it");
        free(children);
        free(ids);
}

TEST(a_mistake_deep_down_is_told_with_its_path)
{
        const cop_supervisor inner = { .children = COP_CHILDREN({ .id = "x", .run = nothing,
                                                                  .restart = 9 }) };
        const cop_supervisor middle = { .name = "desk", .children = COP_CHILDREN({
                                                                .id = "drawer",
                                                                .supervisor = &inner,
                                                        }) };
        expect_words(CHILD(.supervisor = &middle), "shop/desk/drawer: child x: restart is 9; ");
}

TEST(a_tree_that_contains_itself_is_refused)
{
        cop_supervisor desk = { .name = "desk" };
        const cop_child children[] = { { .id = "again", .supervisor = &desk }, { .id = NULL } };
        desk.children = children;
        expect_words(CHILD(.supervisor = &desk),
                     "shop/desk: child again: supervisor is desk, which contains this one: ");
}

/* A tower of supervisors, each the only child of the one below it; levels[0] is the root. */
static void build_tower(cop_supervisor *levels, cop_child (*children)[2], size_t height)
{
        memset(levels, 0, height * sizeof(*levels));
        memset(children, 0, height * sizeof(*children));
        for (size_t i = 0; i + 1 < height; i++) {
                children[i][0] = (cop_child){ .id = "up", .supervisor = &levels[i + 1],
                                              .unnamed = true };
                levels[i].children = children[i];
        }
}

TEST(a_tree_may_be_64_supervisors_high)
{
        cop_supervisor levels[COP__TREE_DEPTH_MAX + 1];
        cop_child children[COP__TREE_DEPTH_MAX + 1][2];
        build_tower(levels, children, COP__TREE_DEPTH_MAX);
        ck_assert_str_eq(verdict(levels), "");
        build_tower(levels, children, COP__TREE_DEPTH_MAX + 1);
        ck_assert_ptr_nonnull(strstr(verdict(levels), ": supervisor is nested deeper than 64"));
}

TEST(a_tree_that_shares_its_branches_beyond_all_bounds_is_refused)
{
        /* 2 to the power of 63 children, in 64 supervisors. */
        cop_supervisor levels[COP__TREE_DEPTH_MAX] = { 0 };
        cop_child children[COP__TREE_DEPTH_MAX][3] = { 0 };
        for (size_t i = 0; i + 1 < COP__TREE_DEPTH_MAX; i++) {
                children[i][0] = (cop_child){ .id = "l", .supervisor = &levels[i + 1] };
                children[i][1] = (cop_child){ .id = "r", .supervisor = &levels[i + 1] };
                levels[i].children = children[i];
        }
        ck_assert_ptr_nonnull(strstr(verdict(levels), "children are more than 1048576"));
}

TEST(a_backoff_longer_than_a_timer_may_be_is_refused)
{
        expect_words(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse), .argument = &full,
                           .backoff = { .first_ms = COP_TIMER_MS_MAX + 1 }),
                     "shop: child till: backoff.first_ms is ");
        ck_assert_str_eq(CHILD(.server = &till_server, .kind = COP_KIND_OF(purse), .argument = &full,
                               .backoff = { .first_ms = COP_TIMER_MS_MAX }),
                         "");
}

TEST(the_check_needs_no_room_for_its_sentence)
{
        char text[8];
        const cop_supervisor bad = { .name = "shop", .strategy = 9 };
        ck_assert_int_eq(cop_supervisor_check(&bad, NULL, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervisor_check(&bad, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "shop...");
}

/* ---- The copy --------------------------------------------------------------------------- */

static const struct cop__supervisor_spec *copy_of(const cop_supervisor *tree, cop_buffer **buffer)
{
        const struct cop__supervisor_spec *spec = NULL;
        ck_assert_str_eq(verdict(tree), "");
        ck_assert_int_eq(cop__spec_copy(tree, buffer, &spec), COP_OK);
        return spec;
}

TEST(what_is_left_out_takes_its_default)
{
        cop_buffer *buffer;
        const cop_supervisor empty = { .name = NULL };
        const cop_supervisor tree = {
                .children = COP_CHILDREN({ .id = "till", .run = nothing },
                                         { .id = "desk", .supervisor = &empty }),
        };
        const struct cop__supervisor_spec *spec = copy_of(&tree, &buffer);
        ck_assert_ptr_null(spec->name);
        ck_assert_str_eq(spec->label, "supervisor");
        ck_assert_int_eq(spec->strategy, COP_ONE_FOR_ONE);
        ck_assert_uint_eq(spec->intensity, 1);
        ck_assert_int_eq(spec->period_ms, 5000);
        ck_assert_uint_eq(spec->child_count, 2);
        ck_assert_int_eq(spec->children[0].restart, COP_PERMANENT);
        ck_assert_int_eq(spec->children[0].shutdown_ms, 5000);
        ck_assert_str_eq(spec->children[0].spawn.name, "till");
        ck_assert_int_eq(spec->children[1].shutdown_ms, COP_SHUTDOWN_INFINITY);
        ck_assert_uint_eq(spec->children[1].supervisor->child_count, 0);
        cop_buffer_drop(buffer);
}

TEST(no_restarts_is_an_intensity_of_0)
{
        cop_buffer *buffer;
        const cop_supervisor tree = { .intensity = COP_NO_RESTARTS };
        ck_assert_uint_eq(copy_of(&tree, &buffer)->intensity, 0);
        cop_buffer_drop(buffer);
}

TEST(a_nested_supervisor_bears_its_own_name_or_else_its_id)
{
        cop_buffer *buffer;
        const cop_supervisor named = { .name = "desk" }, nameless = { .name = NULL };
        const cop_supervisor tree = {
                .children = COP_CHILDREN({ .id = "a", .supervisor = &named },
                                         { .id = "b", .supervisor = &nameless },
                                         { .id = "c", .supervisor = &named, .unnamed = true },
                                         { .id = "d", .supervisor = &nameless, .unnamed = true }),
        };
        const struct cop__child_spec *children = copy_of(&tree, &buffer)->children;
        ck_assert_str_eq(children[0].spawn.name, "desk");
        ck_assert_str_eq(children[0].supervisor->label, "desk");
        ck_assert_str_eq(children[1].spawn.name, "b");
        ck_assert_str_eq(children[1].supervisor->label, "b");
        ck_assert_str_eq(children[2].spawn.name, "desk");
        ck_assert_ptr_null(children[3].spawn.name);
        ck_assert_str_eq(children[3].supervisor->label, "d");
        cop_buffer_drop(buffer);
}

/* A tree with everything in it, in memory that the caller spoils afterwards. */
struct rich {
        char name[8], id[8], owner[8];
        uint8_t small[16], large[4096];
        purse purse;
        cop_child children[3], inner_children[2];
        cop_supervisor inner, tree;
};

static void build_rich(struct rich *rich, cop_buffer *shared)
{
        memset(rich, 0, sizeof(*rich));
        strcpy(rich->name, "shop");
        strcpy(rich->id, "till");
        strcpy(rich->owner, "Ada");
        memset(rich->small, 's', sizeof(rich->small));
        memset(rich->large, 'l', sizeof(rich->large));
        rich->purse = (purse){ .owner = cop_text_of(rich->owner), .pence = 900 };
        rich->purse.stamp = shared != NULL ? cop_buffer_bytes(shared)
                                           : cop_bytes_of(rich->large, sizeof(rich->large));
        rich->inner_children[0] = (cop_child){ .id = rich->id, .run_with = nothing_with,
                                               .kind = COP_KIND_OF(purse),
                                               .argument = &rich->purse, .unnamed = true };
        rich->inner.children = rich->inner_children;
        rich->children[0] = rich->inner_children[0];
        rich->children[1] = (cop_child){ .id = "desk", .supervisor = &rich->inner };
        rich->tree = (cop_supervisor){ .name = rich->name, .children = rich->children };
}

static void expect_rich_child(const struct cop__child_spec *child, size_t stamp_size)
{
        const purse *argument = child->spawn.argument;
        ck_assert_str_eq(child->id, "till");
        ck_assert_ptr_null(child->spawn.name);
        ck_assert_ptr_eq(child->spawn.kind, COP_KIND_OF(purse));
        ck_assert_uint_eq((uintptr_t)argument % 16, 0);
        ck_assert(cop_text_equal(argument->owner, "Ada"));
        ck_assert_int_eq(argument->pence, 900);
        ck_assert_ptr_null(argument->stamp.buffer);
        ck_assert_uint_eq(argument->stamp.size, stamp_size);
        for (size_t i = 0; i < stamp_size; i++)
                ck_assert_int_eq(argument->stamp.data[i], 'l');
}

static void expect_rich_copy(struct rich *rich, size_t stamp_size)
{
        cop_buffer *buffer;
        const struct cop__supervisor_spec *spec = copy_of(&rich->tree, &buffer);
        memset(rich, 0x5a, sizeof(*rich));
        ck_assert_str_eq(spec->name, "shop");
        ck_assert_uint_eq(spec->child_count, 2);
        expect_rich_child(&spec->children[0], stamp_size);
        ck_assert_uint_eq(spec->children[1].supervisor->child_count, 1);
        expect_rich_child(&spec->children[1].supervisor->children[0], stamp_size);
        cop_buffer_drop(buffer);
}

TEST(the_copy_shares_nothing_with_what_it_was_made_from)
{
        struct rich rich;
        build_rich(&rich, NULL);
        expect_rich_copy(&rich, sizeof(rich.large));
}

TEST(shared_bytes_in_an_argument_are_the_copys_own)
{
        struct rich rich;
        cop_buffer *shared = cop_buffer_new(100);
        memset(cop_buffer_data(shared), 'l', 100);
        build_rich(&rich, shared);
        expect_rich_copy(&rich, 100);
        cop_buffer_drop(shared); /* the last share: a leak is found by the sanitizer */
}

TEST(bytes_of_an_argument_that_are_none_stay_none)
{
        cop_buffer *buffer;
        const cop_supervisor tree = { .children = COP_CHILDREN({ .id = "till", .run_with = nothing_with,
                                                                 .kind = COP_KIND_OF(purse), .argument = &full }) };
        const struct cop__supervisor_spec *spec = copy_of(&tree, &buffer);
        const purse *argument = spec->children[0].spawn.argument;
        ck_assert_ptr_null(argument->stamp.buffer);
        ck_assert_uint_eq(argument->stamp.size, 0);
        ck_assert(cop_text_equal(argument->owner, "Ada"));
        cop_buffer_drop(buffer);
}

typedef struct {
        purse inner;
} coat;
COP_MESSAGE(coat, COP_NESTED(purse, inner));

TEST(bytes_that_are_nested_in_an_argument_are_the_copys_own)
{
        cop_buffer *shared = cop_buffer_new(100), *buffer;
        memset(cop_buffer_data(shared), 'l', 100);
        const coat worn = { .inner = { .owner = COP_TEXT("Ada"), .stamp = cop_buffer_bytes(shared) } };
        const cop_supervisor tree = { .children = COP_CHILDREN({ .id = "till", .run_with = nothing_with,
                                                                 .kind = COP_KIND_OF(coat), .argument = &worn }) };
        const struct cop__supervisor_spec *spec = copy_of(&tree, &buffer);
        const coat *copy = spec->children[0].spawn.argument;
        ck_assert_ptr_null(copy->inner.stamp.buffer);
        ck_assert_ptr_ne(copy->inner.stamp.data, cop_buffer_data(shared));
        ck_assert_uint_eq(copy->inner.stamp.size, 100);
        ck_assert_int_eq(copy->inner.stamp.data[99], 'l');
        cop_buffer_drop(buffer);
        cop_buffer_drop(shared);
}

TEST(the_copy_of_a_child_survives_every_failed_allocation)
{
        for (long n = 1; failing_malloc_can(); n++) {
                struct rich rich;
                cop_buffer *buffer = NULL;
                const struct cop__child_spec *spec = NULL;
                build_rich(&rich, NULL);
                fail_malloc_after(n);
                cop_status status = cop__spec_copy_child(&rich.children[0], &buffer, &spec);
                if (!stop_failing_malloc()) {
                        expect_rich_child(spec, sizeof(rich.large));
                        cop_buffer_drop(buffer);
                        break;
                }
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                ck_assert_ptr_null(buffer);
        }
}

TEST(the_copy_survives_every_failed_allocation)
{
        long failures = 0;
        for (long n = 1; failing_malloc_can(); n++) {
                struct rich rich;
                cop_buffer *buffer = NULL;
                const struct cop__supervisor_spec *spec = NULL;
                build_rich(&rich, NULL);
                fail_malloc_after(n);
                cop_status status = cop__spec_copy(&rich.tree, &buffer, &spec);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        cop_buffer_drop(buffer);
                        break;
                }
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                ck_assert_ptr_null(buffer);
                failures++;
        }
        ck_assert(!failing_malloc_can() || failures == 3);
}
