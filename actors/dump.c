/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What goes into a dump. See dump.h.
 *
 * All of it runs in a signal handler, on the alternate stack of the thread that faulted. No lock is waited for: names are read
 * under the registry's lock if that is free, and left out if not.
 */
#define _GNU_SOURCE
#include "actors/dump.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/dump_value.h"
#include "actors/fault_report.h"
#include "actors/info.h"
#include "actors/object.h"
#include "base/clock.h"
#include "coppice_config.h"

/* Actors up to which the function that each is in is looked up: each look goes through the whole table of symbols. */
#define PLACES_LOOKED_UP 1000u

struct dump {
        struct cop_node *node;
        struct cop__fault_scope *scope;
        struct cop__dump_file file;
        struct cop__object program;
        uint32_t actors, messages; /* written */
        bool looks_up_places, knows_names;
        struct cop__dump_record record;
};

/* ---- Where ------------------------------------------------------------------------------- */

cop_status cop__dump_choose(const char *option, char path[COP__DUMP_PATH_MAX])
{
        const char *wanted = option != NULL ? option : secure_getenv("COPPICE_DUMP");
        char folder[PATH_MAX];
        path[0] = '\0';
        if (wanted == NULL || wanted[0] == '\0')
                return COP_OK;
        bool is_absolute = wanted[0] == '/';
        if (!is_absolute && getcwd(folder, sizeof(folder)) == NULL)
                return COP_E_SYSTEM;
        int size = is_absolute ? snprintf(path, COP__DUMP_PATH_MAX, "%s", wanted)
                               : snprintf(path, COP__DUMP_PATH_MAX, "%s/%s", folder, wanted);
        if (size > 0 && (size_t)size < COP__DUMP_PATH_MAX)
                return COP_OK;
        path[0] = '\0';
        return COP_E_TOO_BIG;
}

/* ---- Halting the others ------------------------------------------------------------------- */

static struct cop__fault_scope *scope_of(const struct cop__worker *worker)
{
        struct cop__here *here = worker->thread.upper;
        return here != NULL ? &here->fault : NULL;
}

static void halt_others(struct dump *dump)
{
        struct cop__scheduler *scheduler = &dump->node->scheduler;
        const struct timespec moment = { .tv_nsec = 1000000 };
        for (unsigned i = 0; i < cop__load_relaxed(&scheduler->reach); i++) {
                struct cop__worker *worker = &scheduler->workers[i];
                if (worker->started && scope_of(worker) != NULL && scope_of(worker) != dump->scope)
                        pthread_kill(worker->handle, SIGTRAP);
        }
        for (unsigned waited = 0; waited < COP__DUMP_HALT_MS; waited++) {
                unsigned running = 0;
                for (unsigned i = 0; i < cop__load_relaxed(&scheduler->reach); i++) {
                        struct cop__fault_scope *scope = scope_of(&scheduler->workers[i]);
                        running += scope != NULL && scope != dump->scope &&
                                   !cop__load_acquire(&scope->halted); /* HALT */
                }
                if (running == 0)
                        return;
                nanosleep(&moment, NULL);
        }
}

/* ---- Tries -------------------------------------------------------------------------------- */

/* Does something that may fault. The handler comes back here then, and that is all. */
static void attempt(struct dump *dump, void (*act)(struct dump *dump, const void *subject),
                    const void *subject)
{
        jmp_buf rescue;
        jmp_buf *outer = dump->scope->rescue;
        dump->scope->rescue = &rescue;
        if (_setjmp(rescue) == 0)
                act(dump, subject);
        dump->scope->rescue = outer;
}

/* What a record is called, and how it is filled. */
struct piece {
        const char *what;
        void (*fill)(struct dump *dump, const void *subject);
        const void *subject;
};

static void write_piece(struct dump *dump, const void *subject)
{
        const struct piece *piece = subject;
        cop__dump_begin(&dump->record, piece->what);
        piece->fill(dump, piece->subject);
        cop__dump_end(&dump->file, &dump->record);
}

/* One record, if it can be made. */
static void put(struct dump *dump, const char *what,
                void (*fill)(struct dump *dump, const void *subject), const void *subject)
{
        attempt(dump, write_piece, &(struct piece){ what, fill, subject });
}

static void add_text(struct dump *dump, const char *key, const char *text)
{
        if (text != NULL && text[0] != '\0')
                cop__dump_add_text(&dump->record, key, text);
}

static void add_number(struct dump *dump, const char *key, uint64_t value)
{
        cop__dump_add_number(&dump->record, key, value);
}

static void add_pid(struct dump *dump, const char *key, cop_pid pid)
{
        if (pid.bits != 0)
                cop__dump_add_pid(&dump->record, key, pid);
}

