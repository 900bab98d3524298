/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The node's side of the zygote; see zygote.h. What the zygote itself does is in zygote_main.c. */
#define _GNU_SOURCE
#include "actors/zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/outpost.h"
#include "actors/zygote_main.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/own_wait.h"
#include "base/text.h"

void cop__zygote_init(struct cop__zygote *zygote, unsigned limit)
{
        zygote->limit = limit;
        pthread_mutex_init(&zygote->lock, NULL);
        zygote->control = zygote->pidfd = -1;
        cop__table_init(&zygote->births);
        cop__list_init(&zygote->names);
        zygote->name_count = 0;
}

/* ---- Names of behaviours --------------------------------------------------------------- */

struct name {
        struct cop__list list;
        char text[];
};

/*
 * With the lock. Who looks at an actor keeps this, so it stays; a process that makes up names has them all called "other", and
 * none of them moves the terminal that it is shown on.
 */
static const char *keep_name(struct cop__zygote *zygote, const char *said)
{
        char text[COP_SYMBOL_MAX];
        size_t size = strlen(said) + 1;
        if (size > sizeof(text))
                return "other";
        memcpy(text, said, size);
        cop__make_harmless(text, size - 1);
        COP__LIST_EACH(&zygote->names, at, ahead)
        {
                struct name *known = COP__CONTAINER(at, struct name, list);
                if (strcmp(known->text, text) == 0)
                        return known->text;
        }
        if (zygote->name_count >= COP__SERVER_NAMES_MAX)
                return "other";
        struct name *name = cop__malloc(sizeof(*name) + size);
        if (name == NULL)
                return "other";
        memcpy(name->text, text, size);
        cop__list_push_back(&zygote->names, &name->list);
        zygote->name_count++;
        return name->text;
}

static void free_names(struct cop__zygote *zygote)
{
        COP__LIST_EACH(&zygote->names, at, ahead)
        {
                free(COP__CONTAINER(at, struct name, list));
        }
}

/* ---- Starting ---------------------------------------------------------------------- */

/* The process between, which ends at once, so that the zygote is nobody's child. */
static pid_t fork_twice(struct cop_node *node, const int ends[2])
{
        pid_t between = fork();
        if (between != 0)
                return between;
        pid_t zygote = fork();
        if (zygote != 0)
                _exit(zygote < 0 ? 1 : 0);
        close(ends[0]);
        cop__zygote_main(node, ends[1]);
}

/* Its first news are itself. */
static cop_status greet(struct cop__zygote *zygote, int control)
{
        struct cop__zygote_news news;
        int pidfd = -1;
        if (!cop__news_receive(control, &news, &pidfd, true) || news.what != COP__NEWS_HERE || pidfd < 0) {
                if (pidfd >= 0)
                        close(pidfd);
                return COP_E_SYSTEM;
        }
        zygote->pidfd = pidfd;
        zygote->control = control;
        COP__CUE("zygote.is_there");
        return COP_OK;
}

static cop_status start(struct cop_node *node)
{
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
                return COP_E_SYSTEM;
        pid_t between = fork_twice(node, ends);
        close(ends[1]);
        if (between > 0)
                while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
                        ;
        cop_status status = between > 0 ? greet(&node->zygote, ends[0]) : COP_E_SYSTEM;
        if (status != COP_OK)
                close(ends[0]);
        return status;
}

struct starting {
        struct cop_node *node;
        cop_status status;
};

static void *start_on_thread(void *argument)
{
        struct starting *starting = argument;
        starting->status = start(starting->node);
        return NULL;
}

/* On a thread of its own: what a process begins with is that thread's stack and nothing of ours. */
static cop_status start_aside(struct cop_node *node)
{
        struct starting starting = { node, COP_E_SYSTEM };
        pthread_t thread;
        if (pthread_create(&thread, NULL, start_on_thread, &starting) != 0)
                return COP_E_SYSTEM;
        pthread_join(thread, NULL);
        return starting.status;
}

cop_status cop__zygote_start(struct cop_node *node)
{
        if (node->zygote.control >= 0)
                return COP_OK;
        return cop__thread_here() == NULL ? start(node) : start_aside(node);
}

cop_status cop__zygote_listen(struct cop_node *node)
{
        return cop__poll_add(&node->scheduler.poll, node->zygote.control, EPOLLIN | EPOLLRDHUP,
                             COP__ZYGOTE_MARK);
}

/* ---- Asking ------------------------------------------------------------------------- */

/* Without memory to tell it now, the socket will be news again: that it can be written to is, as a rule. */
static void rouse(struct cop_node *node, struct cop__thread *thread, const struct cop__birth *birth)
{
        if (!cop__outpost_rouse(thread, birth->pid))
                cop__poll_change(&node->scheduler.poll, birth->socket,
                                 EPOLLIN | EPOLLRDHUP | EPOLLOUT, birth->pid.bits);
}

