/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Servers that do what a message says, and clients that call them. servers.erl is the other side, with OTP's gen_server.
 *
 * A script is what a server does with a call or a cast: answer, answer later, let go who waits, ask another server, go on with a
 * continuation, idle, stop, crash. A client waits for as long as its call takes, and takes no other errand meanwhile; the one who
 * gives the orders does not wait for it. The only calls with a time-out are those that no one answers: they end by it for sure, and
 * until then the next order waits.
 *
 * What each does is told in the order in which it does it; whether a client or its server goes on first after an answer is left
 * open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/original/side.h"

#define SERVERS 3
#define CLIENTS 3
#define WAITING 32
#define REQUESTS 16
#define SCRIPT 32

typedef struct {
        int64_t number;
        char mode[16];
} place;
COP_MESSAGE(place, number, mode);

typedef struct {
        char text[SCRIPT];
} asked; /* a call */
COP_MESSAGE(asked, text);

typedef struct {
        char text[SCRIPT];
} told; /* a cast */
COP_MESSAGE(told, text);

typedef struct {
        char text[SCRIPT];
} result;
COP_MESSAGE(result, text);

typedef struct {
        char word[16];
        int64_t client, server;
        char text[SCRIPT];
} errand;
COP_MESSAGE(errand, word, client, server, text);

static cop_pid servers[SERVERS], clients[CLIENTS];
static bool is_busy[CLIENTS]; /* has an errand; one worker, see side.h */

static const char *me(void)
{
        return life_name(cop_self());
}

/* ---- The server ------------------------------------------------------------------------------ */

typedef struct {
        int64_t number, handled, waiting_count;
        cop_caller waiting[WAITING];
} server;

static void crash(void)
{
        volatile int64_t zero = 0, quotient = 900 / zero;
        note("%d", (int)quotient);
}

static void server_init(server *self, const place *p)
{
        char who[8];
        snprintf(who, sizeof(who), "s%d", (int)p->number);
        self->number = p->number;
        note("%s begins", life_begins(who, cop_self()));
        if (strcmp(p->mode, "ignore") == 0)
                cop_ignore();
        if (strcmp(p->mode, "bad") == 0)
                cop_exit(cop_atom("bad"));
        if (strcmp(p->mode, "crash") == 0)
                crash();
        if (strcmp(p->mode, "trap") == 0)
                cop_trap_exit(true);
        if (strcmp(p->mode, "continue") == 0)
                cop_continue();
        if (strcmp(p->mode, "idle") == 0)
                cop_idle_after(0);
}

static void server_continue(server *self)
{
        self->handled += 100;
        note("%s continues", me());
}

/* Erlang's time-out is for the next wait only. */
static void server_idle(server *self)
{
        (void)self;
        cop_idle_after(COP_FOREVER);
        note("%s idles", me());
}

static void server_on_exited(server *self, const cop_exited *exited)
{
        char why[64];
        (void)self;
        note("%s hears exit %s %s", me(), life_name(exited->pid), words_of(exited->reason, why));
}

static void server_terminate(server *self, cop_term reason)
{
        char why[64];
        (void)self;
        note("%s terminates of %s", me(), words_of(reason, why));
}

static void release(server *self)
{
        if (self->waiting_count == 0)
                return;
        cop_reply_to(self->waiting[0], result, "released");
        memmove(&self->waiting[0], &self->waiting[1], (size_t)--self->waiting_count * sizeof(self->waiting[0]));
}

static const char *said_of(cop_status status, const cop_message *reply, char text[80])
{
        char why[64];
        if (status == COP_OK)
                snprintf(text, 80, "reply %s", reply != NULL ? cop_read(result, reply)->text : "");
        else if (status == COP_E_DIED)
                snprintf(text, 80, "died %s", words_of(cop_failure(), why));
        else
                return status == COP_E_NO_ACTOR ? "noproc" : status == COP_E_TIMEOUT ? "timeout" : cop_status_text(status);
        return text;
}

static void ask_another(const server *self, result *r)
{
        cop_message *reply = NULL;
        char text[80];
        cop_status status = cop_call(&reply, servers[(self->number + 1) % SERVERS], COP_FOREVER, asked, "reply");
        snprintf(r->text, sizeof(r->text), "%.31s", said_of(status, reply, text));
        cop_message_free(reply);
}

