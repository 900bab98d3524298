/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A line editor without libedit: the terminal's own. See editor.h. */
#define _GNU_SOURCE
#include "coppice_config.h"

#if !COP__HAVE_LIBEDIT

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "shell/client/editor.h"

struct editor {
        struct talk *talk;
        volatile sig_atomic_t *interrupted;
        char *line;
        size_t room;
};

struct editor *editor_new(struct talk *talk, volatile sig_atomic_t *interrupted)
{
        struct editor *editor = calloc(1, sizeof(*editor));
        if (editor == NULL)
                return NULL;
        editor->talk = talk;
        editor->interrupted = interrupted;
        return editor;
}

void editor_free(struct editor *editor)
{
        free(editor->line);
        free(editor);
}

void editor_show_news(const char *text)
{
        printf("\n%s\n", text);
        fflush(stdout);
}

static void print_prompt(const struct editor *editor)
{
        char prompt[TALK_PROMPT_MAX];
        fputs(talk_prompt(editor->talk, prompt), stdout);
        fflush(stdout);
}

/* The terminal hands over whole lines, so that getline does not wait in the middle of one. */
enum reading editor_read(struct editor *editor, const char **line, size_t *size)
{
        *editor->interrupted = 0;
        print_prompt(editor);
        for (;;) {
                struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                         { .fd = editor->talk->fd, .events = POLLIN } };
                int ready = poll(fds, 2, -1);
                if (ready < 0 && errno == EINTR && *editor->interrupted) {
                        *editor->interrupted = 0;
                        printf("\n");
                        return READING_CANCELLED;
                }
                if (ready < 0)
                        continue;
                if (fds[1].revents != 0) {
                        if (!talk_hear(editor->talk))
                                return READING_LOST;
                        print_prompt(editor);
                }
                if (fds[0].revents == 0)
                        continue;
                ssize_t got = getline(&editor->line, &editor->room, stdin);
                if (got < 0)
                        return READING_END;
                *line = editor->line;
                *size = (size_t)got - (editor->line[got - 1] == '\n');
                editor->line[*size] = '\0';
                return READING_LINE;
        }
}

void editor_remember(struct editor *editor, const char *line)
{
        (void)editor;
        (void)line;
}

#endif
