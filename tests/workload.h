/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Generated work with oracles: five loads that draw what they do from a seed and know what must be true whatever the
 * order of events. They run on any node, simulated or real, with the calling thread as its visitor.
 *
 *      const char *wrong = workload_run(&workloads[i], node, seed, NO_PLANT);
 *
 * Books are kept outside the actors, in one struct of atomics, so that they outlive who is killed. Each book has one
 * writer at a time, or counts only:
 *
 *      sent = received + dropped and counted        no letter is lost, none comes twice
 *      from one sender to one receiver the numbers of letters go up      order, and nothing late
 *      a letter's seal fits its contents            nobody else's memory in it
 *      a monitor tells once, a link tells once
 *      a timer whose cancel said that it was set never fires
 *      a name has one living bearer; a group's members live and have joined
 *      once the disturbance is over, all that is permanent is back, and memory too is as it was before
 *
 * So that an oracle which sees nothing is noticed, each can be given a bug to find: see enum plant.
 */
#ifndef TESTS_WORKLOAD_H
#define TESTS_WORKLOAD_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <coppice.h>

#include "actors/actor.h"
#include "actors/info.h"
#include "base/clock.h"
#include "base/random.h"

/* What a load does wrong on purpose, once or now and then, as a broken runtime would. */
enum plant {
        NO_PLANT = 0,
        LOSES,         /* a letter that was sent */
        DOUBLES,       /* a letter */
        CORRUPTS,      /* a letter */
        SWAPS,         /* two letters of one sender */
        STALLS,        /* the ring: a token stays where it is */
        MISCOUNTS,     /* the ring: a token skips one */
        FORGETS_DOWN,  /* of a monitor */
        DOUBLES_DOWN,
        FORGETS_EXIT,  /* of a link */
        DOUBLES_EXIT,
        SPARES,        /* one that is killed */
        GOES_ON,       /* the node, for ever */
        FIRES_ANYWAY,  /* a timer that was cancelled */
        SHARES_NAME,   /* two bear it */
        KEEPS_DEAD,    /* as a member of a group */
        KEEPS_NAME,    /* of one that is dead */
        STAYS_DOWN,    /* a child of a supervisor */
        LEAKS,         /* a message */
        PLANTS,
};

enum { PEERS = 8, DRIVER = PEERS, WRITERS = PEERS + 1, TIMERS = 256, NAMES = 4, WRONG_MAX = 256 };


static struct load {
        cop_node *node;
        uint64_t random;       /* the driver's */
        uint64_t seed;
        enum plant plant;
        uint32_t planted;      /* atomic: the bug has been committed */
        uint32_t hops_left;    /* atomic */
        uint64_t sent, received, refused; /* atomic */
        uint64_t writing;      /* atomic: letters whose writers have not heard what became of them */
        uint64_t peers[PEERS]; /* atomic: pids */
        uint32_t numbers[WRITERS][PEERS]; /* sender's: of the last letter to each */
        uint32_t heard[WRITERS][PEERS];   /* receiver's: of the last letter from each */
        uint32_t cancelled[TIMERS];       /* atomic */
        uint32_t timers;       /* atomic: how many numbers are given */
        uint64_t bearers[NAMES]; /* atomic: pids */
        uint32_t is_wrong;     /* atomic */
        char wrong[WRONG_MAX];
} load;

/* How long anything takes that comes at all. Simulated time is cheap, and each stall may be as long as any timer. */
static int64_t load_patience_ms(void)
{
        return load.node->scheduler.hooks.simulation != NULL ? 600000 : 20000;
}

/* The first complaint counts. */
__attribute__((format(printf, 1, 2))) static void blame(const char *format, ...)
{
        uint32_t none = 0;
        if (!cop__cas_seq(&load.is_wrong, &none, 1))
                return;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(load.wrong, sizeof(load.wrong), format, arguments);
        va_end(arguments);
        cop__store_release(&load.is_wrong, 2);
}

/* Is it now that the planted bug happens? Once, and not at the very first chance. */
static bool commits(enum plant plant)
{
        return load.plant == plant && cop__add_relaxed(&load.planted, 1) == 5;
}

static uint32_t below(uint32_t bound)
{
        return cop__random_below(&load.random, bound);
}

/* ---- Letters -------------------------------------------------------------------------------- */

typedef struct letter {
        int64_t from, to, number;
        uint64_t seal;
        cop_text text;
} letter;
COP_MESSAGE(letter, from, to, number, seal, text);

