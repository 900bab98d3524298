/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where the sockets of nodes lie: each thing that can be wrong there is said in a sentence. Who is at the door is in test_console.c. */
#define _GNU_SOURCE
#include "shell/door.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/cue.h"
#include "tests/descriptors.h"
#include "tests/suite.h"

static char folder[64], sentence[COP__DOOR_SENTENCE];

static void begin_at(const char *runtime)
{
        setenv("XDG_RUNTIME_DIR", runtime, 1);
        sentence[0] = '\0';
}

/* A folder of the test's own, with room for sockets. */
static const char *begin(void)
{
        static char coppice[80];
        strcpy(folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(coppice, sizeof(coppice), "%s/coppice", folder);
        ck_assert_int_eq(mkdir(coppice, 0700), 0);
        begin_at(folder);
        return coppice;
}

static void end(const char *coppice)
{
        ck_assert_int_eq(rmdir(coppice), 0);
        ck_assert_int_eq(rmdir(folder), 0);
}

static void is_refused(cop_status is, cop_status wanted, const char *words)
{
        ck_assert_int_eq(is, wanted);
        ck_assert_msg(strstr(sentence, words) != NULL, "no '%s' in: %s", words, sentence);
}

TEST(a_runtime_folder_with_too_long_a_name_is_refused)
{
        struct cop__door door;
        char outer[400], name[700], longer[250];
        strcpy(folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        memset(longer, 'x', sizeof(longer));
        snprintf(outer, sizeof(outer), "%s/%.*s", folder, (int)sizeof(longer), longer);
        snprintf(name, sizeof(name), "%s/%.*s", outer, (int)sizeof(longer), longer);
        ck_assert_int_eq(mkdir(outer, 0700), 0);
        ck_assert_int_eq(mkdir(name, 0700), 0);
        begin_at(name);
        is_refused(cop__door_open("shop", &door, sentence), COP_E_TOO_BIG, "too long for a folder of sockets");
        ck_assert_int_eq(rmdir(name), 0);
        ck_assert_int_eq(rmdir(outer), 0);
        ck_assert_int_eq(rmdir(folder), 0);
}

TEST(a_folder_that_cannot_be_made_is_named)
{
        struct cop__door door;
        char path[COP__DOOR_DUMP_MAX];
        NEEDS_THE_KERNEL();
        begin_at("/proc/self/fdinfo"); /* it is ours, and nothing can be made there */
        is_refused(cop__door_open("shop", &door, sentence), COP_E_SYSTEM, "/proc/self/fdinfo/coppice: cannot be made");
        ck_assert_int_ne(cop__door_dump("shop", path), COP_OK);
}

TEST(a_socket_at_which_another_program_listens_is_left_to_it)
{
        struct cop__door door;
        const char *coppice = begin();
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/shop.sock", coppice);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        is_refused(cop__door_open("shop", &door, sentence), COP_E_NAME_TAKEN, "shop.sock: another program listens there");
        close(fd);
        ck_assert_int_eq(unlink(address.sun_path), 0);
        end(coppice);
}

/* A listener that accepts nobody, with no room for another who waits. */
static int fill_listener(const char *coppice, struct sockaddr_un *address, int *waits)
{
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        snprintf(address->sun_path, sizeof(address->sun_path), "%s/shop.sock", coppice);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
        ck_assert_int_eq(listen(fd, 0), 0);
        *waits = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(*waits, (struct sockaddr *)address, sizeof(*address)), 0);
        return fd;
}

TEST(who_knocks_where_nobody_is_let_in_waits_no_longer_than_he_would)
{
        struct sockaddr_un address;
        int waits, fd = -1;
        const char *coppice = begin();
        int listener = fill_listener(coppice, &address, &waits);
        is_refused(cop__door_knock("shop", 0, &fd, sentence), COP_E_TIMEOUT, "the node shop does not answer");
        is_refused(cop__door_knock("shop", 1, &fd, sentence), COP_E_TIMEOUT, "the node shop does not answer");
        ck_assert_int_eq(fd, -1);
        close(accept(listener, NULL, NULL));
        ck_assert_int_eq(cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence), COP_OK);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        close(fd);
        close(waits);
        close(listener);
        ck_assert_int_eq(unlink(address.sun_path), 0);
        end(coppice);
}

