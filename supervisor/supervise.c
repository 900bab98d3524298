/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * cop_supervise: the start of a tree by who is no supervisor itself.
 *
 * The root is linked from its first instruction, so that it never outlives its caller, and
 * monitored until it runs, so that a failed start is an answer: the root unlinks before it exits
 * then, and a caller that does not trap exits lives on.
 */
#include "supervisor/supervise.h"

#include "actors/actor.h"
#include "actors/calling.h"
#include "supervisor/supervisor.h"

/* Until it has started, or is down. Its children's inits may call who waits here: then their
 * calls fail. */
static cop_message *news_of_root(struct cop__actor *self, cop_pid pid, cop_ref start_ref,
                                 cop_ref monitor_ref)
{
        cop_message *message = NULL;
        while (message == NULL)
                message = cop_receive(cop__calling_start_wait(self, start_ref, pid),
                                      COP_REF(cop_started, start_ref),
                                      COP_REF(cop_down, monitor_ref));
        cop__calling_end(cop__calling_own(self));
        return message;
}

static cop_status wait_for_root(struct cop__actor *self, cop_pid pid, cop_ref start_ref,
                                cop_ref monitor_ref)
{
        cop_auto message = news_of_root(self, pid, start_ref, monitor_ref);
        const cop_down *down = cop_read(cop_down, message);
        if (down == NULL) {
                cop_demonitor_flush(monitor_ref);
                return COP_OK;
        }
        /* Killed by somebody, it has not unlinked: what has been trapped of that is the answer. */
        cop_unlink(pid);
        cop_message_free(cop_receive(
                0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = pid }));
        cop__failure_keep(self, cop__shared_term_new(down->reason));
        return COP_E_DIED;
}

/* Shares do not end with their actor: while the caller owns one, in its argument, it must not be
 * ended. */
static cop_status spawn_root(struct cop__actor *self, cop_spawn_options *options, cop_pid *pid)
{
        int32_t budget = self->budget;
        self->budget = INT32_MAX; /* the turn does not end in the spawn */
        cop_status status = cop_spawn_opt(options, pid);
        self->budget = budget;
        return status;
}

static void be_linked(cop_spawn_options *options, cop_ref *monitor_ref)
{
        options->start_ref = cop_ref_new();
        options->monitor_ref = monitor_ref;
        options->monitor = true;
        options->link = true;
}

cop_status cop__supervise(cop_spawn_options *options, cop_pid *pid)
{
        struct cop__actor *self = cop__actor_here();
        cop_ref monitor_ref;
        cop_pid root;
        be_linked(options, &monitor_ref);
        cop_status status = spawn_root(self, options, &root);
        if (status == COP_OK)
                status = wait_for_root(self, root, options->start_ref, monitor_ref);
        if (status == COP_OK)
                *pid = root;
        return status;
}

cop_status cop_supervise(const cop_supervisor *tree, cop_pid *pid)
{
        struct cop__actor *self = cop__actor_here();
        const struct cop__supervisor_spec *spec;
        char sentence[512];
        cop_ref monitor_ref;
        cop_buffer *buffer;
        cop_pid root;
        if (self == NULL)
                return COP_E_NO_NODE;
        if (cop_supervisor_check(tree, sentence, sizeof(sentence)) != COP_OK) {
                cop_log(COP_LOG_ERROR, "your program: cop_supervise: %s", sentence);
                return COP_E_BAD_ARGUMENT;
        }
        if (pid == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = cop__spec_copy(tree, &buffer, &spec);
        if (status != COP_OK)
                return status;
        cop__supervisor_start start = {
                .spec = { (const uint8_t *)spec, sizeof(*spec), buffer },
                .alone = true,
        };
        cop_spawn_options options = {
                .server = cop__supervisor_behaviour(),
                .kind = COP_KIND_OF(cop__supervisor_start),
                .argument = &start,
                .name = tree->name,
        };
        be_linked(&options, &monitor_ref);
        status = spawn_root(self, &options, &root);
        cop_buffer_drop(buffer);
        if (status == COP_OK)
                status = wait_for_root(self, root, options.start_ref, monitor_ref);
        if (status == COP_OK)
                *pid = root;
        return status;
}
