/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A process that starts its program again. See heart.h. */
#define _GNU_SOURCE
#include "shell/heart.h"

#include <coppice/main.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/log_end.h"
#include "base/clock.h"
#include "base/compiler.h"

/* A node that has lived so long was well: the count of restarts and the delay begin anew. */
#define WELL_MS 60000

/* What is handed on to the node. */
static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

struct beat {
        const struct cop__heart *heart;
        sigset_t before; /* the signal mask that a node begins with */
        struct sigaction child; /* and what it does about children of its own */
        int signals;     /* a signalfd of those that are forwarded */
        pid_t node;
        int pidfd;
        bool is_to_end;  /* somebody wants it all to end */
        bool had_terminal, ignores_hup, ignores_quit; /* as it was begun; whoever ignores a signal does not want it heeded */
        unsigned tries;  /* restarts since the last one that was well */
        unsigned delay_ms;
};

/* To a log that nobody reads any more, too: no heart may end by that, or wait. */
static void say(const struct beat *beat, const char *text)
{
        char head[256];
        snprintf(head, sizeof(head), "%s: heart: ", beat->heart->program);
        cop__log_end_write_patiently(head, text);
}

static int complain(const struct beat *beat, const char *what)
{
        char text[256];
        snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
        say(beat, text);
        return COP_EXIT_GAVE_UP;
}

/* ---- The node's process -------------------------------------------------------------------- */

/* The node ends with its heart; if that has died before this was asked for, at once. */
static void become_node(struct beat *beat, pid_t heart)
{
        close(beat->signals);
        sigaction(SIGCHLD, &beat->child, NULL);
        sigprocmask(SIG_SETMASK, &beat->before, NULL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != heart)
                _exit(128 + SIGTERM);
}

/* 1 in the node, 0 in the heart, -1: it cannot be started. */
static int start(struct beat *beat)
{
        pid_t heart = getpid();
        fflush(NULL); /* what is in a buffer now would be written by both */
        beat->node = fork();
        if (beat->node == 0) {
                become_node(beat, heart);
                return 1;
        }
        if (beat->node < 0)
                return -1;
        beat->pidfd = (int)syscall(SYS_pidfd_open, beat->node, 0);
        if (beat->pidfd >= 0)
                return 0;
        int error = errno;
        kill(beat->node, SIGKILL);
        waitpid(beat->node, NULL, 0);
        errno = error;
        return -1;
}

/* ---- Signals ------------------------------------------------------------------------------------ */

