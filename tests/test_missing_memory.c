/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory that is missing at one place which no loop comes to: who comes to the cue before it finds none for his next request.
 * What becomes of that is seen, and that afterwards it works.
 */
#define _GNU_SOURCE
#include "tests/failing_malloc.h"

#include <coppice/channel.h>
#include <coppice/event_manager.h>
#include <coppice/overload.h>
#include <coppice/select.h>
#include <coppice/supervisor.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include "shell/shell.h"
#include "tests/apart.h"
#include "tests/bare_pools.h"
#include "tests/cue.h"
#include "tests/lone_process.h"

/* A claim about requests that can be made to fail. */
#define WITHOUT_MEMORY(claim, ...)                                                      \
        static void without_memory_##claim(cop_node *node);                             \
        TEST(claim)                                                                     \
        {                                                                               \
                NEEDS_THREADS();                                                        \
                if (!failing_malloc_can())                                              \
                        return;                                                         \
                cop_node *node = node_begin((cop_node_options){ __VA_ARGS__ });         \
                without_memory_##claim(node);                                           \
                node_end(node);                                                         \
        }                                                                               \
        static void without_memory_##claim(__attribute__((unused)) cop_node *node)

static void expect_refusal(const char *cue)
{
        cue_act(cue, fail_malloc_here, NULL);
}

/* ---- The node's memory ------------------------------------------------------------------------ */

static void hoards(void)
{
        while (cop_alloc(16 << 10) != NULL)
                ;
        cop_sleep(COP_FOREVER);
}

static void nothing(void)
{
}

static bool is_told(bool over, int64_t ms)
{
        cop_auto alarm = cop_receive(ms, COP_KIND(cop_memory_alarm));
        return alarm != NULL && cop_read(cop_memory_alarm, alarm)->over == over;
}

/* New work, which looks whether there is something to be told. */
static bool is_refused(void)
{
        cop_pid pid;
        return cop_spawn_opt(&(cop_spawn_options){ .run = nothing }, &pid) == COP_E_OVERLOAD;
}

WITHOUT_MEMORY(an_alarm_that_found_no_memory_is_told_by_the_next_who_comes_by, .memory_limit = 8 << 20)
{
        cop_memory_use use;
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        expect_refusal("overload.alarm");
        cop_pid hoarder = cop_spawn(hoards);
        cue_await("overload.alarm");
        await_true(is_refused() && is_told(true, 0)); /* who came by while the alarm was being told did not tell it */
        ck_assert(is_refused());
        nothing_has_come();
        cop_memory(node, &use);
        ck_assert_uint_eq(use.alarms, 1);
        put_down(hoarder);
        ck_assert(is_told(false, PATIENCE_MS));
}

WITHOUT_MEMORY(who_cannot_be_told_that_the_node_is_over_does_not_subscribe, .memory_limit = 8 << 20)
{
        cop_memory_use use;
        cop_pid hoarder = cop_spawn(hoards);
        await_true((cop_memory(node, &use), use.alarms == 1));
        expect_refusal("overload.alarm");
        ck_assert_int_eq(cop_memory_subscribe(), COP_E_NO_MEMORY);
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        ck_assert(is_told(true, PATIENCE_MS));
        put_down(hoarder);
        ck_assert(is_told(false, PATIENCE_MS));
        nothing_has_come();
}

/* ---- A channel -------------------------------------------------------------------------------- */

COP_CHANNEL(add);

static add_channel full;

static void selects(const deed_order *order)
{
        for (int i = 0; i < 2; i++) {
                cop_case cases[] = { COP_CASE_PUT(full, add, .number = 2), COP_CASE_RECEIVE(COP_KIND(sum)) };
                int which = cop_select(PATIENCE_MS, cases);
                cop_send(order->pid, sum, .total = which == 0 ? (int64_t)cases[0].status : -1);
        }
}

/* It has tried, in vain, and has offered what it has. */
static void await_offer(cop_node *node, cop_pid selector)
{
        for (int i = 0; i < 2; i++) {
                await_true(is_waiting(node, selector));
                settle_with(full.pid);
        }
}

static int64_t next_total(void)
{
        cop_auto message = await(COP_KIND(sum));
        return cop_read(sum, message)->total;
}

static int64_t taken(void)
{
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, full, PATIENCE_MS, add), COP_OK);
        return cop_read(add, message)->number;
}

