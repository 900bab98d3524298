/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Making a report, and keeping the last ones. See watchdog.h. */
#define _GNU_SOURCE
#include "actors/watchdog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/glance.h"
#include "actors/info.h"
#include "base/clock.h"
#include "base/text.h"

/* Frames of the program that a report names: the innermost. */
#define FRAMES_SHOWN 8

void cop__watchdog_init(struct cop__watchdog *watchdog)
{
        pthread_mutex_init(&watchdog->mutex, NULL);
}

void cop__watchdog_fini(struct cop__watchdog *watchdog)
{
        pthread_mutex_destroy(&watchdog->mutex);
}

/* ---- Words ------------------------------------------------------------------------- */

static const char *words_for(enum cop__preempt_answer answer)
{
        switch (answer) {
        case COP__PREEMPT_CALM:
                return "it is not interrupted, as it has asked for";
        case COP__PREEMPT_LIBRARY:
                return "it is not interrupted there: a library may hold a lock";
        case COP__PREEMPT_NO_STACK:
                return "it is not interrupted there: too little stack is left, or too much is on it";
        case COP__PREEMPT_RUNTIME:
                return "it is not interrupted there: Coppice is at work for it";
        default:
                return "it is interrupted while others wait for its worker";
        }
}

/* Who it is, for how long, and at which message: what is in it, if that can be seen. */
static void add_who(struct cop_node *node, struct cop__text *text, const struct cop__glimpse *glimpse,
                    uint64_t since_ns)
{
        char pid[COP_ID_TEXT_MAX], message[COP__REPORT_TEXT];
        const char *who = glimpse->name[0] != '\0'    ? glimpse->name
                          : glimpse->label[0] != '\0' ? glimpse->label
                          : glimpse->server != NULL   ? glimpse->server
                                                      : "";
        uint64_t ms = (cop__clock_ns() - since_ns) / COP__NS_PER_MS;
        size_t from = text->size;
        cop__text_printf(text, "** %s%s%s has been at work for %llu.%llu s", who,
                         who[0] != '\0' ? " " : "", cop_pid_print(glimpse->pid, pid),
                         (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000 / 100));
        if (cop__glance_message(node, cop__slot_of(node, glimpse->pid), message, sizeof(message)))
                cop__text_printf(text, ", handling %s", message);
        else if (glimpse->handling != NULL)
                cop__text_printf(text, ", handling %s", glimpse->handling);
        cop__text_make_harmless(text, from);
}

static void print_place(const struct cop__place *place, char *text, size_t size)
{
        if (place->file[0] != '\0')
                snprintf(text, size, "%s at %s:%u", place->function, place->file, place->line);
        else
                snprintf(text, size, "%s", place->function);
}

/* The frames, innermost first, up to the runtime's that has called the actor. The first goes into `where`, too. */
static void add_frames(struct cop_node *node, struct cop__text *text,
                       const struct cop__backtrace *backtrace, char *where, size_t size)
{
        size_t depth = backtrace->depth < FRAMES_SHOWN ? backtrace->depth : FRAMES_SHOWN;
        for (size_t i = 0; i < depth; i++) {
                struct cop__place place;
                char line[224];
                if (cop__preempt_is_own((uintptr_t)backtrace->frames[i] - (i > 0)))
                        break;
                cop__place_of(node->symbols, backtrace->frames[i], i > 0, &place);
                print_place(&place, line, sizeof(line));
                cop__text_printf(text, "\n   %s %s", i == 0 ? "in" : "called by", line);
                if (i == 0)
                        snprintf(where, size, "%.*s", (int)size - 1, line);
        }
}

/* The system calls that threads wait in as a rule. */
static const char *name_of_call(long number)
{
        static const struct {
                long number;
                const char *name;
        } calls[] = {
                { SYS_read, "read" }, { SYS_write, "write" }, { SYS_futex, "futex (a lock?)" },
                { SYS_nanosleep, "nanosleep" }, { SYS_clock_nanosleep, "clock_nanosleep" },
                { SYS_ppoll, "ppoll" }, { SYS_pselect6, "pselect" }, { SYS_epoll_pwait, "epoll_wait" },
                { SYS_accept4, "accept" }, { SYS_accept, "accept" }, { SYS_connect, "connect" },
                { SYS_recvfrom, "recv" }, { SYS_recvmsg, "recvmsg" }, { SYS_sendto, "send" },
                { SYS_sendmsg, "sendmsg" }, { SYS_wait4, "wait" }, { SYS_waitid, "waitid" },
                { SYS_flock, "flock" }, { SYS_fsync, "fsync" }, { SYS_openat, "open" },
#if defined(SYS_poll)
                { SYS_poll, "poll" }, { SYS_select, "select" }, { SYS_epoll_wait, "epoll_wait" },
#endif
        };
        for (size_t i = 0; i < COP__COUNT(calls); i++)
                if (calls[i].number == number)
                        return calls[i].name;
        return NULL;
}

/* What the kernel says that the thread waits in: "in the system call read". */
static void add_system_call(struct cop__text *text, struct cop__worker *worker, char *where, size_t size)
{
        char path[64], line[128];
        snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)cop__load_relaxed(&worker->tid));
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = file >= 0 ? read(file, line, sizeof(line) - 1) : -1;
        if (file >= 0)
                close(file);
        char *end;
        line[length > 0 ? length : 0] = '\0';
        long number = strtol(line, &end, 10);
        if (end == line)
                return;
        const char *name = name_of_call(number);
        if (name != NULL)
                snprintf(where, size, "system call %s", name);
        else
                snprintf(where, size, "system call %ld", number);
        cop__text_printf(text, "\n   waiting in the %s", where);
}

