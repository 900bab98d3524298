/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Event managers. The handlers tell the test what they hear; each says who it is. */
#include <stdio.h>
#include <string.h>

#include "tests/cue.h"
#include "tests/node_fixture.h"
#include "tests/too_deep.h"

typedef struct {
        cop_symbol who;
        cop_pid teller; /* the test */
        int64_t how;    /* its init: see init_of */
} setup;
COP_MESSAGE(setup, who, teller, how);

enum { START_WELL, FAIL, CRASH, IGNORE, HANG };

typedef struct {
        int64_t floor;
} fire;
COP_MESSAGE(fire, floor);

typedef struct {
        int64_t floor;
} water; /* only some hear it */
COP_MESSAGE(water, floor);

typedef struct {
        int64_t number;
} question;
COP_MESSAGE(question, number);

typedef struct {
        int64_t number;
} reply;
COP_MESSAGE(reply, number);

typedef struct {
        char who[16];
        char what[32];
} heard;
COP_MESSAGE(heard, who, what);

typedef struct {
        char who[16];
        cop_pid teller;
        int64_t count;
} listener;

static void says(const listener *self, const char *what)
{
        heard h = { "", "" };
        snprintf(h.who, sizeof(h.who), "%s", self->who);
        snprintf(h.what, sizeof(h.what), "%s", what);
        cop_send_value(cop_to_pid(self->teller), COP_KIND_OF(heard), &h);
}

static void listener_init(listener *self, const setup *s)
{
        memcpy(self->who, s->who.text, s->who.size);
        self->teller = s->teller;
        if (s->how == FAIL)
                cop_exit(cop_atom("no_paper"));
        if (s->how == CRASH)
                *(volatile int *)NULL = 1;
        if (s->how == IGNORE)
                cop_ignore();
        if (s->how == HANG)
                cop_sleep(COP_FOREVER);
}

static void listener_on_fire(listener *self, const fire *f)
{
        self->count++;
        says(self, "fire");
        if (f->floor == 13)
                cop_exit(cop_atom("bad_luck"));
        if (f->floor == 14)
                *(volatile int *)NULL = 1;
        if (f->floor == 15)
                cop_exit(cop_atom("remove_handler"));
        if (f->floor == 17)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(water)));
        if (f->floor == 16) {
                cop_sleep(5);
                says(self, "done");
        }
}

static void listener_on_question(listener *self, const question *q)
{
        if (q->number == 13)
                cop_exit(cop_atom("bad_luck"));
        if (q->number != 0)
                cop_reply(reply, self->count * 100 + q->number);
}

static void listener_terminate(listener *self, cop_term reason)
{
        char text[32];
        cop_term_print(reason, NULL, text, sizeof(text));
        says(self, text);
}

COP_SERVER(listener, COP_INIT_WITH(setup, listener_init), COP_ON(fire, listener_on_fire),
           COP_ON(question, listener_on_question), COP_TERMINATE(listener_terminate));

typedef listener last;
static void last_on_delete(last *self, const cop_handler_delete *d)
{
        if (cop_term_equal(d->argument, cop_int(13)))
                cop_exit(cop_atom("bad_luck"));
        cop_reply(cop_any, COP_TUPLE(cop_atom("counted"), cop_int(self->count), d->argument));
}
COP_SERVER(last, COP_INIT_WITH(setup, listener_init), COP_ON(fire, listener_on_fire),
           COP_ON(cop_handler_delete, last_on_delete));

/* Its terminate is a bug. */
typedef listener sore;
static void sore_terminate(sore *self, cop_term reason)
{
        (void)self;
        cop_exit(COP_TUPLE(cop_atom("sore"), reason));
}
COP_SERVER(sore, COP_INIT_WITH(setup, listener_init), COP_TERMINATE(sore_terminate));

static cop_status add_as(const char *id, const cop_behaviour *server, int64_t how, bool supervised)
{
        setup s = { cop_symbol_of(id), cop_self(), how };
        return cop_add_handler("alarms", .id = id, .server = server, .kind = COP_KIND_OF(setup),
                               .argument = &s, .supervised = supervised,
                               .start_ms = how == HANG ? 1 : 0);
}

static void add(const char *id)
{
        ck_assert_int_eq(add_as(id, &listener_server, START_WELL, false), COP_OK);
}

static void add_supervised(const char *id)
{
        ck_assert_int_eq(add_as(id, &listener_server, START_WELL, true), COP_OK);
}

static cop_pid alarms(void)
{
        return cop_spawn_server(&cop_event_manager, "alarms");
}

static void await_heard(const char *who, const char *what)
{
        cop_auto message = await(COP_KIND(heard));
        ck_assert_str_eq(cop_read(heard, message)->who, who);
        ck_assert_str_eq(cop_read(heard, message)->what, what);
}

static void await_gone(const char *id, const char *reason)
{
        cop_auto message = await(COP_KIND(cop_handler_gone));
        const cop_handler_gone *gone = cop_read(cop_handler_gone, message);
        ck_assert_str_eq(gone->id.text, id);
        ck_assert_str_eq(text_of(gone->reason), reason);
}

static const char *handlers(void)
{
        cop_term ids;
        ck_assert_int_eq(cop_handlers("alarms", &ids), COP_OK);
        const char *text = text_of(ids);
        cop_term_free(ids);
        return text;
}

/* ---- Events --------------------------------------------------------------------- */

IN_NODE(GEV_01_every_handler_hears_an_event_the_newest_first)
{
        cop_pid pid = alarms();
        add("a");
        add("b");
        add("c");
        ck_assert_int_eq(cop_notify("alarms", fire, 1), COP_OK);
        await_heard("c", "fire");
        await_heard("b", "fire");
        await_heard("a", "fire");
        put_down(pid);
}

IN_NODE(GEV_14_a_sync_notify_returns_when_every_handler_has_finished)
{
        cop_pid pid = alarms();
        add("a");
        add("b");
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, fire, 16), COP_OK);
        /* The last that each told us is here. */
        for (int i = 0; i < 2; i++) {
                cop_auto done = cop_receive(0, COP_FIELD(heard, what, "done"));
                ck_assert_ptr_nonnull(done);
        }
        put_down(pid);
}

