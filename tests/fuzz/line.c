/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A line typed in the shell (shell/shell.c, words.c, command.c, complete.c), on a node with a supervisor and a server to talk to. Whatever
 * is typed, the shell says something printable, and the node goes on.
 */
#include <string.h>

#include <coppice.h>

#include "shell/shell.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shop.h"

/* What asks this user's other nodes. */
static bool is_left_out(const char *line, size_t size)
{
        static const char word[] = "nodes";
        while (size > 0 && strchr(" \t\r\n", *line) && *line) {
                line++;
                size--;
        }
        return size >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

/* The same line for a program: one line of JSON, either way. */
static void run_for_a_program(struct cop__shell *shell, const char *line, size_t size)
{
        shell->wants_json = true;
        bool done = cop__shell_run(shell, line, size);
        const struct cop__text *said = done ? &shell->out : &shell->err;
        FUZZ_ASSERT(said->size > 0 && memchr(said->data, '\n', said->size) == said->data + said->size - 1);
        FUZZ_ASSERT(strchr("{[\"", said->data[0]) != NULL || !done || said->size < 32);
        look_at(said->data, said->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        const char *line = (const char *)bytes;
        struct cop__shell shell;
        struct cop__text candidates;
        size_t from = 0;
        if (is_left_out(line, size))
                return 0;
        begin_shop();
        cop__shell_init(&shell, node);
        cop__shell_run(&shell, line, size);
        look_at(shell.out.data, shell.out.size);
        look_at(shell.err.data, shell.err.size);
        run_for_a_program(&shell, line, size);
        cop__text_init(&candidates);
        cop__shell_complete(&shell, line, size, &from, &candidates);
        FUZZ_ASSERT(from <= size);
        look_at(candidates.data, candidates.size);
        cop__text_fini(&candidates);
        cop__shell_fini(&shell);
        end_shop();
        return 0;
}
