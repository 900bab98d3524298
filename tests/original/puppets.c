/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that do as they are told: they link, watch, end, send, take names and keys, join groups and set timers. puppets.erl is
 * the other side.
 *
 * What one has heard on one order is told in the order of its text, since Erlang promises none between an EXIT and a DOWN of the
 * same death. Timers come in an order that is promised: each that fires says as which of its puppet's.
 *
 * No timer is waited for by the clock: `far` ones are for an hour, and never fire; those of a `volley` are set by one turn, for
 * points in time that have not come when the last of them is set.
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "tests/original/side.h"

#define PUPPETS 4
#define FAR_MAX 64
#define REFS 64
#define KEYS 3
#define VOLLEY 4
#define HOUR_MS (3600 * 1000)

typedef struct {
        int64_t puppet;
} seat;
COP_MESSAGE(seat, puppet);

typedef struct {
        char word[16];
        int64_t first, second;
        char text[32];
} order;
COP_MESSAGE(order, word, first, second, text);

typedef struct {
        char text[64];
} result;
COP_MESSAGE(result, text);

typedef struct {
        int64_t number;
} hello;
COP_MESSAGE(hello, number);

typedef struct {
        int64_t number;
} tick;
COP_MESSAGE(tick, number);

static cop_pid pids[PUPPETS];
static bool is_told[PUPPETS]; /* that it has died */
static cop_ref far[FAR_MAX]; /* timers, in the order in which they were set */
static int far_count;
static int64_t volley_ends_ms;

static const char *name_number(int64_t number, char text[16])
{
        snprintf(text, 16, "name%d", (int)number);
        return text;
}

static cop_term key_of(int64_t number)
{
        return cop_int(number % KEYS);
}

static cop_term group_of(int64_t number)
{
        return cop_int(number % 2);
}

/* ---- The puppet ------------------------------------------------------------------------- */

struct puppet {
        cop_ref refs[REFS], groups[REFS];
        int ref_count, group_count, ticks;
        char said[64];
};

static bool never(const hello *unused, const cop_pid (*unused_too)[PUPPETS])
{
        (void)unused;
        (void)unused_too;
        return false;
}

static const char *badarg_unless(cop_status status)
{
        return status == COP_OK ? "ok" : "badarg";
}

/* Which of a volley comes when stands in the text: a digit for each, 9 for one that is cancelled as soon as it is set. */
static const char *volley(const order *o)
{
        char name[16];
        cop_address to[VOLLEY] = { COP_TO(pids[o->second]), COP_TO(name_number(o->second, name)), COP_TO(cop_self()),
                                   COP_TO(pids[o->second]) };
        for (int64_t ahead_ms = 2;; ahead_ms *= 2) {
                cop_ref refs[VOLLEY];
                int64_t begin_ms = cop_now_ms() + ahead_ms;
                for (int i = 0; i < VOLLEY; i++) {
                        int digit = o->text[i] - '0';
                        cop_send_value_at(begin_ms + digit, to[i], COP_KIND_OF(tick), &(tick){ i }, &refs[i]);
                        if (digit == 9)
                                cop_cancel(refs[i]);
                }
                volley_ends_ms = begin_ms + 10;
                if (cop_now_ms() < begin_ms)
                        return "ok";
                for (int i = 0; i < VOLLEY; i++)
                        cop_cancel(refs[i]);
        }
}

static const char *carry_out_timers(const order *o)
{
        char name[16];
        if (strcmp(o->word, "volley") == 0)
                return volley(o);
        if (strcmp(o->word, "far") == 0 || strcmp(o->word, "farname") == 0) {
                cop_address to = o->word[3] == '\0' ? COP_TO(pids[o->second]) : COP_TO(name_number(o->second, name));
                if (far_count < FAR_MAX)
                        cop_send_value_after(HOUR_MS, to, COP_KIND_OF(tick), &(tick){ -1 }, &far[far_count++]);
                return "ok";
        }
        if (far_count <= o->second)
                return "none";
        cop_ref timer = far[far_count - 1 - o->second];
        return (strcmp(o->word, "cancel") == 0 ? cop_cancel(timer) : cop_timer_left(timer)) >= 0 ? "left" : "gone";
}

