/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a stranger says to whom there is not: actors of a life of the node that is over, nobody, and aliases that are none. */
#include "tests/visited.h"

static uint32_t lives_ago = 1;

/* An actor of this node in its life before this one, as whoever has kept its pid says it. */
static void put_one_of_before(struct cop__pen *pen)
{
        cop__pen_byte(pen, 88);
        cop__pen_atom(pen, US, strlen(US));
        cop__pen_word(pen, 4, 5);
        cop__pen_word(pen, 4, 1);
        cop__pen_word(pen, 4, cop__network_here()->creation - lives_ago);
}

static void put_nobody(struct cop__pen *pen)
{
        cop__pen_pid(pen, cop_no_pid());
}

typedef void puts_pid(struct cop__pen *pen);

static void says_hello(int fd, puts_pid *put)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_SEND_SENDER, 3);
        stranger_pid(&pen, THEM, 7);
        put(&pen);
        cop__pen_version(&pen);
        cop__pen_atom(&pen, "hello", 5);
        stranger_ends(fd, &pen);
}

/* From its process 7 to whom that writes, with what is behind it. */
static void says_to(int fd, unsigned control, puts_pid *put, uint32_t ref, const char *reason)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, control, 3 + (ref != 0) + (reason != NULL));
        stranger_pid(&pen, THEM, 7);
        put(&pen);
        if (ref != 0)
                put_ref(&pen, ref);
        if (reason != NULL)
                cop__pen_atom(&pen, reason, strlen(reason));
        stranger_ends(fd, &pen);
}

static void asks(int fd, puts_pid *put, uint32_t ref)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_SEND_SENDER, 3);
        stranger_pid(&pen, THEM, 7);
        put(&pen);
        put_request(&pen, ref, true, 1);
        stranger_ends(fd, &pen);
}

static void unlinks(int fd, puts_pid *put)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_UNLINK_ID, 4);
        cop__pen_integer(&pen, 77);
        stranger_pid(&pen, THEM, 7);
        put(&pen);
        stranger_ends(fd, &pen);
}

/* The next control message of that sort ends with that word, and says whom it is about at that place. */
static void hears_of(int fd, unsigned control, const char *reason, bool has_creation, uint32_t creation)
{
        cop_term said, message;
        struct cop__wire_pid wire;
        stranger_hears_control(fd, control, &said, &message);
        ck_assert_str_eq(text_of(said.as.items[said.count - 1]), reason);
        ck_assert_int_eq(said.as.items[1].type, COP_TERM_PID);
        ck_assert(cop__pid_to_wire(cop__network_here(), said.as.items[1].as.pid, &wire));
        if (has_creation)
                ck_assert_uint_eq(wire.creation, creation);
        cop_term_free(said);
        cop_term_free(message);
}

static void dead_letter_is_made_by(int fd, puts_pid *put, const char *word)
{
        uint64_t before = dead_letters_of(cop_node_here());
        says_hello(fd, put);
        has_heard(fd, word);
        ck_assert_uint_eq(dead_letters_of(cop_node_here()), before + 1);
}

VISITED(a_message_for_a_pid_of_an_earlier_life_is_a_dead_letter_and_ends_no_connection)
{
        dead_letter_is_made_by(fd, put_one_of_before, "once");
        dead_letter_is_made_by(fd, put_one_of_before, "again");
}

/* Though all that may be spoken of have been, and there have been more lives than are told apart. */
VISITED(an_actor_of_an_earlier_life_is_dead_however_many_lives_are_spoken_of)
{
        struct cop__network *network = cop__network_here();
        for (uint32_t i = 0; i <= COP__LIVES_MENTIONED; i++)
                cop__network_mention(network, "other@127.0.0.1", 15, 1 + i);
        ck_assert_uint_eq(cop__network_mention(network, "other@127.0.0.1", 15, 1000), 0);
        for (lives_ago = 1; lives_ago < 3 * COP__LIVES_OWN; lives_ago++)
                dead_letter_is_made_by(fd, put_one_of_before, "once");
        ck_assert_uint_ne(cop__network_life(network, network->peers[0], 1000), 0); /* there is room for who comes */
}

VISITED(who_monitors_or_links_to_an_earlier_life_hears_noproc)
{
        uint32_t creation = cop__network_here()->creation - 1;
        says_to(fd, COP__CONTROL_MONITOR, put_one_of_before, 77, NULL);
        hears_of(fd, COP__CONTROL_DOWN, "noproc", true, creation);
        says_to(fd, COP__CONTROL_LINK, put_one_of_before, 0, NULL);
        hears_of(fd, COP__CONTROL_EXIT, "noproc", true, creation);
        asks(fd, put_one_of_before, 78); /* a call of Erlang's ends by its monitor */
        says_to(fd, COP__CONTROL_MONITOR, put_one_of_before, 79, NULL);
        hears_of(fd, COP__CONTROL_DOWN, "noproc", true, creation);
        has_heard(fd, "after");
}

VISITED(what_ends_something_of_an_earlier_life_is_nothing)
{
        cop_term said, message;
        says_to(fd, COP__CONTROL_DEMONITOR, put_one_of_before, 77, NULL);
        says_to(fd, COP__CONTROL_EXIT, put_one_of_before, 0, "why");
        says_to(fd, COP__CONTROL_EXIT2, put_one_of_before, 0, "why");
        says_to(fd, COP__CONTROL_UNLINK, put_one_of_before, 0, NULL);
        unlinks(fd, put_one_of_before);
        stranger_hears_control(fd, COP__CONTROL_UNLINK_ACK, &said, &message);
        ck_assert_str_eq(text_of(said.as.items[1]), "77");
        cop_term_free(said);
        cop_term_free(message);
        has_heard(fd, "after");
}

