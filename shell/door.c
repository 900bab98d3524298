/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where consoles listen, and how they are found. See door.h. */
#define _GNU_SOURCE
#include "shell/door.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cue.h"
#include "base/text.h"

/* Connections that wait to be accepted; the console refuses at its own limit, with a sentence. */
#define BACKLOG 16

/* Times that a lock file may be pulled away while we open it: each means that another node has
 * just ended. */
#define LOCK_TRIES 64

static COP_PRINTF(3, 4) cop_status refuse(char *sentence, cop_status status, const char *format,
                                          ...)
{
        va_list values;
        va_start(values, format);
        vsnprintf(sentence, COP__DOOR_SENTENCE, format, values);
        va_end(values);
        cop__make_harmless(sentence, strlen(sentence)); /* names and paths are anything */
        return status;
}

/* "PATH: cannot be made: Permission denied" */
static cop_status refuse_system(char *sentence, const char *path, const char *what)
{
        char buffer[128];
        return refuse(sentence, COP_E_SYSTEM, "%s: %s: %s", path, what,
                      strerror_r(errno, buffer, sizeof(buffer)));
}

/* ---- The folder ---------------------------------------------------------------------- */

/* A runtime folder that is not there or is another's is no reason to fail: su and sudo leave the
 * variable behind. */
static bool is_own_folder(const char *path)
{
        struct stat is;
        return path != NULL && path[0] == '/' && stat(path, &is) == 0 && S_ISDIR(is.st_mode) &&
               is.st_uid == geteuid();
}

static cop_status folder_in(const char *runtime, char folder[COP__DOOR_FOLDER_MAX], char *sentence)
{
        int size = is_own_folder(runtime)
                           ? snprintf(folder, COP__DOOR_FOLDER_MAX, "%s/coppice", runtime)
                           : snprintf(folder, COP__DOOR_FOLDER_MAX, "/tmp/coppice-%lu",
                                      (unsigned long)geteuid());
        if (size < 0 || size >= COP__DOOR_FOLDER_MAX)
                return refuse(sentence, COP_E_TOO_BIG,
                              "XDG_RUNTIME_DIR is too long for a folder of sockets: %d bytes",
                              size);
        return COP_OK;
}

static cop_status folder_of_user(char folder[COP__DOOR_FOLDER_MAX], char *sentence)
{
        return folder_in(getenv("XDG_RUNTIME_DIR"), folder, sentence);
}

/* Who may write here could put a socket of his own in ours' place. COP_E_NO_NAME: it is not
 * there. */
static cop_status check_folder(const char *folder, char *sentence)
{
        struct stat is;
        if (lstat(folder, &is) != 0)
                return errno == ENOENT ? COP_E_NO_NAME
                                       : refuse_system(sentence, folder, "cannot be looked at");
        if (!S_ISDIR(is.st_mode))
                return refuse(sentence, COP_E_BAD_ARGUMENT, "%s: is no folder", folder);
        if (is.st_uid != geteuid())
                return refuse(sentence, COP_E_BAD_ARGUMENT,
                              "%s: belongs to user %lu, and not to user %lu", folder,
                              (unsigned long)is.st_uid, (unsigned long)geteuid());
        if ((is.st_mode & 077) != 0)
                return refuse(sentence, COP_E_BAD_ARGUMENT,
                              "%s: others may enter it: its mode is %04o, and should be 0700",
                              folder, (unsigned)(is.st_mode & 07777));
        return COP_OK;
}

static cop_status make_folder(const char *folder, char *sentence)
{
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
                return refuse_system(sentence, folder, "cannot be made");
        cop_status status = check_folder(folder, sentence);
        if (status == COP_E_NO_NAME)
                return refuse(sentence, COP_E_SYSTEM, "%s: was removed as soon as it was made",
                              folder);
        return status;
}

static cop_status socket_path(const char *folder, const char *name, char *path, char *sentence)
{
        int size = snprintf(path, COP__DOOR_PATH_MAX, "%s/%s.sock", folder, name);
        if (size < 0 || (size_t)size >= COP__DOOR_PATH_MAX)
                return refuse(sentence, COP_E_TOO_BIG,
                              "the socket %s/%s.sock would have a path of %d bytes, and %zu is "
                              "the most: set XDG_RUNTIME_DIR to a shorter one",
                              folder, name, size, COP__DOOR_PATH_MAX - 1);
        return COP_OK;
}