static const char *carry_out_names(struct puppet *self, const order *o)
{
        char name[16];
        cop_pid found;
        name_number(o->second, name);
        if (strcmp(o->word, "register") == 0)
                return badarg_unless(cop_register(name, cop_self()));
        if (strcmp(o->word, "lend") == 0)
                return badarg_unless(cop_register(name, pids[(o->first + 1) % PUPPETS]));
        if (strcmp(o->word, "sendname") == 0)
                return badarg_unless(cop_send(name, hello, .number = 0));
        if (strcmp(o->word, "watchname") == 0) {
                if (self->ref_count < REFS && cop_monitor(name, &self->refs[self->ref_count]) == COP_OK)
                        self->ref_count++;
                return "ok";
        }
        if (strcmp(o->word, "enter") == 0)
                return cop_registry_register("keys", key_of(o->second), cop_nil(), NULL) == COP_OK ? "yes" : "no";
        if (strcmp(o->word, "withdraw") == 0)
                return cop_registry_unregister("keys", key_of(o->second)) == COP_OK ? "yes" : "no";
        if (strcmp(o->word, "find") == 0)
                return cop_registry_whereis("keys", key_of(o->second), &found) == COP_OK ? life_name(found) : "nobody";
        return badarg_unless(cop_send(cop_via("keys", key_of(o->second)), hello, .number = 0)); /* via */
}

/* Puppets by name, in the order of their names. */
static const char *say_members(struct puppet *self, cop_term members)
{
        self->said[0] = '\0';
        for (int puppet = 0; puppet < PUPPETS; puppet++)
                for (uint32_t i = 0; i < members.count; i++)
                        if (cop_pid_equal(members.as.items[i].as.pid, pids[puppet]))
                                snprintf(self->said + strlen(self->said), sizeof(self->said) - strlen(self->said), "p%d,",
                                         puppet);
        cop_term_free(members);
        return self->said;
}

static const char *carry_out_groups(struct puppet *self, const order *o)
{
        cop_term members;
        if (strcmp(o->word, "join") == 0)
                return badarg_unless(cop_group_join("groups", group_of(o->first), pids[o->second]));
        if (strcmp(o->word, "leave") == 0)
                return cop_group_leave("groups", group_of(o->first), pids[o->second]) == COP_OK ? "ok" : "not_joined";
        if (strcmp(o->word, "unobserve") == 0) {
                if (self->group_count == 0)
                        return "none";
                return cop_group_demonitor(self->groups[--self->group_count]) == COP_OK ? "ok" : "false";
        }
        if (strcmp(o->word, "observe") == 0) {
                if (self->group_count == REFS ||
                    cop_group_monitor("groups", group_of(o->second), &self->groups[self->group_count], &members) != COP_OK)
                        return "none";
                self->group_count++;
        } else if (cop_group_members("groups", group_of(o->second), &members) != COP_OK) {
                return "none";
        }
        return say_members(self, members);
}

static bool is_one_of(const char *word, const char *words)
{
        const char *found = strstr(words, word);
        return found != NULL && (found == words || found[-1] == ' ') && (found[strlen(word)] & ~' ') == '\0';
}

static const char *carry_out(struct puppet *self, const order *o)
{
        cop_pid to = pids[o->second];
        if (is_one_of(o->word, "volley far farname cancel left"))
                return carry_out_timers(o);
        if (is_one_of(o->word, "register lend sendname watchname enter withdraw find via"))
                return carry_out_names(self, o);
        if (is_one_of(o->word, "join leave observe unobserve members"))
                return carry_out_groups(self, o);
        if (strcmp(o->word, "link") == 0) {
                cop_link(to);
                cop_receive(0, COP_WHERE(hello, never, &pids)); /* a signal that has come is acted upon */
        } else if (strcmp(o->word, "unlink") == 0) {
                cop_unlink(to);
        } else if (strcmp(o->word, "monitor") == 0) {
                if (o->first == o->second) /* docs/erlang.md */
                        return "self";
                if (self->ref_count < REFS && cop_monitor(to, &self->refs[self->ref_count]) == COP_OK)
                        self->ref_count++;
        } else if (strcmp(o->word, "demonitor") == 0) {
                if (self->ref_count > 0)
                        return cop_demonitor_flush(self->refs[--self->ref_count]) ? "true" : "false";
        } else if (strcmp(o->word, "trap") == 0) {
                return cop_trap_exit(o->second > 1) ? "true" : "false";
        } else if (strcmp(o->word, "exit") == 0) {
                cop_send_exit(to, term_of(o->text));
        } else if (strcmp(o->word, "die") == 0) {
                cop_exit(term_of(o->text));
        } else if (strcmp(o->word, "crash") == 0) {
                volatile int64_t zero = 0, quotient = (900 + o->first) / zero;
                return quotient == 0 ? "no" : "yes";
        } else if (strcmp(o->word, "send") == 0) {
                cop_send(to, hello, .number = o->first);
        }
        return "ok";
}

