/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that have left something in the middle and go on: in their terminate, or because what they were at is not what they are.
 * What they had begun is over, and they may do the same again.
 */
#include <coppice/channel.h>
#include <coppice/own.h>
#include <coppice/request.h>
#include <coppice/select.h>
#include <coppice/sys.h>
#include <coppice/task.h>
#include <coppice/task_stream.h>

#include <fcntl.h>

#include "actors/relation.h"
#include "actors/report.h"
#include "tests/apart.h"
#include "tests/echo.h"

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct told {
        int64_t status;
} told;
COP_MESSAGE(told, status);

static cop_pid witness;

static void tell(cop_status status)
{
        cop_send(witness, told, .status = status);
}

static int64_t what_it_told(void)
{
        cop_auto message = await(COP_KIND(told));
        return cop_read(told, message)->status;
}

/* It leaves what it is told to do, and then ends in its own way; `at_end` may be NULL. */
static void (*to_leave)(void);
static void (*at_end)(void);

typedef struct leaver {
        int64_t unused;
} leaver;

static void leaver_on_go(leaver *self, const go *g)
{
        (void)self;
        (void)g;
        to_leave();
}

static void leaver_on_end(leaver *self, cop_term reason)
{
        (void)self;
        (void)reason;
        at_end();
}

COP_SERVER(leaver, COP_ON(go, leaver_on_go), COP_TERMINATE(leaver_on_end));

static cop_pid leaver_with(void (*leaves)(void), void (*ends)(void))
{
        witness = cop_self();
        to_leave = leaves;
        at_end = ends;
        return cop_spawn_server(&leaver_server, NULL);
}

static void leaves_and_tells(void (*leaves)(void), void (*ends)(void), cop_status status)
{
        cop_pid pid = leaver_with(leaves, ends);
        cop_ref ref = watch(pid);
        cop_send(pid, go);
        ck_assert_int_eq(what_it_told(), status);
        await_and_drop(COP_REF(cop_down, ref));
}

/* ---- Its caller's time -------------------------------------------------------------------- */

static unsigned has_begun; /* atomic */

/* Until its caller waits no more. */
static void outlives_its_caller(void)
{
        cop__store_release(&has_begun, 1);
        while (cop_time_left() > 0)
                cop_sleep(1);
        cop_exit(cop_atom("too_late"));
}

static void asks_at_its_end(void)
{
        cop_auto reply = NULL;
        cop_pid pid = cop_spawn(echoes);
        tell(cop_call(&reply, pid, PATIENCE_MS, ping, .number = 1));
        cop_send_exit(pid, cop_atom("kill"));
}

IN_NODE(who_ends_over_a_call_whose_caller_has_gone_has_time_of_its_own)
{
        cop_auto reply = NULL;
        cop_pid pid = leaver_with(outlives_its_caller, asks_at_its_end);
        /* One that comes when nobody waits for it any more is not handled. */
        for (int64_t patience_ms = 1; !cop__load_acquire(&has_begun); patience_ms *= 2)
                ck_assert_int_ne(cop_call(&reply, pid, patience_ms, go), COP_OK);
        ck_assert_int_eq(what_it_told(), COP_OK);
}

/* ---- Tasks --------------------------------------------------------------------------------- */

static cop_task two[2];

static void gives_when_told(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_reply(told, .status = COP_OK);
}

static void awaits_too_short(void)
{
        cop_message *results[2];
        for (int i = 0; i < 2; i++)
                two[i] = cop_task_start_or_exit(&(cop_task_options){ .run = gives_when_told, .nolink = true });
        cop_task_await_many(results, two, 2, 1);
}

static void awaits_again(void)
{
        cop_message *results[2];
        for (int i = 0; i < 2; i++)
                cop_send(two[i].pid, go);
        tell(cop_task_await_many(results, two, 2, PATIENCE_MS));
}

IN_NODE(tasks_that_were_awaited_in_vain_are_awaited_again_by_a_terminate)
{
        leaves_and_tells(awaits_too_short, awaits_again, COP_OK);
}

