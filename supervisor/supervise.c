/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * cop_supervise: the start of a tree by who is no supervisor itself.
 *
 * The root is linked from its first instruction, so that it never outlives its caller, and
 * monitored until it runs, so that a failed start is an answer. A caller that traps no exits would
 * end all the same: until the root runs its half of the link is hushed. One that traps them is told
 * once, by the answer.
 */
#include "supervisor/supervise.h"

#include <stdlib.h>

#include "actors/actor.h"
#include "actors/belonging.h"
#include "actors/calling.h"
#include "actors/relation.h"
#include "base/cue.h"
#include "base/memory.h"
#include "supervisor/supervisor.h"

/* Ours of the tree, which by itself would not end with us: the spawn is a place where we may be ended. */
struct share {
        struct cop__belonging belonging;
        cop_buffer *buffer;
};

static void end_share(struct cop__belonging *belonging)
{
        struct share *share = COP__CONTAINER(belonging, struct share, belonging);
        cop_buffer_drop(share->buffer);
        free(share);
}

/* Takes the share. NULL: no memory, and it has ended. */
static struct share *own_share(struct cop__actor *self, cop_buffer *buffer)
{
        struct share *share = cop__malloc(sizeof(*share));
        if (share != NULL) {
                *share = (struct share){ .belonging.end = end_share, .buffer = buffer };
                if (cop__own(self, &share->belonging))
                        return share;
        }
        free(share);
        cop_buffer_drop(buffer);
        return NULL;
}

/* A start that is waited for. */
struct start {
        cop_pid root;
        cop_ref start_ref, monitor_ref;
        bool hushed;
        const struct cop__start_ear *ear; /* NULL: for nothing else */
};

/* One message, or NULL: its children's inits may call who waits here, and then their calls fail. */
static cop_message *wait_once(struct cop__actor *self, const struct start *start)
{
        const cop_pattern patterns[] = {
                COP_REF(cop_started, start->start_ref),
                COP_REF(cop_down, start->monitor_ref),
                { .kind = start->ear != NULL ? start->ear->kind : NULL },
        };
        COP__CUE("supervise.waits");
        cop_message *message =
                cop_receive_any_of(cop__calling_start_wait(self, start->start_ref, start->root), patterns,
                                   start->ear != NULL ? 3 : 2);
        cop__calling_end(cop__calling_own(self));
        return message;
}

/* Until it has started, or is down. */
static cop_message *news_of_root(struct cop__actor *self, const struct start *start)
{
        for (;;) {
                cop_message *message = wait_once(self, start);
                bool is_heard = message != NULL && start->ear != NULL &&
                                cop__kind_same(cop_message_kind(message), start->ear->kind);
                if (message != NULL && !is_heard)
                        return message;
                if (is_heard)
                        start->ear->hears(start->ear->context, message, start->root);
                cop_message_free(message);
        }
}

static cop_status wait_for_root(struct cop__actor *self, const struct start *start)
{
        cop_auto message = news_of_root(self, start);
        if (cop_read(cop_started, message) != NULL) {
                if (!start->hushed || cop__link_unhush(self, start->root)) {
                        cop_demonitor_flush(start->monitor_ref);
                        return COP_OK;
                }
                cop_message_free(message); /* it has ended since, and only its monitor tells */
                message = cop_receive(COP_FOREVER, COP_REF(cop_down, start->monitor_ref));
        }
        const cop_down *down = cop_read(cop_down, message);
        cop_unlink(start->root);
        cop_message_free(cop_receive(
                0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = start->root }));
        cop__failure_keep(self, cop__shared_term_new(down->reason));
        return COP_E_DIED;
}

static cop_status spawn_root(struct cop__actor *self, cop_spawn_options *options, struct start *start)
{
        struct cop__rare *rare = cop__rare_of(self);
        if (rare == NULL)
                return COP_E_NO_MEMORY;
        start->hushed = !self->trap_exit && self->task.visitor == NULL;
        rare->hushes_links = start->hushed;
        cop_status status = cop_spawn_opt(options, &start->root);
        rare->hushes_links = false;
        return status;
}

/* Spawns the root, linked and monitored. `mine` is of the argument, and ends when that has been copied; or NULL. */
static cop_status start_and_wait(cop_spawn_options *options, struct cop__belonging *mine, struct start *start,
                                 cop_pid *pid)
{
        struct cop__actor *self = cop__actor_here();
        start->start_ref = options->start_ref = cop_ref_new();
        options->monitor_ref = &start->monitor_ref;
        options->monitor = true;
        options->link = true;
        cop_status status = spawn_root(self, options, start);
        if (mine != NULL)
                cop__belonging_end(mine);
        if (status == COP_OK)
                status = wait_for_root(self, start);
        if (status == COP_OK)
                *pid = start->root;
        return status;
}

cop_status cop__supervise(cop_spawn_options *options, cop_pid *pid)
{
        struct start start = { .ear = NULL };
        return start_and_wait(options, NULL, &start, pid);
}

cop_status cop__supervise_hearing(const cop_supervisor *tree, cop_pid *pid, const struct cop__start_ear *ear)
{
        const struct cop__supervisor_spec *spec;
        struct start start = { .ear = ear };
        cop_buffer *buffer;
        cop_status status = cop__spec_copy(tree, &buffer, &spec);
        if (status != COP_OK)
                return status;
        struct share *mine = own_share(cop__actor_here(), buffer);
        if (mine == NULL)
                return COP_E_NO_MEMORY;
        cop__supervisor_start argument = {
                .spec = { (const uint8_t *)spec, sizeof(*spec), buffer },
                .is_done = ear != NULL ? (uint64_t)(uintptr_t)ear->is_done : 0,
        };
        cop_spawn_options options = {
                .server = cop__supervisor_behaviour(),
                .kind = COP_KIND_OF(cop__supervisor_start),
                .argument = &argument,
                .name = tree->name,
        };
        return start_and_wait(&options, &mine->belonging, &start, pid);
}

cop_status cop_supervise(const cop_supervisor *tree, cop_pid *pid)
{
        char sentence[512];
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (cop_supervisor_check(tree, sentence, sizeof(sentence)) != COP_OK) {
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_supervise: %s", sentence);
                return COP_E_BAD_ARGUMENT;
        }
        if (pid == NULL)
                return COP_E_BAD_ARGUMENT;
        return cop__supervise_hearing(tree, pid, NULL);
}
