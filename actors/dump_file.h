/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The file of a dump: records, written one by one by a process that is about to die.
 *
 *      "coppice dump 1\n"
 *      length (4 bytes, the highest first)  a MessagePack map with "what" in it      the first record
 *      length                               ...                                      the next
 *
 * Each record leaves with one write. So what is there is whole up to the last record, whatever stopped the writing: a full
 * disk, the time that was up, one more fault. A file that is complete ends with a record "end".
 *
 * Everything here that writes may be called in a signal handler: it allocates nothing and takes no lock.
 */
#ifndef ACTORS_DUMP_FILE_H
#define ACTORS_DUMP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

#include <coppice/id.h>

#define COP__DUMP_MAGIC "coppice dump 1\n"

/* Bytes of a record, and of its longest text; what is longer is cut. */
#define COP__DUMP_RECORD_MAX 8192u
#define COP__DUMP_TEXT_MAX 1024u

/* Bytes of a path, with the NUL. */
#define COP__DUMP_PATH_MAX 1024u

struct cop__dump_file {
        int fd; /* -1: not open */
        int error; /* errno of what went wrong first; 0: nothing has */
        uint64_t records;
};

struct cop__dump_record {
        msgpack_packer packer;
        uint32_t pairs;
        uint32_t size;
        bool is_full; /* pairs have been left out */
        uint8_t bytes[COP__DUMP_RECORD_MAX];
};

/*
 * Makes a new file with mode 0600 and puts it in the path's place: what was there is gone, be it a link, and nothing is
 * ever written through it. False: `error` says why; then nothing has changed but that an older dump may be gone.
 */
bool cop__dump_open(struct cop__dump_file *file, const char *path);
void cop__dump_close(struct cop__dump_file *file);

void cop__dump_begin(struct cop__dump_record *record, const char *what);
void cop__dump_add_bytes(struct cop__dump_record *record, const char *key, const void *bytes,
                         size_t size);
void cop__dump_add_text(struct cop__dump_record *record, const char *key, const char *text);
void cop__dump_add_number(struct cop__dump_record *record, const char *key, uint64_t value);
void cop__dump_add_pid(struct cop__dump_record *record, const char *key, cop_pid pid);

/* Writes it. After a failure nothing more is written. */
void cop__dump_end(struct cop__dump_file *file, struct cop__dump_record *record);

#endif
