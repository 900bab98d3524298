/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Supervisors under the same orders as Erlang's: trees.erl is the other side and does the same word
 * for word, compare.sh compares.
 *
 *      trees generate SEED SEQUENCES       prints orders
 *      trees run                           reads them
 *
 * Each sequence begins with a tree of three children whose strategy, intensity and kinds of restart
 * are drawn. Children come in lives, c1.2 being the second one that began under the id c1. What
 * they do is printed in the order in which it happens, for that is a supervisor's promise: who
 * begins, refuses to begin or ends before whom. Then the children as the supervisor tells them,
 * with their number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coppice.h>

#include "base/random.h"

#define IDS 5
#define EVENTS 512
#define LIVES 4096

/* What an init is to come to. */
enum mode { BEGINS = 0, IGNORES, FAILS, MODES };

typedef struct {
        int64_t id;
} place;
COP_MESSAGE(place, id);

typedef struct {
        char reason[16];
} ending;
COP_MESSAGE(ending, reason);

static const char *const ids[IDS] = { "c0", "c1", "c2", "c3", "c4" };
static const place places[IDS] = { { 0 }, { 1 }, { 2 }, { 3 }, { 4 } };
static enum mode modes[IDS];
static int lives_of[IDS];
static struct life {
        cop_pid pid;
        char name[16];
} lives[LIVES];
static int life_count;
static cop_pid tree;

/* One worker, and whoever prints waits until it sleeps. */
static char events[EVENTS][64];
static int event_count;

#define EVENT(...)                                                                        \
        (event_count < EVENTS ? snprintf(events[event_count++], sizeof(events[0]), __VA_ARGS__) : 0)

static const char *name_of(cop_pid pid)
{
        for (int i = life_count - 1; i >= 0; i--)
                if (cop_pid_equal(lives[i].pid, pid))
                        return lives[i].name;
        return "nobody";
}

/* ---- The child ------------------------------------------------------------------------------- */

typedef struct {
        int64_t id;
} child;

static void child_init(child *self, const place *p)
{
        self->id = p->id;
        if (modes[p->id] == IGNORES) {
                EVENT("  %s ignores", ids[p->id]);
                cop_ignore();
        }
        if (modes[p->id] == FAILS) {
                EVENT("  %s fails", ids[p->id]);
                cop_exit(cop_atom("bad"));
        }
        cop_trap_exit(true);
        if (life_count < LIVES) {
                struct life *life = &lives[life_count++];
                life->pid = cop_self();
                snprintf(life->name, sizeof(life->name), "%s.%d", ids[p->id], lives_of[p->id]++);
        }
        EVENT("  %s begins", name_of(cop_self()));
}

static void child_on_ending(child *self, const ending *e)
{
        (void)self;
        cop_exit(cop_atom(e->reason));
}

static void child_terminate(child *self, cop_term reason)
{
        char why[32];
        (void)self;
        cop_term_print(reason, NULL, why, sizeof(why));
        EVENT("  %s ends of %s", name_of(cop_self()), why);
}

COP_SERVER(child, COP_INIT_WITH(place, child_init), COP_ON(ending, child_on_ending),
           COP_TERMINATE(child_terminate));

static cop_child spec_of(int64_t id, int64_t restart)
{
        static const cop_restart restarts[] = { COP_PERMANENT, COP_TRANSIENT, COP_TEMPORARY };
        return (cop_child){ .id = ids[id], .server = &child_server, .unnamed = true,
                            .restart = restarts[restart % 3], .kind = COP_KIND_OF(place),
                            .argument = &places[id] };
}

/* ---- Orders ------------------------------------------------------------------------------------ */

static const char *said_of(cop_status status, cop_pid pid)
{
        switch (status) {
        case COP_OK: return pid.bits != 0 ? name_of(pid) : "ok";
        case COP_E_NOT_FOUND: return "not_found";
        case COP_E_RUNNING: return "running";
        case COP_E_RESTARTING: return "restarting";
        case COP_E_ALREADY_STARTED: return "already_started";
        case COP_E_ALREADY_PRESENT: return "already_present";
        case COP_E_DIED: return cop_is_alive(tree) ? "error" : "noproc";
        case COP_E_NO_ACTOR: return "noproc";
        default: return cop_status_text(status);
        }
}

/* Who runs under an id, as the supervisor says; nobody: no such process. */
static cop_pid runs_as(const char *id)
{
        cop_message *answer;
        cop_pid pid = cop_no_pid();
        if (cop_which_children(tree, &answer) != COP_OK)
                return pid;
        const cop_children *all = cop_read(cop_children, answer);
        for (size_t i = 0; i < all->children.count; i++)
                if (strcmp(all->children.items[i].id.data, id) == 0)
                        pid = all->children.items[i].pid;
        cop_message_free(answer);
        return pid;
}

