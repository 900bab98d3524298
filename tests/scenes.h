/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The same code does the same in an OS process of its own. Each scene is run by an actor of the node and then by one in a
 * process; what they tell must be equal, and is what the claim says.
 *
 *      SAME(a_name_is_found, "true")
 *      {
 *              tell(cop_bool(cop_whereis("witness").bits != 0));
 *      }
 *
 * check is not there in a process: a scene tells what it has seen, and asserts nothing.
 */
#ifndef TESTS_SCENES_H
#define TESTS_SCENES_H

#include "tests/apart.h"

typedef struct outcome {
        cop_term term;
} outcome;
COP_MESSAGE(outcome, term);

static inline void tell(cop_term term)
{
        cop_send(cop_parent(), outcome, .term = term);
}

static inline cop_term status_term(cop_status status)
{
        return cop_string(cop_status_text(status));
}

static inline const char *play(void (*scene)(void), cop_isolation isolation)
{
        cop_pid pid;
        cop_ref ref;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = scene, .isolation = isolation,
                                                             .monitor = true, .monitor_ref = &ref },
                                       &pid), COP_OK);
        cop_auto told = cop_receive(PATIENCE_MS, COP_KIND(outcome), COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(told);
        const cop_down *down = cop_read(cop_down, told);
        ck_assert_msg(down == NULL, "the scene ended with %s", down != NULL ? text_of(down->reason) : "");
        await_and_drop(COP_REF(cop_down, ref));
        return text_of(cop_read(outcome, told)->term);
}

/* SAME(claim, what both tell) { the scene } */
#define SAME(claim, wanted)                                                    \
        static void scene_##claim(void);                                       \
        IN_PROCESSES(claim)                                                    \
        {                                                                      \
                ck_assert_str_eq(play(scene_##claim, COP_ISOLATION_GUARDED), wanted); \
                ck_assert_str_eq(play(scene_##claim, COP_ISOLATION_PROCESS), wanted); \
        }                                                                      \
        static void scene_##claim(void)

/* As put_down, without check, which is not there in a process. */
static inline void end_and_wait(cop_pid pid)
{
        cop_ref ref;
        cop_monitor(pid, &ref);
        cop_send_exit(pid, cop_atom("kill"));
        cop_message_free(cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)));
}

static inline void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

#endif
