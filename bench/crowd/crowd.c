/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The driver of simulated workers. See crowd.h. */
#include "bench/crowd/crowd.h"

#include <stdlib.h>

#include "bench/count/count.h"
#include "scheduler/context.h"

#define THREADS_MAX 64
#define STACK_SIZE 65536
#define YIELDS 8u /* one in so many atomic changes */
#define LINES (1u << 16)

struct thread {
        struct cop__context at;
        void *(*main)(void *);
        void *argument;
        void *here;            /* what the scheduler keeps for it while it does not run */
        uint64_t now_ns;
        struct cop__park *park; /* it sleeps here; NULL: it does not */
        uint32_t ticket;
        uint64_t deadline_ns;
        uint64_t woken_ns;     /* when it will run, once it has been woken */
        bool was_woken;        /* and has run no task since */
        bool ended;
        char *stack;
};

struct line {
        uintptr_t line;
        struct thread *writer;
};

struct crowd_counts crowd_counts;

static struct thread threads[THREADS_MAX];
static unsigned thread_count;
static struct thread *current; /* NULL: the driver, and whoever uses the scheduler from outside */
static struct cop__context driver;
static struct line lines[LINES];
static uint64_t latest_ns, random_state = 1;

/* ---- Switching --------------------------------------------------------------------------- */

static void give_way(void)
{
        struct thread *self = current;
        self->here = crowd_here();
        cop__context_switch(&self->at, &driver);
        crowd_set_here(self->here);
}

static void begin(void *argument)
{
        struct thread *self = argument;
        self->main(self->argument);
        self->ended = true;
        cop__context_leave(&self->at, &driver);
}

static bool is_woken(const struct thread *thread)
{
        return cop__park_ticket(thread->park) != thread->ticket;
}

/* When it can go on; UINT64_MAX: somebody has to wake it first. */
static uint64_t ready_ns(const struct thread *thread)
{
        if (thread->ended)
                return UINT64_MAX;
        if (thread->park == NULL)
                return thread->now_ns;
        if (!is_woken(thread))
                return thread->deadline_ns;
        return thread->woken_ns > thread->now_ns ? thread->woken_ns : thread->now_ns;
}

static struct thread *find_first(void)
{
        struct thread *first = NULL;
        uint64_t first_ns = UINT64_MAX;
        for (unsigned i = 0; i < thread_count; i++) {
                uint64_t ns = ready_ns(&threads[i]);
                if (ns >= first_ns)
                        continue;
                first = &threads[i];
                first_ns = ns;
        }
        return first;
}

static void go_on(struct thread *thread)
{
        thread->now_ns = ready_ns(thread);
        latest_ns = thread->now_ns > latest_ns ? thread->now_ns : latest_ns;
        current = thread;
        cop__context_switch(&driver, &thread->at);
        current = NULL;
        crowd_set_here(NULL);
}

bool crowd_run_until(bool (*holds)(const void *context), const void *context)
{
        while (!holds(context)) {
                struct thread *next = find_first();
                if (next == NULL)
                        return false;
                go_on(next);
        }
        return true;
}

/* ---- In the place of the system's ------------------------------------------------------------ */

bool crowd_thread_begin(pthread_t *thread, void *(*main)(void *), void *argument)
{
        if (thread_count == THREADS_MAX)
                return false;
        struct thread *self = &threads[thread_count];
        *self = (struct thread){ .main = main, .argument = argument, .now_ns = latest_ns,
                                 .stack = malloc(STACK_SIZE) };
        if (self->stack == NULL)
                return false;
        thread_count++;
        cop__context_init(&self->at, self->stack, STACK_SIZE, begin, self);
        *thread = pthread_self();
        return true;
}

static bool all_have_ended(const void *unused)
{
        (void)unused;
        for (unsigned i = 0; i < thread_count; i++)
                if (!threads[i].ended)
                        return false;
        return true;
}

/* All of them end together, so the first one that is waited for waits for all. */
int crowd_thread_join(pthread_t thread, void **result)
{
        (void)thread, (void)result;
        bool ended = crowd_run_until(all_have_ended, NULL);
        for (unsigned i = 0; i < thread_count; i++)
                free(threads[i].stack);
        thread_count = 0;
        return ended ? 0 : 1;
}

uint64_t crowd_clock_ns(void)
{
        return current != NULL ? current->now_ns : latest_ns;
}

void crowd_spend(uint64_t ns)
{
        current->was_woken = false;
        current->now_ns += ns;
        give_way();
}

void crowd_spin_pause(void)
{
        if (current == NULL)
                abort(); /* from outside nobody finds a lock taken, as workers do not rest with one */
        current->now_ns += CROWD_SPIN_NS;
        give_way();
}

void crowd_park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns)
{
        struct thread *self = current;
        if (cop__park_ticket(park) != ticket)
                return;
        if (self->was_woken)
                crowd_counts.futile_wakes++;
        self->park = park;
        self->ticket = ticket;
        self->deadline_ns = deadline_ns;
        self->woken_ns = 0;
        give_way();
        self->was_woken = is_woken(self);
        self->park = NULL;
        if (!self->was_woken)
                crowd_counts.looks++;
}

void crowd_park_wake(struct cop__park *park)
{
        uint64_t now_ns = crowd_clock_ns();
        for (unsigned i = 0; i < thread_count; i++) {
                if (threads[i].park != park || is_woken(&threads[i]))
                        continue;
                crowd_counts.wakes++;
                threads[i].woken_ns = now_ns + CROWD_WAKE_NS + CROWD_SLEEP_NS;
                if (current != NULL)
                        current->now_ns += CROWD_WAKE_NS;
        }
        (cop__park_wake)(park);
}

/* ---- What is written ------------------------------------------------------------------------- */

static bool is_chance(void)
{
        random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        return (random_state >> 33) % YIELDS == 0;
}

/* Before the operation; also from outside, whose writes count as another core's. */
void count_write(struct count_site *site, const volatile void *object)
{
        uintptr_t line = (uintptr_t)object / 64;
        struct line *place = &lines[line * UINT64_C(0x9e3779b97f4a7c15) >> 48];
        bool moved = place->line == line && place->writer != current;
        *place = (struct line){ line, current };
        crowd_counts.writes++;
        crowd_counts.locked += site->locked;
        crowd_counts.moved += moved;
        if (current == NULL)
                return;
        current->now_ns += moved ? CROWD_MOVE_NS : site->locked ? CROWD_LOCKED_NS : 0;
        if (site->locked && is_chance())
                give_way();
}
