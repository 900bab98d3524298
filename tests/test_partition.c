/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Partitions and bridges. A name with an ID shows that row of the semantics. */
#include "tests/family.h"

static const job p_job = { .id = "p", .traps = true };
static const cop_child each_worker = { .server = &worker_server, .kind = COP_KIND_OF(job),
                                       .argument = &p_job };
static const cop_supervisor parts = { .name = "parts", PATIENT, .partitions = 4,
                                      .each = &each_worker };

IN_FAMILY(PSU_01_a_key_belongs_to_the_same_partition_for_ever)
{
        cop_pid root = grow_and_expect(&parts, "pppp");
        ck_assert_int_eq(count_of(root).active, 4);
        for (const char *id = "parts.0\0parts.1\0parts.2\0parts.3\0"; *id != '\0'; id += 8)
                ck_assert_str_eq(ask_child(root, id, "state"), "running");
        for (uint32_t key = 0; key < 100; key++) {
                uint32_t one, again;
                char name[64];
                ck_assert_int_eq(cop_partition_of(&parts, &key, sizeof(key), &one), COP_OK);
                ck_assert_int_eq(cop_partition_of(&parts, &key, sizeof(key), &again), COP_OK);
                ck_assert_uint_eq(one, again);
                ck_assert_int_eq(cop_partition_name(&parts, one, name), COP_OK);
                ck_assert(cop_pid_equal(cop_partition(&parts, &key, sizeof(key)),
                                        cop_whereis(name)));
                ck_assert_uint_ne(cop_whereis(name).bits, 0);
        }
        fell(root);
}

TEST(keys_are_spread_over_all_partitions)
{
        uint32_t counts[4] = { 0 };
        for (uint32_t key = 0; key < 4000; key++) {
                uint32_t one = 99;
                ck_assert_int_eq(cop_partition_of(&parts, &key, sizeof(key), &one), COP_OK);
                counts[one]++;
        }
        for (int i = 0; i < 4; i++)
                ck_assert_msg(counts[i] > 800 && counts[i] < 1200, "partition %d has %u", i,
                              counts[i]);
}

IN_FAMILY(a_partition_that_crashes_is_restarted_under_its_name)
{
        cop_pid root = grow_and_expect(&parts, "pppp");
        cop_pid before = cop_partition(&parts, "Ada", 3);
        dismiss(before, cop_atom("boom"));
        expect("end p boom");
        expect("start p");
        expect_silence(root);
        cop_pid after = cop_partition(&parts, "Ada", 3);
        ck_assert(after.bits != 0 && !cop_pid_equal(after, before));
        fell(root);
}

