/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A session, from its greeting to its end. See session.h. */
#include "shell/session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <coppice/version.h>

#include "actors/actor.h"
#include "base/clock.h"
#include "base/cue.h"
#include "shell/console.h"
#include "shell/packet.h"

/* ---- Waits for the client ------------------------------------------------------------ */

/*
 * Whoever reads and writes when it likes is waited for away from the node: what waits until no visitor is awake (scheduler/grace.h)
 * does not wait for it. Before the thread has entered, and when it could not, it is away anyway.
 */
static void go_away(void)
{
        if (cop__thread_here() != NULL)
                cop__visitor_step_out(cop__thread_here());
}

static void come_back(void)
{
        if (cop__thread_here() != NULL)
                cop__visitor_step_in(cop__thread_here());
}

static bool write_packet(const struct cop__session *session, int type, const char *text, size_t size)
{
        go_away();
        bool written = cop__packet_write(session->fd, type, text, size);
        come_back();
        return written;
}

static bool write_text(const struct cop__session *session, int type, const struct cop__text *text)
{
        go_away();
        bool written = cop__packet_write_parts(session->fd, type, cop__text_get(text), text->size);
        come_back();
        return written;
}

static enum cop__packet_status read_packet(const struct cop__session *session, struct cop__packet *packet)
{
        go_away();
        enum cop__packet_status status =
                cop__packet_read(session->fd, COP__REQUEST_MAX, COP__SESSION_PATIENCE_MS, packet);
        come_back();
        return status;
}

/* ---- Waits that can be interrupted --------------------------------------------------- */

/* Without memory for the signal, the wait ends when its time is over. */
static void begin_wait(struct cop__shell *shell)
{
        struct cop__session *session = COP__CONTAINER(shell, struct cop__session, shell);
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *signal = cop__signal_new(&cop__thread_here()->pool, COP__SIGNAL_FAILED,
                                                     sizeof(struct cop__failed));
        if (signal == NULL)
                return;
        *(struct cop__failed *)cop__signal_body(signal) =
                (struct cop__failed){ NULL, COP__FAILED_NO_REPLY };
        signal->node.generation = cop__pid_generation(cop__actor_pid(actor));
        COP__CUE("session.waits");
        cop__console_lock(session->console);
        session->actor = actor;
        session->interruption = signal;
        session->heard = false;
        if (cop__console_is_stopping(session->console))
                cop__session_interrupt(session);
        cop__console_unlock(session->console);
        cop__console_wake(session->console);
}

static void end_wait(struct cop__shell *shell)
{
        struct cop__session *session = COP__CONTAINER(shell, struct cop__session, shell);
        cop__console_lock(session->console);
        struct cop__signal *unused = session->interruption;
        session->interruption = NULL;
        session->actor = NULL;
        cop__console_unlock(session->console);
        if (unused != NULL)
                cop__signal_free(&cop__thread_here()->pool, unused);
        else
                cop__drain(cop__actor_here()); /* or the next call would take it for its own */
}

/*
 * The push is what any sender does; the signal becomes the actor's, whose thread made it and frees
 * it. That the actor lives on until the push is done, the lock says: end_wait takes it before the
 * thread goes on.
 */
void cop__session_interrupt(struct cop__session *session)
{
        struct cop__signal *signal = session->interruption;
        cop__store_release(&session->shell.interrupted, 1); /* pairs with cop__shell_interrupted */
        if (signal == NULL)
                return;
        session->interruption = NULL;
        struct cop__scheduler *scheduler = &cop__console_node(session->console)->scheduler;
        cop__company_join_visiting(&scheduler->company);
        if (cop__queue_push(&session->actor->queue, &signal->node))
                cop__schedule(scheduler, NULL, &session->actor->task);
        cop__company_leave_visiting(&scheduler->company);
}

/* ---- News ---------------------------------------------------------------------------- */

