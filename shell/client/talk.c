/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A conversation with a console. See talk.h. */
#define _GNU_SOURCE
#include "shell/client/talk.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/client/complain.h"
#include "shell/packet.h"

/* A console's packets are never longer than this. */
#define PACKET_MAX ((size_t)1 << 20)

/* ---- The greeting -------------------------------------------------------------------- */

/* Copies the next line of a greeting. */
static const char *take_line(const char *at, char *line, size_t room)
{
        size_t size = strcspn(at, "\n");
        snprintf(line, room, "%.*s", (int)size, at);
        return at[size] == '\n' ? at + size + 1 : at + size;
}

static bool read_greeting(struct talk *talk, const char *at)
{
        char protocol[sizeof(COP__PROTOCOL) + 8];
        at = take_line(at, protocol, sizeof(protocol));
        at = take_line(at, talk->node, sizeof(talk->node));
        at = take_line(at, talk->pid, sizeof(talk->pid));
        take_line(at, talk->version, sizeof(talk->version));
        if (strcmp(protocol, COP__PROTOCOL) == 0)
                return true;
        complain(talk->wants_json, "coppice: the node speaks '%s', and this program '%s'", protocol, COP__PROTOCOL);
        return false;
}

static bool be_greeted(struct talk *talk, const char *node)
{
        struct cop__packet packet;
        struct pollfd poll_for = { .fd = talk->fd, .events = POLLIN };
        int ready = poll(&poll_for, 1, COP__DOOR_PATIENCE_MS);
        if (ready <= 0) {
                complain(talk->wants_json, "coppice: the node %s does not answer", node);
                return false;
        }
        if (cop__packet_read(talk->fd, PACKET_MAX, COP__DOOR_PATIENCE_MS, &packet) != COP__PACKET_READ) {
                complain(talk->wants_json, "coppice: the node %s has just ended", node);
                return false;
        }
        bool greeted = packet.type == COP__PACKET_GREETING;
        if (greeted)
                greeted = read_greeting(talk, packet.body);
        else if (packet.type == COP__PACKET_ERR)
                complain(talk->wants_json, "%.*s", (int)strcspn(packet.body, "\n"), packet.body);
        else
                complain(talk->wants_json, "coppice: what listens as %s is no console of Coppice", node);
        free(packet.body);
        return greeted;
}

enum exit_code talk_begin(struct talk *talk, const char *node, bool wants_json)
{
        char sentence[COP__DOOR_SENTENCE];
        memset(talk, 0, sizeof(*talk));
        talk->line = 1;
        talk->wants_json = wants_json;
        cop_status status = cop__door_knock(node, COP__DOOR_PATIENCE_MS, &talk->fd, sentence);
        if (status != COP_OK) {
                complain(wants_json, "coppice: %s", sentence);
                return EXIT_NO_NODE;
        }
        if (be_greeted(talk, node))
                return EXIT_OK;
        close(talk->fd);
        return EXIT_NO_NODE;
}

void talk_end(struct talk *talk)
{
        close(talk->fd);
}

void talk_say_lost(const struct talk *talk)
{
        complain(talk->wants_json, "** the node %s has ended", talk->node);
}

/* ---- Requests ------------------------------------------------------------------------ */

/* Until there is something to read. The user's interrupt is passed on, once: it comes while we sleep, or is seen before. */
static void wait_for_packet(struct talk *talk)
{
        struct pollfd poll_for = { .fd = talk->fd, .events = POLLIN };
        sigset_t interrupt, before;
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        pthread_sigmask(SIG_BLOCK, &interrupt, &before);
        do {
                if (talk->interrupted == NULL || !*talk->interrupted)
                        continue;
                *talk->interrupted = 0;
                cop__packet_write(talk->fd, COP__PACKET_INTERRUPT, "", 0);
        } while (ppoll(&poll_for, 1, NULL, &before) < 0 && errno == EINTR);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void show(struct talk *talk, const struct cop__packet *packet)
{
        if (packet->type == COP__PACKET_OUT) {
                fwrite(packet->body, 1, packet->size, stdout);
        } else if (packet->type == COP__PACKET_ERR) {
                fflush(stdout);
                fwrite(packet->body, 1, packet->size, stderr);
        } else if (packet->type == COP__PACKET_REPORT && talk->show_news != NULL) {
                talk->show_news(packet->body);
        }
}

/* Reads and shows packets up to one of type `last`, whose body is the caller's. NULL: the node
 * has ended. */
static char *read_until(struct talk *talk, int last)
{
        struct cop__packet packet;
        for (;;) {
                wait_for_packet(talk);
                if (cop__packet_read(talk->fd, PACKET_MAX, -1, &packet) != COP__PACKET_READ)
                        return NULL;
                if (packet.type == last)
                        return packet.body;
                show(talk, &packet);
                free(packet.body);
        }
}

enum outcome talk_run(struct talk *talk, const char *line, size_t size)
{
        static const enum outcome outcomes[] = { [COP__DONE_OK] = OUTCOME_OK,
                                                 [COP__DONE_FAILED] = OUTCOME_FAILED,
                                                 [COP__DONE_LEAVE] = OUTCOME_LEAVE };
        if (size > COP__REQUEST_MAX) {
                complain(talk->wants_json, "** a command has %zu bytes at most", COP__REQUEST_MAX);
                return OUTCOME_FAILED;
        }
        int type = talk->wants_json ? COP__PACKET_RUN_JSON : COP__PACKET_RUN;
        char *done = cop__packet_write(talk->fd, type, line, size)
                             ? read_until(talk, COP__PACKET_DONE)
                             : NULL;
        talk->line++;
        fflush(stdout);
        if (done == NULL)
                return OUTCOME_LOST;
        unsigned char code = (unsigned char)done[0];
        free(done);
        return code < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[code] : OUTCOME_FAILED;
}

char *talk_complete(struct talk *talk, const char *line, size_t size)
{
        if (size > COP__REQUEST_MAX ||
            !cop__packet_write(talk->fd, COP__PACKET_COMPLETE, line, size))
                return NULL;
        return read_until(talk, COP__PACKET_CANDIDATES);
}

bool talk_want_news(struct talk *talk)
{
        return cop__packet_write(talk->fd, COP__PACKET_NEWS, "", 0);
}

bool talk_hear(struct talk *talk)
{
        struct cop__packet packet;
        if (cop__packet_read(talk->fd, PACKET_MAX, -1, &packet) != COP__PACKET_READ)
                return false;
        show(talk, &packet);
        free(packet.body);
        return true;
}

const char *talk_prompt(const struct talk *talk, char prompt[TALK_PROMPT_MAX])
{
        snprintf(prompt, TALK_PROMPT_MAX, "%s@here %u> ", talk->node, talk->line);
        return prompt;
}