TEST(PSU_03_what_has_no_partitions_or_too_many_is_refused)
{
        const cop_supervisor none = { .name = "none" };
        const cop_supervisor many = { .name = "many", .partitions = 65537, .each = &each_worker };
        const cop_supervisor bare = { .name = "bare", .partitions = 2 };
        const cop_supervisor nameless = { .partitions = 2, .each = &each_worker };
        const cop_supervisor dynamic = { .name = "d", .partitions = 2, .each = &each_worker,
                                         .strategy = COP_DYNAMIC };
        char text[200], name[64];
        uint32_t partition = 7;
        ck_assert_int_eq(cop_partition_of(&none, "a", 1, &partition), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_partition_of(NULL, "a", 1, &partition), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(partition, 7);
        ck_assert_uint_eq(cop_partition(&none, "a", 1).bits, 0);
        ck_assert_int_eq(cop_partition_name(&parts, 4, name), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervisor_check(&many, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "many: partitions is 65537; it is at most 65536");
        ck_assert_int_eq(cop_supervisor_check(&bare, NULL, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervisor_check(&nameless, NULL, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervisor_check(&dynamic, NULL, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_supervisor_check(&parts, text, sizeof(text)), COP_OK);
}

static void expect_unchanged(cop_pid root, const cop_pid pids[4])
{
        char name[64];
        ck_assert_int_eq(count_of(root).active, 4);
        for (uint32_t i = 0; i < 4; i++) {
                ck_assert_int_eq(cop_partition_name(&parts, i, name), COP_OK);
                ck_assert(cop_pid_equal(cop_whereis(name), pids[i]));
        }
}

/* Elixir's has no way to do it but to be started again; here no partition is stopped or started for other specs. */
IN_FAMILY(PSU_03_partitions_that_run_are_not_resized)
{
        const cop_supervisor many = { .name = "parts", .partitions = 65537, .each = &each_worker };
        const cop_supervisor none = { .name = "parts", PATIENT };
        const cop_supervisor fewer = { .name = "parts", PATIENT, .partitions = 2, .each = &each_worker };
        const cop_supervisor more = { .name = "parts", PATIENT, .partitions = 5, .each = &each_worker };
        cop_pid root = grow_and_expect(&parts, "pppp"), pids[4];
        char name[64];
        for (uint32_t i = 0; i < 4; i++) {
                ck_assert_int_eq(cop_partition_name(&parts, i, name), COP_OK);
                pids[i] = cop_whereis(name);
        }
        ck_assert_int_eq(cop_replace_specs(root, &many), COP_E_BAD_ARGUMENT);
        expect_unchanged(root, pids);
        ck_assert_int_eq(cop_replace_specs(root, &fewer), COP_OK);
        expect_unchanged(root, pids);
        ck_assert_int_eq(cop_replace_specs(root, &none), COP_OK);
        expect_unchanged(root, pids);
        ck_assert_uint_eq(cop_partition(&none, "a", 1).bits, 0);
        ck_assert_int_eq(cop_replace_specs(root, &more), COP_OK);
        expect_unchanged(root, pids);
        expect_silence(root);
        ck_assert_str_eq(ask_child(root, "parts.4", "state"), "stopped");
        ck_assert_int_eq(cop_restart_child(root, "parts.4", NULL), COP_OK);
        expect("start p");
        fell(root);
}

TEST(a_partition_of_many_counts_as_many_and_none_of_them_has_a_name_that_all_would_have)
{
        cop_child children[101] = { 0 };
        char ids[100][16], text[200];
        for (int i = 0; i < 100; i++) {
                snprintf(ids[i], sizeof(ids[i]), "c%d", i);
                children[i] = (cop_child){ .id = ids[i], .run = waits, .unnamed = true };
        }
        const cop_supervisor inner = { .children = children };
        const cop_child each = { .supervisor = &inner };
        cop_supervisor all = { .name = "all", .partitions = 10000, .each = &each };
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_OK);
        all.partitions = 11000;
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(text, ": children are more than 1048576 in the whole tree"));
        all.partitions = 2;
        children[7].unnamed = false;
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "all/supervisor: child c7: it is in each of 2 partitions, and only one "
                               "of them could bear the name c7");
        all.partitions = 1;
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_OK);
        all.max_children = 5;
        ck_assert_int_eq(cop_supervisor_check(&all, text, sizeof(text)), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(text, "all: max_children is set, but its strategy is not COP_DYNAMIC");
}

/* ---- Bridges ---------------------------------------------------------------------------------- */

/* A foreign part: it is on or off, and it may refuse. */
static uint32_t lamp_is_on;
static cop_status lamp_says;
static bool lamp_has_a_cord; /* an actor, linked to it */

typedef struct {
        uint32_t *bulb;
} lamp;
static void cord(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(quit));
        cop_exit(cop_read(quit, message)->reason);
}
static cop_status lamp_start(lamp *self)
{
        if (lamp_says == COP_OK) {
                self->bulb = &lamp_is_on;
                cop__store_release(self->bulb, 1);
        }
        if (lamp_has_a_cord) {
                cop_register("cord", cop_spawn_link(cord));
                say("on", "lamp", "");
        }
        return lamp_says;
}
static void lamp_stop(lamp *self, cop_term reason)
{
        cop__store_release(self->bulb, 0);
        say("off", "lamp", text_of(reason));
}
COP_BRIDGE(lamp, lamp_start, lamp_stop);

static const cop_supervisor house = { .name = "house", .intensity = 5,
                                      .children = (const cop_child[]){
                                              { .id = "lamp", .server = &lamp_server,
                                                .shutdown_ms = COP_SHUTDOWN_INFINITY },
                                              { .id = NULL } } };

IN_FAMILY(SUP_bridge_01_the_foreign_part_is_stopped_with_shutdown)
{
        lamp_says = COP_OK;
        cop_pid root = grow(&house);
        ck_assert_uint_eq(cop__load_acquire(&lamp_is_on), 1);
        fell(root);
        ck_assert_uint_eq(cop__load_acquire(&lamp_is_on), 0);
        expect("off lamp shutdown");
}

/* As supervisor_bridge does when the process that its init has returned exits. */
IN_FAMILY(SUP_bridge_01_a_bridge_ends_with_who_it_is_linked_to_and_is_restarted)
{
        static const char *const reasons[] = { "boom", "normal" };
        lamp_says = COP_OK;
        lamp_has_a_cord = true;
        cop_pid root = grow(&house);
        expect("on lamp");
        for (int i = 0; i < 2; i++) {
                cop_pid before = cop_whereis("lamp");
                dismiss(cop_whereis("cord"), cop_atom(reasons[i]));
                expect(i == 0 ? "off lamp boom" : "off lamp normal");
                expect("on lamp");
                ck_assert_uint_eq(cop__load_acquire(&lamp_is_on), 1);
                ck_assert(cop_is_alive(cop_whereis("lamp")) && !cop_pid_equal(cop_whereis("lamp"), before));
        }
        cop_ref ref = watch(cop_whereis("cord"));
        fell(root);
        expect("off lamp shutdown");
        await_down(ref, "shutdown");
}

IN_FAMILY(SUP_bridge_03_a_bridge_that_cannot_start_or_ignores_is_a_child_that_does)
{
        cop_pid root;
        lamp_says = COP_E_SYSTEM;
        ck_assert_int_eq(cop_supervise(&house, &root), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{shutdown, {failed_to_start_child, lamp, {bridge, "
                                                 "\"a system call failed\"}}}");
        lamp_says = COP_E_IGNORED;
        root = grow(&house);
        ck_assert_str_eq(ask_child(root, "lamp", "state"), "stopped");
        fell(root);
        nothing_has_come();
}