/* A report is told when it is complete, or has waited for its outcome for long enough. */
static bool may_tell(struct cop__session *session, const struct cop__report *report)
{
        if (!report->supervised || report->outcome[0] != '\0')
                return true;
        uint64_t now_ns = cop__clock_ns();
        if (session->outcome_by_ns == 0)
                session->outcome_by_ns = now_ns + COP__SESSION_OUTCOME_MS * COP__NS_PER_MS;
        return now_ns >= session->outcome_by_ns;
}

static bool tell(struct cop__session *session, const struct cop__report *report)
{
        char text[COP__LOG_TEXT];
        if (report->number == session->shell.told)
                return true; /* the client has just read it as an error */
        cop__report_print(report, text, sizeof(text));
        return write_packet(session, COP__PACKET_REPORT, text, strlen(text));
}

/* All reports that can be told. Those that the ring has lost meanwhile are skipped. False: the
 * client is gone. */
static bool tell_news(struct cop__session *session)
{
        cop_node *node = cop__console_node(session->console);
        struct cop__report report;
        while (cop__report_get(node, 0, &report) && session->next_report <= report.number) {
                if (report.number - session->next_report >= COP__REPORTS_KEPT)
                        session->next_report = report.number - COP__REPORTS_KEPT + 1;
                if (cop__report_get(node, session->next_report, &report)) {
                        if (!may_tell(session, &report))
                                return true;
                        if (!tell(session, &report))
                                return false;
                }
                session->outcome_by_ns = 0;
                session->next_report++;
        }
        return true;
}

static void want_news(struct cop__session *session)
{
        struct cop__report newest = { .number = 0 };
        if (session->wants_news || !cop__console_want_news(session->console))
                return;
        cop__console_lock(session->console);
        session->wants_news = true;
        cop__console_unlock(session->console);
        cop__report_get(cop__console_node(session->console), 0, &newest); /* what comes behind it rings */
        session->next_report = newest.number + 1;
}

/* ---- Requests ------------------------------------------------------------------------ */

static bool write_done(struct cop__session *session, enum cop__done done)
{
        char byte = (char)done;
        return write_packet(session, COP__PACKET_DONE, &byte, 1);
}

/* Where there may be no memory for more than that: words of ours. */
static bool complain(struct cop__session *session, int type, const char *words)
{
        char line[128];
        snprintf(line, sizeof(line), type == COP__PACKET_RUN_JSON ? "{\"error\":\"** %s\"}\n" : "** %s\n", words);
        return write_packet(session, COP__PACKET_ERR, line, strlen(line)) && write_done(session, COP__DONE_FAILED);
}

static bool run_command(struct cop__session *session, const struct cop__packet *packet)
{
        struct cop__shell *shell = &session->shell;
        bool done = cop__shell_run(shell, packet->body, packet->size);
        if (shell->err.failed) /* not even for the complaint */
                return complain(session, packet->type, "the node has no memory left for the answer");
        return write_text(session, COP__PACKET_OUT, &shell->out) &&
               write_text(session, COP__PACKET_ERR, &shell->err) &&
               write_done(session, !done            ? COP__DONE_FAILED
                                   : shell->leaving ? COP__DONE_LEAVE
                                                    : COP__DONE_OK);
}

static bool complete(struct cop__session *session, const struct cop__packet *packet)
{
        struct cop__text answer, candidates;
        size_t from;
        cop__text_init(&answer);
        cop__text_init(&candidates);
        cop__shell_complete(&session->shell, packet->body, packet->size, &from, &candidates);
        cop__text_printf(&answer, "%zu\n", from);
        cop__text_append(&answer, cop__text_get(&candidates), candidates.size);
        bool written = write_packet(session, COP__PACKET_CANDIDATES,
                                         cop__text_get(&answer), answer.failed ? 0 : answer.size);
        cop__text_fini(&candidates);
        cop__text_fini(&answer);
        return written;
}