IN_NODE(GEV_15_an_event_for_nobody_is_dropped_and_a_sync_one_is_an_error)
{
        cop_pid pid = alarms();
        put_down(pid);
        ck_assert_int_eq(cop_notify(pid, fire, 1), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", fire, 1), COP_E_NO_NAME);
        ck_assert_int_eq(cop_sync_notify(pid, PATIENCE_MS, fire, 1), COP_E_NO_ACTOR);
}

IN_NODE(an_event_that_a_handler_has_no_entry_for_passes_it_by)
{
        cop_pid pid = alarms();
        add("a");
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, water, 1), COP_OK);
        nothing_has_come();
        ck_assert_str_eq(handlers(), "[\"a\"]");
        put_down(pid);
}

/* ---- Adding and deleting ------------------------------------------------------------ */

TEST(outside_a_node_no_event_manager_is_asked)
{
        cop_message *answer = NULL;
        const question asked = { .number = 7 };
        ck_assert_int_eq(cop_add_handler("alarms", .id = "a", .server = &listener_server, .kind = COP_KIND_OF(setup),
                                         .argument = &(setup){ .how = 0 }), COP_E_NO_NODE);
        ck_assert_int_eq(cop_call_handler_value(&answer, cop_to_name("alarms"), "a", 10, COP_KIND_OF(question), &asked),
                         COP_E_NO_NODE);
        ck_assert_ptr_null(answer);
}

IN_NODE(GEV_08_a_handler_whose_init_fails_is_not_added)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &listener_server, FAIL, true), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "no_paper");
        ck_assert_int_eq(add_as("a", &listener_server, CRASH, true), COP_E_DIED);
        ck_assert(cop_is_tuple(cop_failure(), "fault", 5));
        ck_assert_int_eq(add_as("a", &listener_server, IGNORE, true), COP_E_IGNORED);
        ck_assert_int_eq(add_as("a", &listener_server, HANG, true), COP_E_TIMEOUT);
        ck_assert_str_eq(handlers(), "[]");
        ck_assert_int_eq(cop_add_handler("alarms", .server = &listener_server), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_add_handler("alarms", .id = "a"), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_add_handler("nobody", .id = "a", .server = &listener_server),
                         COP_E_NO_NAME);
        nothing_has_come();
        put_down(pid);
}

/* Asks its manager in its init. */
typedef listener nosy;
static void nosy_init(nosy *self, const setup *s)
{
        cop_term ids;
        listener_init(self, s);
        says(self, cop_handlers("alarms", &ids) == COP_E_CYCLE ? text_of(cop_failure()) : "answered");
}
COP_SERVER(nosy, COP_INIT_WITH(setup, nosy_init), COP_ON(fire, listener_on_fire));

IN_NODE(an_init_of_a_handler_that_asks_its_manager_is_told_at_once_that_it_closes_a_ring)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &nosy_server, START_WELL, true), COP_OK);
        cop_auto message = await(COP_KIND(heard));
        char ring[32];
        cop_term members = COP_LIST(cop_pid_term(cop_message_from(message)), cop_pid_term(pid));
        snprintf(ring, sizeof(ring), "%s", text_of(COP_TUPLE(cop_atom("calling_cycle"), members)));
        ck_assert_str_eq(cop_read(heard, message)->what, ring);
        ck_assert_str_eq(handlers(), "[\"a\"]");
        cop_notify("alarms", fire, 1);
        await_heard("a", "fire");
        put_down(pid);
}

IN_NODE(GEV_09_the_same_server_may_be_added_twice_under_two_ids)
{
        cop_pid pid = alarms();
        add("a");
        add("b");
        ck_assert_int_eq(add_as("a", &listener_server, START_WELL, false), COP_E_TAKEN);
        ck_assert_str_eq(handlers(), "[\"b\", \"a\"]");
        put_down(pid);
}

IN_NODE(GEV_07_who_is_deleted_has_the_last_word)
{
        cop_pid pid = alarms();
        cop_term words;
        ck_assert_int_eq(add_as("a", &last_server, START_WELL, false), COP_OK);
        add("b");
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, fire, 1), COP_OK);
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_int(7), &words), COP_OK);
        ck_assert_str_eq(text_of(words), "{counted, 1, 7}");
        cop_term_free(words);
        ck_assert_int_eq(cop_delete_handler("alarms", "b", cop_nil(), &words), COP_OK);
        ck_assert_str_eq(text_of(words), "[]");
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_nil(), NULL), COP_E_NOT_FOUND);
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

IN_NODE(GEV_07_who_crashes_at_its_deletion_is_gone_and_the_deleter_told_why)
{
        cop_pid pid = alarms();
        cop_term words = cop_atom("untouched");
        ck_assert_int_eq(add_as("a", &last_server, START_WELL, true), COP_OK);
        ck_assert_int_eq(add_as("b", &sore_server, START_WELL, true), COP_OK);
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_int(13), &words), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "bad_luck");
        await_gone("a", "normal");
        ck_assert_int_eq(cop_delete_handler("alarms", "b", cop_nil(), &words), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "{sore, normal}");
        await_gone("b", "normal");
        ck_assert_str_eq(text_of(words), "untouched");
        ck_assert_str_eq(handlers(), "[]");
        nothing_has_come();
        put_down(pid);
}

/* ---- Ends ------------------------------------------------------------------------------ */

IN_NODE(GEV_03_the_owner_of_a_handler_that_crashes_is_told_why)
{
        cop_pid pid = alarms();
        add("a");
        add_supervised("b");
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, fire, 13), COP_OK);
        await_gone("b", "bad_luck");
        ck_assert_str_eq(handlers(), "[]"); /* a had the same bad luck, and no owner */
        await_heard("b", "fire");
        await_heard("b", "bad_luck"); /* its terminate */
        await_heard("a", "fire");
        await_heard("a", "bad_luck");
        put_down(pid);
}

IN_NODE(a_handler_that_faults_fails_alone)
{
        cop_pid pid = alarms();
        add("a");
        ck_assert_int_eq(add_as("b", &last_server, START_WELL, true), COP_OK);
        cop_send("alarms", fire, 14);
        await_heard("b", "fire");
        cop_auto message = await(COP_KIND(cop_handler_gone));
        ck_assert(cop_is_tuple(cop_read(cop_handler_gone, message)->reason, "fault", 5));
        await_heard("a", "fire");
        ck_assert(cop_is_alive(pid));
        put_down(pid);
}