/* ---- The node ------------------------------------------------------------------------------- */

/* If nobody holds a lock now, whoever takes it from here on runs, and will give it back. */
static bool is_free(struct cop__lock *lock)
{
        if (!cop__lock_trylock(lock))
                return false;
        cop__lock_unlock(lock);
        return true;
}

static bool is_free_mutex(pthread_mutex_t *mutex)
{
        return pthread_mutex_trylock(mutex) == 0 && pthread_mutex_unlock(mutex) == 0;
}

static void fill_node(struct dump *dump, const void *subject)
{
        const struct cop__fault_refusal *refusal = subject;
        const struct cop__fault *fault = &dump->scope->fault;
        char actor[COP_NAME_MAX + COP_ID_TEXT_MAX + 2] = "";
        add_text(dump, "name", dump->node->name);
        add_text(dump, "version", COP__VERSION);
        add_number(dump, "process", (uint64_t)getpid());
        add_number(dump, "when", (uint64_t)time(NULL));
        add_text(dump, "fault", fault->words);
        add_text(dump, "signal", cop__fault_signal_name(fault->signal));
        add_text(dump, "blame", cop__fault_blame_words(refusal->blame));
        add_text(dump, "why", refusal->why);
        if (dump->scope->describe)
                dump->scope->describe(actor, sizeof(actor), dump->scope->describe_context);
        add_text(dump, "actor", actor);
}

static void fill_totals(struct dump *dump, const void *subject)
{
        struct cop__totals totals;
        (void)subject;
        cop__totals(dump->node, &totals);
        add_number(dump, "uptime_ms", totals.uptime_ms);
        add_number(dump, "workers", totals.workers);
        add_number(dump, "spawned", totals.spawned);
        add_number(dump, "died", totals.died);
        add_number(dump, "sent", totals.sent);
        add_number(dump, "dead_letters", totals.dead_letters);
        add_number(dump, "crashes", totals.crashes);
}

static void put_node(struct dump *dump, const struct cop__fault_refusal *refusal)
{
        put(dump, "node", fill_node, refusal);
        if (is_free(&dump->node->threads_lock) && is_free_mutex(&dump->node->reports.mutex))
                put(dump, "totals", fill_totals, NULL);
}

/* ---- Workers -------------------------------------------------------------------------------- */

static bool has_halted(const struct dump *dump, const struct cop__fault_scope *scope)
{
        return scope == dump->scope || cop__load_acquire(&scope->halted); /* HALT */
}

static void fill_worker(struct dump *dump, const void *subject)
{
        const struct cop__worker *worker = subject;
        const struct cop__fault_scope *scope = scope_of(worker);
        const char *state = has_halted(dump, scope) ? "halted" : "did not halt";
        add_number(dump, "worker", worker->index);
        add_text(dump, "state", scope == dump->scope ? "faulted" : state);
        if (worker->thread.current != NULL)
                add_pid(dump, "actor", cop__actor_pid(cop__actor_of(worker->thread.current)));
}

struct frame {
        unsigned worker;
        size_t number;
        uintptr_t pc;
};

static void fill_frame(struct dump *dump, const void *subject)
{
        const struct frame *frame = subject;
        char text[160] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        uintptr_t within = frame->number > 0 ? frame->pc - 1 : frame->pc;
        const char *name = cop__object_function_at(&dump->program, within);
        cop__words_add_hex(&words, frame->pc);
        if (name != NULL) {
                cop__words_add(&words, " in ");
                cop__words_add(&words, name);
        }
        add_number(dump, "worker", frame->worker);
        add_number(dump, "number", frame->number);
        add_text(dump, "text", text);
}

static void put_worker(struct dump *dump, const struct cop__worker *worker)
{
        const struct cop__fault_scope *scope = scope_of(worker);
        if (scope == NULL)
                return;
        put(dump, "worker", fill_worker, worker);
        if (!has_halted(dump, scope))
                return;
        const struct cop__backtrace *backtrace = &scope->fault.backtrace;
        for (size_t i = 0; i < backtrace->depth; i++)
                put(dump, "frame", fill_frame,
                    &(struct frame){ worker->index, i, (uintptr_t)backtrace->frames[i] });
}

static void put_workers(struct dump *dump)
{
        for (unsigned i = 0; i < cop__load_relaxed(&dump->node->scheduler.reach); i++)
                put_worker(dump, &dump->node->scheduler.workers[i]);
}

/* ---- Trees ------------------------------------------------------------------------------------ */

