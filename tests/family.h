/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Children for the tests of supervisors: each tells the test what happens to it, in words.
 *
 *      TREE(shop, .strategy = COP_REST_FOR_ONE, .children = COP_CHILDREN(WORKER("a"), WORKER("b")));
 *      cop_pid shop_pid = grow(&shop);
 *      expect("start a");
 *      expect("start b");
 *      crash("b");
 *
 * A worker reports "start ID" from its init and "end ID REASON" from its terminate, by a message that it has sent before its
 * supervisor can hear of either; so the order of the words is the order of the deeds.
 */
#ifndef TESTS_FAMILY_H
#define TESTS_FAMILY_H

#include <stdio.h>
#include <string.h>

#include "supervisor/supervisor.h"
#include "tests/node_fixture.h"

typedef struct word {
        cop_pid who;
        cop_text text;
} word;
COP_MESSAGE(word, who, text);

typedef struct job {
        char id[8];
        int64_t stop_ms; /* its terminate takes so long; above 0 it traps exits */
        bool traps;
} job;
COP_MESSAGE(job, id, stop_ms, traps);

typedef struct quit {
        cop_term reason;
} quit;
COP_MESSAGE(quit, reason);

typedef struct ping {
        int64_t number;
} ping;
COP_MESSAGE(ping, number);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct leave_home {
        int64_t unused;
} leave_home;
COP_MESSAGE(leave_home, unused);

typedef struct come_home {
        bool at_the_end;
} come_home;
COP_MESSAGE(come_home, at_the_end);

typedef struct play_dead {
        int64_t unused;
} play_dead;
COP_MESSAGE(play_dead, unused);

/* What inits do, by the first letter of an id; set by the test, read by actors. */
enum { STARTS = 0, FAILS, HANGS };
static uint32_t init_does[128];
static uint32_t init_tries[128]; /* inits that began */

static inline void let(const char *id, uint32_t what)
{
        cop__store_release(&init_does[(unsigned char)id[0]], what);
}

static inline uint32_t tries_of(const char *id)
{
        return cop__load_acquire(&init_tries[(unsigned char)id[0]]);
}

static inline void say(const char *what, const char *id, const char *more)
{
        char text[128];
        snprintf(text, sizeof(text), "%s %s%s%s", what, id, more[0] != '\0' ? " " : "", more);
        cop_send("witness", word, .who = cop_self(), .text = cop_text_of(text));
}

typedef struct {
        job job;
        int64_t pings;
        bool comes_home;
} worker;

static void worker_init(worker *self, const job *j)
{
        uint32_t letter = (unsigned char)j->id[0];
        self->job = *j;
        cop__add_relaxed(&init_tries[letter], 1u);
        cop_trap_exit(j->traps || j->stop_ms > 0);
        switch (cop__load_acquire(&init_does[letter])) {
        case FAILS:
                cop_exit(COP_TUPLE(cop_atom("no_start"), cop_atom(j->id)));
        case HANGS:
                say("hang", j->id, "");
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
                break;
        }
        say("start", j->id, "");
}

static void worker_on_quit(worker *self, const quit *q)
{
        (void)self;
        cop_exit(q->reason);
}

static void worker_on_ping(worker *self, const ping *p)
{
        (void)p;
        cop_reply(ping, .number = ++self->pings);
}

/* Undoes its link with its supervisor. */
static void worker_on_leave_home(worker *self, const leave_home *l)
{
        (void)l;
        cop_unlink(cop_parent());
        say("left", self->job.id, "");
}

/* Makes one again: now, or when it ends. */
static void worker_on_come_home(worker *self, const come_home *c)
{
        if (c->at_the_end)
                self->comes_home = true;
        else
                cop_link(cop_parent());
        say("home", self->job.id, "");
}

static void worker_on_play_dead(worker *self, const play_dead *p)
{
        (void)p;
        cop_send_exit(cop_parent(), cop_atom("boom"));
        say("played", self->job.id, "");
}

/* What would have ended it, had it not trapped exits. */
static void worker_on_exited(worker *self, const cop_exited *exited)
{
        (void)self;
        (void)exited;
}

static void worker_terminate(worker *self, cop_term reason)
{
        if (self->comes_home)
                cop_link(cop_parent());
        say("end", self->job.id, text_of(reason));
        if (self->job.stop_ms > 0) {
                cop_sleep(self->job.stop_ms);
                say("done", self->job.id, "");
        }
}

