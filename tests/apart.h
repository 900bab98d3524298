/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Servers for tests of actors in processes of their own: one that adds, and one that does what it is told to, also the
 * worst.
 */
#ifndef TESTS_APART_H
#define TESTS_APART_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/node_fixture.h"

#define IN_PROCESSES(claim) IN_NODE_WITH(claim, .processes = true)

typedef struct add {
        int64_t number;
} add;
COP_MESSAGE(add, number);

typedef struct sum {
        int64_t total, os_pid;
        cop_pid self, parent;
} sum;
COP_MESSAGE(sum, total, os_pid, self, parent);

typedef struct note {
        int64_t number;
        cop_text text;
} note;
COP_MESSAGE(note, number, text);

typedef struct adder {
        int64_t total;
} adder;
COP_MESSAGE(adder, total);

static inline void adder_on_add(adder *self, const add *a)
{
        self->total += a->number;
        cop_reply(sum, .total = self->total, .os_pid = getpid(), .self = cop_self(),
                  .parent = cop_parent());
}

static inline void adder_on_note(adder *self, const note *n)
{
        (void)self;
        cop_reply(note, .number = n->number, .text = n->text);
}

COP_SERVER(adder, COP_STATE(adder), COP_ON(add, adder_on_add), COP_ON(note, adder_on_note));

/* ---- What a victim can be told --------------------------------------------------------- */

enum deed {
        FAULTS = 1,
        DIVIDES_BY_ZERO,
        ABORTS,
        EXITS_THE_PROCESS, /* exit(3) */
        CORRUPTS_THE_HEAP,
        FREES_TWICE,
        ALLOCATES_FOR_EVER,
        COP_ALLOCATES_FOR_EVER,
        LOOPS,
        EXITS_OVER, /* cop_exit(over) */
        EXITS_NORMALLY,
        LINKS,
        UNLINKS,
        TRAPS,
        WATCHES,
        WATCHES_BY_NAME,
        UNWATCHES,
        LOOKS_UP,   /* "witness" */
        TAKES_NAME, /* "victim" */
        SUPERVISES,
        CALLS,      /* pid */
        CALLS_IN_VAIN,
        CLOSES_EVERYTHING,
        NAMES_ITSELF, /* what ps shows */
        SENDS_MANY,
        SLEEPS,
        COUNTS_DESCRIPTORS,
        LOGS,
        KILLS,      /* pid */
        ASKS_INFO,  /* of pid */
        LOOKS_AT,   /* pid */
        FORKS,      /* some that stay and some that flee, all of whom hold apart_fifo */
};

typedef struct deed_order {
        int64_t what;
        cop_pid pid;
        cop_ref ref;
} deed_order;
COP_MESSAGE(deed_order, what, pid, ref);

typedef struct done {
        int64_t value;
        cop_pid pid;
        cop_ref ref;
        cop_text text;
} done;
COP_MESSAGE(done, value, pid, ref, text);

/* What it hears of others, to its parent. */
typedef struct heard {
        cop_pid by, pid;
        cop_ref ref;
        cop_term reason;
} heard;
COP_MESSAGE(heard, by, pid, ref, reason);

typedef struct victim {
        int64_t deeds;
} victim;
COP_MESSAGE(victim, deeds);

static int64_t *volatile apart_nowhere;
static volatile int64_t apart_zero;
static void *volatile apart_block;

