/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * For tests/linked.sh: one actor that does what it is told, and another one that goes on.
 *
 *      linked none|null|library|free guarded|process
 */
#include <coppice.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
        cop_text what;
} deed;
COP_MESSAGE(deed, what);

typedef struct {
        int64_t done;
} worker;
COP_MESSAGE(worker, done);

static char *volatile nowhere;
static void *volatile garbage = (void *)(uintptr_t)0x4141414141410;

__attribute__((noinline)) static void write_nowhere(void)
{
        *nowhere = 1;
}

static void worker_on_deed(worker *self, const deed *d)
{
        if (cop_text_equal(d->what, "null"))
                write_nowhere();
        else if (cop_text_equal(d->what, "library"))
                strcpy(nowhere, d->what.data);
        else if (cop_text_equal(d->what, "free"))
                free(garbage);
        self->done++;
        cop_reply(deed, .what = d->what);
}

COP_SERVER(worker, COP_STATE(worker), COP_ON(deed, worker_on_deed));

static int tell(const char *who, const char *what, cop_isolation isolation)
{
        cop_pid pid;
        cop_auto reply = NULL;
        char text[512] = "answered";
        cop_status status = cop_start(&(cop_spawn_options){ .server = &worker_server, .isolation = isolation }, 20000, &pid);
        if (status == COP_OK)
                status = cop_call(&reply, pid, 20000, deed, .what = cop_text_of(what));
        if (status == COP_E_DIED)
                cop_term_print(cop_failure(), NULL, text, sizeof(text));
        else if (status != COP_OK)
                snprintf(text, sizeof(text), "%s", cop_status_text(status));
        printf("%s: %s\n", who, text);
        return 0;
}

int main(int argc, char **argv)
{
        cop_node *node;
        if (argc != 3 ||
            cop_node_start(&(cop_node_options){ .processes = true, .fault_exit_code = 70 }, &node) != COP_OK)
                return 1;
        setvbuf(stdout, NULL, _IOLBF, 0);
        cop_node_enter(node);
        tell(argv[1], argv[1], strcmp(argv[2], "process") == 0 ? COP_ISOLATION_PROCESS : COP_ISOLATION_GUARDED);
        tell("the next one", "none", COP_ISOLATION_GUARDED);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