IN_NODE(GEV_05_the_owner_of_a_handler_that_is_deleted_hears_normal)
{
        cop_pid pid = alarms();
        add_supervised("a");
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_nil(), NULL), COP_OK);
        await_gone("a", "normal");
        await_heard("a", "normal");
        put_down(pid);
}

/* ---- One instead of another ------------------------------------------------------- */

typedef struct {
        listener base;
} heir;
static void heir_init(heir *self, const setup *s)
{
        listener_init(&self->base, s);
}
static void heir_on_takes_over(heir *self, const cop_handler_takes_over *over)
{
        char text[32];
        snprintf(text, sizeof(text), "%s left %s", over->from.text, text_of(over->left));
        says(&self->base, text);
        if (cop_is_atom(over->left, "error"))
                cop_exit(cop_atom("nothing_left"));
}
static void heir_on_fire(heir *self, const fire *f)
{
        listener_on_fire(&self->base, f);
}
COP_SERVER(heir, COP_INIT_WITH(setup, heir_init), COP_ON(cop_handler_takes_over, heir_on_takes_over),
           COP_ON(fire, heir_on_fire));

static cop_status swap_for(const char *old, const char *id, const cop_behaviour *server, int64_t how,
                           bool supervised)
{
        setup s = { cop_symbol_of(id), cop_self(), how };
        return cop_swap_handler("alarms", old, cop_int(5), .id = id, .server = server,
                                .kind = COP_KIND_OF(setup), .argument = &s, .supervised = supervised);
}

IN_NODE(GEV_05_who_takes_anothers_place_hears_what_it_has_left)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &last_server, START_WELL, true), COP_OK);
        add("b");
        cop_notify("alarms", fire, 1);
        await_heard("b", "fire");
        await_heard("a", "fire");
        ck_assert_int_eq(swap_for("a", "c", &heir_server, START_WELL, false), COP_OK);
        await_heard("c", "a left {counted, 1, 5}");
        await_gone("a", "{swapped, c}");
        ck_assert_str_eq(handlers(), "[\"c\", \"b\"]");
        cop_notify("alarms", fire, 13); /* its owner is that of the old one */
        await_heard("c", "fire");
        await_gone("c", "bad_luck");
        await_heard("b", "fire");
        await_heard("b", "bad_luck");
        put_down(pid);
}

IN_NODE(GEV_05_who_takes_the_place_of_one_that_crashes_at_it_hears_that)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &last_server, START_WELL, false), COP_OK);
        setup s = { cop_symbol_of("c"), cop_self(), START_WELL };
        ck_assert_int_eq(cop_swap_handler("alarms", "a", cop_int(13), .id = "c", .server = &heir_server,
                                          .kind = COP_KIND_OF(setup), .argument = &s),
                         COP_OK);
        await_heard("c", "a left {'EXIT', bad_luck}");
        ck_assert_str_eq(handlers(), "[\"c\"]");
        put_down(pid);
}

IN_NODE(GEV_05_a_handler_may_give_way_to_one_of_its_own_id)
{
        cop_pid pid = alarms();
        add("a");
        ck_assert_int_eq(swap_for("a", "a", &listener_server, START_WELL, true), COP_OK);
        await_heard("a", "normal");
        ck_assert_str_eq(handlers(), "[\"a\"]");
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_nil(), NULL), COP_OK);
        await_gone("a", "normal");
        await_heard("a", "normal");
        put_down(pid);
}

IN_NODE(GEV_08_who_cannot_take_anothers_place_leaves_it_empty)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(swap_for("x", "a", &listener_server, START_WELL, false), COP_OK);
        ck_assert_int_eq(swap_for("y", "a", &listener_server, START_WELL, false), COP_E_TAKEN);
        ck_assert_int_eq(swap_for("y", "b", &heir_server, START_WELL, true), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "nothing_left");
        await_heard("b", "y left error");
        add("b");
        ck_assert_int_eq(swap_for("a", "b", &listener_server, START_WELL, false), COP_E_TAKEN);
        ck_assert_str_eq(handlers(), "[\"b\", \"a\"]");
        ck_assert_int_eq(swap_for("a", "c", &listener_server, FAIL, true), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "no_paper");
        await_heard("a", "normal");
        ck_assert_str_eq(handlers(), "[\"b\"]");
        ck_assert_int_eq(swap_for("", "c", &listener_server, START_WELL, false), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(swap_for("b", "", &listener_server, START_WELL, false), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_swap_handler_in(cop_to_pid(pid), "b", cop_nil(), NULL), COP_E_BAD_ARGUMENT);
        nothing_has_come();
        put_down(pid);
}

IN_NODE(GEV_06_when_the_manager_stops_all_handlers_are_terminated)
{
        cop_pid pid = alarms();
        add_supervised("a");
        add("b");
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_OK);
        await_heard("b", "stop");
        await_heard("a", "stop");
        await_gone("a", "shutdown");
        nothing_has_come();
}

IN_NODE(GEV_10_a_handler_may_remove_itself)
{
        cop_pid pid = alarms();
        add_supervised("a");
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, fire, 15), COP_OK);
        await_heard("a", "fire");
        await_heard("a", "remove_handler");
        await_gone("a", "normal");
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

/* Of a manager with one: whom it is linked to that is not the claim's own thread. */
static cop_pid handler_of(cop_pid manager)
{
        const char *links = info_of(manager, "links");
        cop_pid found = cop_no_pid();
        cop_term list;
        ck_assert_int_eq(cop_term_parse(links, strlen(links), NULL, &list, NULL), COP_OK);
        for (uint32_t i = 0; i < list.count; i++)
                if (!cop_pid_equal(list.as.items[i].as.pid, cop_self()))
                        found = list.as.items[i].as.pid;
        cop_term_free(list);
        return found;
}

