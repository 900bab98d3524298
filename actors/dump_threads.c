/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The threads in a dump: the workers, the one that took the signal, and those of the program. See dump_pen.h.
 *
 * All are told to halt. A worker leaves its backtrace in its scope, any other thread with the bystanders (fault.h), where there are
 * places for some; one that holds the signal back, or has not heard it in time, is written down without.
 */
#define _GNU_SOURCE
#include "actors/dump_pen.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/dump.h"
#include "actors/fault_report.h"

/* ---- Halting ------------------------------------------------------------------------------ */

static struct cop__fault_scope *scope_of(const struct cop__worker *worker)
{
        struct cop__here *here = worker->thread.upper;
        return here != NULL ? &here->fault : NULL;
}

static bool has_halted(const struct cop__dump *dump, const struct cop__fault_scope *scope)
{
        return scope == dump->scope || cop__load_acquire(&scope->halted); /* HALT */
}

static unsigned workers_running(const struct cop__dump *dump)
{
        const struct cop__scheduler *scheduler = &dump->node->scheduler;
        unsigned running = 0;
        for (unsigned i = 0; i < cop__load_acquire(&scheduler->reach); i++) {
                const struct cop__fault_scope *scope = scope_of(&scheduler->workers[i]);
                running += scope != NULL && !has_halted(dump, scope);
        }
        return running;
}

static unsigned bystanders(void)
{
        unsigned count = 0;
        while (cop__fault_bystander(count) != NULL)
                count++;
        return count;
}

/* Some of those that were told hold the signal back, and nobody knows how many: so for them the time is shorter. */
void cop__dump_halt_others(struct cop__dump *dump)
{
        const struct timespec moment = { .tv_nsec = 1000000 };
        unsigned told = cop__fault_halt_threads();
        for (unsigned waited = 0; waited < COP__DUMP_HALT_MS; waited++) {
                unsigned running = workers_running(dump);
                bool all_others = waited >= COP__DUMP_BYSTANDERS_MS ||
                                  bystanders() + dump->node->scheduler.worker_count >= told;
                if (running == 0 && all_others)
                        return;
                nanosleep(&moment, NULL);
        }
}

/* ---- Frames ---------------------------------------------------------------------------------- */

struct frame {
        size_t number;
        uintptr_t pc;
};

static void fill_frame(struct cop__dump *dump, const void *subject)
{
        const struct frame *frame = subject;
        uintptr_t within = frame->number > 0 ? frame->pc - 1 : frame->pc;
        cop__dump_number(dump, "number", frame->number);
        cop__dump_number(dump, "pc", frame->pc);
        cop__dump_text(dump, "function", cop__object_function_at(&dump->program, within));
}

static void put_frames(struct cop__dump *dump, const struct cop__backtrace *backtrace)
{
        for (size_t i = 0; i < backtrace->depth && i < COP__BACKTRACE_MAX; i++)
                cop__dump_put(dump, "frame", fill_frame,
                              &(struct frame){ i, (uintptr_t)backtrace->frames[i] });
}

/* ---- Workers ---------------------------------------------------------------------------------- */

/* What the thread that writes had come to. */
static const char *own_state(const struct cop__dump *dump)
{
        return dump->refusal->blame == COP__BLAME_OUTSIDE ? "took the signal" : "faulted";
}

static void fill_worker(struct cop__dump *dump, const void *subject)
{
        const struct cop__worker *worker = subject;
        const struct cop__fault_scope *scope = scope_of(worker);
        const char *state = has_halted(dump, scope) ? "halted" : "did not halt";
        cop__dump_number(dump, "worker", worker->index);
        cop__dump_text(dump, "state", scope == dump->scope ? own_state(dump) : state);
        if (worker->thread.current != NULL)
                cop__dump_pid(dump, "actor", cop__actor_pid(cop__actor_of(worker->thread.current)));
}

static void put_worker(struct cop__dump *dump, const struct cop__worker *worker)
{
        const struct cop__fault_scope *scope = scope_of(worker);
        if (scope == NULL)
                return;
        cop__dump_put(dump, "worker", fill_worker, worker);
        if (has_halted(dump, scope))
                put_frames(dump, &scope->fault.backtrace);
}

/* Is it a worker of this node whose signal this is? */
static bool is_workers(const struct cop__dump *dump)
{
        const struct cop__scheduler *scheduler = &dump->node->scheduler;
        for (unsigned i = 0; i < cop__load_acquire(&scheduler->reach); i++)
                if (scope_of(&scheduler->workers[i]) == dump->scope)
                        return true;
        return false;
}

/* ---- Others ------------------------------------------------------------------------------------- */

/* Reads what the thread is called. */
static void read_name(int thread, char name[32])
{
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/task/%d/comm", thread);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = file >= 0 ? read(file, name, 31) : 0;
        if (file >= 0)
                close(file);
        name[size > 0 ? size - 1 : 0] = '\0'; /* without its line end */
}

static void fill_thread(struct cop__dump *dump, const void *subject)
{
        const struct cop__bystander *bystander = subject;
        int self = (int)syscall(SYS_gettid);
        char name[32];
        read_name(bystander->thread, name);
        cop__dump_number(dump, "thread", (uint64_t)bystander->thread);
        cop__dump_text(dump, "name", name);
        cop__dump_text(dump, "state", bystander->thread == self ? own_state(dump) : "halted");
}

static void put_thread(struct cop__dump *dump, const struct cop__bystander *bystander)
{
        cop__dump_put(dump, "thread", fill_thread, bystander);
        put_frames(dump, &bystander->backtrace);
}

void cop__dump_put_threads(struct cop__dump *dump)
{
        for (unsigned i = 0; i < cop__load_acquire(&dump->node->scheduler.reach); i++)
                put_worker(dump, &dump->node->scheduler.workers[i]);
        if (!is_workers(dump))
                put_thread(dump, &(struct cop__bystander){ .thread = (int)syscall(SYS_gettid),
                                                           .backtrace = dump->scope->fault.backtrace });
        for (unsigned i = 0; cop__fault_bystander(i) != NULL; i++)
                put_thread(dump, cop__fault_bystander(i));
}