/* True if it is for calls and casts alike. */
static bool act(server *self, const char *script)
{
        self->handled++;
        cop_idle_after(COP_FOREVER);
        if (strcmp(script, "release") == 0)
                release(self);
        else if (strcmp(script, "crash") == 0)
                crash();
        else if (strcmp(script, "continue") == 0)
                cop_continue();
        else if (strcmp(script, "idle") == 0)
                cop_idle_after(0);
        else if (strncmp(script, "stop:", 5) == 0)
                cop_exit(term_of(script + 5));
        else
                return false;
        return true;
}

static void server_on_asked(server *self, const asked *a)
{
        result r;
        note("%s is asked to %s", me(), a->text);
        act(self, a->text);
        if (strcmp(a->text, "later") == 0 && self->waiting_count < WAITING) {
                self->waiting[self->waiting_count++] = cop_defer();
                return;
        }
        snprintf(r.text, sizeof(r.text), "%d", (int)self->handled);
        if (strcmp(a->text, "another") == 0)
                ask_another(self, &r);
        cop_reply_value(COP_KIND_OF(result), &r);
        if (strncmp(a->text, "reply_stop:", 11) == 0)
                cop_exit(term_of(a->text + 11));
}

static void server_on_told(server *self, const told *t)
{
        note("%s is told to %s", me(), t->text);
        act(self, t->text);
}

COP_SERVER(server, COP_INIT_WITH(place, server_init), COP_ON(asked, server_on_asked), COP_ON(told, server_on_told),
           COP_ON(cop_exited, server_on_exited), COP_CONTINUE(server_continue), COP_IDLE(server_idle),
           COP_TERMINATE(server_terminate));

/* ---- The client -------------------------------------------------------------------------------- */

struct requests {
        cop_request items[REQUESTS];
        int count;
};

static void poll_request(struct requests *requests)
{
        char text[80];
        cop_message *reply = NULL;
        if (requests->count == 0)
                return;
        cop_status status = cop_request_poll(requests->items[requests->count - 1], &reply);
        note("%s has %s", me(), said_of(status, reply, text));
        if (status != COP_E_TIMEOUT)
                requests->count--;
        cop_message_free(reply);
}

static void run_errand(const errand *e, struct requests *requests)
{
        char text[80];
        cop_message *reply = NULL;
        cop_pid to = servers[e->server];
        bool timed = strcmp(e->word, "hurry") == 0;
        asked a;
        told t;
        snprintf(a.text, sizeof(a.text), "%s", timed ? "later" : e->text);
        snprintf(t.text, sizeof(t.text), "%s", e->text);
        if (timed || strcmp(e->word, "call") == 0) {
                cop_status status = cop_call_value(&reply, COP_TO(to), timed ? 1 : COP_FOREVER, COP_KIND_OF(asked), &a);
                note("%s has %s", me(), said_of(status, reply, text));
                cop_message_free(reply);
        } else if (strcmp(e->word, "cast") == 0) {
                cop_send_value(COP_TO(to), COP_KIND_OF(told), &t);
        } else if (strcmp(e->word, "poke") == 0) {
                cop_send_exit(to, term_of(e->text));
        } else if (strcmp(e->word, "poll") == 0) {
                poll_request(requests);
        } else if (requests->count < REQUESTS &&
                   cop_request_send_value(&requests->items[requests->count], COP_TO(to), COP_KIND_OF(asked), &a) == COP_OK) {
                requests->count++;
        }
}

static void client(void)
{
        struct requests requests = { .count = 0 };
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const errand *e = cop_read(errand, message);
                if (e == NULL) {
                        note("%s hears what nobody should", me());
                        continue;
                }
                run_errand(e, &requests);
                is_busy[e->client] = false;
        }
}

/* ---- Orders -------------------------------------------------------------------------------------- */

/* All servers that have a name want the same. */
static const char *start(long number, const char *mode)
{
        char why[64];
        static char said[80];
        cop_pid pid = cop_no_pid();
        cop_ref ref;
        place p = { .number = number };
        if (cop_is_alive(servers[number]))
                return "running";
        snprintf(p.mode, sizeof(p.mode), "%s", mode);
        cop_status status = cop_start(&(cop_spawn_options){ .server = &server_server, .kind = COP_KIND_OF(place), .argument = &p,
                                                            .link = true, .name = strcmp(mode, "named") == 0 ? "one" : NULL },
                                      COP_FOREVER, &pid);
        switch (status) {
        case COP_OK: break;
        case COP_E_IGNORED: return "ignore";
        case COP_E_NAME_TAKEN: return "already_started";
        default: snprintf(said, sizeof(said), "error %s", words_of(cop_failure(), why)); return said;
        }
        servers[number] = pid;
        cop_monitor(pid, &ref);
        return "ok";
}