/* It cannot return a wrong value, since handlers return none; it can end for a reason of its own at any time. */
IN_NODE(GEV_11_a_handler_that_ends_by_itself_is_removed_with_its_reason)
{
        cop_pid pid = alarms();
        cop_term ids;
        add_supervised("a");
        ck_assert_int_eq(cop_handlers("alarms", &ids), COP_OK);
        cop_term_free(ids);
        ck_assert_int_eq(cop_send_exit(handler_of(pid), cop_atom("garbage")), COP_OK);
        await_gone("a", "garbage");
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

static void owns_and_ends(const setup *s)
{
        setup own = { s->who, s->teller, START_WELL };
        cop_add_handler("alarms", .id = "owned", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        cop_exit(cop_atom("owner_ends"));
}

IN_NODE(a_supervised_handler_ends_with_its_owner)
{
        cop_pid pid = alarms();
        cop_ref ref = spawn_watched(RUN_WITH(owns_and_ends, setup, .who = COP_SYMBOL("o"),
                                             .teller = cop_self()));
        await_down(ref, "owner_ends");
        await_heard("o", "{stop, owner_ends}");
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

static void owner_says(const setup *s, const char *what)
{
        const listener owner = { .who = "owner", .teller = s->teller };
        says(&owner, what);
}

static void owns_and_waits(const setup *s)
{
        setup own = { s->who, s->teller, START_WELL };
        cop_trap_exit(s->how != 0);
        cop_add_handler("alarms", .id = "owned", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        owner_says(s, "ready");
        cop_auto exited = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
        cop_exit(COP_TUPLE(cop_atom("told"), cop_read(cop_exited, exited)->reason));
}

IN_NODE(the_kill_of_a_manager_ends_the_owner_of_a_supervised_handler_or_is_told_if_it_traps)
{
        for (int traps = 0; traps < 2; traps++) {
                cop_pid pid = alarms();
                cop_ref ref = spawn_watched(RUN_WITH(owns_and_waits, setup, .who = COP_SYMBOL("o"),
                                                     .teller = cop_self(), .how = traps));
                await_heard("owner", "ready");
                put_down(pid);
                await_down(ref, traps ? "{told, killed}" : "killed");
        }
}

static void owns_and_goes_on(const setup *s)
{
        setup own = { s->who, s->teller, START_WELL };
        cop_add_handler("alarms", .id = "one", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        cop_add_handler("alarms", .id = "two", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        owner_says(s, "ready");
        for (int i = 0; i < 2; i++)
                await_and_drop(COP_KIND(cop_handler_gone));
        owner_says(s, "told");
        await_and_drop(COP_KIND(fire));
}

IN_NODE(GEV_06_an_owner_outlives_a_manager_that_stops_for_whatever_reason)
{
        cop_pid pid = alarms();
        cop_pid owner = cop_spawn_with(owns_and_goes_on, setup, .who = COP_SYMBOL("o"), .teller = cop_self());
        cop_ref ref = watch(owner);
        await_heard("owner", "ready");
        ck_assert_int_eq(cop_stop(pid, cop_atom("shutdown"), PATIENCE_MS), COP_OK);
        for (int i = 0; i < 2; i++)
                await_heard("o", "stop");
        await_heard("owner", "told");
        cop_send(owner, fire, 1);
        await_down(ref, "normal");
}

IN_NODE(the_link_to_an_owner_ends_with_its_last_handler)
{
        cop_pid pid = alarms();
        cop_pid owner = cop_spawn_with(owns_and_goes_on, setup, .who = COP_SYMBOL("o"), .teller = cop_self());
        cop_ref ref = watch(owner);
        await_heard("owner", "ready");
        ck_assert_int_eq(cop_delete_handler("alarms", "one", cop_nil(), NULL), COP_OK);
        await_heard("o", "normal");
        ck_assert(strstr(info_of(owner, "links"), "<") != NULL);
        ck_assert_int_eq(cop_delete_handler("alarms", "two", cop_nil(), NULL), COP_OK);
        await_heard("o", "normal");
        await_heard("owner", "told");
        put_down(pid);
        cop_send(owner, fire, 1);
        await_down(ref, "normal");
}

/* Who started it with a link keeps that, whatever else is between the two. */
static void starts_and_owns(const setup *s)
{
        cop_spawn_options options = { .server = &cop_event_manager, .name = "alarms", .link = true };
        setup own = { s->who, s->teller, START_WELL };
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_add_handler("alarms", .id = "owned", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        cop_delete_handler("alarms", "owned", cop_nil(), NULL);
        await_and_drop(COP_KIND(cop_handler_gone));
        cop_send_exit(pid, cop_atom("kill"));
        await_and_drop(COP_KIND(fire));
}

IN_NODE(who_has_no_handler_any_more_is_watched_by_no_manager)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &listener_server, START_WELL, true), COP_OK);
        await_true(strcmp(info_of(cop_self(), "monitored_by"), "[]") != 0);
        ck_assert_int_eq(cop_delete_handler("alarms", "a", cop_nil(), NULL), COP_OK);
        await_true(strcmp(info_of(cop_self(), "monitored_by"), "[]") == 0);
        put_down(pid);
}

IN_NODE(the_link_of_a_manager_to_its_parent_stays_when_a_handler_of_the_parent_goes)
{
        cop_ref ref = spawn_watched(RUN_WITH(starts_and_owns, setup, .who = COP_SYMBOL("o"), .teller = cop_self()));
        await_heard("o", "normal");
        await_down(ref, "killed");
}

/* Undoes its link at birth, and then owns two, with a link that it has made itself between. */
static void unlinks_and_owns(const setup *s)
{
        cop_spawn_options options = { .server = &cop_event_manager, .name = "alarms", .link = true };
        setup own = { s->who, s->teller, START_WELL };
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        if (s->how == 1)
                cop_unlink(pid);
        cop_add_handler("alarms", .id = "one", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        if (s->how == 2) {
                cop_unlink(pid);
                cop_add_handler("alarms", .id = "two", .server = &listener_server,
                                .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
                cop_delete_handler("alarms", "two", cop_nil(), NULL);
        }
        cop_send_exit(pid, cop_atom("kill"));
        cop_sleep(COP_FOREVER);
}

IN_NODE(a_manager_is_tied_to_its_parent_for_a_handler_also_if_that_has_unlinked)
{
        for (int64_t how = 1; how <= 2; how++)
                await_down(spawn_watched(RUN_WITH(unlinks_and_owns, setup, .who = COP_SYMBOL("o"),
                                                  .teller = cop_self(), .how = how)),
                           "killed");
}

static void swaps_and_waits(const setup *s)
{
        setup own = { s->who, s->teller, START_WELL };
        cop_add_handler("alarms", .id = "one", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        owner_says(s, "ready");
        cop_sleep(COP_FOREVER);
}

/* The owner is not who swaps; a new one that fails to start leaves it untied. */
IN_NODE(the_link_to_an_owner_stays_over_a_swap_and_ends_with_one_that_fails)
{
        cop_pid pid = alarms();
        cop_pid owner = cop_spawn_with(swaps_and_waits, setup, .who = COP_SYMBOL("o"), .teller = cop_self());
        cop_ref ref = watch(owner);
        await_heard("owner", "ready");
        ck_assert_int_eq(swap_for("one", "two", &listener_server, START_WELL, false), COP_OK);
        ck_assert_str_ne(info_of(owner, "links"), "[]");
        ck_assert_int_eq(swap_for("two", "three", &listener_server, FAIL, false), COP_E_DIED);
        ck_assert_str_eq(info_of(owner, "links"), "[]");
        put_down(owner);
        await_down(ref, "killed");
        put_down(pid);
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(heard))) != NULL) /* of those that are gone */
                cop_message_free(message);
}

/* As it would without memory to wait for the new handler. */
static void ends_here(void *unused)
{
        (void)unused;
        cop_exit(cop_atom("no_more"));
}

IN_NODE(an_owner_outlives_a_manager_that_ends_in_the_middle_of_a_swap)
{
        cop_pid pid = alarms();
        cop_ref end = watch(pid);
        cop_pid owner = cop_spawn_with(swaps_and_waits, setup, .who = COP_SYMBOL("o"), .teller = cop_self());
        await_heard("owner", "ready");
        cue_act("event_manager.swap", ends_here, NULL);
        ck_assert_int_eq(swap_for("one", "two", &listener_server, START_WELL, false), COP_E_DIED);
        ck_assert(cue_has_come("event_manager.swap"));
        await_down(end, "no_more");
        ck_assert_str_eq(info_of(owner, "links"), "[]");
        await_and_drop(COP_KIND(heard)); /* of the end of the old one */
        put_down(owner);
}

/* What it has sent itself ends it as soon as it has begun. */
typedef listener brief;
static cop_pid brief_pid;
static void brief_init(brief *self, const setup *s)
{
        listener_init(self, s);
        brief_pid = cop_self();
        cop_send(cop_self(), water);
}
static void brief_on_water(brief *self, const water *w)
{
        (void)self;
        (void)w;
        cop_exit(cop_atom("bad_luck"));
}
static void brief_on_takes_over(brief *self, const cop_handler_takes_over *over)
{
        (void)over;
        says(self, "takes over");
}
COP_SERVER(brief, COP_INIT_WITH(setup, brief_init), COP_ON(water, brief_on_water),
           COP_ON(cop_handler_takes_over, brief_on_takes_over));

static void awaits_the_end_of_the_brief(void *unused)
{
        (void)unused;
        while (cop_is_alive(brief_pid))
                cop_yield();
}

IN_NODE(a_swap_for_one_who_has_died_before_it_hears_what_was_left_to_it_says_why)
{
        cop_pid pid = alarms();
        add("a");
        cue_act("event_manager.hands_over", awaits_the_end_of_the_brief, NULL);
        ck_assert_int_eq(swap_for("a", "b", &brief_server, START_WELL, false), COP_E_DIED);
        ck_assert(cue_has_come("event_manager.hands_over"));
        ck_assert_str_eq(text_of(cop_failure()), "bad_luck");
        await_heard("a", "normal");
        ck_assert_str_eq(handlers(), "[]");
        nothing_has_come();
        put_down(pid);
}

IN_NODE(the_owner_of_one_who_could_not_take_over_is_neither_tied_to_its_manager_nor_watched)
{
        cop_pid pid = alarms();
        add("a");
        cue_act("event_manager.hands_over", awaits_the_end_of_the_brief, NULL);
        ck_assert_int_eq(swap_for("a", "b", &brief_server, START_WELL, true), COP_E_DIED);
        ck_assert(cue_has_come("event_manager.hands_over"));
        await_heard("a", "normal");
        ck_assert_str_eq(info_of(cop_self(), "links"), "[]");
        ck_assert_str_eq(info_of(cop_self(), "monitored_by"), "[]");
        nothing_has_come();
        put_down(pid);
}

IN_NODE(handlers_end_with_a_manager_that_is_killed)
{
        cop_pid pid = alarms();
        add_supervised("a");
        cop_ref ref = watch(handler_of(pid));
        put_down(pid);
        await_down(ref, "killed");
        await_exited(pid, "killed"); /* to an owner */
        nothing_has_come();
}

static void owns_and_ends_deep(const setup *s)
{
        setup own = { s->who, s->teller, START_WELL };
        cop_add_handler("alarms", .id = "owned", .server = &listener_server,
                        .kind = COP_KIND_OF(setup), .argument = &own, .supervised = true);
        cop_exit(nested_in(COP_TERM_DEPTH_MAX));
}

IN_NODE(a_supervised_handler_ends_with_its_owner_however_deep_that_ones_reason_is)
{
        cop_pid pid = alarms();
        cop_spawn_with(owns_and_ends_deep, setup, .who = COP_SYMBOL("o"), .teller = cop_self());
        await_heard("o", "{stop, too_deep}");
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

typedef listener well;
static void well_on_delete(well *self, const cop_handler_delete *d)
{
        (void)self;
        (void)d;
        cop_exit(nested_in(COP_TERM_DEPTH_MAX));
}
COP_SERVER(well, COP_INIT_WITH(setup, listener_init), COP_ON(cop_handler_delete, well_on_delete));

IN_NODE(who_takes_the_place_of_one_that_crashes_at_it_hears_that_however_deep_the_reason_is)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &well_server, START_WELL, false), COP_OK);
        ck_assert_int_eq(swap_for("a", "c", &heir_server, START_WELL, false), COP_OK);
        await_heard("c", "a left {'EXIT', too_deep}");
        ck_assert_str_eq(handlers(), "[\"c\"]");
        put_down(pid);
}

/* Says something to its manager, as any actor may, and goes on. */
typedef listener loud;
static void loud_on_fire(loud *self, const fire *f)
{
        (void)f;
        cop_send_exit(cop_parent(), cop_atom("boom"));
        says(self, "signalled");
}
COP_SERVER(loud, COP_INIT_WITH(setup, listener_init), COP_ON(fire, loud_on_fire), COP_TERMINATE(listener_terminate));

IN_NODE(a_handler_that_sends_its_manager_an_exit_signal_stays_and_ends_with_it)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("l", &loud_server, START_WELL, true), COP_OK);
        ck_assert_int_eq(cop_sync_notify("alarms", PATIENCE_MS, fire, .floor = 1), COP_OK);
        await_heard("l", "signalled");
        ck_assert_str_eq(handlers(), "[\"l\"]");
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_OK);
        await_heard("l", "stop");
        await_gone("l", "shutdown");
}

