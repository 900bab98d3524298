/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A small program whose system calls fail on cue, for inject.sh: a node, a tree, a crash and a restart, an actor in a process,
 * a file that an actor owns, and all of it stopped. Once nothing fails, since the first time brings things that stay; then three
 * times with strace, each time on a thread of its own, since strace counts calls by thread: the n-th call of every thread fails.
 *
 *      injected LOG EXPRESSION...      strace follows this very process, writes to LOG, injects what each EXPRESSION says
 *      injected                        nothing fails
 *
 * Ends with 0: all worked. 1: something answered with a status, which is printed with its sentence. 2: something was left behind, or
 * said what it does not say. Anything else, and a hang, is what inject.sh looks for.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <coppice.h>

#include "tests/ledger.h"

/* Longer than anything takes that works, shorter than inject.sh waits. */
#define PATIENCE_MS 8000

enum { SCENES = 3 };

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        cop_reply(bill, .pence = b->pence / b->people, .people = ++self->served);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text;
}

static int worst;

/* Whether it worked; what did not has a sentence. */
static bool is_well(const char *what, cop_status status)
{
        if (status == COP_OK)
                return true;
        const char *sentence = cop_status_text(status);
        printf("%s: %s\n", what, sentence);
        if (worst < 1)
                worst = 1;
        if (sentence == NULL || *sentence == '\0')
                worst = 2;
        return false;
}

static cop_status ask(const char *name, int64_t people)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, name, PATIENCE_MS, bill, .pence = 900, .people = people);
        if (status == COP_OK && cop_read(bill, reply)->pence != 900 / people)
                worst = 2;
        return status;
}

/* Until another one has the name; what cannot be started again gives up in the end, and its supervisor with it. */
static cop_status await_another(const char *name, cop_pid before, cop_pid tree)
{
        struct timespec moment = { .tv_nsec = 1000000 };
        for (int i = 0; i < PATIENCE_MS; i++) {
                cop_pid now = cop_whereis(name);
                if (now.bits != 0 && !cop_pid_equal(now, before))
                        return COP_OK;
                if (!cop_is_alive(tree))
                        return COP_E_DIED;
                nanosleep(&moment, NULL);
        }
        return COP_E_TIMEOUT;
}

static void opens(void)
{
        int fd;
        if (cop_open("/dev/null", O_RDONLY, 0, &fd) != COP_OK)
                cop_exit(cop_failure());
}

static void crash(cop_pid tree, const char *name)
{
        cop_pid before = cop_whereis(name);
        if (ask(name, 0) == COP_OK)
                worst = 2; /* on aarch64, where nothing is divided by zero */
        if (is_well("restart", await_another(name, before, tree)))
                is_well("call after the restart", ask(name, 3));
}

static void play_in(cop_node *node)
{
        (void)node;
        cop_pid tree, opener;
        cop_ref ref;
        const cop_supervisor shop = { .strategy = COP_ONE_FOR_ONE, .intensity = 5,
                                      .children = COP_CHILDREN({ "till", .server = &till_server },
                                                               { "apart", .server = &till_server,
                                                                 .isolation = COP_ISOLATION_PROCESS }) };
        if (is_well("spawn", cop_spawn_opt(&(cop_spawn_options){ .run = opens, .monitor = true, .monitor_ref = &ref }, &opener)))
                cop_message_free(cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)));
        if (!is_well("tree", cop_supervise(&shop, &tree)))
                return;
        is_well("call", ask("till", 3));
        is_well("call of a process", ask("apart", 3));
        crash(tree, "till");
        crash(tree, "apart");
        is_well("stop of the tree", cop_shutdown(tree, PATIENCE_MS));
}

static void *play(void *unused)
{
        cop_node *node;
        (void)unused;
        if (!is_well("node", cop_node_start(&(cop_node_options){ .workers = 2, .max_actors = 1000, .log = say_nothing }, &node)))
                return NULL;
        if (is_well("visit", cop_node_enter(node))) {
                play_in(node);
                cop_node_leave();
        }
        cop_node_stop(node);
        return NULL;
}