static cop_task_stream *stream;

static bool leaves_at_once(int *unused, go *item)
{
        (void)unused;
        (void)item;
        cop_exit(cop_atom("no_more"));
}

static void takes_no_item(const go *item)
{
        (void)item;
}

static void asks_a_stream(void)
{
        const cop_task_stream_options options = { COP_STREAM(takes_no_item, go, leaves_at_once, (int *)NULL) };
        cop_streamed one;
        if (cop_task_stream_open(&options, &stream) == COP_OK)
                cop_task_stream_next(stream, &one);
}

static void closes_the_stream(void)
{
        tell(cop_task_stream_close(stream));
}

IN_NODE(a_stream_whose_sequence_has_left_is_closed_by_a_terminate)
{
        leaves_and_tells(asks_a_stream, closes_the_stream, COP_OK);
}

/* ---- A select ------------------------------------------------------------------------------- */

/* It puts every answer off: to the look whether there is something, and then to the wait for it. Then something else comes. */
static void defers(void)
{
        for (int asked = 1;; asked++) {
                cop_message *message = cop_receive(COP_FOREVER, COP_ANY);
                cop_caller caller = cop_caller_of(message);
                cop_message_free(message);
                if (caller.ref.bits == 0) /* no question */
                        asked--;
                else if (asked % 2 == 0)
                        cop_send(caller.pid, told, .status = COP_OK);
        }
}

COP_CHANNEL(go);

IN_NODE(a_select_takes_back_what_it_had_of_who_puts_answers_off)
{
        const go_channel no_channel = { cop_spawn(defers) };
        uint32_t before = cop__actor_here()->relation_count;
        cop_case cases[] = { COP_CASE_TAKE(no_channel, go), COP_CASE_RECEIVE(COP_KIND(told)) };
        ck_assert_int_eq(cop_select(COP_FOREVER, cases), 1);
        cop_message_free(cases[1].message);
        ck_assert_uint_eq(cop__actor_here()->relation_count, before);
        put_down(no_channel.pid);
}

/* ---- An upgrade ----------------------------------------------------------------------------- */

typedef struct former {
        int64_t n;
} former;
COP_MESSAGE(former, n);

typedef struct latter {
        int64_t n;
} latter;

static uint32_t upgrading, may_go; /* atomic: it is there; it may go on */
static uint32_t calls_to_take = 1; /* atomic */

static void former_on_go(former *self, const go *g)
{
        (void)self;
        (void)g;
        cop_reply(told, .status = COP_OK);
}

static void latter_on_go(latter *self, const go *g)
{
        (void)self;
        (void)g;
}

/* Takes a call or more, and then does not come to an end. */
static bool latter_from(latter *fresh, const former *before)
{
        (void)before;
        cop__store_release(&upgrading, 1);
        for (uint32_t left = cop__load_acquire(&calls_to_take); left > 0; left--)
                fresh->n += cop_receive(COP_FOREVER, COP_KIND(ping)) != NULL;
        cop_exit(cop_atom("no"));
}

COP_SERVER(former, COP_ON(go, former_on_go), COP_STATE(former));
COP_SERVER(latter, COP_ON(go, latter_on_go), COP_UPGRADE(former, latter_from));

typedef struct subject {
        cop_pid pid;
} subject;
COP_MESSAGE(subject, pid);

static void upgrades(const subject *s)
{
        tell(cop_upgrade(s->pid, &latter_server, PATIENCE_MS));
}

static cop_pid begin_upgrade(const cop_spawn_options *options)
{
        cop_pid pid, upgrader;
        cop__store_relaxed(&upgrading, 0);
        witness = cop_self();
        ck_assert_int_eq(cop_spawn_opt(options, &pid), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(upgrades, subject, .pid = pid) }, &upgrader), COP_OK);
        await_true(cop__load_acquire(&upgrading) && is_waiting(cop_node_here(), pid));
        return pid;
}