/* ---- The lock ------------------------------------------------------------------------ */

static long process_in(int fd)
{
        char text[32];
        ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        return strtol(text, NULL, 10);
}

/* Is the open file still what its path leads to? */
static bool is_at(int fd, const char *path)
{
        struct stat here, there;
        return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
               here.st_ino == there.st_ino;
}

/* Locks belong to the open file, so that two nodes in one process exclude each other, too. */
static bool take_lock(int fd)
{
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool is_locked(int fd)
{
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static cop_status refuse_taken(const char *name, long process, char *sentence)
{
        return refuse(sentence, COP_E_NAME_TAKEN,
                      "a node called %s runs already, in process %ld: --name gives this one "
                      "another name",
                      name, process);
}

static cop_status write_process(int fd)
{
        char text[32];
        int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)size, 0) == size ? COP_OK
                                                                                  : COP_E_SYSTEM;
}

static cop_status lock_name(const char *name, struct cop__door *door, char *sentence)
{
        for (int tries = 0; tries < LOCK_TRIES; tries++) {
                int fd = open(door->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (fd < 0)
                        return refuse_system(sentence, door->lock_path, "cannot be opened");
                if (!take_lock(fd)) {
                        cop_status status = errno == EAGAIN || errno == EACCES
                                                    ? refuse_taken(name, process_in(fd), sentence)
                                                    : refuse_system(sentence, door->lock_path,
                                                                    "cannot be locked");
                        close(fd);
                        return status;
                }
                COP__CUE("door.has_lock");
                if (!is_at(fd, door->lock_path)) {
                        close(fd);
                        continue;
                }
                door->lock = fd;
                if (write_process(fd) == COP_OK)
                        return COP_OK;
                cop_status status = refuse_system(sentence, door->lock_path, "cannot be written");
                unlink(door->lock_path);
                close(fd);
                return status;
        }
        return refuse(sentence, COP_E_SYSTEM, "%s: others keep removing it", door->lock_path);
}

/* ---- The socket ---------------------------------------------------------------------- */

static struct sockaddr_un address_of(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        memcpy(address.sun_path, path, strlen(path) + 1);
        return address;
}

/* How long a connect may wait for room; 0: for ever. */
static bool bound_wait(int fd, int64_t ms)
{
        struct timeval most = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
        return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0;
}

/* -1 with EAGAIN: somebody listens there, and those who wait for him leave no room. */
static int connect_to(const char *path, int64_t patience_ms)
{
        struct sockaddr_un address = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (patience_ms == 0 ? SOCK_NONBLOCK : 0), 0);
        if (fd >= 0 && bound_wait(fd, patience_ms) && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
            bound_wait(fd, 0) && fcntl(fd, F_SETFL, 0) == 0)
                return fd;
        int error = errno;
        if (fd >= 0)
                close(fd);
        errno = error;
        return -1;
}

/* Makes room for the socket. We hold the lock, so what is there is no node's, as a rule. */
static cop_status remove_stale(const char *path, char *sentence)
{
        struct stat is;
        if (lstat(path, &is) != 0)
                return errno == ENOENT ? COP_OK
                                       : refuse_system(sentence, path, "cannot be looked at");
        if (!S_ISSOCK(is.st_mode))
                return refuse(sentence, COP_E_BAD_ARGUMENT,
                              "%s: is no socket, and will not be replaced by one", path);
        int fd = connect_to(path, 0);
        if (fd >= 0 || errno == EAGAIN) {
                if (fd >= 0)
                        close(fd);
                return refuse(sentence, COP_E_NAME_TAKEN, "%s: another program listens there",
                              path);
        }
        if (unlink(path) != 0 && errno != ENOENT)
                return refuse_system(sentence, path, "is stale and cannot be removed");
        return COP_OK;
}