static uint64_t seal_of(int64_t from, int64_t to, int64_t number, cop_text text)
{
        uint64_t seal = cop__mix((uint64_t)from << 40 ^ (uint64_t)to << 32 ^ (uint64_t)number);
        for (size_t i = 0; i < text.size; i++)
                seal = seal * 31 + (unsigned char)text.data[i];
        return seal;
}

/* Text of a length that goes with the number: some letters are a line long, some a page. */
static cop_text text_for(int64_t number)
{
        static const char page[] =
                "A coppiced tree grows from its stool again and again, for as long as it is cut: what falls is not the "
                "tree but its poles, and the roots, which have seen many a pole, know what to do next.";
        size_t size = (size_t)number * 7 % sizeof(page);
        return (cop_text){ .data = page, .size = size };
}

static void post(int64_t from, int64_t to, int64_t number, bool corrupt)
{
        cop_text text = text_for(number);
        cop_pid pid = { cop__load_acquire(&load.peers[to]) };
        cop__add_relaxed(&load.writing, 1);
        cop_status status = cop_send(pid, letter, .from = from, .to = to, .number = number,
                                     .seal = seal_of(from, to, number, text) ^ corrupt, .text = text);
        if (status != COP_OK)
                cop__add_relaxed(&load.refused, 1);
        cop__sub_relaxed(&load.writing, 1);
}

/* Counted as sent before it is, since its receiver may be quicker than we are. */
static void write_to(int64_t from, int64_t to)
{
        int64_t number = ++load.numbers[from][to];
        cop__add_relaxed(&load.sent, 1);
        if (commits(LOSES))
                return;
        if (commits(SWAPS)) {
                cop__add_relaxed(&load.sent, 1);
                post(from, to, ++load.numbers[from][to], false);
        }
        post(from, to, number, commits(CORRUPTS));
        if (commits(DOUBLES))
                post(from, to, number, false);
}

static void read_letter(int64_t me, const letter *l)
{
        cop__add_relaxed(&load.received, 1);
        if (l->to != me || l->from < 0 || l->from >= WRITERS ||
            l->seal != seal_of(l->from, l->to, l->number, l->text)) {
                blame("a letter's seal does not fit its contents");
                return;
        }
        if (l->number <= load.heard[l->from][me])
                blame("letter %d of %d to %d came after letter %u", (int)l->number, (int)l->from, (int)me,
                      load.heard[l->from][me]);
        load.heard[l->from][me] = (uint32_t)l->number;
}

static bool take_hop(void)
{
        uint32_t left = cop__load_relaxed(&load.hops_left);
        while (left > 0)
                if (cop__cas_acq_rel(&load.hops_left, &left, left - 1))
                        return true;
        return false;
}

/* ---- What is true at the end of all loads ----------------------------------------------------- */

static uint64_t dead_letters(void)
{
        struct cop__totals totals;
        cop__totals(load.node, &totals);
        return totals.dead_letters;
}

static void never_rests(void)
{
        for (;;)
                cop_sleep(1000);
}

static void come_to_rest(void)
{
        if (load.plant == GOES_ON)
                cop_spawn(never_rests);
        if (cop_node_await_quiet(load.node, load_patience_ms()) != COP_OK)
                blame("the node does not come to rest");
}

static void expect_all_letters(uint64_t dead_before)
{
        uint64_t dead = dead_letters() - dead_before;
        uint64_t sent = cop__load_relaxed(&load.sent), received = cop__load_relaxed(&load.received);
        uint64_t refused = cop__load_relaxed(&load.refused);
        uint64_t there = received + refused + dead;
        /* Who dies while it writes does not hear that it was refused. */
        if (sent < there || sent > there + cop__load_relaxed(&load.writing))
                blame("%d letters were sent, but %d received, %d refused and %d dropped", (int)sent,
                      (int)received, (int)refused, (int)dead);
}

static void put_out(cop_pid pid)
{
        cop_ref ref;
        if (cop_monitor(pid, &ref) != COP_OK)
                return;
        if (!commits(SPARES))
                cop_send_exit(pid, cop_atom("kill"));
        cop_message *down = cop_receive(load_patience_ms(), COP_REF(cop_down, ref));
        if (down == NULL)
                blame("a killed actor does not end");
        cop_message_free(down);
}

