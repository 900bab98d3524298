/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The console's own threads, and its sessions. See console.h. */
#define _GNU_SOURCE
#include "shell/console.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/thread.h"
#include "shell/door.h"
#include "shell/packet.h"
#include "shell/session.h"

/* How long answers under way may take when the console stops. */
#define FAREWELL_MS 1000

/* Clients between two looks at everything else: whoever knocks without end holds up neither the others nor the end. */
#define ACCEPTED_AT_ONCE 64

/* After a failed accept: the descriptors that are short may be back by then. */
#define ACCEPT_PAUSE_MS 100

/* Between two looks after the door. Nothing tells of a folder that is not there yet. */
#define DOOR_LOOK_MS 5000

struct cop__console {
        cop_node *node;
        struct cop__door door;    /* changed by the accept thread alone, under the lock */
        bool lacks_door;          /* the accept thread's: it cannot be opened anew, which has been said */
        int wake;                 /* an eventfd: the accept thread looks around */
        bool in_need;             /* the accept thread's: there was no descriptor for a client, which has been said */
        pthread_t accept_thread;
        pthread_mutex_t mutex;    /* of all below */
        pthread_cond_t some_ended;
        struct cop__session *sessions[COP__SESSIONS_MAX]; /* NULL: free */
        bool stopping;
        pthread_t herald;
        bool has_herald;
        bool herald_stops;        /* under the reports' mutex */
};

/* ---- For its sessions ---------------------------------------------------------------- */

cop_node *cop__console_node(const struct cop__console *console)
{
        return console->node;
}

void cop__console_lock(struct cop__console *console)
{
        pthread_mutex_lock(&console->mutex);
}

void cop__console_unlock(struct cop__console *console)
{
        pthread_mutex_unlock(&console->mutex);
}

bool cop__console_is_stopping(struct cop__console *console)
{
        return console->stopping;
}

static void ring(int event)
{
        uint64_t one = 1;
        while (write(event, &one, sizeof(one)) < 0 && errno == EINTR)
                continue; /* full means that it rings already */
}

void cop__console_wake(struct cop__console *console)
{
        pthread_cond_broadcast(&console->some_ended);
        ring(console->wake);
}

const char *cop__console_path(const struct cop__console *console)
{
        return console->door.path;
}

static void log_sentence(cop_node *node, cop_log_level level, const char *sentence)
{
        char text[COP__DOOR_SENTENCE + 64];
        snprintf(text, sizeof(text), "no console: %s", sentence);
        if (node->log != NULL)
                node->log(node->log_context, level, text);
        else
                cop_log(level, "%s", text);
}

/* ---- The herald ---------------------------------------------------------------------- */

/* Rings under the reports' mutex, so that no report is filed between a look and the next wait. */
static void ring_bells(struct cop__console *console)
{
        cop__console_lock(console);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                if (console->sessions[i] != NULL && console->sessions[i]->wants_news)
                        ring(console->sessions[i]->bell);
        cop__console_unlock(console);
}

static void *herald(void *argument)
{
        struct cop__console *console = argument;
        struct cop__reports *reports = &console->node->reports;
        pthread_mutex_lock(&reports->mutex);
        while (!console->herald_stops) {
                ring_bells(console);
                pthread_cond_wait(&reports->changed, &reports->mutex);
        }
        pthread_mutex_unlock(&reports->mutex);
        return NULL;
}

bool cop__console_want_news(struct cop__console *console)
{
        cop__console_lock(console);
        if (!console->has_herald && !console->stopping)
                console->has_herald = cop__thread_begin(&console->herald, herald, console);
        bool has_herald = console->has_herald;
        cop__console_unlock(console);
        return has_herald;
}

static void stop_herald(struct cop__console *console)
{
        struct cop__reports *reports = &console->node->reports;
        if (!console->has_herald)
                return;
        pthread_mutex_lock(&reports->mutex);
        console->herald_stops = true;
        pthread_cond_broadcast(&reports->changed);
        pthread_mutex_unlock(&reports->mutex);
        pthread_join(console->herald, NULL);
}

/* ---- Sessions ------------------------------------------------------------------------ */

/* For a client that gets no session. It never blocks: what does not fit is not said. */
static void turn_away(int fd, const char *sentence)
{
        char farewell[256];
        unsigned size = (unsigned)strlen(sentence);
        unsigned char head[] = { COP__PACKET_ERR, 0, 0, (unsigned char)(size >> 8),
                                 (unsigned char)size };
        static const unsigned char done[] = { COP__PACKET_DONE, 0, 0, 0, 1, COP__DONE_FAILED };
        memcpy(farewell, head, sizeof(head));
        memcpy(farewell + sizeof(head), sentence, size);
        memcpy(farewell + sizeof(head) + size, done, sizeof(done));
        (void)!send(fd, farewell, sizeof(head) + size + sizeof(done), MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
}

static void session_free(struct cop__session *session)
{
        close(session->bell);
        if (session->fd >= 0)
                close(session->fd);
        cop__shell_fini(&session->shell);
        free(session);
}

static struct cop__session *session_new(struct cop__console *console, int fd)
{
        struct cop__session *session = calloc(1, sizeof(*session));
        if (session == NULL)
                return NULL;
        session->console = console;
        session->fd = fd;
        cop__shell_init(&session->shell, console->node); /* before others see it, who may interrupt it */
        session->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (session->bell < 0) {
                free(session);
                return NULL;
        }
        return session;
}

/* Joins those that have ended. Only the accept thread, and after it who stops. */
static void bury(struct cop__console *console)
{
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++) {
                cop__console_lock(console);
                struct cop__session *session = console->sessions[i];
                bool ended = session != NULL && session->ended;
                if (ended)
                        console->sessions[i] = NULL;
                cop__console_unlock(console);
                if (!ended)
                        continue;
                pthread_join(session->thread, NULL);
                session_free(session);
        }
}

