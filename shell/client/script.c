/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A script: one command a line. Blank lines and lines that begin with % are skipped. The first
 * error ends it, or with --keep-going only the exit code tells of it.
 */
#define _GNU_SOURCE
#include "shell/client/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "shell/client/complain.h"

/* The blanks at the end are the node's to judge: one behind $ is a character. */
static size_t size_without_end(const char *line, ssize_t size)
{
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
                size--;
        return (size_t)size;
}

static bool is_empty(const char *line, size_t size)
{
        size_t blanks = 0;
        while (blanks < size && (line[blanks] == ' ' || line[blanks] == '\t'))
                blanks++;
        return blanks == size || line[blanks] == '%';
}

static void echo(const struct talk *talk, const char *line, size_t size)
{
        char prompt[TALK_PROMPT_MAX];
        printf("%s%.*s\n", talk_prompt(talk, prompt), (int)size, line);
        fflush(stdout);
}

static void say_where_it_stopped(const struct script *script, const struct talk *talk, unsigned long number)
{
        complain(talk->wants_json, "coppice: stopped at line %lu of %s; --keep-going runs on", number,
                 script->name != NULL ? script->name : "standard input");
}

/* True: the script ends here, with *code. */
static bool ends_with(const struct script *script, enum outcome outcome, const struct talk *talk,
                      unsigned long number, enum exit_code *code)
{
        switch (outcome) {
        case OUTCOME_OK:
                return false;
        case OUTCOME_LEAVE:
                return true;
        case OUTCOME_LOST:
                talk_say_lost(talk);
                *code = EXIT_FAILED;
                return true;
        default:
                *code = EXIT_FAILED;
                if (!script->keep_going)
                        say_where_it_stopped(script, talk, number);
                return !script->keep_going;
        }
}

enum exit_code script_run(const struct script *script, struct talk *talk)
{
        enum exit_code code = EXIT_OK;
        char *line = NULL;
        size_t room = 0;
        ssize_t got;
        for (unsigned long number = 1; (got = getline(&line, &room, script->file)) >= 0; number++) {
                size_t size = size_without_end(line, got);
                if (is_empty(line, size))
                        continue;
                if (script->echo)
                        echo(talk, line, size);
                if (ends_with(script, talk_run(talk, line, size), talk, number, &code))
                        break;
        }
        if (ferror(script->file)) {
                complain(talk->wants_json, "coppice: %s cannot be read: %s",
                         script->name != NULL ? script->name : "standard input", strerror(errno));
                code = EXIT_USAGE;
        }
        free(line);
        return code;
}