WITHOUT_MEMORY(an_offer_that_cannot_be_answered_fails_and_leaves_its_place_to_the_next, .workers = 0)
{
        cop_pid selector;
        ck_assert_int_eq(cop_channel_open(&full, add, 1), COP_OK);
        ck_assert_int_eq(cop_put(full, PATIENCE_MS, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(selects, deed_order, .pid = cop_self()) }, &selector),
                         COP_OK);
        await_offer(node, selector);
        expect_refusal("channel.grant");
        ck_assert_int_eq(taken(), 1);
        ck_assert_int_eq(next_total(), COP_E_NO_MEMORY);
        ck_assert(cue_has_come("channel.grant"));
        ck_assert_int_eq(next_total(), COP_OK);
        ck_assert_int_eq(taken(), 2);
        ck_assert_int_eq(cop_channel_close(full), COP_OK);
}

/* ---- A process -------------------------------------------------------------------------------- */

/* It has nothing rare yet, for which memory would be there. */
static void watches_with_priority(const deed_order *order)
{
        cop_ref ref;
        const cop_monitor_options options = { .priority = true };
        fail_malloc_here(NULL);
        cop_status first = cop_monitor_opt(order->pid, &options, &ref);
        cop_status second = cop_monitor_opt(order->pid, &options, &ref);
        cop_send(order->pid, add, .number = first);
        cop_send(order->pid, add, .number = second);
}

static int64_t next_number(void)
{
        cop_auto message = await(COP_KIND(add));
        return cop_read(add, message)->number;
}

WITHOUT_MEMORY(who_is_in_a_process_and_has_no_memory_to_consent_does_not_watch_with_priority, .processes = true)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(watches_with_priority, deed_order, .pid = cop_self()),
                                                             .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
        ck_assert_int_eq(next_number(), COP_E_NO_MEMORY);
        ck_assert_int_eq(next_number(), COP_OK);
}

/* A little more than its outpost hears at a time. */
#define POURED (COP__CROSSING_SLICE + 65536)
#define PIECE 4096

/* What this process and its actors' have in common. */
static struct {
        uint32_t may_pour, has_poured; /* atomic */
} *common;

__attribute__((constructor)) static void make_common(void)
{
        common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* All of it fits its socket. */
static void pours_and_waits(const deed_order *order)
{
        static const char text[PIECE];
        const int room = 1 << 20;
        for (int fd = 3; fd < 4096; fd++) /* what is no socket refuses */
                setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        cop_send(order->pid, add, .number = 0);
        cop_message_free(cop_receive(0, COP_KIND(note))); /* which says what there is to say */
        while (!cop__load_acquire(&common->may_pour))
                sched_yield();
        for (int64_t i = 0; i < POURED / PIECE; i++)
                cop_send(order->pid, note, .number = i, .text = { PIECE, text });
        cop__store_release(&common->has_poured, 1u);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static uint32_t is_held, may_go_on; /* atomic; of the only worker */

static void holds_worker(void)
{
        cop__store_release(&is_held, 1u);
        while (!cop__load_acquire(&may_go_on))
                sched_yield();
}

/* It waits in the system, so all that it has said has been written. */
static bool is_asleep(int64_t os_pid)
{
        char path[64], state = '?';
        snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)os_pid);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %c", &state), 1);
        fclose(file);
        return state == 'S';
}

/* All of it is there before the first of it is heard, so nothing that comes later is news: nobody stands in for the worker that is held. */
WITHOUT_MEMORY(what_a_process_has_said_is_heard_to_its_end_without_memory_for_the_news_of_more, .processes = true, .workers = 1,
               .no_spare_workers = true)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(pours_and_waits, deed_order, .pid = cop_self()),
                                                             .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
        ck_assert_int_eq(next_number(), 0);
        int64_t os_pid = os_pid_of(pid);
        cop_ref held = spawn_watched(.run = holds_worker, .no_preempt = true);
        await_true(cop__load_acquire(&is_held));
        cop__store_release(&common->may_pour, 1u);
        await_true(cop__load_acquire(&common->has_poured) && is_asleep(os_pid));
        expect_refusal("outpost.more");
        cop__store_release(&may_go_on, 1u);
        await_down(held, "normal");
        for (int64_t i = 0; i < POURED / PIECE; i++) {
                cop_auto message = await(COP_KIND(note));
                ck_assert_int_eq(cop_read(note, message)->number, i);
        }
        ck_assert(cue_has_come("outpost.more"));
        put_down(pid);
}

static void calls_who_is_full(const deed_order *order)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_call(NULL, order->pid, COP_FOREVER, add, .number = 2);
}