static struct cop__session **free_place(struct cop__console *console)
{
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                if (console->sessions[i] == NULL)
                        return &console->sessions[i];
        return NULL;
}

/* Is there a client who has gone, and whose session has not noticed yet? */
static bool somebody_leaves(const struct cop__console *console)
{
        struct pollfd fds[COP__SESSIONS_MAX];
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                fds[i] = (struct pollfd){ .fd = console->sessions[i] != NULL ? console->sessions[i]->fd : -1 };
        return poll(fds, COP__SESSIONS_MAX, 0) > 0;
}

/* A client for whom there is no place is told so; but not while a place is about to be free, whose session wakes us then. */
static bool may_accept(struct cop__console *console)
{
        if (free_place(console) != NULL)
                return true;
        bury(console);
        return free_place(console) != NULL || !somebody_leaves(console);
}

static void let_in(struct cop__console *console, int fd)
{
        if (!cop__door_admits(fd)) {
                turn_away(fd, "** only the user that runs this node may use its console\n");
                return;
        }
        struct cop__session **place = free_place(console);
        if (place == NULL) {
                turn_away(fd, "** this node serves 16 shells at once, and has them: "
                              "leave one of them first\n");
                return;
        }
        struct cop__session *session = session_new(console, fd);
        if (session == NULL) {
                turn_away(fd, "** the node has no memory or descriptors left for a shell\n");
                return;
        }
        cop__console_lock(console);
        bool started = cop__thread_begin(&session->thread, cop__session_run, session);
        if (started)
                *place = session;
        cop__console_unlock(console);
        if (started)
                return;
        session->fd = -1; /* it goes on to be turned away */
        session_free(session);
        turn_away(fd, "** the system has no thread left for a shell\n");
}

/* ---- The accept thread --------------------------------------------------------------- */

/* Said once for each time of need. The client waits in the socket's backlog meanwhile. */
static void tell_need(struct cop__console *console, int error)
{
        char text[256], buffer[128];
        if (console->in_need)
                return;
        console->in_need = true;
        snprintf(text, sizeof(text), "the system: the console cannot take a client in, who waits: %s",
                 strerror_r(error, buffer, sizeof(buffer)));
        cop__log_to(console->node, COP_LOG_WARNING, text);
}

static void accept_clients(struct cop__console *console)
{
        for (unsigned count = 0; count < ACCEPTED_AT_ONCE && may_accept(console); count++) {
                int fd = accept4(console->door.listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd >= 0) {
                        console->in_need = false;
                        let_in(console, fd);
                        continue;
                }
                if (errno == EINTR || errno == ECONNABORTED)
                        continue;
                if (errno == EAGAIN)
                        return;
                tell_need(console, errno);
                poll(NULL, 0, ACCEPT_PAUSE_MS);
                return;
        }
}

/* Its folder may have been taken away, as a logout does; those who are in stay. */
static void look_after_door(struct cop__console *console)
{
        char sentence[COP__DOOR_SENTENCE], text[COP__DOOR_SENTENCE];
        struct cop__door door = console->door;
        cop_status status;
        if (!cop__door_look_after(console->node->name, &door, &status, sentence))
                return;
        cop__console_lock(console);
        console->door = door;
        cop__console_unlock(console);
        if (status == COP_OK) {
                snprintf(text, sizeof(text), "the console's place was taken away: it is %s now", door.path);
                cop__log_to(console->node, COP_LOG_WARNING, text);
        } else if (!console->lacks_door) {
                log_sentence(console->node, COP_LOG_ERROR, sentence);
        }
        console->lacks_door = status != COP_OK;
}

/* Something has come while a command waits: an interrupt ends the wait, anything else must wait
 * itself. */
static void look_at(struct cop__session *session, short events)
{
        char type;
        if (events & (POLLHUP | POLLERR)) {
                cop__session_interrupt(session);
                return;
        }
        ssize_t size = recv(session->fd, &type, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
                return; /* what was seen has been read since, before this wait */
        if (size == 1 && type == COP__PACKET_INTERRUPT)
                cop__session_interrupt(session);
        session->heard = true;
}

/* Whom to watch. fds[0] is the listener, fds[1] the wake; of a session that is not watched fd is
 * -1. */
static void fill(struct cop__console *console, struct pollfd *fds)
{
        fds[0] = (struct pollfd){ .fd = may_accept(console) ? console->door.listener : -1, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = console->wake, .events = POLLIN };
        cop__console_lock(console);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++) {
                struct cop__session *session = console->sessions[i];
                bool waits = session != NULL && session->interruption != NULL;
                fds[2 + i] = (struct pollfd){ .fd = waits ? session->fd : -1,
                                              .events = waits && !session->heard ? POLLIN : 0 };
        }
        cop__console_unlock(console);
}