/* With the lock. It is gone: what becomes of its children, nobody will tell. */
static void lose(struct cop_node *node, struct cop__thread *thread)
{
        struct cop__zygote *zygote = &node->zygote;
        struct cop__table_walk walk;
        struct cop__table_node *node_of;
        cop__poll_remove(&node->scheduler.poll, zygote->control);
        close(zygote->control);
        close(zygote->pidfd);
        zygote->control = zygote->pidfd = -1;
        cop__table_walk_init(&walk, &zygote->births);
        while ((node_of = cop__table_walk_next(&walk)) != NULL) {
                struct cop__birth *birth = COP__CONTAINER(node_of, struct cop__birth, node);
                if (birth->state == COP__BIRTH_ASKED || birth->state == COP__BIRTH_DONE)
                        birth->state = COP__BIRTH_LOST;
                rouse(node, thread, birth);
        }
}

static struct cop__birth *find(struct cop__zygote *zygote, uint64_t pid)
{
        struct cop__table_node *node = cop__table_find_first(&zygote->births, pid);
        return node != NULL ? COP__CONTAINER(node, struct cop__birth, node) : NULL;
}

static void kill_by(int pidfd)
{
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static bool tell(struct cop_node *node, const struct cop__zygote_order *order, int end);

/* With the lock. Of one that has ended the number is not known any more; of one that is asked for, that is told when it comes too late. */
static void kill_child(struct cop_node *node, uint64_t pid, int pidfd)
{
        const struct cop__zygote_order order = { pid, COP__ORDER_KILL };
        if (pidfd >= 0)
                kill_by(pidfd);
        else if (node->zygote.control >= 0)
                tell(node, &order, -1);
}

/* With the lock. Nobody waits any more for a process that comes late: it is killed. */
static void take_news(struct cop_node *node, struct cop__thread *thread,
                      const struct cop__zygote_news *news, int pidfd)
{
        struct cop__birth *birth = find(&node->zygote, news->pid);
        if (birth == NULL || news->what == COP__NEWS_HERE) {
                if (news->what == COP__NEWS_BORN)
                        kill_child(node, news->pid, pidfd);
                if (pidfd >= 0)
                        close(pidfd);
                return;
        }
        switch (news->what) {
        case COP__NEWS_BORN:
                birth->state = COP__BIRTH_DONE;
                birth->os_pid = news->os_pid;
                birth->pidfd = pidfd;
                break;
        case COP__NEWS_FAILED:
                birth->state = COP__BIRTH_FAILED;
                birth->error = news->status;
                break;
        default:
                birth->state = COP__BIRTH_ENDED;
                birth->code = news->code;
                birth->status = news->status;
        }
        rouse(node, thread, birth);
}

/* With the lock. */
static void hear(struct cop_node *node, struct cop__thread *thread)
{
        struct cop__zygote *zygote = &node->zygote;
        struct cop__zygote_news news;
        int pidfd = -1;
        while (zygote->control >= 0 && cop__news_receive(zygote->control, &news, &pidfd, false))
                take_news(node, thread, &news, pidfd);
        if (zygote->control >= 0 && errno != EAGAIN)
                lose(node, thread);
}

/*
 * With the lock. News are heard while there is no room for the order: else the two could wait for each other. False: there is no zygote any
 * more.
 */
static bool tell(struct cop_node *node, const struct cop__zygote_order *order, int end)
{
        struct cop__zygote *zygote = &node->zygote;
        while (zygote->control >= 0 && !cop__order_send(zygote->control, order, end)) {
                struct pollfd room = { .fd = zygote->control, .events = POLLIN | POLLOUT };
                if (errno != EAGAIN) {
                        lose(node, cop__thread_here());
                        return false;
                }
                COP__CUE("zygote.has_no_room");
                cop__own_wait_begin();
                poll(&room, 1, -1);
                cop__own_wait_end();
                hear(node, cop__thread_here());
        }
        return zygote->control >= 0;
}

/* With the lock. One that could not be listened to would end unheard. */
static cop_status start_and_listen(struct cop_node *node)
{
        struct cop__zygote *zygote = &node->zygote;
        if (zygote->control >= 0)
                return COP_OK;
        cop_status status = cop__zygote_start(node);
        if (status == COP_OK)
                status = cop__zygote_listen(node);
        if (status == COP_OK || zygote->control < 0)
                return status;
        close(zygote->control);
        close(zygote->pidfd);
        zygote->control = zygote->pidfd = -1;
        return status;
}

/* With the lock. A zygote that has just been killed is noticed here, and another one asked. */
static cop_status ask(struct cop_node *node, const struct cop__birth *birth, int end)
{
        struct cop__zygote_order order = { birth->pid.bits, COP__ORDER_FORK };
        for (int tries = 0; tries < 2; tries++) {
                cop_status status = start_and_listen(node);
                if (status != COP_OK)
                        return status;
                COP__CUE("zygote.is_asked");
                if (tell(node, &order, end))
                        return COP_OK;
        }
        return COP_E_SYSTEM;
}

cop_status cop__zygote_ask(struct cop_node *node, struct cop__birth *birth, const char *server)
{
        struct cop__zygote *zygote = &node->zygote;
        int ends[2];
        birth->error = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
                birth->error = errno;
                return COP_E_SYSTEM;
        }
        birth->state = COP__BIRTH_ASKED;
        birth->pidfd = -1;
        birth->socket = ends[0];
        birth->node.key = birth->pid.bits;
        pthread_mutex_lock(&zygote->lock);
        birth->server = server != NULL ? keep_name(zygote, server) : NULL;
        cop_status status = zygote->births.count < zygote->limit ? ask(node, birth, ends[1]) : COP_E_LIMIT;
        if (status == COP_OK)
                cop__table_insert(&zygote->births, &birth->node);
        pthread_mutex_unlock(&zygote->lock);
        close(ends[1]);
        if (status != COP_OK) {
                close(ends[0]);
                birth->socket = -1;
        }
        return status;
}

