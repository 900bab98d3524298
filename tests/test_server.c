/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The life of a server: continuations, the time without a message, its end, its report, and its successor. */
#include <stdio.h>
#include <string.h>

#include "tests/node_fixture.h"

/* What a clerk does; it tells its parent of each step in words. */
enum deed {
        SAY = 1,
        CONTINUE,       /* asks for the continuation */
        CONTINUE_TWICE, /* of which the first waits for a go and asks for another */
        CONTINUE_EXIT,  /* and exits there */
        CONTINUE_WITH,  /* pages 1 and 9; a page below number asks for the next */
        IDLE,           /* after number ms */
        IDLE_AGAIN,     /* and from then on after each time that it has been idle */
        EXIT,           /* with the reason */
        FAULT,
        TRAP,
        BLOCK,          /* until it gets a go */
        LINK,           /* to the pid */
        REPLY,
        REDACT,         /* its report hides what it has */
        FAIL_TO_FORMAT, /* its COP_FORMAT_STATUS exits, number 2: faults */
};

typedef struct order {
        int64_t deed, number;
        cop_pid pid;
        cop_term reason;
} order;
COP_MESSAGE(order, deed, number, pid, reason);

typedef struct word {
        cop_text text;
} word;
COP_MESSAGE(word, text);

typedef struct page {
        int64_t number;
} page;
COP_MESSAGE(page, number);

typedef struct answer {
        int64_t number;
} answer;
COP_MESSAGE(answer, number);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct unknown {
        int64_t unused;
} unknown;
COP_MESSAGE(unknown, unused);

typedef struct clerk {
        int64_t orders, next, format;
        bool idles_again;
        cop_text secret;
} clerk;
COP_MESSAGE(clerk, orders, next, format, idles_again, secret);

static void say(const char *text)
{
        cop_send(cop_parent(), word, .text = cop_text_of(text));
}

static void hear(const char *text)
{
        cop_auto message = await(COP_KIND(word));
        ck_assert_str_eq(cop_read(word, message)->text.data, text);
}

static void fault(void)
{
        int *volatile nobody = NULL;
        *nobody = 1;
}

static void clerk_init(clerk *self, const order *o)
{
        self->secret = cop_text_of("hunter2");
        say("init");
        if (o->deed == CONTINUE) {
                cop_send(cop_self(), order, .deed = SAY);
                cop_continue();
        }
        if (o->deed == CONTINUE_TWICE) {
                cop_send(cop_self(), order, .deed = SAY);
                self->next = CONTINUE;
                cop_continue();
        }
        if (o->deed == CONTINUE_EXIT) {
                self->next = CONTINUE_EXIT;
                cop_continue();
        }
        if (o->deed == IDLE)
                cop_idle_after(o->number);
}

static void clerk_continues(clerk *self)
{
        int64_t next = self->next;
        self->next = 0;
        say(next == 0 ? "continue" : "first continue");
        if (next == CONTINUE) {
                await_and_drop(COP_KIND(go));
                cop_continue();
        }
        if (next == CONTINUE_EXIT)
                cop_exit(cop_atom("done"));
}

static void clerk_on_page(clerk *self, const page *p)
{
        char text[32];
        snprintf(text, sizeof(text), "page %d", (int)p->number);
        say(text);
        if (p->number < self->next)
                cop_continue_with(page, .number = p->number + 1);
}

static void clerk_on_order(clerk *self, const order *o)
{
        self->orders++;
        switch (o->deed) {
        case SAY:
                say("order");
                return;
        case CONTINUE:
                cop_continue();
                return;
        case CONTINUE_WITH:
                self->next = o->number;
                cop_continue_with(page, .number = 1);
                cop_continue_with(page, .number = 9);
                return;
        case IDLE_AGAIN:
                self->idles_again = true;
                cop_idle_after(o->number);
                return;
        case IDLE:
                cop_idle_after(o->number);
                return;
        case EXIT:
                cop_exit(o->reason);
        case FAULT:
                fault();
                return;
        case TRAP:
                cop_trap_exit(true);
                return;
        case BLOCK:
                say("blocked");
                await_and_drop(COP_KIND(go));
                return;
        case LINK:
                cop_link(o->pid);
                return;
        case FAIL_TO_FORMAT:
                self->format = o->number;
                return;
        default:
                cop_reply(answer, .number = self->orders);
        }
}

static void clerk_idles(clerk *self)
{
        say("idle");
        if (self->idles_again)
                cop_idle_after(1);
}

static void clerk_on_exited(clerk *self, const cop_exited *e)
{
        (void)self;
        cop_send(cop_parent(), word, .text = cop_text_of(text_of(e->reason)));
}

static void clerk_terminate(clerk *self, cop_term reason)
{
        (void)self;
        char text[64];
        snprintf(text, sizeof(text), "terminate %s", text_of(reason));
        say(text);
}