static void watch(struct cop__console *console, const struct pollfd *fds)
{
        cop__console_lock(console);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++) {
                struct cop__session *session = console->sessions[i];
                if (fds[2 + i].revents != 0 && session != NULL && session->fd == fds[2 + i].fd &&
                    session->interruption != NULL)
                        look_at(session, fds[2 + i].revents);
        }
        cop__console_unlock(console);
}

static void *accept_loop(void *argument)
{
        struct cop__console *console = argument;
        struct pollfd fds[2 + COP__SESSIONS_MAX];
        for (;;) {
                uint64_t wakes;
                fill(console, fds);
                if (poll(fds, COP__COUNT(fds), DOOR_LOOK_MS) < 0)
                        continue;
                if (fds[1].revents != 0)
                        (void)!read(console->wake, &wakes, sizeof(wakes)); /* what is left in it wakes again */
                cop__console_lock(console);
                bool stopping = console->stopping;
                cop__console_unlock(console);
                if (stopping)
                        return NULL;
                watch(console, fds);
                bury(console);
                if (fds[0].revents != 0)
                        accept_clients(console);
                else
                        look_after_door(console);
        }
}

/* ---- Start and stop ------------------------------------------------------------------ */

static cop_status start(struct cop__console *console)
{
        pthread_condattr_t clock;
        console->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (console->wake < 0)
                return COP_E_SYSTEM;
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_mutex_init(&console->mutex, NULL);
        pthread_cond_init(&console->some_ended, &clock);
        pthread_condattr_destroy(&clock);
        if (cop__thread_begin(&console->accept_thread, accept_loop, console))
                return COP_OK;
        pthread_cond_destroy(&console->some_ended);
        pthread_mutex_destroy(&console->mutex);
        close(console->wake);
        return COP_E_SYSTEM;
}

cop_status cop__console_start(cop_node *node, struct cop__console **result)
{
        char sentence[COP__DOOR_SENTENCE];
        struct cop__console *console = calloc(1, sizeof(*console));
        if (console == NULL) {
                log_sentence(node, COP_LOG_ERROR, cop_status_text(COP_E_NO_MEMORY));
                return COP_E_NO_MEMORY;
        }
        console->node = node;
        cop_status status = cop__door_open(node->name, &console->door, sentence);
        if (status != COP_OK) {
                log_sentence(node, COP_LOG_ERROR, sentence);
                free(console);
                return status;
        }
        status = start(console);
        if (status != COP_OK) {
                log_sentence(node, COP_LOG_ERROR,
                             "the system has no thread or descriptor left for it");
                cop__door_close(&console->door);
                free(console);
                return status;
        }
        *result = console;
        return COP_OK;
}

/* Under the lock. */
static bool all_ended(const struct cop__console *console)
{
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                if (console->sessions[i] != NULL && !console->sessions[i]->ended)
                        return false;
        return true;
}

/* Waits end, and nothing more is read. */
static void ask_to_end(struct cop__console *console, int how)
{
        cop__console_lock(console);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++) {
                if (console->sessions[i] == NULL || console->sessions[i]->ended)
                        continue;
                cop__session_interrupt(console->sessions[i]);
                shutdown(console->sessions[i]->fd, how);
        }
        cop__console_unlock(console);
        COP__CUE("console.has_asked");
}

static void wait_for_sessions(struct cop__console *console)
{
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += FAREWELL_MS / 1000;
        cop__console_lock(console);
        while (!all_ended(console) &&
               pthread_cond_timedwait(&console->some_ended, &console->mutex, &until) == 0)
                continue;
        cop__console_unlock(console);
}

/* First only the reading ends, so that answers that are ready still go out; a client that does
 * not read them is cut off. */
static void end_sessions(struct cop__console *console)
{
        ask_to_end(console, SHUT_RD);
        wait_for_sessions(console);
        ask_to_end(console, SHUT_RDWR);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++) {
                if (console->sessions[i] == NULL)
                        continue;
                pthread_join(console->sessions[i]->thread, NULL);
                session_free(console->sessions[i]);
        }
}

void cop__console_stop(struct cop__console *console)
{
        if (console == NULL)
                return;
        cop__console_lock(console);
        console->stopping = true;
        cop__console_unlock(console);
        cop__console_wake(console);
        pthread_join(console->accept_thread, NULL);
        cop__door_close(&console->door);
        end_sessions(console);
        stop_herald(console);
        pthread_cond_destroy(&console->some_ended);
        pthread_mutex_destroy(&console->mutex);
        close(console->wake);
        free(console);
}