static void expect_nothing_more(void)
{
        cop_message *message = cop_receive(0, COP_ANY);
        if (message != NULL)
                blame("a message of kind %s came late or twice", cop_message_kind(message)->name);
        cop_message_free(message);
}

/* ---- Mesh: everybody writes to anybody, some are killed and replaced ------------------------------ */

typedef struct seat {
        int64_t number;
} seat;
COP_MESSAGE(seat, number);

typedef struct {
        int64_t number;
        uint64_t random;
} peer;

static void peer_init(peer *self, const seat *s)
{
        self->number = s->number;
        self->random = load.seed * 1000 + (uint64_t)s->number;
}

static void peer_on_letter(peer *self, const letter *l)
{
        read_letter(self->number, l);
        for (uint32_t copies = cop__random_below(&self->random, 3); copies > 0 && take_hop(); copies--)
                write_to(self->number, cop__random_below(&self->random, PEERS));
        if (cop__random_below(&self->random, 8) == 0)
                cop_yield();
        if (cop__random_below(&self->random, 32) == 0)
                cop_sleep(cop__random_below(&self->random, 3));
}

COP_SERVER(peer, COP_INIT_WITH(seat, peer_init), COP_ON(letter, peer_on_letter));

static void seat_peer(int64_t number)
{
        cop_pid pid = cop_no_pid();
        cop_spawn_options options = { .server = &peer_server, .kind = COP_KIND_OF(seat),
                                      .argument = &(seat){ .number = number } };
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                blame("a peer cannot be spawned");
        cop__store_release(&load.peers[number], pid.bits);
}

static void stir(void)
{
        uint32_t number = below(PEERS);
        switch (below(6)) {
        case 0:
                put_out((cop_pid){ load.peers[number] });
                seat_peer(number);
                break;
        case 1:
                cop_sleep(below(4));
                break;
        default:
                cop__add_relaxed(&load.hops_left, 2);
                write_to(DRIVER, number);
        }
}

static void run_mesh(void)
{
        uint64_t dead = dead_letters();
        cop__store_relaxed(&load.hops_left, 200 + below(300));
        for (int64_t i = 0; i < PEERS; i++)
                seat_peer(i);
        for (uint32_t i = 0; i < 30; i++)
                stir();
        come_to_rest();
        expect_all_letters(dead);
        for (int64_t i = 0; i < PEERS; i++)
                put_out((cop_pid){ load.peers[i] });
}

/* ---- Ring: tokens go round, and timers that are cancelled stay silent ------------------------------ */

typedef struct token {
        int64_t hops, visited;
} token;
COP_MESSAGE(token, hops, visited);

typedef struct alarm_clock {
        int64_t number;
} alarm_clock;
COP_MESSAGE(alarm_clock, number);

/* Sets a timer, and takes it back at once or a little later. */
static void set_and_cancel(uint64_t *random)
{
        cop_ref timer;
        uint32_t number = cop__add_relaxed(&load.timers, 1);
        if (number >= TIMERS || cop_send_after(&timer, cop__random_below(random, 4), cop_self(), alarm_clock,
                                               .number = number) != COP_OK)
                return;
        if (cop__random_below(random, 2) == 0)
                cop_sleep(cop__random_below(random, 4));
        bool fires_anyway = commits(FIRES_ANYWAY);
        if (cop_cancel(timer) >= 0) {
                cop__store_release(&load.cancelled[number], 1);
                if (fires_anyway)
                        cop_send(cop_self(), alarm_clock, .number = number);
        }
}

static void hear_alarm(const alarm_clock *a)
{
        if (cop__load_acquire(&load.cancelled[a->number]))
                blame("timer %d was cancelled and fires", (int)a->number);
}

static void pass_on(int64_t number, const token *t, uint64_t *random)
{
        cop_pid next = { cop__load_acquire(&load.peers[(number + 1) % PEERS]) };
        if (cop__random_below(random, 4) == 0)
                set_and_cancel(random);
        if (cop__random_below(random, 4) == 0)
                cop_sleep(cop__random_below(random, 3));
        if (commits(STALLS))
                return;
        if (t->hops > 1)
                cop_send(next, token, .hops = t->hops - 1, .visited = t->visited + !commits(MISCOUNTS));
        else
                cop_send("collector", token, .hops = 0, .visited = t->visited + 1);
}