static void fill_child(struct dump *dump, const void *subject)
{
        const struct cop__census_entry *entry = subject;
        add_pid(dump, "supervisor", entry->supervisor);
        add_pid(dump, "pid", entry->child);
        add_text(dump, "id", entry->id);
        add_number(dump, "order", entry->number);
        add_number(dump, "restarts", entry->restarts);
        add_number(dump, "state", entry->state);
}

static void put_children(struct dump *dump)
{
        struct cop__census_entry entry;
        uint32_t count = cop__census_count(&dump->node->census);
        for (uint32_t row = 0; row < count && row < COP__DUMP_ACTORS; row++)
                if (cop__census_read(&dump->node->census, row, &entry))
                        put(dump, "child", fill_child, &entry);
}

/* ---- Actors and their mail ----------------------------------------------------------------------- */

struct mail {
        cop_pid to;
        unsigned at;
        const struct cop__signal *signal;
};

static void fill_message(struct dump *dump, const void *subject)
{
        const struct mail *mail = subject;
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        add_pid(dump, "to", mail->to);
        add_number(dump, "at", mail->at);
        add_pid(dump, "from", mail->signal->from);
        cop__dump_value(&words, mail->signal->kind, cop__signal_body(mail->signal));
        add_text(dump, "text", text);
}

static bool is_message(const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_MESSAGE && signal->kind != NULL;
}

static void put_message(struct dump *dump, cop_pid to, unsigned at, const struct cop__signal *signal)
{
        if (!is_message(signal))
                return;
        put(dump, "message", fill_message, &(struct mail){ to, at, signal });
        dump->messages++;
}

/* Number 0 is the message that its handler is at; then come those that it has looked at and left, then what has arrived. */
static void put_mail(struct dump *dump, const void *subject)
{
        const struct cop__actor *actor = subject;
        const struct cop__signal *signal = actor->mailbox.first;
        const struct cop__node *node = actor->cursor.node;
        cop_pid pid = cop__actor_pid(actor);
        unsigned at = 0;
        if (actor->current != NULL)
                put_message(dump, pid, 0, actor->current);
        while (signal != NULL && at < COP__DUMP_MAIL) {
                put_message(dump, pid, ++at, signal);
                signal = signal == actor->mailbox.last ? NULL : cop__signal_of(signal->node.next);
        }
        node = node != NULL ? node->next : actor->queue.head;
        while (node != NULL && at < COP__DUMP_MAIL) {
                put_message(dump, pid, ++at, COP__CONTAINER(node, struct cop__signal, node));
                node = node->next;
        }
}

static void fill_actor(struct dump *dump, const void *subject)
{
        const struct cop__glimpse *glimpse = subject;
        char address[32] = "";
        const char *place = NULL;
        if (glimpse->where != NULL)
                snprintf(address, sizeof(address), "%p", glimpse->where);
        if (glimpse->where != NULL && dump->looks_up_places)
                place = cop__object_function_at(&dump->program, (uintptr_t)glimpse->where);
        add_pid(dump, "pid", glimpse->pid);
        add_pid(dump, "parent", glimpse->parent);
        add_text(dump, "name", glimpse->name);
        add_text(dump, "label", glimpse->label);
        add_text(dump, "server", glimpse->server);
        add_text(dump, "status", glimpse->status);
        add_number(dump, "unread", glimpse->unread);
        add_number(dump, "handled", glimpse->handled);
        add_number(dump, "bytes", glimpse->bytes);
        add_number(dump, "relations", glimpse->relations);
        add_text(dump, "where", place != NULL ? place : address);
}

static void put_actor(struct dump *dump, const void *subject)
{
        struct cop__actor *actor = (struct cop__actor *)(uintptr_t)subject;
        struct cop__glimpse glimpse;
        if (!cop__glimpse_slot(dump->node, actor, dump->knows_names, &glimpse))
                return;
        put(dump, "actor", fill_actor, &glimpse);
        dump->actors++;
        if (dump->messages < COP__DUMP_MESSAGES)
                attempt(dump, put_mail, actor);
}

static void put_actors(struct dump *dump)
{
        struct cop__slots *slots = &dump->node->slots;
        uint32_t used = cop__load_acquire(&slots->used);
        dump->looks_up_places = used <= PLACES_LOOKED_UP;
        dump->knows_names = is_free(&dump->node->registry.lock) && is_free(&dump->node->labels.lock);
        for (uint32_t slot = 1; slot <= used && dump->actors < COP__DUMP_ACTORS; slot++)
                attempt(dump, put_actor, &slots->base[slot]);
}

/* ---- The last moments ---------------------------------------------------------------------------- */

static void add_crash_message(struct dump *dump, const struct cop__crash *crash)
{
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        const char *at = cop__crash_at(crash, crash->message);
        if (crash->kind != NULL)
                cop__dump_value(&words, crash->kind, at);
        add_text(dump, "message", crash->kind != NULL ? text : at);
}