/* The mode is that of the socket's own inode before it has a path, so that it never has another. */
static cop_status listen_at(struct cop__door *door, char *sentence)
{
        struct sockaddr_un address = address_of(door->path);
        cop_status status = remove_stale(door->path, sentence);
        if (status != COP_OK)
                return status;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return refuse_system(sentence, door->path, "no socket can be made");
        if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
                status = refuse_system(sentence, door->path, "cannot be made");
                close(fd);
                return status;
        }
        struct stat is;
        if (chmod(door->path, 0600) != 0 || listen(fd, BACKLOG) != 0 || lstat(door->path, &is) != 0) {
                status = refuse_system(sentence, door->path, "cannot be listened at");
                unlink(door->path);
                close(fd);
                return status;
        }
        door->listener = fd;
        door->device = is.st_dev;
        door->inode = is.st_ino;
        return COP_OK;
}

static void keep_runtime(struct cop__door *door)
{
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        bool fits = runtime != NULL && strlen(runtime) < sizeof(door->runtime);
        strcpy(door->runtime, fits ? runtime : "");
}

static cop_status open_door(const char *name, struct cop__door *door, char *sentence)
{
        char folder[COP__DOOR_FOLDER_MAX];
        cop_status status = folder_in(door->runtime, folder, sentence);
        if (status == COP_OK)
                status = socket_path(folder, name, door->path, sentence);
        if (status == COP_OK)
                status = make_folder(folder, sentence);
        if (status != COP_OK)
                return status;
        snprintf(door->lock_path, sizeof(door->lock_path), "%s/%s.lock", folder, name);
        status = lock_name(name, door, sentence);
        if (status != COP_OK)
                return status;
        status = listen_at(door, sentence);
        if (status != COP_OK) {
                unlink(door->lock_path);
                close(door->lock);
        }
        return status;
}

cop_status cop__door_open(const char *name, struct cop__door *door, char *sentence)
{
        char folder[COP__DOOR_FOLDER_MAX];
        cop_status status = folder_of_user(folder, sentence);
        if (status != COP_OK)
                return status;
        keep_runtime(door);
        return open_door(name, door, sentence);
}

/* What cannot be looked at is taken to be there. */
static bool leads_to(const char *path, dev_t device, ino_t inode)
{
        struct stat is;
        return lstat(path, &is) == 0 ? is.st_dev == device && is.st_ino == inode : errno != ENOENT && errno != ENOTDIR;
}

static bool leads_to_lock(const struct cop__door *door)
{
        struct stat is;
        return fstat(door->lock, &is) != 0 || leads_to(door->lock_path, is.st_dev, is.st_ino);
}

/* Under a path that leads elsewhere now is another's. The lock goes last: until then nobody takes the name. */
void cop__door_close(struct cop__door *door)
{
        if (door->listener < 0)
                return;
        if (leads_to(door->path, door->device, door->inode))
                unlink(door->path);
        close(door->listener);
        if (leads_to_lock(door))
                unlink(door->lock_path);
        close(door->lock);
        door->listener = -1;
        door->lock = -1;
}

/* Would a client look for it there? */
static bool is_in_its_place(const struct cop__door *door, const char *name)
{
        char folder[COP__DOOR_FOLDER_MAX], path[COP__DOOR_PATH_MAX], sentence[COP__DOOR_SENTENCE];
        return folder_in(door->runtime, folder, sentence) != COP_OK || socket_path(folder, name, path, sentence) != COP_OK ||
               strcmp(path, door->path) == 0;
}

bool cop__door_look_after(const char *name, struct cop__door *door, cop_status *status, char *sentence)
{
        struct cop__door next = *door;
        bool is_well = door->listener >= 0 && leads_to(door->path, door->device, door->inode) && leads_to_lock(door);
        if (is_well && is_in_its_place(door, name))
                return false;
        if (!is_well)
                cop__door_close(door);
        *status = open_door(name, &next, sentence);
        if (*status == COP_OK) {
                cop__door_close(door);
                *door = next;
        }
        return true;
}

cop_status cop__door_dump(const char *name, char path[COP__DOOR_DUMP_MAX])
{
        char folder[COP__DOOR_FOLDER_MAX], sentence[COP__DOOR_SENTENCE];
        cop_status status = folder_of_user(folder, sentence);
        if (status == COP_OK)
                status = make_folder(folder, sentence);
        if (status != COP_OK)
                return status;
        if (strlen(name) > COP_NAME_MAX)
                return COP_E_TOO_BIG;
        snprintf(path, COP__DOOR_DUMP_MAX, "%s/%s.dump", folder, name);
        return COP_OK;
}