static void clerk_format(const clerk *self, clerk *shown)
{
        if (self->format == 1)
                cop_exit(cop_atom("no_taste"));
        if (self->format == 2)
                fault();
        shown->secret = cop_text_of("(hidden)");
}

COP_SERVER(clerk, COP_INIT_WITH(order, clerk_init), COP_ON(order, clerk_on_order),
           COP_ON(cop_exited, clerk_on_exited), COP_CONTINUE(clerk_continues),
           COP_CONTINUE_WITH(page, clerk_on_page), COP_IDLE(clerk_idles),
           COP_TERMINATE(clerk_terminate), COP_STATE(clerk), COP_FORMAT_STATUS(clerk_format));

#define CLERK(deed_, ...)                                                          \
        ((cop_spawn_options){ .server = &clerk_server, .kind = COP_KIND_OF(order), \
                              .argument = &(order){ .deed = (deed_), __VA_ARGS__ } })

static cop_pid start_clerk(cop_spawn_options options)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_OK);
        hear("init");
        return pid;
}

static cop_pid new_clerk(void)
{
        return start_clerk(CLERK(SAY));
}

static int64_t call(cop_pid to)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, to, PATIENCE_MS, order, .deed = REPLY), COP_OK);
        return cop_read(answer, reply)->number;
}

/* ---- Its init --------------------------------------------------------------------------- */

/* Waits for a go in its init; then it counts pages and passes them on. */
typedef struct novice {
        int64_t pages;
} novice;

static void novice_init(novice *self, const order *o)
{
        (void)self;
        say("in init");
        await_and_drop(COP_KIND(go));
        if (o->deed == EXIT)
                cop_exit(o->reason);
}

static void novice_on_page(novice *self, const page *p)
{
        self->pages++;
        cop_send(cop_parent(), page, .number = p->number);
}

static void novice_on_order(novice *self, const order *o)
{
        (void)o;
        cop_reply(answer, .number = self->pages);
}

COP_SERVER(novice, COP_INIT_WITH(order, novice_init), COP_ON(page, novice_on_page),
           COP_ON(order, novice_on_order));

/* One whose init waits until a hundred pages and a request have been sent to its name. */
static cop_request write_to_a_novice(int64_t deed)
{
        cop_pid pid;
        cop_request request;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &novice_server, .name = "novice",
                                                             .kind = COP_KIND_OF(order),
                                                             .argument = &(order){
                                                                     .deed = deed,
                                                                     .reason = cop_atom("no_use") } },
                                       &pid),
                         COP_OK);
        hear("in init");
        for (int64_t i = 0; i < 100; i++)
                ck_assert_int_eq(cop_send("novice", page, .number = i), COP_OK);
        ck_assert_int_eq(cop_request_send(&request, "novice", order, .deed = REPLY), COP_OK);
        cop_send(pid, go);
        return request;
}

IN_NODE(GSV_life_09_what_is_sent_to_its_name_during_init_is_handled_after_it_in_order)
{
        cop_request request = write_to_a_novice(SAY);
        for (int64_t i = 0; i < 100; i++) {
                cop_auto message = await(COP_KIND(page));
                ck_assert_int_eq(cop_read(page, message)->number, i);
        }
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_int_eq(cop_read(answer, reply)->number, 100);
}

IN_NODE(GSV_life_09_a_request_sent_during_an_init_that_exits_ends_with_its_reason)
{
        cop_request request = write_to_a_novice(EXIT);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, NULL), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "no_use");
        nothing_has_come();
}

/* ---- Continuations ------------------------------------------------------------------ */

IN_NODE(GSV_life_10_a_continuation_of_init_runs_before_any_message)
{
        start_clerk(CLERK(CONTINUE));
        hear("continue");
        hear("order");
}

IN_NODE(GSV_life_11_a_continuation_may_ask_for_another_which_runs_next_and_the_start_is_long_over)
{
        cop_pid pid = start_clerk(CLERK(CONTINUE_TWICE));
        hear("first continue");
        cop_send(pid, go); /* for which it has waited while the start ended */
        hear("continue");
        hear("order");
}

IN_NODE(GSV_life_12_a_continuation_may_exit_and_terminate_is_called)
{
        cop_ref ref;
        cop_spawn_options options = CLERK(CONTINUE_EXIT);
        options.monitor = true;
        options.monitor_ref = &ref;
        start_clerk(options);
        hear("first continue");
        hear("terminate done");
        await_down(ref, "done");
}

IN_NODE(continuations_with_an_argument_run_in_the_order_asked_for_and_before_the_messages)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        cop_send(pid, order, .deed = CONTINUE_WITH, .number = 2);
        cop_send(pid, order, .deed = SAY);
        cop_send(pid, go);
        hear("page 1");
        hear("page 9");
        hear("page 2");
        hear("order");
}

/* Has none of the optional entries. */
typedef struct bare {
        int64_t unused;
} bare;