static void hear(struct puppet *self, const cop_message *message)
{
        const cop_exited *exited = cop_read(cop_exited, message);
        const cop_down *down = cop_read(cop_down, message);
        const cop_group_joined *joined = cop_read(cop_group_joined, message);
        const cop_group_left *left = cop_read(cop_group_left, message);
        const tick *t = cop_read(tick, message);
        const char *me = life_name(cop_self());
        char why[64], of[64];
        if (exited != NULL)
                note("%s hears exit %s %s", me, life_name(exited->pid), words_of(exited->reason, why));
        else if (down != NULL && down->name.size > 0)
                note("%s hears down of a name, %.*s %s", me, (int)down->name.size, down->name.text,
                     words_of(down->reason, why));
        else if (down != NULL)
                note("%s hears down %s %s", me, life_name(down->pid), words_of(down->reason, why));
        else if (joined != NULL)
                note("%s hears join %s %s", me, words_of(joined->group, of), life_name(joined->pid));
        else if (left != NULL)
                note("%s hears leave %s %s", me, words_of(left->group, of), life_name(left->pid));
        else if (t != NULL)
                note("%s hears tick %d, its %d", me, (int)t->number, ++self->ticks);
        else
                note("%s hears hello %s ", me, life_name(cop_message_from(message)));
}

static void puppet(const seat *s)
{
        struct puppet self = { .ticks = 0 };
        (void)s;
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const order *o = cop_read(order, message);
                if (o != NULL) {
                        result r = { "" };
                        if (strcmp(o->word, "here") != 0)
                                self.ticks = 0;
                        snprintf(r.text, sizeof(r.text), "%s", carry_out(&self, o));
                        cop_answer_value(message, COP_KIND_OF(result), &r);
                } else {
                        hear(&self, message);
                }
        }
}

/* ---- Orders ------------------------------------------------------------------------------- */

static void bring_up(long number)
{
        char who[8];
        cop_ref ref;
        if (cop_is_alive(pids[number]))
                return;
        snprintf(who, sizeof(who), "p%ld", number);
        pids[number] = cop_spawn_with(puppet, seat, .puppet = number);
        life_begins(who, pids[number]);
        is_told[number] = false;
        cop_monitor(pids[number], &ref);
}

/*
 * A node with timers is never quiet. But who has answered has taken up all that had come to it before, signals too; and what is
 * passed on by one who dies to another gets one puppet further at each round, at least.
 */
static void ask_all(void)
{
        for (int i = 0; i < PUPPETS * (PUPPETS + 1); i++) {
                cop_message *reply = NULL;
                cop_call(&reply, pids[i % PUPPETS], COP_FOREVER, order, .word = "here");
                cop_message_free(reply);
        }
}

/* Notes who has died since the last look. True if nobody else has. */
static bool note_deaths(void)
{
        char why[64];
        cop_message *message;
        bool all = true;
        while ((message = cop_receive(0, COP_ANY)) != NULL) {
                const cop_down *down = cop_read(cop_down, message);
                for (int i = 0; down != NULL && i < PUPPETS; i++)
                        is_told[i] = is_told[i] || cop_pid_equal(pids[i], down->pid);
                if (down != NULL)
                        note("%s died of %s", life_name(down->pid), words_of(down->reason, why));
                cop_message_free(message);
        }
        for (int i = 0; i < PUPPETS; i++)
                all = all && (pids[i].bits == 0 || is_told[i] || cop_is_alive(pids[i]));
        return all;
}

/* Whoever dies has been monitored from here. */
static void settle(cop_node *node)
{
        while (cop_now_ms() <= volley_ends_ms)
                cop_sleep(volley_ends_ms - cop_now_ms() + 1);
        do {
                if (far_count > 0)
                        ask_all();
                else
                        cop_node_await_quiet(node, COP_FOREVER);
        } while (!note_deaths());
}

