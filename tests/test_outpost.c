/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Actors in OS processes of their own: to others they are like any actor. */
#include "tests/apart.h"

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static int64_t total_of(cop_pid pid, int64_t number)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, add, .number = number), COP_OK);
        return cop_read(sum, reply)->total;
}

/* ---- Calls and messages --------------------------------------------------------------- */

IN_PROCESSES(a_call_is_answered_from_another_process)
{
        cop_pid pid = START_APART(.server = &adder_server);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, add, .number = 3), COP_OK);
        const sum *s = cop_read(sum, reply);
        ck_assert_ptr_nonnull(s);
        ck_assert_int_eq(s->total, 3);
        ck_assert_int_ne(s->os_pid, getpid());
        ck_assert_int_eq(s->os_pid, os_pid_of(pid));
        ck_assert(cop_pid_equal(s->self, pid));
        ck_assert(cop_pid_equal(s->parent, cop_self()));
}

#if !COP__TSAN && !COP__ASAN /* of a program with threads their allocators do not survive a fork */
IN_NODE(the_first_one_starts_what_forks_if_the_node_has_not)
{
        ck_assert_int_eq(total_of(START_APART(.server = &adder_server), 3), 3);
}
#endif

static void sends_two(const deed_order *order)
{
        cop_send(order->pid, add, .number = 1);
        cop_send(order->pid, add, .number = 2);
        cop_send(cop_parent(), note, .number = 3);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note))); /* what is said to the dead is a dead letter, too */
}

/* Its send is over when the node hears of that. */
IN_PROCESSES(what_a_process_sends_to_a_mailbox_that_rejects_it_is_a_dead_letter)
{
        cop_pid pid, sender;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .mailbox_limit = 1,
                                                             .mailbox_policy = COP_MAILBOX_REJECT }, &pid), COP_OK);
        uint64_t before = dead_letters_of(node);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(sends_two, deed_order, .pid = pid),
                                                             .isolation = COP_ISOLATION_PROCESS }, &sender), COP_OK);
        await_and_drop(COP_KIND(note));
        ck_assert_uint_eq(dead_letters_of(node), before + 1);
        put_down(sender);
        put_down(pid);
}

/* There before anything is forked. */
static cop_behaviour odd_server, endless_server, many_servers[COP__SERVER_NAMES_MAX];

__attribute__((constructor)) static void make_servers(void)
{
        static char endless[COP_SYMBOL_MAX + 1], many[COP__COUNT(many_servers)][16];
        odd_server = endless_server = adder_server;
        odd_server.name = "odd\033[31m\n";
        memset(endless, 'x', COP_SYMBOL_MAX);
        endless_server.name = endless;
        for (size_t i = 0; i < COP__COUNT(many_servers); i++) {
                snprintf(many[i], sizeof(many[i]), "server %zu", i);
                many_servers[i] = adder_server;
                many_servers[i].name = many[i];
        }
}

/* Starts one, which ends; what it was called meanwhile. */
static const char *name_shown_of(const cop_behaviour *server)
{
        struct cop__glimpse glimpse;
        cop_pid pid = START_APART(.server = server);
        ck_assert(cop__glimpse_of(cop_node_here(), pid, &glimpse));
        put_down(pid);
        return glimpse.server; /* names are kept */
}

/* The name crosses as a text, which a process whose memory is spoilt may make of anything. */
IN_PROCESSES(the_name_of_a_server_in_a_process_moves_no_terminal)
{
        struct cop__glimpse glimpse;
        cop_pid pid = START_APART(.server = &odd_server);
        ck_assert_int_eq(total_of(pid, 1), 1);
        ck_assert(cop__glimpse_of(node, pid, &glimpse));
        ck_assert_str_eq(glimpse.server, "odd?[31m?");
}

