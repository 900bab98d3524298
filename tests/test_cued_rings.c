/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Rings of callers that change, or cannot be written down, while somebody looks at them. Their edges are drawn by the claims. */
#include "tests/failing_malloc.h"

#include <coppice/request.h>
#include <coppice/task.h>

#include "actors/calling.h"
#include "actors/neighbours.h"
#include "tests/cue.h"
#include "tests/node_fixture.h"

typedef struct { int64_t unused; } go;
COP_MESSAGE(go, unused);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* As if it called that one. */
static void draw_edge(cop_node *node, cop_pid from, cop_pid to)
{
        cop__calling_wait_for(cop__calling_of(node, from), cop_ref_new(), to);
}

static void rub_out(cop_node *node, cop_pid from)
{
        cop__calling_end(cop__calling_of(node, from));
}

/* From the claim's thread through all of them and back to it; all but that sleep. */
static void draw_ring(cop_node *node, const cop_pid *pids, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                await_true(is_waiting(node, pids[i]));
                draw_edge(node, i > 0 ? pids[i - 1] : cop_self(), pids[i]);
        }
        draw_edge(node, pids[count - 1], cop_self());
}

static enum cop__ring look(void)
{
        struct cop__actor *self = cop__actor_here();
        return cop__ring_look_far(self, cop__calling_own(self));
}

static void spawn_all(cop_pid *pids, size_t count)
{
        for (size_t i = 0; i < count; i++)
                pids[i] = cop_spawn(waits);
}

static void end_all(cop_node *node, const cop_pid *pids, size_t count)
{
        rub_out(node, cop_self());
        for (size_t i = 0; i < count; i++) {
                rub_out(node, pids[i]);
                put_down(pids[i]);
        }
}

/* ---- Looking ----------------------------------------------------------------------------------- */

typedef struct {
        cop_node *node;
        cop_pid answered;
} answer;

static void is_answered(void *memory)
{
        const answer *a = memory;
        rub_out(a->node, a->answered);
}

IN_NODE(a_ring_in_which_somebody_is_answered_as_it_is_looked_at_is_none)
{
        cop_pid pids[2];
        spawn_all(pids, 2);
        draw_ring(node, pids, 2);
        answer a = { node, pids[1] };
        cue_act("ring.is_there", is_answered, &a);
        ck_assert_int_eq(look(), COP__RING_UNSETTLED);
        ck_assert(cue_has_come("ring.is_there"));
        ck_assert_int_eq(look(), COP__RING_NONE);
        draw_edge(node, pids[1], cop_self());
        ck_assert_int_eq(look(), COP__RING_CLOSED);
        end_all(node, pids, 2);
}

/* Nobody in it is this one, who waits for one of them; it is longer than half of the slots, so that no mark is passed twice. */
IN_NODE(a_ring_of_others_for_one_of_whom_one_waits_is_none)
{
        cop_pid pids[64];
        size_t count = 0;
        while (count <= cop__load_acquire(&node->slots.used) / 2) {
                ck_assert_uint_lt(count, COP__COUNT(pids));
                spawn_all(&pids[count++], 1);
        }
        draw_ring(node, pids, count);
        draw_edge(node, pids[count - 1], pids[0]);
        ck_assert_int_eq(look(), COP__RING_NONE);
        draw_edge(node, pids[count - 1], cop_self());
        ck_assert_int_eq(look(), COP__RING_CLOSED);
        end_all(node, pids, count);
}

enum { MANY = 20 }; /* more than are written down without asking for memory */

IN_NODE(a_long_ring_for_which_there_is_no_memory_is_found_when_there_is_some)
{
        cop_pid pids[MANY];
        if (!failing_malloc_can())
                return;
        spawn_all(pids, MANY);
        draw_ring(node, pids, MANY);
        fail_malloc_after(1);
        enum cop__ring without = look();
        ck_assert(stop_failing_malloc());
        ck_assert_int_eq(without, COP__RING_UNSETTLED);
        ck_assert_int_eq(look(), COP__RING_CLOSED);
        end_all(node, pids, MANY);
}

typedef struct {
        cop_pid teller;
} looker;
COP_MESSAGE(looker, teller);

typedef struct {
        int64_t status;
        cop_pid task;
        cop_term reason;
} seen;
COP_MESSAGE(seen, status, task, reason);

static void answers_when_told(const go *unused)
{
        (void)unused;
        waits();
        cop_reply(go, .unused = 7);
}