static void bare_on_order(bare *self, const order *o)
{
        (void)self;
        if (o->deed == CONTINUE)
                cop_continue();
        if (o->deed == CONTINUE_WITH)
                cop_continue_with(page, .number = 1);
        if (o->deed == IDLE)
                cop_idle_after(o->number);
        if (o->deed == EXIT)
                cop_exit(o->reason);
        cop_reply(answer, .number = 1);
}

COP_SERVER(bare, COP_ON(order, bare_on_order));

static cop_ref watched_bare(cop_pid *pid)
{
        *pid = cop_spawn_server(&bare_server, NULL);
        return watch(*pid);
}

IN_NODE(GSV_life_32_a_continuation_without_an_entry_for_it_ends_the_server)
{
        static const int64_t deeds[] = { CONTINUE, CONTINUE_WITH };
        for (size_t i = 0; i < COP__COUNT(deeds); i++) {
                cop_pid pid;
                cop_ref ref = watched_bare(&pid);
                cop_send(pid, order, .deed = deeds[i]);
                await_down(ref, "{badarg, {continue, "
                                "\"the caller is no server with a COP_CONTINUE for it\"}}");
        }
}

/* ---- Messages without an entry ------------------------------------------------------------- */

static char warned[1024];

static void keep_warnings(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level == COP_LOG_WARNING)
                strncpy(warned, text, sizeof(warned) - 1);
}

/*
 * In OTP a cast or a call without an entry is a function_clause or undef, and only info is dropped with a warning. Here both are
 * messages as any, of a kind that anybody may send; so none of them ends a server, and a caller is told.
 */
IN_NODE_WITH(GSV_life_32_without_optional_entries_messages_are_dropped_with_a_warning_and_calls_answered,
             .log = keep_warnings)
{
        cop_pid pid;
        cop_ref ref = watched_bare(&pid);
        cop_send(pid, unknown);
        ck_assert_int_eq(call(pid), 1);
        ck_assert_ptr_nonnull(strstr(warned, "bare <"));
        ck_assert_ptr_nonnull(strstr(warned, " has no handler for unknown: dropped"));
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, unknown), COP_E_NO_REPLY);
        ck_assert_str_eq(text_of(cop_failure()), "no_handler");
        ck_assert_int_eq(call(pid), 1);
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_OK);
        await_down(ref, "normal");
}

/* ---- The time without a message -------------------------------------------------------- */

/* Erlang's time-out is for that one return; cop_idle_after is for every time until it is changed. */
IN_NODE(GSV_life_13_after_the_time_without_a_message_comes_one_event)
{
        uint64_t before_ns = cop__clock_ns();
        cop_pid pid = start_clerk(CLERK(IDLE, .number = 20));
        hear("idle");
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 20 * COP__NS_PER_MS);
        cop_ref timer;
        cop_send_after(&timer, 60, cop_self(), go); /* a second one would be here by then */
        await_and_drop(COP_KIND(go));
        settle_with(pid);
        nothing_has_come();
        ck_assert_int_eq(call(pid), 1);
        hear("idle"); /* after a message, again */
}

IN_NODE(an_idle_time_of_zero_lets_waiting_messages_go_first)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        cop_send(pid, order, .deed = IDLE, .number = 0);
        for (int i = 0; i < 3; i++)
                cop_send(pid, order, .deed = SAY);
        cop_send(pid, go);
        for (int i = 0; i < 3; i++)
                hear("order");
        hear("idle");
}

IN_NODE(an_idle_function_may_ask_for_the_next_and_COP_FOREVER_ends_it)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = IDLE_AGAIN, .number = 1);
        for (int i = 0; i < 5; i++)
                hear("idle");
        cop_send(pid, order, .deed = BLOCK);
        cop_message *message;
        do { /* those that came before it was blocked */
                message = await(COP_KIND(word));
                bool blocked = cop_text_equal(cop_read(word, message)->text, "blocked");
                cop_message_free(message);
                if (blocked)
                        break;
        } while (true);
        cop_send(pid, order, .deed = IDLE, .number = COP_FOREVER);
        cop_send(pid, go);
        ck_assert_int_gt(call(pid), 0);
        nothing_has_come();
}

IN_NODE(a_server_that_is_spoken_to_is_not_idle)
{
        cop_pid pid = start_clerk(CLERK(IDLE, .number = 600000));
        for (int i = 1; i <= 1000; i++)
                ck_assert_int_eq(call(pid), i);
        nothing_has_come();
}

IN_NODE(a_bad_idle_time_and_one_without_an_entry_end_the_server)
{
        cop_pid pid;
        cop_ref ref = watched_bare(&pid);
        cop_send(pid, order, .deed = IDLE, .number = 5);
        await_down(ref, "{badarg, {idle_after, \"the caller is no server with a COP_IDLE\"}}");
        pid = new_clerk();
        ref = watch(pid);
        cop_send(pid, order, .deed = IDLE, .number = -1);
        await_down(ref, "{badarg, {idle_after, "
                        "\"a time is 0 or more milliseconds, or COP_FOREVER\"}}");
}

