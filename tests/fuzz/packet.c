/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The console's protocol from a socket on which somebody has written anything and gone, to whoever reads it: the packets themselves
 * (shell/packet.c), the session that answers a client (shell/session.c), and the client that believes it hears a console
 * (shell/client/talk.c).
 *
 * The session's console is a stand-in without threads, and its node is simulated.
 */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/client/talk.h"
#include "shell/console.h"
#include "shell/packet.h"
#include "shell/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shop.h"

#define LIMIT 4096

/* Writes the input, and has nothing more to say; it still takes what is answered. */
static void open_pair(int pair[2], const uint8_t *bytes, size_t size)
{
        FUZZ_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        FUZZ_ASSERT(write(pair[0], bytes, size) == (ssize_t)size);
        shutdown(pair[0], SHUT_WR);
}

static void close_pair(const int pair[2])
{
        close(pair[0]);
        close(pair[1]);
}

static void read_packets(const uint8_t *bytes, size_t size)
{
        struct cop__packet packet;
        enum cop__packet_status status;
        int pair[2];
        open_pair(pair, bytes, size);
        while ((status = cop__packet_read(pair[1], LIMIT, 1000, &packet)) == COP__PACKET_READ) {
                FUZZ_ASSERT(packet.size <= LIMIT && packet.body[packet.size] == '\0');
                free(packet.body);
        }
        FUZZ_ASSERT(status != COP__PACKET_TOO_SLOW);
        close_pair(pair);
}

/* ---- A console without threads --------------------------------------------------------------------------- */

struct cop__console {
        cop_node *node;
};

cop_node *cop__console_node(const struct cop__console *console)
{
        return console->node;
}

void cop__console_lock(struct cop__console *console)
{
        (void)console;
}

void cop__console_unlock(struct cop__console *console)
{
        (void)console;
}

bool cop__console_is_stopping(struct cop__console *console)
{
        (void)console;
        return false;
}

void cop__console_wake(struct cop__console *console)
{
        (void)console;
}

bool cop__console_want_news(struct cop__console *console)
{
        (void)console;
        return true;
}

/* ---- The session ------------------------------------------------------------------------------------------- */

/* Reads what the session answers as a client does, on a thread of its own: the two are at it together. */
static void *hear_answers(void *argument)
{
        const int *fd = argument;
        struct cop__packet packet;
        bool greeted = false;
        while (cop__packet_read(*fd, (size_t)1 << 20, -1, &packet) == COP__PACKET_READ) {
                FUZZ_ASSERT(strchr("Goedcn", packet.type) != NULL && greeted == (packet.type != COP__PACKET_GREETING));
                FUZZ_ASSERT(packet.type != COP__PACKET_DONE || (packet.size == 1 && packet.body[0] <= COP__DONE_LEAVE));
                if (packet.type != COP__PACKET_DONE)
                        look_at(packet.body, packet.size);
                greeted = true;
                free(packet.body);
        }
        FUZZ_ASSERT(greeted);
        return NULL;
}

static void serve_client(const uint8_t *bytes, size_t size)
{
        struct cop__console console = { node };
        struct cop__session session = { .console = &console, .bell = -1 };
        pthread_t client;
        int pair[2];
        open_pair(pair, bytes, size);
        session.fd = pair[1];
        FUZZ_ASSERT(pthread_create(&client, NULL, hear_answers, &pair[0]) == 0);
        cop_node_leave();
        cop__shell_init(&session.shell, node);
        cop__session_run(&session);
        cop__shell_fini(&session.shell);
        FUZZ_ASSERT(cop_node_enter(node) == COP_OK);
        pthread_join(client, NULL);
        FUZZ_ASSERT(session.ended && session.interruption == NULL);
        close_pair(pair);
}

/* ---- The client -------------------------------------------------------------------------------------------- */

static int knocked;

cop_status __wrap_cop__door_knock(const char *name, int64_t patience_ms, int *fd, char *sentence);
cop_status __wrap_cop__door_knock(const char *name, int64_t patience_ms, int *fd, char *sentence)
{
        (void)name;
        (void)patience_ms;
        (void)sentence;
        *fd = knocked;
        return COP_OK;
}

static void be_client(const uint8_t *bytes, size_t size)
{
        struct talk talk;
        char prompt[TALK_PROMPT_MAX];
        int pair[2];
        open_pair(pair, bytes, size);
        knocked = pair[1];
        if (talk_begin(&talk, "anybody", false) == EXIT_OK) {
                FUZZ_ASSERT(strlen(talk.node) < sizeof(talk.node) && strlen(talk_prompt(&talk, prompt)) < sizeof(prompt));
                enum outcome outcome = talk_run(&talk, "i", 1);
                while (outcome != OUTCOME_LOST && talk_want_news(&talk) && talk_hear(&talk)) {
                        free(talk_complete(&talk, "ca", 2));
                        outcome = talk_run(&talk, "self", 4);
                }
                talk_end(&talk);
        }
        close(pair[0]); /* the other is closed by who has spoken to it */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        static FILE *nowhere;
        if (size > LIMIT * 4)
                return 0;
        read_packets(bytes, size);
        begin_shop();
        serve_client(bytes, size);
        end_shop();
        if (nowhere == NULL)
                nowhere = fopen("/dev/null", "we");
        FILE *out = stdout, *err = stderr;
        stdout = stderr = nowhere; /* what a client shows */
        be_client(bytes, size);
        stdout = out;
        stderr = err;
        return 0;
}