/* When what it has said is heard, it is dead. */
typedef listener liar;
static void liar_on_water(liar *self, const water *w)
{
        (void)self;
        (void)w;
        cop_send_exit(cop_parent(), cop_atom("normal"));
        cop_exit(cop_atom("boom"));
}
COP_SERVER(liar, COP_INIT_WITH(setup, listener_init), COP_ON(water, liar_on_water));

IN_NODE_WITH(a_handler_that_says_normal_to_its_manager_and_crashes_has_crashed, .workers = 1)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("l", &liar_server, START_WELL, true), COP_OK);
        ck_assert_int_eq(cop_send(handler_of(pid), water, .floor = 1), COP_OK);
        await_gone("l", "boom");
        put_down(pid);
}

/* ---- Calls ------------------------------------------------------------------------------- */

IN_NODE(GEV_13_a_handler_can_be_called_and_one_that_crashes_at_it_is_removed)
{
        cop_pid pid = alarms();
        cop_message *answer;
        add_supervised("a");
        ck_assert_int_eq(cop_call_handler(&answer, "alarms", "b", PATIENCE_MS, question, 1),
                         COP_E_NOT_FOUND);
        cop_notify("alarms", fire, 1);
        ck_assert_int_eq(cop_call_handler(&answer, "alarms", "a", PATIENCE_MS, question, 7), COP_OK);
        ck_assert_int_eq(cop_read(reply, answer)->number, 107);
        cop_message_free(answer);
        ck_assert_int_eq(cop_call_handler(&answer, "alarms", "a", PATIENCE_MS, question, 0),
                         COP_E_NO_REPLY);
        ck_assert_int_eq(cop_call_handler(&answer, "alarms", "a", PATIENCE_MS, question, 13),
                         COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "bad_luck");
        await_gone("a", "bad_luck");
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

/* Its init says that it is there, and waits for an answer. */
typedef listener slow;
static void slow_init(slow *self, const setup *s)
{
        listener_init(self, s);
        says(self, "init");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(water)));
}
COP_SERVER(slow, COP_INIT_WITH(setup, slow_init), COP_ON(fire, listener_on_fire));

