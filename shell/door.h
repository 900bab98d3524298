/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The door of a node: a UNIX socket whose place follows from the node's name, so that a client
 * finds it.
 *
 *      $XDG_RUNTIME_DIR/coppice/     0700, ours; or /tmp/coppice-UID/ without that variable
 *              NAME.sock             0600: the socket
 *              NAME.lock             0600: the process id, and a lock for as long as the node lives
 *
 * The lock decides who is called NAME: it goes with its process, however that ends, so a socket
 * without it is a leftover and is replaced. Lock files are unlinked by their holder; whoever opened
 * one just before finds that the name leads elsewhere, and begins again.
 *
 * A folder may be taken away with all that is in it, as $XDG_RUNTIME_DIR is when its user logs out. Then nobody finds the node,
 * and another may have its name: what is removed is only what is still one's own, and who keeps a door looks after it now and then.
 *
 * Everything here is told in sentences: `sentence` takes COP__DOOR_SENTENCE bytes.
 */
#ifndef SHELL_DOOR_H
#define SHELL_DOOR_H

#include <sys/types.h>
#include <sys/un.h>

#include <coppice/actor.h>

#define COP__DOOR_SENTENCE 512
#define COP__DOOR_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path))
/* Bytes for the name of a folder; longer than any path of a socket that works. */
#define COP__DOOR_FOLDER_MAX 512

struct cop__door {
        int listener; /* listens; does not block; -1: the door is gone, and there was no other */
        int lock;     /* held; -1: likewise */
        dev_t device; /* what was made at `path`: it is no other's as long as it is listened at */
        ino_t inode;
        char runtime[COP__DOOR_FOLDER_MAX]; /* what XDG_RUNTIME_DIR said; "": nothing */
        char path[COP__DOOR_PATH_MAX];
        char lock_path[COP__DOOR_FOLDER_MAX + COP_NAME_MAX + 8];
};

/*
 * Opens the door of the node called `name`, in its folder, which is made if need be.
 * Errors, each with its sentence: COP_E_NAME_TAKEN (a node of that name runs), COP_E_TOO_BIG (the
 * path is too long for a socket), COP_E_BAD_ARGUMENT (the folder, or what lies in the socket's
 * place, is not as it should be), COP_E_SYSTEM.
 */
cop_status cop__door_open(const char *name, struct cop__door *door, char *sentence);
void cop__door_close(struct cop__door *door); /* may be gone */

/*
 * Is the door still where clients of this user look? If not, as its folder was taken away or there is one again, it is opened
 * anew, there. True: that was tried. With an error, as of cop__door_open, a door that is gone has no listener any more: look
 * again later.
 */
bool cop__door_look_after(const char *name, struct cop__door *door, cop_status *status, char *sentence);

/*
 * Where a node of that name writes its dump: NAME.dump in its folder, which is made if need be.
 * Errors: as cop__door_open, for the folder, and COP_E_TOO_BIG for a name; it is not told in a sentence, since the console's is.
 */
#define COP__DOOR_DUMP_MAX (COP__DOOR_FOLDER_MAX + COP_NAME_MAX + 8)
cop_status cop__door_dump(const char *name, char path[COP__DOOR_DUMP_MAX]);

/* May the process at the other end of this socket come in? It must be of our user, or root. */
bool cop__door_admits(int fd);

/*
 * Connects to the node of that name; a name with a slash is the path of its socket. A node that lets nobody in, since it is stopped
 * or has no descriptors, has room for some that wait; who finds none waits for it for `patience_ms`; 0: not at all.
 * Errors: COP_E_NO_NAME (no such node), COP_E_TIMEOUT, COP_E_TOO_BIG, COP_E_BAD_ARGUMENT, COP_E_SYSTEM.
 */
cop_status cop__door_knock(const char *name, int64_t patience_ms, int *fd, char *sentence);

/* How long whoever wants to talk to a node waits until it answers: what takes longer is no console, or is stopped in a debugger. */
#define COP__DOOR_PATIENCE_MS 10000

/* A node of this user that runs. */
struct cop__neighbour {
        char name[COP_NAME_MAX + 1];
        long process;
};

/*
 * The nodes of this user, by name. Ownership: the caller ends *neighbours with free().
 * Errors: COP_E_BAD_ARGUMENT (the folder is not as it should be), COP_E_NO_MEMORY, COP_E_SYSTEM.
 */
cop_status cop__door_neighbours(struct cop__neighbour **neighbours, size_t *count, char *sentence);

#endif
