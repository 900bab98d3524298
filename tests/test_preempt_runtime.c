/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where the runtime is at work for an actor, also in the C library, that actor is neither interrupted nor left. */
#define _GNU_SOURCE /* dl_phdr_info */
#include "tests/torment.h"

#include "actors/fault.h"
#include "actors/ground.h"
#include "actors/object.h"

typedef struct { int64_t number; } work;
COP_MESSAGE(work, number);

/* The library's functions go that way too, where it is linked statically: who is there is where its caller is. */
IN_NODE(a_jump_into_a_library_is_as_who_makes_it)
{
        UNLESS_POSSIBLE;
        struct cop__code_range jumps[4];
        struct cop__grounds *grounds = cop__grounds_new(cop__fault_code_map());
        size_t count = cop__object_program_jumps(jumps, COP__COUNT(jumps));
        ck_assert_uint_gt(count, 0);
        for (size_t i = 0; i < count; i++) {
                ck_assert_int_eq(cop__ground_of(grounds, jumps[i].low), COP__GROUND_JUMP);
                ck_assert_int_eq(cop__ground_of(grounds, jumps[i].high - 1), COP__GROUND_JUMP);
        }
        cop__grounds_free(grounds);
}

typedef struct { int64_t heard; } drowsy;

static void drowsy_on_work(drowsy *self, const work *w)
{
        self->heard += w->number;
}

COP_SERVER(drowsy, COP_ON(work, drowsy_on_work));

enum { LATE = 200 };

/* Between its messages it is at what the runtime does for it, with functions of the C library that are harmless to the program. */
TEST_WITHIN(actors_killed_as_they_take_in_what_nobody_waits_for_leave_nothing_behind, 120)
{
        UNLESS_POSSIBLE;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        struct tormentor tormentor;
        begin_torment(&tormentor, node);
        for (int i = 0; i < (suite_is_slow() ? 40 : 1000); i++) {
                cop_pid pid = cop_spawn_server(&drowsy_server, NULL);
                cop_ref ref = watch(pid);
                cop_send(pid, work, .number = 1);
                for (uint64_t late = 1; late <= LATE; late++) {
                        const cop_caller caller = { .pid = pid, .ref.bits = late };
                        cop_reply_to(caller, work, .number = 1);
                }
                cop_send_exit(pid, cop_atom("kill"));
                await_down(ref, "killed");
        }
        end_torment(&tormentor);
        node_end(node);
}