/* A process could make up as many as it likes. */
IN_PROCESSES(of_servers_in_processes_so_many_names_of_such_a_length_are_kept)
{
        size_t last = COP__COUNT(many_servers) - 1;
        if (COP__ASAN || COP__TSAN || suite_is_emulated())
                return;
        ck_assert_str_eq(name_shown_of(&endless_server), "other");
        ck_assert_str_eq(name_shown_of(&odd_server), "odd?[31m?");
        for (size_t i = 0; i < last; i++)
                ck_assert_str_eq(name_shown_of(&many_servers[i]), many_servers[i].name);
        ck_assert_str_eq(name_shown_of(&many_servers[last]), "other");
        ck_assert_str_eq(name_shown_of(&many_servers[0]), "server 0");
}

/* What was forked before has it as it was. */
IN_PROCESSES(a_server_that_has_changed_since_the_fork_does_not_start)
{
        cop_pid pid;
        cop_ref ref;
        cop_behaviour before = odd_server;
        total_of(START_APART(.server = &odd_server), 1);
        odd_server.name = "new";
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &odd_server, .isolation = COP_ISOLATION_PROCESS,
                                                             .monitor = true, .monitor_ref = &ref }, &pid), COP_OK);
        await_down(ref, "{os_process, {exit_status, 70}}");
        odd_server = before;
}

static void ends_at_once(void)
{
}

/* Its end is behind its start in the same socket, and mostly read with it. */
IN_PROCESSES(one_that_ends_at_once_has_started_all_the_same)
{
        for (int i = 0; i < 30; i++) {
                cop_ref ref;
                START_APART(.run = ends_at_once, .monitor = true, .monitor_ref = &ref);
                await_down(ref, "normal");
        }
}

IN_PROCESSES(state_stays_in_the_process_from_call_to_call)
{
        cop_pid pid = START_APART(.server = &adder_server);
        for (int64_t i = 1; i <= 100; i++)
                ck_assert_int_eq(total_of(pid, 1), i);
}

IN_PROCESSES(a_message_of_a_mebibyte_crosses_both_ways)
{
        enum { SIZE = 1 << 20 };
        char *text = malloc(SIZE);
        cop_pid pid = START_APART(.server = &adder_server);
        cop_auto reply = NULL;
        memset(text, 'x', SIZE);
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, note, .number = 1, .text = { SIZE, text }), COP_OK);
        const note *n = cop_read(note, reply);
        ck_assert_uint_eq(n->text.size, SIZE);
        ck_assert_int_eq(memcmp(n->text.data, text, SIZE), 0);
        free(text);
}

typedef struct follower {
        int64_t last;
} follower;

static void follower_on_add(follower *self, const add *a)
{
        if (a->number != self->last + 1)
                cop_exit(cop_atom("out_of_order"));
        self->last = a->number;
}

static void follower_on_note(follower *self, const note *n)
{
        (void)n;
        cop_reply(add, .number = self->last);
}

COP_SERVER(follower, COP_ON(add, follower_on_add), COP_ON(note, follower_on_note));

IN_PROCESSES(messages_arrive_in_the_order_in_which_they_were_sent)
{
        const int64_t many = suite_is_slow() ? 2000 : 20000;
        cop_pid pid = START_APART(.server = &follower_server);
        for (int64_t i = 1; i <= many; i++)
                ck_assert_int_eq(cop_send(pid, add, .number = i), COP_OK);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, note, .number = 0), COP_OK);
        ck_assert_int_eq(cop_read(add, reply)->number, many);
}

IN_PROCESSES(what_it_sends_arrives_in_order_and_before_its_reply)
{
        cop_pid pid = START_APART(.server = &victim_server);
        TELL(pid, SENDS_MANY, .pid = cop_self());
        for (int64_t i = 1; i <= 20000; i++) {
                cop_auto message = cop_receive(0, COP_KIND(add));
                ck_assert_ptr_nonnull(message);
                ck_assert_int_eq(cop_read(add, message)->number, i);
                ck_assert(cop_pid_equal(cop_message_from(message), pid));
        }
}