static void stands_in_ring(const seat *s)
{
        uint64_t random = load.seed * 1000 + (uint64_t)s->number;
        int64_t number = s->number;
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(token), COP_KIND(alarm_clock));
                if (cop_read(token, message) != NULL)
                        pass_on(number, cop_read(token, message), &random);
                else
                        hear_alarm(cop_read(alarm_clock, message));
        }
}

static void collect(uint32_t tokens, const int64_t *hops)
{
        int64_t expected = 0, visited = 0;
        for (uint32_t i = 0; i < tokens; i++) {
                expected += hops[i];
                cop_auto home = cop_receive(load_patience_ms(), COP_KIND(token));
                if (home == NULL) {
                        blame("%d of %d tokens came home", (int)i, (int)tokens);
                        return;
                }
                visited += cop_read(token, home)->visited;
        }
        if (visited != expected)
                blame("tokens were passed on %d times in place of %d", (int)visited, (int)expected);
}

static void run_ring(void)
{
        int64_t hops[6];
        uint32_t tokens = 1 + below(COP__COUNT(hops));
        cop_register("collector", cop_self());
        for (int64_t i = 0; i < PEERS; i++)
                cop__store_release(&load.peers[i], cop_spawn_with(stands_in_ring, seat, .number = i).bits);
        for (uint32_t i = 0; i < tokens; i++) {
                hops[i] = 20 + below(40);
                cop_send((cop_pid){ load.peers[below(PEERS)] }, token, .hops = hops[i]);
        }
        collect(tokens, hops);
        come_to_rest();
        for (int64_t i = 0; i < PEERS; i++)
                put_out((cop_pid){ load.peers[i] });
        cop_unregister("collector");
}

/* ---- Flood: many to one that is slow and whose mailbox has a limit ----------------------------------- */

typedef struct {
        int64_t read;
} reader;

static void reader_on_letter(reader *self, const letter *l)
{
        read_letter(0, l);
        if (++self->read % 16 == 0)
                cop_sleep(1);
}

COP_SERVER(reader, COP_ON(letter, reader_on_letter));

static void floods(const seat *s)
{
        for (uint32_t i = 0; i < 40; i++)
                write_to(s->number, 0);
}

static void run_flood(void)
{
        static const cop_mailbox_policy policies[] = { COP_MAILBOX_SLOW, COP_MAILBOX_REJECT,
                                                       COP_MAILBOX_DROP_NEW, COP_MAILBOX_DROP_OLD,
                                                       COP_MAILBOX_COALESCE };
        uint64_t dead = dead_letters();
        cop_pid pid = cop_no_pid();
        cop_spawn_options options = { .server = &reader_server, .mailbox_limit = 1 + below(20),
                                      .mailbox_policy = policies[below(COP__COUNT(policies))] };
        if (options.mailbox_policy == COP_MAILBOX_COALESCE)
                options.mailbox_key = (cop_mailbox_key)COP_KEY(letter, from);
        if (cop_spawn_opt(&options, &pid) != COP_OK)
                blame("the reader cannot be spawned");
        cop__store_release(&load.peers[0], pid.bits);
        for (int64_t i = 1; i < PEERS; i++)
                cop_spawn_with(floods, seat, .number = i);
        come_to_rest();
        expect_all_letters(dead);
        put_out(pid);
}

/* ---- Churn: children of a supervisor die in every way, and are watched in every way -------------------- */

static void waits_for_its_end(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(seat)));
}

#define CHILD(id_) { .id = (id_), .run = waits_for_its_end }
static const char *const child_ids[] = { "c0", "c1", "c2", "c3", "c4" };
static const cop_supervisor nursery[] = {
        { .name = "nursery", .strategy = COP_ONE_FOR_ONE, .intensity = 1000, .period_ms = 1000,
          .children = COP_CHILDREN(CHILD("c0"), CHILD("c1"), CHILD("c2"), CHILD("c3"), CHILD("c4")) },
        { .name = "nursery", .strategy = COP_REST_FOR_ONE, .intensity = 1000, .period_ms = 1000,
          .children = COP_CHILDREN(CHILD("c0"), CHILD("c1"), CHILD("c2"), CHILD("c3"), CHILD("c4")) },
        { .name = "nursery", .strategy = COP_ONE_FOR_ALL, .intensity = 1000, .period_ms = 1000,
          .children = COP_CHILDREN(CHILD("c0"), CHILD("c1"), CHILD("c2"), CHILD("c3"), CHILD("c4")) },
};

enum { MONITORS = 3, TRIES = 100 };

