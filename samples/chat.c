/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A chat. Its rooms are groups, so whoever says something says it to all who are there, and whoever dies is there no more.
 * Its people are found by their nicknames, which are keys of a registry: a nickname has one owner at a time.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text nick; } come;
COP_MESSAGE(come, nick);

typedef struct { cop_symbol room; cop_text text; } say;
COP_MESSAGE(say, room, text);

typedef struct { cop_text from; cop_symbol room; cop_text text; } said;
COP_MESSAGE(said, from, room, text);

typedef struct { bool exactly; } how_many;
COP_MESSAGE(how_many, exactly);

typedef struct { int64_t lines; } heard;
COP_MESSAGE(heard, lines);

/* Someone who is in the chat: says what she is told to, and hears what others say. */
typedef struct { char nick[32]; int64_t lines; } guest;

static void guest_init(guest *self, const come *c)
{
        cop_pid other;
        snprintf(self->nick, sizeof(self->nick), "%s", c->nick.data);
        if (cop_registry_register("nicks", cop_string(self->nick), cop_nil(), &other) != COP_OK)
                cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("nick_is_taken")));
        cop_group_join("rooms", cop_atom("tea"), cop_self());
}

static void guest_on_say(guest *self, const say *s)
{
        cop_group_send("rooms", cop_atom(s->room.text), said, .from = cop_text_of(self->nick),
                       .room = s->room, .text = s->text);
        cop_reply(heard, .lines = self->lines);
}

static void guest_on_said(guest *self, const said *s)
{
        if (cop_text_equal(s->from, self->nick))
                return;
        self->lines++;
        printf("%s hears %s in %s: %s\n", self->nick, s->from.data, s->room.text, s->text.data);
}

static void guest_on_how_many(guest *self, const how_many *h)
{
        cop_reply(heard, .lines = h->exactly ? self->lines : self->lines / 10 * 10);
}

COP_SERVER(guest, COP_INIT_WITH(come, guest_init), COP_ON(say, guest_on_say),
           COP_ON(said, guest_on_said), COP_ON(how_many, guest_on_how_many));

static const cop_supervisor house = {
        .name = "house",
        .children = COP_CHILDREN({ "nicks", .server = &cop_registry_server,
                                   .kind = COP_KIND_OF(cop_registry),
                                   .argument = &(const cop_registry){ .keys = COP_UNIQUE } },
                                 { "rooms", .server = &cop_scope_server }),
};

/* Waits until the guest is in, or is not let in. */
static void invite(const char *nick)
{
        cop_pid pid;
        cop_ref ended, begun = cop_ref_new();
        cop_spawn_options options = { .server = &guest_server, .kind = COP_KIND_OF(come),
                                      .argument = &(come){ cop_text_of(nick) }, .start_ref = begun,
                                      .monitor = true, .monitor_ref = &ended };
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                return;
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_started, begun),
                                       COP_REF(cop_down, ended));
        cop_demonitor(ended);
        printf("%s %s\n", nick, cop_read(cop_started, message) ? "is here" : "is here already");
}

static void tell(const char *nick, const char *text)
{
        cop_call(NULL, cop_via("nicks", cop_string(nick)), 5000, say,
                 .room = cop_symbol_of("tea"), .text = cop_text_of(text));
}

static void ask(const char *nick)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, cop_via("nicks", cop_string(nick)), 5000, how_many,
                                     .exactly = true);
        if (status == COP_OK)
                printf("%s has heard %d\n", nick, (int)cop_read(heard, reply)->lines);
        else
                printf("%s: %s\n", nick, cop_status_text(status));
}

static void chat(void)
{
        cop_ref ended;
        invite("ada");
        invite("bob");
        invite("ada");
        tell("ada", "good morning");
        ask("bob");
        ask("ada");

        cop_address bob = cop_via("nicks", cop_string("bob"));
        cop_monitor(bob, &ended);
        cop_send_exit(bob.pid, cop_atom("kill"));
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ended)));
        ask("bob");
        tell("ada", "where is bob?");
        invite("bob");
        tell("ada", "there you are");
        ask("bob");
}

int main(void)
{
        cop_node *node;
        cop_pid root;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK ||
            cop_supervise(&house, &root) != COP_OK)
                return 1;
        chat();
        cop_shutdown(root, 5000);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