/* Adds a handler, supervised, and says how that went and what it hears of it, with an unread message in its only place. */
static void owns_and_has_no_room(const setup *s)
{
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        setup of_handler = { cop_symbol_of("bell"), s->teller, START_WELL };
        cop_status status = cop_add_handler("alarms", .id = "bell", .server = &slow_server, .kind = COP_KIND_OF(setup),
                                            .argument = &of_handler, .supervised = true, .start_ms = PATIENCE_MS);
        cop_send(s->teller, reply, .number = status);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_handler_gone)));
        cop_send(s->teller, reply, .number = -1);
}

static void expect_reply(int64_t number)
{
        cop_auto message = await(COP_KIND(reply));
        ck_assert_int_eq(cop_read(reply, message)->number, number);
}

IN_NODE(news_of_handlers_find_their_way_into_full_mailboxes)
{
        cop_pid manager, owner;
        setup s = { cop_symbol_of(""), cop_self(), START_WELL };
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &cop_event_manager, .name = "alarms",
                                                             .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT },
                                       &manager),
                         COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(owns_and_has_no_room, setup),
                                                             .kind = COP_KIND_OF(setup), .argument = &s,
                                                             .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT },
                                       &owner),
                         COP_OK);
        settle_with(owner);
        ck_assert_int_eq(cop_send(owner, water), COP_OK);
        cop_send_exit(owner, cop_atom("go"));
        cop_auto message = await(COP_KIND(heard));
        cop_pid handler = cop_message_from(message);
        ck_assert_int_eq(cop_notify("alarms", fire, .floor = 1), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", fire, .floor = 1), COP_E_FULL);
        cop_send(handler, water);
        expect_reply(COP_OK);
        await_and_drop(COP_KIND(heard)); /* the event */
        put_down(handler);
        expect_reply(-1);
        put_down(manager);
}

/* It hears whatever comes. */
typedef listener all_ears;
static void all_ears_otherwise(all_ears *self, cop_message *event)
{
        says(self, cop_message_kind(event)->name);
}
COP_SERVER(all_ears, COP_INIT_WITH(setup, listener_init), COP_OTHERWISE(all_ears_otherwise));

IN_NODE(the_news_of_a_start_that_was_given_up_is_no_event)
{
        cop_pid pid = alarms();
        ck_assert_int_eq(add_as("a", &all_ears_server, START_WELL, false), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", cop_started, .pid = cop_self(), .extra = cop_nil()), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", fire, 1), COP_OK);
        await_heard("a", "fire");
        put_down(pid);
}

/* It answers an event, and goes on with it. */
typedef listener hasty;
static void hasty_on_fire(hasty *self, const fire *f)
{
        cop_reply(reply, .number = f->floor);
        says(self, "answered");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(water)));
        says(self, "done");
        if (f->floor == 13)
                cop_exit(cop_atom("bad_luck"));
}
COP_SERVER(hasty, COP_INIT_WITH(setup, listener_init), COP_ON(fire, hasty_on_fire));

static cop_pid await_from(const char *who, const char *what)
{
        cop_auto message = await(COP_KIND(heard));
        const heard *h = cop_read(heard, message);
        ck_assert_str_eq(h->who, who);
        ck_assert_str_eq(h->what, what);
        return cop_message_from(message);
}

