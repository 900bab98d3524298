/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the zygote does. See zygote_main.h. */
#define _GNU_SOURCE
#include "actors/zygote_main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/inside.h"
#include "base/cue.h"

/*
 * Where the control socket lies in the zygote, and then an actor's socket in its process: high, where no file of the program's has
 * been. For the program may still have one in a variable, which is closed here; what is written to it must not come to us.
 */
#define CONTROL 250

struct child {
        pid_t os_pid;
        uint64_t pid;
};

struct children {
        struct child *items;
        size_t count, room;
        unsigned looks; /* for orphans, that are still to be taken */
};

/*
 * The kernel lists children while they come and go, and may pass over one meanwhile. So after an end they are looked for until so many
 * looks in a row have found none; and what cannot be killed is left after as many as a second has.
 */
#define LOOKS 10
#define LOOK_MS 10
#define LOOKS_AT_THE_END 100

/* ---- Packets with a descriptor ---------------------------------------------------------- */

union ancillary {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
};

static bool send_with(int control, const void *data, size_t size, int fd, int flags)
{
        union ancillary ancillary;
        struct iovec vector = { (void *)(uintptr_t)data, size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
        if (fd >= 0) {
                memset(&ancillary, 0, sizeof(ancillary));
                message.msg_control = ancillary.bytes;
                message.msg_controllen = sizeof(ancillary.bytes);
                struct cmsghdr *head = CMSG_FIRSTHDR(&message);
                head->cmsg_level = SOL_SOCKET;
                head->cmsg_type = SCM_RIGHTS;
                head->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(head), &fd, sizeof(fd));
        }
        for (;;) {
                if (sendmsg(control, &message, MSG_NOSIGNAL | flags) >= 0)
                        return true;
                if (errno != EINTR)
                        return false;
        }
}

static bool receive_with(int control, void *data, size_t size, int *fd, int flags)
{
        union ancillary ancillary;
        struct iovec vector = { data, size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1,
                                  .msg_control = ancillary.bytes,
                                  .msg_controllen = sizeof(ancillary.bytes) };
        ssize_t got;
        *fd = -1;
        do
                got = recvmsg(control, &message, flags | MSG_CMSG_CLOEXEC);
        while (got < 0 && errno == EINTR);
        if (got < 0)
                return false;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        if (head != NULL && head->cmsg_type == SCM_RIGHTS)
                memcpy(fd, CMSG_DATA(head), sizeof(*fd));
        if ((size_t)got == size)
                return true;
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
        errno = ECONNRESET;
        return false;
}

bool cop__order_send(int control, const struct cop__zygote_order *order, int end)
{
        return send_with(control, order, sizeof(*order), end, MSG_DONTWAIT);
}

bool cop__news_receive(int control, struct cop__zygote_news *news, int *pidfd, bool wait)
{
        return receive_with(control, news, sizeof(*news), pidfd, wait ? 0 : MSG_DONTWAIT);
}

/* ---- Becoming the zygote ------------------------------------------------------------------ */

/* Without close_range (before Linux 5.9) one by one. */
static void close_others(void)
{
        if (syscall(SYS_close_range, STDERR_FILENO + 1, CONTROL - 1, 0) == 0 &&
            syscall(SYS_close_range, CONTROL + 1, ~0u, 0) == 0)
                return;
        long most = sysconf(_SC_OPEN_MAX);
        for (int fd = STDERR_FILENO + 1; fd < (most > 0 && most < 65536 ? most : 65536); fd++)
                if (fd != CONTROL)
                        close(fd);
}

/* Without room for so many descriptors there is nothing to be done here. */
static void keep_only(int fd)
{
        if (fd != CONTROL && dup3(fd, CONTROL, O_CLOEXEC) < 0)
                _exit(1);
        close_others();
}

/*
 * What the program's other streams have not written yet goes nowhere. Else whoever flushes all of
 * them here, or exits, writes it into what the actor has opened since under the same descriptor.
 * Without /proc it stays as it is.
 */
