/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sessions on demand: a dynamic supervisor starts one for each guest, at most three at once.
 *
 *      lobby            stops them all together; forgets each when it ends
 *       ├── Ada
 *       ├── Grace       trips over an unset pointer: gone, and nobody else has noticed
 *       └── Edsger
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { char who[16]; } visit;
COP_MESSAGE(visit, who);

typedef struct { int64_t loudness; } song;
COP_MESSAGE(song, loudness);

typedef struct { int64_t songs; char who[16]; } applause;
COP_MESSAGE(applause, songs, who);

typedef struct {
        visit guest;
        int64_t songs;
        const int64_t *microphone;
} session;

static const int64_t microphone = 11;

static void session_init(session *self, const visit *v)
{
        self->guest = *v;
        if (v->who[0] != 'G')
                self->microphone = &microphone;
}

static void session_on_song(session *self, const song *s)
{
        applause answer = { .songs = ++self->songs };
        memcpy(answer.who, self->guest.who, sizeof(answer.who));
        if (s->loudness > *(const volatile int64_t *)self->microphone)
                answer.songs = 0;
        cop_reply_value(COP_KIND_OF(applause), &answer);
}

COP_SERVER(session, COP_INIT_WITH(visit, session_init), COP_ON(song, session_on_song));

static void sing(cop_pid guest)
{
        cop_message *reply;
        cop_status status = cop_call(&reply, guest, COP_FOREVER, song, .loudness = 7);
        if (status != COP_OK) {
                printf("a guest did not sing: %s\n", cop_status_text(status));
                return;
        }
        const applause *a = cop_read(applause, reply);
        printf("%s has sung %d\n", a->who, (int)a->songs);
        cop_message_free(reply);
}

static void count(const char *when)
{
        cop_child_count guests;
        if (cop_count_children("lobby", &guests) == COP_OK)
                printf("%s: %d in the lobby\n", when, (int)guests.active);
}

/* A supervisor hears of an end no sooner than anyone else. */
static bool is_known(cop_pid lobby, cop_pid guest)
{
        cop_auto answer = NULL;
        return cop_get_child(lobby, guest, &answer) == COP_OK;
}

static void evening(void)
{
        cop_pid lobby, ada, grace, edsger, donald;
        const cop_supervisor tree = {
                .name = "lobby", .strategy = COP_DYNAMIC, .max_children = 3,
                .each = &(cop_child){ .server = &session_server, .restart = COP_TEMPORARY },
        };
        if (cop_supervise(&tree, &lobby) != COP_OK)
                return;
        cop_start_each(lobby, &ada, visit, .who = "Ada");
        cop_start_each(lobby, &grace, visit, .who = "Grace");
        cop_start_each(lobby, &edsger, visit, .who = "Edsger");
        cop_status full = cop_start_each(lobby, &donald, visit, .who = "Donald");
        printf("Donald has to wait: %s\n", cop_status_text(full));
        sing(ada);
        sing(grace);
        while (is_known(lobby, grace))
                cop_yield();
        cop_terminate_child(lobby, edsger);
        count("later");
        sing(ada);
        if (cop_start_each(lobby, &donald, visit, .who = "Donald") == COP_OK)
                sing(donald);
        cop_shutdown(lobby, COP_SHUTDOWN_INFINITY);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .name = "sessions" }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        evening();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
