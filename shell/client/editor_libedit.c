/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The line editor on libedit. See editor.h.
 *
 * libedit asks us for each character, and there we wait for whatever comes first: a key, something
 * from the node, or a signal. So news can be printed at any moment: the line is wiped, the news
 * written, the line drawn again.
 */
#define _GNU_SOURCE
#include "coppice_config.h"

#if COP__HAVE_LIBEDIT

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/cue.h"
#include "shell/client/editor.h"
#include "shell/client/history_file.h"
#include "shell/packet.h"

#define HISTORY_LINES 1000

/* Candidates beyond this many are counted and not listed. */
#define LISTED_MAX 60

struct editor {
        struct talk *talk;
        volatile sig_atomic_t *interrupted;
        EditLine *libedit;
        History *history;
        char *history_path;  /* NULL: not kept */
        char prompt[TALK_PROMPT_MAX];
        char *line;          /* without the line end; of the last read */
        enum reading why;    /* a line could not be read */
        mbstate_t decoding;
};

static struct editor *editor_of(EditLine *libedit)
{
        struct editor *editor = NULL;
        el_get(libedit, EL_CLIENTDATA, &editor);
        return editor;
}

static char *prompt_of(EditLine *libedit)
{
        return editor_of(libedit)->prompt;
}

/* ---- Characters ---------------------------------------------------------------------- */

/* Wipes from the beginning of this row down: what is there is drawn again afterwards. */
static void wipe_line(void)
{
        fputs("\r\033[J", stdout);
}

void editor_show_news(const char *text)
{
        wipe_line();
        printf("%s\n", text);
        fflush(stdout);
}

static int stop_reading(struct editor *editor, enum reading why)
{
        editor->why = why;
        errno = EINTR;
        return -1;
}

/* An interrupt that comes before the wait has begun ends it all the same. */
static int await_key(struct editor *editor, struct pollfd fds[2])
{
        sigset_t interrupt, before;
        COP__CUE("editor.waits");
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        sigprocmask(SIG_BLOCK, &interrupt, &before);
        int ready = *editor->interrupted ? 0 : ppoll(fds, 2, NULL, &before);
        sigprocmask(SIG_SETMASK, &before, NULL);
        return ready;
}

/* Until a key is there: 0; else what ends the line. */
static int wait_for_key(struct editor *editor)
{
        struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                 { .fd = editor->talk->fd, .events = POLLIN } };
        for (;;) {
                int ready = await_key(editor, fds);
                if (*editor->interrupted) {
                        *editor->interrupted = 0;
                        return stop_reading(editor, READING_CANCELLED);
                }
                if (ready < 0)
                        continue; /* the window's size, or a stop: libedit has dealt with it */
                if (fds[1].revents != 0) {
                        if (!talk_hear(editor->talk)) {
                                wipe_line();
                                return stop_reading(editor, READING_LOST);
                        }
                        el_set(editor->libedit, EL_REFRESH);
                }
                if (fds[0].revents != 0)
                        return 0;
        }
}

/* One character, however many bytes; a byte that belongs to none counts as itself. */
static int read_character(EditLine *libedit, wchar_t *character)
{
        struct editor *editor = editor_of(libedit);
        for (;;) {
                char byte;
                if (wait_for_key(editor) != 0)
                        return -1;
                ssize_t got = read(STDIN_FILENO, &byte, 1);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return (int)got;
                size_t used = mbrtowc(character, &byte, 1, &editor->decoding);
                if (used == (size_t)-2)
                        continue;
                if (used == (size_t)-1) {
                        memset(&editor->decoding, 0, sizeof(editor->decoding));
                        *character = (unsigned char)byte;
                }
                return 1;
        }
}

/* ---- Completion ---------------------------------------------------------------------- */

/* How many bytes all candidates (a line each) have in common. */
static size_t common_size(const char *candidates)
{
        size_t common = strcspn(candidates, "\n");
        for (const char *at = candidates; *at != '\0';) {
                size_t size = strcspn(at, "\n"), same = 0;
                while (same < common && same < size && at[same] == candidates[same])
                        same++;
                common = same;
                at += size + (at[size] == '\n');
        }
        /* never half a character */
        while (common > 0 && ((unsigned char)candidates[common] & 0xc0) == 0x80)
                common--;
        return common;
}

static void list_candidates(const char *candidates)
{
        size_t count = 0;
        printf("\n");
        for (const char *at = candidates; *at != '\0'; count++) {
                size_t size = strcspn(at, "\n");
                if (count < LISTED_MAX)
                        printf("%s%.*s", count > 0 ? "  " : "", (int)size, at);
                at += size + (at[size] == '\n');
        }
        if (count > LISTED_MAX)
                printf("  and %zu%s more", count - LISTED_MAX, count < COP__CANDIDATES_MAX ? "" : " or");
        printf("\n");
        fflush(stdout);
}

static unsigned char insert(struct editor *editor, const char *text, size_t size)
{
        char *piece = strndup(text, size);
        bool inserted = piece != NULL && el_insertstr(editor->libedit, piece) == 0;
        free(piece);
        return inserted ? CC_REFRESH : CC_ERROR;
}

