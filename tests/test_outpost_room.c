/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What actors in processes send, ask and answer while their node is over its memory mark. What is large is never had at hand. */
#include "tests/apart.h"
#include "tests/hoard.h"

#define LIMIT (8 << 20)
#define LARGE 20000

static cop_text large_text(void)
{
        static char text[LARGE + 1];
        memset(text, 'x', LARGE);
        return cop_text_of(text);
}

/* ---- An actor that is in a process ------------------------------------------------------------- */

enum wish { ANSWERS = 1, ANSWERS_LATER, SENDS, ASKS };

typedef struct handle {
        cop_alias alias;
} handle;
COP_MESSAGE(handle, COP_NESTED(cop_alias, alias));

typedef struct teller {
        cop_caller caller;
} teller;

static void teller_on_add(teller *self, const add *a)
{
        switch (a->number) {
        case ANSWERS:
                cop_reply(note, .number = 1, .text = large_text());
                return;
        case ANSWERS_LATER:
                self->caller = cop_defer();
                return;
        case SENDS:
                cop_send("witness", note, .number = 2, .text = large_text());
                return;
        default:
                self->caller = cop_defer();
                cop_reply_to(self->caller, add, .number = cop_call(NULL, "clerk", PATIENCE_MS, note, .text = large_text()));
        }
}

static void teller_on_sum(teller *self, const sum *s)
{
        cop_reply_to(self->caller, note, .number = s->total, .text = large_text());
}

static void teller_on_handle(teller *self, const handle *h)
{
        (void)self;
        cop_send(h->alias, note, .number = 3, .text = large_text());
}

COP_SERVER(teller, COP_ON(add, teller_on_add), COP_ON(sum, teller_on_sum), COP_ON(handle, teller_on_handle));

/* ---- The node --------------------------------------------------------------------------------------- */

struct room {
        cop_pid teller, hoarder;
        cop_alias alias; /* of the claim's thread */
};

#define AT_HAND 100

/* The teller can be reached while there is no room: this thread has blocks at hand for that. */
static void room_begin(struct room *room)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        cop_spawn_server(&adder_server, "clerk");
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &room->alias), COP_OK);
        const cop_spawn_options options = { .server = &teller_server, .isolation = COP_ISOLATION_PROCESS };
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &room->teller), COP_OK);
        ck_assert_int_eq(cop_call(NULL, room->teller, PATIENCE_MS, add, .number = ANSWERS), COP_OK);
        for (int i = 0; i < AT_HAND; i++)
                ck_assert_int_eq(cop_send(cop_self(), sum, .total = i), COP_OK);
        room->hoarder = cop_spawn(hoards);
        await_true(is_over());
        for (int i = 0; i < AT_HAND; i++)
                await_and_drop(COP_KIND(sum));
}

/* It lives, and when there is room it does what it did before. */
static void room_end(struct room *room)
{
        ck_assert(is_over());
        ck_assert(cop_is_alive(room->teller));
        put_down(room->hoarder);
        await_true(!is_over());
        ck_assert_int_eq(cop_call(NULL, room->teller, PATIENCE_MS, add, .number = ANSWERS), COP_OK);
        put_down(room->teller);
}

#define WITHOUT_ROOM(claim)                                                 \
        static void without_room_##claim(struct room *room);                \
        IN_NODE_WITH(claim, .processes = true, .memory_limit = LIMIT)       \
        {                                                                   \
                struct room room;                                           \
                room_begin(&room);                                          \
                without_room_##claim(&room);                                \
                room_end(&room);                                            \
        }                                                                   \
        static void without_room_##claim(struct room *room)

WITHOUT_ROOM(a_server_in_a_process_that_answers_while_the_node_is_over_lives)
{
        ck_assert_int_eq(cop_call(NULL, room->teller, PATIENCE_MS, add, .number = ANSWERS), COP_E_NO_REPLY);
}

/* It has been deferred: nobody would answer in its place. */
WITHOUT_ROOM(a_deferred_answer_from_a_process_comes_also_while_the_node_is_over)
{
        cop_request request;
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_request_send(&request, room->teller, add, .number = ANSWERS_LATER), COP_OK);
        ck_assert_int_eq(cop_send(room->teller, sum, .total = 7), COP_OK);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_int_eq(cop_read(note, reply)->number, 7);
        cop_message_free(reply);
}

WITHOUT_ROOM(what_an_actor_in_a_process_sends_while_the_node_is_over_is_a_dead_letter)
{
        uint64_t before = dead_letters_of(cop_node_here());
        ck_assert_int_eq(cop_send(room->teller, add, .number = SENDS), COP_OK);
        await_true(dead_letters_of(cop_node_here()) == before + 1);
        nothing_has_come();
}

/* As one that goes to its owner. */
WITHOUT_ROOM(what_goes_from_a_process_through_an_alias_while_the_node_is_over_is_a_dead_letter)
{
        uint64_t before = dead_letters_of(cop_node_here());
        ck_assert_int_eq(cop_send(room->teller, handle, .alias = room->alias), COP_OK);
        await_true(dead_letters_of(cop_node_here()) == before + 1);
        nothing_has_come();
}

WITHOUT_ROOM(who_asks_from_a_process_while_the_node_is_over_hears_that_there_is_no_memory)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, room->teller, PATIENCE_MS, add, .number = ASKS), COP_OK);
        ck_assert_int_eq(cop_read(add, reply)->number, COP_E_NO_MEMORY);
        cop_message_free(reply);
}
