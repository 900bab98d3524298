/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who owns what the system gave: descriptors that are handed to an actor, taken back, and closed in time; what shared bytes are made of; and a
 * lock of the program's own, which an actor holds only while it cannot be interrupted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { cop_bytes picture; } photo;
COP_MESSAGE(photo, picture);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int entries;

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) != -1;
}

static void uses_descriptors(void)
{
        int ends[2];
        if (pipe(ends) != 0)
                return;
        cop_own_fd(ends[0]);
        cop_own_fd(ends[1]);
        printf("it owns %d things\n", (int)cop_owned());
        cop_disown_fd(ends[0]); /* for somebody else, who closes it */
        printf("closed in time: %s\n", cop_status_text(cop_close(ends[1])));
        printf("given away: %s\n", is_open(ends[0]) ? "open still" : "closed");
        close(ends[0]);
}

static void say_farewell(void *thing)
{
        printf("  the end of %s\n", (const char *)thing);
}

static void uses_things(void)
{
        static char umbrella[] = "an umbrella", hat[] = "a hat";
        cop_own("umbrella", say_farewell, umbrella);
        cop_own("hat", say_farewell, hat);
        cop_disown(hat);
}

/* A lock that others wait for on the same thread must not be held by one who is interrupted. */
static void writes_the_book(void)
{
        bool before = cop_no_preempt(true);
        for (int i = 0; i < 1000; i++)
                COP_NO_PREEMPT {
                        pthread_mutex_lock(&mutex);
                        entries++;
                        pthread_mutex_unlock(&mutex);
                }
        cop_no_preempt(before);
}

/* Bytes that messages share and do not copy: made once, and sent to many. */
static void shares_bytes(void)
{
        cop_buffer *buffer = cop_buffer_new(1 << 20);
        if (buffer == NULL)
                return;
        uint8_t *bytes = cop_buffer_data(buffer);
        memset(bytes, 7, 1 << 20);
        cop_send(cop_self(), photo, .picture = cop_buffer_bytes(buffer));
        cop_buffer_drop(buffer); /* the message has its own share */
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(photo));
        const photo *p = cop_read(photo, message);
        printf("a picture of %d KiB, not copied: %s\n", (int)(p->picture.size >> 10), p->picture.data == bytes ? "yes" : "no");
}

static void run_and_wait(void (*run)(void))
{
        cop_wait_group *group = cop_wait_group_open();
        cop_wait_spawn(group, run);
        cop_wait_all(group, COP_FOREVER, NULL);
        cop_wait_group_close(group);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run_and_wait(uses_descriptors);
        run_and_wait(uses_things);
        for (int i = 0; i < 3; i++)
                run_and_wait(writes_the_book);
        printf("%d entries in the book\n", entries);
        shares_bytes();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
