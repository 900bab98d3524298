/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One epoll for all workers. See poll.h. */
#define _GNU_SOURCE
#include "scheduler/poll.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"

/* The mark of the eventfd. */
#define WAKE UINT64_MAX

void cop__poll_init(struct cop__poll *poll)
{
        poll->epoll_fd = poll->wake_fd = -1;
        poll->seat = poll->lively = 0;
        poll->alone = poll->between_turns = false;
        cop__lock_init(&poll->lock);
}

void cop__poll_fini(struct cop__poll *poll)
{
        if (poll->epoll_fd < 0)
                return;
        close(poll->epoll_fd);
        close(poll->wake_fd);
}

static bool is_one_processor(void)
{
        cpu_set_t set;
        return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

/* Under the lock. */
static cop_status open_poll(struct cop__poll *poll)
{
        struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE };
        int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (wake_fd < 0 || epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
                if (wake_fd >= 0)
                        close(wake_fd);
                if (epoll_fd >= 0)
                        close(epoll_fd);
                return COP_E_SYSTEM;
        }
        poll->wake_fd = wake_fd;
        poll->alone = is_one_processor();
        cop__store_release(&poll->epoll_fd, epoll_fd);
        return COP_OK;
}

static cop_status control(struct cop__poll *poll, int how, int fd, uint32_t events, uint64_t mark)
{
        struct epoll_event event = { .events = events | EPOLLET, .data.u64 = mark };
        return epoll_ctl(poll->epoll_fd, how, fd, &event) == 0 ? COP_OK : COP_E_SYSTEM;
}

cop_status cop__poll_add(struct cop__poll *poll, int fd, uint32_t events, uint64_t mark)
{
        cop_status status = COP_OK;
        cop__lock_lock(&poll->lock);
        if (poll->epoll_fd < 0)
                status = open_poll(poll);
        cop__lock_unlock(&poll->lock);
        return status == COP_OK ? control(poll, EPOLL_CTL_ADD, fd, events, mark) : status;
}

cop_status cop__poll_change(struct cop__poll *poll, int fd, uint32_t events, uint64_t mark)
{
        return control(poll, EPOLL_CTL_MOD, fd, events, mark);
}

void cop__poll_remove(struct cop__poll *poll, int fd)
{
        control(poll, EPOLL_CTL_DEL, fd, 0, 0);
}

bool cop__poll_sit(struct cop__poll *poll, unsigned worker)
{
        uint32_t empty = 0;
        return cop__poll_is_open(poll) && cop__load_relaxed(&poll->seat) == 0 &&
               cop__cas_acquire(&poll->seat, &empty, worker + 1);
}

void cop__poll_rise(struct cop__poll *poll)
{
        cop__store_release(&poll->seat, 0); /* pairs with the next one's cas */
}

/* Takes the wake out of what has happened: it was only for us. */
static void forget_wakes(struct cop__poll *poll, struct cop__poll_events *events)
{
        int kept = 0;
        for (int i = 0; i < events->count; i++) {
                uint64_t count;
                if (events->items[i].data.u64 != WAKE)
                        events->items[kept++] = events->items[i];
                else if (read(poll->wake_fd, &count, sizeof(count)) < 0)
                        continue; /* another wait has read it */
        }
        events->count = kept;
}

/* Kernels before 5.11 count in milliseconds: rounded up, a wait is never too short and repeated for nothing. What newer ones have
 * may be forbidden by an older list (seccomp). */
static int wait_until(int epoll_fd, struct epoll_event *items, uint64_t deadline_ns)
{
        if (deadline_ns == UINT64_MAX)
                return epoll_wait(epoll_fd, items, COP__POLL_BATCH, -1);
        uint64_t now_ns = cop__clock_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        struct timespec left = { .tv_sec = (time_t)(left_ns / 1000000000u),
                                 .tv_nsec = (long)(left_ns % 1000000000u) };
        int count = epoll_pwait2(epoll_fd, items, COP__POLL_BATCH, &left, NULL);
        if (count >= 0 || errno == EINTR)
                return count;
        uint64_t left_ms = left_ns / 1000000u + 1;
        return epoll_wait(epoll_fd, items, COP__POLL_BATCH,
                          left_ms > 86400000u ? 86400000 : (int)left_ms);
}

void cop__poll_set_lively(struct cop__poll *poll, bool lively)
{
        lively = lively && !poll->alone;
        if (cop__poll_is_lively(poll) != lively)
                cop__store_relaxed(&poll->lively, lively);
}

void cop__poll_wait(struct cop__poll *poll, struct cop__park *park, uint32_t ticket,
                    uint64_t deadline_ns, struct cop__poll_events *events)
{
        uint64_t since_ns = cop__clock_ns();
        events->count = 0;
        cop__park_poll_begin(park, poll->wake_fd);
        if (cop__park_ticket(park) == ticket)
                events->count = wait_until(poll->epoll_fd, events->items, deadline_ns);
        cop__park_poll_end(park);
        forget_wakes(poll, events);
        if (events->count > 0)
                cop__poll_set_lively(poll, cop__clock_ns() - since_ns < 2 * COP__LINGER_NS);
}

void cop__poll_look(struct cop__poll *poll, struct cop__poll_events *events)
{
        events->count = epoll_wait(poll->epoll_fd, events->items, COP__POLL_BATCH, 0);
        forget_wakes(poll, events);
}
