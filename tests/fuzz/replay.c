/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Gives a fuzz target each file of the folders that are named, and each beginning of it: half a file is an input, too. */
#include <dirent.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)

static size_t inputs;

/* In memory of its very size, so that a sanitizer sees a look beyond its end. */
static void give(const uint8_t *bytes, size_t size)
{
        uint8_t *copy = malloc(size > 0 ? size : 1);
        if (copy == NULL)
                abort();
        memcpy(copy, bytes, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
        inputs++;
}

static void give_file(const char *path)
{
        static uint8_t bytes[INPUT_MAX];
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
                perror(path);
                exit(1);
        }
        size_t size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        give(bytes, size);
        for (size_t part = 1; part < 8 && size >= 8; part++)
                give(bytes, size * part / 8);
}

static void give_folder(const char *folder)
{
        char path[4096];
        DIR *dir = opendir(folder);
        if (dir == NULL) {
                perror(folder);
                exit(1);
        }
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                give_file(path);
        }
        closedir(dir);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                give_folder(argv[i]);
        printf("fuzz: %zu inputs\n", inputs);
        return inputs > 0 ? 0 : 1;
}
