/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A proxy that knows no kind: whatever comes it prints, and passes on; who called is answered by the one behind it, without the proxy's
 * waiting for that. A term typed as text finds its kind by itself.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t number; } question;
COP_MESSAGE(question, number);

typedef struct { int64_t number; } answer;
COP_MESSAGE(answer, number);

/* A call that is passed on: the question, and who waits. */
typedef struct { int64_t number; cop_alias to; } errand;
COP_MESSAGE(errand, number, COP_NESTED(cop_alias, to));

static void oracle(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const errand *asked = cop_read(errand, message);
                if (asked != NULL)
                        cop_reply_to(asked->to, answer, .number = 2 * asked->number);
                else
                        printf("  the oracle hears: %s\n", cop_message_kind(message)->name);
        }
}

typedef struct { cop_pid behind; } proxy;
COP_MESSAGE(proxy, behind);

static void proxy_init(proxy *self, const proxy *p)
{
        self->behind = p->behind;
}

static void proxy_on_any(proxy *self, cop_message *message)
{
        const question *asked = cop_read(question, message);
        printf("  through the proxy: %s, from %s\n", cop_message_kind(message)->name,
               cop_pid_equal(cop_message_from(message), cop_caller_of(message).pid) ? "its caller" : "somebody");
        if (asked != NULL)
                cop_send(self->behind, errand, .number = asked->number, .to = cop_defer());
        else
                cop_send_value(cop_to_pid(self->behind), cop_message_kind(message), cop_message_body(message));
}
COP_SERVER(proxy, COP_INIT_WITH(proxy, proxy_init), COP_OTHERWISE(proxy_on_any));

static void ask(cop_pid door)
{
        cop_message *reply = NULL;
        if (cop_call(&reply, door, COP_FOREVER, question, .number = 21) == COP_OK)
                printf("asked as a kind: %d\n", (int)cop_read(answer, reply)->number);
        cop_message_free(reply);
        reply = NULL;
        if (cop_call_term(&reply, door, COP_FOREVER, COP_TUPLE(cop_atom("question"), cop_int(4))) == COP_OK)
                printf("asked as a term: %d\n", (int)cop_read(answer, reply)->number);
        cop_message_free(reply);
        cop_send(door, answer, .number = 1);
}

int main(void)
{
        cop_node *node;
        cop_pid door;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        const proxy to = { .behind = cop_spawn(oracle) };
        if (cop_start(&(cop_spawn_options){ .server = &proxy_server, .kind = COP_KIND_OF(proxy), .argument = &to },
                      COP_FOREVER, &door) == COP_OK)
                ask(door);
        cop_node_await_quiet(node, COP_FOREVER);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
