/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Between COP_NO_PREEMPT's braces an actor that does not wait is neither ended nor let others on: it may hold a lock there. */
#include "tests/node_fixture.h"

#include <pthread.h>
#include <sched.h>

#include <coppice/preempt.h>

typedef struct { int64_t number; } letter;
COP_MESSAGE(letter, number);

typedef struct { cop_pid other; uint32_t which; } chore;
COP_MESSAGE(chore, other, which);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t is_inside, may_go; /* atomic */

static void sleeps(void)
{
        cop_sleep(COP_FOREVER);
}

static void sends(cop_pid other)
{
        cop_send(other, letter, .number = 1);
}

static void cancels(cop_pid other)
{
        (void)other;
        cop_cancel((cop_ref){ 1 });
}

static void monitors(cop_pid other)
{
        cop_monitor(other, &(cop_ref){ 0 });
}

static void spends_a_turn(cop_pid other)
{
        for (int i = 0; i < 2 * COP__TURN_BUDGET; i++)
                cop_unlink(other);
}

static void (*const deeds[])(cop_pid other) = { sends, cancels, monitors, cop_unlink, spends_a_turn };

static void locks_and_does(const chore *c)
{
        COP_NO_PREEMPT {
                pthread_mutex_lock(&mutex);
                cop__store_seq(&is_inside, 1);
                while (!cop__load_seq(&may_go))
                        sched_yield();
                deeds[c->which](c->other);
                pthread_mutex_unlock(&mutex);
        }
        cop_sleep(COP_FOREVER);
}

IN_NODE_WITH(who_is_in_a_section_is_not_ended_by_what_it_asks_for, .workers = 2)
{
        NEEDS_THREADS();
        cop_pid other = cop_spawn(sleeps);
        for (uint32_t i = 0; i < COP__COUNT(deeds); i++) {
                cop__store_seq(&is_inside, 0);
                cop__store_seq(&may_go, 0);
                cop_pid pid = cop_spawn_with(locks_and_does, chore, .other = other, .which = i);
                cop_ref ref = watch(pid);
                await_true(cop__load_seq(&is_inside));
                ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
                cop__store_seq(&may_go, 1);
                await_down(ref, "killed");
                ck_assert_msg(pthread_mutex_trylock(&mutex) == 0, "deed %u left it locked", (unsigned)i);
                pthread_mutex_unlock(&mutex);
        }
        put_down(other);
}