static void never_looks(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

/* What has crossed before is so large that its memory was given back: the next packet to the process needs some. */
WITHOUT_MEMORY(a_call_from_a_process_that_fails_without_memory_to_say_so_ends_its_actor, .processes = true)
{
        static const char text[1 << 18];
        cop_pid pid, brim;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = never_looks, .mailbox_limit = 1,
                                                             .mailbox_policy = COP_MAILBOX_REJECT }, &brim), COP_OK);
        ck_assert_int_eq(cop_send(brim, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send(brim, add, .number = 2), COP_E_FULL);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(calls_who_is_full, deed_order, .pid = brim),
                                                             .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
        cop_ref ref = watch(pid);
        expect_refusal("outpost_hear.fails");
        cop_send(pid, note, .text = { sizeof(text), text });
        await_down(ref, "{os_process, no_memory}");
        ck_assert(cue_has_come("outpost_hear.fails"));
        put_down(brim);
}

static void fail_malloc_from_here_on(void *unused)
{
        (void)unused;
        fail_malloc_after(1);
}

/* Answers with so much that the memory of its packets is given back, and then without any. */
static void answerer(void)
{
        static const char text[1 << 18];
        cop_message *asked = cop_receive(COP_FOREVER, COP_KIND(add));
        cop_answer(asked, note, .text = { sizeof(text), text });
        cop_message_free(asked);
        asked = cop_receive(COP_FOREVER, COP_KIND(add));
        cue_act("inside.exports", fail_malloc_from_here_on, NULL);
        cop_answer(asked, sum, .total = 1);
        cop_sleep(COP_FOREVER);
}

WITHOUT_MEMORY(an_answer_of_a_process_that_cannot_leave_it_without_memory_to_say_so_ends_its_actor, .processes = true)
{
        cop_pid pid = START_APART(.run = answerer);
        cop_ref ref = watch(pid);
        cop_auto first = NULL;
        ck_assert_int_eq(cop_call(&first, pid, PATIENCE_MS, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, add, .number = 2), COP_E_DIED);
        await_down(ref, "{os_process, {exit_status, 70}}");
}

/* Calls whoever has called it, and answers with the status of that. */
typedef struct echoer {
        int64_t heard;
} echoer;
COP_MESSAGE(echoer, heard);

static void echoer_on_note(echoer *self, const note *n)
{
        (void)self;
        (void)n;
        cop_status status = cop_call(NULL, cop_parent(), COP_FOREVER, add, .number = 1);
        cop_reply(sum, .total = status);
}

static void echoer_on_add(echoer *self, const add *a)
{
        self->heard += a->number;
}

COP_SERVER(echoer, COP_STATE(echoer), COP_ON(note, echoer_on_note), COP_ON(add, echoer_on_add));

/* If this thread loses its core before it has looked for a ring, the other call is there by then, and it is this one that closes it. */
static cop_status call_in_ring(cop_pid pid)
{
        cop_auto reply = NULL;
        cop_status status;
        while ((status = cop_call(&reply, pid, PATIENCE_MS, note, .number = 1)) == COP_E_CYCLE) {
                cop_auto asked = await(COP_KIND(add));
                cop_answer(asked, sum, .total = 0);
        }
        ck_assert_int_eq(status, COP_OK);
        return (cop_status)cop_read(sum, reply)->total;
}

WITHOUT_MEMORY(a_ring_through_a_process_that_cannot_be_told_of_it_is_broken_a_little_later, .processes = true)
{
        cop_pid pid = START_APART(.server = &echoer_server);
        ck_assert_int_eq(call_in_ring(pid), COP_E_CYCLE);
        expect_refusal("outpost.break_ring");
        ck_assert_int_eq(call_in_ring(pid), COP_E_CYCLE);
        ck_assert(cue_has_come("outpost.break_ring"));
        put_down(pid);
}

/* When no time can be set for that, something has to happen. */
static void stirs(const deed_order *order)
{
        while (!cue_has_come("outpost.look_later"))
                cop_yield();
        cop_send(order->pid, add, .number = 1);
}

WITHOUT_MEMORY(a_ring_for_which_not_even_a_time_can_be_set_is_broken_when_something_happens, .processes = true)
{
        cop_pid pid = START_APART(.server = &echoer_server);
        expect_refusal("outpost.break_ring");
        expect_refusal("outpost.look_later");
        cop_ref ref = spawn_watched(RUN_WITH(stirs, deed_order, .pid = pid));
        ck_assert_int_eq(call_in_ring(pid), COP_E_CYCLE);
        await_down(ref, "normal");
        put_down(pid);
}