bool cop__door_admits(int fd)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
               (peer.uid == geteuid() || peer.uid == 0);
}

/* ---- The other side ------------------------------------------------------------------ */

static cop_status path_of_node(const char *name, char *path, char *sentence)
{
        char folder[COP__DOOR_FOLDER_MAX];
        if (strchr(name, '/') != NULL) {
                if (strlen(name) >= COP__DOOR_PATH_MAX)
                        return refuse(sentence, COP_E_TOO_BIG,
                                      "%s: the path of a socket has %zu bytes at most", name,
                                      COP__DOOR_PATH_MAX - 1);
                memcpy(path, name, strlen(name) + 1);
                return COP_OK;
        }
        cop_status status = folder_of_user(folder, sentence);
        if (status == COP_OK)
                status = check_folder(folder, sentence);
        if (status == COP_E_NO_NAME)
                return refuse(sentence, COP_E_NO_NAME, "no node called %s runs: there is no folder %s", name, folder);
        return status == COP_OK ? socket_path(folder, name, path, sentence) : status;
}

cop_status cop__door_knock(const char *name, int64_t patience_ms, int *fd, char *sentence)
{
        char path[COP__DOOR_PATH_MAX];
        cop_status status = path_of_node(name, path, sentence);
        if (status != COP_OK)
                return status;
        *fd = connect_to(path, patience_ms);
        if (*fd >= 0)
                return COP_OK;
        if (errno == EAGAIN)
                return refuse(sentence, COP_E_TIMEOUT, "the node %s does not answer, and others wait for it, too", name);
        if (errno == ENOENT || errno == ECONNREFUSED)
                return refuse(sentence, COP_E_NO_NAME, "no node called %s runs: nobody listens at %s", name, path);
        return refuse_system(sentence, path, "does not let us in");
}

/* "shop.lock" that is locked: a node. */
static bool read_neighbour(int folder, const char *file, struct cop__neighbour *neighbour)
{
        size_t size = strlen(file);
        if (size <= 5 || size - 5 > COP_NAME_MAX || strcmp(file + size - 5, ".lock") != 0)
                return false;
        int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return false;
        bool runs = is_locked(fd);
        neighbour->process = process_in(fd);
        close(fd);
        memcpy(neighbour->name, file, size - 5);
        neighbour->name[size - 5] = '\0';
        return runs;
}

static int by_name(const void *left, const void *right)
{
        return strcmp(((const struct cop__neighbour *)left)->name,
                      ((const struct cop__neighbour *)right)->name);
}

static cop_status read_neighbours(DIR *folder, struct cop__neighbour **neighbours, size_t *count)
{
        struct cop__neighbour *each = NULL;
        size_t room = 0, found = 0;
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
                struct cop__neighbour neighbour;
                if (!read_neighbour(dirfd(folder), entry->d_name, &neighbour))
                        continue;
                if (found == room) {
                        room = 2 * room + 8;
                        struct cop__neighbour *more = realloc(each, room * sizeof(*more));
                        if (more == NULL) {
                                free(each);
                                return COP_E_NO_MEMORY;
                        }
                        each = more;
                }
                each[found++] = neighbour;
        }
        if (found > 0)
                qsort(each, found, sizeof(*each), by_name);
        *neighbours = each;
        *count = found;
        return COP_OK;
}

cop_status cop__door_neighbours(struct cop__neighbour **neighbours, size_t *count, char *sentence)
{
        char path[COP__DOOR_FOLDER_MAX];
        *neighbours = NULL;
        *count = 0;
        cop_status status = folder_of_user(path, sentence);
        if (status == COP_OK)
                status = check_folder(path, sentence);
        if (status != COP_OK)
                return status == COP_E_NO_NAME ? COP_OK : status;
        DIR *folder = opendir(path);
        if (folder == NULL)
                return refuse_system(sentence, path, "cannot be read");
        status = read_neighbours(folder, neighbours, count);
        closedir(folder);
        if (status == COP_E_NO_MEMORY)
                return refuse(sentence, status, "%s", cop_status_text(status));
        return status;
}
