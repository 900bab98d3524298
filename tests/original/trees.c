/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Supervisors. trees.erl is the other side.
 *
 * Each sequence begins with a tree whose strategy, intensity and kinds of restart are drawn: three children, or a dynamic one that
 * has none yet. What they do is told in the order in which it happens, for that is a supervisor's promise: who begins, refuses to
 * begin or ends before whom. (But the children of a dynamic one all end together: there only what each does is in order.) Then the
 * children as the supervisor tells them, with their number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/original/side.h"

#define IDS 5
#define CHILDREN 64
#define HOUR_MS (3600 * 1000)

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
static cop_pid tree;
static bool is_dynamic;

/* ---- The child ------------------------------------------------------------------------------- */

typedef struct {
        int64_t id;
} child;

static void child_init(child *self, const place *p)
{
        self->id = p->id;
        if (modes[p->id] == IGNORES) {
                note("%s ignores", ids[p->id]);
                cop_ignore();
        }
        if (modes[p->id] == FAILS) {
                note("%s fails", ids[p->id]);
                cop_exit(cop_atom("bad"));
        }
        cop_trap_exit(true);
        note("%s begins", life_begins(ids[p->id], cop_self()));
}

static void child_on_ending(child *self, const ending *e)
{
        (void)self;
        cop_exit(term_of(e->reason));
}

static void child_terminate(child *self, cop_term reason)
{
        char why[64];
        (void)self;
        note("%s ends of %s", life_name(cop_self()), words_of(reason, why));
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
        case COP_OK: return pid.bits != 0 ? life_name(pid) : "ok";
        case COP_E_NOT_FOUND: return "not_found";
        case COP_E_RUNNING: return "running";
        case COP_E_RESTARTING: return "restarting";
        case COP_E_ALREADY_STARTED: return "already_started";
        case COP_E_ALREADY_PRESENT: return "already_present";
        case COP_E_DIED: return cop_is_alive(tree) ? "error" : "noproc";
        case COP_E_NO_ACTOR: return "noproc";
        case COP_E_DYNAMIC: return "simple_one_for_one";
        default: return cop_status_text(status);
        }
}

/* Who runs under an id, as the supervisor says; nobody: no such process. A dynamic one knows no ids: the youngest so named. */
static cop_pid runs_as(const char *id)
{
        cop_message *answer;
        cop_pid pid = cop_no_pid();
        if (cop_which_children(tree, &answer) != COP_OK)
                return pid;
        const cop_children *all = cop_read(cop_children, answer);
        for (size_t i = 0; i < all->children.count; i++) {
                const cop_child_state *state = &all->children.items[i];
                const char *name = is_dynamic ? life_name(state->pid) : state->id.data;
                if (strncmp(name, id, 2) == 0 && (pid.bits == 0 || strcmp(name, life_name(pid)) > 0))
                        pid = state->pid;
        }
        cop_message_free(answer);
        return pid;
}

static const char *terminate(const char *id)
{
        cop_pid pid = is_dynamic ? runs_as(id) : cop_no_pid();
        if (!is_dynamic)
                return said_of(cop_terminate_child(tree, id), pid);
        if (!cop_is_alive(tree))
                return "noproc";
        return pid.bits == 0 ? "none" : said_of(cop_terminate_child(tree, pid), cop_no_pid());
}

static const char *carry_out(const struct command *command)
{
        cop_pid pid = cop_no_pid();
        const char *id = ids[command->first % IDS], *word = command->word;
        cop_child spec = spec_of(command->first % IDS, command->second);
        cop_child argument = { .kind = spec.kind, .argument = spec.argument }; /* the rest of each is the same */
        ending e = { "" };
        if (strcmp(word, "mode") == 0) {
                modes[command->first % IDS] = (enum mode)(command->second % MODES);
                return "ok";
        }
        if (strcmp(word, "start") == 0)
                return said_of(cop_start_child(tree, is_dynamic ? &argument : &spec, &pid), pid);
        if (strcmp(word, "terminate") == 0)
                return terminate(id);
        if (strcmp(word, "restart") == 0)
                return said_of(cop_restart_child(tree, id, &pid), pid);
        if (strcmp(word, "delete") == 0)
                return said_of(cop_delete_child(tree, id), pid);
        pid = runs_as(id);
        snprintf(e.reason, sizeof(e.reason), "%.15s", command->text);
        if (strcmp(word, "kill") == 0)
                cop_send_exit(pid, cop_atom("kill"));
        else
                cop_send_value(COP_TO(pid), COP_KIND_OF(ending), &e);
        return pid.bits != 0 ? "ok" : "none";
}

