/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Somebody types at a terminal: keys go into one end of a terminal of the kernel's, the client sits at the other, in a process of its own, and talks
 * with a console of this one. What it draws comes back as bytes, in which words are looked for; where a line is edited they come in pieces.
 */
#define _GNU_SOURCE
#include "tests/held.h"
#include "tests/spare_client.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "coppice_config.h"
#if COP__HAVE_LIBEDIT
#include <histedit.h>
#endif
#include "shell/client/prompt.h"
#include "shell/console.h"

#define PROMPT "spare@here "

struct terminal {
        char folder[64], state[64];
        cop_node *node;
        struct cop__console *console;
        pid_t client;
        int keys;
        size_t size, seen; /* what has come, and how much of it has been looked through */
        char screen[1 << 16];
};

/* ---- What libedit refuses ---------------------------------------------------------------------------------------------- */

static bool has_no_editor, has_no_history;

#if COP__HAVE_LIBEDIT

/* In the place of libedit's, which answer NULL where there is no memory, and where a terminal is none. */
EditLine *el_init(const char *program, FILE *in, FILE *out, FILE *complaints)
{
        EditLine *(*real)(const char *, FILE *, FILE *, FILE *);
        *(void **)&real = dlsym(RTLD_NEXT, "el_init");
        return has_no_editor ? NULL : real(program, in, out, complaints);
}

History *history_init(void)
{
        History *(*real)(void);
        *(void **)&real = dlsym(RTLD_NEXT, "history_init");
        return has_no_history ? NULL : real();
}

#endif

/* ---- A terminal --------------------------------------------------------------------------------------------------------- */

/* The client's process, whose standard input and output are the terminal. */
static void be_client(void)
{
        struct talk talk;
        suite_is_forked();
        if (talk_begin(&talk, SPARE_NODE, false) != EXIT_OK)
                _exit(9);
        enum exit_code code = prompt_run(&talk);
        fflush(stdout);
        _exit((int)code);
}

static void open_terminal(struct terminal *terminal)
{
        *terminal = (struct terminal){ .client = -1 };
        begin_folder(terminal->folder);
        strcpy(terminal->state, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(terminal->state));
        setenv("XDG_STATE_HOME", terminal->state, 1);
        setenv("HOME", terminal->state, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("TERM", "xterm", 1);
        terminal->node = node_begin((cop_node_options){ .name = SPARE_NODE, .workers = 2 });
        ck_assert_int_eq(cop__console_start(terminal->node, &terminal->console), COP_OK);
}

static void sit_down(struct terminal *terminal)
{
        struct winsize size = { .ws_row = 24, .ws_col = 100 };
        fflush(NULL);
        terminal->size = terminal->seen = 0;
        terminal->screen[0] = '\0';
        terminal->client = forkpty(&terminal->keys, NULL, NULL, &size);
        ck_assert_int_ge(terminal->client, 0);
        if (terminal->client == 0)
                be_client();
}

/* More of what is drawn. False: the client has hung up. */
static bool reads_screen(struct terminal *terminal)
{
        struct pollfd look = { .fd = terminal->keys, .events = POLLIN };
        ck_assert_msg(poll(&look, 1, PATIENCE_MS) == 1, "nothing more is drawn after: %s", terminal->screen);
        ck_assert_uint_lt(terminal->size, sizeof(terminal->screen) - 1);
        ssize_t got = read(terminal->keys, terminal->screen + terminal->size, sizeof(terminal->screen) - 1 - terminal->size);
        if (got <= 0)
                return false;
        terminal->size += (size_t)got;
        terminal->screen[terminal->size] = '\0';
        return true;
}

/* Until that is drawn, behind what was looked for before. */
static void shows(struct terminal *terminal, const char *words)
{
        for (;;) {
                const char *at = strstr(terminal->screen + terminal->seen, words);
                if (at != NULL) {
                        terminal->seen = (size_t)(at - terminal->screen) + strlen(words);
                        return;
                }
                ck_assert_msg(reads_screen(terminal), "the client has ended without '%s': %s", words, terminal->screen);
        }
}

static void types(struct terminal *terminal, const char *keys)
{
        ck_assert_int_eq((int)write(terminal->keys, keys, strlen(keys)), (int)strlen(keys));
}

/*
 * Ctrl-C, until there is a prompt again. As it sends the signal the kernel drops what is drawn and not yet read, which may be the new
 * prompt: then once more.
 */
static void cancels(struct terminal *terminal, const char *prompt)
{
        for (;;) {
                struct pollfd look = { .fd = terminal->keys, .events = POLLIN };
                types(terminal, "\003");
                while (poll(&look, 1, 200) == 1) {
                        ck_assert(reads_screen(terminal));
                        const char *at = strstr(terminal->screen + terminal->seen, prompt);
                        if (at == NULL)
                                continue;
                        terminal->seen = (size_t)(at - terminal->screen) + strlen(prompt);
                        return;
                }
        }
}

static void ends_with(struct terminal *terminal, int code)
{
        int status;
        while (reads_screen(terminal))
                continue; /* to the end */
        ck_assert_int_eq(waitpid(terminal->client, &status, 0), terminal->client);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "it ended with %#x: %s", (unsigned)status, terminal->screen);
        close(terminal->keys);
}

