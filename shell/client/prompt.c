/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Read a line, run it, again. Ctrl-C cancels the line that is typed, or ends the wait of the
 * command that runs; Ctrl-D leaves.
 */
#define _GNU_SOURCE
#include "shell/client/prompt.h"

#include <stdio.h>
#include <string.h>

#include "base/cue.h"
#include "shell/client/editor.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
        (void)number;
        interrupted = 1;
}

/* Without SA_RESTART: whoever waits must notice. */
static void catch_interrupts(void)
{
        struct sigaction action;
        memset(&action, 0, sizeof(action));
        action.sa_handler = on_interrupt;
        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
}

static enum exit_code say_lost(const struct talk *talk)
{
        printf("** the node %s has ended\n", talk->node);
        return EXIT_FAILED;
}

static enum exit_code converse(struct talk *talk, struct editor *editor)
{
        for (;;) {
                const char *line;
                size_t size;
                switch (editor_read(editor, &line, &size)) {
                case READING_CANCELLED:
                        continue;
                case READING_END:
                        printf("\n");
                        return EXIT_OK;
                case READING_LOST:
                        return say_lost(talk);
                case READING_LINE:
                        break;
                }
                if (strspn(line, " \t") == size)
                        continue;
                editor_remember(editor, line);
                COP__CUE("prompt.runs");
                switch (talk_run(talk, line, size)) {
                case OUTCOME_LEAVE:
                        return EXIT_OK;
                case OUTCOME_LOST:
                        return say_lost(talk);
                default:
                        break;
                }
        }
}

enum exit_code prompt_run(struct talk *talk)
{
        catch_interrupts();
        struct editor *editor = editor_new(talk, &interrupted);
        if (editor == NULL) {
                fprintf(stderr, "coppice: no memory for a line editor\n");
                return EXIT_FAILED;
        }
        printf("Coppice %s, node %s. help lists the commands, Ctrl-D leaves and harms nothing.\n",
               talk->version, talk->node);
        talk->interrupted = &interrupted;
        talk->show_news = editor_show_news;
        enum exit_code code = talk_want_news(talk) ? converse(talk, editor) : say_lost(talk);
        editor_free(editor);
        return code;
}
