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

static void looks_for_mail(cop_pid other)
{
        (void)other;
        cop_message_free(cop_receive(0, COP_KIND(letter)));
}

static void demonitors(cop_pid other)
{
        cop_demonitor_flush(watch(other));
}

static void polls(cop_pid other)
{
        cop_request request;
        cop_requests *set = cop_requests_new();
        cop_response response;
        ck_assert_int_eq(cop_request_send(&request, other, letter, 1), COP_OK);
        ck_assert_int_eq(cop_request_poll(request, NULL), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_requests_add(set, request, 1), COP_OK);
        ck_assert_int_eq(cop_requests_poll(set, &response), COP_E_TIMEOUT);
        cop_requests_free(set);
}

static void marks(cop_pid other)
{
        (void)other;
        ck_assert_int_eq(cop_mailbox_marks(10, 5), COP_OK);
}

static cop_task task; /* of who is in the section */

static void looks_at_its_task(cop_pid other)
{
        cop_message *result = NULL;
        (void)other;
        ck_assert_int_eq(cop_task_yield(&result, task, 0), COP_E_TIMEOUT);
}

static void (*const deeds[])(cop_pid other) = { sends,          cancels, monitors, cop_unlink, spends_a_turn,
                                                looks_for_mail, demonitors, polls, marks, looks_at_its_task };

static cop_task start_task(void)
{
        cop_task started = { { 0 }, { 0 }, { 0 } };
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = sleeps }, &started), COP_OK);
        return started;
}

static void locks_and_does(const chore *c)
{
        task = start_task();
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

/* Told to end as it is in there, it ends behind it. */
static void each_deed_is_done(cop_pid other)
{
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

IN_NODE_WITH(who_is_in_a_section_is_not_ended_by_what_it_asks_for, .workers = 2)
{
        NEEDS_THREADS();
        each_deed_is_done(cop_spawn(sleeps));
}

/* Outside a section who sends to it, or links to it, pauses, and may be ended then. */
IN_NODE_WITH(who_is_in_a_section_is_not_held_back_by_one_that_is_behind, .workers = 2)
{
        NEEDS_THREADS();
        cop_pid other = cop_spawn(sleeps);
        while (cop__load_relaxed(&cop__slot_of(node, other)->pressed) < COP__PRESSURE_HIGH)
                cop_send(other, letter, .number = 0);
        each_deed_is_done(other);
}

/* ---- Who looks there --------------------------------------------------------------------------- */

static cop_alias way; /* released by is_inside */
static int64_t found_first;

static void looks_inside(void)
{
        if (cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &way) != COP_OK)
                return;
        COP_NO_PREEMPT {
                cop__store_seq(&is_inside, 1);
                while (!cop__load_seq(&may_go))
                        sched_yield();
                cop_auto message = cop_receive(0, COP_KIND(letter));
                found_first = message != NULL ? cop_read(letter, message)->number : 0;
        }
}

IN_NODE_WITH(who_looks_in_a_section_finds_what_has_priority_first, .workers = 2)
{
        NEEDS_THREADS();
        cop__store_seq(&is_inside, 0);
        cop__store_seq(&may_go, 0);
        cop_pid pid = cop_spawn(looks_inside);
        cop_ref ref = watch(pid);
        await_true(cop__load_seq(&is_inside));
        ck_assert_int_eq(cop_send(pid, letter, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send_priority(way, letter, .number = 2), COP_OK);
        cop__store_seq(&may_go, 1);
        await_down(ref, "normal");
        ck_assert_int_eq(found_first, 2);
}

/* ---- Who waits there --------------------------------------------------------------------------- */

static void receives(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
}

static void awaits_a_request(void)
{
        cop_request request;
        if (cop_request_send(&request, cop_parent(), letter, 1) == COP_OK)
                cop_request_await(request, COP_FOREVER, NULL);
}

static void awaits_one_of_a_set(void)
{
        cop_request request;
        cop_response response;
        cop_requests *set = cop_requests_new();
        if (cop_request_send(&request, cop_parent(), letter, 1) == COP_OK && cop_requests_add(set, request, 1) == COP_OK)
                cop_requests_await(set, COP_FOREVER, &response);
}

static void (*const waits[])(void) = { receives, awaits_a_request, awaits_one_of_a_set };

static void waits_inside(const chore *c)
{
        COP_NO_PREEMPT {
                cop__store_seq(&is_inside, 1);
                while (c->other.bits != 0 && !cop__load_seq(&may_go))
                        sched_yield();
                waits[c->which]();
                cop__store_seq(&is_inside, 2);
        }
}

/* Also if it has been told before it waits. */
IN_NODE_WITH(who_waits_in_a_section_is_ended_there, .workers = 2)
{
        NEEDS_THREADS();
        for (uint32_t i = 0; i < 2 * COP__COUNT(waits); i++) {
                cop__store_seq(&is_inside, 0);
                cop__store_seq(&may_go, 0);
                cop_pid pid = cop_spawn_with(waits_inside, chore, .other = { i % 2 }, .which = i / 2);
                cop_ref ref = watch(pid);
                await_true(cop__load_seq(&is_inside));
                await_true(i % 2 != 0 || is_waiting(node, pid));
                ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
                cop__store_seq(&may_go, 1);
                await_down(ref, "killed");
                ck_assert_uint_eq(cop__load_seq(&is_inside), 1);
        }
}