/* ---- What has come of it ------------------------------------------------------------------------- */

static int by_text(const void *left, const void *right)
{
        return strcmp(left, right);
}

/* In the order of start; of a dynamic supervisor, which promises none, in that of their names. */
static void note_children(void)
{
        cop_message *answer;
        cop_child_count count;
        char names[CHILDREN][40];
        if (cop_which_children(tree, &answer) != COP_OK || cop_count_children(tree, &count) != COP_OK)
                return;
        const cop_children *all = cop_read(cop_children, answer);
        size_t children = all->children.count < CHILDREN ? all->children.count : CHILDREN;
        for (size_t i = 0; i < children; i++) {
                const cop_child_state *state = &all->children.items[i];
                bool stopped = cop_symbol_equal(state->state, "stopped");
                snprintf(names[i], sizeof(names[i]), "%.8s is %s", is_dynamic ? "one" : state->id.data,
                         state->pid.bits != 0 ? life_name(state->pid) : stopped ? "undefined" : "restarting");
        }
        if (is_dynamic)
                qsort(names, children, sizeof(names[0]), by_text);
        for (size_t i = 0; i < children; i++)
                note("%s", names[i]);
        if (!is_dynamic) /* docs/erlang.md */
                note("%d specs", (int)count.specs);
        note("%d active, %d workers", (int)count.active, (int)count.workers);
        cop_message_free(answer);
}

static void settle(cop_node *node)
{
        char why[64];
        cop_message *message;
        cop_node_await_quiet(node, COP_FOREVER);
        while ((message = cop_receive(0, COP_KIND(cop_exited))) != NULL) {
                const cop_exited *exited = cop_read(cop_exited, message);
                if (cop_pid_equal(exited->pid, tree))
                        note("tree died of %s", words_of(exited->reason, why));
                cop_message_free(message);
        }
        note_children();
}

/* The text: strategy, intensity, and each child's restart, a digit each. */
static void reset(cop_node *node, const struct command *command)
{
        static const cop_strategy strategies[] = { COP_ONE_FOR_ONE, COP_ONE_FOR_ALL, COP_REST_FOR_ONE, COP_DYNAMIC };
        const char *digits = command->text;
        cop_child children[4];
        if (cop_is_alive(tree))
                cop_shutdown(tree, COP_SHUTDOWN_INFINITY);
        cop_node_await_quiet(node, COP_FOREVER);
        drop_mail();
        memset(modes, 0, sizeof(modes));
        lives_forget();
        notes_forget();
        is_dynamic = digits[0] == '3';
        telling = is_dynamic ? BY_ACTOR : AS_IT_HAPPENED;
        for (int i = 0; i < 3; i++)
                children[i] = spec_of(i, digits[2 + i] - '0');
        children[3] = (cop_child){ .id = NULL };
        cop_supervisor supervisor = { .strategy = strategies[(digits[0] - '0') % 4], .intensity = digits[1] - '0',
                                      .period_ms = HOUR_MS };
        if (is_dynamic)
                supervisor.each = &children[0];
        else
                supervisor.children = children;
        if (cop_supervise(&supervisor, &tree) != COP_OK)
                note("the tree does not start");
}

/* ---- Orders by seed ----------------------------------------------------------------------------------- */

static void generate(uint64_t number, uint64_t *random)
{
        static const char *const words[] = { "die", "die", "die", "kill", "start", "start", "terminate",
                                             "terminate", "restart", "restart", "delete", "mode" };
        static const char *const dynamic[] = { "die", "die", "kill", "start", "start", "start", "start",
                                               "terminate", "restart", "delete", "mode" };
        static const char *const reasons[] = { "normal", "shutdown", "boom", "{shutdown,1}", "{a,[1.5]}" };
        uint32_t strategy = cop__random_below(random, 4), intensity = 1 + cop__random_below(random, 5);
        printf("reset %ld 0 %u%u", (long)number, strategy, intensity);
        for (int n = 0; n < 3; n++)
                printf("%u", cop__random_below(random, 3));
        putchar('\n');
        for (int n = 0; n < 30; n++) {
                const char *word = strategy == 3 ? ONE_OF(random, dynamic) : ONE_OF(random, words);
                uint32_t id = cop__random_below(random, IDS), restart = cop__random_below(random, 3);
                if (strategy == 3 && strcmp(word, "mode") == 0 && restart == IGNORES) /* docs/erlang.md */
                        restart = FAILS;
                printf("%s %u %u %s\n", word, id, restart, ONE_OF(random, reasons));
        }
}

const struct part part = { "trees", generate, reset, carry_out, settle };