IN_NODE(who_answers_an_event_and_goes_on_with_it_is_waited_for_before_the_next_hears_it)
{
        cop_pid pid = alarms();
        add("a");
        ck_assert_int_eq(add_as("b", &hasty_server, START_WELL, true), COP_OK);
        for (int64_t floor = 12; floor <= 13; floor++) {
                ck_assert_int_eq(cop_notify("alarms", fire, .floor = floor), COP_OK);
                cop_pid b = await_from("b", "answered");
                await_true(is_waiting(node, b) && is_waiting(node, pid));
                cop_send(b, water);
                await_from("b", "done");
                if (floor == 13)
                        await_gone("b", "bad_luck");
                await_from("a", "fire");
                if (floor == 13)
                        await_from("a", "bad_luck");
        }
        ck_assert_str_eq(handlers(), "[]");
        put_down(pid);
}

/* ---- Somebody's time ---------------------------------------------------------------- */

IN_NODE(every_handler_hears_an_event_though_its_notifier_gives_up_at_one_before_it)
{
        cop_pid pid = alarms(), newest = cop_no_pid();
        add("a");
        add("b");
        while (newest.bits == 0) {
                ck_assert_int_eq(cop_sync_notify("alarms", 20, fire, .floor = 17), COP_E_TIMEOUT);
                cop_auto message = cop_receive(0, COP_KIND(heard));
                newest = message != NULL ? cop_message_from(message) : cop_no_pid();
        }
        cop_send(newest, water);
        cop_pid older = await_from("a", "fire");
        cop_send(older, water);
        ck_assert_str_eq(handlers(), "[\"b\", \"a\"]");
        nothing_has_come();
        put_down(pid);
}

typedef struct {
        cop_pid teller;
} errand;
COP_MESSAGE(errand, teller);

/* ---- An end that nobody has heard of yet ---------------------------------------------- */

typedef struct {
        int64_t status;
        cop_term reason;
} told;
COP_MESSAGE(told, status, reason);

static void deletes(const errand *e)
{
        cop_status status = cop_delete_handler("alarms", "a", cop_nil(), NULL);
        cop_send(e->teller, told, .status = status, .reason = cop_failure());
}

static void swaps(const errand *e)
{
        cop_status status = swap_for("a", "h", &heir_server, START_WELL, false);
        cop_send(e->teller, told, .status = status, .reason = cop_failure());
        cop_message_free(cop_receive(COP_FOREVER, COP_FIELD(heard, what, "a left {'EXIT', bad_luck}")));
        cop_send(e->teller, told, .status = COP_OK);
}

/* What a handler died of, for its owner, lies in the manager's mailbox behind the request that is about it. */
static void dies_behind(cop_node *node, void (*request)(const errand *), cop_status expected, const char *reason)
{
        cop_pid pid = alarms(), asker;
        ck_assert_int_eq(add_as("a", &last_server, START_WELL, true), COP_OK);
        add("s");
        cop_notify("alarms", fire, 1);
        await_from("s", "fire");
        cop_pid a = await_from("a", "fire");
        cop_notify("alarms", fire, 17);
        cop_pid s = await_from("s", "fire"); /* and the manager is with it until some water comes */
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(request, errand),
                                                             .kind = COP_KIND_OF(errand),
                                                             .argument = &(errand){ cop_self() } },
                                       &asker),
                         COP_OK);
        await_true(is_waiting(node, asker));
        cop_ref down = watch(a);
        cop_send_exit(a, cop_atom("bad_luck"));
        await_down(down, "bad_luck");
        cop_send(s, water);
        cop_auto message = await(COP_KIND(told));
        ck_assert_int_eq(cop_read(told, message)->status, expected);
        if (expected != COP_OK)
                ck_assert_str_eq(text_of(cop_read(told, message)->reason), "bad_luck");
        await_gone("a", reason);
        if (expected == COP_OK)
                await_and_drop(COP_KIND(told));
        nothing_has_come();
        put_down(pid);
}

IN_NODE(GEV_03_who_deletes_a_handler_that_has_just_crashed_is_told_why_and_so_is_its_owner)
{
        dies_behind(node, deletes, COP_E_DIED, "bad_luck");
}

IN_NODE(GEV_03_who_takes_the_place_of_one_that_has_just_crashed_is_told_why_and_so_is_its_owner)
{
        dies_behind(node, swaps, COP_OK, "bad_luck");
}

/* Takes its time at its deletion. */
typedef listener slow_at_last;
static void slow_at_last_on_delete(slow_at_last *self, const cop_handler_delete *d)
{
        (void)d;
        says(self, "delete");
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(water)));
        cop_reply(cop_any, cop_atom("done"));
}
COP_SERVER(slow_at_last, COP_INIT_WITH(setup, listener_init), COP_ON(cop_handler_delete, slow_at_last_on_delete),
           COP_TERMINATE(listener_terminate));

/* At somebody's call it adds a handler, when that one has given up, and swaps another; how that went is told. */
typedef struct {
        int64_t unused;
} porter;

static void porter_on_errand(porter *self, const errand *e)
{
        (void)self;
        setup s = { cop_symbol_of("a"), e->teller, START_WELL };
        cop_send(e->teller, reply, .number = -1);
        while (cop_time_left() > 0)
                cop_yield();
        cop_status status = cop_add_handler("alarms", .id = "a", .server = &slow_server, .kind = COP_KIND_OF(setup),
                                            .argument = &s, .start_ms = PATIENCE_MS);
        cop_send(e->teller, reply, .number = status);
}

static void porter_on_question(porter *self, const question *q)
{
        (void)self;
        cop_pid teller = { (uint64_t)q->number };
        setup s = { cop_symbol_of("b"), teller, START_WELL };
        cop_send(teller, reply, .number = -1);
        cop_status status = cop_swap_handler("alarms", "a", cop_nil(), .id = "b", .server = &heir_server,
                                             .kind = COP_KIND_OF(setup), .argument = &s);
        cop_send(teller, reply, .number = status);
}
COP_SERVER(porter, COP_ON(errand, porter_on_errand), COP_ON(question, porter_on_question));