/* ---- Reports --------------------------------------------------------------------------- */

/* The entry of this piece of work, or the oldest one, for a new one; under the lock. */
static struct cop__long_turn *entry_for(struct cop__watchdog *watchdog, cop_pid pid, uint64_t handled)
{
        for (uint64_t i = 0; i < COP__LONG_TURNS_KEPT; i++)
                if (cop_pid_equal(watchdog->ring[i].pid, pid) && watchdog->ring[i].handled == handled)
                        return &watchdog->ring[i];
        return &watchdog->ring[watchdog->count++ % COP__LONG_TURNS_KEPT];
}

static void file(struct cop_node *node, const struct cop__glimpse *glimpse, uint64_t since_ns,
                 const char *where, const char *text)
{
        pthread_mutex_lock(&node->watchdog.mutex);
        struct cop__long_turn *entry = entry_for(&node->watchdog, glimpse->pid, glimpse->handled);
        entry->pid = glimpse->pid;
        entry->handled = glimpse->handled;
        entry->since_ns = since_ns;
        snprintf(entry->where, sizeof(entry->where), "%s", where);
        snprintf(entry->text, sizeof(entry->text), "%s", text);
        pthread_mutex_unlock(&node->watchdog.mutex);
        cop__log_to(node, COP_LOG_WARNING, text);
}

void cop__watchdog_report(struct cop_node *node, const struct cop__sighting *sighting,
                          uint64_t since_ns)
{
        char line[sizeof(((struct cop__long_turn *)0)->text)], where[224] = "";
        struct cop__glimpse glimpse;
        struct cop__text text;
        if (!cop__glimpse_of(node, sighting->pid, &glimpse) || glimpse.handled != sighting->handled)
                return; /* it has gone on meanwhile */
        cop__text_init_fixed(&text, line, sizeof(line));
        add_who(node, &text, &glimpse, since_ns);
        add_frames(node, &text, &sighting->backtrace, where, sizeof(where));
        cop__text_printf(&text, "\n   %s", words_for((enum cop__preempt_answer)sighting->answer));
        file(node, &glimpse, since_ns, where, cop__text_get(&text));
}

void cop__watchdog_report_blind(struct cop_node *node, struct cop__worker *worker,
                                struct cop__task *task, uint64_t since_ns)
{
        char line[sizeof(((struct cop__long_turn *)0)->text)], where[224] = "";
        struct cop__glimpse glimpse;
        struct cop__place place;
        struct cop__text text;
        if (!cop__glimpse_of(node, cop__actor_pid(cop__actor_of(task)), &glimpse))
                return;
        cop__text_init_fixed(&text, line, sizeof(line));
        add_who(node, &text, &glimpse, since_ns);
        cop__glimpse_where(node, &glimpse, &place);
        print_place(&place, where, sizeof(where));
        cop__text_printf(&text, "\n   in %s, or what that has called", where);
        add_system_call(&text, worker, where, sizeof(where));
        file(node, &glimpse, since_ns, where, cop__text_get(&text));
}

/* Each of those actors has a report of its own. */
void cop__watchdog_tell_still(struct cop_node *node, uint64_t for_ns, bool is_over)
{
        char text[320];
        uint64_t ms = for_ns / COP__NS_PER_MS;
        unsigned long long s = ms / 1000, tenths = ms % 1000 / 100;
        unsigned workers = node->scheduler.worker_count, spares = node->scheduler.spare_count;
        if (is_over)
                snprintf(text, sizeof(text), "** others run again, after %llu.%llu s", s, tenths);
        else
                snprintf(text, sizeof(text),
                         "** nothing else runs for %llu.%llu s: actors that do not wait hold all %u worker%s and %u spare worker%s\n"
                         "   declare what blocks (cop_blocking), or have more spare workers: docs/preemption.md",
                         s, tenths, workers, workers == 1 ? "" : "s", spares, spares == 1 ? "" : "s");
        cop__log_to(node, COP_LOG_WARNING, text);
}

/* ---- Who is stuck ---------------------------------------------------------------------- */

static bool is_stuck(struct cop_node *node, const struct cop__long_turn *entry)
{
        struct cop__glimpse glimpse;
        return entry->pid.bits != 0 && cop__glimpse_of(node, entry->pid, &glimpse) &&
               glimpse.state == COP_PROCESS_RUNNING && glimpse.handled == entry->handled;
}

static int by_age(const void *left, const void *right)
{
        const struct cop__long_turn *a = left, *b = right;
        return (a->since_ns > b->since_ns) - (a->since_ns < b->since_ns);
}

size_t cop__watchdog_stuck(struct cop_node *node, struct cop__long_turn *entries, size_t room)
{
        size_t count = 0;
        pthread_mutex_lock(&node->watchdog.mutex);
        for (size_t i = 0; i < COP__LONG_TURNS_KEPT && count < room; i++)
                if (is_stuck(node, &node->watchdog.ring[i]))
                        entries[count++] = node->watchdog.ring[i];
        pthread_mutex_unlock(&node->watchdog.mutex);
        qsort(entries, count, sizeof(entries[0]), by_age);
        return count;
}