VISITED(an_earlier_life_of_the_node_takes_no_place_of_another_node_and_nobody_calls_it)
{
        struct cop__network *network = cop__network_here();
        struct cop__tray tray;
        struct cop__pen pen;
        uint32_t peers = cop__load_acquire(&network->peer_count);
        put_to(&pen, &tray, "witness", strlen("witness"));
        cop__pen_version(&pen);
        put_one_of_before(&pen);
        stranger_ends(fd, &pen);
        cop_auto message = await(COP_KIND(cop_any));
        cop_pid before = cop_read(cop_any, message)->term.as.pid;
        ck_assert_uint_ne(before.bits, 0);
        ck_assert_str_eq(cop_node_of(before), US);
        ck_assert(!cop_is_alive(before));
        await_down(watch(before), "noproc");
        cop_trap_exit(true);
        ck_assert_int_eq(cop_link(before), COP_OK);
        await_exited(before, "noproc");
        ck_assert_int_eq(cop_call_term(NULL, before, PATIENCE_MS, cop_atom("who")), COP_E_NO_ACTOR);
        ck_assert_uint_eq(cop__load_acquire(&network->peer_count), peers);
}

VISITED(who_sends_to_nobody_who_monitors_or_links_to_it_is_not_hung_up_on)
{
        dead_letter_is_made_by(fd, put_nobody, "once");
        says_to(fd, COP__CONTROL_MONITOR, put_nobody, 77, NULL);
        hears_of(fd, COP__CONTROL_DOWN, "noproc", true, 0);
        says_to(fd, COP__CONTROL_LINK, put_nobody, 0, NULL);
        hears_of(fd, COP__CONTROL_EXIT, "noproc", true, 0);
        says_to(fd, COP__CONTROL_EXIT2, put_nobody, 0, "why");
        has_heard(fd, "after");
}

VISITED(nodes_that_are_known_leave_room_for_those_that_are_only_spoken_of)
{
        char name[32];
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_find(network, THEM, strlen(THEM));
        for (uint32_t i = 0; i < COP__LIVES_MENTIONED; i++) { /* as if so many had shaken hands */
                snprintf(name, sizeof(name), "n%u@127.0.0.1", i);
                ck_assert_int_eq(cop_node_is_at(name, NULL, 1), COP_OK);
                ck_assert_uint_ne(cop__network_life(network, peer, 1 + i), 0);
        }
        ck_assert_uint_ne(cop__network_mention(network, "other@127.0.0.1", 15, 1), 0);
}

/* ---- Aliases ------------------------------------------------------------------------------------ */

typedef struct { int64_t unused; } clerk;

/* When it is told to. */
static void clerk_on_any(clerk *self, const cop_any *any)
{
        (void)self;
        (void)any;
        cop_send("witness", cop_any, .term = cop_atom("asked"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_any)));
        cop_reply(cop_any, .term = cop_atom("honest"));
}

COP_SERVER(clerk, COP_ON(cop_any, clerk_on_any));

static void asks_clerk(void)
{
        cop_message *reply = NULL;
        cop_call(&reply, "clerk", PATIENCE_MS, cop_any, .term = cop_atom("who"));
        const cop_any *any = cop_read(cop_any, reply);
        cop_exit(any != NULL ? any->term : cop_atom("unanswered"));
}

/* Without a reference an answer is for whatever call an actor is in. */
VISITED(what_comes_through_no_alias_answers_no_call)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_pid asker, pid = cop_spawn_server(&clerk_server, "clerk");
        cop_ref ref;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = asks_clerk, .monitor = true, .monitor_ref = &ref }, &asker),
                         COP_OK);
        await_and_drop(COP_KIND(cop_any));
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_ref(&pen, (cop_ref){ 0 });
        cop__pen_pid(&pen, asker);
        cop__pen_version(&pen);
        cop__pen_atom(&pen, "forged", 6);
        stranger_ends(fd, &pen);
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert_str_eq(text_of(cop_read(cop_node_down, down)->reason), "malformed");
        ck_assert_int_eq(cop_send(pid, cop_any, .term = cop_atom("go")), COP_OK);
        await_down(ref, "honest");
}

/* ---- Who does not read ---------------------------------------------------------------------------- */

/* Each is answered by a DOWN; none is read. */
static bool says_many_monitors(int fd, uint32_t first)
{
        struct cop__tray all = { 0 };
        struct cop__pen frames = { .tray = &all };
        for (uint32_t i = 0; i < 1000; i++) {
                struct cop__tray tray;
                struct cop__pen pen;
                stranger_begins(&pen, &tray, COP__CONTROL_MONITOR, 4);
                stranger_pid(&pen, THEM, 7);
                cop__pen_pid(&pen, cop__pid_of(0, 5, 100000));
                put_ref(&pen, first + i);
                cop__pen_word(&frames, 4, tray.end);
                cop__pen_bytes(&frames, tray.data, tray.end);
                cop__tray_free(&tray);
        }
        bool said = send(fd, all.data, all.end, MSG_NOSIGNAL) == (ssize_t)all.end;
        cop__tray_free(&all);
        return said;
}

VISITED(who_monitors_the_dead_and_does_not_read_the_answers_is_hung_up_on)
{
        uint32_t said = 0;
        while (said < 1000000 && says_many_monitors(fd, said))
                said += 1000;
        ck_assert_msg(said < 1000000, "it takes whatever is asked");
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert_str_eq(text_of(cop_read(cop_node_down, down)->reason), "too_slow");
}