/* More than its socket takes, before it hears what it was sent at its birth. */
static void pours(const deed_order *order)
{
        enum { SIZE = 1 << 16, MANY = 64 };
        char *text = malloc(SIZE);
        memset(text, 'x', SIZE);
        for (int64_t i = 0; i < MANY; i++)
                cop_send(order->pid, note, .number = i, .text = { SIZE, text });
        free(text);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
        cop_send(order->pid, add, .number = (int64_t)cop_read(note, message)->text.size);
}

IN_PROCESSES(who_pours_out_more_than_fits_before_it_reads_is_heard_while_it_is_sent_much)
{
        enum { SIZE = 1 << 20 };
        char *text = malloc(SIZE);
        memset(text, 'x', SIZE);
        for (int i = 0; i < 5; i++) {
                const deed_order order = { .pid = cop_self() };
                cop_pid pid;
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(pours, deed_order),
                                                                     .kind = COP_KIND_OF(deed_order), .argument = &order,
                                                                     .isolation = COP_ISOLATION_PROCESS },
                                               &pid),
                                 COP_OK);
                ck_assert_int_eq(cop_send(pid, note, .text = { SIZE, text }), COP_OK);
                cop_auto message = await(COP_KIND(add));
                ck_assert_int_eq(cop_read(add, message)->number, SIZE);
                for (cop_message *poured; (poured = cop_receive(0, COP_KIND(note))) != NULL;)
                        cop_message_free(poured);
        }
        free(text);
}

IN_PROCESSES(it_calls_others_and_each_other)
{
        cop_pid here = cop_spawn_or_exit(&(cop_spawn_options){ .server = &adder_server });
        cop_pid there = START_APART(.server = &adder_server);
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, CALLS, .pid = here).value, 5);
        ck_assert_int_eq(TELL(pid, CALLS, .pid = there).value, 5);
        ck_assert_int_eq(TELL(pid, CALLS, .pid = here).value, 10);
        put_down(here);
        ck_assert_int_eq(TELL(pid, CALLS, .pid = here).value, -COP_E_NO_ACTOR);
}

IN_PROCESSES(its_call_times_out)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid deaf = cop_spawn(waits);
        ck_assert_int_eq(TELL(pid, CALLS_IN_VAIN, .pid = deaf).value, COP_E_TIMEOUT);
}

typedef struct riddle {
        cop_term word;
} riddle;
COP_MESSAGE(riddle, word);

static void riddle_on_add(riddle *self, const add *a)
{
        (void)self;
        (void)a;
        cop_reply(riddle, .word = cop_atom("\xff"));
}

COP_SERVER(riddle, COP_ON(add, riddle_on_add));

IN_PROCESSES(a_call_whose_answer_cannot_cross_ends_without_one)
{
        cop_pid pid = START_APART(.server = &riddle_server);
        ck_assert_int_eq(cop_call(NULL, pid, COP_FOREVER, add, .number = 1), COP_E_NO_REPLY);
        put_down(pid);
}

typedef struct deaf_ear {
        int64_t unused;
} deaf_ear;
COP_MESSAGE(deaf_ear, unused);

static void deaf_ear_on_call(deaf_ear *self, const deaf_ear *unused)
{
        (void)self;
        (void)unused;
}

COP_SERVER(deaf_ear, COP_ON(deaf_ear, deaf_ear_on_call));

IN_PROCESSES(a_call_to_it_that_no_handler_is_for_says_so)
{
        cop_pid pid = START_APART(.server = &deaf_ear_server);
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, sum, .total = 1), COP_E_NO_REPLY);
        ck_assert_str_eq(text_of(cop_failure()), "no_handler");
        ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, deaf_ear), COP_E_NO_REPLY);
        ck_assert_int_eq(cop_failure().type, COP_TERM_NIL);
}

/* Keeps whoever calls waiting, until there is a note: then the call is answered by somebody else. */
typedef struct deferrer {
        cop_caller caller;
} deferrer;