/* Asks, and is asked in its terminate, of which it tells and in which it answers. */
typedef struct quitter {
        int64_t unused;
} quitter;
COP_MESSAGE(quitter, unused);

static void quitter_on_note(quitter *self, const note *n)
{
        cop_request request;
        (void)self;
        (void)n;
        if (cop_request_send(&request, "witness", add, .number = 5) == COP_OK)
                cop_request_await(request, COP_FOREVER, NULL);
}

static void quitter_terminate(quitter *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop_send("witness", quitter);
        cop_message *asked = cop_receive(COP_FOREVER, COP_KIND(add));
        cop_answer(asked, sum, .total = cop_read(add, asked)->number + 1);
        cop_message_free(asked);
}

COP_SERVER(quitter, COP_STATE(quitter), COP_ON(note, quitter_on_note), COP_TERMINATE(quitter_terminate));

static void quits(void *unused)
{
        (void)unused;
        cop_exit(cop_atom("no_more"));
}

/* As it would without memory for the wait. Who waits for nobody any more is in no ring. */
TEST(who_ends_in_the_middle_of_a_wait_in_a_process_may_be_called_in_his_terminate)
{
        cop_auto reply = NULL;
        NEEDS_THREADS();
        cue_act("inside.waits", quits, NULL); /* in the process, which has it from here */
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid pid = START_APART(.server = &quitter_server);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        ck_assert_int_eq(cop_send(pid, note, .number = 1), COP_OK);
        cop_auto asked = await(COP_KIND(add)); /* which is not answered */
        await_and_drop(COP_KIND(quitter));
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, add, .number = 7), COP_OK);
        ck_assert_int_eq(cop_read(sum, reply)->total, 8);
        await_down(ref, "no_more");
        node_end(node);
}

/* Its manager lives in a process, and has it no more; so that it does not stay for ever it goes with that. */
static void expect_end_with_manager(const char *cue)
{
        cue_act(cue, fail_malloc_here, NULL); /* in the process, which has it from here */
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        cop_pid manager = START_APART(.server = &cop_event_manager);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_add_handler(manager, .id = "adder", .server = &adder_server), COP_OK);
        ck_assert_int_eq(cop_call_handler(&reply, manager, "adder", PATIENCE_MS, add, .number = 1), COP_OK);
        cop_pid handler = cop_read(sum, reply)->self;
        cop_ref ref = watch(handler);
        ck_assert_int_eq(cop_delete_handler(manager, "adder", cop_nil(), NULL), COP_OK);
        settle_with(handler);
        ck_assert(cop_is_alive(handler));
        ck_assert_int_eq(cop_add_handler(manager, .id = "adder", .server = &adder_server), COP_OK);
        put_down(manager);
        await_down(ref, "killed");
        node_end(node);
}

TEST(a_handler_that_cannot_be_watched_from_a_process_ends_with_its_manager)
{
        NEEDS_THREADS();
        if (failing_malloc_can())
                expect_end_with_manager("event_manager.watches");
}

TEST(a_handler_that_cannot_be_told_to_end_from_a_process_ends_with_its_manager)
{
        NEEDS_THREADS();
        if (failing_malloc_can())
                expect_end_with_manager("event_manager.asks_to_end");
}

static void ends_at_once(void)
{
}

static int64_t its_failure; /* the request that fails */

static void lacks_memory_once(void)
{
        fail_malloc_for(its_failure, 1);
}

/* More requests than there are until it ends. */
#define TOO_MANY 2000

/* Else it ends as its actor does. Until it has often enough to believe that nothing fails on the way any more. */
TEST_WITHIN(a_process_without_memory_at_one_place_as_it_begins_says_so_and_ends, 120)
{
        int whole = 0, refused = 0;
        if (COP__TSAN || !failing_malloc_can())
                return;
        its_node = node_begin((cop_node_options){ .workers = 1 });
        its_prelude = lacks_memory_once;
        for (its_failure = 1; whole < 20; its_failure++) {
                ck_assert_int_lt(its_failure, TOO_MANY);
                struct verdict verdict = verdict_on_order(cop_self(), &(cop__order){ .run = (uint64_t)(uintptr_t)ends_at_once });
                bool has_ended = verdict.code == 0 && has_said(COP__PACKET_ENDED, 0);
                bool has_failed = verdict.code == 70 && strstr(verdict.report, "the process of an actor ") != NULL;
                ck_assert_msg(verdict.signal == 0 && (has_ended || has_failed), "%d: %d, %d: %s", (int)its_failure,
                              verdict.signal, verdict.code, verdict.report);
                whole = has_ended ? whole + 1 : 0;
                refused += has_failed;
        }
        ck_assert_int_gt(refused, 5);
        node_end(its_node);
}