IN_NODE(GSV_life_16_an_idle_server_holds_no_stack_keeps_its_state_and_wakes_for_a_message)
{
        cop_pid pid = new_clerk();
        ck_assert_int_eq(call(pid), 1);
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        await_true(is_waiting(node, pid)); /* in the middle of a handler it does */
        cop_send(pid, go);
        ck_assert_int_eq(call(pid), 3);
        settle_with(pid);
        ck_assert_uint_eq(stack_bytes_of(node, pid), 0);
        ck_assert_int_eq(call(pid), 4);
}

IN_NODE(GSV_life_17_a_server_is_at_rest_as_soon_as_it_is_idle_whatever_came_before)
{
        cop_pid pid = start_clerk(CLERK(IDLE, .number = 1));
        hear("idle");
        for (int i = 1; i <= 3; i++) {
                ck_assert_int_eq(call(pid), i);
                hear("idle");
                settle_with(pid);
                ck_assert_uint_eq(stack_bytes_of(node, pid), 0);
        }
}

/* ---- How it ends --------------------------------------------------------------------- */

IN_NODE(GSV_life_18_an_exit_in_a_callback_calls_terminate_with_its_reason)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = EXIT, .reason = COP_TUPLE(cop_atom("boom"), cop_int(1)));
        hear("terminate {boom, 1}");
        await_down(ref, "{boom, 1}");
}

IN_NODE(GSV_life_18_a_fault_calls_no_terminate_since_the_state_may_be_broken)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = FAULT);
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "fault", 5));
        nothing_has_come();
}

IN_NODE(GSV_life_20_an_exit_signal_to_one_that_does_not_trap_calls_no_terminate)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send_exit(pid, cop_atom("boom"));
        await_down(ref, "boom");
        nothing_has_come();
}

static void starts_a_clerk_and_ends(const order *o)
{
        cop_pid pid;
        cop_spawn_options options = CLERK(SAY);
        options.link = true;
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_OK);
        cop_send(o->pid, order, .pid = pid);
}

IN_NODE(GSV_life_23_the_normal_end_of_its_parent_leaves_one_that_does_not_trap_alive)
{
        cop_ref ref = spawn_watched(RUN_WITH(starts_a_clerk_and_ends, order, .pid = cop_self()));
        cop_auto message = await(COP_KIND(order));
        await_down(ref, "normal");
        ck_assert_int_eq(call(cop_read(order, message)->pid), 1);
}

static void waits_and_exits(void)
{
        await_and_drop(COP_KIND(go));
        cop_exit(cop_atom("boom"));
}

IN_NODE(GSV_life_24_the_end_of_another_that_is_linked_is_a_message_for_one_that_traps)
{
        cop_pid pid = new_clerk(), other = cop_spawn(waits_and_exits);
        cop_send(pid, order, .deed = TRAP);
        cop_send(pid, order, .deed = LINK, .pid = other);
        ck_assert_int_eq(call(pid), 3);
        cop_send(other, go);
        hear("boom");
        ck_assert_int_eq(call(pid), 4);
}

static void sends_shutdown(const order *o)
{
        cop_send_exit(o->pid, cop_atom("shutdown"));
}

IN_NODE(GSV_life_25_shutdown_of_another_than_its_parent_is_a_message_for_one_that_traps)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = TRAP);
        ck_assert_int_eq(call(pid), 2);
        cop_spawn_with(sends_shutdown, order, .pid = pid);
        hear("shutdown");
        ck_assert_int_eq(call(pid), 3);
}

IN_NODE(GSV_life_25_an_exit_signal_of_its_parent_ends_one_that_traps)
{
        cop_spawn_options options = CLERK(SAY);
        cop_pid pid;
        options.link = true;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        hear("init");
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = TRAP);
        ck_assert_int_eq(call(pid), 2);
        cop_send_exit(pid, cop_atom("holiday"));
        hear("terminate holiday");
        await_down(ref, "holiday");
        await_exited(pid, "holiday");
        nothing_has_come();
}

IN_NODE(GSV_life_25_who_was_spawned_without_a_link_has_no_parent_to_obey)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = TRAP);
        ck_assert_int_eq(call(pid), 2);
        ck_assert_int_eq(cop_link(pid), COP_OK); /* later: that makes none */
        cop_send_exit(pid, cop_atom("holiday"));
        hear("holiday");
        ck_assert_int_eq(call(pid), 3);
        nothing_has_come();
}

IN_NODE(GSV_life_25_cop_shutdown_ends_one_that_traps_whoever_spawned_it)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = TRAP);
        ck_assert_int_eq(call(pid), 2);
        ck_assert_int_eq(cop_shutdown(pid, COP_FOREVER), COP_OK);
        hear("terminate shutdown");
        await_down(ref, "shutdown");
        nothing_has_come();
}

IN_NODE(GSV_life_26_what_is_unread_when_it_stops_is_discarded)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        cop_send(pid, order, .deed = EXIT, .reason = cop_atom("normal"));
        cop_send(pid, order, .deed = SAY);
        cop_send(pid, go);
        hear("terminate normal");
        await_down(ref, "normal");
        nothing_has_come();
}