static void deferrer_on_add(deferrer *self, const add *a)
{
        (void)a;
        self->caller = cop_defer();
}

static void deferrer_on_note(deferrer *self, const note *n)
{
        if (n->number < 0)
                cop_exit(cop_atom("over"));
        cop_reply_to(self->caller, sum, .total = n->number);
}

COP_SERVER(deferrer, COP_ON(add, deferrer_on_add), COP_ON(note, deferrer_on_note));

typedef struct calling {
        cop_pid callee, witness;
} calling;
COP_MESSAGE(calling, callee, witness);

static void calls(const calling *c)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, c->callee, COP_FOREVER, add, .number = 1);
        cop_send(c->witness, sum, .total = status == COP_OK ? cop_read(sum, reply)->total : -(int64_t)status);
}

static void await_total(int64_t total)
{
        cop_auto message = await(COP_KIND(sum));
        ck_assert_int_eq(cop_read(sum, message)->total, total);
}

IN_PROCESSES(a_reply_may_be_deferred)
{
        cop_pid pid = START_APART(.server = &deferrer_server);
        cop_spawn_with(calls, calling, .callee = pid, .witness = cop_self());
        while (strcmp(info_of(pid, "monitored_by"), "[]") == 0) /* the deferral is known */
                cop_yield();
        cop_send(pid, note, .number = 7);
        await_total(7);
}

IN_PROCESSES(a_deferred_call_ends_with_the_process)
{
        cop_pid pid = START_APART(.server = &deferrer_server);
        cop_spawn_with(calls, calling, .callee = pid, .witness = cop_self());
        while (strcmp(info_of(pid, "monitored_by"), "[]") == 0)
                cop_yield();
        cop_send(pid, note, .number = -1);
        await_total(-COP_E_DIED);
}

IN_PROCESSES(its_call_to_who_defers_ends_with_the_answer_or_the_death)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid slow = cop_spawn_or_exit(&(cop_spawn_options){ .server = &deferrer_server });
        cop_ref ref;
        deed_order order = { .what = CALLS, .pid = slow };
        cop_request request;
        for (int64_t turn = 0; turn < 2; turn++) {
                ck_assert_int_eq(cop_request_send_value(&request, cop_to_pid(pid), COP_KIND_OF(deed_order), &order),
                                 COP_OK);
                while (strcmp(info_of(slow, "monitored_by"), "[]") == 0)
                        cop_yield();
                ref = watch(slow);
                cop_send(slow, note, .number = turn == 0 ? 11 : -1);
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
                ck_assert_int_eq(cop_read(done, reply)->value, turn == 0 ? 11 : -COP_E_DIED);
                cop_demonitor_flush(ref);
                if (turn == 0)
                        ck_assert_str_eq(info_of(pid, "monitors"), "[]"); /* the watch is over with the call */
        }
}

IN_PROCESSES(a_hundred_of_them_live_side_by_side)
{
        enum { MANY = 100 };
        cop_pid pids[MANY];
        for (int i = 0; i < MANY; i++)
                pids[i] = START_APART(.server = &adder_server);
        for (int i = 0; i < MANY; i++)
                ck_assert_int_eq(total_of(pids[i], i), i);
}

/* ---- Plain actors ------------------------------------------------------------------------- */

static void plain_adder(const add *start)
{
        int64_t total = start->number;
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(add));
                total += cop_read(add, message)->number;
                cop_answer(message, sum, .total = total, .os_pid = getpid());
        }
}

IN_PROCESSES(a_plain_actor_lives_there_too_with_its_argument)
{
        cop_pid pid = START_APART(RUN_WITH(plain_adder, add, .number = 40));
        ck_assert_int_eq(total_of(pid, 2), 42);
}

static void polls(void)
{
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(add));
                if (message != NULL)
                        cop_answer(message, sum, .total = 1);
        }
}

