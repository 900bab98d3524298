/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One side of the comparison with Erlang: reads orders, has puppets carry them out, and prints what came of each. The other
 * side is puppets.erl, which does the same word for word; compare.sh makes the orders and compares what the two say.
 *
 *      puppets generate SEED SEQUENCES       prints orders
 *      puppets run                           reads them
 *
 * An order is a line: a word and numbers. Puppets are numbered from 0; each life of one has a name, p2.1 being the second
 * life of puppet 2. After each order nothing moves any more before what has happened is printed, a line for the order with its
 * result, then who has died of what, then what the puppets have heard, in the order of the lines' text, since Erlang promises
 * none between an EXIT and a DOWN of the same death.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coppice.h>

#include "base/random.h"

#define PUPPETS 4
#define LIVES 4096
#define HEARD 256

typedef struct {
        int64_t puppet;
} seat;
COP_MESSAGE(seat, puppet);

typedef struct {
        char word[16];
        int64_t first, second;
        char reason[16];
} order;
COP_MESSAGE(order, word, first, second, reason);

typedef struct {
        char text[32];
} result;
COP_MESSAGE(result, text);

typedef struct {
        int64_t number;
} hello;
COP_MESSAGE(hello, number);

static struct life {
        cop_pid pid;
        int puppet, number;
} lives[LIVES];
static int life_count;
static cop_pid pids[PUPPETS];

/* What has been heard since the last order. One worker, and whoever prints waits until it sleeps. */
static char heard[HEARD][128];
static int heard_count;

static const char *name_of(cop_pid pid, char text[32])
{
        snprintf(text, 32, "nobody");
        for (int i = life_count - 1; i >= 0; i--)
                if (cop_pid_equal(lives[i].pid, pid)) {
                        snprintf(text, 32, "p%d.%d", lives[i].puppet, lives[i].number);
                        break;
                }
        return text;
}

/* A crash is a tuple on both sides, with other things in it. */
static const char *words_of(cop_term reason, char text[64])
{
        cop_term_print(reason, NULL, text, 64);
        if (reason.type == COP_TERM_TUPLE)
                snprintf(text, 64, "crash");
        return text;
}

static void hear(cop_pid who, const char *what, const char *of, const char *why)
{
        char name[32];
        if (heard_count < HEARD)
                snprintf(heard[heard_count++], sizeof(heard[0]), "  %s hears %s %s %s",
                         name_of(who, name), what, of, why);
}

/* ---- The puppet ------------------------------------------------------------------------- */

#define REFS 64

static bool never(const hello *unused, const cop_pid (*unused_too)[PUPPETS])
{
        (void)unused;
        (void)unused_too;
        return false;
}

static const char *carry_out(const order *o, cop_ref *refs, int *ref_count)
{
        char name[16];
        cop_pid to = o->second >= 0 && o->second < PUPPETS ? pids[o->second] : cop_no_pid();
        snprintf(name, sizeof(name), "name%d", (int)o->second);
        if (strcmp(o->word, "link") == 0) {
                cop_link(to);
                cop_receive(0, COP_WHERE(hello, never, &pids)); /* a signal that has come is acted upon */
        } else if (strcmp(o->word, "unlink") == 0) {
                cop_unlink(to);
        } else if (strcmp(o->word, "monitor") == 0) {
                if (*ref_count < REFS && cop_monitor(to, &refs[*ref_count]) == COP_OK)
                        (*ref_count)++;
        } else if (strcmp(o->word, "demonitor") == 0) {
                if (*ref_count > 0)
                        cop_demonitor_flush(refs[--*ref_count]);
        } else if (strcmp(o->word, "trap") == 0) {
                cop_trap_exit(o->second > 0);
        } else if (strcmp(o->word, "exit") == 0) {
                cop_send_exit(to, cop_atom(o->reason));
        } else if (strcmp(o->word, "die") == 0) {
                cop_exit(cop_atom(o->reason));
        } else if (strcmp(o->word, "crash") == 0) {
                volatile int64_t zero = 0, quotient = (900 + o->first) / zero;
                return quotient == 0 ? "no" : "yes";
        } else if (strcmp(o->word, "send") == 0) {
                cop_send(to, hello, .number = o->first);
        } else if (strcmp(o->word, "register") == 0) {
                return cop_register(name, cop_self()) == COP_OK ? "ok" : "badarg";
        } else if (strcmp(o->word, "name") == 0) {
                return cop_register(name, pids[o->first]) == COP_OK ? "ok" : "badarg";
        }
        return "ok";
}

static void puppet(const seat *s)
{
        cop_ref refs[REFS];
        int ref_count = 0;
        char of[32], why[64];
        (void)s;
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const order *o = cop_read(order, message);
                const cop_exited *exited = cop_read(cop_exited, message);
                const cop_down *down = cop_read(cop_down, message);
                if (o != NULL) {
                        result r = { "" };
                        snprintf(r.text, sizeof(r.text), "%s", carry_out(o, refs, &ref_count));
                        cop_answer_value(message, COP_KIND_OF(result), &r);
                } else if (exited != NULL) {
                        hear(cop_self(), "exit", name_of(exited->pid, of), words_of(exited->reason, why));
                } else if (down != NULL) {
                        hear(cop_self(), "down", name_of(down->pid, of), words_of(down->reason, why));
                } else {
                        hear(cop_self(), "hello", name_of(cop_message_from(message), of), "");
                }
        }
}

