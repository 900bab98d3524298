/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The file of typed lines. See history_file.h. */
#define _GNU_SOURCE
#include "shell/client/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A thousand lines are some 50 KB as a rule. */
#define LONG_BYTES (1 << 20)

/* Makes each folder above the file, as mkdir -p does; what is there stays as it is. */
static bool make_folders(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
                *slash = '/';
                if (!made)
                        return false;
        }
        return true;
}

char *history_file_path(void)
{
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        char *path = NULL;
        int size = -1;
        if (state != NULL && state[0] == '/')
                size = asprintf(&path, "%s/coppice/history", state);
        else if (home != NULL && home[0] == '/')
                size = asprintf(&path, "%s/.local/state/coppice/history", home);
        if (size < 0)
                return NULL;
        if (make_folders(path))
                return path;
        free(path);
        return NULL;
}

static FILE *open_own(const char *path)
{
        struct stat is;
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return NULL;
        bool is_ours = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_uid == geteuid() &&
                       ((is.st_mode & 077) == 0 || fchmod(fd, 0600) == 0);
        FILE *file = is_ours ? fdopen(fd, "a") : NULL;
        if (file == NULL)
                close(fd);
        return file;
}

/*
 * A line at a time and at its end, so that two shells share the file. libedit's own H_NSAVE_FP, in
 * the versions of 2022, writes the line before once more.
 */
void history_file_add(const char *path, const char *line)
{
        FILE *file = open_own(path);
        if (file == NULL)
                return;
        fseek(file, 0, SEEK_END);
        if (ftell(file) == 0)
                fputs("_HiStOrY_V2_\n", file);
        for (; *line != '\0'; line++) {
                unsigned char byte = (unsigned char)*line;
                bool bare = byte > ' ' && byte < 0x7f && byte != '\\';
                fprintf(file, bare ? "%c" : "\\%03o", byte);
        }
        fputc('\n', file);
        fclose(file);
}

bool history_file_is_long(const char *path)
{
        struct stat is;
        return stat(path, &is) == 0 && is.st_size > LONG_BYTES;
}
