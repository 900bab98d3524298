/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The soak: random trees, in which random actors meet random faults, kills and lost friends, while the invariants are looked at
 * after each round.
 *
 *      a round:    a tree of up to three levels is drawn and started
 *                  several hundred blows are dealt: a fault of any kind, an endless loop, a call that blocks, a flood, a kill,
 *                  an exit, a call, a monitor, a timer; and to those that live in a process of their own also the worst
 *                  it comes to rest: who lives must answer, and nobody waits for news that will not come
 *                  the tree is stopped: all monitors have answered once, all names are free, all memory is back
 *
 * In the suite it plays some rounds. COP_SOAK_SECONDS makes it go on for so long and print what was survived, COP_SOAK_SEED
 * draws other trees; a check that fails says seed and round.
 */
#define _GNU_SOURCE
#include "tests/gauges.h"
#include "tests/faulty.h"
#include "tests/node_fixture.h"

#undef NDEBUG /* a failed assertion is one of the blows */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "scheduler/detour.h"

/* Of one tree. */
#define LEAVES 24
#define BRANCHES 6
#define BLOWS (COP__TINY || suite_is_slow() ? 60 : 300)

/* ---- Blows that an actor deals itself ------------------------------------------------------- */

enum blow {
        BLOW_NULL,
        BLOW_ILLEGAL,
        BLOW_ABORT,
        BLOW_ASSERT,
        BLOW_OVERFLOW,
        BLOW_DIVIDE,
        BLOW_EXIT,
        BLOW_NORMAL,
        BLOW_SELF_KILL,
        BLOW_WILD,
        BLOWS_OF_ITS_OWN,
        BLOW_KILLED = BLOWS_OF_ITS_OWN, /* from here on: by others */
        BLOW_SHUTDOWN,
        BLOW_CALLED,
        BLOW_TIMED,
        BLOW_TO_NOBODY,
        BLOW_LOOP, /* and a kill a little later */
        BLOW_BLOCK,
        BLOW_FLOOD,
        BLOW_EXIT_PROCESS, /* from here on: to those in processes alone */
        BLOW_KILL_PROCESS,
        BLOW_CORRUPT,
        BLOW_LOOP_PROCESS,
        BLOW_ALLOCATE,
        BLOWS_OF_ALL,
};

static const char *const blow_names[BLOWS_OF_ALL] = {
        [BLOW_NULL] = "NULL pointers",       [BLOW_ILLEGAL] = "illegal instructions",
        [BLOW_ABORT] = "aborts",             [BLOW_ASSERT] = "failed assertions",
        [BLOW_OVERFLOW] = "stack overflows", [BLOW_DIVIDE] = "divisions by zero",
        [BLOW_EXIT] = "crashes by reason",   [BLOW_NORMAL] = "normal ends",
        [BLOW_SELF_KILL] = "kills of oneself", [BLOW_WILD] = "wild pointers",
        [BLOW_KILLED] = "kills",             [BLOW_SHUTDOWN] = "shutdowns",
        [BLOW_CALLED] = "calls",             [BLOW_TIMED] = "timers",
        [BLOW_TO_NOBODY] = "messages to nobody", [BLOW_LOOP] = "endless loops",
        [BLOW_BLOCK] = "blocking reads",     [BLOW_FLOOD] = "floods",
        [BLOW_EXIT_PROCESS] = "exits of a process", [BLOW_KILL_PROCESS] = "kills of a process",
        [BLOW_CORRUPT] = "corrupted heaps in a process", [BLOW_LOOP_PROCESS] = "endless loops in a process",
        [BLOW_ALLOCATE] = "allocations without end in a process",
};

typedef struct suffer {
        int64_t blow;
        cop_text note;
} suffer;
COP_MESSAGE(suffer, blow, note);

typedef struct ask {
        int64_t number;
} ask;
COP_MESSAGE(ask, number);

static volatile intptr_t zero;

FAULTS static void write_null(void)
{
        *(volatile int *)zero = 1;
}

FAULTS static void read_wild(void)
{
        zero = *(volatile int *)(zero + 0x123456789000) & zero;
}