static const char *stop(cop_pid pid, const char *reason)
{
        char text[80];
        static char said[80];
        cop_status status = cop_stop_address(COP_TO(pid), term_of(reason), COP_FOREVER);
        if (status == COP_OK)
                return "ok";
        snprintf(said, sizeof(said), "%s", said_of(status, NULL, text));
        return said;
}

static void reset(cop_node *node, const struct command *command)
{
        (void)command;
        telling = BY_ACTOR;
        cop_trap_exit(true);
        for (int i = 0; i < CLIENTS; i++)
                cop_send_exit(clients[i], cop_atom("kill"));
        for (int i = 0; i < SERVERS; i++) {
                cop_send_exit(servers[i], cop_atom("kill"));
                cop_node_await_quiet(node, COP_FOREVER);
        }
        drop_mail();
        lives_forget();
        memset(is_busy, 0, sizeof(is_busy));
        for (int i = 0; i < SERVERS; i++) {
                char who[8];
                start(i, "plain");
                snprintf(who, sizeof(who), "c%d", i);
                clients[i] = cop_spawn(client);
                life_begins(who, clients[i]);
        }
        notes_forget();
}

static const char *carry_out(const struct command *command)
{
        cop_pid to = servers[command->first];
        errand e = { .client = command->first, .server = command->second };
        if (strcmp(command->word, "start") == 0)
                return start(command->first, command->text);
        if (strcmp(command->word, "stop") == 0)
                return stop(to, command->text);
        if (strcmp(command->word, "order") == 0) { /* as its parent may */
                cop_send_exit(to, term_of(command->text));
                return "ok";
        }
        if (is_busy[command->first])
                return "busy";
        is_busy[command->first] = true;
        snprintf(e.word, sizeof(e.word), "%s", command->word);
        snprintf(e.text, sizeof(e.text), "%s", command->text);
        cop_send_value(COP_TO(clients[command->first]), COP_KIND_OF(errand), &e);
        return "ok";
}

static void settle(cop_node *node)
{
        char why[64];
        cop_message *message;
        cop_node_await_quiet(node, COP_FOREVER); /* a time-out counts until its time has come */
        while ((message = cop_receive(0, COP_ANY)) != NULL) {
                const cop_down *down = cop_read(cop_down, message);
                if (down != NULL)
                        note("%s died of %s", life_name(down->pid), words_of(down->reason, why));
                cop_message_free(message);
        }
}

/* ---- Orders by seed --------------------------------------------------------------------------------- */

static void generate(uint64_t number, uint64_t *random)
{
        static const char *const words[] = { "call", "call", "call", "call", "call", "cast", "cast", "cast", "ask", "ask",
                                             "poll", "poll", "hurry", "poke", "order", "stop", "start", "start", "start" };
        static const char *const calls[] = { "reply", "reply", "later", "later", "later", "release", "release", "another",
                                             "another", "continue", "idle", "crash", "stop:", "stop:", "reply_stop:" };
        static const char *const casts[] = { "count", "release", "release", "release", "continue", "idle", "crash", "stop:" };
        static const char *const modes[] = { "plain", "plain", "trap", "trap", "trap", "named", "named", "ignore", "bad", "crash",
                                             "continue", "idle" };
        static const char *const reasons[] = { "normal", "shutdown", "boom", "{shutdown,1}", "{a,[1.5]}", "kill" };
        printf("reset %ld 0 -\n", (long)number);
        for (int n = 0; n < 40; n++) {
                const char *word = ONE_OF(random, words), *reason = ONE_OF(random, reasons), *script = "", *colon;
                unsigned first = cop__random_below(random, CLIENTS), second = cop__random_below(random, SERVERS);
                if (strcmp(word, "call") == 0 || strcmp(word, "ask") == 0)
                        script = ONE_OF(random, calls);
                else if (strcmp(word, "cast") == 0)
                        script = ONE_OF(random, casts);
                else if (strcmp(word, "start") == 0)
                        script = ONE_OF(random, modes);
                colon = strchr(script, ':');
                printf("%s %u %u %s%s\n", word, first, second, script, colon != NULL || *script == '\0' ? reason : "");
        }
}

const struct part part = { "servers", generate, reset, carry_out, settle };