/* ---- The one who gives the orders ---------------------------------------------------------- */

static int by_text(const void *left, const void *right)
{
        return strcmp(left, right);
}

/* Whatever has died has been monitored from here. */
static void print_all(cop_node *node)
{
        char of[32], why[64];
        cop_message *message;
        cop_node_await_quiet(node, COP_FOREVER);
        while ((message = cop_receive(0, COP_KIND(cop_down))) != NULL) {
                const cop_down *down = cop_read(cop_down, message);
                if (heard_count < HEARD)
                        snprintf(heard[heard_count++], sizeof(heard[0]), "  %s died of %s",
                                 name_of(down->pid, of), words_of(down->reason, why));
                cop_message_free(message);
        }
        qsort(heard, (size_t)heard_count, sizeof(heard[0]), by_text);
        for (int i = 0; i < heard_count; i++)
                puts(heard[i]);
        heard_count = 0;
}

static void bring_up(int number)
{
        cop_ref ref;
        int count = 0;
        if (cop_is_alive(pids[number]) || life_count == LIVES)
                return;
        for (int i = 0; i < life_count; i++)
                count += lives[i].puppet == number;
        pids[number] = cop_spawn_with(puppet, seat, .puppet = number);
        lives[life_count++] = (struct life){ pids[number], number, count };
        cop_monitor(pids[number], &ref);
}

static void reset(cop_node *node)
{
        for (int i = 0; i < PUPPETS; i++) {
                cop_send_exit(pids[i], cop_atom("kill"));
                cop_node_await_quiet(node, COP_FOREVER);
        }
        cop_message *message;
        while ((message = cop_receive(0, COP_ANY)) != NULL)
                cop_message_free(message);
        heard_count = life_count = 0;
        for (int i = 0; i < PUPPETS; i++) {
                pids[i] = cop_no_pid();
                bring_up(i);
        }
}

static const char *give(const order *o, char text[32])
{
        cop_message *reply;
        char name[16];
        snprintf(name, sizeof(name), "name%d", (int)o->second);
        if (strcmp(o->word, "spawn") == 0) {
                bring_up((int)o->first);
                return "ok";
        }
        if (strcmp(o->word, "whereis") == 0)
                return name_of(cop_whereis(name), text);
        if (strcmp(o->word, "unregister") == 0)
                return cop_unregister(name) == COP_OK ? "ok" : "badarg";
        if (cop_call_value(&reply, cop_to_pid(pids[o->first]), COP_FOREVER, COP_KIND_OF(order), o) != COP_OK)
                return "none";
        snprintf(text, 32, "%s", cop_read(result, reply)->text);
        cop_message_free(reply);
        return text;
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

static int run(void)
{
        cop_node *node;
        char line[128], text[32];
        if (cop_node_start(&(cop_node_options){ .name = "ours", .workers = 1, .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        while (fgets(line, sizeof(line), stdin) != NULL) {
                order o = { .second = 0 };
                long first = 0, second = 0;
                line[strcspn(line, "\n")] = '\0';
                if (sscanf(line, "%15s %ld %ld %15s", o.word, &first, &second, o.reason) < 1)
                        continue;
                o.first = first;
                o.second = second;
                if (strcmp(o.word, "reset") == 0) {
                        reset(node);
                        puts(line);
                        continue;
                }
                const char *said = give(&o, text);
                printf("%s -> %s\n", line, said);
                print_all(node);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}

/* ---- Orders by seed -------------------------------------------------------------------------- */

static void generate(uint64_t seed, long sequences)
{
        static const char *const words[] = { "spawn", "spawn", "spawn", "link", "link", "link", "unlink",
                                             "monitor", "monitor", "demonitor", "trap", "exit", "exit", "exit",
                                             "die", "crash", "send", "register", "unregister", "whereis" };
        static const char *const reasons[] = { "normal", "kill", "boom", "shutdown", "killed", "noproc" };
        for (long i = 0; i < sequences; i++) {
                uint64_t random = cop__mix(seed + (uint64_t)i);
                printf("reset %ld\n", (long)(seed + (uint64_t)i));
                for (int n = 0; n < 40; n++) {
                        const char *word = words[cop__random_below(&random, sizeof(words) / sizeof(words[0]))];
                        unsigned first = cop__random_below(&random, PUPPETS);
                        unsigned second = cop__random_below(&random, PUPPETS);
                        const char *reason = reasons[cop__random_below(&random, 6)];
                        printf("%s %u %u %s\n", word, first, strcmp(word, "trap") == 0 ? second % 2 : second, reason);
                }
        }
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "generate") == 0)
                generate(strtoull(argv[2], NULL, 10), atol(argv[3]));
        else if (argc == 2 && strcmp(argv[1], "run") == 0)
                return run();
        else
                return fputs("puppets generate SEED SEQUENCES | puppets run\n", stderr) < 0 ? 1 : 2;
        return 0;
}