/* ---- Stop ------------------------------------------------------------------------------ */

IN_NODE(GSV_life_27_stop_returns_when_it_is_gone_and_terminate_was_called)
{
        cop_pid pid = new_clerk();
        ck_assert_int_eq(cop_register("clerk", pid), COP_OK);
        ck_assert_int_eq(cop_stop("clerk", cop_atom("normal"), PATIENCE_MS), COP_OK);
        ck_assert(!cop_is_alive(pid));
        ck_assert_uint_eq(cop_whereis("clerk").bits, 0);
        hear("terminate normal");
}

IN_NODE(GSV_life_28_stop_with_a_reason_ends_it_with_that)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_term reason = COP_TUPLE(cop_atom("sold"), cop_string("to the highest bidder"));
        ck_assert_int_eq(cop_stop(pid, reason, PATIENCE_MS), COP_OK);
        hear("terminate {sold, \"to the highest bidder\"}");
        await_down(ref, "{sold, \"to the highest bidder\"}");
}

static void loops(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

IN_NODE(GSV_life_29_stop_of_the_dead_and_of_what_is_no_server_is_an_error)
{
        cop_pid pid = new_clerk(), plain = cop_spawn(loops);
        put_down(pid);
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_stop("nobody", cop_atom("normal"), PATIENCE_MS), COP_E_NO_NAME);
        ck_assert_int_eq(cop_stop(plain, cop_atom("normal"), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_stop(cop_self(), cop_atom("normal"), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_stop(plain, cop_atom("normal"), -1), COP_E_BAD_ARGUMENT);
        ck_assert(cop_is_alive(plain));
}

IN_NODE(GSV_life_27_a_stop_waits_for_the_messages_that_came_before_it_and_drops_the_others)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        cop_send(pid, order, .deed = SAY);
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), 10), COP_E_TIMEOUT); /* is obeyed all the same */
        ck_assert(cop_is_alive(pid));
        cop_send(pid, order, .deed = SAY);
        cop_send(pid, go);
        hear("order");
        hear("terminate normal"); /* and not the order that came after it */
        await_down(ref, "normal");
        nothing_has_come();
}

typedef struct outcome {
        int64_t status;
        cop_term failure;
} outcome;
COP_MESSAGE(outcome, status, failure);

static void stops_it(const order *o)
{
        cop_status status = cop_stop(o->pid, cop_atom("normal"), COP_FOREVER);
        cop_send(cop_parent(), outcome, .status = status, .failure = cop_failure());
}

typedef struct {
        int64_t unused;
} warden;

/* Stops somebody for a caller, when that one has gone. */
static void warden_on_order(warden *self, const order *o)
{
        cop_pid teller = cop_parent();
        (void)self;
        cop_send(teller, go);
        while (cop_time_left() > 0)
                cop_yield();
        cop_send(teller, outcome, .status = cop_stop(o->pid, cop_atom("normal"), COP_FOREVER), .failure = cop_nil());
}
COP_SERVER(warden, COP_ON(order, warden_on_order));

typedef struct {
        cop_pid warden, prisoner;
} petition;
COP_MESSAGE(petition, warden, prisoner);

static void petitions(const petition *p)
{
        cop_call(NULL, p->warden, COP_FOREVER, order, .pid = p->prisoner);
}

IN_NODE(a_stop_is_obeyed_though_the_caller_has_gone_for_whom_it_is)
{
        cop_pid pid = new_clerk(), keeper = cop_spawn_server(&warden_server, NULL);
        cop_ref ref = watch(pid);
        cop_pid caller = cop_spawn_with(petitions, petition, .warden = keeper, .prisoner = pid);
        await_and_drop(COP_KIND(go));
        put_down(caller);
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_OK);
        hear("terminate normal");
        await_down(ref, "normal");
        put_down(keeper);
}

IN_NODE(a_stop_of_one_that_ends_otherwise_is_an_error_with_its_reason)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = BLOCK);
        hear("blocked");
        cop_pid stopper = cop_spawn_with(stops_it, order, .pid = pid);
        await_true(is_waiting(node, stopper)); /* it waits: its request is on the way */
        cop_send_exit(pid, cop_atom("kill"));
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_E_DIED);
        ck_assert_str_eq(text_of(cop_read(outcome, message)->failure), "killed");
}

/* Its terminate is a bug of its own kind. */
typedef struct {
        int64_t deed;
} sulk;
static void sulk_on_order(sulk *self, const order *o)
{
        self->deed = o->deed;
        cop_reply(answer, .number = 0);
}
static void sulk_terminate(sulk *self, cop_term reason)
{
        if (self->deed == EXIT)
                cop_exit(COP_TUPLE(cop_atom("instead_of"), reason));
        if (self->deed == IDLE)
                cop_idle_after(-1); /* it has no COP_IDLE, and that is no time */
        if (self->deed == FAULT)
                fault();
}
COP_SERVER(sulk, COP_ON(order, sulk_on_order), COP_TERMINATE(sulk_terminate));