FAULTS static void run_illegal(void)
{
#if defined(__x86_64__)
        __asm__ __volatile__("ud2");
#else
        __asm__ __volatile__(".inst 0");
#endif
}

FAULTS static void fail_assertion(void)
{
        assert(zero > 41);
}

/* aarch64 does not trap on it. */
FAULTS static void divide(void)
{
#if defined(__x86_64__)
        zero = 900 / zero;
#else
        run_illegal();
#endif
}

static void loop(void)
{
        for (volatile int forever = 1; forever;)
                ;
}

static int pipe_ends[2]; /* nobody writes to it; closed in processes of their own, where this is a loop */

static void block(void)
{
        char byte;
        while (read(pipe_ends[0], &byte, 1) < 0)
                ;
}

static void *volatile block_of_memory;

/* Beyond the end of a block and through the books of the allocator, which ends the process when it sees that. */
FAULTS static void corrupt(void)
{
        block_of_memory = malloc(40);
        memset(block_of_memory, 0x5a, 4096);
        for (size_t i = 0; i < 1000; i++) {
                block_of_memory = malloc(i * 8);
                free(block_of_memory);
        }
        abort();
}

/* Until there is none, and it writes to NULL. */
FAULTS static void allocate(void)
{
        for (;;) {
                volatile char *more = malloc(1 << 20);
                for (int at = 0; at < 1 << 20; at += 512)
                        more[at] = 1;
                block_of_memory = (void *)(uintptr_t)more;
        }
}

static void deal(int64_t blow)
{
        switch ((enum blow)blow) {
        case BLOW_NULL:
                write_null();
                return;
        case BLOW_ILLEGAL:
                run_illegal();
                return;
        case BLOW_ABORT:
                abort();
        case BLOW_ASSERT:
                fail_assertion();
                return;
        case BLOW_OVERFLOW:
                zero = descend(0) & zero;
                return;
        case BLOW_DIVIDE:
                divide();
                return;
        case BLOW_EXIT:
                cop_exit(COP_TUPLE(cop_atom("blown"), cop_int(blow)));
        case BLOW_SELF_KILL:
                cop_send_exit(cop_self(), cop_atom("kill"));
                return;
        case BLOW_WILD:
                read_wild();
                return;
        case BLOW_LOOP:
        case BLOW_LOOP_PROCESS:
                loop();
                return;
        case BLOW_BLOCK:
                block();
                return;
        case BLOW_FLOOD:
                return;
        case BLOW_EXIT_PROCESS:
                exit(3);
        case BLOW_CORRUPT:
                corrupt();
                return;
        case BLOW_ALLOCATE:
                allocate();
                return;
        default:
                cop_exit(cop_atom("normal"));
        }
}

/* ---- Leaves ------------------------------------------------------------------------------------ */

typedef struct leaf {
        int64_t asked;
        char fill[200];
} leaf;

/* With its hands full: memory, a descriptor, a timer, a message to itself that it may not live to read. */
static void leaf_init(leaf *self)
{
        int fd;
        memset(self->fill, 'l', sizeof(self->fill));
        if (cop_open("/dev/null", O_RDONLY, 0, &fd) != COP_OK || cop_alloc(500) == NULL)
                cop_exit(cop_atom("no_hands"));
        cop_send_after(NULL, 3600000, cop_self(), ask);
}

static void leaf_on_suffer(leaf *self, const suffer *s)
{
        self->asked++;
        deal(s->blow);
}

static void leaf_on_ask(leaf *self, const ask *a)
{
        self->asked++;
        cop_reply(ask, .number = a->number + 1);
}

COP_SERVER(leaf, COP_INIT(leaf_init), COP_ON(suffer, leaf_on_suffer), COP_ON(ask, leaf_on_ask));

/* ---- A random tree -------------------------------------------------------------------------------- */

static struct soak {
        uint64_t seed, random;
        int round;
        uint64_t dealt[BLOWS_OF_ALL];
        uint64_t rounds, gave_up, downs, answered, refused, in_floods, full, lost_processes;
        char ids[LEAVES][16];
        unsigned leaf_count, branch_count;
        const char *limited[LEAVES], *apart[LEAVES]; /* with a limited mailbox; in a process of its own */
        unsigned limited_count, apart_count;
        cop_child children[BRANCHES][LEAVES + 1];
        cop_supervisor branches[BRANCHES];
        char branch_ids[BRANCHES][16];
} soak;