/* ---- Watching ----------------------------------------------------------------------- */

void cop__zygote_look(struct cop_node *node, const struct cop__birth *birth, struct cop__birth *now)
{
        pthread_mutex_lock(&node->zygote.lock);
        *now = *birth;
        pthread_mutex_unlock(&node->zygote.lock);
}

void cop__zygote_kill(struct cop_node *node, struct cop__birth *birth)
{
        pthread_mutex_lock(&node->zygote.lock);
        if (birth->state == COP__BIRTH_DONE)
                kill_child(node, birth->pid.bits, birth->pidfd);
        pthread_mutex_unlock(&node->zygote.lock);
}

void cop__zygote_forget(struct cop_node *node, struct cop__birth *birth)
{
        pthread_mutex_lock(&node->zygote.lock);
        if (birth->state == COP__BIRTH_DONE)
                kill_child(node, birth->pid.bits, birth->pidfd);
        if (birth->pidfd >= 0)
                close(birth->pidfd);
        cop__table_remove(&node->zygote.births, &birth->node);
        pthread_mutex_unlock(&node->zygote.lock);
}

bool cop__zygote_find(struct cop_node *node, cop_pid pid, pid_t *os_pid, const char **server)
{
        pthread_mutex_lock(&node->zygote.lock);
        const struct cop__birth *birth = find(&node->zygote, pid.bits);
        if (birth != NULL) {
                *os_pid = birth->os_pid;
                *server = birth->server;
        }
        pthread_mutex_unlock(&node->zygote.lock);
        return birth != NULL;
}

bool cop__zygote_tell(struct cop_node *node, struct cop__thread *thread, cop_pid pid)
{
        if (cop__outpost_rouse(thread, pid))
                return true;
        pthread_mutex_lock(&node->zygote.lock);
        const struct cop__birth *birth = find(&node->zygote, pid.bits);
        if (birth != NULL)
                rouse(node, thread, birth);
        pthread_mutex_unlock(&node->zygote.lock);
        return birth != NULL;
}

void cop__zygote_hear(struct cop_node *node, struct cop__thread *thread)
{
        pthread_mutex_lock(&node->zygote.lock);
        hear(node, thread);
        pthread_mutex_unlock(&node->zygote.lock);
}

/* ---- Ending -------------------------------------------------------------------------- */

/* Whatever signals the program gets meanwhile: a zygote that is killed leaves behind what its children have forked. */
static bool ends_in_time(int pidfd)
{
        struct pollfd gone = { .fd = pidfd, .events = POLLIN };
        uint64_t now_ns = cop__clock_ns();
        const uint64_t until_ns = now_ns + (uint64_t)COP__ZYGOTE_END_MS * COP__NS_PER_MS;
        int got = 0;
        for (; now_ns < until_ns && got <= 0; now_ns = cop__clock_ns())
                got = poll(&gone, 1, (int)((until_ns - now_ns) / COP__NS_PER_MS) + 1);
        return got > 0;
}

void cop__zygote_fini(struct cop_node *node)
{
        struct cop__zygote *zygote = &node->zygote;
        if (zygote->control >= 0) {
                COP__CUE("zygote.is_dismissed");
                shutdown(zygote->control, SHUT_RDWR); /* a child that the program has forked may hold it open */
                close(zygote->control);
                if (!ends_in_time(zygote->pidfd))
                        kill_by(zygote->pidfd);
                close(zygote->pidfd);
        }
        cop__table_fini(&zygote->births);
        free_names(zygote);
        pthread_mutex_destroy(&zygote->lock);
}