IN_PROCESSES(one_that_never_waits_hears_its_messages)
{
        ck_assert_int_eq(total_of(START_APART(.run = polls), 1), 1);
}

/* ---- Links, monitors, names ------------------------------------------------------------------ */

IN_PROCESSES(links_hold_both_ways)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        cop_ref ref = watch(other);
        ck_assert_int_eq(TELL(pid, LINKS, .pid = other).value, COP_OK);
        cop_send(pid, deed_order, .what = EXITS_OVER);
        await_down(ref, "over");

        pid = START_APART(.server = &victim_server);
        other = cop_spawn(waits);
        ref = watch(pid);
        TELL(pid, LINKS, .pid = other);
        cop_send_exit(other, cop_atom("gone"));
        await_down(ref, "gone");
}

IN_PROCESSES(an_unlinked_one_hears_nothing)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        TELL(pid, LINKS, .pid = other);
        TELL(pid, UNLINKS, .pid = other);
        cop_send_exit(other, cop_atom("gone"));
        settle_with(pid);
        ck_assert_int_eq(TELL(pid, SLEEPS).value, 0);
}

IN_PROCESSES(one_that_traps_reads_exits_as_messages)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        ck_assert_int_eq(TELL(pid, TRAPS).value, false);
        ck_assert_str_eq(info_of(pid, "trap_exit"), "true");
        TELL(pid, LINKS, .pid = other);
        cop_send_exit(other, cop_atom("gone"));
        cop_auto message = await(COP_KIND(heard));
        ck_assert(cop_pid_equal(cop_read(heard, message)->pid, other));
        ck_assert_str_eq(text_of(cop_read(heard, message)->reason), "gone");
}

IN_PROCESSES(it_monitors_others_by_pid_and_by_name)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        ck_assert_int_eq(cop_register("witness", other), COP_OK);
        cop_ref first = TELL(pid, WATCHES, .pid = other).ref, second = TELL(pid, WATCHES_BY_NAME).ref;
        cop_send_exit(other, cop_atom("gone"));
        cop_auto a = await(COP_REF(heard, first));
        cop_auto b = await(COP_REF(heard, second));
        ck_assert_str_eq(text_of(cop_read(heard, a)->reason), "gone");
        ck_assert_str_eq(text_of(cop_read(heard, b)->reason), "gone");
        first = TELL(pid, WATCHES, .pid = other).ref;
        cop_auto c = await(COP_REF(heard, first));
        ck_assert_str_eq(text_of(cop_read(heard, c)->reason), "noproc");
}

IN_PROCESSES(a_monitor_that_it_has_ended_tells_nothing)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        cop_ref ref = TELL(pid, WATCHES, .pid = other).ref;
        ck_assert_int_eq(TELL(pid, UNWATCHES, .ref = ref).value, true);
        put_down(other);
        ck_assert_int_eq(TELL(pid, UNWATCHES, .ref = ref).value, false);
        nothing_has_come();
}

IN_PROCESSES(it_has_a_name_gives_itself_one_and_finds_others)
{
        cop_pid pid = START_APART(.server = &victim_server, .name = "first");
        ck_assert(cop_pid_equal(cop_whereis("first"), pid));
        ck_assert_int_eq(TELL(pid, TAKES_NAME).value, COP_E_NAME_TAKEN);
        cop_unregister("first");
        ck_assert_int_eq(TELL(pid, TAKES_NAME).value, COP_OK);
        ck_assert(cop_pid_equal(cop_whereis("victim"), pid));
        cop_pid other = cop_spawn(waits);
        cop_register("witness", other);
        ck_assert(cop_pid_equal(TELL(pid, LOOKS_UP).pid, other));
        ck_assert_int_eq(TELL(pid, LOOKS_UP).value, true);
        put_down(pid);
        ck_assert_int_eq(cop_whereis("victim").bits, 0);
}

