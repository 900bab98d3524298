/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Threads that wait for another by spinning, and what they do when that takes long. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "tests/suite.h"

static struct cop__lock lock;
static uint32_t may_go; /* atomic */
static int tid;         /* atomic; of the thread that waits; 0: not yet */

static void *waits_for_the_lock(void *unused)
{
        cop__store_release(&tid, (int)gettid());
        cop__lock_lock(&lock);
        cop__lock_unlock(&lock);
        return unused;
}

static void *waits_for_a_word(void *unused)
{
        cop__store_release(&tid, (int)gettid());
        for (unsigned looks = 0; !cop__load_acquire(&may_go); looks++)
                cop__spin_wait(looks);
        return unused;
}

/* Does the kernel say that it sleeps? */
static bool sleeps(void)
{
        char path[64], text[256];
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", cop__load_acquire(&tid));
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return false;
        ssize_t length = read(file, text, sizeof(text) - 1);
        close(file);
        text[length > 0 ? length : 0] = '\0';
        const char *name_end = strrchr(text, ')');
        return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'S';
}

/* One of real-time priority would keep whom it waits for from the processor for ever. */
static void sleeps_in_the_end(void *(*waits)(void *))
{
        pthread_t thread;
        NEEDS_THE_KERNEL();
        cop__lock_lock(&lock);
        ck_assert_int_eq(pthread_create(&thread, NULL, waits, NULL), 0);
        while (!sleeps())
                sched_yield();
        cop__store_release(&may_go, 1);
        cop__lock_unlock(&lock);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

TEST(who_waits_for_a_lock_for_long_sleeps_between_two_looks)
{
        sleeps_in_the_end(waits_for_the_lock);
}

TEST(who_spins_for_another_thread_for_long_sleeps_between_two_looks)
{
        sleeps_in_the_end(waits_for_a_word);
}