TEST(a_socket_at_which_another_program_listens_and_lets_nobody_in_is_left_to_it)
{
        struct sockaddr_un address;
        struct cop__door door;
        int waits;
        const char *coppice = begin();
        int listener = fill_listener(coppice, &address, &waits);
        is_refused(cop__door_open("shop", &door, sentence), COP_E_NAME_TAKEN, "shop.sock: another program listens there");
        close(waits);
        close(listener);
        ck_assert_int_eq(unlink(address.sun_path), 0);
        end(coppice);
}

TEST(without_a_descriptor_there_is_no_door_and_nothing_is_left)
{
        struct cop__door door;
        const char *coppice = begin();
        allow(0);
        is_refused(cop__door_open("shop", &door, sentence), COP_E_SYSTEM, "shop.lock: cannot be opened");
        allow(1);
        is_refused(cop__door_open("shop", &door, sentence), COP_E_SYSTEM, "shop.sock: no socket can be made");
        allow_all();
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        cop__door_close(&door);
        end(coppice);
}

static void removes(void *path)
{
        ck_assert_int_eq(unlink(path), 0);
}

/* As the one who had the name does it at his end. A lock on a file that nobody finds would keep nobody away. */
TEST(a_lock_that_is_removed_as_it_is_taken_is_taken_anew)
{
        struct cop__door door, other;
        char path[COP__DOOR_PATH_MAX];
        const char *coppice = begin();
        snprintf(path, sizeof(path), "%s/shop.lock", coppice);
        cue_act("door.has_lock", removes, path);
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        ck_assert(cue_has_come("door.has_lock"));
        is_refused(cop__door_open("shop", &other, sentence), COP_E_NAME_TAKEN, "a node called shop runs already");
        cop__door_close(&door);
        end(coppice);
}

TEST(a_lock_that_cannot_be_written_is_no_lock)
{
        struct cop__door door;
        const char *coppice = begin();
        struct rlimit before, none = { 0, 0 };
        NEEDS_THE_KERNEL();
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        none.rlim_max = before.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
        cop_status status = cop__door_open("shop", &door, sentence);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        is_refused(status, COP_E_SYSTEM, "shop.lock: cannot be written");
        end(coppice);
}

