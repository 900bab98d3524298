/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sessions that end by themselves. A session is started when somebody logs in: its start fails for a
 * wrong password, and the starter is told why. The slow part, reading the user's mail, is a
 * continuation, so that nobody who logs in waits for it. After half a second without a request it logs its
 * user out. Whoever looks at its state sees no password.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { char user[16], password[16]; } login;
COP_MESSAGE(login, user, password);

typedef struct { bool unread_only; } count_mail;
COP_MESSAGE(count_mail, unread_only);

typedef struct { int64_t letters; } mail;
COP_MESSAGE(mail, letters);

typedef struct { char user[16], password[16]; int64_t letters, requests; } session;
COP_MESSAGE(session, user, password, letters, requests);

static void session_open(session *self, const login *l)
{
        if (strcmp(l->password, "sesame") != 0)
                cop_exit(COP_TUPLE(cop_atom("shutdown"), cop_atom("wrong_password")));
        memcpy(self->user, l->user, sizeof(self->user));
        memcpy(self->password, l->password, sizeof(self->password));
        cop_continue();
        cop_idle_after(500);
}

/* Before any request, however early it came. */
static void session_read_mail(session *self)
{
        cop_sleep(10); /* the disk is slow */
        self->letters = 3;
}

static void session_on_count(session *self, const count_mail *c)
{
        self->requests++;
        cop_reply(mail, .letters = c->unread_only ? self->letters - 1 : self->letters);
}

static void session_expire(session *self)
{
        printf("%s was idle\n", self->user);
        cop_exit(cop_atom("normal"));
}

static void session_close(session *self, cop_term reason)
{
        char text[64];
        cop_term_print(reason, NULL, text, sizeof(text));
        printf("%s is logged out: %s, after %d requests\n", self->user, text, (int)self->requests);
}

static void session_show(const session *self, session *shown)
{
        (void)self;
        memcpy(shown->password, "***", 4);
}

COP_SERVER(session, COP_INIT_WITH(login, session_open), COP_CONTINUE(session_read_mail),
           COP_ON(count_mail, session_on_count), COP_IDLE(session_expire),
           COP_TERMINATE(session_close), COP_STATE(session), COP_FORMAT_STATUS(session_show));

static cop_status log_in(login who, cop_pid *pid, cop_ref *ended)
{
        return cop_start(&(cop_spawn_options){ .server = &session_server,
                                               .kind = COP_KIND_OF(login), .argument = &who,
                                               .monitor = true, .monitor_ref = ended },
                         1000, pid);
}

static void show(cop_pid pid)
{
        cop_term status;
        char text[128];
        if (cop_sys_get_status(pid, 1000, &status) != COP_OK)
                return;
        cop_term_print(*cop_map_get(status, cop_atom("state")), cop_node_kinds(cop_node_here()),
                       text, sizeof(text));
        printf("%s\n", text);
        cop_term_free(status);
}

static void demonstrate(void)
{
        cop_auto reply = NULL;
        cop_pid ali, baba;
        cop_ref ali_ended, baba_ended;
        char text[64];
        if (log_in((login){ "ali", "open" }, &ali, &ali_ended) == COP_E_DIED) {
                cop_term_print(cop_failure(), NULL, text, sizeof(text));
                printf("ali may not: %s\n", text);
        }
        if (log_in((login){ "ali", "sesame" }, &ali, &ali_ended) != COP_OK ||
            log_in((login){ "baba", "sesame" }, &baba, &baba_ended) != COP_OK)
                return;
        if (cop_call(&reply, ali, 1000, count_mail, .unread_only = false) == COP_OK)
                printf("ali has %d letters\n", (int)cop_read(mail, reply)->letters);
        show(ali);
        cop_stop(baba, cop_atom("shutdown"), 1000);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ali_ended)));
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        demonstrate();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