static bool answer(struct cop__session *session, const struct cop__packet *packet)
{
        switch (packet->type) {
        case COP__PACKET_RUN:
        case COP__PACKET_RUN_JSON:
                session->shell.wants_json = packet->type == COP__PACKET_RUN_JSON;
                return run_command(session, packet);
        case COP__PACKET_COMPLETE:
                return complete(session, packet);
        case COP__PACKET_NEWS:
                want_news(session);
                return true;
        case COP__PACKET_INTERRUPT:
                return true; /* came too late: nothing waits */
        default:
                complain(session, packet->type, "this is a console of Coppice, and that is no request");
                return false;
        }
}

/* Reads one packet and answers it. False: the conversation is over. */
static bool serve(struct cop__session *session)
{
        struct cop__packet packet = { .type = 0 };
        enum cop__packet_status status = read_packet(session, &packet);
        if (status == COP__PACKET_TOO_BIG)
                complain(session, packet.type, "a request has 1,048,576 bytes at most");
        else if (status == COP__PACKET_TOO_SLOW)
                complain(session, packet.type, "the rest of the request did not come within 10 s");
        else if (status == COP__PACKET_NO_MEMORY)
                complain(session, packet.type, "the node has no memory left for the request");
        if (status != COP__PACKET_READ)
                return false;
        bool goes_on = answer(session, &packet);
        free(packet.body);
        return goes_on;
}

/* ---- The thread ---------------------------------------------------------------------- */

static bool greet(struct cop__session *session)
{
        char pid[COP_ID_TEXT_MAX];
        struct cop__text text;
        cop__text_init(&text);
        cop__text_printf(&text, "%s\n", COP__PROTOCOL);
        size_t name = text.size;
        cop__text_append_string(&text, cop_node_name(cop__console_node(session->console)));
        cop__text_make_harmless(&text, name);
        cop__text_printf(&text, "\n%s\n%s\n", cop_pid_print(cop_self(), pid), cop_version_text());
        bool greeted = !text.failed && write_packet(session, COP__PACKET_GREETING,
                                                        cop__text_get(&text), text.size);
        cop__text_fini(&text);
        return greeted;
}

static int milliseconds_left(const struct cop__session *session)
{
        if (session->outcome_by_ns == 0)
                return -1;
        COP__CUE("session.awaits_outcome");
        uint64_t now_ns = cop__clock_ns();
        if (now_ns >= session->outcome_by_ns)
                return 0;
        return (int)((session->outcome_by_ns - now_ns) / COP__NS_PER_MS) + 1;
}

static void converse(struct cop__session *session)
{
        bool goes_on = greet(session);
        while (goes_on) {
                struct pollfd fds[2] = { { .fd = session->fd, .events = POLLIN },
                                         { .fd = session->bell, .events = POLLIN } };
                uint64_t rings;
                go_away();
                poll(fds, 2, milliseconds_left(session));
                come_back();
                if (fds[1].revents != 0)
                        (void)!read(session->bell, &rings, sizeof(rings)); /* what is left in it rings again */
                if (session->wants_news)
                        goes_on = tell_news(session);
                if (goes_on && fds[0].revents != 0)
                        goes_on = serve(session);
        }
}

static void visit(struct cop__session *session)
{
        cop_node *node = cop__console_node(session->console);
        cop_status status = cop_node_enter(node);
        if (status != COP_OK) {
                complain(session, 0, status == COP_E_LIMIT ? "the node has all the actors that it may have"
                                                           : "the node has no memory left for a shell");
                return;
        }
        cop__limit_begin(cop__actor_here(), COP__SHELL_MAIL_MAX, COP__SHELL_MAIL_BYTES);
        session->shell.wait_begin = begin_wait;
        session->shell.wait_end = end_wait;
        converse(session);
        cop_node_leave();
}

void *cop__session_run(void *argument)
{
        struct cop__session *session = argument;
        visit(session);
        shutdown(session->fd, SHUT_RDWR);
        cop__console_lock(session->console);
        session->ended = true;
        cop__console_wake(session->console);
        cop__console_unlock(session->console);
        return NULL;
}