/* ---- A supervisor ------------------------------------------------------------------------------ */

static void leaves_an_orphan(void)
{
        cop_pid pid;
        if (cop_spawn_opt(&(cop_spawn_options){ .server = &adder_server, .name = "adder", .link = true,
                                                .supervised = true }, &pid) != COP_OK)
                cop_exit(cop_atom("no_orphan"));
}

static const cop_supervisor adders = { .name = "adders", .children = (const cop_child[]){ { "adder", .server = &adder_server },
                                                                                          { .id = NULL } } };

static void grows(void)
{
        cop_pid pid;
        cop_status status = cop_supervise(&adders, &pid);
        cop_send("witness", add, .number = status);
        cop_send_term("witness", status == COP_OK ? cop_atom("grown") : cop_failure());
        cop_sleep(COP_FOREVER);
}

static const cop_supervisor shaky = { .name = "shaky",
                                      .children = (const cop_child[]){ { "adder", .server = &adder_server,
                                                                         .breaker = { .failures = 1, .open_ms = 3600000 } },
                                                                       { .id = NULL } } };

static void ends_the_adder(void)
{
        await_true(cop_whereis("adder").bits != 0);
        put_down(cop_whereis("adder"));
}

/* It is left without a process for that time, and cannot be if nothing would tell when that is over. */
WITHOUT_MEMORY(a_child_whose_breaker_cannot_be_timed_is_started_again_at_once_and_the_breaker_opens_the_next_time, .workers = 0)
{
        cop_pid root;
        cop_child_count count;
        ck_assert_int_eq(cop_supervise(&shaky, &root), COP_OK);
        expect_refusal("child.opens");
        ends_the_adder();
        cue_await("child.opens");
        await_true(cop_count_children(root, &count) == COP_OK && count.active == 1);
        cop_pid second = cop_whereis("adder");
        ends_the_adder();
        await_true(cop_count_children(root, &count) == COP_OK && count.active == 0);
        ck_assert(!cop_is_alive(second));
        ck_assert_uint_eq(cop_whereis("adder").bits, 0);
        put_down(root);
}

/* ---- The shell -------------------------------------------------------------------------------------- */

WITHOUT_MEMORY(a_list_of_those_who_are_stuck_for_which_there_is_no_memory_is_refused_and_the_next_one_is_there, .workers = 0)
{
        struct cop__shell shell;
        cop__shell_init(&shell, node);
        expect_refusal("stuck.looks");
        ck_assert(!cop__shell_run(&shell, "stuck", 5));
        ck_assert(cue_has_come("stuck.looks"));
        ck_assert_msg(strstr(cop__text_get(&shell.err), "the node has no memory left for the list") != NULL, "%s",
                      cop__text_get(&shell.err));
        ck_assert(cop__shell_run(&shell, "stuck", 5));
        cop__shell_fini(&shell);
}

/* The next time it waits, for as long as the one before may take to stop. */
WITHOUT_MEMORY(a_supervisor_without_memory_to_wait_for_a_name_says_who_has_it, .workers = 0)
{
        char wanted[128];
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        await_down(spawn_watched(.run = leaves_an_orphan), "normal");
        cop_pid orphan = cop_whereis("adder");
        expect_refusal("child.waits_for_name");
        cop_pid grower = cop_spawn(grows);
        ck_assert_int_eq(next_number(), COP_E_DIED);
        cop_auto why = await(COP_KIND(cop_any));
        snprintf(wanted, sizeof(wanted), "{already_started, %s}", cop_pid_print(orphan, (char[COP_ID_TEXT_MAX]){ "" }));
        ck_assert_msg(strstr(text_of(cop_read(cop_any, why)->term), wanted) != NULL, "%s", text_of(cop_read(cop_any, why)->term));
        put_down(grower);
        cop_pid another = cop_spawn(grows);
        await_true(cop_whereis("adders").bits != 0 && cop_is_alive(orphan));
        put_down(orphan);
        ck_assert_int_eq(next_number(), COP_OK);
        put_down(another);
}