static void fill_crash(struct dump *dump, const void *subject)
{
        const struct cop__report_entry *entry = subject;
        const struct cop__crash *crash = &entry->crash;
        char what[COP__CRASH_WHAT], where[COP__CRASH_WHERE], outcome[COP__OUTCOME_MAX];
        cop__crash_words(crash, dump->node->kinds, what, where);
        add_number(dump, "when", (uint64_t)crash->when);
        add_pid(dump, "pid", crash->pid);
        add_text(dump, "who", crash->who);
        add_text(dump, "words", what);
        add_text(dump, "where", where);
        add_crash_message(dump, crash);
        add_pid(dump, "from", crash->from);
        if (entry->outcome.print != NULL)
                entry->outcome.print(&entry->outcome, outcome);
        add_text(dump, "outcome", entry->outcome.print != NULL ? outcome : entry->words);
}

static void fill_letter(struct dump *dump, const void *subject)
{
        const struct cop__letter *letter = subject;
        add_number(dump, "when", (uint64_t)letter->when);
        add_pid(dump, "from", letter->from);
        add_pid(dump, "to", letter->to);
        add_text(dump, "reason", cop__death_name(letter->death));
        add_text(dump, "text", letter->text[0] != '\0' ? letter->text : letter->kind);
}

/* Both rings, the oldest entry first; one that is being written now shows half of each. */
static void put_last_moments(struct dump *dump)
{
        const struct cop__reports *reports = &dump->node->reports;
        const struct cop__letters *letters = &dump->node->letters;
        for (uint64_t i = 1; i <= COP__REPORTS_KEPT; i++) {
                const struct cop__report_entry *entry = &reports->ring[(reports->count + i) % COP__REPORTS_KEPT];
                if (entry->number != 0)
                        put(dump, "crash", fill_crash, entry);
        }
        for (uint64_t i = 1; i <= COP__LETTERS_KEPT; i++) {
                const struct cop__letter *letter = &letters->ring[(letters->count + i) % COP__LETTERS_KEPT];
                if (letter->number != 0)
                        put(dump, "letter", fill_letter, letter);
        }
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static void fill_end(struct dump *dump, const void *subject)
{
        const struct cop__slots *slots = subject;
        uint64_t alive = 0;
        uint32_t used = cop__load_relaxed(&slots->used);
        for (uint32_t slot = 1; slot <= used; slot++)
                alive += cop__load_relaxed(&slots->base[slot].alive);
        add_number(dump, "records", dump->file.records);
        add_number(dump, "alive", alive);
        add_number(dump, "actors", dump->actors);
        add_number(dump, "messages", dump->messages);
}

/* strerror may allocate. */
static const char *words_for(int error)
{
        switch (error) {
        case ENOSPC:
        case EDQUOT: return "no space is left";
        case EACCES:
        case EPERM: return "it is not permitted";
        case EROFS: return "the file system is read-only";
        case ENOENT: return "there is no such folder";
        case EEXIST: return "a file of another lies in the way";
        case EFBIG: return "the file would be larger than its limit";
        default: return "an error of input and output";
        }
}

static void say(const struct dump *dump)
{
        char text[COP__DUMP_PATH_MAX + 128] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        if (dump->file.error == 0) {
                cop__words_add(&words, "   what the node was doing: coppice dump ");
                cop__words_add(&words, dump->node->dump_path);
        } else {
                cop__words_add(&words, dump->file.records > 0 ? "   the system: the dump breaks off in "
                                                              : "   the system: no dump in ");
                cop__words_add(&words, dump->node->dump_path);
                cop__words_add(&words, ": ");
                cop__words_add(&words, words_for(dump->file.error));
        }
        cop__words_add(&words, "\n");
        if (write(STDERR_FILENO, text, words.length) < 0)
                return; /* nobody listens */
}

void cop__dump_write(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal,
                     void *context)
{
        struct cop__thread *thread = context;
        struct cop_node *node = cop__node_of(thread);
        struct dump dump; /* a quarter of the alternate stack */
        if (node->dump_path[0] == '\0')
                return;
        dump.node = node;
        dump.scope = scope;
        dump.actors = dump.messages = 0;
        halt_others(&dump);
        if (cop__dump_open(&dump.file, node->dump_path)) {
                cop__object_open_program(&dump.program);
                put_node(&dump, refusal);
                put_workers(&dump);
                put_children(&dump);
                put_actors(&dump);
                put_last_moments(&dump);
                put(&dump, "end", fill_end, &node->slots);
                cop__object_close_program(&dump.program);
        }
        cop__dump_close(&dump.file);
        say(&dump);
}