/* How a server ends that is stopped and does this in its terminate. */
static const char *stopped_with(int64_t deed, struct cop__report *report)
{
        static char reason[200];
        cop_pid pid = cop_spawn_server(&sulk_server, NULL);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, order, .deed = deed), COP_OK);
        ck_assert_int_eq(cop_stop(pid, cop_atom("shutdown"), PATIENCE_MS), COP_E_DIED);
        snprintf(reason, sizeof(reason), "%s", text_of(cop_failure()));
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert_str_eq(text_of(cop_read(cop_down, message)->reason), reason);
        ck_assert(cop__report_wait(cop_node_here(), pid, PATIENCE_MS, report));
        return reason;
}

IN_NODE(GSV_life_18_what_a_terminate_ends_with_is_the_reason_and_is_reported)
{
        struct cop__report report;
        ck_assert_str_eq(stopped_with(EXIT, &report), "{instead_of, shutdown}");
        ck_assert_ptr_nonnull(strstr(stopped_with(IDLE, &report), "{badarg, {idle_after, "));
        ck_assert_ptr_nonnull(strstr(stopped_with(FAULT, &report), "{fault, "));
}

/* ---- Calls and casts --------------------------------------------------------------------- */

/* C has no throw, and a handler returns nothing: all that it can end with otherwise is an exit. */
IN_NODE(GSV_call_13_what_a_handler_exits_with_is_the_reason_that_the_caller_sees)
{
        cop_pid pid;
        cop_ref ref = watched_bare(&pid);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, order, .deed = EXIT,
                                  .reason = cop_string("anything")),
                         COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "\"anything\"");
        await_down(ref, "\"anything\"");
}

IN_NODE(GSV_call_16_two_casts_and_a_call_are_handled_in_that_order)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = SAY);
        cop_send(pid, order, .deed = CONTINUE_WITH);
        ck_assert_int_eq(call(pid), 3);
        hear("order");
        hear("page 1");
        hear("page 9");
        cop_send(pid, order, .deed = CONTINUE_WITH);
        cop_send(pid, order, .deed = SAY);
        ck_assert_int_eq(call(pid), 6);
        hear("page 1");
        hear("page 9");
        hear("order");
        put_down(pid);
}

/* Erlang raises badarg for an unknown name with `!` and ignores it in a cast; here both are a send, which tells by its status. */
IN_NODE(GSV_call_25_a_cast_to_the_dead_is_ok_and_to_an_unknown_name_says_so)
{
        cop_pid pid = new_clerk();
        put_down(pid);
        ck_assert_int_eq(cop_send(pid, order, .deed = SAY), COP_OK);
        ck_assert_int_eq(cop_send("nobody", order, .deed = SAY), COP_E_NO_NAME);
        nothing_has_come();
}

/* ---- Crash reports ------------------------------------------------------------------------- */

static char logged[8192];
static unsigned errors;

static void log_errors(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level != COP_LOG_ERROR)
                return;
        __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED);
        strncpy(logged, text, sizeof(logged) - 1);
}

#define IN_LOGGING_NODE(claim) IN_NODE_WITH(claim, .log = log_errors)

static void assert_logged(const char *part)
{
        ck_assert_msg(strstr(logged, part) != NULL, "expected '%s' in '%s'", part, logged);
}

static void end_with(cop_pid pid, cop_term reason)
{
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = EXIT, .reason = reason);
        await_and_drop(COP_REF(cop_down, ref));
}

IN_LOGGING_NODE(GSV_life_34_normal_shutdown_and_shutdown_with_a_word_are_no_crashes)
{
        cop_pid pid;
        watched_bare(&pid);
        end_with(pid, cop_atom("normal"));
        watched_bare(&pid);
        end_with(pid, cop_atom("shutdown"));
        watched_bare(&pid);
        end_with(pid, COP_TUPLE(cop_atom("shutdown"), cop_atom("holiday")));
        ck_assert_uint_eq(errors, 0);
        watched_bare(&pid);
        end_with(pid, COP_TUPLE(cop_atom("shutdown"), cop_int(1), cop_int(2)));
        ck_assert_uint_eq(errors, 1);
}

IN_LOGGING_NODE(GSV_life_35_a_crash_report_has_message_client_reason_and_the_redacted_state)
{
        char me[COP_ID_TEXT_MAX], expected[64];
        cop_pid pid = new_clerk();
        ck_assert_int_eq(call(pid), 1);
        end_with(pid, cop_atom("boom"));
        snprintf(expected, sizeof(expected), "from %s", cop_pid_print(cop_self(), me));
        assert_logged("crashed: boom");
        assert_logged("handling #order{deed = 8");
        assert_logged(expected);
        assert_logged("state #clerk{orders = 2");
        assert_logged("secret = \"(hidden)\"");
        ck_assert_ptr_null(strstr(logged, "hunter2"));
}

