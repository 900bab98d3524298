/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A dump as a whole: where it lies, what it begins and ends with. See dump.h.
 *
 * All of it runs in a signal handler, on the alternate stack of the thread that faulted, or on the stack of one that has none. No
 * lock is waited for: names are read under the registry's lock if that is free, and left out if not.
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

#include <coppice/version.h>

#include "actors/actor.h"
#include "actors/dump_pen.h"
#include "actors/fault_report.h"
#include "actors/info.h"

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

/* ---- The node ------------------------------------------------------------------------------- */

static void fill_node(struct cop__dump *dump, const void *subject)
{
        const struct cop__fault *fault = &dump->scope->fault;
        bool is_ours = dump->refusal->blame != COP__BLAME_OUTSIDE;
        char actor[COP_NAME_MAX + COP_ID_TEXT_MAX + 2] = "";
        (void)subject;
        cop__dump_text(dump, "name", dump->node->name);
        cop__dump_text(dump, "version", COP_VERSION_TEXT);
        cop__dump_number(dump, "process", (uint64_t)getpid());
        cop__dump_number(dump, "when", (uint64_t)time(NULL));
        cop__dump_text(dump, "fault", fault->words);
        cop__dump_text(dump, "signal", cop__fault_signal_name(fault->signal));
        if (is_ours)
                cop__dump_text(dump, "blame", cop__fault_blame_words(dump->refusal->blame));
        cop__dump_text(dump, "why", dump->refusal->why);
        if (dump->scope->describe && is_ours)
                dump->scope->describe(actor, sizeof(actor), dump->scope->describe_context);
        cop__dump_text(dump, "actor", actor);
}

static void fill_totals(struct cop__dump *dump, const void *subject)
{
        struct cop__totals totals;
        (void)subject;
        cop__totals(dump->node, &totals);
        cop__dump_number(dump, "uptime_ms", totals.uptime_ms);
        cop__dump_number(dump, "workers", totals.workers);
        cop__dump_number(dump, "spawned", totals.spawned);
        cop__dump_number(dump, "died", totals.died);
        cop__dump_number(dump, "sent", totals.sent);
        cop__dump_number(dump, "dead_letters", totals.dead_letters);
        cop__dump_number(dump, "crashes", totals.crashes);
}

static void put_node(struct cop__dump *dump)
{
        cop__dump_put(dump, "node", fill_node, NULL);
        if (cop__dump_is_free(&dump->node->threads_lock) && cop__dump_is_free_mutex(&dump->node->reports.mutex))
                cop__dump_put(dump, "totals", fill_totals, NULL);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static void fill_end(struct cop__dump *dump, const void *subject)
{
        const struct cop__slots *slots = subject;
        uint64_t alive = 0;
        uint32_t used = cop__load_relaxed(&slots->used);
        for (uint32_t slot = 1; slot <= used; slot++)
                alive += cop__load_relaxed(&slots->base[slot].alive) != 0;
        cop__dump_number(dump, "records", dump->file.records);
        cop__dump_number(dump, "alive", alive);
        cop__dump_number(dump, "actors", dump->actors);
        cop__dump_number(dump, "messages", dump->messages);
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

static void say(const struct cop__dump *dump)
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
        struct cop_node *node = context;
        struct cop__dump dump; /* a quarter of the alternate stack */
        if (node->dump_path[0] == '\0')
                return;
        dump.node = node;
        dump.scope = scope;
        dump.refusal = refusal;
        dump.actors = dump.messages = 0;
        cop__dump_halt_others(&dump);
        if (cop__dump_open(&dump.file, node->dump_path)) {
                cop__object_open_program(&dump.program);
                put_node(&dump);
                cop__dump_put_modules(&dump);
                cop__dump_put_threads(&dump);
                cop__dump_put_actors(&dump);
                cop__dump_put_crashes(&dump);
                cop__dump_put(&dump, "end", fill_end, &node->slots);
                cop__object_close_program(&dump.program);
        }
        cop__dump_close(&dump.file);
        say(&dump);
}