/* Ctrl-D, until it has left: just behind a Ctrl-C the terminal may not take single keys yet, and means something else by it. */
static void leaves(struct terminal *terminal)
{
        struct pollfd look = { .fd = terminal->keys, .events = POLLIN };
        bool is_there = true;
        while (is_there) {
                types(terminal, "\004");
                while (is_there && poll(&look, 1, 200) == 1)
                        is_there = reads_screen(terminal);
        }
        ends_with(terminal, EXIT_OK);
}

static void close_terminal(struct terminal *terminal)
{
        char path[128];
        cop__console_stop(terminal->console);
        node_end(terminal->node);
        snprintf(path, sizeof(path), "%s/coppice/history", terminal->state);
        unlink(path);
        snprintf(path, sizeof(path), "%s/coppice", terminal->state);
        rmdir(path);
        ck_assert_int_eq(rmdir(terminal->state), 0);
        end_folder(terminal->folder);
}

TEST(a_line_is_run_a_blank_one_is_not_and_ctrl_d_leaves)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, "node " SPARE_NODE ". help lists the commands, Ctrl-D leaves and harms nothing.");
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "  \r");
        shows(&terminal, PROMPT "1> "); /* it did not count */
        types(&terminal, "bogus\r");
        shows(&terminal, "no command is called so");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

TEST(who_quits_leaves)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "quit\r");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

TEST(ctrl_c_ends_the_line_and_not_the_client)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "bogus");
        cancels(&terminal, PROMPT "1> ");
        types(&terminal, "await nobody 0\r");
        shows(&terminal, "nobody");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        ck_assert_ptr_null(strstr(terminal.screen, "no command is called so"));
        close_terminal(&terminal);
}

TEST(when_the_node_ends_so_does_the_client)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "half a line");
        shows(&terminal, "line");
        cop__console_stop(terminal.console);
        shows(&terminal, "** the node " SPARE_NODE " has ended");
        ends_with(&terminal, EXIT_FAILED);
        ck_assert_int_eq(cop__console_start(terminal.node, &terminal.console), COP_OK);
        close_terminal(&terminal);
}

/* The node ends when the client is there, at what these keys ask for. */
static void expect_end_at(const char *cue, const char *keys)
{
        struct terminal terminal;
        open_terminal(&terminal);
        hold_process(cue);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, keys);
        await_process();
        cop__console_stop(terminal.console);
        let_process_go();
        shows(&terminal, "** the node " SPARE_NODE " has ended");
        ends_with(&terminal, EXIT_FAILED);
        ck_assert_int_eq(cop__console_start(terminal.node, &terminal.console), COP_OK);
        close_terminal(&terminal);
}