IN_NODE(a_handler_that_is_added_for_one_who_has_given_up_is_there_and_said_to_be)
{
        cop_pid pid = alarms(), helper = cop_spawn_server(&porter_server, NULL);
        cop_message *begun = NULL;
        while (begun == NULL) {
                ck_assert_int_eq(cop_call(NULL, helper, 20, errand, .teller = cop_self()), COP_E_TIMEOUT);
                begun = cop_receive(0, COP_KIND(reply));
        }
        cop_message_free(begun);
        cop_send(await_from("a", "init"), water);
        expect_reply(COP_OK);
        ck_assert_str_eq(handlers(), "[\"a\"]");
        put_down(helper);
        put_down(pid);
}

IN_NODE(a_handler_that_is_swapped_for_one_who_gives_up_has_its_last_words_and_an_heir)
{
        cop_pid pid = alarms(), helper = cop_spawn_server(&porter_server, NULL);
        cop_message *begun = NULL;
        ck_assert_int_eq(add_as("a", &slow_at_last_server, START_WELL, false), COP_OK);
        while (begun == NULL) {
                ck_assert_int_eq(cop_call(NULL, helper, 20, question, .number = (int64_t)cop_self().bits), COP_E_TIMEOUT);
                begun = cop_receive(0, COP_KIND(reply));
        }
        cop_message_free(begun);
        cop_send(await_from("a", "delete"), water);
        await_heard("a", "normal");
        await_heard("b", "a left done");
        expect_reply(COP_OK);
        ck_assert_str_eq(handlers(), "[\"b\"]");
        put_down(helper);
        put_down(pid);
}

IN_NODE(managers_come_and_go_and_leave_nothing)
{
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 50; i++) {
                cop_pid pid = alarms();
                add_supervised("a");
                add("b");
                cop_notify("alarms", fire, i % 2 == 0 ? 13 : 1);
                if (i % 3 == 0)
                        put_down(pid);
                else
                        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_OK);
                cop_message *message;
                while ((message = cop_receive(0, COP_ANY)) != NULL)
                        cop_message_free(message);
        }
        /* Handlers of those that were killed may still be on their way out, and tell. */
        await_true((cop_message_free(cop_receive(0, COP_ANY)), blocks_in_use(node) <= before + 8));
}

typedef struct {
        cop_text text;
} badge;
COP_MESSAGE(badge, text);

IN_NODE(an_argument_that_cannot_be_copied_and_a_manager_that_is_dead_are_told)
{
        cop_pid manager = cop_spawn_server(&cop_event_manager, NULL);
        ck_assert_int_eq(cop_add_handler(manager, .id = "a", .server = &listener_server, .kind = COP_KIND_OF(badge),
                                         .argument = &(badge){ .text = { 5, NULL } }),
                         COP_E_BAD_ARGUMENT);
        put_down(manager);
        cop_message *answer = NULL;
        ck_assert_int_eq(cop_call_handler(&answer, manager, "a", PATIENCE_MS, question, .number = 1), COP_E_NO_ACTOR);
        ck_assert_ptr_null(answer);
}

/* Of a part that came later than the node's list of kinds, say: the runtime's own are in none, either. */
typedef struct {
        int64_t number;
} cop__unlisted;
COP__KIND_DECLARE(cop__unlisted);
COP__KIND_DEFINE(cop__unlisted, number);

static void clerk_on_unlisted(listener *self, const cop__unlisted *u)
{
        cop_reply(reply, self->count + u->number);
}
typedef listener clerk;
COP_SERVER(clerk, COP_ON(cop__unlisted, clerk_on_unlisted));

IN_NODE(a_handler_is_called_with_whatever_kind_it_hears)
{
        cop_pid pid = alarms();
        cop_auto answer = NULL;
        ck_assert_int_eq(cop_add_handler("alarms", .id = "clerk", .server = &clerk_server), COP_OK);
        ck_assert_int_eq(cop_call_handler(&answer, "alarms", "clerk", PATIENCE_MS, cop__unlisted, .number = 3), COP_OK);
        ck_assert_int_eq(cop_read(reply, answer)->number, 3);
        ck_assert_int_eq(cop_call_handler(NULL, "alarms", "clerk", PATIENCE_MS, badge, .text = cop_text_of("\xe9")),
                         COP_E_MALFORMED);
        ck_assert_str_eq(handlers(), "[\"clerk\"]");
        put_down(pid);
}

TEST(who_is_in_no_node_adds_no_handler_and_its_argument_goes)
{
        ck_assert_int_eq(cop_add_handler(cop_to_name("manager"), .id = "a", .server = &listener_server,
                                         .kind = COP_KIND_OF(badge), .argument = &(badge){ .text = COP_TEXT("a text of some length") }),
                         COP_E_NO_NODE);
}

/* Takes an hour to terminate. */
typedef struct {
        int64_t unused;
} sloth;

static void sloth_init(sloth *self)
{
        (void)self;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_register("sloth", cop_self()), COP_OK);
}

static void sloth_on_fire(sloth *self, const fire *f)
{
        (void)self;
        (void)f;
}

static void sloth_terminate(sloth *self, cop_term reason)
{
        (void)self;
        (void)reason;
        cop_sleep(3600000);
}

COP_SERVER(sloth, COP_INIT(sloth_init), COP_ON(fire, sloth_on_fire), COP_TERMINATE(sloth_terminate));

TEST(a_handler_that_takes_too_long_to_terminate_is_killed)
{
        cop_simulation order = { .seed = 7, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
        cop_pid manager = cop_spawn_server(&cop_event_manager, NULL);
        cop_term words = cop_nil(), ids;
        ck_assert_int_eq(cop_add_handler(manager, .id = "sloth", .server = &sloth_server), COP_OK);
        cop_ref ref = watch(cop_whereis("sloth"));
        cop_status status = cop_delete_handler(manager, "sloth", cop_nil(), &words);
        ck_assert(status == COP_OK || status == COP_E_TIMEOUT);
        if (status == COP_OK)
                cop_term_free(words);
        await_down(ref, "killed");
        ck_assert_int_eq(cop_handlers(manager, &ids), COP_OK);
        ck_assert_uint_eq(ids.count, 0);
        cop_term_free(ids);
        put_down(manager);
        node_end(node);
}