IN_NODE(who_is_received_by_an_upgrade_that_fails_is_told)
{
        cop_auto reply = NULL;
        cop_auto answer = NULL;
        cop_pid pid = begin_upgrade(&(cop_spawn_options){ .server = &former_server });
        ck_assert_int_eq(cop_call(&reply, pid, COP_FOREVER, ping, .number = 1), COP_E_NO_REPLY);
        ck_assert_int_eq(what_it_told(), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_call(&answer, pid, PATIENCE_MS, go), COP_OK);
        put_down(pid);
}

IN_NODE(all_who_are_received_by_an_upgrade_that_fails_are_told)
{
        cop_request requests[3];
        cop_auto answer = NULL;
        cop__store_release(&calls_to_take, (uint32_t)COP__COUNT(requests));
        cop_pid pid = begin_upgrade(&(cop_spawn_options){ .server = &former_server });
        for (size_t i = 0; i < COP__COUNT(requests); i++)
                ck_assert_int_eq(cop_request_send(&requests[i], pid, ping, .number = 1), COP_OK);
        for (size_t i = 0; i < COP__COUNT(requests); i++) {
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_request_await(requests[i], PATIENCE_MS, &reply), COP_E_NO_REPLY);
        }
        ck_assert_int_eq(what_it_told(), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_call(&answer, pid, PATIENCE_MS, go), COP_OK);
        put_down(pid);
        cop__store_release(&calls_to_take, 1u);
}

IN_NODE(an_overflow_during_an_upgrade_is_reported)
{
        struct cop__report report;
        NEEDS_THREADS();
        cop_pid pid = begin_upgrade(&(cop_spawn_options){ .server = &former_server, .mailbox_limit = 4,
                                                          .mailbox_policy = COP_MAILBOX_STOP });
        cop_ref ref = watch(pid);
        for (int i = 0; i < 8; i++)
                cop_send(pid, go);
        await_and_drop(COP_REF(cop_down, ref));
        await_true(cop__report_of(node, pid, &report));
        await_and_drop(COP_KIND(told));
}

/* ---- Where it is ----------------------------------------------------------------------------- */

static void leaves(void)
{
        cop_exit(cop_atom("left"));
}

static void stays(void)
{
        cop__store_release(&upgrading, 1);
        while (!cop__load_acquire(&may_go))
                cop__spin_pause();
}

IN_NODE(who_is_in_its_terminate_is_seen_there)
{
        NEEDS_THREADS();
        cop__store_relaxed(&may_go, 0);
        cop__store_relaxed(&upgrading, 0);
        cop_pid pid = leaver_with(leaves, stays);
        cop_ref ref = watch(pid);
        cop_send(pid, go);
        await_true(cop__load_acquire(&upgrading));
        ck_assert_ptr_eq(cop__load_relaxed(&cop__slot_of(node, pid)->where), (const void *)(uintptr_t)cop__leaver_terminate);
        cop__store_release(&may_go, 1);
        await_down(ref, "left");
}

/* ---- In a process ---------------------------------------------------------------------------- */

static char trace[] = "/tmp/coppice-left-XXXXXX";

static void leaves_a_trace(void *thing)
{
        (void)thing;
        if (unlink(trace) != 0)
                _exit(9);
}

static void owns_and_leaves(void)
{
        static int thing;
        if (cop_own("thing", leaves_a_trace, &thing) == COP_OK)
                cop_exit(cop_atom("left"));
}

static void ends_plainly(void)
{
}

/* What the process knows is what there was before the node began. */
TEST(what_is_owned_in_a_process_ends_with_its_actor)
{
        cop_pid pid;
        NEEDS_THREADS();
        int file = mkstemp(trace);
        ck_assert_int_ge(file, 0);
        close(file);
        to_leave = owns_and_leaves;
        at_end = ends_plainly;
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &leaver_server, .isolation = COP_ISOLATION_PROCESS }, PATIENCE_MS,
                                   &pid), COP_OK);
        cop_ref ref = watch(pid);
        cop_send(pid, go);
        await_down(ref, "left");
        ck_assert_int_eq(access(trace, F_OK), -1);
        node_end(node);
}