static inline int64_t open_descriptors(void)
{
        int64_t count = 0;
        for (int fd = 0; fd < 256; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

/* The path of a FIFO: until everybody that was forked is gone, it has a writer. Set before the node is. */
static char apart_fifo[64];

/* A family: each has a child, in its own session or not, and goes away at once or stays; so they are reparented all the time. */
static inline void flee(int generations)
{
        for (; generations > 0; generations--) {
                pid_t child = fork();
                if (child != 0 && generations % 3 != 0)
                        _exit(0);
                if (child != 0)
                        break;
                if (generations % 2 == 0)
                        setsid();
        }
        for (;;)
                pause();
}

static inline int64_t fork_family(void)
{
        int fifo = open(apart_fifo, O_WRONLY);
        if (fifo < 0)
                return -1;
        for (int i = 0; i < 5; i++)
                if (fork() == 0)
                        flee(12);
        return close(fifo);
}

static inline void corrupt_heap(void)
{
        char *block = malloc(40);
        apart_block = block;
        memset(apart_block, 0x5a, 4096);
        for (int i = 0; i < 1000; i++) {
                apart_block = malloc((size_t)i * 8);
                free(apart_block);
        }
        abort();
}

static inline void free_twice(void)
{
        apart_block = malloc(40);
        free(apart_block);
        free(apart_block);
        abort(); /* an allocator that did not mind */
}

static inline void victim_obey(victim *self, const deed_order *o)
{
        cop_ref ref = o->ref;
        int64_t value = 0;
        char text[32] = "";
        cop_pid pid = o->pid;
        self->deeds++;
        switch (o->what) {
        case FAULTS:
                *apart_nowhere = 1;
                break;
        case DIVIDES_BY_ZERO:
                value = 900 / apart_zero;
                break;
        case ABORTS:
                abort();
        case EXITS_THE_PROCESS:
                exit(3);
        case CORRUPTS_THE_HEAP:
                corrupt_heap();
                break;
        case FREES_TWICE:
                free_twice();
                break;
        case ALLOCATES_FOR_EVER:
                for (;;) {
                        volatile char *more = malloc(1 << 20);
                        for (int at = 0; at < 1 << 20; at += 512)
                                more[at] = 1;
                        apart_block = (void *)(uintptr_t)more;
                }
        case COP_ALLOCATES_FOR_EVER:
                for (;;)
                        apart_block = cop_alloc(1 << 16);
        case LOOPS:
                for (volatile int forever = 1; forever;)
                        ;
                break;
        case EXITS_OVER:
                cop_exit(cop_atom("over"));
        case EXITS_NORMALLY:
                cop_exit(cop_atom("normal"));
        case LINKS:
                value = cop_link(o->pid);
                break;
        case UNLINKS:
                cop_unlink(o->pid);
                break;
        case TRAPS:
                value = cop_trap_exit(true);
                break;
        case WATCHES:
                value = cop_monitor(o->pid, &ref);
                break;
        case WATCHES_BY_NAME:
                value = cop_monitor("witness", &ref);
                break;
        case UNWATCHES:
                value = cop_demonitor_flush(o->ref);
                break;
        case LOOKS_UP:
                pid = cop_whereis("witness");
                value = cop_is_alive(pid);
                break;
        case TAKES_NAME:
                value = cop_register("victim", cop_self());
                break;
        case SUPERVISES:
                value = cop_supervise(&(cop_supervisor){
                        .name = "inner", .strategy = COP_ONE_FOR_ONE,
                        .children = COP_CHILDREN({ .id = "adder", .server = &adder_server }) }, &pid);
                break;
        case CALLS: {
                cop_auto reply = NULL;
                value = cop_call(&reply, o->pid, PATIENCE_MS, add, .number = 5);
                if (value == COP_OK)
                        value = cop_read(sum, reply)->total;
                else
                        value = -value;
                break;
        }
        case CALLS_IN_VAIN:
                value = cop_call(NULL, o->pid, 1, add, .number = 5);
                break;
        case CLOSES_EVERYTHING:
                for (int fd = 3; fd < 1024; fd++)
                        close(fd);
                for (;;)
                        pause();
        case NAMES_ITSELF:
                snprintf(text, sizeof(text), "/proc/self/comm");
                FILE *file = fopen(text, "re");
                if (file != NULL) {
                        if (fgets(text, sizeof(text), file) == NULL)
                                text[0] = '\0';
                        text[strcspn(text, "\n")] = '\0';
                        fclose(file);
                }
                break;
        case SENDS_MANY:
                for (int64_t i = 1; i <= 20000; i++)
                        cop_send(o->pid, add, .number = i);
                break;
        case SLEEPS:
                cop_sleep(1);
                break;
        case COUNTS_DESCRIPTORS:
                value = open_descriptors();
                break;
        case LOGS:
                cop_log(COP_LOG_INFO, "from afar");
                break;
        case ASKS_INFO: {
                cop_term info;
                value = cop_process_ask(o->pid, PATIENCE_MS, &info);
                if (value == COP_OK)
                        cop_term_free(info);
                break;
        }
        case LOOKS_AT: {
                cop_process process;
                value = cop_process_info(o->pid, &process);
                break;
        }
        case FORKS:
                value = fork_family();
                break;
        case KILLS:
                value = cop_send_exit(o->pid, cop_atom("kill"));
                break;
        }
        cop_reply(done, .value = value, .pid = pid, .ref = ref, .text = cop_text_of(text));
}

static inline void victim_on_down(victim *self, const cop_down *d)
{
        (void)self;
        cop_send(cop_parent(), heard, .by = cop_self(), .pid = d->pid, .ref = d->ref, .reason = d->reason);
}

static inline void victim_on_exited(victim *self, const cop_exited *e)
{
        (void)self;
        cop_send(cop_parent(), heard, .by = cop_self(), .pid = e->pid, .reason = e->reason);
}

COP_SERVER(victim, COP_STATE(victim), COP_ON(deed_order, victim_obey), COP_ON(cop_down, victim_on_down),
           COP_ON(cop_exited, victim_on_exited));

/* ---- Starting and telling ---------------------------------------------------------------- */

static inline cop_pid start_apart(cop_spawn_options options)
{
        cop_pid pid;
        options.isolation = COP_ISOLATION_PROCESS;
        cop_status status = cop_start(&options, PATIENCE_MS, &pid);
        ck_assert_msg(status == COP_OK, "%s: %s", cop_status_text(status), text_of(cop_failure()));
        return pid;
}
#define START_APART(...) start_apart((cop_spawn_options){ __VA_ARGS__ })

static inline done tell_deed(cop_pid to, deed_order order)
{
        static char text[64];
        cop_auto reply = NULL;
        cop_status status = cop_call_value(&reply, cop_to_pid(to), PATIENCE_MS,
                                           COP_KIND_OF(deed_order), &order);
        ck_assert_msg(status == COP_OK, "%s: %s", cop_status_text(status), text_of(cop_failure()));
        done result = *cop_read(done, reply);
        snprintf(text, sizeof(text), "%.*s", (int)result.text.size, result.text.data);
        result.text = cop_text_of(text);
        return result;
}
/* TELL(pid, LINKS, .pid = other) */
#define TELL(to, deed, ...) tell_deed((to), (deed_order){ .what = (deed), ##__VA_ARGS__ })

static inline int64_t os_pid_of(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.os_pid;
}

/* A process that has ended and been waited for, or one that never was. */
static inline bool is_gone(int64_t os_pid)
{
        return kill((pid_t)os_pid, 0) != 0;
}

static inline bool is_stopped(int64_t os_pid)
{
        char path[64], state = 0;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)os_pid);
        FILE *file = fopen(path, "r");
        if (file == NULL)
                return false;
        bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
        fclose(file);
        return read && state == 'T';
}

#endif