TEST(who_knocks_where_no_door_can_be_is_told_why)
{
        char path[300], file[160];
        int fd = -1;
        const char *coppice = begin();
        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        is_refused(cop__door_knock(path, COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_TOO_BIG, "the path of a socket has");
        snprintf(file, sizeof(file), "%s/file", coppice);
        FILE *made = fopen(file, "w");
        ck_assert_ptr_nonnull(made);
        fclose(made);
        snprintf(path, sizeof(path), "%s/a.sock", file);
        is_refused(cop__door_knock(path, COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_SYSTEM, "does not let us in");
        ck_assert_int_eq(fd, -1);
        unlink(file);
        snprintf(path, sizeof(path), "no node called shop runs: nobody listens at %s/shop.sock", coppice);
        is_refused(cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_NO_NAME, path);
        ck_assert_int_eq(rmdir(coppice), 0);
        snprintf(path, sizeof(path), "no node called shop runs: there is no folder %s", coppice);
        is_refused(cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_NO_NAME, path);
        ck_assert_int_eq(rmdir(folder), 0);
}

TEST(neighbours_that_cannot_be_read_are_no_empty_list)
{
        struct cop__neighbour *neighbours = NULL;
        size_t count = 7;
        const char *coppice = begin();
        allow(0);
        cop_status status = cop__door_neighbours(&neighbours, &count, sentence);
        allow_all();
        is_refused(status, COP_E_SYSTEM, "coppice: cannot be read");
        ck_assert_ptr_null(neighbours);
        end(coppice);
}

TEST(a_link_is_no_neighbour)
{
        struct cop__neighbour *neighbours = NULL;
        struct cop__door door;
        size_t count = 7;
        char path[160];
        const char *coppice = begin();
        snprintf(path, sizeof(path), "%s/other.lock", coppice);
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        ck_assert_int_eq(symlink("shop.lock", path), 0);
        ck_assert_int_eq(cop__door_neighbours(&neighbours, &count, sentence), COP_OK);
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(neighbours[0].name, "shop");
        free(neighbours);
        ck_assert_int_eq(unlink(path), 0);
        cop__door_close(&door);
        end(coppice);
}

TEST(a_name_that_is_too_long_has_no_dump)
{
        char path[COP__DOOR_DUMP_MAX] = "untouched", name[COP_NAME_MAX + 2];
        const char *coppice = begin();
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        ck_assert_int_eq(cop__door_dump(name, path), COP_E_TOO_BIG);
        ck_assert_str_eq(path, "untouched");
        name[COP_NAME_MAX] = '\0';
        ck_assert_int_eq(cop__door_dump(name, path), COP_OK);
        ck_assert_ptr_nonnull(strstr(path, "nnn.dump"));
        end(coppice);
}

TEST(a_name_in_a_sentence_moves_no_terminal)
{
        int fd = -1;
        const char *coppice = begin();
        is_refused(cop__door_knock("shop\033[31m", COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_NO_NAME, "no node called shop?[31m runs");
        end(coppice);
}

/* ---- A folder that is taken away ------------------------------------------------------------------ */

/* As somebody does who clears the folder. */
static void take_away(const struct cop__door *door)
{
        ck_assert_int_eq(unlink(door->path), 0);
        ck_assert_int_eq(unlink(door->lock_path), 0);
}

static bool lets_in(const char *name)
{
        int fd;
        if (cop__door_knock(name, 0, &fd, sentence) != COP_OK)
                return false;
        close(fd);
        return true;
}

TEST(whoever_closes_a_door_that_was_taken_away_leaves_that_of_another_alone)
{
        struct cop__door door, other;
        const char *coppice = begin();
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        take_away(&door);
        ck_assert_int_eq(cop__door_open("shop", &other, sentence), COP_OK);
        cop__door_close(&door);
        ck_assert(lets_in("shop"));
        is_refused(cop__door_open("shop", &door, sentence), COP_E_NAME_TAKEN, "a node called shop runs already");
        cop__door_close(&other);
        end(coppice);
}

TEST(a_door_that_is_there_is_left_as_it_is_and_one_that_is_not_is_opened_anew)
{
        struct cop__door door, other;
        cop_status status = COP_OK;
        const char *coppice = begin();
        ck_assert_int_eq(cop__door_open("shop", &door, sentence), COP_OK);
        ck_assert(!cop__door_look_after("shop", &door, &status, sentence));
        ck_assert_int_eq(unlink(door.lock_path), 0);
        ck_assert(cop__door_look_after("shop", &door, &status, sentence));
        ck_assert_int_eq(status, COP_OK);
        ck_assert(lets_in("shop"));
        take_away(&door);
        ck_assert(!lets_in("shop"));
        ck_assert_int_eq(cop__door_open("shop", &other, sentence), COP_OK);
        ck_assert(cop__door_look_after("shop", &door, &status, sentence));
        is_refused(status, COP_E_NAME_TAKEN, "a node called shop runs already");
        ck_assert_int_lt(door.listener, 0);
        cop__door_close(&other);
        ck_assert(!lets_in("shop"));
        ck_assert(cop__door_look_after("shop", &door, &status, sentence));
        ck_assert_int_eq(status, COP_OK);
        ck_assert(lets_in("shop"));
        cop__door_close(&door);
        cop__door_close(&door); /* which is gone */
        end(coppice);
}

/* The runtime folder itself goes at a logout, and comes at the next login. */
TEST(a_door_moves_to_where_clients_look_when_the_runtime_folder_goes_and_comes)
{
        struct cop__door door;
        cop_status status = COP_OK;
        char name[64], aside[96];
        const char *coppice = begin();
        snprintf(name, sizeof(name), "mover-%ld", (long)getpid()); /* the folder that is left has nodes of others */
        snprintf(aside, sizeof(aside), "%s.aside", folder);
        ck_assert_int_eq(cop__door_open(name, &door, sentence), COP_OK);
        ck_assert_int_eq(rename(folder, aside), 0);
        ck_assert(cop__door_look_after(name, &door, &status, sentence));
        ck_assert_int_eq(status, COP_OK);
        ck_assert_ptr_nonnull(strstr(door.path, "/tmp/coppice-"));
        ck_assert_ptr_null(strstr(door.path, folder));
        ck_assert(lets_in(name));
        ck_assert_int_eq(rename(aside, folder), 0);
        snprintf(aside, sizeof(aside), "%s/%s.sock", coppice, name);
        ck_assert_int_eq(unlink(aside), 0);
        snprintf(aside, sizeof(aside), "%s/%s.lock", coppice, name);
        ck_assert_int_eq(unlink(aside), 0);
        ck_assert(cop__door_look_after(name, &door, &status, sentence));
        ck_assert_int_eq(status, COP_OK);
        ck_assert_ptr_nonnull(strstr(door.path, folder));
        ck_assert(lets_in(name));
        cop__door_close(&door);
        end(coppice);
}