IN_PROCESSES(its_exit_signals_reach_others)
{
        cop_pid pid = START_APART(.server = &victim_server);
        cop_pid other = cop_spawn(waits);
        cop_ref ref = watch(other);
        TELL(pid, KILLS, .pid = other);
        await_down(ref, "killed");
}

/* ---- What is not there ------------------------------------------------------------------------- */

IN_PROCESSES(what_needs_the_nodes_own_tables_is_refused_with_a_word)
{
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(TELL(pid, SUPERVISES).value, COP_E_ISOLATED);
        cop_pid other = cop_spawn(waits);
        ck_assert_int_eq(TELL(pid, ASKS_INFO, .pid = other).value, COP_E_ISOLATED);
        ck_assert_int_eq(TELL(pid, ASKS_INFO, .pid = pid).value, COP_OK);
        ck_assert_int_eq(TELL(pid, LOOKS_AT, .pid = other).value, COP_E_NO_ACTOR);
        ck_assert_str_eq(cop_status_text(COP_E_ISOLATED),
                         "an actor in an OS process of its own cannot do it");
}

/* ---- Looking ------------------------------------------------------------------------------------ */

IN_PROCESSES(who_looks_sees_the_isolation_and_the_process)
{
        cop_process process;
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        ck_assert_int_eq(process.isolation, COP_ISOLATION_PROCESS);
        ck_assert_str_eq(process.server, "victim");
        ck_assert_int_gt(process.os_pid, 0);
        ck_assert_str_eq(TELL(pid, NAMES_ITSELF).text.data, "victim");
}

IN_PROCESSES(it_has_no_descriptor_but_its_own)
{
        /* 0 to 2, the socket, the epoll and its eventfd. */
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        cop_pid pid = START_APART(.server = &victim_server);
        ck_assert_int_le(TELL(pid, COUNTS_DESCRIPTORS).value, 6);
        close(pipes[0]);
        close(pipes[1]);
}

IN_PROCESSES(a_mailbox_with_a_limit_refuses_while_the_process_is_stuck)
{
        cop_pid pid = START_APART(.server = &victim_server, .mailbox_limit = 10,
                                  .mailbox_policy = COP_MAILBOX_REJECT);
        int64_t sent = 0;
        cop_send(pid, deed_order, .what = LOOPS);
        while (cop_send(pid, note, .number = sent, .text = COP_TEXT("0123456789012345678901234567890123456789")) ==
               COP_OK)
                ck_assert_int_lt(++sent, 1000000);
        put_down(pid);
}

typedef struct nudge {
        bool hard;
} nudge;
COP_MESSAGE(nudge, hard);

typedef struct nudged {
        int64_t times;
} nudged;

static void nudged_on_nudge(nudged *self, const nudge *n)
{
        (void)n;
        cop_send(cop_parent(), add, .number = ++self->times);
}

COP_SERVER(nudged, COP_ON(nudge, nudged_on_nudge));

/* With one worker the message is taken up when the signal is behind it. */
static void nudges(const deed_order *order)
{
        cop_ref ref;
        cop_send(order->pid, nudge, .hard = false);
        cop_monitor(order->pid, &ref);
}

/* What the runtime tells itself is larger than a nudge, of which two fit. */
IN_NODE_WITH(a_message_crosses_however_little_the_mailbox_takes_and_whatever_it_drops, .processes = true, .workers = 1)
{
        for (int policy = COP_MAILBOX_SLOW; policy <= COP_MAILBOX_STOP; policy++) {
                cop_pid pid = START_APART(.server = &nudged_server, .mailbox_bytes = 2,
                                          .mailbox_policy = (cop_mailbox_policy)policy);
                const deed_order order = { .pid = pid };
                cop_spawn_or_exit(&(cop_spawn_options){ .run_with = COP_RUN_WITH(nudges, deed_order),
                                                        .kind = COP_KIND_OF(deed_order), .argument = &order });
                await_and_drop(COP_KIND(add));
                put_down(pid);
        }
}