COP_SERVER(worker, COP_INIT_WITH(job, worker_init), COP_ON(quit, worker_on_quit),
           COP_ON(ping, worker_on_ping), COP_ON(leave_home, worker_on_leave_home), COP_ON(come_home, worker_on_come_home),
           COP_ON(play_dead, worker_on_play_dead), COP_ON(cop_exited, worker_on_exited),
           COP_TERMINATE(worker_terminate));

/* ---- Trees ------------------------------------------------------------------------------- */

/* WORKER("a", .restart = COP_TRANSIENT): tells of its start and, since it traps exits, of its end. */
#define WORKER(id_, ...) WORKER_WITH(id_, ((job){ .id = id_, .traps = true }), __VA_ARGS__)
#define WORKER_WITH(id_, job_, ...)                                                         \
        {                                                                                   \
                .id = id_, .server = &worker_server, .kind = COP_KIND_OF(job),              \
                .argument = (job[]){ job_ }, __VA_ARGS__                                    \
        }
#define TREE(name_, ...) const cop_supervisor name_ = { .name = #name_, __VA_ARGS__ }

static inline void attend(void)
{
        memset(init_does, 0, sizeof(init_does));
        memset(init_tries, 0, sizeof(init_tries));
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
}

static inline cop_pid grow(const cop_supervisor *tree)
{
        cop_pid pid = cop_no_pid();
        ck_assert_int_eq(cop_supervise(tree, &pid), COP_OK);
        return pid;
}

static inline void fell(cop_pid tree)
{
        ck_assert_int_eq(cop_shutdown(tree, COP_SHUTDOWN_INFINITY), COP_OK);
}

/* ---- What is said -------------------------------------------------------------------------- */

/* The next word must be this. Returns who said it. */
static inline cop_pid expect(const char *text)
{
        cop_auto message = await(COP_KIND(word));
        const word *w = cop_read(word, message);
        ck_assert_str_eq(w->text.data, text);
        return w->who;
}

/* Two words of different speakers, in either order. */
static inline void expect_both(const char *one, const char *other)
{
        cop_auto first = await(COP_KIND(word));
        bool swapped = cop_text_equal(cop_read(word, first)->text, other);
        if (!swapped)
                ck_assert_str_eq(cop_read(word, first)->text.data, one);
        expect(swapped ? one : other);
}

static inline cop_message *children_of(cop_pid supervisor)
{
        cop_message *answer = NULL;
        ck_assert_int_eq(cop_which_children(supervisor, &answer), COP_OK);
        return answer;
}

static inline bool is_on_its_way(const cop_child_state *child)
{
        return !cop_symbol_equal(child->state, "stopped") &&
               !cop_symbol_equal(child->state, "running") &&
               !cop_symbol_equal(child->state, "open");
}

/* Is nothing under way: is each child as it is to be? */
static inline bool is_settled(cop_pid supervisor)
{
        cop_auto answer = children_of(supervisor);
        const cop_children *all = cop_read(cop_children, answer);
        for (size_t i = 0; i < all->children.count; i++)
                if (is_on_its_way(&all->children.items[i]))
                        return false;
        return true;
}

/* Everything that was asked of the supervisor is done, and it has caused no further word. */
static inline void expect_silence(cop_pid supervisor)
{
        await_true(is_settled(supervisor));
        cop_auto message = cop_receive(0, COP_KIND(word));
        ck_assert_msg(message == NULL, "%s", cop_read(word, message)->text.data);
}

/* ---- What is done -------------------------------------------------------------------------- */

/* Tells an actor to exit, and waits for its end. */
static inline void dismiss(cop_pid pid, cop_term reason)
{
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_send(pid, quit, .reason = reason), COP_OK);
        await_and_drop(COP_REF(cop_down, ref));
}

/* The same by name. Returns who it was. */
static inline cop_pid quit_with(const char *name, cop_term reason)
{
        cop_pid pid = cop_whereis(name);
        dismiss(pid, reason);
        return pid;
}

static inline cop_pid crash(const char *name)
{
        return quit_with(name, cop_atom("boom"));
}