/* In its init it looks at a task that it has in a set as well; then it takes from the set what that answers. */
static void looks_in_its_init(const looker *l)
{
        cop_message *result = NULL;
        cop_task task = cop_task_async(answers_when_told, go, .unused = 0);
        cop_requests *set = cop_requests_new();
        ck_assert_int_eq(cop_requests_add(set, (cop_request){ task.ref }, 5), COP_OK);
        cop_send(l->teller, seen, .task = task.pid);
        cop_status status = cop_task_yield(&result, task, COP_FOREVER);
        cop_send(l->teller, seen, .status = status, .task = task.pid, .reason = cop_failure());
        cop_response response;
        status = cop_requests_await(set, PATIENCE_MS, &response);
        bool is_it = status == COP_OK && response.label == 5 && response.status == COP_OK;
        cop_send(l->teller, seen, .status = is_it ? cop_read(go, response.message)->unused : -1, .task = task.pid);
        if (is_it)
                cop_message_free(response.message);
        cop_requests_free(set);
}

static cop_pid await_seen(int64_t status, const char *reason)
{
        cop_auto message = await(COP_KIND(seen));
        ck_assert_int_eq(cop_read(seen, message)->status, status);
        ck_assert(reason == NULL || cop_is_tuple(cop_read(seen, message)->reason, reason, 2));
        return cop_read(seen, message)->task;
}

/* It waits for no answer, but for a start: so the first of the others who waits for one is told that there will be none. */
IN_NODE(a_look_at_a_task_fails_with_a_ring_that_is_closed_somewhere_else_and_the_request_goes_on)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(looks_in_its_init, looker, .teller = cop_self()),
                                                             .init_ack = true }, &pid), COP_OK);
        cop_pid task = await_seen(0, NULL);
        await_true(is_waiting(node, pid) && is_waiting(node, task));
        draw_edge(node, task, cop_self());
        cop__calling_wait_for_start(cop__calling_of(node, cop_self()), cop_ref_new(), pid);
        ck_assert_int_eq(look(), COP__RING_NONE); /* any more */
        await_seen(COP_E_CYCLE, "calling_cycle");
        rub_out(node, task);
        rub_out(node, cop_self());
        cop_send(task, go);
        await_seen(7, NULL);
}

/* ---- Printing ------------------------------------------------------------------------------------ */

static const char *printed(cop_node *node, cop_pid pid)
{
        static char line[512];
        struct cop__text text;
        cop__text_init_fixed(&text, line, sizeof(line));
        cop__ring_print(node, pid, &text);
        return cop__text_get(&text);
}

static const char *waits_for(cop_pid pid, const char *next)
{
        static char text[128];
        char shown[COP_ID_TEXT_MAX];
        snprintf(text, sizeof(text), "%s, who waits for %s", cop_pid_print(pid, shown), next);
        return text;
}

IN_NODE(a_ring_is_told_up_to_its_first_member_and_a_long_way_of_callers_in_part)
{
        cop_pid pids[MANY];
        spawn_all(pids, MANY);
        ck_assert_str_eq(printed(node, pids[0]), "");
        draw_edge(node, pids[0], pids[1]);
        draw_edge(node, pids[1], pids[0]);
        ck_assert_str_eq(printed(node, pids[0]), waits_for(pids[1], "the first"));
        for (size_t i = 1; i + 1 < MANY; i++)
                draw_edge(node, pids[i], pids[i + 1]);
        const char *text = printed(node, pids[0]);
        ck_assert_ptr_nonnull(strstr(text, waits_for(pids[COP__NEIGHBOURS_SHOWN], "others")));
        end_all(node, pids, MANY);
}

IN_NODE(the_way_of_callers_ends_at_one_who_has_ended_though_its_slot_still_says_whom_it_called)
{
        cop_pid pids[2];
        char shown[COP_ID_TEXT_MAX], text[64];
        spawn_all(pids, 2);
        put_down(pids[1]);
        draw_edge(node, pids[1], pids[0]);
        draw_edge(node, pids[0], pids[1]);
        snprintf(text, sizeof(text), "%s (ended)", cop_pid_print(pids[1], shown));
        ck_assert_str_eq(printed(node, pids[0]), text);
        rub_out(node, pids[1]);
        rub_out(node, pids[0]);
        put_down(pids[0]);
}

/* ---- Waits for a start -------------------------------------------------------------------------------- */

/* Without its rare half its edge would stay behind if it were killed. */
IN_NODE(who_has_no_memory_to_wait_for_a_start_looks_again_in_a_moment)
{
        cop_pid p = cop_spawn(waits);
        struct cop__actor *self = cop__actor_here();
        ck_assert_ptr_null(self->rare);
        if (!failing_malloc_can())
                return;
        fail_malloc_after(1);
        int64_t without = cop__calling_start_wait(self, cop_ref_new(), p);
        bool failed = stop_failing_malloc();
        ck_assert(failed);
        ck_assert_int_eq(without, 1);
        ck_assert_uint_eq(cop__load_relaxed(&cop__calling_own(self)->waits), 0);
        ck_assert_int_eq(cop__calling_start_wait(self, cop_ref_new(), p), COP_FOREVER);
        cop__calling_end(cop__calling_own(self));
        put_down(p);
}