IN_PROCESSES(a_mailbox_with_marks_is_told_of_while_the_process_is_stuck)
{
        cop_pid pid = START_APART(.server = &victim_server, .mailbox_high = 10);
        ck_assert_int_eq(cop_mailbox_subscribe(), COP_OK);
        cop_send(pid, deed_order, .what = LOOPS);
        for (cop_message *message = NULL; message == NULL; message = cop_receive(0, COP_KIND(cop_mailbox_alarm))) {
                cop_message_free(message);
                cop_send(pid, note, .text = COP_TEXT("0123456789012345678901234567890123456789"));
        }
        put_down(pid);
        await_and_drop(COP_KIND(cop_mailbox_alarm)); /* that it is over no more */
}

static void take_log(void *context, cop_log_level level, const char *text)
{
        (void)level;
        if (strcmp(text, "from afar") == 0)
                cop__store_seq((uint32_t *)context, 1);
}

TEST(its_log_is_the_nodes)
{
        uint32_t seen = 0;
        cop_node *node = node_begin((cop_node_options){ .processes = true, .log = take_log, .log_context = &seen });
        cop_pid pid = START_APART(.server = &victim_server);
        TELL(pid, LOGS);
        ck_assert_int_eq(cop__load_seq(&seen), 1);
        node_end(node);
}

/* ---- Ties that end behind much mail --------------------------------------------------------------- */

/* It is stopped until the ends of both are known to the node, and lie there behind what it has not read. */
static void parts_from_two(const sum *two)
{
        cop_ref ref;
        int64_t seen = 0;
        cop_trap_exit(true);
        cop_monitor(two->self, &ref);
        cop_link(two->parent);
        cop_send(cop_parent(), add, .number = 0);
        raise(SIGSTOP);
        cop_demonitor_flush(ref);
        cop_unlink(two->parent);
        cop_message_free(cop_receive(0, COP_KIND(cop_exited)));
        for (bool more = true; more;) {
                cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(cop_down), COP_KIND(cop_exited), COP_KIND(add));
                more = message != NULL && cop_read(add, message) == NULL;
                seen += more;
        }
        cop_send(cop_parent(), add, .number = seen);
}

static bool has_unread(cop_pid pid, uint32_t count)
{
        struct cop__glimpse glimpse;
        return cop__glimpse_of(cop_node_here(), pid, &glimpse) && glimpse.unread == count &&
               glimpse.state == COP_PROCESS_WAITING;
}

static bool is_stuck(cop_pid pid, uint32_t *count)
{
        struct cop__glimpse glimpse;
        if (!cop__glimpse_of(cop_node_here(), pid, &glimpse) || glimpse.state != COP_PROCESS_WAITING)
                return false;
        *count = glimpse.unread;
        return glimpse.unread > 0;
}

static void nothing_to_do(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

IN_PROCESSES(who_has_parted_from_another_in_a_process_hears_nothing_of_it_that_was_on_its_way)
{
        enum { SIZE = 1 << 20 };
        static const char text[SIZE];
        uint32_t unread = 0;
        cop_pid watched = cop_spawn(nothing_to_do), linked = cop_spawn(nothing_to_do);
        cop_pid pid = START_APART(RUN_WITH(parts_from_two, sum, .self = watched, .parent = linked));
        await_and_drop(COP_KIND(add));
        int64_t os_pid = os_pid_of(pid);
        await_true(is_stopped(os_pid));
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_send(pid, note, .text = { SIZE, text }), COP_OK);
        await_true(is_stuck(pid, &unread));
        put_down(watched);
        put_down(linked);
        await_true(has_unread(pid, unread + 2));
        ck_assert_int_eq(kill((pid_t)os_pid, SIGCONT), 0);
        cop_send(pid, add, .number = 1);
        cop_auto seen = await(COP_KIND(add));
        ck_assert_int_eq(cop_read(add, seen)->number, 0);
}