static void empty_streams(int control)
{
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        DIR *all = nowhere >= 0 ? opendir("/proc/self/fd") : NULL;
        const struct dirent *one;
        while (all != NULL && (one = readdir(all)) != NULL) {
                int fd = atoi(one->d_name);
                if (fd > STDERR_FILENO && fd != control && fd != nowhere && fd != dirfd(all))
                        dup3(nowhere, fd, O_CLOEXEC);
        }
        if (all != NULL) {
                fflush(NULL);
                closedir(all);
        }
}

static void forget_signals(void)
{
        struct sigaction fallback = { .sa_handler = SIG_DFL };
        stack_t none = { .ss_flags = SS_DISABLE };
        sigset_t mask;
        for (int number = 1; number < NSIG; number++)
                if (number != SIGKILL && number != SIGSTOP)
                        sigaction(number, &fallback, NULL);
        sigaltstack(&none, NULL);
        sigemptyset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* What of the program is not to be taken along. */
static void forget_program(int control)
{
        forget_signals();
        __fpurge(stdin); /* else exit() goes back in the program's input by what has been read ahead */
        __fpurge(stdout); /* else it is written here, too */
        __fpurge(stderr);
        empty_streams(control);
        keep_only(control);
        setsid();
        cop__inside_forget();
}

static int pidfd_of(pid_t os_pid)
{
        return (int)syscall(SYS_pidfd_open, os_pid, 0);
}

/* Who starts it waits for that, or for its end. */
static void say_here(void)
{
        const struct cop__zygote_news news = { .what = COP__NEWS_HERE, .os_pid = getpid() };
        int pidfd = pidfd_of(getpid());
        if (!send_with(CONTROL, &news, sizeof(news), pidfd, 0))
                _exit(1);
        close(pidfd);
}

/* ---- Children ------------------------------------------------------------------------------- */

static bool make_room(struct children *children)
{
        if (children->count < children->room)
                return true;
        size_t room = children->room > 0 ? 2 * children->room : 64;
        struct child *items = realloc(children->items, room * sizeof(*items));
        if (items == NULL)
                return false;
        children->items = items;
        children->room = room;
        return true;
}

/*
 * What is below here and no child of ours by fork has lost its parent: an actor's process, as those adopt what is below them. Each is killed,
 * and what comes after it at the next end. Returns how many could be killed: what runs as another user cannot, and where the kernel does not list them, none.
 */
static int kill_orphans(const struct children *children)
{
        char path[64];
        int found = 0, orphan;
        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        FILE *file = fopen(path, "re");
        if (file == NULL)
                return 0;
        while (fscanf(file, "%d", &orphan) == 1) {
                size_t i = 0;
                while (i < children->count && children->items[i].os_pid != orphan)
                        i++;
                if (i < children->count)
                        continue;
                found += kill(orphan, SIGKILL) == 0;
        }
        fclose(file);
        return found;
}

/* In the child: it is killed with the zygote, also if that has ended before it could ask for it. */
static COP__NORETURN void be_child(struct cop_node *node, pid_t zygote, int end)
{
        sigset_t mask;
        COP__CUE("zygote_main.is_born");
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != zygote)
                _exit(0);
        setpgid(0, 0);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        keep_only(end);
        sigemptyset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        cop__inside_main(node, CONTROL);
}

/* Its group is its own until it has been waited for: a process that has ended keeps its number. */
static bool bury_one(siginfo_t *info, int flags)
{
        info->si_pid = 0;
        if (waitid(P_ALL, 0, info, WEXITED | WNOWAIT | flags) != 0 || info->si_pid == 0)
                return false;
        kill(-info->si_pid, SIGKILL);
        return waitid(P_PID, (id_t)info->si_pid, info, WEXITED) == 0;
}

static void forget_child(struct children *children, pid_t os_pid)
{
        for (size_t i = 0; i < children->count; i++)
                if (children->items[i].os_pid == os_pid)
                        children->items[i] = children->items[--children->count];
}

/*
 * The node is gone. Those that are killed here are also waited for, so that none is left when this process is; but
 * for those that cannot be.
 */
static COP__NORETURN void end_all(struct children *children)
{
        siginfo_t info;
        for (size_t i = 0; i < children->count; i++)
                kill(-children->items[i].os_pid, SIGKILL);
        for (unsigned calm = 0; calm < LOOKS_AT_THE_END; calm++) {
                bool any = kill_orphans(children) > 0 || children->count > 0;
                calm = any ? 0 : calm;
                errno = 0;
                while (bury_one(&info, WNOHANG))
                        forget_child(children, info.si_pid);
                if (errno == ECHILD)
                        break;
                poll(NULL, 0, calm > 0 ? LOOK_MS : 1);
        }
        _exit(0);
}