typedef struct open_book {
        int64_t lines;
} open_book;
COP_MESSAGE(open_book, lines);

static void open_book_on_order(open_book *self, const order *o)
{
        self->lines++;
        if (o->deed == FAULT)
                fault();
        cop_exit(o->reason);
}

COP_SERVER(open_book, COP_ON(order, open_book_on_order), COP_STATE(open_book));

IN_LOGGING_NODE(GSV_life_35_after_a_fault_a_state_that_points_at_nothing_is_shown_too)
{
        cop_pid pid = cop_spawn_server(&open_book_server, NULL);
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = FAULT);
        await_and_drop(COP_REF(cop_down, ref));
        assert_logged("state #open_book{lines = 1}");
}

IN_LOGGING_NODE(GSV_life_35_after_a_fault_a_state_that_is_to_be_redacted_is_not_shown)
{
        cop_pid pid = new_clerk();
        cop_ref ref = watch(pid);
        cop_send(pid, order, .deed = FAULT);
        await_and_drop(COP_REF(cop_down, ref));
        assert_logged("state not shown: a fault may have broken it");
        ck_assert_ptr_null(strstr(logged, "hunter2"));
}

IN_LOGGING_NODE(GSV_life_36_a_redaction_that_fails_is_noted_and_changes_nothing)
{
        for (int64_t how = 1; how <= 2; how++) {
                cop_pid pid = new_clerk();
                cop_ref ref = watch(pid);
                cop_term status;
                cop_send(pid, order, .deed = FAIL_TO_FORMAT, .number = how);
                ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, &status), COP_OK);
                ck_assert(cop_is_atom(*cop_map_get(status, cop_atom("state")),
                                      "format_status_failed"));
                cop_term_free(status);
                ck_assert_int_eq(call(pid), 2); /* it lives on */
                cop_send(pid, order, .deed = EXIT, .reason = cop_atom("boom"));
                hear("terminate boom");
                await_down(ref, "boom");
                assert_logged("crashed: boom");
                assert_logged("state not shown: its COP_FORMAT_STATUS failed");
        }
}

/* ---- Its successor --------------------------------------------------------------------------- */

typedef struct new_clerk_state {
        int64_t orders;
        char badge[8];
} new_clerk_state;
COP_MESSAGE(new_clerk_state, orders, badge);

static bool take_over(new_clerk_state *self, const clerk *old)
{
        if (old->next == EXIT)
                return false;
        if (old->next == FAULT)
                fault();
        if (old->next == TRAP)
                cop_exit(cop_atom("no"));
        self->orders = old->orders * 100;
        strcpy(self->badge, "new");
        return true;
}

static void new_clerk_on_order(new_clerk_state *self, const order *o)
{
        (void)o;
        cop_reply(answer, .number = ++self->orders);
}

COP_SERVER(new_clerk_state, COP_UPGRADE(clerk, take_over), COP_STATE(new_clerk_state),
           COP_ON(order, new_clerk_on_order));