/* One signal of a death, whichever it is; `again`: a second one like it. */
static void expect_signal(const char *whose, cop_pattern pattern, bool again)
{
        cop_auto signal = cop_receive(load_patience_ms(), pattern);
        if (signal == NULL)
                blame("%s of a dead actor does not tell", whose);
        else if (again)
                cop_send_value(COP_TO(cop_self()), cop_message_kind(signal), cop_message_body(signal));
}

/* Each monitor tells, once; so does the link, if there is one. */
static void expect_signals(cop_pid child, const cop_ref *refs, uint32_t count, bool linked)
{
        for (uint32_t i = 0; i < count; i++)
                expect_signal("a monitor", COP_REF(cop_down, refs[i]), commits(DOUBLES_DOWN));
        if (linked)
                expect_signal("a link", COP_FIELD(cop_exited, pid, child), commits(DOUBLES_EXIT));
}

static void kill_watched(cop_pid child)
{
        cop_ref refs[MONITORS];
        uint32_t count = 1 + below(MONITORS);
        bool linked = below(2) == 0 && cop_link(child) == COP_OK;
        for (uint32_t i = 0; i < count; i++)
                if (cop_monitor(child, &refs[i]) != COP_OK)
                        blame("a child cannot be monitored");
        if (linked && commits(FORGETS_EXIT))
                cop_unlink(child);
        if (commits(FORGETS_DOWN))
                cop_demonitor_flush(refs[count - 1]);
        cop_send_exit(child, cop_atom(below(2) == 0 ? "kill" : "boom"));
        expect_signals(child, refs, count, linked);
}

/* For want of memory either may fail, or be done without an answer. */
static void stop_and_start(cop_pid root, const char *id)
{
        cop_pid child;
        uint32_t tries = 0;
        do
                cop_terminate_child(root, id);
        while (cop_restart_child(root, id, &child) != COP_OK && ++tries < TRIES);
}

static void disturb_child(cop_pid root, const char *id)
{
        cop_pid child = cop_whereis(id);
        switch (below(4)) {
        case 0:
                stop_and_start(root, id);
                break;
        case 1:
                cop_sleep(below(3));
                break;
        default:
                if (child.bits != 0)
                        kill_watched(child);
        }
}

/* All children are there, in the time that anything takes. */
static void expect_regrown(cop_pid root)
{
        int64_t until_ms = cop_now_ms() + load_patience_ms();
        cop_child_count count = { 0 };
        if (load.plant == STAYS_DOWN)
                cop_terminate_child(root, child_ids[below(COP__COUNT(child_ids))]);
        while ((cop_count_children(root, &count) != COP_OK || count.active < 5) && cop_now_ms() < until_ms)
                cop_yield();
        if (count.active != 5)
                blame("%d of 5 children are alive when all is quiet", (int)count.active);
}

static void run_churn(void)
{
        cop_pid root = cop_no_pid();
        const cop_supervisor *spec = &nursery[below(COP__COUNT(nursery))];
        cop_status status = COP_E_NO_MEMORY;
        for (uint32_t tries = 0; status != COP_OK && tries < TRIES; tries++)
                status = cop_supervise(spec, &root);
        if (status != COP_OK)
                blame("the nursery does not start: %s", cop_status_text(status));
        for (uint32_t i = 0; i < 25; i++)
                disturb_child(root, child_ids[below(COP__COUNT(child_ids))]);
        expect_regrown(root);
        if (cop_shutdown(root, COP_SHUTDOWN_INFINITY) != COP_OK)
                blame("the nursery does not stop");
}

/* ---- Names and groups come and go ------------------------------------------------------------------------- */

static const char *const load_names[NAMES] = { "n0", "n1", "n2", "n3" };

/* Who gets a name finds that whoever had it has given it back, or is dead. */
static void bear_name(uint32_t name)
{
        uint64_t self = cop_self().bits;
        if (cop_register(load_names[name], cop_self()) != COP_OK && !commits(SHARES_NAME))
                return;
        cop_pid before = { cop__exchange_acq_rel(&load.bearers[name], self) };
        if (before.bits != 0 && before.bits != self && cop_is_alive(before))
                blame("%s has two bearers that live", load_names[name]);
        cop_yield();
        uint64_t mine = self;
        cop__cas_acq_rel(&load.bearers[name], &mine, 0);
        cop_unregister(load_names[name]);
}

