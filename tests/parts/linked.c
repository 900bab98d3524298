/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * For tests/linked.sh: one actor that does what it is told, and another one that goes on.
 *
 *      linked none|null|library|free|stdio|lock|runtime|pointer|frames|report guarded|process
 */
#include <coppice.h>

#include <pthread.h>
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

static void print_nowhere(void)
{
        FILE *file = fopen("/dev/null", "w");
        if (file == NULL || fputs("a buffer that is begun", file) < 0)
                abort();
        fwrite(garbage, 1, 100, file);
        fclose(file);
}

static void lock_nowhere(void)
{
        pthread_mutex_lock(garbage);
}

static void send_nowhere(void)
{
        cop_send(cop_self(), deed, .what = { .data = garbage, .size = 100 });
}

/* Whoever looks for the caller of this finds a frame that lies nowhere. */
__attribute__((noinline)) static void lose_frames(size_t size)
{
        volatile char frame[size];
        frame[0] = 1;
#if defined(__x86_64__)
        __asm__ __volatile__("movq $16, %%rbp\n\tmovb $1, 0" : : : "memory");
#else
        __asm__ __volatile__("mov x29, #16\n\tmov x9, #0\n\tstr xzr, [x9]" : : : "x9", "memory");
#endif
        frame[0] = frame[1];
}

static bool is_report_to_fault;

#if defined(OWN_NAMES)
/* In the place of the C library's, which a report asks for names. */
void backtrace_symbols_fd(void *const *addresses, int count, int fd)
{
        (void)addresses;
        (void)count;
        (void)fd;
        if (is_report_to_fault)
                write_nowhere();
}
#endif

static void worker_on_deed(worker *self, const deed *d)
{
        if (cop_text_equal(d->what, "null"))
                write_nowhere();
        else if (cop_text_equal(d->what, "library"))
                strcpy(nowhere, d->what.data);
        else if (cop_text_equal(d->what, "free"))
                free(garbage);
        else if (cop_text_equal(d->what, "stdio"))
                print_nowhere();
        else if (cop_text_equal(d->what, "lock"))
                lock_nowhere();
        else if (cop_text_equal(d->what, "runtime"))
                send_nowhere();
        else if (cop_text_equal(d->what, "pointer"))
                self->done += cop_is_atom(cop_atom(garbage), "garbage");
        else if (cop_text_equal(d->what, "frames"))
                lose_frames((size_t)d->what.size);
        else if (cop_text_equal(d->what, "report")) {
                is_report_to_fault = true;
                print_nowhere();
        }
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