/* Of its session; also when none of its descriptors leads there. */
static bool has_terminal(void)
{
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

/* It has been closed: the kernel tells the first process of the session, which is this one or a shell that passes it on. */
static bool is_hangup(const struct beat *beat, int number, bool is_of_kernel)
{
        return number == SIGHUP && !beat->ignores_hup && (is_of_kernel || (beat->had_terminal && !has_terminal()));
}

/*
 * What comes from a terminal has reached the node, too, and a second one would mean: do not wait for the tree. That the terminal
 * is closed may not have, and for the node it is the wish for an end.
 */
static void forward(struct beat *beat, const struct signalfd_siginfo *info)
{
        int number = (int)info->ssi_signo;
        bool is_of_kernel = info->ssi_code == SI_KERNEL;
        bool is_closed = is_hangup(beat, number, is_of_kernel);
        if (number == SIGTERM || number == SIGINT || is_closed || (number == SIGQUIT && is_of_kernel && !beat->ignores_quit))
                beat->is_to_end = true;
        if (beat->node > 0 && (is_closed || !is_of_kernel))
                kill(beat->node, is_closed ? SIGTERM : number); /* our child, not waited for yet: nobody else has its number */
}

/* Until the node has ended, or (without one) the time is over or somebody wants the end. */
static void wait_for(struct beat *beat, int64_t timeout_ms)
{
        uint64_t until = cop__clock_ns() + (uint64_t)timeout_ms * COP__NS_PER_MS;
        for (;;) {
                struct pollfd fds[] = { { .fd = beat->signals, .events = POLLIN },
                                        { .fd = beat->node > 0 ? beat->pidfd : -1, .events = POLLIN } };
                uint64_t now = cop__clock_ns();
                int64_t left_ms = (int64_t)((until - now + COP__NS_PER_MS - 1) / COP__NS_PER_MS);
                if (beat->node <= 0 && (now >= until || beat->is_to_end))
                        return;
                poll(fds, COP__COUNT(fds), beat->node > 0 ? -1 : (int)left_ms);
                struct signalfd_siginfo info;
                if (fds[0].revents != 0 && read(beat->signals, &info, sizeof(info)) == sizeof(info))
                        forward(beat, &info);
                if (fds[1].revents != 0)
                        return;
        }
}

/* ---- Its end -------------------------------------------------------------------------------------- */

static void describe(const struct beat *beat, int status, char *text, size_t size)
{
        if (WIFSIGNALED(status))
                snprintf(text, size, "died by signal %d (%s)%s", WTERMSIG(status),
                         sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?",
                         WCOREDUMP(status) ? ", core dumped" : "");
        else if (WEXITSTATUS(status) == beat->heart->fault_code)
                snprintf(text, size, "was ended by a fault, with code %d", WEXITSTATUS(status));
        else
                snprintf(text, size, "ended with code %d", WEXITSTATUS(status));
}

static bool is_orderly(const struct beat *beat, int status)
{
        if (!WIFEXITED(status))
                return false;
        int code = WEXITSTATUS(status);
        return code == 0 || (code == COP_EXIT_USAGE && code != beat->heart->fault_code);
}

static int code_of(int status)
{
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Says what has happened, and waits before the next node. False: there is to be none. */
static bool recover(struct beat *beat, int status, uint64_t lived_ms)
{
        char how[96], text[256];
        describe(beat, status, how, sizeof(how));
        if (lived_ms >= WELL_MS) {
                beat->tries = 0;
                beat->delay_ms = beat->heart->delay_ms;
        }
        if (beat->tries == beat->heart->limit) {
                snprintf(text, sizeof(text), "the node %s after %llu.%03u s; gave up: %u restarts, and none of them lived for %d s",
                         how, (unsigned long long)(lived_ms / 1000), (unsigned)(lived_ms % 1000),
                         beat->tries, WELL_MS / 1000);
                say(beat, text);
                return false;
        }
        beat->tries++;
        snprintf(text, sizeof(text), "the node %s after %llu.%03u s; starting it again in %u ms, restart %u of %u",
                 how, (unsigned long long)(lived_ms / 1000), (unsigned)(lived_ms % 1000),
                 beat->delay_ms, beat->tries, beat->heart->limit);
        say(beat, text);
        wait_for(beat, beat->delay_ms);
        beat->delay_ms = beat->delay_ms < COP__HEART_DELAY_MAX_MS / 2 ? 2 * beat->delay_ms
                                                                      : COP__HEART_DELAY_MAX_MS;
        return !beat->is_to_end;
}

/* One node from its start to its end. True: this process is the node. */
static bool live_once(struct beat *beat, int *code, bool *goes_on)
{
        uint64_t born_ns = cop__clock_ns();
        int status = SIGKILL, started = start(beat); /* as if it had been killed, should the kernel not tell */
        *goes_on = false;
        if (started == 1)
                return true;
        if (started < 0) {
                *code = complain(beat, "the node cannot be started");
                return false;
        }
        wait_for(beat, 0);
        while (waitpid(beat->node, &status, 0) < 0 && errno == EINTR)
                continue;
        close(beat->pidfd);
        beat->node = 0;
        *code = code_of(status);
        if (!is_orderly(beat, status) && !beat->is_to_end)
                *goes_on = recover(beat, status, (cop__clock_ns() - born_ns) / COP__NS_PER_MS);
        return false;
}

static bool is_ignored(int number)
{
        struct sigaction is;
        return sigaction(number, NULL, &is) == 0 && is.sa_handler == SIG_IGN;
}

bool cop__heart_beat(const struct cop__heart *heart, int *code)
{
        struct beat beat = {
                .heart = heart,
                .delay_ms = heart->delay_ms,
                .had_terminal = has_terminal(),
                .ignores_hup = is_ignored(SIGHUP),
                .ignores_quit = is_ignored(SIGQUIT),
        };
        sigset_t set;
        sigemptyset(&set);
        for (size_t i = 0; i < COP__COUNT(forwarded); i++)
                sigaddset(&set, forwarded[i]);
        sigprocmask(SIG_BLOCK, &set, &beat.before);
        /* Where children are ignored, which may be inherited, the kernel does not tell how they ended. */
        sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, &beat.child);
        beat.signals = signalfd(-1, &set, SFD_CLOEXEC);
        if (beat.signals < 0) {
                *code = complain(&beat, "cannot wait for signals");
                return false;
        }
        for (bool goes_on = true; goes_on;)
                if (live_once(&beat, code, &goes_on))
                        return true;
        close(beat.signals);
        return false;
}
