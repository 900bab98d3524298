/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The program `coppice`: talks to a running node. What is to be said comes from the command line, a
 * file, a pipe, or a person.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <coppice/version.h>

#include "base/clock.h"
#include "base/standard.h"
#include "base/text.h"
#include "shell/client/choose.h"
#include "shell/client/complain.h"
#include "shell/client/dump.h"
#include "shell/client/prompt.h"
#include "shell/client/script.h"
#include "shell/client/talk.h"

/* How often --wait looks for the node. */
#define LOOK_MS 20

struct options {
        const char *node;   /* NULL: the only one */
        const char *file;   /* of commands; NULL: none */
        int64_t wait_ms;    /* for the node to be there */
        bool keep_going, echo, json, no_lines, help, version;
        char **words;       /* the command; ended by NULL */
};

static void print_usage(FILE *to)
{
        fputs("usage: coppice [-n NODE] [OPTIONS]              a shell, or commands from a pipe\n"
              "       coppice [-n NODE] [OPTIONS] -f FILE      commands from a file\n"
              "       coppice [-n NODE] [OPTIONS] COMMAND...   one command\n"
              "       coppice nodes                            the nodes that run\n"
              "       coppice dump FILE                        what a node was doing when a fault ended it\n"
              "  -n, --node NODE    which node: its name, or the path of its socket\n"
              "  -f, --file FILE    one command a line; % begins a comment; - is standard input\n"
              "  -w, --wait MS      waits so long for the node to be there\n"
              "      --keep-going   goes on behind a command that failed\n"
              "      --echo         prints each command of a file or pipe before its result\n"
              "  -j, --json         answers as JSON, one value a line; errors too\n"
              "      --no-lines     dump: only functions, without reading debug information\n"
              "      --help, --version\n"
              "Ends with 0 if all went well, 1 if a command failed, 2 if these words are wrong or\n"
              "a file cannot be read, 3 if there is no such node.\n",
              to);
}

/* ---- The command line ---------------------------------------------------------------- */

COP__PRINTF(1, 2) static bool refuse(const char *format, ...)
{
        va_list values;
        va_start(values, format);
        fprintf(stderr, "coppice: ");
        vfprintf(stderr, format, values);
        fputc('\n', stderr);
        va_end(values);
        return false;
}

static bool is_either(const char *word, const char *brief, const char *full)
{
        return strcmp(word, brief) == 0 || strcmp(word, full) == 0;
}

static bool read_ms(const char *text, int64_t *ms)
{
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > INT32_MAX)
                return refuse("--wait takes milliseconds, not '%s'", text);
        *ms = value;
        return true;
}

/* Options that take a value. */
static bool read_value(struct options *options, const char *option, const char *value)
{
        if (value == NULL)
                return refuse("%s takes a value", option);
        if (is_either(option, "-n", "--node"))
                options->node = value;
        else if (is_either(option, "-f", "--file"))
                options->file = value;
        else
                return read_ms(value, &options->wait_ms);
        return true;
}

/* Options end at the first word that is none: what follows is the command, whatever it begins
 * with. */
static bool read_options(struct options *options, char **words)
{
        for (; *words != NULL && (*words)[0] == '-' && (*words)[1] != '\0'; words++) {
                const char *word = *words;
                if (strcmp(word, "--") == 0) {
                        words++;
                        break;
                }
                if (is_either(word, "-h", "--help")) {
                        options->help = true;
                } else if (strcmp(word, "--version") == 0) {
                        options->version = true;
                } else if (strcmp(word, "--keep-going") == 0) {
                        options->keep_going = true;
                } else if (strcmp(word, "--echo") == 0) {
                        options->echo = true;
                } else if (is_either(word, "-j", "--json")) {
                        options->json = true;
                } else if (strcmp(word, "--no-lines") == 0) {
                        options->no_lines = true;
                } else if (is_either(word, "-n", "--node") || is_either(word, "-f", "--file") ||
                           is_either(word, "-w", "--wait")) {
                        if (!read_value(options, word, words[1]))
                                return false;
                        words++;
                } else {
                        return refuse("no option is called '%s'", word);
                }
        }
        options->words = words;
        if (options->file != NULL && *words != NULL)
                return refuse("a file and a command ('%s') are one too many", *words);
        return true;
}

