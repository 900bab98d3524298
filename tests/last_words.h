/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a process says that ends itself: the first of it, which is all but the frames of a deep stack. It must abort, or end by that
 * signal.
 *
 *      char text[LAST_WORDS];
 *      last_words(breaks_something, &argument, text);
 *      ck_assert_ptr_nonnull(strstr(text, "broken"));
 */
#ifndef TESTS_LAST_WORDS_H
#define TESTS_LAST_WORDS_H

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"

#define LAST_WORDS 8192

/* However it ends, which is the answer, as waitpid has it. */
static inline int last_words_of(void (*run)(void *argument), void *argument, char text[LAST_WORDS])
{
        int ends[2], status;
        char piece[256];
        size_t length = 0;
        ssize_t more;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
                setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                suite_is_forked();
                dup2(ends[1], STDERR_FILENO);
                close(ends[0]);
                run(argument);
                _exit(0);
        }
        close(ends[1]);
        while ((more = read(ends[0], piece, sizeof(piece))) > 0) { /* to the end, for who writes into nothing ends of that */
                size_t fits = (size_t)more < LAST_WORDS - 1 - length ? (size_t)more : LAST_WORDS - 1 - length;
                memcpy(text + length, piece, fits);
                length += fits;
        }
        text[length] = '\0';
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        return status;
}

static inline void last_words_by(int number, void (*run)(void *argument), void *argument, char text[LAST_WORDS])
{
        int status = last_words_of(run, argument, text);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == number, "it does not end by signal %d, but says: %s", number,
                      text);
}

static inline void last_words(void (*run)(void *argument), void *argument, char text[LAST_WORDS])
{
        last_words_by(SIGABRT, run, argument, text);
}

#endif