/*
 * The node waits for each of them. Without a descriptor, which may be one too many on its way, some are still as good; who cannot tell it
 * anything any more ends, and then it knows. So does one whose node is gone.
 */
static void tell(struct children *children, const struct cop__zygote_news *news, int fd)
{
        if (!send_with(CONTROL, news, sizeof(*news), fd, 0) && (fd < 0 || !send_with(CONTROL, news, sizeof(*news), -1, 0)))
                end_all(children);
}

static void fork_child(struct cop_node *node, struct children *children, uint64_t pid, int end)
{
        struct cop__zygote_news news = { .what = COP__NEWS_FAILED, .pid = pid, .status = ENOMEM };
        pid_t zygote = getpid();
        pid_t os_pid = make_room(children) ? fork() : -1;
        if (os_pid == 0)
                be_child(node, zygote, end);
        if (os_pid < 0) {
                if (children->count < children->room)
                        news.status = errno;
                tell(children, &news, -1);
                return;
        }
        setpgid(os_pid, os_pid); /* whoever of the two comes first */
        children->items[children->count++] = (struct child){ os_pid, pid };
        news.what = COP__NEWS_BORN;
        news.os_pid = os_pid;
        COP__CUE("zygote_main.has_forked");
        int pidfd = pidfd_of(os_pid);
        tell(children, &news, pidfd);
        if (pidfd >= 0)
                close(pidfd);
}

static void tell_end(struct children *children, const siginfo_t *info)
{
        for (size_t i = 0; i < children->count; i++) {
                struct child child = children->items[i];
                if (child.os_pid != info->si_pid)
                        continue;
                children->items[i] = children->items[--children->count];
                const struct cop__zygote_news news = { .what = COP__NEWS_ENDED, .os_pid = child.os_pid, .code = info->si_code,
                                                       .status = info->si_status, .pid = child.pid };
                tell(children, &news, -1);
                return;
        }
}

/* All that have ended: one signal may stand for many. */
static void bury(struct children *children)
{
        siginfo_t info;
        while (bury_one(&info, WNOHANG)) {
                tell_end(children, &info);
                children->looks = LOOKS;
        }
        if (children->looks > 0)
                children->looks = kill_orphans(children) > 0 ? LOOKS : children->looks - 1;
}

static void kill_child(const struct children *children, uint64_t pid)
{
        for (size_t i = 0; i < children->count; i++)
                if (children->items[i].pid == pid)
                        kill(children->items[i].os_pid, SIGKILL);
}

/* ---- The loop --------------------------------------------------------------------------------- */

static int watch_children(void)
{
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve_order(struct cop_node *node, struct children *children)
{
        struct cop__zygote_order order;
        int end;
        if (!receive_with(CONTROL, &order, sizeof(order), &end, MSG_DONTWAIT)) {
                if (errno != EAGAIN)
                        end_all(children);
                return;
        }
        if (order.what == COP__ORDER_KILL)
                kill_child(children, order.pid);
        else if (end >= 0)
                fork_child(node, children, order.pid, end);
        if (end >= 0)
                close(end);
}

COP__NORETURN void cop__zygote_main(struct cop_node *node, int control)
{
        struct children children = { NULL, 0, 0, 0 };
        struct signalfd_siginfo signal;
        forget_program(control);
        prctl(PR_SET_NAME, "coppice-zygote");
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        int ends = watch_children();
        if (ends < 0)
                _exit(1);
        say_here();
        for (;;) {
                struct pollfd each[2] = { { .fd = CONTROL, .events = POLLIN },
                                          { .fd = ends, .events = POLLIN } };
                if (poll(each, 2, children.looks > 0 ? LOOK_MS : -1) < 0)
                        continue;
                while (read(ends, &signal, sizeof(signal)) > 0)
                        ;
                bury(&children);
                if (each[0].revents != 0)
                        serve_order(node, &children);
        }
}
