/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The end of the log: standard error, which somebody reads, or nobody.
 *
 * A terminal that is held (Ctrl-S), a pager that does not go on, a process that reads no more: a plain write waits there for
 * ever, and with it the worker that logs, or the watch, and then nothing is preempted. So nothing here waits for long:
 *
 *      there is room ────────────► written
 *      there is none ──► a thread of the node waits COP__LOG_WAIT_MS; the watch, and others, do not
 *             │ still none
 *             └─► lost, and counted; from now on nobody waits
 *                    │ there is room again
 *                    └─► "37 lines of the log before this one were lost: nobody read them", then the next line
 *
 * How: a pipe or a terminal is opened once more for each line, by its name in /proc, without blocking. What standard error is may
 * change at any time, others share it, and O_NONBLOCK is a property of what they share; so it is neither kept nor set. Where it
 * cannot be opened, poll says whether there is room, and others may take that before the write.
 * A line within PIPE_BUF is written whole; of a longer one the rest may be lost, and that counts as lost.
 *
 * A pipe whose reader is gone gives EPIPE and, without it, a SIGPIPE, which is held back and taken: it ends no program.
 */
#ifndef ACTORS_LOG_END_H
#define ACTORS_LOG_END_H

/* Writes a line: the two, and a line feed. Threads: any. errno stays. */
void cop__log_end_write(const char *head, const char *text);

/* The same for a thread that may wait, though it may be none of the node: a heart's, and the one that stops the node. */
void cop__log_end_write_patiently(const char *head, const char *text);

/* Says how many were lost, if that has not been said and there is room. */
void cop__log_end_settle(void);

#endif