IN_NODE(an_upgraded_server_keeps_its_pid_and_mailbox_and_takes_its_state_over)
{
        cop_pid pid = new_clerk();
        cop_term state;
        ck_assert_int_eq(call(pid), 1);
        ck_assert_int_eq(cop_upgrade(pid, &new_clerk_state_server, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(call(pid), 101);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
        ck_assert_str_eq(text_of(state), "{new_clerk_state, 101, \"new\"}");
        cop_term_free(state);
}

static void open_book_on_order_later(open_book *self, const order *o)
{
        (void)o;
        cop_reply(answer, .number = self->lines + 1000);
}

typedef open_book later_book;
COP_SERVER(later_book, COP_STATE(open_book), COP_ON(order, open_book_on_order_later));

IN_NODE(servers_of_one_state_need_nothing_to_take_over)
{
        cop_pid pid = cop_spawn_server(&open_book_server, NULL);
        ck_assert_int_eq(cop_upgrade(pid, &later_book_server, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(call(pid), 1000);
        ck_assert_int_eq(cop_upgrade(pid, &new_clerk_state_server, PATIENCE_MS),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_upgrade(pid, &bare_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(call(pid), 1000);
}

static const char *state_of(cop_pid pid)
{
        cop_term state;
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
        const char *text = text_of(state);
        cop_term_free(state);
        return text;
}

static const char *server_of(cop_pid pid)
{
        cop_term status;
        ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, &status), COP_OK);
        const char *text = text_of(*cop_map_get(status, cop_atom("server")));
        cop_term_free(status);
        return text;
}

IN_NODE(GSV_life_33_an_upgrade_that_fails_is_an_error_and_the_server_goes_on_as_it_was)
{
        static const int64_t ways[] = { EXIT, FAULT, TRAP };
        for (size_t i = 0; i < COP__COUNT(ways); i++) {
                cop_pid pid = new_clerk();
                cop_term state;
                for (int64_t number = 1; number <= 3; number++)
                        ck_assert_int_eq(call(pid), number);
                ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
                cop_term items[6];
                memcpy(items, state.as.items, sizeof(items));
                items[2] = cop_int(ways[i]);
                ck_assert_int_eq(cop_sys_replace_state(pid, PATIENCE_MS, cop_tuple_of(items, 6),
                                                       NULL),
                                 COP_OK);
                cop_term_free(state);
                char before[200];
                snprintf(before, sizeof(before), "%s", state_of(pid));
                ck_assert_ptr_nonnull(strstr(before, "hunter2"));
                ck_assert_int_eq(cop_upgrade(pid, &new_clerk_state_server, PATIENCE_MS),
                                 COP_E_BAD_ARGUMENT);
                ck_assert_str_eq(state_of(pid), before);
                ck_assert_str_eq(server_of(pid), "clerk");
                ck_assert_int_eq(call(pid), 4);
                nothing_has_come(); /* neither init nor terminate was called */
        }
}

/* ---- What its successor asks for on the way --------------------------------------------------- */

/* Has neither a continuation nor an idle time. */
typedef struct bookless {
        int64_t way;
} bookless;
COP_MESSAGE(bookless, way);

static void bookless_on_order(bookless *self, const order *o)
{
        (void)o;
        cop_reply(answer, .number = self->way);
}

static bool bookless_takes_over(bookless *self, const clerk *old)
{
        (void)self;
        if (old->orders > 1)
                cop_idle_after(1);
        else
                cop_continue();
        return true;
}

COP_SERVER(bookless, COP_ON(order, bookless_on_order), COP_STATE(bookless), COP_UPGRADE(clerk, bookless_takes_over));

/* Has both. */
typedef struct bookish {
        int64_t way;
} bookish;
COP_MESSAGE(bookish, way);

static void bookish_continues(bookish *self)
{
        (void)self;
        say("bookish continues");
}

static void bookish_idles(bookish *self)
{
        (void)self;
        say("bookish idles");
}

static bool bookish_takes_over(bookish *self, const bookless *old)
{
        (void)self;
        (void)old;
        cop_idle_after(0);
        cop_continue();
        return true;
}

static bool bookish_takes_over_a_clerk(bookish *self, const clerk *old)
{
        (void)self;
        cop_continue();
        cop_idle_after(old->next == CONTINUE_WITH ? COP_FOREVER : 0);
        if (old->orders > 0)
                cop_exit(cop_atom("no"));
        return false;
}

COP_SERVER(bookish, COP_CONTINUE(bookish_continues), COP_IDLE(bookish_idles), COP_STATE(bookish),
           COP_UPGRADE(bookless, bookish_takes_over), COP_UPGRADE(clerk, bookish_takes_over_a_clerk));

IN_NODE(an_upgrade_may_ask_for_a_continuation_of_the_new_server_and_for_none_that_it_has_not)
{
        cop_pid pid = cop_spawn_server(&bookless_server, NULL);
        ck_assert_int_eq(cop_upgrade(pid, &bookish_server, PATIENCE_MS), COP_OK);
        hear("bookish continues");
        hear("bookish idles");
        pid = new_clerk(); /* has what its successor has not */
        ck_assert_int_eq(cop_upgrade(pid, &bookless_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(call(pid), 1);
        ck_assert_int_eq(call(pid), 2);
        ck_assert_int_eq(cop_upgrade(pid, &bookless_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(call(pid), 3);
        ck_assert_str_eq(server_of(pid), "clerk");
        nothing_has_come();
}

IN_NODE(an_upgrade_that_fails_leaves_no_continuation_and_no_idle_time)
{
        for (int64_t orders = 0; orders < 2; orders++) { /* it returns false, it exits */
                cop_pid pid = new_clerk();
                for (int64_t number = 1; number <= orders; number++)
                        ck_assert_int_eq(call(pid), number);
                ck_assert_int_eq(cop_upgrade(pid, &bookish_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
                cop_send(pid, order, .deed = SAY);
                hear("order"); /* and what has been asked for would have been done before, or when the call below came */
                ck_assert_int_eq(call(pid), orders + 2);
                ck_assert_int_eq(call(pid), orders + 3);
                nothing_has_come();
        }
}

IN_NODE(an_upgrade_that_fails_leaves_the_idle_time_that_there_was)
{
        cop_pid pid = new_clerk();
        cop_send(pid, order, .deed = IDLE, .number = 0);
        hear("idle");
        cop_term state;
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
        cop_term items[6];
        memcpy(items, state.as.items, sizeof(items));
        items[2] = cop_int(CONTINUE_WITH); /* so that the upgrade asks for no idle time any more */
        ck_assert_int_eq(cop_sys_replace_state(pid, PATIENCE_MS, cop_tuple_of(items, 6), NULL), COP_OK);
        cop_term_free(state);
        ck_assert_int_eq(cop_upgrade(pid, &bookish_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        cop_send(pid, order, .deed = SAY);
        hear("order");
        hear("idle");
}