static void reset(cop_node *node, const struct command *command)
{
        (void)command;
        telling = BY_TEXT;
        if (!cop_is_alive(cop_whereis("groups"))) {
                cop_spawn_server(&cop_scope_server, "groups");
                cop_spawn_or_exit(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys",
                                                        .kind = COP_KIND_OF(cop_registry),
                                                        .argument = &(cop_registry){ .keys = COP_UNIQUE } });
        }
        while (far_count > 0)
                cop_cancel(far[--far_count]);
        for (int i = 0; i < PUPPETS; i++) {
                cop_send_exit(pids[i], cop_atom("kill"));
                settle(node);
        }
        lives_forget();
        notes_forget();
        for (int i = 0; i < PUPPETS; i++) {
                bring_up(i);
        }
}

static const char *give(const struct command *command)
{
        static char said[64];
        cop_message *reply;
        char name[16];
        order o = { .first = command->first, .second = command->second };
        if (strcmp(command->word, "spawn") == 0) {
                bring_up(command->first);
                return "ok";
        }
        if (strcmp(command->word, "whereis") == 0)
                return life_name(cop_whereis(name_number(command->second, name)));
        if (strcmp(command->word, "unregister") == 0)
                return badarg_unless(cop_unregister(name_number(command->second, name)));
        snprintf(o.word, sizeof(o.word), "%s", command->word);
        snprintf(o.text, sizeof(o.text), "%s", command->text);
        if (cop_call_value(&reply, cop_to_pid(pids[command->first]), COP_FOREVER, COP_KIND_OF(order), &o) != COP_OK)
                return "none";
        snprintf(said, sizeof(said), "%s", cop_read(result, reply)->text);
        cop_message_free(reply);
        return said;
}

/* ---- Orders by seed ------------------------------------------------------------------------ */

static const char *volley_text(uint64_t *random, char text[VOLLEY + 1])
{
        snprintf(text, VOLLEY + 1, "0123");
        for (uint32_t i = VOLLEY - 1; i > 0; i--) {
                uint32_t other = cop__random_below(random, i + 1);
                char kept = text[i];
                text[i] = text[other];
                text[other] = kept;
        }
        if (cop__random_below(random, 2) == 0)
                text[cop__random_below(random, VOLLEY)] = '9';
        return text;
}

static void generate(uint64_t number, uint64_t *random)
{
        static const char *const bonds[] = { "link", "link", "link", "unlink", "monitor", "monitor", "demonitor", "trap",
                                             "exit", "exit", "exit", "send", "crash" };
        static const char *const names[] = { "register", "register", "lend", "unregister", "whereis", "sendname", "sendname",
                                             "watchname", "enter", "enter", "withdraw", "find", "via", "trap" };
        static const char *const groups[] = { "join", "join", "join", "leave", "leave", "members", "observe", "observe",
                                              "unobserve", "exit" };
        static const char *const timers[] = { "far", "far", "farname", "cancel", "cancel", "left", "left", "volley",
                                              "register", "exit" };
        static const char *const any[] = { "spawn", "spawn", "die" };
        static const char *const reasons[] = { "normal", "kill", "boom", "shutdown", "killed", "noproc", "{shutdown,1}",
                                               "{a,[b,\"c\"]}", "17", "#{k=>1.5}" };
        char text[VOLLEY + 1];
        uint32_t kind = cop__random_below(random, 5); /* what the sequence is about; 0: all of it */
        printf("reset %ld 0 -\n", (long)number);
        for (int n = 0; n < 40; n++) {
                uint32_t about = kind == 0 ? 1 + cop__random_below(random, 4) : kind;
                const char *word = about == 1 ? ONE_OF(random, bonds) :
                                   about == 2 ? ONE_OF(random, names) :
                                   about == 3 ? ONE_OF(random, groups) : ONE_OF(random, timers);
                if (cop__random_below(random, 5) == 0)
                        word = ONE_OF(random, any);
                unsigned first = cop__random_below(random, PUPPETS), second = cop__random_below(random, PUPPETS);
                const char *reason = ONE_OF(random, reasons);
                if (strcmp(word, "observe") == 0) /* docs/erlang.md says why members observe nothing */
                        first = 2 + first % 2;
                if (strcmp(word, "join") == 0)
                        second %= 2;
                printf("%s %u %u %s\n", word, first, second, strcmp(word, "volley") == 0 ? volley_text(random, text) : reason);
        }
}

const struct part part = { "puppets", generate, reset, give, settle };