#define MUST(condition) \
        ck_assert_msg(condition, "seed %llu, round %d: %s", (unsigned long long)soak.seed, soak.round, #condition)

static uint32_t draw(uint32_t below)
{
        return cop__random_below(&soak.random, below);
}

static void add_leaf(cop_child *child)
{
        char *id = soak.ids[soak.leaf_count];
        snprintf(id, sizeof(soak.ids[0]), "leaf%u", soak.leaf_count++);
        *child = (cop_child){
                .id = id,
                .server = &leaf_server,
                .restart = (cop_restart)draw(3),
                .shutdown_ms = draw(4) == 0 ? COP_BRUTAL_KILL : COP_SHUTDOWN_DEFAULT,
        };
        if (child->restart != COP_TEMPORARY && draw(5) == 0)
                child->backoff = (cop_backoff){ .first_ms = 1, .max_ms = 3 };
        if (draw(4) == 0) {
                child->mailbox_limit = 1 + draw(20);
                child->mailbox_policy = (cop_mailbox_policy)draw(COP_MAILBOX_STOP + 1);
                soak.limited[soak.limited_count++] = id;
        }
        if (draw(6) == 0) {
                child->isolation = COP_ISOLATION_PROCESS;
                child->memory_limit = suite_is_watched() ? 0 : 8 << 20;
                soak.apart[soak.apart_count++] = id;
        }
}

/* Fills branch `at`, whose children come behind it. */
static const cop_supervisor *add_branch(unsigned depth)
{
        unsigned at = soak.branch_count++, wanted = 1 + draw(5), count = 0;
        cop_child *children = soak.children[at];
        memset(children, 0, sizeof(soak.children[at]));
        for (; count < wanted && soak.leaf_count < LEAVES; count++) {
                bool is_branch = depth < 2 && soak.branch_count < BRANCHES && draw(3) == 0;
                if (!is_branch) {
                        add_leaf(&children[count]);
                        continue;
                }
                unsigned below = soak.branch_count;
                snprintf(soak.branch_ids[below], sizeof(soak.branch_ids[0]), "branch%u", below);
                const cop_supervisor *branch = add_branch(depth + 1);
                children[count] = (cop_child){ .id = soak.branch_ids[below], .supervisor = branch };
        }
        soak.branches[at] = (cop_supervisor){
                .strategy = (cop_strategy)draw(3),
                .intensity = draw(4) == 0 ? 3 : COP_RESTARTS_FOR_EVER,
                .period_ms = 1000,
                .children = children,
        };
        return &soak.branches[at];
}

/* ---- Blows from outside ----------------------------------------------------------------------------- */

static const char *any_leaf(void)
{
        return soak.ids[draw(soak.leaf_count)];
}

/* A monitor on it, which will answer, whatever happens. */
static void watch_name(const char *name)
{
        cop_ref ref;
        cop_pid pid = cop_whereis(name);
        if (pid.bits != 0 && cop_monitor(pid, &ref) == COP_OK)
                soak.downs++;
}

static void call_it(const char *name)
{
        cop_message *reply = NULL;
        cop_status status = cop_call(&reply, name, PATIENCE_MS, ask, .number = 1);
        MUST(status == COP_OK || status == COP_E_DIED || status == COP_E_NO_NAME || status == COP_E_NO_ACTOR ||
             status == COP_E_FULL);
        soak.answered += status == COP_OK;
        soak.refused += status != COP_OK;
        cop_message_free(reply);
}

/* To this one and not to the next of that name, which nobody would kill. */
static void strike_and_kill(cop_pid pid, enum blow blow)
{
        if (pid.bits == 0)
                return;
        cop_send(pid, suffer, .blow = blow, .note = COP_TEXT("without end"));
        MUST(cop_kill_after(NULL, draw(3), pid) == COP_OK);
}

static void flood(const char *name)
{
        for (int i = 0; i < 60; i++) {
                cop_status status = cop_send(name, suffer, .blow = BLOW_FLOOD, .note = COP_TEXT("a drop"));
                MUST(status == COP_OK || status == COP_E_FULL || status == COP_E_NO_NAME);
                soak.in_floods += status == COP_OK;
                soak.full += status == COP_E_FULL;
        }
}

/* It may be dead, and so may its process. */
static void kill_process_of(cop_pid pid)
{
        cop_process process;
        if (pid.bits != 0 && cop_process_info(pid, &process) == COP_OK && process.os_pid > 0)
                MUST(kill((pid_t)process.os_pid, SIGKILL) == 0 || errno == ESRCH);
}

/* Not everywhere can a loop be interrupted, or a heap be corrupted so that its allocator ends the process. */
static bool is_possible(enum blow blow)
{
        bool is_plain = !COP__ASAN && !COP__TSAN;
        switch (blow) {
        case BLOW_WILD:
                return !COP__TSAN; /* which reserves most of the address space */
        case BLOW_LOOP:
                return cop__detour_is_possible();
        case BLOW_BLOCK:
                return cop__detour_is_possible() && !COP__ASAN; /* whose own function stands before read() */
        case BLOW_CORRUPT:
                return is_plain;
        case BLOW_ALLOCATE:
                return is_plain && !suite_is_watched();
        default:
                return true;
        }
}

/* What cannot be here, or has nobody to be dealt to, is a kill. */
static enum blow draw_blow(const char **name)
{
        enum blow blow = (enum blow)draw(BLOWS_OF_ALL);
        *name = any_leaf();
        if (blow == BLOW_FLOOD && soak.limited_count > 0)
                *name = soak.limited[draw(soak.limited_count)];
        if (blow >= BLOW_EXIT_PROCESS && soak.apart_count > 0)
                *name = soak.apart[draw(soak.apart_count)];
        else if (blow >= BLOW_EXIT_PROCESS)
                return BLOW_KILLED;
        return is_possible(blow) ? blow : BLOW_KILLED;
}

static void strike(void)
{
        const char *name;
        enum blow blow = draw_blow(&name);
        cop_pid pid = cop_whereis(name);
        watch_name(name);
        soak.dealt[blow] += blow == BLOW_TO_NOBODY || pid.bits != 0;
        switch (blow) {
        case BLOW_KILLED:
                if (pid.bits != 0)
                        cop_send_exit(pid, cop_atom("kill"));
                break;
        case BLOW_SHUTDOWN:
                if (pid.bits != 0)
                        cop_send_exit(pid, cop_atom("shutdown"));
                break;
        case BLOW_CALLED:
                call_it(name);
                break;
        case BLOW_TIMED:
                if (pid.bits != 0)
                        cop_send_after(NULL, draw(3), pid, suffer, .blow = BLOW_EXIT, .note = COP_TEXT("late"));
                break;
        case BLOW_TO_NOBODY:
                /* Whoever will live in that slot next, one day. */
                cop_send((cop_pid){ pid.bits + 1 }, suffer, .blow = BLOW_NORMAL);
                break;
        case BLOW_LOOP:
        case BLOW_BLOCK:
        case BLOW_LOOP_PROCESS:
                strike_and_kill(pid, blow);
                break;
        case BLOW_FLOOD:
                flood(name);
                break;
        case BLOW_KILL_PROCESS:
                kill_process_of(pid);
                break;
        default:
                if (cop_send(name, suffer, .blow = blow, .note = COP_TEXT("a blow")) != COP_OK && pid.bits != 0)
                        soak.dealt[blow]--; /* its bearer has died meanwhile */
        }
}

/* ---- What must be --------------------------------------------------------------------------------------- */

/* Each monitor has answered once, and there is nothing else in the mailbox. */
static void collect_downs(void)
{
        for (; soak.downs > 0; soak.downs--) {
                cop_auto down = cop_receive(PATIENCE_MS, COP_KIND(cop_down));
                ck_assert_msg(down != NULL, "seed %llu, round %d: %llu monitors have not answered",
                              (unsigned long long)soak.seed, soak.round, (unsigned long long)soak.downs);
                soak.lost_processes += strstr(text_of(cop_read(cop_down, down)->reason), "os_process") != NULL;
        }
        nothing_has_come();
}

static void names_are_free(void)
{
        cop_term names;
        MUST(cop_registered(&names) == COP_OK);
        MUST(names.type == COP_TERM_NIL);
        cop_term_free(names);
}

static bool is_alone(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died == 1; /* this thread's actor */
}

/* A round trip to the root: what it had heard of by then has been dealt with. */
static void let_it_grow(cop_pid root)
{
        cop_term info;
        if (cop_process_ask(root, PATIENCE_MS, &info) == COP_OK)
                cop_term_free(info);
}

static void play_round(cop_node *node)
{
        cop_pid root;
        soak.leaf_count = soak.branch_count = soak.limited_count = soak.apart_count = 0;
        MUST(cop_supervise(add_branch(0), &root) == COP_OK);
        for (int i = 0; i < BLOWS; i++) {
                strike();
                if (draw(3) == 0)
                        let_it_grow(root);
        }
        (void)cop_node_await_quiet(node, 0); /* at any moment it may be asked */
        /* Whoever bears a name must answer, or die of what is on its way to it. */
        for (unsigned i = 0; i < soak.leaf_count; i++)
                call_it(soak.ids[i]);
        soak.gave_up += !cop_is_alive(root);
        cop_ref ref = watch(root);
        cop_send_exit(root, cop_atom("shutdown"));
        await_and_drop(COP_REF(cop_down, ref));
        await_true(is_alone(node));
        cop_message_free(cop_receive(0, COP_FIELD(cop_exited, pid, root)));
        collect_downs();
        names_are_free();
        await_true(blocks_in_use(node) <= 8);
        soak.rounds++;
}

static void print_survived(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        printf("rounds: %llu, seed %llu; trees that gave up: %llu\n", (unsigned long long)soak.rounds,
               (unsigned long long)soak.seed, (unsigned long long)soak.gave_up);
        printf("actors spawned: %llu, all dead; crash reports: %llu; messages: %llu\n",
               (unsigned long long)totals.spawned, (unsigned long long)totals.crashes,
               (unsigned long long)totals.sent);
        printf("calls answered: %llu, refused by the dead: %llu\n", (unsigned long long)soak.answered,
               (unsigned long long)soak.refused);
        printf("deaths heard of that were a process's: %llu\n", (unsigned long long)soak.lost_processes);
        printf("messages of floods let in: %llu, refused by full mailboxes: %llu\n", (unsigned long long)soak.in_floods,
               (unsigned long long)soak.full);
        for (int blow = 0; blow < BLOWS_OF_ALL; blow++)
                if (is_possible((enum blow)blow))
                        printf("%s dealt to who bore a name: %llu\n", blow_names[blow], (unsigned long long)soak.dealt[blow]);
                else
                        printf("%s: not in this build\n", blow_names[blow]);
}

/* assert() and the C library write to standard error. */
static void hush(void)
{
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(dup2(nowhere, STDERR_FILENO), 0);
        close(nowhere);
}

TEST_WITHIN(random_trees_survive_random_blows, 864000)
{
        const char *seconds = getenv("COP_SOAK_SECONDS"), *seed = getenv("COP_SOAK_SEED");
        uint64_t until_ns = cop__clock_ns() + (uint64_t)(seconds != NULL ? atoll(seconds) : 0) * COP__NS_PER_S;
        soak.seed = seed != NULL ? (uint64_t)atoll(seed) : 1;
        soak.random = soak.seed * 2 + 1;
        hush();
        ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
        cop_node *node = node_begin((cop_node_options){ .name = "soak", .processes = true });
        int rounds = suite_is_slow() || COP__TINY ? 5 : 40;
        /* The first report opens the program's debug information, which stays open. */
        await_and_drop(COP_REF(cop_down, spawn_watched(.run = write_null)));
        int descriptors = open_descriptors();
        for (soak.round = 0; soak.round < rounds || cop__clock_ns() < until_ns; soak.round++) {
                play_round(node);
                await_true(open_descriptors() <= descriptors); /* the last of the dead may be being buried */
        }
        if (seconds != NULL)
                print_survived(node);
        node_end(node);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
}