/* The answer is where the word begins, then the candidates. What they have in common goes in;
 * else they are listed. */
static unsigned char use_candidates(struct editor *editor, const char *answer, size_t typed)
{
        char *candidates;
        size_t from = strtoul(answer, &candidates, 10);
        if (*candidates != '\n' || candidates[1] == '\0' || from > typed)
                return CC_REFRESH_BEEP;
        candidates++;
        size_t common = common_size(candidates), there = typed - from;
        if (common > there)
                return insert(editor, candidates + there, common - there);
        if (strchr(candidates, '\n')[1] == '\0')
                return CC_REFRESH_BEEP;
        list_candidates(candidates);
        return CC_REDISPLAY;
}

static unsigned char complete(EditLine *libedit, int key)
{
        struct editor *editor = editor_of(libedit);
        const LineInfo *line = el_line(libedit);
        size_t typed = (size_t)(line->cursor - line->buffer);
        (void)key;
        COP__CUE("editor.completes");
        char *answer = talk_complete(editor->talk, line->buffer, typed);
        if (answer == NULL)
                return CC_REFRESH_BEEP; /* the next wait finds out that the node has ended */
        unsigned char code = use_candidates(editor, answer, typed);
        free(answer);
        return code;
}

/* ---- Reading a line ------------------------------------------------------------------ */

enum reading editor_read(struct editor *editor, const char **line, size_t *size)
{
        int count = 0;
        *editor->interrupted = 0;
        editor->why = READING_END;
        talk_prompt(editor->talk, editor->prompt);
        /* Before the prompt: who types as soon as it is there types into a terminal that takes each key. */
        el_set(editor->libedit, EL_PREP_TERM, 1);
        const char *got = el_gets(editor->libedit, &count);
        if (editor->why != READING_END) {
                if (editor->why == READING_CANCELLED)
                        printf("\n");
                el_reset(editor->libedit);
                return editor->why;
        }
        if (got == NULL || count <= 0)
                return READING_END;
        size_t length = strcspn(got, "\n");
        free(editor->line);
        editor->line = strndup(got, length);
        if (editor->line == NULL)
                return READING_CANCELLED;
        *line = editor->line;
        *size = length;
        return READING_LINE;
}

void editor_remember(struct editor *editor, const char *line)
{
        HistEvent event;
        if (history(editor->history, &event, H_ENTER, line) > 0 && editor->history_path != NULL)
                history_file_add(editor->history_path, line);
}

/* ---- Life ---------------------------------------------------------------------------- */

static bool start_history(struct editor *editor)
{
        HistEvent event;
        editor->history = history_init();
        if (editor->history == NULL)
                return false;
        history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
        history(editor->history, &event, H_SETUNIQUE, 1);
        editor->history_path = history_file_path();
        if (editor->history_path == NULL)
                return true;
        history(editor->history, &event, H_LOAD, editor->history_path);
        if (history_file_is_long(editor->history_path))
                history(editor->history, &event, H_SAVE, editor->history_path);
        return true;
}

static bool start_libedit(struct editor *editor)
{
        editor->libedit = el_init("coppice", stdin, stdout, stderr);
        if (editor->libedit == NULL)
                return false;
        el_set(editor->libedit, EL_CLIENTDATA, editor);
        el_set(editor->libedit, EL_PROMPT, prompt_of);
        el_set(editor->libedit, EL_EDITOR, "emacs");
        el_set(editor->libedit, EL_SIGNAL, 1);
        el_set(editor->libedit, EL_HIST, history, editor->history);
        el_set(editor->libedit, EL_ADDFN, "complete", "completes a word", complete);
        el_set(editor->libedit, EL_BIND, "^I", "complete", NULL);
        el_set(editor->libedit, EL_BIND, "^R", "em-inc-search-prev", NULL);
        el_source(editor->libedit, NULL); /* the user's own bindings win */
        el_wset(editor->libedit, EL_GETCFN, read_character);
        return true;
}

/*
 * What is typed goes to the node as UTF-8. libedit drops characters that have no bytes in the locale, which is C where none is
 * set, as in containers: then it is another one.
 */
static void choose_characters(void)
{
        setlocale(LC_CTYPE, "");
        if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
                setlocale(LC_CTYPE, "C.UTF-8");
}

struct editor *editor_new(struct talk *talk, volatile sig_atomic_t *interrupted)
{
        struct editor *editor = calloc(1, sizeof(*editor));
        if (editor == NULL)
                return NULL;
        choose_characters();
        editor->talk = talk;
        editor->interrupted = interrupted;
        if (start_history(editor) && start_libedit(editor))
                return editor;
        editor_free(editor);
        return NULL;
}

void editor_free(struct editor *editor)
{
        if (editor->libedit != NULL)
                el_end(editor->libedit);
        if (editor->history != NULL)
                history_end(editor->history);
        free(editor->history_path);
        free(editor->line);
        free(editor);
}

#endif