TEST(a_client_whose_node_ends_before_it_runs_a_line_says_so)
{
        expect_end_at("prompt.runs", "whereis nobody\r");
}

/* The terminal is closed, as when its window is: it hangs up. */
TEST(when_its_terminal_goes_the_client_goes)
{
        struct terminal terminal;
        int status;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        close(terminal.keys);
        ck_assert_int_eq(waitpid(terminal.client, &status, 0), terminal.client);
        ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGHUP : WIFEXITED(status), "it ended with %#x", (unsigned)status);
        close_terminal(&terminal);
}

#if COP__HAVE_LIBEDIT

static void interrupt(void *unused)
{
        (void)unused;
        raise(SIGINT);
}

TEST(an_interrupt_just_before_a_key_is_waited_for_ends_the_line)
{
        struct terminal terminal;
        if (COP__TSAN)
                return; /* it hands signals on when it likes */
        open_terminal(&terminal);
        cue_act("editor.waits", interrupt, NULL);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

TEST(a_window_of_another_size_keeps_the_line)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "bog");
        shows(&terminal, "bog");
        struct winsize other = { .ws_row = 30, .ws_col = 60 };
        ck_assert_int_eq(ioctl(terminal.keys, TIOCSWINSZ, &other), 0);
        types(&terminal, "us\r");
        shows(&terminal, "no command is called so");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

/* A character of two bytes comes byte by byte; a byte that is none counts as itself, and what follows is whole again. */
TEST(characters_are_put_together_and_bytes_that_are_none_spoil_nothing)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "whereis 'gl\xc3");
        types(&terminal, "\xbcht'\r");
        shows(&terminal, "gl\xc3\xbcht");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "whereis 'a\xff");
        types(&terminal, "b'\r");
        shows(&terminal, PROMPT "3> ");
        types(&terminal, "bogus\r");
        shows(&terminal, "no command is called so");
        shows(&terminal, PROMPT "4> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

/* As in a container, or at many a host that one comes to by ssh. */
TEST(what_is_typed_without_a_locale_is_sent_as_it_was_typed)
{
        static const char *const locales[] = { "C", "POSIX", "nowhere" };
        struct terminal terminal;
        open_terminal(&terminal);
        for (size_t i = 0; i < COP__COUNT(locales); i++) {
                setenv("LC_ALL", locales[i], 1);
                sit_down(&terminal);
                shows(&terminal, PROMPT "1> ");
                types(&terminal, "whereis 'gl\xc3\xbcht'\r");
                shows(&terminal, "gl\xc3\xbcht'"); /* as it is typed, */
                shows(&terminal, "gl\xc3\xbcht");  /* and as the node has understood it */
                shows(&terminal, PROMPT "2> ");
                types(&terminal, "\004");
                ends_with(&terminal, EXIT_OK);
        }
        setenv("LC_ALL", "C.UTF-8", 1);
        close_terminal(&terminal);
}

TEST(without_an_editor_or_its_history_the_client_says_so_and_ends)
{
        struct terminal terminal;
        open_terminal(&terminal);
        for (int i = 0; i < 2; i++) {
                has_no_editor = i == 0;
                has_no_history = i == 1;
                sit_down(&terminal);
                shows(&terminal, "coppice: no memory for a line editor");
                ends_with(&terminal, EXIT_FAILED);
        }
        close_terminal(&terminal);
}

/* ---- History --------------------------------------------------------------------------------------------------------- */

#define LINES_BEFORE 60000

static size_t lines_of_history(const struct terminal *terminal)
{
        char path[128], line[256];
        size_t count = 0;
        snprintf(path, sizeof(path), "%s/coppice/history", terminal->state);
        FILE *file = fopen(path, "r");
        if (file == NULL)
                return 0;
        while (fgets(line, sizeof(line), file) != NULL)
                count++;
        fclose(file);
        return count;
}

TEST(what_was_typed_comes_back_in_the_next_shell)
{
        struct terminal terminal;
        open_terminal(&terminal);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "whereis somebody\r");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "\020"); /* the line before */
        shows(&terminal, "whereis somebody");
        cancels(&terminal, PROMPT "1> ");
        leaves(&terminal);
        close_terminal(&terminal);
}