/* ---- What is to be said -------------------------------------------------------------- */

static enum exit_code run_words(struct talk *talk, char **words)
{
        struct cop__text line;
        cop__text_init(&line);
        for (size_t i = 0; words[i] != NULL; i++)
                cop__text_printf(&line, "%s%s", i > 0 ? " " : "", words[i]);
        if (line.failed)
                complain(talk->wants_json, "coppice: no memory for the command");
        enum outcome outcome = line.failed ? OUTCOME_FAILED
                                           : talk_run(talk, cop__text_get(&line), line.size);
        cop__text_fini(&line);
        if (outcome == OUTCOME_LOST)
                talk_say_lost(talk);
        return outcome == OUTCOME_OK || outcome == OUTCOME_LEAVE ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code run_file(struct talk *talk, const struct options *options)
{
        bool is_stdin = options->file == NULL || strcmp(options->file, "-") == 0;
        struct script script = { stdin, is_stdin ? NULL : options->file, options->keep_going,
                                 options->echo };
        if (!is_stdin)
                script.file = fopen(options->file, "re");
        if (script.file == NULL) {
                complain(options->json, "coppice: %s cannot be read: %s", options->file, strerror(errno));
                return EXIT_USAGE;
        }
        enum exit_code code = script_run(&script, talk);
        if (!is_stdin)
                fclose(script.file);
        return code;
}

static bool is_interactive(const struct options *options)
{
        return options->file == NULL && *options->words == NULL && !options->json && isatty(STDIN_FILENO) &&
               isatty(STDOUT_FILENO);
}

/* ---- Whom to ------------------------------------------------------------------------- */

/* Until a node of that name, or any node, is there; whoever looks next says what is wrong. */
static void wait_for_node(const struct options *options)
{
        uint64_t end_ns = cop__clock_ns() + (uint64_t)options->wait_ms * COP__NS_PER_MS;
        while (options->wait_ms > 0 && cop__clock_ns() < end_ns) {
                if (options->node != NULL ? node_opens(options->node) : any_node_opens())
                        return;
                nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
        }
}

static enum exit_code talk_to(const struct options *options, const char *node)
{
        struct talk talk;
        enum exit_code code = talk_begin(&talk, node, options->json);
        if (code != EXIT_OK)
                return code;
        if (*options->words != NULL)
                code = run_words(&talk, options->words);
        else if (is_interactive(options))
                code = prompt_run(&talk);
        else
                code = run_file(&talk, options);
        talk_end(&talk);
        return code;
}

/* `coppice dump FILE` */
static enum exit_code print_dump(const struct options *options)
{
        char **words = options->words + 1;
        if (words[0] == NULL || words[1] != NULL) {
                refuse("%s takes one file", "dump");
                return EXIT_USAGE;
        }
        return dump_print(words[0], !options->no_lines);
}

static enum exit_code run(const struct options *options)
{
        char name[COP_NAME_MAX + 1];
        if (options->node == NULL && *options->words != NULL &&
            strcmp(options->words[0], "nodes") == 0 && options->words[1] == NULL)
                return list_nodes(options->json);
        if (options->node == NULL && *options->words != NULL &&
            strcmp(options->words[0], "dump") == 0)
                return print_dump(options);
        wait_for_node(options);
        if (options->node != NULL)
                return talk_to(options, options->node);
        enum exit_code code = choose_node(name, is_interactive(options), options->json);
        return code == EXIT_OK ? talk_to(options, name) : code;
}

int main(int argc, char **argv)
{
        struct options options = { .node = NULL };
        cop__standard_open();
        signal(SIGPIPE, SIG_IGN);
        if (argc < 1 || !read_options(&options, argv + 1)) {
                fprintf(stderr, "coppice --help lists the options\n");
                return EXIT_USAGE;
        }
        if (options.help || options.version) {
                if (options.help)
                        print_usage(stdout);
                else
                        printf("coppice %s\n", COP_VERSION_TEXT);
                return EXIT_OK;
        }
        enum exit_code code = run(&options);
        if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_OK)
                return EXIT_FAILED; /* nobody may have read the result */
        return code;
}