/* What a supervisor says of a child under a key; the child's pid is "undefined" if it has none. */
static inline const char *ask_child(cop_pid supervisor, const char *id, const char *key)
{
        static _Thread_local char text[128];
        cop_auto answer = children_of(supervisor);
        const cop_children *all = cop_read(cop_children, answer);
        snprintf(text, sizeof(text), "no such child");
        for (size_t i = 0; i < all->children.count; i++) {
                const cop_child_state *child = &all->children.items[i];
                char pid[COP_ID_TEXT_MAX];
                if (!cop_text_equal(child->id, id))
                        continue;
                if (strcmp(key, "pid") == 0)
                        snprintf(text, sizeof(text), "%s",
                                 child->pid.bits != 0 ? cop_pid_print(child->pid, pid) : "undefined");
                else if (strcmp(key, "restarts") == 0)
                        snprintf(text, sizeof(text), "%lld", (long long)child->restarts);
                else
                        snprintf(text, sizeof(text), "%s",
                                 strcmp(key, "state") == 0 ? child->state.text : child->type.text);
        }
        return text;
}

static inline int64_t restarts_of(cop_pid supervisor)
{
        cop_auto answer = children_of(supervisor);
        return cop_read(cop_children, answer)->restarts;
}

static inline cop_child_count count_of(cop_pid supervisor)
{
        cop_child_count count = { -1, -1, -1, -1 };
        ck_assert_int_eq(cop_count_children(supervisor, &count), COP_OK);
        return count;
}

/* What the crash report of a dead actor says was done about it; waits for it. */
static inline const char *outcome_of(cop_pid pid)
{
        static _Thread_local struct cop__report report;
        ck_assert(cop__report_wait(cop_node_here(), pid, PATIENCE_MS, &report));
        return report.outcome;
}

/* ---- Claims about families -------------------------------------------------------------------- */

#define IN_FAMILY(claim)                               \
        static void in_family_##claim(cop_node *node); \
        IN_NODE(claim)                                 \
        {                                              \
                attend();                              \
                in_family_##claim(node);               \
        }                                              \
        static void in_family_##claim(__attribute__((unused)) cop_node *node)

/* The same on a simulated node, whatever the suite runs on: hours pass in no time. */
#define IN_SIMULATED_FAMILY(claim)                                                                          \
        static void in_family_##claim(cop_node *node);                                                      \
        TEST(claim)                                                                                         \
        {                                                                                                   \
                cop_simulation order = { .seed = suite_seed() >= 0 ? (uint64_t)suite_seed() : 7, .checks = 16 }; \
                cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 }); \
                attend();                                                                                   \
                in_family_##claim(node);                                                                    \
                node_end(node);                                                                             \
        }                                                                                                   \
        static void in_family_##claim(__attribute__((unused)) cop_node *node)

#define HOUR_MS INT64_C(3600000)

static inline cop_simulation_state simulation_of(cop_node *node)
{
        cop_simulation_state state;
        ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        return state;
}

#define ABC(...) \
        COP_CHILDREN(WORKER("a", __VA_ARGS__), WORKER("b", __VA_ARGS__), WORKER("c", __VA_ARGS__))

/* Many restarts in a row are part of a test, or no matter. */
#define PATIENT .intensity = 1000, .period_ms = 1000000

/* The words of a family that starts or stops as a whole. */
static inline void expect_start(const char *ids)
{
        char text[] = "start ?";
        for (; *ids != '\0'; ids++) {
                text[6] = *ids;
                expect(text);
        }
}

static inline void expect_end(const char *ids)
{
        char text[] = "end ? shutdown";
        for (; *ids != '\0'; ids++) {
                text[4] = *ids;
                expect(text);
        }
}

static inline cop_pid grow_and_expect(const cop_supervisor *tree, const char *ids)
{
        cop_pid root = grow(tree);
        expect_start(ids);
        return root;
}

/* A plain actor. */
static inline void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* Another actor that grows a tree, lives until it is told to quit, and says how it went. */
static const cop_supervisor *tree_of_gardener;

static inline void gardener(void)
{
        cop_pid root;
        cop_status status = cop_supervise(tree_of_gardener, &root);
        if (status == COP_OK)
                say("grown", "tree", "");
        else
                say(status == COP_E_DIED ? "died" : "refused", "tree", text_of(cop_failure()));
        cop_message *message = cop_receive(COP_FOREVER, COP_KIND(quit));
        cop_exit(cop_read(quit, message)->reason);
}

static inline cop_pid hire(const cop_supervisor *tree)
{
        tree_of_gardener = tree;
        return cop_spawn(gardener);
}

#endif