static const char *carry_out(const char *word, long first, long second, const char *reason)
{
        cop_pid pid = cop_no_pid();
        cop_child spec = spec_of(first, second);
        ending e = { "" };
        if (strcmp(word, "mode") == 0) {
                modes[first] = (enum mode)(second % MODES);
                return "ok";
        }
        if (strcmp(word, "start") == 0)
                return said_of(cop_start_child(tree, &spec, &pid), pid);
        if (strcmp(word, "terminate") == 0)
                return said_of(cop_terminate_child(tree, ids[first]), pid);
        if (strcmp(word, "restart") == 0)
                return said_of(cop_restart_child(tree, ids[first], &pid), pid);
        if (strcmp(word, "delete") == 0)
                return said_of(cop_delete_child(tree, ids[first]), pid);
        pid = runs_as(ids[first]);
        snprintf(e.reason, sizeof(e.reason), "%s", reason);
        if (strcmp(word, "kill") == 0)
                cop_send_exit(pid, cop_atom("kill"));
        else
                cop_send_value(COP_TO(pid), COP_KIND_OF(ending), &e);
        return pid.bits != 0 ? "ok" : "none";
}

/* ---- What has come of it ------------------------------------------------------------------------- */

static void print_children(void)
{
        cop_message *answer;
        cop_child_count count;
        if (cop_which_children(tree, &answer) != COP_OK || cop_count_children(tree, &count) != COP_OK)
                return;
        const cop_children *all = cop_read(cop_children, answer);
        for (size_t i = 0; i < all->children.count; i++) {
                const cop_child_state *state = &all->children.items[i];
                bool stopped = cop_symbol_equal(state->state, "stopped");
                printf("  %s is %s\n", state->id.data,
                       state->pid.bits != 0 ? name_of(state->pid) : stopped ? "undefined" : "restarting");
        }
        printf("  %d specs, %d active, %d workers\n", (int)count.specs, (int)count.active, (int)count.workers);
        cop_message_free(answer);
}

static void print_all(cop_node *node)
{
        char why[32];
        cop_node_await_quiet(node, COP_FOREVER);
        for (int i = 0; i < event_count; i++)
                puts(events[i]);
        event_count = 0;
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(cop_exited))) != NULL) {
                const cop_exited *exited = cop_read(cop_exited, message);
                cop_term_print(exited->reason, NULL, why, sizeof(why));
                if (cop_pid_equal(exited->pid, tree))
                        printf("  tree died of %s\n", why);
                cop_message_free(message);
        }
        print_children();
}

static void reset(cop_node *node, long strategy, long intensity, const char *restarts)
{
        static const cop_strategy strategies[] = { COP_ONE_FOR_ONE, COP_ONE_FOR_ALL, COP_REST_FOR_ONE };
        cop_child children[4];
        if (cop_is_alive(tree))
                cop_shutdown(tree, COP_SHUTDOWN_INFINITY);
        cop_node_await_quiet(node, COP_FOREVER);
        for (cop_message *message; (message = cop_receive(0, COP_ANY)) != NULL;)
                cop_message_free(message);
        memset(modes, 0, sizeof(modes));
        memset(lives_of, 0, sizeof(lives_of));
        event_count = life_count = 0;
        for (int i = 0; i < 3; i++)
                children[i] = spec_of(i, restarts[i] - '0');
        children[3] = (cop_child){ .id = NULL };
        if (cop_supervise(&(cop_supervisor){ .strategy = strategies[strategy % 3],
                                             .intensity = (int32_t)intensity, .period_ms = 3600 * 1000,
                                             .children = children }, &tree) != COP_OK)
                puts("the tree does not start");
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
        char line[128], word[16], reason[16];
        if (cop_node_start(&(cop_node_options){ .name = "ours", .workers = 1, .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        while (fgets(line, sizeof(line), stdin) != NULL) {
                long number = 0, first = 0, second = 0;
                line[strcspn(line, "\n")] = '\0';
                if (sscanf(line, "reset %ld %ld %ld %15s", &number, &first, &second, reason) == 4) {
                        reset(node, first, second, reason);
                        puts(line);
                        print_all(node);
                } else if (sscanf(line, "%15s %ld %ld %15s", word, &first, &second, reason) == 4 && first >= 0 &&
                           first < IDS) {
                        printf("%s -> %s\n", line, carry_out(word, first, second, reason));
                        print_all(node);
                }
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}

/* ---- Orders by seed ----------------------------------------------------------------------------------- */

static void generate(uint64_t seed, long sequences)
{
        static const char *const words[] = { "die", "die", "die", "kill", "start", "start", "terminate",
                                             "terminate", "restart", "restart", "delete", "mode" };
        static const char *const reasons[] = { "normal", "shutdown", "boom" };
        for (long i = 0; i < sequences; i++) {
                uint64_t random = cop__mix(~(seed + (uint64_t)i));
                unsigned strategy = cop__random_below(&random, 3), intensity = 1 + cop__random_below(&random, 5);
                printf("reset %ld %u %u ", (long)(seed + (uint64_t)i), strategy, intensity);
                for (int n = 0; n < 3; n++)
                        printf("%u", cop__random_below(&random, 3));
                putchar('\n');
                for (int n = 0; n < 30; n++) {
                        const char *word = words[cop__random_below(&random, sizeof(words) / sizeof(words[0]))];
                        unsigned id = cop__random_below(&random, IDS), number = cop__random_below(&random, 3);
                        printf("%s %u %u %s\n", word, id, number, reasons[cop__random_below(&random, 3)]);
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
                return fputs("trees generate SEED SEQUENCES | trees run\n", stderr) < 0 ? 1 : 2;
        return 0;
}