TEST(a_history_that_has_grown_long_is_written_anew_with_its_last_lines)
{
        struct terminal terminal;
        char path[128];
        open_terminal(&terminal);
        snprintf(path, sizeof(path), "%s/coppice", terminal.state);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        snprintf(path, sizeof(path), "%s/coppice/history", terminal.state);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs("_HiStOrY_V2_\n", file);
        for (int i = 0; i < LINES_BEFORE; i++)
                fprintf(file, "whereis\\040number%d\n", i);
        fclose(file);
        chmod(path, 0600);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "\020");
        shows(&terminal, "whereis number59999");
        cancels(&terminal, PROMPT "1> ");
        leaves(&terminal);
        ck_assert_uint_gt(lines_of_history(&terminal), 900);
        ck_assert_uint_lt(lines_of_history(&terminal), 1100);
        close_terminal(&terminal);
}

TEST(without_a_home_nothing_is_kept_and_all_else_works)
{
        struct terminal terminal;
        open_terminal(&terminal);
        setenv("XDG_STATE_HOME", "/dev/null/nowhere", 1);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "bogus\r");
        shows(&terminal, "no command is called so");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\020");
        shows(&terminal, "bogus");
        cancels(&terminal, PROMPT "2> ");
        leaves(&terminal);
        ck_assert_uint_eq(lines_of_history(&terminal), 0);
        close_terminal(&terminal);
}

/* ---- Completion ------------------------------------------------------------------------------------------------------ */

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

static void have_names(const char *beginning, int count)
{
        char name[32];
        for (int i = 0; i < count; i++) {
                cop_pid pid;
                snprintf(name, sizeof(name), "%s%03d", beginning, i);
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = name }, &pid), COP_OK);
        }
}

TEST(what_all_candidates_have_in_common_goes_in_and_else_they_are_listed)
{
        struct terminal terminal;
        open_terminal(&terminal);
        have_names("worker_", 70);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "whereis wor\t");
        shows(&terminal, "ker_0"); /* all begin so */
        types(&terminal, "\t");
        shows(&terminal, "worker_000   worker_001");
        shows(&terminal, "  and 10 more");
        types(&terminal, "99\t");         /* nobody */
        types(&terminal, "\177\1771\t"); /* ten */
        shows(&terminal, "worker_010   worker_011");
        cancels(&terminal, PROMPT "1> ");
        types(&terminal, "whereis worker_013\t"); /* there already */
        types(&terminal, "\r");
        shows(&terminal, "<");
        shows(&terminal, PROMPT "2> ");
        types(&terminal, "\004");
        ends_with(&terminal, EXIT_OK);
        close_terminal(&terminal);
}

TEST(a_client_whose_node_ends_before_it_completes_a_word_says_so)
{
        expect_end_at("editor.completes", "whe\t");
}

/* Of two whose first different bytes are the second ones of two characters, half a character is not common. */
TEST(half_a_character_is_never_inserted)
{
        struct terminal terminal;
        open_terminal(&terminal);
        have_names("gl\xc3\xbc", 1);
        have_names("gl\xc3\xb6", 1);
        sit_down(&terminal);
        shows(&terminal, PROMPT "1> ");
        types(&terminal, "whereis \t");
        shows(&terminal, "'gl");
        cancels(&terminal, PROMPT "1> ");
        ck_assert_ptr_null(strstr(terminal.screen, "'gl\xc3"));
        leaves(&terminal);
        close_terminal(&terminal);
}

#endif