/* ---- What is left ------------------------------------------------------------------------------------- */

struct holdings {
        struct ledger ledger;
        size_t heap;
        int descriptors;
};

/* 0: the folder could not be read. */
static int count_descriptors(void)
{
        int count = 0;
        DIR *folder = opendir("/proc/self/fd");
        while (folder != NULL && readdir(folder) != NULL)
                count++;
        if (folder != NULL)
                closedir(folder);
        return count;
}

static void print_descriptors(void)
{
        char path[64], name[256];
        for (int fd = 3; fd < 256; fd++) {
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                ssize_t size = readlink(path, name, sizeof(name) - 1);
                if (size >= 0)
                        printf("open: %d, %.*s\n", fd, (int)size, name);
        }
}

static struct holdings look(void)
{
        return (struct holdings){ ledger_now(), mallinfo2().uordblks, count_descriptors() };
}

static void expect(const char *what, long long left, long long most)
{
        if (left <= most)
                return;
        printf("left behind: %lld %s\n", left, what);
        worst = 2;
}

/*
 * `at[0]`: after the scene in which nothing failed. The heap may keep what a library makes once, even in a later scene; what each scene
 * adds is lost.
 */
static void compare(const struct holdings *at)
{
        const struct holdings *now = &at[SCENES];
        if (at[0].descriptors > 0 && now->descriptors > at[0].descriptors) {
                expect("descriptors", now->descriptors - at[0].descriptors, 0);
                print_descriptors();
        }
        if (at[1].heap < at[2].heap)
                expect("bytes of the heap", (long long)now->heap - (long long)at[2].heap, 0);
        expect("blocks of messages or actors", now->ledger.blocks - at[0].ledger.blocks, 0);
        expect("bytes mapped", now->ledger.mapped - at[0].ledger.mapped, 0);
}

/* ---- Strace ---------------------------------------------------------------------------------------------- */

/* Read from a descriptor that is open already, since nothing else is to count before the scene. */
static bool is_traced(int status)
{
        char text[4096];
        ssize_t size = pread(status, text, sizeof(text) - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        const char *tracer = strstr(text, "TracerPid:");
        return tracer != NULL && atoi(tracer + strlen("TracerPid:")) != 0;
}

/* A grandchild of this process, so that nobody who waits for children meets it. */
static void begin_tracing(int argc, char **argv)
{
        char number[32];
        char *words[64] = { "strace", "-qq", "-f", "-o", argv[1], "-p", number };
        int count = 7;
        for (int i = 2; i < argc && count < 62; i++) {
                words[count++] = "-e";
                words[count++] = argv[i];
        }
        snprintf(number, sizeof(number), "%d", (int)getpid());
        int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        pid_t between = fork();
        if (between == 0) {
                if (fork() == 0) {
                        execvp(words[0], words);
                        _exit(1);
                }
                _exit(0);
        }
        waitpid(between, NULL, 0);
        for (int i = 0; i < PATIENCE_MS && !is_traced(status); i++)
                nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (!is_traced(status)) {
                printf("strace may not follow\n");
                exit(77);
        }
        close(status);
}

/* False: there was no thread for it. */
static bool play_scene(void)
{
        pthread_t thread;
        if (pthread_create(&thread, NULL, play, NULL) != 0 && pthread_create(&thread, NULL, play, NULL) != 0)
                return false;
        pthread_join(thread, NULL);
        return true;
}

int main(int argc, char **argv)
{
        setvbuf(stdout, NULL, _IONBF, 0);
        if (!play_scene() || worst > 0) {
                printf("it does not work where nothing fails\n");
                return 3;
        }
        struct holdings at[SCENES + 1] = { look() };
        if (argc > 2)
                begin_tracing(argc, argv);
        for (int i = 0; i < SCENES; i++) {
                if (!play_scene()) {
                        printf("no thread\n");
                        return 1;
                }
                at[i + 1] = look();
        }
        compare(at);
        return worst;
}