static void comes_and_goes(const seat *s)
{
        uint64_t random = load.seed * 1000 + (uint64_t)s->number;
        for (uint32_t i = 0; i < 12; i++) {
                switch (cop__random_below(&random, 4)) {
                case 0:
                        cop_group_join("load_scope", cop_atom("g"), cop_self());
                        break;
                case 1:
                        cop_group_leave("load_scope", cop_atom("g"), cop_self());
                        break;
                default:
                        bear_name(cop__random_below(&random, NAMES));
                }
                if (cop__random_below(&random, 3) == 0)
                        cop_sleep(cop__random_below(&random, 3));
        }
}

static void expect_no_members(void)
{
        cop_term members;
        if (load.plant == KEEPS_DEAD)
                cop_group_join("load_scope", cop_atom("g"), cop_self());
        if (cop_group_members("load_scope", cop_atom("g"), &members) != COP_OK)
                return;
        if (members.type == COP_TERM_LIST)
                blame("a group has %d members, and nobody who joined it lives", (int)members.count);
        cop_term_free(members);
}

static void expect_no_names(void)
{
        if (load.plant == KEEPS_NAME)
                cop_register(load_names[below(NAMES)], cop_self());
        for (uint32_t i = 0; i < NAMES; i++)
                if (cop_whereis(load_names[i]).bits != 0)
                        blame("%s is still somebody's", load_names[i]);
}

static void run_names(void)
{
        cop_pid scope = cop_spawn_server(&cop_scope_server, "load_scope");
        for (uint32_t round = 0; round < 6; round++) {
                cop_pid pids[PEERS];
                for (int64_t i = 0; i < PEERS; i++)
                        pids[i] = cop_spawn_with(comes_and_goes, seat, .number = round * PEERS + i);
                for (uint32_t i = 0; i < 3; i++) {
                        cop_sleep(below(3));
                        put_out(pids[below(PEERS)]);
                }
                come_to_rest();
                expect_no_names();
        }
        expect_no_members();
        put_out(scope);
}

/* ---- All of them -------------------------------------------------------------------------------------------- */

/* Who is nobody's keeper: peers, and what is a plain function. */
static bool may_crash(void *context, cop_pid pid, const char *server)
{
        (void)context;
        (void)pid;
        return strcmp(server, "actor") == 0 || strcmp(server, "peer") == 0;
}

static const struct workload {
        const char *name;
        void (*run)(void);
        cop_simulation rough; /* what it bears beside what it does itself */
} workloads[] = {
        { "mesh", run_mesh, { .crashes = 150, .refusals = 50, .stalls = 40, .may_crash = may_crash } },
        { "ring", run_ring, { .stalls = 20 } },
        { "flood", run_flood, { .crashes = 100, .refusals = 40, .stalls = 40, .may_crash = may_crash } },
        { "churn", run_churn, { .crashes = 40, .refusals = 60, .stalls = 40 } },
        { "names", run_names, { .crashes = 60, .refusals = 60, .stalls = 40, .may_crash = may_crash } },
};

/* What those who have just ended hold is being given back. ThreadSanitizer says rightly that a count is none of our business. */
static void expect_memory(int64_t before)
{
        int64_t until_ms = cop_now_ms() + load_patience_ms(), now;
        if (COP__TSAN)
                return;
        come_to_rest();
        while ((now = cop__pool_balance(&load.node->scheduler.pool)) > before && cop_now_ms() < until_ms)
                cop_yield();
        if (now > before)
                blame("%d blocks of memory are not given back", (int)(now - before));
}

/* What a visitor has in its hands it has until it leaves. */
static void leak(void)
{
        for (int i = 0; i < 16; i++) {
                cop_send(cop_self(), seat, .number = i);
                (void)cop_receive(0, COP_KIND(seat));
        }
}

/* Runs one on the calling visitor's node. What is wrong, which the next run overwrites, or NULL. */
static const char *workload_run(const struct workload *workload, cop_node *node, uint64_t seed,
                                enum plant plant)
{
        memset(&load, 0, sizeof(load));
        load.node = node;
        load.seed = seed;
        load.random = cop__mix(seed);
        load.plant = plant;
        int64_t blocks = COP__TSAN ? 0 : cop__pool_balance(&node->scheduler.pool);
        workload->run();
        expect_nothing_more();
        if (plant == LEAKS)
                leak();
        expect_memory(blocks);
        return cop__load_acquire(&load.is_wrong) ? load.wrong : NULL;
}

#endif
