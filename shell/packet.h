/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Packets: how the client and the console talk over their socket.
 *
 *      ┌ 1 ──┬ 4 ─────────────────────┬ length ─┐
 *      │type │ length, big-endian     │ body    │
 *      └─────┴────────────────────────┴─────────┘
 *
 * The client asks one thing at a time and reads packets until DONE (or CANDIDATES). What either
 * side believes of the other is the length only as far as its own limit. docs/shell.md has the
 * whole conversation.
 */
#ifndef SHELL_PACKET_H
#define SHELL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cop__packet_type {
        /* from the client */
        COP__PACKET_RUN = 'R',       /* a command line */
        COP__PACKET_RUN_JSON = 'J',  /* the same; its answer, or its complaint, is one JSON value */
        COP__PACKET_COMPLETE = 'C',  /* the beginning of one, up to the cursor */
        COP__PACKET_NEWS = 'N',      /* from here on, tell of crashes unasked */
        COP__PACKET_INTERRUPT = 'X', /* end the wait of the command that runs */
        /* from the console */
        COP__PACKET_GREETING = 'G',   /* protocol, node, pid and version, a line each */
        COP__PACKET_OUT = 'o',        /* for standard output */
        COP__PACKET_ERR = 'e',        /* for standard error */
        COP__PACKET_DONE = 'd',       /* one byte, an enum cop__done: the answer is complete */
        COP__PACKET_CANDIDATES = 'c', /* where the word begins, then candidates, a line each */
        COP__PACKET_REPORT = 'n',     /* news */
};

enum cop__done {
        COP__DONE_OK = 0,
        COP__DONE_FAILED,
        COP__DONE_LEAVE, /* the command was quit */
};

/* The first line of a greeting. */
#define COP__PROTOCOL "coppice-console 1"

/* Bytes of a request: a term typed or pasted, and nothing that could hurt the node. */
#define COP__REQUEST_MAX ((size_t)1 << 20)
/* Bytes of one packet of an answer; longer answers are several. */
#define COP__ANSWER_PART ((size_t)1 << 16)

/* Candidates in one answer; more would fill the screen and help nobody. What these have in common all have. */
#define COP__CANDIDATES_MAX 200

struct cop__packet {
        int type;
        char *body; /* malloc'ed, with a NUL behind it */
        size_t size;
};

enum cop__packet_status {
        COP__PACKET_READ = 0,
        COP__PACKET_CLOSED,    /* between two packets */
        COP__PACKET_BROKEN,    /* in the middle of one, or the socket failed */
        COP__PACKET_TOO_BIG,   /* longer than the limit; nothing of the body was read */
        COP__PACKET_TOO_SLOW,
        COP__PACKET_NO_MEMORY,
};

/*
 * Reads one packet from a socket. Once its first byte is there, all of it must come within
 * `patience_ms`; below 0 is for ever.
 * Ownership: on COP__PACKET_READ the caller owns packet->body and ends it with free(). Of what is refused (too big, too slow, no
 * memory) packet->type is set if it was read.
 */
enum cop__packet_status cop__packet_read(int fd, size_t limit, int64_t patience_ms,
                                       struct cop__packet *packet);

/* Writes one packet, all of it. False: the other side is gone. */
bool cop__packet_write(int fd, int type, const void *body, size_t size);

/* Writes packets of one type for a text of any length, none for an empty one. */
bool cop__packet_write_parts(int fd, int type, const char *text, size_t size);

#endif
